"""One attempt of the year at a night: in this process, or in one of its own where something kills it."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import flows.fetch
import warehouse.expectations  # noqa: F401 - so that the process that nights are forked from has it
from flows import steps
from flows.night import Night, resolve_night
from flows.run import Steps, run_night
from flows.settings import Settings
from flows.sources.http import HttpSource
from flows.sources.user_files import UserFiles
from tests.support.killed_night import POINTS, die
from tests.support.nights import QUICK
from transforms.errors import PipelineError
from warehouse import unchanged, version
from warehouse.home import Home
from warehouse.publish import run_lock
from warehouse.reports import WrittenReport
from warehouse.run_log import run_id_of

NO_CHART = '<svg xmlns="http://www.w3.org/2000/svg"><title>left out</title></svg>'
KEEP = {"PUBLISHED": "3", "REPORTS": "40", "RAW_VERSIONS": "5", "RUN_DETAILS": "20", "OTHER_RUNS": "100"}
"""Retention of the year (``ALVH_KEEP_*``): short, so that its bounds are met within the year."""


@dataclass(frozen=True)
class Ended:
    """How an attempt ended.

    Attributes
    ----------
    code
        The exit code that the command line would have given; -9 where it was killed, None where it was idle.
    words
        The sentence of the night, or its error.
    unexpected
        A traceback, where it ended with an error that no night raises on purpose.
    """

    code: int | None
    words: str
    outcome: str = ""
    as_of: date | None = None
    unexpected: str = ""


def night_at(home: Path, now: datetime, *, ask_everything: bool = False) -> Night:
    """The night that the schedule would start now."""
    settings = Settings(home=home, source="cboe")
    return resolve_night(settings, run_id=run_id_of(now), now=now, as_of=None, ask_everything=ask_everything)


def year_steps(*, is_whole: bool) -> Steps:
    """The steps of the year's nights.

    Parameters
    ----------
    is_whole
        True for every step as it is in service but for messages; otherwise without Great Expectations, comments in
        the warehouse, charts and the pages around the reports.
    """
    if is_whole:
        return Steps()
    return replace(QUICK, stand=steps.stand_step, report=_report_without_charts)


def _report_without_charts(night: Night, as_of: date, is_latest: bool, record: Mapping[str, Any]) -> WrittenReport:
    from transforms.report import render
    from transforms.report.chart_set import DRAWINGS

    left_out = dict.fromkeys(DRAWINGS, lambda *_, **__: NO_CHART)
    with patch.object(render, "DRAWINGS", left_out), patch.object(steps, "refresh_site"):
        return steps.report_step(night, as_of, is_latest, record)


@contextmanager
def clock_at(now: datetime) -> Iterator[None]:
    """Have what is fetched be fetched at that evening."""

    def utcnow() -> datetime:
        return now

    with (
        patch.object(steps, "HttpSource", partial(HttpSource, utcnow=utcnow)),
        patch.object(flows.fetch, "UserFiles", partial(UserFiles, utcnow=utcnow)),
    ):
        yield


def attempt(night: Night, do: Steps) -> Ended:
    """Run a night here."""
    try:
        with clock_at(night.now):
            result = run_night(night, do)
    except PipelineError as error:
        return Ended(error.exit_code, str(error), error.outcome)
    except Exception:
        return Ended(1, traceback.format_exc(limit=-1), "failed", unexpected=traceback.format_exc())
    return Ended(result.exit_code, result.sentence, result.outcome, result.as_of)


def attempt_apart(night: Night, how: str, value: str, trouble: Path) -> Ended:
    """Run a night in a process of its own.

    Parameters
    ----------
    how
        ``point``: killed at a point of `tests.support.killed_night.POINTS`; ``seconds``: killed after so many;
        ``room``: no file may grow beyond so many bytes.
    trouble
        File for what the process says.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    settings = {name: text for name, text in os.environ.items() if name.startswith("ALVH_")}
    process = context.Process(target=_run_apart, args=(str(night.home.path), night.now, how, value, settings, trouble))
    process.start()
    process.join()
    said = trouble.read_text(encoding="utf-8") if trouble.exists() else ""
    if process.exitcode == -signal.SIGKILL:
        return Ended(-9, f"killed: {how} {value}", "killed")
    code, _, words = said.partition("\n")
    if process.exitcode or not code.lstrip("-").isdigit():
        return Ended(1, said, "failed", unexpected=f"exit {process.exitcode}: {said}")
    outcome, _, words = words.partition("\n")
    return Ended(int(code), words, outcome, unexpected=words if outcome == "failed" and "Traceback" in words else "")


def _run_apart(home: str, now: datetime, how: str, value: str, settings: Mapping[str, str], trouble: Path) -> None:
    os.environ.update(settings)
    do = year_steps(is_whole=False)
    with trouble.open("w", encoding="utf-8") as told, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        night = night_at(Path(home), now)
        match how:
            case "point":
                do = POINTS[value].arm(do)
            case "seconds":
                threading.Timer(float(value), die).start()
            case "room":
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (int(value), resource.RLIM_INFINITY))
        ended = attempt(night, do)
        # what it says must not need the room
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        told.write(f"{ended.code}\n{ended.outcome}\n{ended.unexpected or ended.words}")
        told.flush()
    os._exit(0)  # a timer may still wait


@contextmanager
def patch_code(stamp: str) -> Iterator[None]:
    """Have the nights here be of other code, by its stamp; those in processes of their own are of this one."""
    with patch.object(unchanged, "code_sha256", lambda: stamp), patch.object(version, "code_sha256", lambda: stamp):
        yield


@contextmanager
def another_run(home: Path, now: datetime) -> Iterator[None]:
    """Have a process of its own hold the home meanwhile."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    holds, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(home), now, holds, done))
    process.start()
    try:
        assert holds.wait(60), "the other run did not begin"
        yield
    finally:
        done.set()
        process.join()


def _hold(home: str, now: datetime, holds: Any, done: Any) -> None:
    with run_lock(Home(Path(home)), "nightly --source cboe", now):
        holds.set()
        done.wait()
