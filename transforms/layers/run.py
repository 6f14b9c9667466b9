"""Run the machine on one policy or on many, and read a path as transitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from functools import cache

import numpy as np
import numpy.typing as npt

from transforms.layers.codes import Layer, LayerState, Reason
from transforms.layers.machine import Arrays, Columns, Numbers, make_arrays, walk_sessions
from transforms.layers.records import Floats, LayerInputs, LayerPath, LayerSettings, Transition

Edge = tuple[LayerState, LayerState]

ALWAYS_GIVEN = ("listed", "converge", "open_shorts", "constructible")
"""Permissions: given where a policy does not use the role. The others are events, which then never happen."""

_SCALED_EDGES = frozenset(
    {
        (LayerState.IDLE, LayerState.ARMED),
        (LayerState.ARMED, LayerState.ACTIVE),
        (LayerState.ARMED, LayerState.BLOCKED),
        (LayerState.BLOCKED, LayerState.ARMED),
        (LayerState.BLOCKED, LayerState.ACTIVE),
        (LayerState.ARMED, LayerState.IDLE),
        (LayerState.BLOCKED, LayerState.IDLE),
        (LayerState.ACTIVE, LayerState.IDLE),
    }
)
ALLOWED_EDGES: dict[Layer, frozenset[Edge]] = {
    Layer.BASE: frozenset(
        {
            (LayerState.IDLE, LayerState.ACTIVE),
            (LayerState.IDLE, LayerState.BLOCKED),
            (LayerState.ACTIVE, LayerState.BLOCKED),
            (LayerState.BLOCKED, LayerState.ACTIVE),
        }
    ),
    Layer.TEMPORAL_VEGA: _SCALED_EDGES,
    # Its shorts are closed while the long calls wait for the next opening.
    Layer.SECOND_ENGINE: _SCALED_EDGES | {(LayerState.ACTIVE, LayerState.ARMED)},
}


def run_layers(inputs: LayerInputs, settings: LayerSettings) -> LayerPath:
    """Run the layers' state machine once, in plain Python.

    Parameters
    ----------
    inputs
        What is known of n sessions.
    settings
        The machine's numbers.

    Returns
    -------
    LayerPath
        n sessions. Row t depends on inputs up to t only.
    """
    return _run(_walk_lists, inputs, settings)


def run_many_layers(cases: Iterable[tuple[LayerInputs, LayerSettings]]) -> Iterator[LayerPath]:
    """Run the machine on many policies or markets, compiled; every path equals :func:`run_layers` exactly.

    The first call of a process imports numba and compiles (some seconds). The compiled pass releases the
    interpreter lock, so that threads may share the work.

    Parameters
    ----------
    cases
        Inputs and settings of each run; the same inputs may come with many settings.

    Yields
    ------
    LayerPath
        One a case, in order, as it is asked for: a grid of thousands need not fit into memory.

    Raises
    ------
    ImportError
        numba is not installed.
    """
    walk = _compile_walk()
    for inputs, settings in cases:
        yield _run(walk, inputs, settings)


def list_transitions(path: LayerPath) -> list[Transition]:
    """List every edge the layers took, in order; all are idle before the first session.

    A path holds the state at each close. A layer that was idle and is active or blocked at the next close was
    armed in between: that is two transitions of one session.

    Parameters
    ----------
    path
        n sessions.

    Returns
    -------
    list of Transition
        Ordered by session and sequence; every edge is one of ALLOWED_EDGES.

    Raises
    ------
    ValueError
        A path that no run of the machine gives.
    """
    # In the machine's order: the second engine follows the temporal layer.
    layers = (
        (Layer.TEMPORAL_VEGA, path.temporal_state, path.temporal_reason, Reason.TEMPORAL_ARMED),
        (Layer.SECOND_ENGINE, path.second_state, path.second_reason, Reason.SECOND_ARMED),
        (Layer.BASE, path.base_state, path.base_reason, None),
    )
    found: list[tuple[int, Layer, Edge, Reason]] = []
    for layer, states, reasons, on_arming in layers:
        before = np.concatenate([np.array([LayerState.IDLE], states.dtype), states[:-1]])
        for session in np.flatnonzero(before != states).tolist():
            was, now = LayerState(int(before[session])), LayerState(int(states[session]))
            reason = Reason(int(reasons[session]))
            if on_arming is not None and was == LayerState.IDLE and now != LayerState.ARMED:
                found.append((session, layer, (was, LayerState.ARMED), on_arming))
                was = LayerState.ARMED
            if (was, now) not in ALLOWED_EDGES[layer]:
                raise ValueError(f"session {session}: {layer} goes from {was.name} to {now.name}, which no rule allows")
            found.append((session, layer, (was, now), reason))
    # The sort is stable: within a session the machine's order stays.
    found.sort(key=lambda entry: entry[0])
    transitions: list[Transition] = []
    for session, layer, (was, now), reason in found:
        is_same_session = bool(transitions) and transitions[-1].session == session
        sequence = transitions[-1].sequence + 1 if is_same_session else 1
        transitions.append(Transition(session, sequence, layer, was, now, reason))
    return transitions


Walk = Callable[[Columns, Numbers, Arrays, Floats], None]


def _run(walk: Walk, inputs: LayerInputs, settings: LayerSettings) -> LayerPath:
    sessions = len(inputs.front_expiry)
    path = make_arrays(sessions)
    walk(fill_columns(inputs), list_numbers(settings), path, np.zeros(sessions + 1))
    return LayerPath(**path._asdict())


def _walk_lists(inputs: Columns, numbers: Numbers, path: Arrays, pnl_up_to: Floats) -> None:
    # Python reads and writes the elements of a list in half the time of those of an array, and the same floats.
    lists = Arrays(*(values.tolist() for values in path))
    walk_sessions(Columns(*(values.tolist() for values in inputs)), numbers, lists, pnl_up_to.tolist())
    for name, values in path._asdict().items():
        values[:] = getattr(lists, name)


@cache
def _compile_walk() -> Walk:
    # Heavy, and of no use to a night that runs one policy.
    import numba

    return numba.njit(nogil=True)(walk_sessions)


def fill_columns(inputs: LayerInputs) -> Columns:
    """Lay out inputs for the machine, the roles that the policy does not use filled in."""
    sessions = len(inputs.front_expiry)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for field in fields(inputs):
        values = getattr(inputs, field.name)
        if values is None:
            dtype = np.int16 if field.name == "excursions" else np.int8
            values = np.full(sessions, field.name in ALWAYS_GIVEN, dtype)
        # Compiled code is specialised by layout: another one would be compiled anew.
        columns[field.name] = np.require(values, requirements=["C", "W"])
    return Columns(**columns)  # type: ignore[arg-type]  # the fields are the same, by a test


def list_numbers(settings: LayerSettings) -> Numbers:
    """Lay out settings for the machine, as plain scalars."""
    return Numbers(
        is_base_enabled=bool(settings.is_base_enabled),
        is_temporal_vega_enabled=bool(settings.is_temporal_vega_enabled),
        is_second_engine_enabled=bool(settings.is_second_engine_enabled),
        reading=int(settings.reading),
        arm_confirm_days=int(settings.arm_confirm_days),
        leave_confirm_days=int(settings.leave_confirm_days),
        cooldown_days=int(settings.cooldown_days),
        max_steps=int(settings.max_steps),
        excursion_steps=int(settings.excursion_steps),
        loss_lock_frac=float(settings.loss_lock_frac),
        yearly_budget_frac=float(settings.yearly_budget_frac),
        budget_sessions=int(settings.budget_sessions),
        base_notional_frac=float(settings.base_notional_frac),
        gain_roll_frac=float(settings.gain_roll_frac),
        gain_roll_least_frac=float(settings.gain_roll_least_frac),
    )
