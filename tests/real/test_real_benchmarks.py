"""The benchmarks on the real files: known crises, calm years, and what was not listed. No list of market values."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.support.benchmarks import FrameOptions
from transforms.benchmarks import (
    BenchmarkInputs,
    BookedBenchmark,
    book_benchmark,
    build_benchmark,
    compute_basis_hedge,
    list_benchmarks,
    read_basis_rules,
)
from transforms.benchmarks.catalogue import benchmark_parameters
from transforms.ledger import read_cost_rules
from transforms.options.model_surface import build_pricing_rules
from transforms.positions import build_futures_market
from transforms.registry import parameters

pytestmark = pytest.mark.real

NAMES = [info.name for info in list_benchmarks()]
NAV_USD = 100_000_000.0
"""Large, so that 1% is held before Mini VIX futures too, and rounding plays no part."""

SESSIONS = """
select curve.trade_date, curve.vix_close_pts, curve.daily_roll_pts, beta.vx1_beta_ratio, beta.vx2_beta_ratio,
    beta.vx3_beta_ratio, beta.vx4_beta_ratio, bill.bill_discount_rate_frac, index.short_term_tr,
    index.short_term_base_date, spx.close_pts as spx_close_pts, vvix.close_pts as vvix_pts, realised.spx_rv21_pts
