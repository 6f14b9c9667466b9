"""Reports of past sessions, each from the published values up to it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.console import say_progress
from flows.site import refresh_site
from transforms.errors import UsageError
from warehouse.home import Home
from warehouse.publish import run_lock
from warehouse.query import open_published
from warehouse.report_data import latest_session, read_sessions
from warehouse.reports import write_report
from warehouse.run_log import close_interrupted, published_run

DESCRIPTION = """
Reports of **past sessions**, each from the published values up to it and nothing later. The warehouse is read and not
changed.
"""


@task(
    name="reports",
    task_run_name="reports {first} to {last}",
    description="Write the report of every session of the range.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def write_reports(home: Home, first: date, last: date) -> int:
    """Write the report of every session from ``first`` to ``last``. Return how many."""
    with open_published(home) as connection:
        record = published_run(home, connection)
        newest, days = latest_session(connection), read_sessions(connection, first, last)
        for number, day in enumerate(days, start=1):
            write_report(connection, home, day, record.run, failures=record.failures, is_latest=day == newest)
            say_progress(number, len(days), str(day), step="reports", unit="written")
    if days:
        refresh_site(home, days)
    return len(days)


@flow(
    name="backfill",
    flow_run_name="backfill {first} to {last}",
    description=DESCRIPTION,
    validate_parameters=False,
    persist_result=False,
)
def backfill(home: str, first: date, last: date) -> int:
    """Write the reports of past sessions from the published warehouse.

    Raises
    ------
    UsageError
        If no session of the range is published.
    """
    folder = Home(Path(home))
    with run_lock(folder, f"alvh backfill --from {first} --to {last}", datetime.now(UTC)):
        close_interrupted(folder, "")
        written = write_reports(folder, first, last)
    if not written:
        raise UsageError(
            "no session of that range is published",
            found=f"{first} to {last}",
            next_step="`alvh status` says which sessions are",
        )
    return written
