"""The policy decided on the signals: states, governor and transitions as tables.

These tables depend on the policy in force and not on files alone, so they are made here and not by a model:
the rules are evaluated in DuckDB, the state machine runs over them, and the result is written beside the
numbers that explain it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.hash_chain import hash_rows
from transforms.hedge import CalendarListing, HedgeRun
from transforms.layers import (
    Guard,
    Layer,
    LayerPath,
    LayerState,
    Mode,
    Reason,
    Roll,
    describe_reason,
    list_transitions,
)
from transforms.layers.decide import count_steps, is_sized_in_futures, layer_codes
from transforms.policy.model import GUARDS, POLICY_CHANGE, Policy
from warehouse.expressions import Truths, clauses_sql, evaluate_rules
from warehouse.models import count_rows
from warehouse.policy_comparison import NO_HYSTERESIS, Variant, list_variants, write_comparison
from warehouse.policy_paths import PolicyPaths, Reign, describe_codes, list_spans, name_codes, read_market
from warehouse.policy_tables import DEFAULT_PRESET, PolicyInForce, policies_or_default, write_policy_tables

__all__ = [
    "DEFAULT_PRESET",
    "NO_HYSTERESIS",
    "POLICY_CHANGE",
    "Decided",
    "PolicyInForce",
    "decide_hedge",
    "hash_states",
    "policies_or_default",
    "write_hedge_states",
]

_TABLES = ("daily_governor", "daily_hedge_state", "layer_transitions", "daily_policy_comparison")

_ESTIMATES = (
    "trailing_pnl_frac",
    "temporal_pnl_since_entry_frac",
    "base_pnl_frac",
    "temporal_pnl_frac",
    "gains_rolled_frac",
)

_BREADTH = "ad_divergence_z"
_GUARD_REASONS = (Reason.GUARD_HOLDS, Reason.GUARD_UNKNOWN, Reason.BASE_ROLL_REFUSED)
"""Reasons that the names of the guards complete."""
_ROLL_REASONS = (
    Reason.BASE_ROLLED_EARLY,
    Reason.BASE_ROLLED_FORCED,
    Reason.BASE_ROLLED_UNJUDGED,
    Reason.BASE_ROLL_UNKNOWN,
    Reason.BASE_ROLL_REFUSED,
)
"""Reasons that the divergence of breadth completes, where the policy rolls by it."""

# Where the nearest contract has more than 30 days left there is no 30-day point and so no MACD: nothing is stale then.
_STALE = (
    " or ".join(f"signal.{group}_status <> 'ok'" for group in ("vix", "curve", "vvix", "spx"))
    + " or (signal.ts_macd_status <> 'ok' and signal.cm_slope_log is not null)"
)


@dataclass(frozen=True, eq=False)
class Decided:
    """The policies decided on the signals: who decides when, and what each one's rules and layers say.

    Parameters
    ----------
    in_force
        All policies on record, in order.
    reigns
        Those that decide a session, in order.
    variants
        What the policy of the newest session is compared with.
    paths
        What they would do, with the truths of all their rules.
    """

    in_force: Sequence[PolicyInForce]
    reigns: Sequence[Reign]
    variants: Sequence[Variant]
    paths: PolicyPaths

    @property
    def truths(self) -> Truths:
        """Of all their rules."""
        return self.paths.truths

    @property
    def market(self) -> pd.DataFrame:
        """As from `read_market`."""
        return self.paths.market


def decide_hedge(
    connection: duckdb.DuckDBPyConnection,
    policies: Sequence[PolicyInForce],
    calendars: CalendarListing | None = None,
) -> Decided:
    """Decide the policies on ``mart.daily_signals``.

    A session is decided by the policy in force on it. Each policy is run over the whole history, and its
    states count from its first session on: after a change the layers are where the new policy would have
    them, and the transitions of that session name the change. The comparison is with the policy that decides
    the newest session; one that comes later changes nothing yet.

    Parameters
    ----------
    calendars
        Where call calendars are listed, over the same sessions; None: the policies' own rules alone say it.
    """
    in_force = policies_or_default(policies)
    market = read_market(connection)
    deciding = list_spans(in_force, market["trade_date"])
    variants = list(list_variants(deciding[-1][0].policy))
    truths = evaluate_rules(
        connection, [*(entry.policy for entry, _ in deciding), *(variant.policy for variant in variants)]
    )
    paths = PolicyPaths(truths, market, calendars)
    reigns = [Reign(entry.policy, entry.policy_hash, paths.of(entry.policy), span) for entry, span in deciding]
    return Decided(in_force, reigns, variants, paths)


def write_hedge_states(
    connection: duckdb.DuckDBPyConnection,
    decided: Decided,
    run: HedgeRun | None = None,
) -> dict[str, int]:
    """Write what was decided. Return rows by table.

    Parameters
    ----------
    run
        The walk of these policies, which says what the layers want; without it no target is known.
    """
    days = decided.market["trade_date"]
    write_policy_tables(connection, decided.in_force)
    _write_governor(connection, decided.reigns, decided.truths, days)
    _write_states(connection, decided.reigns, days, run)
    _write_transitions(connection, decided.reigns, days)
    write_comparison(connection, decided.variants, decided.paths)
    return {f"mart.{name}": count_rows(connection, f"mart.{name}") for name in _TABLES}


def hash_states(connection: duckdb.DuckDBPyConnection, session: date) -> str:
    """Return the SHA-256 of a session's states, as the policy log keeps it."""
    columns = ("layer", "state", "step_count", "governor_mode", "policy_hash", "clauses")
    query = f"select {', '.join(columns)} from mart.daily_hedge_state where trade_date = ? order by layer"  # noqa: S608
    return hash_rows(columns, connection.execute(query, [session]).fetchall())


