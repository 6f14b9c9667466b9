"""Re-hashing what lies in a home: the raw files against their sidecars, the warehouse against its run record."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import PipelineError
from transforms.hash_chain import sha256_hex
from warehouse.governance.findings import Finding
from warehouse.home import Home
from warehouse.publish import hash_file
from warehouse.query import open_published

_SIDECAR = ".meta.json"
_PRUNED = ".pruned.json"
_OBSERVED = "observed.jsonl"
_PREFIX = 16


def check_raw_files(home: Home) -> tuple[list[Finding], int]:
    """Compare every raw file with its sidecar, and every version seen with what is there.

    Returns
    -------
    tuple[list[Finding], int]
        What was found, and the number of files re-hashed.
    """
    findings: list[Finding] = []
    count = 0
    for folder in _file_folders(home.raw):
        names = {entry.name for entry in os.scandir(folder) if entry.is_file() and not entry.name.startswith(".")}
        for name in sorted(names - {_OBSERVED}):
            if name.endswith(_SIDECAR):
                count += 1
                findings += _check_version(folder, name)
            elif name.endswith(_PRUNED):
                continue  # the note of a version that `alvh prune` removed
            elif name + _SIDECAR not in names:
                # A night killed between the file and its sidecar leaves this; the next one fetches it again.
                findings.append(_note(folder / name, "a raw file without a sidecar", "no sidecar", name + _SIDECAR))
        findings += _check_observed(folder, names)
    return findings, count


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


def check_published(home: Home, records: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Compare the published warehouse, and the earlier ones kept, with the hashes written down of them."""
    published = [record for record in records.values() if record.get("published")]
    findings = [
        Finding("warehouse", str(path), "an earlier warehouse was changed", f"SHA-256 {sha256}", f"{path.stem}...")
        for path in sorted(home.earlier.glob("*.duckdb"))
        if not (sha256 := hash_file(path)).startswith(path.stem)
    ]
    if not home.published.exists():
        if published:
            expected = f"the warehouse of run {published[-1]['run_id']}"
            findings.append(Finding("warehouse", str(home.published), "no warehouse", "no such file", expected))
        return findings
    sha256 = hash_file(home.published)
    expected = str(published[-1]["published"]["sha256"]) if published else ""
    if sha256 == expected:
        return findings
    builder = _run_of(home)
    record = _read_record(home, builder)
    if (record.get("published") or {}).get("sha256") == sha256:
        return findings  # published while this was reading
    if "planned" in record and not record.get("published"):
        what = f"the warehouse was published by run {builder}, which was killed before it wrote down its hash"
        is_error = False
    else:
        what, is_error = "the published warehouse was changed, or another was put in its place", True
    said = f"SHA-256 {expected}, of run {published[-1]['run_id']}" if published else "a run record that names its hash"
    return [*findings, Finding("warehouse", str(home.published), what, f"SHA-256 {sha256}", said, is_error)]


def _check_version(folder: Path, sidecar_name: str) -> Iterator[Finding]:
    path = folder / sidecar_name.removesuffix(_SIDECAR)
    try:
        sidecar = json.loads((folder / sidecar_name).read_text(encoding="utf-8"))
        stated, size = str(sidecar["sha256"]), int(sidecar["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        yield _error(folder / sidecar_name, "a sidecar that cannot be read", "no sha256 and bytes in it", "a sidecar")
        return
    owner = (sidecar.get("publisher"), sidecar.get("name"))
    if not path.name.startswith(stated[:_PREFIX]) or owner != (folder.parent.name, folder.name):
        found = f"{'/'.join(map(str, owner))}, SHA-256 {stated}"
        expected = f"{folder.parent.name}/{folder.name}, {path.stem}..."
        yield _error(folder / sidecar_name, "a sidecar that is about another file", found, expected)
    try:
        body = path.read_bytes()
    except OSError as error:
        yield _error(path, "a raw file is gone", error.strerror or type(error).__name__, f"SHA-256 {stated}")
        return
    actual = sha256_hex(body)
    if actual != stated or len(body) != size:
        found, expected = f"{len(body)} bytes, SHA-256 {actual}", f"{size} bytes, SHA-256 {stated}"
        yield _error(path, "a raw file was changed", found, expected)


def _check_observed(folder: Path, names: set[str]) -> Iterator[Finding]:
    path = folder / _OBSERVED
    versions = {name[:_PREFIX]: name for name in names if name.endswith(_SIDECAR)}
    if _OBSERVED not in names:
        if versions:
            # Killed between the first version and the note that it was seen.
            yield _note(path, "no list of the versions seen", "no such file", f"{len(versions)} versions")
        return
    body = path.read_bytes()
    removed = {name[:_PREFIX] for name in names if name.endswith(_PRUNED)}
    seen = set()
    for number, line in enumerate(body.splitlines(), start=1):
        try:
            sha256 = str(json.loads(line)["sha256"])
        except (ValueError, KeyError, TypeError):
            yield _note(path, f"line {number} cannot be read", repr(line[:80]), "a version seen")
            continue
        seen.add(sha256[:_PREFIX])
        if sha256[:_PREFIX] not in versions.keys() | removed:
            yield _error(path, f"the version of line {number} is gone", "no such file", f"SHA-256 {sha256}")
    for prefix in sorted(set(versions) - seen):
        yield _note(path, "a version that was never noted as seen", versions[prefix], "a line that names it")


def _file_folders(root: Path) -> Iterator[Path]:
    for publisher in _listed(root):
        if publisher.is_dir():
            yield from (folder for folder in _listed(publisher) if folder.is_dir())


def _listed(folder: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in os.scandir(folder)) if folder.is_dir() else []


def _run_of(home: Home) -> str | None:
    try:
        with open_published(home) as connection:
            row = connection.execute("select run_id from ref.run").fetchone()
    except (PipelineError, duckdb.Error):
        return None
    return str(row[0]) if row else None


def _read_record(home: Home, run_id: str | None) -> dict[str, Any]:
    try:
        record = json.loads((home.runs / f"{run_id}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _error(path: Path, what: str, found: str, expected: str) -> Finding:
    return Finding("raw", str(path), what, found, expected)


def _note(path: Path, what: str, found: str, expected: str) -> Finding:
    return Finding("raw", str(path), what, found, expected, is_error=False)
