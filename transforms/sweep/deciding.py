"""Targets of the compiled walk: the decisions of `transforms.positions.targets` at one close."""

from __future__ import annotations

import math

import numpy as np

from transforms.sweep.arrays import (
    ARMED,
    BASE,
    BASE_MATCHED,
    BLOCKED,
    CONTRACTS,
    EQUAL_VEGA,
    HEDGE_RATIO,
    HIGHEST_RANK,
    HIGHEST_USD,
    IDLE,
    LOWEST_USD,
    NOT_LOOKED_UP,
    OK,
    SECOND,
    SLACK,
    TEMPORAL,
    VXM_BELOW,
    WANT_COUNT,
    Floats,
    Market,
    State,
)
from transforms.sweep.compiling import compiled
from transforms.sweep.trading import cents_a_tick, expiry_of, loss_bound, round_half_away


@compiled
def round_nine(number: float) -> float:
    """As ``round(number, 9)`` of Python, which rounds the exact binary value."""
    scaled = number * 1e9
    if not abs(scaled) < 4503599627370496.0:
        return number
    # What the product lost (Dekker): 1e9 has 21 significant bits, so that half a number times it is exact.
    upper = 134217729.0 * number
    upper = upper - (upper - number)
    lost = (upper * 1e9 - scaled) + (number - upper) * 1e9
    whole = np.rint(scaled)
    gap = scaled - whole
    if gap == 0.5 and lost > 0:
        whole += 1.0
    elif gap == -0.5 and lost < 0:
        whole -= 1.0
    return float(whole / 1e9)


@compiled
def column_at(market: Market, t: int, rank: int) -> int:
    """Future of a tenor rank; -1 none."""
    return int(market.ranked[t, rank - 1]) if 1 <= rank <= HIGHEST_RANK else -1


@compiled
def want_future(
    market: Market, state: State, numbers: Floats, t: int, column: int, vega: float, highest: float
) -> None:
    """Add a leg as `transforms.positions.sizing.split_contracts` makes it."""
    is_mini = market.is_mini_listed[t] and abs(vega) / 1000 < numbers[VXM_BELOW]
    multiplier = 100 if is_mini else 1000
    exact = round_nine(vega / multiplier)
    contracts = round_half_away(exact)
    most = highest / multiplier * (1 + 1e-12)
    if abs(contracts) > most:
        contracts = math.floor(most) if contracts > 0 else -math.floor(most)
    place = state.now[WANT_COUNT]
    state.wants[place] = column + (len(market.expiry) if is_mini else 0)
    state.wanted[place] = contracts
    state.exact[place] = exact
    state.now[WANT_COUNT] += 1


@compiled
def keep_unexpired(market: Market, state: State, layer: int, day: int) -> bool:
    """Drop the legs that have expired by a day; tell whether one of them was sold."""
    left, had_short = 0, False
    for i in range(state.now[WANT_COUNT]):
        if expiry_of(market, layer, state.wants[i]) > day:
            state.wants[left] = state.wants[i]
            state.wanted[left] = state.wanted[i]
            state.exact[left] = state.exact[i]
            left += 1
        else:
            had_short = had_short or state.wanted[i] < 0
    state.now[WANT_COUNT] = left
    return had_short


@compiled
def wanted_vega(market: Market, state: State) -> float:
    """Dollars a point that the base wants before rounding; NaN where it wants nothing."""
    if state.now[WANT_COUNT] == 0:
        return math.nan
    return float(state.exact[0] * (cents_a_tick(market, state.wants[0]) * 100))


@compiled
def decide_base(
    market: Market, state: State, numbers: Floats, t: int, layer_state: int, rank: int, held_column: int
) -> int:
    """As `transforms.positions.targets.build_base_targets` at one close; return the contract it is held in."""
    keep_unexpired(market, state, BASE, market.day[t])
    if layer_state == IDLE:
        state.now[WANT_COUNT] = 0
        return held_column
    column = column_at(market, t, rank)
    ticks = market.ticks[column, t] if column >= 0 else -1
    if layer_state == BLOCKED or ticks <= 0:
        return held_column
    price, lowest, highest = ticks / 10000, numbers[LOWEST_USD], numbers[HIGHEST_USD]
    if state.now[WANT_COUNT] == 0 or held_column != column:
        notional = numbers[HEDGE_RATIO] * abs(market.protected_vega_usd[t]) * market.betas[t, rank - 1] * price
        notional = min(max(notional, lowest), highest) if math.isfinite(notional) else lowest
    else:
        multiplier = cents_a_tick(market, state.wants[0]) * 100
        held = abs(state.wanted[0]) * multiplier * price
        exact = abs(state.exact[0]) * multiplier * price
        if held > highest * (1 + numbers[SLACK]):
            notional = highest
        elif max(held, exact) < lowest * (1 - numbers[SLACK]):
            notional = lowest
        else:
            return held_column
    state.now[WANT_COUNT] = 0
    want_future(market, state, numbers, t, column, notional / price, highest / price)
    return column


