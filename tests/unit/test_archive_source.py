"""The archive source: a folder that stands in for the publishers."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.sources.archive import ArchiveSource, archive_path
from flows.sources.base import Absent, Fetched, Known, NotModified, Request, Source
from transforms.errors import SourceError, TransientSourceError, UsageError

CSV_URL = "https://cdn.cboe.com/data/VX/VX_2026-01-21.csv"
CSV_PATH = "cdn.cboe.com/data/VX/VX_2026-01-21.csv"
BODY = b"Trade Date,Futures\n2026-01-02,F (Jan 2026)\n"
NOW = datetime(2026, 1, 7, 23, 30, tzinfo=UTC)
# 2026-01-02 21:00:00 UTC
MTIME = 1_767_387_600


def ask(url: str = CSV_URL, **more: Any) -> Request:
    return Request("cboe", "vx_contract", "file.csv", url, "required", **more)


def put(folder: Path, path: str, content: bytes = BODY) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (MTIME, MTIME))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "archive", CSV_PATH)
    return tmp_path / "archive"


@pytest.fixture
def source(folder: Path) -> ArchiveSource:
    return ArchiveSource(folder, utcnow=lambda: NOW)


def test_archive_source_satisfies_the_source_protocol(source: ArchiveSource) -> None:
    checked: Source = source
    assert checked.name == "archive"


def test_archive_file_is_fetched_with_its_provenance(source: ArchiveSource) -> None:
    assert source.fetch(ask()) == Fetched(
        request=ask(),
        body=BODY,
        status=200,
        fetched_at_utc=NOW,
        headers={"last-modified": "Fri, 02 Jan 2026 21:00:00 GMT"},
        via=CSV_PATH,
    )


def test_archive_default_clock_is_timezone_aware(folder: Path) -> None:
    outcome = ArchiveSource(folder).fetch(ask())
    assert isinstance(outcome, Fetched)
    assert outcome.fetched_at_utc.utcoffset() is not None


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (CSV_URL, CSV_PATH),
        ("https://www.cboe.com/settlement/csv?dt=2026-01-07", "www.cboe.com/settlement/csv/dt=2026-01-07"),
        ("https://fred.stlouisfed.org/g.csv?id=A&v=1", "fred.stlouisfed.org/g.csv/id=A&v=1"),
        ("https://www-api.cboe.com/list/VX/", "www-api.cboe.com/list/VX/index.json"),
        ("https://www-api.cboe.com/list/VX/?a=1", "www-api.cboe.com/list/VX/a=1"),
        ("https://www-api.cboe.com", "www-api.cboe.com/index.json"),
        ("http://unicorn.us.com/advdec/NYSE_advn.csv", "unicorn.us.com/advdec/NYSE_advn.csv"),
    ],
)
def test_archive_path_follows_the_address(url: str, path: str, folder: Path) -> None:
    put(folder, path, b"here")
    outcome = ArchiveSource(folder).fetch(ask(url))
    assert isinstance(outcome, Fetched)
    assert (outcome.via, outcome.body) == (path, b"here")


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.cboe.com/../secret.csv",
        "https://cdn.cboe.com/a/%2e%2e/%2e%2e/secret.csv",
        "https://cdn.cboe.com/a%2f..%2f..%2fsecret.csv",
        "https://cdn.cboe.com//etc//hostname",
        "https://cdn.cboe.com/a\\..\\secret.csv",
        "https://cdn.cboe.com/a.csv?x=/../../secret.csv",
        "https://cdn.cboe.com/a.csv?..",
        "https://cdn.cboe.com/a%00.csv",
        "https://../secret.csv",
        "https:///secret.csv",
        "file:///etc/hostname",
        "https://[broken/a.csv",
        "",
    ],
)
def test_archive_path_never_climbs(url: str) -> None:
    with pytest.raises(SourceError, match="no place in an archive"):
        archive_path(url)


def test_archive_missing_file_is_absent(source: ArchiveSource) -> None:
    outcome = source.fetch(ask("https://cdn.cboe.com/data/VX/VX_2004-01-21.csv"))
    assert isinstance(outcome, Absent)
    assert "VX_2004-01-21.csv" in outcome.reason
    assert outcome.checked_at_utc == NOW


def test_archive_missing_host_is_absent(source: ArchiveSource) -> None:
    assert isinstance(source.fetch(ask("https://www.cboe.com/csv?dt=2026-01-07")), Absent)


def test_archive_path_through_a_file_is_absent(source: ArchiveSource) -> None:
    assert isinstance(source.fetch(ask(CSV_URL + "?dt=2026-01-07")), Absent)


def test_archive_folder_in_place_of_a_file_is_absent(source: ArchiveSource) -> None:
    assert isinstance(source.fetch(ask("https://cdn.cboe.com/data/VX")), Absent)


def test_archive_broken_link_is_absent(source: ArchiveSource, folder: Path) -> None:
    (folder / "cdn.cboe.com/gone.csv").symlink_to("nowhere.csv")
    assert isinstance(source.fetch(ask("https://cdn.cboe.com/gone.csv")), Absent)


def test_archive_link_inside_is_followed(source: ArchiveSource, folder: Path) -> None:
    (folder / "cdn.cboe.com/link.csv").symlink_to(folder / CSV_PATH)
    assert isinstance(source.fetch(ask("https://cdn.cboe.com/link.csv")), Fetched)


def test_archive_link_to_a_file_outside_is_refused(source: ArchiveSource, folder: Path, tmp_path: Path) -> None:
    put(tmp_path, "secret.csv")
    (folder / "cdn.cboe.com/link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(SourceError, match="leads out") as caught:
        source.fetch(ask("https://cdn.cboe.com/link.csv"))
    assert not isinstance(caught.value, TransientSourceError)


def test_archive_link_to_a_folder_outside_is_refused(source: ArchiveSource, folder: Path, tmp_path: Path) -> None:
    put(tmp_path, "archive-of-others/a.csv")  # shares a prefix with the archive's own name
    (folder / "cdn.cboe.com/others").symlink_to(tmp_path / "archive-of-others")
    with pytest.raises(SourceError, match="leads out"):
        source.fetch(ask("https://cdn.cboe.com/others/a.csv"))


def test_archive_link_to_itself_is_transient(source: ArchiveSource, folder: Path) -> None:
    (folder / "cdn.cboe.com/loop.csv").symlink_to("loop.csv")
    with pytest.raises(TransientSourceError):
        source.fetch(ask("https://cdn.cboe.com/loop.csv"))


def test_archive_may_itself_be_reached_by_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert isinstance(ArchiveSource(tmp_path / "link").fetch(ask()), Fetched)


def test_archive_named_pipe_is_refused_without_waiting(source: ArchiveSource, folder: Path) -> None:
    os.mkfifo(folder / "cdn.cboe.com/pipe.csv")
    with pytest.raises(SourceError, match="cannot be used"):
        source.fetch(ask("https://cdn.cboe.com/pipe.csv"))


def test_archive_file_of_exactly_the_limit_is_accepted(source: ArchiveSource) -> None:
    assert isinstance(source.fetch(ask(max_bytes=len(BODY))), Fetched)


def test_archive_file_over_the_limit_is_terminal(source: ArchiveSource) -> None:
    with pytest.raises(SourceError, match="cannot be used") as caught:
        source.fetch(ask(max_bytes=len(BODY) - 1))
    assert not isinstance(caught.value, TransientSourceError)
    assert caught.value.found == f"{len(BODY)} bytes"


def test_archive_file_far_over_the_limit_is_not_read_into_memory(source: ArchiveSource, folder: Path) -> None:
    os.truncate(folder / CSV_PATH, 1 << 40)  # sparse: takes no disk
    with pytest.raises(SourceError, match="cannot be used"):
        source.fetch(ask())


def test_archive_empty_file_is_terminal(source: ArchiveSource, folder: Path) -> None:
    put(folder, CSV_PATH, b"")
    with pytest.raises(SourceError) as caught:
        source.fetch(ask())
    assert caught.value.found == "no bytes"


def test_archive_known_bytes_are_not_modified(source: ArchiveSource) -> None:
    known = Known(hashlib.sha256(BODY).hexdigest())
    assert source.fetch(ask(), known) == NotModified(ask(), checked_at_utc=NOW)


def test_archive_changed_bytes_are_fetched(source: ArchiveSource) -> None:
    known = Known(hashlib.sha256(b"other").hexdigest(), last_modified="Fri, 02 Jan 2026 21:00:00 GMT")
    assert isinstance(source.fetch(ask(), known), Fetched)


def test_archive_read_failure_is_transient(source: ArchiveSource, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("flows.sources.folder.os.open", refuse)
    with pytest.raises(TransientSourceError) as caught:
        source.fetch(ask())
    assert caught.value.found == "Permission denied"
    assert caught.value.where
    assert caught.value.next_step


def test_archive_file_that_grows_while_read_is_transient(
    source: ArchiveSource, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fstat

    def grow_after_looking(descriptor: int) -> os.stat_result:
        seen = real(descriptor)
        with (folder / CSV_PATH).open("ab") as file:
            file.write(b"2026-01-05,half a li")
        return seen

    monkeypatch.setattr("flows.sources.folder.os.fstat", grow_after_looking)
    with pytest.raises(TransientSourceError, match="could not be read") as caught:
        source.fetch(ask())
    assert caught.value.found == "it changed while it was being read"


def test_archive_file_replaced_while_read_is_one_version(
    source: ArchiveSource, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def replace_after_opening(path: Path, flags: int) -> int:
        descriptor = real(path, flags)
        put(folder, "new.csv", b"another version\n").replace(path)
        return descriptor

    monkeypatch.setattr("flows.sources.folder.os.open", replace_after_opening)
    outcome = source.fetch(ask())
    assert isinstance(outcome, Fetched)
    assert outcome.body == BODY


def test_archive_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist") as caught:
        ArchiveSource(tmp_path / "nowhere")
    assert "--archive" in (caught.value.next_step or "")


def test_archive_that_is_a_file_is_a_usage_error(folder: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        ArchiveSource(folder / CSV_PATH)


@pytest.mark.parametrize("names", [[], ["some.csv", "other"]])
def test_archive_without_a_publisher_is_a_usage_error(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="no folder of a known publisher") as caught:
        ArchiveSource(tmp_path)
    assert "cdn.cboe.com/" in (caught.value.expected or "")
    assert "just above" in (caught.value.next_step or "")


def test_archive_of_one_publisher_is_enough(tmp_path: Path) -> None:
    (tmp_path / "fred.stlouisfed.org").mkdir()
    assert ArchiveSource(tmp_path).name == "archive"
