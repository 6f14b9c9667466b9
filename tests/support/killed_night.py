"""Run one night in a process of its own that kills itself at a named point: SIGKILL, so nothing is cleaned up."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import flows.fetch
import flows.notify
import flows.policies
import flows.run
import flows.site
import transforms.report.context  # so that the process that nights are forked from has it
import transforms.report.render  # noqa: F401 - the same
import warehouse.build
import warehouse.publish
import warehouse.raw_store
import warehouse.reports
import warehouse.site
from flows import steps
from flows.night import Night
from flows.run import Steps, run_night
from tests.support import nights
from tests.support.kept_build import first_steps, kept_steps
from tests.support.nights import QUICK, Trader, build_without_comments
from transforms.errors import PipelineError
from warehouse.home import Home
from warehouse.run_log import run_id_of

NOBODY = "json://127.0.0.1:9"
"""A receiver that is not there: nights at whose notice a test kills are killed before they ask."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Point:
    """A point of a night at which it is killed.

    Attributes
    ----------
    said
        What the record says of it; empty where there is no record yet.
    arm
        Takes the steps of a night and returns those that kill it; it may patch what they call.
    is_published
        Whether the swap is behind it.
    is_inside_build
        Whether only a night that builds comes to it.
    """

    said: str
    arm: Callable[[Steps], Steps]
    is_published: bool = False
    is_inside_build: bool = False


def _field(name: str, *, before: bool) -> Callable[[Steps], Steps]:
    """Kill before, or behind, a step that a night is given."""

    def arm(do: Steps) -> Steps:
        step = getattr(do, name)

        def run(*args: Any) -> Any:
            if before:
                die()
            step(*args)
            die()

        return replace(do, **{name: run})

    return arm


def _calls(module: Any, name: str, calls: int) -> Callable[[Steps], Steps]:
    """Kill instead of the call of a function after so many calls of it."""

    def arm(do: Steps) -> Steps:
        original, seen = getattr(module, name), [0]

        def counted(*args: Any, **kwargs: Any) -> Any:
            seen[0] += 1
            if seen[0] > calls:
                die()
            return original(*args, **kwargs)

        setattr(module, name, counted)
        return do

    return arm


def _behind(module: Any, name: str) -> Callable[[Steps], Steps]:
    """Kill behind the first call of a function."""

    def arm(do: Steps) -> Steps:
        original = getattr(module, name)

        def run(*args: Any, **kwargs: Any) -> Any:
            original(*args, **kwargs)
            die()

        setattr(module, name, run)
        return do

    return arm


def _in_site(arm: Callable[[Steps], Steps]) -> Callable[[Steps], Steps]:
    """Have the night write its site, which nights of the tests leave out, and kill there."""

    def both(do: Steps) -> Steps:
        report = do.report

        def run(night: Night, as_of: Any, is_latest: bool, record: Any) -> Any:
            written = report(night, as_of, is_latest, record)
            flows.site.refresh_site(night.home, [as_of])
            return written

        return arm(replace(do, report=run))

    return both


def _around(name: str, said: str, *, is_published: bool = False) -> dict[str, Point]:
    return {
        f"before-{name}": Point(said, _field(name, before=True), is_published),
        f"after-{name}": Point(said, _field(name, before=False), is_published),
    }


def _around_call(name: str, said: str, *, is_published: bool = False) -> dict[str, Point]:
    return {
        f"before-{name}": Point(said, _calls(steps, f"{name}_step", 0), is_published),
        f"after-{name}": Point(said, _behind(steps, f"{name}_step"), is_published),
    }


