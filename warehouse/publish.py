"""Publishing: one run at a time, one atomic swap, the last N kept. Readers are never blocked."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from transforms.errors import LockHeldError, PipelineError, UsageError
from warehouse.home import PRIVATE, Home, replace_durably, sync_folder, write_atomically
from warehouse.instants import iso_utc

_held: set[Path] = set()
_PATIENCE_SECONDS = 1.0
_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


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
    PipelineError
        If the home cannot be locked: rights, room, or a file system without locks.
    """
    path = home.lock.resolve()
    if path in _held:
        yield
        return
    # A lock made of a file's existence would outlive a process that was killed: no such stand-in.
    lock = FileLock(path, timeout=0, mode=PRIVATE, fallback_to_soft=False)
    _acquire(home, lock)
    _held.add(path)
    try:
        holder = {
            "command": command,
            "pid": os.getpid(),
            "process_started": _start_of(os.getpid()),
            "host": socket.gethostname(),
            "started_at_utc": iso_utc(started_at),
        }
        write_atomically(_holder_path(home), json.dumps(holder).encode())
        yield
    finally:
        _held.discard(path)
        # A disk that takes no more leaves the note; whoever reads it asks the lock as well.
        with suppress(OSError):
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
    """Return who holds the home folder, or None. A note left by a dead process is not a holder.

    An empty dict is a holder that has not said who it is.
    """
    if not _is_locked(home.lock):
        return None
    holder = _read_holder(home)
    return {} if _is_dead(holder) else holder


def broken_off_holder(home: Home) -> dict[str, object] | None:
    """Return the note of a run that was killed while it held the home, or None. The next run replaces it."""
    note = _read_holder(home)
    if not note or _is_locked(home.lock):
        return None
    # Read again: a run that began or ended meanwhile has changed it.
    return note if _read_holder(home) == note else None


def publish_warehouse(home: Home, built: Path, keep: int) -> tuple[Path, str]:
    """Swap a finished build in. Return the published path and its SHA-256.

    The warehouse before it stays under ``published/``, as one of the last ``keep``. A process that
    has the old file open goes on reading the old file.
    """
    sha256 = hash_file(built)
    try:
        if home.published.exists():
            _keep_earlier(home)
        replace_durably(built, home.published)
    except OSError as error:
        is_apart = error.errno == errno.EXDEV
        raise PipelineError(
            "the finished warehouse could not be published",
            where=str(home.published),
            found=str(error),
            expected=f"{home.build.name}/ and {home.published.name} on one file system: publishing is a rename"
            if is_apart
            else "room on the disk and the right to write",
            next_step="the last good warehouse is kept; mend the cause and run again",
        ) from error
    # It is published: an earlier one that cannot be deleted now is deleted another night.
    with suppress(OSError):
        prune_earlier(home, keep)
    return home.published, sha256


def _keep_earlier(home: Home) -> None:
    """Have the published file under ``published/`` too: it keeps existing there whatever happens next."""
    earlier = home.earlier / f"{hash_file(home.published)[:16]}.duckdb"
    if not earlier.exists():
        try:
            os.link(home.published, earlier)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # Another file system, or one without links.
            partial = earlier.with_name(f".{earlier.name}.tmp")
            shutil.copyfile(home.published, partial)
            replace_durably(partial, earlier)
    # Kept in the order in which they were replaced, not in which they were built, and a clock that was set back
    # since changes nothing about it.
    newest = max(path.stat().st_mtime_ns for path in home.earlier.glob("*.duckdb"))
    instant = max(time.time_ns(), newest + 1)
    os.utime(earlier, ns=(instant, instant))
    sync_folder(home.earlier)


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
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)  # where DuckDB put what did not fit into memory
        else:
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


def _acquire(home: Home, lock: FileLock) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            lock.acquire()
            return
        except Timeout:
            # Whoever only looks (`lock_holder`) has the lock for an instant, and no run is turned away by that. One
            # that has said who it is, and lives, is no such instant.
            if _is_alive(_read_holder(home)) or time.monotonic() > until:
                raise _held_by_another(home) from None
        except OSError as error:
            raise _cannot_lock(home, error) from error
        time.sleep(0.02)


def _is_locked(path: Path) -> bool:
    """Say whether a run holds the lock, without keeping one from taking it for longer than it takes to look."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False  # never locked, or not ours to see
    try:
        # Shared, so that those who look do not take each other for a run; a run's own lock is exclusive.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(handle)
    return False


def _is_here(holder: dict[str, object]) -> bool:
    return holder.get("host") == socket.gethostname() and isinstance(holder.get("pid"), int)


def _is_alive(holder: dict[str, object]) -> bool:
    """Say whether the process of a note is known to live; of another machine nothing is known."""
    return _is_here(holder) and not _is_dead(holder)


def _is_dead(holder: dict[str, object]) -> bool:
    """Say whether the process of a note is known to be gone, or its number to be another process's by now."""
    if not _is_here(holder):
        return False
    pid = int(str(holder["pid"]))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # another user's
    noted, found = holder.get("process_started"), _start_of(pid)
    return noted is not None and found is not None and noted != found


def _start_of(pid: int) -> str | None:
    """Return what tells a process from a later one of its number; None where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def _cannot_lock(home: Home, error: OSError) -> PipelineError:
    if error.errno in _NO_LOCKS:
        return PipelineError(
            "the home folder cannot be locked",
            where=str(home.lock),
            found=str(error),
            expected="a file system with locks (flock): without them two runs at once would not know of each other",
            next_step="keep the home on a local disk, with --home or ALVH_HOME",
        )
    return PipelineError(
        "the home folder cannot be used",
        where=str(home.lock),
        found=str(error),
        expected="room on the disk, and a folder this user can write",
        next_step="free some space, mend the rights, or set ALVH_HOME or --home to a writable folder",
    )


def _held_by_another(home: Home) -> LockHeldError:
    holder = _read_holder(home)
    who = (
        f"`{holder.get('command')}`, process {holder.get('pid')} on {holder.get('host')}, "
        f"since {holder.get('started_at_utc')}"
        if holder and not _is_dead(holder)
        else "a run that has not said who it is yet"
    )
    return LockHeldError(
        "another run holds the home folder",
        where=str(home.path),
        found=who,
        expected="one run at a time",
        next_step="wait for it to end; queries and reports can be read meanwhile",
    )
