"""Whether a body is the file it claims to be: every refusal and every acceptance."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.bench import vx_line
from transforms.formats import (
    CSV_DATASETS,
    DAILY_SETTLEMENT_HEADER,
    FUND_HEADER,
    RELEASE_DATES_HEADER,
    SECTOR_HEADER,
    SHILLER_HEADER,
    VX_HEADER,
    inspect_file,
    last_trade_date,
)

EXPIRY = date(2025, 1, 22)
LINE = vx_line("2025-01-06", EXPIRY, 17)
NAME = "VX_2025-01-22.csv"

GOOD = {
    "vx_contract": (NAME, f"{VX_HEADER}\n{LINE}\n"),
    "vx_archive": ("CFE_F05_VX.csv", f"{VX_HEADER}\n10/21/2004,F (Jan 05),1,1,1,1,1,1,1,0,1\n"),
    "vx_daily_settlement": ("settlement_2025-01-06.csv", f"{DAILY_SETTLEMENT_HEADER}\nVX,VX/F5,2025-01-22,17.5\n"),
    "vx_final_settlement": ("VRO_History.csv", "DATE,VRO\n01/22/2025,17\n"),
    "index_history": ("VIX_History.csv", "DATE,OPEN,HIGH,LOW,CLOSE\n01/06/2025,1,1,1,1\n"),
    "fred_series": ("DTB3.csv", "observation_date,DTB3\n2025-01-06,4.2\n"),
    "nyse_breadth": ("NYSE_advn.csv", "20250106, 1500\n20250107, 1600\n"),
    "fund_nav": ("VIXY-historical_nav.csv", f"{FUND_HEADER}\n01/06/2025,A fund,VIXY,40,41,-2.4,-1,900.000,36000000\n"),
    "shiller_monthly": ("sp500_monthly.csv", f"{SHILLER_HEADER}\n2025-01-01,5900,74,0,0,4.6,0,0,0,0.0\n"),
    "sector_price_cash_flow": ("sector_price_cash_flow.csv", f"{SECTOR_HEADER}\n2025-01-31,2025-02-03,Energy,7.5\n"),
    "release_dates": ("release_dates.csv", f"{RELEASE_DATES_HEADER}\nGDPC1,2025-01-01,2025-04-30\n"),
}


def vx(text: str | bytes) -> str | None:
    return inspect_file("vx_contract", NAME, text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize("dataset", sorted(GOOD))
def test_inspection_accepts_a_good_file(dataset: str) -> None:
    name, text = GOOD[dataset]
    assert inspect_file(dataset, name, text.encode()) is None


def test_good_files_cover_every_csv_format() -> None:
    assert set(GOOD) == set(CSV_DATASETS)


@pytest.mark.parametrize("dataset", sorted(GOOD))
def test_inspection_accepts_crlf(dataset: str) -> None:
    name, text = GOOD[dataset]
    assert inspect_file(dataset, name, text.replace("\n", "\r\n").encode()) is None


@pytest.mark.parametrize("dataset", sorted(GOOD))
def test_inspection_accepts_a_byte_order_mark(dataset: str) -> None:
    name, text = GOOD[dataset]
    assert inspect_file(dataset, name, text.encode("utf-8-sig")) is None


def test_inspection_accepts_a_legal_notice_above_the_header() -> None:
    assert vx(f"This data is provided as is, without warranty.\n{VX_HEADER}\n{LINE}\n") is None


def test_inspection_accepts_trailing_commas() -> None:
    assert vx(f"{VX_HEADER},\n{LINE},\n") is None


def test_inspection_accepts_blank_lines() -> None:
    assert vx(f"\n{VX_HEADER}\n\n{LINE}\n\n\n") is None


@pytest.mark.parametrize("dataset", sorted(GOOD))
def test_inspection_accepts_a_header_alone_where_that_can_be(dataset: str) -> None:
    name, text = GOOD[dataset]
    header = text.split("\n")[0]
    # a contract listed today has no settlement yet, and a user's file may be empty; a history has lost its lines
    is_history = dataset in ("vx_archive", "vx_final_settlement", "index_history", "fred_series")
    assert inspect_file(dataset, name, f"{header}\n".encode()) == ("no line below the header" if is_history else None)


def test_inspection_accepts_a_last_line_without_its_last_field() -> None:
    # a contract row without open interest: the row is judged by itself
    assert vx(f"{VX_HEADER}\n{LINE.rsplit(',', 1)[0]}\n") is None


@pytest.mark.parametrize("header", ["DATE,VRO", "DATE,OPEN,HIGH,LOW,CLOSE", "DATE,CLOSE"])
def test_inspection_accepts_each_layout_of_final_settlements(header: str) -> None:
    values = ",17" * header.count(",")
    assert inspect_file("vx_final_settlement", "VRO_History.csv", f"{header}\n01/22/2025{values}\n".encode()) is None


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("VIX_History.csv", "DATE,VIX"),
        ("VVIX_History.csv", "DATE,VVIX"),
        ("VVIX_History.csv", "DATE,OPEN,HIGH,LOW,CLOSE"),
    ],
)
def test_inspection_accepts_either_layout_of_an_index(name: str, header: str) -> None:
    values = ",17" * header.count(",")
    assert inspect_file("index_history", name, f"{header}\n01/06/2025{values}\n".encode()) is None


def test_inspection_accepts_the_older_header_of_a_series() -> None:
    assert inspect_file("fred_series", "DTB3.csv", b"DATE,DTB3\n2025-01-06,.\n") is None


def test_inspection_accepts_a_series_with_a_blank_last_value() -> None:
    assert inspect_file("fred_series", "DTB3.csv", b"observation_date,DTB3\n2025-01-06,\n") is None


@pytest.mark.parametrize(
    "body", [b"", b"\n", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\x1c", "\u2003\n".encode()]
)
def test_inspection_refuses_an_empty_file(body: bytes) -> None:
    assert inspect_file("vx_contract", NAME, body) == "empty file"


def test_inspection_refuses_bytes_that_are_not_utf8() -> None:
    assert vx(b"Trade Date\xff") == "not UTF-8 text: byte 0xff at offset 10"


def test_inspection_refuses_nul_bytes() -> None:
    assert vx(f"{VX_HEADER}\n{LINE}\n\x00\x00\n") == "not text: contains NUL bytes"


@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html><html></html>", "\n  <?xml version='1.0'?><Error>AccessDenied</Error>\n"]
)
@pytest.mark.parametrize("dataset", ["vx_contract", "vx_contract_list"])
def test_inspection_refuses_a_page_under_the_files_name(page: str, dataset: str) -> None:
    found = inspect_file(dataset, NAME, page.encode())
    assert found is not None
    assert found.startswith("a web page or XML error instead of data: ")


def test_inspection_refuses_another_header() -> None:
    found = vx("Trade Date,Open\n2025-01-06,1\n")
    assert found is not None
    assert found.startswith(f"header not found: expected {VX_HEADER!r}, found 'Trade Date,Open'")


def test_inspection_refuses_renamed_columns() -> None:
    found = vx(f"{VX_HEADER.replace('Settle', 'Settlement')}\n{LINE}\n")
    assert found is not None
    assert "header not found" in found


def test_inspection_refuses_a_header_far_below_the_top() -> None:
    found = vx("notice\n" * 5 + f"{VX_HEADER}\n{LINE}\n")
    assert found is not None
    assert "header not found" in found


def test_inspection_refuses_another_index_under_the_name() -> None:
    found = inspect_file("index_history", "VVIX_History.csv", b"DATE,SKEW\n01/06/2025,140\n")
    assert found == "header not found: expected 'DATE,VVIX', found 'DATE,SKEW'"


def test_inspection_refuses_another_series_under_the_name() -> None:
    found = inspect_file("fred_series", "DTB3.csv", b"observation_date,DFF\n2025-01-06,4.3\n")
    assert found is not None
    assert "header not found" in found


def test_inspection_refuses_a_file_cut_off_in_its_last_line() -> None:
    found = vx(f"{VX_HEADER}\n{LINE}\n{LINE[:-3]}")
    assert found is not None
    assert found.startswith("cut off: the last line is not ended")


def test_inspection_refuses_a_whole_line_without_its_end() -> None:
    found = vx(f"{VX_HEADER}\n{LINE}")
    assert found is not None
    assert "the last line is not ended" in found


def test_inspection_refuses_a_header_without_its_end() -> None:
    assert vx(VX_HEADER) == "cut off after the header"


def test_inspection_refuses_an_ended_last_line_with_too_few_fields() -> None:
    assert vx(f"{VX_HEADER}\n{LINE}\n2025-01-07,F (Jan\n") == "cut off: the last line has 2 of 11 fields"


def test_inspection_refuses_an_index_line_without_a_value() -> None:
    found = inspect_file("index_history", "VIX_History.csv", b"DATE,OPEN,HIGH,LOW,CLOSE\n01/06/2025\n")
    assert found == "cut off: the last line has 1 of 5 fields"


def test_inspection_accepts_complete_json_as_contract_list() -> None:
    assert inspect_file("vx_contract_list", "VX_product_list.json", b'{"2025": []}') is None


@pytest.mark.parametrize("body", [b'{"2025": [', b"not json", b"[" * 100_000, b"\xef\xbb\xbf"])
def test_inspection_refuses_incomplete_json(body: bytes) -> None:
    assert inspect_file("vx_contract_list", "VX_product_list.json", body) is not None


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        (f"{VX_HEADER}\n{LINE}\n", date(2025, 1, 6)),
        (f"{VX_HEADER}\r\n10/21/2004,F\r\n1/3/2005,F\r\n", date(2005, 1, 3)),
        (f"{VX_HEADER}\n{LINE}\n\n , ,\n", date(2025, 1, 6)),
        (f"{VX_HEADER}\n", None),
        ("", None),
        (f"{VX_HEADER}\n{LINE}\n13/45/2025,x\n", date(2025, 1, 6)),
        (f"{VX_HEADER}\n{LINE}\n1/1/99999999999999999999,x\n", date(2025, 1, 6)),
        (f"{VX_HEADER}\n{LINE}\n1/2,x\n", date(2025, 1, 6)),
    ],
    ids=["iso", "month first", "blank lines", "header alone", "empty", "no such day", "absurd year", "short"],
)
def test_last_trade_date_is_the_date_of_the_last_dated_line(text: str, newest: date | None) -> None:
    assert last_trade_date(text.encode()) == newest
