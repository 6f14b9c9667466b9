"""What layers hold at every close, as flat arrays: one row a session and position."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from transforms.options.black76 import compute_implied_volatility
from transforms.options.implied import compute_discount, compute_years_to_settlement
from transforms.positions.instruments import IndexNote, Instrument, VixFuture, VixOption
from transforms.positions.market import FuturesMarket, Marks
from transforms.positions.priced import PricedOptions
from transforms.positions.walk import Fill, LayerBook
from transforms.valuation.measure import Flags, Floats, Ints, Words

VolatilityOf: TypeAlias = Callable[[int, VixOption], float]
"""Volatility a year of an option at a close; NaN unknown."""

NOTHING_HELD = "nothing is held"


@dataclass(frozen=True, kw_only=True, eq=False)
class Holdings:
    """Positions of one layer, or of several together, at each close; all arrays of shape (m,), by session.

    Parameters
    ----------
    market
        The futures, n sessions.
    session
        int64, ascending.
    instruments
        What is held. The same instrument stands twice in a session where two layers hold it.
    contracts, multiplier_usd
        float64, signed contracts; dollars a point.
    expiry
        int64, day ordinal; 0 for an index note.
    is_option, is_call
        Flags.
    strike_pts
        NaN for what is no option.
    mark_pts, half_spread_pts, delta, future_pts
        At the close: price, half-spread of an option, points for one of the future, that future; NaN without a price.
    cost_pts
        Average price at which what is held was opened.
    volatility_frac
        Of an option; NaN unknown.
    """

    market: FuturesMarket
    session: Ints
    instruments: tuple[Instrument, ...]
    contracts: Floats
    multiplier_usd: Floats
    expiry: Ints
    is_option: Flags
    is_call: Flags
    strike_pts: Floats
    mark_pts: Floats
    half_spread_pts: Floats
    delta: Floats
    future_pts: Floats
    cost_pts: Floats
    volatility_frac: Floats

    @cached_property
    def day(self) -> Ints:
        """Day ordinal of each row's session."""
        return self.days[self.session]

    @cached_property
    def days(self) -> Ints:
        """Day ordinals of the sessions, shape (n,)."""
        return np.array([day.toordinal() for day in self.market.days], np.int64)

    @cached_property
    def count(self) -> Ints:
        """Positions of each session, shape (n,)."""
        return np.bincount(self.session, minlength=len(self.market))

    @cached_property
    def problems(self) -> Words:
        """Why a position cannot be valued; empty where it can."""
        words = np.full(len(self.session), "", object)
        for row in np.flatnonzero(np.isnan(self.mark_pts) | (self.expiry == 0)).tolist():
            code = self.instruments[row].code
            words[row] = f"no price of {code}" if self.expiry[row] else f"{code} has no settlement"
        return words

    def add_up(self, amounts: Floats) -> Floats:
        """Sum of rows by session, shape (n,); 0 where nothing is held, NaN where an amount is."""
        return np.bincount(self.session, weights=amounts, minlength=len(self.market)).astype(np.float64)

    def first_words(self, words: Words) -> Words:
        """The first words of each session's rows that are not empty, shape (n,)."""
        found = np.full(len(self.market), "", object)
        rows = np.flatnonzero(words != "")[::-1]
        found[self.session[rows]] = words[rows]
        return found


def build_holdings(books: Sequence[LayerBook], marks: Marks, volatility_of: VolatilityOf | None = None) -> Holdings:
    """Lay out what layers hold.

    Parameters
    ----------
    books
        One layer, or the layers of a portfolio.
    marks
        The prices they were traded at.
    volatility_of
        Volatilities of options. None: the one that each mark implies (Black-76, the bill rate of the close).

    Returns
    -------
    Holdings
        Rows of session t depend on sessions up to t only.
    """
    market = marks.market
    keys: list[tuple[int, Instrument]] = []
    rows: list[tuple[float, ...]] = []
    walks = [_walk_costs(book) for book in books]
    for session in range(len(market)):
        for walk in walks:
            for instrument, (contracts, cost) in walk[session].items():
                mark = marks.mark(session, instrument)
                quoted = (math.nan,) * 4
                if mark is not None:
                    quoted = mark.pts, mark.half_spread_pts, mark.delta, mark.future_pts
                keys.append((session, instrument))
                rows.append((contracts, cost, *quoted))
    numbers = np.array(rows, np.float64).reshape(-1, 6)
    held = [instrument for _, instrument in keys]
    options = [one if isinstance(one, VixOption) else None for one in held]
    holdings = Holdings(
        market=market,
        session=np.array([session for session, _ in keys], np.int64),
        instruments=tuple(held),
        contracts=numbers[:, 0],
        multiplier_usd=np.array([one.multiplier_usd for one in held], np.float64),
        expiry=np.array([0 if isinstance(one, IndexNote) else one.expiry.toordinal() for one in held], np.int64),
        is_option=np.array([one is not None for one in options], bool),
        is_call=np.array([one is not None and one.is_call for one in options], bool),
        strike_pts=np.array([math.nan if one is None else one.strike_pts for one in options], np.float64),
        mark_pts=numbers[:, 2],
        half_spread_pts=numbers[:, 3],
        delta=numbers[:, 4],
        future_pts=numbers[:, 5],
        cost_pts=numbers[:, 1],
        volatility_frac=np.full(len(held), np.nan),
    )
    holdings.volatility_frac[:] = (
        _imply_volatilities(holdings)
        if volatility_of is None
        else [
            math.nan if option is None else volatility_of(session, option)
            for (session, _), option in zip(keys, options, strict=True)
        ]
    )
    return holdings


def read_volatilities(priced: PricedOptions) -> VolatilityOf:
    """Take volatilities from priced rows: not rounded to a tick as a mark is."""

    def volatility(session: int, option: VixOption) -> float:
        row = priced.rows.get((session, option))
        return math.nan if row is None else row["vol_frac"]

    return volatility


def is_future(holdings: Holdings) -> Flags:
    """Rows that hold a VX or VXM future."""
    return np.array([isinstance(one, VixFuture) for one in holdings.instruments], bool)


def _imply_volatilities(holdings: Holdings) -> Floats:
    is_option = holdings.is_option
    found = np.full(len(is_option), np.nan)
    if is_option.any():
        years = compute_years_to_settlement(holdings.expiry - holdings.day)
        discount = compute_discount(holdings.market.bill_discount_rate_frac[holdings.session], years)
        terms = (holdings.mark_pts, holdings.future_pts, holdings.strike_pts, years, discount, holdings.is_call)
        found[is_option] = compute_implied_volatility(*(term[is_option] for term in terms))
    return found


def _walk_costs(book: LayerBook) -> list[dict[Instrument, tuple[int, float]]]:
    """Contracts and average opening price of what is held, session by session."""
    days: list[dict[Instrument, tuple[int, float]]] = []
    held: dict[Instrument, tuple[int, float]] = {}
    for day in book.days:
        if day.fills:
            held = dict(held)
            for fill in day.fills:
                contracts, cost = _fill(*held.get(fill.instrument, (0, 0.0)), fill)
                held[fill.instrument] = contracts, cost
            held = {one: position for one, position in held.items() if position[0]}
        days.append(held)
    return days


def _fill(contracts: int, cost: float, fill: Fill) -> tuple[int, float]:
    """Position after a fill: opening averages the price, closing leaves it, what is left over is opened anew."""
    after = contracts + fill.contracts
    if contracts * fill.contracts >= 0:
        return after, (contracts * cost + fill.contracts * fill.mark.pts) / after if after else 0.0
    return after, cost if contracts * after > 0 else fill.mark.pts
