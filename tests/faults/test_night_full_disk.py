"""A disk that fills: a small file system of the test's own, and writes that fail one by one."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.run import Steps
from tests.support.disks import mounted, resize, used_kb
from tests.support.market import Market
from tests.support.nights import Trader
from tests.support.promises import Held, assert_readable, last_run, leftovers, read_held, unsound
from transforms.errors import PipelineError
from warehouse.build import open_build
from warehouse.home import Home
from warehouse.publish import lock_holder

ROOT = Path(__file__).resolve().parents[2]
PLENTY_KB = 400_000
ROOMS = 40

CHILD = """
import resource, signal, sys
from datetime import datetime
from pathlib import Path
from tests.support.nights import Trader
from transforms.errors import PipelineError
from warehouse.home import Home
from warehouse.run_log import run_id_of
home, archive, now, limit = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
night = datetime.fromisoformat(now)
trader = Trader(Home(Path(home)), Path(archive), night)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    trader.run(now=night, run_id=run_id_of(night))
except PipelineError as error:
    print(error.exit_code, error)
"""


@pytest.fixture
def small(trader: Trader, steps: Steps, tmp_path: Path) -> Iterator[Trader]:
    """The trader, with the home on a file system of its own."""
    with mounted(tmp_path / "disk", PLENTY_KB) as disk:
        shutil.move(trader.home.path, disk / "home")
        yield Trader(Home(disk / "home"), trader.archive, trader.now, nights=trader.nights)


def error_of(trader: Trader, steps: Steps) -> PipelineError | None:
    """Run a night; return what stopped it."""
    try:
        trader.run(steps)
    except PipelineError as error:
        return error
    return None


def run_with_room(small: Trader, steps: Steps, free_kb: int, moved_on: Held) -> str:
    """Run a night with so much room; hold what is promised where it does not fit. Return what the night said."""
    disk, before = small.home.path.parent, read_held(small.home)
    resize(disk, used_kb(disk) + free_kb)
    error = error_of(small, steps)
    assert error is None or (error.exit_code, bool(error.found), bool(error.next_step)) == (1, True, True)
    said = str(error or "")
    after = read_held(small.home)
    if after.run_id == before.run_id:
        assert after.values == before.values
        assert said
    else:
        assert after.values == moved_on.values
    assert before.versions <= after.versions
    assert lock_holder(small.home) is None
    assert_readable(small.home)
    resize(disk, PLENTY_KB)
    return said


def test_night_without_room_keeps_what_is_published_and_the_next_one_with_room_succeeds(
    small: Trader, steps: Steps, moved_on: Held
) -> None:
    size_kb = small.home.published.stat().st_size // 1024
    for free_kb in (0, 60, 400, size_kb):
        said = run_with_room(small, steps, free_kb, moved_on)
        # the last of them is where DuckDB itself does not finish the build, and says nothing
        assert "No space left on device" in said or "what was written last is still in" in said, said
    _, outcome, sentence = last_run(assert_readable(small.home))
    assert outcome == "failed"
    assert sentence
    assert small.run(steps).exit_code == 0
    assert read_held(small.home).values == moved_on.values
    assert unsound(small.home) == []
    assert leftovers(small.home) == []


@pytest.mark.slow
def test_night_with_any_room_keeps_what_is_published(
    small: Trader, steps: Steps, moved_on: Held, capsys: pytest.CaptureFixture[str]
) -> None:
    """From none to more than enough: finely where single files are written, coarsely where the warehouse is."""
    size_kb = small.home.published.stat().st_size // 1024
    fine = range(0, 800, 800 // (ROOMS // 2))
    coarse = range(800, 2 * size_kb + 4000, (2 * size_kb + 3200) // (ROOMS // 2))
    said = [run_with_room(small, steps, free_kb, moved_on) for free_kb in (*fine, *coarse)]
    assert small.run(steps).exit_code == 0
    assert unsound(small.home) == []
    with capsys.disabled():
        causes = sorted({text.splitlines()[0] for text in said if text})
        print(f"\n{len(said)} nights with 0 to {coarse[-1]} kB, {sum(map(bool, said))} did not fit: {causes}")
    assert any(said)
    assert not all(said)


class OneWriteFails:
    """The n-th thing that is made durable fails, once, as on a disk that is full for a moment."""

    def __init__(self, number: int) -> None:
        self.left, self.seen, self._fsync = number, 0, os.fsync

    def fsync(self, handle: int) -> None:
        self.seen += 1
        if self.seen == self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._fsync(handle)


def fail_once(trader: Trader, steps: Steps, number: int, moved_on: Held, patch: pytest.MonkeyPatch) -> int:
    """Run a night with one write that fails; hold what is promised. Return how many writes there were."""
    before, failing = read_held(trader.home), OneWriteFails(number)
    with patch.context() as patched:
        patched.setattr(os, "fsync", failing.fsync)
        error = error_of(trader, steps)
    if error is not None:
        assert (error.exit_code, "No space left" in str(error.found)) == (1, True)
    after = read_held(trader.home)
    assert (after.run_id, after.values) == (before.run_id, before.values) or after.values == moved_on.values
    assert before.versions <= after.versions
    assert lock_holder(trader.home) is None
    assert_readable(trader.home)
    return failing.seen


def test_one_write_that_fails_stops_the_night_and_harms_nothing(
    trader: Trader, steps: Steps, moved_on: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 9, 40, 111):
        fail_once(trader, steps, number, moved_on, monkeypatch)
    assert trader.run(steps).exit_code == 0
    assert unsound(trader.home) == []


@pytest.mark.slow
def test_every_third_write_that_fails_stops_the_night_and_harms_nothing(
    trader: Trader,
    steps: Steps,
    moved_on: Held,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number, total, tried = 1, 1000, 0
    while number <= total:
        seen = fail_once(trader, steps, number, moved_on, monkeypatch)
        total = seen if seen < number else total
        number, tried = number + 3, tried + 1
    assert trader.run(steps).exit_code == 0
    assert unsound(trader.home) == []
    with capsys.disabled():
        print(f"\n{tried} nights, each with one of {total} writes failing")


def fill_while_open(path: Path) -> None:
    with open_build(path) as connection:
        connection.execute("set checkpoint_threshold = '1GB'")
        connection.execute("create table u as select range as n, random() as r from range(40000)")
        found = os.statvfs(path.parent)
        (path.parent / "full").write_bytes(bytes(found.f_bfree * found.f_frsize))


def test_build_whose_last_writes_stayed_beside_its_file_is_refused(tmp_path: Path) -> None:
    """DuckDB closes without an error where there is no room to move its write-ahead file into the file itself."""
    with mounted(tmp_path / "disk", 3000) as disk:
        path = disk / "next.duckdb"
        with open_build(path) as connection:
            connection.execute("create table t as select 1 as x")
        with pytest.raises(PipelineError, match="cannot be built") as caught:
            fill_while_open(path)
        assert "next.duckdb.wal" in str(caught.value.found)


def test_night_that_builds_on_a_full_disk_says_what_to_do(trader: Trader, market: Market) -> None:
    """A limit on the size of a file, in a process of its own: anybody may set one, mounts or not."""
    trader.begin()
    before, stored = trader.state(), trader.raw_bodies()
    market.extend_to(market.last.replace(day=16))
    night = trader.night()
    arguments = [str(trader.home.path), str(trader.archive), night.now.isoformat(), "300000"]
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.startswith("1 ")
    assert "next:" in ended.stdout
    assert trader.state() == before
    assert stored <= trader.raw_bodies()
    trader.nights += 5
    assert trader.run().exit_code == 0
