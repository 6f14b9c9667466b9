"""What changed against the published warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.revisions import Comparison, compare_with_published

MONDAY, TUESDAY, WEDNESDAY = "2025-01-06", "2025-01-07", "2025-01-08"
SETTLED = (
    "trade_date date, expiry_date date, contract_code varchar, settle_pts double, open_pts double, high_pts double, "
    "low_pts double, close_pts double, volume_contracts bigint, open_interest_contracts bigint"
)
LEVELS = "trade_date date, index_code varchar, open_pts double, high_pts double, low_pts double, close_pts double"

Row = tuple[Any, ...]


def settled(day: str, settle: float = 17.0, *, expiry: str = "2025-01-22", volume: int = 5, interest: int = 9) -> Row:
    return (day, expiry, f"VX{expiry[-2:]}", settle, 17.0, 18.0, 16.0, 17.5, volume, interest)


def level(day: str, close: float = 15.0, high: float = 16.0) -> Row:
    return (day, "VIX", 15.0, high, 14.0, close)


def fill(connection: duckdb.DuckDBPyConnection, settles: list[Row], levels: list[Row]) -> None:
    connection.execute("create schema core; create schema ops")
    connection.execute(f"create table core.daily_vx_settlements ({SETTLED})")
    connection.execute(f"create table core.daily_index_levels ({LEVELS})")
    for row in settles:
        connection.execute("insert into core.daily_vx_settlements values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", list(row))
    for row in levels:
        connection.execute("insert into core.daily_index_levels values (?, ?, ?, ?, ?, ?)", list(row))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A published warehouse of two sessions."""
    path = tmp_path / "alvh.duckdb"
    with duckdb.connect(str(path)) as connection:
        fill(connection, [settled(MONDAY), settled(TUESDAY)], [level(MONDAY), level(TUESDAY)])
        connection.execute("create schema ref")
        connection.execute("create table ref.run as select 'r1' as run_id")
    return path


@pytest.fixture
def build(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "build.duckdb")) as connection:
        yield connection


SAME = [settled(MONDAY), settled(TUESDAY)]
SAME_LEVELS = [level(MONDAY), level(TUESDAY)]


def compare(
    build: duckdb.DuckDBPyConnection, published: Path, settles: list[Row] = SAME, levels: list[Row] = SAME_LEVELS
) -> Comparison:
    fill(build, settles, levels)
    return compare_with_published(build, published, "r3", "2025-01-08T23:30:00Z")


def changes(found: Comparison) -> list[tuple[Any, ...]]:
    return [
        (entry["trade_date"], entry["row_key"], entry["column_name"], entry["old_value"], entry["new_value"])
        for entry in found.revisions
    ]


def test_unchanged_build_restates_nothing(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    assert compare(build, published) == Comparison("r1", [], [])


def test_one_changed_settle_is_one_revision(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    found = compare(build, published, [settled(MONDAY, 17.25), settled(TUESDAY)])
    assert found.revisions == [
        {
            "detected_run_id": "r3",
            "detected_at_utc": "2025-01-08T23:30:00Z",
            "table_name": "core.daily_vx_settlements",
            "trade_date": MONDAY,
            "row_key": "VX22",
            "column_name": "settle_pts",
            "old_value": "17.0",
            "new_value": "17.25",
        }
    ]


def test_changed_settle_of_the_newest_session_is_a_revision(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    found = compare(build, published, [settled(MONDAY), settled(TUESDAY, 17.5)])
    assert changes(found) == [(TUESDAY, "VX22", "settle_pts", "17.0", "17.5")]


def test_volume_and_open_interest_of_the_newest_session_are_provisional(
    build: duckdb.DuckDBPyConnection, published: Path
) -> None:
    found = compare(build, published, [settled(MONDAY), settled(TUESDAY, volume=6, interest=10)])
    assert found.revisions == []


def test_volume_of_an_earlier_session_is_a_revision(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    found = compare(build, published, [settled(MONDAY, volume=6), settled(TUESDAY)])
    assert changes(found) == [(MONDAY, "VX22", "volume_contracts", "5.0", "6.0")]


def test_row_that_appears_in_the_past_is_a_revision_of_each_value(
    build: duckdb.DuckDBPyConnection, published: Path
) -> None:
    found = compare(build, published, [*SAME, settled(MONDAY, expiry="2025-02-19")])
    assert (MONDAY, "VX19", "settle_pts", None, "17.0") in changes(found)
    assert {entry["row_key"] for entry in found.revisions} == {"VX19"}
    assert len(found.revisions) == 7


def test_row_that_is_gone_is_a_revision_of_each_value(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    found = compare(build, published, [settled(TUESDAY)])
    assert (MONDAY, "VX22", "settle_pts", "17.0", None) in changes(found)
    assert len(found.revisions) == 7


def test_row_of_the_newest_session_that_is_gone_is_a_revision_of_its_settle(
    build: duckdb.DuckDBPyConnection, published: Path
) -> None:
    assert changes(compare(build, published, [settled(MONDAY)])) == [(TUESDAY, "VX22", "settle_pts", "17.0", None)]


def test_new_session_is_news_and_no_revision(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    found = compare(build, published, [*SAME, settled(WEDNESDAY)], [*SAME_LEVELS, level(WEDNESDAY)])
    assert (found.new_sessions, found.revisions) == ([WEDNESDAY], [])


def test_changed_index_close_is_a_revision(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    found = compare(build, published, levels=[level(MONDAY, close=15.5), level(TUESDAY)])
    assert changes(found) == [(MONDAY, "VIX", "close_pts", "15.0", "15.5")]


def test_index_high_of_the_newest_session_is_provisional(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    assert compare(build, published, levels=[level(MONDAY), level(TUESDAY, high=17.0)]).revisions == []


def test_value_that_becomes_unknown_is_a_revision(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    gone = (*settled(MONDAY)[:4], None, *settled(MONDAY)[5:])
    assert changes(compare(build, published, [gone, settled(TUESDAY)])) == [(MONDAY, "VX22", "open_pts", "17.0", None)]


def test_previous_run_is_the_last_that_published(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    assert compare(build, published).previous_run_id == "r1"


def test_first_build_has_nothing_to_compare_with(build: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert compare(build, tmp_path / "nothing.duckdb") == Comparison(None, [], [])


def test_unreadable_published_file_is_nothing_to_compare_with(build: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"not a database" * 1000)
    assert compare(build, damaged) == Comparison(None, [], [])


def test_older_published_file_is_compared_as_far_as_its_tables_go(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    older = tmp_path / "older.duckdb"
    with duckdb.connect(str(older)) as connection:
        fill(connection, [settled(MONDAY, 16.0)], [])
        connection.execute("drop table core.daily_index_levels")
    found = compare(build, older)
    assert [entry["column_name"] for entry in found.revisions] == ["settle_pts"]
    assert found.previous_run_id is None


def test_comparing_leaves_nothing_attached(build: duckdb.DuckDBPyConnection, published: Path) -> None:
    compare(build, published)
    names = build.execute("select database_name from duckdb_databases() where not internal").fetchall()
    assert names == [("build",)]


def test_path_with_a_quote_is_no_obstacle(build: duckdb.DuckDBPyConnection, published: Path, tmp_path: Path) -> None:
    quoted = tmp_path / "it's here.duckdb"
    published.rename(quoted)
    assert compare(build, quoted, [settled(MONDAY, 17.25), settled(TUESDAY)]).revisions != []
