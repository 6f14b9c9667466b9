"""A home of an earlier version: readable as far as it goes, said to be of another version, and mended by a rebuild."""

from __future__ import annotations

import json
from datetime import timedelta

import duckdb
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.rebuilding import rebuild_home
from tests.support.nights import QUICK, VALUES, Trader
from transforms.errors import UsageError
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.publish import hash_file
from warehouse.query import open_published
from warehouse.upgrades import list_upgrades

GONE = ("mart.daily_reading_ledger", "core.settlement_differences")
"""Tables that the imitated version did not have."""


def make_older(trader: Trader) -> None:
    """Rewrite a home to the layout of an earlier version, as a night of that version left it.

    The published file has no stamp, fewer tables, a column less, and one value that the earlier code computed
    otherwise; sidecars, lines of versions and records carry no hash of their own; reports have no list of hashes.
    """
    with duckdb.connect(str(trader.home.published)) as connection:
        connection.execute("alter table ref.run drop code_version")
        connection.execute("alter table ref.run drop code_sha256")
        connection.execute("alter table ops.source_files drop sidecar_sha256")
        connection.execute("alter table mart.daily_term_structure drop contango_4_7_frac")
        connection.execute(
            "update mart.daily_term_structure set contango_frac = contango_frac + 0.25 "
            "where trade_date = (select max(trade_date) from mart.daily_term_structure)"
        )
        for table in GONE:
            connection.execute(f"drop table {table}")
    for sidecar in trader.home.raw.glob("*/*/*.meta.json"):
        note = json.loads(sidecar.read_text(encoding="utf-8"))
        del note["content_sha256"]
        sidecar.write_text(json.dumps(note, indent=1, sort_keys=True), encoding="utf-8")
    for observed in trader.home.raw.glob("*/*/observed.jsonl"):
        lines = [json.loads(line) for line in observed.read_text(encoding="utf-8").splitlines()]
        plain = [{name: line[name] for name in ("sha256", "seen_at_utc")} for line in lines]
        observed.write_text("".join(json.dumps(line) + "\n" for line in plain), encoding="utf-8")
    for path in trader.home.reports.rglob("SHA256SUMS"):
        path.unlink()
    for path in trader.home.runs.glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        record = {name: value for name, value in record.items() if name not in ("content_sha256", "build_key")}
        record["record_version"] = 1
        record["published"]["sha256"] = hash_file(trader.home.published)
        path.write_text(json.dumps(record, indent=1), encoding="utf-8")


@pytest.fixture
def older(trader: Trader) -> Trader:
    trader.begin()
    make_older(trader)
    return trader


def alvh(trader: Trader, *words: str) -> tuple[int, str]:
    said = CliRunner().invoke(app, [*words, "--home", str(trader.home.path)])
    return said.exit_code, said.output


def test_commands_say_that_another_version_published_and_show_no_error_of_duckdb(older: Trader) -> None:
    code, said = alvh(older, "status")
    assert code == 0
    assert "built by an earlier version; the next night, or `alvh rebuild`, builds it anew" in said
    code, said = alvh(older, "report")
    assert code == 1
    assert "the published warehouse was built by other code" in said
    assert "`alvh rebuild`" in said
    assert "Traceback" not in said
    for words in (("tables",), ("query", "select max(trade_date) from mart.daily_term_structure"), ("explain",)):
        assert alvh(older, *words)[0] == 0, words


def test_error_of_our_own_code_is_not_blamed_on_another_version(trader: Trader) -> None:
    trader.begin()
    with pytest.raises(duckdb.CatalogException), open_published(trader.home) as connection:
        connection.execute("from mart.no_such_table")


def test_verify_says_what_an_earlier_version_gives_nothing_to_compare(older: Trader) -> None:
    report = verify_home(older.home)
    assert [finding.area for finding in report.findings if finding.is_error] == ["runs"]  # the log names another file
    left = "\n".join(report.not_looked_at)
    for part in (
        "sidecars against the published list",
        "carry no hash of their own",
        "2 reports of an earlier version",
    ):
        assert part in left


def test_rebuild_brings_the_home_up_and_lists_what_changed(older: Trader) -> None:
    result = rebuild_home(older.home, older.now + timedelta(minutes=5), QUICK)
    assert result.exit_code == 0
    assert "built by other code than before, 1 earlier values changed in 1 column (`alvh upgrades`)" in result.sentence
    (upgrade,) = list_upgrades(older.home)
    assert upgrade["from"] == "an earlier version"
    assert upgrade["tables_added"] == sorted(GONE)
    assert "mart.daily_term_structure.contango_4_7_frac" in upgrade["columns_added"]
    (changed,) = upgrade["numbers"]
    assert (changed["column"], changed["changed"]) == ("contango_frac", 1)
    assert changed["largest"] == pytest.approx(0.25)
    assert alvh(older, "report")[0] == 0
    code, said = alvh(older, "upgrades")
    assert code == 0
    assert "contango_frac: 1 of" in said
    assert json.loads(alvh(older, "upgrades", "--json")[1])["upgrades"][0]["numbers"] == upgrade["numbers"]
    assert "code  " not in alvh(older, "status")[1]


def test_rebuild_asks_nobody_and_gives_the_values_of_the_night(trader: Trader) -> None:
    trader.begin()
    values, asked = trader.rows(VALUES), sorted(trader.home.raw.rglob("*"))
    for path in sorted(trader.archive.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    rebuild_home(trader.home, trader.now + timedelta(minutes=5), QUICK)
    assert trader.rows(VALUES) == values
    assert sorted(trader.home.raw.rglob("*")) == asked
    assert list_upgrades(trader.home) == []


def test_rebuild_of_a_home_that_had_no_night_says_so(trader: Trader) -> None:
    with pytest.raises(UsageError, match="nothing to build from"):
        rebuild_home(Home(trader.home.path / "none"), trader.now, QUICK)
