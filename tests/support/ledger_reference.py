"""The ledger once more, the slow way: a cash account in exact fractions, and the curve as a list of points.

It shares nothing with `transforms.ledger` and `transforms.positions.walk` but the shape of the targets. Where the
ledger books changes of marks, this keeps cash and values what is held: the P&L is the change of the sum. Prices
are asked for by instrument code, so that even the multipliers are told anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import pairwise

CENT = Fraction(1, 100)
Price = Callable[[int, str], Fraction | None]
TimePrice = Callable[[int, int, str], Fraction | None]


def multiplier(code: str) -> int:
    return {"VX": 1000, "VXM": 100, "VIX": 100, "NOTE": 1}[code.split()[0]]


def is_option(code: str) -> bool:
    return code.startswith("VIX ")


def has_ended(code: str, day: date) -> bool:
    return not code.startswith("NOTE") and date.fromisoformat(code.split()[1]) <= day


def whole_cents(amount: Fraction) -> Fraction:
    """Nearest cent, half away from zero."""
    cents = abs(amount) / CENT
    rounded = (cents + Fraction(1, 2)).__floor__() * CENT
    return rounded if amount >= 0 else -rounded


def interpolate(points: Sequence[tuple[int, Fraction | None]], at: int) -> Fraction | None:
    """Value on the broken line through points; None where the two around it are not both known."""
    ordered = sorted(points, key=lambda point: point[0])
    for (left, low), (right, high) in pairwise(ordered):
        if left <= at <= right:
            if low is None or high is None:
                return None
            return low + (high - low) * Fraction(at - left, right - left)
    return None


def age_future(
    curve: Mapping[date, Fraction | None], vix: Fraction | None, since: date, today: date, expiry: date
) -> Fraction | None:
    """Price of a future on an unchanged curve: settlements of `since` by days left, the VIX at none."""
    points: list[tuple[int, Fraction | None]] = [(0, vix)]
    points += [((other - since).days, price) for other, price in curve.items() if other > since and price is not None]
    at = max((expiry - today).days, 0)
    found = interpolate([point for point in points if point[0] <= (expiry - since).days], at)
    return None if found is None else Fraction(round(found * 10_000), 10_000)


@dataclass
class ReferenceDay:
    """A layer's session."""

    held: dict[str, int]
    pnl: Fraction = Fraction(0)
    time: dict[str, Fraction] = field(default_factory=lambda: {"future": Fraction(0), "option": Fraction(0)})
    move: dict[str, Fraction] = field(default_factory=lambda: {"future": Fraction(0), "option": Fraction(0)})
    cost: Fraction = Fraction(0)
    kept: Fraction = Fraction(0)
    spent: Fraction = Fraction(0)


@dataclass
class Lot:
    """A short position's cash: what it brought, before costs."""

    contracts: int = 0
    proceeds: Fraction = Fraction(0)


def run_reference(
    days: Sequence[date],
    targets: Sequence[Mapping[str, int]],
    price: Price,
    aged: TimePrice,
    cost_of: Callable[[int, str, int], Fraction],
) -> list[ReferenceDay]:
    """Trade the targets and account for them; without interest and Time-Shifts.

    Parameters
    ----------
    targets
        Wanted contracts by code, decided at the close of each session.
    price
        Of a session and code; None unknown. Multiples of 0.0001.
    aged
        Price of (since, session, code) had only time passed.
    cost_of
        Cost of trading that many contracts in that session.
    """
    held: dict[str, int] = {}
    last: dict[str, tuple[int, Fraction]] = {}
    cash = Fraction(0)
    worth_before = Fraction(0)
    found: list[ReferenceDay] = []
    for now, today in enumerate(days):
        record = ReferenceDay({})
        # time and the rest, from the last session that knew the price
        for code, contracts in held.items():
            known = price(now, code)
            if known is None:
                continue
            since, before = last[code]
            kind = "option" if is_option(code) else "future"
            by_time = aged(since, now, code)
            middle = before if by_time is None else by_time
            record.time[kind] += contracts * multiplier(code) * (middle - before)
            record.move[kind] += contracts * multiplier(code) * (known - middle)
            if contracts > 0:
                record.spent -= contracts * multiplier(code) * (known - before)
            else:
                record.kept += contracts * multiplier(code) * (known - before)
            last[code] = (now, known)
        for code in [code for code in held if has_ended(code, today) and price(now, code) is not None]:
            cash += held.pop(code) * multiplier(code) * last[code][1]
        if now > 0:
            wanted = targets[now - 1]
            orders = {code: wanted.get(code, 0) - held.get(code, 0) for code in {*wanted, *held}}
            orders = {code: number for code, number in orders.items() if number and not has_ended(code, today)}
            if all(price(now, code) is not None for code in orders):
                for code, number in orders.items():
                    known = price(now, code)
                    assert known is not None
                    before_trade = held.get(code, 0)
                    cash -= number * multiplier(code) * known
                    closed = min(abs(number), abs(before_trade)) if number * before_trade < 0 else 0
                    for size, is_short in ((closed, before_trade < 0), (abs(number) - closed, number < 0)):
                        paid = cost_of(now, code, size) if size else Fraction(0)
                        cash -= paid
                        record.cost -= paid
                        if is_short:
                            record.kept -= paid
                        else:
                            record.spent += paid
                    held[code] = before_trade + number
                    last[code] = (now, known)
                    if held[code] == 0:
                        del held[code]
        worth = cash + sum((held[code] * multiplier(code) * last[code][1] for code in held), Fraction(0))
        record.pnl = worth - worth_before
        worth_before = worth
        record.held = dict(held)
        found.append(record)
    return found
