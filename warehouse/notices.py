"""What messages need of a home: a published session, the standing told last, and the log of messages.

``notices/standing.json`` holds what the last night was compared as; ``notices/notices.jsonl`` a line for every
attempt to deliver a message. Neither ever holds an address: receivers have labels without secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from transforms.notices.message import Message, Undelivered
from transforms.notices.standing import Evening, Standing, build_evening
from warehouse.home import Home, write_atomically
from warehouse.instants import iso_utc
from warehouse.plain_json import load_json
from warehouse.query import has_table
from warehouse.report_data import read_report_inputs

SENT = "sent"
_CURVE = ("vix_close_pts", "vx1_settle_pts", "contango_frac", "curve_regime")


def read_evening(
    connection: duckdb.DuckDBPyConnection, session: date, run: Mapping[str, Any], failures: Sequence[Mapping[str, Any]]
) -> Evening:
    """Read a published session as messages see it; nothing in it is later than the session.

    Parameters
    ----------
    run, failures
        As :func:`warehouse.run_log.published_run` returns them.
    """
    from transforms.explain.build import build_explanation
    from transforms.page.text import to_plain
    from transforms.report.curve import read_sessions
    from transforms.report.health import build_data_health

    inputs = read_report_inputs(connection, session, run, failures, with_statement=False)
    tonight = read_sessions(inputs.term_structure)[-1]
    is_newest = connection.execute("select max(trade_date) from mart.daily_term_structure").fetchone() == (session,)
    return build_evening(
        session,
        build_explanation(inputs.hedge) if inputs.hedge else None,
        build_data_health(inputs, tonight),
        {name: to_plain(tonight[name]) for name in _CURVE},
        is_simulated=run.get("market") == "simulated",
        orders=_read_orders(connection, session),
        book_orders=_count_book_orders(connection) if is_newest else None,
    )


def session_before(connection: duckdb.DuckDBPyConnection, session: date) -> date | None:
    """Return the published session before another, or None."""
    row = connection.execute(
        "select max(trade_date) from mart.daily_term_structure where trade_date < ?", [session]
    ).fetchone()
    found: date | None = row[0] if row else None
    return found


class NoticeLog:
    """The messages of a home: what was told, to which receiver, and what is still to be delivered."""

    def __init__(self, home: Home) -> None:
        self.folder = home.path / "notices"
        self.path = self.folder / "notices.jsonl"
        self._standing = self.folder / "standing.json"

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield every attempt, oldest first. A line that was cut off, or is none, is passed over."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                entry = load_json(line)
            except ValueError:
                continue
            if _is_attempt(entry):
                yield entry

    def told(self) -> frozenset[str]:
        """Keys of the news in every message so far: delivered, or waiting to be."""
        return frozenset(key for entry in self.entries() for key in entry.get("keys", ()))

    def undelivered(self, label: str) -> list[tuple[str, Undelivered]]:
        """Messages that a receiver has not taken, oldest first, by their id."""
        waiting: dict[str, Undelivered] = {}
        for entry in self.entries():
            outcome = entry["channels"].get(label)
            if outcome == SENT:
                waiting.pop(str(entry["id"]), None)
            elif outcome is not None:
                waiting[str(entry["id"])] = Undelivered(str(entry["title"]), str(entry["body"]))
        return list(waiting.items())

    def describe_retry(self, name: str, run_id: str, now: datetime, channels: Mapping[str, str]) -> dict[str, Any]:
        """Return the line for a further attempt to deliver the message of an id."""
        last = [entry for entry in self.entries() if entry["id"] == name][-1]
        return {**last, "at_utc": iso_utc(now), "run_id": run_id, "channels": dict(channels)}

    def add(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Add attempts; the file is replaced whole, so that a crash leaves the old or the new."""
        self.replace([*self.entries(), *entries])

    def replace(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Write the whole log anew."""
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries]
        write_atomically(self.path, "".join(lines).encode())

    def read_standing(self) -> Standing | None:
        """Return the standing of the last night that was judged, or None."""
        try:
            return Standing.from_json(load_json(self._standing.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep_standing(self, standing: Standing) -> None:
        """Keep the standing that the next night is compared with."""
        write_atomically(self._standing, json.dumps(standing.to_json(), indent=1).encode())


def describe_attempt(message: Message, run_id: str, now: datetime, channels: Mapping[str, str]) -> dict[str, Any]:
    """Return the line of the log for an attempt to deliver a message."""
    return {
        "id": "-".join([message.session.isoformat(), *message.keys]),
        "at_utc": iso_utc(now),
        "run_id": run_id,
        "session": message.session.isoformat(),
        "kinds": list(message.kinds),
        "keys": list(message.keys),
        "title": message.title,
        "body": message.body,
        "channels": dict(channels),
    }


def report_path(home: Home, session: date) -> Path:
    """Return where the page of a session lies."""
    return home.reports / session.isoformat() / "hedge-state.html"


def _is_attempt(entry: Any) -> bool:
    """Tell whether a line is one that `describe_attempt` made, in all that is read of it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("channels"), dict):
        return False
    keys = entry.get("keys", [])
    has_keys = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    return has_keys and all(isinstance(entry.get(name), str) for name in ("id", "title", "body"))


def _read_orders(connection: duckdb.DuckDBPyConnection, session: date) -> list[tuple[str, int]]:
    if not has_table(connection, "mart.daily_positions"):
        return []  # published by a version that had no positions
    rows = connection.execute(
        "select instrument, sum(order_contracts)::bigint from mart.daily_positions where trade_date = ? "
        "group by instrument having sum(order_contracts) <> 0 order by instrument",
        [session],
    ).fetchall()
    return [(str(instrument), int(count)) for instrument, count in rows]


def _count_book_orders(connection: duckdb.DuckDBPyConnection) -> int | None:
    if not has_table(connection, "mart.book_orders"):
        return None  # published by a version that read no book
    row = connection.execute("select count_if(order_contracts <> 0), count(*) from mart.book_orders").fetchone()
    return int(row[0]) if row and row[1] else None
