"""The compiled walk on a warehouse with a crisis in it: policies decided and walked, every amount the plain one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pytest

from tests.support.crisis import crisis_warehouse
from tests.support.shared import SharedFolders
from tests.support.sweep import list_cases
from transforms.hedge import CalendarListing, HedgeMarket, Stretch
from transforms.sweep import LAYER_NAMES, SweepMarket, build_sweep_market, compare_with_plain, decide_stretches
from transforms.sweep.run import run_policies
from warehouse.expressions import Truths, evaluate_rules, preset
from warehouse.hedge import read_hedge_market
from warehouse.policy_paths import read_market, run_policy

pytestmark = pytest.mark.usefixtures("compiled_walk")

ARTICLE = preset("article")
VARIANTS = {
    "article": (ARTICLE, None),
    "short_front": (ARTICLE, "short_front"),
    "base_matched_at_28": (ARTICLE.with_values({"arm_vix_pts": 28.0, "full_vix_pts": 33.0}), "base_matched"),
    "other_calendars": (ARTICLE.with_values({"short_call_delta": 0.3, "short_loss_frac": 0.02}), None),
    "static": (preset("static"), None),
}


@dataclass(frozen=True)
class Sweep:
    hedge: HedgeMarket
    calendars: CalendarListing
    market: SweepMarket
    stretches: dict[str, Stretch]
    truths: Truths
    connection: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def sweep(shared_folders: SharedFolders) -> Iterator[Sweep]:
    connection = duckdb.connect(str(crisis_warehouse(shared_folders)), read_only=True)
    hedge = read_hedge_market(connection)
    calendars = CalendarListing(list(hedge.futures.days), hedge.options)
    policies = list(VARIANTS.values())
    truths = evaluate_rules(connection, [policy for policy, _ in policies])
    market = build_sweep_market(hedge, calendars, [policy.machine() for policy, _ in policies])
    decided = decide_stretches(market, read_market(connection), list_cases(policies, truths))
    yield Sweep(hedge, calendars, market, dict(zip(VARIANTS, decided, strict=True)), truths, connection)
    connection.close()


@pytest.mark.parametrize("name", VARIANTS)
def test_compiled_walk_equals_the_plain_one(sweep: Sweep, name: str) -> None:
    assert compare_with_plain(sweep.hedge, sweep.calendars, sweep.stretches[name], sweep.market) == []


@pytest.mark.parametrize("name", VARIANTS)
def test_compiled_states_are_those_of_a_night(sweep: Sweep, name: str) -> None:
    policy, reading = VARIANTS[name]
    told = run_policy(policy, sweep.truths, read_market(sweep.connection), reading, sweep.calendars)
    path = sweep.stretches[name].path
    for column in ("base_state", "temporal_state", "second_state", "temporal_steps", "held_rank", "mode", "guards"):
        assert getattr(path, column).tolist() == getattr(told, column).tolist(), column
    assert path.gains_rolled_frac.tolist() == told.gains_rolled_frac.tolist()


def test_every_layer_is_at_work(sweep: Sweep) -> None:
    held = run_policies(sweep.market, [sweep.stretches["article"]]).held_sessions[0]
    assert (held > 0).all(), dict(zip(LAYER_NAMES, held.tolist(), strict=True))
