"""Prices of VIX options frame by frame: where the volatility comes from, the band, statuses, and causes of a move."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from transforms.options.black76 import compute_black76_price
from transforms.options.pricing import (
    PRICED_DTYPES,
    VIX_OPTION_MULTIPLIER_USD,
    attribute_moves,
    compute_settlement_payoff,
    price_options,
    reprice_with,
    settle_options,
)

SESSION, NEXT, EXPIRY, FAR = "2025-09-22", "2025-09-23", "2025-10-22", "2025-12-17"
# The worked example of docs/pricing.md, to the digits given there.
EXAMPLE = {
    "years_to_expiry": 0.081421,
    "discount_frac": 0.996687,
    "vol_frac": 1.000415,
    "price_pts": 0.785049,
    "price_low_pts": 0.441032,
    "price_high_pts": 1.173857,
    "delta": 0.260558,
    "gamma": 0.056785,
    "vega": 1.850175,
    "theta": -0.031053,
}


def positions(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    frame = pd.DataFrame(
        rows or [(SESSION, EXPIRY, 25.0, "C")], columns=["trade_date", "expiry_date", "strike_pts", "right"]
    )
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("trade_date", "expiry_date")})


def market(*rows: tuple[str, str, float, float, float], **columns: object) -> pd.DataFrame:
    names = ["trade_date", "expiry_date", "future_pts", "vvix_pts", "bill_discount_rate_frac"]
    frame = pd.DataFrame(rows or [(SESSION, EXPIRY, 20.0, 90.0, 0.04)], columns=names)
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in names[:2]}, **columns)


def chain(*rows: tuple[str, str, float, float], is_out: bool = True) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["trade_date", "expiry_date", "strike_pts", "implied_vol_frac"])
    dates = {name: pd.to_datetime(frame[name]) for name in ("trade_date", "expiry_date")}
    return frame.assign(**dates, is_out_of_the_money=is_out)


SMILE = chain((SESSION, EXPIRY, 16.0, 0.7), (SESSION, EXPIRY, 20.0, 0.8), (SESSION, EXPIRY, 25.0, 1.0))
CALIBRATION = pd.DataFrame({"used_from_date": pd.to_datetime(["2025-09-22"]), "term_exponent": 0.3, "skew_ratio": 0.8})


def test_worked_example_is_that_of_the_document() -> None:
    priced = price_options(positions(), market()).iloc[0]
    assert {name: round(priced[name], 6) for name in EXAMPLE} == EXAMPLE


def test_worked_example_follows_from_the_formulas_by_hand() -> None:
    years = (30 - 6.75 / 24) / 365
    rate = -math.log(1 - 0.04 * 91 / 360) * 365 / 91
    discount = math.exp(-rate * years)
    sigma = 0.90 * (30 / 30) ** 0.4 * (1 + 0.5 * math.log(25 / 20))
    s = sigma * math.sqrt(years)
    d1 = math.log(20 / 25) / s + s / 2
    normal = NormalDist()
    value = discount * (20 * normal.cdf(d1) - 25 * normal.cdf(d1 - s))
    priced = price_options(positions(), market()).iloc[0]
    assert priced["vol_frac"] == pytest.approx(sigma, rel=1e-14)
    assert priced["price_pts"] == pytest.approx(value, rel=1e-13)
    assert priced["gamma"] == pytest.approx(discount * normal.pdf(d1) / (20 * s), rel=1e-12)


def test_price_of_nothing_is_an_empty_frame_with_its_columns() -> None:
    priced = price_options(positions().iloc[:0], market())
    assert priced.dtypes.astype(str).to_dict() == PRICED_DTYPES
    assert len(priced) == 0


def test_price_keeps_order_and_index() -> None:
    asked = positions((SESSION, EXPIRY, 30.0, "C"), (SESSION, EXPIRY, 15.0, "P"), (SESSION, EXPIRY, 20.0, "C"))
    asked.index = pd.Index([7, 3, 5])
    priced = price_options(asked, market())
    assert priced.index.tolist() == [7, 3, 5]
    assert priced["strike_pts"].tolist() == [30.0, 15.0, 20.0]
    assert priced.dtypes.astype(str).to_dict() == PRICED_DTYPES


def test_price_without_a_chain_comes_from_the_model() -> None:
    priced = price_options(positions(), market()).iloc[0]
    assert (priced["vol_source"], priced["is_model_priced"], priced["status"]) == ("model", True, "ok")


def test_price_with_a_calibration_comes_from_the_calibrated_model() -> None:
    priced = price_options(positions(), market(), calibrations=CALIBRATION).iloc[0]
    assert (priced["vol_source"], priced["is_model_priced"]) == ("calibrated_model", True)
    assert priced["vol_frac"] == pytest.approx(0.9 * (1 + 0.8 * math.log(1.25)))


def test_price_does_not_use_a_later_calibration() -> None:
    later = CALIBRATION.assign(used_from_date=pd.to_datetime(["2025-09-23"]))
    assert price_options(positions(), market(), calibrations=later)["vol_source"].tolist() == ["model"]


def test_price_with_a_chain_comes_from_its_smile() -> None:
    asked = positions((SESSION, EXPIRY, 25.0, "C"), (SESSION, EXPIRY, math.sqrt(16 * 20), "P"))
    priced = price_options(asked, market(), quotes=SMILE)
    assert priced["vol_frac"].tolist() == pytest.approx([1.0, 0.75])
    assert priced["vol_source"].tolist() == ["chain", "chain"]
    assert not priced["is_model_priced"].any()


def test_price_with_a_chain_needs_no_vvix() -> None:
    priced = price_options(positions(), market((SESSION, EXPIRY, 20.0, np.nan, 0.04)), quotes=SMILE)
    assert priced["status"].tolist() == ["ok"]


def test_chain_of_another_session_is_not_used() -> None:
    quotes = SMILE.assign(trade_date=pd.Timestamp(NEXT))
    both = market((SESSION, EXPIRY, 20.0, 90.0, 0.04), (NEXT, EXPIRY, 20.0, 90.0, 0.04))
    assert price_options(positions(), both, quotes=quotes)["vol_source"].tolist() == ["model"]


def test_chain_whose_quotes_disagree_is_not_used() -> None:
    priced = price_options(positions(), market(expiry_status="quotes_disagree"), quotes=SMILE)
    assert priced["vol_source"].tolist() == ["model"]


def test_quotes_in_the_money_take_no_part() -> None:
    priced = price_options(positions(), market(), quotes=SMILE.assign(is_out_of_the_money=False))
    assert priced["vol_source"].tolist() == ["model"]


def test_strike_beyond_the_smile_carries_its_end_on_with_the_skew() -> None:
    priced = price_options(positions((SESSION, EXPIRY, 30.0, "C")), market(), quotes=SMILE).iloc[0]
    assert priced["vol_source"] == "calibrated_model"
    expected = 1.0 * (1 + 0.5 * math.log(30 / 20)) / (1 + 0.5 * math.log(25 / 20))
    assert priced["vol_frac"] == pytest.approx(expected)


def test_strike_in_a_wide_gap_of_the_smile_is_not_the_chains() -> None:
    quotes = chain((SESSION, EXPIRY, 16.0, 0.7), (SESSION, EXPIRY, 40.0, 1.3))
    assert price_options(positions(), market(), quotes=quotes)["vol_source"].tolist() == ["calibrated_model"]


def test_expiry_between_two_of_the_chain_is_linear_in_total_variance() -> None:
    quotes = chain(
        *((SESSION, EXPIRY, strike, 0.9) for strike in (18.0, 22.0)),
        *((SESSION, FAR, strike, 0.6) for strike in (18.0, 22.0)),
    )
    rows = [(SESSION, day, 20.0, 90.0, 0.04) for day in (EXPIRY, "2025-11-19", FAR)]
    priced = price_options(positions((SESSION, "2025-11-19", 20.0, "C")), market(*rows), quotes=quotes).iloc[0]
    near, middle, far = ((days - 6.75 / 24) / 365 for days in (30, 58, 86))
    variance = np.interp(middle, [near, far], [0.81 * near, 0.36 * far])
    assert priced["vol_frac"] == pytest.approx(math.sqrt(variance / middle))
    assert priced["vol_source"] == "calibrated_model"


def test_expiry_beyond_the_chain_follows_the_term_exponent() -> None:
    quotes = chain(*((SESSION, EXPIRY, strike, 0.8) for strike in (18.0, 22.0)))
    rows = [(SESSION, EXPIRY, 20.0, 90.0, 0.04), (SESSION, FAR, 20.0, 90.0, 0.04)]
    priced = price_options(positions((SESSION, FAR, 20.0, "C")), market(*rows), quotes=quotes).iloc[0]
    assert priced["vol_frac"] == pytest.approx(0.8 * (30 / 86) ** 0.4)


def test_volatilities_of_the_chain_table_make_a_smile_without_quotes() -> None:
    known = market(atm_vol_frac=0.8, vol_25d_call_frac=1.0, vol_25d_put_frac=0.7)
    at_money = price_options(positions((SESSION, EXPIRY, 20.0, "C")), known).iloc[0]
    assert (at_money["vol_frac"], at_money["vol_source"]) == (0.8, "chain")
    years, discount = at_money["years_to_expiry"], at_money["discount_frac"]
    s = 1.0 * math.sqrt(years)
    strike = 20 * math.exp(s * s / 2 - NormalDist().inv_cdf(0.25 / discount) * s)
    call = price_options(positions((SESSION, EXPIRY, strike - 1e-9, "C")), known).iloc[0]
    assert call["vol_frac"] == pytest.approx(1.0, abs=1e-8)
    assert call["delta"] == pytest.approx(0.25, abs=1e-8)


def test_quotes_go_before_the_volatilities_of_the_chain_table() -> None:
    priced = price_options(positions(), market(atm_vol_frac=0.3), quotes=SMILE).iloc[0]
    assert priced["vol_frac"] == 1.0


@pytest.mark.parametrize(("quotes", "band"), [(None, 0.2), (SMILE, 0.05)])
def test_band_is_the_price_at_lower_and_higher_volatility(quotes: pd.DataFrame | None, band: float) -> None:
    priced = price_options(positions(), market(), quotes=quotes)
    low, high = (reprice_with(priced, vol_frac=priced["vol_frac"] * (1 + side * band)) for side in (-1, 1))
    assert priced["price_low_pts"].tolist() == pytest.approx(low.tolist(), rel=1e-14)
    assert priced["price_high_pts"].tolist() == pytest.approx(high.tolist(), rel=1e-14)


@pytest.mark.parametrize(
    ("row", "option", "status"),
    [
        ((SESSION, EXPIRY, 20.0, np.nan, 0.04), (SESSION, EXPIRY, 25.0, "C"), "no_volatility"),
        ((SESSION, EXPIRY, 20.0, 0.0, 0.04), (SESSION, EXPIRY, 25.0, "C"), "no_volatility"),
        ((SESSION, EXPIRY, np.nan, 90.0, 0.04), (SESSION, EXPIRY, 25.0, "C"), "no_future"),
        ((SESSION, EXPIRY, 0.0, 90.0, 0.04), (SESSION, EXPIRY, 25.0, "C"), "no_future"),
        ((SESSION, FAR, 20.0, 90.0, 0.04), (SESSION, EXPIRY, 25.0, "C"), "no_future"),
        ((SESSION, EXPIRY, 20.0, 90.0, np.nan), (SESSION, EXPIRY, 25.0, "C"), "no_bill_rate"),
        ((EXPIRY, EXPIRY, 20.0, 90.0, 0.04), (EXPIRY, EXPIRY, 25.0, "C"), "settled"),
        ((SESSION, EXPIRY, 20.0, 90.0, 0.04), (SESSION, EXPIRY, -1.0, "C"), "bad_option"),
        ((SESSION, EXPIRY, 20.0, 90.0, 0.04), (SESSION, EXPIRY, np.nan, "C"), "bad_option"),
        ((SESSION, EXPIRY, 20.0, 90.0, 0.04), (SESSION, EXPIRY, 25.0, "X"), "bad_option"),
        ((SESSION, EXPIRY, 20.0, 90.0, 0.04), (None, EXPIRY, 25.0, "C"), "bad_option"),
    ],
)
def test_option_without_an_input_has_no_price_and_says_why(row: tuple, option: tuple, status: str) -> None:
    priced = price_options(positions(option), market(row)).iloc[0]
    assert priced["status"] == status
    numbers = ["price_pts", "price_low_pts", "price_high_pts", "delta", "gamma", "vega", "theta", "vol_frac"]
    assert priced[[*numbers, "vol_source"]].isna().all()
    assert not priced["is_model_priced"]


def test_market_that_has_an_expiry_twice_is_refused() -> None:
    with pytest.raises(pd.errors.MergeError):
        price_options(positions(), pd.concat([market(), market()]))


@pytest.mark.parametrize(("final", "call", "put"), [(30.0, 5.0, 0.0), (25.0, 0.0, 0.0), (18.5, 0.0, 6.5)])
def test_payoff_is_the_distance_of_the_final_settlement(final: float, call: float, put: float) -> None:
    assert compute_settlement_payoff(final, 25.0, [True, False]).tolist() == [call, put]


def test_settled_option_is_worth_its_payoff_in_dollars() -> None:
    asked = positions((EXPIRY, EXPIRY, 25.0, "C"))
    finals = pd.DataFrame({"expiry_date": pd.to_datetime([EXPIRY]), "final_settlement_pts": [31.2]})
    paid = settle_options(asked, finals).iloc[0]
    assert paid["status"] == "settled"
    assert paid["price_pts"] * VIX_OPTION_MULTIPLIER_USD == pytest.approx(620.0)


@pytest.mark.parametrize(
    ("day", "final", "status"), [(EXPIRY, np.nan, "no_final_settlement"), (NEXT, 31.2, "not_settled")]
)
def test_option_is_not_paid_without_a_settlement(day: str, final: float, status: str) -> None:
    finals = pd.DataFrame({"expiry_date": pd.to_datetime([EXPIRY]), "final_settlement_pts": [final]})
    paid = settle_options(positions((day, EXPIRY, 25.0, "C")), finals).iloc[0]
    assert paid["status"] == status
    assert np.isnan(paid["price_pts"])


def test_repricing_with_nothing_moved_gives_the_price() -> None:
    priced = price_options(positions(), market())
    assert reprice_with(priced).tolist() == priced["price_pts"].tolist()


def test_repricing_moves_only_what_is_given() -> None:
    priced = price_options(positions(), market())
    row = priced.iloc[0]
    expected = compute_black76_price(22.0, 25.0, row["years_to_expiry"], row["vol_frac"], row["discount_frac"], True)
    assert reprice_with(priced, future_pts=22.0)[0] == expected


def test_repricing_in_time_keeps_the_rate() -> None:
    priced = price_options(positions(), market())
    half = priced["years_to_expiry"].to_numpy() / 2
    discount = np.sqrt(priced["discount_frac"].to_numpy())
    assert reprice_with(priced, years_to_expiry=half) == pytest.approx(
        reprice_with(priced, years_to_expiry=half, discount_frac=discount), rel=1e-14
    )


def moved(**changes: float) -> pd.DataFrame:
    row = {"future_pts": 20.0, "vvix_pts": 90.0, "bill_discount_rate_frac": 0.04} | changes
    both = market((SESSION, EXPIRY, 20.0, 90.0, 0.04), (NEXT, EXPIRY, *row.values()))
    before = price_options(positions(), both)
    return attribute_moves(before, price_options(positions((NEXT, EXPIRY, 25.0, "C")), both))


PIECES = ["theta_pts", "future_move_pts", "volatility_move_pts", "rate_move_pts"]


def test_pieces_add_up_to_the_total() -> None:
    found = moved(future_pts=24.0, vvix_pts=110.0, bill_discount_rate_frac=0.05).iloc[0]
    assert (found[PIECES] != 0).all()
    assert found[PIECES].sum() == pytest.approx(found["total_pts"], abs=1e-14)


def test_time_alone_costs_about_theta() -> None:
    found = moved().iloc[0]
    assert found["theta_pts"] == pytest.approx(EXAMPLE["theta"], rel=0.02)
    assert found["future_move_pts"] == 0
    assert found["rate_move_pts"] == pytest.approx(0, abs=1e-15)


def test_worked_example_of_a_move_is_that_of_the_document() -> None:
    found = moved(future_pts=22.0, vvix_pts=100.0).iloc[0]
    assert found[[*PIECES, "total_pts"]].round(6).tolist() == [-0.031164, 0.629174, 0.183429, 0.0, 0.781439]


def test_worked_example_stands_in_the_document() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "pricing.md").read_text(encoding="utf-8")
    numbers = [f"{value:.6f}" for value in EXAMPLE.values()] + ["-0.031164", "0.629174", "0.183429", "0.781439"]
    assert [number for number in numbers if number not in text] == []


def test_small_move_of_the_future_is_delta_and_gamma() -> None:
    found = moved(future_pts=20.1).iloc[0]
    expected = EXAMPLE["delta"] * 0.1 + EXAMPLE["gamma"] * 0.1**2 / 2
    assert found["future_move_pts"] == pytest.approx(expected, rel=0.02)


def test_attribution_to_the_settlement_has_no_volatility_piece() -> None:
    before = price_options(positions(), market())
    finals = pd.DataFrame({"expiry_date": pd.to_datetime([EXPIRY]), "final_settlement_pts": [31.2]})
    found = attribute_moves(before, settle_options(positions((EXPIRY, EXPIRY, 25.0, "C")), finals)).iloc[0]
    assert found["total_pts"] == pytest.approx(6.2 - EXAMPLE["price_pts"], abs=1e-6)
    assert found["theta_pts"] == pytest.approx(-EXAMPLE["price_pts"], abs=1e-6)
    assert found["future_move_pts"] == pytest.approx(6.2)
    assert (found["volatility_move_pts"], found["rate_move_pts"]) == (0, 0)


def test_attribution_says_when_the_source_of_the_volatility_changed() -> None:
    both = market((SESSION, EXPIRY, 20.0, 90.0, 0.04), (NEXT, EXPIRY, 20.0, 90.0, 0.04))
    before = price_options(positions(), both, quotes=SMILE)
    after = price_options(positions((NEXT, EXPIRY, 25.0, "C")), both, quotes=SMILE)
    assert attribute_moves(before, after)["is_vol_source_changed"].tolist() == [True]
    assert attribute_moves(before, before)["is_vol_source_changed"].tolist() == [False]


def test_attribution_without_one_of_the_prices_is_nan() -> None:
    found = moved(vvix_pts=np.nan).iloc[0]
    assert found[[*PIECES, "total_pts"]].isna().all()


def test_attribution_of_other_options_is_refused() -> None:
    before = price_options(positions(), market())
    with pytest.raises(ValueError, match="not the same options"):
        attribute_moves(before, price_options(positions((SESSION, EXPIRY, 26.0, "C")), market()))


def test_attribution_backwards_in_time_is_refused() -> None:
    both = market((SESSION, EXPIRY, 20.0, 90.0, 0.04), (NEXT, EXPIRY, 20.0, 90.0, 0.04))
    before = price_options(positions(), both)
    after = price_options(positions((NEXT, EXPIRY, 25.0, "C")), both)
    with pytest.raises(ValueError, match="earlier session"):
        attribute_moves(after, before)
