"""How long `alvh sweep` takes, what its parts take, and whether they equal the plain walk.

    python -m benchmarks.sweep [--home DIR] [--repeats N] [--policies N] [--compare N] [--grid FILE] [--paths N ...]

The command on the example of docs/sweep.md (10,000 policies, all layers, every session), on a copy of a published home,
each time from nothing. Then policies drawn from the ranges of the preset ``article``, of which no two are alike: their
parts in this process, and some of them walked plainly too. Then the command with simulated markets, and on one and two
workers of Dask, once each. Ends with 1 when an amount differs.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks.harness import ROOT, Command, Goal, Timing, alvh, run_in_turn, table_of, write_results
from benchmarks.homes import add_home_option, have_home
from transforms.hedge import CalendarListing
from transforms.layers import Reading
from transforms.layers.decide import ROLES
from transforms.policy.model import Policy
from transforms.sweep import SweepCase, build_sweep_market, compare_with_plain, decide_stretches
from transforms.sweep.run import lay_out_numbers, read_numbers, walk_sums
from transforms.sweep.states import decide_policies
from warehouse.expressions import Truths, evaluate_rules, preset
from warehouse.hedge import read_hedge_market
from warehouse.home import Home
from warehouse.policy_paths import read_market
from warehouse.sweep_rules import PathRules

GRID = ROOT / "docs" / "examples" / "sweep.toml"
GOAL_S, GOAL_MB, GOAL_ONE_S = 20.0, 1024.0, 0.1
GOAL_WORKERS = 1.6
WORKERS_PATHS = 4
"""Simulated markets of the sweep on workers: so many that the start of servers and workers counts for little."""

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


def time_command(home: Path, repeats: int, warm_ups: int, grid: Path = GRID, more: Sequence[str] = ()) -> Timing:
    """The whole command, each time without anything of an earlier run; the compiled form is on disk."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("sweeps", "raw", "audit"))
        (copy / "sweeps").mkdir()
        script = "import shutil, subprocess, sys; shutil.rmtree(sys.argv[1]); sys.exit(subprocess.call(sys.argv[2:]))"
        argv = alvh("sweep", "--grid", str(grid), "--home", str(copy), *more)
        command = Command([sys.executable, "-c", script, str(copy / "sweeps"), *argv])
        name = " ".join(["alvh sweep", *more])
        return run_in_turn({name: command}, repeats, warm_ups)[name]


