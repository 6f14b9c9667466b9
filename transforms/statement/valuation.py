"""The valuation of the layers in rows of text: what was found, or in words why it is undefined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.page.text import MISSING, say_number
from transforms.statement.words import say_usd

MEASURES: tuple[tuple[str, str, str], ...] = (
    ("break_even_30d_vix_pts", "Break-even VIX, 30 days", "words"),
    ("required_30d_vix_pts", "for the required return", "words"),
    ("break_even_expiry_vix_pts", "Break-even VIX, nearest settlement", "words"),
    ("required_expiry_vix_pts", "for the required return", "words"),
    ("irr_frac", "IRR on an unchanged curve", "frac"),
    ("projected_profit_usd", "the same in dollars", "usd"),
    ("required_return_frac", "Required return", "frac"),
    ("spx_beta_ratio", "Beta to the S&P 500", "ratio"),
    ("capital_usd", "Capital", "usd"),
    ("roll_credit_value_usd", "Value of roll credits, D1 / (r \N{MINUS SIGN} g)", "usd"),
    ("quick_ratio", "Liquidity quick ratio", "pts"),
    ("quick_without_gains_ratio", "without gains", "pts"),
)
"""Column of ``mart.daily_layer_valuation``, its label, and how it is written."""


def say_measure(row: Mapping[str, Any], column: str, style: str) -> str:
    """Return a measure of one layer, or why it has none."""
    if style == "words":
        return str(row.get(f"{column.removesuffix('_vix_pts')}_words") or MISSING)
    value = row.get(column)
    if value is None:
        return str(row.get(f"{column}_note") or MISSING)
    return say_usd(value) if style == "usd" else say_number(value, style)


def list_measures(valuation: Mapping[str, Any], layers: Sequence[str]) -> list[list[str]]:
    """Return one row a measure: its label and a cell for each layer."""
    by_layer = {row["layer"]: row for row in valuation["layers"]}
    return [
        [label, *(say_measure(by_layer[layer], column, style) if layer in by_layer else MISSING for layer in layers)]
        for column, label, style in MEASURES
    ]
