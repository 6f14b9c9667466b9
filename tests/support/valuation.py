"""Positions for valuations without a policy: what is wanted is said outright, and traded a session later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from tests.support.ledger_market import BlackPricer, make_market
from transforms.layers import Layer
from transforms.positions import (
    FuturesMarket,
    Instrument,
    LayerBook,
    LayerTargets,
    Leg,
    Marks,
    VixFuture,
    VixOption,
    Want,
    build_book,
)
from transforms.positions.market import OptionPricer
from transforms.valuation.holdings import Holdings, VolatilityOf, build_holdings

THURSDAY, FRIDAY, MONDAY = date(2024, 9, 12), date(2024, 9, 13), date(2024, 9, 16)
SEP, OCT, NOV = date(2024, 9, 18), date(2024, 10, 16), date(2024, 11, 20)


def make_three_days(*, vix: float = 20.0, bill: float = 0.05, **changes: object) -> FuturesMarket:
    """Thursday to Monday; on Monday VIX 20, Sep 20.5 (2 days), Oct 22 (30 days), Nov 23 (65 days)."""
    market = make_market(
        [THURSDAY, FRIDAY, MONDAY],
        {SEP: [19.5, 19.5, 20.5], OCT: [21.0, 21.0, 22.0], NOV: [22.5, 22.5, 23.0]},
        vix=[19.0, 19.0, vix],
        bill=bill,
    )
    return replace(market, **changes)  # type: ignore[arg-type]


def hold(
    market: FuturesMarket,
    positions: Mapping[Instrument, int],
    pricer: OptionPricer | None = None,
    *,
    layer: Layer = Layer.BASE,
    since: int = 0,
) -> LayerBook:
    """A layer that decides at the close of `since` to hold the positions, and does from the session after."""
    legs = tuple(Leg(instrument, contracts) for instrument, contracts in positions.items())
    wants = [Want(legs if session >= since else (), "") for session in range(len(market))]
    return build_book(LayerTargets(layer, tuple(wants)), Marks(market, pricer))


def lay_out(
    market: FuturesMarket,
    positions: Mapping[Instrument, int],
    pricer: OptionPricer | None = None,
    volatility_of: VolatilityOf | None = None,
) -> Holdings:
    """Holdings of one layer that holds the positions from the second session on."""
    return build_holdings([hold(market, positions, pricer)], Marks(market, pricer), volatility_of)


def tell_volatility(pricer: BlackPricer) -> VolatilityOf:
    """The volatility the pricer itself uses."""

    def volatility(session: int, option: VixOption) -> float:
        return float(pricer.volatilities[session])

    return volatility


def vxm(expiry: date) -> VixFuture:
    """Mini future."""
    return VixFuture(expiry, is_mini=True)
