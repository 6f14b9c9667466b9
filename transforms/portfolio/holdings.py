"""What the user's book holds, in the hedge's own instruments, and what of it the hedge goes on with."""

from __future__ import annotations

import math
from datetime import date

from transforms.portfolio.book import Book
from transforms.positions.instruments import Instrument, VixFuture, VixOption, has_expired
from transforms.positions.sizing import compute_loss_bound
from transforms.positions.wants import Leg


def list_held(book: Book, day: date) -> dict[Instrument, int]:
    """Return the hedge positions of a book that have not settled by the close of a day: contracts by instrument."""
    stated: list[tuple[Instrument, int]] = [
        (VixFuture(one.expiry_date, is_mini=one.contract == "VXM"), one.quantity) for one in book.futures
    ]
    stated += [
        (VixOption(one.expiry_date, one.strike_pts, is_call=one.right == "C"), one.quantity) for one in book.options
    ]
    return {instrument: quantity for instrument, quantity in stated if not has_expired(instrument, day)}


def adopt_options(book: Book, day: date, short_loss_usd: float) -> tuple[tuple[Leg, ...], str | None]:
    """Return the VIX options that the second engine goes on with, and why it does not where it does not.

    The policy holds what it has opened until its shorts settle. A user who has opened it on another day has other
    strikes, which do the same: without this every new ``as_of`` would trade one set of strikes for another.

    Parameters
    ----------
    day
        Session on which the account enters.
    short_loss_usd
        Most that the shorts of an expiry may lose, dollars, as for a structure that is opened.

    Returns
    -------
    (legs, reason)
        All options of the book that have not settled, or none and the reason. The reason is None without any.
    """
    legs = tuple(
        Leg(instrument, quantity)
        for instrument, quantity in list_held(book, day).items()
        if isinstance(instrument, VixOption)
    )
    options = [(leg.instrument, leg.contracts) for leg in legs if isinstance(leg.instrument, VixOption)]
    for expiry in sorted({option.expiry for option, contracts in options if contracts < 0}):
        loss = compute_loss_bound(pair for pair in options if pair[0].expiry == expiry)
        if math.isinf(loss):
            return (), f"the VIX calls sold to {expiry} have no call beside them: the loss has no bound"
        if loss > short_loss_usd:
            return (
                (),
                f"the VIX options sold to {expiry} can lose ${loss:,.0f}, the policy allows ${short_loss_usd:,.0f}",
            )
    return legs, None
