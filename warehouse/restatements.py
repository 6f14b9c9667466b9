"""Every past value that a source restated: both values, the size of the change, the file, the reports with the old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from warehouse.home import Home
from warehouse.query import open_published

TICK_PTS = 0.05
"""Smallest move of a VX contract, in points (contract specification); settlements are finer, so ticks are not whole."""

_SETTLEMENTS, _LEVELS, _BILLS = "core.daily_vx_settlements", "core.daily_index_levels", "core.daily_bill_rates"

_RESTATED = """
select
    revision.detected_at_utc, revision.detected_run_id, revision.table_name, revision.trade_date, revision.row_key,
    revision.column_name, try_cast(revision.old_value as double) as old_value,
    try_cast(revision.new_value as double) as new_value, settled.expiry_date, settled.settle_source
from ops.value_revisions as revision
left join core.daily_vx_settlements as settled
    on revision.table_name = 'core.daily_vx_settlements' and settled.trade_date = revision.trade_date
    and settled.contract_code = revision.row_key
order by revision.detected_run_id, revision.table_name, revision.trade_date, revision.row_key, revision.column_name
"""
_PUBLISHED = """
select run_id, as_of from ops.runs where published_at_utc is not null and as_of is not null order by run_id
"""
_FILES = """
select file_name, dataset, fetched_at_utc, stored_as from ops.source_files
where stored_as is not null order by file_name, fetched_at_utc
"""


@dataclass(frozen=True)
class Restatement:
    """A past value that a source restated.

    Attributes
    ----------
    detected_at_utc, detected_run_id
        When it was found, and by which run.
    table_name, trade_date, series, column_name
        Which value: contract, index code, or the rate.
    old_value, new_value
        NULL where the value was not there, or is there no more.
    change_ticks
        Change of a VX price in ticks of 0.05 points; None for other values.
    change_frac
        Change relative to the old value; None where there is none or it is 0.
    file_name, stored_as
        File that states it, and the version that was the newest when it was found; None where it cannot be told.
    reported_days
        Sessions of the reports that were published while the old value was, oldest first.
    """

    detected_at_utc: datetime
    detected_run_id: str
    table_name: str
    trade_date: date
    series: str
    column_name: str
    old_value: float | None
    new_value: float | None
    change_ticks: float | None
    change_frac: float | None
    file_name: str | None
    stored_as: str | None
    reported_days: tuple[date, ...]


def list_restatements(home: Home, since: date | None = None, series: str | None = None) -> list[Restatement]:
    """List what was restated, as the published warehouse has it, newest first.

    Parameters
    ----------
    since
        Only what was found on this day (UTC) or later.
    series
        Only this contract, index, table or column, in any case of letters.
    """
    with open_published(home) as connection:
        rows = _dicts(connection, _RESTATED)
        runs = connection.execute(_PUBLISHED).fetchall()
        files = _dicts(connection, _FILES)
    before: dict[tuple[object, ...], str] = {}
    found = []
    for row in rows:
        value = (row["table_name"], row["trade_date"], row["row_key"], row["column_name"])
        # Reports since the value was restated before, or since there was one.
        first = before.get(value, "")
        days = sorted({day for run_id, day in runs if first <= run_id < row["detected_run_id"] and day >= value[1]})
        before[value] = row["detected_run_id"]
        found.append(_describe(row, files, tuple(days)))
    wanted = series.lower() if series else None
    return [
        one
        for one in reversed(found)
        if (since is None or one.detected_at_utc.date() >= since) and (wanted is None or wanted in _names(one))
    ]


def _describe(row: Mapping[str, Any], files: list[dict[str, Any]], days: tuple[date, ...]) -> Restatement:
    old, new = row["old_value"], row["new_value"]
    is_both = old is not None and new is not None
    is_price = row["table_name"] == _SETTLEMENTS and str(row["column_name"]).endswith("_pts")
    file_name = _file_of(row)
    version = next(
        (
            file["stored_as"]
            for file in reversed(files)
            if file["file_name"] == file_name and file["fetched_at_utc"] <= row["detected_at_utc"]
        ),
        None,
    )
    return Restatement(
        row["detected_at_utc"].astimezone(UTC),
        row["detected_run_id"],
        row["table_name"],
        row["trade_date"],
        row["row_key"] if row["table_name"] != _BILLS else "bill_rate",
        row["column_name"],
        old,
        new,
        (new - old) / TICK_PTS if is_both and is_price else None,
        new / old - 1 if is_both and old else None,
        file_name,
        version,
        days,
    )


def _file_of(row: Mapping[str, Any]) -> str | None:
    """Return the file that states a value; None where it is not one file for the whole of a contract."""
    if row["table_name"] == _LEVELS:
        return f"{row['row_key']}_History.csv"
    if row["table_name"] == _BILLS:
        return "DTB3.csv"
    if row["settle_source"] == "contract_file" and row["expiry_date"] is not None:
        return f"VX_{row['expiry_date']}.csv"
    return None


def _names(one: Restatement) -> set[str]:
    schema_less = one.table_name.partition(".")[2]
    return {name.lower() for name in (one.series, one.table_name, schema_less, one.column_name)}


def _dicts(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
