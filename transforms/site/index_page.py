"""The index: the newest report, any session by its date, all sessions as a calendar, and what else there is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from typing import Any

from transforms.page.tables import make_cell, make_column, make_row, make_table
from transforms.page.text import say_count, say_date, say_number
from transforms.site import codes
from transforms.site.embedding import embed_json
from transforms.site.inputs import AuditLink, IndexInputs, ReportLink, SiteHistory
from transforms.site.packing import pack_days
from transforms.site.shell import render_page
from transforms.site.sparklines import draw_sparkline

NEWEST_REPORTS = 5
"""How many reports are shown with their sentence."""

_RATIO_DRAWN = (-0.5, 2.0)
_VERDICTS = {"holds": "holds", "does_not_hold": "does not hold", "not_testable": "not testable"}
_REFERENCE = "reference/mart."


def render_index(inputs: IndexInputs) -> str:
    """Return ``reports/index.html``."""
    history = inputs.history
    reported = {report.day for report in inputs.reports}
    modes = build_heat_modes(history)
    context = {
        "newest": inputs.reports[0] if inputs.reports else None,
        "reports": [_describe_report(report) for report in inputs.reports[:NEWEST_REPORTS]],
        "report_count": len(inputs.reports),
        "first": say_date(history.days[0]) if history.days else "",
        "last": say_date(history.days[-1]) if history.days else "",
        "last_day": history.days[-1].isoformat() if history.days else "",
        "sessions": len(history.days),
        "sparks": build_sparks(history),
        "modes": modes,
        "years": _build_years(history),
        "audits": [_describe_audit(audit) for audit in inputs.audits],
        "sweeps": inputs.sweeps,
        "checks": _describe_checks(inputs),
        "data": embed_json(build_index_data(history, reported)),
    }
    return render_page(
        "index.html.j2",
        context,
        title="Hedge-state reports",
        place="index",
        is_simulated=history.is_simulated,
        scripts=("sessions.js", "index.js"),
    )


def build_index_data(history: SiteHistory, reported: set[date]) -> dict[str, Any]:
    """Return what the index embeds of every session, for its search and its calendar.

    Parameters
    ----------
    reported
        Days whose report exists.

    Returns
    -------
    dict
        ``days`` (packed), ``vix`` (points), ``contango`` (fraction); ``regime``, ``temporal`` and ``governor``, a
        character a session (:mod:`transforms.site.codes`); ``reported``, ``1`` where there is a report; ``codes``, by
        mode and character its words and tone.
    """
    columns = history.columns
    return {
        "days": pack_days(history.days),
        "vix": list(columns["vix_close_pts"]),
        "contango": [None if value is None else round(value, 4) for value in columns["contango_frac"]],
        **{mode["name"]: mode["codes"] for mode in build_heat_modes(history)},
        "reported": "".join("1" if day in reported else "0" for day in history.days),
        "codes": {
            name: {code: [entry.words, entry.tone] for code, entry in table.items()}
            for name, table in (("regime", codes.REGIMES), ("temporal", codes.TEMPORAL), ("governor", codes.GOVERNOR))
        },
    }


def build_heat_modes(history: SiteHistory) -> list[dict[str, Any]]:
    """Return what the calendar can show: ``name``, ``label``, ``codes`` and ``legend`` (words and tones that occur)."""
    columns = history.columns
    made = (
        ("regime", "Curve regime", codes.encode_regimes(columns["curve_regime"]), codes.REGIMES),
        (
            "temporal",
            "Temporal vega",
            codes.encode_temporal(columns["temporal_vega.state"], columns["temporal_vega.step_count"]),
            codes.TEMPORAL,
        ),
        ("governor", "Governor", codes.encode_governor(columns["governor_mode"]), codes.GOVERNOR),
    )
    return [
        {
            "name": name,
            "label": label,
            "codes": text,
            "legend": [
                {"words": entry.words, "tone": entry.tone, "sessions": text.count(code)}
                for code, entry in table.items()
                if code in text
            ],
        }
        for name, label, text, table in made
    ]


def build_sparks(history: SiteHistory) -> list[dict[str, Any]]:
    """Return the four lines of all sessions, each with its last value, unit, range and where it is explained."""
    columns = history.columns
    low, high = _RATIO_DRAWN
    made = (
        ("VIX", "vix_close_pts", "pts", "points, close", "daily_term_structure.html#vix_close_pts", None),
        ("Contango", "contango_frac", "frac", "VX2 over VX1", "daily_term_structure.html#contango_frac", None),
        (
            "Self-funding ratio",
            "self_funding_ratio_12m",
            "ratio",
            "credits kept over cost of protection, 12 months",
            "daily_hedge_ledger.html#self_funding_ratio_12m",
            _RATIO_DRAWN,
        ),
        (
            "P&L of the hedge",
            "pnl_cum_usd",
            "usd",
            "model account, since the first session",
            "daily_hedge_ledger.html#pnl_cum_usd",
            None,
        ),
    )
    sparks = []
    for label, name, style, unit, href, bounds in made:
        values = columns[name]
        known = [(day, value) for day, value in zip(history.days, values, strict=True) if value is not None]
        notes = []
        if known:
            floor, top = min(known, key=lambda pair: pair[1]), max(known, key=lambda pair: pair[1])
            ends = [f"{say_value(value, style)} ({say_date(day)})" for day, value in (floor, top)]
            notes.append(" to ".join(ends))
            if known[-1][0] != history.days[-1]:
                notes.append(f"last known on {say_date(known[-1][0])}")
        else:
            notes.append("no session has a value")
        if bounds is not None:
            beyond = sum(not low <= value <= high for _, value in known)
            ends = [say_number(bound, "pts") for bound in bounds]
            notes.append(f"drawn from {' to '.join(ends)}; {say_count(beyond, 'session')} beyond")
        sparks.append(
            {
                "label": label,
                "unit": unit,
                "href": _REFERENCE + href,
                # the last session's own value: where it is missing, so is this
                "value": say_value(values[-1] if values else None, style),
                "notes": notes,
                "drawing": draw_sparkline(
                    values,
                    f"{label}, every session",
                    lowest=bounds[0] if bounds else None,
                    highest=bounds[1] if bounds else None,
                ),
            }
        )
    return sparks


def say_value(value: float | None, style: str) -> str:
    """Return a number as the site writes it: the report's styles, and ``usd`` in whole dollars."""
    if style != "usd" or value is None:
        return say_number(value, "pts" if style == "usd" else style)
    sign = "\N{MINUS SIGN}" if round(value) < 0 else ""
    return f"{sign}${abs(value):,.0f}"


