"""A log whose entries are chained by hash: how one is written, and what a reading of it finds.

Each line is one entry in canonical JSON, with the number ``seq`` (1, 2, 3 ...), the hash of the entry
before it (``previous_sha256``) and its own (``entry_sha256``, over all its other fields). The chain has
no key: it shows that a line was edited, removed, moved or repeated by somebody who did not recompute all
the hashes after it. What shows more than that (signatures, heads kept elsewhere) is built on top.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from numbers import Integral, Real
from typing import Any, NoReturn

NO_ENTRY_SHA256 = "0" * 64


@dataclass(frozen=True)
class Head:
    """The last entry of a chain: its number and its hash."""

    seq: int
    sha256: str


START = Head(0, NO_ENTRY_SHA256)


@dataclass(frozen=True)
class ChainProblem:
    """Something in a chain that is not as it was written.

    ``line`` counts from 1; ``kind`` is one of edited, missing, moved, repeated, cut, rewritten.
    """

    line: int
    kind: str
    found: str
    expected: str


@dataclass(frozen=True)
class ChainReading:
    """The lines of a chain that are whole, what is wrong with them, and the torn end, if there is one.

    ``tail`` is the beginning of a line whose writing never ended; it was never part of the chain.
    ``entries`` and ``problems`` are about the lines before it, ``whole_bytes`` is how long those are.
    """

    entries: tuple[dict[str, Any], ...]
    problems: tuple[ChainProblem, ...]
    tail: bytes
    whole_bytes: int

    @property
    def head(self) -> Head:
        """The last entry."""
        return head_of(self.entries[-1]) if self.entries else START


def canonical_json(value: object) -> bytes:
    """Return the one spelling of a value as JSON: sorted keys, no spaces, ASCII.

    Raises
    ------
    TypeError
        If the value holds anything but text, whole numbers, true, false, null, lists and maps with
        text keys: a decimal number has more than one spelling.
    """
    _require_plain(value)
    return _spell(value)


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of some bytes, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def hash_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return the SHA-256 of a table's rows, in the order given.

    Parameters
    ----------
    columns
        Names of the columns: the same values under other names are another table.
    rows
        Values as a query returns them. Missing is None; a decimal number counts by its shortest
        exact spelling, a date or instant by ISO 8601, anything else by its text.
    """
    digest = hashlib.sha256(canonical_json(list(columns)) + b"\n")
    for row in rows:
        digest.update(canonical_json([_plain_value(value) for value in row]) + b"\n")
    return digest.hexdigest()


def seal_entry(content: Mapping[str, object], after: Head) -> dict[str, Any]:
    """Return the entry that puts a content behind the entry ``after``."""
    entry = {**content, "seq": after.seq + 1, "previous_sha256": after.sha256}
    return {**entry, "entry_sha256": sha256_hex(canonical_json(entry))}


def seal_entries(contents: Iterable[Mapping[str, object]], after: Head) -> list[dict[str, Any]]:
    """Return the entries that put several contents behind the entry ``after``, in their order."""
    entries: list[dict[str, Any]] = []
    for content in contents:
        entries.append(seal_entry(content, head_of(entries[-1]) if entries else after))
    return entries


def render_entry(entry: Mapping[str, object]) -> bytes:
    """Return the line of an entry, with its newline."""
    return canonical_json(dict(entry)) + b"\n"


def head_of(entry: Mapping[str, Any]) -> Head:
    """Return an entry's number and hash."""
    return Head(entry["seq"], entry["entry_sha256"])


def read_chain(body: bytes) -> ChainReading:
    """Read a chain from its first byte to its last; every line must be exactly as it was written.

    A last line without its newline was torn: whoever wrote it was never told that it is there. So
    was a last line that holds zero bytes, which a file system may put where a power cut hit.
    """
    *lines, tail = body.split(b"\n")
    if not tail and lines and b"\0" in lines[-1]:
        tail = lines.pop() + b"\n"
    walk = _Walk()
    for number, line in enumerate(lines, start=1):
        walk.take(number, line)
    return ChainReading(tuple(walk.entries), tuple(walk.problems), tail, len(body) - len(tail))


class _Walk:
    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.problems: list[ChainProblem] = []
        self.seen: dict[str, int] = {}
        self.expected_seq = 1
        # None after a line that cannot be read: what it was cannot be known.
        self.previous: str | None = START.sha256

    def take(self, number: int, line: bytes) -> None:
        entry = _parse_line(line)
        if entry is None:
            self._note(number, "edited", "a line that is not an entry as it was written", "an entry in canonical JSON")
            self.expected_seq, self.previous = self.expected_seq + 1, None
            return
        seq, stated = entry["seq"], entry["entry_sha256"]
        if stated in self.seen:
            self._note(number, "repeated", f"the entry of line {self.seen[stated]} again", f"entry {self.expected_seq}")
            return
        self.seen[stated] = number
        actual = sha256_hex(_spell({key: value for key, value in entry.items() if key != "entry_sha256"}))
        if actual != stated:
            self._note(
                number, "edited", f"entry {seq} with a content of hash {actual}", f"the hash it states, {stated}"
            )
        if seq < self.expected_seq:
            self._note(number, "moved", f"entry {seq}", f"entry {self.expected_seq}")
            return
        if seq > self.expected_seq:
            gone = f"entry {self.expected_seq}" + (f" to {seq - 1}" if seq - 1 > self.expected_seq else "")
            self._note(number, "missing", f"entry {seq}", gone)
        elif self.previous is not None and entry["previous_sha256"] != self.previous:
            self._note(
                number,
                "edited",
                f"entry {seq}, which follows an entry of hash {entry['previous_sha256']}",
                f"one that follows the entry before it, {self.previous}",
            )
        self.entries.append(entry)
        self.expected_seq, self.previous = seq + 1, stated

    def _note(self, line: int, kind: str, found: str, expected: str) -> None:
        self.problems.append(ChainProblem(line, kind, found, expected))


def _parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.decode("ascii"), parse_float=_refuse, parse_constant=_refuse)
        is_as_written = isinstance(entry, dict) and _spell(entry) == line
    except (ValueError, RecursionError):
        return None
    if not is_as_written or type(entry.get("seq")) is not int:
        return None
    if not isinstance(entry.get("entry_sha256"), str) or not isinstance(entry.get("previous_sha256"), str):
        return None
    return dict(entry)


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _spell(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def _require_plain(value: object) -> None:
    if value is None or isinstance(value, (str, bool, int)):
        return
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        for part in value.values():
            _require_plain(part)
    elif isinstance(value, list):
        for part in value:
            _require_plain(part)
    else:
        raise TypeError(f"no canonical JSON for {type(value).__name__}")


def _plain_value(value: object) -> object:
    if value is None or value != value:  # NaN is missing, as everywhere
        return None
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return {"number": repr(float(value) + 0.0)}  # minus zero is zero
    return {"date": value.isoformat()} if isinstance(value, date) else {"text": str(value)}
