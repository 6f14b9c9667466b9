"""Is this body the file it claims to be? A look at the whole shape, before any row is read.

Inspection answers for the file (wrong page, cut off, renamed columns); the rows are judged one by
one in ``sql/stg``. A refused file is kept in the raw store, named in the report, and never read.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from datetime import date
from typing import Any

from transforms.errors import BookError
from transforms.registry import index_registry

VX_HEADER = "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest"
DAILY_SETTLEMENT_HEADER = "Product,Symbol,Expiration Date,Price"
OHLC_HEADER = "DATE,OPEN,HIGH,LOW,CLOSE"
FUND_HEADER = (
    "Date,ProShares Name,Ticker,NAV,Prior NAV,NAV Change (%),NAV Change ($),Shares Outstanding (000),"
    "Assets Under Management"
)
SHILLER_HEADER = (
    "Date,SP500,Dividend,Earnings,Consumer Price Index,Long Interest Rate,Real Price,Real Dividend,Real Earnings,PE10"
)
SECTOR_HEADER = "reference_date,known_date,sector,price_to_cash_flow"
RELEASE_DATES_HEADER = "series_id,reference_date,release_date"

CONTRACTS = ("vx_contract", "vx_archive")
"""Formats of a contract's settlements."""

Inspection = str | None
"""The reason a file is refused, or None when it may be read."""


def inspect_file(dataset: str, name: str, body: bytes) -> Inspection:
    """Return why a body cannot be the file asked for, or None.

    Parameters
    ----------
    dataset
        Format family: ``vx_contract_list``, ``vx_contract``, ``vx_archive``,
        ``vx_daily_settlement``, ``vx_final_settlement``, ``index_history``, ``fred_series``; of context
        ``vix_option_chain``, ``price_bars``, ``fred_vintages``, ``fomc_calendar``, ``nyse_breadth``,
        ``fund_nav``, ``shiller_monthly``; of users ``shiller_workbook``, ``sector_price_cash_flow``,
        ``release_dates``, ``book``.
    name
        File name in the raw store; index, series and bar files state their code in it.
    """
    if not body.strip():
        return "empty file"
    if dataset == "shiller_workbook":
        return _inspect_workbook(body)
    if dataset == "fomc_calendar":
        return _inspect_fomc_page(body)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"not UTF-8 text: byte {body[error.start]:#04x} at offset {error.start}"
    if "\x00" in text:
        return "not text: contains NUL bytes"
    if not text.strip():
        # Spaces that only Unicode knows, or a byte order mark alone.
        return "empty file"
    if text.lstrip()[:1] == "<":
        return f"a web page or XML error instead of data: {text.strip()[:60]!r}"
    if dataset in _EXPECTED_OUTLINE:
        return _inspect_json(text, name, _EXPECTED_OUTLINE[dataset])
    if dataset == "nyse_breadth":
        return _inspect_breadth(text)
    if dataset == "book":
        return _inspect_book(text, name)
    return _inspect_csv(
        text,
        _EXPECTED_HEADER[dataset](name),
        may_end_open=dataset in _MAY_END_OPEN,
        may_be_bare=dataset not in _HISTORIES,
    )


def last_trade_date(body: bytes) -> date | None:
    """Date of the last data line of a contract file, or None if it has none.

    Both formats are handled: ISO dates (since 2013) and month-first dates (archive).
    """
    for line in reversed(body.decode("utf-8", errors="replace").splitlines()):
        first = line.split(",", 1)[0].strip()
        try:
            if "/" in first:
                month, day, year = (int(part) for part in first.split("/"))
                return date(year, month, day)
            return date.fromisoformat(first)
        except (ValueError, OverflowError):
            continue
    return None


def last_breadth_date(body: bytes) -> date | None:
    """Date of the last readable line of a count of NYSE issues (``YYYYMMDD, n``), or None if it has none."""
    for line in reversed(body.decode("utf-8", errors="replace").splitlines()):
        if _BREADTH_LINE.fullmatch(line.strip()):
            try:
                return date.fromisoformat(line.strip()[:8])
            except ValueError:
                continue
    return None


