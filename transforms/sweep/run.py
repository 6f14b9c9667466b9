"""Many policies walked through one market, compiled, in chunks and on threads; and compared with the plain walk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from transforms.hedge.calendars import CalendarListing, read_calendar_targets
from transforms.hedge.market import HedgeMarket
from transforms.hedge.run import Stretch, run_hedge
from transforms.layers.decide import is_sized_in_futures
from transforms.layers.records import LayerPath
from transforms.ledger.rules import CostRules
from transforms.positions.money import CENTS_PER_USD
from transforms.positions.sizing import SizingRules, read_sizing_rules
from transforms.sweep.arrays import (
    COLUMN_NAMES,
    COLUMNS,
    MEASURES_COUNT,
    MOST_HELD,
    OK,
    TOO_MANY,
    UNBOUNDED,
    Market,
    Policies,
    make_state,
)
from transforms.sweep.market import SweepMarket
from transforms.sweep.results import LAYER_NAMES, SweepResult, build_result, join_results

CHUNK = 256
"""Policies at once: 10 MB of states over 22 years."""

_NO_CALENDAR = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepPolicy:
    """A policy as the compiled walk takes it.

    Parameters
    ----------
    path
        What its layers do on every session.
    sizes, costs
        Its numbers, and what trading costs it.
    gain_roll_frac
        Part of the gain that a Time-Shift moves.
    calendar_set
        Number of its set of calendars in the market; -1: nothing is constructible.
    open_shorts
        int8, shape (n,): truth of its permission to open shorts; None: always given.
    """

    path: LayerPath
    sizes: SizingRules
    costs: CostRules
    gain_roll_frac: float
    calendar_set: int = _NO_CALENDAR
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
    if not is_sized_in_futures(stretch.machine):
        raise ValueError(f"sizing {stretch.machine['sizing']!r}: only policies sized in futures can be swept")
    if stretch.span.indices(len(market)) != (0, len(market), 1):
        raise ValueError(f"span: expected all {len(market)} sessions, found {stretch.span}")
    targets = read_calendar_targets(stretch.machine)
    return SweepPolicy(
        path=stretch.path,
        sizes=read_sizing_rules(stretch.machine, market.parameters, reading=stretch.reading),
        costs=market.costs,
        gain_roll_frac=float(stretch.machine["gain_roll_frac"]),
        # Nothing is known of another set; a policy that constructs nothing may have it all the same.
        calendar_set=market.calendar_sets.get(targets, len(market.calendar_sets)),
        open_shorts=stretch.open_shorts,
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
    from transforms.sweep.kernel import compile_walk  # numba is heavy

    walk, sessions = compile_walk(), len(market.day)
    kept = np.array([COLUMN_NAMES.index(name) for name in keep], np.int64)
    states = [make_state(market) for _ in range(threads)]
    parts: list[SweepResult] = []
    walked: list[_Chunk] = []
    # One worker a thread of the walk, and one chunk at a time: a state belongs to one of them.
    with ThreadPoolExecutor(threads) as pool:
        for some in _in_chunks(policies, chunk):
            laid = _lay_out_policies(some, market, nav_usd)
            # This chunk was decided and laid out while the one before was walked.
            parts += [one.finish(sessions, keep) for one in walked]
            made = _Chunk(sum(len(part) for part in parts), len(some), sessions if keep else 0, len(keep))
            edges = np.linspace(0, len(some), min(threads, len(some)) + 1).astype(int).tolist()
            for state, (start, stop) in zip(states, pairwise(edges), strict=False):
                made.jobs.append(pool.submit(walk, market, laid, state, start, stop, kept, *made.written))
            walked = [made]
        parts += [one.finish(sessions, keep) for one in walked]
    return join_results(parts, sessions)


class _Chunk:
    """Room for what the walk of some policies writes, and the jobs that write it."""

    def __init__(self, first: int, policies: int, sessions_kept: int, amounts_kept: int) -> None:
        self.first = first
        self.daily = np.zeros((policies, sessions_kept, len(LAYER_NAMES), amounts_kept), np.int64)
        self.totals = np.zeros((policies, len(LAYER_NAMES), COLUMNS), np.int64)
        self.measures = np.zeros((policies, len(LAYER_NAMES), MEASURES_COUNT), np.float64)
        self.codes = np.zeros(policies, np.int64)
        self.jobs: list[Future[None]] = []

    @property
    def written(self) -> tuple[npt.NDArray[Any], ...]:
        """In the order of the compiled walk's last arguments."""
        return self.daily, self.totals, self.measures, self.codes

    def finish(self, sessions: int, keep: Sequence[str]) -> SweepResult:
        """Wait for the jobs."""
        for job in self.jobs:
            job.result()
        if self.codes.any():
            _refuse(self.first, self.codes)
        return build_result(sessions, self.totals, self.measures, keep, self.daily if keep else None)


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


def _lay_out_policies(policies: Sequence[SweepPolicy], market: Market, nav_usd: float) -> Policies:
    sessions = len(market.day)
    for one in policies:
        if len(one.path) != sessions or (one.open_shorts is not None and len(one.open_shorts) != sessions):
            raise ValueError(f"expected states of {sessions} sessions, found {len(one.path)}")
    given = np.ones(sessions, np.int8)

    def stack(name: str) -> npt.NDArray[np.int8]:
        return np.stack([getattr(one.path, name) for one in policies]).astype(np.int8, copy=False)

    return Policies(
        base_state=stack("base_state"),
        held_rank=stack("held_rank"),
        steps=stack("temporal_steps"),
        second_state=stack("second_state"),
        mode=stack("mode"),
        may_open=np.stack([given if one.open_shorts is None else one.open_shorts for one in policies]).astype(np.int8),
        is_shift=np.stack([one.path.gains_rolled_frac > 0 for one in policies]).astype(np.int8),
        numbers=np.array([_list_numbers(one, nav_usd) for one in policies], np.float64),
        costs=np.array([_list_costs(one.costs) for one in policies], np.float64),
        reading=np.array([int(one.sizes.reading) for one in policies], np.int64),
        calendar=np.array([one.calendar_set for one in policies], np.int64),
    )


def _list_numbers(policy: SweepPolicy, nav_usd: float) -> tuple[float, ...]:
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


def _refuse(before: int, codes: npt.NDArray[np.int64]) -> NoReturn:
    place = int(np.flatnonzero(codes != OK)[0])
    said = {
        TOO_MANY: f"more than {MOST_HELD} instruments of one layer are held at once",
        UNBOUNDED: "short options without a bound are held",
    }
    words = said.get(int(codes[place]), "calendars are wanted that were not looked up: see build_sweep_market")
    raise ValueError(f"policy {before + place}: {words}")
