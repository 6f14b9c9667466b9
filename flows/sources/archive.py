"""A folder laid out as ``<host>/<path>`` that stands in for the publishers, offline."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flows.sources.base import Absent, Fetched, Known, NotModified, Outcome, Request
from flows.sources.http_policy import ALLOWED_HOSTS
from transforms.errors import SourceError, TransientSourceError, UsageError

INDEX_NAME = "index.json"
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})


def archive_path(url: str) -> str:
    """Return where an address lies in an archive, relative to its folder.

    A query becomes a last part (``.../csv?dt=2026-01-07`` is ``.../csv/dt=2026-01-07``); an address
    that ends in a slash is the ``index.json`` there.

    Raises
    ------
    SourceError
        The address has no host, or parts that cannot be file names.
    """
    try:
        address = urlsplit(url)
        host = address.hostname or ""
    except ValueError:
        raise _unusable(url) from None
    parts = unquote(address.path).lstrip("/").split("/")
    if address.query:
        parts = [*(parts[:-1] if parts[-1] == "" else parts), address.query]
    elif parts[-1] == "":
        parts[-1] = INDEX_NAME
    is_safe = all(
        part not in ("", ".", "..") and "/" not in part and "\\" not in part and part.isprintable() for part in parts
    )
    if not _HOST.fullmatch(host) or not is_safe:
        raise _unusable(url)
    return "/".join([host, *parts])


class ArchiveSource:
    """Answers requests from files; any host with a folder may be read.

    Parameters
    ----------
    folder
        Holds one folder a host.
    utcnow
        The clock.

    Raises
    ------
    UsageError
        The folder does not exist, or has no folder of a known host.
    """

    name = "archive"

    def __init__(self, folder: Path, *, utcnow: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        layout = "a folder that holds " + ", ".join(f"{host}/" for host in sorted(ALLOWED_HOSTS))
        if not folder.is_dir():
            raise UsageError(
                "The archive is not a folder." if folder.exists() else "The archive does not exist.",
                where=str(folder),
                expected=layout,
                next_step="Correct --archive (or ALVH_ARCHIVE). Without files of your own, "
                "`alvh simulate DIR` writes a simulated market in this layout.",
            )
        if not any((folder / host).is_dir() for host in ALLOWED_HOSTS):
            seen = sorted(path.name for path in folder.iterdir())[:5]
            raise UsageError(
                "The archive has no folder of a known publisher.",
                where=str(folder),
                found=", ".join(seen) if seen else "an empty folder",
                expected=layout + " (at least one of them)",
                next_step="Point --archive at the folder just above the host folders.",
            )
        self._root = folder.resolve()
        self._utcnow = utcnow

    def fetch(self, request: Request, known: Known | None = None) -> Outcome:
        """Answer one request from the folder.

        Raises
        ------
        SourceError
            The address or a link leads out of the folder; the file is too large, empty, or no file.
        TransientSourceError
            The file could not be read, or changed meanwhile.
        """
        relative = archive_path(request.url)
        try:
            found = self._read(relative, request.max_bytes)
        except OSError as error:
            if error.errno in _NOT_THERE:
                found = None
            else:
                raise self._unreadable(relative, error.strerror or str(error)) from error
        except RuntimeError as error:  # what Path.resolve makes of a link that leads to itself
            raise self._unreadable(relative, "a link that leads to itself") from error
        if found is None:
            return Absent(request, checked_at_utc=self._utcnow(), reason=f"not in the archive: {relative}")
        body, modified_at_utc = found
        if known is not None and known.sha256 == hashlib.sha256(body).hexdigest():
            return NotModified(request, checked_at_utc=self._utcnow())
        return Fetched(
            request=request,
            body=body,
            status=200,
            fetched_at_utc=self._utcnow(),
            headers={"last-modified": format_datetime(modified_at_utc, usegmt=True)},
            via=relative,
        )

    def _read(self, relative: str, max_bytes: int) -> tuple[bytes, datetime] | None:
        path = (self._root / relative).resolve(strict=True)
        if not path.is_relative_to(self._root):
            raise SourceError(
                "A link in the archive leads out of it.",
                where=str(self._root / relative),
                found="a file outside the archive folder",
                expected="a file inside it",
                next_step="Copy the file into the archive instead of linking to it.",
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
            "A file of the archive could not be read.",
            where=str(self._root / relative),
            found=found,
            expected="a readable file that stays as it is",
            next_step="Check the file's permissions and the disk, then run again.",
        )

    def _refused(self, relative: str, found: str, expected: str) -> SourceError:
        return SourceError(
            "A file of the archive cannot be used.",
            where=str(self._root / relative),
            found=found,
            expected=expected,
            next_step="Replace the file with the publisher's, or remove it to have it treated as absent.",
        )


def _unusable(url: str) -> SourceError:
    return SourceError(
        "This address has no place in an archive.",
        where=url,
        expected="https://HOST/PATH with plain path parts",
        next_step="Correct the source's address.",
    )
