"""The home folder: where everything lies, and how a file gets there without being seen half-written."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from transforms.errors import PipelineError


@dataclass(frozen=True)
class Home:
    """Paths of a home folder (``ALVH_HOME`` or ``--home``)."""

    path: Path

    @property
    def raw(self) -> Path:
        """Raw store: every file as fetched."""
        return self.path / "raw"

    @property
    def published(self) -> Path:
        """The published warehouse."""
        return self.path / "alvh.duckdb"

    @property
    def earlier(self) -> Path:
        """The last N published warehouses."""
        return self.path / "published"

    @property
    def build(self) -> Path:
        """Where the next warehouse is built."""
        return self.path / "build"

    @property
    def reports(self) -> Path:
        """Report files, a folder a session."""
        return self.path / "reports"

    @property
    def runs(self) -> Path:
        """Run records."""
        return self.path / "runs"

    @property
    def lock(self) -> Path:
        """The advisory lock of runs that write."""
        return self.path / "run.lock"

    def prepare(self) -> None:
        """Create the folders a run needs; private to the user, since inputs may hold positions."""
        try:
            for folder in (self.path, self.raw, self.build, self.reports, self.runs, self.earlier):
                make_folder(folder)
        except OSError as error:
            raise PipelineError(
                "the home folder cannot be used",
                where=str(self.path),
                found=str(error),
                expected="a folder this user can create and write",
                next_step="set ALVH_HOME or --home to a writable folder",
            ) from error


PRIVATE = 0o600
"""Mode of every file of a home: inputs, positions and reports are its user's own."""


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, nothing between.

    Raises
    ------
    PipelineError
        If the disk does not take it (full, read-only); the old content stays.
    """
    temporary: str | None = None
    try:
        make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):  # a disk that takes no write may take no removal; the cause is what is told
                Path(temporary).unlink(missing_ok=True)
        raise PipelineError(
            "a file could not be written",
            where=str(path),
            found=str(error),
            expected="room on the disk and the right to write",
            next_step="free some space (`alvh status` shows the home folder), then run again: nothing fetched is lost",
        ) from error


def replace_durably(source: Path, target: Path) -> None:
    """Move a finished file over another in one step that survives a power cut; it is private whatever made it."""
    source.chmod(PRIVATE)
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, private to the user, and those above it that are missing; all of them survive a power cut.

    What is synced in a folder whose own name is not on the disk is lost with it.
    """
    if folder.is_dir():
        return
    if not folder.parent.exists():
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)
    with suppress(PermissionError):  # a folder above the home that this user may change and not list
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: what was made, moved or linked there survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network and FUSE file systems sync no folders: there is nothing that could be done.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
