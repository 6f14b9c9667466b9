"""Reading the published warehouse: read-only, one connection a request, nothing outside it in reach."""

from __future__ import annotations

import csv
import io
import os
import textwrap
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import PipelineError, UsageError
from transforms.wording import make_harmless
from warehouse.home import Home
from warehouse.plain_json import dump_json
from warehouse.version import built_by, this_code

# Locked configuration: a query cannot write, attach, copy, install or read any other file, and
# cannot unlock it. The file itself is open before the lock closes.
_LOCKED = {
    "enable_external_access": "false",
    "allow_community_extensions": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_persistent_secrets": "false",
    # no variable of this program is a table
    "python_enable_replacements": "false",
    # what does not fit in memory is refused and not spilled into the home
    "temp_directory": "",
}
_READING = {"SELECT", "EXPLAIN", "RELATION"}

MOST_MEMORY = 4 * 1024**3
"""Bytes that reading may take, or half of the machine's memory where that is less."""
MOST_CELLS = 20_000_000
"""Values of a result that is shown or written as text: a gigabyte or two as objects of Python."""
LONGEST_SECONDS = 300.0
_ROWS_AT_ONCE = 10_000

NO_TABLE = "no such table"

_NEXT_LINE = "\n" + " " * 12
"""Keeps what DuckDB draws below the place of an error in line with its first line."""

_NARROWEST_TEXT = 30
"""Narrower than this a wrapped text is worse than the terminal's own wrapping."""


@dataclass(frozen=True)
class QueryResult:
    """Column names, column types and rows of a query."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]


@contextmanager
def open_published(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published warehouse for reading, closed again at the end of the request.

    Raises
    ------
    UsageError
        If nothing has been published yet.
    """
    if not home.published.exists():
        raise UsageError(
            "nothing has been published yet",
            where=str(home.published),
            expected="a warehouse made by `alvh nightly`",
            next_step="run `alvh nightly`, or point --home (ALVH_HOME) to a home that has one",
        )
    try:
        connection = duckdb.connect(str(home.published), read_only=True, config=_configure())
    except duckdb.Error as error:
        raise PipelineError(
            "the published warehouse cannot be opened",
            where=str(home.published),
            found=str(error).strip().splitlines()[0],
            next_step="an earlier one is under published/; `alvh nightly` builds a new one from the raw files",
        ) from None
    with connection:
        connection.execute("set lock_configuration = true")
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            # A question of ours that this file has no table or column for; those of users are answered where they ask.
            made_by = built_by(connection)
            if made_by.sha256 == this_code().sha256:
                raise
            raise PipelineError(
                "the published warehouse was built by other code, and lacks what this asks for",
                where=str(home.published),
                found=f"built by {made_by.say()}: {str(error).strip().splitlines()[0]}",
                expected=f"built by {this_code().say()}",
                next_step="`alvh rebuild` builds it anew from the raw files, as every night does; `alvh upgrades` then "
                "says what changed",
            ) from None


def run_query(home: Home, sql: str, seconds: float = LONGEST_SECONDS) -> QueryResult:
    """Run one reading statement.

    Parameters
    ----------
    seconds
        How long it may take.

    Raises
    ------
    UsageError
        If it is not exactly one SELECT (or DESCRIBE, SUMMARIZE, EXPLAIN ...), if DuckDB refuses it, or if it takes
        more time, memory or values than a query may.
    """
    with open_published(home) as connection, _bounded(connection, seconds):
        cursor = _execute_reading(connection, sql)
        columns = cursor.description or []
        rows: list[tuple[Any, ...]] = []
        while some := cursor.fetchmany(_ROWS_AT_ONCE):
            rows += some
            if len(rows) * len(columns) > MOST_CELLS:
                raise UsageError(
                    "the query gives more than can be shown",
                    found=f"{len(rows):,} rows of {len(columns)} columns, and more to come",
                    expected=f"at most {MOST_CELLS:,} values",
                    next_step="add a limit or a condition, or write it with --format parquet",
                )
        return QueryResult([c[0] for c in columns], [str(c[1]) for c in columns], rows)


