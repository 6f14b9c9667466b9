from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from transforms.layers import Layer
from transforms.options.pricing import price_options, reprice_with
from transforms.positions import LayerTargets, Leg, VixFuture, VixOption, Want
from transforms.positions.priced import SpreadRules, build_priced_options, list_option_needs

DAYS = [date(2024, 9, day) for day in (13, 16, 17, 18)]
SEP, NOV = date(2024, 9, 18), date(2024, 11, 20)
CALL, PUT = VixOption(SEP, 20), VixOption(NOV, 15, is_call=False)


def needs() -> pd.DataFrame:
    wants = [
        Want((), ""),
        Want((Leg(CALL, -1), Leg(VixFuture(SEP), 1)), ""),
        Want((Leg(PUT, 1),), ""),
        Want((), ""),
    ]
    return list_option_needs([LayerTargets(Layer.SECOND_ENGINE, tuple(wants))], DAYS)


def priced() -> pd.DataFrame:
    asked = needs()
    market = asked[["trade_date", "expiry_date"]].drop_duplicates()
    return price_options(asked, market.assign(future_pts=19.0, vvix_pts=90.0, bill_discount_rate_frac=0.05))


def test_option_needs_run_from_the_first_want_to_the_expiry() -> None:
    found = [(day.date(), code) for day, code in zip(needs()["trade_date"], needs()["right"], strict=True)]
    assert found == [(DAYS[1], "C"), (DAYS[2], "C"), (DAYS[2], "P"), (DAYS[3], "P")]


def test_priced_rows_answer_for_their_option() -> None:
    table = priced()
    pricer = build_priced_options(DAYS, table)
    quote = pricer.quote(1, CALL)
    assert quote is not None
    assert quote.mid_pts == table["price_pts"].iloc[0]
    assert quote.delta == table["delta"].iloc[0]
    assert quote.is_model_priced
    assert quote.half_spread_pts == SpreadRules().half_spread_pts(quote.mid_pts)
    assert pricer.quote(0, CALL) is None
    assert pricer.quote(1, VixOption(SEP, 21)) is None


def test_quoted_spreads_count_before_the_rule() -> None:
    table = priced().assign(half_spread_pts=[0.11, float("nan"), 0.0, 0.2])
    pricer = build_priced_options(DAYS, table, SpreadRules(0.5, 0.01))
    spreads = [pricer.quote(session, option) for session, option in ((1, CALL), (2, CALL), (2, PUT))]
    assert [one.half_spread_pts for one in spreads if one] == [0.11, pytest.approx(table["price_pts"].iloc[1] / 2), 0.0]


def test_time_passes_with_future_and_volatility_unchanged() -> None:
    table = priced()
    pricer = build_priced_options(DAYS, table)
    later = table["years_to_expiry"].to_numpy() - 1 / 365
    expected = reprice_with(table, years_to_expiry=later)
    assert pricer.pass_time(1, 2, CALL) == pytest.approx(expected[0], rel=1e-12)
    assert pricer.pass_time(2, 3, CALL) == 0.0  # out of the money on the settlement morning
    assert pd.isna(pricer.pass_time(0, 1, CALL))


def test_rows_without_a_price_have_none() -> None:
    table = priced()
    table.loc[0, "status"] = "no_future"
    assert build_priced_options(DAYS, table).quote(1, CALL) is None


def test_an_option_priced_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="VIX 2024-09-18 C 20 is priced twice"):
        build_priced_options(DAYS, pd.concat([priced(), priced()]))
