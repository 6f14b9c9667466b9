"""Unicorn's addresses: counts of advancing and declining NYSE issues, over plain http only."""

from __future__ import annotations

from datetime import date

from flows.sources.base import Request

_FOLDER = "http://unicorn.us.com/advdec"
_LARGEST = 2 * 1024 * 1024

LAST_DATE = date(2020, 2, 10)
"""The files stop here, or go on with zeros: a stored version that reaches it is final."""


def breadth_files() -> list[Request]:
    """The daily counts of advances and of declines, each one file since 1965."""
    return [
        Request(
            "unicorn",
            "nyse_breadth",
            name,
            f"{_FOLDER}/{name}",
            "optional",
            may_be_absent=True,
            max_bytes=_LARGEST,
            is_context=True,
        )
        for name in ("NYSE_advn.csv", "NYSE_decln.csv")
    ]
