"""The paths of a sweep made ready: simulated markets built, and every path's market laid out for the policies.

A simulated market goes the way of a night, from files to a checked warehouse, in its own home.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from flows import steps
from flows.night import resolve_night
from flows.sample import write_simulated_archive
from flows.settings import Settings
from transforms import calendar
from transforms.simulate import DEFAULT_SEED
from transforms.sweep.grid import GridPolicy
from warehouse.build import open_build
from warehouse.checks import require_no_errors, run_sql_checks
from warehouse.home import Home, make_folder, replace_durably
from warehouse.publish import claim_market
from warehouse.query import open_published
from warehouse.run_log import run_id_of
from warehouse.sweep_chunks import require_same
from warehouse.sweep_paths import lay_out_path
from warehouse.sweep_store import PUBLISHED, SweepFolder, load_policies


def seed_of(path: int) -> int:
    """Seed of a sweep's path; another than that of the sample, which may be the published history."""
    return DEFAULT_SEED + path


def prepare_path(folder: str, number: int, threads: int = 1, policies: Sequence[GridPolicy] | None = None) -> float:
    """Have a path ready for its chunks: its warehouse, and its market laid out. What is there already is kept.

    Parameters
    ----------
    folder
        Of the sweep, as this process sees it.
    number
        Of the path. The warehouse of the published history is there.
    threads
        Share a part of the work.
    policies
        All of the sweep; None: as its plan has them.

    Returns
    -------
    float
        Seconds that it took.

    Raises
    ------
    PipelineError
        If this process does not see the folder or runs another code than the sweep began with, or the market cannot be
        built, or fails a check of severity ``error``.
    UsageError
        If the warehouse was published before it had positions.
    """
    started = time.monotonic()
    require_same(folder)
    sweep = SweepFolder(Path(folder))
    path_folder = sweep.path_folder(number)
    if number != PUBLISHED:
        build_simulated_warehouse(path_folder, sweep.path_folder(PUBLISHED), seed_of(number))
    lay_out_path(path_folder, load_policies(sweep) if policies is None else policies, threads)
    return time.monotonic() - started


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
