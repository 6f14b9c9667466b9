"""The explanation of a session as plain JSON types: what the command and the report print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from transforms.explain.clauses import build_clause, build_guards
from transforms.explain.facts import ExplainFacts
from transforms.explain.outlook import build_outlook
from transforms.explain.words import LAYER_NAMES, join_words, say_count, say_value
from transforms.policy.model import LAYERS

LAST_TRANSITIONS = 5
_SHORT = (
    ("waiting for the term-structure MACD to converge", "waiting for convergence"),
    ("MACD converges is not known", "convergence not known"),
    ("below its leaving level, no new step", "below its leaving level"),
    ("waiting for the VVIX RSI", "waiting for VVIX to cool down"),
    ("the shorts are closed", "shorts closed, VVIX extreme"),
    ("no new shorts", "VVIX extreme"),
    ("a guard of the policy", "held back by the governor"),
    ("yearly hedge budget", "budget spent"),
    ("lost more than its limit", "loss limit reached"),
    ("not constructible", "not constructible"),
)
"""Part of a reason, and how the one sentence about the night says it."""


_GUARD_WORDS = {
    "vvix_extreme": "VVIX RSI extreme",
    "big_top": "Big Top",
    "stale_inputs": "inputs absent or stale",
    "layer2_loss": "loss limit of temporal vega reached",
    "budget": "yearly budget spent",
}


def build_explanation(facts: ExplainFacts) -> dict[str, Any]:
    """Return why every layer stands where it stands, and what would move it.

    Returns
    -------
    dict
        ``as_of``, ``is_simulated``, ``sentence``, ``policy``, ``layers``, ``governor``, ``transitions`` (those
        of the session), ``last_transitions`` (five a layer, newest first), ``comparison``, ``model_nav_usd``.
    """
    return {
        "as_of": facts.as_of.isoformat(),
        "is_simulated": facts.is_simulated,
        "sentence": say_night(facts),
        "policy": {
            "name": facts.policy_name,
            "hash": facts.policy_hash,
            "effective_from": _day(facts.effective_from),
        },
        "model_nav_usd": facts.model_nav_usd,
        "layers": [_build_layer(facts, layer) for layer in LAYERS if layer in facts.states],
        "governor": {
            "mode": facts.governor["governor_mode"],
            **_since(facts, "governor"),
            "guards_held": facts.governor.get("guards_held"),
            "held_text": say_guards(facts),
            "guards": build_guards(facts),
            "trailing_pnl_frac": facts.governor.get("trailing_pnl_frac"),
            "temporal_pnl_since_entry_frac": facts.governor.get("temporal_pnl_since_entry_frac"),
        },
        "transitions": [_transition(one) for one in _in_order(facts.transitions) if one["trade_date"] == facts.as_of],
        "last_transitions": [
            _transition(one)
            for layer in LAYERS
            for one in [one for one in facts.transitions if one["layer"] == layer][:LAST_TRANSITIONS]
        ],
        "comparison": _build_comparison(facts),
    }


def say_night(facts: ExplainFacts) -> str:
    """Return the one sentence: every layer with its state, and the governor."""
    words = []
    for layer in LAYERS:
        row = facts.states.get(layer)
        if row is None:
            continue
        state, detail = row["state"], ""
        if state == "active":
            if layer == "base" and row.get("held_rank"):
                detail = f" in VX{row['held_rank']}"
            elif layer == "temporal_vega":
                detail = f" with {say_count(int(row['step_count']), 'step')}"
        elif state in ("armed", "blocked"):
            detail = f" ({_short_reason(row['reason'])})"
        words.append(f"{LAYER_NAMES[layer]} {state}{detail}")
    held = say_guards(facts)
    return f"Tonight: {', '.join(words)}; governor {facts.governor['governor_mode']}{f': {held}' if held else ''}."


def say_guards(facts: ExplainFacts) -> str:
    """Return the guards that make the governor a steward, in words; empty for a promoter."""
    held = facts.governor.get("guards_held")
    return join_words([_say_guard(name.strip(), facts.signals) for name in held.split(",")]) if held else ""


def _say_guard(name: str, signals: Mapping[str, Any]) -> str:
    if name.endswith("?"):
        return f"{'Big Top' if name == 'big_top?' else name[:-1].replace('_', ' ')} not evaluable"
    if name == "macro_event_window":
        events = [
            text
            for label, event, flag in (
                ("FOMC", "fomc_decision", "is_fomc_window"),
                ("CPI", "cpi_release", "is_cpi_window"),
            )
            if signals.get(flag)
            and (text := _say_event(label, signals.get(f"sessions_to_{event}"), signals.get(f"sessions_since_{event}")))
        ]
        return join_words(events) or "macro event window"
    if name == "vvix_extreme" and signals.get("vvix_rsi14") is not None:
        return f"VVIX RSI extreme at {say_value(signals['vvix_rsi14'], 'index')}"
    return _GUARD_WORDS.get(name, name.replace("_", " "))


def _say_event(label: str, ahead: int | None, since: int | None) -> str:
    if ahead == 0 or since == 0:
        return f"{label} today"
    if ahead == 1:
        return f"{label} next session"
    return f"{label} the session before" if since == 1 else f"{label} window"


def _build_layer(facts: ExplainFacts, layer: str) -> dict[str, Any]:
    row = facts.states[layer]
    return {
        "layer": layer,
        "state": row["state"],
        **_since(facts, layer),
        "step_count": int(row["step_count"]),
        "max_steps": int(facts.number("max_steps") or 0) if layer == "temporal_vega" else None,
        "held_rank": row.get("held_rank"),
        "target": {"target_vega_usd": row["target_vega_usd"], "target_contracts": row["target_contracts"]},
        "target_text": say_target(facts, layer),
        "reason": row["reason"],
        "is_stale": bool(row.get("is_stale")),
        "clauses": [build_clause(facts, layer, clause) for clause in row["clauses"]],
        "next": build_outlook(facts, layer),
    }


def say_target(facts: ExplainFacts, layer: str) -> str:
    """Return a layer's target in VX-equivalents before rounding and dollars a point, or why it has none."""
    row = facts.states[layer]
    contracts, vega = row["target_contracts"], row["target_vega_usd"]
    if contracts is None:
        return "in options, see `alvh positions`" if row["state"] == "active" else "none"
    if not contracts:
        return "none"
    leg = {"temporal_vega": ", front leg"}.get(layer, "")
    return f"{contracts:,.2f} VX before rounding, ${vega:,.0f} a point{leg}"


