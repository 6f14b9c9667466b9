"""The walk of the hedge over many policies, compiled: each close trades, is booked, and decides.

Equal to the cent to `transforms.positions` and `transforms.ledger`; `transforms.sweep.run` compares them. Each layer is
walked for itself. Nothing couples them but one number a session, the dollars a point that the base wants, by which the
temporal layer is sized: `transforms.positions.walk` and `transforms.ledger` book a layer from its own targets alone,
and the portfolio is the sum of the layers. So a layer that policies share is walked once: `transforms.sweep.sharing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from transforms.sweep.arrays import (
    BASE,
    COLUMNS,
    COST,
    CREDIT_KEPT,
    CURVE,
    DRAWDOWN,
    GAIN,
    GAIN_ROLL,
    GAINS_ROLLED,
    HAS_CHANGED,
    HELD_COUNT,
    HELD_SESSIONS,
    HIGHEST_MARGIN,
    IDLE,
    INTEREST,
    INTEREST_UNKNOWN,
    IS_HELD,
    LAYERS,
    MARGIN,
    MARGIN_NOW,
    NET,
    OK,
    OPTION_MOVE,
    PNL,
    PROTECTION_COST,
    ROLL,
    ROW_COLUMNS,
    SECOND,
    SHORT_LOSS_USD,
    SHORT_OPEN,
    SQUARES,
    TEMPORAL,
    THETA,
    WANT_COUNT,
    WORST,
    Floats,
    Ints,
    Market,
    Policies,
    State,
    Walked,
)
from transforms.sweep.compiling import compile_kept, compiled, compute_stamp, made_once
from transforms.sweep.deciding import decide_base, decide_second, decide_temporal, wanted_vega
from transforms.sweep.trading import book_marks, round_half_away, set_margin, trade


@compiled
def clear(state: State) -> None:
    """Hold and want nothing."""
    state.now[HELD_COUNT] = 0
    state.now[WANT_COUNT] = 0
    state.now[GAIN] = 0
    state.now[MARGIN_NOW] = 0


@compiled
def is_empty(state: State) -> bool:
    """Tell whether there is nothing to book: nothing held, no order, no collateral that earns."""
    now = state.now
    return bool(now[HELD_COUNT] == 0 and now[WANT_COUNT] == 0 and now[MARGIN_NOW] == 0)


@compiled
def book_session(
    market: Market, state: State, costs: Floats, layer: int, t: int, is_shift: int, gain_roll: float
) -> int:
    """Book a session of a layer: interest, marks, settlements and trades, a Time-Shift, collateral."""
    row, now = state.row, state.now
    for k in range(ROW_COLUMNS):
        row[k] = 0
    if now[MARGIN_NOW] != 0:
        rate = market.bill_return[t]
        if math.isnan(rate):
            row[INTEREST_UNKNOWN] = 1
        else:
            row[INTEREST] = round_half_away(now[MARGIN_NOW] * rate)
    now[HAS_CHANGED] = 0
    book_marks(market, state, layer, t)
    code = trade(market, state, costs, layer, t)
    if code != OK:
        return code
    if now[HELD_COUNT] == 0:
        now[GAIN] = 0
    if layer == TEMPORAL and is_shift:
        rolled = int(max(now[GAIN], 0) * gain_roll)
        row[GAINS_ROLLED] += rolled
        row[CREDIT_KEPT] += rolled
        row[PROTECTION_COST] += rolled
        now[GAIN] = 0
    code = set_margin(market, state, costs, layer)
    row[MARGIN] = now[MARGIN_NOW]
    for i in range(now[HELD_COUNT]):
        row[SHORT_OPEN] += state.short[i]
    row[IS_HELD] = 1 if now[HELD_COUNT] > 0 else 0
    row[NET] = row[ROLL] + row[CURVE] + row[THETA] + row[OPTION_MOVE] + row[COST]
    row[PNL] = row[NET] + row[INTEREST]
    return code


@compiled
def keep(state: State, t: int, kept: Ints, daily: Ints, totals: Ints) -> None:
    """Add a session's amounts to the sums, and put away those that are kept."""
    row = state.row
    for k in range(COLUMNS):
        totals[k] += row[k]
    totals[SHORT_OPEN] = row[SHORT_OPEN]
    for k in range(len(kept)):
        daily[k, t] = row[kept[k]]


@compiled
def walk_base(market: Market, policies: Policies, state: State, p: int, kept: Ints, walked: Walked, g: int) -> int:
    """Walk the base of a policy through all sessions; return how it ended."""
    clear(state)
    paths, numbers, costs = policies.paths, policies.numbers[p], policies.costs[p]
    states, ranks = paths.base_state[p], paths.held_rank[p]
    held_column = -1
    for t in range(len(market.day)):
        if not is_empty(state):
            code = book_session(market, state, costs, BASE, t, 0, 0.0)
            if code != OK:
                return code
            keep(state, t, kept, walked.daily[g], walked.totals[g])
        held_column = decide_base(market, state, numbers, t, states[t], ranks[t], held_column)
        walked.base_vega[g, t] = wanted_vega(market, state)
    return OK


