from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.support.benchmarks import APR, FEB, JAN, MAR, curve_market, flat_market, inputs_of, legs_of, market_days
from tests.support.benchmarks import reasons_of as said
from tests.support.ledger_market import UNKNOWN
from transforms.benchmarks import book_benchmark, build_benchmark
from transforms.benchmarks.rolls import count_trading_days, find_monthly_rolls
from transforms.ledger import CostRules

COSTLESS = CostRules(vx_half_spread_pts=0, vx_fee_usd=0, vxm_fee_usd=0, option_fee_usd=0, option_part_share=0)
BEFORE_JAN, BEFORE_FEB = date(2023, 1, 17), date(2023, 2, 14)


def test_trading_days_are_counted_on_the_exchanges_calendar() -> None:
    found = count_trading_days([date(2023, 1, 13), date(2023, 1, 17), JAN, date(2023, 1, 19)], [JAN, FEB])
    # Monday the 16th is a holiday, as is 20 February, which lies behind
    assert found[:, 0].tolist() == [2, 1, 0, -1]
    assert found[1:, 1].tolist() == [21, 20, 19]


def test_roll_is_due_at_the_last_close_before_a_settlement_date() -> None:
    market = flat_market(20.0)
    rolls = find_monthly_rolls(market)
    due = [market.days[session] for session, _ in rolls.due_months]
    assert due[:3] == [BEFORE_JAN, BEFORE_FEB, date(2023, 3, 21)]
    assert [month for _, month in rolls.due_months][:3] == [FEB, MAR, APR]


def test_roll_is_due_after_the_settlement_date_where_the_close_before_is_missing() -> None:
    whole = flat_market(20.0)
    days = [day for day in whole.days if day not in (BEFORE_JAN, JAN)]
    market = curve_market(days, lambda _day, _expiry: 20.0, [20.0] * len(days))
    rolls = find_monthly_rolls(market)
    assert market.days[rolls.due_months[0][0]] == date(2023, 1, 19)
    assert rolls.due_months[0][1] == FEB


def test_market_that_begins_on_the_last_close_of_a_month_rolls_at_once() -> None:
    rolls = find_monthly_rolls(flat_market(20.0, first=BEFORE_JAN))
    assert rolls.due_months[0] == (0, FEB)


def test_premium_of_a_million_sells_ten_contracts_at_the_roll() -> None:
    market = flat_market(20.0)
    inputs = inputs_of(market)
    benchmark = build_benchmark("vpd", inputs)
    found, reasons = legs_of(benchmark.targets), said(benchmark.targets)
    at = market.days.index
    assert not any(found[: at(BEFORE_JAN)])
    assert reasons[0] == "waits for the first roll"
    assert found[at(BEFORE_JAN)] == found[at(JAN)] == {"VX 2023-02-15": -10}
    assert reasons[at(BEFORE_JAN)] == "sold: 10.00 VX of 2023-02-15"
    # both months on the last close, for the old one settles before the new one is sold
    assert found[at(BEFORE_FEB)] == {"VX 2023-02-15": -10, "VX 2023-03-22": -10}
    held = [dict(day.held) for day in book_benchmark(benchmark, inputs, CostRules()).book.days]
    assert [len(one) for one in held[at(JAN) :]] == [1] * (len(held) - at(JAN))
    assert {instrument.code for instrument in held[at(FEB)]} == {"VX 2023-03-22"}
    assert {size for one in held for size in one.values()} == {-10}


def test_premium_keeps_three_quarters_when_the_future_rises_by_25_points() -> None:
    days = market_days()
    market = curve_market(days, lambda day, _expiry: 15.0 if day < date(2023, 2, 1) else 40.0, [15.0] * len(days))
    inputs = inputs_of(market)
    booked = book_benchmark(build_benchmark("vpd", inputs), inputs, COSTLESS)
    pnl = booked.ledger.days.query("layer == 'base'").set_index("trade_date")
    lost = pnl.loc[:"2023-02-13", ["roll_usd", "curve_usd"]].to_numpy().sum()
    assert lost == pytest.approx(-250_000)


