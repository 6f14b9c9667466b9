"""The shipped FOMC calendar, and its merge with the Federal Reserve's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from transforms.errors import PipelineError
from transforms.events import FomcMeeting, fomc_meetings, merge_meetings
from transforms.events import fomc as calendar

HELD = [one for one in fomc_meetings() if not one.is_cancelled]
SCHEDULED = [one for one in HELD if one.is_scheduled]


def of_year(year: int) -> list[FomcMeeting]:
    return [one for one in fomc_meetings() if one.decision_date.year == year]


def page_of(year: int) -> list[FomcMeeting]:
    """What the page would list of a year: the shipped scheduled meetings, known as the page knows them."""
    return calendar.with_known_dates(one for one in of_year(year) if one.is_scheduled and not one.is_cancelled)


@pytest.mark.parametrize("year", range(2004, 2028))
def test_fomc_year_has_eight_scheduled_decisions(year: int) -> None:
    expected = 7 if year == 2020 else 8  # the meeting of 17 and 18 March 2020 did not take place
    assert sum(one.decision_date.year == year for one in SCHEDULED) == expected


@pytest.mark.parametrize(
    "decision",
    [
        date(2004, 6, 30),
        date(2008, 12, 16),
        date(2013, 5, 1),  # crosses a month
        date(2015, 9, 17),  # a Thursday
        date(2018, 11, 8),  # a Thursday, after an election
        date(2020, 11, 5),
        date(2024, 11, 7),
        date(2026, 4, 29),  # some lists have 2026-05-06
        date(2027, 6, 9),
    ],
)
def test_fomc_scheduled_decision_is_listed(decision: date) -> None:
    assert decision in {one.decision_date for one in SCHEDULED}


def test_fomc_unscheduled_decisions_are_the_six() -> None:
    assert [one.decision_date for one in HELD if not one.is_scheduled] == [
        date(2007, 8, 17),
        date(2008, 1, 22),
        date(2008, 10, 8),
        date(2020, 3, 3),
        date(2020, 3, 15),
        date(2020, 3, 23),
    ]


def test_fomc_unscheduled_decision_was_not_known_before_its_day() -> None:
    assert all(one.known_date == one.decision_date for one in HELD if not one.is_scheduled)


def test_fomc_scheduled_decision_is_known_when_the_one_before_ends() -> None:
    known = {one.decision_date: one.known_date for one in SCHEDULED}
    assert known[date(2024, 3, 20)] == date(2024, 1, 31)
    assert known[date(2027, 1, 27)] == date(2026, 12, 9)


def test_fomc_scheduled_decision_is_known_weeks_ahead() -> None:
    lead = {one.decision_date: one.decision_date - one.known_date for one in SCHEDULED}
    late = [day for day, ahead in lead.items() if ahead < timedelta(days=28)]
    assert late == [date(2011, 9, 21)]  # extended by a day on 2011-08-26


def test_fomc_meeting_of_march_2020_was_expected_until_it_was_given_up() -> None:
    (given_up,) = [one for one in of_year(2020) if one.is_cancelled]
    assert given_up.decision_date == date(2020, 3, 18)
    assert given_up.known_date == date(2020, 1, 29)
    assert given_up.cancelled_date == date(2020, 3, 15)


def test_fomc_date_given_up_has_no_minutes() -> None:
    assert all(one.minutes_date is None for one in fomc_meetings() if one.is_cancelled)


@pytest.mark.parametrize(
    ("decision", "minutes"),
    [
        (date(2004, 11, 10), date(2004, 12, 16)),  # to here minutes followed the next meeting
        (date(2004, 12, 14), date(2005, 1, 4)),
        (date(2018, 6, 13), date(2018, 7, 5)),  # around 4 July
        (date(2023, 11, 1), date(2023, 11, 21)),  # before Thanksgiving
        (date(2024, 11, 7), date(2024, 11, 26)),
        (date(2025, 12, 10), date(2025, 12, 30)),
        (date(2008, 10, 8), date(2008, 11, 19)),
    ],
)
def test_fomc_minutes_have_the_day_stated(decision: date, minutes: date) -> None:
    (meeting,) = [one for one in HELD if one.decision_date == decision]
    assert (meeting.minutes_date, meeting.minutes_basis) == (minutes, "published")


def test_fomc_minutes_not_stated_are_estimated_three_weeks_after() -> None:
    estimated = [one for one in HELD if one.minutes_basis == "estimated"]
    assert [one.decision_date for one in estimated][:2] == [date(2026, 12, 9), date(2027, 1, 27)]
    assert {one.minutes_date - one.decision_date for one in estimated if one.minutes_date} == {timedelta(days=21)}


def test_fomc_minutes_since_2005_come_three_weeks_after_but_for_holidays() -> None:
    stated = [one for one in SCHEDULED if one.minutes_basis == "published" and one.decision_date >= date(2004, 12, 1)]
    lags = [(one.minutes_date - one.decision_date).days for one in stated if one.minutes_date]
    assert len(lags) == 175
    assert sum(lag == 21 for lag in lags) == 161
    assert {19, 20, 21, 22, 23} == set(lags)


def test_fomc_scheduled_decisions_are_five_to_nine_weeks_apart() -> None:
    apart = [(later.decision_date - earlier.decision_date).days for earlier, later in pairwise(SCHEDULED)]
    across_march_2020 = (date(2020, 4, 29) - date(2020, 1, 29)).days
    assert sorted(apart)[-1] == across_march_2020
    assert 32 <= min(apart) <= sorted(apart)[-2] <= 63


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"first_date": date(2025, 1, 24), "decision_date": date(2025, 1, 25)}, "Saturday"),
        ({"first_date": date(2025, 1, 20)}, "from 2025-01-20"),
        ({"first_date": date(2025, 1, 30)}, "from 2025-01-30"),
        ({"known_date": date(2025, 1, 30)}, "known from 2025-01-30"),
        ({"minutes_date": date(2025, 1, 29)}, "minutes on"),
        ({"minutes_date": date(2025, 2, 22)}, "Saturday"),
        ({"minutes_basis": None}, "minutes 2025-02-19, None"),
        ({"cancelled_date": date(2025, 1, 20)}, "given up on 2025-01-20"),
        ({"is_cancelled": True, "cancelled_date": date(2025, 2, 1)}, "given up on 2025-02-01"),
    ],
)
def test_fomc_entry_that_cannot_be_right_is_named(change: dict[str, object], found: str) -> None:
    (meeting,) = [one for one in SCHEDULED if one.decision_date == date(2025, 1, 29)]
    wrong = replace(meeting, **change)  # type: ignore[arg-type]
    with pytest.raises(PipelineError, match=f"decision of {wrong.decision_date}") as raised:
        calendar.check_meetings([wrong])
    assert found in str(raised.value.found)


def test_fomc_decision_listed_twice_is_named() -> None:
    with pytest.raises(PipelineError, match="decision of 2025-01-29"):
        calendar.check_meetings([one for one in of_year(2025) if one.decision_date.month == 1] * 2)


def test_merge_with_an_empty_page_is_the_shipped_calendar() -> None:
    assert merge_meetings(fomc_meetings(), []) == (fomc_meetings(), ())


def test_merge_with_a_page_that_agrees_changes_nothing() -> None:
    merged, differences = merge_meetings(fomc_meetings(), page_of(2025))
    assert merged == fomc_meetings()
    assert differences == ()


def test_merge_takes_a_moved_meeting_from_the_page_and_lists_it() -> None:
    moved = date(2026, 12, 16)
    page = [
        replace(one, first_date=date(2026, 12, 15), decision_date=moved, minutes_date=moved + timedelta(days=21))
        if one.decision_date == date(2026, 12, 9)
        else one
        for one in page_of(2026)
    ]
    merged, differences = merge_meetings(fomc_meetings(), page)
    days = {one.decision_date for one in merged}
    assert moved in days
    assert date(2026, 12, 9) not in days
    assert [(one.kind, one.shipped, one.page) for one in differences] == [
        ("only_shipped", "2026-12-09", ""),
        ("only_on_page", "", "2026-12-16"),
    ]


def test_merge_takes_a_year_that_is_not_shipped() -> None:
    page = [
        replace(
            one,
            first_date=one.first_date + timedelta(days=364),
            decision_date=one.decision_date + timedelta(days=364),
            minutes_date=one.decision_date + timedelta(days=385),
        )
        for one in page_of(2027)
    ]
    merged, differences = merge_meetings(fomc_meetings(), page)
    assert sum(one.decision_date.year == 2028 for one in merged) == 8
    assert {one.kind for one in differences} == {"only_on_page"}
    (january,) = [one for one in merged if one.decision_date == date(2028, 1, 26)]
    assert january.known_date == date(2027, 12, 8)


def test_merge_takes_nothing_of_a_year_the_page_lists_in_part() -> None:
    merged, differences = merge_meetings(fomc_meetings(), page_of(2026)[:5])
    assert merged == fomc_meetings()
    assert [(one.year, one.kind, one.page) for one in differences] == [
        (2026, "year_incomplete_on_page", "5 scheduled dates")
    ]


def test_merge_keeps_unscheduled_decisions_and_the_day_a_date_was_given_up() -> None:
    page = [one for one in of_year(2020) if one.is_scheduled]
    page = [replace(one, cancelled_date=None) for one in page]  # the page does not state the day
    merged, differences = merge_meetings(fomc_meetings(), calendar.with_known_dates(page))
    assert merged == fomc_meetings()
    assert differences == ()


def test_merge_takes_minutes_the_page_states_and_lists_them() -> None:
    page = [replace(one, minutes_date=one.decision_date + timedelta(days=20)) for one in page_of(2025)]
    merged, differences = merge_meetings(fomc_meetings(), page)
    minutes = {one.decision_date: one.minutes_date for one in merged}
    assert minutes[date(2025, 1, 29)] == date(2025, 2, 18)
    assert {one.kind for one in differences} == {"other_minutes"}
    assert len(differences) == 7  # December's were a day early already


def test_merge_keeps_stated_minutes_while_the_page_only_estimates() -> None:
    page = [
        replace(one, minutes_date=one.decision_date + timedelta(days=21), minutes_basis="estimated")
        for one in page_of(2025)
    ]
    merged, differences = merge_meetings(fomc_meetings(), page)
    assert merged == fomc_meetings()
    assert differences == ()
