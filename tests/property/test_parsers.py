"""Whatever bytes come, a parser answers or raises its own error."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bench import list_entry
from tests.support.examples import examples
from transforms.contracts import ListedContract, parse_contract_list
from transforms.errors import SourceError
from transforms.formats import CSV_DATASETS, VX_HEADER, inspect_file, last_trade_date

QUICK = examples(150)
NAMES = {
    "vx_contract_list": "VX_product_list.json",
    "vx_contract": "VX_2025-01-22.csv",
    "vx_archive": "CFE_F05_VX.csv",
    "vx_daily_settlement": "settlement_2025-01-06.csv",
    "vx_final_settlement": "VRO_History.csv",
    "index_history": "VIX_History.csv",
    "fred_series": "DTB3.csv",
    "nyse_breadth": "NYSE_advn.csv",
    "fund_nav": "VIXY-historical_nav.csv",
    "shiller_monthly": "sp500_monthly.csv",
    "sector_price_cash_flow": "sector_price_cash_flow.csv",
    "release_dates": "release_dates.csv",
    "vix_option_chain": "VIX_option_chain.json",
    "price_bars": "SPY_bars.json",
    "fred_vintages": "GDPC1_vintages.json",
    "fomc_calendar": "fomccalendars.htm",
    "shiller_workbook": "ie_data.xls",
}
NOT_LINES = {"vx_contract_list", "vix_option_chain", "price_bars", "fred_vintages", "fomc_calendar", "shiller_workbook"}
# arbitrary bytes rarely look like a file: mix in the pieces of one
PIECES = st.sampled_from(
    [
        VX_HEADER,
        "DATE,OPEN,HIGH,LOW,CLOSE",
        "observation_date,DTB3",
        "<!DOCTYPE html><html>",
        "2025 FOMC Meetings",
        "fomc-meeting__month fomc-meeting__date",
        "20250106, 1500\n",
        '{"data": [{}], "timestamp": "',
        '"}',
        "PK\x03\x04",
        "2025-01-06",
        "1/6/2025",
        ",",
        "\n",
        "\r\n",
        "\ufeff",
        "\x00",
        "<",
    ]
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=30).map(
        lambda parts: "".join(parts).encode("utf-8", "replace")
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
ENTRIES = st.one_of(
    JSON,
    st.fixed_dictionaries({}, optional={
        key: st.one_of(JSON, st.just(value)) for key, value in list_entry(date(2025, 1, 22)).items()
    }),
)  # fmt: skip


def test_names_cover_every_format() -> None:
    assert set(NAMES) == {*CSV_DATASETS, *NOT_LINES}


@pytest.mark.parametrize("dataset", sorted(NAMES))
@examples(60)
@given(body=BODIES)
def test_inspection_of_any_bytes_is_a_reason_or_none(dataset: str, body: bytes) -> None:
    found = inspect_file(dataset, NAMES[dataset], body)
    assert found is None or (isinstance(found, str) and found)


@QUICK
@given(body=BODIES)
def test_last_trade_date_of_any_bytes_is_a_date_or_none(body: bytes) -> None:
    found = last_trade_date(body)
    assert found is None or isinstance(found, date)


@QUICK
@given(body=BODIES)
def test_contract_list_of_any_bytes_is_a_list_or_a_source_error(body: bytes) -> None:
    try:
        listed, _ = parse_contract_list(body)
    except SourceError:
        return
    assert listed


@QUICK
@given(entries=st.lists(ENTRIES, max_size=6))
def test_contract_list_accounts_for_every_entry(entries: list[object]) -> None:
    good = list_entry(date(2025, 1, 8), duration="W")
    listed, refused = parse_contract_list(json.dumps({"2025": [good, *entries]}).encode())
    assert all(isinstance(contract, ListedContract) for contract in listed)
    assert len(refused) >= len(entries) - sum(isinstance(entry, dict) for entry in entries)
    assert len(listed) + len(refused) <= len(entries) + 1
    assert {entry.line_no for entry in refused} <= set(range(2, len(entries) + 2))
