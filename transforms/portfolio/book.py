"""The user's own book: account, protected condor, hedge positions, and the returns that are asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from transforms.calendar import sessions

Right = Literal["C", "P"]
FutureContract = Literal["VX", "VXM"]
Protects = Literal["model_condor", "legs", "greeks"]


@dataclass(frozen=True, kw_only=True)
class OptionLeg:
    """SPX options of one kind. ``quantity`` in contracts: positive bought, negative sold. ``price_pts`` was paid."""

    expiry_date: date
    right: Right
    strike_pts: float
    quantity: int
    price_pts: float | None = None


@dataclass(frozen=True, kw_only=True)
class FuturePosition:
    """VIX futures of one expiry: ``VX`` ($1,000 a point) or ``VXM`` ($100). ``cost_pts`` is the average price."""

    contract: FutureContract
    expiry_date: date
    quantity: int
    cost_pts: float | None = None


@dataclass(frozen=True, kw_only=True)
class VixOptionPosition:
    """VIX options of one kind; ``expiry_date`` is the settlement date of the future they are priced on."""

    expiry_date: date
    right: Right
    strike_pts: float
    quantity: int
    cost_pts: float | None = None


@dataclass(frozen=True, kw_only=True)
class ReturnTargets:
    """What the account is to earn, as fractions a year; None where the user does not say."""

    required_return_frac: float | None = None
    wacc_frac: float | None = None
    equity_premium_frac: float | None = None


@dataclass(frozen=True, kw_only=True)
class Book:
    """A checked ``book.toml``.

    Attributes
    ----------
    as_of
        The day after whose close the book is true.
    nav_usd, margin_usd, cash_usd, bills_usd
        Dollars; None where the user does not say. Cash may be negative.
    legs
        The protected SPX legs; empty with stated greeks and with the model condor.
    net_delta_usd, net_vega_usd
        Stated greeks: dollars for one point of the S&P 500, and for one point of volatility.
    futures, options
        The hedge as it stands.
    """

    as_of: date
    nav_usd: float
    margin_usd: float | None = None
    cash_usd: float | None = None
    bills_usd: float | None = None
    legs: tuple[OptionLeg, ...] = ()
    net_delta_usd: float | None = None
    net_vega_usd: float | None = None
    futures: tuple[FuturePosition, ...] = ()
    options: tuple[VixOptionPosition, ...] = ()
    returns: ReturnTargets = ReturnTargets()

    @property
    def protects(self) -> Protects:
        """What is protected: the legs, the stated greeks, or the model condor sized to ``nav_usd``."""
        if self.legs:
            return "legs"
        return "model_condor" if self.net_vega_usd is None else "greeks"


def check_book(book: Book, session: date, longest_age_sessions: int) -> tuple[str, ...]:
    """Say what a reader should know before trusting the book on a session. Nothing here stops a night.

    Parameters
    ----------
    session
        The session the book is used for.
    longest_age_sessions
        How many sessions of the New York Stock Exchange it may lie back.

    Returns
    -------
    tuple of str
        One sentence a finding; empty for a sound and fresh book.
    """
    found = []
    if book.as_of > session:
        found.append(f"book.toml is of {book.as_of}, after {session}: positions of that session are not known from it")
    age = sum(book.as_of < day <= session for day in sessions("XNYS", min(book.as_of, session), session))
    if age > longest_age_sessions:
        found.append(
            f"book.toml is of {book.as_of}, {age} sessions before {session} (at most {longest_age_sessions} is fresh): "
            "the positions may no longer be yours"
        )
    for name, positions in (("condor legs", book.legs), ("futures", book.futures), ("VIX options", book.options)):
        expired = sum(position.expiry_date <= session for position in positions)
        if expired:
            found.append(f"{expired} of {len(positions)} {name} expired by {session} and count nothing")
    calls = {leg.expiry_date for leg in book.legs if leg.right == "C"}
    for expiry in sorted(calls):
        net = sum(leg.quantity for leg in book.legs if leg.right == "C" and leg.expiry_date == expiry)
        if net < 0:
            found.append(f"{-net} calls of {expiry} are sold without a call above them: the loss has no bound")
    if book.margin_usd is not None and book.margin_usd > book.nav_usd:
        found.append(f"margin of ${book.margin_usd:,.0f} is more than the account of ${book.nav_usd:,.0f}")
    return tuple(found)
