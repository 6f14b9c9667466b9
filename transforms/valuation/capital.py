"""What a layer ties up: margin and the value of its options; and what bills pay meanwhile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from transforms.ledger.rules import CostRules
from transforms.positions.instruments import VixOption
from transforms.positions.sizing import compute_loss_bound
from transforms.valuation.holdings import NOTHING_HELD, Holdings, is_future
from transforms.valuation.measure import Floats, Ints, Measured, judge

BILL_DAYS = 91


def compute_bill_growth(discount_rate_frac: npt.ArrayLike, days: npt.ArrayLike) -> Floats:
    """Growth of one dollar in 91-day bills over calendar days: ``(1/(1 - 91/360 rate))^(days/91)``; NaN unknown.

    The array form of `transforms.ledger.rules.compute_bill_return`. 5% over a year of 365 days gives 1.052339.
    """
    rate = np.asarray(discount_rate_frac, np.float64)
    return np.asarray((1 / (1 - BILL_DAYS / 360 * rate)) ** (np.asarray(days) / BILL_DAYS))


def compute_bill_returns(days: Ints, discount_rate_frac: Floats) -> Floats:
    """Return of bills from the session before to each, at the rate known then; shape (n,), NaN for the first."""
    returns = np.full(len(days), np.nan)
    returns[1:] = compute_bill_growth(discount_rate_frac[:-1], np.diff(days)) - 1
    return returns


def compute_margins(holdings: Holdings, costs: CostRules) -> Floats:
    """Margin of each row, dollars: shares of a future's notional; what a short options' expiry can lose.

    The bound of an expiry stands in its first row; bought options need none. As the ledger's ``margin_usd`` before
    it is rounded to a cent, save that the ledger keeps the last known price of what has no mark. Of layers held
    together each option expiry is bounded as one: the ledger adds the layers' own bounds, so give them apart where
    more than one layer holds options of the same expiry.

    Returns
    -------
    float64, shape (m,); NaN without a mark; infinite where shorts have no bound.
    """
    notional = np.abs(holdings.contracts) * holdings.multiplier_usd * holdings.mark_pts
    margins = np.where(is_future(holdings), costs.futures_margin_frac * notional, 0.0)
    expiries: dict[tuple[int, int], list[int]] = {}
    for row in np.flatnonzero(holdings.is_option).tolist():
        expiries.setdefault((int(holdings.session[row]), int(holdings.expiry[row])), []).append(row)
    for rows in expiries.values():
        if any(holdings.contracts[row] < 0 for row in rows):
            legs = [(holdings.instruments[row], int(holdings.contracts[row])) for row in rows]
            margins[rows[0]] = compute_loss_bound([(one, held) for one, held in legs if isinstance(one, VixOption)])
    return margins


def compute_capital(holdings: Holdings, costs: CostRules) -> Measured:
    """Dollars that are tied up at each close: margin, and options at their marks, sold ones negative.

    Returns
    -------
    Measured
        Undefined where nothing is held, a mark is missing, an index note is held, shorts have no bound, or nothing is
        tied up.
    """
    value = holdings.contracts * holdings.multiplier_usd * holdings.mark_pts
    tied = compute_margins(holdings, costs) + np.where(is_future(holdings), 0.0, value)
    total = holdings.add_up(tied)
    problems = holdings.first_words(holdings.problems)
    return judge(
        total,
        (holdings.count == 0, NOTHING_HELD),
        (problems != "", problems),
        (np.isinf(total), "the loss of the shorts has no bound"),
        (total <= 0, "no capital is tied up"),
    )
