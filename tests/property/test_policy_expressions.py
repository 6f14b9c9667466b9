"""Expressions at random: what is read says what DuckDB says, and nothing else gets through."""

from __future__ import annotations

import math
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.policies import COLUMNS, load, signals, small
from transforms.errors import PolicyError
from transforms.policy.differences import describe_difference
from transforms.policy.expression import Node, constant_value, format_number, render_sql, render_text
from transforms.policy.identity import policy_hash
from transforms.policy.tokens import tokenise
from transforms.policy.types import check_condition
from warehouse.expressions import parse_expression

QUICK = examples(150)
VALUES = {"x": 25.0, "y": 0.5}

NUMBERS = st.one_of(
    st.sampled_from([Node("column", "ad_divergence_z"), Node("column", "contango_z"), Node("parameter", "x")]),
    st.integers(-40, 40).map(lambda value: Node("number", float(value))),
    st.floats(0.001, 1000).map(lambda value: Node("number", value)),
)


def pair(kinds: list[str], parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(lambda kind, *children: Node(kind, "", children), st.sampled_from(kinds), parts, parts)


ARITHMETIC = st.recursive(NUMBERS, lambda inner: pair(["+", "-", "*"], inner), max_leaves=4)
COMPARED = st.builds(
    lambda sign, left, right: Node("compare", sign, (left, right)),
    st.sampled_from(["=", "<>", "<", ">", "<=", ">="]),
    ARITHMETIC,
    ARITHMETIC,
)
FLAGS = st.sampled_from([Node("column", "is_big_top"), Node("column", "is_converging")])
NULLS = st.builds(lambda sign, part: Node("is_null", sign, (part,)), st.sampled_from(["", "not"]), FLAGS)
BETWEEN = st.builds(lambda *parts: Node("between", "", parts), ARITHMETIC, NUMBERS, NUMBERS)
CONDITIONS = st.recursive(
    st.one_of(COMPARED, FLAGS, NULLS, BETWEEN),
    lambda inner: st.one_of(pair(["and", "or"], inner), inner.map(lambda part: Node("not", "", (part,)))),
    max_leaves=6,
).filter(lambda node: bool(node.columns))

SIGNALS = [
    {"ad_divergence_z": z, "contango_frac": c, "is_big_top": top, "is_converging": flag}
    for z in (None, -1.5, 0.0, 25.0)
    for c, top, flag in ((0.08, True, False), (None, None, True), (-0.2, False, None))
]


@pytest.fixture(scope="module")
def market() -> Iterator[duckdb.DuckDBPyConnection]:
    with signals(*SIGNALS) as connection:
        connection.execute("alter table mart.daily_signals rename column contango_frac to contango_z")
        yield connection


COLUMNS_OF_MARKET = {**COLUMNS, "contango_z": COLUMNS["ad_divergence_z"]}


@QUICK
@given(node=CONDITIONS)
def test_canonical_text_is_read_back_as_itself(node: Node) -> None:
    condition = parse_expression(render_text(node))
    assert parse_expression(render_text(condition)) == condition


@QUICK
@given(node=CONDITIONS)
def test_checked_condition_says_what_duckdb_says_of_the_text(market: duckdb.DuckDBPyConnection, node: Node) -> None:
    text = render_text(node)
    checked = check_condition(parse_expression(text), COLUMNS_OF_MARKET, {"x": "sd"}, {"x": 0.7})
    query = "select {} from mart.daily_signals order by trade_date"
    ours = market.execute(query.format(render_sql(checked, {"x": 0.7}))).fetchall()
    # decimals of the text are compared as doubles, as the policy does it
    theirs = market.execute(query.format(as_doubles(text).replace("$x", "0.7e0"))).fetchall()
    assert ours == theirs


def as_doubles(text: str) -> str:
    """The same text with every number written as a DOUBLE."""
    words, position = [], 0
    for token in tokenise(text):
        words.append(text[position : token.position])
        position = token.position
        if token.kind == "number":
            words.append(f"{float(token.text)!r}" + ("" if "e" in repr(float(token.text)) else "e0"))
            position += len(token.text)
    return "".join([*words, text[position:]])


@QUICK
@given(value=st.floats(1e-12, 1e12) | st.floats(-1e12, -1e-12) | st.just(0.0))
@example(value=0.1)
@example(value=1e-12)
def test_number_reaches_duckdb_to_the_last_bit(market: duckdb.DuckDBPyConnection, value: float) -> None:
    row = market.execute(f"select {render_sql(Node('parameter', 'x'), {'x': value})}").fetchone()
    assert row is not None
    assert (type(row[0]), row[0]) == (float, value)


@QUICK
@given(value=st.floats(1e-12, 1e12) | st.floats(-1e12, -1e-12) | st.just(-0.0))
def test_number_has_one_spelling_that_keeps_it(value: float) -> None:
    text = format_number(value)
    assert float(text) == value
    assert format_number(float(text)) == text


def read(text: str) -> Node | None:
    """The tree, or None where it is refused; anything but a refusal fails the test."""
    try:
        return parse_expression(text)
    except PolicyError:
        return None


@QUICK
@given(text=st.text(max_size=80))
def test_text_at_random_is_read_or_refused(text: str) -> None:
    node = read(text)
    assert node is None or render_text(node)


SIGNS_AND_WORDS = """
( ) , . + - * / < > = <> <= >= and or not is null between in abs least greatest is_big_top vix_close_pts $x
1 2.5 1e3 'ok' select from where case when end cast as getenv :: [ ] { } | ; -- /* " ' $ $1 ? exists over
order by limit union with lambda -> unnest struct interval date true false distinct any all
"""
WORDS = st.lists(
    st.sampled_from(SIGNS_AND_WORDS.split()),
    max_size=14,
).map(" ".join)

ALLOWED = {"and", "or", "not", "compare", "between", "in", "is_null", "+", "-", "*", "/", "negate", "abs"} | {
    *("least", "greatest", "column", "parameter", "number", "text")
}


@examples(600)
@given(text=WORDS)
@example(text="is_big_top is_big_top")
@example(text="1 , 2")
@example(text="abs ( 1 , 2 )")
def test_words_at_random_give_an_allowed_tree_or_a_refusal(text: str) -> None:
    node = read(text)
    assert node is None or {part.kind for part in node.walk()} <= ALLOWED


@QUICK
@given(depth=st.integers(1, 2000), opening=st.sampled_from(["(", "not ", "-", "abs(", "not(", "1+", "(1+"]))
def test_any_nesting_is_read_or_refused(depth: int, opening: str) -> None:
    closing = ")" * (opening.count("(") * depth)
    node = read(opening * depth + "1" + closing)
    assert node is None or depth <= 40


@QUICK
@given(node=ARITHMETIC.filter(lambda node: not node.columns))
def test_constant_is_computed_as_duckdb_computes_it(market: duckdb.DuckDBPyConnection, node: Node) -> None:
    row = market.execute(f"select {render_sql(node, VALUES)}").fetchone()
    value = constant_value(node, VALUES)
    assert row is not None
    assert value is not None
    assert math.isclose(row[0], value, rel_tol=1e-12, abs_tol=1e-9)


@QUICK
@given(value=st.floats(10, 80), other=st.floats(10, 80))
def test_policies_differ_in_words_exactly_when_their_hashes_do(value: float, other: float) -> None:
    first, second = (load(small("value = 25.0", f"value = {number!r}")) for number in (value, other))
    assert bool(describe_difference(first, second)) == (policy_hash(first) != policy_hash(second)) == (value != other)
