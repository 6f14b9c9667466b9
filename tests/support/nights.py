"""Running whole nights in tests, without Prefect's server and, where not wanted, without expectations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb

from flows.night import Night
from flows.run import NightResult, Steps, run_night
from transforms.calendar import NEW_YORK
from warehouse.checks import CheckResult, run_sql_checks, write_results
from warehouse.home import Home
from warehouse.run_log import run_id_of


def check_with_sql_only(night: Night) -> list[CheckResult]:
    """The check step without Great Expectations, whose import would be most of a test's time."""
    with duckdb.connect(str(night.build_path)) as connection:
        results = run_sql_checks(connection)
        write_results(connection, night.run_id, results)
    return results


QUICK = Steps(check=check_with_sql_only)


def evening_of(day: date) -> datetime:
    """18:30 in New York."""
    return datetime.combine(day, time(18, 30), NEW_YORK).astimezone(UTC)


@dataclass
class Trader:
    """A home folder and an archive, one night after the other."""

    home: Home
    archive: Path
    now: datetime
    source: str = "archive"
    nights: int = 0

    def night(self, **changes: Any) -> Night:
        """The next night's settings; a second later each time, so that run ids differ."""
        self.nights += 1
        now = self.now.replace(second=self.nights % 60, minute=30 + self.nights // 60)
        night = Night(
            home=self.home,
            run_id=run_id_of(now),
            now=now,
            source=self.source,
            archive=self.archive if self.source == "archive" else None,
            as_of=None,
            keep_published=3,
        )
        return replace(night, **changes)

    def run(self, do: Steps = QUICK, **changes: Any) -> NightResult:
        """Run the next night."""
        return run_night(self.night(**changes), do)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the published warehouse."""
        with duckdb.connect(str(self.home.published), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def state(self) -> dict[str, str]:
        """Hash of the published warehouse and of every report file."""
        files = [self.home.published, *sorted(self.home.reports.rglob("*.*"))]
        return {
            str(path.relative_to(self.home.path)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if path.is_file()
        }

    def raw_bodies(self) -> set[str]:
        """Names of every stored version."""
        return {
            str(path.relative_to(self.home.raw))
            for path in self.home.raw.rglob("*")
            if path.is_file()
            and path.suffix in (".csv", ".json")
            and ".meta" not in path.name
            and path.parent != self.home.raw
        }


VALUES = """
select 'settle' as what, trade_date::varchar as day, expiry_date::varchar as key, settle_pts as value, settle_source
from core.daily_vx_settlements
union all
select 'level', trade_date::varchar, index_code, close_pts, null from core.daily_index_levels
union all
select 'curve', trade_date::varchar, 'contango', contango_frac, curve_regime from mart.daily_term_structure
union all
select 'index', trade_date::varchar, 'short_term_tr', short_term_tr, null from mart.daily_volatility_indices
order by all
"""
"""Every value that a trader could act on, for comparing two warehouses."""
