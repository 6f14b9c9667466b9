"""What a run says while it runs, on standard error: a line a step; on a terminal also what is being done, and how far.

The moving line is gone when the step is done. Where nobody watches there are plain lines only, and a count of a long
download once in a while.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from transforms.wording import make_harmless

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_SHOW_EVERY_SECONDS = 30.0
_WORTH_COUNTING = 30
_STEP = 8
_last_shown = [0.0]
_shown: list[tuple[Progress, TaskID]] = []


def say(text: str) -> None:
    """Say a line; above the moving line where there is one."""
    text = make_harmless(text)
    if _shown:
        _shown[-1][0].console.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        print(text, file=sys.stderr, flush=True)


def say_step(name: str, summary: str, seconds: float) -> None:
    """Say that a step is done."""
    say(f"{name:<{_STEP}} {summary} ({seconds:.1f} s)")


def say_part(name: str, text: str) -> None:
    """Say which part of a step is being done: in the moving line, or as a line where there is none."""
    if _shown:
        progress, task = _shown[-1]
        progress.update(task, description=make_harmless(f"{name:<{_STEP}} {text}"))
    else:
        say(f"{name:<{_STEP}} {text}")


def say_progress(done: int, planned: int, name: str, *, step: str = "fetch", unit: str = "asked") -> None:
    """Show how far a long step is: in the moving line, else once in a while as a line.

    Parameters
    ----------
    done, planned
        How many of how many.
    name
        Which one it is.
    step, unit
        What is being done, and with what is counted: ``fetch    12 of 400 asked, VX_2026-01-21.csv``.
    """
    text = make_harmless(f"{step:<{_STEP}} {done} of {planned} {unit}, {name}")
    if _shown:
        progress, task = _shown[-1]
        progress.update(task, completed=done, total=planned, description=text)
        return
    if planned < _WORTH_COUNTING:
        return
    now = time.monotonic()
    if now - _last_shown[0] < _SHOW_EVERY_SECONDS:
        return
    is_first = _last_shown[0] == 0.0
    _last_shown[0] = now
    if not is_first:
        say(text)


def is_moving() -> bool:
    """Say whether there is a moving line."""
    return bool(_shown)


@contextmanager
def working(name: str) -> Iterator[None]:
    """Show on a terminal that a step is being done and for how long; one step within another goes on in its line."""
    console = _open_console()
    if console is None or _shown:
        yield
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(20), TimeElapsedColumn())
    # What is printed meanwhile stays what it is: results go to standard output, whoever reads it.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        _shown.append((progress, progress.add_task(name, total=None)))
        try:
            yield
        finally:
            _shown.pop()


def _open_console() -> Console | None:
    """Return the terminal that somebody watches, or None."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if is_plain or not sys.stderr.isatty():
        return None
    from rich.console import Console

    return Console(stderr=True)
