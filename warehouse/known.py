"""What a home knew at an instant: its raw files, runs and calibrations as they stood then, laid out as another home.

Whatever reads a home reads the past from it, by the same code. Files are hard links: nothing is copied, and a night
that works meanwhile is not disturbed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from transforms.errors import UsageError
from warehouse.home import Home
from warehouse.instants import iso_utc
from warehouse.raw_store import OBSERVED, USER, RawStore, read_lines
from warehouse.run_log import read_records, write_record
from warehouse.stored_calibrations import folder_of, read_stored_calibrations

FOLDER = "known"
BEING_BUILT = ".building-"
_PREFIX = 16
_SHOWN = 3


@dataclass(frozen=True)
class Layout:
    """The past of a home, laid out.

    Attributes
    ----------
    home
        The home that was laid out.
    record
        Record of the run that had published last by then; None where none had.
    fetched_since
        Names of the files that changed between that run and the instant, by runs that published nothing.
    """

    home: Home
    record: dict[str, Any] | None
    fetched_since: tuple[str, ...]


def parse_known_at(text: str, now: datetime) -> datetime:
    """Read an instant with its zone.

    Raises
    ------
    UsageError
        If it is none, has no zone, or is to come.
    """
    example = "2026-01-07T23:31:02Z, or 2026-01-07T18:31:02-05:00"
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("--known-at is no instant", found=text, expected=f"date, time and zone: {example}") from None
    if instant.tzinfo is None:
        what = "--known-at is a day, not an instant" if len(text) <= len("2026-01-07") else "--known-at has no zone"
        raise UsageError(
            what,
            found=text,
            expected=f"date, time and zone: {example}",
            next_step=f"say {text if 'T' in text or ' ' in text else text + 'T23:59:59'}Z if it is UTC; "
            "`alvh status` has the runs, whose records say when they published",
        )
    if instant > now:
        raise UsageError("--known-at is in the future", found=text, expected=f"{iso_utc(now)} or earlier")
    return instant.astimezone(UTC)


def lay_out(home: Home, known_at: datetime, folder: Path) -> Layout:
    """Lay out what a home knew at an instant.

    Parameters
    ----------
    folder
        New folder on the file system of the home.

    Raises
    ------
    UsageError
        If nothing had been fetched by then, or a version that was the newest then was removed since.
    """
    until = iso_utc(known_at)
    past = Home(folder)
    past.prepare()
    first: list[str] = []
    removed: list[str] = []
    changed: dict[str, str] = {}
    store = RawStore(home)
    for publisher, name, _ in store.states():
        source = home.raw / publisher / name
        lines = list(read_lines(source / OBSERVED))
        first += [str(line["seen_at_utc"]) for line in lines[:1]]
        known = [line for line in lines if str(line["seen_at_utc"]) <= until]
        if not known:
            continue
        changed[f"{publisher}/{name}"] = str(known[-1]["seen_at_utc"])
        _link_versions(source, past.raw / publisher / name, known)
        if _is_removed(source, known):
            removed.append(f"{publisher}/{name}")
    if not changed:
        raise UsageError(
            "nothing was known yet",
            found=f"--known-at {until}",
            expected=f"{min(first)}, the first fetch, or later" if first else "a home that has fetched something",
        )
    if removed:
        raise UsageError(
            "what was known then cannot be built again",
            found=f"{len(removed)} files whose version of then was removed by `alvh prune`: "
            + ", ".join(removed[:_SHOWN]),
            expected="every version (ALVH_KEEP_RAW_VERSIONS=0 keeps all)",
            next_step="choose a later instant, or copy the versions back from a copy of the home",
        )
    _write_checks(store, home, past, until)
    _copy_calibrations(home, past, until)
    if (home.path / "market.json").exists():
        shutil.copy2(home.path / "market.json", past.path / "market.json")
    record = _copy_records(home, past, until)
    since = str(record["published_at_utc"]) if record else ""
    return Layout(past, record, tuple(sorted(name for name, seen in changed.items() if seen > since)))


def _link_versions(source: Path, target: Path, known: list[dict[str, Any]]) -> None:
    target.mkdir(parents=True)
    wanted = {str(line["sha256"])[:_PREFIX] for line in known if "sha256" in line}
    for entry in os.scandir(source):
        if entry.name[:_PREFIX] in wanted and not entry.name.endswith(".pruned.json"):
            _link(Path(entry.path), target / entry.name)
    text = "".join(json.dumps(line) + "\n" for line in known)
    (target / OBSERVED).write_text(text, encoding="utf-8")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)  # a file system without hard links


def _is_removed(source: Path, known: list[dict[str, Any]]) -> bool:
    """Return whether the version that was the newest then is not there any more, but was removed."""
    newest = next((str(line["sha256"])[:_PREFIX] for line in reversed(known) if "sha256" in line), None)
    if newest is None or next(source.glob(f"{newest}*.meta.json"), None) is not None:
        return False
    return next(source.glob(f"{newest}*.pruned.json"), None) is not None


def _write_checks(store: RawStore, home: Home, past: Home, until: str) -> None:
    """When each name was looked for last is only kept of the last time: of then it is what can be told."""
    checks: dict[str, dict[str, dict[str, str | None]]] = {}
    for publisher, name, state in store.states():
        lines = [
            line for line in read_lines(home.raw / publisher / name / OBSERVED) if str(line["seen_at_utc"]) <= until
        ]
        asked = state.checked_at_utc if state.checked_at_utc and state.checked_at_utc <= until else None
        absent = state.absent if asked else None
        if publisher == USER and lines:
            absent = lines[-1].get("absent") or (absent if not any("absent" in line for line in lines) else None)
        if asked or absent:
            checks.setdefault(publisher, {})[name] = {"checked_at_utc": asked, "absent": absent}
    for publisher, entries in checks.items():
        text = json.dumps(entries, indent=0, sort_keys=True)
        (past.raw / f"{publisher}.checked.json").write_text(text, encoding="utf-8")
        (past.raw / publisher).mkdir(exist_ok=True)


def _copy_calibrations(home: Home, past: Home, until: str) -> None:
    for entry in read_stored_calibrations(home):
        if entry.stored_at_utc <= until:
            folder_of(past).mkdir(exist_ok=True)
            _link(folder_of(home) / entry.file_name, folder_of(past) / entry.file_name)


def _copy_records(home: Home, past: Home, until: str) -> dict[str, Any] | None:
    """Copy the records of runs that were over by then. Return the one that had published last."""
    last: dict[str, Any] | None = None
    for record in _known_records(home, until):
        write_record(past.runs / f"{record['run_id']}.json", record)
        if record.get("published") and (last is None or record["published_at_utc"] >= last["published_at_utc"]):
            last = record
    return last


def _known_records(home: Home, until: str) -> Iterator[dict[str, Any]]:
    for record in read_records(home):
        over = record.get("published_at_utc") or record.get("started_at_utc")
        if over is not None and str(over) <= until:
            yield record
