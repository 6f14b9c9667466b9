"""The policy decided on the signals: what the tables hold, on a made-up market and on hand-made sessions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.support.bench import rows, sessions_from, value
from tests.support.crisis import PLAIN_LAST as LAST
from tests.support.hedge_states import clause_differences, transition_differences
from transforms.policy.identity import policy_hash
from transforms.policy.loader import PRESETS
from transforms.policy.model import Policy
from transforms.registry import parameters
from warehouse.expressions import preset, signal_columns
from warehouse.hedge import build_hedge
from warehouse.hedge_states import (
    POLICY_CHANGE,
    PolicyInForce,
    decide_hedge,
    hash_states,
    policies_or_default,
    write_hedge_states,
)
from warehouse.models import load_columns

CHANGE = date(2022, 1, 3)
WALKED = (
    "mart.daily_layer_valuation",
    "mart.daily_positions",
    "mart.daily_hedge_ledger",
    "mart.daily_reading_ledger",
    "mart.hedge_trades",
    "mart.time_shifts",
)
MADE = (
    "mart.daily_governor",
    "mart.daily_hedge_state",
    "mart.layer_transitions",
    "mart.daily_policy_comparison",
    *WALKED,
    "ref.policies",
    "ref.policy_rules",
    "ref.policy_parameters",
)
DECIDED = ("mart.daily_governor", "mart.daily_hedge_state", "mart.layer_transitions")

LATER = preset("article").with_values({"arm_vix_pts": 20, "leave_vix_pts": 18, "base_notional_frac": 0.015})
"""Arms earlier than the article and holds more."""


def in_force(policy: Policy, start: date | None = None) -> PolicyInForce:
    return PolicyInForce(start, policy, policy_hash(policy))


ARTICLE = in_force(preset("article"))


def decide(connection: duckdb.DuckDBPyConnection, *policies: PolicyInForce) -> None:
    for table in MADE:
        connection.execute(f"drop table if exists {table}")
    build_hedge(connection, policies, load_columns())


# ---- a made-up market of two years ----


@pytest.fixture
def market(plain: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The made-up market; what a test decides on it is rolled back."""
    plain.execute("begin")
    yield plain
    plain.execute("rollback")


def content(connection: duckdb.DuckDBPyConnection, table: str, where: str = "true") -> pd.DataFrame:
    return connection.execute(f"select * from {table} where {where} order by all").df()


def contents(connection: duckdb.DuckDBPyConnection, where: str = "true") -> dict[str, pd.DataFrame]:
    return {table: content(connection, table, where) for table in DECIDED}


def assert_same(left: Mapping[str, pd.DataFrame], right: Mapping[str, pd.DataFrame]) -> None:
    assert left.keys() == right.keys()
    for table, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[table], obj=table)


def test_market_reaches_every_state_and_mode(plain: duckdb.DuckDBPyConnection) -> None:
    """The tests below would prove little on a calm market."""
    states = {row[0] for row in rows(plain, "select distinct state from mart.daily_hedge_state")}
    modes = {row[0] for row in rows(plain, "select distinct governor_mode from mart.daily_governor")}
    assert (states, modes) == ({"idle", "armed", "active", "blocked"}, {"promoter", "steward"})


def test_clauses_say_what_the_signals_say(plain: duckdb.DuckDBPyConnection) -> None:
    assert clause_differences(plain) == []


@pytest.mark.parametrize("name", PRESETS)
def test_clauses_and_transitions_of_every_preset_say_what_its_signals_and_states_say(
    market: duckdb.DuckDBPyConnection, name: str
) -> None:
    decide(market, in_force(preset(name)))
    assert clause_differences(market) == []
    assert transition_differences(market) == []
    if name == "canon":  # it cannot do without hysteresis, and has no such variant
        query = "select count(*) from mart.daily_policy_comparison where variant = 'no_hysteresis'"
        assert value(market, query) == 0


