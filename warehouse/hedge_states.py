"""The policy decided on the signals: states, governor, transitions and comparisons as tables.

These tables depend on the policy in force and not on files alone, so they are made here and not by a model:
the rules are evaluated in DuckDB, the state machine runs over them, and the result is written beside the
numbers that explain it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pandas as pd

from transforms.hash_chain import hash_rows
from transforms.layers import LayerPath, LayerState, Reason, describe_reason, list_transitions, run_layers
from transforms.layers.codes import Guard, Mode, Reading, Roll
from transforms.layers.decide import ROLES, build_layer_inputs, build_layer_settings
from transforms.policy.identity import policy_hash
from transforms.policy.loader import PRESETS
from transforms.policy.model import GUARDS, Policy
from warehouse.expressions import Truths, clauses_sql, evaluate_rules, preset
from warehouse.stored_tables import create_from_frame

LAYERS = ("base", "temporal_vega", "second_engine")
DEFAULT_PRESET = "article"
NO_HYSTERESIS = "no_hysteresis"
POLICY_CHANGE = "another policy is in force from this session on"
_SIZED_IN_FUTURES = ("condor_band", "fixed_notional")

_STALE = " or ".join(f"{group}_status <> 'ok'" for group in ("vix", "curve", "ts_macd", "vvix", "spx"))

_MARKET = """
select
    signal.trade_date,
    curve.vx1_expiry_date,
    signal.vx1_settle_pts,
    sensitivity.vx1_held_change_pts,
    sensitivity.vx2_held_change_pts,
    signal.vx1_beta_ratio,
    signal.vx2_beta_ratio,
    signal.rv_excursions
from mart.daily_signals as signal
join mart.daily_term_structure as curve on curve.trade_date = signal.trade_date
left join mart.daily_sensitivities as sensitivity on sensitivity.trade_date = signal.trade_date
order by signal.trade_date
"""
"""What the machine needs beside the rules: `transforms.layers.decide.MARKET_COLUMNS`."""


@dataclass(frozen=True)
class PolicyInForce:
    """A policy and the first session it decides; None for all of the past."""

    effective_from: date | None
    policy: Policy
    policy_hash: str


def policies_or_default(policies: Sequence[PolicyInForce]) -> tuple[PolicyInForce, ...]:
    """Return the policies in the order of their first sessions; the default preset where there is none."""
    if not policies:
        default = preset(DEFAULT_PRESET)
        return (PolicyInForce(None, default, policy_hash(default)),)
    return tuple(sorted(policies, key=lambda entry: entry.effective_from or date.min))


def build_hedge_states(connection: duckdb.DuckDBPyConnection, policies: Sequence[PolicyInForce]) -> dict[str, int]:
    """Decide the policies on ``mart.daily_signals`` and write the tables. Return rows by table.

    A session is decided by the policy in force on it. Each policy is run over the whole history, and its
    states count from its first session on: after a change the layers are where the new policy would have
    them, and the transitions of that session name the change.
    """
    in_force = policies_or_default(policies)
    variants = list(_variants(in_force[-1].policy))
    truths = evaluate_rules(connection, [*(entry.policy for entry in in_force), *(policy for _, policy, _ in variants)])
    market = connection.execute(_MARKET).df()
    paths = [_run(entry.policy, truths, market) for entry in in_force]
    ranges = _ranges(in_force, market["trade_date"])
    _write_policies(connection, in_force)
    _write_governor(connection, in_force, paths, ranges, truths, market)
    _write_states(connection, in_force, paths, ranges, market)
    _write_transitions(connection, in_force, paths, ranges, market)
    _write_comparison(connection, variants, truths, market)
    tables = ("daily_governor", "daily_hedge_state", "layer_transitions", "daily_policy_comparison")
    return {f"mart.{name}": _count(connection, f"mart.{name}") for name in tables}


def hash_states(connection: duckdb.DuckDBPyConnection, session: date) -> str:
    """Return the SHA-256 of a session's states, as the policy log keeps it."""
    columns = ("layer", "state", "step_count", "governor_mode", "policy_hash", "clauses")
    query = f"select {', '.join(columns)} from mart.daily_hedge_state where trade_date = ? order by layer"  # noqa: S608
    return hash_rows(columns, connection.execute(query, [session]).fetchall())


def _run(policy: Policy, truths: Truths, market: pd.DataFrame, reading: str | None = None) -> LayerPath:
    roles = {name: truths.of(policy, layer, role) for name, (layer, role) in ROLES.items()}
    inputs = build_layer_inputs(market, {**roles, "signal_guards": truths.guards(policy)})
    return run_layers(inputs, build_layer_settings(policy.machine(), reading=reading))


