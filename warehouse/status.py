"""What is published, how the last runs ended, who is working: `alvh status`."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import duckdb

from warehouse.home import Home
from warehouse.publish import lock_holder
from warehouse.query import has_table, open_published
from warehouse.run_log import read_records

_LAST_RUNS = 5

_CURVE = """
select
    max(curve.trade_date) as session,
    arg_max(curve.vix_close_pts, curve.trade_date) as vix_close_pts,
    arg_max(curve.vx1_settle_pts, curve.trade_date) as vx1_settle_pts,
    arg_max(curve.contango_frac, curve.trade_date) as contango_frac,
    arg_max(curve.curve_regime, curve.trade_date) as curve_regime,
    arg_max(curve.days_in_regime, curve.trade_date) as days_in_regime
from mart.daily_term_structure as curve
"""

_LAYERS = """
select state.layer, state.state, state.governor_mode, policy.policy_name, policy.policy_hash
from mart.daily_hedge_state as state
join ref.policies as policy on policy.policy_hash = state.policy_hash
where state.trade_date = $session
order by list_position(['base', 'temporal_vega', 'second_engine'], state.layer)
"""


def read_status(home: Home) -> dict[str, Any]:
    """Return the state of a home folder as plain values.

    Returns
    -------
    dict
        ``home``; ``published``: None before the first night, else session, run, size, curve, layers, funding, book,
        health, checks, report (None for what an earlier version did not publish); ``running``: who holds the home, or
        None; ``last_runs``, the newest last.
    """
    records = list(read_records(home))
    holder = lock_holder(home)
    return {
        "home": str(home.path),
        "published": _read_published(home, records) if home.published.exists() else None,
        "running": holder,
        "last_runs": [_describe_run(record, is_running=holder is not None) for record in records[-_LAST_RUNS:]],
    }


def _read_published(home: Home, records: list[dict[str, Any]]) -> dict[str, Any]:
    with open_published(home) as connection:
        curve = _row(connection, _CURVE)
        session = curve.pop("session")
        run = _row(connection, "select run_id, is_simulated from ref.run")
        checks = _row(
            connection, 'select count(*) as run, count_if(not is_passed) as "warnings" from ops.check_results'
        )
        quarantined = _row(connection, "select count(*) as lines from ops.quarantined_rows")
        layers = _read_layers(connection, session)
        funding = _read_funding(connection, home, session, run["run_id"])
        book = _read_book(connection)
    record = next((entry for entry in records if entry["run_id"] == run["run_id"]), {})
    reasons = list(record.get("reasons") or [])
    return {
        "session": session,
        **run,
        "size_bytes": home.published.stat().st_size,
        "curve": curve,
        "layers": layers,
        "funding": funding,
        "book": book,
        "data_health": {"status": "degraded" if reasons else "ok", "reasons": reasons},
        "checks": checks,
        "quarantined_lines": quarantined["lines"],
        "report": str(home.reports / "latest" / "hedge-state.html"),
    }


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    row = cursor.fetchone() or (None,) * len(names)
    return dict(zip(names, row, strict=True))


def _read_layers(connection: duckdb.DuckDBPyConnection, session: date | None) -> dict[str, Any] | None:
    if not has_table(connection, "mart.daily_hedge_state"):
        return None  # published by a version that had no layers
    rows = connection.execute(_LAYERS, {"session": session}).fetchall()
    if not rows:
        return {"states": {}, "governor_mode": None, "policy_name": None, "policy_hash": None}
    return {
        "states": {row[0]: row[1] for row in rows},
        "governor_mode": rows[0][2],
        "policy_name": rows[0][3],
        "policy_hash": rows[0][4],
    }


def _read_funding(
    connection: duckdb.DuckDBPyConnection, home: Home, session: date | None, run_id: str | None
) -> str | None:
    """Return the sentence on the funding: from the report of this very warehouse, else from its ledger.

    Reading the ledger takes seconds, and the report of the same run says the same sentence.
    """
    if session is None:
        return None
    try:
        state = json.loads((home.reports / session.isoformat() / "hedge-state.json").read_text(encoding="utf-8"))
        if (state["run_id"], state["as_of"]) == (run_id, session.isoformat()) and state["funding"]:
            return str(state["funding"]["sentence"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no report, or one of another version
    # here, because the ledger is read as frames, and nothing else of the status is
    from warehouse.hedge_data import has_ledger, read_statement_facts

    if not has_ledger(connection):
        return None  # published by a version that had no ledger
    from transforms.statement.ledger import build_ledger_statement
    from transforms.statement.words import say_funding

    return say_funding(build_ledger_statement(read_statement_facts(connection, session)))


def _read_book(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    from warehouse.book_data import has_book_tables, read_book_orders

    if not has_book_tables(connection):
        return None  # published by a version that read no book
    found = read_book_orders(connection)
    account = found["account"]
    if account is None:
        return {"account_nav_usd": None, "as_of_date": None, "order_count": None, "warnings": found["warnings"]}
    is_entered = account["entered_date"] is not None
    return {
        "account_nav_usd": account["account_nav_usd"],
        "as_of_date": account["as_of_date"],
        "order_count": sum(1 for one in found["orders"] if one["order_contracts"]) if is_entered else None,
        "warnings": found["warnings"],
    }


def _describe_run(record: dict[str, Any], *, is_running: bool) -> dict[str, Any]:
    outcome = str(record.get("outcome"))
    return {
        "run_id": record["run_id"],
        "outcome": "interrupted" if outcome == "running" and not is_running else outcome,
        "exit_code": record.get("exit_code"),
        "sentence": record.get("sentence") or next(iter(record.get("error") or []), ""),
    }
