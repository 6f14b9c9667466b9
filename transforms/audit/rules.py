"""The numbers of the audit's protocol, with whose word each is: docs/audit.md."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.audit.bootstrap import DEFAULT_RESAMPLING, Resampling
from transforms.audit.verdicts import FEWEST_EPISODES, FEWEST_YEARS
from transforms.layers.codes import Layer
from transforms.ledger.table import PORTFOLIO

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class AuditRules:
    """What is claimed, and how it is measured.

    Parameters
    ----------
    base_cost_frac, monthly_credit_frac, drawdown_cut_frac
        Claimed ranges of H1 (a year), H3 (a month) and H5. (article)
    high_vix_pts
        Thresholds of H2; the first also makes the episodes of H4. (article)
    calm_share_frac
        A year is calm when the VIX closed at the first threshold or above on at most this share of its sessions. (ours)
    fewest_sessions_a_year, fewest_held_frac
        A year counts with so many sessions, and with the base hedge held on this share of them. (ours)
    fewest_episodes, fewest_years, fewest_sessions
        Verdicts need so many; sessions for measures of the whole path: five years. (ours)
    largest_missing_frac
        Share of sessions without a P&L of the protected portfolio that H5 passes over. (ours)
    sessions_per_month, sessions_per_year
        Months and years of rates. (literature)
    temporal_layer, base_layer, funding_layer
        Layers that H2 and H3, H1, and H4 and H5 are about.
    resampling
        Seed and resamples.

    Raises
    ------
    ValueError
        A range out of order, or a number that is not positive.
    """

    base_cost_frac: Range = (0.01, 0.02)
    monthly_credit_frac: Range = (0.005, 0.015)
    drawdown_cut_frac: Range = (0.35, 0.40)
    high_vix_pts: Range = (25.0, 30.0)
    calm_share_frac: float = 0.05
    fewest_sessions_a_year: int = 240
    fewest_held_frac: float = 0.5
    fewest_episodes: int = FEWEST_EPISODES
    fewest_years: int = FEWEST_YEARS
    fewest_sessions: int = 1_260
    largest_missing_frac: float = 0.02
    sessions_per_month: int = 21
    sessions_per_year: int = 252
    base_layer: str = Layer.BASE.value
    temporal_layer: str = Layer.TEMPORAL_VEGA.value
    funding_layer: str = PORTFOLIO
    resampling: Resampling = DEFAULT_RESAMPLING

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        for name in ("base_cost_frac", "monthly_credit_frac", "drawdown_cut_frac", "high_vix_pts"):
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ValueError(f"{name}: expected two ascending numbers above 0, found {low} and {high}")
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not value > 0:
                raise ValueError(f"{name}: expected a number above 0, found {value}")


DEFAULT_RULES = AuditRules()
