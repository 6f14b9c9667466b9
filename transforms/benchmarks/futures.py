"""Benchmarks in VIX futures: none, a constant share of the front month, and the short of the VIX Premium Strategy."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np

from transforms.benchmarks.calls import CallMenu, NoCall, OptionSource
from transforms.benchmarks.rolls import Nav, Retry, count_trading_days, drop_expired, find_monthly_rolls, nav_by_session
from transforms.layers.codes import Layer, LayerState, Roll
from transforms.layers.records import LayerPath
from transforms.positions.instruments import VX_MULTIPLIER_USD
from transforms.positions.market import FuturesMarket
from transforms.positions.money import TICKS_PER_POINT
from transforms.positions.sizing import SizingRules, size_vpd_contracts, split_contracts
from transforms.positions.targets import build_base_targets
from transforms.positions.wants import NOTHING, LayerTargets, Leg, Want


def build_no_targets(market: FuturesMarket) -> LayerTargets:
    """Targets of no hedge: nothing on every session."""
    return LayerTargets(Layer.BASE, (NOTHING,) * len(market))


def build_static_targets(
    market: FuturesMarket, nav_usd: float, share_frac: float, roll_days: float, sizes: SizingRules
) -> LayerTargets:
    """Targets of a constant share of NAV in the front future, by the code of the base hedge.

    Parameters
    ----------
    market
        n sessions.
    nav_usd
        Net asset value, one for all sessions (as in `build_base_targets`).
    share_frac
        Notional in NAV; both edges of the base hedge's band.
    roll_days
        The position stands in the second month from the close with so many trading days left in the first.
    sizes
        Slack of the band and whole contracts.

    Returns
    -------
    LayerTargets
        Sized at entry, at each roll, and when the notional is off by more than the slack; never above the share
        when sized. An account too small for a contract holds none: before Mini VIX futures one VX at 20 is 2% of a
        million.
    """
    days_left = count_trading_days(market.days, market.expiries)
    rank = np.ones(len(market), np.int8)
    for session in range(len(market)):
        front = market.expiry_at(session, 1)
        if front is not None and days_left[session, market.column_of[front]] <= roll_days:
            rank[session] = 2
    is_roll = np.diff(rank, prepend=rank[:1]) > 0
    shape = len(market)
    columns: dict[str, Any] = {
        field.name: np.zeros(shape, np.float64 if field.name.endswith("_frac") else np.int8)
        for field in fields(LayerPath)
    }
    columns |= {
        "base_state": np.full(shape, LayerState.ACTIVE, np.int8),
        "held_rank": rank,
        "base_roll": np.where(is_roll, Roll.FORCED, Roll.NONE).astype(np.int8),
    }
    rules = SizingRules(
        base_notional_frac=share_frac,
        base_notional_highest_frac=share_frac,
        band_slack_frac=sizes.band_slack_frac,
        vxm_below_vx_contracts=sizes.vxm_below_vx_contracts,
    )
    return build_base_targets(market, LayerPath(**columns), rules, nav_usd)


def build_premium_targets(
    market: FuturesMarket,
    nav_usd: Nav,
    *,
    nav_per_contract_usd: float,
    latest_sessions: float,
    sizes: SizingRules,
    options: OptionSource | None = None,
    call_distance_pts: float = math.nan,
) -> LayerTargets:
    """Targets of the Cboe VIX Premium Strategy: a month of VX sold at each roll and held to its settlement.

    Parameters
    ----------
    market
        n sessions.
    nav_usd
        Net asset value, one or float64 of shape (n,); used at the rolls only.
    nav_per_contract_usd
        Net asset value for each VX sold.
    latest_sessions
        A roll without a settlement of the new month is tried again on so many later sessions.
    sizes
        Whole contracts: fewer than ``vxm_below_vx_contracts`` are VXM where listed. Never more than N.
    options, call_distance_pts
        With options the variant VPN: for each VX sold ten calls (a VXM: one) of the same date, `call_distance_pts`
        above the future, or at the closest listed strike below that. Without such a call nothing is sold.

    Returns
    -------
    LayerTargets
        Decided at the last close before a VIX settlement date, traded at the settlement price of that date, when
        the old month has settled. Nothing before the first roll of the market.

    Source: Cboe VIX Premium Strategy (VPD) and Capped VIX Premium Strategy (VPN) indices, descriptions.
    """
    nav = nav_by_session(market, nav_usd)
    rolls = find_monthly_rolls(market)
    retry = Retry(latest_sessions)
    menu = None if options is None else CallMenu(market, options)
    if menu is not None:
        menu.price_for(rolls.due_months)
    wants: list[Want] = []
    legs: tuple[Leg, ...] = ()
    said = "waits for the first roll"
    for session, day in enumerate(market.days):
        legs = drop_expired(legs, day)
        expiry = rolls.incoming[session]
        if not retry.is_open(rolls.is_due[session]) or expiry is None:
            wants.append(Want(legs, said))
            continue
        ticks = market.settled_ticks(session, expiry)
        if not ticks:
            said = f"not sold: the future of {expiry} has no settlement"
            wants.append(Want(legs, said))
            continue
        vega = size_vpd_contracts(float(nav[session]), nav_per_contract_usd) * VX_MULTIPLIER_USD
        short = split_contracts(sizes, day, expiry, -vega, vega)
        sold: tuple[Leg, ...] = (short,)
        if menu is not None:
            call = menu.at_most(session, expiry, ticks / TICKS_PER_POINT + call_distance_pts)
            if isinstance(call, NoCall):
                said = f"not constructible: {call.reason}"
                wants.append(Want(legs, said))
                if call.is_final:
                    retry.close()
                continue
            share = short.instrument.multiplier_usd / call.option.multiplier_usd
            sold = (short, Leg(call.option, round(-short.contracts * share), -short.wanted_contracts * share))
        legs = (*legs, *sold)
        retry.close()
        said = f"held to {expiry}"
        what = f"{-short.wanted_contracts * short.instrument.multiplier_usd / VX_MULTIPLIER_USD:.2f} VX"
        wants.append(Want(legs, f"sold: {what} of {expiry}{', capped' if menu is not None else ''}"))
    return LayerTargets(Layer.BASE, tuple(wants))
