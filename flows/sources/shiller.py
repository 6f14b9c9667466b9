"""The address of Shiller's monthly stock market data, as a maintained public copy in CSV.

His own workbook moves from address to address; a copy of it may lie in ``inputs/``
(:mod:`flows.sources.user_files`).
"""

from __future__ import annotations

from flows.sources.base import Request

_COPY = "https://raw.githubusercontent.com/datasets/s-and-p-500/main/data/data.csv"
_LARGEST = 2 * 1024 * 1024


def monthly_data() -> Request:
    """Monthly index level, dividends, earnings, consumer prices and the cyclically adjusted P/E since 1871."""
    return Request(
        "shiller",
        "shiller_monthly",
        "sp500_monthly.csv",
        _COPY,
        "optional",
        may_be_absent=True,
        max_bytes=_LARGEST,
        is_context=True,
    )
