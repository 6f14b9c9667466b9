"""Building the next warehouse: raw files and reference data in, a finished DuckDB file out.

Everything is built into a new file in one transaction; the published warehouse is only read, to say
what changed against it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from transforms import calendar
from transforms.contracts import ListedContract, RefusedEntry, parse_contract_list
from transforms.errors import PipelineError
from transforms.formats import CSV_DATASETS
from transforms.registry import Correction, corrections, index_registry, parameters
from warehouse.home import Home
from warehouse.models import (
    BUILD_ONLY_SCHEMA,
    SCHEMAS,
    Model,
    apply_comments,
    build_models,
    load_columns,
    load_models,
)
from warehouse.raw_store import FileState, RawStore, StoredFile
from warehouse.tables import create_late_tables

_FIRST_INDEX_DATE = date(1990, 1, 2)
_HORIZON = timedelta(days=450)
"""How far past the newest file the calendar reaches: listed contracts expire within it."""

# One line reader for every CSV format: DuckDB reads the files in bulk, and each line keeps its
# number and its text, so that a quarantined line can be found with any editor.
_STORED_LINES = """
create macro stored_lines(wanted) as table (
    select
        stored.file_name,
        stored.sha256 as file_sha256,
        stored.fetched_on,
        line.line_no,
        rtrim(line.line_text, chr(13)) as line_text
    from (
        select
            filename,
            unnest(string_split(ltrim(content, chr(65279)), chr(10))) as line_text,
            generate_subscripts(string_split(ltrim(content, chr(65279)), chr(10)), 1) as line_no
        from read_text(getvariable('paths')[wanted])
    ) as line
    join raw.stored_files as stored on stored.path = line.filename
)
"""


@dataclass(frozen=True)
class Built:
    """A finished build: where it is and what is in it."""

    path: Path
    rows: dict[str, int]
    last_session: date | None


def build_warehouse(
    home: Home, path: Path, *, run_id: str, today: date, due_session: date | None, is_simulated: bool = False
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
    """
    store = RawStore(home)
    states = list(store.states())
    models = load_models()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_build(path) as connection:
        connection.execute("begin")
        for schema in SCHEMAS:
            connection.execute(f"create schema {schema}")
        connection.execute("create table ref.run (run_id varchar, due_session date, is_simulated boolean)")
        connection.execute("insert into ref.run values (?, ?, ?)", [run_id, due_session, is_simulated])
        _load_reference(connection, today)
        _load_corrections(connection, [] if is_simulated else corrections())
        _load_files(connection, home, states)
        rows = build_models(connection, models.values())
        create_late_tables(connection)
        connection.execute("commit")
        # Apart, because DuckDB cannot drop a table in the transaction that filled it. The file is
        # not published before both are done.
        connection.execute("begin")
        _drop_build_only(connection, models.values())
        apply_comments(connection, models, load_columns())
        connection.execute("commit")
        last = connection.execute("select max(trade_date) from core.daily_vx_settlements").fetchone()
        connection.execute("checkpoint")
    return Built(path, rows, last[0] if last else None)


