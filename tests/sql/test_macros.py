"""Every published macro against a plain pandas computation, and in the hands of a reader who may only read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.support.bench import ModelBench, sessions_from
from transforms.errors import PipelineError, UsageError
from warehouse.home import Home
from warehouse.macros import MACRO_FOLDER, Macro, create_macros, load_macros, read_macros
from warehouse.models import parse_reads
from warehouse.query import describe_table, list_tables, run_query

MACROS = load_macros()
COMPARED = (
    *("percentile_of", "percentile_within", "zscore_before", "zscore_through"),
    *("constant_maturity", "constant_maturity_on", "curve_on", "settlements_as_of"),
    *("ledger_between", "macro_as_of", "states_on", "stays_above"),
)
"""Macros that a test below compares with pandas: a new one has to be named here, and compared."""

DAYS = sessions_from(date(2025, 1, 6), 60)
LAYERS = ("base", "portfolio", "second_engine", "temporal_vega")


def measures() -> pd.DataFrame:
    """A measure with ties and holes, one row a session; the sessions in no order."""
    rng = np.random.default_rng(5)
    values = np.round(rng.normal(size=len(DAYS)), 1)
    values[[3, 20, 21]] = np.nan
    return pd.DataFrame({"trade_date": pd.to_datetime(DAYS), "measure": values}).sample(frac=1, random_state=1)


def curve() -> pd.DataFrame:
    """Three listed months a session, 10, 40 and 75 days away on the first; one settlement is missing."""
    first = DAYS[0]
    expiries = [first + timedelta(days=days) for days in (10, 40, 75, 100)]
    listed = [
        (day, expiry, rank, (expiry - day).days)
        for day in DAYS[:20]
        for rank, expiry in enumerate([one for one in expiries if one > day][:3], start=1)
    ]
    frame = pd.DataFrame(listed, columns=["trade_date", "expiry_date", "tenor_rank", "days"])
    frame["settle_pts"] = 15 + np.random.default_rng(6).normal(size=len(frame)).cumsum() / 10
    frame.loc[5, "settle_pts"] = np.nan
    return frame


def revisions() -> list[tuple[str, str, date, str, str, str | None, str | None]]:
    """Run, table, session, contract, column, value before and after; a run at 03:00 UTC is of the evening before."""
    table = "core.daily_vx_settlements"
    one, other = DAYS[1], DAYS[2]
    return [
        ("20250110T030000.000Z", table, one, "A", "settle_pts", "14.5", "14.75"),
        ("20250115T230000.000Z", table, one, "A", "settle_pts", "14.75", "15.25"),
        ("20250115T230000.000Z", table, other, "A", "settle_pts", None, "16.0"),
        ("20250115T230000.000Z", table, one, "A", "volume_contracts", "3", "4"),
        ("20250115T230000.000Z", "core.daily_index_levels", one, "A", "settle_pts", "1", "2"),
    ]


@pytest.fixture(scope="module")
def made() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables that macros read, by hand, with the macros."""
    bench = ModelBench()
    connection = bench.connection
    connection.execute("create schema ops")
    connection.register("frame", measures())
    connection.execute("create table m as select trade_date::date as trade_date, measure from frame")
    connection.unregister("frame")
    months = curve()
    bench.table(
        "core.daily_vx_listings",
        "trade_date date, expiry_date date, tenor_rank bigint, calendar_days_to_expiry bigint, "
        "trading_days_to_expiry bigint",
        [(*row[:4], row[3]) for row in months.itertuples(index=False)],
    )
    settled = months.dropna()
    bench.table(
        "core.daily_vx_settlements",
        "trade_date date, expiry_date date, contract_code varchar, is_monthly boolean, tenor_rank bigint, "
        "calendar_days_to_expiry bigint, is_final_settlement boolean, settle_pts double",
        [
            (
                row.trade_date,
                row.expiry_date,
                f"M{row.tenor_rank}",
                True,
                row.tenor_rank,
                row.days,
                False,
                row.settle_pts,
            )
            for row in settled.itertuples()
        ],
    )
    connection.executemany(
        "insert into core.daily_vx_settlements values (?, '2025-02-19', 'A', true, null, null, false, ?)",
        [(DAYS[1], 15.25), (DAYS[2], 16.0), (DAYS[3], 17.0)],
    )
    bench.table(
        "ops.value_revisions",
        "detected_run_id varchar, table_name varchar, trade_date date, row_key varchar, column_name varchar, "
        "old_value varchar, new_value varchar",
        revisions(),
    )
    bench.table(
        "mart.daily_term_structure",
        "trade_date date, vix_close_pts double",
        [(day, vix) for day, vix in zip(DAYS, closes(), strict=True)],
    )
    bench.table(
        "mart.daily_hedge_ledger",
        "trade_date date, layer varchar, pnl_usd double, roll_usd double, curve_usd double, theta_usd double, "
        "option_move_usd double, cost_usd double, interest_usd double, credit_kept_usd double, "
        "protection_cost_usd double, unmarked_count bigint",
        [(*row[:2], *row[2:], 1) for row in ledger().itertuples(index=False)],
    )
    bench.table(
        "mart.daily_hedge_state",
        "trade_date date, layer varchar, state varchar, step_count bigint, target_vega_usd double, "
        "target_contracts double, reason varchar, is_stale boolean, policy_hash varchar",
        [(day, layer, "idle", 0, 1.0, None, f"{layer} on {day}", False, "h") for day in DAYS for layer in LAYERS],
    )
    bench.table(
        "mart.daily_governor",
        "trade_date date, governor_mode varchar, guards_held varchar",
        [(day, "promoter", None) for day in DAYS],
    )
    bench.table(
        "core.macro_observations",
        "series_id varchar, reference_date date, known_date date, observed_value double, known_basis varchar, "
        "is_first_release boolean",
        observations(),
    )
    create_macros(connection, MACROS.values())
    yield connection
    bench.close()