def _ranges(in_force: Sequence[PolicyInForce], trade_dates: pd.Series) -> list[slice]:
    """Sessions that each policy decides, as slices of the history."""
    starts = [
        int(trade_dates.searchsorted(pd.Timestamp(entry.effective_from))) if number and entry.effective_from else 0
        for number, entry in enumerate(in_force)
    ]
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], len(trade_dates)], strict=True)]


def _variants(policy: Policy) -> Iterator[tuple[str, Policy, str | None]]:
    for reading in Reading:
        yield f"reading:{reading.name.lower()}", policy, reading.name
    for name in PRESETS:
        yield f"preset:{name}", preset(name), None
    values = policy.values
    if {"arm_vix_pts", "leave_vix_pts", "leave_confirm_days"} <= values.keys():
        # leaves on the first close below its own arming level
        changed = {"leave_vix_pts": values["arm_vix_pts"], "leave_confirm_days": 1.0}
        entries = {parameter.name: parameter for parameter in policy.parameters}
        if all(entries[name].lowest <= value <= entries[name].highest for name, value in changed.items()):
            yield NO_HYSTERESIS, policy.with_values(changed, name=NO_HYSTERESIS), None


def _write_policies(connection: duckdb.DuckDBPyConnection, in_force: Sequence[PolicyInForce]) -> None:
    create_from_frame(
        connection,
        "ref.policies",
        pd.DataFrame(
            [(entry.policy_hash, entry.policy.name, entry.effective_from) for entry in in_force],
            columns=["policy_hash", "policy_name", "effective_from"],
        ),
        "policy_hash, policy_name, effective_from::date as effective_from",
    )
    rules = [
        (entry.policy_hash, layer, rule.name.rpartition(".")[2], rule.expression, rule.provenance, rule.meaning)
        for entry in in_force
        for layer in (*LAYERS, GUARDS)
        for rule in entry.policy.rules_of(layer)
    ]
    columns = ["policy_hash", "layer", "rule", "expression", "provenance", "meaning"]
    _create_texts(connection, "ref.policy_rules", rules, columns)
    numbers = [
        (entry.policy_hash, one.name, one.value, one.unit, one.provenance, one.meaning)
        for entry in in_force
        for one in entry.policy.parameters
    ]
    create_from_frame(
        connection,
        "ref.policy_parameters",
        pd.DataFrame(numbers, columns=["policy_hash", "parameter", "value", "unit", "provenance", "meaning"]),
        "policy_hash::varchar as policy_hash, parameter::varchar as parameter, value::double as value, "
        "unit::varchar as unit, provenance::varchar as provenance, meaning::varchar as meaning",
    )


def _create_texts(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[str]], columns: Sequence[str]
) -> None:
    frame = pd.DataFrame(rows, columns=list(columns), dtype=object)
    create_from_frame(connection, table, frame, ", ".join(f"{name}::varchar as {name}" for name in columns))


def _write_governor(
    connection: duckdb.DuckDBPyConnection,
    in_force: Sequence[PolicyInForce],
    paths: Sequence[LayerPath],
    ranges: Sequence[slice],
    truths: Truths,
    market: pd.DataFrame,
) -> None:
    parts = []
    for entry, path, span in zip(in_force, paths, ranges, strict=True):
        parts.append(
            pd.DataFrame(
                {
                    "trade_date": market["trade_date"],
                    "policy_hash": entry.policy_hash,
                    "governor_mode": [Mode(int(code)).name.lower() for code in path.mode],
                    "guards_held": _name_guards(entry.policy, path, truths),
                    "trailing_pnl_frac": path.trailing_pnl_frac,
                    "temporal_pnl_since_entry_frac": path.temporal_pnl_since_entry_frac,
                    "base_pnl_frac": path.base_pnl_frac,
                    "temporal_pnl_frac": path.temporal_pnl_frac,
                    "gains_rolled_frac": path.gains_rolled_frac,
                }
            ).iloc[span]
        )
    connection.register("path", pd.concat(parts, ignore_index=True))
    clauses = _clauses_case(in_force, GUARDS)
    connection.execute(
        f"""
        create table mart.daily_governor as
        select
            path.trade_date::date as trade_date,
            path.governor_mode,
            nullif(path.guards_held, '') as guards_held,
            {clauses} as guard_clauses,
            {", ".join(f"case when isfinite(path.{name}) then path.{name} end as {name}" for name in _NUMBERS)},
            path.policy_hash
        from path
        join mart.daily_signals as signal on signal.trade_date = path.trade_date::date
        order by trade_date
        """  # noqa: S608 - made of our own names and of checked conditions
    )
    connection.unregister("path")


