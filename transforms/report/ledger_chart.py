"""The chart of the ledger: what protection cost against what credits paid, and P&L by layer, accumulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from transforms.page.drawing import (
    THEME,
    head_axes,
    mark_months,
    mark_years,
    say_dollars,
    style_for,
    to_inline_svg,
)
from transforms.page.text import say_date
from transforms.page.ticks import add_plain_axes, print_ticks
from transforms.statement.words import LAYER_TITLES, say_usd

MOST_POINTS = 420
"""Points of a line: more would weigh on the page and not be seen."""

_MONEY: tuple[tuple[str, str, str, Any], ...] = (
    ("protection_cost", "cost of protection", "protection", "-"),
    ("credit_kept", "credits kept", "kept", (0, (5, 1.6))),
    ("credit_received", "credits received", "received", (0, (1.4, 1.6))),
)
_LAYERS: tuple[tuple[str, str, Any, float], ...] = (
    ("portfolio", "portfolio", "-", 2.0),
    ("base", "base", (0, (5, 1.6)), 1.3),
    ("temporal_vega", "temporal", (0, (7, 2, 1.5, 2)), 1.3),
    ("second_engine", "engine", (0, (1.4, 1.6)), 1.5),
)
_YEARS_FROM = 700
"""From so many sessions on the axis of time has years instead of months."""


def build_ledger_chart(history: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chart's title, its words and its points, thinned out to what can be seen.

    Parameters
    ----------
    history
        As :func:`transforms.statement.ledger.build_ledger_history` returns it.
    """
    count = len(history["days"])
    step = max(1, -(-count // MOST_POINTS))
    # counted from the end, so that the newest session is always there
    kept = list(range((count - 1) % step, count, step))

    def thin(values: Sequence[Any]) -> list[Any]:
        return [values[place] for place in kept]

    totals = {name: history[name][-1] for name, *_ in _MONEY}
    pnl = {layer: values[-1] for layer, values in history["pnl"].items()}
    since = say_date(history["days"][0])
    cost, credit = totals["protection_cost"], say_usd(totals["credit_kept"])
    protection = f"protection {'cost' if cost >= 0 else 'gained'} {say_usd(abs(cost))}"
    words = [f"{label} {say_usd(totals[name])}" for name, label, *_ in _MONEY]
    layers = [f"{LAYER_TITLES[layer]} {say_usd(value)}" for layer, value in pnl.items()]
    return {
        "title": f"Since {since}: {protection}, credits kept were {credit}, P&L {say_usd(pnl['portfolio'])}",
        "description": f"Accumulated since {since}, dollars: {', '.join(words)}. P&L: {', '.join(layers)}.",
        "sessions": [{"trade_date": day} for day in thin(history["days"])],
        "is_in_years": count >= _YEARS_FROM,
        **{name: thin(history[name]) for name, *_ in _MONEY},
        "pnl": {layer: thin(values) for layer, values in history["pnl"].items()},
    }


def draw_ledger_chart(chart: Mapping[str, Any], *, chart_id: str = "ledger", is_compact: bool = False) -> str:
    """Draw cost and credits above, P&L by layer below, accumulated from the first session.

    Parameters
    ----------
    chart
        As :func:`build_ledger_chart` returns it.
    chart_id, is_compact
        As for :func:`transforms.report.curve_chart.draw_curve_chart`.
    """
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1, 5.4) if is_compact else (10.4, 5.0))
        left, width = (0.15, 0.83) if is_compact else (0.065, 0.925)
        top = add_plain_axes(figure, (left, 0.555, width, 0.325) if is_compact else (left, 0.565, width, 0.36))
        bottom = add_plain_axes(
            figure, (left, 0.055, width, 0.325) if is_compact else (left, 0.06, width, 0.385), above=top
        )
        places = list(range(len(chart["sessions"])))
        for axes in (top, bottom):
            axes.axhline(0, color=THEME["muted"], linewidth=0.8)
            axes.yaxis.set_major_formatter(FuncFormatter(say_dollars))
        for name, label, role, dash in _MONEY:
            axes_style: dict[str, Any] = {"color": THEME[role], "linestyle": dash, "linewidth": 1.6}
            top.plot(places, chart[name], label=label, **axes_style)
        for layer, role, dash, thickness in _LAYERS:
            label = LAYER_TITLES[layer].lower()
            bottom.plot(
                places, chart["pnl"][layer], label=label, color=THEME[role], linestyle=dash, linewidth=thickness
            )
        head_axes(top, "Accumulated, $", is_compact)
        head_axes(bottom, "P&L, accumulated, $", is_compact)
        if chart["is_in_years"]:
            mark_years(bottom, chart["sessions"], is_compact)
        else:
            mark_months(bottom, chart["sessions"], is_compact)
        top.set_xlim(-0.5, max(len(places), 2) - 0.5)
        print_ticks(top, has_labels_below=False)
        print_ticks(bottom)
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])
