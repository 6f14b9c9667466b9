"""H1 to H5: each verdict reached by data made for it, and what happens without data."""

from __future__ import annotations

import json
import math
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from tests.support.audit_history import NAV_USD, draw_vix, list_sessions, make_history
from transforms.audit import (
    AuditRules,
    Crisis,
    Hypothesis,
    PolicyHistory,
    Resampling,
    Verdict,
    assess_hypotheses,
    list_calm_years,
)
from transforms.audit.drawdowns import assess_drawdowns, compute_drawdown_cut
from transforms.audit.funding import assess_self_funding
from transforms.audit.hypotheses import assess_base_cost, assess_carry, assess_monthly_credit

Floats = npt.NDArray[np.float64]

RULES = AuditRules(resampling=Resampling(seed=3, reps=499))
YEARS_12 = 12 * 261
CALM = np.full(YEARS_12, 15.0)


def noise(seed: int, count: int, scale: float = 1_000.0) -> Floats:
    return np.random.default_rng(seed).normal(0.0, scale, count)


def only(hypothesis: Hypothesis, name: str) -> Verdict:
    return hypothesis.measure(name).verdict


# H1


@pytest.mark.parametrize(
    ("yearly", "spread", "expected"),
    [
        (0.015, 500.0, Verdict.HOLDS),
        (0.030, 500.0, Verdict.DOES_NOT_HOLD),
        (-0.010, 500.0, Verdict.DOES_NOT_HOLD),
        (0.0195, 500.0, Verdict.DOES_NOT_HOLD),
        (0.015, 8_000.0, Verdict.NOT_TESTABLE),
    ],
)
def test_base_cost_verdict_follows_the_yearly_loss(yearly: float, spread: float, expected: Verdict) -> None:
    pnl = noise(1, YEARS_12, spread)
    pnl += -yearly * NAV_USD / 261 - pnl.mean()
    h1 = assess_base_cost(make_history(CALM, {"base": {"pnl_usd": pnl}}), RULES)
    assert h1.verdict == expected
    assert h1.measures[0].estimate.value == pytest.approx(yearly, abs=1e-3)
    assert h1.measures[0].estimate.count == 12


def test_base_cost_leaves_interest_out() -> None:
    pnl = noise(1, YEARS_12, 500.0)
    plain = assess_base_cost(make_history(CALM, {"base": {"pnl_usd": pnl}}), RULES)
    paid = assess_base_cost(make_history(CALM, {"base": {"pnl_usd": pnl + 90.0, "interest_usd": 90.0}}), RULES)
    assert paid.measures[0].estimate.value == pytest.approx(plain.measures[0].estimate.value)


def test_year_is_calm_only_when_it_is_whole_held_and_low() -> None:
    vix, margin = CALM.copy(), np.full(YEARS_12, 10_000.0)
    days = list_sessions(YEARS_12)
    vix[np.flatnonzero(days.year == 2008)[:20]] = 40.0  # 7.6% of the year
    vix[np.flatnonzero(days.year == 2009)[:10]] = 40.0  # 3.8%
    vix[np.flatnonzero(days.year == 2010)[:30]] = np.nan
    margin[days.year == 2011] = 0.0
    history = make_history(vix, {"base": {"margin_usd": margin}})
    history = history.excluding([Crisis("x", "x", date(2012, 5, 1), date(2012, 5, 10), 0.1, "made up")])
    why = list_calm_years(history, RULES).set_index("year")["why"]
    assert why[[2008, 2009, 2010, 2011, 2012, 2013]].tolist() == [
        *("not calm", "", "VIX unknown too often", "base hedge hardly held", "sessions left out", "")
    ]
    part = list_calm_years(make_history(CALM[:300]), RULES)
    assert part["why"].tolist() == ["", "not a whole year"]


def test_base_cost_of_too_few_years_is_not_testable() -> None:
    history = make_history(CALM[: 4 * 261], {"base": {"pnl_usd": noise(1, 4 * 261)}})
    h1 = assess_base_cost(history, RULES)
    assert h1.verdict == Verdict.NOT_TESTABLE
    assert "a verdict needs 5" in h1.judgement.why


# H2


def carry_history(drift: float, seed: int = 0, **sessions: object) -> PolicyHistory:
    vix = draw_vix(seed, 4_000)
    pnl = noise(seed, 4_000, 300.0) + drift
    return make_history(vix, {"temporal_vega": {"pnl_usd": pnl, "roll_usd": -pnl}}, sessions)