@pytest.mark.parametrize(
    ("nav", "leg"),
    [
        (1_990_000.0, ("VX 2023-02-15", -19, 19.9)),
        (990_000.0, ("VXM 2023-02-15", -99, 99.0)),
        (55_900.0, ("VXM 2023-02-15", -5, 5.59)),
    ],
)
def test_premium_never_sells_more_than_its_account_allows(nav: float, leg: tuple[str, int, float]) -> None:
    market = flat_market(20.0)
    want = build_benchmark("vpd", inputs_of(market, nav_usd=nav)).targets.wants[market.days.index(JAN)]
    (found,) = want.legs
    assert (found.instrument.code, found.contracts) == leg[:2]
    assert -found.wanted_contracts == pytest.approx(leg[2])


def test_premium_waits_for_a_settlement_and_then_leaves_the_month_out() -> None:
    days = market_days()

    def without(last: date) -> list[dict[str, int]]:
        def price(day: date, expiry: date) -> float:
            return UNKNOWN if expiry == FEB and BEFORE_JAN <= day <= last else 20.0

        return legs_of(build_benchmark("vpd", inputs_of(curve_market(days, price, [20.0] * len(days)))).targets)

    late = without(date(2023, 1, 19))
    assert not any(late[: days.index(date(2023, 1, 20))])
    assert late[days.index(date(2023, 1, 20))] == {"VX 2023-02-15": -10}
    # the roll and five sessions after it: 17 to 24 January
    assert without(date(2023, 1, 23))[days.index(date(2023, 1, 24))] == {"VX 2023-02-15": -10}
    left_out = without(date(2023, 1, 24))
    assert not any(left_out[: days.index(BEFORE_FEB)])
    assert left_out[days.index(FEB)] == {"VX 2023-03-22": -10}


@pytest.mark.parametrize(
    ("level", "strike"), [(20.0, "45"), (21.0, "45"), (19.0, "42.5"), (27.0, "50"), (60.0, "85"), (90.0, "100")]
)
def test_capped_premium_buys_ten_calls_25_points_above_or_the_closest_below(level: float, strike: str) -> None:
    market = flat_market(level)
    found = legs_of(build_benchmark("vpn", inputs_of(market)).targets)
    assert found[market.days.index(JAN)] == {"VX 2023-02-15": -10, f"VIX 2023-02-15 C {strike}": 100}


def test_capped_premium_of_a_small_account_buys_a_call_for_each_mini() -> None:
    market = flat_market(20.0)
    found = legs_of(build_benchmark("vpn", inputs_of(market, nav_usd=400_000.0)).targets)
    assert found[market.days.index(JAN)] == {"VXM 2023-02-15": -40, "VIX 2023-02-15 C 45": 40}


def test_capped_premium_loses_no_more_beyond_its_strike() -> None:
    days = market_days()
    market = curve_market(days, lambda day, _expiry: 15.0 if day < FEB else 80.0, [15.0] * len(days))
    inputs = inputs_of(market)
    booked = book_benchmark(build_benchmark("vpn", inputs), inputs, COSTLESS)
    pnl = booked.ledger.days.query("layer == 'base'").set_index("trade_date")
    of_month = pnl.loc["2023-01-18":"2023-02-15", ["roll_usd", "curve_usd", "theta_usd", "option_move_usd"]]
    # 25 points for ten VX, and the premium of the calls, which is next to nothing
    assert of_month.to_numpy().sum() == pytest.approx(-250_000, abs=3_000)


def test_capped_premium_sells_nothing_where_there_were_no_options() -> None:
    market = flat_market(15.0, first=date(2005, 3, 1), last=date(2005, 6, 30))
    targets = build_benchmark("vpn", inputs_of(market)).targets
    assert not any(legs_of(targets))
    assert said(targets)[-1].startswith("not constructible: no calls of 2005-07")
    assert any(legs_of(build_benchmark("vpd", inputs_of(market)).targets))


