"""Listed strikes of a given delta."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from transforms.portfolio.pricing import value_options
from transforms.portfolio.settings import CondorSettings, Floats

_WIDEST_LOG = 3.0
# Halves the interval of six to less than rounding.
_HALVINGS = 60


def choose_strikes(
    spot_pts: Floats,
    days: Floats,
    term_level_frac: Floats,
    rate_frac: Floats,
    target_delta: npt.ArrayLike,
    is_call: npt.ArrayLike,
    settings: CondorSettings,
) -> Floats:
    """Find the listed strike whose delta is nearest to a target; of two as near, the one further from the money.

    The strike of exactly that delta is found by bisection; the listed strikes around it are compared. On this
    volatility a call's delta falls and a put's rises with the strike, so there is one such strike.

    Parameters
    ----------
    spot_pts, days, term_level_frac, rate_frac
        What `value_options` asks for; broadcast with the targets.
    target_delta
        Absolute delta, above 0 and below 0.5.

    Returns
    -------
    Strikes in points, of the broadcast shape; NaN where an input is or no strike is near such a delta.
    """
    spot, days, level, rate, target, call = np.broadcast_arrays(
        spot_pts, days, term_level_frac, rate_frac, np.asarray(target_delta, dtype=np.float64), np.asarray(is_call)
    )

    def gap(strike: Floats) -> Floats:
        delta = value_options(spot, strike, days, level, rate, call, settings).delta
        return np.asarray(np.abs(delta) - target)

    low, high = np.full(spot.shape, -_WIDEST_LOG), np.full(spot.shape, _WIDEST_LOG)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_above = (gap(spot * np.exp(middle)) < 0) != call  # the wanted strike is a higher one
        low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
    exact = spot * np.exp((low + high) / 2)
    steps = np.array([settings.strike_step_pts, settings.far_strike_step_pts]).reshape(2, *[1] * exact.ndim)
    candidates = np.concatenate([np.floor(exact / steps) * steps, np.ceil(exact / steps) * steps])
    with np.errstate(invalid="ignore", divide="ignore"):
        is_far = np.abs(np.log(candidates / spot)) > settings.far_from_log
        is_listed = (candidates > 0) & (~is_far | (candidates % settings.far_strike_step_pts == 0))
        distance = np.where(is_listed, np.abs(gap(candidates)), np.inf)
    distance = np.where(np.isnan(distance), np.inf, np.round(distance, 12))
    # Further from the money first, so that the first of the nearest is the one that is wanted.
    order = np.argsort(np.where(call, -candidates, candidates), axis=0, kind="stable")
    candidates, distance = (np.take_along_axis(values, order, axis=0) for values in (candidates, distance))
    nearest = np.argmin(distance, axis=0)[np.newaxis]
    found = np.take_along_axis(candidates, nearest, axis=0)[0]
    is_found = np.isfinite(np.take_along_axis(distance, nearest, axis=0)[0])
    return np.asarray(np.where(is_found & (np.abs((low + high) / 2) < _WIDEST_LOG * 0.99), found, np.nan))
