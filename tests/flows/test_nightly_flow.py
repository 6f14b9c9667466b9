"""The Prefect flow on a temporary server: a degraded night and a failed one for the whole file, with a receiver."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.market import LAST, write_market
from tests.support.receivers import TOKEN, open_receiver
from transforms.errors import SourceError

pytestmark = pytest.mark.prefect


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
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    from prefect.client.orchestration import get_client
    from prefect.testing.utilities import prefect_test_harness

    import flows.prefect_env  # noqa: F401
    from flows.nightly import nightly

    folder = tmp_path_factory.mktemp("flow")
    market = write_market(folder / "archive")
    market.index_path("VVIX").write_text("<html>", encoding="utf-8")
    seen = Seen(folder / "home")
    with (
        pytest.MonkeyPatch.context() as patch,
        open_receiver() as receiver,
        prefect_test_harness(server_startup_timeout=120),
    ):
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
