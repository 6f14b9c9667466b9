from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.support.benchmarks import curve_market, flat_market, inputs_of, legs_of, market_days
from tests.support.benchmarks import reasons_of as said
from transforms.benchmarks import Benchmark, BenchmarkInputs, book_benchmark, build_benchmark, compute_basis_hedge
from transforms.benchmarks.basis import BasisRules
from transforms.benchmarks.notes import HIGHEST_PTS, LOWEST_PTS, build_note_series
from transforms.benchmarks.rolls import count_trading_days, find_contract
from transforms.benchmarks.veqtor import VeqtorRules, compute_vix_trend
from transforms.ledger import CostRules
from transforms.positions import FuturesMarket

NAV = 1_000_000.0
NAN = np.nan
# S&P 500 Dynamic VEQTOR: percent in VIX futures by realised volatility; in a downtrend, none, an uptrend of VIX.
VEQTOR_TABLE = {
    9.9: (2.5, 2.5, 10),
    10.0: (2.5, 10, 15),
    20.0: (10, 15, 25),
    35.0: (15, 25, 40),
    45.0: (15, 25, 40),
    45.1: (25, 40, 40),
}


def falling(count: int, drift: float = -0.004, seed: int = 5) -> np.ndarray:
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(drift, 0.04, count)))


def test_series_are_the_index_times_a_power_of_ten_and_stay_tradable() -> None:
    levels = 100 * 0.99 ** np.arange(1200)
    series = build_note_series("X", levels)
    # 100 falls to 0.0006
    assert [*series.levels] == ["XE-1", "XE0", "XE1", "XE2", "XE3", "XE4"]
    for session, code in enumerate(series.codes):
        assert code is not None
        level = series.levels[code][session]
        assert LOWEST_PTS <= level < HIGHEST_PTS
        assert level / levels[session] == pytest.approx(10.0 ** int(code[2:]))


def test_series_of_a_rising_index_are_split() -> None:
    series = build_note_series("X", np.array([5.0, 15.0, 19.9, 20.0, 8.0, NAN, 9.0]))
    assert series.codes == ("XE0", "XE0", "XE0", "XE-1", "XE0", None, "XE0")
    assert np.isnan(series.levels["XE0"][5])


def test_series_of_an_old_chain_stand_at_their_last_level() -> None:
    old, new = date(2004, 4, 13), date(2004, 12, 14)
    series = build_note_series("X", np.array([5.0, 4.0, NAN, 90.0, 95.0]), [old, old, None, new, new])
    assert series.codes == ("X.2004-04-13E0", "X.2004-04-13E0", None, "X.2004-12-14E-1", "X.2004-12-14E-1")
    first = series.levels["X.2004-04-13E0"]
    assert first[[0, 1, 3, 4]].tolist() == [5.0, 4.0, 4.0, 4.0]
    assert np.isnan(first[2])
    assert np.isnan(series.levels["X.2004-12-14E-1"][:3]).all()


def test_series_refuse_levels_that_no_index_has() -> None:
    for bad in (0.0, -1.0, np.inf):
        with pytest.raises(ValueError, match="levels"):
            build_note_series("X", np.array([1.0, bad]))
    with pytest.raises(ValueError, match="base_dates"):
        build_note_series("X", np.ones(3), [None])


def booked_pnl(inputs: BenchmarkInputs, name: str, costs: CostRules) -> np.ndarray:
    days = book_benchmark(build_benchmark(name, inputs), inputs, costs).ledger.days
    return days.loc[days["layer"] == "base", "pnl_usd"].to_numpy()


@pytest.mark.parametrize(("name", "share"), [("note_1pct", 0.01), ("note_2pct", 0.02)])
def test_constant_share_reproduces_that_share_of_the_index(name: str, share: float) -> None:
    market = flat_market(20.0, first=date(2021, 1, 4), last=date(2022, 12, 30))
    levels = falling(len(market))
    inputs = inputs_of(market, short_term_tr=levels)
    pnl = booked_pnl(inputs, name, CostRules(note_cost_frac=0))
    # units of two closes before, moved from the close before
    expected = share * NAV * (levels[2:] - levels[1:-1]) / levels[:-2]
    assert np.abs(pnl[2:] - expected).max() < 0.01 * share * NAV
    assert pnl.sum() == pytest.approx(expected.sum(), rel=2e-3)
    # which is the share of the index's own returns, but for what two neighbouring ones have in common
    returns = levels[1:] / levels[:-1] - 1
    plain, common = share * NAV * returns[1:].sum(), share * NAV * (returns[1:] * returns[:-1]).sum()
    assert pnl.sum() - plain == pytest.approx(common, abs=0.01 * share * NAV)
    assert abs(common) < 0.1 * abs(plain)
    costly = booked_pnl(inputs, name, CostRules())
    traded = np.abs(np.diff(share * NAV / levels)).sum() * levels.max()
    assert 0 < pnl.sum() - costly.sum() < 0.0005 * (2 * share * NAV + traded)


