"""The Federal Reserve's page of FOMC meetings, read into meetings and refused entries.

Source: ``https://www.federalreserve.gov/monetarypolicy/fomccalendars.htm``: a panel a year, a row a meeting,
with the month (``April``, ``Apr/May``), the days (``28-29``, ``17-18*``, ``22 (notation vote)``) and, once they
exist, links to the statement and the minutes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from html.parser import HTMLParser

from transforms.contracts import RefusedEntry
from transforms.events.fomc import MINUTES_LAG, FomcMeeting, MinutesBasis, are_minutes_of, with_known_dates

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_YEAR = re.compile(r"\b([12][0-9]{3}) FOMC Meetings\b")
_DAYS = re.compile(r"([0-9]{1,2})(?:\s*[-\u2013\u2014]\s*([0-9]{1,2}))?\s*\*?\s*(?:\(([^()]*)\))?\s*\*?")
_STATEMENT = re.compile(r"/monetary([12][0-9]{3})([0-9]{2})([0-9]{2})a[0-9]*\.")
_RELEASED = re.compile(r"\(\s*Released\s+([^()]*)\)", re.IGNORECASE)
_DAY_IN_WORDS = re.compile(r"([A-Za-z]+)\.?\s+([0-9]{1,2}),?\s+([12][0-9]{3})")
_LONGEST_TEXT = 500
_STATEMENT_WITHIN = timedelta(days=7)


@dataclass
class _Row:
    """What a row of the page says, as text."""

    line_no: int
    year: int | None
    month: str = ""
    days: str = ""
    text: str = ""
    links: list[str] = field(default_factory=list)
    is_cut_off: bool = False

    def refused(self, reason: str) -> RefusedEntry:
        said = " ".join(f"{self.year} {self.month} {self.days} {self.text}".split())
        return RefusedEntry(self.line_no, reason, said[:_LONGEST_TEXT])


class _UnreadableError(ValueError):
    """A row that cannot be used; its message is the reason."""


def parse_fomc_page(body: bytes) -> tuple[list[FomcMeeting], list[RefusedEntry]]:
    """Parse the page of FOMC meetings.

    Whatever the bytes are, it answers: a row that cannot be a meeting is refused with a reason, and a page
    without one meeting is refused as a whole (``no_meeting_on_the_page``). Votes without a meeting
    (``notation vote``) and unscheduled meetings without a statement decided nothing that is dated here: they
    are refused with that reason, so that nothing on the page is lost.

    Returns
    -------
    Meetings by decision day, and the refused entries with line, reason and text. A scheduled meeting whose
    minutes are not out has them estimated; minutes that cannot be read are listed and estimated too.
    """
    reader = _PageReader()
    refused = []
    try:
        reader.feed(body.decode("utf-8", "replace"))
        reader.close()
    except (AssertionError, ValueError) as error:
        # html.parser meets some broken declarations with an assertion.
        refused.append(RefusedEntry(reader.getpos()[0], "unreadable_html", f"{type(error).__name__}: {error}"[:500]))
    reader.cut_off()
    found: dict[date, FomcMeeting] = {}
    for row in reader.rows:
        try:
            meeting, remark = _meeting(row)
            if meeting.decision_date in found:
                raise _UnreadableError("duplicate_of_an_earlier_row")
        except _UnreadableError as reason:
            refused.append(row.refused(str(reason)))
            continue
        found[meeting.decision_date] = meeting
        if remark is not None:
            refused.append(row.refused(remark))
    if not found:
        refused.append(RefusedEntry(0, "no_meeting_on_the_page", body[:200].decode("utf-8", "replace")))
    return with_known_dates(found.values()), refused


class _PageReader(HTMLParser):
    """Collects year headings and meeting rows; where tags do not match, a row ends up unreadable, not wrong."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[_Row] = []
        self._year: int | None = None
        self._heading: str | None = None
        self._row: _Row | None = None
        self._open_divs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("h3", "h4", "h5"):
            self.finish_row()
            self._heading = ""
        elif tag == "div":
            classes = (named.get("class") or "").split()
            if "fomc-meeting" in classes:
                self.finish_row()
                self._finish_heading()
                self._row = _Row(self.getpos()[0], self._year)
            self._open_divs.append(_role(classes))
        elif tag == "a" and self._row is not None:
            self._row.links.append(named.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h3", "h4", "h5"):
            self._finish_heading()
        elif tag == "div" and self._open_divs and self._open_divs.pop() == "row":
            self.finish_row()

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading += data
        elif self._row is not None:
            role = self._open_divs[-1] if self._open_divs else ""
            if role == "month":
                self._row.month += data
            elif role == "days":
                self._row.days += data
            else:
                self._row.text += data

    def _finish_heading(self) -> None:
        match = _YEAR.search(self._heading or "")
        self._year = int(match[1]) if match else self._year
        self._heading = None

    def cut_off(self) -> None:
        """Keep the row the page ends in, if it does: half of its days may be missing."""
        if self._row is not None:
            self._row.is_cut_off = True
        self.finish_row()

    def finish_row(self) -> None:
        """Keep the row being read, if there is one."""
        if self._row is not None:
            self.rows.append(self._row)
        self._row = None


def _role(classes: list[str]) -> str:
    if "fomc-meeting" in classes:
        return "row"
    if any(name.startswith("fomc-meeting__month") for name in classes):
        return "month"
    return "days" if any(name.startswith("fomc-meeting__date") for name in classes) else ""


def _meeting(row: _Row) -> tuple[FomcMeeting, str | None]:
    """Return the meeting, and a remark where a part of the row had to be left out."""
    if row.is_cut_off:
        raise _UnreadableError("page_ends_in_the_row")
    first, last, note = _days(row)
    if note not in ("", "unscheduled", "cancelled", "canceled"):
        raise _UnreadableError("notation_vote" if note == "notation vote" else "unknown_remark")
    is_cancelled = note.startswith("cancel")
    is_scheduled = note != "unscheduled"
    statement = _statement(row)
    decision = last
    if not is_scheduled:
        if statement is None:
            raise _UnreadableError("unscheduled_without_a_statement")
        if not timedelta(0) <= statement - last <= _STATEMENT_WITHIN:
            raise _UnreadableError("statement_far_from_the_meeting")
        decision = statement
        first = max(first, decision - timedelta(days=1))
    elif not is_cancelled:
        if statement is not None and statement != last:
            raise _UnreadableError("statement_on_another_day")
        if first.weekday() > 4 or last.weekday() > 4:
            raise _UnreadableError("scheduled_on_a_weekend")
    minutes, basis, remark = _minutes(row, decision, is_estimated=is_scheduled)
    return (
        FomcMeeting(
            first_date=first,
            decision_date=decision,
            is_scheduled=is_scheduled,
            known_date=decision,
            is_cancelled=is_cancelled,
            minutes_date=None if is_cancelled else minutes,
            minutes_basis=None if is_cancelled else basis,
        ),
        remark,
    )


def _days(row: _Row) -> tuple[date, date, str]:
    if row.year is None:
        raise _UnreadableError("no_year_above_the_row")
    match = _DAYS.fullmatch(row.days.strip())
    if match is None:
        raise _UnreadableError("unreadable_days")
    months = [_month(part) for part in row.month.strip().split("/")]
    if len(months) > 2 or (len(months) == 2 and match[2] is None):
        raise _UnreadableError("unreadable_month")
    try:
        first = date(row.year, months[0], int(match[1]))
        last = date(row.year, months[-1], int(match[2] or match[1]))
    except ValueError:
        raise _UnreadableError("no_such_day") from None
    if not timedelta(0) <= last - first <= timedelta(days=2):
        raise _UnreadableError("days_out_of_order")
    return first, last, " ".join((match[3] or "").lower().split())


def _month(text: str) -> int:
    said = text.strip().rstrip(".").lower()
    for number, name in enumerate(_MONTHS, start=1):
        if len(said) >= 3 and name.startswith(said):
            return number
    raise _UnreadableError("unreadable_month")


def _statement(row: _Row) -> date | None:
    for link in row.links:
        match = _STATEMENT.search(link)
        if match is not None:
            try:
                return date(int(match[1]), int(match[2]), int(match[3]))
            except ValueError:
                raise _UnreadableError("unreadable_statement_link") from None
    return None


def _minutes(row: _Row, decision: date, *, is_estimated: bool) -> tuple[date | None, MinutesBasis | None, str | None]:
    later: tuple[date | None, MinutesBasis | None] = (decision + MINUTES_LAG, "estimated")
    if not is_estimated:
        later = (None, None)
    elif (decision + MINUTES_LAG).weekday() > 4:
        raise _UnreadableError("scheduled_on_a_weekend")
    said = _RELEASED.search(row.text)
    if said is None:
        return *later, None
    match = _DAY_IN_WORDS.fullmatch(said[1].strip())
    try:
        released = date(int(match[3]), _month(match[1]), int(match[2])) if match else None
    except ValueError:
        released = None
    if released is None or not are_minutes_of(released, decision):
        return *later, "unreadable_minutes_date"
    return released, "published", None
