"""How time, memory and size grow with the years of history and with the snapshots of the option chain.

    python -m benchmarks.growth [--years N ...] [--chain-years N ...]

Simulated markets in the publishers' own formats, from 5 to 80 years: those longer than VIX futures have existed go on
into the future, on the calendar that the exchange would have. Each size is a process of its own: landing every file in
a raw store, the rebuild, the SQL checks, the report. A second series keeps 20 years and adds nightly snapshots of the
option chain, as a home gathers them from its first night on.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, Goal, ask, write_results

YEARS = (5, 10, 20, 40, 80)
CHAIN_YEARS = (0, 1, 2, 5, 10)
BASE_YEARS = 20
"""History beneath the snapshots."""
LAST = date(2025, 12, 31)
FIRST_EVER = date(2004, 3, 26)
PARTS = ("build", "check", "report")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="*", default=list(YEARS))
    parser.add_argument("--chain-years", type=int, nargs="*", default=list(CHAIN_YEARS))
    parser.add_argument("--once", nargs=2, type=int, metavar=("YEARS", "CHAIN_YEARS"), help="one size, as JSON")
    chosen = parser.parse_args()
    if chosen.once:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure_once(Path(folder), *chosen.once)))
        return 0
    by_years = [run_once(years, 0) for years in chosen.years]
    by_chain = [run_once(BASE_YEARS, years) for years in chosen.chain_years]
    tell(by_years, by_chain)
    return 0


def run_once(years: int, chain_years: int) -> dict[str, Any]:
    """Measure one size in a process of its own."""
    print(f"{years} years, {chain_years} years of snapshots", flush=True)
    argv = [sys.executable, "-m", "benchmarks.growth", "--once", str(years), str(chain_years)]
    found: dict[str, Any] = ask(argv)
    return found


def measure_once(work: Path, years: int, chain_years: int) -> dict[str, Any]:
    """Simulate, land, rebuild, check and report; seconds (clock and processor), memory and sizes."""
    from flows.fetch import fetch_night
    from flows.sources.archive import ArchiveSource
    from transforms.simulate import DEFAULT_SEED, render_archive, simulate_market
    from warehouse.home import Home
    from warehouse.raw_store import RawStore

    first, last = span_of(years)
    market = simulate_market(first, last, DEFAULT_SEED)
    for name, body in render_archive(market):
        path = work / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    home = Home(work / "home")
    home.prepare()
    fetch_night(
        ArchiveSource(work / "archive"), RawStore(home), last, ask_everything=True, with_vintages=True, home=home.path
    )
    if chain_years:
        land_snapshots(RawStore(home), market, chain_years)
    # The memory of the simulation is not that of a night: rebuilt by a child that has not simulated anything.
    code = "from benchmarks.growth import rebuild_once; import sys; rebuild_once(sys.argv[1], sys.argv[2])"
    argv = [sys.executable, "-c", code, str(home.path), last.isoformat()]
    found: dict[str, Any] = ask(argv)
    raw = [path for path in home.raw.rglob("*") if path.is_file()]
    return {
        "years": years,
        "chain_years": chain_years,
        "raw_files": len(raw),
        "raw_mb": sum(path.stat().st_size for path in raw) / 1e6,
        **found,
    }


def span_of(years: int) -> tuple[date, date]:
    """First and last day of a market of so many years: before today where that is possible, else from 2004 on."""
    first = LAST - timedelta(days=math.ceil(365.25 * years))
    if first >= FIRST_EVER:
        return first, LAST
    return FIRST_EVER, FIRST_EVER + timedelta(days=math.ceil(365.25 * years))


def land_snapshots(store: Any, market: Any, years: int) -> None:
    """Store the chain as so many years of nights would have: the last session's, under each session's own instant."""
    from transforms.calendar import sessions
    from transforms.simulate.options import option_chain

    days = sessions("XCBF", LAST - timedelta(days=round(365.25 * years)), LAST)
    shown = option_chain(market, 4.0)
    for day in days:
        shown["timestamp"] = f"{day.isoformat()} 22:35:00"
        shown["data"]["last_trade_time"] = f"{day.isoformat()}T16:15:01"
        store.land(
            publisher="cboe",
            dataset="vix_option_chain",
            name="VIX_option_chain.json",
            url="https://cdn.cboe.com/api/global/delayed_quotes/options/_VIX.json",
            body=json.dumps(shown, separators=(",", ":")).encode(),
            status=200,
            headers={},
            fetched_at=datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC),
        )
    store.flush()


def rebuild_once(folder: str, last: str) -> None:
    """Rebuild, check and report, and print what it took."""
    from warehouse.build import build_warehouse, open_build
    from warehouse.checks import run_sql_checks, write_results
    from warehouse.home import Home
    from warehouse.publish import publish_warehouse
    from warehouse.query import open_published
    from warehouse.report_data import latest_session
    from warehouse.reports import write_report
    from warehouse.run_log import RunLog, describe_run, write_run_tables

    home, path = Home(Path(folder)), Path(folder) / "build" / "bench.duckdb"
    day = date.fromisoformat(last)
    found: dict[str, Any] = {}
    clock, cpu = time.perf_counter(), time.process_time()

    def lap(name: str) -> None:
        nonlocal clock, cpu
        now, used = time.perf_counter(), time.process_time()
        found[f"{name}_s"], found[f"{name}_cpu_s"] = now - clock, used - cpu
        found[f"{name}_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        clock, cpu = now, used

    lap("import")
    built = build_warehouse(home, path, run_id="bench", today=day, due_session=None, is_simulated=True)
    lap("build")
    log = RunLog(home, "bench", datetime(day.year, day.month, day.day, tzinfo=UTC), "alvh nightly")
    with open_build(path) as connection:
        results = run_sql_checks(connection)
        write_results(connection, "bench", results)
        write_run_tables(connection, home, log.record, [])
    lap("check")
    publish_warehouse(home, path, keep=1)
    with open_published(home) as connection:
        write_report(connection, home, latest_session(connection), describe_run(log.record))
    lap("report")
    found["failed_checks"] = [result.name for result in results if not result.is_passed and result.severity == "error"]
    found["sessions"] = built.rows["core.daily_hedge_inputs"]
    found["rows"] = sum(built.rows.values())
    found["file_mb"] = home.published.stat().st_size / 1e6
    print(json.dumps(found))


def growth_of(rows: list[dict[str, Any]], by: str, value: str) -> float:
    """Exponent of the growth between the two largest sizes: 1 is linear."""
    (small, large) = rows[-2:]
    return math.log(large[value] / small[value]) / math.log(large[by] / small[by])


def tell(by_years: list[dict[str, Any]], by_chain: list[dict[str, Any]]) -> None:
    """Write the two series, their figure, and what grows faster than its input."""
    head = "| {0} | sessions | raw, MB | build, s | checks, s | report, s | processor, s | peak, MB | file, MB |"
    rule = "|---|---|---|---|---|---|---|---|---|"
    goals = []
    for name, rows, by in (
        ("years of history", by_years, "years"),
        ("years of snapshots", by_chain[1:], "chain_years"),
    ):
        if len(rows) > 1:
            rates = {part: growth_of(rows, by, f"{part}_cpu_s") for part in PARTS}
            rates |= {"memory": growth_of(rows, by, "report_peak_mb"), "file": growth_of(rows, by, "file_mb")}
            goals.append(
                Goal(
                    f"growth with {name}",
                    "at most linear",
                    ", ".join(f"{part} n^{rate:.2f}" for part, rate in rates.items()),
                    max(rates.values()) <= 1.1,
                )
            )
    draw(by_years)
    tables = [
        "\n".join([head.format(title), rule, *(_row(one, by) for one in rows)])
        for title, rows, by in (("years", by_years, "years"), ("years of snapshots", by_chain, "chain_years"))
    ]
    body = f"""
