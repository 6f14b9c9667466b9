"""Sweeping a home: a grid planned, its chunks computed where they are missing, the results written. Without Prefect."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from transforms.errors import UsageError
from transforms.policy.model import Policy
from transforms.sweep.grid import Expansion, Grid, expand_grid, read_grid
from transforms.toml_file import LARGEST_FILE
from warehouse.expressions import load_policy, preset, signal_columns
from warehouse.home import Home
from warehouse.instants import iso_utc
from warehouse.run_log import package_versions
from warehouse.sweep_chunks import compute_chunk
from warehouse.sweep_paths import is_laid_out, take_warehouse
from warehouse.sweep_store import (
    CHUNK,
    PUBLISHED,
    Chunk,
    SweepFolder,
    is_done,
    list_chunks,
    list_unreadable_sweeps,
    note_failure,
    open_sweep,
    read_manifest,
)
from warehouse.sweeps import SweptPath, WrittenSweep, write_sweep

THREADS = 2
"""That share the work, where one process computes all chunks."""


@dataclass(frozen=True)
class SweepPlan:
    """A sweep ready to be computed: what is there already, and what is missing.

    Attributes
    ----------
    unprepared
        Numbers of the paths whose market has to be laid out before their chunks.
    missing
        Chunks that are not there.
    """

    sweep: SweepFolder
    grid: Grid
    expansion: Expansion
    paths: tuple[SweptPath, ...]
    chunks: tuple[Chunk, ...]
    unprepared: tuple[int, ...]
    missing: tuple[Chunk, ...]


@dataclass
class Progress:
    """Counts chunks and tells of them; how long it will take is told once every path is ready.

    Attributes
    ----------
    planned, kept
        Chunks to compute, and those that were there.
    unprepared
        Paths that chunks still wait for.
    """

    planned: int
    kept: int
    tell: Callable[[str, bool], None]
    unprepared: int = 0
    done: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        self._began = self._ready = time.monotonic()
        self._ended_then = 0

    def tell_path(self, path: int, seconds: float) -> None:
        """Say that a path is ready for its chunks."""
        self.unprepared -= 1
        self._ready, self._ended_then = time.monotonic(), self.done + self.failed
        market = "published history" if path == PUBLISHED else "simulated market"
        self.tell(f"path {path}, {market}, ready after {seconds:.1f} s", True)

    def count(self, chunk: Chunk, error: str | None) -> None:
        """Count a chunk, and say how far the sweep is."""
        self.done += error is None
        self.failed += error is not None
        if error is not None:
            self.tell(f"chunk {chunk.name} failed: {error}", True)
        ended, now = self.done + self.failed, time.monotonic()
        left = self.planned - ended
        words = f"{self.kept + self.done} of {self.kept + self.planned} chunks"
        words += f", {self.kept} of them from before" if self.kept else ""
        words += f", {self.failed} failed" if self.failed else ""
        words += f", {now - self._began:.1f} s"
        if left and not self.unprepared:
            words += f", about {(now - self._ready) / (ended - self._ended_then) * left:.0f} s to go"
        self.tell(words, left == 0)


_running: dict[str, tuple[SweepPlan, Progress]] = {}

Tell = Callable[[str, bool], None]
Run = Callable[[SweepPlan, Progress], None]


def sweep_home(
    home: Home,
    grid_file: Path,
    *,
    now: datetime,
    run: Run | None = None,
    simulated_paths: int = 0,
    is_resumed: bool = True,
    chunk: int = CHUNK,
    command: str = "alvh sweep",
    tell: Tell = lambda text, is_last: None,
) -> WrittenSweep:
    """Sweep a grid over the published history of a home, and over simulated markets.

    Only ``sweeps/`` of the home is written.

    Parameters
    ----------
    grid_file
        The grid.
    now
        Instant of the run; it only dates the record.
    run
        What makes the paths ready and computes the missing chunks; None: this process.
    simulated_paths
        How many simulated markets beside the published history.
    is_resumed
        Keep the chunks that are there; False computes all of them again.
    chunk
        Policies of a chunk.
    command
        What repeats it.
    tell
        Told what is being done, and whether it must not be passed over.

    Raises
    ------
    UsageError
        If nothing is published, or the grid cannot be used.
    LockHeldError
        If another run works on the same sweep.
    """
    grid = load_grid(grid_file)
    expansion = expand_grid(grid)
    left_out = sum(expansion.skipped.values())
    words = f", {left_out:,} combinations are none" if left_out else ""
    tell(f"{len(expansion.policies):,} policies in {grid.name}{words}", True)
    for left in list_unreadable_sweeps(home):
        tell(f"{left} is of an earlier version and is not read: remove it to free its space", True)
    sweep = open_sweep(home, grid, expansion, chunk)
    with sweep.lock():
        if not is_resumed:
            shutil.rmtree(sweep.folder / "chunks", ignore_errors=True)
        plan = plan_sweep(home, sweep, grid, expansion, simulated_paths)
        kept = len(plan.chunks) - len(plan.missing)
        if not plan.missing:
            tell(f"all {kept} chunks are there already", True)
        if plan.missing or plan.unprepared:
            (run or run_in_process)(plan, Progress(len(plan.missing), kept, tell, len(plan.unprepared)))
        provenance = {"command": command, "made_at_utc": iso_utc(now), "code_version": package_versions()["alvh"]}
        return write_sweep(sweep, grid, expansion, plan.chunks, plan.paths, provenance)


def load_grid(path: Path) -> Grid:
    """Read a grid file; ``base`` is a preset, or a policy file beside it.

    Raises
    ------
    GridError, PolicyError, UsageError
        If one of the files cannot be used.
    """
    return read_grid(_read_text(path, "grid file"), where=str(path), load_base=lambda name: _load_base(path, name))


def plan_sweep(home: Home, sweep: SweepFolder, grid: Grid, expansion: Expansion, simulated_paths: int) -> SweepPlan:
    """Find what a sweep has to compute; of its paths only the published warehouse is taken."""
    take_warehouse(home, sweep.path_folder(PUBLISHED))
    paths = [SweptPath(PUBLISHED, None)]
    if simulated_paths:
        from flows.sweep_markets import seed_of

        paths += [SweptPath(number, seed_of(number)) for number in range(1, simulated_paths + 1)]
    unprepared = tuple(path.number for path in paths if not is_laid_out(sweep.path_folder(path.number)))
    ids = [one.policy_id for one in expansion.policies]
    chunks = tuple(list_chunks(len(ids), [path.number for path in paths], int(read_manifest(sweep)["chunk"])))
    missing = tuple(chunk for chunk in chunks if not is_done(sweep, chunk, ids))
    return SweepPlan(sweep, grid, expansion, tuple(paths), chunks, unprepared, missing)


def run_in_process(plan: SweepPlan, progress: Progress) -> None:
    """Make the paths ready, then compute the missing chunks, some at a time.

    A chunk that fails is noted, and the rest goes on.
    """
    from flows.sweep_markets import prepare_path

    folder, policies = str(plan.sweep.folder), plan.expansion.policies
    for path in plan.unprepared:
        progress.tell_path(path, prepare_path(folder, path, THREADS, policies))
    # Whole chunks side by side: so the parts of one that hold the interpreter's lock go on beside those of the other
    # that do not.
    pool = ThreadPoolExecutor(THREADS)
    try:
        jobs = {
            pool.submit(compute_chunk, folder, one, policies=policies[one.first : one.stop]): one
            for one in plan.missing
        }
        for job in as_completed(jobs):
            chunk, error = jobs[job], None
            try:
                job.result()
            except Exception as caught:
                error = str(note_failure(plan.sweep, chunk, caught)["error"])
            progress.count(chunk, error)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def running(plan: SweepPlan, progress: Progress) -> Iterator[None]:
    """Have a plan found by the name of its sweep for as long as it is computed in this process."""
    _running[plan.sweep.sweep_id] = (plan, progress)
    try:
        yield
    finally:
        del _running[plan.sweep.sweep_id]


def find_running(sweep_id: str) -> tuple[SweepPlan, Progress]:
    """Return a plan that this process computes; see `running`."""
    return _running[sweep_id]


def _load_base(grid_file: Path, name: str) -> Policy:
    if not name.endswith(".toml"):
        return preset(name)
    path = grid_file.parent / name
    return load_policy(_read_text(path, "policy file"), columns=signal_columns(), where=str(path))


def _read_text(path: Path, kind: str) -> str:
    try:
        with path.open("rb") as file:  # a byte more than is taken: the reader says that it is too large
            return file.read(4 * LARGEST_FILE + 1).decode("utf-8")
    except FileNotFoundError:
        raise UsageError(f"there is no such {kind}", where=str(path), expected=f"a {kind}") from None
    except (OSError, UnicodeDecodeError) as error:
        what = f"the {kind} cannot be read"
        raise UsageError(what, where=str(path), found=str(error), expected="UTF-8 text") from None
