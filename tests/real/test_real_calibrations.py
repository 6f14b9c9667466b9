"""Calibrations on the real files: claims about every week. No list of market values."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from tests.support.bench import value
from transforms.calibration import compute_weekly_calibrations
from warehouse.calibrations import compute_calibrations, read_calibration_frames

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def weekly(real: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return compute_calibrations(real)


def test_every_week_since_march_2004_has_a_row(real: duckdb.DuckDBPyConnection, weekly: pd.DataFrame) -> None:
    assert len(weekly) == 1137
    assert weekly["calibrated_on_date"].diff().dt.days.dropna().between(6, 8).all()
    lag = (weekly["used_from_date"] - weekly["calibrated_on_date"]).dt.days
    # Over a weekend, with a holiday on either side of it; after Friday 2012-10-26 the exchange was closed to Tuesday.
    assert lag.between(3, 5).all()
    assert set(weekly.loc[lag == 5, "calibrated_on_date"].dt.year) >= {2012}


def test_betas_are_ordered_and_those_of_the_sensitivities(
    real: duckdb.DuckDBPyConnection, weekly: pd.DataFrame
) -> None:
    known = weekly[weekly["beta_calibration_status"] == "ok"]
    assert len(known) > 1000
    real.register("weekly", weekly)
    for rank in range(1, 5):
        name = f"vx{rank}_beta_ratio"
        differences = (
            f"select count(*) from weekly join mart.daily_sensitivities as slope on slope.trade_date = "
            f"calibrated_on_date::date where nullif(weekly.{name}, 'nan') is distinct from slope.{name}"
        )
        assert value(real, differences) == 0
    real.unregister("weekly")
    share = (known["vx1_beta_ratio"] > known["vx2_beta_ratio"]).mean()
    assert share > 0.99
    # methodology section 5: about 0.60 and 0.43
    assert known["vx1_beta_ratio"].median() == pytest.approx(0.60, abs=0.1)
    assert known["vx2_beta_ratio"].median() == pytest.approx(0.43, abs=0.1)


def test_static_roll_of_a_long_holder_costs(weekly: pd.DataFrame) -> None:
    """The curve is in contango on about 85% of days."""
    static = weekly["roll_static_front_frac"].dropna()
    assert (static < 0).all()
    errors = weekly["roll_realised_front_error_frac"].dropna()
    assert errors.between(0.01, 0.15).all()


@pytest.mark.parametrize("last", ["2008-10-24", "2020-03-18", "2025-01-09"])
def test_later_data_change_no_earlier_calibration(
    real: duckdb.DuckDBPyConnection, weekly: pd.DataFrame, last: str
) -> None:
    from tests.support.calibrations import cut

    day = pd.Timestamp(last)
    known = compute_weekly_calibrations(cut(read_calibration_frames(real), day))
    earlier = weekly[weekly["calibrated_on_date"] <= day].reset_index(drop=True)
    pd.testing.assert_frame_equal(known, earlier, check_exact=True)
