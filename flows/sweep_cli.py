"""``alvh sweep``: many policies at once. Heavy imports stay inside."""

from __future__ import annotations

import importlib.util
import shlex
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, OpenOption, reports_errors
from flows.console import is_moving, say, say_part, working
from flows.homes import home_to_read
from flows.printing import print_json
from transforms.errors import UsageError

_TELL_EVERY_SECONDS = 5.0


@reports_errors
def sweep(
    grid: Annotated[Path, typer.Option("--grid", help="Grid file: a base policy and values of its numbers.")],
    paths: Annotated[int, typer.Option(min=0, max=100, help="Simulated markets beside the published history.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Compute on this many Dask workers of this machine.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Compute on the Dask cluster with this scheduler, such as tcp://10.0.0.5:8786.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Keep the chunks that are there, or compute all again.")
    ] = True,
    open_page: OpenOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Try thousands of policies at once: what is robust, what is luck.

    Every policy of a grid is run on the published history: maps of what is robust, and what choosing the best was
    worth afterwards. Only `sweeps/` of the home is written. A sweep that was broken off goes on where it was. Code 3:
    some policies could not be computed; they are named, and tried again by the next run.

    \b
    Examples:
      alvh sweep --grid grid.toml
      alvh sweep --grid grid.toml --workers 2 --paths 3
      alvh sweep --grid grid.toml --scheduler tcp://10.0.0.5:8786
    """
    folder = home_to_read(home)
    if workers is not None and scheduler is not None:
        raise UsageError("--workers and --scheduler exclude each other", expected="one of them, or none")
    run = None
    if workers is not None or scheduler is not None:
        _require_dask()
        from flows.sweep import run_on_scheduler, run_on_workers

        run = run_on_scheduler(scheduler) if scheduler is not None else run_on_workers(workers or 1)
    from flows.site import refresh_site
    from flows.sweeping import sweep_home

    with working("sweep"):
        written = sweep_home(
            folder,
            grid.expanduser(),
            now=datetime.now(UTC),
            run=run,
            simulated_paths=paths,
            is_resumed=resume,
            command=f"alvh sweep --grid {shlex.quote(str(grid))}" + (f" --paths {paths}" if paths else ""),
            tell=_teller(),
        )
    refresh_site(folder)
    if as_json:
        print_json(written.record)
    else:
        for line in describe_sweep(written.record):
            print(line)
        print(f"sweep: {written.html}")
    if open_page:
        typer.launch(written.html.as_uri())
    if written.record["failed_chunks"]:
        raise typer.Exit(3)


def describe_sweep(record: dict[str, Any]) -> list[str]:
    """A few lines: the spread over all policies, what the winners were worth, what is missing."""
    from transforms.sweep_report.page import build_page

    page = build_page(record, has_drawings=False)
    lines = ["SIMULATED market: nothing here says anything about a strategy"] if page["is_simulated"] else []
    lines.append(page["headline"])
    for part in page["parts"]:
        if part["walk"]:
            lines.append(f"{part['title']}: {part['walk']['finding']}")
    lines += [f"missing: {line}" for line in page["failures"]]
    lines.append(page["warning"])
    return lines


def _teller() -> Callable[[str, bool], None]:
    """Say lines as they come; those that only count are shown in place, or said once in a while."""
    last = [0.0]

    def tell(text: str, must: bool) -> None:
        if not must and is_moving():
            say_part("sweep", text)
            return
        now = time.monotonic()
        if must or now - last[0] >= _TELL_EVERY_SECONDS:
            last[0] = now
            say(f"sweep    {text}")

    return tell


def _require_dask() -> None:
    if importlib.util.find_spec("prefect_dask") is None:
        raise UsageError(
            "Dask is not installed",
            found=f"no package prefect_dask in {sys.prefix}",
            next_step="install it with `pip install -e '.[sweep]'`, or leave --workers and --scheduler out",
        )
