"""One run at a time, one swap, the last N kept, readers undisturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from transforms.errors import LockHeldError, PipelineError
from warehouse import publish
from warehouse.home import Home
from warehouse.query import open_published

NOW = datetime(2025, 1, 7, 23, 30, tzinfo=UTC)

HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from warehouse.home import Home
from warehouse.publish import run_lock
with run_lock(Home(Path(sys.argv[1])), "alvh nightly", datetime(2025, 1, 7, 23, 30, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@contextmanager
def held_elsewhere(home: Home) -> Iterator[subprocess.Popen[str]]:
    """The home's lock, held by another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def warehouse(home: Home, number: int) -> Path:
    path = home.build / f"{number}.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select ? as number", [number])
    return path


def number_of(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute("select number from t").fetchone()
    assert row is not None
    return int(row[0])


def test_lock_of_another_process_stops_a_run(home: Home) -> None:
    with held_elsewhere(home), pytest.raises(LockHeldError), publish.run_lock(home, "alvh report", NOW):
        pass


def test_lock_error_names_the_holder(home: Home) -> None:
    with held_elsewhere(home) as process, pytest.raises(LockHeldError) as caught, publish.run_lock(home, "x", NOW):
        pass
    assert f"`alvh nightly`, process {process.pid} on " in str(caught.value.found)
    assert "since 2025-01-07T23:30:00Z" in str(caught.value.found)


def test_lock_holder_is_known_while_it_lives(home: Home) -> None:
    with held_elsewhere(home) as process:
        holder = publish.lock_holder(home)
    assert holder is not None
    assert holder["pid"] == process.pid


def test_lock_of_a_dead_process_is_free(home: Home) -> None:
    with held_elsewhere(home) as process:
        process.kill()
        process.wait()
        with publish.run_lock(home, "alvh nightly", NOW):
            assert json.loads((home.path / "run.lock.json").read_text())["pid"] == os.getpid()


def test_note_of_a_dead_process_is_no_holder(home: Home) -> None:
    with held_elsewhere(home) as process:
        process.kill()
        process.wait()
        assert (home.path / "run.lock.json").exists()
        assert publish.lock_holder(home) is None


def test_lock_error_without_a_note_says_so(home: Home) -> None:
    with held_elsewhere(home):
        (home.path / "run.lock.json").unlink()
        with pytest.raises(LockHeldError) as caught, publish.run_lock(home, "x", NOW):
            pass
    assert caught.value.found == "a run that has not said who it is yet"


def test_lock_can_be_taken_again_within_a_process(home: Home) -> None:
    with publish.run_lock(home, "outer", NOW):
        with publish.run_lock(home, "inner", NOW):
            pass
        assert json.loads((home.path / "run.lock.json").read_text())["command"] == "outer"


def test_lock_is_free_after_the_run(home: Home) -> None:
    with publish.run_lock(home, "first", NOW):
        pass
    assert publish.lock_holder(home) is None
    assert not (home.path / "run.lock.json").exists()
    with publish.run_lock(home, "second", NOW):
        pass


def test_lock_is_free_after_a_run_that_failed(home: Home) -> None:
    with pytest.raises(RuntimeError), publish.run_lock(home, "first", NOW):
        raise RuntimeError("broken")
    assert publish.lock_holder(home) is None


def test_lock_of_another_home_is_another_lock(tmp_path: Path, home: Home) -> None:
    other = Home(tmp_path / "other")
    other.prepare()
    with held_elsewhere(home), publish.run_lock(other, "alvh nightly", NOW):
        pass


def test_publishing_swaps_the_build_in(home: Home) -> None:
    path, sha256 = publish.publish_warehouse(home, warehouse(home, 1), keep=3)
    assert path == home.published
    assert number_of(path) == 1
    assert sha256 == publish.hash_file(path)
    assert list(home.build.iterdir()) == []


def test_publishing_keeps_the_warehouse_before(home: Home) -> None:
    publish.publish_warehouse(home, warehouse(home, 1), keep=3)
    publish.publish_warehouse(home, warehouse(home, 2), keep=3)
    assert [number_of(path) for path in home.earlier.iterdir()] == [1]
    assert number_of(home.published) == 2


def test_publishing_keeps_the_last_n(home: Home) -> None:
    for number in range(1, 6):
        publish.publish_warehouse(home, warehouse(home, number), keep=2)
        time.sleep(0.002)  # distinct modification times, whatever the clock's grain
    assert sorted(number_of(path) for path in home.earlier.iterdir()) == [3, 4]


def test_publishing_keeps_none_when_asked_to(home: Home) -> None:
    for number in (1, 2):
        publish.publish_warehouse(home, warehouse(home, number), keep=0)
    assert list(home.earlier.iterdir()) == []


def test_kept_warehouse_is_the_very_file_that_was_published(home: Home) -> None:
    publish.publish_warehouse(home, warehouse(home, 1), keep=3)
    inode = home.published.stat().st_ino
    publish.publish_warehouse(home, warehouse(home, 2), keep=3)
    assert [path.stat().st_ino for path in home.earlier.iterdir()] == [inode]


def test_publishing_leaves_an_open_reader_the_old_file(home: Home) -> None:
    publish.publish_warehouse(home, warehouse(home, 1), keep=3)
    with open_published(home) as reader:
        publish.publish_warehouse(home, warehouse(home, 2), keep=3)
        assert reader.execute("select number from t").fetchall() == [(1,)]


def test_publishing_that_fails_keeps_the_last_good_warehouse(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    publish.publish_warehouse(home, warehouse(home, 1), keep=3)
    built = warehouse(home, 2)

    def refuse(*_: object) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(publish, "replace_durably", refuse)
    with pytest.raises(PipelineError, match="could not be published") as caught:
        publish.publish_warehouse(home, built, keep=3)
    assert "last good warehouse is kept" in str(caught.value.next_step)
    assert number_of(home.published) == 1


def test_publishing_again_after_a_failure_works(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    publish.publish_warehouse(home, warehouse(home, 1), keep=3)
    built = warehouse(home, 2)
    with monkeypatch.context() as patch:
        patch.setattr(publish, "replace_durably", lambda *_: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(PipelineError):
            publish.publish_warehouse(home, built, keep=3)
    publish.publish_warehouse(home, built, keep=3)
    assert number_of(home.published) == 2


def test_sweep_deletes_what_an_interrupted_run_left(home: Home) -> None:
    warehouse(home, 1)
    (home.build / "1.duckdb.wal").write_bytes(b"")
    publish.sweep_builds(home)
    assert list(home.build.iterdir()) == []
