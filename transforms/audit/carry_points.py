"""The temporal layer's carry in VIX points per short second month, before costs: the rawest form of the claim.

On every session that began in a high-VIX state, the change of the legs of one reading, per one VX2 sold. No rule of
entry, no governor, no whole contracts and no cost: if this is negative, nothing that is built on it pays by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from transforms.audit.bootstrap import DEFAULT_RESAMPLING, Resampling, bootstrap_ratio
from transforms.audit.episodes import find_high_vix, label_runs, lag_labels, sum_by_label
from transforms.audit.history import Floats

CARRY_COLUMNS = (
    *("reading", "vix_from_pts", "alignment", "sessions", "episodes"),
    *("mean_pts", "interval_low", "interval_high", "interval_low_95", "interval_high_95", "hit_rate", "note"),
)

_READINGS = ("equal_vega", "contracts", "base_matched", "short_front")


def compute_carry_points(
    sessions: pd.DataFrame,
    thresholds: Sequence[float] = (25.0, 28.0, 30.0),
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> pd.DataFrame:
    """Mean points a session per VX2 sold, by reading and threshold.

    Parameters
    ----------
    sessions
        One row a session, ascending: ``vix_close_pts``; ``vx1_held_change_pts``, ``vx2_held_change_pts``, what a
        holder of the contract of that rank the session before gained; ``vx1_beta_ratio``, ``vx2_beta_ratio``.
    thresholds
        VIX closes from which a session counts.
    resampling
        Of the intervals, by whole episodes.

    Returns
    -------
    DataFrame
        Columns `CARRY_COLUMNS`. The legs per one VX2 sold: ``equal_vega`` long beta2/beta1 VX1; ``contracts`` long 2
        VX1; ``base_matched`` at one step is the same as ``equal_vega`` on layer 2 alone and is shown with the doubled
        front, long 2 beta2/beta1; ``short_front`` the opposite of ``equal_vega``, per one VX2 bought. Sensitivities are
        those of the close before. ``alignment``: ``close_before`` (the state was known before the session; a trader can
        have it) and ``same_close`` (it was not; for comparison).
    """
    return pd.DataFrame(list(_list_rows(sessions, thresholds, resampling)), columns=list(CARRY_COLUMNS))


def _list_rows(
    sessions: pd.DataFrame, thresholds: Sequence[float], resampling: Resampling
) -> Iterator[tuple[object, ...]]:
    vix = _floats(sessions, "vix_close_pts")
    front, second = (_floats(sessions, f"vx{rank}_held_change_pts") for rank in (1, 2))
    beta_1, beta_2 = (_lag(_floats(sessions, f"vx{rank}_beta_ratio")) for rank in (1, 2))
    with np.errstate(all="ignore"):
        ratio = np.where((beta_1 > 0) & (beta_2 > 0), beta_2 / beta_1, np.nan)
    points = {
        "equal_vega": ratio * front - second,
        "contracts": 2 * front - second,
        "base_matched": 2 * ratio * front - second,
        "short_front": second - ratio * front,
    }
    for threshold in thresholds:
        labels = label_runs(find_high_vix(vix, threshold))
        for alignment, numbered in (("close_before", lag_labels(labels)), ("same_close", labels)):
            for reading in _READINGS:
                values = points[reading]
                known = np.isfinite(values)
                used = known & (numbered >= 0)
                sums = sum_by_label(
                    numbered, np.column_stack([np.where(known, values, 0.0), known.astype(np.float64)]), known
                )
                found = bootstrap_ratio(sums[:, 0], sums[:, 1], resampling)
                hits = float((values[used] > 0).mean()) if used.any() else np.nan
                yield (
                    *(reading, threshold, alignment, int(used.sum()), found.count),
                    *(found.value, found.low_80, found.high_80, found.low_95, found.high_95, hits, found.note),
                )


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(np.float64, na_value=np.nan)


def _lag(values: Floats) -> Floats:
    return np.concatenate([[np.nan], values[:-1]])
