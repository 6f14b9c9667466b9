"""A session of delay: harmless to a slow policy, ruinous to one that knew the next session."""

from __future__ import annotations

import math

import numpy as np
import pytest

from transforms.audit.lag import compare_delay


def market(sessions: int = 2_000) -> np.ndarray:
    return np.random.default_rng(7).normal(0.0, 0.01, sessions)


def test_policy_that_knows_the_next_session_is_suspicious() -> None:
    moves = market()
    peeking = np.abs(moves)  # long before every rise, short before every fall
    late = np.sign(np.concatenate([[0.0], moves[:-1]])) * moves
    found = compare_delay(peeking, late)
    assert found.is_suspicious
    assert found.mean_year_frac == pytest.approx(peeking.mean() * 252)
    assert found.difference_t > 10


def test_slow_policy_is_not_suspicious() -> None:
    moves = market() + 0.001
    held = np.ones(len(moves))
    assert not compare_delay(held * moves, np.concatenate([[0.0], held[:-1]]) * moves).is_suspicious


def test_losing_policy_is_not_suspicious_however_much_it_changes() -> None:
    moves = market()
    assert not compare_delay(-np.abs(moves), moves).is_suspicious


def test_random_policy_is_hardly_ever_suspicious() -> None:
    flagged = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        moves, sides = rng.normal(0, 0.01, 1_000), rng.choice([-1.0, 1.0], 1_001)
        flagged += compare_delay(sides[1:] * moves, sides[:-1] * moves).is_suspicious
    assert flagged <= 4


def test_delay_that_changes_nothing_has_no_t() -> None:
    moves = market()
    found = compare_delay(moves, moves)
    assert math.isnan(found.difference_t)
    assert not found.is_suspicious


def test_series_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        compare_delay(np.zeros(3), np.zeros(4))
