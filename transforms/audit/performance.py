"""Performance of a series of daily returns: growth, risk, falls, and what protection cost.

Written with NumPy; why no performance library: docs/decisions. Returns are fractions of the account at the close
before. What is undefined is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from transforms.audit.bootstrap import DEFAULT_RESAMPLING, Estimate, Resampling, bootstrap_sessions
from transforms.audit.history import Floats
from transforms.audit.sharpe import (
    compute_probabilistic_sharpe,
    compute_sharpe,
    compute_sharpe_error,
    compute_sharpe_error_iid,
)

SESSIONS_PER_YEAR = 252
FEWEST_FOR_PERFORMANCE = 60
"""Sessions: a quarter, as for block intervals."""

WORST_SHARE = 0.05
"""Sessions on which protection is called for: the worst of the protected portfolio. (ours)"""


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What a series of returns amounts to; every number a fraction unless its name says otherwise.

    Attributes
    ----------
    sessions, note
        Known returns; why numbers are missing.
    cagr, volatility
        A year, of 252 sessions.
    sharpe
        A year, with intervals of resampled blocks.
    sharpe_error_lo_iid, sharpe_error_lo_robust
        Standard errors a year: Lo (2002) for independent returns, and robust (`compute_sharpe_error`).
    probabilistic_sharpe
        Probability that the true ratio is above 0.
    sortino
        A year: mean over the root of the mean squared loss.
    max_drawdown, average_drawdown
        Positive. Average: mean depth of all falls below an earlier high.
    cvar_95, cvar_99
        Mean loss of the worst 5% and 1% of the sessions, positive for a loss.
    beta_spx
        Slope on the S&P 500's returns.
    hit_rate
        Share of gains among sessions that gained or lost.
    cost_year
        Mean yearly loss, positive for a loss.
    protection, protection_per_cost
        P&L on the protected portfolio's worst 5% of sessions; over the loss on all others, NaN where there is none.
    worst_days
        ``trade_date``, ``return_frac``, worst first.
    """

    sessions: int
    note: str
    cagr: float
    volatility: float
    sharpe: Estimate
    sharpe_error_lo_iid: float
    sharpe_error_lo_robust: float
    probabilistic_sharpe: float
    sortino: float
    max_drawdown: float
    average_drawdown: float
    cvar_95: float
    cvar_99: float
    beta_spx: float
    hit_rate: float
    cost_year: float
    protection: float
    protection_per_cost: float
    worst_days: pd.DataFrame


def compute_performance(
    returns: pd.Series,
    spx_returns: pd.Series | None = None,
    protected_returns: pd.Series | None = None,
    resampling: Resampling = DEFAULT_RESAMPLING,
    worst: int = 10,
) -> Performance:
    """Compute all statistics of a series of daily returns.

    Parameters
    ----------
    returns
        By ``trade_date``; NaN unknown, left out and counted in the note.
    spx_returns, protected_returns
        By ``trade_date``; sessions known on both sides are used. None: beta, protection are NaN.
    resampling
        Of the Sharpe ratio's interval.
    worst
        How many worst days to list.

    Returns
    -------
    Performance
        With fewer than 60 known returns nothing but their count.
    """
    known = returns.dropna()
    values = known.to_numpy(np.float64)
    missing = len(returns) - len(known)
    note = f"{missing} sessions without a return are left out" if missing else ""
    if len(values) < FEWEST_FOR_PERFORMANCE:
        note = f"too few: {len(values)} sessions, at least {FEWEST_FOR_PERFORMANCE} are needed"
        return _say_nothing(len(values), note, known, worst)
    sharpe = compute_sharpe(values)
    year = math.sqrt(SESSIONS_PER_YEAR)
    has_ratio = not math.isnan(sharpe)
    skew, kurtosis = compute_shape(values)
    protection, per_cost = _compute_protection(known, protected_returns)
    return Performance(
        sessions=len(values),
        note=note,
        cagr=compute_cagr(values),
        volatility=float(values.std(ddof=1)) * year,
        sharpe=bootstrap_sessions(values[:, None], lambda drawn: compute_sharpe(drawn[:, 0]) * year, resampling),
        sharpe_error_lo_iid=compute_sharpe_error_iid(sharpe, len(values)) * year if has_ratio else math.nan,
        sharpe_error_lo_robust=compute_sharpe_error(values) * year,
        probabilistic_sharpe=compute_probabilistic_sharpe(sharpe, 0.0, len(values), skew, kurtosis),
        sortino=compute_sortino(values) * year,
        max_drawdown=compute_max_drawdown(values),
        average_drawdown=compute_average_drawdown(values),
        cvar_95=compute_cvar(values, 0.95),
        cvar_99=compute_cvar(values, 0.99),
        beta_spx=compute_beta(known, spx_returns),
        hit_rate=compute_hit_rate(values),
        cost_year=-float(values.mean()) * SESSIONS_PER_YEAR,
        protection=protection,
        protection_per_cost=per_cost,
        worst_days=_list_worst(known, worst),
    )


