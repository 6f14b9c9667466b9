from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import settings

from tests.support.shared import SharedFolders

# How long an example takes is the machine's business: a busy one would fail a test that finds nothing.
settings.register_profile("alvh", deadline=None)
settings.load_profile("alvh")

COMPILES = "tests/property/test_sweep.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mix the files where several processes take them in turn.

    Files of a folder share what is dear to make: one after the other, all processes but one would wait for it. The
    many small files of the unit tests come last, so that no process is left alone with a long one. One file that needs
    the compiled walk comes first and the others after all that do not, so that one process compiles and none waits.
    """

    def place(item: pytest.Item) -> tuple[bool, int, str]:
        name = item.nodeid.partition("::")[0]
        walks = "compiled_walk" in getattr(item, "fixturenames", ())
        turn = 1 if not walks else 0 if name == COMPILES else 2
        return name.startswith("tests/unit/"), turn, hashlib.sha256(name.encode()).hexdigest()

    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=place)


@pytest.fixture(scope="session")
def shared_folders(tmp_path_factory: pytest.TempPathFactory) -> SharedFolders:
    """What is made once a test run: see :mod:`tests.support.shared`."""
    return SharedFolders.of(tmp_path_factory)


@pytest.fixture(scope="session")
def compiled_walk(shared_folders: SharedFolders) -> None:
    """The walk of sweeps, compiled: it takes most of a minute once, and is read from the disk from then on."""
    from tests.support.sweep import compile_walk  # numba is heavy

    shared_folders.get("compiled-walk", compile_walk)
