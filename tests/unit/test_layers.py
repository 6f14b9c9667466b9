"""One behaviour of the layers' machine each. Truths are written as strings: 1 true, 0 false, ? not evaluable."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from transforms.layers import (
    Guard,
    Layer,
    LayerInputs,
    LayerPath,
    LayerSettings,
    LayerState,
    Mode,
    Reading,
    Reason,
    Roll,
    describe_reason,
    list_transitions,
    run_layers,
    run_many_layers,
)
from transforms.layers.machine import Arrays, Columns, Numbers

IDLE, ARMED, ACTIVE, BLOCKED = LayerState
# base 0.01 / 16 a point; two betas to one
SETTLE, UNIT = 16.0, 0.01 / 16
UNGUARDED = {"loss_lock_frac": 0.0, "yearly_budget_frac": 0.0}


def make_inputs(**columns: Any) -> LayerInputs:
    """Build inputs of the length of the given columns; what is not given is calm and known."""
    sessions = max(len(column) for column in columns.values())
    made: dict[str, Any] = {
        "front_expiry": [9] * sessions,
        "vx1_settle_pts": [SETTLE] * sessions,
        "vx1_change_pts": [0.0] * sessions,
        "vx2_change_pts": [0.0] * sessions,
        "vx1_beta": [0.5] * sessions,
        "vx2_beta": [0.25] * sessions,
    }
    for name, column in columns.items():
        is_truth = isinstance(column, str)
        made[name] = [{"1": 1, "0": 0, "?": -1}[mark] for mark in column] if is_truth else column
    types = {"front_expiry": np.int32, "excursions": np.int16}
    return LayerInputs(
        **{
            name: np.array(column, types.get(name, np.float64 if name.startswith(("vx1", "vx2")) else np.int8))
            for name, column in made.items()
        }
    )


def run(settings: dict[str, Any] | None = None, **columns: Any) -> LayerPath:
    return run_layers(make_inputs(**columns), LayerSettings(**(settings or {})))


def temporal(path: LayerPath) -> list[tuple[LayerState, int]]:
    return [(LayerState(s), n) for s, n in zip(path.temporal_state.tolist(), path.temporal_steps.tolist(), strict=True)]


def edges(path: LayerPath, layer: Layer) -> list[tuple[int, int, LayerState, LayerState]]:
    """Session, place within the layer's session, from, to."""
    found: list[tuple[int, int, LayerState, LayerState]] = []
    for entry in list_transitions(path):
        if entry.layer == layer:
            place = 1 + sum(1 for earlier in found if earlier[0] == entry.session)
            found.append((entry.session, place, entry.from_state, entry.to_state))
    return found


# --- temporal layer ------------------------------------------------------------------------------------------


def test_temporal_layer_arms_and_takes_its_first_step_in_one_session() -> None:
    path = run(arm="01", converge="11")
    assert temporal(path) == [(IDLE, 0), (ACTIVE, 1)]
    assert edges(path, Layer.TEMPORAL_VEGA) == [(1, 1, IDLE, ARMED), (1, 2, ARMED, ACTIVE)]
    assert [entry.reason for entry in list_transitions(path) if entry.layer == Layer.TEMPORAL_VEGA] == [
        Reason.TEMPORAL_ARMED,
        Reason.TEMPORAL_FIRST_STEP,
    ]


def test_temporal_layer_waits_armed_for_convergence() -> None:
    path = run(arm="100", converge="001")
    assert temporal(path) == [(ARMED, 0), (ARMED, 0), (ACTIVE, 1)]
    assert path.temporal_reason[0] == Reason.TEMPORAL_WAITING


def test_temporal_layer_arms_only_after_enough_closes_in_a_row() -> None:
    path = run({"arm_confirm_days": 2}, arm="101?11", converge="000000")
    assert [state for state, _ in temporal(path)] == [IDLE, IDLE, IDLE, IDLE, IDLE, ARMED]
    assert path.temporal_reason[0] == Reason.TEMPORAL_CONFIRMING


def test_temporal_layer_does_not_arm_on_an_unknown() -> None:
    path = run(arm="?", converge="1")
    assert temporal(path) == [(IDLE, 0)]
    assert path.temporal_reason[0] == Reason.TEMPORAL_ARM_UNKNOWN


