"""Implied futures, volatilities, skew and term structure, from chains whose truth is known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from tests.support.options import (
    BILL_RATE,
    SESSION,
    flat,
    make_bills,
    make_quotes,
    make_settlements,
    tilted,
)
from transforms.options.black76 import compute_black76_delta
from transforms.options.implied import compute_discount, compute_years_to_settlement, match_bill_rates
from transforms.options.implied import weighted_medians as medians
from transforms.options.rules import DEFAULT_RULES
from transforms.options.tables import (
    EXPIRY_DTYPES,
    SESSION_DTYPES,
    compute_chain_expiries,
    compute_chain_sessions,
    compute_chain_tables,
)

OCTOBER, NOVEMBER = date(2025, 10, 22), date(2025, 11, 19)
WEEKLY = date(2025, 10, 1)


def expiry_of(quotes: pd.DataFrame, *settlements: tuple[date, date, float]) -> pd.Series:
    found = compute_chain_expiries(quotes, make_settlements(*settlements), make_bills())
    assert len(found) == 1
    return found.iloc[0]


def session_of(*quotes: pd.DataFrame, settlements: pd.DataFrame | None = None) -> pd.Series:
    settled = make_settlements() if settlements is None else settlements
    found = compute_chain_sessions(compute_chain_expiries(pd.concat(quotes), settled, make_bills()))
    assert len(found) == 1
    return found.iloc[0]


# ---- time and money ----


def test_time_runs_from_the_close_to_the_settlement_morning() -> None:
    assert compute_years_to_settlement(np.array([1])) * 365 * 24 == pytest.approx(17.25)


def test_discount_of_ninety_one_days_is_the_price_of_the_bill() -> None:
    assert compute_discount(np.array([0.05]), np.array([91 / 365])) == pytest.approx(1 - 0.05 * 91 / 360)


@pytest.mark.parametrize(
    ("observed", "known"),
    [(SESSION - timedelta(days=1), True), (SESSION, False), (SESSION - timedelta(days=11), False)],
)
def test_bill_rate_is_one_of_the_days_before(observed: date, known: bool) -> None:
    bills = pd.DataFrame({"observation_date": [pd.Timestamp(observed)], "bill_discount_rate_frac": [0.04]})
    found = match_bill_rates(pd.Series([pd.Timestamp(SESSION)]), bills, DEFAULT_RULES)
    assert np.isfinite(found).tolist() == [known]


def test_expiry_without_a_bill_rate_has_no_future() -> None:
    bills = make_bills().iloc[:0]
    found = compute_chain_expiries(make_quotes(20.0, 0.8, OCTOBER), make_settlements(), bills).iloc[0]
    assert found["expiry_status"] == "no_bill_rate"
    assert np.isnan(found["implied_future_pts"])


# ---- implied future ----


def test_implied_future_is_the_one_the_chain_was_made_with() -> None:
    found = expiry_of(make_quotes(18.37, tilted(0.8, 0.3), OCTOBER))
    assert found["implied_future_pts"] == pytest.approx(18.37, abs=1e-9)
    assert found["strikes_used"] == 8
    assert found["expiry_status"] == "ok"


def test_implied_future_is_not_moved_by_one_wrong_quote() -> None:
    quotes = make_quotes(20.0, 0.8, OCTOBER, half_spread=0.05)
    at = (quotes["option_right"] == "C") & (quotes["strike_pts"] == 20.0)
    quotes.loc[at, ["bid_pts", "ask_pts"]] += 0.1
    assert expiry_of(quotes)["implied_future_pts"] == pytest.approx(20.0, abs=1e-6)


def test_implied_future_band_is_what_both_spreads_leave() -> None:
    found = expiry_of(make_quotes(20.0, 0.8, OCTOBER, half_spread=0.05))
    width = 0.1 / found["discount_frac"]
    assert found["implied_future_low_pts"] == pytest.approx(20.0 - width)
    assert found["implied_future_high_pts"] == pytest.approx(20.0 + width)


def test_two_strikes_are_too_few_for_a_future() -> None:
    found = expiry_of(make_quotes(20.0, 0.8, OCTOBER, strikes=[19.0, 21.0]))
    assert (found["expiry_status"], found["strikes_used"]) == ("too_few_strikes", 2)
    assert np.isnan(found["implied_future_pts"])
    assert np.isnan(found["implied_future_low_pts"])


def test_settlement_inside_the_band_leaves_no_edge() -> None:
    found = expiry_of(make_quotes(20.0, 0.8, OCTOBER, half_spread=0.05), (SESSION, OCTOBER, 20.04))
    assert found["parity_gap_pts"] == pytest.approx(-0.04)
    assert found["conversion_edge_pts"] < 0
    assert found["reversal_edge_pts"] < 0


@pytest.mark.parametrize(("settle", "edge"), [(19.0, "conversion_edge_pts"), (21.0, "reversal_edge_pts")])
def test_settlement_outside_the_band_leaves_the_edge_of_one_side(settle: float, edge: str) -> None:
    found = expiry_of(make_quotes(20.0, 0.8, OCTOBER, half_spread=0.05), (SESSION, OCTOBER, settle))
    edges = found[["conversion_edge_pts", "reversal_edge_pts"]].astype(float)
    assert edges[edge] == pytest.approx(1.0 - 0.1 / found["discount_frac"])
    assert edges.drop(edge).iloc[0] < 0


def test_gap_is_to_the_settlement_of_the_same_session_and_expiry() -> None:
    before = SESSION - timedelta(days=3)
    found = expiry_of(make_quotes(20.0, 0.8, OCTOBER), (before, OCTOBER, 20.0), (SESSION, NOVEMBER, 20.0))
    assert np.isnan(found["settle_pts"])
    assert np.isnan(found["parity_gap_pts"])


def test_chain_with_a_free_box_is_shown_and_not_trusted() -> None:
    quotes = make_quotes(20.0, 0.8, OCTOBER, half_spread=0.01)
    is_call = quotes["option_right"] == "C"
    # every call from 20 on a little dearer: no two neighbours contradict each other, low and high do
    quotes.loc[is_call & (quotes["strike_pts"] >= 20), ["bid_pts", "ask_pts"]] += 0.15
    found = expiry_of(quotes)
    assert found["expiry_status"] == "quotes_disagree"
    assert found["implied_future_low_pts"] > found["implied_future_high_pts"]
    assert np.isnan(session_of(quotes)["chain_implied_future_pts"])


def test_weighted_median_lies_between_the_two_middle_values() -> None:
    group = np.array([0, 0, 0, 2, 2])
    values = np.array([3.0, 1.0, 100.0, 5.0, 6.0])
    found = medians(group, values, np.ones(5), 4)
    np.testing.assert_allclose(found, [3.0, np.nan, 5.5, np.nan])


def test_weighted_median_follows_the_weight() -> None:
    found = medians(np.zeros(3, dtype=int), np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1000.0]), 1)
    assert 2.99 < found[0] <= 3.0


# ---- volatilities ----


def test_volatility_of_each_quote_is_the_one_it_was_made_with() -> None:
    smile = tilted(0.8, 0.3)
    quotes = make_quotes(20.0, smile, OCTOBER, strikes=np.arange(15.0, 27.0))
    found = compute_chain_tables(quotes, make_settlements(), make_bills()).quotes
    np.testing.assert_allclose(found["implied_vol_frac"], smile(found["strike_pts"].to_numpy(), 20.0), atol=1e-7)


def test_volatility_at_the_money_lies_between_the_neighbours() -> None:
    found = expiry_of(make_quotes(20.2, tilted(0.8, 0.3), OCTOBER))
    assert found["atm_vol_frac"] == pytest.approx(0.8, abs=1e-7)


def test_volatility_at_the_money_needs_a_strike_on_both_sides() -> None:
    found = expiry_of(make_quotes(20.2, 0.8, OCTOBER, strikes=[21.0, 22.0, 23.0, 24.0]))
    assert found["expiry_status"] == "no_atm_volatility"
    assert np.isnan(found["atm_vol_frac"])


def test_volatility_at_the_money_is_not_spanned_over_a_hole() -> None:
    found = expiry_of(make_quotes(20.2, 0.8, OCTOBER, strikes=[15.0, 16.0, 17.0, 23.0, 24.0, 25.0]))
    assert np.isnan(found["atm_vol_frac"])


def test_skew_is_positive_when_calls_are_dearer() -> None:
    smile, future = tilted(0.8, 0.3), 20.0
    found = expiry_of(make_quotes(future, smile, OCTOBER))
    strikes = np.linspace(12.0, 40.0, 20001)
    terms = (future, strikes, found["years_to_expiry"], smile(strikes, future), found["discount_frac"])
    for name, is_call in (("vol_25d_call_frac", True), ("vol_25d_put_frac", False)):
        delta = np.abs(compute_black76_delta(*terms, is_call))
        exact = smile(strikes[[np.abs(delta - 0.25).argmin()]], future)[0]
        # between listed strikes the volatility is linear in delta, not in ln K
        assert found[name] == pytest.approx(exact, abs=0.001)
    assert found["skew_25d_frac"] == found["vol_25d_call_frac"] - found["vol_25d_put_frac"] > 0.05


def test_wing_that_does_not_reach_25_delta_has_no_volatility() -> None:
    found = expiry_of(make_quotes(20.0, 0.8, OCTOBER, strikes=[18.5, 19.0, 19.5, 20.0, 20.5, 21.0]))
    assert np.isfinite(found["atm_vol_frac"])
    assert found[["vol_25d_call_frac", "vol_25d_put_frac", "skew_25d_frac"]].isna().all()


# ---- expiries ----


def test_expiry_is_monthly_by_the_settlement_rule_not_by_its_root() -> None:
    quotes = pd.concat([make_quotes(20.0, 0.8, OCTOBER, root="VIXW"), make_quotes(20.0, 0.8, WEEKLY, root="VIXW")])
    found = compute_chain_expiries(quotes, make_settlements(), make_bills())
    assert found["is_monthly"].tolist() == [False, True]
    assert found["is_root_by_rule"].tolist() == [True, False]


def test_expiry_displaced_by_a_holiday_is_monthly() -> None:
    # Tuesday 2026-05-19: the Friday 30 days after the Wednesday is Juneteenth
    assert expiry_of(make_quotes(20.0, 0.8, date(2026, 5, 19)))["is_monthly"]


def test_expiries_are_in_order_whatever_the_order_of_the_quotes() -> None:
    quotes = pd.concat([make_quotes(20.0, 0.8, day) for day in (NOVEMBER, WEEKLY, OCTOBER)])
    mixed = quotes.sample(frac=1.0, random_state=1)
    found = compute_chain_expiries(mixed, make_settlements(), make_bills())
    assert found["expiry_date"].is_monotonic_increasing
    pd.testing.assert_frame_equal(found, compute_chain_expiries(quotes, make_settlements(), make_bills()))


def test_values_of_a_session_do_not_depend_on_other_sessions() -> None:
    later = SESSION + timedelta(days=1)
    quotes = make_quotes(20.0, tilted(0.8, 0.3), OCTOBER)
    more = pd.concat([quotes, make_quotes(35.0, 1.2, OCTOBER, session=later)])
    alone = compute_chain_expiries(quotes, make_settlements(), make_bills())
    both = compute_chain_expiries(more, make_settlements(), pd.concat([make_bills(), make_bills(later, 0.09)]))
    pd.testing.assert_frame_equal(alone, both.iloc[:1])


def test_tables_of_nothing_have_their_columns() -> None:
    none = make_quotes(20.0, 0.8, OCTOBER).iloc[:0]
    tables = compute_chain_tables(none, make_settlements(), make_bills().iloc[:0])
    sessions = compute_chain_sessions(tables.expiries)
    assert (len(tables.quotes), len(tables.expiries), len(sessions)) == (0, 0, 0)
    assert tables.expiries.dtypes.astype(str).to_dict() == EXPIRY_DTYPES
    assert sessions.dtypes.astype(str).to_dict() == SESSION_DTYPES


def test_tables_have_the_documented_types() -> None:
    expiries = compute_chain_expiries(make_quotes(20.0, 0.8, OCTOBER), make_settlements(), make_bills())
    assert expiries.dtypes.astype(str).to_dict() == EXPIRY_DTYPES
    assert compute_chain_sessions(expiries).dtypes.astype(str).to_dict() == SESSION_DTYPES


# ---- sessions ----


def term_chain(eta: float, *days: int, skew: float = 0.0) -> list[pd.DataFrame]:
    return [
        make_quotes(20.0, tilted(0.9 * (30 / day) ** eta, skew), SESSION + timedelta(days=day), half_spread=0.001)
        for day in days
    ]


def test_term_exponent_is_the_one_the_chain_was_made_with() -> None:
    found = session_of(*term_chain(0.4, 9, 16, 37, 65, 128))
    assert found["chain_term_exponent"] == pytest.approx(0.4, abs=1e-6)
    assert found["chain_term_vol30_frac"] == pytest.approx(0.9, abs=1e-6)
    assert found["chain_term_r2_frac"] == pytest.approx(1.0)
    assert found["chain_term_expiries"] == 5


def test_term_exponent_leaves_out_expiries_too_near_and_too_far() -> None:
    far = make_quotes(20.0, 3.0, SESSION + timedelta(days=211))
    near = make_quotes(20.0, 3.0, SESSION + timedelta(days=6))
    found = session_of(*term_chain(0.4, 9, 16, 37), far, near)
    assert found["chain_term_exponent"] == pytest.approx(0.4, abs=1e-6)
    assert found["chain_term_expiries"] == 3


def test_term_exponent_of_two_expiries_is_not_evaluable() -> None:
    found = session_of(*term_chain(0.4, 9, 37))
    assert found[["chain_term_exponent", "chain_term_vol30_frac", "chain_term_r2_frac"]].isna().all()
    assert found["chain_term_expiries"] == 2


def test_volatility_for_thirty_days_is_linear_in_total_variance() -> None:
    near = make_quotes(20.0, 1.0, SESSION + timedelta(days=16))
    far = make_quotes(20.0, 0.8, SESSION + timedelta(days=37))
    days = compute_years_to_settlement(np.array([16, 37])) * 365
    variances = np.array([1.0**2, 0.8**2]) * days
    exact = np.sqrt(np.interp(30, days, variances) / 30)
    assert session_of(near, far)["chain_atm_vol_frac"] == pytest.approx(exact, abs=1e-7)


@pytest.mark.parametrize("days", [(9, 16, 23), (37, 65, 128)])
def test_volatility_for_thirty_days_is_never_extrapolated(days: tuple[int, ...]) -> None:
    found = session_of(*term_chain(0.4, *days, skew=0.2))
    assert np.isnan(found["chain_atm_vol_frac"])
    assert np.isnan(found["chain_skew_25d_frac"])


def test_skew_for_thirty_days_lies_between_its_neighbours() -> None:
    chains = term_chain(0.0, 16, 37, skew=0.3)
    skews = compute_chain_expiries(pd.concat(chains), make_settlements(), make_bills())["skew_25d_frac"]
    assert skews.min() < session_of(*chains)["chain_skew_25d_frac"] < skews.max()


def test_front_is_the_nearest_monthly_with_a_week_left() -> None:
    quotes = [make_quotes(20.0, 0.8, day) for day in (date(2025, 9, 17), WEEKLY)]
    quotes += [make_quotes(21.0, 0.8, OCTOBER), make_quotes(22.0, 0.8, NOVEMBER)]
    settled = make_settlements((SESSION, OCTOBER, 20.9))
    found = session_of(*quotes, settlements=settled)
    assert found["chain_front_expiry_date"] == pd.Timestamp(OCTOBER)
    assert found["chain_implied_future_pts"] == pytest.approx(21.0)
    assert found["chain_parity_gap_pts"] == pytest.approx(0.1)


def test_front_without_a_future_is_not_replaced_by_the_next() -> None:
    quotes = [make_quotes(21.0, 0.8, OCTOBER, strikes=[20.0, 22.0]), make_quotes(22.0, 0.8, NOVEMBER)]
    found = session_of(*quotes)
    assert found["chain_front_expiry_date"] == pd.Timestamp(OCTOBER)
    assert np.isnan(found["chain_implied_future_pts"])


def test_session_of_weeklies_alone_has_no_front() -> None:
    found = session_of(make_quotes(20.0, 0.8, WEEKLY, root="VIXW"))
    assert pd.isna(found["chain_front_expiry_date"])


def test_session_counts_its_quotes() -> None:
    chains = [make_quotes(20.0, flat(0.8), day) for day in (WEEKLY, OCTOBER)]
    chains[0].loc[0, "bid_pts"] = 0.0
    found = session_of(*chains)
    assert found["chain_expiries"] == 2
    assert found["chain_quotes"] == 2 * len(chains[0])
    assert found["chain_quotes_dropped"] >= 1


def test_bill_rate_moves_the_discount_and_not_the_future() -> None:
    quotes = make_quotes(20.0, 0.8, OCTOBER)
    high = compute_chain_expiries(quotes, make_settlements(), make_bills(rate=BILL_RATE + 0.01)).iloc[0]
    assert high["discount_frac"] < expiry_of(quotes)["discount_frac"]
    assert high["implied_future_pts"] == pytest.approx(20.0, abs=0.005)
