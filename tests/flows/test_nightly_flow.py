"""The Prefect flow on a temporary server: one run for the whole file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.market import LAST, write_market
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


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    from prefect.client.orchestration import get_client
    from prefect.testing.utilities import prefect_test_harness

    import flows.prefect_env  # noqa: F401
    from flows.nightly import nightly

    folder = tmp_path_factory.mktemp("flow")
    market = write_market(folder / "archive")
    seen = Seen(folder / "home")
    with pytest.MonkeyPatch.context() as patch, prefect_test_harness(server_startup_timeout=120):
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
    return seen


def test_flow_publishes_and_reports(seen: Seen) -> None:
    assert (seen.result.exit_code, seen.result.as_of) == (0, LAST)
    assert seen.result.report.exists()


def test_flow_runs_each_step_as_a_named_task(seen: Seen) -> None:
    names = {run.name.split("-")[0] for run in seen.task_runs}
    assert {"fetch", "land", "build", "check", "publish", "report"} <= names


def test_flow_run_is_named(seen: Seen) -> None:
    assert all(run.name.startswith("nightly-") for run in seen.flow_runs)


def test_flow_leaves_its_results_as_artifacts(seen: Seen) -> None:
    assert {"fetch", "checks", "hedge-state"} <= {artifact.key for artifact in seen.artifacts}


def test_flow_report_artifact_is_the_markdown_report(seen: Seen) -> None:
    report = next(artifact for artifact in seen.artifacts if artifact.key == "hedge-state")
    assert report.data == seen.result.report.with_suffix(".md").read_text(encoding="utf-8")


def test_flow_failure_is_the_projects_own_error(seen: Seen) -> None:
    assert isinstance(seen.error, SourceError)
    assert seen.error.exit_code == 5


def test_flow_runs_expectations_beside_the_sql_checks(seen: Seen) -> None:
    records = sorted((seen.home / "runs").glob("*.json"))
    first = json.loads(records[0].read_text(encoding="utf-8"))
    assert first["checks_run"] > 100
    assert datetime.fromisoformat(first["started_at_utc"]).tzinfo == UTC
