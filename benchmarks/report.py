"""How long a report takes to render, with its imports, and how large it is.

python -m benchmarks.report [--home DIR] [--repeats N]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from benchmarks.harness import Command, Goal, ask, run_in_turn, table_of, write_results
from benchmarks.homes import add_home_option, have_home


def render_once(home: Path) -> dict[str, float]:
    """Render the newest session's report in this process; seconds of each part, and the sizes."""
    parts: dict[str, float] = {}
    last = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal last
        now = time.perf_counter()
        parts[name], last = now - last, now

    from warehouse.home import Home
    from warehouse.query import open_published
    from warehouse.report_data import latest_session, read_report_inputs
    from warehouse.run_log import published_run

    lap("import what reads")
    opened = Home(home)
    with open_published(opened) as connection:
        run = published_run(opened, connection)
        inputs = read_report_inputs(connection, latest_session(connection), run.run, run.failures)
    lap("read")
    from transforms.report.context import build_report_context
    from transforms.report.render import render_html, render_json, render_markdown

    lap("import what draws")
    context = build_report_context(inputs)
    lap("compute")
    written, text = render_json(context), render_markdown(context)
    lap("JSON and Markdown")
    page = render_html(context)
    lap("page and its drawings")
    sizes = {"html": len(page.encode()), "json": len(written.encode()), "md": len(text.encode())}
    return {**parts, **{f"{name}_bytes": float(size) for name, size in sizes.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_home_option(parser)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--once", action="store_true", help="render here and print the parts as JSON")
    chosen = parser.parse_args()
    home = have_home(chosen.home)
    if chosen.once:
        print(json.dumps(render_once(home)))
        return 0
    argv = [sys.executable, "-m", "benchmarks.report", "--once", "--home", str(home)]
    timings = run_in_turn({"report": Command(argv)}, chosen.repeats)
    said = [ask(argv) for _ in range(chosen.repeats)]
    middle = {name: statistics.median(one[name] for one in said) for name in said[0]}
    rows = "\n".join(f"| {name} | {value:.2f} |" for name, value in middle.items() if not name.endswith("_bytes"))
    page, one = middle["html_bytes"] / 1e6, timings["report"]
    body = f"""
The newest session's page, Markdown and JSON, from a process that has nothing loaded.

{table_of(timings)}

| part | s |
|---|---|
{rows}

Page {page:.2f} MB, JSON {middle["json_bytes"] / 1e6:.2f} MB, Markdown {middle["md_bytes"] / 1e6:.2f} MB.
"""
    goals = [
        Goal(
            "report with its imports",
            "2 s",
            f"{one.wall:.1f} s",
            one.wall <= 2,
            if_missed="sixteen drawings by a plotting library (each chart for a desk and for a phone), and its import",
        ),
        Goal("size of the page", "1 MB", f"{page:.2f} MB", page <= 1),
    ]
    packages = ("duckdb", "pandas", "matplotlib", "jinja2")
    write_results("report", "Report", body, goals, {"timings": timings, "parts": said}, packages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
