"""Publishing: one run at a time, one atomic swap, the last N kept. Readers are never blocked."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from transforms.errors import LockHeldError, PipelineError, UsageError
from warehouse.home import Home, replace_durably, write_atomically
from warehouse.instants import iso_utc

_held: set[Path] = set()


@contextmanager
def run_lock(home: Home, command: str, started_at: datetime) -> Iterator[None]:
    """Hold the home folder for one writing run; a second run leaves at once.

    The operating system releases the lock when its process dies, however it dies. Within a
    process the lock can be taken again (the command line takes it before Prefect starts, the
    flow takes it for scheduled runs).

    Raises
    ------
    LockHeldError
        Saying who holds it.
    """
    path = home.lock.resolve()
    if path in _held:
        yield
        return
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise _held_by_another(home) from None
    _held.add(path)
    try:
        holder = {
            "command": command,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started_at_utc": iso_utc(started_at),
        }
        write_atomically(_holder_path(home), json.dumps(holder).encode())
        yield
    finally:
        _held.discard(path)
        _holder_path(home).unlink(missing_ok=True)
        lock.release()


def claim_market(home: Home, market: str) -> None:
    """Tie a home folder to one market for good: the real one, or one simulated market.

    Raises
    ------
    UsageError
        If the home holds another: their values must never meet in one warehouse.
    """
    marker = home.path / "market.json"
    if not marker.exists():
        write_atomically(marker, json.dumps({"market": market}).encode())
        return
    try:
        held = json.loads(marker.read_text(encoding="utf-8"))["market"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "it cannot be told which market this home holds",
            where=str(marker),
            found=f"{type(error).__name__}: {error}",
            expected='JSON such as {"market": "real"}',
            next_step="copy the file back from a copy of the home; `alvh status` says whether it is SIMULATED",
        ) from None
    if held != market:
        raise UsageError(
            "this home folder holds another market",
            where=str(home.path),
            found=f"a run on: {market}",
            expected=f"runs on: {held}",
            next_step="choose a home of its own for each market with --home or ALVH_HOME",
        )


def lock_holder(home: Home) -> dict[str, object] | None:
    """Return who holds the home folder, or None. A note left by a dead process is not a holder."""
    if not home.lock.exists():
        return None
    probe = FileLock(home.lock, timeout=0)
    try:
        with probe:
            return None
    except (Timeout, OSError):
        return _read_holder(home)


def publish_warehouse(home: Home, built: Path, keep: int) -> tuple[Path, str]:
    """Swap a finished build in. Return the published path and its SHA-256.

    The warehouse before it stays under ``published/``, as one of the last ``keep``. A process that
    has the old file open goes on reading the old file.
    """
    sha256 = hash_file(built)
    try:
        if home.published.exists():
            earlier = home.earlier / f"{hash_file(home.published)[:16]}.duckdb"
            if not earlier.exists():
                # A hard link: the old file keeps existing under this name whatever happens next.
                os.link(home.published, earlier)
            # Kept in the order in which they were replaced, not in which they were built.
            os.utime(earlier)
        replace_durably(built, home.published)
        prune_earlier(home, keep)
    except OSError as error:
        raise PipelineError(
            "the finished warehouse could not be published",
            where=str(home.published),
            found=str(error),
            expected="room on the disk and the right to write",
            next_step="the last good warehouse is kept; mend the cause and run again",
        ) from error
    return home.published, sha256


def prune_earlier(home: Home, keep: int) -> list[Path]:
    """Delete all but the last ``keep`` earlier warehouses. Return what was deleted."""
    going = earlier_beyond(home, keep)
    for path in going:
        path.unlink(missing_ok=True)
    return going


def earlier_beyond(home: Home, keep: int) -> list[Path]:
    """Return the earlier warehouses before the last ``keep`` that were replaced, newest first."""
    earlier = sorted(home.earlier.glob("*.duckdb"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    return earlier[keep:]


def sweep_builds(home: Home) -> None:
    """Delete what an interrupted run left in the build folder. The caller holds the lock."""
    for path in home.build.iterdir():
        if path.is_file():
            path.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _holder_path(home: Home) -> Path:
    return home.path / "run.lock.json"


def _read_holder(home: Home) -> dict[str, object]:
    try:
        holder = json.loads(_holder_path(home).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _held_by_another(home: Home) -> LockHeldError:
    holder = _read_holder(home)
    who = (
        f"`{holder.get('command')}`, process {holder.get('pid')} on {holder.get('host')}, "
        f"since {holder.get('started_at_utc')}"
        if holder
        else "a run that has not said who it is yet"
    )
    return LockHeldError(
        "another run holds the home folder",
        where=str(home.path),
        found=who,
        expected="one run at a time",
        next_step="wait for it to end; queries and reports can be read meanwhile",
    )
