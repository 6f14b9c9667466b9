"""Whether a body of context (chains, bars, vintages, pages, workbooks, counts) is what it claims to be."""

from __future__ import annotations

import json
import struct
from datetime import date

import pytest

from tests.support.book import ACCOUNT, EXAMPLE
from tests.support.workbook import shiller_rows
from tests.support.workbook import xls as written_xls
from transforms.formats import (
    FUND_HEADER,
    RELEASE_DATES_HEADER,
    SECTOR_HEADER,
    SHILLER_HEADER,
    inspect_file,
    last_breadth_date,
)

CHAIN = {"timestamp": "2026-01-09 22:00:00", "data": {"options": [{"option": "VIX260121C00010000"}]}}
BARS = {"timestamp": "2026-01-09 22:00:00", "symbol": "SPY", "data": [{"date": "2026-01-09", "close": "1"}]}
VINTAGES = {"count": 2, "limit": 100000, "observations": [{"date": "2025-01-01"}, {"date": "2025-02-01"}]}
PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>The Fed - Meeting calendars</title></head><body>
<div class="panel-heading"><h4><a id="1">2026 FOMC Meetings</a></h4></div>
<div class="fomc-meeting__month"><strong>January</strong></div><div class="fomc-meeting__date">27-28</div>
</body></html>
"""
GOOD = {
    "vix_option_chain": ("VIX_option_chain.json", CHAIN),
    "price_bars": ("SPY_bars.json", BARS),
    "fred_vintages": ("GDPC1_vintages.json", VINTAGES),
}


def inspect(dataset: str, content: object) -> str | None:
    return inspect_file(dataset, GOOD[dataset][0], json.dumps(content).encode())


def page(text: str) -> str | None:
    return inspect_file("fomc_calendar", "fomccalendars.htm", text.encode())


def workbook(body: bytes) -> str | None:
    return inspect_file("shiller_workbook", "ie_data.xls", body)


def xls(sectors: int = 6, folder: int = 4) -> bytes:
    """A compound file's header with a table of sectors in sector 5, and that many empty sectors."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", header, 30, 9)
    struct.pack_into("<I", header, 48, folder)
    struct.pack_into("<109I", header, 76, 5, *[0xFFFFFFFF] * 108)
    return bytes(header) + bytes(512 * sectors)


# --- JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", sorted(GOOD))
def test_inspection_accepts_json_of_the_expected_outline(dataset: str) -> None:
    assert inspect(dataset, GOOD[dataset][1]) is None


@pytest.mark.parametrize("dataset", sorted(GOOD))
def test_inspection_refuses_json_that_is_cut_off(dataset: str) -> None:
    name, content = GOOD[dataset]
    found = inspect_file(dataset, name, json.dumps(content).encode()[:-5])
    assert found is not None
    assert found.startswith("not complete JSON")


@pytest.mark.parametrize("dataset", sorted(GOOD))
def test_inspection_refuses_a_page_instead_of_json(dataset: str) -> None:
    found = inspect_file(dataset, GOOD[dataset][0], b"<html>Access denied</html>")
    assert found is not None
    assert found.startswith("a web page")


@pytest.mark.parametrize("content", [[], {}, {"data": []}, {"data": {"options": {}}}, "text", None])
def test_inspection_refuses_another_outline_as_an_option_chain(content: object) -> None:
    assert inspect("vix_option_chain", content) == "not an option chain: no list data.options"


def test_inspection_refuses_an_empty_option_chain() -> None:
    assert inspect("vix_option_chain", {**CHAIN, "data": {"options": []}}) == "an option chain without options"


def test_inspection_refuses_an_option_chain_without_its_instant() -> None:
    found = inspect("vix_option_chain", {"data": CHAIN["data"]})
    assert found is not None
    assert found.endswith("no timestamp")


@pytest.mark.parametrize("content", [[], {}, {"data": {}}, 3])
def test_inspection_refuses_another_outline_as_bars(content: object) -> None:
    assert inspect("price_bars", content) == "not daily bars: no list data"


def test_inspection_refuses_bars_of_no_day() -> None:
    assert inspect("price_bars", {**BARS, "data": []}) == "daily bars without a day"


def test_inspection_refuses_bars_of_another_symbol() -> None:
    assert (
        inspect("price_bars", {**BARS, "symbol": "RSP"}) == "daily bars of another symbol: expected 'SPY', found 'RSP'"
    )


def test_inspection_accepts_bars_that_state_no_symbol() -> None:
    assert inspect("price_bars", {"data": BARS["data"]}) is None


