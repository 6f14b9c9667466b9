"""Daily price bars of a fund or share, from the JSON behind Cboe's charts.

Parsing gives types and nothing more; whether a bar can be used is judged in ``sql/stg/price_bar_rows.sql``.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from transforms.contracts import RefusedEntry
from transforms.errors import SourceError

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ][0-9:.]+(?:Z|[+-]\d{2}:?\d{2})?)?")
_LARGEST = 1e15
"""No price or volume is as large: a number beyond it is a slip of the publisher, and would not fit a BIGINT."""


@dataclass(frozen=True)
class PriceBar:
    """One session, as printed.

    Attributes
    ----------
    entry_no
        Place in the file's list, from 1.
    open_usd, high_usd, low_usd, close_usd, volume_shares
        None where the file has null, an empty text, or no such key. Zeros and absurd prices are kept
        here and judged later.
    text
        The entry as JSON, shortened to 500 characters.
    """

    entry_no: int
    trade_date: date
    open_usd: float | None
    high_usd: float | None
    low_usd: float | None
    close_usd: float | None
    volume_shares: int | None
    text: str


def parse_price_bars(body: bytes) -> tuple[list[PriceBar], list[RefusedEntry]]:
    """Parse the daily history behind a Cboe chart.

    Numbers may be numbers or texts; a date may carry a time, which is dropped. Whose bars they are says the
    name of the file: inspection compares it with the symbol inside.

    Returns
    -------
    Bars in the order of the file, and the entries that no types can be read from, with reasons.

    Raises
    ------
    SourceError
        If the body is not a JSON object with a list ``data``.

    Source: ``cdn.cboe.com/api/global/delayed_quotes/charts/historical/<SYMBOL>.json``.
    """
    bars: list[PriceBar] = []
    refused: list[RefusedEntry] = []
    for entry_no, entry in enumerate(_read_entries(body), start=1):
        text = json.dumps(entry)[:500]
        result = _parse_bar(entry_no, entry, text)
        if isinstance(result, PriceBar):
            bars.append(result)
        else:
            refused.append(RefusedEntry(entry_no, result, text))
    return bars, refused


def _read_entries(body: bytes) -> list[Any]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _not_bars(f"not complete JSON ({type(error).__name__}): {body[:60]!r}") from None
    entries = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(entries, list):
        raise _not_bars(f"no list of bars under 'data': {body[:60]!r}")
    return entries


def _parse_bar(entry_no: int, entry: Any, text: str) -> PriceBar | str:
    if not isinstance(entry, dict):
        return "entry_is_not_an_object"
    day = entry.get("date")
    match = _DAY.fullmatch(day.strip()) if isinstance(day, str) else None
    try:
        trade_date = date.fromisoformat(match[1]) if match else None
    except ValueError:
        trade_date = None
    if trade_date is None:
        return "unreadable_trade_date"
    try:
        first, highest, lowest, last = (_number(entry.get(name)) for name in ("open", "high", "low", "close"))
        volume = _number(entry.get("volume"))
    except ValueError:
        return "unreadable_number"
    return PriceBar(entry_no, trade_date, first, highest, lowest, last, None if volume is None else round(volume), text)


def _number(value: Any) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"not a number: {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("too large") from None
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise ValueError(f"not a finite number of usual size: {number}")
    return number


def _not_bars(found: str) -> SourceError:
    return SourceError(
        "a chart's daily history cannot be read",
        where="delayed_quotes/charts/historical",
        found=found,
        expected="a JSON object with 'data', a list of bars with date, open, high, low, close, volume",
        next_step="look at the stored file; if Cboe changed the format, the parser must learn it",
    )
