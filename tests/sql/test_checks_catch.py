"""Every check catches what it claims: a planted fault gives offending rows, a clean market none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest

from tests.support.bench import NOW, Bench, land_archive, list_entry
from tests.support.book import MARKET_BOOK
from tests.support.market import LAST, write_market
from warehouse.checks import run_sql_checks
from warehouse.models import SQL_FOLDER

CHECKS = sorted((SQL_FOLDER / "checks").glob("*.sql"))
MARKET_MONTH = date(2025, 10, 22)

# SQL that plants the fault a check is for, on a clean build.
FAULTS = {
    "core.daily_bill_rates__not_older_than_carried": (
        "delete from core.daily_bill_rates where observation_date >= date '2025-09-02'"
    ),
    "core.daily_index_levels__newest_session_present": (
        f"delete from core.daily_index_levels where index_code = 'VVIX' and trade_date = '{LAST}'"
    ),
    "core.daily_index_levels__no_absurd_move": (
        "update core.daily_index_levels set close_pts = 10 * close_pts "
        "where index_code = 'SPX' and trade_date = '2025-08-05'"
    ),
    "core.daily_index_levels__newest_is_not_the_session_before_again": (
        "update core.daily_index_levels as newest set open_pts = earlier.open_pts, high_pts = earlier.high_pts, "
        "low_pts = earlier.low_pts, close_pts = earlier.close_pts from core.daily_index_levels as earlier "
        f"where newest.index_code = 'VIX' and newest.trade_date = '{LAST}' "
        "and earlier.index_code = 'VIX' and earlier.trade_date = '2025-09-09'"
    ),
    "core.daily_price_bars__no_absurd_move": (
        "insert into core.daily_price_bars by name select 'RSP' as symbol, unnest([180.0, 90.0]) as close_usd, "
        "unnest([date '2025-08-04', date '2025-08-05']) as trade_date"
    ),
    "core.daily_vx_settlements__monthlies_are_by_rule": (
        f"update stg.vx_listed_contracts set is_monthly = false where expiry_date = '{MARKET_MONTH}'"
    ),
    "core.daily_vx_settlements__no_spike_and_revert": (
        "update core.daily_vx_settlements set settle_pts = 2 * settle_pts "
        f"where expiry_date = '{MARKET_MONTH}' and trade_date = '2025-08-05'"
    ),
    "core.daily_vx_settlements__no_twin_contracts": (
        "update core.daily_vx_settlements as later set settle_pts = nearer.settle_pts "
        "from core.daily_vx_settlements as nearer where nearer.trade_date = later.trade_date "
        "and nearer.expiry_date = '2025-09-17' and later.expiry_date = '2025-10-22'"
    ),
    "core.daily_vx_settlements__session_agrees_with_vix": (
        "update core.daily_index_levels set close_pts = 70 where index_code = 'VIX' and trade_date = '2025-08-05'"
    ),
    "core.index_cross_checks__newest_moves_with_its_companions": (
        "update core.index_cross_checks set move_gap_log = 0.09, larger_move_log = 0.09 "
        f"where index_code = 'VIX3M' and trade_date = '{LAST}'"
    ),
    "core.index_cross_checks__none_left_its_companions": (
        "update core.index_cross_checks set move_gap_log = -0.41, larger_move_log = 0.4 "
        f"where index_code = 'VIX' and judged_by = 'VX1 and VX2' and trade_date = '{LAST}'"
    ),
    "core.settlement_cross_checks__newest_is_not_the_day_before_again": (
        "update core.settlement_cross_checks set is_line_repeated = true "
        f"where expiry_date = '{MARKET_MONTH}' and trade_date = '{LAST}'"
    ),
    "core.settlement_cross_checks__newest_lies_in_its_day": (
        "update core.settlement_cross_checks set outside_range_log = 0.006 "
        f"where expiry_date = '{MARKET_MONTH}' and trade_date = '{LAST}'"
    ),
    "core.settlement_cross_checks__newest_moves_with_its_neighbours": (
        "update core.settlement_cross_checks set move_gap_log = -0.04, curve_move_log = 0.01 "
        f"where expiry_date = '{MARKET_MONTH}' and trade_date = '{LAST}'"
    ),
    "core.settlement_cross_checks__newest_volume_is_plausible": (
        f"update core.settlement_cross_checks set volume_contracts = 0 where trade_date = '{LAST}'"
    ),
    "core.settlement_cross_checks__none_left_its_curve": (
        "update core.settlement_cross_checks set move_gap_log = 0.2, curve_move_log = 0.15 "
        f"where expiry_date = '{MARKET_MONTH}' and trade_date = '{LAST}'"
    ),
    "core.settlement_differences__contract_file_confirms_same_evening": (
        f"insert into core.settlement_differences values ('{LAST}', '{MARKET_MONTH}', 17, null, 17.05)"
    ),
    "core.vx_final_settlements__newest_is_near_the_vix": (
        "update core.daily_vx_settlements set is_final_settlement = true, settle_pts = 30 "
        f"where expiry_date = '{MARKET_MONTH}' and trade_date = '{LAST}'"
    ),
    "core.vx_final_settlements__printed_equals_official": (
        "update core.vx_final_settlements set official_final_settle_pts = contract_file_pts + 0.09 "
        "where expiry_date = '2025-07-16'"
    ),
    "mart.book_orders__know_nothing_later": (
        "delete from mart.book_exposure where trade_date = (select min(trade_date) from mart.book_exposure)"
    ),
    "mart.book_orders__lead_to_the_target": (
        "update mart.book_orders set order_contracts = order_contracts - 16 where instrument = 'VXM 2025-10-22'"
    ),
    "mart.book_orders__leave_no_short_call_alone": (
        "update mart.book_orders set held_contracts = 1 where instrument = 'VIX 2025-10-22 C 25'"
    ),
    "mart.daily_governor__mode_agrees_with_guards": (
        "update mart.daily_governor set governor_mode = 'promoter', guards_held = null "
        "where trade_date = (select min(trade_date) from mart.daily_governor where guards_held is not null)"
    ),
    "mart.daily_hedge_ledger__layers_add_up_to_the_portfolio": (
        f"update mart.daily_hedge_ledger set cost_usd = cost_usd - 0.01 where layer = 'base' and trade_date = '{LAST}'"
    ),
    "mart.daily_hedge_ledger__pieces_add_up_to_the_cent": (
        "update mart.daily_hedge_ledger set roll_usd = roll_usd + 0.01 "
        f"where layer = 'portfolio' and trade_date = '{LAST}'"
    ),
    "mart.daily_hedge_state__every_session_has_every_layer": (
        "delete from mart.daily_hedge_state where layer = 'base' and trade_date = '2025-08-05'"
    ),
    "mart.daily_hedge_state__no_step_by_a_steward": (
        "update mart.daily_hedge_state set step_count = 1, governor_mode = 'steward' "
        f"where layer = 'temporal_vega' and trade_date = '{LAST}'"
    ),
    "mart.daily_hedge_state__policy_is_on_record": (
        f"update mart.daily_hedge_state set policy_hash = 'another' where layer = 'base' and trade_date = '{LAST}'"
    ),
    "mart.daily_positions__base_is_within_its_band": (
        "update mart.daily_positions set target_contracts = 10 * target_contracts "
        "where layer = 'base' and reason like 'entered%'"
    ),
    "mart.daily_positions__short_options_have_a_bound": (
        "insert into mart.daily_positions by name select date '2025-08-05' as trade_date, 'second_engine' as layer, "
        "'VIX 2025-09-17 C 25' as instrument, -1 as held_contracts"
    ),
    "mart.daily_positions__trades_lead_to_what_is_held": (
        "update mart.daily_positions set held_contracts = held_contracts + 1 where trade_date = '2025-08-05'"
    ),
    "mart.daily_term_structure__every_session_has_every_month": (
        f"delete from core.daily_vx_settlements where expiry_date = '{MARKET_MONTH}' and trade_date = '2025-08-05'"
    ),
    "mart.daily_term_structure__is_not_late": "update ref.run set due_session = date '2025-09-15'",
    "mart.daily_term_structure__newest_session_has_front_months": (
        f"update mart.daily_term_structure set vx3_settle_pts = null where trade_date = '{LAST}'"
    ),
    "mart.daily_term_structure__newest_session_skips_no_month": (
        f"delete from core.daily_vx_listings where expiry_date = '{MARKET_MONTH}'"
    ),
    "mart.daily_term_structure__one_row_a_session": (
        "delete from mart.daily_term_structure where trade_date = '2025-08-05'"
    ),
    "mart.daily_volatility_indices__returns_have_no_hole": (
        "update mart.daily_volatility_indices set short_term_er = null where trade_date = '2025-08-05'"
    ),
    "mart.layer_transitions__lead_to_the_states": (
        f"update mart.daily_hedge_state set state = 'blocked' where layer = 'base' and trade_date = '{LAST}'"
    ),
    "mart.weekly_calibrations__one_row_a_week": (
        "delete from mart.weekly_calibrations where calibrated_on_date = '2025-08-08'"
    ),
    "mart.weekly_calibrations__used_after_its_week": (
        "update mart.weekly_calibrations set used_from_date = calibrated_on_date "
        "where calibrated_on_date = '2025-08-08'"
    ),
    "ops.quarantined_rows__contract_list_is_clean": (
        "insert into ops.quarantined_rows by name select 'vx_contract_list' as dataset, 'VX_product_list.json' as "
        "file_name, 1 as line_no, 'rejected' as disposition, 'path_is_not_the_contracts_own' as reason"
    ),
    "ops.source_files__no_current_file_is_refused": (
        "update ops.source_files set refusal = 'a web page' where file_name = 'VIX_History.csv'"
    ),
    "ops.value_revisions__history_is_not_rewritten": (
        f"insert into ops.value_revisions select run_id, null, 'core.daily_vx_settlements', date '{LAST}' + 3, "
        "'VXV25', 'settle_pts', '17.5', null from ref.run"
    ),
    "ops.value_revisions__restatements_are_small": (
        "insert into ops.value_revisions select run_id, null, 'core.daily_vx_settlements', date '2025-08-05', 'VXV25', "
        "'settle_pts', '17.5', '18.1' from ref.run"
    ),
    "ref.book__is_the_account_of_every_row": (
        "update mart.book_orders set account_nav_usd = (select value from ref.parameters "
        "where parameter = 'model_nav_usd') where instrument = 'VXM 2025-10-22'"
    ),
    "ref.corrections__touch_the_rows_they_name": (
        "insert into ref.corrections values ('made_up', 'vx_contract', 'VX_2025-10-22.csv', 'no such text', 'flag', "
        "'made_up', 'none', 1)"
    ),
    "stg.vx_contract_rows__every_file_has_usable_rows": (
        "update stg.vx_contract_rows set reject_reason = 'label_of_another_contract' "
        "where file_name = 'VX_2025-10-22.csv'"
    ),
    "stg.vx_contract_rows__newest_lines_are_usable": (
        "update stg.vx_contract_rows set reject_reason = 'settle_out_of_range' "
        f"where file_name = 'VX_2025-10-22.csv' and trade_date = '{LAST}'"
    ),
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("checks")
    market = write_market(folder / "archive")
    market.write_daily_settlements(market.last)
    bench = Bench(folder / "home")
    land_archive(bench, folder / "archive")
    bench.land("book", "book.toml", MARKET_BOOK, publisher="user")
    yield bench.build(due_session=market.last)
    bench.close()


@pytest.fixture
def spoilable(clean: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The clean build; what a test does to it is rolled back."""
    clean.execute("begin")
    yield clean
    clean.execute("rollback")


