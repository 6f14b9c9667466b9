"""From what the layers want and what the account holds to the orders of the next session.

The account does not say which layer a position is for, so orders are by instrument over all layers. A gap that is no
more than rounding is left alone: what is wanted is computed anew each evening, and must not trade each day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from transforms.layers.codes import Layer
from transforms.positions.instruments import Instrument, VixFuture, has_expired
from transforms.positions.money import round_half_away
from transforms.positions.wants import Want

LEAST_CONTRACTS = 0.5
"""A smaller gap before rounding is the rounding."""
IN_THE_OTHER_SIZE = "no order: held in the other size of the contract"


@dataclass(frozen=True)
class Order:
    """An instrument that is wanted or held, and what to trade of it.

    Parameters
    ----------
    instrument
        What.
    targets
        Whole contracts each layer wants, those that want none left out.
    wanted_contracts
        Over all layers, before rounding.
    held_contracts
        What the account holds.
    order_contracts
        To trade in the next session, negative to sell.
    reason
        Why that many.
    layer_reasons
        Why the layers want it; empty where none does.
    """

    instrument: Instrument
    targets: Mapping[Layer, int]
    wanted_contracts: float
    held_contracts: int
    order_contracts: int
    reason: str
    layer_reasons: str

    @property
    def target_contracts(self) -> int:
        """Whole contracts over all layers."""
        return sum(self.targets.values())


def build_orders(
    wants: Mapping[Layer, Want],
    held: Mapping[Instrument, int],
    next_day: date,
    slack_frac: float,
    withhold: Callable[[Instrument], str | None] = lambda _: None,
) -> list[Order]:
    """Close the gap between target and holding.

    Parameters
    ----------
    wants
        What each layer wants at the close of a session.
    held
        Signed contracts of the account at the same close, without what has settled.
    next_day
        The next session: what settles by it cannot be traded any more.
    slack_frac
        A gap within this share of the target's size is left alone.
    withhold
        Why an instrument is not to be traded; None where it is.

    Returns
    -------
    list of Order
        One an instrument that is wanted or held, by its code. Options are traded to the contract, because the legs of a
        spread bound each other's loss. VX and VXM of one month settle alike: what is held of one size counts for what
        is wanted in the other, and is traded only where it would stand against it.
    """
    sized = [_Sized(instrument, wants, held) for instrument in _list_instruments(wants, held)]
    decided: dict[Instrument, tuple[int, str]] = {}
    for one in sized:
        reason = withhold(one.instrument)
        if has_expired(one.instrument, next_day):
            decided[one.instrument] = 0, f"no order: settles by {next_day} and cannot be traded before"
        elif reason is not None:
            decided[one.instrument] = 0, f"no order: {reason}"
        elif not isinstance(one.instrument, VixFuture):
            decided[one.instrument] = one.gap, _say(one.gap, one)
    open_futures = [one for one in sized if one.instrument not in decided]
    for expiry in {one.instrument.expiry for one in open_futures if isinstance(one.instrument, VixFuture)}:
        month = [one for one in open_futures if one.instrument == VixFuture(expiry, one.is_mini)]
        decided |= _order_month(month, slack_frac)
    return [
        Order(one.instrument, one.targets, one.wanted, one.held, *decided[one.instrument], one.layer_reasons)
        for one in sized
    ]


class _Sized:
    """An instrument with its targets and its holding."""

    def __init__(self, instrument: Instrument, wants: Mapping[Layer, Want], held: Mapping[Instrument, int]) -> None:
        legs = {
            layer: leg for layer, want in wants.items() for leg in want.legs if leg.instrument == instrument
        }  # an instrument stands at most once in a want
        self.instrument = instrument
        self.targets = {layer: leg.contracts for layer, leg in legs.items()}
        self.target = sum(self.targets.values())
        self.wanted = float(sum(leg.wanted_contracts for leg in legs.values()))
        self.held = held.get(instrument, 0)
        self.gap = self.target - self.held
        self.unit = instrument.multiplier_usd
        self.is_mini = isinstance(instrument, VixFuture) and instrument.is_mini
        self.layer_reasons = "; ".join(f"{layer.value}: {wants[layer].reason}" for layer in legs)


def _list_instruments(wants: Mapping[Layer, Want], held: Mapping[Instrument, int]) -> list[Instrument]:
    wanted = {leg.instrument for want in wants.values() for leg in want.legs}
    return sorted(wanted | set(held), key=lambda one: one.code)


def _order_month(month: list[_Sized], slack_frac: float) -> dict[Instrument, tuple[int, str]]:
    """Orders of the VX and VXM of one settlement date."""
    wanted = [one for one in month if one.target]
    if len(month) == 1 or len(wanted) != 1:
        return {one.instrument: _order_alone(one, slack_frac) for one in month}
    (main,) = wanted
    (other,) = (one for one in month if one is not main)
    gap = main.gap - other.held * other.unit / main.unit
    before_rounding = main.wanted + other.wanted * other.unit / main.unit - (main.target - gap)
    counted = f", {other.held} {other.instrument.code} counted"
    reason = _leave_alone(before_rounding, gap, main.target, slack_frac)
    if reason is not None:
        return {main.instrument: (0, reason + counted), other.instrument: (0, IN_THE_OTHER_SIZE)}
    traded = round_half_away(gap)
    if (main.held + traded) * other.held >= 0:
        return {
            main.instrument: (traded, _say(traded, main) + counted),
            other.instrument: (0, IN_THE_OTHER_SIZE),
        }
    # One size held against the other would be margined twice: the size that is not wanted goes.
    return {one.instrument: (one.gap, _say(one.gap, one)) for one in month}


def _order_alone(one: _Sized, slack_frac: float) -> tuple[int, str]:
    reason = _leave_alone(one.wanted - one.held, one.gap, one.target, slack_frac) if one.gap else None
    return (one.gap, _say(one.gap, one)) if reason is None else (0, reason)


def _leave_alone(before_rounding: float, gap: float, target: int, slack_frac: float) -> str | None:
    """Why a gap is left alone; None where it is traded. A target of nothing is always reached."""
    if target == 0:
        return None
    if abs(before_rounding) < LEAST_CONTRACTS:
        return f"no order: {before_rounding:+.2f} contracts before rounding are less than {LEAST_CONTRACTS:g}"
    if abs(gap) <= slack_frac * abs(target):
        return f"no order: {gap:+g} of {target:+d} contracts are within {slack_frac:.0%}"
    return None


def _say(contracts: int, one: _Sized) -> str:
    if contracts == 0:
        return "no order: held as wanted"
    side = "buy" if contracts > 0 else "sell"
    return f"{side} {abs(contracts)}: {_count(one.target)} wanted, {_count(one.held)} held"


def _count(contracts: int) -> str:
    return f"{contracts:+d}" if contracts else "none"
