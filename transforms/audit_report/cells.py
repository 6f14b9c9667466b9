"""Cells and tables of the audit's report, in the shape of :mod:`transforms.page.tables`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.audit_report.words import say_decimal, say_interval, say_p, say_share, say_value
from transforms.page.tables import Cell, Column, Table, make_cell, make_column, make_row
from transforms.page.text import MISSING, say_date, say_number
from transforms.statement.words import say_usd


def build_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    notes: Sequence[str] = (),
    narrow: Sequence[int] | None = None,
    groups: Sequence[str] = (),
) -> Table:
    """Return a table.

    Parameters
    ----------
    columns, rows, notes
        As :func:`transforms.page.tables.make_table`.
    narrow
        Places of the columns that a terminal has room for; None: all.
    groups
        The group of each row: a heading is printed where it changes.
    """
    made = [make_row(*cells) for cells in rows]
    for place, group in enumerate(groups):
        made[place]["group"] = f"{group[:1].upper()}{group[1:]}" if place == 0 or group != groups[place - 1] else ""
        made[place]["group_name"] = group
    return {
        "columns": list(columns),
        "rows": made,
        "notes": list(notes),
        "narrow": list(range(len(columns)) if narrow is None else narrow),
    }


def to_narrow(table: Table) -> Table:
    """Return the part of a table that fits a terminal; the group of a row in a column of its own."""
    has_groups = any("group_name" in row for row in table["rows"])
    columns = [table["columns"][place] for place in table["narrow"]]
    rows = [make_row(*(row["cells"][place] for place in table["narrow"])) for row in table["rows"]]
    if has_groups:
        columns = [make_column("Group"), *columns]
        rows = [
            make_row(make_cell(row["group_name"]), *narrow["cells"])
            for row, narrow in zip(table["rows"], rows, strict=True)
        ]
    return {"columns": columns, "rows": rows, "notes": table["notes"]}


def number(label: str, detail: str = "", terse: str | None = None) -> Column:
    """Return a column of numbers."""
    return make_column(label, detail, terse=terse, is_number=True)


def words(text: object, note: str = "", tone: str = "") -> Cell:
    """Return a cell of words."""
    return make_cell(MISSING if text is None else str(text), note=note, tone=tone)


def share(value: float | None, note: str = "", *, signed: bool = False) -> Cell:
    """Return a fraction in per cent."""
    return _known(value, say_share(value, signed=signed), note)


def decimal(value: float | None, note: str = "") -> Cell:
    """Return a number with two digits."""
    return _known(value, say_decimal(value), note)


def probability(value: float | None) -> Cell:
    """Return a probability."""
    return _known(value, say_p(value))


def count(value: float | None, note: str = "") -> Cell:
    """Return a whole number."""
    return _known(value, say_number(value, "count"), note)


def dollars(value: float | None, note: str = "") -> Cell:
    """Return an amount in whole dollars."""
    return _known(value, say_usd(value), note)


def day(value: str | None) -> Cell:
    """Return a date."""
    return _known(value, say_date(value))


def measured(value: float | None, unit: str, note: str = "") -> Cell:
    """Return a measure's number, its unit in another column."""
    return _known(value, say_value(value, unit.partition(" ")[0]), note)


def interval(row: Mapping[str, Any], *, ending: str = "", unit: str = "frac") -> Cell:
    """Return the interval ``interval_low<ending>`` to ``interval_high<ending>`` of a row."""
    low, high = row[f"interval_low{ending}"], row[f"interval_high{ending}"]
    return _known(None if low is None and high is None else 0, say_interval(low, high, unit))


def _known(value: object, text: str, note: str = "") -> Cell:
    return make_cell(text, note=note, tone="missing" if value is None else "")
