"""What a run says while it runs: one line a step on standard error, a counter for long downloads."""

from __future__ import annotations

import sys
import time

_SHOW_EVERY_SECONDS = 1.0
_WORTH_COUNTING = 30
_last_shown = [0.0]


def say(text: str) -> None:
    """Say a line."""
    print(text, file=sys.stderr, flush=True)


def say_step(name: str, summary: str, seconds: float) -> None:
    """Say that a step is done."""
    _clear_line()
    print(f"{name:<8} {summary} ({seconds:.1f} s)", file=sys.stderr, flush=True)


def say_progress(done: int, planned: int, name: str) -> None:
    """Show how far a long download is, on a terminal in place, else once in a while as a line."""
    if planned < _WORTH_COUNTING:
        return
    now = time.monotonic()
    wait = _SHOW_EVERY_SECONDS if sys.stderr.isatty() else 30 * _SHOW_EVERY_SECONDS
    if now - _last_shown[0] < wait:
        return
    first = _last_shown[0] == 0.0
    _last_shown[0] = now
    if first and not sys.stderr.isatty():
        return
    text = f"fetch    {done} of {planned} asked, {name}"
    end = "" if sys.stderr.isatty() else "\n"
    print(f"\r\x1b[2K{text}" if sys.stderr.isatty() else text, end=end, file=sys.stderr, flush=True)


def _clear_line() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[2K", end="", file=sys.stderr)
