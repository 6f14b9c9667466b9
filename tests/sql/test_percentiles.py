"""Percentile ranks: point in time, and nothing before a year of history."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from tests.support.bench import ModelBench, sessions_from

COUNT = 300


@pytest.fixture(scope="module")
def made() -> tuple[list[float], list[float], list[tuple[object, ...]]]:
    rng = random.Random(5)  # noqa: S311 - a test's numbers
    days = sessions_from(date(2020, 1, 6), COUNT)
    vix = [round(rng.uniform(10, 40), 1) for _ in days]
    second = [round(rng.uniform(18, 24), 1) for _ in days]
    bench = ModelBench()
    curves: dict[date, dict[date, float | None]] = {
        day: {day + timedelta(days=20): 20.0, day + timedelta(days=48): value}
        for day, value in zip(days, second, strict=True)
    }
    bench.curve(curves, vix=dict(zip(days, vix, strict=True)))
    found = bench.run("mart.daily_term_structure", "trade_date, contango_pctile, vix_pctile")
    bench.close()
    return second, vix, found


def rank(values: list[float], position: int) -> float:
    past = values[: position + 1]
    return sum(value <= past[-1] for value in past) / len(past)


def test_percentile_is_null_before_252_sessions(
    made: tuple[list[float], list[float], list[tuple[object, ...]]],
) -> None:
    assert [row[1:] for row in made[2][:251]] == [(None, None)] * 251


@pytest.mark.parametrize("position", [251, 252, 280, 299])
def test_percentile_ranks_against_the_past_only(
    made: tuple[list[float], list[float], list[tuple[object, ...]]], position: int
) -> None:
    second, vix, found = made
    expected = (rank(second, position), rank(vix, position))
    assert found[position][1:] == pytest.approx(expected)


def test_percentile_of_the_highest_ever_is_one(model_bench: ModelBench) -> None:
    model_bench.set_parameter("percentile_least_sessions", 3)
    days = sessions_from(date(2020, 1, 6), 4)
    curves: dict[date, dict[date, float | None]] = {day: {day + timedelta(days=20): 20.0} for day in days}
    model_bench.curve(curves, vix=dict(zip(days, (15.0, 14.0, 16.0, 13.0), strict=True)))
    found = model_bench.run("mart.daily_term_structure", "trade_date, vix_pctile")
    assert [row[1] for row in found] == [None, None, 1.0, 0.25]
