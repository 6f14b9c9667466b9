"""The weekly calibration: which weeks, and each value by hand."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.calibrations import draw_frames, linear_smile, weekdays
from transforms.calibration import (
    CALIBRATION_DTYPES,
    CalibrationFrames,
    CalibrationRules,
    build_calibration_rules,
    compute_weekly_calibrations,
)
from transforms.calibration.measures import (
    compute_chain_shapes,
    compute_excursions,
    compute_expected_roll,
    compute_months,
    compute_realised_roll,
    count_in_window,
)
from transforms.calibration.weeks import list_weeks

PARAMETERS = Path(__file__).resolve().parents[2] / "transforms" / "parameters.toml"
GOOD_FRIDAY, EASTER_WEEK = "2026-04-03", "2026-04-02"
SHORT = CalibrationRules(
    beta_window_sessions=10,
    calibration_chain_window_sessions=10,
    calibration_chain_least_sessions=3,
    calibration_month_sessions=4,
    calibration_roll_window_months=3,
    calibration_roll_least_months=2,
)


def row_of(calibrations: pd.DataFrame, day: str) -> pd.Series:
    found = calibrations[calibrations["calibrated_on_date"] == day]
    assert len(found) == 1
    return found.iloc[0]


def excursions_of(*counts: float) -> dict[str, Any]:
    """The distribution at the last of some sessions."""
    days = weekdays("2026-01-05", len(counts)).to_numpy(dtype="datetime64[us]")
    values = np.array(counts, dtype=float)
    found = compute_excursions(days, days[-1:], values + 0.5, values)
    return {name: value[0] for name, value in found.items()}


# ---- rules and weeks ----


def test_rules_are_the_parameters_of_the_file() -> None:
    held = tomllib.loads(PARAMETERS.read_text(encoding="utf-8"))
    assert build_calibration_rules({name: entry["value"] for name, entry in held.items()}) == CalibrationRules()


def test_rules_without_a_parameter_are_refused() -> None:
    numbers: dict[str, float] = {field.name: 1.0 for field in fields(CalibrationRules)}
    del numbers["calibration_month_sessions"]
    with pytest.raises(KeyError, match="calibration_month_sessions"):
        build_calibration_rules(numbers)


def test_rules_refuse_part_of_a_session() -> None:
    numbers = {field.name: 1.0 for field in fields(CalibrationRules)} | {"calibration_month_sessions": 20.5}
    with pytest.raises(ValueError, match="calibration_month_sessions"):
        build_calibration_rules(numbers)


def test_week_ends_on_thursday_where_friday_is_a_holiday() -> None:
    weeks = list_weeks(weekdays("2026-03-23", 14, closed=(GOOD_FRIDAY,)))
    assert [f"{a:%m-%d} {b:%m-%d}" for a, b in weeks.itertuples(index=False)] == ["03-27 03-30", "04-02 04-06"]


def test_week_is_used_from_tuesday_where_monday_is_a_holiday() -> None:
    weeks = list_weeks(weekdays("2026-01-12", 9, closed=("2026-01-19",)))
    assert [f"{a:%m-%d} {b:%m-%d}" for a, b in weeks.itertuples(index=False)] == ["01-16 01-20"]


def test_last_week_of_the_calendar_has_no_next_session() -> None:
    assert len(list_weeks(weekdays("2026-01-05", 5))) == 0


def test_weeks_across_a_year_end_are_weeks() -> None:
    weeks = list_weeks(weekdays("2025-12-22", 12, closed=("2025-12-25", "2026-01-01")))
    assert [f"{a:%m-%d}" for a, _ in weeks.itertuples(index=False)] == ["12-26", "01-02"]


@pytest.fixture(scope="module")
def frames() -> CalibrationFrames:
    return draw_frames(3, weekdays("2025-06-02", 260, closed=(GOOD_FRIDAY,)), 240)


@pytest.mark.parametrize(("known", "newest"), [(5, "2025-06-06"), (9, "2025-06-06"), (10, "2025-06-13")])
def test_only_finished_weeks_are_calibrated(known: int, newest: str) -> None:
    made = draw_frames(1, weekdays("2025-06-02", 30), known)
    assert compute_weekly_calibrations(made)["calibrated_on_date"].max() == pd.Timestamp(newest)


def test_week_whose_last_session_is_not_in_the_data_is_not_calibrated(frames: CalibrationFrames) -> None:
    hole = replace(frames, daily=frames.daily[frames.daily["trade_date"] != EASTER_WEEK].reset_index(drop=True))
    found, whole = (compute_weekly_calibrations(made)["calibrated_on_date"] for made in (hole, frames))
    assert set(whole) - set(found) == {pd.Timestamp(EASTER_WEEK)}


def test_columns_and_types_are_those_promised(frames: CalibrationFrames) -> None:
    found = compute_weekly_calibrations(frames, SHORT)
    assert {name: str(kind) for name, kind in found.dtypes.items()} == CALIBRATION_DTYPES
    assert found["calibrated_on_date"].is_unique
    assert (found["used_from_date"] > found["calibrated_on_date"]).all()


def test_nothing_known_gives_no_row_of_the_same_types(frames: CalibrationFrames) -> None:
    empty = {
        name: getattr(frames, name).iloc[:0] for name in ("daily", "volatility", "chain_expiries", "chain_sessions")
    }
    for sessions in (frames.sessions, frames.sessions.iloc[:0]):
        found = compute_weekly_calibrations(replace(frames, sessions=sessions, **empty))
        assert len(found) == 0
        assert {name: str(kind) for name, kind in found.dtypes.items()} == CALIBRATION_DTYPES


# ---- betas ----


def test_betas_are_those_of_the_last_session(frames: CalibrationFrames) -> None:
    found = row_of(compute_weekly_calibrations(frames, SHORT), EASTER_WEEK)
    daily = frames.daily[frames.daily["trade_date"] <= EASTER_WEEK]
    for rank in range(1, 5):
        np.testing.assert_equal(found[f"vx{rank}_beta_ratio"], daily[f"vx{rank}_beta_ratio"].iloc[-1])
        assert found[f"vx{rank}_beta_sessions"] == daily[f"is_vx{rank}_paired"].iloc[-10:].sum()


@pytest.mark.parametrize(("missing", "status"), [((), "ok"), ((4,), "partial"), ((1, 2, 3, 4), "too_few_sessions")])
def test_beta_status_says_whether_all_are_known(
    frames: CalibrationFrames, missing: tuple[int, ...], status: str
) -> None:
    betas = {f"vx{rank}_beta_ratio": np.nan if rank in missing else 0.5 for rank in range(1, 5)}
    made = replace(frames, daily=frames.daily.assign(**betas))
    assert set(compute_weekly_calibrations(made, SHORT)["beta_calibration_status"]) == {status}


def test_window_counts_what_is_there_and_no_more() -> None:
    found = count_in_window([True, False, True, True, True], np.array([-1, 0, 2, 4]), 3)
    assert found.tolist() == [0, 1, 2, 3]


# ---- shape of option volatility ----


def chain_row(days: int, slope: float, *, level: float = 0.9, status: str = "ok", **changes: float) -> dict[str, Any]:
    call, put = linear_smile(level, slope, days / 365, 0.98)
    row = {
        "trade_date": pd.Timestamp("2026-01-09"),
        "calendar_days_to_expiry": days,
        "years_to_expiry": days / 365,
        "discount_frac": 0.98,
        "atm_vol_frac": level,
        "vol_25d_call_frac": call,
        "vol_25d_put_frac": put,
        "expiry_status": status,
    }
    return row | changes


def shape_of(*expiries: dict[str, Any], vvix: float = 90.0) -> pd.Series:
    sessions = pd.DataFrame(
        {
            "trade_date": [pd.Timestamp("2026-01-09")],
            "chain_term_exponent": 0.41,
            "chain_term_vol30_frac": 0.81,
            "vvix_close_pts": vvix,
        }
    )
    return compute_chain_shapes(pd.DataFrame(expiries), sessions).iloc[0]


@pytest.mark.parametrize("slope", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("days", [20, 90])
def test_skew_of_a_linear_smile_is_its_slope(slope: float, days: int) -> None:
    assert shape_of(chain_row(days, slope))["skew_ratio"] == pytest.approx(slope, rel=2e-4)


def test_skew_of_a_session_is_the_median_of_its_expiries() -> None:
    found = shape_of(chain_row(20, 0.3), chain_row(50, 0.4), chain_row(80, 0.9))
    assert found["skew_ratio"] == pytest.approx(0.4, rel=2e-4)


@pytest.mark.parametrize(
    "bad",
    [
        chain_row(5, 0.9),
        chain_row(50, 0.9, calendar_days_to_expiry=300),
        chain_row(50, 0.9, status="quotes_disagree"),
        chain_row(50, 0.9, vol_25d_put_frac=np.nan),
        # the call's strike below the put's: no smile at all
        chain_row(50, 0.9, years_to_expiry=2.5, vol_25d_call_frac=0.01, vol_25d_put_frac=1.0),
    ],
)
def test_expiry_that_is_not_trusted_counts_for_nothing(bad: dict[str, Any]) -> None:
    assert shape_of(bad, chain_row(30, 0.3))["skew_ratio"] == pytest.approx(0.3, rel=2e-4)
    assert np.isnan(shape_of(bad)["skew_ratio"])


def test_level_is_the_fitted_volatility_over_vvix() -> None:
    found = shape_of(chain_row(30, 0.3), vvix=90.0)
    assert (found["level_ratio"], found["term_exponent"]) == (pytest.approx(0.9), 0.41)


@pytest.mark.parametrize("vvix", [0.0, np.nan])
def test_level_without_vvix_is_not_known(vvix: float) -> None:
    assert np.isnan(shape_of(chain_row(30, 0.3), vvix=vvix)["level_ratio"])


def with_chains(frames: CalibrationFrames, *days: str) -> CalibrationFrames:
    expiries = pd.DataFrame([chain_row(30, 0.3) | {"trade_date": pd.Timestamp(day)} for day in days])
    sessions = pd.DataFrame(
        {
            "trade_date": pd.to_datetime(list(days)),
            "chain_term_exponent": [0.1 * number for number in range(1, len(days) + 1)],
            "chain_term_vol30_frac": 0.9,
            "vvix_close_pts": 90.0,
        }
    )
    return replace(frames, chain_expiries=expiries, chain_sessions=sessions)


def test_shape_is_the_median_over_the_window(frames: CalibrationFrames) -> None:
    made = with_chains(frames, "2026-03-02", "2026-03-23", "2026-03-30", "2026-03-31", "2026-04-01")
    found = row_of(compute_weekly_calibrations(made, SHORT), EASTER_WEEK)
    # the ten sessions to Thursday hold the last four: 0.2, 0.3, 0.4, 0.5
    assert found["term_exponent"] == pytest.approx(0.35)
    assert (found["skew_ratio"], found["level_ratio"]) == (pytest.approx(0.3, rel=2e-4), pytest.approx(1.0))
    assert (found["shape_sessions"], found["shape_calibration_status"]) == (4, "ok")


def test_shape_of_too_few_chains_is_not_known(frames: CalibrationFrames) -> None:
    made = with_chains(frames, "2026-03-31", "2026-04-01")
    found = row_of(compute_weekly_calibrations(made, SHORT), EASTER_WEEK)
    assert found[["term_exponent", "skew_ratio", "level_ratio"]].isna().all()
    assert (found["shape_sessions"], found["shape_calibration_status"]) == (2, "too_few_chains")


def test_shape_without_a_chain_says_so(frames: CalibrationFrames) -> None:
    found = row_of(compute_weekly_calibrations(with_chains(frames, "2026-01-05"), SHORT), EASTER_WEEK)
    assert (found["shape_sessions"], found["shape_calibration_status"]) == (0, "no_chain")


def test_chain_that_lacks_one_number_gives_none_of_the_three(frames: CalibrationFrames) -> None:
    made = with_chains(frames, "2026-03-30", "2026-03-31", "2026-04-01", "2026-04-02")
    made.chain_sessions.loc[3, "vvix_close_pts"] = np.nan
    found = row_of(compute_weekly_calibrations(made, SHORT), EASTER_WEEK)
    assert (found["shape_sessions"], found["term_exponent"]) == (3, pytest.approx(0.2))


def test_chain_of_a_day_that_is_no_session_counts_for_nothing(frames: CalibrationFrames) -> None:
    made = with_chains(frames, GOOD_FRIDAY, "2026-03-31", "2026-04-01", "2030-01-01")
    assert row_of(compute_weekly_calibrations(made, SHORT), "2026-04-10")["shape_sessions"] == 2


# ---- excursions ----


def test_whole_runs_are_counted_with_their_length() -> None:
    found = excursions_of(0, 1, 2, 0, 0, 1, 1, 1, 1, 0)
    assert (found["rv_excursion_runs"], found["rv_run_mean_sessions"]) == (2, 3.0)
    assert found["rv_run_p90_sessions"] == pytest.approx(3.8)
    assert (found["rv_observed_sessions"], found["rv_excursion_sessions"]) == (10, 6)
    assert found["excursion_calibration_status"] == "ok"


@pytest.mark.parametrize(
    "counts",
    [
        (1, 1, 0, 0),  # it began before what is known
        (0, 0, 1, 1),  # it has not ended
        (0, 1, np.nan, 1, 0),  # a missing value cuts it, on either side
        (np.nan, 1, 0),
        (0, 1, np.nan),
        (0, 0, 0),
    ],
)
def test_run_that_is_not_whole_has_no_length(counts: tuple[float, ...]) -> None:
    found = excursions_of(*counts)
    assert (found["rv_excursion_runs"], found["excursion_calibration_status"]) == (0, "no_whole_run")
    assert np.isnan(found["rv_run_mean_sessions"])


def test_no_observation_is_said() -> None:
    found = excursions_of(np.nan, np.nan)
    assert (found["rv_observed_sessions"], found["excursion_calibration_status"]) == (0, "no_observations")
    assert np.isnan(found["rv_excursion_z_p50"])


def test_quantiles_are_those_of_all_history() -> None:
    counts = np.arange(101, dtype=float)
    found = excursions_of(*counts)
    shares = [found[f"rv_excursion_z_p{name}"] for name in (50, 90, 99)]
    assert shares == pytest.approx(list(np.quantile(counts + 0.5, [0.5, 0.9, 0.99])))


# ---- expected roll ----


def test_realised_roll_is_the_held_change_over_the_settlement_before() -> None:
    found = compute_realised_roll(np.array([1.0, -2.0, 0.5]), np.array([20.0, 25.0, 24.0]))
    np.testing.assert_allclose(found, [np.nan, -0.1, 0.02])


def test_months_are_cut_backwards_from_the_end() -> None:
    found = compute_months(np.arange(10.0), np.array([8, 4]), 2, 4)
    assert found[0].tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]
    np.testing.assert_equal(found[1], [[1, 2, 3, 4], [np.nan, np.nan, np.nan, 0]])


def test_expected_roll_is_mean_and_standard_error() -> None:
    mean, error, count = compute_expected_roll(np.array([[0.02, -0.04, np.nan], [0.01, np.nan, np.nan]]), SHORT)
    assert (mean[0], error[0], count.tolist()) == (pytest.approx(-0.01), pytest.approx(0.03), [2, 1])
    assert np.isnan(mean[1])
    assert np.isnan(error[1])


def test_rolls_of_a_week_by_hand(frames: CalibrationFrames) -> None:
    found = row_of(compute_weekly_calibrations(frames, SHORT), EASTER_WEEK)
    daily = frames.daily[frames.daily["trade_date"] <= EASTER_WEEK]
    for place, rank in (("front", 1), ("second", 2)):
        earned = (daily[f"vx{rank}_held_change_pts"] / daily[f"vx{rank}_settle_pts"].shift()).to_numpy()[-12:]
        months = [earned[start : start + 4].sum() for start in (0, 4, 8)]
        months = [month for month in months if np.isfinite(month)]
        assert found[f"roll_realised_{place}_months"] == len(months)
        expected = np.mean(months) if len(months) >= 2 else np.nan
        assert found[f"roll_realised_{place}_frac"] == pytest.approx(expected, nan_ok=True)
        static = daily[f"roll_down_{place}_frac"].to_numpy()[-12:].reshape(3, 4)
        means = np.nanmean(static, axis=1)
        assert found[f"roll_static_{place}_frac"] == pytest.approx(means.mean())
        assert found[f"roll_static_{place}_error_frac"] == pytest.approx(means.std(ddof=1) / np.sqrt(3))


def test_realised_month_with_a_hole_is_not_known_and_a_static_one_is(frames: CalibrationFrames) -> None:
    daily = frames.daily.copy()
    for name in ("vx1_held_change_pts", "vx1_settle_pts", "roll_down_front_frac"):
        daily[name] = daily[name].fillna(1.0)
    daily.loc[daily["trade_date"] == EASTER_WEEK, ["vx1_held_change_pts", "roll_down_front_frac"]] = np.nan
    found = row_of(compute_weekly_calibrations(replace(frames, daily=daily), SHORT), EASTER_WEEK)
    assert (found["roll_realised_front_months"], found["roll_static_front_months"]) == (2, 3)


def test_static_month_with_less_than_half_of_its_sessions_is_not_known(frames: CalibrationFrames) -> None:
    daily = frames.daily.assign(roll_down_front_frac=0.1)
    daily.loc[daily["trade_date"].between("2026-03-31", EASTER_WEEK), "roll_down_front_frac"] = np.nan
    found = row_of(compute_weekly_calibrations(replace(frames, daily=daily), SHORT), EASTER_WEEK)
    assert found["roll_static_front_months"] == 2


@pytest.mark.parametrize(
    ("missing", "status"),
    [
        ([], "ok"),
        (["vx2_held_change_pts"], "partial"),
        (
            ["vx1_held_change_pts", "vx2_held_change_pts", "roll_down_front_frac", "roll_down_second_frac"],
            "too_few_months",
        ),
    ],
)
def test_roll_status_says_whether_all_are_known(frames: CalibrationFrames, missing: list[str], status: str) -> None:
    numbers = frames.daily.select_dtypes("float64").fillna(1.0)
    made = replace(frames, daily=frames.daily.assign(**{**numbers, **dict.fromkeys(missing, np.nan)}))
    found = row_of(compute_weekly_calibrations(made, SHORT), EASTER_WEEK)
    assert found["roll_calibration_status"] == status
