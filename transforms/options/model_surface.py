"""Volatility of a VIX option: from the session's chain where there is one, else from VVIX by a model.

The model is ``sigma(K, T) = sigma(T) (1 + skew ln(K/F))`` with ``sigma(T) = level VVIX/100 (30/days)^eta``. The
chain gives points of a smile by expiry and strike. Nothing here prices an option, and nothing is filled: a
volatility without its inputs is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.options.black76 import Flags, Floats
from transforms.options.quotes import Numbers

MODEL_DAYS = 30.0
"""Days for which VVIX stands."""


@dataclass(frozen=True)
class PricingRules:
    """Numbers of the pricing; each is also a parameter of `transforms/parameters.toml` with its provenance.

    Attributes
    ----------
    option_term_exponent, option_term_exponent_lowest, option_term_exponent_highest
        eta, and the range in which a calibrated one is held. Up to 0.5 total variance does not fall with time.
    option_skew_ratio, option_skew_ratio_highest
        Slope of volatility in ln(K/F), relative to the volatility at the money; a calibrated one is held
        between 0 and the highest.
    option_skew_reach_log
        Up to this |ln(K/F)| the model's volatility is linear in it; further away its slope fades, without a corner,
        so that it changes by at most as much again.
    option_skew_most_slope
        Bound of the slope of ``sigma sqrt(T)`` in ln(K/F): what keeps the model free of arbitrage between strikes.
    option_skew_least_ratio
        The model's volatility is at least this share of that at the money.
    option_level_ratio
        Volatility at the money for 30 days, over VVIX/100.
    option_term_least_days
        Fewer days than this count as this many in the term structure.
    option_vol_band_frac, option_chain_vol_band_frac
        Half width of the band, as a share of the volatility: of the model, and of the chain.
    option_smile_widest_gap_log
        How far apart, in ln K, the two points of the chain around a strike may be for its volatility to be the chain's.
    option_front_least_days
        Calendar days that a front-month option has left at least.
    option_strike_delta_limit
        How far the delta of a listed strike may be from the one asked for.
    """

    option_term_exponent: float = 0.4
    option_term_exponent_lowest: float = 0.3
    option_term_exponent_highest: float = 0.5
    option_skew_ratio: float = 0.5
    option_skew_ratio_highest: float = 1.5
    option_skew_reach_log: float = 1.0
    option_skew_most_slope: float = 0.25
    option_skew_least_ratio: float = 0.25
    option_level_ratio: float = 1.0
    option_term_least_days: float = 7.0
    option_vol_band_frac: float = 0.2
    option_chain_vol_band_frac: float = 0.05
    option_smile_widest_gap_log: float = 0.5
    option_front_least_days: float = 7.0
    option_strike_delta_limit: float = 0.05


DEFAULT_PRICING_RULES = PricingRules()


def build_pricing_rules(parameters: Mapping[str, float]) -> PricingRules:
    """Take the rules from named parameters (as ``ref.parameters``); others are ignored.

    Raises
    ------
    KeyError
        If one is missing: there are no silent defaults.
    """
    return PricingRules(**{field.name: float(parameters[field.name]) for field in fields(PricingRules)})


class Shape(NamedTuple):
    """Numbers of the model, each an array over the options or one for all."""

    term_exponent: Floats
    skew_ratio: Floats
    level_ratio: Floats


class SmilePoints(NamedTuple):
    """Points of smiles, sorted by ``group`` (an expiry of a session) and ``strike``, unique by the two."""

    group: Numbers
    strike: Floats
    volatility: Floats


class SmileAnswer(NamedTuple):
    """Volatility of the smile at a strike, or at its nearest end.

    ``end_strike`` is the strike itself inside of the smile, else that of the nearest point; ``gap_log`` how far apart
    the two points around it are, in ln K. All NaN for a group without points.
    """

    volatility: Floats
    end_strike: Floats
    gap_log: Floats


def default_shape(rules: PricingRules, size: int) -> Shape:
    """Return the shape of the rules for ``size`` options."""
    numbers = (rules.option_term_exponent, rules.option_skew_ratio, rules.option_level_ratio)
    return Shape(*(np.full(size, number) for number in numbers))


def match_calibrations(
    trade_dates: pd.Series, calibrations: pd.DataFrame | None, rules: PricingRules
) -> tuple[Shape, Flags]:
    """Shape in use on each session: the newest calibration used from then or before, else the defaults.

    Parameters
    ----------
    trade_dates
        Sessions, datetime64, in any order.
    calibrations
        ``used_from_date`` (datetime64, unique), ``term_exponent``, ``skew_ratio``, and optionally
        ``level_ratio``. A row with a missing number is passed over; numbers are held in the range of the rules.

    Returns
    -------
    The shape, and where it was calibrated; arrays over the sessions as given.
    """
    shape = default_shape(rules, len(trade_dates))
    if calibrations is None or calibrations.empty or not len(trade_dates):
        return shape, np.zeros(len(trade_dates), dtype=bool)
    known = calibrations.reindex(columns=["used_from_date", "term_exponent", "skew_ratio", "level_ratio"])
    known = known.astype({"used_from_date": "datetime64[us]"} | dict.fromkeys(known.columns[1:], "float64"))
    if "level_ratio" not in calibrations:
        known["level_ratio"] = rules.option_level_ratio
    numbers = known[["term_exponent", "skew_ratio", "level_ratio"]].to_numpy()
    is_usable = np.isfinite(numbers).all(axis=1) & (numbers[:, 2] > 0) & known["used_from_date"].notna().to_numpy()
    known = known[is_usable].sort_values("used_from_date")
    at = np.searchsorted(
        known["used_from_date"].to_numpy(dtype="datetime64[us]"),
        trade_dates.to_numpy(dtype="datetime64[us]"),
        side="right",
    )
    is_calibrated = (at > 0) & trade_dates.notna().to_numpy()
    row = at[is_calibrated] - 1
    exponent = known["term_exponent"].to_numpy()[row]
    skew = known["skew_ratio"].to_numpy()[row]
    shape.term_exponent[is_calibrated] = np.clip(
        exponent, rules.option_term_exponent_lowest, rules.option_term_exponent_highest
    )
    shape.skew_ratio[is_calibrated] = np.clip(skew, 0.0, rules.option_skew_ratio_highest)
    shape.level_ratio[is_calibrated] = known["level_ratio"].to_numpy()[row]
    return shape, is_calibrated


def compute_model_level(
    vvix_pts: npt.ArrayLike, calendar_days: npt.ArrayLike, shape: Shape, rules: PricingRules
) -> Floats:
    """Volatility at the money: ``level VVIX/100 (30/days)^eta``, a fraction a year.

    Parameters
    ----------
    vvix_pts
        VVIX of the session; NaN, 0 or less gives NaN.
    calendar_days
        To the settlement date; fewer than ``option_term_least_days`` count as so many.
    """
    vvix = np.asarray(vvix_pts, dtype=float)
    with np.errstate(invalid="ignore"):
        term = compute_term_ratio(MODEL_DAYS, calendar_days, shape.term_exponent, rules)
        return np.asarray(np.where((vvix > 0) & np.isfinite(vvix), shape.level_ratio * vvix / 100 * term, np.nan))


def compute_term_ratio(
    from_days: npt.ArrayLike, to_days: npt.ArrayLike, exponent: Floats, rules: PricingRules
) -> Floats:
    """Ratio of the volatilities at the money of two terms: ``(from / to)^eta``, days at least the rules' least."""
    least = rules.option_term_least_days
    start = np.maximum(np.asarray(from_days, dtype=float), least)
    end = np.maximum(np.asarray(to_days, dtype=float), least)
    return np.asarray((start / end) ** exponent)


