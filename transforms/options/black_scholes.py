"""European options on an index with a dividend yield by Black and Scholes (1973) and Merton (1973).

For the SPX legs of a condor, which are cash-settled and European. Every function is elementwise over NumPy arrays
and answers NaN where its inputs have no answer. Rates and yields are continuous fractions a year, times are
years, values, spot and strikes are points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from transforms.options.black76 import DAYS_A_YEAR, Floats, Greeks, compute_black76_greeks


def compute_index_forward(
    spot_pts: npt.ArrayLike, years: npt.ArrayLike, rate_frac: npt.ArrayLike, dividend_yield_frac: npt.ArrayLike
) -> Floats:
    """Forward of the index, in points: ``S exp((r - q) T)``; NaN for a missing input."""
    spot, time, rate, dividend = _floats(spot_pts, years, rate_frac, dividend_yield_frac)
    with np.errstate(all="ignore"):
        return np.asarray(spot * np.exp((rate - dividend) * time))


def compute_black_scholes_greeks(
    spot_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    rate_frac: npt.ArrayLike,
    dividend_yield_frac: npt.ArrayLike,
    is_call: npt.ArrayLike,
) -> Greeks:
    """Value and sensitivities of European options on an index.

    The value is Black-76 on the forward ``F = S exp((r - q) T)`` with the discount ``exp(-r T)``, so that a call
    is ``S exp(-q T) N(d1) - K exp(-r T) N(d2)``.

    Parameters
    ----------
    spot_pts, strike_pts
        Index and strike; positive.
    years, volatility_frac
        Not negative.
    rate_frac, dividend_yield_frac
        Continuous; of any sign.
    is_call
        True for calls, False for puts.

    Returns
    -------
    ``price`` in points; ``delta`` and ``gamma`` for one point of the **index**: ``exp(-q T) N(d1)``, and
    ``exp(-q T) n(d1) / (S s)``; ``vega`` for a volatility higher by 1.00; ``theta`` a calendar day,
    at constant index, volatility, rate and yield. NaN outside the ranges above; gamma and theta
    without volatility or time left as in `transforms.options.black76`.

    Source: Black and Scholes (1973), The pricing of options and corporate liabilities; Merton (1973), Theory of
    rational option pricing.
    """
    spot, strike, time, volatility, rate, dividend = _floats(
        spot_pts, strike_pts, years, volatility_frac, rate_frac, dividend_yield_frac
    )
    forward = compute_index_forward(spot, time, rate, dividend)
    with np.errstate(all="ignore"):
        growth = forward / spot
        discount = np.exp(-rate * time)
    on_forward = compute_black76_greeks(forward, strike, time, volatility, discount, is_call)
    with np.errstate(all="ignore"):
        # As time passes at constant index, the forward loses (r - q) F a year.
        theta = on_forward.theta - (rate - dividend) * forward * on_forward.delta / DAYS_A_YEAR
        return Greeks(
            price=on_forward.price,
            delta=on_forward.delta * growth,
            gamma=on_forward.gamma * growth**2,
            vega=on_forward.vega,
            theta=theta,
        )


def compute_black_scholes_price(
    spot_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    rate_frac: npt.ArrayLike,
    dividend_yield_frac: npt.ArrayLike,
    is_call: npt.ArrayLike,
) -> Floats:
    """Value of European options on an index, in points: see `compute_black_scholes_greeks`."""
    terms = (spot_pts, strike_pts, years, volatility_frac, rate_frac, dividend_yield_frac)
    return compute_black_scholes_greeks(*terms, is_call).price


def _floats(*values: npt.ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in values)))
