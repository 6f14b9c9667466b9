"""What surrounds the volatility market: breadth, funds, rates, prices and output. All of it is made up.

These series make every report section and rule computable without the real files. They move with the
simulated index where real ones do (breadth, funds, recessions) and are otherwise plain mean-reverting
noise with a realistic calendar: publication lags, blanks on holidays, policy steps at meetings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from transforms import calendar
from transforms.simulate.facts import short_term_returns
from transforms.simulate.noise import Floats, autoregression, decimals, normals, uniforms
from transforms.simulate.shiller import monthly_stock_data

FUND_LEVERAGE = {"VIXY": (1.0, 1.0), "UVXY": (2.0, 1.5), "SVXY": (-1.0, -0.5)}
"""Multiple of the short-term futures index before and from 2018-02-28 (prospectuses)."""
LEVERAGE_CHANGED = np.datetime64("2018-02-28")
FUNDS_FROM = date(2011, 1, 4)
MEETING_MONTHS = (1, 3, 5, 6, 7, 9, 11, 12)
_YEARS_SCHEDULED = 2
_HISTORY_BEFORE = pd.DateOffset(months=60)
_ETF_BETAS = {"SPY": (1.0, 0.0002, 10.0), "RSP": (1.04, 0.0022, 16.0), "VNQ": (1.02, 0.0075, 25.0)}
_ISSUES_TRADED = 3050
_LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Context:
    """Series around the volatility market.

    Attributes
    ----------
    breadth
        ``trade_date, advances, declines``: NYSE issues.
    series
        By FRED identifier: ``observation_date, value`` (NaN is a blank), as published by the last session.
    bars
        By fund: ``trade_date, open, high, low, close, volume`` in US dollars and shares.
    funds
        By volatility fund: ``trade_date, nav, shares`` in US dollars and shares.
    meetings
        Days of the simulated central bank's decisions.
    scheduled
        Days of decisions announced for the rest of the year and the two after it.
    stocks
        By month, see :func:`transforms.simulate.shiller.monthly_stock_data`.
    """

    breadth: pd.DataFrame
    series: Mapping[str, pd.DataFrame]
    bars: Mapping[str, pd.DataFrame]
    funds: Mapping[str, pd.DataFrame]
    meetings: tuple[date, ...]
    scheduled: tuple[date, ...]
    stocks: pd.DataFrame


def build_context(days: np.ndarray, indices: Mapping[str, pd.DataFrame], futures: pd.DataFrame, seed: int) -> Context:
    """Make the series around a market.

    Parameters
    ----------
    days
        Futures sessions as ``datetime64[D]``.
    indices, futures
        As in :class:`transforms.simulate.market.Market`.
    """
    first, last = days[0].item(), days[-1].item()
    spx, vix = indices["SPX"], indices["VIX"]
    bars = {symbol: _etf_bars(symbol, spx, vix, seed) for symbol in _ETF_BETAS}
    start = (pd.Timestamp(first) - _HISTORY_BEFORE).replace(day=1)
    meetings = meeting_days(start.date(), last)
    policy = _policy_rate(start.date(), last, meetings, seed)
    series = {
        "DFF": policy.iloc[:-1],
        "DTB3": _bill_rate(policy, seed),
        "FEDFUNDS": _monthly_mean(policy, last),
        **_macro(start, last, vix, seed),
    }
    return Context(
        breadth=_breadth(spx, vix, seed),
        series=series,
        bars=bars,
        funds=_funds(futures, seed),
        meetings=meetings,
        scheduled=meeting_days(last + timedelta(days=1), date(last.year + _YEARS_SCHEDULED, 12, 31)),
        stocks=monthly_stock_data(spx, series["CPIAUCSL"], last, seed),
    )


def meeting_days(first: date, last: date) -> tuple[date, ...]:
    """Decision days of the simulated central bank: the third Wednesday (the last in January and July)."""
    found = []
    for year in range(first.year, last.year + 1):
        for month in MEETING_MONTHS:
            wednesday = calendar.third_friday(year, month) - timedelta(days=2)
            day = wednesday + timedelta(days=7 if month in (1, 7) else 0)
            if first <= day <= last:
                found.append(day)
    return tuple(found)


def _policy_rate(first: date, last: date, meetings: tuple[date, ...], seed: int) -> pd.DataFrame:
    """Daily policy rate in percent: quarter-point steps in a slow cycle between 0.1 and 5.4."""
    every = pd.date_range(first, last, freq="D")
    draws = uniforms(seed, "meetings", len(meetings), 1)[:, 0]
    rate, trend, levels = 2.08, 1.0, []
    for draw in draws.tolist():
        if rate >= 5.0 or (rate > 2.5 and draw < 0.04):
            trend = -1.0
        elif rate <= 0.3 or draw > 0.985:
            trend = 1.0
        chance = 0.35 if rate > 0.3 else 0.06  # a floor is left slowly
        if draw % 0.1 < 0.1 * chance:
            rate = min(max(rate + 0.25 * trend, 0.08), 5.33)
        levels.append(rate)
    steps = pd.Series([2.08, *levels], index=pd.DatetimeIndex([first, *(d + timedelta(days=1) for d in meetings)]))
    steps = steps[~steps.index.duplicated(keep="last")]
    value = steps.reindex(every, method="ffill")
    return pd.DataFrame({"observation_date": every, "value": decimals(np.asarray(value, dtype=np.float64), 2)})


def _bill_rate(policy: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Discount rate of the 91-day bill in percent, each weekday to the day before; blank on holidays."""
    weekdays = policy[policy["observation_date"].dt.day_of_week < 5].reset_index(drop=True)
    noise = 0.06 * autoregression(normals(seed, "bill", len(weekdays))[:, 0], 0.97)
    value = np.maximum(decimals(weekdays["value"].to_numpy() - 0.08 + noise, 2), 0.01)
    first, last = weekdays["observation_date"].iloc[0].date(), weekdays["observation_date"].iloc[-1].date()
    open_days = pd.DatetimeIndex(calendar.sessions("XNYS", first, last))
    is_open = weekdays["observation_date"].isin(open_days).to_numpy()
    published = pd.DataFrame(
        {"observation_date": weekdays["observation_date"], "value": np.where(is_open, value, np.nan)}
    )
    return published.iloc[:-1]


