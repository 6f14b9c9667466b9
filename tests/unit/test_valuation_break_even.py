"""Break-evens: none, one, several; the model of the horizon; what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tests.support.ledger_market import UNKNOWN, BlackPricer, make_market
from tests.support.valuation import MONDAY, NOV, OCT, SEP, hold, lay_out, make_three_days, tell_volatility, vxm
from transforms.options.black76 import compute_black76_price
from transforms.options.implied import compute_discount, compute_years_to_settlement
from transforms.positions import (
    FuturesMarket,
    IndexNote,
    Instrument,
    LayerBook,
    Marks,
    OptionQuote,
    VixFuture,
    VixOption,
)
from transforms.valuation.break_even import BreakEvens, compute_break_evens
from transforms.valuation.holdings import build_holdings
from transforms.valuation.horizon import build_horizon, compute_horizon_pnl, find_nearest_expiries
from transforms.valuation.rules import ValuationRules

MARKET = make_three_days()


def solve(positions: dict[Instrument, int], market: FuturesMarket = MARKET, days: int = 30) -> BreakEvens:
    pricer = BlackPricer(market, np.full(3, 0.8))
    return compute_break_evens(build_horizon(lay_out(market, positions, pricer), days))


def test_settled_future_breaks_even_at_its_mark() -> None:
    assert solve({VixFuture(SEP): 1}, days=2).roots[-1] == pytest.approx((20.5,))


def test_short_future_gains_below() -> None:
    found = solve({VixFuture(OCT): -2})
    assert found.roots[-1] == pytest.approx((22.0,))
    assert found.words[-1] == "gains below 22.00"


def test_live_future_rolls_down_the_unchanged_curve() -> None:
    # Oct in 10 days has 20 left: between Sep (2 days, 20.5) and Oct (30, 22): 21.4643; b between 0.6 and 0.4: 0.471429
    horizon = build_horizon(lay_out(MARKET, {VixFuture(OCT): 1}), 10)
    unmoved = 20.5 + 1.5 * 18 / 28
    assert horizon.unmoved_pts[-1] == pytest.approx(unmoved)
    assert horizon.beta[-1] == pytest.approx(0.6 - 0.2 * 18 / 28)
    pnl = compute_horizon_pnl(horizon, np.array([20.0, 21.0]))[-1]
    assert pnl == pytest.approx([1000 * (unmoved - 22), 1000 * (unmoved - 22 + horizon.beta[-1])])


def test_future_is_never_worth_less_than_nothing() -> None:
    betas = np.tile([0.6, 3.0, 3.0, 3.0], (3, 1))
    horizon = build_horizon(lay_out(replace(MARKET, betas=betas), {VixFuture(NOV): 1}), 10)
    assert compute_horizon_pnl(horizon, np.array([5.0]))[-1] == pytest.approx(-23_000)


@pytest.mark.parametrize(
    ("legs", "words"),
    [
        # sold above, bought below what both settle at: 1 point locked in
        ({VixFuture(SEP): 1, vxm(SEP): -10, VixOption(SEP, 10): 1, VixOption(SEP, 90): -1}, None),
        ({VixOption(SEP, 140): 1}, "gains above 140.05"),
    ],
)
def test_settled_options_pay_intrinsic(legs: dict[Instrument, int], words: str | None) -> None:
    class Quotes:
        def quote(self, session: int, option: VixOption) -> OptionQuote:
            return OptionQuote({10: 10.0, 90: 2.0, 140: 0.05}[int(option.strike_pts)], 0.05, 0.5, False)

        def pass_time(self, since: int, session: int, option: VixOption) -> float:
            return UNKNOWN

    found = compute_break_evens(build_horizon(lay_out(MARKET, legs, Quotes()), 2))  # type: ignore[arg-type]
    if words is None:  # a spread from 10 to 90 for 8 points
        assert found.roots[-1] == pytest.approx((18.0,))
    else:
        assert found.roots[-1] == pytest.approx((140.05,))
        assert found.words[-1] == words


def test_nothing_may_pay_at_every_level() -> None:
    # equal dollars a point of one settlement: the difference of marks is locked in and no level changes it
    market = make_three_days()
    far, near = VixOption(SEP, 1), VixOption(SEP, 2)

    class Quotes:
        def __init__(self, price: float) -> None:
            self.price = price

        def quote(self, session: int, option: VixOption) -> OptionQuote:
            return OptionQuote(self.price if option == far else 10.0, 0.05, 1.0, False)

        def pass_time(self, since: int, session: int, option: VixOption) -> float:
            return UNKNOWN

    def words(price: float) -> str:
        held = lay_out(market, {far: 1, near: -1}, Quotes(price))  # type: ignore[arg-type]
        found = compute_break_evens(build_horizon(held, 2))
        assert found.roots[-1] == ()
        assert np.isnan(found.nearest.values[-1])
        assert found.nearest.notes[-1] == found.words[-1]
        return str(found.words[-1])

    assert words(10.5) == "none: gains at every level"
    assert words(11.5) == "none: loses at every level"
    assert words(11.0) == "neither gains nor loses at any level"


def test_short_straddle_has_two_break_evens_and_the_nearest_is_nearest() -> None:
    call, put = VixOption(OCT, 22), VixOption(OCT, 22, is_call=False)
    found = solve({call: -10, put: -10})
    pricer = BlackPricer(MARKET, np.full(3, 0.8))
    premium = 2 * round(pricer.quote(2, call).mid_pts, 4)  # type: ignore[union-attr]
    assert found.roots[-1] == pytest.approx((22 - premium, 22 + premium))
    assert found.words[-1] == f"gains from {22 - premium:.2f} to {22 + premium:.2f}"
    # the VIX is at 20
    assert found.nearest.values[-1] == found.roots[-1][0]


def test_long_straddle_gains_on_both_sides() -> None:
    found = solve({VixOption(OCT, 22): 10, VixOption(OCT, 22, is_call=False): 10})
    low, high = found.roots[-1]
    assert found.words[-1] == f"gains below {low:.2f} and above {high:.2f}"


def test_live_option_is_black_76_on_the_moved_future() -> None:
    option, pricer = VixOption(NOV, 25), BlackPricer(MARKET, np.full(3, 0.8))
    horizon = build_horizon(lay_out(MARKET, {option: 3}, pricer, tell_volatility(pricer)), 30)
    years = compute_years_to_settlement(np.array([35]))
    discount = compute_discount(np.array([0.05]), years)
    future = 22 + 5 / 35 + (0.4 - 0.1 * 5 / 35) * (30 - 20)
    worth = float(compute_black76_price(future, 25, years, 0.8, discount, True)[0])
    mark = round(pricer.quote(2, option).mid_pts, 4)  # type: ignore[union-attr]
    assert compute_horizon_pnl(horizon, np.array([30.0]))[-1, 0] == pytest.approx(300 * (worth - mark))
    (root,) = compute_break_evens(horizon).roots[-1]
    assert compute_horizon_pnl(horizon, np.array([root]))[-1, 0] == pytest.approx(0, abs=1e-4)


def test_mark_implies_the_volatility_where_none_is_given() -> None:
    pricer = BlackPricer(MARKET, np.full(3, 0.8))
    held = lay_out(MARKET, {VixOption(NOV, 25): 3}, pricer)
    years = compute_years_to_settlement(np.array([65]))
    price = compute_black76_price(
        23, 25, years, held.volatility_frac[-1], compute_discount(np.array([0.05]), years), True
    )
    assert price == pytest.approx(held.mark_pts[-1])


def test_contract_that_settles_on_the_horizon_is_worth_what_it_is_a_day_before() -> None:
    held = lay_out(MARKET, {VixFuture(OCT): 1})
    levels = np.array([10.0, 40.0])
    before, after = (compute_horizon_pnl(build_horizon(held, days), levels)[-1] for days in (29, 30))
    # one day left of two that the front has today: half the way from 0.6 to 1
    assert before == pytest.approx(1000 * (20.25 - 22 + 0.8 * (levels - 20)))
    assert after == pytest.approx(1000 * (levels - 22))


def test_nearest_expiry_counts_days_to_it() -> None:
    assert find_nearest_expiries(lay_out(MARKET, {VixFuture(NOV): 1, VixFuture(OCT): 1})).tolist() == [0, 33, 30]


def test_only_the_sessions_asked_are_answered() -> None:
    found = compute_break_evens(build_horizon(lay_out(MARKET, {VixFuture(OCT): 1}), 30), sessions=[2])
    assert found.roots[2]
    assert found.words.tolist()[:2] == ["not asked", "not asked"]


@pytest.mark.parametrize(
    ("market", "positions", "words"),
    [
        (make_three_days(), {}, "nothing is held"),
        (make_three_days(vix=UNKNOWN), {VixFuture(NOV): 1}, "the VIX is not known"),
        (
            make_three_days(betas=np.full((3, 4), UNKNOWN)),
            {VixFuture(NOV): 1},
            "no sensitivity to the VIX is known for VX 2024-11-20",
        ),
        (make_three_days(bill=UNKNOWN), {VixOption(NOV, 25): 1}, "no volatility of VIX 2024-11-20 C 25"),
    ],
)
def test_what_is_not_known_is_said(market: FuturesMarket, positions: dict[Instrument, int], words: str) -> None:
    found = solve(positions, market)
    assert found.roots[-1] == ()
    assert found.words[-1] == words


def test_missing_mark_is_named() -> None:
    settle = MARKET.settle_pts.copy()
    settle[2, 1] = UNKNOWN
    assert solve({VixFuture(OCT): 1}, replace(MARKET, settle_pts=settle)).words[-1] == "no price of VX 2024-10-16"


def test_aim_that_is_not_known_is_said() -> None:
    horizon = build_horizon(lay_out(MARKET, {VixFuture(OCT): 1}), 30)
    assert compute_break_evens(horizon, np.full(3, UNKNOWN)).words[-1] == "the required return is not known"
    out_of_reach = compute_break_evens(horizon, np.full(3, 1e9)).words[-1]
    assert out_of_reach == "none: falls short of the required return at every level"


def test_month_beyond_the_measured_ones_has_no_sensitivity() -> None:
    days = [MONDAY, MONDAY + timedelta(days=1)]
    expiries = [date(2024, month, 20) for month in (10, 11, 12)] + [date(2025, month, 20) for month in (1, 2)]
    market = make_market(days, {expiry: [20.0, 20.0] for expiry in expiries}, vix=[18.0, 18.0], bill=0.05)
    held = lay_out(market, {VixFuture(expiries[-1]): 1})
    assert "no sensitivity" in compute_break_evens(build_horizon(held, 10)).words[-1]
    # nearer than VX4 is today, at the horizon
    assert compute_break_evens(build_horizon(held, 40)).roots[-1]


def test_index_note_has_no_break_even() -> None:
    note = IndexNote("ST")
    marks = Marks(MARKET, notes={"ST": np.array([100.0, 101.0, 102.0])})
    fills = hold(MARKET, {VixFuture(OCT): 1}).days
    days = tuple(
        replace(day, held={note: 1} if day.held else {}, fills=tuple(f._replace(instrument=note) for f in day.fills))
        for day in fills
    )
    book = LayerBook(hold(MARKET, {}).layer, days)
    found = compute_break_evens(build_horizon(build_holdings([book], marks), 30))
    assert found.words[-1] == "NOTE ST has no settlement"


def test_horizon_before_its_session_is_refused() -> None:
    with pytest.raises(ValueError, match="days"):
        build_horizon(lay_out(MARKET, {}), -1)


def test_range_bounds_what_is_found() -> None:
    held = lay_out(MARKET, {VixFuture(OCT): 1})
    rules = ValuationRules(vix_lowest_pts=30, vix_highest_pts=40)
    assert compute_break_evens(build_horizon(held, 30), rules=rules).words[-1] == "none: gains at every level"
