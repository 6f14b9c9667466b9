"""When each value of a macro series became known: stored versions, vintages, release dates. Values are made up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest

from flows.fetch import fetch_night
from flows.sources.archive import ArchiveSource
from tests.support.bench import Bench, monthlies, rows, sessions_from, value, vx_line
from transforms.simulate import render_archive, simulate_market

ASKED = (
    "core.macro_observations",
    "core.macro_release_dates",
    "mart.daily_macro",
    "mart.macro_price_readings",
    "ops.quarantined_rows",
)

LATE = datetime(2025, 9, 10, 22, tzinfo=UTC)
LATE_DAY = date(2025, 9, 10)

# Release days of the consumer price index, from the Bureau of Labor Statistics' list of its releases.
CPI_RELEASES = {date(2024, 1, 1): date(2024, 2, 13), date(2024, 2, 1): date(2024, 3, 12)}
JANUARY, FEBRUARY = CPI_RELEASES
OBSERVATIONS = (
    "select reference_date, known_date, observed_value, known_basis, is_first_release from core.macro_observations "
    "where series_id = ? order by 1, 2"
)


def months(first: date, count: int) -> list[date]:
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def land_series(bench: Bench, series_id: str, values: Mapping[date, float | str], *, at: datetime = LATE) -> None:
    lines = [f"observation_date,{series_id}", *(f"{day},{number}" for day, number in values.items())]
    bench.land("fred_series", f"{series_id}.csv", "\n".join(lines) + "\n", publisher="fred", at=at)


def land_vintages(bench: Bench, series_id: str, *entries: tuple[date, str, str, str], at: datetime = LATE) -> None:
    observations = [
        {"date": str(day), "realtime_start": start, "realtime_end": end, "value": number}
        for day, start, end, number in entries
    ]
    body = json.dumps({"count": len(observations), "observations": observations})
    bench.land("fred_vintages", f"{series_id}_vintages.json", body, publisher="fred", at=at)


def land_sessions(bench: Bench, *days: date) -> None:
    """A contract that settles on each of these days: the sessions of the marts."""
    expiry = monthlies(date(2025, 12, 1), date(2025, 12, 1))[0]
    bench.contract(expiry, *(vx_line(day, expiry, 20) for day in days))


def cpi(bench: Bench, **more: Any) -> list[tuple[Any, ...]]:
    return rows(bench.build(**more), OBSERVATIONS, "CPIAUCSL")


# ---- the first stored version ----


def test_first_version_is_known_from_the_published_release(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4, FEBRUARY: 309.7})
    assert cpi(bench) == [
        (JANUARY, date(2024, 2, 13), 308.4, "published", True),
        (FEBRUARY, date(2024, 3, 12), 309.7, "published", True),
    ]


def test_first_version_without_a_release_is_known_by_the_rule(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {date(1999, 1, 1): 164.7})
    # 28 days after the end of the month, on a Sunday: the Monday after it
    assert cpi(bench) == [(date(1999, 1, 1), date(1999, 3, 1), 164.7, "estimated", True)]


def test_first_version_is_known_when_seen_at_the_latest(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {date(2025, 8, 1): 323.0}, at=datetime(2025, 9, 10, 23, tzinfo=UTC))
    seen = (date(2025, 8, 1), date(2025, 9, 10), 323.0, "first_seen", True)
    assert cpi(bench) == [seen]


def test_simulated_market_knows_no_shipped_release(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4})
    assert cpi(bench, is_simulated=True) == [(JANUARY, date(2024, 2, 28), 308.4, "estimated", True)]


def test_blank_is_no_observation(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: "", FEBRUARY: "."})
    assert cpi(bench) == []


def test_observations_begin_in_1985(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {date(1984, 12, 1): 105.3, date(1985, 1, 1): 105.5})
    assert [row[0] for row in cpi(bench)] == [date(1985, 1, 1)]


# ---- later versions ----


def test_later_version_adds_what_is_new_when_it_was_seen(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4}, at=datetime(2024, 2, 20, tzinfo=UTC))
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4, FEBRUARY: 309.7}, at=datetime(2024, 3, 14, 22, tzinfo=UTC))
    assert cpi(bench) == [
        (JANUARY, date(2024, 2, 13), 308.4, "published", True),
        (FEBRUARY, date(2024, 3, 14), 309.7, "first_seen", True),
    ]


def test_later_version_is_dated_by_the_day_in_new_york(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4}, at=datetime(2024, 2, 20, tzinfo=UTC))
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4, FEBRUARY: 309.7}, at=datetime(2024, 3, 15, 3, tzinfo=UTC))
    assert cpi(bench)[1][1] == date(2024, 3, 14)


def test_revision_keeps_the_first_value_with_its_day(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4}, at=datetime(2024, 2, 20, tzinfo=UTC))
    land_series(bench, "CPIAUCSL", {JANUARY: 308.6}, at=datetime(2024, 3, 14, 22, tzinfo=UTC))
    assert cpi(bench) == [
        (JANUARY, date(2024, 2, 13), 308.4, "published", True),
        (JANUARY, date(2024, 3, 14), 308.6, "first_seen", False),
    ]


def test_value_taken_back_is_missing_from_then_on(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4, FEBRUARY: 309.7}, at=datetime(2024, 3, 14, tzinfo=UTC))
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4, FEBRUARY: "."}, at=datetime(2024, 3, 20, 22, tzinfo=UTC))
    assert cpi(bench)[1:] == [
        (FEBRUARY, date(2024, 3, 12), 309.7, "published", True),
        (FEBRUARY, date(2024, 3, 20), None, "first_seen", False),
    ]


def test_new_base_changes_every_value_on_one_day(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 300.0, FEBRUARY: 303.0}, at=datetime(2024, 3, 14, tzinfo=UTC))
    land_series(bench, "CPIAUCSL", {FEBRUARY: 101.0}, at=datetime(2024, 6, 3, 22, tzinfo=UTC))
    found = [row[:3] for row in cpi(bench) if row[1] > date(2024, 5, 1)]
    # the month that the new file has no more must not be read in the old base
    assert found == [(JANUARY, date(2024, 6, 3), None), (FEBRUARY, date(2024, 6, 3), 101.0)]


def test_last_version_of_a_day_counts(bench: Bench) -> None:
    for hour, number in ((10, 308.4), (15, 999.0), (22, 308.6)):
        land_series(bench, "CPIAUCSL", {JANUARY: number}, at=datetime(2024, 3, 14, hour, tzinfo=UTC))
    assert cpi(bench) == [(JANUARY, date(2024, 2, 13), 308.6, "published", True)]


def test_rejected_line_of_an_older_version_is_not_shown_again(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: "?"}, at=datetime(2024, 3, 14, tzinfo=UTC))
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4}, at=datetime(2024, 3, 20, 22, tzinfo=UTC))
    connection = bench.build()
    assert rows(connection, "select * from ops.quarantined_rows where dataset = 'fred_series'") == []
    found = rows(connection, OBSERVATIONS, "CPIAUCSL")
    assert found == [(JANUARY, date(2024, 3, 20), 308.4, "first_seen", True)]


# ---- vintages ----


def test_vintages_give_every_value_its_day(bench: Bench) -> None:
    land_vintages(
        bench,
        "CPIAUCSL",
        (date(2023, 12, 1), "2024-01-11", "9999-12-31", "307.0"),
        (JANUARY, "2024-02-13", "2024-03-11", "308.4"),
        (JANUARY, "2024-03-12", "9999-12-31", "308.6"),
    )
    assert cpi(bench)[1:] == [
        (JANUARY, date(2024, 2, 13), 308.4, "vintage", True),
        (JANUARY, date(2024, 3, 12), 308.6, "vintage", False),
    ]


def test_first_vintage_is_dated_like_a_first_file(bench: Bench) -> None:
    land_vintages(
        bench,
        "CPIAUCSL",
        (JANUARY, "2024-06-12", "9999-12-31", "308.4"),
        (FEBRUARY, "2024-06-12", "9999-12-31", "309.7"),
    )
    assert [row[1:4] for row in cpi(bench)] == [
        (date(2024, 2, 13), 308.4, "published"),
        (date(2024, 3, 12), 309.7, "published"),
    ]


def test_vintages_win_over_stored_files(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 999.0}, at=datetime(2024, 2, 20, tzinfo=UTC))
    land_series(bench, "CPIAUCSL", {JANUARY: 308.6}, at=datetime(2024, 4, 2, tzinfo=UTC))
    land_vintages(bench, "CPIAUCSL", (JANUARY, "2024-02-13", "9999-12-31", "308.6"))
    assert [row[:3] for row in cpi(bench)] == [(JANUARY, date(2024, 2, 13), 308.6)]


def test_file_stored_after_the_vintages_adds_to_them(bench: Bench) -> None:
    land_vintages(
        bench,
        "CPIAUCSL",
        (JANUARY, "2024-02-13", "9999-12-31", "308.4"),
        at=datetime(2024, 3, 1, 22, tzinfo=UTC),
    )
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4, FEBRUARY: 309.7}, at=datetime(2024, 3, 13, 22, tzinfo=UTC))
    assert [row[:4] for row in cpi(bench)] == [
        (JANUARY, date(2024, 2, 13), 308.4, "published"),
        (FEBRUARY, date(2024, 3, 13), 309.7, "first_seen"),
    ]


def test_vintage_that_ended_without_another_is_taken_back(bench: Bench) -> None:
    land_vintages(
        bench,
        "CPIAUCSL",
        (JANUARY, "2024-02-13", "2024-03-11", "308.4"),
        (FEBRUARY, "2024-03-12", "9999-12-31", "309.7"),
    )
    assert [row[:3] for row in cpi(bench) if row[0] == JANUARY] == [
        (JANUARY, date(2024, 2, 13), 308.4),
        (JANUARY, date(2024, 3, 12), None),
    ]


def test_vintage_refused_is_in_quarantine(bench: Bench) -> None:
    land_vintages(
        bench,
        "CPIAUCSL",
        (JANUARY, "2024-02-13", "9999-12-31", "308.4"),
        (FEBRUARY, "2024-03-12", "9999-12-31", "three hundred"),
    )
    query = "select dataset, file_name, line_no, reason from ops.quarantined_rows"
    assert rows(bench.build(), query) == [("fred_vintages", "CPIAUCSL_vintages.json", 2, "unreadable_number")]


# ---- the user's release dates ----


def land_release_dates(bench: Bench, *lines: str) -> None:
    text = "\n".join(["series_id,reference_date,release_date", *lines]) + "\n"
    bench.land("release_dates", "release_dates.csv", text, publisher="user")


def test_users_release_date_wins(bench: Bench) -> None:
    land_series(bench, "CPIAUCSL", {JANUARY: 308.4, FEBRUARY: 309.7})
    land_release_dates(bench, "CPIAUCSL,2024-01-01,2024-02-14")
    assert [row[1:4:2] for row in cpi(bench)] == [
        (date(2024, 2, 14), "published"),
        (date(2024, 3, 12), "published"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("CPIAUCSL,2024-01-01", "wrong_number_of_fields"),
        ("CPI,2024-01-01,2024-02-14", "unknown_series"),
        ("DTB3,2024-01-01,2024-02-14", "unknown_series"),
        ("CPIAUCSL,January,2024-02-14", "unreadable_date"),
        ("CPIAUCSL,2024-01-01,2024-02-30", "unreadable_date"),
        ("CPIAUCSL,2024-01-15,2024-02-14", "not_the_first_day_of_a_period"),
        ("CPIAUCSL,2024-01-01,2023-12-31", "released_before_its_period_began"),
    ],
)
def test_users_release_date_that_cannot_be_right_is_rejected(bench: Bench, line: str, reason: str) -> None:
    land_release_dates(bench, line, "CPIAUCSL,2024-02-01,2024-03-13")
    connection = bench.build()
    found = rows(connection, "select line_no, reason, line_text from ops.quarantined_rows")
    assert found == [(2, reason, line)]
    query = "select release_basis from core.macro_release_dates where series_id = 'CPIAUCSL' and reference_date = ?"
    assert value(connection, query, JANUARY) == "published"
    assert value(connection, query, FEBRUARY) == "user"


def test_users_release_dates_in_conflict_are_both_rejected(bench: Bench) -> None:
    land_release_dates(bench, "CPIAUCSL,2024-01-01,2024-02-14", "CPIAUCSL,2024-01-01,2024-02-15")
    query = "select line_no, reason from ops.quarantined_rows order by 1"
    assert rows(bench.build(), query) == [(line, "conflicting_lines_for_one_period") for line in (2, 3)]


def test_users_release_date_stated_twice_is_used_once(bench: Bench) -> None:
    land_release_dates(bench, "CPIAUCSL,2024-01-01,2024-02-14", "CPIAUCSL,2024-01-01,2024-02-14")
    connection = bench.build()
    assert rows(connection, "select line_no, reason from ops.quarantined_rows") == [(3, "duplicate_of_an_earlier_line")]
    query = "select release_date from core.macro_release_dates where release_basis = 'user'"
    assert rows(connection, query) == [(date(2024, 2, 14),)]


# ---- recessions ----


def test_recession_month_is_known_from_the_announcement(bench: Bench) -> None:
    land_series(bench, "USREC", {date(2007, 12, 1): 0, date(2008, 1, 1): 1, date(2008, 2, 1): 1})
    found = rows(bench.build(), OBSERVATIONS, "USREC")
    assert [row[:2] for row in found] == [
        (date(2007, 12, 1), date(2008, 1, 1)),
        (date(2008, 1, 1), date(2008, 12, 1)),
        (date(2008, 2, 1), date(2008, 12, 1)),
    ]


def test_recession_that_nobody_announced_is_known_when_seen(bench: Bench) -> None:
    land_series(bench, "USREC", {date(2024, 11, 1): 0, date(2024, 12, 1): 1})
    found = rows(bench.build(), OBSERVATIONS, "USREC")
    assert [row[1:4:2] for row in found] == [(date(2024, 12, 1), "published"), (LATE_DAY, "first_seen")]


# ---- no look-ahead, through the marts ----


SESSIONS = (date(2025, 6, 2), date(2025, 7, 1), date(2025, 7, 31), date(2025, 8, 1), date(2025, 8, 20))
REVISED = datetime(2025, 7, 31, 21, tzinfo=UTC)
CPI_MONTHS = months(date(2018, 1, 1), 90)
QUARTERS = months(date(2018, 1, 1), 88)[::3]


def land_first_versions(bench: Bench) -> None:
    at = datetime(2025, 6, 20, 22, tzinfo=UTC)
    land_sessions(bench, *SESSIONS)
    growing = {month: round(250 * 1.002**n + (n * 7 % 5) / 10, 3) for n, month in enumerate(CPI_MONTHS[:-1])}
    for series_id in ("CPIAUCSL", "PPIACO", "RBUSBIS"):
        land_series(bench, series_id, growing, at=at)
    land_series(bench, "GDPC1", {day: round(18000 * 1.005**n, 3) for n, day in enumerate(QUARTERS[:-1])}, at=at)
    land_series(bench, "USREC", dict.fromkeys(CPI_MONTHS[:-2], 0), at=at)


def land_later_versions(bench: Bench) -> None:
    """Everything is restated in another base, with a period more, and a recession is called."""
    for series_id in ("CPIAUCSL", "PPIACO", "RBUSBIS"):
        restated = {month: round(100 * 1.004**n + (n * 3 % 7) / 10, 3) for n, month in enumerate(CPI_MONTHS)}
        land_series(bench, series_id, restated, at=REVISED)
    land_series(bench, "GDPC1", {day: round(9000 * 0.99**n, 3) for n, day in enumerate(QUARTERS)}, at=REVISED)
    calls = {month: int(month >= date(2025, 2, 1)) for month in CPI_MONTHS[:-1]}
    land_series(bench, "USREC", calls, at=REVISED)


@pytest.fixture(scope="module")
def before_and_after(module_bench: Bench) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]:
    land_first_versions(module_bench)
    before = module_bench.build()
    land_later_versions(module_bench)
    return before, module_bench.build()


def test_later_versions_change_no_row_before_they_were_seen(
    before_and_after: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    before, after = before_and_after
    query = "select * from mart.daily_macro where trade_date < ? order by trade_date"
    expected = rows(before, query, REVISED.date())
    assert len(expected) == 2
    assert rows(after, query, REVISED.date()) == expected


def test_later_versions_are_used_from_the_day_they_were_seen(
    before_and_after: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    _, after = before_and_after
    query = (
        "select cpi_known_basis, gdp_known_basis, reer_known_basis, gdp_cycle, nber_phase, nber_known_date "
        "from mart.daily_macro where trade_date = ?"
    )
    seen = REVISED.date()
    assert rows(after, query, seen) == [("first_seen", "first_seen", "first_seen", "contraction", "recession", seen)]


def test_panel_is_of_one_base_on_every_session(
    before_and_after: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    _, after = before_and_after
    found = dict(rows(after, "select trade_date, cpi_yoy_frac from mart.daily_macro"))
    # 0.2% and 0.4% a month; across the bases it would be a change by more than half
    assert found[date(2025, 7, 1)] == pytest.approx(1.002**12 - 1, abs=0.002)
    assert found[date(2025, 8, 1)] == pytest.approx(1.004**12 - 1, abs=0.006)


def test_restated_months_leave_first_published_changes_alone(
    before_and_after: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    before, after = before_and_after
    query = (
        "select reference_date, mom_frac, expected_mom_frac, surprise_frac, surprise_z "
        "from mart.macro_price_readings where series_id = 'CPIAUCSL' and reference_date < ? "
        "qualify row_number() over (partition by reference_date order by known_date desc) = 1 order by 1"
    )
    assert rows(after, query, CPI_MONTHS[-1]) == rows(before, query, CPI_MONTHS[-1])


def test_change_across_versions_compares_within_the_newer_one(
    before_and_after: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    _, after = before_and_after
    query = "select cpi_mom_frac from mart.daily_macro where trade_date = ?"
    n = len(CPI_MONTHS) - 1
    newest, month_before = (round(100 * 1.004**k + (k * 3 % 7) / 10, 3) for k in (n, n - 1))
    assert value(after, query, date(2025, 8, 1)) == pytest.approx(newest / month_before - 1)


# every value of a group is there exactly when its status says so
GROUPS = {
    "bill_status": ("bill_discount_rate_frac",),
    "policy_status": ("policy_rate_frac",),
    "cpi_status": ("cpi_yoy_frac",),
    "cpi_mom_status": ("cpi_mom_frac",),
    "cpi_surprise_status": ("cpi_surprise_frac",),
    "cpi_surprise_z_status": ("cpi_surprise_z",),
    "ppi_status": ("ppi_yoy_frac",),
    "ppi_mom_status": ("ppi_mom_frac",),
    "ppi_surprise_status": ("ppi_surprise_frac",),
    "ppi_surprise_z_status": ("ppi_surprise_z",),
    "gdp_status": ("gdp_growth_yoy_frac", "gdp_growth_qoq_annualised_frac", "gdp_cycle"),
    "nber_status": ("nber_phase", "nber_known_date"),
    "reer_status": ("reer_change_3m_log",),
    "reer_shift_status": ("reer_shift_z",),
    "pe_status": ("pe_ttm_ratio",),
    "pe_change_status": ("pe_change_12m_frac", "is_pe_compressing"),
    "sector_status": ("sector_price_to_cash_flow_ratio", "sector_reference_date", "sector_known_date"),
    "vol_etp_status": ("vol_etp_net_assets_usd",),
    "etp_launches_status": ("etp_launches_12m", "etp_listed"),
    "fomc_event_status": (
        "next_fomc_date",
        "next_fomc_basis",
        "sessions_to_fomc_decision",
        "sessions_since_fomc_decision",
        "is_fomc_window",
    ),
    "fomc_minutes_event_status": (
        "next_fomc_minutes_date",
        "next_fomc_minutes_basis",
        "sessions_to_fomc_minutes",
        "sessions_since_fomc_minutes",
        "is_fomc_minutes_window",
    ),
    "cpi_event_status": (
        "next_cpi_date",
        "next_cpi_basis",
        "sessions_to_cpi_release",
        "sessions_since_cpi_release",
        "is_cpi_window",
    ),
    "ppi_event_status": (
        "next_ppi_date",
        "next_ppi_basis",
        "sessions_to_ppi_release",
        "sessions_since_ppi_release",
        "is_ppi_window",
    ),
    "macro_event_status": ("is_macro_event_window",),
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of a simulated market of two years, as one night makes it."""
    folder = tmp_path_factory.mktemp("simulated")
    for path, body in render_archive(simulate_market(date(2023, 9, 13), date(2025, 9, 12), 2)):
        target = folder / "archive" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    bench = Bench(folder / "home", ASKED)
    source = ArchiveSource(folder / "archive", utcnow=lambda: datetime(2025, 9, 12, 23, tzinfo=UTC))
    assert fetch_night(source, bench.store, date(2025, 9, 12), ask_everything=True).failures == []
    yield bench.build(today=date(2025, 9, 13), is_simulated=True)
    bench.close()


