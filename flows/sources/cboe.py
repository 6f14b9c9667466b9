"""Cboe's addresses: what each file is called, where it is, and what its absence means."""

from __future__ import annotations

from datetime import date

from flows.sources.base import Request
from transforms.contracts import archive_file_name, current_file_name
from transforms.registry import Requirement, index_registry

_CDN = "https://cdn.cboe.com"
_LIST = "https://www-api.cboe.com/us/futures/market_statistics/historical_data/product/list/VX/"
_CURRENT = f"{_CDN}/data/us/futures/market_statistics/historical_data/VX"
_ARCHIVE = f"{_CDN}/resources/futures/archive/volume-and-price"
_DAILY = "https://www.cboe.com/us/futures/market_statistics/settlement/csv"
_INDICES = f"{_CDN}/api/global/us_indices/daily_prices"
_QUOTES = f"{_CDN}/api/global/delayed_quotes"
_LARGEST_QUOTES = 8 * 1024 * 1024

CONTRACT_LIST_NAME = "VX_product_list.json"
FIRST_CURRENT_EXPIRY = date(2013, 1, 1)
"""Contracts expiring from here have a file in the current format."""
FIRST_ARCHIVE_MONTH = date(2004, 5, 1)
LAST_ARCHIVE_MONTH = date(2014, 2, 1)
"""The archive carries later, frozen files. Up to this contract month its settles are the only ones for
sessions to 2013-05-17, where the current files print 0; past it they add nothing."""


def contract_list() -> Request:
    """Cboe's list of VX contracts."""
    return Request("cboe", "vx_contract_list", CONTRACT_LIST_NAME, _LIST, "required")


def contract_file(expiry: date, *, is_monthly: bool) -> Request:
    """A contract's file since 2013. The curve is made of monthlies; weeklies are kept beside it."""
    name = current_file_name(expiry)
    requirement: Requirement = "required" if is_monthly else "expected"
    return Request("cboe", "vx_contract", name, f"{_CURRENT}/{name}", requirement, may_be_absent=True)


def archive_file(contract_month: date) -> Request:
    """A contract's file of the archive; some months were never listed."""
    name = archive_file_name(contract_month)
    return Request("cboe", "vx_archive", name, f"{_ARCHIVE}/{name}", "expected", may_be_absent=True)


def daily_settlements(session: date) -> Request:
    """The same-evening settlement table of a session."""
    name = f"settlement_{session.isoformat()}.csv"
    url = f"{_DAILY}?dt={session.isoformat()}"
    return Request("cboe", "vx_daily_settlement", name, url, "optional", may_be_absent=True)


def final_settlements() -> Request:
    """The history of final settlement values (VRO)."""
    name = "VRO_History.csv"
    return Request("cboe", "vx_final_settlement", name, f"{_INDICES}/{name}", "optional", may_be_absent=True)


def index_histories() -> list[Request]:
    """The histories of every index in the registry."""
    return [
        Request(
            "cboe",
            "index_history",
            f"{info.index_code}_History.csv",
            f"{_INDICES}/{info.index_code}_History.csv",
            info.requirement,
            may_be_absent=info.requirement == "optional",
        )
        for info in index_registry().values()
    ]


def option_chain() -> Request:
    """The VIX option chain as it is quoted when asked for. It has no past: a history begins with the first night."""
    return Request(
        "cboe",
        "vix_option_chain",
        "VIX_option_chain.json",
        f"{_QUOTES}/options/_VIX.json",
        "optional",
        may_be_absent=True,
        max_bytes=_LARGEST_QUOTES,
        is_context=True,
    )


def price_bars() -> list[Request]:
    """Daily bars of the funds that breadth and real estate are read from."""
    return [
        Request(
            "cboe",
            "price_bars",
            f"{symbol}_bars.json",
            f"{_QUOTES}/charts/historical/{symbol}.json",
            "optional",
            may_be_absent=True,
            max_bytes=_LARGEST_QUOTES,
            is_context=True,
        )
        for symbol in ("SPY", "RSP", "VNQ")
    ]
