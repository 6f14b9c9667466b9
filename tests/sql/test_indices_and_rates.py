"""Index histories and bill rates: every reason, and what is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pytest

from tests.support.bench import Bench, rows, value

ASKED = (
    "core.daily_bill_rates",
    "core.daily_index_levels",
    "ops.quarantined_rows",
    "stg.fred_observations",
    "stg.index_level_rows",
)

DAY = "01/06/2025"
VIX = {
    "good line": ("01/02/2025,17,18,16,17.5", None, None),
    "four equal prices": ("01/03/2025,17,17,17,17", None, None),
    "open above the high": (f"{DAY},19,18,16,17.5", None, "open_outside_high_low"),
    "open below the low": ("01/07/2025,2.58,18,16,17.5", None, "open_outside_high_low"),
    "high below low": ("01/08/2025,17,16,18,17.5", None, "high_below_low"),
    "close above the high": ("01/10/2025,17,18,16,18.5", None, "close_outside_high_low"),
    "zeros but for the close": ("01/13/2025,0,0,0,17.5", None, None),
    "not a number as high": ("01/14/2025,17,nan,16,17.5", None, None),
    "three fields": ("01/15/2025,17,18", "wrong_number_of_fields", None),
    "day-first date": ("16/01/2025,17,18,16,17.5", "unreadable_trade_date", None),
    "unreadable close": ("01/16/2025,17,18,16,?", "unreadable_number", None),
    "blank close": ("01/17/2025,17,18,16,", "unreadable_number", None),
    "saturday": ("01/18/2025,17,18,16,17", "not_an_equity_session", None),
    "holiday": ("01/20/2025,17,18,16,17", "not_an_equity_session", None),
    "day of mourning": ("01/09/2025,17,18,16,17", "not_an_equity_session", None),
    "zero close": ("01/21/2025,0,0,0,0", "close_not_published", None),
    "close too low": ("01/22/2025,4,4,4,4.9", "close_out_of_range", None),
    "close too high": ("01/23/2025,400,400,400,400", "close_out_of_range", None),
    "after it was fetched": ("09/16/2025,17,18,16,17", "after_the_day_it_was_fetched", None),
    "float noise around the range": ("01/24/2025,18.0000000001,18,16,17", None, None),
    "close alone": ("01/27/2025,17", None, None),
}
FETCHED = datetime(2025, 9, 14, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def built(module_bench: Bench) -> duckdb.DuckDBPyConnection:
    again = ["01/28/2025,17,18,16,17", "01/28/2025,17,18,16,17", "01/29/2025,17,18,16,17", "01/29/2025,17,18,16,16"]
    module_bench.index("VIX", *(line for line, _, _ in VIX.values()), *again, at=FETCHED)
    module_bench.index("VVIX", "03/13/2006,15.71", "03/14/2006,44.99", "03/15/2006,45.0", at=FETCHED)
    return module_bench.build()


def line_no(name: str) -> int:
    return list(VIX).index(name) + 2


@pytest.mark.parametrize("name", VIX)
def test_index_line_is_judged(built: duckdb.DuckDBPyConnection, name: str) -> None:
    query = "select reject_reason, nulled_reason from stg.index_level_rows where index_code = 'VIX' and line_no = ?"
    assert rows(built, query, line_no(name)) == [VIX[name][1:]]


@pytest.mark.parametrize("name", [name for name, case in VIX.items() if case[1]])
def test_rejected_index_line_gives_no_level(built: duckdb.DuckDBPyConnection, name: str) -> None:
    query = (
        "select level.close_pts from core.daily_index_levels as level "
        "join stg.index_level_rows using (index_code, trade_date) where line_no = ? and index_code = 'VIX'"
    )
    assert rows(built, query, line_no(name)) == []


@pytest.mark.parametrize(
    ("name", "prices"),
    [
        ("good line", (17.0, 18.0, 16.0, 17.5)),
        ("four equal prices", (None, None, None, 17.0)),
        ("open above the high", (None, 18.0, 16.0, 17.5)),
        ("open below the low", (None, 18.0, 16.0, 17.5)),
        ("high below low", (None, None, None, 17.5)),
        ("close above the high", (None, None, None, 18.5)),
        ("zeros but for the close", (None, None, None, 17.5)),
        ("not a number as high", (None, None, None, 17.5)),
        ("close alone", (None, None, None, 17.0)),
    ],
)
def test_index_prices_that_cannot_be_observations_are_null(
    built: duckdb.DuckDBPyConnection, name: str, prices: tuple[float | None, ...]
) -> None:
    query = (
        "select open_pts, high_pts, low_pts, close_pts from stg.index_level_rows "
        "where line_no = ? and index_code = 'VIX'"
    )
    assert rows(built, query, line_no(name)) == [prices]


def test_index_duplicate_line_is_used_once(built: duckdb.DuckDBPyConnection) -> None:
    query = "select reject_reason from stg.index_level_rows where trade_date = '2025-01-28' order by line_no"
    assert rows(built, query) == [(None,), ("duplicate_of_an_earlier_line",)]


def test_index_conflicting_lines_are_both_rejected(built: duckdb.DuckDBPyConnection) -> None:
    query = "select reject_reason from stg.index_level_rows where trade_date = '2025-01-29'"
    assert rows(built, query) == [("conflicting_lines_for_one_day",)] * 2


def test_vvix_close_below_its_bound_is_rejected(built: duckdb.DuckDBPyConnection) -> None:
    query = "select close_pts, reject_reason from stg.index_level_rows where index_code = 'VVIX' order by 1"
    assert rows(built, query) == [(15.71, "close_out_of_range"), (44.99, "close_out_of_range"), (45.0, None)]


def test_index_lines_with_a_reason_are_in_quarantine(built: duckdb.DuckDBPyConnection) -> None:
    with_reason = [line for line, *reasons in VIX.values() if any(reasons)]
    query = "select line_text from ops.quarantined_rows where file_name = 'VIX_History.csv' and line_no <= ?"
    assert sorted(row[0] for row in rows(built, query, len(VIX) + 1)) == sorted(with_reason)


@pytest.mark.parametrize(
    ("line", "rate", "reason"),
    [
        ("2025-01-06,4.25", 0.0425, None),
        ("2025-01-06,.", None, None),
        ("2025-01-06,", None, None),
        ("2008-12-10,0.00", 0.0, None),
        ("2020-03-25,-0.04", -0.0004, None),
        ("2025-01-06,4.25,1", None, "wrong_number_of_fields"),
        ("2025-13-06,4.25", None, "unreadable_date"),
        ("2025-01-06,high", None, "unreadable_number"),
        ("2025-01-06,inf", None, "unreadable_number"),
        ("2025-09-17,4.25", None, "after_the_day_it_was_fetched"),
    ],
)
def test_bill_rate_line_is_judged(bench: Bench, line: str, rate: float | None, reason: str | None) -> None:
    bench.bills("2025-01-02,4.2", line)
    connection = bench.build()
    assert value(connection, "select reject_reason from stg.fred_observations where line_no = 3") == reason
    expected = [] if rate is None else [(pytest.approx(rate),)]
    query = "select bill_discount_rate_frac from core.daily_bill_rates where observation_date <> '2025-01-02'"
    assert rows(connection, query) == expected


def test_bill_rate_of_a_holiday_is_no_matter_for_the_quarantine(bench: Bench) -> None:
    bench.bills("2025-01-01,.", "2025-01-20,")
    assert rows(bench.build(), "select * from ops.quarantined_rows") == []


def test_bill_rate_stated_twice_is_used_once(bench: Bench) -> None:
    bench.bills("2025-01-02,4.2", "2025-01-02,4.2")
    connection = bench.build()
    assert rows(connection, "select observation_date from core.daily_bill_rates") == [(date(2025, 1, 2),)]


def test_bill_rates_in_conflict_are_both_rejected(bench: Bench) -> None:
    bench.bills("2025-01-02,4.2", "2025-01-02,5.2", "2025-01-03,4.3")
    connection = bench.build()
    assert rows(connection, "select observation_date from core.daily_bill_rates") == [(date(2025, 1, 3),)]
    query = "select reason from ops.quarantined_rows"
    assert rows(connection, query) == [("conflicting_lines_for_one_day",)] * 2
