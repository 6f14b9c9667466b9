"""Small made-up markets for positions and ledger: a few monthlies, states drawn by hand or at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.layers import LayerPath, LayerState
from transforms.options.black76 import compute_black76_delta, compute_black76_price
from transforms.positions import FuturesMarket, Leg, Marks, OptionQuote, OptionStructure, VixOption

NAV_USD = 1_000_000.0
UNKNOWN = float("nan")

_CODES = ("base_state", "temporal_state", "second_state", "base_reason", "temporal_reason", "second_reason")
_CODES_TOO = ("temporal_steps", "base_roll", "held_rank", "mode", "guards")
_FLOATS = ("base_pnl_frac", "temporal_pnl_frac", "temporal_pnl_since_entry_frac", "trailing_pnl_frac")


def make_path(sessions: int, **columns: Sequence[float] | npt.NDArray[Any]) -> LayerPath:
    """States of n sessions: base active in the front month, the other layers idle, but for the given columns."""
    arrays: dict[str, npt.NDArray[Any]] = dict.fromkeys((*_CODES, *_CODES_TOO), np.zeros(sessions, np.int8))
    arrays |= dict.fromkeys((*_FLOATS, "gains_rolled_frac"), np.zeros(sessions))
    arrays["base_state"] = np.full(sessions, LayerState.ACTIVE, np.int8)
    arrays["held_rank"] = np.ones(sessions, np.int8)
    for name, values in columns.items():
        arrays[name] = np.asarray(values, arrays[name].dtype)
    return LayerPath(**arrays)


def make_market(
    days: Sequence[date],
    prices: Mapping[date, Sequence[float]],
    *,
    vix: Sequence[float] | None = None,
    betas: Sequence[float] = (0.6, 0.4, 0.3, 0.25),
    bill: float | Sequence[float] = UNKNOWN,
) -> FuturesMarket:
    """Market of monthlies by expiry; each is listed on every session before its expiry."""
    expiries = sorted(prices)
    sessions = len(days)
    ranked = np.full((sessions, 4), -1, np.int32)
    for row, day in enumerate(days):
        listed = [column for column, expiry in enumerate(expiries) if expiry > day][:4]
        ranked[row, : len(listed)] = listed
    settle = np.array([prices[expiry] for expiry in expiries], dtype=float).T
    for row, day in enumerate(days):
        for column, expiry in enumerate(expiries):
            # a contract has one value after its end at most: the final one
            if day > expiry and row and days[row - 1] >= expiry and not np.isnan(settle[row - 1, column]):
                settle[row:, column] = np.nan
    return FuturesMarket(
        days=list(days),
        expiries=expiries,
        settle_pts=settle,
        ranked=ranked,
        vix_pts=np.full(sessions, UNKNOWN) if vix is None else np.asarray(vix, float),
        betas=np.tile(np.asarray(betas, float), (sessions, 1)),
        bill_discount_rate_frac=np.broadcast_to(np.asarray(bill, float), (sessions,)).copy(),
    )


@dataclass(frozen=True)
class BlackPricer:
    """VIX options by Black-76 on the market's own futures; `missing` has no price on those sessions."""

    market: FuturesMarket
    volatilities: npt.NDArray[np.float64]
    half_spread_pts: float = 0.05
    missing: frozenset[int] = field(default_factory=frozenset)

    def quote(self, session: int, option: VixOption) -> OptionQuote | None:
        terms = self._terms(session, session, option)
        if terms is None or session in self.missing:
            return None
        price, delta = compute_black76_price(*terms), compute_black76_delta(*terms)
        return OptionQuote(float(price), self.half_spread_pts, float(delta), True)

    def pass_time(self, since: int, session: int, option: VixOption) -> float:
        terms = self._terms(since, session, option)
        return UNKNOWN if terms is None else float(compute_black76_price(*terms))

    def _terms(
        self, known: int, session: int, option: VixOption
    ) -> tuple[float, float, float, float, float, bool] | None:
        ticks = self.market.settled_ticks(known, option.expiry)
        if not ticks:
            return None
        years = max((option.expiry - self.market.days[session]).days, 0) / 365
        return ticks / 10_000, option.strike_pts, years, float(self.volatilities[known]), 1.0, option.is_call


def construct_calendar(market: FuturesMarket) -> Any:
    """A constructor: call spread of the second month against a call of the fourth, strikes by the future."""

    def construct(session: int, nav_usd: float) -> OptionStructure | str:
        near, far = market.expiry_at(session, 2), market.expiry_at(session, 4)
        ticks = market.settled_ticks(session, near) if near is not None else None
        if near is None or far is None or not ticks:
            return "no such months"
        strike = float(round(ticks / 10_000 * 1.1) + 1)
        contracts = int(0.005 * nav_usd / 500)
        if not contracts:
            return "too small"
        legs = (
            Leg(VixOption(near, strike), -contracts),
            Leg(VixOption(near, strike + 5), contracts),
            Leg(VixOption(far, strike + 2), contracts),
        )
        return OptionStructure(legs, "calendar")

    return construct


@dataclass(frozen=True)
class Scene:
    """A random market with states."""

    market: FuturesMarket
    path: LayerPath
    pricer: BlackPricer
    condor_vega_usd: npt.NDArray[np.float64]

    @property
    def marks(self) -> Marks:
        return Marks(self.market, self.pricer)


def draw_scene(seed: int, sessions: int = 90, first: date = date(2020, 6, 1)) -> Scene:
    """A random market over the first session of VXM: prices, VIX and rates missing here and there, sticky states."""
    rng = np.random.default_rng(seed)
    days = [first + timedelta(days=number) for number in range(2 * sessions)]
    days = [day for day in days if day.weekday() < 5][:sessions]
    expiries = [first + timedelta(days=int(9 + 28 * number + rng.integers(0, 3))) for number in range(8)]
    level = 18 * np.exp(np.cumsum(rng.normal(0, 0.05, sessions)))
    level = np.clip(level, 9, 90)
    prices = {}
    for number, expiry in enumerate(expiries):
        pull = np.array([np.exp(-max((expiry - day).days, 0) / 120) for day in days])
        values = np.round(20 + (level - 20) * pull + rng.normal(0, 0.1, sessions), 4)
        values[rng.random(sessions) < rng.choice([0, 0.05, 0.3])] = UNKNOWN
        prices[expiry] = np.maximum(values, 5 + number)
    vix = np.where(rng.random(sessions) < 0.1, UNKNOWN, np.round(level, 2))
    bill = np.where(rng.random(sessions) < 0.1, UNKNOWN, 0.04)
    market = make_market(days, prices, vix=vix, bill=bill)
    betas = np.where(rng.random(market.betas.shape) < 0.1, UNKNOWN, market.betas)
    market = replace(market, betas=betas)

    def stick(values: Sequence[int], odds: Sequence[float], stay: float) -> npt.NDArray[np.int8]:
        drawn = rng.choice(values, sessions, p=odds)
        is_new = rng.random(sessions) >= stay
        is_new[0] = True
        return drawn[np.maximum.accumulate(np.where(is_new, np.arange(sessions), 0))].astype(np.int8)

    rank = stick([1, 2], [0.6, 0.4], 0.9)
    path = make_path(
        sessions,
        base_state=stick([0, 2, 3], [0.1, 0.75, 0.15], 0.9),
        held_rank=rank,
        base_roll=(np.diff(rank, prepend=rank[:1]) > 0).astype(np.int8),
        temporal_steps=stick([0, 1, 2, 3], [0.3, 0.3, 0.2, 0.2], 0.85),
        second_state=stick([0, 1, 2, 3], [0.2, 0.15, 0.5, 0.15], 0.9),
        gains_rolled_frac=np.where(rng.random(sessions) < 0.1, 0.003, 0.0),
    )
    missing = frozenset(np.flatnonzero(rng.random(sessions) < 0.08).tolist())
    pricer = BlackPricer(market, np.round(rng.uniform(0.6, 1.4, sessions), 3), 0.05, missing)
    condor = np.where(rng.random(sessions) < 0.3, UNKNOWN, -rng.uniform(0, 3000, sessions))
    return Scene(market, path, pricer, condor)


def bend_after(scene: Scene, other: Scene, cut: int) -> Scene:
    """A scene that is this one up to a session, and has another's market, states and options after it."""
    market = scene.market
    is_later = np.arange(len(market)) > cut

    def bend(values: npt.NDArray[np.float64], by: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(is_later.reshape(-1, *[1] * (values.ndim - 1)), by, values)

    changed = replace(
        market,
        settle_pts=bend(market.settle_pts, np.round(market.settle_pts * 1.7 + 3, 4)),
        vix_pts=bend(market.vix_pts, other.market.vix_pts),
        betas=bend(market.betas, other.market.betas * 0.5),
        bill_discount_rate_frac=bend(market.bill_discount_rate_frac, other.market.vix_pts / 1000),
    )
    columns = {name: np.where(is_later, getattr(other.path, name), values) for name, values in vars(scene.path).items()}
    missing = {one for one in scene.pricer.missing if one <= cut} | {one for one in other.pricer.missing if one > cut}
    volatilities = bend(scene.pricer.volatilities, other.pricer.volatilities)
    return replace(
        scene,
        market=changed,
        path=replace(scene.path, **columns),
        pricer=replace(scene.pricer, market=changed, volatilities=volatilities, missing=frozenset(missing)),
        condor_vega_usd=bend(scene.condor_vega_usd, other.condor_vega_usd),
    )
