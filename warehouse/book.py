"""The user's book in the warehouse: the account, what it protects, what it holds, and the orders that are missing.

The model account has tables of its own. Nothing of the book enters them, and everything here names the account of the
book.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from transforms.calendar import sessions
from transforms.hedge import CalendarListing, HedgeMarket, HedgeRun, Stretch, run_hedge
from transforms.hedge.slices import put_account, slice_calendars, slice_market, slice_stretches
from transforms.layers import Layer, LayerState
from transforms.layers.decide import is_sized_in_futures
from transforms.portfolio.book import Book, check_book
from transforms.portfolio.holdings import adopt_options, list_held
from transforms.portfolio.orders import Order, build_orders
from transforms.portfolio.protected import EXPOSURE_COLUMNS, build_exposures
from transforms.portfolio.settings import condor_settings
from transforms.positions.instruments import Instrument, VixFuture, VixOption
from transforms.positions.market import Marks
from transforms.registry import ColumnInfo
from warehouse.models import count_rows, create_typed_table
from warehouse.stored_book import StoredBook
from warehouse.tables import MADE_IN_PYTHON

_LAYERS = (Layer.BASE, Layer.TEMPORAL_VEGA, Layer.SECOND_ENGINE)

_PROTECTED = """
select
    curve.trade_date,
    market.spx_close_pts,
    market.vix_close_pts,
    market.vix9d_close_pts,
    market.vix3m_close_pts,
    market.bill_discount_rate_frac,
    condor.mark_usd,
    condor.delta_usd_per_pt,
    condor.gamma_usd_per_pt2,
    condor.vega_usd_per_vol_pt,
    condor.vega_usd_per_vix_pt,
    condor.theta_usd_per_day