_NUMBERS = (
    "trailing_pnl_frac",
    "temporal_pnl_since_entry_frac",
    "base_pnl_frac",
    "temporal_pnl_frac",
    "gains_rolled_frac",
)


def _name_guards(policy: Policy, path: LayerPath, truths: Truths) -> list[str]:
    """Names of what made each session a steward's; a guard that cannot be evaluated has a question mark."""
    named: list[list[str]] = [[] for _ in range(len(path))]
    for rule in policy.guards:
        name = rule.name.rpartition(".")[2]
        for session in np.flatnonzero(truths.of_rule(policy, rule)).tolist():
            named[session].append(name if truths.of_rule(policy, rule)[session] == 1 else f"{name}?")
    for bit, name in ((Guard.LOSS_LOCK, "layer2_loss"), (Guard.BUDGET, "budget")):
        for session in np.flatnonzero(path.guards & bit).tolist():
            named[session].append(name)
    return [", ".join(names) for names in named]


def _clauses_case(in_force: Sequence[PolicyInForce], layer: str) -> str:
    """The clauses of a layer by the policy that decides the row."""
    if len(in_force) == 1:
        return clauses_sql(in_force[0].policy, layer, table="signal")
    whens = " ".join(
        f"when '{entry.policy_hash}' then {clauses_sql(entry.policy, layer, table='signal')}" for entry in in_force
    )
    return f"case path.policy_hash {whens} end"


def _write_states(
    connection: duckdb.DuckDBPyConnection,
    in_force: Sequence[PolicyInForce],
    paths: Sequence[LayerPath],
    ranges: Sequence[slice],
    market: pd.DataFrame,
) -> None:
    parts = []
    for entry, path, span in zip(in_force, paths, ranges, strict=True):
        numbers = entry.policy.machine()
        base = float(numbers["base_notional_frac"])
        is_in_futures = numbers["sizing"] in _SIZED_IN_FUTURES
        steps = path.temporal_steps.astype(np.float64)
        notional = {
            "base": np.where(path.base_state == LayerState.ACTIVE, base, 0.0),
            "temporal_vega": base * (2.0**steps - 1),
        }
        for layer in LAYERS:
            states, reasons = _codes(path, layer)
            counts = path.temporal_steps if layer == "temporal_vega" else (states == LayerState.ACTIVE).astype(np.int8)
            is_base = layer == "base"
            parts.append(
                pd.DataFrame(
                    {
                        "trade_date": market["trade_date"],
                        "layer": layer,
                        "state": [LayerState(int(code)).name.lower() for code in states],
                        "step_count": counts,
                        "reason": [
                            describe_reason(LayerState(int(state)), Reason(int(reason)))
                            for state, reason in zip(states, reasons, strict=True)
                        ],
                        "roll": [Roll(int(code)).name.lower() for code in path.base_roll] if is_base else None,
                        "held_rank": path.held_rank.astype(np.float64) if is_base else np.nan,
                        "notional_frac": notional.get(layer, np.nan) if is_in_futures else np.nan,
                        "policy_hash": entry.policy_hash,
                    }
                ).iloc[span]
            )
    connection.register("path", pd.concat(parts, ignore_index=True))
    clauses = " ".join(f"when '{layer}' then {_clauses_case(in_force, layer)}" for layer in LAYERS)
    connection.execute(
        f"""
        create table mart.daily_hedge_state as
        with
        parameter as (
            select
                max(value) filter (parameter = 'model_nav_usd') as nav_usd,
                max(value) filter (parameter = 'vx_multiplier_usd') as multiplier_usd
            from ref.parameters
        ),
        targets as (
            select
                path.*,
                case when isfinite(path.notional_frac) then path.notional_frac end
                    * parameter.nav_usd / (signal.vx1_settle_pts * parameter.multiplier_usd) as target_contracts,
                parameter.multiplier_usd
            from path
            cross join parameter
            join mart.daily_signals as signal on signal.trade_date = path.trade_date::date
        )
        select
            path.trade_date::date as trade_date,
            path.layer,
            path.state,
            path.step_count::bigint as step_count,
            path.target_contracts * path.multiplier_usd as target_vega_usd,
            path.target_contracts,
            path.reason || case
                when path.state in ('armed', 'blocked', 'active') and path.layer <> 'base'
                    and path.reason like '%guard%' and governor.guards_held is not null
                    then ' (' || governor.guards_held || ')'
                when path.roll <> 'none' then case
                    when signal.ad_divergence_z is null
                        then '; the divergence of breadth is not evaluable (' || signal.breadth_source || ')'
                    else format(
                        '; divergence of breadth z {{:+.2f}} by {{}}', signal.ad_divergence_z, signal.breadth_source
                    )
                end
                else ''
            end as reason,
            case path.layer {clauses} end as clauses,
            governor.governor_mode,
            path.roll,
            case when isfinite(path.held_rank) then path.held_rank::bigint end as held_rank,
            path.policy_hash,
            ({_STALE}) as is_stale
        from targets as path
        join mart.daily_signals as signal on signal.trade_date = path.trade_date::date
        join mart.daily_governor as governor on governor.trade_date = path.trade_date::date
        order by trade_date, layer
        """  # noqa: S608
    )
    connection.unregister("path")


