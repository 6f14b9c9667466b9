"""What a sweep gives: sums and measures of every policy and layer, and daily amounts where they were asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.layers.codes import Layer
from transforms.ledger.table import PORTFOLIO
from transforms.positions.money import CENTS_PER_USD
from transforms.sweep.arrays import (
    COLUMN_NAMES,
    DRAWDOWN,
    HELD_SESSIONS,
    HIGHEST_MARGIN,
    MEASURES_COUNT,
    PNL,
    SQUARES,
    WORST,
)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LAYER_NAMES = (*(layer.value for layer in Layer), PORTFOLIO)
"""Order of the layers in every array of a result."""

AMOUNT_NAMES = COLUMN_NAMES
"""Amounts by name: those of the ledger's account, and ``pnl``, the sum of its pieces."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepSums:
    """What a row of a sweep is made of: p policies over n sessions, in the order they were given.

    Parameters
    ----------
    totals_cents
        As of `SweepResult`.
    net_cents
        int64, shape (p, n): daily P&L of the portfolio without interest.
    """

    totals_cents: Mapping[str, Ints]
    net_cents: Ints

    def __len__(self) -> int:
        """Policies."""
        return len(self.net_cents)

    @property
    def self_funding_ratio(self) -> Floats:
        """As `compute_self_funding`."""
        return compute_self_funding(self.totals_cents)


def compute_self_funding(totals_cents: Mapping[str, Ints]) -> Floats:
    """Credits kept over the net cost of protection, all history; NaN where protection cost nothing or gained.

    Parameters
    ----------
    totals_cents
        Sums by name of `AMOUNT_NAMES`.
    """
    kept, cost = totals_cents["credit_kept"], totals_cents["protection_cost"]
    is_defined = cost > 0
    return np.where(is_defined, kept / np.where(is_defined, cost, 1), math.nan)


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepResult:
    """p policies over n sessions, in the order they were given; the second axis is `LAYER_NAMES`.

    Parameters
    ----------
    sessions
        n.
    totals_cents
        By name of `AMOUNT_NAMES`, int64, shape (p, 4): sums over all sessions, cents (``unmarked`` and
        ``interest_unknown`` are counts); ``margin`` is the sum of the daily levels, ``short_open`` the last level.
    pnl_sd_usd
        float64, shape (p, 4): standard deviation of the daily P&L (divisor n - 1); NaN with one session.
    worst_day_usd
        float64, shape (p, 4): least daily P&L, not above 0.
    max_drawdown_usd
        float64, shape (p, 4): largest fall of the cumulated P&L from its highest value so far, from 0 on; not negative.
    highest_margin_usd
        float64, shape (p, 4).
    held_sessions
        int64, shape (p, 4): closes at which something was held.
    daily_cents
        By name of the amounts that were kept, int64, shape (p, n, 4); empty when none was.
    """

    sessions: int
    totals_cents: Mapping[str, Ints]
    pnl_sd_usd: Floats
    worst_day_usd: Floats
    max_drawdown_usd: Floats
    highest_margin_usd: Floats
    held_sessions: Ints
    daily_cents: Mapping[str, Ints]

    def __len__(self) -> int:
        """Policies."""
        return len(self.held_sessions)

    @property
    def self_funding_ratio(self) -> Floats:
        """As `compute_self_funding`."""
        return compute_self_funding(self.totals_cents)

    def to_frame(self) -> pd.DataFrame:
        """One row a policy and layer: ``policy`` (number), ``layer``, every sum in dollars, every measure."""
        policies = len(self)
        table: dict[str, object] = {
            "policy": np.repeat(np.arange(policies), len(LAYER_NAMES)),
            "layer": np.tile(LAYER_NAMES, policies),
        }
        for name, values in self.totals_cents.items():
            if name in ("unmarked", "interest_unknown"):
                table[f"{name}_count"] = values.reshape(-1)
            elif name == "margin":
                table["mean_margin_usd"] = values.reshape(-1) / CENTS_PER_USD / max(self.sessions, 1)
            else:
                table[f"{name}_usd"] = values.reshape(-1) / CENTS_PER_USD
        names = ("pnl_sd_usd", "worst_day_usd", "max_drawdown_usd", "highest_margin_usd", "held_sessions")
        table |= {name: getattr(self, name).reshape(-1) for name in names}
        table["self_funding_ratio"] = self.self_funding_ratio.reshape(-1)
        return pd.DataFrame(table)


def build_result(sessions: int, totals: Ints, measures: Floats, kept: Sequence[str], daily: Ints | None) -> SweepResult:
    """Name what the compiled walk wrote.

    Parameters
    ----------
    totals, measures
        Shapes (p, 4, columns) and (p, 4, measures): see `transforms.sweep.arrays`.
    kept, daily
        Names of the daily amounts, and they themselves, shape (p, n, 4, names).
    """
    pnl = totals[:, :, PNL].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = measures[:, :, SQUARES] - pnl * pnl / sessions
        variance = np.maximum(squares, 0.0) / (sessions - 1 if sessions > 1 else math.nan)
    return SweepResult(
        sessions=sessions,
        totals_cents=name_totals(totals),
        pnl_sd_usd=np.sqrt(variance) / CENTS_PER_USD,
        worst_day_usd=measures[:, :, WORST] / CENTS_PER_USD,
        max_drawdown_usd=measures[:, :, DRAWDOWN] / CENTS_PER_USD,
        highest_margin_usd=measures[:, :, HIGHEST_MARGIN] / CENTS_PER_USD,
        held_sessions=measures[:, :, HELD_SESSIONS].astype(np.int64),
        daily_cents={} if daily is None else {name: daily[:, :, :, place] for place, name in enumerate(kept)},
    )


def name_totals(totals: Ints) -> dict[str, Ints]:
    """Name the columns of sums, shape (p, 4, columns)."""
    return {name: totals[:, :, column] for column, name in enumerate(COLUMN_NAMES)}


def join_results(parts: Sequence[SweepResult], sessions: int) -> SweepResult:
    """Put the results of chunks one after the other; without any chunk, a result of no policy."""
    if not parts:
        empty = np.zeros((0, len(LAYER_NAMES), len(COLUMN_NAMES)), np.int64)
        return build_result(sessions, empty, np.zeros((0, len(LAYER_NAMES), MEASURES_COUNT)), (), None)
    joined: dict[str, object] = {"sessions": sessions}
    for field in fields(SweepResult):
        values = [getattr(part, field.name) for part in parts]
        if isinstance(values[0], Mapping):
            joined[field.name] = {name: np.concatenate([value[name] for value in values]) for name in values[0]}
        elif field.name != "sessions":
            joined[field.name] = np.concatenate(values)
    return SweepResult(**joined)  # type: ignore[arg-type]  # the fields are its own
