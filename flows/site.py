"""The pages around the reports, refreshed after whatever made a report, an audit or a sweep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from flows.console import say
from transforms.errors import PipelineError
from warehouse.home import Home
from warehouse.query import open_published


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

        with open_published(home) as connection:
            write_site(connection, home, sessions)
    except Exception as error:
        say(f"site     not written: {_say(error)}. What is published and reported stands; `alvh report` tries again.")
        return False
    return True


def _say(error: Exception) -> str:
    if isinstance(error, PipelineError):
        return ", ".join(part for part in (error.what, error.where, error.found) if part)
    return f"{type(error).__name__}: {error}"
