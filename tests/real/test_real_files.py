"""The facts of the real files that the warehouse must show. No list of market values: a few oracle figures."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pytest

from tests.real.conftest import CUT
from tests.support.bench import rows, value
from warehouse.checks import run_sql_checks

pytestmark = pytest.mark.real

# From the description of the real files.
MONTHLY_ROWS, MONTHLY_CONTRACTS, SESSIONS = 45_663, 265, 5_484
WEEKLY_ROWS = 7_412
CURVES = {
    "2007-03-23": (13.33, 13.87, 13.87, 14.00),
    "2008-11-20": (66.23, 59.77, 54.67, 50.58),
    "2013-03-15": (12.55, 14.70, 15.85, 16.65),
    "2020-03-18": (70.475, 59.925, 51.5, 44.3),
    "2026-01-07": (16.6914, 18.3472, 19.55, 20.4018),
}
VIX_CLOSES = {
    "2008-11-20": 80.86,
    "2017-11-03": 9.14,
    "2018-02-05": 37.32,
    "2020-03-16": 82.69,
    "2024-08-05": 38.57,
}

# From the VXX/VXZ prospectus, by way of the methodology: short-term total return, percent a year.
SHORT_TERM_TR_FROM_PROSPECTUS = {
    2007: 42.93,
    2008: 126.49,
    2010: -71.99,
    2011: -3.72,
    2012: -77.92,
    2013: -65.72,
    2014: -25.50,
    2015: -36.05,
    2016: -67.81,
    2017: -72.11,
}
# "About", says the methodology: from these files 9.1, 5.4, 3.2, 1.4 and -4.9 percent.
MEAN_SLOPE_BY_LEVEL = {"<15": 0.084, "15-20": 0.054, "20-25": 0.034, "25-30": 0.017, ">=30": -0.047}


def test_monthly_settlements_are_all_there(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count(*), count(distinct expiry_date), count(distinct trade_date), min(trade_date)::varchar, "
        "max(trade_date)::varchar from core.daily_vx_settlements where is_monthly"
    )
    assert rows(real, query) == [(MONTHLY_ROWS, MONTHLY_CONTRACTS, SESSIONS, "2004-03-26", "2026-01-07")]


def test_weekly_settlements_are_all_there(real: duckdb.DuckDBPyConnection) -> None:
    assert value(real, "select count(*) from core.daily_vx_settlements where not is_monthly") == WEEKLY_ROWS


def test_eight_to_nine_months_are_listed_from_2007(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "with a as (select trade_date, count(*) as months from core.daily_vx_listings "
        "where trade_date >= '2007-01-01' group by 1) select count_if(months between 8 and 9) / count(*) from a"
    )
    assert value(real, query) > 0.9


def test_prints_of_one_point_are_in_quarantine_with_their_lines(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select file_name, disposition, line_text from ops.quarantined_rows "
        "where reason = 'settle_out_of_range' order by file_name"
    )
    found = rows(real, query)
    assert [row[:2] for row in found] == [("CFE_F09_VX.csv", "rejected"), ("CFE_G09_VX.csv", "rejected")]
    assert all(line.startswith("04/21/2008,") for _, _, line in found)
    assert value(real, "select min(settle_pts) from core.daily_vx_settlements") > 8


def test_ten_times_quotes_are_scaled_by_trade_date(real: duckdb.DuckDBPyConnection) -> None:
    query = "select max(settle_pts) from core.daily_vx_settlements where trade_date < '2007-03-26'"
    assert value(real, query) < 25


def test_archive_print_of_february_2014_loses_to_the_contract_file(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select contract_file_pts, archive_file_pts from core.settlement_differences where trade_date = '2013-05-28'"
    )
    assert rows(real, query) == [(20.10, 10.25)]


def test_sessions_of_early_2013_are_settled_from_the_archive(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select distinct settle_source from core.daily_vx_settlements "
        "where is_monthly and trade_date between '2013-01-02' and '2013-05-17'"
    )
    assert rows(real, query) == [("archive_file",)]


@pytest.mark.parametrize("day", CURVES)
def test_curve_is_the_known_one(real: duckdb.DuckDBPyConnection, day: str) -> None:
    query = (
        "select vx1_settle_pts, vx2_settle_pts, vx3_settle_pts, vx4_settle_pts "
        "from mart.daily_term_structure where trade_date = ?"
    )
    assert rows(real, query, day) == [pytest.approx(CURVES[day], abs=5e-5)]


@pytest.mark.parametrize("day", VIX_CLOSES)
def test_vix_close_is_the_known_one(real: duckdb.DuckDBPyConnection, day: str) -> None:
    query = "select close_pts from core.daily_index_levels where index_code = 'VIX' and trade_date = ?"
    assert value(real, query, day) == pytest.approx(VIX_CLOSES[day])


def test_contango_holds_on_85_percent_of_days_since_2013(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select round(100 * count_if(contango_frac > 0) / count(contango_frac), 1) "
        "from mart.daily_term_structure where trade_date >= '2013-01-01'"
    )
    assert value(real, query) == pytest.approx(84.9, abs=0.05)


@pytest.mark.parametrize("level", MEAN_SLOPE_BY_LEVEL)
def test_mean_slope_by_vix_level_is_the_base_rate(real: duckdb.DuckDBPyConnection, level: str) -> None:
    query = (
        "select avg(contango_frac) from mart.daily_term_structure where trade_date >= '2013-01-01' and vol_level = ?"
    )
    assert value(real, query, level) == pytest.approx(MEAN_SLOPE_BY_LEVEL[level], abs=0.0075)


def test_curve_is_mostly_in_contango_at_vix_25_to_30(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count_if(contango_frac > 0) / count(contango_frac) from mart.daily_term_structure "
        "where trade_date >= '2013-01-01' and vol_level = '25-30'"
    )
    assert 0.63 <= value(real, query) <= 0.71


@pytest.mark.parametrize("year", SHORT_TERM_TR_FROM_PROSPECTUS)
def test_rebuilt_short_term_index_is_within_0_3_points_a_year(real: duckdb.DuckDBPyConnection, year: int) -> None:
    query = (
        "select 100 * (max_by(short_term_tr, trade_date) filter (year(trade_date) = $1) "
        "/ max_by(short_term_tr, trade_date) filter (year(trade_date) = $1 - 1) - 1) "
        "from mart.daily_volatility_indices"
    )
    assert real.execute(query, [year]).fetchall()[0][0] == pytest.approx(SHORT_TERM_TR_FROM_PROSPECTUS[year], abs=0.3)


def test_duplicated_rows_of_march_2020_are_in_quarantine(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select file_name, trade_date::varchar from ops.quarantined_rows "
        "where reason = 'duplicate_of_an_earlier_line' and dataset = 'vx_contract' order by 2"
    )
    assert rows(real, query) == [("VX_2020-03-25.csv", "2020-02-27"), ("VX_2020-03-25.csv", "2020-02-28")]


def test_close_below_the_low_of_good_friday_2015_is_nulled(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select close_pts, low_pts is not null, settle_pts is not null from core.daily_vx_settlements "
        "where trade_date = '2015-04-03' and expiry_date = '2015-12-16'"
    )
    assert rows(real, query) == [(None, True, True)]
    query = (
        "select file_name from ops.quarantined_rows where reason = 'close_outside_high_low' and dataset = 'vx_contract'"
    )
    assert rows(real, query) == [("VX_2015-12-16.csv",)]


def test_vix_rows_on_days_without_an_equity_session_are_rejected(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count(*) from ops.quarantined_rows "
        "where file_name = 'VIX_History.csv' and reason = 'not_an_equity_session'"
    )
    assert value(real, query) == 28


@pytest.mark.parametrize("day", ["2004-11-08", "2006-02-08"])
def test_vix_open_outside_its_range_is_nulled(real: duckdb.DuckDBPyConnection, day: str) -> None:
    query = (
        "select open_pts, high_pts is not null from core.daily_index_levels where index_code = 'VIX' and trade_date = ?"
    )
    assert rows(real, query, day) == [(None, True)]


def test_vix_before_1992_has_closes_only(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count(*) > 400, count(open_pts), count(high_pts) from core.daily_index_levels "
        "where index_code = 'VIX' and trade_date < '1992-01-01'"
    )
    assert rows(real, query) == [(True, 0, 0)]


def test_vvix_nonsense_of_2006_is_rejected(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count(*), min(trade_date)::varchar >= '2006-03-01' and max(trade_date)::varchar < '2006-12-01' "
        "from ops.quarantined_rows where file_name = 'VVIX_History.csv'"
    )
    assert rows(real, query) == [(6, True)]


@pytest.mark.parametrize(("day", "rate"), [("2008-12-10", 0.0), ("2020-03-25", -0.0004)])
def test_bill_rates_of_zero_and_below_are_kept(real: duckdb.DuckDBPyConnection, day: str, rate: float) -> None:
    query = "select bill_discount_rate_frac from core.daily_bill_rates where observation_date = ?"
    assert value(real, query, day) == pytest.approx(rate)


@pytest.mark.parametrize("day", ["2015-04-03", "2018-12-05", "2025-01-09"])
def test_futures_only_sessions_settle_and_are_no_index_days(real: duckdb.DuckDBPyConnection, day: str) -> None:
    assert value(real, "select count(*) from mart.daily_term_structure where trade_date = ?", day) == 1
    assert value(real, "select count(*) from mart.daily_volatility_indices where trade_date = ?", day) == 0


def test_final_settlement_of_february_2006_is_flagged(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select settle_pts, is_final_settlement from core.daily_vx_settlements "
        "where is_doubtful and expiry_date = '2006-02-15'"
    )
    assert rows(real, query) == [(pytest.approx(12.043), True)]


def test_every_contract_file_is_readable(real: duckdb.DuckDBPyConnection) -> None:
    assert value(real, "select count(*) from ops.source_files where refusal is not null") == 0


def test_every_check_passes_on_the_real_files(real: duckdb.DuckDBPyConnection) -> None:
    failed = [result for result in run_sql_checks(real) if not result.is_passed]
    assert [(result.check_name, result.offending_rows, result.sample[:200]) for result in failed] == []


def is_same(row: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return all(
        math.isclose(one, two, rel_tol=1e-12) if isinstance(one, float) and isinstance(two, float) else one == two
        for one, two in zip(row, other, strict=True)
    )


def test_later_files_change_no_earlier_mart_row(
    real: duckdb.DuckDBPyConnection, cut: duckdb.DuckDBPyConnection
) -> None:
    for mart in ("mart.daily_term_structure", "mart.daily_volatility_indices"):
        query = f"select * from {mart} where trade_date <= ? order by trade_date"
        before, after = rows(cut, query, CUT), rows(real, query, CUT)
        assert before[-1][0] == CUT
        # The total of a chain is summed in another order when rows follow: equal but for the last bits.
        assert len(before) == len(after)
        assert [pair for pair in zip(before, after, strict=True) if not is_same(*pair)] == []
