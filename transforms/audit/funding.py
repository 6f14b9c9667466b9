"""H4, self-funding: are the credits kept at least what protection cost, in high VIX and over everything."""

from __future__ import annotations

import math

import numpy as np

from transforms.audit.bootstrap import Estimate, bootstrap_ratio, bootstrap_sessions, bootstrap_signed_ratio
from transforms.audit.episodes import find_high_vix, label_runs, lag_labels, sum_by_label
from transforms.audit.history import Floats, PolicyHistory
from transforms.audit.rules import DEFAULT_RULES, AuditRules
from transforms.audit.verdicts import (
    Hypothesis,
    Judgement,
    Measure,
    Rule,
    Verdict,
    build_measure,
    combine_all,
    judge_positive,
)

_RULE = (
    "holds when the ratio is at least 1 and so is its whole 80% interval; does not hold when the ratio is below 1; not"
    " testable when the ratio is at least 1 and its interval reaches below, or when protection cost nothing"
)


def assess_self_funding(history: PolicyHistory, rules: AuditRules = DEFAULT_RULES) -> Hypothesis:
    """H4: credits kept over the net cost of protection are at least 1, in episodes and over the full cycle.

    The full cycle is the whole history: no part of it is chosen. Where protection cost nothing or gained there was
    nothing to fund, and the ratio is undefined (docs/ledger.md).
    """
    layer = history.layer(rules.funding_layer)
    kept, cost = (layer[name].to_numpy(np.float64) for name in ("credit_kept_usd", "protection_cost_usd"))
    vix = history.sessions["vix_close_pts"].to_numpy(np.float64)
    labels = lag_labels(label_runs(find_high_vix(vix, rules.high_vix_pts[0])))
    sums = sum_by_label(labels, np.column_stack([kept, cost]), history.counted)
    where = f"VIX from {rules.high_vix_pts[0]:g} at the close before"
    episodes = _build(
        _say_undefined(bootstrap_signed_ratio(sums[:, 0], sums[:, 1], rules.resampling)),
        "ratio_episodes",
        f"credits kept over net cost of protection, {where}",
        "episodes",
        rules.fewest_episodes,
    )
    pairs = np.column_stack([kept, cost])[history.counted]
    full = _build(
        _say_undefined(bootstrap_sessions(pairs, _compute_ratio, rules.resampling)),
        "ratio_full_cycle",
        "credits kept over net cost of protection, whole history",
        "sessions",
        rules.fewest_sessions,
    )
    surplus = np.column_stack([(kept - cost) / history.nav_usd, np.full(len(kept), 1 / rules.sessions_per_year)])
    by_episode = sum_by_label(labels, surplus, history.counted)
    beside = _build(
        bootstrap_ratio(by_episode[:, 0], by_episode[:, 1], rules.resampling),
        "surplus_episodes",
        f"credits kept less net cost of protection over the account, {where}",
        "episodes",
        rules.fewest_episodes,
        judge_positive,
        "frac of NAV a year of such sessions",
    )
    judged = (episodes, full)
    return Hypothesis(
        id="H4",
        claim="the hedge is self-funding",
        rule="holds when ratio_episodes and ratio_full_cycle hold; does not hold when one of them does not",
        measures=(*judged, beside),
        judgement=combine_all(judged, [one.measure for one in judged]),
    )


def judge_at_least_one(estimate: Estimate) -> Judgement:
    """At least 1: the ratio is, and its whole interval."""
    if estimate.value < 1:
        return Judgement(Verdict.DOES_NOT_HOLD, "the ratio is below 1")
    if estimate.low_80 < 1:
        return Judgement(Verdict.NOT_TESTABLE, "the ratio is at least 1, but its 80% interval reaches below")
    return Judgement(Verdict.HOLDS, "the ratio and its 80% interval are at least 1")


def _build(
    estimate: Estimate,
    measure: str,
    what: str,
    unit_of_count: str,
    fewest: int,
    rule: Rule = judge_at_least_one,
    unit: str = "ratio",
) -> Measure:
    return build_measure(
        estimate,
        rule,
        hypothesis="H4",
        measure=measure,
        what=what,
        unit=unit,
        unit_of_count=unit_of_count,
        rule_text=_RULE if rule is judge_at_least_one else "holds when the mean and its whole 80% interval are above 0",
        fewest=fewest,
    )


def _compute_ratio(pairs: Floats) -> float:
    """Credits over cost; where protection cost nothing, beyond every number on the side of the surplus."""
    kept, cost = pairs.sum(axis=0)
    if cost > 0:
        return float(kept / cost)
    return math.inf if kept >= cost else -math.inf


def _say_undefined(estimate: Estimate) -> Estimate:
    """Return an estimate whose ratio is undefined without numbers, and with the reason."""
    if math.isfinite(estimate.value):
        return estimate
    note = "undefined: protection cost nothing or gained, so that nothing had to be funded"
    return Estimate(value=math.nan, count=estimate.count, note=note)
