"""Every command that reads prints one JSON document of one shape: numbers are numbers, NULL is null, dates are ISO."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.book import EXAMPLE
from tests.support.commands import Commands, list_numbers
from tests.support.market import LAST
from warehouse.plain_json import dump_json, to_json_value

DAY = LAST.isoformat()
SHAPES = {
    "status": {"home", "published", "running", "broken_off", "last_runs"},
    "tables": {"tables"},
    "tables daily_term_structure": {"table", "columns"},
    "explain": {"as_of", "is_simulated", "policy", "layers", "governor", "comparison", "transitions"},
    "positions": {"as_of", "is_simulated", "next_session", "account", "positions", "totals", "trades", "time_shifts"},
    "ledger": {"as_of", "is_simulated", "funding", "valuation"},
    "ledger --month 2025-08": {"as_of", "is_simulated", "funding", "valuation", "month"},
    "verify": {"is_sound", "checked", "findings"},
    "policy show": {"policy", "policy_hash", "session", "effective_from", "signed_by"},
    "policy show --preset canon": {"policy", "policy_hash"},
    "policy diff article canon": {"before", "after", "changes"},
    "policy log": {"head", "open_proposals", "entries"},
    "book show": {"session", "is_simulated", "account", "exposure", "layers", "orders", "positions", "warnings"},
}


@pytest.mark.parametrize("command", SHAPES)
def test_command_prints_a_document_of_its_shape(published: Commands, command: str) -> None:
    said = published.run(*command.split(), "--json")
    assert set(said.document) >= SHAPES[command]
    list_numbers(said.document)
    assert "NaN" not in said.out


def test_numbers_and_dates_of_the_status_are_numbers_and_dates(published: Commands) -> None:
    found = published.run("status", "--json").document["published"]
    assert found["session"] == DAY
    assert isinstance(found["curve"]["vix_close_pts"], float)
    assert isinstance(found["checks"]["run"], int)
    assert found["is_simulated"] is False
    assert found["data_health"] == {"status": "ok", "reasons": []}
    assert set(found["layers"]["states"]) == {"base", "temporal_vega", "second_engine"}


def test_status_of_an_empty_home_says_null(empty: Commands) -> None:
    assert empty.run("status", "--json").document["published"] is None


def test_status_says_the_funding_whether_the_report_is_there_or_not(published: Commands, tmp_path: Path) -> None:
    told = published.run("status").out
    shutil.copytree(published.home, tmp_path / "home", ignore=shutil.ignore_patterns("reports", "raw"))
    bare = Commands(tmp_path / "home", published.capture)
    assert [line for line in bare.run("status").out.splitlines() if line.startswith("funding ")] == [
        line for line in told.splitlines() if line.startswith("funding ")
    ]


def test_status_takes_no_funding_from_the_report_of_another_run(published: Commands, tmp_path: Path) -> None:
    shutil.copytree(published.home, tmp_path / "home", ignore=shutil.ignore_patterns("raw"))
    page = tmp_path / "home" / "reports" / DAY / "hedge-state.json"
    state = json.loads(page.read_text(encoding="utf-8"))
    page.write_text(json.dumps({**state, "run_id": "another", "funding": {"sentence": "made up"}}), encoding="utf-8")
    said = Commands(tmp_path / "home", published.capture).run("status").out
    assert "funding  " in said
    assert "made up" not in said


def test_tables_are_listed_with_rows_as_numbers(published: Commands) -> None:
    tables = {row["table"]: row for row in published.run("tables", "--json").document["tables"]}
    assert tables["mart.daily_term_structure"]["rows"] > 0
    assert tables["mart.daily_term_structure"]["what"]


def test_columns_are_told_with_unit_and_meaning(published: Commands) -> None:
    columns = published.run("tables", "daily_term_structure", "--json").document["columns"]
    found = {row["column"]: row for row in columns}["contango_frac"]
    assert (found["type"], found["unit"]) == ("DOUBLE", "frac")
    assert found["meaning"].startswith("slope of the front of the curve")


def test_report_is_told_with_its_files(published: Commands, tmp_path: Path) -> None:
    shutil.copytree(published.home, tmp_path / "home", ignore=shutil.ignore_patterns("raw"))
    found = Commands(tmp_path / "home", published.capture).run("report", "--json").document
    assert found["as_of"] == DAY
    assert found["headline"]
    assert [Path(found[kind]).is_file() for kind in ("html", "md", "json")] == [True] * 3


def test_policy_that_can_be_used_is_told_with_its_rules(published: Commands, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(published.run("policy", "show", "--preset", "article").out, encoding="utf-8")
    found = published.run("policy", "validate", str(file), "--json").document
    assert found["name"] == "article"
    assert all(isinstance(rule, dict) for rule in found["rules"])


def test_book_is_told_with_what_it_states(published: Commands, tmp_path: Path) -> None:
    file = tmp_path / "book.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    found = published.run("book", "check", str(file), "--json").document
    assert isinstance(found["book"]["nav_usd"], float)
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", found["book"]["as_of"])
    assert isinstance(found["warnings"], list)


def test_query_has_null_for_null_and_for_what_is_no_number(published: Commands) -> None:
    sql = (
        "select 1 as a, null as b, date '2026-01-02' as c, 'nan'::double as d, 'inf'::double as e, "
        "1.25::decimal(6, 2) as f, [1, 'nan'::double] as g, 2::hugeint as h, timestamp '2026-01-02 03:04:05' as i"
    )
    said = published.run("query", sql, "--format", "json")
    assert said.document == [
        {
            "a": 1,
            "b": None,
            "c": "2026-01-02",
            "d": None,
            "e": None,
            "f": 1.25,
            "g": [1.0, None],
            "h": 2,
            "i": "2026-01-02T03:04:05",
        }
    ]


@pytest.mark.parametrize("style", ["table", "csv"])
def test_query_never_prints_nan(published: Commands, style: str) -> None:
    said = published.run("query", "select 'nan'::double as a, 2 as b", "--format", style).out
    assert "nan" not in said.lower()
    assert "2" in said


def test_values_become_plain_json() -> None:
    assert to_json_value({1: (Decimal("2.50"), Decimal(3), Decimal("NaN")), "d": {date(2026, 1, 2)}}) == {
        "1": [2.5, 3, None],
        "d": ["2026-01-02"],
    }
    assert dump_json([datetime(2026, 1, 2, 3), float("nan"), b"\x01", True]) == (  # noqa: DTZ001 - as DuckDB has them
        '[\n "2026-01-02T03:00:00",\n null,\n "01",\n true\n]'
    )
