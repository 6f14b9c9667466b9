"""Serving the nightly and the weekly re-calibration on a schedule with Prefect, in New York time.

18:30 on weekdays: the night. 19:30 to 23:30: again each hour, cheap when the session is in and whole. 11:30 the day
after: reconciliation, when the contract files must confirm the same-evening settlements.
Weekdays that are no session end as "nothing new". 12:30 the day after a session: the re-calibration, which does
something once a week, on the first such day after the week's last session; a missed one is made up for the next day.
"""

from __future__ import annotations

from typing import Any

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.schedules import Cron, Schedule

from flows.console import say
from flows.nightly import nightly
from flows.prefect_server import prefect_server
from flows.recalibrate import recalibrate
from warehouse.run_log import package_versions

TIMEZONE = "America/New_York"
NIGHTLY = Cron("30 18 * * 1-5", timezone=TIMEZONE)
RETRIES = Cron("30 19-23 * * 1-5", timezone=TIMEZONE)
RECONCILIATION = Cron("30 11 * * 2-6", timezone=TIMEZONE)
# After the reconciliation, when the contract files have confirmed the week's last settlements.
RECALIBRATION = Cron("30 12 * * 2-6", timezone=TIMEZONE)
DESCRIPTIONS = {
    "evening": "**The night of each session**, 18:30 New York. Weekdays that are no session end as *Nothing new*.",
    "hourly-retry": (
        "**Again each hour**, 19:30 to 23:30 New York, while the session is not in, or is without a file that an hour "
        "may bring. Otherwise ends as *Nothing new* in a second."
    ),
    "reconciliation": (
        "**The morning after**, 11:30 New York: the contract files must confirm the same-evening settlements. What "
        "changed is in the report, and a night that was missed is made up for."
    ),
    "recalibration": (
        "**The parameters of the week that has ended**, stored once, 12:30 New York the day after its last session. "
        "Other days end as nothing new."
    ),
}
"""What each deployment is for, as Prefect's pages show it (Markdown); ``prefect.yaml`` says the same."""


def deployments(source: str, archive: str | None, home: str) -> list[Any]:
    """Return the deployments that ``alvh schedule`` serves."""
    parameters = {"source": source, "archive": archive, "home": home}
    # One run of a deployment at a time; between deployments and with the command line the home's lock decides.
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)

    version = package_versions().get("alvh")
    origin = "simulated" if source == "sample" else source

    def deploy(name: str, schedule: Schedule, **more: Any) -> Any:
        return nightly.to_deployment(
            name=name,
            schedule=schedule,
            parameters={**parameters, **more},
            concurrency_limit=one_at_a_time,
            description=DESCRIPTIONS[name],
            tags=["alvh", origin, "nightly"],
            version=version,
        )

    return [
        deploy("evening", NIGHTLY, on_sessions_only=True),
        deploy("hourly-retry", RETRIES, on_sessions_only=True, only_if_missing=True),
        deploy("reconciliation", RECONCILIATION),
        recalibrate.to_deployment(
            name="recalibration",
            schedule=RECALIBRATION,
            parameters={"home": home},
            concurrency_limit=one_at_a_time,
            description=DESCRIPTIONS["recalibration"],
            tags=["alvh", origin, "weekly"],
            version=version,
        ),
    ]


def serve_schedule(source: str, archive: str | None, home: str) -> None:
    """Serve the schedule until stopped.

    Schedules need a Prefect server that stays. Where the user's profile names one
    (``PREFECT_API_URL``), it is used; otherwise one is started for as long as this serves.
    """
    with prefect_server() as url:
        say(f"schedule served for {home}; Prefect at {url.removesuffix('/api')}")
        serve(*deployments(source, archive, home))
