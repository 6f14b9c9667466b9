"""Numbers of the layered calls of the preset ``canon``, and when their gains are shifted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

LADDER = ("short", "middle", "long")


@dataclass(frozen=True, kw_only=True)
class LadderRules:
    """Numbers of the layered calls.

    Parameters
    ----------
    contracts, days
        Calls a unit, and calendar days to settlement, of the short, middle and long layer.
    delta
        Of a call when it is bought.
    trigger_vix_pts, trigger_edr_frac, arm_confirm_days, leave_confirm_days
        Shifts are armed after so many closes in a row beyond either trigger, and end after so many inside both.
    gain_roll_frac, gain_roll_least_frac
        Part of the short calls' gain that is shifted, and the least gain that is, as a share of NAV.
    premium_frac
        The premium paid for all calls held, shifts aside, is at most this share of NAV.
    renew_share_frac
        Middle and long calls are renewed at the monthly roll with less than this share of their layer's days left.
    days_tolerance, long_days_tolerance
        How far a listed expiry may be from a layer's days; the second for the long layer.
    """

    contracts: tuple[int, int, int] = (4, 4, 2)
    days: tuple[float, float, float] = (30.0, 110.0, 220.0)
    delta: float = 0.5
    trigger_vix_pts: float = 16.0
    trigger_edr_frac: float = 0.0094
    arm_confirm_days: int = 1
    leave_confirm_days: int = 1
    gain_roll_frac: float = 0.5
    gain_roll_least_frac: float = 0.0025
    premium_frac: float = 0.01
    renew_share_frac: float = 0.5
    days_tolerance: float = 20.0
    long_days_tolerance: float = 20.0


def read_ladder_rules(
    values: Mapping[str, float], parameters: Mapping[str, float], *, is_wide: bool = False
) -> LadderRules:
    """Take the numbers out of a policy's and out of the benchmarks' own.

    Parameters
    ----------
    values
        Of the policy, by name.
    parameters
        Of the benchmarks, by name.
    is_wide
        The long layer may stand in the furthest listed month.

    Raises
    ------
    KeyError
        One is missing.
    """
    tolerance = parameters["canon_days_tolerance"]
    short, middle, long = (int(values[f"calls_{layer}_contracts"]) for layer in LADDER)
    near, further, furthest = (values[f"calls_{layer}_days"] for layer in LADDER)
    return LadderRules(
        contracts=(short, middle, long),
        days=(near, further, furthest),
        delta=values["calls_delta"],
        trigger_vix_pts=values["trigger_vix_pts"],
        trigger_edr_frac=values["trigger_edr_frac"],
        arm_confirm_days=int(values["arm_confirm_days"]),
        leave_confirm_days=int(values["leave_confirm_days"]),
        gain_roll_frac=values["gain_roll_frac"],
        gain_roll_least_frac=values["gain_roll_least_frac"],
        premium_frac=parameters["canon_premium_frac"],
        renew_share_frac=parameters["canon_renew_share_frac"],
        days_tolerance=tolerance,
        long_days_tolerance=parameters["canon_wide_days_tolerance"] if is_wide else tolerance,
    )


def compute_armed(vix_pts: Floats, rules: LadderRules) -> Flags:
    """Tell at each close whether gains are shifted; bool of shape (n,).

    The expected daily range is ``VIX / sqrt(252) / 100``. A close without a VIX is no evidence either way: nothing
    arms or ends on it, and it breaks a run of closes.
    """
    armed = np.zeros(len(vix_pts), dtype=bool)
    is_armed, beyond, inside = False, 0, 0
    for session, vix in enumerate(vix_pts.tolist()):
        if math.isnan(vix):
            beyond = inside = 0
        elif vix > rules.trigger_vix_pts or vix / math.sqrt(252) / 100 > rules.trigger_edr_frac:
            beyond, inside = beyond + 1, 0
        else:
            beyond, inside = 0, inside + 1
        if beyond >= rules.arm_confirm_days:
            is_armed = True
        elif inside >= rules.leave_confirm_days:
            is_armed = False
        armed[session] = is_armed
    return armed