def test_every_session_of_the_signals_has_every_layer(plain: duckdb.DuckDBPyConnection) -> None:
    sessions = value(plain, "select count(*) from mart.daily_signals")
    query = "select layer, count(*), count(distinct trade_date) from mart.daily_hedge_state group by all order by all"
    assert rows(plain, query) == [(name, sessions, sessions) for name in ("base", "second_engine", "temporal_vega")]
    assert value(plain, "select count(*) from mart.daily_governor") == sessions


def test_big_top_clause_is_the_flag_of_the_signals_on_every_row(plain: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select guard_clauses::varchar, is_big_top from mart.daily_governor join mart.daily_signals using (trade_date)"
    )
    found = rows(plain, query)
    truths = [next(entry for entry in json.loads(text) if entry["rule"] == "big_top") for text, _ in found]
    assert [entry["truth"] for entry in truths] == [flag for _, flag in found]
    assert {True, False} <= {flag for _, flag in found}


def test_governor_is_a_steward_exactly_when_a_guard_is_named(plain: duckdb.DuckDBPyConnection) -> None:
    query = "select count(*) from mart.daily_governor where (governor_mode = 'steward') <> (guards_held is not null)"
    assert value(plain, query) == 0


def test_governor_names_the_guards_that_the_clauses_say(plain: duckdb.DuckDBPyConnection) -> None:
    for text, held in rows(plain, "select guard_clauses::varchar, guards_held from mart.daily_governor"):
        clauses = {entry["rule"]: entry["truth"] for entry in json.loads(text)}
        expected = {name if truth else f"{name}?" for name, truth in clauses.items() if truth is not False}
        assert set((held or "").split(", ")) - {"", "budget", "layer2_loss"} == expected


def test_stale_flag_is_that_of_the_five_inputs(plain: duckdb.DuckDBPyConnection) -> None:
    statuses = " and ".join(f"{name}_status = 'ok'" for name in ("vix", "curve", "vvix", "spx"))
    # without a 30-day point there is no MACD, and nothing is stale
    statuses += " and (ts_macd_status = 'ok' or cm_slope_log is null)"
    query = (
        f"select count(*), count_if(is_stale), count_if(is_stale = ({statuses})) "
        "from mart.daily_hedge_state join mart.daily_signals using (trade_date)"
    )
    count, stale, wrong = rows(plain, query)[0]
    assert (0 < stale < count, wrong) == (True, 0)


def test_every_session_with_a_stale_input_is_a_stewards(plain: duckdb.DuckDBPyConnection) -> None:
    query = "select distinct governor_mode from mart.daily_hedge_state where is_stale"
    assert rows(plain, query) == [("steward",)]


def test_reason_of_a_transition_is_that_of_the_state_it_leads_to(plain: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count(*) from mart.layer_transitions as step join mart.daily_hedge_state as state "
        "on state.trade_date = step.trade_date and state.layer = step.layer and state.state = step.to_state "
        "where step.to_state = 'blocked' and step.reason = state.reason and step.reason like '%(%'"
    )
    assert value(plain, query) > 0


def test_default_is_the_article_from_the_beginning(market: duckdb.DuckDBPyConnection) -> None:
    default = contents(market)
    decide(market, ARTICLE)
    assert_same(contents(market), default)
    assert rows(market, "from ref.policies") == [(ARTICLE.policy_hash, "article", None)]


# ---- two policies ----


def test_change_of_policy_leaves_everything_before_as_it_was(market: duckdb.DuckDBPyConnection) -> None:
    before = contents(market, f"trade_date < '{CHANGE}'")
    decide(market, ARTICLE, in_force(LATER, CHANGE))
    assert_same(contents(market, f"trade_date < '{CHANGE}'"), before)
    assert value(market, "select count(distinct policy_hash) from mart.daily_hedge_state") == 2
    assert clause_differences(market) == []


