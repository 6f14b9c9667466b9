from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.support.benchmarks import (
    APR,
    FEB,
    JAN,
    MAR,
    ModelOptions,
    curve_market,
    flat_market,
    inputs_of,
    legs_of,
    market_days,
    model_options,
)
from tests.support.benchmarks import reasons_of as said
from tests.support.ledger_market import UNKNOWN
from transforms.benchmarks import Benchmark, BenchmarkInputs, book_benchmark, build_benchmark
from transforms.benchmarks.ladder_rules import LadderRules, compute_armed
from transforms.ledger import CostRules
from transforms.positions import VixOption, parse_instrument

# Cboe VIX Tail Hedge Index: share of the account in calls by forward VIX.
WEIGHTS = {14.0: 0.0, 15.0: 0.0, 15.01: 0.01, 30.0: 0.01, 30.01: 0.005, 50.0: 0.005, 50.01: 0.0}
NAV = 1_000_000.0
BEFORE_JAN, BEFORE_FEB = date(2023, 1, 17), date(2023, 2, 14)
COSTLESS = CostRules(option_fee_usd=0, option_part_share=0)


def price_of(inputs: BenchmarkInputs, day: date, code: str) -> pd.Series:
    option = parse_instrument(code)
    assert isinstance(option, VixOption)
    assert inputs.options is not None
    row = {"trade_date": pd.Timestamp(day), "expiry_date": pd.Timestamp(option.expiry)}
    return inputs.options.price(pd.DataFrame([row | {"strike_pts": option.strike_pts, "right": "C"}])).iloc[0]


@pytest.mark.parametrize(("forward", "weight"), WEIGHTS.items())
def test_tail_hedge_spends_its_weight_at_the_roll(forward: float, weight: float) -> None:
    market = flat_market(forward)
    inputs = inputs_of(market)
    want = build_benchmark("vxth", inputs).targets.wants[market.days.index(BEFORE_JAN)]
    if weight == 0:
        assert want.legs == ()
        assert want.reason == f"nothing bought: forward VIX {forward:.2f}"
        return
    (leg,) = want.legs
    priced = price_of(inputs, BEFORE_JAN, leg.instrument.code)
    cost = round(priced["price_pts"], 4) * 100
    assert priced["expiry_date"] == pd.Timestamp(FEB)
    assert abs(priced["delta"] - 0.3) <= 0.05
    assert leg.wanted_contracts == pytest.approx(weight * NAV / cost)
    assert leg.contracts == int(leg.wanted_contracts)
    assert weight * NAV - cost < leg.contracts * cost <= weight * NAV


def test_tail_hedge_takes_the_listed_strike_nearest_to_its_delta() -> None:
    market = flat_market(20.0)
    inputs = inputs_of(market)
    (leg,) = build_benchmark("vxth", inputs).targets.wants[market.days.index(BEFORE_JAN)].legs
    gap = {
        strike: abs(price_of(inputs, BEFORE_JAN, f"VIX 2023-02-15 C {strike}")["delta"] - 0.3)
        for strike in range(18, 31)
    }
    assert leg.instrument.code == f"VIX 2023-02-15 C {min(gap, key=gap.__getitem__)}"


def test_tail_hedge_holds_its_calls_to_settlement_and_is_paid_what_they_are_worth() -> None:
    days = market_days()
    market = curve_market(days, lambda day, _expiry: 20.0 if day < FEB else 45.0, [20.0] * len(days))
    inputs = inputs_of(market)
    booked = book_benchmark(build_benchmark("vxth", inputs), inputs, COSTLESS)
    (call, contracts), *_ = booked.book.days[days.index(JAN)].held.items()
    assert isinstance(call, VixOption)
    assert [set(booked.book.days[days.index(day)].held) for day in (BEFORE_JAN, JAN, BEFORE_FEB)] == [
        set(),
        {call},
        {call},
    ]
    assert call not in booked.book.days[days.index(FEB)].held
    month = booked.ledger.days.query("layer == 'base'").set_index("trade_date").loc["2023-01-18":"2023-02-15"]
    bought = booked.marks.mark(days.index(JAN), call)
    assert bought is not None
    assert month["pnl_usd"].sum() == pytest.approx(contracts * 100 * (45 - call.strike_pts - bought.pts))
    # at 45 the next calls are for half as much
    (following,) = booked.book.days[days.index(FEB)].held
    assert following.code.startswith("VIX 2023-03-22 C")


