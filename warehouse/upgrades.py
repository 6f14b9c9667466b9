"""What other code changed: a build compared with the warehouse that the code before it published.

Rows that both have are compared by their key, value by value. What is newer than what was published is no change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import PipelineError
from warehouse.home import Home
from warehouse.models import load_models
from warehouse.run_log import read_records
from warehouse.tables import MADE_IN_PYTHON
from warehouse.version import built_by, this_code

RECORD_KEY = "upgrade"
"""Where a run record keeps what the code of its run changed."""

SAME_WITHIN = 1e-9
"""Two numbers this close, relative to their size, are the same: sums may be added in another order."""

_SCHEMAS = ("core", "mart")
_NUMBERS = ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT", "SMALLINT", "TINYINT")
_TABLES = """
select schema_name || '.' || table_name as table_name, column_name, data_type
from duckdb_columns()
where database_name = $database and not internal and schema_name in ('core', 'mart', 'ref', 'ops', 'stg')
    and (database_name, schema_name, table_name) in
        (select (database_name, schema_name, table_name) from duckdb_tables())
order by all
"""

Shape = dict[str, dict[str, str]]


@dataclass(frozen=True)
class ChangedColumn:
    """A column whose values changed: how many, the largest difference of numbers, and the first row concerned."""

    column: str
    changed: int
    rows: int
    largest: float | None
    first: str


def compare_code(connection: duckdb.DuckDBPyConnection, published: Path) -> dict[str, Any] | None:
    """Compare a build with what is published, where other code built that.

    Returns
    -------
    dict or None
        ``from`` and ``to`` (version, code), ``tables_added``, ``tables_removed``, ``columns_added``,
        ``columns_removed``, ``rows`` (tables whose earlier rows are more or fewer), ``numbers`` (a row a changed
        column), ``not_compared`` (tables, with the reason). None where the same code built both, nothing is published,
        or what is published cannot be read.
    """
    if not published.exists():
        return None
    escaped = str(published).replace("'", "''")
    try:
        connection.execute(f"attach '{escaped}' as earlier (read_only)")
    except duckdb.Error:
        return None  # replaced, not compared; a night says nothing more of it either
    try:
        before, now = built_by(connection, "earlier"), this_code()
        return None if before.sha256 == now.sha256 else _compare(connection, before.say(), now.say())
    except duckdb.Error as error:
        raise PipelineError(
            "the build cannot be compared with the warehouse of the code before it",
            where=str(published),
            found=str(error).strip().splitlines()[0],
            next_step="move that file out of the home, and run again: it is then not compared",
        ) from None
    finally:
        connection.execute("detach earlier")


def list_upgrades(home: Home) -> list[dict[str, Any]]:
    """Return what the code of each published run changed, newest first, with ``run_id`` and ``published_at_utc``."""
    return [
        {"run_id": record["run_id"], "published_at_utc": record.get("published_at_utc"), **record[RECORD_KEY]}
        for record in reversed(list(read_records(home)))
        if record.get("published") and record.get(RECORD_KEY)
    ]


def _compare(connection: duckdb.DuckDBPyConnection, before: str, now: str) -> dict[str, Any]:
    old, new = _shape(connection, "earlier"), _shape(connection, None)
    both = [table for table in new if table in old]
    numbers: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    not_compared: list[dict[str, str]] = []
    for table in (table for table in both if table.startswith(tuple(f"{schema}." for schema in _SCHEMAS))):
        key = _key_of(table)
        if not key or not set(key) <= old[table].keys() & new[table].keys():
            not_compared.append({"table": table, "why": "its key is not in both"})
            continue
        columns = [name for name in new[table] if name in old[table] and name not in key]
        found = _compare_table(connection, table, key, columns, new[table])
        if found is None:
            not_compared.append({"table": table, "why": "its values cannot be compared"})
            continue
        numbers += [{"table": table, **vars(one)} for one in found]
        rows += _compare_rows(connection, table, key, new[table])
    return {
        "from": before,
        "to": now,
        "tables_added": sorted(new.keys() - old.keys()),
        "tables_removed": sorted(old.keys() - new.keys()),
        "columns_added": _only_in(new, old),
        "columns_removed": _only_in(old, new),
        "rows": rows,
        "numbers": numbers,
        "not_compared": not_compared,
    }


def _only_in(one: Shape, other: Shape) -> list[str]:
    return [f"{table}.{name}" for table in one if table in other for name in one[table] if name not in other[table]]


def _shape(connection: duckdb.DuckDBPyConnection, database: str | None) -> Shape:
    row = connection.execute("select current_database()").fetchone()
    found: Shape = {}
    name = database or (row[0] if row else "")
    for table, column, kind in connection.execute(_TABLES, {"database": name}).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _key_of(table: str) -> tuple[str, ...]:
    if table in MADE_IN_PYTHON:
        grain = MADE_IN_PYTHON[table].grain
    else:
        model = load_models().get(table)
        grain = model.header.get("grain", "") if model else ""
    return tuple(name.strip() for name in grain.split(",") if name.strip().isidentifier())


def _compare_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    key: tuple[str, ...],
    columns: list[str],
    kinds: Mapping[str, str],
) -> list[ChangedColumn] | None:
    if not columns:
        return []
    on = " and ".join(f'old."{name}" is not distinct from new."{name}"' for name in key)
    first = f'new."{key[0]}"'
    parts = [_aggregates(name, kinds[name], first) for name in columns]
    query = f"select count(*), {', '.join(parts)} from {table} as new join earlier.{table} as old on {on}"  # noqa: S608
    try:
        values = connection.execute(query).fetchone()
    except (duckdb.BinderException, duckdb.ConversionException, duckdb.CatalogException):
        return None  # a column has another type now
    assert values is not None
    rows, rest = int(values[0]), values[1:]
    found = (
        ChangedColumn(name, int(rest[3 * place]), rows, rest[3 * place + 1], str(rest[3 * place + 2]))
        for place, name in enumerate(columns)
    )
    return [one for one in found if one.changed]


def _aggregates(name: str, kind: str, first: str) -> str:
    old, new = f'old."{name}"', f'new."{name}"'
    if kind in _NUMBERS:
        # NaN is what is missing in a number
        near = f"isfinite({new} - {old}) and abs({new} - {old}) <= {SAME_WITHIN} * greatest(abs({new}), abs({old}))"
        differs = f"({new} is distinct from {old} and not coalesce({near}, false))"
        largest = f"max(abs({new}::double - {old}::double)) filter ({differs} and isfinite({new} - {old}))"
    else:
        differs, largest = f"({new} is distinct from {old})", "null::double"
    return f"count(*) filter ({differs}), {largest}, min({first}) filter ({differs})"


def _compare_rows(
    connection: duckdb.DuckDBPyConnection, table: str, key: tuple[str, ...], kinds: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Rows that only one of the two has, up to the newest day that was published."""
    day = next((name for name in key if kinds[name] == "DATE"), None)
    until = f'where "{day}" <= (select max("{day}") from earlier.{table})' if day else ""  # noqa: S608
    names = ", ".join(f'"{name}"' for name in key)
    old, new = f"select {names} from earlier.{table}", f"select {names} from {table} {until}"  # noqa: S608
    row = connection.execute(
        f"select (select count(*) from (({new}) except ({old}))), (select count(*) from (({old}) except ({new})))"  # noqa: S608
    ).fetchone()
    if row is not None and any(row):
        yield {"table": table, "rows_added": row[0], "rows_gone": row[1]}
