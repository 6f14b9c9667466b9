"""Verdicts on claims: the three words, the rules that choose one, and how small an effect could have been seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from scipy import optimize, stats

from transforms.audit.bootstrap import LEVELS, Estimate

VERDICT_LEVEL, EFFECT_LEVEL = LEVELS
"""Two-sided. Verdicts use the first: an effect of nothing is called positive once in ten. Whether there is any effect
at all inside a claimed range is asked of the second, once in forty."""

FEWEST_EPISODES = 10
"""Below, the studentised 80% interval covers too little on lopsided episodes (docs/audit.md): no verdict. (ours)"""

FEWEST_YEARS = 5
"""Yearly sums are much less lopsided than episodes. (ours)"""

POWER = 0.80


class Verdict(StrEnum):
    """What the data say about a claim."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does_not_hold"
    NOT_TESTABLE = "not_testable"


@dataclass(frozen=True)
class Judgement:
    """A verdict and why."""

    verdict: Verdict
    why: str


Rule = Callable[[Estimate], Judgement]
"""Chooses a verdict from an estimate that has an interval."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number behind a claim, with its verdict.

    Parameters
    ----------
    hypothesis, measure
        ``H2``, ``realised_vix_25``.
    what, unit, unit_of_count
        What is measured, in which unit, and what `Estimate.count` counts.
    rule
        The rule of the verdict in words.
    estimate
        The number and its intervals.
    judgement
        Verdict and reason.
    smallest_effect
        Smallest distance from no effect that would have been seen with a probability of 80%, in ``unit``; NaN unknown.
    """

    hypothesis: str
    measure: str
    what: str
    unit: str
    unit_of_count: str
    rule: str
    estimate: Estimate
    judgement: Judgement
    smallest_effect: float = math.nan

    @property
    def verdict(self) -> Verdict:
        """Verdict of this measure alone."""
        return self.judgement.verdict

    def to_row(self) -> dict[str, object]:
        """One row of the table of measures; numbers that are not there are None."""
        numbers = {name: _or_none(value) for name, value in asdict(self.estimate).items()}
        return {
            "id": self.hypothesis,
            "measure": self.measure,
            "what": self.what,
            "unit": self.unit,
            "estimate": numbers.pop("value"),
            "interval_low": numbers.pop("low_80"),
            "interval_high": numbers.pop("high_80"),
            "interval_low_95": numbers.pop("low_95"),
            "interval_high_95": numbers.pop("high_95"),
            "count": numbers.pop("count"),
            "count_of": self.unit_of_count,
            "verdict": self.verdict.value,
            "why": self.judgement.why,
            "rule": self.rule,
            "smallest_effect": _or_none(self.smallest_effect),
            **{name: numbers[name] for name in ("standard_error", "method", "seed", "reps", "block_sessions")},
        }


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """One claim and what became of it.

    Parameters
    ----------
    id, claim
        ``H1`` and the claim in its source's words.
    rule
        How the verdicts of the measures make the claim's.
    measures
        The first is the headline: its number and interval stand for the claim.
    judgement
        Verdict and reason.
    """

    id: str
    claim: str
    rule: str
    measures: tuple[Measure, ...]
    judgement: Judgement

    @property
    def verdict(self) -> Verdict:
        """Verdict on the claim."""
        return self.judgement.verdict

    def measure(self, name: str) -> Measure:
        """Return one measure by name.

        Raises
        ------
        KeyError
            There is none of that name.
        """
        for one in self.measures:
            if one.measure == name:
                return one
        raise KeyError(f"{self.id} has no measure {name!r}")

    def to_record(self) -> dict[str, object]:
        """Record of ``audit.json``: id, claim, verdict, estimate, interval, episodes, note, and every measure."""
        head = self.measures[0].to_row()
        return {
            "id": self.id,
            "claim": self.claim,
            "verdict": self.verdict.value,
            **{name: head[name] for name in ("estimate", "interval_low", "interval_high", "unit")},
            "episodes": head["count"],
            "episodes_of": head["count_of"],
            "note": self.judgement.why,
            "rule": self.rule,
            "measures": [one.to_row() for one in self.measures],
        }


def build_measure(
    estimate: Estimate,
    rule: Rule,
    *,
    hypothesis: str,
    measure: str,
    what: str,
    unit: str,
    unit_of_count: str,
    rule_text: str,
    fewest: int,
    effect_level: float = VERDICT_LEVEL,
) -> Measure:
    """Judge an estimate; without an interval, or with fewer than ``fewest`` behind it, it is not testable.

    ``effect_level`` is the level of the interval that an effect must clear, for the smallest one that could be seen.
    """
    if not estimate.is_interval_known:
        judgement = Judgement(Verdict.NOT_TESTABLE, estimate.note or "no interval")
    elif estimate.count < fewest:
        why = f"too few: {estimate.count} {unit_of_count}, a verdict needs {fewest}"
        judgement = Judgement(Verdict.NOT_TESTABLE, why)
    else:
        judgement = rule(estimate)
    return Measure(
        hypothesis=hypothesis,
        measure=measure,
        what=what,
        unit=unit,
        unit_of_count=unit_of_count,
        rule=rule_text,
        estimate=estimate,
        judgement=judgement,
        smallest_effect=compute_smallest_effect(estimate.standard_error, estimate.count, effect_level),
    )