def _monthly_mean(policy: pd.DataFrame, last: date) -> pd.DataFrame:
    month = policy["observation_date"].dt.to_period("M").dt.to_timestamp()
    mean = policy.groupby(month)["value"].mean().round(2)
    complete = mean[mean.index < pd.Timestamp(last).replace(day=1)]
    return pd.DataFrame({"observation_date": complete.index, "value": complete.to_numpy()})


def _macro(start: pd.Timestamp, last: date, vix: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    months = pd.date_range(start, last, freq="MS")
    count = len(months)
    draws = normals(seed, "macro", count, 4)
    by_month = vix.groupby(vix["trade_date"].dt.to_period("M").dt.to_timestamp())["close_pts"].mean()
    stress = by_month.reindex(months).rolling(3, min_periods=1).mean().fillna(0.0).to_numpy()
    recession = (stress > 31).astype(float)
    prices = 190 * np.exp(np.cumsum(0.0021 + 0.0012 * autoregression(draws[:, 0], 0.6)))
    producer = 150 * np.exp(np.cumsum(0.0018 + 0.0075 * autoregression(draws[:, 1], 0.5)))
    exchange = 100 * np.exp(0.07 * autoregression(draws[:, 2], 0.97))
    quarters = months[(months.month - 1) % 3 == 0]
    # growth of a quarter looks at its months only, so that it never changes once published
    in_recession = pd.Series(recession, index=months).groupby(months.to_period("Q")).mean().to_numpy()[: len(quarters)]
    growth = 0.006 - 0.018 * in_recession[: len(quarters)] + 0.004 * normals(seed, "output", len(quarters))[:, 0]
    output = 14000 * np.exp(np.cumsum(growth))
    return {
        "CPIAUCSL": _published(months, decimals(prices, 3), last, months_long=1, lag_days=12),
        "PPIACO": _published(months, decimals(producer, 3), last, months_long=1, lag_days=14),
        "RBUSBIS": _published(months, decimals(exchange, 2), last, months_long=1, lag_days=17),
        "USREC": _published(months, recession, last, months_long=1, lag_days=1),
        "GDPC1": _published(quarters, decimals(output, 3), last, months_long=3, lag_days=29),
    }


def _published(
    starts: pd.DatetimeIndex, values: Floats, last: date, *, months_long: int, lag_days: int
) -> pd.DataFrame:
    """Keep the periods published by the last session: a period's end plus the publication lag."""
    released = starts + pd.DateOffset(months=months_long) + pd.Timedelta(days=lag_days)
    known = np.asarray(released <= pd.Timestamp(last))
    return pd.DataFrame({"observation_date": starts[known], "value": values[known]})


def _daily_moves(spx: pd.DataFrame, vix: pd.DataFrame) -> tuple[Floats, Floats]:
    """Log moves of the index, and the daily volatility expected the evening before."""
    moves = np.diff(np.log(spx["close_pts"].to_numpy()), prepend=np.log(spx["close_pts"].iloc[0]))
    close = vix["close_pts"].to_numpy()
    return moves, np.concatenate([close[:1], close[:-1]]) / 100 / np.sqrt(252)


def _breadth(spx: pd.DataFrame, vix: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Advancing and declining issues: the index's move in units of its volatility, and a slow tide."""
    moves, volatility = _daily_moves(spx, vix)
    draws = normals(seed, "breadth", len(moves), 3)
    tide = 0.12 * autoregression(draws[:, 0], 0.985)
    score = 1.25 * moves / volatility + tide + 0.28 * draws[:, 1]
    traded = np.round(_ISSUES_TRADED + 25 * draws[:, 2])
    # some issues always go against a crash; a count of 0 would mean that none was published
    share = np.clip(1 / (1 + np.exp(-1.15 * score)), _LEAST_SHARE, 1 - _LEAST_SHARE)
    advances = np.round(traded * share)
    return pd.DataFrame(
        {"trade_date": spx["trade_date"], "advances": advances.astype(int), "declines": (traded - advances).astype(int)}
    )


def _etf_bars(symbol: str, spx: pd.DataFrame, vix: pd.DataFrame, seed: int) -> pd.DataFrame:
    beta, own_sd, divisor = _ETF_BETAS[symbol]
    moves, volatility = _daily_moves(spx, vix)
    draws = normals(seed, f"{symbol} bars", len(moves), 5)
    scale = volatility / 0.011  # funds' own noise grows with the market's
    path = beta * moves + own_sd * scale * draws[:, 0]
    path[0] = 0.0
    start = spx["close_pts"].iloc[0] / divisor
    close = decimals(start * np.exp(np.cumsum(path)), 2)
    before = np.concatenate([close[:1], close[:-1]])
    opened = decimals(before * np.exp(0.35 * np.log(close / before) + 0.15 * volatility * draws[:, 1]), 2)
    high = decimals(np.maximum(opened, close) * np.exp(0.4 * volatility * np.abs(draws[:, 2])), 2)
    low = decimals(np.minimum(opened, close) * np.exp(-0.4 * volatility * np.abs(draws[:, 3])), 2)
    usual = {"SPY": 9e7, "RSP": 3e6, "VNQ": 4e6}[symbol]
    volume = np.floor(usual * (volatility / 0.011) ** 0.8 * np.exp(0.25 * draws[:, 4]))
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
    return pd.DataFrame({"trade_date": spx["trade_date"], **columns})


def _funds(futures: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    returns = short_term_returns(futures[futures["is_monthly"]])
    returns = returns[returns.index >= pd.Timestamp(FUNDS_FROM)]
    return {symbol: _fund(symbol, returns, seed) for symbol in FUND_LEVERAGE}


def _fund(symbol: str, returns: pd.Series, seed: int) -> pd.DataFrame:
    """Net asset value and shares of a leveraged fund: daily reset, flows against the trend, share splits."""
    before, after = FUND_LEVERAGE[symbol]
    leverage = np.where(returns.index.to_numpy() >= LEVERAGE_CHANGED, after, before)
    daily = np.maximum(leverage * returns.to_numpy(), -0.95)
    draws = normals(seed, f"{symbol} flows", len(daily))[:, 0]
    nav, shares = 40.0, 8_000_000.0
    rows = []
    for move, draw in zip(daily.tolist(), draws.tolist(), strict=True):
        nav *= 1 + move
        wanted = 3.5e8 * np.exp(0.4 * draw)
        shares *= float(np.clip((wanted / (nav * shares)) ** 0.04, 0.93, 1.07))
        split = 0.2 if nav < 9 else 2.0 if nav > 160 else 1.0
        nav, shares = nav / split, shares * split
        rows.append((nav, shares))
    table = np.array(rows).reshape(-1, 2)
    return pd.DataFrame(
        {"trade_date": returns.index, "nav": decimals(table[:, 0], 4), "shares": np.round(table[:, 1] / 25000) * 25000}
    )
