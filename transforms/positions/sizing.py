"""How large: notional to contracts, legs of the temporal layer, bounded loss of options, and the benchmarks' sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from transforms.layers.codes import Reading
from transforms.positions.instruments import (
    VX_MULTIPLIER_USD,
    VXM_FIRST_DATE,
    VXM_MULTIPLIER_USD,
    VixFuture,
    VixOption,
)
from transforms.positions.money import round_half_away
from transforms.positions.wants import Leg


@dataclass(frozen=True, kw_only=True)
class SizingRules:
    """Numbers that sizes are computed with; defaults as in ``transforms/parameters.toml`` and the policy ``article``.

    Parameters
    ----------
    base_notional_frac, base_notional_highest_frac
        Band of the base hedge's notional, fractions of NAV.
    hedge_ratio
        Share of the condor's vega that the base hedge answers.
    band_slack_frac
        The band is left only beyond this share of its edge, so that a price at the edge does not trade every day.
    vxm_below_vx_contracts
        Below this many VX the size is held in VXM, where they are listed.
    reading
        How the second leg of the temporal layer is sized.
    short_loss_frac
        Largest loss of the second engine's short expiry, fraction of NAV.

    Raises
    ------
    ValueError
        A number that sizes nothing.
    """

    base_notional_frac: float = 0.01
    base_notional_highest_frac: float = 0.02
    hedge_ratio: float = 0.5
    band_slack_frac: float = 0.1
    vxm_below_vx_contracts: float = 10.0
    reading: Reading = Reading.EQUAL_VEGA
    short_loss_frac: float = 0.005

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if not 0 <= self.base_notional_frac <= self.base_notional_highest_frac <= 1:
            raise ValueError(
                "base_notional_frac and base_notional_highest_frac: expected 0 <= least <= most <= 1, "
                f"found {self.base_notional_frac} and {self.base_notional_highest_frac}"
            )
        for name in ("hedge_ratio", "band_slack_frac", "vxm_below_vx_contracts", "short_loss_frac"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: expected a number from 0, found {getattr(self, name)}")


def read_sizing_rules(
    machine: Mapping[str, Any], parameters: Mapping[str, float], *, reading: str | None = None
) -> SizingRules:
    """Take the sizes out of what a policy states and out of the parameters.

    Parameters
    ----------
    machine
        What the policy states (:meth:`Policy.machine`).
    parameters
        By name, as in ``transforms/parameters.toml``.
    reading
        Another reading of the temporal layer than the policy's own.

    Raises
    ------
    KeyError
        A number is missing, or a reading that does not exist.
    """
    lowest = float(machine["base_notional_frac"])
    return SizingRules(
        base_notional_frac=lowest,
        # a sizing without a band has none: its size is its limit
        base_notional_highest_frac=max(lowest, float(machine["base_notional_highest_frac"])),
        hedge_ratio=float(machine["hedge_ratio"]),
        band_slack_frac=float(parameters["base_band_slack_frac"]),
        vxm_below_vx_contracts=float(parameters["vxm_below_vx_contracts"]),
        reading=Reading[(reading or str(machine["reading"])).upper()],
        short_loss_frac=float(machine["short_loss_frac"]),
    )


def compute_base_notional(
    rules: SizingRules, nav_usd: float, price_pts: float, condor_vega_usd: float, beta: float
) -> float:
    """Notional of the base hedge in dollars: ``hedge_ratio |condor vega| beta`` times the price, inside the band.

    Parameters
    ----------
    nav_usd
        Net asset value.
    price_pts
        Settlement of the future it is held in, points.
    condor_vega_usd
        Dollars the protected condor loses for one point of the VIX; NaN without a condor.
    beta
        Points that future moves for one point of the VIX; NaN unknown. The product is the dollars a point of
        the future that are wanted; a future with the price P has the notional P for each dollar a point.

    Returns
    -------
    float
        Dollars. The lower end of the band where the condor's vega or the sensitivity is unknown.

    Source: methodology, section 5.
    """
    lowest, highest = rules.base_notional_frac * nav_usd, rules.base_notional_highest_frac * nav_usd
    wanted = rules.hedge_ratio * abs(condor_vega_usd) * beta * price_pts
    return min(max(wanted, lowest), highest) if math.isfinite(wanted) else lowest


def split_contracts(
    rules: SizingRules, day: date, expiry: date, vega_usd: float, highest_vega_usd: float = math.inf
) -> Leg:
    """Turn dollars a point into whole contracts of VX, or of VXM for small sizes.

    Fewer than ``vxm_below_vx_contracts`` VX are held in VXM, all of them, on sessions on which VXM are listed
    (from 2020-08-10); otherwise in VX. Rounded to the nearest, half away from zero, but never beyond
    ``highest_vega_usd``: then to the next lower count, which may be none.

    Parameters
    ----------
    day
        Session of the decision.
    expiry
        Contract.
    vega_usd
        Dollars a point, negative where sold.
    highest_vega_usd
        Limit of its size, not negative.
    """
    is_mini = day >= VXM_FIRST_DATE and abs(vega_usd) / VX_MULTIPLIER_USD < rules.vxm_below_vx_contracts
    multiplier = VXM_MULTIPLIER_USD if is_mini else VX_MULTIPLIER_USD
    # 500 x 0.6 / 0.4 is 749.9999999999999 in binary: a half is a half
    wanted = round(vega_usd / multiplier, 9)
    contracts = round_half_away(wanted)
    # A limit that was computed from a whole number of contracts must allow that number.
    most = highest_vega_usd / multiplier * (1 + 1e-12)
    if abs(contracts) > most:
        contracts = int(math.copysign(math.floor(most), contracts))
    return Leg(VixFuture(expiry, is_mini), contracts, wanted)


def size_temporal_vega(
    reading: Reading, steps: int, base_vega_usd: float, front_beta: float, back_beta: float
) -> tuple[float, float]:
    """Dollars a point of the temporal layer's front and back leg.

    With n steps the front leg is ``base (2^n - 1)``. Back leg: equal_vega ``-front beta_front/beta_back``,
    contracts ``-front/2``, base_matched ``-base beta_front/beta_back``; short_front is equal_vega with both
    signs turned.

    Returns
    -------
    (front, back)
        Dollars a point, negative where sold; NaN where a sensitivity that the reading needs is unknown or not
        positive.

    Source: methodology, section 5 (layer 2).
    """
    if steps == 0:
        return 0.0, 0.0
    ratio = front_beta / back_beta if front_beta > 0 and back_beta > 0 else math.nan
    front = base_vega_usd * float(2**steps - 1)
    match reading:
        case Reading.EQUAL_VEGA:
            return front, -front * ratio
        case Reading.CONTRACTS:
            return front, -front / 2
        case Reading.BASE_MATCHED:
            return front, -base_vega_usd * ratio
        case Reading.SHORT_FRONT:
            return -front, front * ratio


def compute_loss_bound(legs: Iterable[tuple[VixOption, int]]) -> float:
    """Largest amount that options of one expiry can cost at their settlement, in dollars, premiums aside.

    The payment is piecewise linear in the settlement value: its least value lies at 0 or at a strike, unless
    more calls are sold than bought, which has no bound.

    Parameters
    ----------
    legs
        Options of one expiry and signed contracts.

    Returns
    -------
    float
        Dollars, not negative; infinite without a bound.

    Raises
    ------
    ValueError
        Options of several expiries: a longer call bounds nothing at the shorter settlement.
    """
    held = [(option, contracts) for option, contracts in legs if contracts]
    if len({option.expiry for option, _ in held}) > 1:
        raise ValueError("expected options of one expiry")
    if sum(contracts for option, contracts in held if option.is_call) < 0:
        return math.inf
    least = 0.0
    for settled in (0.0, *(option.strike_pts for option, _ in held)):
        paid = sum(contracts * option.multiplier_usd * option.intrinsic_pts(settled) for option, contracts in held)
        least = min(least, paid)
    return -least


def size_vpd_contracts(nav_usd: float, nav_per_contract_usd: float = 100_000.0) -> float:
    """VX futures that the Cboe VIX Premium Strategy sells at a roll: ``V / 100,000``, as a positive number.

    A rise of VX by 25 points then costs a quarter of V. The index holds fractions.

    Source: Cboe VIX Premium Strategy Index (VPD), description.
    """
    if not nav_per_contract_usd > 0:
        raise ValueError(f"nav_per_contract_usd: expected a positive number, found {nav_per_contract_usd}")
    return nav_usd / nav_per_contract_usd


def weigh_vxth_calls(
    vix_forward_pts: float,
    edges_pts: Sequence[float] = (15.0, 30.0, 50.0),
    weights_frac: Sequence[float] = (0.0, 0.01, 0.005, 0.0),
) -> float:
    """Share of NAV that the Cboe VIX Tail Hedge puts into VIX calls at its monthly roll.

    Up to and including an edge the weight before it counts: 15 gives nothing, 15.01 gives 1%, 30 gives 1%,
    30.01 and 50 give 0.5%, more than 50 nothing.

    Parameters
    ----------
    vix_forward_pts
        Forward VIX of the calls' expiry, points.
    edges_pts
        Ascending.
    weights_frac
        One more than edges.

    Returns
    -------
    float
        Fraction of NAV; NaN where the forward is unknown.

    Source: Cboe VIX Tail Hedge Index (VXTH), methodology.
    """
    if math.isnan(vix_forward_pts):
        return math.nan
    return float(weights_frac[sum(vix_forward_pts > edge for edge in edges_pts)])
