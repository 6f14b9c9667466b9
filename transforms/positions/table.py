"""Positions as a table: what each layer wants, holds and has on order in every instrument, at every close."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from transforms.positions.instruments import Instrument, has_expired
from transforms.positions.market import Mark, Marks
from transforms.positions.walk import BookDay, FillKind, LayerBook, list_orders

POSITION_COLUMNS = (
    *("trade_date", "layer", "instrument"),
    *("target_contracts", "wanted_contracts", "held_contracts", "order_contracts"),
    *("mark_pts", "mark_low_pts", "mark_high_pts", "vega_usd", "delta_usd", "is_model_priced", "reason"),
)


def build_positions(books: Sequence[LayerBook], marks: Marks) -> pd.DataFrame:
    """List the positions of the layers, one row a session, layer and instrument.

    Parameters
    ----------
    books
        One a layer.
    marks
        The prices the books were traded at.

    Returns
    -------
    pandas.DataFrame
        ``trade_date`` (datetime64), ``layer``, ``instrument`` (code), in that order, unique; a row for every
        instrument that is wanted, held or settled in the session.

        ``target_contracts``: wanted from the next session on, decided at this close. ``wanted_contracts``: the
        same before rounding to whole contracts. ``held_contracts``: held at this close. ``order_contracts``:
        open for the next settlement (target less held). ``mark_pts``: price at this close, final value on the
        day of the settlement, NaN where there is none. ``mark_low_pts``, ``mark_high_pts``: the band of an option's
        price, NaN for anything else. ``vega_usd``: dollars for one point of the VIX future of
        the instrument's date, from what is held (futures: contracts x multiplier; options: with their delta).
        ``delta_usd``: the same times that future's price, the notional the position moves like. NaN where the
        price they need is missing. ``is_model_priced``: the mark is a model's, missing without a mark.
        ``reason``: why the layer wants it, and what became of its orders.
    """
    rows: list[tuple[object, ...]] = []
    stamps = [pd.Timestamp(day) for day in marks.market.days]
    for session, (day, stamp) in enumerate(zip(marks.market.days, stamps, strict=True)):
        for book in books:
            today = book.days[session]
            if not (today.want.legs or today.held or today.fills):
                continue
            legs = {leg.instrument: leg for leg in today.want.legs}
            orders = list_orders({one: leg.contracts for one, leg in legs.items()}, today.held, day)
            settled = {fill.instrument: fill.mark for fill in today.fills if fill.kind is FillKind.SETTLEMENT}
            traded = dict.fromkeys(fill.instrument for fill in today.fills)
            for instrument in sorted({**legs, **today.held, **traded}, key=lambda one: one.code):
                leg = legs.get(instrument)
                held = today.held.get(instrument, 0)
                mark = marks.mark(session, instrument)
                rows.append(
                    (
                        stamp,
                        book.layer.value,
                        instrument.code,
                        leg.contracts if leg is not None else 0,
                        leg.wanted_contracts if leg is not None else 0.0,
                        held,
                        orders.get(instrument, 0),
                        *_measure(instrument, held, mark),
                        _tell(today, instrument, settled, is_late=held != 0 and has_expired(instrument, day)),
                    )
                )
    frame = pd.DataFrame(rows, columns=list(POSITION_COLUMNS))
    whole = ("target_contracts", "held_contracts", "order_contracts")
    reals = ("wanted_contracts", "mark_pts", "mark_low_pts", "mark_high_pts", "vega_usd", "delta_usd")
    return frame.astype(
        {"trade_date": "datetime64[us]", "is_model_priced": "boolean"}
        | dict.fromkeys(whole, "int64")
        | dict.fromkeys(reals, "float64")
    )


def _measure(instrument: Instrument, held: int, mark: Mark | None) -> tuple[float | bool | None, ...]:
    """Mark and its band, dollars a point, notional, and whether a model priced it."""
    if mark is None:
        unknown, nothing = float("nan"), 0.0 if held == 0 else float("nan")
        return unknown, unknown, unknown, nothing, nothing, None
    vega = held * instrument.multiplier_usd * mark.delta if held else 0.0
    notional = vega * mark.future_pts if held else 0.0
    return mark.pts, mark.low_pts, mark.high_pts, vega, notional, mark.is_model_priced


def _tell(today: BookDay, instrument: Instrument, settled: dict[Instrument, Mark], *, is_late: bool) -> str:
    if instrument in settled:
        return f"settled in cash at {settled[instrument].pts:g}"
    if is_late:
        return "expired, awaits its final settlement value"
    if today.unpriced:
        return f"{today.want.reason}; orders carried: no price of {', '.join(one.code for one in today.unpriced)}"
    return today.want.reason
