"""Vintages of a macro series: every value it ever had, each with the days on which it was the current one.

The real-time archive of FRED (ALFRED) answers with real-time periods: a value, the observation it belongs
to, and the first and last day on which it was what the publisher said. That is what a trader could know.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from transforms.contracts import RefusedEntry
from transforms.errors import SourceError

_STILL_CURRENT = date(9999, 12, 31)
_NO_VALUE = "."


@dataclass(frozen=True)
class VintageValue:
    """One value of one observation in one real-time period.

    Attributes
    ----------
    reference_date
        First day of the month or quarter the value is of.
    realtime_start, realtime_end
        First and last day on which it was the current value; the end is None while it still is.
    observed_value
        In the unit of the series; None where the vintage had the observation without a value.
    """

    reference_date: date
    realtime_start: date
    realtime_end: date | None
    observed_value: float | None


def parse_vintages(body: bytes) -> tuple[list[VintageValue], list[RefusedEntry]]:
    """Parse the observations of a series by real-time period.

    Parameters
    ----------
    body
        JSON object of the observations endpoint, ``output_type=1``, with every real-time period.

    Returns
    -------
    Values sorted by observation and real-time start, and the refused entries with reasons. Two values that
    claim the same observation from the same day on are both refused.

    Raises
    ------
    SourceError
        If the body is not such an object, or is one page of several. One without a usable value is refused
        entry by entry.

    Source: ``api.stlouisfed.org/fred/series/observations``.
    """
    entries = _entries(body)
    read = [(line_no, entry, _parse_entry(entry)) for line_no, entry in enumerate(entries, start=1)]
    claims: Counter[tuple[date, date]] = Counter()
    for found in {parsed for _, _, parsed in read if isinstance(parsed, VintageValue)}:
        claims[found.reference_date, found.realtime_start] += 1
    values: set[VintageValue] = set()
    refused: list[RefusedEntry] = []
    for line_no, entry, parsed in read:
        reason = parsed if isinstance(parsed, str) else None
        if isinstance(parsed, VintageValue):
            if claims[parsed.reference_date, parsed.realtime_start] > 1:
                reason = "conflicting_entries_for_one_vintage"
            elif parsed in values:
                reason = "duplicate_of_an_earlier_entry"
            else:
                values.add(parsed)
        if reason is not None:
            refused.append(RefusedEntry(line_no, reason, json.dumps(entry)[:500]))
    return sorted(values, key=lambda value: (value.reference_date, value.realtime_start)), refused


def _entries(body: bytes) -> list[Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _not_vintages(f"not JSON ({type(error).__name__}): {body[:80]!r}") from None
    entries = answer.get("observations") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise _not_vintages(f"JSON {type(answer).__name__} without a list of observations")
    count = answer.get("count")
    if isinstance(count, int) and count > len(entries):
        raise _not_vintages(f"{len(entries)} of {count} entries: one page of several")
    return entries


def _parse_entry(entry: Any) -> VintageValue | str:
    if not isinstance(entry, dict):
        return "entry_is_not_an_object"
    reference = _date(entry.get("date"))
    start, end = _date(entry.get("realtime_start")), _date(entry.get("realtime_end"))
    if reference is None or start is None or end is None:
        return "unreadable_date"
    if end < start:
        return "real_time_period_ends_before_it_starts"
    if start <= reference:
        return "known_before_its_period_began"
    text = entry.get("value")
    value = None if text == _NO_VALUE else _number(text)
    if value is None and text != _NO_VALUE:
        return "unreadable_number"
    return VintageValue(reference, start, None if end == _STILL_CURRENT else end, value)


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _number(text: object) -> float | None:
    try:
        value = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _not_vintages(found: str) -> SourceError:
    return SourceError(
        "the vintages of a series cannot be read",
        where="fred/series/observations",
        found=found,
        expected="a JSON object whose observations carry realtime_start, realtime_end, date and value",
        next_step="look at the stored file; if the format changed, the parser must learn it",
    )