def test_groups_name_every_status(simulated: duckdb.DuckDBPyConnection) -> None:
    assert {name for name in columns_of(simulated) if name.endswith("_status")} == set(GROUPS)


@pytest.mark.parametrize("status", GROUPS)
def test_value_is_there_exactly_when_its_status_is_ok(simulated: duckdb.DuckDBPyConnection, status: str) -> None:
    wrong = " or ".join(f"({column} is not null) <> ({status} = 'ok')" for column in GROUPS[status])
    assert rows(simulated, f"select trade_date, {status} from mart.daily_macro where {wrong}") == []


# what a simulated market does not have: a user's file, and products of the real world
NOT_SIMULATED = {"sector_status", "etp_launches_status"}


@pytest.mark.parametrize("status", sorted(set(GROUPS) - NOT_SIMULATED))
def test_simulated_market_has_every_group_in_the_end(simulated: duckdb.DuckDBPyConnection, status: str) -> None:
    query = f"select distinct {status} from mart.daily_macro where trade_date >= '2025-06-01'"
    assert rows(simulated, query) == [("ok",)]


def test_sessions_of_the_marts_are_those_of_the_futures(bench: Bench) -> None:
    days = sessions_from(date(2025, 7, 7), 3)
    land_sessions(bench, *days)
    connection = bench.build()
    for mart in ("daily_macro", "daily_macro_events", "daily_valuations"):
        assert [row[0] for row in rows(connection, f"select trade_date from mart.{mart} order by 1")] == days


