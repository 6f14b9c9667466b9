"""Listed VIX calls with their prices, asked for by session and expiry: what a benchmark may buy at a close."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import pandas as pd

from transforms.options.listed import list_options, strike_for_delta
from transforms.options.model_surface import PricingRules
from transforms.positions.instruments import VixOption
from transforms.positions.market import FuturesMarket
from transforms.positions.money import TICKS_PER_POINT, to_ticks
from transforms.positions.priced import PricedOptions

_KEYS = ["trade_date", "expiry_date"]


class OptionSource(Protocol):
    """Whoever lists and prices VIX options (``transforms.hedge.market.OptionMarket`` does)."""

    @property
    def quotes(self) -> pd.DataFrame | None:
        """Chain snapshots, as ``core.daily_vix_option_quotes``."""

    @property
    def rules(self) -> PricingRules:
        """Numbers of the pricing; the limit of a strike's delta is read here."""

    def price(self, needs: pd.DataFrame) -> pd.DataFrame:
        """Price options of sessions with what was known then: see `transforms.options.pricing.price_options`."""

    def price_for(self, futures: FuturesMarket, needs: pd.DataFrame) -> PricedOptions:
        """Price options and make a pricer for the marks of them."""


@dataclass(frozen=True)
class Call:
    """A listed call with its price at a close, points; a whole number of ticks, as it will be marked."""

    option: VixOption
    price_pts: float

    @property
    def price_usd(self) -> float:
        """Dollars a contract."""
        return self.price_pts * self.option.multiplier_usd


@dataclass(frozen=True)
class NoCall:
    """Why there is no call. ``is_final``: a later session of the same roll is not asked again."""

    reason: str
    is_final: bool


