"""kill -9 anywhere in a night: what is published stays readable, nothing fetched is lost, the next night works.

The points are killed one after the other on one home, so that each run also begins on what the one before left. On a
home of its own each of them is in the slow tests, and so are kills at random instants.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from flows.run import Steps
from flows.steps import stand_step
from tests.support.killed_night import POINTS, kill_after, run_and_die, start_night
from tests.support.market import Market
from tests.support.nights import Trader
from tests.support.promises import Held, assert_readable, last_run, leftovers, read_held, unsound
from warehouse.home import Home
from warehouse.publish import broken_off_holder, lock_holder
from warehouse.run_log import read_records

CHOSEN = (
    "before-the-lock-is-noted",
    "during-policy",
    "between-a-file-and-its-sidecar",
    "during-build",
    "during-check",
    "before-the-swap",
    "between-swap-and-pruning",
    "during-record",
    "between-two-report-files",
    "between-two-pages",
    "before-the-message",
    "before-pruning",
)
"""One of each kind, in the order of a night."""

RANDOM_INSTANTS = 60


def kill_at(trader: Trader, point: str, before: Held, moved_on: Held, kept: Path) -> Held:
    """Kill the next night at a point, and hold what is promised of it. Return what the home then holds."""
    run_id = run_and_die(trader, point, kept)
    after, said = read_held(trader.home), POINTS[point].said
    if POINTS[point].is_published:
        assert (after.run_id, after.values) == (run_id, moved_on.values)
    else:
        assert (after.run_id, after.values) == (before.run_id, before.values)
    assert before.versions <= after.versions
    assert lock_holder(trader.home) is None
    status = assert_readable(trader.home)
    if said:
        named, outcome, sentence = last_run(status)
        assert named == run_id
        assert outcome == ("published" if POINTS[point].is_published else "interrupted")
        assert sentence.endswith(said)
    note = broken_off_holder(trader.home)
    assert (note or {}).get("command") == (None if point == "before-the-lock-is-noted" else "nightly --source archive")
    assert status["broken_off"] == note
    return after


def assert_recovers(trader: Trader, steps: Steps, moved_on: Held) -> None:
    """Run the next night, which needs nobody's hand, and leave nothing behind."""
    result = trader.run(steps)
    assert (result.exit_code, result.as_of) == (0, date(2025, 9, 16))
    assert read_held(trader.home).values == moved_on.values
    assert read_held(trader.home).versions == moved_on.versions
    assert leftovers(trader.home) == []
    assert broken_off_holder(trader.home) is None
    assert unsound(trader.home) == []
    for record in read_records(trader.home):
        assert record["outcome"] in ("published", "interrupted")
        assert record["outcome"] == "published" or record["broken_off"]


def expect_news(home: Home) -> None:
    """Have a night with something to tell, so that it comes to the message."""
    layers = {"base": ["active", 1], "temporal_vega": ["armed", 0], "second_engine": ["idle", 0]}
    standing = {"session": "2025-09-11", "layers": layers, "governor_mode": "steward", "unwell": []}
    path = home.path / "notices" / "standing.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(standing), encoding="utf-8")


def test_nights_killed_one_after_the_other_leave_what_is_published_and_the_next_one_succeeds(
    trader: Trader, steps: Steps, kept: Path, moved_on: Held
) -> None:
    expect_news(trader.home)
    held = read_held(trader.home)
    for point in CHOSEN:
        held = kill_at(trader, point, held, moved_on, kept)
    assert_recovers(trader, steps, moved_on)
    broken = [record["broken_off"] for record in read_records(trader.home) if "broken_off" in record]
    assert broken == [POINTS[point].said for point in CHOSEN if POINTS[point].said]


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_night_killed_at_a_point_leaves_what_is_published_and_the_next_one_succeeds(
    trader: Trader, steps: Steps, kept: Path, moved_on: Held, point: str
) -> None:
    expect_news(trader.home)
    kill_at(trader, point, read_held(trader.home), moved_on, kept)
    assert_recovers(trader, steps, moved_on)


