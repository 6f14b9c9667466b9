"""The future that put-call parity implies for each expiry, and the band at which it could be traded."""

from __future__ import annotations

from datetime import time
from typing import NamedTuple

import numpy as np
import pandas as pd

from transforms.options.black76 import Flags, Floats
from transforms.options.quotes import USABLE, Codes, Numbers, QuoteColumns
from transforms.options.rules import ChainRules

CLOSE = time(16, 15)
"""Regular close of VIX options, New York."""
SETTLEMENT = time(9, 30)
"""Opening auction whose prices make the final settlement, New York."""
DAYS_A_YEAR = 365.0
BILL_DAYS = 91

_OVERNIGHT_DAYS = (CLOSE.hour - SETTLEMENT.hour + (CLOSE.minute - SETTLEMENT.minute) / 60) / 24
# A locked quote must not outweigh all others.
_LEAST_WIDTH_PTS = 0.05


class ParityEstimates(NamedTuple):
    """Arrays over the expiry groups: see `estimate_futures`. ``strikes`` counts what the estimate rests on."""

    future: Floats
    low: Floats
    high: Floats
    strikes: Numbers


def compute_years_to_settlement(calendar_days: Numbers | Floats) -> Floats:
    """Years from a session's close to the settlement morning, ACT/365.

    ``(days - 6.75 hours) / 365``: from 16:15 to 9:30 New York; on short days three hours are neglected. Not
    positive on and after the settlement day.
    """
    return np.asarray((np.asarray(calendar_days, dtype=float) - _OVERNIGHT_DAYS) / DAYS_A_YEAR)


def compute_discount(bill_discount_rate_frac: Floats, years: Floats) -> Floats:
    """Price today of one point paid after ``years``, from the 91-day bill's discount rate.

    A bill costs ``1 - d 91/360``; the continuous rate is ``-ln(1 - d 91/360) 365/91``, held for every expiry.
    NaN without a rate. For a future of 20 points and six months, one percent of rate moves an option at the money
    by 0.5%, and the implied future by nothing.
    """
    with np.errstate(invalid="ignore"):
        rate = -np.log1p(-np.asarray(bill_discount_rate_frac) * BILL_DAYS / 360) * DAYS_A_YEAR / BILL_DAYS
        return np.asarray(np.exp(-rate * years))


def match_bill_rates(trade_dates: pd.Series, bill_rates: pd.DataFrame, rules: ChainRules) -> Floats:
    """Bill rate known on the evening of each session: the newest of an earlier day, within the longest carry.

    The rate of a day is published the day after, so that of the session itself is not known yet.

    Parameters
    ----------
    trade_dates
        Sessions, datetime64, sorted.
    bill_rates
        ``observation_date``, ``bill_discount_rate_frac`` (as ``core.daily_bill_rates``).

    Returns
    -------
    Fractions a year, NaN where none is known.
    """
    known = bill_rates[["observation_date", "bill_discount_rate_frac"]].dropna().sort_values("observation_date")
    known = known.astype({"observation_date": "datetime64[us]", "bill_discount_rate_frac": "float64"})
    matched = pd.merge_asof(
        pd.DataFrame({"trade_date": trade_dates.astype("datetime64[us]")}),
        known,
        left_on="trade_date",
        right_on="observation_date",
        allow_exact_matches=False,
        tolerance=pd.Timedelta(days=rules.rate_longest_carry_days),
    )
    return matched["bill_discount_rate_frac"].to_numpy(dtype=float)


