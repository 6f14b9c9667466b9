"""Made-up markets for the model condor, and its settings as they are shipped."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from transforms.calendar import sessions
from transforms.portfolio.condor import MARKET_COLUMNS, CondorPath
from transforms.portfolio.settings import condor_settings
from transforms.registry import parameters

# The account of the worked example in docs/book.md, whatever the model account is.
VALUES = {name: entry.value for name, entry in parameters().items()} | {"model_nav_usd": 1_000_000.0}
SETTINGS = condor_settings(VALUES)
FIRST, ROLL, NEXT_ROLL, LAST = date(2024, 1, 16), date(2024, 1, 19), date(2024, 2, 16), date(2024, 4, 30)


def make_market(first: date = FIRST, last: date = LAST, **changes: float) -> pd.DataFrame:
    days = sessions("XNYS", first, last)
    values = {"spx_close_pts": 5000.0, "vix_close_pts": 20.0, "bill_discount_rate_frac": 0.05} | changes
    frame = pd.DataFrame({"trade_date": pd.to_datetime(pd.Series(days)), **values})
    return frame.reindex(columns=["trade_date", *MARKET_COLUMNS])


def wandering(first: date, last: date, seed: int = 1) -> pd.DataFrame:
    """A made-up market with moves of the real size."""
    market = make_market(first, last)
    random = np.random.default_rng(seed)
    steps = random.standard_t(4, len(market)) * 0.009
    market["spx_close_pts"] = 1200 * np.exp(np.cumsum(steps))
    market["vix_close_pts"] = 12 + 60 * pd.Series(np.abs(steps)).ewm(span=15).mean() / 0.02
    for name, ratio in (("vix9d_close_pts", 0.95), ("vix3m_close_pts", 1.08)):
        market[name] = market["vix_close_pts"] * ratio
    return market


def put(market: pd.DataFrame, day: date, column: str, value: float) -> pd.DataFrame:
    changed = market.copy()
    changed.loc[changed["trade_date"] == pd.Timestamp(day), column] = value
    return changed


def at(path: CondorPath, day: date) -> pd.Series:
    return path.sessions.set_index("trade_date").loc[pd.Timestamp(day)]
