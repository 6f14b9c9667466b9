"""Is this body the file it claims to be? A look at the whole shape, before any row is read.

Inspection answers for the file (wrong page, cut off, renamed columns); the rows are judged one by
one in ``sql/stg``. A refused file is kept in the raw store, named in the report, and never read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

from transforms.registry import index_registry

VX_HEADER = "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest"
DAILY_SETTLEMENT_HEADER = "Product,Symbol,Expiration Date,Price"
OHLC_HEADER = "DATE,OPEN,HIGH,LOW,CLOSE"

Inspection = str | None
"""The reason a file is refused, or None when it may be read."""


def inspect_file(dataset: str, name: str, body: bytes) -> Inspection:
    """Return why a body cannot be the file asked for, or None.

    Parameters
    ----------
    dataset
        Format family: ``vx_contract_list``, ``vx_contract``, ``vx_archive``,
        ``vx_daily_settlement``, ``vx_final_settlement``, ``index_history``, ``fred_series``.
    name
        File name in the raw store; index and series files state their code in it.
    """
    if not body.strip():
        return "empty file"
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
    if dataset == "vx_contract_list":
        return _inspect_json(text)
    return _inspect_csv(text, _EXPECTED_HEADER[dataset](name))


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


def _inspect_json(text: str) -> Inspection:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"not complete JSON: {error}"
    return None


def _inspect_csv(text: str, headers: tuple[str, ...]) -> Inspection:
    lines = [line.rstrip("\r").strip() for line in text.split("\n")]
    filled = [line for line in lines if line]
    header_at = next((i for i, line in enumerate(filled[:5]) if line.rstrip(",") in headers), None)
    if header_at is None:
        looks = next((line for line in filled[:5] if "," in line), filled[0])
        return f"header not found: expected {headers[0]!r}, found {looks[:120]!r}"
    data = filled[header_at + 1 :]
    if not data:
        # A contract listed today has its header and nothing else until its first settlement.
        return None if text.endswith("\n") else "cut off after the header"
    if lines[-1]:
        # Publishers end every line; without it the last number may have lost digits unseen.
        return f"cut off: the last line is not ended: {lines[-1][-60:]!r}"
    width = headers[0].count(",") + 1
    # A last field may be empty: FRED leaves the value of a holiday blank.
    fields = data[-1].count(",") + 1
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
}

CSV_DATASETS = tuple(_EXPECTED_HEADER)
"""Format families that are bulk CSV, read line by line by DuckDB."""
