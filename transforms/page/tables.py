"""Tables of a page as plain data: columns, rows of cells, and notes.

A table has ``columns``, ``rows`` and ``notes``. A column has ``label``, ``detail``, ``terse`` (its head in the narrow
text), ``is_number``, ``href`` and ``is_secondary`` (left out on a phone); a row has ``cells``, and ``is_part`` where it
belongs to the row above; a cell has ``text``, ``href`` (where its label leads, or empty), ``note`` and ``tone``. The
macro ``table_of`` of ``macros.html.j2`` and :func:`transforms.page.markdown.format_table` print them.
"""

from __future__ import annotations

from typing import Any

Table = dict[str, Any]
Column = dict[str, Any]
Cell = dict[str, Any]


def make_table(columns: list[Column], rows: list[dict[str, Any]], notes: list[str]) -> Table:
    """Return a table of columns, rows of cells, and notes printed below it."""
    return {"columns": columns, "rows": rows, "notes": notes}


def make_column(
    label: str,
    detail: str = "",
    *,
    terse: str | None = None,
    is_number: bool = False,
    href: str = "",
    is_secondary: bool = False,
) -> Column:
    """Return a column; ``terse`` is its head where a line has 80 characters, ``href`` where its head leads.

    A secondary column is left out where the window is narrow.
    """
    return {
        "label": label,
        "detail": detail,
        "terse": label if terse is None else terse,
        "is_number": is_number,
        "href": href,
        "is_secondary": is_secondary,
    }


def make_row(*cells: Cell) -> dict[str, Any]:
    """Return a row; as many cells as the table has columns."""
    return {"cells": list(cells)}


def make_part(*cells: Cell) -> dict[str, Any]:
    """Return a row that belongs to the one above it."""
    return {"cells": list(cells), "is_part": True}


def make_cell(text: str, *, href: str = "", note: str = "", tone: str = "") -> Cell:
    """Return a cell; ``tone`` is ``ok``, ``warn``, ``bad``, ``quiet``, ``missing`` or empty."""
    return {"text": text, "href": href, "note": note, "tone": tone}
