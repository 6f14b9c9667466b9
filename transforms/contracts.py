"""Identity of VIX futures contracts: codes, file names, and Cboe's contract list.

A contract is identified by its expiry, which comes from the file's name; the label inside a file
is shared by weeklies and monthlies of the same month.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from transforms.errors import SourceError

MONTH_CODES = "FGHJKMNQUVXZ"
"""Futures month codes, January to December."""

CONTRACT_PATH = "data/us/futures/market_statistics/historical_data/VX/VX_{expiry}.csv"
_CURRENT_FILE = re.compile(r"VX_(\d{4}-\d{2}-\d{2})\.csv")
_ARCHIVE_FILE = re.compile(rf"CFE_([{MONTH_CODES}])(\d{{2}})_VX\.csv")


@dataclass(frozen=True)
class ListedContract:
    """One entry of Cboe's contract list. ``duration_type`` is ``M`` (monthly) or ``W`` (weekly)."""

    expiry_date: date
    duration_type: str
    product_display: str


@dataclass(frozen=True)
class RefusedEntry:
    """An entry of a parsed file that cannot be right, with the reason and its text."""

    line_no: int
    reason: str
    text: str


def contract_code(expiry: date, *, is_monthly: bool) -> str:
    """Return the exchange's code: ``VXF24`` for a monthly, ``VX02F24`` for a weekly.

    The number of a weekly is the ISO week of its expiry, which agrees with every weekly of
    Cboe's contract list from 2015 to 2026.
    """
    month = MONTH_CODES[expiry.month - 1]
    week = "" if is_monthly else f"{expiry.isocalendar().week:02d}"
    return f"VX{week}{month}{expiry:%y}"


def current_file_name(expiry: date) -> str:
    """Name of a contract's file since 2013."""
    return f"VX_{expiry.isoformat()}.csv"


def archive_file_name(contract_month: date) -> str:
    """Name of a monthly contract's file in the 2004-2018 archive."""
    return f"CFE_{MONTH_CODES[contract_month.month - 1]}{contract_month:%y}_VX.csv"


def expiry_of_current_file(name: str) -> date | None:
    """Return the expiry that a current-format file name states, or None if it states none."""
    match = _CURRENT_FILE.fullmatch(name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def month_of_archive_file(name: str) -> date | None:
    """Return the contract month that an archive file name states, or None if it states none."""
    match = _ARCHIVE_FILE.fullmatch(name)
    return date(2000 + int(match[2]), MONTH_CODES.index(match[1]) + 1, 1) if match else None


def parse_contract_list(body: bytes) -> tuple[list[ListedContract], list[RefusedEntry]]:
    """Parse Cboe's list of VX contracts.

    The ``path`` of an entry comes from outside and is never joined to anything: it must be
    exactly the path that its own ``expire_date`` implies, otherwise the entry is refused.

    Returns
    -------
    Contracts sorted by expiry, and the refused entries with reasons.

    Raises
    ------
    SourceError
        If the body is not the JSON object by year that Cboe serves, or lists no contract.

    Source: ``www-api.cboe.com/us/futures/market_statistics/historical_data/product/list/VX/``.
    """
    try:
        years = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _not_a_list(f"not JSON ({type(error).__name__}): {body[:80]!r}") from None
    if not isinstance(years, dict) or not all(isinstance(entries, list) for entries in years.values()):
        raise _not_a_list(f"JSON {type(years).__name__} without lists by year")
    listed: dict[date, ListedContract] = {}
    refused: list[RefusedEntry] = []
    entries = [entry for year in years.values() for entry in year]
    for line_no, entry in enumerate(entries, start=1):
        result = _parse_entry(entry)
        if isinstance(result, ListedContract):
            listed[result.expiry_date] = result
        else:
            refused.append(RefusedEntry(line_no, result, json.dumps(entry)[:500]))
    if not listed:
        raise _not_a_list(f"{len(entries)} entries, none of them a VX contract")
    return sorted(listed.values(), key=lambda contract: contract.expiry_date), refused


def _parse_entry(entry: Any) -> ListedContract | str:
    if not isinstance(entry, dict):
        return "entry_is_not_an_object"
    if entry.get("futures_root") != "VX":
        return "not_a_vx_contract"
    try:
        expiry = date.fromisoformat(str(entry.get("expire_date")))
    except ValueError:
        return "expire_date_is_not_a_date"
    if entry.get("duration_type") not in ("M", "W"):
        return "unknown_duration_type"
    if entry.get("path") != CONTRACT_PATH.format(expiry=expiry.isoformat()):
        return "path_is_not_the_contracts_own"
    return ListedContract(expiry, entry["duration_type"], str(entry.get("product_display", "")))


def _not_a_list(found: str) -> SourceError:
    return SourceError(
        "Cboe's contract list cannot be read",
        where="product/list/VX",
        found=found,
        expected="a JSON object of years, each a list of contracts",
        next_step="look at the stored file; if Cboe changed the format, the parser must learn it",
    )
