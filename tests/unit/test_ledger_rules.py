from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from transforms.ledger import CostRules, compute_bill_return, compute_margin, compute_trade_cost, read_cost_rules
from transforms.positions import IndexNote, Instrument, VixFuture, VixOption
from transforms.positions.market import Mark
from transforms.positions.priced import SpreadRules
from transforms.registry import parameters

SEP, DEC = date(2024, 9, 18), date(2024, 12, 18)
VX, VXM, NOTE = VixFuture(SEP), VixFuture(SEP, is_mini=True), IndexNote("ST")
RULES = CostRules()

# S&P VIX Futures Indices methodology: 5% for one day.
BILL_RETURN_OF_ONE_DAY_AT_5_PERCENT = 0.00013978


def test_defaults_are_those_of_the_parameters() -> None:
    values = {name: float(entry.value) for name, entry in parameters().items()}
    assert read_cost_rules(values) == RULES
    assert SpreadRules(values["option_half_spread_frac"], values["option_half_spread_least_pts"]) == SpreadRules()


@pytest.mark.parametrize(
    ("instrument", "contracts", "cents"),
    [
        (VX, 3, 3 * 6250),  # 0.06 points and 2.50
        (VXM, 3, 3 * 700),
        (VixOption(SEP, 25), 4, 4 * 350),  # a third of 0.06 points and 1.50
        (NOTE, 100, 100),  # 0.05% of 2,000
    ],
)
def test_trade_costs_spread_and_fees(instrument: Instrument, contracts: int, cents: int) -> None:
    mark = Mark(200_000, 0.06, 1.0, 20.0, False)
    assert compute_trade_cost(RULES, instrument, contracts, mark, RULES.option_part_share) == cents


def test_margin_of_futures_counts_every_leg() -> None:
    held = {VX: 2, VixFuture(DEC): -3, NOTE: 100}
    ticks = dict.fromkeys(held, 200_000)
    assert compute_margin(RULES, held, ticks) == round(0.4 * 5 * 20_000 * 100)


def test_margin_of_short_options_is_their_bound() -> None:
    held = {VixOption(SEP, 25): -2, VixOption(SEP, 30): 2, VixOption(DEC, 30): 2}
    assert compute_margin(RULES, held, dict.fromkeys(held, 10_000)) == 2 * 5 * 100 * 100
    del held[VixOption(SEP, 30)]
    with pytest.raises(ValueError, match="without a bound: VIX 2024-09-18 C 25"):
        compute_margin(RULES, held, dict.fromkeys(held, 10_000))


def test_bill_return_is_the_index_providers() -> None:
    assert compute_bill_return(0.05, 1) == pytest.approx(BILL_RETURN_OF_ONE_DAY_AT_5_PERCENT, abs=5e-9)
    assert compute_bill_return(0.0, 3) == 0
    assert math.isnan(compute_bill_return(math.nan, 1))


@pytest.mark.parametrize("change", [{"vx_fee_usd": -1}, {"note_cost_frac": math.nan}, {"option_mid_share": 0.5}])
def test_cost_rules_refuse_what_is_no_cost(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(RULES, **change)
