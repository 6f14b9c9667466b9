"""What was restated is listed: both values, how much, in which file, and in which reports the old one stands."""

from __future__ import annotations

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.faults.test_night_history import _restate
from tests.support.market import LAST, Market
from tests.support.nights import Trader
from warehouse.restatements import list_restatements


def test_restated_settlement_is_listed_with_its_size_file_and_reports(trader: Trader, market: Market) -> None:
    trader.begin()
    assert list_restatements(trader.home) == []
    day, name = _restate(market)
    trader.run()
    (found,) = list_restatements(trader.home)
    assert (found.trade_date, found.series, found.column_name) == (date.fromisoformat(day), "VXN25", "settle_pts")
    assert found.old_value is not None
    assert found.new_value == pytest.approx(found.old_value + 0.05)
    assert found.change_ticks == pytest.approx(1)
    assert found.change_frac == pytest.approx(0.05 / found.old_value)
    assert found.file_name == name
    assert found.reported_days == (LAST,)
    said = CliRunner().invoke(app, ["revisions", "--home", str(trader.home.path)])
    assert said.exit_code == 0
    assert f"(+1 tick)  found 2025-09-12 22:30 UTC, {name}  in 1 report: 2025-09-12" in said.output
    assert said.output.endswith("1 restated value\n")
    as_json = CliRunner().invoke(app, ["revisions", "--json", "--home", str(trader.home.path)])
    (row,) = json.loads(as_json.output)["revisions"]
    assert (row["detected_at_utc"][:10], row["reported_days"]) == ("2025-09-12", ["2025-09-12"])
    for since, series, count in ((None, "vxn25", 1), (None, "VIX", 0), (date(2025, 9, 13), None, 0)):
        assert len(list_restatements(trader.home, since, series)) == count
    for name_ in ("settle_pts", "daily_vx_settlements", "core.daily_vx_settlements"):
        assert len(list_restatements(trader.home, None, name_)) == 1
