"""How time, memory and size grow with the years of history and with the snapshots of the option chain.

    python -m benchmarks.growth [--years N ...] [--chain-years N ...]

Simulated markets in the publishers' own formats, from 5 to 80 years: those longer than VIX futures have existed go on
into the future, on the calendar that the exchange would have. Each size is a process of its own: landing every file in
a raw store, then a whole night on which nothing is new and all is built: fetch, land, build, check, publish, report.
Prefect has no part in it. A second series keeps 20 years and adds nightly snapshots of the option chain, as a home
gathers them from its first night on.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.harness import RESULTS, Goal, ask, write_results

YEARS = (5, 10, 20, 40, 80)
CHAIN_YEARS = (0, 1, 2, 5, 10)
BASE_YEARS = 20
"""History beneath the snapshots."""
LAST = date(2025, 12, 31)
FIRST_EVER = date(2004, 3, 26)
CHAIN = "VIX_option_chain.json"
_TO_WEDNESDAY = 4
"""Days that an ordinal is from that of a week which begins on Wednesday: 1 January of the year 1 was a Monday."""
PARTS = ("fetch", "land", "build", "check", "publish", "report")
"""Steps of a night. The night itself has besides them what it writes down, and the key of its inputs."""
TOLD = ("build", "check", "report", "night")
"""Whose growth is a goal; the others take too little for a figure of their own, and the night has them in it."""


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
    lost: list[str] = []
    by_years = run_each([(years, 0) for years in chosen.years], lost)
    by_chain = run_each([(BASE_YEARS, years) for years in chosen.chain_years], lost)
    tell(by_years, by_chain, lost)
    return 1 if lost else 0


def run_each(sizes: list[tuple[int, int]], lost: list[str]) -> list[dict[str, Any]]:
    """Measure each size in a process of its own; one that does not come to its end is told and costs no other."""
    found = []
    for years, chain_years in sizes:
        name = f"{years} years, {chain_years} of them with snapshots"
        print(name, flush=True)
        try:
            found.append(ask([sys.executable, "-m", "benchmarks.growth", "--once", str(years), str(chain_years)]))
        except subprocess.CalledProcessError as error:
            lost.append(f"{name}: ended with {error.returncode}")
    return found


def measure_once(work: Path, years: int, chain_years: int) -> dict[str, Any]:
    """Simulate, land, and have a child run a night; seconds (clock and processor), memory and sizes."""
    from flows.fetch import fetch_night
    from flows.sources.archive import ArchiveSource
    from transforms.simulate import DEFAULT_SEED, render_archive, simulate_market
    from warehouse.home import Home
    from warehouse.raw_store import RawStore

    first, last = span_of(years)
    market = without_drift(simulate_market(first, last, DEFAULT_SEED))
    archive, home = work / "archive", Home(work / "home")
    for name, body in render_archive(market):
        path = archive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    home.prepare()
    if chain_years:
        land_snapshots(RawStore(home), market, chain_years)
    # Fetched on the market's last evening: a session after the day on which its file was fetched is refused.
    source = ArchiveSource(archive, utcnow=lambda: evening_of(last))
    fetch_night(source, RawStore(home), last, ask_everything=True, with_vintages=True, home=home.path)
    # The memory of the simulation is not that of a night: run by a child that has not simulated anything.
    code = "from benchmarks.growth import run_one_night; import sys; run_one_night(*sys.argv[1:])"
    argv = [sys.executable, "-c", code, str(home.path), str(archive), last.isoformat()]
    found: dict[str, Any] = ask(argv)
    raw = [path for path in home.raw.rglob("*") if path.is_file()]
    return {
        "years": years,
        "chain_years": chain_years,
        "raw_files": len(raw),
        "raw_mb": sum(path.stat().st_size for path in raw) / 1e6,
        **found,
    }


def without_drift(market: Any) -> Any:
    """The market with price indices that end where they began.

    In 80 years they would grow beyond what the registry takes for possible today, and what is refused takes no time.
    """
    from transforms.registry import index_registry

    indices = dict(market.indices)
    for code, frame in indices.items():
        info, close = index_registry().get(code), frame["close_pts"].to_numpy()
        # Volatilities have no drift, and are left as they are.
        if info is not None and close.max() > info.highest:
            share = (close[0] / close[-1]) ** (np.arange(len(frame)) / (len(frame) - 1))
            prices = [name for name in frame if name.endswith("_pts")]
            indices[code] = frame.assign(**{name: (frame[name] * share).round(2) for name in prices})
    return replace(market, indices=indices)


def evening_of(day: date) -> datetime:
    """Return the instant at which the settlements of a session are out: 18:30 in New York."""
    return datetime(day.year, day.month, day.day, 18, 30, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


def span_of(years: int) -> tuple[date, date]:
    """First and last day of a market of so many years: before today where that is possible, else from 2004 on."""
    first = LAST - timedelta(days=math.ceil(365.25 * years))
    if first >= FIRST_EVER:
        return first, LAST
    return FIRST_EVER, FIRST_EVER + timedelta(days=math.ceil(365.25 * years))


def land_snapshots(store: Any, market: Any, years: int) -> None:
    """Store the chain as so many years of nights would have, each session's under its own instant.

    Quotes are made once a week, from one Wednesday, on which contracts expire, to the next: to simulate them takes
    longer than to build with them. The first snapshot goes through the store. The others are written beside it as the
    store writes them, because each night reads every version there is: thousands of nights would take hours.
    """
    from transforms.hash_chain import sha256_hex
    from transforms.simulate.options import option_chain
    from warehouse.raw_store import LINE_SEAL, OBSERVED, hash_line, render_sidecar
    from warehouse.seals import SEAL

    held = market.sessions[market.sessions["is_equity_session"]].iloc[:-1]  # that of the last session is the archive's
    futures = market.futures.sort_values("trade_date", kind="stable")
    held = held[held["trade_date"] > str(LAST - timedelta(days=round(365.25 * years)))]
    folder, sidecar, lines = Path(), dict[str, Any](), list[bytes]()
    week, shown = 0, dict[str, Any]()
    for day in held["trade_date"]:
        begun = (day.toordinal() + _TO_WEDNESDAY) // 7
        if begun != week:
            week = begun
            # What the chain is made of: the session's futures, and its levels and those of the session before.
            since = day - timedelta(days=14)
            levels = {name: _between(market.indices[name], since, day) for name in ("VIX", "VVIX")}
            shown = option_chain(replace(market, indices=levels, futures=_between(futures, since, day)), 4.0)
        shown["timestamp"] = f"{day.date()} 22:35:00"
        shown["data"]["last_trade_time"] = f"{day.date()}T16:15:01"
        body, taken = json.dumps(shown, separators=(",", ":")).encode(), evening_of(day.date())
        if not sidecar:
            first, _ = store.land(
                publisher="cboe",
                dataset="vix_option_chain",
                name=CHAIN,
                url="https://cdn.cboe.com/api/global/delayed_quotes/options/_VIX.json",
                body=body,
                status=200,
                headers={},
                fetched_at=taken,
            )
            folder = first.path.parent
            sidecar = json.loads(first.path.with_name(f"{first.path.name}.meta.json").read_bytes())
            del sidecar[SEAL]
            lines = (folder / OBSERVED).read_bytes().splitlines()
            continue
        sha256, instant = sha256_hex(body), taken.strftime("%Y-%m-%dT%H:%M:%SZ")
        path = folder / f"{sha256[:16]}.json"
        path.write_bytes(body)
        noted = {**sidecar, "bytes": len(body), "sha256": sha256, "fetched_at_utc": instant}
        path.with_name(f"{path.name}.meta.json").write_bytes(render_sidecar(noted))
        seen: dict[str, Any] = {"sha256": sha256, "seen_at_utc": instant}
        lines.append(json.dumps({**seen, LINE_SEAL: hash_line(seen, lines[-1])}).encode())
    (folder / OBSERVED).write_bytes(b"".join(line + b"\n" for line in lines))
    store.flush()
    stored = store.state("cboe", CHAIN)
    if len(stored.versions) != len(lines) or any(version.refusal is not None for version in stored.versions):
        raise RuntimeError("the snapshots are not stored as the store would have stored them")


def _between(frame: Any, first: Any, last: Any) -> Any:
    """Rows of a frame in the order of its dates."""
    first_row, end = frame["trade_date"].searchsorted([first, last + timedelta(days=1)])
    return frame.iloc[first_row:end]


def run_one_night(folder: str, archive: str, last: str) -> None:
    """Run a night on which no file is new, its build made all the same, and print what each step of it took.

    What a night does beyond the steps (the key of its inputs, the run record, retention) is in the whole; so is not
    holding the build against an earlier warehouse, because there is none: that is measured after it.
    """
    import duckdb

    from flows.fetch import fetch_night
    from flows.night import resolve_night
    from flows.notify import Told
    from flows.run import Steps, run_night
    from flows.settings import Settings
    from flows.sources.archive import ArchiveSource
    from warehouse.home import Home
    from warehouse.raw_store import RawStore
    from warehouse.revisions import compare_with_published
    from warehouse.run_log import read_record

    home, now = Home(Path(folder)), evening_of(date.fromisoformat(last))
    settings = Settings(home=home.path, source="archive", archive=Path(archive))
    night = resolve_night(settings, run_id="growth", now=now, as_of=None, ask_everything=False, rebuild=True)
    found: dict[str, Any] = {}

    def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            clock, cpu = time.perf_counter(), time.process_time()
            done = work(*arguments)
            found[f"{name}_s"], found[f"{name}_cpu_s"] = time.perf_counter() - clock, time.process_time() - cpu
            found[f"{name}_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            return done

        return run

    def fetch(_: Any) -> Any:
        # As the night's own step, at the market's clock.
        source = ArchiveSource(Path(archive), utcnow=lambda: now)
        return fetch_night(source, RawStore(home), night.session, ask_everything=True, with_vintages=True)

    own = {"fetch": fetch, "notify": lambda *_: Told("nobody is told of a measurement")}
    steps = {field.name: own.get(field.name, getattr(Steps(), field.name)) for field in fields(Steps)}
    result = timed("night", run_night)(night, Steps(**{name: timed(name, work) for name, work in steps.items()}))

    copy = home.build / "next.duckdb"
    shutil.copyfile(home.published, copy)
    with duckdb.connect(str(copy)) as connection:
        timed("compare", compare_with_published)(connection, home.published, "next", None)
        sessions, warnings = connection.execute(
            "select (select count(*) from core.daily_hedge_inputs), count_if(not is_passed) from ops.check_results"
        ).fetchall()[0]
    rows = read_record(home, "growth")["rows"]
    found |= {"outcome": result.outcome, "warnings": warnings, "sessions": sessions, "rows": sum(rows.values())}
    print(json.dumps(found | {"file_mb": home.published.stat().st_size / 1e6}))


def growth_of(rows: list[dict[str, Any]], by: str, value: str) -> float:
    """Exponent of the growth between the two largest sizes: 1 is linear."""
    (small, large) = rows[-2:]
    return math.log(large[value] / small[value]) / math.log(large[by] / small[by])


def tell(by_years: list[dict[str, Any]], by_chain: list[dict[str, Any]], lost: list[str]) -> None:
    """Write the two series, their figure, and what grows faster than its input."""
    head = (
        "| {0} | sessions | raw, MB | fetch, s | land, s | build, s | checks, s | publish, s | report, s | night, s | "
        "on the clock, s | compare, s | peak, MB | file, MB |"
    )
    rule = "|---" * 14 + "|"
    goals = []
    for name, rows, by in (
        ("years of history", by_years, "years"),
        ("years of snapshots", [one for one in by_chain if one["chain_years"]], "chain_years"),
    ):
        if len(rows) > 1:
            rates = {part: growth_of(rows, by, f"{part}_cpu_s") for part in TOLD}
            rates |= {"memory": growth_of(rows, by, "night_peak_mb"), "file": growth_of(rows, by, "file_mb")}
            before, last = rows[-2:]
            more = last["build_cpu_s"] / before["build_cpu_s"]
            goals.append(
                Goal(
                    f"growth with {name}",
                    "at most linear",
                    ", ".join(f"{part} n^{rate:.2f}" for part, rate in rates.items()),
                    max(rates.values()) <= 1.1,
                    f"build of {last[by]} against {before[by]}: {more:.2f} times",
                )
            )
    draw(by_years)
    tables = [
        "\n".join([head.format(title), rule, *(_row(one, by) for one in rows)])
        for title, rows, by in (("years", by_years, "years"), ("years of snapshots", by_chain, "chain_years"))
    ]
    body = f"""
