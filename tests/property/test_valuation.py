"""Valuations on random markets: break-evens against brute force, no look-ahead, reasons where there is no value.

The markets miss prices, VIX closes, rates, sensitivities and option quotes. That break-evens of every number, and what
has none, do happen is asserted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.ledger_market import NAV_USD, BlackPricer, Scene, bend_after, construct_calendar, draw_scene
from tests.support.valuation import tell_volatility
from transforms.ledger import CostRules, Ledger, build_ledger
from transforms.options.black76 import compute_black76_price
from transforms.options.implied import compute_discount, compute_years_to_settlement
from transforms.positions import (
    FuturesMarket,
    Instrument,
    LayerBook,
    SizingRules,
    VixFuture,
    VixOption,
    build_base_targets,
    build_book,
    build_second_engine_targets,
    build_temporal_targets,
)
from transforms.valuation.break_even import compute_break_evens
from transforms.valuation.capital import compute_capital
from transforms.valuation.holdings import build_holdings
from transforms.valuation.horizon import age_prices, build_horizon
from transforms.valuation.rules import ValuationRules
from transforms.valuation.table import ValuationInputs, build_valuation

THOROUGH = examples(25)
QUICK = examples(10)
SEEDS = st.integers(0, 2**32 - 1)
RULES = ValuationRules(
    month_sessions=5,
    year_sessions=20,
    beta_sessions=20,
    beta_least_sessions=5,
    variance_sessions=20,
    variance_least_sessions=5,
    vix_step_pts=0.5,
)
LEVELS = np.arange(5.05, 150, 0.5)


@dataclass(frozen=True)
class Night:
    scene: Scene
    books: list[LayerBook]
    ledger: Ledger

    def value(self) -> pd.DataFrame:
        market = self.scene.market
        # a walk of its own beside the VIX, and volumes that are sometimes unknown
        inputs = ValuationInputs(
            nav_usd=NAV_USD,
            spx_close_pts=4000 - 10 * market.vix_pts,
            spx_rv21_pts=0.7 * market.vix_pts,
            volume_of=lambda session, one: np.nan if isinstance(one, VixOption) else 40.0 + session,
            volatility_of=tell_volatility(self.scene.pricer),
            rules=RULES,
        )
        return build_valuation(self.books, self.scene.marks, self.ledger.days, inputs)


def walk(scene: Scene) -> Night:
    common = (scene.market, scene.path, SizingRules(), NAV_USD)
    base = build_base_targets(*common, scene.condor_vega_usd)
    second = build_second_engine_targets(*common, construct_calendar(scene.market))
    books = [build_book(one, scene.marks) for one in (base, build_temporal_targets(*common, base), second)]
    return Night(
        scene, books, build_ledger(books, scene.marks, CostRules(), scene.path.gains_rolled_frac.tolist(), 0.5)
    )


@cache
def draw(seed: int) -> Night:
    return walk(draw_scene(seed))


def price_alone(
    market: FuturesMarket, pricer: BlackPricer, session: int, one: Instrument, days: int, vix: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """What an instrument is worth at the horizon, told once more: NumPy's interpolation over the listed curve."""
    assert isinstance(one, VixFuture | VixOption)
    today = market.days[session]
    left = (one.expiry - today).days - days
    is_option = isinstance(one, VixOption)
    if left <= 0:
        future = vix
    else:
        listed = [
            (expiry, price)
            for expiry, price in zip(market.expiries, market.settle_pts[session].tolist(), strict=True)
            if expiry > today and not np.isnan(price)
        ]
        at = [0, *((expiry - today).days for expiry, _ in listed)]
        unmoved = np.interp(left, at, [market.vix_pts[session], *(price for _, price in listed)])
        ranked = [(market.expiries[column] - today).days for column in market.ranked[session] if column >= 0]
        beta = np.interp(left, [0, *ranked], [1.0, *market.betas[session, : len(ranked)]], right=np.nan)
        future = np.maximum(unmoved + beta * (vix - market.vix_pts[session]), 0)
    if not is_option:
        return future
    assert isinstance(one, VixOption)
    if left <= 0:
        return np.maximum(future - one.strike_pts if one.is_call else one.strike_pts - future, 0)
    years = compute_years_to_settlement(np.array(left))
    discount = compute_discount(market.bill_discount_rate_frac[session], years)
    terms = (np.maximum(future, 1e-9), one.strike_pts, years, pricer.volatilities[session], discount, one.is_call)
    return compute_black76_price(*terms)


def value_alone(night: Night, layers: list[int], session: int, days: int, vix: npt.NDArray[np.float64]) -> object:
    marks, total = night.scene.marks, np.zeros(len(vix))
    for layer in layers:
        for one, contracts in night.books[layer].days[session].held.items():
            mark = marks.mark(session, one)
            if mark is None:
                return None
            worth = price_alone(night.scene.market, night.scene.pricer, session, one, days, vix)
            total += contracts * one.multiplier_usd * (worth - mark.pts)
    return total


