"""What other code changed in the published numbers: found by key, counted, told, and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pytest

from flows.rebuilding import list_lines
from warehouse.home import Home
from warehouse.run_log import write_record
from warehouse.upgrades import compare_code, list_upgrades

CURVE = "mart.daily_term_structure"
LEVELS = "core.daily_index_levels"


def build(path: Path, code: str | None, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for schema in ("ref", "core", "mart", "ops"):
            connection.execute(f"create schema {schema}")
        stamp = ", '0.1.0' as code_version, $1 as code_sha256" if code else ""
        connection.execute(f"create table ref.run as select 'r' as run_id{stamp}", [code] if code else [])
        connection.execute(
            f"create table {CURVE} as select date '2025-01-01' + n::int as trade_date, n::double as contango_frac, "
            "'flat' as curve_state from range(5) as t (n)"
        )
        connection.execute(
            f"create table {LEVELS} as select date '2025-01-01' + n::int as trade_date, 'VIX' as index_code, "
            "20.0 + n as close_pts from range(5) as t (n)"
        )
        for statement in statements:
            connection.execute(statement)
    return path


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    return build(tmp_path / "earlier.duckdb", "a" * 64)


def compared(tmp_path: Path, earlier: Path, *statements: str) -> dict[str, Any]:
    with duckdb.connect(str(build(tmp_path / "now.duckdb", "b" * 64, *statements))) as connection:
        found = compare_code(connection, earlier)
        assert connection.execute("select count(*) from duckdb_databases() where not internal").fetchone() == (1,)
    assert found is not None
    return found


def test_equal_numbers_of_other_code_are_no_change(tmp_path: Path, earlier: Path) -> None:
    found = compared(tmp_path, earlier, f"update {CURVE} set contango_frac = contango_frac * (1 + 1e-12)")
    assert found["from"] == "0.1.0, code aaaaaaaaaaaa"
    rest = {name: value for name, value in found.items() if name not in ("from", "to")}
    assert not any(rest.values()), rest


def test_changed_values_are_counted_by_column_with_the_largest_and_the_first(tmp_path: Path, earlier: Path) -> None:
    found = compared(
        tmp_path,
        earlier,
        f"update {CURVE} set contango_frac = contango_frac + 0.5 * contango_frac where contango_frac >= 3",
        f"update {CURVE} set curve_state = null where contango_frac = 2",
        f"insert into {CURVE} values (date '2025-02-01', 9.0, 'steep')",
    )
    assert found["numbers"] == [
        {"table": CURVE, "column": "contango_frac", "changed": 2, "rows": 5, "largest": 2.0, "first": "2025-01-04"},
        {"table": CURVE, "column": "curve_state", "changed": 1, "rows": 5, "largest": None, "first": "2025-01-03"},
    ]
    assert found["rows"] == []  # a newer session is no change


def test_missing_and_new_values_count_as_changed(tmp_path: Path, earlier: Path) -> None:
    found = compared(
        tmp_path,
        earlier,
        f"update {CURVE} set contango_frac = case when contango_frac = 1 then 'nan'::double end "
        "where contango_frac in (1, 2)",
    )
    assert [(row["changed"], row["largest"]) for row in found["numbers"]] == [(2, None)]


def test_tables_columns_and_rows_that_came_and_went_are_named(tmp_path: Path, earlier: Path) -> None:
    with duckdb.connect(str(earlier)) as connection:
        connection.execute("create table core.gone (a int)")
    found = compared(
        tmp_path,
        earlier,
        f"alter table {CURVE} drop curve_state",
        f"alter table {CURVE} add column basis_frac double",
        "create table mart.fresh (a int)",
        f"delete from {LEVELS} where trade_date = date '2025-01-02'",
        f"insert into {LEVELS} values (date '2024-12-31', 'VIX', 19), (date '2025-01-09', 'VIX', 19)",
    )
    assert (found["tables_added"], found["tables_removed"]) == (["mart.fresh"], ["core.gone"])
    assert found["columns_added"] == [f"{CURVE}.basis_frac"]
    assert found["columns_removed"] == [f"{CURVE}.curve_state"]
    assert found["rows"] == [{"table": LEVELS, "rows_added": 1, "rows_gone": 1}]


def test_table_whose_key_or_type_is_another_is_said_not_to_be_compared(tmp_path: Path, earlier: Path) -> None:
    found = compared(
        tmp_path,
        earlier,
        f"alter table {LEVELS} rename index_code to code",
        f"alter table {CURVE} alter contango_frac type varchar",
        f"update {CURVE} set contango_frac = 'none'",
    )
    assert [row["table"] for row in found["not_compared"]] == [LEVELS, CURVE]


def test_same_code_is_not_compared(tmp_path: Path) -> None:
    path = build(tmp_path / "earlier.duckdb", "a" * 64, f"update {CURVE} set contango_frac = 7")
    with patch("warehouse.upgrades.this_code") as code, duckdb.connect() as connection:
        code.return_value.sha256 = "a" * 64
        assert compare_code(connection, path) is None


@pytest.mark.parametrize("body", [None, b"no warehouse"])
def test_nothing_published_or_nothing_to_read_is_not_compared(tmp_path: Path, body: bytes | None) -> None:
    path = tmp_path / "alvh.duckdb"
    if body:
        path.write_bytes(body)
    with duckdb.connect() as connection:
        assert compare_code(connection, path) is None


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_upgrades_are_listed_from_the_records_newest_first(home: Home, tmp_path: Path, earlier: Path) -> None:
    found = compared(tmp_path, earlier, f"update {CURVE} set contango_frac = 7 where contango_frac = 3")
    for number, published in enumerate(({"sha256": "0"}, None, {"sha256": "1"})):
        run_id = f"r{number}"
        entry = {
            "run_id": run_id,
            "published": published,
            "published_at_utc": f"2025-01-0{number + 1}",
            "upgrade": found,
        }
        write_record(home.runs / f"{run_id}.json", entry)
    listed = list_upgrades(home)
    assert [one["run_id"] for one in listed] == ["r2", "r0"]
    assert json.dumps(listed)
    lines = list(list_lines(listed))
    assert f"    {CURVE}.contango_frac: 1 of 5 rows, by 4 at most, first 2025-01-04" in lines
    assert "  from 0.1.0, code aaaaaaaaaaaa" in lines
    assert list(list_lines([])) == ["no published run was of other code than the one before it"]
