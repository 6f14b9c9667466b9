"""The steps of a night as plain functions; the Prefect tasks in ``nightly.py`` call them.

Each takes the :class:`~flows.night.Night` and paths or counts of the steps before, works on the home
folder, and returns plain values. None of them knows Prefect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flows.fetch import (
    FetchSummary,
    Progress,
    fetch_night,
    name_early_book,
    raise_if_worth_retrying,
    require_inputs,
)
from flows.night import Night
from flows.policies import AdmittedPolicies, admit_night, put_night_on_record
from flows.settings import HttpSettings, Settings
from flows.site import refresh_site
from flows.sources.archive import ArchiveSource
from flows.sources.base import Source
from flows.sources.http import HttpSource
from flows.sources.keys import api_key
from warehouse.build import Built, build_warehouse, open_build
from warehouse.checks import CheckResult, require_no_errors, run_sql_checks, write_results
from warehouse.hedge_states import PolicyInForce, hash_states
from warehouse.instants import iso_utc
from warehouse.models import load_columns, load_models
from warehouse.prune import Pruned, prune_home
from warehouse.publish import publish_warehouse
from warehouse.query import open_published
from warehouse.raw_store import RawStore, require_whole
from warehouse.report_data import require_session
from warehouse.reports import WrittenReport, assess_health, write_report
from warehouse.revisions import Comparison, compare_with_published
from warehouse.run_log import describe_run, find_whole, inputs_of, write_run_tables
from warehouse.unchanged import Standing, compute_build_key, find_standing
from warehouse.upgrades import compare_code


def policy_step(night: Night) -> AdmittedPolicies:
    """Let the night in by its policy, or refuse it; the first night of a home adopts one."""
    return admit_night(night.home, night.policy_file, night.now, night.session)


def fetch_step(night: Night, progress: Progress | None = None) -> FetchSummary:
    """Fetch what can have changed and store each file at once."""
    key = Settings().fred_api_key
    with _open_source(night, key) as source:
        # In a folder asking costs nothing and needs no key, and a changed past file is worth finding.
        is_free = night.archive is not None
        summary = fetch_night(
            source,
            RawStore(night.home),
            night.session,
            ask_everything=is_free or night.ask_everything,
            with_vintages=is_free or api_key(key) is not None,
            home=night.home.path,
            progress=progress,
        )
    summary.failures += name_early_book(RawStore(night.home), night.now.astimezone(UTC).date())
    raise_if_worth_retrying(summary)
    return summary


def land_step(night: Night, fetched: FetchSummary) -> dict[str, int]:
    """Judge the stored files: stop here when something required is missing. Return files by format."""
    store = RawStore(night.home)
    require_inputs(store, fetched)
    require_whole(store.files_to_read())
    counts: dict[str, int] = {}
    for file in store.current_files():
        counts[file.dataset] = counts.get(file.dataset, 0) + 1
    return counts


def key_step(night: Night, policies: Sequence[PolicyInForce]) -> str:
    """Return the key of everything that the night's build would read."""
    return compute_build_key(
        night.home,
        policies,
        today=night.now.astimezone(UTC).date(),
        due_session=night.due_session,
        is_simulated=night.is_simulated,
    )


def stand_step(night: Night, build_key: str) -> Standing | None:
    """Return the published night, where building would only repeat it."""
    return None if night.rebuild else find_standing(night.home, build_key, night.as_of)


def build_step(night: Night, policies: Sequence[PolicyInForce]) -> Built:
    """Build the next warehouse beside the published one, each session decided by the policy in force on it."""
    return build_warehouse(
        night.home,
        night.build_path,
        run_id=night.run_id,
        today=night.now.astimezone(UTC).date(),
        due_session=night.due_session,
        is_simulated=night.is_simulated,
        policies=policies,
    )


def check_step(night: Night) -> list[CheckResult]:
    """Run both kinds of checks on the build and write their results into it."""
    from warehouse.expectations import run_expectations

    with open_build(night.build_path) as connection:
        results = run_sql_checks(connection)
        results += run_expectations(connection, load_models(), load_columns(), night.due_session)
        write_results(connection, night.run_id, results)
    return results