def closes() -> list[float | None]:
    """VIX closes around 25, with two sessions without one: one inside a run, one outside."""
    values: list[float | None] = [20.0] * len(DAYS)
    for place in (4, 5, 7, 30, 31, 32, 59):
        values[place] = 25.0 + place / 10
    values[6] = None
    values[40] = None
    return values


def ledger() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    pieces = ["roll", "curve", "theta", "option_move", "cost", "interest"]
    rows = [(day, layer, *np.round(rng.normal(size=8) * 100, 2)) for day in DAYS for layer in LAYERS]
    names = [f"{piece}_usd" for piece in pieces]
    frame = pd.DataFrame(rows, columns=["trade_date", "layer", *names, "credit_kept_usd", "protection_cost_usd"])
    frame.insert(2, "pnl_usd", frame[names].sum(axis=1).round(2))
    return frame


def observations() -> list[tuple[str, date, date, float | None, str, bool]]:
    may, june = date(2025, 5, 1), date(2025, 6, 1)
    return [
        ("CPI", may, date(2025, 6, 11), 100.0, "release", True),
        ("CPI", june, date(2025, 7, 15), 101.0, "release", True),
        ("CPI", may, date(2025, 7, 15), 100.5, "release", False),
        ("GDP", may, date(2025, 6, 11), 7.0, "release", True),
        ("GDP", may, date(2025, 6, 20), None, "release", False),
    ]


def column(connection: duckdb.DuckDBPyConnection, expression: str) -> np.ndarray:
    query = f"select {expression} as found from m order by trade_date"
    return connection.execute(query).df()["found"].to_numpy(dtype=float)


def in_order() -> pd.Series:
    return measures().sort_values("trade_date")["measure"].reset_index(drop=True)


def test_every_macro_is_compared_below() -> None:
    assert sorted(COMPARED) == sorted(MACROS)


