"""The pages on scheduling and notifications: their commands, unit files, crontab and kinds are what they say."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from flows import schedule
from tests.support.pages import DOCS, ROOT, blocks, console_lines, read
from transforms.notices.kinds import KINDS

SCHEDULING, NOTIFICATIONS = DOCS / "scheduling.md", DOCS / "notifications.md"
UNITS = sorted((DOCS / "examples" / "systemd").iterdir())
SERVED = {
    "nightly": [schedule.NIGHTLY, schedule.RETRIES, schedule.RECONCILIATION],
    "recalibrate": [schedule.RECALIBRATION],
}
ELSEWHERE = {"mkdir", "install", "export", "alvh"}
"""Programs of every shell, and the one whose commands another test reads."""


def unit(path: Path) -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def fires(path: Path) -> set[tuple[str, int, int]]:
    """Days, hour and minute of a timer, all of them in New York's time."""
    found = set()
    for days, hours, minute, zone in re.findall(
        r"^OnCalendar=(\S+) \*-\*-\* ([\d.]+):(\d\d):00 (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert zone == schedule.TIMEZONE
        first, _, last = hours.partition("..")
        found |= {(days, hour, int(minute)) for hour in range(int(first), int(last or first) + 1)}
    return found


def due(crons: list[str]) -> set[tuple[str, int, int]]:
    """The same of crontab entries."""
    names = {"1-5": "Mon..Fri", "2-6": "Tue..Sat"}
    found = set()
    for cron in crons:
        minute, hours, _, _, days = cron.split()
        first, _, last = hours.partition("-")
        found |= {(names[days], hour, int(minute)) for hour in range(int(first), int(last or first) + 1)}
    return found


@pytest.mark.parametrize("page", [SCHEDULING, NOTIFICATIONS], ids=lambda page: page.stem)
def test_every_command_is_one_that_there_is(page: Path) -> None:
    lines = list(console_lines(page))
    assert lines
    for line in lines:
        program, *words = shlex.split(line)
        if program == "cp":
            assert list(ROOT.glob(words[0])), line
        elif program == "systemctl":
            assert words[:2] in (["--user", "daemon-reload"], ["--user", "enable"], ["--user", "list-timers"]), line
            named = {word for word in words if word.endswith((".timer", ".service"))}
            assert named <= {path.name for path in UNITS}, line
        elif program == "loginctl":
            assert words == ["enable-linger"]
        elif program == "prefect":
            assert words == ["server", "start", "--background"]
        else:
            assert program in ELSEWHERE, line


@pytest.mark.parametrize("job", SERVED)
def test_timer_fires_when_the_schedule_does(job: str) -> None:
    timer = DOCS / "examples" / "systemd" / f"alvh-{job}.timer"
    assert fires(timer) == due([str(one.cron) for one in SERVED[job]])  # type: ignore[attr-defined]
    assert unit(timer)["Timer"]["Unit"] == f"alvh-{job}.service"
    assert unit(timer)["Timer"]["Persistent"] == "true"


@pytest.mark.parametrize("job", SERVED)
def test_crontab_fires_when_the_schedule_does(job: str) -> None:
    (crontab,) = [block for block in blocks(SCHEDULING, "text") if "CRON_TZ" in block]
    assert crontab.startswith(f"CRON_TZ={schedule.TIMEZONE}\n")
    entries = re.findall(rf"^(\S+ \S+ \* \* \S+) +cd .*/alvh {job}\b", crontab, re.MULTILINE)
    assert due(entries) == due([str(one.cron) for one in SERVED[job]])  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name)
def test_service_runs_a_command_that_alvh_takes(path: Path) -> None:
    import typer

    from flows.cli import app

    _, name, *rest = shlex.split(unit(path)["Service"]["ExecStart"])
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    commands[name].make_context(name, rest)
    assert unit(path)["Service"]["Type"] == "oneshot"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for path in UNITS:
        # where the checkout of a reader would be
        text = path.read_text(encoding="utf-8").replace("%h/alvh/.venv/bin/alvh", "/bin/true")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", *sorted(str(tmp_path / path.name) for path in UNITS)],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "alvh-" in line]
    assert (done.returncode, said) == (0, []), done.stderr


def test_notifications_explain_every_kind() -> None:
    explained = re.findall(r"^\| `(\w+)` \| ", read(NOTIFICATIONS), re.MULTILINE)
    assert sorted(explained) == sorted(KINDS)


def test_shown_message_keeps_the_bounds_it_names() -> None:
    (message,) = blocks(NOTIFICATIONS, "text")
    title, empty, *body = message.splitlines()
    assert empty == ""
    assert len(title) <= 80
    assert 1 <= len(body) <= 10


def test_scheduling_names_every_artifact_of_a_night() -> None:
    from flows import run_page

    keys = {run_page.REPORT, run_page.CHECKS, run_page.SOURCES, run_page.FETCHED, run_page.PAGE}
    assert set(re.findall(r"`(alvh-[a-z]+)`", read(SCHEDULING))) == keys


def test_scheduling_names_every_deployment() -> None:
    text = read(SCHEDULING)
    assert [name for name in schedule.DESCRIPTIONS if f"`{name}`" not in text] == []
