"""The numbers that the measures of the option chain depend on, each with its provenance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChainRules:
    """Choices in reading a chain; all of them ours unless said otherwise.

    Attributes
    ----------
    parity_pairs
        At most so many strikes next to the money give the implied future.
    parity_least_pairs
        With fewer there is no implied future.
    parity_window_log
        How far from the money, in ``|ln(K/F)|``, such a strike may be.
    atm_widest_gap_log
        How far apart, in ``ln K``, the two strikes around the money may be for a volatility at the money.
    delta_widest_gap
        How far apart the deltas of the two strikes around 25 delta may be.
    target_days
        Constant maturity of the session's volatility and skew (methodology: 30).
    term_least_days, term_most_days, term_least_expiries
        Expiries in the fit of the term exponent, and how many it takes.
    front_least_days
        The front expiry is the nearest monthly with at least so many calendar days left.
    rate_longest_carry_days
        How old the newest known bill rate may be, in calendar days.
    """

    parity_pairs: int = 8
    parity_least_pairs: int = 3
    parity_window_log: float = 0.5
    atm_widest_gap_log: float = 0.25
    delta_widest_gap: float = 0.25
    target_days: float = 30.0
    term_least_days: int = 7
    term_most_days: int = 210
    term_least_expiries: int = 3
    front_least_days: int = 7
    rate_longest_carry_days: int = 10


DEFAULT_RULES = ChainRules()
