"""What the cross-checks find, and how often they cry wolf, on the exchange's own files."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.support.bench import rows, value
from tests.support.pages import DOCS
from tests.support.planting import RealSession
from transforms.calendar import sessions
from warehouse.models import SQL_FOLDER

pytestmark = pytest.mark.real

CHECKED_TO = date(2026, 1, 7)
NEWEST = re.compile(r"\w+\.trade_date = \(select max\(trade_date\) from mart\.daily_term_structure\)")

# Sessions that each check would have named, had it run on each evening: since 2004, since 2010, since 2021.
STATED = {
    "core.index_cross_checks__newest_moves_with_its_companions": (68, 47, 4),
    "core.index_cross_checks__none_left_its_companions": (0, 0, 0),
    "core.settlement_cross_checks__newest_is_not_the_day_before_again": (2, 0, 0),
    "core.settlement_cross_checks__newest_lies_in_its_day": (229, 18, 10),
    "core.settlement_cross_checks__newest_moves_with_its_neighbours": (100, 40, 4),
    "core.settlement_cross_checks__newest_volume_is_plausible": (26, 0, 0),
    "core.settlement_cross_checks__none_left_its_curve": (0, 0, 0),
    "core.vx_final_settlements__newest_is_near_the_vix": (0, 0, 0),
}


def on_every_session(check: str) -> str:
    """A check of the newest session, asked of every session as if it were the newest."""
    text = (SQL_FOLDER / "checks" / f"{check}.sql").read_text(encoding="utf-8")
    widened, count = NEWEST.subn("true", text)
    assert count == 1, check
    return widened


@pytest.mark.parametrize("check", STATED)
def test_check_names_as_many_real_sessions_as_is_stated(real: duckdb.DuckDBPyConnection, check: str) -> None:
    if value(real, "select max(trade_date) from mart.daily_term_structure") != CHECKED_TO:
        pytest.skip("other files than those that were counted")
    counts = ", ".join(
        f"count(distinct trade_date) filter (trade_date >= date '{year}-01-01')" for year in (2004, 2010, 2021)
    )
    assert rows(real, f"select {counts} from ({on_every_session(check)})") == [STATED[check]]


POWER = """
with
planted as (
    select
        judged.*,
        error_frac,
        ln(1 + error_frac) as shift_log,
        case
            when curve_place = 'front' then 'VX1'
            when tenor_rank <= 4 then 'VX2 to VX4'
            else 'VX5 to VX7'
        end as months
    from core.settlement_cross_checks as judged
    cross join (values (0.00), (0.01), (0.02), (0.03), (0.05), (0.10), (0.50), (9.00)) as errors (error_frac)
    where judged.trade_date >= date '2013-06-01'
        and judged.curve_place <> 'back'
        and judged.move_gap_log is not null
        and judged.close_gap_log is not null
),

bounds as (
    select
        place as curve_place,
        max(value) filter (parameter = 'cross_' || place || '_doubt_log') as doubt_log,
        max(value) filter (parameter = 'cross_' || place || '_doubt_of_move') as doubt_of_move,
        max(value) filter (parameter = 'cross_' || place || '_impossible_log') as impossible_log,
        max(value) filter (parameter = 'cross_impossible_of_move') as impossible_of_move,
        max(value) filter (parameter = 'cross_' || place || '_close_log') as close_log
    from ref.parameters
    cross join (values ('front'), ('inner')) as places (place)
    group by place
),

judged as (
    select
        months,
        error_frac,
        abs(move_gap_log + shift_log) > doubt_log + doubt_of_move * curve_move_log as is_off_curve,
        abs(close_gap_log + shift_log) > close_log as is_off_day,
        abs(move_gap_log + shift_log) > impossible_log + impossible_of_move * curve_move_log as is_refused
    from planted
    join bounds on bounds.curve_place = planted.curve_place
)

select
    error_frac,
    months,
    avg(is_off_curve::int) as off_curve_frac,
    avg(is_off_day::int) as off_day_frac,
    avg((is_off_curve or is_off_day)::int) as named_frac,
    avg(is_refused::int) as refused_frac