@compiled
def decide_temporal(
    market: Market,
    state: State,
    numbers: Floats,
    t: int,
    steps: int,
    rank: int,
    reading: int,
    base_vega: float,
    sized_steps: int,
    sized_front: int,
) -> tuple[int, int]:
    """As `transforms.positions.targets.build_temporal_targets` at one close; return what it is sized for.

    Of the base it takes `wanted_vega` of the same close, and nothing else.
    """
    keep_unexpired(market, state, TEMPORAL, market.day[t])
    if steps == 0:
        state.now[WANT_COUNT] = 0
        return 0, -1
    rank = max(rank, 1)
    front, back = column_at(market, t, rank), column_at(market, t, rank + 1)
    if front < 0 or (sized_steps == steps and sized_front == front) or back < 0 or rank >= HIGHEST_RANK:
        return sized_steps, sized_front
    base = base_vega
    if math.isnan(base):
        ticks = market.ticks[front, t]
        base = numbers[LOWEST_USD] / (ticks / 10000) if ticks > 0 else math.nan
    front_beta, back_beta = market.betas[t, rank - 1], market.betas[t, rank]
    ratio = front_beta / back_beta if front_beta > 0 and back_beta > 0 else math.nan
    front_vega = base * float((1 << steps) - 1)
    if reading == EQUAL_VEGA:
        back_vega = -front_vega * ratio
    elif reading == CONTRACTS:
        back_vega = -front_vega / 2
    elif reading == BASE_MATCHED:
        back_vega = -base * ratio
    else:
        back_vega = front_vega * ratio
        front_vega = -front_vega
    if math.isnan(front_vega) or math.isnan(back_vega):
        return sized_steps, sized_front
    state.now[WANT_COUNT] = 0
    want_future(market, state, numbers, t, front, front_vega, math.inf)
    want_future(market, state, numbers, t, back, back_vega, math.inf)
    return steps, front


@compiled
def drop_shorts(market: Market, state: State) -> None:
    """Give up every expiry of the second engine that holds a short."""
    count, left = state.now[WANT_COUNT], 0
    for i in range(count):
        is_given_up = False
        for j in range(count):
            is_same = expiry_of(market, SECOND, state.wants[j]) == expiry_of(market, SECOND, state.wants[i])
            is_given_up = is_given_up or (is_same and state.wanted[j] < 0)
        state.orders[0, i] = 0 if is_given_up else 1
    for i in range(count):
        if state.orders[0, i] == 1:
            state.wants[left] = state.wants[i]
            state.wanted[left] = state.wanted[i]
            left += 1
    state.now[WANT_COUNT] = left


@compiled
def construct(market: Market, state: State, limit: float, t: int, calendar: int) -> int:
    """Want the calendars of a session, as many as the limit on the shorts' loss allows: 1 made, 0 not, -1 unknown."""
    if calendar >= len(market.calendar_bound):
        return -1
    bound = market.calendar_bound[calendar, t] if calendar >= 0 else 0.0
    if bound < 0:
        return -1
    if bound == 0:
        return 0
    count = math.floor(limit / bound + 1e-9)
    if count == 0:
        return 0
    legs = 0
    instruments, contracts = state.orders[0], state.orders[1]
    for k in range(market.calendar_legs.shape[2]):
        if market.calendar_legs[calendar, t, k] >= 0:
            instruments[legs] = market.calendar_legs[calendar, t, k] + 2 * len(market.expiry)
            contracts[legs] = market.calendar_sides[calendar, t, k] * count
            legs += 1
    for i in range(legs):
        if contracts[i] < 0:
            loss = loss_bound(market, instruments, contracts, legs, expiry_of(market, SECOND, instruments[i]))
            if math.isinf(loss) or loss > limit:
                return 0
    for i in range(legs):
        state.wants[i] = instruments[i]
        state.wanted[i] = contracts[i]
    state.now[WANT_COUNT] = legs
    return 1


@compiled
def decide_second(
    market: Market, state: State, limit: float, t: int, calendar: int, layer_state: int, may_open: int, is_due: bool
) -> tuple[bool, int]:
    """As `transforms.positions.targets.build_second_engine_targets` at one close; whether the shorts are due."""
    is_due = keep_unexpired(market, state, SECOND, market.day[t]) or is_due
    if layer_state == IDLE:
        state.now[WANT_COUNT] = 0
        return True, OK
    if layer_state == BLOCKED:
        return is_due, OK
    if layer_state == ARMED:
        drop_shorts(market, state)
        return True, OK
    if (not is_due and state.now[WANT_COUNT] > 0) or may_open == 0:
        return is_due, OK
    made = construct(market, state, limit, t, calendar)
    if made < 0:
        return is_due, NOT_LOOKED_UP
    return (False if made else is_due), OK
