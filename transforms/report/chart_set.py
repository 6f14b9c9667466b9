"""All charts of the page: their titles, points and words; and which drawing draws which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.page.templating import Draw
from transforms.page.text import to_number
from transforms.report.band import compute_curve_band
from transforms.report.break_even import build_break_even_chart, draw_break_even_chart
from transforms.report.charts import draw_history_chart, draw_layers_chart
from transforms.report.curve import Session, build_history
from transforms.report.curve_chart import build_curve_chart, draw_curve_chart
from transforms.report.findings import describe_history, find_history_title
from transforms.report.funding_charts import (
    build_budget_chart,
    build_months_chart,
    build_ratio_chart,
    draw_budget_chart,
    draw_months_chart,
    draw_ratio_chart,
)
from transforms.report.inputs import ReportInputs
from transforms.report.layers import build_layers_chart
from transforms.report.ledger_chart import build_ledger_chart, draw_ledger_chart
from transforms.statement.ledger import build_ledger_history

DRAWINGS: dict[str, Draw] = {
    "layers": draw_layers_chart,
    "budget": draw_budget_chart,
    "ratio": draw_ratio_chart,
    "months": draw_months_chart,
    "ledger": draw_ledger_chart,
    "break_even": draw_break_even_chart,
    "curve": draw_curve_chart,
    "history": draw_history_chart,
}
EDGE_PARAMETERS = ("curve_flat_from_frac", "curve_contango_from_frac", "curve_steep_from_frac")
"""Parameters of the run whose values the history chart draws as edges of the curve states."""


def build_charts(inputs: ReportInputs, sessions: list[Session], state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the charts that this warehouse has data for, by name.

    Parameters
    ----------
    inputs
        What the report is made from.
    sessions
        Rows of the term structure that are shown.
    state
        The document of ``hedge-state.json``.
    """
    curve, regime = state["curve"], state["regime"]
    history = build_history(sessions)
    parameters = inputs.run.get("parameters") or {}
    edges = [to_number(parameters.get(name)) for name in EDGE_PARAMETERS]
    return {
        "curve": build_curve_chart(curve, regime, compute_curve_band(inputs.term_structure)),
        "history": {
            "title": find_history_title(regime),
            "description": describe_history(history),
            "sessions": history,
            "edges": [edge for edge in edges if edge is not None],
        },
        **_build_timeline(inputs),
        **_build_ledger(inputs, state),
    }


def _build_ledger(inputs: ReportInputs, state: Mapping[str, Any]) -> dict[str, Any]:
    if inputs.statement is None:
        return {}
    vix, vx1 = state["curve"]["vix_close_pts"], state["curve"]["contracts"][0]["settle_pts"]
    even = build_break_even_chart(state["valuation"], vix, vx1) if state["valuation"] else None
    months = state["funding"]["months"]
    return {
        "ledger": build_ledger_chart(build_ledger_history(inputs.statement)),
        "budget": build_budget_chart(state["funding"]),
        "ratio": build_ratio_chart(months),
        "months": build_months_chart(months),
        **({"break_even": even} if even else {}),
    }


def _build_timeline(inputs: ReportInputs) -> dict[str, Any]:
    hedge = inputs.hedge
    if hedge is None or not hedge.timeline:
        return {}
    names = {"arm_vix_pts": "arms", "full_vix_pts": "full", "leave_vix_pts": "leaves"}
    levels = {word: hedge.number(name) for name, word in names.items()}
    known = {word: level for word, level in levels.items() if level is not None}
    return {"layers": build_layers_chart(hedge.timeline, known)}
