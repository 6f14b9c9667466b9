"""What the account of a book protects, by session."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.support.condor import SETTINGS
from transforms.portfolio.book import Book, OptionLeg
from transforms.portfolio.exposure import SpxMarket, compute_legs_exposure
from transforms.portfolio.protected import EXPOSURE_COLUMNS, build_exposures

DAYS = [date(2026, 1, 7), date(2026, 1, 8), date(2026, 1, 9)]
GREEKS = ("mark_usd", "delta_usd_per_pt", "gamma_usd_per_pt2", "vega_usd_per_vol_pt", "vega_usd_per_vix_pt")
LEGS = (
    OptionLeg(expiry_date=date(2026, 2, 20), right="P", strike_pts=6600.0, quantity=-1),
    OptionLeg(expiry_date=date(2026, 1, 9), right="C", strike_pts=7000.0, quantity=-1),
)


def sessions() -> pd.DataFrame:
    frame = pd.DataFrame({"trade_date": pd.to_datetime(DAYS), "spx_close_pts": [6900.0, 6910.0, np.nan]})
    frame = frame.assign(vix_close_pts=16.0, vix9d_close_pts=15.0, vix3m_close_pts=18.0, bill_discount_rate_frac=0.04)
    for place, name in enumerate((*GREEKS, "theta_usd_per_day")):
        frame[name] = [-100.0 - place, 10.0 + place, np.nan]
    return frame


def book(**more: object) -> Book:
    return Book(as_of=DAYS[0], nav_usd=SETTINGS.nav_usd / 4, **more)  # type: ignore[arg-type]


def test_model_condor_is_scaled_to_the_account() -> None:
    found = build_exposures(book(), sessions(), SETTINGS)
    assert list(found.columns) == list(EXPOSURE_COLUMNS)
    assert set(found["exposure_source"]) == {"model_condor"}
    assert found["mark_usd"].tolist()[:2] == [-25.0, 2.5]
    assert found["vega_usd_per_vix_pt"].tolist()[:2] == [-26.0, 3.5]
    # a portfolio that gains from volatility needs no hedge against it, one that is not known is not 0
    assert found["protected_vega_usd"].tolist()[:2] == [26.0, 0.0]
    assert found.iloc[2, 2:].isna().all()


def test_session_of_which_nothing_is_known_has_no_value() -> None:
    nothing = sessions().iloc[:1].copy()
    nothing.loc[:, nothing.columns != "trade_date"] = np.nan
    found = build_exposures(book(), nothing, SETTINGS)
    assert found["exposure_source"].tolist() == ["model_condor"]
    assert found.iloc[0, 2:].isna().all()


def test_legs_are_valued_by_each_sessions_own_market() -> None:
    found = build_exposures(book(legs=LEGS), sessions(), SETTINGS)
    for place in (0, 1):
        market = SpxMarket(
            trade_date=DAYS[place],
            spx_close_pts=6900.0 + 10 * place,
            vix_close_pts=16.0,
            vix9d_close_pts=15.0,
            vix3m_close_pts=18.0,
            bill_discount_rate_frac=0.04,
        )
        expected = compute_legs_exposure(LEGS, market, SETTINGS)
        assert found.loc[place, "vega_usd_per_vix_pt"] == pytest.approx(expected.vega_usd_per_vix_pt)
        assert found.loc[place, "protected_vega_usd"] == pytest.approx(-(expected.vega_usd_per_vix_pt or 0.0))
    assert np.isnan(found.loc[2, "protected_vega_usd"])


def test_stated_greeks_stay_as_stated() -> None:
    found = build_exposures(book(net_vega_usd=-850.0, net_delta_usd=-12.5), sessions(), SETTINGS)
    assert found["vega_usd_per_vol_pt"].tolist() == [-850.0] * 3
    assert found["delta_usd_per_pt"].tolist() == [-12.5] * 3
    assert found["protected_vega_usd"].tolist() == pytest.approx([850 * SETTINGS.atm_to_vix_ratio] * 3)
    assert found["gamma_usd_per_pt2"].isna().all()


def test_no_sessions_are_no_rows_with_the_same_columns() -> None:
    found = build_exposures(book(), sessions().iloc[:0], SETTINGS)
    assert list(found.columns) == list(EXPOSURE_COLUMNS)
    assert len(found) == 0