def kill_at_random(trader: Trader, generator: random.Random, seconds: float, kept: Path | None) -> bool:
    """Kill a night at an instant of its length, and hold what is promised. False where it had ended before."""
    before = read_held(trader.home)
    process, run_id, trouble = start_night(trader, None, kept)
    was_killed = kill_after(process, generator.uniform(0, seconds))
    assert was_killed or process.exitcode == 0, trouble.read_text()[-2000:]
    after = read_held(trader.home)
    assert (after.run_id, after.values) == (before.run_id, before.values) or after.run_id == run_id
    assert before.versions <= after.versions
    status = assert_readable(trader.home)
    named, outcome, _ = last_run(status)
    if named == run_id:  # there is a record
        assert outcome == ("published" if after.run_id == run_id else "interrupted")
    else:
        assert after.run_id == before.run_id
    assert lock_holder(trader.home) is None
    return was_killed


def test_nights_killed_at_random_instants_harm_nothing(
    trader: Trader, steps: Steps, kept: Path, moved_on: Held
) -> None:
    generator = random.Random(20250916)  # noqa: S311
    started = time.monotonic()
    start_night(trader, None, kept)[0].join()
    length = time.monotonic() - started
    for _ in range(4):
        kill_at_random(trader, generator, length, kept)
    assert_recovers(trader, steps, moved_on)


@pytest.mark.slow
def test_nights_killed_at_sixty_random_instants_harm_nothing(
    trader: Trader, steps: Steps, kept: Path, moved_on: Held, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every fifth of them builds, the others take the build made before, which they come past more often."""
    generator, killed = random.Random(60), 0  # noqa: S311
    lengths: dict[Path | None, float] = {}
    for kind in (None, kept):
        started = time.monotonic()
        start_night(trader, None, kind)[0].join()
        lengths[kind] = time.monotonic() - started
    for number in range(RANDOM_INSTANTS):
        kind = kept if number % 5 else None
        killed += kill_at_random(trader, generator, lengths[kind], kind)
        if number % 10 == 9:
            assert_recovers(trader, steps, moved_on)
    broken = [str(record["broken_off"]) for record in read_records(trader.home) if "broken_off" in record]
    with capsys.disabled():
        counts = {said: broken.count(said) for said in sorted(set(broken))}
        print(f"\n{killed} of {RANDOM_INSTANTS} nights killed, {len(broken)} had a record: {counts}")
    assert killed > RANDOM_INSTANTS / 2


def test_revision_found_by_a_night_killed_after_the_swap_is_not_lost(trader: Trader, market: Market) -> None:
    trader.begin()
    path = market.contract_path(market.monthlies[1])
    line = path.read_text(encoding="utf-8").splitlines()[5]
    fields = line.split(",")
    fields[6] = f"{float(fields[6]) + 0.05:.4f}"
    market.edit(path, lambda text: text.replace(line, ",".join(fields)))
    run_id = run_and_die(trader, "after-publish")
    trader.run()
    assert trader.rows("select detected_run_id from ops.value_revisions") == [(run_id,)]
    assert trader.rows("select outcome from ops.runs where run_id = $$" + run_id + "$$") == [("published",)]


def test_first_fetch_broken_off_goes_on_where_it_stopped(trader: Trader) -> None:
    trader.home.prepare()
    run_and_die(trader, "between-two-files")
    stored = trader.raw_bodies()
    assert stored
    result = trader.run()
    assert result.exit_code == 0
    assert stored <= trader.raw_bodies()


def test_night_killed_before_its_report_does_not_stand(
    trader: Trader, steps: Steps, kept: Path, market: Market
) -> None:
    trader.run(steps)
    # the same session, so that there is a report, which is that of the run before
    run_and_die(trader, "before-report", kept)
    result = trader.run(replace(steps, stand=stand_step))
    assert result.outcome == "published"
    assert trader.run(replace(steps, stand=stand_step)).outcome == "nothing_new"


def test_next_night_says_what_became_of_the_one_that_was_killed(
    trader: Trader, steps: Steps, kept: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = (run_and_die(trader, point, kept) for point in ("during-check", "between-two-report-files"))
    trader.run(steps)
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("before ")]
    assert said == [
        f"before   run {second} was broken off during report; published all the same",
    ]
    # the second one had told of the first, into its own stream
    told = trader.home.path.with_name("trouble.txt").read_text(encoding="utf-8")
    assert f"run {first} was broken off during check; what was published before it stands" in told
