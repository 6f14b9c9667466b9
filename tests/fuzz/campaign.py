"""Fuzz every target with every engine there is for a time, and write what came of it into `docs/fuzzing.md`.

    python -m tests.fuzz.campaign [--seconds N] [--seed N] [TARGET ...]

Ends with 1 where something was found; each find is left under `tests/fuzz/found/`, to be mended and then moved to
`tests/fuzz/cases/<target>/`. What was not run this time keeps its row in the table.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COUNTS = HERE / "counts.json"
PAGE = ROOT / "docs" / "fuzzing.md"
BEGIN, END = "<!-- counts -->", "<!-- end of counts -->"
FOUND = HERE / "found"


def run_engine(target: str, engine: str, seconds: float, seed: int) -> dict[str, Any]:
    """Run one engine on one target in a process of its own, so that a crash of the interpreter is a find too."""
    command = [sys.executable, "-m", "tests.fuzz.engine", target, "--engine", engine]
    command += ["--seconds", str(seconds), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {
            "tried": 0,
            "finds": {f"the process ended with {done.returncode}": ""},
            "covered": None,
            "log": done.stderr,
        }
    return found


def keep_finds(target: str, engine: str, found: Mapping[str, Any]) -> None:
    """Leave the inputs of finds where a person looks for them."""
    for number, (what, body) in enumerate(sorted(found["finds"].items())):
        folder = FOUND / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{engine}-{number}").write_bytes(bytes.fromhex(body))
        (folder / f"{engine}-{number}.txt").write_text(f"{what}\n{found.get('log', '')}")


def render_page(page: str, counts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page with the table of counts."""
    rows = [
        "| target | engine | inputs tried | seconds | edges covered | open finds | run on |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for row in (counts[key] for key in sorted(counts)):
        edges = f"{row['edges']:,}" if row["edges"] is not None else ""
        rows.append(
            f"| `{row['target']}` | {row['engine']} | {row['tried']:,} | {row['seconds']:g} | {edges} | {row['finds']} "
            f"| {row['on']} |"
        )
    total = sum(row["tried"] for row in counts.values())
    rows += ["", f"{total:,} inputs in all, in the newest run of each row."]
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n" + "\n".join(rows) + f"\n{END}{rest.split(END)[1]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, count and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    from tests.fuzz.table import TARGETS

    names = given.targets or [target.name for target in TARGETS]
    engines = ["mutation"]
    if importlib.util.find_spec("atheris"):
        engines.append("atheris")
    else:
        print("atheris is not installed (pip install '.[fuzz]'): mutation only", file=sys.stderr)
    counts: dict[str, dict[str, Any]] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    known = {target.name for target in TARGETS}
    counts = {key: row for key, row in counts.items() if row["target"] in known}
    is_clean = True
    for name in names:
        for engine in engines:
            found = run_engine(name, engine, given.seconds, given.seed)
            keep_finds(name, engine, found)
            is_clean &= not found["finds"]
            counts[f"{name} {engine}"] = {
                "target": name,
                "engine": engine,
                "tried": found["tried"],
                "seconds": given.seconds,
                "edges": (found["covered"] or {}).get("edges"),
                "finds": len(found["finds"]),
                "on": f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}",
            }
            print(f"{name:<18} {engine:<9} {found['tried']:>9,} inputs, {len(found['finds'])} found", flush=True)
            COUNTS.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
            PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8"), counts), encoding="utf-8")
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
