"""Weeks of the futures calendar: which session ends one, and which is the first of the next."""

from __future__ import annotations

import pandas as pd


def list_weeks(sessions: pd.Series) -> pd.DataFrame:
    """Return the last session of each week, and the session after it.

    Parameters
    ----------
    sessions
        Sessions of the futures, datetime64, unique, ascending, reaching past the newest data: the exchange publishes
        its calendar ahead.

    Returns
    -------
    ``calibrated_on_date``, ``used_from_date`` (datetime64[us]), one row a week from Monday to Sunday, in order. The
    last week of the calendar has no next session and no row.
    """
    days = pd.Series(sessions.to_numpy(), dtype="datetime64[us]")
    after = days.shift(-1)
    week, next_week = (
        moment.dt.normalize() - pd.to_timedelta(moment.dt.day_of_week, unit="D") for moment in (days, after)
    )
    is_last = after.notna() & (week != next_week)
    return pd.DataFrame({"calibrated_on_date": days[is_last], "used_from_date": after[is_last]}).reset_index(drop=True)
