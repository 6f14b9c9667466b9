"""The published warehouse is damaged on the disk: the night goes on, compares with the one before, and says so."""

from __future__ import annotations

import duckdb
import pytest

from flows.night import reason_to_stay_idle
from tests.support.market import Market
from tests.support.nights import Trader
from warehouse.run_log import find_whole


@pytest.fixture
def damaged(trader: Trader, market: Market) -> Trader:
    """A home of two nights whose published warehouse cannot be opened any more."""
    trader.begin()
    trader.run()
    body = bytearray(trader.home.published.read_bytes())
    body[100] ^= 4
    trader.home.published.write_bytes(body)
    with pytest.raises(duckdb.Error):
        trader.rows(VALUE)
    return trader


VALUE = "select count(*) from core.daily_vx_settlements"


def test_night_after_damage_compares_with_the_warehouse_before_and_says_so(damaged: Trader, market: Market) -> None:
    path = market.contract_path(market.monthlies[1])
    line = path.read_text(encoding="utf-8").splitlines()[5]
    fields = line.split(",")
    fields[6] = f"{float(fields[6]) + 0.05:.4f}"
    market.edit(path, lambda text: text.replace(line, ",".join(fields)))

    assert reason_to_stay_idle(damaged.night(), on_sessions_only=True, only_if_missing=True) is None
    result = damaged.run()

    assert (
        "the warehouse published before is damaged, compared with that of run 20250912T223001.000Z" in result.sentence
    )
    assert "1 past value restated" in result.sentence
    assert damaged.rows("select count(*) from ops.value_revisions") == [(1,)]
    assert find_whole(damaged.home) == damaged.home.published


def test_damage_where_the_comparison_reads_does_not_stop_the_night(trader: Trader) -> None:
    trader.begin()
    trader.run()
    whole = trader.home.published.read_bytes()
    assert find_whole(trader.home) == trader.home.published
    # every block but the header's, so that what the comparison reads is among them
    body = bytearray(whole)
    for at in range(16_384, len(body), 65_536):
        body[at] ^= 4
    trader.home.published.write_bytes(body)
    earlier = find_whole(trader.home)
    assert earlier is not None
    assert earlier.parent == trader.home.earlier
    result = trader.run()
    assert "damaged" in result.sentence
    assert result.exit_code == 0
    assert find_whole(trader.home) == trader.home.published


def test_without_any_record_what_is_published_is_taken_as_it_is(trader: Trader) -> None:
    trader.begin()
    for path in trader.home.runs.glob("*.json"):
        path.unlink()
    assert find_whole(trader.home) == trader.home.published
    trader.home.published.unlink()
    assert find_whole(trader.home) is None