def test_inspection_shows_what_fred_says_instead_of_vintages() -> None:
    found = inspect("fred_vintages", {"error_code": 400, "error_message": "Bad Request."})
    assert found == "not observations: 'Bad Request.'"


@pytest.mark.parametrize("content", [[], {}, {"observations": None}])
def test_inspection_refuses_another_outline_as_vintages(content: object) -> None:
    assert inspect("fred_vintages", content) == "not observations"


def test_inspection_refuses_vintages_of_which_there_are_more() -> None:
    assert inspect("fred_vintages", {**VINTAGES, "count": 3}) == "cut off: 2 of 3 observations"


def test_inspection_refuses_no_vintages() -> None:
    assert inspect("fred_vintages", {"count": 0, "observations": []}) == "vintages without an observation"


# --- the FOMC page ----------------------------------------------------------------------------


def test_inspection_accepts_a_page_of_meetings() -> None:
    assert page(PAGE) is None


def test_inspection_accepts_a_page_with_a_stray_byte() -> None:
    assert inspect_file("fomc_calendar", "fomccalendars.htm", PAGE.encode().replace(b"The Fed", b"The\x92 Fed")) is None


def test_inspection_refuses_an_error_page_by_its_title() -> None:
    assert page("<html><head><title>Page not\n found</title></head></html>") == (
        "a web page without FOMC meetings: 'Page not found'"
    )


@pytest.mark.parametrize("gone", ["FOMC Meetings", "fomc-meeting__month", "fomc-meeting__date"])
def test_inspection_refuses_a_page_of_another_layout(gone: str) -> None:
    found = page(PAGE.replace(gone, "else"))
    assert found is not None
    assert found.startswith("a web page without FOMC meetings")


def test_inspection_refuses_a_page_that_is_cut_off() -> None:
    assert page(PAGE.split("</body>")[0]) == "cut off: the page is not ended"


@pytest.mark.parametrize("text", ['{"error": 1}', "2026 FOMC Meetings", "<Error><Code>AccessDenied</Code></Error>"])
def test_inspection_refuses_what_is_no_page(text: str) -> None:
    found = page(text)
    assert found is not None
    assert found.startswith("not a web page")


@pytest.mark.parametrize("dataset", ["nyse_breadth", "fund_nav", "shiller_monthly", "release_dates"])
def test_inspection_refuses_the_fomc_page_under_any_other_name(dataset: str) -> None:
    found = inspect_file(dataset, "file.csv", PAGE.encode())
    assert found is not None
    assert found.startswith("a web page")


# --- workbooks --------------------------------------------------------------------------------


def test_inspection_accepts_a_workbook() -> None:
    whole = [(f"2024.{month:02d}", 4800.0, 70.0, 190.0, 33.0) for month in range(1, 7)]
    assert workbook(written_xls(shiller_rows(*whole))) is None


def test_inspection_refuses_a_workbook_that_is_not_shillers() -> None:
    assert workbook(written_xls([["some", "other", "table"]])) is not None


@pytest.mark.parametrize("size", [8, 500, 512 * 5, 512 * 6])
def test_inspection_refuses_an_xls_that_is_cut_off(size: int) -> None:
    found = workbook(xls()[:size])
    assert found is not None
    assert found.startswith("cut off")


def test_inspection_refuses_an_xls_whose_folder_is_nowhere() -> None:
    assert workbook(xls(folder=0xFFFFFFFE)) is not None


@pytest.mark.parametrize("name", ["ie_data.xls", "ie_data.xlsx"])
def test_inspection_says_how_to_mend_a_newer_workbook(name: str) -> None:
    found = inspect_file("shiller_workbook", name, b"PK\x03\x04 and more")
    assert found is not None
    assert "save it as .xls" in found


@pytest.mark.parametrize("body", [b"<html>moved</html>", b"Date,P,D,E\n", b"\x00\x01"])
def test_inspection_refuses_what_is_no_workbook(body: bytes) -> None:
    found = workbook(body)
    assert found is not None
    assert found.startswith("not an Excel workbook")


# --- lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Date,Advances\n20250106, 1500\n", "2025-01-06, 1500\n", "20250106\n", "moved\n"])
def test_inspection_refuses_another_layout_as_a_count(text: str) -> None:
    found = inspect_file("nyse_breadth", "NYSE_advn.csv", text.encode())
    assert found is not None
    assert found.startswith("not a count of issues")


@pytest.mark.parametrize("end", ["20250107, 1", "20250107, 1600", "2025"])
def test_inspection_refuses_a_count_without_its_last_line_end(end: str) -> None:
    found = inspect_file("nyse_breadth", "NYSE_advn.csv", f"20250106, 1500\n{end}".encode())
    assert found == f"cut off: the last line is not ended: {end!r}"