A night on which no file is new and all is built, against the years of simulated history: seconds of the processor by
step and in all, then on the clock; memory and the published file. `night` has besides the steps what is written down of
them. `compare`, how the next night holds its build against this one, is not in it.

{tables[0]}

![Time and memory against years of history](results/growth.svg)

The same {BASE_YEARS} years with nightly snapshots of the option chain:

{tables[1]}

{"Not measured: " + "; ".join(lost) + "." if lost else ""}

What would have to change, and at which size: [docs/scaling.md](../docs/scaling.md).
"""
    write_results("growth", "Growth", body, goals, {"by_years": by_years, "by_chain": by_chain})


def _row(one: dict[str, Any], by: str) -> str:
    steps = " | ".join(f"{one[f'{part}_cpu_s']:.1f}" for part in (*PARTS, "night"))
    return (
        f"| {one[by]} | {one['sessions']:,} | {one['raw_mb']:.0f} | {steps} | {one['night_s']:.1f} | "
        f"{one['compare_cpu_s']:.1f} | {one['night_peak_mb']:,.0f} | {one['file_mb']:.0f} |"
    )


def draw(rows: list[dict[str, Any]]) -> None:
    """Draw time and memory against years."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasSVG(figure)
    left, right = figure.subplots(1, 2)
    years = [one["years"] for one in rows]
    for part in TOLD:
        left.plot(years, [one[f"{part}_cpu_s"] for one in rows], marker="o", label=part)
    left.set(xlabel="years of history", ylabel="processor seconds", title="time")
    left.legend(frameon=False)
    right.plot(years, [one["night_peak_mb"] for one in rows], marker="o", color="tab:red", label="peak memory")
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
