"""The pass over the sessions: one function, read by Python and compiled by numba alike.

It takes NumPy arrays and scalars only, makes none, calls no function of ours, and does the same floating-point
operations in the same order either way, so that a compiled path equals a plain one to the last bit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.layers.codes import Guard, LayerState, Mode, Reading, Reason, Roll
from transforms.layers.records import Floats, Truths

# numba knows no IntFlag arithmetic.
_LOSS_LOCK = int(Guard.LOSS_LOCK)
_BUDGET = int(Guard.BUDGET)
_SIGNAL = int(Guard.SIGNAL)
_SIGNAL_UNKNOWN = int(Guard.SIGNAL_UNKNOWN)


class Columns(NamedTuple):
    """LayerInputs with every role filled in, contiguous."""

    front_expiry: npt.NDArray[np.int32]
    vx1_settle_pts: Floats
    vx1_change_pts: Floats
    vx2_change_pts: Floats
    vx1_beta: Floats
    vx2_beta: Floats
    listed: Truths
    roll_early: Truths
    roll_forced: Truths
    arm: Truths
    full: Truths
    leave: Truths
    converge: Truths
    open_shorts: Truths
    close_shorts: Truths
    constructible: Truths
    signal_guards: Truths
    excursions: npt.NDArray[np.int16]


class Numbers(NamedTuple):
    """LayerSettings as plain scalars."""

    is_base_enabled: bool
    is_temporal_vega_enabled: bool
    is_second_engine_enabled: bool
    reading: int
    arm_confirm_days: int
    leave_confirm_days: int
    cooldown_days: int
    max_steps: int
    excursion_steps: int
    loss_lock_frac: float
    yearly_budget_frac: float
    budget_sessions: int
    base_notional_frac: float
    gain_roll_frac: float
    gain_roll_least_frac: float


class Arrays(NamedTuple):
    """LayerPath's arrays."""

    base_state: npt.NDArray[np.int8]
    temporal_state: npt.NDArray[np.int8]
    second_state: npt.NDArray[np.int8]
    base_reason: npt.NDArray[np.int8]
    temporal_reason: npt.NDArray[np.int8]
    second_reason: npt.NDArray[np.int8]
    temporal_steps: npt.NDArray[np.int8]
    base_roll: npt.NDArray[np.int8]
    held_rank: npt.NDArray[np.int8]
    mode: npt.NDArray[np.int8]
    guards: npt.NDArray[np.int8]
    base_pnl_frac: Floats
    temporal_pnl_frac: Floats
    temporal_pnl_since_entry_frac: Floats
    trailing_pnl_frac: Floats
    gains_rolled_frac: Floats


def make_arrays(sessions: int) -> Arrays:
    """Make the room that `walk_sessions` writes to: one array a field, each by the kind that its column has."""
    kinds = {name: np.float64 if name.endswith("_frac") else np.int8 for name in Arrays._fields}
    return Arrays(**{name: np.zeros(sessions, kind) for name, kind in kinds.items()})  # type: ignore[arg-type]  # by name


