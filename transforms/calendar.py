"""Sessions of the futures and equity exchanges, and the settlement dates of VIX futures.

Sessions come from ``exchange_calendars`` (XCBF: Cboe Futures, XNYS: New York Stock Exchange), never
from the dates of a price file: Cboe's VIX history carries rows on US holidays.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

FIRST_SESSION = date(2004, 3, 26)
"""The first session of VIX futures."""

FUTURES_ONLY_SESSIONS = {
    date(2015, 4, 3): "Good Friday with an employment report: shortened futures session, equities closed",
    date(2018, 12, 5): "national day of mourning: equities closed, VIX futures settled",
    date(2025, 1, 9): "national day of mourning: equities closed, VIX futures settled",
}
"""Days on which VIX futures settled although ``exchange_calendars`` has no XCBF session.
The settlements are real; the days are not business days of the S&P VIX futures indices."""

NEW_YORK = ZoneInfo("America/New_York")
_PUBLISHED_FROM = time(16, 30)
_DUE_AT = time(11, 30)
_FRIDAY = 4
_LAST_MONTH_OF_FIRST_RULE = (2004, 12)
_FIRST_YEAR, _LAST_YEAR = 1990, 2039
_making_calendar = Lock()


class SettlementDate(NamedTuple):
    """A monthly contract's month and its final settlement date."""

    contract_month: date
    expiry_date: date


def sessions(calendar: str, first: date, last: date) -> tuple[date, ...]:
    """Sessions of an exchange from ``first`` to ``last``, both included.

    Parameters
    ----------
    calendar
        Code of ``exchange_calendars``: ``XCBF`` or ``XNYS``.
    """
    found = _sessions_of_decades(calendar, *_decades(first, last))
    return found[bisect_left(found, first) : bisect_right(found, last)]


def trading_hours(calendar: str, first: date, last: date) -> pd.DataFrame:
    """Opening and closing of an exchange from ``first`` to ``last``, both included.

    Returns
    -------
    Index of sessions (without a zone); ``open`` and ``close``, instants in UTC.
    """
    hours: pd.DataFrame = _calendar_of_decades(calendar, *_decades(first, last)).schedule[["open", "close"]]
    return hours.loc[pd.Timestamp(first) : pd.Timestamp(last)]


def _decades(first: date, last: date) -> tuple[int, int]:
    # Making a calendar takes half a second however long it is: whole decades are made, once a process.
    return min(first.year // 10 * 10, _FIRST_YEAR), max(last.year // 10 * 10 + 9, _LAST_YEAR)


@lru_cache(maxsize=8)
def _sessions_of_decades(calendar: str, first_year: int, last_year: int) -> tuple[date, ...]:
    return tuple(_calendar_of_decades(calendar, first_year, last_year).sessions.date)


@lru_cache(maxsize=8)
def _calendar_of_decades(calendar: str, first_year: int, last_year: int) -> Any:
    # Imported here: it takes most of a second, and `alvh query` never needs it.
    import exchange_calendars

    with _holidays_within(first_year - 1, last_year + 1):
        return exchange_calendars.get_calendar(
            calendar, start=pd.Timestamp(first_year, 1, 1), end=pd.Timestamp(last_year, 12, 31)
        )


@contextmanager
def _holidays_within(first_year: int, last_year: int) -> Iterator[None]:
    """Have pandas work out the holidays of these years instead of those of 1970 to 2200, most of a calendar's time.

    The range is an attribute of pandas' class, which is where pandas wants it to be set; it is put back.
    """
    from pandas.tseries.holiday import AbstractHolidayCalendar

    with _making_calendar:
        usual = AbstractHolidayCalendar.start_date, AbstractHolidayCalendar.end_date
        AbstractHolidayCalendar.start_date = pd.Timestamp(first_year, 1, 1)
        AbstractHolidayCalendar.end_date = pd.Timestamp(last_year, 12, 31)
        try:
            yield
        finally:
            AbstractHolidayCalendar.start_date, AbstractHolidayCalendar.end_date = usual


def third_friday(year: int, month: int) -> date:
    """Return the third Friday of a month, holiday or not."""
    fifteenth = date(year, month, 15)
    return fifteenth + timedelta(days=(_FRIDAY - fifteenth.weekday()) % 7)


def vx_final_settlement_date(year: int, month: int, open_days: frozenset[date] | set[date]) -> date:
    """Final settlement date of the monthly VIX future of a contract month.

    The Wednesday 30 days before the third Friday of the following calendar month. If that Friday
    is a holiday, 30 days before the business day preceding it; if the resulting day is a
    holiday, the business day before. Contract months to December 2004 settled on the Wednesday
    before the third Friday of the contract month itself (the two rules differ for July and
    October 2004 only; the exchange's files end on 2004-07-14 and 2004-10-13).

    Parameters
    ----------
    open_days
        Sessions of the exchange covering the month and the following one.

    Source: Cboe Futures Exchange rule 1202(b); contract specifications of VX.
    """
    if (year, month) <= _LAST_MONTH_OF_FIRST_RULE:
        return _preceding_session(third_friday(year, month) - timedelta(days=2), open_days)
    following_year, following_month = (year + 1, 1) if month == 12 else (year, month + 1)
    friday = _preceding_session(third_friday(following_year, following_month), open_days)
    return _preceding_session(friday - timedelta(days=30), open_days)


def vx_monthly_settlement_dates(first: date, last: date) -> list[SettlementDate]:
    """Monthly contracts with contract months from ``first`` to ``last`` (days are ignored)."""
    # two months more: the rule looks at the third Friday of the following month
    horizon = (pd.Timestamp(last) + pd.offsets.MonthEnd(2)).date()
    open_days = frozenset(sessions("XCBF", first.replace(day=1) - timedelta(days=7), horizon))
    months = pd.date_range(first.replace(day=1), last, freq="MS")
    return [
        SettlementDate(stamp.date(), vx_final_settlement_date(stamp.year, stamp.month, open_days)) for stamp in months
    ]


def latest_closed_session(now: datetime) -> date:
    """The newest futures session whose settlements can be out at ``now`` (an aware instant).

    Settlement is at 3:00 pm Chicago time; half an hour is left for publishing.
    """
    return _latest_session_with(now, lambda day: datetime.combine(day, _PUBLISHED_FROM, NEW_YORK))


def latest_due_session(now: datetime) -> date:
    """The newest futures session whose settlements must be out at ``now``: 11:30 New York the day after."""
    return _latest_session_with(now, lambda day: datetime.combine(day + timedelta(days=1), _DUE_AT, NEW_YORK))


def _latest_session_with(now: datetime, instant: Callable[[date], datetime]) -> date:
    today = now.astimezone(NEW_YORK).date()
    recent = sessions("XCBF", today - timedelta(days=14), today)
    return next(day for day in reversed(recent) if instant(day) <= now)


def _preceding_session(day: date, open_days: frozenset[date] | set[date]) -> date:
    for back in range(7):
        candidate = day - timedelta(days=back)
        if candidate in open_days:
            return candidate
    raise ValueError(f"no session in the week before {day}: does the calendar cover it?")
