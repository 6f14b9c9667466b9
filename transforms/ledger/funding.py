"""The self-funding ratio: credits kept over the net cost of protection, in four windows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats: TypeAlias = npt.NDArray[np.float64]
Cents: TypeAlias = npt.NDArray[np.int64]

WINDOWS = ("1m", "12m", "episode", "all")

_BEFORE_HISTORY = -1


def find_window_starts(
    days: Sequence[date], vix_pts: Floats, episode_vix_pts: float
) -> dict[str, npt.NDArray[np.int64]]:
    """Find the first session of each window that ends at each session.

    Parameters
    ----------
    days
        Sessions, ascending; length n.
    vix_pts
        float64, shape (n,): close of the VIX; NaN unknown.
    episode_vix_pts
        A high-VIX episode is a run of closes from here.

    Returns
    -------
    dict of int64, shape (n,)
        ``1m`` and ``12m``: sessions after the same day one and twelve months earlier; -1 where the history
        does not reach back that far. ``episode``: since the run began; -1 outside of an episode and where the
        VIX is unknown (an unknown close neither ends a run nor begins one). ``all``: 0.
    """
    stamps = pd.DatetimeIndex(pd.to_datetime(list(days)))
    starts: dict[str, npt.NDArray[np.int64]] = {}
    for name, months in (("1m", 1), ("12m", 12)):
        found = np.asarray(stamps.searchsorted(stamps - pd.DateOffset(months=months), side="right"), np.int64)
        # nothing at or before the same day of the earlier month: the window is not covered
        starts[name] = np.where(found == 0, _BEFORE_HISTORY, found)
    episode = np.full(len(stamps), _BEFORE_HISTORY, np.int64)
    begun = _BEFORE_HISTORY
    for session, vix in enumerate(vix_pts.tolist()):
        if vix >= episode_vix_pts:
            begun = session if begun == _BEFORE_HISTORY else begun
            episode[session] = begun
        elif vix < episode_vix_pts:
            begun = _BEFORE_HISTORY
    starts["episode"] = episode
    starts["all"] = np.zeros(len(stamps), np.int64)
    return starts


def compute_funding_ratio(kept: Cents, cost: Cents, starts: npt.NDArray[np.int64]) -> Floats:
    """Credits kept over net cost of protection, from the window's first session to each session.

    Parameters
    ----------
    kept, cost
        int64, shape (n,): amounts of each session, cents.
    starts
        int64, shape (n,): first session of the window; -1 no window.

    Returns
    -------
    float64, shape (n,)
        NaN where there is no window, and where protection cost nothing or gained: there was nothing to fund.
    """
    kept_to = np.concatenate([[0], np.cumsum(kept)])
    cost_to = np.concatenate([[0], np.cumsum(cost)])
    first = np.maximum(starts, 0)
    ends = np.arange(1, len(kept) + 1)
    funded, spent = kept_to[ends] - kept_to[first], cost_to[ends] - cost_to[first]
    is_defined = (starts >= 0) & (spent > 0)
    return np.where(is_defined, funded / np.where(is_defined, spent, 1), np.nan)
