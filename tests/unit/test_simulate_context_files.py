"""The simulated meeting page and the simulated stock data: layout, sense, and nothing restated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from flows.sources import plan
from flows.sources.archive import archive_path
from tests.support.nights import evening_of
from transforms.formats import SHILLER_HEADER, inspect_file
from transforms.simulate import render_archive, simulate_market
from transforms.simulate.archive import MEETINGS_FILE, STOCKS_FILE
from transforms.simulate.fomc_page import MINUTES_AFTER, render_fomc_page
from warehouse.home import Home
from warehouse.raw_store import RawStore

FIRST, LAST = date(2024, 1, 2), date(2026, 1, 16)
NEXT = date(2026, 1, 20)
MUCH_LATER = date(2026, 6, 30)


def rendered(last: date) -> Mapping[str, bytes]:
    return dict(render_archive(simulate_market(FIRST, last, 11)))


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    return rendered(LAST)


def decisions(page: bytes) -> list[date]:
    """Read the decision days back, by the page's own markup."""
    found = []
    for panel in page.decode().split('<div class="panel panel-default">')[1:]:
        year = re.search(r"<h4><a id=\"[0-9]+\">([0-9]{4}) FOMC Meetings</a></h4>", panel)
        assert year is not None
        rows = re.findall(
            r"fomc-meeting__month[^>]*><strong>([A-Za-z/]+)</strong></div>\s*"
            r"<div class=\"fomc-meeting__date[^>]*>([0-9]+)-([0-9]+)\*?</div>",
            panel,
        )
        for months, _, last in rows:
            month = months.split("/")[-1]
            layout = "%d %b %Y" if len(month) == 3 and "/" in months else "%d %B %Y"
            found.append(datetime.strptime(f"{last} {month} {year[1]}", layout).date())  # noqa: DTZ007
    return found


def released(page: bytes) -> list[date]:
    texts = re.findall(r"\(Released ([A-Z][a-z]+ [0-9]{2}, [0-9]{4})\)", page.decode())
    return [datetime.strptime(text, "%B %d, %Y").date() for text in texts]  # noqa: DTZ007


def stocks(files: Mapping[str, bytes]) -> pd.DataFrame:
    lines = [line.split(",") for line in files[STOCKS_FILE].decode().splitlines()]
    return pd.DataFrame(lines[1:], columns=lines[0]).set_index("Date").astype(float)


def test_every_context_file_but_vintages_is_there_and_accepted(files: Mapping[str, bytes], tmp_path: object) -> None:
    store = RawStore(Home(tmp_path))  # type: ignore[arg-type]
    for request in plan.plan_context(store, ask_everything=True, with_vintages=False).requests:
        body = files[archive_path(request.url)]
        assert len(body) <= request.max_bytes
        assert inspect_file(request.dataset, request.name, body) is None, request.name


def test_meetings_are_eight_a_year_for_the_year_and_the_two_after_it(files: Mapping[str, bytes]) -> None:
    found = decisions(files[MEETINGS_FILE])
    by_year = {year: sum(day.year == year for day in found) for year in range(2024, 2029)}
    assert by_year == dict.fromkeys(range(2024, 2029), 8)
    assert max(found).year == 2028
    assert {day.weekday() for day in found} == {2}


def test_meetings_newest_year_comes_first(files: Mapping[str, bytes]) -> None:
    years = [int(year) for year in re.findall(r"([0-9]{4}) FOMC Meetings", files[MEETINGS_FILE].decode())]
    assert years == sorted(years, reverse=True)
    assert len(years) == len(set(years))


def test_minutes_are_released_three_weeks_after_decisions_that_have_been(files: Mapping[str, bytes]) -> None:
    page = files[MEETINGS_FILE]
    expected = {day + MINUTES_AFTER for day in decisions(page) if day + MINUTES_AFTER <= LAST}
    assert set(released(page)) == expected
    assert timedelta(days=21) == MINUTES_AFTER


def test_projections_are_marked_four_times_a_year(files: Mapping[str, bytes]) -> None:
    panel = files[MEETINGS_FILE].decode().split("2025 FOMC Meetings")[1].split("2024 FOMC Meetings")[0]
    starred = re.findall(r"<strong>([A-Za-z]+)</strong></div>\s*<div class=\"fomc-meeting__date[^>]*>[0-9-]+\*", panel)
    assert starred == ["March", "June", "September", "December"]


