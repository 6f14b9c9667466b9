"""A server on this machine that behaves like the publishers' servers, faults included.

It serves an archive folder as ``/<host>/<path>[?query]``. What it does is written down here apart
from the HTTP source, so that a mistake there is not repeated here. The tests run on it, and anyone
can rehearse the HTTP path with it::

    python -m flows.sources.loopback ARCHIVE --port 8642
    ALVH_HTTP_MIRROR_URL=http://127.0.0.1:8642 ALVH_HTTP_PACE_SECONDS=0 alvh nightly --source cboe --home rehearsal
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import re
import sys
import threading
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from flows.sources.loopback_faults import KINDS, Fault

ACCESS_DENIED_XML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
    b"<RequestId>X</RequestId><HostId>X</HostId></Error>"
)
BLOCKED_HTML = b"<!DOCTYPE html><html><body>Sorry, you have been blocked</body></html>"
# FRED's API without a key, or with one that is no key
NO_KEY_JSON = b'{"error_code":400,"error_message":"Bad Request.  The value for variable api_key is not registered."}'
_API_KEY = re.compile(r"&api_key=[^&]+")
FROZEN_LAST_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Burst:
    """After more than ``requests`` requests in ``within_seconds`` to a host: 403 for ``block_seconds``."""

    requests: int
    within_seconds: float
    block_seconds: float
    host: str = "cdn.cboe.com"
    payload: bytes = BLOCKED_HTML
    content_type: str = "text/html"


class LoopbackServer:
    """The server; use it as a context manager and ask ``url``.

    ``plan`` (the faults, the first match counts) and ``burst`` may be changed while it runs;
    ``requests`` lists what arrived, ``connections`` counts what it came over.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder.resolve()
        self.plan: list[Fault] = []
        self.burst: Burst | None = None
        self.requests: list[Recorded] = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.starts: list[float] = []
        self.blocked_until = 0.0
        self.connections = 0
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """Return the address to use as the mirror."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fault(self, pattern: str, **what: Any) -> Fault:
        """Add a fault to the plan; see :class:`Fault`."""
        fault = Fault(pattern, **what)
        self.plan.append(fault)
        return fault

    def play(self, kind: str, pattern: str, **what: Any) -> Fault:
        """Add a fault by its name, see :data:`~flows.sources.loopback_faults.KINDS`; ``what`` changes its fields."""
        return self.fault(pattern, **{**KINDS[kind].fields, **what})

    def paths(self, containing: str = "") -> list[str]:
        """Return the paths asked so far, in order."""
        return [one.path for one in list(self.requests) if containing in one.path]

    def __enter__(self) -> LoopbackServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        if self._server.failures and error is None:
            raise self._server.failures[0]

    def take_fault(self, method: str, path: str) -> Fault | None:
        """Return the fault for a request and count it."""
        with self.lock:
            for fault in self.plan:
                if fault.times == 0 or fault.method not in (None, method):
                    continue
                if re.search(fault.pattern, path):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def is_blocking(self, path: str) -> bool:
        """Count a request against the burst rule and say whether it is refused."""
        rule = self.burst
        if rule is None or not path.startswith(f"/{rule.host}/"):
            return False
        now = time.monotonic()
        with self.lock:
            if now < self.blocked_until:
                return True
            self.starts = [start for start in self.starts if now - start < rule.within_seconds] + [now]
            if len(self.starts) <= rule.requests:
                return False
            self.blocked_until = now + rule.block_seconds
            self.starts = []
            return True


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64
    owner: LoopbackServer

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.open_sockets: set[socket] = set()
        self.failures: list[BaseException] = []
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket, Any]:
        connection, address = super().get_request()
        self.open_sockets.add(connection)
        self.owner.connections += 1
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.open_sockets.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self.open_sockets):
            try:
                connection.shutdown(SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        # A client that hangs up early is a test's business; any other error is a mistake in here.
        if error is not None and not isinstance(error, OSError):
            self.failures.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def owner(self) -> LoopbackServer:
        return cast(_Server, self.server).owner

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        owner = self.owner
        headers = {name.lower(): value for name, value in self.headers.items()}
        with owner.lock:
            owner.requests.append(Recorded(self.command, self.path, headers))
        if owner.is_blocking(self.path):
            rule = owner.burst
            assert rule is not None
            self._send(403, rule.payload, {"Content-Type": rule.content_type})
            return
        fault = owner.take_fault(self.command, self.path) or Fault("")
        if fault.delay_seconds:
            owner.stopping.wait(fault.delay_seconds)
        if fault.drop:
            self.close_connection = True
        elif fault.status is not None:
            extra = {"Content-Type": "text/html", **fault.headers}
            if fault.retry_after is not None:
                extra["Retry-After"] = fault.retry_after
            self._send(fault.status, fault.payload, extra)
        elif fault.redirect_to is not None:
            self._send(302, b"moved", {"Content-Type": "text/html", "Location": fault.redirect_to})
        elif fault.html:
            self._send(200, fault.payload, {"Content-Type": "text/html; charset=utf-8", **fault.headers})
        elif fault.endless or fault.gzip_bomb_bytes is not None:
            self._send_without_end(fault)
        else:
            self._send_object(fault, headers)

    def _send_object(self, fault: Fault, asked: dict[str, str]) -> None:
        if self.path.startswith("/api.stlouisfed.org/") and not _API_KEY.search(self.path):
            self._send(400, NO_KEY_JSON, {"Content-Type": "application/json; charset=utf-8"})
            return
        path = self._file(fault.instead or self.path)
        if path is None and fault.body is None:
            self._send_absent()
            return
        content = path.read_bytes() if path is not None else b""
        modified = datetime.fromtimestamp(int(path.stat().st_mtime) if path is not None else 0, UTC)
        if fault.body is not None:
            content = fault.body(content)
        etag = fault.etag or f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        answer = {
            "ETag": etag,
            "Last-Modified": FROZEN_LAST_MODIFIED if fault.etag else format_datetime(modified, usegmt=True),
            "Vary": "Accept-Encoding",
        }
        if self._is_unchanged(asked, etag, modified):
            self._send(304, b"", answer)
            return
        kind = self._content_type() if fault.content_type is None else fault.content_type
        if kind:
            answer["Content-Type"] = kind
        wanted = re.fullmatch(r"bytes=0-([0-9]+)", asked.get("range", ""))
        if wanted and content:
            part = content[: int(wanted[1]) + 1]
            answer["Content-Range"] = f"bytes 0-{len(part) - 1}/{len(content)}"
            self._send(206, part, answer)
            return
        if "gzip" in asked.get("accept-encoding", "") and not fault.no_gzip:
            content = gzip.compress(content, mtime=0)[: fault.cut_gzip_to]
            answer["Content-Encoding"] = "gzip"
            # the CDN's compression makes the tag a weak one
            answer["ETag"] = etag if etag.startswith("W/") else f"W/{etag}"
        self._send(200, content, answer | fault.headers, fault)

    @staticmethod
    def _is_unchanged(asked: dict[str, str], etag: str, modified: datetime) -> bool:
        if "if-none-match" in asked:  # RFC 9110: the date then does not count
            tags = [tag.strip().removeprefix("W/") for tag in asked["if-none-match"].split(",")]
            return etag.removeprefix("W/") in tags
        if "if-modified-since" in asked:
            return modified <= parsedate_to_datetime(asked["if-modified-since"])
        return False

    def _file(self, asked: str) -> Path | None:
        address = urlsplit(asked)
        path = unquote(address.path).lstrip("/")
        query = _API_KEY.sub("", address.query)  # an archive holds no keys
        if query:
            path = f"{path.rstrip('/')}/{query}"
        elif path.endswith("/"):
            path += "index.json"
        file = (self.owner.folder / path).resolve()
        return file if file.is_relative_to(self.owner.folder) and file.is_file() else None

    def _content_type(self) -> str:
        path = urlsplit(self.path).path
        if path.endswith((".json", "/")):
            return "application/json"
        if path.startswith("/api.stlouisfed.org/"):
            return "application/json; charset=utf-8"
        if path.endswith(".htm"):
            return "text/html"
        if path.startswith("/raw."):
            return "text/plain; charset=utf-8"
        if path.startswith("/fred."):
            return "application/csv"
        return "text/csv; charset=utf-8" if path.endswith("csv") else "application/octet-stream"

    def _send_absent(self) -> None:
        if self.path.startswith("/cdn.cboe.com/"):
            self._send(403, ACCESS_DENIED_XML, {"Content-Type": "application/xml"})
        elif self.path.startswith("/raw."):
            self._send(404, b"404: Not Found", {"Content-Type": "text/plain; charset=utf-8"})
        else:
            self._send(404, b"<html><body>Not found</body></html>", {"Content-Type": "text/html"})

    def _send(self, status: int, content: bytes, headers: dict[str, str], fault: Fault | None = None) -> None:
        is_chunked = fault is not None and fault.chunked
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        if fault is not None and fault.truncate_to is not None:
            content = content[: fault.truncate_to]
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD" or status in (204, 304):
            return
        if is_chunked:
            middle = len(content) // 2
            for part in filter(None, (content[:middle], content[middle:])):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        elif fault is not None and fault.drip:
            for position in range(len(content)):
                if self.owner.stopping.wait(0.005):
                    return
                self.wfile.write(content[position : position + 1])
        else:
            self.wfile.write(content)

    def _send_without_end(self, fault: Fault) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", self._content_type())
        if fault.gzip_bomb_bytes is not None:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if fault.gzip_bomb_bytes is None:
            while not self.owner.stopping.is_set():
                self.wfile.write(b"01/02/2024,1,1,1,1\n" * 1000)
            return
        packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        left = fault.gzip_bomb_bytes
        while left > 0:
            size = min(left, 1 << 20)
            self.wfile.write(packer.compress(bytes(size)))
            left -= size
        self.wfile.write(packer.flush())


def read_fault(text: str) -> tuple[str, str]:
    """Read ``KIND:PATTERN``, a fault that needs nothing else."""
    kind, _, pattern = text.partition(":")
    if not pattern or kind not in KINDS or not KINDS[kind].fields:
        raise argparse.ArgumentTypeError(f"expected KIND:PATTERN, found {text!r}")
    return kind, pattern


def main() -> None:
    """Serve an archive folder until stopped."""
    options = argparse.ArgumentParser(description="Serve an archive folder as the publishers' servers would.")
    options.add_argument("archive", type=Path, help="folder laid out as <host>/<path>")
    options.add_argument("--port", type=int, default=8642)
    options.add_argument("--slow", type=float, default=0.0, metavar="SECONDS", help="wait before every answer")
    options.add_argument("--burst", type=int, metavar="N", help="answer 403 for a minute after N requests in a minute")
    options.add_argument("--cut", metavar="PATTERN", help="cut off bodies whose path matches")
    options.add_argument(
        "--fault",
        metavar="KIND:PATTERN",
        action="append",
        default=[],
        type=read_fault,
        help="do this to what matches; may be repeated. Kinds: "
        + ", ".join(kind for kind in KINDS if KINDS[kind].fields),
    )
    chosen = options.parse_args()
    with LoopbackServer(chosen.archive, chosen.port) as server:
        if chosen.cut:
            server.play("cut", chosen.cut)
        for kind, pattern in chosen.fault:
            server.play(kind, pattern)
        if chosen.slow:
            server.fault(".", delay_seconds=chosen.slow)
        if chosen.burst:
            server.burst = Burst(requests=chosen.burst, within_seconds=60, block_seconds=60)
        print(f"{chosen.archive} at {server.url}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
