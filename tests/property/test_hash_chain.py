"""A chained log on random edits: what was written comes back, and any change of one byte is found."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from transforms.hash_chain import (
    START,
    canonical_json,
    hash_rows,
    head_of,
    read_chain,
    render_entry,
    seal_entries,
    seal_entry,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
    max_leaves=6,
)
RESERVED = {"seq", "previous_sha256", "entry_sha256"}
CONTENTS = st.lists(
    st.dictionaries(st.text(max_size=6).filter(lambda key: key not in RESERVED), PLAIN, max_size=4),
    min_size=1,
    max_size=5,
)
RANDOM = examples(150)
ENTRIES = seal_entries([{"kind": "nightly_state", "session": f"2025-01-0{day}"} for day in range(1, 7)], START)
LINES = [render_entry(entry) for entry in ENTRIES]
BODY = b"".join(LINES)


def kinds(lines: list[bytes]) -> list[tuple[int, str]]:
    return [(problem.line, problem.kind) for problem in read_chain(b"".join(lines)).problems]


@RANDOM
@given(contents=CONTENTS)
def test_chain_reads_back_what_was_written(contents: list[dict[str, object]]) -> None:
    entries = seal_entries(contents, START)
    reading = read_chain(b"".join(render_entry(entry) for entry in entries))
    assert list(reading.entries) == entries
    assert (reading.problems, reading.tail, reading.head) == ((), b"", head_of(entries[-1]))


@RANDOM
@given(contents=CONTENTS, data=st.data())
def test_chain_shows_any_change_of_one_byte(contents: list[dict[str, object]], data: st.DataObject) -> None:
    body = b"".join(render_entry(entry) for entry in seal_entries(contents, START))
    place = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.integers(0, 255)).to_bytes(1, "big")
    how = data.draw(st.sampled_from(["replace", "insert", "delete"]))
    rest = body[place + (how != "insert") :]
    changed = body[:place] + (b"" if how == "delete" else byte) + rest
    reading = read_chain(changed)
    assert changed == body or reading.problems or reading.tail


def test_chain_shows_every_change_of_every_byte_of_a_log() -> None:
    for place in range(len(BODY)):
        for byte in (b"", b"0", b"\n", b"\0", b" ", b"\xff", bytes([BODY[place] ^ 1])):
            changed = BODY[:place] + byte + BODY[place + 1 :]
            reading = read_chain(changed)
            assert changed == BODY or reading.problems or reading.tail, (place, byte)


@pytest.mark.parametrize("cut", range(1, len(LINES[-1])))
def test_chain_without_the_end_of_its_last_line_has_a_torn_tail(cut: int) -> None:
    reading = read_chain(BODY[:-cut])
    assert (len(reading.entries), reading.problems) == (5, ())
    assert reading.tail == LINES[-1][:-cut]
    assert reading.whole_bytes == len(BODY) - len(LINES[-1])


def test_chain_takes_a_last_line_of_zero_bytes_for_torn() -> None:
    zeroed = LINES[-1][:20] + b"\0" * (len(LINES[-1]) - 21) + b"\n"
    reading = read_chain(b"".join(LINES[:-1]) + zeroed)
    assert (len(reading.entries), reading.problems, reading.tail) == (5, (), zeroed)


def test_chain_names_a_missing_entry() -> None:
    assert kinds([*LINES[:2], *LINES[3:]]) == [(3, "missing")]


def test_chain_names_two_entries_in_each_others_place() -> None:
    assert kinds([*LINES[:2], LINES[3], LINES[2], *LINES[4:]]) == [(3, "missing"), (4, "moved")]


def test_chain_names_an_entry_that_is_there_twice() -> None:
    assert kinds([*LINES[:3], LINES[2], *LINES[3:]]) == [(4, "repeated")]


def test_chain_names_an_edited_entry() -> None:
    assert kinds([*LINES[:2], LINES[2].replace(b"2025-01-03", b"2024-01-03"), *LINES[3:]]) == [(3, "edited")]


def test_chain_names_the_entry_behind_one_whose_own_hash_was_made_right() -> None:
    forged = seal_entry({"kind": "nightly_state", "session": "2024-01-03"}, head_of(ENTRIES[1]))
    assert kinds([*LINES[:2], render_entry(forged), *LINES[3:]]) == [(4, "edited")]


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n",
        b"[]\n",
        b"\n",
        b"null\n",
        b"[" * 100_000 + b"\n",
        b"1" * 5000 + b"\n",
        b'{"entry_sha256":"a","previous_sha256":"b","seq":true}\n',
        b'{"entry_sha256":"a","previous_sha256":"b","seq":1.0}\n',
        b'{"entry_sha256":"a","previous_sha256":"b","seq":NaN}\n',
        b'{"entry_sha256":"a","previous_sha256":"b","seq":3,"seq":3}\n',
        LINES[2].replace(b",", b", ", 1),
        LINES[2].replace(b"\n", b"\r\n"),
    ],
)
def test_chain_takes_no_line_in_another_spelling(line: bytes) -> None:
    assert (3, "edited") in kinds([*LINES[:2], line, *LINES[3:]])


def test_canonical_json_has_one_spelling_for_a_value() -> None:
    assert canonical_json({"b": [1, None, True], "a": "é"}) == b'{"a":"\\u00e9","b":[1,null,true]}'


@pytest.mark.parametrize("value", [1.5, {"a": float("nan")}, [b"x"], {1: "a"}, {"a": (1, 2)}])
def test_canonical_json_takes_nothing_with_two_spellings(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize(
    "other",
    [
        [(datetime(2025, 1, 6, tzinfo=UTC).date(), "base", 1.0, None)],
        [(datetime(2025, 1, 6, tzinfo=UTC).date(), "base", "1.0", 2)],
        [(datetime(2025, 1, 6, tzinfo=UTC).date(), "base", 1.0, 2), ()],
        [("2025-01-06", "base", 1.0, 2)],
        [(datetime(2025, 1, 6, tzinfo=UTC).date(), "base", 1.0000000000000002, 2)],
        [],
    ],
)
def test_hash_rows_differs_with_any_value(other: list[tuple[object, ...]]) -> None:
    columns = ["trade_date", "layer", "steps", "count"]
    rows = [(datetime(2025, 1, 6, tzinfo=UTC).date(), "base", 1.0, 2)]
    assert hash_rows(columns, rows) != hash_rows(columns, other)


def test_hash_rows_is_the_same_for_numpys_numbers_and_pythons() -> None:
    ours = [(1.5, 2, None, 0.0, Decimal("1.0"))]
    numpys = [(np.float64(1.5), np.int64(2), float("nan"), -0.0, Decimal("1.0"))]
    columns = list("abcde")
    assert hash_rows(columns, ours) == hash_rows(columns, numpys)


def test_hash_rows_counts_the_columns_names_and_order() -> None:
    rows = [(1, 2)]
    hashes = {hash_rows(columns, rows) for columns in (["a", "b"], ["b", "a"], ["a", "c"])}
    assert len(hashes | {hash_rows(["a", "b"], [(2, 1)])}) == 4


def test_seal_entry_puts_each_entry_behind_the_one_before() -> None:
    entries = seal_entries([{"n": n} for n in range(3)], START)
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert [entry["previous_sha256"] for entry in entries] == [START.sha256, *(e["entry_sha256"] for e in entries[:2])]
