"""Whatever bytes a publisher or a user leaves: entries and reasons, or one error; never anything else."""

from __future__ import annotations

import json
import math
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from tests.support.bench import bar
from tests.support.workbook import shiller_rows, xls
from transforms.bars import parse_price_bars
from transforms.errors import SourceError
from transforms.shiller import parse_shiller_workbook

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
FIELD = st.sampled_from(["date", "open", "high", "low", "close", "volume"])
WORKBOOK = xls(shiller_rows(*([2020 + month / 100, 3200.0, 58.0, 139.0, 31.0] for month in range(1, 13))))


@given(st.binary(max_size=200))
def test_bars_of_any_bytes_are_bars_or_one_error(body: bytes) -> None:
    with suppress(SourceError):
        parse_price_bars(body)


@given(st.lists(JSON | st.tuples(FIELD, JSON), max_size=6))
def test_every_entry_is_a_bar_or_has_a_reason(entries: list[object]) -> None:
    spoiled = [bar("2025-01-02", 100.0) | {each[0]: each[1]} if isinstance(each, tuple) else each for each in entries]
    bars, refused = parse_price_bars(json.dumps({"data": spoiled}).encode())
    assert sorted([entry.entry_no for entry in bars] + [entry.line_no for entry in refused]) == [
        *range(1, len(spoiled) + 1)
    ]
    for entry in bars:
        prices = (entry.open_usd, entry.high_usd, entry.low_usd, entry.close_usd, entry.volume_shares)
        assert all(price is None or math.isfinite(price) for price in prices)


@given(st.lists(st.tuples(st.integers(0, len(WORKBOOK) - 1), st.integers(0, 255)), max_size=20), st.integers(0, 1))
def test_workbook_with_any_damage_is_months_or_one_error(damage: list[tuple[int, int]], is_cut: int) -> None:
    body = bytearray(WORKBOOK)
    for place, byte in damage:
        body[place] = byte
    if is_cut and damage:
        del body[damage[0][0] :]
    try:
        months, _ = parse_shiller_workbook(bytes(body))
    except SourceError:
        return
    assert sum(month.is_newest for month in months) >= 1
    assert all(month.reference_date.day == 1 for month in months)


@given(st.integers(1000, 9999), st.integers(1, 12))
def test_month_survives_the_way_it_is_written(year: int, month: int) -> None:
    found = parse_shiller_workbook(xls(shiller_rows([year + month / 100, 1.0, 1.0, 1.0, 1.0])))[0][0]
    assert (found.reference_date.year, found.reference_date.month) == (year, month)
