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

REVISION_KEYS = (
    "detected_run_id",
    "detected_at_utc",
    "table_name",
    "trade_date",
    "row_key",
    "column_name",
    "old_value",
    "new_value",
)
"""Columns of ``ops.value_revisions``, in order."""


@dataclass(frozen=True)
class _Compared:
    """A table of source values. ``firm`` is the column that counts on the newest session too."""

    table: str
    day: str
    key: str
    label: str
    firm: str
    columns: tuple[str, ...]


_PRICES = ("open_pts", "high_pts", "low_pts", "close_pts")
_COMPARED = (
    _Compared(
        table="core.daily_vx_settlements",
        day="trade_date",
        key="expiry_date",
        label="contract_code",
        firm="settle_pts",
        columns=("settle_pts", *_PRICES, "volume_contracts", "open_interest_contracts"),
    ),
    _Compared(
        table="core.daily_index_levels",
        day="trade_date",
        key="index_code",
        label="index_code",
        firm="close_pts",
        columns=_PRICES,
    ),
    _Compared(
        table="core.daily_bill_rates",
        day="observation_date",
        key="observation_date",
        label="observation_date",
        firm="bill_discount_rate_frac",
        columns=("bill_discount_rate_frac",),
    ),
)


@dataclass(frozen=True)
class Comparison:
    """A build against the warehouse published before it."""

    previous_run_id: str | None
    new_sessions: list[str]
    revisions: list[dict[str, Any]]


def compare_with_published(
    connection: duckdb.DuckDBPyConnection, published: Path | None, run_id: str, detected_at: str | None
) -> Comparison:
    """Compare the build behind ``connection`` with the published file.

    An unreadable or older published file is no reason to stop a night: it is compared as far as
    its tables go. Which file is whole says `warehouse.run_log.find_whole`; None is none.
    """
    if published is None or not published.exists():
        return Comparison(None, [], [])
    try:
        connection.execute(f"attach '{_escaped(published)}' as before (read_only)")
    except duckdb.Error:
        # A file of a later DuckDB, or a damaged one: nothing to compare with, and it is replaced.
        return Comparison(None, [], [])
    try:
        have = {row[0] for row in connection.execute(_TABLES_BEFORE).fetchall()}
        revisions = [
            dict(zip(REVISION_KEYS, (run_id, detected_at, compared.table, *row), strict=True))
            for compared in _COMPARED
            if compared.table in have
            for row in connection.execute(_differences(compared)).fetchall()
        ]
        sessions = connection.execute(_NEW_SESSIONS).fetchall() if "core.daily_vx_settlements" in have else []
        previous = connection.execute(_PREVIOUS_RUN).fetchone() if "ref.run" in have else None
    except duckdb.Error as error:
        raise PipelineError(
            "the build cannot be compared with the published warehouse",
            where=str(published),
            found=str(error),
        ) from None
    finally:
        connection.execute("detach before")
    return Comparison(previous[0] if previous else None, [str(row[0]) for row in sessions], revisions)


_TABLES_BEFORE = "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'before'"
# The run that built it, not the latest by its name: names follow the clock, which may have been set back.
_PREVIOUS_RUN = "select run_id from before.ref.run"
_NEW_SESSIONS = """
select distinct trade_date from core.daily_vx_settlements
where trade_date > (select coalesce(max(trade_date), '0001-01-01'::date) from before.core.daily_vx_settlements)
order by trade_date
"""


def _differences(compared: _Compared) -> str:
    table, day, label = compared.table, compared.day, compared.label
    pairs = ", ".join(
        f"{{column_name: '{name}', new_value: now_.{name}::double, old_value: before_.{name}::double}}"
        for name in compared.columns
    )
    return f"""
    with newest as (select max({day}) as newest_date from before.{table}),
    pairs as (
        select
            coalesce(now_.{day}, before_.{day}) as value_date,
            coalesce(now_.{label}, before_.{label})::varchar as row_key,
            unnest([{pairs}]) as pair
        from {table} as now_
        full join before.{table} as before_
            on before_.{day} = now_.{day} and before_.{compared.key} = now_.{compared.key}
    )
    select
        pairs.value_date::varchar, pairs.row_key, pair.column_name,
        pair.old_value::varchar, pair.new_value::varchar
    from pairs cross join newest
    where pair.new_value is distinct from pair.old_value
        and (pairs.value_date < newest.newest_date
             or (pairs.value_date = newest.newest_date and pair.column_name = '{compared.firm}'))
    order by all
    """  # noqa: S608 - built from the constants above


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
