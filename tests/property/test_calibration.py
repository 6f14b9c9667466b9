"""Calibrations know no future, whatever it is, and are used only after the week they come from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.support.calibrations import cut, draw_frames, spoil_after, weekdays
from tests.support.examples import examples
from transforms.calibration import CalibrationRules, compute_weekly_calibrations, match_betas
from transforms.options.model_surface import DEFAULT_PRICING_RULES, match_calibrations

SESSIONS = weekdays("2024-01-01", 420, closed=("2024-01-15", "2024-03-29", "2024-07-04", "2024-12-25", "2025-04-18"))
RULES = CalibrationRules(
    beta_window_sessions=30,
    calibration_chain_window_sessions=15,
    calibration_chain_least_sessions=2,
    calibration_month_sessions=7,
    calibration_roll_window_months=6,
    calibration_roll_least_months=2,
)
SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.integers(0, 399)


@examples(25)
@given(seed=SEEDS, at=CUTS)
def test_later_data_change_no_earlier_calibration(seed: int, at: int) -> None:
    frames = draw_frames(seed, SESSIONS, 400)
    last = SESSIONS[at]
    known = compute_weekly_calibrations(cut(frames, last), RULES)
    assert len(known) == (compute_weekly_calibrations(frames, RULES)["calibrated_on_date"] <= last).sum()
    for later in (frames, spoil_after(frames, last)):
        found = compute_weekly_calibrations(later, RULES)
        earlier = found[found["calibrated_on_date"] <= last].reset_index(drop=True)
        pd.testing.assert_frame_equal(known, earlier, check_exact=True)


def test_made_up_values_have_every_number_and_every_hole() -> None:
    """The property above would prove little on empty columns."""
    found = compute_weekly_calibrations(draw_frames(5, SESSIONS, 400), RULES)
    numbers = found.select_dtypes("float64")
    assert (numbers.notna().sum() > 10).all()
    assert {"ok", "partial"} <= set(found["beta_calibration_status"])
    assert {"ok", "too_few_chains"} <= set(found["shape_calibration_status"])
    assert {"ok", "partial", "too_few_months"} <= set(found["roll_calibration_status"])


@examples(15)
@given(seed=SEEDS, at=CUTS)
def test_values_of_a_session_come_from_weeks_before_it(seed: int, at: int) -> None:
    frames = draw_frames(seed, SESSIONS, 400)
    session = SESSIONS[at : at + 1]
    before = compute_weekly_calibrations(cut(frames, session.iloc[0] - pd.Timedelta(days=1)), RULES)
    after = compute_weekly_calibrations(frames, RULES)
    pd.testing.assert_frame_equal(match_betas(session, before), match_betas(session, after), check_exact=True)
    shapes = [match_calibrations(session, found, DEFAULT_PRICING_RULES) for found in (before, after)]
    np.testing.assert_array_equal(np.array([*shapes[0][0], shapes[0][1]]), np.array([*shapes[1][0], shapes[1][1]]))
