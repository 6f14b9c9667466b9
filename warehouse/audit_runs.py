"""Everything the audit tries, run on a published warehouse by the code of the nightly.

A trial is a policy (in a reading, with a threshold, without its governor) or a benchmark. All are decided, traded and
booked as the hedge is, on one account large enough that whole contracts decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from transforms.audit.history import PolicyHistory, Trial
from transforms.benchmarks import book_benchmark, build_benchmark, list_benchmarks
from transforms.errors import UsageError
from transforms.hedge import CalendarListing, HedgeDecision, HedgeMarket, Stretch, decide_hedge, walk_hedge
from transforms.hedge.run import take_benchmark_inputs
from transforms.layers import Layer, LayerPath, Reading
from transforms.ledger.rules import read_cost_rules
from transforms.ledger.table import PORTFOLIO
from transforms.policy.model import GUARDS, Policy
from transforms.positions.sizing import SizingRules
from transforms.positions.table import build_positions
from warehouse.expressions import Truths, evaluate_rules, preset
from warehouse.hedge import read_hedge_market
from warehouse.policy_paths import read_market, run_policy

MAIN, STATIC, UNFENCED = "article", "static", "article, no governor"
THRESHOLDS = (25.0, 28.0, 30.0)
"""VIX closes from which the temporal layer arms, as the sources name them."""

_SESSIONS = """
select
    signal.trade_date,
    signal.vix_close_pts,
    signal.contango_frac,
    signal.roll_down_front_frac,
    signal.roll_down_second_frac,
    signal.gdp_cycle,
    signal.nber_phase,
    signal.is_pe_compressing,
    signal.is_fomc_window,
    signal.is_cpi_window,
    signal.is_ppi_window,
    signal.vx1_beta_ratio,
    signal.vx2_beta_ratio,
    change.vx1_held_change_pts,
    change.vx2_held_change_pts,
    market.spx_close_pts,
    condor.pnl_usd as condor_pnl_usd
