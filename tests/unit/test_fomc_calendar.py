"""The FOMC calendar as a table: whose word is taken, and what the two calendars say differently."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from transforms.events.fomc import FomcMeeting
from transforms.fomc_calendar import (
    MEETING_COLUMNS,
    build_fomc_calendar,
    build_fomc_differences,
    meeting_values,
)

DECISIONS = [date(2024, month, day) for month, day in ((1, 31), (3, 20), (5, 1), (6, 12), (7, 31), (9, 18), (11, 6))]
DECISIONS.append(date(2024, 12, 18))


def meeting(decision: date, **changes: Any) -> FomcMeeting:
    fields: dict[str, Any] = {
        "first_date": decision - timedelta(days=1),
        "decision_date": decision,
        "is_scheduled": True,
        "known_date": decision - timedelta(days=28),
        "minutes_date": decision + timedelta(days=21),
        "minutes_basis": "estimated",
    }
    return FomcMeeting(**(fields | changes))


def frame(shipped: list[FomcMeeting], page: list[FomcMeeting]) -> pd.DataFrame:
    rows = [("shipped", *meeting_values(one)) for one in shipped] + [("page", *meeting_values(one)) for one in page]
    made = pd.DataFrame(rows, columns=["calendar_source", *MEETING_COLUMNS])
    for column, kind in MEETING_COLUMNS.items():
        if kind == "date":
            made[column] = pd.to_datetime(made[column])
    return made


def test_calendar_without_a_page_is_the_shipped_one() -> None:
    shipped = [meeting(day) for day in DECISIONS]
    made = build_fomc_calendar(frame(shipped, []))
    assert list(made["decision_date"]) == DECISIONS
    assert set(made["meeting_basis"]) == {"published"}
    assert build_fomc_differences(frame(shipped, [])).empty


def test_calendar_takes_the_page_for_a_year_it_lists_whole() -> None:
    moved = [*DECISIONS[:-1], date(2024, 12, 11)]
    both = frame([meeting(day) for day in DECISIONS], [meeting(day) for day in moved])
    made = build_fomc_calendar(both)
    assert list(made["decision_date"]) == moved
    assert set(made["meeting_basis"]) == {"page"}
    kinds = build_fomc_differences(both)["difference_kind"]
    assert sorted(kinds) == ["only_on_page", "only_shipped"]


def test_calendar_keeps_the_shipped_year_where_the_page_is_incomplete() -> None:
    both = frame([meeting(day) for day in DECISIONS], [meeting(date(2024, 12, 11))])
    made = build_fomc_calendar(both)
    assert list(made["decision_date"]) == DECISIONS
    assert set(made["meeting_basis"]) == {"published"}
    differences = build_fomc_differences(both)
    assert differences.to_dict("records") == [
        {
            "decision_year": 2024,
            "difference_kind": "year_incomplete_on_page",
            "shipped_text": "",
            "page_text": "1 scheduled dates",
        }
    ]


def test_calendar_of_a_simulated_market_is_the_page_alone() -> None:
    both = frame([], [meeting(day) for day in DECISIONS])
    assert list(build_fomc_calendar(both)["meeting_basis"]) == ["page"] * 8
    assert build_fomc_differences(both).empty


def test_calendar_that_cannot_be_right_with_the_page_is_the_shipped_one() -> None:
    impossible = meeting(DECISIONS[0], first_date=DECISIONS[0] - timedelta(days=9))
    both = frame([meeting(day) for day in DECISIONS], [impossible, *(meeting(day) for day in DECISIONS[1:])])
    assert set(build_fomc_calendar(both)["meeting_basis"]) == {"published"}
    assert list(build_fomc_differences(both)["difference_kind"]) == ["page_not_usable"]


@pytest.mark.parametrize("build", [build_fomc_calendar, build_fomc_differences])
def test_calendar_of_nothing_is_empty(build: Any) -> None:
    made = build(frame([], []))
    assert made.empty
    assert len(made.columns) >= 4
