"""The layers of the hedge for the report: tables and words of an explanation, and its part of the JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.explain.words import LAYER_NAMES, say_truth
from transforms.page.links import reference_href
from transforms.page.tables import make_cell, make_column, make_part, make_row, make_table
from transforms.page.text import MISSING, say_count, say_date, say_number
from transforms.report.links import HOMES, href_of, signal_href

Table = dict[str, Any]
_CLAUSE_FIELDS = (
    "rule", "meaning", "expression", "condition", "truth", "values", "parameters", "provenance",
    "threshold_provenance", "joined",
)  # fmt: skip
_TERM_FIELDS = ("text", "truth", "column", "is_size", "value", "threshold", "distance", "bound", "unit", "missing")
_TONES = {"active": "ok", "blocked": "bad", "armed": "warn", "idle": "quiet", "steward": "warn", "promoter": "ok"}
_TRUTH_TONES = {True: "ok", False: "quiet", None: "warn"}
_NEED_TONES = {True: "met", False: "open", None: "unknown"}


def build_layer_states(explanation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return ``layers`` of ``hedge-state.json``."""
    names = ("layer", "state", "since", "sessions_in_state", "step_count", "max_steps", "held_rank", "target",
             "reason", "is_stale")  # fmt: skip
    return [
        {
            **{name: layer[name] for name in names},
            "clauses": [_plain_clause(clause) for clause in layer["clauses"]],
            "next": layer["next"],
        }
        for layer in explanation["layers"]
    ]


