"""The parser of the Federal Reserve's page of FOMC meetings."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from transforms.events import fomc_meetings, merge_meetings, parse_fomc_page

QUICK = examples(150)


def row(month: str, days: str, rest: str = "", *, shaded: bool = False) -> str:
    """A meeting in the page's own markup."""
    marked = "fomc-meeting--shaded row fomc-meeting" if shaded else "row fomc-meeting"
    return f"""
      <div class="{marked}">
        <div class="fomc-meeting__month col-xs-5 col-sm-3 col-md-2"><strong>{month}</strong></div>
        <div class="fomc-meeting__date col-xs-4 col-sm-9 col-md-10 col-lg-1">{days}</div>
        {rest}
      </div>"""


def documents(statement: str, released: str = "") -> str:
    """Links of a meeting that took place: the statement, then the minutes."""
    minutes = f"<br>(Released {released})" if released else ""
    return f"""<div class="col-xs-12 col-md-4 col-lg-2"><strong>Statement:</strong><br>
          <a href="/monetarypolicy/files/monetary{statement}a1.pdf">PDF</a> |
          <a href="/newsevents/pressreleases/monetary{statement}a.htm">HTML</a><br>
          <a href="/newsevents/pressreleases/monetary{statement}a1.htm">Implementation Note</a></div>
        <div class="col-xs-12 col-md-4 col-lg-4 fomc-meeting__minutes"><strong>Minutes:</strong><br>
          <a href="/monetarypolicy/fomcminutes{statement}.htm">HTML</a>{minutes}</div>"""


def page(*years: tuple[int, list[str]]) -> bytes:
    """A page of panels, one a year."""
    panels = "".join(
        f"""<div class="panel panel-default"><div class="panel-heading"><h4><a id="428{year}">{year} FOMC Meetings</a>
        </h4></div>{"".join(rows)}<div class="panel-footer">* Meeting associated with projections.</div></div>"""
        for year, rows in years
    )
    return f"""<!DOCTYPE html><html><head><title>FOMC</title><script>if (a < b) {{}}</script></head><body>
      <h3>Meeting calendars &amp; statements</h3>{panels}<h4>2000 and before</h4></body></html>""".encode()


THIS_YEAR = page(
    (
        2026,
        [
            row("January", "27-28", documents("20260128", "February 18, 2026")),
            row("March", "17-18*", documents("20260318", "April 8, 2026"), shaded=True),
            row("April", "28-29", documents("20260429", "May 20, 2026")),
            row("June", "16-17*", documents("20260617", "July 8, 2026"), shaded=True),
            row("July", "28-29", documents("20260729", "August 19, 2026")),
            row("September", "15-16*", documents("20260916", "October 7, 2026"), shaded=True),
            row("October", "27-28", documents("20261028")),
            row("December", "8-9*", shaded=True),
        ],
    )
)


def only(body: bytes) -> tuple[date, date]:
    (meeting,), refused = parse_fomc_page(body)
    assert refused == []
    return meeting.first_date, meeting.decision_date


def reasons(body: bytes) -> list[str]:
    return [entry.reason for entry in parse_fomc_page(body)[1]]


def test_page_gives_every_meeting_of_a_year() -> None:
    meetings, refused = parse_fomc_page(THIS_YEAR)
    assert refused == []
    assert [one.decision_date.isoformat()[5:] for one in meetings] == [
        "01-28",
        "03-18",
        "04-29",
        "06-17",
        "07-29",
        "09-16",
        "10-28",
        "12-09",
    ]
    assert all(one.is_scheduled and not one.is_cancelled for one in meetings)


def test_page_that_agrees_with_the_shipped_calendar_changes_nothing() -> None:
    merged, differences = merge_meetings(fomc_meetings(), parse_fomc_page(THIS_YEAR)[0])
    assert merged == fomc_meetings()
    assert differences == ()


