"""Reading a published warehouse and its home for the pages around the reports."""

from __future__ import annotations

import html
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from transforms.site.inputs import (
    LAYERS,
    MONTHS,
    AuditLink,
    CheckedRun,
    CheckRow,
    Holding,
    ReportLink,
    SiteHistory,
    SweepLink,
)
from warehouse.home import Home
from warehouse.models import SCHEMAS, SQL_FOLDER

REPORT_FILE = "hedge-state.html"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HEADLINE = re.compile(r'<p class="headline">(.*?)</p>', re.DOTALL)

_CURVE = """
select
    trade_date,
    round(vix_close_pts, 4) as vix_close_pts,
    {settlements},
    round(contango_frac, 6) as contango_frac,
    curve_regime,
    days_in_regime
from mart.daily_term_structure
order by trade_date
"""
_STATES = """
select trade_date, layer, state, step_count, round(target_vega_usd, 2) as target_vega_usd from mart.daily_hedge_state
"""
_GOVERNOR = "select trade_date, governor_mode from mart.daily_governor"
# A window of twelve months begins after the same day a year before, as in the ledger; where the history does not
# reach back that far there is none.
_LEDGER = """
with portfolio as (
    select trade_date, pnl_cum_usd, self_funding_ratio_12m from mart.daily_hedge_ledger where layer = 'portfolio'
)
select
    now.trade_date,
    round(now.self_funding_ratio_12m, 4) as self_funding_ratio_12m,
    round(now.pnl_cum_usd) as pnl_cum_usd,
    round(now.pnl_cum_usd - before.pnl_cum_usd) as pnl_12m_usd
from portfolio as now
asof left join portfolio as before on (now.trade_date - interval 12 month)::date >= before.trade_date
"""
_HOLDINGS = """
select trade_date, layer, instrument, held_contracts::bigint, coalesce(order_contracts, 0)::bigint
from mart.daily_positions
where held_contracts <> 0 or order_contracts <> 0
order by trade_date, layer, instrument
"""


def read_history(connection: duckdb.DuckDBPyConnection) -> SiteHistory:
    """Read the key columns of every published session.

    A warehouse of a version without the hedge's tables has None in their columns.
    """
    settlements = [f"vx{month}_settle_pts" for month in MONTHS]
    rows = connection.execute(
        _CURVE.format(settlements=", ".join(f"round({name}, 4) as {name}" for name in settlements))
    ).fetchall()
    names = ["vix_close_pts", *settlements, "contango_frac", "curve_regime", "days_in_regime"]
    days: list[date] = [row[0] for row in rows]
    places = {day: place for place, day in enumerate(days)}
    columns: dict[str, list[Any]] = {name: [row[at] for row in rows] for at, name in enumerate(names, start=1)}
    layered = [f"{layer}.{name}" for layer in LAYERS for name in ("state", "step_count", "target_vega_usd")]
    money = ["self_funding_ratio_12m", "pnl_cum_usd", "pnl_12m_usd"]
    columns |= {name: [None] * len(days) for name in (*layered, "governor_mode", *money)}
    tables = read_tables(connection)
    if "mart.daily_hedge_state" in tables:
        for day, layer, *values in connection.execute(_STATES).fetchall():
            for name, value in zip(("state", "step_count", "target_vega_usd"), values, strict=True):
                columns[f"{layer}.{name}"][places[day]] = value
    if "mart.daily_governor" in tables:
        for day, mode in connection.execute(_GOVERNOR).fetchall():
            columns["governor_mode"][places[day]] = mode
    if "mart.daily_hedge_ledger" in tables:
        for day, ratio, *dollars in connection.execute(_LEDGER).fetchall():
            whole = [None if value is None else int(value) for value in dollars]
            for name, value in zip(money, (ratio, *whole), strict=True):
                columns[name][places[day]] = value
    holdings = []
    if "mart.daily_positions" in tables:
        holdings = [Holding(*row) for row in connection.execute(_HOLDINGS).fetchall()]
    (is_simulated,) = connection.execute("select is_simulated from ref.run").fetchall()[0]
    return SiteHistory(days, columns, holdings, bool(is_simulated))


def read_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """Return (column, type) of every published table, in the tables' own order."""
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where not internal and schema_name in ? order by schema_name, table_name, column_index",
        [list(SCHEMAS)],
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, []).append((column, kind))
    return tables


def read_checked_run(connection: duckdb.DuckDBPyConnection, newest: date | None) -> CheckedRun:
    """Read the checks of a warehouse, with the queries of those that are SQL."""
    ((run_id,),) = connection.execute("select run_id from ref.run").fetchall()
    rows = connection.execute(
        "select check_name, kind, severity, is_passed, offending_rows, what, sample from ops.check_results "
        "order by kind desc, check_name"
    ).fetchall()
    checks = [
        CheckRow(name, kind, severity, is_passed, found, what, _read_sample(sample))
        for name, kind, severity, is_passed, found, what, sample in rows
    ]
    files = {path.stem: path for path in (SQL_FOLDER / "checks").glob("*.sql")}
    # A check may have been renamed since: its result stands, its query is not there.
    queries = {
        check.name: files[check.name].read_text(encoding="utf-8")
        for check in checks
        if check.kind == "sql" and check.name in files
    }
    return CheckedRun(str(run_id), newest, checks, queries)


def list_reports(home: Home, sentences: int) -> list[ReportLink]:
    """Return every session report of a home, newest first; the first ``sentences`` of them with their headline."""
    days = sorted(
        (
            day
            for path in home.reports.glob(f"*/{REPORT_FILE}")
            if _DAY.fullmatch(path.parent.name) and (day := _read_day(path.parent.name)) is not None
        ),
        reverse=True,
    )
    return [
        ReportLink(day, _read_headline(home.reports / day.isoformat() / REPORT_FILE) if place < sentences else "")
        for place, day in enumerate(days)
    ]


def list_audits(home: Home) -> list[AuditLink]:
    """Return every claim audit of a home, newest first. One whose record cannot be read says so."""
    found = []
    for page in sorted(home.path.glob("audit/*/audit.html"), reverse=True):
        record = _read_record(page.with_name("audit.json"))
        try:
            claims = [(str(one["id"]), str(one["claim"]), str(one["verdict"])) for one in record["hypotheses"]]
            found.append(AuditLink(page.parent.name, claims, bool(record["is_simulated"])))
        except (KeyError, TypeError):
            found.append(AuditLink(page.parent.name, (), is_simulated=False, note="its record cannot be read"))
    return found


def list_sweeps(home: Home) -> list[SweepLink]:
    """Return every finished sweep of a home, newest first. One whose record cannot be read says so."""
    found = []
    for page in sorted(home.path.glob("sweeps/*/sweep.html"), reverse=True):
        folder, record = page.parent.name, _read_record(page.with_name("sweep.json"))
        try:
            name, as_of, count = str(record["grid"]["name"]), str(record["as_of"]), int(record["policies"])
            found.append(SweepLink(folder, name, as_of, count, bool(record["is_simulated"])))
        except (KeyError, TypeError, ValueError):
            found.append(SweepLink(folder, folder, folder[:10], None, is_simulated=False, note="no readable record"))
    return found


def _read_sample(text: str | None) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text or "[]")
    except ValueError:
        return []
    return [row if isinstance(row, dict) else {"value": row} for row in rows] if isinstance(rows, list) else []


def _read_day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _read_headline(path: Path) -> str:
    try:
        found = _HEADLINE.search(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return html.unescape(re.sub(r"<[^>]*>", "", found[1])).strip() if found else ""


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
