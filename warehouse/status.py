"""What is published, how the last runs ended, who is working: `alvh status`."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from transforms.policy.model import LAYERS
from warehouse.home import Home
from warehouse.publish import lock_holder
from warehouse.query import has_table, open_published
from warehouse.run_log import read_records

_LAST_RUNS = 5

_PUBLISHED = """
select
    max(curve.trade_date) as newest_session,
    arg_max(curve.vix_close_pts, curve.trade_date) as vix_close_pts,
    arg_max(curve.vx1_settle_pts, curve.trade_date) as vx1_settle_pts,
    arg_max(curve.contango_frac, curve.trade_date) as contango_frac,
    arg_max(curve.curve_regime, curve.trade_date) as curve_regime,
    arg_max(curve.days_in_regime, curve.trade_date) as days_in_regime
from mart.daily_term_structure as curve
"""

_LAYERS = """
select
    string_agg(state.layer || ' ' || state.state, ', ' order by list_position($layers, state.layer)) as states,
    any_value(state.governor_mode) as governor_mode,
    any_value(policy.policy_name || ' ' || left(policy.policy_hash, 12)) as policy
from mart.daily_hedge_state as state
join ref.policies as policy on policy.policy_hash = state.policy_hash
where state.trade_date = $session
"""


def describe_status(home: Home) -> str:
    """Return the state of a home folder as text."""
    lines = [f"home         {home.path}"]
    records = list(read_records(home))
    lines += _published_lines(home, records) if home.published.exists() else ["published    nothing yet"]
    holder = lock_holder(home)
    if holder is not None:
        lines.append(
            f"running      {holder.get('command', 'a run')}, process {holder.get('pid')}, "
            f"since {holder.get('started_at_utc')}"
        )
    lines += ["", "last runs"] if records else []
    lines += [_run_line(record, is_running=holder is not None) for record in records[-_LAST_RUNS:]]
    return "\n".join(lines)


def _published_lines(home: Home, records: list[dict[str, Any]]) -> list[str]:
    with open_published(home) as connection:
        row = connection.execute(_PUBLISHED).fetchone() or (None,) * 6
        run = connection.execute("select run_id, is_simulated from ref.run").fetchone() or (None, False)
        failed = connection.execute("select count(*), count_if(not is_passed) from ops.check_results").fetchone() or (
            0,
            0,
        )
        layers = [*_layers_lines(connection, row[0]), *_funding_lines(connection, row[0]), *_book_lines(connection)]
        quarantined = connection.execute("select count(*) from ops.quarantined_rows").fetchone() or (0,)
    session, vix, front, contango, regime, days = row
    record = next((entry for entry in records if entry["run_id"] == run[0]), {})
    health = "degraded: " + " ".join(record["reasons"]) if record.get("reasons") else "ok"
    size = home.published.stat().st_size / 1e6
    shape = f"contango {_text(contango, '+.1%')}, {regime or 'no regime'}, session {days or 0} of it"
    return [
        f"published    {session} by run {run[0]}{', SIMULATED' if run[1] else ''} ({size:.1f} MB)",
        f"curve        VIX {_text(vix, '.2f')}, VX1 {_text(front, '.2f')}, {shape}",
        *layers,
        f"data health  {health}",
        f"checks       {failed[0]} run, {failed[1]} warnings; {quarantined[0]} source lines in quarantine or flagged",
        f"report       {home.reports / 'latest' / 'hedge-state.html'}",
    ]


def _layers_lines(connection: duckdb.DuckDBPyConnection, session: date | None) -> list[str]:
    if not has_table(connection, "mart.daily_hedge_state"):
        return []  # published by a version that had no layers
    row = connection.execute(_LAYERS, {"session": session, "layers": list(LAYERS)}).fetchone()
    if row is None or row[0] is None:
        return ["layers       none decided"]
    return [f"layers       {row[0]}; governor {row[1]}; policy {row[2]}"]


def _funding_lines(connection: duckdb.DuckDBPyConnection, session: date | None) -> list[str]:
    # here, because the ledger is read as frames, and nothing else of the status is
    from transforms.statement.ledger import build_ledger_statement
    from transforms.statement.words import say_funding
    from warehouse.hedge_data import has_ledger, read_statement_facts

    if session is None or not has_ledger(connection):
        return []  # published by a version that had no ledger
    sentence = say_funding(build_ledger_statement(read_statement_facts(connection, session)))
    return [f"funding      {sentence.removeprefix('Funding, ').removesuffix('.')}"]


def _book_lines(connection: duckdb.DuckDBPyConnection) -> list[str]:
    # here, because its words are those of the report, and nothing else of the status is
    from transforms.page.text import say_count
    from transforms.report.book import build_book_state
    from transforms.statement.words import say_usd
    from warehouse.book_data import has_book_tables, read_book_orders

    if not has_book_tables(connection):
        return []  # published by a version that read no book
    found = read_book_orders(connection)
    warnings = found["warnings"]
    if found["account"] is None:
        return [f"book         none in use: {'; '.join(warnings)}"] if warnings else []
    book = build_book_state(found)
    count = book["order_count"]
    orders = "orders not known yet" if count is None else say_count(count, "order") if count else "no order"
    warned = f"{say_count(len(warnings), 'warning')}, see `alvh book show`" if warnings else "no warnings"
    return [f"book         your account of {say_usd(book['nav_usd'])} as of {book['as_of_date']}; {orders}; {warned}"]


def _run_line(record: dict[str, Any], *, is_running: bool) -> str:
    outcome = str(record.get("outcome"))
    if outcome == "running" and not is_running:
        outcome = "interrupted"
    words = record.get("sentence") or next(iter(record.get("error") or []), "")
    code = "-" if record.get("exit_code") is None else record["exit_code"]
    return f"  {record['run_id']}  {outcome:<18} {code}  {words}"


def _text(value: float | None, style: str) -> str:
    return "not published" if value is None else format(value, style)
