"""S&P 500 Dynamic VEQTOR: a share in VIX futures by realised volatility and the trend of VIX, with a stop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.benchmarks.notes import NoteSeries, buy_share
from transforms.benchmarks.rolls import Nav, nav_by_session
from transforms.layers.codes import Layer
from transforms.ledger.rules import compute_bill_return
from transforms.positions.market import FuturesMarket
from transforms.positions.wants import LayerTargets, Leg, Want

Floats: TypeAlias = npt.NDArray[np.float64]

_TREND = {-1: "down", 0: "none", 1: "up"}


@dataclass(frozen=True, kw_only=True)
class VeqtorRules:
    """Numbers of the preset ``veqtor``, whose comment has the table.

    Parameters
    ----------
    edges_pts
        Of realised volatility: below the first three edges the first three rows, up to the fourth the fourth row,
        above it the fifth.
    weights_frac
        Shares in VIX futures of the five settings.
    fast_days, slow_days, confirm_days
        Means of VIX, and sessions in a row with one above the other that make a trend.
    stop_frac, stop_days
        Loss over so many sessions from which everything is in cash.
    """

    edges_pts: tuple[float, ...] = (10.0, 20.0, 35.0, 45.0)
    weights_frac: tuple[float, ...] = (0.025, 0.1, 0.15, 0.25, 0.4)
    fast_days: int = 5
    slow_days: int = 20
    confirm_days: int = 10
    stop_frac: float = 0.02
    stop_days: int = 5

    def weigh(self, realised_pts: float, trend: int) -> float:
        """Share in VIX futures; `trend` of VIX is -1, 0 or 1. NaN for an unknown volatility."""
        if math.isnan(realised_pts):
            return math.nan
        *lower, highest = self.edges_pts
        row = sum(realised_pts >= edge for edge in lower) + (realised_pts > highest)
        return self.weights_frac[min(max(row + trend, 0), len(self.weights_frac) - 1)]


def read_veqtor_rules(values: Mapping[str, float]) -> VeqtorRules:
    """Take the numbers out of a policy's by name.

    Raises
    ------
    KeyError
        One is missing.
    """
    return VeqtorRules(
        edges_pts=tuple(values[f"veqtor_edge_{number}_pts"] for number in range(1, 5)),
        weights_frac=tuple(values[f"veqtor_weight_{number}_frac"] for number in range(1, 6)),
        fast_days=int(values["veqtor_fast_days"]),
        slow_days=int(values["veqtor_slow_days"]),
        confirm_days=int(values["veqtor_confirm_days"]),
        stop_frac=values["veqtor_stop_frac"],
        stop_days=int(values["veqtor_stop_days"]),
    )


def compute_vix_trend(vix_pts: Floats, rules: VeqtorRules) -> npt.NDArray[np.int8]:
    """Trend of VIX at each close: 1 up, -1 down, 0 none or not yet known; int8 of shape (n,).

    Up when the fast mean has been above the slow one on each of the last ``confirm_days`` sessions, down when below.
    Sessions without a VIX are passed over and have the trend of the one before.
    """
    known = np.flatnonzero(np.isfinite(vix_pts))
    values = pd.Series(vix_pts[known])
    gap = values.rolling(rules.fast_days).mean() - values.rolling(rules.slow_days).mean()
    # equal means differ in their last digit
    sign = pd.Series(np.where(gap > 1e-9, 1.0, np.where(gap < -1e-9, -1.0, 0.0)))
    run = sign.rolling(rules.confirm_days).sum().to_numpy() / rules.confirm_days
    found = np.full(len(vix_pts), np.nan)
    found[known] = np.where(np.abs(run) == 1, run, 0.0)
    return pd.Series(found).ffill().fillna(0.0).to_numpy().astype(np.int8)


def build_veqtor_targets(
    market: FuturesMarket,
    nav_usd: Nav,
    rules: VeqtorRules,
    series: NoteSeries,
    spx_close_pts: Floats,
    realised_pts: Floats,
) -> tuple[LayerTargets, pd.DataFrame]:
    """Targets of the hedge part of VEQTOR, and the whole index they belong to.

    Parameters
    ----------
    market
        n sessions, with the VIX of each.
    nav_usd
        Net asset value, one or float64 of shape (n,): of the whole, equity and hedge.
    rules
        Table, trend and stop.
    series
        Note on the short-term index.
    spx_close_pts
        float64, shape (n,): S&P 500, a price index; NaN unknown.
    realised_pts
        float64, shape (n,): one-month realised volatility of it, annualised, x100; NaN unknown.

    Returns
    -------
    targets
        The share in the note, set at every close; whole units, rounded down. Sessions without a level of either
        index, or without a realised volatility, keep the target; before the first one nothing is wanted.
    details
        One row a session: ``trade_date``, ``realised_pts``, ``vix_trend`` (``up``, ``none``, ``down``),
        ``hedge_share_frac`` and ``equity_share_frac`` (of NAV, decided at this close; both 0 while stopped, NaN where
        unknown), ``is_stopped``, ``shadow_level`` (100 at its start), ``shadow_loss_frac`` (over ``stop_days``).

    Notes
    -----
    The stop needs the return of the whole index. It is derived: a shadow index of S&P 500 prices without dividends,
    the note without costs, and Treasury bills while stopped, with shares traded a session after they were decided,
    like the targets. It leaves cash on the first close on which the loss of the window is smaller than the stop.
    """
    nav = nav_by_session(market, nav_usd)
    trends = compute_vix_trend(market.vix_pts, rules)
    wants: list[Want] = []
    rows: list[tuple[object, ...]] = []
    legs: tuple[Leg, ...] = ()
    said = "realised volatility is not known yet"
    shadow = _Shadow(market, series, spx_close_pts)
    decided: tuple[float, float] = (math.nan, math.nan)
    is_stopped = False
    for session in range(len(market)):
        realised, trend = float(realised_pts[session]), int(trends[session])
        weight = rules.weigh(realised, trend)
        if shadow.step(session, decided) and math.isfinite(weight):
            loss = shadow.loss(rules.stop_days)
            is_stopped = loss >= rules.stop_frac
            decided = (0.0, 0.0) if is_stopped else (weight, 1 - weight)
            legs = () if is_stopped else buy_share(series, session, weight * float(nav[session]))
            said = (
                f"stopped: lost {loss:.2%} in {rules.stop_days} sessions"
                if is_stopped
                else f"{weight:.1%} of NAV: realised volatility {realised:.1f}, trend of VIX {_TREND[trend]}"
            )
            wants.append(Want(legs, said))
        else:
            wants.append(Want(legs, "an input is unknown: target as before" if legs else said))
        level, loss = shadow.level, shadow.loss(rules.stop_days)
        rows.append((pd.Timestamp(market.days[session]), realised, _TREND[trend], *decided, is_stopped, level, loss))
    names = ["trade_date", "realised_pts", "vix_trend", "hedge_share_frac", "equity_share_frac"]
    details = pd.DataFrame(rows, columns=[*names, "is_stopped", "shadow_level", "shadow_loss_frac"])
    return LayerTargets(Layer.BASE, tuple(wants)), details.astype({"trade_date": "datetime64[us]"})


class _Shadow:
    """The whole index on sessions on which both parts have a level; shares are traded a session after the decision."""

    def __init__(self, market: FuturesMarket, series: NoteSeries, spx_close_pts: Floats) -> None:
        self._market, self._series, self._spx = market, series, spx_close_pts
        self._last: int | None = None
        self._shares = (math.nan, math.nan)
        self._history = [100.0]

    @property
    def level(self) -> float:
        """100 at the start."""
        return self._history[-1]

    def loss(self, sessions: int) -> float:
        """Loss over the last sessions, as a fraction; over fewer at the start."""
        return 1 - self.level / self._history[max(len(self._history) - 1 - sessions, 0)]

    def step(self, session: int, decided: tuple[float, float]) -> bool:
        """Go on to a session, on which shares decided before are traded; False where a part has no level."""
        code = self._series.codes[session]
        if code is None or math.isnan(self._spx[session]):
            return False
        if self._last is not None and not math.isnan(self._shares[0]):
            self._history.append(self.level * (1 + self._return(self._last, session, code)))
        self._last, self._shares = session, decided
        return True

    def _return(self, since: int, session: int, code: str) -> float:
        hedge, equity = self._shares
        levels = self._series.levels[code]
        # the first level of a new chain has no return: the note's part is then unknown and counted as none
        note = levels[session] / levels[since] - 1 if math.isfinite(levels[since]) else 0.0
        spx = self._spx[session] / self._spx[since] - 1
        days = (self._market.days[session] - self._market.days[since]).days
        bill = compute_bill_return(float(self._market.bill_discount_rate_frac[since]), days)
        cash = (1 - hedge - equity) * bill if math.isfinite(bill) else 0.0
        return float(hedge * note + equity * spx + cash)
