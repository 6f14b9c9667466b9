"""The state machine compiled over many policies: every state that the walk reads is that of the plain machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from transforms.layers import LayerInputs, LayerSettings, LayerState, Mode, Reading, run_layers
from transforms.layers.run import ALWAYS_GIVEN
from transforms.sweep.states import TRUTHS, TruthTable, build_deciders, decide_policies, find_opening_sessions

SESSIONS = 80


def draw_market(rng: np.random.Generator) -> dict[str, Any]:
    """Prices and sensitivities, missing here and there; a new contract every 20 sessions."""

    def some(values: Any) -> Any:
        return np.where(rng.random(SESSIONS) < 0.05, np.nan, values)

    return {
        "front_expiry": (1 + np.arange(SESSIONS) // 20 * 28).astype(np.int32),
        "vx1_settle_pts": some(rng.uniform(12, 60, SESSIONS)),
        "vx1_change_pts": some(rng.normal(0, 2, SESSIONS)),
        "vx2_change_pts": some(rng.normal(0, 1, SESSIONS)),
        "vx1_beta": some(rng.uniform(-0.1, 0.9, SESSIONS)),
        "vx2_beta": some(rng.uniform(0.1, 0.6, SESSIONS)),
        "excursions": rng.integers(-1, 4, SESSIONS).astype(np.int16),
    }


def draw_settings(rng: np.random.Generator) -> LayerSettings:
    return LayerSettings(
        is_base_enabled=bool(rng.random() < 0.9),
        is_temporal_vega_enabled=bool(rng.random() < 0.9),
        is_second_engine_enabled=bool(rng.random() < 0.9),
        reading=Reading(int(rng.integers(0, 4))),
        arm_confirm_days=int(rng.integers(1, 3)),
        leave_confirm_days=int(rng.integers(1, 4)),
        cooldown_days=int(rng.integers(0, 4)),
        max_steps=int(rng.integers(1, 4)),
        excursion_steps=int(rng.integers(0, 2)),
        loss_lock_frac=float(rng.choice([0.0, 0.0005, 0.005])),
        yearly_budget_frac=float(rng.choice([0.0, 0.002, 0.02])),
        budget_sessions=int(rng.choice([5, 40, 252])),
        base_notional_frac=float(rng.choice([0.0, 0.01, 0.02])),
        gain_roll_frac=float(rng.choice([0.0, 0.5])),
        gain_roll_least_frac=float(rng.choice([0.0, 0.0001, 0.0025])),
    )


@examples(40)
@given(seed=st.integers(0, 2**32 - 1), threads=st.integers(1, 3))
def test_states_of_many_policies_are_those_of_the_plain_machine(seed: int, threads: int) -> None:
    rng = np.random.default_rng(seed)
    market = draw_market(rng)
    table = TruthTable(SESSIONS)
    # Held for some sessions each, as rules hold; the first ones more often than not.
    rows = [
        table.put(number, np.repeat(rng.choice([1, 1, 1, 0, 0, -1], SESSIONS // 4), 4).astype(np.int8))
        for number in range(12)
    ]
    chosen, settings, inputs = [], [], []
    for _ in range(5):
        row_of: dict[str, int] = {}
        truths: dict[str, Any] = {}
        for name in TRUTHS:
            is_left_out = rng.random() < 0.3
            missing = table.ALWAYS if name in ALWAYS_GIVEN else table.NEVER
            row_of[name] = missing if is_left_out else int(rng.choice(rows))
            truths[name] = None if is_left_out else table[row_of[name]]
        chosen.append([row_of[name] for name in TRUTHS])
        settings.append(draw_settings(rng))
        inputs.append(LayerInputs(**market, **truths))
    deciders = build_deciders(LayerInputs(**market), table, chosen, settings)
    found = decide_policies(deciders, threads)
    opening = np.zeros(SESSIONS, bool)
    for place, (one, numbers) in enumerate(zip(inputs, settings, strict=True)):
        path = run_layers(one, numbers)
        permitted = True if one.open_shorts is None else one.open_shorts == 1
        may_open = (path.second_state == LayerState.ACTIVE) & (path.mode == Mode.PROMOTER) & permitted
        told = {
            "base_state": path.base_state,
            "held_rank": path.held_rank,
            "steps": path.temporal_steps,
            "second_state": path.second_state,
            "may_open": may_open,
            "is_shift": path.gains_rolled_frac > 0,
        }
        assert tuple(told) == found._fields
        for name, values in told.items():
            np.testing.assert_array_equal(getattr(found, name)[place], values, err_msg=name)
        opening |= may_open
    np.testing.assert_array_equal(find_opening_sessions(deciders, threads), opening)


@examples(40)
@given(seed=st.integers(0, 2**32 - 1), missing=st.floats(0.05, 0.9))
def test_no_calendar_is_asked_for_but_where_one_would_be_constructed_if_all_were_listed(
    seed: int, missing: float
) -> None:
    rng = np.random.default_rng(seed)
    market, table = draw_market(rng), TruthTable(SESSIONS)
    roles = dict.fromkeys(TRUTHS, table.ALWAYS)
    for name in ("leave", "close_shorts", "signal_guards", "open_shorts", "arm"):
        lies = [0.8, 0.1, 0.1] if name in ("leave", "close_shorts", "signal_guards") else [0.1, 0.8, 0.1]
        roles[name] = table.put(name, rng.choice([0, 1, -1], SESSIONS, p=lies).astype(np.int8))
    settings = [draw_settings(rng) for _ in range(5)]
    opening = find_opening_sessions(
        build_deciders(LayerInputs(**market), table, [list(roles.values())] * len(settings), settings)
    )
    listed = rng.choice([0, -1, 1], SESSIONS, p=[missing / 2, missing / 2, 1 - missing]).astype(np.int8)
    roles["constructible"] = table.put("listed calendars", listed)
    rows = [list(roles.values())] * len(settings)
    found = decide_policies(build_deciders(LayerInputs(**market), table, rows, settings))
    assert not (found.may_open == 1).any(axis=0)[~opening].any()
    # What was not asked for counts as listed: it decides nothing.
    roles["constructible"] = table.put("as looked up", np.where(opening, listed, 1).astype(np.int8))
    rows = [list(roles.values())] * len(settings)
    looked_up = decide_policies(build_deciders(LayerInputs(**market), table, rows, settings))
    for name in found._fields:
        np.testing.assert_array_equal(getattr(looked_up, name), getattr(found, name), err_msg=name)


def test_random_policies_reach_what_can_differ() -> None:
    seen = dict.fromkeys(("steps", "second_state", "may_open", "is_shift", "held_rank"), 0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        market, table = draw_market(rng), TruthTable(SESSIONS)
        always, often = table.ALWAYS, table.put("often", (rng.random(SESSIONS) < 0.7).astype(np.int8))
        never = ("leave", "close_shorts", "signal_guards")
        row = [table.NEVER if name in never else always if name in ALWAYS_GIVEN else often for name in TRUTHS]
        paths = decide_policies(build_deciders(LayerInputs(**market), table, [row], [draw_settings(rng)]))
        for name in seen:
            seen[name] += len(np.unique(getattr(paths, name)))
    assert all(count > 20 for count in seen.values()), seen
