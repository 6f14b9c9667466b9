"""What a calibration measures: observations behind betas, shape of option volatility, excursions, expected roll.

Every function answers for many weeks at once, and each answer looks only at what lies at or before its week's end.
``ends`` are row numbers of week ends in a table of sessions; -1 is a week before the table's first row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from transforms.calibration.rules import CalibrationRules
from transforms.options.rules import DEFAULT_RULES
from transforms.options.surface import WING_DELTA

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_QUANTILES = (0.5, 0.9, 0.99)
_LONG_RUN = 0.9


def count_in_window(is_there: npt.ArrayLike, ends: Integers, window: int) -> Integers:
    """Count the sessions that are there, in the ``window`` sessions up to each end."""
    total = np.concatenate([[0], np.cumsum(np.asarray(is_there, dtype=np.int64))])
    last = ends + 1
    return np.asarray(total[last] - total[np.maximum(last - window, 0)], dtype=np.int64)


def compute_chain_shapes(expiries: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Shape of the option model that each session's chain asks for.

    Parameters
    ----------
    expiries
        As ``mart.daily_vix_chain``: ``trade_date``, ``calendar_days_to_expiry``, ``years_to_expiry``,
        ``discount_frac``, ``atm_vol_frac``, ``vol_25d_call_frac``, ``vol_25d_put_frac``, ``expiry_status``.
    sessions
        ``trade_date``, ``chain_term_exponent``, ``chain_term_vol30_frac`` (as ``mart.daily_chain_signals``),
        ``vvix_close_pts`` of the same session.

    Returns
    -------
    Index ``trade_date``, every session of ``sessions``: ``term_exponent`` (eta of the chain), ``skew_ratio``,
    ``level_ratio``; NaN where the chain does not say. Ratios are not held in any range here.

    Notes
    -----
    ``level_ratio = sigma30 / (VVIX / 100)`` with the ``sigma30`` of the fit that gives eta. ``skew_ratio`` of an
    expiry is ``(sigma_call - sigma_put) / (k_call - k_put) / sigma_atm``: the slope, relative to the volatility at
    the money, between the two points with 25 delta, whose ``k = ln(K/F)`` follows from their delta:
    ``k = sigma^2 T / 2 -+ sigma sqrt(T) N^-1(0.25 / discount)``. A smile that is linear in k gives its own slope. A
    session's is the median over its trusted expiries of 7 to 210 days, those of the fit of eta.
    """
    days = expiries["calendar_days_to_expiry"]
    is_trusted = expiries["expiry_status"].eq("ok") & days.between(
        DEFAULT_RULES.term_least_days, DEFAULT_RULES.term_most_days
    )
    used = expiries[is_trusted]
    columns = ("years_to_expiry", "discount_frac", "atm_vol_frac", "vol_25d_call_frac", "vol_25d_put_frac")
    years, discount, level, call, put = (used[name].to_numpy(dtype="float64") for name in columns)
    with np.errstate(all="ignore"):
        reach = ndtri(WING_DELTA / discount) * np.sqrt(years)
        call_k = call**2 * years / 2 - call * reach
        put_k = put**2 * years / 2 + put * reach
        skew = (call - put) / (call_k - put_k) / level
    # The puts lie below the calls in any smile that is one.
    by_expiry = pd.Series(np.where((call_k > put_k) & (level > 0), skew, np.nan), index=used["trade_date"].to_numpy())
    by_session = by_expiry.groupby(level=0).median()
    table = sessions.set_index("trade_date")
    vvix = table["vvix_close_pts"].where(table["vvix_close_pts"] > 0)
    return pd.DataFrame(
        {
            "term_exponent": table["chain_term_exponent"],
            "skew_ratio": by_session.reindex(table.index),
            "level_ratio": 100 * table["chain_term_vol30_frac"] / vvix,
        }
    ).astype("float64")


def compute_shapes(
    days: npt.NDArray[np.datetime64], ends: Integers, shapes: pd.DataFrame, rules: CalibrationRules
) -> dict[str, npt.NDArray[np.generic]]:
    """Calibrated shape of each week: medians over the newest sessions whose chain says all three numbers.

    Parameters
    ----------
    days
        Sessions of the futures, datetime64[us], ascending: what the window is counted in.
    shapes
        Of `compute_chain_shapes`.
    """
    names = ["term_exponent", "skew_ratio", "level_ratio"]
    at = np.searchsorted(days, shapes.index.to_numpy(dtype="datetime64[us]"))
    # A snapshot of a session that the futures do not have counts for none.
    is_session = at < len(days)
    is_session[is_session] = days[at[is_session]] == shapes.index.to_numpy(dtype="datetime64[us]")[is_session]
    values = np.full((len(days), len(names)), np.nan)
    values[at[is_session]] = shapes[names].to_numpy()[is_session]
    has_chain = np.zeros(len(days), dtype=bool)
    has_chain[at[is_session]] = True
    is_usable = np.isfinite(values).all(axis=1) & (values[:, 2] > 0)
    values[~is_usable] = np.nan
    window = rules.calibration_chain_window_sessions
    used = count_in_window(is_usable, ends, window)
    there = count_in_window(has_chain, ends, window)
    is_enough = used >= rules.calibration_chain_least_sessions
    result: dict[str, npt.NDArray[np.generic]] = {name: np.full(len(ends), np.nan) for name in names}
    # Few weeks have chains: history begins with the first night.
    for week in np.flatnonzero(is_enough).tolist():
        seen = values[max(ends[week] + 1 - window, 0) : ends[week] + 1]
        for name, number in zip(names, np.nanmedian(seen, axis=0), strict=True):
            result[name][week] = number
    status = np.select([is_enough, there == 0], ["ok", "no_chain"], "too_few_chains")
    return {**result, "shape_sessions": used, "shape_calibration_status": status}


