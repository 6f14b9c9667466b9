from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from transforms.layers import Reading
from transforms.policy.machine import machine_parameters
from transforms.positions import SizingRules, VixOption
from transforms.positions.instruments import VXM_FIRST_DATE
from transforms.positions.sizing import (
    compute_base_notional,
    compute_loss_bound,
    read_sizing_rules,
    size_temporal_vega,
    size_vpd_contracts,
    split_contracts,
    weigh_vxth_calls,
)
from transforms.registry import parameters

RULES = SizingRules()
TODAY, SEP = date(2024, 8, 1), date(2024, 9, 18)
BEFORE_VXM = date(2020, 8, 7)
NAN = math.nan

# Cboe VIX Premium Strategy Index: N = V / 100,000 keeps three quarters of V when VX rises by 25 points.
VPD_CONTRACTS_OF_A_MILLION = 10
# Cboe VIX Tail Hedge Index: weight of the calls by forward VIX.
VXTH_WEIGHTS = {14.0: 0.0, 15.0: 0.0, 15.01: 0.01, 30.0: 0.01, 30.01: 0.005, 50.0: 0.005, 50.01: 0.0}


def test_vpd_sells_ten_contracts_of_a_million() -> None:
    contracts = size_vpd_contracts(1_000_000)
    assert contracts == VPD_CONTRACTS_OF_A_MILLION
    assert 1_000_000 - contracts * 1000 * 25 == 750_000
    assert size_vpd_contracts(250_000) == 2.5
    with pytest.raises(ValueError, match="nav_per_contract_usd"):
        size_vpd_contracts(1, 0)


@pytest.mark.parametrize(("forward", "weight"), VXTH_WEIGHTS.items())
def test_vxth_weight_changes_past_its_edges(forward: float, weight: float) -> None:
    assert weigh_vxth_calls(forward) == weight


def test_vxth_weight_of_an_unknown_forward_is_unknown() -> None:
    assert math.isnan(weigh_vxth_calls(NAN))


@pytest.mark.parametrize(
    ("vega", "beta", "notional"),
    [
        (-2000.0, 0.6, 12_000.0),  # 0.5 x 2000 x 0.6 x 20
        (2000.0, 0.6, 12_000.0),  # the size of the vega counts
        (-100.0, 0.6, 10_000.0),
        (-9000.0, 0.6, 20_000.0),
        (NAN, 0.6, 10_000.0),
        (-2000.0, NAN, 10_000.0),
    ],
)
def test_base_notional_answers_the_condor_inside_the_band(vega: float, beta: float, notional: float) -> None:
    assert compute_base_notional(RULES, 1_000_000, 20.0, vega, beta) == pytest.approx(notional)


def test_small_sizes_are_held_in_vxm_once_listed() -> None:
    leg = split_contracts(RULES, VXM_FIRST_DATE, SEP, 9_940.0)
    assert (leg.instrument.code, leg.contracts, leg.wanted) == ("VXM 2024-09-18", 99, 99.4)
    leg = split_contracts(RULES, TODAY, SEP, 10_400.0)
    assert (leg.instrument.code, leg.contracts, leg.wanted) == ("VX 2024-09-18", 10, 10.4)
    leg = split_contracts(RULES, BEFORE_VXM, SEP, 2_600.0)
    assert (leg.instrument.code, leg.contracts, leg.wanted) == ("VX 2024-09-18", 3, 2.6)


def test_size_rounds_half_away_from_nothing_and_stays_below_its_limit() -> None:
    assert split_contracts(RULES, TODAY, SEP, -750.0).contracts == -8
    assert split_contracts(RULES, TODAY, SEP, 500 * 0.6 / 0.4).contracts == 8  # 749.9999999999999
    assert split_contracts(RULES, BEFORE_VXM, SEP, 700.0, 900.0).contracts == 0
    assert split_contracts(RULES, BEFORE_VXM, SEP, 700.0, 1000.0).contracts == 1


@pytest.mark.parametrize(
    ("reading", "legs"),
    [
        (Reading.EQUAL_VEGA, (1500.0, -2250.0)),
        (Reading.CONTRACTS, (1500.0, -750.0)),
        (Reading.BASE_MATCHED, (1500.0, -750.0)),
        (Reading.SHORT_FRONT, (-1500.0, 2250.0)),
    ],
)
def test_temporal_legs_follow_the_reading(reading: Reading, legs: tuple[float, float]) -> None:
    assert size_temporal_vega(reading, 2, 500.0, 0.6, 0.4) == pytest.approx(legs)


def test_temporal_legs_are_unknown_without_sensitivities_they_need() -> None:
    for betas in ((NAN, 0.4), (0.6, NAN), (0.6, 0.0), (-0.1, 0.4)):
        assert math.isnan(size_temporal_vega(Reading.EQUAL_VEGA, 1, 500.0, *betas)[1])
        assert size_temporal_vega(Reading.CONTRACTS, 1, 500.0, *betas) == (500.0, -250.0)


@pytest.mark.parametrize(
    ("legs", "bound"),
    [
        ([("C", 25, -3), ("C", 30, 3)], 1500.0),
        ([("C", 25, -3), ("C", 30, 2)], math.inf),
        ([("C", 25, 3)], 0.0),
        ([("C", 25, 3), ("C", 30, -3)], 0.0),
        ([("P", 20, -1)], 2000.0),
        ([("P", 20, -1), ("P", 15, 1)], 500.0),
        ([("P", 15, -1), ("P", 12, 1), ("C", 25, -1), ("C", 30, 1)], 500.0),
        ([], 0.0),
    ],
)
def test_loss_bound_is_the_worst_settlement(legs: list[tuple[str, float, int]], bound: float) -> None:
    assert compute_loss_bound([(VixOption(SEP, strike, right == "C"), n) for right, strike, n in legs]) == bound


def test_loss_bound_refuses_a_longer_call_as_cover() -> None:
    with pytest.raises(ValueError, match="one expiry"):
        compute_loss_bound([(VixOption(SEP, 25), -1), (VixOption(date(2024, 12, 18), 25), 1)])


def test_sizing_rules_are_those_of_the_policy_and_the_parameters() -> None:
    values = {name: float(entry.value) for name, entry in parameters().items()}
    article = {
        "base_notional_frac": 0.01,
        "base_notional_highest_frac": 0.02,
        "hedge_ratio": 0.5,
        "short_loss_frac": 0.005,
    }
    machine = {**machine_parameters(article), "reading": "equal_vega"}
    assert read_sizing_rules(machine, values) == SizingRules()
    assert read_sizing_rules(machine, values, reading="contracts") == replace(RULES, reading=Reading.CONTRACTS)
    machine["base_notional_highest_frac"] = 0.0
    assert read_sizing_rules(machine, values).base_notional_highest_frac == 0.01


@pytest.mark.parametrize("change", [{"base_notional_frac": 0.03}, {"hedge_ratio": -1}, {"band_slack_frac": math.inf}])
def test_sizing_rules_refuse_what_sizes_nothing(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(RULES, **change)
