"""The curve's formulas against numbers worked by hand."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from tests.support.bench import ModelBench

MODEL = "mart.daily_term_structure"
DAY = date(2025, 1, 6)

CONTANGO_ORACLE = (18.50, 20.10, 0.0865)
"""Methodology, section 2."""


def expiries(*days: int) -> list[date]:
    return [DAY + timedelta(days=number) for number in days]


def curve(*points: tuple[int, float | None]) -> dict[date, dict[date, float | None]]:
    return {DAY: {DAY + timedelta(days=days): settle for days, settle in points}}


def one(bench: ModelBench, columns: str) -> tuple[object, ...]:
    (row,) = bench.run(MODEL, columns)
    return row


def test_contango_is_the_second_month_over_the_first(model_bench: ModelBench) -> None:
    front, second, expected = CONTANGO_ORACLE
    model_bench.curve(curve((10, front), (40, second)))
    assert one(model_bench, "round(contango_frac, 4)") == (expected,)


def test_contango_4_7_is_the_seventh_month_over_the_fourth(model_bench: ModelBench) -> None:
    model_bench.curve(curve(*((30 * number, 20.0 + number) for number in range(1, 8))))
    assert one(model_bench, "contango_4_7_frac") == (pytest.approx(27 / 24 - 1),)


def test_every_rank_has_its_settle_and_expiry(model_bench: ModelBench) -> None:
    model_bench.curve(curve(*((30 * number, 20.0 + number) for number in range(1, 11))))
    found = one(model_bench, ", ".join(f"vx{rank}_settle_pts, vx{rank}_expiry_date" for rank in range(1, 10)))
    expected = [(20.0 + rank, DAY + timedelta(days=30 * rank)) for rank in range(1, 10)]
    assert found == tuple(item for pair in expected for item in pair)


def test_basis_is_the_front_month_over_the_vix(model_bench: ModelBench) -> None:
    model_bench.curve(curve((10, 18.0), (40, 19.0)), vix={DAY: 16.0})
    assert one(model_bench, "basis_frac") == (0.125,)


def test_measures_against_the_vix_are_null_without_it(model_bench: ModelBench) -> None:
    model_bench.curve(curve((10, 18.0), (45, 19.0)), vix={DAY - timedelta(days=1): 16.0})
    columns = "vix_close_pts, basis_frac, daily_roll_pts, vix_vix3m_ratio, roll_down_front_frac, vol_level"
    assert one(model_bench, columns) == (None,) * 6


def test_vix_ratio_is_of_one_session(model_bench: ModelBench) -> None:
    model_bench.curve(curve((10, 18.0)), vix={DAY: 18.0}, vix3m={DAY: 20.0})
    assert one(model_bench, "vix_vix3m_ratio") == (0.9,)


def test_vix_ratio_never_mixes_dates(model_bench: ModelBench) -> None:
    model_bench.curve(curve((10, 18.0)), vix={DAY: 18.0}, vix3m={DAY - timedelta(days=3): 20.0})
    assert one(model_bench, "vix_vix3m_ratio") == (None,)


@pytest.mark.parametrize(("left", "expected"), [(10, (18.0 - 16.0) / 10), (9, (19.0 - 16.0) / 29), (12, 2.0 / 12)])
def test_daily_roll_takes_the_first_month_with_ten_trading_days_left(
    model_bench: ModelBench, left: int, expected: float
) -> None:
    near, far = expiries(14, 42)
    model_bench.curve({DAY: {near: 18.0, far: 19.0}}, vix={DAY: 16.0}, trading_days={(DAY, near): left, (DAY, far): 29})
    assert one(model_bench, "daily_roll_pts") == (pytest.approx(expected),)


def test_daily_roll_of_a_month_without_settlement_is_null(model_bench: ModelBench) -> None:
    model_bench.curve(curve((20, None), (48, 19.0)), vix={DAY: 16.0})
    assert one(model_bench, "daily_roll_pts") == (None,)


@pytest.mark.parametrize("days", [30, 60, 90])
def test_constant_maturity_hit_exactly_is_that_settlement(model_bench: ModelBench, days: int) -> None:
    model_bench.curve(curve((days - 25, 15.0), (days, 18.0), (days + 28, 30.0)))
    assert one(model_bench, f"cm{days}_pts") == (18.0,)


@pytest.mark.parametrize("days", [30, 60, 90])
def test_constant_maturity_weights_the_nearer_by_the_days_to_the_later(model_bench: ModelBench, days: int) -> None:
    # 7 days before and 21 after: 21/28 of the nearer, 7/28 of the later
    model_bench.curve(curve((days - 7, 16.0), (days + 21, 20.0)))
    assert one(model_bench, f"cm{days}_pts") == (17.0,)


@pytest.mark.parametrize("points", [[(31, 16.0), (61, 20.0)], [(5, 16.0), (29, 20.0)], [(29, 16.0)]])
def test_constant_maturity_outside_the_listed_range_is_null(
    model_bench: ModelBench, points: list[tuple[int, float]]
) -> None:
    model_bench.curve(curve(*points))
    assert one(model_bench, "cm30_pts") == (None,)


def test_constant_maturity_next_to_a_missing_settlement_is_null(model_bench: ModelBench) -> None:
    model_bench.curve(curve((10, 16.0), (40, None), (68, 20.0), (96, 21.0)))
    assert one(model_bench, "cm30_pts, cm60_pts, cm90_pts") == (None, None, pytest.approx(20 + 22 / 28))


def test_slope_and_roll_downs_follow_from_the_maturities(model_bench: ModelBench) -> None:
    model_bench.curve(curve((30, 18.0), (60, 20.0)), vix={DAY: 16.2})
    found = one(model_bench, "cm_slope_log, roll_down_front_frac, roll_down_second_frac")
    assert found == (pytest.approx(math.log(20 / 18)), pytest.approx(-0.1), pytest.approx(-0.1))


@pytest.mark.parametrize(
    ("vix", "level"),
    [
        (14.99, "<15"),
        (15.0, "15-20"),
        (19.99, "15-20"),
        (20.0, "20-25"),
        (24.99, "20-25"),
        (25.0, "25-30"),
        (29.99, "25-30"),
        (30.0, ">=30"),
        (82.69, ">=30"),
    ],
)
def test_vol_level_takes_its_lower_edge(model_bench: ModelBench, vix: float, level: str) -> None:
    model_bench.curve(curve((10, 18.0)), vix={DAY: vix})
    assert one(model_bench, "vol_level") == (level,)


@pytest.mark.parametrize(
    ("second", "state"),
    [
        (99.99, "backwardation"),
        (100, "flat"),
        (102.99, "flat"),
        (103.01, "contango"),
        (107.99, "contango"),
        (108.01, "steep"),
    ],
)
def test_curve_state_takes_its_lower_edge(model_bench: ModelBench, second: float, state: str) -> None:
    model_bench.curve(curve((10, 100.0), (40, second)))
    assert one(model_bench, "curve_state") == (state,)


def test_curve_of_one_month_has_no_state(model_bench: ModelBench) -> None:
    model_bench.curve(curve((10, 18.0)))
    columns = "contango_frac, curve_state, curve_regime, days_in_regime, contango_pctile"
    assert one(model_bench, columns) == (None,) * 5
