"""Whether tonight's data can be relied on, and in words why not."""

from __future__ import annotations

from datetime import date
from typing import Any

from transforms.page.text import clean_text, say_count, say_date, to_date, to_plain
from transforms.report.curve import Session, explain_missing
from transforms.report.inputs import ReportInputs

CORE_COLUMNS = (
    ("vix_close_pts", "VIX"),
    ("vx1_settle_pts", "VX1"),
    ("vx2_settle_pts", "VX2"),
)
"""Values without which a night is degraded."""

SAMPLE_ROWS = 5
SOURCE_FIELDS = (
    "publisher",
    "dataset",
    "label",
    "files",
    "newest_reference_date",
    "fetched_at_utc",
    "age_sessions",
    "status",
    "requirement",
    "note",
)
CHECK_FIELDS = ("check_name", "kind", "severity", "offending_rows", "what")
QUARANTINE_FIELDS = (
    "dataset",
    "reason",
    "disposition",
    "rows",
    "first_trade_date",
    "last_trade_date",
    "example",
)
REVISION_FIELDS = (
    "detected_run_id",
    "detected_at_utc",
    "table_name",
    "trade_date",
    "key",
    "column_name",
    "old_value",
    "new_value",
)
DIFFERENCE_FIELDS = (
    "trade_date",
    "contract_code",
    "contract_file_pts",
    "same_evening_pts",
    "difference_pts",
)


def build_data_health(inputs: ReportInputs, tonight: Session) -> dict[str, Any]:
    """Return the ``data_health`` part of ``hedge-state.json``.

    The night is degraded when a required or expected source is not fresh, when the session that should
    be out is not the one reported, when VIX, VX1 or VX2 of the session is missing, when rows of the
    session were refused, or when a check failed: one of severity ``error``, or a warning that points
    at this very session. Old known defects are listed and do not degrade it.
    """
    failed = [check for check in inputs.checks if not check.get("is_passed")]
    reasons = [
        *_late_session(inputs),
        *(_source_reason(source) for source in inputs.sources if _degrades(source)),
        *(f"{label}: {explain_missing(column, tonight)}." for column, label in CORE_COLUMNS if tonight[column] is None),
        *(_check_reason(check) for check in failed if _is_serious(check, inputs.as_of)),
        *(_quarantine_reason(group) for group in inputs.quarantine if _is_tonight(group, inputs.as_of)),
    ]
    return {
        "status": "degraded" if reasons else "ok",
        "reasons": reasons,
        "expected_session": to_plain(inputs.expected_session),
        "sources": [_pick(source, SOURCE_FIELDS) for source in inputs.sources],
        "checks": {
            "total": len(inputs.checks),
            "passed": len(inputs.checks) - len(failed),
            "failed_errors": sum(check.get("severity") == "error" for check in failed),
            "failed_warnings": sum(check.get("severity") != "error" for check in failed),
            "failed": [
                {
                    **_pick(check, CHECK_FIELDS),
                    "sample": to_plain(list(check.get("sample") or [])[:SAMPLE_ROWS]),
                }
                for check in failed
            ],
        },
        "quarantine": [_pick(group, QUARANTINE_FIELDS) for group in inputs.quarantine],
        "revisions": [_pick(revision, REVISION_FIELDS) for revision in inputs.revisions],
        "settlement_differences": [_pick(row, DIFFERENCE_FIELDS) for row in inputs.settlement_differences],
    }


def _pick(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: to_plain(row.get(name)) for name in fields}


def _late_session(inputs: ReportInputs) -> list[str]:
    expected = inputs.expected_session
    if expected is None or expected <= inputs.as_of:
        return []
    due, newest = say_date(expected, weekday=True), say_date(inputs.as_of, weekday=True)
    return [f"The session of {due} should be out; the newest one published is {newest}."]


def _degrades(source: dict[str, Any]) -> bool:
    return source.get("status") != "ok" and source.get("requirement") != "optional"


def _source_reason(source: dict[str, Any]) -> str:
    name = clean_text(source.get("label") or source.get("dataset") or "A source")
    publisher = clean_text(source.get("publisher") or "unknown publisher")
    sentence = f"{name} ({publisher}) is {clean_text(source.get('status') or 'of unknown status')}"
    newest, age = _day(source.get("newest_reference_date")), to_plain(source.get("age_sessions"))
    if newest is not None:
        sentence += f": newest value {say_date(newest)}"
        sentence += f", {say_count(int(age), 'session')} old" if age else ""
    note = source.get("note")
    return f"{sentence}. {clean_text(note)}" if note else f"{sentence}."


def _is_serious(check: dict[str, Any], as_of: date) -> bool:
    if check.get("severity") == "error":
        return True
    return any(_day(row.get("trade_date")) == as_of for row in check.get("sample") or [])


def _check_reason(check: dict[str, Any]) -> str:
    rows = to_plain(check.get("offending_rows"))
    found = f", {say_count(int(rows), 'row')}" if rows else ""
    what = clean_text(check.get("what") or "").rstrip(".")
    return f"Check {clean_text(check.get('check_name'))} failed{found}{': ' + what if what else ''}."


def _is_tonight(group: dict[str, Any], as_of: date) -> bool:
    last = _day(group.get("last_trade_date"))
    return group.get("disposition") != "kept_flagged" and last is not None and last >= as_of


def _quarantine_reason(group: dict[str, Any]) -> str:
    verb = "rejected" if group.get("disposition") == "rejected" else "had a field blanked"
    rows = say_count(int(to_plain(group.get("rows")) or 0), "row")
    return (
        f"{clean_text(group.get('dataset'))}: {rows} {verb}, the newest of this session "
        f"({clean_text(group.get('reason'))})."
    )


def _day(value: object) -> date | None:
    try:
        return to_date(value)
    except ValueError:  # hostile text where a date should be
        return None
