"""The VIX futures basis trade of Simon and Campasano: with the daily roll, and its hedge in the S&P 500 as a series."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.benchmarks.rolls import Nav, count_trading_days, find_contract, nav_by_session
from transforms.layers.codes import Layer
from transforms.positions.instruments import VixFuture
from transforms.positions.market import FuturesMarket
from transforms.positions.money import TICKS_PER_POINT
from transforms.positions.sizing import SizingRules, split_contracts
from transforms.positions.walk import LayerBook
from transforms.positions.wants import LayerTargets, Leg, Want

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BasisRules:
    """Numbers of the basis trade.

    Parameters
    ----------
    enter_roll_pts, exit_roll_pts
        Daily roll beyond which a position is opened, and inside of which it is closed, points.
    least_trading_days
        The nearest contract with at least so many trading days left is traded; with fewer a position is closed.
    notional_frac
        Notional when opened, in NAV.
    hedge_window_sessions
        Window of the regression behind the hedge ratio.
    """

    enter_roll_pts: float = 0.10
    exit_roll_pts: float = 0.05
    least_trading_days: int = 10
    notional_frac: float = 0.01
    hedge_window_sessions: int = 252


def read_basis_rules(parameters: Mapping[str, float]) -> BasisRules:
    """Take the numbers out of the benchmarks' own by name.

    Raises
    ------
    KeyError
        One is missing.
    """
    return BasisRules(
        enter_roll_pts=parameters["basis_enter_roll_pts"],
        exit_roll_pts=parameters["basis_exit_roll_pts"],
        least_trading_days=int(parameters["basis_least_trading_days"]),
        notional_frac=parameters["basis_notional_frac"],
        hedge_window_sessions=int(parameters["basis_hedge_window_sessions"]),
    )


def build_basis_targets(
    market: FuturesMarket, nav_usd: Nav, rules: BasisRules, sizes: SizingRules
) -> tuple[LayerTargets, pd.DataFrame]:
    """Targets of the basis trade, the VX leg alone.

    Parameters
    ----------
    market
        n sessions, with the VIX of each.
    nav_usd
        Net asset value, one or float64 of shape (n,); used when a position is opened.
    rules
        Levels of the daily roll.
    sizes
        Whole contracts; never more than the notional.

    Returns
    -------
    targets
        Short when the daily roll ``(VX - VIX) / trading days left`` is above ``enter_roll_pts``, until it is below
        ``exit_roll_pts``; long when below ``-enter_roll_pts``, until above ``-exit_roll_pts``; nothing else. A
        position keeps its size. On a close on which its contract has fewer trading days than the least it is closed,
        and the next contract may be opened at the same close. A session without VIX or settlement keeps the position.
    details
        One row a session: ``trade_date``, ``expiry_date`` (of the nearest contract with the least days; NaT none),
        ``daily_roll_pts`` of it (NaN unknown), ``side`` (-1, 0, 1, decided at this close).

    Source: Simon and Campasano, The VIX Futures Basis: Evidence and Trading Strategies, Journal of Derivatives, 2014.
    """
    nav = nav_by_session(market, nav_usd)
    days_left = count_trading_days(market.days, market.expiries)
    wants: list[Want] = []
    rows: list[tuple[object, ...]] = []
    legs: tuple[Leg, ...] = ()
    side, held = 0, date.min
    for session, day in enumerate(market.days):
        expiry = find_contract(market, days_left, session, rules.least_trading_days)
        roll = math.nan if expiry is None else _daily_roll(market, days_left, session, expiry)
        said = f"held: daily roll {roll:+.3f}" if side else "waits"
        if side and days_left[session, market.column_of[held]] < rules.least_trading_days:
            legs, side, said = (), 0, f"closed: {held} has fewer than {rules.least_trading_days} trading days left"
        if side and side * roll > -rules.exit_roll_pts:
            legs, side, said = (), 0, f"closed: daily roll {roll:+.3f}"
        if not side and expiry is not None and abs(roll) > rules.enter_roll_pts:
            side, held = (-1 if roll > 0 else 1), expiry
            price = market.settle_pts[session, market.column_of[expiry]]
            vega = rules.notional_frac * float(nav[session]) / price
            legs = (split_contracts(sizes, day, expiry, side * vega, vega),)
            closed = f"{said}; " if said.startswith("closed") else ""
            said = f"{closed}{'sold' if side < 0 else 'bought'}: daily roll {roll:+.3f}"
        wants.append(Want(legs, said))
        rows.append((pd.Timestamp(day), pd.NaT if expiry is None else pd.Timestamp(expiry), roll, side))
    details = pd.DataFrame(rows, columns=["trade_date", "expiry_date", "daily_roll_pts", "side"])
    return LayerTargets(Layer.BASE, tuple(wants)), details.astype(
        {"trade_date": "datetime64[us]", "expiry_date": "datetime64[us]", "side": "int64"}
    )


def compute_basis_hedge(
    market: FuturesMarket, book: LayerBook, spx_close_pts: Floats, rules: BasisRules
) -> pd.DataFrame:
    """P&L that a hedge in the S&P 500 would have had beside the basis trade; a series, not in any ledger.

    Parameters
    ----------
    market
        n sessions.
    book
        What the trade held.
    spx_close_pts
        float64, shape (n,): S&P 500; NaN unknown.
    rules
        Window and least trading days.

    Returns
    -------
    pandas.DataFrame
        One row a session: ``trade_date``; ``slope_pts`` and ``slope_days_pts``, the coefficients b and c of
        ``change of VX = a + b r + c r d`` with r the return of the S&P 500 and d the trading days left, of the nearest
        contract with the least days, over the trailing window that ends at this close; ``hedge_notional_usd`` of
        S&P 500 held at this close, negative where sold; ``hedge_pnl_usd`` of the session.

        NaN where something needed is missing; the hedge of a position whose slopes are unknown is unknown, not 0.

    Notes
    -----
    The hedge held at t is for the contracts held at t, with the slopes known at the close of t - 1 and the trading
    days at t. The paper trades mini S&P 500 futures in whole contracts; here it is index returns, any amount, without
    dividends, financing or costs.
    """
    sessions = len(market)
    days_left = count_trading_days(market.days, market.expiries)
    contract = [find_contract(market, days_left, session, rules.least_trading_days) for session in range(sessions)]
    returns = np.full(sessions, np.nan)
    returns[1:] = spx_close_pts[1:] / spx_close_pts[:-1] - 1
    changes, left = np.full(sessions, np.nan), np.full(sessions, np.nan)
    for session in range(1, sessions):
        expiry = contract[session - 1]
        if expiry is not None:
            column = market.column_of[expiry]
            changes[session] = market.settle_pts[session, column] - market.settle_pts[session - 1, column]
            left[session] = days_left[session - 1, column]
    slopes = _regress(changes, returns, left, rules.hedge_window_sessions)
    notional, pnl = np.zeros(sessions), np.zeros(sessions)
    for session, today in enumerate(book.days):
        for instrument, contracts in today.held.items():
            if isinstance(instrument, VixFuture):
                ahead = days_left[session, market.column_of[instrument.expiry]]
                slope = slopes[session - 1] @ [1.0, ahead] if session else math.nan
                notional[session] -= contracts * instrument.multiplier_usd * slope
        if session and notional[session - 1] != 0:
            pnl[session] = notional[session - 1] * returns[session]
    return pd.DataFrame(
        {
            "trade_date": pd.DatetimeIndex(pd.to_datetime(list(market.days))).as_unit("us"),
            "slope_pts": slopes[:, 0],
            "slope_days_pts": slopes[:, 1],
            "hedge_notional_usd": notional,
            "hedge_pnl_usd": pnl,
        }
    )


def _daily_roll(market: FuturesMarket, days_left: npt.NDArray[np.int64], session: int, expiry: date) -> float:
    ticks = market.settled_ticks(session, expiry)
    if not ticks:
        return math.nan
    gap = ticks / TICKS_PER_POINT - float(market.vix_pts[session])
    return gap / float(days_left[session, market.column_of[expiry]])


def _regress(changes: Floats, returns: Floats, left: Floats, window: int) -> Floats:
    """Coefficients of r and r d in each trailing window, shape (n, 2); NaN where less than nine tenths is known."""
    design = np.column_stack([np.ones(len(returns)), returns, returns * left])
    is_known = np.isfinite(design).all(axis=1) & np.isfinite(changes)
    found = np.full((len(returns), 2), np.nan)
    for end in range(window, len(returns) + 1):
        rows = slice(end - window, end)
        use = is_known[rows]
        if use.sum() < 0.9 * window:
            continue
        solution, _, rank, _ = np.linalg.lstsq(design[rows][use], changes[rows][use], rcond=None)
        if rank == design.shape[1]:
            found[end - 1] = solution[1:]
    return found
