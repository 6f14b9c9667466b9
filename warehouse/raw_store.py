"""The raw store: every file as fetched, immutable, by content, with a sidecar beside it.

``raw/<publisher>/<name>/<sha256 prefix><suffix>`` is a version; ``<...>.meta.json`` beside it says
where it came from; ``observed.jsonl`` is the order in which versions were seen, so that a publisher
who goes back to an earlier version is read right. ``raw/<publisher>.checked.json`` is when each name was
last asked for. Identical bytes are stored once; a later different version is kept beside the earlier.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from transforms.errors import PipelineError
from transforms.formats import inspect_file, last_trade_date
from warehouse.home import Home, write_atomically
from warehouse.instants import iso_utc

_PREFIX = 16


@dataclass(frozen=True)
class StoredFile:
    """One version of one file, with its provenance (the sidecar's content).

    ``refusal`` is the reason why the version is not read, decided when it was stored by
    :func:`transforms.formats.inspect_file`; it is kept all the same.
    """

    publisher: str
    dataset: str
    name: str
    url: str
    status: int
    headers: Mapping[str, str]
    bytes: int
    sha256: str
    fetched_at_utc: str
    refusal: str | None = None
    last_trade_date: str | None = None
    path: Path = Path()

    @property
    def last_date(self) -> date | None:
        """Newest trade date in the file, where it is a contract file."""
        return date.fromisoformat(self.last_trade_date) if self.last_trade_date else None


@dataclass(frozen=True)
class FileState:
    """What is known about a file name: versions in the order seen, and the last look."""

    versions: tuple[StoredFile, ...]
    checked_at_utc: str | None
    absent: str | None

    @property
    def newest(self) -> StoredFile | None:
        """The version seen last, readable or not: what the publisher has now."""
        return self.versions[-1] if self.versions else None

    @property
    def current(self) -> StoredFile | None:
        """The version to read: the one seen last that is what it claims to be.

        None where a user has taken the file away: what a publisher no longer serves stays valid, but
        removing an input is how its user withdraws it.
        """
        if self.absent is not None and self.newest is not None and self.newest.publisher == "user":
            return None
        return next((version for version in reversed(self.versions) if version.refusal is None), None)


class RawStore:
    """The raw folder of a home."""

    def __init__(self, home: Home) -> None:
        self.root = home.raw
        self._checks: dict[str, dict[str, dict[str, str | None]]] = {}

    def land(
        self,
        *,
        publisher: str,
        dataset: str,
        name: str,
        url: str,
        body: bytes,
        status: int,
        headers: Mapping[str, str],
        fetched_at: datetime,
    ) -> tuple[StoredFile, bool]:
        """Store a body. Return its version and whether it differs from the one seen before.

        The version is on the disk, synced, before this returns: a run that dies afterwards has
        lost nothing it fetched.
        """
        folder = self._folder(publisher, name)
        sha256 = hashlib.sha256(body).hexdigest()
        instant = iso_utc(fetched_at)
        previous = self.state(publisher, name)
        known = next((version for version in previous.versions if version.sha256 == sha256), None)
        stored = known or self._store(folder, publisher, dataset, name, url, body, status, headers, sha256, instant)
        is_new = previous.newest is None or previous.newest.sha256 != sha256
        if is_new:
            _append_line(folder / "observed.jsonl", {"sha256": sha256, "seen_at_utc": instant})
        self.note_checked(publisher, name, fetched_at)
        return stored, is_new

    def note_checked(self, publisher: str, name: str, checked_at: datetime, absent: str | None = None) -> None:
        """Remember that the publisher was asked: unchanged, or absent for a reason.

        Written by :meth:`flush`; losing it costs a request, never a value.
        """
        self._checks_of(publisher)[name] = {
            "checked_at_utc": iso_utc(checked_at),
            "absent": absent,
        }

    def flush(self) -> None:
        """Write what :meth:`note_checked` remembers."""
        for publisher, checks in self._checks.items():
            write_atomically(self._checks_path(publisher), json.dumps(checks, indent=0, sort_keys=True).encode())

    def state(self, publisher: str, name: str) -> FileState:
        """Return what is known about a file name."""
        checked = self._checks_of(publisher).get(name, {})
        return FileState(
            _read_versions(self._folder(publisher, name)),
            checked.get("checked_at_utc"),
            checked.get("absent"),
        )

    def states(self) -> Iterator[tuple[str, str, FileState]]:
        """Yield publisher, name and state of every file ever asked for, in a fixed order."""
        for publisher in sorted(_folders(self.root)):
            stored = {folder.name for folder in _folders(publisher)}
            for name in sorted(stored | set(self._checks_of(publisher.name))):
                yield publisher.name, name, self.state(publisher.name, name)

    def current_files(self) -> list[StoredFile]:
        """Return the version to read of every file that has one."""
        return [state.current for _, _, state in self.states() if state.current is not None]

    def _checks_path(self, publisher: str) -> Path:
        return self.root / f"{publisher}.checked.json"

    def _checks_of(self, publisher: str) -> dict[str, dict[str, str | None]]:
        if publisher not in self._checks:
            try:
                self._checks[publisher] = json.loads(self._checks_path(publisher).read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):
                self._checks[publisher] = {}
        return self._checks[publisher]

    def _folder(self, publisher: str, name: str) -> Path:
        for part in (publisher, name):
            if not part or part in (".", "..") or "/" in part or "\\" in part or part.startswith("."):
                raise PipelineError(
                    "a raw file needs a plain name", found=repr(part), expected="letters, digits, - _ ."
                )
        return self.root / publisher / name

    def _store(
        self,
        folder: Path,
        publisher: str,
        dataset: str,
        name: str,
        url: str,
        body: bytes,
        status: int,
        headers: Mapping[str, str],
        sha256: str,
        fetched_at_utc: str,
    ) -> StoredFile:
        path = folder / f"{sha256[:_PREFIX]}{Path(name).suffix}"
        newest_row = last_trade_date(body) if dataset in ("vx_contract", "vx_archive") else None
        stored = StoredFile(
            publisher=publisher,
            dataset=dataset,
            name=name,
            url=url,
            status=status,
            headers=dict(headers),
            bytes=len(body),
            sha256=sha256,
            fetched_at_utc=fetched_at_utc,
            refusal=inspect_file(dataset, name, body),
            last_trade_date=newest_row.isoformat() if newest_row else None,
        )
        # The body first: a sidecar therefore always has its file.
        write_atomically(path, body)
        sidecar = {key: value for key, value in asdict(stored).items() if key != "path"}
        write_atomically(_sidecar(path), json.dumps(sidecar, indent=1, sort_keys=True).encode())
        return replace(stored, path=path)


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".meta.json")


def _folders(root: Path) -> list[Path]:
    return [Path(entry.path) for entry in os.scandir(root) if entry.is_dir()] if root.is_dir() else []


def _read_versions(folder: Path) -> tuple[StoredFile, ...]:
    versions = []
    for seen in _read_lines(folder / "observed.jsonl"):
        match = next(folder.glob(f"{seen['sha256'][:_PREFIX]}*.meta.json"), None)
        if match is not None:
            versions.append(_read_sidecar(match))
    return tuple(versions)


def _read_sidecar(sidecar: Path) -> StoredFile:
    path = sidecar.with_name(sidecar.name.removesuffix(".meta.json"))
    stored = StoredFile(**json.loads(sidecar.read_text(encoding="utf-8")), path=path)
    if stored.refusal is None:
        return stored
    # Judged again each time: a later release may have learnt the format.
    return replace(stored, refusal=inspect_file(stored.dataset, stored.name, path.read_bytes()))


def _append_line(path: Path, entry: dict[str, Any]) -> None:
    earlier = path.read_bytes() if path.exists() else b""
    if earlier and not earlier.endswith(b"\n"):
        # A power cut may leave half a line, which names no stored version: close it off.
        earlier += b"\n"
    write_atomically(path, earlier + json.dumps(entry).encode() + b"\n")


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue
