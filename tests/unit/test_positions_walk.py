from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.support.ledger_market import UNKNOWN, make_market
from transforms.layers import Layer
from transforms.positions import (
    IndexNote,
    LayerTargets,
    Leg,
    Marks,
    VixFuture,
    Want,
    build_book,
    build_futures_market,
    build_positions,
)

DAYS = [date(2024, 9, day) for day in (13, 16, 17, 18, 19)]
SEP, OCT = date(2024, 9, 18), date(2024, 10, 16)
FRONT, BACK = VixFuture(SEP), VixFuture(OCT)


def marks_of(front: Sequence[float], back: Sequence[float]) -> Marks:
    return Marks(make_market(DAYS, {SEP: front, OCT: back}, vix=[19.0] * 5))


def targets_of(*wants: dict[VixFuture, int]) -> LayerTargets:
    legs = [Want(tuple(Leg(one, count) for one, count in want.items()), "wanted") for want in wants]
    return LayerTargets(Layer.BASE, tuple(legs))


def held(targets: LayerTargets, marks: Marks) -> list[dict[str, int]]:
    return [{one.code: count for one, count in day.held.items()} for day in build_book(targets, marks).days]


def test_orders_trade_at_the_next_settlement() -> None:
    marks = marks_of([20.0, 20.5, 21.0, 22.0, UNKNOWN], [21.0] * 5)
    book = build_book(targets_of({FRONT: 2}, {}, {}, {}, {}), marks)
    assert [dict(day.held) for day in book.days] == [{}, {FRONT: 2}, {}, {}, {}]
    assert [fill.mark.pts for day in book.days for fill in day.fills] == [20.5, 21.0]


def test_orders_without_a_price_are_carried_together() -> None:
    marks = marks_of([20.0, 20.5, 21.0, 22.0, UNKNOWN], [21.0, UNKNOWN, 21.5, 21.0, 21.0])
    targets = targets_of(*[{FRONT: 1, BACK: -1}] * 5)
    assert held(targets, marks)[:3] == [{}, {}, {"VX 2024-10-16": -1, "VX 2024-09-18": 1}]
    table = build_positions([build_book(targets, marks)], marks)
    row = table[(table["trade_date"] == "2024-09-16") & (table["instrument"] == "VX 2024-09-18")].iloc[0]
    assert (row["held_contracts"], row["order_contracts"]) == (0, 1)
    assert row["reason"] == "wanted; orders carried: no price of VX 2024-10-16"


def test_carried_orders_give_way_to_the_newest_target() -> None:
    marks = marks_of([20.0, UNKNOWN, 21.0, 22.0, UNKNOWN], [21.0] * 5)
    assert held(targets_of({FRONT: 5}, {FRONT: 2}, {FRONT: 2}, {}, {}), marks)[2] == {"VX 2024-09-18": 2}


def test_futures_settle_at_the_final_value_and_are_not_traded() -> None:
    marks = marks_of([20.0, 20.5, 21.0, 18.25, UNKNOWN], [21.0] * 5)
    targets = targets_of({FRONT: 1}, {FRONT: 1}, {FRONT: 4}, {}, {})
    table = build_positions([build_book(targets, marks)], marks)
    last = table[table["trade_date"] == "2024-09-18"].iloc[0]
    assert (last["held_contracts"], last["order_contracts"], last["mark_pts"]) == (0, 0, 18.25)
    assert last["reason"] == "settled in cash at 18.25"


def test_a_late_final_value_settles_late_and_says_so() -> None:
    marks = marks_of([20.0, 20.5, 21.0, UNKNOWN, 18.25], [21.0] * 5)
    targets = targets_of({FRONT: 1}, {FRONT: 1}, {FRONT: 1}, {}, {})
    table = build_positions([build_book(targets, marks)], marks).set_index("trade_date")
    assert table.loc["2024-09-18", "reason"] == "expired, awaits its final settlement value"
    assert table.loc["2024-09-18", "held_contracts"] == 1
    assert pd.isna(table.loc["2024-09-18", "vega_usd"])
    assert table.loc["2024-09-19", "reason"] == "settled in cash at 18.25"


