"""Reading a warehouse for the statement of positions and ledger: nothing later than the session leaves here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb

from transforms.errors import UsageError
from transforms.statement.facts import StatementFacts
from warehouse.query import has_table

_NEEDED = (
    "mart.daily_positions",
    "mart.hedge_trades",
    "mart.daily_hedge_ledger",
    "mart.time_shifts",
    "mart.daily_reading_ledger",
)
_VALUATION = "mart.daily_layer_valuation"

_POSITIONS = """
select position.*, settled.settle_pts as future_pts, market.bill_discount_rate_frac
from mart.daily_positions as position
left join core.daily_vx_settlements as settled
    on settled.trade_date = position.trade_date
    and settled.expiry_date = try_cast(split_part(position.instrument, ' ', 2) as date)
    and settled.is_monthly
left join core.daily_hedge_inputs as market on market.trade_date = position.trade_date
where position.trade_date = $as_of
order by position.layer, position.instrument
"""

# What options made, session by session, from their marks: it is the ledger's theta and option move. The same sum over
# the ends of the marks' bands is the P&L of the same positions at lower and higher volatilities throughout. A mark that
# is missing is booked with the next one; at settlement there is no band left. Added in one order, so that two readers
# of one warehouse find the same last digit.
_OPTIONS = """
with
marked as (
    select
        trade_date, layer, instrument, held_contracts, mark_pts,
        if(starts_with(reason, 'settled'), mark_pts, mark_low_pts) as low_pts,
        if(starts_with(reason, 'settled'), mark_pts, mark_high_pts) as high_pts
    from mart.daily_positions
    where starts_with(instrument, 'VIX ') and trade_date <= $as_of
),
carried as (
    select
        *,
        lag(held_contracts, 1, 0) over (partition by layer, instrument order by trade_date) as held_before,
        last_value(mark_pts ignore nulls) over before as mark_before_pts,
        last_value(if(mark_pts is null, null, low_pts) ignore nulls) over before as low_before_pts,
        last_value(if(mark_pts is null, null, high_pts) ignore nulls) over before as high_before_pts
    from marked
    window before as (
        partition by layer, instrument order by trade_date rows between unbounded preceding and 1 preceding
    )
)
select
    trade_date, layer,
    sum(100 * held_before * (mark_pts - mark_before_pts) order by instrument) as option_pnl_usd,
    if(
        count(*) = count(low_pts - low_before_pts),
        sum(100 * held_before * (low_pts - low_before_pts) order by instrument), null
    ) as at_low_vol_usd,
    if(
        count(*) = count(high_pts - high_before_pts),
        sum(100 * held_before * (high_pts - high_before_pts) order by instrument), null
    ) as at_high_vol_usd
from carried
where held_before <> 0 and mark_pts is not null
group by trade_date, layer
order by trade_date, layer
"""

_NOTIONALS = """
select
    trade_date, layer, if(count(*) = count(delta_usd), sum(abs(delta_usd) order by instrument), null)
    as notional_usd
from mart.daily_positions
where held_contracts <> 0 and trade_date <= $as_of
group by trade_date, layer
order by trade_date, layer
"""

_SESSIONS = """
select ledger.trade_date, curve.vix_close_pts
from mart.daily_hedge_ledger as ledger
left join mart.daily_term_structure as curve on curve.trade_date = ledger.trade_date
where ledger.layer = 'portfolio' and ledger.trade_date <= $as_of
order by ledger.trade_date
"""

_NEXT_SESSION = "select min(session_date) from ref.sessions where is_futures_session and session_date > $as_of"


def has_ledger(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether a warehouse has positions and a ledger; one of an earlier version has not."""
    return all(has_table(connection, name) for name in _NEEDED)


def read_statement_facts(connection: duckdb.DuckDBPyConnection, as_of: date) -> StatementFacts:
    """Read positions and ledger up to a session.

    Raises
    ------
    UsageError
        If the warehouse was built before there were any, or has none for the session.
    """
    if not has_ledger(connection):
        raise UsageError(
            "the published warehouse has no positions and no ledger",
            found="a warehouse of an earlier version",
            next_step="run `alvh nightly`",
        )
    bounds = {"as_of": as_of}
    sessions = connection.execute(_SESSIONS, bounds).df()
    if sessions.empty or sessions["trade_date"].iloc[-1].date() != as_of:
        raise UsageError("the ledger has no row for that session", where="mart.daily_hedge_ledger", found=str(as_of))
    parameters = dict(connection.execute("select parameter, value from ref.parameters").fetchall())
    simulated = connection.execute("select is_simulated from ref.run").fetchone()
    following = connection.execute(_NEXT_SESSION, bounds).fetchone()
    condors = _dicts(connection, "from mart.daily_condor where trade_date = $as_of", bounds)
    valuation = (
        tuple(_dicts(connection, f"from {_VALUATION} where trade_date = $as_of", bounds))
        if has_table(connection, _VALUATION)
        else None
    )
    return StatementFacts(
        as_of=as_of,
        is_simulated=bool(simulated and simulated[0]),
        nav_usd=float(parameters["model_nav_usd"]),
        next_session=following[0] if following else None,
        parameters={name: float(value) for name, value in parameters.items()},
        states={
            row["layer"]: row
            for row in _dicts(connection, "from mart.daily_hedge_state where trade_date = $as_of", bounds)
        },
        condor=condors[0] if condors else None,
        positions=tuple(_dicts(connection, _POSITIONS, bounds)),
        trades=tuple(_dicts(connection, "from mart.hedge_trades where trade_date = $as_of order by all", bounds)),
        time_shifts=tuple(
            _dicts(connection, "from mart.time_shifts where trade_date <= $as_of order by trade_date", bounds)
        ),
        sessions=sessions,
        ledger=connection.execute("from mart.daily_hedge_ledger where trade_date <= $as_of", bounds).df(),
        options=connection.execute(_OPTIONS, bounds).df(),
        notionals=connection.execute(_NOTIONALS, bounds).df(),
        readings=connection.execute("from mart.daily_reading_ledger where trade_date <= $as_of", bounds).df(),
        valuation=valuation,
    )


def _dicts(connection: duckdb.DuckDBPyConnection, sql: str, bounds: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, dict(bounds))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
