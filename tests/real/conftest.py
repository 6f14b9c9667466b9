"""The real files: found beside the checkout or by ALVH_REAL_DATA, landed and built once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.support.bench import Bench, land_archive
from tests.support.shared import SharedFolders

FETCHED = datetime(2026, 4, 1, 12, tzinfo=UTC)
TODAY = date(2026, 1, 8)
CUT = date(2020, 3, 16)
"""The highest close of the VIX: steps on, second month sold, every guard near its edge."""


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files, or a skip that says where it was looked for."""
    named = os.environ.get("ALVH_REAL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2].parent / "shared" / "data"
    if not (folder / "mirror").is_dir():
        pytest.skip(f"no real files: neither ALVH_REAL_DATA nor {folder / 'mirror'} is there")
    return folder


def build_real(real_data: Path, home: Path, until: date | None = None) -> Path:
    """Build the warehouse of the real files, with nothing later than a session where one is named."""
    bench = Bench(home)
    land_archive(bench, real_data / "mirror", at=FETCHED, until=until)
    return bench.build_file(today=TODAY if until is None else until + timedelta(days=1)).path


@pytest.fixture(scope="session")
def real(real_data: Path, shared_folders: SharedFolders) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of the real files, made once a test run and only read."""
    folder = shared_folders.get(
        "real", lambda partial: build_real(real_data, partial / "home").rename(partial / "alvh.duckdb")
    )
    with duckdb.connect(str(folder / "alvh.duckdb"), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def cut(real_data: Path, shared_folders: SharedFolders) -> Iterator[duckdb.DuckDBPyConnection]:
    """What the night of `CUT` would have published from the same files, cut off there; made once, and only read."""
    folder = shared_folders.get(
        "real-cut", lambda partial: build_real(real_data, partial / "home", CUT).rename(partial / "alvh.duckdb")
    )
    with duckdb.connect(str(folder / "alvh.duckdb"), read_only=True) as connection:
        yield connection
