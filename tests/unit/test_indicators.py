"""RSI and MACD: against TA-Lib, against pandas, and against cases worked by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import talib

from transforms.indicators import compute_macd, compute_momentum, compute_rsi

Floats = npt.NDArray[np.float64]

# Wilder's own example of New Concepts in Technical Trading Systems is not free to copy; this one is made up
# and small enough to check with a pencil: 4-session RSI of 10 11 10.5 11.5 12.5 12.
PENCIL = np.array([10.0, 11.0, 10.5, 11.5, 12.5, 12.0])


def walk(length: int = 600, seed: int = 7) -> Floats:
    steps = np.random.default_rng(seed).normal(0, 2, length)
    return np.asarray(100 + np.cumsum(steps), dtype=np.float64)


def rsi_by_pandas(values: Floats, sessions: int) -> Floats:
    """Wilder's smoothing as an exponential mean with alpha 1/n: the same after the start is forgotten."""
    change = pd.Series(values).diff()
    gain = change.clip(lower=0).ewm(alpha=1 / sessions, adjust=False).mean()
    loss = (-change.clip(upper=0)).ewm(alpha=1 / sessions, adjust=False).mean()
    return np.asarray(100 * gain / (gain + loss), dtype=np.float64)


def test_rsi_of_the_pencil_case_is_right() -> None:
    # gains 1, 0, 1, 1, losses 0, .5, 0, 0 over the first four changes: means .75 and .125
    # then a loss of .5: gain .75 * 3/4, loss (.125 * 3 + .5) / 4
    found = compute_rsi(PENCIL, sessions=4)
    assert np.isnan(found[:4]).all()
    assert found[4] == pytest.approx(100 * 0.75 / 0.875, abs=1e-12)
    assert found[5] == pytest.approx(100 * 0.5625 / (0.5625 + 0.21875), abs=1e-12)


def test_rsi_equals_talib_on_a_whole_series() -> None:
    values = walk()
    np.testing.assert_allclose(compute_rsi(values), talib.RSI(values, 14), rtol=0, atol=1e-9)


def test_rsi_equals_pandas_after_the_start_is_forgotten() -> None:
    values = walk(1200)
    np.testing.assert_allclose(compute_rsi(values)[500:], rsi_by_pandas(values, 14)[500:], rtol=0, atol=1e-9)


def test_macd_equals_talib_on_a_whole_series() -> None:
    values = walk() / 1000
    for found, expected in zip(
        compute_macd(values, fast=12, slow=26, signal=9), talib.MACD(values, 12, 26, 9), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_macd_equals_pandas_after_the_start_is_forgotten() -> None:
    values = pd.Series(walk(1200))
    macd = values.ewm(span=12, adjust=False).mean() - values.ewm(span=26, adjust=False).mean()
    signal = macd.ewm(span=9, adjust=False).mean()
    found = compute_macd(values.to_numpy(), fast=12, slow=26, signal=9)
    np.testing.assert_allclose(found[0][500:], macd[500:], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[1][500:], signal[500:], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[2][500:], (macd - signal)[500:], rtol=0, atol=1e-9)


def test_macd_of_the_pencil_case_is_right() -> None:
    # spans 2, 3, 2 on 1 2 4 8 16: slow means 7/3, then (8 + 7/3)/2 ...; the fast mean starts at the slow one's start
    macd, signal, histogram = compute_macd(np.array([1.0, 2.0, 4.0, 8.0, 16.0]), fast=2, slow=3, signal=2)
    slow = [7 / 3, (7 / 3 + 8) / 2]
    slow.append((slow[1] + 16) / 2)
    fast = [3.0, 3 + 2 / 3 * 5]
    fast.append(fast[1] + 2 / 3 * (16 - fast[1]))
    line = [a - b for a, b in zip(fast, slow, strict=True)]
    first_signal = (line[0] + line[1]) / 2
    assert np.isnan(macd[:3]).all()
    assert macd[3:] == pytest.approx(line[1:], abs=1e-12)
    assert signal[3:] == pytest.approx([first_signal, first_signal + 2 / 3 * (line[2] - first_signal)], abs=1e-12)
    assert histogram[3:] == pytest.approx((macd - signal)[3:], abs=1e-12)


def test_missing_session_is_passed_over_and_has_no_value() -> None:
    whole = walk(100)
    holed = np.insert(whole, 60, np.nan)
    found = compute_rsi(holed, longest_gap=5)
    assert np.isnan(found[60])
    np.testing.assert_array_equal(np.delete(found, 60), compute_rsi(whole))


@pytest.mark.parametrize(("missing", "starts_anew"), [(5, False), (6, True)])
def test_indicator_starts_anew_after_a_long_gap(missing: int, starts_anew: bool) -> None:
    values = np.insert(walk(100), 60, [np.nan] * missing)
    after = compute_rsi(values, longest_gap=5)[60 + missing :]
    assert bool(np.isnan(after[0])) is starts_anew
    if starts_anew:
        np.testing.assert_array_equal(after, compute_rsi(values[60 + missing :]))


def test_later_values_change_no_earlier_indicator() -> None:
    values = walk(300)
    shocked = values.copy()
    shocked[200:] *= 3
    np.testing.assert_array_equal(compute_rsi(values)[:200], compute_rsi(shocked)[:200])
    for before, after in zip(
        compute_macd(values, fast=12, slow=26, signal=9),
        compute_macd(shocked, fast=12, slow=26, signal=9),
        strict=True,
    ):
        np.testing.assert_array_equal(before[:200], after[:200])


@pytest.mark.parametrize("length", [0, 1, 2, 14, 33])
def test_short_series_have_no_indicator_and_no_error(length: int) -> None:
    values = walk(length) if length else np.array([], dtype=np.float64)
    assert np.isnan(compute_rsi(values)[:14]).all()
    assert np.isnan(compute_macd(values, fast=12, slow=26, signal=9)[2]).all()


def frame(length: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trade_date": pd.bdate_range("2024-01-02", periods=length),
            "cm_slope_log": walk(length) / 1000,
            "vvix_close_pts": walk(length, 8),
            "spx_close_pts": walk(length, 9),
            "macd_fast_sessions": 12.0,
            "macd_slow_sessions": 26.0,
            "macd_signal_sessions": 9.0,
            "momentum_longest_gap_sessions": 5.0,
        }
    )


def test_momentum_has_a_row_a_session_and_each_indicator_of_its_own_series() -> None:
    sessions = frame(80)
    found = compute_momentum(sessions)
    assert list(found["trade_date"]) == list(sessions["trade_date"])
    np.testing.assert_allclose(found["vvix_rsi14"], talib.RSI(sessions["vvix_close_pts"].to_numpy(), 14), atol=1e-9)
    np.testing.assert_allclose(found["spx_rsi14"], talib.RSI(sessions["spx_close_pts"].to_numpy(), 14), atol=1e-9)
    macd = talib.MACD(sessions["cm_slope_log"].to_numpy(), 12, 26, 9)
    for name, expected in zip(("ts_macd_log", "ts_macd_signal_log", "ts_macd_histogram_log"), macd, strict=True):
        np.testing.assert_allclose(found[name], expected, atol=1e-9)


def test_momentum_of_no_session_is_an_empty_table_with_its_columns() -> None:
    found = compute_momentum(frame(80).iloc[:0])
    assert len(found) == 0
    assert "ts_macd_histogram_log" in found.columns
