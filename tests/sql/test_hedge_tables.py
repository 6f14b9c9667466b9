"""Positions, trades and ledger in the warehouse, on a made-up market with a crisis in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.support.bench import Bench, rows, value
from tests.support.crisis import LAST, build_crisis, crisis_archive, crisis_warehouse
from tests.support.shared import SharedFolders
from transforms.statement.build import build_statement
from warehouse.hedge import build_hedge
from warehouse.hedge_data import read_statement_facts
from warehouse.hedge_states import PolicyInForce
from warehouse.models import load_columns
from warehouse.tables import MADE_IN_PYTHON

CUT = date(2022, 6, 24)
"""In the middle of the crisis, with steps on and options held."""

WALKED = (
    "mart.daily_hedge_ledger",
    "mart.daily_layer_valuation",
    "mart.daily_positions",
    "mart.daily_reading_ledger",
    "mart.hedge_trades",
    "mart.time_shifts",
    "mart.daily_condor",
)
DECIDED = ("mart.daily_governor", "mart.daily_hedge_state", "mart.daily_policy_comparison", "mart.layer_transitions")
POLICY = ("ref.policies", "ref.policy_parameters", "ref.policy_rules")


@pytest.fixture(scope="module")
def built(
    shared_folders: SharedFolders, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    copy = tmp_path_factory.mktemp("built") / "alvh.duckdb"
    shutil.copy(crisis_warehouse(shared_folders), copy)
    with duckdb.connect(str(copy)) as connection:
        yield connection


@pytest.fixture(scope="module")
def cut(shared_folders: SharedFolders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = build_crisis(crisis_archive(shared_folders), tmp_path_factory.mktemp("cut"), CUT)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def table(connection: duckdb.DuckDBPyConnection, name: str, until: date = LAST) -> pd.DataFrame:
    return connection.execute(f"from {name} where trade_date <= ? order by all", [until]).df()


def test_crisis_uses_every_layer(built: duckdb.DuckDBPyConnection) -> None:
    query = "select layer, max(abs(held_contracts)) > 0 from mart.daily_positions group by 1 order by 1"
    assert rows(built, query) == [("base", True), ("second_engine", True), ("temporal_vega", True)]
    assert value(built, "select count(*) from mart.time_shifts where rolled_usd > 0") > 0


@pytest.mark.parametrize("name", WALKED)
def test_what_comes_later_changes_no_earlier_row(
    built: duckdb.DuckDBPyConnection, cut: duckdb.DuckDBPyConnection, name: str
) -> None:
    earlier, known = table(built, name, CUT), table(cut, name, CUT)
    assert len(known) > 0
    pd.testing.assert_frame_equal(earlier, known, rtol=1e-9, atol=1e-9)


def test_what_is_decided_at_a_close_is_traded_at_the_next(built: duckdb.DuckDBPyConnection) -> None:
    query = """
        with days as (select trade_date, lag(trade_date) over (order by trade_date) as before from mart.daily_signals)
        select trade.*
        from mart.hedge_trades as trade
        join days on days.trade_date = trade.trade_date
        left join mart.daily_positions as position
            on position.trade_date = days.before
            and position.layer = trade.layer
            and position.instrument = trade.instrument
        where trade.trade_kind <> 'settled' and position.order_contracts is distinct from trade.traded_contracts
    """
    assert rows(built, query) == []


def test_second_walk_writes_the_same(built: duckdb.DuckDBPyConnection) -> None:
    before = {name: table(built, name) for name in WALKED[:-1]}
    built.execute("begin")
    try:
        for name in (*WALKED[:-1], *DECIDED, *POLICY):
            built.execute(f"drop table {name}")
        build_hedge(built, list[PolicyInForce](), load_columns())
        for name, frame in before.items():
            pd.testing.assert_frame_equal(frame, table(built, name), check_exact=True)
    finally:
        built.execute("rollback")


@pytest.mark.parametrize("premium", [None, 0.0, 0.02])
def test_returns_that_the_book_states_enter_the_valuation(
    built: duckdb.DuckDBPyConnection, tmp_path: Path, premium: float | None
) -> None:
    bench = Bench(tmp_path / "home")
    book = f"[account]\nnav_usd = 2_000_000\nas_of = {LAST}\n[returns]\nwacc_frac = 0.08\n"
    book += "" if premium is None else f"equity_premium_frac = {premium}\n"
    bench.land("book", "book.toml", book, publisher="user")
    made = [name for name, info in MADE_IN_PYTHON.items() if info.file == "warehouse/book.py"]
    assert table(built, "mart.daily_layer_valuation")["drag_of_wacc_ratio"].isna().all()
    built.execute("begin")
    try:
        for name in (*WALKED[:-1], *DECIDED, *POLICY, *made):
            built.execute(f"drop table {name}")
        build_hedge(built, list[PolicyInForce](), load_columns(), bench.home, LAST + timedelta(days=3))
        found = table(built, "mart.daily_layer_valuation")
    finally:
        built.execute("rollback")
        bench.close()
    assert found["drag_of_wacc_ratio"].notna().any()
    assert found["drag_of_wacc_ratio"].to_numpy() == pytest.approx(found["cost_12m_frac"] / 0.08, nan_ok=True)
    held = found.dropna(subset=["equity_return_frac"])
    assert len(held) > 100
    assert held["equity_return_frac"].to_numpy() == pytest.approx(
        held["spx_beta_ratio"] * (0.045 if premium is None else premium)
    )


def test_reading_of_the_policy_is_its_own_ledger(built: duckdb.DuckDBPyConnection) -> None:
    query = """
        select ledger.trade_date
        from mart.daily_hedge_ledger as ledger
        join mart.daily_reading_ledger as reading
            on reading.trade_date = ledger.trade_date and reading.reading = 'equal_vega'
        where ledger.layer = 'temporal_vega' and ledger.pnl_cum_usd <> reading.pnl_cum_usd
    """
    assert rows(built, query) == []
    by_reading = rows(
        built, "select reading, last(pnl_cum_usd order by trade_date) from mart.daily_reading_ledger group by 1"
    )
    assert len({total for _, total in by_reading}) == 4


def test_options_are_held_only_where_the_state_is_active(built: duckdb.DuckDBPyConnection) -> None:
    query = """
        select position.trade_date
        from mart.daily_positions as position
        join mart.daily_hedge_state as state using (trade_date, layer)
        where position.layer = 'second_engine' and position.target_contracts < 0
            and state.state not in ('active', 'blocked')
    """
    assert rows(built, query) == []


def test_every_option_price_is_labelled_with_its_band(built: duckdb.DuckDBPyConnection) -> None:
    query = """
        select
            -- a mark is a whole tick, its band is not
            count(*) filter (
                not is_model_priced or mark_low_pts > mark_pts + 0.0001 or mark_high_pts < mark_pts - 0.0001
            ),
            count(*)
        from mart.daily_positions
        where starts_with(instrument, 'VIX ') and mark_pts is not null and not starts_with(reason, 'settled')
    """
    wrong, count = rows(built, query)[0]
    assert wrong == 0
    assert count > 0


def test_rolls_name_each_other_and_what_they_lock_in(built: duckdb.DuckDBPyConnection) -> None:
    query = """
        select leaving.trade_date
        from mart.hedge_trades as leaving
        left join mart.hedge_trades as entering
            on entering.trade_date = leaving.trade_date
            and entering.layer = leaving.layer
            and entering.instrument = leaving.rolled_with
            and entering.rolled_with = leaving.instrument
            and entering.roll_yield_frac = leaving.roll_yield_frac
        where leaving.trade_kind = 'rolled_out' and entering.instrument is null
    """
    assert rows(built, query) == []
    assert value(built, "select count(*) from mart.hedge_trades where trade_kind = 'rolled_out'") > 20


def test_targets_of_the_states_are_those_of_the_positions(built: duckdb.DuckDBPyConnection) -> None:
    query = """
        select state.trade_date, state.target_vega_usd, position.wanted_contracts
        from mart.daily_hedge_state as state
        join mart.daily_positions as position using (trade_date, layer)
        where state.layer = 'base' and position.wanted_contracts <> 0 and position.order_contracts >= 0
            and abs(state.target_vega_usd - position.wanted_contracts
                * case when starts_with(position.instrument, 'VXM') then 100 else 1000 end) > 1e-6
    """
    assert rows(built, query) == []


def test_options_of_the_statement_made_what_the_ledger_booked(built: duckdb.DuckDBPyConnection) -> None:
    facts = read_statement_facts(built, LAST)
    engine = facts.ledger[facts.ledger["layer"] == "second_engine"].set_index("trade_date")
    booked = (engine["theta_usd"] + engine["option_move_usd"]).sort_index()
    made = facts.options.set_index("trade_date")["option_pnl_usd"].reindex(booked.index, fill_value=0.0)
    assert (made != 0).sum() > 20
    pd.testing.assert_series_equal(made, booked, check_names=False, atol=0.005)


def differences(one: Any, other: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs between two documents; of numbers, by more than 1e-9."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from differences(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{where}[{place}]")
    elif isinstance(one, float) and isinstance(other, float):
        if one != pytest.approx(other, rel=1e-9, abs=1e-9):
            yield where, one, other
    elif one != other:
        yield where, one, other


def test_statement_of_an_earlier_session_knows_nothing_later(
    built: duckdb.DuckDBPyConnection, cut: duckdb.DuckDBPyConnection
) -> None:
    later, known = (build_statement(read_statement_facts(one, CUT)) for one in (built, cut))
    # readings are those of the policy of the newest session, which is the same in both
    assert list(differences(later, known)) == []
    assert {row["kind"] for row in known["positions"]} == {"computed", "model-priced"}
    options = [row for row in known["positions"] if row["kind"] == "model-priced" and row["held_contracts"]]
    assert options
    assert all(row["vega_low_usd"] is not None and row["mark_low_pts"] <= row["mark_pts"] for row in options)
