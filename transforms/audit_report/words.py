"""The words of the audit's report: numbers in the unit of their measure, intervals, verdicts, names of measures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from transforms.page.text import MISSING, clean_text, say_count, say_number
from transforms.statement.words import say_usd

LONGEST_TEXT = 2_000
VERDICTS = {"holds": "holds", "does_not_hold": "does not hold", "not_testable": "not testable"}
VERDICT_TONES = {"holds": "ok", "does_not_hold": "bad", "not_testable": "quiet"}
SHORTEST_P = 0.001
PROTECTED_NAMES = {"condor": "condor", "spx": "S&P 500"}
LAYER_NAMES = {"portfolio": "all layers", "temporal_vega": "temporal layer"}
READING_NAMES = {
    "equal_vega": "equal vega",
    "contracts": "contracts",
    "base_matched": "base matched",
    "short_front": "short front",
}

_MEASURES = {
    "yearly_net_loss": "yearly net loss",
    "realised_spells": "realised over whole spells",
    "kept_per_nav": "kept of the account",
    "kept_per_notional": "kept of notional",
    "kept_per_margin": "kept of collateral",
    "received_per_nav": "received of the account",
    "ratio_episodes": "in episodes",
    "ratio_full_cycle": "over the whole history",
    "surplus_episodes": "surplus in episodes",
}
_MEASURE_FAMILIES = (
    (re.compile(r"realised_vix_([\d.]+)"), "realised from VIX {}"),
    (re.compile(r"static_vix_([\d.]+)"), "static on positions from VIX {}"),
    (re.compile(r"static_curve_vix_([\d.]+)"), "static on the curve from VIX {}"),
    (re.compile(r"overall_(\w+)"), "whole history, {}"),
    (re.compile(r"mean_of_crises_(\w+)"), "mean of crises, {}"),
    (re.compile(r"crisis_([\d-]+)_(\w+)"), "crisis of {}, {}"),
)
_RANGE = re.compile(r"(?<![\d.-])(0?\.\d+) to (0?\.\d+)(?![\d-])")


def clean_record(value: Any) -> Any:
    """Return the record with every text fit to print: one line, bounded, without invisible characters."""
    if isinstance(value, Mapping):
        return {clean_text(key): clean_record(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean_record(entry) for entry in value]
    return clean_text(value, LONGEST_TEXT) if isinstance(value, str) else value


def say_share(value: float | None, *, signed: bool = False) -> str:
    """Return a fraction in per cent with two digits, an em dash for None."""
    return say_number(value, "frac", signed=signed)


def say_value(value: float | None, unit: str) -> str:
    """Return a measure's number in its unit: ``1.01% of NAV a year`` for a fraction, ``0.43`` for a ratio."""
    if value is None:
        return MISSING
    head, _, rest = unit.partition(" ")
    if head == "frac":
        return f"{say_share(value)} {rest}".strip()
    if unit == "points":
        return say_number(value, "ratio")
    return say_number(value, "pts") if unit == "ratio" else f"{say_number(value, 'pts')} {unit}".strip()


def say_interval(low: float | None, high: float | None, unit: str = "frac") -> str:
    """Return ``0.76% to 1.19%``; an end that is not there is ``open``, an em dash where both are not."""
    if low is None and high is None:
        return MISSING
    short = unit.partition(" ")[0]
    first, last = (MISSING if end is None else say_value(end, short) for end in (low, high))
    if low is None:
        first = "open"
    return f"{first} to {'open' if high is None else last}"


def say_p(value: float | None) -> str:
    """Return a probability with three digits; below 0.001 it says so."""
    if value is None:
        return MISSING
    return f"below {SHORTEST_P:g}" if 0 <= value < SHORTEST_P else say_number(value, "ratio")


def say_decimal(value: float | None) -> str:
    """Return a number with two digits, as ratios and t values are read."""
    return say_number(value, "pts")


def say_short_usd(value: float | None) -> str:
    """Return ``$37.3m`` or ``−$410k``: dollars for a title."""
    if value is None:
        return MISSING
    size = abs(value)
    text = f"${size / 1e6:,.1f}m" if size >= 1e6 else f"${size / 1e3:,.0f}k" if size >= 1e3 else say_usd(size)
    return f"\N{MINUS SIGN}{text}" if value < 0 else text


def say_counted(count: int | None, noun: str, plural: str | None = None) -> str:
    """Return ``1 session`` or ``2 sessions``; unknown is said."""
    return f"an unknown number of {plural or noun + 's'}" if count is None else say_count(count, noun, plural)


def say_verdict(verdict: str) -> str:
    """Return a verdict in words; an unknown one as it is."""
    return VERDICTS.get(verdict, verdict.replace("_", " "))


def say_claim(text: str) -> str:
    """Return a claim or rule with its ranges of fractions in per cent: ``0.01 to 0.02`` is ``1% to 2%``."""

    def to_percent(found: re.Match[str]) -> str:
        return " to ".join(f"{100 * float(end):g}%" for end in found.groups())

    return _RANGE.sub(to_percent, text)


def say_measure(name: str) -> str:
    """Return the short name of a measure in words."""
    if name in _MEASURES:
        return _MEASURES[name]
    for pattern, words in _MEASURE_FAMILIES:
        found = pattern.fullmatch(name)
        if found:
            return words.format(*(PROTECTED_NAMES.get(part, part) for part in found.groups()))
    return name.replace("_", " ")


def say_why(hypothesis: Mapping[str, Any]) -> str:
    """Return why a claim got its verdict as one sentence, its measures in words, equal reasons said once."""
    names = {one["measure"] for one in hypothesis["measures"]}
    reasons: dict[str, list[str]] = {}
    for part in (hypothesis["note"] or "").split("; "):
        name, found, why = part.partition(": ")
        if found and name in names:
            reasons.setdefault(why, []).append(say_measure(name))
        elif part:
            reasons.setdefault(part, [])
    said = [f"{' and '.join(who)}: {why}" if who else why for why, who in reasons.items()]
    if not said:
        return ""
    sentence = "; ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}."
