"""When monthly SPX options expire, which is also when the model condor rolls."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

import pandas as pd

from transforms.calendar import sessions, third_friday

_WEEK = timedelta(days=7)


def spx_monthly_expiries(first: date, last: date, open_days: Collection[date] | None = None) -> tuple[date, ...]:
    """Expiries of the monthly SPX options from the month of ``first`` to that of ``last``, both included.

    The third Friday, and where that is a holiday of the New York Stock Exchange the session before it (2008-03-20,
    2014-04-17, 2026-06-18). They are known years ahead.

    Parameters
    ----------
    open_days
        Sessions of the New York Stock Exchange, covering the third Fridays of the months and the week before each;
        without it, those of ``exchange_calendars``.

    Raises
    ------
    ValueError
        If ``open_days`` has no session in the week before a third Friday.

    Source: Cboe, SPX options product specifications.
    """
    months = pd.date_range(first.replace(day=1), last, freq="MS")
    fridays = [third_friday(month.year, month.month) for month in months]
    if not fridays:
        return ()
    is_open = frozenset(sessions("XNYS", fridays[0] - _WEEK, fridays[-1]) if open_days is None else open_days)
    return tuple(_last_session_to(friday, is_open) for friday in fridays)


def _last_session_to(friday: date, is_open: frozenset[date]) -> date:
    days = (friday - timedelta(days=back) for back in range(7))
    found = next((day for day in days if day in is_open), None)
    if found is None:
        raise ValueError(f"no session in the week to {friday}: do the sessions cover it?")
    return found
