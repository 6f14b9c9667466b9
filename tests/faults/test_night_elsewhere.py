"""Homes in odd places and clocks that are wrong: read-only, on other file systems, behind a link, in the past."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.run import Steps
from flows.sources.archive import ArchiveSource
from tests.support.disks import mounted, set_read_only
from tests.support.market import Market
from tests.support.nights import Trader
from tests.support.promises import Held, assert_readable, last_run, read_held, unsound
from transforms.errors import PipelineError
from warehouse import publish
from warehouse.home import Home
from warehouse.publish import lock_holder
from warehouse.query import run_query
from warehouse.raw_store import RawStore
from warehouse.run_log import read_records, run_id_of

SIZE_KB = 400_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", SIZE_KB) as disk:
        yield disk


def moved(trader: Trader, folder: Path) -> Trader:
    """The trader with the home in another place."""
    shutil.move(trader.home.path, folder)
    return Trader(Home(folder), trader.archive, trader.now, nights=trader.nights)


# ---- places ----


def test_home_on_another_file_system_than_the_archive_and_then_read_only(
    trader: Trader, steps: Steps, disk: Path, moved_on: Held
) -> None:
    elsewhere = moved(trader, disk / "home")
    before = read_held(elsewhere.home)
    set_read_only(disk, is_read_only=True)
    with pytest.raises(PipelineError, match="the home folder cannot be used") as caught:
        elsewhere.run(steps)
    assert (caught.value.exit_code, "Read-only file system" in str(caught.value.found)) == (1, True)
    assert "--home" in str(caught.value.next_step)
    # who only reads is not disturbed, and no run is made up
    status = assert_readable(elsewhere.home)
    assert (status["running"], status["broken_off"]) == (None, None)
    assert run_query(elsewhere.home, "select run_id from ref.run").rows == [(before.run_id,)]
    set_read_only(disk, is_read_only=False)
    assert elsewhere.run(steps).exit_code == 0
    assert read_held(elsewhere.home).values == moved_on.values
    # kept by a link there too
    assert [path.stat().st_nlink for path in elsewhere.home.earlier.glob("*.duckdb")] == [1]


def test_home_behind_a_link_is_the_home(trader: Trader, steps: Steps, tmp_path: Path, moved_on: Held) -> None:
    trader.home.path.rename(tmp_path / "real")
    trader.home.path.symlink_to("real")
    assert trader.run(steps).exit_code == 0
    assert trader.home.path.is_symlink()
    assert read_held(Home(tmp_path / "real")).values == moved_on.values
    with publish.run_lock(Home(tmp_path / "real"), "alvh nightly", trader.now):
        assert (lock_holder(trader.home) or {})["command"] == "alvh nightly"


def test_earlier_warehouses_on_another_disk_are_copied(trader: Trader, steps: Steps, moved_on: Held) -> None:
    shutil.rmtree(trader.home.earlier)
    before = trader.home.published.read_bytes()
    with mounted(trader.home.earlier, SIZE_KB):
        assert trader.run(steps).exit_code == 0
        (kept,) = trader.home.earlier.iterdir()
        assert kept.read_bytes() == before
    assert read_held(trader.home).values == moved_on.values


def test_build_folder_on_another_disk_is_said_and_nothing_is_published(trader: Trader, steps: Steps) -> None:
    before = trader.state()
    shutil.rmtree(trader.home.build)
    with mounted(trader.home.build, SIZE_KB), pytest.raises(PipelineError, match="could not be published") as caught:
        trader.run(steps)
    assert "on one file system" in str(caught.value.expected)
    assert caught.value.exit_code == 1
    assert trader.state() == before
    assert last_run(assert_readable(trader.home))[1] == "failed"
    assert trader.run(steps).exit_code == 0


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP])
def test_file_system_without_locks_is_refused_and_said(
    trader: Trader, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    trader.home.prepare()

    def none(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(PipelineError, match="the home folder cannot be locked") as caught:
        trader.run()
    assert (caught.value.exit_code, caught.value.where) == (1, str(trader.home.lock))
    assert "local disk" in str(caught.value.next_step)
    # nobody is held for a run, and none has begun
    assert lock_holder(trader.home) is None
    assert not list(trader.home.runs.iterdir())


# ---- clocks ----


@pytest.mark.parametrize(
    "back",
    [pytest.param(timedelta(hours=5), id="hours"), pytest.param(timedelta(days=30), id="days", marks=pytest.mark.slow)],
)
def test_clock_set_back_fools_nobody(
    trader: Trader,
    steps: Steps,
    moved_on: Held,
    market: Market,
    back: timedelta,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = read_held(trader.home).run_id
    night = trader.night()
    now = night.now - back
    capfd.readouterr()
    assert trader.run(steps, now=now, run_id=run_id_of(now)).exit_code == 0
    assert "warning: clock: it is" in capfd.readouterr().err
    held = read_held(trader.home)
    assert held.values == moved_on.values
    assert str(held.run_id) < str(first)
    # "newest" is what ran last, whatever its name
    status = assert_readable(trader.home)
    assert last_run(status)[0] == status["published"]["run_id"] == held.run_id
    record = list(read_records(trader.home))[-1]
    assert (record["run_id"], record["previous_run_id"]) == (held.run_id, first)
    # a version fetched at an earlier instant and seen later is the one to read
    path = market.index_path("VIX")
    market.edit(path, lambda text: text.rstrip("\n") + " \n")
    monkeypatch.setattr("flows.steps.ArchiveSource", lambda folder: ArchiveSource(folder, utcnow=lambda: now))
    held_back = replace(steps, build=_stop)
    with pytest.raises(_Stop):
        trader.run(held_back, now=now + timedelta(seconds=9), run_id=run_id_of(now + timedelta(seconds=9)))
    stored = next(state for _, name, state in RawStore(trader.home).states() if name == path.name)
    assert stored.current is not None
    assert stored.current.path.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
    assert stored.current.fetched_at_utc < max(version.fetched_at_utc for version in stored.versions)
    assert unsound(trader.home) == []


def test_run_of_the_very_name_of_another_overwrites_no_record(trader: Trader, steps: Steps) -> None:
    (first,) = trader.home.runs.glob("*.json")
    body = first.read_bytes()
    trader.run(steps, run_id=first.stem)
    assert first.read_bytes() == body
    assert read_held(trader.home).run_id == f"{first.stem}-2"
    assert [json.loads(path.read_text())["run_id"] for path in sorted(trader.home.runs.glob("*.json"))] == [
        f"{first.stem}-2",
        first.stem,
    ]


def test_earlier_warehouses_go_in_the_order_of_the_nights_whatever_the_clock_said(trader: Trader, steps: Steps) -> None:
    """A kept one that is dated in the future does not outlive those replaced later."""
    trader.run(steps)
    (future,) = trader.home.earlier.glob("*.duckdb")
    ahead = future.stat().st_mtime + 30 * 86_400
    os.utime(future, (ahead, ahead))
    for _ in range(3):
        trader.run(steps)
    publish.prune_earlier(trader.home, 2)
    assert future not in list(trader.home.earlier.glob("*.duckdb"))


class _Stop(BaseException):
    pass


def _stop(*_: object) -> None:
    raise _Stop
