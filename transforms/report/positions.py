"""Positions and orders for the report: tables and words of a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.page.tables import Table, make_cell, make_column, make_row, make_table
from transforms.page.text import MISSING, say_count, say_number
from transforms.policy.model import LAYERS
from transforms.report.cells import amount_cell, lower_first, number_column
from transforms.report.links import href_of
from transforms.statement.rows import (
    TRADE_WORDS,
    say_kind,
    say_mark,
    say_orders,
    say_protected,
    say_shift,
    say_value_band,
    say_vega_band,
)
from transforms.statement.words import (
    LAYER_TITLES,
    say_amount,
    say_band,
    say_contracts,
    say_share,
    say_usd,
)


def build_positions_section(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page prints of positions and orders: sentences and tables."""
    totals, trades, shifts = statement["totals"], statement["trades"], statement["time_shifts"]
    empty = [
        f"{LAYER_TITLES[one['layer']]} holds nothing and wants nothing: {one['why']}."
        for one in totals
        if one["layer"] in LAYERS and not any(row["layer"] == one["layer"] for row in statement["positions"])
    ]
    count = f"{say_count(shifts['count'], 'Time-Shift')} so far, {say_usd(shifts['rolled_usd'])} moved"
    now = [say_shift(one) for one in shifts["session"]]
    earlier = [say_shift(one) for one in reversed(shifts["last"]) if one not in shifts["session"]]
    return {
        "sentence": f"Model account: {lower_first(say_orders(totals, statement['next_session']))}.",
        "account": say_protected(statement["account"]),
        "table": _position_table(statement["positions"]),
        "empty": empty,
        "totals": _total_table(totals),
        "trades": _trade_table(trades) if trades else None,
        "shifts_title": f"{say_count(len(now), 'Time-Shift') if now else 'No Time-Shift'} this session; {count}",
        "shifts": [*now, *earlier],
    }


def _position_table(positions: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column("Instrument"),
        number_column("Target", "target_contracts"),
        number_column("Unrounded", "wanted_contracts"),
        number_column("Held", "held_contracts"),
        number_column("Order", "order_contracts", "next session"),
        number_column("Mark", "mark_pts", "VIX points"),
        number_column("Vega", "vega_usd", "$ a point"),
        number_column("Notional", "delta_usd", "$"),
        number_column("of NAV", "delta_usd"),
        make_column("Kind", "price", href=href_of("is_model_priced")),
    ]
    rows = []
    for row in positions:
        mark, band = say_mark(row)
        rows.append(
            make_row(
                make_cell(row["instrument"], note=f"{LAYER_TITLES[row['layer']]}, {row['reason']}"),
                make_cell(say_contracts(row["target_contracts"])),
                make_cell(say_number(row["wanted_contracts"], "pts")),
                make_cell(say_contracts(row["held_contracts"])),
                make_cell(
                    say_number(row["order_contracts"], "count", signed=True) if row["order_contracts"] else MISSING,
                    tone="" if row["order_contracts"] else "quiet",
                ),
                _banded(mark, band),
                _banded(
                    say_amount(row["vega_usd"]),
                    say_band(row["vega_low_usd"], row["vega_high_usd"], "usd") if row["held_contracts"] else "",
                ),
                amount_cell(row["delta_usd"]),
                make_cell(say_share(row["delta_frac"])),
                make_cell(say_kind(row), tone="quiet"),
            )
        )
    return make_table(columns, rows, [])


def _banded(text: str, band: str) -> dict[str, Any]:
    return make_cell(text, note=band, tone="missing" if text == MISSING else "")


def _total_table(totals: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column("Layer"),
        number_column("Vega", "vega_usd", "$ a point"),
        number_column("Notional", "delta_usd", "$, absolute"),
        number_column("of NAV", "delta_usd"),
        number_column("Options' value", "mark_low_pts", "$"),
        number_column("Margin", "margin_usd", "$"),
        number_column("of NAV", "margin_usd"),
    ]
    rows = []
    for one in totals:
        worth = say_value_band(one)
        value = say_amount(one["option_value_usd"]) if worth or one["option_value_usd"] is None else MISSING
        rows.append(
            make_row(
                make_cell(LAYER_TITLES[one["layer"]]),
                _banded(say_amount(one["vega_usd"]), say_vega_band(one)),
                amount_cell(one["notional_usd"]),
                make_cell(say_share(one["notional_frac"])),
                _banded(value, worth),
                amount_cell(one["margin_usd"]),
                make_cell(say_share(one["margin_frac"])),
            )
        )
    return make_table(columns, rows, [])


def _trade_table(trades: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column("Instrument"),
        make_column("Trade"),
        number_column("Contracts", "traded_contracts"),
        number_column("Price", "trade_price_pts", "VIX points"),
        number_column("Cost", "trade_cost_usd", "$"),
        number_column("Roll yield", "roll_yield_frac"),
        make_column("Why"),
    ]
    rows = [
        make_row(
            make_cell(trade["instrument"], note=LAYER_TITLES[trade["layer"]]),
            make_cell(
                TRADE_WORDS.get(trade["trade_kind"], trade["trade_kind"]),
                note=f"against {trade['rolled_with']}" if trade["rolled_with"] else "",
            ),
            make_cell(say_number(trade["traded_contracts"], "count", signed=True)),
            make_cell(
                say_number(trade["trade_price_pts"], "pts"), note="model-priced" if trade["is_model_priced"] else ""
            ),
            amount_cell(trade["trade_cost_usd"]),
            make_cell(
                say_share(trade["roll_yield_frac"], signed=True),
                tone="missing" if trade["roll_yield_frac"] is None else "",
            ),
            make_cell(trade["reason"] or MISSING),
        )
        for trade in trades
    ]
    return make_table(columns, rows, [])
