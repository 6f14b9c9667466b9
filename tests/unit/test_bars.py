"""The bars behind Cboe's charts: types are read, nothing is judged, nothing is lost."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.support.bench import bar
from transforms.bars import PriceBar, parse_price_bars
from transforms.contracts import RefusedEntry
from transforms.errors import SourceError


def parse(*entries: Any, **envelope: Any) -> tuple[list[PriceBar], list[RefusedEntry]]:
    return parse_price_bars(json.dumps({"symbol": "SPY", "data": list(entries)} | envelope).encode())


def parse_one(**changes: Any) -> PriceBar:
    bars, refused = parse(bar("2025-01-02", 100.0) | changes)
    assert refused == []
    return bars[0]


def test_bar_is_read_with_its_types_and_place() -> None:
    entry = {"date": "2025-01-02", "open": 99.5, "high": 101, "low": 99, "close": 100.25, "volume": 78303530.0}
    bars, refused = parse(bar("2024-12-31", 98.0), entry)
    assert refused == []
    assert bars[1] == PriceBar(2, date(2025, 1, 2), 99.5, 101.0, 99.0, 100.25, 78303530, json.dumps(entry))
    assert isinstance(bars[1].volume_shares, int)


def test_bars_keep_the_order_of_the_file() -> None:
    days = [entry.trade_date for entry in parse(bar("2025-01-03", 1.0), bar("2025-01-02", 1.0))[0]]
    assert days == [date(2025, 1, 3), date(2025, 1, 2)]


@pytest.mark.parametrize("text", ["100.25", " 100.25 ", "1.0025e2"])
def test_number_may_be_a_text(text: str) -> None:
    assert parse_one(close=text).close_usd == 100.25


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_price_that_is_not_there_is_none(missing: str | None) -> None:
    assert parse_one(open=missing, volume=missing).open_usd is None
    assert parse_one(open=missing, volume=missing).volume_shares is None


def test_price_whose_key_is_not_there_is_none() -> None:
    assert parse({"date": "2025-01-02", "close": 1.0})[0][0].high_usd is None


@pytest.mark.parametrize("price", [0, -1.5, 1e9])
def test_price_that_can_be_no_price_is_left_to_the_model(price: float) -> None:
    assert parse_one(close=price).close_usd == price


@pytest.mark.parametrize(
    "day", ["2025-01-02T00:00:00", "2025-01-02 00:00:00", "2025-01-02T00:00:00.000Z", "2025-01-02T00:00:00-05:00"]
)
def test_date_may_carry_a_time(day: str) -> None:
    assert parse_one(date=day).trade_date == date(2025, 1, 2)


@pytest.mark.parametrize(
    "day", [None, "", "01/02/2025", "2025-02-30", "20250102", "2025-01-02x", 1735776000, "0000-01-01", "٢٠٢٥-٠١-٠٢"]
)
def test_entry_without_a_readable_date_is_refused(day: Any) -> None:
    bars, refused = parse(bar("2025-01-03", 1.0) | {"date": day})
    assert bars == []
    assert [(entry.line_no, entry.reason) for entry in refused] == [(1, "unreadable_trade_date")]


@pytest.mark.parametrize(
    "number", ["n/a", True, [1], {"a": 1}, float("nan"), float("inf"), "nan", "inf", 10**400, 1e16]
)
@pytest.mark.parametrize("field", ["open", "close", "volume"])
def test_entry_with_an_unreadable_number_is_refused(field: str, number: Any) -> None:
    bars, refused = parse(bar("2025-01-03", 1.0) | {field: number})
    assert bars == []
    assert [entry.reason for entry in refused] == ["unreadable_number"]


@pytest.mark.parametrize("entry", [None, 1, "2025-01-02", ["2025-01-02", 1.0]])
def test_entry_that_is_no_object_is_refused(entry: Any) -> None:
    assert [found.reason for found in parse(entry)[1]] == ["entry_is_not_an_object"]


def test_bad_entry_costs_no_other() -> None:
    bars, refused = parse(bar("2025-01-02", 1.0), None, bar("2025-01-03", 2.0))
    assert ([entry.entry_no for entry in bars], [entry.line_no for entry in refused]) == ([1, 3], [2])


def test_text_of_an_entry_is_shortened() -> None:
    assert len(parse_one(note="x" * 1000).text) == 500


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"data": [', b"[]", b"3", b'{"data": {}}', b'{"symbol": "SPY"}', b"\xff\xfe", b"[" * 100_000],
)
def test_body_that_is_no_history_is_an_error_that_says_so(body: bytes) -> None:
    with pytest.raises(SourceError, match="daily history cannot be read"):
        parse_price_bars(body)