def judge_positive(estimate: Estimate) -> Judgement:
    """Above 0: the whole interval is."""
    if estimate.low_80 > 0:
        return Judgement(Verdict.HOLDS, "the 80% interval lies above 0")
    if estimate.value > 0:
        return Judgement(Verdict.DOES_NOT_HOLD, "the mean is above 0, but its 80% interval is not")
    return Judgement(Verdict.DOES_NOT_HOLD, "the mean is not above 0")


def judge_inside(low: float, high: float) -> Rule:
    """Inside a range: the whole interval is.

    An interval wider than the range cannot lie inside it, whatever the truth: where they overlap, nothing was tested.
    """

    def judge(estimate: Estimate) -> Judgement:
        if low <= estimate.low_80 and estimate.high_80 <= high:
            return Judgement(Verdict.HOLDS, "the 80% interval lies inside the claimed range")
        if estimate.high_80 < low or estimate.low_80 > high:
            return Judgement(Verdict.DOES_NOT_HOLD, "the 80% interval lies outside the claimed range")
        if estimate.high_80 - estimate.low_80 > high - low:
            return Judgement(Verdict.NOT_TESTABLE, "the 80% interval is wider than the claimed range")
        return Judgement(Verdict.DOES_NOT_HOLD, "the 80% interval reaches beyond the claimed range")

    return judge


def judge_overlap(low: float, high: float) -> Rule:
    """Overlaps a range that lies above 0, and not only because it is wide.

    An interval that holds both the claimed range and no effect at all cannot tell one from the other. That there is an
    effect is asked of the 95% interval: a claim that does not say of what is tried in several ways.
    """

    def judge(estimate: Estimate) -> Judgement:
        if estimate.high_80 < low or estimate.low_80 > high:
            side = "below" if estimate.high_80 < low else "above"
            return Judgement(Verdict.DOES_NOT_HOLD, f"the 80% interval lies {side} the claimed range")
        if not estimate.low_95 > 0:
            why = "the 80% interval overlaps the claimed range, but the 95% interval holds 0: too wide to tell"
            return Judgement(Verdict.NOT_TESTABLE, why)
        return Judgement(
            Verdict.HOLDS, "the 80% interval overlaps the claimed range, and the 95% interval lies above 0"
        )

    return judge


def describe_overlap(low: float, high: float) -> str:
    """Say the rule of :func:`judge_overlap` in words."""
    return (
        f"holds when the 80% interval overlaps {low:g} to {high:g} and the 95% interval lies above 0; not testable when"
        " it overlaps and the 95% interval does not; otherwise it does not hold"
    )


def combine_all(measures: Sequence[Measure], names: Sequence[str]) -> Judgement:
    """Every named measure must hold; one that does not settles it."""
    chosen = [one for one in measures if one.measure in names]
    for wanted in (Verdict.DOES_NOT_HOLD, Verdict.NOT_TESTABLE):
        found = [one for one in chosen if one.verdict == wanted]
        if found:
            return Judgement(wanted, _say(found))
    return Judgement(Verdict.HOLDS, _say(chosen))


def combine_any(measures: Sequence[Measure], names: Sequence[str]) -> Judgement:
    """One named measure must hold; the note names which."""
    chosen = [one for one in measures if one.measure in names]
    for wanted in (Verdict.HOLDS, Verdict.NOT_TESTABLE):
        found = [one for one in chosen if one.verdict == wanted]
        if found:
            return Judgement(wanted, _say(found))
    return Judgement(Verdict.DOES_NOT_HOLD, _say(chosen))


def compute_smallest_effect(
    standard_error: float, count: int, level: float = VERDICT_LEVEL, power: float = POWER
) -> float:
    """Smallest effect whose interval would lie above 0 with the given probability.

    Of a t test with ``count - 1`` degrees of freedom at ``(1 - level)/2`` on one side: the non-centrality at which it
    rejects with ``power``, times the standard error.

    Parameters
    ----------
    standard_error
        Of the estimate.
    count
        Independent units behind it, at least 2.

    Returns
    -------
    float
        In the unit of the standard error; NaN where there is none. With many units 2.123 standard errors.

    Notes
    -----
    Source: Cohen (1988), chapter 2. An effect smaller than this that was not found has not been ruled out.
    """
    if count < 2 or not (math.isfinite(standard_error) and standard_error > 0):
        return math.nan
    freedom = count - 1
    critical = float(stats.t.ppf((1 + level) / 2, freedom))
    if freedom > 500:
        return standard_error * (critical + float(stats.norm.ppf(power)))

    def miss(shift: float) -> float:
        return float(stats.nct.sf(critical, freedom, shift)) - power

    return standard_error * float(optimize.brentq(miss, 0.0, critical + 12.0))


def _say(measures: Sequence[Measure]) -> str:
    return "; ".join(f"{one.measure}: {one.judgement.why}" for one in measures)


def _or_none(value: object) -> object:
    return None if isinstance(value, float) and not np.isfinite(value) else value
