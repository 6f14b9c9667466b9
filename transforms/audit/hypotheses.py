"""The five claims: what is measured, from which sessions, and what would make each hold.

H1 to H3 are here; H4 is in `funding`, H5 in `drawdowns`. Every P&L is after costs and without interest on collateral,
which the account would earn without the hedge as well. A session belongs to an episode when the close *before* it did.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from transforms.audit.bootstrap import Estimate, bootstrap_mean, bootstrap_ratio
from transforms.audit.crises import Crisis, list_crises
from transforms.audit.drawdowns import assess_drawdowns
from transforms.audit.episodes import carry_state, find_high_vix, label_runs, lag_labels, sum_by_label
from transforms.audit.funding import assess_self_funding
from transforms.audit.history import Bools, Floats, Ints, PolicyHistory, lag_values
from transforms.audit.rules import DEFAULT_RULES, AuditRules
from transforms.audit.verdicts import (
    EFFECT_LEVEL,
    Hypothesis,
    Measure,
    build_measure,
    combine_all,
    combine_any,
    describe_overlap,
    judge_inside,
    judge_overlap,
    judge_positive,
)

BACKWARDATION_BELOW_FRAC = 0.0
"""Backwardation: ``contango_frac`` below this (methodology, section 3)."""

_POSITIVE = "holds when the mean is above 0 and so is its whole 80% interval; otherwise it does not hold"


def assess_hypotheses(
    history: PolicyHistory, rules: AuditRules = DEFAULT_RULES, crises: tuple[Crisis, ...] | None = None
) -> tuple[Hypothesis, ...]:
    """Test H1 to H5 on one policy.

    Parameters
    ----------
    history
        What the policy did. For a run without a crisis: ``history.excluding([crisis])``.
    rules
        Claimed ranges and protocol.
    crises
        Of H5; None: those of ``crises.toml``.

    Returns
    -------
    tuple of Hypothesis
        H1 to H5 in order; a claim whose data are not there is ``not_testable`` and says what is missing.
    """
    return (
        assess_base_cost(history, rules),
        assess_carry(history, rules),
        assess_monthly_credit(history, rules),
        assess_self_funding(history, rules),
        assess_drawdowns(history, rules, list_crises() if crises is None else crises),
    )


def list_calm_years(history: PolicyHistory, rules: AuditRules = DEFAULT_RULES) -> pd.DataFrame:
    """Tell calm years from others.

    Returns
    -------
    DataFrame
        ``year, sessions, high_vix_frac, held_frac, net_loss_frac, is_calm, why``, one row a calendar year.
        ``net_loss_frac``: loss of the base layer over the mean account. ``is_calm`` only for years that are whole,
        counted to the last session, and in which the base was held; ``why`` says what kept a year out.
    """
    layer = rules.base_layer
    frame = pd.DataFrame(
        {
            "year": history.days.year,
            "vix": history.sessions["vix_close_pts"].to_numpy(np.float64),
            "is_held": history.is_held(layer),
            "pnl": history.net_pnl_usd(layer),
            "nav": history.nav_usd,
            "counted": history.counted,
        }
    )
    rows = []
    for year, inside in frame.groupby("year"):
        known = inside["vix"].dropna()
        high = float((known >= rules.high_vix_pts[0]).mean()) if len(known) else math.nan
        held = float(inside["is_held"].mean())
        why = ""
        if len(inside) < rules.fewest_sessions_a_year:
            why = "not a whole year"
        elif not inside["counted"].all():
            why = "sessions left out"
        elif len(known) < rules.fewest_sessions_a_year:
            why = "VIX unknown too often"
        elif held < rules.fewest_held_frac:
            why = "base hedge hardly held"
        elif high > rules.calm_share_frac:
            why = "not calm"
        loss = -float(inside["pnl"].sum() / inside["nav"].mean())
        rows.append((year, len(inside), high, held, loss, not why, why))
    names = ["year", "sessions", "high_vix_frac", "held_frac", "net_loss_frac", "is_calm", "why"]
    return pd.DataFrame(rows, columns=names)


def assess_base_cost(history: PolicyHistory, rules: AuditRules = DEFAULT_RULES) -> Hypothesis:
    """H1: the base hedge costs 1% to 2% of the account a year, in calm years."""
    low, high = rules.base_cost_frac
    years = list_calm_years(history, rules)
    losses = years.loc[years["is_calm"], "net_loss_frac"].to_numpy(np.float64)
    measure = build_measure(
        bootstrap_mean(losses, rules.resampling, "calm years"),
        judge_inside(low, high),
        hypothesis="H1",
        measure="yearly_net_loss",
        what="mean yearly net loss of the base hedge over the account, in calm years",
        unit="frac of NAV a year",
        unit_of_count="calm years",
        rule_text=f"holds when the 80% interval lies inside {low:g} to {high:g}; not testable when it overlaps them and"
        " is wider than they are apart; otherwise it does not hold",
        fewest=rules.fewest_years,
    )
    claim = f"the base hedge costs {low:.3g} to {high:.3g} of NAV a year"
    return Hypothesis(id="H1", claim=claim, rule=measure.rule, measures=(measure,), judgement=measure.judgement)


def assess_carry(history: PolicyHistory, rules: AuditRules = DEFAULT_RULES) -> Hypothesis:
    """H2: the carry of the temporal layer is positive while the VIX is high; realised and static apart.

    Realised: P&L after costs. Static: what an unchanged curve would have paid, on the positions held
    (``roll_usd``) and on the curve itself, long its front and short its second month, over 30 days.
    """
    measures: list[Measure] = []
    for threshold in rules.high_vix_pts:
        labels = label_runs(find_high_vix(history.sessions["vix_close_pts"].to_numpy(np.float64), threshold))
        where = f"VIX from {threshold:g} at the close before"
        for name, what, amounts in (
            ("realised", "P&L after costs of the temporal layer", history.net_pnl_usd(rules.temporal_layer)),
            ("static", "P&L on an unchanged curve of the temporal layer", _roll_usd(history, rules.temporal_layer)),
        ):
            measures.append(
                _build_carry(
                    _measure_while_held(history, rules.temporal_layer, lag_labels(labels), amounts, rules),
                    f"{name}_vix_{threshold:g}",
                    f"{what}, {rules.sessions_per_month} sessions in which it was held, {where}",
                    "frac of NAV a month",
                    rules,
                )
            )
        measures.append(
            _build_carry(
                _measure_curve(history, labels, rules),
                f"static_curve_vix_{threshold:g}",
                f"roll-down of the front less that of the second month, VIX close from {threshold:g}",
                "frac a month",
                rules,
            )
        )
    measures.append(_build_carry(*_measure_spells(history, rules), "frac of NAV a month", rules))
    judged = [f"realised_vix_{threshold:g}" for threshold in rules.high_vix_pts]
    return Hypothesis(
        id="H2",
        claim="the temporal layer's carry is positive at VIX from {:g} and from {:g}".format(*rules.high_vix_pts),
        rule=f"holds when {' and '.join(judged)} hold; static carry is shown beside it and decides nothing",
        measures=tuple(measures),
        judgement=combine_all(measures, judged),
    )


def assess_monthly_credit(history: PolicyHistory, rules: AuditRules = DEFAULT_RULES) -> Hypothesis:
    """H3: a monthly credit of 0.5% to 1.5% in backwardation, over account, notional and margin.

    The credit is what was kept (``credit_kept_usd``): realised P&L of shorts after costs, and gains rolled. Premium
    received is shown beside it.
    """
    low, high = rules.monthly_credit_frac
    layer = history.layer(rules.temporal_layer)
    contango = history.sessions["contango_frac"].to_numpy(np.float64)
    labels = lag_labels(label_runs(carry_state(contango, contango < BACKWARDATION_BELOW_FRAC)))
    kept, received = (layer[name].to_numpy(np.float64) for name in ("credit_kept_usd", "credit_received_usd"))
    margin = lag_values(layer["margin_usd"].to_numpy(np.float64))
    notional = lag_values(layer["notional_usd"].to_numpy(np.float64)) if "notional_usd" in layer else None
    measures = []
    for name, of, credit, base in (
        ("kept_per_nav", "kept over the account", kept, history.nav_usd),
        ("kept_per_notional", "kept over the notional held", kept, notional),
        ("kept_per_margin", "kept over the collateral set aside", kept, margin),
        ("received_per_nav", "received over the account", received, history.nav_usd),
    ):
        estimate = _measure_credit(history, labels, credit, base, rules)
        measures.append(
            build_measure(
                estimate,
                judge_overlap(low, high),
                hypothesis="H3",
                measure=name,
                what=f"credit {of}, {rules.sessions_per_month} sessions in which the layer was held, in backwardation",
                unit="frac a month",
                unit_of_count="runs of backwardation",
                rule_text=describe_overlap(low, high),
                fewest=rules.fewest_episodes,
                effect_level=EFFECT_LEVEL,
            )
        )
    judged = ["kept_per_nav", "kept_per_notional", "kept_per_margin"]
    return Hypothesis(
        id="H3",
        claim=f"a monthly credit of {low:.3g} to {high:.3g} in backwardation",
        rule=f"holds when one of {', '.join(judged)} holds, since the claim does not say of what; the note names which",
        measures=tuple(measures),
        judgement=combine_any(measures, judged),
    )


def _build_carry(estimate: Estimate, measure: str, what: str, unit: str, rules: AuditRules) -> Measure:
    return build_measure(
        estimate,
        judge_positive,
        hypothesis="H2",
        measure=measure,
        what=what,
        unit=unit,
        unit_of_count="spells" if measure == "realised_spells" else "episodes",
        rule_text=_POSITIVE,
        fewest=rules.fewest_episodes,
    )


def _roll_usd(history: PolicyHistory, layer: str) -> Floats:
    return history.layer(layer)["roll_usd"].to_numpy(np.float64)


def _measure_while_held(
    history: PolicyHistory, layer: str, labels: Ints, amounts_usd: Floats, rules: AuditRules
) -> Estimate:
    """Amounts over the account, a month of sessions held; episodes in which nothing was held count for nothing."""
    held = history.is_held(layer)
    values = np.column_stack([np.where(held, amounts_usd / history.nav_usd, 0.0), held / rules.sessions_per_month])
    sums = sum_by_label(labels, values, history.counted)
    return bootstrap_ratio(sums[:, 0], sums[:, 1], rules.resampling)


def _measure_spells(history: PolicyHistory, rules: AuditRules) -> tuple[Estimate, str, str]:
    """From entry to exit, with what leaving cost: an exit mostly falls after the VIX has left the episode."""
    layer = rules.temporal_layer
    labels = label_runs(history.is_held(layer))
    estimate = _measure_while_held(history, layer, labels, history.net_pnl_usd(layer), rules)
    what = f"P&L after costs of the temporal layer from entry to exit, {rules.sessions_per_month} sessions held"
    return estimate, "realised_spells", what


def _measure_curve(history: PolicyHistory, labels: Ints, rules: AuditRules) -> Estimate:
    """Mean over the episodes' sessions of what an unchanged curve would pay over the next 30 days."""
    front, second = history.column("roll_down_front_frac"), history.column("roll_down_second_frac")
    if front is None or second is None:
        return Estimate(value=math.nan, count=0, note="roll_down_front_frac and roll_down_second_frac were not given")
    spread = front - second
    known: Bools = ~np.isnan(spread)
    values = np.column_stack([np.where(known, spread, 0.0), known.astype(np.float64)])
    sums = sum_by_label(labels, values, history.counted)
    return bootstrap_ratio(sums[:, 0], sums[:, 1], rules.resampling)


def _measure_credit(
    history: PolicyHistory, labels: Ints, credit_usd: Floats, base_usd: Floats | None, rules: AuditRules
) -> Estimate:
    """Credits over what they are related to, a month; sessions without it are left out on both sides."""
    if base_usd is None:
        return Estimate(value=math.nan, count=0, note="notional_usd was not given")
    used: Bools = history.is_held(rules.temporal_layer) & (np.nan_to_num(base_usd) > 0)
    values = np.column_stack(
        [np.where(used, credit_usd, 0.0), np.where(used, np.nan_to_num(base_usd), 0.0) / rules.sessions_per_month]
    )
    sums = sum_by_label(labels, values, history.counted)
    return bootstrap_ratio(sums[:, 0], sums[:, 1], rules.resampling, "runs of backwardation")
