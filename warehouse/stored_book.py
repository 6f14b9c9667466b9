"""The user's book in the raw store: which of its versions a night uses, and what stood against the newer ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from transforms.errors import BookError
from transforms.portfolio.book import Book
from transforms.portfolio.book_reader import describe_refusal, read_book
from warehouse.raw_store import RawStore, StoredFile

PUBLISHER, DATASET, NAME = "user", "book", "book.toml"


@dataclass(frozen=True)
class StoredBook:
    """The book in use.

    Parameters
    ----------
    book, file
        None where the home has none that can be used.
    passed_over
        Why each newer version is not used, newest first.
    """

    book: Book | None = None
    file: StoredFile | None = None
    passed_over: tuple[str, ...] = ()


def read_stored_book(store: RawStore, today: date) -> StoredBook:
    """Read the newest version of the book that can be used on a day.

    Parameters
    ----------
    today
        A book of a later day waits for it, and the version before it stays in use.
    """
    state = store.state(PUBLISHER, NAME)
    if state.current is None:  # never given, taken away, or never readable
        newest = state.newest
        is_refused = newest is not None and newest.refusal is not None and state.absent is None
        return StoredBook(passed_over=(str(newest.refusal),) if newest is not None and is_refused else ())
    passed_over: list[str] = []
    for version in reversed(state.versions):
        if version.refusal is not None:
            passed_over.append(version.refusal)
            continue
        text = version.path.read_bytes().decode("utf-8-sig")
        try:
            return StoredBook(read_book(text, where=NAME, today=today), version, tuple(passed_over))
        except BookError as error:
            passed_over.append(describe_refusal(error))
    return StoredBook(passed_over=tuple(passed_over))


def find_early_book(store: RawStore, today: date) -> tuple[StoredFile, str] | None:
    """Return the newest version of the book with the reason, where it can be read but not be used yet on a day."""
    state = store.state(PUBLISHER, NAME)
    if state.current is None or state.newest is None or state.newest.refusal is not None:
        return None
    found = read_stored_book(store, today)
    return (state.newest, found.passed_over[0]) if found.passed_over else None
