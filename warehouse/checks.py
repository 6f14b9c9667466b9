"""Checks of a built warehouse: SQL that returns offending rows, and the Great Expectations suites.

Severity ``error`` stops publishing; ``warn`` is shown in the report and in ``ops.check_results``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import ChecksFailedError, PipelineError
from warehouse.models import SQL_FOLDER, read_header
from warehouse.tables import fill

_SAMPLE_ROWS = 5


@dataclass(frozen=True)
class CheckResult:
    """What one check found. ``sample`` is JSON: a list of the first offending rows, those of the newest sessions."""

    check_name: str
    kind: str
    severity: str
    is_passed: bool
    offending_rows: int
    what: str
    sample: str


def run_sql_checks(
    connection: duckdb.DuckDBPyConnection, folder: Path = SQL_FOLDER, *, prefixes: tuple[str, ...] = ("",)
) -> list[CheckResult]:
    """Run the queries of ``sql/checks`` and return what each found: all, or those whose names begin so."""
    paths = sorted((folder / "checks").glob("*.sql"))
    return [_run(connection, path) for path in paths if path.name.startswith(prefixes)]


def write_results(connection: duckdb.DuckDBPyConnection, run_id: str, results: Iterable[CheckResult]) -> None:
    """Store check results in ``ops.check_results`` of the warehouse they are about."""
    fill(connection, "ops.check_results", [[run_id, *asdict(result).values()] for result in results])


def require_no_errors(results: Iterable[CheckResult]) -> None:
    """Stop the night when a check of severity ``error`` failed.

    Raises
    ------
    ChecksFailedError
        Naming each failed check with its first offending row.
    """
    failed = [result for result in results if not result.is_passed and result.severity == "error"]
    if not failed:
        return
    first = failed[0]
    raise ChecksFailedError(
        f"not published: {len(failed)} check{'s' if len(failed) > 1 else ''} failed",
        where=", ".join(result.check_name for result in failed),
        found=f"{first.offending_rows} offending rows, first: {_first(first.sample)}",
        expected=first.what,
        next_step="the last good warehouse and reports are kept; see the run record under runs/ and docs/runbook.md",
    )


def _run(connection: duckdb.DuckDBPyConnection, path: Path) -> CheckResult:
    text = path.read_text(encoding="utf-8")
    header = read_header(text, path)
    if header.get("check") != path.stem or header.get("severity") not in ("error", "warn") or not header.get("what"):
        raise PipelineError(
            "a check's header is not complete",
            where=f"sql/checks/{path.name}",
            found=str(header),
            expected="check (the file's name), severity (error or warn), what",
        )
    try:
        rows = connection.execute(text)
        names = [column[0] for column in rows.description or []]
        found = rows.fetchall()
    except duckdb.Error as error:
        raise PipelineError("a check cannot be run", where=path.name, found=str(error).strip()) from None
    shown = [dict(zip(names, row, strict=True)) for row in _newest_first(names, found)[:_SAMPLE_ROWS]]
    sample = json.dumps(shown, default=str)
    return CheckResult(path.stem, "sql", header["severity"], not found, len(found), header["what"], sample)


def _newest_first(names: Sequence[str], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    # A warning about tonight's session degrades the night: it must not lie behind defects of years ago.
    if "trade_date" not in names:
        return rows
    day = names.index("trade_date")
    return sorted(rows, key=lambda row: str(row[day] or ""), reverse=True)


def _first(sample: str) -> str:
    rows = json.loads(sample)
    return ", ".join(f"{key} {value}" for key, value in rows[0].items()) if rows else "none shown"
