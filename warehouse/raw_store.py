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
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from transforms.errors import ChecksFailedError, PipelineError
from transforms.formats import CONTRACTS, DATASETS, inspect_file, last_trade_date
from transforms.hash_chain import sha256_hex
from transforms.registry import keeps_history
from warehouse.home import Home, write_atomically
from warehouse.instants import iso_utc
from warehouse.plain_json import load_json
from warehouse.seals import SEAL, find_damage, seal

OBSERVED = "observed.jsonl"
SIDECAR = ".meta.json"
LINE_SEAL = "line_sha256"
USER = "user"
"""The publisher of files that users provide."""
_PREFIX = 16
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[^./\\][^/\\]*")
NOT_IN_SIDECAR = frozenset({"path", "sidecar_sha256"})


@dataclass(frozen=True)
class StoredFile:
    """One version of one file, with its provenance (the sidecar's content).

    ``refusal`` is the reason why the version is not read, decided when it was stored by
    :func:`transforms.formats.inspect_file`, or when it is read by the versions before it; it is kept all the same.
    ``path`` and ``sidecar_sha256``, the hash of the sidecar itself, are not in the sidecar.
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
    sidecar_sha256: str = ""

    @property
    def last_date(self) -> date | None:
        """Newest trade date in the file, where it is a contract file."""
        return date.fromisoformat(self.last_trade_date) if self.last_trade_date else None

    @property
    def is_whole(self) -> bool:
        """True where the body on the disk is the one that was fetched."""
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest() == self.sha256
        except OSError:
            return False


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
        if self.absent is not None and self.newest is not None and self.newest.publisher == USER:
            return None
        return next((version for version in reversed(self.versions) if version.refusal is None), None)


class RawStore:
    """The raw folder of a home."""

    def __init__(self, home: Home) -> None:
        self.root = home.raw
        self._checks: dict[str, dict[str, dict[str, str | None]]] = {}
        self._unwritten: Counter[str] = Counter()

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
        stored = _judge_among(stored, previous.versions)
        if not stored.is_whole:
            # Damaged since it was fetched, and here it is again.
            write_atomically(stored.path, body)
        is_new = previous.newest is None or previous.newest.sha256 != sha256
        if is_new or _is_away(folder):
            _append_line(folder / OBSERVED, {"sha256": sha256, "seen_at_utc": instant})
        self.note_checked(publisher, name, fetched_at)
        return stored, is_new

    def note_checked(self, publisher: str, name: str, checked_at: datetime, absent: str | None = None) -> None:
        """Remember that the publisher was asked: unchanged, or absent for a reason.

        Written by :meth:`flush`; losing it costs a request, never a value. That a user took an input away is put among
        the versions seen at once: it decides what is read, and from when on.
        """
        folder = self._folder(publisher, name)
        if absent is not None and publisher == USER and (folder / OBSERVED).exists() and not _is_away(folder):
            _append_line(folder / OBSERVED, {"absent": absent, "seen_at_utc": iso_utc(checked_at)})
        self._checks_of(publisher)[name] = {
            "checked_at_utc": iso_utc(checked_at),
            "absent": absent,
        }
        self._unwritten[publisher] += 1

    def flush_when_due(self, least: int) -> None:
        """Write what :meth:`note_checked` remembers, once so many looks and a twentieth of all are unwritten.

        A publisher's looks are one file, written whole: after every few, thousands would take the square of their time.
        """
        known = sum(len(self._checks[publisher]) for publisher in self._unwritten)
        if self._unwritten.total() >= max(least, known / 20):
            self.flush()

    def flush(self) -> None:
        """Write what :meth:`note_checked` remembers."""
        for publisher in self._unwritten:
            checks = json.dumps(self._checks[publisher], indent=0, sort_keys=True)
            write_atomically(self._checks_path(publisher), checks.encode())
        self._unwritten.clear()

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

    def files_to_read(self) -> list[StoredFile]:
        """Return every version that a build reads: of most files the current one, of some all that can be read."""
        found: dict[Path, StoredFile] = {}
        for _, name, state in self.states():
            current = state.current
            if current is None:
                continue
            versions = state.versions if keeps_history(current.dataset, name) else (current,)
            found |= {version.path: version for version in versions if version.refusal is None}
        return list(found.values())

    def _checks_path(self, publisher: str) -> Path:
        return self.root / f"{publisher}.checked.json"

    def _checks_of(self, publisher: str) -> dict[str, dict[str, str | None]]:
        if publisher not in self._checks:
            try:
                noted = load_json(self._checks_path(publisher).read_bytes())
            except (FileNotFoundError, ValueError):
                noted = {}
            # Losing a note costs a request: one that is none is as good as lost.
            looks = noted.items() if isinstance(noted, dict) else ()
            self._checks[publisher] = {name: look for name, look in looks if _is_look(name, look)}
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
        newest_row = last_trade_date(body) if dataset in CONTRACTS else None
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
        sidecar = render_sidecar({key: value for key, value in asdict(stored).items() if key not in NOT_IN_SIDECAR})
        write_atomically(_sidecar(path), sidecar)
        return replace(stored, path=path, sidecar_sha256=sha256_hex(sidecar))


def render_sidecar(entries: Mapping[str, Any]) -> bytes:
    """Return a sidecar as it is written, with its seal."""
    return json.dumps(seal(entries), indent=1, sort_keys=True).encode()


def hash_line(line: Mapping[str, Any], before: bytes) -> str:
    """Return the hash that a line of the list of versions states: over itself and the line before it, as written."""
    content = {key: value for key, value in line.items() if key != LINE_SEAL}
    return sha256_hex(before + b"\n" + json.dumps(content, sort_keys=True).encode())


def require_whole(files: Iterable[StoredFile]) -> None:
    """Check that stored files are still what was fetched.

    Raises
    ------
    ChecksFailedError
        Naming the first that is not: no value is made of damaged bytes.
    """
    for file in files:
        if not file.is_whole:
            raise ChecksFailedError(
                "a stored file is not what was fetched",
                where=str(file.path),
                found="other bytes, or none",
                expected=f"{file.bytes} bytes, SHA-256 {file.sha256}",
                next_step="`alvh verify` lists all such files; copy them back from a copy of the home, or run "
                "`alvh nightly --recheck`, which asks the publisher again",
            )


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + SIDECAR)


def _folders(root: Path) -> list[Path]:
    return [Path(entry.path) for entry in os.scandir(root) if entry.is_dir()] if root.is_dir() else []


def _read_versions(folder: Path) -> tuple[StoredFile, ...]:
    order = [str(seen.get("sha256")) for seen in read_lines(folder / OBSERVED)]
    # The folder is listed once and each sidecar read once: a file that changes every session has hundreds of versions.
    sidecars = {
        entry.name[:_PREFIX]: Path(entry.path)
        for entry in (os.scandir(folder) if order else ())
        if entry.name.endswith(SIDECAR)
    }
    stored: dict[str, StoredFile] = {}
    for prefix in (sha256[:_PREFIX] for sha256 in order if _SHA256.fullmatch(sha256)):
        if prefix in sidecars and prefix not in stored:
            stored[prefix] = _read_sidecar(sidecars[prefix])
    versions: list[StoredFile] = []
    for sha256 in order:
        if (version := stored.get(sha256[:_PREFIX])) is not None:
            versions.append(_judge_among(version, versions))
    return tuple(versions)


def _judge_among(version: StoredFile, earlier: Sequence[StoredFile]) -> StoredFile:
    """Refuse a contract's file without a line where an earlier version has some: it has lost what had settled."""
    if version.dataset not in CONTRACTS or version.refusal is not None or version.last_trade_date:
        return version
    dates = [before.last_trade_date for before in earlier if before.last_trade_date]
    return replace(version, refusal=f"no line, where an earlier version has them to {max(dates)}") if dates else version


