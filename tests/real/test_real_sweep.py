"""The compiled walk on the real files: the default policy, its thresholds and its readings, session by session."""

from __future__ import annotations

import duckdb
import pytest

from tests.support.sweep import list_cases
from transforms.hedge import CalendarListing
from transforms.layers import Reading
from transforms.sweep import build_sweep_market, compare_with_plain, decide_stretches, run_policies
from warehouse.expressions import evaluate_rules, preset
from warehouse.hedge import read_hedge_market
from warehouse.policy_paths import read_market

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("compiled_walk")]

ARTICLE = preset("article")
THRESHOLDS = (25.0, 28.0, 30.0)


def test_compiled_walk_equals_the_plain_one_on_every_session(real: duckdb.DuckDBPyConnection) -> None:
    variants = [
        (ARTICLE.with_values({"arm_vix_pts": level, "full_vix_pts": max(level, 30.0)}), reading.name.lower())
        for level in THRESHOLDS
        for reading in Reading
    ]
    hedge = read_hedge_market(real)
    calendars = CalendarListing(list(hedge.futures.days), hedge.options)
    truths = evaluate_rules(real, [policy for policy, _ in variants])
    market = build_sweep_market(hedge, calendars, [ARTICLE.machine()])
    stretches = list(decide_stretches(market, read_market(real), list_cases(variants, truths)))
    for (policy, reading), stretch in zip(variants, stretches, strict=True):
        differences = compare_with_plain(hedge, calendars, stretch, market)
        assert differences == [], (policy.values["arm_vix_pts"], reading)
    assert (run_policies(market, stretches).held_sessions > 0).all()
