"""A simulated archive goes through the real store, build and checks, clean and with every defect planted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from transforms.simulate import plant_defects, render_archive, simulate_market
from transforms.simulate.defects import identity
from warehouse.build import build_warehouse
from warehouse.checks import CheckResult, run_sql_checks
from warehouse.home import Home
from warehouse.raw_store import RawStore

FIRST, LAST = date(2024, 1, 2), date(2026, 1, 16)
SEED = 11
PUBLISHERS = {
    "fred_series": "fred",
    "nyse_breadth": "unicorn",
    "fund_nav": "proshares",
    "fomc_calendar": "federalreserve",
    "shiller_monthly": "shiller",
}

CONTEXT_TABLES = (
    "core.daily_breadth",
    "core.daily_fund_values",
    "core.daily_policy_rates",
    "core.daily_price_bars",
    "core.daily_vix_option_quotes",
    "core.fomc_meetings",
    "core.macro_observations",
    "core.monthly_valuations",
)


def built(root: Path, files: Iterable[tuple[str, bytes]], last: date) -> Path:
    home = Home(root / "home")
    store = RawStore(home)
    fetched_at = datetime(last.year, last.month, last.day, 23, tzinfo=UTC)
    for path, body in files:
        dataset, name = identity(path)
        if dataset == "marker":
            continue
        store.land(
            publisher=PUBLISHERS.get(dataset, "cboe"),
            dataset=dataset,
            name=name,
            url=f"https://{path}",
            body=body,
            status=200,
            headers={},
            fetched_at=fetched_at,
        )
    store.flush()
    target = home.build / "test.duckdb"
    build_warehouse(home, target, run_id="t", today=last + timedelta(days=1), due_session=None, is_simulated=True)
    return target


def failed(connection: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    return [result for result in run_sql_checks(connection) if not result.is_passed]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of a market without defects; only read."""
    return built(tmp_path_factory.mktemp("clean"), render_archive(simulate_market(FIRST, LAST, SEED)), LAST)


def test_a_clean_market_passes_every_check(clean: Path) -> None:
    with duckdb.connect(str(clean), read_only=True) as connection:
        assert failed(connection) == []
        assert connection.execute("from ops.quarantined_rows").fetchall() == []
        newest = connection.execute(
            "select max(trade_date), count(*), count(vx7_settle_pts) from mart.daily_term_structure"
        ).fetchone()
        assert newest is not None
        assert newest[0] == LAST
        assert newest[1] == newest[2]


def test_a_clean_market_fills_every_table_of_the_context(clean: Path) -> None:
    with duckdb.connect(str(clean), read_only=True) as connection:
        found = connection.execute("select distinct dataset from ops.source_files where refusal is null").fetchall()
        empty = [table for table in CONTEXT_TABLES if not connection.execute(f"from {table} limit 1").fetchall()]
    assert {dataset for (dataset,) in found} >= {*PUBLISHERS, "price_bars", "vix_option_chain"}
    assert empty == []


def test_a_market_of_the_archive_years_passes_every_check(tmp_path: Path) -> None:
    last = date(2013, 1, 31)
    path = built(tmp_path, render_archive(simulate_market(date(2010, 1, 4), last, SEED)), last)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert failed(connection) == []
        assert connection.execute("from ops.quarantined_rows").fetchall() == []


@pytest.mark.parametrize(
    ("first", "last", "seed"),
    # files of today, the archive's, and both: the last only joins the sorts that the first two plant
    [
        (FIRST, LAST, SEED),
        (date(2006, 10, 2), date(2013, 12, 31), 3),
        pytest.param(date(2012, 1, 3), date(2017, 6, 30), 4, marks=pytest.mark.slow),
    ],
)
def test_every_planted_defect_is_found_and_nothing_else(tmp_path: Path, first: date, last: date, seed: int) -> None:
    files, manifest = plant_defects(render_archive(simulate_market(first, last, seed)), seed)
    path = built(tmp_path, files.items(), last)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert quarantine_of(connection) == quarantine_in(manifest)
        results = failed(connection)
        assert sorted(result.check_name for result in results) == manifest["failed_checks"]
        assert {result.severity for result in results} == {"warn"}
        refused = connection.execute("select file_name from ops.source_files where refusal is not null").fetchall()
        assert sorted(refused) == sorted((entry["name"],) for entry in entries_seen_in(manifest, "refused"))
        for entry in entries_seen_in(manifest, "mended"):
            assert_mended(connection, entry, files)


def entries_seen_in(manifest: dict[str, Any], where: str) -> list[dict[str, Any]]:
    return [entry for entry in manifest["defects"] if any(found["seen_in"] == where for found in entry["expected"])]


def quarantine_in(manifest: dict[str, Any]) -> list[tuple[object, ...]]:
    return sorted(
        (entry["dataset"], entry["name"], entry["line"], expected["reason"], expected["disposition"])
        for entry in manifest["defects"]
        for expected in entry["expected"]
        if expected["seen_in"] == "quarantine"
    )


def quarantine_of(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return sorted(
        connection.execute(
            "select dataset, file_name, line_no, reason, disposition from ops.quarantined_rows"
        ).fetchall()
    )


def assert_mended(connection: duckdb.DuckDBPyConnection, entry: dict[str, Any], files: dict[str, bytes]) -> None:
    name, line = entry["name"], entry["line"]
    if entry["defect"] == "zero_settle_with_table":
        day = files[entry["file"]].decode().splitlines()[line - 1][:10]
        query = "select settle_source from core.daily_vx_settlements where expiry_date = ? and trade_date = ?"
        assert connection.execute(query, [name[3:13], day]).fetchone() == ("same_evening_table",)
    elif entry["defect"] == "crossed_quotes":
        query = "select settle_pts > 5, high_pts, low_pts from stg.vx_settlements where file_name = ? and line_no = ?"
        assert connection.execute(query, [name, line]).fetchone() == (True, None, None)
    elif entry["defect"] == "four_equal_prices":
        query = "select close_pts > 5, high_pts from stg.index_level_rows where file_name = ? and line_no = ?"
        assert connection.execute(query, [name, line]).fetchone() == (True, None)
    elif entry["dataset"] in ("vx_contract", "vx_archive"):
        text = files[entry["file"]].decode("utf-8-sig")
        lines = [text_line for text_line in text.splitlines() if text_line[:1].isdigit()]
        query = "select count(*) from stg.vx_settlements where file_name = ? and settle_pts between 5 and 150"
        assert connection.execute(query, [name]).fetchone() == (len(lines),), entry


def test_the_manifest_is_plain_json_and_names_existing_lines() -> None:
    files, manifest = plant_defects(render_archive(simulate_market(FIRST, LAST, SEED)), SEED)
    assert json.loads(json.dumps(manifest)) == manifest
    assert len({entry["defect"] for entry in manifest["defects"]}) >= 40
    for entry in manifest["defects"]:
        assert entry["expected"]
        if entry["line"] is not None and entry["dataset"] != "vx_contract_list":
            assert 1 <= entry["line"] <= files[entry["file"]].count(b"\n")


def test_the_archive_classes_are_planted_where_there_is_an_archive() -> None:
    market = simulate_market(date(2006, 10, 2), date(2013, 1, 31), SEED)
    _, manifest = plant_defects(render_archive(market), SEED)
    found = {entry["defect"] for entry in manifest["defects"] if entry["dataset"] == "vx_archive"}
    assert {"ten_fold_quotes", "unpadded_dates", "bad_print", "all_zero_row", "trailing_comma"} <= found
