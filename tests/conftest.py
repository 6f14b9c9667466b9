from __future__ import annotations

import pytest
from hypothesis import settings

from tests.support.shared import SharedFolders

# How long an example takes is the machine's business: a busy one would fail a test that finds nothing.
settings.register_profile("alvh", deadline=None)
settings.load_profile("alvh")


@pytest.fixture(scope="session")
def shared_folders(tmp_path_factory: pytest.TempPathFactory) -> SharedFolders:
    """What is made once a test run: see :mod:`tests.support.shared`."""
    return SharedFolders.of(tmp_path_factory)
