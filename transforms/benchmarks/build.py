"""One way to build and book every benchmark, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.benchmarks.basis import build_basis_targets, read_basis_rules
from transforms.benchmarks.calls import OptionSource
from transforms.benchmarks.catalogue import BenchmarkInfo, benchmark_parameters, find_benchmark, read_preset_values
from transforms.benchmarks.futures import build_no_targets, build_premium_targets, build_static_targets
from transforms.benchmarks.ladder import build_ladder_targets
from transforms.benchmarks.ladder_rules import read_ladder_rules
from transforms.benchmarks.notes import NoteSeries, Rebalance, build_note_series, build_note_targets
from transforms.benchmarks.rolls import Nav
from transforms.benchmarks.tail_calls import build_tail_targets, read_tail_rules
from transforms.benchmarks.veqtor import build_veqtor_targets, read_veqtor_rules
from transforms.ledger.rules import CostRules
from transforms.ledger.table import Ledger, build_ledger
from transforms.positions.market import FuturesMarket, Marks
from transforms.positions.priced import list_option_needs
from transforms.positions.sizing import SizingRules
from transforms.positions.table import build_positions
from transforms.positions.walk import LayerBook, build_book
from transforms.positions.wants import LayerTargets

Floats: TypeAlias = npt.NDArray[np.float64]

SHORT_TERM = "SHORT_TERM_TR"


@dataclass(frozen=True, kw_only=True, eq=False)
class BenchmarkInputs:
    """What benchmarks are built from, over n sessions.

    Parameters
    ----------
    market
        VIX futures, VIX and bill rates.
    nav_usd
        Net asset value: one for all sessions, or float64 of shape (n,) as known at each close. The two ``static``
        ones take a single one, as the base hedge does.
    sizes
        Whole contracts and the slack of a band.
    options
        Lists and prices VIX options; None: there are none.
    short_term_tr
        float64, shape (n,): rebuilt short-term index, total return (``mart.daily_volatility_indices``); NaN unknown.
    short_term_base_dates
        Of each session: its ``short_term_base_date``; None: one chain.
    spx_close_pts
        float64, shape (n,): S&P 500; NaN unknown.
    spx_rv_pts
        float64, shape (n,): ``spx_rv21_pts``; NaN unknown.
    """

    market: FuturesMarket
    nav_usd: Nav
    sizes: SizingRules = field(default_factory=SizingRules)
    options: OptionSource | None = None
    short_term_tr: Floats | None = None
    short_term_base_dates: Sequence[date | None] | None = None
    spx_close_pts: Floats | None = None
    spx_rv_pts: Floats | None = None

    @cached_property
    def notes(self) -> NoteSeries:
        """Series of a note on the short-term index."""
        assert self.short_term_tr is not None
        return build_note_series(SHORT_TERM, self.short_term_tr, self.short_term_base_dates)


@dataclass(frozen=True, kw_only=True, eq=False)
class Benchmark:
    """A benchmark over a market.

    Parameters
    ----------
    info
        What it is.
    targets
        What it wants at each close, as the layer ``base``.
    notes
        Levels of the note series it trades in, for `Marks`.
    details
        What it was decided on, one row a session; None where the reasons of the targets say all.
    time_shifts
        Of the layered calls, one row a shift; None for the others.
    """

    info: BenchmarkInfo
    targets: LayerTargets
    notes: Mapping[str, Floats] = field(default_factory=dict)
    details: pd.DataFrame | None = None
    time_shifts: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class BookedBenchmark:
    """What a benchmark held, and every dollar of it, by the code that books the hedge."""

    benchmark: Benchmark
    book: LayerBook
    marks: Marks
    costs: CostRules

    @cached_property
    def ledger(self) -> Ledger:
        """See `build_ledger`; a Time-Shift of calls is a trade there, and moves nothing between credits and costs."""
        return build_ledger([self.book], self.marks, self.costs)

    @cached_property
    def positions(self) -> pd.DataFrame:
        """See `build_positions`."""
        return build_positions([self.book], self.marks)


def build_benchmark(
    name: str,
    inputs: BenchmarkInputs,
    values: Mapping[str, float] | None = None,
    numbers: Mapping[str, float] | None = None,
) -> Benchmark:
    """Build a benchmark.

    Parameters
    ----------
    name
        One of `list_benchmarks`.
    inputs
        Market, account and what it needs beside them (``info.needs``).
    values
        Numbers of its policy that replace those of the preset, by name.
    numbers
        Numbers that replace those of ``benchmarks.toml``, by name.

    Raises
    ------
    ValueError
        There is no such benchmark or number, an input that it needs is missing, or an account by session where one
        is needed.
    """
    info = find_benchmark(name)
    missing = [need for need in info.needs if getattr(inputs, need) is None]
    if missing:
        raise ValueError(f"benchmark {name}: needs {', '.join(missing)}")
    stated = _replace(read_preset_values(info.preset) if info.preset else {}, values, f"benchmark {name}")
    ours = _replace({key: float(one.value) for key, one in benchmark_parameters().items()}, numbers, "benchmarks.toml")
    market, nav, sizes, latest = inputs.market, inputs.nav_usd, inputs.sizes, ours["entry_latest_sessions"]
    match name:
        case "none":
            return Benchmark(info=info, targets=build_no_targets(market))
        case "static_1pct" | "static_2pct":
            if not isinstance(nav, int | float):
                raise ValueError(f"benchmark {name}: takes one nav_usd for all sessions")
            share = stated["base_notional_frac" if name == "static_1pct" else "base_notional_highest_frac"]
            targets = build_static_targets(market, float(nav), share, stated["roll_last_day"], sizes)
            return Benchmark(info=info, targets=targets)
        case "note_1pct" | "note_2pct" | "note_1pct_monthly":
            band = read_preset_values("static")
            share = band["base_notional_highest_frac" if name == "note_2pct" else "base_notional_frac"]
            rebalance: Rebalance = "monthly" if name.endswith("_monthly") else "daily"
            targets = build_note_targets(market, nav, inputs.notes, share, rebalance)
            return Benchmark(info=info, targets=targets, notes=inputs.notes.levels)
        case "vpd" | "vpn":
            is_capped = name == "vpn"
            targets = build_premium_targets(
                market,
                nav,
                nav_per_contract_usd=stated["vpd_nav_per_contract_usd"],
                latest_sessions=latest,
                sizes=sizes,
                options=inputs.options if is_capped else None,
                call_distance_pts=ours["vpn_call_distance_pts"],
            )
            return Benchmark(info=info, targets=targets)
        case "basis":
            targets, details = build_basis_targets(market, nav, read_basis_rules(ours), sizes)
            return Benchmark(info=info, targets=targets, details=details)
        case "veqtor":
            assert inputs.spx_close_pts is not None
            assert inputs.spx_rv_pts is not None
            targets, details = build_veqtor_targets(
                market, nav, read_veqtor_rules(stated), inputs.notes, inputs.spx_close_pts, inputs.spx_rv_pts
            )
            return Benchmark(info=info, targets=targets, notes=inputs.notes.levels, details=details)
    assert inputs.options is not None
    if name == "vxth":
        return Benchmark(
            info=info, targets=build_tail_targets(market, nav, read_tail_rules(stated), inputs.options, latest)
        )
    ladder = read_ladder_rules(stated, ours, is_wide=name == "canon_furthest")
    targets, shifts, details = build_ladder_targets(market, nav, ladder, inputs.options, latest)
    return Benchmark(info=info, targets=targets, details=details, time_shifts=shifts)


def book_benchmark(benchmark: Benchmark, inputs: BenchmarkInputs, costs: CostRules) -> BookedBenchmark:
    """Trade and book a benchmark: decided at one close, traded at the next settlement, by the code of the hedge.

    Parameters
    ----------
    benchmark
        Built from the same inputs.
    costs
        What trading and collateral cost.
    """
    needs = list_option_needs([benchmark.targets], inputs.market.days)
    pricer = None
    if len(needs):
        assert inputs.options is not None
        pricer = inputs.options.price_for(inputs.market, needs)
    marks = Marks(inputs.market, pricer, benchmark.notes)
    return BookedBenchmark(benchmark=benchmark, book=build_book(benchmark.targets, marks), marks=marks, costs=costs)


def _replace(stated: Mapping[str, float], given: Mapping[str, float] | None, where: str) -> dict[str, float]:
    unknown = sorted(set(given or {}) - set(stated))
    if unknown:
        raise ValueError(f"{where}: there is no number {', '.join(unknown)}")
    return {**stated, **(given or {})}
