"""Publishers that lie, in whole nights: what passes is retried, what can be told is refused, the rest is doubted.

Several faults, each of another file, share a night where the result proves each by itself.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from flows.sources.loopback import LoopbackServer
from tests.support.market import DAILY_FOLDER, LAST, VX_FOLDER, Market
from tests.support.nights import VALUES, Trader, evening_of
from tests.support.online import have_first_night_online
from tests.support.shared import SharedFolders
from transforms.errors import ChecksFailedError, SourceError

MONDAY = LAST + timedelta(days=3)
SHORTER: dict[str, dict[str, Any]] = {"slow": {"delay_seconds": 2.0}, "too-many": {"retry_after": "0"}}
"""What is the same for the source of these tests, which waits half a second."""


@pytest.fixture
def online(trader: Trader, shared_folders: SharedFolders, server: LoopbackServer) -> Trader:
    """A home that has one night over HTTP behind it."""
    begun = shared_folders.get("first-night-online", have_first_night_online)
    online = replace(trader, source="cboe", begun=begun)
    online.begin()
    return online


def contract(expiry: date) -> str:
    """The address of a contract's file, as a pattern."""
    return f"VX_{expiry.isoformat()}"


def index(code: str) -> str:
    return f"/{code}_History"


def health(trader: Trader) -> dict[str, Any]:
    """What the newest report says of its data."""
    text = (trader.home.reports / "latest" / "hedge-state.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["data_health"]
    return found


def failed_checks(trader: Trader) -> dict[str, str]:
    """The checks that the newest run record says failed, with the rows that it shows of each."""
    record = json.loads(max(trader.home.runs.glob("*.json")).read_text(encoding="utf-8"))
    return {entry["check_name"]: entry["sample"] for entry in record["checks"]}


def refused(trader: Trader) -> ChecksFailedError:
    """Run a night that must not publish, and hold it to that."""
    before, stored = trader.state(), trader.raw_bodies()
    with pytest.raises(ChecksFailedError) as caught:
        trader.run()
    assert caught.value.exit_code == 4
    assert trader.state() == before
    assert stored <= trader.raw_bodies()
    return caught.value


def test_night_retries_what_passes_and_publishes_as_if_nothing_had_been(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    untroubled = online.rows(VALUES)
    market.extend_to(MONDAY)
    online.now = evening_of(MONDAY)
    first, second, third = market.front()[:3]
    passing = {
        "slow": index("VIX3M"),
        "dropped": index("VIX"),
        "cut": contract(first),
        "cut-gzip": contract(second),
        "server-error": contract(third),
        "too-many": index("SPX"),
    }
    for kind, pattern in passing.items():
        server.play(kind, pattern, times=1, **SHORTER.get(kind, {}))
    result = online.run()
    assert (result.exit_code, result.as_of) == (0, MONDAY)
    assert all(fault.times == 0 for fault in server.plan)
    assert [row for row in online.rows(VALUES) if row[1] <= LAST.isoformat()] == untroubled


def test_night_refuses_what_is_not_the_file_and_names_each(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    market.extend_to(MONDAY)
    online.now = evening_of(MONDAY)
    another, weekly = [day for day in market.weeklies if day > MONDAY][-2:]
    wrong = {
        "page": index("VIX3M"),
        "gzip-bomb": index("VVIX"),
        "endless": index("VIX9D"),
        "wrong-type": index("SKEW"),
        "elsewhere": index("VIX6M"),
        "header-changed": index("SPX"),
        "utf-16": contract(weekly),
        "empty": contract(another),
    }
    for kind, pattern in wrong.items():
        server.play(kind, pattern)
    before = online.rows(f"select count(*) from core.daily_vx_settlements where expiry_date = '{another}'")
    result = online.run()
    assert (result.exit_code, result.as_of) == (3, MONDAY)
    said = health(online)
    assert said["status"] == "degraded"
    for pattern in wrong.values():
        name = pattern.removeprefix("/")
        assert [reason for reason in said["reasons"] if f"{name}.csv: " in reason], (name, said["reasons"])
        assert name in result.sentence
    # what it had settled at stays
    assert before == online.rows(f"select count(*) from core.daily_vx_settlements where expiry_date = '{another}'")
    assert before > [(0,)]


# the others lie for other files in the night before; where none of a file is left, a night ends alike
@pytest.mark.parametrize(
    "kind",
    [
        *("columns-swapped", "gzip-bomb"),
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("utf-16", "wrong-type", "elsewhere", "endless")),
    ],
)
def test_night_whose_vix_is_not_the_file_ends_with_code_5_and_keeps_the_last_good(
    online: Trader, server: LoopbackServer, market: Market, kind: str
) -> None:
    market.extend_to(MONDAY)
    online.now = evening_of(MONDAY)
    server.play(kind, index("VIX"))
    before = online.state()
    with pytest.raises(SourceError) as caught:
        online.run()
    assert caught.value.exit_code == 5
    assert online.state() == before


def test_night_publishes_what_can_be_doubted_and_names_each(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    market.extend_to(MONDAY)
    online.now = evening_of(MONDAY)
    first, second, third, _, fifth, sixth = market.front()[:6]
    weeklies = [day for day in market.weeklies if day > MONDAY]
    server.play("restated", contract(first))
    server.play("bom", contract(second))
    server.play("three-percent", contract(third))
    server.play("stale-line", contract(fifth))
    server.play("holiday", contract(sixth))
    server.play("stale-line", index("VIX3M"))
    server.play("inf", index("VIX6M"))
    server.play("tenth-high", index("SPX"))
    rejected = {
        "nan": (weeklies[0], MONDAY, "unreadable_number"),
        "1e308": (weeklies[1], MONDAY, "settle_out_of_range"),
        "said-twice": (weeklies[2], MONDAY, "conflicting_lines_for_one_day"),
        "future": (weeklies[3], date(2035, 1, 3), "after_the_contracts_expiry"),
    }
    for kind, (weekly, _, _) in rejected.items():
        server.play(kind, contract(weekly))
    result = online.run()

    assert (result.exit_code, result.as_of) == (3, MONDAY)
    failed = failed_checks(online)
    assert set(failed) == {
        "core.daily_index_levels__newest_is_not_the_session_before_again",
        "core.daily_index_levels__newest_session_present",
        "core.index_cross_checks__newest_moves_with_its_companions",
        "core.settlement_cross_checks__newest_is_not_the_day_before_again",
        "core.settlement_cross_checks__newest_lies_in_its_day",
        "ops.value_revisions__restatements_are_small",
    }
    codes = dict(online.rows("select expiry_date, contract_code from core.daily_vx_settlements"))
    assert "VIX3M" in failed["core.daily_index_levels__newest_is_not_the_session_before_again"]
    assert "VIX6M" in failed["core.daily_index_levels__newest_session_present"]
    assert "SPX" in failed["core.index_cross_checks__newest_moves_with_its_companions"]
    assert codes[fifth] in failed["core.settlement_cross_checks__newest_is_not_the_day_before_again"]
    assert codes[third] in failed["core.settlement_cross_checks__newest_lies_in_its_day"]
    assert codes[first] in failed["ops.value_revisions__restatements_are_small"]

    said = health(online)
    assert said["status"] == "degraded"
    assert all(any(name in reason for reason in said["reasons"]) for name in failed)
    quarantined = {
        (name, day, reason)
        for name, day, reason in online.rows("select file_name, trade_date, reason from ops.quarantined_rows")
    }
    for weekly, day, reason in rejected.values():
        assert (f"{contract(weekly)}.csv", day, reason) in quarantined
        assert any(reason in words for words in said["reasons"])
    assert (f"{contract(sixth)}.csv", date(2025, 7, 4), "not_a_futures_session") in quarantined
    # a byte order mark harms nothing
    assert online.rows(f"select count(*) from core.daily_vx_settlements where expiry_date = '{second}'")[0][0] > 40
    assert not [reason for reason in said["reasons"] if contract(second) in reason]


def test_night_refuses_what_cannot_be_and_names_each(online: Trader, server: LoopbackServer, market: Market) -> None:
    market.extend_to(MONDAY)
    online.now = evening_of(MONDAY)
    _, second, third, fourth, fifth = market.front()[:5]
    server.play("ten-times", contract(second))
    server.play("another-file", contract(third), instead=f"/{VX_FOLDER}/{contract(fourth)}.csv")
    server.play("half-again", contract(fifth))
    server.play("shrunk", index("SPX"))
    where = str(refused(online).where)
    failed = failed_checks(online)
    for check, words in {
        "stg.vx_contract_rows__newest_lines_are_usable": "settle_out_of_range",
        "stg.vx_contract_rows__every_file_has_usable_rows": "label_of_another_contract",
        "core.settlement_cross_checks__none_left_its_curve": "VXF26",
        "ops.value_revisions__history_is_not_rewritten": "published values are gone",
    }.items():
        assert check in where
        assert words in failed[check]


def test_night_of_a_publisher_that_went_back_keeps_the_later_session(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    server.play("rolled-back", r"/VX_2|/(VIX|SPX|VVIX)_History")
    error = refused(online)
    assert error.where == "ops.value_revisions__history_is_not_rewritten"
    assert "newest published session is gone" in failed_checks(online)[str(error.where)]


def test_night_whose_contract_list_lacks_a_month_ends_with_code_4(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    market.extend_to(MONDAY)
    online.now = evening_of(MONDAY)
    server.play("unlisted", "product/list")
    where = str(refused(online).where)
    # the month that is not listed is not asked for: it has no settlement of the session
    assert "mart.daily_term_structure__newest_session_has_front_months" in where


def test_evening_with_another_days_settlement_table_waits_for_the_right_one(
    online: Trader, server: LoopbackServer, market: Market
) -> None:
    thursday = LAST - timedelta(days=1)
    for day in (thursday, LAST):
        market.write_daily_settlements(day)
    online.now = evening_of(MONDAY)
    table = f"/{DAILY_FOLDER}?dt={thursday}"
    server.play("another-file", f"dt={MONDAY}", instead=table)
    result = online.run()
    assert (result.exit_code, result.as_of) == (0, LAST)
    assert f"{MONDAY} is not published yet" in result.sentence
    assert online.rows(
        f"select distinct reject_reason from stg.vx_same_evening_rows where trade_date = '{MONDAY}'"
    ) == [("same_table_as_the_session_before",)]


def test_recheck_asks_without_tags(online: Trader, server: LoopbackServer) -> None:
    asked_before = len(server.requests)
    online.run(ask_everything=True)
    asked = [one for one in server.requests[asked_before:] if one.method == "GET"]
    assert len([one for one in asked if "/VX_2" in one.path]) > 10
    assert not [one.path for one in asked if {"if-none-match", "if-modified-since"} & set(one.headers)]


@pytest.mark.slow
def test_tag_that_never_changes_is_noticed_when_the_session_is_due(
    trader: Trader, server: LoopbackServer, market: Market
) -> None:
    server.play("frozen-etag", ".")
    trader.source = "cboe"
    assert trader.run().exit_code == 0
    market.extend_to(MONDAY)
    trader.now = evening_of(MONDAY)
    evening = trader.run()
    assert (evening.exit_code, evening.as_of) == (0, LAST)
    assert f"{MONDAY} is not published yet" in evening.sentence

    trader.now = evening_of(MONDAY + timedelta(days=1))
    late = trader.run()
    assert (late.exit_code, late.as_of) == (3, LAST)
    assert "15 Sep 2025 should be out" in late.sentence
    assert health(trader)["status"] == "degraded"

    healed = trader.run(ask_everything=True)
    assert (healed.exit_code, healed.as_of) == (0, MONDAY)
