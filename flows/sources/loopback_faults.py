"""What can be wrong with a publisher's answer, each kind by its name.

:class:`Fault` says what the loopback server does with the requests that match; :data:`KINDS` has the
kinds that publishers are known or feared for, so that a rehearsal, a test and ``docs/faults.md`` mean the
same thing by the same word. Numbers are changed by a stated factor; nothing here is drawn at random.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ERROR_HTML = b"<!DOCTYPE html><html><body>Something went wrong</body></html>"
GZIP_BOMB_BYTES = 64 * 1024 * 1024
SLOW_SECONDS = 60.0
"""Longer than the source waits by default; tests wait less and say so."""
_PRICE = re.compile(r"(?<=,)-?[0-9]+\.[0-9]+")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})|([0-9]{2}/[0-9]{2}/[0-9]{4})")


@dataclass
class Fault:
    """What to do to requests whose path and query match ``pattern``, ``times`` times (None: always).

    ``status`` answers with that status (and ``retry_after``, ``headers``, ``payload``); ``delay_seconds``
    waits first; ``truncate_to`` sends that many bytes of the body and keeps its Content-Length;
    ``drop`` hangs up without an answer; ``html`` answers 200 with a page; ``endless`` never ends the
    body; ``drip`` sends it a byte at a time; ``gzip_bomb_bytes`` sends that many zeros, compressed;
    ``redirect_to`` is a Location; ``instead`` is a path whose file is sent; ``body`` replaces the content
    (given b"" where there is none); ``etag`` is sent and compared whatever the content; ``chunked`` sends
    no Content-Length; ``cut_gzip_to`` is that many bytes of the compressed body, then a normal end;
    ``content_type`` replaces the type, and "" leaves it out; ``no_gzip`` never compresses.
    """

    pattern: str
    times: int | None = None
    method: str | None = None
    status: int | None = None
    retry_after: str | None = None
    payload: bytes = ERROR_HTML
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    truncate_to: int | None = None
    drop: bool = False
    html: bool = False
    endless: bool = False
    drip: bool = False
    gzip_bomb_bytes: int | None = None
    cut_gzip_to: int | None = None
    redirect_to: str | None = None
    instead: str | None = None
    body: Callable[[bytes], bytes] | None = None
    etag: str | None = None
    chunked: bool = False
    content_type: str | None = None
    no_gzip: bool = False


@dataclass(frozen=True)
class Kind:
    """A named fault: what the publisher does, and the fields of :class:`Fault` that make it so."""

    what: str
    fields: Mapping[str, Any]


def _edit(change: Callable[[list[str]], Sequence[str]]) -> Callable[[bytes], bytes]:
    """Change the lines of a text file; its header is the first of them, the newest session the last."""

    def body(content: bytes) -> bytes:
        return ("\n".join(change(content.decode().splitlines())) + "\n").encode()

    return body


def scale_newest(factor: float, column: int | None = None) -> Callable[[bytes], bytes]:
    """Multiply the prices of the last line, or the one in a column (from 0)."""

    def change(lines: list[str]) -> list[str]:
        if column is None:
            newest = _PRICE.sub(lambda price: f"{float(price[0]) * factor:.4f}", lines[-1])
        else:
            fields = lines[-1].split(",")
            fields[column] = f"{float(fields[column]) * factor:.4f}"
            newest = ",".join(fields)
        return [*lines[:-1], newest]

    return _edit(change)


def restate(factor: float, rows_back: int, column: int) -> Callable[[bytes], bytes]:
    """Multiply one price of an earlier line."""

    def change(lines: list[str]) -> list[str]:
        fields = lines[-1 - rows_back].split(",")
        fields[column] = f"{float(fields[column]) * factor:.4f}"
        return [*lines[: -1 - rows_back], ",".join(fields), *lines[-rows_back:]]

    return _edit(change)


def _write_newest(text: str) -> Callable[[bytes], bytes]:
    """Write something else in the place of the last line's prices."""
    return _edit(lambda lines: [*lines[:-1], _PRICE.sub(text, lines[-1])])


def _redate(lines: list[str], since: str) -> list[str]:
    # the last line once more, under a date that its file has not reached
    slashed = f"{since[5:7]}/{since[8:]}/{since[:4]}"
    return [*lines, _DATE.sub(lambda date: since if date[1] else slashed, lines[-1], count=1)]


def add_session(day: str) -> Callable[[bytes], bytes]:
    """Repeat the last line under another date (ISO): a holiday, or a day that has not come."""
    return _edit(lambda lines: _redate(lines, day))


def _swap_columns(lines: list[str]) -> list[str]:
    swapped = [line.split(",") for line in lines]
    for fields in swapped:
        fields[-2], fields[-3] = fields[-3], fields[-2]
    return [",".join(fields) for fields in swapped]


