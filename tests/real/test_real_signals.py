"""The signals of the real files: a few known evenings, and what must be missing. No list of market values.

The curve's base rates are in `test_real_files.py`, the macro context in `test_real_macro.py`, the option chain in
`test_real_chain.py`.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
import talib

from tests.real.conftest import CUT
from tests.support.bench import rows, value
from transforms.registry import parameters

pytestmark = pytest.mark.real

NYSE_END = date(2015, 11, 11)
"""Last session of the copies of the breadth files; the mirror has no funds to go on with."""


def on(real: duckdb.DuckDBPyConnection, day: str, columns: str) -> tuple[Any, ...]:
    found = rows(real, f"select {columns} from mart.daily_signals where trade_date = ?::date", day)
    assert len(found) == 1
    return found[0]


def test_every_session_has_its_row_and_the_curve_of_the_night(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count(*), count(signal.trade_date), "
        "count_if(signal.contango_frac is distinct from curve.contango_frac) "
        "from mart.daily_term_structure as curve left join mart.daily_signals as signal using (trade_date)"
    )
    assert rows(real, query) == [(5484, 5484, 0)]


@pytest.mark.parametrize("day", ["2018-02-05", "2020-03-16", "2024-08-05"])
def test_crash_is_backwardation_at_a_high_vix(real: duckdb.DuckDBPyConnection, day: str) -> None:
    assert on(real, day, "curve_state, vol_level") == ("backwardation", ">=30")


def test_calm_of_2017_is_contango_at_a_low_vix(real: duckdb.DuckDBPyConnection) -> None:
    state, level = on(real, "2017-11-03", "curve_state, vol_level")
    assert (state in ("contango", "steep"), level) == (True, "<15")


def published_runs(values: list[float | None], longest_gap: int) -> list[npt.NDArray[np.intp]]:
    """Places of the published values, cut where more than ``longest_gap`` sessions in a row are missing."""
    places = np.array([place for place, found in enumerate(values) if found is not None])
    return list(np.split(places, np.flatnonzero(np.diff(places) > longest_gap + 1) + 1))


def longest_run(
    real: duckdb.DuckDBPyConnection, source: str, *results: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The longest run of an input, and the published indicators of the same sessions, one column each."""
    found = rows(real, f"select {source}, {', '.join(results)} from mart.daily_signals order by trade_date")
    gap = int(parameters()["momentum_longest_gap_sessions"].value)
    run = max(published_runs([row[0] for row in found], gap), key=len)
    table = np.array([[math.nan if cell is None else cell for cell in found[place]] for place in run], dtype=np.float64)
    return table[:, 0].copy(), table[:, 1:]


@pytest.mark.parametrize(("source", "result"), [("spx_close_pts", "spx_rsi14"), ("vvix_close_pts", "vvix_rsi14")])
def test_rsi_is_that_of_the_published_closes(real: duckdb.DuckDBPyConnection, source: str, result: str) -> None:
    closes, published = longest_run(real, source, result)
    assert len(closes) > 2500
    assert published[:, 0] == pytest.approx(talib.RSI(closes, timeperiod=14), abs=1e-9, nan_ok=True)


def test_macd_is_that_of_the_published_slopes(real: duckdb.DuckDBPyConnection) -> None:
    columns = ("ts_macd_log", "ts_macd_signal_log", "ts_macd_histogram_log")
    slopes, published = longest_run(real, "cm_slope_log", *columns)
    assert len(slopes) > 2500
    expected = np.column_stack(talib.MACD(slopes, fastperiod=12, slowperiod=26, signalperiod=9))
    assert published == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_expected_daily_range_is_that_of_the_published_trigger(real: duckdb.DuckDBPyConnection) -> None:
    # VIX 14.922 gives 0.940%
    query = "select edr_frac from mart.daily_signals where vix_close_pts between 14.9 and 14.94"
    found = [frac for (frac,) in rows(real, query)]
    assert len(found) > 5
    assert found == pytest.approx([0.0094] * len(found), abs=1.5e-5)