def test_percentile_counts_only_what_was_known(made: duckdb.DuckDBPyConnection) -> None:
    values = in_order()
    expected = [
        np.nan if np.isnan(now) else (values[: place + 1] <= now).sum() / values[: place + 1].notna().sum()
        for place, now in enumerate(values)
    ]
    np.testing.assert_allclose(column(made, "percentile_of(measure, trade_date)"), expected)


@pytest.mark.parametrize("sessions", [1, 2, 10])
def test_percentile_within_takes_the_last_sessions_and_all_of_them(
    made: duckdb.DuckDBPyConnection, sessions: int
) -> None:
    expected = in_order().rolling(sessions).apply(lambda last: (last <= last.iloc[-1]).mean())
    np.testing.assert_allclose(column(made, f"percentile_within(measure, trade_date, {sessions})"), expected)


@pytest.mark.parametrize("sessions", [2, 10])
def test_zscore_before_leaves_its_own_session_out(made: duckdb.DuckDBPyConnection, sessions: int) -> None:
    values = in_order()
    before = values.shift(1).rolling(sessions)
    expected = (values - before.mean()) / before.std().where(before.std() > 1e-12)
    assert expected.notna().sum() > 20
    np.testing.assert_allclose(
        column(made, f"zscore_before(measure, trade_date, {sessions})"), expected, rtol=1e-7, atol=1e-9
    )


def test_zscore_through_takes_its_own_session_in(made: duckdb.DuckDBPyConnection) -> None:
    values = in_order()
    expected = (values - values.rolling(10).mean()) / values.rolling(10).std()
    assert expected.notna().sum() > 20
    np.testing.assert_allclose(column(made, "zscore_through(measure, trade_date, 10)"), expected, atol=1e-9)


@pytest.mark.parametrize("macro", ["zscore_before", "zscore_through", "percentile_within"])
@pytest.mark.parametrize("of", ["measure", "measure * 0"])
def test_window_without_enough_values_or_without_difference_has_no_score(
    made: duckdb.DuckDBPyConnection, macro: str, of: str
) -> None:
    found = column(made, f"{macro}({of}, trade_date, 10)")
    assert np.isnan(found[:9]).all()
    assert np.isnan(found[20:30]).all()
    if "0" in of and macro.startswith("zscore"):
        assert np.isnan(found).all()


@pytest.mark.parametrize("expression", [MACROS[name].signature for name in MACROS if MACROS[name].gives == "value"])
def test_value_of_a_session_does_not_change_when_later_ones_come(
    made: duckdb.DuckDBPyConnection, expression: str
) -> None:
    call = expression.replace("day", "trade_date").replace("sessions", "10")
    then = made.execute(f"select {call} from m where trade_date <= ? order by trade_date", [DAYS[40]]).fetchall()
    now = made.execute(f"select {call} from m order by trade_date").fetchall()
    assert then == now[:41]


@pytest.mark.parametrize("days", [12, 30, 45, 75, 200])
def test_constant_maturity_is_a_line_between_two_months(made: duckdb.DuckDBPyConnection, days: int) -> None:
    found = dict(made.execute(f"select trade_date, constant_maturity_pts from constant_maturity({days})").fetchall())
    for day, months in curve().groupby("trade_date"):
        left = months["days"].to_numpy()
        # NumPy gives NaN where either neighbour is; outside the listed range it must be told to
        expected = np.interp(days, left, months["settle_pts"], left=np.nan, right=np.nan)
        if days in left:
            expected = months["settle_pts"].to_numpy()[list(left).index(days)]
        assert found[day] == pytest.approx(expected) or (found[day] is None and np.isnan(expected))
    assert len(found) == 20


def test_constant_maturity_on_is_that_of_the_day(made: duckdb.DuckDBPyConnection) -> None:
    one = made.execute(f"from constant_maturity_on('{DAYS[9]}', 45)").fetchall()
    assert one == made.execute(f"from constant_maturity(days := 45) where trade_date = '{DAYS[9]}'").fetchall()
    assert len(one) == 1
    assert made.execute("from constant_maturity_on('2025-01-11', 45)").fetchall() == []


