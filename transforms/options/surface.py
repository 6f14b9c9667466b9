"""Volatility at the money, 25-delta skew, and the term structure of volatility across expiries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from transforms.options.black76 import Flags, Floats
from transforms.options.quotes import Numbers
from transforms.options.rules import ChainRules

WING_DELTA = 0.25


class Smile(NamedTuple):
    """Usable options out of the money with a volatility, sorted by expiry group and strike.

    ``log_moneyness`` is ln(K/F): puts at or below 0, calls above.
    """

    group: Numbers
    log_moneyness: Floats
    is_call: Flags
    volatility: Floats
    delta: Floats


def compute_atm_volatility(smile: Smile, groups: int, rules: ChainRules) -> Floats:
    """Volatility at ``K = F``: linear in ln(K/F) between the nearest put below and the nearest call above.

    NaN without both, or with the two strikes further apart than ``rules.atm_widest_gap_log``. One fraction a
    year for each group.
    """
    result = np.full(groups, np.nan)
    group, distance = smile.group, smile.log_moneyness
    below = np.flatnonzero((group[1:] == group[:-1]) & (distance[:-1] <= 0) & (distance[1:] > 0))
    gap = distance[below + 1] - distance[below]
    below, gap = below[gap <= rules.atm_widest_gap_log], gap[gap <= rules.atm_widest_gap_log]
    share = -distance[below] / gap
    result[group[below]] = smile.volatility[below] * (1 - share) + smile.volatility[below + 1] * share
    return result


def compute_wing_volatility(smile: Smile, groups: int, rules: ChainRules, *, is_call: bool) -> Floats:
    """Volatility of the option with 25 delta, linear in delta between the two strikes around it.

    Going away from the money, the first strike with a delta of at most 0.25 and the one before it. NaN where the wing
    does not reach so far, begins beyond it, or the two deltas differ by more than ``rules.delta_widest_gap``.
    """
    result = np.full(groups, np.nan)
    side = np.flatnonzero(smile.is_call == is_call)
    if not is_call:
        side = side[np.lexsort((-smile.log_moneyness[side], smile.group[side]))]
    group, delta, volatility = smile.group[side], np.abs(smile.delta[side]), smile.volatility[side]
    reached = np.flatnonzero(delta <= WING_DELTA)
    at, first = np.unique(group[reached], return_index=True)
    outer = reached[first]
    inner = outer - 1
    is_inside = (inner >= 0) & (group[inner] == at)
    at, outer, inner = at[is_inside], outer[is_inside], inner[is_inside]
    gap = delta[inner] - delta[outer]
    is_close = gap <= rules.delta_widest_gap
    at, outer, inner, gap = at[is_close], outer[is_close], inner[is_close], gap[is_close]
    share = (delta[inner] - WING_DELTA) / gap
    result[at] = volatility[inner] * (1 - share) + volatility[outer] * share
    return result


def fit_term_exponent(expiries: pd.DataFrame, rules: ChainRules) -> pd.DataFrame:
    """Fit ``sigma(T) = sigma30 (30 / days)^eta`` for each session: least squares of ln sigma on ln(days / 30).

    Parameters
    ----------
    expiries
        ``trade_date``, ``calendar_days_to_expiry``, ``atm_vol_frac``; monthlies and weeklies alike, each with
        the same weight.

    Returns
    -------
    One row a session, index ``trade_date``: ``chain_term_exponent`` (eta, positive when short expiries are the more
    volatile), ``chain_term_vol30_frac``, ``chain_term_r2_frac``, ``chain_term_expiries`` (how many were fitted).
    With fewer than ``rules.term_least_expiries`` the first three are NaN; ``chain_term_r2_frac`` also where all
    volatilities are equal.
    """
    days = expiries["calendar_days_to_expiry"]
    is_used = days.between(rules.term_least_days, rules.term_most_days) & (expiries["atm_vol_frac"] > 0)
    points = pd.DataFrame(
        {
            "trade_date": expiries["trade_date"],
            "x": np.log(days.where(is_used) / 30.0),
            "y": np.log(expiries["atm_vol_frac"].where(is_used)),
        }
    )
    by_session = points.groupby("trade_date", sort=True)
    means = by_session[["x", "y"]].transform("mean")
    dx, dy = points["x"] - means["x"], points["y"] - means["y"]
    sums = pd.DataFrame({"xx": dx * dx, "xy": dx * dy, "yy": dy * dy}).groupby(points["trade_date"]).sum()
    mean = by_session[["x", "y"]].mean()
    count = by_session["x"].count()
    is_enough = (count >= rules.term_least_expiries) & (sums["xx"] > 0)
    slope = (sums["xy"] / sums["xx"].where(sums["xx"] > 0)).where(is_enough)
    fitted = slope * sums["xy"] / sums["yy"].where(sums["yy"] > 0)
    return pd.DataFrame(
        {
            "chain_term_exponent": -slope,
            "chain_term_vol30_frac": np.exp(mean["y"] - slope * mean["x"]),
            "chain_term_r2_frac": fitted.clip(0.0, 1.0),
            "chain_term_expiries": count.astype("int64"),
        }
    )


def compute_constant_maturity(
    expiries: pd.DataFrame, column: str, rules: ChainRules, *, in_total_variance: bool
) -> pd.Series:
    """Value at ``rules.target_days`` for each session, between the two expiries around it.

    Parameters
    ----------
    expiries
        ``trade_date``, ``years_to_expiry`` and the column.
    in_total_variance
        True: the column is a volatility, and ``sigma^2 T`` is taken as linear in time; else the column itself is.

    Returns
    -------
    Indexed by ``trade_date``, only sessions with an answer: never beyond the listed range.
    """
    target = rules.target_days / 365.0
    known = expiries.loc[expiries[column].notna(), ["trade_date", "years_to_expiry", column]]
    known = known.rename(columns={"years_to_expiry": "years", column: "value"})
    if in_total_variance:
        known["value"] = known["value"] ** 2 * known["years"]
    known = known.sort_values(["trade_date", "years"])
    nearer = known[known["years"] <= target].groupby("trade_date").tail(1).set_index("trade_date")
    further = known[known["years"] >= target].groupby("trade_date").head(1).set_index("trade_date")
    both = nearer.add_suffix("_near").join(further.add_suffix("_far"), how="inner")
    gap = both["years_far"] - both["years_near"]
    share = ((target - both["years_near"]) / gap.where(gap > 0)).fillna(0.0)
    value = both["value_near"] * (1 - share) + both["value_far"] * share
    return np.sqrt(value / target) if in_total_variance else value
