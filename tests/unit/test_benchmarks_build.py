from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.benchmarks import FIRST, JAN, curve_market, flat_market, inputs_of, legs_of, market_days
from transforms.benchmarks import benchmark_parameters, book_benchmark, build_benchmark, list_benchmarks
from transforms.benchmarks.basis import BasisRules, read_basis_rules
from transforms.benchmarks.catalogue import read_preset_values
from transforms.benchmarks.ladder_rules import LadderRules, read_ladder_rules
from transforms.benchmarks.tail_calls import TailRules, read_tail_rules
from transforms.benchmarks.veqtor import VeqtorRules, read_veqtor_rules
from transforms.ledger import CostRules
from transforms.policy.model import PROVENANCES

NAMES = [info.name for info in list_benchmarks()]
PIECES = ["roll_usd", "curve_usd", "theta_usd", "option_move_usd", "cost_usd", "interest_usd"]


def test_list_says_whose_rule_and_how_priced() -> None:
    found = list_benchmarks()
    assert len({info.name for info in found}) == len(found) == 13
    for info in found:
        assert info.provenance in PROVENANCES
        assert info.label == ("model-priced" if "options" in info.needs else "computed")
        assert info.what
        assert info.derived


def test_every_number_has_a_source_and_a_unit() -> None:
    for number in benchmark_parameters().values():
        assert number.provenance in PROVENANCES
        assert number.unit
        assert number.meaning


def test_rules_are_those_of_the_presets_and_the_list() -> None:
    numbers = {name: float(one.value) for name, one in benchmark_parameters().items()}
    assert read_tail_rules(read_preset_values("vxth")) == TailRules()
    assert read_veqtor_rules(read_preset_values("veqtor")) == VeqtorRules()
    assert read_ladder_rules(read_preset_values("canon"), numbers) == LadderRules()
    wide = read_ladder_rules(read_preset_values("canon"), numbers, is_wide=True)
    assert wide == replace(LadderRules(), long_days_tolerance=90.0)
    assert read_basis_rules(numbers) == BasisRules()


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_is_built_and_booked_to_the_cent(name: str) -> None:
    days = market_days()
    level = {day: 18 + 8 * np.sin(number / 15) for number, day in enumerate(days)}
    market = curve_market(
        days,
        lambda day, expiry: round(20 + (level[day] - 20) * 0.7 ** ((expiry - day).days / 60), 2),
        [value + 5 * np.sin(number / 10) for number, value in enumerate(level.values())],
    )
    inputs = inputs_of(market)
    booked = book_benchmark(build_benchmark(name, inputs), inputs, CostRules())
    days_of = booked.ledger.days
    assert set(days_of["layer"]) == {"base", "portfolio"}
    assert np.abs(days_of["pnl_usd"] - days_of[PIECES].sum(axis=1)).max() < 0.005
    assert (days_of["pnl_usd"].abs().sum() > 0) == (name != "none")
    assert (len(booked.positions) > 0) == (name != "none")
    assert booked.positions["is_model_priced"].any() == (booked.benchmark.info.label == "model-priced")


def test_a_needed_input_that_is_missing_is_named() -> None:
    inputs = inputs_of(flat_market(20.0), options=None, short_term_tr=None)
    with pytest.raises(ValueError, match="benchmark vxth: needs options"):
        build_benchmark("vxth", inputs)
    with pytest.raises(ValueError, match="benchmark veqtor: needs short_term_tr"):
        build_benchmark("veqtor", inputs)
    build_benchmark("vpd", inputs)


def test_unknown_names_are_refused() -> None:
    inputs = inputs_of(flat_market(20.0))
    with pytest.raises(ValueError, match="benchmark 'vix': expected one of none, static_1pct"):
        build_benchmark("vix", inputs)
    with pytest.raises(ValueError, match="there is no number vpd_nav"):
        build_benchmark("vpd", inputs, {"vpd_nav": 1.0})
    with pytest.raises(ValueError, match="there is no number basis_roll"):
        build_benchmark("basis", inputs, numbers={"basis_roll": 1.0})


def test_numbers_of_the_policy_can_be_replaced() -> None:
    market = flat_market(20.0)
    found = legs_of(build_benchmark("vpd", inputs_of(market), {"vpd_nav_per_contract_usd": 50_000.0}).targets)
    assert found[market.days.index(JAN)] == {"VX 2023-02-15": -20}


def test_account_must_be_positive_and_of_the_sessions() -> None:
    market = flat_market(20.0)
    for nav in (0.0, np.nan, np.ones(3), np.full(len(market), -1.0)):
        with pytest.raises(ValueError, match="nav_usd"):
            build_benchmark("vpd", inputs_of(market, nav_usd=nav))
    with pytest.raises(ValueError, match="one nav_usd for all sessions"):
        build_benchmark("static_1pct", inputs_of(market, nav_usd=np.full(len(market), 1e6)))


def test_account_by_session_sizes_each_roll() -> None:
    market = flat_market(20.0)
    nav = np.where(np.array(market.days) < np.datetime64("2023-02-01"), 1e6, 2e6)
    found = legs_of(build_benchmark("vpd", inputs_of(market, nav_usd=nav)).targets)
    assert found[market.days.index(JAN)] == {"VX 2023-02-15": -10}
    assert list(found[-1].values()) == [-20]


def test_no_hedge_wants_nothing() -> None:
    assert market_days()[0] == FIRST
    assert not any(legs_of(build_benchmark("none", inputs_of(flat_market(20.0))).targets))
