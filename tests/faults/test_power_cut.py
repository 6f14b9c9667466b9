"""A power cut anywhere in a night: of all that the disk may hold then, nothing breaks a promise.

How the disk is modelled: :mod:`tests.support.power_cut`. That the model sees every name that a night makes or moves is
held with strace, where there is one.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.run import Steps
from tests.support.kept_build import NEXT, next_night
from tests.support.market import Market
from tests.support.nights import Trader
from tests.support.power_cut import EVERYTHING, NOTHING, Instant, Recorder, recording
from tests.support.promises import Held, assert_readable, leftovers, read_held, unsound
from tests.support.shared import SharedFolders
from warehouse.home import Home

ROOT = Path(__file__).resolve().parents[2]
SURVIVE = (NOTHING, 0.3, 0.7, EVERYTHING)


def record_night(trader: Trader, steps: Steps, chosen: range | set[int]) -> Recorder:
    """Run the next night, and take the disk behind the calls of the chosen numbers."""
    recorder = Recorder(trader.home, chosen)
    recorder.begin()
    with recording(recorder):
        assert trader.run(steps).exit_code == 0
    return recorder


def hold_promises(instant: Instant, disk: Path, before: Held, moved_on: Held) -> Home:
    """Hold what is promised of a disk after a power cut."""
    home = Home(disk)
    found = read_held(home)
    if before.run_id is not None:
        assert found.run_id is not None, instant.after
    if found.run_id in (None, before.run_id):
        assert found.values == before.values, instant.after
    else:
        assert found.values == moved_on.values, instant.after
    assert before.versions | instant.landed <= found.versions, instant.after
    if found.run_id is not None:
        assert_readable(home)
    return home


def go_on(trader: Trader, home: Home, steps: Steps, moved_on: Held) -> None:
    """Run a night on a disk after a power cut: it needs nobody's hand."""
    later = Trader(home, trader.archive, trader.now, nights=trader.nights + 5)
    assert later.run(steps).exit_code == 0
    assert read_held(home).values == moved_on.values
    assert unsound(home) == []
    assert leftovers(home) == []


def test_power_cut_leaves_what_was_published_and_fetched_and_the_next_night_succeeds(
    trader: Trader, steps: Steps, moved_on: Held, tmp_path: Path
) -> None:
    before, generator = read_held(trader.home), random.Random(1)  # noqa: S311
    recorder = record_night(trader, steps, set(range(7, 400, 23)))
    assert len(recorder.instants) > 8
    for number, instant in enumerate(recorder.instants):
        disk = instant.lay_out(tmp_path / f"disk{number}", SURVIVE[number % 4], generator)
        home = hold_promises(instant, disk, before, moved_on)
        if number % 6 == 2:
            go_on(trader, home, steps, moved_on)


def test_power_cut_in_a_first_night_leaves_a_home_that_begins(trader: Trader, tmp_path: Path) -> None:
    """Killed before it builds: the folders, the policy with its key, and the files fetched are what is new."""
    recorder = Recorder(trader.home, {3, 9, 15, 21, 27, 33, 45, 60, 90, 150, 220})
    trader.home.path.mkdir()
    recorder.begin()
    nothing, generator = Held(None, [], frozenset()), random.Random(2)  # noqa: S311

    class Broken(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Broken

    with recording(recorder), pytest.raises(Broken):
        trader.run(Steps(build=stop))  # type: ignore[arg-type]
    for number, instant in enumerate(recorder.instants):
        for survives in (NOTHING, 0.5):
            disk = instant.lay_out(tmp_path / f"disk{number}-{survives}", survives, generator)
            home = hold_promises(instant, disk, nothing, nothing)
            later = Trader(home, trader.archive, trader.now, nights=9)
            with pytest.raises(Broken):  # it comes as far as the night before
                later.run(Steps(build=stop))  # type: ignore[arg-type]
            assert unsound(home) == [], instant.after


CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from tests.support.kept_build import kept_steps
from tests.support.nights import Trader
from warehouse.home import Home
home, archive, kept, now = sys.argv[1:]
Trader(Home(Path(home)), Path(archive), datetime.fromisoformat(now), nights=1).run(kept_steps(Path(kept)))
"""
TRACED = "openat,rename,renameat,renameat2,link,linkat,mkdir,mkdirat,fsync,fdatasync"
_CALL = re.compile(r"^(?P<process>\d+) +(?:<\.\.\. )?(?P<name>\w+)(?P<rest>.*)$")


def traced_calls(log: Path) -> list[tuple[str, str]]:
    """Read strace's log: name and arguments of each call that succeeded, in the order in which they ended."""
    begun: dict[str, str] = {}
    calls = []
    for line in log.read_text(encoding="utf-8").splitlines():
        found = _CALL.match(line)
        if found is None:
            continue
        process, name, rest = found["process"], found["name"], found["rest"]
        if rest.endswith("<unfinished ...>"):
            begun[process] = rest
            continue
        if " resumed>" in rest:
            rest = begun.pop(process, "") + rest
        if " = -1 " not in rest:
            calls.append((name, rest))
    return calls


def test_no_name_of_a_night_is_left_unsynced_as_the_system_saw_it(
    trader: Trader, market: Market, shared_folders: SharedFolders, tmp_path: Path
) -> None:
    """Every file that gets a name was synced before, and its folder after, whoever made the call."""
    strace = shutil.which("strace")
    if (
        strace is None
        or subprocess.run([strace, "-o", os.devnull, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("strace is not here, or may trace nothing")
    trader.begin()
    market.extend_to(NEXT)
    assert trader.begun is not None
    kept, log, home = next_night(shared_folders, trader.begun), tmp_path / "calls.txt", str(trader.home.path)
    command = [strace, "-f", "--seccomp-bpf", "-y", "-qq", "-o", str(log), "-e", f"trace={TRACED}"]
    child = [sys.executable, "-c", CHILD, home, str(trader.archive), str(kept), trader.now.isoformat()]
    ended = subprocess.run([*command, *child], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    synced: set[str] = set()
    waiting: dict[str, str] = {}
    named = 0
    for call, rest in traced_calls(log):
        paths = [path for path in re.findall(r'"([^"]*)"', rest) if path.startswith(home)]
        if call in ("fsync", "fdatasync"):
            (path,) = re.findall(r"<([^>]*)>", rest)[:1]
            synced.add(path)
            waiting.pop(path, None)
        elif call == "openat" and ("O_WRONLY" in rest or "O_RDWR" in rest):
            synced -= set(paths)
        elif paths and call != "openat" and not paths[-1].startswith(f"{home}/build/"):
            named += 1
            waiting[os.path.dirname(paths[-1])] = f"{call}{rest}"  # noqa: PTH120 - as strace prints it
            if call.startswith("rename"):
                assert paths[0] in synced, f"{call}{rest}"
    assert waiting == {}
    assert named > 60


@pytest.mark.slow
def test_power_cut_at_every_call_of_a_night(
    trader: Trader, steps: Steps, moved_on: Held, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, generator = read_held(trader.home), random.Random(3)  # noqa: S311
    states = nights = 0
    recorder = record_night(trader, steps, range(1, 2000))
    for number, instant in enumerate(recorder.instants):
        disk = instant.lay_out(tmp_path / f"disk{number}", SURVIVE[number % 3], generator)
        home = hold_promises(instant, disk, before, moved_on)
        states += 1
        if states % 20 == 0:
            go_on(trader, home, steps, moved_on)
            nights += 1
        _remove(disk)
    with capsys.disabled():
        print(f"\n{recorder.calls} calls, {states} states of the disk, {nights} nights gone on from one")
    assert states == recorder.calls


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
