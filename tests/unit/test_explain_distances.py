"""Distances to thresholds: right where they are said, not said where they cannot be."""

from __future__ import annotations

import math
from dataclasses import replace

import duckdb
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.explain_fixtures import parse
from transforms.explain.distances import Term, Value, build_terms, evaluate, with_numbers
from transforms.explain.words import say_term
from transforms.policy.expression import Node, render_sql, render_text
from warehouse.expressions import parse_expression

UNITS = {"vix_close_pts": "pts", "contango_frac": "frac", "ad_divergence_z": "sd"}
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3))


def terms_of(expression: str, values: dict[str, Value], **parameters: float) -> tuple[Term, ...]:
    return build_terms(parse_expression(expression), values, parameters)[1]


def term_of(expression: str, values: dict[str, Value], **parameters: float) -> Term:
    (term,) = terms_of(expression, values, **parameters)
    return term


def test_distance_is_threshold_less_value() -> None:
    term = term_of("vix_close_pts >= $arm", {"vix_close_pts": 23.5}, arm=25.0)
    assert (term.truth, term.value, term.threshold, term.distance, term.bound) == (False, 23.5, 25.0, 1.5, ">=")


def test_distance_of_a_condition_that_holds_says_what_ends_it() -> None:
    term = term_of("vix_close_pts >= $arm", {"vix_close_pts": 26.5}, arm=25.0)
    assert (term.truth, term.distance, term.bound) == (True, -1.5, "<")


def test_distance_of_a_mirrored_comparison_is_that_of_the_column() -> None:
    term = term_of("25 <= vix_close_pts", {"vix_close_pts": 23.5})
    assert (term.distance, term.bound) == (1.5, ">=")


def test_distance_of_a_size_counts_the_size() -> None:
    term = term_of("abs(ad_divergence_z) >= 1.5", {"ad_divergence_z": -0.5})
    assert (term.is_size, term.value, term.distance) == (True, 0.5, 1.0)


@pytest.mark.parametrize(
    ("days", "threshold", "distance", "bound"),
    [(17, 15.0, -2.0, "<="), (3, 5.0, 2.0, ">="), (6, 5.0, -1.0, "<"), (14, 15.0, 1.0, ">")],
)
def test_distance_of_a_range_is_to_its_nearer_edge(days: int, threshold: float, distance: float, bound: str) -> None:
    term = term_of("vx1_trading_days_to_expiry between 5 and 15", {"vx1_trading_days_to_expiry": days})
    assert (term.threshold, term.distance, term.bound) == (threshold, distance, bound)


@pytest.mark.parametrize(
    "expression",
    [
        "vix_close_pts + contango_frac >= 25",
        "vix_close_pts * 2 >= 50",
        "vix_close_pts >= vx1_settle_pts",
        "vix_close_pts = 25",
        "vix_close_pts <> 25",
        "vix_close_pts in (25, 26)",
        "abs(vix_close_pts - 20) >= 5",
        "abs(contango_frac) >= -1",
        "abs(contango_frac) >= 0",
        "vix_close_pts between 30 and 20",
        "least(vix_close_pts, vx1_settle_pts) >= 25",
        "vix_status = 'ok'",
        "vix_close_pts is not null",
    ],
)
def test_distance_is_not_said_of_other_shapes(expression: str) -> None:
    values: dict[str, Value] = {
        "vix_close_pts": 23.5, "vx1_settle_pts": 24.0, "contango_frac": 0.02, "vix_status": "ok"
    }  # fmt: skip
    term = term_of(expression, values)
    assert (term.distance, term.bound) == (None, None)
    assert isinstance(term.truth, bool)


def test_distance_of_a_missing_value_is_not_said() -> None:
    term = term_of("vix_close_pts >= 25", {"vix_close_pts": None})
    assert (term.truth, term.distance, term.missing) == (None, None, ("vix_close_pts",))


def test_terms_of_a_nested_condition_have_no_distance() -> None:
    values: dict[str, Value] = {"vix_close_pts": 23.5, "contango_frac": 0.02}
    nested, plain = terms_of("(vix_close_pts >= 25 and contango_frac < 0) or vix_close_pts >= 40", values)
    assert nested.distance is None
    assert plain.distance == 16.5


def test_terms_say_how_they_are_joined() -> None:
    joined, terms = build_terms(parse_expression("vix_close_pts > 1 and contango_frac < $edge"), {}, {"edge": 0.1})
    assert (joined, [term.text for term in terms]) == ("and", ["vix_close_pts > 1", "contango_frac < 0.1"])


def test_condition_with_numbers_turns_a_negative_parameter_into_a_number() -> None:
    node = with_numbers(parse_expression("spx_from_high_frac >= -$big"), {"big": 0.03})
    assert render_text(node) == "spx_from_high_frac >= -0.03"


def typed(node: Node) -> Node:
    """Return a condition whose columns are all numbers, as it is after checking."""
    kind = "column:DOUBLE" if node.kind == "column" else node.kind
    return replace(node, kind=kind, children=tuple(typed(child) for child in node.children))


SHAPES = ("{c} {s} $t", "$t {s} {c}", "not {c} {s} $t", "not $t {s} {c}")