def test_carry_that_is_earned_in_high_vix_holds() -> None:
    h2 = assess_carry(carry_history(400.0), RULES)
    assert h2.verdict == Verdict.HOLDS
    estimate = h2.measure("realised_vix_25").estimate
    assert estimate.value == pytest.approx(400.0 / NAV_USD * 21, rel=0.15)
    assert estimate.count > 30


def test_static_carry_is_apart_and_decides_nothing() -> None:
    h2 = assess_carry(carry_history(400.0), RULES)
    assert only(h2, "static_vix_25") == Verdict.DOES_NOT_HOLD
    assert h2.verdict == Verdict.HOLDS


def test_losing_carry_does_not_hold() -> None:
    h2 = assess_carry(carry_history(-400.0), RULES)
    assert h2.verdict == Verdict.DOES_NOT_HOLD
    assert "not above 0" in h2.judgement.why


def test_carry_counts_what_was_known_before_the_session() -> None:
    # all of the gain comes on the very session that closes from 25 on first: nobody was told before it
    vix = draw_vix(1, 4_000)
    jump = (vix >= 25) & ~np.concatenate([[False], vix[:-1] >= 25])
    pnl = noise(1, 4_000, 10.0) - 50.0 + 5_000.0 * jump
    h2 = assess_carry(make_history(vix, {"temporal_vega": {"pnl_usd": pnl}}), RULES)
    assert h2.measure("realised_vix_25").estimate.value == pytest.approx(-50.0 * 21 / NAV_USD, rel=0.05)


def test_carry_over_sessions_in_which_the_layer_was_flat_is_not_diluted() -> None:
    vix = draw_vix(2, 4_000)
    flat = np.arange(4_000) % 2_000 < 1_000
    pnl = np.where(flat, 0.0, noise(2, 4_000, 100.0) + 300.0)
    margin = np.where(flat, 0.0, 10_000.0)
    margin[999::2_000] = 10_000.0  # bought at the close before the first held session
    history = make_history(vix, {"temporal_vega": {"pnl_usd": pnl, "margin_usd": margin}})
    estimate = assess_carry(history, RULES).measure("realised_vix_25").estimate
    assert estimate.value == pytest.approx(300.0 * 21 / NAV_USD, rel=0.1)


def test_spells_hold_what_leaving_cost() -> None:
    # 20 spells of 10 sessions: 100 a session at first, and an exit of 2,000 when the VIX is back at 20
    vix, pnl, margin = np.full(1_000, 20.0), np.zeros(1_000), np.zeros(1_000)
    for number, start in enumerate(range(20, 1_000, 50)):
        vix[start : start + 9] = 35.0
        pnl[start + 1 : start + 10] = 100.0 + number
        pnl[start + 10] = -2_000.0
        margin[start + 1 : start + 10] = 10_000.0
    h2 = assess_carry(make_history(vix, {"temporal_vega": {"pnl_usd": pnl, "margin_usd": margin}}), RULES)
    assert h2.measure("realised_vix_30").estimate.value > 0
    assert h2.measure("realised_spells").estimate.value < 0
    assert h2.measure("realised_spells").estimate.count == 20


def test_static_curve_needs_the_curve() -> None:
    h2 = assess_carry(carry_history(0.0), RULES)
    assert only(h2, "static_curve_vix_25") == Verdict.NOT_TESTABLE
    assert "were not given" in h2.measure("static_curve_vix_25").judgement.why
    front = np.where(np.arange(4_000) % 7 == 0, np.nan, 0.04) + noise(5, 4_000, 0.01)
    given = carry_history(0.0, roll_down_front_frac=front, roll_down_second_frac=0.01)
    measure = assess_carry(given, RULES).measure("static_curve_vix_25")
    assert measure.estimate.value == pytest.approx(0.03, abs=0.003)
    assert measure.verdict == Verdict.HOLDS


def test_few_episodes_are_not_testable() -> None:
    vix = np.full(500, 20.0)
    vix[50::60] = 35.0
    pnl = noise(4, 500) + 5_000.0
    h2 = assess_carry(make_history(vix, {"temporal_vega": {"pnl_usd": pnl}}), RULES)
    assert h2.verdict == Verdict.NOT_TESTABLE
    assert "too few: 8 episodes" in h2.judgement.why
    assert h2.measure("realised_vix_25").estimate.has_interval  # shown, and no verdict on it


