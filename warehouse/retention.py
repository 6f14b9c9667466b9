"""What of a home may go, by its user's settings: found, sized and explained here, removed by `warehouse.prune`.

Never on the list: the published warehouse; a raw file that is the newest, the only or the read version of its name, or
that a kept warehouse was built from; what users gave; the policy folder; stored calibrations; the record of a run that
published or calibrated; the newest report and the newest audit.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from transforms.registry import keeps_history
from warehouse.home import PRIVATE, Home
from warehouse.known import BEING_BUILT
from warehouse.known import FOLDER as KNOWN
from warehouse.notices import SENT, NoticeLog
from warehouse.publish import earlier_beyond
from warehouse.raw_store import FileState, RawStore, StoredFile
from warehouse.run_log import RUNNING, read_records

FOR_EVER = 0
LEFT_OUT = "left_out"
"""Where a slimmed run record names what it no longer holds."""

DETAILS = ("inputs", "rows", "steps")
"""What a slimmed record loses. The hash of its inputs stays, and the files themselves are in the raw store."""

TRASH = "trash"
_KNOWN_AT = "-known-at-"
_USER = "user"
_SESSION = re.compile(r"\d{4}-\d{2}-\d{2}(-known-at-\w+)?")
_LEFTOVER = re.compile(r"\..+\.tmp")
_STILL_WRITTEN = timedelta(hours=1)
"""A file that is being written has a name of its own for less than that."""


@dataclass(frozen=True)
class Retention:
    """How many of each kind are kept; 0 keeps all.

    Attributes
    ----------
    published
        Earlier warehouses; at least 1.
    reports
        Session reports, those written last.
    raw_versions
        Superseded versions of a raw file.
    audits, sweeps
        Folders of each.
    run_details
        Records of published runs that keep their list of inputs, row counts and timings.
    other_runs
        Records of runs that published nothing.
    notices
        Attempts to deliver a message.
    known
        Warehouses of what was known at an instant, those asked last.
    """

    published: int = 7
    reports: int = FOR_EVER
    raw_versions: int = FOR_EVER
    audits: int = FOR_EVER
    sweeps: int = FOR_EVER
    run_details: int = FOR_EVER
    other_runs: int = FOR_EVER
    notices: int = FOR_EVER
    known: int = FOR_EVER


@dataclass(frozen=True)
class Removal:
    """One thing that may go.

    ``kind`` says what it is and how it goes (`warehouse.prune`); ``bytes`` is what it frees at most: a file that a
    process has open, or that has another name, frees nothing yet.
    """

    kind: str
    path: Path
    bytes: int
    why: str


@dataclass(frozen=True)
class Plan:
    """What may go, and what could not be judged and therefore stays."""

    removals: tuple[Removal, ...]
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of all of it."""
        return sum(one.bytes for one in self.removals)


def plan_pruning(home: Home, keep: Retention, now: datetime) -> Plan:
    """List what may go. Reads only, and needs no lock: what is listed is looked up again before it is removed.

    Parameters
    ----------
    now
        What a write left unfinished counts as left behind an hour later.
    """
    notes: list[str] = []
    published = earlier_beyond(home, keep.published)
    removals = [
        *(_file("published", path, f"older than the last {keep.published}") for path in published),
        *_plan_reports(home, keep.reports),
        *_plan_raw(home, keep.raw_versions, set(published), notes),
        *_plan_audits(home, keep.audits),
        *_plan_sweeps(home, keep.sweeps),
        *_plan_records(home, keep),
        *_plan_notices(home, keep.notices),
        *_plan_known(home, keep.known),
        *_plan_leftovers(home, now),
    ]
    return Plan(tuple(removals), tuple(notes))


def tree_bytes(path: Path) -> int:
    """Return the size of a file, or of everything in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


def _file(kind: str, path: Path, why: str) -> Removal:
    return Removal(kind, path, tree_bytes(path), why)


def _plan_reports(home: Home, keep: int) -> Iterator[Removal]:
    """Reports by when they were written: one of an old session that was asked for today is as new as tonight's."""
    if keep == FOR_EVER or not home.reports.is_dir():
        return
    days = [path for path in home.reports.iterdir() if path.is_dir() and _SESSION.fullmatch(path.name)]
    newest = max((path.name for path in days if _KNOWN_AT not in path.name), default=None)

    def written(folder: Path) -> tuple[int, str]:
        page = folder / "hedge-state.json"
        return (page if page.exists() else folder).stat().st_mtime_ns, folder.name

    for path in sorted(days, key=written, reverse=True)[keep:]:
        if path.name != newest:
            day, _, known = path.name.partition(_KNOWN_AT)
            command = f"alvh report --as-of {day}" + (f" --known-at {known}" if known else "")
            yield _file("report", path, f"written before the last {keep}; `{command}` makes one")


def _plan_raw(home: Home, keep: int, going: set[Path], notes: list[str]) -> Iterator[Removal]:
    if keep == FOR_EVER:
        return
    needed = _needed_versions(home, going, notes)
    if needed is None:
        return
    for publisher, name, state in RawStore(home).states():
        if publisher == _USER or state.newest is None or keeps_history(state.newest.dataset, name):
            continue  # what a user gave is nobody else's to drop; of some files every version is read
        for version in _superseded(state)[keep:]:
            if (publisher, name, version.sha256) not in needed:
                why = f"fetched {version.fetched_at_utc}, older than the last {keep} superseded versions"
                yield _file("raw version", version.path, why)


