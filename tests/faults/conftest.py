from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.market import LAST, Market, write_market
from tests.support.nights import Trader, evening_of, have_first_night
from tests.support.shared import SharedFolders
from warehouse.home import Home


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return write_market(tmp_path / "archive")


@pytest.fixture
def trader(tmp_path: Path, market: Market, shared_folders: SharedFolders) -> Trader:
    """A new home. Its first night is run, or taken over with ``begin`` where it is not what is tested."""
    begun = shared_folders.get("first-night", have_first_night)
    return Trader(Home(tmp_path / "home"), market.root, evening_of(LAST), begun=begun)
