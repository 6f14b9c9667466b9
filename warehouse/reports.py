"""Writing the report files of a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from warehouse.home import Home, write_atomically
from warehouse.report_data import read_report_inputs


@dataclass(frozen=True)
class WrittenReport:
    """Where a report lies, and whether its data were whole (``ok`` or ``degraded``, with reasons)."""

    html: Path
    status: str
    reasons: list[str]
    headline: str


def assess_health(
    connection: duckdb.DuckDBPyConnection,
    as_of: date,
    run: Mapping[str, Any],
    failures: Sequence[Mapping[str, Any]],
) -> tuple[str, list[str]]:
    """Return whether the data of a session are ``ok`` or ``degraded``, and why, as its report will say."""
    from transforms.report.curve import read_sessions
    from transforms.report.health import build_data_health

    inputs = read_report_inputs(connection, as_of, run, failures, with_statement=False)
    health = build_data_health(inputs, read_sessions(inputs.term_structure)[-1])
    return str(health["status"]), list(health["reasons"])


def list_report_files(home: Home, as_of: date) -> dict[str, Path]:
    """Return where the report files of a session lie, by ending."""
    return {ending: home.reports / as_of.isoformat() / f"hedge-state.{ending}" for ending in ("html", "md", "json")}


def write_report(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    as_of: date,
    run: Mapping[str, Any],
    *,
    failures: Sequence[Mapping[str, Any]] = (),
    is_latest: bool = True,
) -> WrittenReport:
    """Write ``hedge-state.{html,md,json}`` of a session, each file whole or not at all."""
    # Here, because they import the plotting library, which no other command needs.
    from transforms.report.context import build_report_context
    from transforms.report.render import render_html, render_json, render_markdown

    context = build_report_context(read_report_inputs(connection, as_of, run, failures))
    files = {
        "hedge-state.json": render_json(context),
        "hedge-state.md": render_markdown(context),
        "hedge-state.html": render_html(context),
    }
    folders = [home.reports / as_of.isoformat(), *([home.reports / "latest"] if is_latest else [])]
    for folder in folders:
        for name, text in files.items():
            write_atomically(folder / name, text.encode("utf-8"))
    health = context["state"]["data_health"]
    return WrittenReport(
        folders[0] / "hedge-state.html", health["status"], list(health["reasons"]), str(context["headline"])
    )
