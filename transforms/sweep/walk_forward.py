"""What choosing the best is worth: the winner of the past, judged on the years after.

For each year that the history allows, the policy that was best on all years up to it is held against the policy in the
middle on the years that follow. Nothing of the following years takes part in the choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.sweep.objectives import FEWEST_SESSIONS, OBJECTIVES, Floats, Sums

FEWEST_YEARS = 3
"""Calendar years before the first choice. (ours)"""

_TIE = 1e-12
"""Policies whose scores differ by less are one policy to the past."""


def walk_forward(rows: pd.DataFrame, objective: str) -> dict[str, Any]:
    """Choose on the years up to each, and judge on the years after.

    Parameters
    ----------
    rows
        Results of one path: a row a policy, with `transforms.sweep.measures.YEAR_LISTS`.
    objective
        One of `OBJECTIVES`; higher is better.

    Returns
    -------
    dict
        ``cuts``: one entry a year of choice, see `_cut`; ``choices``, ``next_years_above_median``: how many choices
        could be judged on the year after, and how many were above the median then; ``next_year_chosen_frac`` and
        ``next_year_median_frac``: mean return in the year after, of the chosen and of the policy in the middle;
        ``rank_correlation_median``: over the cuts; ``note``: why there is nothing. None undefined.

    Raises
    ------
    ValueError
        If the results are of more than one path.
    """
    if rows["path"].nunique() > 1:
        raise ValueError("results of more than one path")
    years = [int(year) for year in rows["years"].iloc[0]]
    sessions, returns, squares = (
        np.array(rows[name].tolist(), np.float64) for name in ("year_sessions", "year_returns", "year_squares")
    )
    cuts = []
    for place in range(FEWEST_YEARS - 1, len(years) - 1):
        past, after = slice(0, place + 1), slice(place + 1, len(years))
        if sessions[0, after].sum() < FEWEST_SESSIONS:
            continue
        inside, outside = (_score(objective, sessions, returns, squares, part) for part in (past, after))
        cuts.append(_cut(rows, years, place, inside, outside, returns[:, place + 1]))
    if not cuts:
        return _nothing(
            f"{len(years)} calendar years; {FEWEST_YEARS} to choose on and {FEWEST_SESSIONS} sessions after are needed"
        )
    judged = [cut for cut in cuts if cut["next_year_chosen_frac"] is not None]
    correlations = [cut["rank_correlation"] for cut in cuts if cut["rank_correlation"] is not None]
    return {
        "cuts": cuts,
        "choices": len(judged),
        "next_years_above_median": sum(cut["next_year_chosen_frac"] > cut["next_year_median_frac"] for cut in judged),
        "next_year_chosen_frac": _mean([cut["next_year_chosen_frac"] for cut in judged]),
        "next_year_median_frac": _mean([cut["next_year_median_frac"] for cut in judged]),
        "rank_correlation_median": float(np.median(correlations)) if correlations else None,
        "note": "",
    }


def _cut(
    rows: pd.DataFrame, years: Sequence[int], place: int, inside: Floats, outside: Floats, following: Floats
) -> dict[str, Any]:
    """One choice: on years up to ``chosen_to``, judged from ``judged_from`` to ``judged_to``.

    ``best_id`` is the first of ``tied`` policies that the past could not tell apart; scores and returns of the chosen
    are the median of those. ``below_frac`` is the share of policies that scored lower afterwards.
    """
    both = ~np.isnan(inside) & ~np.isnan(outside)
    entry: dict[str, Any] = {
        "chosen_to": years[place],
        "judged_from": years[place + 1],
        "judged_to": years[-1],
        "policies": int(both.sum()),
    }
    if not both.any():
        names = ("best_id", "tied", "best_inside", "best_outside", "median_inside", "median_outside", "below_frac")
        return entry | dict.fromkeys((*names, "rank_correlation", "next_year_chosen_frac", "next_year_median_frac"))
    top = inside[both].max()
    is_best = both & (inside >= top - _TIE)
    chosen = float(np.median(outside[is_best]))
    return entry | {
        "best_id": str(rows["policy_id"].iloc[int(np.flatnonzero(is_best)[0])]),
        "tied": int(is_best.sum()),
        "best_inside": float(top),
        "best_outside": chosen,
        "median_inside": float(np.median(inside[both])),
        "median_outside": float(np.median(outside[both])),
        "below_frac": float((outside[both] < chosen - _TIE).mean()),
        "rank_correlation": compute_rank_correlation(inside[both], outside[both]),
        "next_year_chosen_frac": float(np.median(following[is_best])),
        "next_year_median_frac": float(np.median(following[both])),
    }


def compute_rank_correlation(left: Floats, right: Floats) -> float | None:
    """Spearman's rank correlation, ties sharing their mean rank; None where one side has no order."""
    if len(left) < 2 or np.ptp(left) <= _TIE or np.ptp(right) <= _TIE:
        return None
    ranks: npt.NDArray[np.float64] = np.stack([pd.Series(one).rank().to_numpy(np.float64) for one in (left, right)])
    correlations: Floats = np.asarray(np.corrcoef(ranks))
    return float(correlations[0, 1])


def _score(objective: str, sessions: Floats, returns: Floats, squares: Floats, part: slice) -> Floats:
    sums = Sums(sessions[:, part].sum(axis=1), returns[:, part].sum(axis=1), squares[:, part].sum(axis=1))
    return OBJECTIVES[objective](sums)


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _nothing(note: str) -> dict[str, Any]:
    names = ("next_year_chosen_frac", "next_year_median_frac", "rank_correlation_median")
    return {"cuts": [], "choices": 0, "next_years_above_median": 0, **dict.fromkeys(names), "note": note}
