"""Many policies walked at once: the hedge of `transforms.hedge` compiled, equal to it to the cent.

`market` lays a market out, `paths` decides policies, `run` walks them and compares with the plain walk, `results` holds
what came out. What is compiled: `kernel`, from `deciding` (targets) and `trading` (trades and ledger) on `arrays`.
Read docs/sweep.md.
"""

from __future__ import annotations

from transforms.sweep.market import SweepMarket, build_sweep_market
from transforms.sweep.paths import SweepCase, decide_stretches
from transforms.sweep.results import AMOUNT_NAMES, LAYER_NAMES, SweepResult
from transforms.sweep.run import Difference, SweepPolicy, compare_with_plain, run_policies

__all__ = [
    "AMOUNT_NAMES",
    "LAYER_NAMES",
    "Difference",
    "SweepCase",
    "SweepMarket",
    "SweepPolicy",
    "SweepResult",
    "build_sweep_market",
    "compare_with_plain",
    "decide_stretches",
    "run_policies",
]
