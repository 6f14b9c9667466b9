"""The macro context on the real series and the shipped calendars: a few facts of the time, no list of values."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from tests.support.bench import rows, value

pytestmark = pytest.mark.real

SERIES = ("CPIAUCSL", "PPIACO", "GDPC1", "USREC", "RBUSBIS")


@pytest.fixture(scope="module")
def macro(real: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The warehouse of the real files, which has the macro series, seen for the first time on the day of landing."""
    landed = {row[0] for row in rows(real, "select file_name from ops.source_files where dataset = 'fred_series'")}
    assert {f"{series_id}.csv" for series_id in SERIES} <= landed
    return real


def on(macro: duckdb.DuckDBPyConnection, day: str, columns: str) -> tuple[Any, ...]:
    found = rows(macro, f"select {columns} from mart.daily_macro where trade_date = ?::date", day)
    assert len(found) == 1
    return found[0]


def test_no_line_of_the_series_is_rejected(macro: duckdb.DuckDBPyConnection) -> None:
    assert rows(macro, "select * from ops.quarantined_rows where dataset = 'fred_series'") == []


def test_every_consumer_price_since_2004_has_its_published_release(macro: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select known_basis, count(*) from core.macro_observations "
        "where series_id = 'CPIAUCSL' and reference_date >= '2004-01-01' group by 1"
    )
    assert rows(macro, query) == [("published", 262)]


def test_october_2025_has_no_consumer_price(macro: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count(*) from core.macro_observations where series_id = 'CPIAUCSL' and reference_date = '2025-10-01'"
    )
    assert value(macro, query) == 0


@pytest.mark.parametrize(
    ("day", "phase", "known"),
    [
        ("2008-11-28", "expansion", date(2003, 7, 17)),
        ("2008-12-01", "recession", date(2008, 12, 1)),
        ("2010-09-17", "recession", date(2008, 12, 1)),
        ("2010-09-20", "expansion", date(2010, 9, 20)),
        ("2020-06-05", "expansion", date(2010, 9, 20)),
        ("2020-06-08", "recession", date(2020, 6, 8)),
        ("2021-07-16", "recession", date(2020, 6, 8)),
        ("2021-07-19", "expansion", date(2021, 7, 19)),
    ],
)
def test_recession_is_what_had_been_announced(
    macro: duckdb.DuckDBPyConnection, day: str, phase: str, known: date
) -> None:
    assert on(macro, day, "nber_phase, nber_known_date") == (phase, known)


@pytest.mark.parametrize(
    ("day", "cycle", "quarter"),
    [
        ("2008-11-28", "contraction", date(2008, 7, 1)),
        ("2009-07-31", "contraction", date(2009, 4, 1)),
        ("2020-04-28", "expansion", date(2019, 10, 1)),
        ("2020-04-29", "contraction", date(2020, 1, 1)),
        ("2020-07-30", "contraction", date(2020, 4, 1)),
        ("2020-10-29", "expansion", date(2020, 7, 1)),
        ("2022-04-28", "contraction", date(2022, 1, 1)),
    ],
)
def test_gdp_cycle_turns_on_the_day_of_the_release(
    macro: duckdb.DuckDBPyConnection, day: str, cycle: str, quarter: date
) -> None:
    assert on(macro, day, "gdp_cycle, gdp_reference_date, gdp_status") == (cycle, quarter, "ok")


def test_largest_fall_of_prices_is_a_surprise_on_its_day(macro: duckdb.DuckDBPyConnection) -> None:
    before = on(macro, "2008-11-18", "cpi_reference_date, cpi_known_date")
    assert before == (date(2008, 9, 1), date(2008, 10, 16))
    period, change, z = on(macro, "2008-11-19", "cpi_reference_date, cpi_mom_frac, cpi_surprise_z")
    assert period == date(2008, 10, 1)
    query = (
        "select min(mom_frac) from mart.macro_price_readings "
        "where series_id = 'CPIAUCSL' and known_date between '2004-03-26' and '2008-11-19'"
    )
    assert change == value(macro, query)
    assert z < -3


@pytest.mark.parametrize(
    ("day", "status", "surprise_status"),
    [
        ("2025-10-23", "ok", "ok"),
        ("2025-11-28", "ok", "ok"),
        ("2025-12-01", "stale", "stale"),
        ("2025-12-17", "stale", "stale"),
        ("2025-12-18", "ok", "absent"),
    ],
)
def test_month_never_published_is_a_gap_and_not_carried(
    macro: duckdb.DuckDBPyConnection, day: str, status: str, surprise_status: str
) -> None:
    found = on(macro, day, "cpi_status, cpi_surprise_status, cpi_yoy_frac is null, cpi_surprise_frac is null")
    assert found == (status, surprise_status, status != "ok", surprise_status != "ok")


def test_unscheduled_decision_on_a_sunday_counts_on_monday(macro: duckdb.DuckDBPyConnection) -> None:
    columns = "next_fomc_date, sessions_to_fomc_decision, sessions_since_fomc_decision, is_fomc_window"
    assert on(macro, "2020-03-13", columns) == (date(2020, 3, 18), 3, 8, False)
    assert on(macro, "2020-03-16", columns) == (date(2020, 3, 15), 0, 0, True)
    assert on(macro, "2020-03-17", columns) == (date(2020, 4, 29), 30, 1, True)
    assert on(macro, "2020-03-18", columns) == (date(2020, 4, 29), 29, 2, False)


def test_meeting_lengthened_by_a_day_is_expected_on_both_in_turn(macro: duckdb.DuckDBPyConnection) -> None:
    assert on(macro, "2011-08-25", "next_fomc_date") == (date(2011, 9, 20),)
    assert on(macro, "2011-08-26", "next_fomc_date") == (date(2011, 9, 21),)


def test_release_held_up_by_a_shutdown_opens_its_window_on_its_day(macro: duckdb.DuckDBPyConnection) -> None:
    columns = "next_cpi_date, is_cpi_window"
    assert on(macro, "2025-10-23", columns)[1] is False
    assert on(macro, "2025-10-24", columns) == (date(2025, 10, 24), True)
    assert on(macro, "2013-10-29", columns)[1] is False
    assert on(macro, "2013-10-30", columns) == (date(2013, 10, 30), True)


def test_every_session_knows_its_macro_window(macro: duckdb.DuckDBPyConnection) -> None:
    query = "select macro_event_status, count(*) from mart.daily_macro group by 1"
    sessions = value(macro, "select count(distinct trade_date) from core.daily_vx_settlements")
    assert rows(macro, query) == [("ok", sessions)]


def test_macro_window_is_open_on_about_a_quarter_of_sessions(macro: duckdb.DuckDBPyConnection) -> None:
    # 8 decisions and 12 releases a year, 3 sessions each, a few of them shared: about 58 of 252
    assert 0.20 < value(macro, "select avg(is_macro_event_window::integer) from mart.daily_macro") < 0.25


def test_exchange_rate_of_an_old_file_is_stale(macro: duckdb.DuckDBPyConnection) -> None:
    assert on(macro, "2024-03-28", "reer_status, reer_shift_status") == ("ok", "ok")
    assert on(macro, "2024-06-28", "reer_shift_z, reer_status, reer_shift_status") == (None, "stale", "stale")
