"""What an explanation is made from: rows of the warehouse, already read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from transforms.policy.expression import Node


@dataclass(frozen=True)
class EpisodeSession:
    """One session since the temporal layer last left, as its rules saw it: None is not evaluable."""

    arm: bool | None
    full: bool | None
    leave: bool | None
    excursions: int | None


@dataclass(frozen=True)
class ExplainFacts:
    """A session's states with all that explains them; nothing in it is later than ``as_of``.

    Attributes
    ----------
    policy_name, policy_hash, effective_from
        The policy that decides the session; ``effective_from`` is None for the first one.
    states
        By layer, the row of ``mart.daily_hedge_state``, its ``clauses`` as a list.
    governor
        The row of ``mart.daily_governor``, its ``guard_clauses`` as a list.
    since
        By layer, ``since`` (first session of the state) and ``sessions`` (how many, this one included);
        the governor's mode too, under ``governor``.
    signals
        The row of ``mart.daily_signals``.
    gaps
        Signal without a value on the session, to ``absent``, ``stale`` or ``warming_up``.
    units
        Unit of each signal.
    meanings, parameters
        Meaning of each rule by ``layer.rule``; ``value``, ``unit``, ``provenance`` of each parameter.
    conditions
        Expression of a clause to its tree; absent where it cannot be taken apart.
    transitions
        Newest first: ``trade_date``, ``transition_no``, ``layer``, ``from_state``, ``to_state``, ``reason``.
    comparison
        Rows of ``mart.daily_policy_comparison``, and the name of the policy whose readings they hold.
    episode
        The sessions since the temporal layer was last idle, oldest first, this one last; None where the
        policy changed in between, because the counts of the machine are then not to be seen.
    timeline
        ``trade_date``, ``vix_close_pts`` and by layer ``state``, ``step_count``: the last 300 sessions.
    """

    as_of: date
    is_simulated: bool
    policy_name: str
    policy_hash: str
    effective_from: date | None
    states: Mapping[str, Mapping[str, Any]]
    governor: Mapping[str, Any]
    since: Mapping[str, Mapping[str, Any]]
    signals: Mapping[str, Any]
    gaps: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    conditions: Mapping[str, Node] = field(default_factory=dict)
    transitions: tuple[Mapping[str, Any], ...] = ()
    comparison: tuple[Mapping[str, Any], ...] = ()
    comparison_policy: str | None = None
    episode: tuple[EpisodeSession, ...] | None = None
    timeline: tuple[Mapping[str, Any], ...] = ()
    model_nav_usd: float | None = None

    def number(self, parameter: str) -> float | None:
        """Return the value of a parameter of the policy, None where the policy does not state it."""
        entry = self.parameters.get(parameter)
        return None if entry is None else float(entry["value"])
