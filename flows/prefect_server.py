"""A Prefect server for as long as one is needed, where the user has none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
import requests
from prefect.settings import PREFECT_API_URL, temporary_settings

from transforms.errors import PipelineError

_LOOPBACK = "127.0.0.1"
_USUAL_PORT = 4200
_STARTUP_SECONDS = 120


@contextmanager
def prefect_server() -> Iterator[str]:
    """Have a Prefect server and yield its address: the user's own (``PREFECT_API_URL``), else one for the time being.

    It is set for this process and for those that it starts.

    Raises
    ------
    PipelineError
        If a server of our own does not come up.
    """
    with _api() as url, temporary_settings({PREFECT_API_URL: url}), _environment(PREFECT_API_URL=url):
        yield url


@contextmanager
def _api() -> Iterator[str]:
    given = PREFECT_API_URL.value()
    if given:
        yield given
        return
    port = _free_port()
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", _LOOPBACK, "--port", str(port)]
    url = f"http://{_LOOPBACK}:{port}/api"
    # Its pages ask the usual port unless they are told, whatever port serves them.
    environment = {**os.environ, "PREFECT_SERVER_UI_API_URL": url}
    with subprocess.Popen(  # noqa: S603 - ours
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as server:
        try:
            _wait_until_up(server, f"{url}/health")
            yield url
        finally:
            server.terminate()


def _wait_until_up(server: subprocess.Popen[bytes], url: str) -> None:
    for _ in range(_STARTUP_SECONDS * 2):
        if server.poll() is not None:
            break
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise PipelineError(
        "Prefect's server did not start",
        where=url,
        expected=f"an answer within {_STARTUP_SECONDS} s",
        next_step="start one with `prefect server start` and set PREFECT_API_URL, then run again",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        try:
            probe.bind((_LOOPBACK, _USUAL_PORT))
        except OSError:
            probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    # Scheduled runs and workers are processes of their own, and find the server by their environment.
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
