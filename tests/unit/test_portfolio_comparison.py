"""The simulated condor beside Cboe's index, on made-up data."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.support.condor import SETTINGS, VALUES, wandering
from transforms.portfolio.comparison import compare_with_index, compute_condor_returns
from transforms.portfolio.condor import simulate_condor
from transforms.portfolio.settings import condor_settings

MARKET = wandering(date(2010, 1, 4), date(2013, 12, 31))
CYCLES = simulate_condor(MARKET, SETTINGS).cycles
RETURNS = compute_condor_returns(CYCLES)


def levels(extra: float = 0.0, noise: float = 0.0) -> pd.DataFrame:
    """An index that earns each month what the simulation does, plus something."""
    random = np.random.default_rng(3)
    growth = 1 + RETURNS["simulated_return_frac"] + extra + noise * random.standard_normal(len(RETURNS))
    days = [RETURNS["roll_date"].iloc[0], *RETURNS["expiry_date"]]
    return pd.DataFrame({"trade_date": days, "close_pts": 700 * np.concatenate([[1.0], np.cumprod(growth)])})


def test_return_is_bills_and_a_tenth_of_the_result_over_the_largest_loss() -> None:
    cycle, month = CYCLES.iloc[4], RETURNS.iloc[4]
    wanted = cycle["bill_return_frac"] + cycle["cycle_pnl_usd"] / (10 * cycle["largest_loss_usd"])
    assert month["simulated_return_frac"] == pytest.approx(wanted)
    assert month["expiry_date"] == cycle["expiry_date"]


def test_return_does_not_depend_on_the_size_of_the_account() -> None:
    larger = compute_condor_returns(simulate_condor(MARKET, condor_settings(VALUES, nav_usd=1e8)).cycles)
    np.testing.assert_allclose(larger["simulated_return_frac"], RETURNS["simulated_return_frac"])


def test_index_that_is_the_simulation_has_no_difference() -> None:
    found = compare_with_index(CYCLES, levels())
    assert found.correlation == pytest.approx(1.0)
    assert found.mean_difference_frac == pytest.approx(0.0, abs=1e-12)
    assert len(found.months) == len(RETURNS) > 40


def test_index_that_earns_more_is_ahead_by_as_much() -> None:
    found = compare_with_index(CYCLES, levels(extra=0.002))
    assert found.mean_difference_frac == pytest.approx(-0.002)
    assert found.difference_sd_frac == pytest.approx(0.0, abs=1e-9)


def test_index_with_noise_is_correlated_less() -> None:
    found = compare_with_index(CYCLES, levels(noise=0.02))
    assert found.correlation is not None
    assert 0.3 < found.correlation < 0.99


def test_month_without_a_level_is_left_out() -> None:
    holed = levels()
    holed.loc[5, "close_pts"] = np.nan
    assert len(compare_with_index(CYCLES, holed).months) == len(RETURNS) - 2


def test_few_months_have_no_statistics() -> None:
    found = compare_with_index(CYCLES, levels().head(8))
    assert len(found.months) == 7
    assert (found.correlation, found.mean_difference_frac, found.difference_sd_frac) == (None, None, None)


def test_index_that_stands_still_has_no_correlation() -> None:
    still = levels().assign(close_pts=700.0)
    found = compare_with_index(CYCLES, still)
    assert found.correlation is None
    assert found.mean_difference_frac is not None


def test_condor_opened_late_is_left_out() -> None:
    late = MARKET.copy()
    late.loc[late["trade_date"] == RETURNS["roll_date"].iloc[3], "vix_close_pts"] = np.nan
    assert len(compute_condor_returns(simulate_condor(late, SETTINGS).cycles)) == len(RETURNS) - 1


def test_index_with_two_levels_of_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="one level"):
        compare_with_index(CYCLES, pd.concat([levels()] * 2))