def estimate_futures(quotes: QuoteColumns, codes: Codes, groups: int, rules: ChainRules) -> ParityEstimates:
    """Implied future of each expiry group, by put-call parity on usable quotes.

    Each strike with a call and a put gives ``F = K + (C - P) / discount`` on mids, with a width of both spreads.
    The median weighted by ``1 / width`` of all strikes is a first guess; the estimate is the same median over
    the strikes nearest to it. A median, because a single wrong quote must not move it.

    The band is what could be traded: selling the future synthetically (short call at the bid, long put at the ask)
    yields at best ``low = max(K + (C_bid - P_ask) / discount)``; buying it costs at least
    ``high = min(K + (C_ask - P_bid) / discount)``. Low above high would be a free box spread inside the chain.

    Returns
    -------
    Arrays of length ``groups``, NaN with too few strikes.

    Source: Stoll (1969), for options on futures; weights and the choice of strikes are ours.
    """
    usable = np.flatnonzero(codes == USABLE)
    put, call = usable[:-1], usable[1:]
    is_pair = (
        (quotes.group[put] == quotes.group[call])
        & (quotes.strike[put] == quotes.strike[call])
        & (quotes.root[put] == quotes.root[call])
        & ~quotes.is_call[put]
        & quotes.is_call[call]
        & np.isfinite(quotes.discount[put])
    )
    put, call = put[is_pair], call[is_pair]
    group, strike, discount = quotes.group[put], quotes.strike[put], quotes.discount[put]
    low = strike + (quotes.bid[call] - quotes.ask[put]) / discount
    high = strike + (quotes.ask[call] - quotes.bid[put]) / discount
    weight = np.maximum(high - low, _LEAST_WIDTH_PTS) ** -1.0
    future = (low + high) / 2
    first = weighted_medians(group, future, weight, groups)
    is_near = _are_nearest(group, strike, first, rules)
    group, future, weight = group[is_near], future[is_near], weight[is_near]
    counts = np.bincount(group, minlength=groups)
    is_enough = counts >= rules.parity_least_pairs
    best_low, best_high = np.full(groups, -np.inf), np.full(groups, np.inf)
    np.maximum.at(best_low, group, low[is_near])
    np.minimum.at(best_high, group, high[is_near])
    return ParityEstimates(
        future=np.where(is_enough, weighted_medians(group, future, weight, groups), np.nan),
        low=np.where(is_enough, best_low, np.nan),
        high=np.where(is_enough, best_high, np.nan),
        strikes=counts,
    )


def weighted_medians(group: Numbers, values: Floats, weights: Floats, groups: int) -> Floats:
    """Weighted median of each group, interpolated between the two values around half of the weight.

    Each value stands at the middle of its weight. Arrays of one length; result of length ``groups``,
    NaN for a group without values.
    """
    result = np.full(groups, np.nan)
    if len(group) == 0:
        return result
    order = np.lexsort((values, group))
    group, values, weights = group[order], values[order], weights[order]
    total = np.bincount(group, weights=weights, minlength=groups)
    # Shares of each group's own total, so that a group of heavy weights costs another no digits.
    share = weights / total[group]
    running = np.cumsum(share)
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    before = np.zeros(groups)
    before[group[starts]] = running[starts] - share[starts]
    middle = running - before[group] - share / 2
    at, first = np.unique(group[middle >= 0.5], return_index=True)
    upper = np.flatnonzero(middle >= 0.5)[first]
    lower = np.where((upper > 0) & (group[upper - 1] == group[upper]), upper - 1, upper)
    gap = middle[upper] - middle[lower]
    part = np.divide(0.5 - middle[lower], gap, out=np.zeros(len(upper)), where=gap > 0)
    result[at] = values[lower] + part * (values[upper] - values[lower])
    # The last value's middle lies below one half only by rounding, or when its weight is all there is.
    last = np.r_[starts[1:], len(group)] - 1
    is_missing = np.isnan(result[group[last]])
    result[group[last][is_missing]] = values[last][is_missing]
    return result


def _are_nearest(group: Numbers, strike: Floats, future: Floats, rules: ChainRules) -> Flags:
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.abs(np.log(strike / future[group]))
    order = np.lexsort((distance, group))
    starts = np.flatnonzero(np.r_[True, group[order][1:] != group[order][:-1]]) if len(group) else order
    place = np.arange(len(group))
    place -= np.repeat(starts, np.diff(np.r_[starts, len(group)]))
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = place
    return np.asarray((rank < rules.parity_pairs) & (distance <= rules.parity_window_log))
