"""What was known on a day does not change with later days: every mart row stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.support.bench import Bench, land_archive, rows
from tests.support.market import write_market

MARTS = ("mart.daily_term_structure", "mart.daily_volatility_indices")
ASKED = MARTS
# across an expiry, a holiday and a month's end; the last session of all is LAST of the market
CUTS = (date(2025, 7, 15), date(2025, 7, 16), date(2025, 8, 29), date(2025, 9, 11))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    folder = tmp_path_factory.mktemp("full")
    write_market(folder / "archive")
    bench = Bench(folder / "home")
    land_archive(bench, folder / "archive")
    yield folder / "archive", bench.build()
    bench.close()


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_later_data_change_no_earlier_mart_row(
    full: tuple[Path, duckdb.DuckDBPyConnection], bench: Bench, cut: date
) -> None:
    archive, later = full
    land_archive(bench, archive, until=cut)
    earlier = bench.build()
    for mart in MARTS:
        query = f"select * from {mart} where trade_date <= ? order by trade_date"
        before = rows(earlier, query, cut)
        assert before[-1][0] == cut
        assert before == rows(later, query, cut)


def test_same_files_give_the_same_values_whenever_they_are_built(
    full: tuple[Path, duckdb.DuckDBPyConnection], bench: Bench
) -> None:
    archive, first = full
    land_archive(bench, archive)
    second = bench.build(today=date(2026, 3, 2), run_id="another")
    for mart in MARTS:
        query = f"select * from {mart} order by trade_date"
        assert rows(first, query) == rows(second, query)
