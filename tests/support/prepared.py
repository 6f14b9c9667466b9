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

LOADERS = ("_load_reference", "_load_context_reference", "_load_signals", "_load_corrections")


@contextmanager
def prepared(path: Path, today: date, *, is_simulated: bool) -> Iterator[None]:
    """Within this context the build of a file finds in it what it would load first; parameters as of the build."""
    made = _make(today, is_simulated)
    make_folder(path.parent)
    shutil.copyfile(made, path)
    with patch.multiple(build, **dict.fromkeys(LOADERS, _find_there)):
        yield


def _find_there(*_: object, **__: object) -> None:
    pass


@cache
def _make(today: date, is_simulated: bool) -> Path:
    path = _folder() / f"{today}-{is_simulated}.duckdb"
    with build.open_build(path) as connection:
        connection.execute("begin")
        connection.execute("create schema ref")
        connection.execute("create schema ops")
        build._load_reference(connection, today)
        build._load_context_reference(connection, today, is_simulated=is_simulated)
        build._load_signals(connection, load_columns().values())
        build._load_corrections(connection, [] if is_simulated else build.corrections())
        connection.execute("commit")
    return path


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="alvh-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
