"""What changed against the warehouse published before: every restated past value.

A value is restated when its session was published before and it differs now, appears, or is gone.
Volume, open interest and traded prices of the newest published session are provisional by the
publisher's own habit and are left out; its settlement is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from transforms.errors import PipelineError

_VALUES = {
    "core.daily_vx_settlements": (
        "expiry_date",
        "contract_code",
        (
            "settle_pts",
            "open_pts",
            "high_pts",
            "low_pts",
            "close_pts",
            "volume_contracts",
            "open_interest_contracts",
        ),
    ),
    "core.daily_index_levels": ("index_code", "index_code", ("close_pts", "open_pts", "high_pts", "low_pts")),
}
_FIRM = {"core.daily_vx_settlements": "settle_pts", "core.daily_index_levels": "close_pts"}


@dataclass(frozen=True)
class Comparison:
    """A build against the warehouse published before it."""

    previous_run_id: str | None
    new_sessions: list[str]
    revisions: list[dict[str, Any]]


def compare_with_published(
    connection: duckdb.DuckDBPyConnection, published: Path, run_id: str, detected_at: str
) -> Comparison:
    """Compare the build behind ``connection`` with the published file.

    An unreadable or older published file is no reason to stop a night: it is compared as far as
    its tables go.
    """
    if not published.exists():
        return Comparison(None, [], [])
    try:
        connection.execute(f"attach '{_escaped(published)}' as before (read_only)")
    except duckdb.Error:
        # A file of a later DuckDB, or a damaged one: nothing to compare with, and it is replaced.
        return Comparison(None, [], [])
    try:
        have = {row[0] for row in connection.execute(_TABLES_BEFORE).fetchall()}
        revisions = [
            dict(zip(_KEYS, (run_id, detected_at, table, *row), strict=True))
            for table in _VALUES
            if table in have
            for row in connection.execute(_differences(table)).fetchall()
        ]
        sessions = connection.execute(_NEW_SESSIONS).fetchall() if "core.daily_vx_settlements" in have else []
        previous = connection.execute(_PREVIOUS_RUN).fetchone() if "ops.runs" in have else None
    except duckdb.Error as error:
        raise PipelineError(
            "the build cannot be compared with the published warehouse",
            where=str(published),
            found=str(error),
        ) from None
    finally:
        connection.execute("detach before")
    return Comparison(previous[0] if previous else None, [str(row[0]) for row in sessions], revisions)


_KEYS = [
    "detected_run_id",
    "detected_at_utc",
    "table_name",
    "trade_date",
    "row_key",
    "column_name",
    "old_value",
    "new_value",
]
_TABLES_BEFORE = "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'before'"
_PREVIOUS_RUN = "select max(run_id) from before.ops.runs where published_at_utc is not null"
_NEW_SESSIONS = """
select distinct trade_date from core.daily_vx_settlements
where trade_date > (select coalesce(max(trade_date), '0001-01-01'::date) from before.core.daily_vx_settlements)
order by trade_date
"""


def _differences(table: str) -> str:
    key, label, columns = _VALUES[table]
    pairs = ", ".join(
        f"{{column_name: '{name}', new_value: now_.{name}::double, old_value: before_.{name}::double}}"
        for name in columns
    )
    return f"""
    with newest as (select max(trade_date) as trade_date from before.{table}),
    pairs as (
        select
            coalesce(now_.trade_date, before_.trade_date) as trade_date,
            coalesce(now_.{label}, before_.{label})::varchar as row_key,
            unnest([{pairs}]) as pair
        from {table} as now_
        full join before.{table} as before_
            on before_.trade_date = now_.trade_date and before_.{key} = now_.{key}
    )
    select
        pairs.trade_date::varchar, pairs.row_key, pair.column_name,
        pair.old_value::varchar, pair.new_value::varchar
    from pairs cross join newest
    where pair.new_value is distinct from pair.old_value
        and (pairs.trade_date < newest.trade_date
             or (pairs.trade_date = newest.trade_date and pair.column_name = '{_FIRM[table]}'))
    order by all
    """  # noqa: S608 - built from the constants above


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
