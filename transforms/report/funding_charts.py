"""Funding in drawings: cost of a year inside its budget, self-funding ratio over time, cost and credit by month."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from transforms.page.drawing import (
    THEME,
    head_axes,
    mark_lone_values,
    mark_months,
    mark_years,
    say_dollars,
    say_nothing_published,
    say_tick,
    set_ticks,
    style_for,
    to_inline_svg,
    to_nan,
)
from transforms.page.text import say_count, say_month_of, say_number
from transforms.page.ticks import add_plain_axes, print_ticks
from transforms.statement.words import LAYER_TITLES, say_share, say_usd, say_yearly_cost

RATIO_SPAN = (-1.0, 3.0)
"""Lowest and highest ratio that is drawn at its height; what lies beyond is a triangle at the edge."""
BAR_MONTHS = {False: 36, True: 15}
"""Months of the bars, in a wide window and on a phone."""
_YEARS_FROM = 36
_ROLES = {"portfolio": "portfolio", "base": "base", "temporal_vega": "temporal", "second_engine": "engine"}


def build_budget_chart(funding: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gauge: yearly cost by layer with its band, and the budget.

    Parameters
    ----------
    funding
        ``funding`` of ``hedge-state.json``.
    """
    costs = list(reversed(funding["cost"]))
    low, high = funding["budget"]["lowest_frac"], funding["budget"]["highest_frac"]
    rows = [
        {
            "layer": one["layer"],
            "percent": _percent(one["cost_12m_frac"]),
            "low": _percent(one["cost_12m_at_low_vol_frac"]),
            "high": _percent(one["cost_12m_at_high_vol_frac"]),
        }
        for one in costs
    ]
    said = [
        f"{LAYER_TITLES[one['layer']]} {say_share(one['cost_12m_frac'])}"
        if one["cost_12m_frac"] is not None
        else f"{LAYER_TITLES[one['layer']]} not evaluable"
        for one in costs
    ]
    title = say_yearly_cost(costs[0])
    place = "" if "budget" in title else f"; the budget is {say_share(low)} to {say_share(high)} a year"
    return {
        "title": f"{title[:1].upper()}{title[1:]}{place}",
        "description": f"Cost of {say_count(costs[0]['sessions'], 'session')}, % of NAV: {', '.join(said)}. Budget "
        f"{say_share(low)} to {say_share(high)} a year. Negative: earned.",
        "rows": rows,
        "budget": [100 * low, 100 * high],
    }


def build_ratio_chart(months: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the self-funding ratio of 12 months at the end of each month, undefined where protection cost nothing."""
    ratios = [one["self_funding_ratio_12m"] for one in months]
    known = [value for value in ratios if value is not None]
    latest = ratios[-1]
    now = "undefined now" if latest is None else f"{say_number(latest, 'pts')} now"
    paid = sum(value >= 1 for value in known)
    counted = f"at least 1 at the end of {paid} of {say_count(len(months), 'month')}, undefined at {ratios.count(None)}"
    span = f"from {say_number(min(known), 'pts')} to {say_number(max(known), 'pts')}" if known else "never defined"
    return {
        "title": f"Self-funding ratio of 12 months: {now}; {counted}",
        "description": f"{say_count(len(months), 'month')} from {say_month_of(months[0]['month'])} to "
        f"{say_month_of(months[-1]['month'])}, {span}. 1 means that credits kept paid for the protection.",
        "note": "Undefined, and left out of the line: fewer than 12 months of history, or protection that cost nothing "
        "over the 12 months, so that nothing had to be funded. Triangles: beyond the scale.",
        "sessions": [{"trade_date": one["last_trade_date"]} for one in months],
        "ratios": ratios,
    }


def build_months_chart(months: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return cost of protection and credits kept of the last months, side by side."""
    recent = months[-BAR_MONTHS[False] :]
    dearer = sum(one["protection_cost_usd"] > one["credit_kept_usd"] for one in recent)
    cost, kept = (sum(one[f"{name}_usd"] for one in recent) for name in ("protection_cost", "credit_kept"))
    words = f"protection {'cost' if cost >= 0 else 'gained'} {say_usd(abs(cost))}, credits kept {say_usd(kept)}"
    return {
        "title": f"In {dearer} of {say_count(len(recent), 'month')} protection cost more than was kept; in all {words}",
        "description": " ".join(
            f"{say_month_of(one['month'])}: cost {say_usd(one['protection_cost_usd'])}, kept "
            f"{say_usd(one['credit_kept_usd'])}."
            for one in recent
        ),
        "months": [
            {
                "trade_date": one["last_trade_date"],
                "cost": one["protection_cost_usd"],
                "kept": one["credit_kept_usd"],
            }
            for one in recent
        ],
    }


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def draw_budget_chart(chart: Mapping[str, Any], *, chart_id: str = "budget", is_compact: bool = False) -> str:
    """Draw a row a layer: the cost as a mark, its band as a bar, the budget as a shaded span from edge to edge."""
    rows = chart["rows"]
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1, 1.95) if is_compact else (10.4, 1.75))
        axes = add_plain_axes(figure, (0.27, 0.19, 0.55, 0.67) if is_compact else (0.115, 0.2, 0.80, 0.64))
        low, high = chart["budget"]
        axes.axvspan(low, high, color=THEME["band"], linewidth=0, zorder=0)
        for edge in (low, high):
            axes.axvline(edge, color=THEME["muted"], linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
        axes.axvline(0, color=THEME["ink"], linewidth=0.9, zorder=1)
        heights = range(len(rows) - 1, -1, -1)
        for height, row in zip(heights, rows, strict=True):
            is_whole = row["layer"] == "portfolio"
            color = THEME[_ROLES[row["layer"]]]
            if row["low"] is not None and row["high"] is not None:
                axes.hlines(height, *sorted((row["low"], row["high"])), color=color, linewidth=2.0)
            if row["percent"] is not None:
                axes.plot(
                    [row["percent"]],
                    [height],
                    marker="D" if is_whole else "o",
                    markersize=7 if is_whole else 5,
                    color=color,
                    linestyle="none",
                )
            text = "not evaluable" if row["percent"] is None else f"{say_number(row['percent'] / 100, 'frac')}"
            axes.annotate(
                text,
                (1.01, height),
                xycoords=("axes fraction", "data"),
                va="center",
                color=THEME["ink"],
                fontsize=9,
                fontweight="bold" if is_whole else "normal",
            )
        known = [value for row in rows for value in (row["percent"], row["low"], row["high"]) if value is not None]
        least, most = min([0.0, *known]), max([high, *known])
        margin = 0.06 * (most - least)
        axes.set_xlim(least - margin, most + margin)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        set_ticks(axes.yaxis, list(heights), [LAYER_TITLES[row["layer"]] for row in rows])
        axes.xaxis.set_major_locator(MaxNLocator(5 if is_compact else 9))
        axes.xaxis.set_major_formatter(FuncFormatter(say_tick))
        title = "Cost of a year, % of NAV; shaded: budget" if is_compact else (
            "Cost of a year, % of NAV; left of 0: earned; shaded: the budget"
        )  # fmt: skip
        axes.set_title(title, loc="left", color=THEME["muted"], fontsize=9, pad=5, x=-0.45 if is_compact else 0)
        print_ticks(axes, grid="x")
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])


