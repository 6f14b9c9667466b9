"""The commands as a user runs them: each once in a process of its own, what else it can say inside of the test's."""

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

from tests.support.commands import Commands
from tests.support.market import LAST, write_market
from tests.support.policy_desk import ARM
from transforms.policy.loader import preset_text
from warehouse.home import Home
from warehouse.publish import run_lock

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Shell:
    home: Path
    prefect_home: Path

    @property
    def named(self) -> Path:
        """The policy that the first night is given."""
        return self.home.parent / "mine.toml"

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


@pytest.fixture
def at_home(shell: Shell, night: subprocess.CompletedProcess[str], capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands on the same home without a process of their own."""
    return Commands(shell.home, capsys)


@pytest.fixture(scope="module")
def night(shell: Shell) -> subprocess.CompletedProcess[str]:
    market = write_market(shell.home.parent / "archive")
    shell.named.write_text(preset_text("article").replace(ARM, ARM.replace("25", "26"), 1), encoding="utf-8")
    return shell.alvh("nightly", "--archive", str(market.root), "--policy", str(shell.named))


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


def test_nightly_of_a_new_home_adopts_the_policy_named(
    shell: Shell, night: subprocess.CompletedProcess[str], at_home: Commands
) -> None:
    assert f"first policy of this home: {shell.named}" in night.stderr
    assert ARM.replace("25", "26") in at_home.run("policy", "show").out


def test_query_prints_a_table(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("query", "select max(trade_date) as newest from core.daily_vx_settlements")
    assert said.returncode == 0
    assert LAST.isoformat() in said.stdout


@pytest.mark.parametrize("style", ["csv", "json"])
def test_query_prints_csv_and_json(at_home: Commands, style: str) -> None:
    said = at_home.run("query", "select 1 as a, null as b, date '2026-01-02' as c", "--format", style)
    if style == "csv":
        assert said.out == "a,b,c\n1,,2026-01-02\n"
    else:
        assert json.loads(said.out) == [{"a": 1, "b": None, "c": "2026-01-02"}]


def test_query_writes_parquet(at_home: Commands, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    at_home.run("query", "from core.daily_index_levels", "--format", "parquet", "--output", str(target))
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
def test_query_refuses_everything_but_one_reading_statement(at_home: Commands, sql: str) -> None:
    said = at_home.run("query", sql, code=2)
    assert said.out == ""


def test_status_names_session_curve_and_report(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("status").stdout
    for word in (LAST.isoformat(), "VIX", "contango", "data health  ok", "layers       base ", "hedge-state.html"):
        assert word in said


def test_tables_lists_tables_and_explains_columns(shell: Shell, at_home: Commands) -> None:
    assert "mart.daily_term_structure" in shell.alvh("tables").stdout
    assert "slope of the front of the curve" in at_home.run("tables", "mart.daily_term_structure").out


def test_tables_explains_a_signal_without_its_schema(at_home: Commands) -> None:
    said = at_home.run("tables", "daily_signals")
    # unit, meaning, formula, when it is known, what explains its absence, source
    assert re.search(
        r"^edr_frac +DOUBLE +\[frac\] expected daily range of the S&P 500.*; vix_close_pts / sqrt\(252\) / 100; "
        r"known on the evening of the session; vix_status says why it is absent \(source: .+\)$",
        said.out,
        re.MULTILINE,
    )
    assert re.search(r"^cpi_yoy_frac .*; known on cpi_known_date; cpi_status says why", said.out, re.MULTILINE)


def test_tables_stays_inside_the_terminal(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = re.sub(r"\x1b\[[0-9;]*m", "", shell.on_terminal("tables", "daily_signals", width=100))
    lines = [line.rstrip() for line in said.splitlines()]
    assert len(lines) > 300
    assert max(len(line) for line in lines) <= 100
    # nothing is cut off: each meaning goes on below itself
    assert "\u2026" not in said


def test_tables_suggests_a_name_near_an_unknown_one(at_home: Commands) -> None:
    said = at_home.run("tables", "mart.daily_term_structur", code=2)
    assert "mart.daily_term_structure" in said.err


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


def test_explain_of_one_layer_as_json(at_home: Commands) -> None:
    said = at_home.run("explain", "--layer", "temporal_vega", "--json", "--as-of", LAST.isoformat())
    explanation = json.loads(said.out)
    assert explanation["as_of"] == LAST.isoformat()
    assert [layer["layer"] for layer in explanation["layers"]] == ["temporal_vega"]


@pytest.mark.parametrize(
    ("arguments", "found"), [(("--layer", "fourth"), "fourth"), (("--as-of", "1999-01-04"), "1999-01-04")]
)
def test_explain_of_what_is_not_there_is_a_usage_error(
    at_home: Commands, arguments: tuple[str, ...], found: str
) -> None:
    said = at_home.run("explain", *arguments, code=2)
    assert found in said.err


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


def test_commands_and_report_carry_the_same_numbers(at_home: Commands) -> None:
    state = json.loads((at_home.home / "reports" / "latest" / "hedge-state.json").read_text(encoding="utf-8"))
    held = json.loads(at_home.run("positions", "--json").out)
    booked = json.loads(at_home.run("ledger", "--json").out)
    assert held["account"]["nav_usd"] > 0
    assert {name: state[name] for name in held} == held
    assert {name: state[name] for name in booked} == booked


def test_positions_of_one_layer_are_its_own(at_home: Commands) -> None:
    found = json.loads(at_home.run("positions", "--layer", "base", "--json", "--as-of", LAST.isoformat()).out)
    assert found["as_of"] == LAST.isoformat()
    assert {row["layer"] for row in [*found["positions"], *found["totals"], *found["trades"]]} == {"base"}


def test_month_of_the_ledger_has_its_days(at_home: Commands) -> None:
    said = at_home.run("ledger", "--month", "2025-08", "--json")
    month = json.loads(said.out)["month"]
    assert month["month"] == "2025-08"
    assert {day["trade_date"][:7] for day in month["days"]} == {"2025-08"}
    assert json.loads(said.out)["as_of"] == month["days"][-1]["trade_date"]
    # up to an earlier session, the same days are the same
    cut = json.loads(at_home.run("ledger", "--month", "2025-08", "--as-of", "2025-08-20", "--json").out)["month"]
    assert cut["days"] == month["days"][: len(cut["days"])]
    assert cut["days"][-1]["trade_date"] == "2025-08-20"


def test_status_says_funding_in_one_line(at_home: Commands) -> None:
    lines = [line for line in at_home.run("status").out.splitlines() if line.startswith("funding ")]
    sentence = json.loads(at_home.run("ledger", "--json").out)["funding"]["sentence"]
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
    at_home: Commands, arguments: tuple[str, ...], found: str
) -> None:
    said = at_home.run(*arguments, code=2)
    assert found in said.err


def test_report_of_a_past_session_is_written(shell: Shell, night: subprocess.CompletedProcess[str]) -> None:
    said = shell.alvh("report", "--as-of", "2025-08-20")
    assert said.returncode == 0, said.stderr
    assert (shell.home / "reports" / "2025-08-20" / "hedge-state.md").is_file()


def test_report_of_a_day_without_data_names_the_nearest(at_home: Commands) -> None:
    said = at_home.run("report", "--as-of", "2025-08-16", code=2)
    assert "2025-08-15 and 2025-08-18" in said.err


def test_backfill_writes_a_report_a_session(at_home: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import backfill

    # the flow and its task as the functions that they are, which ask no server: what Prefect adds is seen in the
    # night above
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    for name in ("write_reports", "backfill"):
        monkeypatch.setattr(backfill, name, getattr(backfill, name).fn)
    said = at_home.run("backfill", "--from", "2025-08-01", "--to", "2025-08-04")
    assert said.out.startswith("2 reports")
    reports = at_home.home / "reports"
    assert {path.name for path in reports.glob("2025-08-0?")} == {"2025-08-01", "2025-08-04"}
    assert all((path / "hedge-state.md").is_file() for path in reports.glob("2025-08-0?"))


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


def test_command_without_a_published_warehouse_says_what_to_do_and_shows_a_traceback_only_when_asked(
    shell: Shell, tmp_path: Path
) -> None:
    said = shell.alvh("query", "select 1", "--home", str(tmp_path / "empty"))
    assert said.returncode == 2
    assert "alvh nightly" in said.stderr
    # how it came to that is shown when asked for
    assert "Traceback" not in said.stderr
    assert "Traceback" in shell.alvh("query", "select 1", "--home", str(tmp_path / "empty"), "--debug").stderr


def test_unknown_source_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Commands(tmp_path / "home", capsys).run("nightly", "--source", "bloomberg", code=2)
    assert "bloomberg" in said.err
