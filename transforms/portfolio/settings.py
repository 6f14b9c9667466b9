"""The numbers the model condor is built with; their values and provenance are in ``transforms/parameters.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PARAMETER_OF = {
    "nav_usd": "model_nav_usd",
    "largest_loss_frac": "condor_largest_loss_frac",
    "short_delta": "condor_short_delta",
    "wing_delta": "condor_wing_delta",
    "skew_slope": "condor_skew_slope",
    "atm_to_vix_ratio": "condor_atm_to_vix_ratio",
    "least_volatility_frac": "condor_least_volatility_frac",
    "dividend_yield_frac": "condor_dividend_yield_frac",
    "strike_step_pts": "condor_strike_step_pts",
    "far_strike_step_pts": "condor_far_strike_step_pts",
    "far_from_log": "condor_far_from_log",
    "open_latest_sessions": "condor_open_latest_sessions",
    "multiplier_usd": "spx_option_multiplier_usd",
}
"""Parameter of ``ref.parameters`` behind each field of `CondorSettings`."""


@dataclass(frozen=True, kw_only=True)
class CondorSettings:
    """Numbers of the model condor and of its volatility.

    Parameters
    ----------
    nav_usd
        Account, in dollars. Every month is sized to the same account: gains are not compounded.
    largest_loss_frac
        Largest loss of the condor as a share of the account.
    short_delta, wing_delta
        Absolute Black-Scholes delta of the options sold and bought; ``0 < wing < short < 0.5``.
    skew_slope
        Change of the volatility, as a fraction a year, for ``ln(K/S)`` higher by one; not positive.
    atm_to_vix_ratio
        Volatility at ``K = S`` over the VIX term structure at the same number of days.
    least_volatility_frac
        No volatility is below this one.
    dividend_yield_frac
        Of the S&P 500, continuous, a year.
    strike_step_pts, far_strike_step_pts, far_from_log
        Strikes are multiples of the first, beyond ``|ln(K/S)|`` of the third of the second.
    open_latest_sessions
        A condor that cannot be opened on its roll session for want of data may be opened so many sessions later.
    multiplier_usd
        Dollars a point of one SPX option.

    Raises
    ------
    ValueError
        If a number is outside of what it means.
    """

    nav_usd: float
    largest_loss_frac: float
    short_delta: float
    wing_delta: float
    skew_slope: float
    atm_to_vix_ratio: float
    least_volatility_frac: float
    dividend_yield_frac: float
    strike_step_pts: float
    far_strike_step_pts: float
    far_from_log: float
    open_latest_sessions: int
    multiplier_usd: float

    def __post_init__(self) -> None:
        # written so that a value that is not a number fails too
        rules = {
            "nav_usd": 0 < self.nav_usd < 1e15,
            "largest_loss_frac": 0 < self.largest_loss_frac <= 1,
            "short_delta": 0 < self.short_delta < 0.5,
            "wing_delta": 0 < self.wing_delta < self.short_delta,
            # Steeper, and a put further out could cost more than one nearer.
            "skew_slope": -1 <= self.skew_slope <= 0,
            "atm_to_vix_ratio": 0.5 <= self.atm_to_vix_ratio <= 1.5,
            "least_volatility_frac": 0 < self.least_volatility_frac < 1,
            "dividend_yield_frac": 0 <= self.dividend_yield_frac < 0.2,
            "strike_step_pts": 0 < self.strike_step_pts < 1_000,
            "far_strike_step_pts": self.strike_step_pts <= self.far_strike_step_pts < 1_000,
            "far_from_log": 0 <= self.far_from_log < 10,
            "open_latest_sessions": 0 <= self.open_latest_sessions < 15,
            "multiplier_usd": 0 < self.multiplier_usd < 1e6,
        }
        wrong = [name for name, is_right in rules.items() if not is_right]
        if wrong:
            raise ValueError(f"settings of the condor outside of their range: {', '.join(wrong)}")


def condor_settings(values: Mapping[str, float], *, nav_usd: float | None = None) -> CondorSettings:
    """Take the settings from parameters by name (``ref.parameters``, ``transforms.registry.parameters``).

    Parameters
    ----------
    values
        Value of each parameter of `PARAMETER_OF`; others are passed over.
    nav_usd
        The account, where it is not the model's.

    Raises
    ------
    KeyError
        If a parameter is missing.
    ValueError
        If one is outside of its range.
    """
    found = {field.name: float(values[PARAMETER_OF[field.name]]) for field in fields(CondorSettings)}
    if nav_usd is not None:
        found["nav_usd"] = nav_usd
    return CondorSettings(**{**found, "open_latest_sessions": int(found["open_latest_sessions"])})  # type: ignore[arg-type]
