from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.run import Steps
from flows.sources.loopback import LoopbackServer
from tests.support.kept_build import go_to_next, next_night
from tests.support.known_builds import known_steps
from tests.support.market import LAST, Market, write_market
from tests.support.nights import Trader, evening_of, have_first_night
from tests.support.online import serve
from tests.support.promises import Held, read_held
from tests.support.shared import SharedFolders
from warehouse.home import Home


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return write_market(tmp_path / "archive")


@pytest.fixture
def trader(tmp_path: Path, market: Market, shared_folders: SharedFolders) -> Trader:
    """A new home. Its first night is run, or taken over with ``begin`` where it is not what is tested.

    A night of it builds what no test built before; one that is about building is run with ``QUICK``.
    """
    begun = shared_folders.get("first-night", have_first_night)
    return Trader(Home(tmp_path / "home"), market.root, evening_of(LAST), begun=begun, do=known_steps(shared_folders))


@pytest.fixture
def steps(trader: Trader, market: Market, shared_folders: SharedFolders) -> Steps:
    """The steps of a second night on the trader's market, which has moved on, with the build made before."""
    return go_to_next(trader, market, shared_folders)


@pytest.fixture
def kept(shared_folders: SharedFolders, trader: Trader) -> Path:
    """Folder of the second night: its home, and the build that nights take."""
    assert trader.begun is not None
    return next_night(shared_folders, trader.begun)


@pytest.fixture
def moved_on(kept: Path) -> Held:
    """What a home holds after the second night."""
    return read_held(Home(kept / "home"))


@pytest.fixture
def server(market: Market, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    with serve(market.root, monkeypatch) as running:
        yield running
