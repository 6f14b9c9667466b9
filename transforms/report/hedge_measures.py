"""The measures of positions and ledger that the page explains: the same entries as for the curve."""

from __future__ import annotations

from transforms.report.measures import Measure

POSITIONS = "mart.daily_positions, transforms/positions"
LEDGER = "mart.daily_hedge_ledger, transforms/ledger"
TRADES = "mart.hedge_trades, transforms/ledger"
STATEMENT = "transforms/statement"
VALUATION = "transforms/valuation/costs.py"
_USD = "US dollars"


def _usd(
    column: str, label: str, meaning: str, formula: str = "", model: str = LEDGER, kind: str = "computed"
) -> Measure:
    return Measure(column, label, "level", _USD, meaning, formula, model=model, is_signed=True, kind=kind)


HEDGE_MEASURES = (
    Measure("target_contracts", "Target", "count", "contracts",
            "Whole contracts wanted from the next session on.", model=POSITIONS),
    Measure("wanted_contracts", "Before rounding", "pts", "contracts",
            "The target before it is rounded to whole contracts.", model=POSITIONS),
    Measure("held_contracts", "Held", "count", "contracts", "Held at the close, negative where sold.", model=POSITIONS),
    Measure("order_contracts", "Order", "count", "contracts",
            "Open for the settlement of the next session.", "target - held", model=POSITIONS),
    Measure("mark_pts", "Mark", "pts", "VIX points",
            "Price at the close: the settlement of a future, the value of an option.", model=POSITIONS),
    Measure("mark_low_pts", "Band of the mark", "pts", "VIX points",
            "Value of an option at volatilities lower and higher by the band of their source.", model=POSITIONS,
            kind="model-priced"),
    _usd("vega_usd", "Vega", "Dollars for one point of the future of the same date.", model=POSITIONS),
    _usd("delta_usd", "Notional", "What is held moves like this much of the future.", "vega x price", model=POSITIONS),
    _usd("trade_cost_usd", "Cost of a trade", "Spread and fees.", model=TRADES, kind="ours"),
    _usd("margin_usd", "Margin", "Collateral set aside: a share of each future's notional without credit for spreads, "
         "and the most that short options can lose.", kind="ours"),
    _usd("pnl_usd", "P&L", "What the hedge made.", "roll + curve + theta + option move + cost + interest"),
    _usd("roll_usd", "Roll", "Futures: the passage of time on the curve of the last mark."),
    _usd("curve_usd", "Curve", "Futures: the rest of the change of value."),
    _usd("theta_usd", "Theta", "Options: the passage of time at an unchanged future and volatility.",
         kind="model-priced"),
    _usd("option_move_usd", "Option move", "Options: the rest of the change of value.", kind="model-priced"),
    _usd("option_pnl_usd", "P&L of options", "Theta and option move. Its band: the same positions, marked throughout "
         "with volatilities lower and higher by the band of their source.", model=STATEMENT, kind="model-priced"),
    _usd("cost_usd", "Cost", "Spread and fees, negative; options lose a third of the half-spread.", kind="ours"),
    _usd("interest_usd", "Interest", "Treasury bills on the collateral of the close before.", kind="ours"),
    _usd("cost_at_mid_usd", "P&L by fill", "P&L with options filled at mid, a third of the half-spread away, or at the "
         "worse side.", "P&L - cost + cost of the scenario", kind="ours"),
    _usd("credit_received_usd", "Credits received", "Premium of options sold, and what the passage of time paid."),
    _usd("credit_kept_usd", "Credits kept", "Realised P&L of shorts after costs, and gains rolled."),
    _usd("credit_given_back_usd", "Credits given back", "Received less kept; negative where more was kept than "
         "received.", "credits received - credits kept", model=STATEMENT),
    _usd("protection_cost_usd", "Cost of protection", "What longs lost less what they gained, costs included; negative "
         "where protection gained."),
    _usd("gains_rolled_usd", "Gains rolled", "Moved to the longer layer by a Time-Shift."),
    Measure("self_funding_ratio_12m", "Self-funding ratio", "pts", "ratio",
            "Credits kept over the cost of protection. Undefined where protection cost nothing: nothing had to be "
            "funded.",
            "credits kept / cost of protection", model=LEDGER),
    Measure("cost_12m_frac", "Cost a year", "frac", "fraction of NAV, shown in %",
            "What the hedge cost over 252 sessions, interest on collateral left out.", "-(P&L - interest) / NAV",
            model=VALUATION),
    Measure("credit_per_nav_frac", "Monthly roll credit", "frac", "fraction, shown in %",
            "Roll and theta of 21 sessions, over NAV, over the mean notional, over the mean margin: three different "
            "measures of the same claim.", "(roll + theta) / NAV, notional or margin", model=VALUATION, kind="ours"),
)  # fmt: skip
"""Every number of the sections on positions and ledger."""
