"""What a home keeps no longer: nothing that is needed, by the settings, and killable anywhere."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock

from flows.pruning import prune_and_describe
from tests.support.governance import ARTICLE, Desk
from transforms.errors import LockHeldError, PipelineError, UsageError
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.prune import prune_home, say_bytes
from warehouse.raw_store import RawStore
from warehouse.retention import FOR_EVER, LEFT_OUT, Retention, plan_pruning

NOW = datetime(2025, 1, 7, 23, 30, tzinfo=UTC)
ALL = Retention(published=7)
SETTLEMENTS = "VX_2025-01-22.csv"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def write(path: Path, text: str = "{}", age: int = 0) -> Path:
    """A file written some hours before the night."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    written = (NOW - timedelta(hours=age)).timestamp()
    os.utime(path, (written, written))
    return path


def land(home: Home, body: bytes, hours: int = 0, **changes: Any) -> Path:
    arguments: dict[str, Any] = {
        "publisher": "fred",
        "dataset": "fred_series",
        "name": "DTB3.csv",
        "url": "https://fred.example/DTB3",
        "status": 200,
        "headers": {},
        "fetched_at": NOW + timedelta(hours=hours),
    }
    stored, _ = RawStore(home).land(body=body, **(arguments | changes))
    return stored.path


def series(value: int) -> bytes:
    return f"observation_date,DTB3\n2025-01-06,{value}\n".encode()


