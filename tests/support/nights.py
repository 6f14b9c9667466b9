"""Running whole nights in tests, without Prefect's server and, where not wanted, without expectations."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from flows import steps
from flows.night import Night
from flows.run import NightResult, Steps, run_night
from tests.support.market import LAST, write_market
from tests.support.prepared import prepared
from transforms.calendar import NEW_YORK
from warehouse.build import Built
from warehouse.checks import CheckResult, run_sql_checks, write_results
from warehouse.hedge_states import PolicyInForce
from warehouse.home import Home
from warehouse.reports import WrittenReport
from warehouse.run_log import run_id_of


def check_with_sql_only(night: Night) -> list[CheckResult]:
    """The check step without Great Expectations, whose import would be most of a test's time."""
    with duckdb.connect(str(night.build_path)) as connection:
        results = run_sql_checks(connection)
        write_results(connection, night.run_id, results)
    return results


def build_without_comments(night: Night, policies: Sequence[PolicyInForce]) -> Built:
    """The build step without the comments of tables and columns: an eighth of its time, and nothing a night knows."""
    with patch("warehouse.build.apply_comments"):
        return steps.build_step(night, policies)


def build_prepared(night: Night, policies: Sequence[PolicyInForce]) -> Built:
    """The build step without comments, on the tables that are the same for every build of its day."""
    with prepared(night.build_path, night.now.astimezone(UTC).date(), is_simulated=night.is_simulated):
        return build_without_comments(night, policies)


def report_drawn_once(night: Night, as_of: date, is_latest: bool, record: Mapping[str, Any]) -> WrittenReport:
    """The report step with each chart drawn once a process: most nights of the tests have the same three charts.

    A chart is a pure function of its numbers, so the files are those that the step writes by itself. The pages
    around the reports, two hundred files in a new home, are left to the tests that are about them.
    """
    with patch.object(steps, "refresh_site"):
        return report_with_pages(night, as_of, is_latest, record)


def report_with_pages(night: Night, as_of: date, is_latest: bool, record: Mapping[str, Any]) -> WrittenReport:
    """The report step with the pages around the reports, and with each chart drawn once a process."""
    from transforms.report import render

    drawn = {name: _remembering(name, draw) for name, draw in render.DRAWINGS.items()}
    with patch.object(render, "DRAWINGS", drawn):
        return steps.report_step(night, as_of, is_latest, record)


_CHARTS: dict[tuple[str, str, str], str] = {}


def _remembering(name: str, draw: Callable[..., str]) -> Callable[..., str]:
    @wraps(draw)
    def run(chart: Mapping[str, Any], **options: Any) -> str:
        key = (name, json.dumps(chart, sort_keys=True, default=str), json.dumps(options, sort_keys=True))
        if key not in _CHARTS:
            _CHARTS[key] = draw(chart, **options)
        return _CHARTS[key]

    return run


QUICK = Steps(
    stand=lambda *_: None,  # a night of a test builds, though nothing may have changed since the one before
    build=build_prepared,
    check=check_with_sql_only,
    report=report_drawn_once,
)


def evening_of(day: date) -> datetime:
    """18:30 in New York."""
    return datetime.combine(day, time(18, 30), NEW_YORK).astimezone(UTC)


def have_first_night(folder: Path, source: str = "archive") -> None:
    """Fill a folder with the made-up market (``archive``) and a home that had one night on it (``home``)."""
    write_market(folder / "archive")
    # with its comments: what goes on from it without a night of its own may read the units
    Trader(Home(folder / "home"), folder / "archive", evening_of(LAST), source).run(
        replace(QUICK, build=steps.build_step)
    )


@dataclass
class Trader:
    """A home folder and an archive, one night after the other.

    Attributes
    ----------
    begun
        What :func:`have_first_night` made, for :meth:`begin`.
    do
        The steps of a night that is given none.
    """

    home: Home
    archive: Path
    now: datetime
    source: str = "archive"
    nights: int = 0
    begun: Path | None = None
    do: Steps = QUICK

    def begin(self) -> None:
        """Have the first night behind, as :meth:`run` would: take over the home of one that had the same market."""
        assert self.begun is not None, "no first night to take over"
        assert self.nights == 0
        assert _files_of(self.archive) == _files_of(self.begun / "archive"), "that night had another market"
        shutil.copytree(self.begun / "home", self.home.path)
        self.nights = 1

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

    def run(self, do: Steps | None = None, **changes: Any) -> NightResult:
        """Run the next night."""
        return run_night(self.night(**changes), do or self.do)

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


def _files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
