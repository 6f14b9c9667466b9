"""What the compiled walk reads and keeps: arrays by name, and the codes and places in them.

An instrument is a number: column of the future, plus the number of futures for a mini; options come after both, in the
order of their codes. So instruments ascend as their codes do, which is the order in which orders of one size fill.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.layers.codes import LayerState, Reading
from transforms.ledger.account import AMOUNTS, COUNTS
from transforms.positions.market import HIGHEST_RANK as _HIGHEST_RANK

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# Plain numbers: compiled code takes them in as constants.
IDLE, ARMED, BLOCKED = int(LayerState.IDLE), int(LayerState.ARMED), int(LayerState.BLOCKED)
EQUAL_VEGA, CONTRACTS, BASE_MATCHED = int(Reading.EQUAL_VEGA), int(Reading.CONTRACTS), int(Reading.BASE_MATCHED)
BASE, TEMPORAL, SECOND = range(3)
LAYERS = 3
HIGHEST_RANK = int(_HIGHEST_RANK)

UNKNOWN = -(2**62)
"""A price at passed time that nobody knows."""

COLUMN_NAMES = (*AMOUNTS, *COUNTS, "pnl")
"""Columns of the compiled ledger: those of `transforms.ledger.account.Account`, and the sum of its pieces."""

ROLL, CURVE, THETA, OPTION_MOVE, COST, INTEREST, COST_AT_MID, COST_AT_FULL, UNSPLIT = range(9)
CREDIT_RECEIVED, CREDIT_KEPT, PROTECTION_COST, GAINS_ROLLED, SHORT_OPEN, MARGIN = range(9, 15)
UNMARKED, INTEREST_UNKNOWN, PNL = range(15, 18)
COLUMNS = 18
NET, IS_HELD = COLUMNS, COLUMNS + 1
"""Further columns of a session: P&L without interest, and whether something is held at the close."""
ROW_COLUMNS = COLUMNS + 2

LOWEST_USD, HIGHEST_USD, SLACK, HEDGE_RATIO, VXM_BELOW, SHORT_LOSS_USD, GAIN_ROLL = range(7)
VX_SPREAD, VX_FEE, VXM_FEE, OPTION_FEE, AT_MID, AT_PART, AT_FULL, MARGIN_SHARE = range(8)

MEASURE_NAMES = ("pnl_squares", "worst", "drawdown", "highest_margin", "held_sessions")
SQUARES, WORST, DRAWDOWN, HIGHEST_MARGIN, HELD_SESSIONS = range(5)
MEASURES_COUNT = 5

OK, TOO_MANY, UNBOUNDED, NOT_LOOKED_UP = range(4)
"""How the walk of a policy ended."""

MOST_HELD = 256
"""Instruments a layer may hold at once: only contracts whose final value never comes make more than a few."""


class Market(NamedTuple):
    """What is walked through: n sessions, m futures, o options, s sets of calendars with at most k legs.

    Prices by instrument have the sessions along the last axis: one that is held is read from session to session.
    """

    day: Ints  # (n,) ordinals
    is_mini_listed: Flags  # (n,)
    ranked: Ints  # (n, 4) column of each tenor rank, -1 none
    betas: Floats  # (n, 4)
    protected_vega_usd: Floats  # (n,)
    bill_return: Floats  # (n,) from the session before to this one, by the rate known then
    expiry: Ints  # (m,) ordinals
    ticks: Ints  # (m, n), -1 none
    aged: Ints  # (m, n) price at this date on the curve of the newest earlier session with a price; UNKNOWN
    option_expiry: Ints  # (o,)
    option_strike: Floats  # (o,)
    option_is_call: Flags  # (o,)
    option_first: Ints  # (o,) first session with a row
    option_offset: Ints  # (o + 1,) where its rows begin, one a session
    option_ticks: Ints  # (rows,), -1 none
    option_aged: Ints  # (rows,)
    option_half_spread: Floats  # (rows,)
    calendar_bound: Floats  # (s, n) most that one calendar's shorts can lose; 0 none fits, negative not looked up
    calendar_legs: Ints  # (s, n, k) option, -1 none
    calendar_sides: Ints  # (s, n, k)


class Paths(NamedTuple):
    """What the layers of p policies do over n sessions, as in LayerPath; every array (p, n)."""

    base_state: Bytes
    held_rank: Bytes
    steps: Bytes
    second_state: Bytes
    may_open: Bytes  # 1 where the second engine constructs if its calendar is listed
    is_shift: Bytes


class Policies(NamedTuple):
    """p policies: what their layers do, and their numbers."""

    paths: Paths
    numbers: Floats  # (p, 7)
    costs: Floats  # (p, 8)
    reading: Ints  # (p,)
    calendar: Ints  # (p,) set of calendars, -1 none


class Walked(NamedTuple):
    """What the walk of g layers writes, by layer; one of them may belong to many policies."""

    daily: Ints  # (g, kept, n) amounts that are kept
    totals: Ints  # (g, columns)
    codes: Ints  # (g,) how it ended
    base_vega: Floats  # (g, n) dollars a point that a base wants, NaN where it wants nothing; of other layers (g, 0)


MEASURED = (PNL, MARGIN, IS_HELD)
"""Columns of a session that the measures are made of; the walk keeps them first, in this order."""


class State(NamedTuple):
    """What a layer holds and wants, by place; one for each thread."""

    held: Ints  # (MOST_HELD,) instruments
    contracts: Ints
    last: Ints  # newest mark, ticks
    short: Ints  # open P&L of a short, cents
    wants: Ints  # (legs,) instruments
    wanted: Ints
    exact: Floats  # before rounding
    orders: Ints  # (2, MOST_HELD + legs) instruments and contracts
    row: Ints  # (row columns,) the session's amounts
    now: Ints  # (5,) HELD_COUNT, WANT_COUNT, GAIN, MARGIN_NOW, HAS_CHANGED


HELD_COUNT, WANT_COUNT, GAIN, MARGIN_NOW, HAS_CHANGED = range(5)
"""Places of `State.now`; GAIN: of long futures since the last shift, cents; HAS_CHANGED: what is held, this session."""


def make_state(market: Market) -> State:
    """Make the room that a thread needs."""
    legs = max(2, market.calendar_legs.shape[2])
    return State(
        held=np.zeros(MOST_HELD, np.int64),
        contracts=np.zeros(MOST_HELD, np.int64),
        last=np.zeros(MOST_HELD, np.int64),
        short=np.zeros(MOST_HELD, np.int64),
        wants=np.zeros(legs, np.int64),
        wanted=np.zeros(legs, np.int64),
        exact=np.zeros(legs, np.float64),
        orders=np.zeros((2, MOST_HELD + legs), np.int64),
        row=np.zeros(ROW_COLUMNS, np.int64),
        now=np.zeros(5, np.int64),
    )


def make_walked(layers: int, sessions: int, kept: int, is_base: bool = False) -> Walked:
    """Make the room that the walk of some layers writes to."""
    return Walked(
        daily=np.zeros((layers, kept, sessions), np.int64),
        totals=np.zeros((layers, COLUMNS), np.int64),
        codes=np.zeros(layers, np.int64),
        base_vega=np.zeros((layers, sessions if is_base else 0), np.float64),
    )