def test_temporal_layer_takes_one_step_a_session_up_to_what_it_is_entitled_to() -> None:
    path = run(arm="10000", full="11000", converge="11111")
    assert [steps for _, steps in temporal(path)] == [1, 2, 2, 2, 2]
    assert path.temporal_reason[1:3].tolist() == [Reason.TEMPORAL_FURTHER_STEP, Reason.TEMPORAL_HELD]


def test_temporal_layer_takes_a_later_step_for_a_full_level_seen_without_convergence() -> None:
    path = run(arm="1000", full="0100", converge="1001")
    assert [steps for _, steps in temporal(path)] == [1, 1, 1, 2]
    assert path.temporal_reason[1] == Reason.TEMPORAL_WAITING


def test_temporal_layer_takes_a_step_for_each_excursion_beyond_those_at_arming() -> None:
    path = run(arm="1000", converge="1111", excursions=[1, 1, 2, 3])
    assert [steps for _, steps in temporal(path)] == [1, 1, 2, 3]
    assert path.temporal_reason[3] == Reason.TEMPORAL_FURTHER_STEP


def test_temporal_layer_ignores_excursions_where_the_policy_does() -> None:
    path = run({"excursion_steps": 0}, arm="10", converge="11", excursions=[0, 2])
    assert [steps for _, steps in temporal(path)] == [1, 1]


def test_temporal_layer_takes_no_step_for_unknown_excursions() -> None:
    path = run(arm="100", converge="111", excursions=[0, -1, 2])
    assert [steps for _, steps in temporal(path)] == [1, 1, 2]
    assert path.temporal_reason[1] == Reason.TEMPORAL_EXCURSIONS_UNKNOWN


def test_temporal_layer_armed_on_unknown_excursions_counts_from_the_first_known() -> None:
    path = run(arm="1000", converge="1111", excursions=[-1, 2, 2, 3])
    assert [steps for _, steps in temporal(path)] == [1, 1, 1, 2]


def test_temporal_layer_takes_no_more_than_the_most_steps() -> None:
    path = run({"max_steps": 2}, arm="100", full="111", converge="111", excursions=[0, 3, 3])
    assert [steps for _, steps in temporal(path)] == [1, 2, 2]
    assert path.temporal_reason[2] == Reason.TEMPORAL_ALL_STEPS


def test_temporal_layer_leaves_after_enough_closes_and_takes_all_steps_off() -> None:
    path = run(arm="100000", full="110000", converge="111111", leave="001011")
    assert temporal(path)[4:] == [(ACTIVE, 2), (IDLE, 0)]
    assert path.temporal_reason[5] == Reason.TEMPORAL_LEFT
    assert edges(path, Layer.TEMPORAL_VEGA)[-1] == (5, 1, ACTIVE, IDLE)


def test_temporal_layer_leaves_from_armed_too() -> None:
    path = run(arm="100", converge="000", leave="011")
    assert edges(path, Layer.TEMPORAL_VEGA) == [(0, 1, IDLE, ARMED), (2, 1, ARMED, IDLE)]


def test_unknown_never_takes_protection_away() -> None:
    path = run(arm="1??????", converge="1??????", leave="0??1???", full="0??????", signal_guards="0??????")
    assert temporal(path) == [(ACTIVE, 1)] * 7


def test_unknown_leaving_close_does_not_reset_the_count() -> None:
    path = run(arm="1000", converge="1111", leave="01?1")
    assert [state for state, _ in temporal(path)] == [ACTIVE, ACTIVE, ACTIVE, IDLE]


def test_leaving_closes_before_arming_do_not_count() -> None:
    path = run(arm="0010", converge="1111", leave="11??")
    assert [state for state, _ in temporal(path)] == [IDLE, IDLE, ACTIVE, ACTIVE]


def test_unknown_convergence_blocks_the_first_step() -> None:
    path = run(arm="1000", converge="?0?1")
    assert temporal(path) == [(BLOCKED, 0), (ARMED, 0), (BLOCKED, 0), (ACTIVE, 1)]
    assert path.temporal_reason[0] == Reason.TEMPORAL_CONVERGENCE_UNKNOWN
    assert edges(path, Layer.TEMPORAL_VEGA)[:2] == [(0, 1, IDLE, ARMED), (0, 2, ARMED, BLOCKED)]


