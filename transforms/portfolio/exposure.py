"""What the protected portfolio gains and loses for one point of the index or of the VIX, whatever it is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from transforms.portfolio.book import OptionLeg
from transforms.portfolio.pricing import compute_continuous_rate, value_options
from transforms.portfolio.settings import CondorSettings
from transforms.portfolio.volatility import compute_vix_term_level

Source = Literal["model_condor", "book_legs", "book_greeks"]


@dataclass(frozen=True, kw_only=True)
class SpxMarket:
    """What is known of one session. Points, and the bill's discount rate as a fraction; None is not published."""

    trade_date: date
    spx_close_pts: float | None
    vix_close_pts: float | None
    vix9d_close_pts: float | None
    vix3m_close_pts: float | None
    bill_discount_rate_frac: float | None


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """The portfolio after the close of a session; signs are the holder's, None is not known.

    Attributes
    ----------
    source
        The simulated condor, the user's legs, or the greeks the user stated.
    mark_usd
        What closing it would bring; negative while it would cost money.
    delta_usd_per_pt, gamma_usd_per_pt2
        Dollars for one point of the S&P 500, and the change of that.
    vega_usd_per_vol_pt
        Dollars for every leg's volatility higher by one percentage point.
    vega_usd_per_vix_pt
        Dollars for a VIX term structure higher by one point throughout.
    theta_usd_per_day
        Dollars for one calendar day.
    """

    trade_date: date
    source: Source
    mark_usd: float | None = None
    delta_usd_per_pt: float | None = None
    gamma_usd_per_pt2: float | None = None
    vega_usd_per_vol_pt: float | None = None
    vega_usd_per_vix_pt: float | None = None
    theta_usd_per_day: float | None = None


def compute_protected_vega_usd(exposure: Exposure) -> float | None:
    """Return the vega that the hedge offsets: dollars the portfolio loses for one point of the VIX.

    ``max(-vega_usd_per_vix_pt, 0)``, not the absolute value: once the index has gone through a short strike the bought
    wing outweighs it and the condor gains from volatility (in March 2020, for most of the month). To offset that would
    double it. None where the vega is not known, which is not 0.
    """
    vega = exposure.vega_usd_per_vix_pt
    return None if vega is None else max(-vega, 0.0)


def exposure_of_condor(session: pd.Series) -> Exposure:
    """Take the exposure from one row of the sessions of `simulate_condor`."""
    names = [name for name in Exposure.__dataclass_fields__ if name not in ("trade_date", "source")]
    return Exposure(
        trade_date=pd.Timestamp(session["trade_date"]).date(),
        source="model_condor",
        **{name: _number(session[name]) for name in names},
    )


def exposure_of_greeks(
    trade_date: date, net_vega_usd: float, net_delta_usd: float | None, settings: CondorSettings
) -> Exposure:
    """Take the exposure from greeks that the user states, as brokers show them.

    Parameters
    ----------
    net_vega_usd
        Dollars for one point of volatility; turned into dollars for one point of the VIX by ``atm_to_vix_ratio``.
    net_delta_usd
        Dollars for one point of the S&P 500.
    """
    return Exposure(
        trade_date=trade_date,
        source="book_greeks",
        delta_usd_per_pt=net_delta_usd,
        vega_usd_per_vol_pt=net_vega_usd,
        vega_usd_per_vix_pt=net_vega_usd * settings.atm_to_vix_ratio,
    )


def compute_legs_exposure(legs: Sequence[OptionLeg], market: SpxMarket, settings: CondorSettings) -> Exposure:
    """Value the user's SPX legs as the model condor's are.

    Legs that expire on or before the session count nothing any more. Without index, VIX or bill rate nothing is known.

    Returns
    -------
    Exposure
        All numbers, or none.
    """
    open_legs = [leg for leg in legs if leg.expiry_date > market.trade_date]
    days = np.array([(leg.expiry_date - market.trade_date).days for leg in open_legs], dtype=np.float64)
    quantity = np.array([leg.quantity for leg in open_legs], dtype=np.float64) * settings.multiplier_usd
    spot, vix, vix9d, vix3m = (
        _level(value)
        for value in (market.spx_close_pts, market.vix_close_pts, market.vix9d_close_pts, market.vix3m_close_pts)
    )
    rate = compute_continuous_rate(_none_is_nan(market.bill_discount_rate_frac))
    values = value_options(
        np.full(len(open_legs), spot),
        np.array([leg.strike_pts for leg in open_legs]),
        days,
        compute_vix_term_level(days, vix, vix9d, vix3m),
        rate,
        np.array([leg.right == "C" for leg in open_legs], dtype=bool),
        settings,
    )
    sums = [float((value * quantity).sum()) for value in values]
    if not math.isfinite(spot + vix + float(rate)) or not all(math.isfinite(value) for value in sums):
        return Exposure(trade_date=market.trade_date, source="book_legs")
    mark, delta, gamma, vega, theta = sums
    return Exposure(
        trade_date=market.trade_date,
        source="book_legs",
        mark_usd=mark,
        delta_usd_per_pt=delta,
        gamma_usd_per_pt2=gamma,
        vega_usd_per_vol_pt=vega / 100,
        vega_usd_per_vix_pt=vega / 100 * settings.atm_to_vix_ratio,
        theta_usd_per_day=theta,
    )


def compute_largest_loss_usd(legs: Sequence[OptionLeg], multiplier_usd: float) -> float | None:
    """Return the most that holding the legs to their expiries can cost from here, in dollars, at least 0.

    For each expiry the lowest payoff over all index levels; expiries are added up as if each met its own worst, which
    is exact for a single one. What was received for the legs is not in it. None where it has no bound: more calls sold
    than bought in one expiry.
    """
    total = 0.0
    for expiry in sorted({leg.expiry_date for leg in legs}):
        held = [leg for leg in legs if leg.expiry_date == expiry]
        if sum(leg.quantity for leg in held if leg.right == "C") < 0:
            return None
        # The payoff is straight between strikes: its lowest point is at one of them, or at an index of nothing.
        kinks = np.array([0.0, *(leg.strike_pts for leg in held)])
        sign = np.array([1.0 if leg.right == "C" else -1.0 for leg in held])
        strikes, quantity = np.array([leg.strike_pts for leg in held]), np.array([leg.quantity for leg in held])
        payoff = (np.maximum(sign * (kinks[:, None] - strikes), 0.0) * quantity).sum(axis=1)
        total += max(-float(payoff.min()), 0.0) * multiplier_usd
    return total


def _level(value: float | None) -> float:
    return float(value) if value is not None and value > 0 else math.nan


def _none_is_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _number(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
