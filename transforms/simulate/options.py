"""The VIX option chain of the last session, in the layout of Cboe's delayed quotes.

Priced by Black (1976) on the VX future of the same settlement date, with a volatility that falls with
time as VVIX does and rises with the strike. Quotes, sizes, volumes and open interest are made up around
the theoretical price.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from transforms.simulate.market import Market
from transforms.simulate.model import DAYS_A_YEAR
from transforms.simulate.noise import Floats, normals, uniforms

TERM_EXPONENT = 0.40
"""``sigma(T) = VVIX/100 (30/days)^0.40`` at the money: the middle of what the methodology allows (0.3-0.5)."""
SKEW_HEIGHT = 0.45
SKEW_WIDTH = 0.7
_SHORTEST_DAYS = 4.0
_TICKS = ("up", "down", "no_change")


class Greeks(NamedTuple):
    """Theoretical value and sensitivities: vega for one volatility point, theta a day, rho for 1%."""

    value: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


def black_76(
    forward: Floats | float, strike: Floats, years: float, sigma: Floats, rate: float, *, is_call: bool
) -> Greeks:
    """Value and greeks of a European option on a future (Black 1976).

    ``call = e^{-rT} (F N(d1) - K N(d2))``, ``d1,2 = (ln(F/K) +- sigma^2 T / 2) / (sigma sqrt T)``; forward,
    strike and value in points, ``sigma`` a fraction, ``rate`` continuous.
    """
    root = sigma * math.sqrt(years)
    d1 = np.log(forward / strike) / root + root / 2
    d2 = d1 - root
    discount = math.exp(-rate * years)
    density = np.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    sign = 1.0 if is_call else -1.0
    value = discount * sign * (forward * normal_cdf(sign * d1) - strike * normal_cdf(sign * d2))
    theta = (rate * value - discount * forward * density * sigma / (2 * math.sqrt(years))) / DAYS_A_YEAR
    return Greeks(
        value=value,
        delta=discount * sign * normal_cdf(sign * d1),
        gamma=discount * density / (forward * root),
        vega=discount * forward * density * math.sqrt(years) / 100,
        theta=theta,
        rho=-years * value / 100,
    )


def normal_cdf(values: Floats) -> Floats:
    """Distribution function of the standard normal."""
    flat = np.asarray(values, dtype=float)
    return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in flat.ravel()]).reshape(flat.shape)


def sigma_at(forward: float, strike: Floats, days: float, vvix_pts: float) -> Floats:
    """Implied volatility: VVIX-based term structure, skew in log strike that flattens in the wings."""
    at_money = vvix_pts / 100 * (30 / max(days, _SHORTEST_DAYS)) ** TERM_EXPONENT
    # the wing is bounded in standard deviations too, or short expiries would admit arbitrage
    return cast(Floats, at_money * (1 + SKEW_HEIGHT * np.tanh(np.log(strike / forward) / SKEW_WIDTH)))


def strike_grid(forward: float) -> Floats:
    """Listed strikes around a future: every half point to 20, 1 to 30, 2.5 to 50, 5 beyond."""
    grid = np.concatenate([np.arange(8, 20, 0.5), np.arange(20, 30, 1), np.arange(30, 50, 2.5), np.arange(50, 201, 5)])
    return cast(Floats, grid[(grid >= 0.55 * forward) & (grid <= 5 * forward)])


def option_chain(market: Market, bill_rate_percent: float) -> dict[str, Any]:
    """Snapshot of the chain after the last equity session, as the publisher's JSON has it.

    Parameters
    ----------
    bill_rate_percent
        Three-month bill rate, for discounting.
    """
    vix = market.indices["VIX"]
    day: date = vix["trade_date"].iloc[-1].date()
    close, before = vix["close_pts"].iloc[-1], vix["close_pts"].iloc[-2:].iloc[0]
    options = list(_entries(market, day, bill_rate_percent / 100))
    change = close - before
    data = {
        "options": options,
        "symbol": "^VIX",
        "security_type": "index",
        "exchange_id": 5,
        "current_price": float(close),
        "price_change": round(change, 2),
        "price_change_percent": round(100 * change / before, 4),
        "bid": 0.0,
        "ask": 0.0,
        "bid_size": 0,
        "ask_size": 0,
        "open": float(vix["open_pts"].iloc[-1]),
        "high": float(vix["high_pts"].iloc[-1]),
        "low": float(vix["low_pts"].iloc[-1]),
        "close": float(close),
        "prev_day_close": float(before),
        "volume": 0,
        "iv30": round(float(market.indices["VVIX"]["close_pts"].iloc[-1]) * 0.95, 3),
        "iv30_change": 0.0,
        "iv30_change_percent": 0.0,
        "seqno": 1000000000 + day.toordinal(),
        "last_trade_time": f"{day.isoformat()}T16:15:01",
        "tick": "up" if change > 0 else "down",
    }
    return {"timestamp": f"{day.isoformat()} 22:35:00", "data": data, "symbol": "_VIX"}


def render_chain(market: Market, bill_rate_percent: float) -> bytes:
    """The snapshot as the bytes of ``delayed_quotes/options/_VIX.json``."""
    return json.dumps(option_chain(market, bill_rate_percent), separators=(",", ":")).encode()


def _entries(market: Market, day: date, rate: float) -> Iterator[dict[str, Any]]:
    live = market.futures[market.futures["trade_date"] == pd.Timestamp(day)]
    live = live[live["expiry_date"] > live["trade_date"]].sort_values("expiry_date")
    earlier = market.futures[market.futures["trade_date"] < pd.Timestamp(day)]
    earlier = earlier[earlier["trade_date"] == earlier["trade_date"].max()]
    forward_before = dict(zip(earlier["expiry_date"], earlier["settle_pts"], strict=True))
    vvix = market.indices["VVIX"]["close_pts"].iloc[-2:].to_numpy()
    for row in live.itertuples():
        expiry = cast(pd.Timestamp, row.expiry_date).date()
        forward = float(cast(float, row.settle_pts))
        days = (expiry - day).days
        strikes = strike_grid(forward)
        before = float(forward_before.get(row.expiry_date, forward))
        root = "VIX" if row.is_monthly else "VIXW"
        draws = normals(market.seed, "options", len(strikes), 8, key=day.toordinal() * 4096 + days)
        chances = uniforms(market.seed, "options", len(strikes), 4, key=day.toordinal() * 4096 + days)
        sides = []
        for side, is_call in enumerate((True, False)):
            sigma = sigma_at(forward, strikes, days, float(vvix[-1]))
            now = black_76(forward, strikes, days / DAYS_A_YEAR, sigma, rate, is_call=is_call)
            sigma_before = sigma_at(before, strikes, days + 1, float(vvix[0]))
            then = black_76(before, strikes, (days + 1) / DAYS_A_YEAR, sigma_before, rate, is_call=is_call)
            noise = (draws[:, 4 * side : 4 * side + 4], chances[:, 2 * side : 2 * side + 2])
            name = f"{root}{expiry:%y%m%d}{'C' if is_call else 'P'}"
            sides.append(_side(name, forward, strikes, days, sigma, now, then.value, noise, day, is_call=is_call))
        for call, put in zip(*sides, strict=True):
            yield call
            yield put


def _side(
    name: str,
    forward: float,
    strikes: Floats,
    days: int,
    sigma: Floats,
    now: Greeks,
    value_before: Floats,
    noise: tuple[Floats, Floats],
    day: date,
    *,
    is_call: bool,
) -> list[dict[str, Any]]:
    draws, chances = noise
    intrinsic = np.maximum((forward - strikes) if is_call else (strikes - forward), 0.0)
    is_deep = (intrinsic > 0) & (now.value - intrinsic < 0.02)
    half_spread = np.where(is_deep, 0.12 * now.value, 0.01 + 0.012 * now.value)
    bid = np.floor(np.maximum(now.value - half_spread, 0) * 100 + 1e-9) / 100
    ask = np.maximum(np.ceil((now.value + half_spread) * 100 - 1e-9) / 100, bid + 0.01)
    distance = np.log(strikes / forward) * (1 if is_call else -1)
    popularity = np.exp(-((distance - 0.25) ** 2) / 0.3) * np.where(strikes % 5 == 0, 3.0, 1.0)
    usual = 26000 * popularity * np.exp(-abs(days - 40) / 60) * (1.0 if "W" not in name else 0.02)
    interest = np.floor(usual * np.exp(0.9 * draws[:, 0]))
    volume = np.floor(0.08 * interest * np.exp(1.1 * draws[:, 1])) * (chances[:, 0] > 0.15)
    last = np.round(np.maximum(now.value * (1 + 0.01 * draws[:, 2]), 0.01), 2)
    sizes = np.floor(np.exp(6 + 1.8 * np.abs(draws[:, 2:4])))
    entries = []
    for number, strike in enumerate(strikes):
        traded = volume[number] > 0
        price = float(last[number]) if traded else 0.0
        prior = float(value_before[number])
        change = round(price - prior, 4) if traded else 0.0
        minute = int(chances[number, 1] * 400)
        entries.append(
            {
                "option": f"{name}{round(strike * 1000):08d}",
                "bid": float(bid[number]),
                "bid_size": float(sizes[number, 0]) if bid[number] > 0 else 0.0,
                "ask": round(float(ask[number]), 2),
                "ask_size": float(sizes[number, 1]),
                "iv": 0.0 if is_deep[number] and is_call else round(float(sigma[number]), 4),
                "open_interest": float(interest[number]),
                "volume": float(volume[number]),
                **{
                    field: round(float(getattr(now, field)[number]), 4)
                    for field in ("delta", "gamma", "vega", "theta", "rho")
                },
                "theo": round(float(now.value[number]), 4),
                "change": change,
                "open": price,
                "high": price,
                "low": price,
                "tick": _TICKS[int(chances[number, 0] * 3)],
                "last_trade_price": price,
                "last_trade_time": f"{day.isoformat()}T{9 + (30 + minute) // 60:02d}:{(30 + minute) % 60:02d}:07"
                if traded
                else None,
                "percent_change": round(100 * change / prior, 5) if traded and prior > 0.005 else 0.0,
                "prev_day_close": round(prior, 4),
            }
        )
    return entries
