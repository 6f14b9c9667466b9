"""A note on the rebuilt short-term index: series that stay of a size that can be traded, and a constant share in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from transforms.benchmarks.rolls import Nav, nav_by_session
from transforms.layers.codes import Layer
from transforms.positions.instruments import IndexNote
from transforms.positions.market import FuturesMarket
from transforms.positions.money import TICKS_PER_POINT, to_ticks
from transforms.positions.wants import LayerTargets, Leg, Want

Floats: TypeAlias = npt.NDArray[np.float64]
Rebalance: TypeAlias = Literal["daily", "monthly"]

LOWEST_PTS = 1.0
HIGHEST_PTS = 20.0
"""A series is left below the lowest and from the highest level for one ten times as dear or as cheap.

Prices are whole ticks of 0.0001 and units are whole: between these a tick is at most 0.01% of the price, and a unit at
most 0.2% of a position of 10,000 dollars."""


@dataclass(frozen=True, eq=False)
class NoteSeries:
    """Series of a note on an index that loses most of its value: each is the index times a power of ten.

    Parameters
    ----------
    levels
        Of each series by code, float64 of shape (n,), for `Marks`; NaN where the index has none.
    codes
        Of each session: the series that is bought at its close; None where the index has no level.
    """

    levels: dict[str, Floats]
    codes: tuple[str | None, ...]

    def price_pts(self, session: int) -> float:
        """Price of the series that is bought on a session, as it is marked: whole ticks; NaN where there is none."""
        code = self.codes[session]
        ticks = None if code is None else to_ticks(float(self.levels[code][session]))
        return math.nan if ticks is None else ticks / TICKS_PER_POINT


def build_note_series(index_code: str, levels: Floats, base_dates: Sequence[date | None] | None = None) -> NoteSeries:
    """Lay an index out as series of a note.

    Parameters
    ----------
    index_code
        The series are named ``<index>E<power>``, with base dates ``<index>.<base date>E<power>``.
    levels
        float64, shape (n,): level of the index at each close; NaN unknown.
    base_dates
        Of each session: where the chain of levels began (``short_term_base_date`` of
        ``mart.daily_volatility_indices``). Levels of two chains cannot be compared: from the first session of a new
        chain on, series of the old one stand at their last level, so that what is held can be sold. What the index
        did in between is not known and not booked. None: one chain.

    Returns
    -------
    NoteSeries
        What is said of a session needs nothing later.

    Raises
    ------
    ValueError
        A level that is not positive, or dates of another number of sessions.
    """
    if base_dates is not None and len(base_dates) != len(levels):
        raise ValueError(f"base_dates: expected {len(levels)}, found {len(base_dates)}")
    if (levels <= 0).any() or np.isinf(levels).any():
        raise ValueError("levels: an index level is a positive number; an unknown one is NaN")
    codes: list[str | None] = []
    chains: dict[str, tuple[int, int]] = {}
    starts: dict[str, int] = {}
    prefix, power = index_code, 0
    for session, level in enumerate(levels.tolist()):
        if math.isnan(level):
            codes.append(None)
            continue
        base = base_dates[session] if base_dates is not None else None
        chain = index_code if base is None else f"{index_code}.{base.isoformat()}"
        if chain not in starts:
            starts[chain] = session
            # begun well inside of its range, not at an edge that the next close may cross
            prefix, power = chain, -math.floor(math.log10(level / (HIGHEST_PTS / 10)))
        while level * 10.0**power < LOWEST_PTS:
            power += 1
        while level * 10.0**power >= HIGHEST_PTS:
            power -= 1
        code = f"{prefix}E{power}"
        chains[code] = (starts[chain], power)
        codes.append(code)
    begun = list(starts.values())
    ends = dict(zip(begun, [*begun[1:], len(levels)], strict=True))
    series: dict[str, Floats] = {}
    for code, (start, scale) in chains.items():
        values, end = np.full(len(levels), np.nan), ends[start]
        values[start:end] = levels[start:end] * 10.0**scale
        known = np.flatnonzero(np.isfinite(values))
        values[end:] = values[known[-1]]
        series[code] = values
    return NoteSeries(series, tuple(codes))


def buy_share(series: NoteSeries, session: int, share_usd: float) -> tuple[Leg, ...]:
    """Units of the note for an amount, rounded down; nothing where the index has no level."""
    code = series.codes[session]
    if code is None:
        return ()
    wanted = share_usd / series.price_pts(session)
    return (Leg(IndexNote(code), math.floor(wanted), wanted),)


def build_note_targets(
    market: FuturesMarket, nav_usd: Nav, series: NoteSeries, share_frac: float, rebalance: Rebalance = "daily"
) -> LayerTargets:
    """Targets of a constant share of NAV in a note on a volatility index.

    Parameters
    ----------
    market
        n sessions.
    nav_usd
        Net asset value, one or float64 of shape (n,); used whenever the share is set.
    series
        Of the same sessions.
    share_frac
        Of NAV.
    rebalance
        ``daily``: the share is set at every close with a level. ``monthly``: at the first one of a calendar month.
        Either way at the first level and when the note is exchanged for another series.

    Returns
    -------
    LayerTargets
        Whole units, rounded down, so that the share is not exceeded at the close that sets it. A session without a
        level keeps the target. The P&L of session t is on the units decided at t - 2, hence on the level of then:
        it differs from the share of the index's return by the index's move in between.
    """
    nav = nav_by_session(market, nav_usd)
    if len(series.codes) != len(market):
        raise ValueError(f"series: expected {len(market)} sessions, found {len(series.codes)}")
    if not 0 <= share_frac <= 1:
        raise ValueError(f"share_frac: expected 0 to 1, found {share_frac}")
    wants: list[Want] = []
    legs: tuple[Leg, ...] = ()
    set_in: tuple[int, int] | None = None
    held: str | None = None
    for session, day in enumerate(market.days):
        code = series.codes[session]
        if code is None:
            wants.append(Want(legs, "the index has no level today: target as before"))
            continue
        is_new_series, is_new_month = code != held, (day.year, day.month) != set_in
        if rebalance == "daily" or is_new_series or is_new_month:
            legs = buy_share(series, session, share_frac * float(nav[session]))
            what = f"exchanged for {code}" if is_new_series and held is not None else "set"
            held, set_in = code, (day.year, day.month)
            wants.append(Want(legs, f"{what}: {share_frac:.2%} of NAV"))
        else:
            wants.append(Want(legs, "held to the first session of next month"))
    return LayerTargets(Layer.BASE, tuple(wants))