@pytest.mark.parametrize("spikes", [0, 1])
def test_fewer_than_two_episodes_have_no_interval(spikes: int) -> None:
    vix = np.full(500, 20.0)
    vix[100 : 100 + spikes] = 35.0
    h2 = assess_carry(make_history(vix, {"temporal_vega": {"pnl_usd": noise(4, 500)}}), RULES)
    assert h2.verdict == Verdict.NOT_TESTABLE
    row = h2.measure("realised_vix_25").to_row()
    assert row["interval_low"] is None
    assert row["interval_high_95"] is None


# H3


def credit_history(monthly: float, scale: float = 2_000.0, seed: int = 0, **columns: Floats | float) -> PolicyHistory:
    """Credits over the account in backwardation, and three times as large elsewhere."""
    contango = np.where(draw_vix(seed, 4_000) >= 25, -0.04, 0.06)
    before = np.concatenate([[False], contango[:-1] < 0])
    kept = monthly * NAV_USD / 21 * np.where(before, 1.0, 3.0) + noise(seed, 4_000, scale)
    amounts = {"credit_kept_usd": kept, "credit_received_usd": 2 * kept, **columns}
    return make_history(np.full(4_000, 20.0), {"temporal_vega": amounts}, {"contango_frac": contango})


def test_credit_in_the_claimed_range_holds_and_names_its_denominator() -> None:
    h3 = assess_monthly_credit(credit_history(0.010), RULES)
    assert h3.verdict == Verdict.HOLDS
    assert "kept_per_nav" in h3.judgement.why
    assert h3.measure("kept_per_nav").estimate.value == pytest.approx(0.010, abs=0.0015)
    received = h3.measure("received_per_nav").estimate.value
    assert received == pytest.approx(2 * h3.measure("kept_per_nav").estimate.value)


def test_credit_over_three_denominators() -> None:
    h3 = assess_monthly_credit(credit_history(0.010, margin_usd=500_000.0, notional_usd=2_000_000.0), RULES)
    values = [h3.measure(f"kept_per_{name}").estimate.value for name in ("nav", "margin", "notional")]
    assert values == pytest.approx([values[0], 2 * values[0], values[0] / 2])


@pytest.mark.parametrize(("monthly", "side"), [(0.001, "below"), (0.05, "above"), (-0.01, "below")])
def test_credit_outside_of_the_range_does_not_hold(monthly: float, side: str) -> None:
    h3 = assess_monthly_credit(credit_history(monthly, 500.0, margin_usd=NAV_USD, notional_usd=NAV_USD), RULES)
    assert h3.verdict == Verdict.DOES_NOT_HOLD
    assert side in h3.judgement.why


def test_interval_that_holds_the_claim_and_nothing_is_too_wide_to_tell() -> None:
    h3 = assess_monthly_credit(credit_history(0.003, 10_000.0), RULES)
    assert only(h3, "kept_per_nav") == Verdict.NOT_TESTABLE
    assert "too wide to tell" in h3.measure("kept_per_nav").judgement.why


def test_notional_that_was_not_given_is_said() -> None:
    history = credit_history(0.01)
    ledger = history.ledger.drop(columns="notional_usd")
    h3 = assess_monthly_credit(PolicyHistory("x", history.sessions, ledger), RULES)
    assert h3.measure("kept_per_notional").judgement.why == "notional_usd was not given"


# H4


