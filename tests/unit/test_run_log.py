"""Run records: on the disk from the first second, readable whatever happened."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import run_log
from warehouse.home import Home
from warehouse.run_log import RunLog
from warehouse.tables import create_late_tables

NOW = datetime(2025, 1, 7, 23, 30, 5, 123_456, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def record_of(home: Home, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home.runs / f"{run_id}.json").read_text())
    return found


def revision(run_id: str, value: str) -> dict[str, str]:
    return {
        "detected_run_id": run_id,
        "detected_at_utc": "2025-01-07T23:30:00Z",
        "table_name": "core.daily_vx_settlements",
        "trade_date": "2025-01-06",
        "row_key": "VXF25",
        "column_name": "settle_pts",
        "old_value": "17.0",
        "new_value": value,
    }


def test_run_id_is_the_start_to_the_millisecond() -> None:
    assert run_log.run_id_of(NOW) == "20250107T233005.123Z"


def test_run_ids_sort_by_time() -> None:
    later = NOW.replace(microsecond=124_000)
    assert run_log.run_id_of(NOW) < run_log.run_id_of(later)


def test_record_is_on_the_disk_when_the_run_starts(home: Home) -> None:
    RunLog(home, "r1", NOW, "alvh nightly")
    record = record_of(home, "r1")
    assert (record["outcome"], record["exit_code"], record["command"]) == ("running", None, "alvh nightly")
    assert record["started_at_utc"] == "2025-01-07T23:30:05Z"


def test_record_names_the_versions_that_decide_values(home: Home) -> None:
    RunLog(home, "r1", NOW, "alvh nightly")
    assert {"python", "alvh", "duckdb", "pandas", "exchange-calendars"} <= record_of(home, "r1")["versions"].keys()


def test_step_is_on_the_disk_at_once(home: Home) -> None:
    log = RunLog(home, "r1", NOW, "alvh nightly")
    log.step("build", 1.23456, "12 tables")
    assert record_of(home, "r1")["steps"] == [{"step": "build", "seconds": 1.235, "summary": "12 tables"}]


def test_note_is_on_the_disk_at_once(home: Home) -> None:
    RunLog(home, "r1", NOW, "alvh nightly").note(as_of=date(2025, 1, 7))
    assert record_of(home, "r1")["as_of"] == "2025-01-07"


def test_records_come_in_the_order_of_the_runs_whatever_the_clock_said(home: Home) -> None:
    for run_id in ("r2", "r1", "r3"):
        RunLog(home, run_id, NOW, "x")
    assert [record["run_id"] for record in run_log.read_records(home)] == ["r2", "r1", "r3"]
    assert [record["run_number"] for record in run_log.read_records(home)] == [1, 2, 3]


def test_records_of_versions_that_did_not_count_come_first_by_name(home: Home) -> None:
    for run_id in ("r2", "r1", "r0"):
        RunLog(home, run_id, NOW, "x")
    for run_id in ("r9", "r8"):
        (home.runs / f"{run_id}.json").write_text(json.dumps({"run_id": run_id}), encoding="utf-8")
    assert [record["run_id"] for record in run_log.read_records(home)] == ["r8", "r9", "r2", "r1", "r0"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe"])
def test_record_that_cannot_be_read_is_passed_over(home: Home, content: bytes) -> None:
    RunLog(home, "r1", NOW, "x")
    (home.runs / "r0.json").write_bytes(content)
    assert [record["run_id"] for record in run_log.read_records(home)] == ["r1"]


def test_latest_record_is_the_run_that_began_last(home: Home) -> None:
    for run_id in ("r2", "r1"):
        RunLog(home, run_id, NOW, "x")
    latest = run_log.latest_record(home)
    assert latest is not None
    assert latest["run_id"] == "r1"


def test_name_of_a_record_that_is_there_is_not_used_again(home: Home) -> None:
    assert run_log.unused_run_id(home, "r1") == "r1"
    RunLog(home, "r1", NOW, "x")
    assert run_log.unused_run_id(home, "r1") == "r1-2"
    RunLog(home, "r1-2", NOW, "x")
    assert run_log.unused_run_id(home, "r1") == "r1-3"


def test_step_that_runs_is_on_the_disk_until_it_ends(home: Home) -> None:
    log = RunLog(home, "r1", NOW, "x")
    log.begin("build")
    assert record_of(home, "r1")["step_begun"] == "build"
    log.step("build", 1.0, "")
    assert "step_begun" not in record_of(home, "r1")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "broken off before its first step"),
        (["fetch"], "broken off during fetch"),
        (["fetch", ""], "broken off after fetch"),
        (["fetch", "", "land"], "broken off during land"),
    ],
)
def test_interrupted_run_says_how_far_it_was(home: Home, steps: list[str], said: str) -> None:
    log = RunLog(home, "r1", NOW, "x")
    for step in steps:
        log.begin(step) if step else log.step("fetch", 1.0, "")
    run_log.close_interrupted(home, "r2")
    assert record_of(home, "r1")["broken_off"] == said


def test_latest_record_of_a_new_home_is_none(home: Home) -> None:
    assert run_log.latest_record(home) is None


def test_interrupted_runs_are_closed(home: Home) -> None:
    RunLog(home, "r1", NOW, "x")
    RunLog(home, "r2", NOW, "x").end(outcome="published")
    RunLog(home, "r3", NOW, "x")
    assert run_log.close_interrupted(home, "r3") == ["r1"]
    assert [record_of(home, run)["outcome"] for run in ("r1", "r2", "r3")] == ["interrupted", "published", "running"]


def test_run_that_died_after_its_outcome_keeps_it_and_says_how_far_it_was(home: Home) -> None:
    log = RunLog(home, "r1", NOW, "x")
    log.note(outcome="published", exit_code=0)
    log.begin("report")
    assert run_log.close_interrupted(home, "r2") == ["r1"]
    record = record_of(home, "r1")
    assert (record["outcome"], record["broken_off"]) == ("published", "broken off during report")
    assert run_log.close_interrupted(home, "r2") == []


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as opened:
        opened.execute("create schema ops")
        create_late_tables(opened)
        yield opened


def test_run_tables_list_every_run_once(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    RunLog(home, "r1", NOW, "x").note(outcome="published", exit_code=0, source="archive")
    current = RunLog(home, "r2", NOW, "x")
    run_log.write_run_tables(connection, home, current.record, [])
    found = connection.execute("select run_id, outcome, exit_code, source, is_simulated from ops.runs").fetchall()
    assert found == [("r1", "published", 0, "archive", False), ("r2", "running", None, None, False)]


def test_run_tables_keep_the_restatements_of_published_runs_only(
    home: Home, connection: duckdb.DuckDBPyConnection
) -> None:
    RunLog(home, "r1", NOW, "x").note(published={"sha256": "a"}, revisions=[revision("r1", "18.0")])
    RunLog(home, "r2", NOW, "x").note(revisions=[revision("r2", "19.0")])
    current = RunLog(home, "r3", NOW, "x")
    run_log.write_run_tables(connection, home, current.record, [revision("r3", "20.0")])
    found = connection.execute("select detected_run_id, new_value from ops.value_revisions order by 1").fetchall()
    assert found == [("r1", "18.0"), ("r3", "20.0")]


def test_run_tables_can_be_written_again(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    current = RunLog(home, "r1", NOW, "x")
    for _ in range(2):
        run_log.write_run_tables(connection, home, current.record, [])
    assert connection.execute("select count(*) from ops.runs").fetchall() == [(1,)]


def test_described_run_separates_the_code_version(home: Home) -> None:
    record = RunLog(home, "r1", NOW, "x").record
    described = run_log.describe_run(record)
    assert described["code_version"] == record["versions"]["alvh"]
    assert "alvh" not in described["package_versions"]
    assert described["market"] == "real"


def test_described_run_of_a_simulated_market_says_so(home: Home) -> None:
    log = RunLog(home, "r1", NOW, "x")
    log.note(is_simulated=True)
    assert run_log.describe_run(log.record)["market"] == "simulated"


def test_published_run_without_its_record_is_what_the_warehouse_knows(
    home: Home, connection: duckdb.DuckDBPyConnection
) -> None:
    connection.execute("create schema ref; create table ref.run as select 'gone' as run_id, true as is_simulated")
    found = run_log.published_run(home, connection)
    assert (found.run["run_id"], found.run["market"], found.failures) == ("gone", "simulated", [])


def test_published_run_brings_its_fetch_failures(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema ref; create table ref.run as select 'r1' as run_id, false as is_simulated")
    RunLog(home, "r1", NOW, "x").note(fetch={"failures": [{"name": "DTB3.csv"}]})
    assert run_log.published_run(home, connection).failures == [{"name": "DTB3.csv"}]
