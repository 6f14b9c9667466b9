"""A monthly SPX iron condor by the rules of Cboe's CNDR, on daily closes and a model volatility.

Every value of a session uses data of that session and earlier ones; the calendar of expiries is known years ahead.
What differs from the index is listed in ``docs/book.md``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd

from transforms.calendar import sessions
from transforms.portfolio.cycles import Market, build_cycle_frame, build_session_frame, open_cycles, walk_sessions
from transforms.portfolio.expiries import spx_monthly_expiries
from transforms.portfolio.pricing import compute_continuous_rate
from transforms.portfolio.settings import CondorSettings, Floats

MARKET_COLUMNS = (
    "spx_close_pts",
    "vix_close_pts",
    "vix9d_close_pts",
    "vix3m_close_pts",
    "bill_discount_rate_frac",
)

# To the third Fridays of the months around the first session and of the two after the last.
_BEFORE, _HORIZON, _AFTER = timedelta(days=38), timedelta(days=62), timedelta(days=93)


class CondorPath(NamedTuple):
    """What `simulate_condor` gives: ``sessions`` (grain trade_date) and ``cycles`` (grain expiry_date)."""

    sessions: pd.DataFrame
    cycles: pd.DataFrame


def simulate_condor(
    market: pd.DataFrame, settings: CondorSettings, open_days: Collection[date] | None = None
) -> CondorPath:
    """Simulate the model condor over the sessions of a market.

    On each roll session (the third Friday of the month, or the session before it) the old condor is settled at the
    close and a new one is opened at the same close: short put and call of ``short_delta``, long put and call of
    ``wing_delta``, to the next monthly expiry, in as many whole contracts as keep its largest loss (wider spread
    minus credit) within ``largest_loss_frac`` of the account. Without the data it takes, it is opened up to
    ``open_latest_sessions`` later; a month in which it cannot be opened has none. No costs.

    Parameters
    ----------
    market
        ``trade_date`` (unique), and of the same session `MARKET_COLUMNS`: closes of the S&P 500, VIX, VIX9D and VIX3M
        in points, and the 91-day bill's discount rate known that evening. NaN, and a close that is not positive, is
        missing. Without VIX9D or VIX3M the volatility is flat on that side of 30 days.
    settings
        From `transforms.portfolio.settings.condor_settings`.
    open_days
        Sessions of the New York Stock Exchange from five weeks before the first ``trade_date`` to three months after
        the last; without it, those of ``exchange_calendars``.

    Returns
    -------
    CondorPath
        ``sessions``: one row a ``trade_date`` of the market, after the close: on a roll session the new condor stands
        in the row and ``pnl_usd`` is the old one's. Signs are those of the holder: ``mark_usd`` is negative while
        closing the condor would cost money. ``condor_status`` is ``ok`` where ``mark_usd`` has a value, ``warming_up``
        before the first roll session of the market, else ``absent``, and ``condor_note`` says why. ``pnl_usd`` is the
        gain since ``pnl_from_date``, the newest session before with a mark: a session without one is spanned, so that
        gains add up. ``pnl_status`` is ``absent`` where no condor was held into the session or it could not be
        valued.

        ``cycles``: one row a roll session of the market, by ``expiry_date`` of the condor then opened;
        ``cycle_pnl_usd`` is NaN while it is open and where it could not be settled.

    Raises
    ------
    ValueError
        If ``trade_date`` is missing or not unique, or ``open_days`` do not reach far enough.

    Source: Cboe S&P 500 Iron Condor Index (CNDR), description of the index; volatility and skew are ours.
    """
    data = _align(market, open_days)
    cycles = open_cycles(data, settings)
    walk = walk_sessions(data, cycles, settings)
    return CondorPath(build_session_frame(data, cycles, walk, settings), build_cycle_frame(data, cycles, walk))


def _align(market: pd.DataFrame, open_days: Collection[date] | None) -> Market:
    """Put the market on the sessions of the calendar between its first and last, and its own further days."""
    frame = market[["trade_date", *MARKET_COLUMNS]].astype({"trade_date": "datetime64[s]"})
    if frame["trade_date"].isna().any() or frame["trade_date"].duplicated().any():
        raise ValueError("the market needs one row for each trade_date")
    frame = frame.set_index("trade_date").astype("float64").sort_index()
    aligned, expiries = frame, np.empty(0, dtype="datetime64[D]")
    if len(frame):
        first, last = frame.index[0].date(), frame.index[-1].date()
        if open_days is None:
            open_days = sessions("XNYS", first - _BEFORE, last + _AFTER)
        found = spx_monthly_expiries(first, last + _HORIZON, open_days)
        expiries = np.array(found, dtype="datetime64[D]")
        between = pd.DatetimeIndex([day for day in open_days if first <= day <= last], dtype="datetime64[s]")
        aligned = frame.reindex(frame.index.union(between))
    spot, vix, vix9d, vix3m = (_positive(aligned[name]) for name in MARKET_COLUMNS[:4])
    rate = compute_continuous_rate(aligned["bill_discount_rate_frac"].to_numpy(dtype=np.float64))
    missing = np.full(len(aligned), "", dtype=object)
    for note, values in (("no_bill_rate", rate), ("no_vix_close", vix), ("no_spx_close", spot)):
        missing[~np.isfinite(values)] = note
    return Market(
        days=aligned.index.to_numpy().astype("datetime64[D]"),
        expiries=expiries,
        is_asked_for=np.asarray(aligned.index.isin(frame.index)),
        spot=spot,
        vix=vix,
        vix9d=vix9d,
        vix3m=vix3m,
        rate=rate,
        missing=missing,
    )


def _positive(column: pd.Series) -> Floats:
    values = column.to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where((values > 0) & np.isfinite(values), values, np.nan)
