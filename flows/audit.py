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
from flows.settings import Settings
from warehouse.audits import WrittenAudit
from warehouse.home import Home


@task(name="audit", cache_policy=NO_CACHE, persist_result=False)
def judge(home: Home, now: datetime) -> WrittenAudit:
    """Run every trial, judge the claims, write the report."""
    written = audit_home(home, now=now, progress=lambda name: say(f"audit    {name}"))
    markdown = written.html.with_suffix(".md").read_text(encoding="utf-8")
    create_markdown_artifact(markdown=markdown, key="audit", description="verdicts on the claims")
    return written


@flow(name="audit", flow_run_name="audit", validate_parameters=False, persist_result=False)
def audit(home: str | None = None) -> WrittenAudit:
    """Audit the claims on what is published.

    Parameters
    ----------
    home
        Home folder; ``ALVH_HOME``, else the default, when not given.
    """
    return judge(home_to_read(Path(home) if home else Settings().home), datetime.now(UTC))
