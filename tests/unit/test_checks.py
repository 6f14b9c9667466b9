"""Running checks: what a check file must say, what a failed one stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from transforms.errors import ChecksFailedError, PipelineError
from warehouse.checks import CheckResult, require_no_errors, run_sql_checks, write_results
from warehouse.tables import create_late_tables


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def write_check(folder: Path, sql: str, *, name: str = "core.t__claim", header: str | None = None) -> Path:
    (folder / "checks").mkdir(exist_ok=True)
    opening = header or f"-- check: {name}\n-- severity: error\n-- what: the claim\n"
    (folder / "checks" / f"{name}.sql").write_text(opening + sql + "\n")
    return folder


def result(severity: str = "error", offending: int = 1, name: str = "core.t__claim") -> CheckResult:
    sample = json.dumps([{"trade_date": "2025-01-06", "settle_pts": 1.0}] if offending else [])
    return CheckResult(name, "sql", severity, not offending, offending, "the claim", sample)


def test_check_without_offending_rows_passes(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    found = run_sql_checks(connection, write_check(tmp_path, "select 1 as a where false"))
    assert [(entry.is_passed, entry.offending_rows, entry.sample) for entry in found] == [(True, 0, "[]")]


def test_check_counts_every_offending_row_and_shows_the_first(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    (found,) = run_sql_checks(connection, write_check(tmp_path, "select unnest(range(12)) as a"))
    assert (found.is_passed, found.offending_rows) == (False, 12)
    assert json.loads(found.sample) == [{"a": number} for number in range(5)]


def test_check_shows_the_rows_of_the_newest_sessions_first(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    sql = "select (date '2025-01-01' + unnest(range(12))::int) as trade_date, 'a' as key"
    (found,) = run_sql_checks(connection, write_check(tmp_path, sql))
    assert [row["trade_date"] for row in json.loads(found.sample)] == [f"2025-01-{day:02d}" for day in range(12, 7, -1)]


@pytest.mark.parametrize(
    "header",
    [
        "-- check: another\n-- severity: error\n-- what: w\n",
        "-- check: core.t__claim\n-- severity: fatal\n-- what: w\n",
        "-- check: core.t__claim\n-- severity: warn\n",
        "-- check: core.t__claim\n-- severity: warn\n-- what:\n",
    ],
)
def test_check_without_a_complete_header_is_an_error(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, header: str
) -> None:
    with pytest.raises(PipelineError, match="a check's header is not complete"):
        run_sql_checks(connection, write_check(tmp_path, "select 1", header=header))


def test_check_that_cannot_run_is_an_error(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(PipelineError, match="a check cannot be run") as caught:
        run_sql_checks(connection, write_check(tmp_path, "select * from core.nothing"))
    assert caught.value.where == "core.t__claim.sql"


def test_results_are_stored_in_the_warehouse_they_are_about(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema ops")
    create_late_tables(connection)
    write_results(connection, "r1", [result(), result("warn", 0, "core.t__other")])
    found = connection.execute("select run_id, check_name, severity, is_passed, offending_rows from ops.check_results")
    assert found.fetchall() == [("r1", "core.t__claim", "error", False, 1), ("r1", "core.t__other", "warn", True, 0)]


def test_failed_error_check_stops_the_night() -> None:
    with pytest.raises(ChecksFailedError, match="not published: 1 check failed") as caught:
        require_no_errors([result(), result("warn", 3)])
    assert caught.value.where == "core.t__claim"
    assert caught.value.found == "1 offending rows, first: trade_date 2025-01-06, settle_pts 1.0"
    assert caught.value.expected == "the claim"


def test_every_failed_check_is_named() -> None:
    with pytest.raises(ChecksFailedError, match="2 checks failed") as caught:
        require_no_errors([result(), result(name="core.t__second")])
    assert caught.value.where == "core.t__claim, core.t__second"


def test_warnings_do_not_stop_the_night() -> None:
    require_no_errors([result("warn", 3), result("error", 0)])
