"""The audit's charts as inline SVG, in the colours of the page: lines along time, episodes, intervals.

Everything is told apart without colour too: by dash, shape, filling or place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from transforms.page.drawing import (
    THEME,
    dress,
    head_axes,
    mark_lone_values,
    mark_months,
    mark_years,
    say_nothing_published,
    say_tick,
    style_for,
    to_inline_svg,
)

WIDE, COMPACT = 10.4, 4.1
"""Inches, as the charts of the nightly page."""
FEW_MONTHS = 36
"""Up to so many month ends the axis of time has months, else years."""
LONGEST_LABEL = {False: 30, True: 21}
_MARKS = (("now", "o", True), ("day", "s", False))
"""Role, shape and filling of a row's first and second mark."""


def draw_paths(chart: Mapping[str, Any], *, chart_id: str, is_compact: bool = False) -> str:
    """Draw panels of lines along time, one below the other.

    Parameters
    ----------
    chart
        See :mod:`transforms.audit_report.paths`.
    chart_id
        Prefix of every identifier in the drawing; two charts of one page need two.
    is_compact
        Draw for a phone.
    """
    panels = chart["panels"]
    with mpl.rc_context(style_for(chart_id)):
        each = 2.55 if is_compact else 2.5
        height = each * len(panels) + 0.3
        figure = Figure(figsize=(COMPACT if is_compact else WIDE, height))
        left, width = (0.125, 0.855) if is_compact else (0.055, 0.935)
        head = 0.62 if is_compact else 0.32
        places = list(range(len(chart["sessions"])))
        for number, panel in enumerate(panels):
            bottom = height - each * (number + 1) + 0.05
            axes = figure.add_axes((left, bottom / height, width, (each - head - 0.22) / height))
            dress(axes)
            axes.yaxis.set_major_formatter(FuncFormatter(say_tick))
            axes.yaxis.set_major_locator(MaxNLocator(5))
            drawn = False
            for line in panel["lines"]:
                color = THEME[line["role"]]
                drawn = drawn or any(not math.isnan(value) for value in line["values"])
                axes.plot(
                    places, line["values"], label=line["label"], color=color, linestyle=line["dash"], linewidth=1.6
                )
                mark_lone_values(axes, line["values"], color)
            head_axes(axes, panel["title"], is_compact, has_legend=drawn)
            if drawn:
                axes.axhline(0, color=THEME["muted"], linewidth=0.8)
            else:
                say_nothing_published(axes)
                axes.set_yticks([])
            if not chart["sessions"]:
                axes.set_xticks([])
            elif len(chart["sessions"]) <= FEW_MONTHS:
                mark_months(axes, chart["sessions"], is_compact)
            else:
                mark_years(axes, chart["sessions"], is_compact)
            axes.set_xlim(-0.5, max(len(places), 2) - 0.5)
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])


def draw_episodes(chart: Mapping[str, Any], *, chart_id: str, is_compact: bool = False) -> str:
    """Draw a stem an episode at its first session, its P&L as height and its length as the size of the dot."""
    episodes = [one for one in chart["episodes"] if not math.isnan(one["percent"])]
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(COMPACT if is_compact else WIDE, 3.3))
        axes = figure.add_axes((0.125, 0.085, 0.855, 0.79) if is_compact else (0.055, 0.085, 0.935, 0.81))
        dress(axes)
        axes.yaxis.set_major_formatter(FuncFormatter(say_tick))
        title = "P&L by episode, % of NAV; area of a dot: sessions"
        axes.set_title(title, loc="left", color=THEME["muted"], fontsize=9, pad=5)
        if not episodes:
            say_nothing_published(axes)
            axes.set_yticks([])
            axes.set_xticks([])
            return to_inline_svg(figure, chart_id, chart["title"], chart["description"])
        axes.axhline(0, color=THEME["muted"], linewidth=0.8)
        for is_loss, role, is_filled in ((True, "protection", False), (False, "kept", True)):
            chosen = [one for one in episodes if (one["percent"] < 0) is is_loss]
            days, heights = [_to_year(one["start_date"]) for one in chosen], [one["percent"] for one in chosen]
            areas = [(3.0 + 0.9 * math.sqrt(one["sessions"] or 0)) ** 2 for one in chosen]
            color = THEME[role]
            axes.vlines(days, 0, heights, color=color, linewidth=0.9)
            face = color if is_filled else THEME["surface"]
            axes.scatter(days, heights, s=areas, facecolors=face, edgecolors=color, linewidths=1.1, zorder=3)
        days = [_to_year(one["start_date"]) for one in episodes]
        first, last = math.floor(min(days)), math.ceil(max(days))
        step = max(1, -(-(last - first) // (6 if is_compact else 14)))
        years = list(range(first, last + 1, step))
        axes.set_xticks(years, [str(year) for year in years])
        axes.set_xlim(min(days) - 0.3, max(days) + 0.3 + 0.02 * (last - first))
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])


