"""All trials in one table: every policy, reading and threshold that was tried, and what is left after counting them.

The best of many is good by luck. Each trial is shown with its own p value, adjusted for the number of trials, and the
best of all is tested against what the best of as many worthless ones would be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from transforms.audit.bootstrap import DEFAULT_RESAMPLING, FEWEST_SESSIONS, Resampling, estimate_block_length
from transforms.audit.history import Bools, Floats
from transforms.audit.performance import SESSIONS_PER_YEAR, compute_shape
from transforms.audit.sharpe import (
    compute_deflated_sharpe,
    compute_expected_largest_sharpe,
    compute_long_run_variance,
    compute_probabilistic_sharpe,
    compute_sharpe,
)

TRIAL_COLUMNS = (
    *("trial", "sessions", "mean_year", "sharpe_year", "t", "p", "p_holm", "p_fdr"),
    *("probabilistic_sharpe", "deflated_sharpe", "is_best", "note"),
)

SIGNIFICANT = 0.05


@dataclass(frozen=True, kw_only=True)
class FamilyTest:
    """Whether the best of all trials beats the benchmark.

    Parameters
    ----------
    trials, tested
        Tried; and those that moved at all, which can be tested.
    effective_trials
        Independent ones that they amount to, from the eigenvalues of their correlations; shown, not used.
    sessions
        On which all tested trials and the benchmark are known.
    best
        Trial with the highest Sharpe ratio; None without any.
    expected_largest_sharpe_year
        Of as many worthless trials.
    p_reality_check
        White (2000): the largest mean.
    p_spa
        Hansen (2005), consistent: the largest mean over its standard error, poor trials not held against good ones.
    block_sessions, seed, reps
        How it was resampled.
    note
        Why there is no test; empty otherwise.
    """

    trials: int
    tested: int
    effective_trials: float = math.nan
    sessions: int = 0
    best: str | None = None
    expected_largest_sharpe_year: float = math.nan
    p_reality_check: float = math.nan
    p_spa: float = math.nan
    block_sessions: float = math.nan
    seed: int = 0
    reps: int = 0
    note: str = ""

    @property
    def is_significant(self) -> bool:
        """Whether the best beats the benchmark at 5%, by both tests."""
        return self.p_reality_check < SIGNIFICANT and self.p_spa < SIGNIFICANT


@dataclass(frozen=True, eq=False)
class Trials:
    """Table of trials, `TRIAL_COLUMNS`, best Sharpe ratio first, and the test of them all."""

    table: pd.DataFrame
    family: FamilyTest


def build_trials(
    returns: pd.DataFrame, benchmark: pd.Series | None = None, resampling: Resampling = DEFAULT_RESAMPLING
) -> Trials:
    """Compare trials with a benchmark, with the number of them counted.

    Parameters
    ----------
    returns
        One column a trial, rows by ``trade_date``: P&L over the account; NaN where a trial has no history.
    benchmark
        Returns to beat; None: 0, no hedge.
    resampling
        Seed and resamples of the family's tests.

    Returns
    -------
    Trials
        ``t`` and one-sided ``p`` of a mean above the benchmark's, with a long-run variance; ``p_holm`` bounds the
        chance of a single false discovery (Holm 1979), ``p_fdr`` their share (Benjamini and Hochberg 1995). A trial
        without spread or with fewer than 60 sessions has no ratio and no p value, and the note says so; it counts
        among the trials all the same.

    Raises
    ------
    ValueError
        No trial, a name twice, or a return that is infinite.
    """
    if not returns.shape[1] or not returns.columns.is_unique:
        raise ValueError("returns: expected at least one trial, each name once")
    if np.isinf(returns.to_numpy(np.float64)).any():
        raise ValueError("returns: a value is infinite")
    excess = returns if benchmark is None else returns.sub(benchmark.reindex(returns.index), axis=0)
    rows = [_measure_trial(str(name), excess[name].dropna().to_numpy(np.float64)) for name in excess]
    table = pd.DataFrame(rows)
    sharpe = table["sharpe"].to_numpy(np.float64)
    tested = ~np.isnan(sharpe)
    count = len(table)
    variance = float(sharpe[tested].var(ddof=1)) if tested.sum() > 1 else 0.0
    table["p_holm"], table["p_fdr"] = adjust_p_values(table["p"].to_numpy(np.float64))
    shapes = zip(sharpe, table["sessions"], table["skew"], table["kurtosis"], strict=True)
    table["deflated_sharpe"] = [
        compute_deflated_sharpe(float(ratio), int(sessions), count, variance, float(skew), float(kurtosis))
        for ratio, sessions, skew, kurtosis in shapes
    ]
    table["sharpe_year"] = sharpe * math.sqrt(SESSIONS_PER_YEAR)
    table["is_best"] = False
    if tested.any():
        table.loc[int(np.nanargmax(sharpe)), "is_best"] = True
    family = _test_family(excess.loc[:, tested], count, table, variance, resampling)
    table = table.sort_values("sharpe", ascending=False, kind="stable", na_position="last", ignore_index=True)
    return Trials(table[list(TRIAL_COLUMNS)], family)


def adjust_p_values(p: Floats) -> tuple[Floats, Floats]:
    """Adjust p values for their number: Holm's, and the false discovery rate of Benjamini and Hochberg.

    Parameters
    ----------
    p
        float64, shape (k,): NaN is kept and not counted.

    Returns
    -------
    tuple of float64, shape (k,)
        Holm (1979): ``max over i' <= i of (k - i' + 1) p(i')``, at most 1; and ``scipy.stats.false_discovery_control``.
    """
    known: Bools = ~np.isnan(p)
    holm, rate = np.full(len(p), np.nan), np.full(len(p), np.nan)
    values = p[known]
    if len(values):
        order = np.argsort(values, kind="stable")
        stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
        adjusted = np.empty(len(values))
        adjusted[order] = np.minimum(stepped, 1.0)
        holm[known] = adjusted
        rate[known] = stats.false_discovery_control(values)
    return holm, rate


def count_effective_trials(returns: Floats) -> float:
    """Independent trials that correlated ones amount to: ``(sum of eigenvalues)^2 / sum of their squares``.

    Parameters
    ----------
    returns
        float64, shape (n, k): every column has spread.

    Returns
    -------
    float
        From 1, all the same, to k, all uncorrelated.
    """
    correlations = np.atleast_2d(np.corrcoef(returns, rowvar=False))
    return float(len(correlations) ** 2 / (correlations**2).sum())


def _measure_trial(name: str, values: Floats) -> dict[str, object]:
    row: dict[str, object] = {"trial": name, "sessions": len(values), "note": ""}
    row |= dict.fromkeys(("mean_year", "sharpe", "t", "p", "probabilistic_sharpe", "skew", "kurtosis"), math.nan)
    if len(values):
        row["mean_year"] = float(values.mean()) * SESSIONS_PER_YEAR
    if len(values) < FEWEST_SESSIONS:
        return row | {"note": f"too few: {len(values)} sessions, at least {FEWEST_SESSIONS} are needed"}
    sharpe = compute_sharpe(values)
    error = compute_long_run_variance(values) / len(values)
    if math.isnan(sharpe) or not error > 0:
        return row | {"note": "it never moved against the benchmark"}
    skew, kurtosis = compute_shape(values)
    t = float(values.mean()) / math.sqrt(error)
    return row | {
        "sharpe": sharpe,
        "t": t,
        "p": float(stats.t.sf(t, len(values) - 1)),
        "probabilistic_sharpe": compute_probabilistic_sharpe(sharpe, 0.0, len(values), skew, kurtosis),
        "skew": skew,
        "kurtosis": kurtosis,
    }


def _test_family(
    excess: pd.DataFrame, trials: int, table: pd.DataFrame, variance: float, resampling: Resampling
) -> FamilyTest:
    common = excess.dropna().to_numpy(np.float64)
    tested = excess.shape[1]
    if not tested or len(common) < FEWEST_SESSIONS:
        note = f"too few: {len(common)} sessions known to all {tested} trials, at least {FEWEST_SESSIONS} are needed"
        return FamilyTest(trials=trials, tested=tested, sessions=len(common), note=note)
    scale = np.sqrt([compute_long_run_variance(column) for column in common.T])
    if not (scale > 0).all():
        note = "a trial does not move on the sessions known to all"
        return FamilyTest(trials=trials, tested=tested, sessions=len(common), note=note)
    from arch.bootstrap import SPA  # loads statsmodels, which takes seconds

    block = math.ceil(estimate_block_length(common))
    nothing = np.zeros(len(common))
    p = {}
    # arch compares means as they are; over their standard errors they are Hansen's statistic
    for name, kind, losses in (("reality", "upper", -common), ("spa", "consistent", -common / scale)):
        test = SPA(nothing, losses, block_size=block, reps=resampling.reps, seed=resampling.seed)
        test.compute()
        p[name] = float(test.pvalues[kind])
    largest = compute_expected_largest_sharpe(trials, variance)
    return FamilyTest(
        trials=trials,
        tested=tested,
        effective_trials=count_effective_trials(common),
        sessions=len(common),
        best=str(table.loc[table["is_best"], "trial"].iloc[0]),
        expected_largest_sharpe_year=largest * math.sqrt(SESSIONS_PER_YEAR),
        p_reality_check=p["reality"],
        p_spa=p["spa"],
        block_sessions=float(block),
        seed=resampling.seed,
        reps=resampling.reps,
    )
