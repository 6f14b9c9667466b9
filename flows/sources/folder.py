"""Answering requests from a folder that others fill: a file inside it, whole, bounded, and never waiting."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from flows.sources.base import Absent, Fetched, Known, NotModified, Outcome, Request
from transforms.errors import SourceError, TransientSourceError

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})


class FolderReader:
    """Reads files below a folder.

    Parameters
    ----------
    folder
        Nothing outside it is ever read, whatever links lie in it.
    called
        What to call it in errors, such as ``the archive``.
    utcnow
        The clock.
    """

    def __init__(self, folder: Path, called: str, utcnow: Callable[[], datetime]) -> None:
        self._root = folder
        self._called = called
        self._utcnow = utcnow

    def answer(self, request: Request, relative: str, known: Known | None, *, absent: str, via: str) -> Outcome:
        """Answer a request by the file at a place below the folder.

        Parameters
        ----------
        known
            What is stored of the file; the same bytes again are not modified.
        absent
            Why there is no answer where there is no such file.
        via
            Where the answer is said to come from.

        Raises
        ------
        SourceError, TransientSourceError
            As :meth:`read`.
        """
        found = self.read(relative, request.max_bytes)
        if found is None:
            return Absent(request, checked_at_utc=self._utcnow(), reason=absent)
        body, modified_at_utc = found
        if known is not None and known.sha256 == hashlib.sha256(body).hexdigest():
            return NotModified(request, checked_at_utc=self._utcnow())
        return Fetched(
            request=request,
            body=body,
            status=200,
            fetched_at_utc=self._utcnow(),
            headers={"last-modified": format_datetime(modified_at_utc, usegmt=True)},
            via=via,
        )

    def read(self, relative: str, max_bytes: int) -> tuple[bytes, datetime] | None:
        """Return a file's bytes and when it was last modified (UTC), or None where there is no such file.

        Raises
        ------
        SourceError
            A link leads out of the folder; the file is too large, empty, or no file.
        TransientSourceError
            The file could not be read, or changed meanwhile.
        """
        try:
            return self._read(relative, max_bytes)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise self._unreadable(relative, error.strerror or str(error)) from error
        except RuntimeError as error:  # what Path.resolve makes of a link that leads to itself
            raise self._unreadable(relative, "a link that leads to itself") from error

    def _read(self, relative: str, max_bytes: int) -> tuple[bytes, datetime] | None:
        path = (self._root / relative).resolve(strict=True)
        if not path.is_relative_to(self._root.resolve()):
            raise SourceError(
                f"A link in {self._called} leads out of it.",
                where=str(self._root / relative),
                found="a file outside the folder",
                expected="a file inside it",
                next_step="Copy the file into the folder instead of linking to it.",
            )
        # One open for everything, so that a file replaced meanwhile is still read as one version;
        # no waiting on a named pipe, no following a link put there since the check above.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor)
            if stat.S_ISDIR(before.st_mode):
                return None
            if not stat.S_ISREG(before.st_mode):
                raise self._refused(relative, "neither a file nor a folder", "a regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                body = file.read(max_bytes + 1)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if len(body) > max_bytes:
            raise self._refused(relative, f"{max(after.st_size, len(body))} bytes", f"at most {max_bytes} bytes")
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            raise self._unreadable(relative, "it changed while it was being read")
        if not body:
            raise self._refused(relative, "no bytes", "a file with content")
        return body, datetime.fromtimestamp(before.st_mtime_ns // 1_000_000_000, UTC)

    def _unreadable(self, relative: str, found: str) -> TransientSourceError:
        return TransientSourceError(
            f"A file of {self._called} could not be read.",
            where=str(self._root / relative),
            found=found,
            expected="a readable file that stays as it is",
            next_step="Check the file's permissions and the disk, then run again.",
        )

    def _refused(self, relative: str, found: str, expected: str) -> SourceError:
        return SourceError(
            f"A file of {self._called} cannot be used.",
            where=str(self._root / relative),
            found=found,
            expected=expected,
            next_step="Replace the file with a good one, or remove it to have it treated as absent.",
        )