from judged
group by all
order by all
"""
PAGE_ROW = re.compile(
    r"^\| ([0-9.]+)% \| (VX1|VX2 to VX4|VX5 to VX7) \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|$"
)


def test_page_says_how_many_planted_errors_are_found(real: duckdb.DuckDBPyConnection) -> None:
    """An error in one settlement moves the gaps of its own row by itself; its neighbours' are left out here."""
    if value(real, "select max(trade_date) from mart.daily_term_structure") != CHECKED_TO:
        pytest.skip("other files than those that were counted")
    page = (DOCS / "faults.md").read_text(encoding="utf-8").splitlines()
    stated = [match.groups() for match in map(PAGE_ROW.match, page) if match]
    found = [
        (f"{float(100 * error):g}", months, *(f"{100 * share:.1f}" for share in shares))
        for error, months, *shares in rows(real, POWER)
    ]
    assert stated == found


SESSIONS = 12
ERRORS = (0.01, 0.02, 0.03, 0.05, 0.10, 0.50, 9.00)
REFUSING = {
    "core.settlement_cross_checks__none_left_its_curve",
    "mart.daily_term_structure__newest_session_has_front_months",
    "stg.vx_contract_rows__newest_lines_are_usable",
}


@pytest.mark.slow
def test_error_planted_in_the_files_of_a_real_session_is_found(real_data: Path, tmp_path: Path) -> None:
    """Through the files, the parser, the models and the checks, on sessions and months drawn at random."""
    random = np.random.default_rng(20260107)
    days = [day for day in sessions("XNYS", date(2013, 9, 1), CHECKED_TO) if day.weekday() < 5]
    quiet, named, refused = Counter[str](), Counter[tuple[str, float]](), Counter[tuple[str, float]]()
    by_check = Counter[tuple[str, str, float]]()
    for number in range(SESSIONS):
        session = RealSession(real_data / "mirror", tmp_path / str(number), days[int(random.integers(len(days)))])
        for source in ("contract files", "same evening"):
            untouched = failing(session, source, {})
            quiet[source] += not untouched
            for error in ERRORS:
                month = session.monthlies[int(random.integers(7))]
                found = failing(session, source, {month.name: month.settle * (1 + error)}) - untouched
                named[source, error] += bool(found)
                refused[source, error] += bool(found & REFUSING)
                by_check.update((check, source, error) for check in found)
        session.close()
    for (check, source, error), count in sorted(by_check.items()):
        print(f"{error:6.2f}  {source:14}  {count:3} of {SESSIONS}  {check}")
    for source in ("contract files", "same evening"):
        print(source, "quiet untouched", quiet[source], {error: named[source, error] for error in ERRORS})
        assert quiet[source] >= SESSIONS - 1
        assert all(named[source, error] == SESSIONS for error in (0.50, 9.00))
        assert all(refused[source, error] == SESSIONS for error in (0.50,))
    assert named["contract files", 0.05] == SESSIONS
    assert refused["contract files", 9.00] == SESSIONS


def failing(session: RealSession, source: str, settles: dict[str, float]) -> set[str]:
    if source == "contract files":
        return session.failing(contract_files=settles, evening=None)
    return session.failing(contract_files=None, evening=settles)


def test_index_that_repeats_an_earlier_session_is_rare(real: duckdb.DuckDBPyConnection) -> None:
    """What core.daily_index_levels__newest_is_not_the_session_before_again would have named on every evening."""
    query = """
    with numbered as (
        select *, row_number() over (partition by index_code order by trade_date) as row_no from core.daily_index_levels
    )
    select newest.index_code, newest.trade_date, earlier.trade_date
    from numbered as newest
    join numbered as earlier
        on earlier.index_code = newest.index_code
        and earlier.row_no between newest.row_no - 5 and newest.row_no - 1
        and earlier.open_pts = newest.open_pts
        and earlier.high_pts = newest.high_pts
        and earlier.low_pts = newest.low_pts
        and earlier.close_pts = newest.close_pts
    where newest.high_pts > newest.low_pts and newest.trade_date <= ?
    """
    assert rows(real, query, CHECKED_TO) == [("VIX9D", date(2018, 6, 14), date(2018, 6, 8))]
