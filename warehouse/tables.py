"""The tables that no model makes: what they are, who fills them, and the shape of those filled late.

``ops.check_results``, ``ops.runs`` and ``ops.value_revisions`` are created empty with the rest, so that they
have their comments, and are filled when a build has been checked and compared.
"""

from __future__ import annotations

from typing import NamedTuple

import duckdb


class TableInfo(NamedTuple):
    """Grain, content and maker of a table."""

    grain: str
    what: str
    file: str


MADE_IN_PYTHON = {
    "mart.book_exposure": TableInfo(
        "trade_date",
        "what the account of your book protects at each close since the hedge was entered, in its own dollars; empty "
        "without a book",
        "warehouse/book.py",
    ),
    "mart.book_layers": TableInfo(
        "trade_date, layer",
        "what each layer of the hedge wants for the account of your book on the newest session, and why",
        "warehouse/book.py",
    ),
    "mart.book_orders": TableInfo(
        "trade_date, instrument",
        "for the account of your book on the newest session: what the layers want, what it holds, and what to trade in "
        "the next session, with reasons",
        "warehouse/book.py",
    ),
    "mart.daily_governor": TableInfo(
        "trade_date",
        "the governor of each session: promoter or steward, the guards that held, and the estimated results they judge",
        "warehouse/hedge_states.py",
    ),
    "mart.daily_hedge_state": TableInfo(
        "trade_date, layer",
        "what each layer of the hedge does after each session under the policy in force, and every rule behind it",
        "warehouse/hedge_states.py",
    ),
    "mart.daily_hedge_ledger": TableInfo(
        "trade_date, layer",
        "every dollar of every layer of the model account, split into pieces that add up to the cent; the portfolio is "
        "the sum of the layers",
        "warehouse/hedge.py",
    ),
    "mart.daily_policy_comparison": TableInfo(
        "trade_date, variant, layer",
        "what other readings, presets and no hysteresis would do on the same signals",
        "warehouse/policy_comparison.py",
    ),
    "mart.daily_positions": TableInfo(
        "trade_date, layer, instrument",
        "what each layer of the model account wants, holds and has on order in every instrument at the close, and why",
        "warehouse/hedge.py",
    ),
    "mart.daily_layer_valuation": TableInfo(
        "trade_date, layer",
        "what each layer asks of the VIX, of account and patience: break-evens, returns, roll credits, liquidity "
        "and cost beside the budget; each missing value with its reason",
        "warehouse/hedge.py",
    ),
    "mart.daily_reading_ledger": TableInfo(
        "trade_date, reading",
        "the ledger of the temporal layer under each of its four readings, by the policy of the newest session",
        "warehouse/hedge.py",
    ),
    "mart.hedge_trades": TableInfo(
        "trade_date, layer, instrument",
        "every trade and settlement of the model account, with its cost; a roll with what it locks in",
        "warehouse/hedge.py",
    ),
    "mart.time_shifts": TableInfo(
        "trade_date, from_layer",
        "every Time-Shift: part of the gain of the short-dated long legs moved to the longer layer",
        "warehouse/hedge.py",
    ),
    "mart.layer_transitions": TableInfo(
        "trade_date, transition_no", "every change of a layer's state, with its reason", "warehouse/hedge_states.py"
    ),
    "mart.weekly_calibrations": TableInfo(
        "calibrated_on_date",
        "what was calibrated after each week: betas, shape of option volatility, excursions, expected roll",
        "warehouse/calibrations.py",
    ),
    "ops.check_results": TableInfo("check_name", "result of every check on this warehouse", "warehouse/checks.py"),
    "ops.runs": TableInfo(
        "run_id", "every run of this home folder, from the records under runs/", "warehouse/run_log.py"
    ),
    "ops.source_files": TableInfo(
        "publisher, file_name, sha256",
        "every stored version of every file, and every name known to be absent",
        "warehouse/build.py",
    ),
    "ops.value_revisions": TableInfo(
        "detected_run_id, table_name, trade_date, row_key, column_name",
        "every published settlement, index level and bill rate that a later run found changed, with both values",
        "warehouse/revisions.py",
    ),
    "ref.book": TableInfo(
        "as_of_date",
        "the account of your book.toml: one row; empty without a book that can be used",
        "warehouse/book.py",
    ),
    "ref.book_positions": TableInfo(
        "instrument", "the protected legs and the hedge of your book.toml, as stated", "warehouse/book.py"
    ),
    "ref.book_warnings": TableInfo(
        "warning_no", "what to know before trusting the orders of your book", "warehouse/book.py"
    ),
    "ref.corrections": TableInfo("correction", "known errors of the sources", "transforms/corrections.toml"),
    "ref.etp_launches": TableInfo(
        "product_id",
        "exchange-traded products on VIX futures, listed and ended; empty for a simulated market",
        "transforms/events/etp_launches.toml",
    ),
    "ref.fomc_meetings": TableInfo(
        "decision_date",
        "the shipped calendar of FOMC meetings; empty for a simulated market",
        "transforms/events/fomc_meetings.toml",
    ),
    "ref.indices": TableInfo("index_code", "every index the pipeline knows", "transforms/index_registry.toml"),
    "ref.macro_series": TableInfo("series_id", "every FRED series the pipeline reads", "transforms/macro_series.toml"),
    "ref.nber_turning_points": TableInfo(
        "turning_month",
        "peaks and troughs of the US business cycle and when they were announced; empty for a simulated market",
        "transforms/events/nber_announcements.toml",
    ),
    "ref.parameters": TableInfo(
        "parameter", "every number a model uses, with its provenance", "transforms/parameters.toml"
    ),
    "ref.release_dates": TableInfo(
        "series_id, reference_date",
        "first release of every period of the macro series, by the shipped table or its rule",
        "transforms/events/release_dates.toml",
    ),
    "ref.policies": TableInfo(
        "policy_hash", "every policy that decides a session, with the first one", "warehouse/policy_tables.py"
    ),
    "ref.policy_parameters": TableInfo(
        "policy_hash, parameter", "every number of those policies, with its provenance", "warehouse/policy_tables.py"
    ),
    "ref.policy_rules": TableInfo(
        "policy_hash, layer, rule", "every rule and guard of those policies", "warehouse/policy_tables.py"
    ),
    "ref.run": TableInfo("run_id", "the run that built this warehouse: one row", "warehouse/build.py"),
    "ref.sessions": TableInfo(
        "session_date", "days on which an exchange is open, with a horizon", "transforms/calendar.py"
    ),
    "ref.signals": TableInfo(
        "signal",
        "every signal: when its value becomes known, and which status explains its absence",
        "sql/columns.toml",
    ),
    "ref.stored_calibrations": TableInfo(
        "calibrated_on_date",
        "the calibrations stored in this home, each as it was known after its week",
        "warehouse/stored_calibrations.py",
    ),
    "ref.vx_monthly_expiries": TableInfo(
        "contract_month", "final settlement date of every monthly contract, by the rule", "transforms/calendar.py"
    ),
}