def test_curve_on_has_every_listed_month_also_without_settlement(made: duckdb.DuckDBPyConnection) -> None:
    months = curve()
    day = months.loc[5, "trade_date"]
    found = made.execute("select tenor_rank, expiry_date, settle_pts from curve_on(?)", [day]).df()
    expected = months[months["trade_date"] == day]
    assert list(found["tenor_rank"]) == list(expected["tenor_rank"]) == [1, 2, 3]
    np.testing.assert_allclose(found["settle_pts"], expected["settle_pts"])
    assert found["settle_pts"].isna().sum() == 1


@pytest.mark.parametrize(
    ("day", "value", "has_the_late_one"),
    [
        (date(2025, 1, 8), 14.5, False),
        (date(2025, 1, 9), 14.75, False),  # the run of 03:00 UTC on the 10th is of this evening
        (date(2025, 1, 14), 14.75, False),
        (date(2025, 1, 15), 15.25, True),
    ],
)
def test_settlements_as_of_undoes_what_was_found_changed_later(
    made: duckdb.DuckDBPyConnection, day: date, value: float, has_the_late_one: bool
) -> None:
    query = "select trade_date, settle_pts, is_revised from settlements_as_of(?) where contract_code = 'A'"
    found = {row[0]: row[1:] for row in made.execute(query, [day]).fetchall()}
    assert found[DAYS[1]] == (value, value != 15.25)
    assert (DAYS[2] in found) == has_the_late_one
    newest = made.execute("select max(trade_date) from settlements_as_of(?)", [day]).fetchone()
    assert newest == (day,)


def test_macro_as_of_is_what_pandas_keeps_of_what_was_known(made: duckdb.DuckDBPyConnection) -> None:
    names = ["series_id", "reference_date", "known_date", "observed_value", "known_basis", "is_first_release"]
    frame = pd.DataFrame(observations(), columns=names)
    for day in (date(2025, 6, 10), date(2025, 6, 11), date(2025, 6, 20), date(2025, 7, 15)):
        known = frame[frame["known_date"] <= day].sort_values("known_date")
        last = known.groupby(["series_id", "reference_date"], as_index=False).last(skipna=False).dropna()
        found = made.execute("select series_id, reference_date, observed_value from macro_as_of(?)", [day]).fetchall()
        assert found == list(last[["series_id", "reference_date", "observed_value"]].itertuples(index=False, name=None))


def test_states_on_has_the_layers_of_the_session_and_its_governor(made: duckdb.DuckDBPyConnection) -> None:
    found = made.execute("select layer, reason, governor_mode from states_on(?)", [DAYS[3]]).fetchall()
    assert found == [(layer, f"{layer} on {DAYS[3]}", "promoter") for layer in LAYERS]
    assert made.execute("from states_on('2025-01-11')").fetchall() == []


def test_ledger_between_adds_up_both_days_included(made: duckdb.DuckDBPyConnection) -> None:
    found = made.execute("from ledger_between(?, ?)", [DAYS[5], DAYS[9]]).df().set_index("layer")
    frame = ledger()
    chosen = frame[(frame["trade_date"] >= DAYS[5]) & (frame["trade_date"] <= DAYS[9])]
    expected = chosen.drop(columns="trade_date").groupby("layer").sum()
    np.testing.assert_allclose(found[expected.columns].to_numpy(dtype=float), expected.to_numpy(), atol=0.006)
    assert (found["sessions"] == 5).all()
    assert (found["unmarked_count"] == 5).all()
    pieces = found[["roll_usd", "curve_usd", "theta_usd", "option_move_usd", "cost_usd", "interest_usd"]]
    np.testing.assert_allclose(pieces.sum(axis=1), found["pnl_usd"], atol=0.01)


def test_stays_above_are_the_runs_of_closes(made: duckdb.DuckDBPyConnection) -> None:
    series = pd.Series(closes(), index=DAYS, dtype=float).dropna()
    runs = (series < 25).cumsum()[series >= 25]
    expected = [
        (run.index[0], run.index[-1], len(run), series[run.index].max()) for _, run in runs.groupby(runs, sort=False)
    ]
    assert made.execute("from stays_above(25)").fetchall() == expected
    assert [row[2] for row in expected] == [3, 3, 1]


