"""A policy file is read whole, or refused at a line."""

from __future__ import annotations

import pickle
import tomllib

import pytest

from tests.support.policies import SMALL, load, small
from transforms.errors import PolicyError, UsageError
from transforms.policy.machine import MACHINE
from transforms.toml_lines import line_of, locate


def refusal(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load(text)
    return caught.value


def line(piece: str, text: str = SMALL) -> int:
    """Line of the text that starts with ``piece``."""
    return next(number for number, held in enumerate(text.split("\n"), start=1) if held.startswith(piece))


def add(table: str, body: str) -> str:
    return f"{SMALL}\n[{table}]\n{body}\n"


RULE = 'expression = "vix_close_pts > 1"\nprovenance = "ours"\nmeaning = "m"'
PARAMETER = 'value = 1\nunit = "pts"\nlowest = 0\nhighest = 2\nprovenance = "ours"\nmeaning = "m"'


def test_policy_is_read_with_everything_in_it() -> None:
    policy = load()
    assert (policy.name, policy.values) == ("small", {"arm_vix_pts": 25.0, "base_notional_frac": 0.01})
    assert [(rule.name, rule.columns, rule.parameters) for rule in policy.rules] == [
        ("base.listed", ("vix_close_pts",), ()),
        ("guards.high", ("vix_close_pts",), ("arm_vix_pts",)),
    ]


def test_refusal_is_a_usage_error() -> None:
    assert issubclass(PolicyError, UsageError)
    assert refusal("").exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "place", "found"),
    [
        ("description =", "desription =", "desription =", "desription"),
        ("highest = 80", "higest = 80", "higest =", "higest"),
        ("sizing =", "sizeing =", "sizeing =", "sizeing"),
        ("[layers.temporal_vega]", "[layers.temporal]", "[layers.temporal]", "temporal"),
        ("[rules.base.listed]", "[rules.base.listd]", "[rules.base.listd]", "listd"),
        ("[rules.base.listed]", "[rules.bse.listed]", "[rules.bse.listed]", "bse"),
        ("[rules.base.listed]", "[rules.base.arm]", "[rules.base.arm]", "arm"),
        ("[guards.high]", "[guard.high]", "[guard.high]", "guard"),
    ],
)
def test_unknown_key_is_refused_at_its_line(old: str, new: str, place: str, found: str) -> None:
    text = small(old, new)
    error = refusal(text)
    assert (error.where or "").startswith(f"policy.toml:{line(place, text)} ")
    assert error.found == found
    assert error.expected


def test_unknown_key_is_answered_with_the_nearest() -> None:
    assert refusal(small("highest = 80", "higest = 80")).expected == "highest"
    assert refusal(small("[guards.high]", "[guard.high]")).expected == "guards"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("value = 25.0", "value = 85", "outside of its range"),
        ("value = 25.0", "value = 5", "outside of its range"),
        ("value = 25.0", 'value = "25"', "not a number"),
        ("value = 25.0", "value = true", "not a number"),
        ("value = 25.0", "value = nan", "not a number"),
        ("value = 25.0", "value = inf", "not a number"),
        ("value = 25.0", f"value = {10**30}", "not a number"),
        ("highest = 80", "highest = 5", "is empty"),
        ('unit = "pts"', 'unit = "frac"', "different units"),
        ('unit = "frac"', 'unit = "pts"', "another unit"),
        ('provenance = "article"', 'provenance = "articel"', "unknown provenance"),
        ('meaning = "arms here"', 'meaning = " "', "not a readable text"),
        ('meaning = "arms here"', "meaning = 7", "not a text"),
        ("lowest = 0\n", "lowest = -1\n", "cannot have this value"),
        ("schema_version = 1", "schema_version = 2", "another version"),
        ("schema_version = 1", "schema_version = true", "another version"),
        ('name = "small"', 'name = "Small one"', "not one"),
        ("is_enabled = true", "is_enabled = 1", "not true or false"),
        ('"fixed_notional"', '"fixed_notionl"', "no such sizing"),
        ('sizing = "fixed_notional"\n', "", "without its sizing"),
        ("[rules.base.listed]", "[guards.listed]", "without the rule it needs"),
        ('unit = "pts"\n', "", "has no 'unit'"),
        ("[layers.second_engine]\nis_enabled = false", "[layers.second_engine]\nis_enabled = true", "temporal_vega"),
        ("[parameters.arm_vix_pts]", "[parameters.arm-vix]", "not a name"),
        ("[guards.high]", '[guards."High VIX"]', "not a name"),
        ("vix_close_pts >= $arm_vix_pts", "vix_close_pts >= 25", "used by no rule"),
    ],
)
def test_unusable_value_is_refused(old: str, new: str, what: str) -> None:
    error = refusal(small(old, new))
    assert what in error.what
    assert (error.where or "").startswith("policy.toml")


