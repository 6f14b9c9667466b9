"""What the models say of themselves is the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.support.bench import Bench, land_archive, rows, value
from tests.support.book import MARKET_BOOK
from tests.support.market import DAILY_FOLDER, write_market
from warehouse.checks import write_results
from warehouse.models import (
    BUILD_ONLY_SCHEMA,
    SQL_FOLDER,
    VIEW_SCHEMA,
    WIDEST_COMMENTED_VIEW,
    Model,
    load_columns,
    load_models,
    parse_reads,
    read_header,
    table_columns,
)
from warehouse.run_log import RunLog, write_run_tables
from warehouse.stored_tables import STORED_LINES
from warehouse.tables import MADE_IN_PYTHON

MODELS = load_models()
COLUMNS = load_columns()
CHECKS = sorted((SQL_FOLDER / "checks").glob("*.sql"))
VIEWS = [name for name, model in MODELS.items() if model.schema == VIEW_SCHEMA]
BUILT = [name for name, model in MODELS.items() if model.schema != "raw"]
GRAINS = {name: MODELS[name].grain for name in BUILT} | {
    name: tuple(column.strip() for column in info.grain.split(",")) for name, info in MADE_IN_PYTHON.items()
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The made-up market, with a line of every kind of judgement, as a night leaves it."""
    folder = tmp_path_factory.mktemp("hygiene")
    market = write_market(folder / "archive")
    market.write_daily_settlements(market.last)
    assert (folder / "archive" / DAILY_FOLDER).exists()
    expiry = market.front()[0]
    market.edit(market.contract_path(expiry), lambda text: text + text.splitlines()[-1] + "\n" + "2025-09-12,x\n" * 2)
    market.edit(market.index_path("VIX"), lambda text: text + "09/13/2025,17,18,16,17\n09/13/2025,17,18,16,17\n")
    market.edit(market.bill_path, lambda text: text + "2025-09-13,?\n")
    bench = Bench(folder / "home")
    land_archive(bench, folder / "archive")
    bench.land("book", "book.toml", MARKET_BOOK, publisher="user")
    connection = bench.build()
    write_results(connection, "run", [])
    log = RunLog(bench.home, "run", datetime(2025, 9, 13, tzinfo=UTC), "alvh nightly")
    write_run_tables(connection, bench.home, log.record, [])
    yield connection
    bench.close()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_model_header_states_what_the_model_reads(model: Model) -> None:
    with duckdb.connect() as parser:
        reads = set(parse_reads(model.sql, parser))
        if model.schema == "raw":
            # a raw model reads through the macro of the stored lines
            assert "stored_lines(" in model.sql
            reads |= parse_reads(STORED_LINES[STORED_LINES.index("(\n") + 1 : STORED_LINES.rindex(")")], parser)
    assert model.reads == reads


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_model_header_has_every_key_filled(model: Model) -> None:
    assert all(model.header.values())


