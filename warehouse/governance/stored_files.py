"""Re-hashing the published warehouse and the earlier ones, and looking for the files they were built from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.backup import MARKER
from warehouse.governance.findings import Finding
from warehouse.home import Home
from warehouse.plain_json import load_json
from warehouse.publish import hash_file
from warehouse.run_log import published_run_id, read_record

_PREFIX = 16
_NOTHING = "nothing that a night cannot build again"


@dataclass(frozen=True)
class PublishedReading:
    """What was found of the warehouses, how many there are, and whether the published one is what was published."""

    findings: tuple[Finding, ...]
    files: int
    bytes: int
    is_trusted: bool


def check_inputs(home: Home, record: Mapping[str, Any] | None) -> list[Finding]:
    """Look for the files that the published warehouse was built from, by the hashes of its run record."""
    findings = []
    for entry in (record or {}).get("inputs", []):
        folder = home.raw / entry["publisher"] / entry["file_name"]
        if not any(path.name.startswith(entry["sha256"][:_PREFIX]) for path in _listed(folder)):
            findings.append(
                Finding(
                    "raw",
                    str(folder),
                    "a file that the published warehouse was built from is gone",
                    "no version of this hash",
                    f"the version of SHA-256 {entry['sha256']}, which run {(record or {}).get('run_id')} read",
                )
            )
    return findings


def check_published(
    home: Home, records: Mapping[str, Mapping[str, Any]], logged: Sequence[str] = ()
) -> PublishedReading:
    """Compare the published warehouse, and the earlier ones kept, with the hashes written down of them.

    Parameters
    ----------
    logged
        Hashes of published warehouses in the policy log, newest last: they count where a run record is damaged.
    """
    published = [record for record in records.values() if record.get("published")]
    hashes = [*logged, *(str(record["published"]["sha256"]) for record in published)]
    known = {sha256[:_PREFIX]: sha256 for sha256 in hashes}
    findings = []
    files = sorted(home.earlier.glob("*.duckdb"))
    for path in files:
        expected, sha256 = known.get(path.stem, path.stem), hash_file(path)
        if not sha256.startswith(expected):
            said = expected if expected in known.values() else f"{path.stem}..."
            what, lost = "an earlier warehouse was changed", "a way back to that night as it was published"
            findings.append(Finding("warehouse", str(path), what, f"SHA-256 {sha256}", said, lost=lost))
    size = sum(path.stat().st_size for path in files)
    if home.published.exists():
        finding = _judge_published(home, published, logged)
        found = [*findings, *([finding] if finding else [])]
        trusted = bool(hashes) and (finding is None or not finding.is_error)
        return PublishedReading(tuple(found), len(files) + 1, size + home.published.stat().st_size, trusted)
    if published:
        expected = f"the warehouse of run {published[-1]['run_id']}"
        is_restored = _made_at(home) >= str(published[-1].get("published_at_utc"))
        what = "no warehouse yet in this copy; `alvh rebuild` builds it" if is_restored else "no warehouse"
        lost = "" if is_restored else _NOTHING
        findings.append(
            Finding("warehouse", str(home.published), what, "no such file", expected, not is_restored, lost)
        )
    return PublishedReading(tuple(findings), len(files), size, is_trusted=False)


def _made_at(home: Home) -> str:
    """Return when a copy of a home was made, or an empty text where it is none."""
    try:
        return str(load_json((home.path / MARKER).read_bytes())["made_at_utc"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _judge_published(home: Home, published: Sequence[Mapping[str, Any]], logged: Sequence[str]) -> Finding | None:
    sha256 = hash_file(home.published)
    expected = str(published[-1]["published"]["sha256"]) if published else ""
    if sha256 == expected:
        return None
    builder = published_run_id(home)
    record = (read_record(home, builder) if builder else None) or {}
    if not record and sha256 in logged[-1:]:
        return None  # its record is damaged, which is found there
    if (record.get("published") or {}).get("sha256") == sha256:
        return None  # published while this was reading
    if "planned" in record and not record.get("published"):
        what = f"the warehouse was published by run {builder}, which was killed before it wrote down its hash"
        is_error = False
    else:
        what, is_error = "the published warehouse was changed, or another was put in its place", True
    said = f"SHA-256 {expected}, of run {published[-1]['run_id']}" if published else "a run record that names its hash"
    found = f"SHA-256 {sha256}"
    return Finding("warehouse", str(home.published), what, found, said, is_error, _NOTHING if is_error else "")


def _listed(folder: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in os.scandir(folder)) if folder.is_dir() else []
