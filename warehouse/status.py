"""What is published, how the last runs ended, who is working: `alvh status`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb

from warehouse.home import Home
from warehouse.publish import broken_off_holder, lock_holder
from warehouse.query import has_table, open_published
from warehouse.run_log import INTERRUPTED, RUNNING, describe_break, is_open, read_record, read_records
from warehouse.version import built_by, code_sha256

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
        ``home``; ``published``: None before the first night, else session, run, size, code, curve, layers, funding,
        book, health, checks, report (None for what an earlier version did not publish); ``running``: who holds the
        home, or None; ``broken_off``: who was killed while holding it, or None; ``last_runs``, the newest last.
    """
    published = _read_published(home) if home.published.exists() else None
    before, holder, records = list(read_records(home)), lock_holder(home), list(read_records(home))
    # Begun before the lock was seen free, and not ended after it: dead. One that began or ended in between is neither.
    begun = {record["run_id"] for record in before if is_open(record)}
    dead = begun if holder is None else set()
    return {
        "home": str(home.path),
        "published": published,
        "running": holder,
        "broken_off": broken_off_holder(home),
        "last_runs": [
            _describe_run(record, is_dead=record["run_id"] in dead, published=published)
            for record in records[-_LAST_RUNS:]
        ],
    }


def _read_published(home: Home) -> dict[str, Any]:
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
        code = built_by(connection)
        size = home.published.stat().st_size
    # Only now: the record of a run that published a moment ago was written before it published.
    record = read_record(home, str(run["run_id"]))
    return {
        "session": session,
        **run,
        "size_bytes": size,
        "code": {"built_by": code.say(), "is_this": code.sha256 == code_sha256()},
        "curve": curve,
        "layers": layers,
        "funding": funding,
        "book": book,
        "data_health": _read_health(record, run["run_id"]),
        "checks": checks,
        "quarantined_lines": quarantined["lines"],
        "report": str(home.reports / "latest" / "hedge-state.html"),
    }


def _read_health(record: Mapping[str, Any] | None, run_id: str | None) -> dict[str, Any]:
    if record is None:
        return {"status": "unknown", "reasons": [f"The record of run {run_id} is not there or cannot be read."]}
    # Between the swap and the end of its record, a run's outcome is what it had planned.
    reasons = list(record.get("reasons") or (record.get("planned") or {}).get("reasons") or [])
    return {"status": "degraded" if reasons else "ok", "reasons": reasons}


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


def _describe_run(record: Mapping[str, Any], *, is_dead: bool, published: Mapping[str, Any] | None) -> dict[str, Any]:
    told = dict(record)
    if is_dead and is_open(record):
        # As the next run will close it.
        told["broken_off"] = describe_break(record)
    if is_dead and record.get("outcome") == RUNNING:
        has_published = published is not None and published["run_id"] == record["run_id"] and "planned" in record
        told |= record["planned"] if has_published else {"outcome": INTERRUPTED}
    sentences = [told.get("sentence") or next(iter(told.get("error") or []), ""), told.get("broken_off") or ""]
    return {
        "run_id": told["run_id"],
        "outcome": str(told.get("outcome")),
        "exit_code": told.get("exit_code"),
        "sentence": "; ".join(sentence for sentence in sentences if sentence),
    }