def test_unknown_convergence_blocks_a_further_step_and_keeps_the_layer_active() -> None:
    path = run(arm="10", full="11", converge="1?")
    assert temporal(path)[1] == (ACTIVE, 1)
    assert path.temporal_reason[1] == Reason.TEMPORAL_CONVERGENCE_UNKNOWN


def test_convergence_is_not_asked_for_where_the_policy_has_no_such_rule() -> None:
    assert temporal(run(arm="1")) == [(ACTIVE, 1)]


def test_temporal_layer_without_an_arming_rule_stays_idle() -> None:
    assert temporal(run(converge="11")) == [(IDLE, 0), (IDLE, 0)]


def test_cooldown_keeps_the_layer_idle_for_whole_sessions() -> None:
    path = run({"cooldown_days": 2, "leave_confirm_days": 1}, arm="101111", converge="111111", leave="010000")
    assert [state for state, _ in temporal(path)] == [ACTIVE, IDLE, IDLE, IDLE, ACTIVE, ACTIVE]
    assert path.temporal_reason[2:4].tolist() == [Reason.TEMPORAL_COOLDOWN] * 2


def test_without_a_cooldown_the_session_after_leaving_may_arm() -> None:
    path = run({"leave_confirm_days": 1}, arm="111", converge="111", leave="010")
    assert [state for state, _ in temporal(path)] == [ACTIVE, IDLE, ACTIVE]


# --- governor ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "reason", "guard"),
    [("1", Reason.GUARD_HOLDS, Guard.SIGNAL), ("?", Reason.GUARD_UNKNOWN, Guard.SIGNAL_UNKNOWN)],
)
def test_steward_takes_no_first_step(mark: str, reason: Reason, guard: Guard) -> None:
    path = run(arm="10", converge="11", signal_guards=f"{mark}0")
    assert temporal(path) == [(BLOCKED, 0), (ACTIVE, 1)]
    assert path.mode.tolist() == [Mode.STEWARD, Mode.PROMOTER]
    assert (path.temporal_reason[0], path.guards[0]) == (reason, guard)


def test_steward_keeps_the_steps_that_are_on_and_takes_no_further_one() -> None:
    path = run(arm="100", full="011", converge="111", signal_guards="010")
    assert temporal(path) == [(ACTIVE, 1), (ACTIVE, 1), (ACTIVE, 2)]
    assert path.temporal_reason[1] == Reason.GUARD_HOLDS


def test_loss_since_entry_locks_until_the_layer_has_left() -> None:
    # one step: the front leg loses 16 points x 0.01/16 = 1% of NAV, two sessions after its decision
    path = run(
        {"yearly_budget_frac": 0.0, "is_base_enabled": False},
        arm="1000001",
        full="0011000",
        converge="1111111",
        leave="0000110",
        vx1_change_pts=[0, 0, -16, 16, 0, 0, 0],
    )
    assert path.temporal_pnl_since_entry_frac[2] == pytest.approx(-0.01)
    assert path.guards.tolist() == [0, 0, 1, 1, 1, 1, 0]
    assert temporal(path) == [(ACTIVE, 1)] * 5 + [(IDLE, 0), (ACTIVE, 1)]
    assert path.temporal_reason[3] == Reason.LOSS_LOCK


@pytest.mark.parametrize(("fall", "guard"), [(8.0, Guard.LOSS_LOCK), (7.875, 0)])
def test_loss_that_just_reaches_its_limit_locks(fall: float, guard: int) -> None:
    # powers of two, so that 8 points x 2^-6 / 16 is the limit exactly
    path = run(
        {"base_notional_frac": 2**-6, "loss_lock_frac": 2**-7, "yearly_budget_frac": 0.0},
        arm="100",
        converge="111",
        vx1_change_pts=[0, 0, -fall],
    )
    assert path.guards[2] == guard


