"""A policy of random signals: over many seeds the audit must not find in it what is not there, and find what is.

Signals are drawn without looking at the market, held for a while, and earn a market whose moves grow with the VIX and
have a mean of 0. Credits and costs are split by sign as in the ledger.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.audit_history import draw_vix, list_sessions, make_history
from tests.support.examples import examples
from transforms.audit import (
    AuditRules,
    PolicyHistory,
    Resampling,
    Verdict,
    assess_hypotheses,
    bootstrap_mean,
    bootstrap_ratio,
    bootstrap_sessions,
    build_episodes,
    build_trials,
    compute_smallest_effect,
)
from transforms.audit.hypotheses import assess_carry

Floats = npt.NDArray[np.float64]

SEEDS = 30
SESSIONS = 1_600
QUICK = examples(40)


def rules(seed: int) -> AuditRules:
    return AuditRules(resampling=Resampling(seed=seed, reps=200))


def draw_policy(seed: int, drift_usd: float = 0.0, sessions_count: int = SESSIONS) -> PolicyHistory:
    random = np.random.default_rng(seed)
    vix = draw_vix(seed + 10_000, sessions_count)
    # a new position every five sessions on average, held from the next one on
    changes = np.concatenate([[0], np.flatnonzero(random.random(sessions_count) < 0.2), [sessions_count]])
    position = np.repeat(random.choice([-1.0, 1.0], len(changes) - 1), np.diff(changes))
    before = np.concatenate([vix[:1], vix[:-1]])
    move = random.standard_t(5, sessions_count) * 60.0 * before
    pnl = position * move + drift_usd
    amounts = {
        "pnl_usd": pnl,
        "roll_usd": random.standard_t(5, sessions_count) * 20.0 * before,
        "credit_kept_usd": np.where(position < 0, pnl, 0.0),
        "protection_cost_usd": np.where(position > 0, -pnl, 0.0),
        "margin_usd": 50_000.0,
        "notional_usd": 100_000.0,
    }
    portfolio = random.standard_t(4, sessions_count) * 120.0 * before
    sessions = {
        "contango_frac": np.where(vix >= 25, -0.03, 0.05) + random.normal(0.0, 0.02, sessions_count),
        "roll_down_front_frac": random.normal(0.0, 0.05, sessions_count),
        "roll_down_second_frac": random.normal(0.0, 0.05, sessions_count),
        "condor_pnl_usd": portfolio,
        "spx_pnl_usd": 2 * portfolio,
    }
    return make_history(vix, {"temporal_vega": amounts}, sessions)


@lru_cache(maxsize=1)
def count_verdicts() -> Counter[tuple[str, Verdict]]:
    found: Counter[tuple[str, Verdict]] = Counter()
    for seed in range(SEEDS):
        for hypothesis in assess_hypotheses(draw_policy(seed), rules(seed)):
            found[hypothesis.id, hypothesis.verdict] += 1
    return found


@pytest.mark.parametrize("claim", ["H1", "H2", "H3", "H4", "H5"])
def test_random_signals_hold_no_claim(claim: str) -> None:
    # at the level of the verdicts one in ten may, by chance
    assert count_verdicts()[claim, Verdict.HOLDS] <= 0.10 * SEEDS


def test_random_signals_are_judged_and_not_only_waved_through() -> None:
    found = count_verdicts()
    assert found["H2", Verdict.DOES_NOT_HOLD] >= 0.5 * SEEDS
    assert found["H5", Verdict.DOES_NOT_HOLD] >= 0.5 * SEEDS
    assert found["H4", Verdict.DOES_NOT_HOLD] > 0


def test_random_trials_have_no_significant_best() -> None:
    significant = 0
    for seed in range(12):
        returns = pd.concat([draw_policy(seed + 100 * one).returns() for one in range(4)], axis=1).iloc[-800:]
        trials = build_trials(returns.set_axis(list("abcd"), axis=1), resampling=Resampling(seed=seed, reps=200))
        significant += trials.family.is_significant
    assert significant <= 1


def test_carry_large_enough_is_found() -> None:
    found = [assess_carry(draw_policy(seed, 1_500.0, 4_000), rules(seed)).verdict for seed in range(SEEDS)]
    assert found.count(Verdict.HOLDS) >= 0.9 * SEEDS


@pytest.mark.parametrize("episodes", [12, 30, 100])
def test_effect_of_the_stated_size_is_found_as_often_as_stated(episodes: int) -> None:
    effect = compute_smallest_effect(2.0 / np.sqrt(episodes), episodes)
    found = 0
    for seed in range(600):
        values = np.random.default_rng(seed).normal(effect, 2.0, episodes)
        found += bootstrap_mean(values, Resampling(seed=seed, reps=300)).low_80 > 0
    assert 0.74 <= found / 600 <= 0.86


def test_half_of_that_effect_is_found_less_often() -> None:
    effect = compute_smallest_effect(2.0 / np.sqrt(30), 30) / 2
    found = 0
    for seed in range(300):
        values = np.random.default_rng(seed).normal(effect, 2.0, 30)
        found += bootstrap_mean(values, Resampling(seed=seed, reps=300)).low_80 > 0
    assert found / 300 < 0.5


@QUICK
@given(st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 2)), max_size=30), st.integers(0, 99))
def test_intervals_are_nested_around_their_scale(values: list[float], seed: int) -> None:
    given_values = np.array(values)
    estimate = bootstrap_mean(given_values, Resampling(seed=seed, reps=200))
    if len(values) < 2:
        assert not estimate.has_interval
    if not np.isnan(estimate.low_80):
        assert estimate.low_95 <= estimate.low_80 <= estimate.high_80 <= estimate.high_95
        double = bootstrap_mean(2 * given_values, Resampling(seed=seed, reps=200))
        assert double.low_80 == pytest.approx(2 * estimate.low_80, rel=1e-6, abs=1e-6)


@QUICK
@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(1, 20)), min_size=2, max_size=30), st.randoms())
def test_estimate_does_not_depend_on_the_order_of_episodes(pairs: list[tuple[float, int]], shuffler: object) -> None:
    mixed = list(pairs)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = (
        bootstrap_ratio(np.array([x for x, _ in some]), np.array([float(d) for _, d in some]), Resampling(reps=200))
        for some in (pairs, mixed)
    )
    assert first.value == pytest.approx(second.value, abs=1e-9)
    assert first.standard_error == pytest.approx(second.standard_error, nan_ok=True, abs=1e-9)


@QUICK
@given(st.integers(0, 10_000), st.floats(15, 40), st.floats(0, 0.3))
def test_episodes_share_out_every_session_after_a_high_close(seed: int, threshold: float, missing: float) -> None:
    random = np.random.default_rng(seed)
    vix, pnl = draw_vix(seed, 300), random.normal(size=300)
    vix[random.random(300) < missing] = np.nan
    episodes = build_episodes(list_sessions(300), vix, pnl, threshold)
    assert episodes["sessions"].sum() == (vix >= threshold).sum()
    assert (episodes["peak_vix_pts"] >= threshold).all()
    assert (episodes["start_date"] <= episodes["peak_date"]).all()
    assert (episodes["start_date"].iloc[1:].to_numpy() > episodes["end_date"].iloc[:-1].to_numpy()).all()
    high = pd.Series(vix).ffill().shift(1).to_numpy() >= threshold
    assert episodes["pnl_usd"].sum() == pytest.approx(pnl[high].sum(), abs=1e-9)


@QUICK
@given(st.integers(0, 10_000))
def test_audit_of_the_past_knows_no_future(seed: int) -> None:
    """What an episode earned does not change when sessions are added after it has ended."""
    vix, pnl = draw_vix(seed, 400), np.random.default_rng(seed).normal(size=400)
    whole = build_episodes(list_sessions(400), vix, pnl)
    part = build_episodes(list_sessions(250), vix[:250], pnl[:250])
    ended = part[~part["is_open"]]
    pd.testing.assert_frame_equal(whole.iloc[: len(ended)], ended)


def test_blocks_keep_together_what_happened_together() -> None:
    values = np.random.default_rng(0).normal(size=(500, 1))
    opposite = np.column_stack([values, -values])
    estimate = bootstrap_sessions(opposite, lambda drawn: float(np.abs(drawn.sum(axis=1)).max()), Resampling(reps=200))
    assert estimate.value == estimate.low_80 == estimate.high_80 == 0.0
    assert estimate.block_sessions >= 1
