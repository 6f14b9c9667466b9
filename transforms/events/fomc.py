"""FOMC decisions: the shipped calendar, and its merge with the Federal Reserve's own page.

A decision is dated by the last day of its meeting. For a session the next decision is the first one with
``known_date`` not after the session, not given up by then (``cancelled_date``), and still to come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from transforms.errors import PipelineError
from transforms.events.tables import (
    day_of,
    entry_error,
    is_weekday,
    optional_day_of,
    read_table,
    refuse_unknown_keys,
    text_of,
)

TABLE = "fomc_meetings"
MINUTES_LAG = timedelta(days=21)
"""Minutes are published three weeks after the decision; around holidays a day or two to either side."""
MEETINGS_A_YEAR = 8

_MEETING_KEYS = {"first", "decision", "minutes", "known"}
_UNSCHEDULED_KEYS = {"first", "decision", "minutes", "what"}
_GIVEN_UP_KEYS = {"first", "decision", "cancelled", "what"}
_LONGEST_MEETING = timedelta(days=2)
_MINUTES_WITHIN = timedelta(days=75)
_SHORTEST_GAP = timedelta(days=28)

MinutesBasis = Literal["published", "estimated"]


@dataclass(frozen=True)
class FomcMeeting:
    """One decision of the FOMC, or one scheduled date that was given up.

    Attributes
    ----------
    first_date, decision_date
        First and last day of the meeting; the decision is published on the last.
    known_date
        First day on which the date was public. Scheduled: the decision day of the scheduled meeting before,
        where the Committee confirms the next date; unscheduled: the decision day itself.
    is_cancelled, cancelled_date
        A date that was given up, and the day it was. The page does not state the day: None there.
    minutes_date, minutes_basis
        Publication of the minutes: as stated (``published``), or three weeks after (``estimated``). None for
        a date that was given up, and for a vote without minutes of its own.
    """

    first_date: date
    decision_date: date
    is_scheduled: bool
    known_date: date
    is_cancelled: bool = False
    cancelled_date: date | None = None
    minutes_date: date | None = None
    minutes_basis: MinutesBasis | None = None


@dataclass(frozen=True)
class CalendarDifference:
    """One point on which the shipped calendar and the page differ."""

    year: int
    kind: Literal["year_incomplete_on_page", "only_shipped", "only_on_page", "other_days", "other_minutes"]
    shipped: str
    page: str


@lru_cache(maxsize=1)
def fomc_meetings() -> tuple[FomcMeeting, ...]:
    """Return the shipped calendar by decision day, 2004 to 2027, the dates that were given up included.

    Raises
    ------
    PipelineError
        If an entry has an unknown key, days that are out of order or on a weekend (an unscheduled decision
        may fall on one), a decision day twice, minutes that do not follow the decision, or a date known
        only after the decision; or if a year has not eight scheduled dates.

    Source: federalreserve.gov, ``fomccalendars.htm`` and ``fomchistorical<year>.htm``.
    """
    table = read_table(TABLE)
    meetings = []
    overrides = {}
    for year, rows in table["scheduled"].items():
        for row in rows:
            meeting = _shipped(row, _MEETING_KEYS, is_scheduled=True)
            known = optional_day_of(row, "known", TABLE, str(meeting.decision_date))
            if known is not None:
                overrides[meeting.decision_date] = known
            if str(meeting.decision_date.year) != year:
                raise _wrong(meeting, f"listed under {year}", "the year of its decision")
            meetings.append(meeting)
    meetings += [_shipped(row, _UNSCHEDULED_KEYS, is_scheduled=False) for row in table["unscheduled"]["decisions"]]
    meetings += [_shipped(row, _GIVEN_UP_KEYS, is_scheduled=True) for row in table["given_up"]["dates"]]
    checked = check_meetings(with_known_dates(meetings, overrides))
    _check_years(checked)
    return checked


def with_known_dates(meetings: Iterable[FomcMeeting], overrides: dict[date, date] | None = None) -> list[FomcMeeting]:
    """Return the meetings by decision day, each with the day its date became known.

    A scheduled date counts as known once the scheduled meeting before it has ended, or was given up: every
    date is tentative until it is confirmed there. The first one has none before it, and counts as known
    four weeks ahead. ``overrides`` gives, by decision day, dates that became known otherwise.
    """
    dated = []
    confirmed: date | None = None
    for meeting in sorted(meetings, key=lambda one: (one.decision_date, one.is_scheduled)):
        if not meeting.is_scheduled:
            dated.append(replace(meeting, known_date=meeting.decision_date))
            continue
        known = (overrides or {}).get(meeting.decision_date, confirmed or meeting.first_date - _SHORTEST_GAP)
        dated.append(replace(meeting, known_date=known))
        confirmed = meeting.cancelled_date or meeting.decision_date
    return dated


def check_meetings(meetings: Iterable[FomcMeeting]) -> tuple[FomcMeeting, ...]:
    """Return the meetings by decision day if they can be right; see ``fomc_meetings``."""
    ordered = sorted(meetings, key=lambda one: (one.decision_date, one.first_date))
    for meeting in ordered:
        if not timedelta(0) <= meeting.decision_date - meeting.first_date <= _LONGEST_MEETING:
            raise _wrong(meeting, f"from {meeting.first_date}", "a meeting of one to three days")
        if meeting.is_scheduled and not (is_weekday(meeting.first_date) and is_weekday(meeting.decision_date)):
            raise _wrong(meeting, f"{meeting.first_date:%A} to {meeting.decision_date:%A}", "weekdays")
        if meeting.known_date > meeting.decision_date:
            raise _wrong(meeting, f"known from {meeting.known_date}", "a day not after the decision")
        if meeting.cancelled_date is not None and not (
            meeting.is_cancelled and meeting.known_date <= meeting.cancelled_date <= meeting.decision_date
        ):
            raise _wrong(meeting, f"given up on {meeting.cancelled_date}", "a day between known and decision")
        if (meeting.minutes_date is None) != (meeting.minutes_basis is None):
            raise _wrong(meeting, f"minutes {meeting.minutes_date}, {meeting.minutes_basis}", "both or neither")
        if meeting.minutes_date is not None and not are_minutes_of(meeting.minutes_date, meeting.decision_date):
            raise _wrong(meeting, f"minutes on {meeting.minutes_date:%A %Y-%m-%d}", "a weekday within 75 days")
    for earlier, later in pairwise(ordered):
        if earlier.decision_date == later.decision_date:
            raise _wrong(later, "the day is listed twice", "one entry a decision day")
    return tuple(ordered)


def are_minutes_of(minutes: date, decision: date) -> bool:
    """Say whether minutes of a day can be those of a decision: a weekday, after it, within 75 days."""
    return is_weekday(minutes) and timedelta(0) < minutes - decision <= _MINUTES_WITHIN


def merge_meetings(
    shipped: Iterable[FomcMeeting], page: Iterable[FomcMeeting]
) -> tuple[tuple[FomcMeeting, ...], tuple[CalendarDifference, ...]]:
    """Put the page's scheduled meetings in the place of the shipped ones, and list the differences.

    The page wins for each year of which it lists at least eight scheduled dates; of other years nothing is
    taken, and that is listed. Unscheduled decisions are kept from both: the page shows some of them as votes
    only. The day on which a date was given up, and published minutes that the page does not state yet, stay
    as shipped.

    Returns
    -------
    The merged calendar by decision day, and the differences by year.

    Raises
    ------
    PipelineError
        If the merged calendar cannot be right.
    """
    ours = {meeting.decision_date: meeting for meeting in shipped}
    theirs = {meeting.decision_date: meeting for meeting in page}
    differences = []
    merged = dict(ours)
    for year in sorted({day.year for day in theirs}):
        listed = {day: one for day, one in theirs.items() if day.year == year}
        scheduled = sum(one.is_scheduled for one in listed.values())
        if scheduled < MEETINGS_A_YEAR:
            found = f"{scheduled} scheduled dates"
            differences.append(CalendarDifference(year, "year_incomplete_on_page", "", found))
            continue
        differences += _differences(year, {day: one for day, one in ours.items() if day.year == year}, listed)
        for day in [day for day, one in ours.items() if day.year == year and one.is_scheduled]:
            # A page that no longer shows a date given up is not news: the shipped entry says more.
            if not ours[day].is_cancelled or day in listed:
                del merged[day]
        merged |= {day: _with_what_is_shipped(one, ours.get(day)) for day, one in listed.items()}
    known = {day: one.known_date for day, one in ours.items() if one.is_scheduled}
    return check_meetings(with_known_dates(merged.values(), known)), tuple(differences)


def _with_what_is_shipped(meeting: FomcMeeting, shipped: FomcMeeting | None) -> FomcMeeting:
    if shipped is None:
        return meeting
    if meeting.is_cancelled and shipped.is_cancelled:
        meeting = replace(meeting, cancelled_date=shipped.cancelled_date)
    if meeting.minutes_basis != "published" and shipped.minutes_basis == "published" and not meeting.is_cancelled:
        meeting = replace(meeting, minutes_date=shipped.minutes_date, minutes_basis="published")
    return meeting


def _differences(year: int, ours: dict[date, FomcMeeting], theirs: dict[date, FomcMeeting]) -> list[CalendarDifference]:
    found = []
    for day in sorted(ours.keys() | theirs.keys()):
        shipped, listed = ours.get(day), theirs.get(day)
        if listed is None and shipped is not None:
            # Unscheduled decisions and dates given up may be on no page: only a scheduled meeting is missed.
            if shipped.is_scheduled and not shipped.is_cancelled:
                found.append(CalendarDifference(year, "only_shipped", str(day), ""))
        elif shipped is None:
            found.append(CalendarDifference(year, "only_on_page", "", str(day)))
        elif listed is not None:
            if _shape(shipped) != _shape(listed):
                found.append(CalendarDifference(year, "other_days", _shape(shipped), _shape(listed)))
            if listed.minutes_basis == "published" and shipped.minutes_date != listed.minutes_date:
                minutes = str(shipped.minutes_date), str(listed.minutes_date)
                found.append(CalendarDifference(year, "other_minutes", *minutes))
    return found


def _shape(meeting: FomcMeeting) -> str:
    kind = "scheduled" if meeting.is_scheduled else "unscheduled"
    given_up = ", given up" if meeting.is_cancelled else ""
    return f"{meeting.first_date} to {meeting.decision_date}, {kind}{given_up}"


def _check_years(meetings: tuple[FomcMeeting, ...]) -> None:
    for year in {meeting.decision_date.year for meeting in meetings}:
        of_year = [one for one in meetings if one.decision_date.year == year and one.is_scheduled]
        # A date moved by a day counts once; one that was replaced by an unscheduled meeting counts.
        moved = sum(
            one.is_cancelled
            and any(timedelta(0) < other.decision_date - one.decision_date <= _LONGEST_MEETING for other in of_year)
            for one in of_year
        )
        if len(of_year) - moved != MEETINGS_A_YEAR:
            raise entry_error(TABLE, str(year), f"{len(of_year) - moved} scheduled dates", str(MEETINGS_A_YEAR))


def _shipped(row: dict[str, Any], keys: set[str], *, is_scheduled: bool) -> FomcMeeting:
    decision = day_of(row, "decision", TABLE, str(row.get("decision")))
    entry = str(decision)
    refuse_unknown_keys(row, keys, TABLE, entry)
    if "what" in keys:
        text_of(row, "what", TABLE, entry)
    is_cancelled = "cancelled" in keys
    minutes = optional_day_of(row, "minutes", TABLE, entry)
    basis: MinutesBasis | None = None if minutes is None else "published"
    if minutes is None and is_scheduled and not is_cancelled:
        minutes, basis = decision + MINUTES_LAG, "estimated"
    return FomcMeeting(
        first_date=day_of(row, "first", TABLE, entry),
        decision_date=decision,
        is_scheduled=is_scheduled,
        known_date=decision,
        is_cancelled=is_cancelled,
        cancelled_date=day_of(row, "cancelled", TABLE, entry) if is_cancelled else None,
        minutes_date=minutes,
        minutes_basis=basis,
    )


def _wrong(meeting: FomcMeeting, found: str, expected: str) -> PipelineError:
    return entry_error(TABLE, f"decision of {meeting.decision_date}", found, expected)
