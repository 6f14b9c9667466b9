"""Options of the positions priced in one go: which are needed, and a pricer that answers from the priced rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from transforms.options.black76 import compute_black76_price
from transforms.options.implied import compute_years_to_settlement
from transforms.positions.instruments import VixOption
from transforms.positions.market import OptionQuote
from transforms.positions.wants import LayerTargets

PRICED_COLUMNS = (
    *("trade_date", "expiry_date", "strike_pts", "right", "status", "price_pts", "delta", "is_model_priced"),
    *("future_pts", "vol_frac", "years_to_expiry", "discount_frac"),
)
"""What is read of `transforms.options.pricing.price_options`."""

_OPTIONAL = ("half_spread_pts", "price_low_pts", "price_high_pts")
"""Read as well, where they are there."""


def list_option_needs(targets: Sequence[LayerTargets], days: Sequence[date]) -> pd.DataFrame:
    """List the options that targets can bring into the positions.

    Parameters
    ----------
    targets
        Of `days`.
    days
        Sessions.

    Returns
    -------
    pandas.DataFrame
        ``trade_date``, ``expiry_date`` (datetime64), ``strike_pts``, ``right`` (``C``, ``P``): each option from
        the session it is first wanted on to the last session before its expiry; unique, in order.
    """
    first: dict[VixOption, int] = {}
    for layer in targets:
        for session, want in enumerate(layer.wants):
            for leg in want.legs:
                if isinstance(leg.instrument, VixOption):
                    first[leg.instrument] = min(session, first.get(leg.instrument, session))
    rows = [
        (day, option.expiry, option.strike_pts, "C" if option.is_call else "P")
        for option, session in first.items()
        for day in days[session:]
        if day < option.expiry
    ]
    frame = pd.DataFrame(sorted(rows), columns=["trade_date", "expiry_date", "strike_pts", "right"])
    return frame.astype({"trade_date": "datetime64[us]", "expiry_date": "datetime64[us]", "strike_pts": "float64"})


@dataclass(frozen=True)
class SpreadRules:
    """Half the distance of bid and ask where no quote says it: a share of the price, and at least so much.

    Parameters
    ----------
    half_spread_frac
        Share of the option's price.
    half_spread_least_pts
        Points.
    """

    half_spread_frac: float = 0.04
    half_spread_least_pts: float = 0.04

    def half_spread_pts(self, price_pts: float) -> float:
        """Half-spread of an option at a price."""
        return max(self.half_spread_frac * price_pts, self.half_spread_least_pts)


@dataclass(frozen=True, eq=False)
class PricedOptions:
    """An `OptionPricer` over rows of `transforms.options.pricing.price_options`.

    Parameters
    ----------
    days
        Sessions of the market.
    rows
        ``PRICED_COLUMNS`` of each priced option by (session, option); others have no price.
    spreads
        Half-spreads where a row has none.
    """

    days: Sequence[date]
    rows: Mapping[tuple[int, VixOption], Mapping[str, float]]
    spreads: SpreadRules = SpreadRules()

    def quote(self, session: int, option: VixOption) -> OptionQuote | None:
        """Price, half-spread, delta, and whether a model gave the volatility."""
        row = self.rows.get((session, option))
        if row is None:
            return None
        spread = row.get("half_spread_pts", math.nan)
        if not math.isfinite(spread):
            spread = self.spreads.half_spread_pts(row["price_pts"])
        low, high = (row.get(name, math.nan) for name in ("price_low_pts", "price_high_pts"))
        return OptionQuote(row["price_pts"], spread, row["delta"], bool(row["is_model_priced"]), low, high)

    def pass_time(self, since: int, session: int, option: VixOption) -> float:
        """Price at a later date with the future and the volatility of `since`; the discount at the same rate."""
        row = self.rows.get((since, option))
        if row is None:
            return math.nan
        left = max(float(compute_years_to_settlement(np.array([(option.expiry - self.days[session]).days]))[0]), 0.0)
        discount = row["discount_frac"] ** (left / row["years_to_expiry"])
        terms = (row["future_pts"], option.strike_pts, left, row["vol_frac"], discount, option.is_call)
        return float(compute_black76_price(*terms))


def build_priced_options(
    days: Sequence[date], priced: pd.DataFrame, spreads: SpreadRules | None = None
) -> PricedOptions:
    """Make a pricer of priced rows.

    Parameters
    ----------
    days
        Sessions of the market, ascending.
    priced
        Of `price_options`; rows whose ``status`` is not ``ok`` and rows outside of `days` have no price.
    spreads
        Half-spreads where there is no column ``half_spread_pts`` or no value in it.

    Raises
    ------
    ValueError
        An option twice in one session.
    """
    sessions = {day: session for session, day in enumerate(days)}
    names = [name for name in (*PRICED_COLUMNS, *_OPTIONAL) if name in priced]
    rows: dict[tuple[int, VixOption], Mapping[str, float]] = {}
    for row in priced.loc[priced["status"] == "ok", names].to_dict("records"):
        session = sessions.get(row["trade_date"].date())
        if session is None:
            continue
        key = session, VixOption(row["expiry_date"].date(), float(row["strike_pts"]), row["right"] == "C")
        if key in rows:
            raise ValueError(f"{row['trade_date']:%Y-%m-%d}: {key[1].code} is priced twice")
        numbers = set(names) - {"trade_date", "expiry_date", "right", "status"}
        rows[key] = {str(name): float(value) for name, value in row.items() if name in numbers}
    return PricedOptions(days, rows, spreads or SpreadRules())
