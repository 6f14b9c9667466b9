"""Reading a warehouse for the report of a session: nothing later than the session leaves here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from transforms.errors import UsageError
from transforms.registry import parameters
from transforms.report.book import EARLIER_SESSION, NO_BOOK, NO_TABLES, explain_no_book
from transforms.report.inputs import ReportInputs
from warehouse.book_data import has_book_tables, read_book_orders
from warehouse.explain_data import read_explain_facts
from warehouse.hedge_data import has_ledger, read_statement_facts
from warehouse.models import load_columns

_HISTORY_SESSIONS = 1_260
"""Sessions of the curve that are read: five years, for the band of past curves."""

_UPCOMING = """
select session_date, is_futures_session, is_equity_session, futures_session_count
from ref.sessions
where session_date >= $as_of and session_date <= $as_of + 100
order by session_date
"""

# One row a source as a reader thinks of it: newest value at or before the session, and its age. A source that is
# a single file names it; the others are all files of their format.
_SOURCES = """
with
reference_dates as (
    select
        'vx_contract' as dataset, null as file_name, 'VX contract files' as label, 'required' as requirement,
        max(trade_date) as newest, null as longest_age_days
    from stg.vx_settlements where source_format = 'current' and trade_date <= $as_of
    union all
    select 'vx_archive', null, 'VX archive 2004-2013', 'optional', null, null
    union all
    select 'vx_contract_list', null, 'VX contract list', 'required', null, null
    union all
    select 'vx_daily_settlement', null, 'same-evening settlements', 'optional', max(trade_date), null
    from stg.vx_same_evening_rows where reject_reason is null and trade_date <= $as_of
    union all
    select 'vx_final_settlement', null, 'VX final settlements (VRO)', 'optional', max(expiry_date), null
    from stg.vx_final_settlements where reject_reason is null and expiry_date <= $as_of
    union all
    select
        'index_history', indices.index_code || '_History.csv', indices.index_code || ' history',
        any_value(indices.requirement), max(level.trade_date), null
    from ref.indices
    left join core.daily_index_levels as level
        on level.index_code = indices.index_code and level.trade_date <= $as_of
    group by indices.index_code
    union all
    select
        'fred_series', series.series_id || '.csv', series.series_id || ': ' || series.name,
        any_value(series.requirement), max(observed.observation_date),
        -- an observation stands for its whole period, and is dated with the first day of it
        any_value(series.longest_age_days + case frequency when 'monthly' then 31 when 'quarterly' then 92 else 0 end)
    from ref.macro_series as series
    left join stg.fred_observations as observed
        on observed.series_id = series.series_id and observed.reject_reason is null
        and observed.observed_value is not null and observed.observation_date <= $as_of
    group by series.series_id, series.name
    union all
    select 'vix_option_chain', null, 'VIX option chain', 'optional', max(trade_date), null
    from core.daily_vix_option_quotes where trade_date <= $as_of
    union all
    select
        'price_bars', fund.symbol || '_bars.json', fund.symbol || ' daily bars', 'optional', max(bar.trade_date), null
    from (values ('SPY'), ('RSP'), ('VNQ')) as fund (symbol)
    left join core.daily_price_bars as bar on bar.symbol = fund.symbol and bar.trade_date <= $as_of
    group by fund.symbol
    union all
    select
        'fund_nav', fund.symbol || '-historical_nav.csv', fund.symbol || ' net asset value', 'optional',
        max(fund_value.trade_date), null
    from (values ('VIXY'), ('UVXY'), ('SVXY')) as fund (symbol)
    left join core.daily_fund_values as fund_value
        on fund_value.symbol = fund.symbol and fund_value.trade_date <= $as_of
    group by fund.symbol
    union all
    select 'nyse_breadth', null, 'NYSE advances and declines (to 2020)', 'optional', max(trade_date), null
    from core.daily_breadth where trade_date <= $as_of
    union all
    select 'fomc_calendar', null, 'FOMC calendar', 'optional', null, null
    union all
    select 'shiller_monthly', null, 'S&P 500 earnings (Shiller)', 'optional', max(reference_date), null
    from core.monthly_valuations where reference_date <= $as_of
    union all
    select given.dataset, null, given.label, 'optional', null, null
    from (values
        ('shiller_workbook', 'Shiller workbook (yours)'),
        ('sector_price_cash_flow', 'sector price to cash flow (yours)'),
        ('release_dates', 'release dates (yours)'),
        ('book', 'book.toml (yours)'),
        ('fred_vintages', 'FRED vintages (your key)')
    ) as given (dataset, label)
    where given.dataset in (select dataset from ops.source_files)
)

