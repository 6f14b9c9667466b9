"""The numbers that valuations are made with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ValuationRules:
    """Numbers of the valuation; each is also in ``transforms/parameters.toml``, as ``valuation_`` and its name.

    Parameters
    ----------
    horizon_days
        Calendar days of the fixed horizon: 21 sessions.
    vix_lowest_pts, vix_highest_pts
        Range in which break-evens are looked for.
    vix_step_pts
        Step of the grid that brackets them where an option is alive; two break-evens nearer to each other
        may be missed.
    month_sessions, year_sessions
        Sessions of a month and of a year.
    beta_sessions, beta_least_sessions
        Window of the regression on the S&P 500, and usable sessions needed in it.
    variance_sessions, variance_least_sessions
        Window of the mean variance premium, and known sessions needed in it.
    equity_premium_frac
        Equity premium a year, where the book states none.
    volume_share_frac
        Share of a session's volume within which a position can be closed in a day.
    budget_lowest_frac, budget_highest_frac
        Yearly cost of the hedge that the sources budget, fractions of NAV.
    credit_lowest_frac, credit_highest_frac
        Monthly credit that the sources claim.

    Raises
    ------
    ValueError
        A number that means nothing, or a range out of order.
    """

    horizon_days: float = 30
    vix_lowest_pts: float = 5
    vix_highest_pts: float = 150
    vix_step_pts: float = 0.25
    month_sessions: float = 21
    year_sessions: float = 252
    beta_sessions: float = 252
    beta_least_sessions: float = 63
    variance_sessions: float = 252
    variance_least_sessions: float = 126
    equity_premium_frac: float = 0.045
    volume_share_frac: float = 0.05
    budget_lowest_frac: float = 0.01
    budget_highest_frac: float = 0.02
    credit_lowest_frac: float = 0.005
    credit_highest_frac: float = 0.015

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "equity_premium_frac" and value == 0:
                continue  # equities that are expected to earn what bills do
            if not 0 < value < math.inf:
                raise ValueError(f"{field.name}: expected a positive number, found {value}")
            if field.name.endswith(("_sessions", "_days")) and value != int(value):
                raise ValueError(f"{field.name}: expected a whole number, found {value}")
        for low, high in (
            ("vix_lowest_pts", "vix_highest_pts"),
            ("beta_least_sessions", "beta_sessions"),
            ("variance_least_sessions", "variance_sessions"),
            ("budget_lowest_frac", "budget_highest_frac"),
            ("credit_lowest_frac", "credit_highest_frac"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} and {high}: expected ascending")


def read_valuation_rules(parameters: Mapping[str, float]) -> ValuationRules:
    """Take the rules out of the parameters by name.

    Raises
    ------
    KeyError
        A parameter is missing.
    """
    names = [field.name for field in fields(ValuationRules)]
    return ValuationRules(**{name: float(parameters[f"valuation_{name}"]) for name in names})
