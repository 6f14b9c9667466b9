"""What every chart of the page shares: colours that the page decides, axes, ticks, and the way to inline SVG.

Matplotlib draws in sentinel colours, which are then replaced by CSS variables: one drawing serves the
light page, the dark page and paper. Text stays text, identifiers are derived from the chart's own
name and no date is written, so the same numbers give the same bytes.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from transforms.page.text import say_month

THEME = {
    "ink": "#010101",
    "muted": "#020202",
    "grid": "#030303",
    "surface": "#040404",
    "now": "#050505",
    "day": "#060606",
    "week": "#070707",
    "month": "#080808",
    "vix": "#090909",
    "vx1": "#0a0a0a",
    "contango": "#0b0b0b",
    "backwardation": "#0c0c0c",
    "flat": "#0d0d0d",
    "contango-regime": "#0e0e0e",
    "steep": "#0f0f0f",
    "active": "#111111",
    "armed": "#121212",
    "blocked": "#131313",
    "steward": "#141414",
    "kept": "#151515",
    "received": "#161616",
    "protection": "#171717",
    "portfolio": "#181818",
    "base": "#191919",
    "temporal": "#1a1a1a",
    "engine": "#1b1b1b",
    "band": "#1c1c1c",
}
"""Role to sentinel colour; the page defines ``--chart-<role>`` for each."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "axes.unicode_minus": True,
    "path.simplify": False,
    # a dollar sign in a label is no formula
    "text.parse_math": False,
    # titles stay where they are put: looking for ticks in their way takes a sixth of the time of a drawing
    "axes.titley": 1.0,
    # also where no tick is made: from them follows how many have room
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


def style_for(chart_id: str) -> dict[str, Any]:
    """Return the settings a chart is drawn under: the same numbers give the same bytes, a dollar sign is no formula."""
    return {**STYLE, "svg.hashsalt": chart_id}


def set_ticks(axis: Axis, places: Sequence[float], labels: Sequence[str] | None = None) -> None:
    """Set where ticks are and what they say; unlike matplotlib's own way it makes none of them yet, and moves no limit.

    Axes that share this axis have the same.
    """
    axis.set_major_locator(FixedLocator(list(places)))
    if labels is not None:
        axis.set_major_formatter(FixedFormatter(list(labels)))


def mark_lone_values(axes: Axes, values: Sequence[float], color: str) -> None:
    """Draw a dot where a value stands between two gaps: a line through one point is invisible."""
    padded = [math.nan, *values, math.nan]
    for place, value in enumerate(values):
        is_lone = math.isnan(padded[place]) and math.isnan(padded[place + 2])
        if is_lone and not math.isnan(value):
            axes.plot([place], [value], color=color, marker=".", markersize=4.0)