def _read_sidecar(sidecar: Path) -> StoredFile:
    path = sidecar.with_name(sidecar.name.removesuffix(SIDECAR))
    body = sidecar.read_bytes()
    try:
        document = load_json(body)
        damage = find_damage(document) if SEAL in document else None
        document.pop(SEAL, None)
        stored = StoredFile(**document, path=path, sidecar_sha256=sha256_hex(body))
        _require_plain(stored)
    except (ValueError, TypeError, AttributeError) as error:
        damage = (f"{type(error).__name__}: {error}", "the sidecar as it was written")
    if damage is not None:
        raise ChecksFailedError(
            "what is noted of a stored file cannot be used",
            where=str(sidecar),
            found=damage[0],
            expected=damage[1],
            next_step="copy it back from a copy of the home; without one, move it and the file beside it out of the "
            "home: the version is then as if it had not been fetched",
        )
    if stored.refusal is None:
        return stored
    # Judged again each time: a later release may have learnt the format.
    return replace(stored, refusal=inspect_file(stored.dataset, stored.name, path.read_bytes()))


def _require_plain(stored: StoredFile) -> None:
    """Refuse a sidecar that is none, or that is about another file: its words become paths and dates.

    Raises
    ------
    ValueError
        Naming the entry.
    """
    texts = ("publisher", "dataset", "name", "url", "sha256", "fetched_at_utc")
    wrong = next((name for name in texts if not isinstance(getattr(stored, name), str)), None)
    for name in ("refusal", "last_trade_date"):
        if getattr(stored, name) is not None and not isinstance(getattr(stored, name), str):
            wrong = name
    for name in ("status", "bytes"):
        if type(getattr(stored, name)) is not int:
            wrong = name
    if not isinstance(stored.headers, Mapping):
        wrong = "headers"
    if wrong is not None:
        raise ValueError(f"{wrong} is {getattr(stored, wrong)!r:.80}")
    folder = stored.path.parent
    if (stored.publisher, stored.name) != (folder.parent.name, folder.name):
        raise ValueError(f"the sidecar of {stored.publisher}/{stored.name}"[:80])
    if stored.dataset not in DATASETS or not _SHA256.fullmatch(stored.sha256):
        raise ValueError(f"data set {stored.dataset}, SHA-256 {stored.sha256}"[:120])
    if stored.last_date is not None and stored.last_trade_date != stored.last_date.isoformat():
        raise ValueError(f"last_trade_date {stored.last_trade_date}")
    datetime.fromisoformat(stored.fetched_at_utc)


def _is_look(name: object, look: object) -> bool:
    if not isinstance(name, str) or not isinstance(look, dict) or not _NAME.fullmatch(name):
        return False
    return all(look.get(key) is None or isinstance(look[key], str) for key in ("checked_at_utc", "absent"))


def _append_line(path: Path, entry: dict[str, Any]) -> None:
    earlier = path.read_bytes() if path.exists() else b""
    if earlier and not earlier.endswith(b"\n"):
        # A power cut may leave half a line, which names no stored version: close it off.
        earlier += b"\n"
    before = earlier.splitlines()[-1] if earlier else b""
    line = {**entry, LINE_SEAL: hash_line(entry, before)}
    write_atomically(path, earlier + json.dumps(line).encode() + b"\n")


def _is_away(folder: Path) -> bool:
    """Return whether a user's file was taken away when it was looked for last."""
    *_, last = [{}, *read_lines(folder / OBSERVED)]
    return "absent" in last


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what was seen of a file name, in order; a line that cannot be read names nothing."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            entry = load_json(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry
