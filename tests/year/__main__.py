"""``python -m tests.year FOLDER``: live the year, or go on with it, and write what came of it.

Each session is a line of ``FOLDER/year.jsonl``. Broken off, it goes on with the next one when it is started again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from tests.year.life import Year
from tests.year.nights import KEEP
from tests.year.record import Lived, Plan
from tests.year.server import PATIENCE, NotingServer
from tests.year.watch import Reader


@contextmanager
def begin(folder: Path, plan: Plan, *, read_every: float = 0.0) -> Iterator[Year]:
    """Have a year to live in a folder, with its publishers' server and, where asked for, its reader."""
    (folder / "archive").mkdir(parents=True, exist_ok=True)
    kept = dict(os.environ)
    try:
        with NotingServer(folder / "archive") as server:
            os.environ |= {f"ALVH_HTTP_{name}": text for name, text in PATIENCE.items()}
            os.environ |= {f"ALVH_KEEP_{name}": text for name, text in KEEP.items()}
            os.environ["ALVH_HTTP_MIRROR_URL"] = server.url
            if read_every:
                with Reader(folder / "home", folder / "reader", read_every) as reader:
                    yield Year(folder, plan, server, reader)
            else:
                yield Year(folder, plan, server)
    finally:
        os.environ.clear()
        os.environ.update(kept)


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m tests.year", description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--sessions", type=int, default=Plan.sessions)
    options.add_argument("--seed", type=int, default=Plan.seed)
    options.add_argument("--first", type=date.fromisoformat, default=Plan.first, help="first session of the market")
    options.add_argument("--begin", type=date.fromisoformat, default=Plan.begin, help="session of the first night")
    options.add_argument("--calm-mornings", type=int, default=1, metavar="N", help="reconcile every Nth calm session")
    options.add_argument("--retries", type=int, nargs="*", default=Plan.retries, help="which hourly retries are run")
    options.add_argument("--read-every", type=float, default=1.0, help="seconds between two reads of the reader")
    chosen = options.parse_args(arguments)
    plan = Plan(
        first=chosen.first,
        begin=chosen.begin,
        sessions=chosen.sessions,
        seed=chosen.seed,
        calm_mornings=chosen.calm_mornings,
        retries=tuple(chosen.retries),
    )
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        begin(chosen.folder, plan, read_every=chosen.read_every) as year,
    ):
        shown, sys.stdout = sys.stdout, nowhere
        started = time.monotonic()
        for lived in year.live():
            print(_line(lived, time.monotonic() - started), file=shown, flush=True)
        done = year.finish()
        print({name: done[name] for name in ("verify", "same values")}, file=shown)
    return 0


def _line(lived: Lived, seconds: float) -> str:
    ended = " ".join(str(one.code) for one in lived.tried)
    kinds = ", ".join(event["kind"] for event in lived.events)
    bad = " ".join([*lived.violations, *lived.lost_bodies, *lived.bad_reads])
    sorts = sorted({entry["sort"] for entry in lived.wrong})
    cpu = sum(one.cpu for one in lived.tried)
    return f"{seconds:6.0f} s  {lived.session}  {ended:12} {cpu:5.1f} cpu  {kinds} {sorts or ''} {bad}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