@dataclass(frozen=True)
class Assessment:
    """A checked build before it is published: what changed, what went in, and how healthy it is.

    ``as_of`` is the session that is reported; ``newest`` the newest one, whose states have the hash
    ``states_sha256``; ``upgrade`` is what other code than that of the published warehouse changed, or None.
    ``damage`` says in words that the published warehouse was not what its run had published, and what the build was
    compared with instead; empty where it was.
    """

    as_of: date
    newest: date
    states_sha256: str
    compared: Comparison
    upgrade: dict[str, Any] | None
    inputs: list[dict[str, str]]
    status: str
    reasons: list[str]
    damage: str = ""


def assess_step(night: Night, built: Built, record: Mapping[str, Any], results: list[CheckResult]) -> Assessment:
    """Refuse a build that failed a check; otherwise say what it brings.

    Raises
    ------
    ChecksFailedError
        If a check of severity ``error`` found offending rows.
    UsageError
        If the session asked for is not in the data and lies before the newest one.
    """
    require_no_errors(results)
    assert built.last_session is not None
    with open_build(night.build_path) as connection:
        whole = find_whole(night.home)
        compared = compare_with_published(connection, whole, night.run_id, iso_utc(night.now))
        upgrade = compare_code(connection, whole) if whole is not None else None
        write_run_tables(connection, night.home, record, compared.revisions)
        as_of = built.last_session
        if night.as_of is not None and night.as_of < as_of:
            require_session(connection, night.as_of)
            as_of = night.as_of
        failures = record["fetch"]["failures"]
        status, reasons = assess_health(connection, as_of, describe_run(record), failures)
        states = hash_states(connection, built.last_session)
        inputs, damage = inputs_of(connection), _say_damage(night.home.published, whole, compared)
        return Assessment(as_of, built.last_session, states, compared, upgrade, inputs, status, reasons, damage)


def _say_damage(published: Path, whole: Path | None, compared: Comparison) -> str:
    if whole == published or not published.exists():
        return ""
    instead = f"compared with that of run {compared.previous_run_id}" if whole else "compared with none, none is whole"
    return f"the warehouse published before is damaged, {instead}; look at the disk"


def publish_step(night: Night, record: Mapping[str, Any]) -> tuple[Path, str]:
    """Finish the build's run tables and swap it in."""
    with open_build(night.build_path) as connection:
        write_run_tables(connection, night.home, record, record["revisions"])
    return publish_warehouse(night.home, night.build_path, night.keep_published)


def record_step(night: Night, found: Assessment, policy_hash: str, warehouse_sha256: str) -> dict[str, Any]:
    """Put the published night into the policy log. Return the log's head."""
    return put_night_on_record(
        night.home,
        session=found.newest,
        run_id=night.run_id,
        policy_hash=policy_hash,
        states_sha256=found.states_sha256,
        warehouse_sha256=warehouse_sha256,
        now=night.now,
    )


def report_step(night: Night, as_of: date, is_latest: bool, record: Mapping[str, Any]) -> WrittenReport:
    """Write the report of a session from the published file, and the pages around it."""
    with open_published(night.home) as connection:
        written = write_report(
            connection,
            night.home,
            as_of,
            describe_run(record),
            failures=record["fetch"]["failures"],
            is_latest=is_latest,
        )
    refresh_site(night.home, [as_of])
    return written


def prune_step(night: Night) -> Pruned | None:
    """Remove what the home's settings no longer keep. Return None where nothing was removed."""
    if night.retention is None:
        return None
    pruned = prune_home(night.home, replace(night.retention, published=night.keep_published), night.now)
    if pruned.is_listed:
        refresh_site(night.home)
    return pruned if pruned.plan.removals else None


@contextmanager
def _open_source(night: Night, key: SecretStr | None) -> Iterator[Source]:
    # Only the source named cboe ever opens a connection.
    if night.source == "cboe":
        with HttpSource(HttpSettings(), fred_api_key=key) as source:
            yield source
        return
    assert night.archive is not None
    if night.source == "sample":
        from flows.sample import advance_sample  # the simulation's numerics, where they are used

        advance_sample(night.archive, night.session)
    yield ArchiveSource(night.archive)