def _superseded(state: FileState) -> list[StoredFile]:
    """Versions that are neither the newest nor the read one, each once, the one seen last first."""
    stays = {version.sha256 for version in (state.newest, state.current) if version is not None}
    unique = {version.sha256: version for version in reversed(state.versions) if version.path.exists()}
    return [version for sha256, version in unique.items() if sha256 not in stays]


def _needed_versions(home: Home, going: set[Path], notes: list[str]) -> set[tuple[str, str, str]] | None:
    """Return what the kept warehouses were built from, or None where one of them cannot say."""
    needed: set[tuple[str, str, str]] = set()
    for path in [home.published, *sorted(set(home.earlier.glob("*.duckdb")) - going)]:
        if not path.exists():
            continue
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                needed.update(
                    connection.execute(
                        "select publisher, file_name, sha256 from ops.source_files where is_current"
                    ).fetchall()
                )
        except duckdb.Error as error:
            said = str(error).strip().splitlines()[0]
            notes.append(f"no raw version is removed: {path.name} does not say what it was built from ({said})")
            return None
    return needed


def _plan_audits(home: Home, keep: int) -> Iterator[Removal]:
    folders = _folders(home.path / "audit")
    yield from _beyond("audit", sorted(folders, key=lambda path: path.name, reverse=True), keep)


def _plan_sweeps(home: Home, keep: int) -> Iterator[Removal]:
    newest_first = sorted(
        _folders(home.path / "sweeps"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True
    )
    yield from (one for one in _beyond("sweep", newest_first, keep) if not _is_running(one.path))


def _plan_known(home: Home, keep: int) -> Iterator[Removal]:
    kept = [path for path in _folders(home.path / KNOWN) if not path.name.startswith(BEING_BUILT)]
    yield from _beyond("known", sorted(kept, key=lambda path: path.stat().st_mtime_ns, reverse=True), keep)


def _beyond(kind: str, newest_first: Sequence[Path], keep: int) -> Iterator[Removal]:
    if keep != FOR_EVER:
        yield from (_file(kind, path, f"older than the last {keep}") for path in newest_first[keep:])


def _is_running(sweep: Path) -> bool:
    lock = sweep / "sweep.lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0, mode=PRIVATE):
            return False
    except (Timeout, OSError):
        return True


def _plan_records(home: Home, keep: Retention) -> Iterator[Removal]:
    kept = {path.stem for path in (home.published, *home.earlier.glob("*.duckdb"))}
    published, others = [], []
    for record in read_records(home):
        if record.get("published"):
            published.append(record)
        elif record.get("outcome") != RUNNING and "calibration" not in record:
            others.append(record)
    if keep.run_details != FOR_EVER:
        for record in published[: -keep.run_details]:
            is_kept = str((record["published"] or {}).get("sha256"))[:16] in kept
            if not is_kept and any(name in record for name in DETAILS):
                why = f"details of a run before the last {keep.run_details} that published"
                yield Removal("run details", _record_path(home, record), _details_bytes(record), why)
    if keep.other_runs != FOR_EVER:
        for record in others[: -keep.other_runs]:
            yield _file(
                "run", _record_path(home, record), f"older than the last {keep.other_runs} that published nothing"
            )


def _record_path(home: Home, record: dict[str, Any]) -> Path:
    return home.runs / f"{record['run_id']}.json"


def _details_bytes(record: dict[str, Any]) -> int:
    return len(json.dumps({name: record[name] for name in DETAILS if name in record}, indent=1))


def old_notices(home: Home, keep: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split the log of messages: attempts that may go, and those that stay. What was not delivered stays."""
    entries = list(NoticeLog(home).entries())
    old, recent = (entries[:-keep], entries[-keep:]) if keep != FOR_EVER else ([], entries)
    going = [entry for entry in old if all(outcome == SENT for outcome in entry["channels"].values())]
    return going, [entry for entry in old if entry not in going] + recent


def _plan_notices(home: Home, keep: int) -> Iterator[Removal]:
    going, _ = old_notices(home, keep)
    if going:
        size = sum(len(json.dumps(entry, ensure_ascii=False).encode()) + 1 for entry in going)
        why = f"{len(going)} attempts before the last {keep}, all of them delivered"
        yield Removal("notices", NoticeLog(home).path, size, why)


def _plan_leftovers(home: Home, now: datetime) -> Iterator[Removal]:
    """What a killed process left: half-written files, and what it was about to remove."""
    yield from (_file("leftover", path, "was being removed") for path in _listed(home.path / TRASH))
    last = (now - _STILL_WRITTEN).timestamp()
    for path in _folders(home.path / KNOWN):
        if path.name.startswith(BEING_BUILT) and path.stat().st_mtime < last:
            yield _file("leftover", path, "was never finished")
    for folder, _, names in os.walk(home.path):
        for name in names:
            path = Path(folder) / name
            if not _LEFTOVER.fullmatch(name):
                continue
            with suppress(FileNotFoundError):  # finished meanwhile
                if path.stat().st_mtime < last:
                    yield _file("leftover", path, "was never finished")
    yield from _half_pruned(home)


def _half_pruned(home: Home) -> Iterator[Removal]:
    for note in sorted(home.raw.glob("*/*/*.pruned.json")):
        body = note.with_name(note.name.removesuffix(".pruned.json"))
        if body.exists() and not body.with_name(body.name + ".meta.json").exists():
            yield _file("leftover", body, "the body of a version that was removed")


def _listed(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else ()


def _folders(folder: Path) -> list[Path]:
    return [path for path in _listed(folder) if path.is_dir()]
