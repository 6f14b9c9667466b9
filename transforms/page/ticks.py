"""Axes without matplotlib's ticks: the same lines, marks and labels, drawn as a few artists.

A tick of matplotlib is five artists with their own transforms, made and laid out one by one: they were half of the time
of a chart. Where ticks are and what they say is still asked of matplotlib's locators and formatters; what a reader sees
is that of :func:`transforms.page.drawing.dress`, and a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN
from matplotlib.transforms import ScaledTranslation

from transforms.page.drawing import THEME, clear_frame

_SIZE_PT = 9.0
_MARK_PT = 3.0
_PAD_PT = 3.5
_LABEL_PT = 4.0
_BELOW = 0.5
"""Order of the lines of a grid: below everything that shows values."""


class _PlainXAxis(XAxis):
    """An axis that knows where its ticks are, and never makes one."""

    # matplotlib's names; it asks for the first one of each to ask it something, and here there is none
    majorTicks: Any = ()  # noqa: N815
    minorTicks: Any = ()  # noqa: N815


class _PlainYAxis(YAxis):
    majorTicks: Any = ()  # noqa: N815
    minorTicks: Any = ()  # noqa: N815


class _PlainAxes(Axes):
    def _init_axis(self) -> None:
        # where axes of another kind bring their own, as in matplotlib's example of a custom projection
        self.xaxis = _PlainXAxis(self, clear=False)
        self.yaxis = _PlainYAxis(self, clear=False)


def add_plain_axes(figure: Figure, box: tuple[float, float, float, float], *, above: Axes | None = None) -> Axes:
    """Return new axes that look like the page, but for what :func:`print_ticks` draws once their limits are known.

    Parameters
    ----------
    box
        Left, bottom, width and height, as fractions of the figure.
    above
        Axes whose x axis they share.
    """
    axes = figure.add_axes(box, axes_class=_PlainAxes, sharex=above)
    clear_frame(axes)
    # the line below finds its place when a tick asks for it, and here none does
    axes.spines.bottom.set_position(("outward", 0.0))
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(False)
    return axes


def print_ticks(axes: Axes, *, grid: str = "y", has_labels_below: bool = True, label_below: str = "") -> None:
    """Draw the grid, the marks below and the labels of axes, after everything that moves their limits.

    Parameters
    ----------
    grid
        ``y`` for lines across, ``x`` for lines upright, empty for none.
    has_labels_below
        False above other axes that share this one's x axis.
    label_below
        What the x axis measures.
    """
    shift = ScaledTranslation(0, -(_MARK_PT + _PAD_PT) / 72, axes.figure.dpi_scale_trans)
    aside = ScaledTranslation(-_PAD_PT / 72, 0, axes.figure.dpi_scale_trans)
    across, along = axes.get_yaxis_transform(), axes.get_xaxis_transform()
    columns, column_labels = _shown(axes.xaxis)
    rows, row_labels = _shown(axes.yaxis)
    lines: dict[str, Any] = {"color": THEME["grid"], "linewidth": 0.8, "zorder": _BELOW}
    gaps = [math.nan] * len(rows if grid == "y" else columns)
    if grid == "y" and rows:
        axes.add_artist(Line2D(_broken([0.0] * len(rows), [1.0] * len(rows), gaps), _broken(rows, rows, gaps),
                               transform=across, **lines))  # fmt: skip
    if grid == "x" and columns:
        axes.add_artist(Line2D(_broken(columns, columns, gaps), _broken([0.0] * len(columns), [1.0] * len(columns),
                               gaps), transform=along, **lines))  # fmt: skip
    words: dict[str, Any] = {"color": THEME["muted"], "fontsize": _SIZE_PT}
    if columns:
        axes.add_artist(
            Line2D(
                columns,
                [0.0] * len(columns),
                transform=along,
                linestyle="none",
                marker=TICKDOWN,
                markersize=_MARK_PT,
                markeredgewidth=0.8,
                color=THEME["muted"],
                clip_on=False,
            )
        )
    if has_labels_below:
        for place, text in zip(columns, column_labels, strict=True):
            axes.text(place, 0, text, transform=along + shift, ha="center", va="top", **words)
    for place, text in zip(rows, row_labels, strict=True):
        axes.text(0, place, text, transform=across + aside, ha="right", va="center_baseline", **words)
    if label_below:
        below = ScaledTranslation(0, -(_MARK_PT + _PAD_PT + _SIZE_PT + _LABEL_PT) / 72, axes.figure.dpi_scale_trans)
        axes.text(0.5, 0, label_below, transform=axes.transAxes + below, ha="center", va="top", **words)


def _shown(axis: Axis) -> tuple[list[float], list[str]]:
    """Return the places of the ticks inside the limits of an axis, and what they say."""
    places = [float(place) for place in axis.get_majorticklocs()]
    labels = axis.get_major_formatter().format_ticks(places)
    low, high = sorted(axis.get_view_interval())
    # as matplotlib, which keeps what is less than half a pixel outside
    slack = 1e-9 * (high - low)
    shown = [(place, text) for place, text in zip(places, labels, strict=True) if low - slack <= place <= high + slack]
    return [place for place, _ in shown], [text for _, text in shown]


def _broken(starts: Sequence[float], ends: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Return one line of several: start, end and gap of each."""
    return [value for three in zip(starts, ends, gaps, strict=True) for value in three]
