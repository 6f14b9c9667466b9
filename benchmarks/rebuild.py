"""How long a rebuild takes beside the scripts that people write for its first part, the panel of settlements.

    python -m benchmarks.rebuild [--archive DIR] [--repeats N] [--without-vix-utils]

The archive is one as ``alvh nightly --archive`` reads; by default the real files, where they are. Its files are landed
in a raw store once. Then each case runs as a process of its own, in turn: the whole rebuild (parse, build, SQL checks,
one finished file; no Prefect, no Great Expectations), and four ways to the panel alone (dates, settlements, rank by
expiry). vix_utils runs in an environment of its own, with the pandas it is made for.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.build_once import PANEL
from benchmarks.harness import (
    Command,
    Goal,
    Timing,
    ask,
    have_environment,
    real_archive,
    run_in_turn,
    table_of,
    write_results,
)
from benchmarks.rivals import files

_MORE = "the panel is one table of five columns; the rebuild makes 94 tables, the hedge and its ledger among them"
RIVALS = ("panel_duckdb", "panel_pandas", "panel_pandas_loop")


def land(archive: Path, home: Path) -> None:
    """Fill a raw store with everything of an archive."""
    from flows.fetch import fetch_night
    from flows.sources.archive import ArchiveSource
    from transforms import calendar
    from warehouse.home import Home
    from warehouse.raw_store import RawStore

    opened = Home(home)
    opened.prepare()
    session = calendar.latest_closed_session(datetime.now(UTC))
    fetch_night(ArchiveSource(archive), RawStore(opened), session, ask_everything=True, with_vintages=True, home=home)


def lay_out_vix_utils(archive: Path, folder: Path) -> None:
    """Lay the contract files out as vix_utils downloads them."""
    parts = {name: folder / "futures" / "download" / name for name in ("weekly", "monthly", "archive_monthly")}
    for part in parts.values():
        part.mkdir(parents=True)
    monthly = files.list_monthly_files(archive)
    for path in (archive / files.CURRENT).glob("VX_*.csv"):
        expiry = path.stem[3:]
        shutil.copyfile(path, parts["weekly"] / f"{expiry}.w_.CFE_VX_{expiry[:4]}.csv")
        if str(path) in monthly:
            shutil.copyfile(path, parts["monthly"] / f"{expiry}.m_{int(expiry[5:7])}.CFE_VX_{expiry[:4]}.csv")
    for path in (archive / files.ARCHIVE).glob("CFE_*_VX.csv"):
        expiry = monthly[str(path)]
        if expiry > "2013-02":
            continue  # it downloads the archive to 2013 only
        lines = path.read_text(encoding="latin-1").splitlines()
        first = next(number for number, line in enumerate(lines) if line.startswith("Trade Date,"))
        body = [",".join(line.split(",")[:11]).strip() for line in lines[first:]]
        target = parts["archive_monthly"] / f"{expiry}.m_{int(expiry[5:7])}.CFE_VX_{path.stem[4]}{expiry[:4]}.csv"
        target.write_text("\n".join(body) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, default=real_archive())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--without-vix-utils", action="store_true")
    chosen = parser.parse_args()
    if chosen.archive is None:
        print("no archive: give one with --archive, or the real files with ALVH_REAL_DATA", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        return measure(chosen.archive.resolve(), Path(folder), chosen.repeats, not chosen.without_vix_utils)


def measure(archive: Path, work: Path, repeats: int, with_vix_utils: bool) -> int:
    land(archive, work / "home")
    listing = work / "listing.json"
    listing.write_text(json.dumps(files.list_monthly_files(archive)), encoding="utf-8")
    # Rivals write where ours does: on the same disk.
    cases: dict[str, Command] = {
        "alvh: whole rebuild": Command(
            [sys.executable, "-m", "benchmarks.build_once", work / "home", work / "ours.duckdb"]
        )
    }
    for name in RIVALS:
        script = f"from pathlib import Path; Path({str(work / name)!r}).unlink(missing_ok=True)"
        run = f"{script}; import sys; sys.argv[1:] = {[str(listing), str(work / name)]!r}"
        cases[name] = Command([sys.executable, "-c", f"{run}; from benchmarks.rivals.{name} import main; main()"])
    timings = run_in_turn(cases, repeats)
    parts = [
        ask([sys.executable, "-m", "benchmarks.build_once", work / "home", work / "ours.duckdb"]) for _ in range(3)
    ]
    if with_vix_utils:
        timings |= time_vix_utils(archive, work)
    ours, bare = timings["alvh: whole rebuild"], timings["panel_duckdb"]
    split = {name: sorted(part[name] for part in parts)[1] for name in ("import", "build", "check", "panel")}
    inner = split["build"] + split["check"]
    goals = [
        Goal(
            "rebuild from the raw store to a checked file",
            "2 s, 400 MB",
            f"{inner:.1f} s (whole process {ours.wall:.1f} s), {ours.peak or 0:,.0f} MB",
            inner <= 2 and (ours.peak or 0) <= 400,
            if_missed="the file holds the hedge's walk, its valuation, the signals and the readings too, not the panel",
        ),
        Goal(
            "whole rebuild against a bare DuckDB panel",
            "3x",
            f"{ours.wall / bare.wall:.1f}x",
            ours.wall <= 3 * bare.wall,
            if_missed=_MORE,
        ),
        *(
            Goal(
                f"whole rebuild against {name}",
                "faster",
                f"{ours.wall / timings[name].wall:.1f}x its time",
                ours.wall < timings[name].wall,
                if_missed=_MORE,
            )
            for name in RIVALS[1:]
        ),
    ]
    cold, again = timings.get("vix_utils, first time"), timings.get("vix_utils, again")
    told, is_met = "no environment with it", None
    if cold is not None and again is not None:
        told = f"{cold.wall / ours.wall:.1f}x its first run, {again.wall / ours.wall:.1f}x its second"
        is_met = cold.wall >= 10 * ours.wall
    goals.append(Goal("whole rebuild against vix_utils' panel", "10x faster", told, is_met, if_missed=_MORE))
    body = f"""
{len(json.loads(listing.read_text()))} monthly contract files of the archive, and for the whole rebuild its weeklies,
indices, rates, breadth and option snapshot. Every panel is held to {files.ROWS:,} rows of {files.SESSIONS:,} sessions.

