"""The model condor and the book on whatever comes: no crash, nothing invented, and books that keep their rules."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.support.book import ACCOUNT, EXAMPLE
from tests.support.condor import SETTINGS, VALUES
from tests.support.examples import examples
from transforms.calendar import sessions
from transforms.errors import BookError
from transforms.portfolio.book import OptionLeg, check_book
from transforms.portfolio.book_reader import read_book
from transforms.portfolio.condor import simulate_condor
from transforms.portfolio.exposure import SpxMarket, compute_largest_loss_usd, compute_legs_exposure
from transforms.portfolio.pricing import value_options
from transforms.portfolio.settings import condor_settings
from transforms.portfolio.strikes import choose_strikes

QUICK = examples(120)
SLOW = examples(40)
DAYS = sessions("XNYS", date(2019, 12, 2), date(2020, 4, 30))
TODAY = date(2026, 1, 8)
CLOSES = st.one_of(st.sampled_from([np.nan, 0.0, -1.0, np.inf]), st.floats(1, 20_000))
PIECES = st.sampled_from(
    [
        *EXAMPLE.split("\n"),
        "[[condor.legs]]",
        "[condor]",
        "=",
        "[",
        '"',
        "'''",
        "nan",
        "quantity = 1e9",
        "expiry = 0001-01-01",
    ]
)


@SLOW
@given(data=st.data())
def test_any_market_gives_a_row_a_session_and_values_only_with_status_ok(data: st.DataObject) -> None:
    market = pd.DataFrame({"trade_date": pd.to_datetime(pd.Series(DAYS)), "bill_discount_rate_frac": 0.02})
    for name, usual in (("spx", 3000.0), ("vix", 20.0), ("vix9d", 18.0), ("vix3m", 21.0)):
        odd = data.draw(st.dictionaries(st.integers(0, len(DAYS) - 1), CLOSES, max_size=25))
        market[f"{name}_close_pts"] = [odd.get(number, usual) for number in range(len(DAYS))]
    path = simulate_condor(market, SETTINGS)
    rows = path.sessions
    assert list(rows["trade_date"].dt.date) == list(DAYS)
    for name in ("mark_usd", "delta_usd_per_pt", "gamma_usd_per_pt2", "vega_usd_per_vix_pt", "theta_usd_per_day"):
        assert ((rows["condor_status"] == "ok") == rows[name].notna()).all()
    assert ((rows["pnl_status"] == "ok") == rows["pnl_usd"].notna()).all()
    assert not np.isinf(rows.select_dtypes("float64")).any(axis=None)
    settled = path.cycles[path.cycles["cycle_status"] == "settled"]
    assert (settled["cycle_pnl_usd"] >= -settled["largest_loss_usd"] - 1e-6).all()
    assert (settled["cycle_pnl_usd"] <= settled["credit_usd"] + 1e-6).all()


@QUICK
@given(
    spot=st.floats(300, 12_000),
    vix=st.floats(0.08, 0.9),
    days=st.integers(1, 40),
    rate=st.floats(-0.005, 0.12),
    ratio=st.floats(0.7, 1.1),
    slope=st.floats(-1.0, 0.0),
)
def test_values_are_in_the_order_of_the_strikes(
    spot: float, vix: float, days: int, rate: float, ratio: float, slope: float
) -> None:
    chosen = condor_settings(VALUES | {"condor_atm_to_vix_ratio": ratio, "condor_skew_slope": slope})
    strikes = spot * np.exp(np.linspace(-0.6, 0.6, 241))
    for is_call in (False, True):
        values = value_options(spot, strikes, days, vix, rate, is_call, chosen)
        # no spread between two strikes has a price below nothing, and deltas fall in the same order
        assert (np.diff(values.price) * (-1 if is_call else 1) >= -1e-9 * spot).all()
        assert (np.diff(np.abs(values.delta)) * (-1 if is_call else 1) >= -1e-9).all()


@QUICK
@given(
    spot=st.floats(300, 12_000),
    vix=st.floats(0.08, 0.9),
    days=st.integers(20, 40),
    delta=st.sampled_from([0.05, 0.2, 0.3]),
    is_call=st.booleans(),
)
def test_chosen_strike_is_listed_and_no_other_is_nearer(
    spot: float, vix: float, days: int, delta: float, *, is_call: bool
) -> None:
    terms = (np.array([spot]), np.array([float(days)]), np.array([vix]), np.array([0.03]))
    (found,) = choose_strikes(*terms, delta, is_call, SETTINGS)
    listed = np.arange(5.0, 3 * spot, 5.0)
    listed = listed[(np.abs(np.log(listed / spot)) <= 0.2) | (listed % 25 == 0)]
    distance = np.abs(np.abs(value_options(spot, listed, days, vix, 0.03, is_call, SETTINGS).delta) - delta)
    assert found in listed
    assert distance[listed == found][0] <= distance.min() + 1e-9


@QUICK
@given(lines=st.lists(PIECES | st.text(max_size=8), max_size=25))
def test_any_text_is_a_book_or_a_book_error(lines: list[str]) -> None:
    try:
        book = read_book("\n".join([ACCOUNT, *lines]), where="book.toml", today=TODAY)
    except BookError:
        return
    check_book(book, TODAY, 5)


@SLOW
@given(
    legs=st.lists(
        st.builds(
            OptionLeg,
            expiry_date=st.sampled_from([date(2026, 2, 20), date(2026, 3, 20)]),
            right=st.sampled_from(["C", "P"]),
            strike_pts=st.integers(1000, 1900).map(lambda number: 5.0 * number),
            quantity=st.integers(-5, 5).filter(bool),
        ),
        max_size=6,
    ),
    levels=st.lists(st.floats(0.01, 30_000), min_size=2, max_size=2),
)
def test_no_payoff_of_legs_is_below_their_largest_loss(legs: list[OptionLeg], levels: list[float]) -> None:
    loss = compute_largest_loss_usd(legs, 100.0)
    if loss is None:
        return
    total = 0.0
    for expiry, level in zip((date(2026, 2, 20), date(2026, 3, 20)), levels, strict=True):
        for leg in (leg for leg in legs if leg.expiry_date == expiry):
            gap = level - leg.strike_pts if leg.right == "C" else leg.strike_pts - level
            total += max(gap, 0.0) * leg.quantity * 100
    assert total >= -loss - 1e-6


@SLOW
@given(spot=st.floats(500, 15_000), vix=st.floats(5, 120), quantity=st.integers(-50, 50).filter(bool))
def test_exposure_is_proportional_to_the_quantity(spot: float, vix: float, quantity: int) -> None:
    market = SpxMarket(
        trade_date=date(2026, 1, 7),
        spx_close_pts=spot,
        vix_close_pts=vix,
        vix9d_close_pts=None,
        vix3m_close_pts=None,
        bill_discount_rate_frac=0.04,
    )
    one, many = (
        compute_legs_exposure(
            (OptionLeg(expiry_date=date(2026, 2, 20), right="P", strike_pts=6000.0, quantity=number),), market, SETTINGS
        )
        for number in (1, quantity)
    )
    assert one.vega_usd_per_vix_pt is not None
    assert many.vega_usd_per_vix_pt is not None
    np.testing.assert_allclose(many.vega_usd_per_vix_pt, quantity * one.vega_usd_per_vix_pt, rtol=1e-12)
