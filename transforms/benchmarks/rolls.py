"""When a month ends: trading days left, the contract that a roll goes to, and the account at each close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from transforms.calendar import sessions
from transforms.positions.instruments import has_expired
from transforms.positions.market import HIGHEST_RANK, FuturesMarket
from transforms.positions.wants import Leg

Floats: TypeAlias = npt.NDArray[np.float64]
Nav: TypeAlias = float | Floats
"""Net asset value in dollars: one for all sessions, or of shape (n,) as known at each close."""


def nav_by_session(market: FuturesMarket, nav_usd: Nav) -> Floats:
    """Net asset value of each session, float64 of shape (n,).

    Raises
    ------
    ValueError
        Another shape, or a value that is not positive and finite.
    """
    given = np.asarray(nav_usd, dtype=float)
    if given.shape not in ((), (len(market),)):
        raise ValueError(f"nav_usd: expected a number or {len(market)} of them, found shape {given.shape}")
    if not (np.isfinite(given) & (given > 0)).all():
        raise ValueError("nav_usd: expected positive numbers")
    return np.broadcast_to(given, (len(market),)).astype(float)


def count_trading_days(days: Sequence[date], expiries: Sequence[date]) -> npt.NDArray[np.int64]:
    """Count the futures sessions after each day up to and including each expiry, shape (n, m).

    As ``trading_days_to_expiry`` of ``core.daily_vx_listings``: scheduled sessions, 0 on the expiry, negative after it.
    """
    if not days or not expiries:
        return np.zeros((len(days), len(expiries)), np.int64)
    first, last = min(days[0], expiries[0]), max(days[-1], expiries[-1])
    open_days = np.array(sessions("XCBF", first, last), dtype="datetime64[D]")
    passed, at_expiry = (
        np.searchsorted(open_days, np.array(dates, dtype="datetime64[D]"), side="right") for dates in (days, expiries)
    )
    return np.asarray(at_expiry[None, :] - passed[:, None], np.int64)


@dataclass(frozen=True, eq=False)
class MonthlyRolls:
    """The monthly rolls on VIX settlement dates, as known at each close.

    Parameters
    ----------
    days_left
        int64, shape (n, m): see `count_trading_days`.
    incoming
        Of each session: the nearest listed contract that does not settle on the next session; None where none
        is listed.
    is_due
        Of each session: it is the last close before a settlement date, or the first one after it where that was
        missing. A roll decided here is traded on the settlement date, when the old month has settled.
    """

    days_left: npt.NDArray[np.int64]
    incoming: tuple[date | None, ...]
    is_due: tuple[bool, ...]

    @property
    def due_months(self) -> list[tuple[int, date]]:
        """Session and incoming contract of every roll."""
        both = zip(self.is_due, self.incoming, strict=True)
        return [(session, month) for session, (is_due, month) in enumerate(both) if is_due and month is not None]


def find_monthly_rolls(market: FuturesMarket) -> MonthlyRolls:
    """Find the rolls of a market; what is said of a session needs nothing later.

    Notes
    -----
    A market that begins inside a month has no roll before that month ends.
    """
    days_left = count_trading_days(market.days, market.expiries)
    incoming: list[date | None] = []
    is_due: list[bool] = []
    known: date | None = None
    for session in range(len(market)):
        coming = find_contract(market, days_left, session, 2)
        if session == 0:
            known = find_contract(market, days_left, session, 1)
        is_due.append(coming is not None and known is not None and coming > known)
        known = coming if coming is not None else known
        incoming.append(coming)
    return MonthlyRolls(days_left, tuple(incoming), tuple(is_due))


def find_contract(market: FuturesMarket, days_left: npt.NDArray[np.int64], session: int, least: int) -> date | None:
    """Nearest listed monthly with at least so many trading days left; None where none is listed."""
    for rank in range(1, HIGHEST_RANK + 1):
        expiry = market.expiry_at(session, rank)
        if expiry is not None and days_left[session, market.column_of[expiry]] >= least:
            return expiry
    return None


def drop_expired(legs: tuple[Leg, ...], day: date) -> tuple[Leg, ...]:
    """The legs that have not settled by the close of a day; the same tuple where all are left."""
    left = tuple(leg for leg in legs if not has_expired(leg.instrument, day))
    return legs if len(left) == len(legs) else left


class Retry:
    """Sessions on which a roll may still be made: the due one and so many after it."""

    def __init__(self, latest_sessions: float) -> None:
        self._most = int(latest_sessions)
        self._left = 0

    def is_open(self, is_due: bool) -> bool:
        """Tell whether the roll may be made on this session; to be asked once a session."""
        if is_due:
            self._left = self._most + 1
        self._left = max(self._left - 1, -1)
        return self._left >= 0

    def close(self) -> None:
        """The roll was made, or its month is left out."""
        self._left = 0