# ---- what a reader meets ----


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, made: duckdb.DuckDBPyConnection) -> Home:
    """A published file with the hand-made tables and the macros."""
    home = Home(tmp_path_factory.mktemp("macros") / "home")
    home.prepare()
    made.execute(f"attach '{home.published}' as file")
    for (name,) in made.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name <> 'file' and not internal"
    ).fetchall():
        made.execute(f"create schema if not exists file.{name.split('.')[0]}")
        made.execute(f"create table file.{name} as from memory.{name}")
    made.execute("detach file")
    with duckdb.connect(str(home.published)) as connection:
        create_macros(connection, MACROS.values())
    return home


def call_of(macro: Macro) -> str:
    values = {"day": f"'{DAYS[-1]}'", "days": "45", "first_day": "'2025-01-06'", "last_day": "'2025-12-31'"}
    values |= {"level_pts": "25", "measure": "measure", "sessions": "10"}
    if macro.gives == "value":
        given = ", ".join({**values, "day": "trade_date"}[name] for name in macro.parameters)
        return f"select {macro.name}({given}) from m"
    if macro.name in ("constant_maturity_on", "curve_on"):
        values["day"] = f"'{DAYS[9]}'"
    if macro.name == "macro_as_of":
        values["day"] = "'2025-07-15'"
    return f"from {macro.name}({', '.join(values[name] for name in macro.parameters)})"


@pytest.mark.parametrize("macro", MACROS.values(), ids=MACROS.keys())
def test_macro_runs_on_the_locked_read_only_file(home: Home, macro: Macro) -> None:
    assert run_query(home, call_of(macro)).rows != []


def test_macro_runs_in_alvh_query(home: Home) -> None:
    asked = ["query", "select sessions from stays_above(25)", "--home", str(home.path), "--format", "json"]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout) == [{"sessions": 3}, {"sessions": 3}, {"sessions": 1}]


@pytest.mark.parametrize("macro", MACROS.values(), ids=MACROS.keys())
def test_macro_is_listed_and_described(home: Home, macro: Macro) -> None:
    listed = {row[0]: row[2] for row in list_tables(home).rows}
    assert listed[macro.signature] == macro.header["what"]
    described = describe_table(home, macro.signature)
    assert described == describe_table(home, macro.name)
    if macro.gives == "value":
        assert described.rows == [(macro.signature, "value", macro.header["what"])]
    else:
        assert described.rows[0][1] in ("DATE", "VARCHAR")


def test_macro_cannot_be_replaced_by_a_query(home: Home) -> None:
    with pytest.raises(UsageError, match="one reading statement"):
        run_query(home, "create or replace macro stays_above(a) as table select 1")


def test_macro_states_what_it_reads() -> None:
    with duckdb.connect() as parser:
        for macro in MACROS.values():
            body = macro.body if macro.gives == "table" else f"select {macro.body}"
            assert macro.reads == parse_reads(body, parser)


@pytest.mark.parametrize(
    ("line", "to"),
    [
        ("-- what: every run", "-- that: every run"),
        ("-- macro: stays_above", "-- macro: stays(level_pts)"),
        ("-- gives: table", "-- gives: rows"),
        ("-- edge: ", "-- edge:"),
    ],
)
def test_incomplete_macro_is_refused(tmp_path: Path, line: str, to: str) -> None:
    lines = (MACRO_FOLDER / "stays_above.sql").read_text(encoding="utf-8").splitlines()
    spoilt = [to if one.startswith(line) else one for one in lines]
    assert spoilt != lines
    (tmp_path / "stays_above.sql").write_text("\n".join(spoilt), encoding="utf-8")
    with pytest.raises(PipelineError, match="header is not complete"):
        read_macros(tmp_path)
