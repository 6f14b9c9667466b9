"""Prices of VIX options on whatever comes: no crash, no arbitrage in the model, pieces that add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from transforms.options.black76 import compute_black76_price
from transforms.options.implied import compute_years_to_settlement
from transforms.options.listed import list_strikes, nearest_listed_strike
from transforms.options.model_surface import (
    DEFAULT_PRICING_RULES,
    Shape,
    compute_model_level,
    compute_skewed_volatility,
)
from transforms.options.pricing import attribute_moves, price_options

QUICK = examples(150)
SLOW = examples(50)
STRIKES = list_strikes(pd.Timestamp("2025-09-15").date(), is_nearest=True)
NUMBERS = st.one_of(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-300, 1e300]), st.floats(0, 200))
DAYS = st.one_of(st.none(), st.integers(0, 500))
START = pd.Timestamp("2025-01-06")
FUTURES, VVIX = st.floats(9, 90), st.floats(60, 210)


@st.composite
def frames(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    def day(number: int | None) -> pd.Timestamp | None:
        return None if number is None else START + pd.Timedelta(days=number)

    keys = [(day(draw(st.sampled_from([0, 1, None]))), day(draw(DAYS))) for _ in range(3)]
    options = [(*draw(st.sampled_from(keys)), draw(NUMBERS), draw(st.sampled_from(["C", "P", "X"]))) for _ in range(6)]
    known = [(*key, draw(NUMBERS), draw(NUMBERS), draw(st.sampled_from([0.0, 0.04, np.nan]))) for key in keys]
    points = [(*draw(st.sampled_from(keys)), draw(NUMBERS), draw(NUMBERS)) for _ in range(8)]
    dates = {"trade_date": "datetime64[us]", "expiry_date": "datetime64[us]"}
    names = list(dates)
    return (
        pd.DataFrame(options, columns=[*names, "strike_pts", "right"]).astype(dates),
        pd.DataFrame(known, columns=[*names, "future_pts", "vvix_pts", "bill_discount_rate_frac"])
        .drop_duplicates(names)
        .astype(dates),
        pd.DataFrame(points, columns=[*names, "strike_pts", "implied_vol_frac"])
        .assign(is_out_of_the_money=True)
        .astype(dates),
    )


@SLOW
@given(data=frames())
def test_any_frame_is_priced_or_told_why_not(data: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    positions, market, quotes = data
    priced = price_options(positions, market, quotes=quotes)
    is_ok = priced["status"] == "ok"
    assert len(priced) == len(positions)
    assert (priced["price_pts"].notna() == is_ok).all()
    assert (priced["vol_source"].notna() == is_ok).all()
    good = priced[is_ok]
    assert (good["price_low_pts"] <= good["price_pts"] * (1 + 1e-12) + 1e-12).all()
    assert (good["price_pts"] <= good["price_high_pts"] * (1 + 1e-12) + 1e-12).all()
    ceiling = np.where(good["right"] == "C", good["future_pts"], good["strike_pts"]) * good["discount_frac"]
    assert (good["price_high_pts"] <= ceiling * (1 + 1e-12)).all()


def model_calls(future: float, vvix: float, days: int, exponent: float, skew: float) -> np.ndarray:
    shape = Shape(np.array([exponent]), np.array([skew]), np.array([1.0]))
    years = compute_years_to_settlement(np.array([float(days)]))
    level = compute_model_level(vvix, days, shape, DEFAULT_PRICING_RULES)
    sigma = compute_skewed_volatility(level, future, STRIKES, years, skew, DEFAULT_PRICING_RULES)
    return compute_black76_price(future, STRIKES, years, sigma, 1.0, True)


@QUICK
@given(future=FUTURES, vvix=VVIX, days=st.integers(1, 365), exponent=st.floats(0.3, 0.5), skew=st.floats(0.0, 1.5))
def test_model_calls_fall_with_the_strike(future: float, vvix: float, days: int, exponent: float, skew: float) -> None:
    falls = -np.diff(model_calls(future, vvix, days, exponent, skew))
    assert (falls >= -1e-9).all()
    assert (falls <= np.diff(STRIKES) + 1e-9).all()


@QUICK
@given(future=FUTURES, vvix=VVIX, days=st.integers(1, 365), exponent=st.floats(0.3, 0.5), skew=st.floats(0.0, 1.5))
def test_model_has_no_butterfly_for_free(future: float, vvix: float, days: int, exponent: float, skew: float) -> None:
    slopes = np.diff(model_calls(future, vvix, days, exponent, skew)) / np.diff(STRIKES)
    assert (np.diff(slopes) >= -1e-9).all()


@QUICK
@given(
    futures=st.tuples(FUTURES, FUTURES),
    vvix=st.tuples(VVIX, VVIX),
    rates=st.tuples(st.floats(0, 0.08), st.floats(0, 0.08)),
    days=st.tuples(st.integers(2, 300), st.integers(1, 20)),
    strike=st.sampled_from(STRIKES.tolist()),
    right=st.sampled_from("CP"),
)
def test_causes_of_a_move_add_up(
    futures: tuple[float, float],
    vvix: tuple[float, float],
    rates: tuple[float, float],
    days: tuple[int, int],
    strike: float,
    right: str,
) -> None:
    left, passed = days
    dates = [START, START + pd.Timedelta(days=min(passed, left - 1))]
    expiry = START + pd.Timedelta(days=left)
    market = pd.DataFrame(
        {
            "trade_date": dates,
            "expiry_date": expiry,
            "future_pts": futures,
            "vvix_pts": vvix,
            "bill_discount_rate_frac": rates,
        }
    )
    positions = market[["trade_date", "expiry_date"]].assign(strike_pts=strike, right=right)
    priced = price_options(positions, market)
    moves = attribute_moves(priced.iloc[:1], priced.iloc[1:]).iloc[0]
    pieces = moves[["theta_pts", "future_move_pts", "volatility_move_pts", "rate_move_pts"]].sum()
    # To the cent of a thousand contracts and far beyond: what is left is the rounding of the last digit.
    assert abs(pieces - moves["total_pts"]) <= 1e-12
    assert moves["total_pts"] == priced["price_pts"].iloc[1] - priced["price_pts"].iloc[0]


@QUICK
@given(target=st.floats(10, 100))
def test_nearest_strike_has_no_nearer_one(target: float) -> None:
    found = float(nearest_listed_strike(target, STRIKES))
    assert found in STRIKES
    assert abs(found - target) == np.abs(STRIKES - target).min()
