"""Policies of a sweep evaluated on one path: a warehouse, laid out once for all policies and kept beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import duckdb
import pandas as pd

from transforms.errors import PipelineError, UsageError
from transforms.hedge import CalendarListing
from transforms.sweep import build_sweep_market
from transforms.sweep.grid import GridPolicy
from transforms.sweep.measures import measure_chunk
from transforms.sweep.run import lay_out_numbers, read_numbers, walk_sums
from transforms.sweep.states import decide_policies, find_opening_sessions
from warehouse.hedge import read_hedge_market
from warehouse.home import Home, make_folder, replace_durably
from warehouse.policy_paths import read_market
from warehouse.query import open_published
from warehouse.sweep_market_file import LAID_OUT, PathMarket, read_market_file, write_market
from warehouse.sweep_rules import PathRules


def take_warehouse(home: Home, folder: Path) -> Path:
    """Put the published warehouse of a home into a path's folder, unless it is there. Return its file.

    A link to the same file where the disk allows it: a night publishes another file and leaves this one as it is.
    """
    target = Home(folder).published
    if target.exists():
        return target
    with open_published(home):
        pass
    make_folder(folder)
    temporary = folder / f".{target.name}.new"
    temporary.unlink(missing_ok=True)
    try:
        os.link(home.published, temporary)
    except OSError:
        shutil.copyfile(home.published, temporary)
    replace_durably(temporary, target)
    return target


def lay_out_path(folder: Path, policies: Sequence[GridPolicy], threads: int = 1) -> bool:
    """Lay a path's market out for all policies of a grid and keep it in the folder, unless it is there: then False.

    Parameters
    ----------
    threads
        Share a part of the work.

    Raises
    ------
    UsageError
        If the warehouse was published before it had positions.
    """
    if is_laid_out(folder):
        return False
    with _open(folder) as connection:
        numbers = dict(connection.execute("select parameter, value from ref.parameters").fetchall())
        if "audit_nav_usd" not in numbers:
            raise UsageError(
                "this warehouse cannot be swept",
                where=str(folder),
                found="a warehouse of an earlier version",
                next_step="run `alvh nightly`, then again",
            )
        hedge = read_hedge_market(connection, float(numbers["audit_nav_usd"]))
        signals = read_market(connection)
    machines = [one.policy.machine() for one in policies]
    # Calendars are nearly all of the work of laying a market out: they are looked up where the second engine of any
    # policy would construct if nothing stood against it; it asks nowhere else.
    deciders = PathRules(folder, signals).build_deciders([one.policy for one in policies], machines)
    asked = find_opening_sessions(deciders, threads)
    calendars = CalendarListing(list(hedge.futures.days), hedge.options)
    swept = build_sweep_market(hedge, calendars, machines, asked)
    made = PathMarket(swept, signals, float(numbers["episode_vix_pts"]))
    write_market(folder / LAID_OUT, made)
    return True


def is_laid_out(folder: Path) -> bool:
    """Tell whether a path can be walked: its warehouse is there, and its market, which can be read.

    One that is damaged has to be laid out again.
    """
    if not Home(folder).published.exists():
        return False
    try:
        load_path(folder)
    except PipelineError:
        return False
    return True


def load_path(folder: Path) -> PathMarket:
    """Return what `lay_out_path` kept.

    Raises
    ------
    PipelineError
        If it is not there or damaged.
    """
    return read_market_file(folder / LAID_OUT)


def evaluate_policies(folder: Path, path: PathMarket, policies: Sequence[GridPolicy], threads: int = 1) -> pd.DataFrame:
    """Decide and walk policies on a path, and measure them.

    Parameters
    ----------
    folder
        Of the path: its warehouse evaluates the rules.
    path
        Of the same folder.
    policies
        Of the grid that the path was laid out for.
    threads
        Share the walk; the result does not depend on their number.

    Returns
    -------
    DataFrame
        A row a policy, in their order: see `measure_chunk`.

    Raises
    ------
    ValueError
        As `run_policies`.
    """
    swept = path.swept
    machines = [one.policy.machine() for one in policies]
    deciders = _rules_of(folder, path).build_deciders([one.policy for one in policies], machines, swept)
    numbers = [read_numbers(swept, machine) for machine in machines]
    paths = decide_policies(deciders, threads)
    result = walk_sums(swept.arrays, lay_out_numbers(paths, numbers, swept.nav_usd), threads)
    return measure_chunk(
        policies,
        result,
        days=swept.futures.days,
        vix_pts=swept.futures.vix_pts,
        nav_usd=swept.nav_usd,
        high_vix_pts=path.high_vix_pts,
    )


@lru_cache(maxsize=2)
def _rules_of(folder: Path, path: PathMarket) -> PathRules:
    # Kept from chunk to chunk: each condition of a grid is evaluated once.
    return PathRules(folder, path.signals)


@contextmanager
def _open(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(Home(folder)) as connection:
        yield connection
