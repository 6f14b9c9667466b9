"""Which volatility each option of a frame is priced with, and where it came from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from transforms.options.black76 import Flags, Floats
from transforms.options.implied import compute_discount, compute_years_to_settlement
from transforms.options.model_surface import (
    PricingRules,
    Shape,
    SmilePoints,
    build_smile_points,
    compute_model_level,
    compute_skewed_volatility,
    compute_term_ratio,
    interpolate_smile,
    match_calibrations,
)
from transforms.options.surface import WING_DELTA

_KEYS = ["trade_date", "expiry_date"]
_NOT_TRUSTED = ("already_settled", "quotes_disagree")
# More than the days of any option: a session and its days make one number.
_DAYS_RANGE = 1_000_000


class Volatilities(NamedTuple):
    """Volatility of each option, NaN without one; exactly one of the sources `chain`, `calibrated_model`, `model`."""

    vol_frac: Floats
    is_chain: Flags
    is_calibrated: Flags


class _Levels(NamedTuple):
    """Volatilities at the money that the chain has, sorted by ``key`` (session and days)."""

    key: np.ndarray
    days: Floats
    years: Floats
    level: Floats


def compute_option_volatilities(
    options: pd.DataFrame,
    market: pd.DataFrame,
    quotes: pd.DataFrame | None,
    calibrations: pd.DataFrame | None,
    rules: PricingRules,
) -> Volatilities:
    """Choose a volatility for each option: the nearest to a traded price that exists.

    1. ``chain``: the smile of the option's own session and expiry, linear in ln(K) between two of its points.
       The points are the quotes out of the money; without those the market's volatilities at the money and at 25 delta.
    2. ``calibrated_model``: the same across a gap wider than the rules allow; and outside of that smile the
       volatility of its last point, carried on with the model's skew.
    3. ``calibrated_model``, for an expiry without a smile on a session with others: their volatilities at the money,
       linear in total variance between the two expiries around, else from the nearest with the term exponent; with the
       model's skew.
    4. ``calibrated_model``: the model on VVIX with the shape of the newest calibration in use.
    5. ``model``: the model on VVIX with the default shape.

    Parameters
    ----------
    options
        ``trade_date``, ``expiry_date``, ``strike_pts``, ``future_pts``, ``vvix_pts``, ``calendar_days_to_expiry``,
        ``years_to_expiry``, and ``group``: the row of its market, -1 without one.
    market, quotes, calibrations
        As `transforms.options.pricing.price_options`; the market with a ``group`` that counts its rows.
    """
    group = options["group"].to_numpy(dtype=np.int64)
    strike = options["strike_pts"].to_numpy(dtype=float)
    future = options["future_pts"].to_numpy(dtype=float)
    days = options["calendar_days_to_expiry"].to_numpy(dtype=float)
    years = options["years_to_expiry"].to_numpy(dtype=float)
    shape, is_calibrated = match_calibrations(options["trade_date"], calibrations, rules)
    level = compute_model_level(options["vvix_pts"].to_numpy(dtype=float), days, shape, rules)
    points = _chain_points(market, quotes)
    if len(points.group) == 0:
        return Volatilities(
            compute_skewed_volatility(level, future, strike, years, shape.skew_ratio, rules),
            np.zeros(len(options), dtype=bool),
            is_calibrated,
        )
    term_level = _level_from_other_expiries(_chain_levels(market, points), options, days, years, shape, rules)
    own = interpolate_smile(points, group, strike)
    has_smile = np.isfinite(own.volatility)
    is_inside = has_smile & (own.end_strike == strike)
    is_chain = is_inside & (own.gap_log <= rules.option_smile_widest_gap_log)
    anchor = np.where(np.isfinite(term_level), term_level, level)
    modelled = compute_skewed_volatility(anchor, future, strike, years, shape.skew_ratio, rules)
    # The end of the smile knows the level even where nothing else does.
    at_end = np.where(np.isfinite(anchor), anchor, own.volatility)
    here = compute_skewed_volatility(at_end, future, strike, years, shape.skew_ratio, rules)
    there = compute_skewed_volatility(at_end, future, own.end_strike, years, shape.skew_ratio, rules)
    with np.errstate(all="ignore"):
        carried_on = own.volatility * here / there
    volatility = np.where(is_inside, own.volatility, np.where(has_smile, carried_on, modelled))
    return Volatilities(volatility, is_chain, is_calibrated | (has_smile | np.isfinite(term_level)))


def calendar_days(frame: pd.DataFrame) -> Floats:
    """Days from ``trade_date`` to ``expiry_date``, whole numbers; NaN without either."""
    return np.asarray((frame["expiry_date"] - frame["trade_date"]).dt.days, dtype=np.float64)


def _chain_points(market: pd.DataFrame, quotes: pd.DataFrame | None) -> SmilePoints:
    is_trusted = np.ones(len(market), dtype=bool)
    if "expiry_status" in market:
        is_trusted = ~market["expiry_status"].isin(_NOT_TRUSTED).to_numpy(dtype=bool)
    points = build_smile_points([], [], [])
    if quotes is not None and len(quotes):
        usable = quotes.loc[
            quotes["is_out_of_the_money"].fillna(False).astype(bool) & quotes["implied_vol_frac"].notna(),
            [*_KEYS, "strike_pts", "implied_vol_frac"],
        ].astype(dict.fromkeys(_KEYS, "datetime64[us]"))
        usable = usable.merge(market.loc[is_trusted, [*_KEYS, "group"]], on=_KEYS, how="inner")
        points = build_smile_points(usable["group"], usable["strike_pts"], usable["implied_vol_frac"])
    wings = _wing_points(market, is_trusted & ~market["group"].isin(points.group).to_numpy(dtype=bool))
    if len(wings.group) == 0:
        return points
    return build_smile_points(
        np.concatenate([points.group, wings.group]),
        np.concatenate([points.strike, wings.strike]),
        np.concatenate([points.volatility, wings.volatility]),
    )


def _wing_points(market: pd.DataFrame, is_wanted: Flags) -> SmilePoints:
    """Points at the money and at 25 delta, their strikes from the deltas: ``K = F exp(s^2/2 - d1 s)``."""
    named = {"vol_25d_put_frac": -1.0, "atm_vol_frac": 0.0, "vol_25d_call_frac": 1.0}
    if "atm_vol_frac" not in market or not is_wanted.any():
        return build_smile_points([], [], [])
    rows = market[is_wanted & market["atm_vol_frac"].notna().to_numpy(dtype=bool)]
    days = calendar_days(rows)
    years = compute_years_to_settlement(days)
    discount = compute_discount(rows["bill_discount_rate_frac"].to_numpy(dtype=float), years)
    future = rows["future_pts"].to_numpy(dtype=float)
    groups, strikes, volatilities = [], [], []
    for name, side in named.items():
        if name not in rows:
            continue
        volatility = rows[name].to_numpy(dtype=float)
        with np.errstate(all="ignore"):
            total = volatility * np.sqrt(years)
            d1 = side * ndtri(WING_DELTA / discount)
            away = np.exp(total**2 / 2 - d1 * total) if side else 1.0
        groups.append(rows["group"].to_numpy(dtype=np.int64))
        strikes.append(future * away)
        volatilities.append(volatility)
    return build_smile_points(np.concatenate(groups), np.concatenate(strikes), np.concatenate(volatilities))


def _chain_levels(market: pd.DataFrame, points: SmilePoints) -> _Levels:
    future = market["future_pts"].to_numpy(dtype=float)
    found = interpolate_smile(points, market["group"].to_numpy(), future)
    # Beyond its ends a smile does not know the money.
    level = np.where(found.end_strike == future, found.volatility, np.nan)
    days = calendar_days(market)
    is_level = np.isfinite(level) & (days > 0)
    key = _session_key(market["trade_date"], days)[is_level]
    order = np.argsort(key, kind="stable")
    days, level = days[is_level][order], level[is_level][order]
    return _Levels(key[order], days, compute_years_to_settlement(days), level)


def _level_from_other_expiries(
    levels: _Levels, options: pd.DataFrame, days: Floats, years: Floats, shape: Shape, rules: PricingRules
) -> Floats:
    """Volatility at the money from the session's chain; NaN on a session without one."""
    size = len(levels.key)
    if size == 0:
        return np.full(len(options), np.nan)
    asked = _session_key(options["trade_date"], days)
    session = asked // _DAYS_RANGE
    at = np.searchsorted(levels.key, asked, side="left")
    upper, lower = np.minimum(at, size - 1), np.maximum(at - 1, 0)
    has_upper = (at < size) & (levels.key[upper] // _DAYS_RANGE == session)
    has_lower = (at > 0) & (levels.key[lower] // _DAYS_RANGE == session)
    with np.errstate(all="ignore"):
        near, far = (levels.level[row] ** 2 * levels.years[row] for row in (lower, upper))
        share = (years - levels.years[lower]) / (levels.years[upper] - levels.years[lower])
        between = np.sqrt((near * (1 - share) + far * share) / years)
        from_lower = levels.level[lower] * compute_term_ratio(levels.days[lower], days, shape.term_exponent, rules)
        from_upper = levels.level[upper] * compute_term_ratio(levels.days[upper], days, shape.term_exponent, rules)
    return np.select(
        [has_lower & has_upper, has_lower, has_upper],
        [between, from_lower, from_upper],
        np.nan,
    )


def _session_key(trade_date: pd.Series, days: Floats) -> np.ndarray:
    """One number for session and days to settlement; -1 where either is missing or the option has settled."""
    is_known = trade_date.notna().to_numpy(dtype=bool) & np.isfinite(days) & (days >= 0) & (days < _DAYS_RANGE)
    session = trade_date.to_numpy(dtype="datetime64[D]").astype("int64")
    return np.where(is_known, session * _DAYS_RANGE + np.where(is_known, days, 0).astype("int64"), -1)
