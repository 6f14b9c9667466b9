"""Every question of the documentation runs on a published warehouse, and the answers shown are its answers.

The market is simulated: the answers are made up, the columns are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.docs_home import ANSWERED, LAST, answer, fill_answers
from tests.support.pages import DOCS, console_lines, read
from warehouse.home import Home
from warehouse.macros import load_macros

PAGE = DOCS / "questions.md"
SHOWN = dict(ANSWERED.findall(read(PAGE)))
LINES = [line for line in console_lines(PAGE) if line.startswith("alvh query ")]

Ask = Callable[[str], list[dict[str, Any]]]


def test_each_of_the_ten_questions_shows_its_answer() -> None:
    numbered = re.findall(r"^\*\*(\d+)\. [^\n]*\?\*\*\n(.*?)^```\n", read(PAGE), re.MULTILINE | re.DOTALL)
    assert [int(number) for number, _ in numbered] == list(range(1, 11))
    assert [ANSWERED.findall(body)[0][0] for _, body in numbered] == list(SHOWN)


@pytest.mark.parametrize("line", SHOWN)
def test_shown_answer_is_the_answer(home: Home, line: str) -> None:
    assert answer(home, line) == SHOWN[line], "run `python -m tests.support.docs_home` and read the difference"


@pytest.mark.parametrize("line", [line for line in LINES if line not in SHOWN])
def test_question_without_a_shown_answer_has_one(ask: Ask, line: str) -> None:
    assert ask(line) != []


def test_answers_are_said_to_be_simulated() -> None:
    introduction = read(PAGE).split("**1.")[0]
    assert "SIMULATED: " in introduction
    assert f"up to {LAST}" in introduction


def test_questions_span_curve_layers_and_ledger_by_views_and_macros() -> None:
    asked = " ".join(SHOWN)
    for view in ("signals", "term_structure", "hedge_state", "transitions", "positions", "ledger"):
        assert re.search(rf"\b(from|join) \(?(select .*? from )?{view}\b", asked), view
    assert len({name for name in load_macros() if f"{name}(" in asked}) >= 5


def test_filling_in_leaves_everything_but_the_answers() -> None:
    filled = fill_answers(read(PAGE), lambda line: "x\n")
    assert ANSWERED.sub("", filled) == ANSWERED.sub("", read(PAGE))
    assert filled.count("\nx\n```") == len(SHOWN) == 10


def test_other_queries_of_the_methodology_are_answered(ask: Ask) -> None:
    lines = [line for line in console_lines(DOCS / "methodology.md") if line.startswith("alvh query ")]
    assert lines != []
    for line in lines:
        assert ask(line) != []
