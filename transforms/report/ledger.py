"""The ledger for the report: tables and words of a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.page.tables import Table, make_cell, make_column, make_part, make_row, make_table
from transforms.page.text import MISSING, say_count, say_date, say_month_of, say_number
from transforms.report.break_even import say_break_evens
from transforms.report.cells import amount_cell, lower_first, number_column
from transforms.report.links import href_of
from transforms.statement.build import NO_VALUATION
from transforms.statement.ledger import ROWS
from transforms.statement.rows import (
    PIECE_NAMES,
    READING_NAMES,
    list_pieces,
    say_cost_band,
    say_identity,
    say_option_pnl,
    whole_of,
)
from transforms.statement.valuation import list_measures
from transforms.statement.words import (
    LAYER_TITLES,
    WINDOW_NAMES,
    say_ratio,
    say_share,
    say_usd,
    say_yearly_cost,
)

LISTED_MONTHS = 12
_CREDITS = ("credit_received", "credit_kept", "credit_given_back")


def build_ledger_section(statement: Mapping[str, Any], vix: float | None) -> dict[str, Any]:
    """Return what the page prints of the ledger and the valuation: sentences and tables.

    Parameters
    ----------
    statement
        Of :func:`transforms.statement.build.build_statement`.
    vix
        VIX close of the session, points; None where it is not published.
    """
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
        "fills_title": _say_fills(there),
        "costs": _cost_table(funding),
        "wacc": f"That is {say_share(wacc['drag_of_wacc_ratio'])} of the cost of capital that your book states."
        if wacc
        else "",
        "readings": _reading_table(funding["readings"]),
        "readings_title": _say_readings(funding["readings"]),
        "valuation": None if statement["valuation"] is None else _valuation_table(statement["valuation"]),
        "break_evens": [] if statement["valuation"] is None else say_break_evens(statement["valuation"], vix),
        "months": _month_table(funding["months"]),
        "no_valuation": NO_VALUATION,
    }


def _piece_table(windows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column(""),
        number_column("P&L", "pnl_usd", "$"),
        number_column("of NAV", "pnl_usd"),
        *(number_column(name.capitalize(), f"{piece}_usd") for piece, name in PIECE_NAMES.items()),
    ]
    return make_table(columns, _by_window(windows, lambda _, row: [make_cell(text) for text in list_pieces(row)]), [])


def _credit_table(windows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        make_column(""),
        number_column("Received", "credit_received_usd", "$"),
        number_column("Kept", "credit_kept_usd", "$"),
        number_column("Given back", "credit_given_back_usd", "$"),
        number_column("Cost of protection", "protection_cost_usd", "$", terse="Cost"),
        number_column("of NAV", "protection_cost_usd"),
        make_column("Self-funding ratio", href=href_of("self_funding_ratio_12m")),
    ]

    def cells(window: Mapping[str, Any], row: Mapping[str, Any]) -> list[dict[str, Any]]:
        is_ratio = row["self_funding_ratio"] is not None
        ratio = say_ratio(row["self_funding_ratio"], row["self_funding_note"])
        return [
            *(amount_cell(row[f"{name}_usd"]) for name in _CREDITS),
            amount_cell(row["protection_cost_usd"]),
            make_cell(say_share(row["protection_cost_frac"])),
            make_cell(ratio, tone="" if is_ratio else "quiet"),
        ]

    # one session is no window of the ratio
    rows = _by_window([one for one in windows if one["window"] != "session"], cells)
    return make_table(columns, rows, [])


def _month_table(months: Sequence[Mapping[str, Any]]) -> Table:
    """The newest twelve months, newest first."""
    columns = [
        make_column("Month"),
        number_column("P&L", "pnl_usd", "$"),
        number_column("Cost of protection", "protection_cost_usd", "$"),
        number_column("Credits kept", "credit_kept_usd", "$"),
        number_column("Costs of trading", "cost_usd", "$", is_secondary=True),
        number_column("Ratio, 12 months", "self_funding_ratio_12m", is_secondary=True),
    ]
    rows = []
    for one in reversed(months[-LISTED_MONTHS:]):
        ratio = one["self_funding_ratio_12m"]
        rows.append(
            make_row(
                make_cell(say_month_of(one["month"]), note=say_count(one["sessions"], "session")),
                *(amount_cell(one[f"{name}_usd"]) for name in ("pnl", "protection_cost", "credit_kept", "cost")),
                make_cell("undefined" if ratio is None else say_number(ratio, "pts"), tone="" if ratio else "quiet"),
            )
        )
    return make_table(columns, rows, ["Every month of all years: `alvh ledger --month` and hedge-state.json."])


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
        number_column("At mid", href, "$"),
        number_column("Third of the half-spread lost", href, "the ledger, $"),
        number_column("All of it lost", href, "$"),
    ]
    rows = [
        make_row(
            make_cell(WINDOW_NAMES[window["window"]]),
            *(amount_cell(whole_of(window)[f"{name}_usd"]) for name in ("pnl_at_mid", "pnl", "pnl_at_full")),
        )
        for window in windows
    ]
    return make_table(columns, rows, [])


def _say_fills(windows: Sequence[Mapping[str, Any]]) -> str:
    whole = whole_of(next(window for window in windows if window["window"] == "all"))
    return (
        f"P&L by fill of the options: whole history {say_usd(whole['pnl_at_mid_usd'])} at mid, "
        f"{say_usd(whole['pnl_usd'])} as booked, {say_usd(whole['pnl_at_full_usd'])} with the whole half-spread lost"
    )


def _say_readings(readings: Sequence[Mapping[str, Any]]) -> str:
    said = [f"{READING_NAMES.get(one['reading'], one['reading'])} {say_usd(one['all']['pnl_usd'])}" for one in readings]
    return f"Readings of temporal vega, side by side, P&L of the whole history: {', '.join(said)}"


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
                f"Cost of {sessions} sessions, of NAV", href=href_of("cost_12m_frac"), note=f"budget {budget} a year"
            ),
            *(_measured(one, "cost_12m", one["budget_words"]) for one in funding["cost"]),
        ),
        make_row(
            make_cell("its band, model-priced"),
            *(_cost_band(one) for one in funding["cost"]),
        ),
        make_row(
            make_cell("Cost of all sessions, by the year", href=href_of("cost_12m_frac")),
            *(_measured(one, "cost_all", None) for one in funding["cost"]),
        ),
        make_row(
            make_cell(f"Roll credit of {months} sessions, $", href=href_of(credit)),
            *(amount_cell(one["credit_usd"]) for one in funding["credit"]),
        ),
        *(
            make_row(
                make_cell(f"over {words}", href=href_of(credit), note=f"claim {claim} a month"),
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
        number_column("P&L", "pnl_usd", "12 months, $"),
        number_column("P&L", "pnl_usd", "all, $"),
        number_column("of NAV", "pnl_usd", "all"),
        number_column("Roll", "roll_usd", "all, $"),
        number_column("Curve", "curve_usd", "all, $"),
        number_column("Kept", "credit_kept_usd", "all, $"),
        number_column("Protection", "protection_cost_usd", "all, $"),
        make_column("Ratio", "self-funding", href=href_of("self_funding_ratio_12m")),
    ]
    rows = [
        make_row(
            make_cell(
                READING_NAMES.get(one["reading"], one["reading"]), note="as booked" if one["is_as_booked"] else ""
            ),
            amount_cell(one["12m"]["pnl_usd"]),
            amount_cell(one["all"]["pnl_usd"]),
            make_cell(say_share(one["all"]["pnl_frac"])),
            *(amount_cell(one["all"][f"{name}_usd"]) for name in ("roll", "curve", "credit_kept", "protection_cost")),
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


def _option_sentence(windows: Sequence[Mapping[str, Any]]) -> str:
    said = [
        f"{lower_first(WINDOW_NAMES[window['window']])} {say_option_pnl(whole_of(window))}"
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
