"""Rules that never or always hold on the data are named."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tests.support.policies import load, signals, small
from transforms.errors import PolicyError
from transforms.policy.on_data import RuleCount, count_rules, refuse_idle_rules
from warehouse.expressions import check_rules_on_data, evaluate_rules

SESSIONS = 300
DATES = np.datetime64("2020-01-01") + np.arange(SESSIONS)


def counted(truth: np.ndarray, text: str = "") -> RuleCount:
    """The count of the guard of the small policy, with these truths."""
    counts = count_rules(load(text or small()), lambda rule: truth.astype(np.int8), DATES)
    return next(count for count in counts if count.rule == "guards.high")


def truths(**at: int) -> np.ndarray:
    """Truths that are false but for the stated sessions: ``s10=1`` is true on session 10."""
    found = np.zeros(SESSIONS)
    for name, value in at.items():
        found[int(name[1:])] = value
    return found


def test_count_says_how_often_and_when_a_rule_held() -> None:
    count = counted(truths(s0=-1, s10=1, s20=1, s299=-1))
    assert (count.true_sessions, count.false_sessions, count.unknown_sessions) == (2, 296, 2)
    assert (count.first_evaluable, count.last_evaluable) == (date(2020, 1, 2), date(2020, 10, 25))
    assert (count.first_true, count.last_true) == (date(2020, 1, 11), date(2020, 1, 21))
    assert (count.verdict, count.is_refused) == ("holds at times", False)


@pytest.mark.parametrize(
    ("truth", "verdict"),
    [(truths(), "never holds"), (truths() + 1, "always holds")],
    ids=["never", "always"],
)
def test_idle_rule_is_refused(truth: np.ndarray, verdict: str) -> None:
    count = counted(truth)
    assert (count.verdict, count.is_refused) == (verdict, True)


def test_always_means_on_every_session_on_which_it_could_be_evaluated() -> None:
    truth = truths() + 1
    truth[:10] = -1
    assert counted(truth).verdict == "always holds"


@pytest.mark.parametrize(("flag", "truth"), [("may_never_hold", truths()), ("may_always_hold", truths() + 1)])
def test_idle_rule_that_says_so_is_allowed(flag: str, truth: np.ndarray) -> None:
    text = small('meaning = "VIX is high"', f'meaning = "VIX is high"\n{flag} = true')
    assert not counted(truth, text).is_refused


def test_permission_to_never_hold_is_none_to_always_hold() -> None:
    text = small('meaning = "VIX is high"', 'meaning = "VIX is high"\nmay_never_hold = true')
    assert counted(truths() + 1, text).is_refused


@pytest.mark.parametrize(("known", "is_refused"), [(249, False), (250, True)])
def test_verdict_needs_a_year_of_evaluable_sessions(known: int, is_refused: bool) -> None:
    truth = np.full(SESSIONS, -1)
    truth[:known] = 0
    assert counted(truth).is_refused is is_refused


def test_rule_never_evaluable_has_no_dates() -> None:
    count = counted(np.full(SESSIONS, -1))
    assert (count.first_evaluable, count.verdict) == (None, "too few sessions")


def test_refusal_names_the_rule_with_its_counts() -> None:
    with pytest.raises(PolicyError) as caught:
        refuse_idle_rules([counted(truths(s5=-1))], where="policy.toml")
    assert "guards.high never holds: 0 true, 299 false, 1 not evaluable" in str(caught.value.found)
    assert "may_never_hold" in str(caught.value.next_step)


def test_rules_that_move_are_not_refused() -> None:
    refuse_idle_rules([counted(truths(s5=1))], where="policy.toml")


def test_rules_are_counted_over_the_signals() -> None:
    policy = load()
    with signals({"vix_close_pts": 30.0}, {"vix_close_pts": 20.0}, {}) as connection:
        found = check_rules_on_data(policy, evaluate_rules(connection, [policy]), least_sessions=2)
    assert [(count.rule, count.true_sessions, count.unknown_sessions) for count in found] == [
        ("base.listed", 2, 0),
        ("guards.high", 1, 1),
    ]