select
    case reference.dataset
        when 'fred_series' then 'fred'
        when 'fred_vintages' then 'fred'
        when 'nyse_breadth' then 'unicorn'
        when 'fund_nav' then 'proshares'
        when 'shiller_monthly' then 'shiller'
        when 'fomc_calendar' then 'federalreserve'
        else coalesce(any_value(files.publisher), 'cboe')
    end as publisher,
    reference.dataset,
    reference.file_name,
    reference.label,
    count(distinct files.file_name) filter (files.is_current) as files,
    reference.newest as newest_reference_date,
    -- without a zone, which Python would look for among six hundred files
    timezone('UTC', max(files.fetched_at_utc) filter (files.is_current)) as fetched_at_utc,
    (
        select count(*) from ref.sessions as session
        where session.is_equity_session and session.session_date > reference.newest and session.session_date <= $as_of
    ) as age_sessions,
    coalesce($as_of - reference.newest > reference.longest_age_days, false) as is_too_old,
    reference.requirement
from reference_dates as reference
left join ops.source_files as files
    on files.dataset = reference.dataset
    and (reference.file_name is null or files.file_name = reference.file_name)
group by
    reference.dataset, reference.file_name, reference.label, reference.newest, reference.longest_age_days,
    reference.requirement
order by
    case reference.requirement when 'required' then 0 when 'expected' then 1 else 2 end,
    reference.dataset desc, reference.label
"""

_LONGEST_AGE = {"vx_final_settlement": 30}
"""Sessions a source may be behind before it is stale; 0 unless named. Final settlements come once a month
(weeklies apart). The series of FRED have days of their own: ``ref.macro_series``."""

_NEVER_STALE = frozenset({"nyse_breadth", "shiller_monthly"})
"""Sources that have ended, or that come too irregularly: what is built on them carries its own age."""

_WEIGHT = ("optional", "expected", "required")

_QUARANTINE = """
select
    dataset, reason, disposition, count(*) as rows,
    min(trade_date) as first_trade_date, max(trade_date) as last_trade_date,
    arg_max(file_name || ':' || line_no || ': ' || line_text, trade_date) as example
from ops.quarantined_rows
where trade_date is null
    or trade_date <= $as_of
    -- a line of a day that has not come is a fault of tonight's file, whatever it says
    or (starts_with(reason, 'after_') and $as_of = (select max(trade_date) from mart.daily_term_structure))
group by dataset, reason, disposition
order by disposition, dataset, reason
"""

_DIFFERENCES = """
select
    difference.trade_date, settled.contract_code, difference.contract_file_pts, difference.same_evening_pts,
    difference.same_evening_pts - difference.contract_file_pts as difference_pts
from core.settlement_differences as difference
join core.daily_vx_settlements as settled
    on settled.trade_date = difference.trade_date and settled.expiry_date = difference.expiry_date
where difference.same_evening_pts is not null
    and difference.trade_date <= $as_of and difference.trade_date > $as_of - 30
order by all
"""


def latest_session(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the newest session of the curve.

    Raises
    ------
    UsageError
        If the warehouse has no session at all.
    """
    row = connection.execute("select max(trade_date) from mart.daily_term_structure").fetchone()
    if row is None or row[0] is None:
        raise UsageError("the warehouse has no session", next_step="run `alvh nightly`")
    newest: date = row[0]
    return newest