POINTS: dict[str, Point] = {
    "before-the-lock-is-noted": Point("", _calls(warehouse.publish, "write_atomically", 0)),
    "before-there-is-a-record": Point("", _calls(flows.run, "sweep_builds", 0)),
    "before-the-first-step": Point("broken off before its first step", _calls(flows.run, "_run", 0)),
    **_around_call("policy", "broken off during policy"),
    "during-policy": Point("broken off during policy", _calls(flows.policies, "adopted_policies", 0)),
    **_around("fetch", "broken off during fetch"),
    "between-two-files": Point("broken off during fetch", _calls(flows.fetch, "_answer", 20)),
    "between-a-file-and-its-sidecar": Point(
        "broken off during fetch", _calls(warehouse.raw_store, "write_atomically", 1)
    ),
    "between-sidecar-and-order": Point("broken off during fetch", _calls(warehouse.raw_store, "_append_line", 0)),
    **_around("land", "broken off during land"),
    "during-land": Point("broken off during land", _calls(steps, "require_inputs", 0)),
    **_around("build", "broken off during build"),
    "during-build": Point("broken off during build", _calls(warehouse.build, "build_hedge", 0), is_inside_build=True),
    **_around("check", "broken off during check"),
    "during-check": Point("broken off during check", _calls(nights, "write_results", 0)),
    **_around_call("assess", "broken off after check"),
    "during-assess": Point("broken off after check", _calls(steps, "compare_with_published", 0)),
    **{name: replace(point, is_published=name == "after-publish")
       for name, point in _around("publish", "broken off during publish").items()},
    "before-the-earlier-is-kept": Point("broken off during publish", _calls(warehouse.publish, "_keep_earlier", 0)),
    "before-the-swap": Point("broken off during publish", _calls(warehouse.publish, "replace_durably", 0)),
    "between-swap-and-pruning": Point(
        "broken off during publish", _calls(warehouse.publish, "prune_earlier", 0), is_published=True
    ),
    **_around_call("record", "broken off after publish", is_published=True),
    "during-record": Point("broken off after publish", _calls(flows.policies, "record_night", 0), is_published=True),
    **_around("report", "broken off during report", is_published=True),
    "between-two-report-files": Point(
        "broken off during report", _calls(warehouse.reports, "write_atomically", 2), is_published=True
    ),
    "before-site": Point(
        "broken off during report", _in_site(_calls(flows.site, "refresh_site", 0)), is_published=True
    ),
    "between-two-pages": Point(
        "broken off during report", _in_site(_calls(warehouse.site, "_write", 5)), is_published=True
    ),
    "after-site": Point("broken off during report", _in_site(_behind(flows.site, "refresh_site")), is_published=True),
    **_around("notify", "broken off during notify", is_published=True),
    "before-the-message": Point("broken off during notify", _calls(flows.notify, "deliver_all", 0), is_published=True),
    "before-pruning": Point("broken off after notify", _calls(steps, "prune_step", 0), is_published=True),
    "after-pruning": Point("broken off after notify", _behind(steps, "prune_step"), is_published=True),
}  # fmt: skip
"""Every step before, during and after, in the order of a night."""

POLICY_POINTS: dict[str, Point] = {
    "before-the-first-policy-is-signed": Point("broken off during policy", _calls(flows.policies, "first_run", 0)),
    "before-the-night-is-on-record": POINTS["during-record"],
    "before-the-run-record-keeps-the-head": Point(
        "broken off after publish", _behind(flows.policies, "record_night"), is_published=True
    ),
}


def run_and_die(trader: Trader, point: str, kept: Path | None = None) -> str:
    """Run the trader's next night until it kills itself. Return its run id.

    Parameters
    ----------
    kept
        Folder of the next night, or of the first one, whose build to take (:mod:`tests.support.kept_build`); None
        builds.
    """
    process, run_id, trouble = start_night(trader, point, None if _find(point).is_inside_build else kept)
    process.join()
    assert process.exitcode == -signal.SIGKILL, trouble.read_text()[-2000:]
    return run_id


def _find(point: str) -> Point:
    return {**POINTS, **POLICY_POINTS}[point]


def start_night(
    trader: Trader, point: str | None, kept: Path | None = None, trouble: Path | None = None
) -> tuple[ForkServerProcess, str, Path]:
    """Start the trader's next night in a process of its own; return it, the run id and the file of what it says.

    The process is forked from one that has the imports behind it and nothing else: they take longer than a night of
    the tests does until most points.
    """
    night = trader.night()
    trouble = trouble or trader.home.path.with_name("trouble.txt")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    arguments = (
        str(trader.home.path),
        str(trader.archive),
        night.now,
        point,
        str(kept) if kept else None,
        str(trouble),
    )
    process = context.Process(target=_run, args=arguments)
    process.start()
    return process, night.run_id, trouble


def kill_after(process: ForkServerProcess, seconds: float) -> bool:
    """Kill a night from outside after some time; False where it had ended before."""
    time.sleep(seconds)
    if process.is_alive():
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    return process.exitcode == -signal.SIGKILL


def _take(folder: Path) -> Steps:
    return kept_steps(folder) if (folder / "built.json").exists() else first_steps(folder)


def _run(home: str, archive: str, now: datetime, point: str | None, kept: str | None, trouble: str) -> None:
    with open(trouble, "w") as told:  # noqa: PTH123 - a stream, not a path
        sys.stdout = sys.stderr = told
        try:
            if point and ("notify" in point or "message" in point or "pruning" in point):
                os.environ["ALVH_NOTIFY_URL"] = NOBODY
            do = _take(Path(kept)) if kept else replace(QUICK, build=build_without_comments)
            do = _find(point).arm(do) if point else do
            trader = Trader(Home(Path(home)), Path(archive), now)
            run_night(trader.night(now=now, run_id=run_id_of(now)), do)
            told.write("the night lived")
        except PipelineError as error:
            told.write(str(error))
            sys.exit(error.exit_code)
        except BaseException:
            traceback.print_exc(file=told)
            raise
