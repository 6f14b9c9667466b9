from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.market import LAST, Market, write_market
from tests.support.nights import Trader, evening_of
from warehouse.home import Home


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return write_market(tmp_path / "archive")


@pytest.fixture
def trader(tmp_path: Path, market: Market) -> Trader:
    return Trader(Home(tmp_path / "home"), market.root, evening_of(LAST))
