"""The Prefect flows on a temporary server, which takes as long to start as they take together.

Of the nightly flow a degraded night and a failed one for the whole file, with a receiver; the weekly flow, which stores
once, names its task, and then has nothing to do; and the same rows of a sweep from one process, from workers of this
machine, and from a cluster that is there already.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pandas as pd
import pytest

from flows.sweeping import sweep_home
from tests.support.grids import SMALL, crisis_home
from tests.support.market import LAST, write_market
from tests.support.nights import have_first_night
from tests.support.receivers import TOKEN, open_receiver
from tests.support.shared import SharedFolders
from transforms.errors import PipelineError, SourceError
from warehouse.home import Home
from warehouse.stored_calibrations import read_stored_calibrations
from warehouse.sweep_market_file import LAID_OUT
from warehouse.sweeps import WrittenSweep

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("compiled_walk")]


@dataclass
class Seen:
    home: Path
    result: Any = None
    error: BaseException | None = None
    flow_runs: list[Any] = field(default_factory=list)
    task_runs: list[Any] = field(default_factory=list)
    artifacts: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def run(self, state: str) -> Any:
        """The flow run that ended in a state of this name."""
        return next(run for run in self.flow_runs if run.state.name == state)

    def artifact(self, key: str) -> Any:
        """The newest artifact of a key."""
        return max((one for one in self.artifacts if one.key == key), key=lambda one: one.created)


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    import flows.prefect_env  # isort: skip  # noqa: F401
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, server: None) -> Seen:
    from prefect.client.orchestration import get_client

    from flows.nightly import nightly

    folder = tmp_path_factory.mktemp("flow")
    market = write_market(folder / "archive")
    market.index_path("VVIX").write_text("<html>", encoding="utf-8")
    seen = Seen(folder / "home")
    with pytest.MonkeyPatch.context() as patch, open_receiver() as receiver:
        patch.setenv("ALVH_NOTIFY_URL", receiver.address)
        patch.setenv("ALVH_REPORT_BASE_URL", "https://vix.example.org/reports")
        patch.setenv("ALVH_FETCH_RETRIES", "1")
        patch.setenv("ALVH_FETCH_RETRY_SECONDS", "0")
        # an id of this year's clock: the made-up market has no due session, the archive ends when it ends
        seen.result = nightly(source="archive", archive=str(market.root), home=str(seen.home))
        market.index_path("VIX").write_text("<html>", encoding="utf-8")
        try:
            nightly(source="archive", archive=str(market.root), home=str(seen.home))
        except SourceError as error:
            seen.error = error
        with get_client(sync_client=True) as client:
            seen.flow_runs = client.read_flow_runs()
            seen.task_runs = client.read_task_runs()
            seen.artifacts = client.read_artifacts()
            seen.logs = _read_logs(client, [run.id for run in seen.flow_runs])
        seen.messages = receiver.messages
    return seen


def _read_logs(client: Any, runs: list[Any]) -> list[Any]:
    """Wait for the last line of every run: logs are sent in the background."""
    for _ in range(60):
        logs: list[Any] = client.read_logs()
        if {log.flow_run_id for log in logs if "Finished in state" in log.message and log.task_run_id is None} >= set(
            runs
        ):
            return logs
        time.sleep(0.5)
    raise AssertionError("the logs of the runs did not arrive")


def test_flow_publishes_and_reports(seen: Seen) -> None:
    assert (seen.result.exit_code, seen.result.as_of) == (3, LAST)
    assert seen.result.report.exists()


def test_flow_runs_each_step_as_a_named_task(seen: Seen) -> None:
    names = {run.name for run in seen.task_runs}
    assert names >= {
        "judge the stored files",
        "build the warehouse",
        "check the warehouse",
        "publish the warehouse",
        f"report of {LAST}",
    }
    assert {name.split(" ")[0] for name in names} >= {"fetch", "tell"}


def test_degraded_night_has_a_state_of_its_own_and_says_why(seen: Seen) -> None:
    run = seen.run("Degraded")
    assert run.state.is_completed()
    assert run.state.message == seen.result.sentence
    assert "degraded: VVIX history (cboe) is refused" in run.state.message
    assert run.name == f"nightly {LAST} archive"
    assert set(run.tags) == {"alvh", "archive", "real", "degraded", "exit-3"}


def test_failed_night_is_failed_with_its_reason(seen: Seen) -> None:
    run = seen.run("Failed")
    assert run.state.is_failed()
    assert str(seen.error).splitlines()[0] in run.state.message
    assert set(run.tags) == {"alvh", "archive", "real", "source-unavailable", "exit-5"}


def test_flow_leaves_at_most_six_artifacts_a_night_under_names_that_stay(seen: Seen) -> None:
    mine = [one.key for one in seen.artifacts if one.flow_run_id == seen.run("Degraded").id]
    assert sorted(mine) == ["alvh-checks", "alvh-fetch", "alvh-page", "alvh-report", "alvh-sources"]


def test_report_artifact_is_the_top_of_the_report_with_a_link(seen: Seen) -> None:
    shown, whole = seen.artifact("alvh-report").data, seen.result.report.with_suffix(".md").read_text(encoding="utf-8")
    link = f"https://vix.example.org/reports/{LAST}/hedge-state.html"
    *top, last, _ = shown.split("\n")
    assert whole.startswith("\n".join(top))
    assert "## Hedge layers" in top
    assert last == f"[The whole report]({link})"
    assert seen.artifact("alvh-page").data == f"[Hedge state {LAST}]({link})"


def test_tables_show_what_is_wrong_first(seen: Seen) -> None:
    checks = json.loads(seen.artifact("alvh-checks").data)
    assert len(checks) > 100
    assert [row["check"] for row in checks if row["result"] == "FAILED"] == [
        "core.daily_index_levels__newest_session_present",
        "ops.source_files__no_current_file_is_refused",
    ]
    assert {row["result"] for row in checks[2:]} == {"passed"}
    sources = json.loads(seen.artifact("alvh-sources").data)
    assert (sources[0]["status"], sources[-1]["status"]) != ("ok", "refused")
    assert "VVIX history" in {row["source"] for row in sources if row["status"] == "refused"}


def test_each_night_of_the_flow_sends_one_message(seen: Seen) -> None:
    assert [one["title"].partition(": ")[2] for one in seen.messages] == [
        "degraded data, 2 reasons",
        "night failed, code 5",
    ]


def test_no_secret_reaches_prefect_or_the_home(seen: Seen) -> None:
    assert seen.logs
    shown = [*seen.flow_runs, *seen.task_runs, *seen.artifacts, *seen.logs]
    assert [one for one in shown if TOKEN in one.model_dump_json()] == []
    files = [path for path in seen.home.rglob("*") if path.is_file()]
    assert any(path.name == "notices.jsonl" for path in files)
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_flow_failure_is_the_projects_own_error(seen: Seen) -> None:
    assert isinstance(seen.error, SourceError)
    assert seen.error.exit_code == 5


def test_flow_runs_expectations_beside_the_sql_checks(seen: Seen) -> None:
    records = sorted((seen.home / "runs").glob("*.json"))
    first = json.loads(records[0].read_text(encoding="utf-8"))
    assert first["checks_run"] > 100
    assert datetime.fromisoformat(first["started_at_utc"]).tzinfo == UTC


def test_flow_calibrates_once_as_a_named_task_with_an_artifact(
    tmp_path: Path, shared_folders: SharedFolders, monkeypatch: pytest.MonkeyPatch, server: None
) -> None:
    from prefect.client.orchestration import get_client

    from flows.recalibrate import recalibrate

    begun = shared_folders.get("first-night", have_first_night)
    shutil.copytree(begun / "home", tmp_path / "home")
    first = recalibrate(home=str(tmp_path / "home"))
    # as a deployment without a home of its own runs it
    monkeypatch.setenv("ALVH_HOME", str(tmp_path / "home"))
    again = recalibrate()
    with get_client(sync_client=True) as client:
        runs = [run for run in client.read_flow_runs() if "calibrat" in run.name]
        mine = {run.id for run in runs}
        tasks = [run.name for run in client.read_task_runs() if run.flow_run_id in mine]
        artifacts = [artifact.key for artifact in client.read_artifacts() if artifact.flow_run_id in mine]
    assert (first.outcome, again.outcome) == ("calibrated", "nothing_new")
    assert read_stored_calibrations(Home(tmp_path / "home")) == [first.stored]
    assert [name.split()[0] for name in tasks] == ["calibrate", "calibrate"]
    assert first.stored is not None
    assert {run.name for run in runs} == {f"recalibrate after {first.stored.calibrated_on_date}"}
    assert {tag for run in runs for tag in run.tags} == {"alvh", "calibrated", "nothing-new"}
    assert set(artifacts) == {"alvh-calibration"}


NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK = 7


def rows_of(written: WrittenSweep) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return connection.execute("from read_parquet(?) order by path, policy_id", [str(written.parquet)]).df()


def another_home(home: Home, folder: Path) -> Home:
    """The same home without chunks, and without what comes before them: no market is laid out."""
    shutil.copytree(home.path, folder, ignore=shutil.ignore_patterns("chunks", LAID_OUT))
    return Home(folder)


def test_three_ways_give_the_same_rows_and_a_failing_chunk_stays_alone(
    tmp_path: Path, shared_folders: SharedFolders, server: None
) -> None:
    from distributed import LocalCluster
    from prefect.client.orchestration import get_client

    from flows.sweep import run_on_scheduler, run_on_workers

    grid = tmp_path / "grid.toml"
    grid.write_text(SMALL)
    home = crisis_home(shared_folders, tmp_path / "home")
    alone = sweep_home(home, grid, now=NOW, chunk=CHUNK)
    assert alone.record["published"]["results"] == 24
    others = another_home(home, tmp_path / "workers")
    workers = sweep_home(others, grid, now=NOW, chunk=CHUNK, run=run_on_workers(1))
    with get_client(sync_client=True) as client:
        names = {run.name for run in client.read_task_runs()}
        shown = [(one.key, one.data) for one in client.read_artifacts() if "sweep" in str(one.key)]
    # A cluster of somebody else's, whose workers cannot write one of the chunks. Then one more path, which they cannot
    # open at first; it is another one by its number alone.
    others = another_home(home, tmp_path / "cluster")
    folder = others.path / "sweeps" / alone.html.parent.name
    blocked = folder / "chunks" / "path-000" / "000007-000013.parquet"
    blocked.mkdir(parents=True)
    second = folder / "paths" / "001" / "alvh.duckdb"
    second.parent.mkdir()
    second.write_bytes(b"no warehouse")
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        run = run_on_scheduler(cluster.scheduler_address)
        broken = sweep_home(others, grid, now=NOW, chunk=CHUNK, run=run)
        blocked.rmdir()
        with pytest.raises(PipelineError, match="cannot be opened") as refused:
            sweep_home(others, grid, now=NOW, chunk=CHUNK, run=run, simulated_paths=1)
        shutil.copyfile(folder / "paths" / "000" / "alvh.duckdb", second)
        two = sweep_home(others, grid, now=NOW, chunk=CHUNK, run=run, simulated_paths=1)
    pd.testing.assert_frame_equal(rows_of(workers), rows_of(alone), check_exact=True)
    assert names >= {"path 0", *(f"policies from {first} on path 0" for first in (0, 7, 14, 21))}
    assert shown == [("alvh-sweep", 100.0)]
    assert [note["chunk"] for note in broken.record["failed_chunks"]] == ["path-000/000007-000013"]
    assert broken.record["published"]["results"] == 24 - CHUNK
    assert refused.value.where == str(second)
    both, one = rows_of(two), rows_of(alone)
    for path in (0, 1):
        rows = both[both["path"] == path].assign(path=0, is_simulated=one["is_simulated"].iloc[0])
        pd.testing.assert_frame_equal(rows.reset_index(drop=True), one, check_exact=True)


def test_worker_that_dies_while_a_path_is_made_ready_ends_the_sweep_with_words() -> None:
    from prefect.futures import PrefectConcurrentFuture

    from flows.sweep import _wait_for_path

    class Dead(PrefectConcurrentFuture[float]):
        def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> float:
            raise RuntimeError("the worker was killed")

    with pytest.raises(PipelineError, match="could not be made ready") as told:
        _wait_for_path(Dead(uuid4(), Future()))
    assert told.value.found == "RuntimeError: the worker was killed"
