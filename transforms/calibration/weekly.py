"""The calibrations of all weeks, each from data up to its last session: walk-forward, one row a week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.calibration.matching import BETA_COLUMNS
from transforms.calibration.measures import (
    Flags,
    Floats,
    Integers,
    compute_chain_shapes,
    compute_excursions,
    compute_expected_roll,
    compute_months,
    compute_realised_roll,
    compute_shapes,
    count_in_window,
)
from transforms.calibration.rules import DEFAULT_CALIBRATION_RULES, CalibrationRules
from transforms.calibration.weeks import list_weeks

_ROLLS = ("realised_front", "realised_second", "static_front", "static_second")

CALIBRATION_DTYPES = {
    "calibrated_on_date": "datetime64[us]",
    "used_from_date": "datetime64[us]",
    **dict.fromkeys(BETA_COLUMNS, "float64"),
    **{f"vx{rank}_beta_sessions": "int64" for rank in range(1, 5)},
    "beta_calibration_status": "str",
    "term_exponent": "float64",
    "skew_ratio": "float64",
    "level_ratio": "float64",
    "shape_sessions": "int64",
    "shape_calibration_status": "str",
    "rv_observed_sessions": "int64",
    "rv_excursion_sessions": "int64",
    "rv_excursion_z_p50": "float64",
    "rv_excursion_z_p90": "float64",
    "rv_excursion_z_p99": "float64",
    "rv_excursion_runs": "int64",
    "rv_run_mean_sessions": "float64",
    "rv_run_p90_sessions": "float64",
    "excursion_calibration_status": "str",
    **{
        column: kind
        for roll in _ROLLS
        for column, kind in (
            (f"roll_{roll}_frac", "float64"),
            (f"roll_{roll}_error_frac", "float64"),
            (f"roll_{roll}_months", "int64"),
        )
    },
    "roll_calibration_status": "str",
}
"""Columns of the calibrations, in order."""

VALUE_COLUMNS = tuple(CALIBRATION_DTYPES)[2:]
"""What is calibrated: all columns but the two dates."""


@dataclass(frozen=True)
class CalibrationFrames:
    """Daily values that calibrations are made of, sorted by session; missing is NaN.

    Attributes
    ----------
    sessions
        ``session_date`` of the futures, past and to come, as ``ref.sessions`` knows them.
    daily
        One row a session of the curve: ``trade_date``; ``vx1_settle_pts``, ``vx2_settle_pts``;
        ``roll_down_front_frac``, ``roll_down_second_frac``; ``vx1_held_change_pts``, ``vx2_held_change_pts``;
        ``vx1_beta_ratio`` .. ``vx4_beta_ratio``; and ``is_vx1_paired`` .. ``is_vx4_paired``: the session's change of
        this month and of VIX are one of the pairs behind the beta.
    volatility
        One row an equity session: ``trade_date``, ``rv_excursion_z``, ``rv_excursions``.
    chain_expiries, chain_sessions
        See `compute_chain_shapes`.
    """

    sessions: pd.DataFrame
    daily: pd.DataFrame
    volatility: pd.DataFrame
    chain_expiries: pd.DataFrame
    chain_sessions: pd.DataFrame


def compute_weekly_calibrations(
    frames: CalibrationFrames, rules: CalibrationRules = DEFAULT_CALIBRATION_RULES
) -> pd.DataFrame:
    """Calibrate after the last session of every week, from data up to that session.

    Parameters
    ----------
    frames
        Daily values; whatever they hold after a session changes no calibration of it or before.

    Returns
    -------
    Columns and types of `CALIBRATION_DTYPES`, a row for each finished week: one whose last session by the calendar is
    in ``frames.daily``. A value that cannot be had is NaN; the counts beside it and its group's status say why.

    ``calibrated_on_date``, ``used_from_date``
        Last session of the week, and the session after it.
    ``vx1_beta_ratio`` .. with ``vx1_beta_sessions`` ..
        Of the last session, and the pairs in its window. ``beta_calibration_status``: ``ok``, ``partial`` (not all
        four), ``too_few_sessions`` (none).
    ``term_exponent``, ``skew_ratio``, ``level_ratio`` with ``shape_sessions``
        Medians over the sessions of the window whose chain says all three. ``shape_calibration_status``: ``ok``,
        ``no_chain``, ``too_few_chains``; with the last two, the model's defaults stay in force.
    ``rv_excursion_*``, ``rv_run_*`` with ``rv_observed_sessions``
        Over all of history; see `compute_excursions`. ``excursion_calibration_status``: ``ok``, ``no_whole_run``,
        ``no_observations``.
    ``roll_<roll>_frac``, ``_error_frac``, ``_months``
        Expected result of one month of holding the front or second month long, a fraction of its price: the mean over
        the newest whole months of 21 sessions, its standard error, and the months behind it. A credit to who is
        short. ``realised``: a month is the sum of the daily results, and unknown where one is. ``static``: the mean
        of ``roll_down_front_frac`` or ``roll_down_second_frac``; neighbouring months are alike, so that its standard
        error is a lower bound. ``roll_calibration_status``: ``ok``, ``partial``, ``too_few_months``.

    Notes
    -----
    Source: methodology section 12; windows and estimators are ours.
    """
    weeks = list_weeks(frames.sessions["session_date"])
    days = frames.daily["trade_date"].to_numpy(dtype="datetime64[us]")
    weeks = weeks[weeks["calibrated_on_date"].isin(frames.daily["trade_date"])].reset_index(drop=True)
    last_days = weeks["calibrated_on_date"].to_numpy(dtype="datetime64[us]")
    ends: Integers = np.searchsorted(days, last_days, side="right").astype(np.int64) - 1
    volatility = frames.volatility
    columns: dict[str, npt.NDArray[np.generic]] = {
        "calibrated_on_date": last_days,
        "used_from_date": weeks["used_from_date"].to_numpy(dtype="datetime64[us]"),
        **_betas(frames.daily, ends, rules),
        **compute_shapes(days, ends, compute_chain_shapes(frames.chain_expiries, frames.chain_sessions), rules),
        **compute_excursions(
            volatility["trade_date"].to_numpy(dtype="datetime64[us]"),
            last_days,
            volatility["rv_excursion_z"].to_numpy(dtype="float64"),
            volatility["rv_excursions"].to_numpy(dtype="float64"),
        ),
        **_rolls(frames.daily, ends, rules),
    }
    return pd.DataFrame(columns)[list(CALIBRATION_DTYPES)].astype(CALIBRATION_DTYPES)


def _betas(daily: pd.DataFrame, ends: Integers, rules: CalibrationRules) -> dict[str, npt.NDArray[np.generic]]:
    columns: dict[str, npt.NDArray[np.generic]] = {}
    known = []
    for rank, name in enumerate(BETA_COLUMNS, start=1):
        values = daily[name].to_numpy(dtype="float64")[ends]
        columns[name] = values
        columns[f"vx{rank}_beta_sessions"] = count_in_window(
            daily[f"is_vx{rank}_paired"], ends, rules.beta_window_sessions
        )
        known.append(np.isfinite(values))
    return {**columns, "beta_calibration_status": _status(known, "too_few_sessions")}


def _rolls(daily: pd.DataFrame, ends: Integers, rules: CalibrationRules) -> dict[str, npt.NDArray[np.generic]]:
    sessions, months = rules.calibration_month_sessions, rules.calibration_roll_window_months
    least = rules.calibration_static_least_coverage_frac * sessions
    columns: dict[str, npt.NDArray[np.generic]] = {}
    known = []
    for roll in _ROLLS:
        kind, _, place = roll.partition("_")
        if kind == "realised":
            rank = "vx1" if place == "front" else "vx2"
            changes, settles = (
                daily[f"{rank}_{name}"].to_numpy(dtype="float64") for name in ("held_change_pts", "settle_pts")
            )
            by_month = compute_months(compute_realised_roll(changes, settles), ends, months, sessions).sum(axis=2)
        else:
            static = daily[f"roll_down_{place}_frac"].to_numpy(dtype="float64")
            by_month = _mean_of_known(compute_months(static, ends, months, sessions), least)
        mean, error, count = compute_expected_roll(by_month, rules)
        columns[f"roll_{roll}_frac"], columns[f"roll_{roll}_error_frac"] = mean, error
        columns[f"roll_{roll}_months"] = count
        known.append(np.isfinite(mean))
    return {**columns, "roll_calibration_status": _status(known, "too_few_months")}


def _mean_of_known(values: Floats, least: float) -> Floats:
    is_known = np.isfinite(values)
    count = is_known.sum(axis=-1)
    total = np.where(is_known, values, 0.0).sum(axis=-1)
    return np.where(count >= max(least, 1), total / np.maximum(count, 1), np.nan)


def _status(known: list[Flags], without_any: str) -> npt.NDArray[np.generic]:
    stacked = np.stack(known)
    return np.asarray(np.select([stacked.all(axis=0), stacked.any(axis=0)], ["ok", "partial"], without_any))
