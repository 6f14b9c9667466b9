"""The simulated market: repeatable, append-only, consistent, by the exchange's rules, and within its facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from transforms import calendar
from transforms.contracts import parse_contract_list
from transforms.errors import UsageError
from transforms.formats import inspect_file
from transforms.registry import index_registry
from transforms.simulate import DEFAULT_SEED, MARKER_FILE, Market, render_archive, simulate_market
from transforms.simulate.archive import LIST_FILE, MEETINGS_FILE, STOCKS_FILE
from transforms.simulate.defects import identity
from transforms.simulate.facts import compare, measure_facts, short_term_returns, stylised_facts
from transforms.simulate.indices import CLOSE_ONLY
from transforms.simulate.noise import autoregression, normals
from transforms.simulate.options import black_76, sigma_at, strike_grid

FIRST, LAST = date(2024, 1, 2), date(2026, 1, 16)


@pytest.fixture(scope="module")
def market() -> Market:
    return simulate_market(FIRST, LAST, 11)


@pytest.fixture(scope="module")
def files(market: Market) -> Mapping[str, bytes]:
    return dict(render_archive(market))


@pytest.fixture(scope="module")
def long_market() -> Market:
    return simulate_market(date(2006, 1, 3), date(2025, 12, 31), DEFAULT_SEED)


def digest(files: Mapping[str, bytes]) -> str:
    return hashlib.sha256(b"".join(path.encode() + body for path, body in sorted(files.items()))).hexdigest()


def test_the_same_seed_gives_the_same_bytes(files: Mapping[str, bytes]) -> None:
    again = dict(render_archive(simulate_market(FIRST, LAST, 11)))
    assert digest(again) == digest(files)


def test_another_seed_gives_another_market(files: Mapping[str, bytes]) -> None:
    other = dict(render_archive(simulate_market(FIRST, LAST, 12)))
    assert set(other) == set(files)
    assert [path for path in files if "VX_2025" in path and files[path] == other[path]] == []


@pytest.mark.parametrize("later", [date(2026, 1, 20), date(2026, 2, 2), date(2026, 7, 31)])
def test_a_later_last_session_only_appends(files: Mapping[str, bytes], later: date) -> None:
    newer = dict(render_archive(simulate_market(FIRST, later, 11)))
    # how the two files of context move on is in test_simulate_context_files.py
    snapshots = ("settlement/csv/dt=", "options/_VIX.json", MARKER_FILE, MEETINGS_FILE, STOCKS_FILE)
    for path, body in files.items():
        if any(part in path for part in snapshots):
            continue
        assert path in newer
        lines, newer_lines = body.decode().splitlines(), newer[path].decode().splitlines()
        if path == LIST_FILE or path.endswith("charts/historical/SPY.json"):
            continue
        if path.endswith("_nav.csv"):
            assert newer_lines[-len(lines) + 1 :] == lines[1:]
        elif not path.endswith(".json"):
            assert newer_lines[: len(lines)] == lines, path


def test_bars_and_the_contract_list_only_grow(files: Mapping[str, bytes]) -> None:
    newer = dict(render_archive(simulate_market(FIRST, date(2026, 3, 2), 11)))
    for symbol in ("SPY", "RSP", "VNQ"):
        path = f"cdn.cboe.com/api/global/delayed_quotes/charts/historical/{symbol}.json"
        before, after = (json.loads(found[path])["data"] for found in (files, newer))
        assert after[: len(before)] == before
    before_list, after_list = (parse_contract_list(found[LIST_FILE])[0] for found in (files, newer))
    assert set(before_list) < set(after_list)


def test_a_crisis_changes_nothing_before_it_and_lifts_volatility_after() -> None:
    day = date(2025, 3, 10)
    calm, shaken = simulate_market(FIRST, LAST, 11), simulate_market(FIRST, LAST, 11, crisis=day)
    vix = {
        name: market.indices["VIX"].set_index("trade_date")["close_pts"]
        for name, market in (("calm", calm), ("shaken", shaken))
    }
    before = vix["calm"].index < pd.Timestamp(day)
    assert (vix["calm"][before] == vix["shaken"][before]).all()
    assert vix["shaken"][pd.Timestamp(day)] > 1.5 * vix["calm"][pd.Timestamp(day)]
    unsettled = calm.futures[calm.futures["trade_date"] < pd.Timestamp(day)]
    assert unsettled.equals(shaken.futures[shaken.futures["trade_date"] < pd.Timestamp(day)].set_axis(unsettled.index))


def test_every_file_is_accepted_as_what_it_claims_to_be(files: Mapping[str, bytes]) -> None:
    checked = 0
    for path, body in files.items():
        dataset, name = identity(path)
        if dataset != "marker":
            assert inspect_file(dataset, name, body) is None, path
            checked += 1
    assert checked > 100


def test_the_marker_says_how_the_market_was_made(market: Market, files: Mapping[str, bytes]) -> None:
    found = json.loads(files[MARKER_FILE])
    assert found["is_simulated"] is True
    again = simulate_market(
        date.fromisoformat(found["first_session"]), date.fromisoformat(found["last_session"]), found["seed"]
    )
    assert digest(dict(render_archive(again))) == digest(files)


def test_settlement_dates_are_those_of_the_rule(market: Market) -> None:
    by_rule = {
        entry.expiry_date
        for entry in calendar.vx_monthly_settlement_dates(date(2023, 12, 1), LAST + timedelta(days=300))
    }
    monthlies = {contract.expiry_date for contract in market.contracts if contract.is_monthly}
    weeklies = {contract.expiry_date for contract in market.contracts if not contract.is_monthly}
    assert monthlies <= by_rule
    assert {day for day in by_rule if FIRST <= day <= LAST} <= monthlies
    assert not weeklies & by_rule
    assert weeklies <= set(calendar.sessions("XCBF", FIRST, LAST + timedelta(days=60)))
    assert {day.isocalendar()[:2] for day in weeklies}.isdisjoint({day.isocalendar()[:2] for day in monthlies})


def test_eight_or_nine_monthlies_are_listed_each_session(market: Market) -> None:
    live = market.futures[market.futures["is_monthly"] & (market.futures["expiry_date"] > market.futures["trade_date"])]
    assert set(live.groupby("trade_date").size()) <= {8, 9}
    assert live["trade_date"].nunique() == len(market.sessions)


def test_prices_are_consistent(market: Market) -> None:
    for code, frame in market.indices.items():
        info = index_registry()[code]
        assert frame["close_pts"].between(info.lowest, info.highest).all()
        if code not in CLOSE_ONLY:
            assert (frame["low_pts"] <= frame[["open_pts", "close_pts"]].min(axis=1)).all()
            assert (frame["high_pts"] >= frame[["open_pts", "close_pts"]].max(axis=1)).all()
    traded = market.futures[market.futures["volume_contracts"] > 0]
    assert (traded["low_pts"] <= traded[["open_pts", "close_pts"]].min(axis=1)).all()
    assert (traded["high_pts"] >= traded[["open_pts", "close_pts"]].max(axis=1)).all()
    idle = market.futures[market.futures["volume_contracts"] == 0]
    assert len(idle) > 0
    assert (idle["open_pts"] == 0).all()
    assert (idle["close_pts"] == 0).all()
    assert market.futures["settle_pts"].between(5, 150).all()
    assert (market.futures[["efp_contracts", "open_interest_contracts"]] >= 0).all(axis=None)


def test_a_future_meets_the_index_at_its_settlement(market: Market) -> None:
    rows = market.futures[market.futures["expiry_date"] == market.futures["trade_date"]]
    opens = market.indices["VIX"].set_index("trade_date")["open_pts"]
    gap = np.log(rows["settle_pts"].to_numpy() / opens.reindex(rows["trade_date"]).to_numpy())
    assert len(rows) > 80
    assert np.abs(gap).max() < 0.04


def test_futures_settle_on_days_without_an_equity_session(market: Market) -> None:
    mourning = pd.Timestamp("2025-01-09")
    assert (market.futures["trade_date"] == mourning).any()
    assert not (market.indices["SPX"]["trade_date"] == mourning).any()
    assert not (market.indices["VIX"]["trade_date"] == mourning).any()


def test_quotes_before_march_2007_are_ten_times_the_index() -> None:
    made = simulate_market(date(2006, 12, 1), date(2013, 1, 31), 5)
    text = dict(render_archive(made))["cdn.cboe.com/resources/futures/archive/volume-and-price/CFE_J07_VX.csv"].decode()
    settles = {line.split(",")[0]: float(line.split(",")[6]) for line in text.splitlines()[1:]}
    points = made.futures[made.futures["expiry_date"] == pd.Timestamp("2007-04-18")].set_index("trade_date")[
        "settle_pts"
    ]
    assert settles["03/23/2007"] == pytest.approx(10 * points[pd.Timestamp("2007-03-23")])
    assert settles["03/26/2007"] == pytest.approx(points[pd.Timestamp("2007-03-26")])


def test_every_stylised_fact_lies_in_its_range(long_market: Market) -> None:
    closes = {
        code: long_market.indices[code].set_index("trade_date")["close_pts"] for code in ("VIX", "VIX3M", "VVIX", "SPX")
    }
    values = measure_facts(pd.DataFrame(closes), long_market.futures[long_market.futures["is_monthly"]])
    outside = {fact.name: value for fact, value, holds in compare(values) if not holds}
    assert outside == {}
    assert set(values) == set(stylised_facts())


def test_twenty_years_stay_within_what_the_registry_allows(long_market: Market) -> None:
    for code, frame in long_market.indices.items():
        info = index_registry()[code]
        assert frame["close_pts"].between(info.lowest, info.highest).all(), code
        assert np.abs(np.diff(np.log(frame["close_pts"]))).max() < info.largest_log_move, code


def test_the_rebuilt_index_follows_its_definition() -> None:
    """One roll by hand: 21 January 2026 settlement, 20 business days to 18 February 2026."""
    days = list(calendar.sessions("XCBF", date(2026, 1, 15), date(2026, 1, 23)))
    settle = {date(2026, 1, 21): 15.0, date(2026, 2, 18): 17.0, date(2026, 3, 18): 18.0}
    rows = [
        {"trade_date": pd.Timestamp(day), "expiry_date": pd.Timestamp(expiry), "settle_pts": price + 0.1 * number}
        for number, day in enumerate(days)
        for expiry, price in settle.items()
        if day < expiry
    ]
    returns = short_term_returns(pd.DataFrame(rows))
    business = calendar.sessions("XNYS", date(2026, 1, 21), date(2026, 2, 18))
    dt = len(business) - 1
    # held from 22 to 23 January: dr counts from 23 January to before 18 February
    weight = len([day for day in business if date(2026, 1, 23) <= day < date(2026, 2, 18)]) / dt
    at = {day: number for number, day in enumerate(days)}
    before, after = at[date(2026, 1, 22)], at[date(2026, 1, 23)]
    value = [weight * (17 + 0.1 * n) + (1 - weight) * (18 + 0.1 * n) for n in (before, after)]
    assert returns[pd.Timestamp("2026-01-23")] == pytest.approx(value[1] / value[0] - 1)


def test_black_76_keeps_parity_and_a_known_value() -> None:
    strikes = np.array([16.5, 18.0, 20.0])
    sigma = np.full(3, 0.75)
    call = black_76(18.0, strikes, 46 / 365, sigma, 0.04, is_call=True)
    put = black_76(18.0, strikes, 46 / 365, sigma, 0.04, is_call=False)
    discount = np.exp(-0.04 * 46 / 365)
    assert call.value - put.value == pytest.approx(discount * (18.0 - strikes))
    assert call.value[1] == pytest.approx(discount * 18 * 0.10572, rel=2e-3)  # 2 N(sigma sqrt(T) / 2) - 1
    assert call.vega == pytest.approx(put.vega)
    bumped = black_76(18.0, strikes, 46 / 365, sigma + 0.01, 0.04, is_call=True)
    assert bumped.value - call.value == pytest.approx(call.vega, rel=0.02)


@pytest.mark.parametrize("vvix", [65.0, 95.0, 180.0])
@pytest.mark.parametrize(("forward", "days"), [(11.0, 2), (15.0, 9), (18.0, 46), (45.0, 20), (24.0, 250)])
def test_the_model_chain_has_no_arbitrage_in_strike(forward: float, days: int, vvix: float) -> None:
    strikes = strike_grid(forward)
    call = black_76(forward, strikes, days / 365, sigma_at(forward, strikes, days, vvix), 0.03, is_call=True).value
    slope = np.diff(call) / np.diff(strikes)
    assert (slope <= 1e-9).all()
    assert (slope >= -1).all()
    assert (np.diff(slope) >= -1e-9).all()


def test_the_chain_is_quoted_around_its_value(market: Market, files: Mapping[str, bytes]) -> None:
    chain = json.loads(files["cdn.cboe.com/api/global/delayed_quotes/options/_VIX.json"])
    assert chain["symbol"] == "_VIX"
    vix = market.indices["VIX"]["close_pts"].iloc[-1]
    assert chain["data"]["current_price"] == vix
    options = pd.DataFrame(chain["data"]["options"])
    assert options["option"].is_unique
    assert options["option"].str.fullmatch(r"VIXW?\d{6}[CP]\d{8}").all()
    assert (options["bid"] < options["ask"]).all()
    assert (options["bid"] <= options["theo"] + 0.005).all()
    assert (options["theo"] <= options["ask"] + 0.005).all()
    live = market.futures[market.futures["trade_date"] == pd.Timestamp(LAST)]
    expected = {day.strftime("%y%m%d") for day in live["expiry_date"] if day > pd.Timestamp(LAST)}
    assert set(options["option"].str.extract(r"(\d{6})")[0]) == expected
    assert ((options["iv"] == 0) <= options["option"].str.contains("C")).all()


def test_a_day_outside_is_refused() -> None:
    with pytest.raises(UsageError, match="no market can be simulated"):
        simulate_market(date(2003, 1, 2), LAST, 1)
    with pytest.raises(UsageError, match="no market can be simulated"):
        simulate_market(LAST, FIRST, 1)
    with pytest.raises(UsageError, match="seed"):
        simulate_market(FIRST, LAST, -1)
    with pytest.raises(UsageError, match="crisis"):
        simulate_market(FIRST, LAST, 1, crisis=date(2023, 1, 3))
    with pytest.raises(UsageError, match="no session"):
        simulate_market(date(2025, 7, 5), date(2025, 7, 6), 1)


def test_draws_are_prefixes_of_longer_draws() -> None:
    short, long = normals(3, "state", 50, 4), normals(3, "state", 80, 4)
    assert (long[:50] == short).all()
    assert (autoregression(long[:, 0], 0.9)[:50] == autoregression(short[:, 0], 0.9)).all()
    assert autoregression(normals(3, "state", 20000)[:, 0], 0.9).std() == pytest.approx(1, abs=0.05)
