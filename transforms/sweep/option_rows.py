"""Prices of the options that calendars can bring in: a row a session, from the first one to the settlement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.hedge.market import OptionMarket
from transforms.options.black76 import compute_black76_price
from transforms.options.implied import compute_years_to_settlement
from transforms.positions.instruments import VixOption
from transforms.positions.market import FuturesMarket, Marks
from transforms.positions.money import to_ticks
from transforms.positions.priced import PricedOptions
from transforms.sweep.arrays import UNKNOWN

_OPTIONS_AT_ONCE = 400


class OptionRows(NamedTuple):
    """An option, session by session: as in `transforms.sweep.arrays.Market`."""

    ticks: list[int]
    aged: list[int]
    half_spread: list[float]


class _Passing(NamedTuple):
    """A price at passed time that is wanted: which option and row, from which session to which."""

    option: int
    row: int
    since: int
    session: int


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
        What prices them, some at a time: priced rows are large.

    Returns
    -------
    list of OptionRows
        One an option, in order. Its price at passed time is from its newest earlier session with a mark: whoever holds
        it has marked it there. Its last row is that of its settlement, or of the last session where that never came.
    """
    rows: list[OptionRows] = []
    for start in range(0, len(listed), _OPTIONS_AT_ONCE):
        some = listed[start : start + _OPTIONS_AT_ONCE]
        starts = first[start : start + _OPTIONS_AT_ONCE].tolist()
        if isinstance(options, Marks):
            marks = options
        else:
            needs = _list_needs(futures, some, starts)
            marks = Marks(futures, options.price_for(futures, needs) if len(needs) else None)
        rows += _mark_options(marks, some, starts)
    return rows


def _list_needs(futures: FuturesMarket, options: Sequence[VixOption], first: Sequence[int]) -> pd.DataFrame:
    """As `list_option_needs`: each option from its first session to the last one before its expiry."""
    rows = [
        (day, option.expiry, option.strike_pts, "C" if option.is_call else "P")
        for option, session in zip(options, first, strict=True)
        for day in futures.days[session:]
        if day < option.expiry
    ]
    frame = pd.DataFrame(sorted(rows), columns=["trade_date", "expiry_date", "strike_pts", "right"])
    return frame.astype({"trade_date": "datetime64[us]", "expiry_date": "datetime64[us]", "strike_pts": "float64"})


def _mark_options(marks: Marks, options: Sequence[VixOption], first: Sequence[int]) -> list[OptionRows]:
    days = marks.market.days
    rows: list[OptionRows] = []
    wanted: list[_Passing] = []
    for number, (option, start) in enumerate(zip(options, first, strict=True)):
        row = OptionRows([], [], [])
        since: int | None = None
        for session in range(start, len(days)):
            mark = marks.mark(session, option)
            row.ticks.append(-1 if mark is None else mark.ticks)
            row.aged.append(UNKNOWN)
            row.half_spread.append(math.nan if mark is None else mark.half_spread_pts)
            if mark is None:
                continue
            if since is not None:
                wanted.append(_Passing(number, len(row.aged) - 1, since, session))
            since = session
            if option.expiry <= days[session]:
                break  # settled
        rows.append(row)
    for one, points in zip(wanted, _pass_times(marks, options, wanted), strict=True):
        ticks = to_ticks(points)
        if ticks is not None:
            rows[one.option].aged[one.row] = ticks
    return rows


def _pass_times(marks: Marks, options: Sequence[VixOption], wanted: Sequence[_Passing]) -> list[float]:
    """`PricedOptions.pass_time` of many at once; another pricer is asked one by one."""
    pricer = marks.options
    if pricer is None or not wanted:
        return [math.nan] * len(wanted)
    if not isinstance(pricer, PricedOptions):
        return [pricer.pass_time(one.since, one.session, options[one.option]) for one in wanted]
    # Marked before its expiry, therefore priced: there is a row.
    rows = [pricer.rows[one.since, options[one.option]] for one in wanted]
    days = [(options[one.option].expiry - pricer.days[one.session]).days for one in wanted]
    left = np.maximum(compute_years_to_settlement(np.array(days)), 0.0)
    # Powers one by one: those of whole arrays may differ from them in the last bit.
    discount = [
        row["discount_frac"] ** (years / row["years_to_expiry"]) for row, years in zip(rows, left.tolist(), strict=True)
    ]
    prices: list[float] = compute_black76_price(
        np.array([row["future_pts"] for row in rows]),
        np.array([options[one.option].strike_pts for one in wanted]),
        left,
        np.array([row["vol_frac"] for row in rows]),
        np.array(discount),
        np.array([options[one.option].is_call for one in wanted]),
    ).tolist()
    return prices
