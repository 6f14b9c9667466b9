"""Reading a warehouse for the explanation of a session: nothing later than the session leaves here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from transforms.errors import PolicyError, UsageError
from transforms.explain.facts import EpisodeSession, ExplainFacts
from transforms.policy.expression import Node, parse_tree
from transforms.policy.model import POLICY_CHANGE
from warehouse.query import has_table

TIMELINE_SESSIONS = 300

_SINCE = """
with
named as (
    select trade_date, layer as name, state from mart.daily_hedge_state where trade_date <= $as_of
    union all
    select trade_date, 'governor', governor_mode from mart.daily_governor where trade_date <= $as_of
),
tonight as (select name, state from named where trade_date = $as_of),
last_other as (
    select named.name, max(named.trade_date) as trade_date
    from named join tonight on tonight.name = named.name and tonight.state <> named.state
    group by named.name
)
select named.name, min(named.trade_date) as since, count(*) as sessions
from named
left join last_other on last_other.name = named.name
where last_other.trade_date is null or named.trade_date > last_other.trade_date
group by named.name
"""

_TRANSITIONS = """
select trade_date, transition_no, layer, from_state, to_state, reason
from mart.layer_transitions
where trade_date <= $as_of
qualify row_number() over (partition by layer order by trade_date desc, transition_no desc) <= 5 or trade_date = $as_of
order by trade_date desc, transition_no desc
"""

# From the session on which the layer armed; while it is idle, from the one on which it left. A change of policy
# that moved the layer is no arming: the machine's counts then began somewhere else.
_EPISODE = """
with
started as (
    select
        coalesce(max(trade_date), date '1900-01-01') as trade_date,
        coalesce(arg_max(reason, (trade_date, transition_no)), '') as reason
    from mart.layer_transitions
    where layer = 'temporal_vega' and trade_date <= $as_of and (from_state = 'idle' or to_state = 'idle')
)
select state.policy_hash, started.reason, state.clauses, signal.rv_excursions
from mart.daily_hedge_state as state
join mart.daily_signals as signal on signal.trade_date = state.trade_date
cross join started
where state.layer = 'temporal_vega' and state.trade_date between started.trade_date and $as_of
order by state.trade_date
"""

_GAPS = "select signal, signal_status from mart.daily_signal_gaps where trade_date = $as_of"

_TIMELINE = """
from (
    select
        state.trade_date,
        any_value(signal.vix_close_pts) as vix_close_pts,
        any_value(state.governor_mode) as governor_mode,
        max(state.state) filter (state.layer = 'base') as base,
        max(state.state) filter (state.layer = 'temporal_vega') as temporal_vega,
        max(state.state) filter (state.layer = 'second_engine') as second_engine,
        max(state.step_count) filter (state.layer = 'temporal_vega') as temporal_steps,
        max(state.held_rank) filter (state.layer = 'base') as base_rank,
        any_value(state.policy_hash) as policy_hash
    from mart.daily_hedge_state as state
    join mart.daily_signals as signal on signal.trade_date = state.trade_date
    where state.trade_date <= $as_of
    group by state.trade_date
    order by state.trade_date desc
    limit $sessions
)
order by trade_date
"""


def read_explain_facts(
    connection: duckdb.DuckDBPyConnection, as_of: date, *, with_timeline: bool = False
) -> ExplainFacts:
    """Read the states of a session and all that explains them.

    Raises
    ------
    UsageError
        If the warehouse has no state for the session, or was built before there were any.
    """
    bounds = {"as_of": as_of}
    _require_states(connection)
    states = {row["layer"]: row for row in _dicts(connection, _of_night("mart.daily_hedge_state"), bounds)}
    governors = _dicts(connection, _of_night("mart.daily_governor"), bounds)
    if not states or not governors:
        raise UsageError("the warehouse has no state of the layers for that session", found=str(as_of))
    for row in states.values():
        row["clauses"] = json.loads(row["clauses"])
    governor = {**governors[0], "guard_clauses": json.loads(governors[0]["guard_clauses"])}
    policy_hash = governor["policy_hash"]
    mine = {"policy_hash": policy_hash}
    policies = _dicts(connection, "from ref.policies order by effective_from nulls first", {})
    policy = next(row for row in policies if row["policy_hash"] == policy_hash)
    rules = _dicts(connection, "from ref.policy_rules where policy_hash = $policy_hash", mine)
    parameters = _dicts(connection, "from ref.policy_parameters where policy_hash = $policy_hash", mine)
    clauses = [*governor["guard_clauses"], *(clause for row in states.values() for clause in row["clauses"])]
    timeline = {**bounds, "sessions": TIMELINE_SESSIONS}
    nav = connection.execute("select value from ref.parameters where parameter = 'model_nav_usd'").fetchone()
    simulated = connection.execute("select is_simulated from ref.run").fetchone()
    return ExplainFacts(
        as_of=as_of,
        is_simulated=bool(simulated and simulated[0]),
        policy_name=policy["policy_name"],
        policy_hash=policy_hash,
        effective_from=policy["effective_from"],
        states=states,
        governor=governor,
        since={row["name"]: row for row in _dicts(connection, _SINCE, bounds)},
        signals=_dicts(connection, _of_night("mart.daily_signals"), bounds)[0],
        gaps=dict(_pairs(connection, _GAPS, bounds)),
        units=dict(_pairs(connection, "select signal, unit from ref.signals", {})),
        meanings={f"{rule['layer']}.{rule['rule']}": rule["meaning"] for rule in rules},
        parameters={row["parameter"]: row for row in parameters},
        conditions=parse_conditions(connection, [clause["expression"] for clause in clauses]),
        transitions=tuple(_dicts(connection, _TRANSITIONS, bounds)),
        comparison=tuple(_dicts(connection, _of_night("mart.daily_policy_comparison"), bounds)),
        comparison_policy=policies[-1]["policy_name"],
        episode=_read_episode(connection, bounds, policy_hash),
        timeline=tuple(_dicts(connection, _TIMELINE, timeline)) if with_timeline else (),
        model_nav_usd=None if nav is None else nav[0],
    )


def parse_conditions(connection: duckdb.DuckDBPyConnection, expressions: Iterable[str]) -> dict[str, Node]:
    """Parse expressions that were checked when their policy was adopted; nothing of them is run.

    Returns
    -------
    dict
        Expression to its tree. One that cannot be read is left out.
    """
    found = {}
    for text in dict.fromkeys(expressions):
        row = connection.execute("select json_serialize_sql($1::varchar)", [f"select (\n{text}\n)"]).fetchone()
        answer: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
        if answer["error"]:
            continue
        try:
            found[text] = parse_tree(answer["statements"][0]["node"]["select_list"][0])
        except PolicyError:
            continue
    return found


def _read_episode(
    connection: duckdb.DuckDBPyConnection, bounds: Mapping[str, Any], policy_hash: str
) -> tuple[EpisodeSession, ...] | None:
    rows = connection.execute(_EPISODE, dict(bounds)).fetchall()
    if any(row[0] != policy_hash or row[1].endswith(POLICY_CHANGE) for row in rows):
        return None
    sessions = []
    for _, _, clauses, excursions in rows:
        truths = {clause["rule"]: clause["truth"] for clause in json.loads(clauses)}
        sessions.append(EpisodeSession(truths.get("arm"), truths.get("full"), truths.get("leave"), excursions))
    return tuple(sessions)


def _require_states(connection: duckdb.DuckDBPyConnection) -> None:
    if not has_table(connection, "mart.daily_hedge_state"):
        raise UsageError(
            "the published warehouse has no states of the layers",
            found="a warehouse of an earlier version",
            next_step="run `alvh nightly`",
        )


def _of_night(table: str) -> str:
    return f"from {table} where trade_date = $as_of"


def _pairs(connection: duckdb.DuckDBPyConnection, sql: str, bounds: Mapping[str, Any]) -> Sequence[tuple[Any, Any]]:
    return [(row[0], row[1]) for row in connection.execute(sql, dict(bounds) or None).fetchall()]


def _dicts(connection: duckdb.DuckDBPyConnection, sql: str, bounds: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, dict(bounds)) if bounds else connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
