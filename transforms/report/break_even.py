"""From which VIX on the layers gain, beside where VIX and VX1 stand: sentences, and a chart of the break-evens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from transforms.page.drawing import THEME, say_tick, set_ticks, style_for, to_inline_svg
from transforms.page.text import say_number
from transforms.page.ticks import add_plain_axes, print_ticks
from transforms.statement.ledger import ROWS
from transforms.statement.words import LAYER_TITLES

_HORIZONS = (("30d", "in 30 days", "o"), ("expiry", "at the nearest settlement", "s"))
"""Part of the column's name, words, marker."""


def say_break_evens(valuation: Mapping[str, Any], vix: float | None) -> list[str]:
    """Return one sentence a layer: what it needs of VIX, and how far that is from today's close.

    Parameters
    ----------
    valuation
        ``valuation`` of ``hedge-state.json``.
    vix
        VIX close of the session, points; None where it is not published.
    """
    said = []
    for row in _in_order(valuation):
        words = [
            f"{when} it {row.get(f'break_even_{name}_words') or 'is not evaluable'}"
            f"{_say_away(row.get(f'break_even_{name}_vix_pts'), vix)}"
            for name, when, _ in _HORIZONS
        ]
        # a layer that holds nothing says so once
        texts = {row.get(f"break_even_{name}_words") for name, *_ in _HORIZONS}
        if len(texts) == 1 and row.get("break_even_30d_vix_pts") is None:
            words = [str(texts.pop() or "not evaluable")]
        said.append(f"{LAYER_TITLES[row['layer']]}: {'; '.join(words)}.")
    return said


def _in_order(valuation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The layers as everywhere on the page, all of them together last."""
    return sorted(valuation["layers"], key=lambda row: ROWS.index(row["layer"]))


def _say_away(value: float | None, vix: float | None) -> str:
    if value is None or vix is None:
        return ""
    return f" ({say_number(value - vix, 'pts', signed=True)} from VIX)"


def build_break_even_chart(valuation: Mapping[str, Any], vix: float | None, vx1: float | None) -> dict[str, Any] | None:
    """Return the chart of the break-evens; None where no layer has one.

    Parameters
    ----------
    valuation
        ``valuation`` of ``hedge-state.json``.
    vix, vx1
        Close and front settlement of the session, VIX points; None where not published.
    """
    rows: list[dict[str, Any]] = [
        {
            "name": LAYER_TITLES[row["layer"]],
            "points": [row.get(f"break_even_{name}_vix_pts") for name, *_ in _HORIZONS],
            "words": [str(row.get(f"break_even_{name}_words") or "") for name, *_ in _HORIZONS],
        }
        for row in _in_order(valuation)
    ]
    known = [row for row in rows if any(value is not None for value in row["points"])]
    if not known:
        return None
    whole = known[-1]
    place = next(place for place, value in enumerate(whole["points"]) if value is not None)
    away = _say_away(whole["points"][place], vix)
    marks = [
        f"{row['name']} {when} {value:.2f}"
        for row in known
        for value, (_, when, _) in zip(row["points"], _HORIZONS, strict=True)
        if value is not None
    ]
    today = ", ".join(
        f"{name} {say_number(value, 'pts')}" for name, value in (("VIX", vix), ("VX1", vx1)) if value is not None
    )
    return {
        "title": f"{whole['name']} {_HORIZONS[place][1]}: {whole['words'][place]}{away}",
        "description": f"Break-even VIX: {', '.join(marks)}. Today: {today or 'not published'}.",
        "rows": known,
        "vix": vix,
        "vx1": vx1,
    }


def draw_break_even_chart(chart: Mapping[str, Any], *, chart_id: str = "break_even", is_compact: bool = False) -> str:
    """Draw the break-even VIX of each layer at both horizons, with VIX (dashed) and VX1 (dotted) of the session."""
    rows = chart["rows"]
    height = 0.85 + 0.3 * len(rows) + (0.2 if is_compact else 0)
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1 if is_compact else 10.4, height))
        head = 0.5 if is_compact else 0.32
        box = (0.27, 0.33 / height, 0.69, (height - 0.33 - head) / height)
        axes = add_plain_axes(figure, box if is_compact else (0.115, box[1], 0.865, box[3]))
        heights = range(len(rows) - 1, -1, -1)
        for place, (_, when, marker) in enumerate(_HORIZONS):
            found = [(row["points"][place], level) for row, level in zip(rows, heights, strict=True)]
            points = [(value, level) for value, level in found if value is not None]
            axes.plot(
                [value for value, _ in points],
                [level + (0.13 if place == 0 else -0.13) for _, level in points],
                linestyle="none",
                marker=marker,
                markersize=6,
                markerfacecolor=THEME["now"] if place == 0 else THEME["surface"],
                markeredgecolor=THEME["now"],
                label=f"break-even {when}",
            )
        today = ((chart["vix"], "VIX today", "vix", (0, (5, 2))), (chart["vx1"], "VX1 today", "vx1", (0, (1.4, 1.6))))
        for level, label, role, dash in today:
            if level is not None:
                axes.axvline(level, color=THEME[role], linestyle=dash, linewidth=1.4, label=label)
        values = [value for row in rows for value in row["points"] if value is not None]
        values += [level for level, *_ in today if level is not None]
        margin = max(0.08 * (max(values) - min(values)), 0.5)
        axes.set_xlim(min(values) - margin, max(values) + margin)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        set_ticks(axes.yaxis, list(heights), [row["name"] for row in rows])
        axes.xaxis.set_major_locator(MaxNLocator(5 if is_compact else 10))
        axes.xaxis.set_major_formatter(FuncFormatter(say_tick))
        axes.set_title("VIX points", loc="left", color=THEME["muted"], fontsize=9, pad=5, x=-0.37 if is_compact else 0)
        figure.legend(
            loc="upper right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=2 if is_compact else 4,
            frameon=False,
            fontsize=9,
            labelcolor=THEME["ink"],
            handlelength=2.0,
            columnspacing=1.2,
            labelspacing=0.15,
            borderaxespad=0.1,
        )
        print_ticks(axes, grid="x")
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])