def build_governor_state(explanation: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``governor`` of ``hedge-state.json``."""
    governor = explanation["governor"]
    names = ("mode", "since", "sessions_in_state", "guards_held", "trailing_pnl_frac", "temporal_pnl_since_entry_frac")
    return {
        **{name: governor[name] for name in names},
        "guards": [
            {**_plain_clause(guard), "is_counted": guard["is_counted"], "note": guard["note"]}
            for guard in governor["guards"]
        ],
    }


def build_layers_section(explanation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page prints about the layers: sentences and tables.

    Returns
    -------
    dict
        ``sentence``, ``policy``, ``account`` (the model account that targets are for), ``table``, ``governor``,
        ``guards``, ``details`` (one a layer: ``name``, ``state``, ``summary``, ``clauses``, ``outlook``,
        ``transitions``), ``comparison``.
    """
    governor, policy = explanation["governor"], explanation["policy"]
    nav = explanation["model_nav_usd"]
    start = policy["effective_from"]
    return {
        "sentence": explanation["sentence"],
        "policy": f"Policy {policy['name']}, hash {policy['hash'][:12]}"
        + (f", in force from {say_date(start)}." if start else "."),
        "account": ""
        if nav is None
        else f"Targets are VX futures of $1,000 a point on a model account of ${nav:,.0f}, before rounding; "
        "positions and orders are in whole contracts of VX, VXM and options.",
        "table": _layer_table(explanation["layers"]),
        "governor": f"Governor: {governor['mode']}{_since(governor)}"
        + (f". {_capital(governor['held_text'])}." if governor["held_text"] else ", no guard holds."),
        "mode": governor["mode"],
        "guards_title": _say_guards(governor["guards"]),
        "guards": _clause_table(governor["guards"], "Guard"),
        "details": [_build_detail(layer, explanation["last_transitions"]) for layer in explanation["layers"]],
        "comparison_sentence": explanation["comparison"]["sentence"],
        "comparison": _comparison_table(explanation["comparison"]),
        "comparison_note": _comparison_note(explanation),
    }


def build_layers_chart(timeline: Sequence[Mapping[str, Any]], levels: Mapping[str, float]) -> dict[str, Any]:
    """Return the chart of the last sessions: VIX above, the states of the layers below.

    Parameters
    ----------
    timeline
        Rows of the facts' timeline, at least one, oldest first.
    levels
        Name to VIX level of the lines across the chart.
    """
    sessions = [{**row, "trade_date": str(row["trade_date"])} for row in timeline]
    active = sum(row["temporal_vega"] == "active" for row in sessions)
    armed = sum(row["temporal_vega"] in ("armed", "blocked") for row in sessions)
    steward = sum(row["governor_mode"] == "steward" for row in sessions)
    counted = say_count(len(sessions), "session")
    first, last = (say_date(sessions[place]["trade_date"]) for place in (0, -1))
    words = [
        f"{_capital(name)}: {', '.join(f'{state} {count}' for state, count in _counts(sessions, layer))}."
        for layer, name in LAYER_NAMES.items()
    ]
    return {
        "title": f"Of {counted}: temporal vega active on {active}, armed or blocked on {armed}; steward on {steward}",
        "description": " ".join([f"{counted} from {first} to {last}.", *words]),
        "sessions": sessions,
        "levels": [[name, value] for name, value in levels.items()],
    }


def _counts(sessions: Sequence[Mapping[str, Any]], layer: str) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for row in sessions:
        found[str(row[layer])] = found.get(str(row[layer]), 0) + 1
    return sorted(found.items())


def _layer_table(layers: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column("Layer"),
        make_column("State", href=_state_href("state")),
        make_column("Steps", is_number=True, href=_state_href("step_count")),
        make_column("Target", "VX futures", is_number=True, href=_state_href("target_contracts")),
        make_column("Vega", "$ a point", is_number=True, href=_state_href("target_vega_usd")),
        make_column("Why", href=_state_href("reason")),
    ]
    rows = []
    for layer in layers:
        contracts, vega = layer["target"]["target_contracts"], layer["target"]["target_vega_usd"]
        steps = f"{layer['step_count']} of {layer['max_steps']}" if layer["max_steps"] is not None else MISSING
        is_in_options = contracts is None and layer["state"] == "active"
        rows.append(
            make_row(
                make_cell(_capital(LAYER_NAMES[layer["layer"]])),
                make_cell(layer["state"], note=_since(layer).removeprefix(" "), tone=_TONES[layer["state"]]),
                make_cell(steps, tone="" if layer["max_steps"] is not None else "missing"),
                make_cell("in options" if is_in_options else say_number(contracts, "pts"), tone=_tone(contracts)),
                make_cell(MISSING if vega is None else f"${vega:,.0f}", tone=_tone(vega)),
                make_cell(_why(layer), note=_leg(layer)),
            )
        )
    return make_table(columns, rows, [])


def _state_href(column: str) -> str:
    return reference_href("mart.daily_hedge_state", column)


def _say_guards(guards: Sequence[Mapping[str, Any]]) -> str:
    counted = [guard["truth"] for guard in guards if guard["is_counted"]]
    holding, unknown = counted.count(True), counted.count(None)
    words = f"{holding} of {say_count(len(counted), 'guard')} {'holds' if holding == 1 else 'hold'}"
    return f"{words}, {unknown} not evaluable" if unknown else words


def _leg(layer: Mapping[str, Any]) -> str:
    stale = "an input is stale or absent" if layer["is_stale"] else ""
    if layer["layer"] == "temporal_vega" and layer["step_count"]:
        return "; ".join(["target: size of its front leg", *([stale] if stale else [])])
    return stale


def _why(layer: Mapping[str, Any]) -> str:
    return str(layer["reason"]).partition(": ")[2] or str(layer["reason"])


def _tone(value: float | None) -> str:
    return "" if value else "missing"


def _since(one: Mapping[str, Any]) -> str:
    if one["since"] is None:
        return ""
    return f" since {say_date(one['since'])}, {say_count(one['sessions_in_state'], 'session')}"


def _build_detail(layer: Mapping[str, Any], transitions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mine = [one for one in transitions if one["layer"] == layer["layer"]]
    name = _capital(LAYER_NAMES[layer["layer"]])
    return {
        "name": name,
        "state": layer["state"],
        "clauses": _clause_table(layer["clauses"], "Rule") if layer["clauses"] else None,
        "outlook": [
            {
                "what": move["what"],
                "needs": [{"text": need["text"], "tone": _NEED_TONES[need["is_met"]]} for need in move["needs"]],
            }
            for move in layer["next"]
        ],
        "transitions": make_table(
            [make_column("Session"), make_column("From"), make_column("To"), make_column("Why")],
            [
                make_row(
                    make_cell(say_date(one["trade_date"])),
                    make_cell(one["from_state"]),
                    make_cell(one["to_state"], tone=_TONES[one["to_state"]]),
                    make_cell(_why(one)),
                )
                for one in mine
            ],
            [],
        ),
    }


def _clause_table(clauses: Sequence[Mapping[str, Any]], first: str) -> Table:
    columns = [
        make_column(first),
        make_column("Condition"),
        make_column("Value"),
        make_column("Truth"),
        make_column("Threshold", "whose"),
    ]
    rows = []
    for clause in clauses:
        terms = clause["terms"]
        truth = _truth_cell(clause) if clause.get("is_counted", True) else make_cell("not counted", tone="quiet")
        whose = make_cell(clause["threshold_provenance"])
        name = make_cell(clause["rule"].replace("_", " "), note=clause["meaning"])
        note = clause.get("note", "")
        if len(terms) > 1:
            whole = "all of" if clause["joined"] == "and" else "any of"
            rows.append(make_row(name, make_cell(whole, note=note), make_cell(""), truth, whose))
            rows += [
                make_part(
                    make_cell(""),
                    make_cell(term["shown"], href=_term_href(term)),
                    make_cell(term["values_text"]),
                    _truth_cell(term),
                    make_cell(""),
                )
                for term in terms
            ]
        else:
            shown, said = (terms[0]["shown"], terms[0]["values_text"]) if terms else (clause["condition"], "")
            said = said or clause["values_text"]
            rows.append(
                make_row(
                    name,
                    make_cell(shown, note=note, href=_term_href(terms[0]) if terms else ""),
                    make_cell(said),
                    truth,
                    whose,
                )
            )
    return make_table(columns, rows, [])


def _term_href(term: Mapping[str, Any]) -> str:
    """Return where the column of a comparison is explained; the governor's own are columns of its table."""
    column = term["column"]
    if column is None:
        return ""
    return href_of(column) if column in HOMES["mart.daily_governor"] else signal_href(column)


def _truth_cell(one: Mapping[str, Any]) -> dict[str, Any]:
    return make_cell(say_truth(one["truth"]), tone=_TRUTH_TONES[one["truth"]])


def _comparison_table(comparison: Mapping[str, Any]) -> Table:
    columns = [
        make_column("Variant"),
        *(make_column(_capital(name)) for name in LAYER_NAMES.values()),
        make_column("Governor"),
        make_column("Same"),
    ]
    rows = []
    for one in comparison["variants"]:
        cells = []
        for layer in LAYER_NAMES:
            entry = one["layers"].get(layer)
            if entry is None:
                cells.append(make_cell(MISSING, tone="missing"))
                continue
            steps = (
                f", {say_count(entry['step_count'], 'step')}"
                if layer == "temporal_vega" and entry["step_count"]
                else ""
            )
            cells.append(make_cell(f"{entry['state']}{steps}", tone=_TONES[entry["state"]]))
        same = make_cell("as tonight", tone="ok") if one["is_same"] else make_cell("other", tone="quiet")
        name = one["variant"].replace("_", " ").replace(":", " ")
        rows.append(make_row(make_cell(name), *cells, make_cell(one["governor_mode"]), same))
    return make_table(columns, rows, [])


def _comparison_note(explanation: Mapping[str, Any]) -> str:
    named, ruling = explanation["comparison"]["policy"], explanation["policy"]["name"]
    other = f" The readings are those of the policy {named}, not of {ruling}." if named not in (None, ruling) else ""
    return (
        "Each is decided on the same signals by itself. A preset may hold other instruments under the same "
        f"names of layers.{other}"
    )


def _plain_clause(clause: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: clause[name] for name in _CLAUSE_FIELDS},
        "terms": [{name: term[name] for name in _TERM_FIELDS} for term in clause["terms"]],
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
