"""Kinds of faults by name: each does something to a file, and the server plays no other."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from flows.sources.loopback import LoopbackServer, read_fault
from flows.sources.loopback_faults import KINDS, Fault, restate, scale_newest
from tests.support.market import write_market

CONTRACT = (
    "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest\n"
    + "".join(
        f"2025-09-{day:02d},V (Oct 2025),17.1,17.4,16.8,17.{day},17.{day}00,0.1,1200,0,5000\n" for day in range(1, 13)
    )
).encode()
EDITS = [kind for kind in KINDS if "body" in KINDS[kind].fields]


def edited(kind: str, content: bytes = CONTRACT) -> bytes:
    changed: bytes = KINDS[kind].fields["body"](content)
    return changed


@pytest.mark.parametrize("kind", sorted(set(EDITS) - {"unlisted"}))
def test_kind_changes_the_file(kind: str) -> None:
    assert edited(kind) != CONTRACT


@pytest.mark.parametrize("kind", KINDS)
def test_fields_of_a_kind_are_those_of_a_fault(kind: str) -> None:
    assert Fault("pattern", **KINDS[kind].fields).pattern == "pattern"
    assert KINDS[kind].what


def test_unlisted_month_is_gone_from_the_list_and_nothing_else(tmp_path: Path) -> None:
    listed = write_market(tmp_path).list_path.read_bytes()
    before = {entry["expire_date"] for entries in json.loads(listed).values() for entry in entries}
    after = {entry["expire_date"] for entries in json.loads(edited("unlisted", listed)).values() for entry in entries}
    assert len(before - after) == 1
    assert after < before


def test_newest_line_alone_is_scaled() -> None:
    *earlier, newest = scale_newest(2, column=6)(CONTRACT).decode().splitlines()
    assert earlier == CONTRACT.decode().splitlines()[:-1]
    assert newest.split(",")[6] == "34.2400"
    assert newest.split(",")[5] == "17.12"


def test_restated_line_is_the_one_so_many_back() -> None:
    before, after = CONTRACT.decode().splitlines(), restate(2, 5, column=6)(CONTRACT).decode().splitlines()
    assert [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [
        len(before) - 6
    ]


@pytest.mark.parametrize(("kind", "day"), [("future", date(2035, 1, 3)), ("holiday", date(2025, 7, 4))])
def test_line_of_another_day_has_it_in_the_files_own_spelling(kind: str, day: date) -> None:
    slashed = b"DATE,OPEN,HIGH,LOW,CLOSE\n09/12/2025,17.0,17.1,16.9,17.0\n"
    assert edited(kind).decode().splitlines()[-1].startswith(f"{day},V (Oct 2025),")
    assert edited(kind, slashed).decode().splitlines()[-1] == f"{day:%m/%d/%Y},17.0,17.1,16.9,17.0"


def test_repeated_line_has_the_newest_date() -> None:
    assert (
        edited("stale-line").decode().splitlines()[-1]
        == "2025-09-12,V (Oct 2025),17.1,17.4,16.8,17.11,17.1100,0.1,1200,0,5000"
    )


def test_server_plays_a_kind_by_its_name(tmp_path: Path) -> None:
    with LoopbackServer(tmp_path) as server:
        fault = server.play("slow", "VIX", delay_seconds=0.1)
        assert (fault.pattern, fault.delay_seconds) == ("VIX", 0.1)
        assert server.plan == [fault]


def test_fault_is_read_from_the_command_line() -> None:
    assert read_fault("cut:VIX_History") == ("cut", "VIX_History")


@pytest.mark.parametrize("text", ["cut", "cut:", "no-such:VIX", "another-file:VIX"])
def test_fault_that_cannot_be_played_is_refused(text: str) -> None:
    from argparse import ArgumentTypeError

    with pytest.raises(ArgumentTypeError, match="KIND:PATTERN"):
        read_fault(text)
