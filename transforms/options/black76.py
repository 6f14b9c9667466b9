"""Options on a future by Black (1976): value, sensitivities, and the volatility that a price implies.

Every function is elementwise over NumPy arrays (scalars broadcast) and answers NaN where its inputs have
no answer; none of them raises for a value. Volatilities are fractions a year, times are years, values,
futures and strikes are points. ``discount`` is the price today of one point paid at the settlement.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx, erfinv, log_ndtr, ndtr, ndtri

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

DAYS_A_YEAR = 365.0

_SQRT_TWO = np.sqrt(2.0)
_SQRT_TWO_PI = np.sqrt(2.0 * np.pi)
_LEAST_TOTAL_VOLATILITY = 1e-12
# Options at once: what lies between the steps then stays in the processor's cache.
_BLOCK = 8192
_LAST_STEP = 3e-5
_MOST_STEPS = 8
# Rounding must not put the root outside its bracket; the bracket is exact only at the money.
_BRACKET_SLACK = 1e-6
# A time value this small beside the option's largest possible value is rounding, not information.
_LEAST_VALUE_SHARE = 1e-15


class Greeks(NamedTuple):
    """Value and sensitivities, arrays of one shape; units as in the functions of this module.

    ``price`` in points, ``delta`` points a point, ``gamma`` delta a point, ``vega`` points for a volatility
    higher by 1.00, ``theta`` points a calendar day.
    """

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats


def compute_black76_price(
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    discount: npt.ArrayLike,
    is_call: npt.ArrayLike,
) -> Floats:
    """Value of European options on a future, in points.

    ``call = discount (F N(d1) - K N(d2))``, ``put = discount (K N(-d2) - F N(-d1))``,
    ``d1,2 = ln(F/K) / s +- s/2`` with ``s = volatility sqrt(years)``. With no volatility or no time left
    it is the discounted intrinsic value.

    Parameters
    ----------
    forward_pts, strike_pts
        Future of the option's own settlement date, and strike; positive.
    years, volatility_frac
        Not negative.
    discount
        Positive.
    is_call
        True for calls, False for puts.

    Returns
    -------
    Values in points, of the broadcast shape; NaN outside the ranges above.

    Source: Black (1976), The pricing of commodity contracts.
    """
    return _price(_terms(forward_pts, strike_pts, years, volatility_frac, discount, is_call))


def compute_black76_delta(
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    discount: npt.ArrayLike,
    is_call: npt.ArrayLike,
) -> Floats:
    """Change of the value for one point of the future: ``discount N(d1)``, for puts ``-discount N(-d1)``.

    Discounted, as Cboe publishes it: call and put of one strike differ by ``discount``, not by one.
    Parameters, shape and NaN as in `compute_black76_price`.
    """
    return _delta(_terms(forward_pts, strike_pts, years, volatility_frac, discount, is_call))


def compute_black76_vega(
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    discount: npt.ArrayLike,
) -> Floats:
    """Change of the value, in points, for a volatility higher by 1.00 (not by one percent).

    ``discount F n(d1) sqrt(years)``, the same for calls and puts. Parameters, shape and NaN as in
    `compute_black76_price`.
    """
    terms = _terms(forward_pts, strike_pts, years, volatility_frac, discount, True)
    return _vega(terms, _density(terms))


def compute_black76_gamma(
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    discount: npt.ArrayLike,
) -> Floats:
    """Change of the delta for one point of the future: ``discount n(d1) / (F s)``, the same for calls and puts.

    With no volatility or no time left it is 0 away from the money and NaN at ``K = F``, where it has no
    value. Parameters, shape and NaN otherwise as in `compute_black76_price`.
    """
    terms = _terms(forward_pts, strike_pts, years, volatility_frac, discount, True)
    return _gamma(terms, _density(terms))


def compute_black76_theta(
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    discount: npt.ArrayLike,
    is_call: npt.ArrayLike,
) -> Floats:
    """Change of the value for one calendar day that passes, in points, all else unchanged; mostly negative.

    ``(r value - discount F n(d1) volatility / (2 sqrt(years))) / 365`` with the continuous rate
    ``r = -ln(discount) / years``: time runs at constant future, volatility and rate. A rate: over the last days a
    whole day's loss is the difference of two values, not this. With no time left it is 0 away from the money for
    a discount of 1, else NaN. Parameters, shape and NaN otherwise as in `compute_black76_price`.
    """
    terms = _terms(forward_pts, strike_pts, years, volatility_frac, discount, is_call)
    return _theta(terms, _price(terms), _density(terms))


def compute_black76_greeks(
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    discount: npt.ArrayLike,
    is_call: npt.ArrayLike,
) -> Greeks:
    """Value and all sensitivities at once: each as the function of its own name gives it."""
    given = (forward_pts, strike_pts, years, volatility_frac, discount)
    columns = np.broadcast_arrays(*(np.asarray(values, float) for values in given), np.asarray(is_call, bool))
    made = np.empty((len(Greeks._fields), columns[0].size))
    flat = [column.reshape(-1) for column in columns]
    for start in range(0, made.shape[1], _BLOCK):
        some = slice(start, start + _BLOCK)
        made[:, some] = _compute_greeks(*(column[some] for column in flat))
    return Greeks(*(values.reshape(columns[0].shape) for values in made))


def _compute_greeks(*given: npt.ArrayLike) -> tuple[Floats, ...]:
    terms = _terms(*given)
    reached, density = ndtr(terms.sign * terms.d1), _density(terms)
    price = _price(terms, reached)
    return (
        price,
        _delta(terms, reached),
        _gamma(terms, density),
        _vega(terms, density),
        _theta(terms, price, density),
    )


def compute_implied_volatility(
    price_pts: npt.ArrayLike,
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    discount: npt.ArrayLike,
    is_call: npt.ArrayLike,
) -> Floats:
    """Volatility at which `compute_black76_price` gives the price, as a fraction a year.

    An option in the money is turned into its partner out of the money by put-call parity, so only time
    value is inverted. Solved for ``s = volatility sqrt(years)`` on the logarithm of the time value by
    Householder's steps of fourth order, mostly three of them, between two bounds that are tight at the money: from
    below, the ``s`` that would give this value at the money; from above, Tehranchi's. What a step would carry out of
    its bounds is left to SciPy's bracketing root finder.

    Returns
    -------
    Volatilities of the broadcast shape. NaN where none exists: an input missing, not finite or not positive; a price
    at or below the discounted intrinsic value, or at or above the largest one (``discount F`` for
    a call, ``discount K`` for a put). Out of the money the result is accurate to about 1e-14; in the money as
    far as the price still holds the time value.

    Source: Black (1976); Tehranchi (2016), Uniform bounds for Black-Scholes implied volatility; Jaeckel (2015), Let's
    be rational, for the steps on the logarithm and the scaled error function (the code is our own);
    Chandrupatla (1997), as implemented in ``scipy.optimize.elementwise.find_root``.
    """
    price, forward, strike, time, factor, call = np.broadcast_arrays(
        *(np.asarray(values, dtype=float) for values in (price_pts, forward_pts, strike_pts, years, discount)),
        np.asarray(is_call, dtype=bool),
    )
    result = np.full(price.shape, np.nan)
    with np.errstate(all="ignore"):
        is_open = (forward > 0) & (strike > 0) & (time > 0) & (factor > 0)
        is_open &= np.isfinite(price) & np.isfinite(forward) & np.isfinite(strike)
        is_open &= np.isfinite(time) & np.isfinite(factor)
        lower, upper = np.minimum(forward, strike), np.maximum(forward, strike)
        intrinsic = np.maximum(np.where(call, forward - strike, strike - forward), 0.0)
        share = (price / factor - intrinsic) / lower
        # At most rounding is left of a time value that is a difference of far larger numbers.
        noise = np.where(intrinsic > 0, 4 * np.finfo(float).eps * upper / lower, 0.0)
        is_open &= (share > noise) & (share < 1 - _LEAST_VALUE_SHARE)
        log_strike = np.log(upper / lower)
        is_open &= np.isfinite(log_strike) & (share * np.sqrt(lower / upper) > np.finfo(float).tiny)
        shares, log_strikes = share[is_open], log_strike[is_open]
        total = np.empty(len(shares))
        for start in range(0, len(shares), _BLOCK):
            some = slice(start, start + _BLOCK)
            total[some] = _total_volatility(shares[some], log_strikes[some])
        result[is_open] = total / np.sqrt(time[is_open])
    return result


def _total_volatility(share: Floats, log_strike: Floats) -> Floats:
    """``s`` of an option out of the money; ``share`` is its undiscounted value over the smaller of F and K."""
    value = share * np.exp(-log_strike / 2)
    log_value = np.log(value)
    least = np.maximum(2 * _SQRT_TWO * erfinv(value) * (1 - _BRACKET_SLACK), _LEAST_TOTAL_VOLATILITY)
    most = -2 * ndtri((1 - share) / (1 + np.exp(log_strike))) * (1 + _BRACKET_SLACK)
    most = np.maximum(most, 2 * _LEAST_TOTAL_VOLATILITY)
    total, given = np.sqrt((least * least + most * most) / 2), log_strike
    found = np.full(len(total), np.nan)
    places = np.arange(len(total))
    for _ in range(_MOST_STEPS):
        moved = total + _step(total, log_strike, log_value)
        is_inside = (moved > least) & (moved < most)
        moved = np.where(is_inside, moved, total)
        # The error after a step is of the order of the fourth power of the step: this one was the last.
        is_found = is_inside & (np.abs(moved - total) <= _LAST_STEP * total)
        found[places[is_found]] = moved[is_found]
        left = is_inside & ~is_found
        places, total, log_strike, log_value, least, most = (
            values[left] for values in (places, moved, log_strike, log_value, least, most)
        )
        if len(places) == 0:
            break
    is_left = np.isnan(found)
    if is_left.any():
        found[is_left] = _bracket(share[is_left], given[is_left])
    return found


def _step(total: Floats, log_strike: Floats, log_value: Floats) -> Floats:
    """Householder's step of fourth order towards the ``s`` whose value has this logarithm.

    With ``h = k / s`` and ``t = s / 2`` the value over ``sqrt(F K)`` is ``exp(-(h^2 + t^2) / 2) / 2`` times the
    difference of two scaled complementary error functions; neither of them vanishes on deep strikes.
    """
    h, t = log_strike / total, total / 2
    gap = erfcx((h - t) / _SQRT_TWO) - erfcx((h + t) / _SQRT_TWO)
    with np.errstate(all="ignore"):
        miss = np.log(gap / 2) - (h * h + t * t) / 2 - log_value
        slope = 2 / (_SQRT_TWO_PI * gap)
        # Second and third derivative of the value over its first; then of its logarithm.
        bend = h * h / total - total / 4
        twist = bend * bend - 3 * (h / total) ** 2 - 0.25
        second, third = bend - slope, twist - 3 * bend * slope + 2 * slope * slope
        newton = -miss / slope
        return np.asarray(newton * (1 + second * newton / 2) / (1 + newton * (second + third * newton / 6)))


def _bracket(share: Floats, log_strike: Floats) -> Floats:
    """As `_total_volatility`, by a bracketing search that always ends: for the few that leave their bracket."""
    from scipy.optimize import elementwise  # half a second, which printing positions does not need

    value = share * np.exp(-log_strike / 2)
    least = 2 * _SQRT_TWO * erfinv(value) * (1 - _BRACKET_SLACK)
    most = -2 * ndtri((1 - share) / (1 + np.exp(log_strike))) * (1 + _BRACKET_SLACK)
    found = elementwise.find_root(
        lambda total, log_strike, log_value: _log_value(total, log_strike) - log_value,
        (np.maximum(least, _LEAST_TOTAL_VOLATILITY), np.maximum(most, 2 * _LEAST_TOTAL_VOLATILITY)),
        args=(log_strike, np.log(value)),
        tolerances={"xrtol": 1e-15, "xatol": 0.0, "fatol": 0.0, "frtol": 0.0},
    )
    return np.asarray(np.where(found.success, found.x, np.nan))


def _log_value(total: Floats, log_strike: Floats) -> Floats:
    """Logarithm of the value over ``sqrt(F K)``: in logarithms deep strikes neither vanish nor cancel."""
    d1 = total / 2 - log_strike / total
    paid = log_ndtr(d1) - log_strike / 2
    owed = log_ndtr(d1 - total) + log_strike / 2
    # Where the two round to the same number the value is nothing, and its logarithm only has to be low.
    gap = np.minimum(owed - paid, -np.finfo(float).tiny)
    return np.asarray(paid + np.log(-np.expm1(gap)))


class _Terms(NamedTuple):
    forward: Floats
    strike: Floats
    discount: Floats
    years: Floats
    root_years: Floats
    volatility: Floats
    sign: Floats
    d1: Floats
    d2: Floats


def _terms(
    forward_pts: npt.ArrayLike,
    strike_pts: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility_frac: npt.ArrayLike,
    discount: npt.ArrayLike,
    is_call: npt.ArrayLike,
) -> _Terms:
    given = (forward_pts, strike_pts, years, volatility_frac, discount)
    forward, strike, time, volatility, factor, call = np.broadcast_arrays(
        *(np.asarray(values, dtype=float) for values in given), np.asarray(is_call, dtype=bool)
    )
    with np.errstate(all="ignore"):
        is_in_range = (forward > 0) & (strike > 0) & (time >= 0) & (volatility >= 0) & (factor > 0)
        for values in (forward, strike, time, volatility, factor):
            is_in_range &= np.isfinite(values)
        root_years = np.sqrt(np.where(is_in_range, time, np.nan))
        total = volatility * root_years
        log_moneyness = np.log(np.where(is_in_range, forward, np.nan) / strike)
        distance = np.where((log_moneyness == 0) & (total == 0), 0.0, log_moneyness / total)
    return _Terms(
        forward=np.where(is_in_range, forward, np.nan),
        strike=strike,
        discount=factor,
        years=time,
        root_years=root_years,
        volatility=volatility,
        sign=np.where(call, 1.0, -1.0),
        d1=distance + total / 2,
        d2=distance - total / 2,
    )


def _price(terms: _Terms, reached: Floats | None = None) -> Floats:
    sign = terms.sign
    paid = ndtr(sign * terms.d1) if reached is None else reached
    value = sign * (terms.forward * paid - terms.strike * ndtr(sign * terms.d2))
    # The difference of two large numbers can come out a rounding error below nothing.
    return np.asarray(terms.discount * np.maximum(value, 0.0))


def _delta(terms: _Terms, reached: Floats | None = None) -> Floats:
    return np.asarray(terms.discount * terms.sign * (ndtr(terms.sign * terms.d1) if reached is None else reached))


def _density(terms: _Terms) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(-(terms.d1**2) / 2) / _SQRT_TWO_PI)


def _gamma(terms: _Terms, density: Floats) -> Floats:
    total = terms.volatility * terms.root_years
    with np.errstate(divide="ignore", invalid="ignore"):
        open_gamma = terms.discount * density / (terms.forward * total)
    settled = np.where(np.isinf(terms.d1), 0.0, np.nan)
    return np.asarray(np.where(total == 0, settled, open_gamma))


def _vega(terms: _Terms, density: Floats) -> Floats:
    return np.asarray(terms.discount * terms.forward * density * terms.root_years)


def _theta(terms: _Terms, price: Floats, density: Floats) -> Floats:
    decay = terms.discount * terms.forward * density * terms.volatility
    with np.errstate(divide="ignore", invalid="ignore"):
        open_theta = (-np.log(terms.discount) * price / terms.years) - decay / (2 * terms.root_years)
    settled = np.where(np.isinf(terms.d1) & (terms.discount == 1), 0.0, np.nan)
    return np.asarray(np.where(terms.years == 0, settled, open_theta) / DAYS_A_YEAR)
