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
    STEWARD,
    TEMPORAL,
    VXM_BELOW,
    Floats,
    Market,
    Policies,
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
    market: Market, state: State, numbers: Floats, layer: int, t: int, column: int, vega: float, highest: float
) -> None:
    """Add a leg as `transforms.positions.sizing.split_contracts` makes it."""
    is_mini = market.is_mini_listed[t] and abs(vega) / 1000 < numbers[VXM_BELOW]
    multiplier = 100 if is_mini else 1000
    exact = round_nine(vega / multiplier)
    contracts = round_half_away(exact)
    most = highest / multiplier * (1 + 1e-12)
    if abs(contracts) > most:
        contracts = math.floor(most) if contracts > 0 else -math.floor(most)
    place = state.want_count[layer]
    state.wants[layer, place] = column + (len(market.expiry) if is_mini else 0)
    state.wanted[layer, place] = contracts
    state.exact[layer, place] = exact
    state.want_count[layer] += 1


@compiled
def keep_unexpired(market: Market, state: State, layer: int, day: int) -> bool:
    """Drop the legs that have expired by a day; tell whether one of them was sold."""
    left, had_short = 0, False
    for i in range(state.want_count[layer]):
        if expiry_of(market, state.wants[layer, i]) > day:
            state.wants[layer, left] = state.wants[layer, i]
            state.wanted[layer, left] = state.wanted[layer, i]
            state.exact[layer, left] = state.exact[layer, i]
            left += 1
        else:
            had_short = had_short or state.wanted[layer, i] < 0
    state.want_count[layer] = left
    return had_short


@compiled
def decide_base(
    market: Market, state: State, numbers: Floats, t: int, layer_state: int, rank: int, held_column: int
) -> int:
    """As `transforms.positions.targets.build_base_targets` at one close; return the contract it is held in."""
    keep_unexpired(market, state, BASE, market.day[t])
    if layer_state == IDLE:
        state.want_count[BASE] = 0
        return held_column
    column = column_at(market, t, rank)
    ticks = market.ticks[column, t] if column >= 0 else -1
    if layer_state == BLOCKED or ticks <= 0:
        return held_column
    price, lowest, highest = ticks / 10000, numbers[LOWEST_USD], numbers[HIGHEST_USD]
    if state.want_count[BASE] == 0 or held_column != column:
        notional = numbers[HEDGE_RATIO] * abs(market.protected_vega_usd[t]) * market.betas[t, rank - 1] * price
        notional = min(max(notional, lowest), highest) if math.isfinite(notional) else lowest
    else:
        multiplier = cents_a_tick(market, state.wants[BASE, 0]) * 100
        held = abs(state.wanted[BASE, 0]) * multiplier * price
        exact = abs(state.exact[BASE, 0]) * multiplier * price
        if held > highest * (1 + numbers[SLACK]):
            notional = highest
        elif max(held, exact) < lowest * (1 - numbers[SLACK]):
            notional = lowest
        else:
            return held_column
    state.want_count[BASE] = 0
    want_future(market, state, numbers, BASE, t, column, notional / price, highest / price)
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
    sized_steps: int,
    sized_front: int,
) -> tuple[int, int]:
    """As `transforms.positions.targets.build_temporal_targets` at one close; return what it is sized for."""
    keep_unexpired(market, state, TEMPORAL, market.day[t])
    if steps == 0:
        state.want_count[TEMPORAL] = 0
        return 0, -1
    rank = max(rank, 1)
    front, back = column_at(market, t, rank), column_at(market, t, rank + 1)
    if front < 0 or (sized_steps == steps and sized_front == front) or back < 0 or rank >= HIGHEST_RANK:
        return sized_steps, sized_front
    if state.want_count[BASE] > 0:
        base = state.exact[BASE, 0] * (cents_a_tick(market, state.wants[BASE, 0]) * 100)
    else:
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
    state.want_count[TEMPORAL] = 0
    want_future(market, state, numbers, TEMPORAL, t, front, front_vega, math.inf)
    want_future(market, state, numbers, TEMPORAL, t, back, back_vega, math.inf)
    return steps, front


@compiled
def drop_shorts(market: Market, state: State) -> None:
    """Give up every expiry of the second engine that holds a short."""
    count, left = state.want_count[SECOND], 0
    for i in range(count):
        is_given_up = False
        for j in range(count):
            is_same = expiry_of(market, state.wants[SECOND, j]) == expiry_of(market, state.wants[SECOND, i])
            is_given_up = is_given_up or (is_same and state.wanted[SECOND, j] < 0)
        state.orders[0, i] = 0 if is_given_up else 1
    for i in range(count):
        if state.orders[0, i] == 1:
            state.wants[SECOND, left] = state.wants[SECOND, i]
            state.wanted[SECOND, left] = state.wanted[SECOND, i]
            left += 1
    state.want_count[SECOND] = left


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
            loss = loss_bound(market, instruments, contracts, legs, expiry_of(market, instruments[i]))
            if math.isinf(loss) or loss > limit:
                return 0
    for i in range(legs):
        state.wants[SECOND, i] = instruments[i]
        state.wanted[SECOND, i] = contracts[i]
    state.want_count[SECOND] = legs
    return 1


@compiled
def decide_second(
    market: Market, policies: Policies, state: State, limit: float, p: int, t: int, is_due: bool
) -> tuple[bool, int]:
    """As `transforms.positions.targets.build_second_engine_targets` at one close; whether the shorts are due."""
    is_due = keep_unexpired(market, state, SECOND, market.day[t]) or is_due
    layer_state = policies.second_state[p, t]
    if layer_state == IDLE:
        state.want_count[SECOND] = 0
        return True, OK
    if layer_state == BLOCKED:
        return is_due, OK
    if layer_state == ARMED:
        drop_shorts(market, state)
        return True, OK
    is_held = not is_due and state.want_count[SECOND] > 0
    if is_held or policies.mode[p, t] == STEWARD or policies.may_open[p, t] != 1:
        return is_due, OK
    made = construct(market, state, limit, t, policies.calendar[p])
    if made < 0:
        return is_due, NOT_LOOKED_UP
    return (False if made else is_due), OK