def test_change_of_policy_puts_the_new_one_in_force_from_its_session(market: duckdb.DuckDBPyConnection) -> None:
    where = f"trade_date >= '{CHANGE}'"
    decide(market, in_force(LATER))
    alone = contents(market, where)
    decide(market, ARTICLE, in_force(LATER, CHANGE))
    found = contents(market, where)
    changes = found["mart.layer_transitions"]["reason"] == POLICY_CHANGE
    # the machine's own transitions of the first session are counted after the change's
    for frames in (found, alone):
        frames["mart.layer_transitions"] = frames["mart.layer_transitions"].drop(columns="transition_no")
    found["mart.layer_transitions"] = found["mart.layer_transitions"][~changes].reset_index(drop=True)
    assert_same(found, alone)


# by month the layers stand elsewhere when the policy changes: an armed one, a held one and an idle one are usual
@pytest.mark.parametrize(
    "month", [3, *(pytest.param(month, marks=pytest.mark.slow) for month in (4, 5, 6, 7, 8, 9, 10)), 11]
)
def test_change_of_policy_is_told_by_the_transitions(market: duckdb.DuckDBPyConnection, month: int) -> None:
    start = date(2022, month, 1)
    decide(market, ARTICLE, in_force(LATER, start))
    assert transition_differences(market) == []
    days = {
        row[0]
        for row in rows(market, f"select trade_date from mart.layer_transitions where reason = '{POLICY_CHANGE}'")
    }
    first = value(market, "select min(trade_date) from mart.daily_signals where trade_date >= ?", start)
    assert days <= {first}


def test_policy_of_the_future_changes_nothing_but_the_list(market: duckdb.DuckDBPyConnection) -> None:
    tables = (*DECIDED, "mart.daily_policy_comparison")
    before = {table: content(market, table) for table in tables}
    decide(market, ARTICLE, in_force(LATER, LAST + timedelta(days=1)))
    assert_same({table: content(market, table) for table in tables}, before)
    assert value(market, "select count(*) from ref.policies") == 2


def test_policy_without_a_session_leaves_no_trace_in_the_transitions(market: duckdb.DuckDBPyConnection) -> None:
    saturday, monday = date(2022, 6, 4), date(2022, 6, 6)
    decide(market, ARTICLE, in_force(LATER, monday))
    expected = contents(market)
    decide(market, ARTICLE, in_force(preset("none"), saturday), in_force(LATER, monday))
    assert_same(contents(market), expected)


def test_policy_that_comes_back_is_listed_once(market: duckdb.DuckDBPyConnection) -> None:
    back = replace(ARTICLE, effective_from=date(2022, 9, 1))
    decide(market, ARTICLE, in_force(LATER, CHANGE), back)
    assert rows(market, "select policy_name, effective_from from ref.policies order by all") == [
        ("article", CHANGE),
        ("article", None),
    ]
    for table, grain in (("ref.policy_rules", "layer, rule"), ("ref.policy_parameters", "parameter")):
        assert rows(market, f"select 1 from {table} group by policy_hash, {grain} having count(*) > 1") == []
    assert transition_differences(market) == []
    assert clause_differences(market) == []
    newest = value(market, "select distinct policy_hash from mart.daily_governor where trade_date = ?", LAST)
    assert newest == ARTICLE.policy_hash


def test_policies_are_taken_in_the_order_of_their_sessions() -> None:
    later = in_force(LATER, CHANGE)
    assert policies_or_default([later, ARTICLE]) == (ARTICLE, later)


# ---- no look ahead ----

CUTS = (date(2021, 6, 15), date(2021, 12, 31), date(2022, 3, 16))
_TURNED = """
create or replace table mart.turned as
with
numbered as (
    select *, row_number() over (partition by trade_date <= date '{cut}' order by trade_date) as place
    from {table}
)
select one.trade_date, other.* exclude (trade_date, place)
from numbered as one
join numbered as other
    on (one.trade_date <= date '{cut}') = (other.trade_date <= date '{cut}')
    and other.place = case
        when one.trade_date <= date '{cut}' then one.place
        else (select max(place) from numbered where trade_date > date '{cut}') + 1 - one.place
    end
"""


