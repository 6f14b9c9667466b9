"""What trading costs, what is set aside for a position, and what that earns."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from transforms.positions.instruments import IndexNote, Instrument, VixFuture, VixOption
from transforms.positions.market import Mark
from transforms.positions.money import CENTS_PER_USD, to_cents, value_in_cents
from transforms.positions.sizing import compute_loss_bound

FILL_SHARES = ("mid", "part", "full")
"""Scenarios of option fills: at mid, at mid less a part of the half-spread (the ledger's own), less all of it."""


@dataclass(frozen=True, kw_only=True)
class CostRules:
    """Costs and margin; defaults as in ``transforms/parameters.toml``.

    Parameters
    ----------
    vx_half_spread_pts
        Points lost to the spread on each side of a VX or VXM trade.
    vx_fee_usd, vxm_fee_usd, option_fee_usd
        Exchange, clearing and broker fees a contract and side.
    option_mid_share, option_part_share, option_full_share
        Share of an option's half-spread that a fill loses, in three scenarios; the second is the ledger's own.
    note_cost_frac
        Share of its value that a side of a trade in an index note loses.
    futures_margin_frac
        Collateral set aside for a future, long or short, as a share of its notional; no credit for spreads.

    Raises
    ------
    ValueError
        A number that is negative or not finite, or shares out of order.
    """

    vx_half_spread_pts: float = 0.06
    vx_fee_usd: float = 2.5
    vxm_fee_usd: float = 1.0
    option_fee_usd: float = 1.5
    option_mid_share: float = 0.0
    option_part_share: float = 1 / 3
    option_full_share: float = 1.0
    note_cost_frac: float = 0.0005
    futures_margin_frac: float = 0.4

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        for name, value in vars(self).items():
            if not 0 <= value < math.inf:
                raise ValueError(f"{name}: expected a number from 0, found {value}")
        if not self.option_mid_share <= self.option_part_share <= self.option_full_share:
            raise ValueError("option_mid_share, option_part_share, option_full_share: expected ascending")

    @property
    def option_shares(self) -> tuple[float, float, float]:
        """Shares of the half-spread in the order of `FILL_SHARES`."""
        return self.option_mid_share, self.option_part_share, self.option_full_share


COST_PARAMETERS = {
    "vx_half_spread_pts": "vx_half_spread_pts",
    "vx_fee_usd": "vx_fee_usd",
    "vxm_fee_usd": "vxm_fee_usd",
    "option_fee_usd": "vix_option_fee_usd",
    "option_mid_share": "option_fill_mid_share_frac",
    "option_part_share": "option_fill_part_share_frac",
    "option_full_share": "option_fill_full_share_frac",
    "note_cost_frac": "note_cost_frac",
    "futures_margin_frac": "futures_margin_frac",
}
"""Field of `CostRules` to its entry in ``transforms/parameters.toml``."""


def read_cost_rules(parameters: Mapping[str, float]) -> CostRules:
    """Take the costs out of the parameters by name.

    Raises
    ------
    KeyError
        A parameter is missing.
    """
    return CostRules(**{field: float(parameters[name]) for field, name in COST_PARAMETERS.items()})


def compute_trade_cost(rules: CostRules, instrument: Instrument, contracts: int, mark: Mark, share: float) -> int:
    """Cost of trading contracts at a mark, in cents, not negative.

    Parameters
    ----------
    contracts
        Without sign.
    share
        Of the half-spread, for options.
    """
    if isinstance(instrument, IndexNote):
        return to_cents(contracts * instrument.multiplier_usd * mark.pts * rules.note_cost_frac)
    if isinstance(instrument, VixFuture):
        fee = rules.vxm_fee_usd if instrument.is_mini else rules.vx_fee_usd
        return to_cents(contracts * (instrument.multiplier_usd * rules.vx_half_spread_pts + fee))
    return to_cents(contracts * (instrument.multiplier_usd * mark.half_spread_pts * share + rules.option_fee_usd))


def compute_margin(rules: CostRules, held: Mapping[Instrument, int], ticks: Mapping[Instrument, int]) -> int:
    """Collateral set aside for positions, in cents.

    Futures ``futures_margin_frac`` of their notional, each by itself; short options the most that their expiry
    can lose; bought options and notes are paid for and need none.

    Parameters
    ----------
    held
        Signed contracts.
    ticks
        Last known price of each.

    Raises
    ------
    ValueError
        More calls of an expiry sold than bought: no layer holds that.
    """
    margin = 0.0
    expiries: dict[object, list[tuple[VixOption, int]]] = defaultdict(list)
    for instrument, contracts in held.items():
        if isinstance(instrument, VixFuture):
            notional = value_in_cents(abs(contracts), instrument.multiplier_usd, ticks[instrument])
            margin += rules.futures_margin_frac * notional
        elif isinstance(instrument, VixOption):
            expiries[instrument.expiry].append((instrument, contracts))
    for legs in expiries.values():
        if any(contracts < 0 for _, contracts in legs):
            bound = compute_loss_bound(legs)
            if math.isinf(bound):
                raise ValueError(f"short options without a bound: {', '.join(one.code for one, _ in legs)}")
            margin += bound * CENTS_PER_USD
    return round(margin)


def compute_bill_return(discount_rate_frac: float, days: int) -> float:
    """Return of 91-day Treasury bills over calendar days: ``(1/(1 - 91/360 rate))^(days/91) - 1``.

    5% over one day gives 0.013978%. NaN for an unknown rate.

    Source: S&P VIX Futures Indices methodology.
    """
    return float((1 / (1 - 91 / 360 * discount_rate_frac)) ** (days / 91) - 1)
