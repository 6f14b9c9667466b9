"""What the hedge costs the account, what its roll earns beside the claim, and what it takes of the cost of capital."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.valuation.measure import Floats, Measured, Words, count_history, is_noted, judge, sum_windows
from transforms.valuation.rules import ValuationRules


@dataclass(frozen=True, eq=False)
class YearlyCost:
    """Cost of a layer in fractions of NAV a year; negative where it earned.

    Parameters
    ----------
    trailing_frac
        Over the last year of sessions.
    history_frac
        Over all sessions so far, by the year.
    budget_words
        Strings, shape (n,): where the trailing cost lies beside the budget; empty where it is undefined.
    """

    trailing_frac: Measured
    history_frac: Measured
    budget_words: Words


@dataclass(frozen=True, eq=False)
class MonthlyCredit:
    """Roll credit of the last month in three denominators, and words beside the claim for each."""

    per_nav_frac: Measured
    per_notional_frac: Measured
    per_margin_frac: Measured
    per_nav_words: Words
    per_notional_words: Words
    per_margin_words: Words


@dataclass(frozen=True, eq=False)
class WaccLine:
    """The hedge beside the cost of capital.

    Parameters
    ----------
    drag_points
        Percentage points that the hedge takes from the account's return a year; negative where it adds.
    share_of_wacc
        The same as a share of the weighted average cost of capital; 0.2: a fifth of it must be earned for the hedge.
    """

    drag_points: Measured
    share_of_wacc: Measured


def compute_yearly_cost(pnl_usd: Floats, interest_usd: Floats, nav_usd: float, rules: ValuationRules) -> YearlyCost:
    """Cost of the hedge: ``-(P&L - interest on collateral) / NAV``, by the year.

    The interest would be earned without the hedge as well. NAV is the model's, the same each session.

    Parameters
    ----------
    pnl_usd, interest_usd
        float64, shape (n,): of the ledger.

    Raises
    ------
    ValueError
        A NAV that is not positive.
    """
    if not nav_usd > 0:
        raise ValueError(f"nav_usd: expected a positive number, found {nav_usd}")
    year = int(rules.year_sessions)
    lost = -(pnl_usd - interest_usd) / nav_usd
    seen = np.arange(1, len(lost) + 1)
    too_short = seen < year, count_history(len(lost), year)
    trailing = judge(sum_windows(lost, year), too_short)
    history = judge(np.cumsum(lost) * year / seen, too_short)
    low, high = rules.budget_lowest_frac, rules.budget_highest_frac
    words = _place(trailing, low, high, f"the budget of {low:.0%} to {high:.0%} of NAV a year")
    words[trailing.values < 0] = "the hedge earned: nothing of the budget is spent"
    return YearlyCost(trailing, history, words)


def compute_monthly_credit(
    credit_usd: Floats, nav_usd: float, notional_usd: Floats, margin_usd: Floats, rules: ValuationRules
) -> MonthlyCredit:
    """Roll credit of the last month of sessions, over NAV, mean hedge notional and mean margin of the same sessions.

    Parameters
    ----------
    credit_usd
        float64, shape (n,): what the passage of time paid each session (ledger: ``roll_usd + theta_usd``), signed.
    notional_usd
        float64, shape (n,): absolute notional of what is held at the close before each session.
    margin_usd
        float64, shape (n,): collateral at the close before each session.

    Returns
    -------
    MonthlyCredit
        Undefined before a full month, and where the mean of a denominator is 0: nothing was held.
    """
    month = int(rules.month_sessions)
    credit = sum_windows(credit_usd, month)
    too_short = np.arange(1, len(credit) + 1) < month, count_history(len(credit), month)
    low, high = rules.credit_lowest_frac, rules.credit_highest_frac
    claim = f"the claim of {low:.1%} to {high:.1%} a month"

    def over(denominator: Floats, nothing: str) -> Measured:
        is_nothing = denominator == 0
        return judge(credit / np.where(is_nothing, 1.0, denominator), too_short, (is_nothing, nothing))

    per_nav = over(np.full(len(credit), nav_usd), "there is no NAV")
    per_notional = over(sum_windows(notional_usd, month) / month, "nothing was held in the month")
    per_margin = over(sum_windows(margin_usd, month) / month, "no margin was set aside in the month")
    said = (_place(measured, low, high, claim) for measured in (per_nav, per_notional, per_margin))
    return MonthlyCredit(per_nav, per_notional, per_margin, *said)


def compute_wacc_line(cost: Measured, wacc_frac: float | None) -> WaccLine:
    """Set the yearly cost beside the user's weighted average cost of capital.

    Parameters
    ----------
    cost
        Fractions of NAV a year.
    wacc_frac
        ``wacc_frac`` of the book; None where it states none: the share is then undefined.
    """
    everywhere = np.ones(len(cost.values), bool)
    points = judge(100 * cost.values, is_noted(cost))
    if wacc_frac is None:
        share = judge(cost.values, (everywhere, "the book states no wacc_frac"))
    elif not wacc_frac > 0:
        share = judge(cost.values, (everywhere, "wacc_frac is not positive"))
    else:
        share = judge(cost.values / wacc_frac, is_noted(cost))
    return WaccLine(points, share)


def _place(measured: Measured, low: float, high: float, what: str) -> Words:
    """Below, within or above a range; empty where undefined."""
    values = measured.values
    words = np.full(len(values), "", object)
    words[values < low] = f"below {what}"
    words[(values >= low) & (values <= high)] = f"within {what}"
    words[values > high] = f"above {what}"
    return words
