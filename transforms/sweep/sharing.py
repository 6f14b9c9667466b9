"""Which layers of many policies are the same, so that each is walked once.

A layer's walk reads the states of the layer, the numbers that size it, and what trading costs; the temporal layer reads
besides what the base wants. Where all of these are equal, byte for byte, so is every amount.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.sweep.arrays import (
    GAIN_ROLL,
    HEDGE_RATIO,
    HIGHEST_USD,
    LOWEST_USD,
    SHORT_LOSS_USD,
    SLACK,
    VXM_BELOW,
    Ints,
    Market,
    Policies,
    State,
    Walked,
    make_walked,
)

_BASE_NUMBERS = [LOWEST_USD, HIGHEST_USD, SLACK, HEDGE_RATIO, VXM_BELOW]
_TEMPORAL_NUMBERS = [LOWEST_USD, VXM_BELOW, GAIN_ROLL]
_SECOND_NUMBERS = [SHORT_LOSS_USD]


@dataclass(frozen=True, eq=False)
class LayerWalks:
    """A layer of p policies, walked.

    Parameters
    ----------
    walked
        Of the g different ones.
    group_of
        int64, shape (p,): which of them each policy has.
    """

    walked: Walked
    group_of: Ints

    @property
    def codes(self) -> Ints:
        """How the walk of each policy ended, shape (p,)."""
        return self.walked.codes[self.group_of]


def group_policies(*parts: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """Find the policies that have the same rows in every array.

    Parameters
    ----------
    parts
        Arrays of shape (p, ...).

    Returns
    -------
    firsts : int64, shape (g,)
        First policy of each group, ascending.
    group_of : int64, shape (p,)
    """
    number_of: dict[tuple[bytes, ...], int] = {}
    firsts: list[int] = []
    group_of = np.empty(len(parts[0]), np.int64)
    for place in range(len(parts[0])):
        key = tuple([part[place].tobytes() for part in parts])
        number = number_of.setdefault(key, len(firsts))
        if number == len(firsts):
            firsts.append(place)
        group_of[place] = number
    return np.array(firsts, np.int64), group_of


def walk_layers(
    market: Market,
    policies: Policies,
    kept: Ints,
    states: list[State],
    pool: ThreadPoolExecutor | None = None,
) -> tuple[LayerWalks, LayerWalks, LayerWalks]:
    """Walk every different layer of some policies once.

    Parameters
    ----------
    market, policies
        n sessions, p policies.
    kept
        Columns of a session that are kept day by day.
    states
        One for each thread that shares the work.
    pool
        Of as many threads; None: this thread alone.

    Returns
    -------
    tuple of LayerWalks
        Base, temporal layer, second engine.
    """
    from transforms.sweep.kernel import compile_walks  # numba is heavy

    walks, sessions, paths = compile_walks(), len(market.day), policies.paths
    firsts, base_of = group_policies(
        paths.base_state, paths.held_rank, policies.numbers[:, _BASE_NUMBERS], policies.costs
    )
    bases = make_walked(len(firsts), sessions, len(kept), is_base=True)
    _share(pool, states, len(firsts), walks.base, (market, policies), (firsts,), (kept, bases))

    ranks = np.where(paths.steps > 0, paths.held_rank, 0)
    firsts, temporal_of = group_policies(
        base_of,
        paths.steps,
        ranks,
        paths.is_shift,
        policies.numbers[:, _TEMPORAL_NUMBERS],
        policies.reading,
        policies.costs,
    )
    temporals = make_walked(len(firsts), sessions, len(kept))
    groups = firsts, bases.base_vega, base_of[firsts]
    _share(pool, states, len(firsts), walks.temporal, (market, policies), groups, (kept, temporals))

    firsts, second_of = group_policies(
        paths.second_state, paths.may_open, policies.numbers[:, _SECOND_NUMBERS], policies.calendar, policies.costs
    )
    seconds = make_walked(len(firsts), sessions, len(kept))
    _share(pool, states, len(firsts), walks.second, (market, policies), (firsts,), (kept, seconds))
    return LayerWalks(bases, base_of), LayerWalks(temporals, temporal_of), LayerWalks(seconds, second_of)


def _share(
    pool: ThreadPoolExecutor | None,
    states: list[State],
    count: int,
    walk: Callable[..., None],
    first: tuple[Any, ...],
    groups: tuple[Any, ...],
    last: tuple[Any, ...],
) -> None:
    """Walk groups 0 to ``count``, a part a thread."""
    edges = np.linspace(0, count, min(len(states), count) + 1).astype(int).tolist() if count else []
    jobs: list[Future[None]] = []
    for state, (start, stop) in zip(states, pairwise(edges), strict=False):
        arguments = (*first, state, *groups, start, stop, *last)
        if pool is None:
            walk(*arguments)
        else:
            jobs.append(pool.submit(walk, *arguments))
    wait(jobs)
    for job in jobs:
        job.result()
