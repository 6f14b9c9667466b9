"""One walk of the hedge: from the states of its layers to what it held, traded, earned and cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.benchmarks.build import BenchmarkInputs, build_benchmark
from transforms.benchmarks.catalogue import read_preset_values
from transforms.hedge.calendars import CalendarListing
from transforms.hedge.market import Floats, HedgeMarket
from transforms.layers.codes import Layer, LayerState
from transforms.layers.decide import is_sized_in_futures
from transforms.layers.records import LayerPath
from transforms.ledger.rules import CostRules, read_cost_rules
from transforms.ledger.table import Ledger, build_ledger
from transforms.ledger.trades import build_trades
from transforms.portfolio.book import ReturnTargets
from transforms.positions.instruments import VixFuture
from transforms.positions.market import Marks
from transforms.positions.priced import PricedOptions, list_option_needs
from transforms.positions.sizing import SizingRules, read_sizing_rules
from transforms.positions.table import build_positions
from transforms.positions.targets import build_base_targets, build_second_engine_targets, build_temporal_targets
from transforms.positions.walk import LayerBook, build_book
from transforms.positions.wants import NOTHING, LayerTargets, Leg, Want
from transforms.valuation.holdings import read_volatilities
from transforms.valuation.liquidity import read_volumes
from transforms.valuation.rules import read_valuation_rules
from transforms.valuation.table import ValuationInputs, build_valuation

_BENCHMARK_OF = {"calls": "canon", "vxth": "vxth", "vpd": "vpd", "veqtor": "veqtor"}
"""Who decides the targets of a policy that is not sized by the notional of futures."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretch:
    """A policy over the sessions it decides.

    Parameters
    ----------
    machine
        What the policy states (:meth:`Policy.machine`).
    values
        Every number of the policy by its own name.
    path
        What its layers would do on every session of the market.
    span
        The sessions it decides; the stretches of a run follow each other and cover all sessions.
    open_shorts
        int8, shape (n,): truth of its permission to open shorts; None: always given.
    reading
        Another reading of the temporal layer than the policy's own.
    held_options
        VIX options that the account holds at the first close, which the second engine goes on with.
    """

    machine: Mapping[str, Any]
    values: Mapping[str, float]
    path: LayerPath
    span: slice
    open_shorts: npt.NDArray[np.int8] | None = None
    reading: str | None = None
    held_options: tuple[Leg, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class HedgeRun:
    """What came out; tables are made when they are first asked for.

    Parameters
    ----------
    market
        What was walked through.
    targets, books
        Of the layers, in the order of `Layer`.
    marks
        The prices that were traded and marked at.
    costs
        What trading and collateral cost.
    gains_rolled_frac, gain_roll_frac
        By session: the state machine's estimate of gains rolled, and the part of the gain that a Time-Shift moves.
    """

    market: HedgeMarket
    targets: tuple[LayerTargets, ...]
    books: tuple[LayerBook, ...]
    marks: Marks
    costs: CostRules
    gains_rolled_frac: list[float]
    gain_roll_frac: list[float]

    def wanted_vega_usd(self, layer: Layer) -> npt.NDArray[np.float64]:
        """Dollars a point of the future that a layer wants at each close, before rounding; shape (n,).

        Of its nearest contract, which is the front leg of the temporal layer; negative where sold, 0 where nothing is
        wanted. NaN for a layer that holds options, is not sized here, or holds nothing because it may not act or its
        size is not known.
        """
        wants = next(one.wants for one in self.targets if one.layer is layer)
        return np.array([_measure_want(want) for want in wants], np.float64)

    @cached_property
    def ledger(self) -> Ledger:
        """Every dollar: see `build_ledger`."""
        return build_ledger(
            self.books,
            self.marks,
            self.costs,
            self.gains_rolled_frac,
            self.gain_roll_frac,
            float(self.market.parameters["episode_vix_pts"]),
        )

    def value(self, returns: ReturnTargets) -> pd.DataFrame:
        """What every layer asks for, with the returns that the user's book states: see `build_valuation`."""
        market = self.market
        pricer = self.marks.options
        inputs = ValuationInputs(
            nav_usd=market.nav_usd,
            spx_close_pts=market.spx_close_pts,
            spx_rv21_pts=market.spx_rv21_pts,
            returns=returns,
            volume_of=read_volumes(market.futures, market.volumes),
            volatility_of=read_volatilities(pricer) if isinstance(pricer, PricedOptions) else None,
            costs=self.costs,
            rules=read_valuation_rules(market.parameters),
        )
        return build_valuation(self.books, self.marks, self.ledger.days, inputs)

    @cached_property
    def positions(self) -> pd.DataFrame:
        """What is wanted, held and on order: see `build_positions`."""
        return build_positions(self.books, self.marks)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Every trade and settlement: see `build_trades`."""
        return build_trades(self.books, self.marks, self.costs)


@dataclass(frozen=True, kw_only=True, eq=False)
class HedgeDecision:
    """What was decided, with the prices that its walks need: walked once or, with delays, several times.

    Parameters
    ----------
    market, stretches
        What was decided on, and for whom.
    targets
        Of the layers that are booked.
    marks
        Prices of everything that the targets can bring into the positions.
    """

    market: HedgeMarket
    stretches: tuple[Stretch, ...]
    targets: tuple[LayerTargets, ...]
    marks: Marks


def decide_hedge(
    market: HedgeMarket,
    stretches: Sequence[Stretch],
    calendars: CalendarListing,
    layers: Sequence[Layer] = tuple(Layer),
) -> HedgeDecision:
    """Decide the hedge on every session, and price what it may hold; parameters and errors as `run_hedge`."""
    _check_cover(stretches, len(market.futures))
    decided: list[dict[Layer, LayerTargets]] = []
    notes: dict[str, Floats] = {}
    for stretch in stretches:
        by_layer, series = _decide(market, stretch, calendars)
        decided.append(by_layer)
        notes |= series
    targets = tuple(
        LayerTargets(
            layer,
            tuple(
                want
                for stretch, by_layer in zip(stretches, decided, strict=True)
                for want in by_layer[layer].wants[stretch.span]
            ),
        )
        for layer in layers
    )
    needs = list_option_needs(targets, market.futures.days)
    pricer = market.options.price_for(market.futures, needs) if len(needs) else None
    return HedgeDecision(
        market=market, stretches=tuple(stretches), targets=targets, marks=Marks(market.futures, pricer, notes)
    )


def walk_hedge(decision: HedgeDecision, delay_sessions: int = 0) -> HedgeRun:
    """Trade what was decided; see `run_hedge`.

    Prices reach from the session on which an option is first wanted, so that every delay finds its own among them.
    """
    market, stretches = decision.market, decision.stretches
    targets = tuple(LayerTargets(one.layer, _delay(one.wants, delay_sessions)) for one in decision.targets)
    return HedgeRun(
        market=market,
        targets=targets,
        books=tuple(build_book(one, decision.marks) for one in targets),
        marks=decision.marks,
        costs=read_cost_rules(market.parameters),
        gains_rolled_frac=[
            value for stretch in stretches for value in stretch.path.gains_rolled_frac[stretch.span].tolist()
        ],
        gain_roll_frac=[
            float(stretch.machine["gain_roll_frac"])
            for stretch in stretches
            for _ in range(len(market.futures))[stretch.span]
        ],
    )


def run_hedge(
    market: HedgeMarket,
    stretches: Sequence[Stretch],
    calendars: CalendarListing,
    layers: Sequence[Layer] = tuple(Layer),
    delay_sessions: int = 0,
) -> HedgeRun:
    """Walk the hedge through a market.

    Parameters
    ----------
    market
        n sessions.
    stretches
        The policies in their order. Each one's targets are decided over the whole history, as its states are, and
        count from its first session on: a change of policy trades the difference.
    calendars
        Where the second engine is constructible.
    layers
        Layers that are booked; the others are decided, because a layer is sized by the one before, and left out.
    delay_sessions
        Sessions that pass between a decision and its order, beside the one to the trade: what is decided at t is then
        traded at t + 1 + delay. For the audit, which asks how much haste is worth.

    Returns
    -------
    HedgeRun
        Decided at the close of t on what was known then, traded at the settlement of t + 1.

    Raises
    ------
    ValueError
        Stretches that do not cover the sessions one after the other.
    """
    return walk_hedge(decide_hedge(market, stretches, calendars, layers), delay_sessions)


def _decide(
    market: HedgeMarket, stretch: Stretch, calendars: CalendarListing
) -> tuple[dict[Layer, LayerTargets], Mapping[str, Floats]]:
    """Targets of every layer over all sessions, and the levels of the notes they trade in."""
    futures, path, nav = market.futures, stretch.path, market.nav_usd
    rules = read_sizing_rules(stretch.machine, market.parameters, reading=stretch.reading)
    if not is_sized_in_futures(stretch.machine):
        return _decide_benchmark(market, stretch, rules)
    # What a policy does not size by the condor is held at the lower end of its band, which is then its only size.
    base = build_base_targets(futures, path, rules, nav, market.protected_vega_usd)
    construct = calendars.constructor(stretch.machine, path)
    targets = {
        Layer.BASE: base,
        Layer.TEMPORAL_VEGA: build_temporal_targets(futures, path, rules, nav, base),
        Layer.SECOND_ENGINE: build_second_engine_targets(
            futures, path, rules, nav, construct, stretch.open_shorts, stretch.held_options
        ),
    }
    return targets, {}


def _decide_benchmark(
    market: HedgeMarket, stretch: Stretch, rules: SizingRules
) -> tuple[dict[Layer, LayerTargets], Mapping[str, Floats]]:
    """Targets of a policy that follows a published strategy: all of it stands in the base."""
    name = _BENCHMARK_OF[str(stretch.machine["sizing"])]
    inputs = take_benchmark_inputs(market, rules)
    known = read_preset_values(name)
    values = {number: value for number, value in stretch.values.items() if number in known}
    made = build_benchmark(name, inputs, values)
    # A layer that is idle wants nothing, whatever the strategy would hold.
    is_idle = (stretch.path.base_state == LayerState.IDLE).tolist()
    wants = tuple(NOTHING if idle else want for idle, want in zip(is_idle, made.targets.wants, strict=True))
    nothing = (NOTHING,) * len(wants)
    return {
        Layer.BASE: LayerTargets(Layer.BASE, wants),
        Layer.TEMPORAL_VEGA: LayerTargets(Layer.TEMPORAL_VEGA, nothing),
        Layer.SECOND_ENGINE: LayerTargets(Layer.SECOND_ENGINE, nothing),
    }, made.notes


def take_benchmark_inputs(market: HedgeMarket, sizes: SizingRules) -> BenchmarkInputs:
    """Return what benchmarks are built from, out of the market that the hedge is walked through."""
    return BenchmarkInputs(
        market=market.futures,
        nav_usd=market.nav_usd,
        sizes=sizes,
        options=market.options,
        short_term_tr=market.short_term_tr,
        short_term_base_dates=market.short_term_base_dates,
        spx_close_pts=market.spx_close_pts,
        spx_rv_pts=market.spx_rv21_pts,
    )


def _delay(wants: Sequence[Want], sessions: int) -> tuple[Want, ...]:
    return (*((NOTHING,) * sessions), *wants)[: len(wants)]


def _measure_want(want: Want) -> float:
    if want is NOTHING:
        return 0.0
    futures = [(leg.instrument, leg) for leg in want.legs if isinstance(leg.instrument, VixFuture)]
    # No leg without wanting nothing: a size that is not known, or a layer that may not act.
    if not futures or len(futures) < len(want.legs):
        return math.nan
    future, leg = min(futures, key=lambda pair: pair[0].expiry)
    return leg.wanted_contracts * future.multiplier_usd


def _check_cover(stretches: Sequence[Stretch], sessions: int) -> None:
    end = 0
    for stretch in stretches:
        start, stop, _ = stretch.span.indices(sessions)
        if start != end or len(stretch.path) != sessions:
            raise ValueError(f"stretches: expected one from session {end} with {sessions} states, found {stretch.span}")
        end = stop
    if end != sessions:
        raise ValueError(f"stretches end at session {end} of {sessions}")