def test_loss_limit_of_zero_locks_nothing() -> None:
    path = run(UNGUARDED, arm="100", converge="111", vx1_change_pts=[0, 0, -16])
    assert path.guards.tolist() == [0, 0, 0]


def test_spent_budget_makes_a_steward_until_the_loss_is_out_of_the_window() -> None:
    path = run(
        {"budget_sessions": 3, "loss_lock_frac": 0.0, "yearly_budget_frac": 0.02},
        arm="0001111",
        converge="1111111",
        vx1_change_pts=[0, 0, -32, 0, 0, 0, 0],
    )
    assert path.guards.tolist() == [0, 0, 2, 2, 2, 0, 0]
    assert path.trailing_pnl_frac[2:6].tolist() == pytest.approx([-0.02, -0.02, -0.02, 0])
    assert [state for state, _ in temporal(path)] == [IDLE, IDLE, IDLE, BLOCKED, BLOCKED, ACTIVE, ACTIVE]
    assert path.temporal_reason[3] == Reason.BUDGET_SPENT


# --- second engine -------------------------------------------------------------------------------------------


def second(path: LayerPath) -> list[LayerState]:
    return [LayerState(state) for state in path.second_state.tolist()]


def test_second_engine_opens_on_the_session_its_layer_becomes_active() -> None:
    path = run(arm="01", converge="11", open_shorts="11")
    assert [(e.sequence, e.layer, e.to_state) for e in list_transitions(path) if e.session == 1] == [
        (1, Layer.TEMPORAL_VEGA, ARMED),
        (2, Layer.TEMPORAL_VEGA, ACTIVE),
        (3, Layer.SECOND_ENGINE, ARMED),
        (4, Layer.SECOND_ENGINE, ACTIVE),
    ]


def test_second_engine_is_not_wanted_while_the_temporal_layer_only_waits() -> None:
    path = run(arm="11", converge="00", open_shorts="11")
    assert second(path) == [IDLE, IDLE]
    assert path.second_reason[0] == Reason.SECOND_NOT_WANTED


def test_second_engine_waits_armed_for_its_opening() -> None:
    path = run(arm="100", converge="100", open_shorts="001")
    assert second(path) == [ARMED, ARMED, ACTIVE]
    assert edges(path, Layer.SECOND_ENGINE) == [(0, 1, IDLE, ARMED), (2, 1, ARMED, ACTIVE)]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"constructible": "10"}, Reason.SECOND_NOT_CONSTRUCTIBLE),
        ({"constructible": "1?"}, Reason.SECOND_CONSTRUCTIBLE_UNKNOWN),
        ({"open_shorts": "0?"}, Reason.SECOND_OPEN_UNKNOWN),
        ({"close_shorts": "0?"}, Reason.SECOND_CLOSE_UNKNOWN),
        ({"signal_guards": "01"}, Reason.GUARD_HOLDS),
    ],
)
def test_second_engine_is_blocked_where_more_than_the_opening_is_missing(
    columns: dict[str, str], reason: Reason
) -> None:
    path = run(arm="10", converge="11", **{"open_shorts": "01"} | columns)
    assert second(path) == [ARMED, BLOCKED]
    assert path.second_reason[1] == reason


def test_second_engine_opens_from_blocked() -> None:
    path = run(arm="10", converge="11", constructible="01")
    assert edges(path, Layer.SECOND_ENGINE)[-1] == (1, 1, BLOCKED, ACTIVE)


def test_second_engine_opens_no_shorts_while_they_would_be_closed() -> None:
    path = run(arm="1", converge="1", open_shorts="1", close_shorts="1")
    assert second(path) == [ARMED]
    assert path.second_reason[0] == Reason.SECOND_OVERHEATED


def test_second_engine_closes_its_shorts_and_opens_them_again() -> None:
    path = run(arm="1000", converge="1111", open_shorts="1101", close_shorts="0100")
    assert second(path) == [ACTIVE, ARMED, ARMED, ACTIVE]
    assert path.second_reason[1] == Reason.SECOND_SHORTS_CLOSED


def test_second_engine_stays_active_through_steward_and_unknown() -> None:
    path = run(arm="100", converge="111", open_shorts="1?0", close_shorts="0??", signal_guards="011")
    assert second(path) == [ACTIVE] * 3
    assert path.second_reason[2] == Reason.SECOND_HELD


