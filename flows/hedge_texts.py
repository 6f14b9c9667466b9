"""Positions and ledger as text for a terminal, in at most 100 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flows.printing import Page
from transforms.page.text import say_count, say_number
from transforms.policy.model import LAYERS
from transforms.statement.build import NO_VALUATION
from transforms.statement.ledger import ROWS
from transforms.statement.rows import (
    DENOMINATORS,
    PIECE_NAMES,
    READING_NAMES,
    list_pieces,
    say_cost_band,
    say_identity,
    say_kind,
    say_mark,
    say_option_pnl,
    say_orders,
    say_protected,
    say_shift,
    say_span,
    say_trade,
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

_STATES = {"active": "green", "armed": "yellow", "blocked": "red", "idle": "dim"}
_PIECE_HEADS = ("P&L $", "of NAV", *(f"{name}" for name in PIECE_NAMES.values()))


def print_positions(document: Mapping[str, Any], layer: str | None) -> None:
    """Print positions, orders, trades and Time-Shifts."""
    page = Page()
    _print_head(page, document, f"{say_orders(document['totals'], document['next_session'])}.")
    page.line(say_protected(document["account"]))
    for one in document["totals"]:
        if one["layer"] in LAYERS and layer in (None, one["layer"]):
            _print_layer(page, one, [row for row in document["positions"] if row["layer"] == one["layer"]])
    if layer is None:
        page.line()
        page.line("TOTALS", style="bold")
        page.table(
            [
                [
                    LAYER_TITLES[one["layer"]],
                    say_amount(one["vega_usd"]),
                    say_vega_band(one),
                    say_amount(one["notional_usd"]),
                    say_share(one["notional_frac"]),
                    say_amount(one["margin_usd"]),
                ]
                for one in document["totals"]
            ],
            "", "vega, $ a point", "band, model-priced", "notional $", "of NAV", "margin $",
            numbers=(1, 3, 4, 5),
        )  # fmt: skip
    trades = [row for row in document["trades"] if layer in (None, row["layer"])]
    page.line()
    page.line("TRADES OF THE SESSION", style="bold")
    for trade in trades:
        page.line(f"{LAYER_TITLES[trade['layer']]}: {trade['instrument']} {say_trade(trade)}; {trade['reason']}", 2)
    if not trades:
        page.line("none", 2)
    _print_shifts(page, document["time_shifts"], layer)
    page.close()


def print_ledger(document: Mapping[str, Any]) -> None:
    """Print the ledger: windows by layer, fills, credits, funding, cost, credit, readings."""
    funding = document["funding"]
    page = Page()
    _print_head(page, document, "")
    page.line(funding["sentence"])
    page.line(
        "Dollars of the model account of " + say_usd(funding["nav_usd"]) + "; a month and 12 months to the session."
    )
    for window in funding["windows"]:
        page.line()
        page.line(say_span(window), style="bold")
        _print_pieces(page, window)
    there = [window for window in funding["windows"] if window["layers"]]
    page.line()
    page.line(say_identity(there), style="dim")
    _print_credits(page, there)
    _print_fills(page, there)
    _print_costs(page, funding)
    _print_readings(page, funding)
    _print_valuation(page, document["valuation"])
    page.close()


def print_month(document: Mapping[str, Any]) -> None:
    """Print a calendar month: its sums by layer and its days."""
    month = document["month"]
    page = Page()
    _print_head(page, document, "")
    page.line(say_span(month["window"]), style="bold")
    _print_pieces(page, month["window"])
    page.line()
    page.line("DAYS, ALL LAYERS", style="bold")
    page.table(
        [[day["trade_date"], *list_pieces(day["layers"][-1])] for day in month["days"]],
        "session", *_PIECE_HEADS, numbers=range(1, 9), whole=("session",),
    )  # fmt: skip
    page.line(say_identity([month["window"], *month["days"]]), style="dim")
    _print_credits(page, [month["window"]])
    _print_fills(page, [month["window"]])
    page.close()


def _print_head(page: Page, document: Mapping[str, Any], sentence: str) -> None:
    if document["is_simulated"]:
        page.line("SIMULATED market: none of these numbers is a market price", style="bold reverse")
    page.line(f"{document['as_of']}  {sentence}".rstrip(), style="bold")


def _print_layer(page: Page, total: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.text import Text

    state = total["state"] or "no state"
    page.line()
    page.line(
        Text.assemble(
            (f"{LAYER_TITLES[total['layer']].upper()}  ", "bold"),
            (state, _STATES.get(state, "")),
            f"  {total['why'] or ''}",
        )
    )
    if not rows:
        page.line("holds nothing, wants nothing", 2)
        return
    page.table(
        [
            [
                row["instrument"],
                say_contracts(row["target_contracts"]),
                say_number(row["wanted_contracts"], "pts"),
                say_contracts(row["held_contracts"]),
                say_number(row["order_contracts"], "count", signed=True) if row["order_contracts"] else "-",
                say_mark(row)[0],
                say_amount(row["vega_usd"]),
                say_amount(row["delta_usd"]),
            ]
            for row in rows
        ],
        "", "target", "unrounded", "held", "order", "mark", "vega, $ a point", "notional $",
        numbers=range(1, 8), whole=("",),
    )  # fmt: skip
    for row in rows:
        page.line(f"{row['instrument']}: {row['reason']}", 2, style="dim")
        if row["kind"] != "computed":
            bands = [
                f"{name} {said}"
                for name, said in (
                    ("mark", say_mark(row)[1]),
                    ("value", say_band(row["value_low_usd"], row["value_high_usd"], "usd")),
                    ("vega", say_band(row["vega_low_usd"], row["vega_high_usd"], "usd")),
                )
                if said and row["held_contracts"]
            ]
            page.line(f"{say_kind(row)}; bands: {', '.join(bands)}" if bands else say_kind(row), 4, style="dim")


def _print_shifts(page: Page, shifts: Mapping[str, Any], layer: str | None) -> None:
    if layer not in (None, "temporal_vega", "second_engine"):
        return
    page.line()
    page.line("TIME-SHIFTS", style="bold")
    total = f"{say_count(shifts['count'], 'Time-Shift')} so far, {say_usd(shifts['rolled_usd'])} moved"
    page.line(f"{len(shifts['session']) or 'none'} in this session; {total}", 2)
    for shift in reversed(shifts["last"]):
        page.line(say_shift(shift), 4)


def _print_pieces(page: Page, window: Mapping[str, Any]) -> None:
    if not window["layers"]:
        return
    rows = [[LAYER_TITLES[row["layer"]], *list_pieces(row)] for row in window["layers"]]
    page.table(rows, "", *_PIECE_HEADS, numbers=range(1, 9), whole=("",))
    whole = whole_of(window)
    if whole["option_pnl_usd"]:
        page.line(f"options made {say_option_pnl(whole)}, model-priced", 2, style="dim")
    for count, words in (
        (whole["unmarked_count"], "without a mark: their change is booked with the next one"),
        (whole["interest_unknown_count"], "of a layer without a bill rate: their interest is not known"),
    ):
        if count:
            page.line(f"{say_count(count, 'position session')} {words}", 2, style="dim")


def _print_credits(page: Page, windows: Sequence[Mapping[str, Any]]) -> None:
    page.line()
    page.line("CREDITS, AND THE COST OF PROTECTION, $", style="bold")
    for window in windows:
        page.line(WINDOW_NAMES[window["window"]], 2)
        page.table(
            [
                [
                    LAYER_TITLES[row["layer"]],
                    *(say_amount(row[f"credit_{name}_usd"]) for name in ("received", "kept", "given_back")),
                    say_amount(row["protection_cost_usd"]),
                    say_share(row["protection_cost_frac"]),
                    _say_ratio(window, row),
                ]
                for row in window["layers"]
            ],
            "", "received", "kept", "given back", "protection", "of NAV", "self-funding ratio",
            numbers=range(1, 6), indent=4, whole=("",),
        )  # fmt: skip
    page.line(
        "received is not kept; given back: received less kept, negative where more was kept; a negative cost is a gain",
        2,
        style="dim",
    )


def _say_ratio(window: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    # one session is no window of the ratio
    return "" if window["window"] == "session" else say_ratio(row["self_funding_ratio"], row["self_funding_note"])


def _print_fills(page: Page, windows: Sequence[Mapping[str, Any]]) -> None:
    page.line()
    page.line("P&L BY FILL OF THE OPTIONS, ALL LAYERS, $", style="bold")
    page.table(
        [
            [WINDOW_NAMES[window["window"]], *(say_amount(whole_of(window)[f"{name}_usd"]) for name in
                                               ("pnl_at_mid", "pnl", "pnl_at_full"))]
            for window in windows
        ],
        "", "at mid", "a third of the half-spread lost (the ledger)", "all of it lost", numbers=(1, 2, 3),
    )  # fmt: skip


def _print_costs(page: Page, funding: Mapping[str, Any]) -> None:
    page.line()
    budget, claim = (
        f"{say_share(funding[name]['lowest_frac'])} to {say_share(funding[name]['highest_frac'])}"
        for name in ("budget", "claim")
    )
    page.line(f"COST A YEAR, OF NAV (budget {budget})", style="bold")
    for one in funding["cost"]:
        history = say_share(one["cost_all_frac"]) if one["cost_all_frac"] is not None else one["cost_all_note"]
        band = say_cost_band(one)
        model = f" (model-priced: {band})" if band else ""
        page.line(
            f"{LAYER_TITLES[one['layer']]}: {say_yearly_cost(one)}{model}; all sessions, by the year: {history}", 2
        )
    if funding["wacc"]:
        share = say_number(funding["wacc"]["drag_of_wacc_ratio"], "frac")
        page.line(f"That is {share} of the cost of capital that your book states.", 2)
    page.line()
    page.line(
        f"ROLL CREDIT OF THE LAST {funding['credit'][-1]['sessions']} SESSIONS (claim {claim} a month)", style="bold"
    )
    for one in funding["credit"]:
        page.line(f"{LAYER_TITLES[one['layer']]}: {say_usd(one['credit_usd'])}", 2)
        for name, words in DENOMINATORS.items():
            page.line(f"{words}: {say_credit(one, name)}", 4)


def say_credit(one: Mapping[str, Any], name: str) -> str:
    """Return a monthly credit beside the claim, or why there is none."""
    value = one[f"{name}_frac"]
    return one[f"{name}_note"] if value is None else f"{say_share(value)}, {one[f'{name}_words']}"


def _print_readings(page: Page, funding: Mapping[str, Any]) -> None:
    page.line()
    page.line("TEMPORAL VEGA BY READING, ALL SESSIONS, $", style="bold")
    page.table(
        [
            [
                READING_NAMES.get(one["reading"], one["reading"]) + (" (booked)" if one["is_as_booked"] else ""),
                say_amount(one["12m"]["pnl_usd"]),
                say_amount(one["all"]["pnl_usd"]),
                say_share(one["all"]["pnl_frac"]),
                say_amount(one["all"]["credit_kept_usd"]),
                say_amount(one["all"]["protection_cost_usd"]),
                say_ratio(one["all"]["self_funding_ratio"], one["all"]["self_funding_note"]),
            ]
            for one in funding["readings"]
        ],
        "", "P&L 12 months", "P&L", "of NAV", "kept", "protection", "ratio",
        numbers=range(1, 6), whole=("",),
    )  # fmt: skip
    page.line("by the policy of the newest session over all of them", 2, style="dim")


def _print_valuation(page: Page, valuation: Mapping[str, Any] | None) -> None:
    page.line()
    page.line("VALUATION", style="bold")
    if valuation is None:
        page.line(NO_VALUATION, 2)
        return
    page.table(list_measures(valuation, ROWS), "", *(LAYER_TITLES[layer] for layer in ROWS))
    page.line("model-priced projections, not forecasts: see docs/valuation.md", 2, style="dim")
