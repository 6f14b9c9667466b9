"""The page of faults tells the truth: its tests exist, its rows are unique, every kind that can be played is there."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

import pytest

from flows.sources.loopback_faults import KINDS
from tests.support.pages import DOCS, ROOT, blocks, read

PAGE = DOCS / "faults.md"
HEAD = "| fault | detection | effect | exit code | test |"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`( \(slow\))?")


def tables() -> dict[str, list[list[str]]]:
    """The rows of each section that has a table of faults."""
    found: dict[str, list[list[str]]] = {}
    for section in re.split(r"^## ", read(PAGE), flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        if HEAD in text:
            lines = text[text.index(HEAD) :].splitlines()[2:]
            rows = [line for line in lines if line.startswith("|")]
            found[title] = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in rows]
    return found


ROWS = [(section, row) for section, rows in tables().items() for row in rows]


@lru_cache(maxsize=64)
def functions(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def is_slow(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator).startswith("pytest.mark.slow") for decorator in function.decorator_list)


def test_page_has_the_section_of_the_sources() -> None:
    assert "Sources" in tables()


@pytest.mark.parametrize(("section", "row"), ROWS, ids=[f"{section}-{row[0][:40]}" for section, row in ROWS])
def test_row_has_five_cells_and_tests_that_exist(section: str, row: list[str]) -> None:
    assert len(row) == 5, row
    assert all(row)
    named = TEST.findall(row[4])
    assert named, f"no test: {row[4]}"
    # nothing but tests in the last cell
    assert not re.sub(r"[\s,;]|and", "", TEST.sub("", row[4])), row[4]
    for file, name, slow in named:
        assert (ROOT / file).exists(), file
        assert name.startswith("test_")
        assert name in functions(file), f"{file} has no {name}"
        assert is_slow(functions(file)[name]) == bool(slow), f"{name}: slow or not"


def test_rows_are_unique() -> None:
    faults = [row[0] for _, row in ROWS]
    assert sorted(set(faults)) == sorted(faults)


def test_every_kind_that_the_server_plays_is_in_the_table() -> None:
    named = set(re.findall(r"`([\w-]+)`", " ".join(row[0] for row in tables()["Sources"])))
    assert set(KINDS) - named == set()


def test_every_kind_is_played_by_a_test_that_the_table_names() -> None:
    """The source of the named test, or of its module's tables and fixtures, has the kind's name or its field."""
    played = set()
    for row in tables()["Sources"]:
        kinds = set(re.findall(r"`([\w-]+)`", row[0])) & set(KINDS)
        for file, _, _ in TEST.findall(row[4]):
            text = (ROOT / file).read_text(encoding="utf-8")
            played |= {kind for kind in kinds if f'"{kind}"' in text or set(KINDS[kind].fields) & _fields(text)}
    assert set(KINDS) - played == set()


def _fields(text: str) -> set[str]:
    # a test may state the fault by its fields instead of the name
    return set(re.findall(r"\"?(\w+)\"?[=:]", text)) - {"body"}


def test_slow_rows_are_counted_on_the_page() -> None:
    slow = sum(bool(mark) for _, row in ROWS for _, _, mark in TEST.findall(row[4]))
    stated = re.search(r"(\d+) of these tests (?:is|are) slow", read(PAGE))
    assert stated is not None
    assert int(stated[1]) == slow


def test_command_of_the_page_plays_kinds_that_there_are() -> None:
    (line,) = [line for block in blocks(PAGE, "console") for line in block.splitlines() if "loopback" in line]
    kinds = re.findall(r"--fault ([\w-]+):", line)
    assert kinds
    assert set(kinds) <= {kind for kind in KINDS if KINDS[kind].fields}
