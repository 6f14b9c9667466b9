"""Monthly prices, earnings and dividends of the simulated index, as Shiller's data have them. All made up.

Prices are the monthly means of the simulated index, earnings and dividends follow them slowly. Thirteen
years before the first session are made up backwards from its level: a ten-year mean of earnings needs them.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from transforms.simulate.noise import autoregression, decimals, normals

_MONTHS_BEFORE = 12 * 13
_TREND = 0.0055
_INFLATION = 0.0021
_PRICE_TO_EARNINGS = 21.0
_PAYOUT = 0.38
_CAPE_MONTHS = 120
_EARNINGS_LAG = pd.Timedelta(days=100)
"""From the end of a quarter until its companies have reported."""
COLUMNS = ("price", "dividend", "earnings", "cpi", "rate", "real_price", "real_dividend", "real_earnings", "cape")


def monthly_stock_data(spx: pd.DataFrame, prices: pd.DataFrame, last: date, seed: int) -> pd.DataFrame:
    """Make the monthly table as it is published on a day.

    Only whole months have a row; months whose earnings are not reported yet have 0 in all columns but the
    price, which is how the published file says "not known". A later day adds rows and fills zeros, and
    changes nothing else: real figures are in prices of the first month, not of the newest.

    Parameters
    ----------
    spx
        ``trade_date, close_pts`` of the simulated index.
    prices
        ``observation_date, value``: the simulated consumer price index, as published by ``last``.
    last
        The newest session.

    Returns
    -------
    ``month`` and :data:`COLUMNS`: index points, US dollars a share over twelve months, index, percent.
    """
    level = _monthly_level(spx, last, seed)
    months = pd.DatetimeIndex(level.index)
    draws = normals(seed, "earnings", len(level), 2)
    slow = level.rolling(36, min_periods=1).mean()
    earnings = slow / _PRICE_TO_EARNINGS * np.exp(0.06 * autoregression(draws[:, 0], 0.95))
    dividend = _PAYOUT * earnings.rolling(24, min_periods=1).mean()
    cpi = _consumer_prices(prices, months)
    deflator = cpi.iloc[0] / cpi
    real_earnings = earnings * deflator
    # the mean of the ten years before the month, as in the published workbook
    cape = level * deflator / real_earnings.rolling(_CAPE_MONTHS).mean().shift(1)
    rate = 4.0 + 0.9 * autoregression(draws[:, 1], 0.97)
    quarter_ends = months.to_period("Q").end_time.normalize()
    is_known = np.asarray(quarter_ends + _EARNINGS_LAG <= pd.Timestamp(last)) & cpi.notna().to_numpy()
    table = pd.DataFrame(
        {
            "price": level,
            "dividend": dividend,
            "earnings": earnings,
            "cpi": cpi,
            "rate": rate,
            "real_price": level * deflator,
            "real_dividend": dividend * deflator,
            "real_earnings": real_earnings,
            "cape": cape,
        }
    )
    table.loc[~is_known, list(COLUMNS[1:])] = 0.0
    rounded = {name: decimals(table[name].fillna(0.0).to_numpy(), 2) for name in COLUMNS}
    return pd.DataFrame({"month": months, **rounded})


def _monthly_level(spx: pd.DataFrame, last: date, seed: int) -> pd.Series:
    by_month = spx.groupby(spx["trade_date"].dt.to_period("M").dt.to_timestamp())["close_pts"].mean()
    whole = by_month[by_month.index < pd.Timestamp(last).replace(day=1)]
    start = pd.Timestamp(spx["trade_date"].iloc[0]).replace(day=1)
    moves = _TREND + 0.03 * normals(seed, "earlier prices", _MONTHS_BEFORE)[:, 0]
    # from the first close, which never changes; the first month's mean is not whole at first
    earlier = spx["close_pts"].iloc[0] * np.exp(-np.cumsum(moves))[::-1]
    months = pd.date_range(end=start - pd.DateOffset(months=1), periods=_MONTHS_BEFORE, freq="MS")
    return pd.concat([pd.Series(earlier, index=months), whole])


def _consumer_prices(prices: pd.DataFrame, months: pd.DatetimeIndex) -> pd.Series:
    known = pd.Series(prices["value"].to_numpy(), index=pd.DatetimeIndex(prices["observation_date"]))
    found = known.reindex(months)
    first = known.index[0]
    before = months < first
    ahead = (first.year - months[before].year) * 12 + first.month - months[before].month
    found[before] = known.iloc[0] * np.exp(-_INFLATION * ahead.to_numpy())
    return found