def test_inspection_refuses_a_count_cut_off_in_an_ended_line() -> None:
    assert inspect_file("nyse_breadth", "NYSE_advn.csv", b"20250106, 1500\n20250107\n") is not None


@pytest.mark.parametrize("line", ["20250107, 0", "20250107, -1", "20250107,1600", "20250107, 1600.0"])
def test_inspection_leaves_the_number_of_a_count_to_the_rows(line: str) -> None:
    assert inspect_file("nyse_breadth", "NYSE_advn.csv", f"20250106, 1500\n{line}\n".encode()) is None


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        (b"20200207, 1500\n20200210, 0\n", date(2020, 2, 10)),
        (b"20200207, 1500\r\n\r\n", date(2020, 2, 7)),
        (b"20200207, 1500\n20209999, 1\nx\n", date(2020, 2, 7)),
        (b"", None),
        (b"\xff\xfe", None),
    ],
)
def test_last_breadth_date_is_that_of_the_last_readable_line(text: bytes, newest: date | None) -> None:
    assert last_breadth_date(text) == newest


FUND_LINE = "01/06/2025,A fund,VIXY,40,41,-2.4,-1,900.000,36000000"


def test_inspection_accepts_a_fund_file_whose_last_line_is_whole_but_not_ended() -> None:
    assert inspect_file("fund_nav", "VIXY-historical_nav.csv", f"{FUND_HEADER}\n{FUND_LINE}".encode()) is None


def test_inspection_refuses_a_fund_file_cut_off_in_its_last_line() -> None:
    cut = f"{FUND_HEADER}\n{FUND_LINE}\n{FUND_LINE.rsplit(',', 1)[0]}"
    found = inspect_file("fund_nav", "VIXY-historical_nav.csv", cut.encode())
    assert found is not None
    assert found.startswith("cut off: the last line is not ended")


@pytest.mark.parametrize(
    ("dataset", "header", "line"),
    [
        ("sector_price_cash_flow", SECTOR_HEADER, "2025-01-31,2025-02-03,Energy,7.5"),
        ("release_dates", RELEASE_DATES_HEADER, "GDPC1,2025-01-01,2025-04-30"),
    ],
)
def test_inspection_accepts_a_users_file_without_its_last_line_end(dataset: str, header: str, line: str) -> None:
    assert inspect_file(dataset, f"{dataset}.csv", f"{header}\n{line}".encode()) is None


@pytest.mark.parametrize("dataset", ["sector_price_cash_flow", "release_dates"])
def test_inspection_refuses_a_users_file_with_other_columns(dataset: str) -> None:
    found = inspect_file(dataset, f"{dataset}.csv", b"date,value\n2025-01-31,1\n")
    assert found is not None
    assert found.startswith("header not found")


def test_inspection_refuses_shillers_data_cut_off() -> None:
    found = inspect_file("shiller_monthly", "sp500_monthly.csv", f"{SHILLER_HEADER}\n2025-01-01,5900,7".encode())
    assert found is not None
    assert found.startswith("cut off: the last line is not ended")


# ---- the user's book ----


@pytest.mark.parametrize("text", [EXAMPLE, ACCOUNT, ACCOUNT.replace("\n", "\r\n"), "\ufeff" + ACCOUNT, ACCOUNT[:-1]])
def test_inspection_accepts_a_book(text: str) -> None:
    assert inspect_file("book", "book.toml", text.encode()) is None


def test_inspection_leaves_the_day_of_a_book_to_whoever_uses_it() -> None:
    assert inspect_file("book", "book.toml", ACCOUNT.replace("2026", "2051").encode()) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            EXAMPLE.replace("quantity = 4", "quantitiy = 4"),
            (
                "unknown key 'quantitiy' in [hedge.futures[1]]: at book.toml:45 (hedge.futures[1].quantitiy), "
                "found quantitiy, expected quantity"
            ),
        ),
        (
            ACCOUNT.replace("100000", "-5"),
            (
                "an account without a positive value has nothing to protect: at book.toml:2 (account.nav_usd), "
                "found -5, expected dollars above 0"
            ),
        ),
        (EXAMPLE[: len(EXAMPLE) // 2], "the book is not valid TOML: at book.toml:"),
        ("<html>\n", "a web page or XML error instead of data: '<html>'"),
    ],
)
def test_inspection_refuses_a_book_with_its_line(text: str, reason: str) -> None:
    assert str(inspect_file("book", "book.toml", text.encode())).startswith(reason)