def time_parts(home: Path, count: int, repeats: int, compare: int) -> tuple[dict[str, Timing], dict[str, int], int]:
    """Time the parts on drawn policies; what they took, some sizes, and the amounts that differ."""
    policies = draw_policies(count, seed=1)
    parts: dict[str, Timing] = {}

    def measure(name: str, work: Callable[[], Any], times: int) -> Any:
        kept, found = parts.setdefault(name, Timing(name)), None
        for _ in range(times):
            wall, cpu = time.perf_counter(), time.process_time()
            found = work()
            kept.wall_s.append(time.perf_counter() - wall)
            kept.cpu_s.append(time.process_time() - cpu)
        return found

    with duckdb.connect(str(Home(home).published), read_only=True) as connection:
        hedge, signals = read_hedge_market(connection), read_market(connection)
        truths = evaluate_rules(connection, [policy for policy, _ in policies[:compare]])
    plain = [with_reading(policy, reading) for policy, reading in policies]
    machines = [policy.machine() for policy in plain]
    calendars = CalendarListing(list(hedge.futures.days), hedge.options)
    market = measure(
        "market laid out, calendars on every session", lambda: build_sweep_market(hedge, calendars, machines), 1
    )
    rules = PathRules(home, signals)
    deciders = rules.build_deciders(plain, machines, market)
    numbers = [read_numbers(market, machine) for machine in machines]

    def decide_and_walk(few: int, threads: int) -> None:
        some = replace(deciders, rows=deciders.rows[:few], numbers=deciders.numbers[:few])
        paths = decide_policies(some, threads)
        walk_sums(market.arrays, lay_out_numbers(paths, numbers[:few], market.nav_usd), threads)

    decide_and_walk(1, 1)  # compiled, or loaded from where it is kept
    measure("one policy decided and walked", lambda: decide_and_walk(1, 1), 5 * repeats)
    for few in (count // 4, count // 2, count):
        measure(f"{few} policies, 1 thread", lambda few=few: decide_and_walk(few, 1), repeats)
    measure(f"{count} policies, 2 threads", lambda: decide_and_walk(count, 2), repeats)
    differing = 0
    for stretch in decide_stretches(market, signals, list_cases(policies[:compare], truths)):
        differing += len(compare_with_plain(hedge, calendars, stretch, market))
    sizes = {"sessions": len(market), "option_rows": len(market.arrays.option_ticks), "compared": compare}
    return parts, sizes, differing


def judge_paths(alone: Timing, with_paths: dict[int, Timing]) -> Goal:
    """Whether every further path costs the same: that of the first size against the path more of the last."""
    if len(with_paths) < 2:
        return Goal("time linear in paths", "each path costs the same, within a half", "not measured", None)
    (few, first), *_, (many, last) = with_paths.items()
    each = (first.cpu - alone.cpu) / few, (last.cpu - first.cpu) / (many - few)
    return Goal(
        "time linear in paths",
        "each path costs the same, within a half",
        f"{each[0]:.1f} s of the processor for each of the first {few}, {each[1]:.1f} s for each up to {many}",
        max(each) <= 1.5 * min(each),
    )


def judge_workers(with_workers: dict[int, Timing]) -> Goal:
    """How much sooner two workers are done than one."""
    what = f"the history and {WORKERS_PATHS} simulated markets on two workers of Dask against one"
    goal = f"{GOAL_WORKERS:g} times as fast"
    if not {1, 2} <= with_workers.keys():
        return Goal(what, goal, "not measured", None)
    one, two = with_workers[1].wall, with_workers[2].wall
    result = f"{one / two:.2f} times: {two:.1f} s on the clock against {one:.1f} s"
    why = (
        "one process makes the policies, starts Prefect and Dask and writes the results; their servers share the two "
        "cores with the workers"
    )
    return Goal(what, goal, result, one >= GOAL_WORKERS * two, if_missed=why)


def with_reading(policy: Policy, reading: str) -> Policy:
    """The policy with another reading of the temporal layer."""
    layers = tuple(replace(one, setting=reading) if one.name == "temporal_vega" else one for one in policy.layers)
    return replace(policy, layers=layers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_home_option(parser)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--warm-ups", type=int, default=1, help="runs before, of which the first one may compile")
    parser.add_argument("--policies", type=int, default=400)
    parser.add_argument("--compare", type=int, default=4)
    parser.add_argument("--grid", type=Path, default=GRID)
    parser.add_argument("--paths", type=int, nargs="*", default=[1, 3], help="simulated markets; two sizes, or none")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2], help="of Dask; none leaves it out")
    chosen = parser.parse_args()
    home, grid = have_home(chosen.home), chosen.grid.resolve()
    command = time_command(home, chosen.repeats, chosen.warm_ups, grid)
    with_paths = {few: time_command(home, 1, 0, grid, ["--paths", str(few)]) for few in sorted(chosen.paths)}
    on_workers = ["--paths", str(WORKERS_PATHS), "--workers"]
    with_workers = {few: time_command(home, 1, 0, grid, [*on_workers, str(few)]) for few in sorted(chosen.workers)}
    parts, sizes, differing = time_parts(home, chosen.policies, chosen.repeats, chosen.compare)
    one = parts["one policy decided and walked"]
    threads = [name for name in parts if name.endswith("1 thread")]
    each = {name: parts[name].cpu / int(name.split()[0]) for name in threads}
    spread = max(each.values()) / min(each.values())
    half = command.cpu / 2
    goals = [
        Goal(
            f"{grid.stem}, the whole command" if grid != GRID else "10,000 policies, whole command",
            f"at most {GOAL_S:g} s on two cores",
            f"{command.wall:.1f} s on the clock, {command.cpu:.1f} s of the processor",
            command.wall <= GOAL_S,
            if_missed=f"two free cores would need at least {half:.1f} s",
        ),
        Goal(
            "memory of it",
            f"at most {GOAL_MB:g} MB",
            f"{command.peak or 0:.0f} MB",
            command.peak is not None and command.peak <= GOAL_MB,
        ),
        Goal(
            "one policy over all sessions, compiled",
            f"at most {GOAL_ONE_S:g} s",
            f"{one.cpu * 1000:.1f} ms of the processor",
            one.cpu <= GOAL_ONE_S,
        ),
        Goal(
            "time linear in policies",
            "a quarter and all cost the same each, within a half",
            f"{spread:.2f} times between the cheapest and the dearest",
            spread <= 1.5,
        ),
        judge_paths(command, with_paths),
        judge_workers(with_workers),
    ]
    body = f"""
{sizes["sessions"]:,} sessions. The command from an empty `sweeps/`, its compiled form on disk; then {chosen.policies}
policies of which no two are alike (so that hardly a layer is shared), {sizes["option_rows"]:,} option rows.
{sizes["compared"]} of them walked plainly: {differing} amounts differ.

{table_of({"command": command, **parts})}

With simulated markets beside the published history, each built like a night, in this process and on workers of Dask,
whose servers take their time too; the memory is that of the largest process:

{table_of({one.name: one for one in (*with_paths.values(), *with_workers.values())})}

This process had at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB.
"""
    raw = {
        "timings": {
            "command": command,
            **parts,
            **{one.name: one for one in (*with_paths.values(), *with_workers.values())},
        },
        "sizes": sizes,
        "differing": differing,
    }
    write_results("sweep", "Sweep", body, goals, raw, ("duckdb", "numba", "numpy", "pandas"))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
