"""Drawings of a sweep, as those of the report: SVG that takes its colours from the page (decision 0008)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from transforms.page.drawing import THEME, dress, mark_lone_values, style_for, to_inline_svg, to_nan
from transforms.sweep_report.words import say_measure, say_value

_GAIN, _LOSS = THEME["base"], THEME["temporal"]
_MOST_TEXT_COLUMNS = {True: 10, False: 24}
"""Cells of a wider map are coloured only; their numbers are in the JSON."""


def draw_heat_map(heat_map: Mapping[str, Any], *, chart_id: str, is_compact: bool = False) -> str:
    """Draw a map of `transforms.sweep.maps.build_map`: blue above zero, red below, deeper the further away.

    Parameters
    ----------
    heat_map
        The map, with a ``title``.
    chart_id
        As for the charts of the report.
    is_compact
        Draw for a phone.
    """
    rows, columns, cells = heat_map["rows"]["values"], heat_map["columns"]["values"], heat_map["cells"]
    levels = [abs(cell["median"]) for line in cells for cell in line if cell["median"] is not None]
    largest = max(levels, default=0.0)
    width = 4.1 if is_compact else 10.4
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(width, 0.95 + (0.34 if is_compact else 0.36) * len(rows)))
        height = figure.get_size_inches()[1]
        left = 0.17 if is_compact else 0.085
        axes = figure.add_axes((left, 0.55 / height, 0.99 - left, 1 - 0.90 / height))
        dress(axes)
        axes.grid(visible=False)
        has_text = len(columns) <= _MOST_TEXT_COLUMNS[is_compact]
        for y, line in enumerate(cells):
            for x, cell in enumerate(line):
                _draw_cell(axes, x, y, cell["median"], largest, heat_map["measure"], has_text, is_compact)
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(-0.5, len(rows) - 0.5)
        every = math.ceil(len(columns) / (10 if is_compact else 24))
        axes.set_xticks(range(0, len(columns), every), [_label(value, is_compact) for value in columns[::every]])
        axes.set_yticks(range(len(rows)), [_label(value, is_compact) for value in rows])
        axes.set_xlabel(heat_map["columns"]["name"], color=THEME["muted"], fontsize=9)
        axes.set_title(heat_map["rows"]["name"], loc="left", color=THEME["muted"], fontsize=9, pad=5)
        return to_inline_svg(figure, chart_id, heat_map["title"], _describe_map(heat_map))


def draw_decay(walk: Mapping[str, Any], *, objective: str, chart_id: str, is_compact: bool = False) -> str:
    """Draw each year's winner on the past, what it scored afterwards, and the policy in the middle then.

    Parameters
    ----------
    walk
        Of `transforms.sweep.walk_forward.walk_forward`, with at least one cut, and a ``title``.
    objective
        What was chosen by.
    """
    cuts = walk["cuts"]
    years = [cut["chosen_to"] for cut in cuts]
    lines: tuple[tuple[str, str, str, Any, str], ...] = (
        ("best_inside", "winner, on the years it was chosen by", "day", (0, (5, 2)), "s"),
        ("best_outside", "winner, on the years after", "now", "-", "o"),
        ("median_outside", "policy in the middle, on the years after", "week", (0, (2, 1.6)), "^"),
    )
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1, 3.9) if is_compact else (10.4, 3.6))
        axes = figure.add_axes((0.15, 0.12, 0.83, 0.60) if is_compact else (0.07, 0.13, 0.92, 0.72))
        dress(axes)
        scale = 100.0 if objective.endswith("_frac") else 1.0
        for name, label, role, dash, marker in lines:
            values = [scale * to_nan(cut[name]) for cut in cuts]
            axes.plot(
                years,
                values,
                color=THEME[role],
                linestyle=dash,
                linewidth=1.8,
                marker=marker,
                markersize=4,
                markerfacecolor=THEME["surface"],
                markeredgecolor=THEME[role],
                label=label,
            )
            if len(values) > 1:
                mark_lone_values(axes, values, THEME[role])
        axes.axhline(0, color=THEME["ink"], linewidth=0.9)
        every = math.ceil(len(years) / (7 if is_compact else 22))
        axes.set_xticks(years[::every], [str(year) for year in years[::every]])
        axes.set_xlabel("last year that the choice looked at", color=THEME["muted"], fontsize=9)
        figure.legend(
            loc="upper left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=1 if is_compact else 3,
            frameon=False,
            fontsize=9,
            labelcolor=THEME["ink"],
            handlelength=2.6,
            columnspacing=1.4,
            borderaxespad=0.1,
        )
        axes.set_title(say_measure(objective), loc="left", color=THEME["muted"], fontsize=9, pad=5)
        title = walk["title"]
        return to_inline_svg(figure, chart_id, title, f"{title}, by year of the choice, {years[0]} to {years[-1]}.")


def _draw_cell(
    axes: Any, x: int, y: int, value: float | None, largest: float, measure: str, has_text: bool, is_compact: bool
) -> None:
    depth = 0.0 if value is None or largest == 0 else 0.07 + 0.58 * abs(value) / largest
    color = _GAIN if value is not None and value >= 0 else _LOSS
    axes.add_patch(Rectangle((x - 0.47, y - 0.45), 0.94, 0.90, facecolor=color, alpha=depth, linewidth=0))
    if has_text:
        text = "none" if value is None else say_value(measure, value, has_unit=False)
        axes.text(x, y, text, ha="center", va="center", color=THEME["ink"], fontsize=7.0 if is_compact else 9.0)


def _label(value: float | str, is_compact: bool) -> str:
    if isinstance(value, str):
        return value.replace("_", "\n") if is_compact else value.replace("_", " ")
    return f"{value:g}"


def _describe_map(heat_map: Mapping[str, Any]) -> str:
    rows: Sequence[Any] = heat_map["rows"]["values"]
    columns: Sequence[Any] = heat_map["columns"]["values"]
    known = [
        (cell["median"], row, column)
        for row, line in zip(rows, heat_map["cells"], strict=True)
        for column, cell in zip(columns, line, strict=True)
        if cell["median"] is not None
    ]
    if not known:
        return "No cell has a result."
    low, high = min(known, key=lambda one: one[0]), max(known, key=lambda one: one[0])
    names = heat_map["rows"]["name"], heat_map["columns"]["name"]
    said = [
        f"{say_value(heat_map['measure'], value)} at {names[0]} {row}, {names[1]} {column}"
        for value, row, column in (low, high)
    ]
    return f"{len(rows)} by {len(columns)} cells, from {said[0]} to {said[1]}."
