"""One layer's account: every change of value booked once, in whole cents, as one of the named pieces.

On each session, in this order: what was held is marked (passage of time first, the rest after), then settlements
and trades of the session are booked, then collateral is counted. Interest of a session is on the collateral of
the close before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from transforms.ledger.rules import CostRules, compute_bill_return, compute_margin, compute_trade_cost
from transforms.positions.instruments import Instrument, VixFuture, VixOption
from transforms.positions.market import Marks
from transforms.positions.money import CENTS_PER_USD, round_half_away, value_in_cents
from transforms.positions.walk import Fill, FillKind, LayerBook

AMOUNTS = (
    *("roll", "curve", "theta", "option_move", "cost", "interest"),
    *("cost_at_mid", "cost_at_full", "unsplit"),
    *("credit_received", "credit_kept", "protection_cost", "gains_rolled"),
    *("short_open", "margin"),
)
"""Columns of an account, cents; the last two are levels at the close, the others amounts of the session."""

PIECES = AMOUNTS[:6]
"""Amounts whose sum is the P&L."""

COUNTS = ("unmarked", "interest_unknown")

Cents = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TimeShift:
    """Part of the front leg's gain that is moved to the longer layer at a close.

    Parameters
    ----------
    session
        When.
    instrument
        The long front leg; None where none is held any more.
    gain_cents
        Gain of the layer's long legs since the last shift or their entry, after costs; not negative.
    rolled_cents
        Part of it that is moved, counted among the credits kept.
    estimated_frac
        What the state machine had estimated, fraction of NAV.
    roll_yield_frac
        Settlement of the front contract over that of the next listed month, less 1, at the shift: positive in
        backwardation. NaN unknown.
    """

    session: int
    instrument: VixFuture | None
    gain_cents: int
    rolled_cents: int
    estimated_frac: float
    roll_yield_frac: float


@dataclass(frozen=True, eq=False)
class Account:
    """Amounts of one layer: int64 arrays of shape (n,) by name of `AMOUNTS` and `COUNTS`, and the Time-Shifts."""

    columns: dict[str, Cents]
    shifts: tuple[TimeShift, ...]


@dataclass
class _Position:
    """An instrument in the account: contracts, the last mark and its session, and the open P&L of a short."""

    contracts: int
    ticks: int
    session: int
    short_cents: int = 0


@dataclass
class _Books:
    """State of the walk."""

    positions: dict[Instrument, _Position] = field(default_factory=dict)
    gain_cents: int = 0
    margin_cents: int = 0


def build_account(
    book: LayerBook,
    marks: Marks,
    rules: CostRules,
    gains_rolled_frac: Sequence[float] | None = None,
    gain_roll_frac: float | Sequence[float] = 0.0,
) -> Account:
    """Book a layer.

    Parameters
    ----------
    book
        What it held and traded.
    marks
        The prices it was traded at.
    rules
        Costs and margin.
    gains_rolled_frac
        Of each session, the state machine's estimate; more than 0 is a Time-Shift. None: there are none.
    gain_roll_frac
        Part of the gain of the long legs that a Time-Shift moves: one for all sessions, or one each.

    Returns
    -------
    Account
        Row t depends on sessions up to t only.
    """
    sessions = len(book.days)
    columns: dict[str, list[int]] = {name: [0] * sessions for name in (*AMOUNTS, *COUNTS)}
    shifts: list[TimeShift] = []
    state = _Books()
    estimates = [0.0] * sessions if gains_rolled_frac is None else list(gains_rolled_frac)
    parts = np.broadcast_to(np.asarray(gain_roll_frac, float), (sessions,)).tolist()
    for session, day in enumerate(book.days):
        if not (state.positions or day.fills or state.margin_cents or estimates[session] > 0):
            continue  # nothing held, traded, or set aside the day before: every amount is 0
        row = dict.fromkeys(columns, 0)
        if session > 0:
            _book_interest(row, state.margin_cents, session, marks)
        for instrument, position in state.positions.items():
            _book_mark(row, state, instrument, position, session, marks)
        for fill in day.fills:
            _book_fill(row, state, fill, session, rules)
        state.positions = {one: position for one, position in state.positions.items() if position.contracts}
        if not state.positions:
            state.gain_cents = 0
        if estimates[session] > 0:
            shifts.append(_shift_gain(row, state, session, marks, estimates[session], parts[session]))
        if state.positions:
            held = {one: position.contracts for one, position in state.positions.items()}
            ticks = {one: position.ticks for one, position in state.positions.items()}
            state.margin_cents = compute_margin(rules, held, ticks)
        else:
            state.margin_cents = 0
        row["margin"] = state.margin_cents
        row["short_open"] = sum(position.short_cents for position in state.positions.values())
        for name, amount in row.items():
            if amount:
                columns[name][session] = amount
    return Account({name: np.array(values, np.int64) for name, values in columns.items()}, tuple(shifts))


def _book_interest(row: dict[str, int], margin_cents: int, session: int, marks: Marks) -> None:
    if margin_cents == 0:
        return
    market = marks.market
    passed = (market.days[session] - market.days[session - 1]).days
    rate = compute_bill_return(float(market.bill_discount_rate_frac[session - 1]), passed)
    if math.isnan(rate):
        row["interest_unknown"] = 1
    else:
        row["interest"] = round_half_away(margin_cents * rate)


def _book_mark(
    row: dict[str, int], state: _Books, instrument: Instrument, position: _Position, session: int, marks: Marks
) -> None:
    """Book the change since the last mark: time on what was known then, and the rest."""
    mark = marks.mark(session, instrument)
    if mark is None:
        row["unmarked"] += 1
        return
    multiplier, contracts = instrument.multiplier_usd, position.contracts
    before = value_in_cents(contracts, multiplier, position.ticks)
    total = value_in_cents(contracts, multiplier, mark.ticks) - before
    aged = marks.pass_time(position.session, session, instrument)
    time = 0 if aged is None else value_in_cents(contracts, multiplier, aged) - before
    if isinstance(instrument, VixOption):
        row["theta"] += time
        row["option_move"] += total - time
    else:
        row["roll"] += time
        row["curve"] += total - time
        row["credit_received"] += max(time, 0)
    if aged is None:
        row["unsplit"] += total
    if contracts > 0:
        row["protection_cost"] -= total
        if isinstance(instrument, VixFuture):
            state.gain_cents += total
    else:
        position.short_cents += total
    position.ticks, position.session = mark.ticks, session


def _book_fill(row: dict[str, int], state: _Books, fill: Fill, session: int, rules: CostRules) -> None:
    """Book a settlement, which costs nothing, or a trade: the closing part first, then the opening part."""
    instrument, mark = fill.instrument, fill.mark
    position = state.positions.setdefault(instrument, _Position(0, mark.ticks, session))
    closed = min(abs(fill.contracts), abs(position.contracts)) if position.contracts * fill.contracts < 0 else 0
    opened = abs(fill.contracts) - closed
    was_short, is_sale = position.contracts < 0, fill.contracts < 0
    if was_short and closed:
        realised = position.short_cents * closed // abs(position.contracts)
        position.short_cents -= realised
        row["credit_kept"] += realised
    position.contracts += fill.contracts
    if fill.kind is FillKind.SETTLEMENT:
        return
    for contracts, is_short in ((closed, was_short), (opened, is_sale)):
        if not contracts:
            continue
        at_mid, cost, at_full = (
            compute_trade_cost(rules, instrument, contracts, mark, share) for share in rules.option_shares
        )
        row["cost"] -= cost
        row["cost_at_mid"] -= at_mid
        row["cost_at_full"] -= at_full
        if is_short:
            row["credit_kept"] -= cost
        else:
            row["protection_cost"] += cost
            if isinstance(instrument, VixFuture):
                state.gain_cents -= cost
    if is_sale and opened and isinstance(instrument, VixOption):
        lost = opened * instrument.multiplier_usd * mark.half_spread_pts * rules.option_part_share
        premium = value_in_cents(opened, instrument.multiplier_usd, mark.ticks)
        row["credit_received"] += premium - round_half_away(lost * CENTS_PER_USD)


def _shift_gain(
    row: dict[str, int], state: _Books, session: int, marks: Marks, estimated_frac: float, gain_roll_frac: float
) -> TimeShift:
    """Move part of the long legs' gain out of the cost of protection into the credits kept."""
    gain = max(state.gain_cents, 0)
    rolled = int(gain * gain_roll_frac)
    row["gains_rolled"] += rolled
    row["credit_kept"] += rolled
    row["protection_cost"] += rolled
    state.gain_cents = 0
    longs = [one for one, held in state.positions.items() if isinstance(one, VixFuture) and held.contracts > 0]
    front = min(longs, key=lambda one: one.expiry, default=None)
    return TimeShift(session, front, gain, rolled, estimated_frac, _roll_yield(front, session, marks))


def _roll_yield(front: VixFuture | None, session: int, marks: Marks) -> float:
    if front is None:
        return math.nan
    market = marks.market
    for rank in (1, 2, 3):
        if market.expiry_at(session, rank) == front.expiry:
            following = market.expiry_at(session, rank + 1)
            near = market.settled_ticks(session, front.expiry)
            far = market.settled_ticks(session, following) if following is not None else None
            return near / far - 1 if near and far else math.nan
    return math.nan
