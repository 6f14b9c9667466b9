"""The user's book in the warehouse, on a made-up market in the middle of a crisis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pytest

from tests.support.bench import Bench, land_archive, rows, value
from transforms.hedge import CalendarListing, HedgeMarket, Stretch, run_hedge
from transforms.layers import LayerState
from transforms.registry import parameters
from transforms.report.book import EARLIER_SESSION, NO_BOOK, NO_TABLES
from transforms.report.context import build_report_context
from transforms.report.inputs import ReportInputs
from transforms.report.render import render_json
from transforms.simulate import render_archive, simulate_market
from warehouse.book import build_book_tables
from warehouse.book_data import read_book_orders
from warehouse.checks import run_sql_checks
from warehouse.expressions import preset
from warehouse.hedge import list_stretches, read_hedge_market
from warehouse.hedge_states import PolicyInForce, decide_hedge
from warehouse.models import load_columns
from warehouse.raw_store import RawStore
from warehouse.report_data import read_report_inputs
from warehouse.stored_book import read_stored_book
from warehouse.tables import MADE_IN_PYTHON

FIRST, CRISIS, SEED = date(2021, 6, 1), date(2022, 6, 1), 11
LAST, EARLIER = date(2022, 7, 8), date(2022, 7, 6)
"""Both in the crisis, with every layer at work."""
TABLES = [name for name, info in MADE_IN_PYTHON.items() if info.file == "warehouse/book.py"]
MODEL_NAV = parameters()["model_nav_usd"].value


@dataclass
class Desk:
    """A built warehouse whose book can be exchanged."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    market: HedgeMarket
    stretches: list[Stretch]
    calendars: CalendarListing
    today: date
    books: int = 0

    def put(self, text: str | None) -> None:
        """Make the tables of a book, and of nothing else."""
        self.books += 1
        bench = Bench(self.folder / str(self.books))
        if text is not None:
            bench.land("book", "book.toml", text, publisher="user")
        for table in TABLES:
            self.connection.execute(f"drop table if exists {table}")
        stored = read_stored_book(RawStore(bench.home), self.today)
        given = (self.market, self.stretches, "the policy", self.calendars, load_columns())
        build_book_tables(self.connection, stored, *given)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return rows(self.connection, sql)

    def orders(self) -> dict[str, tuple[Any, ...]]:
        """Target, held and order by instrument."""
        found = self.rows("select instrument, target_contracts, held_contracts, order_contracts from mart.book_orders")
        return {row[0]: row[1:] for row in found}


def build(folder: Path, last: date) -> Iterator[Desk]:
    # the same seed gives the same sessions, however many follow
    for path, body in render_archive(simulate_market(FIRST, last, SEED, CRISIS)):
        target = folder / "archive" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    bench, today = Bench(folder / "home"), last + timedelta(days=3)
    land_archive(bench, folder / "archive")
    connection = bench.build(today=today, is_simulated=True)
    market = read_hedge_market(connection)
    calendars = CalendarListing(list(market.futures.days), market.options)
    stretches = list_stretches(decide_hedge(connection, [], calendars))
    yield Desk(connection, folder / "books", market, stretches, calendars, today)
    bench.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from build(tmp_path_factory.mktemp("desk"), LAST)


@pytest.fixture(scope="module")
def earlier_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from build(tmp_path_factory.mktemp("earlier"), EARLIER)


def account(nav: float = MODEL_NAV, as_of: date = LAST) -> str:
    return f"[account]\nnav_usd = {nav:.0f}\nas_of = {as_of}\n"


ENDS = date(2022, 7, 5)


def strike(desk: Desk) -> int:
    """At the money."""
    return round(float(desk.market.spx_close_pts[-1]) / 25) * 25


GREEKS = "[condor]\nnet_vega_usd = -20_000\nnet_delta = -300\n"


def as_positions(orders: dict[str, tuple[Any, ...]]) -> str:
    """The targets of an account as the hedge of a book."""
    text = ""
    for instrument, (target, _, _) in orders.items():
        contract, expiry, *option = instrument.split(" ")
        if not target:
            continue
        if option:
            text += f'[[hedge.options]]\nexpiry = {expiry}\nright = "{option[0]}"\nstrike = {option[1]}\n'
        else:
            text += f'[[hedge.futures]]\ncontract = "{contract}"\nexpiry = {expiry}\n'
        text += f"quantity = {int(target)}\n"
    return text


def test_without_a_book_every_table_is_there_and_empty(desk: Desk) -> None:
    desk.put(None)
    assert len(TABLES) == 6
    assert [value(desk.connection, f"select count(*) from {table}") for table in TABLES] == [0] * 6
    assert read_book_orders(desk.connection)["account"] is None


