"""kill -9 in what writes beside the nights: an audit, past sessions. Re-calibrations have tests of their own."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.support.audit_record import make_record
from tests.support.killed_writer import run_killed
from tests.support.nights import Trader
from tests.support.promises import assert_readable, read_held
from warehouse.audits import FOLDER, write_audit
from warehouse.home import Home
from warehouse.publish import broken_off_holder, lock_holder, run_lock

DAYS = ("2025-09-03", "2025-09-04")


@pytest.fixture
def home(trader: Trader) -> Home:
    trader.begin()
    return trader.home


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def whole(folder: Path) -> dict[str, bytes]:
    """Files but for those that a write left unfinished, which have names of their own."""
    return {name: body for name, body in files(folder).items() if not name.endswith(".tmp")}


@pytest.mark.parametrize("after", [0, 3])
def test_audit_killed_between_its_files_leaves_whole_ones_and_can_be_run_again(
    home: Home, tmp_path: Path, after: int
) -> None:
    record = json.loads(json.dumps(make_record()))
    (tmp_path / "record.json").write_text(json.dumps(record), encoding="utf-8")
    held = read_held(home)
    write_audit(Home(tmp_path / "other"), record)
    expected = files(tmp_path / "other" / FOLDER)
    assert run_killed(home, "audit", str(tmp_path / "record.json"), after=after)
    assert whole(home.path / FOLDER).items() <= expected.items()
    assert read_held(home) == held
    assert_readable(home)
    write_audit(home, record)
    assert whole(home.path / FOLDER) == expected


def test_reports_of_past_sessions_killed_between_files_are_whole_ones_and_can_be_made_again(
    home: Home, trader: Trader
) -> None:
    held, before = read_held(home), files(home.reports)
    for after in (3, 10):
        assert run_killed(home, "backfill", trader.now.isoformat(), *DAYS, after=after)
        assert read_held(home) == held
        assert before.items() <= whole(home.reports).items()
        status = assert_readable(home)
        assert (status["broken_off"] or {})["command"] == "alvh backfill"
        assert lock_holder(home) is None
    assert not run_killed(home, "backfill", trader.now.isoformat(), *DAYS, after=1000)
    assert broken_off_holder(home) is None
    for day in DAYS:
        state = json.loads((home.reports / day / "hedge-state.json").read_text(encoding="utf-8"))
        assert state["as_of"] == date.fromisoformat(day).isoformat()
    with run_lock(home, "alvh nightly", trader.now):
        pass
