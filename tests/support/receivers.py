"""Receivers of messages on loopback: one that takes them, one that refuses, one that never answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "tk_PLANTED5ecret"
"""In every address of a test: found nowhere in what is written."""


@dataclass
class Receiver:
    """What arrived, and how to answer.

    Attributes
    ----------
    status
        Answered to every message.
    is_hanging
        Take the request and never answer it.
    """

    port: int = 0
    status: int = 200
    is_hanging: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Its address in apprise's words, with a token in path and query."""
        return f"json://user:{TOKEN}@127.0.0.1:{self.port}/{TOKEN}?+X-Token={TOKEN}"


@contextmanager
def open_receiver(**options: Any) -> Iterator[Receiver]:
    """Have a receiver on a free port."""
    receiver = Receiver(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if receiver.is_hanging:
                receiver._ended.wait(60)
                return
            if receiver.status == 200:
                receiver.messages.append(json.loads(body))
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name it has there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver._ended.set()
            server.shutdown()
            thread.join()
