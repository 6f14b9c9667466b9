"""Which VIX options are listed on a session: expiries and strikes, and the strike for a delta.

Where a chain snapshot of the session exists, its own expiries and strikes; else the exchange's listing as far
as a published source says. Where the sources say less than was listed, so do we: an option that may not have
existed is not traded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.calendar import vx_monthly_settlement_dates
from transforms.options.black76 import Floats

# Settlement dates are asked for in pieces of so many years: each asks for a calendar of the exchange.
_CALENDAR_YEARS = 5
_FEBRUARY_CYCLE = (2, 5, 8, 11)
_CYCLE_STEPS = ((10.0, 30.0, 1.0), (30.0, 50.0, 2.5), (50.0, 100.0, 5.0))


@dataclass(frozen=True)
class ListingEra:
    """How VIX options are listed from a day on.

    Attributes
    ----------
    from_date
        First session.
    nearest_months
        So many of the next monthly expiries are listed.
    cycle_months
        So many further ones of the February cycle (February, May, August, November).
    strike_steps
        From, to and interval of the strikes, in points; both ends are listed.
    half_point_range
        In the nearest monthly expiry, strikes at every half point in this range too; None: none.
    source
        Where it is published.
    """

    from_date: date
    nearest_months: int
    cycle_months: int
    strike_steps: tuple[tuple[float, float, float], ...]
    half_point_range: tuple[float, float] | None
    source: str


LISTING_ERAS = (
    ListingEra(
        date(2006, 2, 24),
        3,
        3,
        _CYCLE_STEPS,
        None,
        "expiries: contract specification of VIX options (three near-term months and three more on the February "
        "quarterly cycle); strikes: those of the following era",
    ),
    ListingEra(
        date(2012, 2, 1),
        6,
        0,
        _CYCLE_STEPS,
        None,
        "Macroption, VIX Option Chain: the chain of February 2012 (1 point to 30, 2.5 to 50, 5 to 100) and of "
        "January 2013 (1 point from 10); the nearest six months",
    ),
    ListingEra(
        date(2014, 5, 29),
        6,
        0,
        _CYCLE_STEPS,
        (10.0, 15.0),
        "Cboe, VIX to Add Half-Point Strikes in Near-Term (2014-05-28); otherwise as before",
    ),
)
"""Oldest first. The rule behind them leaves more room (rule 24.9.01(e), widened by SR-CBOE-2010-096; for the sister
product RVX it reads 1 point up to a strike of 200 and 5 points above); what is listed follows the futures."""


def find_listing_era(trade_date: date) -> ListingEra | None:
    """Return the era of a session; None before VIX options existed."""
    return next((era for era in reversed(LISTING_ERAS) if era.from_date <= trade_date), None)


def list_monthly_expiries(trade_date: date) -> tuple[date, ...]:
    """Monthly expiries by the listing rule, in order: settlement dates of monthly VX futures after the session.

    On its settlement date an option has settled at the open and is not listed any more. Weekly expiries have
    no rule here: they are listed where a chain shows them.
    """
    era = find_listing_era(trade_date)
    if era is None:
        return ()
    ahead = [day for day in _settlement_dates(trade_date.year) if day > trade_date]
    further = [day for day in ahead[era.nearest_months :] if day.month in _FEBRUARY_CYCLE]
    return tuple(ahead[: era.nearest_months] + further[: era.cycle_months])


def list_strikes(trade_date: date, *, is_nearest: bool) -> Floats:
    """Strikes by the listing rule, in points, ascending; none before VIX options existed.

    Parameters
    ----------
    is_nearest
        The expiry is the nearest monthly one.
    """
    era = find_listing_era(trade_date)
    return np.array([]) if era is None else _strikes(era, is_nearest)


def list_options(trade_dates: Iterable[date], quotes: pd.DataFrame | None = None, *, right: str = "C") -> pd.DataFrame:
    """List the options of one right on each session.

    Parameters
    ----------
    trade_dates
        Sessions, unique.
    quotes
        As ``core.daily_vix_option_quotes``: ``trade_date``, ``expiry_date``, ``strike_pts``, ``option_right``. A
        session that is in it has its own listing, whatever became of the quotes; the others have the rule's.

    Returns
    -------
    ``trade_date``, ``expiry_date`` (datetime64[us]), ``strike_pts``, ``right``, ``is_monthly``,
    ``listing_source`` (``chain`` or ``rule``); sorted by the first three, unique by them.
    """
    days = sorted(pd.Timestamp(day).date() for day in trade_dates)
    shown = _chain_listing(quotes, days, right)
    by_chain = {stamp.date() for stamp in shown["trade_date"].unique()}
    listed = pd.concat([shown, _rule_listing([day for day in days if day not in by_chain], right)], ignore_index=True)
    return listed.sort_values(["trade_date", "expiry_date", "strike_pts"], ignore_index=True)


def nearest_listed_strike(target_pts: npt.ArrayLike, strikes_pts: npt.ArrayLike) -> Floats:
    """Listed strike nearest to each target, in points; the lower of two that are equally near.

    Parameters
    ----------
    strikes_pts
        Listed strikes, in any order.

    Returns
    -------
    Of the shape of the targets; NaN for a target below the lowest or above the highest strike, or missing.
    """
    target = np.asarray(target_pts, dtype=float)
    strikes = np.unique(np.asarray(strikes_pts, dtype=float))
    if len(strikes) == 0:
        return np.full(target.shape, np.nan)
    above = np.clip(np.searchsorted(strikes, target), 0, len(strikes) - 1)
    below = np.maximum(above - 1, 0)
    with np.errstate(invalid="ignore"):
        is_below = target - strikes[below] <= strikes[above] - target
        is_inside = (target >= strikes[0]) & (target <= strikes[-1])
    return np.where(is_inside, np.where(is_below, strikes[below], strikes[above]), np.nan)


def strike_for_delta(priced: pd.DataFrame, delta: float, limit: float) -> pd.DataFrame:
    """Choose for each session and expiry the listed option whose delta is nearest to the one asked for.

    Parameters
    ----------
    priced
        Listed options of one right, as `transforms.options.pricing.price_options` returns them.
    delta
        Without sign; discounted, as Cboe publishes it.
    limit
        How far the delta found may be from it.

    Returns
    -------
    The chosen rows with their index, at most one a session and expiry; of two equally near the higher strike. None
    where nothing has a price, or the nearest delta is beyond the limit: not constructible.
    """
    usable = priced[priced["status"] == "ok"]
    gap = (usable["delta"].abs() - delta).abs()
    usable = usable.assign(delta_gap=gap)[gap <= limit]
    chosen = usable.sort_values(["delta_gap", "strike_pts"], ascending=[True, False], kind="stable")
    chosen = chosen.drop_duplicates(["trade_date", "expiry_date"]).drop(columns="delta_gap")
    return chosen.sort_values(["trade_date", "expiry_date"])


def _settlement_dates(year: int) -> tuple[date, ...]:
    """Of at least the year and the one after it."""
    return _settlement_dates_from(year - year % _CALENDAR_YEARS)


@lru_cache(maxsize=16)
def _settlement_dates_from(year: int) -> tuple[date, ...]:
    last = date(year + _CALENDAR_YEARS, 12, 1)
    return tuple(entry.expiry_date for entry in vx_monthly_settlement_dates(date(year, 1, 1), last))


@lru_cache(maxsize=16)
def _strikes(era: ListingEra, is_nearest: bool) -> Floats:
    steps = [np.arange(first, last + step / 2, step) for first, last, step in era.strike_steps]
    if is_nearest and era.half_point_range is not None:
        steps.append(np.arange(era.half_point_range[0], era.half_point_range[1] + 0.25, 0.5))
    strikes = np.unique(np.concatenate(steps))
    strikes.setflags(write=False)
    return strikes


def _rule_listing(days: list[date], right: str) -> pd.DataFrame:
    expiries = [(day, expiry, n == 0) for day in days for n, expiry in enumerate(list_monthly_expiries(day))]
    strikes = [list_strikes(day, is_nearest=is_nearest) for day, _, is_nearest in expiries]
    counts = [len(ladder) for ladder in strikes]
    return pd.DataFrame(
        {
            "trade_date": np.repeat(np.array([day for day, _, _ in expiries], dtype="datetime64[us]"), counts),
            "expiry_date": np.repeat(np.array([day for _, day, _ in expiries], dtype="datetime64[us]"), counts),
            "strike_pts": np.concatenate([np.empty(0), *strikes]),
            "right": pd.Series(right, index=range(sum(counts)), dtype="str"),
            "is_monthly": True,
            "listing_source": pd.Series("rule", index=range(sum(counts)), dtype="str"),
        }
    )


def _chain_listing(quotes: pd.DataFrame | None, days: list[date], right: str) -> pd.DataFrame:
    columns = ["trade_date", "expiry_date", "strike_pts", "option_right"]
    rows = pd.DataFrame(columns=columns) if quotes is None else quotes[columns]
    rows = rows.astype(dict.fromkeys(columns[:2], "datetime64[us]") | {"strike_pts": "float64", "option_right": "str"})
    wanted = pd.DatetimeIndex(days).astype("datetime64[us]")
    is_wanted = rows["trade_date"].isin(wanted) & (rows["option_right"] == right)
    rows = rows[is_wanted & (rows["expiry_date"] > rows["trade_date"])].drop_duplicates()
    years = sorted({int(year) for year in rows["expiry_date"].dt.year})
    monthly = pd.DatetimeIndex([day for year in years for day in _settlement_dates(year)]).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "trade_date": rows["trade_date"],
            "expiry_date": rows["expiry_date"],
            "strike_pts": rows["strike_pts"],
            "right": rows["option_right"],
            "is_monthly": rows["expiry_date"].isin(monthly),
            "listing_source": pd.Series("chain", index=rows.index, dtype="str"),
        }
    )
