"""The table of trials: each p value, the adjusted ones, and the test of the best of all."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from tests.support.audit_history import list_sessions
from transforms.audit import TRIAL_COLUMNS, Resampling, build_trials
from transforms.audit.trials import adjust_p_values, count_effective_trials

QUICK = Resampling(seed=2, reps=400)


def draw(seed: int, trials: int, count: int = 750, best: float = 0.0) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(0.0, 0.005, (count, trials))
    values[:, 0] += best * 0.005 / math.sqrt(252)
    return pd.DataFrame(values, list_sessions(count), [f"trial {number}" for number in range(trials)])


def test_adjusted_p_values_agree_with_statsmodels() -> None:
    p = np.array([0.04, 0.001, 0.03, 0.2, 0.9, 0.001])
    holm, rate = adjust_p_values(p)
    assert holm == pytest.approx(multipletests(p, method="holm")[1])
    assert rate == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_adjusted_p_values_count_only_those_that_are_known() -> None:
    holm, rate = adjust_p_values(np.array([0.01, math.nan, 0.04]))
    assert holm == pytest.approx([0.02, math.nan, 0.04], nan_ok=True)
    assert rate == pytest.approx([0.02, math.nan, 0.04], nan_ok=True)
    assert np.isnan(adjust_p_values(np.array([math.nan]))[0]).all()


def test_table_has_one_row_a_trial_best_first() -> None:
    trials = build_trials(draw(0, 6), resampling=QUICK)
    table = trials.table
    assert list(table.columns) == list(TRIAL_COLUMNS)
    assert len(table) == 6
    assert table["sharpe_year"].is_monotonic_decreasing
    assert table["is_best"].tolist() == [True, *[False] * 5]
    assert trials.family.best == table.loc[0, "trial"]


def test_p_of_independent_returns_is_that_of_the_t_test() -> None:
    returns = draw(1, 1, count=5_000, best=0.5)
    row = build_trials(returns, resampling=QUICK).table.iloc[0]
    expected = stats.ttest_1samp(returns["trial 0"], 0.0, alternative="greater")
    assert row["t"] == pytest.approx(expected.statistic, rel=0.05)
    assert row["p"] == pytest.approx(expected.pvalue, rel=0.25)
    assert row["deflated_sharpe"] == row["probabilistic_sharpe"]  # one trial: nothing was chosen


def test_one_good_trial_among_worthless_ones_is_found() -> None:
    trials = build_trials(draw(3, 20, count=2_500, best=2.0), resampling=QUICK)
    assert trials.family.best == "trial 0"
    assert trials.family.is_significant
    best = trials.table.iloc[0]
    assert best["p_holm"] < 0.05
    assert best["deflated_sharpe"] > 0.95


def test_best_of_worthless_trials_is_not_significant_as_it_seems_alone() -> None:
    alone = together = deflated = 0
    for seed in range(12):
        trials = build_trials(draw(seed, 15, count=400), resampling=Resampling(seed=seed, reps=300))
        alone += trials.table["p"].min() < 0.05
        together += trials.family.is_significant
        deflated += trials.table["deflated_sharpe"].max() > 0.95
    assert alone >= 3  # 1 - 0.95^15 is a half
    assert together <= 1
    assert deflated <= 1


def test_poor_trials_do_not_hide_a_good_one_from_spa() -> None:
    returns = draw(5, 2, count=1_500, best=1.4)
    poor = np.random.default_rng(6).normal(-0.02, 0.08, (1_500, 30))
    whole = returns[["trial 0"]].join(pd.DataFrame(poor, returns.index, [f"poor {number}" for number in range(30)]))
    family = build_trials(whole, resampling=QUICK).family
    assert family.p_spa < 0.05 < family.p_reality_check


def test_benchmark_is_what_has_to_be_beaten() -> None:
    returns = draw(7, 3, count=1_500, best=2.5)
    assert build_trials(returns, resampling=QUICK).family.is_significant
    same = build_trials(returns, benchmark=returns["trial 0"], resampling=QUICK)
    row = same.table.set_index("trial").loc["trial 0"]
    assert row["note"] == "it never moved against the benchmark"
    assert (same.family.trials, same.family.tested) == (3, 2)
    assert not same.family.is_significant


def test_trial_that_cannot_be_tested_counts_all_the_same() -> None:
    returns = draw(8, 4)
    returns["still"] = 0.0
    returns["short"] = np.nan
    returns.iloc[:20, -1] = 0.01
    trials = build_trials(returns, resampling=QUICK)
    rows = trials.table.set_index("trial")
    assert trials.family.trials == 6
    assert rows.loc["still", "note"] == "it never moved against the benchmark"
    assert rows.loc["short", "note"] == "too few: 20 sessions, at least 60 are needed"
    assert rows.loc[["still", "short"], ["p", "p_holm", "deflated_sharpe"]].isna().all(axis=None)


def test_family_is_tested_on_sessions_known_to_all() -> None:
    returns = draw(9, 3)
    returns.iloc[:500, 2] = np.nan
    trials = build_trials(returns, resampling=QUICK)
    assert trials.family.sessions == 250
    assert trials.table.set_index("trial").loc["trial 0", "sessions"] == 750
    returns.iloc[520:, 1] = np.nan
    apart = build_trials(returns, resampling=QUICK).family
    assert "20 sessions known to all 3 trials" in apart.note
    assert not apart.is_significant


def test_no_trial_that_moved_has_no_family_test() -> None:
    returns = pd.DataFrame(0.0, list_sessions(200), ["one", "two"])
    trials = build_trials(returns, resampling=QUICK)
    assert trials.family.note
    assert trials.family.best is None


def test_effective_trials_lie_between_one_and_all() -> None:
    values = np.random.default_rng(0).normal(size=(5_000, 8))
    assert count_effective_trials(values) == pytest.approx(8, abs=0.1)
    same = values[:, :1] + 0.01 * values
    assert count_effective_trials(same) == pytest.approx(1, abs=0.05)
    assert count_effective_trials(values[:, :1]) == 1.0


def test_trials_refuse_what_they_cannot_compare() -> None:
    returns = draw(0, 2)
    with pytest.raises(ValueError, match="each name once"):
        build_trials(returns.set_axis(["a", "a"], axis=1))
    with pytest.raises(ValueError, match="at least one"):
        build_trials(returns.iloc[:, :0])
    with pytest.raises(ValueError, match="infinite"):
        build_trials(returns.replace(returns.iloc[0, 0], math.inf))
