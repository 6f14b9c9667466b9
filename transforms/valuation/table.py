"""The valuation as a table: one row a session and layer, and one a session for all layers together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.ledger.rules import CostRules
from transforms.ledger.table import PORTFOLIO
from transforms.portfolio.book import ReturnTargets
from transforms.positions.market import Marks
from transforms.positions.walk import LayerBook
from transforms.valuation.break_even import BreakEvens, compute_break_evens, sample_horizon
from transforms.valuation.capital import compute_bill_returns, compute_capital
from transforms.valuation.cash_flows import compute_irrs, compute_profits, project_cash_flows
from transforms.valuation.costs import compute_monthly_credit, compute_wacc_line, compute_yearly_cost
from transforms.valuation.growth import compute_roll_credit_value
from transforms.valuation.holdings import Holdings, VolatilityOf, build_holdings, is_future
from transforms.valuation.horizon import build_horizon, find_nearest_expiries
from transforms.valuation.liquidity import VolumeOf, compute_model_quick_ratio
from transforms.valuation.measure import Floats, Measured, Words
from transforms.valuation.required import (
    compute_index_excess_returns,
    compute_layer_excess_returns,
    compute_mean_variance_premium,
    compute_required_pnl,
    compute_required_return,
    compute_rolling_betas,
    compute_vix_vega,
)
from transforms.valuation.rules import ValuationRules

Columns: TypeAlias = dict[str, npt.NDArray[np.generic]]

_LEDGER_NEEDS = ("pnl_usd", "interest_usd", "roll_usd", "theta_usd", "margin_usd", "unmarked_count")


@dataclass(frozen=True, kw_only=True, eq=False)
class ValuationInputs:
    """What the valuation needs besides positions and ledger; n sessions of the market.

    Parameters
    ----------
    nav_usd
        Net asset value of the model account.
    spx_close_pts, spx_rv21_pts
        float64, shape (n,): close of the S&P 500; its realised volatility over the 21 sessions to that close.
    returns
        What the user's book states.
    volume_of
        Volumes of the sessions.
    volatility_of
        Volatilities of options; None: those that the marks imply.
    costs, rules
        Costs and margin of the ledger; numbers of the valuation.
    """

    nav_usd: float
    spx_close_pts: Floats
    spx_rv21_pts: Floats
    volume_of: VolumeOf
    returns: ReturnTargets = field(default_factory=ReturnTargets)
    volatility_of: VolatilityOf | None = None
    costs: CostRules = field(default_factory=CostRules)
    rules: ValuationRules = field(default_factory=ValuationRules)


def build_valuation(
    books: Sequence[LayerBook], marks: Marks, ledger_days: pd.DataFrame, inputs: ValuationInputs
) -> pd.DataFrame:
    """Value every layer at every close, and all together.

    Parameters
    ----------
    books, marks
        As the ledger was built with.
    ledger_days
        `Ledger.days` of the same books.
    inputs
        The rest.

    Returns
    -------
    pandas.DataFrame
        ``trade_date``, ``layer`` (with ``portfolio`` last), unique; every measure with its ``_note``, missing exactly
        where the measure has a value. Meaning of each column: docs/valuation.md. Rows of session t depend on
        sessions up to t only.

    Raises
    ------
    ValueError
        The ledger lacks a session of a layer.
    """
    premium = inputs.returns.equity_premium_frac
    rules = inputs.rules if premium is None else replace(inputs.rules, equity_premium_frac=premium)
    inputs = replace(inputs, rules=rules)
    days = pd.DatetimeIndex(pd.to_datetime(list(marks.market.days))).as_unit("us")
    parts = []
    for layer, held in (*((book.layer.value, [book]) for book in books), (PORTFOLIO, list(books))):
        rows = ledger_days[ledger_days["layer"] == layer].sort_values("trade_date")
        if len(rows) != len(days) or (pd.DatetimeIndex(rows["trade_date"]) != days).any():
            raise ValueError(f"{layer}: expected a ledger of {len(days)} sessions, found {len(rows)} of the layer")
        amounts = {name: rows[name].to_numpy(dtype=np.float64) for name in _LEDGER_NEEDS}
        holdings = build_holdings(held, marks, inputs.volatility_of)
        columns = _value_layer(holdings, amounts, inputs)
        parts.append(pd.DataFrame({"trade_date": days, "layer": layer} | columns))
    frame = pd.concat(parts, ignore_index=True)
    return frame.sort_values("trade_date", kind="stable", ignore_index=True)


def _value_layer(holdings: Holdings, ledger: dict[str, Floats], inputs: ValuationInputs) -> Columns:
    market, rules = holdings.market, inputs.rules
    bills, margin = market.bill_discount_rate_frac, ledger["margin_usd"]
    capital = compute_capital(holdings, inputs.costs)
    columns: Columns = {}
    _put(columns, "capital_usd", capital)

    bill_returns = compute_bill_returns(holdings.days, bills)
    betas = compute_rolling_betas(
        compute_layer_excess_returns(ledger["pnl_usd"], capital.values, bill_returns, ledger["unmarked_count"] == 0),
        compute_index_excess_returns(inputs.spx_close_pts, bill_returns),
        int(rules.beta_sessions),
        int(rules.beta_least_sessions),
    )
    vega = compute_vix_vega(holdings)
    premium = compute_mean_variance_premium(
        market.vix_pts, inputs.spx_rv21_pts, int(rules.variance_sessions), int(rules.variance_least_sessions)
    )
    required = compute_required_return(capital, betas.beta, vega, premium, market.vix_pts, bills, rules)
    _put(columns, "spx_beta_ratio", betas.beta)
    columns["spx_beta_error_ratio"] = betas.standard_error
    columns["spx_beta_sessions"] = betas.used_sessions
    _put(columns, "vix_vega_usd", vega)
    _put(columns, "mean_variance_premium", premium)
    _put(columns, "bill_return_frac", required.bill_frac)
    _put(columns, "equity_return_frac", required.equity_frac)
    _put(columns, "variance_return_frac", required.variance_frac)
    _put(columns, "required_return_frac", required.total_frac)

    nearest = find_nearest_expiries(holdings)
    for name, days in (("30d", np.full(len(nearest), int(rules.horizon_days))), ("expiry", nearest)):
        horizon = build_horizon(holdings, days)
        aim = compute_required_pnl(required.total_frac.values, capital.values, margin, bills, days)
        samples = sample_horizon(horizon, rules)
        _put_break_evens(columns, f"break_even_{name}", compute_break_evens(horizon, None, rules, samples=samples))
        _put_break_evens(columns, f"required_{name}", compute_break_evens(horizon, aim, rules, samples=samples))
    columns["nearest_expiry_days"] = nearest
    flows = project_cash_flows(holdings, inputs.costs)
    _put(columns, "irr_frac", compute_irrs(flows))
    _put(columns, "projected_profit_usd", compute_profits(flows))

    credit = ledger["roll_usd"] + ledger["theta_usd"]
    growth = compute_roll_credit_value(credit, required.total_frac, rules)
    _put(columns, "expected_credit_usd", growth.expected_credit_usd)
    _put(columns, "credit_growth_frac", growth.growth_frac)
    _put(columns, "roll_credit_value_usd", growth.value_usd)

    quick = compute_model_quick_ratio(holdings, margin, inputs.nav_usd, inputs.volume_of, inputs.costs, rules)
    _put(columns, "quick_ratio", quick.ratio)
    _put(columns, "quick_without_gains_ratio", quick.without_gains)
    _put(columns, "cash_and_bills_usd", quick.cash_and_bills_usd)
    _put(columns, "realisable_gain_usd", quick.realisable_gain_usd)
    _put(columns, "next_roll_cost_usd", quick.next_roll_cost_usd)

    cost = compute_yearly_cost(ledger["pnl_usd"], ledger["interest_usd"], inputs.nav_usd, rules)
    _put(columns, "cost_12m_frac", cost.trailing_frac)
    columns["cost_budget_words"] = _words(cost.budget_words)
    _put(columns, "cost_all_frac", cost.history_frac)
    wacc = compute_wacc_line(cost.trailing_frac, inputs.returns.wacc_frac)
    _put(columns, "drag_points", wacc.drag_points)
    _put(columns, "drag_of_wacc_ratio", wacc.share_of_wacc)
    monthly = compute_monthly_credit(credit, inputs.nav_usd, _lag(_notional(holdings)), _lag(margin), rules)
    for name, measured, words in (
        ("nav", monthly.per_nav_frac, monthly.per_nav_words),
        ("notional", monthly.per_notional_frac, monthly.per_notional_words),
        ("margin", monthly.per_margin_frac, monthly.per_margin_words),
    ):
        _put(columns, f"credit_per_{name}_frac", measured)
        columns[f"credit_per_{name}_words"] = _words(words)
    return columns


def _notional(holdings: Holdings) -> Floats:
    """Absolute notional of the futures held, and of the calls' and puts' deltas, by session; NaN unknown."""
    price = np.where(is_future(holdings), holdings.mark_pts, holdings.delta * holdings.future_pts)
    return holdings.add_up(np.abs(holdings.contracts * holdings.multiplier_usd * price))


def _lag(values: Floats) -> Floats:
    """Value at the close before; nothing before the first."""
    return np.concatenate([[0.0], values[:-1]])


def _put(columns: Columns, name: str, measured: Measured) -> None:
    columns[name] = measured.values
    columns[f"{name}_note"] = _words(measured.notes)


def _put_break_evens(columns: Columns, name: str, found: BreakEvens) -> None:
    columns[f"{name}_vix_pts"] = found.nearest.values
    columns[f"{name}_count"] = np.array([len(roots) for roots in found.roots], np.int64)
    columns[f"{name}_words"] = found.words


def _words(words: Words) -> Words:
    said = words.copy()
    said[words == ""] = None
    return said
