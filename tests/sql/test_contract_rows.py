"""Every reason for which a line of a contract file is not used, and every line that must be."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pytest

from tests.support.bench import Bench, archive_line, monthlies, rows, value, vx_line
from transforms.formats import VX_HEADER

ASKED = (
    "core.daily_vx_settlements",
    "ops.quarantined_rows",
    "stg.vx_contract_rows",
)

# Each case has a contract, and so a file, of its own: 2020 to 2023, one a month.
EXPIRIES = monthlies(date(2020, 1, 1), date(2023, 12, 1))


def session_before(expiry: date) -> date:
    return date.fromordinal(expiry.toordinal() - 1)  # the Tuesday (or Monday) before: always a session here


def cases() -> dict[str, tuple[date, list[str], str | None]]:
    found: dict[str, tuple[date, list[str], str | None]] = {}
    contracts = iter(EXPIRIES)

    def add(name: str, reason: str | None, *changes: str, **more: str | int) -> None:
        expiry = next(contracts)
        day = session_before(expiry)
        good = vx_line(day, expiry, 20, **more)  # type: ignore[arg-type]
        texts = {
            "DAY": day.isoformat(),
            "GOOD": good,
            "EXPIRY": expiry.isoformat(),
            "LABEL": good.split(",")[1],
            "AFTER": date.fromordinal(expiry.toordinal() + 1).isoformat(),
            "US": day.strftime("%m/%d/%Y"),
            "SHORT": f"{day.month}/{day.day}/{day.year}",
        }
        lines = []
        for change in changes or ("GOOD",):
            line = change
            for word, text in texts.items():
                line = line.replace(word, text)
            lines.append(line)
        found[name] = (expiry, lines, reason)

    rest = "20,20,20,20,20,0,100,0,1000"
    add("good line", None)
    add("too few fields", "too_few_fields", "DAY,LABEL,20,20,20,20,20,0,100,0")
    add("too many fields", "too_many_fields", "GOOD,7")
    add("one trailing comma", None, "GOOD,")
    add("many trailing commas", None, "GOOD,,, ,")
    add("unreadable date", "unreadable_trade_date", f"2020-13-45,LABEL,{rest}")
    add("day-first date", "unreadable_trade_date", f"25/12/2020,LABEL,{rest}")
    add("blank date", "unreadable_trade_date", f",LABEL,{rest}")
    add("month-first date", None, f"US,LABEL,{rest}")
    add("unpadded month-first date", None, f"SHORT,LABEL,{rest}")
    add("unreadable open", "unreadable_number", "DAY,LABEL,n/a,20,20,20,20,0,100,0,1000")
    add("unreadable settle", "unreadable_number", "DAY,LABEL,20,20,20,20,2O.5,0,100,0,1000")
    add("unreadable volume", "unreadable_number", "DAY,LABEL,20,20,20,20,20,0,many,0,1000")
    add("unreadable open interest", "unreadable_number", "DAY,LABEL,20,20,20,20,20,0,100,0,x")
    add("settle not a number", "unreadable_number", "DAY,LABEL,20,20,20,20,nan,0,100,0,1000")
    add("settle infinite", "unreadable_number", "DAY,LABEL,20,20,20,20,inf,0,100,0,1000")
    add("high not a number", "unreadable_number", "DAY,LABEL,20,nan,20,20,20,0,100,0,1000")
    add("high infinite", "unreadable_number", "DAY,LABEL,20,inf,20,20,20,0,100,0,1000")
    add("unreadable change is not used", None, "DAY,LABEL,20,20,20,20,20,?,100,0,1000")
    add("label of another month", "label_of_another_contract", "GOOD", label="Z (Dec 1999)")
    add("label of another year", "label_of_another_contract", "GOOD", label="F (Jan 1921)")
    add("after the expiry", "after_the_contracts_expiry", f"AFTER,LABEL,{rest}")
    add("on the expiry", None, f"EXPIRY,LABEL,{rest}")
    add("on a saturday", "not_a_futures_session", f"2021-02-06,LABEL,{rest}")
    add("on a holiday", "not_a_futures_session", f"2021-05-31,LABEL,{rest}")
    add("duplicate line", "duplicate_of_an_earlier_line", "GOOD", "GOOD")
    add("conflicting line", "conflicting_lines_for_one_day", "DAY,LABEL,21,21,21,21,21,0,100,0,1000", "GOOD")
    add("negative settle", "negative_number", "DAY,LABEL,20,20,20,20,-20,0,100,0,1000")
    add("negative volume", "negative_number", "DAY,LABEL,20,20,20,20,20,0,-1,0,1000")
    add("negative open interest", "negative_number", "DAY,LABEL,20,20,20,20,20,0,1,0,-5")
    add("zero settle", "settle_not_published", "DAY,LABEL,20,20,20,20,0,0,100,0,1000")
    add("blank settle", "settle_not_published", "DAY,LABEL,20,20,20,20,,0,100,0,1000")
    add("all zeros", "settle_not_published", "DAY,LABEL,0,0,0,0,0,0,0,0,0")
    add("settle below the range", "settle_out_of_range", "DAY,LABEL,4,4,4,4,4.99,0,100,0,1000")
    add("settle above the range", "settle_out_of_range", "DAY,LABEL,151,151,151,151,150.01,0,100,0,1000")
    add("lowest settle of the range", None, "DAY,LABEL,5,5,5,5,5,0,100,0,1000")
    add("spaces around fields", None, " DAY , LABEL , 20 ,20, 20,20 , 20 ,0, 100,0, 1000 ")
    add("no trade", None, "DAY,LABEL,0,21,19,0,20,0,0,0,10")
    add("crossed quotes of a day without trade", None, "DAY,LABEL,0,12,30,0,20,0,0,0,10")
    return found


CASES = cases()


@pytest.fixture(scope="module")
def built(module_bench: Bench) -> duckdb.DuckDBPyConnection:
    """All cases in one warehouse."""
    for expiry, lines, _ in CASES.values():
        module_bench.contract(expiry, *lines)
    return module_bench.build()


@pytest.mark.parametrize("name", CASES)
def test_contract_line_is_judged(built: duckdb.DuckDBPyConnection, name: str) -> None:
    expiry, lines, reason = CASES[name]
    query = "select reject_reason from stg.vx_contract_rows where file_name = ? and line_no = ?"
    assert value(built, query, f"VX_{expiry}.csv", len(lines) + 1) == reason


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2] is not None])
def test_rejected_line_is_in_quarantine_with_its_text(built: duckdb.DuckDBPyConnection, name: str) -> None:
    expiry, lines, reason = CASES[name]
    query = "select disposition, reason, line_text from ops.quarantined_rows where file_name = ? and line_no = ?"
    assert rows(built, query, f"VX_{expiry}.csv", len(lines) + 1) == [("rejected", reason, lines[-1])]


def test_rejected_lines_reach_no_settlement(built: duckdb.DuckDBPyConnection) -> None:
    alone = [expiry for expiry, lines, reason in CASES.values() if reason is not None and len(lines) == 1]
    assert rows(built, "select * from core.daily_vx_settlements where list_contains(?, expiry_date)", alone) == []


def test_duplicate_line_leaves_the_first_one_in_use(built: duckdb.DuckDBPyConnection) -> None:
    query = "select settle_pts from core.daily_vx_settlements where expiry_date = ?"
    assert rows(built, query, CASES["duplicate line"][0]) == [(20.0,)]


def test_conflicting_lines_are_both_rejected(built: duckdb.DuckDBPyConnection) -> None:
    query = "select reject_reason from stg.vx_contract_rows where expiry_date = ?"
    found = rows(built, query, CASES["conflicting line"][0])
    assert found == [("conflicting_lines_for_one_day",)] * 2


@pytest.mark.parametrize("name", ["no trade", "crossed quotes of a day without trade"])
def test_day_without_trade_has_a_settle_and_no_prices(built: duckdb.DuckDBPyConnection, name: str) -> None:
    query = (
        "select settle_pts, open_pts, high_pts, low_pts, close_pts, volume_contracts, open_interest_contracts "
        "from core.daily_vx_settlements where expiry_date = ?"
    )
    assert rows(built, query, CASES[name][0]) == [(20.0, None, None, None, None, 0, 10)]


@pytest.mark.parametrize("name", ["no trade", "crossed quotes of a day without trade"])
def test_day_without_trade_is_no_matter_for_the_quarantine(built: duckdb.DuckDBPyConnection, name: str) -> None:
    assert rows(built, "select * from ops.quarantined_rows where file_name = ?", f"VX_{CASES[name][0]}.csv") == []


def test_spaces_around_fields_do_not_change_the_values(built: duckdb.DuckDBPyConnection) -> None:
    query = "select settle_pts, open_pts, volume_contracts from core.daily_vx_settlements where expiry_date = ?"
    assert rows(built, query, CASES["spaces around fields"][0]) == [(20.0, 20.0, 100)]


def test_line_numbers_count_every_line_of_the_file(bench: Bench) -> None:
    expiry = date(2025, 1, 22)
    text = f"a legal notice\n\n{VX_HEADER}\n\n{vx_line('2025-01-06', expiry, 20)}\n\n"
    bench.land("vx_contract", f"VX_{expiry}.csv", text)
    assert rows(bench.build(), "select line_no from stg.vx_contract_rows") == [(5,)]


@pytest.mark.parametrize("ending", ["\r\n", "\n"], ids=["crlf", "lf"])
def test_line_endings_and_byte_order_mark_do_not_change_the_values(bench: Bench, ending: str) -> None:
    expiry = date(2025, 1, 22)
    text = f"{VX_HEADER}\n{vx_line('2025-01-06', expiry, 20)}\n"
    bench.land("vx_contract", f"VX_{expiry}.csv", "\ufeff".encode() + text.replace("\n", ending).encode())
    query = "select settle_pts, open_interest_contracts, line_text from stg.vx_contract_rows"
    found = rows(bench.build(), query)
    assert found == [(20.0, 1000, vx_line("2025-01-06", expiry, 20))]


def test_second_header_inside_a_file_loses_no_line(bench: Bench) -> None:
    expiry = date(2025, 1, 22)
    bench.contract(expiry, vx_line("2025-01-06", expiry, 20), VX_HEADER, vx_line("2025-01-07", expiry, 21))
    query = "select line_no, reject_reason from stg.vx_contract_rows order by 1"
    assert rows(bench.build(), query) == [(2, None), (3, "unreadable_trade_date"), (4, None)]


# ---- time of fetching, curve, scale, corrections: each needs its own surroundings ----


def test_row_later_than_its_fetching_is_rejected(bench: Bench) -> None:
    expiry = date(2025, 9, 17)
    lines = [vx_line(day, expiry, 20) for day in ("2025-09-10", "2025-09-11", "2025-09-12")]
    bench.contract(expiry, *lines, at=datetime(2025, 9, 10, 22, tzinfo=UTC))
    query = "select trade_date::varchar, reject_reason from stg.vx_contract_rows order by 1"
    # one day of grace: a clock may be a little off
    assert rows(bench.build(), query) == [
        ("2025-09-10", None),
        ("2025-09-11", None),
        ("2025-09-12", "after_the_day_it_was_fetched"),
    ]


@pytest.mark.parametrize(
    ("settle", "reason"),
    [
        (51, "settle_far_from_the_sessions_curve"),
        (7.9, "settle_far_from_the_sessions_curve"),
        (49, None),
        (8.1, None),
        (3, "settle_out_of_range"),
    ],
)
def test_settle_is_compared_with_its_sessions_curve(bench: Bench, settle: float, reason: str | None) -> None:
    months = monthlies(date(2025, 7, 1), date(2025, 12, 1))
    for expiry in months[:-1]:
        bench.contract(expiry, vx_line("2025-06-02", expiry, 20))
    bench.contract(months[-1], vx_line("2025-06-02", months[-1], settle))
    query = "select reject_reason from stg.vx_contract_rows where expiry_date = ?"
    assert value(bench.build(), query, months[-1]) == reason


def test_two_settles_are_no_curve_to_compare_with(bench: Bench) -> None:
    for expiry, settle in zip(monthlies(date(2025, 7, 1), date(2025, 8, 1)), (10, 60), strict=True):
        bench.contract(expiry, vx_line("2025-06-02", expiry, settle))
    assert rows(bench.build(), "select distinct reject_reason from stg.vx_contract_rows") == [(None,)]


def test_ten_times_quotes_end_inside_a_file_with_26_march_2007(bench: Bench) -> None:
    month = date(2007, 5, 1)
    bench.archive("K07", archive_line(date(2007, 3, 23), month, 140.5), archive_line(date(2007, 3, 26), month, 14.2))
    query = "select trade_date::varchar, settle_pts, high_pts, close_pts from core.daily_vx_settlements order by 1"
    assert rows(bench.build(), query) == [("2007-03-23", 14.05, 14.05, 14.05), ("2007-03-26", 14.2, 14.2, 14.2)]


def test_ten_times_quote_after_the_change_is_out_of_range(bench: Bench) -> None:
    bench.archive("K07", archive_line(date(2007, 3, 26), date(2007, 5, 1), 162.0))
    assert value(bench.build(), "select reject_reason from stg.vx_contract_rows") == "settle_out_of_range"


def test_ten_times_scale_leaves_volume_and_open_interest(bench: Bench) -> None:
    bench.archive("K05", archive_line(date(2005, 3, 24), date(2005, 5, 1), 150, volume=7, interest=70))
    query = "select volume_contracts, open_interest_contracts from core.daily_vx_settlements"
    assert rows(bench.build(), query) == [(7, 70)]


def test_archive_expiry_comes_from_the_rule(bench: Bench) -> None:
    bench.archive("G08", archive_line(date(2008, 1, 3), date(2008, 2, 1), 22))
    assert value(bench.build(), "select expiry_date::varchar from core.daily_vx_settlements") == "2008-02-19"


def test_archive_trailing_commas_and_unpadded_dates_are_read(bench: Bench) -> None:
    month = date(2005, 3, 1)
    bench.archive("H05", archive_line("1/3/2005", month, 150) + ",", archive_line("01/04/2005", month, 151))
    query = "select trade_date::varchar, settle_pts from core.daily_vx_settlements order by 1"
    assert rows(bench.build(), query) == [("2005-01-03", 15.0), ("2005-01-04", 15.1)]


def test_label_shared_by_a_weekly_and_a_monthly_does_not_mix_them(bench: Bench) -> None:
    monthly, weekly = date(2025, 1, 22), date(2025, 1, 8)
    bench.contract(monthly, vx_line("2025-01-06", monthly, 17))
    bench.contract(weekly, vx_line("2025-01-06", weekly, 18))
    query = "select contract_code, is_monthly, tenor_rank, settle_pts from core.daily_vx_settlements order by 1"
    assert rows(bench.build(), query) == [("VX02F25", False, None, 18.0), ("VXF25", True, 1, 17.0)]


@pytest.mark.parametrize(
    ("prices", "expected", "reason"),
    [
        ("20,21,19,18.9", (20.0, 21.0, 19.0, None), "close_outside_high_low"),
        ("22,21,19,20", (None, 21.0, 19.0, 20.0), "open_outside_high_low"),
        ("22,21,19,18", (None, 21.0, 19.0, None), "close_outside_high_low"),
        ("20,19,21,20", (None, None, None, None), "close_outside_high_low"),
    ],
    ids=["close", "open", "both", "crossed"],
)
def test_traded_price_that_cannot_be_is_nulled_and_visible(
    bench: Bench, prices: str, expected: tuple[float | None, ...], reason: str
) -> None:
    expiry = date(2025, 1, 22)
    bench.contract(expiry, vx_line("2025-01-06", expiry, 20, prices=prices))
    connection = bench.build()
    query = "select open_pts, high_pts, low_pts, close_pts from core.daily_vx_settlements"
    assert rows(connection, query) == [expected]
    query = "select disposition, reason, settle_pts from ops.quarantined_rows, core.daily_vx_settlements"
    assert rows(connection, query) == [("field_nulled", reason, 20.0)]


def flagged(settle: float = 120.43) -> str:
    return archive_line("02/15/2006", date(2006, 2, 1), settle)


def test_correction_flags_the_line_it_names_and_keeps_it(bench: Bench) -> None:
    bench.archive("G06", archive_line(date(2006, 2, 14), date(2006, 2, 1), 121), flagged())
    connection = bench.build()
    query = "select trade_date::varchar, is_doubtful from core.daily_vx_settlements order by 1"
    assert rows(connection, query) == [("2006-02-14", False), ("2006-02-15", True)]
    query = "select disposition, reason, line_no from ops.quarantined_rows"
    assert rows(connection, query) == [("kept_flagged", "final_settlement_differs_from_official", 3)]


def test_correction_is_not_applied_to_a_simulated_market(bench: Bench) -> None:
    bench.archive("G06", flagged())
    assert value(bench.build(is_simulated=True), "select is_doubtful from core.daily_vx_settlements") is False


def test_correction_does_not_touch_the_same_text_in_another_file(bench: Bench) -> None:
    bench.archive("H06", archive_line("02/15/2006", date(2006, 3, 1), 130))
    assert value(bench.build(), "select correction from stg.vx_contract_rows") is None
