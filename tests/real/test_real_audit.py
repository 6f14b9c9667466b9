"""What the audit rests on, in the real files: the runs of high VIX closes, and the dates of the crises."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from transforms.audit import Crisis, build_episodes, list_crises

pytestmark = pytest.mark.real

EPISODES_SINCE_2004 = 97
MEDIAN_SESSIONS = 2


@pytest.fixture(scope="module")
def closes(real: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    query = "select trade_date, vix_close_pts, spx_close_pts from mart.daily_signals order by trade_date"
    return real.sql(query).df()


def test_high_vix_comes_in_about_a_hundred_runs_of_two_sessions(closes: pd.DataFrame) -> None:
    vix = closes["vix_close_pts"].to_numpy(np.float64)
    episodes = build_episodes(pd.DatetimeIndex(closes["trade_date"]), vix, np.zeros(len(vix)))
    assert len(episodes) == EPISODES_SINCE_2004
    assert episodes["sessions"].median() == MEDIAN_SESSIONS


@pytest.mark.parametrize("crisis", list_crises(), ids=lambda crisis: str(crisis.crisis))
def test_crisis_runs_from_the_closing_high_to_the_closing_low(crisis: Crisis, closes: pd.DataFrame) -> None:
    spx = closes.set_index("trade_date")["spx_close_pts"].dropna()
    high, low = pd.Timestamp(crisis.high_date), pd.Timestamp(crisis.low_date)
    within = spx[high:low]
    assert within.idxmax() == high
    assert within.idxmin() == low
    assert 1 - within.iloc[-1] / within.iloc[0] == pytest.approx(crisis.fall_frac, abs=1e-3)
    # and it neither began a fortnight earlier nor went on for one
    fortnight = pd.Timedelta(days=14)
    assert spx[high - fortnight : high].max() == spx[high]
    assert spx[low : low + fortnight].min() == spx[low]
