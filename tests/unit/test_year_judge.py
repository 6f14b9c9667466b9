"""When the judge of the year takes a value for named by the night that published it."""

from __future__ import annotations

import math
from datetime import date

import pytest

from tests.year.oracle import _is_marked, _Marks

KEY = ("settle", date(2024, 12, 19), "2025-09-17")
"""Of VXU25."""


@pytest.mark.parametrize(
    ("text", "restated", "found", "is_marked"),
    [
        ("", {}, math.nan, False),
        ("", {("2024-12-19", "VXU25"): math.nan}, math.nan, True),
        ("", {("2024-12-20", "VXU25"): math.nan}, math.nan, False),
        ("", {("2024-12-19", "VXV25"): math.nan}, math.nan, False),
        # restated, and to another value than the one that is there
        ("", {("2024-12-19", "VXU25"): 21.5}, math.nan, False),
        ("", {("2024-12-19", "VXU25"): math.nan}, 21.5, False),
        ("", {("2024-12-19", "VXU25"): 21.5}, 21.5, True),
        ("VXU25 of 19 Dec 2024 is doubted", {}, 21.5, True),
        ("VXU25 of 20 Dec 2024 is doubted", {}, 21.5, False),
        ("VXU25 has no file", {}, math.nan, True),
    ],
)
def test_value_is_marked_where_it_is_named(
    text: str, restated: dict[tuple[str, str], float], found: float, *, is_marked: bool
) -> None:
    assert _is_marked(KEY, found, _Marks(text, restated)) is is_marked
