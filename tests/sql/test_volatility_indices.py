"""The rebuilt indices against a plain reference written from the prospectus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from tests.support.bench import Bench, monthlies, rows, value, vx_line
from transforms import calendar

ASKED = ("mart.daily_volatility_indices",)

TBR_ORACLE = 0.00013978
"""Methodology, section 2: a discount rate of 5% for one day."""

FIRST, LAST = date(2025, 5, 12), date(2025, 7, 3)
DAYS = calendar.sessions("XNYS", FIRST, LAST)
MONTHS = monthlies(date(2025, 5, 1), date(2026, 3, 1))
BILL = 0.042


def settle(day: date, expiry: date) -> float:
    """A made-up curve that moves every day and every month differently."""
    wave = (day.toordinal() * 7919 % 13) / 10
    return round(17 + wave + (expiry - day).days / 40 + expiry.month / 20, 4)


def land(bench: Bench, *, skip: Callable[[date, date], bool] = lambda day, expiry: False, bills: bool = True) -> None:
    for expiry in MONTHS:
        lines = [vx_line(day, expiry, settle(day, expiry)) for day in DAYS if day <= expiry and not skip(day, expiry)]
        bench.contract(expiry, *lines)
    if bills:
        bench.bills(*(f"{day},{BILL * 100:.2f}" for day in DAYS))


def bill_return(days: int, rate: float = BILL) -> float:
    daily: float = (1 / (1 - 91 / 360 * rate)) ** (days / 91) - 1
    return daily


def weights(day: date) -> tuple[float, list[date]]:
    """The share of the nearer month held from this close to the next, and the months ahead at the next day."""
    position = DAYS_LONG.index(day)
    following = DAYS_LONG[position + 1]
    start = max(expiry for expiry in MONTHS if expiry <= following)
    ahead = [expiry for expiry in MONTHS if expiry > start]
    period = [session for session in DAYS_LONG if start <= session < ahead[0]]
    left = [session for session in period if session >= following]
    return len(left) / len(period), ahead


DAYS_LONG = calendar.sessions("XNYS", date(2025, 4, 1), date(2025, 9, 30))


def reference(kind: str, *, total: bool) -> dict[date, float]:
    level = {DAYS[FIRST_DAY]: 100.0}
    for before, day in zip(DAYS[FIRST_DAY:], DAYS[FIRST_DAY + 1 :], strict=False):
        share, ahead = weights(before)
        if kind == "short":
            held = [(ahead[0], share), (ahead[1], 1 - share)]
        else:
            held = [(ahead[3], share), (ahead[4], 1.0), (ahead[5], 1.0), (ahead[6], 1 - share)]
        held = [(expiry, weight) for expiry, weight in held if weight > 0]
        now = sum(weight * settle(day, expiry) for expiry, weight in held)
        was = sum(weight * settle(before, expiry) for expiry, weight in held)
        change = now / was - 1
        if total:
            change += bill_return((day - before).days)
        level[day] = level[before] * (1 + change)
    return level


# the fixture's months begin with May 2025: the roll period before it is not known, so start inside June's
FIRST_DAY = next(i for i, day in enumerate(DAYS) if day >= date(2025, 5, 20))


@pytest.fixture(scope="module")
def levels(module_bench: Bench) -> dict[date, tuple[float, float, float]]:
    land(module_bench)
    found = rows(
        module_bench.build(),
        "select trade_date, short_term_tr, mid_term_tr, short_term_er from mart.daily_volatility_indices order by 1",
    )
    return {row[0]: row[1:] for row in found}


@pytest.mark.parametrize(
    ("column", "kind", "total"), [(0, "short", True), (1, "mid", True), (2, "short", False)], ids=["tr", "mid", "er"]
)
def test_rebuilt_index_equals_the_reference_every_day(
    levels: dict[date, tuple[float, float, float]], column: int, kind: str, total: bool
) -> None:
    expected = reference(kind, total=total)
    base = levels[DAYS[FIRST_DAY]][column]
    found = {day: 100 * levels[day][column] / base for day in expected}
    assert found == pytest.approx(expected, rel=1e-9)
    assert len(expected) > 25


@pytest.mark.parametrize(
    ("day", "share"),
    [
        # 21 May to 17 June has 19 business days (26 May is a holiday), 18 June to 15 July has 18 (19 June, 4 July)
        (date(2025, 5, 20), 19 / 19),
        (date(2025, 5, 21), 18 / 19),
        (date(2025, 6, 16), 1 / 19),
        (date(2025, 6, 17), 18 / 18),
        (date(2025, 6, 18), 17 / 18),
    ],
)
def test_reference_weights_on_each_side_of_a_roll_are_those_worked_by_hand(day: date, share: float) -> None:
    assert weights(day)[0] == pytest.approx(share)


def test_rebuilt_index_rolls_out_of_the_front_month_by_the_tuesday(bench: Bench) -> None:
    # Wrong from Wednesday on: a front month that is wholly sold on Tuesday's close no longer matters.
    wednesday = date(2025, 6, 18)
    land(bench)
    bench.contract(
        wednesday,
        *(
            vx_line(day, wednesday, settle(day, wednesday) if day < wednesday else 40)
            for day in DAYS
            if day <= wednesday
        ),
    )
    connection = bench.build()
    query = "select short_term_er from mart.daily_volatility_indices where trade_date in (?, ?) order by trade_date"
    (before,), (after,) = rows(connection, query, date(2025, 6, 17), wednesday)
    expected = reference("short", total=False)
    assert after / before == pytest.approx(expected[wednesday] / expected[date(2025, 6, 17)])


def test_bill_return_of_one_day_is_the_oracles() -> None:
    assert bill_return(1, 0.05) == pytest.approx(TBR_ORACLE, abs=5e-9)


def test_total_return_adds_the_bill_return_of_the_oracle(bench: Bench) -> None:
    land(bench, bills=False)
    bench.bills(*(f"{day},5.00" for day in DAYS))
    query = (
        "select trade_date, short_term_tr / lag(short_term_tr) over (order by trade_date) "
        "- short_term_er / lag(short_term_er) over (order by trade_date) from mart.daily_volatility_indices "
        "qualify trade_date = '2025-06-11'"
    )
    assert rows(bench.build(), query)[0][1] == pytest.approx(TBR_ORACLE, abs=5e-9)


def test_total_return_over_a_weekend_earns_three_days(levels: dict[date, tuple[float, float, float]]) -> None:
    friday, monday = levels[date(2025, 6, 6)], levels[date(2025, 6, 9)]
    earned = monday[0] / friday[0] - monday[2] / friday[2]
    assert earned == pytest.approx(bill_return(3))


def test_rebuilt_index_starts_at_100(levels: dict[date, tuple[float, float, float]]) -> None:
    assert levels[FIRST] == (100.0, 100.0, 100.0)


def test_day_without_a_needed_settle_is_spanned_with_the_weights_held(bench: Bench) -> None:
    gap, before, after = date(2025, 6, 11), date(2025, 6, 10), date(2025, 6, 12)
    land(bench, skip=lambda day, expiry: day == gap and expiry == MONTHS[2])
    connection = bench.build()
    query = "select short_term_tr, mid_term_tr is not null from mart.daily_volatility_indices where trade_date = ?"
    assert rows(connection, query, gap) == [(None, True)]
    share, ahead = weights(before)
    held = [(ahead[0], share), (ahead[1], 1 - share)]
    change = sum(w * settle(after, e) for e, w in held) / sum(w * settle(before, e) for e, w in held)
    query = "select short_term_er from mart.daily_volatility_indices where trade_date in (?, ?) order by trade_date"
    (first,), (second,) = rows(connection, query, before, after)
    assert second / first == pytest.approx(change)


def test_gap_too_long_starts_the_index_anew(bench: Bench) -> None:
    gap = [day for day in DAYS if date(2025, 6, 2) <= day <= date(2025, 6, 9)]
    land(bench, skip=lambda day, expiry: day in gap and expiry == MONTHS[2])
    query = "select short_term_er, short_term_base_date from mart.daily_volatility_indices where trade_date = ?"
    assert rows(bench.build(), query, date(2025, 6, 10)) == [(100.0, date(2025, 6, 10))]


def test_gap_of_the_longest_allowed_length_is_spanned(bench: Bench) -> None:
    gap = [day for day in DAYS if date(2025, 6, 2) <= day <= date(2025, 6, 5)]
    land(bench, skip=lambda day, expiry: day in gap and expiry == MONTHS[2])
    query = "select short_term_base_date from mart.daily_volatility_indices where trade_date = ?"
    assert rows(bench.build(), query, date(2025, 6, 6)) == [(FIRST,)]


def test_without_a_bill_rate_total_return_is_null_and_excess_return_is_not(bench: Bench) -> None:
    land(bench, bills=False)
    connection = bench.build()
    query = (
        "select short_term_tr, mid_term_tr, short_term_er is not null "
        "from mart.daily_volatility_indices where trade_date = ?"
    )
    assert rows(connection, query, date(2025, 6, 11)) == [(None, None, True)]


@pytest.mark.parametrize(("newest", "is_known"), [(date(2025, 5, 30), True), (date(2025, 5, 28), False)])
def test_bill_rate_is_carried_at_most_ten_days(bench: Bench, newest: date, is_known: bool) -> None:
    land(bench, bills=False)
    bench.bills(*(f"{day},4.20" for day in DAYS if day <= newest))
    # the bill return into the 10th is of the rate at the close of the 9th
    query = "select short_term_tr is not null from mart.daily_volatility_indices where trade_date = '2025-06-10'"
    assert value(bench.build(), query) is is_known


@pytest.mark.parametrize(("day", "rate"), [(date(2025, 6, 10), 0.042), (date(2025, 6, 11), 0.084)])
def test_bill_return_is_of_the_rate_at_the_close_before(bench: Bench, day: date, rate: float) -> None:
    land(bench, bills=False)
    bench.bills(*(f"{bill_day},{8.4 if bill_day >= date(2025, 6, 10) else 4.2}" for bill_day in DAYS))
    query = (
        "select short_term_tr / lag(short_term_tr) over (order by trade_date) "
        "- short_term_er / lag(short_term_er) over (order by trade_date) "
        "from mart.daily_volatility_indices qualify trade_date = ?"
    )
    assert value(bench.build(), query, day) == pytest.approx(bill_return(1, rate), rel=1e-6)


def test_bill_rate_of_a_later_day_is_not_used(bench: Bench) -> None:
    land(bench, bills=False)
    bench.bills(*(f"{day},4.20" for day in DAYS if day >= date(2025, 6, 2)))
    query = "select short_term_tr from mart.daily_volatility_indices where trade_date = '2025-05-30'"
    assert value(bench.build(), query) is None


def test_futures_only_session_is_no_index_day(bench: Bench) -> None:
    days = ("2025-01-07", "2025-01-08", "2025-01-09", "2025-01-10")
    for expiry in monthlies(date(2025, 1, 1), date(2025, 3, 1)):
        bench.contract(expiry, *(vx_line(day, expiry, 17 + number) for number, day in enumerate(days)))
    found = rows(bench.build(), "select trade_date::varchar from mart.daily_volatility_indices order by 1")
    assert [row[0] for row in found] == ["2025-01-07", "2025-01-08", "2025-01-10"]