def test_page_gives_the_day_the_minutes_were_released() -> None:
    meetings, _ = parse_fomc_page(THIS_YEAR)
    assert (meetings[0].minutes_date, meetings[0].minutes_basis) == (date(2026, 2, 18), "published")


def test_page_without_released_minutes_has_them_estimated() -> None:
    meetings, _ = parse_fomc_page(THIS_YEAR)
    assert (meetings[-1].minutes_date, meetings[-1].minutes_basis) == (date(2026, 12, 30), "estimated")


@pytest.mark.parametrize(
    ("year", "month", "days", "expected"),
    [
        (2024, "Apr/May", "30-1", (date(2024, 4, 30), date(2024, 5, 1))),
        (2023, "Jan/Feb", "31-1", (date(2023, 1, 31), date(2023, 2, 1))),
        (2023, "Oct/Nov", "31-1", (date(2023, 10, 31), date(2023, 11, 1))),
        (2025, "Sept.", "16 \u2013 17*", (date(2025, 9, 16), date(2025, 9, 17))),
        (2011, "August", "9", (date(2011, 8, 9), date(2011, 8, 9))),
        (2025, "January", " 28-29 ", (date(2025, 1, 28), date(2025, 1, 29))),
    ],
)
def test_page_days_are_read(year: int, month: str, days: str, expected: tuple[date, date]) -> None:
    assert only(page((year, [row(month, days)]))) == expected


def test_page_years_are_kept_apart() -> None:
    meetings, refused = parse_fomc_page(page((2026, [row("January", "27-28")]), (2025, [row("January", "28-29")])))
    assert refused == []
    assert [one.decision_date for one in meetings] == [date(2025, 1, 29), date(2026, 1, 28)]


def test_page_date_is_known_when_the_meeting_before_ends() -> None:
    meetings, _ = parse_fomc_page(THIS_YEAR)
    assert meetings[1].known_date == meetings[0].decision_date


def test_page_unscheduled_meeting_is_dated_by_its_statement() -> None:
    body = page((2020, [row("March", "2 (unscheduled)", documents("20200303", "April 8, 2020"))]))
    (meeting,), refused = parse_fomc_page(body)
    assert refused == []
    assert not meeting.is_scheduled
    assert (meeting.decision_date, meeting.known_date) == (date(2020, 3, 3), date(2020, 3, 3))


def test_page_unscheduled_meeting_may_be_on_a_sunday() -> None:
    body = page((2020, [row("March", "15 (unscheduled)", documents("20200315", "April 8, 2020"))]))
    assert only(body) == (date(2020, 3, 15), date(2020, 3, 15))


def test_page_cancelled_meeting_is_kept_as_given_up() -> None:
    (meeting,), refused = parse_fomc_page(page((2020, [row("March", "17-18 (cancelled)")])))
    assert refused == []
    assert meeting.is_cancelled
    assert meeting.minutes_date is None


@pytest.mark.parametrize(
    ("month", "days", "rest", "reason"),
    [
        ("August", "22 (notation vote)", documents("20250822"), "notation_vote"),
        ("March", "4 (unscheduled)", "", "unscheduled_without_a_statement"),
        ("March", "4 (unscheduled)", documents("20250404"), "statement_far_from_the_meeting"),
        ("March", "4 (by telephone)", "", "unknown_remark"),
        ("March", "18-19*", documents("20250320"), "statement_on_another_day"),
        ("March", "18-19*", documents("20251345"), "unreadable_statement_link"),
        ("March", "soon", "", "unreadable_days"),
        ("March", "", "", "unreadable_days"),
        ("Marzo", "18-19", "", "unreadable_month"),
        ("", "18-19", "", "unreadable_month"),
        ("Apr/May", "30", "", "unreadable_month"),
        ("Feb", "30-31", "", "no_such_day"),
        ("March", "19-18", "", "days_out_of_order"),
        ("March", "3-19", "", "days_out_of_order"),
        ("March", "22-23", "", "scheduled_on_a_weekend"),
    ],
)
def test_page_row_that_is_no_decision_is_refused_with_its_text(month: str, days: str, rest: str, reason: str) -> None:
    meetings, refused = parse_fomc_page(page((2025, [row("January", "28-29"), row(month, days, rest)])))
    assert [one.decision_date for one in meetings] == [date(2025, 1, 29)]
    assert [entry.reason for entry in refused] == [reason]
    assert refused[0].text.startswith("2025")
    assert refused[0].line_no > 1


