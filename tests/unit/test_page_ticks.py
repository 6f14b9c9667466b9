"""Axes without matplotlib's ticks look as those with them: same labels, lines and marks in the same places."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from transforms.page.drawing import THEME, dress, say_tick, set_ticks, style_for, to_inline_svg
from transforms.page.templating import draw_twice
from transforms.page.ticks import add_plain_axes, print_ticks

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
BOX = (0.1, 0.2, 0.85, 0.7)
SIZES = {"wide": (10.4, 3.0), "phone": (4.1, 5.0)}


def with_years(axes: Axes) -> None:
    axes.plot([0, 10, 40, 90], [15.38, 82.69, -3.0, 12.0])
    set_ticks(axes.xaxis, [0, 31, 62, 200], ["2023", "2024", "2025", "beyond"])
    axes.set_xlim(-1, 91)


def with_names(axes: Axes) -> None:
    axes.plot([-0.031, 0.12, 0.5], [0, 1, 2])
    axes.xaxis.set_major_locator(MaxNLocator(9))
    axes.xaxis.set_major_formatter(FuncFormatter(say_tick))
    axes.set_ylim(-0.6, 2.4)
    set_ticks(axes.yaxis, range(3), ["base", "temporal vega", "portfolio"])


def with_edges(axes: Axes) -> None:
    axes.plot([0, 3], [-1, 3])
    axes.set_ylim(-1, 3)
    axes.set_xlim(3, 0)
    set_ticks(axes.yaxis, [-1, 0, 1, 2, 3])


def draw_both(fill: Callable[[Axes], None], size: tuple[float, float], grid: str, below: str) -> tuple[str, str]:
    with mpl.rc_context(style_for("ticks")):
        figure = Figure(figsize=size)
        axes = figure.add_axes(BOX)
        dress(axes)
        axes.grid(visible=False)
        if grid:
            axes.grid(visible=True, axis=grid, color=THEME["grid"], linewidth=0.8)
        fill(axes)
        if below:
            axes.set_xlabel(below, color=THEME["muted"], fontsize=9)
        clear = to_inline_svg(figure, "ticks", "title", "description")
        figure = Figure(figsize=size)
        axes = add_plain_axes(figure, BOX)
        fill(axes)
        print_ticks(axes, grid=grid, label_below=below)
        return clear, to_inline_svg(figure, "ticks", "title", "description")


def words(svg: str) -> list[Any]:
    """Every text with its style and its place, to a tenth of a point."""
    found = []
    for text in ET.fromstring(svg).iter(f"{SVG}text"):  # noqa: S314  our own drawing
        numbers = re.findall(r"-?\d+\.\d+|-?\d+", f"{text.get('x')} {text.get('y')} {text.get('transform')}")
        found.append((text.text, text.get("style"), *(round(float(one), 1) for one in numbers)))
    return sorted(found)


def segments(svg: str) -> list[tuple[float, ...]]:
    """Ends of the lines of the grid."""
    ends = []
    for path in ET.fromstring(svg).iter(f"{SVG}path"):  # noqa: S314
        if "--chart-grid" in path.get("style", ""):
            line = r"M (\S+) (\S+)\s+L (\S+) (\S+)"
            ends += [tuple(map(float, found)) for found in re.findall(line, path.get("d", ""))]
    return sorted(ends)


def marks(svg: str) -> list[tuple[str, ...]]:
    """Places of the marks below, and what they look like."""
    root = ET.fromstring(svg)  # noqa: S314
    shapes = {f"#{path.get('id')}": path for path in root.iter(f"{SVG}path")}
    found = []
    for use in root.iter(f"{SVG}use"):
        shape = shapes[use.get(LINK, "")]
        found.append((use.get("x", ""), use.get("y", ""), " ".join(shape.get("d", "").split()), use.get("style", "")))
    return sorted(found)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("fill", "grid", "below"),
    [(with_years, "y", ""), (with_years, "y", "calendar days"), (with_names, "x", ""), (with_edges, "", "")],
)
def test_axes_without_ticks_look_as_those_with_them(
    fill: Callable[[Axes], None], size: str, grid: str, below: str
) -> None:
    clear, plain = draw_both(fill, SIZES[size], grid, below)
    assert words(plain) == words(clear)
    assert words(plain)
    assert segments(plain) == segments(clear)
    assert bool(segments(plain)) == bool(grid)
    assert marks(plain) == marks(clear)
    assert marks(plain)


def test_axes_above_others_have_marks_and_no_labels_below() -> None:
    with mpl.rc_context(style_for("ticks")):
        figure = Figure(figsize=(10.4, 3.0))
        top = add_plain_axes(figure, (0.1, 0.6, 0.8, 0.3))
        bottom = add_plain_axes(figure, (0.1, 0.1, 0.8, 0.3), above=top)
        with_years(top)
        bottom.set_ylim(0, 1)
        print_ticks(top, has_labels_below=False)
        upper = {one[0] for one in words(to_inline_svg(figure, "ticks", "title", "description"))}
        print_ticks(bottom)
        svg = to_inline_svg(figure, "ticks", "title", "description")
    assert not upper & {"2023", "2024", "2025"}
    assert {one[0] for one in words(svg)} >= {"2023", "2024", "2025"}
    assert len(marks(svg)) == 6


def test_drawing_leaves_the_search_for_garbage_as_it_was() -> None:
    def draw(chart: Any, *, chart_id: str, is_compact: bool = False) -> str:
        seen.append(gc.isenabled())
        if chart["title"] == "broken":
            raise ValueError(chart_id)
        return chart_id

    seen: list[bool] = []
    assert gc.isenabled()
    assert draw_twice(draw, {"title": "whole"}, "one")["compact"] == "one-compact"
    with pytest.raises(ValueError, match="two-wide"):
        draw_twice(draw, {"title": "broken"}, "two")
    assert gc.isenabled()
    assert seen == [False, False, False]
