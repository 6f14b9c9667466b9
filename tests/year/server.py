"""The publishers' servers of the year: the loopback server, which notes every body that it sent whole and unchanged."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from flows.sources import loopback
from flows.sources.loopback import LoopbackServer
from flows.sources.loopback_faults import Fault

HTTP_OK = 200
PATIENCE = {
    "PACE_SECONDS": "0",
    "BACKOFF_SECONDS": "0",
    "ATTEMPTS": "2",
    "READ_TIMEOUT_SECONDS": "0.5",
    "TOTAL_TIMEOUT_SECONDS": "2",
    "MAX_WAIT_SECONDS": "0.2",
}
"""How the source waits in the year (``ALVH_HTTP_*``): as in service, but for the seconds."""
SLOW_SECONDS = 2.0
"""What is slow for a source that waits half a second."""


@dataclass(frozen=True)
class Delivery:
    """A body that was sent whole, as the publisher has it: its name and SHA-256."""

    name: str
    sha256: str


class NotingServer(LoopbackServer):
    """The loopback server with ``delivered``: what it sent whole and unchanged, in order."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.delivered: list[Delivery] = []
        self._server.RequestHandlerClass = _NotingHandler

    def __enter__(self) -> NotingServer:
        super().__enter__()
        return self


class _NotingHandler(loopback._Handler):
    def _send(self, status: int, content: bytes, headers: dict[str, str], fault: Fault | None = None) -> None:
        super()._send(status, content, headers, fault)
        if status != HTTP_OK or self.command != "GET" or fault is None or not _is_plain(fault):
            return
        body = gzip.decompress(content) if headers.get("Content-Encoding") == "gzip" else content
        name = Path(urlsplit(self.path).path).name
        server = cast(NotingServer, self.owner)
        server.delivered.append(Delivery(name, hashlib.sha256(body).hexdigest()))


def _is_plain(fault: Fault) -> bool:
    """True where nothing is done to the answer but what changes no byte and costs no time."""
    plain: dict[str, Any] = {**vars(Fault("")), "pattern": fault.pattern, "times": fault.times, "etag": fault.etag}
    return vars(fault) == plain
