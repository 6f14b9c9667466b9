"""Realised volatility, breadth and sensitivities, against pandas and against numbers worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.bench import ModelBench, sessions_from

FIRST = date(2020, 1, 1)
EDR_AT_14_922 = 0.0094  # canon's own trigger
INDEX_COLUMNS = "trade_date date, index_code varchar, close_pts double"


def closes(count: int, seed: int, start: float = 3000, sd: float = 0.01) -> pd.Series:
    steps = np.random.default_rng(seed).normal(0, sd, count)
    return pd.Series(np.round(start * np.exp(np.cumsum(steps)), 2), index=sessions_from(FIRST, count))


class SignalBench(ModelBench):
    """Index closes, sessions, breadth and funds as the models want them."""

    def indices(self, **series: pd.Series) -> None:
        days = sorted({day for one in series.values() for day in one.index})
        self.table("ref.sessions", "session_date date, is_equity_session boolean", [(day, True) for day in days])
        data = [(day, code, value) for code, one in series.items() for day, value in one.items() if not np.isnan(value)]
        self.table("core.daily_index_levels", INDEX_COLUMNS, data)

    def breadth(self, advances: pd.Series, declines: pd.Series) -> None:
        data = [(day, int(up), int(declines[day])) for day, up in advances.items() if not np.isnan(up)]
        columns = "trade_date date, nyse_advances_issues bigint, nyse_declines_issues bigint"
        self.table("core.daily_breadth", columns, data)

    def bars(self, **series: pd.Series) -> None:
        data = [(day, symbol, value) for symbol, one in series.items() for day, value in one.items()]
        self.table("core.daily_price_bars", "trade_date date, symbol varchar, close_usd double", data)

    def frame(self, model: str, columns: str) -> pd.DataFrame:
        names = ["trade_date", *columns.split(", ")]
        return pd.DataFrame(self.run(model, f"trade_date, {columns}"), columns=names).set_index("trade_date")


@pytest.fixture
def bench() -> Iterator[SignalBench]:
    made = SignalBench()
    yield made
    made.close()


def assert_same(found: pd.Series, expected: pd.Series) -> None:
    both = pd.concat([found.astype(float), expected.astype(float)], axis=1, keys=["found", "expected"])
    assert both["found"].notna().any(), "nothing to compare"
    pd.testing.assert_series_equal(both["found"], both["expected"], check_names=False, rtol=0, atol=1e-9)


VOLATILITY = "mart.daily_realised_volatility"


def test_realised_volatility_is_the_annualised_deviation_of_21_returns(bench: SignalBench) -> None:
    spx = closes(60, 1)
    bench.indices(SPX=spx)
    expected = np.log(spx).diff().rolling(21).std() * np.sqrt(252) * 100
    assert_same(bench.frame(VOLATILITY, "spx_rv21_pts")["spx_rv21_pts"], expected)


def test_realised_volatility_of_alternating_returns_is_worked_by_hand(bench: SignalBench) -> None:
    # returns +1% and -1% by turns, 21 of them from +1%: mean 1/21 %, sum of squares 21 - 1/21
    days = sessions_from(FIRST, 22)
    spx = pd.Series([100 * np.exp(0.01 * (number % 2)) for number in range(22)], index=days)
    bench.indices(SPX=spx)
    by_hand = np.sqrt((21 - 1 / 21) / 20) * np.sqrt(252)
    assert bench.frame(VOLATILITY, "spx_rv21_pts")["spx_rv21_pts"].iloc[-1] == pytest.approx(by_hand, abs=1e-9)


def test_realised_volatility_is_unknown_while_a_missing_close_is_in_its_window(bench: SignalBench) -> None:
    spx = closes(80, 2)
    spx.iloc[40] = np.nan
    bench.indices(SPX=spx, VIX=closes(80, 3, 18))
    known = bench.frame(VOLATILITY, "spx_rv21_pts")["spx_rv21_pts"].notna().to_numpy()
    # the returns of sessions 40 and 41 are not there
    assert list(np.flatnonzero(~known)) == [*range(21), *range(40, 62)]


def test_excursion_is_measured_against_the_year_that_ends_the_day_before(bench: SignalBench) -> None:
    spx = closes(400, 4)
    bench.indices(SPX=spx)
    volatility = np.log(spx).diff().rolling(21).std() * np.sqrt(252) * 100
    past = volatility.shift(1).rolling(252)
    expected = (volatility - past.mean()) / past.std()
    found = bench.frame(VOLATILITY, "rv_excursion_z, rv_excursions")
    assert_same(found["rv_excursion_z"], expected)
    assert_same(found["rv_excursions"], np.floor(expected.clip(lower=0)))


def test_excursions_are_unknown_not_zero_before_a_year_of_history(bench: SignalBench) -> None:
    bench.indices(SPX=closes(100, 5))
    assert bench.frame(VOLATILITY, "rv_excursions")["rv_excursions"].isna().all()


def test_expected_daily_range_meets_the_published_trigger(bench: SignalBench) -> None:
    day = sessions_from(FIRST, 1)
    bench.indices(VIX=pd.Series([14.922], index=day))
    found = bench.frame(VOLATILITY, "edr_frac, edr_calendar_frac, edr_blend_frac").iloc[0]
    assert found["edr_frac"] == pytest.approx(EDR_AT_14_922, abs=5e-7)
    assert found["edr_calendar_frac"] == pytest.approx(14.922 / 100 / np.sqrt(365), abs=1e-12)
    assert pd.isna(found["edr_blend_frac"])


def test_blended_range_weighs_the_nine_day_index_and_realised_volatility(bench: SignalBench) -> None:
    spx, short = closes(40, 6), closes(40, 7, 15)
    bench.indices(SPX=spx, VIX9D=short)
    bench.set_parameter("edr_blend_weight_frac", 0.3)
    realised = np.log(spx).diff().rolling(20).std() * np.sqrt(252) * 100
    expected = (0.3 * short + 0.7 * realised) / np.sqrt(252) / 100
    assert_same(bench.frame(VOLATILITY, "edr_blend_frac")["edr_blend_frac"], expected)


def test_premium_is_vix_less_realised_and_in_variance(bench: SignalBench) -> None:
    spx, vix = closes(60, 8), closes(60, 9, 18)
    bench.indices(SPX=spx, VIX=vix)
    realised = np.log(spx).diff().rolling(21).std() * np.sqrt(252) * 100
    found = bench.frame(VOLATILITY, "vrp_pts, variance_premium, vix_over_rv21_frac")
    assert_same(found["vrp_pts"], vix - realised)
    assert_same(found["variance_premium"], vix**2 - realised**2)
    assert_same(found["vix_over_rv21_frac"], vix / realised - 1)


def test_premium_over_no_volatility_at_all_is_unknown(bench: SignalBench) -> None:
    days = sessions_from(FIRST, 22)
    bench.indices(SPX=pd.Series(100.0, index=days), VIX=pd.Series(12.0, index=days))
    last = bench.frame(VOLATILITY, "spx_rv21_pts, vix_over_rv21_frac").iloc[-1]
    assert last["spx_rv21_pts"] == 0
    assert pd.isna(last["vix_over_rv21_frac"])


def test_distance_from_the_high_counts_252_sessions_with_this_one(bench: SignalBench) -> None:
    spx = closes(300, 10)
    bench.indices(SPX=spx)
    assert_same(bench.frame(VOLATILITY, "spx_from_high_frac")["spx_from_high_frac"], spx / spx.rolling(252).max() - 1)


DIVERGENCE = "mart.daily_breadth_divergence"


def expected_divergence(spx: pd.Series, daily: pd.Series, least: float = 0.95) -> tuple[pd.Series, pd.Series]:
    """The definition in pandas: scaled changes of both legs on the days that have both."""
    returns = np.log(spx).diff()
    both = returns.notna() & daily.notna()
    index_leg, breadth_leg = returns.where(both), daily.where(both)

    def leg(one: pd.Series) -> pd.Series:
        recent = one.rolling(63, min_periods=1).sum()
        return recent / one.rolling(252, min_periods=2).std()

    enough = (both.rolling(63, min_periods=1).sum() >= least * 63) & (
        both.rolling(252, min_periods=1).sum() >= least * 252
    )
    sds = ((leg(index_leg) - leg(breadth_leg)) / np.sqrt(63)).where(both & enough)
    past = sds.rolling(252, min_periods=int(np.ceil(least * 252)))
    return sds, ((sds - past.mean()) / past.std()).where(sds.notna())


def counts(count: int, seed: int) -> tuple[pd.Series, pd.Series]:
    net = np.random.default_rng(seed).normal(0, 900, count)
    advances = pd.Series(np.round(1500 + net / 2), index=sessions_from(FIRST, count))
    return advances, 3000 - advances


def test_divergence_by_counts_is_the_definition(bench: SignalBench) -> None:
    spx = closes(700, 11)
    advances, declines = counts(700, 12)
    bench.indices(SPX=spx)
    bench.breadth(advances, declines)
    bench.bars()
    found = bench.frame(DIVERGENCE, "breadth_source, ad_divergence_sds, ad_divergence_z, ad_line_issues")
    sds, z = expected_divergence(spx, advances - declines)
    assert_same(found["ad_divergence_sds"], sds)
    assert_same(found["ad_divergence_z"], z)
    assert_same(found["ad_line_issues"], (advances - declines).cumsum())
    assert set(found["breadth_source"]) == {"nyse_counts"}


def test_divergence_passes_over_a_few_missing_counts_and_not_over_many(bench: SignalBench) -> None:
    spx = closes(700, 13)
    advances, declines = counts(700, 14)
    advances.iloc[[530, 531]] = np.nan
    advances.iloc[600:604] = np.nan  # with these, 4 of 63 are gone: below 95%
    bench.indices(SPX=spx)
    bench.breadth(advances, declines)
    bench.bars()
    found = bench.frame(DIVERGENCE, "ad_divergence_z")["ad_divergence_z"]
    _, z = expected_divergence(spx, advances - declines)
    assert_same(found, z)
    assert pd.isna(found.iloc[530])
    assert not pd.isna(found.iloc[532])
    assert found.iloc[600:663].isna().all()


def test_proxy_stands_in_only_where_there_are_no_counts_and_is_never_spliced(bench: SignalBench) -> None:
    spx = closes(1200, 15)
    advances, declines = counts(1200, 16)
    advances.iloc[600:] = np.nan
    rsp, spy = closes(1200, 17, 150), closes(1200, 18, 400)
    bench.indices(SPX=spx)
    bench.breadth(advances, declines)
    bench.bars(RSP=rsp, SPY=spy)
    found = bench.frame(DIVERGENCE, "breadth_source, ad_divergence_z, rsp_spy_ratio")
    assert list(found["breadth_source"]) == ["nyse_counts"] * 600 + ["rsp_spy_proxy"] * 600
    _, by_counts = expected_divergence(spx, advances - declines)
    _, by_proxy = expected_divergence(spx, np.log(rsp / spy).diff())
    assert_same(found["ad_divergence_z"], pd.concat([by_counts.iloc[:600], by_proxy.iloc[600:]]))
    assert_same(found["rsp_spy_ratio"], rsp / spy)


def test_breadth_without_counts_and_funds_is_none_and_unknown(bench: SignalBench) -> None:
    bench.indices(SPX=closes(600, 19))
    bench.breadth(pd.Series(dtype=float), pd.Series(dtype=float))
    bench.bars()
    found = bench.frame(DIVERGENCE, "breadth_source, ad_divergence_z")
    assert set(found["breadth_source"]) == {"none"}
    assert found["ad_divergence_z"].isna().all()


SENSITIVITIES = "mart.daily_sensitivities"


def set_futures(bench: SignalBench, settles: dict[int, pd.Series], expiries: dict[int, date]) -> None:
    """Contracts that keep their ranks over the whole test."""
    listings: list[Any] = []
    settled: list[Any] = []
    for rank, one in settles.items():
        for day, value in one.items():
            listings.append((day, expiries[rank], rank))
            if not np.isnan(value):
                settled.append((day, expiries[rank], value))
    bench.table("core.daily_vx_listings", "trade_date date, expiry_date date, tenor_rank bigint", listings)
    bench.table("core.daily_vx_settlements", "trade_date date, expiry_date date, settle_pts double", settled)
    bench.table("mart.daily_term_structure", "trade_date date", [(day,) for day in next(iter(settles.values())).index])


def slope(y: pd.Series, x: pd.Series, window: int) -> pd.Series:
    return y.rolling(window).cov(x) / x.rolling(window).var()


def test_sensitivity_is_the_rolling_slope_of_daily_changes(bench: SignalBench) -> None:
    vix, spx = closes(300, 20, 18, 0.05), closes(300, 21)
    bench.indices(VIX=vix, SPX=spx)
    settles = {rank: closes(300, 30 + rank, 18, 0.03) + vix * 0.5 / rank for rank in (1, 2, 3, 4)}
    set_futures(bench, settles, {rank: date(2022, rank, 19) for rank in settles})
    bench.bars()
    bench.set_parameter("beta_window_sessions", 100)
    bench.set_parameter("beta_least_coverage_frac", 1.0)
    found = bench.frame(
        SENSITIVITIES, "vx1_beta_ratio, vx2_beta_ratio, vx3_beta_ratio, vx4_beta_ratio, vix_spx_beta_ratio"
    )
    for rank, settle in settles.items():
        assert_same(found[f"vx{rank}_beta_ratio"], slope(settle.diff(), vix.diff(), 100))
    assert_same(found["vix_spx_beta_ratio"], slope(np.log(vix).diff(), np.log(spx).diff(), 100))


def test_sensitivity_takes_no_jump_at_a_roll(bench: SignalBench) -> None:
    # Two contracts, each exactly half as sensitive as VIX, far apart in level. The front expires half way.
    vix = closes(40, 22, 18, 0.05)
    days = list(vix.index)
    expiry = days[20]
    listings, settled = [], []
    for day in days:
        curve = [(expiry, 0.0), (date(2022, 1, 19), 10.0)] if day < expiry else [(date(2022, 1, 19), 10.0)]
        for rank, (contract, level) in enumerate(curve, start=1):
            listings.append((day, contract, rank))
            settled.append((day, contract, level + 0.5 * vix[day]))
    settled.append((expiry, expiry, 99.0))  # final settlement at the open: not a change of that day
    bench.indices(VIX=vix, SPX=closes(40, 23))
    bench.table("core.daily_vx_listings", "trade_date date, expiry_date date, tenor_rank bigint", listings)
    bench.table("core.daily_vx_settlements", "trade_date date, expiry_date date, settle_pts double", settled)
    bench.table("mart.daily_term_structure", "trade_date date", [(day,) for day in days])
    bench.bars()
    bench.set_parameter("beta_window_sessions", 30)
    last = bench.frame(SENSITIVITIES, "vx1_beta_ratio")["vx1_beta_ratio"].iloc[-1]
    assert last == pytest.approx(0.5, abs=1e-9)


def test_sensitivity_is_unknown_while_the_window_is_not_whole(bench: SignalBench) -> None:
    vix = closes(120, 24, 18, 0.05)
    bench.indices(VIX=vix, SPX=closes(120, 25))
    set_futures(bench, {1: vix * 0.6}, {1: date(2022, 1, 19)})
    bench.bars()
    bench.set_parameter("beta_window_sessions", 100)
    found = bench.frame(SENSITIVITIES, "vx1_beta_ratio, vx2_beta_ratio")
    assert found["vx1_beta_ratio"].first_valid_index() == vix.index[90]  # 90 changes are 90% of the window
    assert found["vx2_beta_ratio"].isna().all()


def test_reit_correlation_is_of_log_changes_over_a_quarter(bench: SignalBench) -> None:
    vix, vnq = closes(100, 26, 18, 0.05), closes(100, 27, 90)
    bench.indices(VIX=vix, SPX=closes(100, 28))
    set_futures(bench, {1: vix}, {1: date(2022, 1, 19)})
    bench.bars(VNQ=vnq)
    bench.set_parameter("beta_least_coverage_frac", 1.0)
    expected = np.log(vnq).diff().rolling(63).corr(np.log(vix).diff())
    assert_same(bench.frame(SENSITIVITIES, "reit_vix_corr")["reit_vix_corr"], expected)
