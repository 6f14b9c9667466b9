"""Parse a snapshot of the VIX option chain, Cboe's ``delayed_quotes/options/_VIX.json``.

The file holds one JSON object: ``timestamp`` (UTC, without a zone), ``data.options`` (a list, one entry an
option) and figures of the index. A symbol such as ``VIX260617C00010000`` is root, date, right and strike
in thousandths. Root ``VIX`` has the monthly expiries and ``VIXW`` the others. The date in the symbol is
the morning of final settlement, the date of the VX future of the same expiry (``VIX261021`` and the future of
October 2026 settle on 2026-10-21); the last day of trading is the session before.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import orjson
import pandas as pd

from transforms.calendar import NEW_YORK
from transforms.contracts import RefusedEntry
from transforms.errors import SourceError

FIRST_OPTION_SESSION = date(2006, 2, 24)
"""VIX options are listed since then: no snapshot is older."""
LONGEST_YEARS = 3
"""Options are listed for about a year; a date much further away is a damaged symbol."""

_SYMBOL = re.compile(r"([A-Z]{1,6})([0-9]{6})([CP])([0-9]{8})")
_ROOTS = ("VIX", "VIXW")
_KEPT_CHARACTERS = 500
# Field in the file, field here, and whether an entry can do without it.
_NUMBERS = (
    ("bid", "bid_pts", False),
    ("ask", "ask_pts", False),
    ("bid_size", "bid_size_contracts", True),
    ("ask_size", "ask_size_contracts", True),
    ("iv", "published_iv_frac", True),
    ("open_interest", "open_interest_contracts", True),
    ("volume", "volume_contracts", True),
    ("last_trade_price", "last_trade_pts", True),
)
_given_numbers = itemgetter(*(name for name, _, _ in _NUMBERS))
_NUMERIC = {int, float}
_NUMBER_COLUMNS = tuple(column for _, column, _ in _NUMBERS)


@dataclass(frozen=True, slots=True)
class OptionQuote:
    """One option of a snapshot.

    Attributes
    ----------
    entry_no
        Position in the file's list, from 1.
    option_symbol, option_root
        As published; the root is ``VIX`` or ``VIXW``.
    expiry_date
        Morning of the final settlement.
    option_right
        ``C`` or ``P``.
    bid_pts, ask_pts
        Best quotes; 0 is the exchange's word for nobody bidding or offering.
    published_iv_frac
        The publisher's implied volatility; None where it gives 0 (deep in the money) or nothing.
    open_interest_contracts
        As of the morning: a day behind the quotes.
    last_trade_pts, last_trade_at_utc
        Newest trade, perhaps long ago; None where it never traded.
    """

    entry_no: int
    option_symbol: str
    option_root: str
    expiry_date: date
    option_right: str
    strike_pts: float
    bid_pts: float
    ask_pts: float
    bid_size_contracts: float | None
    ask_size_contracts: float | None
    published_iv_frac: float | None
    open_interest_contracts: float | None
    volume_contracts: float | None
    last_trade_pts: float | None
    last_trade_at_utc: datetime | None


@dataclass(frozen=True)
class ParsedChain:
    """A snapshot: its quotes in the order of the file, and the entries that cannot be right.

    Attributes
    ----------
    snapshot_at_utc
        When the publisher wrote it; the quotes in it are about 15 minutes older.
    index_pts, index_at_utc
        VIX as the snapshot shows it, and when it was computed; None where the file does not say.
    """

    snapshot_at_utc: datetime
    index_pts: float | None
    index_at_utc: datetime | None
    quotes: tuple[OptionQuote, ...]
    refused: tuple[RefusedEntry, ...]


class _Symbol(NamedTuple):
    root: str
    expiry: date
    right: str
    strike: float


def parse_option_chain(body: bytes) -> ParsedChain:
    """Parse a snapshot of the chain.

    Every entry of the list ends up as a quote or as a refused entry; nothing is mended. Of identical entries the
    first is kept; of entries that contradict each other about one option none is.

    Raises
    ------
    SourceError
        If the body is not such a snapshot (not JSON, another layout, another underlying, no readable
        timestamp), or not one of its entries can be read.

    Notes
    -----
    Reasons of refused entries: ``entry_is_not_an_object``, ``unreadable_symbol``, ``unknown_root``,
    ``expiry_is_not_a_date``, ``expired_before_the_snapshot``, ``expiry_too_far``,
    ``strike_is_not_positive``, ``<field>_is_missing`` (bid and ask), ``<field>_is_not_a_number`` (of another
    type, NaN or infinite), ``negative_<field>``, ``bid_above_ask``, ``last_trade_time_is_not_a_time``,
    ``duplicate_of_an_earlier_entry``, ``conflicting_entries_for_one_option``; fields by their names in the file.

    Source: ``cdn.cboe.com/api/global/delayed_quotes/options/_VIX.json``.
    """
    payload = _load(body)
    data = payload.get("data")
    entries = data.get("options") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(entries, list):
        raise _not_a_chain("JSON without a list data.options")
    symbol = data.get("symbol", "^VIX")
    if symbol != "^VIX":
        raise _not_a_chain(f"a chain of {str(symbol)[:40]!r}, not of ^VIX")
    snapshot_at = _snapshot_time(payload.get("timestamp"))
    today = snapshot_at.astimezone(NEW_YORK).date()
    read = [_read_entry(number, entry, today) for number, entry in enumerate(entries, start=1)]
    good = [quote for quote in read if isinstance(quote, OptionQuote)]
    contents: dict[str, set[tuple[Any, ...]]] = {}
    seen = Counter(quote.option_symbol for quote in good)
    for quote in good:
        if seen[quote.option_symbol] > 1:
            contents.setdefault(quote.option_symbol, set()).add(_content(quote))
    quotes: list[OptionQuote] = []
    refused: list[RefusedEntry] = []
    taken: set[str] = set()
    for number, (result, entry) in enumerate(zip(read, entries, strict=True), start=1):
        if isinstance(result, str):
            refused.append(RefusedEntry(number, result, _text(entry)))
        elif len(contents.get(result.option_symbol, ())) > 1:
            refused.append(RefusedEntry(number, "conflicting_entries_for_one_option", _text(entry)))
        elif result.option_symbol in taken:
            refused.append(RefusedEntry(number, "duplicate_of_an_earlier_entry", _text(entry)))
        else:
            taken.add(result.option_symbol)
            quotes.append(result)
    if not quotes:
        reasons = Counter(entry.reason for entry in refused).most_common(3)
        raise _not_a_chain(f"{len(entries)} entries, none of them usable: {dict(reasons)}")
    index_pts = _number(data.get("current_price"))
    return ParsedChain(
        snapshot_at,
        index_pts if index_pts is not None and index_pts > 0 else None,
        _new_york_time(data.get("last_trade_time")),
        tuple(quotes),
        tuple(refused),
    )


def build_quotes_frame(chain: ParsedChain) -> pd.DataFrame:
    """Lay out the quotes of a snapshot as a frame, one row an option.

    Columns: ``snapshot_at_utc`` (datetime64[us, UTC]), then the fields of `OptionQuote`: ``entry_no`` (int64),
    texts, ``expiry_date`` (datetime64[us]), ``last_trade_at_utc`` (datetime64[us, UTC]), the others float64 with NaN
    for what is not published.
    """
    names = [field.name for field in fields(OptionQuote)]
    values_of = attrgetter(*names)
    frame = pd.DataFrame.from_records([values_of(quote) for quote in chain.quotes], columns=names)
    floats = [name for name in names if name.endswith(("_pts", "_contracts", "_frac"))]
    frame = frame.astype(dict.fromkeys(floats, "float64") | {"entry_no": "int64"})
    frame["expiry_date"] = frame["expiry_date"].astype("datetime64[us]")
    frame["last_trade_at_utc"] = pd.to_datetime(frame["last_trade_at_utc"], utc=True).astype("datetime64[us, UTC]")
    frame.insert(0, "snapshot_at_utc", pd.Timestamp(chain.snapshot_at_utc).as_unit("us"))
    return frame


def _load(body: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        payload = _load_slowly(body)
    if not isinstance(payload, dict):
        raise _not_a_chain(f"JSON {type(payload).__name__}")
    return payload


def _load_slowly(body: bytes) -> Any:
    """Read what only Python reads, NaN for one: then it is an entry that is refused, and not the snapshot."""
    try:
        # Whole numbers as floats: an endless integer cannot raise.
        return json.loads(body, parse_int=float)
    except (ValueError, RecursionError) as error:
        raise _not_a_chain(f"not JSON ({type(error).__name__}): {body[:80]!r}") from None


def _snapshot_time(value: Any) -> datetime:
    try:
        if not isinstance(value, str):
            raise ValueError("no text")
        stamp = datetime.fromisoformat(value)
        stamp = stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _not_a_chain(f"timestamp {_text(value)[:60]}") from None
    if not FIRST_OPTION_SESSION <= stamp.date() < date(2100, 1, 1):
        raise _not_a_chain(f"timestamp {value}, not in the time of VIX options")
    return stamp


def _read_entry(number: int, entry: Any, today: date) -> OptionQuote | str:
    if not isinstance(entry, dict):
        return "entry_is_not_an_object"
    symbol = _read_symbol(entry.get("option"), today)
    if isinstance(symbol, str):
        return symbol
    values = _read_numbers(entry)
    if isinstance(values, str):
        return values
    bid, ask = values.pop("bid_pts"), values.pop("ask_pts")
    assert bid is not None
    assert ask is not None
    if bid > ask > 0:
        return "bid_above_ask"
    traded_at = _new_york_time(entry.get("last_trade_time"))
    if traded_at is None and entry.get("last_trade_time") is not None:
        return "last_trade_time_is_not_a_time"
    return OptionQuote(
        entry_no=number,
        option_symbol=entry["option"],
        option_root=symbol.root,
        expiry_date=symbol.expiry,
        option_right=symbol.right,
        strike_pts=symbol.strike,
        bid_pts=bid,
        ask_pts=ask,
        bid_size_contracts=values["bid_size_contracts"],
        ask_size_contracts=values["ask_size_contracts"],
        # The publisher writes 0 where it has none.
        published_iv_frac=values["published_iv_frac"] or None,
        open_interest_contracts=values["open_interest_contracts"],
        volume_contracts=values["volume_contracts"],
        last_trade_pts=values["last_trade_pts"] or None,
        last_trade_at_utc=traded_at,
    )


def _read_numbers(entry: Mapping[str, Any]) -> dict[str, float | None] | str:
    """Return the numbers of an entry by our names, or why it is refused."""
    try:
        given = _given_numbers(entry)
        # nearly all entries: numbers in every field, none of them negative, and none infinite or NaN, as their sum says
        if set(map(type, given)) <= _NUMERIC and math.isfinite(sum(given)) and min(given) >= 0:
            return dict(zip(_NUMBER_COLUMNS, map(float, given), strict=True))
    except KeyError:
        pass
    return _judge_numbers(entry)


def _judge_numbers(entry: Mapping[str, Any]) -> dict[str, float | None] | str:
    """As :func:`_read_numbers`, a field after the other."""
    values: dict[str, float | None] = {}
    for name, column, is_optional in _NUMBERS:
        given = entry.get(name)
        if given is None:
            if not is_optional:
                return f"{name}_is_missing"
            values[column] = None
            continue
        value = _number(given)
        if value is None:
            return f"{name}_is_not_a_number"
        if value < 0:
            return f"negative_{name}"
        values[column] = value
    return values


def _read_symbol(value: Any, today: date) -> _Symbol | str:
    symbol = _split_symbol(value) if isinstance(value, str) else "unreadable_symbol"
    if isinstance(symbol, str):
        return symbol
    if symbol.expiry < today:
        return "expired_before_the_snapshot"
    if symbol.expiry > today + timedelta(days=366 * LONGEST_YEARS):
        return "expiry_too_far"
    return symbol if symbol.strike else "strike_is_not_positive"


# Kept: a home has a snapshot a night, and most options are in hundreds of them.
@lru_cache(maxsize=2**14)
def _split_symbol(value: str) -> _Symbol | str:
    match = _SYMBOL.fullmatch(value)
    if match is None:
        return "unreadable_symbol"
    root, digits, right, strike = match.groups()
    if root not in _ROOTS:
        return "unknown_root"
    try:
        expiry = date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        return "expiry_is_not_a_date"
    return _Symbol(root, expiry, right, int(strike) / 1000)


def _number(value: Any) -> float | None:
    """Return a finite JSON number; not a text that looks like one, and not a truth value."""
    return float(value) if type(value) in _NUMERIC and math.isfinite(value) else None


def _new_york_time(value: Any) -> datetime | None:
    return _parse_time(value) if isinstance(value, str) else None


# Kept: the last trade of an option that is hardly traded is in every snapshot until the next one.
@lru_cache(maxsize=2**14)
def _parse_time(value: str) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(value)
        if stamp.year < FIRST_OPTION_SESSION.year:
            return None
        return (stamp.replace(tzinfo=NEW_YORK) if stamp.tzinfo is None else stamp).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _content(quote: OptionQuote) -> tuple[Any, ...]:
    return tuple(getattr(quote, field.name) for field in fields(quote) if field.name != "entry_no")


def _text(value: Any) -> str:
    try:
        return json.dumps(value)[:_KEPT_CHARACTERS]
    except RecursionError:
        return "nested too deeply to show"


def _not_a_chain(found: str) -> SourceError:
    return SourceError(
        "the snapshot of the VIX option chain cannot be read",
        where="delayed_quotes/options/_VIX.json",
        found=found,
        expected="a JSON object with a UTC timestamp and data.options, a list of options",
        next_step="look at the stored file; if Cboe changed the format, the parser must learn it",
    )