def read_sessions(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> list[date]:
    """Return the published sessions from ``first`` to ``last``, both included."""
    query = "select trade_date from mart.daily_term_structure where trade_date between ? and ? order by 1"
    return [row[0] for row in connection.execute(query, [first, last]).fetchall()]


def require_session(connection: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Check that a session can be reported.

    Raises
    ------
    UsageError
        If the warehouse has no row for it, naming the nearest sessions before and after.
    """
    query = (
        "select max(trade_date) filter (trade_date < $1), min(trade_date) filter (trade_date > $1), "
        "count(*) filter (trade_date = $1) from mart.daily_term_structure"
    )
    row = connection.execute(query, [as_of]).fetchone()
    if row is None or row[2]:
        return
    near = " and ".join(str(day) for day in row[:2] if day is not None)
    raise UsageError(
        "no settlement of that session is published",
        found=str(as_of),
        expected=f"a session with data; the nearest: {near or 'none'}",
        next_step="choose another --as-of, or run `alvh nightly` to fetch newer sessions",
    )


def read_report_inputs(
    connection: duckdb.DuckDBPyConnection,
    as_of: date,
    run: Mapping[str, Any],
    failures: Sequence[Mapping[str, Any]],
    *,
    with_statement: bool = True,
) -> ReportInputs:
    """Read everything the report of a session shows.

    Parameters
    ----------
    run
        The run record of the run that built the warehouse.
    failures
        What that run could not fetch: ``dataset``, ``name``, ``reason``, ``is_refused``.
    with_statement
        Read positions, ledger, the user's book and the past states as well; whoever asks for the health of the data
        alone needs none.
    """
    bounds = {"as_of": as_of}
    is_newest = as_of == latest_session(connection)
    book, book_note = _read_book(connection, is_newest=is_newest) if with_statement else (None, NO_BOOK)
    return ReportInputs(
        as_of=as_of,
        run={**run, "parameters": {entry.parameter: entry.value for entry in parameters().values()}},
        term_structure=connection.execute(
            "from (from mart.daily_term_structure where trade_date <= $as_of order by trade_date desc "
            f"limit {_HISTORY_SESSIONS}) order by trade_date",
            bounds,
        ).df(),
        index_levels=connection.execute(
            "select trade_date, index_code, close_pts from core.daily_index_levels where trade_date <= $as_of "
            "and trade_date >= (select max(trade_date) from mart.daily_term_structure where trade_date < $as_of) "
            "order by all",
            bounds,
        ).df(),
        volatility_indices=connection.execute(
            "select trade_date, short_term_tr, mid_term_tr, short_term_er from mart.daily_volatility_indices "
            "where trade_date <= $as_of and trade_date > $as_of - interval 2 year order by trade_date",
            bounds,
        ).df(),
        sources=[_judged(source, failures if is_newest else []) for source in _dicts(connection, _SOURCES, bounds)],
        checks=_read_checks(connection),
        quarantine=_dicts(connection, _QUARANTINE, bounds),
        revisions=_read_revisions(connection, run.get("run_id")),
        settlement_differences=_dicts(connection, _DIFFERENCES, bounds),
        columns={name: dict(vars(info)) for name, info in load_columns().items()},
        expected_session=_due_session(connection) if is_newest else None,
        hedge=read_explain_facts(connection, as_of, with_timeline=with_statement),
        statement=read_statement_facts(connection, as_of) if with_statement and has_ledger(connection) else None,
        book=book,
        book_note=book_note,
        upcoming=tuple(_dicts(connection, _UPCOMING, bounds)),
        minutes_basis=_read_minutes_basis(connection, as_of),
    )


def _read_book(connection: duckdb.DuckDBPyConnection, *, is_newest: bool) -> tuple[dict[str, Any] | None, str]:
    """Return what is said of the book, or None and why; its tables know the newest session alone."""
    if not has_book_tables(connection):
        return None, NO_TABLES
    found = read_book_orders(connection)
    if is_newest:
        return (found, "") if found["account"] else (None, explain_no_book(found["warnings"]))
    # whether there is a book now is no fact of that session, but that it would not be shown is worth a line
    return None, EARLIER_SESSION if found["account"] else NO_BOOK


def _read_minutes_basis(connection: duckdb.DuckDBPyConnection, as_of: date) -> str | None:
    query = "select next_fomc_minutes_basis from mart.daily_macro_events where trade_date = ?"
    row = connection.execute(query, [as_of]).fetchone()
    basis: str | None = row[0] if row else None
    return basis


def _due_session(connection: duckdb.DuckDBPyConnection) -> date | None:
    # Kept in the warehouse, so that a report written again later says the same of that night.
    row = connection.execute("select due_session from ref.run").fetchone()
    due: date | None = row[0] if row else None
    return due


def _read_checks(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _dicts(connection, "select * exclude (run_id) from ops.check_results order by all", {})
    return [{**row, "sample": json.loads(row["sample"])} for row in rows]


def _read_revisions(connection: duckdb.DuckDBPyConnection, run_id: str | None) -> list[dict[str, Any]]:
    return _dicts(
        connection,
        "select detected_run_id, detected_at_utc, table_name, trade_date, row_key as key, column_name, old_value, "
        "new_value from ops.value_revisions where detected_run_id = $run_id order by all",
        {"run_id": run_id},
    )


def _judged(source: dict[str, Any], failures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    file_name, is_too_old = source.pop("file_name"), source.pop("is_too_old")
    mine = [
        failure
        for failure in failures
        if failure["dataset"] == source["dataset"] and file_name in (None, failure["name"])
    ]
    # An archive that somebody does not have is no fault of tonight; one that fails is.
    requirement = max((failure["requirement"] for failure in mine), key=_WEIGHT.index, default=source["requirement"])
    if source["newest_reference_date"] is None or source["dataset"] in _NEVER_STALE:
        is_stale = False
    elif source["dataset"] == "fred_series":
        is_stale = is_too_old
    else:
        is_stale = source["age_sessions"] > _LONGEST_AGE.get(source["dataset"], 0)
    if mine:
        status = "refused" if mine[0]["is_refused"] else "failed"
        note = "; ".join(f"{failure['name']}: {failure['reason']}" for failure in mine[:3])
    elif not source["files"]:
        status, note = "absent", "no file stored"
    else:
        status, note = ("stale" if is_stale else "ok"), ""
    return {**source, "requirement": requirement, "status": status, "note": note}


def _dicts(connection: duckdb.DuckDBPyConnection, sql: str, bounds: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, dict(bounds)) if bounds else connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
