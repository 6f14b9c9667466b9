"""The layered VIX calls of the canon: 4/4/2 a unit at three terms, gains of the shortest shifted to the longer ones."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date

import pandas as pd

from transforms.benchmarks.calls import Call, CallMenu, NoCall, OptionSource
from transforms.benchmarks.ladder_rules import LADDER, LadderRules, compute_armed
from transforms.benchmarks.rolls import MonthlyRolls, Nav, Retry, find_monthly_rolls, nav_by_session
from transforms.layers.codes import Layer
from transforms.positions.instruments import VixOption, has_expired
from transforms.positions.market import FuturesMarket
from transforms.positions.wants import LayerTargets, Leg, Want

SHIFT_COLUMNS = (
    *("trade_date", "instrument", "sold_contracts", "gain_usd", "shifted_usd"),
    *("middle_instrument", "middle_contracts", "long_instrument", "long_contracts"),
)
_SHORT, _MIDDLE, _LONG = LADDER
# a budget that is a whole number of contracts must buy that number
_SLACK = 1 + 1e-12


@dataclass
class _Lot:
    """The calls of one layer.

    Contracts, the same before rounding, dollars paid for those bought with the budget, and the price since which
    a gain is counted.
    """

    option: VixOption
    contracts: int
    wanted: float
    paid_usd: float
    since_pts: float


def build_ladder_targets(
    market: FuturesMarket, nav_usd: Nav, rules: LadderRules, options: OptionSource, latest_sessions: float
) -> tuple[LayerTargets, pd.DataFrame, pd.DataFrame]:
    """Targets of the layered calls, their Time-Shifts, and what they were decided on.

    Parameters
    ----------
    market
        n sessions.
    nav_usd
        Net asset value, one or float64 of shape (n,); used when units are sized and gains judged.
    rules
        The preset's numbers and our sizes.
    options
        Lists and prices the calls.
    latest_sessions
        A layer whose calls have no price at the roll is tried again on so many later sessions.

    Returns
    -------
    targets
        At the last close before a VIX settlement date the short layer is bought for the coming month (held to
        settlement), and a middle or long layer that is empty or has less than ``renew_share_frac`` of its days left is
        renewed. A unit is 4/4/2 calls; as many whole units as the budget pays for at that close, at most those that
        it pays for a whole ladder. A layer without a listed expiry or strike that fits is left as it is.
    shifts
        One row a Time-Shift, `SHIFT_COLUMNS`, decided at the close of ``trade_date``: contracts of the short call
        sold; ``gain_usd``, its gain since it was bought or last shifted, at the closes' prices and before costs;
        ``shifted_usd``, what the calls bought for it cost at that close; the instruments and contracts bought. The
        longer layers share in the proportion of a unit's premium, in the calls they hold.
    details
        One row a session: ``trade_date``, ``is_armed``, ``units`` (of the newest purchase), ``paid_frac`` (premium
        paid for what is held, shifts aside, in NAV), and ``short_reason``, ``middle_reason``, ``long_reason`` (what
        became of each layer at its last roll).
    """
    walk = _Walk(
        market, nav_by_session(market, nav_usd).tolist(), rules, CallMenu(market, options, rules.delta), latest_sessions
    )
    wants = tuple(walk.decide(session) for session in range(len(market)))
    shifts = pd.DataFrame(walk.shifts, columns=list(SHIFT_COLUMNS)).astype(
        {"trade_date": "datetime64[us]", "gain_usd": "float64", "shifted_usd": "float64"}
        | dict.fromkeys(("sold_contracts", "middle_contracts", "long_contracts"), "int64")
        | dict.fromkeys(("instrument", "middle_instrument", "long_instrument"), "object")
    )
    names = ["trade_date", "is_armed", "units", "paid_frac", *(f"{layer}_reason" for layer in LADDER)]
    details = pd.DataFrame(walk.rows, columns=names).astype({"trade_date": "datetime64[us]"})
    return LayerTargets(Layer.BASE, wants), shifts, details


class _Walk:
    """State from close to close."""

    def __init__(
        self, market: FuturesMarket, nav: list[float], rules: LadderRules, menu: CallMenu, latest_sessions: float
    ) -> None:
        self.market, self.nav, self.rules, self.menu = market, nav, rules, menu
        self.rolls: MonthlyRolls = find_monthly_rolls(market)
        self.armed = compute_armed(market.vix_pts, rules)
        self.retries = {layer: Retry(latest_sessions) for layer in LADDER}
        self.lots: dict[str, _Lot] = {}
        self.ending: tuple[Leg, ...] = ()
        self.reasons = dict.fromkeys(LADDER, "waits for the first roll")
        self.units = 0
        self.shifts: list[tuple[object, ...]] = []
        self.rows: list[tuple[object, ...]] = []
        self._legs: tuple[Leg, ...] = ()
        due = [session for session, _ in self.rolls.due_months]
        menu.list_for(due)
        menu.price_for(
            (session, expiry)
            for session in due
            for layer in LADDER
            if isinstance(expiry := self.find_expiry(session, layer), date)
        )
        # what may be held, until its settlement: priced at once, not close by close
        menu.mark_for(
            {
                call.option: self.list_life(session, call.option)
                for session in due
                for layer in LADDER
                if isinstance(call := self.choose(session, layer), Call)
            }
        )

    def list_life(self, session: int, option: VixOption) -> range:
        """Sessions from a close to the last one before the settlement of an option."""
        return range(session, bisect_left(self.market.days, option.expiry))

    def decide(self, session: int) -> Want:
        """What is wanted at a close."""
        day = self.market.days[session]
        self.lots = {layer: lot for layer, lot in self.lots.items() if not has_expired(lot.option, day)}
        self.ending = tuple(leg for leg in self.ending if not has_expired(leg.instrument, day))
        said = self.shift(session) if self.armed[session] else None
        bought = self.roll(session)
        legs = (*self.ending, *self.list_legs())
        # the same tuple where nothing changed: nothing is traded
        self._legs = self._legs if legs == self._legs else legs
        paid = sum(lot.paid_usd for lot in self.lots.values()) / self.nav[session]
        reasons = (self.reasons[layer] for layer in LADDER)
        self.rows.append((pd.Timestamp(day), bool(self.armed[session]), self.units, paid, *reasons))
        state = "armed" if self.armed[session] else "not armed"
        return Want(self._legs, "; ".join(text for text in (bought, said) if text) or f"held, {state}")

    def list_legs(self) -> tuple[Leg, ...]:
        """Legs of what the layers hold; a call that two layers hold is one leg."""
        legs: dict[VixOption, Leg] = {}
        for lot in self.lots.values():
            before = legs.get(lot.option, Leg(lot.option, 0, 0.0))
            legs[lot.option] = Leg(lot.option, before.contracts + lot.contracts, before.wanted_contracts + lot.wanted)
        return tuple(leg for leg in legs.values() if leg.contracts)

    def find_expiry(self, session: int, layer: str) -> date | str:
        """Listed expiry for a layer bought at a close, or why there is none."""
        number = LADDER.index(layer)
        coming = self.rolls.incoming[session]
        wanted = self.rules.days[number]
        tolerance = self.rules.long_days_tolerance if layer == _LONG else self.rules.days_tolerance
        today = self.market.days[session]
        listed = [day for day in self.menu.expiries(session) if coming is not None and day >= coming]
        if layer != _SHORT:
            listed = [day for day in listed if day != coming]
        if layer == _LONG:
            middle = self.find_expiry(session, _MIDDLE)
            listed = [day for day in listed if not isinstance(middle, date) or day > middle]
        expiry = min(listed, key=lambda day: (abs((day - today).days - wanted), day), default=None)
        if expiry is None or abs((expiry - today).days - wanted) > tolerance:
            return f"no expiry within {tolerance:g} days of {wanted:g} is listed"
        return expiry

    def choose(self, session: int, layer: str) -> Call | NoCall:
        """Call for a layer bought at a close."""
        expiry = self.find_expiry(session, layer)
        if isinstance(expiry, str):
            return NoCall(expiry, is_final=True)
        return self.menu.by_delta(session, expiry)

    def is_renewed(self, session: int, layer: str) -> bool:
        """Tell whether a layer is bought anew at a roll."""
        lot = self.lots.get(layer)
        if lot is None or layer == _SHORT:
            return True
        left = (lot.option.expiry - self.market.days[session]).days
        return left < self.rules.renew_share_frac * self.rules.days[LADDER.index(layer)]

    def roll(self, session: int) -> str | None:
        """Buy the layers whose roll is open; what was done in words."""
        is_due = self.rolls.is_due[session]
        due = [layer for layer in LADDER if self.retries[layer].is_open(is_due and self.is_renewed(session, layer))]
        if not due:
            return None
        offers = {layer: self.choose(session, layer) for layer in LADDER}
        calls: dict[str, Call] = {}
        for layer in due:
            offer = offers[layer]
            if isinstance(offer, Call):
                calls[layer] = offer
            else:
                self.reasons[layer] = f"not constructible: {offer.reason}"
            if isinstance(offer, Call) or offer.is_final:
                self.retries[layer].close()
        if not calls:
            return "not constructible: " + "; ".join(self.reasons[layer] for layer in due)
        count = dict(zip(LADDER, self.rules.contracts, strict=True))
        ladder = sum(count[layer] * offer.price_usd for layer, offer in offers.items() if isinstance(offer, Call))
        cost = sum(count[layer] * call.price_usd for layer, call in calls.items())
        if cost == 0:
            return None
        budget = self.rules.premium_frac * self.nav[session]
        kept = sum(lot.paid_usd for layer, lot in self.lots.items() if layer not in calls)
        exact = max(min(budget / ladder, (budget - kept) / cost), 0.0)
        self.units = math.floor(exact * _SLACK)
        for layer, call in calls.items():
            self.buy(session, layer, call, count[layer], exact)
        return f"bought {self.units} units of the {', '.join(calls)} calls"

    def buy(self, session: int, layer: str, call: Call, contracts: int, exact: float) -> None:
        """Put new calls into a layer; what it held is sold, or settles tomorrow."""
        old = self.lots.pop(layer, None)
        if old is not None and layer == _SHORT and old.contracts and old.option != call.option:
            self.ending = (Leg(old.option, old.contracts, old.wanted),)
        self.menu.mark_for({call.option: self.list_life(session, call.option)})
        bought = contracts * self.units
        self.lots[layer] = _Lot(call.option, bought, contracts * exact, bought * call.price_usd, call.price_pts)
        self.lots = {name: self.lots[name] for name in LADDER if name in self.lots}
        self.reasons[layer] = f"bought on {self.market.days[session]}"

    def shift(self, session: int) -> str | None:
        """Move part of the short calls' gain into the longer ones; what was done in words."""
        short = self.lots.get(_SHORT)
        longer = {layer: self.lots[layer] for layer in (_MIDDLE, _LONG) if layer in self.lots}
        if short is None or not short.contracts or not longer:
            return None
        if self.rolls.days_left[session, self.market.column_of[short.option.expiry]] <= 1:
            return None  # settles before it could be sold
        price = self.menu.mark(session, short.option)
        if not price:
            return None
        gain = short.contracts * short.option.multiplier_usd * (price - short.since_pts)
        if gain < self.rules.gain_roll_least_frac * self.nav[session]:
            return None
        sold = math.floor(self.rules.gain_roll_frac * gain / (price * short.option.multiplier_usd))
        proceeds = sold * price * short.option.multiplier_usd
        bought = self.split(session, proceeds, longer)
        if not sold or not any(bought.values()):
            return None
        spent = 0.0
        for layer, contracts in bought.items():
            lot = self.lots[layer]
            mark = self.menu.mark(session, lot.option)
            assert mark is not None
            spent += contracts * mark * lot.option.multiplier_usd
            lot.contracts, lot.wanted = lot.contracts + contracts, lot.wanted + contracts
        short.paid_usd *= 1 - sold / short.contracts
        short.contracts, short.wanted, short.since_pts = short.contracts - sold, short.wanted - sold, price
        row: list[object] = [pd.Timestamp(self.market.days[session]), short.option.code, sold, gain, spent]
        for layer in (_MIDDLE, _LONG):
            row += [longer[layer].option.code if bought.get(layer) else None, bought.get(layer, 0)]
        self.shifts.append(tuple(row))
        return f"Time-Shift: {spent:,.0f} usd of a gain of {gain:,.0f} into the longer calls"

    def split(self, session: int, proceeds_usd: float, longer: dict[str, _Lot]) -> dict[str, int]:
        """Whole calls of the longer layers for an amount, in proportion to a unit's premium."""
        count = dict(zip(LADDER, self.rules.contracts, strict=True))
        prices = {layer: self.menu.mark(session, lot.option) for layer, lot in longer.items()}
        usd = {layer: price * longer[layer].option.multiplier_usd for layer, price in prices.items() if price}
        unit = sum(count[layer] * amount for layer, amount in usd.items())
        if not unit:
            return {}
        return {layer: math.floor(count[layer] * proceeds_usd / unit * _SLACK) for layer in usd}
