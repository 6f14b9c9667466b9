"""The published warehouse as the list of everything that was there: raw files with their sidecars, runs, restatements.

Its hash is in the run record and in the policy log. So a raw file changed together with its sidecar, or a run record
written anew with its seal, does not agree with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from transforms.errors import PipelineError
from transforms.hash_chain import sha256_hex
from warehouse.checks import CheckResult, run_sql_checks
from warehouse.governance.findings import Finding
from warehouse.home import Home
from warehouse.query import open_published
from warehouse.revisions import REVISION_KEYS

_IDENTITIES = ("mart.daily_hedge_ledger__", "mart.daily_positions__trades", "mart.layer_transitions__")
"""Checks whose numbers must agree with each other, whatever the data: sums to the cent, and states to transitions."""

_RUN_FIELDS = ("outcome", "exit_code", "as_of", "source", "inputs_sha256")
_LISTED_FILES = "select stored_as, sha256, {sidecar} from ops.source_files where stored_as is not null order by 1"
_LISTED_RUNS = f"select run_id, {', '.join(_RUN_FIELDS)} from ops.runs where published_at_utc is not null"  # noqa: S608
_LISTED_REVISIONS = f"select {', '.join(REVISION_KEYS)} from ops.value_revisions"  # noqa: S608 - our own names


@dataclass(frozen=True)
class ManifestReading:
    """What does not agree with the published lists, how many identities were tried, and what could not be compared."""

    findings: tuple[Finding, ...] = ()
    identities: int = 0
    not_looked_at: tuple[str, ...] = ()


def check_manifest(home: Home, records: Mapping[str, Mapping[str, Any]]) -> ManifestReading:
    """Compare raw files and run records with the published warehouse. It has to be the one that was published.

    Parameters
    ----------
    records
        Run records by run, those that can be read.
    """
    missing: list[str] = []
    files: list[tuple[Any, ...]] = []
    runs: list[tuple[Any, ...]] = []
    revisions: list[tuple[Any, ...]] = []
    identities: list[CheckResult] = []
    with open_published(home) as connection:
        sidecar = "sidecar_sha256" if _has_column(connection, "source_files", "sidecar_sha256") else "null"
        if sidecar == "null":
            missing.append("sidecars against the published list, which an earlier version wrote")
        for name, rows, query in (
            ("raw files", files, _LISTED_FILES.format(sidecar=sidecar)),
            ("runs", runs, _LISTED_RUNS),
            ("restatements", revisions, _LISTED_REVISIONS),
        ):
            try:
                rows += connection.execute(query).fetchall()
            except duckdb.Error as error:
                missing.append(f"the published list of {name}, of another version ({_first_line(error)})")
        try:
            identities = run_sql_checks(connection, prefixes=_IDENTITIES)
        except PipelineError as error:
            missing.append(f"the identities, of another version ({_first_line(error.found)})")
    findings = [
        *_compare_files(home, files),
        *_compare_runs(home, runs, records),
        *_compare_revisions(home, revisions, records),
        *(
            Finding("warehouse", result.check_name, "numbers that must agree do not", result.sample, result.what)
            for result in identities
            if not result.is_passed
        ),
    ]
    return ManifestReading(tuple(findings), len(identities), tuple(missing))


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0]


def _has_column(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    query = "select 1 from duckdb_columns() where table_name = ? and column_name = ?"
    return connection.execute(query, [table, column]).fetchone() is not None


def _compare_files(home: Home, files: list[tuple[Any, ...]]) -> Iterator[Finding]:
    for stored_as, sha256, sidecar_sha256 in files:
        path = home.path / stored_as
        sidecar = path.with_name(path.name + ".meta.json")
        if path.with_name(path.name + ".pruned.json").exists() and not sidecar.exists():
            continue  # removed since, by `alvh prune`
        if not path.exists() or not sidecar.exists():
            what, said = "a file that the published warehouse lists is gone", f"SHA-256 {sha256}"
            yield Finding("raw", str(path), what, "no such file", said, lost="a version of the file")
        elif sidecar_sha256 is not None and (actual := sha256_hex(sidecar.read_bytes())) != sidecar_sha256:
            what = "a sidecar is not the one that the published warehouse lists"
            yield Finding("raw", str(sidecar), what, f"SHA-256 {actual}", f"SHA-256 {sidecar_sha256}")


def _compare_runs(
    home: Home, runs: list[tuple[Any, ...]], records: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    for run_id, *listed in runs:
        where, record = str(home.runs / f"{run_id}.json"), records.get(run_id)
        if record is None:
            what, said = "the record of a run that the published warehouse lists is gone", f"the record of run {run_id}"
            yield Finding("runs", where, what, "no record that can be read", said)
            continue
        for name, value in zip(_RUN_FIELDS, listed, strict=True):
            expected = None if value is None else str(value)
            found = None if record.get(name) is None else str(record.get(name))
            # A run that failed once it had published, its report for want of room, is listed as what it had planned.
            planned = (record.get("planned") or {}).get(name) if record.get("published") else None
            if found != expected and (planned is None or str(planned) != expected):
                what = f"a run record says another {name} than the published warehouse"
                yield Finding("runs", where, what, str(found), str(expected))


def _compare_revisions(
    home: Home, revisions: list[tuple[Any, ...]], records: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    listed: dict[str, set[tuple[str, ...]]] = {}
    for run_id, _, *rest in revisions:
        listed.setdefault(run_id, set()).add(tuple(map(str, rest)))
    for run_id, expected in listed.items():
        record = records.get(run_id)
        if record is None:
            continue  # found missing above
        found = {tuple(str(entry.get(key)) for key in REVISION_KEYS[2:]) for entry in record.get("revisions", [])}
        if found != expected:
            where, what = str(home.runs / f"{run_id}.json"), "a run record lists other restatements than were published"
            yield Finding("runs", where, what, f"{len(found)} restatements", f"{len(expected)}, as published")