def to_table(result: QueryResult, width: int | None = None) -> str:
    """Return a result as an aligned text table; NULL is left empty.

    Parameters
    ----------
    width
        Columns of the terminal: the last column is wrapped to stay inside it. None wraps nothing, so that a
        row is a line.
    """
    cells = [[show_cell(value) for value in row] for row in result.rows]
    is_number = [
        bool(result.rows) and all(isinstance(row[i], (int, float)) or row[i] is None for row in result.rows)
        for i in range(len(result.columns))
    ]
    columns = [show_cell(name) for name in result.columns]
    widths = [max(len(name), *(len(row[i]) for row in cells), 0) for i, name in enumerate(columns)]
    room = width - sum(widths[:-1]) - 2 * (len(widths) - 1) if width is not None and widths else None
    if room is not None and not is_number[-1]:
        widths[-1] = min(widths[-1], max(room, _NARROWEST_TEXT))
    indent = " " * (sum(widths[:-1]) + 2 * (len(widths) - 1))

    def line(values: list[str]) -> str:
        is_long = len(values[-1]) > widths[-1]
        first, *more = (textwrap.wrap(values[-1], widths[-1]) if is_long else None) or values[-1:]
        shown = zip([*values[:-1], first], widths, is_number, strict=True)
        padded = "  ".join(v.rjust(w) if right else v.ljust(w) for v, w, right in shown).rstrip()
        return "\n".join([padded, *(indent + text for text in more)])

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(columns), rule, *(line(row) for row in cells), f"({len(cells)} rows)"]) + "\n"


def to_csv(result: QueryResult) -> str:
    """Return a result as CSV with a header; NULL is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(["" if value != value else value for value in row] for row in result.rows)
    return text.getvalue()


def to_json(result: QueryResult) -> str:
    """Return a result as a JSON list of objects; dates and instants in ISO form, NULL and NaN as null."""
    return dump_json([dict(zip(result.columns, row, strict=True)) for row in result.rows])


def write_parquet(home: Home, sql: str, path: Path, seconds: float = LONGEST_SECONDS) -> int:
    """Write a query's result to a Parquet file. Return its number of rows.

    The query runs on the locked connection; only its result reaches the connection that writes.
    """
    with open_published(home) as connection, _bounded(connection, seconds):
        cursor = _execute_reading(connection, sql)
        types = [str(column[1]) for column in cursor.description or []]
        with warnings.catch_warnings():
            # DuckDB's own conversion of instants uses a pandas option that pandas deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            frame = cursor.df()
    # pandas has no dates and no integers with gaps: each column gets its type back.
    columns = ", ".join(_as_type(name, kind) for name, kind in zip(frame.columns, types, strict=True))
    with duckdb.connect() as writer:
        writer.register("result", frame)
        try:
            writer.execute(f"copy (select {columns} from result) to $1 (format parquet)", [str(path)])  # noqa: S608
        except duckdb.Error as error:
            raise UsageError(
                "the Parquet file cannot be written",
                where=str(path),
                found=str(error).strip().splitlines()[0],
                expected="a file in a folder that exists",
            ) from None
    return len(frame)


def has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Say whether a published warehouse has a table: one of an earlier version may lack it.

    Not inside a transaction, which asking in vain would end.
    """
    try:
        # Asked for by name: a list of all tables has each of them read.
        connection.execute(f"from {name} limit 0")
    except duckdb.CatalogException:
        return False
    return True


def list_tables(home: Home) -> QueryResult:
    """Return every table and view with its rows (views: NULL) and what it holds, and every macro with its arguments.

    Views and macros are called without a schema, so they are named without one.
    """
    return run_query(
        home,
        "select schema_name || '.' || table_name as table_name, estimated_size as rows, comment as what "
        "from duckdb_tables() where not internal "
        "union all select view_name, null, comment from duckdb_views() where not internal "
        "union all select function_name || '(' || array_to_string(parameters, ', ') || ')', null, comment "
        "from duckdb_functions() where not internal and schema_name = 'main' order by 1",
    )


