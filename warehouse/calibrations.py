"""Weekly calibrations in the warehouse: the daily values they are made of, the stored ones, and the table of both.

A week that was re-calibrated when it ended has its stored row (``is_stored``): the parameters as they were known
then. A week that was not has the row that the present data give, computed from data up to its last session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

import duckdb
import pandas as pd

from transforms.calibration import (
    CALIBRATION_DTYPES,
    VALUE_COLUMNS,
    CalibrationFrames,
    build_calibration_rules,
    compute_weekly_calibrations,
)
from transforms.errors import PipelineError
from warehouse.home import Home
from warehouse.stored_calibrations import (
    StoredCalibration,
    Value,
    folder_of,
    read_stored_calibrations,
    refuse_calibration,
)
from warehouse.stored_tables import create_from_frame

_TYPES = {"datetime64[us]": "date", "float64": "double", "int64": "bigint", "str": "varchar"}
_KEPT = {
    "is_simulated": "boolean",
    "stored_at_utc": "timestamptz",
    "run_id": "varchar",
    "warehouse_run_id": "varchar",
    "code_version": "varchar",
    "content_sha256": "varchar",
}

_PLAIN: Mapping[str, Callable[[Any], Value]] = {"float64": float, "int64": int, "str": str}

_SESSIONS = "select session_date from ref.sessions where is_futures_session order by session_date"

# A pair behind a beta: the contract's own change under the rank it had the session before, without its last day, and
# the change of VIX, as mart.daily_sensitivities has them. A test compares the two.
_DAILY = """
with
days as (
    select trade_date, lag(trade_date) over (order by trade_date) as previous_date from mart.daily_term_structure
),

vix as (
    select trade_date, close_pts from core.daily_index_levels where index_code = 'VIX' and close_pts is not null
),

pairs as (
    select day.trade_date, listing.tenor_rank
    from days as day
    join vix as vix_today on vix_today.trade_date = day.trade_date
    join vix as vix_before on vix_before.trade_date = day.previous_date
    join core.daily_vx_listings as listing on listing.trade_date = day.previous_date and listing.tenor_rank <= 4
    join core.daily_vx_settlements as before
        on before.trade_date = listing.trade_date and before.expiry_date = listing.expiry_date
    join core.daily_vx_settlements as today
        on today.trade_date = day.trade_date and today.expiry_date = listing.expiry_date
    where today.expiry_date > today.trade_date and today.settle_pts is not null and before.settle_pts is not null
),

paired as (
    select trade_date, list(tenor_rank) as ranks from pairs group by trade_date
)

select
    curve.trade_date,
    curve.vx1_settle_pts,
    curve.vx2_settle_pts,
    curve.roll_down_front_frac,
    curve.roll_down_second_frac,
    slope.vx1_held_change_pts,
    slope.vx2_held_change_pts,
    slope.vx1_beta_ratio,
    slope.vx2_beta_ratio,
    slope.vx3_beta_ratio,
    slope.vx4_beta_ratio,
    coalesce(list_contains(paired.ranks, 1), false) as is_vx1_paired,
    coalesce(list_contains(paired.ranks, 2), false) as is_vx2_paired,
    coalesce(list_contains(paired.ranks, 3), false) as is_vx3_paired,
    coalesce(list_contains(paired.ranks, 4), false) as is_vx4_paired
from mart.daily_term_structure as curve
left join mart.daily_sensitivities as slope on slope.trade_date = curve.trade_date
left join paired on paired.trade_date = curve.trade_date
order by curve.trade_date
"""

_VOLATILITY = """
select trade_date, rv_excursion_z, rv_excursions::double as rv_excursions
from mart.daily_realised_volatility order by trade_date
"""

_CHAIN_EXPIRIES = """
select
    trade_date, calendar_days_to_expiry, years_to_expiry, discount_frac,
    atm_vol_frac, vol_25d_call_frac, vol_25d_put_frac, expiry_status
from mart.daily_vix_chain order by trade_date, expiry_date
"""

_CHAIN_SESSIONS = """
select chain.trade_date, chain.chain_term_exponent, chain.chain_term_vol30_frac, vvix.close_pts as vvix_close_pts
from mart.daily_chain_signals as chain
left join core.daily_index_levels as vvix on vvix.trade_date = chain.trade_date and vvix.index_code = 'VVIX'
order by chain.trade_date
"""


def read_calibration_frames(connection: duckdb.DuckDBPyConnection) -> CalibrationFrames:
    """Read the daily values that calibrations are made of, from a build or a published warehouse."""
    return CalibrationFrames(
        sessions=_dated(connection, _SESSIONS, "session_date"),
        daily=_dated(connection, _DAILY),
        volatility=_dated(connection, _VOLATILITY),
        chain_expiries=_dated(connection, _CHAIN_EXPIRIES),
        chain_sessions=_dated(connection, _CHAIN_SESSIONS),
    )


def compute_calibrations(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Compute the calibration of every finished week of a warehouse; see `compute_weekly_calibrations`.

    Raises
    ------
    PipelineError
        If the warehouse was published by a version that knew nothing of calibrations.
    """
    try:
        numbers = dict(connection.execute("select parameter, value from ref.parameters").fetchall())
        rules, frames = build_calibration_rules(numbers), read_calibration_frames(connection)
    except (duckdb.CatalogException, duckdb.BinderException, KeyError) as error:
        raise PipelineError(
            "this warehouse cannot be calibrated",
            found=f"no {error}" if isinstance(error, KeyError) else str(error).strip().splitlines()[0],
            expected="a warehouse published by this version",
            next_step="run `alvh nightly`, then again",
        ) from None
    return compute_weekly_calibrations(frames, rules)


