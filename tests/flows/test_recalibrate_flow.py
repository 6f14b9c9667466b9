"""The weekly flow on a temporary server: it stores once, names its task, and then has nothing to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.nights import have_first_night
from tests.support.shared import SharedFolders
from warehouse.home import Home
from warehouse.stored_calibrations import read_stored_calibrations

pytestmark = pytest.mark.prefect


def test_flow_calibrates_once_as_a_named_task_with_an_artifact(
    tmp_path: Path, shared_folders: SharedFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.testing.utilities import prefect_test_harness

    import flows.prefect_env  # noqa: F401
    from flows.recalibrate import recalibrate

    begun = shared_folders.get("first-night", have_first_night)
    shutil.copytree(begun / "home", tmp_path / "home")
    with prefect_test_harness(server_startup_timeout=120):
        first = recalibrate(home=str(tmp_path / "home"))
        # as a deployment without a home of its own runs it
        monkeypatch.setenv("ALVH_HOME", str(tmp_path / "home"))
        again = recalibrate()
        with get_client(sync_client=True) as client:
            tasks = [run.name for run in client.read_task_runs()]
            runs = client.read_flow_runs()
            artifacts = [artifact.key for artifact in client.read_artifacts()]
    assert (first.outcome, again.outcome) == ("calibrated", "nothing_new")
    assert read_stored_calibrations(Home(tmp_path / "home")) == [first.stored]
    assert [name.split()[0] for name in tasks] == ["calibrate", "calibrate"]
    assert first.stored is not None
    assert {run.name for run in runs} == {f"recalibrate after {first.stored.calibrated_on_date}"}
    assert {tag for run in runs for tag in run.tags} == {"alvh", "calibrated", "nothing-new"}
    assert set(artifacts) == {"alvh-calibration"}
