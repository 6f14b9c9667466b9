"""From values to words: plain JSON values, cleaned strings, numbers as a trader writes them.

Dates are written with fixed English names, so that the locale of the machine changes no byte.
"""

from __future__ import annotations

import math
import sys
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

MISSING = "—"
NOT_PUBLISHED = "not published"
TEXT_LIMIT = 400
"""Longest string taken over from a source, in characters."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUS = "\N{MINUS SIGN}"


def is_missing(value: object) -> bool:
    """Return True for None, NaN, NaT and pandas' NA."""
    if isinstance(value, float):
        return math.isnan(value)
    # What nobody has loaded has no values: commands that print a few rows need no second of imports.
    pandas = sys.modules.get("pandas")
    return value is None or (pandas is not None and (value is pandas.NaT or value is pandas.NA))


def to_date(value: object) -> date | None:
    """Return a cell of a date column as a date, or None where it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, datetime):  # pandas' Timestamp is one too
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(str(value)[:10])


def to_number(value: object) -> float | None:
    """Return a cell of a numeric column as a float, or None where it is missing or not finite."""
    if is_missing(value):
        return None
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None


def clean_text(value: object, limit: int = TEXT_LIMIT) -> str:
    """Return a string of a source fit to print: one line, bounded, without invisible characters.

    Control characters could steer a terminal, direction marks could reorder a line, and lone
    surrogates cannot be written as UTF-8.
    """
    raw = str(value)
    head = raw[: 8 * limit]  # a hostile megabyte costs no more than a line
    # nearly every text: no such character, and no space but the plain one
    kept = head if head.isprintable() else "".join(map(_show, head))
    line = " ".join(kept.split())
    if len(line) <= limit and len(head) == len(raw):
        return line
    return line[: limit - 1].rstrip() + "…"


def _show(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} else character


def to_plain(value: Any) -> Any:
    """Return a value as plain JSON types; missing becomes None, strings are cleaned."""
    if isinstance(value, Mapping):
        return {clean_text(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [to_plain(item) for item in items]
    if is_missing(value):
        return None
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "item"):  # a NumPy scalar
        return to_plain(value.item())
    return clean_text(value)


def format_instant(value: datetime) -> str:
    """Return an instant as ``2026-01-12T23:41:07Z``; one without a zone is taken as UTC."""
    moment = value.astimezone(UTC) if value.tzinfo else value
    return moment.replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def say_date(value: date | str | None, *, weekday: bool = False, year: bool = True) -> str:
    """Return ``12 Jan 2026`` or ``Mon 12 Jan 2026``; an em dash where there is no date."""
    day = to_date(value)
    if day is None:
        return MISSING
    words = [_WEEKDAYS[day.weekday()]] if weekday else []
    words += [str(day.day), _MONTHS[day.month - 1]]
    return " ".join([*words, str(day.year)] if year else words)


def say_month(value: date | str) -> str:
    """Return ``Jan`` or, in January, ``Jan 2026``: a tick on a time axis."""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{_MONTHS[day.month - 1]} {day.year}" if day.month == 1 else _MONTHS[day.month - 1]


def say_month_of(month: str) -> str:
    """Return ``Jan 2026`` for ``2026-01``."""
    year, number = month.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def say_number(value: float | None, style: str, *, signed: bool = False) -> str:
    """Return a number in one of the report's styles.

    ``pts`` 18.50, ``frac`` as per cent 8.65%, ``ratio`` 0.912, ``log`` 0.0412, ``pctile`` 38th,
    ``days`` and ``count`` 1,204, ``level`` 1,204.56, and below 1 three digits that count: 0.00412.
    Missing is an em dash, never 0.
    """
    if value is None:
        return MISSING
    if style == "pctile":
        return _ordinal(round(100 * value))
    digits = {"pts": 2, "frac": 2, "ratio": 3, "log": 4, "days": 0, "count": 0, "level": 2}[style]
    amount = 100 * value if style == "frac" else value
    text = f"{abs(amount):,.{digits}f}"
    if style == "level" and 0 < abs(amount) < 1:
        # an index of futures that has lost nearly everything is small, and not nothing
        text = f"{float(f'{abs(amount):.2e}'):.10f}".rstrip("0")
    is_zero = not any(character in "123456789" for character in text)
    sign = "" if is_zero else _MINUS if amount < 0 else "+" if signed else ""
    return f"{sign}{text}{'%' if style == 'frac' else ''}"


def say_level(level: str) -> str:
    """Return a volatility bucket in words: ``15–20``, ``below 15``, ``30 or more``."""
    if level.startswith("<"):
        return f"below {level[1:]}"
    if level.startswith(">="):
        return f"{level[2:]} or more"
    return level.replace("-", "\N{EN DASH}")


def say_count(count: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 row`` or ``2 rows``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def join_words(words: list[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
