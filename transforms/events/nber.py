"""Turning points of the US business cycle, with the day each became known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from transforms.errors import PipelineError
from transforms.events.tables import day_of, entry_error, is_weekday, read_table, refuse_unknown_keys, text_of

TABLE = "nber_announcements"
_KEYS = {"kind", "month", "announced", "evidence"}


@dataclass(frozen=True)
class TurningPoint:
    """One peak or trough: ``month`` is its first day, ``announced_date`` the day it became known.

    A recession is the months after a peak, up to and including the month of the trough.
    """

    kind: Literal["peak", "trough"]
    month: date
    announced_date: date
    evidence: str


@lru_cache(maxsize=1)
def nber_turning_points() -> tuple[TurningPoint, ...]:
    """Return the turning points since 1980, oldest first.

    Raises
    ------
    PipelineError
        If the table has an unknown key or kind, months or announcements out of order, two peaks or two
        troughs in a row, or an announcement on a weekend or before its month had ended.

    Source: announcements of the Business Cycle Dating Committee, nber.org.
    """
    return check_turning_points([_turning_point(name, body) for name, body in read_table(TABLE).items()])


def check_turning_points(points: list[TurningPoint]) -> tuple[TurningPoint, ...]:
    """Return the turning points if they can be right; see ``nber_turning_points``."""
    for point in points:
        if point.month.day != 1:
            raise _wrong(point, f"month {point.month}", "the first day of a month")
        if not is_weekday(point.announced_date):
            raise _wrong(point, f"announced on {point.announced_date:%A %Y-%m-%d}", "a weekday")
        if (point.announced_date.year, point.announced_date.month) <= (point.month.year, point.month.month):
            raise _wrong(point, f"announced on {point.announced_date}", "a day after the month of the turning point")
    for earlier, later in pairwise(points):
        if later.month <= earlier.month or later.announced_date <= earlier.announced_date:
            raise _wrong(later, f"after {earlier.month}, announced {earlier.announced_date}", "a later month and day")
        if later.kind == earlier.kind:
            raise _wrong(later, f"a {later.kind} after a {earlier.kind}", "peaks and troughs in turn")
    return tuple(points)


def _turning_point(name: str, body: dict[str, Any]) -> TurningPoint:
    refuse_unknown_keys(body, _KEYS, TABLE, name)
    kind: Literal["peak", "trough"] | Any = body.get("kind")
    if kind not in ("peak", "trough"):
        raise entry_error(TABLE, name, f"kind = {kind!r}", "peak or trough")
    return TurningPoint(
        kind=kind,
        month=day_of(body, "month", TABLE, name),
        announced_date=day_of(body, "announced", TABLE, name),
        evidence=text_of(body, "evidence", TABLE, name),
    )


def _wrong(point: TurningPoint, found: str, expected: str) -> PipelineError:
    return entry_error(TABLE, f"{point.kind} of {point.month:%Y-%m}", found, expected)