def load_calibrations(connection: duckdb.DuckDBPyConnection, home: Home) -> int:
    """Load the stored calibrations of a home into ``ref.stored_calibrations``. Return how many.

    Raises
    ------
    ChecksFailedError
        If a stored calibration is not as it was written: nothing is built on it.
    """
    stored = read_stored_calibrations(home)
    _create(connection, "ref.stored_calibrations", [_row_of(home, entry) for entry in stored], _types() | _KEPT)
    return len(stored)


def write_weekly_calibrations(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Write ``mart.weekly_calibrations``: the stored row of a week where there is one, else the computed one.

    Needs ``ref.stored_calibrations`` (`load_calibrations`) and the marts of the curve, the sensitivities, the
    realised volatility and the chain. Return rows by table.
    """
    computed = compute_calibrations(connection)
    connection.register("computed", computed)
    columns = ", ".join(f"{_as_typed(name, kind)}" for name, kind in _types().items())
    connection.execute(
        f"""
        create table mart.weekly_calibrations as
        select {", ".join(_types())}, true as is_stored from ref.stored_calibrations
        union all
        select {columns}, false as is_stored
        from computed
        where calibrated_on_date::date not in (select calibrated_on_date from ref.stored_calibrations)
        order by calibrated_on_date
        """  # noqa: S608 - our own column names
    )
    connection.unregister("computed")
    row = connection.execute("select count(*) from mart.weekly_calibrations").fetchone()
    return {"mart.weekly_calibrations": int(row[0]) if row else 0}


class WeekValues(NamedTuple):
    """The calibration of one week in plain values: whole numbers are int, and what is missing is None."""

    calibrated_on_date: date
    used_from_date: date
    values: dict[str, Value]


def choose_newest(computed: pd.DataFrame, as_of: date | None) -> WeekValues | None:
    """Return the calibration of the newest week that ended by a day (or at all); None where none did."""
    if as_of is not None:
        computed = computed[computed["calibrated_on_date"] <= pd.Timestamp(as_of)]
    if computed.empty:
        return None
    last = computed.iloc[-1]
    values: dict[str, Value] = {
        name: None if pd.isna(last[name]) else _PLAIN[CALIBRATION_DTYPES[name]](last[name]) for name in VALUE_COLUMNS
    }
    return WeekValues(last["calibrated_on_date"].date(), last["used_from_date"].date(), values)


def _row_of(home: Home, entry: StoredCalibration) -> Mapping[str, object]:
    kinds: Mapping[str, tuple[type, ...]] = {"float64": (int, float), "int64": (int,), "str": (str,)}
    for name in VALUE_COLUMNS:
        value = entry.values.get(name)
        if value is not None and not isinstance(value, kinds[CALIBRATION_DTYPES[name]]):
            raise refuse_calibration(
                folder_of(home) / entry.file_name,
                f"{name} = {value!r}",
                f"a {_TYPES[CALIBRATION_DTYPES[name]]} or null",
            )
    return {
        "calibrated_on_date": entry.calibrated_on_date,
        "used_from_date": entry.used_from_date,
        # A column that came after the row was stored is not known for it.
        **{name: entry.values.get(name) for name in VALUE_COLUMNS},
        **{name: getattr(entry, name) for name in _KEPT},
    }


def _create(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Iterable[Mapping[str, object]],
    types: Mapping[str, str],
) -> None:
    frame = pd.DataFrame(list(rows), columns=list(types), dtype=object)
    create_from_frame(connection, table, frame, ", ".join(f"{name}::{kind} as {name}" for name, kind in types.items()))


def _types() -> dict[str, str]:
    return {name: _TYPES[kind] for name, kind in CALIBRATION_DTYPES.items()}


def _as_typed(name: str, kind: str) -> str:
    # pandas has no missing number but NaN
    return f"case when isfinite({name}) then {name} end as {name}" if kind == "double" else f"{name}::{kind} as {name}"


def _dated(connection: duckdb.DuckDBPyConnection, sql: str, column: str = "trade_date") -> pd.DataFrame:
    frame = connection.execute(sql).df()
    floats = [name for name, kind in frame.dtypes.items() if str(kind) == "Int64"]
    return frame.astype({column: "datetime64[us]"} | dict.fromkeys(floats, "float64"))
