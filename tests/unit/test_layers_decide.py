"""From a policy and a market to what the machine is run with, and from its path to sizes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from transforms.layers import Layer, LayerInputs, LayerPath, LayerSettings, LayerState, Reading, run_layers
from transforms.layers.decide import (
    MARKET_COLUMNS,
    ROLES,
    build_layer_inputs,
    build_layer_settings,
    count_steps,
    is_sized_in_futures,
    layer_codes,
)
from transforms.policy.loader import PRESETS
from transforms.policy.model import ROLES as POLICY_ROLES
from warehouse.expressions import preset

NO_ROLE = dict.fromkeys((*ROLES, "signal_guards"))


def market(**columns: list[Any]) -> pd.DataFrame:
    count = max((len(column) for column in columns.values()), default=2)
    filled = {name: [None] * count for name in MARKET_COLUMNS} | columns
    frame = pd.DataFrame(filled)
    frame["vx1_expiry_date"] = pd.to_datetime(frame["vx1_expiry_date"])
    return frame


def path(*steps: int, base: LayerState = LayerState.ACTIVE) -> LayerPath:
    """A path that takes these steps, made from a real run of the same length."""
    count = len(steps)
    ran = run_layers(build_layer_inputs(market(vx1_settle_pts=[16.0] * count), NO_ROLE), LayerSettings())
    values = {name: getattr(ran, name) for name in LayerPath.__dataclass_fields__}
    values |= {"temporal_steps": np.array(steps, np.int8), "base_state": np.full(count, base, np.int8)}
    return LayerPath(**values)


def test_inputs_have_a_role_for_every_role_of_a_policy() -> None:
    assert set(ROLES.values()) == {(layer, role) for layer, roles in POLICY_ROLES.items() for role in roles}


def test_inputs_count_an_expiry_in_days_and_leave_an_unknown_one_out() -> None:
    built = build_layer_inputs(market(vx1_expiry_date=["1970-01-11", None]), NO_ROLE)
    assert built.front_expiry.tolist() == [10, 0]


def test_inputs_take_a_missing_number_as_unknown() -> None:
    built = build_layer_inputs(market(vx1_settle_pts=[16.0, None]), NO_ROLE)
    assert built.vx1_settle_pts[0] == 16
    assert math.isnan(built.vx1_settle_pts[1])


@pytest.mark.parametrize("infinite", [math.inf, -math.inf])
def test_inputs_take_an_infinite_number_as_unknown(infinite: float) -> None:
    built = build_layer_inputs(market(vx2_beta_ratio=[0.5, infinite]), NO_ROLE)
    assert math.isnan(built.vx2_beta[1])


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("vx1_settle_pts", "vx1_settle_pts"),
        ("vx1_held_change_pts", "vx1_change_pts"),
        ("vx2_held_change_pts", "vx2_change_pts"),
        ("vx1_beta_ratio", "vx1_beta"),
        ("vx2_beta_ratio", "vx2_beta"),
    ],
)
def test_inputs_take_each_price_from_its_own_column(column: str, name: str) -> None:
    prices = ("vx1_settle_pts", "vx1_change_pts", "vx2_change_pts", "vx1_beta", "vx2_beta")
    built = build_layer_inputs(market(**{column: [0.25, 0.5]}), NO_ROLE)
    assert getattr(built, name).tolist() == [0.25, 0.5]
    assert all(np.isnan(getattr(built, other)).all() for other in prices if other != name)


def test_inputs_keep_unknown_excursions_apart_from_none() -> None:
    built = build_layer_inputs(market(rv_excursions=[0, 2, None]), NO_ROLE)
    assert built.excursions is not None
    assert built.excursions.tolist() == [0, 2, -1]


def test_inputs_read_whole_numbers_that_may_be_missing() -> None:
    frame = market(rv_excursions=[1, None])
    frame["rv_excursions"] = frame["rv_excursions"].astype("Int64")
    built = build_layer_inputs(frame, NO_ROLE)
    assert built.excursions is not None
    assert built.excursions.tolist() == [1, -1]


@pytest.mark.parametrize("role", [*ROLES, "signal_guards"])
def test_inputs_give_each_truth_to_its_own_role(role: str) -> None:
    truth = np.array([1, -1], np.int8)
    built = build_layer_inputs(market(), NO_ROLE | {role: truth})
    given = {name: getattr(built, name) for name in NO_ROLE}
    assert given.pop(role) is truth
    assert set(given.values()) == {None}


def test_inputs_of_no_session_are_empty() -> None:
    built = build_layer_inputs(market().iloc[:0], NO_ROLE)
    assert isinstance(built, LayerInputs)
    assert len(built.front_expiry) == 0


@pytest.mark.parametrize("name", PRESETS)
def test_settings_take_every_number_that_the_policy_states(name: str) -> None:
    machine = preset(name).machine()
    settings = build_layer_settings(machine)
    stated = {key: machine[key] for key in LayerSettings.__dataclass_fields__ if key in machine and key != "reading"}
    found = {key: getattr(settings, key) for key in stated}
    if not machine["is_temporal_vega_enabled"]:
        stated.pop("max_steps"), found.pop("max_steps")
    assert found == stated
    assert settings.reading.name.lower() == machine["reading"]


@pytest.mark.parametrize("reading", list(Reading))
def test_settings_take_another_reading(reading: Reading) -> None:
    assert build_layer_settings(preset("article").machine(), reading=reading.name.lower()).reading == reading


def test_settings_of_a_layer_without_steps_do_not_use_it() -> None:
    settings = build_layer_settings(preset("article").with_values({"max_steps": 0}).machine())
    assert not settings.is_temporal_vega_enabled


def test_settings_of_a_layer_with_one_step_use_it() -> None:
    settings = build_layer_settings(preset("article").with_values({"max_steps": 1}).machine())
    assert (settings.is_temporal_vega_enabled, settings.max_steps) == (True, 1)


@pytest.mark.parametrize("name", PRESETS)
def test_only_two_sizings_are_in_futures(name: str) -> None:
    assert is_sized_in_futures(preset(name).machine()) == (name in ("article", "static", "none"))


def test_codes_are_those_of_the_layer() -> None:
    made = path(0, 1)
    assert layer_codes(made, "base")[0] is made.base_state
    assert layer_codes(made, "temporal_vega") == (made.temporal_state, made.temporal_reason)
    assert layer_codes(made, Layer.SECOND_ENGINE)[1] is made.second_reason


def test_codes_of_an_unknown_layer_are_refused() -> None:
    with pytest.raises(ValueError, match="guards"):
        layer_codes(path(0), "guards")


def test_steps_are_counted_for_the_temporal_layer_and_told_for_others() -> None:
    made = path(0, 3)
    assert count_steps(made, "temporal_vega").tolist() == [0, 3]
    assert count_steps(made, "base").tolist() == [1, 1]
    assert count_steps(made, "second_engine").tolist() == [0, 0]
