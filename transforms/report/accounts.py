"""Positions and ledger for the report: tables and words of a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.page.tables import make_cell, make_column, make_part, make_row, make_table
from transforms.page.text import MISSING, say_count, say_date, say_number
from transforms.policy.model import LAYERS
from transforms.report.measures import anchor
from transforms.statement.build import NO_VALUATION
from transforms.statement.ledger import ROWS
from transforms.statement.rows import (
    PIECE_NAMES,
    READING_NAMES,
    TRADE_WORDS,
    list_pieces,
    say_cost_band,
    say_identity,
    say_kind,
    say_mark,
    say_option_pnl,
    say_orders,
    say_protected,
    say_shift,
    say_value_band,
    say_vega_band,
    whole_of,
)
from transforms.statement.valuation import list_measures
from transforms.statement.words import (
    LAYER_TITLES,
    WINDOW_NAMES,
    say_amount,
    say_band,
    say_contracts,
    say_ratio,
    say_share,
    say_usd,
    say_yearly_cost,
)

Table = dict[str, Any]
_CREDITS = ("credit_received", "credit_kept", "credit_given_back")


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
        "sentence": f"Model account: {_inside(say_orders(totals, statement['next_session']))}.",
        "account": say_protected(statement["account"]),
        "table": _position_table(statement["positions"]),
        "empty": empty,
        "totals": _total_table(totals),
        "trades": _trade_table(trades) if trades else None,
        "shifts_title": f"{say_count(len(now), 'Time-Shift') if now else 'No Time-Shift'} this session; {count}",
        "shifts": [*now, *earlier],
    }


def build_ledger_section(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page prints of the ledger and the valuation: sentences and tables."""
    funding = statement["funding"]
    there = [window for window in funding["windows"] if window["layers"]]
    wacc = funding["wacc"]
    return {
        "sentence": funding["sentence"],
        "account": (
            f"Dollars of a model account of {say_usd(funding['nav_usd'])}, the same every session. 1 month and "
            "12 months are the sessions after the same day one and twelve months before."
        ),
        "pieces": _piece_table(there),
        "absent": [
            f"{WINDOW_NAMES[one['window']]}: {one['reason']}." for one in funding["windows"] if not one["layers"]
        ],
        "identity": say_identity(there),
        "options": _option_sentence(there),
        "unknown": _unknown_sentences(there),
        "credits": _credit_table(there),
        "fills": _fill_table(there),
        "costs": _cost_table(funding),
        "wacc": f"That is {say_share(wacc['drag_of_wacc_ratio'])} of the cost of capital that your book states."
        if wacc
        else "",
        "readings": _reading_table(funding["readings"]),
        "valuation": None if statement["valuation"] is None else _valuation_table(statement["valuation"]),
        "no_valuation": NO_VALUATION,
    }


def _position_table(positions: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column("Instrument"),
        _column("Target", "target_contracts"),
        _column("Unrounded", "wanted_contracts"),
        _column("Held", "held_contracts"),
        _column("Order", "order_contracts", "next session"),
        _column("Mark", "mark_pts", "VIX points"),
        _column("Vega", "vega_usd", "$ a point"),
        _column("Notional", "delta_usd", "$"),
        _column("of NAV", "delta_usd"),
        make_column("Kind", "price"),
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
                _amount(row["delta_usd"]),
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
        _column("Vega", "vega_usd", "$ a point"),
        _column("Notional", "delta_usd", "$, absolute"),
        _column("of NAV", "delta_usd"),
        _column("Options' value", "mark_low_pts", "$"),
        _column("Margin", "margin_usd", "$"),
        _column("of NAV", "margin_usd"),
    ]
    rows = []
    for one in totals:
        worth = say_value_band(one)
        value = say_amount(one["option_value_usd"]) if worth or one["option_value_usd"] is None else MISSING
        rows.append(
            make_row(
                make_cell(LAYER_TITLES[one["layer"]]),
                _banded(say_amount(one["vega_usd"]), say_vega_band(one)),
                _amount(one["notional_usd"]),
                make_cell(say_share(one["notional_frac"])),
                _banded(value, worth),
                _amount(one["margin_usd"]),
                make_cell(say_share(one["margin_frac"])),
            )
        )
    return make_table(columns, rows, [])


