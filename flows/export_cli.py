"""``alvh export``: published tables for other programs. Heavy imports stay inside."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, reports_errors
from flows.completion import complete_export_formats, complete_schemas, complete_tables
from flows.console import say, say_progress, working
from flows.homes import home_to_read
from flows.printing import print_json
from transforms.errors import UsageError


@reports_errors
def export(
    to: Annotated[str, typer.Option("--to", help="Folder, or an address of fsspec such as s3://bucket/alvh.")],
    file_format: Annotated[
        str, typer.Option("--format", help="parquet or csv.", autocompletion=complete_export_formats)
    ] = "parquet",
    tables: Annotated[
        str | None,
        typer.Option(
            "--tables", help="Names separated by commas; their schema may be left out.", autocompletion=complete_tables
        ),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option("--schema", help="All tables of a schema; mart by default.", autocompletion=complete_schemas),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Only sessions from this day on."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that holds something else.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Write published tables as Parquet or CSV.

    To a folder or an object store: a file a table, and manifest.json last: run, policy, market, rows, columns with
    units, SHA-256. The same warehouse gives the same CSV to the byte. Tables that are no longer exported are removed;
    those of your own book are left out unless --tables names them. The data of a real market are for your own use: read
    Cboe's terms before you pass them on.

    \b
    Examples:
      alvh export --to curves
      alvh export --to curves --format csv --tables daily_term_structure,daily_volatility_indices --since 2020-01-02
      alvh export --to s3://bucket/alvh --schema core      needs the package s3fs
    """
    from flows.export import TERMS, export_tables, open_store

    if tables is not None and schema is not None:
        raise UsageError("--tables and --schema exclude each other", expected="one of them, or none")
    store = open_store(to)
    with working("export"):
        manifest = export_tables(
            home_to_read(home),
            store,
            file_format=file_format,
            tables=[name.strip() for name in (tables or "").split(",") if name.strip()],
            schema=schema or "mart",
            since=since.date() if since else None,
            is_forced=force,
            progress=lambda done, planned, table: say_progress(done, planned, table, step="export", unit="written"),
        )
    if as_json:
        print_json(manifest)
    else:
        rows = sum(one["rows"] for one in manifest["tables"])
        market = "SIMULATED market, " if manifest["is_simulated"] else ""
        count = len(manifest["tables"])
        tables_ = f"{count} table{'' if count == 1 else 's'}"
        print(f"{market}{tables_}, {rows:,} rows to {manifest['session']}, as {file_format}")
        print(f"export: {store.shown}")
    if not manifest["is_simulated"]:
        say(f"terms: {TERMS}")
