"""The stored files as tables: what every model starts from.

Bulk text is read line by line by DuckDB through one macro; what is not lines (JSON, HTML, workbooks) is
parsed by ``transforms``, one parser a format. Both only read: a line or an entry that cannot be used is
judged and kept with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import duckdb
import pandas as pd

from transforms.bars import PriceBar, parse_price_bars
from transforms.contracts import RefusedEntry, parse_contract_list
from transforms.errors import SourceError
from transforms.events.fomc_page import parse_fomc_page
from transforms.fomc_calendar import MEETING_COLUMNS, meeting_values
from transforms.formats import CSV_DATASETS
from transforms.options.chain import OptionQuote, parse_option_chain
from transforms.registry import keeps_history
from transforms.shiller import ShillerMonth, parse_shiller_workbook
from transforms.vintages import parse_vintages
from warehouse.home import PRIVATE, Home
from warehouse.raw_store import FileState, StoredFile

# One line reader for every CSV format: DuckDB reads the files in bulk, and each line keeps its
# number and its text, so that a quarantined line can be found with any editor.
STORED_LINES = """
create macro stored_lines(wanted) as table (
    select
        stored.file_name,
        stored.sha256 as file_sha256,
        stored.fetched_on,
        stored.first_seen_date,
        stored.version_no,
        stored.is_current,
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

Rows = list[tuple[Any, ...]]

_ROWS_AT_ONCE = 50_000
"""Parsed entries in memory before they are in a table: a home gathers a thousand quotes a night, and Python needs some
hundreds of bytes for each."""


def _read_values(kind: type) -> Callable[[object], tuple[Any, ...]]:
    # Not `astuple`, which copies each value deeply: that took two thirds of the time of a snapshot.
    values: Callable[[object], tuple[Any, ...]] = attrgetter(*(field.name for field in fields(kind)))
    return values


_bar_values, _month_values, _quote_values = map(_read_values, (PriceBar, ShillerMonth, OptionQuote))


@dataclass(frozen=True)
class ParsedFormat:
    """A format that is parsed in Python, and the table its entries become.

    Attributes
    ----------
    columns
        Names and DuckDB types of the entries, in the order in which ``parse`` gives them; the table has
        ``file_name``, ``file_sha256``, ``fetched_at_utc`` and ``is_current`` before them.
    parse
        The body of a file to its entries and to what was refused of it; raises a SourceError where the
        body is not the format at all.
    is_required
        Whether such a body stops the build, instead of being one refused entry.
    """

    table: str
    columns: Mapping[str, str]
    parse: Callable[[bytes], tuple[Rows, list[RefusedEntry]]]
    is_required: bool = False


def _parse_contract_list(body: bytes) -> tuple[Rows, list[RefusedEntry]]:
    listed, refused = parse_contract_list(body)
    return [(entry.expiry_date, entry.duration_type == "M", entry.product_display) for entry in listed], refused


def _parse_price_bars(body: bytes) -> tuple[Rows, list[RefusedEntry]]:
    bars, refused = parse_price_bars(body)
    return [_bar_values(bar) for bar in bars], refused


def _parse_shiller_workbook(body: bytes) -> tuple[Rows, list[RefusedEntry]]:
    months, refused = parse_shiller_workbook(body)
    return [_month_values(month) for month in months], refused


def _parse_vintages(body: bytes) -> tuple[Rows, list[RefusedEntry]]:
    values, refused = parse_vintages(body)
    return [
        (value.reference_date, value.realtime_start, value.realtime_end, value.observed_value) for value in values
    ], refused


def _parse_fomc_page(body: bytes) -> tuple[Rows, list[RefusedEntry]]:
    meetings, refused = parse_fomc_page(body)
    return [meeting_values(meeting) for meeting in meetings], refused


def _parse_option_chain(body: bytes) -> tuple[Rows, list[RefusedEntry]]:
    chain = parse_option_chain(body)
    taken = (chain.snapshot_at_utc, chain.index_pts, chain.index_at_utc)
    return [(*taken, *_quote_values(quote)) for quote in chain.quotes], list(chain.refused)


PARSED_FORMATS: Mapping[str, ParsedFormat] = {
    "vix_option_chain": ParsedFormat(
        "raw.vix_option_quotes",
        {
            "snapshot_at_utc": "timestamptz",
            "index_pts": "double",
            "index_at_utc": "timestamptz",
            "line_no": "bigint",
            "option_symbol": "varchar",
            "option_root": "varchar",
            "expiry_date": "date",
            "option_right": "varchar",
            "strike_pts": "double",
            "bid_pts": "double",
            "ask_pts": "double",
            "bid_size_contracts": "double",
            "ask_size_contracts": "double",
            "published_iv_frac": "double",
            "open_interest_contracts": "double",
            "volume_contracts": "double",
            "last_trade_pts": "double",
            "last_trade_at_utc": "timestamptz",
        },
        _parse_option_chain,
    ),
    "vx_contract_list": ParsedFormat(
        "raw.contract_list",
        {"expiry_date": "date", "is_monthly": "boolean", "product_display": "varchar"},
        _parse_contract_list,
        is_required=True,
    ),
    "price_bars": ParsedFormat(
        "raw.price_bars",
        {
            "line_no": "bigint",
            "trade_date": "date",
            "open_usd": "double",
            "high_usd": "double",
            "low_usd": "double",
            "close_usd": "double",
            "volume_shares": "bigint",
            "line_text": "varchar",
        },
        _parse_price_bars,
    ),
    "shiller_workbook": ParsedFormat(
        "raw.shiller_workbook",
        {
            "line_no": "bigint",
            "reference_date": "date",
            "price_read": "double",
            "dividends_read": "double",
            "earnings_read": "double",
            "cape_read": "double",
            "is_newest": "boolean",
            "line_text": "varchar",
        },
        _parse_shiller_workbook,
    ),
    "fred_vintages": ParsedFormat(
        "raw.fred_vintages",
        {
            "reference_date": "date",
            "realtime_start_date": "date",
            "realtime_end_date": "date",
            "observed_value": "double",
        },
        _parse_vintages,
    ),
    "fomc_calendar": ParsedFormat("raw.fomc_page_meetings", MEETING_COLUMNS, _parse_fomc_page),
}


def load_stored_files(
    connection: duckdb.DuckDBPyConnection, home: Home, states: list[tuple[str, str, FileState]]
) -> None:
    """Create ``ops.source_files``, ``raw.stored_files``, the line reader, and a table a parsed format."""
    create_from_frame(
        connection,
        "ops.source_files",
        list_source_files(home, states),
        """publisher, dataset::varchar as dataset, file_name, url::varchar as url, sha256::varchar as sha256,
        bytes::bigint as bytes, http_status::integer as http_status,
        fetched_at_utc::timestamptz as fetched_at_utc, checked_at_utc::timestamptz as checked_at_utc,
        is_newest::boolean as is_newest, is_current::boolean as is_current,
        refusal::varchar as refusal, absent::varchar as absent,
        last_trade_date::date as last_trade_date, stored_as::varchar as stored_as,
        sidecar_sha256::varchar as sidecar_sha256""",
    )
    readable = [entry for _, _, state in states for entry in _readable(state)]
    stored = pd.DataFrame(
        [
            (file.name, str(file.path), file.dataset, file.sha256, number, is_current, file.fetched_at_utc)
            for file, number, is_current in readable
        ],
        columns=["file_name", "path", "dataset", "sha256", "version_no", "is_current", "fetched_at_utc"],
    )
    create_from_frame(
        connection,
        "raw.stored_files",
        stored,
        # a publisher may be a day ahead of UTC in nothing, but a clock may be a little off
        """* exclude (fetched_at_utc, version_no, is_current),
        version_no::bigint as version_no, is_current::boolean as is_current,
        (fetched_at_utc::timestamptz at time zone 'UTC')::date + 1 as fetched_on,
        (fetched_at_utc::timestamptz at time zone 'America/New_York')::date as first_seen_date""",
    )
    files = [file for file, _, _ in readable]
    nothing = home.build / "no-file.txt"
    nothing.write_bytes(b"")
    nothing.chmod(PRIVATE)
    paths = {name: [str(f.path) for f in files if f.dataset == name] or [str(nothing)] for name in CSV_DATASETS}
    connection.execute("set variable paths = ?", [paths])
    connection.execute(STORED_LINES)
    _load_parsed_formats(connection, readable)


def list_source_files(home: Home, states: Iterable[tuple[str, str, FileState]]) -> pd.DataFrame:
    """Return the rows of ``ops.source_files``: each version of each file that was asked for, or that there is none.

    Parameters
    ----------
    states
        Publisher, file name and what is stored of it, as :meth:`RawStore.states` gives them.
    """
    records = [record for publisher, name, state in states for record in _records(home, publisher, name, state)]
    return pd.DataFrame(records, columns=list(_records_template()))


def _readable(state: FileState) -> list[tuple[StoredFile, int, bool]]:
    """Versions to read of a file name: (version, number in the order first seen, is it the current one)."""
    current = state.current
    if current is None:
        return []
    if not keeps_history(current.dataset, current.name):
        return [(current, len(state.versions), True)]
    unique: dict[str, StoredFile] = {}
    for version in state.versions:
        if version.refusal is None:
            unique.setdefault(version.sha256, version)
    return [(version, number, version is unique[current.sha256]) for number, version in enumerate(unique.values(), 1)]


def _load_parsed_formats(connection: duckdb.DuckDBPyConnection, readable: list[tuple[StoredFile, int, bool]]) -> None:
    refused: Rows = []
    for dataset, kind in PARSED_FORMATS.items():
        columns = {"file_name": "varchar", "file_sha256": "varchar", "fetched_at_utc": "timestamptz"}
        columns |= {"is_current": "boolean", **kind.columns}
        _create_empty(connection, kind.table, columns)
        rows: Rows = []
        for file, _, is_current in readable:
            if file.dataset != dataset:
                continue
            entries, refused_entries = _parse(kind, file)
            origin = (file.name, file.sha256, file.fetched_at_utc, is_current)
            rows += [(*origin, *entry) for entry in entries]
            if is_current:
                refused += [(dataset, *origin[:2], *entry) for entry in map(_refused_values, refused_entries)]
            if len(rows) >= _ROWS_AT_ONCE:
                _add_typed(connection, kind.table, rows, columns)
                rows = []
        _add_typed(connection, kind.table, rows, columns)
    columns = {"dataset": "varchar", "file_name": "varchar", "file_sha256": "varchar", "line_no": "bigint"}
    columns |= {"reason": "varchar", "line_text": "varchar"}
    _create_empty(connection, "raw.refused_entries", columns)
    _add_typed(connection, "raw.refused_entries", refused, columns)


def _parse(kind: ParsedFormat, file: StoredFile) -> tuple[Rows, list[RefusedEntry]]:
    try:
        return kind.parse(file.path.read_bytes())
    except SourceError as error:
        if kind.is_required:
            raise
        # The night goes on without it and says why.
        return [], [RefusedEntry(1, "file_cannot_be_parsed", error.found or error.what)]


def _refused_values(entry: RefusedEntry) -> tuple[int, str, str]:
    return entry.line_no, entry.reason, entry.text


def _create_empty(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    connection.execute(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")


def _add_typed(connection: duckdb.DuckDBPyConnection, table: str, rows: Rows, columns: Mapping[str, str]) -> None:
    if not rows:
        return
    connection.register("frame", pd.DataFrame(rows, columns=list(columns), dtype=object))
    typed = ", ".join(f"{name}::{kind}" for name, kind in columns.items())
    connection.execute(f"insert into {table} select {typed} from frame")  # noqa: S608 - names are ours
    connection.unregister("frame")


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
        "sidecar_sha256": None,
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
            "sidecar_sha256": version.sidecar_sha256,
        }
        for version in unique.values()
    ]


def create_from_frame(
    connection: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame, columns: str = "*"
) -> None:
    """Create a table from a frame; ``columns`` is the select list that gives it its types."""
    connection.register("frame", frame)
    connection.execute(f"create table {table} as select {columns} from frame")  # noqa: S608 - names are ours
    connection.unregister("frame")
