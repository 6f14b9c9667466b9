"""Where fuzzing starts: small inputs as they should be, of the made-up market or written here. No exchange data."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from pathlib import Path

from tests.support.bench import bar, fund_line, list_entry, vx_line
from tests.support.book import EXAMPLE, MARKET_BOOK
from tests.support.grids import SMALL
from tests.support.workbook import shiller_rows, xls
from transforms.formats import (
    DAILY_SETTLEMENT_HEADER,
    FUND_HEADER,
    OHLC_HEADER,
    RELEASE_DATES_HEADER,
    SECTOR_HEADER,
    SHILLER_HEADER,
    VX_HEADER,
)
from transforms.policy.loader import preset_text

EXPIRY = date(2025, 9, 17)
DAYS = (date(2025, 6, 3), date(2025, 6, 4), date(2025, 6, 5), date(2025, 6, 6))


def lines(header: str, *rows: str) -> bytes:
    """Lines of a file."""
    return "".join(f"{line}\n" for line in (header, *rows)).encode()


CONTRACT = lines(VX_HEADER, *(vx_line(day, EXPIRY, 20 + number / 8) for number, day in enumerate(DAYS)))
ARCHIVE = lines(
    VX_HEADER, "06/01/2006,M (Jun 06),170.1,172,168,171,171.5,0,12,0,100", "06/02/2006,M (Jun 06),,,,,172,0,0,0,100"
)
EVENING = lines(
    DAILY_SETTLEMENT_HEADER, "VX,VX/U5,2025-09-17,20.125", "VX,VX01/F5,2025-01-02,0", "VA,VA/U5,2025-09-17,20"
)
FINAL = lines("DATE,CLOSE", "06/18/2025,20.24", "07/16/2025,17.16")
INDEX = lines(OHLC_HEADER, *(f"{day:%m/%d/%Y},17.1,18.5,16.9,17.{number}" for number, day in enumerate(DAYS)))
SERIES = lines("observation_date,DTB3", "2025-06-02,4.20", "2025-06-03,", "2025-06-04,.", "2025-06-05,4.21")
FUND = lines(FUND_HEADER, *(fund_line(day, "UVXY", 20.5) for day in DAYS))
SHILLER = lines(
    SHILLER_HEADER,
    "2025-01-01,5979.5,74.8,213.1,317.67,4.63,6000,75,214,37.1",
    "2025-02-01,6038.7,75,0,319,4.45,0,0,0,0",
)
SECTORS = lines(SECTOR_HEADER, "2025-03-31,2025-05-02,Energy,6.5", "2025-03-31,2025-05-02,Utilities,9.25")
RELEASES = lines(RELEASE_DATES_HEADER, "GDPC1,2025-01-01,2025-04-30")
BREADTH = b"".join(f"{day:%Y%m%d}, {1500 + number}\n".encode() for number, day in enumerate(DAYS))
CONTRACT_LIST = json.dumps({"2025": [list_entry(EXPIRY), list_entry(date(2025, 9, 10), duration="W")]}).encode()
BARS = json.dumps(
    {"timestamp": "2025-06-06 22:00:00", "symbol": "SPY", "data": [bar(day, 590.5) for day in DAYS]}
).encode()
VINTAGES = json.dumps(
    {
        "count": 2,
        "observations": [
            {"realtime_start": "2025-05-01", "realtime_end": "2025-06-01", "date": "2025-03-01", "value": "2.5"},
            {"realtime_start": "2025-06-02", "realtime_end": "9999-12-31", "date": "2025-03-01", "value": "."},
        ],
    }
).encode()
CHAIN = json.dumps(
    {
        "timestamp": "2025-06-06 20:30:00",
        "symbol": "_VIX",
        "data": {
            "symbol": "^VIX",
            "current_price": 17.1,
            "last_trade_time": "2025-06-06T16:15:00",
            "options": [
                {
                    "option": f"VIX250917{right}000{strike}000",
                    "bid": 1.1,
                    "bid_size": 10.0,
                    "ask": 1.2,
                    "ask_size": 12.0,
                    "iv": 0.9,
                    "open_interest": 100.0,
                    "volume": 5.0,
                    "last_trade_price": 1.15,
                    "last_trade_time": "2025-06-05T11:00:00",
                }
                for right in "CP"
                for strike in (20, 25)
            ],
        },
    }
).encode()
FOMC = b"""<!DOCTYPE html><html><head><title>FOMC calendars</title></head><body><div class="panel">
<h4>2025 FOMC Meetings</h4><div class="row fomc-meeting"><div class="fomc-meeting__month"><strong>January</strong></div>
<div class="fomc-meeting__date">28-29</div><div><a href="/newsevents/pressreleases/monetary20250129a.htm">HTML</a>
(Released February 19, 2025)</div></div><div class="row fomc-meeting"><div class="fomc-meeting__month">
<strong>Apr/May</strong></div><div class="fomc-meeting__date">30-1*</div></div></div></body></html>
"""
WORKBOOK = xls(shiller_rows(*([2020 + month / 100, 3200.0, 58.0, 139.0, 31.0] for month in range(1, 13))))
BOOK, SECOND_BOOK = EXAMPLE.encode(), MARKET_BOOK.encode()
GRID = SMALL.encode()
EXAMPLES = ((Path(__file__).resolve().parents[2] / "docs" / "examples" / "sweep.toml").read_bytes(),)


@lru_cache(maxsize=1)
def policies() -> tuple[bytes, ...]:
    """The shipped policies, as files."""
    return tuple(preset_text(name).encode() for name in ("article", "static", "none", "vpd"))