def _inspect_json(text: str, name: str, inspect_outline: Callable[[Any, str], Inspection]) -> Inspection:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"not complete JSON: {error}"
    return inspect_outline(content, name)


def _inspect_option_chain(content: Any, _name: str) -> Inspection:
    data = content.get("data") if isinstance(content, dict) else None
    options = data.get("options") if isinstance(data, dict) else None
    if not isinstance(options, list):
        return "not an option chain: no list data.options"
    if not options:
        return "an option chain without options"
    if not isinstance(content.get("timestamp"), str):
        return "an option chain that does not say when it was quoted: no timestamp"
    return None


def _inspect_price_bars(content: Any, name: str) -> Inspection:
    symbol = name.removesuffix("_bars.json")
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        return "not daily bars: no list data"
    if not content["data"]:
        return "daily bars without a day"
    stated = content.get("symbol")
    if stated is not None and stated != symbol:
        return f"daily bars of another symbol: expected {symbol!r}, found {str(stated)[:20]!r}"
    return None


def _inspect_vintages(content: Any, _name: str) -> Inspection:
    observations = content.get("observations") if isinstance(content, dict) else None
    if not isinstance(observations, list):
        message = content.get("error_message") if isinstance(content, dict) else None
        return f"not observations: {message[:120]!r}" if isinstance(message, str) else "not observations"
    if not observations:
        return "vintages without an observation"
    count = content.get("count")
    if isinstance(count, int) and count > len(observations):
        return f"cut off: {len(observations)} of {count} observations"
    return None


def _inspect_fomc_page(body: bytes) -> Inspection:
    # Pages are for browsers, which forgive a stray byte: the meetings are plain ASCII.
    text = body.decode("utf-8-sig", errors="replace")
    start = text.lstrip()[:1000].lower()
    if not start.startswith(("<!doctype html", "<html", "<!--", "<?xml")) or "<html" not in start:
        return f"not a web page: {text.strip()[:60]!r}"
    if not _FOMC_YEAR.search(text) or "fomc-meeting__month" not in text or "fomc-meeting__date" not in text:
        title = re.search(r"<title[^>]*>([^<]{0,80})", text, re.IGNORECASE)
        seen = " ".join(title[1].split()) if title else text.strip()[:60]
        return f"a web page without FOMC meetings: {seen!r}"
    if "</html" not in text[-4096:].lower():
        return "cut off: the page is not ended"
    return None


def _inspect_workbook(body: bytes) -> Inspection:
    """A workbook is known by its first bytes, whatever the file is called."""
    if body.startswith(b"PK\x03\x04"):
        return "a newer workbook (.xlsx): save it as .xls, the format of Shiller's own"
    if not body.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return f"not an Excel workbook: begins with {body[:20]!r}"
    if len(body) < 512:
        return "cut off: not even the header is whole"
    # The header names the sectors that hold the table of all sectors, and the first of the folder.
    (shift,) = struct.unpack_from("<H", body, 30)
    (folder,) = struct.unpack_from("<I", body, 48)
    tables = struct.unpack_from("<109I", body, 76)
    wanted = max(sector for sector in (folder, *tables) if sector < 0xFFFFFFFA or sector == folder)
    if (wanted + 1) << shift >= len(body):
        return f"cut off: {len(body)} bytes do not reach sector {wanted}"
    from transforms.shiller import inspect_shiller_workbook  # a reader that only this rare file needs

    return inspect_shiller_workbook(body)


def _inspect_book(text: str, name: str) -> Inspection:
    from transforms.portfolio.book_reader import LATEST_AS_OF, describe_refusal, read_book  # as rare as the workbook

    try:
        # Which day it is, is not the file's doing: whoever uses the book says it.
        read_book(text, where=name, today=LATEST_AS_OF)
    except BookError as error:
        return describe_refusal(error)
    return None


