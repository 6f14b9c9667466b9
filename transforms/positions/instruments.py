"""What the hedge may hold: VX and VXM futures, VIX options, and a note on a volatility index as a stand-in.

An instrument is its own key: frozen, comparable, ordered by its code, and written as that code in every table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeAlias

VX_MULTIPLIER_USD = 1000
VXM_MULTIPLIER_USD = 100
OPTION_MULTIPLIER_USD = 100
NOTE_MULTIPLIER_USD = 1

VXM_FIRST_DATE = date(2020, 8, 10)
"""First trade date of Mini VIX futures (Cboe, 2020-08-18: first week of VXM). The older VM, 2009-2014, is not used."""


@dataclass(frozen=True)
class VixFuture:
    """A monthly VIX future, by its final settlement date.

    Parameters
    ----------
    expiry
        Final settlement date.
    is_mini
        True for VXM ($100 a point), False for VX ($1,000 a point). Both settle at the same value, and VXM is
        marked at the settlement of VX.
    """

    expiry: date
    is_mini: bool = False

    @cached_property
    def code(self) -> str:
        """``VX 2024-09-18`` or ``VXM 2024-09-18``."""
        return f"{'VXM' if self.is_mini else 'VX'} {self.expiry.isoformat()}"

    @property
    def multiplier_usd(self) -> int:
        """Dollars a point."""
        return VXM_MULTIPLIER_USD if self.is_mini else VX_MULTIPLIER_USD


@dataclass(frozen=True)
class VixOption:
    """A VIX option, cash settled to the value that the future of the same date settles at.

    Parameters
    ----------
    expiry
        Settlement date.
    strike_pts
        Strike, points.
    is_call
        True for a call.

    Raises
    ------
    ValueError
        A strike that is not positive.
    """

    expiry: date
    strike_pts: float
    is_call: bool = True

    def __post_init__(self) -> None:
        """Refuse a strike that no option has."""
        if not self.strike_pts > 0:
            raise ValueError(f"strike_pts: expected a positive number, found {self.strike_pts}")

    @cached_property
    def code(self) -> str:
        """``VIX 2024-09-18 C 25``, ``VIX 2024-09-18 P 17.5``."""
        return f"VIX {self.expiry.isoformat()} {'C' if self.is_call else 'P'} {self.strike_pts:g}"

    @property
    def multiplier_usd(self) -> int:
        """Dollars a point."""
        return OPTION_MULTIPLIER_USD

    def intrinsic_pts(self, settled_pts: float) -> float:
        """Payment at a settlement value, points."""
        gap = settled_pts - self.strike_pts
        return max(gap if self.is_call else -gap, 0.0)


@dataclass(frozen=True)
class IndexNote:
    """A unit of a volatility index, as an exchange-traded note would track it; one dollar a point, no expiry."""

    index_code: str

    @property
    def code(self) -> str:
        """``NOTE SHORT_TERM_TR``."""
        return f"NOTE {self.index_code}"

    @property
    def multiplier_usd(self) -> int:
        """Dollars a point."""
        return NOTE_MULTIPLIER_USD


Instrument: TypeAlias = VixFuture | VixOption | IndexNote


def parse_instrument(code: str) -> Instrument:
    """Read an instrument back from its code.

    Raises
    ------
    ValueError
        No code of an instrument, or not its canonical spelling.
    """
    parts = code.split(" ")
    found: Instrument | None = None
    try:
        match parts:
            case [("VX" | "VXM") as product, expiry]:
                found = VixFuture(date.fromisoformat(expiry), is_mini=product == "VXM")
            case ["VIX", expiry, ("C" | "P") as right, strike]:
                found = VixOption(date.fromisoformat(expiry), float(strike), is_call=right == "C")
            case ["NOTE", index_code] if index_code:
                found = IndexNote(index_code)
    except ValueError:
        found = None
    if found is None or found.code != code:
        raise ValueError(
            f"instrument {code!r}: expected 'VX 2024-09-18', 'VXM 2024-09-18', 'VIX 2024-09-18 C 25' or 'NOTE INDEX'"
        )
    return found


def has_expired(instrument: Instrument, day: date) -> bool:
    """Tell whether an instrument has settled by the close of a day: it settles at the open of its expiry."""
    return not isinstance(instrument, IndexNote) and instrument.expiry <= day
