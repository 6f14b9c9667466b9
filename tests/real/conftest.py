"""The real files: found beside the checkout or by ALVH_REAL_DATA, landed and built once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from tests.support.bench import Bench, land_archive

FETCHED = datetime(2026, 4, 1, 12, tzinfo=UTC)
TODAY = date(2026, 1, 8)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files, or a skip that says where it was looked for."""
    named = os.environ.get("ALVH_REAL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2].parent / "shared" / "data"
    if not (folder / "mirror").is_dir():
        pytest.skip(f"no real files: neither ALVH_REAL_DATA nor {folder / 'mirror'} is there")
    return folder


@pytest.fixture(scope="session")
def real_bench(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("real") / "home")
    land_archive(bench, real_data / "mirror", at=FETCHED)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def real(real_bench: Bench) -> duckdb.DuckDBPyConnection:
    """The warehouse of the real files."""
    return real_bench.build(today=TODAY)
