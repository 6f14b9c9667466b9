"""Rules looked at with data: one that never holds, or always does, is probably not what was meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from transforms.errors import PolicyError
from transforms.policy.model import Policy, Rule

LEAST_SESSIONS = 250
"""Sessions on which a rule must be evaluable before "never" and "always" mean anything: a year."""

Verdict = Literal["holds at times", "never holds", "always holds", "too few sessions"]


@dataclass(frozen=True)
class RuleCount:
    """How often a rule held.

    Attributes
    ----------
    true_sessions, false_sessions, unknown_sessions
        They add up to the sessions of the signals.
    first_evaluable, last_evaluable, first_true, last_true
        Dates, None where there is none.
    is_refused
        True where the verdict is "never" or "always" and the rule does not say that it may.
    """

    rule: str
    expression: str
    true_sessions: int
    false_sessions: int
    unknown_sessions: int
    first_evaluable: date | None
    last_evaluable: date | None
    first_true: date | None
    last_true: date | None
    verdict: Verdict
    is_refused: bool

    def sentence(self) -> str:
        """Say it in one line."""
        counts = f"{self.true_sessions:,} true, {self.false_sessions:,} false, {self.unknown_sessions:,} not evaluable"
        span = f", evaluable from {self.first_evaluable} to {self.last_evaluable}" if self.first_evaluable else ""
        held = f", true from {self.first_true} to {self.last_true}" if self.first_true else ""
        return f"{self.rule} {self.verdict}: {counts}{span}{held}"


def count_rules(
    policy: Policy,
    truths: Callable[[Rule], NDArray[np.int8]],
    trade_dates: NDArray[np.datetime64],
    *,
    least_sessions: int = LEAST_SESSIONS,
) -> list[RuleCount]:
    """Count how often each rule and guard held.

    Parameters
    ----------
    truths
        Gives the truths of a rule, shape (sessions,): 1, 0, or -1 for not evaluable.
    trade_dates
        The sessions, shape (sessions,).
    least_sessions
        Fewer evaluable sessions give no verdict.

    Returns
    -------
    list of RuleCount
        One a rule, in the order of layers and roles.
    """
    counts = []
    for rule in policy.rules:
        truth = truths(rule)
        is_true, is_known = truth == 1, truth >= 0
        held, known = int(is_true.sum()), int(is_known.sum())
        verdict: Verdict = "holds at times"
        if known < least_sessions:
            verdict = "too few sessions"
        elif held == 0:
            verdict = "never holds"
        elif held == known:
            verdict = "always holds"
        first, last = _ends(trade_dates[is_known])
        first_true, last_true = _ends(trade_dates[is_true])
        may = {"never holds": rule.may_never_hold, "always holds": rule.may_always_hold}
        counts.append(
            RuleCount(
                rule.name,
                rule.expression,
                held,
                known - held,
                len(truth) - known,
                first,
                last,
                first_true,
                last_true,
                verdict,
                not may.get(verdict, True),
            )
        )
    return counts


def refuse_idle_rules(counts: Iterable[RuleCount], *, where: str) -> None:
    """Refuse a policy with a rule that never or always holds without saying that it may.

    Raises
    ------
    PolicyError
        Naming every such rule.
    """
    refused = [count for count in counts if count.is_refused]
    if refused:
        raise PolicyError(
            "a rule does not do anything on these data",
            where=where,
            found="; ".join(f"{count.sentence()} ({count.expression})" for count in refused),
            expected="rules that hold on some sessions and not on others",
            next_step="mend the rule, or state may_never_hold = true or may_always_hold = true beside it",
        )


def _ends(dates: NDArray[np.datetime64]) -> tuple[date | None, date | None]:
    if not len(dates):
        return None, None
    first, last = dates[0].astype("datetime64[D]").item(), dates[-1].astype("datetime64[D]").item()
    return first, last
