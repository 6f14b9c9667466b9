"""Whatever is typed wrong is answered with what, found, expected and what to do next, and the code 2."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from flows.run import run_night
from tests.support.commands import Commands
from tests.support.market import LAST
from tests.support.nights import Trader, evening_of
from transforms.errors import UsageError
from warehouse.home import Home

WRONG = {
    "query 'select 1' --format xml": "table, csv, json or parquet",
    "query 'from mart.daily_termstructure'": 'Did you mean "daily_term_structure"?',
    "query 'select 1' -o NOWHERE/x.csv": "a file in a folder that exists",
    "query 'select 1' --format parquet": "add --output FILE.parquet",
    "query 'select 1' --format parquet -o NOWHERE/x.parquet": "a file in a folder that exists",
    "tables daily_term_structur": "mart.daily_term_structure",
    "explain --layer bse": "base (of base, temporal_vega, second_engine, governor)",
    "positions --layer temporal": "temporal_vega (of base",
    "positions --as-of 2025-08-16": "2025-08-15 and 2025-08-18",
    "ledger --month 1999-01": "a month from ",
    "ledger --as-of 2031-01-02": "the nearest: 2025-09-12",
    "report --as-of 2025-08-16": "2025-08-15 and 2025-08-18",
    "open audit": "`alvh audit` makes one",
    "verify --head abc": "64 hexadecimal digits",
    "policy show --preset artcle": "article",
    "policy show --preset article --effective 2025-08-15": "one of them",
    "policy show --effective 2025-02-30": "a date that exists",
    "policy validate NOWHERE/x.toml": "prints one to start from",
    "policy diff adopted nosuch": "a file, a preset (article",
    "policy sign 3fa2": "--key FILE, or --agent",
    "policy adopt zzz": "`alvh policy log` lists the proposals",
    "policy log -n 0": "x>=1",
    "book check NOWHERE/book.toml": "docs/book.md",
    "book show": "docs/book.md",
    "nightly --source blomberg": "say `--source cboe`",
    "nightly --source archive": "say `--archive DIR`",
    "nightly --archive NOWHERE": "`alvh simulate DIR`",
    "backfill --from 2025-08-18 --to 2025-08-15": "alvh backfill --from 2025-08-15 --to 2025-08-18",
    "backfill --from 2025-08-18": "missing option '--to'",
    "sweep --grid NOWHERE/x.toml": "a grid file",
    "sweep --grid README.md": "README.md:3",
    "sweep --grid x.toml --workers 2 --scheduler tcp://127.0.0.1:1": "one of them, or none",
    "simulate NOWHERE --crisis 1999-01-04 --last 2026-06-30": "2021-",
    "export --to NOWHERE --tables nothing_like_it": "`alvh tables` lists them",
    "recalibrate --as-of never": "a date that exists",
}


@pytest.mark.parametrize("command", WRONG)
def test_wrong_input_says_what_to_do(published: Commands, tmp_path: Path, command: str) -> None:
    words = [
        (quoted or bare).replace("NOWHERE", str(tmp_path / "nowhere"))
        for quoted, bare in re.findall(r"'([^']*)'|(\S+)", command)
    ]
    said = published.run(*words, code=2)
    assert said.out == ""
    assert said.err.startswith("alvh: ")
    assert WRONG[command] in said.err
    assert re.search(r"^  next:     \S", said.err, re.MULTILINE)
    # every line after the first belongs to one of the parts
    assert all(line.startswith("  ") for line in said.err.splitlines()[1:])
    assert not (tmp_path / "nowhere").exists()


READING = [
    *("query 'select 1'", "tables", "tables contango_frac", "explain", "positions", "ledger", "report", "audit"),
    *("open", "verify", "policy show", "policy diff", "book show", "recalibrate", "export --to x"),
    "backfill --from 2025-08-15 --to 2025-08-18",
]


@pytest.mark.parametrize("command", READING)
def test_empty_home_says_what_fills_it(empty: Commands, command: str) -> None:
    words = [quoted or bare for quoted, bare in re.findall(r"'([^']*)'|(\S+)", command)]
    said = empty.run(*words, code=2)
    assert "alvh nightly" in said.err or "alvh report" in said.err or "alvh policy" in said.err
    assert str(empty.home) in said.err
    assert not empty.home.exists()


def test_mistyped_archive_ties_a_new_home_to_no_market(empty: Commands, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    empty.run("nightly", "--archive", str(tmp_path / "notes"), code=2)
    assert not empty.home.exists()


def test_home_whose_market_cannot_be_read_is_left_alone(published: Commands, tmp_path: Path) -> None:
    shutil.copytree(published.home, tmp_path / "home", ignore=shutil.ignore_patterns("raw", "reports"))
    (tmp_path / "home" / "market.json").write_text("{", encoding="utf-8")
    archive = published.home.parent / "archive"
    with pytest.raises(UsageError, match="which market") as caught:
        run_night(Trader(Home(tmp_path / "home"), archive, evening_of(LAST)).night())
    assert str(caught.value.where).endswith("market.json")
