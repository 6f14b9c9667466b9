"""The layers' machine on thousands of random paths: against its plain retelling, compiled, and cut short.

Random truths stay for a while (sticky), so that paths reach full steps, locks and spent budgets; that they do is
asserted. Prices are powers of two and changes eighths, so that the machine's floating-point sums are exact and
may be compared with fractions, ties at a limit included.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.layers_reference import ROLES, run_reference
from transforms.layers import (
    ALLOWED_EDGES,
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
    list_transitions,
    run_layers,
    run_many_layers,
)

LONGEST = 80
THOROUGH = examples(1600)
QUICK = examples(300)
CODES: dict[str, Any] = {"state": LayerState, "reason": Reason, "roll": Roll, "mode": Mode}


def stick(rng: np.random.Generator, values: npt.ArrayLike, odds: npt.ArrayLike, stay: float) -> npt.NDArray[Any]:
    """A path that keeps its value with probability ``stay`` and else draws anew."""
    drawn = rng.choice(np.asarray(values), size=LONGEST, p=odds)
    is_new = rng.random(LONGEST) >= stay
    is_new[0] = True
    return drawn[np.maximum.accumulate(np.where(is_new, np.arange(LONGEST), 0))]


def draw_inputs(seed: int, sessions: int, *, is_exact: bool = True) -> LayerInputs:
    """Draw a path of LONGEST sessions and cut it, so that a shorter failing path is a part of the longer one."""
    rng = np.random.default_rng(seed)
    usually = {
        "listed": (0.88, 0.06, 0.06),
        "arm": (0.5, 0.4, 0.1),
        "full": (0.3, 0.6, 0.1),
        "leave": (0.15, 0.65, 0.2),
        "converge": (0.5, 0.35, 0.15),
        "open_shorts": (0.5, 0.3, 0.2),
        "close_shorts": (0.2, 0.65, 0.15),
        "constructible": (0.7, 0.15, 0.15),
        "signal_guards": (0.15, 0.7, 0.15),
    }
    # Sometimes calm, sometimes wild: the usual odds, bent anew for each path.
    columns: dict[str, npt.NDArray[Any] | None] = {}
    for role in ROLES:
        odds = rng.dirichlet(8 * np.array(usually.get(role, (0.15, 0.7, 0.15))))
        columns[role] = stick(rng, [1, 0, -1], odds, rng.uniform(0.3, 0.95)).astype(np.int8)
        if rng.random() < 0.03:
            columns[role] = None
    excursions = stick(rng, [-1, 0, 1, 2, 3], (0.15, 0.35, 0.25, 0.15, 0.1), rng.uniform(0.5, 0.95))
    columns["excursions"] = None if rng.random() < 0.05 else excursions.astype(np.int16)
    cycle = 20_000 + 28 * np.cumsum(rng.random(LONGEST) < 0.08)
    columns["front_expiry"] = np.where(rng.random(LONGEST) < 0.05, 0, cycle).astype(np.int32)
    if is_exact:
        columns["vx1_settle_pts"] = stick(rng, [8.0, 16.0, 32.0, 64.0, 0.0], (0.2, 0.4, 0.2, 0.15, 0.05), 0.8)
        drift = rng.integers(-4, 5)
        for name in ("vx1_change_pts", "vx2_change_pts"):
            columns[name] = (rng.integers(-24, 25, LONGEST) + drift) / 8
        for name in ("vx1_beta", "vx2_beta"):
            columns[name] = stick(rng, [0.25, 0.5, 1.0, 0.0, -0.5], (0.3, 0.4, 0.2, 0.05, 0.05), 0.8)
    else:
        columns["vx1_settle_pts"] = rng.uniform(9, 80, LONGEST)
        columns["vx1_change_pts"] = rng.normal(0, 2, LONGEST)
        columns["vx2_change_pts"] = rng.normal(0, 1.3, LONGEST)
        columns["vx1_beta"] = rng.uniform(0.3, 0.9, LONGEST)
        columns["vx2_beta"] = rng.uniform(0.2, 0.6, LONGEST)
    for name in ("vx1_settle_pts", "vx1_change_pts", "vx2_change_pts", "vx1_beta", "vx2_beta"):
        columns[name] = np.where(rng.random(LONGEST) < 0.03, np.nan, columns[name])
    return cut(LayerInputs(**columns), sessions)  # type: ignore[arg-type]


def cut(inputs: LayerInputs, sessions: int) -> LayerInputs:
    kept = {field.name: getattr(inputs, field.name) for field in fields(inputs)}
    return LayerInputs(**{name: None if column is None else column[:sessions] for name, column in kept.items()})


SEEDS = st.integers(0, 2**32 - 1)
SESSIONS = st.integers(0, LONGEST) | st.just(LONGEST)
SETTINGS = st.builds(
    LayerSettings,
    is_base_enabled=st.integers(0, 9).map(bool),
    is_temporal_vega_enabled=st.integers(0, 9).map(bool),
    is_second_engine_enabled=st.integers(0, 9).map(bool),
    reading=st.sampled_from(Reading),
    arm_confirm_days=st.integers(1, 3),
    leave_confirm_days=st.integers(1, 3),
    cooldown_days=st.integers(0, 4),
    max_steps=st.integers(1, 5),
    excursion_steps=st.integers(0, 1),
    loss_lock_frac=st.sampled_from([0.0, 2**-8, 2**-7, 2**-6]),
    yearly_budget_frac=st.sampled_from([0.0, 2**-7, 2**-6, 2**-5]),
    budget_sessions=st.sampled_from([5, 20, 60]),
    base_notional_frac=st.sampled_from([2**-7, 2**-6]),
    gain_roll_frac=st.sampled_from([0.0, 0.5, 1.0]),
    gain_roll_least_frac=st.sampled_from([0.0, 2**-9, 2**-8]),
)


def tell(path: LayerPath) -> list[dict[str, Any]]:
    """A path in the reference's words; money as exact fractions, None for NaN."""
    told: list[dict[str, Any]] = [{} for _ in range(len(path))]
    for column in fields(path):
        code = CODES.get(column.name.rsplit("_", 1)[-1])
        for number, value in enumerate(getattr(path, column.name).tolist()):
            if code is not None:
                told[number][column.name] = code(value).name.lower()
            elif isinstance(value, float):
                told[number][column.name] = None if np.isnan(value) else Fraction(value)
            else:
                told[number][column.name] = value
    return told


