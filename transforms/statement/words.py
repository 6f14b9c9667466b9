"""The words of a statement: dollars, shares of NAV, and the one line about funding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.page.text import MISSING, say_date, say_number

_MINUS = "\N{MINUS SIGN}"
WINDOW_NAMES = {
    "session": "This session",
    "1m": "1 month",
    "12m": "12 months",
    "episode": "High-VIX episode",
    "all": "Whole history",
    "month": "Month",
}
NOTHING_TO_FUND = "nothing had to be funded"
LAYER_TITLES = {
    "base": "Base",
    "temporal_vega": "Temporal vega",
    "second_engine": "Second engine",
    "portfolio": "All layers",
}


def say_usd(value: float | None, *, signed: bool = False, cents: bool = False) -> str:
    """Return ``$1,234``, ``−$1,234`` or, signed, ``+$1,234``; an em dash where there is none."""
    if value is None:
        return MISSING
    text = f"{abs(value):,.{2 if cents else 0}f}"
    is_zero = not any(digit in "123456789" for digit in text)
    return f"{'' if is_zero else _MINUS if value < 0 else '+' if signed else ''}${text}"


def say_amount(value: float | None, *, cents: bool = False) -> str:
    """Return a number of dollars without the sign of the currency, for a column of them."""
    return say_usd(value, cents=cents).replace("$", "")


def say_share(value: float | None, *, signed: bool = False) -> str:
    """Return a share of NAV in per cent."""
    return say_number(value, "frac", signed=signed)


def say_contracts(value: float | None) -> str:
    """Return contracts: whole ones without decimals, others with two."""
    if value is None:
        return MISSING
    return say_number(value, "count" if value == round(value) else "pts")


def say_ratio(value: float | None, reason: str | None) -> str:
    """Return the self-funding ratio with two digits, or why there is none."""
    return say_number(value, "pts") if value is not None else reason or MISSING


def say_band(low: float | None, high: float | None, style: str = "pts") -> str:
    """Return ``11.93–14.76``: the ends of a band, the smaller first; empty where an end is missing."""
    if low is None or high is None:
        return ""
    first, last = sorted((low, high))
    if style == "usd":
        return f"{say_usd(first)} to {say_usd(last)}"
    return f"{say_number(first, style)} to {say_number(last, style)}"


def say_range(values: Sequence[float | None], style: str = "usd") -> str:
    """Return the lowest to the highest of a value and its two ends; empty where one of them is missing.

    P&L and vega of bought and sold options together may be lower, or higher, at both ends of the volatilities' band.
    """
    known = [value for value in values if value is not None]
    return say_band(min(known), max(known), style) if known and len(known) == len(values) else ""


def say_funding(funding: Mapping[str, Any]) -> str:
    """Return funding in one line: credits kept beside the cost of protection, and the cost a year beside its budget.

    Over 12 months where history covers them, else over all of it.
    """
    windows = {one["window"]: one for one in funding["windows"]}
    is_year = windows["12m"]["first_trade_date"] is not None
    window = windows["12m" if is_year else "all"]
    whole = next(one for one in window["layers"] if one["layer"] == "portfolio")
    start = "12 months" if is_year else f"since {say_date(window['first_trade_date'])}"
    kept, cost, ratio = whole["credit_kept_usd"], whole["protection_cost_usd"], whole["self_funding_ratio"]
    if ratio is not None:
        sums = f"credits kept {say_usd(kept)}, protection cost {say_usd(cost)}"
        said = f"self-funding ratio {say_number(ratio, 'pts')} ({sums})"
    elif cost < 0:
        said = f"{NOTHING_TO_FUND}, protection gained {say_usd(-cost)}; credits kept {say_usd(kept)}"
    else:
        said = f"{NOTHING_TO_FUND}, protection cost nothing; credits kept {say_usd(kept)}"
    yearly = next(one for one in funding["cost"] if one["layer"] == "portfolio")
    return f"Funding, {start}: {said}; {say_yearly_cost(yearly)}."


def say_yearly_cost(cost: Mapping[str, Any]) -> str:
    """Return what the hedge cost in the last year of sessions in per cent of NAV, beside the budget."""
    value = cost["cost_12m_frac"]
    if value is None:
        return f"yearly cost not evaluable, {cost['cost_12m_note']}"
    if value < 0:
        return f"the hedge earned {say_share(-value)} of NAV in {cost['sessions']} sessions"
    return f"the hedge cost {say_share(value)} of NAV in {cost['sessions']} sessions, {cost['budget_words']}"
