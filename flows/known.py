"""A warehouse of what was known at an instant, built beside the published one and kept to be asked again.

It is built by the code and the reference data of today from the raw files, the policy log, the stored calibrations and
the book of then. Where the run that had published last by then still stood, it is built as of that run's evening, so
that it holds what that run published.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import duckdb

from flows.policies import adopted_policies
from flows.sources.choice import REAL_MARKET
from transforms import calendar
from transforms.errors import ChecksFailedError
from warehouse.build import build_warehouse, open_build
from warehouse.checks import CheckResult, require_no_errors, run_sql_checks, write_results
from warehouse.governance.log import PolicyFolder, read_log, require_unbroken
from warehouse.governance.store import replay_sound
from warehouse.hedge_states import PolicyInForce
from warehouse.home import Home
from warehouse.instants import iso_utc
from warehouse.known import BEING_BUILT, FOLDER, Layout, lay_out
from warehouse.models import load_columns, load_models
from warehouse.plain_json import load_json
from warehouse.publish import hash_file
from warehouse.query import open_published
from warehouse.raw_store import RawStore, require_whole
from warehouse.report_data import latest_session, require_session
from warehouse.reports import WrittenReport, write_report
from warehouse.run_log import describe_run, write_run_tables
from warehouse.unchanged import compute_build_key

NO_RUN = "none"
Check = Callable[[duckdb.DuckDBPyConnection, str, date | None], list[CheckResult]]


@dataclass(frozen=True)
class KnownWarehouse:
    """What was known at an instant.

    Attributes
    ----------
    home
        Home whose published warehouse it is.
    known_at_utc
        The instant.
    run
        What its reports say of the run behind it: that which had published last by then.
    failures
        What that run could not fetch.
    is_as_published
        True where nothing was fetched between that run and the instant.
    fetched_since
        How many files were.
    """

    home: Home
    known_at_utc: str
    run: dict[str, Any]
    failures: list[dict[str, Any]]
    fetched_since: int

    @property
    def sentence(self) -> str:
        """Say what it is."""
        by = f"the warehouse of run {self.run['run_id']}" if self.run["run_id"] != NO_RUN else "no warehouse"
        since = (
            f"; {self.fetched_since} file{'' if self.fetched_since == 1 else 's'} fetched after it are in here, too"
            if self.fetched_since
            else ""
        )
        return f"As known at {self.known_at_utc}: {by} was the newest then{since}. Built again by the code of today."


def check_fully(connection: duckdb.DuckDBPyConnection, run_id: str, due: date | None) -> list[CheckResult]:
    """Run the checks of a night on a build."""
    from warehouse.expectations import run_expectations

    return run_sql_checks(connection) + run_expectations(connection, load_models(), load_columns(), due)


def build_known(home: Home, known_at: datetime, check: Check = check_fully) -> KnownWarehouse:
    """Build what a home knew at an instant, or take the build that was kept of it.

    Raises
    ------
    UsageError
        If nothing was known by then, or what was known was removed since.
    ChecksFailedError
        If the policy log is not as it was written, a raw file is damaged, or a check finds an error.
    """
    with _building(home) as folder:
        layout = lay_out(home, known_at, folder)
        policies = policies_known_at(home, known_at)
        is_simulated = _is_simulated(layout)
        evening = _evening_of(layout, known_at)
        due = calendar.latest_due_session(evening) if _has_clock(layout) else None
        today = evening.astimezone(UTC).date()
        require_whole(RawStore(layout.home).files_to_read())
        key = compute_build_key(layout.home, policies, today=today, due_session=due, is_simulated=is_simulated)
        record = layout.record or _no_record(known_at, is_simulated)
        kept = Home(home.path / FOLDER / f"{_stamp(known_at)}-{key[:12]}")
        if not kept.published.exists():
            path = layout.home.published
            build_warehouse(
                layout.home,
                path,
                run_id=record["run_id"],
                today=today,
                due_session=due,
                is_simulated=is_simulated,
                policies=policies,
            )
            _check(layout, path, record, due, check)
            _keep(layout, kept)
        else:
            os.utime(kept.path)
    failures = list((record.get("fetch") or {}).get("failures", []))
    run = {**describe_run(record), "warehouse_sha256": hash_file(kept.published), "known_at_utc": iso_utc(known_at)}
    return KnownWarehouse(kept, iso_utc(known_at), run, failures, len(layout.fetched_since))


def write_known_report(
    known: KnownWarehouse, home: Home, as_of: date | None, output: Path | None
) -> tuple[date, WrittenReport]:
    """Write the report of a session as it was known, apart from the ordinary ones. Return the session too.

    Parameters
    ----------
    as_of
        The session; the newest one known then when not given.
    output
        Folder to write; ``reports/<session>-known-at-<instant>`` of the home when not given.

    Raises
    ------
    UsageError
        If that session was not known then.
    """
    with open_published(known.home) as connection:
        day = as_of or latest_session(connection)
        require_session(connection, day)
        stamp = _stamp(datetime.fromisoformat(known.known_at_utc))
        folder = output or home.reports / f"{day}-known-at-{stamp}"
        run = {**known.run, "known_sentence": known.sentence}
        return day, write_report(connection, home, day, run, failures=known.failures, folder=folder)


def policies_known_at(home: Home, known_at: datetime) -> tuple[PolicyInForce, ...]:
    """Return the policies that were adopted by an instant, with their first sessions."""
    folder = PolicyFolder.of(home)
    reading = read_log(folder)
    if not reading.is_there:
        return ()  # before policies were signed
    require_unbroken(folder, reading)
    until = iso_utc(known_at)
    entries = tuple(takewhile(lambda entry: str(entry["at_utc"]) <= until, reading.entries))
    return adopted_policies(home, replay_sound(folder, replace(reading, entries=entries)))


def _check(layout: Layout, path: Path, record: dict[str, Any], due: date | None, check: Check) -> None:
    with open_build(path) as connection:
        results = check(connection, record["run_id"], due)
        write_results(connection, record["run_id"], results)
        write_run_tables(connection, layout.home, record, record.get("revisions", []))
        connection.execute("checkpoint")
    try:
        require_no_errors(results)
    except ChecksFailedError as error:
        error.what = "what was known then does not pass the checks of today, and is not shown"
        error.next_step = "choose another instant: a night that published passed them, and its record says when"
        raise


def _keep(layout: Layout, kept: Home) -> None:
    """Keep the warehouse alone: what it was built from is in the home."""
    for path in layout.home.path.iterdir():
        if path != layout.home.published:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    kept.path.parent.mkdir(mode=0o700, exist_ok=True)
    layout.home.path.replace(kept.path)


@contextmanager
def _building(home: Home) -> Iterator[Path]:
    parent = home.path / FOLDER
    parent.mkdir(mode=0o700, exist_ok=True)
    folder = parent / f"{BEING_BUILT}{uuid.uuid4().hex}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stamp(known_at: datetime) -> str:
    return known_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _evening_of(layout: Layout, known_at: datetime) -> datetime:
    """Return the instant that decides what was due: the run's own, where nothing was fetched after it."""
    if layout.record is not None and not layout.fetched_since:
        return datetime.fromisoformat(str(layout.record["started_at_utc"]))
    return known_at


def _has_clock(layout: Layout) -> bool:
    return layout.record is not None and layout.record.get("source") == "cboe"


def _is_simulated(layout: Layout) -> bool:
    if layout.record is not None:
        return bool(layout.record.get("is_simulated"))
    try:
        market = load_json((layout.home.path / "market.json").read_bytes())["market"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return str(market) != REAL_MARKET


def _no_record(known_at: datetime, is_simulated: bool) -> dict[str, Any]:
    return {
        "run_id": NO_RUN,
        "started_at_utc": iso_utc(known_at),
        "outcome": "not_published",
        "versions": {},
        "is_simulated": is_simulated,
    }
