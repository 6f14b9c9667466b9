"""What a layer is worth to an account: break-evens, returns, growth, liquidity, cost (methodology, section 11).

Read in this order: `holdings` (what is held), `horizon` and `break_even`, `cash_flows`, `capital` and `required`,
`growth`, `liquidity`, `costs`; `table` puts them together. What is undefined says why (`measure`).
"""

from __future__ import annotations

from transforms.valuation.break_even import BreakEvens, Samples, compute_break_evens, sample_horizon
from transforms.valuation.capital import compute_bill_returns, compute_capital
from transforms.valuation.cash_flows import CashFlows, Rate, compute_irr, compute_irrs, project_cash_flows
from transforms.valuation.costs import compute_monthly_credit, compute_wacc_line, compute_yearly_cost
from transforms.valuation.growth import compute_roll_credit_value
from transforms.valuation.holdings import Holdings, build_holdings, read_volatilities
from transforms.valuation.horizon import Horizon, build_horizon, compute_horizon_pnl, find_nearest_expiries
from transforms.valuation.liquidity import compute_model_quick_ratio, compute_quick_ratio, read_volumes
from transforms.valuation.measure import Measured
from transforms.valuation.required import (
    compute_index_excess_returns,
    compute_layer_excess_returns,
    compute_mean_variance_premium,
    compute_required_pnl,
    compute_required_return,
    compute_rolling_betas,
    compute_vix_vega,
)
from transforms.valuation.rules import ValuationRules, read_valuation_rules
from transforms.valuation.table import ValuationInputs, build_valuation

__all__ = [
    "BreakEvens",
    "CashFlows",
    "Holdings",
    "Horizon",
    "Measured",
    "Rate",
    "Samples",
    "ValuationInputs",
    "ValuationRules",
    "build_holdings",
    "build_horizon",
    "build_valuation",
    "compute_bill_returns",
    "compute_break_evens",
    "compute_capital",
    "compute_horizon_pnl",
    "compute_index_excess_returns",
    "compute_irr",
    "compute_irrs",
    "compute_layer_excess_returns",
    "compute_mean_variance_premium",
    "compute_model_quick_ratio",
    "compute_monthly_credit",
    "compute_quick_ratio",
    "compute_required_pnl",
    "compute_required_return",
    "compute_roll_credit_value",
    "compute_rolling_betas",
    "compute_vix_vega",
    "compute_wacc_line",
    "compute_yearly_cost",
    "find_nearest_expiries",
    "project_cash_flows",
    "read_valuation_rules",
    "read_volatilities",
    "read_volumes",
    "sample_horizon",
]
