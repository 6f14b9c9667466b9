"""A market and its states cut at a session: the same values, counted anew."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from tests.unit.test_hedge_run import ARTICLE, DAYS, NAV, OCT, SEP, listing, market, stretch
from transforms.hedge import HedgeMarket, run_hedge
from transforms.hedge.slices import (
    put_account,
    slice_calendars,
    slice_futures,
    slice_market,
    slice_path,
    slice_stretches,
)
from transforms.layers import Layer, LayerState
from transforms.positions import Leg, VixOption

ACTIVE = [LayerState.ACTIVE] * 5


def uneven() -> HedgeMarket:
    """A market whose every session is another one."""
    made = market()
    rising = np.arange(5.0)
    futures = replace(
        made.futures,
        settle_pts=made.futures.settle_pts + rising[:, None],
        vix_pts=made.futures.vix_pts + rising,
        betas=made.futures.betas + rising[:, None] / 100,
    )
    volumes = pd.DataFrame({"trade_date": pd.to_datetime(DAYS), "expiry_date": pd.Timestamp(SEP)})
    return replace(
        made,
        futures=futures,
        protected_vega_usd=10_000 + rising,
        spx_close_pts=5_000 + rising,
        spx_rv21_pts=15 + rising,
        short_term_tr=100 + rising,
        short_term_base_dates=list(DAYS),
        volumes=volumes.assign(volume_contracts=rising),
    )


@pytest.mark.parametrize("start", [0, 1, 4])
def test_slice_of_futures_has_the_values_of_its_sessions(start: int) -> None:
    whole = uneven().futures
    cut = slice_futures(whole, start)
    assert list(cut.days) == DAYS[start:]
    for session in range(len(cut)):
        for rank in (1, 2, 3, 4):
            assert cut.expiry_at(session, rank) == whole.expiry_at(session + start, rank)
        assert cut.settled_ticks(session, OCT) == whole.settled_ticks(session + start, OCT)
    assert cut.vix_pts.tolist() == whole.vix_pts[start:].tolist()
    assert cut.betas.tolist() == whole.betas[start:].tolist()


def test_slice_of_a_market_cuts_every_series_and_keeps_the_account() -> None:
    whole, cut = uneven(), slice_market(uneven(), 2)
    for name in ("protected_vega_usd", "spx_close_pts", "spx_rv21_pts", "short_term_tr", "short_term_base_dates"):
        assert list(getattr(cut, name)) == list(getattr(whole, name))[2:]
    assert cut.volumes["volume_contracts"].tolist() == [2.0, 3.0, 4.0]
    assert cut.nav_usd == whole.nav_usd


def test_slice_of_a_path_is_what_was_decided_on_the_whole_history() -> None:
    path = stretch(temporal_steps=[0, 1, 2, 3, 3]).path
    cut = slice_path(path, 3)
    assert cut.temporal_steps.tolist() == [3, 3]
    assert all(len(getattr(cut, field.name)) == 2 for field in fields(cut))


@pytest.mark.parametrize("start", [-1, 5])
def test_slice_from_no_session_is_refused(start: int) -> None:
    for cut in (
        lambda: slice_market(market(), start),
        lambda: slice_path(stretch().path, start),
        lambda: slice_calendars(listing(market()), start),
    ):
        with pytest.raises(ValueError, match="expected a session from 0 to 4"):
            cut()


def test_slice_of_policies_leaves_out_the_one_that_no_longer_decides() -> None:
    both = [stretch(span=slice(0, 2)), stretch(dict(ARTICLE) | {"base_notional_frac": 0.02}, slice(2, 5))]
    assert [one.span for one in slice_stretches(both, 1)] == [slice(0, 1), slice(1, 4)]
    (last,) = slice_stretches(both, 3)
    assert last.span == slice(0, 2)
    assert last.machine["base_notional_frac"] == 0.02
    with pytest.raises(ValueError, match="no policy decides"):
        slice_stretches(both, 5)


def test_slice_of_a_policy_cuts_its_permission_to_sell() -> None:
    permitted = np.array([0, 1, 0, 1, 1], np.int8)
    (cut,) = slice_stretches([replace(stretch(), open_shorts=permitted)], 2)
    assert cut.open_shorts is not None
    assert cut.open_shorts.tolist() == [0, 1, 1]


def test_account_that_enters_late_is_sized_at_its_own_entry() -> None:
    # 0.5 x 100,000 x 0.6 = 30,000 dollars a point are cut to 2% of 10 million: 8,000 at 25, 7,142.857 at 28
    whole = put_account(uneven(), NAV, np.full(5, 100_000.0))
    from_start = run_hedge(whole, [stretch()], listing(whole)).wanted_vega_usd(Layer.BASE)
    late = run_hedge(slice_market(whole, 3), slice_stretches([stretch()], 3), slice_calendars(listing(whole), 3))
    assert from_start[0] == pytest.approx(8_000)
    assert late.wanted_vega_usd(Layer.BASE)[0] == pytest.approx(200_000 / 28)


def test_account_without_a_vega_of_its_own_has_its_share_of_the_model_accounts() -> None:
    assert put_account(market(), NAV / 4).protected_vega_usd.tolist() == [2_500.0] * 5


def test_options_held_at_entry_are_kept_where_new_ones_would_be_made() -> None:
    held = (Leg(VixOption(SEP, 30.0), -3), Leg(VixOption(SEP, 40.0), 3), Leg(VixOption(OCT, 35.0), 3))
    made = run_hedge(market(), [stretch(second_state=ACTIVE)], listing(market())).targets[2]
    kept = run_hedge(market(), [replace(stretch(second_state=ACTIVE), held_options=held)], listing(market())).targets[2]
    assert made.wants[0].reason.startswith("constructed")
    assert [want.legs for want in kept.wants] == [held] * 5
    idle = run_hedge(market(), [replace(stretch(), held_options=held)], listing(market())).targets[2]
    assert not any(want.legs for want in idle.wants)


def test_longer_options_held_at_entry_stay_when_the_shorts_are_closed() -> None:
    held = (Leg(VixOption(SEP, 30.0), -3), Leg(VixOption(SEP, 40.0), 3), Leg(VixOption(OCT, 35.0), 3))
    armed = replace(stretch(second_state=[LayerState.ARMED] * 5), held_options=held)
    assert run_hedge(market(), [armed], listing(market())).targets[2].wants[-1].legs == held[2:]