def compute_excursions(
    days: npt.NDArray[np.datetime64], week_ends: npt.NDArray[np.datetime64], z: Floats, count: Floats
) -> dict[str, npt.NDArray[np.generic]]:
    """Distribution of realised-volatility excursions up to each week's end, over all of history.

    Parameters
    ----------
    days
        Equity sessions, datetime64[us], ascending.
    z, count
        ``rv_excursion_z`` and ``rv_excursions`` of each; NaN where there is none.

    Notes
    -----
    A run is a stretch of sessions with an excursion (count of 1 or more). Its length is counted only when it is whole:
    a known session without one before it and after it, both by the week's end. A run that has not ended, or that a
    missing value cuts, has no length yet.
    """
    ends = np.searchsorted(days, week_ends, side="right") - 1
    is_known = np.isfinite(count)
    is_out, is_calm = is_known & (count >= 1), is_known & (count < 1)
    total = len(days)
    known = count_in_window(is_known, ends, total)
    excursions = count_in_window(is_out, ends, total)
    starts = np.flatnonzero(is_out & ~np.r_[False, is_out[:-1]]) if total else np.zeros(0, dtype=np.int64)
    stops = np.flatnonzero(is_out & ~np.r_[is_out[1:], False]) if total else np.zeros(0, dtype=np.int64)
    is_whole = (starts > 0) & (stops < total - 1)
    is_whole &= is_calm[np.maximum(starts - 1, 0)] & is_calm[np.minimum(stops + 1, total - 1)] if total else is_whole
    closed_at, lengths = stops[is_whole] + 1, (stops - starts + 1)[is_whole]
    runs = np.searchsorted(closed_at, ends, side="right")
    result: dict[str, npt.NDArray[np.generic]] = {
        "rv_observed_sessions": known,
        "rv_excursion_sessions": excursions,
        "rv_excursion_runs": runs.astype(np.int64),
        "rv_run_mean_sessions": _take(pd.Series(lengths, dtype="float64").expanding().mean(), runs - 1),
        "rv_run_p90_sessions": _take(pd.Series(lengths, dtype="float64").expanding().quantile(_LONG_RUN), runs - 1),
        "excursion_calibration_status": np.select([known == 0, runs == 0], ["no_observations", "no_whole_run"], "ok"),
    }
    spread = pd.Series(z[np.isfinite(z)])
    seen = count_in_window(np.isfinite(z), ends, total)
    for share in _QUANTILES:
        result[f"rv_excursion_z_p{share * 100:.0f}"] = _take(spread.expanding().quantile(share), seen - 1)
    return result


def compute_realised_roll(held_change_pts: Floats, settle_pts: Floats) -> Floats:
    """What a holder of the month made from the session before, as a fraction of its settlement then; NaN unknown.

    Parameters
    ----------
    held_change_pts
        Change of the contract that had the rank the session before: a settlement is in it, a roll is no jump.
    settle_pts
        Settlement of the contract with that rank on each session.
    """
    before = np.concatenate([[np.nan], settle_pts[:-1]]) if len(settle_pts) else settle_pts
    with np.errstate(all="ignore"):
        return np.asarray(np.where(before > 0, held_change_pts / before, np.nan))


def compute_months(values: Floats, ends: Integers, months: int, sessions: int) -> npt.NDArray[np.float64]:
    """Cut the sessions up to each end into months. Return (weeks, months, sessions), newest month first.

    What would lie before the first session is NaN.
    """
    offsets = np.arange(sessions)[None, :] + (np.arange(months) * -sessions - sessions + 1)[:, None]
    rows = ends[:, None, None] + offsets[None, :, :]
    padded = np.append(values, np.nan)
    return np.asarray(padded[np.where((rows >= 0) & (rows < len(values)), rows, len(values))])


def compute_expected_roll(months: Floats, rules: CalibrationRules) -> tuple[Floats, Floats, Integers]:
    """Mean over months, its standard error, and how many months are known.

    Parameters
    ----------
    months
        (weeks, months): one number a month that does not overlap with the next; NaN unknown.

    Returns
    -------
    mean, standard error (``sd / sqrt(n)``, n - 1 in the sd), n. The first two are NaN with fewer months than
    ``rules.calibration_roll_least_months``.
    """
    is_known = np.isfinite(months)
    count = is_known.sum(axis=1)
    is_enough = count >= max(rules.calibration_roll_least_months, 2)
    safe = np.maximum(count, 2)
    mean = np.where(is_known, months, 0.0).sum(axis=1) / safe
    spread = np.where(is_known, months - mean[:, None], 0.0)
    error = np.sqrt((spread**2).sum(axis=1) / (safe - 1) / safe)
    return np.where(is_enough, mean, np.nan), np.where(is_enough, error, np.nan), count.astype(np.int64)


def _take(values: pd.Series, at: Integers) -> Floats:
    """The value at each place; NaN before the first."""
    padded = np.append(values.to_numpy(dtype="float64"), np.nan)
    return np.asarray(padded[np.where(at >= 0, at, len(values))])
