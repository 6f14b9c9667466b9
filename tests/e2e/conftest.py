from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import Commands
from tests.support.nights import have_first_night
from tests.support.shared import SharedFolders


@pytest.fixture
def published(shared_folders: SharedFolders, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands that only read, on a home that had one night."""
    return Commands(shared_folders.get("first-night", have_first_night) / "home", capsys)


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands on a home that is not there."""
    return Commands(tmp_path / "empty", capsys)