def walk_sessions(inputs: Columns, numbers: Numbers, path: Arrays, pnl_up_to: Floats) -> None:
    """Walk the layers through the sessions; the rules are told in the package's docstring.

    Parameters
    ----------
    inputs
        Arrays of shape (n,), as in LayerInputs.
    numbers
        As in LayerSettings.
    path
        Arrays of shape (n,), as in LayerPath; every element of every array is written.
    pnl_up_to
        Shape (n + 1,): room for the sum of the known P&L, that up to and with session t at t + 1.
    """
    sessions = len(inputs.front_expiry)
    pnl_up_to[0] = 0.0

    base = LayerState.IDLE
    cycle = 0
    rank = 1

    temporal = LayerState.IDLE
    steps = 0
    arm_closes = 0
    leave_closes = 0
    cooldown_left = 0
    has_been_full = False
    excursions_at_arming = -1
    is_locked = False
    since_entry = 0.0
    front_gain = 0.0

    second = LayerState.IDLE

    # Fractions of NAV per point of the future. Decided at t, traded at t + 1, earning from t + 2 on.
    base_decided, base_traded, base_earning = 0.0, 0.0, 0.0
    front_decided, front_traded, front_earning = 0.0, 0.0, 0.0
    back_decided, back_traded, back_earning = 0.0, 0.0, 0.0
    steps_sized = 0
    rank_earning = 1

    for t in range(sessions):
        # --- 1. P&L of what has been held since the session before -------------------------------------
        base_pnl = 0.0
        if base_earning != 0.0:
            base_pnl = base_earning * (inputs.vx1_change_pts[t] if rank_earning == 1 else inputs.vx2_change_pts[t])
        front_pnl = 0.0
        temporal_pnl = 0.0
        if front_earning != 0.0:
            front_pnl = front_earning * inputs.vx1_change_pts[t]
            temporal_pnl = front_pnl + back_earning * inputs.vx2_change_pts[t]
        path.base_pnl_frac[t] = base_pnl
        path.temporal_pnl_frac[t] = temporal_pnl
        if math.isnan(base_pnl):
            base_pnl = 0.0
        if math.isnan(temporal_pnl):
            temporal_pnl = 0.0
            front_pnl = 0.0

        # --- 2. guards and mode ------------------------------------------------------------------------
        path.temporal_pnl_since_entry_frac[t] = math.nan
        path.gains_rolled_frac[t] = 0.0
        if steps > 0:
            since_entry += temporal_pnl
            front_gain += front_pnl
            path.temporal_pnl_since_entry_frac[t] = since_entry
            if numbers.loss_lock_frac > 0.0 and since_entry <= -numbers.loss_lock_frac:
                is_locked = True
        pnl_up_to[t + 1] = pnl_up_to[t] + base_pnl + temporal_pnl
        trailing = pnl_up_to[t + 1] - pnl_up_to[max(0, t + 1 - numbers.budget_sessions)]
        path.trailing_pnl_frac[t] = trailing

        guards = 0
        veto = Reason.NOT_ENABLED
        # The gravest last: it gives the reason.
        if inputs.signal_guards[t] == -1:
            guards += _SIGNAL_UNKNOWN
            veto = Reason.GUARD_UNKNOWN
        if inputs.signal_guards[t] == 1:
            guards += _SIGNAL
            veto = Reason.GUARD_HOLDS
        if numbers.yearly_budget_frac > 0.0 and trailing <= -numbers.yearly_budget_frac:
            guards += _BUDGET
            veto = Reason.BUDGET_SPENT
        if is_locked:
            guards += _LOSS_LOCK
            veto = Reason.LOSS_LOCK
        is_steward = guards != 0

        # --- 3. temporal layer -------------------------------------------------------------------------
        temporal_reason = Reason.NOT_ENABLED
        if numbers.is_temporal_vega_enabled:
            arm_closes = arm_closes + 1 if inputs.arm[t] == 1 else 0
            if temporal == LayerState.IDLE:
                if cooldown_left > 0:
                    cooldown_left -= 1
                    temporal_reason = Reason.TEMPORAL_COOLDOWN
                elif arm_closes >= numbers.arm_confirm_days:
                    temporal = LayerState.ARMED
                    leave_closes = 0
                    has_been_full = False
                    excursions_at_arming = -1
                elif inputs.arm[t] == -1:
                    temporal_reason = Reason.TEMPORAL_ARM_UNKNOWN
                elif arm_closes > 0:
                    temporal_reason = Reason.TEMPORAL_CONFIRMING
                else:
                    temporal_reason = Reason.TEMPORAL_CALM
            else:
                if inputs.leave[t] == 1:
                    leave_closes += 1
                elif inputs.leave[t] == 0:
                    leave_closes = 0
                if leave_closes >= numbers.leave_confirm_days:
                    temporal = LayerState.IDLE
                    temporal_reason = Reason.TEMPORAL_LEFT if steps > 0 else Reason.TEMPORAL_DISARMED
                    steps = 0
                    is_locked = False
                    cooldown_left = numbers.cooldown_days

            if temporal != LayerState.IDLE:
                if inputs.full[t] == 1:
                    has_been_full = True
                excursions = int(inputs.excursions[t])
                if excursions_at_arming < 0:
                    excursions_at_arming = excursions
                entitled = 1
                if has_been_full:
                    entitled += 1
                if excursions >= 0:
                    entitled += numbers.excursion_steps * max(0, excursions - excursions_at_arming)
                entitled = min(entitled, numbers.max_steps)

                if steps >= entitled:
                    if steps == numbers.max_steps:
                        temporal_reason = Reason.TEMPORAL_ALL_STEPS
                    elif excursions < 0 and numbers.excursion_steps > 0:
                        temporal_reason = Reason.TEMPORAL_EXCURSIONS_UNKNOWN
                    else:
                        temporal_reason = Reason.TEMPORAL_HELD
                elif not is_steward and inputs.converge[t] == 1 and inputs.leave[t] != 1:
                    steps += 1
                    temporal = LayerState.ACTIVE
                    temporal_reason = Reason.TEMPORAL_FURTHER_STEP
                    if steps == 1:
                        temporal_reason = Reason.TEMPORAL_FIRST_STEP
                        since_entry = 0.0
                        front_gain = 0.0
                else:
                    # Without convergence nobody wants a step: a veto is one only of what would be done.
                    # A step on a close that counts towards leaving would be a round trip for its costs.
                    if inputs.leave[t] == 1:
                        temporal_reason = Reason.TEMPORAL_LEAVING
                    elif inputs.converge[t] == 0:
                        temporal_reason = Reason.TEMPORAL_WAITING
                    elif is_steward:
                        temporal_reason = veto
                    else:
                        temporal_reason = Reason.TEMPORAL_CONVERGENCE_UNKNOWN
                    if steps == 0:
                        is_waiting = inputs.leave[t] == 1 or inputs.converge[t] == 0
                        temporal = LayerState.ARMED if is_waiting else LayerState.BLOCKED

        # --- 4. second engine --------------------------------------------------------------------------
        second_reason = Reason.NOT_ENABLED
        if numbers.is_second_engine_enabled:
            if temporal != LayerState.ACTIVE:
                second_reason = Reason.SECOND_NOT_WANTED if second == LayerState.IDLE else Reason.SECOND_LEFT
                second = LayerState.IDLE
            elif second == LayerState.ACTIVE:
                second_reason = Reason.SECOND_HELD
                if inputs.close_shorts[t] == 1:
                    second = LayerState.ARMED
                    second_reason = Reason.SECOND_SHORTS_CLOSED
            else:
                second = LayerState.BLOCKED
                if inputs.close_shorts[t] == 1:
                    second = LayerState.ARMED
                    second_reason = Reason.SECOND_OVERHEATED
                elif inputs.open_shorts[t] == 0:
                    second = LayerState.ARMED
                    second_reason = Reason.SECOND_WAITING
                elif is_steward:
                    second_reason = veto
                elif inputs.constructible[t] == 0:
                    second_reason = Reason.SECOND_NOT_CONSTRUCTIBLE
                elif inputs.constructible[t] == -1:
                    second_reason = Reason.SECOND_CONSTRUCTIBLE_UNKNOWN
                elif inputs.open_shorts[t] == -1:
                    second_reason = Reason.SECOND_OPEN_UNKNOWN
                elif inputs.close_shorts[t] == -1:
                    second_reason = Reason.SECOND_CLOSE_UNKNOWN
                else:
                    second = LayerState.ACTIVE
                    second_reason = Reason.SECOND_OPENED

        # --- 5. base hedge and its roll ----------------------------------------------------------------
        if inputs.front_expiry[t] != 0 and inputs.front_expiry[t] != cycle:
            cycle = int(inputs.front_expiry[t])
            rank = 1
        rank_traded = rank
        roll = Roll.NONE
        base_reason = Reason.NOT_ENABLED
        if numbers.is_base_enabled:
            is_early_due = inputs.roll_early[t] == 1
            base = LayerState.ACTIVE
            if inputs.listed[t] == 0:
                base = LayerState.BLOCKED
                base_reason = Reason.BASE_NOT_LISTED
            elif inputs.listed[t] == -1:
                base = LayerState.BLOCKED
                base_reason = Reason.BASE_LISTED_UNKNOWN
            elif rank == 2:
                base_reason = Reason.BASE_ROLLED_BEFORE
            elif is_early_due and not is_steward and inputs.front_expiry[t] != 0:
                roll = Roll.EARLY
                base_reason = Reason.BASE_ROLLED_EARLY
            elif inputs.roll_forced[t] == 1:
                roll = Roll.FORCED
                base_reason = Reason.BASE_ROLLED_FORCED
                if inputs.roll_early[t] == -1:
                    base_reason = Reason.BASE_ROLLED_UNJUDGED
            elif is_early_due and is_steward:
                base_reason = Reason.BASE_ROLL_REFUSED
            elif is_early_due or inputs.roll_early[t] == -1 or inputs.roll_forced[t] == -1:
                base_reason = Reason.BASE_ROLL_UNKNOWN
            else:
                base_reason = Reason.BASE_HELD
            if roll != Roll.NONE:
                rank = 2

        # --- 6. gains of the front leg -----------------------------------------------------------------
        if steps > 0 and front_gain > 0.0 and front_gain >= numbers.gain_roll_least_frac:
            path.gains_rolled_frac[t] = numbers.gain_roll_frac * front_gain
            front_gain = 0.0

        # --- sizes decided at this close ---------------------------------------------------------------
        unit = math.nan
        if inputs.vx1_settle_pts[t] > 0.0:
            unit = numbers.base_notional_frac / inputs.vx1_settle_pts[t]
        if base == LayerState.ACTIVE and not math.isnan(unit):
            base_decided = unit
        if steps == 0:
            front_decided = 0.0
            back_decided = 0.0
            steps_sized = 0
        else:
            beta_ratio = math.nan
            if inputs.vx1_beta[t] > 0.0 and inputs.vx2_beta[t] > 0.0:
                beta_ratio = inputs.vx1_beta[t] / inputs.vx2_beta[t]
            front = unit * ((1 << steps) - 1)
            if numbers.reading == Reading.EQUAL_VEGA:
                back = -front * beta_ratio
            elif numbers.reading == Reading.CONTRACTS:
                back = -front / 2.0
            elif numbers.reading == Reading.BASE_MATCHED:
                back = -unit * beta_ratio
            else:
                front = -front
                back = -front * beta_ratio
            if not math.isnan(front) and not math.isnan(back):
                front_decided = front
                back_decided = back
                steps_sized = steps
            elif steps != steps_sized:
                front_decided = math.nan
                back_decided = math.nan

        path.base_state[t] = base
        path.temporal_state[t] = temporal
        path.second_state[t] = second
        path.base_reason[t] = base_reason
        path.temporal_reason[t] = temporal_reason
        path.second_reason[t] = second_reason
        path.temporal_steps[t] = steps
        path.base_roll[t] = roll
        path.held_rank[t] = rank if numbers.is_base_enabled else 0
        path.mode[t] = Mode.STEWARD if is_steward else Mode.PROMOTER
        path.guards[t] = guards

        base_earning, base_traded = base_traded, base_decided
        front_earning, front_traded = front_traded, front_decided
        back_earning, back_traded = back_traded, back_decided
        rank_earning = rank_traded
