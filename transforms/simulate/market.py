"""The simulated market as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from transforms.calendar import FIRST_SESSION
from transforms.errors import UsageError
from transforms.simulate.context import Context, build_context
from transforms.simulate.curve import Contract, futures_rows, listed_contracts, market_days
from transforms.simulate.indices import index_levels
from transforms.simulate.model import MODEL_VERSION, States, simulate_states

DEFAULT_SEED = 150
"""A seed whose 20 years keep every stylised fact in its range, with a panic in the first five."""
EARLIEST_LAST_SESSION = date(2013, 1, 2)
"""The contract list names contracts expiring from 2013 on: a market without any could not be read."""


@dataclass(frozen=True)
class Market:
    """A simulated market; every number in it is made up.

    Attributes
    ----------
    sessions
        One row a futures session: ``trade_date``, ``is_equity_session``.
    indices
        By index code: ``trade_date`` and ``open_pts, high_pts, low_pts, close_pts`` (or the close only).
    futures
        One row a session and contract, see :func:`transforms.simulate.curve.futures_rows`.
    states
        The model's path, one entry a futures session.
    context
        Breadth, funds, rates and output around it.
    """

    first_session: date
    last_session: date
    seed: int
    crisis: date | None
    sessions: pd.DataFrame
    contracts: tuple[Contract, ...]
    indices: Mapping[str, pd.DataFrame]
    futures: pd.DataFrame
    states: States
    context: Context
    model_version: str = MODEL_VERSION


def simulate_market(first_session: date, last_session: date, seed: int, crisis: date | None = None) -> Market:
    """Simulate a market from its first session to its last.

    The path depends on the seed and on how many sessions have passed since the first: with the same
    first session and seed, a later last session only appends.

    Parameters
    ----------
    first_session
        Not before 2004-03-26, when VIX futures began; the first session on or after it is used.
    last_session
        Not before 2013-01-02; the last session on or before it is used.
    seed
        0 or more.
    crisis
        Day of a volatility shock (the first session on or after it).

    Raises
    ------
    UsageError
        If the days leave no session, the seed is negative, or the crisis lies outside.
    """
    if seed < 0:
        raise UsageError("a seed is not negative", found=str(seed), expected="0 or more")
    if first_session < FIRST_SESSION or last_session < max(first_session, EARLIEST_LAST_SESSION):
        raise UsageError(
            "no market can be simulated between these days",
            found=f"{first_session} to {last_session}",
            expected=f"a first session from {FIRST_SESSION} on, then a last one from {EARLIEST_LAST_SESSION} on",
        )
    days, is_equity = market_days(first_session, last_session)
    if not is_equity.any():
        raise UsageError(
            "there is no session between these days", found=f"{first_session} to {last_session}", expected="one"
        )
    crisis_at = _crisis_at(crisis, days)
    states = simulate_states(len(days), seed, crisis_at)
    indices = {
        code: frame.assign(trade_date=days[frame["session"].to_numpy()]).drop(columns="session")
        for code, frame in index_levels(states, is_equity, seed).items()
    }
    vix_open = np.full(len(days), np.nan)
    vix_open[is_equity] = indices["VIX"]["open_pts"].to_numpy()
    first, last = days[0].item(), days[-1].item()
    contracts = listed_contracts(first, last)
    futures = futures_rows(contracts, days, states, vix_open, seed)
    return Market(
        first_session=first,
        last_session=last,
        seed=seed,
        crisis=crisis,
        sessions=pd.DataFrame({"trade_date": days, "is_equity_session": is_equity}),
        contracts=tuple(contracts),
        indices=indices,
        futures=futures,
        states=states,
        context=build_context(days, indices, futures, seed),
    )


def _crisis_at(crisis: date | None, days: np.ndarray) -> int | None:
    if crisis is None:
        return None
    at = int(np.searchsorted(days, np.datetime64(crisis)))
    if at == len(days) or crisis < days[0].item():
        raise UsageError(
            "the crisis lies outside the simulated market",
            found=str(crisis),
            expected=f"{days[0]} to {days[-1]}",
        )
    return at