def funding_history(kept: float, cost: float, count: int = 3_000, seed: int = 0, scale: float = 50.0) -> PolicyHistory:
    luck = noise(seed, count, scale)
    amounts = {
        "credit_kept_usd": kept + luck - luck.mean(),
        "protection_cost_usd": np.full(count, cost) + np.tile([20.0, -20.0], count // 2),
    }
    return make_history(draw_vix(seed, count), {"portfolio": amounts})


@pytest.mark.parametrize(
    ("kept", "cost", "expected"),
    [(150.0, 100.0, Verdict.HOLDS), (60.0, 100.0, Verdict.DOES_NOT_HOLD), (-50.0, 100.0, Verdict.DOES_NOT_HOLD)],
)
def test_self_funding_follows_the_ratio(kept: float, cost: float, expected: Verdict) -> None:
    h4 = assess_self_funding(funding_history(kept, cost), RULES)
    assert h4.verdict == expected
    for name in ("ratio_episodes", "ratio_full_cycle"):
        assert h4.measure(name).estimate.value == pytest.approx(kept / cost, abs=0.1)


def test_self_funding_must_hold_in_episodes_and_over_all() -> None:
    vix = draw_vix(0, 3_000)
    high = np.concatenate([[False], vix[:-1] >= 25])
    kept = np.where(high, 300.0, 40.0) + noise(0, 3_000, 30.0)
    amounts = {"credit_kept_usd": kept, "protection_cost_usd": 100.0 + noise(1, 3_000, 30.0)}
    h4 = assess_self_funding(make_history(vix, {"portfolio": amounts}), RULES)
    assert only(h4, "ratio_episodes") == Verdict.HOLDS
    assert only(h4, "ratio_full_cycle") == Verdict.DOES_NOT_HOLD
    assert h4.verdict == Verdict.DOES_NOT_HOLD


def test_self_funding_by_luck_is_not_testable() -> None:
    h4 = assess_self_funding(funding_history(110.0, 100.0, scale=1_500.0, seed=2), RULES)
    assert h4.measure("ratio_full_cycle").estimate.value > 1
    assert only(h4, "ratio_full_cycle") == Verdict.NOT_TESTABLE


def test_protection_that_paid_leaves_nothing_to_fund() -> None:
    h4 = assess_self_funding(funding_history(50.0, -100.0), RULES)
    assert h4.verdict == Verdict.NOT_TESTABLE
    assert "nothing had to be funded" in h4.judgement.why
    assert h4.to_record()["estimate"] is None


# H5


def crash(hedge_share: float, count: int = 2_520, seed: int = 0) -> PolicyHistory:
    """A portfolio with ten falls of about a fifth, and a hedge that takes away a share of each day's fall."""
    fall = (np.arange(count) % 252) < 40
    protected = np.where(fall, -5_500.0, 1_100.0) + noise(seed, count, 1_000.0)
    hedge = np.where(fall, -protected * hedge_share, 0.0)
    return make_history(
        draw_vix(seed, count),
        {"portfolio": {"pnl_usd": hedge}},
        {"condor_pnl_usd": protected, "spx_pnl_usd": 2 * protected},
    )


CRISES = (
    Crisis("one", "One", date(2006, 12, 1), date(2007, 2, 20), 0.2, "made up"),
    Crisis("two", "Two", date(2007, 11, 20), date(2008, 2, 10), 0.2, "made up"),
    Crisis("before", "Before", date(2001, 1, 1), date(2001, 9, 1), 0.2, "made up"),
)


def test_drawdowns_cut_as_claimed_hold() -> None:
    h5 = assess_drawdowns(crash(0.38), RULES, CRISES)
    assert h5.verdict == Verdict.HOLDS
    assert h5.measure("overall_condor").estimate.value == pytest.approx(0.37, abs=0.03)
    assert h5.measure("overall_spx").estimate.value == pytest.approx(0.17, abs=0.03)
    assert only(h5, "overall_spx") == Verdict.DOES_NOT_HOLD


@pytest.mark.parametrize("share", [0.0, 0.1, 0.8])
def test_drawdowns_cut_otherwise_do_not_hold(share: float) -> None:
    history = crash(share)
    if share == 0.0:
        history.ledger["pnl_usd"] += noise(8, len(history.ledger), 20.0)
        history = PolicyHistory("x", history.sessions, history.ledger)
    assert assess_drawdowns(history, RULES, CRISES).verdict == Verdict.DOES_NOT_HOLD


def test_one_crisis_is_one_path_without_an_interval() -> None:
    h5 = assess_drawdowns(crash(0.38), RULES, CRISES)
    one = h5.measure("crisis_one_condor")
    assert one.estimate.value == pytest.approx(0.37, abs=0.03)
    assert (one.verdict, one.judgement.why) == (Verdict.NOT_TESTABLE, "no interval: one path")
    assert h5.measure("crisis_before_condor").judgement.why == "the history does not cover it"
    assert h5.measure("mean_of_crises_condor").estimate.count == 2
    assert only(h5, "mean_of_crises_condor") == Verdict.NOT_TESTABLE


def test_history_that_begins_inside_a_crisis_does_not_cover_it() -> None:
    inside = Crisis("cut", "Cut", date(2005, 12, 1), date(2006, 3, 1), 0.2, "made up")
    h5 = assess_drawdowns(crash(0.38), RULES, [inside])
    assert h5.measure("crisis_cut_condor").judgement.why == "the history does not cover it"


def test_protected_portfolio_that_is_not_known_is_not_zero() -> None:
    history = crash(0.38)
    missing = history.sessions.copy()
    missing.loc[300:310, "condor_pnl_usd"] = np.nan
    few = assess_drawdowns(PolicyHistory("x", missing, history.ledger), RULES, CRISES)
    assert few.measure("overall_condor").estimate.count == 2_520 - 11
    missing.loc[1_000:1_200, "condor_pnl_usd"] = np.nan
    many = assess_drawdowns(PolicyHistory("x", missing, history.ledger), RULES, CRISES)
    assert many.verdict == Verdict.NOT_TESTABLE
    assert "no P&L on 212 of 2520" in many.judgement.why
    bare = history.sessions.drop(columns="condor_pnl_usd")
    none = assess_drawdowns(PolicyHistory("x", bare, history.ledger), RULES, CRISES)
    assert none.judgement.why == "condor_pnl_usd was not given"
    assert only(none, "overall_spx") == Verdict.DOES_NOT_HOLD


def test_drawdown_cut_of_a_portfolio_that_never_fell_is_undefined() -> None:
    assert math.isnan(compute_drawdown_cut(np.array([[0.01, -0.01], [0.0, 0.0]])))
    assert compute_drawdown_cut(np.array([[-0.10, 0.05], [0.0, 0.0]])) == pytest.approx(0.5)
    assert compute_drawdown_cut(np.array([[-0.10, -0.05]])) == pytest.approx(-0.5)


# all of them


def test_all_hypotheses_make_a_record_of_plain_values() -> None:
    records = [one.to_record() for one in assess_hypotheses(crash(0.38), RULES, CRISES)]
    assert [one["id"] for one in records] == ["H1", "H2", "H3", "H4", "H5"]
    contract = {"id", "claim", "verdict", "estimate", "interval_low", "interval_high", "episodes", "note"}
    for record in records:
        assert contract <= set(record)
        assert record["verdict"] in {"holds", "does_not_hold", "not_testable"}
    json.dumps(records, allow_nan=False)


def test_crisis_that_is_left_out_takes_its_sessions_with_it() -> None:
    vix = np.full(3_000, 20.0)
    vix[40::60] = 35.0
    vix[1_000:1_100] = 50.0
    pnl = noise(0, 3_000, 20.0) - 100.0
    pnl[1_001:1_101] = 9_000.0
    history = make_history(vix, {"temporal_vega": {"pnl_usd": pnl}})
    days = list_sessions(3_000)
    spike = Crisis("s", "Spike", days[999].date(), days[1_100].date(), 0.3, "made up")
    assert assess_carry(history, RULES).measure("realised_vix_25").estimate.value > 0
    without = assess_carry(history.excluding([spike]), RULES)
    assert without.measure("realised_vix_25").estimate.value == pytest.approx(-100 * 21 / NAV_USD, rel=0.1)
    assert without.verdict == Verdict.DOES_NOT_HOLD


def test_history_refuses_what_it_cannot_mean() -> None:
    history = make_history(CALM[:50])
    with pytest.raises(ValueError, match="no vix_close_pts"):
        PolicyHistory("x", history.sessions.drop(columns="vix_close_pts"), history.ledger)
    with pytest.raises(ValueError, match="not positive"):
        PolicyHistory("x", history.sessions.assign(nav_usd=0.0), history.ledger)
    with pytest.raises(ValueError, match="not ascending"):
        PolicyHistory("x", history.sessions.iloc[::-1], history.ledger)
    with pytest.raises(ValueError, match="layer base has not one row"):
        PolicyHistory("x", history.sessions, history.ledger.iloc[1:])
    with pytest.raises(ValueError, match="not a number"):
        PolicyHistory("x", history.sessions, history.ledger.assign(pnl_usd=np.nan))
    with pytest.raises(KeyError, match="no layer 'other'"):
        history.layer("other")
    with pytest.raises(ValueError, match="no session"):
        PolicyHistory("x", history.sessions.iloc[:0], history.ledger.iloc[:0])
    with pytest.raises(ValueError, match="ascending numbers"):
        AuditRules(base_cost_frac=(0.02, 0.01))


def test_returns_are_of_counted_sessions() -> None:
    history = make_history(CALM[:50], {"base": {"pnl_usd": 100.0, "interest_usd": 40.0}})
    assert history.returns().tolist() == pytest.approx([60 / NAV_USD] * 50)
    days = list_sessions(50)
    left = history.excluding([Crisis("s", "s", days[9].date(), days[19].date(), 0.3, "made up")])
    assert len(left.returns()) == 40
    assert isinstance(left.returns().index, pd.DatetimeIndex)
