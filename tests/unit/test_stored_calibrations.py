"""Stored calibrations: written once, read back as they were, refused when they are not; and what `verify` says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from transforms.errors import ChecksFailedError
from transforms.hash_chain import sha256_hex
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.stored_calibrations import (
    StoredCalibration,
    check_stored_calibrations,
    folder_of,
    hash_calibration,
    list_differences,
    read_stored_calibrations,
    write_calibration,
)

ENTRY = StoredCalibration(
    calibrated_on_date=date(2026, 1, 9),
    used_from_date=date(2026, 1, 12),
    values={"vx1_beta_ratio": 0.6123456789012345, "vx1_beta_sessions": 238, "term_exponent": None, "status": "ok"},
    is_simulated=False,
    stored_at_utc="2026-01-10T17:30:00Z",
    run_id="20260110T173000.000Z",
    warehouse_run_id="20260109T233000.000Z",
    code_version="0.1.0",
)
NEXT = replace(ENTRY, calibrated_on_date=date(2026, 1, 16), used_from_date=date(2026, 1, 20))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def edit(path: Path, change: Callable[[dict[str, Any]], object], *, rehash: bool = False) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    if rehash:
        content = {name: value for name, value in document.items() if name != "content_sha256"}
        spelled = json.dumps(content, sort_keys=True, separators=(",", ":"))
        document["content_sha256"] = sha256_hex(spelled.encode())
    path.write_text(json.dumps(document), encoding="utf-8")


def test_calibration_is_read_back_as_it_was_written(home: Home) -> None:
    write_calibration(home, NEXT)
    write_calibration(home, ENTRY)
    found = read_stored_calibrations(home)
    assert found == [replace(entry, content_sha256=hash_calibration(entry)) for entry in (ENTRY, NEXT)]


def test_file_is_named_by_the_first_session_that_uses_it(home: Home) -> None:
    assert write_calibration(home, ENTRY) == home.path / "calibrations" / "2026-01-12.json"


def test_home_without_calibrations_has_none(home: Home) -> None:
    assert read_stored_calibrations(home) == []


def test_calibration_is_never_overwritten(home: Home) -> None:
    path = write_calibration(home, ENTRY)
    before = path.read_bytes()
    with pytest.raises(ChecksFailedError, match="never overwritten"):
        write_calibration(home, replace(ENTRY, values={"vx1_beta_ratio": 0.5}))
    assert path.read_bytes() == before


def test_hash_is_over_everything_but_itself() -> None:
    hashes = {hash_calibration(ENTRY)}
    assert hash_calibration(replace(ENTRY, content_sha256="another")) in hashes
    for change in (
        {"values": {**ENTRY.values, "vx1_beta_ratio": 0.6123456789012346}},
        {"is_simulated": True},
        {"stored_at_utc": "2026-01-10T17:30:01Z"},
        {"run_id": "another"},
        {"warehouse_run_id": "another"},
        {"code_version": "0.1.1"},
        {"used_from_date": date(2026, 1, 13)},
        {"calibrated_on_date": date(2026, 1, 8)},
    ):
        hashes.add(hash_calibration(replace(ENTRY, **change)))  # type: ignore[arg-type]
    assert len(hashes) == 9


@pytest.mark.parametrize(
    ("change", "rehash", "found"),
    [
        (lambda doc: doc["values"].update(vx1_beta_ratio=0.7), False, "content of hash"),
        (lambda doc: doc.update(stored_at_utc="2026-01-11T17:30:00Z"), False, "content of hash"),
        (lambda doc: doc.update(content_sha256="0" * 64), False, "content of hash"),
        (lambda doc: doc.update(added=1), False, "content of hash"),
        (lambda doc: doc.pop("values"), True, "values"),
        (lambda doc: doc.update(values=[1]), True, "values"),
        (lambda doc: doc["values"].update(vx1_beta_ratio=True), True, "values"),
        (lambda doc: doc["values"].update(vx1_beta_ratio=[0.6]), True, "values"),
        (lambda doc: doc.update(run_id=7), True, "run_id"),
        (lambda doc: doc.update(is_simulated="no"), True, "is_simulated"),
        (lambda doc: doc.update(stored_at_utc="yesterday"), True, "yesterday"),
        (lambda doc: doc.update(used_from_date="soon"), True, "soon"),
        (lambda doc: doc.update(calibration_version=2), True, "calibration_version 2"),
        (lambda doc: doc.update(used_from_date="2026-01-13"), True, "used from 2026-01-13"),
        (lambda doc: doc.update(calibrated_on_date="2026-01-12"), True, "calibrated on 2026-01-12"),
    ],
)
def test_changed_file_is_refused_with_its_name_and_the_reason(
    home: Home, change: Callable[[dict[str, Any]], object], rehash: bool, found: str
) -> None:
    path = write_calibration(home, ENTRY)
    edit(path, change, rehash=rehash)
    with pytest.raises(ChecksFailedError) as refused:
        read_stored_calibrations(home)
    assert refused.value.where == str(path)
    assert found in str(refused.value.found)
    assert refused.value.exit_code == 4


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null", b'{"values": NaN}'])
def test_file_that_is_no_calibration_is_refused(home: Home, body: bytes) -> None:
    path = write_calibration(home, ENTRY)
    path.write_bytes(body)
    with pytest.raises(ChecksFailedError, match="cannot be used"):
        read_stored_calibrations(home)


def test_two_calibrations_of_one_week_are_refused(home: Home) -> None:
    write_calibration(home, ENTRY)
    write_calibration(home, replace(ENTRY, used_from_date=date(2026, 1, 13)))
    with pytest.raises(ChecksFailedError) as refused:
        read_stored_calibrations(home)
    assert "a second calibration of 2026-01-09" in str(refused.value.found)


def test_leftover_of_a_killed_write_is_no_calibration(home: Home) -> None:
    write_calibration(home, ENTRY)
    (folder_of(home) / ".2026-01-20.json.abc123.tmp").write_bytes(b'{"half":')
    assert len(read_stored_calibrations(home)) == 1


def test_differences_pass_over_the_last_digit() -> None:
    values = {"a": 0.6, "b": 3, "c": None, "d": "ok"}
    assert list_differences(values, {**values, "a": 0.6 * (1 + 1e-12)}) == []
    assert list_differences(values, {**values, "a": 0.6001}) == ["a"]
    assert list_differences(values, {**values, "c": 0.0}) == ["c"]
    assert list_differences(values, {**values, "d": "partial", "b": 4}) == ["b", "d"]
    assert list_differences(values, {**values, "e": 1}) == ["e"]


# ---- alvh verify ----


def record_of(entry: StoredCalibration, **changes: object) -> dict[str, Any]:
    kept = {"file": entry.file_name, "content_sha256": hash_calibration(entry)}
    return {"run_id": entry.run_id, "outcome": "calibrated", "calibration": kept, **changes}


def whats(home: Home, *records: dict[str, Any]) -> list[str]:
    findings, _ = check_stored_calibrations(home, {str(number): record for number, record in enumerate(records)})
    assert all(finding.area == "calibrations" and finding.is_error for finding in findings)
    return [finding.what for finding in findings]


def test_calibrations_as_they_were_written_have_no_finding(home: Home) -> None:
    for entry in (ENTRY, NEXT):
        write_calibration(home, entry)
    assert whats(home, record_of(ENTRY), record_of(NEXT), {"outcome": "published"}) == []
    assert check_stored_calibrations(home, {})[1] == 2


def test_verify_finds_a_calibration_that_was_changed(home: Home) -> None:
    path = write_calibration(home, ENTRY)
    edit(path, lambda doc: doc["values"].update(vx1_beta_ratio=0.7))
    assert whats(home, record_of(ENTRY)) == ["a stored calibration cannot be used"]


def test_verify_finds_a_calibration_written_anew_with_its_hash(home: Home) -> None:
    path = write_calibration(home, ENTRY)
    edit(path, lambda doc: doc["values"].update(vx1_beta_ratio=0.7), rehash=True)
    assert read_stored_calibrations(home)
    assert whats(home, record_of(ENTRY)) == ["a stored calibration is not the one of its run"]


def test_verify_finds_a_calibration_that_is_gone(home: Home) -> None:
    write_calibration(home, ENTRY).unlink()
    assert whats(home, record_of(ENTRY)) == ["a stored calibration is gone"]


def test_verify_does_not_miss_a_calibration_whose_run_was_killed_before_it(home: Home) -> None:
    assert whats(home, record_of(ENTRY, outcome="interrupted")) == []


def test_verify_finds_a_calibration_that_no_run_stored(home: Home) -> None:
    write_calibration(home, ENTRY)
    assert whats(home) == ["a stored calibration that no run record names"]


def test_verify_looks_again_for_the_record_of_a_run_that_stored_meanwhile(home: Home) -> None:
    write_calibration(home, ENTRY)
    (home.runs / f"{ENTRY.run_id}.json").write_text(json.dumps(record_of(ENTRY, outcome="running")), encoding="utf-8")
    assert whats(home) == []


def test_verify_finds_a_week_that_is_stored_twice(home: Home) -> None:
    again = replace(ENTRY, used_from_date=date(2026, 1, 13))
    for entry in (ENTRY, again):
        write_calibration(home, entry)
    assert whats(home, record_of(ENTRY), record_of(again)) == ["two calibrations of one week are stored"]


def test_verify_of_the_home_counts_and_judges_the_calibrations(home: Home) -> None:
    assert "stored calibrations" not in verify_home(home).checked
    path = write_calibration(home, ENTRY)
    (home.runs / f"{ENTRY.run_id}.json").write_text(json.dumps(record_of(ENTRY)), encoding="utf-8")
    report = verify_home(home)
    assert report.is_sound
    assert report.checked["stored calibrations"] == 1
    edit(path, lambda doc: doc["values"].update(vx1_beta_ratio=0.7))
    (finding,) = verify_home(home).findings
    assert (finding.area, finding.where) == ("calibrations", str(path))
