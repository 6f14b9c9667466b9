"""A night with nothing new: what is published stands, and anything that could change a number ends that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import steps
from tests.support.market import Market
from tests.support.nights import QUICK, Trader
from warehouse import unchanged, version
from warehouse.run_log import latest_record, read_record

KEEN = replace(QUICK, stand=steps.stand_step)
"""Nights that let stand what nothing changed."""


@pytest.fixture
def begun(trader: Trader) -> Trader:
    trader.begin()
    return trader


def builds(trader: Trader, **changes: Any) -> bool:
    """Tell whether the next night builds, without building."""

    class BuildError(Exception):
        pass

    def stop(*_: Any) -> Any:
        raise BuildError

    try:
        trader.run(replace(KEEN, build=stop), **changes)
    except BuildError:
        return True
    return False


def test_night_with_nothing_new_lets_everything_stand(begun: Trader) -> None:
    before = begun.state()
    result = begun.run(KEEN)
    assert (result.exit_code, result.outcome) == (0, "nothing_new")
    assert "no file, policy or code changed" in result.sentence
    assert result.report is not None
    assert result.report.is_file()
    assert begun.state() == before
    record = latest_record(begun.home)
    assert record is not None
    assert (record["outcome"], record["exit_code"]) == ("nothing_new", 0)
    published = read_record(begun.home, record["stands"])
    assert published is not None
    assert published["build_key"] == record["build_key"]


def test_night_that_stands_is_in_the_runs_of_the_next_build(begun: Trader) -> None:
    begun.run(KEEN)
    begun.run(KEEN, rebuild=True)
    outcomes = begun.rows("select outcome from ops.runs order by started_at_utc")
    assert outcomes == [("published",), ("nothing_new",), ("published",)]


def test_degraded_night_stands_degraded(begun: Trader) -> None:
    record = begun.home.runs / f"{begun.rows('select run_id from ref.run')[0][0]}.json"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace('"reasons": []', '"reasons": ["VVIX is stale."]'), encoding="utf-8")
    result = begun.run(KEEN)
    assert (result.exit_code, result.outcome) == (3, "nothing_new")
    assert "degraded: VVIX is stale." in result.sentence


def a_new_file(trader: Trader, market: Market) -> None:
    path = next(path for path in market.root.rglob("VVIX_History.csv"))
    path.write_bytes(path.read_bytes().rstrip() + b"\n\n")


def an_input(trader: Trader, market: Market) -> None:
    (trader.home.path / "inputs").mkdir(exist_ok=True)
    (trader.home.path / "inputs" / "book.toml").write_text("as_of = 2000-01-01\n", encoding="utf-8")


def a_flipped_byte(trader: Trader, market: Market) -> None:
    body = bytearray(trader.home.published.read_bytes())
    body[-1] ^= 1
    trader.home.published.write_bytes(body)


def a_lost_page(trader: Trader, market: Market) -> None:
    next(trader.home.reports.glob("2*/hedge-state.md")).unlink()


def a_lost_record(trader: Trader, market: Market) -> None:
    for path in trader.home.runs.glob("*.json"):
        path.unlink()


def nothing_published(trader: Trader, market: Market) -> None:
    trader.home.published.unlink()


@pytest.mark.parametrize(
    "change", [a_new_file, an_input, a_flipped_byte, a_lost_page, a_lost_record, nothing_published]
)
def test_night_builds_where_something_changed(
    begun: Trader, market: Market, change: Callable[[Trader, Market], None]
) -> None:
    assert not builds(begun)
    change(begun, market)
    assert builds(begun)


def test_night_builds_with_other_code_another_day_or_when_told(begun: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    assert builds(begun, rebuild=True)
    assert builds(begun, now=begun.now + timedelta(days=1))
    monkeypatch.setattr(unchanged, "code_sha256", lambda: "another")
    assert builds(begun)


def test_every_file_of_the_code_counts() -> None:
    root = Path(version.__file__).resolve().parent.parent
    found = {path.relative_to(root).as_posix() for path in version._code_files(root)}
    assert {
        "sql/columns.toml",
        "transforms/page/templates/page.css",
        "warehouse/unchanged.py",
        "flows/sources/cboe.py",
    } <= found
    assert not any(name.startswith("warehouse/data/") or name.endswith(".pyc") for name in found)
