"""The report's context: the published state, and the same in words and table cells for the page.

Everything in it is plain JSON. ``state`` is the document of ``hedge-state.json``; all other keys are
what the HTML page and the Markdown text print, so that both say the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.explain.build import build_explanation
from transforms.page.text import (
    MISSING,
    NOT_PUBLISHED,
    say_count,
    say_date,
    say_level,
    say_number,
    to_number,
    to_plain,
)
from transforms.report.accounts import build_ledger_section, build_positions_section
from transforms.report.book import BOOK_MEASURES, build_book_section, build_book_state
from transforms.report.curve import (
    Session,
    build_curve,
    build_history,
    build_regime,
    explain_missing,
    read_sessions,
)
from transforms.report.findings import (
    describe_curve,
    describe_history,
    find_curve_title,
    find_headline,
    find_history_title,
)
from transforms.report.health import build_data_health
from transforms.report.hedge_measures import HEDGE_MEASURES
from transforms.report.inputs import ReportInputs
from transforms.report.layers import (
    build_governor_state,
    build_layer_states,
    build_layers_chart,
    build_layers_section,
)
from transforms.report.ledger_chart import build_ledger_chart
from transforms.report.measures import KINDS, build_glossary
from transforms.report.surroundings import build_context_state, build_context_tables
from transforms.report.tables import (
    build_contract_table,
    build_futures_index_table,
    build_health_tables,
    build_index_table,
    build_measure_table,
    build_regime_table,
    build_roll_down_sentence,
)
from transforms.statement.build import build_statement
from transforms.statement.ledger import build_ledger_history

SCHEMA_VERSION = "1.3.0"
EDGE_PARAMETERS = ("curve_flat_from_frac", "curve_contango_from_frac", "curve_steep_from_frac")
"""Parameters of the run whose values the history chart draws as edges of the curve states."""

STATEMENT_PARTS: dict[str, Any] = {
    "next_session": None,
    "account": None,
    "positions": [],
    "totals": [],
    "trades": [],
    "time_shifts": None,
    "funding": None,
    "valuation": None,
}
"""Parts of the statement in ``hedge-state.json``, and what stands there where a warehouse has no ledger."""

PROVENANCE_FIELDS = (
    "run_id",
    "started_at_utc",
    "finished_at_utc",
    "code_version",
    "source",
    "market",
    "warehouse_sha256",
    "policy_hash",
)


def build_report_context(inputs: ReportInputs) -> dict[str, Any]:
    """Return everything the three renderings print, as plain JSON types.

    Returns
    -------
    dict
        ``state`` (the document of ``hedge-state.json``), ``headline``, ``strip``, ``tables``,
        ``charts``, ``glossary``, ``provenance`` and the few words around them. A missing value is
        None in ``state`` and an em dash or "not published" with its reason in words; never 0.
    """
    sessions = read_sessions(inputs.term_structure)
    tonight = sessions[-1]
    hedge = inputs.hedge
    explanation = build_explanation(hedge) if hedge else None
    statement = build_statement(inputs.statement) if inputs.statement else None
    state = _build_state(inputs, sessions, explanation, statement)
    curve, regime, health = state["curve"], state["regime"], state["data_health"]
    book = state["book"]
    glossary = build_glossary(
        inputs.columns, (*(HEDGE_MEASURES if statement else ()), *(BOOK_MEASURES if book else ()))
    )
    return {
        "state": state,
        "headline": find_headline(curve, regime),
        "title": f"Hedge state, {say_date(inputs.as_of, weekday=True)}",
        "as_of_text": say_date(inputs.as_of, weekday=True),
        "is_simulated": state["is_simulated"],
        "strip": _build_strip(curve, regime, health),
        "layers": build_layers_section(explanation) if explanation else None,
        "positions": build_positions_section(statement) if statement else None,
        "book": build_book_section(book, state["next_session"]) if book else None,
        "ledger": build_ledger_section(statement) if statement else None,
        "surroundings": build_context_tables(hedge.signals, hedge.gaps, hedge.units) if hedge else [],
        "charts": _build_charts(inputs, sessions, curve, regime),
        "tables": {
            "contracts": build_contract_table(curve),
            "measures": build_measure_table(curve),
            "regime": build_regime_table(regime),
            "indices": build_index_table(curve),
            "futures_indices": build_futures_index_table(curve),
            **build_health_tables(health),
        },
        "roll_down_sentence": build_roll_down_sentence(curve),
        "missing": [
            *curve["missing"],
            *(
                {"column": column, "reason": explain_missing(column, tonight)}
                for column in ("vol_level", "curve_state", "curve_regime", "days_in_regime")
                if regime[column] is None
            ),
        ],
        "glossary": glossary,
        "kinds": [
            {"name": kind, "meaning": meaning}
            for kind, meaning in KINDS.items()
            if any(entry["kind"] == kind for entry in glossary)
        ],
        "provenance": _build_provenance_rows(state["provenance"]),
    }


def _build_state(
    inputs: ReportInputs,
    sessions: list[Session],
    explanation: Mapping[str, Any] | None,
    statement: Mapping[str, Any] | None,
) -> dict[str, Any]:
    hedge = inputs.hedge
    # the policy of the session, which is not that of the run where the session is a past one
    run = {**inputs.run, "policy_hash": hedge.policy_hash} if hedge else inputs.run
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": inputs.as_of.isoformat(),
        "is_simulated": run["market"] == "simulated",
        "policy_hash": to_plain(run.get("policy_hash")),
        "run_id": to_plain(run.get("run_id")),
        "curve": build_curve(inputs, sessions),
        "regime": build_regime(sessions),
        "layers": build_layer_states(explanation) if explanation else [],
        "governor": build_governor_state(explanation) if explanation else None,
        "transitions": explanation["transitions"] if explanation else [],
        **{name: statement[name] if statement else absent for name, absent in STATEMENT_PARTS.items()},
        "book": build_book_state(inputs.book) if inputs.book else None,
        "book_note": None if inputs.book else to_plain(inputs.book_note),
        "context": build_context_state(hedge.signals, hedge.gaps) if hedge else None,
        "data_health": build_data_health(inputs, sessions[-1]),
        "provenance": {
            **{name: to_plain(run.get(name)) for name in PROVENANCE_FIELDS},
            "package_versions": to_plain(dict(sorted((run.get("package_versions") or {}).items()))),
            "parameters": to_plain(run.get("parameters") or {}),
        },
    }


def _build_strip(
    curve: Mapping[str, Any], regime: Mapping[str, Any], health: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the five boxes on top: what, how much, the words below it, and where more is said."""
    front = curve["contracts"][0]
    contango, rank = curve["measures"]["contango_frac"], regime["contango_pctile"]
    days = regime["days_in_regime"]
    front_details = []
    if front["expiry_date"]:
        days_left = say_count(front["calendar_days_to_expiry"], "day")
        was = f" (was VX{front['rank_1d_before']})" if front["is_rank_shifted"] else ""
        front_details = [
            f"{say_date(front['expiry_date'], year=False)}, {days_left}",
            _say_change(front["change_1d_pts"]) + was,
        ]
    checks = health["checks"]
    reasons = len(health["reasons"])
    health_words = say_count(reasons, "reason") if reasons else f"{checks['passed']} of {checks['total']} checks passed"
    return [
        _box(
            "VIX",
            _value(curve["vix_close_pts"], "pts"),
            [
                _say_change(curve["vix_change_1d_pts"]),
                *([f"level {say_level(regime['vol_level'])}"] if regime["vol_level"] else []),
            ],
            "#g-vix_close_pts",
        ),
        _box("VX1", _value(front["settle_pts"], "pts"), front_details, "#g-settle_pts"),
        _box(
            "Contango",
            say_number(contango, "frac", signed=True) if contango is not None else "not evaluable",
            ["VX2 over VX1", *([f"{say_number(rank, 'pctile')} percentile"] if rank is not None else [])],
            "#g-contango_frac",
        ),
        _box(
            "Regime",
            regime["curve_regime"] or "not evaluable",
            [
                *([say_count(days, "session")] if days is not None else []),
                *([f"state this session: {regime['curve_state']}"] if regime["is_confirmed"] is False else []),
            ],
            "#regime",
            tone=regime["curve_regime"] or "",
        ),
        _box("Data health", health["status"], [health_words], "#health", tone=health["status"]),
    ]


