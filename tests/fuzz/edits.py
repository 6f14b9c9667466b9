"""Changing an input the way damage, carelessness and malice do: pure functions of the input and of a list of edits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

LARGEST = 64 * 1024
"""Bytes of an input; what matters of larger ones (bounds of size) has tests of its own."""

ODD = (
    *(b"", b"0", b"-0", b"-1", b"1e309", b"-1e309", b"NaN", b"nan", b"inf", b"-Infinity", b"null", b"true", b"1_0"),
    *(b"9" * 400, b"1e-320", b"0x10", b"0.1.2", b"12,5", b"99999-01-01", b"0001-01-01", b"9999-12-31", b"2025-02-30"),
    *(b"1969-12-31", b"2025-06-14", b"02/30/2025", b"\xff\xfe", b"\x00", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\x1b[2J"),
    *(b"\r", b"\r\n", b"\n\n", b",", b",,,,", b'"', b"'", b'"""', b"\\", b"[[", b"]]", b"{", b"}", b"[", b"[" * 3000),
    *(b"../../etc/passwd", b"/etc/passwd", b"..\\..\\", b"<script>alert(1)</script>", b"=cmd|'/c calc'!A1", b"%2e%2e/"),
    *(b"{{7*7}}", b"${HOME}", b"'; drop table x; --", b"1 or 1=1", b"a" * 5000, "٣".encode(), "−5".encode(), b"1 000"),
)
"""What breaks readers: numbers that are none, dates that are none, ends of lines, brackets, paths, markup, commands."""

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_WORD = re.compile(rb"[A-Za-z_]{3,}")
_LINE = re.compile(rb"[^\n]*\n?")
_VALUE = re.compile(rb'"(?:[^"\\\n]|\\.)*"|-?\d[\d.eE+-]*|true|false|null')


class Edit(NamedTuple):
    """One change: a kind, a place as a share of 65,536, a length or second place, and which odd text."""

    kind: int
    place: int
    extent: int
    word: int


def apply_edits(data: bytes, edits: Sequence[Edit], words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """Return the input with the edits made, one after the other; the same edits make the same bytes."""
    for edit in edits:
        data = KINDS[edit.kind % len(KINDS)](data, edit, words, others)[:LARGEST]
    return data


def draw_edits(rng: Random) -> list[Edit]:
    """Draw one to six edits."""
    count = 1 + min(int(rng.expovariate(0.8)), 5)
    return [
        Edit(rng.randrange(256), rng.randrange(65536), rng.randrange(65536), rng.randrange(65536)) for _ in range(count)
    ]


def _at(edit: Edit, length: int) -> int:
    return edit.place * length // 65536


def _word(edit: Edit, words: Sequence[bytes]) -> bytes:
    known = (*words, *ODD)
    return known[edit.word % len(known)]


def _delete(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start = _at(edit, len(data))
    return data[:start] + data[start + 1 + edit.extent % 40 :]


def _cut(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    return data[: _at(edit, len(data))]


def _insert(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start = _at(edit, len(data) + 1)
    return data[:start] + _word(edit, words) + data[start:]


def _flip(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    if not data:
        return data
    start = _at(edit, len(data))
    return data[:start] + bytes([data[start] ^ (1 << edit.extent % 8)]) + data[start + 1 :]


def _overwrite(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start = _at(edit, len(data))
    return data[:start] + bytes([edit.word % 256]) * (1 + edit.extent % 4) + data[start + 1 + edit.extent % 4 :]


def _replace(pattern: re.Pattern[bytes]) -> Callable[[bytes, Edit, Sequence[bytes], Sequence[bytes]], bytes]:
    def change(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
        found = pattern.search(data, _at(edit, len(data))) or pattern.search(data)
        return data if found is None else data[: found.start()] + _word(edit, words) + data[found.end() :]

    return change


def _negate(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    found = _NUMBER.search(data, _at(edit, len(data)))
    return data if found is None else data[: found.start()] + b"-" + data[found.start() :]


def _scale(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    found = _NUMBER.search(data, _at(edit, len(data)))
    return data if found is None else data[: found.end()] + b"0" * (1 + edit.extent % 9) + data[found.end() :]


def _exchange(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """Exchange two numbers: high below low, dates out of order."""
    found = list(_NUMBER.finditer(data))
    if len(found) < 2:
        return data
    one, other = sorted((edit.place % len(found), edit.extent % len(found)))
    if one == other:
        return data
    first, second = found[one], found[other]
    middle = data[first.end() : second.start()]
    return data[: first.start()] + second[0] + middle + first[0] + data[second.end() :]


def _repeat_line(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    found = _LINE.match(data, data.rfind(b"\n", 0, _at(edit, len(data))) + 1)
    return data if found is None else data[: found.end()] + found[0] * (1 + edit.extent % 3) + data[found.end() :]


def _drop_line(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    found = _LINE.match(data, data.rfind(b"\n", 0, _at(edit, len(data))) + 1)
    return data if found is None else data[: found.start()] + data[found.end() :]


def _splice(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """Go on as another input does."""
    if not others:
        return data
    other = others[edit.word % len(others)]
    return data[: _at(edit, len(data))] + other[edit.extent * len(other) // 65536 :]


def _repeat_piece(data: bytes, edit: Edit, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start = _at(edit, len(data))
    piece = data[start : start + 1 + edit.extent % 24]
    return data[:start] + piece * (2 + edit.word % 60) + data[start:]


KINDS = (
    _delete,
    _cut,
    _insert,
    _flip,
    _overwrite,
    _replace(_NUMBER),
    _replace(_WORD),
    _replace(_VALUE),
    _negate,
    _scale,
    _exchange,
    _repeat_line,
    _drop_line,
    _splice,
    _repeat_piece,
)


def build_sentence(rng: Random, words: Sequence[bytes]) -> bytes:
    """Return words of a language in any order: most are nonsense, some are not, and none was written by a person."""
    return b" ".join(rng.choice(words) for _ in range(rng.randrange(1, 30)))
