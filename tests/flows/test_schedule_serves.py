"""`alvh schedule` as a process: it starts a server where none is named, and runs really get scheduled."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.support.market import write_market

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.prefect


def _scheduled_runs(api: str) -> int:
    answer = requests.post(
        f"{api}/flow_runs/count", json={"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}, timeout=5
    )
    return int(answer.json())


def test_schedule_starts_a_server_and_schedules_the_next_nights(tmp_path: Path) -> None:
    market = write_market(tmp_path / "archive")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ALVH_", "PREFECT_"))}
    environment |= {"PREFECT_HOME": str(tmp_path / "prefect"), "ALVH_HOME": str(tmp_path / "home")}
    with subprocess.Popen(
        [sys.executable, "-c", "from flows.cli import main; main()", "schedule", "--archive", str(market.root)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as served:
        try:
            assert served.stderr is not None
            said = served.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found, said
            runs = 0
            for _ in range(60):
                runs = _scheduled_runs(f"{found[0]}/api")
                if runs >= 4:
                    break
                time.sleep(1)
            # the evening, its hourly retries, the reconciliation and the re-calibration, each for days ahead
            assert runs >= 4
        finally:
            served.send_signal(signal.SIGTERM)
            try:
                served.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(served.pid, signal.SIGKILL)
                raise
