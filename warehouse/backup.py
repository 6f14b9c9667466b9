"""A copy of what a home cannot make again, taken while nights run: in the reverse of the order in which nights write.

A night writes a raw body, then its sidecar, then the line that it was seen, and only then records and log entries
that name it. So the copy takes records and log first, in a moment in which neither changed, and then the raw store, the
lists of versions before the versions: whatever is named in the copy is in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from transforms.errors import PipelineError, UsageError
from transforms.hash_chain import sha256_hex
from warehouse.home import Home, make_folder, write_atomically
from warehouse.instants import iso_utc
from warehouse.raw_store import OBSERVED

MARKER = "backup.json"
ESSENTIAL = ("market.json", "policy", "calibrations", "runs", "inputs", "raw")
"""What a home cannot make again. The rest is built from it, or made by hand: audits, sweeps."""

_TOGETHER = ("runs", "policy", "calibrations", "market.json")
_TRIES = 20
_PREFIX = 16
_BODY = re.compile(r"[0-9a-f]{16}(\.(?!meta|pruned)\w+)?")


@dataclass(frozen=True)
class Backup:
    """What was copied: files that are in the copy, those of them that were written now, and their bytes.

    ``damaged`` are raw files whose bytes are not those of their name: they are left out.
    """

    folder: Path
    files: int
    written: int
    bytes: int
    damaged: tuple[str, ...] = ()


def backup_home(home: Home, folder: Path, now: datetime) -> Backup:
    """Copy what a home cannot make again to a folder, new or an earlier backup of the same home.

    Raises
    ------
    UsageError
        If the folder lies in the home, or holds something else.
    PipelineError
        If records and log change faster than they can be read, or the disk does not take a file.
    """
    _require_folder(home, folder)
    make_folder(folder)
    found: dict[str, bytes] = _read_together(home)
    written = 0
    size = 0
    count = 0
    damaged: list[str] = []
    for name, body in found.items():
        written += _write(folder / name, body)
        size, count = size + len(body), count + 1
    for path in _later_files(home):
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            continue  # removed by `alvh prune` meanwhile, or a file that was being written
        name = path.relative_to(home.path).as_posix()
        if _is_damaged(path, body):
            damaged.append(name)
            continue
        written += _write(folder / name, body)
        size, count = size + len(body), count + 1
    note = {
        "made_at_utc": iso_utc(now),
        "home": str(home.path),
        "holds": list(ESSENTIAL),
        "files": count,
        "bytes": size,
    }
    write_atomically(folder / MARKER, json.dumps(note, indent=1).encode())
    return Backup(folder, count, written, size, tuple(damaged))


def _require_folder(home: Home, folder: Path) -> None:
    if not home.path.is_dir():
        raise UsageError(
            "there is no such home folder", where=str(home.path), next_step="point --home (ALVH_HOME) to one"
        )
    if folder == home.path or home.path in folder.parents or folder in home.path.parents:
        what, said = "a backup lies outside of the home", "a folder that is neither in the home nor around it"
        raise UsageError(what, where=str(folder), expected=said)
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    try:
        held = json.loads((folder / MARKER).read_text(encoding="utf-8"))["home"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            "the folder holds something else",
            where=str(folder),
            found="no backup.json that can be read",
            expected="a new or empty folder, or an earlier backup of this home",
        ) from None
    if held != str(home.path):
        what = "the folder holds the backup of another home"
        raise UsageError(what, where=str(folder), found=held, expected=str(home.path))


def _read_together(home: Home) -> dict[str, bytes]:
    """Read records, policy and calibrations in a moment in which none of them changed."""
    for _ in range(_TRIES):
        before = _stamps(home)
        found: dict[str, bytes] = {}
        try:
            for path in before:
                found[path.relative_to(home.path).as_posix()] = path.read_bytes()
        except FileNotFoundError:
            continue
        if _stamps(home) == before:
            return found
    raise PipelineError(
        "the run records change faster than they can be copied",
        where=str(home.runs),
        expected="a moment in which no run writes",
        next_step="run `alvh backup` again",
    )


def _stamps(home: Home) -> dict[Path, tuple[int, int]]:
    found = {}
    for name in _TOGETHER:
        for path in _files(home.path / name):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def _later_files(home: Home) -> Iterator[Path]:
    """Yield the raw store, lists of versions first, then the files that users gave."""
    paths = list(_files(home.raw))
    yield from (path for path in paths if path.name == OBSERVED or path.name.endswith(".checked.json"))
    # Looked up again: a version that one of those lists names may have come since.
    yield from (path for path in _files(home.raw) if path.name != OBSERVED and not path.name.endswith(".checked.json"))
    yield from _files(home.path / "inputs")


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for one in sorted(path.rglob("*")) if path.is_dir() else []:
        is_unfinished = one.name.startswith(".") and one.name.endswith(".tmp")
        if one.is_file() and not is_unfinished and not one.name.endswith(".lock"):
            yield one


def _is_damaged(path: Path, body: bytes) -> bool:
    """Return whether a raw body is not what its name says. An earlier copy of it is not to be overwritten then."""
    return bool(_BODY.fullmatch(path.name)) and not sha256_hex(body).startswith(path.name[:_PREFIX])


def _write(path: Path, body: bytes) -> bool:
    try:
        if path.read_bytes() == body:
            return False
    except OSError:
        pass
    write_atomically(path, body)
    return True
