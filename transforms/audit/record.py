"""The audit as a record: everything its report says, as plain values, in the shape of ``audit.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from transforms.audit.carry_points import compute_carry_points
from transforms.audit.crises import Crisis, list_crises
from transforms.audit.episodes import build_episodes
from transforms.audit.history import PolicyHistory, Trial
from transforms.audit.hypotheses import assess_hypotheses, list_calm_years
from transforms.audit.lag import compare_delay
from transforms.audit.performance import Performance, compute_performance
from transforms.audit.rules import DEFAULT_RULES, AuditRules
from transforms.audit.slices import build_slices
from transforms.audit.trials import build_trials
from transforms.ledger.table import PORTFOLIO

AUDIT_SCHEMA_VERSION = 1
CARRY_FROM = date(2013, 1, 1)
"""From here every contract month has the current files' settlements; the first run of the audit began here."""

ASSUMPTIONS = (
    "Decided at the close of a session on what was known then, traded at the settlement of the next one.",
    "Costs: half a spread of 0.06 points and fees on each side of a future; of the half-spread of an option a third.",
    "P&L is after costs and without the interest on collateral: the account would earn it without the hedge as well.",
    "The account is constant: gains and losses are not compounded, and sizes do not depend on them.",
    "Every option is model-priced: no free history of VIX option prices exists. Its band: 20% of volatility each way.",
    "The protected condor is model-priced on daily closes, without costs; the S&P 500 is without dividends.",
    "Before 2020-10-26 settlements were made a quarter of an hour later than since; index closes did not move.",
)


def build_audit_record(
    trials: Sequence[Trial],
    sessions: pd.DataFrame,
    *,
    nav_usd: float,
    spx_returns: pd.Series,
    condor_returns: pd.Series,
    is_simulated: bool,
    provenance: Mapping[str, object],
    main: str,
    static: str,
    unfenced: str,
    rules: AuditRules = DEFAULT_RULES,
) -> dict[str, Any]:
    """Judge the trials and say everything about them.

    Parameters
    ----------
    trials
        All that were tried, also those that failed.
    sessions
        One row a session, as in `PolicyHistory`, with the columns of `compute_carry_points`.
    nav_usd
        The account.
    spx_returns, condor_returns
        Daily returns of the two protected portfolios, by ``trade_date``; NaN unknown.
    is_simulated
        The market is made up: nothing of it says anything about a claim.
    provenance
        What the record was made from: run, hashes, versions, command.
    main, static, unfenced
        Names of the policy whose claims are judged, of its base alone, and of it without governor.

    Returns
    -------
    dict
        As ``transforms/audit/audit.schema.json``: numbers are finite or None, dates are ISO texts.

    Raises
    ------
    KeyError
        One of the three is not among the trials.
    """
    by_name = {trial.name: trial for trial in trials}
    judged, base, free = (by_name[name].history for name in (main, static, unfenced))
    # A made-up market has no 2008: its crises are its own.
    crises: tuple[Crisis, ...] = () if is_simulated else list_crises()
    returns = pd.DataFrame({trial.name: trial.history.returns() for trial in trials})
    tried = build_trials(returns, None, rules.resampling)
    days = judged.days
    record = {
        "schema_version": AUDIT_SCHEMA_VERSION,
        "as_of": days[-1].date(),
        "first_session": days[0].date(),
        "sessions": len(days),
        "is_simulated": is_simulated,
        "nav_usd": nav_usd,
        "policy": main,
        "hypotheses": [one.to_record() for one in assess_hypotheses(judged, rules, crises)],
        "without_crises": [
            {"without": crisis.name, "verdicts": _verdicts(judged.excluding([crisis]), rules, crises)}
            for crisis in crises
        ],
        "trials": _records(tried.table.merge(_describe(trials), left_on="trial", right_on="name").drop(columns="name")),
        "family": asdict(tried.family) | {"is_significant": tried.family.is_significant},
        "comparators": [_compare(trial, spx_returns, condor_returns, rules) for trial in trials],
        "protected": [
            _protect(name, alone, judged, rules) for name, alone in (("condor", condor_returns), ("spx", spx_returns))
        ],
        "slices": _records(build_slices(judged, PORTFOLIO, rules, crises).assign(layer=PORTFOLIO))
        + _records(build_slices(judged, rules.temporal_layer, rules, crises).assign(layer=rules.temporal_layer)),
        "adaptive_or_static": _difference(judged, base, "adaptive less static", rules, crises),
        "governor": _difference(judged, free, "with governor less without", rules, crises),
        "lag": [
            {"trial": trial.name} | asdict(compare_delay(*_paired(trial.history.returns(), trial.delayed)))
            for trial in trials
            if trial.delayed is not None
        ],
        "carry_points": _records(
            pd.concat(
                [
                    compute_carry_points(sessions[_from(sessions, start)], resampling=rules.resampling).assign(
                        since=start
                    )
                    for start in dict.fromkeys((max(CARRY_FROM, days[0].date()), days[0].date()))
                ]
            )
        ),
        "episodes": _records(
            build_episodes(
                days, _floats(sessions, "vix_close_pts"), judged.net_pnl_usd(PORTFOLIO), rules.high_vix_pts[0]
            )
        ),
        "calm_years": _records(list_calm_years(judged, rules)),
        "series": _draw(judged, base, spx_returns, condor_returns),
        "assumptions": list(ASSUMPTIONS),
        "provenance": dict(provenance),
    }
    plain: dict[str, Any] = _plain(record)
    return plain


