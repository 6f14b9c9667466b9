"""What a further session of delay does to a policy: a result that lives on one session of haste is not to be trusted.

Decided at t is traded at t + 1. A policy that knew something of t + 1 at t loses its edge when the same decisions
are traded a session later; an honest one changes little. The audit shows both, for every policy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from transforms.audit.history import Floats
from transforms.audit.sharpe import compute_long_run_variance

SUSPICIOUS_T = 3.0
"""Size of t from which the loss of a session's delay is more than chance. (ours)"""
SUSPICIOUS_SHARE = 0.5
"""Part of the mean gain that must be lost as well. (ours)"""


@dataclass(frozen=True, kw_only=True)
class LagTest:
    """A policy beside itself a session later.

    Parameters
    ----------
    mean_year_frac, delayed_mean_year_frac
        Mean P&L a year over the account, as decided, and decided a session later.
    difference_t
        The mean difference over its standard error (Newey and West, 1994); NaN where nothing differs.
    is_suspicious
        The policy gains, and a session's delay takes half of it or more, by more than chance.
    """

    mean_year_frac: float
    delayed_mean_year_frac: float
    difference_t: float
    is_suspicious: bool


def compare_delay(returns: Floats, delayed: Floats, sessions_per_year: int = 252) -> LagTest:
    """Compare a policy with itself a session later.

    Parameters
    ----------
    returns, delayed
        float64, shape (n,): P&L over the account by session, both without NaN.

    Raises
    ------
    ValueError
        Series of different lengths.
    """
    if returns.shape != delayed.shape:
        raise ValueError(f"expected {returns.shape}, found {delayed.shape}")
    difference = returns - delayed
    variance = compute_long_run_variance(difference)
    mean = float(difference.mean())
    t = mean / math.sqrt(variance / len(difference)) if variance > 0 else math.nan
    gained = float(returns.mean())
    return LagTest(
        mean_year_frac=gained * sessions_per_year,
        delayed_mean_year_frac=float(delayed.mean()) * sessions_per_year,
        difference_t=t,
        is_suspicious=gained > 0 and t >= SUSPICIOUS_T and mean >= SUSPICIOUS_SHARE * gained,
    )
