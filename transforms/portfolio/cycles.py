"""The model condor month by month: opened, marked, settled. The public face is `transforms.portfolio.condor`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.options.black76 import DAYS_A_YEAR, Flags, Greeks
from transforms.options.quotes import Numbers
from transforms.portfolio.pricing import value_options
from transforms.portfolio.settings import CondorSettings, Floats
from transforms.portfolio.strikes import choose_strikes
from transforms.portfolio.volatility import compute_vix_term_level

LEGS = ("long_put", "short_put", "short_call", "long_call")
"""The legs in the order of their strikes."""

_IS_CALL = np.array([False, False, True, True])
_SIDE = np.array([1.0, -1.0, -1.0, 1.0])
_NO_DAY = np.datetime64("NaT", "D")

Dates = npt.NDArray[np.datetime64]
Texts = npt.NDArray[np.object_]


class Market(NamedTuple):
    """The market on n days in order: those that were asked for, and the calendar's sessions between them.

    ``missing`` says what a day lacks for a mark, empty where nothing. ``expiries`` are the monthly expiries from before
    the first day to the second one after the last; those between are among the days.
    """

    days: Dates
    expiries: Dates
    is_asked_for: Flags
    spot: Floats
    vix: Floats
    vix9d: Floats
    vix3m: Floats
    rate: Floats
    missing: Texts


class Cycles(NamedTuple):
    """One entry a roll date inside the market; legs along the second axis.

    ``roll`` and ``tried`` are positions in the market: the roll date, and the day on which the condor was opened or
    found impossible (-1: no day with the data). ``refusal`` is empty for a condor that was opened; for others the
    numbers are NaN.
    """

    roll: Numbers
    tried: Numbers
    expiry: Dates
    strikes: Floats
    credit_usd: Floats
    loss_usd: Floats
    contracts: Floats
    refusal: Texts


class Walk(NamedTuple):
    """One entry a day of the market: the condor held after the close, and what the one held before has gained.

    ``cycle``, ``before`` and ``settled`` are positions, -1 for none: the cycle held, the day since which the gain
    counts, and the cycle settled. ``cycle_pnl_usd`` has one entry a cycle, NaN while it is open and where its
    expiry has no index close.
    """

    cycle: Numbers
    units_usd: Floats
    values: Greeks
    level: Floats
    mark_usd: Floats
    before: Numbers
    pnl_legs_usd: Floats
    settled: Numbers
    cycle_pnl_usd: Floats
    note: Texts


def open_cycles(data: Market, settings: CondorSettings) -> Cycles:
    """Decide for each roll date when, with which strikes and how many contracts its condor is opened."""
    dates = data.expiries
    at = np.flatnonzero(np.isin(dates, data.days))
    roll, expiry = np.searchsorted(data.days, dates[at]), dates[at + 1]
    # A day that never comes ends the list of the days with all data.
    complete = np.append(np.flatnonzero(data.missing == ""), len(data.days) + settings.open_latest_sessions)
    tried = complete[np.searchsorted(complete, roll)]
    tried = np.where(tried - roll <= settings.open_latest_sessions, tried, len(data.days))
    tried = np.where(tried < len(data.days), tried, -1)

    spot, rate, vix, vix9d, vix3m = (
        np.where(tried >= 0, values[tried], np.nan)[:, None]
        for values in (data.spot, data.rate, data.vix, data.vix9d, data.vix3m)
    )
    days = (expiry - data.days[tried]).astype(np.float64)[:, None]
    level = compute_vix_term_level(days, vix, vix9d, vix3m)
    target = np.array([settings.wing_delta, settings.short_delta, settings.short_delta, settings.wing_delta])
    strikes = choose_strikes(spot, days, level, rate, target, _IS_CALL, settings)
    price = value_options(spot, strikes, days, level, rate, _IS_CALL, settings).price
    credit = -(price * _SIDE).sum(axis=1) * settings.multiplier_usd
    widths = np.diff(strikes, axis=1)
    loss = np.maximum(widths[:, 0], widths[:, 2]) * settings.multiplier_usd - credit
    with np.errstate(invalid="ignore", divide="ignore"):
        is_sound = (widths > 0).all(axis=1) & (credit > 0) & (loss > 0)
        contracts = np.floor(settings.nav_usd * settings.largest_loss_frac / loss + 1e-9)
    refusal = np.full(len(roll), "", dtype=object)
    refusal[contracts < 1] = "below_one_contract"
    refusal[~is_sound] = "not_constructible"
    refusal[tried < 0] = "not_opened"
    blank = np.where(refusal == "", 1.0, np.nan)
    contracts = contracts * blank
    return Cycles(
        roll, tried, expiry, strikes * blank[:, None], credit * contracts, loss * contracts, contracts, refusal
    )


def walk_sessions(data: Market, cycles: Cycles, settings: CondorSettings) -> Walk:
    """Mark the held condor on every day, settle the expiring one, and take the gains between marks."""
    index = np.arange(len(data.days))
    # One more, empty cycle at the end (-1) answers for the days that have none.
    tried, refusal = np.append(cycles.tried, -1), np.append(cycles.refusal, "before_the_first_roll")
    contracts, expiry = np.append(cycles.contracts, np.nan), np.append(cycles.expiry, _NO_DAY)
    all_strikes = np.vstack([cycles.strikes, np.full((1, len(LEGS)), np.nan)])
    scheduled = np.searchsorted(cycles.roll, index, side="right") - 1
    is_held = (refusal[scheduled] == "") & (tried[scheduled] <= index)
    cycle = np.where(is_held, scheduled, -1)

    units = contracts[cycle] * settings.multiplier_usd
    days = (expiry[cycle] - data.days).astype(np.float64)
    days[~is_held] = np.nan
    level = compute_vix_term_level(days, data.vix, data.vix9d, data.vix3m)
    values = value_options(
        data.spot[:, None], all_strikes[cycle], days[:, None], level[:, None], data.rate[:, None], _IS_CALL, settings
    )
    legs = values.price * _SIDE * units[:, None]
    mark = legs.sum(axis=1)
    is_marked = np.isfinite(mark)

    before = np.concatenate([[-1], np.maximum.accumulate(np.where(is_marked, index, -1))[:-1]])[: len(index)]
    is_roll = np.isin(index, cycles.roll)
    carried = np.where(is_roll, scheduled - 1, cycle)
    is_carried = (before >= 0) & (carried >= 0) & (cycle[before] == carried)
    settlement = _settle(data, cycles, settings)
    ending = np.where(is_roll[:, None], np.vstack([settlement, np.full((1, len(LEGS)), np.nan)])[carried], legs)
    pnl_legs = ending - legs[before]
    pnl_legs[~is_carried] = np.nan
    has_pnl = np.isfinite(pnl_legs).all(axis=1)

    # A refusal is known from the day it was tried; before, and without any such day, the data are what lacks.
    note = np.where(is_held | ((scheduled >= 0) & (index < tried[scheduled])), "", refusal[scheduled])
    lacks = (data.missing != "") & (is_held | (tried[scheduled] < 0) | (index < tried[scheduled]))
    note = np.where(lacks & (scheduled >= 0), data.missing, note)
    return Walk(
        cycle=cycle,
        units_usd=units,
        values=values,
        level=level,
        mark_usd=mark,
        before=np.where(has_pnl, before, -1),
        pnl_legs_usd=pnl_legs,
        settled=np.where(has_pnl & is_roll, carried, -1),
        cycle_pnl_usd=settlement.sum(axis=1) + cycles.credit_usd,
        note=note,
    )


def build_session_frame(data: Market, cycles: Cycles, walk: Walk, settings: CondorSettings) -> pd.DataFrame:
    """Say what the condor was on each day that was asked for: see `simulate_condor`."""
    is_marked = np.isfinite(walk.mark_usd)
    is_held = walk.cycle >= 0

    def of_cycle(values: Floats) -> Floats:
        return np.append(values, np.nan)[walk.cycle]

    def of_position(values: Floats) -> Floats:
        return np.asarray((values * _SIDE).sum(axis=1) * walk.units_usd)

    opened, expiry = (np.append(days, _NO_DAY) for days in (_days_at(data, cycles.tried), cycles.expiry))
    vega = of_position(walk.values.vega) / 100
    has_pnl = walk.before >= 0
    columns = {
        "trade_date": data.days.astype("datetime64[s]"),
        "condor_status": np.select([is_marked, walk.note != "before_the_first_roll"], ["ok", "absent"], "warming_up"),
        "condor_note": _or_none(walk.note),
        "opened_date": opened[walk.cycle].astype("datetime64[s]"),
        "expiry_date": expiry[walk.cycle].astype("datetime64[s]"),
        "contracts": of_cycle(cycles.contracts),
        **{f"{leg}_strike_pts": of_cycle(cycles.strikes[:, number]) for number, leg in enumerate(LEGS)},
        "credit_usd": of_cycle(cycles.credit_usd),
        "largest_loss_usd": of_cycle(cycles.loss_usd),
        "term_level_frac": np.where(is_held, walk.level, np.nan),
        **{f"{leg}_value_pts": walk.values.price[:, number] for number, leg in enumerate(LEGS)},
        "mark_usd": walk.mark_usd,
        "delta_usd_per_pt": of_position(walk.values.delta),
        "gamma_usd_per_pt2": of_position(walk.values.gamma),
        "vega_usd_per_vol_pt": vega,
        "vega_usd_per_vix_pt": vega * settings.atm_to_vix_ratio,
        "theta_usd_per_day": of_position(walk.values.theta),
        "pnl_status": np.select([has_pnl, walk.note != "before_the_first_roll"], ["ok", "absent"], "warming_up"),
        "pnl_from_date": _days_at(data, walk.before).astype("datetime64[s]"),
        **{f"{leg}_pnl_usd": walk.pnl_legs_usd[:, number] for number, leg in enumerate(LEGS)},
        "pnl_usd": np.where(has_pnl, walk.pnl_legs_usd.sum(axis=1), np.nan),
        "settled_pnl_usd": np.append(walk.cycle_pnl_usd, np.nan)[walk.settled],
    }
    frame = pd.DataFrame(columns)
    return frame[data.is_asked_for].reset_index(drop=True)


def build_cycle_frame(data: Market, cycles: Cycles, walk: Walk) -> pd.DataFrame:
    """Say what became of each month's condor: see `simulate_condor`."""
    is_opened = cycles.refusal == ""
    opened = np.where(is_opened, cycles.tried, -1)
    rolls = data.days[cycles.roll]
    days = (cycles.expiry - _days_at(data, opened)).astype(np.float64)
    days[~is_opened] = np.nan
    is_settled = np.isfinite(walk.cycle_pnl_usd)
    is_over = np.isin(cycles.expiry, data.days)
    columns = {
        "roll_date": rolls.astype("datetime64[s]"),
        "expiry_date": cycles.expiry.astype("datetime64[s]"),
        "cycle_status": np.select([is_settled, ~is_opened, is_over], ["settled", "absent", "not_settled"], "open"),
        "cycle_note": _or_none(cycles.refusal),
        "opened_date": _days_at(data, opened).astype("datetime64[s]"),
        "spx_open_pts": np.append(data.spot, np.nan)[opened],
        **{f"{leg}_strike_pts": cycles.strikes[:, number] for number, leg in enumerate(LEGS)},
        "contracts": cycles.contracts,
        "credit_usd": cycles.credit_usd,
        "largest_loss_usd": cycles.loss_usd,
        "cycle_pnl_usd": walk.cycle_pnl_usd,
        "return_on_largest_loss_frac": walk.cycle_pnl_usd / cycles.loss_usd,
        "bill_return_frac": np.expm1(np.append(data.rate, np.nan)[opened] * days / DAYS_A_YEAR),
    }
    return pd.DataFrame(columns)


def _settle(data: Market, cycles: Cycles, settings: CondorSettings) -> Floats:
    """What each leg is worth to the holder at the index close of its expiry, in dollars; NaN before it."""
    at = np.searchsorted(data.days, cycles.expiry)
    spot = np.append(data.spot, np.nan)[np.minimum(at, len(data.days))]
    intrinsic = np.maximum(np.where(_IS_CALL, 1.0, -1.0) * (spot[:, None] - cycles.strikes), 0.0)
    return np.asarray(intrinsic * _SIDE * (cycles.contracts * settings.multiplier_usd)[:, None] + 0.0)


def _days_at(data: Market, positions: Numbers) -> Dates:
    """Day of each position; not a day for -1."""
    return np.append(data.days, _NO_DAY)[positions]


def _or_none(notes: Texts) -> pd.Series:
    return pd.Series(notes, dtype="str").where(notes != "")
