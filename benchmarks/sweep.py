"""How long many policies take, compiled, on a published warehouse; and whether they equal the plain walk.

    python benchmarks/sweep.py [--home DIR] [--policies N] [--threads N] [--seed N] [--compare N]

Draws N policies from the ranges of the preset ``article`` (thresholds, confirmations, sizes, limits, readings, two sets
of calendar deltas), decides and walks them over every session, and walks some of them plainly too. Ends with 1 when an
amount differs.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np

from transforms.hedge import CalendarListing
from transforms.layers import Reading
from transforms.layers.decide import ROLES
from transforms.policy.model import Policy
from transforms.sweep import SweepCase, build_sweep_market, compare_with_plain, decide_stretches, run_policies
from transforms.sweep.kernel import compile_walk
from warehouse.expressions import Truths, evaluate_rules, preset
from warehouse.hedge import read_hedge_market
from warehouse.home import Home
from warehouse.policy_paths import read_market

READINGS = [reading.name.lower() for reading in Reading]


def draw_policies(count: int, seed: int) -> list[tuple[Policy, str]]:
    """Policies that differ from each other, each with a reading."""
    rng, article = np.random.default_rng(seed), preset("article")
    drawn = []
    for number in range(count):
        arm = float(rng.choice([22.0, 24.0, 25.0, 26.0, 28.0, 30.0]))
        lowest = float(rng.choice([0.005, 0.0075, 0.01, 0.0125]))
        values = {
            "arm_vix_pts": arm,
            "full_vix_pts": arm + float(rng.choice([2.0, 5.0, 8.0])),
            "leave_vix_pts": arm - float(rng.choice([1.0, 2.0, 3.0, 4.0])),
            "leave_confirm_days": float(rng.integers(1, 5)),
            "cooldown_days": float(rng.choice([0, 5, 10])),
            "max_steps": float(rng.integers(1, 4)),
            "base_notional_frac": lowest,
            "base_notional_highest_frac": lowest * 2,
            "hedge_ratio": round(float(rng.uniform(0.25, 1.0)), 4),
            "loss_lock_frac": float(rng.choice([0.0025, 0.005, 0.01, 0.02])),
            "gain_roll_frac": float(rng.choice([0.0, 0.25, 0.5])),
            "short_loss_frac": float(rng.choice([0.0025, 0.005, 0.01])),
            "short_call_delta": float(rng.choice([0.25, 0.3])),
        }
        drawn.append((article.with_values(values, name=f"drawn_{number}"), str(rng.choice(READINGS))))
    return drawn


def list_cases(policies: list[tuple[Policy, str]], truths: Truths) -> Iterator[SweepCase]:
    for policy, reading in policies:
        roles = {name: truths.of(policy, layer, role) for name, (layer, role) in ROLES.items()}
        roles["signal_guards"] = truths.guards(policy)
        yield SweepCase(machine=policy.machine(), truths=roles, values=policy.values, reading=reading)


class Stopwatch:
    """Prints seconds and processor seconds since the last line, and the most memory the process has had."""

    def __init__(self) -> None:
        self.since, self.processor = time.perf_counter(), time.process_time()

    def lap(self, what: str, policies: int = 0) -> None:
        spent, processor = time.perf_counter() - self.since, time.process_time() - self.processor
        each = f", {1000 * spent / policies:.2f} ms a policy" if policies else ""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{what}: {spent:.2f} s{each} (processor {processor:.2f} s, peak memory {peak:,.0f} MB)", flush=True)
        self.since, self.processor = time.perf_counter(), time.process_time()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("ALVH_HOME", "warehouse/data")))
    parser.add_argument("--policies", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compare", type=int, default=8)
    chosen = parser.parse_args()

    watch = Stopwatch()
    policies = draw_policies(chosen.policies, chosen.seed)
    watch.lap(f"{len(policies)} policies drawn", len(policies))
    with duckdb.connect(str(Home(chosen.home).published), read_only=True) as connection:
        hedge, signals = read_hedge_market(connection), read_market(connection)
        watch.lap(f"market of {len(hedge.futures)} sessions read")
        truths = evaluate_rules(connection, [policy for policy, _ in policies])
    watch.lap("rules evaluated", len(policies))
    calendars = CalendarListing(list(hedge.futures.days), hedge.options)
    market = build_sweep_market(hedge, calendars, (policy.machine() for policy, _ in policies))
    rows = len(market.arrays.option_ticks)
    watch.lap(f"market laid out, {len(market.calendar_sets)} sets of calendars, {rows:,} option rows")

    (first,) = decide_stretches(market, signals, list_cases(policies[:1], truths))
    watch.lap("state machine compiled and run once")
    compile_walk()
    run_policies(market, [first], threads=1)
    watch.lap("walk compiled, or loaded from where it is kept, and run once")
    for _ in range(20):
        run_policies(market, [first], threads=1)
    watch.lap("one policy, walked 20 times", 20)
    decided = list(decide_stretches(market, signals, list_cases(policies[:256], truths)))
    watch.lap("256 policies decided", len(decided))
    run_policies(market, decided, threads=1)
    watch.lap("256 policies walked, 1 thread", len(decided))
    run_policies(market, decided, threads=chosen.threads)
    watch.lap(f"256 policies walked, {chosen.threads} threads", len(decided))
    del decided
    result = run_policies(
        market, decide_stretches(market, signals, list_cases(policies, truths)), threads=chosen.threads
    )
    watch.lap(f"{len(result)} policies decided and walked, {chosen.threads} threads", len(result))
    pnl = result.totals_cents["pnl"][:, -1] / 100
    print(f"P&L of the portfolio, usd: {pnl.min():,.2f} to {pnl.max():,.2f}; {len(np.unique(pnl))} different ones")

    differing = 0
    for stretch in decide_stretches(market, signals, list_cases(policies[: chosen.compare], truths)):
        differing += len(compare_with_plain(hedge, calendars, stretch, market))
    watch.lap(f"{chosen.compare} policies walked plainly: {differing} amounts differ", chosen.compare)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