from mart.daily_signals as signal
join mart.daily_sensitivities as change on change.trade_date = signal.trade_date
join core.daily_hedge_inputs as market on market.trade_date = signal.trade_date
left join mart.daily_condor as condor on condor.trade_date = signal.trade_date
order by signal.trade_date
"""


@dataclass(frozen=True, eq=False)
class AuditRuns:
    """The trials, and what they are judged beside.

    Parameters
    ----------
    trials
        By name, the policy `MAIN` first.
    sessions
        As in `PolicyHistory`, with the changes and sensitivities of the first two months.
    nav_usd
        The account.
    spx_returns, condor_returns
        Daily, of the account held in the index, and of the condor sized to it; NaN unknown.
    """

    trials: Mapping[str, Trial]
    sessions: pd.DataFrame
    nav_usd: float
    spx_returns: pd.Series
    condor_returns: pd.Series


@dataclass(frozen=True, eq=False)
class _Bench:
    """What every trial is run with."""

    market: HedgeMarket
    calendars: CalendarListing
    signals: pd.DataFrame
    truths: Truths
    sessions: pd.DataFrame


def run_audit_trials(connection: duckdb.DuckDBPyConnection, progress: Callable[[str], None] | None = None) -> AuditRuns:
    """Run every trial.

    Parameters
    ----------
    connection
        A published warehouse.
    progress
        Told the name of each trial before it is run.

    Raises
    ------
    UsageError
        If the warehouse was published before it had positions, or holds too little to audit.
    """
    tell = progress or (lambda name: None)
    nav = float(_one(connection, "select value from ref.parameters where parameter = 'audit_nav_usd'"))
    model_nav = float(_one(connection, "select value from ref.parameters where parameter = 'model_nav_usd'"))
    market = read_hedge_market(connection, nav)
    sessions = connection.execute(_SESSIONS).df()
    sessions["nav_usd"] = nav
    sessions["condor_pnl_usd"] = sessions["condor_pnl_usd"].astype(float) * (nav / model_nav)
    spx = sessions["spx_close_pts"].astype(float)
    # a close that is missing leaves out the change to it, and the next one spans the gap
    sessions["spx_pnl_usd"] = (spx / spx.ffill().shift() - 1.0) * nav
    policies = dict(_list_policies())
    truths = evaluate_rules(connection, [policy for _, _, policy, _ in policies.values()])
    bench = _Bench(
        market, CalendarListing(list(market.futures.days), market.options), read_market(connection), truths, sessions
    )
    trials: dict[str, Trial] = {}
    for name, (group, what, policy, reading) in policies.items():
        tell(name)
        trials[name] = _run_policy_trial(bench, name, group, what, policy, reading)
    for info in list_benchmarks():
        if info.name in ("none", *policies):
            continue
        tell(info.name)
        trials[info.name] = _run_benchmark(bench, info.name, info.what, info.label)
    by_day = sessions.set_index("trade_date")
    return AuditRuns(
        trials=trials,
        sessions=sessions,
        nav_usd=nav,
        spx_returns=by_day["spx_pnl_usd"] / nav,
        condor_returns=by_day["condor_pnl_usd"] / nav,
    )


def _list_policies() -> Iterator[tuple[str, tuple[str, str, Policy, str | None]]]:
    """Name, and group, sentence, policy and reading of each."""
    article = preset("article")
    yield (
        MAIN,
        (
            "policy",
            "the policy as shipped: base, temporal layer (equal_vega, VIX from 25), second engine",
            article,
            None,
        ),
    )
    yield UNFENCED, ("policy", "the same without governor: no guard, no loss lock, no budget", _unfence(article), None)
    for threshold in THRESHOLDS:
        values = {"arm_vix_pts": threshold}
        for reading in (one.name.lower() for one in Reading):
            if threshold == THRESHOLDS[0] and reading == "equal_vega":
                continue  # the policy itself
            what = f"temporal layer as {reading}, armed at a VIX close from {threshold:g}"
            yield f"{reading}, VIX {threshold:g}", ("reading", what, article.with_values(values), reading)
    for name, what in (
        (STATIC, "base hedge alone, at the lower end of its band: loyalty instead of motion"),
        ("canon", "layered VIX calls at 30, 110 and 220 days"),
        ("vxth", "monthly 30-delta VIX calls by forward VIX"),
        ("vpd", "short front VX, one for each 100,000 of the account"),
        ("veqtor", "share in VIX futures by realised volatility and trend: the hedge part"),
    ):
        yield name, ("preset", what, preset(name), None)


def _unfence(policy: Policy) -> Policy:
    unlimited = tuple(
        replace(one, highest=1.0, value=1.0) if one.name in ("loss_lock_frac", "yearly_budget_frac") else one
        for one in policy.parameters
    )
    rules = tuple(rule for rule in policy.rules if rule.layer != GUARDS)
    return replace(policy, name="article-no-governor", parameters=unlimited, rules=rules)


def _run_policy_trial(bench: _Bench, name: str, group: str, what: str, policy: Policy, reading: str | None) -> Trial:
    path = run_policy(policy, bench.truths, bench.signals, reading, bench.calendars)
    decision = _decide(bench, policy, path, reading)
    run = walk_hedge(decision)
    ledger = _with_notional(run.ledger.days, run.positions)
    # Decided and priced once; of the delayed copy only the returns are asked for.
    late = walk_hedge(decision, delay_sessions=1).ledger.days
    is_option = policy.machine()["sizing"] in ("calls", "vxth") or bool(policy.machine()["is_second_engine_enabled"])
    history = PolicyHistory(name, bench.sessions, ledger)
    delayed = PolicyHistory(name, bench.sessions, late).returns()
    return Trial(
        name=name,
        group=group,
        what=what,
        label="model-priced" if is_option else "computed",
        history=history,
        delayed=delayed,
    )


def _decide(bench: _Bench, policy: Policy, path: LayerPath, reading: str | None) -> HedgeDecision:
    stretch = Stretch(
        machine=policy.machine(),
        values=policy.values,
        path=path,
        span=slice(0, len(path)),
        open_shorts=bench.truths.of(policy, Layer.SECOND_ENGINE, "open"),
        reading=reading,
    )
    return decide_hedge(bench.market, [stretch], bench.calendars)


def _run_benchmark(bench: _Bench, name: str, what: str, label: str) -> Trial:
    market = bench.market
    inputs = take_benchmark_inputs(market, SizingRules())
    booked = book_benchmark(build_benchmark(name, inputs), inputs, read_cost_rules(market.parameters))
    ledger = _with_notional(booked.ledger.days, build_positions([booked.book], booked.marks))
    return Trial(
        name=name, group="benchmark", what=what, label=label, history=PolicyHistory(name, bench.sessions, ledger)
    )


def _with_notional(ledger: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    """The ledger with the absolute notional that each layer, and all together, moved like at the close."""
    held = positions.assign(notional_usd=positions["delta_usd"].abs())
    # a position without a price makes the sum unknown, not smaller
    by_layer = held.groupby(["trade_date", "layer"])["notional_usd"].sum(min_count=1, skipna=False)
    by_day = held.groupby("trade_date")["notional_usd"].sum(min_count=1, skipna=False)
    whole = pd.concat(
        [by_layer, by_day.to_frame().assign(layer=PORTFOLIO).set_index("layer", append=True)["notional_usd"]]
    )
    merged = ledger.merge(whole.rename("notional_usd").reset_index(), on=["trade_date", "layer"], how="left")
    is_empty = ~pd.MultiIndex.from_frame(merged[["trade_date", "layer"]]).isin(whole.index)
    merged.loc[is_empty, "notional_usd"] = 0.0
    return merged


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    rows = connection.execute(query).fetchall()
    if not rows or rows[0][0] is None:
        raise UsageError(
            "this warehouse cannot be audited",
            found=f"no answer to: {query}",
            expected="a warehouse published by this version",
            next_step="run `alvh nightly`, then again",
        )
    return float(rows[0][0])
