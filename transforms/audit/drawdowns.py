"""H5, drawdowns: how much of the protected portfolio's largest fall the hedge took away, per crisis and overall."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from transforms.audit.bootstrap import Estimate, bootstrap_mean, bootstrap_sessions
from transforms.audit.crises import Crisis
from transforms.audit.history import Bools, Floats, PolicyHistory
from transforms.audit.performance import compute_max_drawdown
from transforms.audit.rules import DEFAULT_RULES, AuditRules
from transforms.audit.verdicts import EFFECT_LEVEL, Hypothesis, Measure, build_measure, describe_overlap, judge_overlap

PROTECTED = {"condor": "condor_pnl_usd", "spx": "spx_pnl_usd"}
"""Protected portfolios and their P&L among the session columns; the first is the methodology's, and decides."""


def assess_drawdowns(
    history: PolicyHistory, rules: AuditRules = DEFAULT_RULES, crises: Sequence[Crisis] = ()
) -> Hypothesis:
    """H5: the hedge cuts drawdowns by 35% to 40%.

    ``cut = 1 - largest drawdown with the hedge / without it``, both of ``cumprod(1 + P&L/NAV)``.

    Overall the interval is of resampled blocks of sessions, portfolio and hedge together. A crisis is one path: it has
    a number and no interval. The mean over the crises has one, and too few crises for a verdict.
    """
    measures: list[Measure] = []
    for name, column in PROTECTED.items():
        protected = history.column(column)
        if protected is None:
            missing = Estimate(value=math.nan, count=0, note=f"{column} was not given")
            measures.append(_build(missing, f"overall_{name}", "whole history", "sessions", rules))
            continue
        returns = np.column_stack([protected, history.net_pnl_usd(rules.funding_layer)]) / history.nav_usd[:, None]
        overall = _measure_overall(returns[history.counted], rules)
        measures.append(_build(overall, f"overall_{name}", f"{name}, whole history", "sessions", rules))
        cuts = []
        for crisis in crises:
            estimate = _measure_crisis(returns, crisis, history)
            cuts.append(estimate.value)
            what = f"{name}, {crisis.high_date} to {crisis.low_date}"
            measures.append(_build(estimate, f"crisis_{crisis.crisis}_{name}", what, "crises", rules))
        known = np.array([cut for cut in cuts if math.isfinite(cut)])
        mean = bootstrap_mean(known, rules.resampling, "crises")
        measures.append(_build(mean, f"mean_of_crises_{name}", f"{name}, mean over crises", "crises", rules))
    low, high = rules.drawdown_cut_frac
    head = measures[0]
    return Hypothesis(
        id="H5",
        claim=f"drawdowns are cut by {low:g} to {high:g}",
        rule=f"the verdict of {head.measure}; SPX, single crises and their mean are shown beside it",
        measures=tuple(measures),
        judgement=head.judgement,
    )


def compute_drawdown_cut(returns: Floats) -> float:
    """Part of the largest drawdown that the hedge took away.

    Parameters
    ----------
    returns
        float64, shape (n, 2): protected portfolio and hedge, fractions of the account.

    Returns
    -------
    float
        Below 0 where the hedge made it larger; NaN where the portfolio never fell.
    """
    without = compute_max_drawdown(returns[:, 0])
    if not without > 0:
        return math.nan
    return 1.0 - compute_max_drawdown(returns.sum(axis=1)) / without


def _measure_overall(returns: Floats, rules: AuditRules) -> Estimate:
    known: Bools = np.asarray(np.isfinite(returns).all(axis=1))
    missing = int((~known).sum())
    if not known.any():
        return Estimate(value=math.nan, count=0, note="the protected portfolio has no P&L")
    if missing > rules.largest_missing_frac * len(known):
        note = f"the protected portfolio has no P&L on {missing} of {len(known)} sessions"
        return Estimate(value=math.nan, count=int(known.sum()), note=note)
    return bootstrap_sessions(returns[known], compute_drawdown_cut, rules.resampling)


def _measure_crisis(returns: Floats, crisis: Crisis, history: PolicyHistory) -> Estimate:
    inside, days = crisis.covers(history.days), history.days
    # a history that begins inside a crisis knows only a part of its fall
    if not (days[0].date() <= crisis.high_date and crisis.low_date <= days[-1].date() and inside.any()):
        return Estimate(value=math.nan, count=0, note="the history does not cover it")
    if not history.counted[inside].all():
        return Estimate(value=math.nan, count=0, note="left out")
    chosen = returns[inside]
    missing = int(np.isnan(chosen).any(axis=1).sum())
    if missing:
        note = f"the protected portfolio has no P&L on {missing} of {len(chosen)} sessions"
        return Estimate(value=math.nan, count=0, note=note)
    cut = compute_drawdown_cut(chosen)
    if math.isnan(cut):
        return Estimate(value=math.nan, count=0, note="the protected portfolio did not fall")
    return Estimate(value=cut, count=1, note="no interval: one path")


def _build(estimate: Estimate, measure: str, what: str, unit_of_count: str, rules: AuditRules) -> Measure:
    low, high = rules.drawdown_cut_frac
    return build_measure(
        estimate,
        judge_overlap(low, high),
        hypothesis="H5",
        measure=measure,
        what=f"part of the largest drawdown that the hedge took away: {what}",
        unit="frac",
        unit_of_count=unit_of_count,
        rule_text=describe_overlap(low, high),
        fewest=rules.fewest_sessions if unit_of_count == "sessions" else rules.fewest_episodes,
        effect_level=EFFECT_LEVEL,
    )
