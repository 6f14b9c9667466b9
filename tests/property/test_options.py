"""The option chain on whatever comes: no crash, nothing lost, and prices and volatilities that agree."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.options import SESSION, make_bills, make_body, make_entry, make_quotes, make_settlements, tilted
from transforms.errors import SourceError
from transforms.options import chain
from transforms.options.black76 import compute_black76_price, compute_implied_volatility
from transforms.options.chain import build_quotes_frame, parse_option_chain
from transforms.options.tables import compute_chain_sessions, compute_chain_tables

QUICK = examples(150)
SLOW = examples(40)
GOOD = "VIX251022P00020000"
OCTOBER, NOVEMBER = date(2025, 10, 22), date(2025, 11, 19)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
SYMBOLS = st.one_of(
    st.builds(
        "{}{:06d}{}{:08d}".format,
        st.sampled_from(["VIX", "VIXW", "SPX", ""]),
        st.sampled_from([251022, 251015, 259999, 0, 991231]),
        st.sampled_from("CPX"),
        st.integers(0, 99_999_999),
    ),
    st.text(max_size=20),
)
ENTRIES = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"option": SYMBOLS | JSON},
        optional={
            key: JSON | st.just(value) | st.floats(0, 50) for key, value in make_entry().items() if key != "option"
        },
    ),
)
PIECES = st.sampled_from(["{", "}", "[", "]", '"data"', '"options"', '"timestamp"', ":", ",", "NaN", "1e999", "\ufeff"])
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(PIECES | st.text(max_size=6), max_size=30).map(lambda parts: "".join(parts).encode("utf-8", "replace")),
    st.builds(
        lambda stamp, data: json.dumps({"timestamp": stamp, "data": data}).encode(),
        JSON | st.datetimes().map(str),
        JSON | st.fixed_dictionaries({"options": JSON | st.lists(ENTRIES, max_size=3)}),
    ),
)
PRICES = st.one_of(st.sampled_from([0.0, float("nan"), 0.01, 1e6]), st.floats(0, 60))

NUMBERS = [name for name, _, _ in chain._NUMBERS]
ODD = st.none() | st.booleans() | st.text(max_size=3) | st.integers(-(2**63), 2**63 - 1) | st.floats()
PLAIN = st.integers(0, 2**53) | st.floats(0, 1e308, allow_nan=False)


@QUICK
@given(
    plain=st.fixed_dictionaries(dict.fromkeys(NUMBERS, PLAIN)),
    odd=st.dictionaries(st.sampled_from(NUMBERS), ODD, max_size=2),
    absent=st.sets(st.sampled_from(NUMBERS), max_size=1),
)
def test_numbers_of_an_entry_judged_together_are_those_judged_one_by_one(
    plain: dict[str, float], odd: dict[str, object], absent: set[str]
) -> None:
    entry = {name: value for name, value in {**plain, **odd}.items() if name not in absent}
    assert chain._read_numbers(entry) == chain._judge_numbers(entry)


@QUICK
@given(body=BODIES)
def test_parsing_any_bytes_gives_quotes_or_a_source_error(body: bytes) -> None:
    try:
        chain = parse_option_chain(body)
    except SourceError:
        return
    assert chain.quotes


@QUICK
@given(entries=st.lists(ENTRIES, max_size=8))
def test_parsing_accounts_for_every_entry(entries: list[object]) -> None:
    chain = parse_option_chain(make_body(make_entry(GOOD), *entries))
    numbers = [quote.entry_no for quote in chain.quotes] + [entry.line_no for entry in chain.refused]
    assert sorted(numbers) == list(range(1, len(entries) + 2))
    assert len({quote.option_symbol for quote in chain.quotes}) == len(chain.quotes)
    assert all(quote.bid_pts >= 0 and (quote.bid_pts <= quote.ask_pts or quote.ask_pts == 0) for quote in chain.quotes)


@SLOW
@given(entries=st.lists(ENTRIES, max_size=8))
def test_whatever_was_parsed_can_be_computed(entries: list[object]) -> None:
    quotes = build_quotes_frame(parse_option_chain(make_body(make_entry(GOOD), *entries)))
    quotes["trade_date"] = pd.Timestamp(SESSION)
    tables = compute_chain_tables(quotes, make_settlements(), make_bills())
    assert tables.expiries["quotes"].sum() == len(quotes)
    assert len(compute_chain_sessions(tables.expiries)) == 1


@QUICK
@given(
    future=st.floats(9, 90),
    moneyness=st.floats(-1.2, 2.0),
    days=st.integers(1, 300),
    volatility=st.floats(0.15, 3.0),
    rate=st.floats(-0.005, 0.15),
)
def test_price_and_implied_volatility_are_inverse(
    future: float, moneyness: float, days: int, volatility: float, rate: float
) -> None:
    strike, years = future * np.exp(moneyness), days / 365
    discount = np.exp(-rate * years)
    price = compute_black76_price(future, strike, years, volatility, discount, strike > future)
    found = compute_implied_volatility(price, future, strike, years, discount, strike > future)
    if price > 1e-10:
        np.testing.assert_allclose(found, volatility, rtol=0, atol=1e-10)
    else:
        assert np.isnan(found) or abs(found - volatility) < 1e-6


@QUICK
@given(values=st.lists(st.floats(), min_size=5, max_size=5), is_call=st.booleans())
def test_implied_volatility_of_any_numbers_is_positive_or_nan(values: list[float], is_call: bool) -> None:
    found = compute_implied_volatility(*values, is_call)
    assert np.isnan(found) or found > 0


@SLOW
@given(
    future=st.floats(10, 80),
    level=st.floats(0.4, 1.8),
    slope=st.floats(0, 0.3),
    half_spread=st.floats(0.005, 0.1),
)
def test_future_and_volatility_at_the_money_come_back(
    future: float, level: float, slope: float, half_spread: float
) -> None:
    quotes = make_quotes(future, tilted(level, slope), OCTOBER, half_spread=half_spread)
    found = compute_chain_tables(quotes, make_settlements(), make_bills()).expiries.iloc[0]
    assert found["expiry_status"] == "ok"
    # bids of nearly nothing pull a mid by at most half of a spread
    assert abs(found["implied_future_pts"] - future) < half_spread
    assert abs(found["atm_vol_frac"] - level) < 0.02


@SLOW
@given(data=st.data())
def test_wrong_prices_are_counted_and_leave_other_expiries_alone(data: st.DataObject) -> None:
    sound = make_quotes(20.0, 0.8, NOVEMBER, strikes=np.arange(15.0, 25.0))
    wrong = make_quotes(20.0, 0.8, OCTOBER, strikes=np.arange(15.0, 25.0))
    for column in ("bid_pts", "ask_pts"):
        wrong[column] = data.draw(st.lists(PRICES, min_size=len(wrong), max_size=len(wrong)))
    found = compute_chain_tables(pd.concat([wrong, sound]), make_settlements(), make_bills())
    alone = compute_chain_tables(sound, make_settlements(), make_bills())
    pd.testing.assert_frame_equal(found.expiries.iloc[1:].reset_index(drop=True), alone.expiries)
    first = found.expiries.iloc[0]
    assert first["quotes"] == len(wrong)
    assert first["quotes_dropped"] == first.filter(regex="^dropped_").sum()
    assert found.quotes["drop_reason"].notna().sum() == found.expiries["quotes_dropped"].sum()
    assert not np.isinf(found.expiries.select_dtypes("float64")).any(axis=None)
