"""The carry in points per short VX2, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from transforms.audit.bootstrap import Resampling
from transforms.audit.carry_points import CARRY_COLUMNS, compute_carry_points


def sessions(vix: list[float], front: list[float], second: list[float], beta_2: float = 0.4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "vix_close_pts": vix,
            "vx1_held_change_pts": front,
            "vx2_held_change_pts": second,
            "vx1_beta_ratio": 0.8,
            "vx2_beta_ratio": beta_2,
        }
    )


def mean(found: pd.DataFrame, reading: str, alignment: str = "close_before") -> float:
    row = found[(found["reading"] == reading) & (found["alignment"] == alignment)]
    return float(row["mean_pts"].iloc[0])


# high on the second and third close; the sessions after them begin high
FRAME = sessions([20, 26, 27, 20, 20], [9.0, 5.0, 2.0, -4.0, 1.0], [9.0, 3.0, 1.0, -1.0, 1.0])


def test_points_of_each_reading_on_sessions_that_began_high() -> None:
    found = compute_carry_points(FRAME, [25.0])
    assert list(found.columns) == list(CARRY_COLUMNS)
    # changes of the third and fourth session: front 2 and -4, second 1 and -1; beta2/beta1 is a half
    assert mean(found, "equal_vega") == pytest.approx(((1 - 1) + (-2 + 1)) / 2)
    assert mean(found, "short_front") == pytest.approx(0.5)
    assert mean(found, "contracts") == pytest.approx(((4 - 1) + (-8 + 1)) / 2)
    assert mean(found, "base_matched") == pytest.approx(((2 - 1) + (-4 + 1)) / 2)


def test_same_close_counts_the_jump_into_the_episode() -> None:
    found = compute_carry_points(FRAME, [25.0])
    assert mean(found, "equal_vega", "same_close") == pytest.approx(((2.5 - 3) + (1 - 1)) / 2)


def test_sensitivity_is_that_of_the_close_before() -> None:
    frame = FRAME.copy()
    frame.loc[3, "vx2_beta_ratio"] = 99.0  # known only at the close of the fourth session
    assert mean(compute_carry_points(frame, [25.0]), "equal_vega") == pytest.approx(-0.5)


def test_unknown_changes_are_left_out_and_not_zero() -> None:
    frame = FRAME.copy()
    frame.loc[2, "vx2_held_change_pts"] = np.nan
    found = compute_carry_points(frame, [25.0])
    assert mean(found, "equal_vega") == pytest.approx(-1.0)
    assert found["sessions"].tolist() == [1] * 4 + [1] * 4


def test_higher_threshold_has_fewer_sessions_and_none_has_no_number() -> None:
    found = compute_carry_points(FRAME, [27.0, 80.0], Resampling(reps=200))
    assert found.groupby("vix_from_pts")["sessions"].max().to_dict() == {27.0: 1, 80.0: 0}
    assert found.loc[found["vix_from_pts"] == 80.0, "mean_pts"].isna().all()
