"""Stored calibrations: one file a week in the home, written once, and never on top of another.

``calibrations/<used_from_date>.json`` holds what was calibrated, from which published warehouse, by which run and
version, and the SHA-256 of all that. A file that is not as it was written is refused wherever it is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from transforms.errors import ChecksFailedError
from transforms.hash_chain import sha256_hex
from warehouse.governance.findings import Finding
from warehouse.home import Home, write_atomically
from warehouse.run_log import read_record

CALIBRATION_VERSION = 1
CALIBRATED = "calibrated"
RECORD_KEY = "calibration"
"""Where a run record names the file that its run stored, and the file's hash."""
AREA = "calibrations"

SAME_WITHIN = 1e-9
"""Two values this close, relative to their size, are the same: another processor may round the last digit otherwise."""

_HASH = "content_sha256"
_TEXTS = ("stored_at_utc", "run_id", "warehouse_run_id", "code_version")
_EXPECTED = "the calibration as `alvh recalibrate` wrote it, its hash over everything in it"

Value = str | int | float | None


@dataclass(frozen=True)
class StoredCalibration:
    """A calibration as it was stored.

    Attributes
    ----------
    calibrated_on_date, used_from_date
        Last session that it knows, and the first one that uses it.
    values
        By column of ``mart.weekly_calibrations``.
    is_simulated
        The market is made up.
    stored_at_utc, run_id, warehouse_run_id, code_version
        When, by which run and version, from the warehouse of which run.
    content_sha256
        Hash over all of that; empty for one that has not been stored yet.
    """

    calibrated_on_date: date
    used_from_date: date
    values: Mapping[str, Value]
    is_simulated: bool
    stored_at_utc: str
    run_id: str
    warehouse_run_id: str
    code_version: str
    content_sha256: str = ""

    @property
    def file_name(self) -> str:
        """Name of its file."""
        return f"{self.used_from_date.isoformat()}.json"


def folder_of(home: Home) -> Path:
    """Where a home keeps its calibrations."""
    return home.path / "calibrations"


def hash_calibration(entry: StoredCalibration) -> str:
    """Return the SHA-256 of everything in a calibration but the hash itself."""
    return _hash_of(_document(entry))


def write_calibration(home: Home, entry: StoredCalibration) -> Path:
    """Store a calibration. The caller holds the run lock and has looked whether there is one.

    Raises
    ------
    ChecksFailedError
        If there is a file for its first session: a stored calibration is never overwritten.
    PipelineError
        If the disk does not take it; nothing is left of it then.
    """
    path = folder_of(home) / entry.file_name
    if path.exists():
        raise refuse_calibration(path, "another calibration", "no file yet: a stored calibration is never overwritten")
    document = _document(entry)
    body = json.dumps({**document, _HASH: _hash_of(document)}, indent=1, allow_nan=False) + "\n"
    write_atomically(path, body.encode("ascii"))
    return path


def read_stored_calibrations(home: Home) -> list[StoredCalibration]:
    """Return the stored calibrations of a home in the order of their weeks.

    Raises
    ------
    ChecksFailedError
        Naming the first file that is not as it was written, and why.
    """
    entries: dict[date, StoredCalibration] = {}
    for path in list_calibration_files(home):
        entry = read_calibration(path)
        twin = entries.get(entry.calibrated_on_date)
        if twin is not None:
            raise refuse_calibration(
                path, f"a second calibration of {entry.calibrated_on_date}", f"only {twin.file_name}"
            )
        entries[entry.calibrated_on_date] = entry
    return [entries[day] for day in sorted(entries)]


def read_calibration(path: Path) -> StoredCalibration:
    """Read one stored calibration.

    Raises
    ------
    ChecksFailedError
        If it is not as it was written: no such document, another hash, or under the name of another week.
    """
    try:
        document = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError, RecursionError) as error:
        raise refuse_calibration(path, f"no JSON that can be read ({type(error).__name__})", _EXPECTED) from None
    try:
        entry = _parse(document)
        if document.get("calibration_version") != CALIBRATION_VERSION:
            raise ValueError(f"calibration_version {document.get('calibration_version')!r}")
    except (KeyError, TypeError, ValueError) as error:
        raise refuse_calibration(path, f"another document: {error}", _EXPECTED) from None
    content = {name: value for name, value in document.items() if name != _HASH}
    actual = _hash_of(content)
    if actual != entry.content_sha256:
        raise refuse_calibration(path, f"content of hash {actual}", f"the hash that it states, {entry.content_sha256}")
    if entry.file_name != path.name:
        raise refuse_calibration(
            path, f"the calibration used from {entry.used_from_date}", f"it under {entry.file_name}"
        )
    if entry.used_from_date <= entry.calibrated_on_date:
        found = f"used from {entry.used_from_date}, calibrated on {entry.calibrated_on_date}"
        raise refuse_calibration(path, found, "used from a later session than it knows")
    return entry


