"""A Prefect server for as long as one is needed, where the user has none."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import IO

import requests

from flows.prefect_env import API_URL, find_api_url
from flows.prefect_serve import LOOPBACK
from transforms.errors import PipelineError

_USUAL_PORT = 4200
_STARTUP_SECONDS = 120
_SENDING_SECONDS = 10


def prefect_server() -> AbstractContextManager[str]:
    """Have a Prefect server that stays, with its pages and schedules; its address is what is yielded.

    It is the user's own (``PREFECT_API_URL``), else one for the time being, which is set for this process and for those
    that it starts.

    Raises
    ------
    PipelineError
        If a server of our own does not come up.
    """
    return _users_or(_start_with_pages())


def run_server(beside: Sequence[str] = ()) -> AbstractContextManager[str]:
    """Have a Prefect server for one run: the user's own, else one of ours, started first of all.

    Prefect starts such a server too, but when the flow is called, and does nothing until it is up. Ours starts in
    a second process while this one imports what the run needs.

    Parameters
    ----------
    beside
        Modules to import while the server starts, in their order; those that it does not wait for are left to who needs
        them.

    Raises
    ------
    PipelineError
        If a server of our own does not come up.
    """
    return _users_or(_start_first(beside))


def _users_or(ours: AbstractContextManager[str]) -> AbstractContextManager[str]:
    given = _given_url()
    return ours if given is None else _addressed(given)


@contextmanager
def _start_with_pages() -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(port)]
    url = f"http://{LOOPBACK}:{port}/api"
    # Its pages ask the usual port unless they are told, whatever port serves them.
    environment = {**os.environ, "PREFECT_SERVER_UI_API_URL": url}
    with subprocess.Popen(  # noqa: S603 - ours
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as server:
        try:
            _wait_until_up(server, url)
            with _addressed(url):
                yield url
        finally:
            server.terminate()


@contextmanager
def _start_first(beside: Sequence[str]) -> Iterator[str]:
    command = [sys.executable, "-m", "flows.prefect_serve"]
    with (
        tempfile.TemporaryFile() as said,
        # A session of its own: Ctrl-C is for the run, which then tells the server how it ended.
        subprocess.Popen(  # noqa: S603 - ours
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, start_new_session=True
        ) as server,
    ):
        try:
            port = server.stdout.readline().strip().decode() if server.stdout else ""
            url = f"http://{LOOPBACK}:{port or '?'}/api"
            with _addressed(url):
                with ThreadPoolExecutor(1) as asking:
                    # It listens before it is ready: one question waits for its answer, or for the end of the process.
                    answer = asking.submit(_is_healthy, url, _STARTUP_SECONDS)
                    for name in beside:
                        if answer.done():
                            break
                        import_module(name)
                    if not answer.result():
                        raise _not_up(url, _reason(said))
                try:
                    yield url
                finally:
                    _send_what_is_left()
        finally:
            server.terminate()


def _given_url() -> str | None:
    if (url := find_api_url()[0]) is None and "prefect.settings" in sys.modules:
        from prefect.settings import PREFECT_API_URL

        url = PREFECT_API_URL.value()  # it may have been set for a while in this process alone
    return url


def _is_healthy(url: str, seconds: float) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=seconds).ok
    except requests.RequestException:
        return False


def _send_what_is_left() -> None:
    """Send logs and events while there is a server to send them to; Prefect itself waits until Python ends."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=_SENDING_SECONDS)


def _wait_until_up(server: subprocess.Popen[bytes], url: str) -> None:
    for _ in range(_STARTUP_SECONDS * 2):
        if server.poll() is not None:
            break
        if _is_healthy(url, seconds=2):
            return
        time.sleep(0.5)
    raise _not_up(url)


def _not_up(url: str, found: str = "") -> PipelineError:
    return PipelineError(
        "Prefect's server did not start",
        where=url,
        found=found or None,
        expected=f"an answer within {_STARTUP_SECONDS} s",
        next_step="start one with `prefect server start` and set PREFECT_API_URL, then run again",
    )


def _reason(said: IO[bytes]) -> str:
    """The last error that a server wrote before it ended, or its last line."""
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return (errors or lines or [""])[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, _USUAL_PORT))
        except OSError:
            probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _addressed(url: str) -> Iterator[str]:
    """Have the server's address in the environment: Prefect's threads, scheduled runs and workers find it there."""
    before = os.environ.get(API_URL)
    os.environ[API_URL] = url
    _read_settings_again()
    try:
        yield url
    finally:
        if before is None:
            del os.environ[API_URL]
        else:
            os.environ[API_URL] = before
        _read_settings_again()


def _read_settings_again() -> None:
    if "prefect.context" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
