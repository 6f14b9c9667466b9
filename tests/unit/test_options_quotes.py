"""Which quotes are dropped, and why."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.support.options import SESSION, make_bills, make_quotes, make_settlements
from transforms.options.quotes import DROP_REASONS
from transforms.options.tables import compute_chain_tables

EXPIRY = date(2025, 10, 22)
CHAIN = make_quotes(20.0, 0.8, EXPIRY, strikes=np.arange(15.0, 27.0))


def judged(quotes: pd.DataFrame) -> pd.DataFrame:
    return compute_chain_tables(quotes, make_settlements(), make_bills()).quotes


def changed(right: str, strike: float, **values: float) -> pd.DataFrame:
    """Return the chain with one quote changed."""
    quotes = CHAIN.copy()
    at = (quotes["option_right"] == right) & (quotes["strike_pts"] == strike)
    quotes.loc[at, list(values)] = list(values.values())
    return quotes


def dropped(quotes: pd.DataFrame) -> dict[tuple[str, float], str]:
    found = judged(quotes)
    found = found[found["drop_reason"].notna()]
    keys = zip(found["option_right"], found["strike_pts"], strict=True)
    return dict(zip(keys, found["drop_reason"], strict=True))


def shifted(right: str, strike: float, points: float) -> pd.DataFrame:
    """Return the chain with one quote, bid and ask, moved."""
    quotes = CHAIN.copy()
    at = (quotes["option_right"] == right) & (quotes["strike_pts"] == strike)
    quotes.loc[at, ["bid_pts", "ask_pts"]] += points
    return quotes


def test_sound_chain_loses_no_quote() -> None:
    assert dropped(CHAIN) == {}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"bid_pts": 0.9, "ask_pts": 0.8}, "crossed"),
        ({"bid_pts": 0.0}, "no_bid"),
        ({"bid_pts": np.nan}, "no_bid"),
        ({"ask_pts": 0.0}, "no_ask"),
        ({"ask_pts": np.nan}, "no_ask"),
        ({"bid_pts": 0.0, "ask_pts": 0.0}, "no_ask"),
        ({"bid_size_contracts": 0.0}, "price_without_size"),
        ({"ask_size_contracts": 0.0}, "price_without_size"),
    ],
)
def test_quote_is_dropped_for_what_it_is(values: dict[str, float], reason: str) -> None:
    assert dropped(changed("C", 24.0, **values)) == {("C", 24.0): reason}


def test_unknown_size_is_not_held_against_a_quote() -> None:
    assert dropped(changed("C", 24.0, bid_size_contracts=np.nan)) == {}


def test_quotes_of_a_settled_expiry_are_dropped() -> None:
    found = judged(make_quotes(20.0, 0.8, date(2025, 9, 17)).assign(expiry_date=pd.Timestamp(SESSION)))
    assert set(found["drop_reason"]) == {"already_settled"}


@pytest.mark.parametrize("right", ["C", "P"])
@pytest.mark.parametrize("points", [-1.2, 1.2])
def test_quote_far_from_its_neighbours_is_dropped_alone(right: str, points: float) -> None:
    (key,) = dropped(shifted(right, 20.0, points))
    assert key == (right, 20.0)


def test_quote_above_the_line_of_its_neighbours_is_a_butterfly() -> None:
    # dearer than both neighbours allow together, but still cheaper than the lower strike
    assert dropped(shifted("C", 22.0, 0.3)) == {("C", 22.0): "butterfly_arbitrage"}


def test_call_dearer_than_a_lower_strike_is_a_vertical_spread() -> None:
    assert dropped(shifted("C", 22.0, 0.9)) == {("C", 22.0): "vertical_spread_arbitrage"}


@pytest.mark.parametrize("right", ["C", "P"])
def test_contradiction_within_the_spreads_is_left(right: str) -> None:
    quotes = shifted(right, 22.0, 0.3)
    quotes["bid_pts"] = (quotes["bid_pts"] - 0.4).clip(lower=0.01)
    quotes["ask_pts"] += 0.4
    assert "arbitrage" not in str(dropped(quotes))


def test_wide_quote_with_its_mid_below_intrinsic_is_dropped() -> None:
    # 5.0 points in the money: mid 4.8, the ask above
    assert dropped(changed("C", 15.0, bid_pts=4.2, ask_pts=5.4)) == {("C", 15.0): "mid_at_or_below_intrinsic"}


def test_wide_quote_with_its_mid_above_the_future_is_dropped() -> None:
    assert dropped(changed("C", 15.0, bid_pts=5.0, ask_pts=40.0)) == {("C", 15.0): "mid_at_or_above_bound"}


def test_bounds_are_not_judged_without_a_future() -> None:
    call = CHAIN[(CHAIN["option_right"] == "C") & (CHAIN["strike_pts"] == 15.0)]
    assert dropped(call.assign(bid_pts=0.1, ask_pts=0.2)) == {}


def test_dropped_quotes_are_counted_by_reason() -> None:
    quotes = changed("C", 24.0, bid_pts=0.0)
    quotes.loc[(quotes["option_right"] == "P") & (quotes["strike_pts"] < 17), "ask_pts"] = 0.0
    expiry = compute_chain_tables(quotes, make_settlements(), make_bills()).expiries.iloc[0]
    assert (expiry["quotes"], expiry["quotes_dropped"]) == (24, 3)
    counts = {reason: expiry[f"dropped_{reason}"] for reason in DROP_REASONS}
    assert {reason: count for reason, count in counts.items() if count} == {"no_bid": 1, "no_ask": 2}


def test_dropped_quote_has_neither_mid_nor_volatility() -> None:
    found = judged(changed("C", 24.0, bid_pts=0.0))
    row = found[found["drop_reason"].notna()]
    assert row[["mid_pts", "implied_vol_frac", "option_delta"]].isna().all(axis=None)


def test_quotes_of_one_expiry_are_not_judged_by_those_of_another() -> None:
    other = make_quotes(40.0, 0.8, date(2025, 11, 19), strikes=np.arange(15.0, 27.0))
    assert dropped(pd.concat([other, CHAIN])) == {}
