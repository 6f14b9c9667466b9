"""Great Expectations suites, generated from the column registry: the project's only import of it.

Per table: exactly the documented columns, keys not null and unique, values inside their range or set,
and the newest session not older than the calendar allows. Types are DuckDB's own, so that its catalogue
is asked for them, of every table at once: an expectation a column on a frame's types costs as much as
all the others together, and sees only what pandas made of them.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from transforms.registry import ColumnInfo
from warehouse.checks import CheckResult
from warehouse.models import Model, table_columns

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

if TYPE_CHECKING:
    import great_expectations as gx

TABLES = (
    "core.daily_vx_settlements",
    "core.daily_index_levels",
    "mart.daily_signals",
    "mart.daily_term_structure",
    "mart.daily_volatility_indices",
)
"""Tables with a suite: those that users and later models build on."""

_TYPES_FOUND = """
select schema_name || '.' || table_name, column_name, data_type
from duckdb_columns()
where not internal and schema_name in ('core', 'mart', 'ops', 'ref', 'stg')
order by schema_name, table_name, column_index
"""

FRESH_TABLE = "mart.daily_term_structure"

TYPES = "expect_table_column_types_to_match_registry"
"""Name of our own expectation, which Great Expectations does not run."""


def run_expectations(
    connection: duckdb.DuckDBPyConnection,
    models: Mapping[str, Model],
    columns: Mapping[str, ColumnInfo],
    due_session: date | None,
) -> list[CheckResult]:
    """Validate the published tables against suites generated from the registry."""
    import great_expectations as gx  # 6-7 s: only where a night checks

    # Its progress bars and log lines would drown the run's own one line a step.
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("warehouse")
    results = []
    for table in TABLES:
        frame = _with_numpy_types(connection.execute(f"from {table}").df())
        asset = source.add_dataframe_asset(table)
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        suite = build_suite(table, models[table], columns, _columns_of(connection, table), due_session)
        outcome = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 5})
        results += [_result(table, entry) for entry in outcome.results]
    return [*check_column_types(connection, columns), *results]


def check_column_types(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, ColumnInfo]) -> list[CheckResult]:
    """Hold the columns of every table to the types of the registry; one result a table, in order of name."""
    by_table: dict[str, list[dict[str, str]]] = {}
    for table, column, found in connection.execute(_TYPES_FOUND).fetchall():
        wrong = by_table.setdefault(table, [])
        expected = columns[column].type if column in columns else "a column of the registry"
        if found != expected:
            wrong.append({"value": f"{column} {found}", "expected": expected})
    return [
        CheckResult(
            check_name=f"{table}__{TYPES}",
            kind="expectation",
            severity="error",
            is_passed=not wrong,
            offending_rows=len(wrong),
            what=TYPES.replace("_", " "),
            sample=json.dumps(wrong[:5]),
        )
        for table, wrong in by_table.items()
    ]


def build_suite(
    table: str,
    model: Model,
    columns: Mapping[str, ColumnInfo],
    names: list[str],
    due_session: date | None,
) -> gx.ExpectationSuite:
    """Return the suite of one table.

    Parameters
    ----------
    names
        The table's columns, in order; each must be in the registry.
    due_session
        The session that must be there by now, or None where the source has its own calendar.
    """
    import great_expectations as gx

    return gx.ExpectationSuite(name=table, expectations=list(_expectations(table, model, columns, names, due_session)))


def _expectations(
    table: str, model: Model, columns: Mapping[str, ColumnInfo], names: list[str], due_session: date | None
) -> Iterator[gx.expectations.Expectation]:
    import great_expectations.expectations as gxe

    yield gxe.ExpectTableColumnsToMatchOrderedList(column_list=names, meta={"severity": "error"})
    yield gxe.ExpectTableRowCountToBeBetween(min_value=1, meta={"severity": "error"})
    if len(model.grain) == 1:
        yield gxe.ExpectColumnValuesToBeUnique(column=model.grain[0], meta={"severity": "error"})
    else:
        yield gxe.ExpectCompoundColumnsToBeUnique(column_list=list(model.grain), meta={"severity": "error"})
    for name in names:
        info = columns[name]
        if name in model.grain:
            yield gxe.ExpectColumnValuesToNotBeNull(column=name, meta={"severity": "error"})
        if info.lowest is not None or info.highest is not None:
            yield gxe.ExpectColumnValuesToBeBetween(
                column=name,
                min_value=_bound(info.lowest),
                max_value=_bound(info.highest),
                meta={"severity": "error"},
            )
        if info.allowed:
            yield gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(info.allowed), meta={"severity": "error"})
    if table == FRESH_TABLE and due_session is not None:
        yield gxe.ExpectColumnMaxToBeBetween(
            column="trade_date", min_value=pd.Timestamp(due_session), meta={"severity": "warn"}
        )


def _with_numpy_types(frame: pd.DataFrame) -> pd.DataFrame:
    # Great Expectations compares type names with NumPy's: pandas' own nullable types it does not know.
    plain = {name: "object" for name, kind in frame.dtypes.items() if str(kind) in ("str", "string", "boolean")}
    nullable = {name: "float64" for name, kind in frame.dtypes.items() if str(kind) == "Int64"}
    return frame.astype({**plain, **nullable})


def _columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [column for owner, column in table_columns(connection) if owner == table]


def _bound(value: float | date | None) -> Any:
    return pd.Timestamp(value) if isinstance(value, (date, datetime)) else value


def _result(table: str, entry: Any) -> CheckResult:
    config = entry.expectation_config
    column = config.kwargs.get("column") or ",".join(config.kwargs.get("column_list", []) or [])
    found = entry.result or {}
    unexpected = found.get("unexpected_count")
    wanted = {key: value for key, value in config.kwargs.items() if key not in ("batch_id", "column", "column_list")}
    sample = found.get("partial_unexpected_list") or (
        [] if entry.success else [found.get("observed_value") or entry.exception_info]
    )
    name = f"{table}.{column}__{config.type}" if len(column) <= 60 else f"{table}__{config.type}"
    return CheckResult(
        check_name=name,
        kind="expectation",
        severity=str((config.meta or {}).get("severity", "error")),
        is_passed=bool(entry.success),
        offending_rows=int(unexpected if unexpected is not None else not entry.success),
        what=f"{config.type.replace('_', ' ')} {wanted}" if wanted else config.type.replace("_", " "),
        sample=json.dumps([{"value": value} for value in sample], default=str),
    )
