"""The walk of the hedge over many policies, compiled: each close trades, is booked, and decides.

Equal to the cent to `transforms.positions` and `transforms.ledger`; `transforms.sweep.run` compares them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

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
    MOST_HELD,
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
from transforms.sweep.compiling import compiled, compute_stamp
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
def summarise(rows: Ints, state: State, totals: Ints, measures: Floats, peaks: Ints) -> None:
    """Add a session's rows, one a layer and last the portfolio's, to what is known of all sessions."""
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
        if layer < LAYERS:
            measure[HELD_SESSIONS] += 1.0 if state.held_count[layer] > 0 else 0.0
        else:
            measure[HELD_SESSIONS] += 1.0 if state.held_count.max() > 0 else 0.0


@compiled
def walk_policy(
    market: Market, policies: Policies, p: int, kept: Ints, daily: Ints, totals: Ints, measures: Floats
) -> int:
    """Walk one policy through all sessions; return how it ended."""
    legs = max(2, market.calendar_legs.shape[2])
    state = State(
        np.zeros((LAYERS, MOST_HELD), np.int64),
        np.zeros((LAYERS, MOST_HELD), np.int64),
        np.zeros((LAYERS, MOST_HELD), np.int64),
        np.zeros((LAYERS, MOST_HELD), np.int64),
        np.zeros(LAYERS, np.int64),
        np.zeros((LAYERS, legs), np.int64),
        np.zeros((LAYERS, legs), np.int64),
        np.zeros((LAYERS, legs), np.float64),
        np.zeros(LAYERS, np.int64),
        np.zeros(LAYERS, np.int64),
        np.zeros(LAYERS, np.int64),
        np.zeros((2, MOST_HELD + legs), np.int64),
    )
    numbers = policies.numbers[p]
    rows = np.zeros((LAYERS + 1, COLUMNS), np.int64)
    peaks = np.zeros(LAYERS + 1, np.int64)
    held_column = -1
    sized_steps, sized_front = 0, -1
    is_due = True
    for t in range(len(market.day)):
        rows[:] = 0
        for layer in range(LAYERS):
            # Of a layer that holds nothing and has no order there is nothing to book.
            if state.held_count[layer] == 0 and state.want_count[layer] == 0 and state.margin[layer] == 0:
                continue
            code = book_session(market, policies, state, p, layer, t, rows[layer])
            if code != OK:
                return code
            for k in range(COLUMNS):
                rows[LAYERS, k] += rows[layer, k]
        summarise(rows, state, totals, measures, peaks)
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
            codes[p] = walk_policy(market, policies, p, kept, daily[p], totals[p], measures[p])

    try:
        made: Any = numba.njit(nogil=True, cache=True)(walk_policies)
    except RuntimeError:  # neither the package nor the user's cache folder can be written
        made = numba.njit(nogil=True)(walk_policies)
    found: Callable[..., None] = made
    return found
