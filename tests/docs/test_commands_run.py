"""The commands that pages show are run: on the warehouse of the documentation, or by the test named here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.support.docs_home import LAST
from tests.support.pages import PAGES, ROOT, console_lines
from warehouse.home import Home

RUN_HERE = (
    "status",
    "query",
    "tables",
    "explain",
    "positions",
    "ledger",
    "verify",
    "prune --dry-run",
    "revisions",
    "upgrades",
    "notify --dry-run",
    "policy show",
)
RUN_HERE += ("policy diff article", "policy log", "simulate")
RUN_ELSEWHERE = {
    "nightly": "tests/e2e/test_cli.py",
    "backfill": "tests/e2e/test_cli.py",
    "report": "tests/e2e/test_cli.py",
    "open": "tests/unit/test_open.py",
    "book": "tests/e2e/test_book_cli.py",
    "policy": "tests/e2e/test_policy_cli.py",
    "recalibrate": "tests/e2e/test_recalibrate_cli.py",
    "sweep": "tests/e2e/test_sweep_cli.py",
    "notify --test": "tests/unit/test_notify_send.py",
    "schedule": "tests/flows/test_schedule_serves.py",
    "backup": "tests/faults/test_night_backup.py",
    "rebuild": "tests/faults/test_night_upgrade.py",
    "audit": "tests/sql/test_audit_runs.py",
}
"""Commands that run a night, wait for ever, need a file of the reader's or take minutes: by the test that runs them."""
SHOWN = sorted({line for page in PAGES for line in console_lines(page) if line.startswith("alvh ")})
HERE = [line for line in SHOWN if line.removeprefix("alvh ").startswith(RUN_HERE) and "--home" not in line]


@pytest.mark.parametrize("line", HERE)
def test_shown_command_runs(line: str, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # the pages show other evenings than the newest one of this market
    line = re.sub(r" > \w+\.toml$", "", line).replace("2026-11-12", LAST.isoformat()).replace("2026-10", "2025-12")
    words = shlex.split(line)
    at = [] if words[1] == "simulate" else ["--home", str(home.path)]
    said = CliRunner().invoke(app, [*words[1:], *at])
    assert said.exit_code == 0, said.output
    assert said.stdout or (words[1] == "query" and any(tmp_path.iterdir()))


def test_every_shown_command_is_run_by_a_test() -> None:
    rest = [line.removeprefix("alvh ") for line in SHOWN if line not in HERE]
    assert [line for line in rest if not line.startswith((*RUN_ELSEWHERE, *RUN_HERE))] == []
    for name, file in RUN_ELSEWHERE.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        assert name.split()[0] in text, f"{file} does not run {name}"
