"""Made-up markets on the exchange's own sessions and settlement dates, with VIX options from the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.support.ledger_market import UNKNOWN, make_market
from transforms.benchmarks import BenchmarkInputs
from transforms.calendar import sessions, vx_monthly_settlement_dates
from transforms.options.model_surface import PricingRules
from transforms.options.pricing import price_options
from transforms.positions import FuturesMarket
from transforms.positions.priced import PricedOptions, build_priced_options
from transforms.positions.wants import LayerTargets

Floats = npt.NDArray[np.float64]

NAV_USD = 1_000_000.0
FIRST, LAST = date(2023, 1, 3), date(2023, 6, 30)
JAN, FEB, MAR, APR = date(2023, 1, 18), date(2023, 2, 15), date(2023, 3, 22), date(2023, 4, 19)


def market_days(first: date = FIRST, last: date = LAST) -> list[date]:
    return list(sessions("XCBF", first, last))


def flat_market(level: float, first: date = FIRST, last: date = LAST, vix: float | None = None) -> FuturesMarket:
    """Every contract settles at one level on every session."""
    days = market_days(first, last)
    return curve_market(days, lambda _day, _expiry: level, [level if vix is None else vix] * len(days))


def curve_market(
    days: Sequence[date], price: Callable[[date, date], float], vix: Sequence[float], bill: float = 0.04
) -> FuturesMarket:
    """Monthlies of the exchange from the first day to a year past the last, priced by session and expiry."""
    horizon = days[-1].replace(year=days[-1].year + 1)
    expiries = [month.expiry_date for month in vx_monthly_settlement_dates(days[0], horizon)]
    expiries = [expiry for expiry in expiries if expiry > days[0]]
    prices = {expiry: [price(day, expiry) for day in days] for expiry in expiries}
    return make_market(days, prices, vix=vix, bill=bill)


@dataclass(frozen=True)
class ModelOptions:
    """VIX options by the listing rule and the model, on a market's futures; satisfies `OptionSource`."""

    market: FuturesMarket
    vvix_pts: Floats
    rules: PricingRules = field(default_factory=PricingRules)
    quotes: pd.DataFrame | None = None

    def price(self, needs: pd.DataFrame) -> pd.DataFrame:
        return price_options(needs, self._expiries(), rules=self.rules)

    def price_for(self, futures: FuturesMarket, needs: pd.DataFrame) -> PricedOptions:
        return build_priced_options(futures.days, self.price(needs))

    def _expiries(self) -> pd.DataFrame:
        count, months = self.market.settle_pts.shape
        return pd.DataFrame(
            {
                "trade_date": np.repeat(pd.to_datetime(list(self.market.days)), months),
                "expiry_date": np.tile(pd.to_datetime(list(self.market.expiries)), count),
                "future_pts": self.market.settle_pts.ravel(),
                "vvix_pts": np.repeat(self.vvix_pts, months),
                "bill_discount_rate_frac": np.repeat(self.market.bill_discount_rate_frac, months),
            }
        )


@dataclass(frozen=True)
class FrameOptions:
    """VIX options by the listing rule and the model, on a frame of `price_options`."""

    expiries: pd.DataFrame
    rules: PricingRules
    quotes: pd.DataFrame | None = None

    def price(self, needs: pd.DataFrame) -> pd.DataFrame:
        return price_options(needs, self.expiries, rules=self.rules)

    def price_for(self, futures: FuturesMarket, needs: pd.DataFrame) -> PricedOptions:
        return build_priced_options(futures.days, self.price(needs))


def model_options(market: FuturesMarket, vvix: float = 90.0, **more: float) -> ModelOptions:
    return ModelOptions(market, np.full(len(market), vvix), PricingRules(**more))


