"""Which session a snapshot of the option chain belongs to, and which snapshot of a session is used."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from transforms.calendar import NEW_YORK, trading_hours

QUOTE_DELAY = timedelta(minutes=15)
"""The published quotes are this much older than the snapshot's own time."""
CLOSE_AFTER_EQUITIES = timedelta(minutes=15)
"""VIX options trade a quarter of an hour longer than the New York Stock Exchange, on short days too."""
EXTENDED_HOURS_FROM = time(20, 15)
"""Extended hours of a session begin on the evening of the calendar day before it."""


class OptionSession(NamedTuple):
    """Regular hours of one session of VIX options."""

    session_date: date
    open_at_utc: datetime
    close_at_utc: datetime


class SnapshotSession(NamedTuple):
    """What a snapshot belongs to.

    Attributes
    ----------
    session_date
        The session whose last quotes it shows; None unless ``status`` is ``after_the_close``.
    status
        ``after_the_close``, ``taken_during_the_session`` or ``outside_the_calendar``.
    is_in_extended_hours
        It was taken when the next session's extended hours had begun: its quotes may be of those, an
        evening younger than the settlements.
    """

    session_date: date | None
    status: str
    is_in_extended_hours: bool = False


@lru_cache(maxsize=8)
def option_sessions(first: date, last: date) -> tuple[OptionSession, ...]:
    """Sessions of VIX options from ``first`` to ``last``, both included.

    From the New York Stock Exchange's calendar (XNYS), whose short days ``exchange_calendars`` knows better than
    those of Cboe's futures: XCBF lacks the short session of 2025-12-24.
    """
    hours = trading_hours("XNYS", first, last)
    return tuple(
        OptionSession(day.date(), opened.to_pydatetime(), closed.to_pydatetime() + CLOSE_AFTER_EQUITIES)
        for day, opened, closed in zip(hours.index, hours["open"], hours["close"], strict=True)
    )


def session_of_snapshot(snapshot_at_utc: datetime, sessions: Sequence[OptionSession]) -> SnapshotSession:
    """Return the session whose last quotes a snapshot shows.

    That is the newest session whose close lies before the quotes, when the next session's open lies after them; the
    quotes are `QUOTE_DELAY` older than the snapshot. A snapshot of an open market belongs to no session.

    Parameters
    ----------
    snapshot_at_utc
        An aware instant.
    sessions
        In order of date, with at least one session after the snapshot.
    """
    shown_at = snapshot_at_utc - QUOTE_DELAY
    number = bisect_right(sessions, shown_at, key=lambda session: session.close_at_utc)
    if number == 0 or number == len(sessions):
        return SnapshotSession(None, "outside_the_calendar")
    closed, following = sessions[number - 1], sessions[number]
    if shown_at >= following.open_at_utc:
        return SnapshotSession(None, "taken_during_the_session")
    evening = following.session_date - timedelta(days=1)
    extended_from = datetime.combine(evening, EXTENDED_HOURS_FROM, NEW_YORK)
    return SnapshotSession(closed.session_date, "after_the_close", is_in_extended_hours=shown_at >= extended_from)


def choose_snapshots(snapshots: pd.DataFrame) -> pd.DataFrame:
    """Say of every snapshot whether it is used: the first after the close of its session is.

    Parameters
    ----------
    snapshots
        ``snapshot_at_utc`` and ``index_at_utc`` (instants of `ParsedChain`; NaT where the file does not say),
        in any order; the same instant twice is one snapshot.

    Returns
    -------
    One row an instant, in order: ``snapshot_at_utc`` (datetime64[us, UTC]), ``trade_date`` (datetime64[us], NaT
    without a session), ``status`` (text), ``is_in_extended_hours`` (bool). Status is ``used``;
    ``later_than_another`` snapshot of its session; ``index_of_another_session`` (the index it shows is not of the
    session's day: an old copy, or already the next morning's); ``taken_during_the_session``; or
    ``outside_the_calendar``.
    """
    # column by column: applied to a frame without rows, the conversion is never made
    names = ("snapshot_at_utc", "index_at_utc")
    stamps = pd.DataFrame({name: pd.to_datetime(snapshots[name], utc=True) for name in names})
    stamps = stamps.drop_duplicates("snapshot_at_utc").sort_values("snapshot_at_utc").astype("datetime64[us, UTC]")
    instants = [stamp.to_pydatetime() for stamp in stamps["snapshot_at_utc"]]
    index_days = stamps["index_at_utc"].dt.tz_convert(NEW_YORK).dt.date
    sessions: tuple[OptionSession, ...] = ()
    if instants:
        margin = timedelta(days=14)
        sessions = option_sessions(instants[0].date() - margin, instants[-1].date() + margin)
    rows = []
    taken: set[date] = set()
    for instant, index_day in zip(instants, index_days, strict=True):
        found = session_of_snapshot(instant, sessions)
        status = found.status
        if found.session_date is not None and not pd.isna(index_day) and index_day != found.session_date:
            status = "index_of_another_session"
        elif found.session_date is not None:
            status = "later_than_another" if found.session_date in taken else "used"
            taken.add(found.session_date)
        rows.append((instant, found.session_date, status, found.is_in_extended_hours))
    frame = pd.DataFrame(rows, columns=["snapshot_at_utc", "trade_date", "status", "is_in_extended_hours"])
    frame["snapshot_at_utc"] = pd.to_datetime(frame["snapshot_at_utc"], utc=True).astype("datetime64[us, UTC]")
    return frame.astype({"trade_date": "datetime64[us]", "status": "str", "is_in_extended_hours": "bool"})
