"""The inputs/ folder of a home: read inside it only, whole, bounded, and never waited for."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.sources.base import Absent, Fetched, Known, NotModified, Request, Source
from flows.sources.user_files import LARGEST, UserFiles, user_files
from transforms.errors import SourceError, TransientSourceError

NOW = datetime(2026, 1, 9, 22, 30, tzinfo=UTC)
BODY = b"series_id,reference_date,release_date\nGDPC1,2025-01-01,2025-04-30\n"
REQUEST = {request.name: request for request in user_files()}
DATES = REQUEST["release_dates.csv"]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "inputs"
    folder.mkdir(parents=True)
    return folder


def source(inputs: Path) -> UserFiles:
    return UserFiles(inputs.parent, utcnow=lambda: NOW)


def sparse(path: Path, size: int) -> None:
    path.touch()
    os.truncate(path, size)


def refused(inputs: Path, request: Request = DATES) -> SourceError:
    with pytest.raises(SourceError) as caught:
        source(inputs).fetch(request)
    assert caught.value.where
    assert caught.value.next_step
    return caught.value


def test_user_files_satisfy_the_source_protocol(inputs: Path) -> None:
    checked: Source = source(inputs)
    assert checked.name == "inputs"


def test_user_files_are_optional_and_of_the_publisher_user() -> None:
    assert {(r.publisher, r.requirement, r.may_be_absent, r.max_bytes) for r in user_files()} == {
        ("user", "optional", True, LARGEST)
    }
    assert {r.name: r.dataset for r in user_files()} == {
        "sector_price_cash_flow.csv": "sector_price_cash_flow",
        "release_dates.csv": "release_dates",
        "ie_data.xls": "shiller_workbook",
        "ie_data.xlsx": "shiller_workbook",
        "book.toml": "book",
    }


def test_user_file_is_fetched_with_its_place(inputs: Path) -> None:
    path = inputs / "release_dates.csv"
    path.write_bytes(BODY)
    os.utime(path, (1_767_387_600, 1_767_387_600))
    assert source(inputs).fetch(DATES) == Fetched(
        request=DATES,
        body=BODY,
        status=200,
        fetched_at_utc=NOW,
        headers={"last-modified": "Fri, 02 Jan 2026 21:00:00 GMT"},
        via="inputs/release_dates.csv",
    )


def test_user_file_that_is_known_is_not_modified(inputs: Path) -> None:
    (inputs / "release_dates.csv").write_bytes(BODY)
    known = Known(hashlib.sha256(BODY).hexdigest())
    assert isinstance(source(inputs).fetch(DATES, known), NotModified)


def test_user_file_that_is_not_there_is_absent(inputs: Path) -> None:
    outcome = source(inputs).fetch(DATES)
    assert isinstance(outcome, Absent)
    assert outcome.reason == "not in inputs/"


def test_home_without_inputs_has_no_user_files(tmp_path: Path) -> None:
    assert isinstance(UserFiles(tmp_path / "nowhere").fetch(DATES), Absent)


def test_inputs_that_is_a_file_holds_no_user_files(tmp_path: Path) -> None:
    (tmp_path / "inputs").write_bytes(b"x")
    assert isinstance(UserFiles(tmp_path).fetch(DATES), Absent)


def test_inputs_may_itself_be_a_link(inputs: Path, tmp_path: Path) -> None:
    (inputs / "release_dates.csv").write_bytes(BODY)
    other = tmp_path / "other"
    other.mkdir()
    (other / "inputs").symlink_to(inputs)
    assert isinstance(UserFiles(other).fetch(DATES), Fetched)


def test_inputs_that_is_a_link_to_itself_is_an_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "inputs").symlink_to("inputs")
    with pytest.raises(TransientSourceError):
        UserFiles(tmp_path).fetch(DATES)


def test_link_out_of_inputs_is_refused(inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(BODY)
    (inputs / "release_dates.csv").symlink_to(tmp_path / "secret.csv")
    assert refused(inputs).what == "A link in inputs/ leads out of it."


def test_link_to_the_rest_of_the_home_is_refused(inputs: Path) -> None:
    (inputs.parent / "run.lock").write_bytes(BODY)
    (inputs / "release_dates.csv").symlink_to("../run.lock")
    assert "leads out" in refused(inputs).what


def test_link_within_inputs_is_followed(inputs: Path) -> None:
    (inputs / "dates-2026.csv").write_bytes(BODY)
    (inputs / "release_dates.csv").symlink_to("dates-2026.csv")
    assert isinstance(source(inputs).fetch(DATES), Fetched)


def test_user_file_of_exactly_the_limit_is_accepted(inputs: Path) -> None:
    sparse(inputs / "ie_data.xls", LARGEST)
    assert isinstance(source(inputs).fetch(REQUEST["ie_data.xls"]), Fetched)


def test_user_file_over_the_limit_is_refused(inputs: Path) -> None:
    sparse(inputs / "ie_data.xls", LARGEST + 1)
    assert refused(inputs, REQUEST["ie_data.xls"]).found == f"{LARGEST + 1} bytes"


def test_empty_user_file_is_refused(inputs: Path) -> None:
    (inputs / "release_dates.csv").write_bytes(b"")
    assert refused(inputs).found == "no bytes"


def test_named_pipe_in_inputs_is_refused_without_waiting(inputs: Path) -> None:
    os.mkfifo(inputs / "release_dates.csv")
    assert "cannot be used" in refused(inputs).what


def test_folder_under_a_user_files_name_is_absent(inputs: Path) -> None:
    (inputs / "release_dates.csv").mkdir()
    assert isinstance(source(inputs).fetch(DATES), Absent)


def test_user_file_that_cannot_be_read_is_transient(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inputs / "release_dates.csv").write_bytes(BODY)

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("flows.sources.folder.os.open", refuse)
    error = refused(inputs)
    assert isinstance(error, TransientSourceError)
    assert error.found == "Permission denied"
