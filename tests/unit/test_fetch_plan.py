"""What is asked for again, of what is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from flows.sources import cboe
from flows.sources.plan import plan_contracts, plan_evenings
from transforms.contracts import ListedContract
from transforms.formats import VX_HEADER
from warehouse.home import Home
from warehouse.raw_store import RawStore, StoredFile

EXPIRY = date(2025, 7, 16)
LISTED = [ListedContract(EXPIRY, "M", "")]


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    home = Home(tmp_path / "home")
    home.prepare()
    return RawStore(home)


def land(store: RawStore, last_day: date) -> StoredFile:
    """Store the contract's file with a line of a day as its last."""
    request = cboe.contract_file(EXPIRY, is_monthly=True)
    line = f"{last_day.isoformat()},N (Jul 2025),17.0,17.4,16.8,17.0,17.0,0.1,1200,0,5000"
    return store.land(
        publisher=request.publisher,
        dataset=request.dataset,
        name=request.name,
        url=request.url,
        body=f"{VX_HEADER}\n{line}\n".encode(),
        status=200,
        headers={},
        fetched_at=datetime(2025, 7, 16, 22, 30, tzinfo=UTC),
    )[0]


def is_asked(store: RawStore, session: date) -> bool:
    planned = plan_contracts(store, LISTED, session, ask_everything=False)
    return any(request.name.startswith(f"VX_{EXPIRY}") for request in planned.requests)


@pytest.mark.parametrize(
    ("last_day", "session", "asked"),
    [
        (date(2025, 7, 15), date(2025, 7, 15), True),
        (EXPIRY, EXPIRY, True),
        (EXPIRY, date(2025, 7, 22), True),
        (EXPIRY, date(2025, 7, 23), False),
        (date(2025, 7, 15), date(2025, 8, 14), True),
        (date(2025, 7, 15), date(2025, 8, 15), False),
    ],
    ids=["alive", "expired today", "within a week", "a week later", "without its end", "long ago"],
)
def test_contract_file_is_asked_for_until_its_last_line_can_be_trusted(
    store: RawStore, last_day: date, session: date, asked: bool
) -> None:
    land(store, last_day)
    assert is_asked(store, session) == asked


def test_damaged_file_is_asked_for_however_complete_it_was(store: RawStore) -> None:
    stored = land(store, EXPIRY)
    assert not is_asked(store, date(2025, 9, 1))
    stored.path.write_bytes(stored.path.read_bytes().replace(b"17.4", b"17.5"))
    assert is_asked(store, date(2025, 9, 1))


def test_damaged_evening_table_is_asked_for_whatever_its_day(store: RawStore) -> None:
    land(store, EXPIRY)
    request = cboe.daily_settlements(date(2025, 5, 6))
    table, _ = store.land(
        publisher=request.publisher,
        dataset=request.dataset,
        name=request.name,
        url=request.url,
        body=b"Product,Symbol,Expiration Date,Price\nVX,VX/K5,2025-05-21,17.0000\n",
        status=200,
        headers={},
        fetched_at=datetime(2025, 5, 6, 22, 30, tzinfo=UTC),
    )
    assert request.name not in {one.name for one in plan_evenings(store, EXPIRY)}
    table.path.write_bytes(table.path.read_bytes().replace(b"17.0", b"17.1"))
    assert request.name in {one.name for one in plan_evenings(store, EXPIRY)}
