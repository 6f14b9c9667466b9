"""A copy of a home taken in the midst of a night is whole, and what is built from it has the same values."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.night import Night
from flows.policy_texts import parse_policy_text
from flows.rebuilding import rebuild_home
from tests.faults.test_night_history import _restate
from tests.support.book import MARKET_BOOK
from tests.support.market import Market
from tests.support.nights import QUICK, VALUES, Trader, build_without_comments
from transforms.errors import UsageError
from warehouse.backup import ESSENTIAL, MARKER, Backup, backup_home
from warehouse.build import Built
from warehouse.governance.findings import VerifyReport
from warehouse.governance.verify import verify_home
from warehouse.hedge_states import PolicyInForce
from warehouse.home import Home
from warehouse.raw_store import RawStore

NOW = datetime(2026, 1, 7, 23, 30, tzinfo=UTC)


def verify(home: Home) -> VerifyReport:
    return verify_home(home, hash_policy=lambda body: parse_policy_text(body, "policy").policy_hash)


def test_backup_in_the_midst_of_a_night_is_whole_and_builds_the_same_values(
    trader: Trader, market: Market, tmp_path: Path
) -> None:
    trader.begin()
    _restate(market)
    book = trader.home.path / "inputs" / "book.toml"
    book.parent.mkdir()
    book.write_text(MARKET_BOOK, encoding="utf-8")
    copies: list[Backup] = []

    def build_and_copy(night: Night, policies: Sequence[PolicyInForce]) -> Built:
        copies.append(backup_home(trader.home, tmp_path / "copy", datetime.now(UTC)))
        return build_without_comments(night, policies)

    trader.run(replace(QUICK, build=build_and_copy))
    assert copies[0].damaged == ()
    assert {path.name for path in copies[0].folder.iterdir()} <= {*ESSENTIAL, MARKER}

    shutil.copytree(copies[0].folder, tmp_path / "restored")
    restored = Home(tmp_path / "restored")
    report = verify(restored)
    assert report.is_sound, report.lines()
    assert ["no warehouse yet in this copy" in finding.what for finding in report.findings] == [True]
    shutil.rmtree(trader.archive)
    shutil.rmtree(restored.path / "inputs")  # what a night read of it is among the raw files
    result = rebuild_home(restored, trader.now + timedelta(minutes=9), QUICK)
    assert result.exit_code == 0
    again = replace(trader, home=restored)
    assert again.rows(VALUES) == trader.rows(VALUES)
    assert again.rows("from ref.book") == trader.rows("from ref.book")
    assert verify(restored).is_sound
    outcomes = [
        json.loads(path.read_text(encoding="utf-8"))["outcome"] for path in sorted(restored.runs.glob("*.json"))
    ]
    assert outcomes == ["published", "interrupted", "published"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    land(home, 1)
    (home.runs / "r.json").write_text("{}", encoding="utf-8")
    return home


def land(home: Home, value: int) -> Path:
    arguments: dict[str, Any] = {"publisher": "fred", "dataset": "fred_series", "name": "DTB3.csv", "url": "u"}
    body = f"observation_date,DTB3\n2025-01-06,{value}\n".encode()
    stored, _ = RawStore(home).land(body=body, status=200, headers={}, fetched_at=NOW, **arguments)
    return stored.path


def test_backup_again_writes_only_what_is_new(home: Home, tmp_path: Path) -> None:
    first = backup_home(home, tmp_path / "copy", NOW)
    assert first.files == first.written > 3
    assert backup_home(home, tmp_path / "copy", NOW).written == 0
    land(home, 2)
    # body, sidecar, list of versions
    assert backup_home(home, tmp_path / "copy", NOW).written == 3
    assert verify_home(Home(tmp_path / "copy")).checked["raw files"] == 2


def test_damaged_file_does_not_overwrite_its_good_copy(home: Home, tmp_path: Path) -> None:
    backup_home(home, tmp_path / "copy", NOW)
    body = land(home, 1)
    whole = body.read_bytes()
    body.write_bytes(b"x" + whole[1:])
    said = CliRunner().invoke(app, ["backup", str(tmp_path / "copy"), "--home", str(home.path)])
    assert said.exit_code == 1
    assert body.name in said.output
    assert (tmp_path / "copy" / body.relative_to(home.path)).read_bytes() == whole


def test_version_that_comes_while_copying_is_in_the_copy_where_its_list_names_it(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night lands a version behind every file that is read: the lists are read first, the versions after them."""
    read, numbers = Path.read_bytes, iter(range(2, 1000))

    def read_and_land(path: Path) -> bytes:
        body = read(path)
        if path.is_relative_to(home.raw) and path.suffix == ".json":
            with monkeypatch.context() as calm:
                calm.setattr(Path, "read_bytes", read)
                land(home, next(numbers))
        return body

    with monkeypatch.context() as busy:
        busy.setattr(Path, "read_bytes", read_and_land)
        backup_home(home, tmp_path / "copy", NOW)
    assert [
        finding
        for finding in verify_home(Home(tmp_path / "copy")).findings
        if finding.area == "raw" and finding.is_error
    ] == []


@pytest.mark.parametrize("where", ["home", "home/inside", "."])
def test_backup_into_the_home_or_around_it_is_refused(home: Home, tmp_path: Path, where: str) -> None:
    with pytest.raises(UsageError, match="outside of the home"):
        backup_home(home, (tmp_path / where).resolve(), NOW)


def test_backup_into_something_else_is_refused_and_leaves_it(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="something else"):
        backup_home(home, other, NOW)
    assert [path.name for path in other.iterdir()] == ["mine.txt"]
    backup_home(home, tmp_path / "copy", NOW)
    another = Home(tmp_path / "another")
    another.prepare()
    with pytest.raises(UsageError, match="another home"):
        backup_home(another, tmp_path / "copy", NOW)
