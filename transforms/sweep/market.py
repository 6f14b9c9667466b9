"""A market laid out for the compiled walk: futures, options that calendars can bring in, and the calendars."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from transforms.hedge.calendars import CalendarListing, read_calendar_targets
from transforms.hedge.market import HedgeMarket, OptionMarket
from transforms.layers.codes import LayerState
from transforms.layers.records import LayerPath
from transforms.ledger.rules import CostRules, compute_bill_return, read_cost_rules
from transforms.options.call_calendars import CallCalendarTargets
from transforms.positions.instruments import VXM_FIRST_DATE, VixFuture, VixOption
from transforms.positions.market import FuturesMarket, Marks
from transforms.sweep.arrays import UNKNOWN, Market
from transforms.sweep.option_rows import price_rows

NOT_LOOKED_UP = -1.0
_SESSIONS_AT_ONCE = 500


class Calendar(NamedTuple):
    """The calendar that fits in a session: signed options of one calendar, and the most its shorts can lose."""

    legs: tuple[tuple[VixOption, int], ...]
    short_loss_bound_usd: float


Found: TypeAlias = Mapping[int, Calendar | None]
"""By session the calendar that fits, None where none does; a session that is not in it was not looked up."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepMarket:
    """What policies are walked through, made once for all of them.

    Parameters
    ----------
    futures
        n sessions.
    nav_usd
        The account.
    parameters
        Values by name, as ``transforms/parameters.toml``.
    costs
        What trading and collateral cost.
    arrays
        Everything the compiled walk reads.
    calendar_sets
        Number of each set of calendar targets in the arrays.
    fits
        int8, shape (sets, n): whether a calendar is listed, 1, 0 or -1 not known; 1 where it was not looked up.
    """

    futures: FuturesMarket
    nav_usd: float
    parameters: Mapping[str, float]
    costs: CostRules
    arrays: Market
    calendar_sets: Mapping[CallCalendarTargets, int]
    fits: npt.NDArray[np.int8]

    def __len__(self) -> int:
        """Sessions."""
        return len(self.futures)

    def is_constructible(self, machine: Mapping[str, Any]) -> npt.NDArray[np.int8]:
        """Tell on which sessions a policy's calendars are listed, shape (n,): 1, 0, or -1 a price is missing.

        Of a session or a set that was not looked up the answer is 1: a policy that constructs there is refused when
        it is run, and not held back in silence.
        """
        number = self.calendar_sets.get(read_calendar_targets(machine))
        return np.ones(len(self), np.int8) if number is None else self.fits[number]


def build_sweep_market(
    market: HedgeMarket,
    calendars: CalendarListing,
    machines: Iterable[Mapping[str, Any]],
    sessions: npt.NDArray[np.bool_] | None = None,
) -> SweepMarket:
    """Lay out a market, with the calendars of the policies that will be walked.

    Parameters
    ----------
    market
        n sessions.
    calendars
        Where call calendars are listed.
    machines
        What the policies state (:meth:`Policy.machine`); only their calendar targets are read, each set once.
    sessions
        Shape (n,): where calendars are looked up and their options priced; None: everywhere. A policy whose second
        engine would construct elsewhere is refused when it is run.

    Raises
    ------
    KeyError
        A parameter or a number of a policy is missing.
    ValueError
        Sessions of another length.
    """
    asked = np.ones(len(market.futures), bool) if sessions is None else sessions
    if asked.shape != (len(market.futures),):
        raise ValueError(f"sessions: expected {len(market.futures)} flags, found shape {asked.shape}")
    wanted = np.flatnonzero(asked).tolist()
    machine_of = {read_calendar_targets(machine): machine for machine in machines}
    targets = list(machine_of)
    found = [_look_up(calendars, one, wanted) for one in targets]
    # The listing answers for the sessions on which a path is active: here, on all that are asked for.
    active = LayerPath(**{field.name: np.where(asked, LayerState.ACTIVE, 0) for field in fields(LayerPath)})
    fits = [calendars.is_constructible(machine, active) for machine in machine_of.values()]
    return SweepMarket(
        futures=market.futures,
        nav_usd=market.nav_usd,
        parameters=market.parameters,
        costs=read_cost_rules(market.parameters),
        arrays=lay_out_market(market.futures, market.protected_vega_usd, found, market.options),
        calendar_sets={one: number for number, one in enumerate(targets)},
        fits=np.stack(fits) if fits else np.zeros((0, len(asked)), np.int8),
    )