def _box(label: str, value: str, details: list[str], href: str, tone: str = "") -> dict[str, Any]:
    return {"label": label, "value": value, "details": [d for d in details if d], "href": href, "tone": tone}


def _value(value: float | None, style: str) -> str:
    return NOT_PUBLISHED if value is None else say_number(value, style)


def _say_change(change: float | None) -> str:
    return "" if change is None else f"{say_number(change, 'pts', signed=True)} on the day"


def _build_charts(
    inputs: ReportInputs, sessions: list[Session], curve: Mapping[str, Any], regime: Mapping[str, Any]
) -> dict[str, Any]:
    series = [
        {"name": f"{say_date(one['trade_date'], year=False)}{label}", "points": _curve_points(one)}
        for one, label in (
            (curve, ", this session"),
            *((before, f", {before['label']}") for before in curve["comparisons"] if before["trade_date"]),
        )
    ]
    history = build_history(sessions)
    parameters = inputs.run.get("parameters") or {}
    edges = [to_number(parameters.get(name)) for name in EDGE_PARAMETERS]
    return {
        "curve": {
            "title": find_curve_title(curve, regime),
            "description": describe_curve(series),
            "series": series,
        },
        "history": {
            "title": find_history_title(regime),
            "description": describe_history(history),
            "sessions": history,
            "edges": [edge for edge in edges if edge is not None],
        },
        **_build_timeline(inputs),
        **({"ledger": build_ledger_chart(build_ledger_history(inputs.statement))} if inputs.statement else {}),
    }


