"""The nightly flow: fetch, land, build, check, publish, report, each a named Prefect task."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.tasks import Task

from flows import night as steps
from flows.console import say_progress, say_step
from flows.fetch import FetchSummary
from flows.night import Night
from flows.settings import Settings
from transforms.errors import PipelineError, TransientSourceError
from warehouse.build import Built
from warehouse.checks import CheckResult
from warehouse.instants import iso_utc
from warehouse.publish import run_lock, sweep_builds
from warehouse.reports import WrittenReport
from warehouse.run_log import RunLog, close_interrupted, run_id_of

Result = TypeVar("Result")


@dataclass(frozen=True)
class NightResult:
    """How a night ended: ``exit_code`` as the command line promises it, and the words for it."""

    exit_code: int
    outcome: str
    sentence: str
    as_of: date | None = None
    report: Path | None = None


def _is_transient(task_: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    try:
        state.result()
    except TransientSourceError:
        return True
    except Exception:
        return False
    return False


@task(
    name="fetch",
    task_run_name="fetch-{night.session}",
    # how often and after what wait: Settings, applied where the task is called
    retry_condition_fn=_is_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def fetch(night: Night) -> FetchSummary:
    """Ask the source for what can have changed; everything fetched is stored at once."""
    summary = steps.fetch_step(night, say_progress)
    create_table_artifact(table=[{"files": k, "count": v} for k, v in _counts(summary).items()], key="fetch")
    return summary


@task(name="land", task_run_name="land-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def land(night: Night, fetched: FetchSummary) -> dict[str, int]:
    """Judge the stored files."""
    return steps.land_step(night, fetched)


@task(name="build", task_run_name="build-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def build(night: Night) -> Built:
    """Build the next warehouse beside the published one."""
    return steps.build_step(night)


@task(name="check", task_run_name="check-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def check(night: Night) -> list[CheckResult]:
    """Run SQL checks and expectations on the build."""
    results = steps.check_step(night)
    failed = [result for result in results if not result.is_passed]
    rows = [
        {"check": r.check_name, "severity": r.severity, "rows": r.offending_rows, "first": r.sample} for r in failed
    ]
    create_table_artifact(table=rows, key="checks", description=f"{len(results)} checks, {len(failed)} failed")
    return results


@task(name="publish", task_run_name="publish-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def publish(night: Night, log: RunLog, results: list[CheckResult]) -> tuple[Path, str]:
    """Swap the build in, unless a check of severity error failed."""
    return steps.publish_step(night, log.record, results)


@task(name="report", task_run_name="report-{night.run_id}", cache_policy=NO_CACHE, persist_result=False)
def report(night: Night, built: Built, log: RunLog) -> WrittenReport:
    """Write the report of the session."""
    written = steps.report_step(night, built, log.record)
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

    Raises
    ------
    PipelineError
        After the run record says how it ended. The published warehouse and reports are untouched
        by a run that raises.
    """
    given = {"source": source, "archive": archive, "home": home}
    settings = Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    now = datetime.now(UTC)
    night = steps.resolve_night(
        settings, run_id=run_id or run_id_of(now), now=now, as_of=as_of, ask_everything=ask_everything
    )
    idle = steps.reason_to_stay_idle(night, on_sessions_only=on_sessions_only, only_if_missing=only_if_missing)
    if idle is not None:
        return NightResult(0, "nothing_new", idle)
    night.home.prepare()
    with run_lock(night.home, f"nightly --source {night.source}", now):
        close_interrupted(night.home, night.run_id)
        sweep_builds(night.home)
        log = RunLog(night.home, night.run_id, now, f"nightly --source {night.source}")
        log.note(source=night.source, session=night.session.isoformat(), is_simulated=False)
        try:
            return _run(night, log, settings)
        except PipelineError as error:
            log.note(outcome=type(error).__name__, exit_code=error.exit_code, error=error.lines())
            raise
        except BaseException as error:
            log.note(outcome=type(error).__name__, exit_code=1, error=[str(error)])
            raise
        finally:
            night.build_path.unlink(missing_ok=True)


def _run(night: Night, log: RunLog, settings: Settings) -> NightResult:
    retried = fetch.with_options(retries=settings.fetch_retries, retry_delay_seconds=settings.fetch_retry_seconds)
    fetched = _timed(log, "fetch", lambda: retried(night), lambda done: done.sentence())
    log.note(fetch=fetched.as_dict())
    _timed(log, "land", lambda: land(night, fetched), lambda files: f"{sum(files.values())} files to read")
    built = _timed(
        log,
        "build",
        lambda: build(night),
        lambda done: f"{done.rows['core.daily_vx_settlements']} settlements to {done.last_session}",
    )
    log.note(rows=built.rows)
    results = _timed(log, "check", lambda: check(night), _say_checks)
    log.note(checks=[vars(result) for result in results if not result.is_passed], checks_run=len(results))
    compared, inputs = steps.compare_step(night)
    log.note(
        inputs=inputs,
        inputs_sha256=steps.hash_inputs(inputs),
        revisions=compared.revisions,
        new_sessions=compared.new_sessions,
        previous_run_id=compared.previous_run_id,
        as_of=str(night.as_of or built.last_session),
        published_at_utc=iso_utc(datetime.now(UTC)),
        outcome="published",
        exit_code=0,
    )
    path, sha256 = _timed(log, "publish", lambda: publish(night, log, results), lambda done: str(done[0]))
    log.note(published={"file": path.name, "bytes": path.stat().st_size, "sha256": sha256})
    written = _timed(log, "report", lambda: report(night, built, log), lambda done: str(done.html))
    outcome, exit_code = ("degraded", 3) if written.status == "degraded" else ("published", 0)
    sentence = steps.say_outcome(night, compared, written, fetched, built.last_session)
    log.note(outcome=outcome, exit_code=exit_code, reasons=written.reasons, sentence=sentence)
    return NightResult(exit_code, outcome, sentence, night.as_of or built.last_session, written.html)


def _timed(log: RunLog, name: str, run: Callable[[], Result], say: Callable[[Result], str]) -> Result:
    started = time.monotonic()
    result = run()
    seconds = time.monotonic() - started
    log.step(name, seconds, say(result))
    say_step(name, say(result), seconds)
    return result


def _say_checks(results: list[CheckResult]) -> str:
    failed = [result for result in results if not result.is_passed]
    errors = sum(result.severity == "error" for result in failed)
    return f"{len(results)} checks, {errors} failed, {len(failed) - errors} warnings"


def _counts(summary: FetchSummary) -> dict[str, int]:
    names = ("asked", "new", "unchanged", "absent", "complete")
    return {name: getattr(summary, name) for name in names} | {"failed": len(summary.failures)}