def _describe_report(report: ReportLink) -> dict[str, str]:
    return {
        "day": report.day.isoformat(),
        "words": say_date(report.day, weekday=True),
        "sentence": report.sentence,
        "href": f"{report.day.isoformat()}/hedge-state.html",
    }


def _build_years(history: SiteHistory) -> dict[str, Any]:
    """Return a table with a line a year: the calendar in numbers, for who cannot see or run it."""
    modes = {mode["name"]: mode["codes"] for mode in build_heat_modes(history)}
    shown: Sequence[tuple[str, str, str]] = (
        *(("regime", code, entry.words) for code, entry in codes.REGIMES.items()),
        ("temporal", "a", "temporal armed"),
        ("temporal", "123456789t", "temporal active"),
        ("temporal", "x", "temporal blocked"),
        ("governor", "s", "steward"),
    )
    columns = [make_column("year"), make_column("sessions", is_number=True)]
    columns += [make_column(words, is_number=True) for _, _, words in shown]
    rows = []
    for year, group in itertools.groupby(range(len(history.days)), key=lambda place: history.days[place].year):
        places = list(group)
        counts = [sum(modes[mode][place] in wanted for place in places) for mode, wanted, _ in shown]
        rows.append(make_row(make_cell(str(year)), *(make_cell(f"{count:,}") for count in (len(places), *counts))))
    return make_table(columns, rows[::-1], [])


def _describe_audit(audit: AuditLink) -> dict[str, Any]:
    return {
        "session": audit.session,
        "words": say_date(audit.session),
        "is_simulated": audit.is_simulated,
        "note": audit.note,
        "claims": [
            {"id": name, "claim": claim, "verdict": _VERDICTS.get(verdict, verdict), "tone": verdict}
            for name, claim, verdict in audit.claims
        ],
    }


def _describe_checks(inputs: IndexInputs) -> dict[str, Any]:
    failed = [check for check in inputs.checked.checks if not check.is_passed]
    errors = sum(check.severity == "error" for check in failed)
    return {
        "count": len(inputs.checked.checks),
        "errors": errors,
        "warnings": len(failed) - errors,
        "run_id": inputs.checked.run_id,
        "failed": [check.name for check in failed[:5]],
    }
