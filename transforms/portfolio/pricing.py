"""Value and sensitivities of SPX options on the VIX-based volatility, for the model condor and a user's legs alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from transforms.options.black76 import DAYS_A_YEAR, Greeks
from transforms.options.black_scholes import compute_black_scholes_greeks
from transforms.options.implied import compute_discount
from transforms.portfolio.settings import CondorSettings, Floats
from transforms.portfolio.volatility import compute_leg_volatility


def compute_continuous_rate(bill_discount_rate_frac: npt.ArrayLike) -> Floats:
    """Continuous rate a year from the 91-day bill's discount rate (see `compute_discount`); NaN without one."""
    rates = np.asarray(bill_discount_rate_frac, dtype=np.float64)
    return np.asarray(-np.log(compute_discount(rates, np.ones_like(rates))))


def value_options(
    spot_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    days: npt.ArrayLike,
    term_level_frac: npt.ArrayLike,
    rate_frac: npt.ArrayLike,
    is_call: npt.ArrayLike,
    settings: CondorSettings,
) -> Greeks:
    """Value one SPX option by Black-Scholes on the VIX-based volatility; elementwise.

    Parameters
    ----------
    spot_pts, strike_pts
        Index and strike, points.
    days
        Calendar days to the close of the expiry; a year has 365.
    term_level_frac
        VIX term structure at those days, from `compute_vix_term_level`.
    rate_frac
        Continuous rate a year.
    is_call
        True for calls.

    Returns
    -------
    Per option and per point of the index, as `compute_black_scholes_greeks`: vega for a volatility higher by 1.00,
    theta for one calendar day. Delta and gamma hold the option's own volatility, theta the level of the day.
    NaN where an input is missing.
    """
    spot, strike = np.asarray(spot_pts, dtype=np.float64), np.asarray(strike_pts, dtype=np.float64)
    with np.errstate(all="ignore"):
        volatility = compute_leg_volatility(np.log(strike / spot), term_level_frac, settings)
    years = np.asarray(days, dtype=np.float64) / DAYS_A_YEAR
    return compute_black_scholes_greeks(
        spot, strike, years, volatility, rate_frac, settings.dividend_yield_frac, is_call
    )
