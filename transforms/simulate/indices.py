"""Cboe's indices in the simulated market, from the model's forward variance.

VIX, VIX9D, VIX3M, VIX6M and VIX1Y are the same expectation over different horizons. VVIX follows the
model's volatility of the 30-day volatility; SKEW and the strategy indices are plausible, not derived.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd

from transforms.simulate.model import DAYS_A_YEAR, PARAMETERS, States, forward_volatility
from transforms.simulate.noise import Floats, autoregression, decimals, normals

HORIZON_DAYS = {"VIX9D": 9, "VIX": 30, "VIX3M": 93, "VIX6M": 184, "VIX1Y": 365}
"""Calendar days of expected volatility in each index (Cboe, "Volatility Index Methodology")."""

CLOSE_ONLY = ("VVIX", "SKEW", "VXTH", "CNDR", "PUT", "PPUT")

_FLUTTER_SHARE = {"VIX9D": 1.5, "VIX": 1.0, "VIX3M": 0.55, "VIX6M": 0.35, "VIX1Y": 0.2}
_OWN_NOISE = {"VIX9D": 0.02, "VIX": 0.0, "VIX3M": 0.004, "VIX6M": 0.004, "VIX1Y": 0.004}
_RANGE = {"VIX9D": 0.045, "VIX": 0.03, "VIX3M": 0.016, "VIX6M": 0.012, "VIX1Y": 0.009, "SPX": 0.0}
_COMPRESS_FROM_PTS = 62.0
_COMPRESS_WIDTH = 0.25
_VVIX_MEAN_PTS = 89.0
_VVIX_POWER = 0.45
_SKEW_MEAN_PTS = 132.0
_SKEW_SD_PTS = 9.0


def index_levels(states: States, is_equity_session: np.ndarray, seed: int) -> dict[str, pd.DataFrame]:
    """Open, high, low and close of every index on the equity sessions.

    Returns
    -------
    One frame an index, rows by session number (column ``session``); indices of a daily close have the
    column ``close_pts`` only.
    """
    rows = np.flatnonzero(is_equity_session)
    frames = {code: _volatility_bars(code, states, rows, seed) for code in HORIZON_DAYS}
    frames["SPX"] = _price_bars(states, rows, seed)
    closes = {
        "VVIX": vvix_closes(states, seed)[rows],
        "SKEW": _skew_closes(states, seed)[rows],
        **_strategy_closes(frames["SPX"]["close_pts"].to_numpy(), frames["VIX"]["close_pts"].to_numpy(), seed),
    }
    for code, close in closes.items():
        frames[code] = pd.DataFrame({"session": rows, "close_pts": decimals(close, 2)})
    return frames


def volatility_closes(code: str, states: States, seed: int) -> Floats:
    """Closes of a volatility index, in points: expected volatility over its horizon, with noise.

    Levels beyond 62 are compressed (a market that already expects 5% a day does not double).
    """
    level = forward_volatility(states, np.array(0.0), float(HORIZON_DAYS[code]))
    noise = _OWN_NOISE[code] * autoregression(normals(seed, f"{code} noise", len(level))[:, 0], 0.6)
    return decimals(compress(level * np.exp(states.flutter * _FLUTTER_SHARE[code] + noise)), 2)


def compress(level_pts: Floats) -> Floats:
    """Bend volatilities beyond 62 points down, without end: 80 becomes 74, 130 becomes 87."""
    excess = np.maximum(np.log(level_pts / _COMPRESS_FROM_PTS), 0.0)
    bent = _COMPRESS_FROM_PTS * np.exp(_COMPRESS_WIDTH * np.log1p(excess / _COMPRESS_WIDTH))
    return cast(Floats, np.where(excess > 0, bent, level_pts))


def vvix_closes(states: States, seed: int) -> Floats:
    """Closes of VVIX, in points: the model's volatility of the 30-day-ahead volatility, damped.

    The instantaneous variance of the fast factor (diffusion and jumps, as it reaches a 30-day forward)
    and of the slow one; the power brings its swings to those of the published index.
    """
    p = PARAMETERS
    reach = np.exp(-2 * p.fast_pricing_reversion * 15 / DAYS_A_YEAR)
    usual = p.fast_volatility**2 + 2 * p.jump_mean**2 * p.jump_rate * 1.5
    fast = (p.fast_volatility * states.vol_of_vol) ** 2 + 2 * p.jump_mean**2 * states.jump_rate
    model = np.sqrt((reach * fast + p.slow_volatility**2) / (reach * usual + p.slow_volatility**2))
    stress = 0.35 * np.maximum(states.fast, -0.3) + 1.2 * states.flutter
    noise = 0.055 * autoregression(normals(seed, "VVIX", len(model))[:, 0], 0.9)
    level = _VVIX_MEAN_PTS * model**_VVIX_POWER * np.exp(stress + noise)
    return cast(Floats, np.clip(level, 58.0, 220.0))


def _skew_closes(states: States, seed: int) -> Floats:
    noise = autoregression(normals(seed, "SKEW", len(states.fast))[:, 0], 0.95)
    daily = normals(seed, "SKEW daily", len(states.fast))[:, 0]
    level = _SKEW_MEAN_PTS - 10 * np.clip(states.fast, -0.5, 1.0) + _SKEW_SD_PTS * noise + 1.5 * daily
    return cast(Floats, np.clip(level, 103.0, 183.0))


def _volatility_bars(code: str, states: States, rows: np.ndarray, seed: int) -> pd.DataFrame:
    close = volatility_closes(code, states, seed)[rows]
    draws = normals(seed, f"{code} bars", len(states.fast), 3)[rows]
    before = np.concatenate([close[:1], close[:-1]])
    opened = before * np.exp(0.45 * np.log(close / before) + 0.5 * _RANGE[code] * draws[:, 0])
    return _bars(rows, opened, close, _RANGE[code] * np.abs(draws[:, 1]), 0.8 * _RANGE[code] * np.abs(draws[:, 2]))


def _price_bars(states: States, rows: np.ndarray, seed: int) -> pd.DataFrame:
    close = decimals(np.exp(states.log_index)[rows], 2)
    draws = normals(seed, "SPX bars", len(states.fast), 3)[rows]
    spread = forward_volatility(states, np.array(0.0), 1.0)[rows] / 100 / np.sqrt(252)
    before = np.concatenate([close[:1], close[:-1]])
    opened = before * np.exp(0.3 * np.log(close / before) + 0.15 * spread * draws[:, 0])
    return _bars(rows, opened, close, 0.4 * spread * np.abs(draws[:, 1]), 0.4 * spread * np.abs(draws[:, 2]))


def _bars(rows: np.ndarray, opened: Floats, close: Floats, above: Floats, below: Floats) -> pd.DataFrame:
    opened = decimals(opened, 2)
    high = decimals(np.maximum(opened, close) * np.exp(above), 2)
    low = decimals(np.minimum(opened, close) * np.exp(-below), 2)
    # a session whose four prices are equal reads as a close without a range: leave it one
    high = np.where((high == low) & (opened == close), high + 0.01, high)
    return pd.DataFrame({"session": rows, "open_pts": opened, "high_pts": high, "low_pts": low, "close_pts": close})


def _strategy_closes(spx: Floats, vix: Floats, seed: int) -> dict[str, Floats]:
    """Plausible paths of Cboe's strategy indices; no option is priced behind them."""
    move = np.diff(np.log(spx), prepend=np.log(spx[:1]))
    vix_move = np.diff(np.log(vix), prepend=np.log(vix[:1]))
    daily_vol = np.concatenate([vix[:1], vix[:-1]]) / 100 / np.sqrt(252)
    noise = normals(seed, "strategies", len(spx), 3)
    carry = 0.10 * daily_vol**2
    paths = {
        "PUT": 0.62 * move - 0.9 * np.maximum(move**2 - daily_vol**2, -(daily_vol**2)) + 3 * carry,
        "PPUT": 0.75 * move + 0.8 * np.maximum(move**2 - daily_vol**2, 0) - 2 * carry,
        "CNDR": 0.15 * move - 0.35 * np.minimum(move**2 - daily_vol**2, 0.0025) + 0.02 / 252,
        "VXTH": 0.95 * move + 0.04 * np.maximum(vix_move - 0.15, 0) - 2 * carry,
    }
    return {
        code: 500 * np.exp(np.cumsum(np.clip(path, -0.2, 0.2) + 0.0008 * noise[:, number % 3]))
        for number, (code, path) in enumerate(paths.items())
    }
