"""The steps of a night as plain functions: what the Prefect tasks in ``nightly.py`` call.

Each step takes the :class:`Night` and paths or counts of the steps before, works on the home
folder, and returns plain values. None of them knows Prefect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.fetch import FetchSummary, Progress, fetch_night, raise_if_worth_retrying, require_inputs
from flows.settings import HttpSettings, Settings
from flows.sources.archive import ArchiveSource
from flows.sources.base import Source
from flows.sources.choice import choose_source
from flows.sources.http import HttpSource
from transforms import calendar
from transforms.errors import UsageError
from warehouse.build import Built, build_warehouse
from warehouse.checks import CheckResult, require_no_errors, run_sql_checks, write_results
from warehouse.home import Home
from warehouse.instants import iso_utc
from warehouse.models import load_columns, load_models
from warehouse.publish import publish_warehouse
from warehouse.query import open_published
from warehouse.raw_store import RawStore
from warehouse.report_data import latest_session
from warehouse.reports import WrittenReport, write_report
from warehouse.revisions import Comparison, compare_with_published
from warehouse.run_log import describe_run, inputs_of, write_run_tables


@dataclass(frozen=True)
class Night:
    """What one night works on. ``now`` is the only clock that any step sees."""

    home: Home
    run_id: str
    now: datetime
    source: str
    archive: Path | None
    as_of: date | None
    keep_published: int
    ask_everything: bool = False

    @property
    def build_path(self) -> Path:
        """File the night builds."""
        return self.home.build / f"{self.run_id}.duckdb"

    @property
    def has_clock(self) -> bool:
        """True where sessions are due by the clock; an archive ends when it ends."""
        return self.source == "cboe"

    @property
    def due_session(self) -> date | None:
        """Session that must be there by now."""
        return calendar.latest_due_session(self.now) if self.has_clock else None

    @property
    def session(self) -> date:
        """Newest session whose settlements can be out."""
        return self.as_of or calendar.latest_closed_session(self.now)


def resolve_night(settings: Settings, *, run_id: str, now: datetime, as_of: date | None, ask_everything: bool) -> Night:
    """Turn settings and options into a night.

    Raises
    ------
    UsageError
        If the source is unknown, its folder is missing, or ``as_of`` is in the future.
    """
    source = choose_source(settings.source, settings.archive)
    today = now.astimezone(calendar.NEW_YORK).date()
    if as_of is not None and as_of > today:
        raise UsageError("--as-of is in the future", found=str(as_of), expected=f"{today} or earlier")
    return Night(
        home=Home(settings.home.expanduser().resolve()),
        run_id=run_id,
        now=now,
        source=source,
        archive=settings.archive,
        as_of=as_of,
        keep_published=settings.keep_published,
        ask_everything=ask_everything,
    )


def reason_to_stay_idle(night: Night, *, on_sessions_only: bool, only_if_missing: bool) -> str | None:
    """Return why a scheduled run has nothing to do, or None."""
    today = night.now.astimezone(calendar.NEW_YORK).date()
    if on_sessions_only and not calendar.sessions("XCBF", today, today):
        return f"nothing new: {today} is not a session of VIX futures"
    if only_if_missing and night.home.published.exists():
        with open_published(night.home) as connection:
            newest = latest_session(connection)
        if newest >= night.session:
            return f"nothing new: {newest} is published"
    return None


def fetch_step(night: Night, progress: Progress | None = None) -> FetchSummary:
    """Fetch what can have changed and store each file at once."""
    with _open_source(night) as source:
        is_free = night.source == "archive"
        summary = fetch_night(
            source,
            RawStore(night.home),
            night.session,
            ask_everything=is_free or night.ask_everything,
            progress=progress,
        )
    raise_if_worth_retrying(summary)
    return summary


def land_step(night: Night, fetched: FetchSummary) -> dict[str, int]:
    """Judge the stored files: stop here when something required is missing. Return files by format."""
    store = RawStore(night.home)
    require_inputs(store, fetched)
    counts: dict[str, int] = {}
    for file in store.current_files():
        counts[file.dataset] = counts.get(file.dataset, 0) + 1
    return counts


def build_step(night: Night) -> Built:
    """Build the next warehouse beside the published one."""
    return build_warehouse(
        night.home,
        night.build_path,
        run_id=night.run_id,
        today=night.now.astimezone(UTC).date(),
        due_session=night.due_session,
    )


def check_step(night: Night) -> list[CheckResult]:
    """Run both kinds of checks on the build and write their results into it."""
    from warehouse.expectations import run_expectations

    with duckdb.connect(str(night.build_path)) as connection:
        results = run_sql_checks(connection)
        results += run_expectations(connection, load_models(), load_columns(), night.due_session)
        write_results(connection, night.run_id, results)
    return results


def compare_step(night: Night) -> tuple[Comparison, list[dict[str, str]]]:
    """Compare the build with what is published. Return the comparison and the build's inputs."""
    with duckdb.connect(str(night.build_path)) as connection:
        detected_at = iso_utc(night.now)
        found = compare_with_published(connection, night.home.published, night.run_id, detected_at)
        return found, inputs_of(connection)


def publish_step(night: Night, record: dict[str, Any], results: list[CheckResult]) -> tuple[Path, str]:
    """Refuse the build if a check failed; otherwise finish its run tables and swap it in."""
    require_no_errors(results)
    with duckdb.connect(str(night.build_path)) as connection:
        write_run_tables(connection, night.home, record, record["revisions"])
    return publish_warehouse(night.home, night.build_path, night.keep_published)


def report_step(night: Night, built: Built, record: dict[str, Any]) -> WrittenReport:
    """Write the report of the night's session from the published file."""
    run = describe_run(record)
    with duckdb.connect(str(night.home.published), read_only=True) as connection:
        as_of = night.as_of or built.last_session
        assert as_of is not None
        return write_report(
            connection,
            night.home,
            as_of,
            run,
            failures=record["fetch"]["failures"],
            expected_session=night.due_session,
            is_latest=as_of == built.last_session,
        )


def hash_inputs(inputs: list[dict[str, str]]) -> str:
    """Return one hash over all input files: equal hashes and code give equal values."""
    text = "\n".join(f"{entry['publisher']}/{entry['file_name']} {entry['sha256']}" for entry in inputs)
    return hashlib.sha256(text.encode()).hexdigest()


def say_outcome(
    night: Night,
    compared: Comparison,
    written: WrittenReport,
    fetched: FetchSummary,
    last_session: date | None,
) -> str:
    """Say in a sentence what the night brought."""
    if compared.previous_run_id is None:
        news = f"first warehouse, to {last_session}"
    elif compared.new_sessions:
        news = f"{len(compared.new_sessions)} new: {', '.join(compared.new_sessions[-3:])}"
    else:
        waited = night.has_clock and last_session is not None and last_session < night.session
        why = f", {night.session} is not published yet" if waited else ""
        news = f"nothing new{why}: no file changed" if not fetched.new else f"no new session{why}"
    restated = f"{len(compared.revisions)} past value{'s' if len(compared.revisions) != 1 else ''} restated"
    values = restated if compared.revisions else "every value published before is unchanged"
    parts = [news] if compared.previous_run_id is None else [news, values]
    if written.reasons:
        parts.append("degraded: " + " ".join(written.reasons))
    return "; ".join(parts)


@contextmanager
def _open_source(night: Night) -> Iterator[Source]:
    if night.source == "archive":
        assert night.archive is not None
        yield ArchiveSource(night.archive)
        return
    with HttpSource(HttpSettings()) as source:
        yield source
