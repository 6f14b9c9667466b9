"""Building the next warehouse: raw files and reference data in, a finished DuckDB file out.

Everything is built into a new file, in a few large transactions; the published warehouse is only read, to say
what changed against it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from transforms import calendar
from transforms.errors import PipelineError
from transforms.registry import ColumnInfo, Correction, corrections, index_registry, macro_series, parameters
from warehouse.calibrations import load_calibrations, write_weekly_calibrations
from warehouse.dated_tables import load_dated_tables
from warehouse.hedge import build_hedge
from warehouse.hedge_states import PolicyInForce
from warehouse.home import PRIVATE, Home, make_folder
from warehouse.macros import create_macros, load_macros
from warehouse.models import (
    BUILD_ONLY_SCHEMA,
    SCHEMAS,
    VIEW_SCHEMA,
    Model,
    apply_comments,
    build_models,
    load_columns,
    load_models,
)
from warehouse.noted_revisions import note_restatements
from warehouse.raw_store import RawStore
from warehouse.run_log import find_whole
from warehouse.stored_tables import create_from_frame, load_stored_files
from warehouse.tables import create_late_tables
from warehouse.version import this_code

STORAGE_VERSION = "v1.4.0"
"""The file is written so that this DuckDB and every later one can read it: clients in other languages are often older
than the library that builds."""
_THREADS = 1
"""Hardly a table fills two of DuckDB's groups of rows, so that a second thread finds little to do: waking it and
waiting for it cost a quarter of the build's processor time, and what it held some seventy megabytes. With one, the same
files are also built in the same order of rows each time."""

_FIRST_INDEX_DATE = date(1990, 1, 2)
_HORIZON = timedelta(days=450)
"""How far past the newest file the calendar reaches: listed contracts expire within it."""


@dataclass(frozen=True)
class Built:
    """A finished build: where it is and what is in it."""

    path: Path
    rows: dict[str, int]
    last_session: date | None


def build_warehouse(
    home: Home,
    path: Path,
    *,
    run_id: str,
    today: date,
    due_session: date | None,
    is_simulated: bool = False,
    policies: Sequence[PolicyInForce] = (),
) -> Built:
    """Build a warehouse file from the raw store.

    Parameters
    ----------
    path
        File to create; must not exist.
    today
        The day of the run in UTC: bounds the calendar and what a source may already know.
    due_session
        Session that must be there by the clock, or None where the source has its own calendar.
    is_simulated
        Corrections of the real sources are not applied to a simulated market.
    policies
        The policies that decide the layers, each with its first session; none means the default preset.
    """
    store = RawStore(home)
    states = list(store.states())
    models, columns = load_models(), load_columns()
    make_folder(path.parent)
    with open_build(path) as connection:
        connection.execute("begin")
        for schema in SCHEMAS:
            connection.execute(f"create schema if not exists {schema}")
        _write_run(connection, [run_id, due_session, is_simulated])
        load_registries(connection, today, columns.values(), is_simulated=is_simulated)
        load_stored_files(connection, home, states)
        load_calibrations(connection, home)
        tables = [model for model in models.values() if model.schema != VIEW_SCHEMA]
        rows = build_models(connection, tables, columns)
        rows |= write_weekly_calibrations(connection)
        # What is committed is compressed into the file and out of memory, which the walk of the hedge needs. The file
        # is published whole or not at all, so that nobody meets half a build.
        connection.execute("commit")
        connection.execute("begin")
        rows |= build_hedge(connection, policies, columns, home, today)
        create_late_tables(connection)
        # Last, because they look at every table; no table looks at them.
        build_models(connection, [model for model in models.values() if model.schema == VIEW_SCHEMA], columns)
        create_macros(connection, load_macros().values())
        connection.execute("commit")
        # Apart, because DuckDB cannot drop a table in the transaction that filled it. The file is
        # not published before both are done.
        connection.execute("begin")
        _drop_build_only(connection, models.values())
        apply_comments(connection, models, columns)
        connection.execute("commit")
        note_restatements(connection, find_whole(home), run_id)
        last = connection.execute("select max(trade_date) from core.daily_vx_settlements").fetchone()
        connection.execute("checkpoint")
    return Built(path, rows, last[0] if last else None)


def _write_run(connection: duckdb.DuckDBPyConnection, facts: list[object]) -> None:
    code = this_code()
    connection.execute(
        "create table ref.run "
        "(run_id varchar, due_session date, is_simulated boolean, code_version varchar, code_sha256 varchar)"
    )
    connection.execute("insert into ref.run values (?, ?, ?, ?, ?)", [*facts, code.version, code.sha256])


def load_registries(
    connection: duckdb.DuckDBPyConnection, today: date, columns: Iterable[ColumnInfo], *, is_simulated: bool
) -> None:
    """Create the tables that no stored file goes into: calendars, registries, releases; parameters as of the build."""
    _load_reference(connection, today)
    _load_context_reference(connection, today, is_simulated=is_simulated)
    _load_signals(connection, columns)
    _load_corrections(connection, [] if is_simulated else corrections())


@contextmanager
def open_build(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file being built for writing; DuckDB's own errors become the project's.

    Raises
    ------
    PipelineError
        If DuckDB cannot go on: a full disk, or a defect of ours. Nothing is published then.
    """
    try:
        with duckdb.connect(
            str(path), config={"storage_compatibility_version": STORAGE_VERSION, "threads": _THREADS}
        ) as connection:
            path.chmod(PRIVATE)
            yield connection
        if (left := path.with_name(path.name + ".wal")).exists():
            # Closing moves everything into the file itself. Where the disk is full DuckDB gives that up without a
            # word, and the file alone, which is all that is published, would lack it.
            raise duckdb.IOException(f"what was written last is still in {left.name}")
    except duckdb.Error as error:
        raise PipelineError(
            "the next warehouse cannot be built",
            where=str(path),
            found=str(error).strip(),
            expected="room on the disk, and SQL that fits the data",
            next_step="the last good warehouse and everything fetched are kept; mend the cause and run again",
        ) from None