@given(
    shape=st.sampled_from(SHAPES), sign=st.sampled_from(["<", "<=", ">", ">="]), is_size=st.booleans(),
    value=NUMBERS, threshold=NUMBERS,
)  # fmt: skip
def test_moving_a_value_by_its_distance_flips_the_comparison(
    shape: str, sign: str, is_size: bool, value: float, threshold: float
) -> None:
    column = "abs(contango_frac)" if is_size else "contango_frac"
    node = parse_expression(shape.format(c=column, s=sign))
    term = build_terms(node, {"contango_frac": value}, {"t": threshold})[1][0]
    if is_size and threshold <= 0:
        assert term.distance is None
        return
    assert term.value is not None
    assert term.distance is not None
    past = 1e-3 * (1 if term.bound in (">", ">=") else -1)

    def truth(moved: float) -> Value:
        return evaluate(node, {"contango_frac": moved}, {"t": threshold})

    assert truth(term.value + term.distance + past) is not term.truth
    assert truth(threshold) is ((not term.truth) if term.bound in (">=", "<=") else term.truth)
    assert truth(term.value + 0.99 * term.distance) is term.truth or abs(term.distance) < 1e-6


@given(value=NUMBERS, low=NUMBERS, width=st.floats(0, 1e3).map(lambda number: round(number, 3)), turned=st.booleans())
def test_moving_a_value_by_its_distance_crosses_the_edge_of_a_range(
    value: float, low: float, width: float, turned: bool
) -> None:
    node = parse_expression(f"{'not ' if turned else ''}contango_frac between $low and $high")
    numbers = {"low": low, "high": low + width}
    term = build_terms(node, {"contango_frac": value}, numbers)[1][0]
    assert term.distance is not None
    is_outside = term.truth is turned
    past = 1e-3 * (1 if term.bound in (">", ">=") else -1)
    assume(not is_outside or width > 2e-3)
    moved = value + term.distance + past
    assert evaluate(node, {"contango_frac": moved}, numbers) is not term.truth


@given(
    a=st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.5, -3.0])), b=st.one_of(st.none(), st.sampled_from([0.0, 1.0])),
    expression=st.sampled_from(
        [
            "vix_close_pts > 1 and vx1_settle_pts <= 1", "vix_close_pts > 1 or not vx1_settle_pts <= 0",
            "vix_close_pts / vx1_settle_pts >= 1", "vix_close_pts between vx1_settle_pts and 2",
            "not vix_close_pts between 1 and 2", "vix_close_pts is null or vx1_settle_pts is not null",
            "vix_close_pts in (1, 2.5)", "least(vix_close_pts, vx1_settle_pts) < 1",
            "greatest(vix_close_pts, vx1_settle_pts) < 2", "abs(vix_close_pts) - vx1_settle_pts * 2 > -1",
            "vix_close_pts <> vx1_settle_pts", "-vix_close_pts = 3",
        ]
    ),
)  # fmt: skip
def test_evaluation_is_that_of_the_warehouse(a: float | None, b: float | None, expression: str) -> None:
    node = parse_expression(expression)
    query = (
        f"select {render_sql(typed(node), {})} from (select $1::double as vix_close_pts, $2::double as vx1_settle_pts)"
    )
    row = duckdb.execute(query, [a, b]).fetchone()
    assert row is not None
    assert evaluate(node, {"vix_close_pts": a, "vx1_settle_pts": b}, {}) is row[0]


def test_evaluation_takes_a_number_that_is_not_finite_as_missing() -> None:
    assert evaluate(parse_expression("vix_close_pts > 1"), {"vix_close_pts": math.inf}, {}) is None


@pytest.mark.parametrize(
    ("expression", "values", "wanted", "said"),
    [
        ("vix_close_pts >= 25", {"vix_close_pts": 23.4}, True, "vix_close_pts 23.40 pts, needs ≥ 25: 1.60 pts away"),
        ("vix_close_pts < 22", {"vix_close_pts": 23.4}, True, "vix_close_pts 23.40 pts, needs below 22: 1.40 pts away"),
        ("vix_close_pts >= 25", {"vix_close_pts": 26.0}, True, "vix_close_pts 26.00 pts, met: 1.00 pts from 25"),
        ("vix_close_pts >= 9", {"vix_close_pts": 9.0}, False,
         "vix_close_pts 9.00 pts, needs below 9: at the threshold"),
        (
            "contango_frac >= 0.08", {"contango_frac": 0.049}, True,
            "contango_frac 4.90%, needs ≥ 8%: 3.10 percentage points away",
        ),
        ("vix_close_pts >= 25", {"vix_close_pts": 24.999}, True,
         "vix_close_pts 25.00 pts, needs ≥ 25: less than 0.01 pts away"),
        ("is_big_top", {"is_big_top": False}, True, "needs is_big_top (false now)"),
        ("is_big_top", {"is_big_top": True}, False, "is_big_top to end (true now)"),
        ("not is_big_top", {"is_big_top": True}, True, "is_big_top to end (true now)"),
        ("is_big_top", {"is_big_top": True}, True, "is_big_top is true: met"),
        ("vix_close_pts = 25", {"vix_close_pts": 24.0}, True, "needs vix_close_pts = 25 (false now)"),
        ("vix_close_pts >= 25", {"vix_close_pts": None}, True, "not evaluable: vix_close_pts is too old"),
    ],
)  # fmt: skip
def test_term_in_words(expression: str, values: dict[str, Value], wanted: bool, said: str) -> None:
    (term,) = build_terms(parse(expression)[expression], values, {})[1]
    assert say_term(term, UNITS, {"vix_close_pts": "stale"}, wanted=wanted) == said
