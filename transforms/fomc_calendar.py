"""The FOMC calendar as a table: the shipped meetings merged with those of the Federal Reserve's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from transforms.errors import PipelineError
from transforms.events.fomc import FomcMeeting, merge_meetings

MEETING_COLUMNS: Mapping[str, str] = {
    "meeting_first_date": "date",
    "decision_date": "date",
    "is_scheduled": "boolean",
    "known_date": "date",
    "is_cancelled": "boolean",
    "cancelled_date": "date",
    "minutes_date": "date",
    "minutes_basis": "varchar",
}
"""Columns of a meeting and their types in the warehouse, in the order of :func:`meeting_values`."""
_DIFFERENCE_COLUMNS = ["decision_year", "difference_kind", "shipped_text", "page_text"]


@dataclass(frozen=True)
class _Merged:
    """The merged meetings, the days taken from the page, and the differences as rows."""

    meetings: tuple[FomcMeeting, ...]
    page_days: frozenset[date]
    differences: tuple[tuple[int, str, str, str], ...]


def meeting_values(meeting: FomcMeeting) -> tuple[object, ...]:
    """Return a meeting in the order of ``MEETING_COLUMNS``."""
    return (
        meeting.first_date,
        meeting.decision_date,
        meeting.is_scheduled,
        meeting.known_date,
        meeting.is_cancelled,
        meeting.cancelled_date,
        meeting.minutes_date,
        meeting.minutes_basis,
    )


def build_fomc_calendar(frame: pd.DataFrame) -> pd.DataFrame:
    """Merge the shipped calendar with the page's.

    Parameters
    ----------
    frame
        One row a meeting and source: ``calendar_source`` (``shipped`` or ``page``), ``meeting_first_date``,
        ``decision_date``, ``is_scheduled``, ``known_date``, ``is_cancelled``, ``cancelled_date``,
        ``minutes_date``, ``minutes_basis``.

    Returns
    -------
    One row a decision day, the same columns, and ``meeting_basis``: ``page`` where the page's word was taken,
    else ``published``. A page that makes a calendar that cannot be right is left out as a whole.

    Source: ``transforms.events.fomc.merge_meetings`` says whose word wins.
    """
    merged = _merge(frame)
    rows = [
        (*meeting_values(meeting), "page" if meeting.decision_date in merged.page_days else "published")
        for meeting in merged.meetings
    ]
    return pd.DataFrame(rows, columns=[*MEETING_COLUMNS, "meeting_basis"], dtype=object)


def build_fomc_differences(frame: pd.DataFrame) -> pd.DataFrame:
    """List what the shipped calendar and the page say differently; ``frame`` as for ``build_fomc_calendar``.

    Returns
    -------
    ``decision_year``, ``difference_kind``, ``shipped_text``, ``page_text``: a text is empty where its side says
    nothing. A page that could not be used is one row, ``page_not_usable``, with the reason.
    """
    return pd.DataFrame(_merge(frame).differences, columns=_DIFFERENCE_COLUMNS, dtype=object)


def _merge(frame: pd.DataFrame) -> _Merged:
    shipped, page = (_meetings(frame[frame["calendar_source"] == source]) for source in ("shipped", "page"))
    try:
        meetings, found = merge_meetings(shipped, page)
    except PipelineError as error:
        reason = (page[0].decision_date.year, "page_not_usable", "", str(error))
        return _Merged(tuple(shipped), frozenset(), (reason,))
    not_taken = {entry.year for entry in found if entry.kind == "year_incomplete_on_page"}
    days = frozenset(meeting.decision_date for meeting in page if meeting.decision_date.year not in not_taken)
    # A simulated market ships no calendar: that its page says more is no difference.
    rows = tuple(
        (entry.year, entry.kind, entry.shipped, entry.page) for entry in found if shipped or entry.year in not_taken
    )
    return _Merged(meetings, days, rows)


def _meetings(frame: pd.DataFrame) -> list[FomcMeeting]:
    return [
        FomcMeeting(
            first_date=_day(row["meeting_first_date"]),
            decision_date=_day(row["decision_date"]),
            is_scheduled=bool(row["is_scheduled"]),
            known_date=_day(row["known_date"]),
            is_cancelled=bool(row["is_cancelled"]),
            cancelled_date=_optional_day(row["cancelled_date"]),
            minutes_date=_optional_day(row["minutes_date"]),
            minutes_basis=None if pd.isna(row["minutes_basis"]) else row["minutes_basis"],
        )
        for row in frame.to_dict("records")
    ]


def _day(value: Any) -> date:
    return pd.Timestamp(value).date()


def _optional_day(value: Any) -> date | None:
    return None if pd.isna(value) else _day(value)
