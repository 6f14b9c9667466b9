"""Cells and columns that the tables of positions, of the ledger and of the book have in common."""

from __future__ import annotations

from transforms.page.tables import Cell, Column, make_cell, make_column
from transforms.report.links import href_of
from transforms.statement.words import say_amount


def number_column(
    label: str, column: str, detail: str = "", *, terse: str | None = None, is_secondary: bool = False
) -> Column:
    """Return a column of numbers whose head leads to what it is."""
    return make_column(label, detail, terse=terse, is_number=True, href=href_of(column), is_secondary=is_secondary)


def amount_cell(value: float | None) -> Cell:
    """Return dollars without their sign."""
    return make_cell(say_amount(value), tone="missing" if value is None else "")


def lower_first(name: str) -> str:
    """Return a name as it stands inside a sentence."""
    return name[:1].lower() + name[1:]