def test_page_row_above_any_year_is_refused() -> None:
    assert reasons(row("March", "18-19").encode()) == ["no_year_above_the_row", "no_meeting_on_the_page"]


def test_page_meeting_listed_twice_is_refused_once() -> None:
    meetings, refused = parse_fomc_page(page((2025, [row("March", "18-19"), row("March", "18-19")])))
    assert len(meetings) == 1
    assert [entry.reason for entry in refused] == ["duplicate_of_an_earlier_row"]


@pytest.mark.parametrize("released", ["soon", "February 31, 2025", "January 29, 2025", "May 28, 2025"])
def test_page_minutes_that_cannot_be_right_are_listed_and_estimated(released: str) -> None:
    body = page((2025, [row("January", "28-29", documents("20250129", released))]))
    (meeting,), refused = parse_fomc_page(body)
    assert [entry.reason for entry in refused] == ["unreadable_minutes_date"]
    assert (meeting.minutes_date, meeting.minutes_basis) == (date(2025, 2, 19), "estimated")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>Access denied</html>", b"<![if", b'{"error": 404}'])
def test_page_without_a_meeting_is_refused_as_a_whole(body: bytes) -> None:
    meetings, refused = parse_fomc_page(body)
    assert meetings == []
    assert refused[-1].reason == "no_meeting_on_the_page"


def test_page_that_ends_in_a_row_refuses_that_row() -> None:
    cut = THIS_YEAR[: THIS_YEAR.index(b"27-28", THIS_YEAR.index(b"October")) + 2]  # reads as one day, the 27th
    meetings, refused = parse_fomc_page(cut)
    assert len(meetings) == 6
    assert [entry.reason for entry in refused] == ["page_ends_in_the_row"]


PIECES = st.sampled_from(
    [
        "<h4>2025 FOMC Meetings</h4>",
        "<h4>",
        "</h4>",
        '<div class="row fomc-meeting">',
        '<div class="fomc-meeting__month">',
        '<div class="fomc-meeting__date">',
        "</div>",
        "January",
        "Apr/May",
        "30-1",
        "28-29*",
        "99-00",
        "15 (unscheduled)",
        "(Released February 30, 2025)",
        '<a href="/newsevents/pressreleases/monetary20250129a.htm">',
        "<![CDATA[",
        "<!",
        "<!-",
        "&#x110000;",
        "&#",
        "\x00",
        "<script>",
    ]
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=40).map(
        lambda parts: "".join(parts).encode("utf-8", "replace")
    ),
)


@QUICK
@given(BODIES)
def test_page_parser_answers_whatever_the_bytes_are(body: bytes) -> None:
    meetings, refused = parse_fomc_page(body)
    assert meetings or refused
    days = [one.decision_date for one in meetings]
    assert days == sorted(set(days))
    assert all(entry.reason and len(entry.text) <= 500 for entry in refused)


@QUICK
@given(st.integers(0, len(THIS_YEAR)), st.integers(0, 60))
def test_page_with_a_piece_cut_out_gives_no_more_meetings_and_no_other_year(start: int, length: int) -> None:
    whole = {one.decision_date for one in parse_fomc_page(THIS_YEAR)[0]}
    meetings, _ = parse_fomc_page(THIS_YEAR[:start] + THIS_YEAR[start + length :])
    assert len(meetings) <= len(whole)
    assert {day.year for day in (one.decision_date for one in meetings)} <= {2026}
