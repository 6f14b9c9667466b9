"""Run records: what a run was, what went in, what came out, what changed.

``runs/<run id>.json`` is written when a run starts and after every step, so that a run that was killed
has a record too. ``ops.runs`` and ``ops.value_revisions`` are made from these files at each build.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import PipelineError
from warehouse.home import Home, write_atomically
from warehouse.instants import iso_utc
from warehouse.plain_json import load_json
from warehouse.publish import earlier_beyond, hash_file
from warehouse.query import open_published
from warehouse.revisions import REVISION_KEYS
from warehouse.seals import seal
from warehouse.tables import fill

RECORD_VERSION = 2
"""1 had no seal."""

_PACKAGES = (
    "alvh",
    "duckdb",
    "pandas",
    "prefect",
    "great-expectations",
    "exchange-calendars",
    "requests",
    "matplotlib",
)
RUNNING = "running"
INTERRUPTED = "interrupted"


class RunLog:
    """The record of one run, on disk after every :meth:`note`.

    ``run_number`` counts the runs of a home: names follow the clock, which may be set back. ``is_open`` is there until
    the run has ended, and ``step_begun`` while a step runs, so that the record of a run that was killed says so, and in
    which step.
    """

    def __init__(self, home: Home, run_id: str, started_at: datetime, command: str) -> None:
        self.path = home.runs / f"{run_id}.json"
        self.record: dict[str, Any] = {
            "record_version": RECORD_VERSION,
            "run_id": run_id,
            "run_number": 1 + max((_number_of(record) for record in read_records(home)), default=0),
            "started_at_utc": iso_utc(started_at),
            "command": command,
            "outcome": RUNNING,
            "is_open": True,
            "exit_code": None,
            "versions": {"python": platform.python_version(), **package_versions()},
            "steps": [],
        }
        self.write()

    def note(self, **entries: Any) -> None:
        """Add entries and write the record."""
        self.record.update(entries)
        self.write()

    def end(self, **entries: Any) -> None:
        """Add entries and say that the run has ended."""
        for name in ("is_open", "step_begun"):
            self.record.pop(name, None)
        self.note(**entries)

    def begin(self, name: str) -> None:
        """Say which step begins."""
        self.note(step_begun=name)

    def step(self, name: str, seconds: float, summary: str) -> None:
        """Add a finished step."""
        self.record.pop("step_begun", None)
        self.record["steps"].append({"step": name, "seconds": round(seconds, 3), "summary": summary})
        self.write()

    def write(self) -> None:
        """Write the record as it stands."""
        write_record(self.path, self.record)


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a run record with its seal."""
    write_atomically(path, json.dumps(seal(record), indent=1).encode())


def run_id_of(started_at: datetime) -> str:
    """Name a run by its start: sorts by time, and a home has one run at a time."""
    return started_at.strftime("%Y%m%dT%H%M%S.") + f"{started_at.microsecond // 1000:03d}Z"


def unused_run_id(home: Home, run_id: str) -> str:
    """Return the name, or one behind it where a run has it: a clock that was set back must not overwrite a record.

    The caller holds the lock.
    """
    if not (home.runs / f"{run_id}.json").exists():
        return run_id
    return next(name for n in count(2) if not (home.runs / f"{(name := f'{run_id}-{n}')}.json").exists())


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide values or their presentation."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def read_records(home: Home) -> Iterator[dict[str, Any]]:
    """Yield every run record, oldest first: in the order of the runs, whatever the clock said.

    A record that cannot be read is passed over.
    """
    found = [record for path in sorted(home.runs.glob("*.json")) if (record := _read(path)) is not None]
    # Those of versions that did not count are older than all that are counted.
    yield from sorted(found, key=_number_of)


def _number_of(record: Mapping[str, Any]) -> int:
    number = record.get("run_number")
    return number if isinstance(number, int) else 0


def read_record(home: Home, run_id: str) -> dict[str, Any] | None:
    """Return the record of a run; None where there is none that can be read."""
    return _read(home.runs / f"{Path(run_id).name}.json")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = load_json(path.read_bytes())
    except (OSError, ValueError):
        return None
    # The name inside decides what is written back: one of another file is not this run's.
    if not isinstance(record, dict) or record.get("run_id") != path.stem:
        return None
    has_texts = all(isinstance(record.get(name) or "", str) for name in ("started_at_utc", "outcome"))
    has_tables = all(isinstance(record.get(name) or {}, dict) for name in ("versions", "published", "fetch", "planned"))
    return record if has_texts and has_tables else None


def latest_record(home: Home) -> dict[str, Any] | None:
    """Return the newest run record."""
    return next(reversed(list(read_records(home))), None)