def describe_table(home: Home, table: str) -> QueryResult:
    """Return the columns of a table, a view or a macro that gives rows, with type and meaning.

    The schema may be left out of a table's name. A macro is named with or without its arguments. One that gives a
    value has one row: itself.

    Raises
    ------
    UsageError
        If there is no such table, naming the nearest, or if two schemas have one of that name.
    """
    with open_published(home) as connection:
        rows = connection.execute(_COLUMNS, [table]).fetchall() or _describe_macro(connection, table)
        # A short name is that of the view where there is one, as in SQL.
        views = [row for row in rows if row[0] == f"main.{table}"]
        rows = views or rows
        if any(row[-1] is None for row in rows):
            # A name means the same in every table: what is not explained here is explained there.
            told = dict(connection.execute(_MEANINGS).fetchall())
            rows = [(*row[:-1], row[-1] or told.get(row[1])) for row in rows]
    tables = list(dict.fromkeys(row[0] for row in rows))
    if len(tables) > 1:
        raise UsageError("the name is that of several tables", found=table, expected=" or ".join(tables))
    found = QueryResult(["column_name", "data_type", "meaning"], [], [row[1:] for row in rows])
    if not found.rows:
        from difflib import get_close_matches

        names = [row[0] for row in list_tables(home).rows]
        near = get_close_matches(table, names, n=3, cutoff=0.4)
        raise UsageError(
            NO_TABLE,
            found=table,
            expected=", ".join(near) or "schema.table",
            next_step="`alvh tables` lists them",
        )
    return found


_COLUMNS = (
    "select schema_name || '.' || table_name, column_name, data_type, comment from duckdb_columns() "
    "where not internal and $1 in (table_name, schema_name || '.' || table_name) "
    "order by schema_name, column_index"
)
_MEANINGS = (
    "select column_name, any_value(comment) from duckdb_columns() "
    "where not internal and comment is not null group by column_name"
)
_MACROS = (
    "select function_name, parameters, function_type, comment from duckdb_functions() "
    "where not internal and schema_name = 'main' and function_name = $1"
)


def _describe_macro(connection: duckdb.DuckDBPyConnection, text: str) -> list[tuple[Any, ...]]:
    name = text.split("(")[0].strip().removeprefix("main.")
    found = connection.execute(_MACROS, [name]).fetchone()
    if found is None:
        return []
    name, parameters, kind, what = found
    if kind != "table_macro":
        return [(name, f"{name}({', '.join(parameters)})", "value", what)]
    # Without values it has no rows, and still its columns.
    nothing = ", ".join("null" for _ in parameters)
    columns = connection.execute(f"describe from main.{name}({nothing})").fetchall()
    return [(name, column, kind, None) for column, kind, *_ in columns]


def _configure() -> dict[str, str | bool | int | float | list[str]]:
    memory = min(MOST_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    return {**_LOCKED, "memory_limit": f"{memory // 1024**2}MiB"}


@contextmanager
def _bounded(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Break a query off after a time, and say so."""
    is_late = threading.Event()

    def break_off() -> None:
        is_late.set()
        connection.interrupt()

    timer = threading.Timer(seconds, break_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (duckdb.Error, UsageError, RuntimeError):
        if not is_late.is_set():
            raise
        raise UsageError(
            "the query takes too long",
            found=f"no end after {seconds:g} s",
            expected="an answer in that time",
            next_step="narrow it (a condition, a limit, a join on keys), or give it more time with --timeout",
        ) from None
    finally:
        timer.cancel()


def _execute_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    try:
        statements = connection.extract_statements(sql)
        kinds = [statement.type.name for statement in statements]
        if len(kinds) != 1 or kinds[0] not in _READING:
            raise UsageError(
                "alvh query runs one reading statement",
                found=", ".join(kinds) or "nothing",
                expected="a single SELECT, DESCRIBE, SUMMARIZE or EXPLAIN",
                next_step="to write, copy the warehouse and open the copy with DuckDB",
            )
        return connection.execute(statements[0])
    except duckdb.Error as error:
        raise UsageError(
            "the query cannot be run",
            found=_NEXT_LINE.join(line for line in str(error).strip().splitlines() if line.strip()),
            next_step="`alvh tables` lists the tables, `alvh tables NAME` their columns",
        ) from None


def _as_type(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return quoted if kind.strip('"') == "NULL" else f"{quoted}::{kind} as {quoted}"


def show_cell(value: Any) -> str:
    """Return a value as a cell of a table; NULL and what is no number are empty, what acts on a terminal is shown."""
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return make_harmless(str(value).replace("\n", " "))
