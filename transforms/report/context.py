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
    say_date,
    to_plain,
)
from transforms.report.book import BOOK_MEASURES, build_book_section, build_book_state
from transforms.report.calendar import build_calendar, build_calendar_table, explain_bases
from transforms.report.changes import build_next_changes, build_since_yesterday
from transforms.report.chart_set import build_charts
from transforms.report.curve import (
    Session,
    build_curve,
    build_regime,
    explain_missing,
    read_sessions,
)
from transforms.report.findings import (
    find_headline,
)
from transforms.report.health import build_data_health
from transforms.report.hedge_measures import HEDGE_MEASURES
from transforms.report.inputs import ReportInputs
from transforms.report.layers import (
    build_governor_state,
    build_layer_states,
    build_layers_section,
)
from transforms.report.ledger import build_ledger_section
from transforms.report.measures import KINDS, build_glossary
from transforms.report.positions import build_positions_section
from transforms.report.surroundings import build_context_state, build_context_tables
from transforms.report.tables import (
    build_contract_table,
    build_futures_index_table,
    build_health_parts,
    build_health_tables,
    build_index_table,
    build_measure_table,
    build_regime_table,
    build_roll_down_sentence,
)
from transforms.report.top import build_top, find_sections
from transforms.statement.build import build_statement

SCHEMA_VERSION = "1.5.0"
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
    known = to_plain(inputs.run.get("known_sentence")) or ""
    section = build_ledger_section(statement, state["curve"]["vix_close_pts"]) if statement else None
    surroundings = build_context_tables(hedge.signals, hedge.gaps, hedge.units) if hedge else []
    glossary = build_glossary(
        inputs.columns, (*(HEDGE_MEASURES if statement else ()), *(BOOK_MEASURES if book else ()))
    )
    return {
        "state": state,
        "headline": find_headline(curve, regime, explanation),
        "title": f"Hedge state, {say_date(inputs.as_of, weekday=True)}" + (", as known then" if known else ""),
        "known_sentence": known,
        "as_of_text": say_date(inputs.as_of, weekday=True),
        "is_simulated": state["is_simulated"],
        **build_top(state, section["sentence"] if section else ""),
        "sections": find_sections(
            {
                "layers": explanation,
                "positions": statement,
                "ledger": statement,
                "book": book,
                "valuation": statement,
                "context": surroundings,
                "calendar": state["calendar"],
            }
        ),
        "calendar": build_calendar_table(state["calendar"]),
        "calendar_bases": explain_bases(state["calendar"]),
        "layers": build_layers_section(explanation) if explanation else None,
        "positions": build_positions_section(statement) if statement else None,
        "book": build_book_section(book, state["next_session"]) if book else None,
        "ledger": section,
        "surroundings": surroundings,
        "charts": build_charts(inputs, sessions, state),
        "tables": {
            "contracts": build_contract_table(curve),
            "measures": build_measure_table(curve),
            "regime": build_regime_table(regime),
            "indices": build_index_table(curve),
            "futures_indices": build_futures_index_table(curve),
            **build_health_tables(health),
        },
        "health_parts": build_health_parts(health),
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
        "derived": [entry for entry in glossary if not entry["href"]],
        "kinds": [{"name": kind, "meaning": meaning} for kind, meaning in KINDS.items()],
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
    curve = build_curve(inputs, sessions)
    base = next((one for one in explanation["layers"] if one["layer"] == "base"), None) if explanation else None
    signals = {**hedge.signals, "next_fomc_minutes_basis": inputs.minutes_basis} if hedge else None
    timeline = hedge.timeline if hedge else ()
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": inputs.as_of.isoformat(),
        "is_simulated": run["market"] == "simulated",
        "policy_hash": to_plain(run.get("policy_hash")),
        "run_id": to_plain(run.get("run_id")),
        # Only there where the report is not of what is published, but of what was known at an instant.
        **({"known_at_utc": to_plain(run["known_at_utc"])} if run.get("known_at_utc") else {}),
        "curve": curve,
        "regime": build_regime(sessions),
        "layers": build_layer_states(explanation) if explanation else [],
        "governor": build_governor_state(explanation) if explanation else None,
        "transitions": explanation["transitions"] if explanation else [],
        **{name: statement[name] if statement else absent for name, absent in STATEMENT_PARTS.items()},
        "book": build_book_state(inputs.book) if inputs.book else None,
        "book_note": None if inputs.book else to_plain(inputs.book_note),
        "context": build_context_state(hedge.signals, hedge.gaps) if hedge else None,
        "since_yesterday": build_since_yesterday(sessions, timeline, curve, statement, len(inputs.revisions)),
        "next_changes": build_next_changes(explanation) if explanation else [],
        "calendar": build_calendar(inputs.as_of, curve, signals, base, inputs.upcoming),
        "data_health": {
            **build_data_health(inputs, sessions[-1]),
            **({"known": to_plain(run["known_sentence"])} if run.get("known_sentence") else {}),
        },
        "provenance": {
            **{name: to_plain(run.get(name)) for name in PROVENANCE_FIELDS},
            "package_versions": to_plain(dict(sorted((run.get("package_versions") or {}).items()))),
            "parameters": to_plain(run.get("parameters") or {}),
        },
    }


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
