"""Sessions, settlement dates, and which session can or must be out."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import exchange_calendars
import pandas as pd
import pytest
from pandas.tseries.holiday import AbstractHolidayCalendar

from transforms import calendar

GOLDEN = Path(__file__).parent.parent / "golden" / "vx_final_settlement_dates.csv"


def golden() -> list[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def month_of(row: dict[str, str]) -> date:
    return date.fromisoformat(row["contract_month"] + "-01")


@pytest.fixture(scope="module")
def by_rule() -> dict[date, date]:
    entries = calendar.vx_monthly_settlement_dates(date(2004, 5, 1), date(2027, 12, 31))
    return {entry.contract_month: entry.expiry_date for entry in entries}


@pytest.mark.parametrize("year", range(2004, 2028))
def test_settlement_rule_gives_the_dates_the_exchange_used(year: int, by_rule: dict[date, date]) -> None:
    expected = {month_of(row): row["expiry_date"] for row in golden() if row["contract_month"][:4] == str(year)}
    assert {month: by_rule[month].isoformat() for month in expected} == expected


def test_golden_dates_name_every_displaced_month() -> None:
    displaced = [row for row in golden() if date.fromisoformat(row["expiry_date"]).weekday() != 2]
    assert [row["expiry_date"] for row in displaced] == [
        "2008-02-19",
        "2014-03-18",
        "2019-03-19",
        "2022-03-15",
        "2024-06-18",
        "2025-03-18",
        "2026-05-19",
        "2027-05-18",
    ]
    assert all(row["note"].startswith("Tuesday: ") for row in displaced)


def test_third_wednesday_is_wrong_for_27_of_180_months(by_rule: dict[date, date]) -> None:
    months = [month for month in by_rule if 2013 <= month.year <= 2027]
    wrong = [month for month in months if by_rule[month] != _third_wednesday(month)]
    assert (len(months), len(wrong)) == (180, 27)


def _third_wednesday(month: date) -> date:
    return next(
        date(month.year, month.month, day) for day in range(15, 22) if date(month.year, month.month, day).weekday() == 2
    )


def test_settlement_rule_lists_each_month_once_in_order(by_rule: dict[date, date]) -> None:
    expiries = list(by_rule.values())
    assert expiries == sorted(set(expiries))
    assert len(expiries) == 284


def test_settlement_rule_stays_inside_the_contract_month(by_rule: dict[date, date]) -> None:
    assert all(month == expiry.replace(day=1) for month, expiry in by_rule.items())


@pytest.mark.parametrize(
    ("month", "expiry"), [((2004, 7), date(2004, 7, 14)), ((2004, 10), date(2004, 10, 13))], ids=["july", "october"]
)
def test_settlement_rule_of_2004_counts_from_the_months_own_third_friday(month: tuple[int, int], expiry: date) -> None:
    open_days = frozenset(calendar.sessions("XCBF", date(2004, 6, 1), date(2004, 12, 31)))
    assert calendar.vx_final_settlement_date(*month, open_days) == expiry


def test_settlement_rule_changes_with_january_2005() -> None:
    open_days = frozenset(calendar.sessions("XCBF", date(2004, 12, 1), date(2005, 3, 31)))
    assert calendar.vx_final_settlement_date(2005, 1, open_days) == date(2005, 1, 19)


def test_settlement_rule_without_the_following_month_is_an_error() -> None:
    open_days = frozenset(calendar.sessions("XCBF", date(2025, 1, 1), date(2025, 1, 31)))
    with pytest.raises(ValueError, match="no session in the week before 2025-02-21"):
        calendar.vx_final_settlement_date(2025, 1, open_days)


def test_settlement_rule_of_december_looks_into_the_next_year() -> None:
    open_days = frozenset(calendar.sessions("XCBF", date(2025, 12, 1), date(2026, 1, 31)))
    assert calendar.vx_final_settlement_date(2025, 12, open_days) == date(2025, 12, 17)


@pytest.mark.parametrize(
    ("year", "month", "friday"),
    [
        (2024, 3, date(2024, 3, 15)),
        (2024, 11, date(2024, 11, 15)),
        (2025, 8, date(2025, 8, 15)),
        (2026, 5, date(2026, 5, 15)),
        (2026, 8, date(2026, 8, 21)),
        (2008, 3, date(2008, 3, 21)),
    ],
)
def test_third_friday_is_found_holiday_or_not(year: int, month: int, friday: date) -> None:
    assert calendar.third_friday(year, month) == friday


def test_sessions_include_both_ends() -> None:
    assert calendar.sessions("XCBF", date(2026, 1, 5), date(2026, 1, 7)) == (
        date(2026, 1, 5),
        date(2026, 1, 6),
        date(2026, 1, 7),
    )


def test_sessions_of_one_open_day_are_that_day() -> None:
    assert calendar.sessions("XCBF", date(2026, 1, 7), date(2026, 1, 7)) == (date(2026, 1, 7),)


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 1, 1), date(2026, 1, 1)), (date(2026, 1, 10), date(2026, 1, 11))],
    ids=["new year", "weekend"],
)
def test_sessions_of_closed_days_are_none(first: date, last: date) -> None:
    assert calendar.sessions("XCBF", first, last) == ()


def test_sessions_before_the_first_asked_for_are_left_out() -> None:
    assert calendar.sessions("XNYS", date(2025, 7, 4), date(2025, 7, 7)) == (date(2025, 7, 7),)


@pytest.mark.parametrize("day", sorted(calendar.FUTURES_ONLY_SESSIONS))
def test_futures_only_sessions_are_no_session_of_either_calendar(day: date) -> None:
    assert calendar.sessions("XCBF", day, day) == ()
    assert calendar.sessions("XNYS", day, day) == ()


@pytest.mark.parametrize(
    ("now", "session"),
    [
        # winter: New York is UTC-5, so 16:30 is 21:30 UTC
        (datetime(2026, 1, 7, 21, 29, 59, tzinfo=UTC), date(2026, 1, 6)),
        (datetime(2026, 1, 7, 21, 30, tzinfo=UTC), date(2026, 1, 7)),
        # summer: UTC-4, 20:30 UTC
        (datetime(2026, 7, 8, 20, 29, 59, tzinfo=UTC), date(2026, 7, 7)),
        (datetime(2026, 7, 8, 20, 30, tzinfo=UTC), date(2026, 7, 8)),
        # the Friday before and the Monday after the clocks went forward on 2026-03-08
        (datetime(2026, 3, 6, 21, 29, tzinfo=UTC), date(2026, 3, 5)),
        (datetime(2026, 3, 9, 20, 30, tzinfo=UTC), date(2026, 3, 9)),
        # and back on 2026-11-01
        (datetime(2026, 11, 2, 21, 29, tzinfo=UTC), date(2026, 10, 30)),
        (datetime(2026, 11, 2, 21, 30, tzinfo=UTC), date(2026, 11, 2)),
        # weekend and holiday
        (datetime(2026, 1, 11, 12, 0, tzinfo=UTC), date(2026, 1, 9)),
        (datetime(2026, 1, 19, 23, 0, tzinfo=UTC), date(2026, 1, 16)),
        (datetime(2026, 1, 2, 1, 0, tzinfo=UTC), date(2025, 12, 31)),
    ],
)
def test_latest_closed_session_waits_for_half_past_four_in_new_york(now: datetime, session: date) -> None:
    assert calendar.latest_closed_session(now) == session


@pytest.mark.parametrize(
    ("now", "session"),
    [
        (datetime(2026, 1, 8, 16, 29, 59, tzinfo=UTC), date(2026, 1, 6)),
        (datetime(2026, 1, 8, 16, 30, tzinfo=UTC), date(2026, 1, 7)),
        (datetime(2026, 7, 8, 15, 29, 59, tzinfo=UTC), date(2026, 7, 6)),
        (datetime(2026, 7, 8, 15, 30, tzinfo=UTC), date(2026, 7, 7)),
        # Friday's is due on Saturday, and stays the newest until Tuesday
        (datetime(2026, 1, 10, 16, 29, tzinfo=UTC), date(2026, 1, 8)),
        (datetime(2026, 1, 10, 16, 30, tzinfo=UTC), date(2026, 1, 9)),
        (datetime(2026, 1, 13, 16, 29, tzinfo=UTC), date(2026, 1, 9)),
        # the session before a holiday is due on the holiday
        (datetime(2026, 1, 1, 17, 0, tzinfo=UTC), date(2025, 12, 31)),
    ],
)
def test_latest_due_session_waits_for_half_past_eleven_the_day_after(now: datetime, session: date) -> None:
    assert calendar.latest_due_session(now) == session


def test_latest_closed_session_does_not_depend_on_the_instants_zone() -> None:
    instant = datetime(2026, 1, 7, 21, 45, tzinfo=UTC)
    assert calendar.latest_closed_session(instant.astimezone(calendar.NEW_YORK)) == date(2026, 1, 7)
    assert calendar.latest_closed_session(instant) == date(2026, 1, 7)


@pytest.mark.parametrize("code", ["XCBF", "XNYS"])
def test_sessions_and_hours_are_those_of_exchange_calendars_whose_holidays_are_not_narrowed(code: str) -> None:
    first, last = date(1990, 1, 1), date(2039, 12, 31)
    whole = exchange_calendars.get_calendar(code, start=pd.Timestamp(first), end=pd.Timestamp("2039-12-30"))
    hours = calendar.trading_hours(code, first, last)
    assert calendar.sessions(code, first, last)[: len(whole.sessions)] == tuple(whole.sessions.date)
    pd.testing.assert_frame_equal(hours[: len(whole.sessions)], whole.schedule[["open", "close"]], check_freq=False)


def test_the_years_of_holidays_are_put_back_after_a_calendar_was_made() -> None:
    calendar.sessions("XNYS", date(2041, 1, 2), date(2041, 2, 1))
    assert (AbstractHolidayCalendar.start_date.year, AbstractHolidayCalendar.end_date.year) == (1970, 2200)
