"""Black-76: values, sensitivities, and the way back from a price to its volatility."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.options import black76
from transforms.options.black76 import (
    compute_black76_delta,
    compute_black76_price,
    compute_black76_vega,
    compute_implied_volatility,
)

# Hull, Options, Futures and Other Derivatives, example of Black's model: a put on a future of 20 struck at 20,
# four months, 25% volatility, 9% rate.
HULL_PUT = 1.1166
HULL = (20.0, 20.0, 4 / 12, 0.25, np.exp(-0.09 * 4 / 12))

FORWARD, MONEYNESS, YEARS, VOLATILITY = np.meshgrid(
    [9.5, 18.1, 82.7], np.linspace(-1.0, 2.0, 31), [1 / 365, 0.1, 0.8], [0.2, 0.75, 2.5]
)
STRIKE = FORWARD * np.exp(MONEYNESS)
DISCOUNT = np.exp(-0.04 * YEARS)
IS_OUT_CALL = STRIKE > FORWARD


def test_price_is_that_of_the_textbook() -> None:
    assert compute_black76_price(*HULL, False) == pytest.approx(HULL_PUT, abs=5e-5)


def test_price_keeps_put_call_parity() -> None:
    terms = (FORWARD, STRIKE, YEARS, VOLATILITY, DISCOUNT)
    gap = compute_black76_price(*terms, True) - compute_black76_price(*terms, False)
    np.testing.assert_allclose(gap, DISCOUNT * (FORWARD - STRIKE), atol=1e-12 * STRIKE.max())


@pytest.mark.parametrize(("years", "volatility"), [(0.0, 0.8), (0.5, 0.0)])
def test_price_without_time_or_volatility_is_intrinsic(years: float, volatility: float) -> None:
    values = compute_black76_price(20.0, [15.0, 20.0, 25.0], years, volatility, 0.99, True)
    np.testing.assert_allclose(values, [0.99 * 5, 0, 0], atol=1e-15)


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_price_outside_the_range_is_nan(position: int, bad: float) -> None:
    terms = [20.0, 20.0, 0.5, 0.8, 0.99]
    terms[position] = bad
    assert np.isnan(compute_black76_price(*terms, True))


def test_delta_is_the_slope_of_the_price() -> None:
    step = 1e-5
    for is_call in (True, False):
        up = compute_black76_price(18.1 + step, 20.0, 0.1, 0.75, 0.99, is_call)
        down = compute_black76_price(18.1 - step, 20.0, 0.1, 0.75, 0.99, is_call)
        slope = (up - down) / (2 * step)
        assert compute_black76_delta(18.1, 20.0, 0.1, 0.75, 0.99, is_call) == pytest.approx(slope, abs=1e-9)


def test_delta_of_call_and_put_differ_by_the_discount() -> None:
    terms = (FORWARD, STRIKE, YEARS, VOLATILITY, DISCOUNT)
    gap = compute_black76_delta(*terms, True) - compute_black76_delta(*terms, False)
    np.testing.assert_allclose(gap, DISCOUNT, rtol=1e-14)


def test_vega_is_the_slope_in_volatility() -> None:
    step = 1e-5
    up = compute_black76_price(18.1, 20.0, 0.1, 0.75 + step, 0.99, True)
    down = compute_black76_price(18.1, 20.0, 0.1, 0.75 - step, 0.99, True)
    assert compute_black76_vega(18.1, 20.0, 0.1, 0.75, 0.99) == pytest.approx((up - down) / (2 * step), abs=1e-9)


def test_implied_volatility_of_a_price_out_of_the_money_is_the_one_it_was_made_with() -> None:
    price = compute_black76_price(FORWARD, STRIKE, YEARS, VOLATILITY, DISCOUNT, IS_OUT_CALL)
    found = compute_implied_volatility(price, FORWARD, STRIKE, YEARS, DISCOUNT, IS_OUT_CALL)
    # a ten-billionth of a point and more: four hundred standard deviations away there is no price
    is_priced = price > 1e-10
    assert is_priced.mean() > 0.6
    np.testing.assert_allclose(found[is_priced], VOLATILITY[is_priced], rtol=0, atol=1e-10)


def test_implied_volatility_in_the_money_is_that_of_the_partner() -> None:
    strikes = np.arange(12.0, 31.0)
    price = compute_black76_price(20.0, strikes, 0.1, 0.75, 0.99, strikes < 20)
    found = compute_implied_volatility(price, 20.0, strikes, 0.1, 0.99, strikes < 20)
    np.testing.assert_allclose(found, 0.75, atol=1e-10)


@pytest.mark.parametrize(
    ("price", "is_call"),
    [
        (0.0, True),
        (-0.1, True),
        (0.99 * 5, True),  # the intrinsic value and not more
        (0.99 * 5 - 0.01, True),
        (0.99 * 25, True),  # the future itself, discounted
        (30.0, True),
        (0.99 * 20, False),  # the strike itself, discounted
        (np.nan, True),
        (np.inf, True),
    ],
)
def test_implied_volatility_is_nan_where_none_exists(price: float, is_call: bool) -> None:
    assert np.isnan(compute_implied_volatility(price, 25.0, 20.0, 0.1, 0.99, is_call))


@pytest.mark.parametrize("position", range(1, 5))
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_implied_volatility_of_terms_outside_the_range_is_nan(position: int, bad: float) -> None:
    terms = [1.5, 20.0, 20.0, 0.1, 0.99]
    terms[position] = bad
    assert np.isnan(compute_implied_volatility(*terms, True))


def test_implied_volatility_of_one_bad_price_leaves_the_others() -> None:
    found = compute_implied_volatility([1.5, np.nan, 1.5], 20.0, 20.0, 0.1, 0.99, True)
    assert np.isnan(found).tolist() == [False, True, False]


def test_implied_volatility_of_nothing_is_nothing() -> None:
    assert compute_implied_volatility(np.empty((0, 3)), 20.0, 20.0, 0.1, 0.99, True).shape == (0, 3)


def test_implied_volatility_keeps_the_broadcast_shape() -> None:
    assert compute_implied_volatility([[1.0], [2.0]], 20.0, [19.0, 20.0, 21.0], 0.1, 0.99, True).shape == (2, 3)


def test_steps_and_bracketing_search_find_the_same_volatilities(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps are fast, the search always ends."""
    rng = np.random.default_rng(5)
    count = 4_000
    forward, is_call = rng.uniform(5, 80, count), rng.random(count) < 0.5
    strike = forward * np.exp(rng.uniform(-2.5, 2.5, count))
    years, discount = rng.uniform(1 / 365, 2, count), rng.uniform(0.9, 1.0, count)
    volatility = np.exp(rng.uniform(np.log(0.02), np.log(2.5), count))
    price = compute_black76_price(forward, strike, years, volatility, discount, is_call)
    given = (price, forward, strike, years, discount, is_call)
    by_steps = compute_implied_volatility(*given)
    monkeypatch.setattr(black76, "_MOST_STEPS", 0)
    by_search = compute_implied_volatility(*given)
    assert np.isfinite(by_search).sum() > 2_000
    np.testing.assert_array_equal(np.isnan(by_steps), np.isnan(by_search))
    # Both invert the same time value, also where rounding has left little of it in the price.
    np.testing.assert_allclose(by_steps, by_search, rtol=2e-12)
