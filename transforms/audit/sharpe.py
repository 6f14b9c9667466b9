"""Sharpe ratios and their errors: Lo (2002), and the probabilistic and deflated ratios of Bailey and López de Prado.

Everything here is per session unless it says a year: the formulas mix ratios and counts of observations, and a ratio
of a year with a count of days is the usual mistake.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from transforms.audit.history import Floats

EULER_GAMMA = float(np.euler_gamma)


def compute_sharpe(returns: Floats) -> float:
    """Mean over standard deviation (n - 1), per session; NaN without spread or with fewer than two.

    Parameters
    ----------
    returns
        float64, shape (n,): excess returns. P&L of futures without interest on their collateral is one.
    """
    if len(returns) < 2:
        return math.nan
    deviation = float(returns.std(ddof=1))
    mean = float(returns.mean())
    return mean / deviation if deviation > 1e-14 * max(abs(mean), 1e-300) and deviation > 0 else math.nan


def compute_sharpe_error_iid(sharpe: float, count: int) -> float:
    """Standard error of a Sharpe ratio of independent, normal returns: ``sqrt((1 + SR^2/2)/T)``.

    Source: Lo (2002), equation 9. SR 1.5 and 60 observations give 0.188 (its table 1).
    """
    return math.sqrt((1 + sharpe**2 / 2) / count)


def compute_sharpe_error(returns: Floats) -> float:
    """Standard error of a Sharpe ratio, robust to serial correlation, changing variance, skew and fat tails.

    ``sqrt(S/T)`` with ``S`` the long-run variance (Bartlett kernel, automatic bandwidth) of the ratio's influence
    ``z - SR/2 (z^2 - 1)``, ``z = (r - mean)/sd``. With independent normal returns S is ``1 + SR^2/2``.

    Source: Lo (2002), section "Non-IID returns" (GMM); Newey and West (1994), as in
    ``arch.covariance.kernel.Bartlett``.
    """
    sharpe = compute_sharpe(returns)
    if math.isnan(sharpe):
        return math.nan
    scores = (returns - returns.mean()) / returns.std(ddof=1)
    return math.sqrt(compute_long_run_variance(scores - sharpe / 2 * (scores**2 - 1)) / len(returns))


def compute_long_run_variance(values: Floats) -> float:
    """Variance of the mean times the count, of values that depend on their neighbours; 0 without spread.

    Bartlett kernel; bandwidth by Newey and West (1994), at most a tenth of the values.
    """
    if not (values != values[:1]).any():
        return 0.0
    from arch.covariance.kernel import Bartlett  # loads statsmodels, which takes seconds

    bandwidth = min(float(Bartlett(values).opt_bandwidth), len(values) / 10)
    return float(np.asarray(Bartlett(values, bandwidth=bandwidth).cov.long_run).item())


def compute_probabilistic_sharpe(
    sharpe: float, benchmark: float, count: int, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Probability that the true Sharpe ratio is above a benchmark.

    ``PSR = N((SR - SR*) sqrt(T - 1) / sqrt(1 - skew SR + (kurtosis - 1)/4 SR^2))``

    Parameters
    ----------
    sharpe, benchmark
        Per observation, not a year.
    count
        Observations, at least 2.
    skew, kurtosis
        Of the returns; kurtosis of a normal distribution is 3.

    Returns
    -------
    float
        NaN where the ratio is NaN, there are fewer than two observations, or the variance is not positive.

    Notes
    -----
    Source: Bailey and López de Prado (2012), equation 11. Their example, SR 0.458 a month over 24 months with skew
    -2.448 and kurtosis 10.164: 0.913; were the returns normal: 0.982.
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if count < 2 or not variance > 0 or math.isnan(benchmark):
        return math.nan
    return float(stats.norm.cdf((sharpe - benchmark) * math.sqrt(count - 1) / math.sqrt(variance)))


def compute_expected_largest_sharpe(trials: int, variance: float) -> float:
    """Largest Sharpe ratio to expect from trials none of which is any good.

    ``sqrt(V) ((1 - g) N^-1(1 - 1/N) + g N^-1(1 - 1/(N e)))``, g Euler's constant.

    Parameters
    ----------
    trials
        N, independent; more of them than are independent makes the ratio larger, so that counting all is strict.
    variance
        V: of the trials' Sharpe ratios, per observation.

    Returns
    -------
    float
        0 for one trial: nothing was chosen.

    Notes
    -----
    Source: Bailey and López de Prado (2014). 100 trials with a variance of 1/2 a year over 250 days: 0.1132 a day.
    """
    if trials < 1 or not variance >= 0:
        return math.nan
    if trials == 1:
        return 0.0
    first, second = stats.norm.ppf([1 - 1 / trials, 1 - 1 / (trials * math.e)])
    return math.sqrt(variance) * float((1 - EULER_GAMMA) * first + EULER_GAMMA * second)


def compute_deflated_sharpe(
    sharpe: float, count: int, trials: int, variance: float, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Probability that the true Sharpe ratio is above 0, given that it is the best of many trials.

    The probabilistic Sharpe ratio over :func:`compute_expected_largest_sharpe`.

    Notes
    -----
    Source: Bailey and López de Prado (2014). Their example, SR 2.5 a year over 1,250 days with skew -3 and kurtosis 10,
    100 trials with a variance of 1/2 a year: 0.9004.
    """
    benchmark = compute_expected_largest_sharpe(trials, variance)
    return compute_probabilistic_sharpe(sharpe, benchmark, count, skew, kurtosis)
