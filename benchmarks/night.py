"""How long a night takes beside an empty Prefect flow with as many tasks.

    python -m benchmarks.night [--archive DIR] [--repeats N]

Four nights on an offline archive (the real files, else a simulated market): the first one of an empty home, one with
nothing new, which lets stand what is published, one that builds all the same, and the empty flow; each as a process,
with the temporary server that Prefect starts where there is none and the database that it keeps in its home, and again
on a server that runs. Everything is kept in a folder that is thrown away: the user's Prefect home is not touched.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.harness import Command, Goal, Timing, alvh, real_archive, run_in_turn, table_of, write_results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, default=real_archive())
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        source = ["--source", "sample"]
        if chosen.archive is not None:
            source = ["--source", "archive", "--archive", str(chosen.archive.resolve())]
        kept = {"PREFECT_HOME": str(work / "prefect")}
        first = run_in_turn({"first night, empty home": _night(work / "home", source, kept)}, repeats=1, warm_ups=0)
        temporary = run_in_turn(_cases(work / "home", source, kept, "temporary server"), chosen.repeats)
        from flows.prefect_server import prefect_server

        with prefect_server() as url:
            running = run_in_turn(
                _cases(work / "home", source, {**kept, "PREFECT_API_URL": url}, "running server"), chosen.repeats
            )
    return tell(first | temporary | running)


def _night(home: Path, source: list[str], env: Mapping[str, str], *more: str) -> Command:
    # A degraded night ends with 3: what is missing in an archive is no failure of the measurement.
    script = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]) not in (0, 3))"
    return Command([sys.executable, "-c", script, *alvh("nightly", *source, "--home", str(home), *more)], env)


def _cases(home: Path, source: list[str], env: Mapping[str, str], where: str) -> dict[str, Command]:
    return {
        f"empty flow, {where}": Command([sys.executable, "-m", "benchmarks.empty_flow"], env),
        f"nothing new, {where}": _night(home, source, env),
        f"built all the same, {where}": _night(home, source, env, "--rebuild"),
    }


def tell(timings: Mapping[str, Timing]) -> int:
    empty, idle = timings["empty flow, temporary server"], timings["nothing new, temporary server"]
    first, served = timings["first night, empty home"], timings["nothing new, running server"]
    goals = [
        Goal(
            "night with nothing new, temporary server",
            "1.3x an empty flow",
            f"{idle.wall / empty.wall:.2f}x ({idle.wall:.1f} s against {empty.wall:.1f} s)",
            idle.wall <= 1.3 * empty.wall,
        ),
        Goal("night with nothing new, running server", "10 s", f"{served.wall:.1f} s", served.wall <= 10),
        Goal(
            "first report from an empty home",
            "60 s",
            f"{first.wall:.1f} s",
            first.wall <= 60,
            if_missed="the build is a third of it; storing each file so that it survives a power cut, "
            "checks and report are a tenth each; the rest is Prefect's server and its new database",
        ),
    ]
    body = f"""
Tasks of the empty flow: as many as a night has. A night that builds all the same (`--rebuild`) is what an evening with
new settlements costs, its requests apart.

{table_of(timings, "empty flow, temporary server")}
"""
    packages = ("prefect", "great-expectations", "duckdb", "pandas")
    write_results("night", "Night", body, goals, {"timings": timings}, packages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
