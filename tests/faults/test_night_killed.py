"""kill -9 at named steps: what is published stays readable, nothing fetched is lost, the next night works."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.support.killed_night import INSTANTS, run_and_die
from tests.support.market import Market
from tests.support.nights import VALUES, Trader
from warehouse.publish import lock_holder

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED_BY = {"after-publish", "between-swap-and-pruning", "between-two-report-files", "after-report"}


@pytest.mark.parametrize("instant", INSTANTS)
def test_night_killed_leaves_what_is_published_and_the_next_night_succeeds(
    trader: Trader, market: Market, instant: str
) -> None:
    trader.begin()
    values, stored = trader.rows(VALUES), trader.raw_bodies()
    market.extend_to(market.last.replace(day=16))

    run_and_die(trader, instant)

    after = trader.rows(VALUES)
    if instant in PUBLISHED_BY:
        assert set(values) <= set(after)
        assert len(after) > len(values)
    else:
        assert after == values
    for report in trader.home.reports.rglob("*.json"):
        json.loads(report.read_text(encoding="utf-8"))
    assert stored <= trader.raw_bodies()
    assert lock_holder(trader.home) is None

    trader.nights += 5
    result = trader.run()
    assert result.exit_code == 0
    assert result.as_of == market.last
    assert not list(trader.home.build.glob("*.duckdb"))


def test_night_killed_is_on_record_as_interrupted(trader: Trader) -> None:
    trader.home.prepare()
    run_and_die(trader, "after-build")
    trader.run()
    outcomes = [
        json.loads(path.read_text(encoding="utf-8"))["outcome"] for path in sorted(trader.home.runs.glob("*.json"))
    ]
    assert outcomes == ["interrupted", "published"]


@pytest.mark.parametrize(
    ("instant", "outcome"), [("before-the-swap", "interrupted"), ("between-swap-and-pruning", "published")]
)
def test_night_killed_around_the_swap_is_recorded_as_what_it_did(trader: Trader, instant: str, outcome: str) -> None:
    trader.begin()
    run_and_die(trader, instant)
    trader.run()
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(trader.home.runs.glob("*.json"))]
    assert [record["outcome"] for record in records] == ["published", outcome, "published"]
    assert ("published" in records[1]) == (outcome == "published")
    assert trader.rows("select outcome from ops.runs order by run_id")[1] == (outcome,)


def test_revision_found_by_a_night_killed_after_the_swap_is_not_lost(trader: Trader, market: Market) -> None:
    trader.begin()
    path = market.contract_path(market.monthlies[1])
    line = path.read_text(encoding="utf-8").splitlines()[5]
    fields = line.split(",")
    fields[6] = f"{float(fields[6]) + 0.05:.4f}"
    market.edit(path, lambda text: text.replace(line, ",".join(fields)))
    run_and_die(trader, "after-publish")
    trader.run()
    assert trader.rows("select count(*) from ops.value_revisions") == [(1,)]


def test_fetch_broken_off_goes_on_where_it_stopped(trader: Trader) -> None:
    trader.home.prepare()
    run_and_die(trader, "between-two-files")
    stored = trader.raw_bodies()
    assert stored
    result = trader.run()
    assert result.exit_code == 0
    assert stored <= trader.raw_bodies()


READER = """
import sys
from pathlib import Path
from warehouse.home import Home
from warehouse.query import run_query
home, stop = Home(Path(sys.argv[1])), Path(sys.argv[2])
reads = 0
while not stop.exists():
    rows = run_query(home, "select count(*) from core.daily_vx_settlements").rows
    assert rows[0][0] > 0
    reads += 1
print(reads)
"""


def test_reader_in_a_loop_is_never_refused_during_nights(trader: Trader, market: Market, tmp_path: Path) -> None:
    trader.begin()
    stop = tmp_path / "stop"
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(trader.home.path), str(stop)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        for _ in range(3):
            trader.run()
        stop.touch()
        out, err = reader.communicate(timeout=60)
    assert reader.returncode == 0, err[-2000:]
    assert int(out) > 20


def test_process_that_has_the_old_file_open_goes_on_reading_it(trader: Trader, market: Market) -> None:
    trader.begin()
    # as another process would: a connection of its own to the file as it was
    copy_of_handle = trader.home.path / "held.duckdb"
    copy_of_handle.hardlink_to(trader.home.published)
    with duckdb.connect(str(copy_of_handle), read_only=True) as held:
        before = held.execute("select max(trade_date) from core.daily_vx_settlements").fetchone()
        market.extend_to(market.last.replace(day=16))
        trader.run()
        assert held.execute("select max(trade_date) from core.daily_vx_settlements").fetchone() == before
    assert trader.rows("select max(trade_date)::varchar from core.daily_vx_settlements") == [("2025-09-16",)]
