"""The Prefect server of one run: whose it is, when it comes up, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from flows.prefect_env import find_api_url
from flows.prefect_server import run_server

ROOT = Path(__file__).resolve().parents[2]

_RUN = """
import os, sys
from flows.prefect_server import run_server
with run_server(["prefect"]):
    from prefect import flow
    from prefect.settings import PREFECT_API_URL
    @flow(name="tried")
    def tried():
        return PREFECT_API_URL.value()
    print(tried() == os.environ["PREFECT_API_URL"], os.environ["PREFECT_API_URL"], flush=True)
    if "wait" in sys.argv:
        sys.stdin.read()
print(PREFECT_API_URL.value(), flush=True)
"""


@pytest.fixture(autouse=True)
def user(tmp_path: Path) -> Iterator[Path]:
    """A user with a Prefect home and a working folder in which nothing is set."""
    (tmp_path / "prefect").mkdir()
    (tmp_path / "desk").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        for name in ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH"):
            patched.delenv(name, raising=False)
        patched.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
        patched.chdir(tmp_path / "desk")
        yield tmp_path
    # where Prefect is imported already, it has read the settings of this user
    if "prefect.context" in sys.modules:
        sys.modules["prefect.context"].refresh_global_settings_context()


def run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).ok
    except requests.RequestException:
        return False


def goes_down(url: str) -> bool:
    for _ in range(300):
        if not is_up(url):
            return True
        time.sleep(0.1)
    return False


def test_no_server_is_named_where_nothing_names_one() -> None:
    assert find_api_url() == (None, "")


NAMING = {
    ".env": "PREFECT_API_URL='http://named.example/env'",
    "prefect.toml": '[api]\nurl = "http://named.example/prefect"',
    "pyproject.toml": '[tool.prefect.api]\nurl = "http://named.example/pyproject"',
}
"""Files of a working folder in which Prefect looks for its server."""

_ASK = """
import os, sys
from prefect.context import refresh_global_settings_context
from prefect.settings import PREFECT_API_URL
for desk in sys.argv[1:]:
    os.chdir(desk)
    refresh_global_settings_context()
    print(PREFECT_API_URL.value())
"""


def test_server_is_found_where_prefect_looks_for_it(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for number, (file, text) in enumerate(NAMING.items()):
        desk = user / f"desk {number}"
        desk.mkdir()
        (desk / file).write_text(text, encoding="utf-8")
        monkeypatch.chdir(desk)
        url, named_in = find_api_url()
        assert named_in == file
        found.append(url)
    desks = [str(user / f"desk {number}") for number in range(len(NAMING))]
    said = subprocess.run([sys.executable, "-c", _ASK, *desks], capture_output=True, text=True, check=True)
    assert said.stdout.split() == found
    assert found == ["http://named.example/env", "http://named.example/prefect", "http://named.example/pyproject"]


def test_file_that_cannot_be_read_names_no_server(user: Path) -> None:
    (user / "desk" / "prefect.toml").write_text("[api\nurl = ", encoding="utf-8")
    (user / "desk" / "pyproject.toml").write_bytes(b"\xff\xfe")
    assert find_api_url() == (None, "")


def test_the_users_own_server_is_used_and_none_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://named.example/api")
    monkeypatch.setattr(subprocess, "Popen", None)  # whoever starts a process fails
    with run_server(["no.such.module"]):
        assert os.environ["PREFECT_API_URL"] == "http://named.example/api"


@pytest.mark.prefect
def test_run_has_a_server_and_nothing_of_it_is_left() -> None:
    with run() as started:
        said, errors = started.communicate(timeout=180)
    ran, after = said.splitlines()
    held, url = ran.split()
    # the flow and Prefect's own threads ask the same server, and are not told of it afterwards
    assert (started.returncode, held, after) == (0, "True", "None"), errors
    assert not is_up(url)
    assert "error" not in errors.lower()


@pytest.mark.prefect
def test_server_ends_with_a_run_that_is_killed() -> None:
    with run("wait") as started:
        assert started.stdout is not None
        url = started.stdout.readline().split()[1]
        assert is_up(url)
        started.send_signal(signal.SIGKILL)
        started.wait()
        assert goes_down(url)


@pytest.mark.prefect
def test_server_that_does_not_come_up_is_told_of_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "sqlite+aiosqlite:////no/such/folder/prefect.db")
    with run() as started:
        said, errors = started.communicate(timeout=180)
    assert (started.returncode, said) == (1, "")
    assert "PipelineError: Prefect's server did not start" in errors
    assert "unable to open database file" in errors
