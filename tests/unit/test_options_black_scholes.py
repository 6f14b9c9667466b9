"""European index options: against a textbook, QuantLib, differences of the price, and at the limits."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import QuantLib

from transforms.options.black_scholes import (
    compute_black_scholes_greeks,
    compute_black_scholes_price,
    compute_index_forward,
)

# Hull, Options, Futures and Other Derivatives: stock 42, strike 40, six months, 20% volatility, 10% rate.
HULL = (42.0, 40.0, 0.5, 0.2, 0.10, 0.0)
HULL_CALL, HULL_PUT = 4.76, 0.81

DAYS = (1, 7, 30, 90, 365)
GRID = np.array(
    list(
        product([5000.0], [3500.0, 4500.0, 4950.0, 5000.0, 5200.0, 6500.0], DAYS, [0.08, 0.2, 0.8], [0.0, 0.06], [0, 1])
    )
)
SPOT, STRIKE, DAY, VOLATILITY, RATE, RIGHT = GRID.T
YEARS, IS_CALL, DIVIDEND = DAY / 365, RIGHT == 1, 0.015
TERMS = (SPOT, STRIKE, YEARS, VOLATILITY, RATE, DIVIDEND)


@pytest.fixture(scope="module")
def by_quantlib() -> dict[str, np.ndarray]:
    today = QuantLib.Date(15, 9, 2025)
    QuantLib.Settings.instance().evaluationDate = today
    counter, calendar = QuantLib.Actual365Fixed(), QuantLib.NullCalendar()
    rows = []
    for spot, strike, days, volatility, rate, right in GRID:
        process = QuantLib.BlackScholesMertonProcess(
            QuantLib.QuoteHandle(QuantLib.SimpleQuote(spot)),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, DIVIDEND, counter)),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, rate, counter)),
            QuantLib.BlackVolTermStructureHandle(QuantLib.BlackConstantVol(today, calendar, volatility, counter)),
        )
        option = QuantLib.VanillaOption(
            QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if right else QuantLib.Option.Put, strike),
            QuantLib.EuropeanExercise(today + int(days)),
        )
        option.setPricingEngine(QuantLib.AnalyticEuropeanEngine(process))
        rows.append((option.NPV(), option.delta(), option.gamma(), option.vega(), option.theta() / 365))
    return dict(zip(("price", "delta", "gamma", "vega", "theta"), np.array(rows).T, strict=True))


@pytest.mark.parametrize("name", ["price", "delta", "gamma", "vega", "theta"])
def test_index_options_agree_with_quantlib(name: str, by_quantlib: dict[str, np.ndarray]) -> None:
    found = getattr(compute_black_scholes_greeks(*TERMS, IS_CALL), name)
    # An index of thousands of points: ten digits of its size.
    np.testing.assert_allclose(found, by_quantlib[name], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("is_call", "value"), [(True, HULL_CALL), (False, HULL_PUT)])
def test_index_option_is_worth_what_the_textbook_says(is_call: bool, value: float) -> None:
    assert compute_black_scholes_price(*HULL, is_call) == pytest.approx(value, abs=5e-3)


def test_index_options_keep_put_call_parity() -> None:
    gap = compute_black_scholes_price(*TERMS, True) - compute_black_scholes_price(*TERMS, False)
    expected = SPOT * np.exp(-DIVIDEND * YEARS) - STRIKE * np.exp(-RATE * YEARS)
    np.testing.assert_allclose(gap, expected, atol=1e-9)


@pytest.mark.parametrize(("name", "moved", "step"), [("delta", 0, 1e-2), ("vega", 3, 1e-5)])
def test_index_sensitivities_are_slopes(name: str, moved: int, step: float) -> None:
    up, down = list(TERMS), list(TERMS)
    up[moved], down[moved] = TERMS[moved] + step, TERMS[moved] - step
    slope = compute_black_scholes_price(*up, IS_CALL) - compute_black_scholes_price(*down, IS_CALL)
    found = getattr(compute_black_scholes_greeks(*TERMS, IS_CALL), name)
    np.testing.assert_allclose(found, slope / (2 * step), rtol=1e-5, atol=1e-4)


def test_index_theta_is_the_slope_in_time_that_passes() -> None:
    step = YEARS * 1e-5
    later, earlier = list(TERMS), list(TERMS)
    later[2], earlier[2] = YEARS - step, YEARS + step
    gain = compute_black_scholes_price(*later, IS_CALL) - compute_black_scholes_price(*earlier, IS_CALL)
    found = compute_black_scholes_greeks(*TERMS, IS_CALL).theta
    np.testing.assert_allclose(found, gain / (2 * step) / 365, rtol=1e-5, atol=1e-5)


def test_index_option_without_time_is_intrinsic() -> None:
    found = compute_black_scholes_price(5000.0, [4900.0, 5000.0, 5100.0], 0.0, 0.2, 0.05, 0.015, True)
    np.testing.assert_array_equal(found, [100.0, 0.0, 0.0])


def test_index_option_without_volatility_is_worth_its_forward_intrinsic() -> None:
    forward = compute_index_forward(5000.0, 0.5, 0.05, 0.015)
    found = compute_black_scholes_price(5000.0, 4900.0, 0.5, 0.0, 0.05, 0.015, True)
    assert found == pytest.approx(np.exp(-0.05 * 0.5) * (forward - 4900.0), abs=1e-9)


def test_index_forward_grows_by_rate_less_yield() -> None:
    assert compute_index_forward(5000.0, 1.0, 0.05, 0.015) == pytest.approx(5000 * np.exp(0.035), abs=1e-9)


@pytest.mark.parametrize("position", range(6))
def test_index_option_with_a_missing_input_has_no_value(position: int) -> None:
    terms = [5000.0, 4900.0, 0.5, 0.2, 0.05, 0.015]
    terms[position] = np.nan
    assert np.isnan(compute_black_scholes_greeks(*terms, True)).all()


@pytest.mark.parametrize("position", range(4))
def test_index_option_with_a_negative_input_has_no_value(position: int) -> None:
    terms = [5000.0, 4900.0, 0.5, 0.2, 0.05, 0.015]
    terms[position] = -1.0
    assert np.isnan(compute_black_scholes_price(*terms, True))
