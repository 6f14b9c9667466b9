"""Calibrations in the warehouse: from its own tables, with the stored ones in their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.support.bench import Bench, land_archive, rows, value
from tests.support.crisis import PLAIN_LAST as LAST
from tests.support.crisis import plain_archive
from tests.support.shared import SharedFolders
from transforms.calibration import CALIBRATION_DTYPES, VALUE_COLUMNS, match_betas
from transforms.errors import ChecksFailedError, PipelineError
from transforms.options.model_surface import DEFAULT_PRICING_RULES, match_calibrations
from warehouse.calibrations import choose_newest, compute_calibrations, load_calibrations, write_weekly_calibrations
from warehouse.home import Home
from warehouse.stored_calibrations import StoredCalibration, write_calibration

CUT = date(2022, 8, 17)
MADE = ("ref.stored_calibrations", "mart.weekly_calibrations")


@pytest.fixture
def market(plain: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A made-up market of two years; what a test changes is rolled back."""
    plain.execute("begin")
    for table in MADE:
        plain.execute(f"drop table if exists {table}")
    yield plain
    plain.execute("rollback")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def stored(computed: pd.DataFrame, as_of: date, **changes: object) -> StoredCalibration:
    week = choose_newest(computed, as_of)
    assert week is not None
    return StoredCalibration(
        **{**week._asdict(), "values": {**week.values, **changes}},
        is_simulated=True,
        stored_at_utc="2022-08-20T16:30:00Z",
        run_id="run",
        warehouse_run_id="warehouse",
        code_version="0.1.0",
    )


def weekly(connection: duckdb.DuckDBPyConnection, home: Home) -> pd.DataFrame:
    load_calibrations(connection, home)
    written = write_weekly_calibrations(connection)
    frame = connection.execute("from mart.weekly_calibrations order by calibrated_on_date").df()
    assert written == {"mart.weekly_calibrations": len(frame)}
    return frame


def test_every_finished_week_has_a_row_and_the_next_session(market: duckdb.DuckDBPyConnection, home: Home) -> None:
    weekly(market, home)
    weeks = rows(
        market,
        "select max(trade_date) from mart.daily_term_structure group by date_trunc('week', trade_date) order by 1",
    )
    assert rows(market, "select calibrated_on_date from mart.weekly_calibrations order by 1") == weeks
    wrong = (
        "select count(*) from mart.weekly_calibrations where is_stored or used_from_date <> (select min(session_date) "
        "from ref.sessions where is_futures_session and session_date > calibrated_on_date)"
    )
    assert value(market, wrong) == 0


def test_betas_are_those_of_the_sensitivities(market: duckdb.DuckDBPyConnection, home: Home) -> None:
    weekly(market, home)
    for rank in range(1, 5):
        query = f"""
            select
                count(*) filter (found.vx{rank}_beta_ratio is distinct from slope.vx{rank}_beta_ratio),
                -- 90% of 252 pairs make a beta, fewer make none
                count(*) filter (
                    (found.vx{rank}_beta_sessions >= 0.9 * 252) <> (slope.vx{rank}_beta_ratio is not null)
                ),
                count(*) filter (found.vx{rank}_beta_ratio is not null),
                count(*) filter (found.vx{rank}_beta_ratio is null)
            from mart.weekly_calibrations as found
            join mart.daily_sensitivities as slope on slope.trade_date = found.calibrated_on_date
        """
        differences, miscounted, known, unknown = rows(market, query)[0]
        assert (differences, miscounted) == (0, 0)
        assert min(known, unknown) > 30


def test_beta_sessions_are_the_pairs_that_one_can_count(market: duckdb.DuckDBPyConnection, home: Home) -> None:
    last = weekly(market, home).iloc[-1]
    vix = dict(rows(market, "select trade_date, close_pts from core.daily_index_levels where index_code = 'VIX'"))
    settles = {row[:2]: row[2] for row in rows(market, "select trade_date, expiry_date, settle_pts "
                                                       "from core.daily_vx_settlements")}  # fmt: skip
    listed = {row[:2]: row[2] for row in rows(market, "select trade_date, tenor_rank, expiry_date "
                                                      "from core.daily_vx_listings")}  # fmt: skip
    days = [row[0] for row in rows(market, "select trade_date from mart.daily_term_structure order by 1")]
    for rank in range(1, 5):
        pairs = 0
        for before, day in zip(days[-253:-1], days[-252:], strict=True):
            expiry = listed.get((before, rank))
            prices = (settles.get((before, expiry)), settles.get((day, expiry)), vix.get(before), vix.get(day))
            pairs += expiry != day and None not in prices
        assert last[f"vx{rank}_beta_sessions"] == pairs


