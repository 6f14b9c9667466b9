"""``alvh status``, ``report``, ``tables`` and ``query``: what is published. Heavy imports stay inside."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.command_line import (
    AsOfOption,
    DebugOption,
    HomeOption,
    JsonOption,
    KnownAtOption,
    OpenOption,
    reports_errors,
)
from flows.completion import complete_formats, complete_tables
from flows.homes import home_to_read
from flows.printing import is_watched, print_json
from transforms.errors import UsageError

if TYPE_CHECKING:
    from flows.known import KnownWarehouse
    from warehouse.home import Home
    from warehouse.reports import WrittenReport
from transforms.wording import make_harmless


@reports_errors
def report(
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write, with --known-at.")] = None,
    open_page: OpenOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Write a session's report, as published or as it was known then.

    The page, its text and its JSON lie under `reports/` of the home, a folder a session. With --known-at everything is
    built again from the raw files, policy, calibrations and book of then, in a folder of its own; `reports/latest` and
    what is published stay as they are.

    \b
    Examples:
      alvh report
      alvh report --as-of 2020-03-16 --open
      alvh report --known-at 2026-01-07T23:45:00Z
    """
    if known_at is not None or output is not None:
        _report_as_known(home_to_read(home), as_of.date() if as_of else None, known_at, output, open_page, as_json)
        return
    from flows.site import refresh_site
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
    refresh_site(folder, [day])
    _show_report(written, day, open_page, as_json)


def _report_as_known(
    folder: Home, day: date | None, known_at: str | None, output: Path | None, open_page: bool, as_json: bool
) -> None:
    if known_at is None:
        raise UsageError("--output goes with --known-at", expected="both, or neither")
    from flows.known import write_known_report

    known = _build_known(folder, known_at)
    day, written = write_known_report(known, folder, day, output.expanduser().resolve() if output else None)
    _show_report(written, day, open_page, as_json, known.known_at_utc)
    if not as_json:
        print(known.sentence)


def _build_known(folder: Home, known_at: str) -> KnownWarehouse:
    from flows.console import working
    from flows.known import build_known
    from warehouse.known import parse_known_at

    instant = parse_known_at(known_at, datetime.now(UTC))
    with working("build"):
        return build_known(folder, instant)


def _show_report(
    written: WrittenReport, day: date, open_page: bool, as_json: bool, known_at_utc: str | None = None
) -> None:
    if as_json:
        print_json(
            {
                "as_of": day,
                **({"known_at_utc": known_at_utc} if known_at_utc else {}),
                "headline": written.headline,
                "data_health": {"status": written.status, "reasons": written.reasons},
                **{kind: str(written.html.with_suffix(f".{kind}")) for kind in ("html", "md", "json")},
            }
        )
    else:
        print(written.headline)
        print(f"report: {written.html}")
    if open_page:
        typer.launch(written.html.as_uri())


@reports_errors
def status(as_json: JsonOption = False, home: HomeOption = None, debug: DebugOption = False) -> None:
    """Say what is published and how the last runs ended.

    The session, the curve, the layers, how the hedge was funded, the health of the data, and who is working.

    \b
    Examples:
      alvh status
      alvh status --json
    """
    from warehouse.status import read_status

    found = read_status(home_to_read(home))
    if as_json:
        print_json(found)
        return
    from flows.status_texts import print_status

    print_status(found)


@reports_errors
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT.")],
    format_: Annotated[
        str, typer.Option("--format", help="table, csv, json or parquet.", autocompletion=complete_formats)
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write (needed for parquet).")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Longest time the query may take, in seconds.")] = 300.0,
    known_at: KnownAtOption = None,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Query what is published, or was known at an instant, read-only.

    \b
    Examples:
      alvh query "from mart.daily_term_structure order by trade_date desc limit 3"
      alvh query "select trade_date, contango_frac from mart.daily_term_structure" --format csv -o curve.csv
      alvh query "from mart.daily_signals" --format parquet -o signals.parquet
      alvh query "from mart.daily_term_structure limit 3" --known-at 2026-01-07T23:45:00Z
    """
    from warehouse import query as queries

    folder = home_to_read(home)
    if known_at is not None:
        folder = _build_known(folder, known_at).home
    if format_ == "parquet":
        if output is None:
            raise UsageError("Parquet is not text", expected="a file to write", next_step="add --output FILE.parquet")
        rows = queries.write_parquet(folder, sql, output, timeout)
        print(f"{rows} rows written to {output}")
        return
    renderers: dict[str, Callable[[queries.QueryResult], str]] = {
        "csv": queries.to_csv,
        "json": queries.to_json,
        "table": queries.to_table,
    }
    if format_ not in renderers:
        raise UsageError("unknown --format", found=format_, expected="table, csv, json or parquet")
    result = queries.run_query(folder, sql, timeout)
    if format_ == "table" and output is None and is_watched():
        from flows import table_texts as texts

        texts.print_result(result, texts.units_of(queries.run_query(folder, texts.COMMENTS).rows))
        return
    text = renderers[format_](result)
    if output is None:
        # A file and a pipe get the values as they are; a terminal would act on what is in them.
        text = make_harmless(text) if sys.stdout.isatty() else text
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "the result cannot be written",
            where=str(output),
            found=error.strerror or str(error),
            expected="a file in a folder that exists",
        ) from None


@reports_errors
def tables(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A table, its schema may be left out; or a column, for where it comes from.",
            autocompletion=complete_tables,
        ),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """List tables and columns, with unit and meaning.

    Without a name all tables; with that of a table its columns; with that of a column what it means, how and where it
    is computed, with which parameters, which pages tell of it, and which tests hold it.

    \b
    Examples:
      alvh tables
      alvh tables mart.daily_term_structure
      alvh tables contango_frac
      alvh tables mart.daily_term_structure.contango_frac --json
    """
    from flows import table_texts as texts
    from warehouse import query as queries

    folder = home_to_read(home)
    if name is None:
        listed = queries.list_tables(folder)
        if as_json:
            print_json({"tables": [dict(zip(("table", "rows", "what"), row, strict=True)) for row in listed.rows]})
        elif is_watched():
            texts.print_tables(listed.rows)
        else:
            sys.stdout.write(queries.to_table(listed))
        return
    try:
        described = queries.describe_table(folder, name)
    except UsageError as error:
        if error.what != queries.NO_TABLE:
            raise
        from warehouse.columns import describe_column

        story = describe_column(folder, name)
        if as_json:
            print_json(story)
        else:
            texts.print_column(story)
        return
    if as_json:
        print_json({"table": name, "columns": [texts.describe_column_row(row) for row in described.rows]})
    elif is_watched():
        texts.print_columns(described.rows)
    else:
        sys.stdout.write(queries.to_table(described))
