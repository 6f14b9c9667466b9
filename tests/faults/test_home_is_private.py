"""Inputs, positions and reports are their user's own: no file of a home can be read by anybody else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.nights import QUICK, Trader
from warehouse.home import PRIVATE, Home, replace_durably, write_atomically
from warehouse.publish import run_lock


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


def others_can_see(folder: Path) -> list[str]:
    """What of a folder has a right for anybody but its owner."""
    found = [folder, *folder.rglob("*")]
    return [str(path.relative_to(folder.parent)) for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077]


@pytest.mark.usefixtures("open_umask")
def test_everything_that_a_night_leaves_is_private(trader: Trader) -> None:
    trader.run(QUICK)
    with run_lock(trader.home, "a test", trader.now):
        assert others_can_see(trader.home.path) == []
    kinds = {path.suffix for path in trader.home.path.rglob("*") if path.is_file()}
    assert {".duckdb", ".json", ".html", ".csv", ".lock", ".jsonl", ".pem"} <= kinds  # and there is everything


@pytest.mark.usefixtures("open_umask")
def test_what_is_moved_into_a_home_is_private_whoever_made_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    write_atomically(home.reports / "2025-01-06" / "hedge-state.json", b"{}")
    with duckdb.connect(str(tmp_path / "made.duckdb")) as connection:
        connection.execute("create table t as select 1")
    assert stat.S_IMODE((tmp_path / "made.duckdb").stat().st_mode) & 0o077
    replace_durably(tmp_path / "made.duckdb", home.published)
    assert stat.S_IMODE(home.published.stat().st_mode) == PRIVATE
    assert others_can_see(home.path) == []
