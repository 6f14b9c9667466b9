"""JSON as the commands print it: numbers are numbers, NULL and what is no number are null, dates are ISO 8601."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from transforms.wording import escape_json


def load_json(text: str | bytes) -> Any:
    """Read JSON that lies on a disk or came over a network.

    Raises
    ------
    ValueError
        If it is none, is not UTF-8, or is nested so deeply that nobody wrote it.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dump_json(document: object) -> str:
    """Return a document as indented JSON text without NaN or infinity, and with nothing that acts on a terminal."""
    return escape_json(json.dumps(to_json_value(document), indent=1, ensure_ascii=False, allow_nan=False))


def to_json_value(value: Any) -> Any:
    """Return a value as plain JSON types.

    Parameters
    ----------
    value
        What DuckDB or a command has: numbers, decimals, texts, dates, instants, lists, structs, NULL.

    Returns
    -------
    object
        NaN and infinities become None; a decimal becomes the nearest float, or an int where it is whole; what has no
        form in JSON becomes its text.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items()}
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes | bytearray):
        return [to_json_value(item) for item in value]
    return value.hex() if isinstance(value, bytes | bytearray) else str(value)
