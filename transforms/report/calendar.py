"""What is ahead on the calendar: releases, meetings, expiries and the roll, in one list by date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from transforms.page.tables import Table, make_cell, make_column, make_row, make_table
from transforms.page.text import say_count, say_date, to_date
from transforms.report.links import href_of, signal_href

_RELEASES = (
    ("fomc_decision", "FOMC decision", "next_fomc_date", "next_fomc_basis"),
    ("fomc_minutes", "FOMC minutes", "next_fomc_minutes_date", "next_fomc_minutes_basis"),
    ("cpi_release", "CPI release", "next_cpi_date", "next_cpi_basis"),
    ("ppi_release", "PPI release", "next_ppi_date", "next_ppi_basis"),
)
"""Event, label, and the signals that hold its date and how that date is known."""
_TO_EXPIRY = "vx1_trading_days_to_expiry"
_ROLLS = {"roll_early": "Early roll possible from", "roll_forced": "Forced roll"}
_BASES = {
    "published": ("published", "the publisher's own calendar"),
    "estimated": ("estimated", "the publisher has named no date yet; ours, from the dates of earlier releases"),
    "rule": ("by rule", "exchange rule"),
}


def build_calendar(
    as_of: date,
    curve: Mapping[str, Any],
    signals: Mapping[str, Any] | None,
    base: Mapping[str, Any] | None,
    upcoming: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return what is ahead, as ``calendar`` of ``hedge-state.json``, ordered by date.

    Parameters
    ----------
    as_of
        The session.
    curve
        ``curve`` of ``hedge-state.json``: the two nearest contracts are taken from it.
    signals
        The row of ``mart.daily_signals``: dates of releases as known on the evening; None without a policy.
    base
        The base layer of ``layers``: its rules tell when it rolls; None without a policy.
    upcoming
        Rows of ``ref.sessions`` from the session on: ``session_date``, ``is_futures_session``, ``is_equity_session``,
        ``futures_session_count``. Dates that they do not reach have no ``sessions_away``.

    Returns
    -------
    list of dict
        ``event``, ``label``, ``date``, ``sessions_away`` (regular futures sessions after this one up to the date; 0 on
        it), ``basis`` (``published``, ``estimated``, ``rule`` or None) and ``note``.
    """
    counts = {one["session_date"]: int(one["futures_session_count"]) for one in upcoming}
    entries = [*_releases(signals or {}), *_expiries(curve), *_rolls(curve, base, counts), *_spx(as_of, upcoming)]
    known = [entry for entry in entries if entry["date"] is not None and entry["date"] >= as_of]
    return [
        {**entry, "date": entry["date"].isoformat(), "sessions_away": _count_sessions(as_of, entry["date"], counts)}
        for entry in sorted(known, key=lambda one: (one["date"], one["label"]))
    ]


def _releases(signals: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _entry(event, label, to_date(signals.get(column)), signals.get(basis) or "")
        for event, label, column, basis in _RELEASES
        if to_date(signals.get(column)) is not None
    ]


def _expiries(curve: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _entry(
            f"vx{one['rank']}_settlement",
            f"VX{one['rank']} final settlement",
            to_date(one["expiry_date"]),
            "rule",
            "VIX options of that date settle with it",
        )
        for one in curve["contracts"][:2]
        if one["expiry_date"]
    ]


def _rolls(
    curve: Mapping[str, Any], base: Mapping[str, Any] | None, counts: Mapping[date, int]
) -> list[dict[str, Any]]:
    """The sessions from which the base may roll, and must: where its rules name trading days to settlement."""
    expiry = to_date(curve["contracts"][0]["expiry_date"])
    if base is None or base.get("held_rank") != 1 or expiry is None or expiry not in counts:
        return []
    found = []
    for clause in base["clauses"]:
        limits = [
            term["threshold"]
            for term in clause["terms"]
            if term["column"] == _TO_EXPIRY and term["threshold"] is not None and _is_upper_limit(term)
        ]
        if clause["rule"] not in _ROLLS or not limits:
            continue
        within = [day for day, count in counts.items() if counts[expiry] - count <= min(limits)]
        if within:
            note = f"{say_count(int(min(limits)), 'trading day')} before VX1 settles"
            found.append(_entry(clause["rule"], _ROLLS[clause["rule"]], min(within), "rule", note))
    return found


def _is_upper_limit(term: Mapping[str, Any]) -> bool:
    """Tell whether a term holds up to its threshold; ``bound`` is the sign that would change its truth."""
    return (str(term["bound"])[:1] == "<") is not term["truth"]


def _spx(as_of: date, upcoming: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The next monthly expiry of S&P 500 options: the third Friday, or the session before where that is none.

    It settles at the open, so that of the session itself is past when the session is reported.
    """
    days = [one["session_date"] for one in upcoming if one["is_equity_session"]]
    first = as_of.replace(day=1)
    for month in (first, (first + timedelta(days=32)).replace(day=1)):
        friday = month + timedelta(days=(4 - month.weekday()) % 7 + 14)
        until = [day for day in days if day <= friday]
        if until and days[-1] >= friday and until[-1] > as_of:
            return [
                _entry("spx_expiry", "SPX monthly expiry", until[-1], "rule", "options of the month settle at the open")
            ]
    return []


def _entry(event: str, label: str, day: date | None, basis: str, note: str = "") -> dict[str, Any]:
    return {"event": event, "label": label, "date": day, "basis": basis, "note": note}


def _count_sessions(as_of: date, day: date, counts: Mapping[date, int]) -> int | None:
    """Count the regular futures sessions after one day up to another; None where the calendar ends before it."""
    if as_of not in counts or not counts or max(counts) < day:
        return None
    return max(count for session, count in counts.items() if session <= day) - counts[as_of]


def build_calendar_table(calendar: Sequence[Mapping[str, Any]]) -> Table:
    """Return the calendar as a table: the date, what it is, how far away, and how the date is known."""
    columns = [
        make_column("Date"),
        make_column("What"),
        make_column("Away", "sessions", is_number=True),
        make_column("Date is", is_secondary=True),
    ]
    hrefs = {event: signal_href(column) for event, _, column, _ in _RELEASES}
    rows = []
    for one in calendar:
        away = one["sessions_away"]
        basis = str(one["basis"])
        words = _BASES[basis][0] if basis in _BASES else basis.replace("_", " ")
        rows.append(
            make_row(
                make_cell(say_date(one["date"], weekday=True)),
                make_cell(one["label"], href=_href(one["event"], hrefs), note=_say_note(one)),
                make_cell("\N{EM DASH}" if away is None else "today" if away == 0 else str(away)),
                make_cell(words, tone="warn" if basis == "estimated" else "quiet"),
            )
        )
    return make_table(columns, rows, [])


def _say_note(one: Mapping[str, Any]) -> str:
    return "; ".join(word for word in ("estimated" if one["basis"] == "estimated" else "", one["note"]) if word)


def _href(event: str, releases: Mapping[str, str]) -> str:
    if event in releases:
        return releases[event]
    return href_of("expiry_date") if event.endswith("_settlement") else ""


def explain_bases(calendar: Sequence[Mapping[str, Any]]) -> str:
    """Return what ``published``, ``estimated`` and ``by rule`` mean, as far as they stand in the table."""
    used = [basis for basis in _BASES if any(one["basis"] == basis for one in calendar)]
    return "; ".join(f"{_BASES[basis][0]}: {_BASES[basis][1]}" for basis in used)
