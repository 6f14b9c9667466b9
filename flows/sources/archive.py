"""A folder laid out as ``<host>/<path>`` that stands in for the publishers, offline."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flows.sources.base import Known, Outcome, Request
from flows.sources.folder import FolderReader
from flows.sources.http_policy import ALLOWED_HOSTS
from transforms.errors import SourceError, UsageError

INDEX_NAME = "index.json"
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


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
        self._files = FolderReader(folder.resolve(), "the archive", utcnow)

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
        return self._files.answer(request, relative, known, absent=f"not in the archive: {relative}", via=relative)


def _unusable(url: str) -> SourceError:
    return SourceError(
        "This address has no place in an archive.",
        where=url,
        expected="https://HOST/PATH with plain path parts",
        next_step="Correct the source's address.",
    )
