"""Intervals: when there is none, against other implementations, and how often they cover the truth."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from arch.bootstrap import IIDBootstrap
from scipy import stats

from transforms.audit import Resampling, bootstrap_mean, bootstrap_ratio, bootstrap_sessions, bootstrap_signed_ratio
from transforms.audit.bootstrap import estimate_block_length

Floats = npt.NDArray[np.float64]

QUICK = Resampling(seed=7, reps=499)


def draw_ar1(seed: int, count: int, persistence: float, mean: float) -> Floats:
    shocks = np.random.default_rng(seed).normal(size=count)
    values = np.empty(count)
    values[0] = shocks[0] / math.sqrt(1 - persistence**2)
    for day in range(1, count):
        values[day] = persistence * values[day - 1] + shocks[day]
    return values + mean


def draw_episodes(seed: int, count: int, shape: str) -> tuple[Floats, Floats]:
    """P&L of mean 0 and sessions of episodes: many short, few long, as high VIX has them."""
    random = np.random.default_rng(seed)
    sessions = random.geometric(0.3, count).astype(np.float64)
    unit = {
        "normal": lambda: random.normal(size=count),
        "long volatility": lambda: random.exponential(size=count) - 1,
        "short volatility": lambda: 1 - random.exponential(size=count),
    }[shape]()
    return unit * np.sqrt(sessions), sessions


@pytest.mark.parametrize("values", [[], [3.0]])
def test_fewer_than_two_episodes_have_no_interval(values: list[float]) -> None:
    estimate = bootstrap_mean(np.array(values), QUICK)
    assert not estimate.has_interval
    assert estimate.note
    assert estimate.method == "none"


def test_no_spread_is_no_interval_of_width_zero() -> None:
    estimate = bootstrap_mean(np.full(20, 0.3), QUICK)
    assert estimate.value == pytest.approx(0.3)
    assert math.isnan(estimate.low_80)
    assert "no spread" in estimate.note


def test_episodes_in_which_nothing_was_held_count_for_nothing() -> None:
    held, sessions = np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])
    idle = np.zeros(50)
    alone = bootstrap_ratio(held, sessions, QUICK)
    assert bootstrap_ratio(np.concatenate([held, idle]), np.concatenate([sessions, idle]), QUICK) == alone
    assert alone.count == 3


def test_no_denominator_is_undefined() -> None:
    assert math.isnan(bootstrap_ratio(np.zeros(5), np.zeros(5), QUICK).value)


def test_not_finite_values_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        bootstrap_mean(np.array([1.0, np.nan]), QUICK)
    with pytest.raises(ValueError, match="finite"):
        bootstrap_sessions(np.full((100, 1), np.inf), lambda drawn: float(drawn.mean()), QUICK)
    with pytest.raises(ValueError, match="denominators"):
        bootstrap_ratio(np.ones(3), np.array([1.0, -1.0, 1.0]), QUICK)
    with pytest.raises(ValueError, match="200"):
        Resampling(reps=199)


def test_seed_and_method_are_recorded_and_decide_the_interval() -> None:
    x, d = draw_episodes(1, 30, "normal")
    first, again = bootstrap_ratio(x, d, QUICK), bootstrap_ratio(x, d, QUICK)
    other = bootstrap_ratio(x, d, Resampling(seed=8, reps=499))
    assert first == again
    assert (first.low_80, first.high_80) != (other.low_80, other.high_80)
    assert (first.seed, first.reps, first.method) == (7, 499, "studentised bootstrap")
    assert first.low_95 < first.low_80 < first.value < first.high_80 < first.high_95


def test_studentised_interval_agrees_with_arch() -> None:
    x, d = draw_episodes(3, 40, "long volatility")

    def ratio(x: Floats, d: Floats) -> Floats:
        return np.array([x.sum() / d.sum()])

    def error(estimate: Floats, x: Floats, d: Floats) -> Floats:
        return np.array([math.sqrt(len(x) / (len(x) - 1) * ((x - estimate[0] * d) ** 2).sum()) / d.sum()])

    ours = bootstrap_ratio(x, d, Resampling(seed=5, reps=20_000))
    theirs = IIDBootstrap(x, d, seed=11).conf_int(
        ratio, reps=20_000, method="studentized", size=0.8, std_err_func=error
    )
    width = ours.high_80 - ours.low_80
    assert [ours.low_80, ours.high_80] == pytest.approx(theirs.ravel().tolist(), abs=0.03 * width)


def test_interval_of_many_normal_values_is_the_t_interval() -> None:
    values = np.random.default_rng(2).normal(0.5, 2.0, 400)
    estimate = bootstrap_mean(values, Resampling(reps=20_000))
    expected = stats.t.interval(0.8, 399, values.mean(), stats.sem(values))
    assert [estimate.low_80, estimate.high_80] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("shape", ["normal", "long volatility", "short volatility"])
def test_episode_interval_covers_the_truth_about_as_often_as_it_says(shape: str) -> None:
    covers = above = 0
    for seed in range(400):
        estimate = bootstrap_ratio(*draw_episodes(seed, 30, shape), QUICK)
        covers += estimate.low_80 <= 0 <= estimate.high_80
        above += estimate.low_80 > 0
    assert 0.74 <= covers / 400 <= 0.86
    assert above / 400 <= 0.15


@pytest.mark.parametrize("persistence", [0.0, 0.3, 0.6])
def test_block_interval_covers_the_mean_of_a_persistent_series(persistence: float) -> None:
    covers = 0
    for seed in range(120):
        values = draw_ar1(seed, 600, persistence, 0.2)
        drawn = bootstrap_sessions(
            values[:, None], lambda sample: float(sample.mean()), Resampling(seed=seed, reps=200)
        )
        covers += drawn.low_80 <= 0.2 <= drawn.high_80
    assert 0.70 <= covers / 120 <= 0.90


def test_single_sessions_would_not_cover_a_persistent_series() -> None:
    # what blocks are for: with blocks of one the same intervals miss far too often
    covers = 0
    for seed in range(120):
        values = draw_ar1(seed, 600, 0.6, 0.2)
        drawn = bootstrap_sessions(
            values[:, None], lambda sample: float(sample.mean()), Resampling(seed=seed, reps=200), block_sessions=1.0
        )
        covers += drawn.low_80 <= 0.2 <= drawn.high_80
    assert covers / 120 < 0.65


def test_block_length_grows_with_persistence() -> None:
    lengths = [estimate_block_length(draw_ar1(4, 2_000, one, 0.0)[:, None]) for one in (0.0, 0.5, 0.9)]
    assert lengths == sorted(lengths)
    assert lengths[0] < 5 < lengths[2]
    assert estimate_block_length(np.ones((100, 2))) == 1.0


def test_short_or_still_path_has_no_interval() -> None:
    def mean(drawn: Floats) -> float:
        return float(drawn.mean())

    assert "60 are needed" in bootstrap_sessions(np.arange(59.0)[:, None], mean, QUICK).note
    assert "no spread" in bootstrap_sessions(np.ones((100, 1)), mean, QUICK).note
    assert math.isnan(bootstrap_sessions(np.empty((0, 1)), mean, QUICK).value)


def test_statistic_that_is_often_undefined_has_no_interval() -> None:
    values = np.random.default_rng(0).normal(size=(100, 1))
    estimate = bootstrap_sessions(values, lambda drawn: math.nan if drawn.mean() < 0 else 1.0, QUICK)
    assert "undefined in" in estimate.note
    assert not estimate.has_interval


def test_signed_ratio_is_refused_exactly_where_the_surplus_is() -> None:
    random = np.random.default_rng(9)
    x, d = random.normal(2.0, 1.0, 40), random.normal(1.0, 1.0, 40)
    estimate = bootstrap_signed_ratio(x, d, QUICK)
    assert estimate.value == pytest.approx(x.sum() / d.sum())
    just_inside = bootstrap_mean(x - (estimate.low_80 + 1e-4) * d, QUICK)
    just_outside = bootstrap_mean(x - (estimate.low_80 - 1e-4) * d, QUICK)
    assert just_inside.low_80 <= 0 < just_outside.low_80


def test_signed_ratio_is_the_ratio_where_denominators_are_sure() -> None:
    random = np.random.default_rng(9)
    x, d = random.normal(2.0, 1.0, 400), random.normal(4.0, 0.5, 400)
    signed, plain = bootstrap_signed_ratio(x, d, QUICK), bootstrap_ratio(x, d, QUICK)
    assert [signed.low_80, signed.high_80] == pytest.approx([plain.low_80, plain.high_80], rel=0.02)


def test_signed_ratio_without_a_sure_denominator_has_no_end() -> None:
    random = np.random.default_rng(1)
    x, d = random.normal(5.0, 1.0, 30), random.normal(0.0, 5.0, 30)
    d += 0.05 - d.mean()
    estimate = bootstrap_signed_ratio(x, d, QUICK)
    assert math.isinf(estimate.high_80)
    assert estimate.is_interval_known
    assert not estimate.has_interval
    assert math.isnan(bootstrap_signed_ratio(x, d - 1.0, QUICK).value)
