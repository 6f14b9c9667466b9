"""The sweep on Dask: each chunk a Prefect task, on workers of this machine or of a cluster that is there already.

The workers write the chunks themselves and return counts, so that what is computed is kept whatever becomes of this
process. They must see the home folder under the same path.
"""

from __future__ import annotations

import time
from typing import Any, cast

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.settings import PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect_dask.task_runners import DaskTaskRunner

from flows.prefect_server import prefect_server
from flows.run_page import ProgressBar
from flows.sweeping import Progress, Run, SweepPlan, find_running, running
from warehouse.sweep_chunks import ChunkDone, compute_chunk
from warehouse.sweep_store import Chunk, note_failure

DESCRIPTION = """
A grid of policies walked through the published history and simulated markets, **a chunk a task**. Chunks are written
by the workers as they end: a sweep that is broken off goes on where it stopped. See `docs/sweep.md`.
"""


@task(
    name="sweep-chunk",
    task_run_name="policies from {first} on path {path}",
    description="Compute a chunk of policies on one path of prices, and write it.",
    cache_policy=NO_CACHE,
    persist_result=False,
    log_prints=False,
)
def compute(folder: str, path: int, first: int, stop: int) -> int:
    """Compute a chunk on a worker. Return its rows."""
    done: ChunkDone = compute_chunk(folder, Chunk(path, first, stop))
    return done.rows


def run_on_workers(workers: int) -> Run:
    """Return what computes missing chunks on a Dask cluster of this machine, for as long as it takes.

    Parameters
    ----------
    workers
        Processes, of one thread each.
    """
    # No page and no port of its own beyond the workers': nobody asked for them.
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    return _run_with(DaskTaskRunner(cluster_kwargs=options))


def run_on_scheduler(address: str) -> Run:
    """Return what computes missing chunks on a Dask cluster that is there already.

    Parameters
    ----------
    address
        Of its scheduler, such as ``tcp://10.0.0.5:8786``.
    """
    return _run_with(DaskTaskRunner(address=address))


@flow(
    name="sweep",
    flow_run_name="sweep {sweep_id}, {missing} chunks",
    description=DESCRIPTION,
    validate_parameters=False,
    persist_result=False,
)
def sweep_chunks(sweep_id: str, missing: int) -> None:
    """Compute the missing chunks of the plan that runs under this name; one that fails is noted, and the rest goes on.

    Parameters
    ----------
    sweep_id, missing
        Name of the sweep, and how many chunks: what Prefect's server is told. The plan itself, with thousands of
        policies, would be sent to the server, and with every task to the workers; so would a variable of this module.
    """
    plan, progress = find_running(sweep_id)
    started = time.monotonic()
    folder = str(plan.sweep.folder)
    shown = ProgressBar("alvh-sweep", f"sweep {sweep_id}, {missing} chunks", missing)
    submitted = {compute.submit(folder, one.path, one.first, one.stop): one for one in plan.missing}
    for future in as_completed(list(submitted)):
        chunk, error = submitted[future], None
        try:
            future.result()
        except Exception as caught:
            error = str(note_failure(plan.sweep, chunk, caught)["error"])
        progress.count(chunk, error, time.monotonic() - started)
        shown.count()


def _run_with(runner: DaskTaskRunner) -> Run:
    def run(plan: SweepPlan, progress: Progress) -> None:
        # A server of our own is gone before the last workers have sent their logs.
        with temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: False}), prefect_server(), running(plan, progress):
            # Its futures are Prefect's in all but the declared type.
            sweep_chunks.with_options(task_runner=cast("Any", runner))(plan.sweep.sweep_id, len(plan.missing))

    return run
