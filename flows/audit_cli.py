"""``alvh audit``: does the hedge pay for itself? Heavy imports stay inside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, OpenOption, reports_errors
from flows.completion import complete_sources
from flows.console import say, say_part, working
from flows.homes import home_to_read
from flows.printing import print_json

_VERDICTS = {"holds": "holds", "does_not_hold": "does not hold", "not_testable": "not testable"}


@reports_errors
def audit(
    source: Annotated[
        str | None,
        typer.Option(
            help="Run a night on this source first: cboe, archive or sample.", autocompletion=complete_sources
        ),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="Run a night on this offline archive first, laid out as <host>/<path>.")
    ] = None,
    open_page: OpenOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Judge the claims made for the hedge on all published history.

    Every policy and benchmark is walked forward, once. It takes some minutes. Nothing but
    `audit/` of the home is written; with a source a night is run first.

    \b
    Examples:
      alvh audit
      alvh audit --source archive --archive market --home audited
      alvh audit --json > audit.json
    """
    folder = home_to_read(home)
    command = "alvh audit"
    if source is not None or archive is not None:
        from flows.night_command import run_night_command

        result, folder = run_night_command(source, archive, home, command="audit")
        say(result.sentence)
        if result.exit_code not in (0, 3):
            raise typer.Exit(result.exit_code)
        command = f"alvh audit --source {source or 'archive'}" + (f" --archive {archive}" if archive else "")
    from flows.auditing import audit_home

    started = datetime.now(UTC)
    with working("audit"):
        written = audit_home(folder, now=started, command=command, progress=lambda name: say_part("audit", name))
    if as_json:
        print_json(written.record)
        return
    for line in describe_verdicts(written.record):
        print(line)
    print(f"audit: {written.html}")
    if open_page:
        typer.launch(written.html.as_uri())


def describe_verdicts(record: dict[str, Any]) -> list[str]:
    """A line a claim: verdict, estimate with its 80% interval, and on how many episodes it rests."""
    lines = []
    if record["is_simulated"]:
        lines.append("SIMULATED market: nothing here says anything about a claim")
    for claim in record["hypotheses"]:
        numbers = [claim[name] for name in ("estimate", "interval_low", "interval_high")]
        told = "not known" if numbers[0] is None else f"{numbers[0]:.4g}"
        if numbers[1] is not None and numbers[2] is not None:
            told += f" [{numbers[1]:.4g}, {numbers[2]:.4g}]"
        verdict = _VERDICTS[claim["verdict"]]
        lines.append(f"{claim['id']}  {verdict:<14} {claim['claim']}")
        lines.append(f"    {told} {claim['unit']}, {claim['episodes']} {claim['episodes_of']}; {claim['note']}")
    return lines