def publish(path: Path, *read: Path) -> None:
    """A warehouse that was built from some raw files."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema ops")
        connection.execute(
            "create table ops.source_files (publisher varchar, file_name varchar, sha256 varchar, is_current boolean)"
        )
        for body in read:
            sidecar = json.loads(body.with_name(body.name + ".meta.json").read_text(encoding="utf-8"))
            row = [sidecar["publisher"], sidecar["name"], sidecar["sha256"]]
            connection.execute("insert into ops.source_files values (?, ?, ?, true)", row)


def record(home: Home, number: int, **entries: Any) -> Path:
    run_id = f"20250107T2330{number:02d}.000Z"
    content = {"run_id": run_id, "outcome": "published", "exit_code": 0, **entries}
    return write(home.runs / f"{run_id}.json", json.dumps(content))


def gone(home: Home, keep: Retention) -> list[str]:
    """Prune, and return what is no longer where it was."""
    before = files(home)
    prune_home(home, keep, NOW)
    return sorted(before - files(home))


def files(home: Home) -> set[str]:
    return {path.relative_to(home.path).as_posix() for path in home.path.rglob("*") if path.is_file()}


def test_nothing_goes_where_everything_is_kept(home: Home) -> None:
    for number in range(4):
        land(home, series(number), number)
        record(home, number, inputs=[])
        write(home.reports / f"2025-01-0{number + 1}" / "hedge-state.json")
        write(home.path / "audit" / f"2025-01-0{number + 1}" / "audit.json")
        write(home.path / "sweeps" / f"s{number}" / "manifest.json")
    assert gone(home, ALL) == []


def test_earlier_warehouses_go_by_when_they_were_replaced(home: Home) -> None:
    for number in range(4):
        write(home.earlier / f"{number:016d}.duckdb", age=number)
    write(home.published)
    assert gone(home, replace(ALL, published=2)) == [f"published/{number:016d}.duckdb" for number in (2, 3)]


def test_reports_go_by_when_they_were_written(home: Home) -> None:
    write(home.reports / "2008-10-15" / "hedge-state.json", age=0)  # asked for today
    for day, age in (("2025-01-03", 96), ("2025-01-06", 24), ("2025-01-07", 12)):
        write(home.reports / day / "hedge-state.json", age=age)
    write(home.reports / "latest" / "hedge-state.json", age=500)
    write(home.reports / "index.html", age=500)
    assert gone(home, replace(ALL, reports=2)) == [
        "reports/2025-01-03/hedge-state.json",
        "reports/2025-01-06/hedge-state.json",
    ]


def test_report_of_the_newest_session_stays_whenever_it_was_written(home: Home) -> None:
    write(home.reports / "2025-01-07" / "hedge-state.json", age=100)
    for day in ("2008-10-15", "2008-10-16"):
        write(home.reports / day / "hedge-state.json")
    assert gone(home, replace(ALL, reports=1)) == ["reports/2008-10-15/hedge-state.json"]


def test_superseded_versions_go_but_for_the_last_ones(home: Home) -> None:
    bodies = [land(home, series(number), number) for number in range(5)]
    removed = gone(home, replace(ALL, raw_versions=2))
    expected = [path.relative_to(home.path).as_posix() for path in bodies[:2]]
    assert sorted(removed) == sorted([*expected, *(f"{name}.meta.json" for name in expected)])
    assert [version.path for version in RawStore(home).state("fred", "DTB3.csv").versions] == bodies[2:]


def test_newest_and_read_version_stay_both(home: Home) -> None:
    land(home, series(1), 0)
    readable = land(home, series(2), 1)
    refused = land(home, b"<html>no</html>", 2)
    old = land(home, b"<html>never</html>", -1)
    RawStore(home).land(
        publisher="fred",
        dataset="fred_series",
        name="DTB3.csv",
        url="",
        body=b"<html>no</html>",
        status=200,
        headers={},
        fetched_at=NOW + timedelta(hours=3),
    )
    gone(home, replace(ALL, raw_versions=1))
    state = RawStore(home).state("fred", "DTB3.csv")
    assert state.newest is not None
    assert state.current is not None
    assert state.newest.path == refused
    assert state.current.path == readable
    assert old.exists()  # the superseded version seen last


@pytest.mark.parametrize("is_earlier", [False, True])
def test_version_that_a_kept_warehouse_was_built_from_stays(home: Home, is_earlier: bool) -> None:
    bodies = [land(home, series(number), number) for number in range(4)]
    publish(home.earlier / f"{0:016d}.duckdb" if is_earlier else home.published, bodies[0])
    gone(home, replace(ALL, raw_versions=1))
    assert [path.exists() for path in bodies] == [True, False, True, True]


def test_version_of_a_warehouse_that_goes_may_go_with_it(home: Home) -> None:
    bodies = [land(home, series(number), number) for number in range(4)]
    for number in range(2):
        publish(home.earlier / f"{number:016d}.duckdb", bodies[number])
        write_time = (NOW + timedelta(hours=number)).timestamp()
        os.utime(home.earlier / f"{number:016d}.duckdb", (write_time, write_time))
    gone(home, Retention(published=1, raw_versions=1))
    assert [path.exists() for path in bodies] == [False, True, True, True]


def test_no_version_goes_while_a_kept_warehouse_cannot_say_what_it_needs(home: Home) -> None:
    bodies = [land(home, series(number), number) for number in range(4)]
    write(home.published, "no warehouse")
    pruned = prune_home(home, replace(ALL, raw_versions=1), NOW)
    assert all(path.exists() for path in bodies)
    assert len(pruned.plan.notes) == 1
    assert "alvh.duckdb" in pruned.plan.notes[0]


def test_what_a_user_gave_and_what_is_read_in_all_versions_stays(home: Home) -> None:
    books = [
        land(home, f"[account] # {number}".encode(), number, publisher="user", dataset="book", name="book.toml")
        for number in range(4)
    ]
    chains = [
        land(
            home, json.dumps({"n": number}).encode(), number, publisher="cboe", dataset="vix_option_chain", name="_VIX"
        )
        for number in range(4)
    ]
    gone(home, replace(ALL, raw_versions=1))
    assert all(path.exists() for path in [*books, *chains])


def test_removed_version_is_noted_and_no_loss_to_verify(home: Home) -> None:
    bodies = [land(home, series(number), number) for number in range(3)]
    gone(home, replace(ALL, raw_versions=1))
    note = bodies[0].with_name(bodies[0].name + ".pruned.json")
    assert json.loads(note.read_text(encoding="utf-8"))["fetched_at_utc"] == "2025-01-07T23:30:00Z"
    assert verify_home(home).findings == ()


def test_removed_version_that_comes_back_is_stored_again(home: Home) -> None:
    bodies = [land(home, series(number), number) for number in range(3)]
    gone(home, replace(ALL, raw_versions=1))
    assert land(home, series(0), 9) == bodies[0]
    assert bodies[0].read_bytes() == series(0)
    assert verify_home(home).findings == ()
    assert gone(home, ALL) == []


def test_old_records_of_published_runs_lose_their_details_only(home: Home) -> None:
    paths = [
        record(home, n, published={"sha256": f"{n:064d}"}, inputs=[{"a": 1}], steps=[], revisions=[n]) for n in range(4)
    ]
    prune_home(home, replace(ALL, run_details=2), NOW)
    slim, full = (json.loads(path.read_text(encoding="utf-8")) for path in (paths[1], paths[2]))
    assert slim["revisions"] == [1]
    assert slim[LEFT_OUT] == ["inputs", "steps"]
    assert slim.keys().isdisjoint({"inputs", "steps"})
    assert full["inputs"] == [{"a": 1}]
    assert LEFT_OUT not in full
    assert plan_pruning(home, replace(ALL, run_details=2), NOW).removals == ()


def test_record_of_a_kept_warehouse_keeps_its_details(home: Home) -> None:
    sha256 = "a" * 64
    write(home.earlier / f"{sha256[:16]}.duckdb")
    path = record(home, 0, published={"sha256": sha256}, inputs=[])
    record(home, 1, published={"sha256": "b" * 64}, inputs=[])
    prune_home(home, replace(ALL, run_details=1), NOW)
    assert "inputs" in json.loads(path.read_text(encoding="utf-8"))


def test_only_records_of_runs_that_published_nothing_go(home: Home) -> None:
    others = [record(home, n, outcome="checks_failed", exit_code=4) for n in range(2)]
    others.append(record(home, 2, outcome="nothing_new"))
    stays = [
        record(home, 10, outcome="running", exit_code=None),
        record(home, 11, published={"sha256": "a"}),
        record(home, 12, outcome="calibrated", calibration={"file": "x"}),
        record(home, 13, outcome="failed", exit_code=1, calibration={"file": "y"}),
        record(home, 14, outcome="nothing_new"),
    ]
    prune_home(home, replace(ALL, other_runs=1), NOW)
    assert [path.exists() for path in others] == [False, False, False]
    assert all(path.exists() for path in stays)


def test_newest_audits_stay(home: Home) -> None:
    for day in ("2025-01-03", "2025-01-10", "2025-01-17"):
        write(home.path / "audit" / day / "audit.html")
    assert gone(home, replace(ALL, audits=1)) == ["audit/2025-01-03/audit.html", "audit/2025-01-10/audit.html"]


def test_sweep_that_is_running_stays(home: Home) -> None:
    for name, age in (("a", 3), ("b", 2), ("c", 1)):
        folder = write(home.path / "sweeps" / name / "manifest.json").parent
        os.utime(folder, (NOW.timestamp() - age, NOW.timestamp() - age))
    lock = home.path / "sweeps" / "a" / "sweep.lock"
    with FileLock(lock):
        folder = lock.parent
        os.utime(folder, (NOW.timestamp() - 3, NOW.timestamp() - 3))
        assert gone(home, replace(ALL, sweeps=1)) == ["sweeps/b/manifest.json"]


def test_old_delivered_messages_go_and_undelivered_ones_stay(home: Home) -> None:
    entries = [
        {"id": str(n), "title": "t", "body": "b", "channels": {"x": "sent" if n != 1 else "no answer"}}
        for n in range(5)
    ]
    path = write(home.path / "notices" / "notices.jsonl", "\n".join(map(json.dumps, entries)) + "\n")
    prune_home(home, replace(ALL, notices=2), NOW)
    assert [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()] == ["1", "3", "4"]


def test_half_written_files_go_once_nobody_writes_them(home: Home) -> None:
    write(home.runs / ".r.json.abc.tmp", age=2)
    write(home.path / "policy" / ".head.json.xyz.tmp", age=2)
    fresh = write(home.reports / ".index.html.new.tmp", age=0)
    assert gone(home, ALL) == ["policy/.head.json.xyz.tmp", "runs/.r.json.abc.tmp"]
    assert fresh.exists()


def test_dry_run_removes_nothing_and_says_the_same(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        write(home.earlier / f"{number:016d}.duckdb", "x" * 100, age=number)
    monkeypatch.setenv("ALVH_KEEP_PUBLISHED", "2")
    before = files(home)
    text = prune_and_describe(home, NOW, is_dry_run=True, as_json=True)
    assert files(home) == before
    planned = json.loads(text)
    done = json.loads(prune_and_describe(home, NOW, is_dry_run=False, as_json=True))
    assert planned["removed"] == done["removed"]
    assert (planned["bytes"], len(planned["removed"])) == (200, 2)
    assert planned["removed"][0] == {
        "kind": "published",
        "path": "published/0000000000000002.duckdb",
        "bytes": 100,
        "why": "older than the last 2",
    }


def test_text_says_what_goes_how_much_and_why(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        write(home.earlier / f"{number:016d}.duckdb", "x" * 1000, age=number)
    monkeypatch.setenv("ALVH_KEEP_PUBLISHED", "3")
    lines = prune_and_describe(home, NOW, is_dry_run=True, as_json=False).splitlines()
    assert lines[0] == "published: 17, 17.0 kB"
    assert lines[1] == "  published/0000000000000003.duckdb, 1.0 kB: older than the last 3"
    assert "  and 5 more; --json has all" in lines
    assert "17 things would be removed, 17.0 kB" in lines
    assert lines[-1].startswith("kept: the last 3 published, the last 756 reports")
    assert lines[-1].endswith("all raw versions, audits, sweeps (ALVH_KEEP_*)")


def test_prune_waits_for_no_run(home: Home) -> None:
    with FileLock(home.lock.resolve()):
        prune_and_describe(home, NOW, is_dry_run=True, as_json=False)
        with pytest.raises(LockHeldError):
            prune_and_describe(home, NOW, is_dry_run=False, as_json=False)


def test_prune_of_no_home_makes_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        prune_and_describe(Home(tmp_path / "none"), NOW, is_dry_run=True, as_json=False)
    assert not (tmp_path / "none").exists()


def test_what_the_disk_does_not_let_go_is_an_error_that_says_where(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(home.path / "audit" / "2025-01-03" / "audit.html").parent
    write(home.path / "audit" / "2025-01-10" / "audit.html")

    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PipelineError, match="something old could not be removed"):
        prune_home(home, replace(ALL, audits=1), NOW)
    assert path.exists()


class Killed(BaseException):
    """The process ends here."""


def crowded(home: Home) -> tuple[Retention, list[Path]]:
    """A home with one of everything to remove, and what must be whole whatever happens."""
    desk = Desk(home)
    desk.begin(ARTICLE)
    bodies = [land(home, series(number), number) for number in range(4)]
    for number in range(3):
        publish(home.earlier / f"{number:016d}.duckdb", bodies[3])
        record(home, number, published={"sha256": "0"}, rows={"core.x": 1})
        record(home, 10 + number, outcome="failed", exit_code=1)
        write(home.reports / f"2025-01-0{number + 1}" / "hedge-state.json", age=10 - number)
        write(home.path / "audit" / f"2025-01-0{number + 1}" / "audit.html")
        write(home.path / "sweeps" / f"s{number}" / "manifest.json")
    publish(home.published, bodies[3])
    keep = Retention(published=1, reports=1, raw_versions=1, audits=1, sweeps=1, run_details=1, other_runs=1)
    stays = [home.published, bodies[3], bodies[2], desk.folder.log, home.reports / "2025-01-03" / "hedge-state.json"]
    return keep, [*stays, home.path / "audit" / "2025-01-03" / "audit.html"]


@pytest.mark.parametrize("stride", [pytest.param(7), pytest.param(1, marks=pytest.mark.slow)])
def test_prune_killed_anywhere_is_ended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    full = Home(tmp_path / "full")
    keep, stays = crowded(full)
    whole = {path.relative_to(full.path): path.read_bytes() for path in stays}

    def pruned_copy(name: str, kill_at: int | None) -> tuple[Home, bool]:
        home, done = Home(tmp_path / name), 0
        shutil.copytree(full.path, home.path)

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def run(*args: Any, **kwargs: Any) -> Any:
                nonlocal done
                if done == kill_at:
                    raise Killed
                done += 1
                return real(*args, **kwargs)

            return run

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", counted(Path.replace))
            patched.setattr(Path, "unlink", counted(Path.unlink))
            patched.setattr(shutil, "rmtree", counted(shutil.rmtree))
            try:
                prune_home(home, keep, NOW)
            except Killed:
                return home, True
        return home, False

    expected = files(pruned_copy("calm", None)[0])
    kills = 0
    for kill_at in range(0, 200, stride):
        home, is_killed = pruned_copy(f"killed-{kill_at}", kill_at)
        if not is_killed:
            break
        kills += 1
        assert {path: (home.path / path).read_bytes() for path in whole} == whole
        assert not [finding for finding in verify_home(home).findings if finding.area == "raw" and finding.is_error]
        prune_home(home, keep, datetime.now(UTC) + timedelta(hours=2))
        assert files(home) == expected, f"killed at step {kill_at}"
    assert kills > 20 // stride


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 bytes"), (999, "999 bytes"), (45_625_344, "45.6 MB"), (3 * 10**12, "3.0 TB")]
)
def test_bytes_are_said_as_people_read_them(size: int, said: str) -> None:
    assert say_bytes(size) == said


def test_zero_keeps_all() -> None:
    assert FOR_EVER == 0
    assert all(value == FOR_EVER for name, value in vars(Retention()).items() if name != "published")
