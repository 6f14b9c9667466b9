"""The audit's record as what its page and its text print: words, tables and charts, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.audit_report.claims import build_claim, say_headline
from transforms.audit_report.forests import build_comparator_chart, build_points_chart, build_static_chart
from transforms.audit_report.history_tables import (
    list_thin,
    say_crises,
    say_difference,
    tabulate_carry,
    tabulate_crises,
    tabulate_differences,
    tabulate_episodes,
    tabulate_slices,
    tabulate_years,
)
from transforms.audit_report.paths import (
    build_drawdown_chart,
    build_episode_chart,
    build_equity_chart,
    build_funding_chart,
)
from transforms.audit_report.trial_tables import (
    say_delay,
    say_family,
    tabulate_delay,
    tabulate_hedging,
    tabulate_protected,
    tabulate_returns,
    tabulate_trials,
)
from transforms.audit_report.words import clean_record, say_counted
from transforms.page.text import MISSING, join_words, say_date, say_number
from transforms.statement.words import say_usd

_PROVENANCE = {
    "command": "Command",
    "made_at_utc": "Made at (UTC)",
    "code_version": "Code",
    "warehouse_run_id": "Warehouse run",
    "inputs_sha256": "Inputs, SHA-256",
    "policy_hash": "Policy, hash",
    "seed": "Seed",
    "resamples": "Resamples",
}


def build_audit_context(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that both renderings print.

    Parameters
    ----------
    record
        As `transforms.audit.record.build_audit_record` makes it; any number may be None.

    Returns
    -------
    dict
        Texts are cleaned, not escaped: a rendering escapes in its own way.
    """
    clean: Mapping[str, Any] = clean_record(record)
    return {
        "title": f"Audit of the hedge's claims, policy {clean['policy']}, to {say_date(clean['as_of'])}",
        "headline": say_headline(clean),
        "is_simulated": clean["is_simulated"],
        "scope": _say_scope(clean),
        "claims": [build_claim(one) for one in clean["hypotheses"]],
        "charts": {
            "equity": build_equity_chart(clean),
            "drawdown": build_drawdown_chart(clean),
            "funding": build_funding_chart(clean),
            "episodes": build_episode_chart(clean),
            "static": build_static_chart(clean),
            "points": build_points_chart(clean),
            "comparators": build_comparator_chart(clean),
        },
        "family": say_family(clean),
        "crises": say_crises(clean),
        "motion": say_difference(clean["adaptive_or_static"], "motion"),
        "governor": say_difference(clean["governor"], "the governor"),
        "delay": say_delay(clean),
        "calm": _say_calm(clean),
        "tables": {
            "crises": tabulate_crises(clean),
            "trials": tabulate_trials(clean),
            "returns": tabulate_returns(clean),
            "hedging": tabulate_hedging(clean),
            "protected": tabulate_protected(clean),
            "differences": tabulate_differences(clean),
            "slices": tabulate_slices(clean),
            "delay": tabulate_delay(clean),
            "years": tabulate_years(clean),
            "episodes": tabulate_episodes(clean),
            "carry": tabulate_carry(clean),
        },
        "assumptions": clean["assumptions"],
        "limits": _list_limits(clean),
        "priced": _say_priced(clean),
        "provenance": _list_provenance(clean),
        "schema_version": clean["schema_version"],
    }


def _say_scope(record: Mapping[str, Any]) -> str:
    sessions = say_counted(record["sessions"], "session")
    return (
        f"{sessions[:1].upper()}{sessions[1:]} from {say_date(record['first_session'])} to "
        f"{say_date(record['as_of'])}, an account of {say_usd(record['nav_usd'])}. P&L is after costs and without the "
        "interest on collateral. Estimates are from this history alone."
    )


def _say_calm(record: Mapping[str, Any]) -> str:
    calm = [MISSING if one["year"] is None else str(one["year"]) for one in record["calm_years"] if one["is_calm"]]
    if not calm:
        return "No year counts as calm."
    return f"{len(calm)} of {say_counted(len(record['calm_years']), 'year')} count as calm: {join_words(calm)}."


def _list_limits(record: Mapping[str, Any]) -> list[str]:
    thin = list_thin(record["slices"])
    untested = [one["id"] for one in record["hypotheses"] if one["verdict"] == "not_testable"]
    limits = [
        "An 80% interval misses the truth once in five times, and on each side once in ten.",
        "'Does not hold' may mean that it was not shown: a smaller effect than could have been seen is not ruled out.",
        "The claimed ranges are those of the source; the rules that make verdicts are ours, beside each claim.",
        "Crises are chosen in hindsight, each is one path, and there are few of them: no verdict rests on one.",
        "Charts show month ends. Where a portfolio's P&L is unknown its line is level; tables leave the session out.",
    ]
    if untested:
        limits.append(f"Not testable on these data: {join_words(untested)}.")
    if thin:
        slices = say_counted(len(record["slices"]), "slice")
        limits.append(f"{len(thin)} of {slices} are too thin for a mean: the reason is in its place.")
    return limits


def _say_priced(record: Mapping[str, Any]) -> str:
    by_label: dict[str, list[str]] = {}
    for one in record["comparators"]:
        by_label.setdefault(str(one["label"]), []).append(str(one["name"]))
    if not by_label:
        return "No trial."
    return " ".join(f"{label[:1].upper()}{label[1:]}: {'; '.join(names)}." for label, names in sorted(by_label.items()))


def _list_provenance(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the record was made from; a fact that it does not hold is said to be missing."""
    given = record["provenance"]
    names = [*_PROVENANCE, *(name for name in given if name not in _PROVENANCE)]
    return [
        {
            "label": _PROVENANCE.get(name, name.replace("_", " ")),
            "text": _say_fact(given.get(name)),
            "is_code": name == "command" and given.get(name) is not None,
        }
        for name in names
    ] + [{"label": "Schema of audit.json", "text": say_number(record["schema_version"], "count"), "is_code": False}]


def _say_fact(value: object) -> str:
    return MISSING if value is None else str(value)
