"""Looking a calibration up: the newest one in use on a session, never a later one."""

from __future__ import annotations

import numpy as np
import pandas as pd

BETA_COLUMNS = ("vx1_beta_ratio", "vx2_beta_ratio", "vx3_beta_ratio", "vx4_beta_ratio")


def match_betas(trade_dates: pd.Series, calibrations: pd.DataFrame) -> pd.DataFrame:
    """Betas in use on each session: those of the newest calibration used from then or before.

    Parameters
    ----------
    trade_dates
        Sessions, datetime64, in any order.
    calibrations
        ``used_from_date`` (datetime64, unique) and the columns `BETA_COLUMNS`, as ``mart.weekly_calibrations``.

    Returns
    -------
    One row a session as given, with its index: ``used_from_date`` of the calibration (NaT before the first), and the
    betas in float64. A beta that this calibration does not have is NaN: an older one is not put in its place.

    Raises
    ------
    ValueError
        If two calibrations are used from the same session: which one counts would be a matter of luck.
    """
    known = calibrations[["used_from_date", *BETA_COLUMNS]].astype(
        {"used_from_date": "datetime64[us]"} | dict.fromkeys(BETA_COLUMNS, "float64")
    )
    known = known[known["used_from_date"].notna()].sort_values("used_from_date")
    starts = known["used_from_date"].to_numpy(dtype="datetime64[us]")
    if (starts[1:] == starts[:-1]).any():
        raise ValueError("used_from_date: expected unique dates")
    days = trade_dates.to_numpy(dtype="datetime64[us]")
    at = np.searchsorted(starts, days, side="right") - 1
    is_known = (at >= 0) & ~np.isnat(days)
    row = at[is_known]
    used_from = np.full(len(days), np.datetime64("NaT", "us"))
    used_from[is_known] = starts[row]
    columns: dict[str, np.ndarray] = {"used_from_date": used_from}
    for name in BETA_COLUMNS:
        columns[name] = np.full(len(days), np.nan)
        columns[name][is_known] = known[name].to_numpy()[row]
    return pd.DataFrame(columns, index=trade_dates.index)
