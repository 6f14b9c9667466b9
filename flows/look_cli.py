"""``alvh status``, ``report``, ``tables`` and ``query``: what is published. Heavy imports stay inside."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from flows.command_line import AsOfOption, DebugOption, HomeOption, OpenOption, reports_errors
from flows.completion import complete_formats, complete_tables
from flows.homes import home_to_read
from transforms.errors import UsageError


@reports_errors
def report(
    as_of: AsOfOption = None,
    open_page: OpenOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Write the report of a session from what is published.

    The page, its text and its JSON lie under `reports/` of the home, a folder a session.

    \b
    Examples:
      alvh report
      alvh report --as-of 2020-03-16 --open
    """
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


@reports_errors
def status(home: HomeOption = None, debug: DebugOption = False) -> None:
    """Say what is published and how the last runs ended.

    The session, the curve, the layers, how the hedge was funded, the health of the data, and who is working.

    \b
    Examples:
      alvh status
    """
    from warehouse.status import describe_status

    print(describe_status(home_to_read(home)))


@reports_errors
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT.")],
    format_: Annotated[
        str, typer.Option("--format", help="table, csv, json or parquet.", autocompletion=complete_formats)
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write (needed for parquet).")] = None,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Query the published warehouse, read-only.

    \b
    Examples:
      alvh query "from mart.daily_term_structure order by trade_date desc limit 3"
      alvh query "select trade_date, contango_frac from mart.daily_term_structure" --format csv -o curve.csv
      alvh query "from mart.daily_signals" --format parquet -o signals.parquet
    """
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


@reports_errors
def tables(
    name: Annotated[
        str | None,
        typer.Argument(help="A table; its schema may be left out.", autocompletion=complete_tables),
    ] = None,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """List tables and columns, with unit and meaning.

    \b
    Examples:
      alvh tables
      alvh tables mart.daily_term_structure
    """
    from warehouse import query as queries

    folder = home_to_read(home)
    result = queries.describe_table(folder, name) if name else queries.list_tables(folder)
    # long meanings: wrapped for eyes, a line a row for programs
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    sys.stdout.write(queries.to_table(result, width))