MADE_FROM: dict[str, tuple[str, ...]] = {
    "warehouse/calibrations.py": (
        "core.daily_index_levels",
        "core.daily_vx_listings",
        "core.daily_vx_settlements",
        "mart.daily_chain_signals",
        "mart.daily_realised_volatility",
        "mart.daily_sensitivities",
        "mart.daily_term_structure",
        "mart.daily_vix_chain",
        "ref.parameters",
        "ref.sessions",
        "ref.stored_calibrations",
    ),
    "warehouse/hedge.py": (
        "core.daily_hedge_inputs",
        "core.daily_vix_option_quotes",
        "core.daily_vx_listings",
        "core.daily_vx_settlements",
        "mart.daily_condor",
        "mart.daily_realised_volatility",
        "mart.daily_sensitivities",
        "mart.daily_signals",
        "mart.daily_term_structure",
        "mart.daily_vix_chain",
        "mart.daily_volatility_indices",
        "mart.weekly_calibrations",
        "ref.parameters",
    ),
    "warehouse/book.py": ("core.daily_hedge_inputs", "mart.daily_condor", "mart.daily_term_structure"),
    "warehouse/revisions.py": ("core.daily_bill_rates", "core.daily_index_levels", "core.daily_vx_settlements"),
}
"""What the makers of tables read, by file; a test listens to them. States, positions and ledger are one walk
(``warehouse/hedge.py``), and the book is walked through the same market."""

_FILLED_LATE = {
    "ops.check_results": (
        "run_id varchar, check_name varchar, kind varchar, severity varchar, is_passed boolean, "
        "offending_rows bigint, what varchar, sample varchar"
    ),
    "ops.runs": (
        "run_id varchar, started_at_utc timestamptz, published_at_utc timestamptz, outcome varchar, exit_code integer, "
        "as_of date, source varchar, is_simulated boolean, code_version varchar, inputs_sha256 varchar"
    ),
    "ops.value_revisions": (
        "detected_run_id varchar, detected_at_utc timestamptz, table_name varchar, trade_date date, row_key varchar, "
        "column_name varchar, old_value varchar, new_value varchar"
    ),
}


def create_late_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that are filled after the build."""
    for table, columns in _FILLED_LATE.items():
        connection.execute(f"create table {table} ({columns})")


def fill(connection: duckdb.DuckDBPyConnection, table: str, rows: list[list[object]]) -> None:
    """Replace the content of a table that is filled late."""
    connection.execute(f"delete from {table}")  # noqa: S608 - one of our own names
    if rows:
        # Column by column: a history that a publisher rewrote is hundreds of thousands of rows, and one statement
        # each would take a quarter of an hour.
        columns = [list(column) for column in zip(*rows, strict=True)]
        marks = ", ".join("unnest(?)" for _ in columns)
        connection.execute(f"insert into {table} select {marks}", columns)
