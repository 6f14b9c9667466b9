"""Markdown that is safe to render and easy to read unrendered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

_SPECIAL = re.compile(r"([\\`*\[\]|~])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_EDGE_UNDERSCORES = re.compile(r"(?<![A-Za-z0-9_])_+|_+(?![A-Za-z0-9_])")
WIDEST_CELL = 48
"""Padding stops here: one long cell must not push a whole column off the screen."""


def escape_markdown(value: Any) -> Any:
    """Return a value that Markdown prints as it is: no markup, no HTML, no link, no new line."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    text = " ".join(value.split())
    text = _SPECIAL.sub(r"\\\1", text)
    # inside a word an underscore is only a letter: names of columns and checks stay readable
    text = _EDGE_UNDERSCORES.sub(lambda run: run[0].replace("_", "\\_"), text)
    text = _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"^([#+\-]|\d+[.)])(?=\s)", r"\\\1", text)


def format_table(table: Mapping[str, Any], *, notes: bool = True) -> Markup:
    """Return a table with its columns padded, numbers to the right, the notes of cells in brackets.

    Parameters
    ----------
    notes
        False leaves out the notes, which elsewhere stand below their cell.
    """
    numeric = [column["is_number"] for column in table["columns"]]
    header = [column["terse"] for column in table["columns"]]
    body = [[_join(cell["text"], cell["note"] if notes else "") for cell in row["cells"]] for row in table["rows"]]
    lines = [[_escape_cell(text) for text in line] for line in (header, *body)]
    widths = [max(3, *(min(len(line[place]), WIDEST_CELL) for line in lines)) for place in range(len(header))]

    def pad(line: list[str]) -> str:
        cells = [
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, numeric, strict=True)
        ]
        return f"| {' | '.join(cells)} |"

    rule = [
        f"{'-' * (width - 1)}:" if is_number else "-" * width for width, is_number in zip(widths, numeric, strict=True)
    ]
    return Markup("\n".join([pad(lines[0]), f"| {' | '.join(rule)} |", *map(pad, lines[1:])]))  # noqa: S704


def _join(text: str, detail: str) -> str:
    return f"{text} ({detail})" if text and detail else text or detail


def _escape_cell(text: str) -> str:
    return str(escape_markdown(text))
