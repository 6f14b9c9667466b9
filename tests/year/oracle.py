"""The judge of the year: it knows the true market and what was delivered, and compares each published warehouse.

A value is *wrong* where a published warehouse has another than the publishers stand by, *missing* where it has none
though a file with it was delivered. It is *marked* where the night names it: its contract, index or session in a reason
for being degraded, in what a failed check shows, in a quarantined line, or as a restatement.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.year.market import Key, TrueMarket
from transforms.contracts import MONTH_CODES
from warehouse.home import Home

FOUND_FROM = {"settle": 0.03, "SPX": 0.06, "VIX3M": 0.1, "VIX6M": 0.1, "VIX": 0.2}
"""How far a value must be off, as a fraction, to be found, by ``docs/faults.md``: nearer ones are plausible."""
_FOUND_OTHERWISE = 0.25
_EXACT = 1e-7
_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2} [A-Z][a-z]{2} \d{4}")
_NEWEST = re.compile(r"newest value (\d{1,2} [A-Z][a-z]{2} \d{4})")

_VALUES = """
select 'settle', trade_date, expiry_date::varchar, settle_pts from core.daily_vx_settlements
union all
select 'level', trade_date, index_code, close_pts from core.daily_index_levels
"""
_REVISIONS = """
select trade_date::varchar, row_key, new_value from ops.value_revisions where column_name in ('settle_pts', 'close_pts')
"""
_QUARANTINED = "select distinct file_name, trade_date::varchar from ops.quarantined_rows"


@dataclass(frozen=True)
class Wrong:
    """A value that a published warehouse has wrong, or has not; ``found`` NaN where it has none."""

    key: Key
    true: float
    found: float
    is_marked: bool

    @property
    def is_missing(self) -> bool:
        return math.isnan(self.found)

    @property
    def off(self) -> float:
        """How far it is off, as a fraction of the true value."""
        return abs(self.found / self.true - 1)

    @property
    def sort(self) -> str:
        """How it is counted."""
        if self.is_missing:
            return "missing, marked" if self.is_marked else "missing"
        if self.is_marked:
            return "wrong, marked"
        what, _, name = self.key
        found_from = FOUND_FROM.get(what if what == "settle" else name, _FOUND_OTHERWISE)
        return "wrong, plausible" if self.off < found_from else "wrong, unmarked"


@dataclass
class Oracle:
    """What is true, and what was found wrong since when.

    Attributes
    ----------
    expected
        Indices that a warehouse of this market has; learnt from its first night, which has no fault.
    standing
        What is wrong in the published warehouse, with the instant since when.
    """

    market: TrueMarket
    expected: set[str] = field(default_factory=set)
    standing: dict[Key, tuple[datetime, str]] = field(default_factory=dict)

    def judge(self, home: Home, record: Mapping[str, Any], now: datetime) -> list[Wrong]:
        """Compare a published warehouse with the truth up to its newest session."""
        with duckdb.connect(str(home.published), read_only=True) as connection:
            rows = connection.execute(_VALUES).fetchall()
            marks = _marks(connection, record)
            restated = {
                # a value that was published and is no more is restated to nothing
                (day, name): math.nan if new is None else float(new)
                for day, name, new in connection.execute(_REVISIONS).fetchall()
            }
        found: dict[Key, float] = {(what, day, key): value for what, day, key, value in rows}
        newest = max(day for _, day, _ in found)
        if not self.expected:
            self.expected = {key for what, _, key in found if what == "level"}
        true = {
            key: value
            for key, value in self.market.values_to(newest).items()
            if key[0] == "settle" or key[2] in self.expected
        }
        wrong = list(_compare(true, found, _Marks("\n".join(marks), restated)))
        self._note(wrong, now)
        return wrong

    def _note(self, wrong: Iterable[Wrong], now: datetime) -> None:
        here = {one.key: one.sort for one in wrong}
        for key in list(self.standing):
            if key not in here:
                del self.standing[key]
        for key, sort in here.items():
            since = self.standing.get(key, (now, sort))[0]
            self.standing[key] = (since, sort)


@dataclass(frozen=True)
class _Marks:
    """What a night says: lines of text, and the value that each restatement left."""

    text: str
    restated: Mapping[tuple[str, str], float]


def _compare(true: Mapping[Key, float], found: Mapping[Key, float], marks: _Marks) -> Iterator[Wrong]:
    for key, value in true.items():
        has = found.get(key)
        if has is None or math.isnan(has):
            yield Wrong(key, value, math.nan, _is_marked(key, math.nan, marks))
        elif abs(has - value) > _EXACT * max(1.0, abs(value)):
            yield Wrong(key, value, has, _is_marked(key, has, marks))
    for key in found.keys() - true.keys():
        if found[key] is not None:
            # a session or contract that is not: as wrong as can be
            yield Wrong(key, math.inf, found[key], _is_marked(key, found[key], marks))


def _marks(connection: duckdb.DuckDBPyConnection, record: Mapping[str, Any]) -> list[str]:
    """Everything by which a warehouse and its night name a value."""
    marks = [str(reason) for reason in record.get("reasons", [])]
    marks += [f"{check.get('check_name')} {check.get('sample')}" for check in record.get("checks", [])]
    marks += [" ".join(map(str, row)) for row in connection.execute(_QUARANTINED).fetchall()]
    return marks


def _is_marked(key: Key, found: float, marks: _Marks) -> bool:
    what, day, name = key
    names = [name]
    if what == "settle":
        expiry = date.fromisoformat(name)
        # on its last day a contract's expiry date is the session's, and says nothing by itself
        names = [f'expiry_date": "{name}', f"VX{MONTH_CODES[expiry.month - 1]}{expiry:%y}", f"VX_{name}"]
    for one in names:
        left = marks.restated.get((day.isoformat(), one))
        if left is not None and (
            (math.isnan(left) and math.isnan(found)) or abs(left - found) <= _EXACT * max(1.0, abs(found))
        ):
            return True
    days = (day.isoformat(), f"{day.day} {day:%b %Y}")
    # the word alone: VIX is no VIX3M
    words = re.compile("|".join(rf"\b{re.escape(one)}(?=_|\b)" for one in names))
    said = [line for line in marks.text.splitlines() if words.search(line)]
    return any(any(one in line for one in days) or not _DAY.search(line) or _is_after(day, line) for line in said)


def _is_after(day: date, line: str) -> bool:
    """True where a reason says what the newest value is that there is, and the day is behind it."""
    said = _NEWEST.search(line)
    return said is not None and day > datetime.strptime(said[1], "%d %b %Y").date()  # noqa: DTZ007 - a day


def raw_prefixes(home: Home) -> set[str]:
    """The start of the SHA-256 of every version that the raw store has or, by a note, had."""
    return {path.name.partition(".")[0] for path in home.raw.glob("*/*/*.json") if not path.name.startswith(".")}


def size_of(folder: Path) -> tuple[int, int]:
    """Files under a folder and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)
