"""A line of all sessions on a few hundred pixels, as one inline SVG without axes.

A library that draws charts takes longer to import than this whole site takes to write; a sparkline is two
numbers a column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

WIDTH = 300
HEIGHT = 64
_EDGE = 3.0


def draw_sparkline(
    values: Sequence[float | None], label: str, *, lowest: float | None = None, highest: float | None = None
) -> Markup:
    """Draw a line of a value a session.

    Parameters
    ----------
    values
        Oldest first; None leaves a gap.
    label
        What it is, for who does not see it.
    lowest, highest
        Where the drawing is cut off; the values' own range where not given. Values beyond are drawn at the edge.

    Returns
    -------
    Markup
        An ``<svg>`` of class ``spark``. Sessions that share a column are drawn from their lowest to their
        highest, so that no spike is lost. Without two values that are known, a flat frame.
    """
    known = [value for value in values if value is not None]
    floor = min(known, default=0.0) if lowest is None else lowest
    ceiling = max(known, default=0.0) if highest is None else highest
    span = (ceiling - floor) or 1.0

    def height_of(value: float) -> float:
        share = (min(max(value, floor), ceiling) - floor) / span
        return HEIGHT - _EDGE - share * (HEIGHT - 2 * _EDGE)

    parts = []
    if floor < 0 < ceiling:
        parts.append(f'<path class="spark-zero" d="M0 {height_of(0):.1f}H{WIDTH}"/>')
    parts.append(f'<path class="spark-line" d="{_trace(values, height_of)}"/>')
    return Markup(  # noqa: S704  numbers, and a label that is escaped
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _trace(values: Sequence[float | None], height_of: Callable[[float], float]) -> str:
    columns = min(WIDTH, max(1, len(values)))
    path: list[str] = []
    is_open = False
    for column in range(columns):
        first, last = column * len(values) // columns, (column + 1) * len(values) // columns
        known = [value for value in values[first:last] if value is not None]
        if not known:
            is_open = False
            continue
        x = (column + 0.5) * WIDTH / columns
        # the nearer end first, so that the line does not cross a column twice
        ends = [known[0], min(known), max(known), known[-1]]
        for value in dict.fromkeys(ends):
            path.append(f"{'L' if is_open else 'M'}{x:.1f} {height_of(value):.1f}")
            is_open = True
    return "".join(path)
