"""VIX futures of the simulated market: listings, settlements, trades.

A future is the expected 30-day volatility from its settlement date on, under the pricing measure, with a
premium that grows over the first month. Expiries are the exchange's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from transforms import calendar
from transforms.simulate.indices import compress
from transforms.simulate.model import DAYS_A_YEAR, PARAMETERS, VIX_DAYS, States, convexity, forward_volatility, take
from transforms.simulate.noise import Floats, autoregression, decimals, normals

LISTED_MONTHS = 9
WEEKLY_LISTED_DAYS = 47
FIRST_WEEKLY_EXPIRY = date(2015, 8, 5)
FINE_SETTLES_FROM = np.datetime64("2020-10-26")
"""Settlements have four decimals since the settlement time moved; before, half a tick of 0.05."""
TEN_FOLD_UNTIL = np.datetime64("2007-03-26")

_PREMIUM_LOG = 0.011
_PREMIUM_DAYS = 12.0
_BASIS_SD = 0.042
_BASIS_DAYS = 12.0
_OWN_SD = 0.002
_OPENING_SD = 0.012
_TICK_PTS = 0.05
_VOLUME_BY_RANK = (62000, 55000, 19000, 9500, 5500, 3300, 1400, 450, 120, 60)
_INTEREST_BY_RANK = (120000, 95000, 52000, 36000, 27000, 20000, 10000, 3500, 700, 300)


@dataclass(frozen=True)
class Contract:
    """A listed contract: the sessions (numbers) from its first to its last row, both included."""

    expiry_date: date
    is_monthly: bool
    listed_on: date


def listed_contracts(first: date, last: date) -> list[Contract]:
    """Contracts with at least one session between ``first`` and ``last``, monthlies and weeklies.

    Nine monthlies are listed at a time: a new one on the session after a settlement. Weeklies expire on
    the Wednesdays (or the session before) of weeks without a monthly settlement, from August 2015 on.
    """
    months = calendar.vx_monthly_settlement_dates(first - timedelta(days=330), last + timedelta(days=330))
    expiries = [entry.expiry_date for entry in months]
    contracts = [
        Contract(expiry, True, listed_on + timedelta(days=1))
        for listed_on, expiry in zip(expiries, expiries[LISTED_MONTHS:], strict=False)
    ]
    contracts += [
        Contract(expiry, False, expiry - timedelta(days=WEEKLY_LISTED_DAYS)) for expiry in _weekly_expiries(first, last)
    ]
    alive = [contract for contract in contracts if contract.expiry_date >= first and contract.listed_on <= last]
    return sorted(alive, key=lambda contract: contract.expiry_date)


def _weekly_expiries(first: date, last: date) -> list[date]:
    end = last + timedelta(days=WEEKLY_LISTED_DAYS + 7)
    if end < FIRST_WEEKLY_EXPIRY:
        return []
    open_days = set(calendar.sessions("XCBF", first - timedelta(days=14), end))
    monthly_weeks = {
        entry.expiry_date.isocalendar()[:2]
        for entry in calendar.vx_monthly_settlement_dates(first - timedelta(days=40), end + timedelta(days=31))
    }
    found = []
    for stamp in pd.date_range(max(first, FIRST_WEEKLY_EXPIRY), end, freq="W-WED"):
        day = stamp.date()
        if day.isocalendar()[:2] in monthly_weeks:
            continue
        while day not in open_days:
            day -= timedelta(days=1)
        if day >= first:
            found.append(day)
    return found


def futures_rows(
    contracts: list[Contract], days: np.ndarray, states: States, vix_open: Floats, seed: int
) -> pd.DataFrame:
    """Daily rows of every contract, as the exchange prints them but in points.

    Parameters
    ----------
    days
        Futures sessions as ``datetime64[D]``, one a state.
    vix_open
        Open of VIX by session; NaN where equities were closed.

    Returns
    -------
    ``trade_date, expiry_date, is_monthly, open_pts, high_pts, low_pts, close_pts, settle_pts,
    volume_contracts, efp_contracts, open_interest_contracts``; open and close are 0 without a trade.
    """
    basis = _BASIS_SD * autoregression(normals(seed, "basis", len(days))[:, 0], 0.93)
    vix_open = np.where(np.isnan(vix_open), forward_volatility(states, np.array(0.0), float(VIX_DAYS)), vix_open)
    expiries = np.array([contract.expiry_date for contract in contracts], dtype="datetime64[D]")
    monthlies = expiries[[contract.is_monthly for contract in contracts]]
    pieces = []
    for contract, expiry in zip(contracts, expiries, strict=True):
        start = int(np.searchsorted(days, np.datetime64(contract.listed_on)))
        stop = int(np.searchsorted(days, expiry, side="right"))
        if start < stop:
            rows = np.arange(start, stop)
            pieces.append((contract, expiry, rows, normals(seed, "contract", len(rows), 6, key=_key(contract))))
    every = np.concatenate([rows for _, _, rows, _ in pieces])
    of_expiry = np.concatenate([np.full(len(rows), expiry) for _, expiry, rows, _ in pieces])
    draws = np.concatenate([draw for _, _, _, draw in pieces])
    is_monthly = np.concatenate([np.full(len(rows), contract.is_monthly) for contract, _, rows, _ in pieces])
    first_rows = np.concatenate([np.arange(len(rows)) == 0 for _, _, rows, _ in pieces])
    age = np.concatenate([np.arange(len(rows)) for _, _, rows, _ in pieces])
    left = (of_expiry - days[every]).astype(float)

    fair = fair_values(take(states, every), left, basis[every])
    opening = _opening_quotations(vix_open, days, expiries, seed)
    is_final = left == 0
    settle = np.where(is_final, opening[np.searchsorted(expiries, of_expiry)], fair * np.exp(_OWN_SD * draws[:, 0]))
    settle = _rounded(settle, days[every], is_final)
    frame = pd.DataFrame(
        {"trade_date": days[every], "expiry_date": of_expiry, "is_monthly": is_monthly, "settle_pts": settle}
    )
    rank = np.searchsorted(monthlies, of_expiry) - np.searchsorted(monthlies, days[every], side="right")
    volume, efp, interest = _activity(rank, left, age, is_monthly, is_final, days[every], take(states, every), draws)
    before = np.where(first_rows, settle, np.concatenate([settle[:1], settle[:-1]]))
    bars = _bars(before, settle, is_final, volume, draws, left)
    return frame.assign(**bars, volume_contracts=volume, efp_contracts=efp, open_interest_contracts=interest)


def fair_values(states: States, days_left: Floats, basis: Floats | float = 0.0) -> Floats:
    """Price of a VIX future in points: ``E[VIX_T]`` under the pricing measure, with its premium.

    ``sqrt(expected variance over [T, T + 30 days]) x exp(convexity + premium + noise)``; noise of spot VIX
    reaches the future only as far as it lasts.
    """
    level = forward_volatility(states, days_left, float(VIX_DAYS))
    flutter = states.flutter * np.exp(-PARAMETERS.flutter_decay * days_left / DAYS_A_YEAR)
    premium = _PREMIUM_LOG * (1 - np.exp(-days_left / _PREMIUM_DAYS))
    noise = basis * (1 - np.exp(-days_left / _BASIS_DAYS))
    return compress(level * np.exp(convexity(states, days_left) + flutter + premium + noise))


def _key(contract: Contract) -> int:
    return contract.expiry_date.toordinal()


def _opening_quotations(vix_open: Floats, days: np.ndarray, expiries: np.ndarray, seed: int) -> Floats:
    """Special opening quotation of each expiry: near the VIX open (not at it: other quotes, other options)."""
    at = np.clip(np.searchsorted(days, expiries), 0, len(days) - 1)
    draws = np.array([normals(seed, "opening", 1, key=int(expiry.astype(int)))[0, 0] for expiry in expiries])
    return decimals(vix_open[at] * np.exp(_OPENING_SD * np.clip(draws, -2.5, 2.5)), 2)


def _rounded(settle: Floats, days: np.ndarray, is_final: np.ndarray) -> Floats:
    half_tick = np.round(settle / 0.025) * 0.025
    rounded = np.where(days >= FINE_SETTLES_FROM, np.round(settle, 4), half_tick)
    # quotes ten times the index had one decimal
    rounded = np.where(days < TEN_FOLD_UNTIL, np.round(settle, 2), rounded)
    return decimals(np.where(is_final, settle, rounded), 4)


def _activity(
    rank: np.ndarray,
    left: Floats,
    age: np.ndarray,
    is_monthly: np.ndarray,
    is_final: np.ndarray,
    days: np.ndarray,
    states: States,
    draws: Floats,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Volume, exchange-for-physical and open interest: by rank, state, and how young the market is."""
    rank = np.clip(rank, 0, len(_VOLUME_BY_RANK) - 1)
    year = days.astype("datetime64[Y]").astype(int) + 1970
    maturity = np.exp(np.minimum(0.45 * (year - 2013), 0.0))
    usual = np.where(is_monthly, np.array(_VOLUME_BY_RANK)[rank], 260 * np.exp(-left / 14))
    waning = np.where(is_monthly & (rank == 0), 0.25 + 0.75 * np.minimum(left / 8, 1), 1.0)
    busy = np.exp(0.9 * np.clip(states.fast, -0.5, 1.0) + 0.35 * draws[:, 1])
    volume = np.floor(usual * maturity * waning * busy)
    volume = np.where(is_final, np.floor(volume * 0.1), volume)
    interest_usual = np.where(is_monthly, np.array(_INTEREST_BY_RANK)[rank], 900 * np.exp(-left / 18))
    ramp = np.minimum(age / 4.0, 1.0)
    interest = np.floor(interest_usual * maturity * waning * ramp * np.exp(0.08 * draws[:, 2]))
    thin = (volume < 40) & (draws[:, 3] > 0.2)
    volume = np.where(thin | (age == 0) & (volume < 400), 0, volume)
    efp = np.where(volume > 2000, np.floor(volume * 0.0008 * np.abs(draws[:, 4])), 0)
    return volume.astype(np.int64), efp.astype(np.int64), interest.astype(np.int64)


