"""What the protected portfolio gains and loses, whatever it is made of."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from tests.support.condor import LAST, ROLL, SETTINGS, at, make_market
from transforms.portfolio.book import OptionLeg
from transforms.portfolio.condor import simulate_condor
from transforms.portfolio.cycles import LEGS
from transforms.portfolio.exposure import (
    Exposure,
    SpxMarket,
    compute_largest_loss_usd,
    compute_legs_exposure,
    compute_protected_vega_usd,
    exposure_of_condor,
    exposure_of_greeks,
)

EXPIRY, MARCH = date(2024, 2, 16), date(2024, 3, 15)
MARKET = SpxMarket(
    trade_date=ROLL,
    spx_close_pts=5000.0,
    vix_close_pts=20.0,
    vix9d_close_pts=None,
    vix3m_close_pts=None,
    bill_discount_rate_frac=0.05,
)
NUMBERS = [name for name in Exposure.__dataclass_fields__ if name not in ("trade_date", "source")]


def leg(right: str, strike: float, quantity: int, expiry: date = EXPIRY) -> OptionLeg:
    return OptionLeg(expiry_date=expiry, right=right, strike_pts=strike, quantity=quantity)  # type: ignore[arg-type]


CONDOR = (leg("P", 4550, 4), leg("P", 4800, -4), leg("C", 5195, -4), leg("C", 5340, 4))


def test_own_legs_are_valued_as_the_model_condor_is() -> None:
    row = at(simulate_condor(make_market(last=LAST), SETTINGS), ROLL)
    assert [item.strike_pts for item in CONDOR] == [row[f"{name}_strike_pts"] for name in LEGS]
    model = exposure_of_condor(row.rename(None).to_frame().T.assign(trade_date=ROLL).iloc[0])
    own = compute_legs_exposure(CONDOR, MARKET, SETTINGS)
    assert (model.source, own.source) == ("model_condor", "book_legs")
    for name in NUMBERS:
        assert getattr(own, name) == pytest.approx(getattr(model, name)), name


@pytest.mark.parametrize("name", ["spx_close_pts", "vix_close_pts", "bill_discount_rate_frac"])
def test_legs_without_an_input_have_no_numbers(name: str) -> None:
    found = compute_legs_exposure(CONDOR, replace(MARKET, **{name: None}), SETTINGS)
    assert {getattr(found, number) for number in NUMBERS} == {None}


def test_expired_legs_count_nothing() -> None:
    expired = leg("C", 4000, 100, expiry=ROLL)
    assert compute_legs_exposure((*CONDOR, expired), MARKET, SETTINGS) == compute_legs_exposure(
        CONDOR, MARKET, SETTINGS
    )


def test_stated_vega_is_turned_into_points_of_vix() -> None:
    found = exposure_of_greeks(ROLL, -1000.0, None, SETTINGS)
    assert found.vega_usd_per_vix_pt == pytest.approx(-850.0)
    assert (found.delta_usd_per_pt, found.mark_usd) == (None, None)


@pytest.mark.parametrize(("vega", "protected"), [(-1661.47, 1661.47), (540.0, 0.0), (0.0, 0.0), (None, None)])
def test_protected_vega_is_what_a_higher_vix_costs(vega: float | None, protected: float | None) -> None:
    exposure = Exposure(trade_date=ROLL, source="book_legs", vega_usd_per_vix_pt=vega)
    assert compute_protected_vega_usd(exposure) == protected


def test_condor_below_its_puts_gains_from_volatility_and_needs_no_vega() -> None:
    fallen = compute_legs_exposure(CONDOR, replace(MARKET, spx_close_pts=4400.0, vix_close_pts=45.0), SETTINGS)
    assert fallen.vega_usd_per_vix_pt is not None
    assert fallen.vega_usd_per_vix_pt > 0
    assert compute_protected_vega_usd(fallen) == 0.0


@pytest.mark.parametrize(
    ("legs", "loss"),
    [
        (CONDOR, 250 * 400),
        ((leg("P", 4800, -1),), 4800 * 100),
        ((leg("C", 5200, -1),), None),
        ((leg("C", 5200, -1), leg("C", 5300, 2)), 100 * 100),
        ((leg("C", 5200, 1),), 0.0),
        ((leg("C", 5200, -1), leg("C", 5300, 1, MARCH)), None),
        ((*CONDOR, leg("P", 4800, -1, MARCH), leg("P", 4700, 1, MARCH)), 250 * 400 + 100 * 100),
        ((), 0.0),
    ],
)
def test_largest_loss_of_legs_is_their_worst_payoff(legs: tuple[OptionLeg, ...], loss: float | None) -> None:
    assert compute_largest_loss_usd(legs, 100.0) == loss


def test_exposure_of_a_session_without_a_mark_has_no_numbers() -> None:
    market = make_market()
    market.loc[market["trade_date"] == "2024-02-06", "vix_close_pts"] = math.nan
    rows = simulate_condor(market, SETTINGS).sessions
    row = rows[rows["trade_date"] == "2024-02-06"].iloc[0]
    assert {getattr(exposure_of_condor(row), number) for number in NUMBERS} == {None}
