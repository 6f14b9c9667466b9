"""One night as a command runs it: the lock first, then the Prefect flow."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.homes import home_to_write
from flows.sources.choice import choose_source, is_simulated, market_of
from warehouse.home import Home

if TYPE_CHECKING:
    from flows.run import NightResult

_IMPORTS = (
    "flows.nightly",
    "great_expectations",
    "transforms.report.context",
    "scipy.optimize",
)
"""What a night imports, where there is a server to wait for: all that builds, checks and draws."""


def run_night_command(
    source: str | None,
    archive: Path | None,
    home: Path | None,
    *,
    as_of: date | None = None,
    ask_everything: bool = False,
    policy: Path | None = None,
    rebuild: bool = False,
    verbose: bool = False,
    command: str = "nightly",
) -> tuple[NightResult, Home]:
    """Run one night and return how it ended, and the home it worked on.

    Parameters
    ----------
    source, archive, home, policy
        As on the command line.
    as_of
        Session to report; the newest one when not given.
    ask_everything
        Ask for complete contracts' files too.
    rebuild
        Build even where no file, policy or code changed.
    verbose
        Show Prefect's log as well.
    command
        Who asks, for whoever finds the home locked.

    Raises
    ------
    LockHeldError
        Another run works on the home.
    """
    from warehouse.publish import run_lock
    from warehouse.run_log import run_id_of

    started = datetime.now(UTC)
    chosen = choose_source(source, archive)
    if chosen == "archive" and archive is not None:
        from flows.sources.archive import ArchiveSource

        # before the home is tied to its market: a mistyped folder has none
        ArchiveSource(archive.expanduser().resolve())
    folder = home_to_write(home, is_simulated=is_simulated(market_of(chosen, archive)))
    folder.prepare()
    # Before Prefect starts: a second run leaves at once.
    with run_lock(folder, f"alvh {command} --source {chosen}", started):
        if verbose:
            os.environ["ALVH_VERBOSE"] = "1"
        from flows.prefect_server import run_server

        with run_server(beside=_IMPORTS):
            from flows.nightly import nightly

            result = nightly(
                source=chosen,
                archive=str(archive.expanduser().resolve()) if archive else None,
                home=str(folder.path),
                as_of=as_of,
                ask_everything=ask_everything,
                run_id=run_id_of(started),
                policy=str(policy.expanduser().resolve()) if policy else None,
                rebuild=rebuild,
            )
    return result, folder
