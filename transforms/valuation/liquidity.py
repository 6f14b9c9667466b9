"""Liquidity quick ratio: what is cash within a day over what may be asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import pandas as pd

from transforms.ledger.rules import CostRules
from transforms.positions.instruments import Instrument, VixFuture
from transforms.positions.market import FuturesMarket
from transforms.valuation.holdings import Holdings, is_future
from transforms.valuation.measure import Floats, Measured, Words, is_noted, judge
from transforms.valuation.rules import ValuationRules

VolumeOf: TypeAlias = Callable[[int, Instrument], float]
"""Contracts of an instrument that traded in a session; NaN unknown."""


@dataclass(frozen=True, eq=False)
class QuickRatio:
    """The ratio and its parts, n sessions.

    Parameters
    ----------
    ratio
        (cash + bills + realisable gains) / (margin with bounded short loss + next roll).
    without_gains
        The same without the gains: a lower bound that needs no volume.
    """

    ratio: Measured
    without_gains: Measured
    cash_and_bills_usd: Measured
    realisable_gain_usd: Measured
    next_roll_cost_usd: Measured


def read_volumes(market: FuturesMarket, settlements: pd.DataFrame) -> VolumeOf:
    """Volumes of VX monthlies; of VXM and options none is known.

    Parameters
    ----------
    settlements
        ``core.daily_vx_settlements``: trade_date, expiry_date, volume_contracts.
    """
    sessions = {day: session for session, day in enumerate(market.days)}
    names = ["trade_date", "expiry_date", "volume_contracts"]
    known = settlements[names].dropna()
    traded, expiries = (known[name].to_numpy().astype("datetime64[D]").tolist() for name in names[:2])
    volumes = known["volume_contracts"].to_numpy(dtype=np.float64).tolist()
    found: dict[tuple[int, date], float] = {
        (session, expiry): volume
        for session, expiry, volume in zip(map(sessions.get, traded), expiries, volumes, strict=True)
        if session is not None
    }

    def volume_of(session: int, instrument: Instrument) -> float:
        if isinstance(instrument, VixFuture) and not instrument.is_mini:
            return found.get((session, instrument.expiry), math.nan)
        return math.nan

    return volume_of


def compute_model_cash(holdings: Holdings, nav_usd: float) -> Measured:
    """Cash and bills of the model account: NAV, less premiums paid for what is held, less open losses of futures.

    Premiums received for what is sold are in it (what they may cost is in the margin). Losses of futures were paid in
    cash, day by day. Their gains are left out here: they count as far as they could be realised. The model's NAV does
    not grow with results, so those of closed positions are not in it.
    """
    unit = holdings.contracts * holdings.multiplier_usd
    futures = is_future(holdings)
    spent = np.where(futures, np.maximum(-_open_gains(holdings), 0.0), unit * holdings.cost_pts)
    words = np.where(futures, holdings.problems, "").astype(object)
    return _total(holdings, spent, words, sign=-1.0, start=nav_usd)


def compute_realisable_gains(holdings: Holdings, volume_of: VolumeOf, share_frac: float) -> Measured:
    """Open gains that can be realised in a day: of each position the part within a share of the session's volume.

    Positions of one instrument in several layers share its volume. A volume is asked for only where there is a gain.

    Returns
    -------
    Measured
        Dollars; 0 where nothing has a gain; undefined where a mark, or the volume of what has a gain, is not known.
    """
    gains = np.maximum(_open_gains(holdings), 0.0)
    together: dict[tuple[int, Instrument], float] = {}
    keys = list(zip(holdings.session.tolist(), holdings.instruments, strict=True))
    for key, contracts in zip(keys, np.abs(holdings.contracts).tolist(), strict=True):
        together[key] = together.get(key, 0.0) + contracts
    words = holdings.problems.copy()
    realisable = np.zeros(len(gains))
    for row in np.flatnonzero(gains > 0).tolist():
        volume = volume_of(*keys[row])
        if math.isnan(volume):
            words[row] = f"no volume of {keys[row][1].code} is known"
        realisable[row] = gains[row] * min(share_frac * volume / together[keys[row]], 1.0)
    return _total(holdings, realisable, words)


def compute_next_roll_costs(holdings: Holdings, costs: CostRules) -> Measured:
    """Cost of carrying what is held into the next months: futures are traded twice, options opened once.

    Options settle without cost; their successors are taken to cost what these would. Spread and fees as in the ledger.
    """
    futures = is_future(holdings)
    fees = np.array([costs.vxm_fee_usd if _is_mini(one) else costs.vx_fee_usd for one in holdings.instruments])
    side = np.where(
        futures,
        holdings.multiplier_usd * costs.vx_half_spread_pts + fees,
        holdings.multiplier_usd * holdings.half_spread_pts * costs.option_part_share + costs.option_fee_usd,
    )
    sides = np.where(futures, 2.0, 1.0)
    words = np.where(futures, "", holdings.problems).astype(object)
    return _total(holdings, sides * np.abs(holdings.contracts) * side, words)


def compute_quick_ratio(
    cash_and_bills: Measured, realisable_gain: Measured, margin_usd: Floats, next_roll_cost: Measured
) -> QuickRatio:
    """Divide what is liquid by what may be asked for.

    Parameters
    ----------
    cash_and_bills, realisable_gain, next_roll_cost
        Dollars. Cash and bills as an account states them contain what its futures have paid.
    margin_usd
        float64, shape (n,): margin of the futures and bounded loss of the shorts (the ledger's ``margin_usd`` is both);
        NaN unknown.

    Returns
    -------
    QuickRatio
        Undefined with the reason where a part is not known, and where nothing is asked for: the denominator is 0.
    """
    asked = margin_usd + next_roll_cost.values
    reasons = (
        is_noted(cash_and_bills),
        (np.isnan(margin_usd), "the margin is not known"),
        is_noted(next_roll_cost),
        (asked == 0, "nothing is asked for: no margin and no roll"),
    )
    divisor = np.where(asked == 0, 1.0, asked)
    without = judge(cash_and_bills.values / divisor, *reasons)
    ratio = judge((cash_and_bills.values + realisable_gain.values) / divisor, *reasons, is_noted(realisable_gain))
    return QuickRatio(ratio, without, cash_and_bills, realisable_gain, next_roll_cost)


def compute_model_quick_ratio(
    holdings: Holdings, margin_usd: Floats, nav_usd: float, volume_of: VolumeOf, costs: CostRules, rules: ValuationRules
) -> QuickRatio:
    """Quick ratio of the model account for what is held; parameters as in the functions of its parts."""
    return compute_quick_ratio(
        compute_model_cash(holdings, nav_usd),
        compute_realisable_gains(holdings, volume_of, rules.volume_share_frac),
        margin_usd,
        compute_next_roll_costs(holdings, costs),
    )


def _open_gains(holdings: Holdings) -> Floats:
    return holdings.contracts * holdings.multiplier_usd * (holdings.mark_pts - holdings.cost_pts)


def _is_mini(instrument: Instrument) -> bool:
    return isinstance(instrument, VixFuture) and instrument.is_mini


def _total(holdings: Holdings, amounts: Floats, words: Words, *, sign: float = 1.0, start: float = 0.0) -> Measured:
    found = holdings.first_words(words)
    return judge(start + sign * holdings.add_up(amounts), (found != "", found))
