"""Positions and ledger of the default policy on twenty years of real files."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from tests.real.conftest import CUT
from tests.support.bench import rows, value
from transforms.audit.carry_points import compute_carry_points

pytestmark = pytest.mark.real

TABLES = (
    "mart.daily_hedge_state",
    "mart.daily_positions",
    "mart.hedge_trades",
    "mart.daily_hedge_ledger",
    "mart.time_shifts",
    "mart.daily_reading_ledger",
    "mart.daily_layer_valuation",
    "mart.weekly_calibrations",
    "mart.daily_condor",
)


def test_every_row_adds_up_to_the_cent(real: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*), count(*) filter (
            round(100 * pnl_usd) <> round(100 * roll_usd) + round(100 * curve_usd) + round(100 * theta_usd)
            + round(100 * option_move_usd) + round(100 * cost_usd) + round(100 * interest_usd)
        )
        from mart.daily_hedge_ledger
    """
    assert rows(real, query) == [(4 * 5484, 0)]


def test_layers_are_the_portfolio_on_every_session(real: duckdb.DuckDBPyConnection) -> None:
    names = ("pnl_usd", "cost_usd", "interest_usd", "credit_kept_usd", "protection_cost_usd", "margin_usd")
    sums = ", ".join(
        f"sum(round(100 * {name})) filter (layer <> 'portfolio') - "
        f"sum(round(100 * {name})) filter (layer = 'portfolio')"
        for name in names
    )
    frame = real.execute(f"select trade_date, {sums} from mart.daily_hedge_ledger group by 1").df()
    assert len(frame) == 5484
    assert (frame.iloc[:, 1:] == 0).all(axis=None)


@pytest.mark.parametrize("name", TABLES)
def test_what_came_later_changes_nothing_before(
    real: duckdb.DuckDBPyConnection, cut: duckdb.DuckDBPyConnection, name: str
) -> None:
    day = "calibrated_on_date" if name == "mart.weekly_calibrations" else "trade_date"
    query = f"from {name} where {day} <= ? order by all"
    then, now = (connection.execute(query, [CUT]).df() for connection in (cut, real))
    assert len(then) > 30
    pd.testing.assert_frame_equal(now, then, rtol=1e-9, atol=1e-9)


def test_every_layer_was_used(real: duckdb.DuckDBPyConnection) -> None:
    query = "select layer, count(distinct trade_date) from mart.daily_positions where held_contracts <> 0 group by 1"
    held = dict(rows(real, query))
    assert held["base"] > 5_400
    assert held["temporal_vega"] > 500
    assert held["second_engine"] > 200


def test_base_costs_what_a_small_share_in_the_front_months_costs(real: duckdb.DuckDBPyConnection) -> None:
    """The S&P short-term index lost 78% in 2012 and 72% in 2017; a notional of 1% to 2% loses 1% to 2%."""
    query = """
        select year(trade_date), -sum(pnl_usd) / 1e7 from mart.daily_hedge_ledger
        where layer = 'base' and year(trade_date) in (2012, 2017) group by 1 order by 1
    """
    for _, cost in rows(real, query):
        assert 0.01 < cost < 0.02


def test_base_gains_in_the_crises(real: duckdb.DuckDBPyConnection) -> None:
    query = """
        select year(trade_date), sum(pnl_usd) > 0 from mart.daily_hedge_ledger
        where layer = 'base' and year(trade_date) in (2008, 2018, 2020) group by 1 order by 1
    """
    assert rows(real, query) == [(2008, True), (2018, True), (2020, True)]


def test_layers_have_not_paid_for_themselves(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select last(self_funding_ratio_all order by trade_date) from mart.daily_hedge_ledger where layer = 'portfolio'"
    )
    assert 0.2 < value(real, query) < 0.7


def test_second_engine_trades_only_listed_options_within_its_limit(real: duckdb.DuckDBPyConnection) -> None:
    query = """
        select trade_date from mart.daily_positions
        where layer = 'second_engine' and held_contracts <> 0 and not starts_with(instrument, 'VIX ')
    """
    assert rows(real, query) == []
    # 0.5% of ten million for the shorts of one expiry
    assert value(real, "select max(margin_usd) from mart.daily_hedge_ledger where layer = 'second_engine'") <= 50_000


def test_carry_per_short_second_month_is_negative_before_costs(real: duckdb.DuckDBPyConnection) -> None:
    """The first run's finding: equal vega at VIX from 25, 2013 to 2026."""
    frame = real.execute(
        "select signal.vix_close_pts, change.vx1_held_change_pts, change.vx2_held_change_pts, signal.vx1_beta_ratio, "
        "signal.vx2_beta_ratio from mart.daily_signals as signal join mart.daily_sensitivities as change "
        "using (trade_date) where trade_date >= '2013-01-01' order by trade_date"
    ).df()
    found = compute_carry_points(frame, [25.0])
    of_reading = found[found["reading"] == "equal_vega"].set_index("alignment")["mean_pts"]
    assert -0.1 < of_reading["close_before"] < 0
    assert -0.1 < of_reading["same_close"] < 0
