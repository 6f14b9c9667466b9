"""The default policy on the real files: known evenings, and claims about every session. No list of market values."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import duckdb
import pytest

from tests.support.bench import rows, value
from tests.support.hedge_states import clause_differences, transition_differences

pytestmark = pytest.mark.real

NYSE_END = date(2015, 11, 11)
"""Last session of the copies of the breadth files; the mirror has no funds to go on with."""


def layer(real: duckdb.DuckDBPyConnection, day: str, name: str, columns: str) -> tuple[Any, ...]:
    found = rows(
        real, f"select {columns} from mart.daily_hedge_state where trade_date = ?::date and layer = ?", day, name
    )
    assert len(found) == 1
    return found[0]


def test_clauses_of_every_session_say_what_the_signals_say(real: duckdb.DuckDBPyConnection) -> None:
    assert clause_differences(real) == []


def test_transitions_of_every_session_lead_to_the_states(real: duckdb.DuckDBPyConnection) -> None:
    assert transition_differences(real) == []


def test_every_session_has_every_layer(real: duckdb.DuckDBPyConnection) -> None:
    assert value(real, "select count(*) from mart.daily_hedge_state") == 3 * 5484
    assert value(real, "select count(*) from mart.daily_governor") == 5484


@pytest.mark.parametrize("day", ["2008-10-15", "2020-03-16"])
def test_temporal_layer_is_active_in_a_crash(real: duckdb.DuckDBPyConnection, day: str) -> None:
    state, steps = layer(real, day, "temporal_vega", "state, step_count")
    assert (state, steps >= 1) == ("active", True)


def test_temporal_layer_waits_for_convergence_on_the_spike_of_2024(real: duckdb.DuckDBPyConnection) -> None:
    state, steps, reason = layer(real, "2024-08-05", "temporal_vega", "state, step_count, reason")
    assert (state, steps) == ("armed", 0)
    assert reason.endswith("waiting for the term-structure MACD to converge")


def test_temporal_layer_is_idle_through_2017(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select distinct layer, state, step_count from mart.daily_hedge_state "
        "where year(trade_date) = 2017 and layer <> 'base' order by layer"
    )
    assert rows(real, query) == [("second_engine", "idle", 0), ("temporal_vega", "idle", 0)]


def test_base_is_on_in_every_session(real: duckdb.DuckDBPyConnection) -> None:
    query = "select distinct state from mart.daily_hedge_state where layer = 'base'"
    assert rows(real, query) == [("active",)]


def test_every_early_roll_cites_the_divergence_it_was_made_on(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select state.trade_date, reason, ad_divergence_z from mart.daily_hedge_state as state "
        "join mart.daily_signals using (trade_date) where roll = 'early'"
    )
    early = rows(real, query)
    assert len(early) >= 20
    assert max(day for day, _, _ in early) <= NYSE_END
    assert [reason for _, reason, z in early if f"divergence of breadth z {z:+.2f} (nyse_counts)" not in reason] == []
    assert min(abs(z) for _, _, z in early) >= 1.5


def test_every_roll_without_breadth_is_forced_and_says_so(real: duckdb.DuckDBPyConnection) -> None:
    query = "select roll, reason from mart.daily_hedge_state where roll <> 'none' and trade_date > ?"
    later = rows(real, query, NYSE_END)
    assert len(later) >= 100
    assert {roll for roll, _ in later} == {"forced"}
    assert [reason for _, reason in later if "not evaluable (no breadth for this session)" not in reason] == []


def test_base_rolls_once_in_every_cycle_of_the_front(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select vx1_expiry_date, count(*) from mart.daily_hedge_state "
        "join mart.daily_term_structure using (trade_date) "
        "where roll in ('early', 'forced') group by 1 having count(*) > 1"
    )
    assert rows(real, query) == []


def mode(real: duckdb.DuckDBPyConnection, where: str) -> dict[str, int]:
    query = (
        "select governor_mode, count(*) from mart.daily_governor join mart.daily_signals using (trade_date) "
        f"where {where} group by 1"
    )
    return dict(rows(real, query))


def test_decision_days_are_a_stewards(real: duckdb.DuckDBPyConnection) -> None:
    found = mode(real, "is_fomc_window")
    assert set(found) == {"steward"}
    assert found["steward"] > 400


@pytest.mark.parametrize("day", ["2024-07-31", "2023-02-01"])
def test_decision_day_names_the_window(real: duckdb.DuckDBPyConnection, day: str) -> None:
    held = value(real, "select guards_held from mart.daily_governor where trade_date = ?::date", day)
    assert "macro_event_window" in held.split(", ")
    assert mode(real, f"trade_date = '{day}' and is_fomc_window") == {"steward": 1}


def test_sessions_with_a_stale_input_are_a_stewards(real: duckdb.DuckDBPyConnection) -> None:
    stale = "trade_date in (select trade_date from mart.daily_hedge_state where is_stale)"
    found = mode(real, stale)
    assert set(found) == {"steward"}
    assert found["steward"] > 400


def test_quiet_sessions_are_a_promoters(real: duckdb.DuckDBPyConnection) -> None:
    """Nothing but the named guards makes a steward: about half of the sessions are free."""
    assert mode(real, "guards_held is null").keys() == {"promoter"}
    assert mode(real, "true")["promoter"] > 2000


def test_big_top_lists_four_values_and_is_the_flag_on_every_row(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select is_big_top, guard_clauses::varchar, spx_from_high_frac, spx_rsi14, vix_over_rv21_frac, contango_frac "
        "from mart.daily_governor join mart.daily_signals using (trade_date)"
    )
    names = ("spx_from_high_frac", "spx_rsi14", "vix_over_rv21_frac", "contango_frac")
    held = 0
    for flag, text, *numbers in rows(real, query):
        (clause,) = (entry for entry in json.loads(text) if entry["rule"] == "big_top")
        assert (clause["truth"], clause["values"]) == (flag, dict(zip(names, numbers, strict=True)))
        assert len(clause["parameters"]) == 4
        held += flag is True
    assert held > 100


def test_no_step_is_taken_by_a_steward(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select trade_date from (select trade_date, governor_mode, step_count, "
        "lag(step_count) over (order by trade_date) as before "
        "from mart.daily_hedge_state where layer = 'temporal_vega') "
        "where step_count > before and governor_mode = 'steward'"
    )
    assert rows(real, query) == []


def test_target_of_one_evening_worked_from_the_settlement(real: duckdb.DuckDBPyConnection) -> None:
    # on that day the base is rolled into VX2, and is sized by the price of VX2
    settle = value(real, "select vx2_settle_pts from mart.daily_signals where trade_date = '2008-10-15'")
    contracts, vega = layer(real, "2008-10-15", "base", "target_contracts, target_vega_usd")
    # the condor asks for less than the lower end of the band: 1% of 10,000,000 dollars, at 1,000 dollars a point
    assert contracts == pytest.approx(100_000 / (1_000 * settle))
    assert vega == pytest.approx(100_000 / settle)
    steps, scaled = layer(real, "2008-10-15", "temporal_vega", "step_count, target_contracts")
    assert scaled == pytest.approx((2**steps - 1) * contracts)


def test_policies_without_the_temporal_layer_keep_it_idle(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select distinct state from mart.daily_policy_comparison "
        "where variant in ('preset:none', 'preset:static') and layer = 'temporal_vega'"
    )
    assert rows(real, query) == [("idle",)]


def test_layer_without_hysteresis_comes_and_goes_more_often(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "with steps as (select variant, state, lag(state) over (partition by variant order by trade_date) as before "
        "from mart.daily_policy_comparison where layer = 'temporal_vega') "
        "select variant, count(*) from steps where state = 'idle' and before <> 'idle' group by 1"
    )
    left = dict(rows(real, query))
    assert left["no_hysteresis"] > left["preset:article"]