def test_page_of_meetings_says_it_is_simulated(files: Mapping[str, bytes]) -> None:
    assert "SIMULATED" in files[MEETINGS_FILE].decode()


@pytest.mark.parametrize("later", [NEXT, MUCH_LATER])
def test_a_later_page_keeps_every_meeting_and_release(files: Mapping[str, bytes], later: date) -> None:
    before, after = files[MEETINGS_FILE], rendered(later)[MEETINGS_FILE]
    assert set(decisions(before)) <= set(decisions(after))
    assert set(released(before)) <= set(released(after))


def test_a_meeting_across_two_months_is_written_as_the_publisher_does() -> None:
    page = render_fomc_page([date(2024, 5, 1)], date(2024, 6, 3)).decode()
    assert "<strong>Apr/May</strong>" in page
    assert ">30-1</div>" in page
    assert decisions(page.encode()) == [date(2024, 5, 1)]


def test_policy_rate_moves_only_after_the_pages_meetings(files: Mapping[str, bytes]) -> None:
    lines = files["fred.stlouisfed.org/graph/fredgraph.csv/id=DFF"].decode().splitlines()[1:]
    rates = [(date.fromisoformat(day), float(rate)) for day, rate in (line.split(",") for line in lines)]
    moved = [day for (_, before), (day, now) in pairwise(rates) if now != before]
    assert moved
    assert {day - timedelta(days=1) for day in moved} <= set(decisions(files[MEETINGS_FILE]))


def test_stock_prices_are_the_monthly_means_of_the_index(files: Mapping[str, bytes]) -> None:
    lines = files["cdn.cboe.com/api/global/us_indices/daily_prices/SPX_History.csv"].decode().splitlines()[1:]
    closes = [float(line.split(",")[4]) for line in lines if line[:2] == "03" and line[6:10] == "2025"]
    assert stocks(files).loc["2025-03-01", "SP500"] == pytest.approx(np.mean(closes), abs=0.006)


def test_stock_data_are_one_row_a_whole_month(files: Mapping[str, bytes]) -> None:
    months = pd.DatetimeIndex(stocks(files).index)
    assert months.is_monotonic_increasing
    assert (months == pd.date_range(months[0], "2025-12-01", freq="MS")).all()
    assert files[STOCKS_FILE].decode().startswith(SHILLER_HEADER + "\n2011-01-01,")


def test_stock_data_end_with_zeros_where_nothing_is_reported(files: Mapping[str, bytes]) -> None:
    table = stocks(files)
    assert (table.loc["2025-10-01":, "Dividend":] == 0).all(axis=None)
    assert (table.loc[:"2025-09-01", "Dividend":"Real Earnings"] > 0).all(axis=None)
    assert (table["SP500"] > 0).all()


def test_ratio_is_the_price_over_ten_years_of_earnings(files: Mapping[str, bytes]) -> None:
    table = stocks(files)
    at = table.index.get_loc("2025-06-01")
    assert isinstance(at, int)
    mean = table["Real Earnings"].iloc[at - 120 : at].mean()
    assert table["PE10"].iloc[at] == pytest.approx(table["Real Price"].iloc[at] / mean, rel=1e-3)
    assert (table["PE10"].iloc[:120] == 0).all()
    assert table.loc["2024-01-01":"2025-09-01", "PE10"].between(8, 50).all()


@pytest.mark.parametrize("later", [NEXT, date(2026, 2, 2), MUCH_LATER])
def test_later_stock_data_add_rows_and_fill_zeros_only(files: Mapping[str, bytes], later: date) -> None:
    before, after = stocks(files), stocks(rendered(later))
    same = after.loc[before.index]
    assert len(after) >= len(before)
    assert ((before == same) | (before == 0)).all(axis=None)


def test_no_stock_month_is_of_the_future(files: Mapping[str, bytes]) -> None:
    newest = date.fromisoformat(str(stocks(files).index[-1]))
    assert newest < evening_of(LAST).date().replace(day=1)
