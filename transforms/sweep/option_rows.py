"""Prices of the options that calendars can bring in: a row a session, from the first one to the settlement."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.hedge.market import OptionMarket
from transforms.options.black76 import compute_black76_price
from transforms.options.implied import compute_years_to_settlement
from transforms.positions.instruments import VixOption
from transforms.positions.market import FuturesMarket, Marks
from transforms.positions.money import TICKS_PER_POINT
from transforms.sweep.arrays import UNKNOWN, Floats, Ints

_OPTIONS_AT_ONCE = 2000


class OptionRows(NamedTuple):
    """An option, session by session: as in `transforms.sweep.arrays.Market`."""

    ticks: Ints
    aged: Ints
    half_spread: Floats


def price_rows(
    futures: FuturesMarket, listed: Sequence[VixOption], first: npt.NDArray[np.int64], options: OptionMarket | Marks
) -> list[OptionRows]:
    """Price every option from its first session on.

    Parameters
    ----------
    futures
        n sessions.
    listed, first
        Options, and the first session of each.
    options
        What prices them: an `OptionMarket` some at a time, because priced rows are large; `Marks`, which is plain and
        slow, one by one. Both give the same rows.

    Returns
    -------
    list of OptionRows
        One an option, in order. Its price at passed time is from its newest earlier session with a mark: whoever holds
        it has marked it there. Its last row is that of its settlement, or of the last session where that never came.
    """
    if isinstance(options, Marks):
        return [_mark_option(options, option, start) for option, start in zip(listed, first.tolist(), strict=True)]
    rows: list[OptionRows] = []
    for start in range(0, len(listed), _OPTIONS_AT_ONCE):
        some = slice(start, start + _OPTIONS_AT_ONCE)
        rows += _price_options(futures, listed[some], first[some].tolist(), options)
    return rows


def _mark_option(marks: Marks, option: VixOption, start: int) -> OptionRows:
    days = marks.market.days
    ticks: list[int] = []
    aged: list[int] = []
    half_spread: list[float] = []
    since: int | None = None
    for session in range(start, len(days)):
        mark = marks.mark(session, option)
        passed = None if mark is None or since is None else marks.pass_time(since, session, option)
        ticks.append(-1 if mark is None else mark.ticks)
        aged.append(UNKNOWN if passed is None else passed)
        half_spread.append(math.nan if mark is None else mark.half_spread_pts)
        if mark is None:
            continue
        since = session
        if option.expiry <= days[session]:
            break  # settled
    return OptionRows(np.array(ticks, np.int64), np.array(aged, np.int64), np.array(half_spread, np.float64))


def _price_options(
    futures: FuturesMarket, options: Sequence[VixOption], first: Sequence[int], market: OptionMarket
) -> list[OptionRows]:
    """As `_mark_option` of every option, priced together."""
    ends = [max(start, bisect_left(futures.days, one.expiry)) for one, start in zip(options, first, strict=True)]
    counts = [end - start for end, start in zip(ends, first, strict=True)]
    edges = [0, *np.cumsum(counts).tolist()]
    priced = market.price_with_spreads(_list_needs(futures, options, first, ends))
    ticks, spread = _read_marks(priced, market)
    marks = Marks(futures)
    made: list[OptionRows] = []
    for option, end, (low, high) in zip(options, ends, pairwise(edges), strict=True):
        # Of a contract that has expired the future says what it is worth; it needs no pricer.
        settled = _mark_option(marks, option, end)
        made.append(
            OptionRows(
                np.concatenate([ticks[low:high], settled.ticks]),
                np.full(high - low + len(settled.ticks), UNKNOWN, np.int64),
                np.concatenate([spread[low:high], settled.half_spread]),
            )
        )
    _pass_time(futures, options, first, made, priced, edges)
    return made


def _list_needs(
    futures: FuturesMarket, options: Sequence[VixOption], first: Sequence[int], ends: Sequence[int]
) -> pd.DataFrame:
    """Each option from its first session to the last one before its expiry, option by option."""
    days = np.array(futures.days, "datetime64[us]")
    counts = np.subtract(ends, first)

    def repeat(values: Sequence[object], dtype: str) -> npt.NDArray[np.generic]:
        return np.repeat(np.array(values, dtype), counts)

    parts = [days[start:end] for start, end in zip(first, ends, strict=True)]
    return pd.DataFrame(
        {
            "trade_date": np.concatenate([days[:0], *parts]),
            "expiry_date": repeat([one.expiry for one in options], "datetime64[us]"),
            "strike_pts": repeat([one.strike_pts for one in options], "float64"),
            "right": pd.Series(repeat(["C" if one.is_call else "P" for one in options], "U1"), dtype="str"),
        }
    )


def _read_marks(priced: pd.DataFrame, market: OptionMarket) -> tuple[Ints, Floats]:
    """Ticks and half-spreads of priced rows, as `PricedOptions.quote` and `Marks.mark` read them; -1 and NaN: none."""
    price = priced["price_pts"].to_numpy(np.float64)
    least, share = market.spreads.half_spread_least_pts, market.spreads.half_spread_frac
    spread = np.maximum(share * price, least)
    if "half_spread_pts" in priced:
        quoted = priced["half_spread_pts"].to_numpy(np.float64)
        spread = np.where(np.isfinite(quoted), quoted, spread)
    rounded = np.rint(price * TICKS_PER_POINT)
    is_ok = (priced["status"] == "ok").to_numpy(bool) & np.isfinite(rounded) & (rounded >= 0)
    is_ok &= (spread >= 0) & (spread < math.inf)
    return np.where(is_ok, rounded, -1).astype(np.int64), np.where(is_ok, spread, math.nan)


def _pass_time(
    futures: FuturesMarket,
    options: Sequence[VixOption],
    first: Sequence[int],
    made: Sequence[OptionRows],
    priced: pd.DataFrame,
    edges: Sequence[int],
) -> None:
    """Write the prices at passed time, as `PricedOptions.pass_time` computes them."""
    days = np.array([day.toordinal() for day in futures.days], np.int64)
    since: list[Ints] = []
    left: list[Ints] = []
    places: list[Ints] = []
    for number, (option, start) in enumerate(zip(options, first, strict=True)):
        marked = np.flatnonzero(made[number].ticks >= 0)
        since.append(marked[:-1] + edges[number])
        places.append(marked[1:])
        left.append(option.expiry.toordinal() - days[start + marked[1:]])
    # Only the last mark of an option may be that of its settlement: those before it are of priced rows.
    rows = priced.take(np.concatenate([np.zeros(0, np.int64), *since]))
    years = np.maximum(compute_years_to_settlement(np.concatenate([np.zeros(0, np.int64), *left])), 0.0)
    # Powers one by one: those of whole arrays may differ from them in the last bit.
    shares = (years / rows["years_to_expiry"].to_numpy(np.float64)).tolist()
    discount = [one**share for one, share in zip(rows["discount_frac"].tolist(), shares, strict=True)]
    prices = compute_black76_price(
        rows["future_pts"].to_numpy(np.float64),
        rows["strike_pts"].to_numpy(np.float64),
        years,
        rows["vol_frac"].to_numpy(np.float64),
        np.array(discount, np.float64),
        (rows["right"] == "C").to_numpy(bool),
    )
    rounded = np.rint(prices * TICKS_PER_POINT)
    aged = np.where(np.isfinite(rounded), np.nan_to_num(rounded), UNKNOWN).astype(np.int64)
    start = 0
    for one, place in zip(made, places, strict=True):
        one.aged[place] = aged[start : start + len(place)]
        start += len(place)
