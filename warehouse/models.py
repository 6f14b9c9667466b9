"""The model runner: finds the models under ``sql/``, orders them by what they read, builds them.

A model is one SELECT in ``sql/<schema>/<table>.sql`` that makes ``<schema>.<table>``. What it reads is
stated by its header. A test parses each model and holds the header to it, so the comments a person reads
are the truth, and no command that lists tables has to parse them.

What SQL does badly (recursive smoothing, solving for a volatility) is a model like any other: its header
names a function of ``transforms`` in ``-- compute:``, the SELECT is what the function gets as a frame, and
the frame it returns is the table, with the types of the column registry. A header ``-- slice: trade_date`` has it
computed a year at a time, where no row looks at those of another session: a bound on memory.
"""

from __future__ import annotations

import importlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from transforms.errors import PipelineError
from transforms.registry import ColumnInfo, parse_columns
from warehouse.tables import MADE_IN_PYTHON

if TYPE_CHECKING:
    # named in signatures only: commands that read models need no half second of imports
    import pandas as pd

SQL_FOLDER = Path(__file__).resolve().parent.parent / "sql"
SCHEMAS = ("raw", "ref", "stg", "core", "mart", "ops", "main")
BUILD_ONLY_SCHEMA = "raw"
"""Views and tables over the stored files: used while building, dropped before publishing."""
VIEW_SCHEMA = "main"
"""Short names of what is asked most, as views: DuckDB's own default schema, so that no schema need be named."""
WIDEST_COMMENTED_VIEW = 100
"""DuckDB copies a view for each comment on one of its columns: past this it takes longer than it is worth."""
HEADER_KEYS = ("model", "grain", "reads", "what", "source", "edge")
COMPUTE_KEY = "compute"
SLICE_KEY = "slice"


@dataclass(frozen=True)
class Model:
    """One model file.

    Attributes
    ----------
    name
        ``schema.table``.
    header
        The comment lines that open the file, by key.
    reads
        Qualified names that the SELECT refers to, by its header.
    """

    name: str
    path: Path
    sql: str
    header: Mapping[str, str]
    reads: frozenset[str]

    @property
    def schema(self) -> str:
        """Schema the model is built in."""
        return self.name.split(".")[0]

    @property
    def grain(self) -> tuple[str, ...]:
        """Columns that identify a row."""
        return split_names(self.header["grain"])

    @property
    def compute(self) -> str | None:
        """The function of ``transforms`` that the rows pass through, or None for plain SQL."""
        return self.header.get(COMPUTE_KEY)

    @property
    def slice_by(self) -> str | None:
        """The date by whose years the rows pass through, or None for all at once."""
        return self.header.get(SLICE_KEY)


def load_models(folder: Path = SQL_FOLDER) -> dict[str, Model]:
    """Read every model file, in the order in which they must be built.

    Raises
    ------
    PipelineError
        If a header is incomplete, or models read each other in a circle.
    """
    # The project's own models do not change while a process runs.
    return dict(_own_models() if folder == SQL_FOLDER else _read_models(folder))


@lru_cache(maxsize=1)
def _own_models() -> Mapping[str, Model]:
    return _read_models(SQL_FOLDER)


