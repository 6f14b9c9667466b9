"""Run one night in a process of its own that kills itself at a named instant: SIGKILL, so nothing is cleaned up."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import flows.fetch
import flows.policies
import warehouse.publish
import warehouse.reports
from flows import steps
from flows.run import Steps, run_night
from tests.support.nights import QUICK, Trader
from warehouse.home import Home
from warehouse.run_log import run_id_of


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(step: Callable[..., Any], *, before: bool = False) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        if before:
            die()
        result = step(*args)
        die()
        return result

    return run


def dying_during(step: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        threading.Timer(seconds, die).start()
        return step(*args)

    return run


def dying_after_calls(module: Any, name: str, calls: int) -> None:
    """Make the n-th call of a function the last thing the process does."""
    original, seen = getattr(module, name), [0]

    def counted(*args: Any, **kwargs: Any) -> Any:
        seen[0] += 1
        if seen[0] > calls:
            die()
        return original(*args, **kwargs)

    setattr(module, name, counted)


INSTANTS: dict[str, Callable[[], Steps]] = {
    "after-fetch": lambda: replace(QUICK, fetch=dying(QUICK.fetch)),
    "after-land": lambda: replace(QUICK, land=dying(steps.land_step)),
    "during-build": lambda: replace(QUICK, build=dying_during(steps.build_step, 0.4)),
    "after-build": lambda: replace(QUICK, build=dying(steps.build_step)),
    "after-check": lambda: replace(QUICK, check=dying(QUICK.check)),
    "before-publish": lambda: replace(QUICK, publish=dying(steps.publish_step, before=True)),
    "after-publish": lambda: replace(QUICK, publish=dying(steps.publish_step)),
    "after-report": lambda: replace(QUICK, report=dying(steps.report_step)),
}


def _patched(module: Any, name: str, calls: int) -> Callable[[], Steps]:
    def make() -> Steps:
        dying_after_calls(module, name, calls)
        return QUICK

    return make


INSTANTS |= {
    "between-two-files": _patched(flows.fetch, "_answer", 20),
    "before-the-swap": _patched(warehouse.publish, "replace_durably", 0),
    "between-swap-and-pruning": _patched(warehouse.publish, "prune_earlier", 0),
    "between-two-report-files": _patched(warehouse.reports, "write_atomically", 2),
}


def _dying_behind(module: Any, name: str) -> Callable[[], Steps]:
    def make() -> Steps:
        original = getattr(module, name)

        def run(*args: Any, **kwargs: Any) -> Any:
            original(*args, **kwargs)
            die()

        setattr(module, name, run)
        return QUICK

    return make


POLICY_INSTANTS = {
    "before-the-first-policy-is-signed": _patched(flows.policies, "first_run", 0),
    "before-the-night-is-on-record": _patched(flows.policies, "record_night", 0),
    "before-the-run-record-keeps-the-head": _dying_behind(flows.policies, "record_night"),
}


def run_and_die(trader: Trader, instant: str) -> None:
    """Run the trader's next night until it kills itself.

    Its process is forked from one that has the imports behind it and nothing else: they take longer than a night of
    the tests does until most instants.
    """
    night = trader.night()
    trouble = trader.home.path.with_name("trouble.txt")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(
        target=_run, args=(str(trader.home.path), str(trader.archive), night.now, instant, str(trouble))
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, trouble.read_text()[-2000:]


def _run(home: str, archive: str, now: datetime, instant: str, trouble: str) -> None:
    with open(trouble, "w") as told:  # noqa: PTH123 - a stream, not a path
        sys.stdout = sys.stderr = told
        try:
            trader = Trader(Home(Path(home)), Path(archive), now)
            run_night(trader.night(now=now, run_id=run_id_of(now)), {**INSTANTS, **POLICY_INSTANTS}[instant]())
            told.write("the night lived")
        except BaseException:
            traceback.print_exc(file=told)
            raise
