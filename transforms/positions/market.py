"""The market that positions are marked on: VIX futures by expiry, and whoever prices the options."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.positions.instruments import IndexNote, Instrument, VixFuture, VixOption
from transforms.positions.money import TICKS_PER_POINT, to_ticks

Floats: TypeAlias = npt.NDArray[np.float64]

HIGHEST_RANK = 4
_NONE = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class FuturesMarket:
    """VIX futures of n sessions and m monthly contracts, as known at each close.

    Parameters
    ----------
    days
        Sessions, ascending; length n.
    expiries
        Final settlement dates, ascending; length m.
    settle_pts
        float64, shape (n, m): settlement; on the expiry date (or later, where it came late) the final
        settlement value; NaN where there is none.
    ranked
        int32, shape (n, 4): column of the monthly with tenor rank 1 to 4; -1 where none is listed.
    vix_pts
        float64, shape (n,): close of the VIX; NaN unknown.
    betas
        float64, shape (n, 4): points VX1 to VX4 move for one point of the VIX; NaN unknown.
    bill_discount_rate_frac
        float64, shape (n,): discount rate of the 91-day bill known at that close; NaN unknown.

    Raises
    ------
    ValueError
        Shapes that do not fit, sessions or expiries out of order, a price that is negative or infinite.
    """

    days: Sequence[date]
    expiries: Sequence[date]
    settle_pts: Floats
    ranked: npt.NDArray[np.int32]
    vix_pts: Floats
    betas: Floats
    bill_discount_rate_frac: Floats

    def __post_init__(self) -> None:
        """Refuse what would be misread."""
        sessions = len(self.days)
        shapes = {
            "settle_pts": (sessions, len(self.expiries)),
            "ranked": (sessions, HIGHEST_RANK),
            "vix_pts": (sessions,),
            "betas": (sessions, HIGHEST_RANK),
            "bill_discount_rate_frac": (sessions,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name}: expected shape {shape}, found {getattr(self, name).shape}")
        for name in ("days", "expiries"):
            listed = getattr(self, name)
            if any(later <= earlier for earlier, later in pairwise(listed)):
                raise ValueError(f"{name}: expected ascending dates, each once")
        for name in ("settle_pts", "vix_pts"):
            values = getattr(self, name)
            if np.isinf(values).any() or (values < 0).any():
                raise ValueError(f"{name}: a price is a number from 0; an unknown one is NaN")

    def __len__(self) -> int:
        """Sessions."""
        return len(self.days)

    @cached_property
    def column_of(self) -> dict[date, int]:
        """Column of each expiry."""
        return {expiry: column for column, expiry in enumerate(self.expiries)}

    @cached_property
    def ticks(self) -> npt.NDArray[np.int64]:
        """Settlements in ticks, shape (n, m); -1 where there is none."""
        return _to_ticks(self.settle_pts)

    @cached_property
    def vix_ticks(self) -> npt.NDArray[np.int64]:
        """VIX in ticks, shape (n,); -1 unknown."""
        return _to_ticks(self.vix_pts)

    @cached_property
    def expiry_ordinals(self) -> list[int]:
        """Expiries as ordinals."""
        return [expiry.toordinal() for expiry in self.expiries]

    def expiry_at(self, session: int, rank: int) -> date | None:
        """Contract of a tenor rank, from 1; None where none is listed."""
        if not 1 <= rank <= HIGHEST_RANK:
            return None
        column = self.ranked.item(session, rank - 1)
        return None if column == _NONE else self.expiries[column]

    def settled_ticks(self, session: int, expiry: date) -> int | None:
        """Settlement of a contract in ticks; None where there is none."""
        column = self.column_of.get(expiry)
        if column is None:
            return None
        ticks = self.ticks.item(session, column)
        return None if ticks == _NONE else ticks

    def pass_time(self, since: int, session: int, expiry: date) -> int | None:
        """Price of a contract in ticks, had the curve of an earlier session stayed until now.

        Linear in calendar days between the settlements of that session, with the VIX at 0 days; rounded to a
        tick. None where that needs a value that is missing.
        """
        column = self.column_of.get(expiry)
        if column is None:
            return None
        start = self.days[since].toordinal()
        passed = self.days[session].toordinal() - start
        ordinals, row = self.expiry_ordinals, self.ticks[since]
        upper_days, upper = ordinals[column] - start, int(row[column])
        left = max(upper_days - passed, 0)
        while upper != _NONE:
            column -= 1
            while column >= 0 and ordinals[column] > start and row[column] == _NONE:
                column -= 1
            if column >= 0 and ordinals[column] > start:
                lower_days, lower = ordinals[column] - start, int(row[column])
            else:
                column, lower_days, lower = -1, 0, int(self.vix_ticks[since])
            if lower_days <= left:
                if lower == _NONE:
                    return None
                return round(lower + (upper - lower) * (left - lower_days) / (upper_days - lower_days))
            upper_days, upper = lower_days, lower
        return None


def build_futures_market(listings: pd.DataFrame, settlements: pd.DataFrame, sessions: pd.DataFrame) -> FuturesMarket:
    """Lay out the warehouse's tables for the positions.

    Parameters
    ----------
    listings
        ``core.daily_vx_listings``: trade_date, expiry_date, tenor_rank.
    settlements
        ``core.daily_vx_settlements`` of monthlies: trade_date, expiry_date, settle_pts; the row of the expiry
        date holds the final settlement value.
    sessions
        One row a session, ascending: trade_date, vix_close_pts, bill_discount_rate_frac, and
        vx1_beta_ratio to vx4_beta_ratio (a missing column is unknown).

    Returns
    -------
    FuturesMarket
        Sessions of `sessions`; rows of the other tables outside of them or of contracts never listed are left out.
    """
    stamps = pd.DatetimeIndex(sessions["trade_date"])
    listed = pd.DatetimeIndex(listings["expiry_date"])
    contracts = listed.unique().sort_values()
    ranked = np.full((len(stamps), HIGHEST_RANK), _NONE, np.int32)
    rows, columns = stamps.get_indexer(pd.DatetimeIndex(listings["trade_date"])), contracts.get_indexer(listed)
    ranks = listings["tenor_rank"].to_numpy(dtype=np.int64)
    fits = (rows >= 0) & (ranks >= 1) & (ranks <= HIGHEST_RANK)
    ranked[rows[fits], ranks[fits] - 1] = columns[fits]

    settle = np.full((len(stamps), len(contracts)), np.nan)
    rows = stamps.get_indexer(pd.DatetimeIndex(settlements["trade_date"]))
    columns = contracts.get_indexer(pd.DatetimeIndex(settlements["expiry_date"]))
    fits = (rows >= 0) & (columns >= 0)
    settle[rows[fits], columns[fits]] = _floats(settlements["settle_pts"])[fits]

    unknown = np.full(len(stamps), np.nan)
    betas = [
        _floats(sessions[name]) if (name := f"vx{rank}_beta_ratio") in sessions else unknown
        for rank in range(1, HIGHEST_RANK + 1)
    ]
    return FuturesMarket(
        days=[stamp.date() for stamp in stamps],
        expiries=[stamp.date() for stamp in contracts],
        settle_pts=settle,
        ranked=ranked,
        vix_pts=_floats(sessions["vix_close_pts"]),
        betas=np.column_stack(betas),
        bill_discount_rate_frac=_floats(sessions["bill_discount_rate_frac"]),
    )


class OptionQuote(NamedTuple):
    """An option at the close of a session: prices in points, delta in points a point of the future.

    ``low_pts`` and ``high_pts`` are the band of the price, NaN where nobody states one.
    """

    mid_pts: float
    half_spread_pts: float
    delta: float
    is_model_priced: bool
    low_pts: float = math.nan
    high_pts: float = math.nan


class OptionPricer(Protocol):
    """Whoever prices VIX options. Answers for session t use what was known at its close."""

    def quote(self, session: int, option: VixOption) -> OptionQuote | None:
        """Price of an option before its expiry; None where there is none."""

    def pass_time(self, since: int, session: int, option: VixOption) -> float:
        """Price in points at the date of `session`, had future and volatility of `since` stayed; NaN unknown."""


class Mark(NamedTuple):
    """What an instrument is worth at a close.

    ``ticks`` is its price; ``half_spread_pts`` NaN where the rules of cost say it; ``delta`` its points for one
    point of the future; ``future_pts`` the price of that future, NaN unknown; ``low_pts`` and ``high_pts`` the band
    of an option's price, NaN for what has none.
    """

    ticks: int
    half_spread_pts: float
    delta: float
    future_pts: float
    is_model_priced: bool
    low_pts: float = math.nan
    high_pts: float = math.nan

    @property
    def pts(self) -> float:
        """Price in points."""
        return self.ticks / TICKS_PER_POINT


@dataclass(frozen=True, eq=False)
class Marks:
    """Prices of every instrument.

    Parameters
    ----------
    market
        VIX futures.
    options
        Prices of options before their expiry; None: they have none.
    notes
        Levels of indices by code, each of shape (n,), NaN unknown.
    """

    market: FuturesMarket
    options: OptionPricer | None = None
    notes: Mapping[str, Floats] | None = None
    _option_marks: dict[tuple[int, VixOption], Mark | None] = field(default_factory=dict, init=False, repr=False)
    _aged: dict[tuple[int, int, VixOption], int | None] = field(default_factory=dict, init=False, repr=False)

    def mark(self, session: int, instrument: Instrument) -> Mark | None:
        """Price at a close; at and after the expiry what it settles at. None where there is none."""
        if isinstance(instrument, IndexNote):
            levels = (self.notes or {}).get(instrument.index_code)
            ticks = None if levels is None else to_ticks(float(levels[session]))
            return None if ticks is None else Mark(ticks, math.nan, 1.0, ticks / TICKS_PER_POINT, False)
        future_ticks = self.market.settled_ticks(session, instrument.expiry)
        future_pts = math.nan if future_ticks is None else future_ticks / TICKS_PER_POINT
        if isinstance(instrument, VixFuture):
            return None if future_ticks is None else Mark(future_ticks, math.nan, 1.0, future_pts, False)
        key = session, instrument
        if key not in self._option_marks:
            # a model price is asked for by the fills, the table and the ledger: once is enough
            self._option_marks[key] = self._mark_option(session, instrument, future_pts)
        return self._option_marks[key]

    def pass_time(self, since: int, session: int, instrument: Instrument) -> int | None:
        """Price in ticks, had everything but the date stayed as at the close of `since`; None unknown."""
        if isinstance(instrument, IndexNote):
            return None
        if isinstance(instrument, VixFuture):
            return self.market.pass_time(since, session, instrument.expiry)
        if self.options is None:
            return None
        key = since, session, instrument
        if key not in self._aged:
            self._aged[key] = to_ticks(self.options.pass_time(since, session, instrument))
        return self._aged[key]

    def _mark_option(self, session: int, option: VixOption, future_pts: float) -> Mark | None:
        if option.expiry <= self.market.days[session]:
            ticks = to_ticks(option.intrinsic_pts(future_pts)) if math.isfinite(future_pts) else None
            return None if ticks is None else Mark(ticks, 0.0, 0.0, future_pts, False)
        quote = self.options.quote(session, option) if self.options is not None else None
        ticks = None if quote is None else to_ticks(quote.mid_pts)
        if quote is None or ticks is None or ticks < 0 or not 0 <= quote.half_spread_pts < math.inf:
            return None
        return Mark(
            ticks, quote.half_spread_pts, quote.delta, future_pts, quote.is_model_priced, quote.low_pts, quote.high_pts
        )


def _to_ticks(points: Floats) -> npt.NDArray[np.int64]:
    return np.where(np.isnan(points), _NONE, np.rint(np.nan_to_num(points) * TICKS_PER_POINT)).astype(np.int64)


def _floats(column: pd.Series) -> Floats:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)