def test_nothing_stored_leaves_every_value_missing_with_a_status(bench: Bench) -> None:
    land_sessions(bench, date(2025, 7, 7))
    connection = bench.build(is_simulated=True)
    statuses = [name for name in columns_of(connection) if name.endswith("_status")]
    found = dict(zip(statuses, rows(connection, f"select {', '.join(statuses)} from mart.daily_macro")[0], strict=True))
    # the calendars of releases exist by rule; what they announce has not been fetched
    calendars = {"cpi_event_status", "ppi_event_status"}
    assert {name for name, status in found.items() if status != "absent"} == calendars


def columns_of(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in rows(connection, "select column_name from (describe mart.daily_macro)")]


def test_bill_rate_is_of_the_day_before(bench: Bench) -> None:
    land_sessions(bench, date(2025, 7, 8))
    bench.bills("2025-07-03,4.21", "2025-07-07,4.25", "2025-07-08,4.99")
    query = "select bill_discount_rate_frac, bill_reference_date, bill_known_date from mart.daily_macro"
    assert rows(bench.build(), query) == [(pytest.approx(0.0425), date(2025, 7, 7), date(2025, 7, 8))]


def test_every_landed_body_is_one_the_inspection_lets_through(bench: Bench) -> None:
    land_first_versions(bench)
    land_vintages(bench, "CPIAUCSL", (JANUARY, "2024-02-13", "9999-12-31", "308.4"))
    land_release_dates(bench, "CPIAUCSL,2024-01-01,2024-02-14")
    assert [file for file in bench.store.current_files() if file.refusal is not None] == []
