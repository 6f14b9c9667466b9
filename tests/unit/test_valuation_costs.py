"""Growth of roll credits, cost beside the budget, credit beside the claim, and the cost of capital."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.valuation.costs import compute_monthly_credit, compute_wacc_line, compute_yearly_cost
from transforms.valuation.growth import compute_roll_credit_value
from transforms.valuation.measure import judge
from transforms.valuation.rules import ValuationRules

RULES = ValuationRules()
NAV_USD = 1_000_000.0


def years(*credits_usd: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.concatenate([np.full(252, credit / 252) for credit in credits_usd])


@pytest.mark.parametrize(
    ("dividend", "before", "rate", "value"),
    # Gordon: 2 growing by 5% at 9% is worth 50; 1 shrinking by half at -20% is worth 1/0.3
    [(2.1, 2.0, 0.092, 2.1 / 0.042), (1.0, 2.0, -0.2, 1 / 0.3)],
)
def test_value_is_gordons(dividend: float, before: float, rate: float, value: float) -> None:
    found = compute_roll_credit_value(years(before, dividend), judge([rate] * 504), RULES)
    assert found.value_usd.values[-1] == pytest.approx(value)


@pytest.mark.parametrize(
    ("credits_usd", "rate", "note"),
    [
        ((2.0,), 0.1, "history covers 252 of 504 sessions"),
        ((2.0, -1.0), 0.1, "the roll credits of the last year are not positive"),
        ((2.0, 0.0), 0.1, "the roll credits of the last year are not positive"),
        ((-2.0, 1.0), 0.1, "the roll credits of the year before are not positive"),
        ((2.0, 4.0), 0.9, "the required return is not above the growth of the credits"),
        ((4.0, 2.0), float("nan"), "no required return"),
    ],
)
def test_value_that_is_undefined_says_why(credits_usd: tuple[float, ...], rate: float, note: str) -> None:
    credit = years(*credits_usd)
    required = judge(np.full(len(credit), rate), (np.full(len(credit), np.isnan(rate)), "no required return"))
    found = compute_roll_credit_value(credit, required, RULES).value_usd
    assert np.isnan(found.values[-1])
    assert found.notes[-1] == note


def test_expected_credit_is_twelve_mean_months_of_the_last_year() -> None:
    credit = np.random.default_rng(3).normal(1, 5, 600)
    found = compute_roll_credit_value(credit, judge([0.5] * 600), RULES).expected_credit_usd
    assert found.values[-1] == pytest.approx(12 * credit[-252:].reshape(12, 21).sum(axis=1).mean())
    assert found.notes[250] == "history covers 251 of 252 sessions"


def test_cost_leaves_the_interest_out() -> None:
    found = compute_yearly_cost(np.full(504, -40.0), np.full(504, 10.0), NAV_USD, RULES)
    assert found.trailing_frac.values[-1] == pytest.approx(0.0126)
    assert found.history_frac.values[-1] == pytest.approx(0.0126)
    assert found.trailing_frac.notes[250] == "history covers 251 of 252 sessions"


@pytest.mark.parametrize(
    ("daily", "words"),
    [
        (-30.0, "below the budget of 1% to 2% of NAV a year"),
        (-60.0, "within the budget of 1% to 2% of NAV a year"),
        (-90.0, "above the budget of 1% to 2% of NAV a year"),
        (5.0, "the hedge earned: nothing of the budget is spent"),
    ],
)
def test_cost_is_placed_beside_the_budget(daily: float, words: str) -> None:
    found = compute_yearly_cost(np.full(252, daily), np.zeros(252), NAV_USD, RULES)
    assert found.budget_words[-1] == words
    assert found.budget_words[0] == ""


def test_cost_without_an_account_is_refused() -> None:
    with pytest.raises(ValueError, match="nav_usd"):
        compute_yearly_cost(np.zeros(3), np.zeros(3), 0.0, RULES)


def test_credit_is_over_the_means_of_its_month() -> None:
    notional = np.concatenate([np.full(21, 5000.0), np.zeros(11), np.full(10, 21_000.0)])
    found = compute_monthly_credit(np.full(42, -2.0), NAV_USD, notional, 0.4 * notional, RULES)
    assert found.per_notional_frac.values[-1] == pytest.approx(-42 / 10_000)
    assert found.per_margin_frac.values[-1] == pytest.approx(-42 / 4000)
    assert found.per_nav_frac.values[-1] == pytest.approx(-42 / NAV_USD)


def test_credit_of_nothing_is_undefined() -> None:
    found = compute_monthly_credit(np.zeros(30), NAV_USD, np.zeros(30), np.zeros(30), RULES)
    assert found.per_nav_frac.values[-1] == 0
    assert found.per_notional_frac.notes[-1] == "nothing was held in the month"
    assert found.per_margin_frac.notes[-1] == "no margin was set aside in the month"
    assert found.per_nav_frac.notes[19] == "history covers 20 of 21 sessions"
    assert found.per_margin_words[-1] == ""


def test_credit_over_an_unknown_notional_is_unknown() -> None:
    notional = np.full(21, 5000.0)
    notional[3] = np.nan
    found = compute_monthly_credit(np.full(21, 2.0), NAV_USD, notional, np.full(21, 2000.0), RULES)
    assert found.per_notional_frac.notes[-1] == "an input is not known"


@pytest.mark.parametrize(
    ("wacc", "note"),
    [(None, "the book states no wacc_frac"), (0.0, "wacc_frac is not positive")],
)
def test_share_of_no_cost_of_capital_is_undefined(wacc: float | None, note: str) -> None:
    line = compute_wacc_line(judge([0.01]), wacc)
    assert line.drag_points.values[0] == 1
    assert np.isnan(line.share_of_wacc.values[0])
    assert line.share_of_wacc.notes[0] == note
