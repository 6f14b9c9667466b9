"""Auditing a home: every trial run on what is published, judged, and written. Without Prefect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flows.site import refresh_site
from warehouse.audit_runs import run_audit_trials
from warehouse.audits import WrittenAudit, judge_audit, write_audit
from warehouse.home import Home
from warehouse.instants import iso_utc
from warehouse.query import open_published
from warehouse.run_log import package_versions


def audit_home(
    home: Home, *, now: datetime, command: str = "alvh audit", progress: Callable[[str], None] | None = None
) -> WrittenAudit:
    """Audit the published warehouse of a home. Only ``audit/`` is written, and the site that leads to it.

    Parameters
    ----------
    now
        Instant of the run; it only dates the record.
    command
        What repeats it.
    progress
        Told what is being done.

    Raises
    ------
    UsageError
        If nothing is published, or by a version that had no positions.
    """
    with open_published(home) as connection:
        runs = run_audit_trials(connection, progress)
        if progress is not None:
            progress("intervals and verdicts")
        record = judge_audit(
            connection, runs, command=command, made_at_utc=iso_utc(now), code_version=package_versions()["alvh"]
        )
    written = WrittenAudit(write_audit(home, record), record)
    refresh_site(home)
    return written
