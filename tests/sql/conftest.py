"""Benches for the model tests.

A module that names the tables it asks in ``ASKED`` gets a bench that builds only what these are made of; a
``module_bench`` always builds the whole warehouse, once for all tests of its module.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.bench import Bench, ModelBench
from tests.support.crisis import open_plain_warehouse
from tests.support.shared import SharedFolders


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A home of one test's own."""
    made = Bench(tmp_path / "home", getattr(request.module, "ASKED", ()))
    yield made
    made.close()


@pytest.fixture(scope="module")
def module_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A home that the tests of a module share."""
    made = Bench(tmp_path_factory.mktemp("bench") / "home")
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(
    shared_folders: SharedFolders, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A module's own copy of the warehouse of the market without a crisis."""
    with open_plain_warehouse(shared_folders, tmp_path_factory.mktemp("plain")) as connection:
        yield connection


@pytest.fixture
def model_bench() -> Iterator[ModelBench]:
    """One model on hand-made tables."""
    made = ModelBench()
    yield made
    made.close()