def compute_skewed_volatility(
    level_frac: npt.ArrayLike,
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    skew_ratio: npt.ArrayLike,
    rules: PricingRules,
) -> Floats:
    """Volatility at a strike: ``level (1 + skew k)`` with ``k = ln(K/F)``, a fraction a year.

    Linear for ``|k|`` up to ``R = option_skew_reach_log``; beyond, ``|k|`` is replaced by
    ``R (2 - exp(1 - |k|/R))``, which goes on with the same slope and fades to ``2 R``. The slope in
    ``sigma sqrt(T)`` is held within ``option_skew_most_slope``; the result is at least
    ``option_skew_least_ratio`` of the level. So bounded, calls fall with the strike and no butterfly has a negative
    price (tested on the listed strikes). NaN without an input or with a forward or strike that is not positive.
    """
    level, forward, strike, time, skew = (
        np.asarray(values, dtype=float) for values in (level_frac, forward_pts, strike_pts, years, skew_ratio)
    )
    reach = rules.option_skew_reach_log
    with np.errstate(all="ignore"):
        distance = np.log(strike / forward)
        size = np.abs(distance)
        # A corner at the end of the linear part would price a butterfly there below nothing.
        size = np.where(size > reach, reach * (2 - np.exp(1 - size / reach)), size)
        distance = np.copysign(size, distance)
        most = rules.option_skew_most_slope / (level * np.sqrt(np.maximum(time, 0.0)))
        ratio = 1 + np.minimum(skew, most) * distance
        result = level * np.maximum(ratio, rules.option_skew_least_ratio)
        is_known = np.isfinite(result) & (result > 0) & (forward > 0) & (strike > 0)
        return np.asarray(np.where(is_known, result, np.nan))