def offending(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    (result,) = run_sql_checks(connection, prefixes=(name,))
    return result.offending_rows


def test_every_check_has_a_planted_fault() -> None:
    assert sorted(FAULTS) == [path.stem for path in CHECKS]


def test_clean_market_fails_no_check(clean: duckdb.DuckDBPyConnection) -> None:
    assert [(result.check_name, result.sample) for result in run_sql_checks(clean) if not result.is_passed] == []


@pytest.mark.parametrize("name", FAULTS)
def test_check_finds_the_planted_fault(spoilable: duckdb.DuckDBPyConnection, name: str) -> None:
    spoilable.execute(FAULTS[name])
    assert offending(spoilable, name) > 0


def test_bill_rate_check_fails_without_any_rate(spoilable: duckdb.DuckDBPyConnection) -> None:
    spoilable.execute("delete from core.daily_bill_rates")
    assert offending(spoilable, "core.daily_bill_rates__not_older_than_carried") == 1


def test_index_check_does_not_ask_for_optional_indices(clean: duckdb.DuckDBPyConnection) -> None:
    assert clean.execute("select count(*) from core.daily_index_levels where index_code = 'VXTH'").fetchall() == [(0,)]
    assert offending(clean, "core.daily_index_levels__newest_session_present") == 0


def test_spike_check_leaves_flagged_settlements_out(spoilable: duckdb.DuckDBPyConnection) -> None:
    name = "core.daily_vx_settlements__no_spike_and_revert"
    spoilable.execute(FAULTS[name])
    spoilable.execute(
        "update core.daily_vx_settlements set is_doubtful = true "
        f"where expiry_date = '{MARKET_MONTH}' and trade_date = '2025-08-05'"
    )
    assert offending(spoilable, name) == 0


def test_layer_check_finds_a_row_without_a_session(spoilable: duckdb.DuckDBPyConnection) -> None:
    spoilable.execute(
        "update mart.daily_hedge_state set trade_date = date '2030-01-02' where trade_date = '2025-08-05'"
    )
    # three rows that belong to no session, and one session without its three layers
    assert offending(spoilable, "mart.daily_hedge_state__every_session_has_every_layer") == 6


def test_layer_check_finds_a_row_that_is_there_twice(spoilable: duckdb.DuckDBPyConnection) -> None:
    spoilable.execute("insert into mart.daily_governor from mart.daily_governor where trade_date = '2025-08-05'")
    assert offending(spoilable, "mart.daily_hedge_state__every_session_has_every_layer") == 1


@pytest.mark.parametrize("truth", ["true", "null"])
def test_guard_check_finds_a_promoter_with_a_guard_that_does_not_permit(
    spoilable: duckdb.DuckDBPyConnection, truth: str
) -> None:
    spoilable.execute("update mart.daily_hedge_state set governor_mode = 'promoter'")
    spoilable.execute(
        "update mart.daily_governor set governor_mode = 'promoter', guards_held = null, guard_clauses = '[]'"
    )
    name = "mart.daily_governor__mode_agrees_with_guards"
    assert offending(spoilable, name) == 0
    clauses = f'[{{"rule": "a", "truth": false}}, {{"rule": "b", "truth": {truth}}}]'
    spoilable.execute("update mart.daily_governor set guard_clauses = ? where trade_date = '2025-08-05'", [clauses])
    assert offending(spoilable, name) == 1


def test_guard_check_finds_a_layer_in_another_mode(spoilable: duckdb.DuckDBPyConnection) -> None:
    other = "case governor_mode when 'steward' then 'promoter' else 'steward' end"
    where = f"where layer = 'base' and trade_date = '{LAST}'"
    spoilable.execute(f"update mart.daily_hedge_state set governor_mode = {other} {where}")
    assert offending(spoilable, "mart.daily_governor__mode_agrees_with_guards") == 1


def test_step_check_finds_two_steps_of_a_promoter_in_one_session(spoilable: duckdb.DuckDBPyConnection) -> None:
    spoilable.execute("update mart.daily_hedge_state set step_count = 0, governor_mode = 'promoter'")
    where = f"where layer = 'temporal_vega' and trade_date = '{LAST}'"
    spoilable.execute(f"update mart.daily_hedge_state set step_count = 1 {where}")
    assert offending(spoilable, "mart.daily_hedge_state__no_step_by_a_steward") == 0
    spoilable.execute(f"update mart.daily_hedge_state set step_count = 2 {where}")
    assert offending(spoilable, "mart.daily_hedge_state__no_step_by_a_steward") == 1


def test_policy_check_finds_a_row_before_the_policys_first_session(spoilable: duckdb.DuckDBPyConnection) -> None:
    spoilable.execute(f"update ref.policies set effective_from = date '{LAST}'")
    sessions = spoilable.execute("select count(*) from mart.daily_signals").fetchall()[0][0]
    assert offending(spoilable, "mart.daily_hedge_state__policy_is_on_record") == 3 * (sessions - 1)


def test_transition_check_finds_a_start_that_no_transition_led_to(spoilable: duckdb.DuckDBPyConnection) -> None:
    spoilable.execute("update mart.layer_transitions set from_state = 'armed' where layer = 'base'")
    assert offending(spoilable, "mart.layer_transitions__lead_to_the_states") == 1


def test_week_check_finds_a_session_that_is_the_first_of_two_weeks(spoilable: duckdb.DuckDBPyConnection) -> None:
    later = "where calibrated_on_date = '2025-08-15'"
    spoilable.execute(f"update mart.weekly_calibrations set used_from_date = date '2025-08-11' {later}")
    assert offending(spoilable, "mart.weekly_calibrations__one_row_a_week") == 1
    # and it lies before the end of its week
    assert offending(spoilable, "mart.weekly_calibrations__used_after_its_week") == 1


@pytest.mark.parametrize(("is_stored", "found"), [(True, 0), (False, 1)])
def test_week_check_lets_only_a_stored_row_begin_later_than_the_next_session(
    spoilable: duckdb.DuckDBPyConnection, is_stored: bool, found: int
) -> None:
    spoilable.execute(
        "update mart.weekly_calibrations set used_from_date = used_from_date + 1, is_stored = ? "
        "where calibrated_on_date = '2025-08-08'",
        [is_stored],
    )
    assert offending(spoilable, "mart.weekly_calibrations__used_after_its_week") == found


def test_month_check_finds_a_month_that_was_never_listed(spoilable: duckdb.DuckDBPyConnection) -> None:
    spoilable.execute(f"delete from core.daily_vx_listings where expiry_date = '{MARKET_MONTH}'")
    assert offending(spoilable, "mart.daily_term_structure__every_session_has_every_month") > 0


def test_rule_check_finds_a_weekly_on_a_monthly_date(bench: Bench) -> None:
    bench.contract_list(list_entry(date(2025, 9, 17), duration="W"), list_entry(date(2025, 9, 24), duration="M"))
    assert offending(bench.build(), "core.daily_vx_settlements__monthlies_are_by_rule") == 2


def test_refusal_check_is_content_once_a_good_version_has_come(bench: Bench) -> None:
    bench.land("index_history", "VIX_History.csv", "<html>Access denied</html>")
    bench.index("VIX", "09/12/2025,17", at=NOW + timedelta(hours=1))
    assert offending(bench.build(), "ops.source_files__no_current_file_is_refused") == 0


def test_refusal_check_leaves_what_a_user_took_away(spoilable: duckdb.DuckDBPyConnection) -> None:
    check = "ops.source_files__no_current_file_is_refused"
    before = offending(spoilable, check)
    spoilable.execute(
        "insert into ops.source_files (publisher, file_name, is_newest, refusal) "
        "values ('user', 'book.toml', true, 'no TOML')"
    )
    assert offending(spoilable, check) == before + 1
    spoilable.execute("update ops.source_files set absent = 'not in inputs/' where publisher = 'user'")
    assert offending(spoilable, check) == before


BOOK_FAULTS = {
    "mart.book_orders__know_nothing_later": (
        "update mart.book_orders set trade_date = trade_date - 1",
        "update mart.book_layers set trade_date = trade_date + 1",
        (
            "update mart.book_exposure set trade_date = trade_date + 1 "
            "where trade_date = (select max(trade_date) from mart.book_exposure)"
        ),
    ),
    "mart.book_orders__lead_to_the_target": (
        "update mart.book_orders set target_contracts = target_contracts + 1",
        "update mart.book_orders set target_contracts = null where instrument = 'VXM 2025-09-17'",
        "update mart.book_orders set order_contracts = 0 where instrument = 'VXM 2025-09-17'",
        "update mart.book_orders set order_contracts = order_contracts + 1 where starts_with(instrument, 'VIX')",
    ),
    "ref.book__is_the_account_of_every_row": (
        "delete from ref.book",
        "insert into ref.book by name select date '2025-08-01' as as_of_date, 1.0 as account_nav_usd",
        "update mart.book_layers set account_nav_usd = null",
    ),
}


@pytest.mark.parametrize(("name", "fault"), [(name, fault) for name, faults in BOOK_FAULTS.items() for fault in faults])
def test_check_of_the_book_finds_every_kind_of_fault(
    spoilable: duckdb.DuckDBPyConnection, name: str, fault: str
) -> None:
    spoilable.execute(fault)
    assert offending(spoilable, name) > 0


def restate(connection: duckdb.DuckDBPyConnection, count: int, old: float, new: float | None) -> None:
    """Note so many settlements as restated tonight."""
    connection.execute(
        "insert into ops.value_revisions select run_id, null, 'core.daily_vx_settlements', "
        "date '2025-06-02' + number::int, 'VXV25', 'settle_pts', ?, ? from ref.run, range(?) as numbers (number)",
        [str(old), None if new is None else str(new), count],
    )


@pytest.mark.parametrize(
    ("count", "old", "new", "is_small", "is_refused"),
    [
        (25, 17.5, 17.8, True, False),
        (26, 17.5, 17.6, False, False),
        (1, 17.5, 17.9, False, False),
        (20, 17.5, None, False, False),
        (21, 17.5, None, False, True),
        (100, 17.5, 18.5, False, False),
        (101, 17.5, 18.5, False, True),
        (500, 17.5, 17.6, False, False),
    ],
)
def test_restatements_are_judged_by_number_and_size(
    spoilable: duckdb.DuckDBPyConnection, count: int, old: float, new: float | None, is_small: bool, is_refused: bool
) -> None:
    # nothing of the made-up market is later than its newest session
    restate(spoilable, count, old, new)
    spoilable.execute("update ops.value_revisions set trade_date = least(trade_date, date '2025-09-12')")
    assert (offending(spoilable, "ops.value_revisions__restatements_are_small") == 0) is is_small
    assert (offending(spoilable, "ops.value_revisions__history_is_not_rewritten") > 0) is is_refused


@pytest.mark.parametrize("column", ["open_pts", "volume_contracts", "close_pts"])
def test_what_nothing_is_computed_from_may_be_restated(spoilable: duckdb.DuckDBPyConnection, column: str) -> None:
    restate(spoilable, 200, 17.5, 25)
    spoilable.execute("update ops.value_revisions set column_name = ?", [column])
    assert offending(spoilable, "ops.value_revisions__restatements_are_small") == 0
    assert offending(spoilable, "ops.value_revisions__history_is_not_rewritten") == 0


def test_settlement_restated_off_its_curve_is_refused_whatever_its_session(
    spoilable: duckdb.DuckDBPyConnection,
) -> None:
    name = "core.settlement_cross_checks__none_left_its_curve"
    line = f"where expiry_date = '{MARKET_MONTH}' and trade_date = '2025-08-05'"
    spoilable.execute(f"update core.settlement_cross_checks set move_gap_log = 0.3, curve_move_log = 0 {line}")
    assert offending(spoilable, name) == 0
    spoilable.execute(
        "insert into ops.value_revisions select run_id, null, 'core.daily_vx_settlements', date '2025-08-05', 'VXV25', "
        "'settle_pts', '18', '24' from ref.run"
    )
    assert offending(spoilable, name) == 1


def test_check_names_the_newest_session_first(spoilable: duckdb.DuckDBPyConnection) -> None:
    # a report shows five rows, and is degraded by those of its own session alone
    spoilable.execute(
        f"insert into core.settlement_differences select date '{LAST}' - 7 + number::int, '{MARKET_MONTH}', 17, null, "
        "17.05 from range(8) as numbers (number)"
    )
    name = "core.settlement_differences__contract_file_confirms_same_evening"
    (result,) = run_sql_checks(spoilable, prefixes=(name,))
    assert LAST.isoformat() in result.sample
