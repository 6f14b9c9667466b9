"""Stylised facts of the real files beside those of the simulated market, as a Markdown table.

    python -m benchmarks.stylised_facts [--seed N] [--years N] [--end YYYY-MM-DD]

The real column needs the files of ``ALVH_REAL_DATA``, else ``../shared/data`` beside the checkout; without
them it shows the recorded targets only. Ends with 1 when a simulated fact lies outside its range.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.harness import real_archive
from flows.fetch import fetch_night
from flows.sources.archive import ArchiveSource
from transforms.simulate import DEFAULT_SEED, render_archive, simulate_market
from transforms.simulate.facts import measure_facts, stylised_facts
from warehouse.build import build_warehouse
from warehouse.home import Home
from warehouse.raw_store import RawStore

FIRST, LAST = date(2006, 1, 3), date(2025, 12, 31)
INDICES = ("VIX", "VIX3M", "VVIX", "SPX")


def real_facts(archive: Path) -> dict[str, float]:
    """Measure the real files, cleaned by the warehouse's own rules."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        fetch_night(ArchiveSource(archive), RawStore(home), LAST, ask_everything=True)
        path = home.build / "facts.duckdb"
        build_warehouse(home, path, run_id="facts", today=LAST + timedelta(days=90), due_session=None)
        with duckdb.connect(str(path), read_only=True) as connection:
            levels = connection.execute(
                "select trade_date, index_code, close_pts from core.daily_index_levels "
                "where index_code in ? and trade_date between ? and ?",
                [list(INDICES), FIRST, LAST],
            ).df()
            settles = connection.execute(
                "select trade_date, expiry_date, settle_pts from core.daily_vx_settlements "
                "where is_monthly and not is_doubtful and trade_date between ? and ?",
                [FIRST, LAST],
            ).df()
    levels["trade_date"] = pd.to_datetime(levels["trade_date"])
    settles = settles.assign(
        trade_date=pd.to_datetime(settles["trade_date"]), expiry_date=pd.to_datetime(settles["expiry_date"])
    )
    return measure_facts(levels.pivot(index="trade_date", columns="index_code", values="close_pts"), settles)


def simulated_facts(seed: int, first: date, last: date) -> dict[str, float]:
    market = simulate_market(first, last, seed)
    closes = {code: market.indices[code].set_index("trade_date")["close_pts"] for code in INDICES}
    return measure_facts(pd.DataFrame(closes), market.futures[market.futures["is_monthly"]])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--end", type=date.fromisoformat, default=LAST)
    chosen = parser.parse_args()
    first = (
        FIRST if (chosen.years, chosen.end) == (20, LAST) else chosen.end - timedelta(days=round(365.25 * chosen.years))
    )

    archive = real_archive()
    real = real_facts(archive) if archive else {}
    begun = time.perf_counter()
    simulated = simulated_facts(chosen.seed, first, chosen.end)
    print("| fact | real | lowest | highest | simulated | |")
    print("|---|---:|---:|---:|---:|---|")
    outside = 0
    for name, fact in stylised_facts().items():
        value, holds = simulated[name], fact.holds(simulated[name])
        outside += not holds
        known = real.get(name, fact.target)
        print(
            f"| {fact.meaning} [{fact.unit}] | {known:.3g} | {fact.lowest:g} | {fact.highest:g} | {value:.3g} "
            f"| {'' if holds else 'outside'} |"
        )
    measured = time.perf_counter()
    files = sum(1 for _ in render_archive(simulate_market(first, chosen.end, chosen.seed)))
    print(f"\nreal column: {'measured from the files' if archive else 'recorded targets (no files here)'}")
    print(f"seed {chosen.seed}, {first} to {chosen.end}; facts {measured - begun:.1f} s; ", end="")
    print(f"simulating and rendering {files} files {time.perf_counter() - measured:.1f} s")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
