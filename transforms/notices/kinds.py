"""The kinds of news a message can bring, and which of them a user wants."""

from __future__ import annotations

import re

TRANSITION = "transition"
GOVERNOR = "governor"
DEGRADED = "degraded"
FAILED = "failed"
STALE = "stale"
ORDERS = "orders"

KINDS = (FAILED, TRANSITION, GOVERNOR, DEGRADED, STALE, ORDERS)
"""Every kind, the weightiest first: the order in which a message tells them."""

DEFAULT_KINDS = (TRANSITION, GOVERNOR, DEGRADED, FAILED, STALE)
"""What is told where nothing is chosen. Orders come on many evenings that change nothing, so they are asked for."""

DEFAULT_TEXT = ",".join(DEFAULT_KINDS)


def read_kinds(text: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Read a choice of kinds, separated by commas or spaces.

    Returns
    -------
    tuple
        The kinds that are known, and the words that are none.
    """
    words = [word for word in re.split(r"[\s,]+", text.strip().lower()) if word]
    return frozenset(word for word in words if word in KINDS), tuple(word for word in words if word not in KINDS)