from mart.daily_term_structure as curve
left join mart.daily_sensitivities as beta using (trade_date)
left join mart.daily_volatility_indices as index using (trade_date)
left join mart.daily_realised_volatility as realised using (trade_date)
left join (from core.daily_index_levels where index_code = 'SPX') as spx using (trade_date)
left join (from core.daily_index_levels where index_code = 'VVIX') as vvix using (trade_date)
asof left join core.daily_bill_rates as bill on bill.observation_date <= curve.trade_date
order by curve.trade_date
"""


class Desk:
    """The real market, and each benchmark on it, booked once."""

    def __init__(self, real: duckdb.DuckDBPyConnection) -> None:
        listings = real.execute("select trade_date, expiry_date, tenor_rank from core.daily_vx_listings").df()
        settlements = real.execute(
            "select trade_date, expiry_date, settle_pts from core.daily_vx_settlements where is_monthly"
        ).df()
        self.sessions = real.execute(SESSIONS).df()
        self.numbers = {name: float(entry.value) for name, entry in parameters().items()}
        expiries = listings.merge(settlements, on=["trade_date", "expiry_date"]).merge(
            self.sessions[["trade_date", "vvix_pts", "bill_discount_rate_frac"]], on="trade_date"
        )
        bases = pd.to_datetime(self.sessions["short_term_base_date"])
        self.inputs = BenchmarkInputs(
            market=build_futures_market(listings, settlements, self.sessions),
            nav_usd=NAV_USD,
            options=FrameOptions(
                expiries.rename(columns={"settle_pts": "future_pts"}), build_pricing_rules(self.numbers)
            ),
            short_term_tr=self.sessions["short_term_tr"].to_numpy(float),
            short_term_base_dates=[None if pd.isna(base) else base.date() for base in bases],
            spx_close_pts=self.sessions["spx_close_pts"].to_numpy(float),
            spx_rv_pts=self.sessions["spx_rv21_pts"].to_numpy(float),
        )
        self._booked: dict[str, BookedBenchmark] = {}

    def booked(self, name: str) -> BookedBenchmark:
        if name not in self._booked:
            benchmark = build_benchmark(name, self.inputs)
            self._booked[name] = book_benchmark(benchmark, self.inputs, read_cost_rules(self.numbers))
        return self._booked[name]

    def pnl(self, name: str) -> pd.Series:
        """Of each session, in percent of the account."""
        days = self.booked(name).ledger.days
        return days[days["layer"] == "base"].set_index("trade_date")["pnl_usd"] / NAV_USD * 100

    def held(self, name: str, day: str) -> list[str]:
        market = self.inputs.market
        session = market.days.index(date.fromisoformat(day))
        return [instrument.code for instrument in self.booked(name).book.days[session].held]


@pytest.fixture(scope="module")
def desk(real: duckdb.DuckDBPyConnection) -> Desk:
    return Desk(real)


@pytest.mark.parametrize("name", NAMES)
def test_every_cent_of_twenty_years_is_in_a_piece(desk: Desk, name: str) -> None:
    days = desk.booked(name).ledger.days
    pieces = ["roll_usd", "curve_usd", "theta_usd", "option_move_usd", "cost_usd", "interest_usd"]
    assert len(days) == 2 * 5484
    assert np.abs(days["pnl_usd"] - days[pieces].sum(axis=1)).max() < 0.005


def test_premium_seller_loses_about_a_quarter_in_february_2018(desk: Desk) -> None:
    path = desk.pnl("vpd").loc["2018-01-02":"2018-02-28"].cumsum()
    fall = path - path.cummax()
    assert fall.idxmin() == pd.Timestamp("2018-02-05")
    assert -28 < fall.min() < -18


def test_capped_premium_loses_less_than_the_open_one_in_2008_and_2020(desk: Desk) -> None:
    for month in ("2008-10", "2020-03"):
        assert desk.pnl("vpd").loc[month].sum() < desk.pnl("vpn").loc[month].sum() - 5


def test_premium_seller_holds_ten_futures_a_million_in_one_month(desk: Desk) -> None:
    market, book = desk.inputs.market, desk.booked("vpd").book
    sizes = set()
    for day, today in zip(market.days, book.days, strict=True):
        live = [size for one, size in today.held.items() if getattr(one, "expiry", day) > day]
        assert len(live) <= 1
        sizes |= set(live)
    assert sizes == {-1000}


def test_tail_hedge_gains_in_october_2008_and_march_2020(desk: Desk) -> None:
    pnl = desk.pnl("vxth")
    assert pnl.loc["2008-10"].sum() > 10
    assert pnl.loc["2020-03"].sum() > 10
    assert pnl.groupby(pnl.index.year).sum().loc[[2013, 2016, 2019, 2021, 2023]].max() < 0


def test_tail_hedge_holds_nothing_while_the_forward_is_low_or_extreme(desk: Desk) -> None:
    assert desk.pnl("vxth").loc["2017"].abs().sum() == 0
    reasons = {want.reason for want in desk.booked("vxth").benchmark.targets.wants}
    assert any(reason.startswith("nothing bought: forward VIX 6") for reason in reasons)
    assert any(reason.startswith("bought: 0.5% of NAV") for reason in reasons)


def test_note_loses_in_calm_years_what_the_returns_of_its_index_imply(desk: Desk) -> None:
    pnl = desk.pnl("note_1pct")
    levels = desk.sessions.set_index("trade_date")["short_term_tr"].dropna()
    returns = levels.loc["2006":].pct_change()
    implied = returns.groupby(returns.index.year).sum()
    booked = pnl.groupby(pnl.index.year).sum()
    gap = (booked - implied).loc[2007:2025]
    assert gap.abs().max() < 0.15
    assert booked.loc[[2012, 2013, 2016, 2017, 2019, 2021, 2023]].max() < -0.8
    doubled = desk.pnl("note_2pct")
    assert doubled.sum() == pytest.approx(2 * pnl.sum(), rel=0.01)


def test_static_share_costs_what_the_note_costs(desk: Desk) -> None:
    pnl = {
        name: desk.pnl(name).groupby(lambda day: day.year).sum().loc[2007:2025] for name in ("static_1pct", "note_1pct")
    }
    assert np.corrcoef(pnl["static_1pct"], pnl["note_1pct"])[0, 1] > 0.9


def test_veqtor_is_heavy_in_volatility_in_2008_and_light_in_2017(desk: Desk) -> None:
    details = desk.booked("veqtor").benchmark.details
    assert details is not None
    share = details.set_index("trade_date")["hedge_share_frac"]
    assert share.loc["2008-10"].max() == 0.4
    assert share.loc["2017"].median() == 0.025
    shadow = details.set_index("trade_date")["shadow_level"]
    year = shadow.groupby(shadow.index.year).last()
    # the S&P 500 lost 38% in 2008
    assert year.loc[2008] > year.loc[2007]


def test_ladder_gains_in_crises_and_shifts_part_of_it(desk: Desk) -> None:
    pnl = desk.pnl("canon")
    assert pnl.loc["2008-10"].sum() > 5
    assert pnl.loc["2020-03"].sum() > 5
    shifts = desk.booked("canon").benchmark.time_shifts
    assert shifts is not None
    by_year = shifts["trade_date"].dt.year.value_counts()
    assert by_year[2008] >= 5
    assert by_year[2020] >= 5
    assert (shifts["shifted_usd"] <= shifts["gain_usd"] / 2).all()


def test_ladder_has_no_long_layer_once_six_months_are_all_that_is_listed(desk: Desk) -> None:
    details = desk.booked("canon").benchmark.details
    assert details is not None
    reasons = details.set_index("trade_date")["long_reason"]
    assert reasons.loc["2008":"2011"].str.startswith("bought").mean() > 0.5
    assert reasons.loc["2013":].str.contains("no expiry within 20 days of 220").all()
    assert len(desk.held("canon", "2019-06-28")) == 2
    assert len(desk.held("canon_furthest", "2019-06-28")) == 3


def test_daily_roll_is_the_one_of_the_warehouse(desk: Desk) -> None:
    details = desk.booked("basis").benchmark.details
    assert details is not None
    ours, theirs = details["daily_roll_pts"], desk.sessions["daily_roll_pts"]
    assert (ours.isna() == theirs.isna()).all()
    assert (ours - theirs).abs().max() < 1e-9


def test_basis_trade_takes_both_sides_and_its_hedge_moves_against_it(desk: Desk) -> None:
    booked = desk.booked("basis")
    assert booked.benchmark.details is not None
    assert set(booked.benchmark.details["side"]) == {-1, 0, 1}
    numbers = {name: float(one.value) for name, one in benchmark_parameters().items()}
    assert desk.inputs.spx_close_pts is not None
    hedge = compute_basis_hedge(desk.inputs.market, booked.book, desk.inputs.spx_close_pts, read_basis_rules(numbers))
    both = pd.DataFrame({"vx": desk.pnl("basis"), "hedge": hedge.set_index("trade_date")["hedge_pnl_usd"]}).dropna()
    both = both[both["hedge"] != 0]
    assert len(both) > 1500
    assert both.corr().iloc[0, 1] < -0.6
    # points of VX for a return of 1.00
    assert -150 < hedge["slope_pts"].median() < -40
