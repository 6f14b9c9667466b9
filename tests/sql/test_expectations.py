"""The suite of the signals lets holes pass, which are lawful, and nothing else that the registry forbids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.bench import Bench
from warehouse import expectations
from warehouse.models import load_columns, load_models

SIGNALS = "mart.daily_signals"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A warehouse built from nothing: the shape of every table."""
    bench = Bench(tmp_path_factory.mktemp("empty") / "home", (SIGNALS,))
    yield bench.build_file().path
    bench.close()


@pytest.fixture
def connection(empty: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """Two sessions of signals: on the first nothing is known."""
    monkeypatch.setattr(expectations, "TABLES", (SIGNALS,))
    with duckdb.connect() as made:
        made.execute(f"attach '{empty}' as shapes (read_only)")
        made.execute("create schema mart")
        made.execute(f"create table {SIGNALS} as from shapes.{SIGNALS} limit 0")
        made.execute("detach shapes")
        made.execute(f"insert into {SIGNALS} (trade_date) values ('2025-01-06')")
        made.execute(
            f"insert into {SIGNALS} (trade_date, vix_close_pts, vol_level, days_in_regime, is_big_top, cpi_known_date) "
            "values ('2025-01-07', 17.5, '15-20', 3, true, '2024-12-11')"
        )
        yield made


def failures(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    results = expectations.run_expectations(connection, load_models(), load_columns(), None)
    assert len(results) > 80
    return [(result.check_name, result.severity) for result in results if not result.is_passed]


def test_session_on_which_nothing_is_known_passes(connection: duckdb.DuckDBPyConnection) -> None:
    assert failures(connection) == []


@pytest.mark.parametrize("day", ["2025-01-06", "2025-01-07"])
def test_columns_that_are_empty_throughout_pass(connection: duckdb.DuckDBPyConnection, day: str) -> None:
    connection.execute(f"delete from {SIGNALS} where trade_date <> ?", [day])
    assert failures(connection) == []


# A run of the suite takes seconds whatever it finds, so each of these runs finds several.


@pytest.mark.parametrize(
    "changes",
    [
        {
            "vix_close_pts = -1": "vix_close_pts__expect_column_values_to_be_between",
            "vol_level = 'high'": "vol_level__expect_column_values_to_be_in_set",
            "trade_date = null": "trade_date__expect_column_values_to_not_be_null",
        },
        {"trade_date = '2025-01-06'": "trade_date__expect_column_values_to_be_unique"},
    ],
    ids=["range, set and null", "twice"],
)
def test_each_forbidden_value_fails_and_nothing_else(
    connection: duckdb.DuckDBPyConnection, changes: dict[str, str]
) -> None:
    connection.execute(f"update {SIGNALS} set {', '.join(changes)} where is_big_top")
    expected = sorted((f"{SIGNALS}.{check}", "error") for check in changes.values())
    assert sorted(failures(connection)) == expected


def test_column_of_another_type_fails(connection: duckdb.DuckDBPyConnection) -> None:
    def wrong() -> list[tuple[str, bool, int, str]]:
        results = expectations.check_column_types(connection, load_columns())
        return [(one.check_name, one.is_passed, one.offending_rows, one.sample) for one in results]

    name = f"{SIGNALS}__{expectations.TYPES}"
    assert wrong() == [(name, True, 0, "[]")]
    for column in ("is_big_top", "days_in_regime", "cpi_known_date"):
        connection.execute(f"alter table {SIGNALS} alter {column} type varchar")
    connection.execute("create table mart.unheard_of as select 1 as nobody_knows_it")
    (first, passed, rows, sample), unheard = wrong()
    assert (first, passed, rows) == (name, False, 3)
    assert '{"value": "is_big_top VARCHAR", "expected": "BOOLEAN"}' in sample
    assert unheard[:3] == (f"mart.unheard_of__{expectations.TYPES}", False, 1)
