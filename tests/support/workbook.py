"""A writer of the smallest .xls workbook that a reader takes: one sheet of numbers and texts.

Made by hand, because a test should not need a second spreadsheet library: the stream of records (BIFF8)
in the container that Excel writes (a compound file of 512-byte sectors).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

_SECTOR = 512
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD

SHILLER_HEADER_ROW = [
    *("Date", "P", "D", "E", "CPI", "Fraction", "Rate GS10"),
    *("Price", "Dividend", "Price", "Earnings", "Earnings", "CAPE", "", "TR CAPE"),
]


def shiller_rows(*months: Sequence[object], header: Sequence[object] = SHILLER_HEADER_ROW) -> list[list[object]]:
    """Rows of a sheet as Shiller lays it out: titles, the header in row 8, then (date, P, D, E, CAPE) a month."""
    titles: list[list[object]] = [["Stock Market Data Used in a Book"], *([] for _ in range(6))]
    place = list(header).index("CAPE") if "CAPE" in header else 12
    rows = [[*month[:4], *[1.0] * (place - 4), month[4]] for month in months]
    return [*titles, list(header), *rows]


def xls(rows: Iterable[Sequence[object]], *, sheet: str = "Data") -> bytes:
    """Return a workbook with one sheet. None and empty texts make no cell; a bool makes a logical cell."""
    globals_ = _record(0x0809, struct.pack("<4H2I", 0x0600, 0x0005, 0, 0, 0, 6)) + _record(0x0042, b"\xb0\x04")
    name = struct.pack("<BB", len(sheet), 0) + sheet.encode("ascii")
    start = len(globals_) + 4 + 6 + len(name) + 4
    globals_ += _record(0x0085, struct.pack("<IBB", start, 0, 0) + name) + _record(0x000A)
    cells = b"".join(_cell(y, x, value) for y, row in enumerate(rows) for x, value in enumerate(row))
    content = _record(0x0809, struct.pack("<4H2I", 0x0600, 0x0010, 0, 0, 0, 6)) + cells + _record(0x000A)
    return _compound(globals_ + content)


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _cell(y: int, x: int, value: object) -> bytes:
    place = struct.pack("<3H", y, x, 0)
    if value is None or value == "":
        return b""
    if isinstance(value, bool):
        return _record(0x0205, place + struct.pack("<BB", value, 0))
    if isinstance(value, int | float):
        return _record(0x0203, place + struct.pack("<d", value))
    text = str(value).encode("latin-1")
    return _record(0x0204, place + struct.pack("<HB", len(text), 0) + text)


def _compound(stream: bytes) -> bytes:
    # Streams below 4096 bytes live elsewhere in such a file: fill up with empty records' zeros.
    stream = stream.ljust(max(4096, -(-len(stream) // _SECTOR) * _SECTOR), b"\0")
    count = len(stream) // _SECTOR
    tables = -(-(count + 1) // (_SECTOR // 4 - 1))
    links = [*range(1, count), _END, _END, *[_TABLE] * tables]
    links += [_FREE] * (tables * _SECTOR // 4 - len(links))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<5H6x3I4x5I", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, count, 4096, _END, 0, _END, 0)
    header += struct.pack("<109I", *range(count + 1, count + 1 + tables), *[_FREE] * (109 - tables))
    folder = _entry("Root Entry", 5, 1, _END, 0) + _entry("Workbook", 2, _FREE, 0, len(stream))
    return header + stream + folder.ljust(_SECTOR, b"\0") + struct.pack(f"<{len(links)}I", *links)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    entry = text.ljust(64, b"\0") + struct.pack("<HBB3I", len(text), kind, 1, _FREE, _FREE, child)
    return entry + bytes(36) + struct.pack("<3I", start, size, 0)
