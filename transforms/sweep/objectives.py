"""What policies are compared by: a number of a stretch of sessions, from sums that any years can be added up to.

A return is the portfolio's P&L of a session after costs, without interest on collateral, as a fraction of the account
(as in the audit). Higher is better for every objective.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SESSIONS_A_YEAR = 252
FEWEST_SESSIONS = 60
"""As for the audit's performance: fewer say nothing."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over some sessions; arrays of one shape.

    Attributes
    ----------
    sessions
        How many.
    returns, squares
        Sum of the daily returns, and of their squares.
    """

    sessions: Floats
    returns: Floats
    squares: Floats


def compute_mean_year(sums: Sums) -> Floats:
    """Mean return of a session times 252; NaN with fewer than 60 sessions."""
    enough = sums.sessions >= FEWEST_SESSIONS
    mean = sums.returns / np.where(enough, sums.sessions, 1.0)
    return np.where(enough, mean * SESSIONS_A_YEAR, math.nan)


def compute_volatility(sums: Sums) -> Floats:
    """Standard deviation of the daily returns (divisor n - 1), a year; NaN with fewer than 60 sessions."""
    enough = sums.sessions >= FEWEST_SESSIONS
    count = np.where(enough, sums.sessions, 2.0)
    variance = np.maximum(sums.squares - sums.returns**2 / count, 0.0) / (count - 1)
    return np.where(enough, np.sqrt(variance * SESSIONS_A_YEAR), math.nan)


def compute_sharpe_year(sums: Sums) -> Floats:
    """Mean over volatility, a year; NaN where nothing moved."""
    volatility = compute_volatility(sums)
    moved = volatility > 0
    return np.where(moved, compute_mean_year(sums) / np.where(moved, volatility, 1.0), math.nan)


OBJECTIVES: Mapping[str, Callable[[Sums], Floats]] = {
    "mean_year_frac": compute_mean_year,
    "sharpe_ratio": compute_sharpe_year,
}
"""By name; the first one is the default. Both are columns of the results as well."""