def test_second_engine_goes_with_the_temporal_layer() -> None:
    path = run({"leave_confirm_days": 1}, arm="100", converge="111", leave="010")
    assert second(path) == [ACTIVE, IDLE, IDLE]
    assert path.second_reason[1:].tolist() == [Reason.SECOND_LEFT, Reason.SECOND_NOT_WANTED]


# --- base hedge ----------------------------------------------------------------------------------------------


def test_base_is_active_where_listed_and_else_blocked() -> None:
    path = run(listed="10?1")
    assert path.base_state.tolist() == [ACTIVE, BLOCKED, BLOCKED, ACTIVE]
    assert path.base_reason[1:3].tolist() == [Reason.BASE_NOT_LISTED, Reason.BASE_LISTED_UNKNOWN]
    assert edges(path, Layer.BASE) == [(0, 1, IDLE, ACTIVE), (1, 1, ACTIVE, BLOCKED), (3, 1, BLOCKED, ACTIVE)]


def test_base_rolls_early_once_and_stands_in_the_second_month_until_the_cycle_ends() -> None:
    path = run(front_expiry=[5, 5, 5, 8], roll_early="0110", roll_forced="0010")
    assert path.base_roll.tolist() == [Roll.NONE, Roll.EARLY, Roll.NONE, Roll.NONE]
    assert path.held_rank.tolist() == [1, 2, 2, 1]
    assert path.base_reason[2] == Reason.BASE_ROLLED_BEFORE


def test_base_rolls_forced_where_no_early_roll_came() -> None:
    path = run(front_expiry=[5, 5, 5], roll_early="000", roll_forced="010")
    assert path.base_roll.tolist() == [Roll.NONE, Roll.FORCED, Roll.NONE]
    assert path.base_reason[1] == Reason.BASE_ROLLED_FORCED


def test_base_takes_no_early_roll_on_an_unknown_but_the_forced_one() -> None:
    path = run(roll_early="??", roll_forced="01")
    assert path.base_roll.tolist() == [Roll.NONE, Roll.FORCED]
    assert path.base_reason.tolist() == [Reason.BASE_ROLL_UNKNOWN, Reason.BASE_ROLLED_UNJUDGED]


def test_base_of_a_steward_takes_only_the_forced_roll() -> None:
    path = run(roll_early="11", roll_forced="01", signal_guards="11")
    assert path.base_roll.tolist() == [Roll.NONE, Roll.FORCED]
    assert path.base_reason[0] == Reason.BASE_ROLL_REFUSED


def test_base_takes_no_early_roll_where_the_cycle_is_unknown() -> None:
    path = run(front_expiry=[5, 0, 0, 8], roll_early="0100", roll_forced="0010")
    assert path.base_roll.tolist() == [Roll.NONE, Roll.NONE, Roll.FORCED, Roll.NONE]
    assert path.held_rank.tolist() == [1, 1, 2, 1]


def test_base_that_is_blocked_does_not_roll() -> None:
    assert run(listed="01", roll_forced="11").base_roll.tolist() == [Roll.NONE, Roll.FORCED]


def test_layer_that_the_policy_does_not_use_stays_idle() -> None:
    off = {"is_base_enabled": False, "is_temporal_vega_enabled": False, "is_second_engine_enabled": False}
    path = run(off, arm="1", converge="1", roll_forced="1")
    for name in ("base", "temporal", "second"):
        assert getattr(path, f"{name}_state").tolist() == [IDLE]
        assert getattr(path, f"{name}_reason").tolist() == [Reason.NOT_ENABLED]
    assert path.held_rank.tolist() == [0]
    assert list_transitions(path) == []


# --- estimated P&L -------------------------------------------------------------------------------------------


def test_pnl_of_a_decision_starts_two_sessions_later() -> None:
    path = run(UNGUARDED, vx1_change_pts=[1, 1, 1, 1])
    assert path.base_pnl_frac.tolist() == pytest.approx([0, 0, UNIT, UNIT])


