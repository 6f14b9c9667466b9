"""Shiller's monthly stock market data, from a user's copy of his workbook (``ie_data.xls``).

The sheet is made for readers: titles above the header, footnotes below the data, the month written as the
number 1871.01 (and October, a number like any other, as 1871.1), the newest month an estimate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from io import StringIO
from typing import Any

import xlrd

from transforms.contracts import RefusedEntry
from transforms.errors import SourceError

SHEET = "Data"
_FIRST_COLUMNS = ("date", "p", "d", "e")
_RATIO_NAMES = ("cape", "p/e10")
_SEARCHED_ROWS = 40
"""The header stands in row 8; a reader's notes above it may move it down."""
_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "."})
_MONTH = re.compile(r"(\d{4})\.(\d{1,2})")


@dataclass(frozen=True)
class ShillerMonth:
    """One month as the workbook prints it, in index points; None where it has no number.

    Attributes
    ----------
    row_no
        Row of the sheet, from 1, as the spreadsheet shows it.
    reference_date
        First day of the month.
    price
        Monthly average of the S&P Composite's daily closes.
    dividends, earnings
        Trailing twelve months, interpolated by Shiller between quarters.
    cape
        Price over the ten-year mean of real earnings.
    is_newest
        The last month of the sheet: its price is an estimate or the close of a day.
    text
        The cells used, joined by commas.
    """

    row_no: int
    reference_date: date
    price: float | None
    dividends: float | None
    earnings: float | None
    cape: float | None
    is_newest: bool
    text: str


def parse_shiller_workbook(body: bytes) -> tuple[list[ShillerMonth], list[RefusedEntry]]:
    """Parse the sheet ``Data`` of Shiller's workbook, an ``.xls`` file as he publishes it.

    Returns
    -------
    Months in the order of the sheet, and the rows that carry numbers but cannot be read, with reasons.
    Rows without a date and without numbers (titles, footnotes) are neither.

    Raises
    ------
    SourceError
        If the body is not a workbook, has no such sheet, no header, or no month.

    Source: Robert Shiller's online data, ``ie_data.xls``.
    """
    cells = _read_sheet(body)
    header_at, ratio_at = _find_header(cells)
    rows = [(number, _pick(row, ratio_at)) for number, row in enumerate(cells, start=1) if number > header_at]
    months: list[ShillerMonth] = []
    refused: list[RefusedEntry] = []
    for row_no, picked in rows:
        text = ",".join("" if cell is None else str(cell) for cell in picked)[:500]
        result = _parse_row(row_no, picked, text)
        if isinstance(result, ShillerMonth):
            months.append(result)
        elif result is not None:
            refused.append(RefusedEntry(row_no, result, text))
    if not months:
        raise _not_shillers(f"no month below the header in row {header_at}")
    newest = max(month.reference_date for month in months)
    return [replace(month, is_newest=month.reference_date == newest) for month in months], refused


def inspect_shiller_workbook(body: bytes) -> str | None:
    """Return why a body cannot be Shiller's workbook, or None if it can be parsed."""
    try:
        parse_shiller_workbook(body)
    except SourceError as error:
        return error.found
    return None


def _read_sheet(body: bytes) -> list[list[Any]]:
    if body[:4] == b"PK\x03\x04":
        raise _not_shillers("a newer workbook (.xlsx, .ods)")
    try:
        # What it finds odd in a file it prints: nobody would see that in a night. Rows stay as long as they are: filled
        # up, a cell far out would make sixteen million.
        with xlrd.open_workbook(file_contents=body, logfile=StringIO(), on_demand=True, ragged_rows=True) as workbook:
            return _cells(workbook.sheet_by_name(SHEET))
    except Exception as error:  # a damaged workbook fails in any way the decoder can
        raise _not_shillers(f"not a workbook with a sheet {SHEET!r}: {type(error).__name__}: {error}"[:200]) from None


def _cells(sheet: xlrd.sheet.Sheet) -> list[list[Any]]:
    # The value of an error cell is its code, and of a boolean 0 or 1: neither is a number of the sheet.
    read = (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_TEXT)
    return [[cell.value if cell.ctype in read else None for cell in sheet.row(place)] for place in range(sheet.nrows)]


def _find_header(cells: Sequence[Sequence[Any]]) -> tuple[int, int]:
    for number, row in enumerate(cells[:_SEARCHED_ROWS], start=1):
        names = [str(cell).strip().casefold() for cell in row]
        if tuple(names[: len(_FIRST_COLUMNS)]) == _FIRST_COLUMNS:
            ratio_at = next((names.index(name) for name in _RATIO_NAMES if name in names), None)
            if ratio_at is None:
                raise _not_shillers(f"no column CAPE in the header of row {number}: {names[:16]}")
            return number, ratio_at
    raise _not_shillers(f"no header 'Date, P, D, E' in the first {_SEARCHED_ROWS} rows of {SHEET!r}")


def _pick(row: Sequence[Any], ratio_at: int) -> tuple[Any, ...]:
    return tuple(row[place] if place < len(row) else None for place in (0, 1, 2, 3, ratio_at))


def _parse_row(row_no: int, picked: tuple[Any, ...], text: str) -> ShillerMonth | str | None:
    day, *numbers = picked
    has_number = any(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in numbers)
    reference_date = _parse_month(day)
    if reference_date is None:
        return "unreadable_date" if has_number or isinstance(day, int | float) else None
    try:
        price, dividends, earnings, cape = (_number(cell) for cell in numbers)
    except ValueError:
        return "unreadable_number"
    return ShillerMonth(row_no, reference_date, price, dividends, earnings, cape, False, text)


def _parse_month(cell: Any) -> date | None:
    """Return the month of 1871.01, 1871.1 (October) or the same as text; None for anything else."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    if isinstance(cell, str):
        match = _MONTH.fullmatch(cell.strip())
        if match is None:
            return None
        year, month = int(match[1]), int(match[2].ljust(2, "0"))
    else:
        if not math.isfinite(cell) or not 1000 <= cell < 10_000:
            return None
        # The cell holds the nearest binary fraction of 1871.01.
        hundredths = round(cell * 100)
        if abs(cell * 100 - hundredths) > 1e-4:
            return None
        year, month = divmod(hundredths, 100)
    return date(year, month, 1) if 1 <= month <= 12 and year >= 1000 else None


def _number(cell: Any) -> float | None:
    if cell is None or (isinstance(cell, str) and cell.strip().casefold() in _MISSING):
        return None
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        raise ValueError(f"not a number: {type(cell).__name__}")
    number = float(cell)
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise ValueError("not finite")
    return number


def _not_shillers(found: str) -> SourceError:
    return SourceError(
        "Shiller's workbook cannot be read",
        where="inputs/ie_data.xls",
        found=found,
        expected=f"an .xls workbook with a sheet {SHEET!r} whose header is Date, P, D, E, ..., CAPE",
        next_step="download it again from Shiller's page, or remove it: the public CSV copy is used then",
    )
