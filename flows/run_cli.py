"""``alvh nightly``, ``backfill``, ``schedule``, ``simulate``: what makes nights happen. Heavy imports stay inside."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.command_line import (
    ArchiveOption,
    AsOfOption,
    DebugOption,
    HomeOption,
    SourceOption,
    VerboseOption,
    reports_errors,
)
from flows.console import working
from flows.homes import home_to_read, home_to_write
from transforms.errors import UsageError

if TYPE_CHECKING:
    from warehouse.home import Home


@reports_errors
def nightly(
    source: SourceOption = None,
    archive: ArchiveOption = None,
    as_of: AsOfOption = None,
    recheck: Annotated[bool, typer.Option("--recheck", help="Ask for complete contracts' files too.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build even where nothing changed.")] = False,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="Policy that a new home begins with; later it must be the adopted one."),
    ] = None,
    home: HomeOption = None,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    """Fetch, build, check, publish, and write the report.

    Without a source it runs on a simulated market. Code 3: published, and something is stale or missing; 4: a check or
    the policy's signature stopped it; 5: a source could not be had; 6: another run holds the home. Whatever the code,
    what was published before stays readable. Where no file, policy or code changed since then, it is not built again.

    \b
    Examples:
      alvh nightly
      alvh nightly --source cboe       downloads for your own use, under Cboe's terms
      alvh nightly --archive market --home tried
    """
    day = as_of.date() if as_of else None
    if day is not None and not _is_session(day):
        print(f"nothing new: {day} is not a session of VIX futures")
        return
    from flows.night_command import run_night_command

    result, _ = run_night_command(
        source,
        archive,
        home,
        as_of=day,
        ask_everything=recheck,
        policy=policy,
        rebuild=rebuild,
        verbose=verbose,
    )
    print(result.sentence)
    print(f"report: {result.report}")
    if result.exit_code:
        raise typer.Exit(result.exit_code)


@reports_errors
def backfill(
    start: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="First session.")
    ],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last session.")],
    home: HomeOption = None,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    """Write the reports of past sessions, each from data up to it.

    \b
    Examples:
      alvh backfill --from 2026-01-02 --to 2026-01-07
    """
    if verbose:
        os.environ["ALVH_VERBOSE"] = "1"
    if start > end:
        raise UsageError(
            "--from is after --to",
            found=f"{start.date()} > {end.date()}",
            expected="the first session, then the last",
            next_step=f"`alvh backfill --from {end.date()} --to {start.date()}`",
        )
    folder = home_to_read(home)
    _require_published(folder)
    from flows.prefect_server import run_server

    with working("reports"), run_server(beside=["flows.backfill", "transforms.report.context"]):
        from flows.backfill import backfill as backfill_flow

        written = backfill_flow(home=str(folder.path), first=start.date(), last=end.date())
    print(f"{written} reports written under {folder.reports}")


@reports_errors
def schedule(
    source: SourceOption = None,
    archive: ArchiveOption = None,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Serve the nightly on sessions at 18:30 New York.

    The reconciliation runs the morning after. It serves until it is stopped, on a Prefect server of its own unless
    PREFECT_API_URL names one.

    \b
    Examples:
      alvh schedule
      alvh schedule --source cboe
    """
    from flows.sources.choice import choose_source, is_simulated, market_of

    chosen = choose_source(source, archive)
    from flows.schedule import serve_schedule

    serve_schedule(
        source=chosen,
        archive=str(archive.expanduser().resolve()) if archive else None,
        home=str(home_to_write(home, is_simulated=is_simulated(market_of(chosen, archive))).path),
    )


@reports_errors
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write, new or empty.")],
    years: Annotated[int, typer.Option(min=1, max=22, help="Years up to the last session.")] = 5,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same files.")] = None,
    last: Annotated[
        datetime | None,
        typer.Option(
            "--last", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last session; the newest one by default."
        ),
    ] = None,
    crisis: Annotated[
        datetime | None,
        typer.Option("--crisis", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Day of a volatility shock."),
    ] = None,
    defects: Annotated[bool, typer.Option("--defects", help="Plant the known defects of the real files.")] = False,
    debug: DebugOption = False,
) -> None:
    """Write a simulated market, for `nightly --archive`.

    The files have the publishers' own formats; every number in them is made up.

    \b
    Examples:
      alvh simulate market
      alvh simulate shock --years 2 --crisis 2026-05-14 --last 2026-06-30
      alvh nightly --archive shock --home shocked
    """
    from flows.sample import MANIFEST, first_session_of, write_simulated_archive
    from transforms import calendar
    from transforms.simulate import DEFAULT_SEED

    end = last.date() if last else calendar.latest_closed_session(datetime.now(UTC))
    chosen_seed = DEFAULT_SEED if seed is None else seed
    start = first_session_of(end, years)
    shock = crisis.date() if crisis else None
    files = write_simulated_archive(folder, start, end, chosen_seed, crisis=shock, with_defects=defects)
    print(f"SIMULATED market: {files} files under {folder}, {start} to {end}, seed {chosen_seed}")
    if defects:
        print(f"planted defects: {folder / MANIFEST}")


def _is_session(day: Any) -> bool:
    from transforms import calendar

    return bool(calendar.sessions("XCBF", day, day)) or day in calendar.FUTURES_ONLY_SESSIONS


def _require_published(home: Home) -> None:
    from warehouse.query import open_published

    with open_published(home):
        pass
