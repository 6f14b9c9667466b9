"""The clauses of a layer and the guards of the governor, each with its values, truth and distances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from transforms.explain.distances import Term, build_terms, with_numbers
from transforms.explain.facts import ExplainFacts
from transforms.explain.words import MISSING, say_missing, say_term, say_threshold, say_value
from transforms.policy.expression import format_number, render_text

GUARDS = "guards"
NEEDS_A_BOOK = "needs a book"
_SIGNS = {
    ">=": "\N{GREATER-THAN OR EQUAL TO}",
    "<=": "\N{LESS-THAN OR EQUAL TO}",
    "<>": "\N{NOT EQUAL TO}",
}


def build_clause(facts: ExplainFacts, layer: str, clause: Mapping[str, Any]) -> dict[str, Any]:
    """Return one clause as plain JSON types.

    Returns
    -------
    dict
        ``rule``, ``meaning``, ``expression`` (as written), ``condition`` (with numbers), ``truth`` (None: not
        evaluable), ``values``, ``parameters``, ``provenance`` (of the rule), ``threshold_provenance``,
        ``values_text``, ``terms`` (see :class:`Term`; ``text`` and ``unit`` among them), ``joined``.
    """
    values, numbers = clause.get("values") or {}, clause.get("parameters") or {}
    node = facts.conditions.get(clause["expression"])
    joined, terms = ("", ()) if node is None else build_terms(node, values, numbers)
    whose = dict.fromkeys(facts.parameters[name]["provenance"] for name in numbers if name in facts.parameters)
    return {
        "rule": clause["rule"],
        "meaning": facts.meanings.get(f"{layer}.{clause['rule']}", ""),
        "expression": clause["expression"],
        "condition": clause["expression"] if node is None else render_text(with_numbers(node, numbers)),
        "truth": clause["truth"],
        "values": dict(values),
        "parameters": {name: float(value) for name, value in numbers.items()},
        "provenance": clause["provenance"],
        "threshold_provenance": ", ".join(whose) or clause["provenance"],
        "values_text": _say_values(facts, values),
        "missing_text": "" if clause["truth"] is not None else _say_lacks(facts, terms),
        "joined": joined,
        "terms": [_plain_term(term, facts, values) for term in terms],
    }


def list_needs(facts: ExplainFacts, clause: Mapping[str, Any], *, wanted: bool) -> list[dict[str, Any]]:
    """Say what a clause needs to become true (or false), with the distance of each of its terms.

    Returns
    -------
    list of dict
        As :func:`make_need`: one entry for each term where all of them are needed, else one for the clause.
    """
    node = facts.conditions.get(clause["expression"])
    truth = clause["truth"]
    if node is None:
        to_be = "met" if truth == wanted else f"to be {'true' if wanted else 'false'}"
        return [_need(clause, truth, f"{clause['expression']}: {to_be}", wanted=wanted)]
    joined, terms = build_terms(node, clause.get("values") or {}, clause.get("parameters") or {})
    said = [(term.truth, say_term(term, facts.units, facts.gaps, wanted=wanted)) for term in terms]
    if joined in ("", "and" if wanted else "or"):
        return [
            _need(clause, one, text, wanted=wanted, term=term, unit=facts.units.get(term.column or ""))
            for term, (one, text) in zip(terms, said, strict=True)
        ]
    # one of them is enough: while one is there, the others do not matter
    chosen = [text for one, text in said if one == wanted][:1] or [text for _, text in said]
    text = chosen[0] if len(chosen) == 1 else f"one of: {'; '.join(chosen)}"
    return [_need(clause, truth, text, wanted=wanted)]


def make_need(
    is_met: bool | None, text: str, *, rule: str | None = None, term: Term | None = None, unit: str | None = None
) -> dict[str, Any]:
    """Return one condition of a transition: in words, and as numbers where one column is compared with one number."""
    numbers = ("column", "is_size", "value", "threshold", "distance", "bound")
    is_measured = term is not None and term.distance is not None
    return {
        "rule": rule,
        "is_met": is_met,
        "text": text,
        **{name: getattr(term, name) if is_measured else None for name in numbers},
        "unit": unit if is_measured else None,
    }


def _need(
    clause: Mapping[str, Any],
    truth: bool | None,
    text: str,
    *,
    wanted: bool,
    term: Term | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    is_met = None if truth is None else truth == wanted
    return make_need(is_met, text, rule=clause["rule"], term=term, unit=unit)


def build_guards(facts: ExplainFacts) -> list[dict[str, Any]]:
    """Return the governor's guards: those of the policy, the two that watch the P&L, and the one without data.

    Returns
    -------
    list of dict
        As :func:`build_clause`, with ``holds`` (True, False, None), ``is_counted`` (whether the mode depends
        on it) and ``note``.
    """
    guards = []
    for clause in facts.governor.get("guard_clauses") or []:
        built = build_clause(facts, GUARDS, clause)
        guards.append({**built, "is_counted": True, "note": ""})
    held = [name.strip() for name in (facts.governor.get("guards_held") or "").split(",")]
    for name, column, parameter, meaning, note in _BUILT_IN:
        limit = facts.number(parameter)
        if not limit:
            continue  # switched off by the policy
        value = facts.governor.get(column)
        condition = f"{column} <= {format_number(-limit)}"
        said = say_value(value, "frac") if value is not None else "no step is on"
        term = Term(
            condition, None if value is None else value <= -limit, (column,), (), column=column,
            value=value, threshold=-limit, distance=None if value is None else -limit - value,
            bound=None if value is None else ">" if value <= -limit else "<=",
        )  # fmt: skip
        guards.append(
            {
                "rule": name,
                "meaning": meaning,
                "expression": f"{column} <= -${parameter}",
                "condition": condition,
                "truth": name in held,
                "values": {column: value},
                "parameters": {parameter: limit},
                "provenance": "ours",
                "threshold_provenance": str(facts.parameters[parameter]["provenance"]),
                "values_text": said,
                "missing_text": "",
                "joined": "",
                "terms": [
                    {**_plain_term(term, facts, {column: value}), "values_text": said},
                ],
                "is_counted": True,
                "note": note if name in held else "",
            }
        )
    guards.append(
        {
            "rule": "quick_ratio",
            "meaning": "liquidity: cash and gains realisable in a day over margin and the next roll's cost",
            "expression": "",
            "condition": "quick ratio < 1",
            "truth": None,
            "values": {},
            "parameters": {},
            "provenance": "ours",
            "threshold_provenance": "ours",
            "values_text": NEEDS_A_BOOK,
            "missing_text": NEEDS_A_BOOK,
            "joined": "",
            "terms": [],
            "is_counted": False,
            "note": f"{NEEDS_A_BOOK} of your own; not counted",
        }
    )
    return guards


_BUILT_IN = (
    (
        "layer2_loss",
        "temporal_pnl_since_entry_frac",
        "loss_lock_frac",
        "estimated loss of the temporal layer since entry, in NAV",
        "locked until the temporal layer leaves, whatever it earns back",
    ),
    (
        "budget",
        "trailing_pnl_frac",
        "yearly_budget_frac",
        "estimated loss of base and temporal layer over 252 sessions, in NAV",
        "",
    ),
)


def _say_values(facts: ExplainFacts, values: Mapping[str, Any]) -> str:
    words = []
    for column, value in values.items():
        if value is None:
            words.append(f"{column} {facts.gaps.get(column, 'missing').replace('_', ' ')}")
        else:
            words.append(f"{column} {say_value(value, facts.units.get(column, ''))}")
    return ", ".join(words) or MISSING


def _say_lacks(facts: ExplainFacts, terms: tuple[Term, ...]) -> str:
    return "; ".join(dict.fromkeys(say_missing(term, facts.gaps) for term in terms if term.truth is None))


def _plain_term(term: Term, facts: ExplainFacts, values: Mapping[str, Any]) -> dict[str, Any]:
    unit = facts.units.get(term.column or "", "frac" if (term.column or "").endswith("_frac") else "")
    mine = {column: values.get(column) for column in term.columns}
    one = next(iter(mine)) if len(mine) == 1 else None
    if one is None:
        text = _say_values(facts, mine)
    elif mine[one] is None:
        text = facts.gaps.get(one, "missing").replace("_", " ")
    else:
        text = say_value(mine[one], unit if one == term.column else facts.units.get(one, ""))
    return {
        **{name: value for name, value in asdict(term).items() if name not in ("flag", "columns", "missing")},
        "missing": list(term.missing),
        "unit": unit or None,
        "shown": _say_condition(term, unit),
        "values_text": text,
    }


def _say_condition(term: Term, unit: str) -> str:
    """The comparison as it is printed: a fraction in per cent where its value is printed in per cent."""
    start, _, number = term.text.rpartition(" ")
    is_plain = term.threshold is not None and number == format_number(term.threshold)
    text = f"{start} {say_threshold(term.threshold, unit)}" if is_plain and term.threshold is not None else term.text
    for sign, printed in _SIGNS.items():
        text = text.replace(f" {sign} ", f" {printed} ")
    return text
