"""Whole numbers for prices and money, so that what is added up comes out to the cent.

A price is a whole number of ticks of 0.0001 points, an amount a whole number of cents. One tick of one VX
future is ten cents, of one VXM or option one cent: their values are whole cents without any rounding. Exchange
prices have at most four decimals; model prices are rounded to a tick before anything is computed from them.
"""

from __future__ import annotations

import math

TICKS_PER_POINT = 10_000
CENTS_PER_USD = 100
_TICKS_TO_CENTS = TICKS_PER_POINT // CENTS_PER_USD


def to_ticks(points: float) -> int | None:
    """Round a price to ticks; None for NaN or infinite."""
    return round(points * TICKS_PER_POINT) if math.isfinite(points) else None


def value_in_cents(contracts: int, multiplier_usd: int, ticks: int) -> int:
    """Value of a position in whole cents; half cents (an index note can have them) are rounded up."""
    return (contracts * multiplier_usd * ticks + _TICKS_TO_CENTS // 2) // _TICKS_TO_CENTS


def to_cents(usd: float) -> int:
    """Round dollars to whole cents, half away from zero.

    Raises
    ------
    ValueError
        NaN or infinite: an unknown amount is no amount.
    """
    if not math.isfinite(usd):
        raise ValueError(f"expected an amount in dollars, found {usd}")
    return round_half_away(usd * CENTS_PER_USD)


def round_half_away(number: float) -> int:
    """Round to a whole number, half away from zero: the same for longs and shorts."""
    return math.floor(number + 0.5) if number >= 0 else -math.floor(-number + 0.5)
