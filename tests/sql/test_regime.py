"""The regime with hysteresis, case by case; random paths are in tests/property."""

from __future__ import annotations

import pytest

from tests.support.bench import ModelBench
from tests.support.regime import run_regimes

B, F, C, S = "backwardation", "flat", "contango", "steep"


@pytest.mark.parametrize(
    ("path", "regimes"),
    [
        ([-0.001], [B]),
        ([0.0], [F]),
        ([0.05], [C]),
        ([0.09], [S]),
    ],
    ids=["backwardation", "flat", "contango", "steep"],
)
def test_first_regime_is_the_raw_state(model_bench: ModelBench, path: list[float], regimes: list[str]) -> None:
    assert run_regimes(model_bench, path) == [(regimes[0], 1)]


def regimes_of(bench: ModelBench, path: list[float | None]) -> list[str | None]:
    return [regime for regime, _ in run_regimes(bench, path)]


def test_regime_changes_with_the_second_close_beyond_the_band(model_bench: ModelBench) -> None:
    assert regimes_of(model_bench, [0.05, -0.02, -0.02]) == [C, C, B]


def test_regime_stays_after_a_single_close_beyond_the_band(model_bench: ModelBench) -> None:
    assert regimes_of(model_bench, [0.05, -0.02, 0.05, -0.02, 0.05]) == [C] * 5


def test_regime_stays_while_closes_are_within_the_band(model_bench: ModelBench) -> None:
    assert regimes_of(model_bench, [0.05, 0.026, 0.026, 0.026]) == [C] * 4


def test_regime_changes_just_beyond_the_band(model_bench: ModelBench) -> None:
    assert regimes_of(model_bench, [0.05, 0.0249, 0.0249]) == [C, C, F]


def test_regime_returns_only_beyond_the_upper_band(model_bench: ModelBench) -> None:
    path: list[float | None] = [0.02, 0.034, 0.034, 0.036, 0.036]
    assert regimes_of(model_bench, path) == [F, F, F, F, C]


def test_regime_jumps_over_several_edges_at_once(model_bench: ModelBench) -> None:
    assert regimes_of(model_bench, [0.10, -0.05, -0.05]) == [S, S, B]
    assert regimes_of(model_bench, [-0.05, 0.10, 0.10]) == [B, B, S]


def test_regime_jump_crosses_only_edges_that_both_closes_left(model_bench: ModelBench) -> None:
    assert regimes_of(model_bench, [-0.05, 0.02, 0.10, 0.10]) == [B, B, F, S]


def test_session_without_contango_has_no_regime(model_bench: ModelBench) -> None:
    assert run_regimes(model_bench, [0.05, None, 0.05]) == [(C, 1), (None, None), (C, 2)]


def test_session_without_contango_does_not_break_a_row_of_closes(model_bench: ModelBench) -> None:
    assert regimes_of(model_bench, [0.05, -0.02, None, -0.02]) == [C, C, None, B]


def test_days_in_regime_start_anew_with_each_spell(model_bench: ModelBench) -> None:
    path: list[float | None] = [0.05, 0.05, -0.02, -0.02, -0.02, 0.05, 0.05]
    assert [days for _, days in run_regimes(model_bench, path)] == [1, 2, 3, 1, 2, 3, 1]


def test_regime_without_hysteresis_is_the_raw_state(model_bench: ModelBench) -> None:
    model_bench.set_parameter("regime_band_frac", 0.0)
    model_bench.set_parameter("regime_confirm_days", 1)
    assert regimes_of(model_bench, [0.05, -0.02, 0.01, 0.09, 0.05]) == [C, B, F, S, C]


def test_regime_confirmation_follows_its_parameter(model_bench: ModelBench) -> None:
    model_bench.set_parameter("regime_confirm_days", 3)
    assert regimes_of(model_bench, [0.05, -0.02, -0.02, -0.02]) == [C, C, C, B]
