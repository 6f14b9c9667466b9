"""The way of the tables as a picture: layers as columns, what reads what as lines, laid out without a library.

Pure: names and reads in, SVG out, the same for the same input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_SWEEPS = 24
_BOX_WIDTH, _BOX_HEIGHT = 162, 22
_COLUMN_GAP, _ROW_GAP = 44, 9
_MARGIN, _HEAD = 20, 66

# Colours of a layer: fill and line in the light, fill and line in the dark.
_COLOURS = {
    "raw": ("#eef1f4", "#8a97a6", "#2a3139", "#8a97a6"),
    "stg": ("#e4f0f7", "#4b8fb5", "#17303f", "#5aa5cf"),
    "core": ("#e3f3ea", "#3f9468", "#17352a", "#55b184"),
    "mart": ("#fbefd9", "#b98324", "#3a2d14", "#d9a13e"),
    "hedge": ("#f7e3e6", "#b5495b", "#3d1d24", "#dd7586"),
}


@dataclass(frozen=True)
class LineageNode:
    """A table in the picture.

    Attributes
    ----------
    name
        What is written in its box.
    layer
        Key of its colour: ``raw``, ``stg``, ``core``, ``mart`` or ``hedge``.
    column
        Its column, from 0 on the left.
    reads
        Names of the nodes it is made of; names without a node are passed over.
    """

    name: str
    layer: str
    column: int
    reads: tuple[str, ...]


def draw_lineage(nodes: Sequence[LineageNode], heads: Mapping[int, str], title: str, about: str) -> str:
    """Return the picture as SVG.

    Parameters
    ----------
    heads
        What is written above a column, by its number.
    title, about
        Name and description for those who do not see it.
    """
    known = {node.name for node in nodes}
    edges = [(source, node.name) for node in nodes for source in node.reads if source in known]
    columns = _order_columns(nodes, edges)
    tallest = max(len(names) for names in columns)
    height = _HEAD + tallest * (_BOX_HEIGHT + _ROW_GAP) + _MARGIN
    width = 2 * _MARGIN + len(columns) * _BOX_WIDTH + (len(columns) - 1) * _COLUMN_GAP
    places = _place(columns, height)
    layers = {node.name: node.layer for node in nodes}
    box = f'viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title about">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="about">{escape(about)}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
    ]
    parts += [
        f'<text class="head" x="{_x(number) + _BOX_WIDTH / 2:g}" y="40" text-anchor="middle">{escape(head)}</text>'
        for number, head in sorted(heads.items())
    ]
    parts += [_edge(places[source], places[target], layers[source]) for source, target in edges]
    parts += [_box(name, layers[name], *places[name]) for names in columns for name in names]
    return "\n".join([*parts, "</svg>", ""])


def _order_columns(nodes: Sequence[LineageNode], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Order each column by the mean place of its neighbours, to and fro, so that few lines cross."""
    count = max(node.column for node in nodes) + 1
    columns = [sorted(node.name for node in nodes if node.column == number) for number in range(count)]
    neighbours: dict[str, list[str]] = {node.name: [] for node in nodes}
    for source, target in edges:
        neighbours[source].append(target)
        neighbours[target].append(source)
    best, fewest = columns, _count_crossings(columns, edges)
    for sweep in range(_SWEEPS):
        columns = [list(names) for names in columns]
        for number in range(count) if sweep % 2 == 0 else reversed(range(count)):
            # relative places, because columns differ in length
            places = {name: (row + 0.5) / len(names) for names in columns for row, name in enumerate(names)}
            means = {
                name: round(sum(places[one] for one in neighbours[name]) / len(neighbours[name]), 9)
                if neighbours[name]
                else places[name]
                for name in columns[number]
            }
            columns[number].sort(key=lambda name: (means[name], name))
        crossings = _count_crossings(columns, edges)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _count_crossings(columns: Sequence[Sequence[str]], edges: Sequence[tuple[str, str]]) -> int:
    places = {
        name: (number, row / len(names)) for number, names in enumerate(columns) for row, name in enumerate(names)
    }
    count = 0
    for index, (a, b) in enumerate(edges):
        for c, d in edges[index + 1 :]:
            if places[a][0] == places[c][0] and places[b][0] == places[d][0]:
                count += (places[a][1] - places[c][1]) * (places[b][1] - places[d][1]) < 0
    return count


def _place(columns: Sequence[Sequence[str]], height: int) -> dict[str, tuple[float, float]]:
    """Return the upper left corner of each box: columns are spread over the height."""
    places = {}
    room = height - _HEAD - _MARGIN
    for number, names in enumerate(columns):
        step = min(room / len(names), 2.2 * (_BOX_HEIGHT + _ROW_GAP))
        top = _HEAD + (room - step * len(names)) / 2
        for row, name in enumerate(names):
            places[name] = (_x(number), top + row * step + (step - _BOX_HEIGHT) / 2)
    return places


def _x(column: int) -> float:
    return _MARGIN + column * (_BOX_WIDTH + _COLUMN_GAP)


def _edge(source: tuple[float, float], target: tuple[float, float], layer: str) -> str:
    x1, y1 = source[0] + _BOX_WIDTH, source[1] + _BOX_HEIGHT / 2
    if source[0] == target[0]:  # in one column: an arc beside it
        y2 = target[1] + _BOX_HEIGHT / 2
        out = x1 + min(0.8 * _COLUMN_GAP, 14 + abs(y2 - y1) / 4)
        way = f"M{x1:.0f} {y1:.1f}C{out:.0f} {y1:.1f} {out:.0f} {y2:.1f} {x1:.0f} {y2:.1f}"
        return f'<path class="line {layer}-line" d="{way}"/>'
    x2, y2 = target[0], target[1] + _BOX_HEIGHT / 2
    bend = max((x2 - x1) * 0.45, 24)
    return (
        f'<path class="line {layer}-line" d="M{x1:.0f} {y1:.1f}C{x1 + bend:.0f} {y1:.1f} {x2 - bend:.0f} {y2:.1f} '
        f'{x2:.0f} {y2:.1f}"/>'
    )


def _box(name: str, layer: str, x: float, y: float) -> str:
    return (
        f'<rect class="{layer}" x="{x:.0f}" y="{y:.1f}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="4"/>'
        f'<text x="{x + _BOX_WIDTH / 2:.0f}" y="{y + _BOX_HEIGHT / 2 + 4:.1f}" text-anchor="middle">'
        f"{escape(name.split('.', 1)[-1])}</text>"
    )


def _style() -> str:
    light = [
        ".ground{fill:#ffffff}",
        "text{font:12px system-ui,sans-serif;fill:#1b2530}",
        ".head{font-size:14px;font-weight:600}",
        ".line{fill:none;stroke-width:1.1;opacity:.62}",
    ]
    dark = [".ground{fill:#12171d}", "text{fill:#e3e9ef}"]
    for layer, (fill, line, dark_fill, dark_line) in _COLOURS.items():
        light += [f".{layer}{{fill:{fill};stroke:{line}}}", f".{layer}-line{{stroke:{line}}}"]
        dark += [f".{layer}{{fill:{dark_fill};stroke:{dark_line}}}", f".{layer}-line{{stroke:{dark_line}}}"]
    return "".join(light) + "@media (prefers-color-scheme:dark){" + "".join(dark) + "}"
