"""What the account of a book protects, session by session, whatever it is stated as."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from transforms.portfolio.book import Book
from transforms.portfolio.exposure import (
    Exposure,
    SpxMarket,
    compute_legs_exposure,
    compute_protected_vega_usd,
    exposure_of_condor,
    exposure_of_greeks,
)
from transforms.portfolio.settings import CondorSettings

_IN_DOLLARS = (
    *("mark_usd", "delta_usd_per_pt", "gamma_usd_per_pt2"),
    *("vega_usd_per_vol_pt", "vega_usd_per_vix_pt", "theta_usd_per_day"),
)
EXPOSURE_COLUMNS = ("trade_date", "exposure_source", *_IN_DOLLARS, "protected_vega_usd")
_MARKET = ("spx_close_pts", "vix_close_pts", "vix9d_close_pts", "vix3m_close_pts", "bill_discount_rate_frac")


def build_exposures(book: Book, sessions: pd.DataFrame, settings: CondorSettings) -> pd.DataFrame:
    """Value what is protected at the close of each session, by that session's own market.

    Parameters
    ----------
    sessions
        ``trade_date``; closes and bill rate as `SpxMarket` has them; and the greeks of the model condor on
        ``settings.nav_usd``, under the names of `Exposure`. NaN is missing.
    settings
        Of the model condor.

    Returns
    -------
    pandas.DataFrame
        ``EXPOSURE_COLUMNS``, one row a session, in dollars of the account of the book. Legs are valued anew each
        session; stated greeks stay as stated; the model condor is scaled to ``nav_usd``, so that it may be a fraction
        of a contract. ``protected_vega_usd``: see `compute_protected_vega_usd`. NaN is not known.
    """
    rows = []
    for session in sessions.to_dict("records"):
        exposure = _value(book, session, settings)
        vega = compute_protected_vega_usd(exposure)
        values = {"exposure_source": exposure.source, **asdict(exposure), "protected_vega_usd": vega}
        rows.append([values[name] for name in EXPOSURE_COLUMNS])
    frame = pd.DataFrame(rows, columns=list(EXPOSURE_COLUMNS))
    return frame.astype({"trade_date": "datetime64[us]"} | dict.fromkeys(EXPOSURE_COLUMNS[2:], "float64"))


def _value(book: Book, session: Mapping[Hashable, Any], settings: CondorSettings) -> Exposure:
    day = pd.Timestamp(session["trade_date"]).date()
    if book.net_vega_usd is not None:
        return exposure_of_greeks(day, book.net_vega_usd, book.net_delta_usd, settings)
    if book.legs:
        closes = {name: _known(session[name]) for name in _MARKET}
        return compute_legs_exposure(book.legs, SpxMarket(trade_date=day, **closes), settings)
    # As objects: where nothing but the date is known pandas would make every number a missing date.
    condor = exposure_of_condor(pd.Series({str(name): value for name, value in session.items()}, dtype=object))
    share = book.nav_usd / settings.nav_usd
    values = {name: getattr(condor, name) for name in _IN_DOLLARS}
    return replace(condor, **{name: value * share for name, value in values.items() if value is not None})


def _known(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