def compute_cagr(returns: Floats) -> float:
    """Compound growth a year: ``prod(1 + r)^(252/n) - 1``; -1 after a ruin."""
    if not len(returns):
        return math.nan
    growth = 1.0 + returns
    if (growth <= 0).any():
        return -1.0
    return float(np.expm1(np.log(growth).sum() * SESSIONS_PER_YEAR / len(returns)))


def compute_shape(returns: Floats) -> tuple[float, float]:
    """Skew, and kurtosis with 3 for a normal distribution, of the sample; NaN without spread."""
    deviation = float(returns.std())
    if not deviation > 0:
        return math.nan, math.nan
    scores = (returns - returns.mean()) / deviation
    return float((scores**3).mean()), float((scores**4).mean())


def compute_sortino(returns: Floats) -> float:
    """Mean over downside deviation, ``sqrt(mean(min(r, 0)^2))``, per session; NaN where nothing was lost.

    Source: Sortino and Price (1994), with 0 as the least acceptable return.
    """
    downside = math.sqrt(float((np.minimum(returns, 0.0) ** 2).mean()))
    return float(returns.mean()) / downside if downside > 0 else math.nan


def compute_drawdowns(returns: Floats) -> Floats:
    """How far ``cumprod(1 + r)`` lies below its highest value so far, 1 at the start among them: positive fractions.

    A loss of everything stays 1 to the end.
    """
    wealth = np.cumprod(np.maximum(1.0 + returns, 0.0))
    high = np.maximum(np.maximum.accumulate(wealth), 1.0) if len(wealth) else wealth
    drawdowns: Floats = 1.0 - wealth / high
    return drawdowns


def compute_max_drawdown(returns: Floats) -> float:
    """Largest fall from an earlier high, positive; 0 where there was none."""
    return float(compute_drawdowns(returns).max(initial=0.0))


def compute_average_drawdown(returns: Floats) -> float:
    """Mean depth of the falls from a high to the next one, the last whether or not it has ended; 0 without any."""
    drawdowns = compute_drawdowns(returns)
    # a rounding error below a high is no fall
    below = drawdowns > 1e-12
    if not below.any():
        return 0.0
    falls = np.cumsum(below & ~np.concatenate([[False], below[:-1]]))
    return float(pd.Series(drawdowns[below]).groupby(falls[below]).max().mean())


def compute_cvar(returns: Floats, level: float) -> float:
    """Mean loss of the worst ``1 - level`` of the sessions, positive for a loss.

    Of ``n (1 - level)`` worst sessions; the one that is only partly among them counts with its part.

    Source: Acerbi and Tasche (2002), expected shortfall of a sample.
    """
    tail = len(returns) * (1 - level)
    if not tail > 0:
        return math.nan
    ordered = np.sort(returns)
    weights = np.clip(tail - np.arange(len(ordered)), 0.0, 1.0)
    return -float((ordered * weights).sum() / tail)


def compute_beta(returns: pd.Series, market: pd.Series | None) -> float:
    """Slope of a regression on the market's returns, on sessions known on both sides; NaN with fewer than 60."""
    if market is None:
        return math.nan
    both = pd.concat([returns, market], axis=1, join="inner", keys=["own", "market"]).dropna()
    own, other = both["own"].to_numpy(np.float64), both["market"].to_numpy(np.float64)
    if len(both) < FEWEST_FOR_PERFORMANCE or not other.std() > 0:
        return math.nan
    return float(np.cov(own, other)[0, 1] / other.var(ddof=1))


def compute_hit_rate(returns: Floats) -> float:
    """Share of gains among the sessions that gained or lost; NaN where none did."""
    moved = int((returns != 0).sum())
    return int((returns > 0).sum()) / moved if moved else math.nan


def _compute_protection(returns: pd.Series, protected: pd.Series | None) -> tuple[float, float]:
    if protected is None:
        return math.nan, math.nan
    both = pd.concat([returns, protected], axis=1, join="inner", keys=["own", "protected"]).dropna()
    if len(both) < FEWEST_FOR_PERFORMANCE:
        return math.nan, math.nan
    ranked = both.sort_values("protected", kind="stable")["own"].to_numpy(np.float64)
    worst = max(round(WORST_SHARE * len(ranked)), 1)
    protection, rest = float(ranked[:worst].sum()), float(ranked[worst:].sum())
    return protection, protection / -rest if rest < 0 else math.nan


def _list_worst(returns: pd.Series, worst: int) -> pd.DataFrame:
    listed = returns.sort_values(kind="stable").head(worst)
    return pd.DataFrame({"trade_date": listed.index, "return_frac": listed.to_numpy(np.float64)})


def _say_nothing(sessions: int, note: str, known: pd.Series, worst: int) -> Performance:
    names = (
        *("cagr", "volatility", "sharpe_error_lo_iid", "sharpe_error_lo_robust", "probabilistic_sharpe", "sortino"),
        *("max_drawdown", "average_drawdown", "cvar_95", "cvar_99", "beta_spx", "hit_rate", "cost_year"),
        *("protection", "protection_per_cost"),
    )
    return Performance(
        sessions=sessions,
        note=note,
        sharpe=Estimate(value=math.nan, count=sessions, note=note),
        worst_days=_list_worst(known, worst),
        **dict.fromkeys(names, math.nan),
    )
