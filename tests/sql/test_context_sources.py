"""Breadth, price bars, fund values and valuations: every reason, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.support.bench import Bench, bar, fund_line, rows, value
from tests.support.workbook import shiller_rows, xls
from transforms import calendar
from transforms.registry import parameters
from warehouse import stored_tables

ASKED = (
    "core.daily_breadth",
    "core.daily_fund_values",
    "core.daily_price_bars",
    "core.monthly_valuations",
    "core.sector_valuations",
    "ops.quarantined_rows",
)

FETCHED = datetime(2025, 9, 14, 12, tzinfo=UTC)
DAY = date(2025, 1, 6)


def quarantined(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows(connection, "select file_name, line_no, disposition, reason from ops.quarantined_rows order by all")


# --- breadth ----------------------------------------------------------------------------------

FIRST, LAST = date(2010, 1, 4), date(2010, 12, 31)
SESSIONS = calendar.sessions("XNYS", FIRST, LAST)
WINDOW = int(parameters()["breadth_total_sessions"].value)


def count_lines(counts: Sequence[int], first: int = 0) -> list[str]:
    return [f"{day:%Y%m%d}, {count}" for day, count in zip(SESSIONS[first:], counts, strict=False)]


def usual(days: int = WINDOW) -> tuple[list[int], list[int]]:
    """Counts of ordinary days, no two the same: 3,000 issues a day."""
    advances = [1400 + (37 * day) % 200 for day in range(days)]
    return advances, [3000 - count for count in advances]


def build_breadth(bench: Bench, advances: Sequence[int], declines: Sequence[int]) -> duckdb.DuckDBPyConnection:
    bench.breadth(count_lines(advances), count_lines(declines), at=FETCHED)
    return bench.build()


BREADTH_LINES = {
    "20250102, 1600": None,
    "20250106, 1500": None,
    "20250107,1501": None,
    "20250108, 1502.0": None,
    "20250110, 1500, 1": "wrong_number_of_fields",
    "20250113": "wrong_number_of_fields",
    "2025-01-14, 1500": "unreadable_trade_date",
    "20250230, 1500": "unreadable_trade_date",
    "20250115, many": "unreadable_number",
    "20250116, 15.5": "unreadable_number",
    "20250117, inf": "unreadable_number",
    "20250118, 1500": "not_an_equity_session",
    "20250109, 1500": "not_an_equity_session",
    "20250121, 0": "count_not_published",
    "20250122, -5": "count_out_of_range",
    "20250123, 1e300": "count_out_of_range",
    "20250916, 1500": "after_the_day_it_was_fetched",
    "20250124, 1503": None,
}


@pytest.mark.parametrize("line", BREADTH_LINES)
def test_breadth_line_is_judged(landed: duckdb.DuckDBPyConnection, line: str) -> None:
    query = "select reject_reason from stg.nyse_breadth_rows where is_advances and line_text = ?"
    assert value(landed, query, line) == BREADTH_LINES[line]


def test_breadth_holds_the_days_whose_lines_are_good(landed: duckdb.DuckDBPyConnection) -> None:
    query = "select strftime(trade_date, '%m%d'), nyse_advances_issues from core.daily_breadth order by 1"
    expected = [("0102", 1600), ("0106", 1500), ("0107", 1501), ("0108", 1502), ("0124", 1503)]
    assert rows(landed, query) == expected


def test_breadth_of_a_day_needs_both_counts(bench: Bench) -> None:
    bench.breadth(["20250103, 1600", "20250106, 1500"], ["20250103, 1400", "20250106, 0"], at=FETCHED)
    connection = bench.build()
    assert rows(connection, "select trade_date from core.daily_breadth") == [(date(2025, 1, 3),)]
    assert quarantined(connection) == [
        ("NYSE_advn.csv", 2, "rejected", "no_count_in_the_other_file"),
        ("NYSE_decln.csv", 2, "rejected", "count_not_published"),
    ]


def test_breadth_line_written_twice_is_used_once(bench: Bench) -> None:
    bench.breadth(["20250103, 1600", "20250103, 1600"], ["20250103, 1400"], at=FETCHED)
    connection = bench.build()
    assert rows(connection, "select nyse_advances_issues from core.daily_breadth") == [(1600,)]
    assert quarantined(connection) == [("NYSE_advn.csv", 2, "rejected", "duplicate_of_an_earlier_line")]


def test_breadth_lines_in_conflict_take_the_other_count_with_them(bench: Bench) -> None:
    bench.breadth(["20250103, 1600", "20250103, 1601"], ["20250103, 1400"], at=FETCHED)
    connection = bench.build()
    assert rows(connection, "select * from core.daily_breadth") == []
    assert [row[3] for row in quarantined(connection)] == [
        "conflicting_lines_for_one_day",
        "conflicting_lines_for_one_day",
        "no_count_in_the_other_file",
    ]


def test_breadth_that_stands_still_is_rejected_after_its_first_day(bench: Bench) -> None:
    advances, declines = usual(5)
    connection = build_breadth(bench, [*advances, advances[-1], advances[-1]], [*declines, declines[-1], declines[-1]])
    assert value(connection, "select max(trade_date) from core.daily_breadth") == SESSIONS[4]
    assert {row[3] for row in quarantined(connection)} == {"repeats_the_day_before"}


@pytest.mark.parametrize(("advances", "declines"), [([1500, 1500], [1400, 1401]), ([1500, 1501], [1400, 1400])])
def test_breadth_with_one_count_as_the_day_before_is_kept(
    bench: Bench, advances: list[int], declines: list[int]
) -> None:
    connection = build_breadth(bench, advances, declines)
    assert value(connection, "select count(*) from core.daily_breadth") == 2


def test_breadth_of_a_holiday_is_not_the_day_before(bench: Bench) -> None:
    # Such files fill holidays with the last session's counts: the next session is compared with that session.
    bench.breadth(
        ["20250117, 1500", "20250120, 1500", "20250121, 1700"],
        ["20250117, 1400", "20250120, 1400", "20250121, 1200"],
        at=FETCHED,
    )
    connection = bench.build()
    assert [day.day for (day,) in rows(connection, "select trade_date from core.daily_breadth order by 1")] == [17, 21]


@pytest.mark.parametrize(
    ("declines", "is_kept"), [(4400, False), (2500, False), (2390, True), (910, True), (890, False), (1, False)]
)
def test_breadth_total_is_compared_with_the_usual(bench: Bench, declines: int, is_kept: bool) -> None:
    advances, usual_declines = usual()
    connection = build_breadth(bench, [*advances, 1500], [*usual_declines, declines])
    found = rows(connection, "select trade_date from core.daily_breadth where trade_date = ?", SESSIONS[WINDOW])
    assert found == ([(SESSIONS[WINDOW],)] if is_kept else [])
    assert quarantined(connection) == (
        []
        if is_kept
        else [(name, WINDOW + 1, "rejected", "total_out_of_range") for name in ("NYSE_advn.csv", "NYSE_decln.csv")]
    )


def test_breadth_total_is_not_judged_before_there_is_a_usual(bench: Bench) -> None:
    advances, declines = usual(WINDOW - 1)
    connection = build_breadth(bench, [*advances, 1500], [*declines, 4400])
    assert quarantined(connection) == []


def test_breadth_counted_anew_for_good_becomes_the_usual(bench: Bench) -> None:
    advances, declines = usual(2 * WINDOW)
    tripled = [3 * count if day >= WINDOW else count for day, count in enumerate(declines)]
    connection = build_breadth(bench, advances, tripled)
    rejected = value(
        connection, "select count(*) from stg.nyse_breadth_rows where reject_reason is not null and is_advances"
    )
    assert 0 < rejected <= WINDOW // 2 + 1
    assert value(connection, "select max(trade_date) from core.daily_breadth") == SESSIONS[2 * WINDOW - 1]


def test_later_breadth_changes_no_earlier_day(bench: Bench) -> None:
    advances, declines = usual(WINDOW + 20)
    earlier = build_breadth(bench, advances[:-10], declines[:-10])
    before = rows(earlier, "select * from core.daily_breadth order by 1")
    later = [(3 * count if day >= WINDOW + 10 else count) for day, count in enumerate(declines)]
    bench.breadth(count_lines(advances), count_lines(later), at=FETCHED + timedelta(hours=1))
    after = rows(bench.build(), "select * from core.daily_breadth where trade_date <= ? order by 1", before[-1][0])
    assert len(before) == WINDOW + 10
    assert after == before


def test_breadth_before_the_calendar_is_neither_used_nor_quarantined(bench: Bench) -> None:
    bench.breadth(["19650301, 550", "19890704, 600"], ["19650301, 561", "19890704, 610"], at=FETCHED)
    connection = bench.build()
    assert rows(connection, "select * from core.daily_breadth") == []
    assert quarantined(connection) == []


# --- price bars -------------------------------------------------------------------------------

RANGE = {"open": 99.0, "high": 101.0, "low": 98.0}
BARS = {
    "good bar": (bar(DAY, 100.0, **RANGE), None, None),
    "no open": (bar("2025-01-07", 100.0, **RANGE | {"open": None}), None, None),
    "close alone": (bar("2025-01-08", 100.0, open=0, high=0, low=0), None, None),
    "open above the high": (bar("2025-01-10", 100.0, **RANGE | {"open": 102.0}), None, "open_outside_high_low"),
    "high below low": (bar("2025-01-13", 100.0, open=100.0, high=98.0, low=101.0), None, "high_below_low"),
    "close below the low": (bar("2025-01-14", 97.0, **RANGE), None, "close_outside_high_low"),
    "negative volume": (bar("2025-01-15", 100.0, volume=-1), None, "negative_volume"),
    "saturday": (bar("2025-01-18", 100.0), "not_an_equity_session", None),
    "day of mourning": (bar("2025-01-09", 100.0), "not_an_equity_session", None),
    "before it was listed": (bar("2025-01-21", 0), "close_not_published", None),
    "no close": (bar("2025-01-22", 0) | {"close": None}, "close_not_published", None),
    "negative close": (bar("2025-01-23", -100.0), "close_not_positive", None),
    "tomorrow": (bar("2025-09-16", 100.0), "after_the_day_it_was_fetched", None),
    "day of mourning again": (bar("2025-01-09", 100.0), "not_an_equity_session", None),
    "first of two": (bar("2025-01-28", 100.0), None, None),
    "the same again": (bar("2025-01-28", 100.0), "duplicate_of_an_earlier_line", None),
    "one word": (bar("2025-01-29", 100.0), "conflicting_lines_for_one_day", None),
    "another word": (bar("2025-01-29", 100.5), "conflicting_lines_for_one_day", None),
}


@pytest.mark.parametrize("name", BARS)
def test_bar_is_judged(landed: duckdb.DuckDBPyConnection, name: str) -> None:
    query = "select reject_reason, nulled_reason from stg.price_bar_rows where symbol = 'SPY' and line_no = ?"
    assert rows(landed, query, list(BARS).index(name) + 1) == [BARS[name][1:]]


@pytest.mark.parametrize(
    ("name", "prices"),
    [
        ("good bar", (99.0, 101.0, 98.0, 100.0, 1000)),
        ("no open", (None, 101.0, 98.0, 100.0, 1000)),
        ("close alone", (None, None, None, 100.0, 1000)),
        ("open above the high", (None, 101.0, 98.0, 100.0, 1000)),
        ("high below low", (None, None, None, 100.0, 1000)),
        ("close below the low", (None, None, None, 97.0, 1000)),
        ("negative volume", (100.0, 100.0, 100.0, 100.0, None)),
    ],
)
def test_bar_prices_that_cannot_be_observations_are_null(
    landed: duckdb.DuckDBPyConnection, name: str, prices: tuple[float | None, ...]
) -> None:
    query = (
        "select open_usd, high_usd, low_usd, close_usd, volume_shares from core.daily_price_bars "
        "where symbol = 'SPY' and trade_date = ?"
    )
    assert rows(landed, query, BARS[name][0]["date"]) == [prices]


def test_rejected_bars_give_no_price(landed: duckdb.DuckDBPyConnection) -> None:
    kept = {date.fromisoformat(entry["date"]) for entry, reason, _ in BARS.values() if reason is None}
    assert {day for (day,) in rows(landed, "select trade_date from core.daily_price_bars where symbol = 'SPY'")} == kept


def test_bars_with_a_reason_are_in_quarantine_with_their_text(landed: duckdb.DuckDBPyConnection) -> None:
    expected = [json.dumps(entry) for entry, *reasons in BARS.values() if any(reasons)]
    query = "select line_text from ops.quarantined_rows where file_name = 'SPY_bars.json' order by line_no"
    assert [text for (text,) in rows(landed, query)] == expected


def test_entry_that_is_no_bar_is_in_quarantine(landed: duckdb.DuckDBPyConnection) -> None:
    query = "select dataset, line_no, reason from ops.quarantined_rows where file_name = 'RSP_bars.json'"
    assert rows(landed, query) == [("price_bars", 2, "unreadable_number")]
    assert rows(landed, "select close_usd from core.daily_price_bars where symbol = 'RSP'") == [(50.0,)]


@pytest.mark.parametrize(("hour_utc", "reason"), [(15, "session_not_over_when_fetched"), (20, None), (22, None)])
def test_bar_of_a_session_that_is_not_over_is_rejected(bench: Bench, hour_utc: int, reason: str | None) -> None:
    # 20:00 UTC in September is 16:00 in New York.
    bench.bars("SPY", bar("2025-09-12", 100.0), at=datetime(2025, 9, 12, hour_utc, tzinfo=UTC))
    assert value(bench.build(), "select reject_reason from stg.price_bar_rows") == reason


# --- funds ------------------------------------------------------------------------------------

FUND_LINES = {
    "good line": (fund_line(DAY, "VIXY", 40.0), None),
    "a field too many": (fund_line(date(2025, 1, 7), "VIXY", 40.0) + ",1", "wrong_number_of_fields"),
    "iso date": (fund_line(DAY, "VIXY", 40.0).replace("01/06/2025", "2025-01-08"), "unreadable_trade_date"),
    "another ticker": (fund_line(date(2025, 1, 10), "UVXY", 40.0), "ticker_of_another_fund"),
    "no nav": (fund_line(date(2025, 1, 13), "VIXY", 40.0).replace("40.0", "n/a", 1), "unreadable_number"),
    "endless nav": (fund_line(date(2025, 1, 14), "VIXY", 40.0).replace("40.0", "inf", 1), "unreadable_number"),
    "assets in words": (fund_line(date(2025, 1, 15), "VIXY", 40.0, assets="many"), "unreadable_number"),
    "endless assets": (fund_line(date(2025, 1, 16), "VIXY", 40.0, shares="", assets="inf"), "unreadable_number"),
    "shares in words": (fund_line(date(2025, 1, 17), "VIXY", 40.0).replace(",100,", ",few,"), "unreadable_number"),
    "tomorrow": (fund_line(date(2025, 9, 16), "VIXY", 40.0), "after_the_day_it_was_fetched"),
    "day of mourning": (fund_line(date(2025, 1, 9), "VIXY", 40.0), "not_an_equity_session"),
    "nav of zero": (fund_line(date(2025, 1, 21), "VIXY", 0), "nav_not_published"),
    "negative nav": (fund_line(date(2025, 1, 22), "VIXY", -40.0), "negative_value"),
    "negative shares": (fund_line(date(2025, 1, 23), "VIXY", 40.0, shares=-1), "negative_value"),
    "first word": (fund_line(date(2025, 1, 24), "VIXY", 40.0), "conflicting_lines_for_one_day"),
    "second word": (fund_line(date(2025, 1, 24), "VIXY", 41.0), "conflicting_lines_for_one_day"),
    "good again": (fund_line(date(2025, 1, 27), "VIXY", 42.0), None),
    "the same again": (fund_line(date(2025, 1, 27), "VIXY", 42.0), "duplicate_of_an_earlier_line"),
}


@pytest.mark.parametrize("name", FUND_LINES)
def test_fund_line_is_judged(landed: duckdb.DuckDBPyConnection, name: str) -> None:
    query = "select reject_reason from stg.fund_nav_rows where symbol = 'VIXY' and line_no = ?"
    assert value(landed, query, list(FUND_LINES).index(name) + 2) == FUND_LINES[name][1]


def test_fund_values_are_those_of_the_good_lines(landed: duckdb.DuckDBPyConnection) -> None:
    assert rows(landed, "select * from core.daily_fund_values where symbol = 'VIXY' order by 1") == [
        (DAY, "VIXY", 40.0, 100_000, 4_000_000.0),
        (date(2025, 1, 27), "VIXY", 42.0, 100_000, 4_200_000.0),
    ]


def test_fund_lines_with_a_reason_are_in_quarantine(landed: duckdb.DuckDBPyConnection) -> None:
    query = "select line_no, reason from ops.quarantined_rows where file_name = 'VIXY-historical_nav.csv' order by 1"
    reasons = [(number, reason) for number, (_, reason) in enumerate(FUND_LINES.values(), start=2) if reason]
    assert rows(landed, query) == reasons


# shares in thousands, printed assets; shares and assets used, and why not; NAV is 40
FUND_ASSETS: dict[str, tuple[Any, Any, tuple[int | None, float | None], str | None]] = {
    "agree": (100, 4_000_000, (100_000, 4_000_000.0), None),
    "parts of a share": (100.0004, 4_000_000, (100_000, 4_000_000.0), None),
    "within the tolerance": (100, 4_019_000, (100_000, 4_019_000.0), None),
    "digits lost to splits": (100, 4_030_000, (None, 4_030_000.0), "shares_contradict_assets"),
    "rounded to none": (0, 4_000_000, (None, 4_000_000.0), "shares_contradict_assets"),
    "neither yet": (0, 0, (None, None), "shares_not_published"),
    "blank shares": ("", 4_000_000, (None, 4_000_000.0), None),
    "blank assets": (100, "", (100_000, 4_000_000.0), None),
    "assets of zero": (100, 0, (100_000, 4_000_000.0), None),
}


def assets_day(name: str) -> date:
    return SESSIONS[list(FUND_ASSETS).index(name)]


@pytest.mark.parametrize("name", FUND_ASSETS)
def test_fund_assets_are_the_printed_ones(landed: duckdb.DuckDBPyConnection, name: str) -> None:
    *_, expected, reason = FUND_ASSETS[name]
    query = (
        "select shares_outstanding, net_assets_usd from core.daily_fund_values where symbol = 'UVXY' and trade_date = ?"
    )
    assert rows(landed, query, assets_day(name)) == [expected]
    query = "select disposition, reason from ops.quarantined_rows where dataset = 'fund_nav' and trade_date = ?"
    assert rows(landed, query, assets_day(name)) == ([("field_nulled", reason)] if reason else [])


@pytest.mark.parametrize(("prior", "is_flagged"), [(40.03, False), (40.1, True), (8.0, True), ("", False)])
def test_fund_prior_nav_is_compared_with_the_day_before(bench: Bench, prior: float | str, is_flagged: bool) -> None:
    # newest first, as the fund house writes it
    later = fund_line(date(2025, 1, 7), "VIXY", 41.0, prior=prior)
    bench.fund("VIXY", later, fund_line(DAY, "VIXY", 40.0, prior=1.0), at=FETCHED)
    connection = bench.build()
    expected = [("VIXY-historical_nav.csv", 2, "kept_flagged", "prior_nav_is_not_the_day_befores")]
    assert quarantined(connection) == (expected if is_flagged else [])
    assert value(connection, "select nav_usd from core.daily_fund_values where trade_date = '2025-01-07'") == 41.0


def test_fund_prior_nav_is_not_compared_with_a_rejected_line(bench: Bench) -> None:
    holiday = fund_line(date(2025, 1, 9), "VIXY", 99.0)
    lines = (fund_line(date(2025, 1, 10), "VIXY", 41.0, prior=40.0), holiday, fund_line(date(2025, 1, 8), "VIXY", 40.0))
    bench.fund("VIXY", *lines, at=FETCHED)
    assert [row[3] for row in quarantined(bench.build())] == ["not_an_equity_session"]


# --- Shiller's months -------------------------------------------------------------------------


def month_line(day: str, price: Any = 4800.0, dividends: Any = 70.0, earnings: Any = 190.0, cape: Any = 32.5) -> str:
    return f"{day},{price},{dividends},{earnings},300,4,4900,71,191,{cape}"


def land_workbook(
    bench: Bench, *months: Sequence[object], name: str = "ie_data.xls", body: bytes | None = None
) -> None:
    content = xls(shiller_rows(*months)) if body is None else body
    bench.land("shiller_workbook", name, content, publisher="user", at=FETCHED)


VALUES = (
    "select reference_date, sp500_mean_pts, earnings_ttm_pts, dividends_ttm_pts, cape_ratio, valuation_source "
    "from core.monthly_valuations order by 1"
)


MONTH_LINES = {
    "good line": (month_line("2023-01-01"), None),
    "a year of losses": (month_line("2023-02-01", earnings=-5.0), None),
    "blank field": (month_line("2023-03-01", dividends=""), None),
    "zeros": (month_line("2023-04-01", dividends=0.0, earnings=0.0, cape="0.0"), None),
    "nothing but zeros": (month_line("2023-05-01", 0.0, 0.0, 0.0, 0.0), None),
    "a field too many": (month_line("2023-06-01") + ",1", "wrong_number_of_fields"),
    "month in words": (month_line("Jul 2023"), "unreadable_date"),
    "price in words": (month_line("2023-08-01", price="high"), "unreadable_number"),
    "no number": (month_line("2023-09-01", cape="nan"), "unreadable_number"),
    "middle of a month": (month_line("2023-10-02"), "not_the_first_day_of_a_month"),
    "negative price": (month_line("2023-11-01", price=-1), "negative_value"),
    "negative ratio": (month_line("2023-12-01", cape=-1), "negative_value"),
    "first of two": (month_line("2024-01-01"), None),
    "the same again": (month_line("2024-01-01", price="4800.00"), "duplicate_of_an_earlier_line"),
    "one word": (month_line("2024-02-01"), "conflicting_lines_for_one_month"),
    "another word": (month_line("2024-02-01", price=1.0), "conflicting_lines_for_one_month"),
    "last month": (month_line("2025-08-01"), None),
    "this month": (month_line("2025-09-01"), None),
    "next month": (month_line("2025-10-01"), "after_the_day_it_was_fetched"),
}


@pytest.mark.parametrize("name", MONTH_LINES)
def test_month_line_is_judged(landed: duckdb.DuckDBPyConnection, name: str) -> None:
    query = "select reject_reason from stg.monthly_valuation_rows where line_no = ?"
    assert value(landed, query, list(MONTH_LINES).index(name) + 2) == MONTH_LINES[name][1]


def test_month_lines_with_a_reason_are_in_quarantine(landed: duckdb.DuckDBPyConnection) -> None:
    query = "select line_no, reason from ops.quarantined_rows where dataset = 'shiller_monthly' order by 1"
    reasons = [(number, reason) for number, (_, reason) in enumerate(MONTH_LINES.values(), start=2) if reason]
    assert rows(landed, query) == reasons


def test_zeros_and_blanks_of_a_month_are_missing_and_an_unfinished_month_has_no_row(
    landed: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(landed, VALUES) == [
        (date(2023, 1, 1), 4800.0, 190.0, 70.0, 32.5, "csv"),
        (date(2023, 2, 1), 4800.0, -5.0, 70.0, 32.5, "csv"),
        (date(2023, 3, 1), 4800.0, 190.0, None, 32.5, "csv"),
        (date(2023, 4, 1), 4800.0, None, None, None, "csv"),
        (date(2024, 1, 1), 4800.0, 190.0, 70.0, 32.5, "csv"),
        (date(2025, 8, 1), 4800.0, 190.0, 70.0, 32.5, "csv"),
    ]


@pytest.mark.parametrize(("fetched", "is_there"), [((2025, 8, 31, 23), False), ((2025, 9, 1, 0), True)])
def test_month_has_a_row_once_it_is_over(bench: Bench, fetched: tuple[int, int, int, int], is_there: bool) -> None:
    bench.valuations(month_line("2025-08-01"), at=datetime(*fetched, tzinfo=UTC))
    connection = bench.build()
    assert len(rows(connection, VALUES)) == is_there
    assert quarantined(connection) == []


@pytest.mark.parametrize(
    ("month", "price_known", "earnings_known"),
    [
        (date(2023, 1, 1), date(2023, 2, 1), date(2023, 6, 30)),
        (date(2023, 3, 1), date(2023, 4, 1), date(2023, 6, 30)),
        (date(2025, 8, 1), date(2025, 9, 1), date(2025, 12, 30)),
    ],
)
def test_month_is_known_after_its_end_and_its_earnings_after_their_quarter(
    landed: duckdb.DuckDBPyConnection, month: date, price_known: date, earnings_known: date
) -> None:
    query = "select price_known_date, earnings_known_date from core.monthly_valuations where reference_date = ?"
    assert rows(landed, query, month) == [(price_known, earnings_known)]


def test_workbook_wins_over_the_copy_month_by_month(bench: Bench) -> None:
    bench.valuations(month_line("2024-01-01"), month_line("2024-02-01"), at=FETCHED)
    land_workbook(
        bench, [2024.02, 5000.0, 71.0, 195.0, 33.0], [2024.03, 5100.0, "NA", "NA", "NA"], [2024.04, 1, 1, 1, 1]
    )
    assert rows(bench.build(), VALUES) == [
        (date(2024, 1, 1), 4800.0, 190.0, 70.0, 32.5, "csv"),
        (date(2024, 2, 1), 5000.0, 195.0, 71.0, 33.0, "workbook"),
        (date(2024, 3, 1), 5100.0, None, None, None, "workbook"),
    ]


def test_newest_month_of_a_workbook_is_an_estimate_and_left_to_the_copy(bench: Bench) -> None:
    bench.valuations(month_line("2024-02-01"), at=FETCHED)
    land_workbook(bench, [2024.01, 4700.0, 70.0, 190.0, 32.0], [2024.02, 5000.0, 71.0, 195.0, 33.0])
    connection = bench.build()
    assert [(row[1], row[5]) for row in rows(connection, VALUES)] == [(4700.0, "workbook"), (4800.0, "csv")]
    assert quarantined(connection) == []


def test_workbook_row_that_cannot_be_read_is_in_quarantine(bench: Bench) -> None:
    land_workbook(bench, [2024.01, 4700.0, 70.0, 190.0, 32.0], ["Feb", 1, 1, 1, 1], [2024.03, 1, 1, 1, 1])
    connection = bench.build()
    query = "select dataset, line_no, reason, line_text from ops.quarantined_rows"
    assert rows(connection, query) == [("shiller_workbook", 10, "unreadable_date", "Feb,1.0,1.0,1.0,1.0")]


def test_workbook_that_is_not_shillers_costs_nothing_else(bench: Bench) -> None:
    bench.valuations(month_line("2024-01-01"), at=FETCHED)
    land_workbook(bench, body=xls([["my", "own", "table"]]))
    connection = bench.build()
    assert len(rows(connection, VALUES)) == 1
    refusals = rows(connection, "select file_name from ops.source_files where refusal is not null")
    assert refusals == [("ie_data.xls",)]


# --- sectors ----------------------------------------------------------------------------------


SECTOR_LINES = {
    "2024-12-31,2025-02-15,Energy,7.5": None,
    ' 2023-12-31 , 2024-02-15 ,"Energy", 6.5 ': None,
    "2024-12-31,2024-12-31,Utilities,9.5": None,
    "2024-12-31,2025-05-15,Energy,7.7": None,
    "2024-12-31,2025-02-15,Energy,7.50": "duplicate_of_an_earlier_line",
    "2022-12-31,2023-02-15,Energy,5.5": "conflicting_lines_for_one_day",
    "2022-12-31,2023-02-15,Energy,5.6": "conflicting_lines_for_one_day",
    "2024-12-31,2025-02-15,Real Estate": "wrong_number_of_fields",
    "2024-12-31,2025-02-15,Real Estate,18.5,": "wrong_number_of_fields",
    "31.12.2024,2025-02-15,Real Estate,18.5": "unreadable_date",
    "2024-12-31,,Real Estate,18.5": "unreadable_date",
    "2024-12-31,2025-02-15, ,18.5": "sector_not_named",
    "2021-12-31,2025-02-15,Real Estate,": "unreadable_number",
    "2021-12-31,2025-02-15,Real Estate,18x": "unreadable_number",
    "2021-12-31,2025-02-15,Real Estate,inf": "unreadable_number",
    "2024-12-31,2024-12-30,Real Estate,18.5": "known_before_its_reference_date",
    "2024-12-31,2025-09-16,Real Estate,18.5": "known_after_the_day_it_was_fetched",
    "2020-12-31,2025-02-15,Real Estate,-18.5": "ratio_not_positive",
    "2019-12-31,2025-02-15,Real Estate,0": "ratio_not_positive",
}


@pytest.mark.parametrize("line", SECTOR_LINES)
def test_sector_line_is_judged(landed: duckdb.DuckDBPyConnection, line: str) -> None:
    query = "select reject_reason from stg.sector_valuation_rows where line_no = ?"
    assert value(landed, query, list(SECTOR_LINES).index(line) + 2) == SECTOR_LINES[line]


def test_sector_lines_with_a_reason_are_in_quarantine(landed: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select line_text, reason from ops.quarantined_rows where dataset = 'sector_price_cash_flow' order by line_no"
    )
    assert rows(landed, query) == [(line, reason) for line, reason in SECTOR_LINES.items() if reason]


def test_sector_values_keep_a_revision_beside_the_first(landed: duckdb.DuckDBPyConnection) -> None:
    assert rows(landed, "select * from core.sector_valuations order by all") == [
        ("Energy", date(2023, 12, 31), date(2024, 2, 15), 6.5),
        ("Energy", date(2024, 12, 31), date(2025, 2, 15), 7.5),
        ("Energy", date(2024, 12, 31), date(2025, 5, 15), 7.7),
        ("Utilities", date(2024, 12, 31), date(2024, 12, 31), 9.5),
    ]


# --- all of them ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def landed(module_bench: Bench) -> duckdb.DuckDBPyConnection:
    """The lines of all the tables above, built once."""
    days = [line.replace("-", "")[:8] for line in BREADTH_LINES]
    declines = [f"{day}, {1400 + number}" for number, day in enumerate(days)]
    module_bench.breadth(BREADTH_LINES, declines, at=FETCHED)
    module_bench.bars("SPY", *(entry for entry, _, _ in BARS.values()), at=FETCHED)
    module_bench.bars("RSP", bar(DAY, 50.0), {"date": "2025-01-07", "close": "?"}, at=FETCHED)
    module_bench.fund("VIXY", *(line for line, _ in FUND_LINES.values()), at=FETCHED)
    assets = [
        fund_line(assets_day(name), "UVXY", 40.0, shares=shares, assets=printed)
        for name, (shares, printed, *_) in FUND_ASSETS.items()
    ]
    module_bench.fund("UVXY", *assets, at=FETCHED)
    module_bench.valuations(*(line for line, _ in MONTH_LINES.values()), at=FETCHED)
    module_bench.sectors(*SECTOR_LINES, at=FETCHED)
    return module_bench.build()


def test_without_any_of_the_files_the_tables_are_there_and_empty(bench: Bench) -> None:
    connection = bench.build()
    tables = ("daily_breadth", "daily_price_bars", "daily_fund_values", "monthly_valuations", "sector_valuations")
    assert [value(connection, f"select count(*) from core.{table}") for table in tables] == [0] * 5


# --- entries that are parsed in Python ----------------------------------------------------------


def test_parsed_entries_are_the_same_however_few_are_held_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for symbol, price in (("SPY", 100.0), ("RSP", 50.0), ("QQQ", 80.0)):
        bench.bars(symbol, bar(DAY, price), bar("2025-01-07", price + 1), {"date": "2025-01-08"}, at=FETCHED)
    states = list(bench.store.states())

    def load() -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            connection.execute("create schema raw; create schema ops")
            stored_tables.load_stored_files(connection, bench.home, states)
            return rows(connection, "from raw.price_bars")

    whole = load()
    assert len(whole) == 9
    monkeypatch.setattr(stored_tables, "_ROWS_AT_ONCE", 1)
    assert load() == whole
