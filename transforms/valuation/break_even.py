"""Break-even VIX: the levels at a horizon where what is held today neither gains nor loses, or earns what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from transforms.valuation.holdings import NOTHING_HELD
from transforms.valuation.horizon import Horizon, add_rows, compute_row_pnl
from transforms.valuation.measure import UNKNOWN_INPUT, Floats, Ints, Measured, Words, judge
from transforms.valuation.rules import ValuationRules

_LEAST_USD = 0.005
"""Less than half a cent is nothing."""
_SESSIONS_AT_ONCE = 128
"""A bound on memory: some 0.4 million prices at a time."""


class Verbs(NamedTuple):
    """How levels are spoken of: where the aim is reached, and where not."""

    reached: str
    missed: str


GAINS = Verbs("gains", "loses")
EARNS = Verbs("earns the required return", "falls short of the required return")


@dataclass(frozen=True, eq=False)
class BreakEvens:
    """Break-evens of n sessions.

    Parameters
    ----------
    roots
        Of each session, ascending, points; empty where there is none.
    nearest
        The one nearest to the VIX of the close (the lower of two as near), points; with the reason where there is none.
    words
        Strings, shape (n,): at which levels it gains, or why that is not known.
    """

    roots: tuple[tuple[float, ...], ...]
    nearest: Measured
    words: Words


@dataclass(frozen=True, eq=False)
class Samples:
    """P&L to the horizon at the bends of each session, dollars, and on the grid where an option lives on.

    Parameters
    ----------
    knots, knot_pnl
        float64, shape (n, q): levels of the VIX, ascending, between which the P&L is a straight line but for options
        that live on; P&L there.
    dense
        Levels and P&L of the sessions with such options, float64 of one shape.
    """

    knots: Floats
    knot_pnl: Floats
    dense: dict[int, tuple[Floats, Floats]]


def sample_horizon(horizon: Horizon, rules: ValuationRules | None = None) -> Samples:
    """Evaluate the P&L where break-evens are looked for; the same samples serve every aim."""
    rules = rules or ValuationRules()
    held = horizon.holdings
    sessions = len(held.market)
    knots = _place_knots(horizon, rules)
    pnl = add_rows(compute_row_pnl(horizon, np.arange(len(held.session)), knots[held.session]), held.session, sessions)
    dense: dict[int, tuple[Floats, Floats]] = {}
    grid = np.arange(rules.vix_lowest_pts, rules.vix_highest_pts, rules.vix_step_pts)
    curved = np.unique(held.session[held.is_option & ~horizon.is_settled])
    for first in range(0, len(curved), _SESSIONS_AT_ONCE):
        picked = curved[first : first + _SESSIONS_AT_ONCE]
        levels = np.sort(np.hstack([np.tile(grid, (len(picked), 1)), knots[picked]]), axis=1)
        rows = np.flatnonzero(np.isin(held.session, picked))
        owners = np.searchsorted(picked, held.session[rows])
        values = add_rows(compute_row_pnl(horizon, rows, levels[owners]), owners, len(picked))
        dense |= {session: (levels[place], values[place]) for place, session in enumerate(picked.tolist())}
    return Samples(knots, pnl, dense)


def compute_break_evens(
    horizon: Horizon,
    aim_usd: Floats | None = None,
    rules: ValuationRules | None = None,
    sessions: Sequence[int] | None = None,
    samples: Samples | None = None,
) -> BreakEvens:
    """Find the levels of the VIX at which the P&L to the horizon is the aim.

    Where no option lives on beyond the horizon the P&L is piecewise linear in the VIX, and the levels are exact.
    Else the range is searched in steps of ``vix_step_pts`` and each change of sign refined by SciPy's bracketing
    root finder (Chandrupatla): two levels within one step may be missed.

    Parameters
    ----------
    horizon
        Positions at their horizon.
    aim_usd
        float64, shape (n,): P&L asked for; NaN unknown. None: 0.
    rules
        Range and step.
    sessions
        Only these; the others are empty and say "not asked". None: all.
    samples
        Of `sample_horizon` with the same horizon and rules; None: made here.

    Returns
    -------
    BreakEvens
        All levels found from ``vix_lowest_pts`` to ``vix_highest_pts``; of a stretch on which the P&L is the aim
        throughout, its two ends.
    """
    held = horizon.holdings
    count = len(held.market)
    verbs = GAINS if aim_usd is None else EARNS
    aims = np.zeros(count) if aim_usd is None else np.asarray(aim_usd, np.float64)
    asked = np.zeros(count, bool)
    asked[np.arange(count) if sessions is None else np.asarray(sessions, np.int64)] = True
    samples = samples or sample_horizon(horizon, rules)
    words = held.first_words(horizon.problems)
    said = judge(
        np.zeros(count),
        (~asked, "not asked"),
        (held.count == 0, NOTHING_HELD),
        (words != "", words),
        (np.isnan(aims), "the required return is not known"),
        (np.isnan(samples.knot_pnl).any(axis=1), UNKNOWN_INPUT),
    ).notes
    is_answered = said == ""
    roots: list[tuple[float, ...]] = [()] * count
    misses = np.where(is_answered[:, None], samples.knot_pnl - aims[:, None], 0.0)
    signs = _signs(misses)
    turns = signs[:, :-1] * signs[:, 1:] < 0
    # nearly all sessions of futures: one straight crossing or none, written without a walk over their knots
    is_plain = is_answered & (signs != 0).all(axis=1) & (turns.sum(axis=1) <= 1)
    is_plain[list(samples.dense)] = False
    is_above, is_crossed = signs[:, 0] > 0, turns.any(axis=1)
    said[is_plain & ~is_crossed & is_above] = _throughout(verbs.reached)
    said[is_plain & ~is_crossed & ~is_above] = _throughout(verbs.missed)
    crossed = np.flatnonzero(is_plain & is_crossed)
    ends = crossed[:, None], turns[crossed].argmax(axis=1)[:, None] + [0, 1]
    straight = _cross(samples.knots[ends], misses[ends])
    sides = np.where(is_above, "below", "above")[crossed].tolist()
    for session, root, side in zip(crossed.tolist(), straight.tolist(), sides, strict=True):
        roots[session] = (root,)
        said[session] = f"{verbs.reached} {side} {root:.2f}"
    walked = np.flatnonzero(is_answered & ~is_plain).tolist()
    brackets: list[tuple[int, float, float]] = []
    shapes: dict[int, tuple[Floats, Ints]] = {}
    for session in walked:
        levels, values = samples.dense.get(session, (samples.knots[session], samples.knot_pnl[session]))
        values = values - aims[session]
        turned = _signs(values)
        shapes[session] = levels, turned
        roots[session] = _roots_at_knots(levels, turned)
        left = np.flatnonzero(turned[:-1] * turned[1:] < 0)
        pairs = left[:, None] + [0, 1]
        if session in samples.dense:
            brackets += [(session, low, high) for low, high in levels[pairs].tolist()]
        else:
            roots[session] += tuple(_cross(levels[pairs], values[pairs]).tolist())
    for (session, _, _), root in zip(brackets, _refine(horizon, brackets, aims), strict=True):
        roots[session] += (root,)
    for session in walked:
        roots[session] = tuple(sorted(set(roots[session])))
        said[session] = _describe(*shapes[session], roots[session], verbs)
    nearest = np.full(count, np.nan)
    for session, (found, vix) in enumerate(zip(roots, held.market.vix_pts.tolist(), strict=True)):
        if found:
            nearest[session] = min(found, key=lambda root: (abs(root - vix), root))
    return BreakEvens(tuple(roots), judge(nearest, (np.isnan(nearest), said)), said)


def _place_knots(horizon: Horizon, rules: ValuationRules) -> Floats:
    """Both ends of the range and every bend of the P&L, ascending by session, shape (n, most positions + 2)."""
    held = horizon.holdings
    low, high = rules.vix_lowest_pts, rules.vix_highest_pts
    with np.errstate(divide="ignore", invalid="ignore"):
        # a live future is bent where it reaches 0
        bends = held.market.vix_pts[held.session] - horizon.unmoved_pts / horizon.beta
    bends = np.where(horizon.is_settled, np.where(held.is_option, held.strike_pts, low), bends)
    bends = np.clip(np.where(np.isfinite(bends), bends, low), low, high)
    knots = np.full((len(held.market), int(held.count.max(initial=0)) + 2), low)
    place = np.arange(len(bends)) - np.searchsorted(held.session, held.session)
    knots[held.session, place] = bends
    knots[:, -1] = high
    return np.sort(knots, axis=1)


def _refine(horizon: Horizon, brackets: list[tuple[int, float, float]], aims: Floats) -> list[float]:
    """The root in each bracket of (session, low, high), all at once."""
    if not brackets:
        return []
    owners = np.array([session for session, _, _ in brackets], np.int64)
    ends = np.searchsorted(horizon.holdings.session, np.arange(len(aims) + 1))

    def miss(levels: Floats, which: Floats) -> Floats:
        sessions = owners[which.astype(np.int64)]
        lengths = ends[sessions + 1] - ends[sessions]
        place = np.repeat(np.arange(len(sessions)), lengths)
        rows = np.arange(len(place)) - np.repeat(np.cumsum(lengths) - lengths - ends[sessions], lengths)
        amounts = compute_row_pnl(horizon, rows, levels[place, None])
        return add_rows(amounts, place, len(sessions))[:, 0] - aims[sessions]

    from scipy.optimize import elementwise  # half a second, and the report takes only words from here

    low, high = (np.array([bracket[side] for bracket in brackets]) for side in (1, 2))
    found = elementwise.find_root(miss, (low, high), args=(np.arange(len(brackets), dtype=np.float64),))
    return [float(root) for root in found.x]


def _cross(levels: Floats, values: Floats) -> Floats:
    """Where straight lines between two levels are 0; shapes (k, 2), the result (k,)."""
    (low, high), (start, end) = levels.T, values.T
    crossing: Floats = low - start * (high - low) / (end - start)
    return crossing


def _signs(values: Floats) -> Ints:
    return np.where(np.abs(values) < _LEAST_USD, 0, np.sign(values)).astype(np.int64)


def _roots_at_knots(levels: Floats, signs: Ints) -> tuple[float, ...]:
    """Knots at the aim, of a stretch of them the first and the last; none where all are."""
    is_zero = signs == 0
    if is_zero.all() or not is_zero.any():
        return ()
    is_inside = np.r_[False, is_zero[:-1]] & np.r_[is_zero[1:], False]
    return tuple(levels[is_zero & ~is_inside].tolist())


def _throughout(verb: str) -> str:
    return f"none: {verb} at every level"


def _describe(levels: Floats, signs: Ints, roots: tuple[float, ...], verbs: Verbs) -> str:
    """Say where the aim is reached: between which break-evens the P&L is above it."""
    if not signs.any():
        return "neither gains nor loses at any level" if verbs is GAINS else "earns exactly the required return"
    if not roots:
        return _throughout(verbs.reached if signs[0] > 0 else verbs.missed)
    places = []
    for low, high in pairwise([-np.inf, *roots, np.inf]):
        first, last = np.searchsorted(levels, low, "right"), np.searchsorted(levels, high, "left")
        if not (signs[first:last] > 0).any():
            continue
        if np.isinf(low):
            places.append(f"below {high:.2f}")
        else:
            places.append(f"above {low:.2f}" if np.isinf(high) else f"from {low:.2f} to {high:.2f}")
    return f"{verbs.reached} {' and '.join(places)}" if places else f"{verbs.missed} but at the break-even"
