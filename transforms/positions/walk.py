"""From targets to holdings: what is decided at one close is traded at the settlement of the next session.

All orders of a layer are filled together or not at all: a calendar is never left with one leg, nor a short call
without its wing. While an instrument of the package has no price the orders stay open, and are replaced by what
the layer wants at the next close. What has expired settles in cash at its final value and is not traded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import NamedTuple

from transforms.layers.codes import Layer
from transforms.positions.instruments import Instrument, has_expired
from transforms.positions.market import Mark, Marks
from transforms.positions.wants import LayerTargets, Want


class FillKind(Enum):
    """How a position changed."""

    TRADE = "trade"
    SETTLEMENT = "settlement"


class Fill(NamedTuple):
    """A change of a position: signed contracts, at the mark of the session."""

    instrument: Instrument
    contracts: int
    mark: Mark
    kind: FillKind


@dataclass(frozen=True)
class BookDay:
    """A layer at a close.

    Parameters
    ----------
    want
        What it wants from the next session on.
    held
        Contracts held, without zeros.
    fills
        What changed in this session: settlements first.
    unpriced
        Instruments of open orders that had no price in this session; the orders are carried.
    """

    want: Want
    held: Mapping[Instrument, int]
    fills: tuple[Fill, ...]
    unpriced: tuple[Instrument, ...]


@dataclass(frozen=True, eq=False)
class LayerBook:
    """What a layer held, session by session."""

    layer: Layer
    days: tuple[BookDay, ...]


def build_book(targets: LayerTargets, marks: Marks) -> LayerBook:
    """Trade a layer's targets.

    Parameters
    ----------
    targets
        One a session of the market.
    marks
        Prices; those of session t are used for trades decided up to t - 1.

    Returns
    -------
    LayerBook
        Session t holds the target of t - 1, or what was held where it could not be traded.

    Raises
    ------
    ValueError
        Targets of another number of sessions, an instrument twice in one target.
    """
    sessions = marks.market.days
    if len(targets.wants) != len(sessions):
        raise ValueError(f"{targets.layer}: expected targets of {len(sessions)} sessions, found {len(targets.wants)}")
    days: list[BookDay] = []
    held: dict[Instrument, int] = {}
    wanted: dict[Instrument, int] = {}
    previous: Want | None = None
    for session, day in enumerate(sessions):
        fills: list[Fill] = []
        unpriced: list[Instrument] = []
        for instrument in [one for one in held if has_expired(one, day)]:
            mark = marks.mark(session, instrument)
            if mark is not None:
                fills.append(Fill(instrument, -held[instrument], mark, FillKind.SETTLEMENT))
        orders = list_orders(wanted, held, day)
        trades: list[Fill] = []
        for instrument, contracts in orders.items():
            mark = marks.mark(session, instrument)
            if mark is None:
                unpriced.append(instrument)
            else:
                trades.append(Fill(instrument, contracts, mark, FillKind.TRADE))
        if not unpriced:
            fills += trades
        if fills:
            held = dict(held)
            for fill in fills:
                held[fill.instrument] = held.get(fill.instrument, 0) + fill.contracts
            held = {instrument: contracts for instrument, contracts in held.items() if contracts}
        want = targets.wants[session]
        if previous is None or want.legs is not previous.legs:
            wanted = {leg.instrument: leg.contracts for leg in want.legs}
            if len(wanted) < len(want.legs):
                raise ValueError(f"{targets.layer}, {day}: an instrument stands twice in one target")
        previous = want
        days.append(BookDay(want, held, tuple(fills), tuple(unpriced)))
    return LayerBook(targets.layer, tuple(days))


def list_orders(wanted: Mapping[Instrument, int], held: Mapping[Instrument, int], day: date) -> dict[Instrument, int]:
    """Contracts to trade so that `held` becomes `wanted`, without what has expired by `day`; sales first."""
    if wanted == held:
        return {}
    orders = {one: -contracts for one, contracts in held.items() if one not in wanted}
    orders |= {one: contracts - held.get(one, 0) for one, contracts in wanted.items()}
    open_orders = [(one, contracts) for one, contracts in orders.items() if contracts and not has_expired(one, day)]
    return dict(sorted(open_orders, key=lambda order: (order[1], order[0].code)))
