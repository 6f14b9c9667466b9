"""The raw store: by content, in the order seen, with a sidecar, and never lost to half a write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.bench import vx_line
from transforms.errors import ChecksFailedError, PipelineError
from transforms.formats import VX_HEADER
from warehouse import raw_store
from warehouse.home import Home
from warehouse.raw_store import RawStore, StoredFile, render_sidecar, require_whole
from warehouse.seals import seal

NOW = datetime(2025, 1, 7, 23, 30, tzinfo=UTC)
EXPIRY = date(2025, 1, 22)
NAME = "VX_2025-01-22.csv"
A = f"{VX_HEADER}\n{vx_line('2025-01-06', EXPIRY, 17)}\n".encode()
B = f"{VX_HEADER}\n{vx_line('2025-01-06', EXPIRY, 17)}\n{vx_line('2025-01-07', EXPIRY, 18)}\n".encode()
PAGE = b"<html>Access denied</html>"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def store(home: Home) -> RawStore:
    return RawStore(home)


def land(store: RawStore, body: bytes, hours: int = 0, **changes: Any) -> tuple[StoredFile, bool]:
    arguments: dict[str, Any] = {
        "publisher": "cboe",
        "dataset": "vx_contract",
        "name": NAME,
        "url": "https://cdn.cboe.com/VX",
        "status": 200,
        "headers": {"etag": '"1"'},
        "fetched_at": NOW + timedelta(hours=hours),
    }
    return store.land(body=body, **(arguments | changes))


def bodies(home: Home) -> list[Path]:
    return sorted((home.raw / "cboe" / NAME).glob("*.csv"))


def test_land_stores_the_bytes_under_their_hash(store: RawStore, home: Home) -> None:
    stored, is_new = land(store, A)
    assert is_new
    assert stored.path == home.raw / "cboe" / NAME / f"{hashlib.sha256(A).hexdigest()[:16]}.csv"
    assert stored.path.read_bytes() == A


def test_land_stores_identical_bytes_once(store: RawStore, home: Home) -> None:
    first, _ = land(store, A)
    second, is_new = land(store, A, hours=24)
    assert not is_new
    assert second == first
    assert bodies(home) == [first.path]
    assert len((home.raw / "cboe" / NAME / "observed.jsonl").read_text().splitlines()) == 1


def test_land_keeps_a_later_version_beside_the_earlier(store: RawStore, home: Home) -> None:
    first, _ = land(store, A)
    second, is_new = land(store, B, hours=24)
    assert is_new
    assert bodies(home) == sorted([first.path, second.path])
    assert store.state("cboe", NAME).current == second


def test_state_reads_a_publishers_way_back_to_an_earlier_version(store: RawStore, home: Home) -> None:
    first, _ = land(store, A)
    land(store, B, hours=24)
    again, is_new = land(store, A, hours=48)
    state = store.state("cboe", NAME)
    assert is_new
    assert [version.sha256[:4] for version in state.versions] == [
        hashlib.sha256(body).hexdigest()[:4] for body in (A, B, A)
    ]
    assert state.current == again == first
    assert len(bodies(home)) == 2


def test_state_reads_each_sidecar_once(store: RawStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for hours in range(6):
        land(store, f"{VX_HEADER}\n{vx_line(date(2025, 9, 8), date(2025, 9, 17), 17 + hours % 2)}\n".encode(), hours)
    read: list[Path] = []
    original = raw_store._read_sidecar
    monkeypatch.setattr(raw_store, "_read_sidecar", lambda path: (read.append(path), original(path))[1])
    ((_, _, state),) = store.states()
    assert len(state.versions) == 6
    assert len(read) == len(set(read)) == 2


def test_state_of_an_unknown_name_is_empty(store: RawStore) -> None:
    state = store.state("cboe", NAME)
    assert (state.versions, state.current, state.newest, state.checked_at_utc, state.absent) == (
        (),
        None,
        None,
        None,
        None,
    )


def test_land_keeps_a_refused_version(store: RawStore) -> None:
    stored, is_new = land(store, PAGE)
    assert is_new
    assert stored.path.read_bytes() == PAGE
    assert stored.refusal is not None
    assert "web page" in stored.refusal


def test_state_reads_the_earlier_version_while_the_newest_is_refused(store: RawStore) -> None:
    good, _ = land(store, A)
    refused, _ = land(store, PAGE, hours=24)
    state = store.state("cboe", NAME)
    assert state.newest == refused
    assert state.current == good


def test_state_has_no_current_version_when_all_are_refused(store: RawStore) -> None:
    land(store, PAGE)
    assert store.state("cboe", NAME).current is None


def test_state_judges_a_refused_version_again(store: RawStore) -> None:
    stored, _ = land(store, A)
    sidecar = stored.path.with_name(stored.path.name + ".meta.json")
    record = json.loads(sidecar.read_text())
    sidecar.write_bytes(render_sidecar(record | {"refusal": "a format this release has learnt since"}))
    current = store.state("cboe", NAME).current
    assert current is not None
    assert current.refusal is None


def test_sidecar_states_the_provenance(store: RawStore) -> None:
    stored, _ = land(store, B)
    record = json.loads(stored.path.with_name(stored.path.name + ".meta.json").read_text())
    assert record == {
        "publisher": "cboe",
        "dataset": "vx_contract",
        "name": NAME,
        "url": "https://cdn.cboe.com/VX",
        "status": 200,
        "headers": {"etag": '"1"'},
        "bytes": len(B),
        "sha256": hashlib.sha256(B).hexdigest(),
        "fetched_at_utc": "2025-01-07T23:30:00Z",
        "refusal": None,
        "last_trade_date": "2025-01-07",
        "content_sha256": seal(record)["content_sha256"],
    }


def test_stored_file_knows_its_newest_trade_date(store: RawStore) -> None:
    stored, _ = land(store, B)
    assert stored.last_date == date(2025, 1, 7)


def test_contract_file_that_lost_its_lines_does_not_replace_the_one_with_them(store: RawStore, home: Home) -> None:
    bare = f"{VX_HEADER}\n".encode()
    listed, _ = land(store, bare)
    assert (listed.refusal, store.state("cboe", NAME).current) == (None, listed)
    full, _ = land(store, B, hours=24)
    emptied, is_new = land(store, bare, hours=48)
    assert (emptied.refusal, is_new) == ("no line, where an earlier version has them to 2025-01-07", True)
    for read in (store, RawStore(home)):
        state = read.state("cboe", NAME)
        assert [version.refusal for version in state.versions] == [None, None, emptied.refusal]
        assert (state.newest, state.current) == (emptied, full)
    again, _ = land(store, B, hours=72)
    assert store.state("cboe", NAME).current == again


def test_stored_file_that_is_no_contract_file_has_no_trade_date(store: RawStore) -> None:
    stored, _ = land(store, b"observation_date,DTB3\n2025-01-06,4.2\n", dataset="fred_series", name="DTB3.csv")
    assert stored.last_date is None


def test_observed_half_a_line_is_passed_over(store: RawStore, home: Home) -> None:
    first, _ = land(store, A)
    with (home.raw / "cboe" / NAME / "observed.jsonl").open("ab") as file:
        file.write(b'{"sha256": "abc')
    assert store.state("cboe", NAME).versions == (first,)


def test_observed_half_a_line_does_not_swallow_the_next(store: RawStore, home: Home) -> None:
    land(store, A)
    with (home.raw / "cboe" / NAME / "observed.jsonl").open("ab") as file:
        file.write(b'{"sha256": "abc')
    second, _ = land(store, B, hours=24)
    assert store.state("cboe", NAME).current == second


def test_observed_zero_bytes_are_passed_over(store: RawStore, home: Home) -> None:
    first, _ = land(store, A)
    with (home.raw / "cboe" / NAME / "observed.jsonl").open("ab") as file:
        file.write(b"\x00" * 40 + b"\n")
    assert store.state("cboe", NAME).versions == (first,)


def test_observed_version_without_its_sidecar_is_passed_over(store: RawStore) -> None:
    first, _ = land(store, A)
    second, _ = land(store, B, hours=24)
    second.path.with_name(second.path.name + ".meta.json").unlink()
    assert store.state("cboe", NAME).current == first


def test_land_stores_again_what_was_written_but_never_observed(store: RawStore, home: Home) -> None:
    land(store, A)
    (home.raw / "cboe" / NAME / "observed.jsonl").unlink()
    stored, is_new = land(store, A, hours=1)
    assert is_new
    assert store.state("cboe", NAME).current == stored


def test_temporary_file_of_a_dead_run_is_no_version(store: RawStore, home: Home) -> None:
    first, _ = land(store, A)
    (home.raw / "cboe" / NAME / ".0123.csv.abc.tmp").write_bytes(B)
    assert store.state("cboe", NAME).versions == (first,)


@pytest.mark.parametrize("name", ["", ".", "..", "../x.csv", "a/b.csv", "/etc/passwd", "a\\b.csv", ".hidden"])
def test_land_refuses_a_name_that_climbs(store: RawStore, home: Home, name: str) -> None:
    with pytest.raises(PipelineError, match="a raw file needs a plain name"):
        land(store, A, name=name)
    assert list(home.raw.iterdir()) == []


@pytest.mark.parametrize("publisher", ["", "..", "../home", "a/b"])
def test_land_refuses_a_publisher_that_climbs(store: RawStore, publisher: str) -> None:
    with pytest.raises(PipelineError, match="a raw file needs a plain name"):
        land(store, A, publisher=publisher)


def test_checks_are_remembered_after_a_flush(store: RawStore, home: Home) -> None:
    store.note_checked("cboe", NAME, NOW, absent="403")
    store.flush()
    state = RawStore(home).state("cboe", NAME)
    assert (state.checked_at_utc, state.absent) == ("2025-01-07T23:30:00Z", "403")


def test_checks_unflushed_are_lost_without_harm(store: RawStore, home: Home) -> None:
    stored, _ = land(store, A)
    state = RawStore(home).state("cboe", NAME)
    assert (state.checked_at_utc, state.current) == (None, stored)


def test_looks_are_written_once_there_are_enough_of_them(store: RawStore, home: Home) -> None:
    def asked() -> int:
        return sum(state.checked_at_utc is not None for _, _, state in RawStore(home).states())

    (home.raw / "cboe").mkdir(parents=True)
    for number in range(100):
        store.note_checked("cboe", f"{number}.csv", NOW)
        store.flush_when_due(10)
        assert asked() == (number + 1) // 10 * 10
    for number in range(100, 1000):
        store.note_checked("cboe", f"{number}.csv", NOW)
    store.flush()
    assert asked() == 1000
    # Of a thousand a twentieth is waited for: the file is written whole each time.
    for number in range(49):
        store.note_checked("cboe", f"{number}.csv", NOW + timedelta(days=1))
        store.flush_when_due(10)
    assert RawStore(home).state("cboe", "0.csv").checked_at_utc == "2025-01-07T23:30:00Z"
    store.note_checked("cboe", "49.csv", NOW + timedelta(days=1))
    store.flush_when_due(10)
    assert RawStore(home).state("cboe", "0.csv").checked_at_utc == "2025-01-08T23:30:00Z"


def test_checks_file_that_is_damaged_costs_no_value(store: RawStore, home: Home) -> None:
    stored, _ = land(store, A)
    (home.raw / "cboe.checked.json").write_text("{")
    assert RawStore(home).state("cboe", NAME).current == stored


def test_landing_ends_an_absence(store: RawStore) -> None:
    store.note_checked("cboe", NAME, NOW, absent="403")
    land(store, A)
    assert store.state("cboe", NAME).absent is None


def test_states_come_in_a_fixed_order_with_the_absent_ones(store: RawStore) -> None:
    land(store, A, name="VX_2025-02-19.csv")
    land(store, A)
    store.note_checked("cboe", "VX_2025-01-29.csv", NOW, absent="403")
    land(store, b"observation_date,DTB3\n", publisher="fred", dataset="fred_series", name="DTB3.csv")
    assert [(publisher, name) for publisher, name, _ in store.states()] == [
        ("cboe", "VX_2025-01-22.csv"),
        ("cboe", "VX_2025-01-29.csv"),
        ("cboe", "VX_2025-02-19.csv"),
        ("fred", "DTB3.csv"),
    ]


def test_current_files_leave_out_refused_and_absent_ones(store: RawStore) -> None:
    land(store, PAGE)
    good, _ = land(store, A, name="VX_2025-02-19.csv")
    store.note_checked("cboe", "VX_2025-01-29.csv", NOW, absent="403")
    assert store.current_files() == [good]


def test_damaged_body_is_stored_again_when_it_is_fetched_again(store: RawStore) -> None:
    stored, _ = land(store, A)
    stored.path.write_bytes(b"x" + A[1:])
    assert not stored.is_whole
    again, is_new = land(store, A, 1)
    assert (again.path, is_new) == (stored.path, False)
    assert stored.path.read_bytes() == A


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(A[:-1]), lambda path: path.unlink()])
def test_damaged_or_missing_body_is_named_before_it_is_read(store: RawStore, change: Callable[[Path], object]) -> None:
    stored, _ = land(store, A)
    require_whole(store.files_to_read())
    change(stored.path)
    with pytest.raises(ChecksFailedError, match="not what was fetched") as error:
        require_whole(store.files_to_read())
    assert error.value.where == str(stored.path)
    assert "--recheck" in str(error.value.next_step)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"sha256": 1}'])
def test_sidecar_that_cannot_be_read_is_named(store: RawStore, text: str) -> None:
    stored, _ = land(store, A)
    sidecar = stored.path.with_name(stored.path.name + ".meta.json")
    sidecar.write_text(text)
    with pytest.raises(ChecksFailedError, match="what is noted of a stored file") as error:
        store.state("cboe", NAME)
    assert error.value.where == str(sidecar)


def test_sidecar_whose_seal_is_broken_is_named(store: RawStore) -> None:
    stored, _ = land(store, A)
    sidecar = stored.path.with_name(stored.path.name + ".meta.json")
    sidecar.write_text(sidecar.read_text().replace("2025-01-07T23", "2025-01-07T22"))
    with pytest.raises(ChecksFailedError, match="what is noted of a stored file"):
        store.state("cboe", NAME)


def test_sidecar_of_an_earlier_version_without_a_seal_is_read(store: RawStore) -> None:
    stored, _ = land(store, A)
    sidecar = stored.path.with_name(stored.path.name + ".meta.json")
    record = json.loads(sidecar.read_text())
    del record["content_sha256"]
    sidecar.write_text(json.dumps(record, indent=1, sort_keys=True))
    current = store.state("cboe", NAME).current
    assert current is not None
    assert current.sha256 == stored.sha256
