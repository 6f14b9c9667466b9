"""Charts along the sessions: VIX, contango and regime; and the states of the layers.

Inline SVG that takes its colours and fonts from the page around it.

Matplotlib draws in sentinel colours, which are then replaced by CSS variables: one drawing serves the
light page, the dark page and paper. Text stays text, identifiers are derived from the chart's own
name and no date is written, so the same numbers give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from transforms.page.drawing import (
    THEME,
    find_runs,
    mark_lone_values,
    mark_months,
    or_zero,
    say_nothing_published,
    set_ticks,
    style_for,
    to_inline_svg,
    to_nan,
)
from transforms.page.ticks import add_plain_axes, print_ticks
from transforms.report.curve import REGIMES

_REGIME_ROLES = {"contango": "contango-regime"}
_DASHED: Any = (0, (4, 1.4))


def draw_history_chart(chart: Mapping[str, Any], *, chart_id: str = "history", is_compact: bool = False) -> str:
    """Draw VIX and VX1 in points, contango in per cent and the regime in lanes, one column a session.

    Parameters
    ----------
    chart
        ``title``, ``description``, ``edges`` (contango edges of the regimes as fractions, may be
        empty) and ``sessions``: ``trade_date``, ``vix_close_pts``, ``vx1_settle_pts``,
        ``contango_frac``, ``curve_regime``. Missing values leave a gap.
    chart_id, is_compact
        As for :func:`transforms.report.curve_chart.draw_curve_chart`.
    """
    sessions = chart["sessions"]
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1, 5.0) if is_compact else (10.4, 5.2))
        left, width = (0.15, 0.83) if is_compact else (0.085, 0.905)
        top = add_plain_axes(figure, (left, 0.59, width, 0.345))
        middle = add_plain_axes(figure, (left, 0.295, width, 0.225), above=top)
        bottom = add_plain_axes(figure, (left, 0.055, width, 0.165), above=top)
        positions = list(range(len(sessions)))
        _draw_levels(top, positions, sessions, is_compact)
        _draw_contango(middle, positions, sessions, chart.get("edges", ()))
        _draw_regime_lanes(bottom, sessions, is_compact)
        mark_months(bottom, sessions, is_compact)
        top.set_xlim(-1, max(len(sessions), 2))
        for axes in (top, middle):
            print_ticks(axes, has_labels_below=False)
        print_ticks(bottom, grid="")
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])


def draw_layers_chart(chart: Mapping[str, Any], *, chart_id: str = "layers", is_compact: bool = False) -> str:
    """Draw VIX with the levels of the policy, and below it a lane a layer: idle, armed, blocked or active.

    Parameters
    ----------
    chart
        ``title``, ``description``, ``levels`` (pairs of word and VIX level) and ``sessions``: ``trade_date``,
        ``vix_close_pts``, ``base``, ``temporal_vega``, ``second_engine``, ``temporal_steps``, ``governor_mode``.
    chart_id, is_compact
        As for :func:`transforms.report.curve_chart.draw_curve_chart`.
    """
    sessions = chart["sessions"]
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1, 3.9) if is_compact else (10.4, 3.5))
        left, width = (0.15, 0.83) if is_compact else (0.085, 0.905)
        top = add_plain_axes(figure, (left, 0.57, width, 0.355) if is_compact else (left, 0.55, width, 0.375))
        bottom = add_plain_axes(
            figure, (left, 0.075, width, 0.385) if is_compact else (left, 0.08, width, 0.385), above=top
        )
        positions = list(range(len(sessions)))
        vix = [to_nan(session["vix_close_pts"]) for session in sessions]
        near = [(word, level) for word, level in chart["levels"] if level <= 1.25 * max([*vix, 20.0], key=or_zero)]
        words = ", ".join(f"{word} {level:g}" for word, level in sorted(near, key=lambda one: float(one[1])))
        words = f"; dotted: {words}" if words else ""
        top.set_title(f"VIX close, points{words}", loc="left", color=THEME["muted"], fontsize=9, pad=5)
        for _, level in near:
            top.axhline(level, color=THEME["muted"], linewidth=0.8, linestyle=(0, (1, 2.5)))
        top.plot(positions, vix, color=THEME["vix"], linewidth=1.4)
        mark_lone_values(top, vix, THEME["vix"])
        if all(math.isnan(value) for value in vix):
            say_nothing_published(top)
        _draw_state_lanes(bottom, sessions, is_compact)
        mark_months(bottom, sessions, is_compact)
        top.set_xlim(-1, max(len(sessions), 2))
        print_ticks(top, has_labels_below=False)
        print_ticks(bottom, grid="")
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])


_LANES = (("second_engine", "second engine", "2nd eng."), ("temporal_vega", "temporal vega", "temporal"),
          ("base", "base", "base"))  # fmt: skip


def _draw_state_lanes(axes: Axes, sessions: Sequence[Mapping[str, Any]], is_compact: bool) -> None:
    """Draw one lane a layer; the height tells active from armed or blocked without colour."""
    heights = {"armed": 0.22, "blocked": 0.22, "active": 0.7}
    for lane, (layer, _, _) in enumerate(_LANES, start=1):
        axes.axhline(lane - 0.36, color=THEME["grid"], linewidth=0.8, zorder=0)
        for state, height in heights.items():
            runs = find_runs([session[layer] == state for session in sessions])
            axes.broken_barh(
                [(start - 0.5, length) for start, length in runs],
                (lane - 0.36, height),
                facecolors=THEME[state],
                linewidth=0,
            )
    axes.axhline(-0.36, color=THEME["grid"], linewidth=0.8, zorder=0)
    runs = find_runs([session["governor_mode"] == "steward" for session in sessions])
    axes.broken_barh(
        [(start - 0.5, length) for start, length in runs], (-0.36, 0.45), facecolors=THEME["steward"], linewidth=0
    )
    axes.set_ylim(-0.5, len(_LANES) + 0.5)
    names = ["steward", *((short if is_compact else name) for _, name, short in _LANES)]
    set_ticks(axes.yaxis, range(len(names)), names)
    axes.legend(
        handles=[Patch(facecolor=THEME[state], label=state) for state in ("active", "armed", "blocked")],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=3,
        frameon=False,
        fontsize=9,
        labelcolor=THEME["ink"],
        borderaxespad=0.1,
        handlelength=1.1,
        handleheight=0.8,
        columnspacing=1.2,
    )


def _draw_levels(axes: Axes, positions: Sequence[int], sessions: Sequence[Mapping[str, Any]], is_compact: bool) -> None:
    vix = [to_nan(session["vix_close_pts"]) for session in sessions]
    vx1 = [to_nan(session["vx1_settle_pts"]) for session in sessions]
    axes.plot(positions, vx1, color=THEME["vx1"], linewidth=1.8, label="VX1 settlement")
    axes.plot(positions, vix, color=THEME["vix"], linewidth=1.4, linestyle=_DASHED, label="VIX close")
    mark_lone_values(axes, vx1, THEME["vx1"])
    mark_lone_values(axes, vix, THEME["vix"])
    axes.set_title("VIX points", loc="left", color=THEME["muted"], fontsize=9, pad=5)
    if all(math.isnan(value) for value in vix + vx1):
        say_nothing_published(axes)
        return
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize=9,
        labelcolor=THEME["ink"],
        borderaxespad=0.1,
        handlelength=1.6 if is_compact else 2.6,
        columnspacing=1.2,
    )


def _draw_contango(
    axes: Axes, positions: Sequence[int], sessions: Sequence[Mapping[str, Any]], edges: Sequence[float]
) -> None:
    percent = [100 * to_nan(session["contango_frac"]) for session in sessions]
    axes.set_title("Contango, VX2 over VX1, %", loc="left", color=THEME["muted"], fontsize=9, pad=5)
    published = [value for value in percent if not math.isnan(value)]
    if not published:
        say_nothing_published(axes)
        return
    low, high = min(0.0, *published), max(0.0, *published)
    for edge in edges:
        if low <= 100 * edge <= high and edge != 0:
            axes.axhline(100 * edge, color=THEME["muted"], linewidth=0.8, linestyle=(0, (1, 2.5)))
    axes.axhline(0, color=THEME["ink"], linewidth=0.9)
    axes.fill_between(positions, percent, 0, color=THEME["contango"], alpha=0.18, linewidth=0)
    axes.plot(positions, percent, color=THEME["contango"], linewidth=1.6)
    mark_lone_values(axes, percent, THEME["contango"])
    margin = max(0.08 * (high - low), 0.3)
    axes.set_ylim(low - margin, high + margin)


def _draw_regime_lanes(axes: Axes, sessions: Sequence[Mapping[str, Any]], is_compact: bool) -> None:
    """Draw one lane a regime, so that the regime is read from its place as well as from its colour."""
    axes.set_title("Curve regime", loc="left", color=THEME["muted"], fontsize=9, pad=5)
    for lane, regime in enumerate(REGIMES):
        axes.axhline(lane, color=THEME["grid"], linewidth=0.8, zorder=0)
        runs = find_runs([session["curve_regime"] == regime for session in sessions])
        axes.broken_barh(
            [(start - 0.5, length) for start, length in runs],
            (lane - 0.36, 0.72),
            facecolors=THEME[_REGIME_ROLES.get(regime, regime)],
            linewidth=0,
        )
    axes.set_ylim(-0.6, len(REGIMES) - 0.4)
    names = ["backw." if is_compact and name == "backwardation" else name for name in REGIMES]
    set_ticks(axes.yaxis, range(len(REGIMES)), names)
