from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from tests.support.ledger_market import NAV_USD, UNKNOWN, make_market, make_path
from transforms.layers import LayerState, Reading, Roll
from transforms.positions import (
    FuturesMarket,
    LayerTargets,
    Leg,
    OptionStructure,
    SizingRules,
    VixFuture,
    VixOption,
    build_base_targets,
    build_second_engine_targets,
    build_temporal_targets,
)

RULES = SizingRules()
START = date(2024, 8, 1)
SEP, OCT, NOV, DEC = date(2024, 9, 18), date(2024, 10, 16), date(2024, 11, 20), date(2024, 12, 18)
IDLE, ARMED, ACTIVE, BLOCKED = LayerState


def days_from(start: date, sessions: int) -> list[date]:
    return [start + timedelta(days=number) for number in range(sessions)]


def market_of(
    front: Sequence[float], start: date = START, betas: Sequence[float] = (0.6, 0.4, 0.3, 0.2)
) -> FuturesMarket:
    values = list(front)
    prices = {expiry: [value + 1.0 * number for value in values] for number, expiry in enumerate((SEP, OCT, NOV, DEC))}
    return make_market(days_from(start, len(values)), prices, vix=values, betas=betas)


def held(targets: LayerTargets) -> list[dict[str, int]]:
    return [{leg.instrument.code: leg.contracts for leg in want.legs} for want in targets.wants]


def said(targets: LayerTargets) -> list[str]:
    return [want.reason for want in targets.wants]


def test_base_is_sized_at_entry_and_then_left_alone() -> None:
    market = market_of([20.0, 20.5, 21.9, 19.0])
    targets = build_base_targets(market, make_path(4), RULES, NAV_USD)
    assert held(targets) == [{"VXM 2024-09-18": 5}] * 4
    assert said(targets)[0] == "entered: 1.00% of NAV (no condor vega)"
    assert said(targets)[2] == "held: 1.09% of NAV"


def test_base_answers_the_condor_when_it_is_sized_only() -> None:
    market = market_of([20.0, 20.0, 20.0])
    vega = np.array([-2000.0, -9000.0, -9000.0])
    path = make_path(3, held_rank=[1, 1, 2], base_roll=[0, 0, Roll.EARLY])
    targets = build_base_targets(market, path, RULES, NAV_USD, vega)
    # 0.5 x 2000 x 0.6 = 600 dollars a point; at the roll the band ends at 20,000 / 21 = 952
    assert held(targets) == [{"VXM 2024-09-18": 6}] * 2 + [{"VXM 2024-10-16": 9}]
    assert said(targets)[2] == "rolled early: 2.00% of NAV"


def test_base_that_gained_is_trimmed_to_the_upper_edge() -> None:
    market = market_of([20.0, 43.9, 44.1, 60.0])
    targets = build_base_targets(market, make_path(4), RULES, NAV_USD)
    # 5 x 100 x 44.1 = 22,050 is more than 2.2%; 20,000 / 44.1 = 453.5 dollars a point
    assert held(targets) == [{"VXM 2024-09-18": count} for count in (5, 5, 4, 3)]
    assert said(targets)[2] == "trimmed to the upper end of the band: 2.00% of NAV"


def test_base_that_shrank_is_topped_up_to_the_lower_edge() -> None:
    market = market_of([20.0, 18.1, 17.9])
    targets = build_base_targets(market, make_path(3), RULES, NAV_USD)
    assert held(targets) == [{"VXM 2024-09-18": count} for count in (5, 5, 6)]
    assert said(targets)[2] == "topped up to the lower end of the band: 1.00% of NAV"


def test_base_too_small_for_a_contract_does_not_trade_every_day() -> None:
    # before VXM: 10,000 of notional are 0.4 VX, and one VX were beyond the band
    market = make_market(days_from(date(2019, 8, 1), 3), {date(2019, 9, 18): [25.0, 25.1, 25.2]})
    targets = build_base_targets(market, make_path(3), RULES, NAV_USD)
    assert held(targets) == [{"VX 2019-09-18": 0}] * 3
    assert targets.wants[2].legs[0].wanted_contracts == pytest.approx(0.4)


def test_blocked_base_keeps_its_contracts_until_they_settle() -> None:
    market = market_of([20.0] * 4, start=date(2024, 9, 15))
    path = make_path(4, base_state=[ACTIVE, BLOCKED, BLOCKED, BLOCKED])
    targets = build_base_targets(market, path, RULES, NAV_USD)
    assert held(targets) == [{"VXM 2024-09-18": 5}] * 3 + [{}]


def test_base_without_a_settlement_keeps_its_target() -> None:
    market = market_of([20.0, UNKNOWN, 20.0])
    targets = build_base_targets(market, make_path(3, held_rank=[1, 2, 2]), RULES, NAV_USD)
    assert held(targets) == [{"VXM 2024-09-18": 5}] * 2 + [{"VXM 2024-10-16": 5}]
    assert said(targets)[1] == "VX2 has no settlement: target as before"


def test_base_that_is_not_enabled_wants_nothing() -> None:
    path = make_path(2, base_state=[IDLE, IDLE], held_rank=[0, 0])
    assert held(build_base_targets(market_of([20.0, 20.0]), path, RULES, NAV_USD)) == [{}, {}]


def test_base_refuses_states_of_other_sessions() -> None:
    with pytest.raises(ValueError, match="expected states of 2 sessions, found 3"):
        build_base_targets(market_of([20.0, 20.0]), make_path(3), RULES, NAV_USD)
    with pytest.raises(ValueError, match="nav_usd"):
        build_base_targets(market_of([20.0, 20.0]), make_path(2), RULES, 0)


