"""Where a column comes from: what it means, which SQL computes it, with which parameters, what tests it.

Read from the registry, the models, the pages and the tests of the checkout, and from the published warehouse for the
tables that have it and its newest value. The registry and the files are the truth; nothing is written down twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import UsageError
from transforms.registry import parameters
from warehouse.home import Home
from warehouse.models import load_columns
from warehouse.query import open_published
from warehouse.tables import MADE_IN_PYTHON

ROOT = Path(__file__).resolve().parent.parent
_PAGES_FIRST = ("methodology", "signals", "policy", "ledger", "valuation", "pricing", "calibration", "book", "audit")
_NOT_PAGES = {"data_dictionary"}
_PARAMETER = re.compile(r"parameter = '(\w+)'")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

_TABLES = """
select schema_name || '.' || table_name from duckdb_columns()
where not internal and column_name = $1 and schema_name <> 'main'
order by list_position(['mart', 'core', 'ops', 'ref', 'stg'], schema_name), 1
"""
_NAMES = """
select distinct column_name from duckdb_columns() where not internal
union select distinct schema_name || '.' || table_name from duckdb_tables() where not internal
"""


def describe_column(home: Home, name: str) -> dict[str, Any]:
    """Return where a column comes from.

    Parameters
    ----------
    name
        ``column``, ``table.column`` or ``schema.table.column``.

    Returns
    -------
    dict
        ``column``, ``type``, ``unit``, ``meaning``, ``formula``, ``known``, ``absent``, ``range``, ``source``: as the
        registry has them, empty where it says nothing; ``newest`` (table, session and value of the first table that
        has sessions, or None); ``tables`` (name, file, parameters read by its SQL); ``computed_in`` (file and line);
        ``pages`` (file and heading); ``tests`` (file and how often it names the column).

    Raises
    ------
    UsageError
        If the published warehouse has no such column, naming the nearest tables and columns.
    """
    table, _, column = name.rpartition(".")
    with open_published(home) as connection:
        found = [row[0] for row in connection.execute(_TABLES, [column]).fetchall()]
        having = [one for one in found if not table or table in (one, one.partition(".")[2])]
        if not having:
            names = [str(row[0]) for row in connection.execute(_NAMES).fetchall()]
            near = _find_near(name, names) or _find_near(column, names)
            raise UsageError(
                "no such table or column",
                found=name,
                expected=", ".join(found or near) or "schema.table, or the name of a column",
                next_step="`alvh tables` lists the tables, `alvh tables TABLE` the columns of one",
            )
        definitions = list(_find_definitions(column))
        files = {one["file"] for one in definitions}
        # the table that computes it before those that only carry it
        tables = sorted((_describe_table(one) for one in having), key=lambda one: one["file"] not in files)
        newest = _read_newest(connection, [one["table"] for one in tables], column)
    info = load_columns().get(column)
    bounds = [info.lowest, info.highest] if info else [None, None]
    return {
        "column": column,
        "type": info.type if info else None,
        "unit": info.unit if info else None,
        "meaning": info.meaning if info else "",
        "formula": info.formula if info else "",
        "known": info.known if info else "",
        "absent": info.status if info else "",
        "range": {"lowest": bounds[0], "highest": bounds[1], "allowed": list(info.allowed) if info else []},
        "source": info.source if info else "",
        "newest": newest,
        "tables": tables,
        "computed_in": definitions,
        "pages": list(_find_pages(column)),
        "tests": list(_find_tests(column)),
    }


def _find_near(name: str, names: list[str]) -> list[str]:
    """Return at most three names that look like one, with or without their schema, or have it in them."""
    bare = {one.partition(".")[2] or one: one for one in sorted(names)}
    close = get_close_matches(name, names, n=3, cutoff=0.7) or get_close_matches(name, bare, n=3, cutoff=0.7)
    holding = [one for one in sorted(names) if name.lower() in one]
    return [bare.get(one, one) for one in dict.fromkeys([*close, *holding, *get_close_matches(name, names)])][:3]


def _read_newest(connection: duckdb.DuckDBPyConnection, tables: list[str], column: str) -> dict[str, Any] | None:
    for table in tables:
        names = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
        if "trade_date" not in names or column == "trade_date":
            continue
        keyed = connection.execute(
            f'select trade_date, "{column}" from {table} order by trade_date desc limit 2'  # noqa: S608 - names of ours
        ).fetchall()
        if len({row[0] for row in keyed}) == len(keyed) and keyed:  # one row a session, or it is one of many
            return {"table": table, "trade_date": keyed[0][0], "value": keyed[0][1]}
    return None


def _describe_table(table: str) -> dict[str, Any]:
    schema, name = table.split(".")
    path = ROOT / "sql" / schema / f"{name}.sql"
    if not path.is_file():
        made = MADE_IN_PYTHON.get(table)
        return {"table": table, "file": made.file if made else None, "parameters": []}
    known = parameters()
    used = [one for one in dict.fromkeys(_PARAMETER.findall(path.read_text(encoding="utf-8"))) if one in known]
    return {"table": table, "file": _name(path), "parameters": used}


def _find_definitions(column: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of SQL that name a result so, and the function of a model that Python computes."""
    defines = re.compile(rf"\bas {re.escape(column)}\b")
    for path in sorted((ROOT / "sql").glob("*/*.sql")):
        if path.parent.name in ("raw", "checks"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if defines.search(line):
                yield {"file": _name(path), "line": number}


def _find_pages(column: str) -> Iterator[dict[str, Any]]:
    """Yield the pages that name the column, with the heading of the first place that does."""
    order = {name: place for place, name in enumerate(_PAGES_FIRST)}
    paths = [path for path in (ROOT / "docs").glob("*.md") if path.stem not in _NOT_PAGES]
    for path in sorted(paths, key=lambda path: (order.get(path.stem, len(order)), path.stem)):
        text = path.read_text(encoding="utf-8")
        place = re.search(rf"`{re.escape(column)}`", text)
        if place is not None:
            headings = [match[1] for match in _HEADING.finditer(text, 0, place.start())]
            yield {"file": _name(path), "heading": headings[-1] if headings else ""}


def _find_tests(column: str) -> Iterator[dict[str, Any]]:
    """Yield the test modules that name the column, the one that does so most often first."""
    word = re.compile(rf"\b{re.escape(column)}\b")
    found = [
        {"file": _name(path), "count": count}
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if (count := len(word.findall(path.read_text(encoding="utf-8"))))
    ]
    yield from sorted(found, key=lambda one: -int(str(one["count"])))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
