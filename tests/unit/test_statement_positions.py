"""Positions as people see them: order, band, totals, trades, Time-Shifts, account."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from tests.support.statement_facts import AS_OF, make_position, make_shift, make_statement_facts, make_trade
from transforms.options.black76 import compute_black76_delta, compute_black76_price
from transforms.options.implied import compute_discount, compute_years_to_settlement
from transforms.statement.positions import build_position_statement
from transforms.statement.rows import say_orders, say_protected, say_trade

CALL = "VIX 2026-05-19 C 32.5"


def statement(**changes: Any) -> dict[str, Any]:
    return build_position_statement(make_statement_facts(**changes))


def total(document: dict[str, Any], layer: str) -> dict[str, Any]:
    return next(one for one in document["totals"] if one["layer"] == layer)


def test_positions_are_in_the_order_of_the_layers() -> None:
    layers = [one["layer"] for one in statement()["positions"]]
    assert layers == ["base", "temporal_vega", "temporal_vega", "second_engine", "second_engine"]


def test_band_of_a_vega_is_the_delta_at_the_ends_of_the_volatility() -> None:
    years = compute_years_to_settlement([(date(2026, 5, 19) - AS_OF).days])
    discount = compute_discount(0.04, years)
    price, low, high = (
        float(compute_black76_price(25.0, 32.5, years, volatility, discount, True)[0]) for volatility in (1.0, 0.8, 1.2)
    )
    row = make_position("second_engine", CALL, 10, mark_pts=price, mark_low_pts=low, mark_high_pts=high)
    one = statement(positions=(row,))["positions"][0]
    for end, volatility in (("low", 0.8), ("high", 1.2)):
        delta = float(compute_black76_delta(25.0, 32.5, years, volatility, discount, True)[0])
        assert one[f"vega_{end}_usd"] == pytest.approx(10 * 100 * delta, rel=1e-9)
    assert (one["value_low_usd"], one["value_high_usd"]) == (round(1000 * low, 2), round(1000 * high, 2))


@pytest.mark.parametrize("missing", ["future_pts", "bill_discount_rate_frac", "mark_low_pts"])
def test_band_of_a_vega_without_its_inputs_is_not_known(missing: str) -> None:
    one = statement(positions=(make_position("second_engine", CALL, 10, **{missing: None}),))["positions"][0]
    assert (one["vega_low_usd"], one["vega_high_usd"]) == (None, None)


def test_future_has_neither_band_nor_value_and_is_computed() -> None:
    one = statement()["positions"][0]
    assert [one[name] for name in ("mark_low_pts", "value_usd", "vega_low_usd")] == [None] * 3
    assert one["kind"] == "computed"


def test_option_is_model_priced_even_where_it_is_quoted() -> None:
    one = statement(positions=(make_position("second_engine", CALL, 10, is_model_priced=False),))["positions"][0]
    assert one["kind"] == "model-priced"


def test_totals_add_up_over_the_layers() -> None:
    document = statement()
    whole = total(document, "portfolio")
    for name in ("vega_usd", "delta_usd", "notional_usd", "held_count", "order_count"):
        layers = [one[name] for one in document["totals"] if one["layer"] != "portfolio"]
        assert whole[name] == pytest.approx(sum(layers))
    assert whole["order_count"] == 1
    assert total(document, "temporal_vega")["vega_usd"] == -1000
    assert total(document, "temporal_vega")["notional_usd"] == 7000 * 25


def test_total_with_an_unknown_part_is_not_known() -> None:
    unknown = make_position("base", "VX 2026-03-18", 4, vega_usd=float("nan"), delta_usd=float("nan"), mark_pts=None)
    document = statement(positions=(unknown, make_position("temporal_vega", "VX 2026-04-15", 1)))
    assert total(document, "base")["vega_usd"] is None
    assert total(document, "portfolio")["notional_frac"] is None
    assert total(document, "temporal_vega")["vega_usd"] == 1000


def test_layer_without_instruments_has_its_state_and_sums_of_nothing() -> None:
    one = total(statement(positions=()), "second_engine")
    assert (one["state"], one["why"], one["vega_usd"], one["held_count"]) == ("active", "as made up", 0.0, 0)


def test_orders_are_counted_for_the_next_settlement() -> None:
    document = statement()
    assert say_orders(document["totals"], document["next_session"]) == "1 order for the settlement of 23 Feb 2026"
    assert say_orders(statement(positions=())["totals"], None) == "No order for the next settlement"


def test_trade_of_a_roll_names_the_other_side_and_what_it_locks_in() -> None:
    said = say_trade(statement()["trades"][0])
    assert said == "rolled in +4 against VX 2026-02-18, roll yield +2.00% at 25.00, cost $250"
    assert "against" not in say_trade(make_trade(trade_kind="opened", rolled_with=None))


def test_time_shifts_of_the_session_stand_apart_from_the_earlier_ones() -> None:
    shifts = statement(time_shifts=(make_shift(), make_shift(trade_date=AS_OF)))["time_shifts"]
    assert [one["trade_date"] for one in shifts["session"]] == [AS_OF.isoformat()]
    assert (len(shifts["last"]), shifts["count"], shifts["rolled_usd"]) == (2, 2, 1000.0)
    assert shifts["last"][0]["roll_yield_frac"] is None


def test_account_says_what_it_protects_or_why_nothing_is_valued() -> None:
    assert "40 model condors to 20 Mar 2026, loses $9,000 a point of VIX" in say_protected(statement()["account"])
    absent = {"condor_status": "absent", "condor_note": "no index close"}
    assert "No condor is valued this session: no index close" in say_protected(statement(condor=absent)["account"])
    assert "No condor is valued this session;" in say_protected(statement(condor=None)["account"])


def test_statement_loads_scipy_only_where_an_option_is_held() -> None:
    code = "import sys, transforms.statement.build; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
