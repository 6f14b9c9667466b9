"""Required return: regression, variance premium, vega, sum, and what is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.ledger_market import UNKNOWN
from tests.support.valuation import NOV, OCT, lay_out, make_three_days, vxm
from transforms.ledger import CostRules
from transforms.valuation.capital import compute_capital
from transforms.valuation.measure import judge
from transforms.valuation.required import (
    compute_index_excess_returns,
    compute_layer_excess_returns,
    compute_mean_variance_premium,
    compute_required_return,
    compute_rolling_betas,
    compute_vix_vega,
)
from transforms.valuation.rules import ValuationRules

RULES = ValuationRules()


def draw(sessions: int = 400, seed: int = 7) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    index = rng.normal(0, 0.01, sessions)
    layer = -3 * index + rng.normal(0, 0.02, sessions)
    index[rng.random(sessions) < 0.1] = UNKNOWN
    layer[rng.random(sessions) < 0.2] = UNKNOWN
    return layer, index


def test_beta_and_its_error_are_those_of_a_regression() -> None:
    layer, index = draw()
    found = compute_rolling_betas(layer, index, 252, 63)
    for session in (100, 251, 300, 399):
        y, x = (values[max(session - 251, 0) : session + 1] for values in (layer, index))
        both = np.isfinite(y) & np.isfinite(x)
        fit, cov = np.polyfit(x[both], y[both], 1, cov=True)
        assert found.beta.values[session] == pytest.approx(fit[0], rel=1e-10)
        assert found.standard_error[session] == pytest.approx(np.sqrt(cov[0, 0]), rel=1e-8)
        assert found.used_sessions[session] == both.sum()


def test_beta_needs_its_least_sessions() -> None:
    layer, index = draw(70)
    layer[:], index[:] = 1 + np.arange(70.0), np.arange(70.0)
    found = compute_rolling_betas(layer, index, 252, 63)
    assert np.flatnonzero(found.beta.notes == "")[0] == 62
    assert found.beta.notes[61] == "62 of 63 sessions needed with capital tied up in the last 252"
    assert found.beta.values[62:] == pytest.approx(1)


def test_beta_on_an_index_that_does_not_move_is_undefined() -> None:
    found = compute_rolling_betas(np.arange(100.0), np.zeros(100), 252, 63)
    assert found.beta.notes[-1] == "the index did not move"


def test_layer_return_is_on_the_capital_of_the_close_before() -> None:
    pnl = np.array([0.0, -35.0, 88.0, -44.0, 10.0, 10.0])
    capital = np.array([UNKNOWN, 4400.0, 4400.0, 2200.0, 2200.0, 2200.0])
    marked = np.array([True, True, True, True, False, True])
    found = compute_layer_excess_returns(pnl, capital, np.full(6, 0.0001), marked)
    # the entry has no capital before it; a missing price takes its session and the next
    assert found == pytest.approx([UNKNOWN, UNKNOWN, 0.02 - 0.0001, -0.01 - 0.0001, UNKNOWN, UNKNOWN], nan_ok=True)


def test_index_return_is_close_to_close_less_bills() -> None:
    found = compute_index_excess_returns(np.array([100.0, 101.0, UNKNOWN]), np.array([UNKNOWN, 0.001, 0.001]))
    assert found == pytest.approx([UNKNOWN, 0.009, UNKNOWN], nan_ok=True)


def test_variance_premium_is_the_mean_of_what_is_known() -> None:
    vix, realised = np.array([20.0, UNKNOWN, 30.0, 10.0]), np.array([15.0, 15.0, 20.0, 10.0])
    found = compute_mean_variance_premium(vix, realised, 3, 2)
    assert found.values == pytest.approx([UNKNOWN, UNKNOWN, (175 + 500) / 2, 500 / 2], nan_ok=True)
    assert found.notes.tolist()[:2] == ["1 of 2 sessions with VIX and realised volatility"] * 2


def test_vega_to_the_vix_weighs_the_months() -> None:
    held = lay_out(make_three_days(), {vxm(OCT): 4, vxm(NOV): -6})
    assert compute_vix_vega(held).values[1:] == pytest.approx([400 * 0.4 - 600 * 0.3] * 2)
    betas = np.tile([0.6, 0.4, UNKNOWN, 0.2], (3, 1))
    unknown = compute_vix_vega(lay_out(make_three_days(betas=betas), {vxm(OCT): 4, vxm(NOV): -6}))
    assert unknown.notes[-1] == "no sensitivity to the VIX is known for VXM 2024-11-20"


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ("capital", "nothing is held"),
        ("bill", "no bill rate is known"),
        ("beta", "no beta"),
        ("vega", "no vega"),
        ("vix", "the VIX is not known"),
        ("premium", "no premium"),
    ],
)
def test_required_return_says_which_part_is_missing(changed: str, note: str) -> None:
    def part(name: str, value: float) -> object:
        return judge([value], (np.array([name == changed]), note))

    plain = {"bill": 0.05, "vix": 20.0}
    if changed in plain:
        plain[changed] = UNKNOWN
    found = compute_required_return(
        part("capital", 4400),  # type: ignore[arg-type]
        part("beta", -10),  # type: ignore[arg-type]
        part("vega", 200),  # type: ignore[arg-type]
        part("premium", 100),  # type: ignore[arg-type]
        np.array([plain["vix"]]),
        np.array([plain["bill"]]),
        RULES,
    )
    assert np.isnan(found.total_frac.values[0])
    assert found.total_frac.notes[0] == note


def test_short_volatility_is_paid_the_variance_premium() -> None:
    market = make_three_days()
    held = lay_out(market, {vxm(OCT): -5})
    parts = compute_required_return(
        compute_capital(held, CostRules()),
        judge([10.0] * 3),
        compute_vix_vega(held),
        judge([100.0] * 3),
        market.vix_pts,
        market.bill_discount_rate_frac,
        RULES,
    )
    assert parts.variance_frac.values[-1] == pytest.approx(6000 / 4400)