def test_account_of_the_model_wants_what_the_model_wants_when_it_enters_with_it(desk: Desk) -> None:
    # a book of the first day is the model account itself
    desk.put(account(as_of=date(2021, 6, 1)))
    ours = desk.rows(
        "select instrument, target_contracts, held_contracts from mart.book_orders where target_contracts <> 0 "
        "order by 1"
    )
    models = desk.rows(
        "select instrument, sum(target_contracts), 0 from mart.daily_positions "
        f"where trade_date = '{LAST}' group by 1 having sum(target_contracts) <> 0 order by 1"
    )
    assert ours == models
    assert len({instrument[:4] for instrument, _, _ in ours} & {"VX 2", "VXM "}) == 1
    states = desk.rows(
        "select layer, state, reason from mart.daily_hedge_state where layer <> 'guards' "
        f"and trade_date = '{LAST}' order by 1"
    )
    assert [row[:2] for row in desk.rows("select layer, state from mart.book_layers order by 1")] == [
        row[:2] for row in states
    ]


def test_every_layer_is_at_work_here(desk: Desk) -> None:
    desk.put(account())
    found = desk.rows("select layer, state from mart.book_layers where state = 'active' order by 1")
    assert [layer for layer, _ in found] == ["base", "second_engine", "temporal_vega"]
    (options, futures) = desk.rows(
        "select starts_with(instrument, 'VIX '), count(*) from mart.book_orders where order_contracts <> 0 "
        "group by 1 order by 1 desc"
    )
    assert options[1] >= 3
    assert futures[1] >= 2


def test_what_is_wanted_grows_with_the_account(desk: Desk) -> None:
    wanted = {}
    for nav in (500e6, 5e9):  # both so large that the futures are VX
        desk.put(account(nav))
        wanted[nav] = dict(desk.rows("select instrument, wanted_contracts from mart.book_orders"))
    assert wanted[500e6].keys() == wanted[5e9].keys()
    assert {name: count * 10 for name, count in wanted[500e6].items()} == pytest.approx(wanted[5e9])


def test_account_that_holds_the_targets_has_nothing_to_trade(desk: Desk) -> None:
    desk.put(account())
    before = desk.orders()
    assert any(order for _, _, order in before.values())
    desk.put(account() + as_positions(before))
    after = desk.orders()
    assert {name: row[0] for name, row in after.items()} == {name: row[0] for name, row in before.items()}
    assert [order for _, _, order in after.values()] == [0] * len(after)
    assert all(reason.startswith("no order") for (reason,) in desk.rows("select reason from mart.book_orders"))


def test_options_opened_on_another_day_are_gone_on_with(desk: Desk) -> None:
    desk.put(account(as_of=date(2022, 7, 1)))
    opened = {name: row for name, row in desk.orders().items() if name.startswith("VIX ")}
    shifted = account() + as_positions(
        {name.replace(name.split(" ")[3], f"{float(name.split(' ')[3]) + 1:g}"): row for name, row in opened.items()}
    )
    desk.put(shifted)
    found = {name: row for name, row in desk.orders().items() if name.startswith("VIX ")}
    assert found
    assert all(target == held and order == 0 for target, held, order in found.values())


def test_options_beyond_the_limit_are_replaced_and_a_warning_says_why(desk: Desk) -> None:
    expiry = desk.rows(
        "select max(split_part(instrument, ' ', 2)) from mart.daily_positions where instrument like 'VX%'"
    )
    naked = f'[[hedge.options]]\nexpiry = {expiry[0][0]}\nright = "C"\nstrike = 40\nquantity = -1\n'
    desk.put(account() + naked)
    (warning,) = desk.rows("select warning from ref.book_warnings where warning like '%second engine%'")
    assert "no bound" in warning[0]
    code = f"VIX {expiry[0][0]} C 40"
    target, held, order = desk.orders()[code]
    assert held == -1
    assert held + order == target


def test_hedge_is_sized_to_the_vega_of_the_book_at_its_entry(desk: Desk) -> None:
    desk.put(account() + GREEKS)
    exposure = desk.rows("select exposure_source, vega_usd_per_vol_pt, protected_vega_usd from mart.book_exposure")
    assert exposure == [("book_greeks", -20_000.0, 20_000 * parameters()["condor_atm_to_vix_ratio"].value)]
    # half of it, times the beta of the month that is held, is inside the band of 1% to 2%
    target, mark = desk.rows("select target_vega_usd, mark_pts from mart.book_orders where base_target_contracts <> 0")[
        0
    ]
    base = value(desk.connection, "select target_vega_usd from mart.book_layers where layer = 'base'")
    session = desk.market.futures.days.index(LAST)
    rank = int(desk.stretches[-1].path.held_rank[session])
    beta = float(desk.market.futures.betas[session, rank - 1])
    notional = min(max(0.5 * exposure[0][2] * beta * mark, 0.01 * MODEL_NAV), 0.02 * MODEL_NAV)
    assert base == pytest.approx(notional / mark)
    assert abs(target) >= base - 1e-6


