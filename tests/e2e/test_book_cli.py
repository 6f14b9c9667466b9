"""``alvh book check`` and ``alvh book show`` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.book import ACCOUNT, EXAMPLE, MARKET_BOOK
from tests.support.commands import Commands
from tests.support.market import LAST, write_market
from tests.support.nights import Trader, evening_of
from tests.support.shell import Shell
from warehouse.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one night on the made-up market, and a book in it."""
    folder = tmp_path_factory.mktemp("book")
    market = write_market(folder / "archive")
    trader = Trader(Home(folder / "home"), market.root, evening_of(LAST))
    inputs = folder / "home" / "inputs"
    inputs.mkdir(parents=True)
    (inputs / "book.toml").write_text(MARKET_BOOK, encoding="utf-8")
    trader.run()
    return folder / "home"


@pytest.fixture
def commands(home: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(home, capsys)


def test_check_says_what_was_understood_and_warns(commands: Commands, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    lines = Shell(commands.home).alvh("book", "check", str(path)).stdout.splitlines()
    assert lines[:2] == [
        "account      $250,000, as of the close of 2026-01-07",
        "             margin $41,000, cash $60,000, bills $180,000",
    ]
    assert "             -1 SPX 2026-02-20 P 6600 at 40.5" in lines
    assert "             +4 VXM 2026-02-18 at 17.85" in lines
    assert "             +10 VIX 2026-03-18 C 25 at 1.1" in lines
    assert "returns      required 12.00%, WACC 9.00%, equity premium 4.50%" in lines
    # the book of the example is long past
    assert any(line.startswith("warning: book.toml is of 2026-01-07, ") for line in lines)


def test_check_names_the_line_of_what_cannot_be_used(commands: Commands, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ACCOUNT + "margin = 5\n", encoding="utf-8")
    said = commands.run("book", "check", str(path), code=2)
    assert said.out == ""
    assert said.err.splitlines() == [
        "alvh: unknown key 'margin' in [account]",
        "  where:    mine.toml:4 (account.margin)",
        "  found:    margin",
        "  expected: margin_usd",
        "  next:     known here: nav_usd, as_of, margin_usd, cash_usd, bills_usd",
    ]


def test_check_refuses_a_book_of_a_later_day_and_one_that_is_not_there(commands: Commands, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ACCOUNT.replace("2026-01-07", "2098-01-07"), encoding="utf-8")
    assert "mine.toml:3 (account.as_of)" in commands.run("book", "check", str(path), code=2).err
    assert "No such file" in commands.run("book", "check", str(tmp_path / "none.toml"), code=2).err
    path.write_bytes(b"\xff\xfe")
    assert "byte 0xff" in commands.run("book", "check", str(path), code=2).err


def test_check_takes_the_book_of_the_home_where_none_is_named(commands: Commands) -> None:
    assert commands.run("book", "check").out.startswith("account      $2,000,000, as of the close of 2025-08-29\n")


def test_show_gives_account_layers_and_orders(commands: Commands) -> None:
    lines = Shell(commands.home).alvh("book", "show").stdout.splitlines()
    assert lines[0] == (
        "2025-09-12  your account of $2,000,000, book of 2025-08-29, in the hedge since the close of 2025-08-29"
    )
    assert lines[1].startswith("protected      book legs: vega ")
    assert [line.split()[0] for line in lines[2:5]] == ["base", "temporal_vega", "second_engine"]
    header = next(number for number, line in enumerate(lines) if line.startswith("instrument"))
    assert lines[header].split() == ["instrument", "target", "held", "order", "reason"]
    assert any(line.startswith("VXM 2025-09-17") and "sell 3: none wanted, +3 held" in line for line in lines)
    assert lines[-1].startswith("warning: book.toml is of 2025-08-29, 9 sessions before 2025-09-12")


def test_show_as_json_is_what_the_warehouse_says(commands: Commands) -> None:
    found = json.loads(commands.run("book", "show", "--json").out)
    assert found["session"] == str(LAST)
    assert (found["account"]["account_nav_usd"], found["account"]["wacc_frac"]) == (2_000_000, 0.09)
    held = {one["instrument"]: one["held_contracts"] for one in found["orders"] if one["held_contracts"]}
    assert held == {"VIX 2025-10-22 C 25": 2, "VX 2025-10-22": 1, "VXM 2025-09-17": 3}
    assert found["exposure"]["vega_usd_per_vix_pt"] < 0


def test_report_and_status_name_the_book_and_its_orders(commands: Commands) -> None:
    found = json.loads(commands.run("book", "show", "--json").out)
    count = sum(1 for one in found["orders"] if one["order_contracts"])
    (line,) = (line for line in commands.run("status").out.splitlines() if line.startswith("book "))
    assert line == (
        f"book         your account of $2,000,000 as of 2025-08-29; {count} orders; "
        f"{len(found['warnings'])} warning{'s' if len(found['warnings']) > 1 else ''}, see `alvh book show`"
    )
    folder = commands.home / "reports" / "latest"
    state = json.loads((folder / "hedge-state.json").read_text(encoding="utf-8"))["book"]
    assert [one["instrument"] for one in state["orders"]] == [one["instrument"] for one in found["orders"]]
    assert (state["order_count"], state["warnings"]) == (count, found["warnings"])
    page = (folder / "hedge-state.html").read_text(encoding="utf-8")
    assert f"Your book: {count} orders for the settlement of 15 Sep 2025." in page
    commands.run("report", "--as-of", "2025-09-11")
    earlier = commands.home / "reports" / "2025-09-11" / "hedge-state.json"
    document = json.loads(earlier.read_text(encoding="utf-8"))
    assert document["book"] is None
    assert "newest session" in document["book_note"]


def test_show_without_a_book_says_where_it_goes(published: Commands) -> None:
    assert not any(line.startswith("book ") for line in published.run("status").out.splitlines())
    said = published.run("book", "show", code=2).err
    assert said.startswith("alvh: no book is in use\n")
    assert "inputs/book.toml" in said