def test_value_out_of_range_is_refused_at_its_own_line() -> None:
    text = small("value = 25.0", "value = 85")
    error = refusal(text)
    assert error.where == f"policy.toml:{line('value = 85', text)} (parameters.arm_vix_pts.value)"
    assert (error.found, error.expected) == ("85 pts", "10 to 80")


def test_expression_error_is_at_the_line_of_the_expression() -> None:
    text = small("vix_close_pts >= $arm_vix_pts", "vix_clse_pts >= $arm_vix_pts")
    number = line('expression = "vix_clse', text)
    assert refusal(text).where == f"policy.toml:{number} (guards.high.expression)"


def test_unused_parameter_is_refused_at_its_table() -> None:
    text = add("parameters.spare_pts", PARAMETER)
    assert refusal(text).where == f"policy.toml:{line('[parameters.spare_pts]', text)} (parameters.spare_pts)"


def test_parameter_of_another_sizing_is_unused() -> None:
    body = PARAMETER.replace('"pts"', '"delta"').replace("= 0\n", "= 0.1\n").replace("= 1\n", "= 0.3\n")
    text = add("parameters.vxth_call_delta", body.replace("highest = 2", "highest = 0.9"))
    assert "used by no rule" in refusal(text).what


def test_parameter_the_layer_needs_is_asked_for() -> None:
    text = small('"fixed_notional"', '"condor_band"')
    assert "base_notional_highest_frac" in str(refusal(text).found)


def test_numbers_in_the_wrong_order_are_refused() -> None:
    body = PARAMETER.replace("value = 1", "value = 28").replace("highest = 2", "highest = 80")
    text = add("parameters.leave_vix_pts", body)
    text += f"\n[guards.low]\n{RULE}\n".replace("> 1", "< $leave_vix_pts")
    assert "wrong order" in refusal(text).what


def test_whole_numbers_are_asked_for_where_days_are_counted() -> None:
    body = PARAMETER.replace('"pts"', '"sessions"').replace("value = 1", "value = 1.5").replace("= 0\n", "= 1\n")
    assert "cannot have this value" in refusal(add("parameters.arm_confirm_days", body)).what


@pytest.mark.parametrize("addition", ["[parameters.arm_vix_pts]\nvalue = 3", "[guards.high]\nx = 1"])
def test_table_that_stands_twice_is_refused_with_its_line(addition: str) -> None:
    text = f"{SMALL}\n{addition}\n"
    error = refusal(text)
    assert error.what == "a key or table stands in the file twice"
    assert error.where == f"policy.toml:{text.split(addition)[0].count(chr(10)) + 1}"


def test_key_that_stands_twice_is_refused_with_its_line() -> None:
    text = small("value = 25.0", "value = 25.0\nvalue = 26.0")
    error = refusal(text)
    assert (error.what, error.where) == (
        "a key or table stands in the file twice",
        f"policy.toml:{line('value = 26.0', text)}",
    )


