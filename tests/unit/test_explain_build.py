"""The explanation of a session: what it says of each state, and what would move it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.support.explain_fixtures import AS_OF, make_facts, make_transition
from transforms.explain.build import _SHORT, build_explanation, say_night
from transforms.explain.facts import EpisodeSession
from transforms.explain.outlook import build_outlook, count_temporal
from transforms.layers import Reason


def layer_of(explanation: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in explanation["layers"] if one["layer"] == name)
    return found


def needs_of(moves: list[dict[str, Any]], what: str) -> list[tuple[bool | None, str]]:
    return [(need["is_met"], need["text"]) for move in moves if move["what"] == what for need in move["needs"]]


def guard_of(explanation: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in explanation["governor"]["guards"] if one["rule"] == name)
    return found


def session(**truths: Any) -> EpisodeSession:
    return EpisodeSession(**({"arm": True, "full": False, "leave": False, "excursions": 0} | truths))


def test_explanation_is_plain_json() -> None:
    explanation = build_explanation(make_facts())
    assert json.loads(json.dumps(explanation, allow_nan=False)) == explanation


def test_sentence_names_every_layer_and_the_governor() -> None:
    assert say_night(make_facts()) == (
        "Tonight: base active in VX1, temporal vega armed (waiting for convergence), second engine idle; "
        "governor promoter."
    )


@pytest.mark.parametrize(
    ("ahead", "since", "said"),
    [(1, 30, "FOMC next session"), (0, None, "FOMC today"), (20, 1, "FOMC the session before")],
)
def test_sentence_says_when_an_event_is(ahead: int | None, since: int | None, said: str) -> None:
    facts = make_facts(
        {"is_fomc_window": True, "sessions_to_fomc_decision": ahead, "sessions_since_fomc_decision": since},
        mode="steward",
        held="macro_event_window",
    )
    assert say_night(facts).endswith(f"governor steward: {said}.")


def test_sentence_joins_the_guards_that_hold() -> None:
    facts = make_facts({"vvix_rsi14": 84.0}, mode="steward", held="vvix_extreme, layer2_loss, big_top?, my_guard")
    assert say_night(facts).endswith(
        "steward: VVIX RSI extreme at 84.0, loss limit of temporal vega reached, Big Top not evaluable and my guard."
    )


def test_short_reasons_are_parts_of_reasons() -> None:
    sentences = [reason.sentence for reason in Reason]
    assert [part for part, _ in _SHORT if not any(part in sentence for sentence in sentences)] == []


def test_explanation_says_since_when_and_how_long() -> None:
    temporal = layer_of(build_explanation(make_facts()), "temporal_vega")
    assert (temporal["since"], temporal["sessions_in_state"]) == ("2026-02-18", 3)


def test_explanation_of_a_target_is_in_futures_and_dollars_a_point() -> None:
    assert layer_of(build_explanation(make_facts()), "base")["target_text"] == "0.40 VX before rounding, $400 a point"


def test_clause_has_value_truth_and_whose_its_threshold_is() -> None:
    arm = layer_of(build_explanation(make_facts()), "temporal_vega")["clauses"][0]
    assert (arm["rule"], arm["condition"], arm["truth"]) == ("arm", "vix_close_pts >= 25", True)
    assert (arm["threshold_provenance"], arm["terms"][0]["values_text"]) == ("article", "26.10 pts")
    assert arm["terms"][0]["distance"] == pytest.approx(-1.1)


def test_clause_names_the_owner_of_its_number_not_of_its_rule() -> None:
    roll = layer_of(build_explanation(make_facts()), "base")["clauses"][1]
    assert (roll["rule"], roll["provenance"], roll["threshold_provenance"]) == ("roll_early", "article", "ours")


def test_clause_of_an_expression_that_cannot_be_taken_apart_keeps_its_truth() -> None:
    facts = make_facts(conditions={})
    arm = layer_of(build_explanation(facts), "temporal_vega")["clauses"][0]
    assert (arm["truth"], arm["terms"], arm["condition"]) == (True, [], "vix_close_pts >= $arm_vix_pts")
    assert needs_of(build_outlook(facts, "temporal_vega"), "idle")[0] == (
        False, "vix_close_pts < $leave_vix_pts: to be true",
    )  # fmt: skip


# -- temporal vega


def test_armed_layer_waits_for_convergence() -> None:
    moves = build_outlook(make_facts(), "temporal_vega")
    assert needs_of(moves, "active, step 1") == [
        (False, "needs is_ts_macd_converging (false now)"),
        (True, "the governor is a promoter: met"),
    ]
    assert needs_of(moves, "idle") == [
        (False, "vix_close_pts 26.10 pts, needs below 22: 4.10 pts away"),
        (False, "2 closes in a row, 0 so far"),
    ]


def test_idle_layer_says_how_far_its_arming_level_is() -> None:
    facts = make_facts({"vix_close_pts": 23.4}, {"temporal_vega": ("idle", 0, "idle: volatility is below")})
    assert needs_of(build_outlook(facts, "temporal_vega"), "armed") == [
        (False, "vix_close_pts 23.40 pts, needs ≥ 25: 1.60 pts away")
    ]


def test_unknown_clause_says_what_is_missing() -> None:
    facts = make_facts({"is_ts_macd_converging": None}, {"temporal_vega": ("blocked", 0, "blocked: not known")})
    assert needs_of(build_outlook(facts, "temporal_vega"), "active, step 1")[0] == (
        None, "not evaluable: is_ts_macd_converging is absent",
    )  # fmt: skip


def test_stale_input_is_named_as_too_old() -> None:
    facts = make_facts({"is_ts_macd_converging": None}, gaps={"is_ts_macd_converging": "stale"})
    assert needs_of(build_outlook(facts, "temporal_vega"), "active, step 1")[0][1].endswith("is too old")


def test_blocked_layer_needs_a_promoter() -> None:
    facts = make_facts(
        {"is_ts_macd_converging": True},
        {"temporal_vega": ("blocked", 0, "blocked: a guard of the policy holds, no new risk (big_top)")},
        mode="steward",
        held="big_top",
    )
    assert needs_of(build_outlook(facts, "temporal_vega"), "active, step 1") == [
        (True, "is_ts_macd_converging is true: met"),
        (False, "the governor to be a promoter (steward now: big_top)"),
    ]
    assert "temporal vega blocked (held back by the governor)" in say_night(facts)


def test_active_layer_without_a_step_due_says_how_one_becomes_due() -> None:
    facts = make_facts(states={"temporal_vega": ("active", 1, "active: held")})
    assert needs_of(build_outlook(facts, "temporal_vega"), "step 2 of 3")[0] == (
        False,
        (
            "a further step to be due: vix_close_pts 26.10 pts, needs ≥ 30: 3.90 pts away, or "
            "rv_excursions 1, needs ≥ 2: 1 away"
        ),
    )


@pytest.mark.parametrize(
    ("steps", "episode", "said"),
    [
        (2, (session(full=True, excursions=1),), "rv_excursions 1, needs ≥ 2: 1 away"),
        (
            2,
            (session(excursions=1),),
            (
                "vix_close_pts 26.10 pts, needs ≥ 30: 3.90 pts away and rv_excursions 1, needs ≥ 2: 1 away, or "
                "rv_excursions 1, needs ≥ 3: 2 away"
            ),
        ),
    ],
)
def test_further_step_needs_what_the_machine_counts(steps: int, episode: tuple[EpisodeSession, ...], said: str) -> None:
    facts = make_facts(states={"temporal_vega": ("active", steps, "active: held")}, episode=episode)
    assert needs_of(build_outlook(facts, "temporal_vega"), "step 3 of 3")[0] == (
        False, f"a further step to be due: {said}",
    )  # fmt: skip


def test_active_layer_with_a_step_due_says_so() -> None:
    facts = make_facts(states={"temporal_vega": ("active", 1, "active: held")}, episode=(session(), session(full=True)))
    assert needs_of(build_outlook(facts, "temporal_vega"), "step 2 of 3")[0] == (
        True, "2 steps due since arming, 1 taken: met",
    )  # fmt: skip


def test_layer_with_all_steps_can_only_leave() -> None:
    facts = make_facts(states={"temporal_vega": ("active", 3, "active: all steps are on")})
    assert [move["what"] for move in build_outlook(facts, "temporal_vega")] == ["idle, all steps off"]


def test_layer_in_its_cooldown_says_so() -> None:
    reason = "idle: the layer left recently, the cooldown runs"
    facts = make_facts(states={"temporal_vega": ("idle", 0, reason)})
    assert needs_of(build_outlook(facts, "temporal_vega"), "armed")[1][0] is False


def test_steps_due_are_not_said_after_a_change_of_policy() -> None:
    facts = make_facts(states={"temporal_vega": ("active", 1, "active: held")}, episode=None)
    assert needs_of(build_outlook(facts, "temporal_vega"), "step 2 of 3")[0][0] is None
    assert needs_of(build_outlook(facts, "temporal_vega"), "idle, all steps off")[1] == (None, "2 closes in a row")


@pytest.mark.parametrize(
    ("episode", "leave_closes", "entitled"),
    [
        ((session(), session(leave=True)), 1, 1),
        ((session(leave=True),), 0, 1),
        ((session(), session(leave=True), session(leave=None)), 1, 1),
        ((session(), session(leave=True), session(leave=False)), 0, 1),
        ((session(full=True), session()), 0, 2),
        ((session(excursions=1), session(excursions=3)), 0, 3),
        ((session(excursions=None), session(excursions=3)), 0, 1),
        ((session(excursions=1), session(excursions=None)), 0, 1),
        ((session(full=True), session(excursions=9)), 0, 3),
    ],
)
def test_counts_are_those_of_the_machine(episode: tuple[EpisodeSession, ...], leave_closes: int, entitled: int) -> None:
    counts = count_temporal(make_facts(episode=episode))
    assert counts is not None
    assert (counts.leave_closes, counts.entitled_steps) == (leave_closes, entitled)


# -- base and second engine


def test_base_says_how_far_each_roll_is() -> None:
    moves = build_outlook(make_facts(), "base")
    assert needs_of(moves, "early roll to VX2")[:2] == [
        (False, "size of ad_divergence_z 0.50 sd, needs ≥ 1.5: 1.00 sd away"),
        (False, "vx1_trading_days_to_expiry 17 trading days, needs ≤ 15: 2 trading days away"),
    ]
    assert needs_of(moves, "forced roll to VX2") == [
        (False, "vx1_trading_days_to_expiry 17 trading days, needs ≤ 5: 12 trading days away")
    ]


def test_base_without_breadth_cannot_judge_the_early_roll() -> None:
    moves = build_outlook(make_facts({"ad_divergence_z": None}), "base")
    assert needs_of(moves, "early roll to VX2")[0] == (None, "not evaluable: ad_divergence_z is absent")


def test_base_that_rolled_waits_for_the_next_cycle() -> None:
    facts = make_facts()
    facts.states["base"]["held_rank"] = 2  # type: ignore[index]
    assert [move["what"] for move in build_outlook(facts, "base")] == ["next roll cycle", "blocked"]


def test_base_without_an_instrument_waits_for_one() -> None:
    facts = make_facts({"vx1_settle_pts": None}, {"base": ("blocked", 0, "blocked: no instrument")})
    assert needs_of(build_outlook(facts, "base"), "active again") == [(False, "needs vx1_settle_pts (missing now)")]


def test_second_engine_follows_the_temporal_layer() -> None:
    moves = build_outlook(make_facts(), "second_engine")
    assert needs_of(moves, "armed") == [(False, "temporal vega to be active (armed now)")]


@pytest.mark.parametrize(("state", "what"), [("armed", "active, calendars opened"), ("active", "armed, shorts closed")])
def test_second_engine_says_how_far_the_rsi_of_vvix_is(state: str, what: str) -> None:
    facts = make_facts({"vvix_rsi14": 75.0}, {"second_engine": (state, 0, f"{state}: so")})
    text = needs_of(build_outlook(facts, "second_engine"), what)[0][1]
    assert text == f"vvix_rsi14 75.0, needs {'below 70' if state == 'armed' else '≥ 80'}: 5.0 points away"


def test_policy_without_a_layer_has_nothing_to_change_there() -> None:
    facts = make_facts(
        states={"temporal_vega": ("idle", 0, "idle: not used"), "second_engine": ("idle", 0, "idle: not used")},
        preset_name="static",
    )
    assert (build_outlook(facts, "temporal_vega"), build_outlook(facts, "second_engine")) == ([], [])


# -- governor


def test_guards_are_those_of_the_policy_and_the_three_built_in() -> None:
    guards = build_explanation(make_facts())["governor"]["guards"]
    assert [guard["rule"] for guard in guards] == [
        "big_top", "macro_event_window", "stale_inputs", "vvix_extreme", "layer2_loss", "budget", "quick_ratio",
    ]  # fmt: skip


def test_big_top_prints_each_of_its_four_conditions() -> None:
    guard = guard_of(build_explanation(make_facts()), "big_top")
    assert [(term["shown"], term["truth"]) for term in guard["terms"]] == [
        ("spx_from_high_frac ≥ −3%", False),
        ("spx_rsi14 ≥ 68", False),
        ("vix_over_rv21_frac ≥ 18%", True),
        ("contango_frac ≥ 8%", False),
    ]


def test_quick_ratio_needs_a_book_and_is_not_counted() -> None:
    guard = guard_of(build_explanation(make_facts()), "quick_ratio")
    assert (guard["truth"], guard["is_counted"], guard["values_text"]) == (None, False, "needs a book")


def test_budget_says_how_much_is_left() -> None:
    guard = guard_of(build_explanation(make_facts()), "budget")
    assert guard["truth"] is False
    assert guard["terms"][0]["distance"] == pytest.approx(-0.016)


def test_loss_lock_holds_although_the_loss_is_earned_back() -> None:
    facts = make_facts(mode="steward", held="layer2_loss")
    facts.governor["temporal_pnl_since_entry_frac"] = -0.001  # type: ignore[index]
    guard = guard_of(build_explanation(facts), "layer2_loss")
    assert (guard["truth"], guard["terms"][0]["truth"]) == (True, False)
    assert "until the temporal layer leaves" in guard["note"]


def test_guard_that_is_switched_off_is_not_listed() -> None:
    facts = make_facts(parameters={})
    rules = [guard["rule"] for guard in build_explanation(facts)["governor"]["guards"]]
    assert "layer2_loss" not in rules
    assert "budget" not in rules


# -- transitions and comparison


def test_transitions_of_the_session_are_those_of_its_date_in_order() -> None:
    facts = make_facts(
        transitions=(
            make_transition(2, "temporal_vega", "armed", "active", "active: x"),
            make_transition(1, "temporal_vega", "idle", "armed", "armed: x"),
            make_transition(1, "base", "idle", "active", "active: x", days=9),
        )
    )
    explanation = build_explanation(facts)
    assert [one["transition_no"] for one in explanation["transitions"]] == [1, 2]
    assert {one["trade_date"] for one in explanation["transitions"]} == {AS_OF.isoformat()}


def test_last_transitions_are_five_a_layer() -> None:
    many = tuple(make_transition(1, "temporal_vega", "idle", "armed", "armed: x", days=day) for day in range(9))
    assert len(build_explanation(make_facts(transitions=many))["last_transitions"]) == 5


def test_layer_without_a_transition_has_none() -> None:
    assert build_explanation(make_facts(transitions=()))["last_transitions"] == []


def test_comparison_counts_the_variants_that_agree() -> None:
    comparison = build_explanation(make_facts())["comparison"]
    assert comparison["sentence"] == (
        "The same states and steps: 1 of 1 reading and 0 of 1 preset; without hysteresis the states are the same."
    )
    assert [one["variant"] for one in comparison["variants"]] == [
        "reading:equal_vega", "no_hysteresis", "preset:static",
    ]  # fmt: skip


def test_comparison_that_is_not_there_says_so() -> None:
    assert build_explanation(make_facts(comparison=()))["comparison"]["sentence"].startswith("No other reading")


def test_policy_says_from_when_it_is_in_force() -> None:
    explanation = build_explanation(make_facts(effective_from=date(2026, 1, 5)))
    assert explanation["policy"]["effective_from"] == "2026-01-05"
