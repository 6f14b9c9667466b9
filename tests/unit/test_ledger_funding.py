from __future__ import annotations

from datetime import date

import numpy as np

from transforms.ledger.funding import compute_funding_ratio, find_window_starts

NAN = float("nan")


def starts(days: list[date], vix: list[float] | None = None) -> dict[str, list[int]]:
    found = find_window_starts(days, np.array(vix or [20.0] * len(days)), 25.0)
    return {name: values.tolist() for name, values in found.items()}


def test_windows_start_after_the_same_day_earlier() -> None:
    days = [
        date(2023, 1, 31),
        date(2023, 2, 28),
        date(2023, 3, 1),
        date(2023, 3, 31),
        date(2024, 1, 31),
        date(2024, 2, 1),
    ]
    found = starts(days)
    # a month before 2023-02-28 is 01-28, before all history; before 03-31 it is 02-28
    assert found["1m"] == [-1, -1, 1, 2, 4, 4]
    assert found["12m"] == [-1, -1, -1, -1, 1, 1]
    assert found["all"] == [0] * 6


def test_episode_runs_while_vix_is_high() -> None:
    days = [date(2024, 1, day) for day in range(1, 9)]
    found = starts(days, [24.99, 25.0, NAN, 31.0, 24.0, NAN, 26.0, 20.0])
    assert found["episode"] == [-1, 1, -1, 1, -1, -1, 6, -1]


def test_ratio_is_kept_over_cost_of_the_window() -> None:
    kept, cost = np.array([100, 50, -30, 10]), np.array([200, 0, 100, 50])
    assert compute_funding_ratio(kept, cost, np.array([0, 0, 0, 2])).tolist() == [0.5, 0.75, 0.4, -20 / 150]


def test_ratio_is_unknown_where_nothing_was_to_be_funded() -> None:
    kept, cost = np.array([100, 50, 10]), np.array([0, -20, 5])
    ratio = compute_funding_ratio(kept, cost, np.array([0, 0, -1]))
    assert np.isnan(ratio).all()
