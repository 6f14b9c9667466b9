"""Momentum indicators: TA-Lib's, on series that may have holes.

TA-Lib's recursions return NaN for ever after one NaN. A missing session is not a reason to lose the
history, and not a value either: the indicators run over the published values, a session without one has
no indicator, and after a long gap they start anew.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import talib

RSI_SESSIONS = 14

Floats = npt.NDArray[np.float64]


def compute_momentum(sessions: pd.DataFrame) -> pd.DataFrame:
    """Compute the momentum indicators of the rules.

    Parameters
    ----------
    sessions
        One row a session, in order: ``trade_date``; ``cm_slope_log``, ``vvix_close_pts``,
        ``spx_close_pts`` (NaN where not published); and, the same on every row, ``macd_fast_sessions``,
        ``macd_slow_sessions``, ``macd_signal_sessions``, ``momentum_longest_gap_sessions``.

    Returns
    -------
    DataFrame
        ``trade_date``, ``ts_macd_log``, ``ts_macd_signal_log``, ``ts_macd_histogram_log`` (logs),
        ``vvix_rsi14``, ``spx_rsi14`` (0 to 100); NaN while warming up and where the input is missing.
    """
    fast, slow, signal, gap = (
        int(sessions[name].iloc[0]) if len(sessions) else 0
        for name in (
            "macd_fast_sessions",
            "macd_slow_sessions",
            "macd_signal_sessions",
            "momentum_longest_gap_sessions",
        )
    )
    macd, macd_signal, histogram = compute_macd(
        _floats(sessions["cm_slope_log"]), fast=fast, slow=slow, signal=signal, longest_gap=gap
    )
    return pd.DataFrame(
        {
            "trade_date": sessions["trade_date"],
            "ts_macd_log": macd,
            "ts_macd_signal_log": macd_signal,
            "ts_macd_histogram_log": histogram,
            "vvix_rsi14": compute_rsi(_floats(sessions["vvix_close_pts"]), longest_gap=gap),
            "spx_rsi14": compute_rsi(_floats(sessions["spx_close_pts"]), longest_gap=gap),
        }
    )


def compute_rsi(values: Floats, *, sessions: int = RSI_SESSIONS, longest_gap: int = 0) -> Floats:
    """Compute Wilder's relative strength index.

    The first value stands after ``sessions`` changes and is their plain mean; from then on Wilder's
    smoothing with 1/``sessions``. Charts that start the smoothing elsewhere, or use an exponential mean of
    2/(n+1), show other values at first, or always. A series without any change has 0 (TA-Lib).

    Parameters
    ----------
    values
        Shape (n,), one a session, NaN where not published.
    longest_gap
        Missing sessions in a row that are passed over; after more the index starts anew.

    Returns
    -------
    ndarray
        Shape (n,), 0 to 100, NaN while warming up and where ``values`` is.

    Source: Wilder, New Concepts in Technical Trading Systems (1978); computed by TA-Lib.
    """
    (result,) = _over_published(values, lambda run: (talib.RSI(run, timeperiod=sessions),), 1, longest_gap)
    return result


def compute_macd(
    values: Floats, *, fast: int, slow: int, signal: int, longest_gap: int = 0
) -> tuple[Floats, Floats, Floats]:
    """Compute the moving average convergence divergence, its signal and their difference.

    Both means start as plain means of their first values, the fast one at the slow one's start (TA-Lib);
    an implementation that starts at the first value agrees after some 200 sessions.

    Parameters
    ----------
    values
        Shape (n,), one a session, NaN where not published.
    fast, slow, signal
        Spans of the exponential means in sessions.
    longest_gap
        As in :func:`compute_rsi`.

    Returns
    -------
    tuple of ndarray
        MACD, signal, histogram (MACD - signal), each of shape (n,) in the unit of ``values``.

    Source: Appel, Technical Analysis (2005); computed by TA-Lib.
    """
    macd, macd_signal, histogram = _over_published(
        values, lambda run: talib.MACD(run, fastperiod=fast, slowperiod=slow, signalperiod=signal), 3, longest_gap
    )
    return macd, macd_signal, histogram


def _over_published(
    values: Floats, indicator: Callable[[Floats], tuple[Floats, ...]], outputs: int, longest_gap: int
) -> list[Floats]:
    """Apply an indicator to the published values, each run between long gaps by itself."""
    results = [np.full(len(values), np.nan) for _ in range(outputs)]
    published = np.flatnonzero(np.isfinite(values))
    for run in np.split(published, np.flatnonzero(np.diff(published) > longest_gap + 1) + 1):
        if len(run) < 2:  # TA-Lib refuses less
            continue
        for result, found in zip(results, indicator(values[run]), strict=True):
            result[run] = found
    return results


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