from mart.daily_term_structure as curve
left join core.daily_hedge_inputs as market on market.trade_date = curve.trade_date
left join mart.daily_condor as condor on condor.trade_date = curve.trade_date
where curve.trade_date >= ?
order by curve.trade_date
"""

_BOOK = (
    *("as_of_date", "entered_date", "account_nav_usd", "account_margin_usd", "account_cash_usd", "account_bills_usd"),
    *("protects", "stated_delta_usd_per_pt", "stated_vega_usd_per_vol_pt"),
    *("required_return_frac", "wacc_frac", "equity_premium_frac", "file_sha256", "fetched_at_utc"),
)
_POSITIONS = (
    *("instrument", "position_kind", "expiry_date", "option_right", "strike_pts"),
    *("stated_contracts", "stated_price_pts", "is_expired"),
)
_LAYER_ROWS = ("trade_date", "layer", "account_nav_usd", "state", "target_vega_usd", "reason", "policy_hash")
_ORDERS = (
    *("trade_date", "instrument", "account_nav_usd"),
    *("base_target_contracts", "temporal_vega_target_contracts", "second_engine_target_contracts"),
    *("target_contracts", "wanted_contracts", "held_contracts", "order_contracts"),
    *("mark_pts", "vega_usd", "target_vega_usd", "is_model_priced", "reason", "layer_reasons", "policy_hash"),
)
_EXPOSURE = ("trade_date", "account_nav_usd", *EXPOSURE_COLUMNS[1:])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Entry:
    """A book on the sessions of a market: the one it enters at (None: not yet), and what a reader should know."""

    book: Book
    session: int | None
    newest: date
    warnings: tuple[str, ...]


def build_book_tables(
    connection: duckdb.DuckDBPyConnection,
    stored: StoredBook,
    market: HedgeMarket,
    stretches: Sequence[Stretch],
    policy_hash: str,
    calendars: CalendarListing,
    columns: Mapping[str, ColumnInfo],
) -> dict[str, int]:
    """Write every table of the book; without a book they are empty. Return rows by table.

    Parameters
    ----------
    stored
        The book of the night.
    market, stretches, calendars
        As the model account was walked through them.
    policy_hash
        Of the policy that decides the newest session.
    columns
        The registry, which gives the tables their types.
    """
    tables: dict[str, pd.DataFrame] = {
        "ref.book": pd.DataFrame(columns=list(_BOOK)),
        "ref.book_positions": pd.DataFrame(columns=list(_POSITIONS)),
        "mart.book_exposure": pd.DataFrame(columns=list(_EXPOSURE)),
        "mart.book_layers": pd.DataFrame(columns=list(_LAYER_ROWS)),
        "mart.book_orders": pd.DataFrame(columns=list(_ORDERS)),
    }
    warnings = [f"not used: {reason}" for reason in stored.passed_over]
    if stored.book is not None:
        entry = _enter(stored.book, market)
        warnings += entry.warnings
        tables["ref.book"] = _describe_book(stored, entry, market)
        tables["ref.book_positions"] = _list_positions(entry)
        if entry.session is not None:
            exposures = _value_protected(connection, entry, market)
            run, refused = _walk(entry, market, stretches, calendars, exposures)
            warnings += refused
            given = {"trade_date": entry.newest, "account_nav_usd": stored.book.nav_usd, "policy_hash": policy_hash}
            tables["mart.book_exposure"] = exposures.assign(account_nav_usd=stored.book.nav_usd)[list(_EXPOSURE)]
            tables["mart.book_layers"] = _list_layers(run, stretches, given)
            tables["mart.book_orders"] = _list_orders(entry, run, stretches, given)
        elif len(market.futures):
            tables["mart.book_orders"] = _list_undecided(entry, policy_hash)
    tables["ref.book_warnings"] = pd.DataFrame(list(enumerate(warnings, start=1)), columns=["warning_no", "warning"])
    rows = {}
    for name, frame in tables.items():
        grain = [column.strip() for column in MADE_IN_PYTHON[name].grain.split(",")]
        create_typed_table(connection, name, frame, columns, grain)
        rows[name] = count_rows(connection, name)
    return rows


def _enter(book: Book, market: HedgeMarket) -> _Entry:
    """Find the session at whose close the account enters: the newest one up to the day of the book."""
    days = market.futures.days
    if not days:
        return _Entry(book=book, session=None, newest=book.as_of, warnings=())
    newest = days[-1]
    is_ahead = book.as_of > newest and bool(sessions("XCBF", newest + timedelta(days=1), book.as_of))
    # A book of a Saturday says what is held after Friday's close.
    seen_on = newest if is_ahead else max(newest, book.as_of)
    warnings = check_book(book, seen_on, int(market.parameters["book_longest_age_sessions"]))
    session = None if is_ahead else max(bisect_right(days, book.as_of) - 1, 0)
    return _Entry(book=book, session=session, newest=newest, warnings=warnings)


def _value_protected(connection: duckdb.DuckDBPyConnection, entry: _Entry, market: HedgeMarket) -> pd.DataFrame:
    assert entry.session is not None
    frame = connection.execute(_PROTECTED, [market.futures.days[entry.session]]).df()
    return build_exposures(entry.book, frame, condor_settings(market.parameters))


def _walk(
    entry: _Entry,
    market: HedgeMarket,
    stretches: Sequence[Stretch],
    calendars: CalendarListing,
    exposures: pd.DataFrame,
) -> tuple[HedgeRun, list[str]]:
    """Enter the hedge at the close of the book and follow the policy to the newest session."""
    assert entry.session is not None
    vega = np.full(len(market.futures), np.nan)
    vega[entry.session :] = exposures["protected_vega_usd"].to_numpy(dtype=np.float64)
    account = put_account(market, entry.book.nav_usd, vega)
    machine = stretches[-1].machine
    if not is_sized_in_futures(machine):
        # A published strategy holds what its calendar says, whenever an account begins with it.
        return run_hedge(account, stretches, calendars), []
    cut = slice_stretches(stretches, entry.session)
    limit = float(machine["short_loss_frac"]) * entry.book.nav_usd
    held, refusal = adopt_options(entry.book, market.futures.days[entry.session], limit)
    cut = [replace(one, held_options=held) for one in cut]
    run = run_hedge(slice_market(account, entry.session), cut, slice_calendars(calendars, entry.session))
    return run, [] if refusal is None else [f"the second engine does not go on with the options of the book: {refusal}"]


def _describe_book(stored: StoredBook, entry: _Entry, market: HedgeMarket) -> pd.DataFrame:
    book, file = entry.book, stored.file
    assert file is not None
    entered = None if entry.session is None else market.futures.days[entry.session]
    account = (book.nav_usd, book.margin_usd, book.cash_usd, book.bills_usd)
    returns = book.returns
    asked = (returns.required_return_frac, returns.wacc_frac, returns.equity_premium_frac)
    row = (book.as_of, entered, *account, book.protects, book.net_delta_usd, book.net_vega_usd, *asked)
    return pd.DataFrame([(*row, file.sha256, file.fetched_at_utc)], columns=list(_BOOK), dtype=object)


def _list_positions(entry: _Entry) -> pd.DataFrame:
    book = entry.book
    rows: list[tuple[Any, ...]] = []
    for leg in book.legs:
        code = f"SPX {leg.expiry_date} {leg.right} {leg.strike_pts:g}"
        rows.append((code, "protected_leg", leg.expiry_date, leg.right, leg.strike_pts, leg.quantity, leg.price_pts))
    for future in book.futures:
        code = VixFuture(future.expiry_date, is_mini=future.contract == "VXM").code
        rows.append((code, "hedge_future", future.expiry_date, None, None, future.quantity, future.cost_pts))
    for option in book.options:
        code = VixOption(option.expiry_date, option.strike_pts, is_call=option.right == "C").code
        terms = (option.expiry_date, option.right, option.strike_pts)
        rows.append((code, "hedge_option", *terms, option.quantity, option.cost_pts))
    return pd.DataFrame([(*row, row[2] <= entry.newest) for row in rows], columns=list(_POSITIONS), dtype=object)


def _list_layers(run: HedgeRun, stretches: Sequence[Stretch], given: Mapping[str, Any]) -> pd.DataFrame:
    states, vegas = _newest_states(stretches), [float(run.wanted_vega_usd(layer)[-1]) for layer in _LAYERS]
    rows = [
        {"layer": layer.value, "state": states[layer].name.lower(), "target_vega_usd": vega, **given}
        | {"reason": targets.wants[-1].reason}
        for layer, vega, targets in zip(_LAYERS, vegas, run.targets, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(_LAYER_ROWS))


def _list_orders(entry: _Entry, run: HedgeRun, stretches: Sequence[Stretch], given: Mapping[str, Any]) -> pd.DataFrame:
    wants = {one.layer: one.wants[-1] for one in run.targets}
    held = list_held(entry.book, entry.newest)
    orders = build_orders(
        wants,
        held,
        sessions("XCBF", entry.newest + timedelta(days=1), entry.newest + timedelta(days=14))[0],
        float(run.market.parameters["base_band_slack_frac"]),
        _withheld(stretches),
    )
    marks = _price(run, [order.instrument for order in orders])
    rows = [_order_row(order, marks, len(run.market.futures) - 1, given) for order in orders]
    return pd.DataFrame(rows, columns=list(_ORDERS), dtype=object)


def _list_undecided(entry: _Entry, policy_hash: str) -> pd.DataFrame:
    reason = f"no order: the book is of {entry.book.as_of}, nothing is decided after its close yet"
    given = {"trade_date": entry.newest, "account_nav_usd": entry.book.nav_usd, "policy_hash": policy_hash}
    rows = [
        {"instrument": instrument.code, "held_contracts": quantity, "reason": reason, **given}
        for instrument, quantity in list_held(entry.book, entry.newest).items()
    ]
    return pd.DataFrame(rows, columns=list(_ORDERS), dtype=object)


def _order_row(order: Order, marks: Marks, session: int, given: Mapping[str, Any]) -> dict[str, Any]:
    mark = marks.mark(session, order.instrument)
    dollars = np.nan if mark is None else order.instrument.multiplier_usd * mark.delta
    return {
        "instrument": order.instrument.code,
        **{f"{layer.value}_target_contracts": order.targets.get(layer, 0) for layer in _LAYERS},
        "target_contracts": order.target_contracts,
        "wanted_contracts": order.wanted_contracts,
        "held_contracts": order.held_contracts,
        "order_contracts": order.order_contracts,
        "mark_pts": None if mark is None else mark.pts,
        "vega_usd": order.held_contracts * dollars,
        "target_vega_usd": order.wanted_contracts * dollars,
        "is_model_priced": None if mark is None else mark.is_model_priced,
        "reason": order.reason,
        "layer_reasons": order.layer_reasons or "no layer wants it",
        **given,
    }


def _price(run: HedgeRun, instruments: Sequence[Instrument]) -> Marks:
    """Price instruments at the newest close: what is held need not be what was walked with."""
    market = run.market
    needs = pd.DataFrame(
        [
            (market.futures.days[-1], one.expiry, one.strike_pts, "C" if one.is_call else "P")
            for one in instruments
            if isinstance(one, VixOption)
        ],
        columns=["trade_date", "expiry_date", "strike_pts", "right"],
    ).astype({"trade_date": "datetime64[us]", "expiry_date": "datetime64[us]", "strike_pts": "float64"})
    pricer = market.options.price_for(market.futures, needs) if len(needs) else None
    return Marks(market.futures, pricer, run.marks.notes)


def _newest_states(stretches: Sequence[Stretch]) -> dict[Layer, LayerState]:
    path = stretches[-1].path
    found = zip(_LAYERS, (path.base_state, path.temporal_state, path.second_state), strict=True)
    return {layer: LayerState(int(states[-1])) for layer, states in found}


def _withheld(stretches: Sequence[Stretch]) -> Callable[[Instrument], str | None]:
    """Why an instrument is not traded: a blocked layer holds what it has, and what it has is in the book alone."""
    states = _newest_states(stretches)
    if not is_sized_in_futures(stretches[-1].machine):
        return lambda _: None

    def withhold(instrument: Instrument) -> str | None:
        layer = Layer.SECOND_ENGINE if isinstance(instrument, VixOption) else Layer.BASE
        return f"{layer.value} is blocked, hold what you have" if states[layer] is LayerState.BLOCKED else None

    return withhold
