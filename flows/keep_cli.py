"""``alvh doctor``, ``verify``, ``rebuild``, ``upgrades``, ``prune``: the house in order. Heavy imports stay inside."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, reports_errors
from flows.homes import home_to_read
from flows.printing import print_json


@reports_errors
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option("--head", help="Hash of a log entry that you noted elsewhere; may be given again."),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Read everything again, and say whether it is as it was written.

    Raw files with their sidecars, warehouses, policy log, signatures, run records, reports, and the identities of the
    ledger. Each finding says which file, what is lost, what to do next; the last line says what was not looked at.
    Code 4 if anything was changed.

    \b
    Examples:
      alvh verify
      alvh verify --head HASH      as `alvh policy log` printed it the last time
    """
    from flows.verification import verify_and_describe

    text, is_sound = verify_and_describe(home_to_read(home), head or [], as_json=as_json)
    print(text)
    if not is_sound:
        raise typer.Exit(4)


@reports_errors
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Ask nothing outside of this machine.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Look for what keeps a night from running, and say what to do.

    Python and packages, the home, its lock and room, what is published and how old it is, the policy's signatures, the
    clock, Prefect, and, where nights download, the publishers: one address a host, a few seconds. Nothing is written.
    Code 0: no problem, warnings at most; 1: a problem.

    \b
    Examples:
      alvh doctor
      alvh doctor --offline
      alvh doctor --json
    """
    from flows.doctor import Patient, examine, is_sound

    folder = home_to_read(home)
    findings = examine(Patient(folder, datetime.now(UTC), offline, _source_of(folder)))
    if as_json:
        rows = [asdict(finding) for finding in findings]
        print_json({"home": str(folder.path), "is_sound": is_sound(findings), "findings": rows})
    else:
        from flows.doctor_texts import print_findings

        print_findings(findings)
    if not is_sound(findings):
        raise typer.Exit(1)


@reports_errors
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Remove what is kept no longer, and say what and why.

    Every night does the same after its report. How many of each kind are kept are settings, ALVH_KEEP_*: by default all
    raw files, audits and sweeps, and as many warehouses, reports and records as bound the home. Never removed: what is
    published, raw files that a kept warehouse needs, the policy and its log, calibrations, your own files.

    \b
    Examples:
      alvh prune --dry-run
      ALVH_KEEP_REPORTS=250 alvh prune
    """
    from flows.pruning import prune_and_describe

    text = prune_and_describe(home_to_read(home), datetime.now(UTC), is_dry_run=dry_run, as_json=as_json)
    print(text)


@reports_errors
def backup(
    folder: Annotated[Path, typer.Argument(help="Folder to write: new, or an earlier backup of this home.")],
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Copy what cannot be made again, also while a night runs.

    Raw files, policy, calibrations, run records, your own files: enough to build everything else again. An earlier
    backup of the same home is brought up to date. The copy is a home: copy it back, then `alvh rebuild`. Code 1 if a
    raw file is damaged: it is left out, and an earlier good copy of it stays.

    \b
    Examples:
      alvh backup /backups/alvh
      alvh rebuild --home /backups/alvh
    """
    from warehouse.backup import backup_home
    from warehouse.prune import say_bytes

    made = backup_home(home_to_read(home), folder.expanduser().resolve(), datetime.now(UTC))
    print(f"{made.files} files, {say_bytes(made.bytes)}, {made.written} of them new or changed: {made.folder}")
    if made.damaged:
        print(f"damaged in the home, not copied: {', '.join(made.damaged)}; `alvh verify` says more")
        raise typer.Exit(1)


@reports_errors
def rebuild(home: HomeOption = None, debug: DebugOption = False) -> None:
    """Build, check, publish and report again, asking no publisher.

    After an upgrade, or in a home that was copied back. Every night builds anew where files, policy or code changed, so
    this is for when none is near, or the network is not there. Exit codes are those of `alvh nightly`.

    \b
    Examples:
      alvh rebuild
      alvh rebuild --home restored
    """
    from flows.rebuilding import rebuild_home

    result = rebuild_home(home_to_read(home), datetime.now(UTC))
    print(result.sentence)
    print(f"report: {result.report}")
    if result.exit_code:
        raise typer.Exit(result.exit_code)


@reports_errors
def upgrades(as_json: JsonOption = False, home: HomeOption = None, debug: DebugOption = False) -> None:
    """List what other code changed in the published numbers.

    A run whose code is not that of the warehouse before it compares the two: tables and columns that came and went, and
    for each column how many earlier values changed, by how much at most, and the first session concerned.

    \b
    Examples:
      alvh upgrades
      alvh upgrades --json
    """
    from flows.rebuilding import list_lines
    from warehouse.upgrades import list_upgrades

    found = list_upgrades(home_to_read(home))
    if as_json:
        print_json({"upgrades": found})
    else:
        print("\n".join(list_lines(found)))


def _source_of(folder: Any) -> str:
    """Return the source that nights would use: that of the environment, else of the home, else the sample."""
    from flows.doctor_home import market_of_home
    from flows.sources.choice import REAL_MARKET

    given = os.environ.get("ALVH_SOURCE") or ("archive" if os.environ.get("ALVH_ARCHIVE") else None)
    market = market_of_home(folder)
    return given or ("cboe" if market == REAL_MARKET else "archive" if market and "sample" not in market else "sample")
