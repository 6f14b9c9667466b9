"""How robust a result is: over two numbers of a grid, the middle of everything else.

A cell holds the median over all policies that share two values, whatever their other values are, with the lowest and
the highest. A good cell among bad ones is chance; a wide region of one kind is a finding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from transforms.sweep.grid import Value
from transforms.sweep.measures import PARAMETER


def build_map(
    rows: pd.DataFrame,
    axes: Mapping[str, Sequence[Value]],
    *,
    map_rows: str,
    map_columns: str,
    measure: str,
) -> dict[str, Any]:
    """Build the heat map of a measure.

    Parameters
    ----------
    rows
        Results: a row a policy and path. Paths of one kind only: real and simulated ones are never pooled.
    axes
        Values by name of parameter, in the order of the map.
    map_rows, map_columns
        Two of the axes.
    measure
        Column of the results; NaN undefined.

    Returns
    -------
    dict
        ``measure``, ``rows`` and ``columns`` (each ``name`` and ``values``), and ``cells``: by row and column
        ``median``, ``lowest``, ``highest`` (None where nothing is defined), ``results`` (how many are), and
        ``above_zero_frac``.

    Raises
    ------
    ValueError
        If the results mix real and simulated paths.
    """
    if rows["is_simulated"].nunique() > 1:
        raise ValueError("real and simulated results in one map")
    names = [f"{PARAMETER}{map_rows}", f"{PARAMETER}{map_columns}"]
    grouped = {key: part.to_numpy(np.float64) for key, part in rows.groupby(names)[measure]}
    cells = [[_describe(grouped.get((row, column))) for column in axes[map_columns]] for row in axes[map_rows]]
    return {
        "measure": measure,
        "rows": {"name": map_rows, "values": list(axes[map_rows])},
        "columns": {"name": map_columns, "values": list(axes[map_columns])},
        "cells": cells,
    }


def build_spread(rows: pd.DataFrame, measures: Sequence[str]) -> dict[str, Any]:
    """Describe the results of all policies: by measure lowest, quartiles, median and highest; None undefined."""
    found: dict[str, Any] = {}
    for name in measures:
        known = rows[name].dropna().to_numpy(np.float64)
        levels = np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0]).tolist() if len(known) else [None] * 5
        found[name] = dict(zip(("lowest", "quartile_1", "median", "quartile_3", "highest"), levels, strict=True))
        found[name]["results"] = len(known)
    return found


def _describe(values: Any) -> dict[str, Any]:
    known = np.array([]) if values is None else values[~np.isnan(values)]
    if not len(known):
        return {"median": None, "lowest": None, "highest": None, "results": 0, "above_zero_frac": None}
    return {
        "median": float(np.median(known)),
        "lowest": float(known.min()),
        "highest": float(known.max()),
        "results": len(known),
        "above_zero_frac": math.fsum(known > 0) / len(known),
    }
