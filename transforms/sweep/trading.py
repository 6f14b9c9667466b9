"""Trades and ledger of the compiled walk, in whole ticks and cents.

The same roundings and floating-point operations in the same order as `transforms.positions.walk` and
`transforms.ledger.account`, so that every amount comes out equal. Which layer is walked is a constant where these are
compiled in: base and temporal layer hold futures only, the second engine options only.
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
    GAIN,
    HAS_CHANGED,
    HELD_COUNT,
    MARGIN_NOW,
    MARGIN_SHARE,
    MOST_HELD,
    OK,
    OPTION_FEE,
    OPTION_MOVE,
    PROTECTION_COST,
    ROLL,
    SECOND,
    THETA,
    TOO_MANY,
    UNBOUNDED,
    UNKNOWN,
    UNMARKED,
    UNSPLIT,
    VX_FEE,
    VX_SPREAD,
    VXM_FEE,
    WANT_COUNT,
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
def column_of(market: Market, instrument: int) -> int:
    """Column of a future, be it VX or VXM."""
    futures = len(market.expiry)
    return instrument - futures if instrument >= futures else instrument


@compiled
def expiry_of(market: Market, layer: int, instrument: int) -> int:
    """Expiry as ordinal."""
    if layer == SECOND:
        return int(market.option_expiry[instrument - 2 * len(market.expiry)])
    return int(market.expiry[column_of(market, instrument)])


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
def mark(market: Market, layer: int, t: int, instrument: int) -> int:
    """Price in ticks; -1 none."""
    if layer == SECOND:
        row = option_row(market, t, instrument - 2 * len(market.expiry))
        return int(market.option_ticks[row]) if row >= 0 else -1
    return int(market.ticks[column_of(market, instrument), t])


@compiled
def loss_bound(market: Market, instruments: Ints, contracts: Ints, count: int, expiry: int) -> float:
    """As `transforms.positions.sizing.compute_loss_bound` of the options of an expiry."""
    first = 2 * len(market.expiry)
    calls = 0
    for i in range(count):
        if expiry_of(market, SECOND, instruments[i]) == expiry and market.option_is_call[instruments[i] - first]:
            calls += contracts[i]
    if calls < 0:
        return math.inf
    least = 0.0
    for place in range(-1, count):
        settled = 0.0
        if place >= 0:
            if contracts[place] == 0 or expiry_of(market, SECOND, instruments[place]) != expiry:
                continue
            settled = market.option_strike[instruments[place] - first]
        paid = 0.0
        for i in range(count):
            if expiry_of(market, SECOND, instruments[i]) == expiry:
                option = instruments[i] - first
                gap = settled - market.option_strike[option]
                paid += contracts[i] * 100 * max(gap if market.option_is_call[option] else -gap, 0.0)
        least = min(least, paid)
    return -least


@compiled
def trade_cost(market: Market, costs: Floats, layer: int, t: int, instrument: int, contracts: int, share: float) -> int:
    """As `transforms.ledger.rules.compute_trade_cost`."""
    if layer == SECOND:
        spread = market.option_half_spread[option_row(market, t, instrument - 2 * len(market.expiry))]
        return round_half_away(contracts * (100 * spread * share + costs[OPTION_FEE]) * 100)
    if instrument < len(market.expiry):
        return round_half_away(contracts * (1000 * costs[VX_SPREAD] + costs[VX_FEE]) * 100)
    return round_half_away(contracts * (100 * costs[VX_SPREAD] + costs[VXM_FEE]) * 100)


@compiled
def place_of(state: State, instrument: int) -> int:
    """Where an instrument is held; -1 nowhere."""
    for i in range(state.now[HELD_COUNT]):
        if state.held[i] == instrument:
            return i
    return -1


@compiled
def release(state: State, place: int, closed: int) -> None:
    """Realise the part of a short's open P&L that is closed."""
    before = state.contracts[place]
    if before < 0 and closed:
        realised = state.short[place] * closed // abs(before)
        state.short[place] -= realised
        state.row[CREDIT_KEPT] += realised


@compiled
def book_marks(market: Market, state: State, layer: int, t: int) -> None:
    """Book the change of what is held since its last mark: the passage of time, and the rest."""
    row = state.row
    for i in range(state.now[HELD_COUNT]):
        instrument, contracts = state.held[i], state.contracts[i]
        price = mark(market, layer, t, instrument)
        if price < 0:
            row[UNMARKED] += 1
            continue
        if layer == SECOND:
            aged = market.option_aged[option_row(market, t, instrument - 2 * len(market.expiry))]
        else:
            aged = market.aged[column_of(market, instrument), t]
        unit = contracts * cents_a_tick(market, instrument)
        total = unit * (price - state.last[i])
        time = 0 if aged == UNKNOWN else unit * (aged - state.last[i])
        if layer == SECOND:
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
            if layer != SECOND:
                state.now[GAIN] += total
        else:
            state.short[i] += total
        state.last[i] = price


