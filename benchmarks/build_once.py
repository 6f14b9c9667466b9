"""One rebuild and nothing else: from the raw store of a home to a finished, checked file. Prints its seconds.

python -m benchmarks.build_once HOME OUT
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PANEL = "core.daily_vx_settlements"
"""The table that others make of the same files; ours has each line judged, and what was refused beside it."""


def main() -> None:
    home, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.unlink(missing_ok=True)
    started = time.perf_counter()
    from warehouse import models
    from warehouse.build import build_warehouse, open_build
    from warehouse.checks import require_no_errors, run_sql_checks, write_results
    from warehouse.home import Home

    count, there = models.count_rows, {}

    def count_and_note(connection: Any, table: str) -> int:
        there[table] = time.perf_counter()
        return count(connection, table)

    models.count_rows = count_and_note
    imported = time.perf_counter()
    built = build_warehouse(Home(home), out, run_id="bench", today=datetime.now(UTC).date(), due_session=None)
    done = time.perf_counter()
    with open_build(out) as connection:
        results = run_sql_checks(connection)
        write_results(connection, "bench", results)
    require_no_errors(results)
    checked = time.perf_counter()
    seconds = {"import": imported - started, "build": done - imported, "check": checked - done}
    seconds["panel"] = there[PANEL] - imported
    print(json.dumps({"rows": sum(built.rows.values()), "checks": len(results), **seconds}))


if __name__ == "__main__":
    main()
