"""Trades and ledger of the compiled walk, in whole ticks and cents.

The same roundings and floating-point operations in the same order as `transforms.positions.walk` and
`transforms.ledger.account`, so that every amount comes out equal.
"""

from __future__ import annotations

import math

import numpy as np

from transforms.sweep.arrays import (
    AT_FULL,
    AT_MID,
    AT_PART,
    COST,
    COST_AT_FULL,
    COST_AT_MID,
    CREDIT_KEPT,
    CREDIT_RECEIVED,
    CURVE,
    MARGIN_SHARE,
    MOST_HELD,
    OK,
    OPTION_FEE,
    OPTION_MOVE,
    PROTECTION_COST,
    ROLL,
    THETA,
    TOO_MANY,
    UNBOUNDED,
    UNKNOWN,
    UNMARKED,
    UNSPLIT,
    VX_FEE,
    VX_SPREAD,
    VXM_FEE,
    Floats,
    Ints,
    Market,
    State,
)
from transforms.sweep.compiling import compiled


@compiled
def round_half_away(number: float) -> int:
    """As `transforms.positions.money.round_half_away`."""
    return math.floor(number + 0.5) if number >= 0 else -math.floor(-number + 0.5)


@compiled
def expiry_of(market: Market, instrument: int) -> int:
    """Expiry as ordinal."""
    futures = len(market.expiry)
    if instrument < 2 * futures:
        return int(market.expiry[instrument % futures])
    return int(market.option_expiry[instrument - 2 * futures])


@compiled
def cents_a_tick(market: Market, instrument: int) -> int:
    """10 for VX, 1 for VXM and options."""
    return 10 if instrument < len(market.expiry) else 1


@compiled
def option_row(market: Market, t: int, option: int) -> int:
    """Where the row of an option in a session stands; -1 none."""
    start, end = market.option_offset[option], market.option_offset[option + 1]
    row = start + t - market.option_first[option]
    return int(row) if start <= row < end else -1


@compiled
def mark(market: Market, t: int, instrument: int) -> int:
    """Price in ticks; -1 none."""
    futures = len(market.expiry)
    if instrument < 2 * futures:
        return int(market.ticks[instrument % futures, t])
    row = option_row(market, t, instrument - 2 * futures)
    return int(market.option_ticks[row]) if row >= 0 else -1


@compiled
def loss_bound(market: Market, instruments: Ints, contracts: Ints, count: int, expiry: int) -> float:
    """As `transforms.positions.sizing.compute_loss_bound` of the options of an expiry."""
    first = 2 * len(market.expiry)
    calls = 0
    for i in range(count):
        if expiry_of(market, instruments[i]) == expiry and market.option_is_call[instruments[i] - first]:
            calls += contracts[i]
    if calls < 0:
        return math.inf
    least = 0.0
    for place in range(-1, count):
        settled = 0.0
        if place >= 0:
            if contracts[place] == 0 or expiry_of(market, instruments[place]) != expiry:
                continue
            settled = market.option_strike[instruments[place] - first]
        paid = 0.0
        for i in range(count):
            if expiry_of(market, instruments[i]) == expiry:
                option = instruments[i] - first
                gap = settled - market.option_strike[option]
                paid += contracts[i] * 100 * max(gap if market.option_is_call[option] else -gap, 0.0)
        least = min(least, paid)
    return -least


@compiled
def trade_cost(market: Market, costs: Floats, t: int, instrument: int, contracts: int, share: float) -> int:
    """As `transforms.ledger.rules.compute_trade_cost`."""
    futures = len(market.expiry)
    if instrument < futures:
        return round_half_away(contracts * (1000 * costs[VX_SPREAD] + costs[VX_FEE]) * 100)
    if instrument < 2 * futures:
        return round_half_away(contracts * (100 * costs[VX_SPREAD] + costs[VXM_FEE]) * 100)
    spread = market.option_half_spread[option_row(market, t, instrument - 2 * futures)]
    return round_half_away(contracts * (100 * spread * share + costs[OPTION_FEE]) * 100)


@compiled
def place_of(state: State, layer: int, instrument: int) -> int:
    """Where an instrument is held; -1 nowhere."""
    for i in range(state.held_count[layer]):
        if state.held[layer, i] == instrument:
            return i
    return -1


@compiled
def release(state: State, layer: int, place: int, closed: int, row: Ints) -> None:
    """Realise the part of a short's open P&L that is closed."""
    before = state.contracts[layer, place]
    if before < 0 and closed:
        realised = state.short[layer, place] * closed // abs(before)
        state.short[layer, place] -= realised
        row[CREDIT_KEPT] += realised


@compiled
def book_marks(market: Market, state: State, layer: int, t: int, row: Ints) -> None:
    """Book the change of what is held since its last mark: the passage of time, and the rest."""
    futures = len(market.expiry)
    for i in range(state.held_count[layer]):
        instrument, contracts = state.held[layer, i], state.contracts[layer, i]
        price = mark(market, t, instrument)
        if price < 0:
            row[UNMARKED] += 1
            continue
        unit = contracts * cents_a_tick(market, instrument)
        is_option = instrument >= 2 * futures
        if is_option:
            aged = market.option_aged[option_row(market, t, instrument - 2 * futures)]
        else:
            aged = market.aged[instrument % futures, t]
        total = unit * (price - state.last[layer, i])
        time = 0 if aged == UNKNOWN else unit * (aged - state.last[layer, i])
        if is_option:
            row[THETA] += time
            row[OPTION_MOVE] += total - time
        else:
            row[ROLL] += time
            row[CURVE] += total - time
            row[CREDIT_RECEIVED] += max(time, 0)
        if aged == UNKNOWN:
            row[UNSPLIT] += total
        if contracts > 0:
            row[PROTECTION_COST] -= total
            if not is_option:
                state.gain[layer] += total
        else:
            state.short[layer, i] += total
        state.last[layer, i] = price


