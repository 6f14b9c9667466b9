"""Call calendars of listed VIX options: a short front-month call spread beside a longer-dated call.

The second engine of the hedge. The loss of the short calls is bounded by the bought call further out; where a leg has
no listed option that fits, there is no calendar, and the reason is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from transforms.options.listed import list_options, strike_for_delta
from transforms.options.model_surface import DEFAULT_PRICING_RULES, PricingRules
from transforms.options.pricing import PRICED_DTYPES, VIX_OPTION_MULTIPLIER_USD, price_options, reprice_with

_NOT = "not constructible: "
_LEGS = (("short_call", -1), ("wing_call", 1), ("long_call", 1))


@dataclass(frozen=True)
class CallCalendarTargets:
    """What the legs shall be; the names are those of the policy's parameters.

    Attributes
    ----------
    short_call_delta, short_wing_delta
        Deltas of the sold front-month call and of the bought one that bounds its loss.
    long_call_delta, long_call_least_days, long_call_highest_days
        Delta of the longer-dated call, and its calendar days.
    """

    short_call_delta: float = 0.25
    short_wing_delta: float = 0.10
    long_call_delta: float = 0.20
    long_call_least_days: float = 90.0
    long_call_highest_days: float = 120.0


class CallCalendars(NamedTuple):
    """One calendar a session.

    Attributes
    ----------
    sessions
        One row a session asked for: ``trade_date``; ``status`` (``ok`` or ``not constructible: ...``); and, NaN
        unless ``ok``: ``width_pts`` (distance of the two front strikes), ``short_loss_bound_usd`` (width x 100: the
        most one short spread can cost at settlement, its credit not deducted), ``credit_pts``, ``credit_low_pts``,
        ``credit_high_pts`` (received for the short spread, with its band), ``long_cost_pts``, ``long_cost_low_pts``,
        ``long_cost_high_pts`` (paid for the longer-dated call).
    legs
        Three rows a constructible session: ``leg`` (``short_call``, ``wing_call``, ``long_call``), ``contracts``
        (-1, 1, 1), and the columns of `transforms.options.pricing.price_options`.
    """

    sessions: pd.DataFrame
    legs: pd.DataFrame


def build_call_calendars(
    trade_dates: Iterable[date],
    market: pd.DataFrame,
    *,
    quotes: pd.DataFrame | None = None,
    calibrations: pd.DataFrame | None = None,
    targets: CallCalendarTargets | None = None,
    rules: PricingRules = DEFAULT_PRICING_RULES,
) -> CallCalendars:
    """Construct the call calendar of each session from its listed options.

    The front expiry is the nearest monthly one with at least ``option_front_least_days``; the longer-dated one
    the monthly in the range of days that is nearest to its middle (of two, the nearer). Strikes by delta, within
    ``option_strike_delta_limit``; the wing above the short strike.

    Parameters
    ----------
    trade_dates
        Sessions, unique.
    market, quotes, calibrations
        As `transforms.options.pricing.price_options`.

    Returns
    -------
    See `CallCalendars`; sessions in order of date.
    """
    wanted = targets or CallCalendarTargets()
    # Typed from the start: an index of nothing must be one of dates too.
    days = pd.DatetimeIndex(sorted(pd.Timestamp(day) for day in trade_dates), dtype="datetime64[us]")
    listed = list_options([stamp.date() for stamp in days], quotes)
    listed = listed[listed["is_monthly"]].assign(days=lambda rows: (rows["expiry_date"] - rows["trade_date"]).dt.days)
    front = _expiries(listed, listed["days"] >= rules.option_front_least_days, listed["days"])
    middle = (wanted.long_call_least_days + wanted.long_call_highest_days) / 2
    is_long = listed["days"].between(wanted.long_call_least_days, wanted.long_call_highest_days)
    far = _expiries(listed, is_long, (listed["days"] - middle).abs())
    in_front, in_far = _of_expiry(listed, front), _of_expiry(listed, far)
    priced = price_options(listed[in_front | in_far], market, quotes=quotes, calibrations=calibrations, rules=rules)
    front_rows, far_rows = priced[in_front[priced.index]], priced[in_far[priced.index]]
    limit = rules.option_strike_delta_limit
    short = _by_session(strike_for_delta(front_rows, wanted.short_call_delta, limit))
    above = front_rows["strike_pts"] > short["strike_pts"].reindex(front_rows["trade_date"]).set_axis(front_rows.index)
    wing = _by_session(strike_for_delta(front_rows[above], wanted.short_wing_delta, limit))
    long = _by_session(strike_for_delta(far_rows, wanted.long_call_delta, limit))
    legs = {"short_call": short, "wing_call": wing, "long_call": long}

    sessions = _values(legs, rules).reindex(days)
    delta_words = f"within {limit:g} of delta "
    conditions = [
        (~days.isin(front.index), "no listed front-month expiry"),
        (
            ~days.isin(far.index),
            f"no listed expiry with {wanted.long_call_least_days:g} to {wanted.long_call_highest_days:g} days",
        ),
        (~days.isin(_priced_sessions(front_rows)), "the front-month calls have no price"),
        (~days.isin(_priced_sessions(far_rows)), "the longer-dated calls have no price"),
        (~days.isin(short.index), f"no front-month strike {delta_words}{wanted.short_call_delta:g}"),
        (~days.isin(wing.index), f"no higher front-month strike {delta_words}{wanted.short_wing_delta:g}"),
        (~days.isin(long.index), f"no longer-dated strike {delta_words}{wanted.long_call_delta:g}"),
        (~(sessions["credit_pts"].to_numpy() > 0), "the short spread earns nothing"),
    ]
    status = np.select([flag for flag, _ in conditions], [_NOT + words for _, words in conditions], "ok")
    sessions.loc[status != "ok"] = np.nan
    sessions = sessions.assign(status=pd.Series(status, index=days, dtype="str"))
    sessions = sessions.rename_axis("trade_date").reset_index()
    return CallCalendars(
        sessions[["trade_date", "status", *[name for name in sessions if name not in ("trade_date", "status")]]],
        _join_legs(legs, days[status == "ok"]),
    )


def _expiries(listed: pd.DataFrame, is_wanted: pd.Series, distance: pd.Series) -> pd.Series:
    """Expiry of each session with the least distance; of two equal ones the nearer."""
    rows = listed[is_wanted].assign(distance=distance)
    rows = rows.sort_values(["trade_date", "distance", "expiry_date"]).drop_duplicates("trade_date")
    return rows.set_index("trade_date")["expiry_date"]


def _of_expiry(listed: pd.DataFrame, expiries: pd.Series) -> pd.Series:
    return listed["expiry_date"] == expiries.reindex(listed["trade_date"]).set_axis(listed.index)


def _by_session(chosen: pd.DataFrame) -> pd.DataFrame:
    return chosen.set_index("trade_date", drop=False)


def _priced_sessions(rows: pd.DataFrame) -> pd.Series:
    return rows.loc[rows["status"] == "ok", "trade_date"]


def _values(legs: dict[str, pd.DataFrame], rules: PricingRules) -> pd.DataFrame:
    """Width, bound and prices of the sessions that have all legs, indexed by session."""
    short, wing, long = (legs[name] for name, _ in _LEGS)
    both = short.index.intersection(wing.index).intersection(long.index)
    short, wing, long = short.loc[both], wing.loc[both], long.loc[both]
    # The band moves both volatilities of the spread together, so that its ends are not those of the legs.
    bands = [_band(rows, rules) for rows in (short, wing)]
    earned = np.array(
        [
            reprice_with(short, vol_frac=short["vol_frac"].to_numpy() * (1 + side * bands[0]))
            - reprice_with(wing, vol_frac=wing["vol_frac"].to_numpy() * (1 + side * bands[1]))
            for side in (-1.0, 0.0, 1.0)
        ]
    )
    width = wing["strike_pts"] - short["strike_pts"]
    return pd.DataFrame(
        {
            "width_pts": width,
            "short_loss_bound_usd": width * VIX_OPTION_MULTIPLIER_USD,
            "credit_pts": earned[1],
            "credit_low_pts": earned.min(axis=0),
            "credit_high_pts": earned.max(axis=0),
            "long_cost_pts": long["price_pts"],
            "long_cost_low_pts": long["price_low_pts"],
            "long_cost_high_pts": long["price_high_pts"],
        },
        index=both,
    )


def _band(rows: pd.DataFrame, rules: PricingRules) -> np.ndarray:
    return np.where(rows["vol_source"] == "chain", rules.option_chain_vol_band_frac, rules.option_vol_band_frac)


def _join_legs(legs: dict[str, pd.DataFrame], days: pd.DatetimeIndex) -> pd.DataFrame:
    parts = [legs[name].loc[days, list(PRICED_DTYPES)].assign(leg=name, contracts=side) for name, side in _LEGS]
    joined = pd.concat(parts, ignore_index=True).sort_values("trade_date", kind="stable", ignore_index=True)
    return joined[["leg", "contracts", *PRICED_DTYPES]]
