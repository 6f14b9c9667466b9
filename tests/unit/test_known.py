"""What was known at an instant, laid out: versions, books that were taken away, calibrations, runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.book import MARKET_BOOK
from transforms.errors import UsageError
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.instants import iso_utc
from warehouse.known import Layout, lay_out, parse_known_at
from warehouse.prune import prune_home
from warehouse.raw_store import RawStore
from warehouse.retention import Retention
from warehouse.run_log import write_record

NOW = datetime(2025, 1, 7, 23, 30, tzinfo=UTC)


def at(hours: int) -> datetime:
    return NOW + timedelta(hours=hours)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def land(home: Home, text: str, hours: int, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "publisher": "fred",
        "dataset": "fred_series",
        "name": "DTB3.csv",
        "url": "https://fred.example/DTB3",
        "status": 200,
        "headers": {},
        "fetched_at": at(hours),
    }
    store = RawStore(home)
    body = text if "publisher" in changes else f"observation_date,DTB3\n{text}\n"
    stored, _ = store.land(body=body.encode(), **(arguments | changes))
    store.flush()
    return stored.sha256


def land_book(home: Home, hours: int) -> str:
    return land(home, MARKET_BOOK, hours, publisher="user", dataset="book", name="book.toml")


def take_book_away(home: Home, hours: int) -> None:
    store = RawStore(home)
    store.note_checked("user", "book.toml", at(hours), absent="not in inputs/")
    store.flush()


def known(home: Home, hours: int) -> Layout:
    folder = home.path / "known" / f"at-{hours}"
    folder.parent.mkdir(exist_ok=True)
    return lay_out(home, at(hours), folder)


def newest(layout: Layout, publisher: str = "fred", name: str = "DTB3.csv") -> str | None:
    current = RawStore(layout.home).state(publisher, name).current
    return current.sha256 if current else None


def test_version_is_that_which_was_the_newest(home: Home) -> None:
    first, second = land(home, "2025-01-06,1", 0), land(home, "2025-01-06,2", 5)
    assert land(home, "2025-01-06,1", 10) == first  # the publisher went back
    assert [newest(known(home, hours)) for hours in (0, 4, 5, 9, 10, 11)] == [
        first,
        first,
        second,
        second,
        first,
        first,
    ]


def test_files_of_later_are_not_there(home: Home) -> None:
    land(home, "2025-01-06,1", 0)
    land(home, "2025-01-06,1", 5, name="DGS3MO.csv")
    assert [name for _, name, _ in RawStore(known(home, 4).home).states()] == ["DTB3.csv"]


def test_laying_out_changes_nothing(home: Home) -> None:
    land(home, "2025-01-06,1", 0)
    land(home, "2025-01-06,2", 5)
    before = {path: path.read_bytes() for path in home.raw.rglob("*") if path.is_file()}
    known(home, 3)
    assert {path: path.read_bytes() for path in home.raw.rglob("*") if path.is_file()} == before
    assert verify_home(home).findings == ()


def test_book_is_known_while_it_was_there(home: Home) -> None:
    book = land_book(home, 0)
    take_book_away(home, 4)
    take_book_away(home, 5)
    assert land_book(home, 8) == book
    assert RawStore(home).state("user", "book.toml").current is not None
    take_book_away(home, 12)
    found = [newest(known(home, hours), "user", "book.toml") for hours in (1, 4, 6, 8, 10, 13)]
    assert found == [book, None, None, book, book, None]
    lines = (home.raw / "user" / "book.toml" / "observed.jsonl").read_text(encoding="utf-8").splitlines()
    assert ["absent" in json.loads(line) for line in lines] == [False, True, False, True]
    assert verify_home(home).findings == ()


def test_run_behind_it_is_the_one_that_had_published_last(home: Home) -> None:
    land(home, "2025-01-06,1", 0)
    for number, published in enumerate((1, None, 6)):
        run_id = f"20250107T23300{number}.000Z"
        record: dict[str, Any] = {"run_id": run_id, "started_at_utc": iso_utc(at(published or 3)), "outcome": "x"}
        if published:
            record |= {"published_at_utc": iso_utc(at(published)), "published": {"sha256": "0"}}
        write_record(home.runs / f"{run_id}.json", record)
    land(home, "2025-01-06,2", 4)
    assert known(home, 0).record is None
    layout = known(home, 5)
    assert layout.record is not None
    assert layout.record["run_id"] == "20250107T233000.000Z"
    assert layout.fetched_since == ("fred/DTB3.csv",)
    assert len(list(layout.home.runs.iterdir())) == 2
    assert known(home, 7).fetched_since == ()


def test_before_the_first_fetch_the_error_says_when_it_was(home: Home) -> None:
    land(home, "2025-01-06,1", 0)
    with pytest.raises(UsageError, match="nothing was known yet") as error:
        known(home, -1)
    assert str(error.value.expected).startswith("2025-01-07T23:30:00Z, the first fetch")


def test_version_that_was_removed_is_named_and_not_replaced_by_another(home: Home) -> None:
    for number in range(4):
        land(home, f"2025-01-06,{number}", number)
    prune_home(home, Retention(raw_versions=1), NOW)
    with pytest.raises(UsageError, match="cannot be built again") as error:
        known(home, 1)
    assert "fred/DTB3.csv" in str(error.value.found)
    assert newest(known(home, 2)) is not None


@pytest.mark.parametrize(
    ("text", "what", "more"),
    [
        ("2025-01-07", "a day, not an instant", "say 2025-01-07T23:59:59Z"),
        ("2025-01-07T12:00:00", "has no zone", "say 2025-01-07T12:00:00Z"),
        ("yesterday", "is no instant", "2026-01-07T18:31:02-05:00"),
        ("2025-01-08T00:00:00Z", "is in the future", "2025-01-07T23:30:00Z or earlier"),
    ],
)
def test_what_is_no_past_instant_is_explained(text: str, what: str, more: str) -> None:
    with pytest.raises(UsageError, match=what) as error:
        parse_known_at(text, NOW)
    assert more in "\n".join(error.value.lines())


def test_instant_may_be_in_any_zone() -> None:
    assert parse_known_at("2025-01-07T18:00:00-05:00", NOW) == parse_known_at("2025-01-07T23:00:00Z", NOW)
    assert iso_utc(parse_known_at("2025-01-07T18:00:00-05:00", NOW)) == "2025-01-07T23:00:00Z"