Time, memory and size of a rebuild, its SQL checks and the report, against the years of simulated history.

{tables[0]}

![Time and memory against years of history](results/growth.svg)

The same {BASE_YEARS} years with nightly snapshots of the option chain; in the end
{by_chain[-1]["raw_mb"]:,.0f} MB of raw files.

{tables[1]}

What would have to change, and at which size: [docs/scaling.md](../docs/scaling.md).
"""
    write_results("growth", "Growth", body, goals, {"by_years": by_years, "by_chain": by_chain})


def _row(one: dict[str, Any], by: str) -> str:
    cpu = sum(one[f"{part}_cpu_s"] for part in PARTS)
    return (
        f"| {one[by]} | {one['sessions']:,} | {one['raw_mb']:.0f} | {one['build_s']:.1f} | {one['check_s']:.1f} | "
        f"{one['report_s']:.1f} | {cpu:.1f} | {one['report_peak_mb']:,.0f} | {one['file_mb']:.0f} |"
    )


def draw(rows: list[dict[str, Any]]) -> None:
    """Draw time and memory against years."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasSVG(figure)
    left, right = figure.subplots(1, 2)
    years = [one["years"] for one in rows]
    for part in PARTS:
        left.plot(years, [one[f"{part}_cpu_s"] for one in rows], marker="o", label=part)
    left.set(xlabel="years of history", ylabel="processor seconds", title="time")
    left.legend(frameon=False)
    right.plot(years, [one["report_peak_mb"] for one in rows], marker="o", color="tab:red", label="peak memory")
    right.plot(years, [one["file_mb"] for one in rows], marker="o", color="tab:green", label="published file")
    right.set(xlabel="years of history", ylabel="MB", title="memory and size")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, alpha=0.3)
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "growth.svg", metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
