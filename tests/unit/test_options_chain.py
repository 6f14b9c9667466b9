"""The chain's file: every entry becomes a quote or a refusal with its reason."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from tests.support.options import make_body, make_entry
from transforms.errors import SourceError
from transforms.options import chain
from transforms.options.chain import build_quotes_frame, parse_option_chain

GOOD = "VIX251022P00020000"


def reasons(*entries: Any, **more: Any) -> list[str]:
    chain = parse_option_chain(make_body(*entries, make_entry(GOOD), **more))
    assert len(chain.quotes) + len(chain.refused) == len(entries) + 1
    return [entry.reason for entry in chain.refused]


def test_quote_has_the_parts_of_its_symbol() -> None:
    (quote,) = parse_option_chain(make_body(make_entry("VIXW250924P00017500"))).quotes
    assert (quote.option_root, quote.expiry_date, quote.option_right, quote.strike_pts) == (
        "VIXW",
        date(2025, 9, 24),
        "P",
        17.5,
    )


def test_quote_times_are_utc() -> None:
    chain = parse_option_chain(make_body(make_entry(), last_trade_time="2025-09-15T16:15:01"))
    assert chain.snapshot_at_utc == datetime(2025, 9, 15, 22, 35, tzinfo=UTC)
    assert chain.quotes[0].last_trade_at_utc == datetime(2025, 9, 15, 19, 30, tzinfo=UTC)
    assert chain.index_at_utc == datetime(2025, 9, 15, 20, 15, 1, tzinfo=UTC)


def test_quote_never_traded_has_no_trade_and_no_published_volatility() -> None:
    entry = make_entry(iv=0.0, last_trade_price=0.0, last_trade_time=None)
    (quote,) = parse_option_chain(make_body(entry)).quotes
    assert (quote.published_iv_frac, quote.last_trade_pts, quote.last_trade_at_utc) == (None, None, None)


def test_quote_without_a_bid_is_kept_as_published() -> None:
    (quote,) = parse_option_chain(make_body(make_entry(bid=0.0, bid_size=0.0))).quotes
    assert (quote.bid_pts, quote.bid_size_contracts) == (0.0, 0.0)


def test_snapshot_that_only_python_reads_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [make_entry(GOOD, bid_size=3, iv=0.0), make_entry("VIXW250924P00017500", volume=0, bid=0, ask=0.05)]
    quick = parse_option_chain(make_body(*entries))

    def fail(body: bytes) -> Any:
        raise chain.orjson.JSONDecodeError("", "", 0)

    monkeypatch.setattr(chain.orjson, "loads", fail)
    assert parse_option_chain(make_body(*entries)) == quick
    assert {type(value) for quote in quick.quotes for value in (quote.bid_pts, quote.bid_size_contracts)} == {float}


def test_missing_figures_that_are_not_prices_stay_missing() -> None:
    entry = {"option": GOOD, "bid": 1, "ask": 2}
    (quote,) = parse_option_chain(make_body(entry)).quotes
    assert quote.ask_size_contracts is None
    assert quote.open_interest_contracts is None


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "entry_is_not_an_object"),
        ([1], "entry_is_not_an_object"),
        ({}, "unreadable_symbol"),
        (make_entry(symbol=17), "unreadable_symbol"),  # type: ignore[arg-type]
        (make_entry("VIX251022X00020000"), "unreadable_symbol"),
        (make_entry("VIX٢51022C00020000"), "unreadable_symbol"),
        (make_entry("SPX251022C00020000"), "unknown_root"),
        (make_entry("VIX251322C00020000"), "expiry_is_not_a_date"),
        (make_entry("VIX250912C00020000"), "expired_before_the_snapshot"),
        (make_entry("VIX991022C00020000"), "expiry_too_far"),
        (make_entry("VIX251022C00000000"), "strike_is_not_positive"),
        (make_entry(bid=None), "bid_is_missing"),
        (make_entry(ask="1.6"), "ask_is_not_a_number"),
        (make_entry(ask=True), "ask_is_not_a_number"),
        (make_entry(bid=float("nan")), "bid_is_not_a_number"),
        (make_entry(ask=float("inf")), "ask_is_not_a_number"),
        (make_entry(volume={"a": 1}), "volume_is_not_a_number"),
        (make_entry(bid=-0.01), "negative_bid"),
        (make_entry(open_interest=-1), "negative_open_interest"),
        (make_entry(bid=1.7, ask=1.6), "bid_above_ask"),
        (make_entry(last_trade_time="yesterday"), "last_trade_time_is_not_a_time"),
        (make_entry(last_trade_time=5), "last_trade_time_is_not_a_time"),
        (make_entry(last_trade_time="0001-01-01T00:00:00"), "last_trade_time_is_not_a_time"),
    ],
)
def test_entry_that_cannot_be_right_is_refused_with_its_reason(entry: Any, reason: str) -> None:
    assert reasons(entry) == [reason]


def test_expiry_on_the_day_of_the_snapshot_is_read() -> None:
    assert reasons(make_entry("VIX250915C00020000")) == []


def test_identical_entries_are_kept_once() -> None:
    assert reasons(make_entry(), make_entry()) == ["duplicate_of_an_earlier_entry"]


def test_entries_that_contradict_each_other_are_all_refused() -> None:
    assert reasons(make_entry(), make_entry(ask=1.7)) == ["conflicting_entries_for_one_option"] * 2


def test_refused_entry_keeps_its_place_and_text() -> None:
    chain = parse_option_chain(make_body(make_entry(GOOD), make_entry(bid="cheap")))
    assert chain.refused[0].line_no == 2
    assert json.loads(chain.refused[0].text)["bid"] == "cheap"


def test_number_too_long_for_a_float_is_refused_alone() -> None:
    body = make_body(make_entry(), make_entry(GOOD)).replace(b'"volume": 50.0', b'"volume": 1' + b"0" * 5000, 1)
    assert [entry.reason for entry in parse_option_chain(body).refused] == ["volume_is_not_a_number"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"timestamp": "2025-09-15 22:35:00", "data": []}',
        b'{"timestamp": "2025-09-15 22:35:00", "data": {"options": {}}}',
        make_body(),
        make_body(make_entry(bid=-1)),
        make_body(make_entry(), symbol="^SPX"),
        make_body(make_entry(), timestamp=None),
        make_body(make_entry(), timestamp=1757975700),
        make_body(make_entry(), timestamp="0001-01-01 00:00:00+23:00"),
        make_body(make_entry(), timestamp="1999-01-04 22:00:00"),
        make_body(make_entry(), timestamp="tonight"),
    ],
    ids=range(15),
)
def test_body_that_is_no_chain_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(SourceError, match="option chain cannot be read"):
        parse_option_chain(body)


def test_frame_has_the_documented_types() -> None:
    entries = (make_entry(), {"option": GOOD, "bid": 1, "ask": 2})
    frame = build_quotes_frame(parse_option_chain(make_body(*entries)))
    kinds = frame.dtypes.astype(str)
    assert kinds["snapshot_at_utc"] == kinds["last_trade_at_utc"] == "datetime64[us, UTC]"
    assert kinds["expiry_date"] == "datetime64[us]"
    assert kinds["entry_no"] == "int64"
    assert kinds.filter(regex="_(pts|contracts|frac)$").unique().tolist() == ["float64"]
    assert frame["last_trade_at_utc"].isna().tolist() == [False, True]


def test_frame_of_options_that_never_traded_keeps_its_types() -> None:
    entry = {"option": GOOD, "bid": 1, "ask": 2}
    frame = build_quotes_frame(parse_option_chain(make_body(entry)))
    assert str(frame["last_trade_at_utc"].dtype) == "datetime64[us, UTC]"
    assert frame["published_iv_frac"].dtype == "float64"
    assert pd.isna(frame["volume_contracts"].iloc[0])
