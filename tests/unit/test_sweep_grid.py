"""A grid file becomes policies: which ones, in which order, under which names; and what is refused."""

from __future__ import annotations

import pytest

from tests.support.grids import SMALL, read_small
from transforms.errors import PolicyError
from transforms.sweep.grid import GridError, expand_grid, read_grid, remake_policy
from warehouse.expressions import preset


def parse(*lines: str, more: str = "") -> None:
    read_small("\n".join(['schema_version = 1\nname = "g"', *lines, more]))


def test_grid_expands_to_the_combinations_that_are_policies() -> None:
    grid, expansion = read_small()
    assert grid.size == 3 * 3 * 2 * 2
    kept = {(one.values["arm_vix_pts"], one.values["leave_vix_pts"]) for one in expansion.policies}
    assert kept == {(22, 19), (25, 19), (25, 21), (28, 19), (28, 21), (28, 23)}
    assert len(expansion.policies) == 6 * 2 * 2
    assert sum(expansion.skipped.values()) + len(expansion.policies) == grid.size


def test_each_impossible_combination_is_counted_with_its_reason() -> None:
    _, expansion = read_small()
    assert expansion.skipped == {
        # 22 and 21, 25 and 23
        "constraint leave_vix_pts <= arm_vix_pts - 3": 2 * 2 * 2,
        # 22 and 23: the policy itself does not allow it
        "the parameters leave_vix_pts and arm_vix_pts are in the wrong order": 2 * 2,
    }


def test_policy_of_the_grid_is_the_base_with_its_values() -> None:
    _, expansion = read_small()
    for one in expansion.policies:
        numbers = {name: float(value) for name, value in one.values.items() if name != "reading"}
        assert one.policy.values == preset("article").with_values(numbers).values
        assert one.policy.machine()["reading"] == one.values["reading"]
        assert remake_policy(preset("article"), one.policy_id, one.values) == one


def test_order_and_ids_do_not_depend_on_how_the_file_is_written() -> None:
    _, expansion = read_small()
    turned = SMALL.replace("{ from = 19, to = 23, step = 2 }", "[19.0, 21.0, 23.0]")
    head, parameters = turned.split("[parameters]\n")
    lines = sorted(parameters.splitlines(), reverse=True)
    _, again = read_small(head + "# other words\n[parameters]\n" + "\n".join(lines))
    assert [one.policy_id for one in again.policies] == [one.policy_id for one in expansion.policies]
    assert again.grid_hash == expansion.grid_hash


def test_ids_tell_every_policy_and_base_apart() -> None:
    _, expansion = read_small()
    ids = {one.policy_id for one in expansion.policies}
    assert len(ids) == len(expansion.policies)
    changed = preset("article").with_values({"cooldown_days": 5})
    other = expand_grid(read_grid(SMALL, where="g", load_base=lambda name: changed))
    assert not ids & {one.policy_id for one in other.policies}


def test_range_is_what_its_decimals_say() -> None:
    grid, _ = read_small(
        'schema_version = 1\nname = "g"\nbase = "article"\n[parameters]\n'
        "base_notional_frac = { from = 0.001, to = 0.0035, step = 0.001 }\n"
        "gain_roll_frac = { from = 0, to = 1, step = 0.1 }"
    )
    assert grid.axes["base_notional_frac"] == (0.001, 0.002, 0.003)
    assert grid.axes["gain_roll_frac"] == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def test_constraint_is_not_broken_by_binary_noise() -> None:
    _, expansion = read_small(
        'schema_version = 1\nname = "g"\nbase = "article"\nconstraints = ["gain_roll_frac <= 0.1 + 0.2"]\n'
        "[parameters]\ngain_roll_frac = [0.2, 0.3, 0.4]"
    )
    assert [one.values["gain_roll_frac"] for one in expansion.policies] == [0.2, 0.3]


def test_map_takes_the_two_longest_axes_unless_told() -> None:
    grid, _ = read_small()
    assert (grid.map_rows, grid.map_columns) == ("arm_vix_pts", "leave_vix_pts")
    grid, _ = read_small(SMALL + '\n[map]\nrows = "reading"\ncolumns = "arm_vix_pts"\n')
    assert (grid.map_rows, grid.map_columns) == ("reading", "arm_vix_pts")


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("arm_vix_pts = [22, 25, 28]", "arm_vix_ptz = [22]", ":8 (parameters.arm_vix_ptz)", "no parameter arm_vix_ptz"),
        ("[22, 25, 28]", "[22, 25, 500]", ":8 (parameters.arm_vix_pts)", "outside of its range"),
        ("[22, 25, 28]", "[22, 22]", ":8 (parameters.arm_vix_pts)", "one twice"),
        ("[22, 25, 28]", '[22, "25"]', ":8 (parameters.arm_vix_pts[2])", "is not a number"),
        ("step = 2", "step = 0", ":9 (parameters.leave_vix_pts)", "leads nowhere"),
        ("to = 23", "too = 23", ":9 (parameters.leave_vix_pts", "unknown key 'too'"),
        ('"short_front"', '"backwards"', ":4 (readings)", "readings"),
        ("arm_vix_pts - 3", "arming - 3", ":5 (constraints)", "no parameter arming"),
        ("leave_vix_pts <= arm_vix_pts - 3", "leave twice", ":5 (constraints)", "cannot be read"),
        ('base = "article"', 'base = "artikel"', ":3 (base)", "preset"),
        ('base = "article"', 'base = "canon"', ":3 (base)", "sized in VIX futures"),
        ("schema_version = 1", "schema_version = 2", ":1 (schema_version)", "another version"),
        ('name = "small"', 'name = "small"\nobjective = "luck"', ":3 (objective)", "compared"),
        ("base_notional_frac = [0.01", "base_notional_frac = [[0.01", ":11", "not valid TOML"),
        (
            "[0.01, 0.015]",
            '[0.01, 0.015]\n[map]\nrows = "arm_vix_pts"\ncolumns = "cooldown_days"',
            "(map.columns)",
            "axis",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(old: str, new: str, where: str, what: str) -> None:
    assert old in SMALL
    with pytest.raises((GridError, PolicyError)) as caught:
        read_small(SMALL.replace(old, new))
    assert where in str(caught.value.where)
    assert what in caught.value.what + str(caught.value.found)
    assert caught.value.exit_code == 2


def test_grid_without_any_policy_is_refused_with_the_reasons() -> None:
    with pytest.raises(GridError) as caught:
        read_small(SMALL.replace("- 3", "- 30"))
    assert "constraint leave_vix_pts <= arm_vix_pts - 30" in str(caught.value.found)
