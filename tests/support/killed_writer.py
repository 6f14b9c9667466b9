"""Run something that writes to a home in a process of its own that kills itself at the n-th thing it makes durable."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import transforms.audit_report  # so that the process that writers are forked from has what they draw with
import transforms.report.context
import transforms.report.render  # noqa: F401 - the same
from flows.recalibration import recalibrate_home
from warehouse.audits import write_audit
from warehouse.home import Home
from warehouse.publish import run_lock
from warehouse.query import open_published
from warehouse.reports import write_report
from warehouse.run_log import published_run, run_id_of


def _recalibrate(home: Home, now: str) -> None:
    instant = datetime.fromisoformat(now)
    recalibrate_home(home, now=instant, run_id=run_id_of(instant))


def _write_audit(home: Home, record: str) -> None:
    write_audit(home, json.loads(Path(record).read_text(encoding="utf-8")))


def _write_reports(home: Home, now: str, *days: str) -> None:
    """As `alvh backfill` does in its flow."""
    with run_lock(home, "alvh backfill", datetime.fromisoformat(now)), open_published(home) as connection:
        run = published_run(home, connection)
        for day in days:
            write_report(connection, home, date.fromisoformat(day), run.run, failures=run.failures, is_latest=False)


WRITERS: dict[str, Callable[..., None]] = {
    "recalibrate": _recalibrate,
    "audit": _write_audit,
    "backfill": _write_reports,
}


def run_killed(home: Home, writer: str, *arguments: str, after: int) -> bool:
    """Run a writer that dies at a call; False where it ended before it was to be killed."""
    trouble = home.path.with_name("trouble.txt")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_run, args=(str(home.path), writer, arguments, after, str(trouble)))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), trouble.read_text()[-2000:]
    return process.exitcode != 0


def _run(home: str, writer: str, arguments: tuple[str, ...], after: int, trouble: str) -> None:
    left, fsync = after, os.fsync

    def counted(handle: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return fsync(handle)

    with open(trouble, "w") as told:  # noqa: PTH123 - a stream, not a path
        sys.stdout = sys.stderr = told
        try:
            os.fsync = counted
            WRITERS[writer](Home(Path(home)), *arguments)
        except BaseException:
            traceback.print_exc(file=told)
            raise