@compiled
def walk_temporal(
    market: Market, policies: Policies, state: State, p: int, base_vega: Floats, kept: Ints, walked: Walked, g: int
) -> int:
    """Walk the temporal layer of a policy through all sessions; return how it ended."""
    clear(state)
    paths, numbers, costs = policies.paths, policies.numbers[p], policies.costs[p]
    steps, ranks, shifts, reading = paths.steps[p], paths.held_rank[p], paths.is_shift[p], policies.reading[p]
    sized_steps, sized_front = 0, -1
    for t in range(len(market.day)):
        if not is_empty(state):
            code = book_session(market, state, costs, TEMPORAL, t, shifts[t], numbers[GAIN_ROLL])
            if code != OK:
                return code
            keep(state, t, kept, walked.daily[g], walked.totals[g])
        elif steps[t] == 0:
            sized_steps, sized_front = 0, -1
            continue
        sized_steps, sized_front = decide_temporal(
            market, state, numbers, t, steps[t], ranks[t], reading, base_vega[t], sized_steps, sized_front
        )
    return OK


@compiled
def walk_second(market: Market, policies: Policies, state: State, p: int, kept: Ints, walked: Walked, g: int) -> int:
    """Walk the second engine of a policy through all sessions; return how it ended."""
    clear(state)
    paths, limit, costs = policies.paths, policies.numbers[p, SHORT_LOSS_USD], policies.costs[p]
    states, may_open, calendar = paths.second_state[p], paths.may_open[p], policies.calendar[p]
    is_due = True
    for t in range(len(market.day)):
        if not is_empty(state):
            code = book_session(market, state, costs, SECOND, t, 0, 0.0)
            if code != OK:
                return code
            keep(state, t, kept, walked.daily[g], walked.totals[g])
        elif states[t] == IDLE:
            is_due = True
            continue
        is_due, code = decide_second(market, state, limit, t, calendar, states[t], may_open[t], is_due)
        if code != OK:
            return code
    return OK


@compiled
def measure_day(pnl: int, margin: int, is_held: bool, sums: Ints, measures: Floats) -> None:
    """Add a session to the measures; ``sums`` holds the P&L so far, and its highest value."""
    sums[0] += pnl
    sums[1] = max(sums[1], sums[0])
    measures[SQUARES] += float(pnl) * float(pnl)
    measures[WORST] = min(measures[WORST], float(pnl))
    measures[DRAWDOWN] = max(measures[DRAWDOWN], float(sums[1] - sums[0]))
    measures[HIGHEST_MARGIN] = max(measures[HIGHEST_MARGIN], float(margin))
    measures[HELD_SESSIONS] += 1.0 if is_held else 0.0


class Walks(NamedTuple):
    """What is compiled.

    ``base``, ``temporal`` and ``second`` walk the layers ``start`` to ``stop`` of some groups of policies. Each takes
    market, policies, a state, the first policy of each group, for the temporal layer the bases and which of them each
    group has, then start, stop, the columns that are kept, and what is written. ``add`` sums a kept column of the
    layers of each policy; ``measure`` makes the measures of each layer and of the portfolio.
    """

    base: Callable[..., None]
    temporal: Callable[..., None]
    second: Callable[..., None]
    add: Callable[..., None]
    measure: Callable[..., None]


@made_once
def compile_walks() -> Walks:
    """Return the compiled walks; their compiled forms are kept: see `compile_kept`."""
    stamp = compute_stamp()

    def walk_bases(
        market: Market,
        policies: Policies,
        state: State,
        firsts: Ints,
        start: int,
        stop: int,
        kept: Ints,
        walked: Walked,
    ) -> None:
        if stamp < 0:  # never: a variable of a closure is part of the key that the compiled form is kept by
            return
        for g in range(start, stop):
            walked.codes[g] = walk_base(market, policies, state, firsts[g], kept, walked, g)

    def walk_temporals(
        market: Market,
        policies: Policies,
        state: State,
        firsts: Ints,
        bases: Floats,
        base_of: Ints,
        start: int,
        stop: int,
        kept: Ints,
        walked: Walked,
    ) -> None:
        if stamp < 0:
            return
        for g in range(start, stop):
            vega = bases[base_of[g]]
            walked.codes[g] = walk_temporal(market, policies, state, firsts[g], vega, kept, walked, g)

    def walk_seconds(
        market: Market,
        policies: Policies,
        state: State,
        firsts: Ints,
        start: int,
        stop: int,
        kept: Ints,
        walked: Walked,
    ) -> None:
        if stamp < 0:
            return
        for g in range(start, stop):
            walked.codes[g] = walk_second(market, policies, state, firsts[g], kept, walked, g)

    def add_layers(base: Ints, temporal: Ints, second: Ints, groups: Ints, column: int, added: Ints) -> None:
        if stamp < 0:
            return
        for p in range(len(groups)):
            first, next_one, last = base[groups[p, 0]], temporal[groups[p, 1]], second[groups[p, 2]]
            for t in range(added.shape[1]):
                added[p, t] = first[column, t] + next_one[column, t] + last[column, t]

    def measure_layers(base: Ints, temporal: Ints, second: Ints, groups: Ints, sums: Ints, measures: Floats) -> None:
        if stamp < 0:
            return
        for p in range(len(groups)):
            layers = (base[groups[p, 0]], temporal[groups[p, 1]], second[groups[p, 2]])
            sums[:] = 0
            for t in range(base.shape[2]):
                pnl, margin, is_held = 0, 0, False
                for place in range(LAYERS):
                    day = layers[place]
                    measure_day(day[0, t], day[1, t], day[2, t] != 0, sums[place], measures[p, place])
                    pnl += day[0, t]
                    margin += day[1, t]
                    is_held = is_held or day[2, t] != 0
                measure_day(pnl, margin, is_held, sums[LAYERS], measures[p, LAYERS])

    return Walks(
        base=compile_kept(walk_bases),
        temporal=compile_kept(walk_temporals),
        second=compile_kept(walk_seconds),
        add=compile_kept(add_layers),
        measure=compile_kept(measure_layers),
    )
