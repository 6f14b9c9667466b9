"""The Cboe VIX Tail Hedge: one-month VIX calls for a share of NAV that depends on the forward VIX."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from transforms.benchmarks.calls import CallMenu, NoCall, OptionSource
from transforms.benchmarks.rolls import Nav, Retry, drop_expired, find_monthly_rolls, nav_by_session
from transforms.layers.codes import Layer
from transforms.positions.market import FuturesMarket
from transforms.positions.money import TICKS_PER_POINT
from transforms.positions.sizing import weigh_vxth_calls
from transforms.positions.wants import LayerTargets, Leg, Want


@dataclass(frozen=True, kw_only=True)
class TailRules:
    """Numbers of the preset ``vxth``.

    Parameters
    ----------
    edges_pts, weights_frac
        Forward VIX and shares of NAV, as in `weigh_vxth_calls`.
    call_delta
        Delta of the calls.
    """

    edges_pts: tuple[float, ...] = (15.0, 30.0, 50.0)
    weights_frac: tuple[float, ...] = (0.0, 0.01, 0.005, 0.0)
    call_delta: float = 0.3


def read_tail_rules(values: Mapping[str, float]) -> TailRules:
    """Take the numbers out of a policy's by name.

    Raises
    ------
    KeyError
        One is missing.
    """
    return TailRules(
        edges_pts=tuple(values[f"vxth_edge_{number}_pts"] for number in (1, 2, 3)),
        weights_frac=tuple(values[f"vxth_weight_{number}_frac"] for number in (1, 2, 3, 4)),
        call_delta=values["vxth_call_delta"],
    )


def build_tail_targets(
    market: FuturesMarket, nav_usd: Nav, rules: TailRules, options: OptionSource, latest_sessions: float
) -> LayerTargets:
    """Targets of the calls of the Cboe VIX Tail Hedge.

    Parameters
    ----------
    market
        n sessions.
    nav_usd
        Net asset value, one or float64 of shape (n,); used at the rolls only.
    rules
        Weights and delta.
    options
        Lists and prices the calls.
    latest_sessions
        A roll without the prices it needs is tried again on so many later sessions; one whose expiry has no strike
        that fits is not: the month is left out.

    Returns
    -------
    LayerTargets
        Decided at the last close before a VIX settlement date, on the settlement of the future of the calls' own
        date, and traded on that date. Whole contracts, rounded down: the premium at that close is within the weight.
        Held to settlement.

    Source: Cboe VIX Tail Hedge Index (VXTH), methodology. The index also holds the S&P 500.
    """
    nav = nav_by_session(market, nav_usd)
    rolls = find_monthly_rolls(market)
    retry = Retry(latest_sessions)
    menu = CallMenu(market, options, rules.call_delta)
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
        forward = ticks / TICKS_PER_POINT if ticks else math.nan
        weight = weigh_vxth_calls(forward, rules.edges_pts, rules.weights_frac)
        if math.isnan(weight):
            said = f"nothing bought: the forward VIX of {expiry} is unknown"
        elif weight == 0:
            retry.close()
            said = f"nothing bought: forward VIX {forward:.2f}"
        else:
            call = menu.by_delta(session, expiry)
            if isinstance(call, NoCall):
                said = f"not constructible: {call.reason}"
                if call.is_final:
                    retry.close()
            else:
                retry.close()
                wanted = weight * float(nav[session]) / call.price_usd
                # a budget that is a whole number of contracts must buy that number
                legs = (*legs, Leg(call.option, math.floor(wanted * (1 + 1e-12)), wanted))
                said = f"bought: {weight:.1%} of NAV, forward VIX {forward:.2f}"
                wants.append(Want(legs, said))
                said = f"held to {expiry}"
                continue
        wants.append(Want(legs, said))
    return LayerTargets(Layer.BASE, tuple(wants))