def mark_months(axes: Axes, sessions: Sequence[Mapping[str, Any]], is_compact: bool) -> None:
    """Set a tick where a month begins, as many as there is room for."""
    firsts = [
        place
        for place, session in enumerate(sessions)
        if place == 0 or session["trade_date"][:7] != sessions[place - 1]["trade_date"][:7]
    ]
    room = max(1, len(sessions) // (12 if is_compact else 30))
    shown = [
        place
        for place, following in zip(firsts, [*firsts[1:], len(sessions)], strict=True)
        if following - place > room or place != 0
    ]
    shown = shown[:: max(1, math.ceil(len(shown) / (6 if is_compact else 18)))]
    set_ticks(axes.xaxis, shown, [say_month(sessions[place]["trade_date"]) for place in shown])


def mark_years(axes: Axes, sessions: Sequence[Mapping[str, Any]], is_compact: bool) -> None:
    """Set a tick where a year begins, as many as there is room for."""
    firsts = [
        place
        for place, session in enumerate(sessions)
        if place and session["trade_date"][:4] != sessions[place - 1]["trade_date"][:4]
    ]
    shown = firsts[:: max(1, -(-len(firsts) // (6 if is_compact else 14)))]
    set_ticks(axes.xaxis, shown, [sessions[place]["trade_date"][:4] for place in shown])


def head_axes(axes: Axes, title: str, is_compact: bool, *, columns: int = 4, has_legend: bool = True) -> None:
    """Write what axes measure above them, and what their lines are: on a phone below the title, else beside it.

    Parameters
    ----------
    columns
        Names in one line of the legend in a wide window; on a phone there are two.
    has_legend
        False where nothing is drawn.
    """
    lines = len(axes.get_legend_handles_labels()[1])
    pad = 5 + (13 * -(-lines // 2) if is_compact and has_legend else 0)
    axes.set_title(title, loc="left", color=THEME["muted"], fontsize=9, pad=pad)
    if has_legend:
        axes.legend(
            loc="lower left" if is_compact else "lower right",
            bbox_to_anchor=(-0.02, 0.99) if is_compact else (1.0, 1.0),
            ncols=2 if is_compact else columns,
            frameon=False,
            fontsize=9,
            labelcolor=THEME["ink"],
            borderaxespad=0.1,
            handlelength=2.6,
            columnspacing=1.2,
            labelspacing=0.15,
        )


def find_runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Return the runs of true flags as (first place, length)."""
    runs: list[tuple[int, int]] = []
    for place, flag in enumerate(flags):
        if not flag:
            continue
        if runs and sum(runs[-1]) == place:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((place, 1))
    return runs


def dress(axes: Axes) -> None:
    """Give axes the look of the page: no frame, quiet lines across."""
    clear_frame(axes)
    axes.grid(visible=True, axis="y", color=THEME["grid"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=THEME["muted"], labelsize=9, length=3, width=0.8)
    axes.tick_params(axis="y", length=0)


def clear_frame(axes: Axes) -> None:
    """Leave of the frame of axes the line below."""
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(THEME["muted"])
        spine.set_linewidth(0.8)


def say_nothing_published(axes: Axes) -> None:
    """Say in the middle that there is nothing to draw."""
    axes.text(
        0.5,
        0.5,
        "no value published",
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=THEME["muted"],
    )


def say_tick(value: float, _: object = None) -> str:
    """Return a tick with a true minus sign and no needless digits."""
    text = f"{abs(value):g}"
    return f"\N{MINUS SIGN}{text}" if value < 0 and text != "0" else text


def say_dollars(value: float, _: object = None) -> str:
    """Return a tick of an axis of dollars: ``250k``, ``1.5m``."""
    size = abs(value)
    text = f"{size / 1e6:g}m" if size >= 1e6 else f"{size / 1e3:g}k" if size >= 1e3 else f"{size:g}"
    return f"\N{MINUS SIGN}{text}" if value < 0 else text


def or_zero(value: float) -> float:
    """Return 0 for NaN: only to compare sizes, never to draw."""
    return 0.0 if math.isnan(value) else value


def to_nan(value: float | None) -> float:
    """Return NaN for a missing value, which leaves a gap in a line."""
    return math.nan if value is None else float(value)


def to_inline_svg(figure: Figure, chart_id: str, title: str, description: str) -> str:
    """Return a figure as one ``<svg>`` element that takes its colours and font from the page."""
    figure.patch.set_visible(False)
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    # The drawing's own style sheet would reach the whole page once inlined.
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r' id="', f' id="{chart_id}-', body)
    body = re.sub(r'href="#', f'href="#{chart_id}-', body)
    body = re.sub(r"url\(#", f"url(#{chart_id}-", body)
    # the family stands alone or, in older releases of the drawing library, inside the shorthand
    body = re.sub(r"\bfont: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    body = re.sub(r"font-family: [^;\"]*", "font-family: inherit", body)
    for role, sentinel in THEME.items():
        body = body.replace(sentinel, f"var(--chart-{role})")
    # a hundredth of a point is not seen, and weighs; numbers in a text are what it says and stay
    body = re.sub(r"<[^<>]+>", lambda tag: re.sub(r"(\.\d{2})\d+", r"\1", tag[0]), body)
    width, height = figure.get_size_inches() * 72
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'viewBox="0 0 {width:.1f} {height:.1f}" style="stroke-linejoin: round; stroke-linecap: butt" '
        f'aria-labelledby="{chart_id}-title {chart_id}-description">'
        f'<title id="{chart_id}-title">{escape(title)}</title>'
        f'<desc id="{chart_id}-description">{escape(description)}</desc>{body}</svg>'
    )
