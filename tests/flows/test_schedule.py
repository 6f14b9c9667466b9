"""When the nightly runs: what ``alvh schedule`` serves, and what ``prefect.yaml`` deploys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows import schedule

ROOT = Path(__file__).resolve().parents[2]

CRONS = {
    "evening": "30 18 * * 1-5",
    "hourly-retry": "30 19-23 * * 1-5",
    "reconciliation": "30 11 * * 2-6",
    "recalibration": "30 12 * * 2-6",
}
FLAGS = {
    "evening": {"on_sessions_only": True},
    "hourly-retry": {"on_sessions_only": True, "only_if_missing": True},
    "reconciliation": {},
    "recalibration": {},
}
WEEKLY = "recalibration"
ENTRYPOINTS = dict.fromkeys(CRONS, "flows/nightly.py:nightly") | {WEEKLY: "flows/recalibrate.py:recalibrate"}
WHERE = {"source": "archive", "archive": "/some/archive", "home": "/some/home"}


@pytest.fixture(scope="module")
def served() -> dict[str, Any]:
    # In a thread of its own: where an event loop runs, as that of a browser of other tests, Prefect gives coroutines.
    with ThreadPoolExecutor(1) as aside:
        made = aside.submit(schedule.deployments, **WHERE).result()
    return {deployment.name: deployment for deployment in made}


@pytest.fixture(scope="module")
def deployed() -> dict[str, dict[str, Any]]:
    """The deployments of ``prefect.yaml``, read by Prefect's own reader, which prints what it cannot use."""
    from prefect.cli.deploy._config import _load_deploy_configs_and_actions

    said = StringIO()
    configs, actions = _load_deploy_configs_and_actions(ROOT / "prefect.yaml", console=Console(file=said))
    assert said.getvalue() == ""
    assert actions == {"build": [], "push": [], "pull": None}
    return {config["name"]: config for config in configs}


def test_served_deployments_are_evening_retries_reconciliation_and_recalibration(served: dict[str, Any]) -> None:
    assert list(served) == list(CRONS)


@pytest.mark.parametrize("name", CRONS)
def test_served_deployment_runs_in_new_york_time(served: dict[str, Any], name: str) -> None:
    (entry,) = served[name].schedules
    assert (entry.schedule.cron, entry.schedule.timezone) == (CRONS[name], "America/New_York")
    assert entry.active


@pytest.mark.parametrize("name", CRONS)
def test_served_deployment_passes_source_and_flags(served: dict[str, Any], name: str) -> None:
    # the re-calibration asks no source: it reads what is published
    where = {"home": WHERE["home"]} if name == WEEKLY else WHERE
    assert served[name].parameters == {**where, **FLAGS[name]}


@pytest.mark.parametrize("name", CRONS)
def test_served_deployment_runs_once_at_a_time(served: dict[str, Any], name: str) -> None:
    assert served[name].concurrency_limit == 1
    assert served[name].concurrency_options.collision_strategy == "CANCEL_NEW"


@pytest.mark.parametrize("name", CRONS)
def test_served_deployment_is_the_flow_it_names(served: dict[str, Any], name: str) -> None:
    assert served[name].entrypoint == ENTRYPOINTS[name]


@pytest.mark.parametrize("name", CRONS)
def test_flow_takes_every_parameter_that_is_scheduled(
    served: dict[str, Any], deployed: dict[str, dict[str, Any]], name: str
) -> None:
    from flows.nightly import nightly
    from flows.recalibrate import recalibrate

    flow: Any = recalibrate if name == WEEKLY else nightly
    assert {*served[name].parameters, *deployed[name]["parameters"]} <= set(flow.parameters.properties)


def test_prefect_yaml_deploys_what_alvh_schedule_serves(
    served: dict[str, Any], deployed: dict[str, dict[str, Any]]
) -> None:
    assert list(deployed) == list(served)


@pytest.mark.parametrize("name", CRONS)
def test_prefect_yaml_has_the_same_schedule(deployed: dict[str, dict[str, Any]], name: str) -> None:
    from prefect.cli.deploy._schedules import _schedule_config_to_deployment_schedule

    (config,) = deployed[name]["schedules"]
    entry = _schedule_config_to_deployment_schedule(config)["schedule"]
    assert (entry.cron, entry.timezone) == (CRONS[name], "America/New_York")


@pytest.mark.parametrize("name", CRONS)
def test_prefect_yaml_has_the_same_flags_and_the_cboe_source(deployed: dict[str, dict[str, Any]], name: str) -> None:
    source = {} if name == WEEKLY else {"source": "cboe"}
    assert deployed[name]["parameters"] == {**source, **FLAGS[name]}
    assert deployed[name]["entrypoint"] == ENTRYPOINTS[name]


@pytest.mark.parametrize("name", CRONS)
def test_deployment_says_what_it_is_for_and_of_which_version(
    served: dict[str, Any], deployed: dict[str, dict[str, Any]], name: str
) -> None:
    from importlib import metadata

    kind = "weekly" if name == WEEKLY else "nightly"
    assert served[name].description.startswith("**")
    assert deployed[name]["description"] == served[name].description
    assert (served[name].tags, deployed[name]["tags"]) == (["alvh", "archive", kind], ["alvh", "cboe", kind])
    assert served[name].version == metadata.version("alvh")


@pytest.mark.parametrize("name", CRONS)
def test_prefect_yaml_runs_a_deployment_once_at_a_time(deployed: dict[str, dict[str, Any]], name: str) -> None:
    from prefect.client.schemas.objects import ConcurrencyLimitStrategy

    limit = deployed[name]["concurrency_limit"]
    assert limit["limit"] == 1
    assert ConcurrencyLimitStrategy(limit["collision_strategy"]) is ConcurrencyLimitStrategy.CANCEL_NEW


@pytest.mark.parametrize("name", CRONS)
def test_prefect_yaml_takes_the_work_pool_from_the_environment(
    deployed: dict[str, dict[str, Any]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from prefect.utilities.templating import apply_values

    monkeypatch.setenv("ALVH_WORK_POOL", "vix")
    filled = apply_values(deployed[name], os.environ, remove_notset=False)
    assert filled["work_pool"]["name"] == "vix"
