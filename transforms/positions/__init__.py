"""Positions of the hedge: instruments, targets from the layers' states, orders, and what is held.

Decided at the close of session t, traded at the settlement of t + 1, marked on contracts. Read in this order:
`instruments`, `sizing`, `targets` (what is wanted), `walk` (what is held), `table` (the rows). Prices and amounts
are whole numbers inside (`money`).
"""

from __future__ import annotations

from transforms.positions.instruments import IndexNote, Instrument, VixFuture, VixOption, parse_instrument
from transforms.positions.market import FuturesMarket, Marks, OptionPricer, OptionQuote, build_futures_market
from transforms.positions.sizing import SizingRules
from transforms.positions.table import build_positions
from transforms.positions.targets import (
    Constructor,
    OptionStructure,
    build_base_targets,
    build_second_engine_targets,
    build_temporal_targets,
)
from transforms.positions.walk import LayerBook, build_book
from transforms.positions.wants import LayerTargets, Leg, Want

__all__ = [
    "Constructor",
    "FuturesMarket",
    "IndexNote",
    "Instrument",
    "LayerBook",
    "LayerTargets",
    "Leg",
    "Marks",
    "OptionPricer",
    "OptionQuote",
    "OptionStructure",
    "SizingRules",
    "VixFuture",
    "VixOption",
    "Want",
    "build_base_targets",
    "build_book",
    "build_futures_market",
    "build_positions",
    "build_second_engine_targets",
    "build_temporal_targets",
    "parse_instrument",
]
