"""The model runner: finds the models under ``sql/``, orders them by what they read, builds them.

A model is one SELECT in ``sql/<schema>/<table>.sql`` that makes ``<schema>.<table>``. What it reads is
found by parsing it (``json_serialize_sql``, which binds nothing); its header is checked against that by
a test, so the comments a person reads are the truth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import PipelineError
from transforms.registry import ColumnInfo, parse_columns
from warehouse.tables import MADE_IN_PYTHON

SQL_FOLDER = Path(__file__).resolve().parent.parent / "sql"
SCHEMAS = ("raw", "ref", "stg", "core", "mart", "ops")
BUILD_ONLY_SCHEMA = "raw"
"""Views and tables over the stored files: used while building, dropped before publishing."""
HEADER_KEYS = ("model", "grain", "reads", "what", "source", "edge")


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
        Qualified names that the SELECT refers to, from parsing it.
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
        return _names(self.header["grain"])


def load_models(folder: Path = SQL_FOLDER) -> dict[str, Model]:
    """Read every model file, in the order in which they must be built.

    Raises
    ------
    PipelineError
        If a header is incomplete, the SQL cannot be parsed, or models read each other in a circle.
    """
    paths = [path for schema in SCHEMAS for path in sorted((folder / schema).glob("*.sql"))]
    with duckdb.connect() as parser:
        models = {model.name: model for model in (_load(path, parser) for path in paths)}
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
    return parse_columns((folder / "columns.toml").read_text(encoding="utf-8"))


def build_models(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> dict[str, int]:
    """Build models in the given order. Return rows by model name (views are not counted).

    The caller holds the transaction: either all of it is there or nothing.
    """
    rows: dict[str, int] = {}
    for model in models:
        kind = "view" if model.schema == BUILD_ONLY_SCHEMA else "table"
        try:
            connection.execute(f"create {kind} {model.name} as {model.sql}")
        except duckdb.Error as error:
            raise PipelineError(
                f"the model {model.name} cannot be built",
                where=str(model.path.name),
                found=str(error).strip(),
            ) from None
        if kind == "table":
            rows[model.name] = _count(connection, model.name)
    return rows


def apply_comments(
    connection: duckdb.DuckDBPyConnection, models: Mapping[str, Model], columns: Mapping[str, ColumnInfo]
) -> None:
    """Write table and column comments, so that ``describe`` in any DuckDB client explains a number."""
    for table, column in table_columns(connection):
        info = columns.get(column)
        if info is not None:
            connection.execute(f'comment on column {table}."{column}" is {_literal(_comment_of(info))}')
    texts = {name: model.header["what"] for name, model in models.items() if model.schema != BUILD_ONLY_SCHEMA}
    made = {table for table, _ in table_columns(connection)}
    texts |= {name: info.what for name, info in MADE_IN_PYTHON.items() if name in made}
    for name, text in texts.items():
        connection.execute(f"comment on table {name} is {_literal(text)}")


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


def _load(path: Path, parser: duckdb.DuckDBPyConnection) -> Model:
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
    return Model(name, path, text, header, parse_reads(text, parser))


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608 - a model's own name
    return int(row[0]) if row else 0


def _comment_of(info: ColumnInfo) -> str:
    formula = f"; {info.formula}" if info.formula else ""
    return f"[{info.unit}] {info.meaning}{formula} (source: {info.source})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
