"""Shiller's workbook: months as he writes them, footnotes, estimates, and files that are not his."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from tests.support.workbook import SHILLER_HEADER_ROW, shiller_rows, xls
from transforms.errors import SourceError
from transforms.shiller import ShillerMonth, parse_shiller_workbook

MONTH = [2024.01, 4800.0, 70.0, 190.0, 32.5]


def months(*rows: Sequence[object]) -> list[ShillerMonth]:
    found, refused = parse_shiller_workbook(xls(shiller_rows(*rows)))
    assert refused == []
    return found


def reasons(*rows: Sequence[object]) -> list[tuple[int, str]]:
    return [(entry.line_no, entry.reason) for entry in parse_shiller_workbook(xls(shiller_rows(MONTH, *rows)))[1]]


def test_month_is_read_with_its_row_and_its_figures() -> None:
    assert months(MONTH) == [
        ShillerMonth(9, date(2024, 1, 1), 4800.0, 70.0, 190.0, 32.5, True, "2024.01,4800.0,70.0,190.0,32.5")
    ]


@pytest.mark.parametrize("number", range(1, 13))
def test_every_month_of_the_year_is_read_from_its_number(number: int) -> None:
    # The cell holds 2024.1 for October: 10 / 100 has no second digit.
    assert months([2024 + number / 100, *MONTH[1:]])[0].reference_date == date(2024, number, 1)


@pytest.mark.parametrize(("text", "month"), [("2024.01", 1), ("2024.1", 10), ("2024.10", 10), (" 2024.12 ", 12)])
def test_month_may_be_a_text(text: str, month: int) -> None:
    assert months([text, *MONTH[1:]])[0].reference_date == date(2024, month, 1)


@pytest.mark.parametrize("year", [1871, 1999, 2026])
def test_every_year_keeps_its_month(year: int) -> None:
    assert [entry.reference_date.month for entry in months(*([year + m / 100, *MONTH[1:]] for m in range(1, 13)))] == [
        *range(1, 13)
    ]


@pytest.mark.parametrize("missing", ["NA", "", None, "N/A", "#N/A", "NaN", "."])
def test_figure_that_is_not_there_is_none(missing: str | None) -> None:
    entry = months([2024.01, 4800.0, missing, missing, missing])[0]
    assert (entry.price, entry.dividends, entry.earnings, entry.cape) == (4800.0, None, None, None)


def test_newest_month_alone_is_marked() -> None:
    found = months([2024.01, *MONTH[1:]], [2024.03, *MONTH[1:]], [2024.02, *MONTH[1:]])
    assert [(entry.reference_date.month, entry.is_newest) for entry in found] == [(1, False), (3, True), (2, False)]


def test_footnotes_and_blank_rows_are_no_rows() -> None:
    assert (
        reasons(["", "Jan price is Jan 3rd close", "", "", ""], [None] * 5, ["Sources: see the book"] + [""] * 4) == []
    )


@pytest.mark.parametrize("day", ["Jan 2024", 2024, 2024.13, 2024.005, 24.01, "", 1e300, "99999.01"])
def test_row_with_figures_but_no_month_is_refused(day: object) -> None:
    assert reasons([day, *MONTH[1:]]) == [(10, "unreadable_date")]


def test_row_with_a_text_for_a_figure_is_refused() -> None:
    assert reasons([2024.02, "about 4800", 70.0, 190.0, 32.5]) == [(10, "unreadable_number")]


def test_logical_cell_is_no_figure() -> None:
    assert months(MONTH, [2024.02, 4800.0, True, 190.0, 32.5])[1].dividends is None


def test_header_is_found_below_a_readers_notes() -> None:
    rows = [["my own copy"], ["of today"], *shiller_rows(MONTH)]
    assert parse_shiller_workbook(xls(rows))[0][0].row_no == 11


def test_ratio_is_found_by_its_name_in_older_workbooks() -> None:
    older = ["P/E10" if name == "CAPE" else name for name in SHILLER_HEADER_ROW]
    rows = shiller_rows([*MONTH], header=older)
    assert parse_shiller_workbook(xls(rows))[0][0].cape == 32.5


def test_ratio_is_not_taken_from_the_total_return_column() -> None:
    rows = shiller_rows(header=["Date", "P", "D", "E", "TR CAPE"])
    with pytest.raises(SourceError) as caught:
        parse_shiller_workbook(xls([*rows, MONTH]))
    assert "no column CAPE" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "not a workbook"),
        (b"<html>Access denied</html>", "not a workbook"),
        (b"PK\x03\x04" + bytes(200), "a newer workbook"),
        (xls(shiller_rows(MONTH), sheet="Sheet1"), "not a workbook with a sheet 'Data'"),
        (xls(shiller_rows(MONTH))[:2000], "not a workbook"),
        (xls([["Year", "P", "D", "E"], MONTH]), "no header"),
        (xls(shiller_rows()), "no month"),
        (xls([]), "no header"),
    ],
    ids=["empty", "page", "xlsx", "other sheet", "cut off", "other header", "no month", "no row"],
)
def test_body_that_is_not_his_is_an_error_that_says_why(body: bytes, found: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_shiller_workbook(body)
    assert str(caught.value.found).startswith(found)


def test_damaged_workbook_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError):
        parse_shiller_workbook(xls(shiller_rows(MONTH))[:-600])
    assert capfd.readouterr() == ("", "")
