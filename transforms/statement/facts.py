"""What a statement of positions and ledger is made from: rows of the warehouse, already read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from transforms.errors import PipelineError
from transforms.page.text import to_date

if TYPE_CHECKING:
    import pandas as pd

PORTFOLIO = "portfolio"


@dataclass(frozen=True, eq=False)
class StatementFacts:
    """Positions and ledger of the model account up to a session; nothing in it is later than ``as_of``.

    Attributes
    ----------
    nav_usd
        Net asset value of the model account; the same every session.
    next_session
        Session whose settlement the orders wait for; None where the calendar does not reach so far.
    parameters
        ``ref.parameters``: margin, fills, budget, claim, bands.
    states
        By layer: ``state``, ``reason``, ``step_count``, ``target_contracts``, ``target_vega_usd``.
    condor
        What is protected: the row of ``mart.daily_condor``; None without one.
    positions
        Rows of ``mart.daily_positions`` of the session, each with ``future_pts`` (settlement of the future of the
        same date) and ``bill_discount_rate_frac``, from which the band of an option's vega is found.
    trades
        Rows of ``mart.hedge_trades`` of the session.
    time_shifts
        Rows of ``mart.time_shifts`` up to the session, oldest first.
    sessions
        ``trade_date``, ``vix_close_pts``: every session of the ledger, oldest first, the last one ``as_of``.
    ledger
        ``mart.daily_hedge_ledger`` up to the session.
    options
        By ``trade_date``, ``layer``: ``option_pnl_usd`` (theta and option move), ``at_low_vol_usd`` and
        ``at_high_vol_usd`` (the same positions, marked throughout with volatilities at the ends of their bands; missing
        where a band is). Sessions without options are left out.
    notionals
        ``trade_date``, ``layer``, ``notional_usd``: absolute notional held at the close; missing where unknown.
    readings
        ``mart.daily_reading_ledger`` up to the session.
    valuation
        Rows of ``mart.daily_layer_valuation`` of the session; None where the warehouse has no such table.
    """

    as_of: date
    is_simulated: bool
    nav_usd: float
    next_session: date | None
    parameters: Mapping[str, float]
    states: Mapping[str, Mapping[str, Any]]
    condor: Mapping[str, Any] | None
    positions: tuple[Mapping[str, Any], ...]
    trades: tuple[Mapping[str, Any], ...]
    time_shifts: tuple[Mapping[str, Any], ...]
    sessions: pd.DataFrame
    ledger: pd.DataFrame
    options: pd.DataFrame
    notionals: pd.DataFrame
    readings: pd.DataFrame
    valuation: tuple[Mapping[str, Any], ...] | None = field(default=None)

    def __post_init__(self) -> None:
        """Refuse facts of another session, or an account without a value."""
        last = None if self.sessions.empty else to_date(self.sessions["trade_date"].iloc[-1])
        if last != self.as_of:
            raise PipelineError(
                "The last session of the ledger is not the session of the statement.",
                where="mart.daily_hedge_ledger",
                found=str(last),
                expected=self.as_of.isoformat(),
            )
        if not self.nav_usd > 0:
            raise PipelineError("The account has no net asset value.", where="nav_usd", found=str(self.nav_usd))
