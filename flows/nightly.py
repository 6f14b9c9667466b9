"""The nightly flow: fetch, land, build, check, publish, report, notify, each a named Prefect task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.tasks import Task

from flows import steps
from flows.console import say_progress
from flows.fetch import FetchSummary
from flows.night import Night, reason_to_stay_idle, resolve_night
from flows.notify import Told, notify_step
from flows.run import NightResult, Steps, run_night
from flows.run_page import end_night, mark_run, name_nightly, show_checks, show_fetch, show_report, tag_night
from flows.settings import Settings
from transforms.errors import PipelineError, TransientSourceError
from warehouse.build import Built
from warehouse.checks import CheckResult
from warehouse.hedge_states import PolicyInForce
from warehouse.reports import WrittenReport
from warehouse.run_log import run_id_of

DESCRIPTION = """
One night: **fetch** what the publishers have new, judge and store it, **build** the warehouse anew beside the
published one, **check** it, **publish** it in one step, write the **report** of the session, and **notify** whoever is
to be told.

| ends as | exit code | |
|---|---|---|
| *Published* | 0 | the report is there |
| *Degraded* | 3 | published, but something is stale, missing or doubtful: the message names it |
| *Nothing new* | 0 | no session today, or it is in already |
| *Failed* | 1, 4, 5 | nothing was published, the last good night stays |

A run may be repeated at any time. What to do in the morning: `docs/runbook.md`.
"""


def _is_transient(task_: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TransientSourceError)


# How often and after what wait a fetch is retried is a setting, applied where the flow starts.
@task(
    name="fetch",
    task_run_name="fetch up to {night.session} from {night.source}",
    description="Ask the source for what can have changed. Everything fetched is stored at once.",
    retry_condition_fn=_is_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def fetch(night: Night) -> FetchSummary:
    """Ask the source for what can have changed; everything fetched is stored at once."""
    summary = steps.fetch_step(night, say_progress)
    show_fetch(summary.counts())
    return summary


@task(
    name="land",
    task_run_name="judge the stored files",
    description="Judge the stored files, and stop where something required is missing.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def land(night: Night, fetched: FetchSummary) -> dict[str, int]:
    """Judge the stored files."""
    return steps.land_step(night, fetched)


@task(
    name="build",
    task_run_name="build the warehouse",
    description="Build the next warehouse from the stored files, beside the published one.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def build(night: Night, policies: Sequence[PolicyInForce]) -> Built:
    """Build the next warehouse beside the published one."""
    return steps.build_step(night, policies)


@task(
    name="check",
    task_run_name="check the warehouse",
    description="Run SQL checks and expectations on the build. One error, and nothing is published.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def check(night: Night) -> list[CheckResult]:
    """Run SQL checks and expectations on the build."""
    results = steps.check_step(night)
    show_checks(results)
    return results


@task(
    name="publish",
    task_run_name="publish the warehouse",
    description="Swap the build in for the published warehouse, in one step.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def publish(night: Night, record: Mapping[str, Any]) -> tuple[Path, str]:
    """Swap the build in."""
    return steps.publish_step(night, record)


@task(
    name="report",
    task_run_name="report of {as_of}",
    description="Write the report of the session from what is published.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def report(night: Night, as_of: date, is_latest: bool, record: Mapping[str, Any]) -> WrittenReport:
    """Write the report of the session."""
    written = steps.report_step(night, as_of, is_latest, record)
    show_report(night.home, as_of, written.html, written.headline)
    return written


@task(
    name="notify",
    task_run_name="tell who is to be told of {night.session}",
    description="Send one message where something is news. It never fails the night.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def notify(night: Night, error: Exception | None) -> Told:
    """Tell of the night, where something is news."""
    return notify_step(night, error)


def _name_run() -> str:
    return name_nightly(flow_run.parameters, datetime.now(UTC))


@flow(
    name="nightly",
    flow_run_name=_name_run,
    description=DESCRIPTION,
    validate_parameters=False,
    persist_result=False,
)
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
    rebuild: bool = False,
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
        Scheduled retries: end as "nothing new" when the newest closed session is published, and nothing that
        it expected failed in a way that may have passed.
    run_id
        Name of the run; made from the clock when not given (scheduled runs).
    policy
        File of the policy that a new home begins with; the home's ``policy.toml``, else the preset
        ``article``, when not given.
    rebuild
        Build even where no file, policy or code changed since what is published.
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
        rebuild=rebuild,
    )
    idle = reason_to_stay_idle(night, on_sessions_only=on_sessions_only, only_if_missing=only_if_missing)
    if idle is not None:
        result = NightResult(0, "nothing_new", idle)
        _mark(night, None, result.outcome, result.exit_code)
        return end_night(result)
    patient = fetch.with_options(retries=night.fetch_retries, retry_delay_seconds=night.fetch_retry_seconds)
    try:
        result = run_night(
            night,
            Steps(fetch=patient, land=land, build=build, check=check, publish=publish, report=report, notify=notify),
        )
    except Exception as error:
        # Raised on: Prefect's state is Failed, with the error as its message.
        ours = error if isinstance(error, PipelineError) else PipelineError("")
        _mark(night, None, ours.outcome, ours.exit_code)
        raise
    _mark(night, result.as_of, result.outcome, result.exit_code)
    return end_night(result)


def _mark(night: Night, as_of: date | None, outcome: str, exit_code: int) -> None:
    # An archive ends when it ends: only now is it known of which session the run was.
    name = f"nightly {as_of} {night.source}" if as_of else None
    mark_run(name, tag_night(night.source, is_simulated=night.is_simulated, outcome=outcome, exit_code=exit_code))
