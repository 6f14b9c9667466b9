"""The audit's trials on a made-up market; a policy that knew the future is caught."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.support.crisis import crisis_warehouse
from tests.support.shared import SharedFolders
from transforms.audit.lag import LagTest, compare_delay
from transforms.benchmarks import list_benchmarks
from transforms.hedge import CalendarListing, HedgeMarket, Stretch, run_hedge
from transforms.layers import Layer, LayerPath, LayerState
from warehouse.audit_runs import MAIN, STATIC, UNFENCED, AuditRuns, run_audit_trials
from warehouse.audits import judge_audit
from warehouse.expressions import evaluate_rules, preset
from warehouse.hedge import read_hedge_market
from warehouse.policy_paths import read_market, run_policy

NAV = 100_000_000.0


@pytest.fixture(scope="module")
def connection(shared_folders: SharedFolders) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(crisis_warehouse(shared_folders)), read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def runs(connection: duckdb.DuckDBPyConnection) -> AuditRuns:
    return run_audit_trials(connection)


@pytest.fixture(scope="module")
def record(connection: duckdb.DuckDBPyConnection, runs: AuditRuns) -> dict[str, Any]:
    return judge_audit(connection, runs, command="alvh audit", made_at_utc="2026-01-01T00:00:00Z", code_version="0")


def test_every_policy_reading_and_benchmark_is_a_trial(runs: AuditRuns) -> None:
    benchmarks = {info.name for info in list_benchmarks()} - {"none"}
    readings = [trial for trial in runs.trials.values() if trial.group == "reading"]
    assert {MAIN, STATIC, UNFENCED} | benchmarks <= set(runs.trials)
    # four readings at three thresholds, one of which is the policy itself
    assert len(readings) == 11
    assert next(iter(runs.trials)) == MAIN


def test_policy_of_the_audit_is_the_nightly_on_a_larger_account(
    connection: duckdb.DuckDBPyConnection, runs: AuditRuns
) -> None:
    """Ten times the account: the same states, and ten times the result but for whole contracts."""
    query = "select pnl_usd from mart.daily_hedge_ledger where layer = 'base' order by trade_date"
    nightly = connection.execute(query).df()["pnl_usd"]
    audited = runs.trials[MAIN].history.layer("base")["pnl_usd"]
    assert np.corrcoef(nightly, audited)[0, 1] > 0.999
    assert audited.sum() == pytest.approx(10 * nightly.sum(), rel=0.05)


def test_readings_and_policies_differ_from_each_other(runs: AuditRuns) -> None:
    names = [MAIN, UNFENCED, STATIC, "vpd", "veqtor", *(f"{one}, VIX 25" for one in ("contracts", "base_matched"))]
    totals = {name: round(float(runs.trials[name].history.returns().sum()), 9) for name in names}
    assert len(set(totals.values())) == len(names)


def test_record_is_plain_and_marks_the_market(record: dict[str, Any], runs: AuditRuns) -> None:
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["is_simulated"] is True
    assert [claim["id"] for claim in record["hypotheses"]] == ["H1", "H2", "H3", "H4", "H5"]
    assert {claim["verdict"] for claim in record["hypotheses"]} <= {"holds", "does_not_hold", "not_testable"}
    assert len(record["trials"]) == len(record["comparators"]) == len(runs.trials)
    assert record["family"]["trials"] == len(runs.trials)
    assert record["provenance"]["policy_hash"]
    # a made-up market has no 2008
    assert record["without_crises"] == []


def test_two_years_are_too_short_for_most_verdicts(record: dict[str, Any]) -> None:
    verdicts = {claim["id"]: claim["verdict"] for claim in record["hypotheses"]}
    assert verdicts["H1"] == verdicts["H5"] == "not_testable"


# ---- a policy that knows the next session ----


def follow(market: HedgeMarket, path: LayerPath, delay: int) -> pd.Series:
    policy = preset(MAIN)
    stretch = Stretch(machine=policy.machine(), values=policy.values, path=path, span=slice(0, len(path)))
    calendars = CalendarListing(list(market.futures.days), market.options)
    days = run_hedge(market, [stretch], calendars, [Layer.TEMPORAL_VEGA], delay_sessions=delay).ledger.days
    rows = days[days["layer"] == Layer.TEMPORAL_VEGA.value]
    # before costs: what is planted is foresight, and trading every day would hide it
    return (rows["pnl_usd"] - rows["interest_usd"] - rows["cost_usd"]) / market.nav_usd


def measure(market: HedgeMarket, path: LayerPath) -> LagTest:
    early, late = (follow(market, path, delay).to_numpy() for delay in (0, 1))
    return compare_delay(early, late)


def test_planted_look_ahead_is_caught_when_the_lag_is_enforced(connection: duckdb.DuckDBPyConnection) -> None:
    market = read_hedge_market(connection, NAV)
    signals = read_market(connection)
    policy = preset(MAIN)
    truths = evaluate_rules(connection, [policy])
    honest = run_policy(policy, truths, signals)
    # A step is on over the sessions in which the front will gain: decided at t, traded at t + 1, earned at t + 2.
    front, second = (signals[f"vx{rank}_held_change_pts"].fillna(0.0).to_numpy() for rank in (1, 2))
    ahead = np.concatenate([(front - 1.5 * second)[2:], [0.0, 0.0]])
    steps = np.where(ahead > 0, 1, 0).astype(np.int8)
    planted = replace(
        honest,
        temporal_steps=steps,
        temporal_state=np.where(steps > 0, LayerState.ACTIVE, LayerState.IDLE).astype(np.int8),
    )
    found = measure(market, planted)
    assert found.is_suspicious
    assert found.delayed_mean_year_frac < found.mean_year_frac / 2
    assert not measure(market, honest).is_suspicious
