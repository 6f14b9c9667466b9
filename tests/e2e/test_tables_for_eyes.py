"""What a terminal shows and what a pipe gets: units and wrapping for eyes, plain lines, never cut, for programs."""

from __future__ import annotations

import re

import pytest

from flows import printing, table_texts
from tests.support.commands import Commands
from tests.support.market import LAST
from warehouse.columns import ROOT

READING = (
    "status",
    "tables",
    "tables daily_term_structure",
    "tables contango_frac",
    "explain",
    "positions",
    "ledger",
    "policy log",
    "policy presets",
    "doctor --offline",
)
_CONTROL = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody watches, on 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")  # Rich takes the captured output for a terminal
    monkeypatch.delenv("NO_COLOR", raising=False)
    for module in ("flows.printing", "flows.look_cli", "flows.status_texts", "flows.doctor_texts"):
        monkeypatch.setattr(f"{module}.is_watched", lambda: True)


@pytest.mark.parametrize("command", READING)
def test_pipe_gets_no_colours_and_no_boxes(published: Commands, command: str) -> None:
    said = published.run(*command.split()).out
    assert not re.search(r"[\x1b\u2500-\u257f\u2026]", said)
    assert [line for line in said.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("command", READING)
def test_terminal_is_kept_to_its_width(published: Commands, terminal: None, command: str) -> None:
    said = _CONTROL.sub("", published.run(*command.split()).out)
    assert max(len(line.rstrip()) for line in said.splitlines()) <= 80
    assert "\u2026" not in said


def test_query_shows_units_under_the_names(published: Commands, terminal: None) -> None:
    sql = "select trade_date, vix_close_pts, contango_frac from mart.daily_term_structure order by 1 desc limit 2"
    lines = [line.split() for line in _CONTROL.sub("", published.run("query", sql).out).splitlines()]
    assert lines[0] == ["vix_close_pts", "contango_frac"]
    assert lines[1] == ["trade_date", "pts", "frac"]
    assert lines[3][0] == LAST.isoformat()
    assert lines[-1] == ["(2", "rows)"]


def test_query_too_wide_for_the_terminal_shows_every_value(published: Commands, terminal: None) -> None:
    sql = "from mart.daily_term_structure order by trade_date desc limit 2"
    said = _CONTROL.sub("", published.run("query", sql).out)
    piped = published.run("query", sql, "--format", "json").document
    assert re.findall(r"^row (\d+)", said, re.MULTILINE) == ["1", "2"]
    shown = re.findall(r"^  (\w+)", said, re.MULTILINE)
    assert shown == [*piped[0], *piped[0]]
    assert "too wide for this terminal" in said
    assert f"{piped[0]['vix_close_pts']:.10g} pts" in said


def test_query_in_a_pipe_is_as_wide_as_it_needs(published: Commands) -> None:
    lines = published.run("query", "from mart.daily_term_structure limit 1").out.splitlines()
    assert len(lines[0]) > 300
    assert len(lines[0].split()) == len(lines[1].split())


def test_nobody_watches_a_pipe_or_wants_colours_under_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert not printing.is_watched()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert printing.is_watched()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not printing.is_watched()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not printing.is_watched()


def test_meaning_is_parted_from_its_unit() -> None:
    assert table_texts.split_meaning("[pts] closing level (source: x)") == ("pts", "closing level (source: x)")
    assert table_texts.split_meaning("closing level") == ("", "closing level")
    assert table_texts.split_meaning(None) == ("", "")
    assert table_texts.units_of([("a", "[pts] x"), ("b", "[text] y"), ("c", None)]) == {"a": "pts"}


def test_column_is_told_with_where_it_comes_from(published: Commands) -> None:
    story = published.run("tables", "mart.daily_term_structure.contango_frac", "--json").document
    assert (story["unit"], story["formula"]) == ("frac", "vx2_settle_pts / vx1_settle_pts - 1")
    assert [one["table"] for one in story["tables"]] == ["mart.daily_term_structure"]
    assert "curve_steep_from_frac" in story["tables"][0]["parameters"]
    assert {one["file"] for one in story["computed_in"]} == {"sql/mart/daily_term_structure.sql"}
    assert story["newest"]["trade_date"] == LAST.isoformat()
    assert story["pages"][0]["file"] == "docs/methodology.md"
    assert all(one["count"] > 0 for one in story["tests"])
    line = story["computed_in"][0]
    text = (ROOT / line["file"]).read_text(encoding="utf-8").splitlines()[line["line"] - 1]
    assert "as contango_frac" in text


def test_column_of_several_tables_begins_with_the_one_that_computes_it(published: Commands) -> None:
    said = published.run("tables", "contango_frac")
    assert re.search(r"^meaning +slope of the front of the curve$", said.out, re.MULTILINE)
    found = published.run("tables", "contango_frac", "--json").document["tables"]
    assert found[0]["table"] == "mart.daily_term_structure"
    assert "mart.daily_signals" in [one["table"] for one in found]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("vx1_setle_pts", "vx1_settle_pts"),
        ("daily_termstructure", "mart.daily_term_structure"),
        ("hedge_ledger", "mart.daily_hedge_ledger"),
        ("mart.daily_volatility_indices.contango_frac", "mart.daily_term_structure"),
    ],
)
def test_unknown_name_is_answered_with_the_nearest(published: Commands, name: str, near: str) -> None:
    said = published.run("tables", name, code=2)
    assert near in said.err
    assert "alvh tables" in said.err
