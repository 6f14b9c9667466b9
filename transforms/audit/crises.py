"""The crises that the audit looks at one by one, as data: ``crises.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files

import pandas as pd

from transforms.audit.history import Bools


@dataclass(frozen=True)
class Crisis:
    """A fall of the S&P 500 from a closing high to a closing low.

    Parameters
    ----------
    crisis
        Short name, the key in the file.
    name, source
        In words, and where the dates are from.
    high_date, low_date
        Sessions of the two closes.
    fall_frac
        Fall of the index between them.

    Raises
    ------
    ValueError
        The low is not after the high, or the fall not between 0 and 1.
    """

    crisis: str
    name: str
    high_date: date
    low_date: date
    fall_frac: float
    source: str

    def __post_init__(self) -> None:
        """Refuse dates out of order."""
        if not self.high_date < self.low_date:
            raise ValueError(f"crisis {self.crisis}: low_date is not after high_date")
        if not 0 < self.fall_frac < 1:
            raise ValueError(f"crisis {self.crisis}: fall_frac is not between 0 and 1")

    def covers(self, days: pd.DatetimeIndex) -> Bools:
        """Bool, shape (n,): sessions after the closing high, up to the closing low."""
        inside: Bools = (days > pd.Timestamp(self.high_date)) & (days <= pd.Timestamp(self.low_date))
        return inside


def parse_crises(text: str) -> tuple[Crisis, ...]:
    """Read the crises of a TOML text, in its order.

    Raises
    ------
    TypeError
        A key is missing or unknown.
    ValueError
        Dates are out of order.
    """
    return tuple(Crisis(crisis=key, **body) for key, body in tomllib.loads(text).items())


@lru_cache(maxsize=1)
def list_crises() -> tuple[Crisis, ...]:
    """Return the crises of ``crises.toml``."""
    return parse_crises(files("transforms.audit").joinpath("crises.toml").read_text(encoding="utf-8"))
