"""What each layer wants to hold, decided at each close from the states and the market of that close.

Targets change on events only: first entry, roll, a notional outside of its band, another step, a settlement. On
every other session the target is the one before, so that nothing trades every day. What is decided here is
traded at the next settlement (`transforms.positions.walk`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from transforms.layers.codes import Layer, LayerState, Mode, Roll
from transforms.layers.records import LayerPath
from transforms.positions.instruments import VixOption, has_expired
from transforms.positions.market import HIGHEST_RANK, FuturesMarket
from transforms.positions.money import TICKS_PER_POINT
from transforms.positions.sizing import (
    SizingRules,
    compute_base_notional,
    compute_loss_bound,
    size_temporal_vega,
    split_contracts,
)
from transforms.positions.wants import NOTHING, LayerTargets, Leg, Want

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OptionStructure:
    """Options the second engine may open together, and what they are in a few words."""

    legs: tuple[Leg, ...]
    description: str


Constructor: TypeAlias = Callable[[int, float], OptionStructure | str]
"""Makes the second engine's legs from what is known at the close of a session.

Called with the number of the session and the NAV in dollars; answers a structure, or in words why there is none.
"""


def build_base_targets(
    market: FuturesMarket,
    path: LayerPath,
    rules: SizingRules,
    nav_usd: float,
    condor_vega_usd: Floats | None = None,
) -> LayerTargets:
    """Targets of the base hedge: the contract of rank ``held_rank``, sized into its band.

    Parameters
    ----------
    market
        n sessions.
    path
        States of the same sessions.
    rules
        Band, hedge ratio, whole contracts.
    nav_usd
        Net asset value that the fractions are of.
    condor_vega_usd
        float64, shape (n,): dollars that the protected condor loses for a point of the VIX; NaN or None: no condor.

    Returns
    -------
    LayerTargets
        At first entry and at a roll the size of `compute_base_notional`. When the notional of the target leaves
        the band by more than its slack, the nearer edge of the band: a hedge that has gained is trimmed to the
        upper edge and not sold down to the lower. A blocked layer keeps its contracts until they settle; one
        that is not enabled wants nothing. Never more than the upper edge when sized.
    """
    _check_length(market, path)
    if not nav_usd > 0:
        raise ValueError(f"nav_usd: expected a positive number, found {nav_usd}")
    lowest, highest = rules.base_notional_frac * nav_usd, rules.base_notional_highest_frac * nav_usd
    wants: list[Want] = []
    leg: Leg | None = None
    held_expiry: date | None = None
    states, ranks, rolls = path.base_state.tolist(), path.held_rank.tolist(), path.base_roll.tolist()
    for session, day in enumerate(market.days):
        if leg is not None and has_expired(leg.instrument, day):
            leg = None
        if states[session] == LayerState.IDLE:
            leg = None
            wants.append(NOTHING)
            continue
        if states[session] == LayerState.BLOCKED:
            wants.append(_want(leg, "blocked: holds what it has" if leg else "blocked: holds nothing"))
            continue
        rank = ranks[session]
        expiry = market.expiry_at(session, rank)
        ticks = market.settled_ticks(session, expiry) if expiry is not None else None
        if expiry is None or not ticks:
            wants.append(_want(leg, f"VX{rank} has no settlement: target as before"))
            continue
        price = ticks / TICKS_PER_POINT
        if leg is None or held_expiry != expiry:
            vega = math.nan if condor_vega_usd is None else float(condor_vega_usd[session])
            beta = float(market.betas[session, rank - 1])
            notional = compute_base_notional(rules, nav_usd, price, vega, beta)
            what = _name_entry(leg, rolls[session])
            said = "" if math.isfinite(vega * beta) else _why_lowest(vega)
        else:
            held = abs(leg.contracts) * leg.instrument.multiplier_usd * price
            slack = rules.band_slack_frac
            # too little only where that was wanted: rounding alone is no reason to trade
            exact = abs(leg.wanted_contracts) * leg.instrument.multiplier_usd * price
            if held > highest * (1 + slack):
                notional, what = highest, "trimmed to the upper end of the band"
            elif max(held, exact) < lowest * (1 - slack):
                notional, what = lowest, "topped up to the lower end of the band"
            else:
                wants.append(_want(leg, f"held: {_share(held, nav_usd)} of NAV"))
                continue
            said = ""
        limit = highest / price
        leg, held_expiry = split_contracts(rules, day, expiry, notional / price, limit), expiry
        wants.append(_want(leg, f"{what}: {_share(notional, nav_usd)} of NAV{said}"))
    return LayerTargets(Layer.BASE, tuple(wants))


def build_temporal_targets(
    market: FuturesMarket, path: LayerPath, rules: SizingRules, nav_usd: float, base: LayerTargets
) -> LayerTargets:
    """Targets of the temporal layer: a leg in the base's contract against one rank further.

    Parameters
    ----------
    market, path, rules, nav_usd
        As in `build_base_targets`.
    base
        Targets of the base hedge, whose dollars a point are doubled. Where the base wants none, they are those
        of ``base_notional_frac``.

    Returns
    -------
    LayerTargets
        Sized anew only when the step count changes or the legs roll with ``held_rank``; a session on which a
        sensitivity or a contract that the size needs is unknown keeps the legs and sizes later.
    """
    _check_length(market, path)
    wants: list[Want] = []
    legs: tuple[Leg, ...] = ()
    sized_for: tuple[int, date | None] = (0, None)
    steps_of, ranks = path.temporal_steps.tolist(), path.held_rank.tolist()
    for session, day in enumerate(market.days):
        legs = tuple(leg for leg in legs if not has_expired(leg.instrument, day))
        steps = steps_of[session]
        if steps == 0:
            legs, sized_for = (), (0, None)
            wants.append(NOTHING)
            continue
        rank = max(ranks[session], 1)
        front, back = market.expiry_at(session, rank), market.expiry_at(session, rank + 1)
        if sized_for == (steps, front) and front is not None:
            wants.append(Want(legs, f"held: {_steps(steps)}"))
            continue
        if front is None or back is None or rank >= HIGHEST_RANK:
            wants.append(Want(legs, f"{_steps(steps)}: VX{rank} or VX{rank + 1} is not listed, legs as before"))
            continue
        base_vega = _base_vega(base.wants[session], market, session, front, rules, nav_usd)
        front_beta, back_beta = market.betas[session, rank - 1 : rank + 1].tolist()
        front_vega, back_vega = size_temporal_vega(rules.reading, steps, base_vega, front_beta, back_beta)
        if math.isnan(front_vega) or math.isnan(back_vega):
            wants.append(Want(legs, f"{_steps(steps)}: a price or sensitivity is unknown, legs as before"))
            continue
        what = "sized" if sized_for[0] != steps else "rolled"
        sized_for = (steps, front)
        legs = (split_contracts(rules, day, front, front_vega), split_contracts(rules, day, back, back_vega))
        wants.append(Want(legs, f"{what}: {_steps(steps)}, {rules.reading.name.lower()}"))
    return LayerTargets(Layer.TEMPORAL_VEGA, tuple(wants))


def build_second_engine_targets(
    market: FuturesMarket,
    path: LayerPath,
    rules: SizingRules,
    nav_usd: float,
    construct: Constructor | None,
    open_shorts: npt.NDArray[np.int8] | None = None,
    held: tuple[Leg, ...] = (),
) -> LayerTargets:
    """Targets of the second engine: option legs made by `construct`, held until an event.

    Parameters
    ----------
    market, path, rules, nav_usd
        As in `build_base_targets`.
    construct
        Makes the legs; None: nothing is constructible.
    open_shorts
        int8, shape (n,): truth of the policy's permission to open shorts; None: it is always given.
    held
        Options that the account holds when the first session closes: they are gone on with as if opened before it.

    Returns
    -------
    LayerTargets
        Opened while the layer is active and nothing is held; at the settlement of the shorts constructed anew
        while it is active, on a session that permits it and is no steward's: a renewal is a new short too. Armed
        again (shorts closed): the expiry that holds a short is given up, the longer options stay. Blocked: nothing
        changes. Idle: nothing is wanted. A structure whose short expiry can lose more than ``short_loss_frac`` of
        NAV, or without a bound, is refused and said to be.
    """
    _check_length(market, path)
    wants: list[Want] = []
    legs = held
    is_due = not any(leg.contracts < 0 for leg in held)
    for session, (day, state) in enumerate(zip(market.days, path.second_state.tolist(), strict=True)):
        left = tuple(leg for leg in legs if not has_expired(leg.instrument, day))
        if any(leg.contracts < 0 for leg in legs if leg not in left):
            is_due = True
        legs = left
        if state == LayerState.IDLE:
            legs, is_due = (), True
            wants.append(NOTHING)
        elif state == LayerState.BLOCKED:
            wants.append(Want(legs, "blocked: holds what it has"))
        elif state == LayerState.ARMED:
            legs = _without_shorts(legs)
            is_due = True
            wants.append(Want(legs, "shorts closed, longer options held" if legs else "waits"))
        elif not is_due and legs:
            wants.append(Want(legs, "held"))
        elif path.mode[session] == Mode.STEWARD:
            wants.append(Want(legs, "no new shorts: the governor is a steward"))
        elif open_shorts is not None and open_shorts[session] != 1:
            wants.append(Want(legs, "no new shorts: the policy permits none today"))
        else:
            made = construct(session, nav_usd) if construct is not None else "no options are priced"
            if isinstance(made, OptionStructure):
                made = _check_structure(made, day, rules.short_loss_frac * nav_usd)
            if isinstance(made, str):
                wants.append(Want(legs, f"not constructible: {made}"))
            else:
                legs, is_due = made.legs, False
                wants.append(Want(legs, f"constructed: {made.description}"))
    return LayerTargets(Layer.SECOND_ENGINE, tuple(wants))


def _without_shorts(legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
    """The legs without every expiry that holds a short: its wing goes with it."""
    given_up = {option.expiry for option, contracts in _options(legs) if contracts < 0}
    return tuple(leg for leg in legs if isinstance(leg.instrument, VixOption) and leg.instrument.expiry not in given_up)


def _options(legs: tuple[Leg, ...]) -> list[tuple[VixOption, int]]:
    return [(leg.instrument, leg.contracts) for leg in legs if isinstance(leg.instrument, VixOption)]


def _check_structure(structure: OptionStructure, day: date, most_usd: float) -> OptionStructure | str:
    """The structure, or why it may not be opened."""
    options = _options(structure.legs)
    is_whole = len(options) == len(structure.legs) == len({option for option, _ in options})
    if not options or not is_whole or not all(contracts for _, contracts in options):
        return "the structure has no leg, an empty leg, one option twice or something else than options"
    if any(option.expiry <= day for option, _ in options):
        return "a leg has settled"
    for expiry in sorted({option.expiry for option, contracts in options if contracts < 0}):
        loss = compute_loss_bound(pair for pair in options if pair[0].expiry == expiry)
        if math.isinf(loss):
            return "the loss of the shorts has no bound"
        if loss > most_usd:
            return f"the shorts can lose {loss:,.0f} usd, more than {most_usd:,.0f}"
    return structure


def _base_vega(
    base: Want, market: FuturesMarket, session: int, front: date, rules: SizingRules, nav_usd: float
) -> float:
    """Dollars a point of the base hedge before rounding; NaN where unknown."""
    if base.legs:
        return sum(leg.wanted_contracts * leg.instrument.multiplier_usd for leg in base.legs)
    ticks = market.settled_ticks(session, front)
    return rules.base_notional_frac * nav_usd / (ticks / TICKS_PER_POINT) if ticks else math.nan


def _check_length(market: FuturesMarket, path: LayerPath) -> None:
    if len(market) != len(path):
        raise ValueError(f"expected states of {len(market)} sessions, found {len(path)}")


def _want(leg: Leg | None, reason: str) -> Want:
    return Want((leg,) if leg is not None else (), reason)


def _share(notional_usd: float, nav_usd: float) -> str:
    return f"{notional_usd / nav_usd:.2%}"


def _steps(steps: int) -> str:
    return f"{steps} step{'s' if steps > 1 else ''}"


def _name_entry(leg: Leg | None, roll: int) -> str:
    if leg is None:
        return "entered"
    return {Roll.EARLY: "rolled early", Roll.FORCED: "rolled, forced"}.get(Roll(roll), "rolled")


def _why_lowest(vega: float) -> str:
    return " (no condor vega)" if math.isnan(vega) else " (sensitivity unknown)"