def build_smile_points(group: npt.ArrayLike, strike: npt.ArrayLike, volatility: npt.ArrayLike) -> SmilePoints:
    """Sort points into smiles. Points without a strike or volatility are left out; equal strikes are averaged.

    ``group`` numbers the smiles; a negative one leaves the point out.
    """
    frame = pd.DataFrame(
        {
            "group": np.asarray(group, dtype=np.int64),
            "strike": np.asarray(strike, dtype=float),
            "volatility": np.asarray(volatility, dtype=float),
        }
    )
    is_point = (frame["group"] >= 0) & (frame["strike"] > 0) & (frame["volatility"] > 0)
    is_point &= np.isfinite(frame["strike"]) & np.isfinite(frame["volatility"])
    frame = frame[is_point].groupby(["group", "strike"], sort=True, as_index=False)["volatility"].mean()
    return SmilePoints(
        frame["group"].to_numpy(dtype=np.int64), frame["strike"].to_numpy(), frame["volatility"].to_numpy()
    )


def interpolate_smile(points: SmilePoints, group: npt.ArrayLike, strike: npt.ArrayLike) -> SmileAnswer:
    """Volatility at strikes, linear in ln(K) between the two points around; outside that of the nearest point."""
    asked, strikes = np.asarray(group, dtype=np.int64), np.asarray(strike, dtype=float)
    size = len(points.group)
    if size == 0 or len(asked) == 0:
        return SmileAnswer(*(np.full(asked.shape, np.nan) for _ in range(3)))
    first = np.searchsorted(points.group, asked, side="left")
    last = np.searchsorted(points.group, asked, side="right") - 1
    has_points = (first <= last) & (strikes > 0)
    # One search in all smiles at once: points and questions are ranked together by group and strike.
    is_question = np.arange(size + len(asked)) >= size
    order = np.lexsort((is_question, np.concatenate([points.strike, strikes]), np.concatenate([points.group, asked])))
    passed = np.cumsum(~is_question[order])
    below = np.empty(len(asked), dtype=np.int64)
    below[order[is_question[order]] - size] = passed[is_question[order]] - 1
    # A group without points is given any, and its answer thrown away.
    first, last = np.minimum(first, size - 1), np.maximum(last, 0)
    lower, upper = (np.clip(at, first, np.maximum(first, last)) for at in (below, below + 1))
    low, high = points.strike[lower], points.strike[upper]
    with np.errstate(all="ignore"):
        gap = np.log(high / low)
        share = np.where(gap > 0, np.log(np.clip(strikes, low, high) / low) / gap, 0.0)
    found = points.volatility[lower] * (1 - share) + points.volatility[upper] * share
    end = np.clip(strikes, points.strike[first], points.strike[np.maximum(first, last)])
    return SmileAnswer(*(np.where(has_points, values, np.nan) for values in (found, end, gap)))
