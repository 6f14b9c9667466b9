"""Betas in use on a session: the newest calibration that was in use by then."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from transforms.calibration import match_betas

COLUMNS = ["vx1_beta_ratio", "vx2_beta_ratio", "vx3_beta_ratio", "vx4_beta_ratio"]


def days(*texts: str | None) -> pd.Series:
    return pd.Series(pd.to_datetime(list(texts))).astype("datetime64[us]")


CALIBRATIONS = pd.DataFrame(
    {
        "used_from_date": days("2026-01-12", "2026-01-05"),
        "vx1_beta_ratio": [0.62, 0.60],
        "vx2_beta_ratio": [0.44, 0.43],
        "vx3_beta_ratio": [0.33, 0.32],
        "vx4_beta_ratio": [np.nan, 0.25],
    }
)


def test_session_takes_the_newest_calibration_in_use() -> None:
    found = match_betas(days("2026-01-05", "2026-01-09", "2026-01-12", "2026-03-02"), CALIBRATIONS)
    assert found["vx1_beta_ratio"].tolist() == [0.60, 0.60, 0.62, 0.62]
    assert found["used_from_date"].dt.day.tolist() == [5, 5, 12, 12]


def test_session_before_the_first_calibration_has_none() -> None:
    found = match_betas(days("2026-01-02"), CALIBRATIONS)
    assert found.isna().to_numpy().all()


def test_missing_beta_is_not_taken_from_an_older_calibration() -> None:
    found = match_betas(days("2026-01-12", "2026-01-09"), CALIBRATIONS)
    np.testing.assert_equal(found["vx4_beta_ratio"].to_numpy(), [np.nan, 0.25])


def test_answer_has_the_order_and_index_of_the_question() -> None:
    asked = days("2026-01-13", "2026-01-06").set_axis([7, 3])
    found = match_betas(asked, CALIBRATIONS)
    assert found.index.tolist() == [7, 3]
    assert found["vx2_beta_ratio"].tolist() == [0.44, 0.43]


def test_missing_session_and_missing_start_match_nothing() -> None:
    starts = CALIBRATIONS.assign(used_from_date=days(None, "2026-01-05"))
    found = match_betas(days(None, "2026-02-02"), starts)
    np.testing.assert_equal(found["vx1_beta_ratio"].to_numpy(), [np.nan, 0.60])


@pytest.mark.parametrize("asked", [days(), days("2026-01-12")])
def test_without_calibrations_there_is_no_beta(asked: pd.Series) -> None:
    found = match_betas(asked, CALIBRATIONS.iloc[:0])
    assert len(found) == len(asked)
    assert found[COLUMNS].isna().to_numpy().all()


def test_two_calibrations_used_from_one_session_are_refused() -> None:
    twice = pd.concat([CALIBRATIONS, CALIBRATIONS])
    with pytest.raises(ValueError, match="unique"):
        match_betas(days("2026-01-12"), twice)
