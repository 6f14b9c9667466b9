"""The explanation read from a warehouse agrees with what the machine did."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import cache
from itertools import pairwise

import duckdb
import pytest

from tests.support.bench import rows
from tests.support.crisis import PLAIN_LAST as LAST
from transforms.errors import UsageError
from transforms.explain.build import build_explanation
from transforms.explain.facts import ExplainFacts
from transforms.explain.outlook import count_temporal
from transforms.policy.identity import policy_hash
from warehouse.explain_data import read_explain_facts
from warehouse.expressions import preset
from warehouse.hedge_states import PolicyInForce, decide_hedge, write_hedge_states


@pytest.fixture(scope="module")
def facts_of(plain: duckdb.DuckDBPyConnection) -> Callable[[date], ExplainFacts]:
    """The facts of a session, read once."""
    return cache(lambda day: read_explain_facts(plain, day))


def sessions_on(plain: duckdb.DuckDBPyConnection) -> list[date]:
    """Sessions on which the temporal layer is not idle."""
    query = "select trade_date from mart.daily_hedge_state where layer = 'temporal_vega' and state <> 'idle' order by 1"
    return [row[0] for row in rows(plain, query)]


def test_explanation_of_a_simulated_session_says_so_and_is_json(plain: duckdb.DuckDBPyConnection) -> None:
    explanation = build_explanation(read_explain_facts(plain, LAST))
    assert explanation["is_simulated"] is True
    assert json.loads(json.dumps(explanation, allow_nan=False)) == explanation


def test_truth_of_every_term_agrees_with_its_clause(plain: duckdb.DuckDBPyConnection) -> None:
    differing = []
    for day in sessions_on(plain)[::5]:
        explanation = build_explanation(read_explain_facts(plain, day))
        clauses = [clause for layer in explanation["layers"] for clause in layer["clauses"]]
        for clause in [*clauses, *explanation["governor"]["guards"]]:
            truths = [term["truth"] for term in clause["terms"]]
            if not clause["joined"] and clause["rule"] not in ("layer2_loss", "budget", "quick_ratio"):
                differing += [(day, clause["rule"])] if truths != [clause["truth"]] else []
            elif clause["joined"]:
                settled = clause["joined"] == "or"
                whole = settled if settled in truths else None if None in truths else not settled
                differing += [(day, clause["rule"])] if whole is not clause["truth"] else []
    assert differing == []


def test_counts_of_the_explanation_are_those_that_moved_the_layer(
    plain: duckdb.DuckDBPyConnection, facts_of: Callable[[date], ExplainFacts]
) -> None:
    """Closes counted tonight, with the close of the next session, decide whether the layer leaves then."""
    following = dict(
        rows(plain, "select trade_date, lead(trade_date) over (order by trade_date) from mart.daily_signals")
    )
    days = [day for day in sessions_on(plain) if following[day]]
    assert days
    wrong = []
    for day in days:
        counts = count_temporal(facts_of(day))
        assert counts is not None
        after = facts_of(following[day]).states["temporal_vega"]
        leave = next(clause["truth"] for clause in after["clauses"] if clause["rule"] == "leave")
        if (leave is True and counts.leave_closes + 1 >= 2) != (after["state"] == "idle"):
            wrong.append(day)
    assert wrong == []


def test_step_that_is_due_was_not_taken_for_a_reason(
    plain: duckdb.DuckDBPyConnection, facts_of: Callable[[date], ExplainFacts]
) -> None:
    for day in sessions_on(plain):
        facts = facts_of(day)
        counts, row = count_temporal(facts), facts.states["temporal_vega"]
        assert counts is not None
        assert counts.entitled_steps is not None
        truths = {clause["rule"]: clause["truth"] for clause in row["clauses"]}
        is_free = facts.governor["governor_mode"] == "promoter" and truths["converge"] and truths["leave"] is not True
        is_new = "step is taken" in row["reason"]
        assert not (is_free and not is_new and counts.entitled_steps > row["step_count"]), day


def test_explanation_holds_nothing_later_than_its_session(plain: duckdb.DuckDBPyConnection) -> None:
    day = sessions_on(plain)[10]
    facts = read_explain_facts(plain, day, with_timeline=True)
    dates = [row["trade_date"] for row in (*facts.transitions, *facts.timeline, *facts.comparison)]
    assert max(dates) == day
    assert max(entry["since"] for entry in facts.since.values()) <= day


def test_sessions_in_state_are_counted_back_to_the_last_change(plain: duckdb.DuckDBPyConnection) -> None:
    day = LAST
    facts = read_explain_facts(plain, day)
    states = [
        row[0]
        for row in rows(
            plain,
            f"select state from mart.daily_hedge_state where layer = 'temporal_vega' and trade_date <= '{day}' "
            "order by trade_date desc",
        )
    ]
    expected = next((place for place, state in enumerate(states) if state != states[0]), len(states))
    assert facts.since["temporal_vega"]["sessions"] == expected


def test_session_without_states_is_a_usage_error(plain: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="no state"):
        read_explain_facts(plain, date(1999, 1, 4))


def test_warehouse_without_layers_is_a_usage_error() -> None:
    with duckdb.connect() as connection, pytest.raises(UsageError, match="no states of the layers"):
        read_explain_facts(connection, LAST)


def test_counts_are_not_said_across_a_change_of_policy(plain: duckdb.DuckDBPyConnection) -> None:
    days = sessions_on(plain)
    change = next(after for before, after in pairwise(days) if (after - before).days < 5)
    later = preset("article").with_values({"base_notional_frac": 0.015}, name="later")
    plain.execute("begin")
    try:
        for schema, names in (
            ("mart", ("daily_governor", "daily_hedge_state", "layer_transitions", "daily_policy_comparison")),
            ("ref", ("policies", "policy_rules", "policy_parameters")),
        ):
            for name in names:
                plain.execute(f"drop table {schema}.{name}")
        first = preset("article")
        policies = [PolicyInForce(None, first, policy_hash(first)), PolicyInForce(change, later, policy_hash(later))]
        write_hedge_states(plain, decide_hedge(plain, policies))
        facts = read_explain_facts(plain, change)
        assert (facts.policy_name, facts.effective_from, facts.episode) == ("later", change, None)
        assert read_explain_facts(plain, days[0]).policy_name == "article"
    finally:
        plain.execute("rollback")
