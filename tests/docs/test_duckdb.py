"""Every snippet of the page on DuckDB runs, on a published warehouse, as it stands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.support.pages import DOCS, blocks, console_lines, read
from warehouse.home import Home
from warehouse.macros import load_macros
from warehouse.models import VIEW_SCHEMA, load_models
from warehouse.query import run_query

PAGE = DOCS / "duckdb.md"
FILE = "alvh.duckdb"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, home: Home) -> Path:
    """A home folder of the page's own, with the night before: the state of one layer was another."""
    folder = tmp_path_factory.mktemp("duckdb")
    os.link(home.published, folder / FILE)
    (folder / "published").mkdir()
    before = folder / "published" / "0123456789abcdef.duckdb"
    shutil.copy(home.published, before)
    with duckdb.connect(str(before)) as connection:
        connection.execute(
            "update mart.daily_hedge_state set state = 'blocked' "
            "where layer = 'second_engine' and trade_date = (select max(trade_date) from mart.daily_hedge_state)"
        )
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def _sql(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(FILE, read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("sql", blocks(PAGE, "sql"))
def test_sql_of_the_page_runs_on_the_read_only_file(sql: str) -> None:
    assert _sql(sql) != []


def test_exported_parquet_holds_the_curve() -> None:
    (export,) = [sql for sql in blocks(PAGE, "sql") if "parquet" in sql]
    _sql(export)
    with duckdb.connect() as connection:
        written = connection.execute("select count(*) from read_parquet('curve.parquet')").fetchall()
    assert written == _sql("select count(*) from term_structure")
    assert written[0][0] > 1000


def test_percentile_of_a_cut_period_is_that_of_the_whole_history() -> None:
    (ranked,) = [sql for sql in blocks(PAGE, "sql") if "qualify" in sql]
    whole = dict(_sql("select trade_date, round(vix_pctile, 3) from term_structure where trade_date >= '2026-01-12'"))
    assert {row[0]: row[2] for row in _sql(ranked)} == whole
    # and what the page warns of is really another number
    cut = {row[0]: row[2] for row in _sql(ranked.replace("qualify", "where"))}
    assert cut != whole


def test_python_of_the_page_runs_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for body in blocks(PAGE, "python"):
        exec(compile(body, PAGE.name, "exec"), names)  # noqa: S102 - the page's own code
    assert len(names["curve"]) > 1000
    assert len(names["months"]) >= 7
    assert list(names["states"]["layer"]) == ["base", "second_engine", "temporal_vega"]
    assert "2026" in capsys.readouterr().out
    changed = names["changed"]
    assert list(changed["layer"]) == ["second_engine"]
    assert list(changed["was"]) == ["blocked"]


def test_macro_of_an_attached_file_needs_use() -> None:
    with duckdb.connect() as both:
        both.execute(f"attach '{FILE}' as before (read_only)")
        with pytest.raises(duckdb.Error):
            both.execute("from before.curve_on('2026-01-16')")
        both.execute("use before")
        assert both.execute("from curve_on('2026-01-16')").fetchall() != []


def _command_line(line: str) -> tuple[list[str], str | None]:
    words = shlex.split(line.split(" > ")[0])
    assert words.pop(0) == "duckdb"
    sql = words[words.index("-c") + 1] if "-c" in words else None
    return words, sql


@pytest.mark.parametrize("line", [line for line in console_lines(PAGE) if line.startswith("duckdb ")])
def test_duckdb_command_line_is_read_only_and_its_query_runs(line: str) -> None:
    words, sql = _command_line(line)
    assert {word for word in words if word.startswith("-")} <= {"-readonly", "-csv", "-c"}
    assert "-readonly" in words
    assert FILE in words
    assert sql is None or _sql(sql) != []
    if sql and shutil.which("duckdb"):
        done = subprocess.run(["duckdb", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [line for line in console_lines(PAGE) if line.startswith("alvh ")])
def test_alvh_command_runs(home: Home, line: str) -> None:
    said = CliRunner().invoke(app, [*shlex.split(line)[1:], "--home", str(home.path)])
    assert said.exit_code == 0, said.output
    assert "(0 rows)" not in said.stdout


def test_query_of_the_r_snippet_runs_and_is_read_only() -> None:
    (snippet,) = blocks(PAGE, "r")
    assert f'"{FILE}", read_only = TRUE' in snippet
    (sql,) = re.findall(r'dbGetQuery\(con, "([^"]+)"\)', snippet)
    assert _sql(sql) != []


def test_page_lists_every_macro_as_it_is_called() -> None:
    table = re.findall(r"^\| (`\w+\(.*) \|", read(PAGE), re.MULTILINE)
    shown = {call for row in table for call in re.findall(r"`([^`]+)`", row.split(" | ")[0])}
    assert shown == {macro.signature for macro in load_macros().values()}


def test_page_names_only_views_that_there_are() -> None:
    sentence = read(PAGE).split("so that no schema need be named:\n")[1].split(" and others")[0]
    views = {name.split(".")[1] for name, model in load_models().items() if model.schema == VIEW_SCHEMA}
    assert set(re.findall(r"`(\w+)`", sentence)) <= views


@pytest.mark.parametrize("macro", load_macros().values(), ids=load_macros().keys())
def test_example_of_the_macro_is_answered(home: Home, macro: Any) -> None:
    assert run_query(home, macro.header["example"]).rows != []


@pytest.mark.parametrize("days", [30, 60, 90])
def test_constant_maturity_is_that_of_the_curve(home: Home, days: int) -> None:
    sql = (
        f"select max(abs(constant_maturity_pts - cm{days}_pts)), count(constant_maturity_pts), count(cm{days}_pts) "
        f"from term_structure left join constant_maturity({days}) using (trade_date)"
    )
    ((apart, ours, theirs),) = run_query(home, sql).rows
    assert apart < 1e-9
    assert ours == theirs > 1000


def test_percentile_macro_is_the_percentile_of_the_curve(home: Home) -> None:
    sql = (
        "select max(abs(p - contango_pctile)), count(contango_pctile) from (select contango_pctile, "
        "percentile_of(contango_frac, trade_date) as p from term_structure)"
    )
    ((apart, count),) = run_query(home, sql).rows
    assert apart < 1e-9
    assert count > 900


def test_zscore_macro_is_the_excursion_of_the_signals(home: Home) -> None:
    sql = (
        "select max(abs(z - rv_excursion_z)), count(rv_excursion_z) from (select rv_excursion_z, "
        "zscore_before(spx_rv21_pts, trade_date, 252) as z from mart.daily_realised_volatility)"
    )
    ((apart, count),) = run_query(home, sql).rows
    assert apart < 1e-6
    assert count > 700