def test_later_data_change_no_earlier_calibration(
    shared_folders: SharedFolders, market: duckdb.DuckDBPyConnection, home: Home, bench: Bench
) -> None:
    land_archive(bench, plain_archive(shared_folders), until=CUT)
    known, later = (
        found[found["calibrated_on_date"] <= pd.Timestamp(CUT)]
        for found in (
            compute_calibrations(bench.build(today=LAST + timedelta(days=1), is_simulated=True)),
            compute_calibrations(market),
        )
    )
    assert known["calibrated_on_date"].max() == pd.Timestamp("2022-08-12")
    pd.testing.assert_frame_equal(known, later, check_exact=False, rtol=1e-12)


def test_stored_calibration_stands_in_the_place_of_the_computed_one(
    market: duckdb.DuckDBPyConnection, home: Home
) -> None:
    computed = compute_calibrations(market)
    write_calibration(home, stored(computed, CUT, vx1_beta_ratio=0.123, term_exponent=0.41))
    found = weekly(market, home)
    assert found["is_stored"].sum() == 1
    row = found[found["is_stored"]].iloc[0]
    assert row["calibrated_on_date"] == pd.Timestamp("2022-08-12")
    assert (row["vx1_beta_ratio"], row["term_exponent"]) == (0.123, 0.41)
    names = [name for name in CALIBRATION_DTYPES if name not in ("vx1_beta_ratio", "term_exponent")]
    pd.testing.assert_frame_equal(found[names], computed[names], check_dtype=False)
    others = found[~found["is_stored"]].index
    np.testing.assert_array_equal(found.loc[others, "vx1_beta_ratio"], computed.loc[others, "vx1_beta_ratio"])


def test_stored_calibration_of_a_week_without_data_is_kept(market: duckdb.DuckDBPyConnection, home: Home) -> None:
    entry = stored(compute_calibrations(market), CUT)
    long_ago = replace(entry, calibrated_on_date=date(2020, 1, 3), used_from_date=date(2020, 1, 6))
    write_calibration(home, long_ago)
    found = weekly(market, home)
    assert found.iloc[0]["calibrated_on_date"] == pd.Timestamp("2020-01-03")
    assert found.iloc[0]["is_stored"]


def test_stored_calibration_is_loaded_with_its_origin(market: duckdb.DuckDBPyConnection, home: Home) -> None:
    write_calibration(home, stored(compute_calibrations(market), CUT))
    assert load_calibrations(market, home) == 1
    query = (
        "select is_simulated, stored_at_utc at time zone 'UTC' = timestamp '2022-08-20 16:30:00', run_id, "
        "warehouse_run_id, code_version, length(content_sha256) from ref.stored_calibrations"
    )
    assert rows(market, query) == [(True, True, "run", "warehouse", "0.1.0", 64)]


def test_tables_have_the_same_columns_with_and_without_stored_ones(
    market: duckdb.DuckDBPyConnection, home: Home
) -> None:
    def columns() -> list[tuple[object, ...]]:
        weekly(market, home)
        found = rows(market, "describe mart.weekly_calibrations") + rows(market, "describe ref.stored_calibrations")
        for table in MADE:
            market.execute(f"drop table {table}")
        return found

    without = columns()
    write_calibration(home, stored(compute_calibrations(market), CUT))
    assert columns() == without
    assert [row[0] for row in without[: len(CALIBRATION_DTYPES) + 1]] == [*CALIBRATION_DTYPES, "is_stored"]


def test_column_that_came_later_is_not_known_for_an_older_calibration(
    market: duckdb.DuckDBPyConnection, home: Home
) -> None:
    entry = stored(compute_calibrations(market), CUT)
    values = {name: found for name, found in entry.values.items() if name != "vx4_beta_ratio"}
    write_calibration(home, replace(entry, values=values))
    weekly(market, home)
    assert value(market, "select vx4_beta_ratio from mart.weekly_calibrations where is_stored") is None


@pytest.mark.parametrize(
    ("name", "wrong"), [("vx1_beta_ratio", "0.6"), ("vx1_beta_sessions", 1.5), ("beta_calibration_status", 1)]
)
def test_stored_value_of_another_type_is_refused_with_its_file(
    market: duckdb.DuckDBPyConnection, home: Home, name: str, wrong: object
) -> None:
    path = write_calibration(home, stored(compute_calibrations(market), CUT, **{name: wrong}))
    with pytest.raises(ChecksFailedError) as refused:
        load_calibrations(market, home)
    assert (refused.value.where, name in str(refused.value.found)) == (str(path), True)


