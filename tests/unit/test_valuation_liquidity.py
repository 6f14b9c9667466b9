"""Quick ratio: cash, gains within the volume, roll, and what is not known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.support.ledger_market import UNKNOWN, BlackPricer
from tests.support.valuation import MONDAY, NOV, OCT, hold, lay_out, make_three_days, vxm
from transforms.layers import Layer
from transforms.ledger import CostRules, compute_trade_cost
from transforms.positions import Instrument, Marks, VixFuture, VixOption
from transforms.valuation.holdings import build_holdings
from transforms.valuation.liquidity import (
    compute_model_cash,
    compute_next_roll_costs,
    compute_quick_ratio,
    compute_realisable_gains,
    read_volumes,
)
from transforms.valuation.measure import judge

MARKET = make_three_days()
PRICER = BlackPricer(MARKET, np.full(3, 0.8))
COSTS = CostRules()
NAV_USD = 1_000_000.0


def traded(contracts: float) -> Callable[[int, Instrument], float]:
    return lambda session, instrument: contracts


@pytest.mark.parametrize(("volume", "gain"), [(0, 0.0), (40, 2000.0), (60, 3000.0), (1000, 3000.0)])
def test_gain_counts_within_the_share_of_the_volume(volume: float, gain: float) -> None:
    # 3 VX from 21 to 22; 5% of 40 are 2 of them
    held = lay_out(MARKET, {VixFuture(OCT): 3})
    assert compute_realisable_gains(held, traded(volume), 0.05).values[-1] == pytest.approx(gain)


def test_layers_share_the_volume_of_a_contract() -> None:
    books = [hold(MARKET, {VixFuture(OCT): 3}, layer=layer) for layer in (Layer.BASE, Layer.TEMPORAL_VEGA)]
    held = build_holdings(books, Marks(MARKET))
    assert compute_realisable_gains(held, traded(60), 0.05).values[-1] == pytest.approx(3000)


def test_volume_is_asked_for_only_where_there_is_a_gain() -> None:
    lost = compute_realisable_gains(lay_out(MARKET, {vxm(OCT): -5}), traded(UNKNOWN), 0.05)
    assert lost.values[-1] == 0
    gained = compute_realisable_gains(lay_out(MARKET, {vxm(OCT): 5}), traded(UNKNOWN), 0.05)
    assert gained.notes[-1] == "no volume of VXM 2024-10-16 is known"


def test_cash_is_nav_less_premiums_and_losses_paid() -> None:
    assert compute_model_cash(lay_out(MARKET, {vxm(OCT): 5}), NAV_USD).values.tolist() == [NAV_USD] * 3
    assert compute_model_cash(lay_out(MARKET, {vxm(OCT): -5}), NAV_USD).values[-1] == pytest.approx(NAV_USD - 500)
    call, wing = VixOption(NOV, 25), VixOption(NOV, 30)
    paid, got = (round(PRICER.quote(1, one).mid_pts, 4) for one in (call, wing))  # type: ignore[union-attr]
    cash = compute_model_cash(lay_out(MARKET, {call: 3, wing: -2}, PRICER), NAV_USD)
    assert cash.values[-1] == pytest.approx(NAV_USD - 300 * paid + 200 * got)


def test_cost_of_what_is_held_is_the_average_of_its_openings() -> None:
    first, more = hold(MARKET, {vxm(OCT): 4}), hold(MARKET, {vxm(OCT): 10}, since=1)
    book = replace(
        first, days=(*first.days[:2], replace(more.days[2], fills=(more.days[2].fills[0]._replace(contracts=6),)))
    )
    held = build_holdings([book], Marks(MARKET))
    assert held.contracts.tolist() == [4, 10]
    assert held.cost_pts == pytest.approx([21.0, (4 * 21 + 6 * 22) / 10])


def test_roll_costs_are_the_ledgers() -> None:
    call = VixOption(NOV, 25)
    positions: dict[Instrument, int] = {vxm(OCT): 5, VixFuture(NOV): -2, call: 7}
    held = lay_out(MARKET, positions, PRICER)
    marks = Marks(MARKET, PRICER)
    wanted = sum(
        (1 if one == call else 2) * compute_trade_cost(COSTS, one, abs(held_), mark, COSTS.option_part_share)
        for one, held_ in positions.items()
        if (mark := marks.mark(2, one)) is not None
    )
    assert compute_next_roll_costs(held, COSTS).values[-1] == pytest.approx(wanted / 100, abs=0.01)
    assert compute_next_roll_costs(held, COSTS).values[0] == 0


def test_ratio_is_undefined_where_nothing_is_asked_for() -> None:
    none = judge([0.0])
    found = compute_quick_ratio(judge([NAV_USD]), none, np.zeros(1), none)
    assert math.isnan(found.ratio.values[0])
    assert found.ratio.notes[0] == found.without_gains.notes[0] == "nothing is asked for: no margin and no roll"


def test_ratio_without_gains_needs_no_volume() -> None:
    unknown = judge([UNKNOWN], (np.ones(1, bool), "no volume"))
    found = compute_quick_ratio(judge([500.0]), unknown, np.array([900.0]), judge([100.0]))
    assert found.without_gains.values[0] == pytest.approx(0.5)
    assert found.ratio.notes[0] == "no volume"
    unmargined = compute_quick_ratio(judge([500.0]), unknown, np.array([UNKNOWN]), judge([100.0]))
    assert unmargined.without_gains.notes[0] == "the margin is not known"


def test_volumes_are_those_of_vx_in_their_session() -> None:
    rows = pd.DataFrame(
        {
            "trade_date": pd.to_datetime([MONDAY, MONDAY, "2030-01-02"]),
            "expiry_date": pd.to_datetime([OCT, NOV, OCT]),
            "volume_contracts": pd.array([120, None, 7], "Int64"),
        }
    )
    volume_of = read_volumes(MARKET, rows)
    assert volume_of(2, VixFuture(OCT)) == 120
    asked: list[tuple[int, Instrument]] = [
        (1, VixFuture(OCT)),
        (2, VixFuture(NOV)),
        (2, vxm(OCT)),
        (2, VixOption(OCT, 20)),
    ]
    assert all(math.isnan(volume_of(*one)) for one in asked)
