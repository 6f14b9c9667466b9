"""Nights on their own for a week with the gravest faults, and (slow) for a year with faults at random.

What is played and how it is judged is in :mod:`tests.year`; what a whole year showed, in ``docs/year_of_nights.md``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.year.__main__ import begin
from tests.year.faults import EVENING, FIRST, KILLED, ONCE, SIZES, Event, draw_events
from tests.year.market import TrueMarket, contract_pattern
from tests.year.record import Lived, Plan
from transforms.simulate import render_archive, simulate_market
from transforms.simulate.archive import CONTRACT_FOLDER, INDEX_FOLDER

FIRST_SESSION = date(2024, 9, 3)
EXPIRY = date(2025, 1, 22)
FRONT = contract_pattern(date(2025, 2, 19))
GRAVE: dict[int, list[Event]] = {
    1: [Event("killed at a step", "killed", "between-swap-and-pruning"), Event("bad book", "bad book")],
    # the line of an expiring contract's last day, after which its file is complete
    2: [Event("wrong value", "newest value 20 % off", contract_pattern(EXPIRY), EVENING)],
    3: [Event("full disk", "full disk", "300000"), Event("damaged raw file", "damaged raw file", number=0.3)],
    4: [
        Event("server", "frozen-etag", "/VIX3M_History", ONCE),
        Event("damaged warehouse", "damaged warehouse", number=0.5),
    ],
    5: [Event("server", "ten-times", FRONT, FIRST), Event("two at once", "two at once")],
    6: [
        Event("late", "late", lasts=FIRST),
        Event("bad policy", "bad policy"),
        Event("clock set back", "clock set back"),
    ],
}
"""The gravest of each sort; the numbers are those of sessions from 2025-01-17 on."""


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Lived]]:
    folder = tmp_path_factory.mktemp("week")
    plan = Plan(FIRST_SESSION, date(2025, 1, 17), sessions=7, mornings=frozenset({2, 6}), retries=(1,), events=GRAVE)
    with begin(folder, plan, read_every=0.5) as year:
        yield list(year.live())


def test_every_session_of_the_week_ends_published_and_no_promise_is_broken(week: list[Lived]) -> None:
    assert [lived.violations for lived in week] == [[]] * len(week)
    for lived in week:
        ended = [one.as_of for one in lived.tried if one.code in (0, 3)]
        # killed behind the swap, a run has published and not said so
        is_published_by_the_killed = lived.number == 1 and bool(lived.judged)
        assert is_published_by_the_killed or ended[-1] == lived.session, (lived.session, lived.tried)


def test_what_went_wrong_in_the_week_was_felt(week: list[Lived]) -> None:
    first = [lived.tried[0].code for lived in week]
    assert first[1] == -9
    assert first[3] == 1
    assert first[5] == 6
    assert first[6] in (2, 4)
    assert week[3].found_by_verify
    assert week[4].found_by_verify


def test_nothing_delivered_in_the_week_is_lost_or_published_wrong_unmarked(week: list[Lived]) -> None:
    assert sum(lived.delivered for lived in week) > 100
    assert [lived.lost_bodies for lived in week] == [[]] * len(week)
    wrong = [entry for lived in week for entry in lived.wrong]
    assert not [entry for entry in wrong if entry["sort"] in ("missing", "wrong, unmarked")], wrong


def test_wrong_last_line_of_an_expired_contract_is_mended_by_the_morning(week: list[Lived]) -> None:
    wrong = [entry for entry in week[2].wrong if entry["key"] == EXPIRY.isoformat()]
    assert week[2].session == EXPIRY.isoformat()
    assert week[2].tried[0].code == 3  # it is not the exchange's own final settlement
    assert len({entry["at"] for entry in wrong}) <= 1
    assert not [entry for lived in week[3:] for entry in lived.wrong if entry["key"] == EXPIRY.isoformat()]


def test_reader_of_the_week_saw_nothing_half_built(week: list[Lived]) -> None:
    assert sum(lived.reads for lived in week) > 10
    assert [lived.bad_reads for lived in week] == [[]] * len(week)


def test_market_of_the_year_is_what_the_simulation_gives_on_each_evening() -> None:
    day = date(2025, 1, 22)
    ours = dict(TrueMarket.simulate(FIRST_SESSION, date(2025, 2, 7), 150).files_of(day))
    alone = dict(render_archive(simulate_market(FIRST_SESSION, day, 150)))
    # of final settlements the simulation has those of weeklies as well
    compared = [name for name in ours if name.startswith((CONTRACT_FOLDER, INDEX_FOLDER)) and "VRO" not in name]
    assert len(compared) > 15
    assert [name for name in compared if ours[name] != alone[name]] == []


def test_plan_is_the_same_for_a_seed_and_comes_to_every_sort_of_fault() -> None:
    market = TrueMarket.simulate(FIRST_SESSION, date(2025, 2, 7), 150)
    days = [day for day in market.sessions if day >= date(2025, 1, 2)]
    plans = [draw_events(market, days[number % len(days)], 150, number) for number in range(400)]
    assert plans[7] == draw_events(market, days[7], 150, 7)
    assert 0.5 < sum(bool(events) for events in plans) / len(plans) < 0.66
    groups = {event.group for events in plans for event in events}
    assert {"server", "wrong value", "killed at random", "full disk", "damaged warehouse", "new code"} <= groups
    assert {event.target for events in plans for event in events if event.kind == "killed"} <= set(KILLED)
    assert {event.kind for events in plans for event in events if event.group == "wrong value"} == {
        f"newest value {size} off" for size in SIZES
    }


@pytest.mark.slow
def test_year_of_nights_loses_nothing_and_publishes_nothing_wrong_unmarked(tmp_path: Path) -> None:
    with begin(tmp_path, Plan(calm_mornings=3), read_every=2.0) as year:
        lived = list(year.live())
        done = year.finish()
    assert len(lived) == Plan.sessions
    broken = {one.session: [*one.violations, *one.lost_bodies, *one.bad_reads] for one in lived}
    assert not {day: what for day, what in broken.items() if what}
    wrong = [entry for one in lived for entry in one.wrong]
    assert not [entry for entry in wrong if entry["sort"] in ("missing", "wrong, unmarked")]
    assert done["after asking for everything"]["wrong"] == []
    assert done["same values"]
    assert done["verify"] == []
    assert len((tmp_path / "year.jsonl").read_text(encoding="utf-8").splitlines()) == len(lived)
    assert json.loads((tmp_path / "end.json").read_text(encoding="utf-8")) == done
