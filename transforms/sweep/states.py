"""The state machine of the layers over many policies: `transforms.layers.machine` compiled, on truths that are shared.

Each distinct truth of a rule is one row of a table, however many policies have it; a policy is the numbers of its rows
and of its machine. What is kept of a path is what the walk reads, `Paths`; reasons and estimates are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from transforms.layers.decide import ROLES
from transforms.layers.machine import Columns, Numbers, make_arrays
from transforms.layers.records import LayerInputs, LayerSettings
from transforms.layers.run import fill_columns, list_numbers
from transforms.sweep.arrays import Bytes, Floats, Ints, Paths

TRUTHS = (*ROLES, "signal_guards")
"""Inputs of the machine that rules decide, in the order of a policy's rows."""

_FEW = 64


class TruthTable:
    """Distinct truths over n sessions, a row each; the first two are never and always.

    Parameters
    ----------
    sessions
        n.
    """

    NEVER, ALWAYS = 0, 1

    def __init__(self, sessions: int) -> None:
        self._rows: list[Bytes] = [np.zeros(sessions, np.int8), np.ones(sessions, np.int8)]
        self._row_of: dict[Hashable, int] = {}

    def put(self, key: Hashable, truth: Bytes) -> int:
        """Return the row of a truth that is named by ``key``; it is added where it is not there."""
        row = self._row_of.setdefault(key, len(self._rows))
        if row == len(self._rows):
            self._rows.append(truth)
        return row

    def find(self, key: Hashable) -> int:
        """Return the row of a truth that was put."""
        return self._row_of[key]

    def __contains__(self, key: Hashable) -> bool:
        """Tell whether a truth was put."""
        return key in self._row_of

    def __getitem__(self, row: int) -> Bytes:
        """Truths of a row."""
        return self._rows[row]

    def stack(self) -> Bytes:
        """All rows, int8, shape (k, n)."""
        return np.ascontiguousarray(np.stack(self._rows), np.int8)


@dataclass(frozen=True, eq=False)
class Deciders:
    """What decides p policies over n sessions.

    Parameters
    ----------
    market
        Of the n sessions; its truths are not read.
    truths
        int8, shape (k, n).
    rows
        int64, shape (p, 11): row of each of `TRUTHS`.
    numbers
        float64, shape (p, 15): as `Numbers` of the machine, in its order.
    """

    market: Columns
    truths: Bytes
    rows: Ints
    numbers: Floats

    def __len__(self) -> int:
        """Policies."""
        return len(self.rows)


def build_deciders(
    unruled: LayerInputs, table: TruthTable, rows: Sequence[Sequence[int]], settings: Sequence[LayerSettings]
) -> Deciders:
    """Lay out what decides some policies.

    Parameters
    ----------
    unruled
        The market, without truths.
    table
        Of the rows.
    rows, settings
        One a policy; rows in the order of `TRUTHS`.
    """
    numbers = [list_numbers(one) for one in settings]
    return Deciders(
        market=fill_columns(unruled),
        truths=table.stack(),
        rows=np.array(rows, np.int64).reshape(len(rows), len(TRUTHS)),
        numbers=np.array(numbers, np.float64).reshape(len(numbers), len(Numbers._fields)),
    )


def make_paths(policies: int, sessions: int) -> Paths:
    """Make the room that `decide_policies` writes to."""
    return Paths(*(np.empty((policies, sessions), np.int8) for _ in Paths._fields))


def decide_policies(deciders: Deciders, threads: int = 1) -> Paths:
    """Run the state machine on policies, equal to `run_layers` on every session.

    The first call in a process loads or makes the compiled machine.

    Parameters
    ----------
    threads
        Share the work; the result does not depend on their number.
    """
    sessions = len(deciders.market.front_expiry)
    made = make_paths(len(deciders), sessions)

    def decide(start: int, stop: int) -> None:
        _decide(deciders, start, Paths(*(one[start:stop] for one in made)))

    _share(decide, len(deciders), threads)
    return made


def find_opening_sessions(deciders: Deciders, threads: int = 1) -> npt.NDArray[np.bool_]:
    """Find the sessions on which the second engine of any policy may construct, shape (n,).

    Where it is active under a promoter and the permission to open is given. Asked with nothing that stands against
    constructing, this holds every session on which a policy asks for a calendar, whatever is constructible: base and
    temporal layer do not look at the second engine, so mode and permission are the same, and where it is blocked for
    want of a calendar and asks again it would have been active.
    """
    sessions = len(deciders.market.front_expiry)
    found: list[npt.NDArray[np.bool_]] = []

    def find(start: int, stop: int) -> None:
        # A few at a time, in the same room: they are not kept.
        room = make_paths(_FEW, sessions)
        for first in range(start, stop, _FEW):
            some = Paths(*(one[: min(_FEW, stop - first)] for one in room))
            _decide(deciders, first, some)
            found.append((some.may_open == 1).any(axis=0))

    _share(find, len(deciders), threads)
    return np.any(found, axis=0) if found else np.zeros(sessions, np.bool_)


def _decide(deciders: Deciders, start: int, made: Paths) -> None:
    """Decide the policies from ``start`` on for which there is room; free of the interpreter's lock."""
    from transforms.sweep.state_machine import compile_machine  # numba is heavy

    sessions, stop = len(deciders.market.front_expiry), start + len(made.base_state)
    rows, numbers = deciders.rows[start:stop], deciders.numbers[start:stop]
    room = make_arrays(sessions), np.zeros(sessions + 1)
    compile_machine()(deciders.market, deciders.truths, rows, numbers, *room, made)


def _share(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Do a work on parts of 0 to ``count``, a part a thread."""
    edges = [count * number // threads for number in range(threads + 1)]
    parts = [(start, stop) for start, stop in pairwise(edges) if start < stop]
    if len(parts) < 2:
        for start, stop in parts:
            work(start, stop)
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        for job in [pool.submit(work, start, stop) for start, stop in parts]:
            job.result()
