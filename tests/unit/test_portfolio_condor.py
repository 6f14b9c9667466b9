"""The model condor: rolled, struck, sized, marked and settled by the rules, on data known at each session."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.support.condor import FIRST, LAST, NEXT_ROLL, ROLL, SETTINGS, VALUES, at, make_market, put, wandering
from transforms.portfolio.condor import MARKET_COLUMNS, simulate_condor
from transforms.portfolio.cycles import LEGS
from transforms.portfolio.expiries import spx_monthly_expiries
from transforms.portfolio.models import compute_condor_cycles, compute_condor_sessions
from transforms.portfolio.settings import PARAMETER_OF, CondorSettings, condor_settings
from transforms.portfolio.volatility import compute_leg_volatility, compute_vix_term_level

# The worked example of docs/book.md, computed there by hand.
EXAMPLE = {
    "long_put": (4550.0, 0.21716, -0.0504, 6.4902, 1.4372),
    "short_put": (4800.0, 0.19041, -0.1978, 29.7817, 3.8494),
    "short_call": (5195.0, 0.15087, 0.2018, 23.1481, 3.8963),
    "long_call": (5340.0, 0.13711, 0.0497, 3.8883, 1.4219),
}


@pytest.mark.parametrize(
    ("year", "month", "expiry"),
    [
        (2008, 3, date(2008, 3, 20)),  # Good Friday
        (2014, 4, date(2014, 4, 17)),
        (2026, 6, date(2026, 6, 18)),  # Juneteenth
        (2024, 1, date(2024, 1, 19)),
    ],
)
def test_expiry_is_the_third_friday_or_the_session_before(year: int, month: int, expiry: date) -> None:
    assert spx_monthly_expiries(date(year, month, 28), date(year, month, 28)) == (expiry,)


def test_expiry_without_a_session_around_is_an_error() -> None:
    with pytest.raises(ValueError, match="do the sessions cover it"):
        spx_monthly_expiries(FIRST, FIRST, [date(2024, 3, 1)])


def test_term_level_goes_through_the_indices_and_is_flat_outside() -> None:
    days = [1, 9, 30, 93, 400]
    np.testing.assert_allclose(compute_vix_term_level(days, 20.0, 16.0, 24.0), [0.16, 0.16, 0.20, 0.24, 0.24])


def test_term_level_is_linear_in_total_variance() -> None:
    wanted = math.sqrt((16**2 * 9 * 0.5 + 20**2 * 30 * 0.5) / 19.5) / 100
    assert compute_vix_term_level(19.5, 20.0, 16.0, math.nan) == pytest.approx(wanted)


@pytest.mark.parametrize("days", [3, 20, 60])
def test_term_level_without_the_other_indices_is_flat(days: int) -> None:
    assert compute_vix_term_level(days, 20.0, math.nan, 0.0) == pytest.approx(0.20)


@pytest.mark.parametrize("vix", [math.nan, 0.0, -1.0, math.inf])
@pytest.mark.parametrize("days", [5, 60])
def test_term_level_without_vix_is_nan(vix: float, days: int) -> None:
    assert np.isnan(compute_vix_term_level(days, vix, 16.0, 24.0))


def test_leg_volatility_falls_with_the_strike_to_a_floor() -> None:
    found = compute_leg_volatility([-0.1, 0.0, 0.1, 0.3, math.nan], 0.2, SETTINGS)
    np.testing.assert_allclose(found, [0.22, 0.17, 0.12, 0.05, math.nan])


def test_condor_of_the_worked_example_is_that_of_the_doc() -> None:
    row = at(simulate_condor(make_market(), SETTINGS), ROLL)
    years, rate = 28 / 365, -math.log(1 - 0.05 * 91 / 360) * 365 / 91
    credit = 0.0
    for leg, (strike, volatility, delta, value, vega) in EXAMPLE.items():
        sign = 1 if leg.endswith("call") else -1
        assert 0.85 * 0.2 - 0.5 * math.log(strike / 5000) == pytest.approx(volatility, abs=5e-6)
        total = volatility * math.sqrt(years)
        d1 = (math.log(5000 / strike) + (rate - 0.018) * years) / total + total / 2
        spot = 5000 * math.exp(-0.018 * years)
        by_hand = sign * (spot * _normal(sign * d1) - strike * math.exp(-rate * years) * _normal(sign * (d1 - total)))
        assert by_hand == pytest.approx(value, abs=3e-3)
        assert sign * math.exp(-0.018 * years) * _normal(sign * d1) == pytest.approx(delta, abs=5e-5)
        density = math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
        assert spot * density * math.sqrt(years) / 100 == pytest.approx(vega, abs=1e-4)
        assert row[f"{leg}_strike_pts"] == strike
        assert row[f"{leg}_value_pts"] == pytest.approx(value, abs=5e-5)
        credit += value if leg.startswith("short") else -value
    assert row["contracts"] == 4
    assert row["credit_usd"] == pytest.approx(credit * 400, abs=0.05)
    assert row["largest_loss_usd"] == pytest.approx((250 - credit) * 400, abs=0.05)
    assert row["vega_usd_per_vol_pt"] == pytest.approx(-1954.67, abs=0.01)
    assert row["vega_usd_per_vix_pt"] == pytest.approx(-1661.47, abs=0.01)
    assert row["mark_usd"] == pytest.approx(-row["credit_usd"])


def test_strikes_are_the_listed_ones_nearest_to_the_deltas() -> None:
    row = at(simulate_condor(make_market(), SETTINGS), ROLL)
    finer = at(simulate_condor(make_market(), condor_settings(VALUES | {"condor_strike_step_pts": 0.01})), ROLL)
    for leg in LEGS:
        assert abs(row[f"{leg}_strike_pts"] - finer[f"{leg}_strike_pts"]) < 5
        assert row[f"{leg}_strike_pts"] % 5 == 0


def test_strikes_far_from_the_money_are_multiples_of_25() -> None:
    row = at(simulate_condor(make_market(vix_close_pts=82.7), SETTINGS), ROLL)
    assert math.log(row["long_put_strike_pts"] / 5000) < -0.2
    assert [row[f"{leg}_strike_pts"] % 25 for leg in ("long_put", "long_call")] == [0, 0]


def test_condor_is_settled_and_opened_anew_on_the_roll_session() -> None:
    path = simulate_condor(make_market(), SETTINGS)
    before, roll = at(path, date(2024, 2, 15)), at(path, NEXT_ROLL)
    assert (before["opened_date"].date(), before["expiry_date"].date()) == (ROLL, NEXT_ROLL)
    assert (roll["opened_date"].date(), roll["expiry_date"].date()) == (NEXT_ROLL, date(2024, 3, 15))
    assert roll["settled_pnl_usd"] == pytest.approx(before["credit_usd"])


@pytest.mark.parametrize(
    ("close", "result"),
    [
        (4700.0, -100 * 400),  # through the short put by 100 points
        (4800.0, 0.0),
        (4000.0, -250 * 400),  # through both puts
        (5295.0, -100 * 400),
        (6000.0, -145 * 400),
    ],
)
def test_settlement_is_credit_minus_intrinsic_value_of_the_close(close: float, result: float) -> None:
    path = simulate_condor(put(make_market(), NEXT_ROLL, "spx_close_pts", close), SETTINGS)
    assert at(path, NEXT_ROLL)["settled_pnl_usd"] == pytest.approx(17_020.47 + result, abs=0.01)


def test_daily_gains_add_up_to_the_result_of_each_month() -> None:
    path = simulate_condor(wandering(date(2010, 1, 4), date(2016, 12, 30)), SETTINGS)
    rows = path.sessions.set_index("trade_date")
    for cycle in path.cycles[path.cycles["cycle_status"] == "settled"].itertuples():
        held = rows.loc[cycle.opened_date : cycle.expiry_date].iloc[1:]
        assert held["pnl_usd"].sum() == pytest.approx(cycle.cycle_pnl_usd, abs=1e-6)


def test_gains_of_the_legs_add_up_to_the_gain() -> None:
    rows = simulate_condor(wandering(date(2010, 1, 4), date(2012, 12, 31)), SETTINGS).sessions
    known = rows[rows["pnl_status"] == "ok"]
    np.testing.assert_allclose(known[[f"{leg}_pnl_usd" for leg in LEGS]].sum(axis=1), known["pnl_usd"], atol=1e-8)
    assert len(known) > 700


def test_largest_loss_is_within_the_share_and_no_result_is_beyond_it() -> None:
    cycles = simulate_condor(wandering(date(2006, 1, 3), date(2016, 12, 30)), SETTINGS).cycles
    settled = cycles[cycles["cycle_status"] == "settled"]
    assert (cycles["largest_loss_usd"] <= 0.1 * SETTINGS.nav_usd + 1e-6).all()
    assert (settled["cycle_pnl_usd"] >= -settled["largest_loss_usd"] - 1e-6).all()
    assert (settled["cycle_pnl_usd"] < 0).any()


def test_greeks_are_the_slopes_of_the_mark() -> None:
    day, flat = date(2024, 2, 1), condor_settings(VALUES | {"condor_skew_slope": 0.0})
    market = make_market(last=day)

    def mark(column: str, value: float) -> float:
        return float(at(simulate_condor(put(market, day, column, value), flat), day)["mark_usd"])

    row = at(simulate_condor(market, flat), day)
    # without a skew the volatility of a strike does not move with the index
    up, down = mark("spx_close_pts", 5000.5), mark("spx_close_pts", 4999.5)
    assert row["delta_usd_per_pt"] == pytest.approx(up - down, rel=1e-4)
    assert row["gamma_usd_per_pt2"] == pytest.approx((up - 2 * row["mark_usd"] + down) * 4, rel=1e-3)
    change = mark("vix_close_pts", 20.05) - mark("vix_close_pts", 19.95)
    assert row["vega_usd_per_vix_pt"] == pytest.approx(change * 10, rel=1e-4)


def test_theta_is_the_gain_of_a_quiet_day() -> None:
    path = simulate_condor(make_market(), SETTINGS)
    day, following = at(path, date(2024, 1, 23)), at(path, date(2024, 1, 24))
    assert following["pnl_usd"] == pytest.approx(day["theta_usd_per_day"], rel=0.05)


@pytest.mark.parametrize(
    ("column", "note"),
    [
        ("spx_close_pts", "no_spx_close"),
        ("vix_close_pts", "no_vix_close"),
        ("bill_discount_rate_frac", "no_bill_rate"),
    ],
)
def test_session_without_an_input_has_no_mark_and_is_spanned(column: str, note: str) -> None:
    gap, after = date(2024, 2, 6), date(2024, 2, 7)
    whole = simulate_condor(wandering(FIRST, LAST), SETTINGS)
    holed = simulate_condor(put(wandering(FIRST, LAST), gap, column, math.nan), SETTINGS)
    row = at(holed, gap)
    assert (row["condor_status"], row["condor_note"], row["pnl_status"]) == ("absent", note, "absent")
    assert math.isnan(row["mark_usd"])
    assert math.isnan(row["pnl_usd"])
    assert at(holed, after)["pnl_from_date"].date() == date(2024, 2, 5)
    assert at(holed, after)["pnl_usd"] == pytest.approx(at(whole, gap)["pnl_usd"] + at(whole, after)["pnl_usd"])


def test_close_of_zero_is_missing() -> None:
    path = simulate_condor(put(make_market(), date(2024, 2, 6), "vix_close_pts", 0.0), SETTINGS)
    assert at(path, date(2024, 2, 6))["condor_note"] == "no_vix_close"


def test_session_missing_from_the_market_is_spanned_and_not_invented() -> None:
    market = make_market()
    holed = simulate_condor(market[market["trade_date"] != pd.Timestamp("2024-02-06")], SETTINGS)
    assert pd.Timestamp("2024-02-06") not in set(holed.sessions["trade_date"])
    assert at(holed, date(2024, 2, 7))["pnl_from_date"].date() == date(2024, 2, 5)


def test_condor_without_data_on_the_roll_session_is_opened_later() -> None:
    path = simulate_condor(put(make_market(), ROLL, "vix_close_pts", math.nan), SETTINGS)
    assert at(path, ROLL)["condor_note"] == "no_vix_close"
    assert at(path, date(2024, 1, 22))["opened_date"].date() == date(2024, 1, 22)


def test_condor_without_data_for_too_long_is_not_opened() -> None:
    market = make_market()
    is_blind = market["trade_date"].between("2024-01-19", "2024-01-26")
    market.loc[is_blind, "vix_close_pts"] = math.nan
    path = simulate_condor(market, SETTINGS)
    assert at(path, date(2024, 1, 29))["condor_note"] == "not_opened"
    assert list(path.cycles["cycle_status"][:2]) == ["absent", "settled"]
    assert at(path, NEXT_ROLL)["condor_status"] == "ok"


def test_condor_without_a_close_on_its_expiry_has_no_result() -> None:
    path = simulate_condor(put(make_market(), NEXT_ROLL, "spx_close_pts", math.nan), SETTINGS)
    assert path.cycles["cycle_status"].iloc[0] == "not_settled"
    assert math.isnan(path.cycles["cycle_pnl_usd"].iloc[0])
    # the next one is opened a session later, and owes nothing to the one that could not be settled
    later = at(path, date(2024, 2, 20))
    assert (later["opened_date"].date(), later["pnl_status"]) == (date(2024, 2, 20), "absent")


def test_account_too_small_for_one_condor_has_none() -> None:
    path = simulate_condor(make_market(), condor_settings(VALUES, nav_usd=200_000))
    row = at(path, ROLL)
    assert (row["condor_status"], row["condor_note"]) == ("absent", "below_one_contract")
    assert path.sessions["mark_usd"].isna().all()


def test_condor_whose_strikes_coincide_is_not_constructible() -> None:
    row = at(simulate_condor(make_market(spx_close_pts=60.0, vix_close_pts=9.0), SETTINGS), ROLL)
    assert (row["condor_status"], row["condor_note"]) == ("absent", "not_constructible")


def test_sessions_before_the_first_roll_are_warming_up() -> None:
    row = simulate_condor(make_market(), SETTINGS).sessions.iloc[0]
    assert (row["condor_status"], row["condor_note"]) == ("warming_up", "before_the_first_roll")


def test_futures_only_session_is_kept_without_a_mark() -> None:
    extra = pd.DataFrame({"trade_date": [pd.Timestamp("2024-02-04")], "vix_close_pts": [20.0]})
    path = simulate_condor(pd.concat([make_market(), extra], ignore_index=True), SETTINGS)
    assert at(path, date(2024, 2, 4))["condor_note"] == "no_spx_close"


def test_empty_market_has_no_rows() -> None:
    path = simulate_condor(make_market().iloc[:0], SETTINGS)
    assert (len(path.sessions), len(path.cycles)) == (0, 0)


def test_market_with_two_rows_of_a_session_is_refused() -> None:
    with pytest.raises(ValueError, match="one row for each trade_date"):
        simulate_condor(pd.concat([make_market()] * 2), SETTINGS)


@pytest.mark.parametrize("cut", ["2011-03-17", "2011-03-18", "2011-03-21", "2011-04-14", "2011-05-03"])
def test_later_data_change_no_earlier_row(cut: str) -> None:
    market = wandering(date(2010, 1, 4), date(2012, 12, 31))
    moved = market.copy()
    is_later = moved["trade_date"] > cut
    moved.loc[is_later, list(MARKET_COLUMNS)] = moved.loc[is_later, list(MARKET_COLUMNS)] * [0.7, 1.9, 2.0, 0.5, 3.0]
    moved.loc[is_later & (moved.index % 7 == 0), "vix_close_pts"] = math.nan
    rows = [simulate_condor(frame, SETTINGS).sessions for frame in (market, moved, market[~is_later])]
    first, second, short = (frame[frame["trade_date"] <= cut] for frame in rows)
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(first, short)


def test_status_is_ok_exactly_where_there_is_a_value() -> None:
    market = wandering(date(2010, 1, 4), date(2012, 12, 31))
    market.loc[market.index % 11 == 0, "vix_close_pts"] = math.nan
    market.loc[market.index % 13 == 0, "spx_close_pts"] = math.nan
    rows = simulate_condor(market, SETTINGS).sessions
    values = ["mark_usd", "delta_usd_per_pt", "gamma_usd_per_pt2", "vega_usd_per_vix_pt", "theta_usd_per_day"]
    for name in values:
        assert ((rows["condor_status"] == "ok") == rows[name].notna()).all(), name
    assert ((rows["pnl_status"] == "ok") == rows["pnl_usd"].notna()).all()
    assert ((rows["condor_status"] == "ok") == rows["condor_note"].isna()).all()


def test_models_give_what_the_simulation_gives() -> None:
    market = make_market()
    frame = market.assign(**{name: VALUES[name] for name in PARAMETER_OF.values()})
    path = simulate_condor(market, SETTINGS)
    pd.testing.assert_frame_equal(compute_condor_sessions(frame), path.sessions)
    pd.testing.assert_frame_equal(compute_condor_cycles(frame), path.cycles)
    assert len(compute_condor_sessions(frame.iloc[:0])) == 0


@pytest.mark.parametrize("field", [name for name in PARAMETER_OF if name != "open_latest_sessions"])
def test_settings_refuse_what_is_no_number(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        condor_settings(VALUES | {PARAMETER_OF[field]: math.nan})


def test_settings_refuse_wings_inside_of_the_short_strikes() -> None:
    with pytest.raises(ValueError, match="wing_delta"):
        CondorSettings(**{**SETTINGS.__dict__, "wing_delta": 0.25})


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
