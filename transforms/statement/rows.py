"""Rows of text for the tables of a statement, the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.ledger.account import PIECES
from transforms.page.text import MISSING, say_count, say_date, say_number
from transforms.statement.words import WINDOW_NAMES, say_amount, say_band, say_range, say_share, say_usd

PIECE_NAMES = {
    "roll": "roll",
    "curve": "curve",
    "theta": "theta",
    "option_move": "option move",
    "cost": "cost",
    "interest": "interest",
}
DENOMINATORS = {"per_nav": "of NAV", "per_notional": "of hedge notional", "per_margin": "of margin"}
READING_NAMES = {
    "equal_vega": "equal vega",
    "contracts": "contracts, 2 to 1",
    "base_matched": "base matched",
    "short_front": "short front",
}
TRADE_WORDS = {
    "opened": "opened", "added": "added", "reduced": "reduced", "closed": "closed", "settled": "settled",
    "rolled_out": "rolled out", "rolled_in": "rolled in",
}  # fmt: skip


def list_pieces(row: Mapping[str, Any]) -> list[str]:
    """Return P&L, its share of NAV and its six pieces."""
    pieces = [say_amount(row[f"{piece}_usd"]) for piece in PIECES]
    return [say_amount(row["pnl_usd"]), say_share(row["pnl_frac"]), *pieces]


def say_span(window: Mapping[str, Any]) -> str:
    """Return a window with its sessions: ``12 months, 8 Jan 2025 to 7 Jan 2026, 251 sessions``; or why it has none."""
    name = WINDOW_NAMES[window["window"]]
    if window["first_trade_date"] is None:
        return f"{name}: {window['reason']}"
    first, last = (say_date(window[f"{end}_trade_date"]) for end in ("first", "last"))
    if first == last:
        return f"{name}, {last}"
    return f"{name}, {first} to {last}, {say_count(window['sessions'], 'session')}"


def whole_of(window: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the row of all layers."""
    found: Mapping[str, Any] = window["layers"][-1]
    return found


def say_identity(windows: Sequence[Mapping[str, Any]]) -> str:
    """Return whether the pieces add up, counted over every window and layer."""
    rows = [row for window in windows for row in window["layers"]]
    pieces = max(abs(row["pieces_difference_usd"]) for row in rows)
    funding = max(abs(row["funding_difference_usd"]) for row in rows)
    return (
        f"P&L = roll + curve + theta + option move + cost + interest, largest difference of {len(rows)} rows "
        f"{say_usd(pieces, cents=True)}. P&L - interest = credits kept - cost of protection + change of the shorts' "
        f"open P&L, largest difference {say_usd(funding, cents=True)}."
    ).replace(" - ", " \N{MINUS SIGN} ")


def say_option_pnl(row: Mapping[str, Any]) -> str:
    """Return the P&L of options with its band: the same positions at volatilities lower and higher throughout."""
    value = row["option_pnl_usd"]
    band = say_range((value, row["option_pnl_at_low_vol_usd"], row["option_pnl_at_high_vol_usd"]))
    return f"{say_usd(value)} ({band})" if band else f"{say_usd(value)}, band not known"


def say_mark(position: Mapping[str, Any]) -> tuple[str, str]:
    """Return a mark and its band."""
    return say_number(position["mark_pts"], "pts"), say_band(position["mark_low_pts"], position["mark_high_pts"])


def say_vega_band(one: Mapping[str, Any]) -> str:
    """Return the band of a vega with options in it; empty where there is none."""
    ends = one["vega_low_usd"], one["vega_high_usd"]
    return say_range((one["vega_usd"], *ends)) if ends[0] != ends[1] else ""


def say_value_band(one: Mapping[str, Any]) -> str:
    """Return the band of the value of a layer's options."""
    names = ("option_value_usd", "option_value_low_usd", "option_value_high_usd")
    return say_range([one[name] for name in names]) if any(one[name] for name in names) else ""


def say_cost_band(one: Mapping[str, Any]) -> str:
    """Return the band of a yearly cost with options in it; empty where there is none."""
    ends = one["cost_12m_at_low_vol_frac"], one["cost_12m_at_high_vol_frac"]
    return say_range((one["cost_12m_frac"], *ends), "frac") if ends[0] != ends[1] else ""


def say_kind(position: Mapping[str, Any]) -> str:
    """Return whose the price is: a settlement, a quote with the model's delta, or a model's."""
    if position["kind"] == "computed":
        return "computed" if position["mark_pts"] is not None else MISSING
    return "model-priced" if position["is_model_priced"] else "quoted, model-priced delta"


def say_protected(account: Mapping[str, Any]) -> str:
    """Return the account and what it protects in one sentence."""
    said = (
        f"Model account of {say_usd(account['nav_usd'])}; {say_usd(account['margin_usd'])} set aside as margin "
        f"({say_share(account['margin_frac'])} of NAV)."
    )
    protected = account["protected"]
    if protected is None or protected["condor_status"] != "ok":
        why = "" if protected is None or not protected["condor_note"] else f": {protected['condor_note']}"
        return f"{said} No condor is valued this session{why}; the base is sized to the lower end of its band."
    vega = protected["vega_usd_per_vix_pt"]
    loses = f"loses {say_usd(-vega)}" if vega < 0 else f"gains {say_usd(vega)}"
    return (
        f"{said} Protected: {say_count(int(protected['contracts']), 'model condor')} to "
        f"{say_date(protected['expiry_date'])}, {loses} a point of VIX (model-priced)."
    )


def say_orders(totals: Sequence[Mapping[str, Any]], next_session: str | None) -> str:
    """Return how many orders wait for the next settlement."""
    count = int(totals[-1]["order_count"])
    when = f"for the settlement of {say_date(next_session)}" if next_session else "for the next settlement"
    return f"{say_count(count, 'order') if count else 'No order'} {when}"


def say_trade(trade: Mapping[str, Any]) -> str:
    """Return one trade: what, at which price, what it cost, and with what it was rolled."""
    count = trade["traded_contracts"]
    words = f"{TRADE_WORDS.get(trade['trade_kind'], trade['trade_kind'])} {say_number(count, 'count', signed=True)}"
    price = say_number(trade["trade_price_pts"], "pts")
    if trade["rolled_with"]:
        words += f" against {trade['rolled_with']}"
        if trade["roll_yield_frac"] is not None:
            words += f", roll yield {say_share(trade['roll_yield_frac'], signed=True)}"
    priced = " (model-priced)" if trade["is_model_priced"] else ""
    return f"{words} at {price}{priced}, cost {say_usd(trade['trade_cost_usd'])}"


def say_shift(shift: Mapping[str, Any]) -> str:
    """Return one Time-Shift."""
    held = f" in {shift['instrument']}" if shift["instrument"] else ""
    return (
        f"{say_date(shift['trade_date'])}: {say_usd(shift['rolled_usd'])} of a gain of {say_usd(shift['gain_usd'])}"
        f"{held} moved from {shift['from_layer'].replace('_', ' ')} to {shift['to_layer'].replace('_', ' ')}"
    )
