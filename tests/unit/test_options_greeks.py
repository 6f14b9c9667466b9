"""Black-76 values and sensitivities: against QuantLib, against differences of the price, and at the limits."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import QuantLib

from transforms.options.black76 import (
    compute_black76_delta,
    compute_black76_gamma,
    compute_black76_greeks,
    compute_black76_price,
    compute_black76_theta,
    compute_black76_vega,
)

GRID = np.array(
    list(
        product(
            [9.0, 14.0, 20.0, 35.0, 60.0, 90.0],
            [10.0, 14.5, 20.0, 32.5, 60.0, 100.0, 200.0],
            [1 / 365, 7 / 365, 30 / 365, 0.5, 1.0],
            [0.3, 0.8, 1.5, 3.0],
            [0.0, 0.03, 0.06],
            [1.0, 0.0],
        )
    )
)
FORWARD, STRIKE, YEARS, VOLATILITY, RATE, RIGHT = GRID.T
DISCOUNT = np.exp(-RATE * YEARS)
IS_CALL = RIGHT == 1
TERMS = (FORWARD, STRIKE, YEARS, VOLATILITY, DISCOUNT)
# Where differences of the price still have digits.
NEAR = np.abs(np.log(STRIKE / FORWARD)) < 3 * VOLATILITY * np.sqrt(YEARS)


@pytest.fixture(scope="module")
def by_quantlib() -> dict[str, np.ndarray]:
    rows = []
    for forward, strike, years, volatility, rate, right in GRID:
        payoff = QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if right else QuantLib.Option.Put, strike)
        found = QuantLib.BlackCalculator(payoff, forward, volatility * np.sqrt(years), np.exp(-rate * years))
        theta = found.theta(forward, years) / 365
        rows.append((found.value(), found.deltaForward(), found.gammaForward(), found.vega(years), theta))
    return dict(zip(("price", "delta", "gamma", "vega", "theta"), np.array(rows).T, strict=True))


@pytest.mark.parametrize("name", ["price", "delta", "gamma", "vega", "theta"])
def test_greeks_agree_with_quantlib(name: str, by_quantlib: dict[str, np.ndarray]) -> None:
    found = getattr(compute_black76_greeks(*TERMS, IS_CALL), name)
    np.testing.assert_allclose(found, by_quantlib[name], rtol=0, atol=1e-10)


def test_greeks_together_are_those_one_by_one() -> None:
    found = compute_black76_greeks(*TERMS, IS_CALL)
    np.testing.assert_array_equal(found.price, compute_black76_price(*TERMS, IS_CALL))
    np.testing.assert_array_equal(found.delta, compute_black76_delta(*TERMS, IS_CALL))
    np.testing.assert_array_equal(found.gamma, compute_black76_gamma(*TERMS))
    np.testing.assert_array_equal(found.vega, compute_black76_vega(*TERMS))
    np.testing.assert_array_equal(found.theta, compute_black76_theta(*TERMS, IS_CALL))


def test_delta_is_the_slope_in_the_future() -> None:
    step = 1e-4
    up = compute_black76_price(FORWARD + step, *TERMS[1:], IS_CALL)
    down = compute_black76_price(FORWARD - step, *TERMS[1:], IS_CALL)
    found = compute_black76_delta(*TERMS, IS_CALL)
    np.testing.assert_allclose(found[NEAR], ((up - down) / (2 * step))[NEAR], atol=2e-7)


def test_gamma_is_the_slope_of_the_delta() -> None:
    step = 1e-4
    up = compute_black76_delta(FORWARD + step, *TERMS[1:], IS_CALL)
    down = compute_black76_delta(FORWARD - step, *TERMS[1:], IS_CALL)
    np.testing.assert_allclose(compute_black76_gamma(*TERMS)[NEAR], ((up - down) / (2 * step))[NEAR], atol=2e-6)


def test_vega_is_the_slope_in_volatility() -> None:
    step = 1e-5
    up = compute_black76_price(*TERMS[:3], VOLATILITY + step, DISCOUNT, IS_CALL)
    down = compute_black76_price(*TERMS[:3], VOLATILITY - step, DISCOUNT, IS_CALL)
    np.testing.assert_allclose(compute_black76_vega(*TERMS)[NEAR], ((up - down) / (2 * step))[NEAR], atol=1e-7)


def test_theta_is_the_slope_in_time_that_passes() -> None:
    step = YEARS * 1e-5
    later, earlier = YEARS - step, YEARS + step
    gain = compute_black76_price(FORWARD, STRIKE, later, VOLATILITY, np.exp(-RATE * later), IS_CALL)
    gain -= compute_black76_price(FORWARD, STRIKE, earlier, VOLATILITY, np.exp(-RATE * earlier), IS_CALL)
    found = compute_black76_theta(*TERMS, IS_CALL)
    np.testing.assert_allclose(found[NEAR], (gain / (2 * step) / 365)[NEAR], atol=1e-7)


def test_theta_of_a_day_is_about_the_loss_of_a_day() -> None:
    discount = np.exp(-0.04 * np.array([0.25, 0.25 - 1 / 365]))
    first, second = compute_black76_price(20.0, 25.0, [0.25, 0.25 - 1 / 365], 0.9, discount, True)
    assert compute_black76_theta(20.0, 25.0, 0.25, 0.9, discount[0], True) == pytest.approx(second - first, rel=0.01)


def test_thetas_of_call_and_put_differ_by_the_interest_on_the_difference() -> None:
    gap = compute_black76_theta(*TERMS, True) - compute_black76_theta(*TERMS, False)
    np.testing.assert_allclose(gap, RATE * DISCOUNT * (FORWARD - STRIKE) / 365, atol=1e-12)


@pytest.mark.parametrize(("years", "volatility"), [(1e-12, 0.9), (0.5, 1e-9)])
def test_price_comes_to_the_intrinsic_value(years: float, volatility: float) -> None:
    strikes = np.array([15.0, 25.0])
    found = compute_black76_greeks(20.0, strikes, years, volatility, 1.0, True)
    np.testing.assert_allclose(found.price, [5.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(found.delta, [1.0, 0.0], atol=1e-9)
    np.testing.assert_allclose([found.gamma, found.vega, found.theta], 0.0, atol=1e-9)


def test_gamma_and_theta_with_no_time_left_are_nothing_away_from_the_money() -> None:
    found = compute_black76_greeks(20.0, [15.0, 20.0, 25.0], 0.0, 0.9, 1.0, True)
    np.testing.assert_array_equal(found.gamma, [0.0, np.nan, 0.0])
    np.testing.assert_array_equal(found.theta, [0.0, np.nan, 0.0])
    np.testing.assert_array_equal(found.vega, [0.0, 0.0, 0.0])


def test_deep_in_the_money_is_the_discounted_future() -> None:
    found = compute_black76_greeks(90.0, 1e-6, 0.1, 0.9, 0.99, True)
    assert found.price == pytest.approx(0.99 * (90.0 - 1e-6), abs=1e-10)
    assert found.delta == pytest.approx(0.99, abs=1e-12)


def test_deep_out_of_the_money_is_nothing_and_never_negative() -> None:
    found = compute_black76_greeks(9.0, [200.0, 1e6], 1 / 365, 0.3, 0.99, True)
    assert (found.price >= 0).all()
    np.testing.assert_allclose([found.price, found.delta, found.gamma, found.vega], 0.0, atol=1e-12)


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_greeks_outside_the_range_are_nan(position: int, bad: float) -> None:
    terms = [20.0, 20.0, 0.5, 0.8, 0.99]
    terms[position] = bad
    assert np.isnan(compute_black76_greeks(*terms, True)).all()


def test_greeks_keep_the_broadcast_shape() -> None:
    found = compute_black76_greeks([[20.0], [30.0]], [10.0, 20.0, 30.0], 0.1, 0.9, 0.99, True)
    assert {values.shape for values in found} == {(2, 3)}