def test_text_that_is_no_toml_is_refused_with_its_line() -> None:
    text = small("value = 25.0", "value = = 25.0")
    assert refusal(text).where == f"policy.toml:{line('value = =', text)}"


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 20_000,
        "schema_version = " + "9" * 5_000,
        "x" * 300_000,
        "parameters = 3",
        'schema_version = 1\nname = "x"\ndescription = "d"\nparameters = []\nlayers = {}',
        "schema_version = 1\n[[parameters]]\nvalue = 3",
        "\x00",
    ],
    ids=["brackets", "digits", "large", "number", "list", "array", "nul"],
)
def test_file_no_person_wrote_is_refused(text: str) -> None:
    assert (refusal(text).where or "").startswith("policy.toml")


def test_byte_order_mark_and_other_line_endings_are_read() -> None:
    assert load("\ufeff" + SMALL.replace("\n", "\r\n")) == load()


def test_policy_survives_the_way_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(load())) == load()  # noqa: S301


def test_refusal_survives_the_way_to_another_process() -> None:
    error = refusal(small("value = 25.0", "value = 85"))
    assert pickle.loads(pickle.dumps(error)).lines() == error.lines()  # noqa: S301


# ---- machine ----


def test_machine_states_every_number_and_the_neutral_where_none_is_needed() -> None:
    found = load().machine()
    assert set(MACHINE) <= set(found)
    assert (found["base_notional_frac"], found["loss_lock_frac"], found["max_steps"]) == (0.01, 1.0, 0)
    assert (found["is_base_enabled"], found["is_temporal_vega_enabled"], found["sizing"]) == (
        True,
        False,
        "fixed_notional",
    )


def test_machine_counts_are_whole_numbers() -> None:
    assert {name for name, value in load().machine().items() if type(value) is int} == {
        name for name, entry in MACHINE.items() if entry.is_whole
    }


def test_neutral_values_are_possible_ones() -> None:
    for name, entry in MACHINE.items():
        entry.check(name, entry.neutral)


def test_other_values_make_another_policy() -> None:
    other = load().with_values({"arm_vix_pts": 28}, name="other")
    assert (other.values["arm_vix_pts"], other.name, load().values["arm_vix_pts"]) == (28.0, "other", 25.0)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"arm_vix_pts": 81}, "outside of its range"),
        ({"arm_vix_pts": float("nan")}, "outside of its range"),
        ({"arm_vix": 28}, "no such parameter"),
    ],
)
def test_other_values_keep_to_the_ranges(values: dict[str, float], what: str) -> None:
    with pytest.raises(PolicyError, match=what):
        load().with_values(values)


# ---- lines ----

TANGLED = """\
# [not.a.table]
top = 1
quoted = '[not.a.table]'
long = \"\"\"
[not.a.table]
inside = 1 \\\"\"\" quoted
\"\"\"
plain = '''
inside = 2'''
list = [ # a comment with ]
  "[", 3,
  { inside = 4 },
]
"dotted.key" = 5
a . "b c" = 6
[ x . "y z" ]   # comment
key = "value # not a comment" # [comment]
[x.deeper.table]
key = 7
"""


@pytest.mark.parametrize(
    ("path", "number"),
    [
        (("top",), 2),
        (("quoted",), 3),
        (("long",), 4),
        (("plain",), 8),
        (("list",), 10),
        (("dotted.key",), 14),
        (("a", "b c"), 15),
        (("x", "y z"), 16),
        (("x", "y z", "key"), 17),
        (("x",), 16),
        (("x", "deeper"), 18),
        (("x", "deeper", "table", "key"), 19),
    ],
)
def test_lines_are_found_in_tangled_text(path: tuple[str, ...], number: int) -> None:
    assert locate(TANGLED)[path] == number


def test_tangled_text_is_toml() -> None:
    assert tomllib.loads(TANGLED)["x"]["deeper"]["table"]["key"] == 7


def test_lines_inside_of_texts_and_lists_are_no_keys() -> None:
    assert {path for path in locate(TANGLED) if "inside" in path or "not" in path} == set()


def test_missing_key_has_the_line_of_its_table() -> None:
    assert line_of(locate(TANGLED), ("x", "y z", "missing")) == 16
    assert line_of(locate(TANGLED), ("missing",)) is None
