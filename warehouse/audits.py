"""The claim audit of a published warehouse: run, judged, and written as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from transforms.policy.identity import policy_hash
from warehouse.audit_runs import MAIN, STATIC, UNFENCED, AuditRuns
from warehouse.expressions import preset
from warehouse.home import Home, write_atomically

FOLDER = "audit"


@dataclass(frozen=True)
class WrittenAudit:
    """Where an audit lies, and what it says."""

    html: Path
    record: dict[str, Any]


def judge_audit(
    connection: duckdb.DuckDBPyConnection, runs: AuditRuns, *, command: str, made_at_utc: str, code_version: str
) -> dict[str, Any]:
    """Judge the trials and return the record of ``audit.json``.

    Parameters
    ----------
    command
        What repeats the audit.
    made_at_utc, code_version
        Of the run.
    """
    # Here, because it imports the resampling library, which no other command needs.
    from transforms.audit.record import build_audit_record
    from transforms.audit.rules import DEFAULT_RULES

    (run_id, is_simulated) = connection.execute("select run_id, is_simulated from ref.run").fetchall()[0]
    inputs = connection.execute("select inputs_sha256 from ops.runs where run_id = ?", [run_id]).fetchall()
    return build_audit_record(
        list(runs.trials.values()),
        runs.sessions,
        nav_usd=runs.nav_usd,
        spx_returns=runs.spx_returns,
        condor_returns=runs.condor_returns,
        is_simulated=bool(is_simulated),
        provenance={
            "command": command,
            "made_at_utc": made_at_utc,
            "code_version": code_version,
            "warehouse_run_id": run_id,
            "inputs_sha256": inputs[0][0] if inputs else None,
            "policy_hash": policy_hash(preset(MAIN)),
            "seed": DEFAULT_RULES.resampling.seed,
            "resamples": DEFAULT_RULES.resampling.reps,
        },
        main=MAIN,
        static=STATIC,
        unfenced=UNFENCED,
    )


def write_audit(home: Home, record: Mapping[str, Any]) -> Path:
    """Write ``audit/<session>/audit.{json,md,html}``, each file whole or not at all. Return the page."""
    from transforms.audit_report import render_audit_html, render_audit_markdown

    folder = home.path / FOLDER / str(record["as_of"])
    files = {
        "audit.json": json.dumps(record, indent=1, allow_nan=False) + "\n",
        "audit.md": render_audit_markdown(record),
        "audit.html": render_audit_html(record),
    }
    for name, text in files.items():
        write_atomically(folder / name, text.encode("utf-8"))
    return folder / "audit.html"
