"""The shipped policies load, say what the methodology says, and state whose word each number is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from transforms.errors import PolicyError
from transforms.policy.differences import describe_difference
from transforms.policy.expression import format_number
from transforms.policy.identity import policy_hash
from transforms.policy.loader import PRESETS, preset_text
from transforms.policy.machine import MACHINE
from transforms.policy.model import PROVENANCES, ROLES, SETTINGS
from warehouse.expressions import load_policy, preset, signal_columns

ARTICLE = {
    "arm_vix_pts": 25,
    "full_vix_pts": 30,
    "leave_vix_pts": 22,
    "leave_confirm_days": 2,
    "max_steps": 3,
    "base_notional_frac": 0.01,
    "base_notional_highest_frac": 0.02,
    "hedge_ratio": 0.5,
    "roll_first_day": 15,
    "roll_last_day": 5,
    "ad_meaningful_z": 1.5,
    "vvix_open_rsi": 70,
    "vvix_extreme_rsi": 80,
    "short_call_delta": 0.25,
    "short_wing_delta": 0.10,
    "long_call_delta": 0.20,
    "long_call_least_days": 90,
    "long_call_highest_days": 120,
    "short_loss_frac": 0.005,
    "gain_roll_frac": 0.5,
    "loss_lock_frac": 0.005,
    "yearly_budget_frac": 0.02,
    "big_top_from_high_frac": 0.03,
    "big_top_rsi": 68,
    "big_top_vix_over_rv_frac": 0.18,
    "big_top_contango_frac": 0.08,
}
CANON_CALLS = {30: 4, 110: 4, 220: 2}
VXTH_WEIGHTS = [0, 0.01, 0.005, 0]
VEQTOR_WEIGHTS = [0.025, 0.10, 0.15, 0.25, 0.40]


@pytest.mark.parametrize("name", PRESETS)
def test_preset_loads_under_its_own_name(name: str) -> None:
    assert preset(name).name == name


@pytest.mark.parametrize("name", PRESETS)
def test_preset_states_whose_word_everything_is(name: str) -> None:
    policy = preset(name)
    stated = [*policy.parameters, *policy.rules]
    assert {entry.provenance for entry in stated} <= set(PROVENANCES)
    assert all(entry.meaning for entry in stated)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_looks_only_at_signals(name: str) -> None:
    assert {column for rule in preset(name).rules for column in rule.columns} <= set(signal_columns())


@pytest.mark.parametrize("name", PRESETS)
def test_preset_leaves_room_on_both_sides_of_a_number(name: str) -> None:
    stuck = [entry.name for entry in preset(name).parameters if entry.lowest == entry.highest]
    assert stuck == []


def test_presets_are_different_policies() -> None:
    assert len({policy_hash(preset(name)) for name in PRESETS}) == len(PRESETS)


def test_article_has_the_numbers_of_the_methodology() -> None:
    values = preset("article").values
    assert {name: values[name] for name in ARTICLE} == ARTICLE


def test_article_enables_every_layer_in_its_default_reading() -> None:
    found = preset("article").machine()
    assert (found["sizing"], found["reading"]) == ("condor_band", "equal_vega")
    assert all(layer.is_enabled for layer in preset("article").layers)


def test_article_has_the_guards_of_the_governor() -> None:
    assert {guard.role for guard in preset("article").guards} == {
        "big_top",
        "vvix_extreme",
        "macro_event_window",
        "stale_inputs",
    }


def test_article_asks_for_the_four_conditions_of_a_big_top() -> None:
    (guard,) = (guard for guard in preset("article").guards if guard.role == "big_top")
    assert guard.columns == ("spx_from_high_frac", "spx_rsi14", "vix_over_rv21_frac", "contango_frac")


def test_canon_has_the_published_calls_and_trigger() -> None:
    policy, values = preset("canon"), preset("canon").values
    calls = {values[f"calls_{leg}_days"]: values[f"calls_{leg}_contracts"] for leg in ("short", "middle", "long")}
    assert calls == CANON_CALLS
    arm = policy.rule("temporal_vega", "arm")
    assert arm is not None
    assert arm.expression == "vix_close_pts > $trigger_vix_pts or edr_frac > $trigger_edr_frac"
    assert (values["trigger_vix_pts"], values["trigger_edr_frac"]) == (16, 0.0094)


def test_static_is_the_base_of_the_article_alone() -> None:
    static, article = preset("static"), preset("article")
    assert [layer.name for layer in static.layers if layer.is_enabled] == ["base"]
    assert static.rules_of("base") == article.rules_of("base")
    assert static.guards == ()
    assert set(static.parameters) <= set(article.parameters)


def test_none_enables_nothing() -> None:
    policy = preset("none")
    assert (policy.rules, policy.parameters, any(layer.is_enabled for layer in policy.layers)) == ((), (), False)


def test_vxth_has_the_published_weights() -> None:
    values = preset("vxth").values
    assert [values[f"vxth_weight_{number}_frac"] for number in (1, 2, 3, 4)] == VXTH_WEIGHTS
    assert [values[f"vxth_edge_{number}_pts"] for number in (1, 2, 3)] == [15, 30, 50]


def test_vpd_sells_one_contract_for_each_100_000() -> None:
    # keeps 75% of the value when VIX futures rise by 25 points of $1,000
    assert preset("vpd").values["vpd_nav_per_contract_usd"] == 25 * 1_000 / (1 - 0.75)


def test_veqtor_has_the_published_shares() -> None:
    values = preset("veqtor").values
    assert [values[f"veqtor_weight_{number}_frac"] for number in (1, 2, 3, 4, 5)] == VEQTOR_WEIGHTS


def test_machine_has_no_number_that_no_preset_can_state() -> None:
    stated = {name for preset_name in PRESETS for name in preset(preset_name).values}
    assert set(MACHINE) - stated == set()


def test_unknown_preset_is_refused_with_the_nearest() -> None:
    with pytest.raises(PolicyError, match="no such preset") as caught:
        preset_text("artcle")
    assert caught.value.expected == "article"


# ---- docs/policy.md ----

DOC = (Path(__file__).resolve().parent.parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PRESETS)
def test_doc_states_every_number_with_its_source(name: str) -> None:
    for entry in preset(name).parameters:
        start = f"| `{entry.name}` | {format_number(entry.value)} {entry.unit} | {entry.provenance} | "
        assert any(line.startswith(start) and f" {entry.meaning} |" in line for line in DOC.splitlines()), entry.name


@pytest.mark.parametrize("name", PRESETS)
def test_doc_states_every_rule_with_its_source(name: str) -> None:
    for rule in preset(name).rules:
        assert f"| `{rule.name}` | `{rule.expression}` | {rule.provenance} | " in DOC


def test_doc_states_every_setting_and_role() -> None:
    for layer, roles in ROLES.items():
        (row,) = (line for line in DOC.splitlines() if line.startswith(f"| `{layer}` |"))
        key, choices = SETTINGS.get(layer, ("", ()))
        assert all(f"`{word}`" in row for word in (*choices, *roles, *([key] if key else [])))


def test_worked_example_of_the_doc_is_what_happens() -> None:
    changed = preset_text("article").replace("value = 25.0\n", "value = 28\n", 1)
    before = 'expression = "vix_close_pts >= $arm_vix_pts"\nprovenance = "article"'
    assert before in changed
    (after,) = re.findall(r'^expression = "vix_close_pts >= .* and curve_state.*"\nprovenance = "ours"$', DOC, re.M)
    policy = load_policy(changed.replace(before, after), columns=signal_columns(), where="policy.toml")
    said = describe_difference(preset("article"), policy)
    assert "\n".join(said) in DOC

    slip = changed.replace(before, after.replace("'backwardation'", "'inverted'"))
    with pytest.raises(PolicyError) as caught:
        load_policy(slip, columns=signal_columns(), where="draft.toml")
    assert re.sub(r":\d+ ", ":LINE ", str(caught.value)) in DOC