def _say_twice(lines: list[str]) -> list[str]:
    return [*lines, _PRICE.sub(lambda price: f"{float(price[0]) * 1.01:.4f}", lines[-1])]


def _repeat_before(lines: list[str]) -> list[str]:
    newest, before = lines[-1].split(",", 1), lines[-2].split(",", 1)
    return [*lines[:-1], f"{newest[0]},{before[1]}"]


def _unlist(content: bytes) -> bytes:
    """Leave the fourth monthly from the end out of the contract list."""
    years = json.loads(content)
    listed = sorted(
        (entry["expire_date"], year)
        for year, entries in years.items()
        for entry in entries
        if entry["duration_type"] == "M"
    )
    gone = listed[-4][0]
    kept = {year: [entry for entry in entries if entry["expire_date"] != gone] for year, entries in years.items()}
    return json.dumps(kept).encode()


KINDS: Mapping[str, Kind] = {
    "slow": Kind("answers after the source has stopped waiting", {"delay_seconds": SLOW_SECONDS}),
    "dropped": Kind("hangs up without an answer", {"drop": True}),
    "cut": Kind("sends the first 200 bytes of what it announced", {"truncate_to": 200}),
    "cut-gzip": Kind("ends a compressed body in its middle, without an error", {"cut_gzip_to": 100}),
    "server-error": Kind("answers 500", {"status": 500}),
    "too-many": Kind("answers 429 and asks to wait", {"status": 429, "retry_after": "1"}),
    "absent": Kind("answers 404", {"status": 404}),
    "forbidden": Kind("answers 403 to everything: blocked, or gone", {"status": 403}),
    "page": Kind("answers 200 with a web page", {"html": True}),
    "wrong-type": Kind("sends the file as a picture", {"content_type": "image/png"}),
    "gzip-bomb": Kind("sends 64 MB of zeros in 64 KB", {"gzip_bomb_bytes": GZIP_BOMB_BYTES}),
    "endless": Kind("never ends the body", {"endless": True}),
    "dripping": Kind("sends a byte at a time", {"drip": True, "no_gzip": True}),
    "elsewhere": Kind("redirects to another host", {"redirect_to": "https://example.com/file.csv"}),
    "frozen-etag": Kind("sends one ETag whatever the content", {"etag": '"frozen"'}),
    "utf-16": Kind("writes the file in UTF-16", {"body": lambda content: content.decode().encode("utf-16")}),
    "bom": Kind("puts a byte order mark before the file", {"body": lambda content: b"\xef\xbb\xbf" + content}),
    "empty": Kind("sends the header and no line", {"body": _edit(lambda lines: lines[:1])}),
    "shrunk": Kind("sends the last ten lines, and no history", {"body": _edit(lambda lines: [lines[0], *lines[-10:]])}),
    "rolled-back": Kind("serves yesterday's file again", {"body": _edit(lambda lines: lines[:-1])}),
    "header-changed": Kind("renames its last column", {"body": _edit(lambda lines: [lines[0] + " (new)", *lines[1:]])}),
    "columns-swapped": Kind("swaps two columns, header and all", {"body": _edit(_swap_columns)}),
    "said-twice": Kind("states the newest session twice, with other values", {"body": _edit(_say_twice)}),
    "future": Kind("has a line of a day that has not come", {"body": add_session("2035-01-03")}),
    "holiday": Kind("has a line of a day without a session", {"body": add_session("2025-07-04")}),
    "nan": Kind("writes NaN for the newest prices", {"body": _write_newest("NaN")}),
    "inf": Kind("writes inf for the newest prices", {"body": _write_newest("inf")}),
    "1e308": Kind("writes 1e308 for the newest prices", {"body": _write_newest("1e308")}),
    "ten-times": Kind("has the newest line ten times too high", {"body": scale_newest(10)}),
    "three-percent": Kind(
        "has a settlement three percent too high, the rest right", {"body": scale_newest(1.03, column=6)}
    ),
    "half-again": Kind("has a settlement half as high again, the rest right", {"body": scale_newest(1.5, column=6)}),
    "tenth-high": Kind("has the newest line a tenth too high", {"body": scale_newest(1.1)}),
    "stale-line": Kind("has the session before under the newest date", {"body": _edit(_repeat_before)}),
    "restated": Kind("restates a settlement of five sessions ago by 4%", {"body": restate(1.04, 5, column=6)}),
    "unlisted": Kind("leaves a month out of the contract list", {"body": _unlist}),
    "another-file": Kind("serves another file under this name", {}),
}
"""The kinds by name. ``another-file`` needs ``instead``: the path of the file that is sent."""
