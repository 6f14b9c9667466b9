"""What Prefect's pages show of a run: names, tags, states, and what is on display under stable names.

Contents are made by plain functions from what a step left behind. Showing them costs a call to the server each
(about 30 ms), and never fails a run: who watches sees less, the night is the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from flows.notify import locate_report
from flows.settings import Settings
from flows.sources.choice import choose_source
from transforms import calendar
from transforms.errors import PipelineError
from warehouse.checks import CheckResult
from warehouse.home import Home

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from flows.run import NightResult

REPORT, CHECKS, SOURCES, FETCHED, PAGE = (f"alvh-{name}" for name in ("report", "checks", "sources", "fetch", "page"))
"""Keys of what a night shows. Prefect keeps the versions of a key, so they never change."""

_SECONDS_BETWEEN_PROGRESS = 2.0
_STATES = {"published": "Published", "degraded": "Degraded", "nothing_new": "Nothing new"}
_WEIGHT = {"error": 0, "warn": 1}


def name_nightly(parameters: Mapping[str, Any], now: datetime) -> str:
    """Name a run by the session it is due for and its source: ``nightly 2026-11-20 sample``."""
    settings = Settings()
    archive = parameters.get("archive") or settings.archive
    try:
        source = choose_source(parameters.get("source") or settings.source, Path(archive) if archive else None)
    except PipelineError:
        source = "of no source"  # the run says why
    return f"nightly {parameters.get('as_of') or calendar.latest_closed_session(now)} {source}"


def tag_night(source: str, *, is_simulated: bool, outcome: str, exit_code: int) -> list[str]:
    """Return the tags of a night that has ended."""
    market = "simulated" if is_simulated else "real"
    return ["alvh", source, market, outcome.replace("_", "-"), f"exit-{exit_code}"]


def end_night(result: NightResult) -> NightResult:
    """Return the state a night ends in: the name says how, the message is its sentence.

    A degraded night is completed, because it was published, and has a name of its own. Prefect takes a state that a
    flow returns as its last one, and hands the caller what is in it: hence the type.
    """
    from prefect.states import Completed

    name = _STATES.get(result.outcome, result.outcome.replace("_", " ").capitalize())
    state: State[NightResult] = Completed(name=name, message=result.sentence, data=result)
    return cast("NightResult", state)


def head_of_report(markdown: str, link: str) -> str:
    """Return the top of a report's text, up to the details of the layers, and where the rest is."""
    lines: list[str] = []
    sections = 0
    for line in markdown.splitlines():
        sections += line.startswith("## ")
        if line.startswith("### ") or sections > 1:
            break
        lines.append(line)
    whole = f"[The whole report]({link})" if link.startswith("http") else f"The whole report: `{link}`"
    return "\n".join([*lines, whole, ""])


def check_rows(results: Iterable[CheckResult]) -> list[dict[str, Any]]:
    """Return a row for each check, those that failed first, errors before warnings."""
    ordered = sorted(results, key=lambda one: (one.is_passed, _WEIGHT.get(one.severity, 2), one.check_name))
    return [
        {
            "result": "passed" if one.is_passed else "FAILED",
            "severity": one.severity,
            "rows": one.offending_rows,
            "check": one.check_name,
            "what": one.what,
        }
        for one in ordered
    ]


def source_rows(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each source of a report's JSON, those that are not well first."""
    fields = {
        "source": "label",
        "publisher": "publisher",
        "status": "status",
        "needed": "requirement",
        "newest": "newest_reference_date",
        "sessions behind": "age_sessions",
        "note": "note",
    }
    rows = sorted(state["data_health"]["sources"], key=lambda one: one["status"] == "ok")
    # Prefect's tables have no word for what is missing
    return [{shown: "" if one[name] is None else one[name] for shown, name in fields.items()} for one in rows]


def show_fetch(counts: Mapping[str, int]) -> None:
    """Show what a fetch brought."""
    from prefect.artifacts import create_table_artifact

    rows = [{"files": name, "count": count} for name, count in counts.items()]
    show(lambda: create_table_artifact(table=rows, key=FETCHED, description="Files asked for, and what came of it"))


def show_checks(results: Sequence[CheckResult]) -> None:
    """Show the checks of a build."""
    from prefect.artifacts import create_table_artifact

    failed = sum(not one.is_passed for one in results)
    words = f"{len(results)} checks, {failed} failed"
    show(lambda: create_table_artifact(table=check_rows(results), key=CHECKS, description=words))


def show_report(home: Home, session: date, page: Path, headline: str) -> None:
    """Show the top of a report, the state of its sources, and a link where it is served."""
    from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

    link = locate_report(home, session)
    markdown = page.with_suffix(".md").read_text(encoding="utf-8")
    state = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    health = state["data_health"]
    words = " ".join([f"Data {health['status']}.", *health["reasons"]])
    show(lambda: create_markdown_artifact(markdown=head_of_report(markdown, link), key=REPORT, description=headline))
    show(lambda: create_table_artifact(table=source_rows(state), key=SOURCES, description=words))
    if link.startswith("http"):
        show(
            lambda: create_link_artifact(link=link, link_text=f"Hedge state {session}", key=PAGE, description=headline)
        )


def mark_run(name: str | None, tags: Sequence[str]) -> None:
    """Give the run that is going on its last name and its tags, beside those of its deployment."""
    from prefect.client.orchestration import get_client
    from prefect.runtime import flow_run

    def mark() -> None:
        run_id = flow_run.get_id()
        if run_id is None:
            return
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(run_id), name=name, tags=list(dict.fromkeys([*flow_run.get_tags(), *tags])))

    show(mark)


def show(call: Callable[[], object]) -> None:
    """Do what only those see who watch; where the server does not take it, its log says so."""
    try:
        call()
    except Exception as error:
        from prefect import get_run_logger

        get_run_logger().warning("not shown: %s: %s", type(error).__name__, error)


class ProgressBar:
    """How far a long run is, on display while it goes on; told to the server every few seconds at most.

    Parameters
    ----------
    key, description
        What it is shown as.
    planned
        Parts until it is done.
    """

    def __init__(self, key: str, description: str, planned: int) -> None:
        from prefect.artifacts import create_progress_artifact

        self._planned, self._done, self._told = planned, 0, time.monotonic()
        self._id: UUID | None = None

        def create() -> None:
            # declared for callers with an event loop as well
            self._id = cast("UUID", create_progress_artifact(progress=0.0, key=key, description=description))

        show(create)

    def count(self) -> None:
        """Count a part."""
        from prefect.artifacts import update_progress_artifact

        self._done += 1
        now, found = time.monotonic(), self._id
        is_due = now - self._told >= _SECONDS_BETWEEN_PROGRESS or self._done >= self._planned
        if found is None or not is_due:
            return
        self._told = now
        percent = 100.0 * self._done / max(self._planned, 1)
        show(lambda: update_progress_artifact(artifact_id=found, progress=percent))