@compiled
def change(market: Market, state: State, costs: Floats, layer: int, t: int, instrument: int, traded: int) -> int:
    """Book a trade: the closing part first, then the opening part."""
    row = state.row
    place = place_of(state, instrument)
    price = mark(market, layer, t, instrument)
    if place < 0:
        place = state.now[HELD_COUNT]
        if place == MOST_HELD:
            return TOO_MANY
        state.now[HELD_COUNT] += 1
        state.held[place] = instrument
        state.contracts[place] = 0
        state.last[place] = price
        state.short[place] = 0
    before = state.contracts[place]
    closed = min(abs(traded), abs(before)) if before * traded < 0 else 0
    opened = abs(traded) - closed
    release(state, place, closed)
    state.contracts[place] += traded
    for part in range(2):
        contracts = closed if part == 0 else opened
        is_short = before < 0 if part == 0 else traded < 0
        if contracts == 0:
            continue
        cost = trade_cost(market, costs, layer, t, instrument, contracts, costs[AT_PART])
        row[COST] -= cost
        row[COST_AT_MID] -= trade_cost(market, costs, layer, t, instrument, contracts, costs[AT_MID])
        row[COST_AT_FULL] -= trade_cost(market, costs, layer, t, instrument, contracts, costs[AT_FULL])
        if is_short:
            row[CREDIT_KEPT] -= cost
        else:
            row[PROTECTION_COST] += cost
            if layer != SECOND:
                state.now[GAIN] -= cost
    if layer == SECOND and traded < 0 and opened:
        spread = market.option_half_spread[option_row(market, t, instrument - 2 * len(market.expiry))]
        row[CREDIT_RECEIVED] += opened * price - round_half_away(opened * 100 * spread * costs[AT_PART] * 100)
    return OK


@compiled
def trade(market: Market, state: State, costs: Floats, layer: int, t: int) -> int:
    """Settle what has expired, and fill the orders that were decided at the close before: all of them or none."""
    instruments, sizes = state.orders[0], state.orders[1]
    day, count, is_settled = market.day[t], 0, False
    for i in range(state.now[HELD_COUNT]):
        instrument = state.held[i]
        if expiry_of(market, layer, instrument) <= day:
            if mark(market, layer, t, instrument) >= 0:
                release(state, i, abs(state.contracts[i]))
                state.contracts[i] = 0
                is_settled = True
            continue
        is_wanted = False
        for j in range(state.now[WANT_COUNT]):
            is_wanted = is_wanted or state.wants[j] == instrument
        if not is_wanted:
            instruments[count], sizes[count] = instrument, -state.contracts[i]
            count += 1
    for j in range(state.now[WANT_COUNT]):
        instrument = state.wants[j]
        place = place_of(state, instrument)
        size = state.wanted[j] - (state.contracts[place] if place >= 0 else 0)
        if size != 0 and expiry_of(market, layer, instrument) > day:
            instruments[count], sizes[count] = instrument, size
            count += 1
    if count == 0 and not is_settled:
        return OK
    is_priced = count > 0
    for i in range(count):
        is_priced = is_priced and mark(market, layer, t, instruments[i]) >= 0
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
            code = change(market, state, costs, layer, t, instruments[i], sizes[i])
            if code != OK:
                return code
    if is_settled or is_priced:
        state.now[HAS_CHANGED] = 1
        left = 0
        for i in range(state.now[HELD_COUNT]):
            if state.contracts[i] != 0:
                for values in (state.held, state.contracts, state.last, state.short):
                    values[left] = values[i]
                left += 1
        state.now[HELD_COUNT] = left
    return OK


@compiled
def set_margin(market: Market, state: State, costs: Floats, layer: int) -> int:
    """As `transforms.ledger.rules.compute_margin`, of what is held at the newest marks."""
    count = state.now[HELD_COUNT]
    held, contracts = state.held, state.contracts
    total = 0.0
    if layer != SECOND:
        for i in range(count):
            total += costs[MARGIN_SHARE] * (abs(contracts[i]) * cents_a_tick(market, held[i]) * state.last[i])
        state.now[MARGIN_NOW] = int(np.rint(total))
        return OK
    if not state.now[HAS_CHANGED]:
        return OK  # that of options hangs on what is held alone
    for i in range(count):
        expiry = expiry_of(market, SECOND, held[i])
        is_first, has_short = True, False
        for j in range(count):
            if expiry_of(market, SECOND, held[j]) == expiry:
                is_first = is_first and j >= i
                has_short = has_short or contracts[j] < 0
        if is_first and has_short:
            bound = loss_bound(market, held, contracts, count, expiry)
            if math.isinf(bound):
                return UNBOUNDED
            total += bound * 100
    state.now[MARGIN_NOW] = int(np.rint(total))
    return OK
