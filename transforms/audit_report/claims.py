"""The five claims on the page: verdict, number, and why, with all their measures behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.audit_report.cells import build_table, count, interval, measured, number, words
from transforms.audit_report.words import (
    VERDICT_TONES,
    say_claim,
    say_counted,
    say_interval,
    say_measure,
    say_value,
    say_verdict,
    say_why,
)
from transforms.page.tables import Table, make_column
from transforms.page.text import MISSING, join_words, say_number

SELF_FUNDING = "H4"


def build_claim(hypothesis: Mapping[str, Any]) -> dict[str, Any]:
    """Return one claim: words, verdict, estimate with its 80% interval, units behind it, smallest effect, why."""
    head = hypothesis["measures"][0] if hypothesis["measures"] else {}
    unit = hypothesis["unit"] or ""
    smallest = head.get("smallest_effect")
    claim = say_claim(hypothesis["claim"])
    return {
        "id": hypothesis["id"],
        "claim": f"{claim[:1].upper()}{claim[1:]}",
        "verdict": say_verdict(hypothesis["verdict"]),
        "tone": VERDICT_TONES.get(hypothesis["verdict"], "quiet"),
        "measured": head.get("what") or MISSING,
        "facts": [
            {"label": "Estimate", "text": say_value(hypothesis["estimate"], unit)},
            {
                "label": "80% interval",
                "text": say_interval(hypothesis["interval_low"], hypothesis["interval_high"], unit),
            },
            {
                "label": "Counted",
                "text": MISSING
                if hypothesis["episodes"] is None
                else f"{say_number(hypothesis['episodes'], 'count')} {hypothesis['episodes_of'] or ''}".strip(),
            },
            {
                "label": "Smallest effect it could have seen",
                "text": "not known" if smallest is None else say_value(smallest, unit),
            },
        ],
        "why": say_why(hypothesis),
        "rule": _sentence(say_claim(hypothesis["rule"] or "")),
        "summary": f"All measures of {hypothesis['id']} ({len(hypothesis['measures'])}) and the rule",
        "table": _tabulate_measures(hypothesis),
    }


def say_headline(record: Mapping[str, Any]) -> str:
    """Return the outcome in one or two sentences; nothing is said of the claims where the market is made up."""
    by_verdict: dict[str, list[str]] = {}
    for one in record["hypotheses"]:
        by_verdict.setdefault(one["verdict"], []).append(one["id"])
    if record["is_simulated"]:
        return "A made-up market: the verdicts below show that the audit runs, and say nothing about any claim."
    said = [
        f"{join_words(by_verdict[verdict])} {_agree(verdict, by_verdict[verdict])}"
        for verdict in ("holds", "does_not_hold", "not_testable")
        if verdict in by_verdict
    ]
    return f"{_capital('; '.join(said))}. {_say_funding(record)}".strip()


def _agree(verdict: str, ids: list[str]) -> str:
    several = {"holds": "hold", "does_not_hold": "do not hold", "not_testable": "are not testable"}
    one = {"holds": "holds", "does_not_hold": "does not hold", "not_testable": "is not testable"}
    return (several if len(ids) > 1 else one)[verdict]


def _say_funding(record: Mapping[str, Any]) -> str:
    """Say whether the hedge paid for itself: that it did only where that claim holds."""
    for one in record["hypotheses"]:
        if one["id"] == SELF_FUNDING:
            return {
                "holds": "The hedge was self-funded, as measured here.",
                "does_not_hold": "The hedge did not pay for itself.",
            }.get(one["verdict"], "Whether the hedge pays for itself cannot be told.")
    return ""


def _tabulate_measures(hypothesis: Mapping[str, Any]) -> Table:
    columns = [
        make_column("Measure"),
        number("Estimate"),
        number("80% interval"),
        number("95% interval"),
        make_column("Unit"),
        number("Counted"),
        number("Smallest effect", terse="Smallest"),
        make_column("Verdict"),
        make_column("Why"),
        make_column("Method"),
    ]
    rows = []
    for one in hypothesis["measures"]:
        unit = one["unit"] or ""
        rows.append(
            (
                words(say_measure(one["measure"]), note=one["what"] or ""),
                measured(one["estimate"], unit),
                interval(one, unit=unit),
                interval(one, ending="_95", unit=unit),
                words(unit.replace("frac", "%", 1) if unit.startswith("frac") else unit),
                count(one["count"], note=one["count_of"] or ""),
                measured(one["smallest_effect"], unit),
                words(say_verdict(one["verdict"]), tone=VERDICT_TONES.get(one["verdict"], "quiet")),
                words(one["why"] or MISSING),
                words(one["method"] or MISSING, note=_say_resampling(one)),
            )
        )
    return build_table(columns, rows, narrow=(0, 1, 2, 4, 5, 7))


def _say_resampling(one: Mapping[str, Any]) -> str:
    if not one["reps"]:
        return ""
    blocks = (
        "" if one["block_sessions"] is None else f", blocks of {say_number(one['block_sessions'], 'count')} sessions"
    )
    return f"{say_counted(one['reps'], 'resample')}, seed {one['seed']}{blocks}"


def _sentence(text: str) -> str:
    return f"{_capital(text)}." if text else ""


def _capital(text: str) -> str:
    # ids stay as they are, words begin large
    return f"{text[:1].upper()}{text[1:]}"