@THOROUGH
@given(seed=SEEDS, layers=st.sampled_from([[0], [1], [2], [0, 1, 2]]), days=st.integers(0, 45))
def test_break_evens_are_those_of_brute_force(seed: int, layers: list[int], days: int) -> None:
    night = draw(seed)
    volatility_of = tell_volatility(night.scene.pricer)
    holdings = build_holdings([night.books[layer] for layer in layers], night.scene.marks, volatility_of)
    found = compute_break_evens(build_horizon(holdings, days), rules=RULES)
    for session, roots in enumerate(found.roots):
        pnl = value_alone(night, layers, session, days, LEVELS)
        is_held = any(night.books[layer].days[session].held for layer in layers)
        if not is_held or not isinstance(pnl, np.ndarray) or np.isnan(pnl).any():
            assert roots == ()
            assert found.nearest.notes[session]
            continue
        if np.isnan(night.scene.market.vix_pts[session]):
            assert found.words[session] == "the VIX is not known"
            continue
        at_roots = value_alone(night, layers, session, days, np.array(roots))
        assert isinstance(at_roots, np.ndarray)
        # not worse than the half cent that counts as nothing
        assert np.abs(at_roots) == pytest.approx(np.zeros(len(roots)), abs=0.006)
        for left in np.flatnonzero((pnl[:-1] * pnl[1:] < 0) & (np.minimum(abs(pnl[:-1]), abs(pnl[1:])) > 0.01)):
            assert any(LEVELS[left] <= root <= LEVELS[left + 1] for root in roots)
        if not roots:
            assert (pnl > 0).all() or (pnl < 0).all() or np.abs(pnl).max() < 0.01
            assert "every level" in found.words[session] or "any level" in found.words[session]
        assert found.nearest.notes[session] == ("" if roots else found.words[session])


@QUICK
@given(seed=SEEDS)
def test_curve_ages_as_in_the_ledger(seed: int) -> None:
    market = draw(seed).scene.market
    for since in range(0, len(market) - 22, 7):
        for later in (since + 1, since + 5, since + 21):
            for expiry in market.expiries:
                if expiry <= market.days[since]:
                    continue
                left = max((expiry - market.days[later]).days, 0)
                (price,) = age_prices(market, np.array([since]), np.array([left])).tolist()
                ticks = market.pass_time(since, later, expiry)
                if ticks is not None:
                    assert price * 10_000 == pytest.approx(ticks, abs=0.51)


@QUICK
@given(seed=SEEDS)
def test_capital_is_the_ledgers_margin_and_the_options(seed: int) -> None:
    night = draw(seed)
    for book in night.books:
        rows = night.ledger.days[night.ledger.days["layer"] == book.layer.value].reset_index(drop=True)
        holdings = build_holdings([book], night.scene.marks)
        value = holdings.contracts * holdings.multiplier_usd * holdings.mark_pts
        options = holdings.add_up(np.where(holdings.is_option, value, 0.0))
        capital = compute_capital(holdings, CostRules())
        known = capital.notes == ""
        assert capital.values[known] == pytest.approx((rows["margin_usd"] + options)[known], abs=0.02)
        nothing = capital.notes == "nothing is held"
        assert (nothing == np.array([not day.held for day in book.days])).all()


@QUICK
@given(seed=SEEDS)
def test_a_note_stands_exactly_where_there_is_no_value(seed: int) -> None:
    table = draw(seed).value()
    assert not table.duplicated(["trade_date", "layer"]).any()
    noted = [name for name in table if name.endswith("_note")]
    assert len(noted) > 20
    for note in noted:
        value = table[note.removesuffix("_note")]
        assert (value.isna() == table[note].notna()).all(), note
        assert not np.isinf(value.to_numpy()).any()
    for name in ("break_even_30d", "break_even_expiry", "required_30d", "required_expiry"):
        assert table[f"{name}_words"].notna().all()
        assert ((table[f"{name}_count"] == 0) == table[f"{name}_vix_pts"].isna()).all()


@QUICK
@given(seed=SEEDS, cut=st.integers(0, 88))
def test_valuation_knows_no_future(seed: int, cut: int) -> None:
    scene = draw_scene(seed)
    market, bent = scene.market, bend_after(scene, draw_scene(seed + 1), cut)
    first, second = (
        table[table["trade_date"] <= pd.Timestamp(market.days[cut])].reset_index(drop=True)
        for table in (walk(scene).value(), walk(bent).value())
    )
    # notes of a column may be all missing before the cut in one table only: the type is no value
    pd.testing.assert_frame_equal(first, second, check_exact=True, check_dtype=False)


def test_random_markets_reach_what_is_to_be_tested() -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        night = draw(seed)
        for book in ([night.books[1]], [night.books[2]], night.books):
            holdings = build_holdings(book, night.scene.marks, tell_volatility(night.scene.pricer))
            found = compute_break_evens(build_horizon(holdings, 30), rules=RULES)
            seen.update(f"{len(roots)} roots" for roots in found.roots)
            seen.update(str(words).split(" of ")[0].split(" for ")[0].split(" at V")[0] for words in found.words)
        table = night.value()
        for measure in ("irr_frac", "required_return_frac", "roll_credit_value_usd", "quick_ratio", "cost_12m_frac"):
            seen[measure] += int(table[measure].notna().sum())
            seen.update(table[f"{measure}_note"].dropna().str.replace(r"\d+", "#", regex=True).tolist())
    wanted = (
        *("0 roots", "1 roots", "2 roots", "3 roots", "nothing is held", "no price", "the VIX is not known"),
        *("none: gains at every level", "none: loses at every level", "no sensitivity to the VIX is known"),
        *("irr_frac", "required_return_frac", "roll_credit_value_usd", "quick_ratio", "cost_12m_frac"),
        "the required return is not above the growth of the credits",
    )
    assert [name for name in wanted if not seen[name]] == []
