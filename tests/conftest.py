from __future__ import annotations

import pytest

from tests.support.shared import SharedFolders


@pytest.fixture(scope="session")
def shared_folders(tmp_path_factory: pytest.TempPathFactory) -> SharedFolders:
    """What is made once a test run: see :mod:`tests.support.shared`."""
    return SharedFolders.of(tmp_path_factory)
