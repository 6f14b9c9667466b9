"""The whole night over HTTP, against a server that behaves as the real ones do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.night import reason_to_stay_idle, resolve_night
from flows.settings import Settings
from flows.sources.loopback import Burst, LoopbackServer
from tests.support.market import LAST, Market
from tests.support.nights import QUICK, VALUES, Trader, evening_of
from tests.support.online import have_first_night_online
from tests.support.shared import SharedFolders
from transforms.errors import SourceError
from warehouse.home import Home
from warehouse.query import open_published
from warehouse.reports import write_report
from warehouse.run_log import published_run, run_id_of


@pytest.fixture
def online(trader: Trader, shared_folders: SharedFolders, server: LoopbackServer) -> Trader:
    begun = shared_folders.get("first-night-online", have_first_night_online)
    return replace(trader, source="cboe", begun=begun)


def test_night_over_http_gives_the_same_tables_as_the_archive(trader: Trader, online: Trader, market: Market) -> None:
    market.write_daily_settlements(LAST)
    offline = Trader(Home(trader.home.path.parent / "offline"), market.root, trader.now)
    assert offline.run(QUICK).exit_code == 0
    assert online.run(QUICK).exit_code == 0
    assert online.rows(VALUES) == offline.rows(VALUES)


def test_second_night_over_http_fetches_nothing_new_and_asks_only_conditionally_and_not_for_complete_contracts(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    online.begin()
    asked_before = len(server.requests)
    result = online.run()
    assert result.sentence.startswith("nothing new: no file changed")
    assert "no settlement, level or rate published before has changed" in result.sentence
    expired = [expiry for expiry in market.monthlies if expiry <= market.last]
    assert expired
    asked = server.requests[asked_before:]
    assert not [one.path for one in asked if any(f"VX_{expiry}" in one.path for expiry in expired)]
    assert not [one.path for one in asked if "CFE_" in one.path]
    had = [one for one in asked if one.method == "GET" and "settlement/csv" not in one.path and "VX_2" in one.path]
    assert had
    assert all("if-none-match" in {name.lower() for name in one.headers} for one in had)


REFUSALS: dict[str, dict[str, object]] = {"403": {"status": 403}, "500": {"status": 500}, "html": {"html": True}}
"""One that is taken for a block, one that is tried again, and a page in place of the file."""
ALIKE: dict[str, dict[str, object]] = {
    "404": {"status": 404},
    "429": {"status": 429, "retry_after": "1"},
    "timeout": {"delay_seconds": 0.6},
    "dropped": {"drop": True},
    "truncated": {"truncate_to": 300},
}
"""A night takes them as one of the others; the tests of the source tell each."""


@pytest.mark.parametrize(
    "fault",
    [
        *(pytest.param(fault, id=name) for name, fault in REFUSALS.items()),
        *(pytest.param(fault, id=name, marks=pytest.mark.slow) for name, fault in ALIKE.items()),
    ],
)
def test_night_without_vix_ends_with_code_5_then_the_next_one_asks_only_for_the_rest(
    online: Trader, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, fault: dict[str, object]
) -> None:
    if "delay_seconds" in fault:  # every attempt is waited for to its end
        monkeypatch.setenv("ALVH_HTTP_READ_TIMEOUT_SECONDS", "0.2")
    planned = server.fault("VIX_History", **fault)
    with pytest.raises(SourceError) as caught:
        online.run()
    assert caught.value.exit_code == 5
    assert not online.home.published.exists()
    stored = online.raw_bodies()
    assert stored
    if fault.get("status") in (403, 404):
        # VIX is also the control address: without it a refusal is taken as a block, and no storm follows
        assert len(server.paths("cdn.cboe.com")) < 60

    server.plan.remove(planned)
    monkeypatch.setenv("ALVH_HTTP_READ_TIMEOUT_SECONDS", "5")
    assert online.run().exit_code == 0
    assert stored <= online.raw_bodies()


def test_night_in_which_an_index_fails_is_published_degraded(online: Trader, server: LoopbackServer) -> None:
    online.begin()
    idle = reason_to_stay_idle(online.night(), on_sessions_only=True, only_if_missing=True)
    assert idle == f"nothing new: {LAST} is published"
    server.fault("VIX3M_History", status=500)
    result = online.run()
    assert result.exit_code == 3
    assert "VIX3M" in result.sentence
    # the hourly retry may get what this night could not
    assert reason_to_stay_idle(online.night(), on_sessions_only=True, only_if_missing=True) is None


def test_night_in_which_the_server_blocks_a_burst_is_resumed_by_the_next(
    online: Trader, server: LoopbackServer
) -> None:
    server.burst = Burst(requests=20, within_seconds=60, block_seconds=0.2)
    with pytest.raises(SourceError):
        online.run()
    stored = online.raw_bodies()
    assert stored
    server.burst = None
    assert online.run().exit_code == 0
    assert stored <= online.raw_bodies()


def test_evening_before_the_contract_files_are_out_uses_the_same_evening_table(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    online.begin()
    monday = LAST + timedelta(days=3)
    path = market.write_daily_settlements(LAST)
    market.write_daily_settlements(monday, table_of=LAST, shift=0.5)
    for code in ("VIX", "VIX9D", "VIX3M", "VIX6M", "SPX", "VVIX", "SKEW"):
        market.edit(market.index_path(code), lambda text: text + text.splitlines()[-1].replace("09/12", "09/15") + "\n")
    online.now = evening_of(monday)
    result = online.run()
    assert result.as_of == monday
    sources = online.rows(f"select distinct settle_source from core.daily_vx_settlements where trade_date = '{monday}'")
    assert sources == [("same_evening_table",)]
    assert path.exists()


def test_morning_after_the_contract_file_wins_and_the_difference_is_recorded(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    market.write_daily_settlements(LAST, shift=0.05)
    online.run()
    front = market.front()[0]
    difference = online.rows(
        f"select round(same_evening_pts - contract_file_pts, 4) from core.settlement_differences "
        f"where trade_date = '{LAST}' and expiry_date = '{front}'"
    )
    assert difference == [(0.05,)]
    source = online.rows(
        f"select settle_source from core.daily_vx_settlements where trade_date = '{LAST}' and expiry_date = '{front}'"
    )
    assert source == [("contract_file",)]


def test_holiday_evening_brings_nothing_new(online: Trader) -> None:
    online.begin()
    online.now = evening_of(LAST + timedelta(days=1))
    result = online.run()
    assert result.exit_code == 0
    assert result.sentence.startswith("nothing new")


def test_evening_whose_session_is_not_out_yet_says_so_and_is_no_failure(online: Trader) -> None:
    online.begin()
    online.now = evening_of(LAST + timedelta(days=3))
    result = online.run()
    assert result.exit_code == 0
    assert "2025-09-15 is not published yet" in result.sentence


def test_night_two_sessions_behind_is_degraded_and_names_the_session(online: Trader) -> None:
    online.begin()
    online.now = evening_of(LAST + timedelta(days=5))
    late = online.run()
    assert late.exit_code == 3
    assert "16 Sep 2025" in late.sentence
    # a report that is written again later says the same of it
    report = online.home.reports / "latest" / "hedge-state.json"
    before = json.loads(report.read_text(encoding="utf-8"))["data_health"]["reasons"]
    with open_published(online.home) as connection:
        record = published_run(online.home, connection)
        write_report(connection, online.home, LAST, record.run, failures=record.failures)
    assert json.loads(report.read_text(encoding="utf-8"))["data_health"]["reasons"] == before


def test_recheck_finds_a_restated_past_file_and_keeps_both_versions(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    online.begin()
    past = market.monthlies[1]
    line = market.contract_path(past).read_text(encoding="utf-8").splitlines()[5]
    fields = line.split(",")
    fields[6] = f"{float(fields[6]) + 0.05:.4f}"
    market.edit(market.contract_path(past), lambda text: text.replace(line, ",".join(fields)))
    assert "has changed" in online.run().sentence
    result = online.run(ask_everything=True)
    assert "1 past value restated" in result.sentence
    revised = online.rows("select column_name, row_key from ops.value_revisions")
    assert revised == [("settle_pts", "VXN25")]
    versions = [name for name in online.raw_bodies() if f"VX_{past}" in name]
    assert len(versions) == 2


def test_mirror_of_a_simulated_market_is_recognised_as_one(
    market: Market, server: LoopbackServer, tmp_path: Path
) -> None:
    (market.root / "SIMULATED.json").write_text('{"is_simulated": true, "seed": 3}', encoding="utf-8")
    now = evening_of(LAST)
    settings = Settings(home=tmp_path / "home", source="cboe")
    night = resolve_night(settings, run_id=run_id_of(now), now=now, as_of=None, ask_everything=False)
    assert night.is_simulated


def test_mirror_without_a_marker_is_taken_for_the_real_market(server: LoopbackServer, tmp_path: Path) -> None:
    now = evening_of(LAST)
    settings = Settings(home=tmp_path / "home", source="cboe")
    night = resolve_night(settings, run_id=run_id_of(now), now=now, as_of=None, ask_everything=False)
    assert not night.is_simulated