def close_interrupted(home: Home, current_run_id: str) -> list[str]:
    """Mark records of runs that never ended. The caller holds the lock, so none of them is alive.

    A run that died between its swap and its record has published all the same: the published
    warehouse names it, and what the run had planned to record counts. One that died later keeps its outcome. In each
    case ``broken_off`` says how far it was.
    """
    closed = []
    for record in read_records(home):
        if not is_open(record) or record["run_id"] == current_run_id:
            continue
        if record.get("outcome") != RUNNING:
            pass
        elif "planned" in record and record["run_id"] == published_run_id(home):
            published = describe_published(home.published, hash_file(home.published))
            record.update(record["planned"], published=published)
        else:
            record["outcome"] = INTERRUPTED
        record["broken_off"] = describe_break(record)
        for name in ("is_open", "step_begun"):
            record.pop(name, None)
        write_record(home.runs / f"{record['run_id']}.json", record)
        closed.append(str(record["run_id"]))
    return closed


def is_open(record: Mapping[str, Any]) -> bool:
    """Say whether a run has not said that it ended: it is at work, or was killed."""
    return bool(record.get("is_open")) or record.get("outcome") == RUNNING


def describe_break(record: Mapping[str, Any]) -> str:
    """Say how far a run was that ended without saying so."""
    done = [str(step.get("step")) for step in record.get("steps") or []]
    if record.get("step_begun"):
        return f"broken off during {record['step_begun']}"
    return f"broken off after {done[-1]}" if done else "broken off before its first step"


def describe_published(path: Path, sha256: str) -> dict[str, Any]:
    """Return what a run record says of the file it published."""
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256}


def published_run_id(home: Home) -> str | None:
    """Return the run that built the published warehouse; None where there is none that can be read."""
    try:
        with open_published(home) as connection:
            row = connection.execute("select run_id from ref.run").fetchone()
    except (PipelineError, duckdb.Error):
        return None
    return str(row[0]) if row else None


def find_whole(home: Home) -> Path | None:
    """Return the published warehouse or, where it is damaged, the earlier one that was replaced last and is not.

    Damaged is a file of whose content no run record has the hash. Where no record has any hash, what is published is
    taken as it is.
    """
    hashes = {(record.get("published") or {}).get("sha256") for record in read_records(home)} - {None}
    if not hashes:
        return home.published if home.published.exists() else None
    kept = (home.published, *earlier_beyond(home, 0))
    return next((path for path in kept if path.exists() and hash_file(path) in hashes), None)


def inputs_of(connection: duckdb.DuckDBPyConnection) -> list[dict[str, str]]:
    """Return the files a warehouse was built from, with their hashes."""
    rows = connection.execute(
        "select publisher, file_name, sha256 from ops.source_files where is_current order by publisher, file_name"
    ).fetchall()
    return [{"publisher": row[0], "file_name": row[1], "sha256": row[2]} for row in rows]


def write_run_tables(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    current: Mapping[str, Any],
    revisions: Iterable[Mapping[str, Any]],
) -> None:
    """Fill ``ops.runs`` and ``ops.value_revisions`` from the run records and the current run."""
    records = [record for record in read_records(home) if record["run_id"] != current["run_id"]]
    fill(connection, "ops.runs", [_run_row(record) for record in [*records, current]])
    # Only what was published counts as restated: an unpublished run's differences are found again.
    kept = [entry for record in records if record.get("published") for entry in record.get("revisions", [])]
    fill(connection, "ops.value_revisions", [[entry[key] for key in REVISION_KEYS] for entry in [*kept, *revisions]])


def _run_row(record: Mapping[str, Any]) -> list[object]:
    return [
        record["run_id"],
        record.get("started_at_utc"),
        record.get("published_at_utc"),
        record.get("outcome"),
        record.get("exit_code"),
        record.get("as_of"),
        record.get("source"),
        record.get("is_simulated", False),
        (record.get("versions") or {}).get("alvh"),
        record.get("inputs_sha256"),
    ]


@dataclass(frozen=True)
class PublishedRun:
    """The run behind a warehouse, as a report shows it, and what it could not fetch."""

    run: dict[str, Any]
    failures: list[dict[str, Any]]


def published_run(home: Home, connection: duckdb.DuckDBPyConnection) -> PublishedRun:
    """Return the run that built a warehouse. Without its record, what the warehouse itself knows."""
    row = connection.execute("select run_id, is_simulated from ref.run").fetchone() or ("unknown", False)
    unknown = {"run_id": row[0], "started_at_utc": None, "versions": {}, "is_simulated": row[1]}
    record = read_record(home, str(row[0])) or unknown
    return PublishedRun(describe_run(record), list((record.get("fetch") or {}).get("failures", [])))


def describe_run(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says of the run that built its warehouse."""
    versions = dict(record.get("versions") or {})
    return {
        "run_id": record["run_id"],
        "started_at_utc": record.get("started_at_utc"),
        "finished_at_utc": record.get("published_at_utc"),
        "code_version": versions.pop("alvh", None),
        "package_versions": versions,
        "source": record.get("source"),
        "market": "simulated" if record.get("is_simulated") else "real",
        "warehouse_sha256": (record.get("published") or {}).get("sha256"),
        # Of the newest session; rows of earlier sessions name the policy that was in force on them.
        "policy_hash": record.get("policy_hash"),
        # Last entry of the policy log when the night was on record: a copy of it outside of the log.
        "policy_log": record.get("policy_log"),
    }
