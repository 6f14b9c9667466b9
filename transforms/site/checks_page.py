"""The checks of the published warehouse, readable: what each claims, what it found, which rows offend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from transforms.page.tables import make_cell, make_column, make_row, make_table
from transforms.page.text import clean_text, say_count, say_date
from transforms.site.expectation_words import say_expectation, split_name
from transforms.site.inputs import CheckedRun, CheckRow
from transforms.site.shell import render_page

_SAMPLE_COLUMNS = 12


@dataclass(frozen=True)
class ChecksBody:
    """What is the same on the page of every session: made once, printed many times."""

    context: Mapping[str, Any]
    is_simulated: bool


def build_checks(run: CheckedRun, *, is_simulated: bool, tables: Sequence[str]) -> ChecksBody:
    """Put the results into words.

    Parameters
    ----------
    tables
        Those that have a reference page.
    """
    known = frozenset(tables)
    queries = [_describe_query(check, run.queries.get(check.name, ""), known) for check in run.checks if _is_sql(check)]
    expectations = [_describe_expectation(check, known) for check in run.checks if not _is_sql(check)]
    failed = [check for check in run.checks if not check.is_passed]
    errors = sum(check.severity == "error" for check in failed)
    return ChecksBody(
        {
            # what failed first, then what warned, else as they were run
            "queries": sorted(queries, key=_rank),
            "expectations": sorted(expectations, key=_rank),
            "errors": errors,
            "warnings": len(failed) - errors,
            "count": len(run.checks),
            "run_id": run.run_id,
            "newest": run.newest.isoformat() if run.newest else "",
            "newest_words": say_date(run.newest),
        },
        is_simulated,
    )


def render_checks(body: ChecksBody, session: date | None) -> str:
    """Return ``checks.html`` of a session, or, without one, of ``reports/latest``.

    The checks are those of the published warehouse. On the page of a session before the newest one stands that they
    looked at everything that is published now, and not at the warehouse of that evening. It leaves out the queries, and
    the expectations that were met: a backfill writes thousands of these pages, and the last night's has them all.
    """
    newest = body.context["newest"]
    is_past = session is not None and session.isoformat() != newest
    context = {
        **body.context,
        "is_past": is_past,
        "session": session.isoformat() if session else "",
        "session_words": say_date(session) if session else "",
    }
    title = f"Checks, {say_date(session, weekday=True)}" if session else "Checks of the last night"
    return render_page("checks.html.j2", context, title=title, place="checks", up="../", is_simulated=body.is_simulated)


def _is_sql(check: CheckRow) -> bool:
    return check.kind == "sql"


def _rank(entry: Mapping[str, Any]) -> int:
    return {"is-failed": 0, "is-warning": 1}.get(entry["tone"], 2)


def _describe(check: CheckRow, table: str, tables: frozenset[str]) -> dict[str, Any]:
    tone = "is-passed" if check.is_passed else "is-failed" if check.severity == "error" else "is-warning"
    return {
        "name": check.name,
        "table": table,
        "href": f"../reference/{table}.html" if table in tables else "",
        "severity": check.severity,
        "tone": tone,
        "result": {"is-passed": "passed", "is-failed": "failed", "is-warning": "warning"}[tone],
        "rows": check.offending_rows,
    }


def _describe_query(check: CheckRow, text: str, tables: frozenset[str]) -> dict[str, Any]:
    table, _, claim = check.name.partition("__")
    return {
        **_describe(check, table, tables),
        "claim": claim.replace("_", " "),
        "what": check.what,
        "file": f"sql/checks/{check.name}.sql" if text else "",
        "text": text,
        "sample": _build_sample(check) if check.sample else None,
    }


def _describe_expectation(check: CheckRow, tables: frozenset[str]) -> dict[str, Any]:
    table, column, kind = split_name(check.name)
    made = _describe(check, table, tables)
    values = [clean_text(row.get("value"), 80) for row in check.sample]
    observed = "as expected" if check.is_passed else f"{say_count(check.offending_rows, 'value')} not as expected"
    return {
        **made,
        "column": column,
        "column_href": f"{made['href']}#{column}" if made["href"] and column and "," not in column else "",
        "expected": say_expectation(kind, check.what),
        "observed": f"{observed}: {', '.join(values)}" if values and not check.is_passed else observed,
    }


def _build_sample(check: CheckRow) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in check.sample for name in row))[:_SAMPLE_COLUMNS]
    rows = [
        make_row(*(make_cell("" if row.get(name) is None else clean_text(row[name], 160)) for name in names))
        for row in check.sample
    ]
    more = check.offending_rows - len(check.sample)
    notes = [f"{say_count(more, 'more row')} like these"] if more > 0 else []
    return make_table([make_column(clean_text(name, 60)) for name in names], rows, notes)
