"""Policies of a sweep evaluated on one path: a warehouse, laid out once for all policies and kept beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.errors import PipelineError, UsageError
from transforms.hedge import CalendarListing
from transforms.hedge.calendars import read_calendar_targets
from transforms.layers.codes import LayerState
from transforms.layers.decide import ROLES, build_layer_inputs, build_layer_settings
from transforms.layers.records import LayerSettings
from transforms.layers.run import run_many_layers
from transforms.policy.model import Policy
from transforms.sweep import SweepCase, build_sweep_market, decide_stretches, run_policies
from transforms.sweep.grid import GridPolicy
from transforms.sweep.measures import KEPT, measure_chunk
from warehouse.expressions import Truths, evaluate_rules, rule_sql
from warehouse.hedge import read_hedge_market
from warehouse.home import Home, make_folder, replace_durably
from warehouse.policy_paths import read_market
from warehouse.query import open_published
from warehouse.sweep_market_file import LAID_OUT, PathMarket, read_market_file, write_market


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


def lay_out_path(folder: Path, policies: Sequence[GridPolicy]) -> bool:
    """Lay a path's market out for all policies of a grid and keep it in the folder, unless it is there: then False.

    One that is damaged is laid out again.

    Raises
    ------
    UsageError
        If the warehouse was published before it had positions.
    """
    target = folder / LAID_OUT
    if target.exists():
        try:
            read_market_file(target)
        except PipelineError:
            target.unlink()
        else:
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
        distinct = [one.policy for one in policies]
        truths = evaluate_rules(connection, distinct)
    asked = _find_active_sessions(distinct, truths, signals)
    calendars = CalendarListing(list(hedge.futures.days), hedge.options)
    swept = build_sweep_market(hedge, calendars, _list_machines(distinct), asked)
    made = PathMarket(swept, signals, float(numbers["episode_vix_pts"]))
    write_market(target, made)
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
    """
    with _open(folder) as connection:
        truths = evaluate_rules(connection, [one.policy for one in policies])
    cases = (_case(one.policy, truths) for one in policies)
    stretches = decide_stretches(path.swept, path.signals, cases)
    result = run_policies(path.swept, stretches, keep=KEPT, threads=threads)
    return measure_chunk(
        policies,
        result,
        days=path.swept.futures.days,
        vix_pts=path.swept.futures.vix_pts,
        nav_usd=path.swept.nav_usd,
        high_vix_pts=path.high_vix_pts,
    )


def _case(policy: Policy, truths: Truths) -> SweepCase:
    return SweepCase(machine=policy.machine(), truths=_roles(policy, truths), values=policy.values)


def _roles(policy: Policy, truths: Truths) -> dict[str, Any]:
    roles: dict[str, Any] = {name: truths.of(policy, layer, role) for name, (layer, role) in ROLES.items()}
    roles["signal_guards"] = truths.guards(policy)
    return roles


def _find_active_sessions(policies: Sequence[Policy], truths: Truths, signals: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Sessions on which the second engine of any policy would act if nothing stood against constructing.

    Only there calendars are looked up: nearly all of the work of laying a market out. See `run_policy` for why it acts
    nowhere else.
    """
    asked = np.zeros(len(signals), np.bool_)
    unruled = build_layer_inputs(signals, dict.fromkeys((*ROLES, "signal_guards")))
    # Most policies of a grid differ in numbers that decide no state: each way to decide is run once.
    distinct: dict[tuple[LayerSettings, tuple[str, ...]], Policy] = {}
    for policy in policies:
        conditions = tuple(rule_sql(policy, rule) for rule in policy.rules)
        distinct.setdefault((build_layer_settings(policy.machine()), conditions), policy)
    cases = ((replace(unruled, **_roles(policy, truths)), settings) for (settings, _), policy in distinct.items())
    for path in run_many_layers(cases):
        asked |= path.second_state == LayerState.ACTIVE
    return asked


def _list_machines(policies: Sequence[Policy]) -> Iterator[dict[str, float | int | bool | str]]:
    """One machine of each set of calendar targets."""
    seen = set()
    for policy in policies:
        machine = policy.machine()
        targets = read_calendar_targets(machine)
        if targets not in seen:
            seen.add(targets)
            yield machine


@contextmanager
def _open(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(Home(folder)) as connection:
        yield connection
