"""The folder of a sweep: what it is about, and one Parquet file a chunk, whole or not there.

A sweep is named by what decides its numbers: policies, warehouse, code. Chunks that are there and valid are not
computed again; a chunk that failed leaves a note and is tried again by the next run.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from filelock import FileLock, Timeout

from transforms.errors import LockHeldError, PipelineError
from transforms.sweep.grid import Expansion, Grid, GridPolicy
from warehouse.home import PRIVATE, Home, make_folder, replace_durably, write_atomically
from warehouse.models import SQL_FOLDER
from warehouse.query import open_published
from warehouse.sweep_plan import PLAN, SCHEMA_VERSION, read_plan, write_plan
from warehouse.version import hash_files

FOLDER = "sweeps"
CHUNK = 200
"""Policies of one file: about a second of work, and 70 MB of daily amounts over 22 years."""

PUBLISHED = 0
"""Number of the path that is the published history; the simulated markets follow from 1 on."""

_ABOUT = ("grid_sha256", "warehouse_run_id", "inputs_sha256", "code_sha256", "is_simulated", "as_of", "chunk")
_CODE = ("hedge", "layers", "ledger", "options", "policy", "positions", "sweep")


@dataclass(frozen=True)
class Chunk:
    """Policies ``first`` to ``stop`` (not included) of a sweep on one path."""

    path: int
    first: int
    stop: int

    @property
    def name(self) -> str:
        """As its file, without the ending."""
        return f"path-{self.path:03d}/{self.first:06d}-{self.stop - 1:06d}"


@dataclass(frozen=True)
class SweepFolder:
    """A sweep's folder and what lies where in it."""

    folder: Path

    @property
    def sweep_id(self) -> str:
        """Name of the sweep."""
        return self.folder.name

    @property
    def manifest(self) -> Path:
        """What the sweep is about."""
        return self.folder / "manifest.json"

    @property
    def plan(self) -> Path:
        """Its policies."""
        return self.folder / PLAN

    def path_folder(self, path: int) -> Path:
        """Warehouse and laid out market of a path."""
        return self.folder / "paths" / f"{path:03d}"

    def chunk_file(self, chunk: Chunk) -> Path:
        """Rows of a chunk."""
        return self.folder / "chunks" / f"{chunk.name}.parquet"

    def error_file(self, chunk: Chunk) -> Path:
        """Why a chunk could not be computed the last time."""
        return self.folder / "chunks" / f"{chunk.name}.error.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one run.

        Raises
        ------
        LockHeldError
            Another run works on this sweep.
        """
        lock = FileLock(self.folder / "sweep.lock", timeout=0, mode=PRIVATE)
        try:
            lock.acquire()
        except Timeout:
            raise LockHeldError(
                "another run works on this sweep",
                where=str(self.folder),
                next_step="wait until it is done; what it has computed is kept",
            ) from None
        try:
            yield
        finally:
            lock.release()


def open_sweep(home: Home, grid: Grid, expansion: Expansion, chunk: int = CHUNK) -> SweepFolder:
    """Return the folder of a sweep, made where it is not there.

    Parameters
    ----------
    chunk
        Policies of a chunk.

    Raises
    ------
    UsageError
        If nothing is published.
    """
    with open_published(home) as connection:
        (run_id, is_simulated) = connection.execute("select run_id, is_simulated from ref.run").fetchall()[0]
        inputs = connection.execute("select inputs_sha256 from ops.runs where run_id = ?", [run_id]).fetchall()
        as_of = connection.execute("select max(trade_date) from mart.daily_signals").fetchall()[0][0]
    about = {
        "schema_version": SCHEMA_VERSION,
        "grid_sha256": expansion.grid_hash,
        "warehouse_run_id": str(run_id),
        "inputs_sha256": inputs[0][0] if inputs else None,
        "code_sha256": hash_code(),
        "is_simulated": bool(is_simulated),
        "as_of": str(as_of),
        "policies": len(expansion.policies),
        "chunk": chunk,
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
    sweep = SweepFolder(home.path / FOLDER / f"{as_of}-{digest}")
    make_folder(sweep.folder)
    if not (sweep.manifest.exists() and sweep.plan.exists()):
        write_plan(sweep.plan, grid, expansion)
        write_atomically(sweep.manifest, (json.dumps(about, indent=1) + "\n").encode())
    return sweep


def read_manifest(sweep: SweepFolder) -> dict[str, Any]:
    """Return what a sweep is about.

    Raises
    ------
    PipelineError
        If the file is damaged.
    """
    try:
        manifest = json.loads(sweep.manifest.read_text(encoding="utf-8"))
        if not isinstance(manifest, dict) or not manifest.keys() >= set(_ABOUT):
            raise ValueError(f"expected {', '.join(_ABOUT)}")
    except (OSError, ValueError, RecursionError) as error:
        raise PipelineError(
            "the manifest of a sweep cannot be read",
            where=str(sweep.manifest),
            found=str(error),
            expected="the file as the sweep wrote it",
            next_step=f"remove the folder {sweep.folder}, then run the sweep again: it computes everything anew",
        ) from None
    return manifest


def list_unreadable_sweeps(home: Home) -> list[Path]:
    """Return the folders of sweeps that an earlier version left: their pickles are never read, whoever wrote them."""
    folder = home.path / FOLDER
    return sorted({file.parent for file in folder.glob("*/policies.pickle")}) if folder.is_dir() else []


def hash_code() -> str:
    """Return a hash of the code and numbers that a result passes through."""
    root = SQL_FOLDER.parent
    files = sorted(
        [
            *(path for name in _CODE for path in (root / "transforms" / name).rglob("*.py")),
            *(root / "warehouse").glob("sweep_*.py"),
            *(root / "warehouse" / name for name in ("expressions.py", "hedge.py", "policy_paths.py")),
        ]
    )
    return hash_files(files, root)


@lru_cache(maxsize=1)
def _memory(process: int) -> duckdb.DuckDBPyConnection:
    """An empty database that reads and writes the files of chunks; each use takes a cursor of its own.

    To open one takes as long as to write a chunk. A process that was forked must not use that of its parent.
    """
    # One thread: rows are written in their order.
    return duckdb.connect(config={"threads": 1})


# A connection still open when the interpreter ends makes DuckDB's bindings complain on stderr.
atexit.register(_memory.cache_clear)


def list_chunks(policies: int, paths: Sequence[int], size: int) -> list[Chunk]:
    """Return the chunks of a sweep, path by path."""
    return [Chunk(path, first, min(first + size, policies)) for path in paths for first in range(0, policies, size)]


def load_policies(sweep: SweepFolder, chunk: Chunk | None = None) -> list[GridPolicy]:
    """Return the policies of a chunk, or all of them, as they were expanded.

    Raises
    ------
    PipelineError
        If the sweep's files are damaged.
    """
    places = slice(None) if chunk is None else slice(chunk.first, chunk.stop)
    return read_plan(sweep.plan, str(read_manifest(sweep).get("grid_sha256")), places)


def write_chunk(sweep: SweepFolder, chunk: Chunk, rows: pd.DataFrame) -> None:
    """Write the rows of a chunk, the whole file or nothing, and forget its last error."""
    target = sweep.chunk_file(chunk)
    make_folder(target.parent)
    write_parquet(rows, target)
    sweep.error_file(chunk).unlink(missing_ok=True)


def write_parquet(rows: pd.DataFrame, target: Path) -> None:
    """Write a frame as Parquet so that a reader, or a crash, sees the old file or the new.

    Raises
    ------
    PipelineError
        If the disk does not take it.
    """
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        temporary = Path(folder) / target.name
        try:
            with _memory(os.getpid()).cursor() as connection:
                connection.register("given", rows)
                file = str(temporary).replace("'", "''")
                connection.execute(f"copy (from given) to '{file}' (format parquet)")
            replace_durably(temporary, target)
        except (OSError, duckdb.IOException) as error:
            raise PipelineError(
                "a file could not be written",
                where=str(target),
                found=str(error).splitlines()[0],
                expected="room on the disk and the right to write",
                next_step="free some space, then run again: what was computed is kept",
            ) from error


def is_done(sweep: SweepFolder, chunk: Chunk, policy_ids: Sequence[str]) -> bool:
    """Tell whether the rows of a chunk are there: a readable file with exactly these policies, in order."""
    target = sweep.chunk_file(chunk)
    if not target.exists():
        return False
    try:
        with _memory(os.getpid()).cursor() as connection:
            found = connection.execute("select policy_id, path from read_parquet(?)", [str(target)]).fetchall()
    except duckdb.Error:
        return False
    return found == [(one, chunk.path) for one in policy_ids[chunk.first : chunk.stop]]


def note_failure(sweep: SweepFolder, chunk: Chunk, error: BaseException | str) -> dict[str, Any]:
    """Write down why a chunk could not be computed. Return the note."""
    target = sweep.error_file(chunk)
    earlier = read_failure(sweep, chunk)
    said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    note = {"chunk": chunk.name, "error": said, "tries": int(earlier["tries"]) + 1 if earlier else 1}
    make_folder(target.parent)
    write_atomically(target, (json.dumps(note, indent=1) + "\n").encode())
    return note


def read_failure(sweep: SweepFolder, chunk: Chunk) -> Mapping[str, Any] | None:
    """Return the note of a chunk that failed the last time, or None."""
    try:
        note = json.loads(sweep.error_file(chunk).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) and "tries" in note else None


def read_rows(sweep: SweepFolder, chunks: Sequence[Chunk]) -> pd.DataFrame:
    """Return the rows of chunks that are done, in their order."""
    files = [str(sweep.chunk_file(chunk)) for chunk in chunks]
    if not files:
        return pd.DataFrame({"path": [], "is_simulated": [], "policy_id": []})
    with _memory(os.getpid()).cursor() as connection:
        return connection.execute("from read_parquet(?) order by path, policy_number", [files]).df()