@dataclass
class Coverage:
    """What the paths of a test reached."""

    edges: set[tuple[Layer, LayerState, LayerState]] = field(default_factory=set)
    reasons: set[tuple[LayerState, Reason]] = field(default_factory=set)
    rolls: set[int] = field(default_factory=set)
    steps: set[int] = field(default_factory=set)
    guards: set[int] = field(default_factory=set)
    transitions_of_a_session: set[int] = field(default_factory=set)
    gains_rolled: int = 0
    unknown_pnl: int = 0

    def add(self, path: LayerPath) -> None:
        for transition in list_transitions(path):
            self.edges.add((transition.layer, transition.from_state, transition.to_state))
            self.reasons.add((transition.to_state, transition.reason))
            self.transitions_of_a_session.add(transition.sequence)
        for name in ("base", "temporal", "second"):
            states, reasons = getattr(path, f"{name}_state").tolist(), getattr(path, f"{name}_reason").tolist()
            self.reasons |= {(LayerState(s), Reason(r)) for s, r in zip(states, reasons, strict=True)}
        self.rolls |= set(path.base_roll.tolist())
        self.steps |= set(path.temporal_steps.tolist())
        self.guards |= set(path.guards.tolist())
        self.gains_rolled += int((path.gains_rolled_frac > 0).sum())
        self.unknown_pnl += int(np.isnan(path.base_pnl_frac).sum() + np.isnan(path.temporal_pnl_frac).sum())


def test_machine_equals_its_plain_retelling_everywhere() -> None:
    coverage = Coverage()

    @THOROUGH
    @given(seed=SEEDS, sessions=SESSIONS, numbers=SETTINGS)
    def compare(seed: int, sessions: int, numbers: LayerSettings) -> None:
        inputs = draw_inputs(seed, sessions)
        path = run_layers(inputs, numbers)
        assert tell(path) == run_reference(inputs, numbers)
        coverage.add(path)

    compare()
    assert coverage.edges == {(layer, *edge) for layer, edges in ALLOWED_EDGES.items() for edge in edges}
    assert {reason for _, reason in coverage.reasons} == set(Reason)
    # A veto is a reason both to be blocked and, once steps are on, to take no further one.
    for veto in (Reason.LOSS_LOCK, Reason.BUDGET_SPENT, Reason.GUARD_HOLDS, Reason.GUARD_UNKNOWN):
        assert {(LayerState.ACTIVE, veto), (LayerState.BLOCKED, veto)} <= coverage.reasons
    assert coverage.rolls == set(Roll)
    assert coverage.steps >= set(range(5))
    assert coverage.guards == set(range(12))  # a guard that holds and one not evaluable are never told together
    assert coverage.transitions_of_a_session == {1, 2, 3, 4, 5}
    assert coverage.gains_rolled > 1000
    assert coverage.unknown_pnl > 1000