def test_measures_are_of_what_is_held() -> None:
    marks = marks_of([20.0, 20.5, 21.0, 22.0, UNKNOWN], [21.0] * 5)
    table = build_positions([build_book(targets_of({FRONT: -2}, {}, {}, {}, {}), marks)], marks)
    assert table["vega_usd"].tolist() == [0, -2000, 0]
    assert table["delta_usd"].tolist() == [0, -41_000, 0]
    assert table["is_model_priced"].tolist() == [False] * 3


def test_notes_are_marked_on_their_index() -> None:
    market = make_market(DAYS, {SEP: [20.0] * 5})
    marks = Marks(market, notes={"ST": np.array([20.0, 40.0, 60.0, UNKNOWN, 100.0])})
    found = [marks.mark(session, IndexNote("ST")) for session in range(5)]
    assert [one.pts if one else None for one in found] == [20, 40, 60, None, 100]
    assert marks.mark(0, IndexNote("OTHER")) is None


def test_targets_must_fit_the_sessions_and_name_an_instrument_once() -> None:
    marks = marks_of([20.0] * 5, [21.0] * 5)
    with pytest.raises(ValueError, match="expected targets of 5 sessions, found 1"):
        build_book(targets_of({}), marks)
    twice = LayerTargets(Layer.BASE, (Want((Leg(FRONT, 1), Leg(FRONT, 1)), ""),) * 5)
    with pytest.raises(ValueError, match="twice"):
        build_book(twice, marks)


@pytest.mark.parametrize(
    ("since", "session", "expiry", "expected"),
    [
        (0, 1, SEP, 19.4),  # 5 days to 2: 19 + (20 - 19) x 2/5
        (0, 3, SEP, 19.0),  # nothing left: the VIX
        (0, 1, OCT, 20.8929),  # 33 days to 30: 20 + (21 - 20) x 25/28
        (3, 4, OCT, 20.9286),  # on the expiry of the front the VIX stands in: 19 + 2 x 27/28
    ],
)
def test_time_passes_on_an_unchanged_curve(since: int, session: int, expiry: date, expected: float) -> None:
    marks = marks_of([20.0] * 5, [21.0] * 5)
    ticks = marks.market.pass_time(since, session, expiry)
    assert ticks is not None
    assert ticks / 10_000 == pytest.approx(expected)


def test_time_over_a_missing_month_uses_the_next_nearer_price() -> None:
    marks = marks_of([UNKNOWN] * 5, [21.0] * 5)
    assert marks.market.pass_time(0, 1, OCT) == round(10_000 * (19 + 2 * 30 / 33))
    assert marks.market.pass_time(0, 1, SEP) is None


def test_market_is_laid_out_of_the_tables() -> None:
    listings = pd.DataFrame(
        {"trade_date": ["2024-09-17"] * 2 + ["2024-09-18"], "expiry_date": [SEP, OCT, OCT], "tenor_rank": [1, 2, 1]}
    )
    settlements = pd.DataFrame(
        {
            "trade_date": ["2024-09-17", "2024-09-18", "2024-09-18"],
            "expiry_date": [OCT, SEP, OCT],
            "settle_pts": [21.0, 18.5, 20.0],
        }
    )
    sessions = pd.DataFrame(
        {
            "trade_date": ["2024-09-17", "2024-09-18"],
            "vix_close_pts": [19.0, None],
            "bill_discount_rate_frac": [0.05, 0.05],
            "vx1_beta_ratio": [0.6, None],
        }
    )
    market = build_futures_market(listings.astype({"expiry_date": "datetime64[us]"}), settlements, sessions)
    assert [market.expiry_at(0, rank) for rank in (0, 1, 2, 3)] == [None, SEP, OCT, None]
    assert market.settled_ticks(0, SEP) is None
    assert market.settled_ticks(1, SEP) == 185_000
    assert market.expiry_at(1, 1) == OCT
    assert pd.isna(market.betas[1, 0])
