"""A chunk of a sweep, from its name to its file: what a worker does, wherever it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import pandas as pd

from transforms.errors import PipelineError
from transforms.sweep.grid import GridPolicy
from warehouse.sweep_market_file import PathMarket
from warehouse.sweep_paths import evaluate_policies, load_path
from warehouse.sweep_store import PUBLISHED, Chunk, SweepFolder, hash_code, load_policies, read_manifest, write_chunk

_lock = Lock()
"""A market is loaded once, whichever of several threads asks first."""

Evaluate = Callable[[Path, PathMarket, Sequence[GridPolicy], int], pd.DataFrame]


@dataclass(frozen=True)
class ChunkDone:
    """A chunk that was computed and written."""

    chunk: Chunk
    rows: int
    seconds: float


def compute_chunk(
    folder: str,
    chunk: Chunk,
    threads: int = 1,
    evaluate: Evaluate = evaluate_policies,
    policies: Sequence[GridPolicy] | None = None,
) -> ChunkDone:
    """Compute a chunk and write its file; threads may compute several at once.

    Parameters
    ----------
    folder
        Of the sweep, as this process sees it.
    threads
        Of the walk.
    evaluate
        What computes the rows.
    policies
        Of the chunk; None: as the sweep's plan has them.

    Raises
    ------
    PipelineError
        If this process does not see the folder, or runs another code than the sweep began with.
    """
    started = time.perf_counter()
    sweep = SweepFolder(Path(folder))
    manifest = require_same(folder)
    some = load_policies(sweep, chunk) if policies is None else policies
    path_folder = sweep.path_folder(chunk.path)
    with _lock:
        path = _load(path_folder)
    rows = evaluate(path_folder, path, some, threads)
    is_simulated = chunk.path != PUBLISHED or bool(manifest["is_simulated"])
    rows.insert(0, "policy_number", range(chunk.first, chunk.stop))
    rows.insert(2, "path", chunk.path)
    rows.insert(3, "is_simulated", is_simulated)
    write_chunk(sweep, chunk, rows)
    return ChunkDone(chunk, len(rows), time.perf_counter() - started)


@lru_cache(maxsize=2)
def _load(folder: Path) -> PathMarket:
    # A worker takes the chunks of a path one after the other; each market is some tens of megabytes.
    return load_path(folder)


@lru_cache(maxsize=4)
def require_same(folder: str) -> dict[str, object]:
    """Return the manifest of a sweep that this process may work on.

    Raises
    ------
    PipelineError
        If this process does not see the folder, or runs another code than the sweep began with.
    """
    sweep = SweepFolder(Path(folder))
    if not sweep.manifest.exists():
        raise PipelineError(
            "a worker does not see the folder of the sweep",
            where=folder,
            expected="the home folder under the same path on every machine",
            next_step="put the home on a disk that all workers share, or use --workers on one machine",
        )
    manifest = read_manifest(sweep)
    if manifest["code_sha256"] != hash_code():
        raise PipelineError(
            "a worker runs another version of the code than the sweep",
            where=folder,
            found=hash_code()[:12],
            expected=str(manifest["code_sha256"])[:12],
            next_step="install the same checkout on every machine, then run the sweep again",
        )
    return manifest
