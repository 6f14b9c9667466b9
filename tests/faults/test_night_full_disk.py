"""A disk that fills: real failing writes, made with the file-size limit of a child process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.market import Market
from tests.support.nights import Trader

ROOT = Path(__file__).resolve().parents[2]

CHILD = """
import resource, signal, sys
from datetime import datetime
from pathlib import Path
from tests.support.nights import Trader
from transforms.errors import PipelineError
from warehouse.home import Home
from warehouse.run_log import run_id_of
home, archive, now, limit = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
night = datetime.fromisoformat(now)
trader = Trader(Home(Path(home)), Path(archive), night)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    trader.run(now=night, run_id=run_id_of(night))
except PipelineError as error:
    print(error.exit_code, error)
"""


def _run_with_room_for(trader: Trader, limit: int) -> str:
    night = trader.night()
    arguments = [str(trader.home.path), str(trader.archive), night.now.isoformat(), str(limit)]
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.mark.parametrize("limit", [2_000, 20_000, 300_000], ids=["a raw file", "a record", "the build"])
def test_night_on_a_full_disk_keeps_what_is_published_and_says_what_to_do(
    trader: Trader, market: Market, limit: int
) -> None:
    trader.begin()
    before, stored = trader.state(), trader.raw_bodies()
    market.extend_to(market.last.replace(day=16))

    said = _run_with_room_for(trader, limit)

    assert said.startswith("1 ")
    assert "next:" in said
    assert trader.state() == before
    assert stored <= trader.raw_bodies()
    trader.nights += 5
    assert trader.run().exit_code == 0
