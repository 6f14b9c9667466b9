"""Cash flows and their rate: against closed forms, and every way in which there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tests.support.ledger_market import UNKNOWN, BlackPricer
from tests.support.valuation import MONDAY, NOV, OCT, SEP, lay_out, make_three_days
from transforms.ledger import CostRules, compute_bill_return
from transforms.positions import OptionQuote, VixFuture, VixOption
from transforms.valuation.capital import compute_bill_growth, compute_bill_returns, compute_capital
from transforms.valuation.cash_flows import CashFlows, compute_irr, compute_irrs, compute_profits, project_cash_flows

MARKET = make_three_days()
COSTS = CostRules()
START = date(2024, 1, 2)


def flows_of(*amounts: float, days: int = 30) -> CashFlows:
    return CashFlows(tuple(START + timedelta(days=days * number) for number in range(len(amounts))), amounts)


@pytest.mark.parametrize("days", [1, 30, 365, 900])
@pytest.mark.parametrize("end", [20.0, 99.0, 100.0, 101.0, 250.0])
def test_rate_of_one_payment_is_the_closed_form(days: int, end: float) -> None:
    rate = compute_irr(flows_of(-100, end, days=days))
    assert rate.value == pytest.approx((end / 100) ** (365 / days) - 1, rel=1e-9, abs=1e-9)
    assert rate.note == ""


def test_rate_of_an_annuity_balances_it() -> None:
    # 100 lent against 60 after one and 60 after two years of 365 days: x = 1/(1+r) solves 60 x + 60 x^2 = 100
    x = (-60 + np.sqrt(60**2 + 4 * 60 * 100)) / 120
    assert compute_irr(flows_of(-100, 60, 60, days=365)).value == pytest.approx(1 / x - 1, rel=1e-9)


def test_nearly_all_lost_in_days_is_minus_one() -> None:
    assert compute_irr(flows_of(-100, 0.01, days=3)).value == -1


@pytest.mark.parametrize(
    ("amounts", "note"),
    [
        ((-100, -5), "no rate: the cash flows are all payments"),
        ((5, 5), "no rate: the cash flows are all receipts"),
        ((0, 0), "no rate: the cash flows are none"),
        ((-100, 0.001), "no rate: the cash flows are all payments"),  # a tenth of a cent is nothing
        ((-100, 230, -131), "no single rate: the cash flows change sign 2 times"),
    ],
)
def test_flows_without_a_rate_say_why(amounts: tuple[float, ...], note: str) -> None:
    rate = compute_irr(flows_of(*amounts))
    assert np.isnan(rate.value)
    assert rate.note == note


def test_rate_that_the_solver_cannot_find_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.valuation.cash_flows.pyxirr.xirr", lambda *_, **__: None)
    assert compute_irr(flows_of(-100, 110)).note == "no rate: the solver did not converge"


def test_rate_that_does_not_balance_the_flows_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (0.5, -1.0):
        monkeypatch.setattr("transforms.valuation.cash_flows.pyxirr.xirr", lambda *_, wrong=wrong, **__: wrong)
        assert compute_irr(flows_of(-100, 110)).note == "no rate: the solver did not converge"


def test_unmoved_future_earns_the_bill() -> None:
    # marked at the VIX: no gain, and the margin earns bills
    settle = MARKET.settle_pts.copy()
    settle[2, 1] = 20.0
    held = lay_out(replace(MARKET, settle_pts=settle), {VixFuture(OCT): 1})
    (rate,) = (compute_irr(flows) for flows in project_cash_flows(held, COSTS, sessions=[2]))
    assert rate.value == pytest.approx((1 / (1 - 91 / 360 * 0.05)) ** (365 / 91) - 1)


def test_bought_option_is_paid_for_and_pays_intrinsic() -> None:
    pricer = BlackPricer(MARKET, np.full(3, 0.8))
    held = lay_out(MARKET, {VixOption(NOV, 15): 2}, pricer)
    flows = project_cash_flows(held, COSTS)[2]
    assert isinstance(flows, CashFlows)
    assert flows.amounts_usd == pytest.approx((-200 * held.mark_pts[-1], 200 * (20 - 15)))
    at_40 = project_cash_flows(held, COSTS, np.full(3, 40.0))[2]
    assert isinstance(at_40, CashFlows)
    assert at_40.amounts_usd[1] == pytest.approx(200 * (40 - 15))


def test_short_spread_ties_up_its_bound_and_frees_it() -> None:
    pricer = BlackPricer(MARKET, np.full(3, 0.8))
    held = lay_out(MARKET, {VixOption(OCT, 22): -2, VixOption(OCT, 27): 2}, pricer)
    credit = 200 * (held.mark_pts[held.session == 2] @ np.sign(-held.contracts[held.session == 2]))
    capital = compute_capital(held, COSTS).values[-1]
    assert capital == pytest.approx(2 * 5 * 100 - credit)
    flows = project_cash_flows(held, COSTS)[2]
    assert isinstance(flows, CashFlows)
    assert flows.amounts_usd == pytest.approx((-capital, 1000 * (1 + compute_bill_return(0.05, 30))))


def test_profits_and_rates_pass_on_the_reasons() -> None:
    held = lay_out(MARKET, {VixFuture(OCT): 1})
    flows = project_cash_flows(held, COSTS)
    profits, rates = compute_profits(flows), compute_irrs(flows)
    assert profits.notes.tolist() == rates.notes.tolist() == ["nothing is held", "", ""]
    assert profits.values[2] == pytest.approx(1000 * (20 - 22) + 8800 * compute_bill_return(0.05, 30))


@pytest.mark.parametrize(
    ("changes", "note"),
    [({"vix": UNKNOWN}, "the VIX is not known"), ({"bill": UNKNOWN}, "no bill rate is known")],
)
def test_unknown_inputs_are_named(changes: dict[str, float], note: str) -> None:
    assert project_cash_flows(lay_out(make_three_days(**changes), {VixFuture(OCT): 1}), COSTS)[2] == note


def test_capital_that_is_not_positive_is_none() -> None:
    # a put spread sold for more than its bound: the premium is more than the collateral
    class Quotes:
        def quote(self, session: int, option: VixOption) -> OptionQuote:
            return OptionQuote(option.strike_pts, 0.05, -1.0, False)

        def pass_time(self, since: int, session: int, option: VixOption) -> float:
            return UNKNOWN

    held = lay_out(MARKET, {VixOption(SEP, 30, False): -1, VixOption(SEP, 25, False): 1}, Quotes())
    assert compute_capital(held, COSTS).notes[-1] == "no capital is tied up"
    assert project_cash_flows(held, COSTS)[2] == "no capital is tied up"


def test_call_without_a_cover_has_no_capital() -> None:
    pricer = BlackPricer(MARKET, np.full(3, 0.8))
    held = lay_out(MARKET, {VixOption(OCT, 22): -1}, pricer)
    assert compute_capital(held, COSTS).notes[-1] == "the loss of the shorts has no bound"


def test_bill_growth_is_that_of_the_ledger() -> None:
    assert compute_bill_growth(0.05, 17) - 1 == pytest.approx(compute_bill_return(0.05, 17), rel=1e-12)
    days = np.array([MONDAY.toordinal() - 3, MONDAY.toordinal()])
    returns = compute_bill_returns(days, np.array([0.05, 0.9]))
    assert np.isnan(returns[0])
    assert returns[1] == pytest.approx(compute_bill_return(0.05, 3))
