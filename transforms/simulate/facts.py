"""Stylised facts of a market: the numbers that a simulated market is judged by.

The same functions measure the real files and the simulated ones, so that a difference is a
difference of the markets. What each fact is, its target and its range are in
``transforms/simulation_facts.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files

import numpy as np
import pandas as pd

from transforms import calendar

SESSIONS_A_YEAR = 252
_BUCKET_EDGES = (0.0, 15.0, 20.0, 25.0, 30.0, np.inf)
_BUCKET_NAMES = ("below_15", "15_20", "20_25", "25_30", "from_30")
_HIGH_VIX = 25.0
_LARGE_MOVE = 0.20


@dataclass(frozen=True)
class StylisedFact:
    """One fact: what it is, the real value with its period, and the range the simulation must keep.

    Attributes
    ----------
    target
        The value measured from the real files.
    lowest, highest
        The range that the simulated value must lie in.
    """

    name: str
    meaning: str
    unit: str
    source: str
    target: float
    lowest: float
    highest: float

    def holds(self, value: float) -> bool:
        """Whether a simulated value lies in the fact's range (NaN does not)."""
        return self.lowest <= value <= self.highest


@lru_cache(maxsize=1)
def stylised_facts() -> dict[str, StylisedFact]:
    """Return the facts that the simulation is calibrated to, by name."""
    entries = tomllib.loads(files("transforms").joinpath("simulation_facts.toml").read_text(encoding="utf-8"))
    return {name: StylisedFact(name=name, **body) for name, body in entries.items()}


def measure_facts(indices: pd.DataFrame, settlements: pd.DataFrame) -> dict[str, float]:
    """Measure every stylised fact.

    Parameters
    ----------
    indices
        Closes in points by session (a sorted ``DatetimeIndex``), columns ``VIX``, ``VIX3M``,
        ``VVIX``, ``SPX``; NaN where there is none.
    settlements
        Monthly VX settlements: ``trade_date``, ``expiry_date``, ``settle_pts``. Rows on the expiry
        date (final settlements) are left out of the curve.

    Returns
    -------
    Values by the names of ``simulation_facts.toml``. Moves are daily; ``_frac`` are fractions.
    """
    curve = _curve(settlements)
    return {
        **_level_facts(indices),
        **_move_facts(indices),
        **_episode_facts(indices["VIX"].dropna()),
        **_curve_facts(indices["VIX"].dropna(), curve),
        **_sensitivity_facts(indices["VIX"].dropna(), curve),
        "short_term_log_drift": _log_drift(_rolled_returns(curve)),
    }


def _level_facts(indices: pd.DataFrame) -> dict[str, float]:
    vix = indices["VIX"].dropna()
    ratio = (indices["VIX"] / indices["VIX3M"]).dropna()
    vvix = indices["VVIX"].dropna()
    return {
        "vix_mean_pts": vix.mean(),
        "vix_median_pts": vix.median(),
        "vix_sd_pts": vix.std(),
        "vix_ar1": vix.autocorr(1),
        "vix_above_vix3m_share": (ratio > 1).mean(),
        "vvix_mean_pts": vvix.mean(),
        "vvix_sd_pts": vvix.std(),
        "vvix_vix_change_corr": indices["VVIX"].diff().corr(indices["VIX"].diff()),
    }


def _move_facts(indices: pd.DataFrame) -> dict[str, float]:
    vix, spx = indices["VIX"], indices["SPX"].dropna()
    moves = np.log(vix.dropna()).diff().dropna()
    returns = np.log(spx).diff()
    realised = returns.rolling(21).std() * np.sqrt(SESSIONS_A_YEAR) * 100
    premium = (vix - realised).dropna()
    return {
        "vix_log_move_sd": moves.std(),
        "vix_log_move_skew": moves.skew(),
        "vix_log_move_p99": moves.quantile(0.99),
        "vix_large_rise_share": (moves > _LARGE_MOVE).mean(),
        "spx_vix_corr": returns.corr(vix.diff()),
        "spx_volatility_frac": returns.std() * np.sqrt(SESSIONS_A_YEAR),
        "variance_premium_pts": premium.mean(),
    }


def _episode_facts(vix: pd.Series) -> dict[str, float]:
    is_high = (vix >= _HIGH_VIX).to_numpy()
    edges = np.diff(np.concatenate([[0], is_high.astype(int), [0]]))
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    years = len(vix) / SESSIONS_A_YEAR
    return {
        "high_vix_share": is_high.mean(),
        "high_vix_episodes_a_year": len(lengths) / years,
        "high_vix_median_length_sessions": float(np.median(lengths)) if len(lengths) else np.nan,
    }


def _curve(settlements: pd.DataFrame) -> pd.DataFrame:
    """Settlements by session and expiry, final settlements left out."""
    live = settlements[settlements["expiry_date"] > settlements["trade_date"]]
    return live.pivot(index="trade_date", columns="expiry_date", values="settle_pts").sort_index(axis=1)


