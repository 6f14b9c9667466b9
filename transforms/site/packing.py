"""Columns of every session in few characters: the pages hold twenty years of them and must stay light."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from typing import Any


def pack_days(days: Sequence[date]) -> dict[str, Any]:
    """Return sessions as the first of them (ISO, None without one) and the days from each to the next."""
    gaps = [(later - earlier).days for earlier, later in itertools.pairwise(days)]
    return {"first": days[0].isoformat() if days else None, "gaps": gaps}


def pack_column(values: Sequence[Any]) -> list[Any] | dict[str, list[Any]]:
    """Return a column as it is, or, where it seldom changes, as its changes.

    Returns
    -------
    list or dict
        A dict has ``at`` (places, ascending, the first is 0) and ``is`` (the value from each place on).
    """
    places = [place for place, value in enumerate(values) if place == 0 or value != values[place - 1]]
    if 3 * len(places) >= len(values):
        return list(values)
    return {"at": places, "is": [values[place] for place in places]}


def unpack_column(packed: list[Any] | dict[str, list[Any]], length: int) -> list[Any]:
    """Return the column that was packed, as the page's script does."""
    if isinstance(packed, list):
        return packed
    ends = [*packed["at"][1:], length]
    return [
        value for start, end, value in zip(packed["at"], ends, packed["is"], strict=True) for _ in range(end - start)
    ]