def test_tail_hedge_waits_for_a_price_and_leaves_out_what_is_not_listed() -> None:
    market = flat_market(20.0)
    vvix = np.full(len(market), 90.0)
    late = market.days.index(BEFORE_JAN)
    vvix[late : late + 2] = np.nan
    inputs = inputs_of(market, options=ModelOptions(market, vvix))
    targets = build_benchmark("vxth", inputs).targets
    assert said(targets)[late] == "not constructible: the calls of 2023-02-15 have no price (no_volatility)"
    assert [bool(one) for one in legs_of(targets)[late : late + 3]] == [False, False, True]
    strict = inputs_of(market, options=model_options(market, option_strike_delta_limit=1e-6))
    targets = build_benchmark("vxth", strict).targets
    assert not any(legs_of(targets))
    assert said(targets)[-1].startswith("not constructible: no strike of 2023-07-19 within 1e-06 of delta 0.3")


def test_tail_hedge_without_a_forward_buys_nothing() -> None:
    days = market_days()
    market = curve_market(days, lambda _day, expiry: UNKNOWN if expiry == FEB else 20.0, [20.0] * len(days))
    targets = build_benchmark("vxth", inputs_of(market)).targets
    assert not any(legs_of(targets)[: days.index(BEFORE_FEB)])
    assert said(targets)[days.index(JAN)] == "nothing bought: the forward VIX of 2023-02-15 is unknown"


def test_tail_hedge_buys_nothing_before_options_existed() -> None:
    market = flat_market(20.0, first=date(2005, 3, 1), last=date(2005, 6, 30))
    assert not any(legs_of(build_benchmark("vxth", inputs_of(market)).targets))


def test_shifts_arm_above_either_trigger_and_end_inside_both() -> None:
    rules = LadderRules()
    vix = np.array([10.0, 15.9, 16.1, np.nan, 16.0, 14.9, 14.0])
    # 14.93 is a daily range of 0.94%
    assert compute_armed(vix, rules).tolist() == [False, True, True, True, True, False, False]
    slow = LadderRules(arm_confirm_days=2, leave_confirm_days=2)
    assert compute_armed(np.array([17.0, 12.0, 17.0, 17.0, 12.0, np.nan, 12.0, 12.0]), slow).tolist() == [
        *(False, False, False, True),
        *(True, True, True, False),
    ]


def ladder_of(inputs: BenchmarkInputs, name: str = "canon") -> Benchmark:
    benchmark = build_benchmark(name, inputs)
    assert benchmark.details is not None
    assert benchmark.time_shifts is not None
    return benchmark


def test_ladder_is_four_four_two_within_its_premium_where_all_terms_are_listed() -> None:
    # the listing before 2012 reaches further: three months of the February cycle beyond the next three
    market = flat_market(20.0, first=date(2010, 1, 4), last=date(2010, 3, 31))
    inputs = inputs_of(market)
    benchmark = ladder_of(inputs)
    roll = market.days.index(date(2010, 1, 19))
    legs = benchmark.targets.wants[roll].legs
    days = [(leg.instrument.expiry - market.days[roll]).days for leg in legs if isinstance(leg.instrument, VixOption)]
    assert [abs(found - asked) <= 20 for found, asked in zip(days, (30, 110, 220), strict=True)] == [True] * 3
    units = benchmark.details["units"].iloc[roll] if benchmark.details is not None else 0
    assert units >= 2
    assert [leg.contracts for leg in legs] == [4 * units, 4 * units, 2 * units]
    cost = [round(price_of(inputs, market.days[roll], leg.instrument.code)["price_pts"], 4) * 100 for leg in legs]
    paid = sum(leg.contracts * usd for leg, usd in zip(legs, cost, strict=True))
    unit = 4 * cost[0] + 4 * cost[1] + 2 * cost[2]
    assert NAV * 0.01 - unit < paid <= NAV * 0.01
    for leg in legs:
        assert abs(price_of(inputs, market.days[roll], leg.instrument.code)["delta"] - 0.5) <= 0.05


