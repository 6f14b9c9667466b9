"""The chart of the curve: tonight against earlier sessions, inside the band of past curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from transforms.page.drawing import THEME, say_nothing_published, style_for, to_inline_svg, to_nan
from transforms.page.text import say_count, say_date, say_number
from transforms.page.ticks import add_plain_axes, print_ticks
from transforms.report.findings import describe_curve, find_curve_title

SERIES_STYLES: tuple[tuple[str, Any, str, float, float], ...] = (
    ("now", "-", "o", 2.2, 5.0),
    ("day", (0, (5, 2)), "s", 1.3, 3.6),
    ("week", (0, (2, 1.6)), "^", 1.3, 4.2),
    ("month", (0, (7, 2, 1.5, 2)), "D", 1.3, 3.4),
)
"""Role, dash, marker, line width and marker size by series: told apart without colour too."""
_MATURITIES = (30, 60, 90)


def build_curve_chart(curve: Mapping[str, Any], regime: Mapping[str, Any], band: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chart of the curve.

    Parameters
    ----------
    curve, regime
        Parts of ``hedge-state.json``.
    band
        Of :func:`transforms.report.band.compute_curve_band`.

    Returns
    -------
    dict
        ``title``, ``description``, ``note``; ``series``: ``name`` and ``points`` (pairs of days and VIX points, None
        where missing), tonight first; ``maturities``: pairs of days and points; ``band``.
    """
    series = [
        {"name": f"{say_date(one['trade_date'], year=False)}{label}", "points": _points(one)}
        for one, label in (
            (curve, ", this session"),
            *((before, f", {before['label']}") for before in curve["comparisons"] if before["trade_date"]),
        )
    ]
    maturities = [[days, curve["measures"][f"cm{days}_pts"]] for days in _MATURITIES]
    place = _say_place(curve["measures"]["cm30_pts"], band)
    note = "Crosses: constant maturities of 30, 60 and 90 days."
    if band["points"]:
        note = (
            f"Shaded: 10th to 90th percentile of {say_count(band['sessions'], 'session')} since "
            f"{say_date(band['first_trade_date'])}, by days to expiry; dotted line: their median. {note}"
        )
    known = [f"{days} days {value:.2f}" for days, value in maturities if value is not None]
    said = [
        describe_curve(series),
        f"Constant maturities: {', '.join(known) if known else 'none'}.",
        _describe_band(band),
    ]
    return {
        "title": find_curve_title(curve, regime) + (f"; {place}" if place else ""),
        "description": " ".join(word for word in said if word),
        "note": note,
        "series": series,
        "maturities": maturities,
        "band": list(band["points"]),
    }


def _points(one: Mapping[str, Any]) -> list[list[float | None]]:
    listed = [contract for contract in one["contracts"] if contract["calendar_days_to_expiry"] is not None]
    return [
        [0, one["vix_close_pts"]],
        *([contract["calendar_days_to_expiry"], contract["settle_pts"]] for contract in listed),
    ]


def _say_place(value: float | None, band: Mapping[str, Any]) -> str:
    """Say where 30 days stand among past sessions; nothing where either is missing."""
    found = [one for one in band["points"] if one["days"] == _MATURITIES[0]]
    if value is None or not found:
        return ""
    one = found[0]
    size = say_number(value, "pts")
    if value < one["low"]:
        return f"30 days at {size}, below nine in ten past sessions"
    if value > one["high"]:
        return f"30 days at {size}, above nine in ten past sessions"
    side = "below" if value < one["median"] else "above" if value > one["median"] else "at"
    return f"30 days at {size}, {side} the median of {say_number(one['median'], 'pts')}"


def _describe_band(band: Mapping[str, Any]) -> str:
    points = [f"{one['days']} days {one['low']:.2f} to {one['high']:.2f}" for one in band["points"]]
    return f"10th to 90th percentile: {', '.join(points)}." if points else ""


def draw_curve_chart(chart: Mapping[str, Any], *, chart_id: str = "curve", is_compact: bool = False) -> str:
    """Draw the settlements against calendar days to expiry, VIX at 0, tonight against earlier sessions and their band.

    Parameters
    ----------
    chart
        As :func:`build_curve_chart` returns it; a missing point breaks the line.
    chart_id
        Prefix of every identifier in the drawing; two charts of one page need two.
    is_compact
        Draw for a phone: narrower, with larger letters in proportion.

    Returns
    -------
    str
        One ``<svg>`` element with a title and a description.
    """
    with mpl.rc_context(style_for(chart_id)):
        figure = Figure(figsize=(4.1, 3.7) if is_compact else (10.4, 4.1))
        axes = add_plain_axes(figure, (0.12, 0.125, 0.86, 0.70) if is_compact else (0.05, 0.115, 0.94, 0.785))
        heights: list[float] = []
        band: Sequence[Mapping[str, Any]] = chart.get("band", ())
        if band:
            days = [one["days"] for one in band]
            lows, medians, highs = ([one[name] for one in band] for name in ("low", "median", "high"))
            axes.fill_between(days, lows, highs, color=THEME["band"], linewidth=0, zorder=0)
            axes.plot(days, medians, color=THEME["muted"], linestyle=(0, (1, 2)), linewidth=1.1, zorder=1)
            heights += [*lows, *highs]
        for series, (role, dash, marker, width, size) in reversed(
            list(zip(chart["series"], SERIES_STYLES, strict=False))
        ):
            days = [point[0] for point in series["points"]]
            points = [to_nan(point[1]) for point in series["points"]]
            heights += [point for point in points if not math.isnan(point)]
            axes.plot(
                days,
                points,
                color=THEME[role],
                linestyle=dash,
                linewidth=width,
                marker=marker,
                markersize=size,
                markerfacecolor=THEME[role if role == "now" else "surface"],
                markeredgecolor=THEME[role],
                markeredgewidth=1.1,
                label=series["name"],
                clip_on=False,
            )
        known = [(days, value) for days, value in chart.get("maturities", ()) if value is not None]
        axes.plot(
            [days for days, _ in known],
            [value for _, value in known],
            color=THEME["ink"],
            linestyle="none",
            marker="+",
            markersize=11,
            markeredgewidth=1.3,
            markeredgecolor=THEME["ink"],
            zorder=5,
        )
        axes.set_title("VIX points", loc="left", color=THEME["muted"], fontsize=9, pad=5)
        axes.set_xlim(left=-4)
        if any(value is not None for series in chart["series"] for _, value in series["points"]):
            margin = max(0.08 * (max(heights) - min(heights)), 0.25)
            axes.set_ylim(min(heights) - margin, max(heights) + margin)
            handles, labels = axes.get_legend_handles_labels()
            figure.legend(
                handles[::-1],
                labels[::-1],
                ncols=2 if is_compact else 4,
                loc="upper right",
                bbox_to_anchor=(0.995, 1.0),
                frameon=False,
                fontsize=9,
                labelcolor=THEME["ink"],
                handlelength=2.6,
                columnspacing=1.4,
                borderaxespad=0.1,
            )
        else:
            say_nothing_published(axes)
        print_ticks(axes, label_below="calendar days to expiry (VIX at 0)")
        return to_inline_svg(figure, chart_id, chart["title"], chart["description"])
