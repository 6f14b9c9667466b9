"""Episodes: runs of sessions in a state, above all of VIX closes from 25, and what was earned in them.

A run is known as it happens. Which sessions count towards it is decided by the close *before*: a hedge that is judged
on the sessions that closed high would be given every jump into the run and spared every fall out of it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from transforms.audit.history import Bools, Floats, Ints
from transforms.ledger.table import EPISODE_VIX_PTS

OUTSIDE = -1
"""Label of a session that belongs to no episode."""

EPISODE_COLUMNS = (
    *("episode", "start_date", "end_date", "sessions", "missing_sessions", "peak_vix_pts", "peak_date", "is_open"),
    *("pnl_usd", "pnl_same_close_usd"),
)


def find_high_vix(vix_close_pts: Floats, threshold_pts: float = EPISODE_VIX_PTS) -> Bools:
    """Whether the VIX is in a run of closes from the threshold, as known at each close.

    Parameters
    ----------
    vix_close_pts
        float64, shape (n,): points; NaN unknown.
    threshold_pts
        A run begins with a close from here and ends with a lower one.

    Returns
    -------
    bool, shape (n,)
        An unknown close neither ends a run nor begins one: the state stays what it was.
    """
    return carry_state(vix_close_pts, vix_close_pts >= threshold_pts)


def carry_state(values: Floats, is_in: Bools) -> Bools:
    """Keep a state over sessions whose value is unknown; before the first known one it is false."""
    known = pd.Series(np.where(np.isnan(values), np.nan, is_in.astype(np.float64)))
    return known.ffill().fillna(0.0).to_numpy(np.float64) > 0


def label_runs(is_in: Bools) -> Ints:
    """Number the runs of true: int64, shape (n,), from 0 in order; `OUTSIDE` elsewhere."""
    begins = is_in & ~np.concatenate([[False], is_in[:-1]])
    return np.where(is_in, np.cumsum(begins) - 1, OUTSIDE).astype(np.int64)


def lag_labels(labels: Ints) -> Ints:
    """Give each session the label of the close before: what was known when its P&L began."""
    return np.concatenate([np.array([OUTSIDE], np.int64), labels[:-1]])


def sum_by_label(labels: Ints, values: Floats, counted: Bools) -> Floats:
    """Sum values within each label, over counted sessions.

    Parameters
    ----------
    labels
        int64, shape (n,): below 0 belongs to none.
    values
        float64, shape (n, k).
    counted
        bool, shape (n,).

    Returns
    -------
    float64, shape (m, k)
        One row a label that has a counted session, in order.
    """
    used = counted & (labels >= 0)
    unique, places = np.unique(labels[used], return_inverse=True)
    sums = np.zeros((len(unique), values.shape[1]))
    np.add.at(sums, places, values[used])
    return sums


def build_episodes(
    trade_date: pd.DatetimeIndex,
    vix_close_pts: Floats,
    pnl_usd: Floats,
    threshold_pts: float = EPISODE_VIX_PTS,
) -> pd.DataFrame:
    """List the runs of high VIX closes with what was earned in each.

    Parameters
    ----------
    trade_date
        Sessions, ascending; length n.
    vix_close_pts
        float64, shape (n,): NaN unknown.
    pnl_usd
        float64, shape (n,): P&L of each session.
    threshold_pts
        First close of a run is from here.

    Returns
    -------
    DataFrame
        `EPISODE_COLUMNS`, one row a run. ``end_date``: last known close from the threshold. ``sessions``: its known
        closes; ``missing_sessions``: unknown ones while it had not ended. ``is_open``: no lower close followed.
        ``pnl_usd``: P&L of the sessions whose close *before* was in the run. ``pnl_same_close_usd``: P&L of the
        sessions whose own close was, which nobody could have chosen; shown for comparison only.

    Raises
    ------
    ValueError
        Lengths differ.
    """
    if not len(trade_date) == len(vix_close_pts) == len(pnl_usd):
        raise ValueError("one VIX close and one P&L a session")
    labels = label_runs(find_high_vix(vix_close_pts, threshold_pts))
    earned = lag_labels(labels)
    rows = []
    for episode in range(int(labels.max(initial=OUTSIDE)) + 1):
        inside = np.flatnonzero(labels == episode)
        known = inside[~np.isnan(vix_close_pts[inside])]
        peak = known[np.argmax(vix_close_pts[known])]
        rows.append(
            (
                *(episode + 1, trade_date[known[0]], trade_date[known[-1]], len(known), len(inside) - len(known)),
                *(float(vix_close_pts[peak]), trade_date[peak], bool(inside[-1] == len(labels) - 1)),
                *(float(pnl_usd[earned == episode].sum()), float(pnl_usd[inside].sum())),
            )
        )
    frame = pd.DataFrame(rows, columns=list(EPISODE_COLUMNS))
    if not rows:  # columns without a row have no type of their own
        counts = ("episode", "sessions", "missing_sessions")
        frame = frame.astype({**dict.fromkeys(counts, "int64"), "is_open": "bool"})
        frame = frame.astype(dict.fromkeys(("peak_vix_pts", "pnl_usd", "pnl_same_close_usd"), "float64"))
        for name in ("start_date", "end_date", "peak_date"):
            frame[name] = trade_date[:0]
    return frame
