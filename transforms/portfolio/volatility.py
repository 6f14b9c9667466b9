"""Volatility of SPX options from the VIX indices: a level for each number of days, and a linear skew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from transforms.portfolio.settings import CondorSettings, Floats

VIX9D_DAYS, VIX_DAYS, VIX3M_DAYS = 9.0, 30.0, 93.0
"""Calendar days that the indices look ahead (Cboe volatility index methodology; VIX3M: three months)."""


def compute_vix_term_level(
    days: npt.ArrayLike, vix_pts: npt.ArrayLike, vix9d_pts: npt.ArrayLike, vix3m_pts: npt.ArrayLike
) -> Floats:
    """Level of the VIX term structure at a number of calendar days, as a fraction a year.

    Total variance is linear in time between VIX9D (9 days), VIX (30) and VIX3M (93); the volatility is flat below the
    first and above the last. Without VIX9D it is flat below 30 days, without VIX3M above.

    Parameters
    ----------
    days
        Calendar days.
    vix_pts, vix9d_pts, vix3m_pts
        Closes of one session, points; NaN or not positive is not published.

    Returns
    -------
    The broadcast shape; NaN without VIX.
    """
    days, vix, near, far = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (days, vix_pts, vix9d_pts, vix3m_pts))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        vix = np.where((vix > 0) & np.isfinite(vix), vix, np.nan)
        near = np.where((near > 0) & np.isfinite(near), near, vix)
        far = np.where((far > 0) & np.isfinite(far), far, vix)
        below = _between(days, VIX9D_DAYS, near, VIX_DAYS, vix)
        above = _between(days, VIX_DAYS, vix, VIX3M_DAYS, far)
        return np.asarray(np.where(days <= VIX_DAYS, below, above) / 100 + 0 * vix)


def compute_leg_volatility(
    log_moneyness: npt.ArrayLike, term_level_frac: npt.ArrayLike, settings: CondorSettings
) -> Floats:
    """Volatility of an option by strike: ``max(ratio x level + slope x ln(K/S), least)``, a fraction a year.

    The slope is the same for every number of days and every level: at a VIX of 80 it tilts no more than at 12.

    Parameters
    ----------
    log_moneyness
        ``ln(K/S)``.
    term_level_frac
        From `compute_vix_term_level`.
    """
    level = settings.atm_to_vix_ratio * np.asarray(term_level_frac, dtype=np.float64)
    tilted = level + settings.skew_slope * np.asarray(log_moneyness, dtype=np.float64)
    return np.asarray(np.maximum(tilted, settings.least_volatility_frac))  # of NaN: NaN


def _between(days: Floats, first_days: float, first: Floats, last_days: float, last: Floats) -> Floats:
    inside = np.clip(days, first_days, last_days)
    share = (inside - first_days) / (last_days - first_days)
    variance = first**2 * first_days * (1 - share) + last**2 * last_days * share
    return np.asarray(np.sqrt(variance / inside))
