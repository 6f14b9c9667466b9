"""Charts of estimates with their intervals: Sharpe ratios of all trials, carry by VIX, carry in points.

A chart has ``title``, ``description``, ``labels`` of its rows, ``strong`` (the row that is judged, or None), ``marks``
(what the marks of a row mean, one or two) and ``panels``; a panel has ``title`` and ``rows``: for each label its marks,
each ``(value, low, high)`` or None. A panel with ``labels`` has rows of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.audit_report.history_tables import say_alignment, say_slice
from transforms.audit_report.paths import Chart
from transforms.audit_report.words import READING_NAMES, say_counted, say_decimal, say_share
from transforms.page.text import MISSING, say_date, say_number

Mark = tuple[float | None, float | None, float | None]


def build_comparator_chart(record: Mapping[str, Any]) -> Chart:
    """Return Sharpe ratios with 80% intervals and yearly means of all trials, the best above."""
    trials = sorted(
        record["comparators"], key=lambda one: (one["sharpe"] is None, -(one["sharpe"] or 0.0), str(one["name"]))
    )
    above = [one["name"] for one in trials if one["sharpe_low"] is not None and one["sharpe_low"] > 0]
    names = [one["name"] for one in trials]
    judged = names.index(record["policy"]) if record["policy"] in names else None
    known = [one for one in trials if one["sharpe"] is not None]
    title = (
        f"{len(above)} of {say_counted(len(trials), 'trial')} have a Sharpe ratio whose 80% interval lies above 0"
        f"{': ' + ', '.join(above[:4]) + (' and others' if len(above) > 4 else '') if above else ''}"
    )
    where = f"; {record['policy']} is number {judged + 1}" if judged is not None and judged < len(known) else ""
    ratios = ", ".join(f"{one['name']} {say_decimal(one['sharpe'])}" for one in trials)
    return {
        "title": f"{title}{where}" if known else "No Sharpe ratio is known",
        "description": f"Sharpe ratio a year with its 80% interval, and mean P&L a year, best first: {ratios}.",
        "labels": names,
        "strong": judged,
        "marks": [""],
        "panels": [
            {
                "title": "Sharpe ratio a year, 80% interval",
                "rows": [[(one["sharpe"], one["sharpe_low"], one["sharpe_high"])] for one in trials],
            },
            {
                "title": "Mean P&L a year, % of NAV",
                "is_wide_only": True,
                "rows": [
                    [(None if one["cost_year"] is None else -100 * one["cost_year"], None, None)] for one in trials
                ],
            },
        ],
    }


def build_static_chart(record: Mapping[str, Any]) -> Chart:
    """Return what the curve promised against what came, of the temporal layer, by level of the VIX."""
    found = {one["measure"]: one for claim in record["hypotheses"] if claim["id"] == "H2" for one in claim["measures"]}
    levels = [name.removeprefix("realised_vix_") for name in found if name.startswith("realised_vix_")]
    buckets = [
        one
        for one in record["slices"]
        if one["layer"] == "temporal_vega"
        and one["slice_group"] == "VIX at the close before"
        and one["slice"] != "unknown"
    ]
    said, words = [], []
    for level in levels:
        static, realised = found.get(f"static_vix_{level}"), found[f"realised_vix_{level}"]
        promised = MISSING if static is None else say_share(static["estimate"])
        words.append(f"VIX from {level}: static {promised}, realised {say_share(realised['estimate'])}")
        if static is not None and static["estimate"] is not None and realised["estimate"] is not None:
            said.append(f"{promised} by a still curve, {say_share(realised['estimate'])} realised (VIX from {level})")
    parts = [f"{say_slice(one['slice'])} {say_share(one['mean_frac_year'])} a year" for one in buckets]
    monthly, yearly = "; ".join(words) or "not known", ", ".join(parts) or "not known"
    return {
        "title": f"Carry of the temporal layer a month: {'; '.join(said) or 'not known'}",
        "description": f"80% intervals, % of NAV. A month held: {monthly}. By VIX bucket: {yearly}.",
        "labels": [*(f"VIX from {level}" for level in levels)],
        "strong": None,
        "marks": ["realised, after costs", "static: the curve unchanged"],
        "panels": [
            {
                "title": "% of NAV a month held, 80% interval",
                "rows": [
                    [_percent(found.get(f"realised_vix_{level}")), _percent(found.get(f"static_vix_{level}"))]
                    for level in levels
                ],
            },
            {
                "title": "Realised, % of NAV a year, 80% interval",
                "labels": [f"VIX {say_slice(one['slice'])}" for one in buckets],
                "rows": [[_percent(one, "mean_frac_year")] for one in buckets],
            },
        ],
    }


def build_points_chart(record: Mapping[str, Any]) -> Chart:
    """Return carry in points a session for one second-month future sold, by reading, threshold and start."""
    rows = record["carry_points"]
    starts = list(dict.fromkeys(one["since"] for one in rows))
    keys = list(dict.fromkeys((one["reading"], one["vix_from_pts"]) for one in rows))
    alignments = list(dict.fromkeys(one["alignment"] for one in rows))
    by_place = {(one["since"], one["reading"], one["vix_from_pts"], one["alignment"]): one for one in rows}
    said = []
    for alignment in alignments:
        chosen = [one for one in rows if one["alignment"] == alignment]
        lows = [one["interval_low"] for one in chosen if one["interval_low"] is not None]
        if lows:
            said.append(f"{sum(low > 0 for low in lows)} of {len(lows)} {say_alignment(alignment)}")
    means = [
        f"since {say_date(one['since'])}, {READING_NAMES.get(one['reading'], one['reading'])} from VIX "
        f"{say_number(one['vix_from_pts'], 'count')}, {say_alignment(one['alignment'])} "
        f"{say_number(one['mean_pts'], 'ratio')}"
        for one in rows
    ]
    return {
        "title": f"Carry in points lies above 0 with its 80% interval in {'; '.join(said) or 'no case that is known'}",
        "description": f"Points a session, one second-month VX sold, before costs, 80% intervals: {'; '.join(means)}.",
        "labels": [f"{READING_NAMES.get(name, name)}, from {say_number(level, 'count')}" for name, level in keys],
        "strong": None,
        "marks": [say_alignment(one) for one in alignments],
        "panels": [
            {
                "title": f"Points a session, since {say_date(start)}",
                "rows": [
                    [_points(by_place.get((start, name, level, alignment))) for alignment in alignments]
                    for name, level in keys
                ],
            }
            for start in starts
        ],
    }


def _percent(one: Mapping[str, Any] | None, name: str = "estimate") -> Mark | None:
    if one is None:
        return None
    first, second, third = (
        None if value is None else 100 * value for value in (one[name], one["interval_low"], one["interval_high"])
    )
    return first, second, third


def _points(one: Mapping[str, Any] | None) -> Mark | None:
    return None if one is None else (one["mean_pts"], one["interval_low"], one["interval_high"])
