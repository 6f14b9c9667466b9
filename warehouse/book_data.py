"""Reading what a published warehouse says of the user's book, for commands and reports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import duckdb

from transforms.errors import UsageError
from warehouse.query import has_table

ACCOUNT_WORDS = "your book"
"""How everything made of the book names its account."""


def has_book_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Say whether a published warehouse has the tables of the book: one of an earlier version has none."""
    return has_table(connection, "mart.book_orders")


def read_book_orders(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Read the account of the book, what it protects, what is wanted and held, and the orders of the next session.

    Returns
    -------
    dict
        Plain values, dates in ISO form, NULL as None: ``session`` (the newest), ``is_simulated``, ``account`` (a row
        of ``ref.book`` with ``account`` as its name; None without a book), ``exposure`` (of the newest session, a row
        of ``mart.book_exposure``; None where the account has not entered), ``layers`` (``mart.book_layers``),
        ``orders`` (``mart.book_orders``), ``positions`` (``ref.book_positions``), ``warnings`` (sentences).

    Raises
    ------
    UsageError
        The warehouse is of an earlier version.
    """
    if not has_book_tables(connection):
        raise UsageError(
            "the published warehouse has no tables of the book",
            found="a warehouse of an earlier version",
            next_step="run `alvh nightly`",
        )
    books = _dicts(connection, "from ref.book")
    exposures = _dicts(connection, "from mart.book_exposure order by trade_date desc limit 1")
    runs = _dicts(connection, "select is_simulated from ref.run")
    newest = connection.execute("select max(trade_date) from mart.daily_term_structure").fetchall()
    return {
        "session": _plain(newest[0][0]),
        "is_simulated": bool(runs[0]["is_simulated"]) if runs else False,
        "account": {"account": ACCOUNT_WORDS, **books[0]} if books else None,
        "exposure": exposures[0] if exposures else None,
        "layers": _dicts(
            connection,
            "from mart.book_layers order by list_position(['base', 'temporal_vega', 'second_engine'], layer)",
        ),
        "orders": _dicts(connection, "from mart.book_orders order by split_part(instrument, ' ', 2), instrument"),
        "positions": _dicts(connection, "from ref.book_positions order by position_kind desc, instrument"),
        "warnings": [row["warning"] for row in _dicts(connection, "from ref.book_warnings order by warning_no")],
    }


def _dicts(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