def _verdicts(history: PolicyHistory, rules: AuditRules, crises: tuple[Crisis, ...]) -> dict[str, str]:
    return {one.id: one.verdict.value for one in assess_hypotheses(history, rules, crises)}


def _describe(trials: Sequence[Trial]) -> pd.DataFrame:
    return pd.DataFrame(
        [(one.name, one.group, one.what, one.label) for one in trials], columns=["name", "group", "what", "label"]
    )


def _compare(trial: Trial, spx_returns: pd.Series, condor_returns: pd.Series, rules: AuditRules) -> dict[str, object]:
    found = compute_performance(trial.history.returns(), spx_returns, condor_returns, rules.resampling)
    ledger = trial.history.layer(PORTFOLIO)
    yearly = trial.history.returns().groupby(trial.history.days.year).sum()
    return {
        "name": trial.name,
        "group": trial.group,
        "what": trial.what,
        "label": trial.label,
        **_perform(found),
        "cost_usd": float(ledger["cost_usd"].sum()) if "cost_usd" in ledger else math.nan,
        "years": {str(year): float(value) for year, value in zip(yearly.index, yearly, strict=True)},
    }


def _perform(found: Performance) -> dict[str, object]:
    numbers = {name: value for name, value in vars(found).items() if name not in ("sharpe", "worst_days")}
    return {
        **numbers,
        "sharpe": found.sharpe.value,
        "sharpe_low": found.sharpe.low_80,
        "sharpe_high": found.sharpe.high_80,
        "worst_days": _records(found.worst_days),
    }


def _protect(name: str, alone: pd.Series, history: PolicyHistory, rules: AuditRules) -> dict[str, object]:
    """A protected portfolio by itself and with the hedge, on the sessions on which both are known."""
    hedge = history.returns()
    both = pd.DataFrame({"alone": alone, "hedge": hedge}).dropna()
    with_hedge = both["alone"] + both["hedge"]
    return {
        "name": name,
        "sessions": len(both),
        "alone": _perform(compute_performance(both["alone"], resampling=rules.resampling)),
        "hedged": _perform(compute_performance(with_hedge, resampling=rules.resampling)),
    }


def _difference(
    one: PolicyHistory, other: PolicyHistory, what: str, rules: AuditRules, crises: tuple[Crisis, ...]
) -> dict[str, object]:
    """P&L of one policy less another's, as a history of its own: the same measures, the same intervals."""
    names = ["pnl_usd", "roll_usd", "interest_usd", "credit_received_usd", "credit_kept_usd", "protection_cost_usd"]
    rows = one.layer(PORTFOLIO)[["trade_date", "layer", *names, "margin_usd"]].copy()
    rows[names] = rows[names].to_numpy() - other.layer(PORTFOLIO)[names].to_numpy()
    history = replace(one, policy=what, ledger=rows)
    slices = build_slices(history, PORTFOLIO, rules, crises)
    chosen = slices["slice_group"].isin(["all", "VIX at the close before", "crisis", "without crisis"])
    return {"what": what, "slices": _records(slices[chosen])}


def _draw(
    judged: PolicyHistory, base: PolicyHistory, spx_returns: pd.Series, condor_returns: pd.Series
) -> dict[str, object]:
    """Month-end levels for charts: cumulated fractions of the account, and cumulated dollars."""
    ledger = judged.layer(PORTFOLIO)
    frame = pd.DataFrame(
        {
            "hedge": judged.returns().cumsum(),
            "static": base.returns().cumsum(),
            "condor": condor_returns.reindex(judged.days).fillna(0.0).cumsum(),
            "spx": spx_returns.reindex(judged.days).fillna(0.0).cumsum(),
            "credit_kept_usd": pd.Series(ledger["credit_kept_usd"].to_numpy(), judged.days).cumsum(),
            "credit_received_usd": pd.Series(ledger["credit_received_usd"].to_numpy(), judged.days).cumsum(),
            "protection_cost_usd": pd.Series(ledger["protection_cost_usd"].to_numpy(), judged.days).cumsum(),
            **{layer: judged.returns(layer).cumsum() for layer in judged.layers if layer != PORTFOLIO},
        }
    )
    months = frame.groupby(judged.days.to_period("M")).tail(1)
    return {"trade_date": [day.date() for day in months.index], **{str(name): months[name].tolist() for name in months}}


def _paired(returns: pd.Series, delayed: pd.Series | None) -> tuple[np.ndarray, np.ndarray]:
    assert delayed is not None
    return returns.to_numpy(np.float64), delayed.to_numpy(np.float64)


def _from(sessions: pd.DataFrame, start: date) -> pd.Series:
    return sessions["trade_date"] >= pd.Timestamp(start)


def _floats(frame: pd.DataFrame, name: str) -> np.ndarray:
    return frame[name].to_numpy(np.float64, na_value=np.nan)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    """Values as JSON has them: no NaN, no NumPy, dates as ISO texts."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
