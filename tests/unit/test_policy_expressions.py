"""What a rule may say, and what it means for a missing value."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.support.policies import COLUMNS, load, signals, small, with_guard
from transforms.errors import PolicyError
from transforms.policy.expression import parse_tree, render_sql, render_text
from transforms.policy.tokens import tokenise
from warehouse.expressions import clauses_sql, evaluate_rules, parse_expression, rule_sql


def truth_of(expression: str, *rows: dict[str, Any]) -> list[int]:
    """Truths of an expression over hand-made rows."""
    policy = load(with_guard(expression))
    with signals(*rows) as connection:
        truths = evaluate_rules(connection, [policy])
        found = truths.of(policy, "guards", "high")
    assert found is not None
    return [int(value) for value in found]


def refusal(expression: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load(with_guard(expression))
    return caught.value


# ---- truth ----


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ("vix_close_pts >= 25", 25.0, 1),
        ("vix_close_pts >= 25", 24.99, 0),
        ("vix_close_pts >= 25", None, -1),
        ("vix_close_pts between 20 and 30", 30.0, 1),
        ("vix_close_pts between 20 and 30", 30.1, 0),
        ("vix_close_pts in (20, $arm_vix_pts)", 25.0, 1),
        ("vix_close_pts not in (20, $arm_vix_pts)", 25.0, 0),
        ("vix_close_pts is null", None, 1),
        ("vix_close_pts is not null", None, 0),
        ("not vix_close_pts > 25", None, -1),
        ("vix_close_pts - 5 > 2 * 10", 25.1, 1),
        ("abs(vix_close_pts - 30) <= 5", 25.0, 1),
        ("-vix_close_pts <= -25", 25.0, 1),
        ("vix_close_pts != 25", 25.0, 0),
    ],
)
def test_rule_has_the_truth_of_its_condition(expression: str, value: float | None, expected: int) -> None:
    assert truth_of(expression, {"vix_close_pts": value}) == [expected]


@pytest.mark.parametrize(("flag", "expected"), [(True, 1), (False, 0), (None, -1)])
def test_flag_is_a_condition_of_its_own(flag: bool | None, expected: int) -> None:
    assert truth_of("is_big_top", {"is_big_top": flag}) == [expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("is_big_top and vix_close_pts > 25", -1),
        ("is_big_top or vix_close_pts > 25", -1),
        ("is_big_top and vix_close_pts < 25", 0),
        ("is_big_top or vix_close_pts < 50", 1),
    ],
)
def test_and_and_or_are_three_valued(expression: str, expected: int) -> None:
    # the missing flag decides only where the other side does not
    rows = {"is_big_top": None, "vix_close_pts": 30.0 if expected == -1 and " and " in expression else 25.0}
    assert truth_of(expression, rows) == [expected]


@pytest.mark.parametrize("name", ["least", "greatest"])
def test_least_and_greatest_of_a_missing_value_are_not_evaluable(name: str) -> None:
    rows = [{"vix_close_pts": 20.0, "vvix_close_pts": None}, {"vix_close_pts": 20.0, "vvix_close_pts": 100.0}]
    assert truth_of(f"{name}(vix_close_pts, vvix_close_pts) >= 20", *rows) == [-1, 1]


def test_division_by_zero_is_not_evaluable() -> None:
    rows = [{"vix_close_pts": 20.0, "contango_frac": value} for value in (0.0, 0.5)]
    assert truth_of("vix_close_pts / contango_frac > 1", *rows) == [-1, 1]


def test_division_by_zero_inside_of_a_division_is_not_evaluable() -> None:
    # an infinity below the line would be a nought above it
    row = {"vix_close_pts": 20.0, "contango_frac": 0.0}
    assert truth_of("vix_close_pts / (vix_close_pts / contango_frac) < 1", row) == [-1]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_number_that_is_not_finite_is_not_evaluable(value: float) -> None:
    # DuckDB holds NaN to be larger than any number
    assert truth_of("ad_divergence_z > 1 or ad_divergence_z < 1", {"ad_divergence_z": value}) == [-1]


def test_overflow_is_not_evaluable() -> None:
    huge = {"ad_divergence_z": 1e200}
    assert truth_of("ad_divergence_z * ad_divergence_z > 1", huge) == [-1]


def test_rounding_of_whole_days_does_not_divide_as_integers() -> None:
    assert truth_of("vx1_trading_days_to_expiry / 2 > 2", {"vx1_trading_days_to_expiry": 5}) == [1]


def test_parameter_is_compared_as_a_double_not_as_a_decimal() -> None:
    policy = load(small("value = 25.0", "value = 25.1"))
    assert "25.1e0" in rule_sql(policy, policy.guards[0])


def test_text_is_compared_with_the_columns_texts() -> None:
    rows = [{"curve_state": state} for state in ("steep", "flat", None)]
    assert truth_of("curve_state in ('steep', 'contango')", *rows) == [1, 0, -1]


def test_columns_of_texts_compare_with_each_other() -> None:
    assert truth_of("curve_state <> curve_regime", {"curve_state": "flat", "curve_regime": "steep"}) == [1]


def test_dates_compare_with_dates() -> None:
    assert truth_of("next_fomc_date > trade_date", {"next_fomc_date": "2020-02-01"}, {}) == [1, -1]


def test_same_condition_is_evaluated_once() -> None:
    first, second = load(), load(small('name = "small"', 'name = "other"'))
    with signals({"vix_close_pts": 20.0}) as connection:
        truths = evaluate_rules(connection, [first, second])
    assert len(truths.by_sql) == 2
    assert truths.of(first, "guards", "high") is truths.of(second, "guards", "high")


def test_absent_role_has_no_truth() -> None:
    policy = load()
    with signals({"vix_close_pts": 20.0}) as connection:
        assert evaluate_rules(connection, [policy]).of(policy, "base", "roll_early") is None


def test_truths_of_a_policy_not_evaluated_are_an_error() -> None:
    policy = load()
    with signals({"vix_close_pts": 20.0}) as connection:
        truths = evaluate_rules(connection, [policy])
    with pytest.raises(LookupError, match=r"guards\.high"):
        truths.of(policy.with_values({"arm_vix_pts": 28}), "guards", "high")


@pytest.mark.parametrize(
    ("vix", "top", "expected"),
    [(30.0, False, 1), (20.0, False, 0), (20.0, None, -1), (30.0, None, 1), (None, False, -1)],
)
def test_guards_hold_when_any_does(vix: float | None, top: bool | None, expected: int) -> None:
    text = small() + '[guards.top]\nexpression = "is_big_top"\nprovenance = "ours"\nmeaning = "top"\n'
    policy = load(text)
    with signals({"vix_close_pts": vix, "is_big_top": top}) as connection:
        assert evaluate_rules(connection, [policy]).guards(policy).tolist() == [expected]


def test_policy_without_guards_has_none_that_hold() -> None:
    policy = load(SMALL_WITHOUT_GUARD)
    with signals({"vix_close_pts": None}) as connection:
        assert evaluate_rules(connection, [policy]).guards(policy).tolist() == [0]


SMALL_WITHOUT_GUARD = small()[: small().index("[guards.high]")].replace(
    "vix_close_pts is not null", "vix_close_pts > $arm_vix_pts"
)


# ---- clauses ----


def test_clauses_name_rule_truth_values_and_parameters() -> None:
    policy = load()
    with signals({"vix_close_pts": 30.0}, {}) as connection:
        query = f"select {clauses_sql(policy, 'guards', table='s')} from mart.daily_signals as s order by s.trade_date"
        found = [json.loads(row[0]) for row in connection.execute(query).fetchall()]
    clause = {
        "rule": "high",
        "expression": "vix_close_pts >= $arm_vix_pts",
        "truth": True,
        "values": {"vix_close_pts": 30.0},
        "parameters": {"arm_vix_pts": 25},
        "provenance": "ours",
    }
    assert found == [[clause], [{**clause, "truth": None, "values": {"vix_close_pts": None}}]]


def test_clauses_write_infinity_as_missing() -> None:
    policy = load(with_guard("ad_divergence_z > 1"))
    with signals({"ad_divergence_z": math.inf}) as connection:
        row = connection.execute(f"select {clauses_sql(policy, 'guards')} from mart.daily_signals").fetchone()
    assert row is not None
    assert json.loads(row[0])[0]["values"] == {"ad_divergence_z": None}


def test_clauses_of_a_layer_without_rules_are_an_empty_list() -> None:
    with signals({}) as connection:
        row = connection.execute(f"select {clauses_sql(load(), 'second_engine')} from mart.daily_signals").fetchone()
    assert row == ("[]",)


def test_clauses_quote_what_the_author_wrote() -> None:
    policy = load(with_guard("vix_status <> 'ok'"))
    with signals({"vix_status": "absent"}) as connection:
        row = connection.execute(f"select {clauses_sql(policy, 'guards')} from mart.daily_signals").fetchone()
    assert row is not None
    assert json.loads(row[0])[0]["expression"] == "vix_status <> 'ok'"


# ---- what is refused ----


@pytest.mark.parametrize(
    "expression",
    [
        "vix_close_pts > (select 1)",
        "vix_close_pts in (select 25)",
        "exists (select 1)",
        "vix_close_pts > 1; drop table x",
        "vix_close_pts > 1 -- comment",
        "vix_close_pts > 1 /* comment */",
        "vix_close_pts > 1 # comment",
        "cast(vix_close_pts as integer) > 1",
        "vix_close_pts::integer > 1",
        "try_cast(vix_close_pts as integer) > 1",
        "coalesce(vix_close_pts, 30) > 25",
        "ifnull(vix_close_pts, 30) > 25",
        "nullif(vix_close_pts, 30) > 25",
        "case when vix_close_pts > 1 then is_big_top end",
        "if(is_big_top, is_converging, is_big_top)",
        "lag(vix_close_pts) over (order by trade_date) > 25",
        "max(vix_close_pts) > 25",
        "count(*) > 1",
        "sqrt(vix_close_pts) > 5",
        "getenv('HOME') = 'x'",
        "read_csv('/etc/passwd') is null",
        "current_date > trade_date",
        "mart.daily_signals.vix_close_pts > 25",
        "daily_signals.vix_close_pts > 25",
        '"vix_close_pts" > 25',
        "vix_close_pts > 0x19",
        "vix_close_pts > 2_5",
        "vix_close_pts > 25e",
        "vix_status = E'ok'",
        "vix_status = U&'ok'",
        "vix_status = $$ok$$",
        "vix_status = 'o' 'k'",
        "vix_status like 'o%'",
        "vix_status || 'x' = 'okx'",
        "vix_close_pts ** 2 > 25",
        "vix_close_pts ^ 2 > 25",
        "vix_close_pts % 2 = 1",
        "vix_close_pts // 2 = 1",
        "vix_close_pts > $1",
        "vix_close_pts > ?",
        "vix_close_pts > any(vvix_close_pts)",
        "vix_close_pts is distinct from 25",
        "vix_close_pts = null",
        "vix_close_pts in (25, null)",
        "vix_close_pts in ()",
        "vix_close_pts in vvix_close_pts",
        "vix_close_pts in (vvix_close_pts)",
        "(vix_close_pts > 1, is_big_top)",
        "vix_close_pts > 1, is_big_top",
        "vix_close_pts > 1 is_big_top",
        "vix_close_pts > 1) or (is_big_top",
        "abs(distinct vix_close_pts) > 1",
        "abs(vix_close_pts, 1) > 1",
        "least(vix_close_pts) > 1",
        "abs(*) > 1",
        "* > 1",
        "1 < vix_close_pts < 3",
        "list_filter([vix_close_pts], x -> x > 1) is null",
        "[vix_close_pts] is null",
        "{'a': vix_close_pts} is null",
        "interval 1 day is null",
        "date '2020-01-01' > trade_date",
        "trade_date > '2020-01-01'",
        "vix_close_pts > 1 where is_big_top",
        "vix_close_pts > 25 collate nocase",
        "vix_close_pts \u2265 25",
        "vix_close_pts > 25\u00a0",
        "vix_close_pts > \uff12\uff15",
        "v\u0456x_close_pts > 25",
        "vix_close_pts > 25\x00",
        "select",
        "",
        "   ",
        "()",
        "(vix_close_pts > 25",
        "true",
        "is_big_top = true",
        "25 > 24",
        "$arm_vix_pts > 24",
        "vix_close_pts",
        "25",
        "'ok'",
        "trade_date",
        "seen_at_utc is null",
        "free_text = 'x'",
        "vix_close_pts > 1e13",
        "vix_close_pts > 1e999",
        "vix_close_pts / 0 > 1",
        "vix_close_pts / ($arm_vix_pts - $arm_vix_pts) > 1",
    ],
)
def test_expression_outside_of_the_grammar_is_refused(expression: str) -> None:
    text = with_guard("PLACE").replace('"""PLACE"""', json.dumps(expression))
    with pytest.raises(PolicyError) as caught:
        load(text)
    assert caught.value.where is not None
    assert caught.value.where.startswith("policy.toml:")


@pytest.mark.parametrize(
    "expression",
    [
        "is_big_top > 1",
        "is_big_top + 1 > 1",
        "vix_close_pts and is_big_top",
        "not vix_close_pts",
        "vix_close_pts = 'ok'",
        "vix_status = 1",
        "vix_status > 'ok'",
        "vix_status between 'a' and 'b'",
        "is_big_top = is_converging",
        "is_big_top in (1)",
        "abs(is_big_top) > 1",
        "trade_date > 25",
        "trade_date = vix_status",
        "(vix_close_pts > 1) + 1 > 1",
        "vix_status = curve_state",
        "'ok' = 'ok' and is_big_top",
    ],
)
def test_expression_of_the_wrong_type_is_refused(expression: str) -> None:
    assert refusal(expression).exit_code == 2


@pytest.mark.parametrize(
    "expression",
    [
        "vix_close_pts > contango_frac",
        "contango_frac > $arm_vix_pts",
        "vix_close_pts + contango_frac > 25",
        "least(vix_close_pts, ad_divergence_z) > 5",
        "vix_close_pts * (1 + contango_frac) > ad_divergence_z",
    ],
)
def test_different_units_are_not_compared(expression: str) -> None:
    assert "unit" in refusal(expression).what


@pytest.mark.parametrize(
    "expression",
    ["vix_close_pts * (1 + contango_frac) > $arm_vix_pts", "vix_close_pts / vvix_close_pts > 0.2"],
)
def test_units_of_products_are_followed(expression: str) -> None:
    assert load(with_guard(expression)).guards


@pytest.mark.parametrize("expression", ["vix_close_pts > 0.25", "contango_frac >= 8", "contango_frac < -1.5"])
def test_number_outside_of_the_columns_range_is_refused(expression: str) -> None:
    assert "never has" in refusal(expression).what


def test_impossible_text_is_refused_with_the_nearest() -> None:
    assert "'backwardation'?" in str(refusal("curve_state = 'backwardated'").expected)


def test_unknown_column_is_refused_with_the_nearest() -> None:
    error = refusal("vix_clsoe_pts > 25")
    assert (error.found, "vix_close_pts" in str(error.expected)) == ("vix_clsoe_pts", True)


def test_unknown_parameter_is_refused_with_the_nearest() -> None:
    error = refusal("vix_close_pts > $arm_vix")
    assert (error.found, error.expected) == ("$arm_vix", "arm_vix_pts")


def test_unknown_function_is_refused_by_name() -> None:
    assert refusal("sqrt(vix_close_pts) > 5").found == "sqrt(...)"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "is_big_top" + ")" * 10_000,
        "(" * 900 + "is_big_top" + ")" * 900,
        "not " * 400 + "is_big_top",
        "not (" * 100 + "is_big_top" + ")" * 100,
        "- " * 900 + "vix_close_pts > 1",
        "+".join(["1"] * 240) + " > vix_close_pts",
        "(" * 10_000,
        "abs(" * 200 + "vix_close_pts" + ")" * 200 + " > 1",
        "is_big_top or " * 200 + "is_big_top",
    ],
    ids=["10000", "900", "not", "not-parentheses", "minus", "chain", "open", "abs", "wide"],
)
def test_expression_too_deep_or_too_long_is_refused(text: str) -> None:
    assert refusal(text).what.startswith(("the expression is too", "the parentheses", "there is too much"))


@pytest.mark.parametrize("opening", ["not ", "- ", "+ ", "("])
def test_nesting_is_refused_before_a_parser_sees_it(opening: str) -> None:
    closing = ")" * opening.count("(")
    assert tokenise(opening * 30 + "is_big_top" + closing * 30)
    with pytest.raises(PolicyError, match="too deep"):
        tokenise(opening * 31 + "is_big_top" + closing * 31)


def test_expression_of_the_deepest_allowed_nesting_is_read() -> None:
    assert render_text(parse_expression("(" * 30 + "is_big_top" + ")" * 30)) == "is_big_top"


def test_too_much_arithmetic_is_refused() -> None:
    assert "too much arithmetic" in refusal(" + ".join(["vix_close_pts"] * 12) + " > 25").what


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("VIX_Close_Pts>=$Arm_VIX_pts", "vix_close_pts >= $arm_vix_pts"),
        ("((vix_close_pts) != (25.0))", "vix_close_pts <> 25"),
        ("a and (b and c)", "a and b and c"),
        ("a or (b and c)", "a or b and c"),
        ("(a or b) and c", "(a or b) and c"),
        ("not (a)", "not a"),
        ("not (a or b)", "not (a or b)"),
        ("a - (b - c) > 0", "a - (b - c) > 0"),
        ("(a - b) - c > 0", "a - b - c > 0"),
        ("(a * b) + c > -0.50", "a * b + c > -0.5"),
        ("a not between 1 and 2e0", "not a between 1 and 2"),
        ("a NOT IN (1, 2)", "not a in (1, 2)"),
        ("(a > 1) is null", "(a > 1) is null"),
    ],
)
def test_expression_has_one_spelling(written: str, canonical: str) -> None:
    assert render_text(parse_expression(written)) == canonical


def test_rule_names_its_columns_and_parameters_in_order() -> None:
    condition = parse_expression("b > $y and a > $x or b < $x")
    assert (condition.columns, condition.parameters) == (("b", "a"), ("y", "x"))


def test_sql_is_written_only_from_a_checked_condition() -> None:
    with pytest.raises(ValueError, match="not a checked condition"):
        render_sql(parse_expression("is_big_top"), {})


OF_DUCKDB_1 = [
    ({"type": {"id": "INTEGER"}, "is_null": False, "value": 25}, "25"),
    ({"type": {"id": "DECIMAL", "type_info": {"scale": 2}}, "is_null": False, "value": 94}, "0.94"),
    ({"type": {"id": "VARCHAR"}, "is_null": False, "value": "it's"}, "'it''s'"),
]


@pytest.mark.parametrize(("held", "text"), OF_DUCKDB_1)
def test_constants_of_duckdb_1_are_read(held: dict[str, Any], text: str) -> None:
    tree = {"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "value": held}
    assert render_text(parse_tree(tree)) == text


@pytest.mark.parametrize(
    "tree",
    [
        {"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": {"type": {"id": "NULL"}, "is_null": True}},
        {"class": "CONSTANT", "type": "VALUE_CONSTANT", "literal": {"kind": "BOOLEAN", "text": "true"}},
        {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": ["mart", "x"]},
        {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": ["x"], "alias": "y"},
        {"class": "SUBQUERY", "type": "SUBQUERY"},
        {"class": "CAST", "type": "OPERATOR_CAST"},
        {"class": "STAR", "type": "STAR"},
        {"class": "LAMBDA", "type": "LAMBDA"},
        {"class": "WINDOW", "type": "WINDOW_LAG"},
        {"class": "CASE", "type": "CASE_EXPR"},
        {"class": "OPERATOR", "type": "OPERATOR_COALESCE", "children": []},
        {"class": "COMPARISON", "type": "COMPARE_DISTINCT_FROM"},
        {"class": "FUNCTION", "type": "FUNCTION", "function_name": "getenv", "arguments": []},
        {"class": "FUNCTION", "type": "FUNCTION", "function_name": "abs", "schema": "x", "arguments": []},
        {},
    ],
)
def test_tree_with_anything_else_is_refused(tree: dict[str, Any]) -> None:
    # the second wall: what a parser might make of words the first wall let through
    with pytest.raises(PolicyError, match="a part that no rule needs"):
        parse_tree(tree)


def test_made_up_columns_cover_every_type_a_signal_has() -> None:
    assert {"BOOLEAN", "DOUBLE", "BIGINT", "VARCHAR", "DATE"} <= {info.type for info in COLUMNS.values()}
