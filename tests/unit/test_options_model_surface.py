"""The volatility model: its formula, its bounds, and the smile's points."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from transforms.options.model_surface import (
    DEFAULT_PRICING_RULES,
    PricingRules,
    build_pricing_rules,
    build_smile_points,
    compute_model_level,
    compute_skewed_volatility,
    default_shape,
    interpolate_smile,
    match_calibrations,
)

PARAMETERS = Path(__file__).resolve().parents[2] / "transforms" / "parameters.toml"
RULES = DEFAULT_PRICING_RULES
POINTS = build_smile_points([0, 0, 0, 2], [25.0, 16.0, 20.0, 30.0], [1.1, 0.8, 0.9, 0.7])


def level(vvix: float, days: float, rules: PricingRules = RULES) -> float:
    return float(compute_model_level(vvix, days, default_shape(rules, 1), rules)[0])


def days_of(*texts: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(texts)).astype("datetime64[us]"))


def calibrations(**columns: object) -> pd.DataFrame:
    frame = pd.DataFrame({"used_from_date": days_of("2025-01-06", "2025-01-13"), **columns})
    return frame.assign(**{name: frame.get(name, 0.4) for name in ("term_exponent", "skew_ratio")})


def test_rules_are_the_parameters_of_the_file() -> None:
    held = tomllib.loads(PARAMETERS.read_text(encoding="utf-8"))
    assert build_pricing_rules({name: entry["value"] for name, entry in held.items()}) == PricingRules()


def test_rules_without_a_parameter_are_refused() -> None:
    numbers = {field.name: 1.0 for field in fields(PricingRules)}
    del numbers["option_skew_ratio"]
    with pytest.raises(KeyError, match="option_skew_ratio"):
        build_pricing_rules(numbers)


def test_level_at_thirty_days_is_vvix() -> None:
    assert level(92.0, 30) == pytest.approx(0.92)


def test_level_falls_with_time_by_the_exponent() -> None:
    assert level(90.0, 120) == pytest.approx(0.9 * 0.25**0.4, rel=1e-15)


def test_level_of_fewer_days_than_the_least_is_that_of_the_least() -> None:
    assert level(90.0, 2) == level(90.0, 7) == pytest.approx(0.9 * (30 / 7) ** 0.4)


@pytest.mark.parametrize("vvix", [np.nan, 0.0, -90.0, np.inf])
def test_level_without_a_vvix_is_nan(vvix: float) -> None:
    assert np.isnan(level(vvix, 30))


def test_skew_is_linear_in_log_moneyness() -> None:
    strikes = 20 * np.exp([-0.4, 0.0, 0.2, 0.4])
    found = compute_skewed_volatility(0.9, 20.0, strikes, 0.08, 0.5, RULES)
    np.testing.assert_allclose(found, 0.9 * np.array([0.8, 1.0, 1.1, 1.2]), rtol=1e-14)


def test_skew_fades_beyond_its_reach_without_a_corner() -> None:
    away = np.array([0.999999, 1.000001, 2.0, 50.0])
    found = compute_skewed_volatility(0.9, 20.0, 20 * np.exp(away), 0.08, 0.5, RULES) / 0.9
    assert (found[1] - found[0]) / 2e-6 == pytest.approx(0.5, abs=1e-5)
    assert found[2] == pytest.approx(1 + 0.5 * (2 - np.exp(-1)))
    assert found[3] == pytest.approx(2.0)


def test_skew_is_bounded_in_total_volatility() -> None:
    # 1.5 x 2.0 x sqrt(0.25) = 1.5 a unit of ln K would be too steep; 0.25 is allowed.
    found = compute_skewed_volatility(2.0, 20.0, 20 * np.exp(0.5), 0.25, 1.5, RULES)
    assert found == pytest.approx(2.0 + 0.25 / 0.5 * 0.5)


def test_volatility_of_low_strikes_keeps_its_least_share() -> None:
    assert compute_skewed_volatility(0.5, 20.0, 8.0, 0.02, 1.5, RULES) == pytest.approx(0.125)


@pytest.mark.parametrize("terms", [(np.nan, 20.0, 20.0), (0.9, 0.0, 20.0), (0.9, 20.0, -1.0), (0.9, np.nan, 20.0)])
def test_volatility_without_an_input_is_nan(terms: tuple[float, float, float]) -> None:
    assert np.isnan(compute_skewed_volatility(*terms, 0.1, 0.5, RULES))


def test_calibration_in_use_is_the_newest_from_then_or_before() -> None:
    dates = days_of("2025-01-03", "2025-01-06", "2025-01-10", "2025-01-13", "2025-02-01")
    shape, is_calibrated = match_calibrations(dates, calibrations(term_exponent=[0.35, 0.45]), RULES)
    assert shape.term_exponent.tolist() == [0.4, 0.35, 0.35, 0.45, 0.45]
    assert is_calibrated.tolist() == [False, True, True, True, True]


def test_calibration_is_held_in_the_bounds() -> None:
    table = calibrations(term_exponent=[0.1, 0.9], skew_ratio=[-1.0, 9.0])
    shape, _ = match_calibrations(days_of("2025-01-06", "2025-01-13"), table, RULES)
    assert shape.term_exponent.tolist() == [0.3, 0.5]
    assert shape.skew_ratio.tolist() == [0.0, 1.5]


def test_calibration_with_a_missing_number_is_passed_over() -> None:
    shape, _ = match_calibrations(days_of("2025-01-14"), calibrations(term_exponent=[0.35, np.nan]), RULES)
    assert shape.term_exponent.tolist() == [0.35]


def test_calibrated_level_moves_the_whole_curve() -> None:
    table = calibrations(level_ratio=[0.8, 0.8])
    shape, _ = match_calibrations(days_of("2025-01-14"), table, RULES)
    assert compute_model_level(90.0, 30, shape, RULES) == pytest.approx(0.72)


@pytest.mark.parametrize("table", [None, pd.DataFrame(columns=["used_from_date", "term_exponent", "skew_ratio"])])
def test_without_calibrations_the_shape_is_the_default(table: pd.DataFrame | None) -> None:
    shape, is_calibrated = match_calibrations(days_of("2025-01-14"), table, RULES)
    assert (shape.term_exponent[0], shape.skew_ratio[0], is_calibrated[0]) == (0.4, 0.5, False)


def test_smile_at_a_point_is_the_point() -> None:
    found = interpolate_smile(POINTS, [0, 0, 2], [16.0, 20.0, 30.0])
    assert found.volatility.tolist() == [0.8, 0.9, 0.7]


def test_smile_between_points_is_linear_in_log_strike() -> None:
    found = interpolate_smile(POINTS, [0], [np.sqrt(20.0 * 25.0)])
    assert found.volatility == pytest.approx([1.0])
    assert found.gap_log == pytest.approx([np.log(1.25)])


def test_smile_beyond_its_ends_names_the_end() -> None:
    found = interpolate_smile(POINTS, [0, 0, 2], [10.0, 40.0, 31.0])
    assert found.volatility.tolist() == [0.8, 1.1, 0.7]
    assert found.end_strike.tolist() == [16.0, 25.0, 30.0]


@pytest.mark.parametrize("group", [-1, 1, 3])
def test_smile_without_points_is_nan(group: int) -> None:
    found = interpolate_smile(POINTS, [group], [20.0])
    assert np.isnan([found.volatility[0], found.end_strike[0], found.gap_log[0]]).all()


def test_smile_points_that_say_nothing_are_left_out() -> None:
    points = build_smile_points([0, 0, 0, -1], [20.0, 21.0, np.nan, 22.0], [0.9, np.nan, 0.9, 0.9])
    assert points.strike.tolist() == [20.0]


def test_smile_points_of_one_strike_are_averaged() -> None:
    assert build_smile_points([0, 0], [20.0, 20.0], [0.8, 1.0]).volatility == pytest.approx([0.9])


@pytest.mark.parametrize("exponent", [0.3, 0.4, 0.5])
def test_total_variance_at_the_money_does_not_fall_with_time(exponent: float) -> None:
    rules = replace(RULES, option_term_exponent=exponent)
    days = np.arange(1, 400)
    sigma = compute_model_level(90.0, days, default_shape(rules, len(days)), rules)
    assert (np.diff(sigma**2 * days) >= -1e-12).all()
