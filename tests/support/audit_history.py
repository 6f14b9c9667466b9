"""Histories for the audit's tests: a VIX with spells above 25, and layers whose P&L the test chooses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.audit import PolicyHistory
from transforms.ledger.table import PORTFOLIO

Floats = npt.NDArray[np.float64]

NAV_USD = 1_000_000.0
LAYERS = ("base", "temporal_vega", "second_engine")
AMOUNTS = (
    *("pnl_usd", "roll_usd", "interest_usd", "credit_received_usd", "credit_kept_usd", "protection_cost_usd"),
    *("margin_usd", "notional_usd"),
)


def list_sessions(count: int, first: str = "2006-01-02") -> pd.DatetimeIndex:
    return pd.bdate_range(first, periods=count, unit="us")


def draw_vix(seed: int, count: int) -> Floats:
    """Log-AR(1) around 18, above 25 on about an eighth of the days, in short runs, as the real one."""
    shocks = np.random.default_rng(seed).normal(0.0, 0.075, count)
    level = np.empty(count)
    level[0] = 0.0
    for day in range(1, count):
        level[day] = 0.965 * level[day - 1] + shocks[day]
    return 18.0 * np.exp(level)


def make_history(
    vix_close_pts: Floats,
    amounts: Mapping[str, Mapping[str, Floats | float]] | None = None,
    sessions: Mapping[str, object] | None = None,
    first: str = "2006-01-02",
    policy: str = "test",
) -> PolicyHistory:
    """Build a history in which every layer holds a margin of 10,000 and books nothing, except for what is given.

    Parameters
    ----------
    amounts
        By layer, by column of the ledger. The portfolio is the sum of the layers where it is not given.
    sessions
        Further or other columns of the sessions.
    """
    count = len(vix_close_pts)
    days = list_sessions(count, first)
    given = amounts or {}
    layers: dict[str, pd.DataFrame] = {}
    for layer in LAYERS:
        frame = pd.DataFrame({name: np.zeros(count) for name in AMOUNTS}).assign(margin_usd=10_000.0, notional_usd=2e4)
        for name, values in given.get(layer, {}).items():
            frame[name] = np.broadcast_to(np.asarray(values, np.float64), count).copy()
        layers[layer] = frame
    whole = layers["base"] + layers["temporal_vega"] + layers["second_engine"]
    for name, values in given.get(PORTFOLIO, {}).items():
        whole[name] = np.broadcast_to(np.asarray(values, np.float64), count).copy()
    layers[PORTFOLIO] = whole
    ledger = pd.concat(
        [frame.assign(trade_date=days, layer=layer) for layer, frame in layers.items()], ignore_index=True
    )
    table = pd.DataFrame(
        {"trade_date": days, "nav_usd": NAV_USD, "vix_close_pts": vix_close_pts, "contango_frac": 0.05}
    )
    return PolicyHistory(policy, table.assign(**dict(sessions or {})), ledger)