ALLOWED = {
    "raw": {"raw"},
    "stg": {"raw", "ref", "stg"},
    "core": {"stg", "core", "ref"},
    "mart": {"core", "mart", "ref"},
    "ops": {"raw", "stg", "core", "mart", "ops", "ref"},
    "main": {"core", "mart", "ref"},
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_model_reads_no_room_behind_it(model: Model) -> None:
    assert {name.split(".")[0] for name in model.reads} <= ALLOWED[model.schema]


@pytest.mark.parametrize("name", GRAINS)
def test_grain_is_unique(built: duckdb.DuckDBPyConnection, name: str) -> None:
    grain = ", ".join(GRAINS[name])
    assert rows(built, f"select {grain}, count(*) from {name} group by {grain} having count(*) > 1") == []


@pytest.mark.parametrize("name", GRAINS)
def test_grain_is_never_null(built: duckdb.DuckDBPyConnection, name: str) -> None:
    missing = " or ".join(f"{column} is null" for column in GRAINS[name])
    assert value(built, f"select count(*) from {name} where {missing}") == 0


# A calm market makes none; tests/sql/test_hedge_tables.py has a market that does.
RARE = {"mart.time_shifts"}


@pytest.mark.parametrize("name", sorted(name for name in {*MADE_IN_PYTHON} - RARE if name.startswith("mart.")))
def test_mart_made_in_python_has_rows(built: duckdb.DuckDBPyConnection, name: str) -> None:
    """Without any, the tests of its grain, types and ranges would say nothing."""
    assert value(built, f"select count(*) from {name}") > 0


def test_every_published_table_is_a_model_or_made_in_python(built: duckdb.DuckDBPyConnection) -> None:
    published = {table for table, _ in published_columns(built)}
    assert published == {*(name for name in MODELS if MODELS[name].schema != BUILD_ONLY_SCHEMA), *MADE_IN_PYTHON}


@pytest.mark.parametrize("name", [name for name in BUILT if name.startswith(("mart.", "core.", "main."))])
def test_model_lists_its_final_columns(name: str) -> None:
    last_select = MODELS[name].sql.lower().rsplit("\nselect", 1)[1]
    assert "*" not in last_select.split("\nfrom")[0].replace(" * ", "")


def published_columns(built: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    return set(table_columns(built))


def unknown_columns(built: duckdb.DuckDBPyConnection, *schemas: str) -> set[tuple[str, str]]:
    return {
        (table, column)
        for table, column in published_columns(built)
        if column not in COLUMNS and table.split(".")[0] in schemas
    }


def test_every_column_others_build_on_is_in_the_registry(built: duckdb.DuckDBPyConnection) -> None:
    assert unknown_columns(built, "core", "mart", "ops") == set()


def test_every_staging_column_is_in_the_registry(built: duckdb.DuckDBPyConnection) -> None:
    assert unknown_columns(built, "stg") == set()


def test_every_reference_column_is_in_the_registry(built: duckdb.DuckDBPyConnection) -> None:
    assert unknown_columns(built, "ref") == set()


# Levels as their source has them, and one ordinal: there is nothing to compute.
TAKEN_AS_THEY_ARE = {
    "settle_pts",
    *(f"vx{rank}_settle_pts" for rank in range(1, 10)),
    *(f"{index}_close_pts" for index in ("vix", "vix9d", "vvix", "spx")),
    "nyse_advances_issues",
    "nyse_declines_issues",
    "bill_discount_rate_frac",
    "policy_rate_frac",
    "account_nav_usd",
    "transition_no",
}


def test_every_computed_number_of_the_marts_has_its_formula(built: duckdb.DuckDBPyConnection) -> None:
    numbers = {column for table, column in published_columns(built) if table.startswith("mart.")}
    numbers = {column for column in numbers if COLUMNS[column].type in {"DOUBLE", "BIGINT", "INTEGER"}}
    assert {column for column in numbers if not COLUMNS[column].formula} == TAKEN_AS_THEY_ARE


def test_every_registry_entry_is_a_published_column(built: duckdb.DuckDBPyConnection) -> None:
    assert set(COLUMNS) - {column for _, column in published_columns(built)} == set()


def test_every_published_column_has_the_type_of_the_registry(built: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        built,
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where schema_name in ('core', 'mart', 'ops', 'main') and not internal",
    )
    assert [row for row in found if row[1] in COLUMNS and COLUMNS[row[1]].type != row[2]] == []


def test_every_published_value_is_inside_the_registrys_range(built: duckdb.DuckDBPyConnection) -> None:
    outside = []
    for table, column in published_columns(built):
        info = COLUMNS.get(column)
        if info is None or not table.startswith(("core.", "mart.")):
            continue
        for bound, sign in ((info.lowest, "<"), (info.highest, ">")):
            if bound is not None and rows(built, f"select 1 from {table} where {column} {sign} ? limit 1", bound):
                outside.append((table, column, sign, bound))
        if info.allowed and rows(
            built, f"select 1 from {table} where not list_contains(?, {column}) limit 1", list(info.allowed)
        ):
            outside.append((table, column, "in", info.allowed))
    assert outside == []


def test_every_column_of_the_models_has_a_comment(built: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        built,
        "select schema_name || '.' || table_name, column_name from duckdb_columns() "
        "where not internal and comment is null and schema_name || '.' || table_name in ?",
        BUILT,
    )
    widths = Counter(table for table, _ in table_columns(built))
    wide_views = {name for name in VIEWS if widths[name] > WIDEST_COMMENTED_VIEW}
    assert {table for table, column in found if column in COLUMNS} == wide_views


def test_every_model_table_has_its_comment(built: duckdb.DuckDBPyConnection) -> None:
    found = dict(
        rows(
            built,
            "select schema_name || '.' || table_name, comment from duckdb_tables() "
            "union all select schema_name || '.' || view_name, comment from duckdb_views() where not internal",
        )
    )
    assert {name: found[name] for name in BUILT} == {name: MODELS[name].header["what"] for name in BUILT}


def test_every_published_table_has_a_comment(built: duckdb.DuckDBPyConnection) -> None:
    query = "select schema_name || '.' || table_name from duckdb_tables() where comment is null"
    assert rows(built, query) == []


def test_build_only_tables_are_gone(built: duckdb.DuckDBPyConnection) -> None:
    assert rows(built, "select schema_name from duckdb_schemas() where schema_name = 'raw'") == []
    assert rows(built, "select view_name from duckdb_views() where not internal and schema_name <> 'main'") == []


@pytest.mark.parametrize("name", VIEWS)
def test_view_has_every_column_of_the_one_table_it_reads(built: duckdb.DuckDBPyConnection, name: str) -> None:
    """A column that is new in the table is missing here until somebody adds it: in ``sql/main``."""
    (table,) = MODELS[name].reads
    columns = table_columns(built)
    assert [column for owner, column in columns if owner == name] == [
        column for owner, column in columns if owner == table
    ]


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: path.stem)
def test_check_header_is_complete(path: Path) -> None:
    header = read_header(path.read_text(encoding="utf-8"), path)
    assert header["check"] == path.stem
    assert header["severity"] in ("error", "warn")
    assert header["what"]


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: path.stem)
def test_check_is_named_after_a_table_that_is_published(built: duckdb.DuckDBPyConnection, path: Path) -> None:
    table = path.stem.split("__")[0]
    assert (table,) in rows(built, "select schema_name || '.' || table_name from duckdb_tables()")