def _short_reason(reason: str) -> str:
    for part, short in _SHORT:
        if part in reason:
            return short
    return reason.partition(": ")[2].partition(" (")[0]


def _since(facts: ExplainFacts, name: str) -> dict[str, Any]:
    since = facts.since.get(name, {})
    return {"since": _day(since.get("since")), "sessions_in_state": since.get("sessions")}


def _build_comparison(facts: ExplainFacts) -> dict[str, Any]:
    tonight = {layer: (row["state"], int(row["step_count"])) for layer, row in facts.states.items()}
    found: dict[str, dict[str, Any]] = {}
    for row in facts.comparison:
        variant = found.setdefault(
            row["variant"], {"variant": row["variant"], "governor_mode": row["governor_mode"], "layers": {}}
        )
        variant["layers"][row["layer"]] = {"state": row["state"], "step_count": int(row["step_count"])}
    rows = sorted(found.values(), key=lambda one: _place(one["variant"]))
    for one in rows:
        states = {layer: (entry["state"], entry["step_count"]) for layer, entry in one["layers"].items()}
        one["is_same"] = states == tonight
    return {"policy": facts.comparison_policy, "sentence": _say_robustness(rows, facts), "variants": rows}


_PRESETS = ("article", "canon", "static", "none", "vxth", "vpd", "veqtor")
_READINGS = ("equal_vega", "contracts", "base_matched", "short_front")


def _place(variant: str) -> tuple[int, int, str]:
    kind, _, name = variant.partition(":")
    order = {"reading": _READINGS, "preset": _PRESETS}.get(kind, ())
    return (("reading", "no_hysteresis", "preset").index(kind) if kind in ("reading", "no_hysteresis", "preset") else 3,
            order.index(name) if name in order else len(order), name)  # fmt: skip


def _say_robustness(rows: list[dict[str, Any]], facts: ExplainFacts) -> str:
    if not rows:
        return "No other reading is computed for this session."
    words = []
    for kind, noun in (("reading:", "reading"), ("preset:", "preset")):
        some = [one for one in rows if one["variant"].startswith(kind)]
        if some:
            words.append(f"{sum(one['is_same'] for one in some)} of {say_count(len(some), noun)}")
    alone = next((one for one in rows if one["variant"] == "no_hysteresis"), None)
    end = "" if alone is None else f"; without hysteresis the states are {'the same' if alone['is_same'] else 'others'}"
    return f"The same states and steps: {join_words(words)}{end}."


def _in_order(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda one: (one["trade_date"], one["transition_no"]))


def _transition(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "trade_date": _day(one["trade_date"]),
        **{name: one[name] for name in ("transition_no", "layer", "from_state", "to_state", "reason")},
    }


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
