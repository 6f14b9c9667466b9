"""What goes into the layers' state machine, the numbers it is run with, and the path that comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from transforms.layers.codes import Layer, LayerState, Reading, Reason

Truths: TypeAlias = npt.NDArray[np.int8]
Floats: TypeAlias = npt.NDArray[np.float64]

MOST_STEPS = 10
_TRUTHS = (
    *("listed", "roll_early", "roll_forced"),
    *("arm", "full", "leave", "converge"),
    *("open_shorts", "close_shorts", "constructible"),
    "signal_guards",
)
_PRICES = ("vx1_settle_pts", "vx1_change_pts", "vx2_change_pts", "vx1_beta", "vx2_beta")
_DTYPES = {
    **dict.fromkeys(_TRUTHS, np.dtype(np.int8)),
    **dict.fromkeys(_PRICES, np.dtype(np.float64)),
    "excursions": np.dtype(np.int16),
    "front_expiry": np.dtype(np.int32),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerInputs:
    """What is known of each session, in order; every array has shape (n,).

    A truth is int8: 1 true, 0 false, -1 not evaluable. None is a role that the policy does not use: a
    permission (``listed``, ``converge``, ``open_shorts``, ``constructible``) is then always given, an event
    (all others) never happens.

    Parameters
    ----------
    front_expiry
        int32, day ordinal of the front contract's expiry, one value a cycle; 0 unknown.
    vx1_settle_pts
        float64, settlement of the front future, points; NaN unknown.
    vx1_change_pts, vx2_change_pts
        float64, change since the session before of the contract that was first, or second, then; NaN unknown.
    vx1_beta, vx2_beta
        float64, points the front and the second future move for one point of the VIX; NaN unknown. One that
        is not positive sizes nothing, like an unknown one.
    listed, roll_early, roll_forced
        Truths of the base hedge.
    arm, full, leave, converge
        Truths of the temporal layer.
    open_shorts, close_shorts, constructible
        Truths of the second engine (the roles ``open``, ``close_shorts``, ``constructible``).
    signal_guards
        Truth of all guards that are rules: 1 when any is true, -1 when none is true and one is not evaluable.
    excursions
        int16, realised-volatility excursions (whole standard deviations); -1 unknown.

    Raises
    ------
    ValueError
        An array of another length or type, a truth other than -1, 0, 1, an infinite price.
    """

    front_expiry: npt.NDArray[np.int32]
    vx1_settle_pts: Floats
    vx1_change_pts: Floats
    vx2_change_pts: Floats
    vx1_beta: Floats
    vx2_beta: Floats
    listed: Truths | None = None
    roll_early: Truths | None = None
    roll_forced: Truths | None = None
    arm: Truths | None = None
    full: Truths | None = None
    leave: Truths | None = None
    converge: Truths | None = None
    open_shorts: Truths | None = None
    close_shorts: Truths | None = None
    constructible: Truths | None = None
    signal_guards: Truths | None = None
    excursions: npt.NDArray[np.int16] | None = None

    def __post_init__(self) -> None:
        """Refuse what the machine would misread."""
        shape = (len(self.front_expiry),)
        for name, dtype in _DTYPES.items():
            values = getattr(self, name)
            if values is None:
                continue
            if values.shape != shape or values.dtype != dtype:
                raise ValueError(f"{name}: expected {dtype} {shape}, found {values.dtype} {values.shape}")
        for name in _TRUTHS:
            values = getattr(self, name)
            if values is not None and ((values < -1) | (values > 1)).any():
                raise ValueError(f"{name}: a truth is 1, 0 or -1, found {sorted(set(values.tolist()))}")
        for name in _PRICES:
            if np.isinf(getattr(self, name)).any():
                raise ValueError(f"{name}: infinite; an unknown value is NaN")
        if self.excursions is not None and (self.excursions < -1).any():
            raise ValueError(f"excursions: -1 is unknown, found {self.excursions.min()}")
        if (self.front_expiry < 0).any():
            raise ValueError(f"front_expiry: 0 is unknown, found {self.front_expiry.min()}")


@dataclass(frozen=True, kw_only=True)
class LayerSettings:
    """The machine's numbers: names, units and defaults as in the policy ``article``.

    Parameters
    ----------
    is_base_enabled, is_temporal_vega_enabled, is_second_engine_enabled
        Layers in use; another one stays idle.
    reading
        How the temporal layer's second leg is sized.
    arm_confirm_days, leave_confirm_days
        Closes in a row that arm the temporal layer, and that end it; at least 1.
    cooldown_days
        Whole sessions after leaving on which nothing is armed.
    max_steps
        Steps of the temporal layer, 1 to 10 (the front leg is 2^n - 1 times the base).
    excursion_steps
        1: each further realised-volatility excursion entitles to a step; 0: none does.
    loss_lock_frac, yearly_budget_frac
        Loss that locks the temporal layer, and loss of ``budget_sessions`` that makes a steward, fractions of
        NAV; 0 switches the guard off.
    budget_sessions
        Sessions of the yearly budget.
    base_notional_frac
        Notional of the base hedge, fraction of NAV; 0 where a policy has none.
    gain_roll_frac, gain_roll_least_frac
        Part of the front leg's gain that is rolled, and the least gain (fraction of NAV) that is.

    Raises
    ------
    ValueError
        A number outside its range.
    """

    is_base_enabled: bool = True
    is_temporal_vega_enabled: bool = True
    is_second_engine_enabled: bool = True
    reading: Reading = Reading.EQUAL_VEGA
    arm_confirm_days: int = 1
    leave_confirm_days: int = 2
    cooldown_days: int = 0
    max_steps: int = 3
    excursion_steps: int = 1
    loss_lock_frac: float = 0.005
    yearly_budget_frac: float = 0.02
    budget_sessions: int = 252
    base_notional_frac: float = 0.01
    gain_roll_frac: float = 0.5
    gain_roll_least_frac: float = 0.0025

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        ranges = {
            "arm_confirm_days": (1, math.inf),
            "leave_confirm_days": (1, math.inf),
            "cooldown_days": (0, math.inf),
            "max_steps": (1, MOST_STEPS),
            "excursion_steps": (0, 1),
            "loss_lock_frac": (0, 1),
            "yearly_budget_frac": (0, 1),
            "budget_sessions": (1, math.inf),
            "base_notional_frac": (0, 1),
            "gain_roll_frac": (0, 1),
            "gain_roll_least_frac": (0, 1),
        }
        for name, (lowest, highest) in ranges.items():
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise ValueError(f"{name}: expected {lowest} to {highest}, found {value}")


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerPath:
    """What the machine decided at the close of each session; every array has shape (n,).

    Parameters
    ----------
    base_state, temporal_state, second_state
        int8, :class:`LayerState`.
    base_reason, temporal_reason, second_reason
        int8, :class:`Reason`.
    temporal_steps
        int8, steps on, 0 to ``max_steps``.
    base_roll
        int8, :class:`Roll`.
    held_rank
        int8, where the base hedge is to stand: 1 front, 2 second month; 0 when it is not enabled.
    mode, guards
        int8, :class:`Mode` and the bits of :class:`Guard` that made it; steward when any bit is set.
    base_pnl_frac, temporal_pnl_frac
        float64, estimated P&L of the session before costs, fraction of NAV; NaN where a size or a price
        change is unknown (counted as 0 in the sums below).
    temporal_pnl_since_entry_frac
        float64, what the loss lock was judged on; NaN where the temporal layer held no step at the open.
    trailing_pnl_frac
        float64, base and temporal over the budget's sessions, what the budget was judged on.
    gains_rolled_frac
        float64, part of the front leg's gain moved to the longer layer, fraction of NAV; 0 on most sessions.
    """

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

    def __len__(self) -> int:
        """Sessions of the path."""
        return len(self.mode)

    def equals(self, other: LayerPath) -> bool:
        """Tell whether every value is the same, NaN being equal to NaN."""
        return all(
            np.array_equal(getattr(self, field.name), getattr(other, field.name), equal_nan=True)
            for field in fields(self)
        )


@dataclass(frozen=True)
class Transition:
    """One edge that a layer took.

    Parameters
    ----------
    session
        Index into the path.
    sequence
        1, 2, ... within the session, over all layers, in the machine's order.
    layer, from_state, to_state, reason
        What changed, and why.
    """

    session: int
    sequence: int
    layer: Layer
    from_state: LayerState
    to_state: LayerState
    reason: Reason
