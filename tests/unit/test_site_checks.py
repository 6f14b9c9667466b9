"""The page of checks says what each claims, what it found and whose checks they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.support.site_fixtures import HOSTILE, Parsed
from transforms.site.checks_page import build_checks, render_checks
from transforms.site.expectation_words import say_expectation, split_name
from transforms.site.inputs import CheckedRun, CheckRow

NEWEST = date(2024, 1, 17)
TABLE = "mart.daily_term_structure"
PASSED = CheckRow(f"{TABLE}__one_row_a_session", "sql", "error", True, 0, "every session has one row", [])
FAILED = replace(
    PASSED,
    name=f"{TABLE}__is_not_late",
    is_passed=False,
    offending_rows=7,
    what="the newest session is there",
    sample=[{"trade_date": "2024-01-16", "label": HOSTILE}],
)
WARNED = replace(FAILED, name="stg.lines__are_usable", severity="warn", offending_rows=1)
EXPECTED = CheckRow(
    f"{TABLE}.vix_close_pts__expect_column_values_to_be_between",
    "expectation",
    "error",
    False,
    2,
    "expect column values to be between {'min_value': 5, 'max_value': 200}",
    [{"value": -1.0}, {"value": HOSTILE}],
)


def render(*checks: CheckRow, session: date | None = NEWEST, **given: Any) -> str:
    run = CheckedRun("20240117T233000.000Z", NEWEST, checks, **given)
    return render_checks(build_checks(run, is_simulated=False, tables=[TABLE]), session)


def test_check_is_shown_with_claim_severity_rows_and_sample() -> None:
    text = render(PASSED, FAILED)
    for words in ("the newest session is there", "is not late", "failed", "2024-01-16", "6 more rows like these"):
        assert words in text
    assert '<td class="number" data-label="rows found">7</td>' in text


def test_warehouse_that_nobody_checked_has_passed_nothing() -> None:
    text = render()
    assert "No check was run on this warehouse" in text
    assert "checks passed" not in text


def test_failed_checks_stand_before_warnings_and_those_before_the_rest() -> None:
    text = render(PASSED, WARNED, FAILED)
    places = [text.index(f'id="{check.name}"') for check in (FAILED, WARNED, PASSED)]
    assert places == sorted(places)


def test_filters_hide_by_result_and_say_where_there_is_none() -> None:
    text = render(PASSED, WARNED)
    assert 'class="check is-warning"' in text
    assert 'class="check is-passed"' in text
    assert "failed (0)" in text
    assert "warnings (1)" in text
    assert "No check failed." in text
    assert "No check gave a warning." not in text


def test_sample_of_a_hostile_row_is_text() -> None:
    page = Parsed(render(FAILED, EXPECTED))
    assert page.scripts == []
    assert "script-src" not in page.policy


def test_query_of_a_check_is_on_the_page() -> None:
    assert "select &lt;b&gt;" in render(FAILED, queries={FAILED.name: "select <b>"})


def test_expectation_leads_to_its_column_and_says_what_was_seen() -> None:
    text = render(EXPECTED)
    assert f'href="../reference/{TABLE}.html#vix_close_pts"' in text
    assert "every value from 5 to 200" in text
    assert "2 values not as expected: -1.0" in text


def test_table_without_a_page_is_not_linked() -> None:
    assert 'href="../reference/stg.lines.html"' not in render(WARNED)


def test_page_of_a_past_session_says_whose_checks_they_are() -> None:
    assert "not of the one of that evening" in render(PASSED, session=date(2024, 1, 3))
    assert "not of the one of that evening" not in render(PASSED)
    assert "not of the one of that evening" not in render(PASSED, session=None)


def test_page_of_a_past_session_is_short_and_leads_to_all_of_it() -> None:
    met = replace(EXPECTED, name=f"{TABLE}.trade_date__expect_column_values_to_not_be_null", is_passed=True, sample=[])
    text = render(FAILED, EXPECTED, met, session=date(2024, 1, 3), queries={FAILED.name: "select 1"})
    assert "select 1" not in text
    assert "is never missing" not in text
    assert "1 of 2 are as expected" in text
    assert "every value from 5 to 200" in text
    assert "the newest session is there" in text
    assert "../latest/checks.html" in Parsed(text).links


def test_warehouse_without_expectations_says_so() -> None:
    assert "None was run on this warehouse." in render(PASSED)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("core.a__expect_table_row_count_to_be_between", ("core.a", "", "expect_table_row_count_to_be_between")),
        ("core.a.b__expect_x", ("core.a", "b", "expect_x")),
        ("core.a.b,c__expect_x", ("core.a", "b,c", "expect_x")),
    ],
)
def test_name_of_an_expectation_is_split(name: str, parts: tuple[str, str, str]) -> None:
    assert split_name(name) == parts


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("table_columns_to_match_ordered_list", "", "has exactly the documented columns, in their order"),
        ("table_row_count_to_be_between", " {'min_value': 1}", "rows: at least 1"),
        ("column_values_to_be_unique", "", "no value twice"),
        ("compound_columns_to_be_unique", "", "no combination twice"),
        ("column_values_to_not_be_null", "", "is never missing"),
        ("table_column_types_to_match_registry", "", "every column has its documented type"),
        ("column_values_to_be_between", " {'max_value': 10}", "every value at most 10"),
        (
            "column_values_to_be_between",
            " {'min_value': Timestamp('1990-01-02 00:00:00')}",
            "every value at least 1990-01-02",
        ),
        ("column_values_to_be_in_set", " {'value_set': ['idle', 'armed']}", "one of idle, armed"),
        (
            "column_max_to_be_between",
            " {'min_value': Timestamp('2026-01-07 00:00:00')}",
            "the newest one at least 2026-01-07",
        ),
    ],
)
def test_expectation_is_said_in_words(kind: str, arguments: str, words: str) -> None:
    stored = f"expect {kind.replace('_', ' ')}{arguments}"
    assert say_expectation(f"expect_{kind}", stored) == words


@pytest.mark.parametrize("arguments", ["{'min_value': nan}", "{__import__('os')}", "{'a':"])
def test_expectation_that_cannot_be_read_is_shown_as_it_stands(arguments: str) -> None:
    stored = f"expect column values to be between {arguments}"
    assert say_expectation("expect_column_values_to_be_between", stored) == stored


def test_unknown_expectation_is_shown_as_it_stands() -> None:
    assert say_expectation("expect_something_new", "expect something new {}") == "expect something new {}"
