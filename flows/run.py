"""A night from lock to record: the order of the steps, and what is written down of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from flows import steps
from flows.console import say, say_progress, say_step, working
from flows.fetch import FetchSummary
from flows.night import Night
from flows.notify import Told, is_notified, notify_step
from flows.steps import Assessment
from transforms.errors import PipelineError
from warehouse.build import Built
from warehouse.checks import CheckResult
from warehouse.hedge_states import PolicyInForce
from warehouse.instants import iso_utc
from warehouse.publish import claim_market, run_lock, sweep_builds
from warehouse.reports import WrittenReport
from warehouse.run_log import RunLog, close_interrupted, describe_published, read_record, read_records, unused_run_id
from warehouse.unchanged import Standing

Result = TypeVar("Result")

TOLD_FAILURES = frozenset({1, 4, 5})
"""Exit codes of a night that did not do its work. A wrong option or a held lock is told to whoever ran it."""


@dataclass(frozen=True)
class NightResult:
    """How a night ended: ``exit_code`` as the command line promises it, and the words for it."""

    exit_code: int
    outcome: str
    sentence: str
    as_of: date | None = None
    report: Path | None = None


@dataclass(frozen=True)
class Steps:
    """The steps a night calls: plain functions here, Prefect tasks in the flow."""

    fetch: Callable[[Night], FetchSummary] = lambda night: steps.fetch_step(night, say_progress)
    land: Callable[[Night, FetchSummary], dict[str, int]] = steps.land_step
    stand: Callable[[Night, str], Standing | None] = steps.stand_step
    build: Callable[[Night, Sequence[PolicyInForce]], Built] = steps.build_step
    check: Callable[[Night], list[CheckResult]] = steps.check_step
    publish: Callable[[Night, Mapping[str, Any]], tuple[Path, str]] = steps.publish_step
    report: Callable[[Night, date, bool, Mapping[str, Any]], WrittenReport] = steps.report_step
    notify: Callable[[Night, Exception | None], Told] = notify_step


def run_night(night: Night, do: Steps | None = None) -> NightResult:
    """Run one night under the home's lock.

    Raises
    ------
    PipelineError
        After the run record says how the night ended. The published warehouse and reports are
        untouched by a night that raises before its publish step; a night whose policy was not
        adopted raises before it fetches.
    """
    command = f"nightly --source {night.source}"
    night.home.prepare()
    with run_lock(night.home, command, night.now):
        claim_market(night.home, night.market)
        _tell_what_was_left(night)
        sweep_builds(night.home)
        night = replace(night, run_id=unused_run_id(night.home, night.run_id))
        log = RunLog(night.home, night.run_id, night.now, command)
        log.note(source=night.source, session=night.session.isoformat(), is_simulated=night.is_simulated)
        do = do or Steps()
        try:
            result = _run(night, log, do)
            log.end()
            return result
        except BaseException as error:
            # Before the record, which may need the room that it takes.
            _drop_build(night)
            _end(night, log, do, error)
            raise
        finally:
            _drop_build(night)


def _tell_what_was_left(night: Night) -> None:
    """Close the records of runs that were killed, and say so; say when the clock is behind the last run."""
    before = list(read_records(night.home))
    closed = close_interrupted(night.home, night.run_id)
    for record in filter(None, (read_record(night.home, run_id) for run_id in closed)):
        ended = "published all the same" if record.get("published") else "what was published before it stands"
        say(f"before   run {record['run_id']} was {record['broken_off']}; {ended}")
    newest = max((str(record.get("started_at_utc") or "") for record in before), default="")
    if newest > iso_utc(night.now):
        say(
            f"warning: clock: it is {iso_utc(night.now)}, before the last run, {newest}. Set it right: "
            "nights take their session from it"
        )


def _drop_build(night: Night) -> None:
    # A disk that takes no removal either: the next run sweeps the folder.
    with suppress(OSError):
        night.build_path.unlink(missing_ok=True)
        night.build_path.with_name(f"{night.build_path.name}.wal").unlink(missing_ok=True)


def _end(night: Night, log: RunLog, do: Steps, error: BaseException) -> None:
    """Put on record how a night failed, and tell of it. What stopped it is raised on, whatever becomes of this."""
    if isinstance(error, PipelineError):
        ended: dict[str, Any] = {"outcome": error.outcome, "exit_code": error.exit_code, "error": error.lines()}
    else:
        ended = {"outcome": "failed", "exit_code": 1, "error": [f"{type(error).__name__}: {error}"]}
    try:
        log.end(**ended)
    except PipelineError as problem:
        say(f"warning: record: it does not say how this run ended: {problem.what}, {problem.found}")
    # Who breaks a night off by hand knows.
    if isinstance(error, Exception) and (not isinstance(error, PipelineError) or error.exit_code in TOLD_FAILURES):
        _tell(night, log, do, error)


def _run(night: Night, log: RunLog, do: Steps) -> NightResult:
    admitted = _timed(log, "policy", lambda: steps.policy_step(night), lambda done: done.sentence)
    log.note(policy_hash=admitted.on(night.session).policy_hash)
    fetched = _timed(log, "fetch", lambda: do.fetch(night), lambda done: done.sentence())
    log.note(fetch=fetched.as_dict())
    _timed(log, "land", lambda: do.land(night, fetched), lambda files: f"{sum(files.values())} files to read")
    build_key = steps.key_step(night, admitted.in_force)
    log.note(build_key=build_key)
    standing = do.stand(night, build_key)
    if standing is not None:
        return _let_stand(night, log, do, standing)
    built = _timed(log, "build", lambda: do.build(night, admitted.in_force), _say_built)
    log.note(rows=built.rows)
    results = _timed(log, "check", lambda: do.check(night), _say_checks)
    log.note(checks=[vars(result) for result in results if not result.is_passed], checks_run=len(results))
    found = steps.assess_step(night, built, log.record, results)
    # An archive may end before the policy that is in force by the clock begins.
    policy_hash = admitted.on(found.newest).policy_hash
    log.note(policy_hash=policy_hash)
    outcome, exit_code = ("degraded", 3) if found.status == "degraded" else ("published", 0)
    sentence = say_outcome(night, built, found, fetched)
    # Written before the swap, so that a run killed after it is known to have published (see
    # `close_interrupted`), and its revisions are not lost.
    planned = {
        "outcome": outcome,
        "exit_code": exit_code,
        "published_at_utc": iso_utc(datetime.now(UTC)),
        "reasons": found.reasons,
        "sentence": sentence,
    }
    log.note(
        inputs=found.inputs,
        inputs_sha256=_hash_inputs(found.inputs),
        revisions=found.compared.revisions,
        new_sessions=found.compared.new_sessions,
        previous_run_id=found.compared.previous_run_id,
        as_of=found.as_of.isoformat(),
        planned=planned,
    )
    if found.upgrade is not None:
        log.note(upgrade=found.upgrade)
    ended = {**log.record, **planned}
    path, sha256 = _timed(log, "publish", lambda: do.publish(night, ended), lambda done: str(done[0]))
    log.note(**planned, published=describe_published(path, sha256))
    log.note(policy_log=steps.record_step(night, found, policy_hash, sha256))
    is_latest = found.as_of == found.newest
    written = _timed(
        log, "report", lambda: do.report(night, found.as_of, is_latest, log.record), lambda done: str(done.html)
    )
    if is_latest:
        _tell(night, log, do, None)
    _prune(night, log)
    return NightResult(exit_code, outcome, sentence, found.as_of, written.html)


def _let_stand(night: Night, log: RunLog, do: Steps, standing: Standing) -> NightResult:
    """End a night whose build would be the published warehouse again."""
    # Not due is not late; a session that is due by now would have another key.
    waits = night.has_clock and night.session > standing.as_of
    parts = [
        "nothing new: no file, policy or code changed",
        f"{night.session} is not published yet" if waits else "",
        f"the warehouse of run {standing.run_id} and its report of {standing.as_of} stand",
        "degraded: " + " ".join(standing.reasons) if standing.reasons else "",
    ]
    sentence = "; ".join(part for part in parts if part)
    if night.is_simulated:
        sentence = f"SIMULATED market: {sentence}"
    exit_code = 3 if standing.reasons else 0
    log.note(
        outcome="nothing_new",
        exit_code=exit_code,
        as_of=standing.as_of.isoformat(),
        stands=standing.run_id,
        reasons=standing.reasons,
        sentence=sentence,
    )
    # What could not be told before is told now.
    _tell(night, log, do, None)
    _prune(night, log)
    return NightResult(exit_code, "nothing_new", sentence, standing.as_of, standing.report)


def _tell(night: Night, log: RunLog, do: Steps, error: Exception | None) -> None:
    """Tell of the night whoever is to be told. Whatever becomes of it, the night ends as it would have."""
    if not is_notified():
        return
    try:
        told = _timed(log, "notify", lambda: do.notify(night, error), lambda done: done.sentence)
        log.note(notice=told.as_dict())
    except Exception as problem:
        # Prefect's server, or the disk. The text may be anything, and is not repeated.
        say(f"warning: notify: nobody was told, {type(problem).__name__}")
        return
    if told.warning:
        say(f"warning: notify: {told.warning}")


def _prune(night: Night, log: RunLog) -> None:
    """Remove what is no longer kept. Whatever becomes of it, the night is published and reported."""
    started = time.monotonic()
    try:
        pruned = steps.prune_step(night)
    except PipelineError as error:
        say(f"warning: prune: {', '.join(part for part in (error.what, error.where, error.found) if part)}")
        return
    if pruned is not None:
        seconds = time.monotonic() - started
        log.step("prune", seconds, pruned.sentence)
        say_step("prune", pruned.sentence, seconds)


def say_outcome(night: Night, built: Built, found: Assessment, fetched: FetchSummary) -> str:
    """Say in a sentence what the night brought."""
    compared = found.compared
    wanted = night.as_of or (night.session if night.has_clock else None)
    waits = wanted is not None and built.last_session is not None and wanted > built.last_session
    late = f"{wanted} is not published yet" if waits else ""
    if compared.previous_run_id is None and not found.damage:
        parts = [f"first warehouse, to {built.last_session}", late]
    else:
        restated = f"{len(compared.revisions)} past value{'s' if len(compared.revisions) != 1 else ''} restated"
        if compared.new_sessions:
            news = f"{len(compared.new_sessions)} new: {', '.join(compared.new_sessions[-3:])}"
        else:
            news = "nothing new: no file changed" if not fetched.new else "no new session"
        parts = [
            news,
            late,
            restated if compared.revisions else "no settlement, level or rate published before has changed",
        ]
    if found.upgrade is not None:
        parts.append(say_upgrade(found.upgrade))
    parts.append(found.damage)
    if found.reasons:
        parts.append("degraded: " + " ".join(found.reasons))
    words = "; ".join(part for part in parts if part)
    return f"SIMULATED market: {words}" if night.is_simulated else words


def say_upgrade(upgrade: Mapping[str, Any]) -> str:
    """Say in a few words what other code changed."""
    values = sum(one["changed"] for one in upgrade["numbers"])
    columns = len(upgrade["numbers"])
    where = f" in {columns} column{'' if columns == 1 else 's'}" if columns else ""
    return f"built by other code than before, {values} earlier values changed{where} (`alvh upgrades`)"


def _timed(log: RunLog, name: str, run: Callable[[], Result], say: Callable[[Result], str]) -> Result:
    log.begin(name)
    started = time.monotonic()
    with working(name):
        result = run()
    seconds = time.monotonic() - started
    log.step(name, seconds, say(result))
    say_step(name, say(result), seconds)
    return result


def _say_built(built: Built) -> str:
    return f"{built.rows['core.daily_vx_settlements']} settlements to {built.last_session}"


def _say_checks(results: list[CheckResult]) -> str:
    failed = [result for result in results if not result.is_passed]
    errors = sum(result.severity == "error" for result in failed)
    return f"{len(results)} checks, {errors} failed, {len(failed) - errors} warnings"


def _hash_inputs(inputs: list[dict[str, str]]) -> str:
    text = "\n".join(f"{entry['publisher']}/{entry['file_name']} {entry['sha256']}" for entry in inputs)
    return hashlib.sha256(text.encode()).hexdigest()
