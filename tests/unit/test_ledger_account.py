from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from tests.support.ledger_market import NAV_USD, UNKNOWN, make_market
from transforms.layers import Layer
from transforms.ledger import CostRules, Ledger, build_ledger
from transforms.positions import IndexNote, Instrument, LayerTargets, Leg, Marks, VixFuture, Want, build_book
from transforms.positions.money import round_half_away

DAYS = [date(2024, 9, day) for day in (10, 11, 12, 13, 16, 17)]
OCT, NOV = date(2024, 10, 16), date(2024, 11, 20)
FRONT, BACK = VixFuture(OCT), VixFuture(NOV)
FREE = CostRules(vx_half_spread_pts=0, vx_fee_usd=0, vxm_fee_usd=0, note_cost_frac=0)


def run(
    *wants: dict[Instrument, int],
    front: list[float] | None = None,
    layer: Layer = Layer.TEMPORAL_VEGA,
    rules: CostRules = FREE,
    gains: list[float] | None = None,
    vix: float = 18.0,
    bill: float | list[float] = 0.0,
) -> Ledger:
    marks = Marks(
        make_market(DAYS, {OCT: front or [20.0, 20, 21, 22, 21, 23], NOV: [22.0] * 6}, vix=[vix] * 6, bill=bill)
    )
    legs = tuple(Want(tuple(Leg(one, count) for one, count in want.items()), "") for want in wants)
    targets = LayerTargets(layer, (*legs, *[legs[-1]] * (6 - len(legs))))
    return build_ledger([build_book(targets, marks)], marks, rules, gains, 0.5)


def column(ledger: Ledger, name: str) -> list[float]:
    return ledger.days.loc[ledger.days["layer"] != "portfolio", name].tolist()


def test_a_missing_mark_is_booked_when_the_price_is_back() -> None:
    ledger = run({FRONT: 1}, front=[20.0, 20.0, UNKNOWN, UNKNOWN, 23.0, 23.0])
    assert column(ledger, "pnl_usd") == [0, 0, 0, 0, 3000, 0]
    assert column(ledger, "unmarked_count") == [0, 0, 1, 1, 0, 0]
    # 35 days to 30 on the curve of the 11th: 18 + (20 - 18) x 30/35
    assert column(ledger, "roll_usd")[4] == pytest.approx(1000 * (18 + 60 / 35 - 20), abs=0.06)


def test_a_change_without_a_curve_is_not_split_and_said_to_be() -> None:
    ledger = run({FRONT: 1}, vix=UNKNOWN)
    assert column(ledger, "roll_usd") == [0] * 6
    assert column(ledger, "unsplit_usd") == column(ledger, "curve_usd") == [0, 0, 1000, 1000, -1000, 2000]


def test_realised_shorts_are_kept_in_the_part_that_is_closed() -> None:
    ledger = run({FRONT: -3}, {FRONT: -3}, {FRONT: -2}, {FRONT: -2}, {})
    assert column(ledger, "credit_kept_usd") == [0, 0, 0, -2000, 0, -6000]
    assert column(ledger, "short_open_usd") == [0, 0, -3000, -4000, -2000, 0]
    assert column(ledger, "protection_cost_usd") == [0] * 6


def test_losses_of_longs_are_the_cost_of_protection_and_gains_lower_it() -> None:
    ledger = run({FRONT: 1})
    assert column(ledger, "protection_cost_usd") == [0, 0, -1000, -1000, 1000, -2000]
    assert column(ledger, "credit_kept_usd") == [0] * 6


def test_a_position_turned_round_costs_both_sides() -> None:
    rules = CostRules(vx_half_spread_pts=0, vx_fee_usd=10)
    ledger = run({FRONT: 1}, {FRONT: -2}, rules=rules, front=[20.0] * 6)
    assert column(ledger, "cost_usd") == [0, -10, -30, 0, 0, 0]
    assert column(ledger, "protection_cost_usd") == [0, 10, 10, 0, 0, 0]
    assert column(ledger, "credit_kept_usd") == [0, 0, -20, 0, 0, 0]


def test_time_shift_rolls_half_of_the_booked_gain_once() -> None:
    ledger = run({FRONT: 1, BACK: -1}, gains=[0, 0, 0, 0.003, 0, 0.004])
    first, second = ledger.time_shifts.to_dict("records")
    assert (first["gain_usd"], first["rolled_usd"]) == (2000, 1000)
    assert first["roll_yield_frac"] == pytest.approx(22 / 22 - 1)
    # since the first shift: -1000 + 2000
    assert (second["gain_usd"], second["rolled_usd"]) == (1000, 500)
    assert (first["from_layer"], first["to_layer"], first["instrument"]) == (
        "temporal_vega",
        "second_engine",
        FRONT.code,
    )
    assert column(ledger, "gains_rolled_usd") == [0, 0, 0, 1000, 0, 500]
    assert column(ledger, "pnl_usd") == [0, 0, 1000, 1000, -1000, 2000]


def test_time_shift_of_a_loss_rolls_nothing() -> None:
    ledger = run({FRONT: 1}, front=[20.0, 20.0, 19.0, 18.0, 18.0, 18.0], gains=[0, 0, 0, 0.003, 0, 0])
    assert ledger.time_shifts["rolled_usd"].tolist() == [0]


def test_only_the_temporal_layer_shifts_gains() -> None:
    assert run({FRONT: 1}, layer=Layer.BASE, gains=[0, 0, 0, 0.003, 0, 0]).time_shifts.empty


def test_interest_is_on_the_collateral_of_the_close_before() -> None:
    ledger = run({FRONT: 1}, bill=0.05)
    # 0.4 x 20,000 for a day, 0.4 x 22,000 over the weekend
    assert column(ledger, "interest_usd")[:3] == [0, 0, pytest.approx(8000 * 0.00013978, abs=0.006)]
    assert column(ledger, "interest_usd")[4] == pytest.approx(8800 * 0.0004194, abs=0.006)


def test_interest_is_at_the_rate_known_a_session_before() -> None:
    ledger = run({FRONT: 1}, bill=[0.0, 0.05, 0.0, 0.0, 0.0, 0.0])
    assert [amount > 0 for amount in column(ledger, "interest_usd")] == [False, False, True, False, False, False]


def test_interest_at_an_unknown_rate_is_not_booked_and_said_to_be() -> None:
    ledger = run({FRONT: 1}, bill=UNKNOWN)
    assert column(ledger, "interest_usd") == [0] * 6
    assert column(ledger, "is_interest_known") == [True, True, False, False, False, False]


def test_a_layer_stands_once() -> None:
    marks = Marks(make_market(DAYS, {OCT: [20.0] * 6}))
    book = build_book(LayerTargets(Layer.BASE, (Want((), ""),) * 6), marks)
    with pytest.raises(ValueError, match="each layer once"):
        build_ledger([book, book], marks, FREE)


def test_note_at_one_percent_gives_one_percent_of_its_index() -> None:
    rng = np.random.default_rng(7)
    returns = rng.normal(-0.002, 0.04, 400)
    index = np.round(100 * np.cumprod(1 + returns), 4)
    days = [DAYS[0] + timedelta(days=number) for number in range(400)]
    marks = Marks(make_market(days, {date(2030, 1, 16): [20.0] * 400}), notes={"ST": index})
    note = IndexNote("ST")
    sizes = [round_half_away(0.01 * NAV_USD / level) for level in index.tolist()]
    targets = LayerTargets(Layer.BASE, tuple(Want((Leg(note, size),), "1%") for size in sizes))
    ledger = build_ledger([build_book(targets, marks)], marks, CostRules())
    pnl = np.array(column(ledger, "pnl_usd")) - np.array(column(ledger, "cost_usd"))
    of_index = 0.01 * NAV_USD * np.diff(index, prepend=index[0]) / np.concatenate([index[:1], index[:-1]])
    # decided a session before it is traded: the size differs by that session's return, and by half a unit
    slack = np.abs(of_index[2:]) * np.abs(index[1:-1] / index[:-2] - 1) + 0.5 * np.abs(np.diff(index))[1:] + 0.01
    assert (np.abs(pnl[2:] - of_index[2:]) <= slack).all()
    assert pnl[2:].sum() == pytest.approx(of_index[2:].sum(), abs=0.05 * np.abs(of_index).sum())
    traded = np.abs(np.diff(sizes, prepend=0))[:-1] * index[1:]
    assert -np.array(column(ledger, "cost_usd"))[1:] == pytest.approx(traded * 0.0005, abs=0.006)