@compiled
def change(
    market: Market, state: State, costs: Floats, layer: int, t: int, row: Ints, instrument: int, traded: int
) -> int:
    """Book a trade: the closing part first, then the opening part."""
    place = place_of(state, layer, instrument)
    price = mark(market, t, instrument)
    if place < 0:
        place = state.held_count[layer]
        if place == MOST_HELD:
            return TOO_MANY
        state.held_count[layer] += 1
        state.held[layer, place] = instrument
        state.contracts[layer, place] = 0
        state.last[layer, place] = price
        state.short[layer, place] = 0
    before = state.contracts[layer, place]
    closed = min(abs(traded), abs(before)) if before * traded < 0 else 0
    opened = abs(traded) - closed
    release(state, layer, place, closed, row)
    state.contracts[layer, place] += traded
    is_option = instrument >= 2 * len(market.expiry)
    for part in range(2):
        contracts = closed if part == 0 else opened
        is_short = before < 0 if part == 0 else traded < 0
        if contracts == 0:
            continue
        cost = trade_cost(market, costs, t, instrument, contracts, costs[AT_PART])
        row[COST] -= cost
        row[COST_AT_MID] -= trade_cost(market, costs, t, instrument, contracts, costs[AT_MID])
        row[COST_AT_FULL] -= trade_cost(market, costs, t, instrument, contracts, costs[AT_FULL])
        if is_short:
            row[CREDIT_KEPT] -= cost
        else:
            row[PROTECTION_COST] += cost
            if not is_option:
                state.gain[layer] -= cost
    if traded < 0 and opened and is_option:
        spread = market.option_half_spread[option_row(market, t, instrument - 2 * len(market.expiry))]
        row[CREDIT_RECEIVED] += opened * price - round_half_away(opened * 100 * spread * costs[AT_PART] * 100)
    return OK


@compiled
def trade(market: Market, state: State, costs: Floats, layer: int, t: int, row: Ints) -> int:
    """Settle what has expired, and fill the orders that were decided at the close before: all of them or none."""
    instruments, sizes = state.orders[0], state.orders[1]
    day, count = market.day[t], 0
    for i in range(state.held_count[layer]):
        instrument = state.held[layer, i]
        if expiry_of(market, instrument) <= day:
            if mark(market, t, instrument) >= 0:
                release(state, layer, i, abs(state.contracts[layer, i]), row)
                state.contracts[layer, i] = 0
            continue
        is_wanted = False
        for j in range(state.want_count[layer]):
            is_wanted = is_wanted or state.wants[layer, j] == instrument
        if not is_wanted:
            instruments[count], sizes[count] = instrument, -state.contracts[layer, i]
            count += 1
    for j in range(state.want_count[layer]):
        instrument = state.wants[layer, j]
        place = place_of(state, layer, instrument)
        size = state.wanted[layer, j] - (state.contracts[layer, place] if place >= 0 else 0)
        if size != 0 and expiry_of(market, instrument) > day:
            instruments[count], sizes[count] = instrument, size
            count += 1
    is_priced = True
    for i in range(count):
        is_priced = is_priced and mark(market, t, instruments[i]) >= 0
    if is_priced:
        for i in range(1, count):  # sales first, then by code: what is held keeps that order
            for j in range(i, 0, -1):
                is_before = sizes[j] < sizes[j - 1] or (
                    sizes[j] == sizes[j - 1] and instruments[j] < instruments[j - 1]
                )
                if not is_before:
                    break
                sizes[j], sizes[j - 1] = sizes[j - 1], sizes[j]
                instruments[j], instruments[j - 1] = instruments[j - 1], instruments[j]
        for i in range(count):
            code = change(market, state, costs, layer, t, row, instruments[i], sizes[i])
            if code != OK:
                return code
    left = 0
    for i in range(state.held_count[layer]):
        if state.contracts[layer, i] != 0:
            for values in (state.held, state.contracts, state.last, state.short):
                values[layer, left] = values[layer, i]
            left += 1
    state.held_count[layer] = left
    return OK


@compiled
def set_margin(market: Market, state: State, costs: Floats, layer: int) -> int:
    """As `transforms.ledger.rules.compute_margin`, of what is held at the newest marks."""
    count = state.held_count[layer]
    held, contracts = state.held[layer], state.contracts[layer]
    first = 2 * len(market.expiry)
    total = 0.0
    for i in range(count):
        if held[i] < first:
            total += costs[MARGIN_SHARE] * (abs(contracts[i]) * cents_a_tick(market, held[i]) * state.last[layer, i])
    for i in range(count):
        if held[i] < first:
            continue
        expiry = expiry_of(market, held[i])
        is_first, has_short = True, False
        for j in range(count):
            if expiry_of(market, held[j]) == expiry:
                is_first = is_first and j >= i
                has_short = has_short or contracts[j] < 0
        if is_first and has_short:
            bound = loss_bound(market, held, contracts, count, expiry)
            if math.isinf(bound):
                return UNBOUNDED
            total += bound * 100
    state.margin[layer] = int(np.rint(total))
    return OK
