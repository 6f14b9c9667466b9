"""The numbers the state machine and the sizings read by name, and what they can be.

A policy states those that its layers and its sizing need; the others may be left out and have a neutral
value, with which they change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from transforms.errors import PolicyError


@dataclass(frozen=True)
class MachineParameter:
    """One number the code reads by name.

    Attributes
    ----------
    unit
        The unit a policy must state it in.
    lowest, highest
        What makes sense at all; a policy's own range lies inside.
    neutral
        Value where the policy does not need it.
    needed_by
        Layers (``temporal_vega``) or sizings (``base:vxth``) that cannot do without it.
    is_whole
        Days, steps and contracts are whole numbers.
    """

    unit: str
    lowest: float
    highest: float
    neutral: float
    needed_by: tuple[str, ...]
    is_whole: bool = False

    def check(self, name: str, value: float) -> None:
        """Refuse a value that makes no sense for the machine.

        Raises
        ------
        PolicyError
            If it is out of range, or not whole where it must be.
        """
        if not self.lowest <= value <= self.highest or (self.is_whole and value != int(value)):
            kind = "a whole number" if self.is_whole else "a number"
            raise PolicyError(
                f"the parameter {name} cannot have this value",
                found=f"{value:g} {self.unit}",
                expected=f"{kind} from {self.lowest:g} to {self.highest:g}",
            )


_GOVERNOR = ("temporal_vega", "second_engine")
_TEMPORAL = ("temporal_vega",)
_SECOND = ("second_engine",)
_BAND = ("base:condor_band",)
_CALLS = ("base:calls",)
_VXTH = ("base:vxth",)
_VEQTOR = ("base:veqtor",)


def _days(needed_by: tuple[str, ...], lowest: float, highest: float, neutral: float) -> MachineParameter:
    return MachineParameter("sessions", lowest, highest, neutral, needed_by, is_whole=True)


def _share(needed_by: tuple[str, ...], neutral: float = 0.0) -> MachineParameter:
    return MachineParameter("frac", 0.0, 1.0, neutral, needed_by)


def _count(unit: str, needed_by: tuple[str, ...], lowest: float, highest: float) -> MachineParameter:
    return MachineParameter(unit, lowest, highest, lowest, needed_by, is_whole=True)


def _points(needed_by: tuple[str, ...]) -> MachineParameter:
    return MachineParameter("pts", 0.0, 200.0, 0.0, needed_by)


MACHINE: Mapping[str, MachineParameter] = {
    # governor: a loss or a spend of the whole NAV never happens, which is the neutral value
    "loss_lock_frac": _share(_GOVERNOR, 1.0),
    "yearly_budget_frac": _share(_GOVERNOR, 1.0),
    # base
    "base_notional_frac": _share(("base:condor_band", "base:fixed_notional")),
    "base_notional_highest_frac": _share(_BAND),
    "hedge_ratio": MachineParameter("ratio", 0.0, 2.0, 0.0, _BAND),
    # temporal_vega
    "arm_confirm_days": _days(_TEMPORAL, 1, 60, 1),
    "leave_confirm_days": _days(_TEMPORAL, 1, 60, 1),
    "cooldown_days": _days(_TEMPORAL, 0, 252, 0),
    "max_steps": _count("steps", _TEMPORAL, 0, 3),
    "excursion_steps": _count("steps", _TEMPORAL, 0, 1),
    "gain_roll_frac": _share(_TEMPORAL),
    "gain_roll_least_frac": _share(_TEMPORAL, 1.0),
    # second_engine: the shorts' loss is bounded by the wing
    "short_loss_frac": _share(_SECOND),
    "short_call_delta": MachineParameter("delta", 0.01, 0.99, 0.25, _SECOND),
    "short_wing_delta": MachineParameter("delta", 0.01, 0.99, 0.10, _SECOND),
    "long_call_delta": MachineParameter("delta", 0.01, 0.99, 0.20, _SECOND),
    "long_call_least_days": _count("calendar days", _SECOND, 1, 730),
    "long_call_highest_days": _count("calendar days", _SECOND, 1, 730),
    # base:calls
    **{f"calls_{leg}_contracts": _count("contracts", _CALLS, 0, 1000) for leg in ("short", "middle", "long")},
    **{f"calls_{leg}_days": _count("calendar days", _CALLS, 1, 730) for leg in ("short", "middle", "long")},
    "calls_delta": MachineParameter("delta", 0.01, 0.99, 0.5, _CALLS),
    "condor_all_below_pts": _points(_CALLS),
    "condor_some_to_pts": _points(_CALLS),
    "condor_none_above_pts": _points(_CALLS),
    "condor_all_tiers": _count("tiers", _CALLS, 0, 10),
    "condor_some_tiers": _count("tiers", _CALLS, 0, 10),
    # base:vxth
    **{f"vxth_edge_{number}_pts": _points(_VXTH) for number in (1, 2, 3)},
    **{f"vxth_weight_{number}_frac": _share(_VXTH) for number in (1, 2, 3, 4)},
    "vxth_call_delta": MachineParameter("delta", 0.01, 0.99, 0.3, _VXTH),
    # base:vpd
    "vpd_nav_per_contract_usd": MachineParameter("usd", 1_000.0, 1e9, 100_000.0, ("base:vpd",)),
    # base:veqtor
    **{f"veqtor_edge_{number}_pts": _points(_VEQTOR) for number in (1, 2, 3, 4)},
    **{f"veqtor_weight_{number}_frac": _share(_VEQTOR) for number in (1, 2, 3, 4, 5)},
    "veqtor_fast_days": _days(_VEQTOR, 1, 252, 5),
    "veqtor_slow_days": _days(_VEQTOR, 2, 252, 20),
    "veqtor_confirm_days": _days(_VEQTOR, 1, 252, 10),
    "veqtor_stop_frac": _share(_VEQTOR, 1.0),
    "veqtor_stop_days": _days(_VEQTOR, 1, 252, 5),
}
"""Every number the code reads by name."""

_ASCENDING: tuple[tuple[str, ...], ...] = (
    ("base_notional_frac", "base_notional_highest_frac"),
    ("roll_last_day", "roll_first_day"),
    ("short_wing_delta", "short_call_delta"),
    ("long_call_least_days", "long_call_highest_days"),
    ("calls_short_days", "calls_middle_days", "calls_long_days"),
    ("condor_all_below_pts", "condor_some_to_pts", "condor_none_above_pts"),
    ("condor_some_tiers", "condor_all_tiers"),
    ("vxth_edge_1_pts", "vxth_edge_2_pts", "vxth_edge_3_pts"),
    ("veqtor_edge_1_pts", "veqtor_edge_2_pts", "veqtor_edge_3_pts", "veqtor_edge_4_pts"),
    ("veqtor_fast_days", "veqtor_slow_days"),
    ("leave_vix_pts", "arm_vix_pts", "full_vix_pts"),
    ("vvix_open_rsi", "vvix_extreme_rsi"),
)
"""Numbers that make no sense in another order, wherever a policy states them."""


def needed(switched_on: Mapping[str, str | None]) -> Iterator[str]:
    """Yield the machine parameters that a policy with these enabled layers must state.

    Parameters
    ----------
    switched_on
        Enabled layers with their setting.
    """
    groups = {*switched_on, *(f"{layer}:{setting}" for layer, setting in switched_on.items())}
    yield from (name for name, entry in MACHINE.items() if groups & set(entry.needed_by))


def is_of_use(name: str, sizing: str | None) -> bool:
    """Say whether the code ever reads a parameter: one of another sizing of the base it does not."""
    entry = MACHINE.get(name)
    if entry is None:
        return False
    return any(not group.startswith("base:") or group == f"base:{sizing}" for group in entry.needed_by)


def machine_parameters(values: Mapping[str, float]) -> dict[str, float | int]:
    """Return every machine parameter: the policy's value, else the neutral one; whole numbers as ``int``."""
    found = {name: values.get(name, entry.neutral) for name, entry in MACHINE.items()}
    return {name: int(value) if MACHINE[name].is_whole else float(value) for name, value in found.items()}


def check_machine(values: Mapping[str, float]) -> None:
    """Refuse numbers that contradict each other.

    Raises
    ------
    PolicyError
        At the first pair in the wrong order; ``found`` names both, the later one first.
    """
    for names in _ASCENDING:
        stated = [name for name in names if name in values]
        for lower, higher in pairwise(stated):
            if values[lower] > values[higher]:
                raise PolicyError(
                    f"the parameters {lower} and {higher} are in the wrong order",
                    found=f"{lower} = {values[lower]:g}, {higher} = {values[higher]:g}",
                    expected=f"{lower} no higher than {higher}",
                )