def test_legs_are_valued_each_session_and_count_nothing_once_expired(desk: Desk) -> None:
    legs = f'[[condor.legs]]\nexpiry = {ENDS}\nright = "P"\nstrike = {strike(desk)}\nquantity = -3\n'
    desk.put(account(as_of=date(2022, 6, 27)) + legs)
    found = desk.rows("select trade_date, vega_usd_per_vix_pt, protected_vega_usd from mart.book_exposure order by 1")
    alive = [(vega, protected) for day, vega, protected in found if day < ENDS]
    assert len(alive) >= 3
    assert all(vega < 0 and protected == -vega for vega, protected in alive)
    assert len({vega for vega, _ in alive}) == len(alive)
    assert {row[1:] for row in found if row[0] >= ENDS} == {(0.0, 0.0)}
    assert desk.rows("select instrument, stated_contracts, is_expired from ref.book_positions") == [
        (f"SPX {ENDS} P {strike(desk)}", -3, True)
    ]
    assert any("1 of 1 condor legs expired" in one for (one,) in desk.rows("select warning from ref.book_warnings"))


def test_book_of_a_weekend_enters_at_the_close_before_it(desk: Desk) -> None:
    desk.put(account(as_of=LAST + timedelta(days=1)))
    assert desk.rows("select entered_date from ref.book") == [(LAST,)]
    assert desk.rows("select * from ref.book_warnings") == []
    desk.put(account(as_of=date(2022, 7, 4)))
    assert desk.rows("select entered_date from ref.book") == [(date(2022, 7, 1),)]


def test_book_of_a_session_that_is_not_there_yet_has_no_orders_and_says_so(desk: Desk) -> None:
    ahead = LAST + timedelta(days=3)
    held = '[[hedge.futures]]\ncontract = "VXM"\nexpiry = 2022-07-20\nquantity = 2\n'
    desk.put(account(as_of=ahead) + held)
    assert desk.rows("select entered_date from ref.book") == [(None,)]
    assert desk.rows("select instrument, target_contracts, held_contracts, order_contracts from mart.book_orders") == [
        ("VXM 2022-07-20", None, 2, None)
    ]
    assert str(ahead) in value(desk.connection, "select reason from mart.book_orders")
    assert desk.rows("select * from mart.book_exposure") == []
    assert failed_checks(desk) == []


def test_returns_that_are_asked_stand_in_the_book(desk: Desk) -> None:
    desk.put(account() + "[returns]\nwacc_frac = 0.09\nrequired_return_frac = 0.12\n")
    asked = "select wacc_frac, required_return_frac, equity_premium_frac, protects from ref.book"
    assert desk.rows(asked) == [(0.09, 0.12, None, "model_condor")]


def test_later_sessions_change_nothing_of_an_earlier_exposure(desk: Desk, earlier_desk: Desk) -> None:
    text = (
        account(as_of=date(2022, 6, 28))
        + "[[condor.legs]]\n"
        + ('expiry = 2022-08-19\nright = "P"\nstrike = 3800\nquantity = -3\n')
    )
    desk.put(text)
    earlier_desk.put(text)
    query = f"from mart.book_exposure where trade_date <= '{EARLIER}' order by 1"
    assert desk.rows(query) == earlier_desk.rows(query)
    assert len(earlier_desk.rows(query)) == 6


def test_earlier_evening_wanted_what_the_model_wanted_then(desk: Desk, earlier_desk: Desk) -> None:
    earlier_desk.put(account(as_of=date(2021, 6, 1)))
    query = "select instrument, target_contracts from mart.book_orders where target_contracts <> 0 order by 1"
    models = (
        "select instrument, sum(target_contracts) from mart.daily_positions "
        f"where trade_date = '{EARLIER}' group by 1 having sum(target_contracts) <> 0 order by 1"
    )
    assert earlier_desk.rows(query) == desk.rows(models)


def failed_checks(desk: Desk) -> list[tuple[str, str]]:
    found = run_sql_checks(desk.connection)
    return [(one.check_name, one.sample) for one in found if "book" in one.check_name and not one.is_passed]


