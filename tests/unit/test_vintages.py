"""Vintages of a series: values by real-time period, and what is refused of them. Every number is made up."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from transforms.errors import SourceError
from transforms.vintages import VintageValue, parse_vintages

MONTH, START = date(2024, 1, 1), date(2024, 2, 13)


def entry(**changes: Any) -> dict[str, Any]:
    fields = {"realtime_start": "2024-02-13", "realtime_end": "9999-12-31", "date": "2024-01-01", "value": "308.5"}
    return fields | changes


def body(*entries: Any, **more: Any) -> bytes:
    return json.dumps({"count": len(entries), "observations": list(entries)} | more).encode()


def test_vintage_still_current_has_no_end() -> None:
    assert parse_vintages(body(entry())) == ([VintageValue(MONTH, START, None, 308.5)], [])


def test_vintage_that_was_revised_has_its_last_day() -> None:
    values, _ = parse_vintages(
        body(entry(realtime_start="2024-03-12", value="308.7"), entry(realtime_end="2024-03-11"))
    )
    assert values == [
        VintageValue(MONTH, START, date(2024, 3, 11), 308.5),
        VintageValue(MONTH, date(2024, 3, 12), None, 308.7),
    ]


def test_vintage_without_a_value_is_kept_as_missing() -> None:
    assert parse_vintages(body(entry(value=".")))[0][0].observed_value is None


def test_vintage_of_zero_and_below_are_values() -> None:
    values, _ = parse_vintages(body(entry(value="0"), entry(date="2023-12-01", value="-0.4")))
    assert [value.observed_value for value in values] == [-0.4, 0.0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date": "2024-13-01"}, "unreadable_date"),
        ({"realtime_start": None}, "unreadable_date"),
        ({"realtime_end": 20240311}, "unreadable_date"),
        ({"realtime_end": "2024-02-12"}, "real_time_period_ends_before_it_starts"),
        ({"realtime_start": "2023-12-31"}, "known_before_its_period_began"),
        ({"value": "n.a."}, "unreadable_number"),
        ({"value": "inf"}, "unreadable_number"),
        ({"value": "nan"}, "unreadable_number"),
        ({"value": 308.5}, "unreadable_number"),
        ({"value": None}, "unreadable_number"),
    ],
)
def test_vintage_that_cannot_be_right_is_refused(changes: dict[str, Any], reason: str) -> None:
    good = entry(date="2023-12-01", realtime_start="2024-01-11")
    values, refused = parse_vintages(body(good, entry(**changes)))
    assert len(values) == 1
    assert [(one.line_no, one.reason) for one in refused] == [(2, reason)]
    assert json.loads(refused[0].text) == entry(**changes)


def test_vintage_that_is_no_object_is_refused() -> None:
    assert [one.reason for one in parse_vintages(body("308.5"))[1]] == ["entry_is_not_an_object"]


def test_vintage_stated_twice_is_used_once() -> None:
    values, refused = parse_vintages(body(entry(), entry()))
    assert len(values) == 1
    assert [(one.line_no, one.reason) for one in refused] == [(2, "duplicate_of_an_earlier_entry")]


def test_vintages_in_conflict_are_all_refused() -> None:
    values, refused = parse_vintages(body(entry(), entry(value="309.9")))
    assert values == []
    assert [one.reason for one in refused] == ["conflicting_entries_for_one_vintage"] * 2


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b'{"error_message": "Bad Request"}', b'{"observations": {}}', b"[" * 100_000],
    ids=["empty", "page", "list", "error", "no list", "deep"],
)
def test_body_that_holds_no_observations_is_an_error(content: bytes) -> None:
    with pytest.raises(SourceError, match="vintages of a series cannot be read"):
        parse_vintages(content)


def test_one_page_of_several_is_an_error() -> None:
    with pytest.raises(SourceError, match="1 of 2 entries"):
        parse_vintages(body(entry(), count=2))