def test_pnl_of_the_base_follows_the_contract_it_stands_in() -> None:
    # rolled at 1, traded at 2, earning the second month's change at 3; at 4 the cycle has turned, so that the
    # session from 4 to 5 is the first month's again
    path = run(
        UNGUARDED,
        front_expiry=[5, 5, 5, 5, 8, 8],
        roll_early="010000",
        vx1_change_pts=[1] * 6,
        vx2_change_pts=[2] * 6,
    )
    assert path.base_pnl_frac.tolist() == pytest.approx([0, 0, UNIT, 2 * UNIT, 2 * UNIT, UNIT])


@pytest.mark.parametrize(
    ("reading", "front", "back"),
    [
        (Reading.EQUAL_VEGA, 3, -6),
        (Reading.CONTRACTS, 3, -1.5),
        (Reading.BASE_MATCHED, 3, -2),
        (Reading.SHORT_FRONT, -3, 6),
    ],
)
def test_pnl_of_the_temporal_layer_follows_its_reading(reading: Reading, front: float, back: float) -> None:
    # two steps: the front leg is three times the base; beta 0.5 to 0.25
    path = run(
        UNGUARDED | {"reading": reading},
        arm="10000",
        full="11111",
        converge="11111",
        vx1_change_pts=[0, 0, 0, 1, 0],
        vx2_change_pts=[0, 0, 0, 0, 1],
    )
    assert path.temporal_pnl_frac.tolist() == pytest.approx([0, 0, 0, front * UNIT, back * UNIT])


def test_pnl_is_unknown_where_a_change_is_and_counts_as_nothing() -> None:
    path = run(UNGUARDED, arm="10000", converge="11111", vx1_change_pts=[0, 0, np.nan, 1, 0])
    assert np.isnan(path.base_pnl_frac).tolist() == [False, False, True, False, False]
    assert np.isnan(path.temporal_pnl_frac).tolist() == [False, False, True, False, False]
    assert path.temporal_pnl_since_entry_frac[2:4].tolist() == pytest.approx([0, UNIT])
    assert path.trailing_pnl_frac[3] == pytest.approx(2 * UNIT)


def test_pnl_without_a_position_is_known_without_a_change() -> None:
    path = run(listed="00", vx1_change_pts=[np.nan, np.nan])
    assert path.base_pnl_frac.tolist() == [0, 0]


def test_size_is_kept_where_it_cannot_be_found_anew() -> None:
    path = run(UNGUARDED, vx1_settle_pts=[16, np.nan, 32, 32, 32], vx1_change_pts=[1] * 5)
    assert path.base_pnl_frac.tolist() == pytest.approx([0, 0, UNIT, UNIT, UNIT / 2])


@pytest.mark.parametrize("beta", [np.nan, 0.0, -0.1])
def test_pnl_of_a_step_that_cannot_be_sized_is_unknown_until_it_can(beta: float) -> None:
    path = run(
        UNGUARDED,
        arm="10000",
        converge="11111",
        vx1_change_pts=[1] * 5,
        vx2_beta=[beta, beta, 0.25, 0.25, 0.25],
    )
    assert np.isnan(path.temporal_pnl_frac).tolist() == [False, False, True, True, False]


def test_gains_of_the_front_leg_are_rolled_once_they_are_large_enough() -> None:
    path = run(
        UNGUARDED | {"gain_roll_least_frac": 2.5 * UNIT, "gain_roll_frac": 0.5},
        arm="1000000",
        converge="1111111",
        vx1_change_pts=[9, 9, 2, 1, 1, 1, 1],
    )
    assert path.gains_rolled_frac.tolist() == pytest.approx([0, 0, 0, 1.5 * UNIT, 0, 0, 1.5 * UNIT])


def test_gain_that_just_reaches_the_least_one_is_rolled() -> None:
    path = run(
        {"base_notional_frac": 2**-6, "gain_roll_least_frac": 2**-7},
        arm="100",
        converge="111",
        vx1_change_pts=[0, 0, 8],
    )
    assert path.gains_rolled_frac[2] == 2**-8


def test_gains_are_not_rolled_when_the_layer_leaves() -> None:
    path = run(
        UNGUARDED | {"leave_confirm_days": 1}, arm="1000", converge="1111", leave="0010", vx1_change_pts=[0, 0, 16, 16]
    )
    assert path.gains_rolled_frac.tolist() == [0, 0, 0, 0]


