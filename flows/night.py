"""What one night works on, and whether there is anything to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.homes import home_to_write
from flows.settings import RetentionSettings, Settings
from flows.sources.choice import REAL_MARKET, choose_source, is_simulated, market_of
from transforms import calendar
from transforms.errors import PipelineError, UsageError
from warehouse.home import Home
from warehouse.query import open_published
from warehouse.report_data import latest_session
from warehouse.retention import Retention
from warehouse.run_log import published_run


@dataclass(frozen=True)
class Night:
    """What one night works on. ``now`` is the only clock that any step sees.

    ``rebuild``: build even where nothing changed. Without ``retention`` nothing but earlier warehouses is removed.
    """

    home: Home
    run_id: str
    now: datetime
    source: str
    archive: Path | None
    as_of: date | None
    keep_published: int
    fetch_retries: int = 0
    fetch_retry_seconds: float = 0.0
    ask_everything: bool = False
    market: str = REAL_MARKET
    policy_file: Path | None = None
    rebuild: bool = False
    retention: Retention | None = None

    @property
    def is_simulated(self) -> bool:
        """True where the market is made up."""
        return is_simulated(self.market)

    @property
    def build_path(self) -> Path:
        """File the night builds."""
        return self.home.build / f"{self.run_id}.duckdb"

    @property
    def has_clock(self) -> bool:
        """True where sessions are due by the clock; an archive ends when it ends."""
        return self.source == "cboe"

    @property
    def due_session(self) -> date | None:
        """Session that must be there by now."""
        return calendar.latest_due_session(self.now) if self.has_clock else None

    @property
    def session(self) -> date:
        """Newest session whose settlements can be out by the clock."""
        return calendar.latest_closed_session(self.now)


def resolve_night(
    settings: Settings,
    *,
    run_id: str,
    now: datetime,
    as_of: date | None,
    ask_everything: bool,
    policy_file: Path | None = None,
    rebuild: bool = False,
) -> Night:
    """Turn settings and options into a night.

    Raises
    ------
    UsageError
        If the source is unknown, its folder is missing, or ``as_of`` is in the future.
    """
    source = choose_source(settings.source, settings.archive)
    archive = settings.archive.expanduser().resolve() if source == "archive" and settings.archive else None
    market = market_of(source, archive)
    home = home_to_write(settings.home, is_simulated=is_simulated(market))
    if source == "sample":
        archive = home.path / "sample"
    today = now.astimezone(calendar.NEW_YORK).date()
    if as_of is not None and as_of > today:
        raise UsageError("--as-of is in the future", found=str(as_of), expected=f"{today} or earlier")
    retention = RetentionSettings().to_retention()
    return Night(
        home=home,
        run_id=run_id,
        now=now,
        source=source,
        archive=archive,
        as_of=as_of,
        keep_published=retention.published,
        fetch_retries=settings.fetch_retries,
        fetch_retry_seconds=settings.fetch_retry_seconds,
        ask_everything=ask_everything,
        market=market,
        policy_file=policy_file.expanduser().resolve() if policy_file else None,
        rebuild=rebuild,
        retention=retention,
    )


def reason_to_stay_idle(night: Night, *, on_sessions_only: bool, only_if_missing: bool) -> str | None:
    """Return why a scheduled run has nothing to do, or None."""
    today = night.now.astimezone(calendar.NEW_YORK).date()
    if on_sessions_only and not calendar.sessions("XCBF", today, today):
        return f"nothing new: {today} is not a session of VIX futures"
    if only_if_missing and night.home.published.exists():
        try:
            with open_published(night.home) as connection:
                newest = latest_session(connection)
                failures = published_run(night.home, connection).failures
        except (PipelineError, duckdb.Error):
            return None  # damaged: a night replaces it
        if newest >= night.session and not any(_may_pass(failure) for failure in failures):
            return f"nothing new: {newest} is published"
    return None


def _may_pass(failure: Mapping[str, Any]) -> bool:
    """True where an hour later what is missing may be had; for what is optional no night is run again."""
    return bool(failure.get("is_transient")) and failure.get("requirement") != "optional"
