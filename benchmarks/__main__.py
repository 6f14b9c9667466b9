"""Run every measurement and join what they wrote: ``python -m benchmarks [SUBJECT ...]``.

Without subjects all of them are run, which takes the better part of an hour; ``--join`` only joins what is there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import RESULTS, ROOT

SUBJECTS = ("rebuild", "night", "commands", "report", "audit", "sweep", "pricing", "growth")
"""In the order of the goals."""

HEAD = """# Measurements

Made by `make bench`; each section by `python -m benchmarks.<name>`, which says what it needs. Medians of alternating
runs, with the spread. Single figures are in `results/*.json`. No test has a time limit: these pages are where speed is
looked at.

"""


def main(arguments: list[str]) -> int:
    wanted = [name for name in arguments if not name.startswith("-")] or list(SUBJECTS)
    failed = []
    if "--join" not in arguments:
        for name in wanted:
            print(f"== {name}", flush=True)
            if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, check=False).returncode:
                failed.append(name)
    join()
    for name in failed:
        print(f"{name}: not measured, see above", file=sys.stderr)
    return 1 if failed else 0


def kept_file(name: str) -> Path:
    """What was gained by which change of a subject: written by hand, when the change was made."""
    return RESULTS / f"{name}_kept.md"


def join() -> None:
    """Write RESULTS.md: the goals in one table, then the sections."""
    rows, sections = [], []
    for name in SUBJECTS:
        if not (RESULTS / f"{name}.json").exists():
            rows.append(f"| {name} | | not measured yet | |")
            continue
        measured = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        for goal in measured["goals"]:
            met = {True: "yes", False: "**no**", None: "not measured"}[goal["is_met"]]
            rows.append(f"| {goal['what']} | {goal['goal']} | {goal['result']} | {met} | {goal['why']} |")
        sections += [
            path.read_text(encoding="utf-8") for path in (RESULTS / f"{name}.md", kept_file(name)) if path.exists()
        ]
    table = "\n".join(["| what | goal | result | met | |", "|---|---|---|---|---|", *rows])
    text = f"{HEAD}## Goals and results\n\n{table}\n\n" + "\n".join(sections)
    (RESULTS.parent / "RESULTS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
