"""Contract codes, file names, and Cboe's contract list, hostile entries included."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.support.bench import list_entry
from transforms import contracts
from transforms.errors import SourceError

JANUARY, WEEKLY = date(2025, 1, 22), date(2025, 1, 8)


def body(*entries: Any) -> bytes:
    return json.dumps({"2025": list(entries)}).encode()


@pytest.mark.parametrize(
    ("expiry", "code"),
    [
        (date(2024, 1, 17), "VXF24"),
        (date(2024, 2, 14), "VXG24"),
        (date(2024, 3, 20), "VXH24"),
        (date(2024, 4, 17), "VXJ24"),
        (date(2024, 5, 22), "VXK24"),
        (date(2024, 6, 18), "VXM24"),
        (date(2024, 7, 17), "VXN24"),
        (date(2024, 8, 21), "VXQ24"),
        (date(2024, 9, 18), "VXU24"),
        (date(2024, 10, 16), "VXV24"),
        (date(2024, 11, 20), "VXX24"),
        (date(2009, 12, 16), "VXZ09"),
    ],
)
def test_monthly_code_states_month_and_year(expiry: date, code: str) -> None:
    assert contracts.contract_code(expiry, is_monthly=True) == code


@pytest.mark.parametrize(("expiry", "code"), [(date(2024, 1, 10), "VX02F24"), (date(2025, 12, 31), "VX01Z25")])
def test_weekly_code_states_the_iso_week_of_its_expiry(expiry: date, code: str) -> None:
    assert contracts.contract_code(expiry, is_monthly=False) == code


@pytest.mark.parametrize("expiry", [JANUARY, WEEKLY])
def test_current_file_name_and_expiry_are_inverse(expiry: date) -> None:
    assert contracts.expiry_of_current_file(contracts.current_file_name(expiry)) == expiry


@pytest.mark.parametrize(
    "name", ["VX_2025-02-30.csv", "VX_2025-1-22.csv", "VXM_2025-01-22.csv", "VX_2025-01-22.csv.gz"]
)
def test_current_file_name_of_another_shape_states_no_expiry(name: str) -> None:
    assert contracts.expiry_of_current_file(name) is None


@pytest.mark.parametrize("month", [date(2004, 5, 1), date(2008, 2, 1), date(2014, 12, 1)])
def test_archive_file_name_and_month_are_inverse(month: date) -> None:
    assert contracts.month_of_archive_file(contracts.archive_file_name(month)) == month


@pytest.mark.parametrize("name", ["CFE_A05_VX.csv", "CFE_F5_VX.csv", "CFE_F05_VXM.csv", "cfe_F05_VX.csv"])
def test_archive_file_name_of_another_shape_states_no_month(name: str) -> None:
    assert contracts.month_of_archive_file(name) is None


def test_contract_list_gives_contracts_sorted_by_expiry() -> None:
    listed, refused = contracts.parse_contract_list(body(list_entry(JANUARY), list_entry(WEEKLY, duration="W")))
    assert [(entry.expiry_date, entry.duration_type) for entry in listed] == [(WEEKLY, "W"), (JANUARY, "M")]
    assert refused == []


def test_contract_list_joins_all_years() -> None:
    years = {"2025": [list_entry(JANUARY)], "2024": [list_entry(date(2024, 1, 17))]}
    listed, _ = contracts.parse_contract_list(json.dumps(years).encode())
    assert [entry.expiry_date.year for entry in listed] == [2024, 2025]


def test_contract_list_keeps_a_repeated_contract_once() -> None:
    listed, _ = contracts.parse_contract_list(body(list_entry(JANUARY), list_entry(JANUARY)))
    assert len(listed) == 1


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("VX", "entry_is_not_an_object"),
        (None, "entry_is_not_an_object"),
        (["VX"], "entry_is_not_an_object"),
        ({}, "not_a_vx_contract"),
        (list_entry(JANUARY, futures_root="VXM"), "not_a_vx_contract"),
        (list_entry(JANUARY, futures_root=["VX"]), "not_a_vx_contract"),
        (list_entry(JANUARY, expire_date="2025-02-30"), "expire_date_is_not_a_date"),
        (list_entry(JANUARY, expire_date=None), "expire_date_is_not_a_date"),
        (list_entry(JANUARY, expire_date={"$gt": ""}), "expire_date_is_not_a_date"),
        (list_entry(JANUARY, duration_type="Q"), "unknown_duration_type"),
        (list_entry(JANUARY, duration_type=["M"]), "unknown_duration_type"),
        (list_entry(JANUARY, path=None), "path_is_not_the_contracts_own"),
        (list_entry(JANUARY, path="../../../../etc/passwd"), "path_is_not_the_contracts_own"),
        (list_entry(JANUARY, path="/etc/passwd"), "path_is_not_the_contracts_own"),
        (list_entry(JANUARY, path="https://elsewhere.test/VX_2025-01-22.csv"), "path_is_not_the_contracts_own"),
        (list_entry(JANUARY, path=list_entry(WEEKLY)["path"]), "path_is_not_the_contracts_own"),
        (list_entry(JANUARY, path=list_entry(JANUARY)["path"] + "/../x"), "path_is_not_the_contracts_own"),
    ],
)
def test_contract_list_refuses_an_entry_that_cannot_be_right(entry: Any, reason: str) -> None:
    listed, refused = contracts.parse_contract_list(body(list_entry(WEEKLY, duration="W"), entry))
    assert [contract.expiry_date for contract in listed] == [WEEKLY]
    assert [(entry.line_no, entry.reason) for entry in refused] == [(2, reason)]


def test_contract_list_keeps_the_text_of_a_refused_entry_short() -> None:
    _, refused = contracts.parse_contract_list(body(list_entry(JANUARY), "x" * 10_000))
    assert refused[0].text.startswith('"xxx')
    assert len(refused[0].text) == 500


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<html>blocked</html>", "not JSON"),
        (b'{"2025": [', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "JSON list without lists by year"),
        (b'{"2025": {"a": 1}}', "JSON dict without lists by year"),
        (b"null", "JSON NoneType"),
        (b"{}", "0 entries, none of them a VX contract"),
        (b'{"2025": [1, 2]}', "2 entries, none of them a VX contract"),
    ],
)
def test_contract_list_of_another_shape_is_a_source_error(content: bytes, found: str) -> None:
    with pytest.raises(SourceError) as caught:
        contracts.parse_contract_list(content)
    assert caught.value.found is not None
    assert found in caught.value.found


def test_contract_list_refuses_a_deeply_nested_entry_without_crashing() -> None:
    entry = json.dumps(list_entry(JANUARY))
    nested = "[" * 400 + "]" * 400
    _, refused = contracts.parse_contract_list(f'{{"2025": [{entry}, {nested}]}}'.encode())
    assert [item.reason for item in refused] == ["entry_is_not_an_object"]
