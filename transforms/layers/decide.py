"""A policy decided on a market: from the truths of its rules to the path of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.layers.codes import Reading
from transforms.layers.records import LayerInputs, LayerSettings, Truths

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

_EPOCH = np.datetime64("1970-01-01", "D")


def build_layer_inputs(market: pd.DataFrame, truths: Mapping[str, Truths | None]) -> LayerInputs:
    """Lay out a market and the truths of a policy's rules for the machine.

    Parameters
    ----------
    market
        One row a session, in order, with `MARKET_COLUMNS`; NaN and NaT are unknown.
    truths
        By name of `ROLES`, and ``signal_guards``; None for a role that the policy does not use.
    """
    excursions = market["rv_excursions"].to_numpy(dtype=np.float64, na_value=np.nan)
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

    Parameters
    ----------
    reading
        Another reading of the temporal layer than the policy's own.
    """
    wanted = {field.name for field in fields(LayerSettings)} - {"reading"}
    numbers = {name: value for name, value in machine.items() if name in wanted}
    if not machine["is_temporal_vega_enabled"]:
        # a policy without the layer has no steps; the machine's range starts at one that is never taken
        numbers["max_steps"] = max(1, int(numbers["max_steps"]))
    return LayerSettings(reading=Reading[(reading or str(machine["reading"])).upper()], **numbers)


def _ordinals(dates: pd.Series) -> npt.NDArray[np.int32]:
    days = pd.to_datetime(dates).to_numpy(dtype="datetime64[D]")
    counted = (days - _EPOCH).astype(np.int64)
    return np.where(np.isnat(days), 0, counted).astype(np.int32)


def _floats(column: pd.Series) -> npt.NDArray[np.float64]:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
