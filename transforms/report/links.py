"""From a label to what it names: the table that each number of the page is a column of, and the link there.

A label leads to its column's entry in the reference pages beside the reports: what it means, its formula, its SQL,
and from there its source. A number that the page itself works out leads to the definition on the page, which names
the columns that it is made of.
"""

from __future__ import annotations

from transforms.page.links import reference_href

_CURVE = "mart.daily_term_structure"
_LEDGER = "mart.daily_hedge_ledger"

HOMES: dict[str, tuple[str, ...]] = {
    _CURVE: (
        *("vix_close_pts", "contango_frac", "contango_4_7_frac", "basis_frac", "daily_roll_pts", "vix_vix3m_ratio"),
        *("cm30_pts", "cm60_pts", "cm90_pts", "cm_slope_log", "roll_down_front_frac", "roll_down_second_frac"),
        *("vol_level", "curve_state", "curve_regime", "days_in_regime", "contango_pctile", "vix_pctile"),
        *(f"vx{rank}_settle_pts" for rank in range(1, 10)),
    ),
    "core.daily_vx_settlements": ("settle_pts",),
    "core.daily_vx_listings": ("calendar_days_to_expiry",),
    "core.daily_index_levels": ("close_pts",),
    "mart.daily_volatility_indices": ("short_term_tr", "short_term_er", "mid_term_tr"),
    "mart.daily_hedge_state": ("state", "step_count", "target_vega_usd", "held_rank", "clauses"),
    "mart.daily_governor": ("governor_mode", "guards_held", "trailing_pnl_frac", "temporal_pnl_since_entry_frac"),
    "mart.layer_transitions": ("from_state", "to_state"),
    "mart.daily_policy_comparison": ("variant",),
    "mart.daily_positions": (
        *("target_contracts", "wanted_contracts", "held_contracts", "order_contracts", "mark_pts", "mark_low_pts"),
        *("vega_usd", "delta_usd", "is_model_priced"),
    ),
    "mart.hedge_trades": ("traded_contracts", "trade_price_pts", "trade_cost_usd", "roll_yield_frac", "trade_kind"),
    "mart.time_shifts": ("rolled_usd",),
    _LEDGER: (
        *("pnl_usd", "roll_usd", "curve_usd", "theta_usd", "option_move_usd", "cost_usd", "interest_usd"),
        *("cost_at_mid_usd", "credit_received_usd", "credit_kept_usd", "protection_cost_usd", "gains_rolled_usd"),
        *("margin_usd", "self_funding_ratio_12m", "self_funding_ratio_1m"),
    ),
    "mart.daily_layer_valuation": (
        *("cost_12m_frac", "cost_all_frac", "credit_per_nav_frac", "credit_per_notional_frac"),
        "credit_per_margin_frac",
        *("break_even_30d_vix_pts", "required_30d_vix_pts", "break_even_expiry_vix_pts", "required_expiry_vix_pts"),
        *("irr_frac", "projected_profit_usd", "required_return_frac", "spx_beta_ratio", "capital_usd"),
        *("roll_credit_value_usd", "quick_ratio", "quick_without_gains_ratio"),
    ),
    "ref.book_positions": ("stated_contracts",),
    "mart.book_orders": (
        "base_target_contracts", "temporal_vega_target_contracts", "second_engine_target_contracts",
    ),
    "mart.book_exposure": ("vega_usd_per_vix_pt", "delta_usd_per_pt", "gamma_usd_per_pt2"),
    "ops.check_results": ("check_name", "is_passed", "offending_rows"),
    "ops.source_files": ("dataset", "fetched_at_utc"),
    "ops.quarantined_rows": ("reason", "disposition"),
    "ops.value_revisions": ("old_value", "new_value"),
    "ref.vx_monthly_expiries": ("expiry_date",),
}  # fmt: skip
"""Table to those of its columns that the page shows. A column has one home here, however many tables carry it."""

_HOME_OF = {column: table for table, columns in HOMES.items() for column in columns}
SIGNALS = "mart.daily_signals"


def home_of(column: str) -> tuple[str, str] | None:
    """Return the table of a column and its name there; None for a number that the page works out."""
    table = _HOME_OF.get(column)
    return None if table is None else (table, column)


def anchor(column: str) -> str:
    """Return the anchor of a column in the definitions of the page; the nine settlements share one."""
    if column.startswith("vx") and column.endswith("_settle_pts"):
        column = "settle_pts"
    return f"g-{column}"


def href_of(column: str) -> str:
    """Return where the label of a column leads: the reference, or the definition on the page."""
    home = home_of(column)
    return f"#{anchor(column)}" if home is None else reference_href(*home)


def signal_href(column: str) -> str:
    """Return where the label of a signal leads."""
    return reference_href(SIGNALS, column)
