"""One published warehouse of a simulated market for all pages that ask one; made once a test run, and only read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.docs_home import answer, publish_docs_home
from tests.support.shared import SharedFolders
from warehouse.home import Home


@pytest.fixture(scope="session")
def home(shared_folders: SharedFolders) -> Home:
    """A home with a published warehouse of a simulated market. Nobody changes it."""
    return Home(shared_folders.get("docs", publish_docs_home) / "home")


@pytest.fixture(scope="session")
def ask(home: Home) -> Callable[[str], list[dict[str, Any]]]:
    """Runs a line of the documentation as it stands; its rows."""
    return lambda line: list(json.loads(answer(home, f"{line} --format json")))