def _inspect_breadth(text: str) -> Inspection:
    lines = [line.strip() for line in text.split("\n")]
    filled = [line for line in lines if line]
    if not _BREADTH_LINE.fullmatch(filled[0]):
        return f"not a count of issues: expected 'YYYYMMDD, n', found {filled[0][:60]!r}"
    if lines[-1]:
        return f"cut off: the last line is not ended: {lines[-1][-60:]!r}"
    if not _BREADTH_LINE.fullmatch(filled[-1]):
        return f"cut off: the last line is {filled[-1][:60]!r}"
    return None


def _inspect_csv(text: str, headers: tuple[str, ...], *, may_end_open: bool, may_be_bare: bool) -> Inspection:
    lines = [line.rstrip("\r").strip() for line in text.split("\n")]
    filled = [line for line in lines if line]
    header_at = next((i for i, line in enumerate(filled[:5]) if line.rstrip(",") in headers), None)
    if header_at is None:
        looks = next((line for line in filled[:5] if "," in line), filled[0])
        return f"header not found: expected {headers[0]!r}, found {looks[:120]!r}"
    data = filled[header_at + 1 :]
    if not data:
        if not text.endswith("\n"):
            return "cut off after the header"
        return None if may_be_bare else "no line below the header"
    width = headers[0].count(",") + 1
    # A last field may be empty: FRED leaves the value of a holiday blank.
    fields = data[-1].count(",") + 1
    if lines[-1] and not (may_end_open and fields >= width):
        # Publishers end every line; without it the last number may have lost digits unseen.
        return f"cut off: the last line is not ended: {lines[-1][-60:]!r}"
    if fields < min(width, 2) or (width > 5 and fields < width - 1):
        return f"cut off: the last line has {fields} of {width} fields"
    return None


def _index_header(name: str) -> tuple[str, ...]:
    code = name.removesuffix("_History.csv")
    return (OHLC_HEADER, f"DATE,{code}") if index_registry()[code].layout == "ohlc" else (f"DATE,{code}", OHLC_HEADER)


def _series_header(name: str) -> tuple[str, ...]:
    series = name.removesuffix(".csv")
    return (f"observation_date,{series}", f"DATE,{series}")


_EXPECTED_HEADER: dict[str, Callable[[str], tuple[str, ...]]] = {
    "vx_contract": lambda _: (VX_HEADER,),
    "vx_archive": lambda _: (VX_HEADER,),
    "vx_daily_settlement": lambda _: (DAILY_SETTLEMENT_HEADER,),
    "vx_final_settlement": lambda _: ("DATE,VRO", OHLC_HEADER, "DATE,CLOSE"),
    "index_history": _index_header,
    "fred_series": _series_header,
    "fund_nav": lambda _: (FUND_HEADER,),
    "shiller_monthly": lambda _: (SHILLER_HEADER,),
    "sector_price_cash_flow": lambda _: (SECTOR_HEADER,),
    "release_dates": lambda _: (RELEASE_DATES_HEADER,),
}
_HISTORIES = ("vx_archive", "vx_final_settlement", "index_history", "fred_series")
"""Long files that grow: one without a line is none. A contract listed today has its header and nothing else until its
first settlement, and what people type may be empty."""
_MAY_END_OPEN = ("fund_nav", "sector_price_cash_flow", "release_dates")
"""What people type may lack its last line end, and whether the fund house writes one is not known: there
only the last line's last field could be cut short unseen (of a fund, the assets on its first day)."""

_EXPECTED_OUTLINE: dict[str, Callable[[Any, str], Inspection]] = {
    "vx_contract_list": lambda _content, _name: None,
    "vix_option_chain": _inspect_option_chain,
    "price_bars": _inspect_price_bars,
    "fred_vintages": _inspect_vintages,
}
_BREADTH_LINE = re.compile(r"[0-9]{8}\s*,\s*-?[0-9]+(\.0*)?")
_FOMC_YEAR = re.compile(r"\b(19|20)[0-9]{2}\s+FOMC\s+Meetings")

CSV_DATASETS = (*_EXPECTED_HEADER, "nyse_breadth")
"""Format families that are bulk CSV, read line by line by DuckDB."""

DATASETS = frozenset({*CSV_DATASETS, *_EXPECTED_OUTLINE, "fomc_calendar", "shiller_workbook", "book"})
"""Every format family."""