@pytest.mark.parametrize(
    "text",
    [
        lambda: account(),
        lambda: (
            account(250_000, date(2022, 7, 5)) + '[[hedge.futures]]\ncontract="VX"\nexpiry=2022-07-20\nquantity=2\n'
        ),
        lambda: account(3e6, date(2022, 3, 1)) + GREEKS,
    ],
)
def test_checks_pass_and_everything_can_be_read(desk: Desk, text: Callable[[], str]) -> None:
    desk.put(text())
    assert failed_checks(desk) == []
    found = read_book_orders(desk.connection)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["session"] == str(LAST)
    assert found["account"]["account"] == "your book"
    assert [one["layer"] for one in found["layers"]] == ["base", "temporal_vega", "second_engine"]
    assert {one["account_nav_usd"] for one in found["orders"]} == {found["account"]["account_nav_usd"]}


RUN = {"run_id": "a run", "market": "simulated"}


def read_report(desk: Desk, as_of: date) -> ReportInputs:
    return read_report_inputs(desk.connection, as_of, RUN, [])


def test_report_of_the_newest_session_shows_the_orders_of_the_book(desk: Desk) -> None:
    desk.put(account() + GREEKS)
    inputs = read_report(desk, LAST)
    state = json.loads(render_json(build_report_context(inputs)))["book"]
    assert (state["account"], state["trade_date"], state["as_of_date"]) == ("your book", str(LAST), str(LAST))
    shown = {
        one["instrument"]: (one["target_contracts"], one["held_contracts"], one["order_contracts"])
        for one in state["orders"]
    }
    assert shown == desk.orders()
    assert state["order_count"] == value(
        desk.connection, "select count(*) from mart.book_orders where order_contracts <> 0"
    )
    assert all(sum(one["layer_targets"].values()) == one["target_contracts"] for one in state["orders"])
    assert state["protected"]["vega_usd_per_vix_pt"] == value(
        desk.connection, "select vega_usd_per_vix_pt from mart.book_exposure order by trade_date desc limit 1"
    )
    assert state["protected"]["is_model_priced"] is False


def test_report_of_a_book_that_is_ahead_says_that_nothing_is_decided(desk: Desk) -> None:
    desk.put(account(as_of=LAST + timedelta(days=3)))
    state = json.loads(render_json(build_report_context(read_report(desk, LAST))))["book"]
    assert (state["order_count"], state["entered_date"], state["orders"]) == (None, None, [])


def test_report_of_an_earlier_session_says_that_the_book_is_of_the_newest(desk: Desk) -> None:
    desk.put(account(as_of=EARLIER))
    inputs = read_report(desk, EARLIER)
    assert (inputs.book, inputs.book_note) == (None, EARLIER_SESSION)


def test_report_without_a_book_says_how_to_add_one_or_why_it_is_not_used(desk: Desk) -> None:
    desk.put(None)
    for session in (LAST, EARLIER):
        inputs = read_report(desk, session)
        assert (inputs.book, inputs.book_note) == (None, NO_BOOK)
    desk.put(account().replace("nav_usd", "nav_dollars"))
    inputs = read_report(desk, LAST)
    assert inputs.book is None
    assert inputs.book_note.startswith(NO_BOOK + " Yours is not used: ")
    assert "nav_dollars" in inputs.book_note


def test_report_of_a_warehouse_without_the_tables_says_so(desk: Desk) -> None:
    desk.put(account())
    try:
        desk.connection.execute("drop table mart.book_orders")
        inputs = read_report(desk, LAST)
        assert (inputs.book, inputs.book_note) == (None, NO_TABLES)
    finally:
        desk.put(None)


def test_blocked_layer_is_not_traded(desk: Desk) -> None:
    held = '[[hedge.futures]]\ncontract = "VXM"\nexpiry = 2022-08-17\nquantity = 2\n'
    (one,) = desk.stretches
    states = one.path.base_state.copy()
    states[-1] = LayerState.BLOCKED
    blocked = replace(one, path=replace(one.path, base_state=states))
    with patch.object(desk, "stretches", [blocked]):
        desk.put(account(as_of=date(2022, 7, 5)) + held)
    found = desk.rows(
        "select starts_with(instrument, 'VX'), order_contracts <> 0, reason like '%base is blocked%', count(*) "
        "from mart.book_orders group by all order by all"
    )
    assert [row[:3] for row in found] == [(False, True, False), (True, False, True)]
    assert failed_checks(desk) == []


def test_policy_after_a_published_strategy_is_followed_from_the_first_session(desk: Desk) -> None:
    in_force = [PolicyInForce(None, preset("canon"), "canon")]
    stretches = list_stretches(decide_hedge(desk.connection, in_force, desk.calendars))
    with patch.object(desk, "stretches", stretches):
        desk.put(account())
    # as the model account, which has followed it since the beginning, and not as one that begins today
    run = run_hedge(desk.market, stretches, desk.calendars)
    models = {leg.instrument.code: leg.contracts for leg in run.targets[0].wants[-1].legs}
    assert models
    assert {instrument: row[0] for instrument, row in desk.orders().items()} == models
    assert failed_checks(desk) == []
