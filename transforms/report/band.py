"""Where the curve has been: quantiles of past curves by days to expiry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from transforms.report.inputs import RANKS

BAND_SESSIONS = 1_260
"""Sessions behind the band: five years of them."""
FEWEST_SESSIONS = 60
"""Below that many values at a tenor there is no band there."""
TENORS = (0, *range(15, 241, 15))
"""Calendar days; 0 is the VIX itself."""
QUANTILES = (0.1, 0.5, 0.9)


def compute_curve_band(term_structure: pd.DataFrame) -> dict[str, Any]:
    """Return the 10th, 50th and 90th percentile of the curve at each tenor, this session among them.

    Each session's curve is linear between the VIX at 0 days and its settlements, in calendar days, and ends with
    the last contract listed: nothing is extrapolated, and a missing settlement leaves its neighbours to be joined.

    Parameters
    ----------
    term_structure
        Rows of ``mart.daily_term_structure`` up to the session, oldest first; the last 1,260 are used.

    Returns
    -------
    dict
        ``sessions``, ``first_trade_date``; ``points``: ``days``, ``low``, ``median``, ``high`` (VIX points) of each
        tenor that at least 60 sessions reach.
    """
    rows = term_structure.tail(BAND_SESSIONS)
    dates = pd.to_datetime(rows["trade_date"])
    days = np.column_stack(
        [np.zeros(len(rows)), *((pd.to_datetime(rows[f"vx{rank}_expiry_date"]) - dates).dt.days for rank in RANKS)]
    )
    columns = ["vix_close_pts", *(f"vx{rank}_settle_pts" for rank in RANKS)]
    points = rows[columns].to_numpy(np.float64, na_value=np.nan)
    curves = np.full((len(rows), len(TENORS)), np.nan)
    for place, (tenors, levels) in enumerate(zip(days, points, strict=True)):
        is_there = ~(np.isnan(tenors) | np.isnan(levels))
        if is_there.sum() > 1:
            curves[place] = np.interp(TENORS, tenors[is_there], levels[is_there], left=np.nan, right=np.nan)
    counts = (~np.isnan(curves)).sum(axis=0)
    found = []
    for place, tenor in enumerate(TENORS):
        if counts[place] >= FEWEST_SESSIONS:
            low, median, high = np.nanquantile(curves[:, place], QUANTILES)
            found.append({"days": tenor, "low": float(low), "median": float(median), "high": float(high)})
    return {
        "sessions": len(rows),
        "first_trade_date": dates.iloc[0].date().isoformat(),
        "points": found,
    }
