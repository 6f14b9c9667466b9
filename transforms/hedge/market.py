"""What the hedge is walked through: VIX futures, the numbers options are priced with, and what is protected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.options.model_surface import PricingRules, build_pricing_rules
from transforms.options.pricing import price_options
from transforms.positions.market import FuturesMarket
from transforms.positions.priced import PricedOptions, SpreadRules, build_priced_options

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class OptionMarket:
    """What VIX options are priced with.

    Parameters
    ----------
    expiries
        As the market of `transforms.options.pricing.price_options`: one row a session and listed expiry.
    quotes
        As ``core.daily_vix_option_quotes``; empty without snapshots.
    calibrations
        Weekly calibrations of the model's shape; None: its defaults.
    rules, spreads
        Numbers of the pricing, and half-spreads where no quote says them.
    """

    expiries: pd.DataFrame
    quotes: pd.DataFrame | None
    calibrations: pd.DataFrame | None
    rules: PricingRules
    spreads: SpreadRules

    def price(self, needs: pd.DataFrame) -> pd.DataFrame:
        """Price options of sessions: see `price_options`."""
        return price_options(needs, self.expiries, quotes=self.quotes, calibrations=self.calibrations, rules=self.rules)

    def price_for(self, futures: FuturesMarket, needs: pd.DataFrame) -> PricedOptions:
        """Price options and make a pricer of them: see `price_with_spreads`."""
        return build_priced_options(futures.days, self.price_with_spreads(needs), self.spreads)

    def price_with_spreads(self, needs: pd.DataFrame) -> pd.DataFrame:
        """Price options, in order; ``half_spread_pts`` where a quoted bid and ask of their own session say it."""
        priced = self.price(needs)
        if self.quotes is not None and len(self.quotes):
            keys = ["trade_date", "expiry_date", "strike_pts", "right"]
            quoted = self.quotes.rename(columns={"option_right": "right"})
            quoted = quoted.assign(half_spread_pts=(quoted["ask_pts"] - quoted["bid_pts"]) / 2)
            # An offer without a bid has no spread that a trade could be measured against.
            is_two_sided = (quoted["bid_pts"] > 0) & (quoted["half_spread_pts"] >= 0)
            quoted = quoted.loc[is_two_sided, [*keys, "half_spread_pts"]].drop_duplicates(keys)
            quoted = quoted.astype(dict.fromkeys(keys[:2], "datetime64[us]"))
            priced = priced.merge(quoted, on=keys, how="left", validate="one_to_one")
        return priced


@dataclass(frozen=True, kw_only=True, eq=False)
class HedgeMarket:
    """Everything that positions are decided on, marked with and booked by, over n sessions.

    Parameters
    ----------
    futures
        VIX futures, betas, VIX and bill rates.
    options
        What options are priced with.
    protected_vega_usd
        float64, shape (n,): dollars the protected portfolio loses for one point of the VIX, for the account of
        `nav_usd`; NaN unknown.
    nav_usd
        The account.
    parameters
        Values by name, as ``transforms/parameters.toml``.
    spx_close_pts, spx_rv21_pts
        float64, shape (n,): S&P 500 and its realised volatility over 21 sessions; NaN unknown.
    short_term_tr
        float64, shape (n,): rebuilt short-term index, total return; NaN unknown.
    short_term_base_dates
        Of each session: first session of the index's unbroken chain; None where there is none.
    volumes
        ``trade_date, expiry_date, volume_contracts`` of monthly VX futures.

    Raises
    ------
    ValueError
        If a series has another length, or the account is not positive.
    """

    futures: FuturesMarket
    options: OptionMarket
    protected_vega_usd: Floats
    nav_usd: float
    parameters: Mapping[str, float]
    spx_close_pts: Floats
    spx_rv21_pts: Floats
    short_term_tr: Floats
    short_term_base_dates: Sequence[date | None]
    volumes: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuse what would be misread."""
        for name in ("protected_vega_usd", "spx_close_pts", "spx_rv21_pts", "short_term_tr", "short_term_base_dates"):
            if len(getattr(self, name)) != len(self.futures):
                raise ValueError(f"{name}: expected {len(self.futures)} values, found {len(getattr(self, name))}")
        if not self.nav_usd > 0:
            raise ValueError(f"nav_usd: expected a positive number, found {self.nav_usd}")


def build_option_market(
    expiries: pd.DataFrame,
    quotes: pd.DataFrame | None,
    calibrations: pd.DataFrame | None,
    parameters: Mapping[str, float],
) -> OptionMarket:
    """Take the numbers of the pricing out of the parameters by name.

    Raises
    ------
    KeyError
        A parameter is missing.
    """
    spreads = SpreadRules(
        half_spread_frac=float(parameters["option_half_spread_frac"]),
        half_spread_least_pts=float(parameters["option_half_spread_least_pts"]),
    )
    return OptionMarket(
        expiries=expiries,
        quotes=quotes,
        calibrations=calibrations,
        rules=build_pricing_rules(parameters),
        spreads=spreads,
    )
