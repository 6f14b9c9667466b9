"""Orders of an account: what is wanted less what is held, unless the gap is only rounding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from transforms.layers import Layer
from transforms.portfolio.book import Book, FuturePosition, VixOptionPosition
from transforms.portfolio.holdings import adopt_options, list_held
from transforms.portfolio.orders import IN_THE_OTHER_SIZE, Order, build_orders
from transforms.positions import VixFuture, VixOption
from transforms.positions.instruments import Instrument
from transforms.positions.wants import NOTHING, Leg, Want

DAY, NEXT = date(2026, 1, 7), date(2026, 1, 8)
JAN, FEB, MAR = date(2026, 1, 21), date(2026, 2, 18), date(2026, 3, 18)
VXM, VX = VixFuture(FEB, is_mini=True), VixFuture(FEB)
CALL = VixOption(MAR, 25.0)


def orders(held: Mapping[Instrument, int], *base: Leg, temporal: tuple[Leg, ...] = (), **more: object) -> list[Order]:
    wants = {
        Layer.BASE: Want(base, "entered") if base else NOTHING,
        Layer.TEMPORAL_VEGA: Want(temporal, "sized: 1 step") if temporal else NOTHING,
        Layer.SECOND_ENGINE: NOTHING,
    }
    return build_orders(wants, held, NEXT, 0.1, **more)  # type: ignore[arg-type]


def by_code(found: list[Order]) -> dict[str, int]:
    return {one.instrument.code: one.order_contracts for one in found}


def test_order_is_target_over_all_layers_less_held() -> None:
    (one,) = orders({VXM: 3}, Leg(VXM, 8, 8.2), temporal=(Leg(VXM, 4, 4.1),))
    assert (one.target_contracts, one.held_contracts, one.order_contracts) == (12, 3, 9)
    assert one.targets == {Layer.BASE: 8, Layer.TEMPORAL_VEGA: 4}
    assert one.wanted_contracts == pytest.approx(12.3)
    assert one.reason == "buy 9: +12 wanted, +3 held"
    assert one.layer_reasons == "base: entered; temporal_vega: sized: 1 step"


def test_what_no_layer_wants_is_sold_and_what_is_sold_too_much_is_bought_back() -> None:
    (long,) = orders({VXM: 3})
    assert (long.order_contracts, long.reason) == (-3, "sell 3: none wanted, +3 held")
    assert long.layer_reasons == ""
    (short,) = orders({VXM: -9}, Leg(VXM, -6))
    assert short.reason == "buy 3: -6 wanted, -9 held"


@pytest.mark.parametrize(
    ("wanted", "held", "ordered"),
    [
        (5.49, 6, -1),  # 0.51 before rounding
        (5.51, 6, 0),
        (6.49, 6, 0),
        (4.0, 4, 0),
    ],
)
def test_gap_below_half_a_contract_before_rounding_is_left_alone(wanted: float, held: int, ordered: int) -> None:
    (one,) = orders({VXM: held}, Leg(VXM, round(wanted), wanted))
    assert one.order_contracts == ordered
    assert one.reason.startswith("no order" if not ordered else "sell 1")


def test_rounding_of_two_layers_is_left_alone_where_it_is_less_than_half_a_contract_together() -> None:
    # 4.4 and 4.4 are 4 and 4 whole ones, 8.8 together: whoever holds 9 is nearer than who holds 8
    (one,) = orders({VXM: 9}, Leg(VXM, 4, 4.4), temporal=(Leg(VXM, 4, 4.4),))
    assert (one.target_contracts, one.order_contracts) == (8, 0)
    assert one.reason == "no order: -0.20 contracts before rounding are less than 0.5"


@pytest.mark.parametrize(("held", "ordered"), [(18, 0), (22, 0), (17, 3), (23, -3), (-20, 40)])
def test_gap_within_the_slack_is_left_alone(held: int, ordered: int) -> None:
    (one,) = orders({VXM: held}, Leg(VXM, 20))
    assert one.order_contracts == ordered
    if not ordered:
        assert one.reason == f"no order: {20 - held:+d} of +20 contracts are within 10%"


def test_options_are_traded_to_the_contract() -> None:
    # 1 of 20 is within the slack, but a short call without its wing has no bound
    (one,) = orders({CALL: 19}, Leg(CALL, 20))
    assert one.order_contracts == 1


def test_one_vx_counts_as_ten_vxm() -> None:
    found = orders({VX: 1}, Leg(VXM, 10))
    assert by_code(found) == {"VX 2026-02-18": 0, "VXM 2026-02-18": 0}
    assert found[0].reason == IN_THE_OTHER_SIZE
    assert found[1].reason == "no order: +0.00 contracts before rounding are less than 0.5, 1 VX 2026-02-18 counted"


def test_worked_example_of_the_documentation() -> None:
    september, october, vx = VixFuture(JAN, is_mini=True), VXM, VX
    held = {september: 3, vx: 1}
    found = {one.instrument: one for one in orders(held, Leg(october, 10, 9.66))}
    assert found[september].order_contracts == -3
    assert (found[october].order_contracts, found[vx].order_contracts) == (0, 0)
    assert found[october].reason.startswith("no order: -0.34 contracts before rounding")
    assert by_code(orders({vx: 1}, Leg(october, 16)))[october.code] == 6
    assert by_code(orders({vx: 1}, Leg(october, 4))) == {vx.code: -1, october.code: 4}


def test_what_is_missing_beside_the_other_size_is_bought_in_the_wanted_one() -> None:
    assert by_code(orders({VX: 1, VXM: 2}, Leg(VXM, 16))) == {"VX 2026-02-18": 0, "VXM 2026-02-18": 4}
    assert by_code(orders({VXM: 100}, Leg(VX, 14))) == {"VX 2026-02-18": 4, "VXM 2026-02-18": 0}


def test_size_that_is_not_wanted_is_sold_where_the_other_would_stand_against_it() -> None:
    assert by_code(orders({VX: 1}, Leg(VXM, 4))) == {"VX 2026-02-18": -1, "VXM 2026-02-18": 4}
    assert by_code(orders({VX: 1, VXM: 7}, Leg(VXM, 12))) == {"VX 2026-02-18": 0, "VXM 2026-02-18": -5}


def test_sizes_of_different_months_do_not_count_for_each_other() -> None:
    assert by_code(orders({VixFuture(MAR): 1}, Leg(VXM, 10))) == {"VX 2026-03-18": -1, "VXM 2026-02-18": 10}


def test_what_settles_by_the_next_session_is_not_traded() -> None:
    settling = VixFuture(NEXT, is_mini=True)
    (one,) = orders({settling: 5})
    assert one.order_contracts == 0
    assert one.reason == f"no order: settles by {NEXT} and cannot be traded before"


def test_what_is_withheld_says_why() -> None:
    found = orders({VXM: 5, CALL: 1}, withhold=lambda one: "base is blocked" if isinstance(one, VixFuture) else None)
    assert [(one.order_contracts, one.reason) for one in found] == [
        (-1, "sell 1: none wanted, +1 held"),
        (0, "no order: base is blocked"),
    ]


def test_nothing_wanted_and_nothing_held_is_no_row() -> None:
    assert orders({}) == []


BOOK = Book(
    as_of=DAY,
    nav_usd=1e6,
    futures=(
        FuturePosition(contract="VXM", expiry_date=FEB, quantity=4),
        FuturePosition(contract="VX", expiry_date=JAN, quantity=-1),
    ),
    options=(
        VixOptionPosition(expiry_date=FEB, right="C", strike_pts=20.0, quantity=-2),
        VixOptionPosition(expiry_date=FEB, right="C", strike_pts=25.0, quantity=2),
        VixOptionPosition(expiry_date=MAR, right="P", strike_pts=17.5, quantity=1),
    ),
)


def test_held_is_what_has_not_settled_by_the_session() -> None:
    assert list_held(BOOK, DAY)[VixFuture(JAN)] == -1
    held = list_held(BOOK, JAN)
    assert VixFuture(JAN) not in held
    assert held[VXM] == 4
    assert held[VixOption(MAR, 17.5, is_call=False)] == 1
    assert list_held(BOOK, MAR) == {}


def test_options_with_a_bound_are_gone_on_with() -> None:
    # two spreads of 5 points: 1,000 dollars
    legs, reason = adopt_options(BOOK, DAY, 1_000.0)
    assert {leg.instrument.code: leg.contracts for leg in legs} == {
        "VIX 2026-02-18 C 20": -2,
        "VIX 2026-02-18 C 25": 2,
        "VIX 2026-03-18 P 17.5": 1,
    }
    assert reason is None


def test_options_beyond_the_policys_limit_are_not_gone_on_with() -> None:
    assert adopt_options(BOOK, DAY, 999.0) == (
        (),
        "the VIX options sold to 2026-02-18 can lose $1,000, the policy allows $999",
    )


def test_options_without_a_bound_are_not_gone_on_with() -> None:
    naked = Book(as_of=DAY, nav_usd=1e6, options=BOOK.options[:1])
    legs, reason = adopt_options(naked, DAY, 1e9)
    assert legs == ()
    assert reason is not None
    assert "no bound" in reason
