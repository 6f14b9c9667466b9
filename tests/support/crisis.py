"""Made-up markets of two years, one with a crisis in it: every layer acts. Made once a test run, and only read."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb

from tests.support.bench import Bench, land_archive
from tests.support.shared import SharedFolders
from transforms.simulate import Market, render_archive, simulate_market

FIRST, LAST, CRISIS, SEED = date(2021, 1, 4), date(2023, 3, 31), date(2022, 6, 1), 11
PLAIN_LAST, PLAIN_SEED = date(2023, 1, 20), 5
"""The last session of the market without a crisis, which begins as the other does, and what it is drawn with."""


def write_crisis_archive(folder: Path) -> None:
    """Write the market's files."""
    _write(folder, simulate_market(FIRST, LAST, SEED, CRISIS))


def _write(folder: Path, market: Market) -> None:
    for path, body in render_archive(market):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


def build_crisis(archive: Path, home: Path, until: date) -> Path:
    """Build the warehouse of the night of a session. Return its file."""
    bench = Bench(home)
    land_archive(bench, archive, until=until)
    built = bench.build_file(today=until + timedelta(days=1), is_simulated=True)
    return built.path


def crisis_archive(shared: SharedFolders) -> Path:
    """The market's files."""
    return shared.get("crisis-archive", write_crisis_archive)


def crisis_warehouse(shared: SharedFolders) -> Path:
    """The warehouse of its last night; copy it before writing."""
    archive = crisis_archive(shared)

    def make(folder: Path) -> None:
        build_crisis(archive, folder / "home", LAST).rename(folder / "alvh.duckdb")

    return shared.get("crisis-warehouse", make) / "alvh.duckdb"


def plain_archive(shared: SharedFolders) -> Path:
    """The files of the market without a crisis."""
    return shared.get("plain-archive", lambda folder: _write(folder, simulate_market(FIRST, PLAIN_LAST, PLAIN_SEED)))


def open_plain_warehouse(shared: SharedFolders, folder: Path) -> duckdb.DuckDBPyConnection:
    """A copy of the warehouse of that market's last night, in a folder of the test's own."""
    archive = plain_archive(shared)

    def make(partial: Path) -> None:
        build_crisis(archive, partial / "home", PLAIN_LAST).rename(partial / "alvh.duckdb")

    copy = folder / "alvh.duckdb"
    shutil.copyfile(shared.get("plain-warehouse", make) / "alvh.duckdb", copy)
    return duckdb.connect(str(copy))
