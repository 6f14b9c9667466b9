"""The sweep on Dask: a path, then some of its chunks, a Prefect task, on workers of this machine or of a cluster.

The workers write paths and chunks themselves and return why they could not, so that what is computed is kept whatever
becomes of this process. They must see the home folder under the same path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, cast

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, as_completed
from prefect.settings import PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect_dask.task_runners import DaskTaskRunner

from flows.prefect_server import run_server
from flows.run_page import ProgressBar
from flows.sweeping import Progress, Run, SweepPlan, find_running, running
from transforms.errors import PipelineError
from warehouse.sweep_chunks import compute_chunk
from warehouse.sweep_store import Chunk, is_done, note_failure

DESCRIPTION = """
A grid of policies walked through the published history and simulated markets: **a task a path, then some chunks a
task**. The workers write chunks as they end: a sweep that is broken off goes on where it stopped. See `docs/sweep.md`.
"""
TASKS_A_WORKER = 12
"""Enough that workers end together; a task costs the server and the scheduler more time than a chunk of it."""


@task(
    name="sweep-path",
    task_run_name="path {number}",
    description="Build the warehouse of a simulated market, and lay a path's market out for all policies.",
    cache_policy=NO_CACHE,
    persist_result=False,
    log_prints=False,
)
def prepare(folder: str, number: int) -> float:
    """Make a path ready on a worker. Return the seconds that it took."""
    from flows.sweep_markets import prepare_path

    return prepare_path(folder, number)


@task(
    name="sweep-chunks",
    task_run_name="policies from {first} on path {path}",
    description="Compute neighbouring chunks of policies on one path of prices, and write each.",
    cache_policy=NO_CACHE,
    persist_result=False,
    log_prints=False,
)
def compute(folder: str, path: int, first: int, bounds: Sequence[tuple[int, int]]) -> list[str | None]:
    """Compute chunks on a worker, given as (first policy, one past the last). Return why each failed, or None."""
    errors: list[str | None] = []
    for start, stop in bounds:
        try:
            compute_chunk(folder, Chunk(path, start, stop))
        except Exception as caught:
            errors.append(f"{type(caught).__name__}: {caught}")
        else:
            errors.append(None)
    return errors


def group_chunks(missing: Sequence[Chunk], workers: int) -> list[list[Chunk]]:
    """Put neighbours on one path together, so that each worker gets some ``TASKS_A_WORKER`` groups."""
    size = max(1, len(missing) // (TASKS_A_WORKER * workers))
    paths = [list(some) for _, some in groupby(missing, key=lambda chunk: chunk.path)]
    return [some[first : first + size] for some in paths for first in range(0, len(some), size)]


def run_on_workers(workers: int) -> Run:
    """Return what computes a plan on a Dask cluster of this machine, for as long as it takes.

    Parameters
    ----------
    workers
        Processes, of one thread each.
    """
    # No page and no port of its own beyond the workers': nobody asked for them.
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    return _run_with(DaskTaskRunner(cluster_kwargs=options), lambda: workers)


def run_on_scheduler(address: str) -> Run:
    """Return what computes a plan on a Dask cluster that is there already.

    Parameters
    ----------
    address
        Of its scheduler, such as ``tcp://10.0.0.5:8786``.
    """
    return _run_with(DaskTaskRunner(address=address), lambda: _count_threads(address))


def _count_threads(address: str) -> int:
    from distributed import Client

    with Client(address) as client:  # type: ignore[no-untyped-call]
        threads: int = sum(client.nthreads().values())
    return max(threads, 1)


@flow(
    name="sweep",
    flow_run_name="sweep {sweep_id}, {missing} chunks",
    description=DESCRIPTION,
    validate_parameters=False,
    persist_result=False,
)
def sweep_chunks(sweep_id: str, missing: int, workers: int) -> None:
    """Compute what is missing of the plan that runs under this name; a chunk that fails is noted, and the rest goes on.

    Paths come first, because building a simulated market is the longest task, and the chunks of one wait for it.

    Parameters
    ----------
    sweep_id, missing, workers
        Name of the sweep, how many chunks, and how many compute: what Prefect's server is told. The plan itself, with
        thousands of policies, would be sent to the server, and with every task to the workers; so would a variable of
        this module.

    Raises
    ------
    PipelineError
        If a path cannot be made ready.
    """
    plan, progress = find_running(sweep_id)
    ids = [one.policy_id for one in plan.expansion.policies]
    folder = str(plan.sweep.folder)
    shown = ProgressBar("alvh-sweep", f"sweep {sweep_id}, {missing} chunks", missing)
    paths: dict[int, PrefectFuture[Any]] = {path: prepare.submit(folder, path) for path in plan.unprepared}
    submitted: dict[PrefectFuture[Any], list[Chunk]] = {
        compute.submit(
            folder,
            some[0].path,
            some[0].first,
            [(one.first, one.stop) for one in some],
            wait_for=[paths[some[0].path]] if some[0].path in paths else None,
            return_state=False,
        ): some
        for some in group_chunks(plan.missing, workers)
    }
    number_of = {future: path for path, future in paths.items()}
    for future in as_completed([*number_of, *submitted]):
        if future in number_of:
            progress.tell_path(number_of[future], _wait_for_path(future))
            continue
        group = submitted[future]
        try:
            errors = future.result()
        except Exception as caught:
            if (path := paths.get(group[0].path)) is not None:
                _wait_for_path(path)  # raises where that is why
            # a worker that died: what it had written by then is there
            said = f"{type(caught).__name__}: {caught}"
            errors = [None if is_done(plan.sweep, chunk, ids) else said for chunk in group]
        for chunk, error in zip(group, errors, strict=True):
            noted = None if error is None else str(note_failure(plan.sweep, chunk, error)["error"])
            progress.count(chunk, noted)
            shown.count()


def _wait_for_path(future: PrefectFuture[Any]) -> float:
    try:
        return float(future.result())
    except PipelineError:
        raise
    except Exception as caught:  # a worker that died: building a market takes half a gigabyte
        raise PipelineError(
            "a path of the sweep could not be made ready",
            found=f"{type(caught).__name__}: {caught}",
            expected="workers that live as long as it takes",
            next_step="run the sweep again, with fewer workers if memory was short: what was computed is kept",
        ) from caught


def _run_with(runner: DaskTaskRunner, count_workers: Callable[[], int]) -> Run:
    def run(plan: SweepPlan, progress: Progress) -> None:
        # A server of our own is gone before the last workers have sent their logs.
        with temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: False}), run_server(), running(plan, progress):
            # Its futures are Prefect's in all but the declared type.
            flow_ = sweep_chunks.with_options(task_runner=cast("Any", runner))
            flow_(plan.sweep.sweep_id, len(plan.missing), count_workers())

    return run
