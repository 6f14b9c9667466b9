"""What was known at an instant can be told again: a night's own report, after everything has changed since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from flows import known as known_flow
from flows.known import KnownWarehouse, build_known, write_known_report
from flows.policy_texts import read_preset
from tests.faults.test_night_history import _restate
from tests.support.book import MARKET_BOOK
from tests.support.market import LAST, write_market
from tests.support.nights import Trader, evening_of
from tests.support.shared import SharedFolders
from warehouse.checks import run_sql_checks
from warehouse.governance import operations
from warehouse.governance.keys import open_key_file
from warehouse.governance.log import PolicyFolder
from warehouse.home import Home
from warehouse.query import open_published

MONDAY = date(2025, 9, 15)
NAMED = ("known_at_utc", "known", "warehouse_sha256")
"""What a rebuilt report says otherwise: that it is one, and the hash of another file."""

CLOCKS = ("flows.run", "flows.sources.archive", "flows.sources.user_files")


@contextmanager
def clock_at(instant: datetime) -> Iterator[None]:
    """The clock of a night at an instant: what it fetches and publishes is of then."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return instant.astimezone(tz)

    patches = [patch(f"{module}.datetime", Clock) for module in CLOCKS]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def have_changing_nights(folder: Path) -> None:
    """Friday's night; then a restated settlement, another policy, a book; then Monday's night."""
    market = write_market(folder / "archive")
    trader = Trader(Home(folder / "home"), market.root, evening_of(LAST))
    with clock_at(evening_of(LAST)):
        trader.run()
    _adopt(trader.home, evening_of(LAST) + timedelta(hours=1))
    book = trader.home.path / "inputs" / "book.toml"
    book.parent.mkdir()
    book.write_text(MARKET_BOOK, encoding="utf-8")
    market.extend_to(MONDAY)
    _restate(market)
    trader.now = evening_of(MONDAY)
    with clock_at(evening_of(MONDAY)):
        trader.run()


def _adopt(home: Home, now: datetime) -> None:
    text = read_preset("static")
    proposal = operations.propose(home, text.body, text.policy_hash, "Ada", now)
    operations.sign(home, proposal.proposal_id, open_key_file(PolicyFolder.of(home).local_key), now)
    operations.adopt(home, proposal.proposal_id, now, MONDAY)
    PolicyFolder.of(home).policy.write_bytes(text.body)


@pytest.fixture(scope="module")
def nights(shared_folders: SharedFolders) -> Path:
    return shared_folders.get("changing-nights", have_changing_nights) / "home"


@pytest.fixture
def home(nights: Path, tmp_path: Path) -> Home:
    shutil.copytree(nights, tmp_path / "home")
    return Home(tmp_path / "home")


def build(home: Home, known_at: datetime) -> KnownWarehouse:
    """As the command does, without expectations and comments."""
    with patch("warehouse.build.apply_comments"):
        return build_known(home, known_at, check=lambda connection, _run, _due: run_sql_checks(connection))


def state_in(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((folder / "hedge-state.json").read_text(encoding="utf-8"))
    return state


def without_named(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: without_named(value) for name, value in state.items() if name not in NAMED}
    return [without_named(value) for value in state] if isinstance(state, list) else state


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_report_of_a_night_is_told_again_after_data_policy_and_book_changed(home: Home) -> None:
    first, second = state_in(home.reports / LAST.isoformat()), state_in(home.reports / MONDAY.isoformat())
    assert first["policy_hash"] != second["policy_hash"]
    assert (first["book"], bool(second["book"])) == (None, True)
    assert second["data_health"]["revisions"]
    before = files_of(home.reports) | {"published": home.published.read_bytes()}

    known = build(home, evening_of(LAST))
    day, written = write_known_report(known, home, None, None)
    assert day == LAST
    assert written.html.parent.name == f"{LAST}-known-at-20250912T223000Z"
    again = state_in(written.html.parent)
    assert without_named(again) == without_named(first)
    assert again["known_at_utc"] == "2025-09-12T22:30:00Z"
    assert again["data_health"]["known"] == known.sentence
    for ending in ("html", "md"):
        assert known.sentence in written.html.with_suffix(f".{ending}").read_text(encoding="utf-8")
        assert known.sentence not in (home.reports / LAST.isoformat() / f"hedge-state.{ending}").read_text("utf-8")

    after = files_of(home.reports) | {"published": home.published.read_bytes()}
    assert {name: after[name] for name in before} == before

    # Asked again, it is not built again.
    with patch.object(known_flow, "build_warehouse", side_effect=AssertionError("built again")):
        assert build(home, evening_of(LAST)).home == known.home
    assert [path.name for path in (home.path / "known").iterdir()] == [known.home.path.name]


@pytest.mark.slow
def test_report_of_a_later_night_is_told_again_with_its_restatements_policy_and_book(home: Home) -> None:
    shutil.rmtree(home.path / "inputs")
    known = build(home, evening_of(MONDAY))
    _, written = write_known_report(known, home, None, home.path / "elsewhere")
    assert written.html.parent == home.path / "elsewhere"
    assert without_named(state_in(written.html.parent)) == without_named(state_in(home.reports / MONDAY.isoformat()))


@pytest.mark.slow
def test_what_was_fetched_after_the_published_night_is_in_and_said(home: Home) -> None:
    """Between the nights the policy had changed, and by Monday noon a night that failed had fetched a file."""
    noon = evening_of(MONDAY) - timedelta(hours=6)
    path = min(home.raw.glob("cboe/VIX_History.csv/observed.jsonl"))
    lines = path.read_text(encoding="utf-8").splitlines()
    entry = json.loads(lines[-1]) | {"seen_at_utc": noon.strftime("%Y-%m-%dT%H:%M:%SZ")}
    path.write_text("\n".join([*lines[:-1], json.dumps(entry)]) + "\n", encoding="utf-8")
    known = build(home, noon)
    assert known.fetched_since == 1
    assert "1 file fetched after it" in known.sentence
    with open_published(known.home) as connection:
        newest = connection.execute("select max(trade_date) from core.daily_index_levels").fetchone()
        policies = connection.execute("select count(*) from ref.policies").fetchone()
    assert newest == (MONDAY,)
    assert policies == (2,)
