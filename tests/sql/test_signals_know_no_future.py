"""No signal or decision of a session changes with what comes after it: other futures, later files, other histories."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from pandas.api.types import is_float_dtype

from flows.fetch import fetch_night
from flows.sources.archive import ArchiveSource
from tests.support.shocks import shock_archive
from transforms.simulate import render_archive, simulate_market
from warehouse.build import build_warehouse
from warehouse.home import Home
from warehouse.models import load_models
from warehouse.raw_store import RawStore
from warehouse.tables import MADE_IN_PYTHON

FIRST, LAST = date(2021, 1, 4), date(2026, 1, 16)
SEED = 5
# an ordinary session, and the eve of a settlement after a month's end
CUTS = (date(2025, 3, 6), date(2025, 9, 16))
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
MARTS = [name for name in (*load_models(), *MADE_IN_PYTHON) if name.startswith("mart.")]


def files_until(last: date) -> dict[str, bytes]:
    return dict(render_archive(simulate_market(FIRST, last, SEED)))


def fetch(home: Home, folder: Path, files: Mapping[str, bytes], day: date) -> None:
    """One night's fetch from an archive of these files, on the evening of a day."""
    for path, body in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    evening = datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC)
    store = RawStore(home)
    summary = fetch_night(ArchiveSource(folder, utcnow=lambda: evening), store, day, ask_everything=True)
    assert summary.failures == []


def build(home: Home, day: date) -> duckdb.DuckDBPyConnection:
    path = home.build / f"{day}.duckdb"
    build_warehouse(home, path, run_id="t", today=day + timedelta(days=1), due_session=None, is_simulated=True)
    return duckdb.connect(str(path))


def new_home(folder: Path) -> Home:
    home = Home(folder)
    home.prepare()
    return home


