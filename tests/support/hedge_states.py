"""What the tables of the hedge say of themselves, worked out again by another road: sets of differences."""

from __future__ import annotations

import json
import re
from typing import Any

import duckdb

from transforms.layers import ALLOWED_EDGES, Layer, LayerState
from warehouse.hedge_states import POLICY_CHANGE

Connection = duckdb.DuckDBPyConnection


def clause_differences(connection: Connection) -> list[tuple[Any, ...]]:
    """Clauses that do not say what the signals say.

    The condition of ``ref.policy_rules`` is run as it was written, with the numbers of
    ``ref.policy_parameters`` put in as text; the tables are made from a parsed tree.
    """
    frame = connection.execute("from mart.daily_signals order by trade_date")
    names = [column[0] for column in frame.description or []]
    signals = {row[0]: dict(zip(names, row, strict=True)) for row in frame.fetchall()}
    clauses = _clauses(connection)
    found: list[tuple[Any, ...]] = []
    seen = set()
    rules = "select policy_hash, layer, rule, expression, provenance from ref.policy_rules"
    for policy, layer, rule, expression, provenance in connection.execute(rules).fetchall():
        query = "select parameter, value from ref.policy_parameters where policy_hash = ?"
        numbers = dict(connection.execute(query, [policy]).fetchall())
        used = re.findall(r"\$(\w+)", expression)
        written = re.sub(r"\$(\w+)", lambda match, numbers=numbers: f"({numbers[match[1]]!r})", expression)
        truths = dict(connection.execute(f"select trade_date, ({written}) from mart.daily_signals").fetchall())
        looked_at = {name for name in names if re.search(rf"(?<!\$)\b{name}\b", expression)}
        for (day, of_layer), (of_policy, listed) in clauses.items():
            if (of_policy, of_layer) != (policy, layer):
                continue
            seen.add((day, layer))
            (clause,) = (entry for entry in listed if entry["rule"] == rule)
            expected = {
                "rule": rule,
                "expression": expression,
                "truth": truths[day],
                "values": {name: signals[day][name] for name in looked_at},
                "parameters": {name: numbers[name] for name in used},
                "provenance": provenance,
            }
            if clause != expected:
                found.append((day, layer, rule, clause, expected))
    found += [(*key, "no rule at all") for key, (_, listed) in clauses.items() if listed and key not in seen]
    return found


def _clauses(connection: Connection) -> dict[tuple[Any, str], tuple[str, list[dict[str, Any]]]]:
    query = (
        "select trade_date, layer, policy_hash, clauses::varchar from mart.daily_hedge_state union all "
        "select trade_date, 'guards', policy_hash, guard_clauses::varchar from mart.daily_governor"
    )
    return {
        (day, layer): (policy, json.loads(text)) for day, layer, policy, text in connection.execute(query).fetchall()
    }


def transition_differences(connection: Connection) -> list[tuple[Any, ...]]:
    """Transitions that do not follow each other, take an edge that is not allowed, or miss the states."""
    found: list[tuple[Any, ...]] = []
    steps: dict[tuple[Any, str], list[tuple[str, str, str]]] = {}
    query = (
        "select trade_date, layer, from_state, to_state, reason, transition_no from mart.layer_transitions "
        "order by trade_date, transition_no"
    )
    numbers: dict[Any, int] = {}
    for day, layer, was, now, reason, number in connection.execute(query).fetchall():
        numbers[day] = numbers.get(day, 0) + 1
        if number != numbers[day]:
            found.append((day, layer, "number", number))
        edge = (LayerState[was.upper()], LayerState[now.upper()])
        if reason != POLICY_CHANGE and edge not in ALLOWED_EDGES[Layer(layer)]:
            found.append((day, layer, "edge", was, now))
        steps.setdefault((day, layer), []).append((was, now, reason))
    current = dict.fromkeys(("base", "temporal_vega", "second_engine"), "idle")
    states = "select trade_date, layer, state, reason from mart.daily_hedge_state order by trade_date, layer"
    for day, layer, state, reason in connection.execute(states).fetchall():
        for was, now, _ in steps.get((day, layer), []):
            if was != current[layer]:
                found.append((day, layer, "from", was, current[layer]))
            current[layer] = now
        if current[layer] != state:
            found.append((day, layer, "state", state, current[layer]))
        last = steps.pop((day, layer), [(state, state, reason)])[-1][2]
        if last not in (reason, POLICY_CHANGE):
            found.append((day, layer, "reason", last, reason))
        current[layer] = state
    return found + [(*key, "no such session") for key in steps]