def _write_governor(
    connection: duckdb.DuckDBPyConnection, reigns: Sequence[Reign], truths: Truths, days: pd.Series
) -> None:
    parts = []
    for reign in reigns:
        path = reign.path
        is_estimated = is_sized_in_futures(reign.policy.machine())
        columns = {
            "trade_date": days,
            "policy_hash": reign.policy_hash,
            "governor_mode": name_codes(Mode, path.mode),
            "guards_held": _name_guards(reign.policy, path, truths),
            **{name: getattr(path, name) if is_estimated else np.nan for name in _ESTIMATES},
        }
        parts.append(pd.DataFrame(columns).iloc[reign.span])
    connection.register("path", pd.concat(parts, ignore_index=True))
    connection.execute(
        f"""
        create table mart.daily_governor as
        select
            path.trade_date::date as trade_date,
            path.governor_mode::varchar as governor_mode,
            nullif(path.guards_held::varchar, '') as guards_held,
            {_clauses_case(reigns, GUARDS)} as guard_clauses,
            {", ".join(f"case when isfinite(path.{name}) then path.{name} end as {name}" for name in _ESTIMATES)},
            path.policy_hash::varchar as policy_hash
        from path
        join mart.daily_signals as signal on signal.trade_date = path.trade_date::date
        order by trade_date
        """  # noqa: S608 - made of our own names and of checked conditions
    )
    connection.unregister("path")


def _name_guards(policy: Policy, path: LayerPath, truths: Truths) -> list[str]:
    """Names of what made each session a steward's; a guard that cannot be evaluated has a question mark."""
    named: list[list[str]] = [[] for _ in range(len(path))]
    for rule in policy.guards:
        truth = truths.of_rule(policy, rule)
        for session in np.flatnonzero(truth).tolist():
            named[session].append(rule.role if truth[session] == 1 else f"{rule.role}?")
    for bit, name in ((Guard.LOSS_LOCK, "layer2_loss"), (Guard.BUDGET, "budget")):
        for session in np.flatnonzero(path.guards & bit).tolist():
            named[session].append(name)
    return [", ".join(names) for names in named]


def _clauses_case(reigns: Sequence[Reign], layer: str) -> str:
    """The clauses of a layer by the policy that decides the row."""
    by_hash = {reign.policy_hash: clauses_sql(reign.policy, layer, table="signal") for reign in reigns}
    if len(by_hash) == 1:
        return next(iter(by_hash.values()))
    whens = " ".join(f"when '{name}' then {clauses}" for name, clauses in by_hash.items())
    return f"case path.policy_hash {whens} end"


def _write_states(
    connection: duckdb.DuckDBPyConnection, reigns: Sequence[Reign], days: pd.Series, run: HedgeRun | None
) -> None:
    unknown = np.full(len(days), np.nan)
    wanted = {layer: unknown if run is None else run.wanted_vega_usd(layer) for layer in Layer}
    parts = [_states_of(reign, layer, days, wanted[layer]).iloc[reign.span] for reign in reigns for layer in Layer]
    connection.register("path", pd.concat(parts, ignore_index=True))
    clauses = " ".join(f"when '{layer}' then {_clauses_case(reigns, layer)}" for layer in Layer)
    connection.execute(
        f"""
        create table mart.daily_hedge_state as
        with
        parameter as (
            select max(value) as multiplier_usd from ref.parameters where parameter = 'vx_multiplier_usd'
        )
        select
            path.trade_date::date as trade_date,
            path.layer::varchar as layer,
            path.state::varchar as state,
            path.step_count::bigint as step_count,
            case when isfinite(path.wanted_vega_usd) then path.wanted_vega_usd end as target_vega_usd,
            case when isfinite(path.wanted_vega_usd) then path.wanted_vega_usd / parameter.multiplier_usd end
                as target_contracts,
            path.reason::varchar
            || case when path.is_vetoed then coalesce(' (' || governor.guards_held || ')', '') else '' end
            || case
                when not path.is_breadth_cited then ''
                when signal.{_BREADTH} is not null
                    then format('; divergence of breadth z {{:+.2f}} ({{}})', signal.{_BREADTH}, signal.breadth_source)
                when signal.breadth_status = 'absent'
                    then '; divergence of breadth not evaluable (no breadth for this session)'
                else format(
                    '; divergence of breadth not evaluable ({{}}: {{}})',
                    signal.breadth_source, replace(signal.breadth_status, '_', ' ')
                )
            end as reason,
            case path.layer {clauses} end as clauses,
            governor.governor_mode,
            path.roll::varchar as roll,
            case when path.held_rank in (1, 2) then path.held_rank::bigint end as held_rank,
            path.policy_hash::varchar as policy_hash,
            ({_STALE}) as is_stale
        from path
        cross join parameter
        join mart.daily_signals as signal on signal.trade_date = path.trade_date::date
        join mart.daily_governor as governor on governor.trade_date = path.trade_date::date
        order by trade_date, layer
        """  # noqa: S608 - made of our own names and of checked conditions
    )
    connection.unregister("path")