# One session has a chain; Time-Shifts take a crisis, which tests/sql/test_hedge_tables.py has; and nobody's book lies
# in this home: tests/sql/test_book_tables.py asks the same of its exposure; the rest is of the newest session alone.
RARE = {
    "mart.daily_chain_signals",
    "mart.daily_vix_chain",
    "mart.time_shifts",
    *("mart.book_exposure", "mart.book_layers", "mart.book_orders"),
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return files_until(LAST)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, files: Mapping[str, bytes]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of the last night, with nothing changed."""
    folder = tmp_path_factory.mktemp("told")
    home = new_home(folder / "home")
    fetch(home, folder / "archive", files, LAST)
    with build(home, LAST) as connection:
        yield connection


def dated(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Marts with a session, and the day-keyed tables beside them."""
    query = "select schema_name || '.' || table_name from duckdb_columns() where column_name = 'trade_date'"
    found = {row[0] for row in connection.execute(query).fetchall()}
    return [name for name in MARTS if name in found]


def differences(
    one: duckdb.DuckDBPyConnection, other: duckdb.DuckDBPyConnection, table: str, until: date
) -> dict[str, int]:
    """Rows up to a session that differ, by column; ``(rows)`` where one has rows the other lacks."""
    query = f"select * from {table} where trade_date <= ? order by all"
    left, right = (connection.execute(query, [until]).df() for connection in (one, other))
    assert list(left.columns) == list(right.columns)
    assert len(left) or table in RARE
    if len(left) != len(right):
        return {"(rows)": abs(len(left) - len(right))}
    return {name: found for name in left.columns if (found := int((~_same(left[name], right[name])).sum()))}


def _same(left: pd.Series, right: pd.Series) -> pd.Series:
    # DuckDB adds in an order of its own: the last bits of a sum may differ from build to build.
    if is_float_dtype(left.dtype):
        close = np.isclose(left.to_numpy(), right.to_numpy(dtype=float), rtol=1e-9, atol=1e-12, equal_nan=True)
        return pd.Series(close, index=left.index)
    same = (left == right) | (left.isna() & right.isna())
    # the clauses of the policy, as JSON text, print their numbers to the last bit
    for row in same.index[~same]:
        same[row] = _same_text(left[row], right[row])
    return same


def _same_text(left: object, right: object) -> bool:
    """Whether two texts of JSON differ in nothing but the last bits of their numbers."""
    if not (isinstance(left, str) and isinstance(right, str) and left.startswith("[{") and right.startswith("[{")):
        return False
    if NUMBER.sub("", left) != NUMBER.sub("", right):
        return False
    numbers = ([float(found) for found in NUMBER.findall(text)] for text in (left, right))
    return np.allclose(*numbers, rtol=1e-9, atol=1e-12)


def shake(folder: Path, files: Mapping[str, bytes], cut: date) -> duckdb.DuckDBPyConnection:
    """The warehouse of the last night, with another future after a cut."""
    home = new_home(folder / "home")
    fetch(home, folder / "archive", shock_archive(files, cut), LAST)
    return build(home, LAST)


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory, files: Mapping[str, bytes]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Another future after the first cut."""
    with shake(tmp_path_factory.mktemp("shaken"), files, CUTS[0]) as connection:
        yield connection


def test_another_future_changes_no_column_of_any_row_before_the_first_cut(
    told: duckdb.DuckDBPyConnection, shaken: duckdb.DuckDBPyConnection
) -> None:
    assert {table: found for table in dated(told) if (found := differences(told, shaken, table, CUTS[0]))} == {}


# the same by another cut; the ordinary run looks behind that one in the test of nights years apart
@pytest.mark.slow
@pytest.mark.parametrize("cut", CUTS[1:], ids=str)
def test_another_future_changes_no_column_of_any_row_before_a_later_cut(
    told: duckdb.DuckDBPyConnection, files: Mapping[str, bytes], tmp_path: Path, cut: date
) -> None:
    with shake(tmp_path, files, cut) as other:
        assert {table: found for table in dated(told) if (found := differences(told, other, table, cut))} == {}


@pytest.mark.parametrize("table", ["mart.daily_hedge_state", "mart.daily_governor", "mart.daily_policy_comparison"])
def test_another_future_changes_what_is_decided_in_it(
    told: duckdb.DuckDBPyConnection, shaken: duckdb.DuckDBPyConnection, table: str
) -> None:
    """The counter-test for the tables of the policy; `test_hedge_states` moves every state."""
    assert table in dated(told)
    assert differences(told, shaken, table, LAST) != {}


def test_clauses_are_compared_by_their_numbers() -> None:
    left = '[{"rule":"a","values":{"x_25":1.25},"truth":null}]'
    assert _same_text(left, left.replace("1.25", "1.2500000000000002"))
    assert not _same_text(left, left.replace("1.25", "1.2501"))
    assert not _same_text(left, left.replace("null", "true"))
    assert not _same_text(left, left.replace("1.25", "null"))


def test_another_future_changes_every_signal_that_moves_from_day_to_day(
    told: duckdb.DuckDBPyConnection, shaken: duckdb.DuckDBPyConnection
) -> None:
    """The counter-test: the shock reaches the signals, so that the test above can fail."""
    changed = set(differences(told, shaken, "mart.daily_signals", LAST))
    signals = {row[0] for row in told.execute("select signal from ref.signals").fetchall()}
    by_calendar = {name for name in signals if name.startswith(("next_", "sessions_", "is_fomc", "is_cpi", "is_ppi"))}
    not_moved = {
        "vx1_trading_days_to_expiry",
        "is_macro_event_window",
        "breadth_source",
        "etp_launches_12m",
        "etp_listed",
        "nber_phase",
        "is_vvix_extreme",  # too rare
        "sector_price_to_cash_flow_ratio",
    }
    of_the_last_session = {name for name in signals if name.startswith("chain_")}
    assert signals - by_calendar - not_moved - of_the_last_session - changed == set()


@pytest.mark.parametrize("cut", [pytest.param(CUTS[0], marks=pytest.mark.slow), CUTS[1]], ids=str)
def test_night_says_the_same_of_a_session_when_it_is_built_again_years_later(
    files: Mapping[str, bytes], tmp_path: Path, cut: date
) -> None:
    """What the night of the session published, against the same session after all later files have come in."""
    home = new_home(tmp_path / "home")
    fetch(home, tmp_path / "archive", files_until(cut), cut)
    with build(home, cut) as then:
        # later: every series comes back longer and restated to another base
        restated = {
            path: _rebased(body) if path.endswith(("CPIAUCSL", "PPIACO", "GDPC1", "RBUSBIS")) else body
            for path, body in files.items()
        }
        fetch(home, tmp_path / "archive", restated, LAST)
        with build(home, LAST) as later:
            assert {table: found for table in dated(then) if (found := differences(then, later, table, cut))} == {}


def _rebased(body: bytes) -> bytes:
    head, *lines = body.decode().splitlines()
    pairs = [line.split(",") for line in lines]
    return "\n".join([head, *(f"{day},{float(value) * 1.25 + 3:.4f}" for day, value in pairs), ""]).encode()


def test_every_column_of_the_signals_is_explained(told: duckdb.DuckDBPyConnection) -> None:
    """Each is a signal of the registry, a status, or the day and the basis on which a signal was known."""
    columns = [row[0] for row in told.execute("describe mart.daily_signals").fetchall()]
    signals = {row[0] for row in told.execute("select signal from ref.signals").fetchall()}
    others = [name for name in columns if name not in signals and name != "trade_date"]
    assert [name for name in others if not name.endswith(("_status", "_known_date", "_basis"))] == []
    assert signals <= set(columns)


def test_every_signal_names_a_status_and_a_day_that_are_columns(told: duckdb.DuckDBPyConnection) -> None:
    columns = {row[0] for row in told.execute("describe mart.daily_signals").fetchall()}
    for signal, status, known in told.execute("select signal, status_column, known from ref.signals").fetchall():
        assert status in columns, signal
        assert known == "evening" or known in columns, signal


def test_gaps_are_exactly_the_signals_without_a_value(told: duckdb.DuckDBPyConnection) -> None:
    signals = [row[0] for row in told.execute("select signal from ref.signals order by 1").fetchall()]
    frame = told.execute("from mart.daily_signals").df().set_index("trade_date")[signals]
    missing = frame.isna().stack()
    expected = {(day, signal) for (day, signal), is_missing in missing.items() if is_missing}
    gaps = told.execute("select trade_date, signal from mart.daily_signal_gaps").df()
    assert set(zip(gaps["trade_date"], gaps["signal"], strict=True)) == expected


def test_known_dates_are_never_after_the_session(told: duckdb.DuckDBPyConnection) -> None:
    columns = [row[0] for row in told.execute("describe mart.daily_signals").fetchall()]
    known = [name for name in columns if name.endswith("_known_date")]
    assert len(known) >= 8
    late = " or ".join(f"{name} > trade_date" for name in known)
    assert told.execute(f"select trade_date from mart.daily_signals where {late}").fetchall() == []


def test_nearly_every_signal_of_a_whole_market_has_a_value_on_its_last_session(
    told: duckdb.DuckDBPyConnection,
) -> None:
    gaps = told.execute("select signal from mart.daily_signal_gaps where trade_date = ?", [LAST]).fetchall()
    # launches of real funds do not apply to a made-up market, and no user file is there
    assert {row[0] for row in gaps} == {"etp_launches_12m", "etp_listed", "sector_price_to_cash_flow_ratio"}
