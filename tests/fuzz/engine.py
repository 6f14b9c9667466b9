"""Trying inputs on one target: mutation of seeds, or guided by coverage where `atheris` is installed.

    python -m tests.fuzz.engine TARGET --engine mutation|atheris --seconds N [--seed N]

Prints one line of JSON: how many inputs were tried, the finds, and what was covered where the engine knows.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fuzz.targets import Target

LONGEST_SECONDS = 30
"""An input that takes longer hangs: the slowest good one takes a hundredth."""
ENGINES = ("mutation", "atheris")
_STATS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


class HangError(Exception):
    """A target does not come back."""


@contextmanager
def bounded(seconds: int = LONGEST_SECONDS) -> Iterator[None]:
    """Raise where what is inside does not come back. Of the main thread only, as signals are."""

    def stop(*_: object) -> None:
        raise HangError(f"no answer in {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def find_target(name: str) -> Target:
    """Return a target by name."""
    from tests.fuzz.targets import PURE

    found = [one for one in PURE if one.name == name]
    if not found:
        from tests.fuzz.files import IN_HOMES  # their seeds take seconds to make

        found = [one for one in IN_HOMES if one.name == name]
    return found[0]


def mutate(target: Target, rng: Random) -> bytes:
    """Make an input: a seed with edits, or words in any order."""
    from tests.fuzz.edits import apply_edits, build_sentence, draw_edits

    if target.speaks and rng.random() < 0.5:
        return build_sentence(rng, target.words)
    return apply_edits(rng.choice(target.seeds), draw_edits(rng), target.words, target.seeds)


def run_mutation(target: Target, seconds: float, seed: int) -> dict[str, Any]:
    """Try edited seeds for a time. Finds of one place in the code count once, with the shortest input."""
    rng, tried, finds = Random(seed), 0, {}  # the same seed tries the same inputs
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        body = mutate(target, rng)
        tried += 1
        try:
            with bounded():
                target.run(body)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            known = finds.get(key)
            if known is None or len(body) < len(known):
                finds[key] = body
    return {"tried": tried, "finds": {key: body.hex() for key, body in finds.items()}, "covered": None}


def run_atheris(name: str, seconds: float) -> dict[str, Any]:
    """Try inputs that reach more of the code, in a process of its own: the engine ends the process it runs in."""
    with tempfile.TemporaryDirectory(prefix="alvh-atheris-") as folder:
        command = [sys.executable, "-m", "tests.fuzz.guided", name, folder, str(max(1, int(seconds)))]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        # A slow unit is no find: what hangs is told as a timeout.
        left = [path for path in sorted(Path(folder).glob("find-*")) if not path.name.startswith("find-slow-unit")]
        finds = {path.name: path.read_bytes().hex() for path in left}
    stats, covered = _STATS.search(done.stderr), _COVERED.findall(done.stderr)
    if stats is None:
        raise RuntimeError(f"atheris gave no count of inputs: {done.stderr[-2000:]}")
    return {
        "tried": int(stats[1]),
        "finds": finds,
        "covered": {"edges": int(covered[-1][0]), "features": int(covered[-1][1])} if covered else None,
        "log": done.stderr[-3000:] if finds else "",
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one engine on one target."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--engine", choices=ENGINES, default="mutation")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    if given.engine == "atheris":
        found = run_atheris(given.target, given.seconds)
    else:
        found = run_mutation(find_target(given.target), given.seconds, given.seed)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