@pytest.mark.parametrize(
    ("column", "lowest", "highest"), [("vx1_beta_ratio", 0.5, 0.75), ("vx2_beta_ratio", 0.35, 0.55)]
)
def test_beta_of_the_front_is_near_the_known_one(
    real: duckdb.DuckDBPyConnection, column: str, lowest: float, highest: float
) -> None:
    query = f"select avg({column}), count({column}) / count(*) from mart.daily_signals where trade_date >= '2008-01-01'"
    ((mean, covered),) = rows(real, query)
    assert lowest <= mean <= highest
    assert covered > 0.95


def test_breadth_of_the_recovery_of_october_2008_is_there(real: duckdb.DuckDBPyConnection) -> None:
    columns = "nyse_advances_issues, nyse_declines_issues, breadth_source, breadth_status"
    assert on(real, "2008-10-13", columns) == (3029, 158, "nyse_counts", "ok")


def test_holidays_of_the_breadth_files_are_in_no_signal(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "with holidays as (select distinct trade_date from ops.quarantined_rows "
        "where dataset = 'nyse_breadth' and reason = 'not_an_equity_session') "
        "select count(*) >= 33, "
        "count_if(trade_date in (select session_date from ref.sessions where is_equity_session)), "
        "count_if(trade_date in (select trade_date from mart.daily_signals where breadth_source <> 'none')) "
        "from holidays"
    )
    assert rows(real, query) == [(True, 0, 0)]


def test_divergence_is_unknown_and_not_false_after_the_counts_end(real: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select breadth_source, breadth_status, count(ad_divergence_z), count(is_ad_divergence_meaningful), "
        "count(*) > 2500 from mart.daily_signals where trade_date > ? group by 1, 2"
    )
    assert rows(real, query, NYSE_END) == [("none", "absent", 0, 0, True)]


@pytest.mark.parametrize(("day", "phase"), [("2008-11-28", "expansion"), ("2008-12-01", "recession")])
def test_recession_of_2007_is_known_from_its_announcement(
    real: duckdb.DuckDBPyConnection, day: str, phase: str
) -> None:
    assert on(real, day, "nber_phase, nber_status") == (phase, "ok")


def test_every_missing_value_is_explained_once(real: duckdb.DuckDBPyConnection) -> None:
    signals = [name for (name,) in rows(real, "select signal from ref.signals order by 1")]
    counts = ", ".join(f"count(*) - count({name})" for name in signals)
    (missing,) = rows(real, f"select {counts} from mart.daily_signals")
    explained = dict(
        rows(
            real, "select signal, count(distinct trade_date) from mart.daily_signal_gaps group by 1 having count(*) > 0"
        )
    )
    assert {name: count for name, count in zip(signals, missing, strict=True) if count} == explained
    assert value(real, "select count(*) from mart.daily_signal_gaps") == sum(missing)


@pytest.mark.parametrize(
    ("day", "signal", "why"),
    [
        ("2004-03-26", "contango_pctile", "warming_up"),  # the first session
        ("2015-11-12", "ad_divergence_z", "absent"),  # the counts have ended
        ("2015-04-03", "spx_close_pts", "absent"),  # a session of futures only
        ("2025-12-31", "chain_implied_future_pts", "absent"),  # before the first snapshot
        ("2025-12-31", "sector_price_to_cash_flow_ratio", "absent"),  # a file of the user's own
    ],
)
def test_missing_value_has_its_reason(real: duckdb.DuckDBPyConnection, day: str, signal: str, why: str) -> None:
    query = "select signal_status from mart.daily_signal_gaps where trade_date = ?::date and signal = ?"
    assert rows(real, query, day, signal) == [(why,)]


def is_same(one: object, other: object) -> bool:
    # sums of a window may be added in another order
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other


def test_later_lines_change_no_earlier_signal(real: duckdb.DuckDBPyConnection, cut: duckdb.DuckDBPyConnection) -> None:
    query = "select * from mart.daily_signals where trade_date <= ? order by trade_date"
    names = [column[0] for column in cut.execute(query, [CUT]).description]
    before, after = rows(cut, query, CUT), rows(real, query, CUT)
    assert (len(before), before[-1][0]) == (len(after), CUT)
    changed = {
        name
        for row, other in zip(before, after, strict=True)
        for name, one, two in zip(names, row, other, strict=True)
        if not is_same(one, two)
    }
    assert changed == set()
