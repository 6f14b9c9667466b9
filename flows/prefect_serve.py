"""A Prefect server for one run, as a process of its own: ``python -m flows.prefect_serve``.

It says its port at once and answers when it is ready; who asks earlier waits. It has neither pages nor a schedule,
keeps what it is told in the user's Prefect home, and ends when whoever started it does, however that happens.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

LOOPBACK = "127.0.0.1"
_LAST_ANSWERS_SECONDS = 5


def main() -> None:
    """Serve until standard input is closed."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        threading.Thread(target=_end_with_the_starter, daemon=True).start()
        # seconds, in which the starter has its port already
        import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
        import uvicorn
        from prefect.server.api.server import create_app

        app = create_app(ephemeral=True, final=True)
        uvicorn.Server(
            uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS)
        ).run(sockets=[listening])


def _end_with_the_starter() -> None:
    # The other end of the pipe is closed by the starter, or by the system when the starter is killed.
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
