"""Facts of an explanation made by hand: one armed evening of the default policy, and how to change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import duckdb

from transforms.explain.facts import EpisodeSession, ExplainFacts
from transforms.policy.expression import Node
from transforms.policy.model import GUARDS, Policy, Rule
from warehouse.explain_data import parse_conditions
from warehouse.expressions import preset, signal_columns

AS_OF = date(2026, 2, 20)

SIGNALS: dict[str, Any] = {
    "vix_close_pts": 26.1,
    "vix_status": "ok",
    "vx1_settle_pts": 25.0,
    "vx1_trading_days_to_expiry": 17,
    "contango_frac": -0.021,
    "curve_status": "ok",
    "is_ts_macd_converging": False,
    "ts_macd_status": "ok",
    "vvix_close_pts": 110.0,
    "vvix_rsi14": 64.2,
    "vvix_status": "ok",
    "spx_from_high_frac": -0.06,
    "spx_rsi14": 38.0,
    "vix_over_rv21_frac": 0.3,
    "rv_excursions": 1,
    "spx_rv21_pts": 20.1,
    "spx_status": "ok",
    "ad_divergence_z": 0.5,
    "breadth_source": "nyse_counts",
    "is_fomc_window": False,
    "is_cpi_window": False,
    "is_big_top": False,
    "next_fomc_date": date(2026, 3, 18),
    "next_fomc_basis": "published",
    "sessions_to_fomc_decision": 17,
    "cpi_yoy_frac": 0.0271,
    "cpi_known_date": date(2026, 2, 11),
    "cpi_known_basis": "estimated",
}
"""A VIX at its arming level, a curve that does not converge yet."""

STATES = {
    "base": ("active", 1, "active: the base hedge is held in its contract"),
    "temporal_vega": (
        "armed",
        0,
        "armed: volatility is at its arming level, waiting for the term-structure MACD to converge",
    ),
    "second_engine": ("idle", 0, "idle: waits for the temporal layer to be active"),
}


@cache
def parse(*expressions: str) -> dict[str, Node]:
    """Parse expressions as the warehouse does."""
    with duckdb.connect() as connection:
        return parse_conditions(connection, expressions)


def make_clause(rule: Rule, policy: Policy, signals: dict[str, Any], truth: bool | None) -> dict[str, Any]:
    """Return one clause as the warehouse writes it."""
    return {
        "rule": rule.role,
        "expression": rule.expression,
        "truth": truth,
        "values": {column: signals.get(column) for column in rule.columns},
        "parameters": {name: policy.values[name] for name in rule.parameters},
        "provenance": rule.provenance,
    }


def make_facts(
    signals: dict[str, Any] | None = None,
    states: dict[str, tuple[str, int, str]] | None = None,
    mode: str = "promoter",
    held: str | None = None,
    preset_name: str = "article",
    **changes: Any,
) -> ExplainFacts:
    """Return the facts of one session; ``signals`` and ``states`` replace single ones, None is missing."""
    from transforms.explain.distances import evaluate

    policy = preset(preset_name)
    known = SIGNALS | (signals or {})
    conditions = parse(*(rule.expression for rule in policy.rules))

    def clauses(layer: str) -> list[dict[str, Any]]:
        found = []
        for rule in policy.rules_of(layer):
            truth = evaluate(conditions[rule.expression], known, policy.values)
            found.append(make_clause(rule, policy, known, truth if isinstance(truth, bool) else None))
        return found

    rows: dict[str, dict[str, Any]] = {}
    for layer, (state, steps, reason) in (STATES | (states or {})).items():
        contracts = {"base": 0.4, "temporal_vega": 0.4 * (2**steps - 1), "second_engine": None}[layer]
        rows[layer] = {
            "layer": layer,
            "state": state,
            "step_count": steps,
            "reason": reason,
            "target_contracts": contracts,
            "target_vega_usd": None if contracts is None else 1000 * contracts,
            "held_rank": 1 if layer == "base" else None,
            "is_stale": False,
            "clauses": clauses(layer),
        }
    facts = ExplainFacts(
        as_of=AS_OF,
        is_simulated=False,
        policy_name=policy.name,
        policy_hash="ab" * 32,
        effective_from=None,
        states=rows,
        governor={
            "governor_mode": mode,
            "guards_held": held,
            "guard_clauses": clauses(GUARDS),
            "trailing_pnl_frac": -0.004,
            "temporal_pnl_since_entry_frac": None,
        },
        since={name: {"since": AS_OF - timedelta(days=2), "sessions": 3} for name in (*rows, "governor")},
        signals=known,
        gaps={name: "absent" for name, value in known.items() if value is None},
        units={name: info.unit for name, info in signal_columns().items()},
        meanings={rule.name: rule.meaning for rule in policy.rules},
        parameters={
            one.name: {"value": one.value, "unit": one.unit, "provenance": one.provenance} for one in policy.parameters
        },
        conditions=conditions,
        transitions=(
            make_transition(1, "temporal_vega", "idle", "armed", STATES["temporal_vega"][2]),
            make_transition(1, "base", "idle", "active", STATES["base"][2], days=900),
        ),
        comparison=tuple(
            {
                "variant": variant,
                "layer": layer,
                "state": "idle" if (variant, layer) == ("preset:static", "temporal_vega") else state,
                "step_count": steps,
                "governor_mode": "promoter",
            }
            for variant in ("reading:equal_vega", "preset:static", "no_hysteresis")
            for layer, (state, steps, _) in STATES.items()
        ),
        comparison_policy=policy.name,
        episode=(EpisodeSession(arm=True, full=False, leave=False, excursions=1),),
        timeline=tuple(
            {
                "trade_date": AS_OF - timedelta(days=back),
                "vix_close_pts": 20.0 + 10 / (1 + back),
                "governor_mode": "steward" if back % 7 == 0 else "promoter",
                "base": "active",
                "temporal_vega": ("armed", "blocked", "active")[back % 3] if back < 20 else "idle",
                "second_engine": "idle",
                "temporal_steps": 0,
            }
            for back in range(120, -1, -1)
        ),
        model_nav_usd=1_000_000.0,
    )
    return replace(facts, **changes)


def make_transition(number: int, layer: str, before: str, after: str, reason: str, days: int = 0) -> dict[str, Any]:
    """Return one transition, so many days before the session."""
    return {
        "trade_date": AS_OF - timedelta(days=days),
        "transition_no": number,
        "layer": layer,
        "from_state": before,
        "to_state": after,
        "reason": reason,
    }
