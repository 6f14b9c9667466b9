"""Bulk CSV, damaged in every way: DuckDB and the models read many files at once, and nothing impossible gets in."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

import duckdb
import pytest

from tests.fuzz import seeds
from tests.fuzz.edits import apply_edits, draw_edits
from tests.support.bench import Bench, archive_line, monthlies, rows, vx_line
from transforms.contracts import MONTH_CODES
from transforms.formats import OHLC_HEADER, VX_HEADER
from transforms.registry import index_registry

ASKED = (
    "core.daily_vx_settlements",
    "core.daily_index_levels",
    "ops.quarantined_rows",
    "stg.vx_contract_rows",
    "stg.index_level_rows",
    "stg.fred_observations",
    "stg.fund_nav_rows",
    "stg.monthly_valuation_rows",
    "stg.nyse_breadth_rows",
    "stg.sector_valuation_rows",
    "stg.vx_same_evening_rows",
    "stg.vx_final_settlements",
)
EXPIRIES = monthlies(date(2014, 3, 1), date(2025, 8, 1))
WORDS = (b"2025-06-14", b"06/31/2025", b"1e5", b"17,5", b"0.0001", b"9" * 25, b"VX_2025-09-17.csv", b"Trade Date")


def contract_body(expiry: date) -> bytes:
    days = [date.fromordinal(expiry.toordinal() - back) for back in (8, 7, 6, 5, 2, 1, 0)]
    lines = [
        vx_line(day, expiry, 20 + number / 4, prices=f"20,{21 + number},19,20.5,{20 + number / 4}".rsplit(",", 1)[0])
        for number, day in enumerate(days)
    ]
    return seeds.lines(VX_HEADER, *lines)


def archive_body(month: date) -> bytes:
    days = [date(month.year, month.month, day) for day in (3, 4, 5, 6, 9, 10)]
    return seeds.lines(VX_HEADER, *(archive_line(day, month, 170 + number) for number, day in enumerate(days)))


def index_body(code: str) -> bytes:
    if index_registry()[code].layout != "ohlc":
        return seeds.lines(f"DATE,{code}", *(f"06/0{day}/2025,17.{day}" for day in (2, 3, 4, 5, 6)))
    return seeds.lines(OHLC_HEADER, *(f"06/0{day}/2025,17.1,18.5,16.9,17.{day}" for day in (2, 3, 4, 5, 6)))


def damaged_files(rng: Random) -> Iterator[tuple[str, str, str, bytes]]:
    """Data set, publisher, name and body of each file, most of them damaged."""
    others = (seeds.CONTRACT, seeds.INDEX, seeds.SERIES)

    def damage(body: bytes) -> bytes:
        return apply_edits(body, draw_edits(rng), WORDS, others) if rng.random() < 0.9 else body

    for expiry in EXPIRIES:
        yield "vx_contract", "cboe", f"VX_{expiry}.csv", damage(contract_body(expiry))
    for year in (2008, 2009, 2010, 2011):
        for month in range(1, 13):
            name = f"CFE_{MONTH_CODES[month - 1]}{year % 100:02d}_VX.csv"
            yield "vx_archive", "cboe", name, damage(archive_body(date(year, month, 1)))
    for code in index_registry():
        yield "index_history", "cboe", f"{code}_History.csv", damage(index_body(code))
    for dataset, publisher, name, body in (
        ("vx_final_settlement", "cboe", "VRO_History.csv", seeds.FINAL),
        ("fred_series", "fred", "DTB3.csv", seeds.SERIES),
        ("fund_nav", "proshares", "UVXY-historical_nav.csv", seeds.FUND),
        ("shiller_monthly", "shiller", "sp500_monthly.csv", seeds.SHILLER),
        ("sector_price_cash_flow", "user", "sector_price_cash_flow.csv", seeds.SECTORS),
        ("release_dates", "user", "release_dates.csv", seeds.RELEASES),
        ("nyse_breadth", "unicorn", "NYSE_advn.csv", seeds.BREADTH),
        ("nyse_breadth", "unicorn", "NYSE_decln.csv", seeds.BREADTH),
        *(("vx_daily_settlement", "cboe", f"settlement_2025-06-0{day}.csv", seeds.EVENING) for day in (3, 4, 5, 6)),
    ):
        yield dataset, publisher, name, damage(body)


def build_damaged(folder: Path, seed: int) -> tuple[Bench, duckdb.DuckDBPyConnection, int]:
    bench, rng, count = Bench(folder, ASKED), Random(seed), 0
    for dataset, publisher, name, body in damaged_files(rng):
        bench.land(dataset, name, body or b"\n", publisher=publisher)
        count += 1
    return bench, bench.build(), count


def check_possible(connection: duckdb.DuckDBPyConnection) -> None:
    """Nothing that cannot be is in what the models took."""
    settled = rows(
        connection,
        "select * from core.daily_vx_settlements where not isfinite(settle_pts) or settle_pts not between 5 and 150 "
        "or trade_date > expiry_date or high_pts < low_pts or least(open_pts, high_pts, low_pts, close_pts) <= 0 "
        "or volume_contracts < 0 or open_interest_contracts < 0",
    )
    assert settled == []
    levels = rows(
        connection,
        "select * from core.daily_index_levels where not isfinite(close_pts) or close_pts <= 0 "
        "or high_pts < low_pts - 1e-6 or close_pts > high_pts + 1e-6 or close_pts < low_pts - 1e-6",
    )
    assert levels == []
    repeated = "select 1 from core.daily_vx_settlements group by trade_date, expiry_date having count(*) > 1"
    assert rows(connection, repeated) == []
    for table, column in rows(
        connection,
        "select table_name, column_name from duckdb_columns() "
        "where schema_name = 'stg' and data_type = 'DOUBLE' and not internal",
    ):
        has_reason = rows(
            connection,
            "select 1 from duckdb_columns() where schema_name = 'stg' and column_name = 'reject_reason' "
            "and table_name = ?",
            table,
        )
        where = " and reject_reason is null" if has_reason else ""
        assert rows(connection, f"select * from stg.{table} where not isfinite({column}){where}") == [], (table, column)


def check_nothing_lost(connection: duckdb.DuckDBPyConnection, bench: Bench) -> None:
    """Every line below the header of a contract file that is read is a row, taken or with its reason."""
    counted = dict(rows(connection, "select file_name, count(*) from stg.vx_contract_rows group by 1"))
    lines = dict(rows(connection, "select file_name, count(distinct line_no) from stg.vx_contract_rows group by 1"))
    assert counted == lines
    for file in bench.store.current_files():
        if file.dataset not in ("vx_contract", "vx_archive"):
            continue
        text = file.path.read_bytes().decode("utf-8-sig").lstrip("\ufeff")
        below = [line.rstrip("\r") for line in text.split("\n")]
        header = next(number for number, line in enumerate(below) if line[:10] == "Trade Date")
        expected = sum(1 for line in below[header + 1 :] if line.strip(" "))
        assert counted.get(file.name, 0) == expected, file.name


def test_damaged_files_end_as_rows_or_in_quarantine(tmp_path: Path) -> None:
    bench, connection, count = build_damaged(tmp_path / "home", 1)
    try:
        assert count > 200
        check_possible(connection)
        check_nothing_lost(connection, bench)
        reasons = {reason for (reason,) in rows(connection, "select distinct reject_reason from stg.vx_contract_rows")}
        assert len(reasons) > 5  # the damage is of many kinds
        assert rows(connection, "select count(*) from core.daily_vx_settlements")[0][0] > 100  # and the rest is used
    finally:
        bench.close()


@pytest.mark.slow
def test_damaged_files_for_as_long_as_asked(tmp_path: Path) -> None:
    until, seed = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "20")), 100
    while time.monotonic() < until:
        bench, connection, _ = build_damaged(tmp_path / f"home-{seed}", seed)
        check_possible(connection)
        check_nothing_lost(connection, bench)
        bench.close()
        seed += 1
    assert seed > 100
