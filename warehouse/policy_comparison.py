"""What other readings, the shipped policies and a policy without hysteresis would do on the same signals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from transforms.layers import Layer, LayerState, Mode, Reading
from transforms.layers.decide import count_steps, layer_codes
from transforms.policy.loader import PRESETS
from transforms.policy.model import Policy
from warehouse.expressions import preset
from warehouse.policy_paths import PolicyPaths, name_codes
from warehouse.stored_tables import create_from_frame

NO_HYSTERESIS = "no_hysteresis"


@dataclass(frozen=True)
class Variant:
    """A policy to compare with, in its own reading of the temporal layer or in another."""

    name: str
    policy: Policy
    reading: str


def list_variants(policy: Policy) -> Iterator[Variant]:
    """Yield what a policy is compared with: each reading, each preset, and itself without hysteresis.

    The last one leaves at its own arming level, on the first close below. A policy that does not state
    these numbers, or whose ranges do not allow it, has no such variant.
    """
    for reading in Reading:
        yield Variant(f"reading:{reading.name.lower()}", policy, reading.name.lower())
    for name in PRESETS:
        shipped = preset(name)
        yield Variant(f"preset:{name}", shipped, str(shipped.machine()["reading"]))
    values = policy.values
    if {"arm_vix_pts", "leave_vix_pts", "leave_confirm_days"} <= values.keys():
        changed = {"leave_vix_pts": values["arm_vix_pts"], "leave_confirm_days": 1.0}
        entries = {parameter.name: parameter for parameter in policy.parameters}
        if all(entries[name].lowest <= value <= entries[name].highest for name, value in changed.items()):
            without = policy.with_values(changed, name=NO_HYSTERESIS)
            yield Variant(NO_HYSTERESIS, without, str(without.machine()["reading"]))


def write_comparison(
    connection: duckdb.DuckDBPyConnection,
    variants: Sequence[Variant],
    paths: PolicyPaths,
) -> None:
    """Write ``mart.daily_policy_comparison``.

    Parameters
    ----------
    paths
        Over the sessions of the signals, with the rules of every variant's policy.
    """
    parts = []
    for variant in variants:
        path = paths.of(variant.policy, variant.reading)
        modes = name_codes(Mode, path.mode)
        for layer in Layer:
            states, _ = layer_codes(path, layer)
            parts.append(
                pd.DataFrame(
                    {
                        "trade_date": paths.market["trade_date"],
                        "variant": variant.name,
                        "layer": layer.value,
                        "state": name_codes(LayerState, states),
                        "step_count": count_steps(path, layer),
                        "governor_mode": modes,
                    }
                )
            )
    create_from_frame(
        connection,
        "mart.daily_policy_comparison",
        pd.concat(parts, ignore_index=True),
        "trade_date::date as trade_date, variant::varchar as variant, layer::varchar as layer, "
        "state::varchar as state, step_count::bigint as step_count, governor_mode::varchar as governor_mode",
    )