def test_note_is_never_above_its_share_when_set() -> None:
    market = flat_market(20.0)
    levels = falling(len(market), drift=-0.03)
    inputs = inputs_of(market, short_term_tr=levels)
    for session, want in enumerate(build_benchmark("note_1pct", inputs).targets.wants):
        (leg,) = want.legs
        price = inputs.notes.price_pts(session)
        assert 0.998 * 0.01 * NAV < leg.contracts * price <= 0.01 * NAV
        assert leg.wanted_contracts == pytest.approx(0.01 * NAV / price)


def test_monthly_note_is_set_on_the_first_session_of_a_month() -> None:
    market = flat_market(20.0)
    inputs = inputs_of(market, short_term_tr=np.linspace(10, 8, len(market)))
    sizes = [next(iter(one.values())) for one in legs_of(build_benchmark("note_1pct_monthly", inputs).targets)]
    changed = [market.days[session] for session in range(1, len(sizes)) if sizes[session] != sizes[session - 1]]
    assert changed == [date(2023, 2, 1), date(2023, 3, 1), date(2023, 4, 3), date(2023, 5, 1), date(2023, 6, 1)]


def test_note_is_exchanged_and_both_sides_are_paid_for() -> None:
    market = flat_market(20.0)
    levels = np.where(np.arange(len(market)) < 20, 2.1, 0.95)
    inputs = inputs_of(market, short_term_tr=levels)
    benchmark = build_benchmark("note_1pct_monthly", inputs)
    assert said(benchmark.targets)[20].startswith("exchanged for SHORT_TERM_TRE1")
    booked = book_benchmark(benchmark, inputs, CostRules())
    assert [{one.code for one in booked.book.days[session].held} for session in (20, 21)] == [
        {"NOTE SHORT_TERM_TRE0"},
        {"NOTE SHORT_TERM_TRE1"},
    ]
    cost = booked.ledger.days.query("layer == 'base'")["cost_usd"].iloc[21]
    assert cost == pytest.approx(-0.0005 * NAV * 0.01 * (1 + 0.95 / 2.1), rel=0.01)


def test_note_of_a_broken_chain_is_sold_at_its_last_level() -> None:
    market = flat_market(20.0)
    count = len(market)
    levels = np.where(np.arange(count) < 20, 5.0, 100.0)
    bases = [date(2023, 1, 3) if session < 20 else date(2023, 2, 1) for session in range(count)]
    inputs = inputs_of(market, short_term_tr=levels, short_term_base_dates=bases)
    booked = book_benchmark(build_benchmark("note_1pct", inputs), inputs, CostRules())
    assert booked.ledger.days["curve_usd"].abs().sum() == 0
    assert {one.code for one in booked.book.days[-1].held} == {"NOTE SHORT_TERM_TR.2023-02-01E-1"}


def test_note_without_a_level_keeps_its_target() -> None:
    market = flat_market(20.0)
    levels = falling(len(market))
    levels[10] = NAN
    targets = build_benchmark("note_1pct", inputs_of(market, short_term_tr=levels)).targets
    assert targets.wants[10].legs is targets.wants[9].legs
    assert said(targets)[10] == "the index has no level today: target as before"


@pytest.mark.parametrize(("realised", "row"), VEQTOR_TABLE.items())
def test_veqtor_shares_are_those_of_the_table(realised: float, row: tuple[float, float, float]) -> None:
    assert [100 * VeqtorRules().weigh(realised, trend) for trend in (-1, 0, 1)] == pytest.approx(row)
    assert np.isnan(VeqtorRules().weigh(NAN, 0))


def test_trend_of_vix_needs_ten_sessions_on_one_side() -> None:
    vix = np.concatenate([np.full(25, 20.0), np.linspace(20.5, 40, 40), np.linspace(39, 15, 60)])
    found = compute_vix_trend(vix, VeqtorRules())
    assert (found[:34] == 0).all()
    assert found[34] == 1
    assert found[64] == 1
    assert found[-1] == -1
    turned = np.flatnonzero(found == -1)[0]
    assert (found[turned - 9 : turned] == 0).any()
    gaps = vix.copy()
    gaps[70] = NAN
    assert compute_vix_trend(gaps, VeqtorRules())[70] == compute_vix_trend(gaps, VeqtorRules())[69]


def veqtor(inputs: BenchmarkInputs) -> Benchmark:
    benchmark = build_benchmark("veqtor", inputs)
    assert benchmark.details is not None
    return benchmark


