"""The worked example of docs/valuation.md, worked by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.support.valuation import MONDAY, NOV, OCT, lay_out, make_three_days, vxm
from transforms.ledger import CostRules
from transforms.valuation.break_even import compute_break_evens
from transforms.valuation.capital import compute_capital
from transforms.valuation.cash_flows import CashFlows, compute_irr, project_cash_flows
from transforms.valuation.costs import compute_monthly_credit, compute_wacc_line, compute_yearly_cost
from transforms.valuation.growth import compute_roll_credit_value
from transforms.valuation.horizon import build_horizon
from transforms.valuation.liquidity import compute_model_quick_ratio
from transforms.valuation.measure import Measured, judge
from transforms.valuation.required import compute_required_pnl, compute_required_return, compute_vix_vega
from transforms.valuation.rules import ValuationRules

DOC = Path(__file__).parents[2] / "docs" / "valuation.md"
MARKET = make_three_days()
BASE = lay_out(MARKET, {vxm(OCT): 5})
CALENDAR = lay_out(MARKET, {vxm(OCT): 4, vxm(NOV): -6})
COSTS, RULES = CostRules(), ValuationRules()
NAV_USD = 1_000_000.0


def every(value: float, sessions: int = 3) -> Measured:
    return judge([value] * sessions)


def test_worked_example_break_evens() -> None:
    assert compute_break_evens(build_horizon(BASE, 30)).roots[-1] == pytest.approx((22.0,))
    found = compute_break_evens(build_horizon(CALENDAR, 30))
    # 168.571 v - 3657.14
    assert found.roots[-1] == pytest.approx((3657.142857 / 168.571429,), abs=1e-6)
    assert found.words[-1] == "gains above 21.69"


def test_worked_example_capital() -> None:
    assert compute_capital(BASE, COSTS).values[-1] == pytest.approx(4400)
    assert compute_capital(CALENDAR, COSTS).values[-1] == pytest.approx(9040)


def test_worked_example_cash_flows() -> None:
    flows = project_cash_flows(CALENDAR, COSTS)[-1]
    assert isinstance(flows, CashFlows)
    assert flows.dates == (MONDAY, date(2024, 10, 16), date(2024, 11, 20))
    assert flows.amounts_usd == pytest.approx((-9040, 2734.79, 7370.38), abs=0.005)


def test_worked_example_rates() -> None:
    base, calendar = (compute_irr(project_cash_flows(held, COSTS)[-1]) for held in (BASE, CALENDAR))
    assert base.value == pytest.approx((3418.4889 / 4400) ** (365 / 30) - 1, abs=1e-6)
    assert base.value == pytest.approx(-0.9536, abs=5e-5)
    assert calendar.value == pytest.approx(1.0864, abs=5e-5)
    assert pytest.approx(0, abs=0.05) == -9040 + 2734.79 / 2.0864 ** (30 / 365) + 7370.38 / 2.0864 ** (65 / 365)


def test_worked_example_required_return() -> None:
    capital, bills = compute_capital(BASE, COSTS), MARKET.bill_discount_rate_frac
    parts = compute_required_return(
        capital, every(-10), compute_vix_vega(BASE), every(100), MARKET.vix_pts, bills, RULES
    )
    found = [part.values[-1] for part in (parts.bill_frac, parts.equity_frac, parts.variance_frac, parts.total_frac)]
    assert found == pytest.approx([0.0523, -0.45, -6000 / 4400, -1.7613], abs=5e-5)
    margin = np.full(3, 4400.0)
    aim = compute_required_pnl(parts.total_frac.values, capital.values, margin, bills, np.full(3, 30))
    assert aim[-1] == pytest.approx(-655.45, abs=0.005)
    earned = compute_break_evens(build_horizon(BASE, 30), aim)
    assert earned.roots[-1] == pytest.approx((20.6891,), abs=5e-5)
    assert earned.words[-1] == "earns the required return above 20.69"


def test_worked_example_roll_credits() -> None:
    credit = np.concatenate([np.full(252, 2500 / 252), np.full(252, 3000 / 252)])
    value = compute_roll_credit_value(credit, every(0.3, 504), RULES)
    assert value.expected_credit_usd.values[-1] == pytest.approx(3000)
    assert value.growth_frac.values[-1] == pytest.approx(0.2)
    assert value.value_usd.values[-1] == pytest.approx(30_000)
    # a rate that is the growth, but for the last digits of a sum
    undefined = compute_roll_credit_value(credit, every(0.2 - 1e-9, 504), RULES).value_usd
    assert np.isnan(undefined.values[-1])
    assert undefined.notes[-1] == "the required return is not above the growth of the credits"


def test_worked_example_quick_ratio() -> None:
    quick = compute_model_quick_ratio(BASE, np.full(3, 4400.0), NAV_USD, lambda *_: 60.0, COSTS, RULES)
    assert quick.realisable_gain_usd.values[-1] == pytest.approx(300)
    assert quick.next_roll_cost_usd.values[-1] == pytest.approx(70)
    assert quick.ratio.values[-1] == pytest.approx(1_000_300 / 4470)
    assert quick.without_gains.values[-1] == pytest.approx(1_000_000 / 4470)


def test_worked_example_cost_and_credit() -> None:
    nothing = np.zeros(252)
    cost = compute_yearly_cost(np.full(252, -50.0), nothing, NAV_USD, RULES)
    assert cost.trailing_frac.values[-1] == pytest.approx(0.0126)
    assert cost.budget_words[-1] == "within the budget of 1% to 2% of NAV a year"
    line = compute_wacc_line(cost.trailing_frac, 0.09)
    assert (line.drag_points.values[-1], line.share_of_wacc.values[-1]) == pytest.approx((1.26, 0.14))
    credit = compute_monthly_credit(np.full(252, 5.0), NAV_USD, nothing + 11_000, nothing + 4400, RULES)
    measures = (credit.per_nav_frac, credit.per_notional_frac, credit.per_margin_frac)
    assert [one.values[-1] for one in measures] == pytest.approx([0.000105, 105 / 11_000, 105 / 4400])
    words = (credit.per_nav_words, credit.per_notional_words, credit.per_margin_words)
    claim = "the claim of 0.5% to 1.5% a month"
    assert [one[-1] for one in words] == [f"below {claim}", f"within {claim}", f"above {claim}"]


@pytest.mark.parametrize(
    "number",
    [
        *("**22.00**", "**21.69**", "**4,400**", "**9,040**", "**-95.36%**", "**108.64%**", "**-176.13%**"),
        *("**20.69**", "**30,000**", "**223.78**", "**1.26%**", "**14%**", "**0.0105%**", "**0.95%**", "**2.39%**"),
    ],
)
def test_worked_example_numbers_stand_in_the_doc(number: str) -> None:
    assert number in DOC.read_text(encoding="utf-8")
