"""Several at once: one run writes, the others are told who it is; readers read one whole warehouse and never wait."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from flows.run import Steps
from flows.site import refresh_site
from tests.support.disks import mounted, used_kb
from tests.support.killed_night import start_night
from tests.support.nights import Trader
from tests.support.promises import Held, last_run, read_held
from tests.support.readers import Seen, look, look_at_lock, reading, refresh_slowly
from transforms.errors import LockHeldError
from warehouse.home import Home
from warehouse.publish import broken_off_holder, lock_holder, publish_warehouse, run_lock
from warehouse.query import open_published
from warehouse.status import read_status

NOW = datetime(2025, 9, 12, 22, 30, tzinfo=UTC)
NIGHTS = 3


# ---- two writers ----


def test_of_two_nights_at_once_one_does_the_work_and_the_other_names_it(
    trader: Trader, steps: Steps, kept: Path, moved_on: Held, tmp_path: Path
) -> None:
    first, run_id, _ = start_night(trader, None, kept)
    while not (holder := lock_holder(trader.home)):
        assert first.is_alive()
    assert holder["pid"] == first.pid
    second, _, said = start_night(trader, None, kept, trouble=tmp_path / "second.txt")
    second.join()
    assert second.exitcode == 6
    assert f"`nightly --source archive`, process {first.pid} on " in said.read_text(encoding="utf-8")
    assert read_status(trader.home)["running"]["pid"] == first.pid
    first.join()
    assert first.exitcode == 0
    held = read_held(trader.home)
    assert (held.run_id, held.values) == (run_id, moved_on.values)
    # the one that left has left nothing
    assert last_run(read_status(trader.home))[0] == run_id
    assert (lock_holder(trader.home), broken_off_holder(trader.home)) == (None, None)


def test_those_who_look_turn_no_run_away(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    with run_lock(home, "first", NOW):
        pass
    context = multiprocessing.get_context("forkserver")
    stop = context.Event()
    lookers = [context.Process(target=look_at_lock, args=(str(home.path), stop)) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(150):
            with run_lock(home, "again", NOW):
                pass
    finally:
        stop.set()
        for looker in lookers:
            looker.join()
    assert [looker.exitcode for looker in lookers] == [0, 0, 0]


# ---- notes of the dead ----


def leave_note(home: Home, **changes: object) -> None:
    """Leave the note of a run that was killed, as it lies there afterwards."""
    with run_lock(home, "alvh nightly", NOW):
        note = json.loads((home.path / "run.lock.json").read_text(encoding="utf-8"))
    (home.path / "run.lock.json").write_text(json.dumps(note | changes), encoding="utf-8")


DEAD = {"pid": 2**22 + 1}
REUSED = {"pid": os.getpid(), "process_started": "1"}
ELSEWHERE = {"pid": 1, "host": "another-machine"}


@pytest.mark.parametrize("changes", [DEAD, REUSED, ELSEWHERE], ids=["dead", "number reused", "other host"])
def test_note_of_a_run_that_was_killed_is_no_holder_is_said_and_replaced(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    leave_note(home, **changes)
    assert lock_holder(home) is None
    status = read_status(home)
    assert status["running"] is None
    assert status["broken_off"]["command"] == "alvh nightly"
    from flows.status_texts import list_facts

    said = {label: text for label, text, _ in list_facts(status)}
    assert f"process {changes['pid']}" in said["broken off"]
    assert "the next run cleans up" in said["broken off"]
    with run_lock(home, "alvh recalibrate", NOW):
        assert (lock_holder(home) or {})["command"] == "alvh recalibrate"
    assert broken_off_holder(home) is None


@pytest.mark.parametrize("changes", [DEAD, REUSED], ids=["dead", "number reused"])
def test_run_that_has_not_said_who_it_is_is_not_taken_for_the_one_before(
    trader: Trader, steps: Steps, kept: Path, changes: dict[str, object]
) -> None:
    leave_note(trader.home, **changes)
    import fcntl

    # as a run has it between its lock and its note
    with trader.home.lock.open("rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert lock_holder(trader.home) == {}
        with pytest.raises(LockHeldError) as caught, run_lock(trader.home, "alvh nightly", NOW):
            pass
    assert caught.value.found == "a run that has not said who it is yet"


# ---- readers ----


def assert_consistent(seen: Seen, run_ids: list[str], last: str) -> None:
    """Each warehouse said one thing of itself, whoever looked and whenever; nobody was refused."""
    assert seen.troubles == []
    assert all(reads > 1 for reads in seen.reads)
    assert set(seen.facts) <= set(run_ids)
    assert last in seen.facts
    for run_id, facts in seen.facts.items():
        assert len(facts) == 1, run_id
        assert next(iter(facts))[-1] == 1, f"{run_id} is not in its own ops.runs"


def read_during_nights(trader: Trader, steps: Steps, folder: Path, count: int) -> Seen:
    run_ids = [str(read_held(trader.home).run_id)]
    with reading(trader.home, folder, count) as seen:
        for _ in range(NIGHTS):
            assert trader.run(steps).exit_code == 0
            run_ids.append(str(read_held(trader.home).run_id))
        time.sleep(0.2)
    assert_consistent(seen, run_ids, run_ids[-1])
    return seen


def test_readers_in_a_loop_see_one_whole_warehouse_each_time(trader: Trader, steps: Steps, tmp_path: Path) -> None:
    read_during_nights(trader, steps, tmp_path, 3)


@pytest.mark.slow
def test_fifty_readers_in_a_loop_see_one_whole_warehouse_each_time(
    trader: Trader, steps: Steps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = read_during_nights(trader, steps, tmp_path, 50)
    with capsys.disabled():
        print(f"\n{sum(seen.reads)} reads by {len(seen.reads)} readers during {NIGHTS} nights, none refused")


def test_reader_does_not_wait_for_a_run_that_stands_still(trader: Trader, steps: Steps, kept: Path) -> None:
    """A night that is stopped, lock and open build and all, at instants of its length."""
    night, run_id, trouble = start_night(trader, None, kept)
    assert night.pid is not None
    found = set()
    try:
        for _ in range(6):
            time.sleep(0.4)
            os.kill(night.pid, signal.SIGSTOP)
            found.add(look(trader.home)[0])
            os.kill(night.pid, signal.SIGCONT)
    except ProcessLookupError:
        pass  # it has ended
    finally:
        if night.is_alive():
            os.kill(night.pid, signal.SIGCONT)
    night.join()
    assert night.exitcode == 0, trouble.read_text()[-2000:]
    found.add(look(trader.home)[0])
    assert run_id in found
    assert len(found) == 2


def test_site_written_beside_a_night_is_that_of_the_night(trader: Trader, steps: Steps) -> None:
    """As an audit ends: it has opened what is published, and a night publishes before it writes the index."""
    context = multiprocessing.get_context("forkserver")
    begun, waiting, done = context.Event(), context.Event(), context.Event()
    audit = context.Process(target=refresh_slowly, args=(str(trader.home.path), begun, waiting, done))
    audit.start()
    assert begun.wait(60)
    trader.run(steps)
    waiting.set()
    assert refresh_site(trader.home)
    done.set()
    audit.join()
    assert audit.exitcode == 0
    index = (trader.home.reports / "index.html").read_text(encoding="utf-8")
    assert "2025-09-16" in index


def test_process_that_has_the_old_file_open_goes_on_reading_it_and_its_room_is_free_later(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 400_000) as disk:
        home = Home(disk / "home")
        home.prepare()
        for number in (1, 2, 3):
            with duckdb.connect(str(home.build / "next.duckdb")) as connection:
                connection.execute(f"create table t as select {number} as number, random() as noise from range(500000)")
            if number == 1:
                publish_warehouse(home, home.build / "next.duckdb", keep=0)
                continue
            with open_published(home) as reader:
                before = reader.execute("select min(number), max(number), count(*) from t").fetchall()
                publish_warehouse(home, home.build / "next.duckdb", keep=0)
                assert not list(home.earlier.iterdir())
                full = used_kb(disk)
                assert reader.execute("select min(number), max(number), count(*) from t").fetchall() == before
                assert before == [(number - 1, number - 1, 500_000)]
            assert used_kb(disk) < full - 1000
            with open_published(home) as reader:
                assert reader.execute("select max(number) from t").fetchall() == [(number,)]
