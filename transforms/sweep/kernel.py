"""The walk of the hedge over many policies, compiled: each close trades, is booked, and decides.

Equal to the cent to `transforms.positions` and `transforms.ledger`; `transforms.sweep.run` compares them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numba

from transforms.sweep.arrays import (
    COLUMNS,
    COST,
    CREDIT_KEPT,
    CURVE,
    DRAWDOWN,
    GAIN_ROLL,
    GAINS_ROLLED,
    HELD_SESSIONS,
    HIGHEST_MARGIN,
    INTEREST,
    INTEREST_UNKNOWN,
    LAYERS,
    MARGIN,
    OK,
    OPTION_MOVE,
    PNL,
    PROTECTION_COST,
    ROLL,
    SHORT_LOSS_USD,
    SHORT_OPEN,
    SQUARES,
    TEMPORAL,
    THETA,
    WORST,
    Floats,
    Ints,
    Market,
    Policies,
    State,
)
from transforms.sweep.compiling import OPTIONS, compiled, compute_stamp
from transforms.sweep.deciding import decide_base, decide_second, decide_temporal
from transforms.sweep.trading import book_marks, round_half_away, set_margin, trade


@compiled
def book_session(market: Market, policies: Policies, state: State, p: int, layer: int, t: int, row: Ints) -> int:
    """Book a session of a layer: interest, marks, settlements and trades, a Time-Shift, collateral."""
    costs = policies.costs[p]
    if state.margin[layer] != 0:
        rate = market.bill_return[t]
        if math.isnan(rate):
            row[INTEREST_UNKNOWN] = 1
        else:
            row[INTEREST] = round_half_away(state.margin[layer] * rate)
    book_marks(market, state, layer, t, row)
    code = trade(market, state, costs, layer, t, row)
    if code != OK:
        return code
    if state.held_count[layer] == 0:
        state.gain[layer] = 0
    if layer == TEMPORAL and policies.is_shift[p, t]:
        rolled = int(max(state.gain[layer], 0) * policies.numbers[p, GAIN_ROLL])
        row[GAINS_ROLLED] += rolled
        row[CREDIT_KEPT] += rolled
        row[PROTECTION_COST] += rolled
        state.gain[layer] = 0
    code = set_margin(market, state, costs, layer)
    row[MARGIN] = state.margin[layer]
    for i in range(state.held_count[layer]):
        row[SHORT_OPEN] += state.short[layer, i]
    row[PNL] = row[ROLL] + row[CURVE] + row[THETA] + row[OPTION_MOVE] + row[COST] + row[INTEREST]
    return code


@compiled
def summarise(state: State, totals: Ints, measures: Floats) -> None:
    """Add a session's rows to what is known of all sessions."""
    rows, peaks = state.rows, state.peaks
    holding = 0
    for layer in range(LAYERS):
        holding += state.held_count[layer]
    for layer in range(LAYERS + 1):
        row, measure = rows[layer], measures[layer]
        for k in range(COLUMNS):
            totals[layer, k] = row[k] if k == SHORT_OPEN else totals[layer, k] + row[k]
        pnl = float(row[PNL])
        measure[SQUARES] += pnl * pnl
        measure[WORST] = min(measure[WORST], pnl)
        peaks[layer] = max(peaks[layer], totals[layer, PNL])
        measure[DRAWDOWN] = max(measure[DRAWDOWN], float(peaks[layer] - totals[layer, PNL]))
        measure[HIGHEST_MARGIN] = max(measure[HIGHEST_MARGIN], float(row[MARGIN]))
        held = state.held_count[layer] if layer < LAYERS else holding
        measure[HELD_SESSIONS] += 1.0 if held > 0 else 0.0


@compiled
def clear(state: State) -> None:
    """Hold and want nothing."""
    for layer in range(LAYERS):
        state.held_count[layer] = 0
        state.want_count[layer] = 0
        state.gain[layer] = 0
        state.margin[layer] = 0
    for layer in range(LAYERS + 1):
        state.peaks[layer] = 0


@compiled
def walk_policy(
    market: Market, policies: Policies, state: State, p: int, kept: Ints, daily: Ints, totals: Ints, measures: Floats
) -> int:
    """Walk one policy through all sessions; return how it ended."""
    clear(state)
    numbers = policies.numbers[p]
    rows = state.rows
    held_column = -1
    sized_steps, sized_front = 0, -1
    is_due = True
    for t in range(len(market.day)):
        for layer in range(LAYERS + 1):
            for k in range(COLUMNS):
                rows[layer, k] = 0
        for layer in range(LAYERS):
            # Of a layer that holds nothing and has no order there is nothing to book.
            if state.held_count[layer] == 0 and state.want_count[layer] == 0 and state.margin[layer] == 0:
                continue
            code = book_session(market, policies, state, p, layer, t, rows[layer])
            if code != OK:
                return code
            for k in range(COLUMNS):
                rows[LAYERS, k] += rows[layer, k]
        summarise(state, totals, measures)
        for layer in range(LAYERS + 1):
            for k in range(len(kept)):
                daily[t, layer, k] = rows[layer, kept[k]]
        held_column = decide_base(
            market, state, numbers, t, policies.base_state[p, t], policies.held_rank[p, t], held_column
        )
        sized_steps, sized_front = decide_temporal(
            market,
            state,
            numbers,
            t,
            policies.steps[p, t],
            policies.held_rank[p, t],
            policies.reading[p],
            sized_steps,
            sized_front,
        )
        is_due, code = decide_second(market, policies, state, numbers[SHORT_LOSS_USD], p, t, is_due)
        if code != OK:
            return code
    return OK


@cache
def compile_walk() -> Callable[..., None]:
    """Return the compiled walk over policies ``start`` to ``stop``.

    The compiled form is kept on disk, beside this file or in the user's cache folder, where one of them can be
    written; the first call of a process then takes a fraction of a second instead of the compilation.
    """
    stamp = compute_stamp()

    def walk_policies(
        market: Market,
        policies: Policies,
        state: State,
        start: int,
        stop: int,
        kept: Ints,
        daily: Ints,
        totals: Ints,
        measures: Floats,
        codes: Ints,
    ) -> None:
        if stamp < 0:  # never: a variable of a closure is part of the key that the compiled form is kept by
            return
        for p in range(start, stop):
            codes[p] = walk_policy(market, policies, state, p, kept, daily[p], totals[p], measures[p])

    try:
        made: Any = numba.njit(**OPTIONS, cache=True)(walk_policies)
    except RuntimeError:  # neither the package nor the user's cache folder can be written
        made = numba.njit(**OPTIONS)(walk_policies)
    found: Callable[..., None] = made
    return found
