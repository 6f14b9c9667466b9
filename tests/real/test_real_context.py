"""The facts of the real breadth, fund and valuation files. No list of market values: counts and named days."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from tests.support.bench import Bench, rows, value

pytestmark = pytest.mark.real

FETCHED = datetime(2026, 9, 1, 12, tzinfo=UTC)
TODAY = date(2026, 9, 1)


@pytest.fixture(scope="module")
def context(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of the context alone: no contract and no index is needed to judge it."""
    bench = Bench(tmp_path_factory.mktemp("context") / "home")
    for name in ("NYSE_advn.csv", "NYSE_decln.csv"):
        body = (real_data / "mirror" / "unicorn.us.com" / "advdec" / name).read_bytes()
        bench.land("nyse_breadth", name, body, publisher="unicorn", at=FETCHED)
    body = (real_data / "other" / "shiller_sp500_monthly.csv").read_bytes()
    bench.land("shiller_monthly", "sp500_monthly.csv", body, publisher="shiller", at=FETCHED)
    with (real_data / "other" / "VNQ_daily.csv").open(encoding="utf-8") as lines:
        bars = [
            {"date": line["Date"], "close": float(line["Close"]), "volume": float(line["Volume"])}
            for line in csv.DictReader(lines)
        ]
    bench.bars("VNQ", *bars, at=FETCHED)
    yield bench.build(today=TODAY)
    bench.close()


def test_breadth_files_are_readable(context: duckdb.DuckDBPyConnection) -> None:
    assert value(context, "select count(*) from ops.source_files where refusal is not null") == 0


def test_breadth_rows_on_holidays_are_rejected_in_both_files(context: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select file_name, count(*) from ops.quarantined_rows "
        "where dataset = 'nyse_breadth' and reason = 'not_an_equity_session' group by 1 order by 1"
    )
    assert rows(context, query) == [("NYSE_advn.csv", 33), ("NYSE_decln.csv", 33)]


def test_breadth_of_the_last_session_of_2006_is_caught(context: duckdb.DuckDBPyConnection) -> None:
    query = "select file_name, reason from ops.quarantined_rows where trade_date = '2006-12-29' order by 1"
    assert rows(context, query) == [
        ("NYSE_advn.csv", "total_out_of_range"),
        ("NYSE_decln.csv", "total_out_of_range"),
    ]


def test_breadth_of_incomplete_and_repeated_days_is_caught(context: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select distinct trade_date::varchar, reason from ops.quarantined_rows where dataset = 'nyse_breadth' "
        "and trade_date >= '1990-01-01' and reason <> 'not_an_equity_session' order by 1"
    )
    assert rows(context, query) == [
        ("2001-07-31", "repeats_the_day_before"),
        ("2002-05-21", "repeats_the_day_before"),
        ("2004-02-27", "total_out_of_range"),
        ("2006-04-24", "total_out_of_range"),
        ("2006-12-29", "total_out_of_range"),
        ("2014-10-14", "total_out_of_range"),
    ]


def test_breadth_lacks_two_sessions_and_the_rejected_ones(context: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select session_date::varchar from ref.sessions where is_equity_session and session_date <= '2015-11-11' "
        "and session_date not in (select trade_date from core.daily_breadth) order by 1"
    )
    missing = [day for (day,) in rows(context, query)]
    assert [day for day in missing if day < "2001-01-01"] == ["1999-11-26"]
    assert len(missing) == 2 + 6
    assert "2002-06-20" in missing


def test_breadth_of_october_13_2008_is_the_known_one(context: duckdb.DuckDBPyConnection) -> None:
    query = "select nyse_advances_issues, nyse_declines_issues from core.daily_breadth where trade_date = '2008-10-13'"
    assert rows(context, query) == [(3029, 158)]


def test_breadth_before_1990_is_left_out_and_not_blamed(context: duckdb.DuckDBPyConnection) -> None:
    assert value(context, "select min(trade_date)::varchar from core.daily_breadth") == "1990-01-02"
    query = "select count(*) from ops.quarantined_rows where dataset = 'nyse_breadth' and trade_date < '1990-01-01'"
    assert value(context, query) == 2


def test_every_bar_of_vnq_comes_through(context: duckdb.DuckDBPyConnection) -> None:
    query = "select count(*), count(close_usd), count(high_usd) from core.daily_price_bars where symbol = 'VNQ'"
    assert rows(context, query) == [(5509, 5509, 0)]
    assert value(context, "select count(*) from ops.quarantined_rows where dataset = 'price_bars'") == 0


def test_every_month_of_shiller_comes_through(context: duckdb.DuckDBPyConnection) -> None:
    query = "select count(*), min(reference_date)::varchar, max(reference_date)::varchar from core.monthly_valuations"
    assert rows(context, query) == [(1866, "1871-01-01", "2026-06-01")]
    assert value(context, "select count(*) from ops.quarantined_rows where dataset = 'shiller_monthly'") == 0


def test_zeros_at_the_end_of_shillers_columns_are_missing(context: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select max(reference_date) filter (earnings_ttm_pts is not null)::varchar, "
        "max(reference_date) filter (cape_ratio is not null)::varchar, "
        "count_if(earnings_ttm_pts = 0 or dividends_ttm_pts = 0 or cape_ratio = 0), "
        "min(reference_date) filter (cape_ratio is not null)::varchar from core.monthly_valuations"
    )
    assert rows(context, query) == [("2023-06-01", "2023-09-01", 0, "1881-01-01")]