def _bars(
    before: Floats, settle: Floats, is_final: np.ndarray, volume: np.ndarray, draws: Floats, left: Floats
) -> dict[str, Floats]:
    """Open, high, low, close in ticks of 0.05 around the settlement; quotes where nothing traded."""
    spread = 0.016 * np.exp(-left / 200)
    opened = _ticks(before * np.exp(0.45 * np.log(settle / before) + 0.4 * spread * draws[:, 3]))
    close = _ticks(settle * np.exp(0.08 * spread * draws[:, 4]))
    high = _ticks(np.maximum(opened, close) * np.exp(0.6 * spread * np.abs(draws[:, 5])))
    low = _ticks(np.minimum(opened, close) * np.exp(-0.5 * spread * np.abs(draws[:, 2])))
    high, low = np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close))
    idle = volume == 0
    bid, offer = _ticks(settle * 0.97), _ticks(settle * 1.03)
    # without a trade high and low are the last bid and offer, in that order: often crossed
    return {
        "open_pts": np.where(idle, 0.0, opened),
        "high_pts": np.where(idle, np.where(is_final, 0.0, bid), high),
        "low_pts": np.where(idle, np.where(is_final, 0.0, offer), low),
        "close_pts": np.where(idle, 0.0, close),
    }


def _ticks(prices: Floats) -> Floats:
    return decimals(np.round(prices / _TICK_PTS) * _TICK_PTS, 2)


def market_days(first: date, last: date) -> tuple[np.ndarray, np.ndarray]:
    """Futures sessions as ``datetime64[D]``, and which of them are equity sessions too."""
    equity = set(calendar.sessions("XNYS", first, last))
    extra = {day for day in calendar.FUTURES_ONLY_SESSIONS if first <= day <= last}
    days = sorted(set(calendar.sessions("XCBF", first, last)) | extra)
    return np.array(days, dtype="datetime64[D]"), np.array([day in equity for day in days])
