"""Which version of a book is used: the newest that can be read and is not of a later day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows.fetch import name_early_book
from tests.support.book import ACCOUNT
from warehouse.home import Home
from warehouse.raw_store import RawStore
from warehouse.stored_book import StoredBook, read_stored_book

START = datetime(2026, 1, 7, 23, 30, tzinfo=UTC)
TODAY = date(2026, 1, 9)
LATER = ACCOUNT.replace("2026-01-07", "2026-01-12")
BROKEN = ACCOUNT + "margin = 1\n"


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    home = Home(tmp_path)
    home.prepare()
    return RawStore(home)


def land(store: RawStore, *texts: str) -> None:
    for number, text in enumerate(texts):
        store.land(
            publisher="user",
            dataset="book",
            name="book.toml",
            url="inputs/book.toml",
            body=text.encode(),
            status=200,
            headers={},
            fetched_at=START + timedelta(days=number),
        )


def used_nav(found: StoredBook) -> float | None:
    return None if found.book is None else found.book.nav_usd


def test_home_without_a_book_has_none(store: RawStore) -> None:
    assert read_stored_book(store, TODAY) == StoredBook()


def test_newest_book_is_used_and_names_its_file(store: RawStore) -> None:
    land(store, ACCOUNT, ACCOUNT.replace("100000", "200000"))
    found = read_stored_book(store, TODAY)
    assert used_nav(found) == 200_000
    assert found.file == store.state("user", "book.toml").newest
    assert found.passed_over == ()


def test_book_that_cannot_be_read_leaves_the_one_before_in_use_and_says_the_line(store: RawStore) -> None:
    land(store, ACCOUNT, BROKEN)
    found = read_stored_book(store, TODAY)
    assert used_nav(found) == 100_000
    (reason,) = found.passed_over
    assert reason == (
        "unknown key 'margin' in [account]: at book.toml:4 (account.margin), found margin, expected margin_usd"
    )


def test_book_that_could_never_be_read_is_none_and_says_why(store: RawStore) -> None:
    land(store, BROKEN)
    found = read_stored_book(store, TODAY)
    assert found.book is None
    assert "book.toml:4" in found.passed_over[0]


def test_book_of_a_later_day_waits_for_its_day(store: RawStore) -> None:
    land(store, ACCOUNT, LATER.replace("100000", "200000"))
    early = read_stored_book(store, TODAY)
    assert used_nav(early) == 100_000
    assert early.passed_over == (
        (
            "the book is of a day it cannot be of: at book.toml:3 (account.as_of), found 2026-01-12, "
            "expected 2004-03-26 to 2026-01-09"
        ),
    )
    assert used_nav(read_stored_book(store, date(2026, 1, 12))) == 200_000


def test_book_of_a_later_day_is_a_failure_of_the_night_until_then(store: RawStore) -> None:
    land(store, ACCOUNT, LATER)
    (failure,) = name_early_book(store, TODAY)
    assert (failure.dataset, failure.name, failure.requirement) == ("book", "book.toml", "optional")
    assert failure.reason.startswith("not used yet: the book is of a day it cannot be of: at book.toml:3")
    assert name_early_book(store, date(2026, 1, 12)) == []


def test_book_that_was_refused_is_not_named_a_second_time(store: RawStore) -> None:
    land(store, LATER, BROKEN)
    assert name_early_book(store, TODAY) == []


def test_book_that_was_taken_away_is_not_used(store: RawStore) -> None:
    land(store, ACCOUNT)
    store.note_checked("user", "book.toml", START + timedelta(days=1), "not in inputs/")
    assert read_stored_book(store, TODAY) == StoredBook()