def _build_timeline(inputs: ReportInputs) -> dict[str, Any]:
    hedge = inputs.hedge
    if hedge is None or not hedge.timeline:
        return {}
    names = {"arm_vix_pts": "arms", "full_vix_pts": "full", "leave_vix_pts": "leaves"}
    levels = {word: hedge.number(name) for name, word in names.items()}
    known = {word: level for word, level in levels.items() if level is not None}
    return {"layers": build_layers_chart(hedge.timeline, known)}


def _curve_points(one: Mapping[str, Any]) -> list[list[float | None]]:
    listed = [contract for contract in one["contracts"] if contract["calendar_days_to_expiry"] is not None]
    return [
        [0, one["vix_close_pts"]],
        *([contract["calendar_days_to_expiry"], contract["settle_pts"]] for contract in listed),
    ]


def _build_provenance_rows(provenance: Mapping[str, Any]) -> list[dict[str, str]]:
    labels = {
        "run_id": "Run",
        "started_at_utc": "Started (UTC)",
        "finished_at_utc": "Finished (UTC)",
        "code_version": "Code",
        "source": "Source of the files",
        "market": "Market",
        "warehouse_sha256": "Warehouse, SHA-256",
        "policy_hash": "Policy, hash",
    }
    rows = [{"label": label, "text": str(provenance[name] or MISSING)} for name, label in labels.items()]
    for name, label in (("parameters", "Parameters"), ("package_versions", "Packages")):
        items = ", ".join(f"{key} {_say_parameter(value)}" for key, value in provenance[name].items())
        rows.append({"label": label, "text": items or MISSING})
    return rows


def _say_parameter(value: Any) -> str:
    if isinstance(value, list):
        return " / ".join(map(_say_parameter, value))
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_say_parameter(item)}" for key, item in value.items()) + ")"
    return str(value)
