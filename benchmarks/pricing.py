"""How long option prices with sensitivities and implied volatilities take, beside libraries made for them.

    python -m benchmarks.pricing [--python-312 PATH] [--repeats N]

Each library has an environment of its own, made once beside the results from ``rivals/requirements-*.txt``; opengreeks
can be imported from Python 3.12 on only, so that its interpreter may be named. What cannot be installed or run is said
to be so. Ours and theirs run in turn, a process each; loading and compiling are not timed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, Goal, Timing, have_environment, table_of, write_results
from transforms.options.black76 import (
    compute_black76_greeks,
    compute_black76_price,
    compute_implied_volatility,
)

RIVALS = Path(__file__).resolve().parent / "rivals"
PRICES, VOLATILITIES = 1_000_000, 100_000
GOAL = 1.5
RATE = 0.04
OURS, YARDSTICK = "alvh", "numba loop"


def draw_options(count: int, seed: int = 1) -> dict[str, np.ndarray[Any, Any]]:
    """Options out of the money as on a VIX chain: 2 to 300 days, 30% to 250% of volatility."""
    rng = np.random.default_rng(seed)
    future = rng.uniform(10, 60, count)
    strike = future * np.exp(rng.normal(0, 0.3, count))
    years = rng.uniform(2, 300, count) / 365
    drawn = {
        "future": future,
        "strike": strike,
        "years": years,
        "volatility": rng.uniform(0.3, 2.5, count),
        "discount": np.exp(-RATE * years),
        "is_call": strike > future,
    }
    return drawn | {"price": compute_black76_price(*drawn.values())}


def run_ours(task: str, file: Path, repeats: int) -> None:
    """Print what `rivals/pricing_libraries.py` prints, of our own functions."""
    given = dict(np.load(file, allow_pickle=False))
    names = ("future", "strike", "years", "volatility", "discount", "is_call")
    if task == "greeks":
        terms = [given[name] for name in names]
    else:
        terms = [given[name] for name in ("price", "future", "strike", "years", "discount", "is_call")]
    run = compute_black76_greeks if task == "greeks" else compute_implied_volatility
    found = run(*terms)
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        found = run(*terms)
        print(time.perf_counter() - wall, time.process_time() - cpu)
    told = np.asarray(found[0] if task == "greeks" else found)
    truth = given["price" if task == "greeks" else "volatility"]
    print(np.nanmax(np.abs(told - truth) / truth))


def measure(
    task: str, commands: dict[str, list[str]], file: Path, repeats: int
) -> tuple[dict[str, Timing], dict[str, str]]:
    """Time every library in turn, three runs a process; also the largest relative error, and what went wrong."""
    timings: dict[str, Timing] = {}
    said: dict[str, str] = {}
    for _ in range(repeats):
        for name, argv in commands.items():
            if name in said and name not in timings:
                continue  # it could not be run before
            done = subprocess.run([*argv, task, str(file), "3"], capture_output=True, text=True, cwd=ROOT, check=False)
            if done.returncode:
                words = (done.stderr.strip().splitlines() or ["no word"])[-1][:160]
                said[name] = f"could not be run with the versions of its requirements file: {words}"
                continue
            *lines, error = done.stdout.strip().splitlines()
            kept = timings.setdefault(name, Timing(name))
            kept.wall_s += [float(line.split()[0]) for line in lines]
            kept.cpu_s += [float(line.split()[1]) for line in lines]
            said[name] = error
    return timings, said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python-312", default="python3.12", help="an interpreter for opengreeks")
    parser.add_argument("--repeats", type=int, default=5, help="processes of each, three runs a process")
    parser.add_argument("--ours", nargs=3, metavar=("TASK", "FILE", "RUNS"), help="run ours here and print")
    chosen = parser.parse_args()
    if chosen.ours:
        run_ours(chosen.ours[0], Path(chosen.ours[1]), int(chosen.ours[2]))
        return 0
    script = str(RIVALS / "pricing_libraries.py")
    of = {"lbriv": "pricing", "py-vollib-vectorized": "pricing", "numba loop": "pricing", "opengreeks": "opengreeks"}
    pythons = {
        "pricing": have_environment("pricing", sys.executable),
        "opengreeks": have_environment("opengreeks", chosen.python_312),
    }
    tasks = {
        "greeks": ("opengreeks", "numba loop", "py-vollib-vectorized"),
        "implied": ("opengreeks", "lbriv", "py-vollib-vectorized"),
    }
    bodies: list[str] = []
    goals: list[Goal] = []
    raw: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for task, count, what in (
            ("greeks", PRICES, "prices, each with delta, gamma, vega and theta"),
            ("implied", VOLATILITIES, "implied volatilities"),
        ):
            file = Path(folder) / f"{task}.npz"
            np.savez(file, **draw_options(count))
            commands = {OURS: [sys.executable, "-m", "benchmarks.pricing", "--ours"]}
            commands |= {name: [python, script, name] for name in tasks[task] if (python := pythons[of[name]])}
            timings, said = measure(task, commands, file, chosen.repeats)
            fair = {name: one for name, one in timings.items() if name != OURS and float(said[name]) < 1e-6}
            loop = fair.pop(YARDSTICK, None)
            rivals = list(fair.values())
            best = min(rivals, key=lambda one: one.cpu, default=None)
            ratio = timings[OURS].cpu / best.cpu if best else None
            errors = "\n".join(f"- {name}: {word}" for name, word in said.items())
            told = f"Largest relative error, or why there is none:\n\n{errors}"
            bodies.append(f"### {count:,} {what}\n\n{table_of(timings)}\n\n{told}")
            raw[task] = {"timings": {name: asdict(one) for name, one in timings.items()}, "said": said}
            goals.append(
                Goal(
                    f"{count:,} {what}",
                    f"at most {GOAL} times the processor time of the fastest library found",
                    f"{ratio:.2f} times {best.name}'s {best.cpu:.3f} s"
                    if best and ratio
                    else "nothing to compare with",
                    ratio <= GOAL if ratio else None,
                    f"the same formulas as a compiled loop: {loop.cpu:.3f} s" if loop else "",
                )
            )
    body = f"""
Options out of the money as on a VIX chain (2 to 300 days, volatility 30% to 250%), {chosen.repeats} processes of each
library in turn, three runs a process after one that does not count. Libraries that err by more than a millionth do not
count as fastest. "numba loop" is no library: the same formulas as a compiled loop, as a yardstick.

{(chr(10) * 2).join(bodies)}
"""
    write_results("pricing", "Option pricing", body, goals, raw, ("numpy", "scipy"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
