"""The command line: ``alvh``. Heavy imports stay inside the commands that need them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.audit_cli import audit
from flows.book_cli import book_app
from flows.command_line import DebugOption, HomeOption, JsonOption, reports_errors
from flows.explain_cli import explain
from flows.hedge_cli import ledger, positions
from flows.homes import home_to_read, home_to_write
from flows.policy_cli import policy_app
from flows.recalibrate_cli import recalibrate
from flows.sources.choice import choose_source, is_simulated, market_of
from flows.sweep_cli import sweep
from transforms.errors import UsageError
from warehouse.home import Home

app = typer.Typer(
    name="alvh",
    help="Nightly VIX futures pipeline: settlements in, checked DuckDB warehouse and hedge-state report out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(policy_app, name="policy")
app.add_typer(book_app, name="book")
app.command()(explain)
app.command()(audit)
app.command()(sweep)
app.command()(positions)
app.command()(ledger)
app.command()(recalibrate)

SourceOption = Annotated[str | None, typer.Option(help="cboe, archive or sample (simulated).", envvar="ALVH_SOURCE")]
ArchiveOption = Annotated[
    Path | None, typer.Option(help="Offline archive, laid out as <host>/<path>.", envvar="ALVH_ARCHIVE")
]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show Prefect's log as well.")]
DateOption = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Session, YYYY-MM-DD.")]


@app.command()
@reports_errors
def nightly(
    source: SourceOption = None,
    archive: ArchiveOption = None,
    as_of: DateOption = None,
    recheck: Annotated[bool, typer.Option("--recheck", help="Ask for complete contracts' files too.")] = False,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="Policy that a new home begins with; later it must be the adopted one."),
    ] = None,
    home: HomeOption = None,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    """Fetch, build, check, publish, and write the report."""
    day = as_of.date() if as_of else None
    if day is not None and not _is_session(day):
        print(f"nothing new: {day} is not a session of VIX futures")
        return
    from flows.night_command import run_night_command

    result, _ = run_night_command(
        source, archive, home, as_of=day, ask_everything=recheck, policy=policy, verbose=verbose
    )
    print(result.sentence)
    print(f"report: {result.report}")
    if result.exit_code:
        raise typer.Exit(result.exit_code)


@app.command()
@reports_errors
def backfill(
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First session.")],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session.")],
    home: HomeOption = None,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    """Write the reports of past sessions, each from data up to it."""
    if verbose:
        os.environ["ALVH_VERBOSE"] = "1"
    if start > end:
        raise UsageError("--from is after --to", found=f"{start.date()} > {end.date()}")
    folder = home_to_read(home)
    _require_published(folder)
    from flows.backfill import backfill as backfill_flow

    written = backfill_flow(home=str(folder.path), first=start.date(), last=end.date())
    print(f"{written} reports written under {folder.reports}")


@app.command()
@reports_errors
def report(
    as_of: DateOption = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Write the report of a session from the published warehouse and say where it is."""
    from warehouse.query import open_published
    from warehouse.report_data import latest_session, require_session
    from warehouse.reports import write_report
    from warehouse.run_log import published_run

    folder = home_to_read(home)
    with open_published(folder) as connection:
        newest = latest_session(connection)
        day = as_of.date() if as_of else newest
        require_session(connection, day)
        record = published_run(folder, connection)
        written = write_report(connection, folder, day, record.run, failures=record.failures, is_latest=day == newest)
    print(written.headline)
    print(f"report: {written.html}")
    if open_page:
        typer.launch(written.html.as_uri())


@app.command()
@reports_errors
def status(home: HomeOption = None, debug: DebugOption = False) -> None:
    """Say what is published, how the last runs ended, and who is working."""
    from warehouse.status import describe_status

    print(describe_status(home_to_read(home)))


@app.command()
@reports_errors
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT.")],
    format_: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write (needed for parquet).")] = None,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Query the published warehouse, read-only."""
    from warehouse import query as queries

    folder = home_to_read(home)
    if format_ == "parquet":
        if output is None:
            raise UsageError("Parquet is not text", expected="a file to write", next_step="add --output FILE.parquet")
        rows = queries.write_parquet(folder, sql, output)
        print(f"{rows} rows written to {output}")
        return
    renderers: dict[str, Callable[[queries.QueryResult], str]] = {
        "csv": queries.to_csv,
        "json": queries.to_json,
        "table": queries.to_table,
    }
    if format_ not in renderers:
        raise UsageError("unknown --format", found=format_, expected="table, csv, json or parquet")
    text = renderers[format_](queries.run_query(folder, sql))
    if output is not None:
        output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")


@app.command()
@reports_errors
def tables(
    name: Annotated[str | None, typer.Argument(help="A table; its schema may be left out.")] = None,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """List the published tables, or one table's columns with their meaning."""
    from warehouse import query as queries

    folder = home_to_read(home)
    result = queries.describe_table(folder, name) if name else queries.list_tables(folder)
    # long meanings: wrapped for eyes, a line a row for programs
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    sys.stdout.write(queries.to_table(result, width))


@app.command()
@reports_errors
def schedule(
    source: SourceOption = None,
    archive: ArchiveOption = None,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Serve the nightly on sessions at 18:30 New York, and the reconciliation the morning after."""
    chosen = choose_source(source, archive)
    from flows.schedule import serve_schedule

    serve_schedule(
        source=chosen,
        archive=str(archive.expanduser().resolve()) if archive else None,
        home=str(home_to_write(home, is_simulated=is_simulated(market_of(chosen, archive))).path),
    )


@app.command()
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
    """Read everything again: raw files, warehouse, policy log, signatures, run records. Code 4 if anything was changed.

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


@app.command()
@reports_errors
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write, new or empty.")],
    years: Annotated[int, typer.Option(min=1, max=22, help="Years up to the last session.")] = 5,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same files.")] = None,
    last: Annotated[
        datetime | None, typer.Option("--last", formats=["%Y-%m-%d"], help="Last session; the newest one by default.")
    ] = None,
    crisis: Annotated[
        datetime | None, typer.Option("--crisis", formats=["%Y-%m-%d"], help="Day of a volatility shock.")
    ] = None,
    defects: Annotated[bool, typer.Option("--defects", help="Plant the known defects of the real files.")] = False,
    debug: DebugOption = False,
) -> None:
    """Write a simulated market in the sources' own formats, for `--archive`."""
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


def main() -> None:
    """Run the command line."""
    app()


def _is_session(day: Any) -> bool:
    from transforms import calendar

    return bool(calendar.sessions("XCBF", day, day)) or day in calendar.FUTURES_ONLY_SESSIONS


def _require_published(home: Home) -> None:
    from warehouse.query import open_published

    with open_published(home):
        pass