# --- words, records, running ---------------------------------------------------------------------------------


def test_reason_has_a_sentence_of_its_own() -> None:
    sentences = [reason.sentence for reason in Reason]
    assert all(sentences)
    assert len(set(sentences)) == len(sentences)


def test_reason_is_told_with_its_state() -> None:
    assert describe_reason(ARMED, Reason.TEMPORAL_WAITING) == (
        "armed: volatility is at its arming level, waiting for the term-structure MACD to converge"
    )


def test_transitions_refuse_an_edge_that_no_rule_allows() -> None:
    path = run(arm="10", converge="11")
    forged = replace(path, temporal_state=np.array([ACTIVE, BLOCKED], np.int8))
    with pytest.raises(ValueError, match="session 1: temporal_vega goes from ACTIVE to BLOCKED"):
        list_transitions(forged)


def test_run_of_no_sessions_is_empty() -> None:
    path = run(arm="")
    assert len(path) == 0
    assert list_transitions(path) == []


def test_run_of_many_keeps_the_order_of_its_cases() -> None:
    inputs = make_inputs(arm="1111", full="1111", converge="1111", excursions=[0, 3, 3, 3])
    numbers = [LayerSettings(max_steps=steps) for steps in (3, 1, 2)]
    paths = list(run_many_layers((inputs, each) for each in numbers))
    assert [int(path.temporal_steps[-1]) for path in paths] == [3, 1, 2]
    assert all(path.equals(run_layers(inputs, each)) for path, each in zip(paths, numbers, strict=True))


def test_run_takes_arrays_that_may_not_be_written_and_leaves_them_alone() -> None:
    inputs = make_inputs(arm="10", converge="11")
    for field in fields(inputs):
        column = getattr(inputs, field.name)
        if column is not None:
            column.flags.writeable = False
    (compiled,) = run_many_layers([(inputs, LayerSettings())])
    assert compiled.equals(run_layers(inputs, LayerSettings()))


def test_numba_is_not_loaded_for_one_policy() -> None:
    code = (
        "import sys, numpy as np\n"
        "from transforms.layers import LayerInputs, LayerSettings, run_layers\n"
        "names = ('vx1_settle_pts', 'vx1_change_pts', 'vx2_change_pts', 'vx1_beta', 'vx2_beta')\n"
        "inputs = LayerInputs(front_expiry=np.ones(3, np.int32), **{name: np.ones(3) for name in names})\n"
        "run_layers(inputs, LayerSettings())\n"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_machine_knows_every_input_setting_and_output() -> None:
    for record, columns in ((LayerInputs, Columns), (LayerSettings, Numbers), (LayerPath, Arrays)):
        assert {field.name for field in fields(record)} == set(columns._fields)


@pytest.mark.parametrize(
    ("name", "column", "words"),
    [
        ("arm", np.zeros(2, np.int8), r"arm: expected int8 \(1,\), found int8 \(2,\)"),
        ("arm", np.zeros(1, np.int64), "arm: expected int8"),
        ("arm", np.full(1, 2, np.int8), "arm: a truth is 1, 0 or -1"),
        ("vx1_settle_pts", np.full(1, np.inf), "vx1_settle_pts: infinite"),
        ("excursions", np.full(1, -2, np.int16), "excursions: -1 is unknown, found -2"),
        ("front_expiry", np.full(1, -1, np.int32), "front_expiry: 0 is unknown, found -1"),
    ],
)
def test_inputs_refuse_what_would_be_misread(name: str, column: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(make_inputs(arm="0"), **{name: column})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("arm_confirm_days", 0),
        ("leave_confirm_days", 0),
        ("cooldown_days", -1),
        ("max_steps", 11),
        ("excursion_steps", 2),
        ("loss_lock_frac", -0.1),
        ("budget_sessions", 0),
        ("base_notional_frac", -0.01),
        ("gain_roll_frac", float("nan")),
    ],
)
def test_settings_refuse_numbers_outside_their_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected"):
        LayerSettings(**{name: value})