def _load_reference(connection: duckdb.DuckDBPyConnection, today: date) -> None:
    horizon = today + _HORIZON
    futures = set(calendar.sessions("XCBF", calendar.FIRST_SESSION, horizon))
    equity = set(calendar.sessions("XNYS", _FIRST_INDEX_DATE, horizon))
    extra = {day for day in calendar.FUTURES_ONLY_SESSIONS if day <= horizon}
    regular = sorted(futures)
    sessions = pd.DataFrame(
        [
            # how many regular futures sessions there were up to and including the day
            (day, day in futures or day in extra, day in equity, day in extra, bisect_right(regular, day))
            for day in sorted(futures | equity | extra)
        ],
        columns=[
            "session_date",
            "is_futures_session",
            "is_equity_session",
            "is_futures_only",
            "futures_session_count",
        ],
    )
    expiries = pd.DataFrame(
        calendar.vx_monthly_settlement_dates(calendar.FIRST_SESSION, horizon - timedelta(days=75)),
        columns=["contract_month", "expiry_date"],
    )
    create_from_frame(
        connection, "ref.sessions", sessions, "session_date::date as session_date, * exclude (session_date)"
    )
    create_from_frame(
        connection,
        "ref.vx_monthly_expiries",
        expiries,
        "contract_month::date as contract_month, expiry_date::date as expiry_date",
    )
    create_from_frame(connection, "ref.indices", pd.DataFrame([asdict(info) for info in index_registry().values()]))
    create_from_frame(
        connection,
        "ref.parameters",
        pd.DataFrame([asdict(entry) for entry in parameters().values()]),
        "* replace (value::double as value)",
    )


def _load_context_reference(connection: duckdb.DuckDBPyConnection, today: date, *, is_simulated: bool) -> None:
    create_from_frame(
        connection,
        "ref.macro_series",
        pd.DataFrame([asdict(entry) for entry in macro_series().values()]),
        "* replace (longest_age_days::bigint as longest_age_days)",
    )
    load_dated_tables(connection, today + _HORIZON, is_simulated=is_simulated)


def _load_signals(connection: duckdb.DuckDBPyConnection, columns: Iterable[ColumnInfo]) -> None:
    signals = [(info.name, info.unit, info.meaning, info.source, info.known, info.status) for info in columns]
    create_from_frame(
        connection,
        "ref.signals",
        pd.DataFrame(
            [signal for signal in signals if signal[-1]],
            columns=["signal", "unit", "meaning", "source", "known", "status_column"],
        ),
    )


def _load_corrections(connection: duckdb.DuckDBPyConnection, entries: Iterable[Correction]) -> None:
    connection.execute(
        "create table ref.corrections (correction varchar, dataset varchar, file_name varchar, found varchar, "
        "action varchar, reason varchar, evidence varchar, rows integer)"
    )
    for entry in entries:
        connection.execute("insert into ref.corrections values (?, ?, ?, ?, ?, ?, ?, ?)", list(asdict(entry).values()))


def _drop_build_only(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    for model in models:
        if model.schema == BUILD_ONLY_SCHEMA:
            connection.execute(f"drop view {model.name}")
    connection.execute("drop macro table stored_lines")
    connection.execute(f"drop schema {BUILD_ONLY_SCHEMA} cascade")
