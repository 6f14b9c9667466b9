"""The audit flow: the claims judged on everything that is published, as a named Prefect task."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import flows.prefect_env  # isort: skip  # noqa: F401 - before Prefect, which reads its settings on import
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.auditing import audit_home
from flows.console import say
from flows.homes import home_to_read
from flows.run_page import mark_run, show
from flows.settings import Settings
from transforms.calendar import NEW_YORK
from warehouse.audits import WrittenAudit
from warehouse.home import Home

DESCRIPTION = """
The claims made for the hedge, **judged** on everything that is published: each policy and benchmark walked through
every session once, then intervals and verdicts. Minutes, not seconds. See `docs/audit.md`.
"""


@task(
    name="audit",
    task_run_name="audit of {home.path.name}",
    description="Run every trial, judge the claims, write the page.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def judge(home: Home, now: datetime) -> WrittenAudit:
    """Run every trial, judge the claims, write the report."""
    written = audit_home(home, now=now, progress=lambda name: say(f"audit    {name}"))
    markdown = written.html.with_suffix(".md").read_text(encoding="utf-8")
    show(lambda: create_markdown_artifact(markdown=markdown, key="alvh-audit", description="verdicts on the claims"))
    return written


def _name_run() -> str:
    return f"audit {datetime.now(NEW_YORK).date()}"


@flow(name="audit", flow_run_name=_name_run, description=DESCRIPTION, validate_parameters=False, persist_result=False)
def audit(home: str | None = None) -> WrittenAudit:
    """Audit the claims on what is published.

    Parameters
    ----------
    home
        Home folder; ``ALVH_HOME``, else the default, when not given.
    """
    written = judge(home_to_read(Path(home) if home else Settings().home), datetime.now(UTC))
    mark_run(None, ["alvh", "simulated" if written.record["is_simulated"] else "real"])
    return written