def test_veqtor_holds_its_share_of_the_account_in_the_note() -> None:
    inputs = inputs_of(flat_market(20.0))
    benchmark = veqtor(inputs)
    details = benchmark.details
    assert details is not None
    assert details["hedge_share_frac"].tolist() == [0.1] * len(details)
    assert details["equity_share_frac"].tolist() == pytest.approx([0.9] * len(details))
    leg = benchmark.targets.wants[5].legs[0]
    assert 0.998 < leg.contracts * inputs.notes.price_pts(5) / (0.1 * NAV) <= 1
    # a day's return of the whole: 90% of 0.04%, less 10% of 0.3%
    steps = details["shadow_level"].to_numpy()
    assert (steps[:2] == 100).all()
    assert steps[10] / steps[9] - 1 == pytest.approx(0.9 * 0.0004 - 0.1 * 0.003, abs=1e-9)


def test_veqtor_goes_to_cash_after_a_loss_and_comes_back() -> None:
    market = flat_market(20.0)
    spx = np.full(len(market), 4000.0)
    spx[30:] *= 0.97
    inputs = inputs_of(market, spx_close_pts=spx, short_term_tr=np.full(len(market), 100.0))
    benchmark = veqtor(inputs)
    details = benchmark.details
    assert details is not None
    # 0.9 x 3% is lost on one day, which leaves the window of five after five more
    assert np.flatnonzero(details["is_stopped"]).tolist() == [30, 31, 32, 33, 34]
    assert details["shadow_loss_frac"].iloc[30] == pytest.approx(0.027)
    assert not any(legs_of(benchmark.targets)[30:35])
    assert all(legs_of(benchmark.targets)[35:])
    assert (details["hedge_share_frac"][30:35] == 0).all()
    assert said(benchmark.targets)[30] == "stopped: lost 2.70% in 5 sessions"
    # the shares that were stopped at 30 earn bills from 31 on
    level = details["shadow_level"]
    assert level[33] > level[32]


def test_veqtor_with_an_unknown_input_keeps_its_target() -> None:
    market = flat_market(20.0)
    inputs = inputs_of(market)
    for name in ("spx_close_pts", "spx_rv_pts", "short_term_tr"):
        values = getattr(inputs, name).copy()
        values[:3] = NAN
        values[20] = NAN
        benchmark = veqtor(replace(inputs, **{name: values}))
        assert not any(legs_of(benchmark.targets)[:3])
        assert benchmark.targets.wants[20].legs is benchmark.targets.wants[19].legs
        assert said(benchmark.targets)[20] == "an input is unknown: target as before"


def test_basis_hedge_finds_the_slopes_it_was_made_of() -> None:
    days = market_days(date(2022, 1, 3), date(2023, 6, 30))
    rng = np.random.default_rng(3)
    returns = rng.normal(0, 0.01, len(days))
    spx = 4000 * np.cumprod(1 + returns)
    base = curve_market(days, lambda _day, _expiry: 20.0, [15.0] * len(days))
    left = count_trading_days(days, base.expiries)
    settle = np.full(base.settle_pts.shape, 20.0)
    for session in range(1, len(days)):
        settle[session] = settle[session - 1]
        held = find_contract(base, left, session - 1, 10)
        assert held is not None
        column = base.column_of[held]
        settle[session] += returns[session] * (-80 + 0.5 * left[session - 1, column])
    settle[np.isnan(base.settle_pts)] = NAN
    market: FuturesMarket = replace(base, settle_pts=settle)
    inputs = inputs_of(market, spx_close_pts=spx, nav_usd=1e7)
    booked = book_benchmark(build_benchmark("basis", inputs), inputs, CostRules(vx_half_spread_pts=0, vx_fee_usd=0))
    hedge = compute_basis_hedge(market, booked.book, spx, BasisRules())
    assert hedge["slope_pts"].iloc[:251].isna().all()
    assert hedge["slope_pts"].iloc[-1] == pytest.approx(-80, abs=0.01)
    assert hedge["slope_days_pts"].iloc[-1] == pytest.approx(0.5, abs=0.001)
    # unknown slopes are an unknown hedge, not none
    held = np.array([bool(day.held) for day in booked.book.days])
    assert hedge["hedge_notional_usd"][held & (np.arange(len(days)) < 200)].isna().all()
    vx = booked.ledger.days.query("layer == 'base'")[["roll_usd", "curve_usd"]].sum(axis=1).to_numpy()
    # in these prices a contract moves with the index while it is the nearest with ten days left
    moved = [
        session
        for session in range(300, len(days))
        if {find_contract(market, left, session - 1, 10)} == {one.expiry for one in booked.book.days[session - 1].held}
    ]
    assert len(moved) > 20
    assert np.abs(vx[moved]).max() > 10_000
    assert np.abs(vx[moved] + hedge["hedge_pnl_usd"].to_numpy()[moved]).max() < 5