def _read_models(folder: Path) -> dict[str, Model]:
    paths = [path for schema in SCHEMAS for path in sorted((folder / schema).glob("*.sql"))]
    models = {model.name: model for model in map(_load, paths)}
    graph = {name: sorted(model.reads & models.keys()) for name, model in models.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise PipelineError(
            "models read each other in a circle",
            found=" -> ".join(error.args[1]),
            expected="one way through the house",
        ) from None
    return {name: models[name] for name in order}


def load_columns(folder: Path = SQL_FOLDER) -> dict[str, ColumnInfo]:
    """Read the column registry ``sql/columns.toml``."""
    # As the models: the project's own registry is parsed once a process.
    return dict(_own_columns() if folder == SQL_FOLDER else _read_columns(folder))


@lru_cache(maxsize=1)
def _own_columns() -> Mapping[str, ColumnInfo]:
    return _read_columns(SQL_FOLDER)


def _read_columns(folder: Path) -> dict[str, ColumnInfo]:
    return parse_columns((folder / "columns.toml").read_text(encoding="utf-8"))


def build_models(
    connection: duckdb.DuckDBPyConnection, models: Iterable[Model], columns: Mapping[str, ColumnInfo]
) -> dict[str, int]:
    """Build models in the given order. Return rows by model name (views are not counted).

    The caller holds the transaction: either all of it is there or nothing.
    """
    rows: dict[str, int] = {}
    for model in models:
        kind = "view" if model.schema in (BUILD_ONLY_SCHEMA, VIEW_SCHEMA) else "table"
        try:
            if model.compute is None:
                connection.execute(f"create {kind} {model.name} as {model.sql}")
            else:
                _compute(connection, model, model.compute, columns)
        except duckdb.Error as error:
            raise PipelineError(
                f"the model {model.name} cannot be built",
                where=str(model.path.name),
                found=str(error).strip(),
            ) from None
        if kind == "table":
            rows[model.name] = count_rows(connection, model.name)
    return rows


def apply_comments(
    connection: duckdb.DuckDBPyConnection, models: Mapping[str, Model], columns: Mapping[str, ColumnInfo]
) -> None:
    """Write table and column comments, so that ``describe`` in any DuckDB client explains a number.

    The columns of a view wider than ``WIDEST_COMMENTED_VIEW`` are explained by the table of the same columns.
    """
    found = table_columns(connection)
    widths = Counter(table for table, _ in found)
    wide = {name for name in widths if _is_view(name) and widths[name] > WIDEST_COMMENTED_VIEW}
    statements = [
        f'comment on column {table}."{column}" is {quote_text(_comment_of(columns[column]))}'
        for table, column in found
        if column in columns and table not in wide
    ]
    texts = {name: model.header["what"] for name, model in models.items() if model.schema != BUILD_ONLY_SCHEMA}
    made = {table for table, _ in found}
    texts |= {name: info.what for name, info in MADE_IN_PYTHON.items() if name in made}
    statements += [
        f"comment on {'view' if _is_view(name) else 'table'} {name} is {quote_text(text)}"
        for name, text in texts.items()
    ]
    if statements:
        # Fifteen hundred statements without anything to optimise: going through every pass of it takes a fifth of them.
        connection.execute(";\n".join(["pragma disable_optimizer", *statements, "pragma enable_optimizer"]))


def _is_view(name: str) -> bool:
    return name.startswith(f"{VIEW_SCHEMA}.")


def table_columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return (qualified table, column) for every table of the project's schemas but the build-only one."""
    return connection.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() "
        "where schema_name in ? and not internal order by schema_name, table_name, column_index",
        [[schema for schema in SCHEMAS if schema != BUILD_ONLY_SCHEMA]],
    ).fetchall()


