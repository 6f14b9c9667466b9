"""Which options are listed, the strike for a delta, and the call calendar made of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from transforms.options.call_calendars import CallCalendars, CallCalendarTargets, build_call_calendars
from transforms.options.listed import (
    find_listing_era,
    list_monthly_expiries,
    list_options,
    list_strikes,
    nearest_listed_strike,
    strike_for_delta,
)
from transforms.options.pricing import price_options

SESSION = date(2025, 9, 15)
FRONT, NEAR, MIDDLE, FAR = date(2025, 9, 17), date(2025, 10, 22), date(2025, 11, 19), date(2025, 12, 17)
# Macroption, VIX Option Chain: strikes of February 2012, with the 11 to 14 of January 2013.
STRIKES_FROM_MACROPTION = [
    *range(10, 31), 32.5, 35, 37.5, 40, 42.5, 45, 47.5, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100,
]  # fmt: skip
FUTURES = {FRONT: 16.0, NEAR: 18.0, MIDDLE: 19.0, FAR: 19.5, date(2026, 1, 21): 20.0, date(2026, 2, 18): 20.3}


def market(session: date = SESSION, vvix: float = 95.0, futures: dict[date, float] = FUTURES) -> pd.DataFrame:
    frame = pd.DataFrame({"expiry_date": pd.to_datetime(list(futures)), "future_pts": list(futures.values())})
    return frame.assign(trade_date=pd.Timestamp(session), vvix_pts=vvix, bill_discount_rate_frac=0.04)


def snapshot(*options: tuple[date, float], session: date = SESSION) -> pd.DataFrame:
    frame = pd.DataFrame(options, columns=["expiry_date", "strike_pts"])
    return frame.assign(
        trade_date=pd.Timestamp(session),
        expiry_date=pd.to_datetime(frame["expiry_date"]),
        option_right="C",
        implied_vol_frac=np.nan,
        is_out_of_the_money=True,
    )


def calendar(days: list[date] | None = None, **arguments: object) -> CallCalendars:
    return build_call_calendars(days or [SESSION], arguments.pop("market", market()), **arguments)


def only_status(found: CallCalendars) -> str:
    assert len(found.legs) == 0
    assert found.sessions.drop(columns=["trade_date", "status"]).isna().all(axis=None)
    return str(found.sessions["status"].iloc[0])


def test_expiries_are_the_six_next_monthly_settlements() -> None:
    assert list_monthly_expiries(SESSION) == (FRONT, NEAR, MIDDLE, FAR, date(2026, 1, 21), date(2026, 2, 18))


def test_expiries_of_the_first_years_are_three_and_three_of_the_february_cycle() -> None:
    found = list_monthly_expiries(date(2008, 9, 2))
    assert [day.month for day in found] == [9, 10, 11, 2, 5, 8]


def test_expiry_of_the_session_itself_is_not_listed() -> None:
    assert list_monthly_expiries(FRONT)[0] == NEAR


def test_nothing_is_listed_before_the_options_existed() -> None:
    day = date(2006, 2, 23)
    assert find_listing_era(day) is None
    assert list_monthly_expiries(day) == ()
    assert len(list_strikes(day, is_nearest=True)) == 0
    assert len(list_options([day])) == 0


def test_strikes_are_those_published() -> None:
    assert list_strikes(date(2013, 1, 15), is_nearest=True).tolist() == STRIKES_FROM_MACROPTION
    assert list_strikes(SESSION, is_nearest=False).tolist() == STRIKES_FROM_MACROPTION


@pytest.mark.parametrize(("day", "has_half_points"), [(date(2014, 5, 28), False), (date(2014, 5, 29), True)])
def test_half_points_are_listed_in_the_nearest_month_since_may_2014(day: date, has_half_points: bool) -> None:
    halves = [10.5, 11.5, 12.5, 13.5, 14.5]
    assert np.isin(halves, list_strikes(day, is_nearest=True)).all() == has_half_points
    assert not np.isin(halves, list_strikes(day, is_nearest=False)).any()
    assert 15.5 not in list_strikes(day, is_nearest=True)


def test_options_are_listed_by_rule_without_a_snapshot() -> None:
    listed = list_options([SESSION])
    assert set(listed["listing_source"]) == {"rule"}
    assert listed["is_monthly"].all()
    assert listed.groupby("expiry_date").size().tolist() == [44] + [39] * 5
    assert not listed.duplicated(["trade_date", "expiry_date", "strike_pts"]).any()


def test_snapshot_has_the_last_word_on_its_own_session() -> None:
    other = date(2025, 9, 16)
    weekly = date(2025, 9, 24)
    listed = list_options([SESSION, other], snapshot((NEAR, 18.5), (weekly, 17.0)))
    mine = listed[listed["trade_date"] == pd.Timestamp(SESSION)]
    assert mine["expiry_date"].tolist() == [pd.Timestamp(weekly), pd.Timestamp(NEAR)]
    assert mine["is_monthly"].tolist() == [False, True]
    assert set(mine["listing_source"]) == {"chain"}
    assert set(listed.loc[listed["trade_date"] == pd.Timestamp(other), "listing_source"]) == {"rule"}


def test_snapshot_does_not_list_what_has_settled() -> None:
    listed = list_options([FRONT], snapshot((FRONT, 18.0), (NEAR, 18.0), session=FRONT))
    assert listed["expiry_date"].tolist() == [pd.Timestamp(NEAR)]


def test_nearest_strike_is_listed_and_the_lower_of_two() -> None:
    found = nearest_listed_strike([21.4, 31.25, 31.3, 10.0, 100.0], STRIKES_FROM_MACROPTION)
    assert found.tolist() == [21.0, 30.0, 32.5, 10.0, 100.0]


@pytest.mark.parametrize("target", [9.9, 100.1, np.nan])
def test_nearest_strike_outside_of_the_listing_is_none(target: float) -> None:
    assert np.isnan(nearest_listed_strike(target, STRIKES_FROM_MACROPTION))


def test_nearest_strike_of_no_strikes_is_none() -> None:
    assert np.isnan(nearest_listed_strike([20.0], [])).all()


def priced_calls() -> pd.DataFrame:
    listed = list_options([SESSION])
    return price_options(listed, market())


def test_strike_for_delta_is_the_listed_one_with_the_nearest_delta() -> None:
    priced = priced_calls()
    chosen = strike_for_delta(priced, 0.25, 0.05)
    for row in chosen.itertuples():
        same = priced[priced["expiry_date"] == row.expiry_date]
        assert abs(row.delta - 0.25) == (same["delta"] - 0.25).abs().min()
    assert not chosen["expiry_date"].duplicated().any()


def test_strike_for_delta_beyond_the_limit_is_none() -> None:
    assert len(strike_for_delta(priced_calls(), 0.25, 1e-9)) == 0


def test_strike_for_delta_of_puts_looks_at_the_size() -> None:
    priced = price_options(list_options([SESSION], right="P"), market())
    chosen = strike_for_delta(priced, 0.25, 0.1)
    assert len(chosen) > 0
    assert ((chosen["delta"] + 0.25).abs() <= 0.1).all()


def test_strike_for_delta_passes_over_what_has_no_price() -> None:
    priced = price_options(list_options([SESSION]), market(vvix=np.nan))
    assert len(strike_for_delta(priced, 0.25, 1.0)) == 0


def test_calendar_is_a_bounded_short_spread_and_a_longer_call() -> None:
    found = calendar()
    legs = found.legs.set_index("leg")
    assert found.sessions["status"].tolist() == ["ok"]
    assert legs["contracts"].to_dict() == {"short_call": -1, "wing_call": 1, "long_call": 1}
    # Two days of September are too few for a front month.
    assert legs["expiry_date"].dt.date.to_dict() == {"short_call": NEAR, "wing_call": NEAR, "long_call": FAR}
    for leg, delta in {"short_call": 0.25, "wing_call": 0.10, "long_call": 0.20}.items():
        assert legs.loc[leg, "delta"] == pytest.approx(delta, abs=0.05)
    assert legs["strike_pts"].isin(STRIKES_FROM_MACROPTION).all()


def test_calendar_loss_of_the_short_spread_is_its_width() -> None:
    found = calendar()
    legs, session = found.legs.set_index("leg"), found.sessions.iloc[0]
    width = legs.loc["wing_call", "strike_pts"] - legs.loc["short_call", "strike_pts"]
    assert session["width_pts"] == width > 0
    assert session["short_loss_bound_usd"] == 100 * width


def test_calendar_credit_is_that_of_its_legs_with_a_common_band() -> None:
    found = calendar()
    legs, session = found.legs.set_index("leg"), found.sessions.iloc[0]
    credit = legs.loc["short_call", "price_pts"] - legs.loc["wing_call", "price_pts"]
    low = legs.loc["short_call", "price_low_pts"] - legs.loc["wing_call", "price_low_pts"]
    assert session["credit_pts"] == pytest.approx(credit)
    assert session["credit_low_pts"] == pytest.approx(low)
    assert session["credit_low_pts"] < credit < session["credit_high_pts"] < session["width_pts"]
    assert session["long_cost_pts"] == legs.loc["long_call", "price_pts"]


def test_calendar_without_an_expiry_in_the_range_says_so() -> None:
    targets = CallCalendarTargets(long_call_least_days=100, long_call_highest_days=110)
    assert only_status(calendar(targets=targets)) == "not constructible: no listed expiry with 100 to 110 days"


def test_calendar_without_a_fitting_strike_says_so() -> None:
    found = calendar(quotes=snapshot((NEAR, 18.0), (FAR, 30.0)))
    assert only_status(found) == "not constructible: no front-month strike within 0.05 of delta 0.25"


def test_calendar_without_a_wing_says_so() -> None:
    strike = calendar().legs.set_index("leg").loc["short_call", "strike_pts"]
    found = calendar(quotes=snapshot((NEAR, strike), (FAR, 30.0)))
    assert only_status(found) == "not constructible: no higher front-month strike within 0.05 of delta 0.1"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vvix": np.nan}, "the front-month calls have no price"),
        ({"futures": {FAR: 19.5}}, "the front-month calls have no price"),
        ({"futures": {NEAR: 18.0}}, "the longer-dated calls have no price"),
    ],
)
def test_calendar_is_never_priced_from_nothing(changes: dict[str, object], words: str) -> None:
    assert only_status(calendar(market=market(**changes))) == f"not constructible: {words}"


def test_calendar_before_the_options_existed_says_so() -> None:
    day = date(2006, 1, 3)
    found = calendar([day], market=market(day))
    assert only_status(found) == "not constructible: no listed front-month expiry"


def test_calendar_of_each_session_stands_alone() -> None:
    days = [date(2025, 9, 16), SESSION]
    both = pd.concat([market(day) for day in days])
    found = calendar(days, market=both)
    alone = calendar()
    assert found.sessions["trade_date"].dt.date.tolist() == sorted(days)
    mine = found.sessions[found.sessions["trade_date"] == pd.Timestamp(SESSION)].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, alone.sessions)


def test_calendar_of_no_session_is_empty() -> None:
    found = build_call_calendars([], market())
    assert (len(found.sessions), len(found.legs)) == (0, 0)
