"""The curve regime as a plain state machine: the reference that the SQL must equal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from tests.support.bench import ModelBench, sessions_from

NAMES = ("backwardation", "flat", "contango", "steep")
EDGES = (0.0, 0.03, 0.08)
FIRST = date(2020, 1, 6)


def expected_regimes(
    path: Sequence[float | None], *, band: float = 0.005, confirm: int = 2
) -> list[tuple[str | None, int | None]]:
    """Regime and days in it: an edge is crossed by ``confirm`` closes in a row beyond it by more than the band."""
    above = [False] * len(EDGES)
    seen: list[float] = []
    found: list[tuple[str | None, int | None]] = []
    regime, days = None, 0
    for close in path:
        if close is None:
            found.append((None, None))
            continue
        seen.append(close)
        for number, edge in enumerate(EDGES):
            if len(seen) == 1:
                above[number] = close >= edge
            elif len(seen) >= confirm:
                recent = seen[-confirm:]
                if all(value > edge + band for value in recent):
                    above[number] = True
                elif all(value < edge - band for value in recent):
                    above[number] = False
        now = NAMES[sum(above)]
        days = days + 1 if now == regime else 1
        regime = now
        found.append((regime, days))
    return found


def run_regimes(bench: ModelBench, path: Sequence[float | None]) -> list[tuple[str | None, int | None]]:
    """The model's regime on a path of contango; None is a session whose second month has no settlement."""
    curves: dict[date, dict[date, float | None]] = {}
    for day, contango in zip(sessions_from(FIRST, len(path)), path, strict=True):
        second = None if contango is None else 1.0 + contango
        curves[day] = {day + timedelta(days=20): 1.0, day + timedelta(days=48): second}
    bench.curve(curves)
    return [
        (row[1], row[2]) for row in bench.run("mart.daily_term_structure", "trade_date, curve_regime, days_in_regime")
    ]


def contangos(bench: ModelBench) -> list[float | None]:
    """What the model makes of the path: the reference runs on the same floating-point numbers."""
    return [row[1] for row in bench.run("mart.daily_term_structure", "trade_date, contango_frac")]
