"""The hedge's ledger: every dollar of every layer, split into pieces that add up to the cent.

`account` books one layer from its positions, `rules` says what trading and collateral cost, `funding` relates the
credits to the cost of protection, `table` makes the rows. What every column means: docs/ledger.md.
"""

from __future__ import annotations

from transforms.ledger.account import Account, TimeShift, build_account
from transforms.ledger.rules import CostRules, compute_bill_return, compute_margin, compute_trade_cost, read_cost_rules
from transforms.ledger.table import LEDGER_COLUMNS, PORTFOLIO, Ledger, build_ledger

__all__ = [
    "LEDGER_COLUMNS",
    "PORTFOLIO",
    "Account",
    "CostRules",
    "Ledger",
    "TimeShift",
    "build_account",
    "build_ledger",
    "compute_bill_return",
    "compute_margin",
    "compute_trade_cost",
    "read_cost_rules",
]