def temporal(market: FuturesMarket, reading: Reading = Reading.EQUAL_VEGA, **columns: Sequence[float]) -> LayerTargets:
    path = make_path(len(market), **columns)
    rules = SizingRules(reading=reading)
    return build_temporal_targets(market, path, rules, NAV_USD, build_base_targets(market, path, rules, NAV_USD))


def test_temporal_legs_double_with_the_steps_and_not_with_the_price() -> None:
    targets = temporal(market_of([20.0, 21.0, 20.0, 20.0, 20.0]), temporal_steps=[1, 1, 2, 3, 0])
    # 500 dollars a point of base vega, times 1, 3, 7; sold times 0.6 / 0.4
    assert held(targets) == [
        {"VXM 2024-09-18": 5, "VXM 2024-10-16": -8},
        {"VXM 2024-09-18": 5, "VXM 2024-10-16": -8},
        {"VXM 2024-09-18": 15, "VXM 2024-10-16": -23},
        {"VXM 2024-09-18": 35, "VXM 2024-10-16": -53},
        {},
    ]
    assert said(targets)[2] == "sized: 2 steps, equal_vega"
    assert said(targets)[4] == "nothing is wanted"


def test_temporal_legs_roll_with_the_base_and_take_its_sensitivities() -> None:
    targets = temporal(market_of([20.0, 20.0]), held_rank=[1, 2], temporal_steps=[1, 1])
    # at the roll 10,000 / 21 = 476.2 dollars a point, sold times 0.4 / 0.3
    assert held(targets)[1] == {"VXM 2024-10-16": 5, "VXM 2024-11-20": -6}
    assert said(targets)[1] == "rolled: 1 step, equal_vega"


def test_temporal_legs_of_the_short_front_are_turned() -> None:
    targets = temporal(market_of([20.0]), Reading.SHORT_FRONT, temporal_steps=[1])
    assert held(targets) == [{"VXM 2024-09-18": -5, "VXM 2024-10-16": 8}]


def test_temporal_layer_without_sensitivity_sizes_later() -> None:
    market = market_of([20.0, 20.0, 20.0], betas=(0.6, 0.4, UNKNOWN, 0.2))
    targets = temporal(market, held_rank=[1, 2, 1], temporal_steps=[1, 1, 2])
    assert held(targets)[1] == held(targets)[0]
    assert said(targets)[1] == "1 step: a price or sensitivity is unknown, legs as before"
    assert held(targets)[2] == {"VXM 2024-09-18": 15, "VXM 2024-10-16": -23}


SPREAD = (Leg(VixOption(SEP, 25), -3), Leg(VixOption(SEP, 30), 3))
CALENDAR = OptionStructure((*SPREAD, Leg(VixOption(DEC, 30), 3)), "calendar")


def second(
    states: Sequence[int], made: OptionStructure | str | None, start: date = START
) -> tuple[LayerTargets, list[int]]:
    asked: list[int] = []

    def construct(session: int, nav_usd: float) -> OptionStructure | str:
        assert nav_usd == NAV_USD
        asked.append(session)
        assert made is not None
        return made

    market = market_of([20.0] * len(states), start=start)
    path = make_path(len(states), second_state=states)
    return build_second_engine_targets(market, path, RULES, NAV_USD, construct if made else None), asked


def test_second_engine_is_constructed_once_and_held() -> None:
    targets, asked = second([ARMED, ACTIVE, ACTIVE, BLOCKED, ACTIVE], CALENDAR)
    assert [want.legs for want in targets.wants] == [(), *[CALENDAR.legs] * 4]
    assert said(targets) == ["waits", "constructed: calendar", "held", "blocked: holds what it has", "held"]
    assert asked == [1]


def test_second_engine_closes_the_short_expiry_and_keeps_the_longer() -> None:
    targets, asked = second([ACTIVE, ARMED, ACTIVE, IDLE], CALENDAR)
    assert [want.legs for want in targets.wants] == [CALENDAR.legs, CALENDAR.legs[2:], CALENDAR.legs, ()]
    assert said(targets)[1] == "shorts closed, longer options held"
    assert asked == [0, 2]


def test_second_engine_is_constructed_anew_when_its_shorts_settle() -> None:
    targets, asked = second([ACTIVE] * 4, CALENDAR, start=date(2024, 9, 16))
    assert asked == [0, 2, 3]
    # the constructor still offers what has settled: refused, the longer call is held
    assert targets.wants[2].legs == CALENDAR.legs[2:]
    assert said(targets)[2] == "not constructible: a leg has settled"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("no listed call fits", "no listed call fits"),
        (None, "no options are priced"),
        (OptionStructure(SPREAD[:1], "naked"), "the loss of the shorts has no bound"),
        (OptionStructure((SPREAD[0], Leg(VixOption(DEC, 30), 3)), "bare"), "the loss of the shorts has no bound"),
        (
            OptionStructure((Leg(VixOption(SEP, 25), -11), Leg(VixOption(SEP, 30), 11)), "large"),
            "the shorts can lose 5,500 usd, more than 5,000",
        ),
        (OptionStructure((), "empty"), "the structure has no leg, an empty leg, one option twice or something else"),
        (OptionStructure((Leg(VixFuture(SEP), 1),), "future"), "the structure has no leg"),
    ],
)
def test_second_engine_refuses_what_is_not_bounded(made: OptionStructure | str | None, reason: str) -> None:
    targets, _ = second([ACTIVE], made)
    assert targets.wants[0].legs == ()
    assert said(targets)[0].startswith(f"not constructible: {reason}")
