"""Made-up daily values for calibrations: random walks with holes, on a calendar with holidays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from transforms.calibration import CalibrationFrames
from transforms.options.black76 import compute_black76_delta

NAMES = ("daily", "volatility", "chain_expiries", "chain_sessions")


def weekdays(first: str, count: int, closed: tuple[str, ...] = ()) -> pd.Series:
    """Weekdays from a day on, without those that are closed."""
    days = pd.bdate_range(first, periods=count + len(closed))
    return pd.Series(days[~days.isin(pd.to_datetime(list(closed)))][:count]).astype("datetime64[us]")


def draw_frames(
    seed: int, sessions: pd.Series, known: int, *, holes: float = 0.02, chains: float = 0.3
) -> CalibrationFrames:
    """Daily values of the first ``known`` sessions of a calendar; a share of them is missing."""
    rng = np.random.default_rng(seed)
    days = sessions.iloc[:known].reset_index(drop=True)

    def spoiled(values: np.ndarray) -> np.ndarray:
        return np.where(rng.random(len(values)) < holes, np.nan, values)

    daily = pd.DataFrame({"trade_date": days})
    for rank in (1, 2):
        daily[f"vx{rank}_settle_pts"] = spoiled(20 + rank + rng.normal(0, 3, known).clip(-8, 20))
        daily[f"vx{rank}_held_change_pts"] = spoiled(rng.normal(-0.05, 1, known))
    for place in ("front", "second"):
        daily[f"roll_down_{place}_frac"] = spoiled(rng.normal(-0.05, 0.04, known))
    for rank in range(1, 5):
        daily[f"vx{rank}_beta_ratio"] = spoiled(rng.normal(0.7 / rank, 0.05, known))
        daily[f"is_vx{rank}_paired"] = rng.random(known) > holes
    z = spoiled(np.convolve(rng.normal(0, 1, known + 9), np.ones(10) / 3, "valid"))
    volatility = pd.DataFrame({"trade_date": days, "rv_excursion_z": z, "rv_excursions": np.floor(np.maximum(z, 0))})
    with_chain = days[rng.random(known) < chains]
    expiries = pd.concat(
        [
            pd.DataFrame(
                {
                    "trade_date": with_chain,
                    "calendar_days_to_expiry": left,
                    "years_to_expiry": left / 365,
                    "discount_frac": 0.99,
                    "atm_vol_frac": rng.uniform(0.6, 1.2, len(with_chain)),
                    "vol_25d_call_frac": rng.uniform(0.9, 1.5, len(with_chain)),
                    "vol_25d_put_frac": spoiled(rng.uniform(0.5, 0.9, len(with_chain))),
                    "expiry_status": rng.choice(["ok", "ok", "quotes_disagree"], len(with_chain)),
                }
            )
            for left in (20, 48, 300)
        ]
    )
    chain_sessions = pd.DataFrame(
        {
            "trade_date": with_chain,
            "chain_term_exponent": spoiled(rng.uniform(0.2, 0.6, len(with_chain))),
            "chain_term_vol30_frac": rng.uniform(0.7, 1.2, len(with_chain)),
            "vvix_close_pts": spoiled(rng.uniform(80, 120, len(with_chain))),
        }
    )
    return CalibrationFrames(
        pd.DataFrame({"session_date": sessions}),
        daily,
        volatility,
        expiries.sort_values(["trade_date", "calendar_days_to_expiry"], ignore_index=True),
        chain_sessions.reset_index(drop=True),
    )


def cut(frames: CalibrationFrames, last: pd.Timestamp) -> CalibrationFrames:
    """What was known at the close of a session; the calendar is published ahead."""
    tables = {name: getattr(frames, name) for name in NAMES}
    return replace(
        frames, **{name: table[table["trade_date"] <= last].reset_index(drop=True) for name, table in tables.items()}
    )


def spoil_after(frames: CalibrationFrames, last: pd.Timestamp) -> CalibrationFrames:
    """Another future: every number after a session is another one."""
    changed = {}
    for name in NAMES:
        table = getattr(frames, name).copy()
        numbers = [column for column, kind in table.dtypes.items() if str(kind) == "float64"]
        table.loc[table["trade_date"] > last, numbers] = table.loc[table["trade_date"] > last, numbers] * -3 + 7
        changed[name] = table
    return replace(frames, **changed)


def linear_smile(level: float, slope: float, years: float, discount: float) -> tuple[float, float]:
    """Volatilities with 25 delta, call and put, of ``level (1 + slope ln(K/F))``, solved on the pricing formula."""

    def volatility(k: float) -> float:
        return level * (1 + slope * k)

    def miss(k: float, is_call: bool) -> float:
        delta = compute_black76_delta(1.0, np.exp(k), years, volatility(k), discount, is_call)
        return abs(float(delta)) - 0.25

    call, put = brentq(miss, 0.0, 1.5, args=(True,)), brentq(miss, -0.9, 0.0, args=(False,))
    return volatility(call), volatility(put)
