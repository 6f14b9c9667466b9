"""Measures of a sweep in words."""

from __future__ import annotations

_MINUS = "\N{MINUS SIGN}"
MISSING = "undefined"

_MEASURES = {
    "mean_year_frac": "net P&L a year, % of the account",
    "volatility_year_frac": "volatility a year, % of the account",
    "sharpe_ratio": "Sharpe ratio a year",
    "max_drawdown_frac": "largest drawdown, % of the account",
    "net_pnl_usd": "net P&L, $",
    "base_net_pnl_usd": "net P&L of the base hedge, $",
    "temporal_vega_net_pnl_usd": "net P&L of the temporal layer, $",
    "second_engine_net_pnl_usd": "net P&L of the second engine, $",
    "credit_kept_usd": "credits kept, $",
    "protection_cost_usd": "cost of protection, $",
    "cost_usd": "trading costs, $",
    "self_funding_ratio": "self-funding ratio",
    "high_vix_net_pnl_usd": "net P&L of sessions after a VIX close of 25 or more, $",
}


def say_measure(name: str) -> str:
    """Return a measure with its unit."""
    return _MEASURES[name]


def say_value(name: str, value: float | None, *, has_unit: bool = True) -> str:
    """Return a value of a measure as it is read: fractions in per cent, dollars in whole ones."""
    if value is None:
        return MISSING
    if name.endswith("_frac"):
        text = f"{100 * value:,.2f}" + ("%" if has_unit else "")
    elif name.endswith("_usd"):
        text = f"{value:,.0f}"
    else:
        text = f"{value:,.2f}"
    return text.replace("-", _MINUS)
