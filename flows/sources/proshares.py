"""ProShares' addresses: net asset value and shares outstanding of volatility funds."""

from __future__ import annotations

from flows.sources.base import Request

_FOLDER = "https://accounts.profunds.com/etfdata/ByFund"
_FUNDS = ("VIXY", "UVXY", "SVXY")
_LARGEST = 4 * 1024 * 1024


def fund_histories() -> list[Request]:
    """The daily history of each fund since its inception."""
    return [
        Request(
            "proshares",
            "fund_nav",
            f"{fund}-historical_nav.csv",
            f"{_FOLDER}/{fund}-historical_nav.csv",
            "optional",
            may_be_absent=True,
            max_bytes=_LARGEST,
            is_context=True,
        )
        for fund in _FUNDS
    ]