@pytest.mark.parametrize("cut", [*(pytest.param(cut, marks=pytest.mark.slow) for cut in CUTS[:-1]), CUTS[-1]], ids=str)
def test_future_turned_around_changes_no_earlier_row_and_every_table_later(
    market: duckdb.DuckDBPyConnection, cut: date
) -> None:
    """The sessions after the cut come in the opposite order: other signals, prices and expiries."""
    tables = (*DECIDED, "mart.daily_policy_comparison")
    earlier, later = f"trade_date <= '{cut}'", f"trade_date > '{cut}'"
    decide(market, ARTICLE, in_force(LATER, CHANGE))
    told = {where: {table: content(market, table, where) for table in tables} for where in (earlier, later)}
    for table in ("mart.daily_signals", "mart.daily_term_structure", "mart.daily_sensitivities"):
        market.execute(_TURNED.format(table=table, cut=cut))
        market.execute(f"drop table {table}")
        market.execute(f"alter table mart.turned rename to {table.removeprefix('mart.')}")
    decide(market, ARTICLE, in_force(LATER, CHANGE))
    assert_same({table: content(market, table, earlier) for table in tables}, told[earlier])
    for table in tables:
        if table == "mart.daily_hedge_state":
            columns = ["trade_date", "layer", "state", "step_count"]  # not only the values of the clauses
        else:
            columns = list(told[later][table].columns)
        assert not content(market, table, later)[columns].equals(told[later][table][columns]), table


# ---- comparisons ----


def states_of(connection: duckdb.DuckDBPyConnection, variant: str | None, layer: str) -> list[tuple[Any, ...]]:
    table, where = (
        ("mart.daily_hedge_state", "true")
        if variant is None
        else ("mart.daily_policy_comparison", f"variant = '{variant}'")
    )
    columns = "trade_date, state, step_count, governor_mode"
    return rows(connection, f"select {columns} from {table} where {where} and layer = '{layer}' order by trade_date")


@pytest.mark.parametrize("layer", ["base", "temporal_vega", "second_engine"])
@pytest.mark.parametrize("variant", ["reading:equal_vega", "preset:article"])
def test_comparison_with_the_policy_itself_is_the_policy(
    plain: duckdb.DuckDBPyConnection, variant: str, layer: str
) -> None:
    assert states_of(plain, variant, layer) == states_of(plain, None, layer)


def test_readings_differ_only_by_their_results(market: duckdb.DuckDBPyConnection) -> None:
    """Without lock and budget nothing looks at a result, so every reading is in the same states."""
    article = preset("article")
    unlimited = tuple(
        replace(one, highest=1.0, value=1.0) if one.name in ("loss_lock_frac", "yearly_budget_frac") else one
        for one in article.parameters
    )
    decide(market, in_force(replace(article, parameters=unlimited)))
    for reading in ("equal_vega", "contracts", "base_matched", "short_front"):
        for layer in ("base", "temporal_vega", "second_engine"):
            assert states_of(market, f"reading:{reading}", layer) == states_of(market, None, layer), (reading, layer)


@pytest.mark.parametrize("name", ["none", "static"])
def test_presets_without_the_temporal_layer_keep_it_idle(plain: duckdb.DuckDBPyConnection, name: str) -> None:
    assert {row[1] for row in states_of(plain, f"preset:{name}", "temporal_vega")} == {"idle"}


def test_comparison_has_every_variant_on_every_session_and_layer(plain: duckdb.DuckDBPyConnection) -> None:
    sessions = value(plain, "select count(*) from mart.daily_signals")
    readings = {f"reading:{name}" for name in ("equal_vega", "contracts", "base_matched", "short_front")}
    expected = readings | {f"preset:{name}" for name in PRESETS} | {"no_hysteresis"}
    query = "select variant, count(*) from mart.daily_policy_comparison group by all"
    assert dict(rows(plain, query)) == dict.fromkeys(expected, 3 * sessions)


def test_hash_of_the_states_is_of_its_session(plain: duckdb.DuckDBPyConnection) -> None:
    days = [row[0] for row in rows(plain, "select trade_date from mart.daily_signals order by 1 desc limit 3")]
    assert len({hash_states(plain, day) for day in days}) == 3
    assert hash_states(plain, days[0]) == hash_states(plain, days[0])


