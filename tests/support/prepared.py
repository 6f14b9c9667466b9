"""Builds that begin with the tables that no file of a market goes into: the calendar, the registries, the releases.

They are the same for every build of a day, and to make them takes a third of a small build's time. So each process of
a test run makes them once for a day, by the functions of the build, and a build begins with a copy of that file.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from unittest.mock import patch

import warehouse.build as build
from warehouse.home import make_folder
from warehouse.models import load_columns


@contextmanager
def prepared(path: Path, today: date, *, is_simulated: bool) -> Iterator[None]:
    """Within this context the build of a file finds in it what it would load first; parameters as of the build."""
    made = _make(today, is_simulated)
    make_folder(path.parent)
    shutil.copyfile(made, path)
    with patch.object(build, "load_registries"):
        yield


@cache
def _make(today: date, is_simulated: bool) -> Path:
    path = _folder() / f"{today}-{is_simulated}.duckdb"
    with build.open_build(path) as connection:
        connection.execute("begin")
        connection.execute("create schema ref")
        connection.execute("create schema ops")
        build.load_registries(connection, today, load_columns().values(), is_simulated=is_simulated)
        connection.execute("commit")
    return path


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="alvh-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
