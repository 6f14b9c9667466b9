"""Release dates of macro series: the table, the rule, and which of them answers."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from transforms.errors import PipelineError
from transforms.events import ReleaseDate, estimate_release_date, release_date_of, release_dates
from transforms.events.releases import check_releases, release_rules

QUICK = examples(150)
TABLED = [row for row in release_dates() if row.release_date is not None]
MONTHLY = sorted(name for name, rule in release_rules().items() if rule.frequency == "monthly")


def rows_of(series_id: str) -> dict[date, ReleaseDate]:
    return {row.reference_date: row for row in TABLED if row.series_id == series_id}


@pytest.mark.parametrize(
    ("series_id", "period", "released"),
    [
        ("CPIAUCSL", date(2004, 1, 1), date(2004, 2, 20)),
        ("CPIAUCSL", date(2008, 2, 1), date(2008, 3, 14)),
        ("CPIAUCSL", date(2013, 9, 1), date(2013, 10, 30)),  # after a lapse of appropriations
        ("CPIAUCSL", date(2015, 1, 1), date(2015, 2, 26)),  # the latest of an ordinary year
        ("CPIAUCSL", date(2020, 3, 1), date(2020, 4, 10)),  # Good Friday: the exchange was closed
        ("CPIAUCSL", date(2025, 9, 1), date(2025, 10, 24)),
        ("CPIAUCSL", date(2025, 11, 1), date(2025, 12, 18)),
        ("CPIAUCSL", date(2026, 1, 1), date(2026, 2, 13)),
        ("PPIACO", date(2004, 1, 1), date(2004, 3, 18)),  # held up by a change of classification
        ("PPIACO", date(2013, 9, 1), date(2013, 10, 29)),
        ("PPIACO", date(2025, 10, 1), date(2026, 1, 14)),
        ("PPIACO", date(2025, 11, 1), date(2026, 1, 14)),
        ("GDPC1", date(2008, 7, 1), date(2008, 10, 30)),
        ("GDPC1", date(2013, 7, 1), date(2013, 11, 7)),
        ("GDPC1", date(2018, 10, 1), date(2019, 2, 28)),  # an initial estimate in place of the advance one
        ("GDPC1", date(2025, 7, 1), date(2025, 12, 23)),
        ("GDPC1", date(2025, 10, 1), date(2026, 2, 20)),
    ],
)
def test_release_date_is_the_one_read(series_id: str, period: date, released: date) -> None:
    assert release_date_of(series_id, period) == ReleaseDate(series_id, period, released, "published")


def test_release_still_to_come_is_scheduled() -> None:
    assert release_date_of("CPIAUCSL", date(2026, 11, 1)).basis == "scheduled"


def test_release_never_published_has_no_date() -> None:
    assert release_date_of("CPIAUCSL", date(2025, 10, 1)) == ReleaseDate(
        "CPIAUCSL", date(2025, 10, 1), None, "never_published"
    )


def test_release_not_in_the_table_is_estimated() -> None:
    found = release_date_of("PPIACO", date(2010, 5, 1))
    assert found == ReleaseDate("PPIACO", date(2010, 5, 1), date(2010, 6, 30), "estimated")


@pytest.mark.parametrize(
    ("series_id", "period"),
    [("CPIAUCSL", date(2024, 1, 1)), ("CPIAUCSL", date(2025, 10, 1)), ("RBUSBIS", date(2024, 1, 1))],
)
def test_release_date_of_the_user_comes_first(series_id: str, period: date) -> None:
    overrides = {(series_id, period): date(2026, 3, 3)}
    assert release_date_of(series_id, period, overrides) == ReleaseDate(series_id, period, date(2026, 3, 3), "user")


def test_release_date_of_the_user_concerns_its_own_period_only() -> None:
    overrides = {("CPIAUCSL", date(2024, 2, 1)): date(2026, 3, 3)}
    assert release_date_of("CPIAUCSL", date(2024, 1, 1), overrides).release_date == date(2024, 2, 13)


def test_cpi_table_has_every_month_from_2004_but_the_one_never_published() -> None:
    found = rows_of("CPIAUCSL")
    months = [date(year, month, 1) for year in range(2004, 2027) for month in range(1, 13)]
    assert [day for day in months if day not in found] == [date(2025, 10, 1), date(2026, 12, 1)]


@pytest.mark.parametrize(
    ("series_id", "first", "count"),
    [("PPIACO", date(2016, 12, 1), 120), ("GDPC1", date(2019, 10, 1), 28)],
)
def test_table_is_complete_from_its_first_gapless_period(series_id: str, first: date, count: int) -> None:
    assert sum(day >= first for day in rows_of(series_id)) == count


def test_rule_is_never_before_the_release_but_after_a_lapse_of_appropriations() -> None:
    early = [
        (row.series_id, row.reference_date)
        for row in TABLED
        if row.release_date is not None and estimate_release_date(row.series_id, row.reference_date) < row.release_date
    ]
    assert early == [
        ("CPIAUCSL", date(2013, 9, 1)),
        ("GDPC1", date(2013, 7, 1)),
        ("GDPC1", date(2018, 10, 1)),
        ("GDPC1", date(2025, 7, 1)),
        ("GDPC1", date(2025, 10, 1)),
        ("PPIACO", date(2025, 9, 1)),
        ("PPIACO", date(2025, 10, 1)),
        ("PPIACO", date(2025, 11, 1)),
    ]


@pytest.mark.parametrize(
    ("series_id", "longest", "median", "count"),
    [("CPIAUCSL", 20, 13, 271), ("PPIACO", 47, 18, 131), ("GDPC1", 8, 5, 56)],
)
def test_rule_is_late_by_the_figures_in_the_docs(series_id: str, longest: int, median: int, count: int) -> None:
    rule = release_rules()[series_id]
    late = sorted(
        (estimate_release_date(series_id, period) - row.release_date).days
        for period, row in rows_of(series_id).items()
        if period not in rule.shutdown_periods and row.release_date is not None
    )
    assert (late[-1], late[len(late) // 2], len(late)) == (longest, median, count)


def test_rule_is_longer_for_the_producer_prices_of_early_2004() -> None:
    assert estimate_release_date("PPIACO", date(2004, 2, 1)) == date(2004, 4, 29)
    assert estimate_release_date("PPIACO", date(2004, 6, 1)) == date(2004, 7, 30)


@pytest.mark.parametrize(
    ("series_id", "period", "expected"),
    [
        ("RBUSBIS", date(2024, 1, 1), date(2024, 3, 18)),  # 45 days on is a Saturday
        ("USREC", date(1991, 3, 1), date(1992, 12, 30)),  # after the announcement of 1992-12-22
        ("GDPC1", date(2024, 10, 1), date(2025, 2, 3)),
    ],
)
def test_rule_counts_from_the_end_of_the_period(series_id: str, period: date, expected: date) -> None:
    assert estimate_release_date(series_id, period) == expected


@QUICK
@given(st.sampled_from(MONTHLY), st.dates(date(1950, 1, 1), date(2090, 1, 1)))
def test_rule_gives_a_weekday_after_the_period(series_id: str, day: date) -> None:
    found = estimate_release_date(series_id, day.replace(day=1))
    assert found.weekday() < 5
    assert (found.year, found.month) > (day.year, day.month)


def test_rule_of_an_unknown_series_is_an_error() -> None:
    with pytest.raises(PipelineError, match="no release rule for the series UNRATE"):
        release_date_of("UNRATE", date(2024, 1, 1))


@pytest.mark.parametrize(("series_id", "day"), [("CPIAUCSL", date(2024, 1, 31)), ("GDPC1", date(2024, 2, 1))])
def test_day_that_begins_no_period_is_an_error(series_id: str, day: date) -> None:
    with pytest.raises(PipelineError, match=f"{day} does not begin"):
        estimate_release_date(series_id, day)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([(date(2024, 1, 2), date(2024, 2, 13))], "period 2024-01-02"),
        ([(date(2024, 1, 1), date(2024, 1, 31))], "released 2024-01-31"),
        ([(date(2024, 1, 1), date(2024, 2, 17))], "Saturday"),
        ([(date(2025, 10, 1), date(2025, 11, 13))], "released 2025-11-13"),
        ([(date(2024, 1, 1), date(2024, 2, 13)), (date(2024, 1, 1), date(2024, 2, 14))], "two release dates"),
        ([(date(2024, 1, 1), date(2024, 4, 12)), (date(2024, 2, 1), date(2024, 4, 11))], "released 2024-04-11"),
    ],
)
def test_release_that_cannot_be_right_is_named(rows: list[tuple[date, date]], found: str) -> None:
    with pytest.raises(PipelineError, match="CPIAUCSL") as raised:
        check_releases([ReleaseDate("CPIAUCSL", period, released, "published") for period, released in rows])
    assert found in str(raised.value.found)
