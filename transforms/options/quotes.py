"""Judge the quotes of a chain one by one: which of them say something about the price of an option.

A quote that is dropped is kept in its table with the reason; it only takes no part in what is computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.options.black76 import Flags, Floats

Codes = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int64]

DROP_REASONS = (
    "already_settled",
    "crossed",
    "no_ask",
    "no_bid",
    "price_without_size",
    "vertical_spread_arbitrage",
    "butterfly_arbitrage",
    "mid_at_or_below_intrinsic",
    "mid_at_or_above_bound",
)
"""Why a quote is dropped, in the order of judgement; the first that applies is given.

``already_settled``: the expiry's settlement morning is not after the session. ``crossed``: bid above ask.
``no_ask``, ``no_bid``: nobody offers or bids. ``price_without_size``: a price that nobody stands behind.
``vertical_spread_arbitrage``, ``butterfly_arbitrage``: it contradicts neighbouring strikes by more than the
spreads, so that a profit could be locked in at the quotes. ``mid_at_or_below_intrinsic``,
``mid_at_or_above_bound``: no volatility gives the mid. The file holds no time of a quote, so that a stale one is
known only by these."""

USABLE = np.int8(0)
# Prices are multiples of a cent: anything this small is rounding of a sum.
_TOLERANCE_PTS = 1e-9
_MOST_ROUNDS = 5


class QuoteColumns(NamedTuple):
    """Quotes as arrays of one length, sorted by expiry group, strike, root and right (put before call).

    ``group`` numbers the (session, expiry) pairs from 0; ``discount`` is that of the group.
    """

    group: Numbers
    days: Numbers
    strike: Floats
    root: Numbers
    is_call: Flags
    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats
    years: Floats
    discount: Floats


def reason_code(reason: str) -> np.int8:
    """Return the code of a reason; `USABLE` is 0."""
    return np.int8(DROP_REASONS.index(reason) + 1)


def judge_alone(quotes: QuoteColumns) -> Codes:
    """Judge each quote by itself. Sizes that are not known (NaN) are not held against a quote."""
    is_offered = np.isfinite(quotes.ask) & (quotes.ask > 0)
    return np.select(
        [
            quotes.days <= 0,
            is_offered & (quotes.bid > quotes.ask),
            ~is_offered,
            ~(quotes.bid > 0),
            (quotes.bid_size == 0) | (quotes.ask_size == 0),
        ],
        [reason_code(reason) for reason in ("already_settled", "crossed", "no_ask", "no_bid", "price_without_size")],
        USABLE,
    ).astype(np.int8)


def judge_neighbours(quotes: QuoteColumns, codes: Codes) -> Codes:
    """Judge usable quotes by their neighbouring strikes, calls and puts apart; return the codes, completed.

    A contradiction counts only where it could be traded: bought at the ask, sold at the bid. Of the quotes in a
    contradiction the one with most contradictions goes; of two that are alike both go, of three the middle one.
    What is left is judged again, a few times.
    """
    codes = codes.copy()
    order = np.lexsort((quotes.root, quotes.strike, quotes.is_call, quotes.group))
    vertical_code, butterfly_code = reason_code("vertical_spread_arbitrage"), reason_code("butterfly_arbitrage")
    for _ in range(_MOST_ROUNDS):
        left = order[codes[order] == USABLE]
        in_vertical, in_butterfly = _worst_quotes(
            quotes.group[left] * 2 + quotes.is_call[left],
            quotes.strike[left],
            quotes.is_call[left],
            quotes.bid[left],
            quotes.ask[left],
            quotes.discount[left],
        )
        if not (in_vertical.any() or in_butterfly.any()):
            break
        codes[left[in_butterfly]] = butterfly_code
        codes[left[in_vertical]] = vertical_code
    return codes


def judge_mids(quotes: QuoteColumns, codes: Codes, future: Floats) -> Codes:
    """Judge the mids of usable quotes against the future; where that is NaN nothing is judged."""
    with np.errstate(invalid="ignore"):
        value = (quotes.bid + quotes.ask) / 2 / quotes.discount
        intrinsic = np.maximum(np.where(quotes.is_call, future - quotes.strike, quotes.strike - future), 0.0)
        is_low = value <= intrinsic
        is_high = value >= np.where(quotes.is_call, future, quotes.strike)
    found = np.where(
        is_low,
        reason_code("mid_at_or_below_intrinsic"),
        np.where(is_high, reason_code("mid_at_or_above_bound"), USABLE),
    )
    return np.where(codes == USABLE, found, codes).astype(np.int8)


def _worst_quotes(
    row: Numbers, strike: Floats, is_call: Flags, bid: Floats, ask: Floats, discount: Floats
) -> tuple[Flags, Flags]:
    """Flags of the quotes to drop for vertical spreads and for butterflies; ``row`` numbers the strike ladders."""
    size = len(row)
    in_vertical, in_butterfly = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    if size < 2:
        return in_vertical, in_butterfly
    # The dearer side of a spread: the lower strike of calls, the higher of puts.
    dear, cheap = np.arange(size - 1), np.arange(1, size)
    dear, cheap = np.where(is_call[:-1], dear, cheap), np.where(is_call[:-1], cheap, dear)
    width = strike[1:] - strike[:-1]
    with np.errstate(invalid="ignore"):
        is_free = bid[cheap] > ask[dear] + _TOLERANCE_PTS
        is_too_dear = bid[dear] - ask[cheap] > discount[:-1] * width + _TOLERANCE_PTS
    vertical = np.flatnonzero((row[1:] == row[:-1]) & (is_free | is_too_dear))
    is_ladder = (row[2:] == row[:-2]) & (width[1:] > 0) & (width[:-1] > 0)
    share = np.divide(width[1:], width[1:] + width[:-1], out=np.full(max(size - 2, 0), 0.5), where=is_ladder)
    wings = share * ask[:-2] + (1 - share) * ask[2:]
    butterfly = np.flatnonzero(is_ladder & (bid[1:-1] > wings + _TOLERANCE_PTS)) + 1
    count = np.zeros(size, dtype=np.int64)
    for members in (vertical, vertical + 1, butterfly - 1, butterfly, butterfly + 1):
        np.add.at(count, members, 1)
    for mine, other in ((vertical, vertical + 1), (vertical + 1, vertical)):
        in_vertical[mine[count[mine] >= count[other]]] = True
    wing = np.maximum(count[butterfly - 1], count[butterfly + 1]) if len(butterfly) else butterfly
    in_butterfly[butterfly[count[butterfly] >= wing]] = True
    for side in (-1, 1):
        is_worst = (count[butterfly + side] > count[butterfly]) & (count[butterfly + side] >= wing)
        in_butterfly[(butterfly + side)[is_worst]] = True
    return in_vertical, in_butterfly
