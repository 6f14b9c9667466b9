"""The doctor: each check finds what it looks for, says what to do, and never falls over."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows import doctor_home, doctor_machine, doctor_network
from flows.doctor import Check, Finding, Patient, examine, is_sound
from tests.support.market import LAST
from tests.support.nights import evening_of, have_first_night
from tests.support.shared import SharedFolders
from transforms.errors import ChecksFailedError
from transforms.policy.loader import preset_text
from warehouse.home import Home
from warehouse.publish import run_lock

ROOT = Path(__file__).resolve().parents[2]
EVENING = evening_of(LAST)


def patient(home: Path, now: datetime = EVENING, *, is_offline: bool = True, source: str = "sample") -> Patient:
    return Patient(Home(home), now, is_offline, source)


def found(check: Check, one: Patient) -> list[tuple[str, str]]:
    return [(finding.check, finding.status) for finding in check(one)]


@pytest.fixture
def home(shared_folders: SharedFolders, tmp_path: Path) -> Path:
    """A home after one night, to be changed."""
    begun = shared_folders.get("first-night", have_first_night) / "home"
    shutil.copytree(begun, tmp_path / "home", ignore=shutil.ignore_patterns("raw", "reports"))
    return tmp_path / "home"


def test_home_after_a_night_is_sound(home: Path) -> None:
    findings = examine(patient(home), doctor_home.CHECKS)
    assert [one for one in findings if one.status != "ok"] == []
    assert {one.check for one in findings} == {"home", "room", "lock", "published", "calendar", "policy", "clock"}


def test_home_that_is_not_there_is_made_by_the_first_night(tmp_path: Path) -> None:
    findings = examine(patient(tmp_path / "new" / "home"), doctor_home.CHECKS)
    assert is_sound(findings)
    assert [one.next_step for one in findings if one.check == "home"] == ["`alvh nightly` makes it"]


def test_home_that_others_can_read_is_a_warning(home: Path) -> None:
    home.chmod(0o755)
    (finding,) = doctor_home.check_home(patient(home))
    assert (finding.status, "0755" in finding.says) == ("warning", True)
    assert f"chmod 700 {home}" in finding.next_step


def test_private_key_that_others_can_read_is_a_problem(home: Path) -> None:
    (key,) = (home / "policy" / "keys").glob("*.pem")
    key.chmod(0o644)
    assert found(doctor_home.check_home, patient(home)) == [("home", "ok"), ("home", "problem")]


def test_full_disk_is_a_problem_and_a_filling_one_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, status in ((50_000_000, "problem"), (400_000_000, "warning"), (10**12, "ok")):
        usage = shutil._ntuple_diskusage(10**12, 10**12 - free, free)
        monkeypatch.setattr(doctor_home.shutil, "disk_usage", lambda _, usage=usage: usage)
        assert found(doctor_home.check_room, patient(home)) == [("room", status)]


def test_build_on_another_file_system_is_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(home / "build")
    other = Path("/dev/shm")  # noqa: S108 - a file system that is not that of the tests, and nothing is written
    if not other.is_dir() or other.stat().st_dev == home.stat().st_dev:
        pytest.skip("no second file system here")
    (home / "build").symlink_to(other)
    assert ("room", "problem") in found(doctor_home.check_room, patient(home))


def test_lock_says_who_holds_it_and_warns_of_a_run_without_end(home: Path) -> None:
    with run_lock(Home(home), "alvh nightly --source cboe", EVENING):
        (soon,) = doctor_home.check_lock(patient(home, EVENING + timedelta(minutes=5)))
        (late,) = doctor_home.check_lock(patient(home, EVENING + timedelta(hours=7)))
    assert (soon.status, late.status) == ("ok", "warning")
    assert f"process {os.getpid()}" in soon.says
    assert found(doctor_home.check_lock, patient(home)) == [("lock", "ok")]


def test_lock_of_a_run_that_was_killed_is_free_and_says_so(home: Path) -> None:
    with run_lock(Home(home), "alvh nightly --source cboe", EVENING):
        note = (home / "run.lock.json").read_bytes()
    (home / "run.lock.json").write_bytes(note)
    (finding,) = doctor_home.check_lock(patient(home))
    assert finding.status == "warning"
    assert f"process {os.getpid()} on " in finding.says
    assert "was killed" in finding.says


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (timedelta(0), "no session behind"),
        # a Friday evening; Monday's settlement is due at 11:30 on Tuesday
        (timedelta(days=3), "no session behind"),
        (timedelta(days=4), "1 session behind"),
        (timedelta(days=5), "2 sessions behind"),
    ],
)
def test_age_of_what_is_published_is_counted_in_sessions_that_are_due(home: Path, later: timedelta, said: str) -> None:
    published, _ = doctor_home.check_published(patient(home, EVENING + later))
    assert said in published.says
    assert published.status == ("ok" if said.startswith("no") else "warning")


def test_calendar_that_ends_soon_is_a_warning(home: Path) -> None:
    findings = list(doctor_home.check_published(patient(home, EVENING + timedelta(days=800))))
    assert [(one.check, one.status) for one in findings] == [("published", "warning"), ("calendar", "warning")]
    assert "at least" in findings[0].says


def test_warehouse_that_does_not_open_is_a_problem(home: Path) -> None:
    (home / "alvh.duckdb").write_bytes(b"no database")
    (finding,) = examine(patient(home), [("published", doctor_home.check_published)])
    assert finding.status == "problem"
    assert "published/" in finding.next_step


def test_policy_that_nobody_signed_is_a_problem(home: Path) -> None:
    policy = home / "policy" / "policy.toml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text("# another comment\n" + text, encoding="utf-8")
    assert found(doctor_home.check_policy, patient(home)) == [("policy", "ok")]
    policy.write_text(preset_text("canon"), encoding="utf-8")
    (finding,) = doctor_home.check_policy(patient(home))
    assert finding.status == "problem"
    assert "alvh policy restore" in finding.next_step


def test_log_that_was_cut_is_a_problem(home: Path) -> None:
    log = home / "policy" / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    (finding,) = examine(patient(home), [("policy", doctor_home.check_policy)])
    assert finding.status == "problem"


def test_clock_before_the_last_run_is_a_problem(home: Path) -> None:
    assert found(doctor_home.check_records, patient(home)) == [("clock", "ok")]
    (finding,) = doctor_home.check_records(patient(home, EVENING - timedelta(hours=1)))
    assert finding.status == "problem"


def test_this_machine_is_one_that_alvh_runs_on(tmp_path: Path) -> None:
    findings = examine(patient(tmp_path), doctor_machine.CHECKS)
    assert [one for one in findings if one.status == "problem"] == []
    assert {one.check for one in findings} == {name for name, _ in doctor_machine.CHECKS}


@pytest.mark.parametrize(
    ("name", "version", "status", "said"),
    [
        ("fastapi", "0.155.0", "problem", "min_items"),
        ("sqlalchemy", "2.1.0", "problem", "no deployment to schedule"),
        ("duckdb", "0.9.0", "problem", "not tried"),
        ("rich", None, "problem", "rich is not installed"),
        ("rich", "99.0", "warning", "rich 99.0, not "),
    ],
)
def test_package_out_of_its_bounds_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, version: str | None, status: str, said: str
) -> None:
    real = doctor_machine._version_of
    monkeypatch.setattr(doctor_machine, "_version_of", lambda one: version if one.lower() == name else real(one))
    pinned = {**doctor_machine._read_pins(), "rich": "15.0.0"}
    monkeypatch.setattr(doctor_machine, "_read_pins", lambda: pinned)
    findings = [one for one in doctor_machine.check_packages(patient(tmp_path)) if said in one.says]
    assert [one.status for one in findings] == [status]
    assert "constraints.txt" in findings[0].next_step


def test_little_memory_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, status in ((300, "warning"), (8000, "ok"), (None, "ok")):
        monkeypatch.setattr(doctor_machine, "_free_memory_mb", lambda free=free: free)
        assert found(doctor_machine.check_memory, patient(tmp_path)) == [("memory", status)]


class _Publisher(BaseHTTPRequestHandler):
    status = 200
    ahead = timedelta(0)

    def do_GET(self) -> None:
        self.send_response_only(self.status)
        self.send_header("Date", format_datetime(EVENING + self.ahead, usegmt=True))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def publisher(status: int = 200, ahead: timedelta = timedelta(0)) -> Iterator[str]:
    kind = type("Publisher", (_Publisher,), {"status": status, "ahead": ahead})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def ask_sources(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    monkeypatch.setenv("ALVH_HTTP_MIRROR_URL", url)
    return list(doctor_network.check_sources(patient(tmp_path, is_offline=False, source="cboe")))


def test_publishers_that_answer_at_the_same_time_are_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with publisher() as url:
        findings = ask_sources(url, tmp_path, monkeypatch)
    assert [(one.check, one.status) for one in findings] == [("sources", "ok"), ("clock", "ok")]
    assert "cdn.cboe.com" in findings[0].says


@pytest.mark.parametrize(("ahead", "said"), [(timedelta(hours=1), "behind"), (timedelta(hours=-1), "ahead of")])
def test_clock_apart_from_the_publishers_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: timedelta, said: str
) -> None:
    with publisher(ahead=ahead) as url:
        findings = ask_sources(url, tmp_path, monkeypatch)
    assert findings[-1].status == "problem"
    assert f"3,600 s {said} the publishers" in findings[-1].says


def test_publisher_that_blocks_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with publisher(status=403) as url:
        findings = ask_sources(url, tmp_path, monkeypatch)
    assert [one.status for one in findings if "403" in one.says] == ["warning"] * 3


def test_publisher_that_cannot_be_reached_is_a_problem_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"  # bound, and nobody listens
        findings = ask_sources(url, tmp_path, monkeypatch)
    assert [(one.check, one.status) for one in findings] == [("sources", "problem"), ("sources", "warning")]
    assert "cdn.cboe.com" in findings[0].says
    assert "unicorn.us.com" in findings[1].says


@pytest.mark.parametrize("source", ["sample", "archive"])
def test_source_on_this_machine_asks_no_publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setattr(doctor_network, "ask", lambda *_: pytest.fail("asked"))
    one = patient(tmp_path, is_offline=False, source=source)
    assert found(doctor_network.check_sources, one) == [("sources", "ok")]
    offline = patient(tmp_path, source="cboe")
    assert [finding.says for finding in doctor_network.check_sources(offline)] == ["not asked (--offline)"]


def test_hosts_asked_are_those_that_a_night_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.sources.http_policy import ALLOWED_HOSTS

    monkeypatch.setenv("ALVH_FRED_API_KEY", "a" * 32)
    assert set(doctor_network.list_addresses()) == ALLOWED_HOSTS
    monkeypatch.delenv("ALVH_FRED_API_KEY")
    assert set(doctor_network.list_addresses()) == ALLOWED_HOSTS - {"api.stlouisfed.org"}


def test_prefect_server_that_is_configured_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (none,) = doctor_machine.check_prefect(patient(tmp_path))
    assert (none.status, "for the time being" in none.says) == ("ok", True)
    with publisher() as url:
        monkeypatch.setenv("PREFECT_API_URL", f"{url}/api")
        assert found(doctor_machine.check_prefect, patient(tmp_path)) == [("prefect", "ok")]
    (gone,) = doctor_machine.check_prefect(patient(tmp_path))
    assert gone.status == "problem"
    assert "unset PREFECT_API_URL" in gone.next_step


def test_prefect_server_of_the_active_profile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH"):
        monkeypatch.delenv(name, raising=False)
    text = 'active = "desk"\n[profiles.desk]\nPREFECT_API_URL = "http://prefect.example/api"\n'
    (tmp_path / "profiles.toml").write_text(text, encoding="utf-8")
    (finding,) = doctor_machine.check_prefect(patient(tmp_path))
    assert "http://prefect.example/api (Prefect's profile desk) was not asked" in finding.says


def _fails(error: Exception) -> Check:
    def check(one: Patient) -> Iterator[Finding]:
        raise error
        yield

    return check


def test_check_that_falls_over_is_a_finding(tmp_path: Path) -> None:
    ours = ChecksFailedError("it was changed", found="nine", next_step="look")
    findings = examine(patient(tmp_path), [("one", _fails(ours)), ("two", _fails(RuntimeError("boom")))])
    assert [(one.status, one.says) for one in findings] == [
        ("problem", "it was changed (nine)"),
        ("problem", "could not be looked at: RuntimeError: boom"),
    ]
    assert findings[0].next_step == "look"
    assert not is_sound(findings)


def test_every_finding_that_is_not_ok_says_what_to_do(tmp_path: Path, home: Path) -> None:
    shutil.rmtree(home / "policy")
    (home / "alvh.duckdb").unlink()
    for one in (patient(home), patient(tmp_path / "nothing")):
        assert [finding for finding in examine(one) if finding.status != "ok" and not finding.next_step] == []


def test_doctor_loads_neither_prefect_nor_great_expectations(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom flows.cli import main\nsys.argv = ['alvh', 'doctor', '--offline']\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert ended.code == 0, ended.code\n"
        "print(*sorted({'prefect', 'great_expectations', 'exchange_calendars', 'matplotlib'} & set(sys.modules)))"
    )
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("ALVH_", "PREFECT_"))}
    environment = {**kept, "ALVH_HOME": str(tmp_path / "home"), "PREFECT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == ""
    assert not (tmp_path / "home").exists()
