"""Cost beside the budget, credit beside the claim, and the cost of capital: the valuation's functions on the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.page.text import to_number
from transforms.policy.model import LAYERS
from transforms.statement.facts import PORTFOLIO, StatementFacts
from transforms.valuation.costs import compute_monthly_credit, compute_yearly_cost
from transforms.valuation.measure import Measured
from transforms.valuation.rules import read_valuation_rules

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """P&L of a layer's options a session, dollars, shape (n,): as marked, and at both ends of the volatility band."""

    option_pnl: Floats
    at_low_vol: Floats
    at_high_vol: Floats


def build_costs(facts: StatementFacts, options: Mapping[str, Series], days: Sequence[date]) -> list[dict[str, Any]]:
    """Return the cost of each layer and of all in fractions of NAV a year, beside the budget.

    Interest on collateral is left out, because the account would earn it without the hedge. The band is that of the
    options' P&L: the same positions at volatilities lower and higher throughout.
    """
    rules = read_valuation_rules(facts.parameters)
    found = []
    for layer in (*LAYERS, PORTFOLIO):
        rows = _rows_of(facts, layer)
        pnl, interest = (rows[name].to_numpy(np.float64) for name in ("pnl_usd", "interest_usd"))
        cost = compute_yearly_cost(pnl, interest, facts.nav_usd, rules)
        mine, year = options[layer], slice(-int(rules.year_sessions), None)
        ends = [
            compute_yearly_cost((pnl - mine.option_pnl + end)[year], interest[year], facts.nav_usd, rules).trailing_frac
            for end in (mine.at_low_vol, mine.at_high_vol)
        ]
        found.append(
            {
                "layer": layer,
                "sessions": min(int(rules.year_sessions), len(days)),
                **_last("cost_12m", cost.trailing_frac),
                "cost_12m_at_low_vol_frac": to_number(ends[0].values[-1]),
                "cost_12m_at_high_vol_frac": to_number(ends[1].values[-1]),
                "budget_words": str(cost.budget_words[-1]) or None,
                **_last("cost_all", cost.history_frac),
            }
        )
    return found


def build_credits(facts: StatementFacts, days: Sequence[date]) -> list[dict[str, Any]]:
    """Return last month's roll credit of each layer and of all in three denominators, each beside the claim.

    The credit is what the passage of time paid (roll and theta), signed. The denominators are NAV, the mean absolute
    notional and the mean margin at the closes before.
    """
    rules = read_valuation_rules(facts.parameters)
    month = int(rules.month_sessions)
    # a month and the close before it are all that the last value needs
    index = pd.DatetimeIndex(facts.sessions["trade_date"])[-month - 1 :]
    recent = facts.notionals[facts.notionals["trade_date"] >= index[0]]
    found = []
    for layer in (*LAYERS, PORTFOLIO):
        rows = _rows_of(facts, layer).tail(len(index))
        credit = (rows["roll_usd"] + rows["theta_usd"]).to_numpy(np.float64)
        mine = recent if layer == PORTFOLIO else recent[recent["layer"] == layer]
        notional = np.array([mine.loc[mine["trade_date"] == day, "notional_usd"].sum(skipna=False) for day in index])
        monthly = compute_monthly_credit(
            credit, facts.nav_usd, _lag(notional), _lag(rows["margin_usd"].to_numpy(np.float64)), rules
        )
        found.append(
            {
                "layer": layer,
                "sessions": min(month, len(days)),
                "credit_usd": to_number(round(float(credit[-month:].sum()), 2)),
                **_last("per_nav", monthly.per_nav_frac),
                "per_nav_words": str(monthly.per_nav_words[-1]) or None,
                **_last("per_notional", monthly.per_notional_frac),
                "per_notional_words": str(monthly.per_notional_words[-1]) or None,
                **_last("per_margin", monthly.per_margin_frac),
                "per_margin_words": str(monthly.per_margin_words[-1]) or None,
            }
        )
    return found


def build_wacc(facts: StatementFacts) -> dict[str, Any] | None:
    """Return the cost beside the book's cost of capital; None where no valuation or no book states one."""
    for row in facts.valuation or ():
        share = to_number(row.get("drag_of_wacc_ratio"))
        if row["layer"] == PORTFOLIO and share is not None:
            return {"drag_points": to_number(row.get("drag_points")), "drag_of_wacc_ratio": share}
    return None


def _rows_of(facts: StatementFacts, layer: str) -> pd.DataFrame:
    return facts.ledger[facts.ledger["layer"] == layer].sort_values("trade_date")


def _last(name: str, measured: Measured) -> dict[str, Any]:
    return {f"{name}_frac": to_number(measured.values[-1]), f"{name}_note": str(measured.notes[-1]) or None}


def _lag(values: Floats) -> Floats:
    return np.concatenate([[0.0], values[:-1]])
