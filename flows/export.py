"""Writing published tables to a folder or an object store, for other programs: Parquet or CSV, and a manifest last.

The manifest is what makes a folder an export: it is written unfinished first and whole at the end, so that a reader can
tell an export from one that was broken off, and the next export knows a folder that is its own.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb

from flows.table_texts import split_meaning
from transforms.errors import PipelineError, UsageError
from warehouse.home import Home
from warehouse.plain_json import dump_json
from warehouse.query import has_table, open_published

KIND = "alvh-export"
VERSION = 1
MANIFEST = "manifest.json"
FORMATS = {"parquet": "format parquet, compression zstd", "csv": "format csv, header"}
TERMS = (
    "made from Cboe's files, which are for your own, non-commercial use: do not pass this export on before you have "
    "read Cboe's terms"
)
_OWN = re.compile(r"\.book(_|$)")
_NUMBERS = ("DOUBLE", "FLOAT")

_TABLES = "select schema_name || '.' || table_name from duckdb_tables() where not internal order by 1"
_COLUMNS = (
    "select column_name, data_type, comment from duckdb_columns() "
    "where not internal and schema_name || '.' || table_name = $1 order by column_index"
)


@dataclass(frozen=True)
class Store:
    """A folder on some file system of ``fsspec``.

    Attributes
    ----------
    shown
        The address without a password that it may hold.
    is_local
        Files are written under a temporary name and moved; elsewhere a file is seen once all of it is there.
    """

    system: Any
    path: str
    shown: str
    is_local: bool

    def name(self, file: str) -> str:
        """Return the path of a file of the export."""
        return f"{self.path.rstrip('/')}/{file}"


def open_store(target: str) -> Store:
    """Return the store of an address: a folder, or what ``fsspec`` takes, such as ``s3://bucket/alvh``.

    Raises
    ------
    UsageError
        If there is no such protocol, or the package that speaks it is not installed.
    """
    import fsspec
    from fsspec.registry import known_implementations

    protocol = target.partition("://")[0] if "://" in target else "file"
    shown = re.sub(r"//[^/@]*@", "//", target)
    address = target if "://" in target else str(Path(target).expanduser().resolve())
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        known = known_implementations.get(protocol, {}).get("err", str(error))
        raise UsageError(
            f"{protocol}:// needs a package that is not installed",
            where=shown,
            found=str(known),
            next_step="install it into this environment, then run again",
        ) from None
    except ValueError as error:
        near = get_close_matches(protocol, known_implementations, n=3)
        raise UsageError(
            "there is no such kind of address",
            where=shown,
            found=str(error),
            expected=", ".join(near) or "a folder, or an address such as s3://bucket/folder",
        ) from None
    return Store(system, path, shown, protocol in ("file", "local"))


def export_tables(
    home: Home,
    store: Store,
    *,
    file_format: str,
    tables: Sequence[str] = (),
    schema: str = "mart",
    since: date | None = None,
    is_forced: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Write tables of the published warehouse, and return the manifest.

    Parameters
    ----------
    tables
        Names, their schema may be left out; all of ``schema`` but those of the user's own book where there are none.
    since
        Rows of sessions from this day on, in tables that have sessions.
    is_forced
        Write into a folder that holds something else.
    progress
        Told how many of how many tables are written, and which comes next.

    Raises
    ------
    UsageError
        A table or the format is unknown, or the folder holds something that is no export.
    PipelineError
        The store does not take a file.
    """
    if file_format not in FORMATS:
        raise UsageError("unknown --format", found=file_format, expected=" or ".join(FORMATS))
    with open_published(home) as connection:
        chosen = _choose_tables(connection, tables, schema)
        head = _read_head(connection)
    with _writing(store):
        earlier = _read_manifest(store)
        if earlier is None and not is_forced and _holds_something(store):
            raise UsageError(
                "the folder holds something that is no export",
                where=store.shown,
                expected=f"a new or empty folder, or one with the {MANIFEST} of an export",
                next_step="choose another --to, or add --force: files of the same names are replaced",
            )
        manifest = {"kind": KIND, "version": VERSION, "is_complete": False, **head}
        manifest |= {"format": file_format, "since": since}
        _put(store, MANIFEST, (dump_json({**manifest, "tables": (earlier or {}).get("tables", [])}) + "\n").encode())
        written = []
        # ours to write with, and read-only: every statement is made of names that the catalogue has
        with duckdb.connect(str(home.published), read_only=True) as reader, tempfile.TemporaryDirectory() as folder:
            reader.execute("set threads = 1")  # one order of rows, one order of bytes
            for number, table in enumerate(chosen):
                if progress is not None:
                    progress(number, len(chosen), table)
                written.append(_write_table(reader, store, Path(folder) / "table", table, file_format, since))
        for file in {str(one["file"]) for one in (earlier or {}).get("tables", [])} - {one["file"] for one in written}:
            if store.system.exists(store.name(file)):
                store.system.rm_file(store.name(file))
        manifest |= {"is_complete": True, "tables": written}
        _put(store, MANIFEST, (dump_json(manifest) + "\n").encode())
    return manifest


