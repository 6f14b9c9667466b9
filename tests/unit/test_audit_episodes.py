"""Runs of high VIX closes, and which sessions' P&L belongs to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.audit_history import list_sessions
from transforms.audit import EPISODE_COLUMNS, build_episodes
from transforms.audit.episodes import OUTSIDE, find_high_vix, label_runs, lag_labels, sum_by_label

NAN = float("nan")


def build(vix: list[float], pnl: list[float] | None = None, threshold: float = 25.0) -> pd.DataFrame:
    days = list_sessions(len(vix), "2024-08-01")
    return build_episodes(days, np.array(vix), np.array(pnl or [0.0] * len(vix)), threshold)


def test_episode_runs_from_the_first_close_at_the_threshold_to_the_last() -> None:
    episodes = build([20, 25, 38.57, 27, 24.99, 30, 20])
    assert list(episodes.columns) == list(EPISODE_COLUMNS)
    first = episodes.iloc[0]
    assert (first.start_date, first.end_date) == (pd.Timestamp("2024-08-02"), pd.Timestamp("2024-08-06"))
    assert (first.sessions, first.peak_vix_pts, first.peak_date) == (3, 38.57, pd.Timestamp("2024-08-05"))
    assert episodes["sessions"].tolist() == [3, 1]
    assert episodes["episode"].tolist() == [1, 2]


def test_episode_threshold_is_a_parameter() -> None:
    assert len(build([26, 24, 31, 29, 31], threshold=30)) == 2
    assert len(build([26, 24, 31, 29, 31])) == 2
    assert len(build([26, 24, 31, 29, 31], threshold=24)) == 1


def test_missing_close_neither_ends_nor_begins_an_episode() -> None:
    episodes = build([NAN, 26, NAN, 27, NAN, 20, NAN, 28, 20])
    assert episodes["sessions"].tolist() == [2, 1]
    assert episodes["missing_sessions"].tolist() == [2, 0]
    assert episodes.loc[0, "end_date"] == pd.Timestamp("2024-08-06")
    assert episodes["is_open"].tolist() == [False, False]


def test_episode_without_a_lower_close_is_open() -> None:
    assert build([20, 26, NAN])["is_open"].tolist() == [True]


def test_pnl_of_an_episode_is_earned_after_closes_in_it() -> None:
    # the jump into the run (100) was not earned by anyone who waited for it; the fall out of it (-30) was
    episodes = build([20, 30, 31, 20, 20], [1.0, 100.0, 10.0, -30.0, 5.0])
    assert episodes.loc[0, "pnl_usd"] == -20.0
    assert episodes.loc[0, "pnl_same_close_usd"] == 110.0


def test_no_high_close_makes_an_empty_table_with_dates() -> None:
    episodes = build([20, 21])
    assert len(episodes) == 0
    assert episodes["start_date"].dtype.kind == "M"


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one VIX close"):
        build_episodes(list_sessions(3), np.zeros(2), np.zeros(3))


def test_state_at_a_close_does_not_depend_on_later_closes() -> None:
    vix = np.array([20, 26, NAN, NAN, 20, 30, NAN, 31])
    whole = find_high_vix(vix)
    for end in range(1, len(vix)):
        assert find_high_vix(vix[:end]).tolist() == whole[:end].tolist()


def test_sum_by_label_leaves_out_what_is_not_counted() -> None:
    labels = lag_labels(label_runs(np.array([True, False, True, True, False])))
    assert labels.tolist() == [OUTSIDE, 0, OUTSIDE, 1, 1]
    values = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]])
    counted = np.array([True, False, True, True, True])
    assert sum_by_label(labels, values, counted).tolist() == [[9.0]]
