"""Another future: every value of an archive after a session is changed, and nothing before it.

Whatever depends on a later value then differs. Files keep their publishers' layouts, and the changed values
stay possible, so that no line is refused for looking wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from transforms.events import estimate_release_date

_NUMBER = re.compile(r"(?<![\d/-])\d+\.?\d*(?![\d/-])")
FACTOR = 1.02
"""Each next changed value is this much further from the truth, up to a bound: a level shift would leave changes."""


def shock_archive(files: Mapping[str, bytes], after: date) -> dict[str, bytes]:
    """Change every value that was not yet known on the evening of ``after``."""
    return {path: _shock(path, body, after) for path, body in files.items()}


def _shock(path: str, body: bytes, after: date) -> bytes:
    if "/charts/historical/" in path:
        return _shock_bars(body, after)
    if "fredgraph.csv" in path:
        return _shock_series(path.rsplit("id=", 1)[1], body, after)
    if path.endswith("/s-and-p-500/main/data/data.csv"):
        return _shock_valuations(body, after)
    if path.endswith(("_VIX.json", "index.json", "fomccalendars.htm", "SIMULATED.json")):
        return body  # one session each, or dates that are known ahead
    is_evening = re.search(r"dt=(\d{4}-\d\d-\d\d)$", path)
    if is_evening:
        return body if date.fromisoformat(is_evening[1]) <= after else _change_lines(body, lambda _: True)
    # another rhythm for each file: changed by the same factor, two of them would keep their ratio
    start = sum(path.encode())
    return _change_lines(body, lambda line: (day := _day_of(line)) is not None and day > after, start)


def _change_lines(body: bytes, is_later: Callable[[str], bool], start: int = 0) -> bytes:
    changed = start
    lines = []
    for line in body.decode().split("\n"):
        if is_later(line) and line[:1].isdigit():
            changed += 1
            head, *fields = line.split(",")
            line = ",".join([head, *(_scaled(field, changed) for field in fields)])
        lines.append(line)
    return "\n".join(lines).encode()


def _scaled(field: str, number: int) -> str:
    factor = 1 + (FACTOR - 1) * (1 + number % 5)

    def scale(match: re.Match[str]) -> str:
        text = match[0]
        decimals = len(text.partition(".")[2])
        return f"{float(text) * factor:.{decimals}f}" if decimals else str(round(int(text) * factor))

    return field if re.search(r"[A-Za-z]", field) else _NUMBER.sub(scale, field)


def _shock_bars(body: bytes, after: date) -> bytes:
    content = json.loads(body)
    for number, entry in enumerate(content["data"]):
        if date.fromisoformat(entry["date"]) > after:
            factor = 1 + (FACTOR - 1) * (1 + number % 5)
            for name in ("open", "high", "low", "close"):
                entry[name] = round(entry[name] * factor, 2)
    return json.dumps(content).encode()


def _shock_series(series: str, body: bytes, after: date) -> bytes:
    def is_later(line: str) -> bool:
        try:
            day = date.fromisoformat(line.split(",")[0])
        except ValueError:
            return False
        if series in ("DTB3", "DFF"):
            return day >= after  # published on the next business day
        return estimate_release_date(series, day) > after

    if series in ("USREC", "FEDFUNDS"):
        return body  # flags of 0 and 1; a series that no night asks for
    return _change_lines(body, is_later)


def _shock_valuations(body: bytes, after: date) -> bytes:
    lines = body.decode().split("\n")
    for number, line in enumerate(lines):
        fields = line.split(",")
        if not line[:1].isdigit():
            continue
        month = date.fromisoformat(fields[0])
        if (month + timedelta(days=31)).replace(day=1) > after:
            fields[1] = _scaled(fields[1], number)
        if month + timedelta(days=180) > after:
            fields[2:4] = [_scaled(field, number) for field in fields[2:4]]
        lines[number] = ",".join(fields)
    return "\n".join(lines).encode()


def _day_of(line: str) -> date | None:
    first = line.split(",", 1)[0].strip()
    for layout in ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"):
        try:
            return datetime.strptime(first, layout).date()  # noqa: DTZ007 - a day, no instant
        except ValueError:
            continue
    return None