def test_compiled_machine_equals_the_plain_one_exactly() -> None:
    coverage = Coverage()

    @QUICK
    @given(seed=SEEDS, sessions=SESSIONS, is_exact=st.booleans(), numbers=SETTINGS)
    def compare(seed: int, sessions: int, is_exact: bool, numbers: LayerSettings) -> None:
        inputs = draw_inputs(seed, sessions, is_exact=is_exact)
        (compiled,) = run_many_layers([(inputs, numbers)])
        assert compiled.equals(run_layers(inputs, numbers))
        coverage.add(compiled)

    compare()
    assert coverage.edges == {(layer, *edge) for layer, edges in ALLOWED_EDGES.items() for edge in edges}
    assert {reason for _, reason in coverage.reasons} == set(Reason)


@QUICK
@given(seed=SEEDS, known=st.integers(0, LONGEST), numbers=SETTINGS)
def test_path_up_to_a_session_knows_nothing_later(seed: int, known: int, numbers: LayerSettings) -> None:
    inputs = draw_inputs(seed, LONGEST, is_exact=False)
    whole, part = run_layers(inputs, numbers), run_layers(cut(inputs, known), numbers)
    for column in fields(whole):
        np.testing.assert_array_equal(getattr(whole, column.name)[:known], getattr(part, column.name))


@QUICK
@given(seed=SEEDS, numbers=SETTINGS)
def test_steps_are_taken_one_by_one_and_only_on_what_is_known(seed: int, numbers: LayerSettings) -> None:
    inputs = draw_inputs(seed, LONGEST)
    path = run_layers(inputs, numbers)
    change = np.diff(path.temporal_steps, prepend=np.int8(0))
    is_taken, is_off = change > 0, change < 0
    assert (change[is_taken] == 1).all()
    assert (path.mode[is_taken] == Mode.PROMOTER).all()
    if inputs.converge is not None:
        assert (inputs.converge[is_taken] == 1).all()
    assert (path.temporal_steps[is_off] == 0).all()
    assert (path.temporal_state[is_off] == LayerState.IDLE).all()
    assert inputs.leave is not None or not is_off.any()
    if inputs.leave is not None:
        assert (inputs.leave[is_off] == 1).all()
    assert ((path.temporal_steps > 0) == (path.temporal_state == LayerState.ACTIVE)).all()


@QUICK
@given(seed=SEEDS, numbers=SETTINGS)
def test_mode_is_steward_where_a_guard_holds(seed: int, numbers: LayerSettings) -> None:
    path = run_layers(draw_inputs(seed, LONGEST), numbers)
    assert ((path.mode == Mode.STEWARD) == (path.guards != 0)).all()
    opened = (path.second_state == LayerState.ACTIVE) & (np.diff(path.second_state, prepend=np.int8(0)) != 0)
    assert (path.guards[opened | (path.base_roll == Roll.EARLY)] == 0).all()


@QUICK
@given(seed=SEEDS, numbers=SETTINGS)
def test_base_rolls_at_most_once_a_cycle(seed: int, numbers: LayerSettings) -> None:
    inputs = draw_inputs(seed, LONGEST)
    known = inputs.front_expiry != 0
    cycle = inputs.front_expiry[np.maximum.accumulate(np.where(known, np.arange(LONGEST), 0))]
    path = run_layers(inputs, numbers)
    rolled = cycle[path.base_roll != Roll.NONE]
    assert len(set(rolled.tolist())) == len(rolled)
    assert (path.held_rank[path.base_roll != Roll.NONE] == 2).all()


@QUICK
@given(seed=SEEDS, numbers=SETTINGS)
def test_readings_decide_alike_where_losses_stop_nothing(seed: int, numbers: LayerSettings) -> None:
    inputs = draw_inputs(seed, LONGEST)
    unguarded = replace(numbers, loss_lock_frac=0.0, yearly_budget_frac=0.0)
    paths = [run_layers(inputs, replace(unguarded, reading=reading)) for reading in Reading]
    for path in paths[1:]:
        np.testing.assert_array_equal(path.temporal_steps, paths[0].temporal_steps)
        np.testing.assert_array_equal(path.base_pnl_frac, paths[0].base_pnl_frac)
    # short_front is equal_vega with both signs turned.
    np.testing.assert_array_equal(paths[Reading.SHORT_FRONT].temporal_pnl_frac, -paths[0].temporal_pnl_frac)


def test_guard_bits_are_those_of_the_reference() -> None:
    assert [int(guard) for guard in Guard] == [1, 2, 4, 8]