def test_corrupted_file_stops_the_loading(market: duckdb.DuckDBPyConnection, home: Home) -> None:
    path = write_calibration(home, stored(compute_calibrations(market), CUT))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ChecksFailedError) as refused:
        load_calibrations(market, home)
    assert (refused.value.exit_code, refused.value.where) == (4, str(path))


def test_shape_comes_from_the_chains_of_the_week(market: duckdb.DuckDBPyConnection) -> None:
    days = [row[0] for row in rows(market, "select trade_date from mart.daily_term_structure order by 1 desc limit 6")]
    market.execute("delete from mart.daily_chain_signals")
    market.execute("delete from mart.daily_vix_chain")
    market.execute("delete from core.daily_index_levels where index_code = 'VVIX'")
    for number, day in enumerate(days):
        market.execute(
            "insert into mart.daily_chain_signals by name select ?::date as trade_date, ? as chain_term_exponent, "
            "0.9 as chain_term_vol30_frac",
            [day, 0.3 + number / 100],
        )
        market.execute(
            "insert into core.daily_index_levels by name select ?::date as trade_date, 'VVIX' as index_code, "
            "90.0 as close_pts",
            [day],
        )
        market.execute(
            "insert into mart.daily_vix_chain by name select ?::date as trade_date, ?::date + 30 as expiry_date, "
            "30 as calendar_days_to_expiry, 30 / 365 as years_to_expiry, 1.0 as discount_frac, 0.9 as atm_vol_frac, "
            "1.0 as vol_25d_call_frac, 0.8 as vol_25d_put_frac, 'ok' as expiry_status",
            [day, day],
        )
    last = compute_calibrations(market).iloc[-1]
    assert (last["shape_calibration_status"], last["shape_sessions"]) == ("ok", 6)
    assert (last["term_exponent"], last["level_ratio"]) == (pytest.approx(0.325), pytest.approx(1.0))
    # by hand: k = sigma^2 T / 2 +- 0.6745 sigma sqrt(T)
    reach = 0.6744897501960817 * np.sqrt(30 / 365)
    call, put = 0.5 * 30 / 365 + reach, 0.32 * 30 / 365 - 0.8 * reach
    assert last["skew_ratio"] == pytest.approx(0.2 / (call - put) / 0.9)


def test_consumers_take_the_table_as_it_is(market: duckdb.DuckDBPyConnection, home: Home) -> None:
    write_calibration(
        home, stored(compute_calibrations(market), CUT, term_exponent=0.45, skew_ratio=0.7, level_ratio=0.95)
    )
    found = weekly(market, home)
    days = pd.Series(pd.to_datetime(["2022-08-12", "2022-08-15", "2022-08-19"]))
    shape, is_calibrated = match_calibrations(days, found, DEFAULT_PRICING_RULES)
    assert is_calibrated.tolist() == [False, True, True]
    assert shape.term_exponent.tolist() == [DEFAULT_PRICING_RULES.option_term_exponent, 0.45, 0.45]
    betas = match_betas(days, found)
    assert betas["used_from_date"].dt.strftime("%m-%d").tolist() == ["08-08", "08-15", "08-15"]


def test_warehouse_of_an_earlier_version_is_refused_in_words(market: duckdb.DuckDBPyConnection) -> None:
    market.execute("delete from ref.parameters where parameter = 'calibration_month_sessions'")
    with pytest.raises(PipelineError, match="cannot be calibrated") as refused:
        compute_calibrations(market)
    assert "calibration_month_sessions" in str(refused.value.found)


def test_warehouse_without_a_table_is_refused_in_words(market: duckdb.DuckDBPyConnection) -> None:
    market.execute("drop table mart.daily_vix_chain")
    with pytest.raises(PipelineError, match="cannot be calibrated") as refused:
        compute_calibrations(market)
    assert "daily_vix_chain" in str(refused.value.found)


def test_plain_values_have_no_numpy_and_no_nan(market: duckdb.DuckDBPyConnection) -> None:
    week = choose_newest(compute_calibrations(market), date(2022, 3, 5))
    assert week is not None
    assert (week.calibrated_on_date, week.used_from_date) == (date(2022, 3, 4), date(2022, 3, 7))
    assert set(week.values) == set(VALUE_COLUMNS)
    assert {type(found) for found in week.values.values()} == {type(None), int, float, str}
    assert week.values["term_exponent"] is None
    assert isinstance(week.values["vx1_beta_ratio"], float)
    assert choose_newest(compute_calibrations(market), date(2020, 1, 3)) is None
