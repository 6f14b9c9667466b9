"""``alvh sweep`` as a user types it: killed half way and gone on with, refused with words, shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from flows.sweeping import sweep_home
from tests.support.commands import Commands
from tests.support.grids import SMALL, crisis_home
from tests.support.shared import SharedFolders

pytestmark = pytest.mark.usefixtures("compiled_walk")

ROOT = Path(__file__).resolve().parents[2]

LARGE = SMALL.replace("[0.01, 0.015]", "{ from = 0.001, to = 0.02, step = 0.0002 }")
"""1,152 policies: 6 chunks, so many that no machine has computed all before it is seen that there is one."""


@dataclass
class Shell:
    home: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("ALVH_", "PREFECT_"))}
        return subprocess.Popen(
            [sys.executable, "-c", "from flows.cli import main; main()", "sweep", *arguments],
            cwd=ROOT,
            env={**kept, "ALVH_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sweep(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        process = self.start(*arguments)
        out, error = process.communicate()
        assert process.returncode == code, error
        assert "Traceback" not in error
        return out, error


@pytest.fixture
def shell(tmp_path: Path, shared_folders: SharedFolders) -> Shell:
    return Shell(crisis_home(shared_folders, tmp_path / "home").path)


def read(folder: Path) -> pd.DataFrame:
    with duckdb.connect() as connection:
        file = next(folder.glob("sweeps/*/sweep.parquet"))
        return connection.execute("from read_parquet(?) order by path, policy_id", [str(file)]).df()


def test_sweep_killed_half_way_goes_on_where_it_was_with_the_same_rows(
    tmp_path: Path, shell: Shell, shared_folders: SharedFolders
) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text(LARGE)
    process = shell.start("--grid", str(grid))
    while process.poll() is None and not list(shell.home.glob("sweeps/*/chunks/*/*.parquet")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = list(shell.home.glob("sweeps/*/chunks/*/*.parquet"))
    assert process.returncode == -signal.SIGKILL
    assert 1 <= len(done) < 6
    before = {path: path.stat().st_mtime_ns for path in done}

    out, said = shell.sweep("--grid", str(grid))
    assert f"6 of 6 chunks, {len(done)} of them from before" in said
    assert {path: path.stat().st_mtime_ns for path in done} == before
    assert out.startswith("SIMULATED market")
    assert "1,152 policies tried" in out
    assert "overfitting" in out
    page = Path(out.rsplit("sweep: ", 1)[1].strip())
    assert page.is_file()
    assert f"../sweeps/{page.parent.name}/sweep.html" in (shell.home / "reports" / "index.html").read_text()

    whole = crisis_home(shared_folders, tmp_path / "whole")
    written = sweep_home(whole, grid, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert written.record["published"]["results"] == 1152
    pd.testing.assert_frame_equal(read(shell.home), read(whole.path), check_exact=True)


def test_what_cannot_be_swept_is_refused_with_code_2(
    tmp_path: Path, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands(shell.home, capsys)
    grid = tmp_path / "grid.toml"
    _, said = shell.sweep("--grid", str(grid), code=2)
    assert "there is no such grid file" in said
    grid.write_text(SMALL.replace("arm_vix_pts = [", "arm_vix_point = ["))
    said = commands.run("sweep", "--grid", str(grid), code=2).err
    assert f"{grid}:8 (parameters.arm_vix_point)" in said
    assert "arm_vix_pts" in said
    grid.write_text(SMALL)
    said = commands.run("sweep", "--grid", str(grid), "--workers", "2", "--scheduler", "tcp://127.0.0.1:1", code=2).err
    assert "exclude each other" in said
    said = Commands(tmp_path / "nothing", capsys).run("sweep", "--grid", str(grid), code=2).err
    assert "nothing has been published yet" in said
