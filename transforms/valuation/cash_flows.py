"""Internal rate of return of what is held: the cash it ties up today against what its settlements pay."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pyxirr

from transforms.ledger.rules import CostRules
from transforms.valuation.capital import compute_bill_growth, compute_capital, compute_margins
from transforms.valuation.holdings import NOTHING_HELD, Holdings
from transforms.valuation.measure import Floats, Measured, judge

_ALL_LOST = -1 + 1e-9
_LEAST_USD = 0.005
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class CashFlows:
    """Dates and dollars of a session, ascending, one amount a date; the first is what is tied up at the close."""

    dates: tuple[date, ...]
    amounts_usd: tuple[float, ...]

    @property
    def net_usd(self) -> float:
        """What is left over, undiscounted."""
        return math.fsum(self.amounts_usd)


@dataclass(frozen=True)
class Rate:
    """A rate a year, fraction; NaN with the reason in the note."""

    value: float
    note: str


def project_cash_flows(
    holdings: Holdings, costs: CostRules, vix_pts: Floats | None = None, sessions: Sequence[int] | None = None
) -> list[CashFlows | str]:
    """Cash flows of what is held at each close, each position to its own settlement, nothing traded.

    On the session: the margin set aside for futures and bounded shorts (as the ledger counts it) and the value of the
    options at their marks. On the settlement of a future: its gain from today's mark, and its margin back with
    interest at the bill rate of the close. On the settlement of options: what they pay, and the shorts' collateral back
    with interest. Variation margin before the settlement is not scheduled: on an unchanged curve it comes little by
    little, and its sum is the gain.

    Parameters
    ----------
    holdings
        What is held.
    costs
        For the margin.
    vix_pts
        float64, shape (n,): what everything settles at. None: the VIX of the close, which is where the unchanged
        curve leads. A break-even level of the VIX is the alternative.
    sessions
        Only these. None: all.

    Returns
    -------
    One entry for each session asked, in order: the flows, or in words why there are none.
    """
    market = holdings.market
    settled_at = market.vix_pts if vix_pts is None else np.asarray(vix_pts, np.float64)
    capital = compute_capital(holdings, costs)
    margins = compute_margins(holdings, costs)
    problems = holdings.first_words(holdings.problems)
    ends = np.searchsorted(holdings.session, np.arange(len(market) + 1)).tolist()
    level = settled_at[holdings.session]
    gap = np.where(holdings.is_call, 1.0, -1.0) * (level - holdings.strike_pts)
    paid = np.where(holdings.is_option, np.maximum(gap, 0.0), level - holdings.mark_pts)
    growth = compute_bill_growth(market.bill_discount_rate_frac[holdings.session], holdings.expiry - holdings.day)
    # A product with no margin is 0 whatever the rate, but NaN x 0 is not.
    released = np.where(margins == 0, 0.0, margins * growth)
    amounts = holdings.contracts * holdings.multiplier_usd * paid + released
    found: list[CashFlows | str] = []
    for session in range(len(market)) if sessions is None else sessions:
        start, end = ends[session], ends[session + 1]
        if start == end:
            found.append(NOTHING_HELD)
        elif problems[session]:
            found.append(problems[session])
        elif capital.notes[session]:
            found.append(str(capital.notes[session]))
        elif math.isnan(settled_at[session]):
            found.append("the VIX is not known")
        elif not np.isfinite(amounts[start:end]).all():
            found.append("no bill rate is known")
        else:
            flows: dict[int, float] = defaultdict(float)
            flows[int(holdings.days[session])] = -float(capital.values[session])
            for row in range(start, end):
                flows[int(holdings.expiry[row])] += float(amounts[row])
            days = sorted(flows)
            found.append(CashFlows(tuple(map(date.fromordinal, days)), tuple(flows[day] for day in days)))
    return found


def compute_irr(flows: CashFlows | str) -> Rate:
    """Rate a year at which the flows are worth nothing, ACT/365; pyxirr's ``xirr``.

    Returns
    -------
    Rate
        NaN for flows that are not there (their words are the note); for flows of one sign, that no rate
        balances; for flows whose sign changes more than once, that several rates may balance; where the
        solver's rate does not balance them. -1 where it is nearer to -1 than 1e-9. A gain or loss of a few days
        becomes a very large or small rate a year.
    """
    if isinstance(flows, str):
        return Rate(math.nan, flows)
    amounts = [0.0 if abs(amount) < _LEAST_USD else amount for amount in flows.amounts_usd]
    signs = [amount > 0 for amount in amounts if amount]
    changes = sum(before != after for before, after in pairwise(signs))
    if changes == 0:
        only = "none" if not signs else "all receipts" if signs[0] else "all payments"
        return Rate(math.nan, f"no rate: the cash flows are {only}")
    if changes > 1:
        return Rate(math.nan, f"no single rate: the cash flows change sign {changes} times")
    rate = pyxirr.xirr(flows.dates, amounts, silent=True)
    if rate is None or not math.isfinite(rate) or not _balances(flows.dates, amounts, rate):
        return Rate(math.nan, "no rate: the solver did not converge")
    return Rate(max(float(rate), -1.0), "")


def compute_irrs(flows: Sequence[CashFlows | str]) -> Measured:
    """`compute_irr` of each, as arrays."""
    rates = [compute_irr(one) for one in flows]
    notes = np.array([rate.note for rate in rates], object)
    return judge([rate.value for rate in rates], (notes != "", notes))


def compute_profits(flows: Sequence[CashFlows | str]) -> Measured:
    """What is left over of each, undiscounted: dollars, as arrays."""
    notes = np.array([one if isinstance(one, str) else "" for one in flows], object)
    return judge([math.nan if isinstance(one, str) else one.net_usd for one in flows], (notes != "", notes))


def _balances(dates: Sequence[date], amounts: Sequence[float], rate: float) -> bool:
    """Check a rate on the value at the last date, which exists down to -1."""
    years = [(dates[-1] - day).days / 365 for day in dates]

    def grow(rate: float) -> list[float]:
        return [amount * (1 + rate) ** left for amount, left in zip(amounts, years, strict=True)]

    if rate <= _ALL_LOST:  # so near to -1 that powers vanish: the only root must lie below
        return math.fsum(grow(_ALL_LOST)) * amounts[-1] <= 0
    grown = grow(rate)
    return abs(math.fsum(grown)) <= _TOLERANCE * max(map(abs, grown))
