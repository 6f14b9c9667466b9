"""The record of a sweep, ``sweep.json``: results of all policies put together, path kinds apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from transforms.policy.identity import policy_hash
from transforms.sweep.grid import Expansion, Grid
from transforms.sweep.maps import build_map, build_spread
from transforms.sweep.measures import PARAMETER
from transforms.sweep.walk_forward import walk_forward

SCHEMA_VERSION = "1.0.0"
PUBLISHED = 0
WARNING = (
    "Picking the best cell or the best policy of this page is overfitting: with this many tries one of them looks "
    "good by chance. Look for wide regions that agree, and at what the winners of the past were worth afterwards."
)
MEASURES = (
    *("mean_year_frac", "volatility_year_frac", "sharpe_ratio", "max_drawdown_frac", "net_pnl_usd"),
    *("base_net_pnl_usd", "temporal_vega_net_pnl_usd", "second_engine_net_pnl_usd"),
    *("credit_kept_usd", "protection_cost_usd", "cost_usd", "self_funding_ratio", "high_vix_net_pnl_usd"),
)
"""Columns of the results whose spread over all policies is told."""


def build_sweep_record(
    rows: pd.DataFrame,
    grid: Grid,
    expansion: Expansion,
    *,
    failed: Sequence[Mapping[str, Any]],
    paths: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Build the record.

    Parameters
    ----------
    rows
        Results: a row a policy and path, in the order of the grid.
    failed
        Notes of chunks that could not be computed.
    paths
        Of each path ``path``, ``is_simulated``, ``seed`` (None for the published one), ``first_session``,
        ``last_session``.
    provenance
        What the sweep was made of; ``as_of``, ``sweep_id`` and ``nav_usd`` among it.

    Returns
    -------
    dict
        Plain JSON. ``published`` is the published history; ``simulated`` the simulated markets beside it, None without
        any. Each has ``spread``, ``map`` and ``walk_forward``; they are never pooled.
    """
    published, others = rows[rows["path"] == PUBLISHED], rows[rows["path"] != PUBLISHED]
    record = {
        "schema_version": SCHEMA_VERSION,
        "sweep_id": provenance["sweep_id"],
        "as_of": provenance["as_of"],
        "is_simulated": bool(paths[0]["is_simulated"]),
        "grid": {
            "name": grid.name,
            "description": grid.description,
            "base": grid.base.name,
            "base_policy_hash": policy_hash(grid.base),
            "axes": {name: list(values) for name, values in grid.axes.items()},
            "constraints": [one.text for one in grid.constraints],
            "combinations": grid.size,
            "skipped": dict(expansion.skipped),
        },
        "policies": len(expansion.policies),
        "objective": grid.objective,
        "warning": WARNING,
        "paths": [dict(path) for path in paths],
        "failed_chunks": [dict(note) for note in failed],
        "published": _describe(published, grid),
        "simulated": _describe(others, grid) if len(others) else None,
        "provenance": dict(provenance),
    }
    plain: dict[str, Any] = _plain(record)
    return plain


def _describe(rows: pd.DataFrame, grid: Grid) -> dict[str, Any]:
    if rows.empty:
        empty: dict[str, Any] = {"results": 0, "distinct_results": 0, "spread": {}, "map": None, "walk_forward": []}
        return empty | {"best_in_hindsight": None}
    numbers = sorted(set(rows["path"].tolist()))
    walks = [{"path": number, **walk_forward(rows[rows["path"] == number], grid.objective)} for number in numbers]
    heat_map = None
    if grid.map_rows is not None and grid.map_columns is not None:
        heat_map = build_map(
            rows, grid.axes, map_rows=grid.map_rows, map_columns=grid.map_columns, measure=grid.objective
        )
    return {
        "results": len(rows),
        "distinct_results": len(rows[["path", "net_pnl_usd", "max_drawdown_frac", "cost_usd"]].drop_duplicates()),
        "spread": build_spread(rows, MEASURES),
        "map": heat_map,
        "walk_forward": walks,
        "best_in_hindsight": _find_best(rows, grid) if rows["path"].nunique() == 1 else None,
    }


def _find_best(rows: pd.DataFrame, grid: Grid) -> dict[str, Any] | None:
    known = rows.dropna(subset=[grid.objective])
    if known.empty:
        return None
    best = known.iloc[int(known[grid.objective].to_numpy().argmax())]
    values = {name: best[f"{PARAMETER}{name}"] for name in grid.axes}
    tied = int((known[grid.objective] == best[grid.objective]).sum())
    return {"policy_id": best["policy_id"], "tied": tied, "values": values, grid.objective: best[grid.objective]}


def _plain(value: Any) -> Any:
    """Plain JSON; what is not a number is None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
