"""Dividend-discount analogue: roll credits as dividends, ``V = D1 / (r - g)``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.valuation.measure import Floats, Measured, count_history, is_noted, judge, sum_windows
from transforms.valuation.rules import ValuationRules


@dataclass(frozen=True, eq=False)
class RollCreditValue:
    """The three numbers of the formula and its result.

    Parameters
    ----------
    expected_credit_usd
        D1, dollars a year.
    growth_frac
        g, fraction a year.
    value_usd
        V, dollars.
    """

    expected_credit_usd: Measured
    growth_frac: Measured
    value_usd: Measured


def compute_roll_credit_value(credit_usd: Floats, required: Measured, rules: ValuationRules) -> RollCreditValue:
    """Value a layer by its roll credits, as a share is valued by its dividends.

    D1 is the mean monthly credit of the last year times 12, which is the sum of the year's daily credits. g is
    the credit of the last year over that of the year before, less 1; D1 is not grown by it. Both credits must be
    positive: there is no growth rate from or to a loss.

    Parameters
    ----------
    credit_usd
        float64, shape (n,): what the passage of time paid each session (ledger: ``roll_usd + theta_usd``), signed.
    required
        Required return a year.

    Returns
    -------
    RollCreditValue
        V is undefined where D1 <= 0, where g or r is undefined, and where r <= g: no finite value grows as fast as
        it is discounted.

    Source: Gordon (1959), Dividends, Earnings, and Stock Prices.
    """
    year = int(rules.year_sessions)
    length = len(credit_usd)
    now = sum_windows(credit_usd, year)
    before = np.full(length, np.nan)
    before[year:] = now[:-year] if length > year else []
    seen = np.arange(1, length + 1)
    expected = judge(now, (seen < year, count_history(length, year)))
    positive = "the roll credits of the last year are not positive"
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = judge(
            now / before - 1,
            (seen < 2 * year, count_history(length, 2 * year)),
            (now <= 0, positive),
            (before <= 0, "the roll credits of the year before are not positive"),
        )
        gap = required.values - growth.values
        value = judge(
            now / gap,
            is_noted(expected),
            (now <= 0, positive),
            is_noted(growth),
            is_noted(required),
            (gap <= 0, "the required return is not above the growth of the credits"),
        )
    return RollCreditValue(expected, growth, value)
