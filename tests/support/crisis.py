"""A made-up market of two years with a crisis in it: every layer acts. Made once a test run, and only read."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from tests.support.bench import Bench, land_archive
from tests.support.shared import SharedFolders
from transforms.simulate import render_archive, simulate_market

FIRST, LAST, CRISIS, SEED = date(2021, 1, 4), date(2023, 3, 31), date(2022, 6, 1), 11


def write_crisis_archive(folder: Path) -> None:
    """Write the market's files."""
    for path, body in render_archive(simulate_market(FIRST, LAST, SEED, CRISIS)):
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