def test_static_holds_its_share_in_the_front_and_rolls_five_days_before() -> None:
    market = flat_market(20.0)
    found = legs_of(build_benchmark("static_1pct", inputs_of(market)).targets)
    left = count_trading_days(market.days, [JAN])[:, 0]
    assert [one for one, days in zip(found, left, strict=True) if days > 5] == [{"VXM 2023-01-18": 5}] * 5
    assert found[left.tolist().index(5)] == {"VXM 2023-02-15": 5}
    doubled = legs_of(build_benchmark("static_2pct", inputs_of(market)).targets)
    assert doubled[0] == {"VXM 2023-01-18": 10}


def test_static_is_never_above_its_share_when_sized() -> None:
    market = flat_market(19.0)
    leg = build_benchmark("static_1pct", inputs_of(market)).targets.wants[0].legs[0]
    assert (leg.contracts, leg.wanted_contracts) == (5, pytest.approx(10_000 / 1900))


def test_static_account_too_small_for_a_contract_holds_none_before_mini_futures() -> None:
    market = flat_market(20.0, first=date(2015, 1, 5), last=date(2015, 3, 31))
    assert {
        size for one in legs_of(build_benchmark("static_1pct", inputs_of(market)).targets) for size in one.values()
    } == {0}
    large = legs_of(build_benchmark("static_1pct", inputs_of(market, nav_usd=1e8)).targets)
    assert large[0] == {"VX 2015-01-21": 50}


def test_basis_sells_contango_and_buys_backwardation() -> None:
    days = market_days()
    for vix, side in ((15.0, -1), (25.0, 1), (19.5, 0)):
        market = curve_market(days, lambda _day, _expiry: 20.0, [vix] * len(days))
        benchmark = build_benchmark("basis", inputs_of(market))
        assert benchmark.details is not None
        if side:
            (leg,) = benchmark.targets.wants[0].legs
            assert (leg.instrument.expiry, leg.contracts) == (JAN, 5 * side)
            assert benchmark.details["daily_roll_pts"].iloc[0] == pytest.approx((20 - vix) / 10)
        else:
            assert not benchmark.targets.wants[0].legs


def basis_of(rolls: list[float]) -> list[int]:
    """Sides for daily rolls of the sessions from 19 January on, where the March contract has many days left."""
    days = market_days(date(2023, 2, 16), date(2023, 3, 3))[: len(rolls)]
    left = count_trading_days(days, [MAR])[:, 0]
    vix = [20 - roll * count if not np.isnan(roll) else np.nan for roll, count in zip(rolls, left, strict=True)]
    benchmark = build_benchmark("basis", inputs_of(curve_market(days, lambda _day, _expiry: 20.0, vix)))
    assert benchmark.details is not None
    return benchmark.details["side"].tolist()


def test_basis_is_held_until_the_roll_is_back_inside() -> None:
    assert basis_of([0.09, 0.11, 0.07, 0.051, 0.049, 0.09, 0.12]) == [0, -1, -1, -1, 0, 0, -1]
    assert basis_of([-0.09, -0.11, -0.07, -0.051, -0.049, -0.09]) == [0, 1, 1, 1, 0, 0]
    assert basis_of([0.2, -0.2, 0.2]) == [-1, 1, -1]
    assert basis_of([0.2, np.nan, np.nan, 0.04]) == [-1, -1, -1, 0]


def test_basis_leaves_a_contract_with_fewer_than_ten_days_for_the_next() -> None:
    market = flat_market(20.0, vix=10.0)
    targets = build_benchmark("basis", inputs_of(market)).targets
    found = legs_of(targets)
    left = count_trading_days(market.days, [FEB])[:, 0].tolist()
    assert list(found[left.index(10)]) == ["VXM 2023-02-15"]
    assert list(found[left.index(9)]) == ["VXM 2023-03-22"]
    assert said(targets)[left.index(9)].startswith("closed: 2023-02-15 has fewer than 10 trading days left; sold")
    assert all(len(one) <= 1 for one in found)


def test_basis_keeps_its_size_while_it_is_held() -> None:
    days = market_days(date(2023, 2, 16), date(2023, 3, 3))
    market = curve_market(days, lambda day, _expiry: 20.0 if day == days[0] else 40.0, [10.0] * len(days))
    inputs = replace(inputs_of(market), nav_usd=1e7)
    sizes = {size for one in legs_of(build_benchmark("basis", inputs).targets) for size in one.values()}
    assert sizes == {-50}
