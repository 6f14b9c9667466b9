"""Writing the report files of a session."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from transforms.hash_chain import sha256_hex
from warehouse.home import Home, write_atomically
from warehouse.publish import hash_file
from warehouse.report_data import read_report_inputs

SUMS = "SHA256SUMS"
"""Beside the files of a report: their hashes, in the format of sha256sum."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


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
    folder: Path | None = None,
) -> WrittenReport:
    """Write ``hedge-state.{html,md,json}`` of a session, each file whole or not at all.

    Parameters
    ----------
    folder
        Where they go and nowhere else; that of the session, and ``latest`` where it is the newest, when not given.
    """
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
    folders = folders if folder is None else [folder]
    for target in folders:
        _write_with_sums(target, {name: text.encode("utf-8") for name, text in files.items()})
    health = context["state"]["data_health"]
    return WrittenReport(
        folders[0] / "hedge-state.html", health["status"], list(health["reasons"]), str(context["headline"])
    )


def read_sums(folder: Path) -> list[tuple[str, str]]:
    """Return the (SHA-256, name) of each line of ``SHA256SUMS``, as ``sha256sum -c`` reads them.

    Raises
    ------
    ValueError
        If a line is none.
    """
    lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
    found = [line.split("  ", 1) for line in lines]
    if any(len(parts) != 2 or not _SHA256.fullmatch(parts[0]) for parts in found):
        raise ValueError("a line that is no hash and name")
    return [(sha256, name) for sha256, name in found]


def _write_with_sums(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, and the hashes of what they are to be before and after: killed anywhere, each is a listed one."""
    new = [(sha256_hex(body), name) for name, body in files.items()]
    try:
        old = [entry for entry in read_sums(folder) if entry not in new]
    except (OSError, ValueError):
        old = []
    if not old and all((folder / name).exists() for name in files) and not (folder / SUMS).exists():
        # of a version that listed no hashes: until they are replaced, what is there is what it is
        old = [(hash_file(folder / name), name) for name in files]
    _write_sums(folder, [*old, *new])
    for name, body in files.items():
        write_atomically(folder / name, body)
    if old:
        _write_sums(folder, new)


def _write_sums(folder: Path, entries: Sequence[tuple[str, str]]) -> None:
    text = "".join(f"{sha256}  {name}\n" for sha256, name in entries)
    write_atomically(folder / SUMS, text.encode("ascii"))