def test_ladder_has_no_long_layer_where_none_is_listed_and_says_so() -> None:
    market = flat_market(20.0)
    benchmark = ladder_of(inputs_of(market))
    assert benchmark.details is not None
    roll = market.days.index(BEFORE_JAN)
    assert benchmark.details["long_reason"].iloc[roll] == "not constructible: no expiry within 20 days of 220 is listed"
    # 64 and 92 days: the second is nearer to 110
    assert [code[:14] for code in legs_of(benchmark.targets)[roll]] == ["VIX 2023-02-15", "VIX 2023-05-17"]
    wide = ladder_of(inputs_of(market), "canon_furthest")
    assert [code[:14] for code in legs_of(wide.targets)[roll]] == ["VIX 2023-02-15", "VIX 2023-05-17", "VIX 2023-06-21"]


def test_ladder_renews_the_short_every_month_and_the_middle_at_half_its_days() -> None:
    market = flat_market(20.0, vix=12.0)
    found = legs_of(ladder_of(inputs_of(market)).targets)
    held = {day: [code[4:14] for code in found[market.days.index(day)]] for day in (JAN, FEB, MAR, APR)}
    assert held[JAN] == ["2023-02-15", "2023-05-17"]
    assert held[FEB] == ["2023-03-22", "2023-05-17"]
    # on 21 March 57 days are left of 55, on 18 April 29
    assert held[MAR] == ["2023-04-19", "2023-05-17"]
    assert held[APR][0] == "2023-05-17"
    assert held[APR][1] == "2023-08-16"


def spiked(vix: float = 30.0) -> BenchmarkInputs:
    """The curve doubles on 1 February."""
    days = market_days()
    market = curve_market(days, lambda day, _expiry: 20.0 if day < date(2023, 2, 1) else 40.0, [vix] * len(days))
    return inputs_of(market)


def test_gain_of_the_short_calls_is_shifted_while_armed() -> None:
    inputs = spiked()
    benchmark = ladder_of(inputs)
    shifts = benchmark.time_shifts
    assert shifts is not None
    days = market_days()
    now = days.index(date(2023, 2, 1))
    before, after = (benchmark.targets.wants[session].legs for session in (now - 1, now))
    first = shifts.iloc[0]
    assert first["trade_date"] == pd.Timestamp("2023-02-01")
    old = {leg.instrument.code: leg.contracts for leg in before}
    new = {leg.instrument.code: leg.contracts for leg in after}
    short, middle = first["instrument"], first["middle_instrument"]
    bought_at, sold_at = (price_of(inputs, day, short)["price_pts"] for day in (BEFORE_JAN, days[now]))
    assert first["gain_usd"] == pytest.approx(old[short] * 100 * (sold_at - bought_at), rel=1e-3)
    assert old[short] - new[short] == first["sold_contracts"] > 0
    assert new[middle] - old[middle] == first["middle_contracts"] > 0
    assert pd.isna(first["long_instrument"])
    assert first["long_contracts"] == 0
    # half the gain is sold in whole calls, and no more is bought than was sold
    assert first["sold_contracts"] * sold_at * 100 <= first["gain_usd"] / 2 + 1
    assert first["shifted_usd"] <= first["sold_contracts"] * sold_at * 100 + 1
    assert benchmark.targets.wants[now].reason.startswith("Time-Shift: ")
    # traded on the next session, by the book that trades everything
    booked = book_benchmark(benchmark, inputs, CostRules())
    fills = {fill.instrument.code: fill.contracts for fill in booked.book.days[now + 1].fills}
    assert fills == {short: -first["sold_contracts"], middle: first["middle_contracts"]}


def test_nothing_is_shifted_while_not_armed_or_without_enough_gain() -> None:
    calm = ladder_of(spiked(vix=14.0))
    assert calm.time_shifts is not None
    assert calm.time_shifts.empty
    flat = ladder_of(inputs_of(flat_market(20.0, vix=30.0)))
    assert flat.time_shifts is not None
    assert flat.time_shifts.empty


def test_a_gain_is_shifted_once() -> None:
    shifts = ladder_of(spiked()).time_shifts
    assert shifts is not None
    assert (shifts["trade_date"] < pd.Timestamp(FEB)).sum() == 1


def test_ladder_of_a_small_account_buys_nothing_it_cannot_pay_for() -> None:
    market = flat_market(20.0)
    benchmark = ladder_of(inputs_of(market, nav_usd=100_000.0))
    assert not any(legs_of(benchmark.targets))
    assert benchmark.details is not None
    assert benchmark.details["units"].max() == 0