def inputs_of(market: FuturesMarket, *, vvix: float = 90.0, **more: object) -> BenchmarkInputs:
    """Inputs with everything: a slowly falling index, a rising S&P 500, a quiet realised volatility."""
    count = np.arange(len(market))
    given: dict[str, object] = {
        "nav_usd": NAV_USD,
        "options": model_options(market, vvix),
        "short_term_tr": 100 * 0.997**count,
        "spx_close_pts": 4000 * 1.0004**count,
        "spx_rv_pts": np.full(len(market), 15.0),
    }
    return BenchmarkInputs(market=market, **(given | more))  # type: ignore[arg-type]


def draw_inputs(seed: int, first: date = date(2019, 6, 3), length: int = 200) -> BenchmarkInputs:
    """A random market over the start of VXM: levels with jumps, values missing here and there."""
    rng = np.random.default_rng(seed)
    days = market_days(first, date(first.year + 2, 6, 30))[:length]
    level = 17 * np.exp(np.cumsum(rng.normal(0, 0.06, length) + np.where(rng.random(length) < 0.02, 0.5, -0.004)))
    level = dict(zip(days, np.clip(level, 9, 85), strict=True))
    bump = rng.normal(0, 0.02, (length, 40))
    missing = rng.random((length, 40)) < rng.choice([0.0, 0.03])
    at = {day: number for number, day in enumerate(days)}

    def price(day: date, expiry: date) -> float:
        column = ((expiry.year - first.year) * 12 + expiry.month) % 40
        if missing[at[day], column]:
            return UNKNOWN
        pull = np.exp(-max((expiry - day).days, 0) / 100)
        return round(float((20 + (level[day] - 20) * pull) * np.exp(bump[at[day], column])), 4)

    def hide(values: Floats, odds: float) -> Floats:
        return np.where(rng.random(length) < odds, np.nan, values)

    vix = hide(np.array([round(value, 2) for value in level.values()]), 0.03)
    market = curve_market(days, price, vix.tolist())
    options = ModelOptions(market, hide(np.full(length, 95.0), 0.03))
    tr = hide(300 * np.exp(np.cumsum(rng.normal(-0.01, 0.05, length))), 0.03)
    spx = hide(3000 * np.exp(np.cumsum(rng.normal(0, 0.012, length))), 0.03)
    realised = hide(np.exp(rng.normal(2.8, 0.6, length)), 0.03)
    broken = int(rng.integers(length // 4, length))
    bases = [days[0] if number < broken else days[broken] for number in range(length)]
    nav = float(rng.choice([NAV_USD, 25_000_000.0]))
    return BenchmarkInputs(
        market=market,
        nav_usd=nav,
        options=options,
        short_term_tr=tr,
        short_term_base_dates=bases,
        spx_close_pts=spx,
        spx_rv_pts=realised,
    )


def cut_inputs(inputs: BenchmarkInputs, count: int) -> BenchmarkInputs:
    """The same, as it was known at the close of session `count - 1`."""
    whole = inputs.market
    market = FuturesMarket(
        days=whole.days[:count],
        expiries=whole.expiries,
        settle_pts=whole.settle_pts[:count],
        ranked=whole.ranked[:count],
        vix_pts=whole.vix_pts[:count],
        betas=whole.betas[:count],
        bill_discount_rate_frac=whole.bill_discount_rate_frac[:count],
    )
    options = inputs.options
    assert isinstance(options, ModelOptions)
    assert inputs.short_term_tr is not None
    assert inputs.short_term_base_dates is not None
    assert inputs.spx_close_pts is not None
    assert inputs.spx_rv_pts is not None
    return replace(
        inputs,
        market=market,
        options=replace(options, market=market, vvix_pts=options.vvix_pts[:count]),
        short_term_tr=inputs.short_term_tr[:count],
        short_term_base_dates=inputs.short_term_base_dates[:count],
        spx_close_pts=inputs.spx_close_pts[:count],
        spx_rv_pts=inputs.spx_rv_pts[:count],
    )


def legs_of(targets: LayerTargets) -> list[dict[str, int]]:
    return [{leg.instrument.code: leg.contracts for leg in want.legs} for want in targets.wants]


def reasons_of(targets: LayerTargets) -> list[str]:
    return [want.reason for want in targets.wants]
