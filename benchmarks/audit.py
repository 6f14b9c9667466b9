"""How long `alvh audit` takes, on a copy of a published home.

python -m benchmarks.audit [--home DIR] [--repeats N]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Command, alvh, run_in_turn, table_of, write_results
from benchmarks.homes import add_home_option, have_home


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_home_option(parser)
    parser.add_argument("--repeats", type=int, default=2)
    chosen = parser.parse_args()
    home = have_home(chosen.home)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("sweeps", "raw", "audit"))
        timings = run_in_turn({"alvh audit": Command(alvh("audit", "--home", str(copy)))}, chosen.repeats, warm_ups=0)
    body = f"Every policy, reading and benchmark, walked twice, judged and written.\n\n{table_of(timings)}"
    write_results("audit", "Audit", body, (), {"timings": timings})
    return 0


if __name__ == "__main__":
    sys.exit(main())