@contextmanager
def open_build(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file being built for writing; DuckDB's own errors become the project's.

    Raises
    ------
    PipelineError
        If DuckDB cannot go on: a full disk, or a defect of ours. Nothing is published then.
    """
    try:
        with duckdb.connect(str(path)) as connection:
            yield connection
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
    _create(connection, "ref.sessions", sessions, "session_date::date as session_date, * exclude (session_date)")
    _create(
        connection,
        "ref.vx_monthly_expiries",
        expiries,
        "contract_month::date as contract_month, expiry_date::date as expiry_date",
    )
    _create(connection, "ref.indices", pd.DataFrame([asdict(info) for info in index_registry().values()]))
    _create(
        connection,
        "ref.parameters",
        pd.DataFrame([asdict(entry) for entry in parameters().values()]),
        "* replace (value::double as value)",
    )


def _load_corrections(connection: duckdb.DuckDBPyConnection, entries: Iterable[Correction]) -> None:
    connection.execute(
        "create table ref.corrections (correction varchar, dataset varchar, file_name varchar, found varchar, "
        "action varchar, reason varchar, evidence varchar, rows integer)"
    )
    for entry in entries:
        connection.execute("insert into ref.corrections values (?, ?, ?, ?, ?, ?, ?, ?)", list(asdict(entry).values()))


def _load_files(connection: duckdb.DuckDBPyConnection, home: Home, states: list[tuple[str, str, FileState]]) -> None:
    records = [record for publisher, name, state in states for record in _records(home, publisher, name, state)]
    columns = list(_records_template())
    frame = pd.DataFrame(records, columns=columns)
    _create(
        connection,
        "ops.source_files",
        frame,
        """publisher, dataset::varchar as dataset, file_name, url::varchar as url, sha256::varchar as sha256,
        bytes::bigint as bytes, http_status::integer as http_status,
        fetched_at_utc::timestamptz as fetched_at_utc, checked_at_utc::timestamptz as checked_at_utc,
        is_newest::boolean as is_newest, is_current::boolean as is_current,
        refusal::varchar as refusal, absent::varchar as absent,
        last_trade_date::date as last_trade_date, stored_as::varchar as stored_as""",
    )
    current = [state.current for _, _, state in states if state.current is not None]
    stored = pd.DataFrame(
        [(file.name, str(file.path), file.dataset, file.sha256, file.fetched_at_utc) for file in current],
        columns=["file_name", "path", "dataset", "sha256", "fetched_at_utc"],
    )
    _create(
        connection,
        "raw.stored_files",
        stored,
        # a publisher may be a day ahead of UTC in nothing, but a clock may be a little off
        "* exclude (fetched_at_utc), (fetched_at_utc::timestamptz at time zone 'UTC')::date + 1 as fetched_on",
    )
    nothing = home.build / "no-file.txt"
    nothing.write_bytes(b"")
    paths = {name: [str(f.path) for f in current if f.dataset == name] or [str(nothing)] for name in CSV_DATASETS}
    connection.execute("set variable paths = ?", [paths])
    connection.execute(_STORED_LINES)
    _load_contract_list(connection, current)


def _load_contract_list(connection: duckdb.DuckDBPyConnection, current: Iterable[StoredFile]) -> None:
    listed: list[ListedContract] = []
    refused: list[tuple[StoredFile, RefusedEntry]] = []
    for file in current:
        if file.dataset == "vx_contract_list":
            contracts, entries = parse_contract_list(file.path.read_bytes())
            listed += contracts
            refused += [(file, entry) for entry in entries]
    _create(
        connection,
        "raw.contract_list",
        pd.DataFrame(
            [(entry.expiry_date, entry.duration_type == "M", entry.product_display) for entry in listed],
            columns=["expiry_date", "is_monthly", "product_display"],
        ),
        "expiry_date::date as expiry_date, is_monthly::boolean as is_monthly, "
        "product_display::varchar as product_display",
    )
    _create(
        connection,
        "raw.refused_list_entries",
        pd.DataFrame(
            [(file.name, file.sha256, entry.line_no, entry.reason, entry.text) for file, entry in refused],
            columns=["file_name", "file_sha256", "line_no", "reason", "line_text"],
        ),
        "file_name::varchar as file_name, file_sha256::varchar as file_sha256, line_no::bigint as line_no, "
        "reason::varchar as reason, line_text::varchar as line_text",
    )


def _records_template() -> dict[str, object]:
    return {
        "publisher": None,
        "dataset": None,
        "file_name": None,
        "url": None,
        "sha256": None,
        "bytes": None,
        "http_status": None,
        "fetched_at_utc": None,
        "checked_at_utc": None,
        "is_newest": False,
        "is_current": False,
        "refusal": None,
        "absent": None,
        "last_trade_date": None,
        "stored_as": None,
    }


def _records(home: Home, publisher: str, name: str, state: FileState) -> list[dict[str, object]]:
    if not state.versions:
        absent = {"publisher": publisher, "file_name": name, "absent": state.absent}
        return [_records_template() | absent | {"checked_at_utc": state.checked_at_utc}]
    unique = {version.sha256: version for version in state.versions}
    return [
        _records_template()
        | {
            "publisher": publisher,
            "dataset": version.dataset,
            "file_name": name,
            "url": version.url,
            "sha256": version.sha256,
            "bytes": version.bytes,
            "http_status": version.status,
            "fetched_at_utc": version.fetched_at_utc,
            "checked_at_utc": state.checked_at_utc,
            "is_newest": state.newest is not None and version.sha256 == state.newest.sha256,
            "is_current": state.current is not None and version.sha256 == state.current.sha256,
            "refusal": version.refusal,
            "absent": state.absent,
            "last_trade_date": version.last_trade_date,
            "stored_as": version.path.relative_to(home.path).as_posix(),
        }
        for version in unique.values()
    ]


def _create(connection: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame, columns: str = "*") -> None:
    connection.register("frame", frame)
    connection.execute(f"create table {table} as select {columns} from frame")  # noqa: S608 - names are ours
    connection.unregister("frame")


def _drop_build_only(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    for model in models:
        if model.schema == BUILD_ONLY_SCHEMA:
            connection.execute(f"drop view {model.name}")
    connection.execute("drop macro table stored_lines")
    connection.execute(f"drop schema {BUILD_ONLY_SCHEMA} cascade")