def _trade_table(trades: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column("Instrument"),
        make_column("Trade"),
        make_column("Contracts", is_number=True),
        make_column("Price", "VIX points", is_number=True),
        _column("Cost", "trade_cost_usd", "$"),
        make_column("Roll yield", is_number=True),
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
            _amount(trade["trade_cost_usd"]),
            make_cell(
                say_share(trade["roll_yield_frac"], signed=True),
                tone="missing" if trade["roll_yield_frac"] is None else "",
            ),
            make_cell(trade["reason"] or MISSING),
        )
        for trade in trades
    ]
    return make_table(columns, rows, [])


def _piece_table(windows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column(""),
        _column("P&L", "pnl_usd", "$"),
        _column("of NAV", "pnl_usd"),
        *(_column(name.capitalize(), f"{piece}_usd") for piece, name in PIECE_NAMES.items()),
    ]
    return make_table(columns, _by_window(windows, lambda _, row: [make_cell(text) for text in list_pieces(row)]), [])


def _credit_table(windows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column(""),
        _column("Received", "credit_received_usd", "$"),
        _column("Kept", "credit_kept_usd", "$"),
        _column("Given back", "credit_given_back_usd", "$"),
        _column("Cost of protection", "protection_cost_usd", "$"),
        _column("of NAV", "protection_cost_usd"),
        make_column("Self-funding ratio", href=anchor("self_funding_ratio_12m")),
    ]

    def cells(window: Mapping[str, Any], row: Mapping[str, Any]) -> list[dict[str, Any]]:
        is_ratio = row["self_funding_ratio"] is not None
        ratio = say_ratio(row["self_funding_ratio"], row["self_funding_note"])
        return [
            *(_amount(row[f"{name}_usd"]) for name in _CREDITS),
            _amount(row["protection_cost_usd"]),
            make_cell(say_share(row["protection_cost_frac"])),
            make_cell(ratio, tone="" if is_ratio else "quiet"),
        ]

    # one session is no window of the ratio
    rows = _by_window([one for one in windows if one["window"] != "session"], cells)
    return make_table(columns, rows, [])


def _by_window(windows: Sequence[Mapping[str, Any]], cells: Any) -> list[dict[str, Any]]:
    """One row a window for all layers together, and below it a row a layer."""
    rows = []
    for window in windows:
        *layers, whole = window["layers"]
        rows.append(make_row(make_cell(WINDOW_NAMES[window["window"]], note=_span(window)), *cells(window, whole)))
        rows += [make_part(make_cell(LAYER_TITLES[row["layer"]]), *cells(window, row)) for row in layers]
    return rows


def _span(window: Mapping[str, Any]) -> str:
    return say_date(window["first_trade_date"]) if window["sessions"] == 1 else f"{window['sessions']:,} sessions"


def _fill_table(windows: Sequence[Mapping[str, Any]]) -> Table:
    href = "cost_at_mid_usd"
    columns = [
        make_column("All layers"),
        _column("At mid", href, "$"),
        _column("Third of the half-spread lost", href, "the ledger, $"),
        _column("All of it lost", href, "$"),
    ]
    rows = [
        make_row(
            make_cell(WINDOW_NAMES[window["window"]]),
            *(_amount(whole_of(window)[f"{name}_usd"]) for name in ("pnl_at_mid", "pnl", "pnl_at_full")),
        )
        for window in windows
    ]
    return make_table(columns, rows, [])


def _cost_table(funding: Mapping[str, Any]) -> Table:
    budget, claim = (
        f"{say_number(funding[name]['lowest_frac'], 'frac')} to {say_number(funding[name]['highest_frac'], 'frac')}"
        for name in ("budget", "claim")
    )
    sessions, months = funding["cost"][-1]["sessions"], funding["credit"][-1]["sessions"]
    credit = "credit_per_nav_frac"
    columns = [
        make_column(""),
        *(make_column(LAYER_TITLES[layer], is_number=True) for layer in ROWS),
    ]
    rows = [
        make_row(
            make_cell(
                f"Cost of {sessions} sessions, of NAV", href=anchor("cost_12m_frac"), note=f"budget {budget} a year"
            ),
            *(_measured(one, "cost_12m", one["budget_words"]) for one in funding["cost"]),
        ),
        make_row(
            make_cell("its band, model-priced"),
            *(_cost_band(one) for one in funding["cost"]),
        ),
        make_row(
            make_cell("Cost of all sessions, by the year", href=anchor("cost_12m_frac")),
            *(_measured(one, "cost_all", None) for one in funding["cost"]),
        ),
        make_row(
            make_cell(f"Roll credit of {months} sessions, $", href=anchor(credit)),
            *(_amount(one["credit_usd"]) for one in funding["credit"]),
        ),
        *(
            make_row(
                make_cell(f"over {words}", href=anchor(credit), note=f"claim {claim} a month"),
                *(_measured(one, name, one[f"{name}_words"]) for one in funding["credit"]),
            )
            for name, words in (("per_nav", "NAV"), ("per_notional", "hedge notional"), ("per_margin", "margin"))
        ),
    ]
    return make_table(columns, rows, [f"{LAYER_TITLES['portfolio']}: {say_yearly_cost(funding['cost'][-1])}."])


