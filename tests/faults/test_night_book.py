"""The user's book in a night: used, spoilt, of a later day, taken away. The night itself always goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.book import MARKET_BOOK
from tests.support.nights import Trader

ORDERS = "select instrument, held_contracts, order_contracts from mart.book_orders order by all"
ACCOUNT = "select as_of_date::varchar, account_nav_usd from ref.book"
WARNINGS = "select warning from ref.book_warnings order by warning_no"
IN_USE = [("2025-08-29", 2_000_000.0)]


@pytest.fixture
def book(trader: Trader) -> Path:
    """The place of the book, in a home that had its first night without one."""
    trader.begin()
    path = trader.home.path / "inputs" / "book.toml"
    path.parent.mkdir()
    return path


def failures(trader: Trader) -> list[dict[str, Any]]:
    """What the newest night could not have."""
    newest = max(trader.home.runs.glob("*.json"))
    found: list[dict[str, Any]] = json.loads(newest.read_text(encoding="utf-8"))["fetch"]["failures"]
    return found


def test_night_reads_a_book_keeps_the_last_good_one_and_forgets_one_that_was_taken_away(
    trader: Trader, book: Path
) -> None:
    assert trader.rows(ACCOUNT) == []
    model = trader.rows("from mart.daily_positions order by all")

    book.write_text(MARKET_BOOK, encoding="utf-8")
    assert trader.run().exit_code == 0
    assert failures(trader) == []
    assert trader.rows(ACCOUNT) == IN_USE
    orders = trader.rows(ORDERS)
    assert [(instrument, held) for instrument, held, _ in orders if held] == [
        ("VIX 2025-10-22 C 25", 2),
        ("VX 2025-10-22", 1),
        ("VXM 2025-09-17", 3),
    ]
    # nothing of the book enters the model account
    assert trader.rows("from mart.daily_positions order by all") == model

    book.write_text(MARKET_BOOK.replace("quantity = 3", "quantitiy = 3"), encoding="utf-8")
    trader.run()
    (failure,) = failures(trader)
    assert (failure["name"], failure["is_refused"]) == ("book.toml", True)
    line = 1 + MARKET_BOOK[: MARKET_BOOK.index("quantity = 3")].count("\n")
    reason = (
        f"unknown key 'quantitiy' in [hedge.futures[1]]: at book.toml:{line} (hedge.futures[1].quantitiy), "
        "found quantitiy, expected quantity"
    )
    assert failure["reason"] == f"refused: {reason}"
    assert trader.rows(ACCOUNT) == IN_USE
    assert trader.rows(ORDERS) == orders
    assert trader.rows(WARNINGS)[0] == (f"not used: {reason}",)

    book.unlink()
    trader.run()
    assert failures(trader) == []
    for table in ("ref.book", "ref.book_positions", "ref.book_warnings", "mart.book_orders", "mart.book_exposure"):
        assert trader.rows(f"from {table}") == []


def test_night_waits_for_the_day_of_a_book(trader: Trader, book: Path) -> None:
    book.write_text(MARKET_BOOK, encoding="utf-8")
    trader.run()
    book.write_text(MARKET_BOOK.replace("2025-08-29", "2025-09-16"), encoding="utf-8")
    trader.run()
    (failure,) = failures(trader)
    assert failure["reason"].startswith("not used yet: the book is of a day it cannot be of: at book.toml:4")
    assert trader.rows(ACCOUNT) == IN_USE