# ---- hand-made sessions ----

CALM: dict[str, Any] = {
    **{name: "ok" for name in signal_columns() if name.endswith("_status")},
    "vix_close_pts": 15.0,
    "vx1_settle_pts": 16.0,
    "vx1_trading_days_to_expiry": 18,
    "contango_frac": 0.05,
    "is_ts_macd_converging": False,
    "vvix_rsi14": 50.0,
    "spx_rsi14": 50.0,
    "spx_from_high_frac": -0.1,
    "vix_over_rv21_frac": 0.1,
    "rv_excursions": 0,
    "breadth_source": "nyse_counts",
    "ad_divergence_z": 0.0,
    "vx1_beta_ratio": 0.8,
    "vx2_beta_ratio": 0.5,
    "is_fomc_window": False,
    "is_cpi_window": False,
}


class Sessions:
    """Hand-made signals, one row a session: calm unless told otherwise."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        for schema in ("ref", "mart"):
            self.connection.execute(f"create schema {schema}")
        self.connection.execute("create table ref.parameters (parameter varchar, value double)")
        for entry in parameters().values():
            self.connection.execute("insert into ref.parameters values (?, ?)", [entry.parameter, float(entry.value)])

    def decide(
        self, signals: Sequence[Mapping[str, Any]], *policies: PolicyInForce, changes: Sequence[float] = ()
    ) -> None:
        """Decide policies on signals; ``changes`` are those of the front future, 0 where not given."""
        days = sessions_from(date(2024, 1, 2), len(signals))
        columns = {name: info.type for name, info in signal_columns().items()}
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self.connection.execute(f"create or replace table mart.daily_signals ({listed})")
        for day, changed in zip(days, signals, strict=True):
            row = {"trade_date": day, **CALM, **changed}
            names, marks = ", ".join(row), ", ".join("?" for _ in row)
            self.connection.execute(f"insert into mart.daily_signals ({names}) values ({marks})", list(row.values()))
        self.connection.execute(
            "create or replace table mart.daily_term_structure as "
            "select trade_date, date '2024-03-20' as vx1_expiry_date from mart.daily_signals"
        )
        self.connection.execute(
            "create or replace table mart.daily_sensitivities "
            "(trade_date date, vx1_held_change_pts double, vx2_held_change_pts double)"
        )
        for number, day in enumerate(days):
            change = changes[number] if number < len(changes) else 0.0
            self.connection.execute("insert into mart.daily_sensitivities values (?, ?, 0)", [day, change])
        for table in MADE:
            self.connection.execute(f"drop table if exists {table}")
        write_hedge_states(self.connection, decide_hedge(self.connection, policies))

    def column(self, name: str, layer: str = "temporal_vega") -> list[Any]:
        query = f"select {name} from mart.daily_hedge_state where layer = ? order by trade_date"
        return [row[0] for row in rows(self.connection, query, layer)]

    def variant(self, name: str, layer: str = "temporal_vega") -> list[str]:
        return [row[1] for row in states_of(self.connection, name, layer)]

    def governor(self, name: str) -> list[Any]:
        return [row[0] for row in rows(self.connection, f"select {name} from mart.daily_governor order by trade_date")]


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    made = Sessions()
    yield made
    made.connection.close()


def vix(*closes: float, **more: Any) -> list[dict[str, Any]]:
    return [{"vix_close_pts": close, **more} for close in closes]


def test_hysteresis_is_what_keeps_the_layer_on(sessions: Sessions) -> None:
    sessions.decide(vix(26, 24, 21, 23, 21, 21))
    # two closes in a row below 22; without hysteresis the first one below 25
    assert sessions.column("state") == ["armed", "armed", "armed", "armed", "armed", "idle"]
    assert sessions.variant("no_hysteresis") == ["armed", "idle", "idle", "idle", "idle", "idle"]


def test_comparison_runs_every_reading_in_its_own_results(sessions: Sessions) -> None:
    """The front falls by 8.1 points: 0.5% of the account are lost by who holds it, and gained by who sold it."""
    sessions.decide(vix(26, 26, 26, is_ts_macd_converging=True), changes=[0, 0, -8.1])
    modes = {
        name: states_of(sessions.connection, f"reading:{name}", "temporal_vega")[-1][3]
        for name in ("equal_vega", "contracts", "short_front")
    }
    assert modes == {"equal_vega": "steward", "contracts": "steward", "short_front": "promoter"}
    assert sessions.governor("guards_held")[-1] == "layer2_loss"


def test_second_engine_opens_by_its_rule_where_no_listing_is_asked(sessions: Sessions) -> None:
    sessions.decide(vix(31, is_ts_macd_converging=True, cm90_pts=24.0))
    assert sessions.column("state", "second_engine") == ["active"]


@pytest.mark.parametrize("layer", ["base", "temporal_vega", "second_engine"])
def test_target_is_unknown_where_the_hedge_was_not_walked(sessions: Sessions, layer: str) -> None:
    """0 would say that nothing is wanted."""
    sessions.decide(vix(31, is_ts_macd_converging=True))
    assert sessions.column("target_contracts", layer) == [None]
    assert sessions.column("target_vega_usd", layer) == [None]


@pytest.mark.parametrize("name", ["canon", "vpd"])
def test_results_are_unknown_where_the_policy_is_sized_otherwise(sessions: Sessions, name: str) -> None:
    """0 would say that the hedge neither gained nor lost."""
    sessions.decide(vix(15, 15, 15, 15, edr_frac=0.02), in_force(preset(name)), changes=[0, 0, 1, 1])
    for column in ("base_pnl_frac", "temporal_pnl_frac", "trailing_pnl_frac", "gains_rolled_frac"):
        assert sessions.governor(column) == [None] * 4


def test_result_of_the_base_is_earned_two_sessions_after_its_decision(sessions: Sessions) -> None:
    sessions.decide(vix(15, 15, 15), changes=[2, 2, 2])
    assert sessions.governor("base_pnl_frac") == pytest.approx([0, 0, 0.01 / 16 * 2])
    assert sessions.governor("trailing_pnl_frac") == pytest.approx([0, 0, 0.01 / 16 * 2])


def test_policy_without_a_step_keeps_its_layer_out(sessions: Sessions) -> None:
    policy = preset("article").with_values({"max_steps": 0})
    sessions.decide(vix(31, 31, is_ts_macd_converging=True), in_force(policy))
    assert sessions.column("state") == ["idle", "idle"]
    assert sessions.column("reason")[0] == "idle: the policy does not use this layer"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_decides_a_single_session(sessions: Sessions, name: str) -> None:
    sessions.decide(vix(15, edr_frac=0.005), in_force(preset(name)))
    assert len(sessions.column("state")) == 1


def test_market_without_a_session_gives_empty_tables_of_the_same_types(sessions: Sessions) -> None:
    def types() -> list[tuple[Any, ...]]:
        query = "select table_name, column_name, data_type from duckdb_columns() where table_name like 'daily_%' "
        return rows(sessions.connection, query + "or table_name like 'layer%' or table_name like 'polic%' order by all")

    sessions.decide([])
    empty = types()
    assert [value(sessions.connection, f"select count(*) from {table}") for table in MADE[:4]] == [0] * 4
    sessions.decide(vix(15))
    assert types() == empty


def test_base_that_the_policy_does_not_use_stands_in_no_contract(sessions: Sessions) -> None:
    sessions.decide(vix(15), in_force(preset("none")))
    assert sessions.column("held_rank", "base") == [None]


# ---- reasons ----


def test_forced_roll_cites_the_divergence(sessions: Sessions) -> None:
    sessions.decide([{"vx1_trading_days_to_expiry": 5, "ad_divergence_z": -0.837}])
    said = "rolled to the second month on the last day for it, no early roll came before"
    assert sessions.column("reason", "base") == [f"active: {said}; divergence of breadth z -0.84 (nyse_counts)"]


def test_early_roll_cites_the_divergence(sessions: Sessions) -> None:
    sessions.decide([{"vx1_trading_days_to_expiry": 10, "ad_divergence_z": 1.9}])
    assert sessions.column("roll", "base") == ["early"]
    assert sessions.column("reason", "base")[0].endswith("; divergence of breadth z +1.90 (nyse_counts)")


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        ("none", "absent", "divergence of breadth not evaluable (no breadth for this session)"),
        ("nyse_counts", "warming_up", "divergence of breadth not evaluable (nyse_counts: warming up)"),
    ],
)
def test_roll_says_that_breadth_is_not_evaluable(sessions: Sessions, source: str, status: str, said: str) -> None:
    missing = {"ad_divergence_z": None, "breadth_source": source, "breadth_status": status}
    sessions.decide([{"vx1_trading_days_to_expiry": 10, **missing}, {"vx1_trading_days_to_expiry": 5, **missing}])
    assert sessions.column("roll", "base") == ["none", "forced"]
    assert [reason.split("; ")[1] for reason in sessions.column("reason", "base")] == [said, said]


def test_policy_that_does_not_roll_by_breadth_does_not_cite_it(sessions: Sessions) -> None:
    policy = preset("article")
    without = replace(policy, rules=tuple(rule for rule in policy.rules if rule.role != "roll_early"))
    sessions.decide([{"vx1_trading_days_to_expiry": 5}], in_force(without))
    assert sessions.column("roll", "base") == ["forced"]
    assert "breadth" not in sessions.column("reason", "base")[0]


def test_refused_roll_names_the_guard(sessions: Sessions) -> None:
    sessions.decide([{"vx1_trading_days_to_expiry": 10, "ad_divergence_z": 1.9, "is_fomc_window": True}])
    assert "steward takes none" in sessions.column("reason", "base")[0]
    assert "(macro_event_window); divergence of breadth z +1.90" in sessions.column("reason", "base")[0]


def test_blocked_layer_names_what_holds_and_what_is_unknown(sessions: Sessions) -> None:
    blocked = {"is_ts_macd_converging": True, "is_fomc_window": True, "vvix_rsi14": None}
    sessions.decide(vix(26, **blocked))
    reason = "blocked: a guard of the policy holds, no new risk (macro_event_window, vvix_extreme?)"
    assert sessions.column("reason") == [reason]
    assert rows(sessions.connection, "select transition_no, to_state, reason from mart.layer_transitions "
                "where layer = 'temporal_vega'") == [
        (1, "armed", "armed: volatility reached its arming level"),
        (2, "blocked", reason),
    ]  # fmt: skip


def test_unknown_value_of_a_clause_is_null_and_so_is_its_truth(sessions: Sessions) -> None:
    sessions.decide([{"ad_divergence_z": None}])
    clauses = json.loads(sessions.column("clauses::varchar", "base")[0])
    early = next(entry for entry in clauses if entry["rule"] == "roll_early")
    # 18 days are outside of the window: that alone settles it
    assert (early["truth"], early["values"]["ad_divergence_z"]) == (False, None)


def test_infinite_input_is_unknown_and_stops_nothing(sessions: Sessions) -> None:
    sessions.decide(vix(26, is_ts_macd_converging=True, vx2_beta_ratio=math.inf), changes=[math.inf])
    assert sessions.column("state") == ["active"]


def test_big_top_clause_lists_the_four_values(sessions: Sessions) -> None:
    top = {"spx_from_high_frac": -0.01, "spx_rsi14": 70.0, "vix_over_rv21_frac": 0.2, "contango_frac": 0.09}
    sessions.decide([top])
    (clause,) = (
        entry for entry in json.loads(sessions.governor("guard_clauses::varchar")[0]) if entry["rule"] == "big_top"
    )
    assert (clause["truth"], clause["values"]) == (True, top)
    assert sessions.governor("guards_held") == ["big_top"]
