"""Threshold variants of one calendar spread by vectorbt, in its own environment.

python vectorbt_spread.py SERIES.npz VARIANTS LIMIT_GB

SERIES has vix (points) and spread_change (change of the front less that of the second month). Prints seconds on the
clock and of the processor, and the most memory in MB, of the second of two runs: the first compiles. No whole
contracts, no layers, no options, no ledger: far less than what a sweep does.
"""

import resource
import sys
import time

LIMIT = int(float(sys.argv[3]) * 2**30)
resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))

import numpy as np  # noqa: E402 - the limit first
import pandas as pd  # noqa: E402
import vectorbt as vbt  # noqa: E402


def run(given, variants):
    rng = np.random.default_rng(1)
    arm, leave = rng.uniform(18, 35, variants), rng.uniform(14, 18, variants)
    vix = given["vix"][:, None]
    entries, exits = vix >= arm[None, :], vix <= leave[None, :]
    spread = pd.Series(100 + np.cumsum(np.nan_to_num(given["spread_change"])))
    made = vbt.Portfolio.from_signals(
        spread, pd.DataFrame(entries).vbt.fshift(1), pd.DataFrame(exits).vbt.fshift(1), fees=0.0012, init_cash=1e6
    )
    return made.total_return(), made.max_drawdown()


def main():
    given, variants = dict(np.load(sys.argv[1], allow_pickle=False)), int(sys.argv[2])
    run(given, 10)
    wall, cpu = time.perf_counter(), time.process_time()
    run(given, variants)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.perf_counter() - wall, time.process_time() - cpu, peak)


if __name__ == "__main__":
    main()