{table_of(timings, "panel_duckdb")}

Of the whole rebuild: imports {split["import"]:.1f} s, build {split["build"]:.1f} s, {parts[0]["checks"]} SQL checks
{split["check"]:.1f} s; {parts[0]["rows"]:,} rows of all tables. The table that the rivals make, `{PANEL}`,
is there {split["panel"]:.1f} s after the build begins: sessions and expiries known, every line of every file judged,
and what was refused kept beside it.
"""
    write_results("rebuild", "Rebuild", body, goals, {"timings": timings, "parts": parts})
    return 0


def time_vix_utils(archive: Path, work: Path) -> dict[str, Timing]:
    """Time vix_utils on a new folder, and on the pickles that it leaves for the contracts that have expired."""
    python = have_environment("vix-utils")
    found: dict[str, Timing] = {}
    if python is None:
        return found
    for repeat in range(2):
        folder = work / f"vix_utils_{repeat}"
        lay_out_vix_utils(archive, folder)
        script = Path(__file__).resolve().parent / "rivals" / "panel_vix_utils.py"
        for name in ("vix_utils, first time", "vix_utils, again"):
            (timing,) = run_in_turn({name: Command([python, script, folder])}, repeats=1, warm_ups=0).values()
            kept = found.setdefault(name, Timing(name))
            kept.wall_s += timing.wall_s
            kept.cpu_s += timing.cpu_s
            kept.peak_mb += timing.peak_mb
    return found


if __name__ == "__main__":
    sys.exit(main())
