"""Tables for eyes: units under the names, nothing cut off. Programs get the plain lines of `warehouse.query`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from flows.printing import Page
from warehouse.query import QueryResult, show_cell

_COMMENT = re.compile(r"\[([^\]]+)\] (.*)", re.DOTALL)
_GAP = 2
_MOST_TESTS = 6


def split_meaning(comment: str | None) -> tuple[str, str]:
    """Return unit and meaning of a column's comment, each empty where there is none."""
    match = _COMMENT.fullmatch(comment or "")
    return (match[1], match[2]) if match else ("", comment or "")


def describe_column_row(row: Sequence[Any]) -> dict[str, Any]:
    """Return a column of a table as JSON has it."""
    name, kind, comment = row
    unit, meaning = split_meaning(comment)
    return {"column": name, "type": kind, "unit": unit or None, "meaning": meaning or None}


COMMENTS = (
    "select column_name, any_value(comment) from duckdb_columns() "
    "where not internal and comment is not null group by column_name"
)
"""Asks for what `units_of` takes."""


def units_of(comments: Iterable[Sequence[Any]]) -> dict[str, str]:
    """Return the unit of every column name that has one.

    Parameters
    ----------
    comments
        Rows of column name and comment; a name means the same in every table.
    """
    return {name: unit for name, comment in comments if (unit := split_meaning(comment)[0]) not in ("", "text", "date")}


def print_result(result: QueryResult, units: Mapping[str, str]) -> None:
    """Print a query's rows: as a table where it fits the terminal, else a line a value. Nothing is cut off."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    page = Page(is_wide=True)
    cells = [[show_cell(value) for value in row] for row in result.rows]
    marked = [f"{name}\n{units[name]}" if name in units else name for name in result.columns]
    widths = [
        max(*(len(part) for part in head.split("\n")), *(len(row[place]) for row in cells), 0)
        for place, head in enumerate(marked)
    ]
    count = f"({len(cells)} row{'' if len(cells) == 1 else 's'}"
    if sum(widths) + _GAP * len(widths) > page.width and cells:
        _print_records(page, result.columns, cells, units)
        page.line(f"{count}; too wide for this terminal as a table)", style="dim")
        page.close()
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for place, head in enumerate(marked):
        table.add_column(Text(head), justify="right" if _is_number(result, place) else "left", no_wrap=True)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    page.line(table)
    page.line(f"{count})", style="dim")
    page.close()


def print_columns(rows: Sequence[Sequence[Any]]) -> None:
    """Print a table's columns: name, type, unit and meaning, the meaning broken to the terminal's width."""
    page = Page(is_wide=True)
    told = [(name, kind, *split_meaning(meaning)) for name, kind, meaning in rows]
    page.table([[str(cell) for cell in row] for row in told], "column", "type", "unit", "meaning", whole=("column",))
    page.line(f"({len(told)} columns)", style="dim")
    page.close()


def print_tables(rows: Sequence[Sequence[Any]]) -> None:
    """Print the tables with their rows and what they hold."""
    page = Page(is_wide=True)
    told = [[name, "" if count is None else f"{count:,}", what or ""] for name, count, what in rows]
    page.table(told, "table", "rows", "what", numbers=(1,), whole=("table",))
    page.line(f"({len(told)} tables; `alvh tables NAME` has the columns of one)", style="dim")
    page.close()


def print_column(story: Mapping[str, Any]) -> None:
    """Print where a column comes from."""
    page = Page()
    page.line(story["column"], style="bold")
    page.facts([(label, said, "") for label, said in list_column_facts(story) if said])
    page.close()


def list_column_facts(story: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield label and words of what is known of a column."""
    yield "meaning", story["meaning"]
    yield "unit", ", ".join(part for part in (story["unit"], story["type"]) if part)
    yield "formula", story["formula"]
    known = "the evening of the session" if story["known"] == "evening" else story["known"]
    yield "known", f"on {known}" if known else ""
    yield "absent", f"{story['absent']} says why" if story["absent"] else ""
    bounds = story["range"]
    limits = [
        f"{word} {bounds[key]}" for key, word in (("lowest", "from"), ("highest", "to")) if bounds[key] is not None
    ]
    yield "values", ", ".join(bounds["allowed"]) or " ".join(limits)
    yield "source", story["source"]
    newest = story["newest"]
    if newest is not None:
        value = "NULL" if newest["value"] is None else show_cell(newest["value"])
        yield "newest", f"{value} on {newest['trade_date']} in {newest['table']}"
    yield "computed", "\n".join(f"{one['file']}:{one['line']}" for one in story["computed_in"])
    yield "tables", "\n".join(f"{one['table']} ({one['file']})" for one in story["tables"])
    used = dict.fromkeys(name for one in story["tables"][:1] for name in one["parameters"])
    yield "parameters", ", ".join(used) + (f" (of {story['tables'][0]['table']}; ref.parameters)" if used else "")
    yield "pages", "\n".join(f"{one['file']}, {one['heading']}" for one in story["pages"])
    tests = [f"{one['file']} ({one['count']})" for one in story["tests"]]
    more = [f"and {len(tests) - _MOST_TESTS} more"] if len(tests) > _MOST_TESTS else []
    yield "tests", "\n".join([*tests[:_MOST_TESTS], *more])


def _print_records(page: Page, names: Sequence[str], cells: Sequence[Sequence[str]], units: Mapping[str, str]) -> None:
    for number, row in enumerate(cells, start=1):
        page.line(f"row {number}", style="bold")
        page.facts(
            [
                (f"  {name}", f"{cell} {units.get(name, '')}".strip() if cell else "", "")
                for name, cell in zip(names, row, strict=True)
            ]
        )


def _is_number(result: QueryResult, place: int) -> bool:
    found = [row[place] for row in result.rows if row[place] is not None]
    return bool(found) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in found)
