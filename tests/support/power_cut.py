"""A power cut at any instant of a night: what the disk may hold then, from what the night had synced.

The night runs in this process with `os.fsync` and the calls that make, move, link and remove names wrapped. A file's
bytes are on the disk as they were when the file was synced last; a folder's names as they were when the folder was.
Everything since may have come onto the disk or not, each name and each file by itself. What DuckDB syncs by itself
is not seen, which only makes the disk forget more.
"""

from __future__ import annotations

import hashlib
import os
import random
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from warehouse.home import Home
from warehouse.raw_store import RawStore

Names = dict[str, int]
NOTHING, EVERYTHING = 0.0, 1.0
_LARGE = 1_000_000


@dataclass
class Instant:
    """A disk between two calls: what is synced and what is there, by inode.

    Attributes
    ----------
    after
        The call that came before.
    landed
        Versions that were promised to be stored by then: publisher, name, SHA-256.
    """

    after: str
    root: int
    synced_folders: dict[int, Names]
    synced_files: dict[int, bytes]
    folders: dict[int, Names]
    files: dict[int, bytes]
    landed: frozenset[tuple[str, str, str]]
    blobs: Path

    def lay_out(self, target: Path, survives: float, generator: random.Random) -> Path:
        """Write a disk as it may be.

        Parameters
        ----------
        survives
            How likely each name and each file that is not synced is to be there: `NOTHING` and `EVERYTHING` are the
            ends of it.
        """
        self._fill(target, self.root, survives, generator)
        return target

    def _fill(self, target: Path, folder: int, survives: float, generator: random.Random) -> None:
        target.mkdir(mode=0o700)
        old, new = self.synced_folders.get(folder, {}), self.folders.get(folder, {})
        for name in sorted(old.keys() | new.keys()):
            now, before = new.get(name), old.get(name)
            inode = now if now == before or generator.random() < survives else before
            if inode is None:
                continue
            if inode in self.folders or inode in self.synced_folders:
                self._fill(target / name, inode, survives, generator)
            else:
                _put(target / name, self._content(inode, survives, generator), self.blobs)

    def _content(self, inode: int, survives: float, generator: random.Random) -> bytes:
        synced, now = self.synced_files.get(inode), self.files.get(inode)
        if synced is not None and (now is None or now == synced):
            return synced
        written = now or b""
        if generator.random() < survives:
            return written
        # Never synced since it was made: any part of it may be there.
        return synced if synced is not None else written[: int(len(written) * survives / 2)]


def _put(path: Path, content: bytes, blobs: Path) -> None:
    """Write a file; a large one is written once, and linked: nothing writes into a warehouse that has its name."""
    if len(content) < _LARGE:
        path.write_bytes(content)
        path.chmod(0o600)
        return
    blob = blobs / hashlib.sha256(content).hexdigest()
    if not blob.exists():
        blobs.mkdir(exist_ok=True)
        blob.write_bytes(content)
        blob.chmod(0o600)
    path.hardlink_to(blob)


@dataclass
class Recorder:
    """Notes what a night syncs, and takes the disk at chosen calls.

    Attributes
    ----------
    chosen
        Numbers of the calls behind which the disk is taken; None takes none and only counts.
    """

    home: Home
    chosen: Collection[int] | None
    calls: int = 0
    instants: list[Instant] = field(default_factory=list)
    synced_folders: dict[int, Names] = field(default_factory=dict)
    synced_files: dict[int, bytes] = field(default_factory=dict)
    landed: set[tuple[str, str, str]] = field(default_factory=set)
    _read_before: dict[int, tuple[object, bytes]] = field(default_factory=dict)

    def begin(self) -> None:
        """Take the disk as it lies before the night: all of it is synced."""
        self.synced_folders, self.synced_files = self._walk()

    def _walk(self) -> tuple[dict[int, Names], dict[int, bytes]]:
        folders: dict[int, Names] = {}
        files: dict[int, bytes] = {}
        for path, names, inner in os.walk(self.home.path):
            entries = {name: os.lstat(Path(path, name)).st_ino for name in [*names, *inner]}
            folders[os.lstat(path).st_ino] = entries
            files |= {entries[name]: self._read(Path(path, name)) for name in inner}
        return folders, files

    def _read(self, path: Path) -> bytes:
        """Read a file, once for as long as it stays as it is: all instants share its bytes."""
        found = path.stat()
        state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if self._read_before.get(found.st_ino, (None, b""))[0] != state:
            self._read_before[found.st_ino] = (state, path.read_bytes())
        return self._read_before[found.st_ino][1]

    def _is_inside(self, path: object) -> bool:
        return str(Path(os.fsdecode(path) if not isinstance(path, Path) else path)).startswith(str(self.home.path))  # type: ignore[arg-type]

    def called(self, what: str) -> None:
        """Count a call, and take the disk if it is a chosen one."""
        self.calls += 1
        if self.chosen is not None and self.calls in self.chosen:
            folders, files = self._walk()
            self.instants.append(
                Instant(
                    f"{self.calls}: {what}",
                    self.home.path.stat().st_ino,
                    dict(self.synced_folders),
                    dict(self.synced_files),
                    folders,
                    files,
                    frozenset(self.landed),
                    self.home.path.with_name("blobs"),
                )
            )

    def synced(self, handle: int) -> None:
        """Note what a file or folder holds when it is synced."""
        found, path = os.fstat(handle), Path(f"/proc/self/fd/{handle}").readlink()
        if not self._is_inside(path):
            return
        if stat.S_ISDIR(found.st_mode):
            self.synced_folders[found.st_ino] = {entry.name: entry.inode() for entry in os.scandir(path)}
        else:
            self.synced_files[found.st_ino] = self._read(path)
        self.called(f"fsync {path.relative_to(self.home.path)}")

    def made(self, path: object) -> None:
        """Forget what a new file's inode held in an earlier life."""
        inode = os.lstat(os.fspath(path)).st_ino  # type: ignore[call-overload]
        self._read_before.pop(inode, None)
        self.synced_files.pop(inode, None)
        self.synced_folders.pop(inode, None)


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Have the calls of this process noted."""
    with patch.multiple(os, **_wrapped(recorder)), patch.object(RawStore, "land", _landing(recorder)):
        yield


def _wrapped(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    fsync, opened = os.fsync, os.open

    def sync(handle: int) -> None:
        fsync(handle)
        recorder.synced(handle)

    def open_(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        is_new = bool(flags & os.O_CREAT) and not os.path.lexists(path)
        handle = opened(path, flags, *args, **kwargs)
        if is_new and recorder._is_inside(path):
            recorder.made(path)
            recorder.called(f"make {path}")
        return handle

    def naming(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def run(path: Any, *args: Any, **kwargs: Any) -> Any:
            result = call(path, *args, **kwargs)
            if kwargs.get("dir_fd") is None and recorder._is_inside(path):
                if name == "mkdir":
                    recorder.made(path)
                recorder.called(f"{name} {path}")
            return result

        return run

    calls = ("replace", "rename", "link", "unlink", "remove", "mkdir", "rmdir")
    return {"fsync": sync, "open": open_, **{name: naming(name) for name in calls}}


def _landing(recorder: Recorder) -> Callable[..., Any]:
    land = RawStore.land

    def run(store: RawStore, **options: Any) -> Any:
        stored, is_new = land(store, **options)
        recorder.landed.add((stored.publisher, stored.name, stored.sha256))
        return stored, is_new

    return run
