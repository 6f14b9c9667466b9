"""Performance and Sharpe ratios against textbook numbers, published examples and other libraries."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.api
from scipy import stats

from tests.support.audit_history import list_sessions
from transforms.audit import Resampling, compute_performance
from transforms.audit.performance import (
    compute_average_drawdown,
    compute_beta,
    compute_cagr,
    compute_cvar,
    compute_drawdowns,
    compute_hit_rate,
    compute_max_drawdown,
    compute_shape,
    compute_sortino,
)
from transforms.audit.sharpe import (
    compute_deflated_sharpe,
    compute_expected_largest_sharpe,
    compute_long_run_variance,
    compute_probabilistic_sharpe,
    compute_sharpe,
    compute_sharpe_error,
    compute_sharpe_error_iid,
)

Floats = npt.NDArray[np.float64]

# Lo (2002), The Statistics of Sharpe Ratios, table 1: standard errors by ratio and number of observations
SHARPE_ERRORS_FROM_LO = {(0.50, 12): 0.306, (0.50, 60): 0.137, (1.50, 60): 0.188, (3.00, 12): 0.677, (3.00, 60): 0.303}

# Bailey and López de Prado (2014), The Deflated Sharpe Ratio, numerical example: 2.5 a year of 250 days, five years,
# skew -3, kurtosis 10, variance of the trials' ratios 1/2 a year
DAILY_SHARPE, DAYS, DAILY_VARIANCE = 2.5 / math.sqrt(250), 1_250, 0.5 / 250
EXPECTED_LARGEST_FROM_PAPER = 0.1132
DEFLATED_FROM_PAPER = {100: 0.9004, 46: 0.9505}
DEFLATED_NORMAL_88_TRIALS_FROM_PAPER = 0.9505

# Bailey and López de Prado (2012), The Sharpe Ratio Efficient Frontier: 24 months
PROBABILISTIC_FROM_PAPER = 0.913
PROBABILISTIC_NORMAL_FROM_PAPER = 0.982

QUICK = Resampling(seed=1, reps=400)


def draw(seed: int, count: int = 1_000, mean: float = 3e-4) -> pd.Series:
    values = stats.t.rvs(5, size=count, random_state=np.random.default_rng(seed)) * 0.008 + mean
    return pd.Series(values, list_sessions(count))


@pytest.mark.parametrize(("case", "expected"), SHARPE_ERRORS_FROM_LO.items())
def test_sharpe_error_of_lo(case: tuple[float, int], expected: float) -> None:
    assert compute_sharpe_error_iid(*case) == pytest.approx(expected, abs=6e-4)


def test_robust_sharpe_error_is_lo_s_for_independent_normal_returns() -> None:
    values = np.random.default_rng(0).normal(0.1, 1.0, 20_000)
    plain = compute_sharpe_error_iid(compute_sharpe(values), len(values))
    assert compute_sharpe_error(values) == pytest.approx(plain, rel=0.03)


def test_robust_sharpe_error_sees_persistence() -> None:
    shocks = np.random.default_rng(0).normal(0.05, 1.0, 5_001)
    values = shocks[1:] + 0.9 * shocks[:-1]
    plain = compute_sharpe_error_iid(compute_sharpe(values), len(values))
    assert compute_sharpe_error(values) > 1.25 * plain


def test_long_run_variance_of_a_moving_average() -> None:
    shocks = np.random.default_rng(3).normal(size=50_001)
    # of x + 0.5 x-1: (1 + 0.5)^2
    assert compute_long_run_variance(shocks[1:] + 0.5 * shocks[:-1]) == pytest.approx(2.25, rel=0.06)


def test_expected_largest_sharpe_of_the_paper() -> None:
    assert compute_expected_largest_sharpe(100, DAILY_VARIANCE) == pytest.approx(EXPECTED_LARGEST_FROM_PAPER, abs=5e-5)
    assert compute_expected_largest_sharpe(1, DAILY_VARIANCE) == 0.0


def test_expected_largest_sharpe_is_the_mean_of_simulated_maxima() -> None:
    largest = np.random.default_rng(0).normal(size=(20_000, 50)).max(axis=1).mean()
    assert compute_expected_largest_sharpe(50, 1.0) == pytest.approx(largest, rel=0.02)


@pytest.mark.parametrize(("trials", "expected"), DEFLATED_FROM_PAPER.items())
def test_deflated_sharpe_of_the_paper(trials: int, expected: float) -> None:
    found = compute_deflated_sharpe(DAILY_SHARPE, DAYS, trials, DAILY_VARIANCE, -3.0, 10.0)
    assert found == pytest.approx(expected, abs=5e-5)


def test_deflated_sharpe_of_normal_returns_of_the_paper() -> None:
    found = compute_deflated_sharpe(DAILY_SHARPE, DAYS, 88, DAILY_VARIANCE)
    assert found == pytest.approx(DEFLATED_NORMAL_88_TRIALS_FROM_PAPER, abs=5e-5)


def test_probabilistic_sharpe_of_the_paper() -> None:
    assert compute_probabilistic_sharpe(0.458, 0, 24, -2.448, 10.164) == pytest.approx(
        PROBABILISTIC_FROM_PAPER, abs=1e-3
    )
    assert compute_probabilistic_sharpe(0.458, 0, 24) == pytest.approx(PROBABILISTIC_NORMAL_FROM_PAPER, abs=1e-3)


def test_undefined_ratios_are_not_numbers() -> None:
    assert math.isnan(compute_sharpe(np.full(10, 0.1)))
    assert math.isnan(compute_sharpe(np.array([0.1])))
    assert math.isnan(compute_sharpe_error(np.zeros(100)))
    assert math.isnan(compute_probabilistic_sharpe(math.nan, 0.0, 100))
    assert math.isnan(compute_probabilistic_sharpe(0.1, 0.0, 1))
    assert math.isnan(compute_expected_largest_sharpe(0, 1.0))
    assert math.isnan(compute_sortino(np.full(10, 0.1)))
    assert math.isnan(compute_hit_rate(np.zeros(10)))
    assert math.isnan(compute_cagr(np.empty(0)))


def test_drawdowns_of_a_path_by_hand() -> None:
    # 1.10, 0.99, 1.188, 0.594, 0.7128
    returns = np.array([0.10, -0.10, 0.20, -0.50, 0.20])
    assert compute_drawdowns(returns) == pytest.approx([0, 0.1, 0, 0.5, 0.4])
    assert compute_max_drawdown(returns) == pytest.approx(0.5)
    assert compute_average_drawdown(returns) == pytest.approx(0.3)
    assert compute_max_drawdown(np.array([-0.25, 0.1])) == pytest.approx(0.25)  # the start is a high
    assert compute_max_drawdown(np.array([0.1, 0.2])) == 0.0
    assert compute_average_drawdown(np.array([0.1, 0.2])) == 0.0


def test_loss_of_everything_stays() -> None:
    returns = np.array([0.5, -1.2, 3.0])
    assert compute_drawdowns(returns).tolist() == [0.0, 1.0, 1.0]
    assert compute_cagr(returns) == -1.0


def test_cagr_by_hand() -> None:
    assert compute_cagr(np.full(252, 1.21 ** (1 / 252) - 1)) == pytest.approx(0.21)
    assert compute_cagr(np.full(504, 1.21 ** (1 / 504) - 1)) == pytest.approx(0.10)


def test_cvar_by_hand() -> None:
    returns = np.concatenate([[-0.10, -0.06, -0.02], np.full(37, 0.01)])
    assert compute_cvar(returns, 0.95) == pytest.approx(0.08)  # two of forty
    assert compute_cvar(returns, 0.9375) == pytest.approx((0.10 + 0.06 + 0.5 * 0.02) / 2.5)


def test_cvar_of_a_normal_sample_is_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(size=200_000)
    for level in (0.95, 0.99):
        expected = stats.norm.pdf(stats.norm.ppf(level)) / (1 - level)
        assert compute_cvar(values, level) == pytest.approx(expected, rel=0.01)


def test_beta_and_shape_agree_with_other_libraries() -> None:
    market = draw(1)
    own = 0.4 * market + draw(2)
    fit = statsmodels.api.OLS(own.to_numpy(), statsmodels.api.add_constant(market.to_numpy())).fit()
    assert compute_beta(own, market) == pytest.approx(fit.params[1])
    skew, kurtosis = compute_shape(own.to_numpy())
    assert skew == pytest.approx(stats.skew(own))
    assert kurtosis == pytest.approx(stats.kurtosis(own, fisher=False))


def test_beta_uses_sessions_known_on_both_sides() -> None:
    market = draw(1)
    own = -0.5 * market
    market.iloc[:100] = np.nan
    assert compute_beta(own.iloc[50:], market) == pytest.approx(-0.5)
    assert math.isnan(compute_beta(own, market.iloc[:120]))
    assert math.isnan(compute_beta(own, None))
    assert math.isnan(compute_beta(own, own * 0.0))


def test_sortino_by_hand() -> None:
    # mean 0.01; root of (0.02^2 + 0.02^2)/4
    assert compute_sortino(np.array([0.04, -0.02, 0.04, -0.02])) == pytest.approx(0.01 / math.sqrt(0.0002))


def test_performance_of_a_series() -> None:
    returns, protected = draw(5), draw(6, mean=0.0)
    returns.iloc[10] = np.nan
    found = compute_performance(returns, protected, protected, QUICK, worst=3)
    known = returns.dropna()
    assert found.sessions == 999
    assert found.note == "1 sessions without a return are left out"
    assert found.volatility == pytest.approx(known.std() * math.sqrt(252))
    assert found.sharpe.value == pytest.approx(known.mean() / known.std() * math.sqrt(252))
    assert found.sharpe.low_80 < found.sharpe.value < found.sharpe.high_80
    assert found.cost_year == pytest.approx(-known.mean() * 252)
    assert found.hit_rate == pytest.approx((known > 0).mean())
    assert found.worst_days["return_frac"].tolist() == known.nsmallest(3).tolist()
    assert found.worst_days["trade_date"].tolist() == known.nsmallest(3).index.tolist()
    half_width = (found.sharpe.high_80 - found.sharpe.low_80) / 2
    assert half_width == pytest.approx(1.2816 * found.sharpe_error_lo_robust, rel=0.25)
    assert 0 < found.probabilistic_sharpe < 1


def test_protection_is_what_was_gained_on_the_worst_days_of_the_portfolio() -> None:
    protected = pd.Series(np.linspace(-0.1, 0.1, 100), list_sessions(100))
    hedge = pd.Series(np.where(protected < -0.089, 0.02, -0.001), protected.index)
    hedge.iloc[50] = 0.001
    found = compute_performance(hedge, protected_returns=protected, resampling=QUICK)
    worst = 5
    assert found.protection == pytest.approx(worst * 0.02)
    rest = float(hedge.iloc[worst:].sum())
    expected = worst * 0.02 / -rest if rest < 0 else math.nan
    assert found.protection_per_cost == pytest.approx(expected, nan_ok=True)


def test_protection_that_cost_nothing_has_no_ratio() -> None:
    protected = pd.Series(np.linspace(-0.1, 0.1, 100), list_sessions(100))
    found = compute_performance(abs(protected) + 0.01, protected_returns=protected, resampling=QUICK)
    assert found.protection > 0
    assert math.isnan(found.protection_per_cost)


def test_short_series_has_only_its_count() -> None:
    found = compute_performance(draw(1, count=59), draw(2), draw(3), QUICK)
    assert found.sessions == 59
    assert "at least 60" in found.note
    assert math.isnan(found.cagr)
    assert not found.sharpe.has_interval


def test_hedge_that_never_moved_has_no_ratio() -> None:
    still = pd.Series(0.0, list_sessions(300))
    found = compute_performance(still, draw(2), draw(3), QUICK)
    assert (found.cagr, found.max_drawdown, found.cost_year) == (0.0, 0.0, 0.0)
    assert math.isnan(found.sharpe.value)
    assert math.isnan(found.sharpe_error_lo_iid)
    assert math.isnan(found.sharpe_error_lo_robust)
    assert math.isnan(found.hit_rate)