def list_differences(left: Mapping[str, Value], right: Mapping[str, Value]) -> list[str]:
    """Return the columns in which two calibrations differ by more than `SAME_WITHIN`."""
    return [name for name in {**left, **right} if not _is_same(left.get(name), right.get(name))]


def check_stored_calibrations(home: Home, records: Mapping[str, Mapping[str, Any]]) -> tuple[list[Finding], int]:
    """Re-hash the stored calibrations and compare them with the run records that name them.

    Returns
    -------
    tuple[list[Finding], int]
        What was found, and the number of files re-hashed.
    """
    findings: list[Finding] = []
    hashes: dict[str, str] = {}
    weeks: dict[date, str] = {}
    records = dict(records)
    files = list_calibration_files(home)
    for path in files:
        try:
            entry = read_calibration(path)
        except ChecksFailedError as error:
            findings.append(Finding(AREA, str(path), error.what, str(error.found), str(error.expected)))
            hashes[path.name] = "unreadable"
            continue
        hashes[path.name] = entry.content_sha256
        if entry.run_id not in records:
            # Stored while this was reading: the record was written before the file.
            records[entry.run_id] = read_record(home, entry.run_id) or {}
        twin = weeks.setdefault(entry.calibrated_on_date, path.name)
        if twin != path.name:
            what = "two calibrations of one week are stored"
            findings.append(Finding(AREA, str(path), what, f"{entry.calibrated_on_date} again", f"only {twin}"))
    return [*findings, *_compare_with_records(home, hashes, records)], len(files)


def _compare_with_records(
    home: Home, hashes: Mapping[str, str], records: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    named = {}
    for run_id, record in records.items():
        kept = record.get(RECORD_KEY)
        if isinstance(kept, dict):
            named[str(kept.get("file"))] = (run_id, str(kept.get(_HASH)), record.get("outcome") == CALIBRATED)
    for name, (run_id, sha256, is_done) in named.items():
        where, expected = str(folder_of(home) / name), f"hash {sha256}, as run {run_id} stored it"
        found = hashes.get(name)
        if found is None and is_done:
            yield Finding(AREA, where, "a stored calibration is gone", "no such file", expected)
        elif found not in (None, "unreadable", sha256):
            yield Finding(AREA, where, "a stored calibration is not the one of its run", f"hash {found}", expected)
    for name in sorted(hashes.keys() - named.keys()):
        where = str(folder_of(home) / name)
        what = "a stored calibration that no run record names"
        yield Finding(AREA, where, what, "no run record", "the record of the run that stored it")


def list_calibration_files(home: Home) -> list[Path]:
    """Return the stored calibrations' files in the order of their weeks."""
    # What a killed write leaves ends in .tmp and begins with a dot: it was never a calibration.
    return [path for path in sorted(folder_of(home).glob("*.json")) if not path.name.startswith(".")]


def _document(entry: StoredCalibration) -> dict[str, Any]:
    return {
        "calibration_version": CALIBRATION_VERSION,
        "calibrated_on_date": entry.calibrated_on_date.isoformat(),
        "used_from_date": entry.used_from_date.isoformat(),
        "is_simulated": entry.is_simulated,
        **{name: getattr(entry, name) for name in _TEXTS},
        "values": dict(entry.values),
    }


def _parse(document: Any) -> StoredCalibration:
    if not isinstance(document, dict):
        raise TypeError("not a JSON object")
    values = document["values"]
    if not isinstance(values, dict) or not all(_is_value(value) for value in values.values()):
        raise TypeError("values that are not numbers, texts or null")
    texts = {name: document[name] for name in (*_TEXTS, _HASH)}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise TypeError(f"{name} is no text")
    if not isinstance(document["is_simulated"], bool):
        raise TypeError("is_simulated is neither true nor false")
    datetime.fromisoformat(texts["stored_at_utc"])
    return StoredCalibration(
        calibrated_on_date=date.fromisoformat(document["calibrated_on_date"]),
        used_from_date=date.fromisoformat(document["used_from_date"]),
        values=values,
        is_simulated=document["is_simulated"],
        **texts,
    )


def _is_value(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, (str, int)) and not isinstance(value, bool))


def _is_same(left: Value, right: Value) -> bool:
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=SAME_WITHIN, abs_tol=1e-15)
    return left == right


def _hash_of(document: Mapping[str, Any]) -> str:
    # Python writes a float in its shortest form that reads back as the same number: one spelling each.
    return sha256_hex(json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii"))


def refuse_calibration(path: Path, found: str, expected: str) -> ChecksFailedError:
    """Return the error that refuses a file, to be raised."""
    return ChecksFailedError(
        "a stored calibration cannot be used",
        where=str(path),
        found=found,
        expected=expected,
        next_step="copy the file back from a copy of the home; without one, take it out of the folder: "
        "its week is then computed from the present data",
    )
