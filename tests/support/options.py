"""Made-up option chains: priced by Black-76, with known futures and volatilities."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from transforms.options.black76 import compute_black76_price
from transforms.options.implied import compute_discount, compute_years_to_settlement

SESSION = date(2025, 9, 15)
BILL_RATE = 0.04
STRIKES = np.concatenate([np.arange(8.0, 30.0, 0.5), np.arange(30.0, 60.0, 2.5), np.arange(60.0, 151.0, 5.0)])

Volatility = Callable[[np.ndarray, float], np.ndarray]


def flat(level: float) -> Volatility:
    """Return the same volatility at each strike."""
    return lambda strike, future: np.full(len(strike), level)


def tilted(level: float, slope: float) -> Volatility:
    """Return a volatility linear in ln(K/F)."""
    return lambda strike, future: level + slope * np.log(strike / future)


def make_quotes(
    future: float,
    volatility: Volatility | float,
    expiry: date,
    *,
    session: date = SESSION,
    strikes: Sequence[float] | np.ndarray = STRIKES,
    half_spread: float = 0.02,
    root: str = "VIX",
    bill_rate: float = BILL_RATE,
) -> pd.DataFrame:
    """Quotes around the model's values; a bid is never below half of it."""
    strike = np.asarray(strikes, dtype=float)
    years = compute_years_to_settlement(np.array([(expiry - session).days]))
    discount = compute_discount(np.array([bill_rate]), years)
    smile = flat(volatility) if isinstance(volatility, float) else volatility
    frames = []
    for right in "CP":
        value = compute_black76_price(future, strike, years, smile(strike, future), discount, right == "C")
        half = np.minimum(half_spread, value / 2)
        frames.append(
            pd.DataFrame(
                {
                    "trade_date": pd.Timestamp(session),
                    "expiry_date": pd.Timestamp(expiry),
                    "option_root": root,
                    "option_right": right,
                    "strike_pts": strike,
                    "bid_pts": value - half,
                    "ask_pts": value + half,
                    "bid_size_contracts": 10.0,
                    "ask_size_contracts": 10.0,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def make_bills(session: date = SESSION, rate: float = BILL_RATE) -> pd.DataFrame:
    """Return one bill rate, of the day before the session."""
    day = pd.Timestamp(session - timedelta(days=1))
    return pd.DataFrame({"observation_date": [day], "bill_discount_rate_frac": [rate]})


def make_settlements(*rows: tuple[date, date, float]) -> pd.DataFrame:
    """Settlements by session and expiry."""
    frame = pd.DataFrame(rows, columns=["trade_date", "expiry_date", "settle_pts"])
    dates = {"trade_date": "datetime64[us]", "expiry_date": "datetime64[us]"}
    return frame.astype(dates | {"settle_pts": "float64"})


def make_entry(symbol: str = "VIX251022C00020000", **changes: Any) -> dict[str, Any]:
    """Return one entry of the chain file."""
    entry = {
        "option": symbol,
        "bid": 1.5,
        "bid_size": 20.0,
        "ask": 1.6,
        "ask_size": 30.0,
        "iv": 0.8,
        "open_interest": 1000.0,
        "volume": 50.0,
        "delta": 0.5,
        "last_trade_price": 1.55,
        "last_trade_time": "2025-09-15T15:30:00",
    }
    return entry | changes


def make_body(*entries: Any, timestamp: Any = "2025-09-15 22:35:00", **data: Any) -> bytes:
    """Return the bytes of a chain file with these entries."""
    payload = {"timestamp": timestamp, "data": {"options": list(entries), "symbol": "^VIX"} | data, "symbol": "_VIX"}
    return json.dumps(payload).encode()
