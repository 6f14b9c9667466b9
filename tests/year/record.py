"""What year is lived, and what is written down of it: a line of JSON a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.year.faults import Event


@dataclass(frozen=True)
class Plan:
    """What year is lived.

    Attributes
    ----------
    first, begin, sessions, seed
        First session of the market, first night, number of nights' sessions, seed of market and faults.
    calm_mornings
        The reconciliation of a session on which nothing went wrong is run on every so many of them. Of all others it
        always is.
    mornings
        Numbers of the sessions that are reconciled at all; None for every one.
    retries
        Which of the five hourly retries are run.
    events
        What goes wrong by number of the session, instead of what is drawn.
    """

    first: date = date(2024, 1, 2)
    begin: date = date(2025, 1, 2)
    sessions: int = 252
    seed: int = 150
    calm_mornings: int = 1
    mornings: frozenset[int] | None = None
    retries: tuple[int, ...] = (1, 2, 3, 4, 5)
    events: dict[int, list[Event]] | None = None


@dataclass
class Tried:
    """An attempt as it is on record."""

    at: str
    kind: str
    code: int | None
    outcome: str
    words: str
    as_of: str | None
    seconds: float
    cpu: float
    peak_mb: float
    unexpected: str = ""


@dataclass
class Lived:
    """A session as it is on record; one line of JSON."""

    number: int
    session: str
    events: list[dict[str, Any]]
    code_version: str = ""
    tried: list[Tried] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)
    wrong: list[dict[str, Any]] = field(default_factory=list)
    delivered: int = 0
    lost_bodies: list[str] = field(default_factory=list)
    found_by_verify: list[str] = field(default_factory=list)
    idle: int = 0
    files: int = 0
    bytes: int = 0
    raw_bytes: int = 0
    log_bytes: int = 0
    run_records: int = 0
    reads: int = 0
    bad_reads: list[str] = field(default_factory=list)
