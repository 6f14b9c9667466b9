"""A policy decided on a market: from the truths of its rules to the path of its layers, and to sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.layers.codes import Layer, LayerState, Reading
from transforms.layers.records import Floats, LayerInputs, LayerPath, LayerSettings, Truths

MARKET_COLUMNS = (
    "vx1_expiry_date",
    "vx1_settle_pts",
    "vx1_held_change_pts",
    "vx2_held_change_pts",
    "vx1_beta_ratio",
    "vx2_beta_ratio",
    "rv_excursions",
)
"""What the machine needs of each session beside the truths of the rules, as columns of the warehouse."""

ROLES = {
    "listed": ("base", "listed"),
    "roll_early": ("base", "roll_early"),
    "roll_forced": ("base", "roll_forced"),
    "arm": ("temporal_vega", "arm"),
    "full": ("temporal_vega", "full"),
    "leave": ("temporal_vega", "leave"),
    "converge": ("temporal_vega", "converge"),
    "open_shorts": ("second_engine", "open"),
    "close_shorts": ("second_engine", "close_shorts"),
    "constructible": ("second_engine", "constructible"),
}
"""Input of the machine to (layer, role) of the policy."""

_SIZED_IN_FUTURES = ("condor_band", "fixed_notional")
_EPOCH = np.datetime64("1970-01-01", "D")


def build_layer_inputs(market: pd.DataFrame, truths: Mapping[str, Truths | None]) -> LayerInputs:
    """Lay out a market and the truths of a policy's rules for the machine.

    Parameters
    ----------
    market
        One row a session, in order, with `MARKET_COLUMNS`; NaN, NaT and infinite values are unknown.
    truths
        By name of `ROLES`, and ``signal_guards``; None for a role that the policy does not use.
    """
    excursions = _floats(market["rv_excursions"])
    return LayerInputs(
        front_expiry=_ordinals(market["vx1_expiry_date"]),
        vx1_settle_pts=_floats(market["vx1_settle_pts"]),
        vx1_change_pts=_floats(market["vx1_held_change_pts"]),
        vx2_change_pts=_floats(market["vx2_held_change_pts"]),
        vx1_beta=_floats(market["vx1_beta_ratio"]),
        vx2_beta=_floats(market["vx2_beta_ratio"]),
        excursions=np.where(np.isnan(excursions), -1, np.nan_to_num(excursions)).astype(np.int16),
        **{name: truths[name] for name in (*ROLES, "signal_guards")},
    )


def build_layer_settings(machine: Mapping[str, Any], *, reading: str | None = None) -> LayerSettings:
    """Take the machine's numbers out of what a policy states (:meth:`Policy.machine`).

    A policy may allow the temporal layer no step at all; it then does not use the layer.

    Parameters
    ----------
    reading
        Another reading of the temporal layer than the policy's own.
    """
    wanted = {field.name for field in fields(LayerSettings)} - {"reading"}
    numbers = {name: value for name, value in machine.items() if name in wanted}
    if int(numbers["max_steps"]) == 0:
        # the machine counts from one step on, which a layer that is not enabled never takes
        numbers |= {"is_temporal_vega_enabled": False, "max_steps": 1}
    return LayerSettings(reading=Reading[(reading or str(machine["reading"])).upper()], **numbers)


def is_sized_in_futures(machine: Mapping[str, Any]) -> bool:
    """Tell whether a policy sizes its layers by the notional of VX futures, as the machine's estimates assume."""
    return machine["sizing"] in _SIZED_IN_FUTURES


def layer_codes(path: LayerPath, layer: str) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return the codes of a layer's states and reasons, each of shape (n,)."""
    return {
        Layer.BASE: (path.base_state, path.base_reason),
        Layer.TEMPORAL_VEGA: (path.temporal_state, path.temporal_reason),
        Layer.SECOND_ENGINE: (path.second_state, path.second_reason),
    }[Layer(layer)]


def count_steps(path: LayerPath, layer: str) -> npt.NDArray[np.int8]:
    """Return how much of a layer is on, shape (n,): the temporal layer's steps, 1 for another that is active."""
    if layer == Layer.TEMPORAL_VEGA:
        return path.temporal_steps
    states, _ = layer_codes(path, layer)
    return np.where(states == LayerState.ACTIVE, 1, 0).astype(np.int8)


def _ordinals(dates: pd.Series) -> npt.NDArray[np.int32]:
    days = pd.to_datetime(dates).to_numpy(dtype="datetime64[D]")
    counted = (days - _EPOCH).astype(np.int64)
    return np.where(np.isnat(days), 0, counted).astype(np.int32)


def _floats(column: pd.Series) -> Floats:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)