def _codes(path: LayerPath, layer: str) -> tuple[np.ndarray, np.ndarray]:
    if layer == "base":
        return path.base_state, path.base_reason
    if layer == "temporal_vega":
        return path.temporal_state, path.temporal_reason
    return path.second_state, path.second_reason


def _write_transitions(
    connection: duckdb.DuckDBPyConnection,
    in_force: Sequence[PolicyInForce],
    paths: Sequence[LayerPath],
    ranges: Sequence[slice],
    market: pd.DataFrame,
) -> None:
    days = market["trade_date"].tolist()
    rows: list[tuple[object, ...]] = []
    before: LayerPath | None = None
    for entry, path, span in zip(in_force, paths, ranges, strict=True):
        if before is not None and span.start < len(days):
            rows += _changes_of_policy(days[span.start], before, path, span.start, entry.policy_hash)
        found = [one for one in list_transitions(path) if span.start <= one.session < span.stop]
        for one in found:
            # in the session of a change the transitions of the machine follow those of the change
            rows.append(
                (
                    days[one.session],
                    one.sequence + sum(row[0] == days[one.session] and row[5] == POLICY_CHANGE for row in rows),
                    str(one.layer),
                    one.from_state.name.lower(),
                    one.to_state.name.lower(),
                    describe_reason(one.to_state, one.reason),
                    entry.policy_hash,
                )
            )
        before = path
    columns = ["trade_date", "transition_no", "layer", "from_state", "to_state", "reason", "policy_hash"]
    create_from_frame(
        connection,
        "mart.layer_transitions",
        pd.DataFrame(rows, columns=columns, dtype=object),
        "trade_date::date as trade_date, transition_no::bigint as transition_no, layer::varchar as layer, "
        "from_state::varchar as from_state, to_state::varchar as to_state, reason::varchar as reason, "
        "policy_hash::varchar as policy_hash",
    )


def _changes_of_policy(
    day: object, before: LayerPath, after: LayerPath, session: int, new_hash: str
) -> list[tuple[object, ...]]:
    """What the change of policy itself did to the layers, at the close before its first session."""
    if session == 0:
        return []
    rows: list[tuple[object, ...]] = []
    for layer in LAYERS:
        was, now = (LayerState(int(_codes(path, layer)[0][session - 1])) for path in (before, after))
        if was != now:
            names = (was.name.lower(), now.name.lower())
            rows.append(
                (day, len(rows) + 1, layer, *names, "another policy is in force from this session on", new_hash)
            )
    return rows


def _write_comparison(
    connection: duckdb.DuckDBPyConnection,
    variants: Sequence[tuple[str, Policy, str | None]],
    truths: Truths,
    market: pd.DataFrame,
) -> None:
    parts = []
    for name, policy, reading in variants:
        path = _run(policy, truths, market, reading)
        modes = [Mode(int(code)).name.lower() for code in path.mode]
        for layer in LAYERS:
            states, _ = _codes(path, layer)
            counts = path.temporal_steps if layer == "temporal_vega" else (states == LayerState.ACTIVE).astype(np.int8)
            parts.append(
                pd.DataFrame(
                    {
                        "trade_date": market["trade_date"],
                        "variant": name,
                        "layer": layer,
                        "state": [LayerState(int(code)).name.lower() for code in states],
                        "step_count": counts,
                        "governor_mode": modes,
                    }
                )
            )
    create_from_frame(
        connection,
        "mart.daily_policy_comparison",
        pd.concat(parts, ignore_index=True),
        "trade_date::date as trade_date, variant, layer, state, step_count::bigint as step_count, governor_mode",
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608 - one of our own names
    return int(row[0]) if row else 0
