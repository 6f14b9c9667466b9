"""Macros that are published with the warehouse: what is asked often, by its name, from any DuckDB client.

A macro is one file ``sql/macros/<name>.sql``: a header like that of a model, then a SELECT (``gives: table``) or
an expression (``gives: value``). They live in the schema ``main`` of the published file, beside its views, so that
the DuckDB command line, Python, R and ``alvh query`` all have them, read-only as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import duckdb

from transforms.errors import PipelineError
from warehouse.models import SQL_FOLDER, VIEW_SCHEMA, quote_text, read_header, split_names

MACRO_FOLDER = SQL_FOLDER / "macros"
_KEYS = ("macro", "gives", "reads", "what", "source", "edge", "example")
_MAY_BE_EMPTY = ("reads",)
_SIGNATURE = re.compile(r"(\w+)\(([\w, ]+)\)")


@dataclass(frozen=True)
class Macro:
    """One macro file.

    Attributes
    ----------
    name
        What it is called by, without a schema.
    parameters
        Names of its arguments, in order; they can also be given by name (``days := 45``).
    gives
        ``table``: stands after FROM. ``value``: stands where a column can.
    body
        The SELECT or the expression.
    header
        The comment lines that open the file, by key.
    reads
        Qualified tables of the body, by its header.
    """

    name: str
    parameters: tuple[str, ...]
    gives: Literal["table", "value"]
    body: str
    header: Mapping[str, str]
    reads: frozenset[str]

    @property
    def signature(self) -> str:
        """How it is called: ``curve_on(day)``."""
        return f"{self.name}({', '.join(self.parameters)})"


@lru_cache(maxsize=1)
def load_macros() -> Mapping[str, Macro]:
    """Read every macro file, by name.

    Raises
    ------
    PipelineError
        If a header is incomplete.
    """
    return read_macros(MACRO_FOLDER)


def read_macros(folder: Path) -> dict[str, Macro]:
    """Read the macro files of a folder: see :func:`load_macros`."""
    return {macro.name: macro for macro in map(_load, sorted(folder.glob("*.sql")))}


def create_macros(connection: duckdb.DuckDBPyConnection, macros: Iterable[Macro]) -> None:
    """Create macros with their comments, in the given order."""
    statements = []
    for macro in macros:
        kind = "macro table" if macro.gives == "table" else "macro"
        keyword = "as table" if macro.gives == "table" else "as"
        statements.append(f"create macro {VIEW_SCHEMA}.{macro.signature} {keyword} {macro.body}")
        statements.append(f"comment on {kind} {VIEW_SCHEMA}.{macro.name} is {quote_text(macro.header['what'])}")
    if statements:
        connection.execute(";\n".join(statements))


def _load(path: Path) -> Macro:
    text = path.read_text(encoding="utf-8")
    header = read_header(text, path)
    signature = _SIGNATURE.fullmatch(header.get("macro", ""))
    missing = [key for key in _KEYS if not header.get(key) and (key not in _MAY_BE_EMPTY or key not in header)]
    gives = header.get("gives")
    if missing or signature is None or signature[1] != path.stem or gives not in ("table", "value"):
        raise PipelineError(
            "a macro's header is not complete",
            where=f"sql/macros/{path.name}",
            found=f"keys {sorted(header)}, macro {header.get('macro')!r}, gives {gives!r}",
            expected=f"keys {list(_KEYS)}, macro '{path.stem}(...)', gives 'table' or 'value'",
        )
    body = "\n".join(text.splitlines()[len(header) :])
    parameters = tuple(name.strip() for name in signature[2].split(","))
    reads = frozenset(split_names(header["reads"]))
    return Macro(path.stem, parameters, "table" if gives == "table" else "value", body, header, reads)
