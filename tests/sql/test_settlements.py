"""From usable lines to one settlement a session and contract: which source wins, which month is which."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.bench import NOW, Bench, archive_line, evening_line, list_entry, monthlies, rows, value, vx_line

ASKED = (
    "core.daily_vx_settlements",
    "core.settlement_differences",
    "core.vx_final_settlements",
    "mart.daily_term_structure",
    "ops.quarantined_rows",
    "stg.vx_final_settlements",
    "stg.vx_listed_contracts",
    "stg.vx_same_evening_rows",
)

FEBRUARY = date(2013, 2, 13)
DAY = date(2013, 1, 3)
SETTLES = "select settle_pts, settle_source from core.daily_vx_settlements order by trade_date, expiry_date"


def test_zero_of_the_contract_file_loses_to_the_archives_price(bench: Bench) -> None:
    bench.contract(FEBRUARY, vx_line(DAY, FEBRUARY, 0, prices="16,17,15,16"))
    bench.archive("G13", archive_line(DAY, FEBRUARY, 16.5))
    assert rows(bench.build(), SETTLES) == [(16.5, "archive_file")]


def test_zero_of_the_archive_loses_to_the_contract_files_price(bench: Bench) -> None:
    bench.contract(FEBRUARY, vx_line(DAY, FEBRUARY, 16.5))
    bench.archive("G13", archive_line(DAY, FEBRUARY, 0))
    assert rows(bench.build(), SETTLES) == [(16.5, "contract_file")]


def test_contract_file_wins_over_the_archive(bench: Bench) -> None:
    bench.contract(FEBRUARY, vx_line(DAY, FEBRUARY, 20.1))
    bench.archive("G13", archive_line(DAY, FEBRUARY, 10.25))
    connection = bench.build()
    assert rows(connection, SETTLES) == [(20.1, "contract_file")]
    query = "select contract_file_pts, archive_file_pts, same_evening_pts from core.settlement_differences"
    assert rows(connection, query) == [(20.1, 10.25, None)]


def test_equal_settles_are_no_difference(bench: Bench) -> None:
    bench.contract(FEBRUARY, vx_line(DAY, FEBRUARY, 20.1))
    bench.archive("G13", archive_line(DAY, FEBRUARY, 20.1))
    bench.evening(DAY, evening_line(FEBRUARY, 20.1))
    connection = bench.build()
    assert rows(connection, "select * from core.settlement_differences") == []
    assert value(connection, "select count(*) from core.daily_vx_settlements") == 1


def test_archive_wins_over_the_same_evening_table(bench: Bench) -> None:
    bench.archive("G13", archive_line(DAY, FEBRUARY, 16.5))
    bench.evening(DAY, evening_line(FEBRUARY, 16.6))
    assert rows(bench.build(), SETTLES) == [(16.5, "archive_file")]


# ---- the same evening ----

FRONT, SECOND = date(2025, 9, 17), date(2025, 10, 22)
WEDNESDAY, TODAY, TOMORROW = date(2025, 9, 10), date(2025, 9, 11), date(2025, 9, 12)


def test_same_evening_table_stands_in_until_the_contract_file_comes(bench: Bench) -> None:
    bench.contract(FRONT, vx_line(TODAY, FRONT, 17))
    bench.evening(TOMORROW, evening_line(FRONT, 17.5))
    connection = bench.build()
    assert rows(connection, SETTLES) == [(17.0, "contract_file"), (17.5, "same_evening_table")]
    query = "select volume_contracts, close_pts from core.daily_vx_settlements where trade_date = ?"
    assert rows(connection, query, TOMORROW) == [(None, None)]


def test_contract_file_that_differs_from_the_same_evening_is_shown(bench: Bench) -> None:
    bench.contract(FRONT, vx_line(TODAY, FRONT, 17.05))
    bench.evening(TODAY, evening_line(FRONT, 17))
    query = "select contract_file_pts, same_evening_pts from core.settlement_differences"
    assert rows(bench.build(), query) == [(17.05, 17.0)]


def test_same_evening_other_products_are_not_vx(bench: Bench) -> None:
    bench.evening(TODAY, evening_line(FRONT, 17), evening_line(FRONT, 18, product="VXM"))
    assert rows(bench.build(), "select settle_pts from stg.vx_same_evening_rows") == [(17.0,)]


def test_same_evening_table_of_another_day_is_refused_whole(bench: Bench) -> None:
    bench.evening(date(2025, 6, 2), evening_line(FRONT, 17), evening_line(SECOND, 18))
    query = "select distinct reject_reason from stg.vx_same_evening_rows"
    assert rows(bench.build(), query) == [("table_of_another_day",)]


def test_same_evening_table_of_an_earlier_day_is_refused(bench: Bench) -> None:
    bench.evening(date(2025, 9, 18), evening_line(FRONT, 17), evening_line(SECOND, 18))
    query = "select distinct reject_reason from stg.vx_same_evening_rows"
    assert rows(bench.build(today=date(2025, 9, 19)), query) == [("table_of_another_day",)]


def test_same_evening_table_equal_to_the_session_before_is_refused_whole(bench: Bench) -> None:
    for day in (TODAY, TOMORROW):
        bench.evening(day, evening_line(FRONT, 17), evening_line(SECOND, 18))
    query = "select trade_date, reject_reason from stg.vx_same_evening_rows group by all order by all"
    assert rows(bench.build(), query) == [(TODAY, None), (TOMORROW, "same_table_as_the_session_before")]


def test_same_evening_table_of_two_sessions_before_is_refused_whole(bench: Bench) -> None:
    # a publisher that went back: not the table before, but one that was seen
    for day, price in ((WEDNESDAY, 17), (TODAY, 17.2), (TOMORROW, 17)):
        bench.evening(day, evening_line(FRONT, price), evening_line(SECOND, 18))
    query = "select trade_date - ?, reject_reason from stg.vx_same_evening_rows group by all order by all"
    assert rows(bench.build(), query, WEDNESDAY) == [(0, None), (1, None), (2, "same_table_as_the_session_before")]


def test_same_evening_table_that_differs_in_one_price_is_used(bench: Bench) -> None:
    bench.evening(TODAY, evening_line(FRONT, 17), evening_line(SECOND, 18))
    bench.evening(TOMORROW, evening_line(FRONT, 17), evening_line(SECOND, 18.05))
    assert rows(bench.build(), "select distinct reject_reason from stg.vx_same_evening_rows") == [(None,)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("VX,VX/V5,2025-10-22", "wrong_number_of_fields"),
        ("VX,VX/V5,2025-10-22,18,1", "wrong_number_of_fields"),
        ("VX,VX/V5,soon,18", "unreadable_expiry_date"),
        ("VX,VX/V5,2025-10-22,n/a", "unreadable_number"),
        ("VX,VX/V5,2025-10-22,nan", "unreadable_number"),
        ("VX,VX/V5,2025-10-22,0", "settle_not_published"),
        ("VX,VX/V5,2025-10-22,1.00", "settle_out_of_range"),
        ("VX,VX/V5,2025-10-22,180", "settle_out_of_range"),
    ],
)
def test_same_evening_line_is_judged(bench: Bench, line: str, reason: str) -> None:
    bench.evening(TODAY, evening_line(FRONT, 17), line)
    connection = bench.build()
    assert value(connection, "select reject_reason from stg.vx_same_evening_rows where line_no = 3") == reason
    assert rows(connection, "select reason, line_text from ops.quarantined_rows") == [(reason, line)]


def test_same_evening_two_prices_of_a_contract_are_both_refused(bench: Bench) -> None:
    bench.evening(TODAY, evening_line(FRONT, 17), evening_line(FRONT, 18), evening_line(SECOND, 19))
    query = "select reject_reason from stg.vx_same_evening_rows order by line_no"
    assert rows(bench.build(), query) == [("conflicting_lines_for_one_day",)] * 2 + [(None,)]


def test_same_evening_table_of_a_day_without_session_is_refused(bench: Bench) -> None:
    bench.evening(date(2025, 9, 13), evening_line(FRONT, 17))
    assert value(bench.build(), "select reject_reason from stg.vx_same_evening_rows") == "not_a_futures_session"


# ---- the ranks ----

MONTHS = monthlies(date(2025, 7, 1), date(2025, 12, 1))
TWO_DAYS = (date(2025, 6, 24), date(2025, 6, 25))


def land_months(bench: Bench, missing: tuple[date, date] | None = None) -> None:
    for number, expiry in enumerate(MONTHS):
        lines = [vx_line(day, expiry, 18 + number) for day in TWO_DAYS if (day, expiry) != missing]
        bench.contract(expiry, *lines)


def test_tenor_rank_counts_the_months_by_expiry(bench: Bench) -> None:
    land_months(bench)
    query = "select tenor_rank from core.daily_vx_settlements where trade_date = ? order by expiry_date"
    assert rows(bench.build(), query, TWO_DAYS[0]) == [(rank,) for rank in range(1, 7)]


def test_missing_settle_leaves_a_hole_and_moves_no_later_month(bench: Bench) -> None:
    land_months(bench, missing=(TWO_DAYS[1], MONTHS[1]))
    connection = bench.build()
    query = (
        "select vx1_settle_pts, vx2_settle_pts, vx3_settle_pts, vx2_expiry_date, contango_frac "
        "from mart.daily_term_structure where trade_date = ?"
    )
    assert rows(connection, query, TWO_DAYS[1]) == [(18.0, None, 20.0, MONTHS[1], None)]


def test_month_is_not_listed_before_its_first_settle(bench: Bench) -> None:
    land_months(bench, missing=(TWO_DAYS[0], MONTHS[5]))
    query = "select vx5_settle_pts, vx6_settle_pts, vx6_expiry_date from mart.daily_term_structure order by trade_date"
    assert rows(bench.build(), query) == [(22.0, None, None), (22.0, 23.0, MONTHS[5])]


def test_curve_of_a_settlement_day_starts_with_the_next_contract(bench: Bench) -> None:
    day = MONTHS[0]
    for number, expiry in enumerate(MONTHS[:3]):
        bench.contract(expiry, vx_line(day, expiry, 18 + number))
    connection = bench.build()
    query = "select vx1_expiry_date, vx1_settle_pts, vx2_settle_pts, vx3_settle_pts from mart.daily_term_structure"
    assert rows(connection, query) == [(MONTHS[1], 19.0, 20.0, None)]
    query = (
        "select tenor_rank, is_final_settlement, trading_days_to_expiry, calendar_days_to_expiry "
        "from core.daily_vx_settlements order by expiry_date limit 1"
    )
    assert rows(connection, query) == [(None, True, 0, 0)]


def test_weeklies_have_no_rank_and_no_place_on_the_curve(bench: Bench) -> None:
    weekly = date(2025, 7, 2)
    bench.contract(weekly, vx_line(TWO_DAYS[0], weekly, 30))
    land_months(bench)
    connection = bench.build()
    query = "select tenor_rank from core.daily_vx_settlements where expiry_date = ?"
    assert value(connection, query, weekly) is None
    assert rows(connection, "select vx1_settle_pts from mart.daily_term_structure") == [(18.0,), (18.0,)]


def test_trading_days_to_expiry_count_regular_futures_sessions(bench: Bench) -> None:
    # 2025-01-20 is a holiday; 2025-01-09 settled, but is no regular session
    expiry = date(2025, 1, 22)
    bench.contract(expiry, *(vx_line(day, expiry, 17) for day in ("2025-01-08", "2025-01-09", "2025-01-17")))
    query = "select trading_days_to_expiry, calendar_days_to_expiry from core.daily_vx_settlements order by trade_date"
    assert rows(bench.build(), query) == [(8, 14), (8, 13), (2, 5)]


def test_settlement_of_a_futures_only_session_is_kept(bench: Bench) -> None:
    expiry = date(2025, 1, 22)
    bench.contract(expiry, vx_line("2025-01-09", expiry, 17))
    assert value(bench.build(), "select trade_date::varchar from mart.daily_term_structure") == "2025-01-09"


# ---- the list and the final settlements ----


def test_contract_list_entry_that_is_refused_is_in_quarantine(bench: Bench) -> None:
    bench.contract_list(list_entry(FRONT), list_entry(SECOND, path="../../etc/passwd"))
    connection = bench.build()
    query = "select dataset, reason, line_no from ops.quarantined_rows"
    assert rows(connection, query) == [("vx_contract_list", "path_is_not_the_contracts_own", 2)]
    assert rows(connection, "select expiry_date, is_on_contract_list from stg.vx_listed_contracts") == [(FRONT, True)]


def test_final_settlement_stands_beside_what_the_contract_file_prints(bench: Bench) -> None:
    expiry = date(2025, 1, 22)
    bench.contract(expiry, vx_line(expiry, expiry, 17))
    bench.finals("01/22/2025,17.25", "01/29/2025,18")
    query = "select expiry_date, contract_file_pts, official_final_settle_pts from core.vx_final_settlements"
    assert rows(bench.build(), query) == [(expiry, 17.0, 17.25)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("01/22/2025,17,1", "wrong_number_of_fields"),
        ("22/01/2025,17", "unreadable_date"),
        ("01/22/2025,?", "unreadable_number"),
        ("01/22/2025,1.0", "settle_out_of_range"),
        ("01/22/2025,nan", "settle_out_of_range"),
        ("01/22/2025,17", None),
        ("01/22/2025,16,18,15,17", None),
    ],
)
def test_final_settlement_line_is_judged(bench: Bench, line: str, reason: str | None) -> None:
    bench.finals("01/15/2025,17", line)
    assert value(bench.build(), "select reject_reason from stg.vx_final_settlements where line_no = 3") == reason


# ---- refused versions ----


def test_refused_newest_version_leaves_the_earlier_one_in_use(bench: Bench) -> None:
    bench.contract(FRONT, vx_line(TODAY, FRONT, 17))
    bench.land("vx_contract", f"VX_{FRONT}.csv", "<html>Access denied</html>")
    connection = bench.build()
    assert rows(connection, SETTLES) == [(17.0, "contract_file")]
    query = "select is_current, refusal is not null from ops.source_files order by 1"
    assert rows(connection, query) == [(False, True), (True, False)]


def test_absent_file_is_listed_as_asked_for(bench: Bench) -> None:
    bench.contract(FRONT, vx_line(TODAY, FRONT, 17))
    bench.store.note_checked("cboe", "CFE_K04_VX.csv", NOW, absent="not in the archive")
    bench.store.flush()
    query = "select file_name, absent, sha256 from ops.source_files where absent is not null"
    assert rows(bench.build(), query) == [("CFE_K04_VX.csv", "not in the archive", None)]


def test_empty_home_builds_empty_tables(bench: Bench) -> None:
    assert rows(bench.build(), "select * from mart.daily_term_structure") == []
