"""Simulated markets for a sweep: each goes the way of a night, from files to a checked warehouse, in its own home."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from flows import steps
from flows.night import resolve_night
from flows.sample import write_simulated_archive
from flows.settings import Settings
from transforms import calendar
from transforms.simulate import DEFAULT_SEED
from warehouse.build import open_build
from warehouse.checks import require_no_errors, run_sql_checks
from warehouse.home import Home, make_folder, replace_durably
from warehouse.publish import claim_market
from warehouse.query import open_published
from warehouse.run_log import run_id_of


def seed_of(path: int) -> int:
    """Seed of a sweep's path; another than that of the sample, which may be the published history."""
    return DEFAULT_SEED + path


def build_simulated_warehouse(target: Path, like: Path, seed: int) -> None:
    """Build the warehouse of a simulated market over the sessions of another warehouse, unless it is there.

    Parameters
    ----------
    target
        Folder of the path; its warehouse is put there when it has passed the checks.
    like
        Folder of the published path.
    seed
        Of the market.

    Raises
    ------
    PipelineError
        If the market cannot be built, or fails a check of severity ``error``.
    """
    if Home(target).published.exists():
        return
    with open_published(Home(like)) as connection:
        first, last = connection.execute(
            "select min(trade_date), max(trade_date) from core.daily_vx_settlements"
        ).fetchall()[0]
    make_folder(target)
    # Beside its target: what is moved there stays on one disk.
    with tempfile.TemporaryDirectory(prefix=".market.", dir=target) as folder:
        archive, home = Path(folder) / "archive", Home(Path(folder) / "home")
        write_simulated_archive(archive, first, last, seed)
        # The evening of the last session, whatever the clock says: the same market builds the same tables.
        now = datetime.combine(last, datetime.min.time(), calendar.NEW_YORK).replace(hour=18, minute=30)
        now = now.astimezone(UTC)
        settings = Settings(home=home.path, source="archive", archive=archive)
        night = resolve_night(settings, run_id=run_id_of(now), now=now, as_of=None, ask_everything=False)
        home.prepare()
        claim_market(home, night.market)
        admitted = steps.policy_step(night)
        steps.land_step(night, steps.fetch_step(night))
        steps.build_step(night, admitted.in_force)
        with open_build(night.build_path) as connection:
            require_no_errors(run_sql_checks(connection))
        replace_durably(night.build_path, Home(target).published)
