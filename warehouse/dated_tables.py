"""What the project ships about the real world, by date, as reference tables.

Release dates, FOMC meetings, turning points of the business cycle, and products on VIX futures. A simulated
market has none of them but the rule by which a release date is estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import duckdb
import pandas as pd

from transforms.events.etp import EtpLaunch, etp_launches
from transforms.events.fomc import FomcMeeting, fomc_meetings
from transforms.events.nber import TurningPoint, nber_turning_points
from transforms.events.releases import estimate_release_date, release_date_of, release_rules
from transforms.fomc_calendar import MEETING_COLUMNS, meeting_values
from transforms.registry import macro_series
from warehouse.stored_tables import Rows, create_from_frame

_FIRST_PERIOD = date(1985, 1, 1)
_RELEASE_COLUMNS = {
    "series_id": "varchar",
    "reference_date": "date",
    "release_date": "date",
    "release_basis": "varchar",
    "is_shutdown_release": "boolean",
}
_TURNING_POINT_COLUMNS = {"turning_month": "date", "turning_point": "varchar", "announced_date": "date"}
_ETP_COLUMNS = {
    "product_id": "varchar",
    "symbol": "varchar",
    "name": "varchar",
    "issuer": "varchar",
    "index_tracked": "varchar",
    "launch_date": "date",
    "launch_basis": "varchar",
    "end_date": "date",
    "end_reason": "varchar",
}


def load_dated_tables(connection: duckdb.DuckDBPyConnection, horizon: date, *, is_simulated: bool) -> None:
    """Create ``ref.release_dates``, ``ref.fomc_meetings``, ``ref.nber_turning_points`` and ``ref.etp_launches``.

    Parameters
    ----------
    horizon
        Release dates are given for every period that begins by then.
    is_simulated
        Only release dates are loaded then, every one by the rule.
    """
    releases = list(_releases(horizon, is_simulated=is_simulated))
    meetings: tuple[FomcMeeting, ...] = () if is_simulated else fomc_meetings()
    points: tuple[TurningPoint, ...] = () if is_simulated else nber_turning_points()
    products: tuple[EtpLaunch, ...] = () if is_simulated else etp_launches()
    _create(connection, "ref.release_dates", _RELEASE_COLUMNS, releases)
    _create(connection, "ref.fomc_meetings", MEETING_COLUMNS, map(meeting_values, meetings))
    _create(
        connection,
        "ref.nber_turning_points",
        _TURNING_POINT_COLUMNS,
        ((point.month, point.kind, point.announced_date) for point in points),
    )
    _create(connection, "ref.etp_launches", _ETP_COLUMNS, map(_product_values, products))


def _releases(horizon: date, *, is_simulated: bool) -> Iterator[tuple[object, ...]]:
    rules = release_rules()
    for series in macro_series().values():
        if series.frequency == "daily":
            continue
        rule = rules[series.series_id]
        for stamp in pd.date_range(_FIRST_PERIOD, horizon, freq="MS" if series.frequency == "monthly" else "QS"):
            period = stamp.date()
            if is_simulated:
                yield series.series_id, period, estimate_release_date(series.series_id, period), "estimated", False
            else:
                found = release_date_of(series.series_id, period)
                is_shutdown = period in rule.shutdown_periods
                yield series.series_id, period, found.release_date, found.basis, is_shutdown


def _product_values(product: EtpLaunch) -> tuple[object, ...]:
    return (
        product.product_id,
        product.ticker,
        product.name,
        product.issuer,
        product.index_tracked,
        product.launch_date,
        product.launch_basis,
        product.end_date,
        product.end_reason,
    )


def _create(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Iterable[tuple[object, ...]]
) -> None:
    values: Rows = list(rows)
    frame = pd.DataFrame(values, columns=list(columns), dtype=object)
    create_from_frame(
        connection, table, frame, ", ".join(f"{name}::{kind} as {name}" for name, kind in columns.items())
    )
