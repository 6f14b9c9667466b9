"""The macro marts: every formula by hand, what is stale or missing, and events as they were announced."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from statistics import stdev
from typing import Any

import pytest

from tests.support.bench import ModelBench, sessions_from
from warehouse.models import SQL_FOLDER

OBSERVATIONS = (
    "series_id varchar, reference_date date, known_date date, observed_value double, known_basis varchar, "
    "is_first_release boolean"
)
EMPTY = {
    "core.daily_bill_rates": "observation_date date, bill_discount_rate_frac double",
    "core.daily_policy_rates": "observation_date date, policy_rate_frac double",
    "core.macro_observations": OBSERVATIONS,
    "core.macro_events": (
        "event_kind varchar, event_date date, known_date date, withdrawn_date date, event_basis varchar"
    ),
    "core.monthly_valuations": (
        "reference_date date, sp500_mean_pts double, earnings_ttm_pts double, price_known_date date, "
        "earnings_known_date date"
    ),
    "core.sector_valuations": ("sector varchar, reference_date date, known_date date, price_to_cash_flow_ratio double"),
    "core.daily_fund_values": "trade_date date, symbol varchar, net_assets_usd double",
    "ref.etp_launches": "symbol varchar, launch_date date, end_date date",
    "ref.nber_turning_points": "turning_month date, turning_point varchar, announced_date date",
}
AGES = [("DTB3", 10), ("DFF", 10), ("CPIAUCSL", 60), ("PPIACO", 60), ("RBUSBIS", 75), ("USREC", 75), ("GDPC1", 150)]


@pytest.fixture
def macro(model_bench: ModelBench) -> ModelBench:
    """A bench with every input of mart.daily_macro, empty, and the equity sessions of 2020 to 2026 as weekdays."""
    for table, columns in EMPTY.items():
        model_bench.table(table, columns, [])
    model_bench.table("ref.macro_series", "series_id varchar, longest_age_days bigint", AGES)
    set_sessions(model_bench, sessions_from(date(2020, 1, 1), 1700))
    for name, number in (("surprise_expectation_changes", 2), ("surprise_history_releases", 3)):
        model_bench.set_parameter(name, number)
    model_bench.set_parameter("reer_history_months", 4)
    return model_bench


def set_sessions(bench: ModelBench, days: Iterable[date], *, without: Iterable[date] = ()) -> None:
    closed = set(without)
    rows = [(day, day not in closed) for day in days]
    bench.table("ref.sessions", "session_date date, is_equity_session boolean", rows)


def set_days(bench: ModelBench, *days: date) -> None:
    bench.table("core.daily_vx_settlements", "trade_date date", [(day,) for day in days])


def months(first: date, count: int, step: int = 1) -> list[date]:
    numbers = [first.year * 12 + first.month - 1 + n * step for n in range(count)]
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def observe(bench: ModelBench, series_id: str, *values: tuple[Any, ...]) -> None:
    """(period, known, value) rows; the first of a period is its first release."""
    seen: set[date] = set()
    found = []
    for period, known, number in values:
        found.append((series_id, period, known, number, "published", period not in seen))
        seen.add(period)
    bench.table("core.macro_observations", OBSERVATIONS, found)


def make(bench: ModelBench, *models: str) -> None:
    """Build models on the hand-made tables."""
    for model in models:
        schema, table = model.split(".")
        sql = (SQL_FOLDER / schema / f"{table}.sql").read_text(encoding="utf-8")
        bench.connection.execute(f"create or replace table {model} as {sql}")


def daily(bench: ModelBench, columns: str) -> list[tuple[Any, ...]]:
    make(
        bench,
        "mart.macro_price_readings",
        "mart.macro_output_readings",
        "mart.macro_exchange_readings",
        "mart.daily_macro_events",
        "mart.daily_valuations",
    )
    return bench.run("mart.daily_macro", columns)


# ---- prices ----

PRICES = [100.0, 101.0, 102.2, 103.0, 104.5, 104.4, 106.0, 107.2]
PERIODS = months(date(2023, 1, 1), len(PRICES))
RELEASES = [period + timedelta(days=43) for period in PERIODS]


def price_readings(bench: ModelBench, values: Mapping[date, float], columns: str) -> dict[date, tuple[Any, ...]]:
    releases = dict(zip(PERIODS, RELEASES, strict=True))
    observe(bench, "CPIAUCSL", *((period, releases[period], number) for period, number in values.items()))
    found = bench.run("mart.macro_price_readings", f"known_date, reference_date, {columns}")
    return {row[1]: row[2:] for row in found}


def test_monthly_change_is_against_the_month_before(macro: ModelBench) -> None:
    found = price_readings(macro, dict(zip(PERIODS, PRICES, strict=True)), "mom_frac, mom_status")
    assert found[PERIODS[0]] == (None, "warming_up")
    assert found[PERIODS[1]] == (pytest.approx(0.01), "ok")


def test_surprise_is_the_change_less_the_mean_of_the_changes_before(macro: ModelBench) -> None:
    columns = "expected_mom_frac, surprise_frac, surprise_status"
    found = price_readings(macro, dict(zip(PERIODS, PRICES, strict=True)), columns)
    assert found[PERIODS[2]] == (None, None, "warming_up")
    expected = (101 / 100 - 1 + 102.2 / 101 - 1) / 2
    assert found[PERIODS[3]] == (pytest.approx(expected), pytest.approx(103 / 102.2 - 1 - expected), "ok")


def test_surprise_is_scaled_by_the_surprises_before_it(macro: ModelBench) -> None:
    found = price_readings(
        macro, dict(zip(PERIODS, PRICES, strict=True)), "surprise_frac, surprise_z, surprise_z_status"
    )
    surprises = [found[period][0] for period in PERIODS[3:]]
    assert found[PERIODS[5]][1:] == (None, "warming_up")
    assert found[PERIODS[6]][1:] == (pytest.approx(surprises[3] / stdev(surprises[:3])), "ok")
    assert found[PERIODS[7]][1:] == (pytest.approx(surprises[4] / stdev(surprises[1:4])), "ok")


def test_month_without_a_value_leaves_the_next_change_missing(macro: ModelBench) -> None:
    values = dict(zip(PERIODS, PRICES, strict=True))
    del values[PERIODS[4]]
    found = price_readings(macro, values, "mom_frac, surprise_frac, mom_status, surprise_status, surprise_z_status")
    assert PERIODS[4] not in found
    assert found[PERIODS[5]] == (None, None, "absent", "absent", "absent")


def test_month_without_a_value_does_not_count_in_the_expectation(macro: ModelBench) -> None:
    values = dict(zip(PERIODS, PRICES, strict=True))
    del values[PERIODS[4]]
    found = price_readings(macro, values, "expected_mom_frac")
    # the changes before that of the seventh month that there are: those of the fourth and the third
    assert found[PERIODS[6]] == (pytest.approx((103 / 102.2 - 1 + 102.2 / 101 - 1) / 2),)


def test_month_filled_in_late_is_in_no_earlier_expectation(macro: ModelBench) -> None:
    rows = list(zip(PERIODS, RELEASES, PRICES, strict=True))
    rows[4] = (PERIODS[4], RELEASES[7], 140.0)
    observe(macro, "CPIAUCSL", *rows)
    found = macro.run("mart.macro_price_readings", "known_date, reference_date, mom_frac, expected_mom_frac")
    assert found[-2][1:] == (
        PERIODS[6],
        pytest.approx(106 / 104.4 - 1),
        pytest.approx((103 / 102.2 - 1 + 102.2 / 101 - 1) / 2),
    )
    assert found[-1][1] == PERIODS[7]


def test_first_published_change_is_not_revised(macro: ModelBench) -> None:
    revised = PERIODS[1], RELEASES[2], 100.2
    rows = list(zip(PERIODS, RELEASES, PRICES, strict=True))[:3]
    observe(macro, "CPIAUCSL", *rows, revised)
    found = macro.run("mart.macro_price_readings", "known_date, reference_date, mom_frac")
    assert found[1] == (RELEASES[1], PERIODS[1], pytest.approx(0.01))
    # the third month is measured against the second as it stood on that day
    assert found[2] == (RELEASES[2], PERIODS[2], pytest.approx(102.2 / 100.2 - 1))


def test_yearly_change_is_of_the_panel_of_the_day(macro: ModelBench) -> None:
    first, last = date(2023, 1, 1), date(2024, 1, 1)
    between = [(period, date(2023, 12, 20), 100.0) for period in months(date(2023, 2, 1), 11)]
    rebased = [(first, date(2024, 5, 2), 50.0), (last, date(2024, 5, 2), 53.0)]
    observe(macro, "CPIAUCSL", (first, date(2023, 2, 13), 100.0), *between, (last, date(2024, 2, 13), 104.0), *rebased)
    found = macro.run("mart.macro_price_readings", "known_date, reference_date, released_date, yoy_frac, yoy_status")
    assert found[-2:] == [
        (date(2024, 2, 13), last, date(2024, 2, 13), pytest.approx(0.04), "ok"),
        (date(2024, 5, 2), last, date(2024, 2, 13), pytest.approx(0.06), "ok"),
    ]
    assert found[0][3:] == (None, "warming_up")


def test_yearly_change_across_a_month_never_published_is_absent(macro: ModelBench) -> None:
    rows = [(period, period + timedelta(days=43), 100.0) for period in months(date(2023, 1, 1), 14)]
    del rows[1]
    observe(macro, "CPIAUCSL", *rows)
    found = macro.run("mart.macro_price_readings", "known_date, reference_date, yoy_frac, yoy_status")
    assert found[-1][1:] == (date(2024, 2, 1), None, "absent")


# ---- output ----

QUARTERS = months(date(2022, 1, 1), 6, step=3)
GDP = [100.0, 101.0, 102.0, 103.0, 102.0, 104.0]
GDP_DAYS = [quarter + timedelta(days=118) for quarter in QUARTERS]


def test_gdp_growth_is_over_the_year_and_the_quarter(macro: ModelBench) -> None:
    observe(macro, "GDPC1", *zip(QUARTERS, GDP_DAYS, GDP, strict=True))
    columns = "known_date, gdp_growth_yoy_frac, gdp_growth_qoq_annualised_frac, gdp_cycle, gdp_status"
    found = macro.run("mart.macro_output_readings", columns)
    assert found[3] == (GDP_DAYS[3], None, None, None, "warming_up")
    fall = (102 / 103) ** 4 - 1
    assert found[4] == (GDP_DAYS[4], pytest.approx(0.02), pytest.approx(fall), "contraction", "ok")
    rise = (104 / 102) ** 4 - 1
    assert found[5] == (GDP_DAYS[5], pytest.approx(104 / 101 - 1), pytest.approx(rise), "expansion", "ok")


def test_gdp_of_a_new_base_year_is_no_growth(macro: ModelBench) -> None:
    rebased = [(quarter, date(2023, 9, 28), number / 4) for quarter, number in zip(QUARTERS, GDP, strict=True)]
    observe(macro, "GDPC1", *zip(QUARTERS, GDP_DAYS, GDP, strict=True), *rebased)
    columns = "known_date, gdp_growth_yoy_frac, gdp_growth_qoq_annualised_frac, released_date"
    before, after = macro.run("mart.macro_output_readings", columns)[-2:]
    assert after[0] == date(2023, 9, 28)
    assert after[1:] == (pytest.approx(before[1]), pytest.approx(before[2]), GDP_DAYS[5])


def test_gdp_revised_below_zero_turns_the_cycle_from_that_day(macro: ModelBench) -> None:
    revised = (QUARTERS[5], GDP_DAYS[5] + timedelta(days=30), 101.9)
    observe(macro, "GDPC1", *zip(QUARTERS, GDP_DAYS, GDP, strict=True), revised)
    found = macro.run("mart.macro_output_readings", "known_date, gdp_cycle")
    assert found[-2:] == [(GDP_DAYS[5], "expansion"), (revised[1], "contraction")]


def test_gdp_next_to_a_missing_quarter_is_absent(macro: ModelBench) -> None:
    rows = list(zip(QUARTERS, GDP_DAYS, GDP, strict=True))
    del rows[4]
    observe(macro, "GDPC1", *rows)
    found = macro.run("mart.macro_output_readings", "known_date, gdp_growth_yoy_frac, gdp_cycle, gdp_status")
    assert found[-1][1:] == (None, None, "absent")


# ---- exchange rate ----

REER = [100.0, 101.0, 99.0, 102.0, 104.0, 103.0, 105.0, 110.0]


def test_exchange_rate_shift_is_scaled_by_the_changes_before(macro: ModelBench) -> None:
    observe(macro, "RBUSBIS", *zip(PERIODS, RELEASES, REER, strict=True))
    columns = "known_date, reer_change_3m_log, reer_shift_z, reer_status, reer_shift_status"
    found = macro.run("mart.macro_exchange_readings", columns)
    changes = [math.log(now / before) for now, before in zip(REER[3:], REER, strict=False)]
    assert found[2] == (RELEASES[2], None, None, "warming_up", "warming_up")
    assert found[6] == (RELEASES[6], pytest.approx(changes[3]), None, "ok", "warming_up")
    mean = sum(changes[:4]) / 4
    z = (changes[4] - mean) / stdev(changes[:4])
    assert found[7] == (RELEASES[7], pytest.approx(changes[4]), pytest.approx(z), "ok", "ok")


def test_exchange_rate_in_a_new_base_is_the_same_shift(macro: ModelBench) -> None:
    rebased = [(period, date(2024, 2, 1), number * 0.8) for period, number in zip(PERIODS, REER, strict=True)]
    observe(macro, "RBUSBIS", *zip(PERIODS, RELEASES, REER, strict=True), *rebased)
    before, after = macro.run("mart.macro_exchange_readings", "known_date, reer_change_3m_log, reer_shift_z")[-2:]
    assert after[1:] == (pytest.approx(before[1]), pytest.approx(before[2]))


def test_exchange_rate_across_a_missing_month_is_absent(macro: ModelBench) -> None:
    rows = list(zip(PERIODS, RELEASES, REER, strict=True))
    del rows[4]
    observe(macro, "RBUSBIS", *rows)
    found = macro.run("mart.macro_exchange_readings", "known_date, reer_change_3m_log, reer_status, reer_shift_status")
    assert found[-1][1:] == (None, "absent", "absent")


# ---- rates, staleness ----


def rates(bench: ModelBench, observed: Mapping[date, float], *days: date) -> list[tuple[Any, ...]]:
    set_days(bench, *days)
    bench.table("core.daily_bill_rates", EMPTY["core.daily_bill_rates"], observed.items())
    return daily(bench, "trade_date, bill_discount_rate_frac, bill_known_date, bill_status")


def test_rate_is_known_on_the_next_business_day(macro: ModelBench) -> None:
    friday, monday = date(2024, 3, 8), date(2024, 3, 11)
    assert rates(macro, {friday: 0.05}, friday, monday) == [
        (friday, None, None, "absent"),
        (monday, 0.05, monday, "ok"),
    ]


@pytest.mark.parametrize(
    ("observed", "holiday", "known"),
    [
        (date(2024, 10, 11), date(2024, 10, 14), date(2024, 10, 15)),
        (date(2024, 11, 8), date(2024, 11, 11), date(2024, 11, 12)),
        (date(2023, 11, 9), date(2023, 11, 10), date(2023, 11, 10)),
        (date(2023, 11, 10), date(2023, 11, 11), date(2023, 11, 13)),
        (date(2024, 10, 4), date(2024, 10, 7), date(2024, 10, 7)),
    ],
    ids=["Columbus Day", "Veterans Day", "Friday before it", "Saturday", "first Monday of October"],
)
def test_rate_is_not_published_on_a_bank_holiday(macro: ModelBench, observed: date, holiday: date, known: date) -> None:
    days = [day for day in (observed + timedelta(days=n) for n in range(1, 6)) if day.weekday() < 5]
    found = rates(macro, {observed: 0.05}, *days)
    assert min(row[0] for row in found if row[3] == "ok") == known
    assert observed < holiday <= known


def test_rate_older_than_its_limit_is_stale(macro: ModelBench) -> None:
    observed = date(2024, 3, 8)
    found = rates(macro, {observed: 0.05}, observed + timedelta(days=10), observed + timedelta(days=11))
    assert [row[1:4:2] for row in found] == [(0.05, "ok"), (None, "stale")]


def test_policy_rate_of_a_sunday_is_known_on_monday(macro: ModelBench) -> None:
    set_days(macro, date(2024, 3, 11))
    rates_of = {date(2024, 3, 8): 0.0533, date(2024, 3, 9): 0.0533, date(2024, 3, 10): 0.05, date(2024, 3, 11): 0.04}
    macro.table("core.daily_policy_rates", EMPTY["core.daily_policy_rates"], rates_of.items())
    found = daily(macro, "trade_date, policy_rate_frac, policy_reference_date, policy_status")
    assert found == [(date(2024, 3, 11), 0.05, date(2024, 3, 10), "ok")]


def test_inflation_is_stale_after_its_limit(macro: ModelBench) -> None:
    periods = months(date(2023, 1, 1), 13)
    rows = [(period, period + timedelta(days=43), 100.0 + n) for n, period in enumerate(periods)]
    observe(macro, "CPIAUCSL", *rows)
    last_ok = date(2024, 1, 31) + timedelta(days=60)
    set_days(macro, last_ok, last_ok + timedelta(days=3))
    columns = "trade_date, cpi_yoy_frac, cpi_mom_frac, cpi_surprise_frac, cpi_surprise_z, cpi_status, cpi_mom_status"
    fresh, stale = daily(macro, columns)
    assert None not in fresh
    assert stale[1:] == (None, None, None, None, "stale", "stale")


def test_inflation_is_known_on_the_evening_of_its_release(macro: ModelBench) -> None:
    rows = [(period, period + timedelta(days=43), 100.0 + n) for n, period in enumerate(months(date(2023, 1, 1), 14))]
    observe(macro, "CPIAUCSL", *rows)
    released = rows[-1][1]
    set_days(macro, released - timedelta(days=1), released)
    found = daily(macro, "trade_date, cpi_reference_date, cpi_known_date, cpi_yoy_frac")
    assert found[0][1:] == (rows[-2][0], rows[-2][1], pytest.approx(0.12))
    assert found[1][1:] == (rows[-1][0], released, pytest.approx(113 / 101 - 1))


def test_gdp_is_stale_after_its_limit(macro: ModelBench) -> None:
    observe(macro, "GDPC1", *zip(QUARTERS, GDP_DAYS, GDP, strict=True))
    last_ok = date(2023, 6, 30) + timedelta(days=150)
    set_days(macro, last_ok, last_ok + timedelta(days=1))
    found = daily(macro, "trade_date, gdp_cycle, gdp_status")
    assert [row[1:] for row in found] == [("expansion", "ok"), (None, "stale")]


# ---- recessions ----


def test_recession_begins_when_it_is_announced(macro: ModelBench) -> None:
    points = [
        (date(2020, 2, 1), "peak", date(2020, 6, 8)),
        (date(2020, 4, 1), "trough", date(2021, 7, 19)),
    ]
    macro.table("ref.nber_turning_points", EMPTY["ref.nber_turning_points"], points)
    days = (date(2020, 6, 5), date(2020, 6, 8), date(2021, 7, 16), date(2021, 7, 19))
    set_days(macro, *days)
    assert daily(macro, "trade_date, nber_phase, nber_known_date, nber_status") == [
        (days[0], None, None, "absent"),
        (days[1], "recession", days[1], "ok"),
        (days[2], "recession", days[1], "ok"),
        (days[3], "expansion", days[3], "ok"),
    ]


def test_recession_seen_in_a_later_version_counts_from_then(macro: ModelBench) -> None:
    macro.table(
        "ref.nber_turning_points",
        EMPTY["ref.nber_turning_points"],
        [(date(2020, 4, 1), "trough", date(2021, 7, 19))],
    )
    observations = [
        ("USREC", date(2024, 1, 1), date(2024, 2, 1), 0.0, "published", True),
        ("USREC", date(2024, 1, 1), date(2024, 9, 4), 1.0, "first_seen", False),
        ("USREC", date(2024, 7, 1), date(2024, 9, 4), 1.0, "first_seen", True),
    ]
    macro.table("core.macro_observations", OBSERVATIONS, observations)
    set_days(macro, date(2024, 9, 3), date(2024, 9, 4))
    assert daily(macro, "trade_date, nber_phase, nber_known_date") == [
        (date(2024, 9, 3), "expansion", date(2021, 7, 19)),
        (date(2024, 9, 4), "recession", date(2024, 9, 4)),
    ]


# ---- events ----

WEDNESDAY = date(2024, 3, 20)


def events(bench: ModelBench, *rows: tuple[Any, ...]) -> None:
    """(kind, day, known, withdrawn) rows."""
    bench.table("core.macro_events", EMPTY["core.macro_events"], [(*row, "published") for row in rows])


def event_rows(bench: ModelBench, columns: str, *days: date) -> list[tuple[Any, ...]]:
    set_days(bench, *days)
    return bench.run("mart.daily_macro_events", f"trade_date, {columns}")


FOMC = "sessions_to_fomc_decision, sessions_since_fomc_decision, is_fomc_window, fomc_event_status"
AROUND = [
    ("fomc_decision", date(2024, 1, 31), date(2023, 12, 13), None),
    ("fomc_decision", WEDNESDAY, date(2024, 1, 31), None),
    ("fomc_decision", date(2024, 5, 1), date(2024, 1, 31), None),
]


def test_event_window_is_the_day_and_one_session_either_side(macro: ModelBench) -> None:
    events(macro, *AROUND)
    days = [date(2024, 3, day) for day in (18, 19, 20, 21, 22)]
    assert [row[1:4] for row in event_rows(macro, FOMC, *days)] == [
        (2, 33, False),
        (1, 34, True),
        (0, 0, True),
        (29, 1, True),
        (28, 2, False),
    ]


def test_event_window_has_the_width_of_its_parameter(macro: ModelBench) -> None:
    events(macro, *AROUND)
    macro.set_parameter("event_window_sessions", 0)
    days = [date(2024, 3, day) for day in (19, 20, 21)]
    assert [row[3] for row in event_rows(macro, FOMC, *days)] == [False, True, False]


def test_event_counts_over_a_weekend_in_sessions(macro: ModelBench) -> None:
    monday = date(2024, 3, 25)
    events(macro, *AROUND, ("fomc_decision", monday, date(2024, 3, 1), None))
    assert event_rows(macro, FOMC, date(2024, 3, 22))[0][1:] == (1, 2, True, "ok")


def test_unscheduled_decision_opens_its_window_on_its_day(macro: ModelBench) -> None:
    sunday = date(2024, 3, 3)
    events(macro, *AROUND, ("fomc_decision", sunday, sunday, None))
    friday, monday, tuesday = date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 5)
    found = event_rows(macro, f"next_fomc_date, {FOMC}", friday, monday, tuesday)
    assert found == [
        (friday, WEDNESDAY, 13, 22, False, "ok"),
        (monday, sunday, 0, 0, True, "ok"),
        (tuesday, WEDNESDAY, 11, 1, True, "ok"),
    ]


def test_event_given_up_is_expected_until_that_day(macro: ModelBench) -> None:
    events(macro, AROUND[0], ("fomc_decision", WEDNESDAY, date(2024, 1, 31), date(2024, 3, 19)), AROUND[2])
    days = date(2024, 3, 18), date(2024, 3, 19), date(2024, 3, 21)
    found = event_rows(macro, f"next_fomc_date, {FOMC}", *days)
    assert [row[1] for row in found] == [WEDNESDAY, date(2024, 5, 1), date(2024, 5, 1)]
    # no decision on that day: the last one stays January's
    assert [row[3] for row in found] == [33, 34, 36]
    assert [row[4] for row in found] == [False, False, False]


def test_event_is_not_known_before_it_is_announced(macro: ModelBench) -> None:
    events(macro, AROUND[0], AROUND[1], ("fomc_decision", date(2024, 4, 3), date(2024, 3, 28), None), AROUND[2])
    found = event_rows(macro, "next_fomc_date", date(2024, 3, 27), date(2024, 3, 28))
    assert [row[1] for row in found] == [date(2024, 5, 1), date(2024, 4, 3)]


def test_futures_only_day_is_one_session_from_both_neighbours(macro: ModelBench) -> None:
    closed = date(2024, 3, 21)
    set_sessions(macro, sessions_from(date(2024, 1, 1), 200), without=[closed])
    events(macro, *AROUND, ("fomc_decision", date(2024, 3, 22), date(2024, 3, 1), None))
    assert event_rows(macro, FOMC, closed)[0][1:] == (1, 1, True, "ok")


def test_calendar_that_has_ended_is_stale(macro: ModelBench) -> None:
    events(macro, AROUND[0])
    assert event_rows(macro, f"next_fomc_date, {FOMC}", date(2024, 2, 1))[0][1:] == (None, None, None, None, "stale")


def test_calendar_before_its_first_event_is_warming_up(macro: ModelBench) -> None:
    events(macro, AROUND[0])
    assert event_rows(macro, FOMC, date(2024, 1, 30))[0][1:] == (None, None, None, "warming_up")


CALM_CPI = [
    ("cpi_release", date(2024, 2, 13), date(2023, 12, 1), None),
    ("cpi_release", date(2024, 4, 10), date(2023, 12, 1), None),
]


@pytest.mark.parametrize(
    ("day", "calendars", "is_window", "status"),
    [
        (date(2024, 3, 19), (AROUND, CALM_CPI), True, "ok"),
        (date(2024, 3, 15), (AROUND, CALM_CPI), False, "ok"),
        (date(2024, 4, 9), (AROUND, CALM_CPI), True, "ok"),
        (date(2024, 3, 19), (AROUND, []), True, "ok"),
        (date(2024, 3, 15), (AROUND, []), None, "absent"),
        (date(2024, 3, 15), ([], CALM_CPI), None, "absent"),
        (date(2024, 3, 15), (AROUND, CALM_CPI[:1]), None, "stale"),
    ],
    ids=["decision", "neither", "release", "decision alone", "no releases", "no decisions", "releases ended"],
)
def test_macro_window_is_that_of_either_event(
    macro: ModelBench, day: date, calendars: tuple[list[Any], list[Any]], is_window: bool | None, status: str
) -> None:
    events(macro, *calendars[0], *calendars[1])
    found = event_rows(macro, "is_macro_event_window, macro_event_status", day)
    assert found == [(day, is_window, status)]


# ---- releases as events ----

RELEASE_COLUMNS = (
    "series_id varchar, reference_date date, release_date date, release_basis varchar, is_shutdown_release boolean"
)
MEETING_COLUMNS = (
    "decision_date date, is_scheduled boolean, known_date date, is_cancelled boolean, cancelled_date date, "
    "minutes_date date, minutes_basis varchar, meeting_basis varchar"
)


def made_events(
    bench: ModelBench, releases: Iterable[tuple[Any, ...]] = (), meetings: Iterable[tuple[Any, ...]] = ()
) -> list[tuple[Any, ...]]:
    bench.table("core.macro_release_dates", RELEASE_COLUMNS, releases)
    bench.table("core.fomc_meetings", MEETING_COLUMNS, meetings)
    return bench.run("core.macro_events", "event_kind, event_date, known_date, withdrawn_date, event_basis")


@pytest.mark.parametrize(("basis", "expected"), [("published", "published"), ("scheduled", "published"), ("user",) * 2])
def test_release_is_public_from_december_of_the_year_before(macro: ModelBench, basis: str, expected: str) -> None:
    released = date(2024, 2, 13)
    found = made_events(macro, [("CPIAUCSL", date(2024, 1, 1), released, basis, False)])
    assert found == [("cpi_release", released, date(2023, 12, 1), None, expected)]


@pytest.mark.parametrize(
    ("series_id", "kind", "period", "expected"),
    [
        ("CPIAUCSL", "cpi_release", date(2030, 1, 1), date(2030, 2, 13)),
        ("PPIACO", "ppi_release", date(2030, 2, 1), date(2030, 3, 13)),
        ("GDPC1", "gdp_release", date(2030, 1, 1), date(2030, 4, 29)),
        ("CPIAUCSL", "cpi_release", date(2030, 3, 1), date(2030, 4, 15)),
    ],
    ids=["CPI", "PPI", "GDP", "weekend"],
)
def test_release_that_no_calendar_has_is_expected_after_the_usual_lag(
    macro: ModelBench, series_id: str, kind: str, period: date, expected: date
) -> None:
    late = period + timedelta(days=60)
    found = made_events(macro, [(series_id, period, late, "estimated", False)])
    assert found == [(kind, expected, date(2029, 12, 1), None, "estimated")]


def test_release_held_up_is_expected_on_its_usual_day_and_public_on_its_own(macro: ModelBench) -> None:
    released = date(2025, 10, 24)
    found = made_events(macro, [("CPIAUCSL", date(2025, 9, 1), released, "published", True)])
    assert found == [
        ("cpi_release", date(2025, 10, 13), date(2024, 12, 1), date(2025, 10, 13), "estimated"),
        ("cpi_release", released, released, None, "published"),
    ]


def test_release_of_two_periods_is_one_event(macro: ModelBench) -> None:
    released = date(2026, 1, 14)
    rows = [("PPIACO", period, released, "published", False) for period in (date(2025, 10, 1), date(2025, 11, 1))]
    assert made_events(macro, rows) == [("ppi_release", released, date(2025, 12, 1), None, "published")]


KNOWN, THREE_WEEKS = date(2024, 1, 31), date(2024, 4, 10)


@pytest.mark.parametrize("basis", ["published", "estimated"])
def test_minutes_are_expected_three_weeks_after_the_decision(macro: ModelBench, basis: str) -> None:
    found = made_events(macro, meetings=[(WEDNESDAY, True, KNOWN, False, None, THREE_WEEKS, basis, "page")])
    # that the page says so once they are out changes nothing of what was expected before
    assert found == [
        ("fomc_decision", WEDNESDAY, KNOWN, None, "page"),
        ("fomc_minutes", THREE_WEEKS, KNOWN, None, "estimated"),
    ]


@pytest.mark.parametrize("days", [-2, 2])
def test_minutes_on_another_day_are_public_on_it(macro: ModelBench, days: int) -> None:
    published = THREE_WEEKS + timedelta(days=days)
    found = made_events(macro, meetings=[(WEDNESDAY, True, KNOWN, False, None, published, "published", "page")])
    assert sorted(found[1:], key=lambda row: row[4]) == [
        ("fomc_minutes", THREE_WEEKS, KNOWN, min(THREE_WEEKS, published), "estimated"),
        ("fomc_minutes", published, published, None, "page"),
    ]


def test_minutes_before_december_2004_followed_the_next_meeting(macro: ModelBench) -> None:
    known, decision, minutes = date(2004, 1, 28), date(2004, 3, 16), date(2004, 5, 6)
    found = made_events(macro, meetings=[(decision, True, known, False, None, minutes, "published", "published")])
    assert found[1:] == [("fomc_minutes", minutes, known, None, "published")]


def test_minutes_of_an_unscheduled_decision_are_public_on_their_day(macro: ModelBench) -> None:
    decision = date(2024, 3, 4)
    found = made_events(
        macro, meetings=[(decision, False, decision, False, None, THREE_WEEKS, "published", "published")]
    )
    assert found[1:] == [("fomc_minutes", THREE_WEEKS, THREE_WEEKS, None, "published")]


def test_meeting_given_up_takes_its_minutes_along(macro: ModelBench) -> None:
    given_up = date(2024, 3, 17)
    found = made_events(macro, meetings=[(WEDNESDAY, True, KNOWN, True, given_up, None, None, "published")])
    assert found == [
        ("fomc_decision", WEDNESDAY, KNOWN, given_up, "published"),
        ("fomc_minutes", THREE_WEEKS, KNOWN, given_up, "estimated"),
    ]


def test_minutes_of_two_meetings_are_one_event(macro: ModelBench) -> None:
    unscheduled = date(2024, 3, 4)
    found = made_events(
        macro,
        meetings=[
            (unscheduled, False, unscheduled, False, None, THREE_WEEKS, "published", "published"),
            (WEDNESDAY, True, KNOWN, True, date(2024, 3, 17), None, None, "published"),
        ],
    )
    assert found[-1] == ("fomc_minutes", THREE_WEEKS, KNOWN, None, "published")


# ---- valuations and funds ----


def valuation_months(first: date, pairs: Iterable[tuple[float | None, float | None]]) -> list[tuple[Any, ...]]:
    values = list(pairs)
    starts = months(first, len(values) + 1)
    return [
        (start, price, earned, after, after + timedelta(days=90))
        for start, after, (price, earned) in zip(starts, starts[1:], values, strict=False)
    ]


def pe(bench: ModelBench, rows: list[tuple[Any, ...]], *days: date) -> list[tuple[Any, ...]]:
    bench.table("core.monthly_valuations", EMPTY["core.monthly_valuations"], rows)
    set_days(bench, *days)
    columns = (
        "pe_ttm_ratio, pe_change_12m_frac, is_pe_compressing, pe_price_reference_date, "
        "pe_earnings_reference_date, pe_status, pe_change_status"
    )
    return [row[1:] for row in bench.run("mart.daily_valuations", f"trade_date, {columns}")]


def test_pe_is_the_newest_known_price_to_the_newest_known_earnings(macro: ModelBench) -> None:
    rows = valuation_months(date(2022, 1, 1), [(4000.0 + 10 * n, 200.0 + n) for n in range(30)])
    # on 2024-06-03: prices to May, earnings to February (known 90 days after the month)
    found = pe(macro, rows, date(2024, 6, 3))[0]
    before = (4000 + 10 * 16) / (200 + 13)
    now = (4000 + 10 * 28) / (200 + 25)
    assert found == (
        pytest.approx(now),
        pytest.approx(now / before - 1),
        now < before,
        date(2024, 5, 1),
        date(2024, 2, 1),
        "ok",
        "ok",
    )


def test_pe_that_rose_is_not_compressing(macro: ModelBench) -> None:
    rows = valuation_months(date(2022, 1, 1), [(4000.0 * 1.02**n, 200.0) for n in range(30)])
    found = pe(macro, rows, date(2024, 6, 3))[0]
    assert found[1:3] == (pytest.approx(1.02**12 - 1), False)


def test_pe_with_old_earnings_is_stale(macro: ModelBench) -> None:
    rows = valuation_months(date(2022, 1, 1), [(4000.0, 200.0 if n < 12 else None) for n in range(30)])
    last_ok = date(2022, 12, 31) + timedelta(days=220)
    found = pe(macro, rows, last_ok, last_ok + timedelta(days=1))
    assert [row[0] for row in found] == [pytest.approx(20.0), None]
    assert [row[-2:] for row in found] == [("ok", "warming_up"), ("stale", "stale")]


def test_pe_without_a_year_before_is_warming_up(macro: ModelBench) -> None:
    rows = valuation_months(date(2024, 1, 1), [(4000.0, 200.0)] * 6)
    assert pe(macro, rows, date(2024, 7, 8))[0][-2:] == ("ok", "warming_up")


def test_pe_without_earnings_is_absent(macro: ModelBench) -> None:
    rows = valuation_months(date(2024, 1, 1), [(4000.0, None)] * 6)
    assert pe(macro, rows, date(2024, 7, 8))[0] == (None, None, None, date(2024, 6, 1), None, "absent", "absent")


def sectors(bench: ModelBench, rows: list[tuple[Any, ...]], *days: date) -> list[tuple[Any, ...]]:
    bench.table("core.sector_valuations", EMPTY["core.sector_valuations"], rows)
    set_days(bench, *days)
    return bench.run("mart.daily_valuations", "trade_date, sector_price_to_cash_flow_ratio, sector_status")


def test_sector_ratio_is_the_median_of_the_newest_known(macro: ModelBench) -> None:
    rows = [
        ("energy", date(2024, 1, 31), date(2024, 2, 5), 6.0),
        ("energy", date(2024, 2, 29), date(2024, 3, 5), 8.0),
        ("energy", date(2024, 3, 31), date(2024, 4, 5), 99.0),
        ("banks", date(2024, 1, 31), date(2024, 2, 5), 10.0),
        ("banks", date(2024, 1, 31), date(2024, 3, 4), 11.0),
        ("utilities", date(2024, 2, 29), date(2024, 3, 6), 15.0),
    ]
    found = sectors(macro, rows, date(2024, 2, 2), date(2024, 2, 5), date(2024, 3, 5), date(2024, 3, 6))
    assert [row[1:] for row in found] == [(None, "absent"), (8.0, "ok"), (9.5, "ok"), (11.0, "ok")]


def test_sector_ratio_older_than_its_limit_is_stale(macro: ModelBench) -> None:
    stated = date(2024, 1, 31)
    rows = [("energy", stated, date(2024, 2, 5), 6.0)]
    found = sectors(macro, rows, stated + timedelta(days=120), stated + timedelta(days=121))
    assert [row[1:] for row in found] == [(6.0, "ok"), (None, "stale")]


def funds(bench: ModelBench, rows: list[tuple[Any, ...]], *days: date) -> list[tuple[Any, ...]]:
    bench.table("core.daily_fund_values", EMPTY["core.daily_fund_values"], rows)
    set_days(bench, *days)
    return bench.run("mart.daily_valuations", "trade_date, vol_etp_net_assets_usd, vol_etp_status")


def test_fund_assets_are_the_sum_of_all_listed_by_then(macro: ModelBench) -> None:
    monday, tuesday, wednesday = (date(2024, 3, day) for day in (11, 12, 13))
    rows = [
        (monday, "VIXY", 100.0),
        (tuesday, "VIXY", 101.0),
        (tuesday, "UVXY", 50.0),
        (wednesday, "UVXY", 51.0),
    ]
    assert funds(macro, rows, monday, tuesday, wednesday) == [
        (monday, 100.0, "ok"),
        (tuesday, 151.0, "ok"),
        (wednesday, None, "absent"),
    ]


def test_fund_that_was_launched_is_asked_for(macro: ModelBench) -> None:
    monday, tuesday = date(2024, 3, 11), date(2024, 3, 12)
    macro.table("ref.etp_launches", EMPTY["ref.etp_launches"], [("SVXY", tuesday, None), ("VXX", monday, None)])
    found = funds(macro, [(monday, "VIXY", 100.0), (tuesday, "VIXY", 101.0)], monday, tuesday)
    assert [row[1:] for row in found] == [(100.0, "ok"), (None, "absent")]


def test_launches_are_counted_over_twelve_months(macro: ModelBench) -> None:
    launches = [
        ("VXX", date(2022, 1, 4), date(2023, 6, 1)),
        ("UVIX", date(2022, 3, 30), None),
        ("SVIX", date(2023, 5, 31), None),
    ]
    macro.table("ref.etp_launches", EMPTY["ref.etp_launches"], launches)
    set_days(macro, date(2022, 1, 3), date(2023, 3, 30), date(2023, 6, 1), date(2023, 6, 2))
    found = macro.run("mart.daily_valuations", "trade_date, etp_launches_12m, etp_listed, etp_launches_status")
    assert [row[1:] for row in found] == [(0, 0, "ok"), (0, 2, "ok"), (1, 3, "ok"), (1, 2, "ok")]


def test_launches_without_a_table_are_absent(macro: ModelBench) -> None:
    set_days(macro, date(2023, 6, 2))
    found = macro.run("mart.daily_valuations", "trade_date, etp_launches_12m, etp_listed, etp_launches_status")
    assert found[0][1:] == (None, None, "absent")