def _states_of(reign: Reign, layer: Layer, days: pd.Series, wanted_vega_usd: npt.NDArray[np.float64]) -> pd.DataFrame:
    path = reign.path
    states, reasons = layer_codes(path, layer)
    is_base = layer == Layer.BASE
    early = reign.policy.rule(Layer.BASE, "roll_early")
    rolls_by_breadth = early is not None and _BREADTH in early.columns
    return pd.DataFrame(
        {
            "trade_date": days,
            "layer": layer.value,
            "state": name_codes(LayerState, states),
            "step_count": count_steps(path, layer),
            "reason": describe_codes(states, reasons),
            "is_vetoed": np.isin(reasons, _GUARD_REASONS),
            "is_breadth_cited": np.isin(reasons, _ROLL_REASONS) & rolls_by_breadth,
            "roll": name_codes(Roll, path.base_roll) if is_base else None,
            "held_rank": path.held_rank.astype(np.float64) if is_base else np.nan,
            "wanted_vega_usd": wanted_vega_usd,
            "policy_hash": reign.policy_hash,
        }
    )


def _write_transitions(connection: duckdb.DuckDBPyConnection, reigns: Sequence[Reign], days: pd.Series) -> None:
    frame = pd.DataFrame(
        _transitions_of(reigns),
        columns=["session", "layer", "from_state", "to_state", "reason", "is_last"],
        dtype=object,
    )
    # a change of policy is in front of what the machine did in its first session
    frame["transition_no"] = frame.groupby("session").cumcount() + 1
    frame["trade_date"] = days.to_numpy()[frame["session"].to_numpy(dtype=np.int64)]
    connection.register("path", frame.drop(columns="session"))
    connection.execute(
        """
        create table mart.layer_transitions as
        select
            state.trade_date,
            path.transition_no::bigint as transition_no,
            state.layer,
            path.from_state::varchar as from_state,
            path.to_state::varchar as to_state,
            case when path.is_last::boolean then state.reason else path.reason::varchar end as reason,
            state.policy_hash
        from path
        join mart.daily_hedge_state as state
            on state.trade_date = path.trade_date::date and state.layer = path.layer::varchar
        order by trade_date, transition_no
        """
    )
    connection.unregister("path")


def _transitions_of(reigns: Sequence[Reign]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    before: LayerPath | None = None
    for reign in reigns:
        if before is not None:
            rows += _changes_of_policy(before, reign.path, reign.span.start)
        found = [one for one in list_transitions(reign.path) if reign.span.start <= one.session < reign.span.stop]
        left = Counter((one.session, one.layer) for one in found)
        for one in found:
            left[one.session, one.layer] -= 1
            names = (one.from_state.name.lower(), one.to_state.name.lower())
            # the last one of a session leads to its state, and has its whole reason
            is_last = left[one.session, one.layer] == 0
            rows.append((one.session, one.layer.value, *names, describe_reason(one.to_state, one.reason), is_last))
        before = reign.path
    return rows


def _changes_of_policy(before: LayerPath, after: LayerPath, session: int) -> list[tuple[object, ...]]:
    """What the change of policy itself did to the layers, from the close before its first session."""
    rows: list[tuple[object, ...]] = []
    for layer in Layer:
        was, now = (_state_at(path, layer, session - 1) for path in (before, after))
        if was != now:
            rows.append((session, layer.value, was.name.lower(), now.name.lower(), POLICY_CHANGE, False))
    return rows


def _state_at(path: LayerPath, layer: Layer, session: int) -> LayerState:
    states: npt.NDArray[np.int8] = layer_codes(path, layer)[0]
    return LayerState(int(states[session]))