class CallMenu:
    """Listed calls by session and expiry. Prices of a session rest on what was known at its close.

    Parameters
    ----------
    market
        Sessions.
    options
        Who lists and prices.
    delta
        Of the calls that `by_delta` takes.
    """

    def __init__(self, market: FuturesMarket, options: OptionSource, delta: float = math.nan) -> None:
        self._days = market.days
        self._options = options
        self._delta = delta
        self._nearest: dict[tuple[int, date], tuple[float, float]] = {}
        self._listed: dict[int, pd.DataFrame] = {}
        self._priced: dict[tuple[int, date], pd.DataFrame] = {}
        self._marks: dict[tuple[int, VixOption], float | None] = {}

    def expiries(self, session: int) -> list[date]:
        """Monthly expiries listed on a session, ascending."""
        return sorted(set(pd.DatetimeIndex(self._listing(session)["expiry_date"]).date))

    def list_for(self, asked: Iterable[int]) -> None:
        """List the calls of sessions in one go."""
        new = {self._days[session]: session for session in asked if session not in self._listed}
        if not new:
            return
        listed = list_options(list(new), self._options.quotes)
        listed = listed[listed["is_monthly"]]
        by_day: dict[object, pd.DataFrame] = dict(iter(listed.groupby(pd.DatetimeIndex(listed["trade_date"]).date)))
        for day, session in new.items():
            self._listed[session] = by_day.get(day, listed.iloc[:0])

    def price_for(self, asked: Iterable[tuple[int, date]]) -> None:
        """Price all calls of expiries on sessions in one go."""
        new = [pair for pair in dict.fromkeys(asked) if pair not in self._priced]
        if not new:
            return
        self.list_for(session for session, _ in new)
        rows: list[pd.DataFrame] = []
        for session, expiry in new:
            listing = self._listing(session)
            rows.append(listing[listing["expiry_date"] == pd.Timestamp(expiry)])
            self._priced[session, expiry] = listing.iloc[:0]
        asked_rows = pd.concat(rows, ignore_index=True)
        if asked_rows.empty:
            return
        priced = self._options.price(asked_rows)
        number = {self._days[session]: session for session, _ in new}
        dates = [pd.DatetimeIndex(priced[name]).date for name in _KEYS]
        parts: dict[Any, pd.DataFrame] = dict(iter(priced.groupby(dates)))
        for (day, expiry), part in parts.items():
            self._priced[number[day], expiry] = part
        if math.isnan(self._delta):
            return
        chosen = strike_for_delta(priced, self._delta, self._options.rules.option_strike_delta_limit)
        for row in chosen[[*_KEYS, "strike_pts", "price_pts"]].to_dict("records"):
            self._nearest[number[row["trade_date"].date()], row["expiry_date"].date()] = (
                row["strike_pts"],
                row["price_pts"],
            )

    def by_delta(self, session: int, expiry: date) -> Call | NoCall:
        """The listed call of an expiry whose delta is nearest, within the limit of the pricing rules."""
        rows = self._prices(session, expiry)
        missing = _find_missing(rows, expiry)
        if missing is not None:
            return missing
        chosen = self._nearest.get((session, expiry))
        if chosen is None:
            limit = self._options.rules.option_strike_delta_limit
            return NoCall(f"no strike of {expiry} within {limit:g} of delta {self._delta:g}", is_final=True)
        return self._take(session, expiry, *chosen)

    def at_most(self, session: int, expiry: date, strike_pts: float) -> Call | NoCall:
        """The listed call of an expiry with the highest strike that is not above `strike_pts`."""
        rows = self._prices(session, expiry)
        missing = _find_missing(rows, expiry)
        if missing is not None:
            return missing
        below = rows[rows["strike_pts"] <= strike_pts].nlargest(1, "strike_pts")
        if below.empty:
            return NoCall(f"no strike of {expiry} at or below {strike_pts:g}", is_final=True)
        if below["status"].iloc[0] != "ok":
            return NoCall(f"the call {below['strike_pts'].iloc[0]:g} of {expiry} has no price", is_final=False)
        return self._take(session, expiry, below["strike_pts"].iloc[0], below["price_pts"].iloc[0])

    def mark_for(self, asked: Mapping[VixOption, Sequence[int]]) -> None:
        """Price options on sessions in one go, for `mark`."""
        pairs = [(session, option) for option, sessions in asked.items() for session in sessions]
        new = [pair for pair in pairs if pair not in self._marks]
        if not new:
            return
        needs = pd.DataFrame(
            {
                "trade_date": pd.to_datetime([self._days[session] for session, _ in new]),
                "expiry_date": pd.to_datetime([option.expiry for _, option in new]),
                "strike_pts": [option.strike_pts for _, option in new],
                "right": ["C" if option.is_call else "P" for _, option in new],
            }
        )
        for pair, price in zip(new, self._options.price(needs)["price_pts"].tolist(), strict=True):
            ticks = to_ticks(price)
            self._marks[pair] = None if ticks is None else ticks / TICKS_PER_POINT

    def mark(self, session: int, option: VixOption) -> float | None:
        """Price of an option at a close, points; None where it has none."""
        if (session, option) not in self._marks:
            self.mark_for({option: [session]})
        return self._marks[session, option]

    def _listing(self, session: int) -> pd.DataFrame:
        self.list_for([session])
        return self._listed[session]

    def _prices(self, session: int, expiry: date) -> pd.DataFrame:
        self.price_for([(session, expiry)])
        return self._priced[session, expiry]

    def _take(self, session: int, expiry: date, strike_pts: float, price_pts: float) -> Call | NoCall:
        ticks = to_ticks(float(price_pts))
        if not ticks or ticks < 0:
            return NoCall(f"the call {strike_pts:g} of {expiry} is worth less than a tick", is_final=True)
        option = VixOption(expiry, float(strike_pts))
        self._marks[session, option] = ticks / TICKS_PER_POINT
        return Call(option, ticks / TICKS_PER_POINT)


def _find_missing(rows: pd.DataFrame, expiry: date) -> NoCall | None:
    if rows.empty:
        return NoCall(f"no calls of {expiry} are listed", is_final=True)
    if not (rows["status"] == "ok").any():
        return NoCall(f"the calls of {expiry} have no price ({rows['status'].iloc[0]})", is_final=False)
    return None