def parse_reads(sql: str, parser: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return the qualified tables a SELECT refers to, without binding it."""
    row = parser.execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    if tree.get("error"):
        raise PipelineError("SQL cannot be parsed", found=str(tree.get("error_message")), where=sql[:120])
    return frozenset(
        f"{node['schema_name']}.{node['table_name']}"
        for node in _walk(tree)
        if node.get("type") == "BASE_TABLE" and node.get("schema_name") in SCHEMAS
    )


def read_header(text: str, path: Path) -> dict[str, str]:
    """Return the ``-- key: value`` lines that open a SQL file."""
    header = {}
    for line in text.splitlines():
        match = re.fullmatch(r"-- (\w+):(.*)", line)
        if match is None:
            break
        header[match[1]] = match[2].strip()
    return header


def _compute(
    connection: duckdb.DuckDBPyConnection, model: Model, compute: str, columns: Mapping[str, ColumnInfo]
) -> None:
    function = _function(compute)
    for number, given in enumerate(_slice(connection, model)):
        frame = function(given)
        unknown = [name for name in frame.columns if name not in columns]
        if unknown:
            raise PipelineError(
                f"{compute} returns columns that are not in the registry",
                where=str(model.path.name),
                found=", ".join(map(str, unknown)),
                expected="an entry of sql/columns.toml for each",
            )
        create_typed_table(connection, model.name, frame, columns, model.grain, is_more=number > 0)


def _slice(connection: duckdb.DuckDBPyConnection, model: Model) -> Iterator[pd.DataFrame]:
    """Yield what a model's function gets: the rows of its SELECT, by years where it says so; without any, none once."""
    if model.slice_by is None:
        yield connection.execute(model.sql).df()
        return
    # Asked for a year at a time, so that neither side holds all rows at once.
    day, rows = model.slice_by, f"from ({model.sql}) as found"
    years = connection.execute(f"select distinct year({day}) {rows} order by 1").fetchall()
    for (year,) in years or [(0,)]:
        bounds = f"{day} >= make_date({year}, 1, 1) and {day} < make_date({year} + 1, 1, 1)"
        yield connection.execute(f"select * {rows} where {bounds}").df()


def create_typed_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    frame: pd.DataFrame,
    columns: Mapping[str, ColumnInfo],
    grain: Sequence[str],
    *,
    is_more: bool = False,
) -> None:
    """Create a table from a computed frame: types from the registry, NaN as NULL, in order of its grain.

    Parameters
    ----------
    is_more
        The table is there, and the frame's rows come after its own.
    """
    # DuckDB reads a frame's memory as it lies: a reversed or strided one it cannot.
    connection.register("frame", frame.reset_index(drop=True).copy())
    # pandas has no dates and no integers with gaps: the registry gives each column its type, and a NaN
    # that a computation left is a missing value.
    typed = ", ".join(_typed(column, columns[column].type) for column in frame.columns)
    into = f"insert into {name}" if is_more else f"create table {name} as"
    connection.execute(f"{into} select {typed} from frame order by {', '.join(grain)}")  # noqa: S608
    connection.unregister("frame")


def _typed(name: str, kind: str) -> str:
    if kind == "DOUBLE":
        return f'case when isfinite("{name}"::double) then "{name}"::double end as "{name}"'
    return f'"{name}"::{kind} as "{name}"'


def _function(name: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    module, _, function = name.rpartition(".")
    if not module.startswith("transforms."):
        raise PipelineError("a model computes with functions of transforms only", found=name)
    found: Callable[[pd.DataFrame], pd.DataFrame] = getattr(importlib.import_module(module), function)
    return found


def _load(path: Path) -> Model:
    text = path.read_text(encoding="utf-8")
    name = f"{path.parent.name}.{path.stem}"
    header = read_header(text, path)
    missing = [key for key in HEADER_KEYS if key not in header]
    if missing or header["model"] != name:
        raise PipelineError(
            "a model's header is not complete",
            where=f"sql/{path.parent.name}/{path.name}",
            found=f"keys {sorted(header)}, model {header.get('model')!r}",
            expected=f"keys {list(HEADER_KEYS)}, model {name!r}",
        )
    return Model(name, path, text, header, frozenset(split_names(header["reads"])))


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def split_names(text: str) -> tuple[str, ...]:
    """Return the names of a header's list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def count_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Return how many rows a table of the build has."""
    # All of it: a result that is not read to its end keeps the connection from registering a frame.
    ((rows,),) = connection.execute(f"select count(*) from {table}").fetchall()  # noqa: S608 - a model's own name
    return int(rows)


def _comment_of(info: ColumnInfo) -> str:
    formula = f"; {info.formula}" if info.formula else ""
    if info.known:
        known = "on the evening of the session" if info.known == "evening" else f"on {info.known}"
        formula += f"; known {known}; {info.status} says why it is absent"
    return f"[{info.unit}] {info.meaning}{formula} (source: {info.source})"


def quote_text(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
