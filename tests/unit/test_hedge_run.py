"""The walk of the hedge: policies by stretches, what is wanted, and where the second engine may act."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.ledger_market import make_market, make_path
from transforms.hedge import CalendarListing, HedgeMarket, Stretch, run_hedge
from transforms.hedge.calendars import read_calendar_targets
from transforms.hedge.market import build_option_market
from transforms.layers import Layer, LayerState, Mode
from transforms.positions import VixFuture
from transforms.registry import parameters
from warehouse.expressions import preset

PARAMETERS = {entry.parameter: float(entry.value) for entry in parameters().values()}
SEP, OCT, NOV, DEC, JAN = (
    date(2024, 9, 18),
    date(2024, 10, 16),
    date(2024, 11, 20),
    date(2024, 12, 18),
    date(2025, 1, 22),
)
DAYS = [date(2024, 9, 2), date(2024, 9, 3), date(2024, 9, 4), date(2024, 9, 5), date(2024, 9, 6)]
ARTICLE = preset("article").machine()
NAV = 10_000_000.0


def market(level: float = 25.0, vvix: float = 110.0, nav_usd: float = NAV) -> HedgeMarket:
    """Five sessions of a flat curve; every option expiry of the rule has a future."""
    curve = {expiry: [level] * len(DAYS) for expiry in (SEP, OCT, NOV, DEC, JAN)}
    futures = make_market(DAYS, curve, vix=[level] * len(DAYS), bill=0.05)
    rows = [
        {
            "trade_date": pd.Timestamp(day),
            "expiry_date": pd.Timestamp(expiry),
            "future_pts": level,
            "vvix_pts": vvix,
            "bill_discount_rate_frac": 0.05,
        }
        for day in DAYS
        for expiry in (SEP, OCT, NOV, DEC, JAN)
    ]
    return HedgeMarket(
        futures=futures,
        options=build_option_market(pd.DataFrame(rows), None, None, PARAMETERS),
        protected_vega_usd=np.full(len(DAYS), 10_000.0),
        nav_usd=nav_usd,
        parameters=PARAMETERS,
        spx_close_pts=np.full(len(DAYS), 5_000.0),
        spx_rv21_pts=np.full(len(DAYS), 15.0),
        short_term_tr=np.full(len(DAYS), 100.0),
        short_term_base_dates=[DAYS[0]] * len(DAYS),
        volumes=pd.DataFrame(columns=["trade_date", "expiry_date", "volume_contracts"]),
    )


def stretch(
    machine: Mapping[str, Any] = ARTICLE,
    span: slice = slice(0, 5),
    values: Mapping[str, float] | None = None,
    **columns: Any,
) -> Stretch:
    return Stretch(machine=machine, values=values or {}, path=make_path(len(DAYS), **columns), span=span)


def listing(found: HedgeMarket) -> CalendarListing:
    return CalendarListing(list(found.futures.days), found.options)


def walk(found: HedgeMarket, *stretches: Stretch) -> Any:
    return run_hedge(found, stretches, listing(found))


ACTIVE = [LayerState.ACTIVE] * 5


def test_base_is_sized_to_the_condor_inside_its_band() -> None:
    # 0.5 x 10,000 x 0.6 = 3,000 dollars a point are 75,000 at 25: below 1% of 10 million, which is 4,000 a point
    assert walk(market(), stretch()).wanted_vega_usd(Layer.BASE) == pytest.approx([4_000] * 5)


def test_wanted_vega_doubles_with_every_step() -> None:
    run = walk(market(), stretch(temporal_steps=[0, 1, 2, 3, 3], temporal_state=ACTIVE))
    assert run.wanted_vega_usd(Layer.TEMPORAL_VEGA) == pytest.approx([0, 4_000, 12_000, 28_000, 28_000])


def test_wanted_vega_is_sold_where_the_reading_sells_the_front() -> None:
    one = replace(stretch(temporal_steps=[0, 1, 2, 2, 2], temporal_state=ACTIVE), reading="short_front")
    wanted = walk(market(), one).wanted_vega_usd(Layer.TEMPORAL_VEGA)
    assert wanted == pytest.approx([0, -4_000, -12_000, -12_000, -12_000])


def test_wanted_vega_is_nothing_where_the_layer_is_idle_even_without_a_price() -> None:
    run = walk(market(math.nan), stretch(base_state=[LayerState.IDLE] * 5))
    assert run.wanted_vega_usd(Layer.BASE).tolist() == [0.0] * 5
    assert not np.signbit(run.wanted_vega_usd(Layer.TEMPORAL_VEGA)).any()


def test_wanted_vega_is_unknown_where_there_is_no_price() -> None:
    assert np.isnan(walk(market(math.nan), stretch()).wanted_vega_usd(Layer.BASE)).all()


def test_blocked_base_wants_what_it_holds() -> None:
    run = walk(market(), stretch(base_state=[LayerState.ACTIVE] * 2 + [LayerState.BLOCKED] * 3))
    assert run.wanted_vega_usd(Layer.BASE) == pytest.approx([4_000] * 5)
    never = walk(market(), stretch(base_state=[LayerState.BLOCKED] * 5))
    assert np.isnan(never.wanted_vega_usd(Layer.BASE)).all()


def test_wanted_vega_of_options_is_not_in_futures() -> None:
    run = walk(market(), stretch(second_state=ACTIVE))
    assert run.targets[2].wants[0].legs
    assert np.isnan(run.wanted_vega_usd(Layer.SECOND_ENGINE)).all()


@pytest.mark.parametrize("name", ["canon", "vxth", "vpd", "veqtor"])
def test_policy_of_a_published_strategy_stands_in_the_base_alone(name: str) -> None:
    policy = preset(name)
    run = walk(market(), stretch(policy.machine(), values=policy.values))
    assert all(want.reason for want in run.targets[0].wants)
    assert not any(want.legs for one in run.targets[1:] for want in one.wants)
    idle = stretch(policy.machine(), values=policy.values, base_state=[LayerState.IDLE] * 5)
    assert not any(want.legs for want in walk(market(), idle).targets[0].wants)


def test_policy_that_sells_futures_by_its_account_does_so_by_its_own_number() -> None:
    policy = preset("vpd").with_values({"vpd_nav_per_contract_usd": 200_000})
    long_enough = [date(2024, 9, 16), date(2024, 9, 17), SEP, date(2024, 9, 19), date(2024, 9, 20)]
    found = replace(
        market(), futures=make_market(long_enough, {one: [25.0] * 5 for one in (SEP, OCT, NOV, DEC)}, bill=0.05)
    )
    run = walk(found, stretch(policy.machine(), values=policy.values))
    held = run.positions.loc[run.positions["held_contracts"] != 0, "held_contracts"]
    assert set(held) == {-50}  # 10 million over 200,000


def test_change_of_policy_trades_the_difference_the_session_after() -> None:
    larger = dict(ARTICLE) | {"base_notional_frac": 0.02}
    run = walk(market(), stretch(span=slice(0, 2)), stretch(larger, slice(2, 5)))
    held = run.positions.set_index("trade_date")["held_contracts"]
    assert held.tolist() == [0, 40, 40, 80, 80]  # VXM: fewer than ten VX
    trades = run.trades
    assert trades["trade_kind"].tolist() == ["opened", "added"]
    assert trades["trade_date"].tolist() == [pd.Timestamp(DAYS[1]), pd.Timestamp(DAYS[3])]


@pytest.mark.parametrize("spans", [[slice(0, 2)], [slice(0, 2), slice(3, 5)], [slice(1, 5)]])
def test_stretches_that_leave_sessions_out_are_refused(spans: list[slice]) -> None:
    with pytest.raises(ValueError, match="stretches"):
        walk(market(), *(stretch(span=span) for span in spans))


def test_second_engine_holds_as_many_calendars_as_its_loss_limit_allows() -> None:
    run = walk(market(), stretch(second_state=ACTIVE))
    legs = run.targets[2].wants[0].legs
    short, wing = sorted((leg for leg in legs if leg.instrument.expiry == SEP), key=lambda leg: leg.contracts)
    width = wing.instrument.strike_pts - short.instrument.strike_pts
    assert -short.contracts == wing.contracts == math.floor(0.005 * NAV / (width * 100))
    assert -short.wanted_contracts == pytest.approx(0.005 * NAV / (width * 100))
    assert run.positions.loc[run.positions["layer"] == "second_engine", "is_model_priced"].all()


def test_band_of_an_option_lies_around_its_mark() -> None:
    run = walk(market(), stretch(second_state=ACTIVE))
    rows = run.positions[run.positions["layer"] == "second_engine"]
    assert ((rows["mark_low_pts"] < rows["mark_pts"]) & (rows["mark_pts"] < rows["mark_high_pts"])).all()
    assert run.positions.loc[run.positions["layer"] == "base", "mark_low_pts"].isna().all()


def test_account_too_small_for_one_spread_holds_none_and_says_why() -> None:
    small = market(nav_usd=50_000)
    run = walk(small, stretch(second_state=ACTIVE))
    assert run.targets[2].wants[0].legs == ()
    assert "one short spread can lose" in run.targets[2].wants[0].reason


def test_listing_is_asked_only_where_the_layer_is_active() -> None:
    found = market()
    path = make_path(len(DAYS), second_state=[0, 2, 2, 0, 0])
    assert listing(found).is_constructible(ARTICLE, path).tolist() == [1, 1, 1, 1, 1]


def test_missing_price_makes_constructing_unknown_and_a_missing_expiry_impossible() -> None:
    path = make_path(len(DAYS), second_state=ACTIVE)
    unpriced = market(vvix=math.nan)
    assert set(listing(unpriced).is_constructible(ARTICLE, path).tolist()) == {-1}
    far = dict(ARTICLE) | {"long_call_least_days": 200, "long_call_highest_days": 210}
    assert set(listing(market()).is_constructible(far, path).tolist()) == {0}


def test_calendar_targets_are_those_of_the_policy() -> None:
    targets = read_calendar_targets(dict(ARTICLE) | {"short_call_delta": 0.3})
    assert (targets.short_call_delta, targets.short_wing_delta, targets.long_call_least_days) == (0.3, 0.1, 90)


RENEWED = [date(2024, 9, 16), date(2024, 9, 17), SEP, date(2024, 9, 19), date(2024, 9, 20)]


@pytest.mark.parametrize(
    ("mode", "may_open", "said"),
    [
        (Mode.PROMOTER, 1, "constructed"),
        (Mode.STEWARD, 1, "no new shorts: the governor is a steward"),
        (Mode.PROMOTER, 0, "no new shorts: the policy permits none today"),
        (Mode.PROMOTER, -1, "no new shorts: the policy permits none today"),
    ],
)
def test_renewal_of_the_shorts_is_a_new_short(mode: Mode, may_open: int, said: str) -> None:
    from transforms.positions import Leg, OptionStructure, SizingRules, VixOption, build_second_engine_targets

    def construct(session: int, nav_usd: float) -> OptionStructure:
        expiry = SEP if session < 2 else OCT
        legs = (Leg(VixOption(expiry, 25.0), -1), Leg(VixOption(expiry, 30.0), 1))
        return OptionStructure(legs, "one spread")

    futures = make_market(RENEWED, {one: [25.0] * 5 for one in (SEP, OCT, NOV, DEC)})
    path = make_path(5, second_state=ACTIVE, mode=[0, 0, mode, mode, mode])
    permitted = np.array([1, 1, may_open, may_open, may_open], np.int8)
    wants = build_second_engine_targets(futures, path, SizingRules(), NAV, construct, permitted).wants
    assert said in wants[2].reason
    assert bool(wants[2].legs) == (said == "constructed")


def test_wanted_vega_is_that_of_the_nearest_contract() -> None:
    run = walk(market(), stretch(temporal_steps=[1] * 5, temporal_state=ACTIVE))
    legs = run.targets[1].wants[0].legs
    assert {leg.instrument for leg in legs} == {VixFuture(SEP, is_mini=True), VixFuture(OCT, is_mini=True)}
    assert run.wanted_vega_usd(Layer.TEMPORAL_VEGA)[0] == pytest.approx(4_000)
