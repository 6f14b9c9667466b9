"""A market and what was decided on it, from a session on: for an account that enters in the middle of history.

A state is decided on the whole history and stays what it was; only what is held begins anew. So the paths of the layers
are cut and never run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import pandas as pd

from transforms.hedge.calendars import CalendarListing
from transforms.hedge.market import Floats, HedgeMarket
from transforms.hedge.run import Stretch
from transforms.layers.records import LayerPath
from transforms.positions.market import FuturesMarket

_BY_SESSION = ("settle_pts", "ranked", "vix_pts", "betas", "bill_discount_rate_frac")


def slice_futures(market: FuturesMarket, start: int) -> FuturesMarket:
    """Return the sessions from `start` on; every contract keeps its column.

    Raises
    ------
    ValueError
        No session is left, or there is no such session.
    """
    _check_start(start, len(market))
    cut = {name: getattr(market, name)[start:] for name in _BY_SESSION}
    return replace(market, days=list(market.days[start:]), **cut)


def slice_path(path: LayerPath, start: int) -> LayerPath:
    """Return what the layers did from session `start` on, as it was decided on the whole history.

    Raises
    ------
    ValueError
        As `slice_futures`.
    """
    _check_start(start, len(path))
    return LayerPath(**{field.name: getattr(path, field.name)[start:] for field in fields(path)})


def slice_market(market: HedgeMarket, start: int) -> HedgeMarket:
    """Return the market from session `start` on.

    What options are priced with is looked up by session and needs no cut.

    Raises
    ------
    ValueError
        As `slice_futures`.
    """
    futures = slice_futures(market.futures, start)
    is_later = pd.to_datetime(market.volumes["trade_date"]) >= pd.Timestamp(futures.days[0])
    return replace(
        market,
        futures=futures,
        protected_vega_usd=market.protected_vega_usd[start:],
        spx_close_pts=market.spx_close_pts[start:],
        spx_rv21_pts=market.spx_rv21_pts[start:],
        short_term_tr=market.short_term_tr[start:],
        short_term_base_dates=list(market.short_term_base_dates[start:]),
        volumes=market.volumes[is_later],
    )


def slice_stretches(stretches: Sequence[Stretch], start: int) -> list[Stretch]:
    """Return the policies that decide a session from `start` on, their sessions counted from there.

    Raises
    ------
    ValueError
        As `slice_futures`, or no policy decides a session from there on.
    """
    kept = []
    for one in stretches:
        first, end, _ = one.span.indices(len(one.path))
        if end <= start:
            continue
        kept.append(
            replace(
                one,
                path=slice_path(one.path, start),
                span=slice(max(first - start, 0), end - start),
                open_shorts=None if one.open_shorts is None else one.open_shorts[start:],
            )
        )
    if not kept:
        raise ValueError(f"no policy decides a session from {start} on")
    return kept


def slice_calendars(calendars: CalendarListing, start: int) -> CalendarListing:
    """Return where call calendars are listed, the sessions counted from `start`.

    Raises
    ------
    ValueError
        As `slice_futures`.
    """
    _check_start(start, len(calendars.days))
    return CalendarListing(calendars.days[start:], calendars.options)


def put_account(market: HedgeMarket, nav_usd: float, protected_vega_usd: Floats | None = None) -> HedgeMarket:
    """Return the market of another account.

    Parameters
    ----------
    nav_usd
        Its net asset value, dollars.
    protected_vega_usd
        float64, shape (n,): what it protects, dollars a point of the VIX; None: what the market's own account does,
        in proportion to the accounts.
    """
    vega = market.protected_vega_usd * (nav_usd / market.nav_usd) if protected_vega_usd is None else protected_vega_usd
    return replace(market, nav_usd=nav_usd, protected_vega_usd=vega)


def _check_start(start: int, sessions: int) -> None:
    if not 0 <= start < sessions:
        raise ValueError(f"start: expected a session from 0 to {sessions - 1}, found {start}")