def _ranked(curve: pd.DataFrame) -> np.ndarray:
    """Column number of VX1 on each session."""
    return np.searchsorted(curve.columns.to_numpy(), curve.index.to_numpy(), side="right")


def _at_rank(curve: pd.DataFrame, rank: int) -> pd.Series:
    values, first = curve.to_numpy(), _ranked(curve)
    column = first + rank - 1
    inside = column < values.shape[1]
    picked = np.full(len(curve), np.nan)
    picked[inside] = values[np.flatnonzero(inside), column[inside]]
    return pd.Series(picked, index=curve.index)


def _curve_facts(vix: pd.Series, curve: pd.DataFrame) -> dict[str, float]:
    slope = _at_rank(curve, 2) / _at_rank(curve, 1) - 1
    both = pd.concat([slope.rename("slope"), vix.rename("vix")], axis=1, join="inner").dropna()
    bucket = pd.cut(both["vix"], list(_BUCKET_EDGES), right=False, labels=list(_BUCKET_NAMES))
    grouped = both.groupby(bucket, observed=False)["slope"]
    facts = {f"slope_frac_vix_{name}": value for name, value in grouped.mean().items()}
    facts |= {f"contango_share_vix_{name}": value for name, value in grouped.agg(lambda s: (s > 0).mean()).items()}
    basis = (_at_rank(curve, 1) / vix - 1).dropna()
    back = (_at_rank(curve, 7) / _at_rank(curve, 4) - 1).dropna()
    facts |= {
        "contango_share": (both["slope"] > 0).mean(),
        "basis_frac_mean": basis.mean(),
        "slope_4_7_frac_mean": back.mean(),
    }
    return facts


def _sensitivity_facts(vix: pd.Series, curve: pd.DataFrame) -> dict[str, float]:
    """Slope of the settlement's change on the VIX change, the contract held over the day."""
    changes, first = curve.diff().to_numpy(), _ranked(curve)
    vix_change = vix.reindex(curve.index).diff().to_numpy()
    facts = {}
    for rank in (1, 2, 4):
        # the contract that held the rank at the earlier close
        column = np.concatenate([[0], first[:-1]]) + rank - 1
        inside = column < changes.shape[1]
        change = np.full(len(curve), np.nan)
        change[inside] = changes[np.flatnonzero(inside), column[inside]]
        known = np.isfinite(change) & np.isfinite(vix_change)
        known[0] = False
        covariance = np.cov(change[known], vix_change[known])
        facts[f"vx{rank}_beta"] = float(covariance[0, 1] / covariance[1, 1])
    return facts


def _log_drift(returns: pd.Series) -> float:
    return float(np.log1p(returns).mean() * SESSIONS_A_YEAR)


def short_term_returns(settlements: pd.DataFrame) -> pd.Series:
    """Daily simple return of the first two months rolled daily: the excess-return index rebuilt.

    ``w1 = dr/dt`` over business days of the roll period (prospectus of VXX; the warehouse's own model is
    ``sql/mart/daily_volatility_indices.sql``). Indexed by the session on which the return is earned.

    Parameters
    ----------
    settlements
        Monthly VX settlements: ``trade_date``, ``expiry_date``, ``settle_pts``.
    """
    return _rolled_returns(_curve(settlements))


def _rolled_returns(curve: pd.DataFrame) -> pd.Series:
    first, last = pd.Timestamp(curve.index[0]).date(), pd.Timestamp(str(curve.columns[-1])).date()
    business = np.array(calendar.sessions("XNYS", first - timedelta(days=70), last), dtype="datetime64[ns]")
    months = calendar.vx_monthly_settlement_dates(max(first - timedelta(days=40), calendar.FIRST_SESSION), last)
    expiries = np.array([entry.expiry_date for entry in months], dtype="datetime64[ns]")
    curve = curve[curve.index.isin(business)].reindex(columns=pd.DatetimeIndex(expiries))
    values, days = curve.to_numpy(), curve.index.to_numpy().astype("datetime64[ns]")
    at = np.searchsorted(business, days)
    starts = np.searchsorted(business, expiries)
    month = np.searchsorted(expiries, days[1:], side="right")  # first expiry after the following day
    known = (np.diff(at) == 1) & (month >= 1) & (month + 1 < len(expiries))
    row, month = np.flatnonzero(known), month[known]
    weight = (starts[month] - at[row + 1]) / (starts[month] - starts[month - 1])
    later = weight * values[row + 1, month] + (1 - weight) * values[row + 1, month + 1]
    earlier = weight * values[row, month] + (1 - weight) * values[row, month + 1]
    return pd.Series(later / earlier - 1, index=curve.index[row + 1]).dropna()


def compare(values: Mapping[str, float]) -> list[tuple[StylisedFact, float, bool]]:
    """Pair each fact with its value and whether it lies in the range."""
    return [(fact, values[name], fact.holds(values[name])) for name, fact in stylised_facts().items()]
