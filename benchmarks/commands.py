"""How long the commands take that people type: a process each, imports and all.

python -m benchmarks.commands [--home DIR] [--repeats N]
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.harness import Command, Goal, alvh, run_in_turn, table_of, write_results
from benchmarks.homes import add_home_option, have_home

GOALS_S = {"alvh --help": 0.5, "alvh query": 0.5, "alvh status": 0.5, "alvh tables": 0.5, "alvh explain": 1.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_home_option(parser)
    parser.add_argument("--repeats", type=int, default=11)
    chosen = parser.parse_args()
    home = str(have_home(chosen.home))
    query = "select trade_date, contango_frac from mart.daily_term_structure order by trade_date desc limit 5"
    timings = run_in_turn(
        {
            "python -c pass": Command([sys.executable, "-c", "pass"]),
            "python -c 'import duckdb'": Command([sys.executable, "-c", "import duckdb"]),
            "python -c 'import pandas'": Command([sys.executable, "-c", "import pandas"]),
            "alvh --help": Command(alvh("--help")),
            "alvh query": Command(alvh("query", query, "--home", home)),
            "alvh status": Command(alvh("status", "--home", home)),
            "alvh tables": Command(alvh("tables", "--home", home)),
            "alvh explain": Command(alvh("explain", "--home", home)),
            "alvh positions": Command(alvh("positions", "--home", home)),
            "alvh ledger": Command(alvh("ledger", "--home", home)),
        },
        chosen.repeats,
    )
    alone = timings["python -c 'import duckdb'"].wall
    goals = [
        Goal(
            f"`{name}`",
            f"{most} s",
            f"{timings[name].wall:.2f} s",
            timings[name].wall <= most,
            if_missed=f"the interpreter and DuckDB alone: {alone:.2f} s",
        )
        for name, most in GOALS_S.items()
    ]
    body = f"""
Three things that no command can do without are timed beside them: the interpreter, DuckDB, and (for those that compute)
pandas.

{table_of(timings)}
"""
    write_results("commands", "Commands", body, goals, {"timings": timings}, ("duckdb", "typer", "pandas"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