def _choose_tables(connection: duckdb.DuckDBPyConnection, names: Sequence[str], schema: str) -> list[str]:
    known = [str(row[0]) for row in connection.execute(_TABLES).fetchall()]
    if not names:
        # what is said of the user's own account leaves only where it is named
        found = [table for table in known if table.startswith(f"{schema}.") and not _OWN.search(table)]
        if not found:
            schemas = ", ".join(dict.fromkeys(table.partition(".")[0] for table in known))
            raise UsageError("no such schema", found=schema, expected=schemas)
        return found
    chosen = []
    for name in names:
        found = [table for table in known if name in (table, table.partition(".")[2])]
        if len(found) != 1:
            near = found or get_close_matches(name, known, n=3, cutoff=0.4)
            raise UsageError(
                "no such table" if not found else "the name is that of several tables",
                found=name,
                expected=" or ".join(near) or "schema.table",
                next_step="`alvh tables` lists them",
            )
        chosen += found
    return list(dict.fromkeys(chosen))


def _read_head(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return what the export is of: the run, its market, the newest session, and the policy in force on it."""
    run_id, is_simulated = connection.execute("select run_id, is_simulated from ref.run").fetchone() or (None, None)
    row = connection.execute("select max(trade_date) from mart.daily_term_structure").fetchone()
    states = "select max_by(policy_hash, trade_date) from mart.daily_hedge_state"
    policy = connection.execute(states).fetchone() if has_table(connection, "mart.daily_hedge_state") else None
    return {
        "run_id": run_id,
        "is_simulated": is_simulated,
        "session": row[0] if row else None,
        "policy_hash": policy[0] if policy else None,
        "terms": "SIMULATED: none of these numbers is a market price" if is_simulated else TERMS,
    }


def _write_table(
    reader: duckdb.DuckDBPyConnection, store: Store, scratch: Path, table: str, file_format: str, since: date | None
) -> dict[str, Any]:
    columns = reader.execute(_COLUMNS, [table]).fetchall()
    # what is no number is no value: empty like NULL
    shown = ", ".join(
        f'case when isnan("{name}") then null else "{name}" end as "{name}"' if kind in _NUMBERS else f'"{name}"'
        for name, kind, _ in columns
    )
    has_sessions = any(name == "trade_date" for name, *_ in columns)
    where = f" where trade_date >= date '{since}'" if since is not None and has_sessions else ""
    rows = f"select {shown} from {table}{where} order by all"  # noqa: S608 - names that the catalogue has
    found = reader.execute(f"copy ({rows}) to '{scratch}' ({FORMATS[file_format]})").fetchone()
    body = scratch.read_bytes()
    file = f"{table.replace('.', '/')}.{file_format}"
    _put(store, file, body)
    return {
        "table": table,
        "file": file,
        "rows": found[0] if found else 0,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "columns": [
            dict(zip(("name", "type", "unit", "meaning"), (name, kind, *split_meaning(comment)), strict=True))
            for name, kind, comment in columns
        ],
    }


def _put(store: Store, file: str, body: bytes) -> None:
    target = store.name(file)
    if not store.is_local:
        store.system.pipe_file(target, body)
        return
    store.system.makedirs(target.rpartition("/")[0], exist_ok=True)
    partial = f"{target}.partial"
    store.system.pipe_file(partial, body)
    Path(partial).replace(target)


def _read_manifest(store: Store) -> dict[str, Any] | None:
    try:
        found = json.loads(store.system.cat_file(store.name(MANIFEST)))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("kind") == KIND else None


def _holds_something(store: Store) -> bool:
    if not store.system.exists(store.path):
        return False
    return not store.system.isdir(store.path) or bool(store.system.ls(store.path, detail=False))


@contextmanager
def _writing(store: Store) -> Iterator[None]:
    try:
        yield
    except (PipelineError, duckdb.Error, KeyboardInterrupt):
        raise
    except Exception as error:  # every store has errors of its own
        raise PipelineError(
            "the export could not be written",
            where=store.shown,
            found=str(error) or type(error).__name__,
            expected="a place that this user can write, with room",
            next_step=f"mend the cause and run again: {MANIFEST} says that it is not complete",
        ) from error
