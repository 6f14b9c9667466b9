"""The hedge walked through its sessions: policy states to targets, targets to books, books to positions and ledger.

One way for the nightly and for backtests: `market` is what is known of futures and options, `calendars` says where the
second engine can be constructed, `run` walks the layers and books them.
"""

from __future__ import annotations

from transforms.hedge.calendars import CalendarListing
from transforms.hedge.market import HedgeMarket, OptionMarket
from transforms.hedge.run import HedgeDecision, HedgeRun, Stretch, decide_hedge, run_hedge, walk_hedge

__all__ = [
    "CalendarListing",
    "HedgeDecision",
    "HedgeMarket",
    "HedgeRun",
    "OptionMarket",
    "Stretch",
    "decide_hedge",
    "run_hedge",
    "walk_hedge",
]
