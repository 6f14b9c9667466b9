"""What the report is made from: tables already read, facts of the run already known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from transforms.errors import PipelineError
from transforms.explain.facts import ExplainFacts
from transforms.page.text import to_date
from transforms.report.book import NO_BOOK
from transforms.statement.facts import StatementFacts

if TYPE_CHECKING:
    # named in signatures only: a command that asks for the newest session needs no second of imports
    import pandas as pd

RANKS = tuple(range(1, 10))
"""Ranks of the monthly contracts that the term structure carries."""

TERM_STRUCTURE_COLUMNS = (
    "trade_date",
    "vix_close_pts",
    *(f"vx{rank}_settle_pts" for rank in RANKS),
    *(f"vx{rank}_expiry_date" for rank in RANKS),
    "contango_frac",
    "contango_4_7_frac",
    "basis_frac",
    "daily_roll_pts",
    "vix_vix3m_ratio",
    "cm30_pts",
    "cm60_pts",
    "cm90_pts",
    "cm_slope_log",
    "roll_down_front_frac",
    "roll_down_second_frac",
    "vol_level",
    "curve_state",
    "curve_regime",
    "days_in_regime",
    "contango_pctile",
    "vix_pctile",
)
"""Columns of ``mart.daily_term_structure`` that the report reads."""

INDEX_LEVEL_COLUMNS = ("trade_date", "index_code", "close_pts")
VOLATILITY_INDEX_COLUMNS = ("trade_date", "short_term_tr", "mid_term_tr", "short_term_er")
MARKETS = ("real", "simulated")


@dataclass(frozen=True)
class ReportInputs:
    """Everything one night's report shows; nothing in it is later than ``as_of``.

    Attributes
    ----------
    as_of
        Session the report is about. The last row of ``term_structure``.
    run
        ``run_id``, ``started_at_utc``, ``finished_at_utc``, ``code_version``, ``package_versions``,
        ``source``, ``market`` (``real`` or ``simulated``), ``warehouse_sha256`` or None,
        ``policy_hash`` or None, ``parameters`` (curve edges and the like).
    term_structure
        Rows of ``mart.daily_term_structure`` up to ``as_of``, one a session, oldest first.
        92 rows are enough: 90 sessions of history, or as-of and 21 sessions before it. The band of past curves is
        made of the last 1,260.
    index_levels
        ``trade_date``, ``index_code``, ``close_pts`` for ``as_of`` and the session before.
    volatility_indices
        ``trade_date``, ``short_term_tr``, ``mid_term_tr``, ``short_term_er``: levels of the rebuilt
        VIX futures indices.
    sources
        One entry a source file: ``publisher``, ``dataset``, ``label``, ``files``,
        ``newest_reference_date``, ``fetched_at_utc``, ``age_sessions``, ``status`` (``ok``, ``stale``,
        ``absent``, ``refused``, ``failed``), ``requirement`` (``required``, ``expected``,
        ``optional``), ``note``.
    checks
        ``check_name``, ``kind``, ``severity`` (``error``, ``warn``), ``is_passed``,
        ``offending_rows``, ``what``, ``sample``.
    quarantine
        ``dataset``, ``reason``, ``disposition`` (``rejected``, ``field_nulled``, ``kept_flagged``),
        ``rows``, ``first_trade_date``, ``last_trade_date``, ``example``.
    revisions
        Values that changed since an earlier run, found by this run.
    settlement_differences
        ``trade_date``, ``contract_code``, ``contract_file_pts``, ``same_evening_pts``,
        ``difference_pts``.
    columns
        Column name to ``unit``, ``meaning``, ``formula`` (optional) and ``source``.
    expected_session
        Session that should be out by the clock of the run; None where nobody asked.
    hedge
        The layers, the governor and the signals of the session; None where no policy is applied.
    statement
        Positions and ledger up to the session; None where the warehouse has none.
    book
        What ``warehouse.book_data.read_book_orders`` says of the user's book on the session; None where there is
        nothing to say.
    book_note
        Why ``book`` is None; not read where it is not.
    upcoming
        Rows of ``ref.sessions`` from ``as_of`` on: ``session_date``, ``is_futures_session``, ``is_equity_session``,
        ``futures_session_count``.
    minutes_basis
        How the date of the next FOMC minutes is known: ``published`` or ``estimated``; None without one.
    """

    as_of: date
    run: Mapping[str, Any]
    term_structure: pd.DataFrame
    index_levels: pd.DataFrame
    volatility_indices: pd.DataFrame
    sources: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    revisions: list[dict[str, Any]] = field(default_factory=list)
    settlement_differences: list[dict[str, Any]] = field(default_factory=list)
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    expected_session: date | None = None
    hedge: ExplainFacts | None = None
    statement: StatementFacts | None = None
    book: Mapping[str, Any] | None = None
    book_note: str = NO_BOOK
    upcoming: tuple[Mapping[str, Any], ...] = ()
    minutes_basis: str | None = None

    def __post_init__(self) -> None:
        _require_columns(self.term_structure, TERM_STRUCTURE_COLUMNS, "mart.daily_term_structure")
        _require_columns(self.index_levels, INDEX_LEVEL_COLUMNS, "core.daily_index_levels")
        _require_columns(self.volatility_indices, VOLATILITY_INDEX_COLUMNS, "mart.daily_volatility_indices")
        sessions = [to_date(value) for value in self.term_structure["trade_date"]]
        if any(session is None for session in sessions):
            raise PipelineError("The term structure has a row without a trade date.", where="trade_date")
        known = [session for session in sessions if session is not None]
        if any(later <= earlier for earlier, later in pairwise(known)):
            raise PipelineError(
                "The sessions of the term structure are not in order, or one is there twice.",
                where="mart.daily_term_structure",
                next_step="Read it with `order by trade_date`.",
            )
        if not known or known[-1] != self.as_of:
            raise PipelineError(
                "The last session of the term structure is not the session of the report.",
                where="mart.daily_term_structure",
                found=known[-1].isoformat() if known else "no row",
                expected=self.as_of.isoformat(),
                next_step="Read the rows up to and including the session of the report.",
            )
        frames = {"index levels": self.index_levels, "rebuilt indices": self.volatility_indices}
        for name, frame in frames.items():
            latest = max((day for day in map(to_date, frame["trade_date"]) if day), default=self.as_of)
            if latest > self.as_of:
                raise PipelineError(
                    f"The {name} hold a session after the one of the report.",
                    found=latest.isoformat(),
                    expected=f"{self.as_of.isoformat()} or earlier",
                )
        if self.hedge is not None and self.hedge.as_of != self.as_of:
            raise PipelineError(
                "The states of the layers are not those of the session of the report.",
                where="mart.daily_hedge_state",
                found=self.hedge.as_of.isoformat(),
                expected=self.as_of.isoformat(),
            )
        if self.statement is not None and self.statement.as_of != self.as_of:
            raise PipelineError(
                "The ledger is not that of the session of the report.",
                where="mart.daily_hedge_ledger",
                found=self.statement.as_of.isoformat(),
                expected=self.as_of.isoformat(),
            )
        if self.book is not None and self.book["session"] != self.as_of.isoformat():
            raise PipelineError(
                "The orders of the book are not those of the session of the report.",
                where="mart.book_orders",
                found=str(self.book["session"]),
                expected=self.as_of.isoformat(),
            )
        if self.run.get("market") not in MARKETS:
            raise PipelineError(
                "The run does not say whether its market is real or simulated.",
                where="run['market']",
                found=repr(self.run.get("market")),
                expected=" or ".join(MARKETS),
            )


def _require_columns(frame: pd.DataFrame, columns: tuple[str, ...], table: str) -> None:
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise PipelineError(
            "A table of the report lacks columns.",
            where=table,
            found=", ".join(map(str, frame.columns)) or "no column",
            expected=", ".join(absent),
        )
