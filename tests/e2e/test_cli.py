"""The commands as a user runs them, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.market import LAST, write_market
from warehouse.home import Home
from warehouse.publish import run_lock

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Shell:
    home: Path
    prefect_home: Path

    def alvh(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False
        )

    def on_terminal(self, *arguments: str, width: int) -> str:
        """What the command writes to a terminal of this many columns."""
        ours, theirs = os.openpty()
        try:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=ROOT,
                env={**self.environment(), "COLUMNS": str(width)},
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=subprocess.DEVNULL,
            )
            os.close(theirs)
            said = b""
            # Linux ends the reading with an error once the last writer has gone, others with nothing
            with contextlib.suppress(OSError):
                while block := os.read(ours, 65536):
                    said += block
            assert process.wait() == 0
        finally:
            os.close(ours)
        return said.decode()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "from flows.cli import main; main()", *arguments]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ALVH_", "PREFECT_"))}
        return {**kept, "ALVH_HOME": str(self.home), "PREFECT_HOME": str(self.prefect_home)}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("cli")
    return Shell(folder / "home", folder / "prefect")


@pytest.fixture(scope="module")
def night(shell: Shell) -> subprocess.CompletedProcess[str]:
    market = write_market(shell.home.parent / "archive")
    return shell.alvh("nightly", "--archive", str(market.root))


def test_nightly_ends_with_code_0_and_says_where_the_report_is(
    shell: Shell, night: subprocess.CompletedProcess[str]
) -> None:
    assert night.returncode == 0, night.stderr
    report = Path(night.stdout.rsplit("report: ", 1)[1].strip())
    assert report.is_file()
    assert report.parent.name == LAST.isoformat()


def test_nightly_is_quiet_but_for_one_line_a_step(night: subprocess.CompletedProcess[str]) -> None:
    first_words = [line.split()[0] for line in night.stderr.splitlines()]
    assert first_words == ["policy", "fetch", "land", "build", "check", "publish", "report"]


def test_query_prints_a_table(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("query", "select max(trade_date) as newest from core.daily_vx_settlements")
    assert said.returncode == 0
    assert LAST.isoformat() in said.stdout


@pytest.mark.parametrize("style", ["csv", "json"])
def test_query_prints_csv_and_json(shell: Shell, night: subprocess.CompletedProcess[str], style: str) -> None:
    said = shell.alvh("query", "select 1 as a, null as b, date '2026-01-02' as c", "--format", style)
    if style == "csv":
        assert said.stdout == "a,b,c\n1,,2026-01-02\n"
    else:
        assert json.loads(said.stdout) == [{"a": 1, "b": None, "c": "2026-01-02"}]


def test_query_writes_parquet(shell: Shell, night: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    said = shell.alvh("query", "from core.daily_index_levels", "--format", "parquet", "--output", str(target))
    assert said.returncode == 0
    assert target.read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize(
    "sql",
    [
        "delete from core.daily_index_levels",
        "create table t as select 1",
        "attach 'x.duckdb'",
        "copy (select 1) to 'x.csv'",
        "select * from read_csv('/etc/hostname')",
        "select * from '/etc/hostname'",
        "install httpfs",
        "set enable_external_access = true",
        "select 1; select 2",
        "selec 1",
    ],
)
def test_query_refuses_everything_but_one_reading_statement(
    shell: Shell, night: subprocess.CompletedProcess[str], sql: str
) -> None:
    said = shell.alvh("query", sql)
    assert said.returncode == 2
    assert said.stdout == ""
    assert "Traceback" not in said.stderr


def test_status_names_session_curve_and_report(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("status").stdout
    for word in (LAST.isoformat(), "VIX", "contango", "data health  ok", "layers       base ", "hedge-state.html"):
        assert word in said


def test_tables_lists_tables_and_explains_columns(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    assert "mart.daily_term_structure" in shell.alvh("tables").stdout
    assert "slope of the front of the curve" in shell.alvh("tables", "mart.daily_term_structure").stdout


def test_tables_explains_a_signal_without_its_schema(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("tables", "daily_signals")
    assert said.returncode == 0, said.stderr
    # unit, meaning, formula, when it is known, what explains its absence, source
    assert re.search(
        r"^edr_frac +DOUBLE +\[frac\] expected daily range of the S&P 500.*; vix_close_pts / sqrt\(252\) / 100; "
        r"known on the evening of the session; vix_status says why it is absent \(source: .+\)$",
        said.stdout,
        re.MULTILINE,
    )
    assert re.search(r"^cpi_yoy_frac .*; known on cpi_known_date; cpi_status says why", said.stdout, re.MULTILINE)


def test_tables_stays_inside_the_terminal(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = re.sub(r"\x1b\[[0-9;]*m", "", shell.on_terminal("tables", "daily_signals", width=100))
    lines = [line.rstrip() for line in said.splitlines()]
    assert len(lines) > 300
    assert max(len(line) for line in lines) <= 100
    # nothing is cut off: each meaning goes on below itself
    assert "\u2026" not in said


def test_tables_suggests_a_name_near_an_unknown_one(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("tables", "mart.daily_term_structur")
    assert said.returncode == 2
    assert "mart.daily_term_structure" in said.stderr


def test_explain_fits_100_columns_and_names_every_layer(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("explain")
    assert said.returncode == 0, said.stderr
    assert max(map(len, said.stdout.splitlines())) <= 100
    assert [name for name in ("BASE", "TEMPORAL VEGA", "SECOND ENGINE", "GOVERNOR") if name not in said.stdout] == []
    assert "SIMULATED" not in said.stdout
    assert "\x1b" not in said.stdout


def test_explain_on_a_terminal_stays_inside_it(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = re.sub(r"\x1b\[[0-9;]*m", "", shell.on_terminal("explain", width=80))
    assert max(len(line.rstrip()) for line in said.splitlines()) <= 80


def test_explain_of_one_layer_as_json(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("explain", "--layer", "temporal_vega", "--json", "--as-of", LAST.isoformat())
    explanation = json.loads(said.stdout)
    assert explanation["as_of"] == LAST.isoformat()
    assert [layer["layer"] for layer in explanation["layers"]] == ["temporal_vega"]


@pytest.mark.parametrize(
    ("arguments", "found"), [(("--layer", "fourth"), "fourth"), (("--as-of", "1999-01-04"), "1999-01-04")]
)
def test_explain_of_what_is_not_there_is_a_usage_error(
    shell: Shell, night: subprocess.CompletedProcess[str], arguments: tuple[str, ...], found: str
) -> None:
    said = shell.alvh("explain", *arguments)
    assert said.returncode == 2
    assert found in said.stderr


def test_positions_fit_100_columns_and_name_every_layer(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("positions")
    assert said.returncode == 0, said.stderr
    assert max(map(len, said.stdout.splitlines())) <= 100
    heads = ("BASE", "TEMPORAL VEGA", "SECOND ENGINE", "TOTALS", "TRADES OF THE SESSION", "TIME-SHIFTS")
    assert [name for name in heads if name not in said.stdout] == []
    assert "\x1b" not in said.stdout


def test_ledger_fits_100_columns_and_shows_its_identity(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("ledger")
    assert said.returncode == 0, said.stderr
    assert max(map(len, said.stdout.splitlines())) <= 100
    assert re.search(r"largest difference of \d+ rows \$0\.00", said.stdout)
    assert "self-funded" not in said.stdout.lower()


def test_commands_and_report_carry_the_same_numbers(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    state = json.loads((shell.home / "reports" / "latest" / "hedge-state.json").read_text(encoding="utf-8"))
    held = json.loads(shell.alvh("positions", "--json").stdout)
    booked = json.loads(shell.alvh("ledger", "--json").stdout)
    assert held["account"]["nav_usd"] > 0
    assert {name: state[name] for name in held} == held
    assert {name: state[name] for name in booked} == booked


def test_positions_of_one_layer_are_its_own(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    found = json.loads(shell.alvh("positions", "--layer", "base", "--json", "--as-of", LAST.isoformat()).stdout)
    assert found["as_of"] == LAST.isoformat()
    assert {row["layer"] for row in [*found["positions"], *found["totals"], *found["trades"]]} == {"base"}


def test_month_of_the_ledger_has_its_days(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("ledger", "--month", "2025-08", "--json")
    month = json.loads(said.stdout)["month"]
    assert month["month"] == "2025-08"
    assert {day["trade_date"][:7] for day in month["days"]} == {"2025-08"}
    assert json.loads(said.stdout)["as_of"] == month["days"][-1]["trade_date"]
    # up to an earlier session, the same days are the same
    cut = json.loads(shell.alvh("ledger", "--month", "2025-08", "--as-of", "2025-08-20", "--json").stdout)["month"]
    assert cut["days"] == month["days"][: len(cut["days"])]
    assert cut["days"][-1]["trade_date"] == "2025-08-20"


def test_status_says_funding_in_one_line(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    lines = [line for line in shell.alvh("status").stdout.splitlines() if line.startswith("funding ")]
    sentence = json.loads(shell.alvh("ledger", "--json").stdout)["funding"]["sentence"]
    assert lines == [f"funding      {sentence.removeprefix('Funding, ').removesuffix('.')}"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("positions", "--layer", "fourth"), "fourth"),
        (("positions", "--as-of", "1999-01-04"), "1999-01-04"),
        (("ledger", "--as-of", "1999-01-04"), "1999-01-04"),
        (("ledger", "--month", "1999-01"), "1999-01"),
        (("ledger", "--month", "1999-13"), "1999-13"),
    ],
)
def test_positions_and_ledger_of_what_is_not_there_are_usage_errors(
    shell: Shell, night: subprocess.CompletedProcess[str], arguments: tuple[str, ...], found: str
) -> None:
    said = shell.alvh(*arguments)
    assert said.returncode == 2
    assert found in said.stderr
    assert "Traceback" not in said.stderr


def test_report_of_a_past_session_is_written(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("report", "--as-of", "2025-08-20")
    assert said.returncode == 0, said.stderr
    assert (shell.home / "reports" / "2025-08-20" / "hedge-state.md").is_file()


def test_report_of_a_day_without_data_names_the_nearest(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("report", "--as-of", "2025-08-16")
    assert said.returncode == 2
    assert "2025-08-15 and 2025-08-18" in said.stderr


def test_backfill_writes_a_report_a_session(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("backfill", "--from", "2025-08-01", "--to", "2025-08-06")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("4 reports")
    assert not (shell.home / "reports" / "2025-08-02").exists()


def test_nightly_on_a_holiday_is_nothing_new(shell: Shell) -> None:
    said = shell.alvh("nightly", "--archive", "anywhere", "--as-of", "2025-12-25")
    assert (said.returncode, said.stdout) == (0, "nothing new: 2025-12-25 is not a session of VIX futures\n")


def test_second_run_leaves_at_once_with_code_6_and_says_who_holds_the_home(shell: Shell, tmp_path: Path) -> None:
    home = Home(shell.home)
    home.prepare()
    (tmp_path / "cdn.cboe.com").mkdir()
    with run_lock(home, "alvh nightly --source cboe", datetime(2026, 1, 7, 23, 30, tzinfo=UTC)):
        said = shell.alvh("nightly", "--archive", str(tmp_path))
    assert said.returncode == 6
    assert f"process {os.getpid()}" in said.stderr
    assert "2026-01-07T23:30:00Z" in said.stderr
    assert "fetch" not in said.stderr


def test_command_without_a_published_warehouse_says_what_to_do(shell: Shell, tmp_path: Path) -> None:
    said = shell.alvh("query", "select 1", "--home", str(tmp_path / "empty"))
    assert said.returncode == 2
    assert "alvh nightly" in said.stderr


def test_unknown_source_is_a_usage_error(shell: Shell) -> None:
    said = shell.alvh("nightly", "--source", "bloomberg")
    assert said.returncode == 2
    assert "bloomberg" in said.stderr


def test_errors_show_a_traceback_only_when_asked(shell: Shell, tmp_path: Path) -> None:
    quiet = shell.alvh("query", "select 1", "--home", str(tmp_path / "empty"))
    loud = shell.alvh("query", "select 1", "--home", str(tmp_path / "empty"), "--debug")
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr
