"""Many policies walked through one market, compiled, in chunks and on threads; and compared with the plain walk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.hedge.calendars import CalendarListing, read_calendar_targets
from transforms.hedge.market import HedgeMarket
from transforms.hedge.run import Stretch, run_hedge
from transforms.layers.codes import LayerState, Mode
from transforms.layers.decide import is_sized_in_futures
from transforms.layers.records import LayerPath
from transforms.ledger.rules import CostRules
from transforms.positions.money import CENTS_PER_USD
from transforms.positions.sizing import SizingRules, read_sizing_rules
from transforms.sweep.arrays import (
    COLUMN_NAMES,
    MEASURED,
    MEASURES_COUNT,
    MOST_HELD,
    NET,
    OK,
    TOO_MANY,
    UNBOUNDED,
    Market,
    Paths,
    Policies,
    make_state,
)
from transforms.sweep.market import SweepMarket
from transforms.sweep.results import LAYER_NAMES, SweepResult, SweepSums, build_result, join_results, name_totals
from transforms.sweep.sharing import LayerWalks, walk_layers

CHUNK = 256
"""Policies at once: 10 MB of states over 22 years."""

_NO_CALENDAR = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepNumbers:
    """Numbers of a policy as the compiled walk takes them.

    Parameters
    ----------
    sizes, costs
        Its sizes, and what trading costs it.
    gain_roll_frac
        Part of the gain that a Time-Shift moves.
    calendar_set
        Number of its set of calendars in the market; -1: nothing is constructible.
    """

    sizes: SizingRules
    costs: CostRules
    gain_roll_frac: float
    calendar_set: int = _NO_CALENDAR


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepPolicy(SweepNumbers):
    """A policy as the compiled walk takes it.

    Parameters
    ----------
    path
        What its layers do on every session.
    open_shorts
        int8, shape (n,): truth of its permission to open shorts; None: always given.
    """

    path: LayerPath
    open_shorts: npt.NDArray[np.int8] | None = None


@dataclass(frozen=True)
class Difference:
    """An amount of a session that the two walks do not agree on, in cents."""

    session: int
    layer: str
    amount: str
    plain_cents: int
    swept_cents: int


def run_policies(
    market: SweepMarket,
    stretches: Iterable[Stretch],
    *,
    keep: Sequence[str] = (),
    chunk: int = CHUNK,
    threads: int = 2,
) -> SweepResult:
    """Walk policies through a market, each over all sessions.

    The first call in a process loads or makes the compiled walk (see `compile_walk`).

    Parameters
    ----------
    market
        n sessions; of `build_sweep_market` with the calendars of these policies.
    stretches
        The policies, taken as they are needed: a generator need not hold more than one chunk of paths.
    keep
        Names of `AMOUNT_NAMES` of which the daily amounts are kept: 32 n bytes each and policy (1.8 GB for ``pnl`` of
        10,000 policies over 22 years).
    chunk
        Policies at once.
    threads
        Threads that share a chunk; the result does not depend on their number.

    Returns
    -------
    SweepResult
        In the order of the stretches; equal to `run_hedge` to the cent.

    Raises
    ------
    ValueError
        A policy that is not sized in futures or does not cover every session, calendars that were not looked up, more
        instruments held than there is room for, short options without a bound, an unknown name in `keep`.
    """
    return walk_policies(
        market.arrays, (read_policy(market, one) for one in stretches), market.nav_usd, keep, chunk, threads
    )


def read_policy(market: SweepMarket, stretch: Stretch) -> SweepPolicy:
    """Take what the compiled walk needs out of a stretch.

    Raises
    ------
    ValueError
        As `run_policies`.
    """
    numbers = read_numbers(market, stretch.machine, stretch.reading)
    if stretch.span.indices(len(market)) != (0, len(market), 1):
        raise ValueError(f"span: expected all {len(market)} sessions, found {stretch.span}")
    return SweepPolicy(path=stretch.path, open_shorts=stretch.open_shorts, **vars(numbers))


def read_numbers(market: SweepMarket, machine: Mapping[str, Any], reading: str | None = None) -> SweepNumbers:
    """Take the numbers of the walk out of what a policy states (:meth:`Policy.machine`).

    Parameters
    ----------
    reading
        Another reading of the temporal layer than the policy's own.

    Raises
    ------
    KeyError
        A number is missing.
    ValueError
        A policy that is not sized in futures.
    """
    if not is_sized_in_futures(machine):
        raise ValueError(f"sizing {machine['sizing']!r}: only policies sized in futures can be swept")
    return SweepNumbers(
        sizes=read_sizing_rules(machine, market.parameters, reading=reading),
        costs=market.costs,
        gain_roll_frac=float(machine["gain_roll_frac"]),
        # Nothing is known of another set; a policy that constructs nothing may have it all the same.
        calendar_set=market.calendar_sets.get(read_calendar_targets(machine), len(market.calendar_sets)),
    )


def walk_policies(
    market: Market,
    policies: Iterable[SweepPolicy],
    nav_usd: float,
    keep: Sequence[str] = (),
    chunk: int = CHUNK,
    threads: int = 2,
) -> SweepResult:
    """Walk policies through laid out arrays: see `run_policies`."""
    unknown = [name for name in keep if name not in COLUMN_NAMES]
    if unknown or not chunk > 0 or not threads > 0:
        raise ValueError(f"expected names of {', '.join(COLUMN_NAMES)}, a chunk and threads; found {unknown or chunk}")
    if not nav_usd > 0:
        raise ValueError(f"nav_usd: expected a positive number, found {nav_usd}")
    kept = np.array([*MEASURED, *(COLUMN_NAMES.index(name) for name in keep)], np.int64)
    states, parts = [make_state(market) for _ in range(threads)], list[SweepResult]()
    with ThreadPoolExecutor(threads) as pool:
        for some in _in_chunks(policies, chunk):
            layers = walk_layers(market, lay_out_policies(some, market, nav_usd), kept, states, pool)
            refuse_unfinished(layers, sum(len(part) for part in parts))
            parts.append(_build_result(layers, len(market.day), keep))
    return join_results(parts, len(market.day))


def walk_sums(market: Market, policies: Policies, threads: int = 1) -> SweepSums:
    """Walk policies that are laid out, for sums and the portfolio's daily P&L alone.

    Parameters
    ----------
    market, policies
        n sessions, p policies.
    threads
        Share the work; the result does not depend on their number.

    Raises
    ------
    ValueError
        As `run_policies`.
    """
    states, kept = [make_state(market) for _ in range(threads)], np.array([NET], np.int64)
    with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
        layers = walk_layers(market, policies, kept, states, pool)
    refuse_unfinished(layers, 0)
    return SweepSums(totals_cents=name_totals(_add_totals(layers)), net_cents=_add_days(layers, 0, len(market.day)))


def refuse_unfinished(layers: Sequence[LayerWalks], before: int) -> None:
    """Refuse policies of which a layer could not be walked to the end.

    Parameters
    ----------
    before
        Policies that came before these.

    Raises
    ------
    ValueError
        With the number of the first one, and why.
    """
    codes = np.stack([one.codes for one in layers], axis=1)
    if not codes.any():
        return
    place, layer = np.argwhere(codes != OK)[0].tolist()
    said = {
        TOO_MANY: f"more than {MOST_HELD} instruments of one layer are held at once",
        UNBOUNDED: "short options without a bound are held",
    }
    words = said.get(int(codes[place, layer]), "calendars are wanted that were not looked up: see build_sweep_market")
    raise ValueError(f"policy {before + place}: {words}")


def _build_result(layers: tuple[LayerWalks, ...], sessions: int, keep: Sequence[str]) -> SweepResult:
    from transforms.sweep.kernel import compile_walks  # numba is heavy

    groups = np.stack([one.group_of for one in layers], axis=1)
    measures = np.zeros((len(groups), len(LAYER_NAMES), MEASURES_COUNT), np.float64)
    days = [one.walked.daily for one in layers]
    compile_walks().measure(*days, groups, np.zeros((len(LAYER_NAMES), 2), np.int64), measures)
    daily = np.zeros((len(groups), sessions, len(LAYER_NAMES), len(keep)), np.int64)
    for place in range(len(keep)):
        for layer, one in enumerate(layers):
            daily[:, :, layer, place] = one.walked.daily[one.group_of, len(MEASURED) + place]
        daily[:, :, -1, place] = daily[:, :, :-1, place].sum(axis=2)
    return build_result(sessions, _add_totals(layers), measures, keep, daily if keep else None)


def _add_totals(layers: Sequence[LayerWalks]) -> npt.NDArray[np.int64]:
    """Sums of each layer and of the portfolio, shape (p, 4, columns)."""
    of_layers = np.stack([one.walked.totals[one.group_of] for one in layers], axis=1)
    return np.concatenate([of_layers, of_layers.sum(axis=1, keepdims=True)], axis=1)


def _add_days(layers: Sequence[LayerWalks], column: int, sessions: int) -> npt.NDArray[np.int64]:
    """A kept column of the portfolio, shape (p, n)."""
    from transforms.sweep.kernel import compile_walks

    groups = np.stack([one.group_of for one in layers], axis=1)
    added = np.empty((len(groups), sessions), np.int64)
    compile_walks().add(*(one.walked.daily for one in layers), groups, column, added)
    return added


def compare_with_plain(
    market: HedgeMarket, calendars: CalendarListing, stretch: Stretch, swept: SweepMarket
) -> list[Difference]:
    """Walk a policy both ways and list every amount of every session and layer that differs.

    Parameters
    ----------
    market, calendars
        Of the plain walk, `run_hedge`.
    stretch
        The policy.
    swept
        Of the same market, by `build_sweep_market`.

    Returns
    -------
    list of Difference
        Empty: equal to the cent.
    """
    plain = run_hedge(market, [stretch], calendars).ledger.days
    ours = run_policies(swept, [stretch], keep=COLUMN_NAMES, threads=1).daily_cents
    found: list[Difference] = []
    for place, layer in enumerate(LAYER_NAMES):
        rows = plain[plain["layer"] == layer]
        for name in COLUMN_NAMES:
            if name == "unmarked":
                told = rows["unmarked_count"].to_numpy(np.int64)
            elif name == "interest_unknown":
                # The ledger says whether it is known; the portfolio's account counts the layers.
                told = (~rows["is_interest_known"].to_numpy(bool)).astype(np.int64)
            else:
                told = np.rint(rows[f"{name}_usd"].to_numpy(np.float64) * CENTS_PER_USD).astype(np.int64)
            mine = ours[name][0, :, place]
            if name == "interest_unknown":
                mine = np.minimum(mine, 1)
            for session in np.flatnonzero(told != mine).tolist():
                found.append(Difference(session, layer, name, int(told[session]), int(mine[session])))
    return found


def _in_chunks(policies: Iterable[SweepPolicy], chunk: int) -> Iterator[list[SweepPolicy]]:
    left = iter(policies)
    while some := list(islice(left, chunk)):
        yield some


def lay_out_policies(policies: Sequence[SweepPolicy], market: Market, nav_usd: float) -> Policies:
    """Lay out policies and their states for the compiled walk.

    Raises
    ------
    ValueError
        States of another number of sessions than the market's.
    """
    sessions = len(market.day)
    for one in policies:
        if len(one.path) != sessions or (one.open_shorts is not None and len(one.open_shorts) != sessions):
            raise ValueError(f"expected states of {sessions} sessions, found {len(one.path)}")

    def stack(name: str) -> npt.NDArray[np.int8]:
        return np.stack([getattr(one.path, name) for one in policies]).astype(np.int8, copy=False)

    given = np.ones(sessions, np.int8)
    permitted = np.stack([given if one.open_shorts is None else one.open_shorts for one in policies]) == 1
    second_state = stack("second_state")
    paths = Paths(
        base_state=stack("base_state"),
        held_rank=stack("held_rank"),
        steps=stack("temporal_steps"),
        second_state=second_state,
        may_open=((second_state == LayerState.ACTIVE) & (stack("mode") == Mode.PROMOTER) & permitted).astype(np.int8),
        is_shift=np.stack([one.path.gains_rolled_frac > 0 for one in policies]).astype(np.int8),
    )
    return lay_out_numbers(paths, policies, nav_usd)


def lay_out_numbers(paths: Paths, policies: Sequence[SweepNumbers], nav_usd: float) -> Policies:
    """Put the numbers of policies beside what their layers do."""
    return Policies(
        paths=paths,
        numbers=np.array([_list_numbers(one, nav_usd) for one in policies], np.float64),
        costs=np.array([_list_costs(one.costs) for one in policies], np.float64),
        reading=np.array([int(one.sizes.reading) for one in policies], np.int64),
        calendar=np.array([one.calendar_set for one in policies], np.int64),
    )


def _list_numbers(policy: SweepNumbers, nav_usd: float) -> tuple[float, ...]:
    """In the order of `transforms.sweep.arrays`."""
    sizes = policy.sizes
    return (
        sizes.base_notional_frac * nav_usd,
        sizes.base_notional_highest_frac * nav_usd,
        sizes.band_slack_frac,
        sizes.hedge_ratio,
        sizes.vxm_below_vx_contracts,
        sizes.short_loss_frac * nav_usd,
        policy.gain_roll_frac,
    )


def _list_costs(costs: CostRules) -> tuple[float, ...]:
    """In the order of `transforms.sweep.arrays`."""
    return (
        costs.vx_half_spread_pts,
        costs.vx_fee_usd,
        costs.vxm_fee_usd,
        costs.option_fee_usd,
        *costs.option_shares,
        costs.futures_margin_frac,
    )
