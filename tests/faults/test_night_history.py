"""What a night keeps: versions, revisions, earlier warehouses, records."""

from __future__ import annotations

import json
import shutil

import duckdb
import pytest

from tests.support.market import LAST, Market
from tests.support.nights import QUICK, VALUES, Trader
from transforms.errors import PipelineError
from warehouse.governance.verify import verify_home
from warehouse.retention import Retention

TABLES = """
select schema_name || '.' || table_name from duckdb_tables() where database_name = 'alvh' order by all
"""
OF_THE_NIGHT = {"ops.check_results", "ops.runs", "ops.source_files", "ref.run"}


def _restate(market: Market) -> tuple[str, str]:
    path = market.contract_path(market.monthlies[1])
    line = path.read_text(encoding="utf-8").splitlines()[5]
    fields = line.split(",")
    fields[6] = f"{float(fields[6]) + 0.05:.4f}"
    market.edit(path, lambda text: text.replace(line, ",".join(fields)))
    return fields[0], path.name


def test_second_night_publishes_the_same_values_and_says_so(trader: Trader) -> None:
    trader.begin()
    before = trader.rows(VALUES)
    result = trader.run(QUICK)
    assert result.sentence == "nothing new: no file changed; no settlement, level or rate published before has changed"
    assert trader.rows(VALUES) == before


def test_restated_settle_is_one_revision_row_with_both_values_and_is_named_in_the_report(
    trader: Trader, market: Market
) -> None:
    trader.begin()
    day, name = _restate(market)
    trader.run()
    rows = trader.rows(
        "select trade_date::varchar, column_name, round(new_value::double - old_value::double, 4) "
        "from ops.value_revisions"
    )
    assert rows == [(day, "settle_pts", 0.05)]
    latest = trader.home.reports / "latest"
    revisions = json.loads((latest / "hedge-state.json").read_text(encoding="utf-8"))["data_health"]["revisions"]
    assert [(entry["trade_date"], entry["key"]) for entry in revisions] == [(day, "VXN25")]
    assert "VXN25" in (latest / "hedge-state.html").read_text(encoding="utf-8")
    # the earlier version of the file is kept beside it
    assert len([stored for stored in trader.raw_bodies() if f"/{name}/" in stored]) == 2


def test_revision_is_found_once_and_stays_on_record(trader: Trader, market: Market) -> None:
    trader.begin()
    _restate(market)
    trader.run()
    trader.run()
    assert trader.rows("select count(*) from ops.value_revisions") == [(1,)]


def test_build_that_a_test_takes_over_is_the_one_that_the_night_would_have_made(trader: Trader, market: Market) -> None:
    """Once built, once taken over: every table but what has the night's name or instants in it is the same."""
    trader.begin()
    _restate(market)
    trader.run()
    built = trader.home.published.read_bytes()
    trader.run(QUICK)
    other = trader.home.path.parent / "taken.duckdb"
    other.write_bytes(built)
    with duckdb.connect(str(trader.home.published), read_only=True) as connection:
        connection.execute(f"attach '{other}' as taken (read_only)")
        names = [row[0] for row in connection.execute(TABLES).fetchall()]
        differing = [
            name
            for name in names
            if connection.execute(
                f"select 1 where exists (from {name} except all from taken.{name}) "
                f"or exists (from taken.{name} except all from {name})"
            ).fetchall()
        ]
    assert len(names) > 60
    assert differing == sorted(OF_THE_NIGHT)


def test_new_sessions_are_no_revisions(trader: Trader, market: Market) -> None:
    trader.begin()
    market.extend_to(market.last.replace(day=16))
    result = trader.run()
    assert "2 new: 2025-09-15, 2025-09-16" in result.sentence
    assert trader.rows("select count(*) from ops.value_revisions") == [(0,)]


def test_last_n_warehouses_are_kept(trader: Trader) -> None:
    trader.begin()
    for _ in range(3):
        trader.run(keep_published=2)
    assert len(list(trader.home.earlier.glob("*.duckdb"))) == 2


def test_runs_table_lists_every_run_with_its_outcome(trader: Trader) -> None:
    trader.begin()
    trader.run()
    rows = trader.rows("select outcome, exit_code, is_simulated from ops.runs order by run_id")
    assert rows == [("published", 0, False), ("published", 0, False)]


def test_run_record_holds_versions_inputs_rows_and_timings(trader: Trader) -> None:
    trader.begin()
    record = json.loads(max(trader.home.runs.glob("*.json")).read_text(encoding="utf-8"))
    assert {"duckdb", "pandas", "python"} <= set(record["versions"])
    assert all(len(entry["sha256"]) == 64 for entry in record["inputs"])
    assert record["rows"]["core.daily_vx_settlements"] > 0
    assert [step["step"] for step in record["steps"]] == [
        "policy",
        "fetch",
        "land",
        "build",
        "check",
        "publish",
        "report",
    ]
    assert record["published"]["sha256"]


def test_report_of_a_past_session_shows_nothing_later(trader: Trader, market: Market) -> None:
    day = market.sessions[40]
    trader.run(as_of=day)
    report = json.loads((trader.home.reports / day.isoformat() / "hedge-state.json").read_text(encoding="utf-8"))
    assert report["as_of"] == day.isoformat()
    assert market.last.isoformat() not in json.dumps(report["curve"])


def test_report_of_a_past_session_does_not_become_the_latest(trader: Trader, market: Market) -> None:
    trader.begin()
    trader.run(as_of=market.sessions[40])
    latest = json.loads((trader.home.reports / "latest" / "hedge-state.json").read_text(encoding="utf-8"))
    assert latest["as_of"] == market.last.isoformat()


def test_night_removes_what_its_settings_keep_no_longer_and_nothing_else(trader: Trader, market: Market) -> None:
    trader.begin()
    for day in ("2025-09-01", "2025-09-02", "2025-09-03"):
        shutil.copytree(trader.home.reports / LAST.isoformat(), trader.home.reports / day)
    _restate(market)
    keep = Retention(reports=2, run_details=1, raw_versions=1)
    assert trader.run(retention=keep, keep_published=1).exit_code == 0
    newest = max(trader.home.runs.glob("*.json"))
    record = json.loads(newest.read_text(encoding="utf-8"))
    assert record["steps"][-1]["step"] == "prune"
    assert record["steps"][-1]["summary"].startswith("2 things removed")
    days = sorted(path.name for path in trader.home.reports.glob("2025-*"))
    assert (len(days), days[-1]) == (2, LAST.isoformat())
    # the one superseded version is within the limit, and the earlier warehouse was built from it
    assert verify_home(trader.home).is_sound
    before = trader.state()
    trader.run(retention=keep, keep_published=1)
    assert set(trader.state()) == set(before)


def test_night_that_cannot_remove_something_is_published_all_the_same(
    trader: Trader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trader.begin()

    def refuse(*_: object) -> None:
        raise PipelineError("something old could not be removed", where="there")

    monkeypatch.setattr("flows.steps.prune_home", refuse)
    assert trader.run(retention=Retention()).exit_code == 0
    assert "warning: prune: something old could not be removed, there" in capsys.readouterr().err
