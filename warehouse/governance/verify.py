"""Is everything in this home as it was written? Reads only, and says of each finding where, found, expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import ChecksFailedError, PipelineError, UsageError
from transforms.hash_chain import ChainProblem
from warehouse.governance.findings import Finding, VerifyReport
from warehouse.governance.log import LogReading, PolicyFolder, read_log
from warehouse.governance.manifest import ManifestReading, check_manifest
from warehouse.governance.raw_files import RawReading, check_raw_files
from warehouse.governance.register import POLICY, NightEntry, Register, replay
from warehouse.governance.report_files import ReportReading, check_reports
from warehouse.governance.signers import parse_signers
from warehouse.governance.store import RECORD_KEY, read_version, trace_of_a_log
from warehouse.governance.stored_files import PublishedReading, check_inputs, check_published
from warehouse.home import Home
from warehouse.query import open_published
from warehouse.reports import SUMS
from warehouse.seals import SEAL, find_damage
from warehouse.stored_calibrations import check_stored_calibrations

_REAL = "real"
"""As `flows.sources.choice` names the market that is none of the simulated ones."""

_RUN_LOST = "what went into that run, what it changed, how it ended"
_WORDS = {
    "edited": "an entry was edited",
    "missing": "entries are missing",
    "moved": "an entry stands in another place",
    "repeated": "an entry is there twice",
    "cut": "the log has lost its end",
    "rewritten": "the log is not the one that head.json notes",
}


def verify_home(
    home: Home,
    *,
    hash_policy: Callable[[bytes], str] | None = None,
    trusted_heads: Sequence[str] = (),
) -> VerifyReport:
    """Re-hash the raw files, the warehouse and the stored calibrations, and check the log and the run records.

    Parameters
    ----------
    hash_policy
        Computes the hash of a policy's text; with it, ``policy.toml`` and the kept policies are compared
        with what was adopted. Without it, the kept policies are compared byte by byte.
    trusted_heads
        Hashes of log entries that somebody noted elsewhere: each must be in the log.

    Returns
    -------
    VerifyReport
        Findings in the order raw, warehouse, log, policy, runs, calibrations, reports. What was looked at is counted,
        what was not is named.
    """
    folder = PolicyFolder.of(home)
    # The run records before the log: a night that ends meanwhile writes its entry first, then its record.
    records, unreadable, record_bytes = _read_run_records(home)
    reading = read_log(folder)
    register = replay(reading.entries)
    raw = check_raw_files(home)
    published = check_published(home, records, [night.warehouse_sha256 for night in register.nights])
    reports = check_reports(home)
    manifest = check_manifest(home, records) if published.is_trusted else ManifestReading()
    calibrations, stored = check_stored_calibrations(home, records)
    newest = next((record for record in reversed(records.values()) if record.get("published")), None)
    found = [
        *raw.findings,
        *check_inputs(home, newest),
        *published.findings,
        *_check_market(home),
        *_check_log(home, folder, reading, register, trusted_heads),
        *_check_policy_files(folder, register, hash_policy),
        *unreadable,
        *_check_heads(home, reading, records),
        *_check_nights(home, register, records),
        *calibrations,
        *reports.findings,
    ]
    places = {finding.where for finding in found if finding.is_error}
    # What is found already is not found twice.
    found += [one for one in manifest.findings if not places & {one.where, str(Path(one.where).parent), _twin(one)}]
    counts = {
        "raw files": raw.files,
        "warehouses": published.files,
        "report files": reports.files,
        "log entries": len(reading.entries),
        "signatures": register.signatures_checked,
        "run records": len(records),
        "stored calibrations": stored if stored or calibrations else 0,
        "identities": manifest.identities,
    }
    always = ("log entries", "signatures", "run records", "raw files")
    return VerifyReport(
        tuple(found),
        {name: count for name, count in counts.items() if count or name in always},
        raw.bytes + published.bytes + reports.bytes + record_bytes + len(reading.body),
        tuple(_not_looked_at(home, raw, published, reports, manifest)),
    )


def _twin(finding: Finding) -> str:
    """The other file of a body and its sidecar."""
    where = finding.where
    return where.removesuffix(".meta.json") if where.endswith(".meta.json") else f"{where}.meta.json"


def _not_looked_at(
    home: Home, raw: RawReading, published: PublishedReading, reports: ReportReading, manifest: ManifestReading
) -> Iterator[str]:
    """What the verdict says nothing about, of what is in this home."""
    if home.published.exists() and not published.is_trusted:
        yield "raw files and run records against the published lists: the warehouse that holds them is not as published"
    yield from manifest.not_looked_at
    if raw.unsealed:
        yield f"{raw.unsealed} sidecars and lines of an earlier version, which carry no hash of their own"
    if raw.removed:
        yield f"{raw.removed} raw versions that `alvh prune` removed"
    if reports.without_sums:
        yield f"{reports.without_sums} reports of an earlier version, without {SUMS}"
    names = {
        "audit": "audits",
        "sweeps": "sweeps",
        "notices": "messages",
        "inputs": "your own files under inputs/ (what nights read of them is among the raw files)",
        "sample": "the simulated archive under sample/",
    }
    present = [words for name, words in names.items() if (home.path / name).exists()]
    if (home.reports / "index.html").exists():
        present.append("the pages around the reports, which are made anew each night")
    if (home.path / "policy" / "keys").exists():
        present.append("private keys")
    yield from present


def _check_market(home: Home) -> Iterator[Finding]:
    """The note that ties a home to its market, against the published warehouse."""
    path = home.path / "market.json"
    if not path.exists():
        return
    try:
        market = str(json.loads(path.read_text(encoding="utf-8"))["market"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        what, said = "it cannot be told which market this home holds", '{"market": ...}'
        yield Finding("home", str(path), what, type(error).__name__, said, lost="nothing but the note itself")
        return
    try:
        with open_published(home) as connection:
            row = connection.execute("select is_simulated from ref.run").fetchone()
    except (PipelineError, duckdb.Error):
        return  # nothing published, or found above
    if row is not None and bool(row[0]) == (market == _REAL):
        what = "the home is tied to another market than the published warehouse"
        said = "a simulated market" if row[0] else _REAL
        yield Finding("home", str(path), what, market, said, lost="nothing but the note itself")


def _check_log(
    home: Home, folder: PolicyFolder, reading: LogReading, register: Register, trusted_heads: Sequence[str]
) -> Iterator[Finding]:
    where = str(folder.log)
    if not reading.is_there:
        trace = trace_of_a_log(home, folder)
        if trace is not None:
            yield Finding("log", where, "the policy log is gone", f"no log, but {trace}", "the log this comes from")
    else:
        for problem in reading.problems:
            yield _chain_finding(where, problem)
        for broken in register.problems:
            what = "an entry that no command would have written"
            yield Finding("log", f"{where}, entry {broken.seq}", what, broken.found, broken.expected)
        if reading.noted is None:
            yield Finding(
                "log", str(folder.head), "no note of the head", "no such file", "seq and sha256", is_error=False
            )
    if reading.tail:
        what = "the last line was torn while it was written; the next entry puts it on record"
        found = f"{len(reading.tail)} bytes without an end"
        yield Finding("log", where, what, found, "whole lines", is_error=False)
    known = {entry["entry_sha256"] for entry in reading.entries}
    for head in trusted_heads:
        if head not in known:
            yield Finding("log", where, "the log is not the one whose head you noted", "no such entry", f"hash {head}")


def _chain_finding(where: str, problem: ChainProblem) -> Finding:
    return Finding("log", f"{where}, line {problem.line}", _WORDS[problem.kind], problem.found, problem.expected)


def _check_policy_files(
    folder: PolicyFolder, register: Register, hash_policy: Callable[[bytes], str] | None
) -> Iterator[Finding]:
    if register.signers is not None:
        yield from _check_signers_file(folder, register)
    for proposal in register.proposals.values():
        if proposal.subject != POLICY:
            continue
        policy_hash = proposal.statement["policy_hash"]
        try:
            body = read_version(folder, policy_hash, proposal.statement["policy_sha256"])
        except ChecksFailedError as error:
            yield Finding("policy", str(error.where), error.what, str(error.found), str(error.expected))
            continue
        actual = _hash_or_reason(hash_policy, body)
        if actual not in (None, policy_hash):
            what = "a policy is kept under a hash that is not its own"
            yield Finding("policy", str(folder.version(policy_hash)), what, str(actual), policy_hash)
    if hash_policy is not None and register.newest is not None:
        found = _hash_or_reason(hash_policy, folder.policy.read_bytes()) if folder.policy.exists() else "no such file"
        if found != register.newest.policy_hash:
            what = "policy.toml is not the policy adopted last"
            yield Finding("policy", str(folder.policy), what, str(found), f"hash {register.newest.policy_hash}")


def _hash_or_reason(hash_policy: Callable[[bytes], str] | None, body: bytes) -> str | None:
    if hash_policy is None:
        return None
    try:
        return hash_policy(body)
    except Exception as error:  # a policy that cannot be read is a finding, whatever its reader says
        return f"a policy that cannot be read ({type(error).__name__})"


def _check_signers_file(folder: PolicyFolder, register: Register) -> Iterator[Finding]:
    assert register.signers is not None
    expected = register.signers.say() + " and their keys, as the log says"
    where = str(folder.signers)
    try:
        written = parse_signers(folder.signers.read_bytes())
    except FileNotFoundError:
        yield Finding("policy", where, "no signers.toml; the next command writes it", "no such file", expected, False)
        return
    except UsageError as error:
        yield Finding("policy", where, "signers.toml cannot be read", str(error.found), expected)
        return
    if written in register.earlier_signers:
        what = "signers.toml is not up to date; the next command writes it"
        yield Finding("policy", where, what, written.say(), expected, is_error=False)
    elif written != register.signers:
        yield Finding("policy", where, "signers.toml is not what was adopted", written.say(), expected)


def _read_run_records(home: Home) -> tuple[dict[str, dict[str, Any]], list[Finding], int]:
    records: dict[str, dict[str, Any]] = {}
    findings = []
    size = 0
    for path in sorted(home.runs.glob("*.json")) if home.runs.is_dir() else []:
        try:
            body = path.read_bytes()
            record = json.loads(body)
        except (OSError, ValueError):
            body, record = b"", None
        size += len(body)
        if not _is_record(record, path.stem):
            what, said = "a run record that cannot be read", f"the record of run {path.stem}"
            findings.append(Finding("runs", str(path), what, "another content", said, lost=_RUN_LOST))
            continue
        records[path.stem] = record
        if SEAL not in record and record.get("record_version", 1) == 1:
            continue  # of a version that sealed none
        damage = find_damage(record)
        if damage is None and json.dumps(record, indent=1).encode() != body:
            damage = ("another spelling of it", "the spelling of a night")
        if damage is not None:
            findings.append(Finding("runs", str(path), "a run record was changed", *damage, lost=_RUN_LOST))
    return records, findings, size


def _is_record(record: object, run_id: str) -> bool:
    if not isinstance(record, dict) or record.get("run_id") != run_id:
        return False
    published, inputs = record.get("published"), record.get("inputs", [])
    return (published is None or (isinstance(published, dict) and isinstance(published.get("sha256"), str))) and all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("publisher", "file_name", "sha256"))
        for entry in (inputs if isinstance(inputs, list) else [None])
    )


def _check_heads(home: Home, reading: LogReading, records: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """A log written anew, all its hashes right, is not the one whose heads the run records keep."""
    if not reading.is_there:
        return
    for run_id, record in records.items():
        if RECORD_KEY not in record:
            continue
        head = record[RECORD_KEY]
        seq, sha256 = (head.get("seq"), head.get("sha256")) if isinstance(head, dict) else (None, None)
        entry = reading.entry(seq) if type(seq) is int else None
        if entry is None or entry["entry_sha256"] != sha256:
            found = "no such entry" if entry is None else f"hash {entry['entry_sha256']}"
            what = f"entry {seq} of the policy log is not the one that the run record keeps"
            yield Finding("runs", str(home.runs / f"{run_id}.json"), what, found, f"hash {sha256}")


def _check_nights(home: Home, register: Register, records: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    logged = {night.run_id for night in register.nights}
    for night in register.nights:
        record = records.get(night.run_id)
        where = str(home.runs / f"{night.run_id}.json")
        if record is None:
            expected = f"the record of a run that entry {night.seq} of the policy log names"
            yield Finding("runs", where, "a run record is gone", "no such file", expected)
        else:
            yield from _compare_night(where, night, record)
    since = register.adoptions[0].adopted_at_utc if register.adoptions else None
    for run_id, record in records.items():
        published_under_policy = (
            since is not None and record.get("published") and str(record.get("started_at_utc")) >= since
        )
        if published_under_policy and run_id not in logged:
            where = str(home.runs / f"{run_id}.json")
            what = "a published run that the policy log does not name (killed before it could)"
            yield Finding("runs", where, what, "no entry", "an entry of kind nightly_state", is_error=False)


def _compare_night(where: str, night: NightEntry, record: Mapping[str, Any]) -> Iterator[Finding]:
    sha256 = (record.get("published") or {}).get("sha256")
    if sha256 not in (None, night.warehouse_sha256):
        what = "the run record names another warehouse than the policy log"
        yield Finding("runs", where, what, f"SHA-256 {sha256}", f"SHA-256 {night.warehouse_sha256}")
    if RECORD_KEY not in record:
        what = "the run record does not keep the head of the policy log (killed before it could)"
        yield Finding("runs", where, what, "no head", f"entry {night.seq}, hash {night.entry_sha256}", is_error=False)
