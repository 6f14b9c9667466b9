from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser

from tests.support.audit_record import make_record
from tests.support.browser import find_chromium, start_chromium
from tests.support.crisis import crisis_warehouse
from tests.support.grids import crisis_home
from tests.support.shared import SharedFolders
from warehouse.audits import write_audit
from warehouse.home import Home
from warehouse.reports import write_report
from warehouse.run_log import published_run
from warehouse.site import write_site

CALM, CRISIS = "2022-03-15", "2022-06-15"
"""Sessions of the crisis' market that have a report beside the newest one."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("no browser: install Debian's chromium, or name one in ALVH_CHROMIUM")
    with start_chromium(path) as started:
        yield started


@pytest.fixture(scope="session")
def artifacts() -> Path | None:
    """Where screenshots and prints are kept, if ALVH_TEST_ARTIFACTS names a folder."""
    named = os.environ.get("ALVH_TEST_ARTIFACTS")
    return Path(named) if named else None


@pytest.fixture(scope="session")
def home(shared_folders: SharedFolders) -> Home:
    """A home with pages of every kind, on the made-up market with a crisis."""
    return Home(shared_folders.get("home-with-pages", lambda folder: _fill(folder, shared_folders)) / "home")


def _fill(folder: Path, shared: SharedFolders) -> None:
    home = crisis_home(shared, folder / "home")
    with duckdb.connect(str(crisis_warehouse(shared)), read_only=True) as connection:
        run = published_run(home, connection)
        days = [row[0] for row in connection.execute(_SESSIONS, [[CALM, CRISIS]]).fetchall()]
        for day in days:
            write_report(connection, home, day, run.run, failures=run.failures, is_latest=day == days[-1])
        write_audit(home, make_record(is_simulated=True))
        write_site(connection, home, days)


_SESSIONS = """
select distinct trade_date from mart.daily_term_structure
where list_contains(?::date[], trade_date)
   or trade_date = (select max(trade_date) from mart.daily_term_structure)
order by trade_date
"""