def _measured(one: Mapping[str, Any], name: str, words: str | None) -> dict[str, Any]:
    value = one[f"{name}_frac"]
    if value is None:
        return make_cell(MISSING, note=one[f"{name}_note"] or "", tone="missing")
    # "below the budget of 1% to 2% ...": the range stands at the head of the row
    place = (words or "").partition(" the ")[0]
    return make_cell(
        say_share(value), note=place if place in ("below", "within", "above") else "earned" if words else ""
    )


def _cost_band(one: Mapping[str, Any]) -> dict[str, Any]:
    said = say_cost_band(one)
    return make_cell(said or MISSING, tone="" if said else "quiet")


def _reading_table(readings: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column("Temporal vega, read as"),
        _column("P&L", "pnl_usd", "12 months, $"),
        _column("P&L", "pnl_usd", "all, $"),
        _column("of NAV", "pnl_usd", "all"),
        _column("Roll", "roll_usd", "all, $"),
        _column("Curve", "curve_usd", "all, $"),
        _column("Kept", "credit_kept_usd", "all, $"),
        _column("Protection", "protection_cost_usd", "all, $"),
        make_column("Ratio", "self-funding", href=anchor("self_funding_ratio_12m")),
    ]
    rows = [
        make_row(
            make_cell(
                READING_NAMES.get(one["reading"], one["reading"]), note="as booked" if one["is_as_booked"] else ""
            ),
            _amount(one["12m"]["pnl_usd"]),
            _amount(one["all"]["pnl_usd"]),
            make_cell(say_share(one["all"]["pnl_frac"])),
            *(_amount(one["all"][f"{name}_usd"]) for name in ("roll", "curve", "credit_kept", "protection_cost")),
            make_cell(
                say_ratio(one["all"]["self_funding_ratio"], one["all"]["self_funding_note"]),
                tone="" if one["all"]["self_funding_ratio"] is not None else "quiet",
            ),
        )
        for one in readings
    ]
    return make_table(columns, rows, ["Each by the policy of the warehouse's newest session, over all sessions."])


def _valuation_table(valuation: Mapping[str, Any]) -> Table:
    columns = [make_column("Measure"), *(make_column(LAYER_TITLES[layer]) for layer in ROWS)]
    rows = [make_row(*(make_cell(text) for text in texts)) for texts in list_measures(valuation, ROWS)]
    return make_table(columns, rows, ["Projections of a model, not forecasts. What is undefined says why."])


def _inside(name: str) -> str:
    """Return a name as it stands inside a sentence."""
    return name[:1].lower() + name[1:]


def _option_sentence(windows: Sequence[Mapping[str, Any]]) -> str:
    said = [
        f"{_inside(WINDOW_NAMES[window['window']])} {say_option_pnl(whole_of(window))}"
        for window in windows
        if whole_of(window)["option_pnl_usd"]
    ]
    if not said:
        return "No option was held in these windows."
    return (
        f"Options, theta and option move, with the band of the same positions at lower and higher volatilities "
        f"throughout: {'; '.join(said)}."
    )


def _unknown_sentences(windows: Sequence[Mapping[str, Any]]) -> list[str]:
    whole = whole_of(next(window for window in windows if window["window"] == "all"))
    said = []
    if whole["unmarked_count"]:
        said.append(
            f"Whole history: {say_count(whole['unmarked_count'], 'position')} without a mark on a session; the "
            "change is booked with the next one."
        )
    if whole["interest_unknown_count"]:
        said.append(
            f"Whole history: interest not known on {say_count(whole['interest_unknown_count'], 'session')} of a layer."
        )
    if whole["unsplit_usd"]:
        said.append(
            f"Whole history: {say_usd(whole['unsplit_usd'])} of curve and option move could not be split, because the "
            "part of time was not known."
        )
    return said


def _column(label: str, column: str, detail: str = "") -> dict[str, Any]:
    return make_column(label, detail, is_number=True, href=anchor(column))


def _amount(value: float | None) -> dict[str, Any]:
    return make_cell(say_amount(value), tone="missing" if value is None else "")
