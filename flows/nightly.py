"""The nightly flow: fetch, land, build, check, publish, report, each a named Prefect task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.tasks import Task

from flows import steps
from flows.console import say_progress
from flows.fetch import FetchSummary
from flows.night import Night, reason_to_stay_idle, resolve_night
from flows.run import NightResult, Steps, run_night
from flows.settings import Settings
from transforms.errors import TransientSourceError
from warehouse.build import Built
from warehouse.checks import CheckResult
from warehouse.hedge_states import PolicyInForce
from warehouse.reports import WrittenReport
from warehouse.run_log import run_id_of


def _is_transient(task_: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TransientSourceError)


# How often and after what wait a fetch is retried is a setting, applied where the flow starts.
@task(
    name="fetch",
    task_run_name="fetch-{night.session}",
    retry_condition_fn=_is_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def fetch(night: Night) -> FetchSummary:
    """Ask the source for what can have changed; everything fetched is stored at once."""
    summary = steps.fetch_step(night, say_progress)
    create_table_artifact(table=[{"files": k, "count": v} for k, v in summary.counts().items()], key="fetch")
    return summary


@task(name="land", task_run_name="land-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def land(night: Night, fetched: FetchSummary) -> dict[str, int]:
    """Judge the stored files."""
    return steps.land_step(night, fetched)


@task(name="build", task_run_name="build-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def build(night: Night, policies: Sequence[PolicyInForce]) -> Built:
    """Build the next warehouse beside the published one."""
    return steps.build_step(night, policies)


@task(name="check", task_run_name="check-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def check(night: Night) -> list[CheckResult]:
    """Run SQL checks and expectations on the build."""
    results = steps.check_step(night)
    failed = [{**vars(result), "is_passed": False} for result in results if not result.is_passed]
    create_table_artifact(table=failed, key="checks", description=f"{len(results)} checks, {len(failed)} failed")
    return results


@task(name="publish", task_run_name="publish-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def publish(night: Night, record: Mapping[str, Any]) -> tuple[Path, str]:
    """Swap the build in."""
    return steps.publish_step(night, record)


@task(name="report", task_run_name="report-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def report(night: Night, as_of: date, is_latest: bool, record: Mapping[str, Any]) -> WrittenReport:
    """Write the report of the session."""
    written = steps.report_step(night, as_of, is_latest, record)
    markdown = written.html.with_suffix(".md").read_text(encoding="utf-8")
    create_markdown_artifact(markdown=markdown, key="hedge-state", description=written.headline)
    return written


def _name_run() -> str:
    return f"nightly-{flow_run.parameters.get('run_id') or 'scheduled'}"


@flow(name="nightly", flow_run_name=_name_run, validate_parameters=False, persist_result=False)
def nightly(
    source: str | None = None,
    archive: str | None = None,
    home: str | None = None,
    as_of: date | None = None,
    ask_everything: bool = False,
    on_sessions_only: bool = False,
    only_if_missing: bool = False,
    run_id: str | None = None,
    policy: str | None = None,
) -> NightResult:
    """Run one night.

    Parameters
    ----------
    source, archive, home
        As on the command line; what is not given comes from ``ALVH_*``.
    as_of
        Session to report; the newest one when not given.
    ask_everything
        Compare the whole history with the publisher's, complete contracts too.
    on_sessions_only
        Scheduled runs: end as "nothing new" when New York's today is not a session.
    only_if_missing
        Scheduled retries: end as "nothing new" when the newest closed session is published.
    run_id
        Name of the run; made from the clock when not given (scheduled runs).
    policy
        File of the policy that a new home begins with; the home's ``policy.toml``, else the preset
        ``article``, when not given.
    """
    given = {"source": source, "archive": archive, "home": home}
    settings = Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    now = datetime.now(UTC)
    name = run_id or run_id_of(now)
    night = resolve_night(
        settings,
        run_id=name,
        now=now,
        as_of=as_of,
        ask_everything=ask_everything,
        policy_file=Path(policy) if policy else None,
    )
    idle = reason_to_stay_idle(night, on_sessions_only=on_sessions_only, only_if_missing=only_if_missing)
    if idle is not None:
        return NightResult(0, "nothing_new", idle)
    patient = fetch.with_options(retries=night.fetch_retries, retry_delay_seconds=night.fetch_retry_seconds)
    return run_night(night, Steps(patient, land, build, check, publish, report))
