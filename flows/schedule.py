"""Serving the nightly and the weekly re-calibration on a schedule with Prefect, in New York time.

18:30 on weekdays: the night. 19:30 to 23:30: again each hour, cheap when the session is in. 11:30 the
day after: reconciliation, when the contract files must confirm the same-evening settlements.
Weekdays that are no session end as "nothing new". 12:30 the day after a session: the re-calibration, which does
something once a week, on the first such day after the week's last session; a missed one is made up for the next day.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
import requests
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.schedules import Cron, Schedule
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.console import say
from flows.nightly import nightly
from flows.recalibrate import recalibrate
from transforms.errors import PipelineError

_LOOPBACK = "127.0.0.1"
_USUAL_PORT = 4200
_STARTUP_SECONDS = 120

TIMEZONE = "America/New_York"
NIGHTLY = Cron("30 18 * * 1-5", timezone=TIMEZONE)
RETRIES = Cron("30 19-23 * * 1-5", timezone=TIMEZONE)
RECONCILIATION = Cron("30 11 * * 2-6", timezone=TIMEZONE)
# After the reconciliation, when the contract files have confirmed the week's last settlements.
RECALIBRATION = Cron("30 12 * * 2-6", timezone=TIMEZONE)


def deployments(source: str, archive: str | None, home: str) -> list[Any]:
    """Return the deployments that ``alvh schedule`` serves."""
    parameters = {"source": source, "archive": archive, "home": home}
    # One run of a deployment at a time; between deployments and with the command line the home's lock decides.
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)

    def deploy(name: str, schedule: Schedule, what: str, **more: Any) -> Any:
        return nightly.to_deployment(
            name=name,
            schedule=schedule,
            parameters={**parameters, **more},
            concurrency_limit=one_at_a_time,
            description=what,
            tags=["alvh"],
        )

    return [
        deploy("evening", NIGHTLY, "the night of each session", on_sessions_only=True),
        deploy(
            "hourly-retry",
            RETRIES,
            "again while the session is not in",
            on_sessions_only=True,
            only_if_missing=True,
        ),
        deploy("reconciliation", RECONCILIATION, "contract files against same-evening settlements"),
        recalibrate.to_deployment(
            name="recalibration",
            schedule=RECALIBRATION,
            parameters={"home": home},
            concurrency_limit=one_at_a_time,
            description="parameters of the week that has ended, stored once",
            tags=["alvh"],
        ),
    ]


def serve_schedule(source: str, archive: str | None, home: str) -> None:
    """Serve the schedule until stopped.

    Schedules need a Prefect server that stays. Where the user's profile names one
    (``PREFECT_API_URL``), it is used; otherwise one is started for as long as this serves.
    """
    with _api() as url, temporary_settings({PREFECT_API_URL: url}), _environment(PREFECT_API_URL=url):
        say(f"schedule served for {home}; Prefect at {url.removesuffix('/api')}")
        serve(*deployments(source, archive, home))


@contextmanager
def _api() -> Iterator[str]:
    given = PREFECT_API_URL.value()
    if given:
        yield given
        return
    port = _free_port()
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", _LOOPBACK, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:  # noqa: S603 - ours
        try:
            url = f"http://{_LOOPBACK}:{port}/api"
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
    # Each scheduled run is a process of its own, and finds the server by its environment.
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