def draw_forest(chart: Mapping[str, Any], *, chart_id: str, is_compact: bool = False) -> str:
    """Draw estimates as dots on their intervals, a row a label; panels side by side, on a phone one below the other.

    A mark without interval is a dot alone; a mark without value is nothing.
    """
    panels = [panel for panel in chart["panels"] if not (is_compact and panel.get("is_wide_only"))]
    counts = [len(panel.get("labels", chart["labels"])) for panel in panels]
    row, foot, head = (0.25 if len(chart["marks"]) == 1 else 0.3), 0.34, 0.34
    legend = (0.22 * len(chart["marks"]) if is_compact else 0.26) if len(chart["marks"]) > 1 else 0.0
    inner = [max(row * count, 0.6) for count in counts] or [0.6]
    heights = inner if is_compact else [max(inner)]
    height = sum(heights) + (foot + head) * len(heights) + legend
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(COMPACT if is_compact else WIDE, height))
        top = height - legend
        for place, panel in enumerate(panels):
            has_own_labels = place == 0 or "labels" in panel or is_compact
            if is_compact:
                box = (0.375, (top - head - inner[place]) / height, 0.6, inner[place] / height)
                top -= head + inner[place] + foot
            else:
                box = _place_beside(panels, place, (top - head - inner[place]) / height, inner[place] / height)
            labels = panel.get("labels", chart["labels"])
            _draw_panel(figure.add_axes(box), panel, labels if has_own_labels else None, chart, is_compact)
        if len(chart["marks"]) > 1:
            _explain_marks(figure, chart["marks"], is_compact)
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])


def _place_beside(
    panels: Sequence[Mapping[str, Any]], place: int, bottom: float, height: float
) -> tuple[float, float, float, float]:
    """Return the box of a panel in a wide figure: labels left of the first, and left of one with its own."""
    label = 0.185
    own = [number == 0 or "labels" in panel for number, panel in enumerate(panels)]
    room = (0.99 - label * sum(own) - 0.03 * (len(panels) - sum(own))) / len(panels)
    left = sum((label if own[number] else 0.03) for number in range(place + 1)) + room * place
    return left, bottom, room, height


def _draw_panel(
    axes: Axes, panel: Mapping[str, Any], labels: Sequence[str] | None, chart: Mapping[str, Any], is_compact: bool
) -> None:
    dress(axes)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=THEME["grid"], linewidth=0.8)
    axes.set_title(panel["title"], loc="left", color=THEME["muted"], fontsize=9, pad=5)
    rows = panel["rows"]
    if not any(mark is not None and mark[0] is not None for row in rows for mark in row):
        say_nothing_published(axes)
        axes.set_yticks([])
        axes.set_xticks([])
        return
    axes.axvline(0, color=THEME["muted"], linewidth=0.9)
    strong = None if "labels" in panel else chart["strong"]
    for number in range(max(len(row) for row in rows)):
        known = [(place, row[number]) for place, row in enumerate(rows) if len(row) > number]
        marks = [(place, mark) for place, mark in known if mark is not None and mark[0] is not None]
        shift = 0.0 if len(rows[0]) == 1 else 0.2 if number else -0.2
        for is_strong in (False, True):
            chosen = [(place + shift, mark) for place, mark in marks if (place == strong) is is_strong]
            _draw_marks(axes, chosen, number, is_strong=is_strong)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(say_tick))
    axes.xaxis.set_major_locator(MaxNLocator(4 if is_compact else 6))
    if labels is None:
        axes.set_yticks([])
        return
    axes.set_yticks(range(len(labels)), [shorten(label, LONGEST_LABEL[is_compact]) for label in labels])
    for place, text in enumerate(axes.get_yticklabels()):
        text.set_color(THEME["ink"])
        if "labels" not in panel and chart["strong"] == place:
            text.set_fontweight("bold")


def _draw_marks(
    axes: Axes,
    marks: Sequence[tuple[float, tuple[float, float | None, float | None]]],
    number: int,
    *,
    is_strong: bool,
) -> None:
    """Draw dots on their intervals at heights; those of the judged row stand out by shape, width and colour."""
    role, shape, is_filled = _MARKS[number % len(_MARKS)]
    color = THEME["temporal" if is_strong else role]
    ranges = [(height, low, high) for height, (_, low, high) in marks if low is not None and high is not None]
    if ranges:
        heights, lows, highs = zip(*ranges, strict=True)
        axes.hlines(heights, lows, highs, color=color, linewidth=2.4 if is_strong else 1.5)
    axes.plot(
        [value for _, (value, _, _) in marks],
        [height for height, _ in marks],
        linestyle="none",
        marker="D" if is_strong else shape,
        markersize=5.5 if is_strong else 4.6,
        markerfacecolor=color if is_filled else THEME["surface"],
        markeredgecolor=color,
        markeredgewidth=1.1,
    )


def shorten(text: str, longest: int) -> str:
    """Return a label cut to what its place has room for."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _explain_marks(figure: Figure, marks: Sequence[str], is_compact: bool) -> None:
    handles = [
        mpl.lines.Line2D(
            [],
            [],
            color=THEME[role],
            linewidth=1.5,
            marker=shape,
            markersize=4.6,
            markerfacecolor=THEME[role] if is_filled else THEME["surface"],
            markeredgecolor=THEME[role],
            label=words,
        )
        for words, (role, shape, is_filled) in zip(marks, _MARKS, strict=False)
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=1 if is_compact else 2,
        frameon=False,
        fontsize=9,
        labelcolor=THEME["ink"],
        borderaxespad=0.0,
        borderpad=0.0,
    )


def _to_year(day: str) -> float:
    found = date.fromisoformat(day)
    return found.year + (found.timetuple().tm_yday - 1) / 365.25
