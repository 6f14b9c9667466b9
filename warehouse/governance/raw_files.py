"""Re-hashing the raw store: bodies, sidecars, the list of versions seen, and what no night stored."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from transforms.hash_chain import sha256_hex
from warehouse.governance.findings import Finding
from warehouse.home import Home
from warehouse.raw_store import LINE_SEAL, NOT_IN_SIDECAR, OBSERVED, StoredFile, hash_line, render_sidecar
from warehouse.seals import SEAL, find_damage

_SIDECAR, _PRUNED, _CHECKED = ".meta.json", ".pruned.json", ".checked.json"
_PREFIX = 16
_BODY = re.compile(r"[0-9a-f]{16}(\.\w+)?")
_FIELDS = frozenset(one.name for one in fields(StoredFile)) - NOT_IN_SIDECAR
_READ = "the version that nights read"
_ORDER = "which version was the newest, and when"
_ORIGIN = "where the file came from, and when"
_SUPERSEDED = "a superseded version: what was known while it was the newest"


@dataclass
class RawReading:
    """What was found in the raw store, and how much was looked at.

    ``unsealed`` counts what an earlier version wrote without a hash of its own, ``removed`` the notes of versions that
    `alvh prune` removed.
    """

    findings: list[Finding] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    unsealed: int = 0
    removed: int = 0


def check_raw_files(home: Home) -> RawReading:
    """Compare every raw file with its sidecar, and every version seen with what is there."""
    reading = RawReading()
    for folder in _file_folders(home.raw, reading):
        names = {entry.name for entry in os.scandir(folder) if entry.is_file() and not entry.name.startswith(".")}
        newest = _newest_seen(folder)
        for name in sorted(names - {OBSERVED}):
            if name.endswith(_SIDECAR):
                reading.files += 1
                reading.findings += _check_version(folder, name, newest, reading)
            elif name.endswith(_PRUNED):
                reading.removed += 1
            elif name + _SIDECAR not in names:
                reading.findings.append(_judge_alone(folder / name))
        reading.findings += _check_observed(folder, names, reading)
    return reading


def _check_version(folder: Path, sidecar_name: str, newest: str, reading: RawReading) -> Iterator[Finding]:
    path, sidecar_path = folder / sidecar_name.removesuffix(_SIDECAR), folder / sidecar_name
    lost = _READ if path.name.startswith(newest) else _SUPERSEDED
    try:
        written = sidecar_path.read_bytes()
        reading.bytes += len(written)
        sidecar = json.loads(written)
        stated, size = str(sidecar["sha256"]), int(sidecar["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        yield _error(sidecar_path, "a sidecar that cannot be read", "no sha256 and bytes in it", "a sidecar", _ORIGIN)
        return
    yield from _check_sidecar(sidecar_path, sidecar, written, reading)
    owner = (sidecar.get("publisher"), sidecar.get("name"))
    if not path.name.startswith(stated[:_PREFIX]) or owner != (folder.parent.name, folder.name):
        found = f"{'/'.join(map(str, owner))}, SHA-256 {stated}"
        expected = f"{folder.parent.name}/{folder.name}, {path.stem}..."
        yield _error(sidecar_path, "a sidecar that is about another file", found, expected, _ORIGIN)
    try:
        body = path.read_bytes()
    except OSError as error:
        yield _error(path, "a raw file is gone", error.strerror or type(error).__name__, f"SHA-256 {stated}", lost)
        return
    reading.bytes += len(body)
    actual = sha256_hex(body)
    if actual != stated or len(body) != size:
        found, expected = f"{len(body)} bytes, SHA-256 {actual}", f"{size} bytes, SHA-256 {stated}"
        yield _error(path, "a raw file was changed", found, expected, lost)


def _check_sidecar(path: Path, sidecar: dict[str, Any], written: bytes, reading: RawReading) -> Iterator[Finding]:
    if sidecar.keys() != _FIELDS | {SEAL} and sidecar.keys() != _FIELDS:
        found = ", ".join(sorted(sidecar.keys() ^ (_FIELDS | {SEAL})))
        yield _error(path, "a sidecar that cannot be read", f"other entries: {found}", "those of a sidecar", _ORIGIN)
        return
    if SEAL not in sidecar:
        reading.unsealed += 1
        return
    damage = find_damage(sidecar)
    if damage is not None:
        yield _error(path, "a sidecar was changed", *damage, _ORIGIN)
    elif render_sidecar(sidecar) != written:
        yield _error(path, "a sidecar was changed", "another spelling of it", "the spelling of a night", "nothing")


def _judge_alone(path: Path) -> Finding:
    """A night killed between a file and its sidecar leaves the file alone; the next one fetches it again."""
    what = "a raw file without a sidecar" if _BODY.fullmatch(path.name) else "a file that no night stored"
    return _note(path, what, "no sidecar", path.name + _SIDECAR)


def _newest_seen(folder: Path) -> str:
    """Return the beginning of the name of the version seen last, or what no name begins with."""
    newest = "/"
    try:
        lines = (folder / OBSERVED).read_bytes().splitlines()
    except OSError:
        return newest
    for line in lines:
        try:
            newest = str(json.loads(line)["sha256"])[:_PREFIX]
        except (ValueError, KeyError, TypeError):
            continue
    return newest


def _check_observed(folder: Path, names: set[str], reading: RawReading) -> Iterator[Finding]:
    path = folder / OBSERVED
    versions = {name[:_PREFIX]: name for name in names if name.endswith(_SIDECAR)}
    if OBSERVED not in names:
        if versions:
            # Killed between the first version and the note that it was seen.
            yield _note(path, "no list of the versions seen", "no such file", f"{len(versions)} versions")
        return
    body = path.read_bytes()
    reading.bytes += len(body)
    removed = {name[:_PREFIX] for name in names if name.endswith(_PRUNED)}
    seen, before, lines = set(), b"", body.splitlines()
    for number, line in enumerate(lines, start=1):
        entry = _parse_line(line)
        if entry is None:
            # Torn by a power cut it names no version; a later night closed it off, and its own line counts it in.
            is_torn = b"}" not in line and (number < len(lines) or not body.endswith(b"\n"))
            what, found = f"line {number} cannot be read", repr(line[:80])
            yield Finding("raw", str(path), what, found, "a version seen", not is_torn, "" if is_torn else _ORDER)
        else:
            sha256 = str(entry.get("sha256", ""))
            seen.add(sha256[:_PREFIX])
            if sha256 and sha256[:_PREFIX] not in versions.keys() | removed:
                yield _error(path, f"the version of line {number} is gone", "no such file", f"SHA-256 {sha256}", _READ)
            yield from _check_line(path, number, line, entry, before, reading)
        before = line
    for prefix in sorted(set(versions) - seen):
        yield _note(path, "a version that was never noted as seen", versions[prefix], "a line that names it")


def _parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and entry.keys() & {"sha256", "absent"} else None


def _check_line(
    path: Path, number: int, line: bytes, entry: dict[str, Any], before: bytes, reading: RawReading
) -> Iterator[Finding]:
    plain = {"absent" if "absent" in entry else "sha256", "seen_at_utc"}
    if entry.keys() == plain:
        reading.unsealed += 1
        return
    if entry.keys() != plain | {LINE_SEAL} or json.dumps(entry).encode() != line:
        yield _error(path, f"line {number} was changed", repr(line[:80]), "a line as nights write it", _ORDER)
        return
    expected = hash_line(entry, before)
    if entry[LINE_SEAL] != expected:
        what = f"line {number}, or the one before it, was changed"
        yield _error(path, what, f"hash {entry[LINE_SEAL]} stated", f"hash {expected}", _ORDER)


def _file_folders(root: Path, reading: RawReading) -> Iterator[Path]:
    for publisher in _listed(root):
        if publisher.is_dir():
            for path in _listed(publisher):
                if path.is_dir():
                    yield path
                else:
                    reading.findings.append(_stranger(path))
        elif publisher.name.endswith(_CHECKED):
            try:
                json.loads(publisher.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                what = "when a publisher was last asked cannot be read; the next night asks for everything again"
                reading.findings.append(_note(publisher, what, type(error).__name__, "a list of files"))
        else:
            reading.findings.append(_stranger(publisher))


def _stranger(path: Path) -> Finding:
    return _note(path, "a file that no night stored", path.name, "folders of publishers and their files")


def _listed(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(Path(entry.path) for entry in os.scandir(folder) if not entry.name.startswith("."))


def _error(path: Path, what: str, found: str, expected: str, lost: str) -> Finding:
    return Finding("raw", str(path), what, found, expected, lost=lost)


def _note(path: Path, what: str, found: str, expected: str) -> Finding:
    return Finding("raw", str(path), what, found, expected, is_error=False)
