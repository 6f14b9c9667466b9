"""Every change of a position as a row: what was traded or settled, why, what it cost, and what a roll locks in."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from transforms.ledger.rules import CostRules, compute_trade_cost
from transforms.positions.instruments import Instrument, VixFuture, VixOption
from transforms.positions.market import Marks
from transforms.positions.money import CENTS_PER_USD
from transforms.positions.walk import BookDay, Fill, FillKind, LayerBook

TRADE_COLUMNS = (
    *("trade_date", "layer", "instrument", "trade_kind"),
    *("traded_contracts", "trade_price_pts", "trade_cost_usd"),
    *("rolled_contracts", "rolled_with", "roll_yield_frac"),
    *("is_model_priced", "reason"),
)


def build_trades(books: Sequence[LayerBook], marks: Marks, rules: CostRules) -> pd.DataFrame:
    """List the trades and settlements of the layers.

    Parameters
    ----------
    books
        One a layer.
    marks
        The prices the books were traded at.
    rules
        What trading costs.

    Returns
    -------
    pandas.DataFrame
        One row a session, layer and instrument, in that order; a settlement and a trade of one instrument in one
        session do not occur. ``trade_kind``: ``settled`` in cash on its expiry; ``rolled_out`` and ``rolled_in``, the
        two sides of moving exposure from one expiry to another; else ``opened``, ``added``, ``reduced``, ``closed``.
        ``traded_contracts`` signed. ``trade_cost_usd`` spread and fees, positive. For a roll: ``rolled_contracts`` is
        how many contracts of this side moved (signed as the position), ``rolled_with`` the other side, and
        ``roll_yield_frac`` the price of the nearer expiry over that of the further less 1 in the direction of
        the position: positive where the move to the further expiry is paid for (a long in backwardation, a short in
        contango). ``reason`` is what the layer wanted at the close before.

    Notes
    -----
    A roll is told from the fills: of futures of one layer in one session, positions of one sign that shrink in one
    expiry and grow in another by dollars a point. What moves is the smaller of the two.
    """
    rows: list[tuple[object, ...]] = []
    for session, day in enumerate(marks.market.days):
        for book in books:
            today = book.days[session]
            if not today.fills:
                continue
            before = book.days[session - 1] if session else None
            held = dict(before.held) if before is not None else {}
            partners = _match_rolls(today, held)
            reason = before.want.reason if before is not None else ""
            for fill in sorted(today.fills, key=lambda one: one.instrument.code):
                partner, moved = partners.get(fill.instrument, (None, 0))
                is_settlement = fill.kind is FillKind.SETTLEMENT
                cost = compute_trade_cost(
                    rules, fill.instrument, abs(fill.contracts), fill.mark, rules.option_part_share
                )
                rows.append(
                    (
                        pd.Timestamp(day),
                        book.layer.value,
                        fill.instrument.code,
                        _name_kind(fill, held.get(fill.instrument, 0), partner),
                        fill.contracts,
                        fill.mark.pts,
                        0.0 if is_settlement else cost / CENTS_PER_USD,
                        moved if partner is not None else None,
                        partner.code if partner is not None else None,
                        _roll_yield(fill.instrument, partner, moved, marks, session),
                        fill.mark.is_model_priced,
                        "final settlement" if is_settlement else reason,
                    )
                )
    frame = pd.DataFrame(rows, columns=list(TRADE_COLUMNS))
    reals = ("trade_price_pts", "trade_cost_usd", "roll_yield_frac", "rolled_contracts")
    types = {"trade_date": "datetime64[us]", "traded_contracts": "int64", "is_model_priced": "bool"}
    return frame.astype(types | dict.fromkeys(reals, "float64"))


def _name_kind(fill: Fill, held: int, partner: Instrument | None) -> str:
    after = held + fill.contracts
    is_growing = abs(after) > abs(held)
    if fill.kind is FillKind.SETTLEMENT:
        return "settled"
    if partner is not None:
        return "rolled_in" if is_growing else "rolled_out"
    if held == 0 or held * after < 0:
        return "opened"
    if after == 0:
        return "closed"
    return "added" if is_growing else "reduced"


def _match_rolls(today: BookDay, held: dict[Instrument, int]) -> dict[Instrument, tuple[VixFuture, int]]:
    """The other side of each future that was rolled, and how many of this side's contracts moved."""
    matched: dict[Instrument, tuple[VixFuture, int]] = {}
    trades = [(one.instrument, one.contracts) for one in today.fills if one.kind is FillKind.TRADE]
    futures = [(one, count) for one, count in trades if isinstance(one, VixFuture)]
    for sign in (1, -1):
        out = [(one, count) for one, count in futures if held.get(one, 0) * sign > 0 and count * sign < 0]
        into = [(one, count) for one, count in futures if held.get(one, 0) * sign >= 0 and count * sign > 0]
        for (leaving, sold), (entering, bought) in zip(_by_expiry(out), _by_expiry(into), strict=False):
            if leaving.expiry == entering.expiry:
                continue  # VX for VXM of one month: nothing moves in time
            # No more leaves than was held: what is sold beyond that opens the other side.
            left = min(abs(sold), abs(held[leaving])) * leaving.multiplier_usd
            points = min(left, abs(bought) * entering.multiplier_usd)
            matched[leaving] = entering, sign * (points // leaving.multiplier_usd)
            matched[entering] = leaving, sign * (points // entering.multiplier_usd)
    return matched


def _by_expiry(fills: list[tuple[VixFuture, int]]) -> list[tuple[VixFuture, int]]:
    return sorted(fills, key=lambda fill: fill[0].expiry)


def _roll_yield(
    instrument: Instrument, partner: VixFuture | None, moved: int, marks: Marks, session: int
) -> float | None:
    if partner is None or isinstance(instrument, VixOption) or not moved:
        return None
    assert isinstance(instrument, VixFuture)
    near, far = sorted((instrument, partner), key=lambda one: one.expiry)
    low, high = (marks.market.settled_ticks(session, one.expiry) for one in (near, far))
    if not low or not high:
        return math.nan
    return (low / high - 1) * (1 if moved > 0 else -1)
