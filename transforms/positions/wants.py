"""The shape of a target: what a layer wants to hold at a close, and why."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.layers.codes import Layer
from transforms.positions.instruments import Instrument


@dataclass(frozen=True)
class Leg:
    """A position that is wanted in one instrument.

    Parameters
    ----------
    instrument
        What.
    contracts
        Whole contracts, negative where sold.
    wanted
        The same before rounding, in contracts of the same instrument; the difference is the rounding. None
        where nothing was rounded.
    """

    instrument: Instrument
    contracts: int
    wanted: float | None = None

    @property
    def wanted_contracts(self) -> float:
        """Contracts before rounding."""
        return float(self.contracts) if self.wanted is None else self.wanted


@dataclass(frozen=True)
class Want:
    """Everything a layer wants at a close, each instrument once, and the reason in words."""

    legs: tuple[Leg, ...]
    reason: str


NOTHING = Want((), "nothing is wanted")


@dataclass(frozen=True, eq=False)
class LayerTargets:
    """What a layer wants at each close.

    Parameters
    ----------
    layer
        Whose.
    wants
        One a session, in order.
    """

    layer: Layer
    wants: tuple[Want, ...]