def draw_ratio_chart(chart: Mapping[str, Any], *, chart_id: str = "ratio", is_compact: bool = False) -> str:
    """Draw the self-funding ratio along the months, with gaps where it is undefined and the line at 1."""
    values = [to_nan(value) for value in chart["ratios"]]
    low, high = RATIO_SPAN
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1, 2.5) if is_compact else (10.4, 2.5))
        axes = add_plain_axes(figure, (0.12, 0.1, 0.86, 0.78) if is_compact else (0.065, 0.1, 0.925, 0.78))
        places = list(range(len(values)))
        if all(math.isnan(value) for value in values):
            say_nothing_published(axes)
        axes.axhline(1, color=THEME["ink"], linewidth=0.9, linestyle=(0, (4, 2)))
        axes.axhline(0, color=THEME["muted"], linewidth=0.8)
        inside = [min(max(value, low), high) if not math.isnan(value) else math.nan for value in values]
        axes.plot(places, inside, color=THEME["kept"], linewidth=1.5)
        mark_lone_values(axes, inside, THEME["kept"])
        for is_over, marker in ((True, "^"), (False, "v")):
            beyond = [place for place, value in enumerate(values) if (value > high if is_over else value < low)]
            axes.plot(
                beyond,
                [high if is_over else low] * len(beyond),
                linestyle="none",
                marker=marker,
                markersize=4.5,
                color=THEME["protection"],
                clip_on=False,
            )
        axes.set_ylim(low - 0.05, high + 0.05)
        set_ticks(axes.yaxis, [-1, 0, 1, 2, 3])
        axes.yaxis.set_major_formatter(FuncFormatter(say_tick))
        head_axes(axes, "Credits kept / cost of protection, 12 months; dashed: 1", is_compact, has_legend=False)
        (mark_years if len(values) >= _YEARS_FROM else mark_months)(axes, chart["sessions"], is_compact)
        axes.set_xlim(-0.5, max(len(places), 2) - 0.5)
        print_ticks(axes)
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])


def draw_months_chart(chart: Mapping[str, Any], *, chart_id: str = "months", is_compact: bool = False) -> str:
    """Draw two bars a month: the cost of protection (outlined) and the credits kept (filled)."""
    months = chart["months"][-BAR_MONTHS[is_compact] :]
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1, 2.7) if is_compact else (10.4, 2.5))
        axes = add_plain_axes(figure, (0.15, 0.09, 0.83, 0.75) if is_compact else (0.065, 0.1, 0.925, 0.78))
        axes.yaxis.set_major_formatter(FuncFormatter(say_dollars))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        places = range(len(months))
        axes.bar(
            [place - 0.2 for place in places],
            [one["cost"] for one in months],
            width=0.38,
            facecolor=THEME["surface"],
            edgecolor=THEME["protection"],
            linewidth=1.2,
            label="cost of protection",
        )
        axes.bar(
            [place + 0.2 for place in places],
            [one["kept"] for one in months],
            width=0.38,
            color=THEME["kept"],
            label="credits kept",
        )
        axes.axhline(0, color=THEME["muted"], linewidth=0.8)
        name = f"$ a month, last {len(months)}" if is_compact else "$ a month; below 0: protection gained, shorts lost"
        head_axes(axes, name, is_compact, columns=2)
        mark_months(axes, months, is_compact)
        axes.set_xlim(-0.6, max(len(months), 2) - 0.4)
        print_ticks(axes)
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])
