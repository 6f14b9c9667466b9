"""What the pages of the site are made of, as plain records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

LAYERS = ("base", "temporal_vega", "second_engine")
MONTHS = tuple(range(1, 10))


@dataclass(frozen=True)
class Holding:
    """Contracts of one instrument that a layer held or had on order at a close."""

    day: date
    layer: str
    instrument: str
    held_contracts: int
    order_contracts: int


@dataclass(frozen=True)
class SiteHistory:
    """Every published session, oldest first.

    Attributes
    ----------
    columns
        By name, each as long as ``days``; None is not published or not evaluable. Names are those of the
        registry; of a layer's columns ``<layer>.<column>``; besides ``pnl_12m_usd``.
    holdings
        In the order of their days.
    """

    days: Sequence[date]
    columns: Mapping[str, Sequence[Any]]
    holdings: Sequence[Holding]
    is_simulated: bool


@dataclass(frozen=True)
class ReportLink:
    """A session report that exists; ``sentence`` is its headline where it was read."""

    day: date
    sentence: str = ""


@dataclass(frozen=True)
class AuditLink:
    """A claim audit: claims as (id, claim, verdict)."""

    session: str
    claims: Sequence[tuple[str, str, str]]
    is_simulated: bool
    note: str = ""


@dataclass(frozen=True)
class SweepLink:
    """A sweep of policies."""

    folder: str
    name: str
    as_of: str
    policies: int | None
    is_simulated: bool
    note: str = ""


@dataclass(frozen=True)
class CheckRow:
    """One row of ``ops.check_results``; ``sample`` is a list of offending rows."""

    name: str
    kind: str
    severity: str
    is_passed: bool
    offending_rows: int
    what: str
    sample: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class CheckedRun:
    """All checks of the published warehouse, and the run that made them."""

    run_id: str
    newest: date | None
    checks: Sequence[CheckRow]
    queries: Mapping[str, str] = field(default_factory=dict)
    """Text of ``sql/checks/<name>.sql`` by name."""


@dataclass(frozen=True)
class IndexInputs:
    """What the index shows."""

    history: SiteHistory
    reports: Sequence[ReportLink]
    """Every session report there is, newest first."""
    audits: Sequence[AuditLink]
    sweeps: Sequence[SweepLink]
    checked: CheckedRun


@dataclass(frozen=True)
class TableFacts:
    """One table of the warehouse, as its reference page tells it.

    Attributes
    ----------
    columns
        (name, DuckDB type), in the table's order; empty for a table that only a build has.
    file
        Repository path of what makes it.
    made_by
        ``sql`` or ``python`` or ``data``.
    text
        Its SQL, or the opening words of the file that makes it.
    """

    name: str
    what: str
    grain: str
    file: str
    made_by: str
    columns: Sequence[tuple[str, str]]
    source: str = ""
    edge: str = ""
    reads: Sequence[str] = ()
    text: str = ""
    compute: str = ""
    compute_text: str = ""
    is_build_only: bool = False


@dataclass(frozen=True)
class MacroFacts:
    """One macro of the published file: how it is called, what it gives, and its text."""

    signature: str
    gives: str
    what: str
    edge: str
    example: str
    file: str
    text: str
