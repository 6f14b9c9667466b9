"""The pages around the reports, refreshed after whatever made a report, an audit or a sweep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from filelock import FileLock

from flows.console import say
from transforms.errors import PipelineError
from warehouse.home import PRIVATE, Home
from warehouse.query import open_published

_LOCK_SECONDS = 60.0


def refresh_site(home: Home, sessions: Iterable[date] = ()) -> bool:
    """Write the site of a home from what is published. Return whether it could be written.

    What is published and reported stands whether or not its index can be written: whatever goes wrong is said, and
    changes no exit code. The next run writes the site again.

    Parameters
    ----------
    sessions
        Those whose report was just written.
    """
    try:
        from warehouse.site import write_site  # templates and texts, where they are used

        # One after the other, each with what is published by then: an audit that ends while a night publishes would
        # otherwise put an index of the day before over that of the night.
        lock = FileLock(home.path / "site.lock", timeout=_LOCK_SECONDS, mode=PRIVATE, fallback_to_soft=False)
        with lock, open_published(home) as connection:
            write_site(connection, home, sessions)
    except Exception as error:
        say(f"site     not written: {_say(error)}. What is published and reported stands; `alvh report` tries again.")
        return False
    return True


def _say(error: Exception) -> str:
    if isinstance(error, PipelineError):
        return ", ".join(part for part in (error.what, error.where, error.found) if part)
    return f"{type(error).__name__}: {error}"
