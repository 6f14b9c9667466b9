"""The same rows from one process, from workers of this machine, and from a cluster that is there already."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from flows.sweeping import sweep_home
from tests.support.grids import SMALL, crisis_home
from tests.support.shared import SharedFolders
from warehouse.home import Home
from warehouse.sweeps import WrittenSweep

pytestmark = pytest.mark.prefect

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK = 7


def rows_of(written: WrittenSweep) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return connection.execute("from read_parquet(?) order by path, policy_id", [str(written.parquet)]).df()


def another_home(home: Home, folder: Path) -> Home:
    """The same home without chunks."""
    shutil.copytree(home.path, folder, ignore=shutil.ignore_patterns("chunks"))
    return Home(folder)


def test_three_ways_give_the_same_rows_and_a_failing_chunk_stays_alone(
    tmp_path: Path, shared_folders: SharedFolders
) -> None:
    from distributed import LocalCluster
    from prefect.client.orchestration import get_client
    from prefect.testing.utilities import prefect_test_harness

    import flows.prefect_env  # noqa: F401
    from flows.sweep import run_on_scheduler, run_on_workers

    grid = tmp_path / "grid.toml"
    grid.write_text(SMALL)
    home = crisis_home(shared_folders, tmp_path / "home")
    alone = sweep_home(home, grid, now=NOW, chunk=CHUNK)
    assert alone.record["published"]["results"] == 24
    with prefect_test_harness(server_startup_timeout=120):
        others = another_home(home, tmp_path / "workers")
        workers = sweep_home(others, grid, now=NOW, chunk=CHUNK, run=run_on_workers(1))
        with get_client(sync_client=True) as client:
            names = {run.name for run in client.read_task_runs()}
            shown = [(one.key, one.data) for one in client.read_artifacts()]
        # A cluster of somebody else's, whose workers cannot write one of the chunks.
        others = another_home(home, tmp_path / "cluster")
        blocked = others.path / "sweeps" / alone.html.parent.name / "chunks" / "path-000" / "000007-000013.parquet"
        blocked.mkdir(parents=True)
        with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
            run = run_on_scheduler(cluster.scheduler_address)
            broken = sweep_home(others, grid, now=NOW, chunk=CHUNK, run=run)
            blocked.rmdir()
            given = sweep_home(others, grid, now=NOW, chunk=CHUNK, run=run)
    pd.testing.assert_frame_equal(rows_of(workers), rows_of(alone), check_exact=True)
    assert names >= {f"policies from {first} on path 0" for first in (0, 7, 14, 21)}
    assert shown == [("alvh-sweep", 100.0)]
    assert [note["chunk"] for note in broken.record["failed_chunks"]] == ["path-000/000007-000013"]
    assert broken.record["published"]["results"] == 24 - CHUNK
    pd.testing.assert_frame_equal(rows_of(given), rows_of(alone), check_exact=True)
