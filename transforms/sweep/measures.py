"""What a chunk of policies amounts to on one path: a row a policy, from the cents of the compiled walk.

P&L is after costs and without interest on collateral, as in the audit: the account would earn the interest without the
hedge. Years are kept as sums, so that any stretch of them can be judged later (see `transforms.sweep.walk_forward`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.ledger.table import PORTFOLIO
from transforms.positions.money import CENTS_PER_USD
from transforms.sweep.grid import GridPolicy
from transforms.sweep.objectives import Sums, compute_mean_year, compute_sharpe_year, compute_volatility
from transforms.sweep.results import LAYER_NAMES, SweepSums

PARAMETER = "param_"
"""Beginning of the columns that hold what a policy was made of."""

YEAR_LISTS = ("years", "year_sessions", "year_returns", "year_squares")
_PORTFOLIO = LAYER_NAMES.index(PORTFOLIO)
_ROWS_AT_ONCE = 8

Floats = npt.NDArray[np.float64]


def measure_chunk(
    policies: Sequence[GridPolicy],
    result: SweepSums,
    *,
    days: Sequence[date],
    vix_pts: Floats,
    nav_usd: float,
    high_vix_pts: float,
) -> pd.DataFrame:
    """Measure the policies of a chunk.

    Parameters
    ----------
    policies
        p policies, in the order of the result.
    result
        Of `walk_sums`.
    days, vix_pts
        The n sessions, and VIX closes, shape (n,), NaN unknown.
    nav_usd
        The account.
    high_vix_pts
        A session counts as one of high VIX when the close before it was known and not below this.

    Returns
    -------
    DataFrame
        p rows: ``policy_id``; a column `PARAMETER` + name for each axis; ``sessions``; ``mean_year_frac``,
        ``volatility_year_frac``, ``sharpe_ratio``, ``max_drawdown_frac`` of the portfolio (NaN undefined);
        ``net_pnl_usd`` and that of each layer; ``interest_usd``, ``credit_kept_usd``, ``protection_cost_usd``,
        ``cost_usd`` (negative), ``self_funding_ratio``; ``high_vix_sessions``, ``high_vix_net_pnl_usd``; and the lists
        `YEAR_LISTS`: years, their sessions, and sums of daily returns and of their squares.

    Raises
    ------
    ValueError
        If lengths do not agree.
    """
    if len(policies) != len(result) or result.net_cents.shape[1:] != (len(days),) or vix_pts.shape != (len(days),):
        raise ValueError(f"{len(policies)} policies and {len(days)} sessions; found {result.net_cents.shape}")
    net = result.net_cents
    returns = net / (CENTS_PER_USD * nav_usd)
    squares = returns**2
    years, starts = np.unique(np.array([day.year for day in days]), return_index=True)
    sessions = np.diff([*starts.tolist(), len(days)])
    # Cents add up exactly in any order; squares are added year by year, always in the same one.
    year_returns = np.add.reduceat(net, starts, axis=1) / (CENTS_PER_USD * nav_usd)
    year_squares = np.add.reduceat(squares, starts, axis=1)
    sums = Sums(
        sessions=np.full(len(policies), float(len(days))),
        returns=net.sum(axis=1) / (CENTS_PER_USD * nav_usd),
        squares=year_squares.sum(axis=1),
    )
    is_high = np.concatenate([[False], np.nan_to_num(vix_pts[:-1], nan=-math.inf) >= high_vix_pts])
    totals = result.totals_cents
    layers = {name: (totals["pnl"] - totals["interest"])[:, place] for place, name in enumerate(LAYER_NAMES)}
    table: dict[str, object] = {"policy_id": [one.policy_id for one in policies]}
    table |= _list_parameters(policies)
    table |= {
        "sessions": np.full(len(policies), len(days), np.int64),
        "mean_year_frac": compute_mean_year(sums),
        "volatility_year_frac": compute_volatility(sums),
        "sharpe_ratio": compute_sharpe_year(sums),
        "max_drawdown_frac": compute_max_drawdowns(returns),
        "net_pnl_usd": _usd(layers[PORTFOLIO]),
    }
    table |= {f"{name}_net_pnl_usd": _usd(layers[name]) for name in LAYER_NAMES if name != PORTFOLIO}
    for name in ("interest", "credit_kept", "protection_cost", "cost"):
        table[f"{name}_usd"] = _usd(totals[name][:, _PORTFOLIO])
    table |= {
        "self_funding_ratio": result.self_funding_ratio[:, _PORTFOLIO],
        "high_vix_sessions": np.full(len(policies), int(is_high.sum()), np.int64),
        "high_vix_net_pnl_usd": _usd(net[:, is_high].sum(axis=1)),
        "years": [years.tolist()] * len(policies),
        "year_sessions": [sessions.tolist()] * len(policies),
        "year_returns": year_returns.tolist(),
        "year_squares": year_squares.tolist(),
    }
    return pd.DataFrame(table)


def compute_max_drawdowns(returns: Floats) -> Floats:
    """Largest fall of each row's compounded wealth from an earlier high, shape (p,): as the audit's.

    Parameters
    ----------
    returns
        float64, shape (p, n).
    """
    falls = np.empty(len(returns), np.float64)
    # A few rows at a time and in place: what a few rows need stays in the processor's cache.
    for first in range(0, len(returns), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        wealth = 1.0 + returns[rows]
        np.maximum(wealth, 0.0, out=wealth)
        np.cumprod(wealth, axis=1, out=wealth)
        high = np.maximum.accumulate(wealth, axis=1)
        np.maximum(high, 1.0, out=high)
        wealth /= high
        np.subtract(1.0, wealth, out=wealth)
        falls[rows] = wealth.max(axis=1, initial=0.0)
    return falls


def _list_parameters(policies: Sequence[GridPolicy]) -> Mapping[str, object]:
    names = list(policies[0].values) if policies else []
    return {f"{PARAMETER}{name}": [one.values[name] for one in policies] for name in names}


def _usd(cents: npt.NDArray[np.int64]) -> Floats:
    return cents / float(CENTS_PER_USD)