def lay_out_market(
    futures: FuturesMarket,
    protected_vega_usd: npt.NDArray[np.float64] | None,
    calendars: Sequence[Found],
    options: OptionMarket | Marks,
) -> Market:
    """Make the arrays of the compiled walk.

    Parameters
    ----------
    futures
        n sessions.
    protected_vega_usd
        float64, shape (n,): see `HedgeMarket`; None: nothing is protected.
    calendars
        One mapping a set of calendar targets.
    options
        What the options of the calendars are priced with.
    """
    sessions = len(futures)
    listed = sorted(
        {option for found in calendars for one in found.values() if one for option, _ in one.legs}, key=_code
    )
    number_of = {option: number for number, option in enumerate(listed)}
    first = np.full(len(listed), sessions, np.int64)
    longest = max((len(one.legs) for found in calendars for one in found.values() if one), default=1)
    bound = np.full((len(calendars), sessions), NOT_LOOKED_UP)
    legs = np.full((len(calendars), sessions, longest), -1, np.int64)
    sides = np.zeros((len(calendars), sessions, longest), np.int64)
    for number, found in enumerate(calendars):
        for session, calendar in found.items():
            bound[number, session] = 0.0
            if calendar is None or not _is_whole(calendar, futures, session):
                continue
            bound[number, session] = calendar.short_loss_bound_usd
            for place, (option, side) in enumerate(calendar.legs):
                legs[number, session, place], sides[number, session, place] = number_of[option], side
                first[number_of[option]] = min(first[number_of[option]], session)
    rows = price_rows(futures, listed, first, options)
    return Market(
        day=np.array([day.toordinal() for day in futures.days], np.int64),
        is_mini_listed=np.array([day >= VXM_FIRST_DATE for day in futures.days], np.bool_),
        ranked=futures.ranked.astype(np.int64),
        betas=np.ascontiguousarray(futures.betas, np.float64),
        protected_vega_usd=np.full(sessions, math.nan)
        if protected_vega_usd is None
        else np.ascontiguousarray(protected_vega_usd, np.float64),
        bill_return=_bill_returns(futures),
        expiry=np.array(futures.expiry_ordinals, np.int64),
        ticks=np.ascontiguousarray(futures.ticks.T),
        aged=_age_futures(futures),
        option_expiry=np.array([option.expiry.toordinal() for option in listed], np.int64),
        option_strike=np.array([option.strike_pts for option in listed], np.float64),
        option_is_call=np.array([option.is_call for option in listed], np.bool_),
        option_first=first,
        option_offset=np.concatenate([[0], np.cumsum([len(one.ticks) for one in rows])]).astype(np.int64),
        option_ticks=_join([one.ticks for one in rows], np.int64),
        option_aged=_join([one.aged for one in rows], np.int64),
        option_half_spread=_join([one.half_spread for one in rows], np.float64),
        calendar_bound=bound,
        calendar_legs=legs,
        calendar_sides=sides,
    )


def _look_up(calendars: CalendarListing, targets: CallCalendarTargets, sessions: list[int]) -> Found:
    found: dict[int, Calendar | None] = {}
    for start in range(0, len(sessions), _SESSIONS_AT_ONCE):
        # Some at a time: every strike of every session is priced for it.
        for session, one in calendars._find(targets, sessions[start : start + _SESSIONS_AT_ONCE]).items():
            found[session] = Calendar(one.legs, one.short_loss_bound_usd) if one.status == "ok" else None
    return {session: found[session] for session in sessions}


def _is_whole(calendar: Calendar, futures: FuturesMarket, session: int) -> bool:
    """Tell whether a calendar is one that the second engine takes: see `build_second_engine_targets`."""
    options = [option for option, _ in calendar.legs]
    is_alive = all(option.expiry > futures.days[session] for option in options)
    is_sized = bool(options) and all(side for _, side in calendar.legs)
    return is_sized and is_alive and len(set(options)) == len(options) and calendar.short_loss_bound_usd > 0


def _age_futures(futures: FuturesMarket) -> npt.NDArray[np.int64]:
    """Shape (m, n): prices at passed time, from each contract's newest earlier session with a settlement."""
    aged = np.full((len(futures.expiries), len(futures)), UNKNOWN, np.int64)
    marks = Marks(futures)
    for column, expiry in enumerate(futures.expiries):
        priced = np.flatnonzero(futures.ticks[:, column] >= 0).tolist()
        for since, session in pairwise(priced):
            value = marks.pass_time(since, session, VixFuture(expiry))
            if value is not None:
                aged[column, session] = value
    return aged


def _bill_returns(futures: FuturesMarket) -> npt.NDArray[np.float64]:
    days, rates = futures.days, futures.bill_discount_rate_frac.tolist()
    returns = [
        compute_bill_return(rate, (after - before).days)
        for before, after, rate in zip(days, days[1:], rates, strict=False)
    ]
    return np.array([math.nan, *returns][: len(days)], np.float64)


def _join(parts: Sequence[npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate([np.asarray(part, dtype) for part in parts]) if parts else np.zeros(0, dtype)


def _code(option: VixOption) -> str:
    return option.code
