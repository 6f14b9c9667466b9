"""Many policies compiled: what is refused and how it is said, results by name, and the form kept on disk."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.ledger_market import make_market, make_path
from tests.support.sweep import PARAMETERS
from transforms.hedge import CalendarListing, HedgeMarket, Stretch
from transforms.hedge.market import build_option_market
from transforms.layers import LayerState
from transforms.ledger import CostRules
from transforms.ledger.account import PIECES
from transforms.positions import FuturesMarket, Marks, OptionQuote, SizingRules, VixOption
from transforms.sweep import (
    AMOUNT_NAMES,
    LAYER_NAMES,
    SweepPolicy,
    build_sweep_market,
    compare_with_plain,
    compiling,
    run_policies,
)
from transforms.sweep.arrays import COLUMNS, MEASURE_NAMES, MEASURES_COUNT, MOST_HELD, PNL, UNKNOWN, make_state
from transforms.sweep.market import Calendar, lay_out_market
from transforms.sweep.option_rows import OptionRows, price_rows
from transforms.sweep.run import lay_out_policies, read_policy, walk_policies, walk_sums
from transforms.sweep.sharing import walk_layers
from warehouse.expressions import preset

ARTICLE = preset("article")
SEP, OCT, NOV, DEC, JAN = (
    date(2024, 9, 18),
    date(2024, 10, 16),
    date(2024, 11, 20),
    date(2024, 12, 18),
    date(2025, 1, 22),
)
DAYS = [date(2024, 9, day) for day in (2, 3, 4, 5, 6)]
NAV = 10_000_000.0


def hedge_market() -> HedgeMarket:
    """Five sessions of a flat curve; every option expiry of the rule has a future."""
    curve = {expiry: [25.0] * len(DAYS) for expiry in (SEP, OCT, NOV, DEC, JAN)}
    rows = [
        {
            "trade_date": pd.Timestamp(day),
            "expiry_date": pd.Timestamp(expiry),
            "future_pts": 25.0,
            "vvix_pts": 110.0,
            "bill_discount_rate_frac": 0.05,
        }
        for day in DAYS
        for expiry in curve
    ]
    known = np.full(len(DAYS), 100.0)
    return HedgeMarket(
        futures=make_market(DAYS, curve, vix=[25.0] * len(DAYS), bill=0.05),
        options=build_option_market(pd.DataFrame(rows), None, None, PARAMETERS),
        protected_vega_usd=np.full(len(DAYS), 10_000.0),
        nav_usd=NAV,
        parameters=PARAMETERS,
        spx_close_pts=known,
        spx_rv21_pts=known,
        short_term_tr=known,
        short_term_base_dates=[DAYS[0]] * len(DAYS),
        volumes=pd.DataFrame(columns=["trade_date", "expiry_date", "volume_contracts"]),
    )


def stretch(**columns: Any) -> Stretch:
    return Stretch(machine=ARTICLE.machine(), values={}, path=make_path(len(DAYS), **columns), span=slice(0, len(DAYS)))


def listing(market: HedgeMarket) -> CalendarListing:
    return CalendarListing(list(market.futures.days), market.options)


ACTIVE = {"second_state": [LayerState.IDLE, *[LayerState.ACTIVE] * 4], "temporal_steps": [0, 1, 1, 2, 2]}


def test_listed_calendars_are_held_as_the_plain_walk_holds_them() -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    assert compare_with_plain(market, listing(market), stretch(**ACTIVE), swept) == []
    result = run_policies(swept, [stretch(**ACTIVE)], keep=["margin"])
    assert (result.daily_cents["margin"][0, 2:, LAYER_NAMES.index("second_engine")] > 0).all()


def test_comparison_names_what_differs() -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    dearer = replace(swept, costs=replace(swept.costs, vx_fee_usd=3.5, vxm_fee_usd=2.0))
    found = compare_with_plain(market, listing(market), stretch(), dearer)
    assert {(one.session, one.layer, one.amount) for one in found} == {
        (1, layer, amount)
        for layer in ("base", "portfolio")
        for amount in ("cost", "cost_at_mid", "cost_at_full", "protection_cost", "pnl")
    }
    assert all(abs(one.plain_cents) < abs(one.swept_cents) for one in found)


def test_calendars_that_were_not_looked_up_are_refused() -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()], np.array([True, False, True, True, True]))
    with pytest.raises(ValueError, match="policy 1: calendars are wanted that were not looked up"):
        run_policies(swept, [stretch(), stretch(**ACTIVE)])
    other = ARTICLE.with_values({"short_call_delta": 0.3}).machine()
    with pytest.raises(ValueError, match="not looked up"):
        run_policies(swept, [replace(stretch(**ACTIVE), machine=other)])
    assert len(run_policies(swept, [replace(stretch(), machine=other)])) == 1


def test_what_was_not_looked_up_is_not_called_unconstructible() -> None:
    market = hedge_market()
    no_future = replace(market.options, expiries=market.options.expiries.assign(future_pts=float("nan")))
    unpriced = replace(market, options=no_future)
    asked = np.array([True, False, True, True, True])
    swept = build_sweep_market(unpriced, listing(unpriced), [ARTICLE.machine()], asked)
    assert swept.is_constructible(ARTICLE.machine()).tolist() == [-1, 1, -1, -1, -1]
    other = ARTICLE.with_values({"short_call_delta": 0.3}).machine()
    assert swept.is_constructible(other).tolist() == [1] * 5


def test_policies_that_are_not_sized_in_futures_are_refused() -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    with pytest.raises(ValueError, match="sizing 'vpd'"):
        run_policies(swept, [replace(stretch(), machine=preset("vpd").machine())])


@pytest.mark.parametrize(
    ("change", "words"),
    [({"span": slice(0, 3)}, "span"), ({"path": make_path(3)}, "expected states of 5 sessions, found 3")],
)
def test_stretches_that_do_not_cover_the_market_are_refused(change: dict[str, Any], words: str) -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    with pytest.raises(ValueError, match=words):
        run_policies(swept, [replace(stretch(), **change)])


@pytest.mark.parametrize("wrong", [{"keep": ["profit"]}, {"chunk": 0}, {"threads": 0}])
def test_wrong_arguments_are_refused(wrong: dict[str, Any]) -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    with pytest.raises(ValueError, match="expected"):
        run_policies(swept, [stretch()], **wrong)


def test_sessions_of_another_length_are_refused() -> None:
    market = hedge_market()
    with pytest.raises(ValueError, match="expected 5 flags"):
        build_sweep_market(market, listing(market), [], np.ones(4, bool))


def test_no_policy_gives_an_empty_result() -> None:
    market = hedge_market()
    result = run_policies(build_sweep_market(market, listing(market), []), [], keep=["pnl"])
    assert (len(result), len(result.to_frame())) == (0, 0)


def policy(market: FuturesMarket, **columns: Any) -> SweepPolicy:
    return SweepPolicy(
        path=make_path(len(market), **columns),
        sizes=SizingRules(),
        costs=CostRules(),
        gain_roll_frac=0.5,
        calendar_set=0,
    )


def test_more_instruments_than_there_is_room_for_are_refused() -> None:
    """A new contract every session, none of which ever gets its final value."""
    count = MOST_HELD + 5
    days = [date(2024, 1, 1) + timedelta(days=3 * number) for number in range(count)]
    expiries = [day + timedelta(days=2) for day in days]
    # Decided in a session and traded in the next: a contract must live through both.
    lasting = {
        expiry + timedelta(days=3): [20.0 if day < expiry + timedelta(days=3) else float("nan") for day in days]
        for expiry in expiries
    }
    market = make_market(days, lasting, vix=[20.0] * count)
    # The base leaves a contract by its expiry only: it goes from the second month to the next one's front.
    market = replace(market, ranked=np.roll(market.ranked, -1, axis=1))
    arrays = lay_out_market(market, None, [], Marks(market))
    with pytest.raises(ValueError, match=f"more than {MOST_HELD} instruments"):
        walk_policies(arrays, [policy(market)], 1e7)


class Flat:
    """Every option is worth a point."""

    def quote(self, session: int, option: VixOption) -> OptionQuote | None:
        return OptionQuote(1.0, 0.05, 0.2, True)

    def pass_time(self, since: int, session: int, option: VixOption) -> float:
        return 1.0


@pytest.mark.parametrize(
    "legs",
    [
        (),
        ((VixOption(OCT, 30.0), -1), (VixOption(OCT, 30.0), 1)),
        ((VixOption(date(2024, 8, 21), 30.0), -1), (VixOption(date(2024, 8, 21), 35.0), 1)),
        ((VixOption(OCT, 30.0), -1), (VixOption(NOV, 35.0), 1)),
        ((VixOption(OCT, 30.0), -1), (VixOption(OCT, 60.0), 1)),
    ],
    ids=["none", "twice", "settled", "unbounded", "beyond_the_limit"],
)
def test_structures_that_the_plain_walk_refuses_are_not_opened(legs: tuple[tuple[VixOption, int], ...]) -> None:
    futures = hedge_market().futures
    found = {session: Calendar(legs, 500.0) for session in range(len(DAYS))}
    arrays = lay_out_market(futures, None, [found], Marks(futures, Flat()))
    opened = lay_out_market(
        futures,
        None,
        [{session: Calendar(((VixOption(OCT, 30.0), -1), (VixOption(OCT, 35.0), 1)), 500.0) for session in found}],
        Marks(futures, Flat()),
    )
    active = policy(futures, second_state=[LayerState.ACTIVE] * 5)
    second = LAYER_NAMES.index("second_engine")
    assert walk_policies(arrays, [active], NAV).held_sessions[0, second] == 0
    assert walk_policies(opened, [active], NAV).held_sessions[0, second] == 4


def test_arrays_and_names_fit() -> None:
    assert (len(AMOUNT_NAMES), AMOUNT_NAMES[PNL], len(MEASURE_NAMES)) == (COLUMNS, "pnl", MEASURES_COUNT)
    assert AMOUNT_NAMES[: len(PIECES)] == PIECES


def test_frame_has_every_sum_and_measure() -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    result = run_policies(swept, [stretch(**ACTIVE), stretch()], keep=AMOUNT_NAMES)
    frame = result.to_frame()
    assert frame["layer"].tolist() == [*LAYER_NAMES, *LAYER_NAMES]
    pnl = result.daily_cents["pnl"].sum(axis=1) / 100
    np.testing.assert_allclose(frame["pnl_usd"], pnl.reshape(-1))
    margin = result.daily_cents["margin"].mean(axis=1) / 100
    np.testing.assert_allclose(frame["mean_margin_usd"], margin.reshape(-1))
    # The base alone has kept no credit; a layer that has paid for no protection has no ratio.
    ratios = frame.set_index(["policy", "layer"])["self_funding_ratio"]
    assert ratios[1, "base"] == 0.0
    assert np.isnan(ratios[1, "temporal_vega"])


def test_stamp_changes_with_a_number_that_is_compiled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from transforms.sweep import deciding, kernel

    assert kernel.compute_stamp is compiling.compute_stamp
    before = compiling.compute_stamp()
    assert compiling.compute_stamp() == before
    monkeypatch.setattr(deciding, "BLOCKED", 7)
    assert compiling.compute_stamp() != before


def test_stamp_is_the_same_in_every_process() -> None:
    code = "from transforms.sweep import kernel; print(kernel.compute_stamp())"
    said = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(said) == 1
    assert int(said.pop()) > 0


def test_numba_is_not_loaded_before_a_walk() -> None:
    code = "import sys, transforms.sweep; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_layers_that_policies_share_are_walked_once_and_given_to_each() -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    larger = ARTICLE.with_values({"base_notional_frac": 0.015}).machine()
    policies = [
        stretch(**ACTIVE),
        replace(stretch(**ACTIVE), machine=larger),
        stretch(**ACTIVE),
        replace(stretch(**ACTIVE), reading="short_front"),
    ]
    numbers = [read_policy(swept, one) for one in policies]
    kept = np.array([PNL], np.int64)
    layers = walk_layers(swept.arrays, lay_out_policies(numbers, swept.arrays, NAV), kept, [make_state(swept.arrays)])
    # The size of the base decides that of the temporal layer; the reading concerns the temporal layer alone.
    assert [one.group_of.tolist() for one in layers] == [[0, 1, 0, 0], [0, 1, 0, 2], [0, 0, 0, 0]]
    assert [len(one.walked.totals) for one in layers] == [2, 3, 1]
    alone = [run_policies(swept, [one], keep=AMOUNT_NAMES) for one in policies]
    together = run_policies(swept, policies, keep=AMOUNT_NAMES)
    for number, one in enumerate(alone):
        for name in AMOUNT_NAMES:
            np.testing.assert_array_equal(together.daily_cents[name][number], one.daily_cents[name][0])


def test_sums_are_those_of_the_result() -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    policies = [stretch(**ACTIVE), stretch()]
    result = run_policies(swept, policies, keep=["pnl", "interest"])
    laid = lay_out_policies([read_policy(swept, one) for one in policies], swept.arrays, NAV)
    for threads in (1, 2):
        sums = walk_sums(swept.arrays, laid, threads)
        net = (result.daily_cents["pnl"] - result.daily_cents["interest"])[:, :, -1]
        np.testing.assert_array_equal(sums.net_cents, net)
        assert net.any()
        for name, values in result.totals_cents.items():
            np.testing.assert_array_equal(sums.totals_cents[name], values)


def test_rows_of_options_priced_together_are_those_priced_one_by_one() -> None:
    market = hedge_market()
    swept = build_sweep_market(market, listing(market), [ARTICLE.machine()])
    arrays = swept.arrays
    listed = [
        VixOption(date.fromordinal(int(expiry)), float(strike), bool(is_call))
        for expiry, strike, is_call in zip(
            arrays.option_expiry, arrays.option_strike, arrays.option_is_call, strict=True
        )
    ]
    needs = pd.DataFrame(
        [
            (pd.Timestamp(day), pd.Timestamp(one.expiry), one.strike_pts, "C" if one.is_call else "P")
            for one in listed
            for day in DAYS
        ],
        columns=["trade_date", "expiry_date", "strike_pts", "right"],
    )
    marks = Marks(market.futures, market.options.price_for(market.futures, needs))
    plain = price_rows(market.futures, listed, arrays.option_first, marks)
    assert len(plain) > 1
    for one, other in zip(plain, price_rows(market.futures, listed, arrays.option_first, market.options), strict=True):
        for name in OptionRows._fields:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert any((one.aged != UNKNOWN).any() for one in plain)
